// Whole programs as canonical text.
#include <algorithm>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "tandem/ir/canonical_lexer.h"
#include "tandem/ir/canonical_printer.h"
#include "tandem/ir/class_type.h"
#include "tandem/ir/literal.h"

namespace tandem {
namespace canonical {
namespace {

// Calls `f` with each object inside the value.
template <typename F>
void ForEachObject(const IValue& value, int depth, F&& f) {
  if (depth > kMaxValueDepth) return;
  switch (value.tag()) {
    case IValue::Tag::kObject:
      return f(value.AsObject());
    case IValue::Tag::kList:
      for (const IValue& v : value.AsList().values) {
        ForEachObject(v, depth + 1, f);
      }
      return;
    case IValue::Tag::kTuple:
      for (const IValue& v : value.AsTuple().values) {
        ForEachObject(v, depth + 1, f);
      }
      return;
    case IValue::Tag::kDict:
      value.AsDict().ForEach([&](const IValue&, const IValue& v) {
        ForEachObject(v, depth + 1, f);
      });
      return;
    case IValue::Tag::kOpaque:
      return ForEachObject(value.AsOpaque().state, depth + 1, f);
    default:
      return;
  }
}

template <typename F>
void ForEachConstant(const Block& block, F&& f) {
  for (const Node* n : block) {
    for (const NodeAttribute& a : n->attributes()) {
      if (const auto* v = std::get_if<IValue>(&a.payload)) f(*v);
      const auto* g = std::get_if<std::shared_ptr<Graph>>(&a.payload);
      if (g != nullptr && *g != nullptr) ForEachConstant(*(*g)->block(), f);
    }
    for (const Block* b : n->blocks()) ForEachConstant(*b, f);
  }
}

class ProgramPrinter : public Printer {
 public:
  ProgramPrinter(const CompilationUnit& unit,
                 const CanonicalPrintOptions& options)
      : Printer(options), unit_(unit) {}

  absl::StatusOr<std::string> Print(const IValue& root) {
    for (const auto& f : unit_.functions()) {
      const size_t n = ++labels_taken_[f->qualified_name()];
      labels_.emplace(f.get(), n);
    }
    NumberObjects(root);
    Append("program 1\n");
    for (const TypePtr& t : unit_.types()) PrintDefinition(t);
    for (const auto& f : unit_.functions()) PrintFunction(*f);
    for (const ModuleObject* o : objects_) PrintState(*o);
    if (!root.is_none()) {
      Append("root ");
      PrintValue(root);
      Append("\n");
    }
    PrintSources();
    return Finish();
  }

 private:
  std::string LabelOf(const Function& function) const override {
    const auto found = labels_.find(&function);
    std::string label = Printer::LabelOf(function);
    if (found != labels_.end() && found->second > 1) {
      absl::StrAppend(&label, "~", found->second);
    }
    return label;
  }

  bool IsDefined(const Type& type) const override {
    const TypePtr found = unit_.FindType(type.name());
    return found.get() == &type ||
           (found != nullptr && type.is_named_tuple() && found->Equals(type));
  }

  bool PrintObject(const ModuleObject& object) override {
    const auto found = object_index_.find(&object);
    if (found == object_index_.end()) return false;
    Append(absl::StrCat("object(", found->second, ")"));
    return true;
  }

  // ---- Types

  // NamedTuples stand behind what their fields name.
  void PrintDependencies(const Type& type) {
    for (const TypePtr& e : type.elements()) {
      if (!e->name().empty() && IsDefined(*e)) {
        PrintDefinition(unit_.FindType(e->name()));
      }
      PrintDependencies(*e);
    }
  }

  void PrintDefinition(const TypePtr& type) {
    // Another of the same name has taken its place.
    if (unit_.FindType(type->name()) != type) return;
    if (!printed_.insert(type.get()).second) return;
    if (const ClassType* c = type->AsClass(); c != nullptr)
      return PrintClass(*c);
    if (const EnumType* e = type->AsEnum(); e != nullptr) return PrintEnum(*e);
    if (const InterfaceType* i = type->AsInterface(); i != nullptr) {
      return PrintInterface(*i);
    }
    PrintDependencies(*type);
    Append("namedtuple ");
    PrintName(type->name());
    Append("(");
    for (size_t i = 0; i < type->elements().size(); ++i) {
      if (i != 0) Append(", ");
      PrintName(i < type->field_names().size() ? type->field_names()[i] : "");
      Append(" : ");
      PrintType(*type->element(i));
    }
    Append(")\n");
  }

