#include "tandem/passes/program.h"

#include <algorithm>
#include <string>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/str_cat.h"
#include "tandem/ir/class_type.h"
#include "tandem/tensor/status_macros.h"

namespace tandem {
namespace {

constexpr int kMaxModuleDepth = 1000;

void MarkWrites(const Block& block) {
  for (Node* n : block) {
    if (n->is(NodeKind::kSetAttr)) {
      if (const ClassType* type = n->input(0)->type()->AsClass();
          type != nullptr) {
        if (const auto slot = type->FindAttribute(n->attribute_name());
            slot.has_value()) {
          type->attributes()[*slot].is_written = true;
        }
      }
    }
    for (const Block* b : n->blocks()) MarkWrites(*b);
    if (const NodeAttribute* a = n->FindAttribute("Subgraph"); a != nullptr) {
      MarkWrites(*std::get<std::shared_ptr<Graph>>(a->payload)->block());
    }
  }
}

// Modules copied, the rest shared.
class ModuleCopier {
 public:
  absl::StatusOr<IValue> Copy(const IValue& v, int depth) {
    if (!v.is_object() || !v.AsObject().type()->is_module()) return v;
    if (depth > kMaxModuleDepth) {
      return absl::InvalidArgumentError("modules are nested too deeply");
    }
    const ModuleObject& object = v.AsObject();
    if (const auto it = done_.find(&object); it != done_.end()) {
      return IValue(it->second);
    }
    auto copy = MakeRef<ModuleObject>(object.type());
    done_[&object] = copy;
    for (size_t i = 0; i < object.num_slots(); ++i) {
      TANDEM_ASSIGN_OR_RETURN(IValue c, Copy(object.Get(i), depth + 1));
      copy->Set(i, std::move(c));
    }
    return IValue(copy);
  }

 private:
  absl::flat_hash_map<const ModuleObject*, Ref<ModuleObject>> done_;
};

// Values of class `from` become of class `to`; subgraphs are made the graph's
// own.
void Retype(Graph* graph, const ClassType* from, const TypePtr& to);

void RetypeBlock(Block* block, const ClassType* from, const TypePtr& to) {
  const auto retype = [&](Value* v) {
    if (v->type()->AsClass() == from) v->set_type(to);
  };
  for (Value* v : block->inputs()) retype(v);
  for (Node* n : *block) {
    for (Value* v : n->outputs()) retype(v);
    for (Block* b : n->blocks()) RetypeBlock(b, from, to);
    const NodeAttribute* a = n->FindAttribute("Subgraph");
    if (a == nullptr) continue;
    std::shared_ptr<Graph> copy =
        std::get<std::shared_ptr<Graph>>(a->payload)->Clone();
    Retype(copy.get(), from, to);
    n->SetAttribute("Subgraph", std::move(copy));
  }
}

void Retype(Graph* graph, const ClassType* from, const TypePtr& to) {
  RetypeBlock(graph->block(), from, to);
}

void CopyBody(Function* from, const ClassType* old_type, const TypePtr& type,
              Function* to) {
  if (absl::Status status = from->EnsureDefined(); !status.ok()) {
    to->set_schema(from->schema());
    to->set_compiler([status](Function&) { return status; });
    return;
  }
  FunctionSchema schema = from->schema();
  for (Argument& a : schema.arguments) {
    if (a.type->AsClass() == old_type) a.type = type;
  }
  to->set_schema(std::move(schema));
  if (from->graph() == nullptr) return;
  std::unique_ptr<Graph> graph = from->graph()->Clone();
  Retype(graph.get(), old_type, type);
  to->set_graph(std::move(graph));
}

}  // namespace

void MarkWrittenAttributes(const CompilationUnit& unit) {
  // Compiling may add functions.
  for (size_t i = 0; i < unit.functions().size(); ++i) {
    Function* f = unit.functions()[i].get();
    if (f->EnsureDefined().ok() && f->graph() != nullptr) {
      MarkWrites(*f->graph()->block());
    }
  }
}

std::vector<Function*> FunctionsOf(const Program& program) {
  const ClassType& type = program.type();
  std::vector<Function*> functions;
  const auto add = [&](Function* f) {
    if (f != nullptr &&
        std::find(functions.begin(), functions.end(), f) == functions.end()) {
      functions.push_back(f);
    }
  };
  for (Function* f : type.methods()) add(f);
  for (Function* f : type.forward_pre_hooks) add(f);
  for (Function* f : type.forward_hooks) add(f);
  for (const ClassType::Property& p : type.properties) {
    add(p.getter);
    add(p.setter);
  }
  return functions;
}

absl::StatusOr<Program> Derive(const Program& program,
                               const DeriveOptions& options) {
  const std::shared_ptr<CompilationUnit>& base =
      program.base != nullptr ? program.base : program.unit;
  // What is called in the base, or reads what it wrote, must know.
  if (!base->writes_marked.load(std::memory_order_acquire)) {
    MarkWrittenAttributes(*base);
  }
  const ClassType& old_type = program.type();
  auto unit = std::shared_ptr<CompilationUnit>(
      new CompilationUnit(&base->operators()),
      [base](CompilationUnit* u) { delete u; });
  ClassType* type = unit->AddClass(old_type.name(), old_type.is_module());
  const TypePtr type_ptr = type->shared();
  std::vector<size_t> slots;
  for (size_t i = 0; i < old_type.attributes().size(); ++i) {
    const ClassType::Attribute& a = old_type.attributes()[i];
    if (options.keep_attribute && !options.keep_attribute(a.name)) continue;
    ClassType::Attribute copy = a;
    copy.is_written = false;
    TANDEM_RETURN_IF_ERROR(type->AddAttribute(std::move(copy)));
    slots.push_back(i);
  }
  for (const ClassType::Constant& c : old_type.constants()) {
    type->AddConstant(c);
  }

  absl::flat_hash_map<Function*, Function*> copies;
  const auto copy = [&](Function* f) -> Function* {
    if (f == nullptr) return nullptr;
    Function*& to = copies[f];
    if (to == nullptr) to = unit->AddMethod(type, f->name());
    return to;
  };
  for (Function* f : old_type.methods()) {
    if (options.keep_method && !options.keep_method(f->name())) continue;
    type->AddMethod(copy(f));
  }
  for (Function* f : old_type.forward_pre_hooks) {
    type->forward_pre_hooks.push_back(copy(f));
  }
  for (Function* f : old_type.forward_hooks) {
    type->forward_hooks.push_back(copy(f));
  }
  for (const ClassType::Property& p : old_type.properties) {
    type->properties.push_back({p.name, copy(p.getter), copy(p.setter)});
  }
  for (const auto& [from, to] : copies) {
    CopyBody(from, &old_type, type_ptr, to);
    if (options.consume) from->set_graph(nullptr);
  }

  auto object = MakeRef<ModuleObject>(type->shared());
  ModuleCopier copier;
  for (size_t i = 0; i < slots.size(); ++i) {
    TANDEM_ASSIGN_OR_RETURN(IValue v,
                            copier.Copy(program.object->Get(slots[i]), 0));
    object->Set(i, std::move(v));
  }
  return Program{std::move(unit), std::move(object), base};
}

}  // namespace tandem