  void PrintReference(const Function* function) {
    if (labels_.contains(function)) {
      return Append(absl::StrCat("@", LabelOf(*function)));
    }
    Fail("a class names a function that is not of the program");
  }

  void PrintClass(const ClassType& c) {
    Append("class ");
    PrintName(c.name());
    Append(absl::StrCat(c.is_module() ? " module" : "",
                        c.is_opaque() ? " opaque\n" : "\n"));
    for (const ClassType::Attribute& a : c.attributes()) {
      Append(a.is_parameter ? "  parameter "
                            : (a.is_buffer ? "  buffer " : "  attribute "));
      PrintName(a.name);
      Append(" : ");
      PrintType(*a.type);
      Append(a.is_parameter && a.is_buffer ? " buffer\n" : "\n");
    }
    for (const ClassType::Constant& k : c.constants()) {
      Append("  constant ");
      PrintName(k.name);
      if (k.type != nullptr) {
        Append(" : ");
        PrintType(*k.type);
      }
      Append(" = ");
      PrintValue(k.value);
      Append("\n");
    }
    const auto functions = [&](absl::string_view word, const auto& list) {
      for (const Function* f : list) {
        Append(word);
        PrintReference(f);
        Append("\n");
      }
    };
    functions("  method ", c.methods());
    functions("  forward_pre_hook ", c.forward_pre_hooks);
    functions("  forward_hook ", c.forward_hooks);
    for (const ClassType::Property& p : c.properties) {
      Append("  property ");
      PrintName(p.name);
      for (const auto& [word, accessor] :
           {std::make_pair(" get ", p.getter), {" set ", p.setter}}) {
        if (accessor == nullptr) continue;
        Append(word);
        PrintReference(accessor);
      }
      Append("\n");
    }
  }

  void PrintEnum(const EnumType& e) {
    Append("enum ");
    PrintName(e.name());
    Append(" : ");
    PrintType(*e.value_type());
    Append("\n");
    for (const auto& [name, value] : e.members()) {
      Append("  member ");
      PrintName(name);
      Append(" = ");
      PrintValue(value);
      Append("\n");
    }
  }

  void PrintInterface(const InterfaceType& i) {
    Append("interface ");
    PrintName(i.name());
    Append(i.is_module() ? " module\n" : "\n");
    for (const FunctionSchema& m : i.methods()) {
      Append("  requires ");
      PrintName(m.name);
      PrintSignature(m, m.name);
      Append("\n");
    }
  }

  // ---- Signatures

  void PrintAlias(const AliasInfo& alias) {
    const auto names = [&](const std::vector<std::string>& set) {
      for (size_t i = 0; i < set.size(); ++i) {
        if (i != 0) Append(" | ");
        Append(QuoteString(set[i]));
      }
    };
    Append("(");
    names(alias.before);
    if (alias.is_write) Append("!");
    Append(" -> ");
    names(alias.after);
    for (const AliasInfo& c : alias.contained) PrintAlias(c);
    Append(")");
  }

  void PrintArguments(const std::vector<Argument>& arguments, bool and_more) {
    Append("(");
    bool first = true;
    for (const Argument& a : arguments) {
      if (!first) Append(", ");
      first = false;
      if (!a.name.empty()) {
        PrintName(a.name);
        Append(" : ");
      }
      PrintType(*a.type);
      if (a.default_value.has_value()) {
        Append(" = ");
        PrintValue(*a.default_value);
      }
      if (a.fixed_size.has_value()) {
        Append(absl::StrCat(" size ", *a.fixed_size));
      }
      if (a.kwarg_only) Append(" keyword");
      if (a.is_out) Append(" out");
      if (a.alias.has_value()) {
        Append(" alias");
        PrintAlias(*a.alias);
      }
    }
    if (and_more) Append(first ? "..." : ", ...");
    Append(")");
  }

  void PrintSignature(const FunctionSchema& schema, absl::string_view name) {
    if (schema.name != name || !schema.overload_name.empty()) {
      Append(absl::StrCat(" named ", QuoteString(schema.name)));
      if (!schema.overload_name.empty()) {
        Append(absl::StrCat(" ", QuoteString(schema.overload_name)));
      }
      Append(" ");
    }
    PrintArguments(schema.arguments, schema.is_vararg);
    Append(" -> ");
    PrintArguments(schema.returns, schema.is_varret);
  }

  // ---- Functions

  void PrintFunction(const Function& f) {
    Append(absl::StrCat("function ", LabelOf(f)));
    if (f.owner() != nullptr) {
      Append(" of ");
      PrintType(*f.owner());
      if (f.qualified_name() !=
          absl::StrCat(f.owner()->name(), ".", f.name())) {
        Fail(absl::StrCat("the method ", f.qualified_name(),
                          " is named after another class"));
      }
    }
    PrintSignature(f.schema(), f.name());
    Append("\n");
    if (f.graph() == nullptr) return;
    Append("  ");
    PrintGraph(*f.graph(), 2);
  }

  // ---- Objects

  // As for subgraphs: users before what they use.
  void NumberObjects(const IValue& root) {
    absl::flat_hash_map<const ModuleObject*, bool> done;
    std::vector<const ModuleObject*> order;
    const auto visit = [&](const IValue& value, int depth,
                           const auto& self) -> void {
      absl::flat_hash_set<const ModuleObject*> met;
      std::vector<const ModuleObject*> children;
      const auto add = [&](const ModuleObject& o) {
        if (met.insert(&o).second) children.push_back(&o);
      };
      if (value.is_object() && depth > 0) {
        for (size_t i = 0; i < value.AsObject().num_slots(); ++i) {
          ForEachObject(value.AsObject().Get(i), 0, add);
        }
      } else {
        ForEachObject(value, 0, add);
      }
      if (depth > kMaxValueDepth) return Fail("objects are nested too deeply");
      for (size_t i = children.size(); i > 0; --i) {
        const ModuleObject* child = children[i - 1];
        const auto [it, is_new] = done.try_emplace(child, false);
        if (!is_new) {
          if (!it->second) Fail("objects refer to each other in a circle");
          continue;
        }
        self(IValue(Ref<ModuleObject>::Share(const_cast<ModuleObject*>(child))),
             depth + 1, self);
        done[child] = true;
        order.push_back(child);
      }
    };
    // Constants first: what is done last gets the lowest number.
    for (size_t i = unit_.functions().size(); i > 0; --i) {
      const Graph* graph = unit_.functions()[i - 1]->graph();
      if (graph == nullptr) continue;
      ForEachConstant(*graph->block(),
                      [&](const IValue& v) { visit(v, 0, visit); });
    }
    visit(root, 0, visit);
    for (size_t i = order.size(); i > 0; --i) {
      object_index_.emplace(order[i - 1], objects_.size());
      objects_.push_back(order[i - 1]);
    }
  }

  void PrintState(const ModuleObject& object) {
    Append(absl::StrCat("object ", object_index_[&object], " : "));
    PrintType(*object.type());
    Append("\n");
    const auto attributes = object.type()->attributes();
    if (object.num_slots() != attributes.size()) {
      return Fail("an object has other attributes than its class");
    }
    for (size_t i = 0; i < attributes.size(); ++i) {
      Append("  ");
      PrintName(attributes[i].name);
      Append(" = ");
      PrintValue(object.Get(i));
      Append("\n");
    }
  }

  const CompilationUnit& unit_;
  absl::flat_hash_map<std::string, size_t> labels_taken_;
  absl::flat_hash_map<const Function*, size_t> labels_;
  absl::flat_hash_set<const Type*> printed_;
  std::vector<const ModuleObject*> objects_;
  absl::flat_hash_map<const ModuleObject*, size_t> object_index_;
};

}  // namespace
}  // namespace canonical

absl::StatusOr<std::string> PrintCanonicalProgram(
    const CompilationUnit& unit, const IValue& root,
    const CanonicalPrintOptions& options) {
  return canonical::ProgramPrinter(unit, options).Print(root);
}

}  // namespace tandem
