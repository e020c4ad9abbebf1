#include "tandem/serialization/tandem/graph_checker.h"

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "tandem/ir/class_type.h"
#include "tandem/ir/graph.h"
#include "tandem/ir/print.h"
#include "tandem/ir/verifier.h"
#include "tandem/serialization/tandem/type_matching.h"
#include "tandem/serialization/tandem/type_reader.h"
#include "tandem/tensor/status_macros.h"

namespace tandem::model_file {
namespace {

constexpr size_t kAny = SIZE_MAX;

// How many inputs, outputs and blocks a node of the language has.
struct Shape {
  size_t inputs, outputs, blocks = 0;
};

Shape ShapeOf(NodeKind kind) {
  switch (kind) {
    case NodeKind::kConstant:
    case NodeKind::kUninitialized:
    case NodeKind::kCreateObject:
      return {0, 1};
    case NodeKind::kIf:
      return {1, kAny, 2};
    case NodeKind::kLoop:
      return {kAny, kAny, 1};
    case NodeKind::kListConstruct:
    case NodeKind::kTupleConstruct:
    case NodeKind::kDictConstruct:
    case NodeKind::kFork:
    case NodeKind::kAwaitable:
      return {kAny, 1};
    case NodeKind::kListUnpack:
    case NodeKind::kTupleUnpack:
    case NodeKind::kEnter:
    case NodeKind::kExit:
      return {1, kAny};
    case NodeKind::kTupleIndex:
    case NodeKind::kModuleContainerIndex:
      return {2, 1};
    case NodeKind::kTupleSlice:
    case NodeKind::kGetAttr:
    case NodeKind::kUncheckedCast:
    case NodeKind::kIsInstance:
    case NodeKind::kEnumName:
    case NodeKind::kEnumValue:
      return {1, 1};
    case NodeKind::kSetAttr:
      return {2, 0};
    case NodeKind::kToList:
      return {3, 1};
    case NodeKind::kPrint:
    case NodeKind::kRaiseException:
      return {kAny, 0};
    default:
      return {kAny, kAny};
  }
}

template <typename T>
bool HasAttribute(const Node& n, absl::string_view name) {
  const NodeAttribute* a = n.FindAttribute(name);
  return a != nullptr && std::holds_alternative<T>(a->payload);
}

// Are the parts of the node there that everybody who meets one relies on? The
// verifier and the printer of graphs do, so this comes before both.
bool IsWhole(const Node& n) {
  if (n.is(NodeKind::kOperator)) {
    const FunctionSchema& schema = n.op()->schema;
    const bool inputs = schema.is_vararg
                            ? n.inputs().size() >= schema.arguments.size()
                            : n.inputs().size() == schema.arguments.size();
    return inputs && n.blocks().empty() &&
           (schema.is_varret || n.outputs().size() == schema.returns.size());
  }
  const Shape shape = ShapeOf(n.kind());
  if ((shape.inputs != kAny && n.inputs().size() != shape.inputs) ||
      (shape.outputs != kAny && n.outputs().size() != shape.outputs) ||
      n.blocks().size() != shape.blocks) {
    return false;
  }
  switch (n.kind()) {
    case NodeKind::kLoop: {
      const size_t carried = n.outputs().size();
      return n.inputs().size() == carried + 2 &&
             n.block()->inputs().size() == carried + 1 &&
             n.block()->outputs().size() == carried + 1;
    }
    case NodeKind::kDictConstruct:
      return n.inputs().size() % 2 == 0;
    case NodeKind::kRaiseException:
    case NodeKind::kCallFunction:
      return !n.inputs().empty();
    case NodeKind::kCallMethod:
      return !n.inputs().empty() && HasAttribute<std::string>(n, "name");
    case NodeKind::kGetAttr:
    case NodeKind::kSetAttr:
      return HasAttribute<std::string>(n, "name");
    case NodeKind::kTupleSlice:
      return HasAttribute<int64_t>(n, "beg") && HasAttribute<int64_t>(n, "end");
    case NodeKind::kIsInstance:
      return HasAttribute<std::vector<TypePtr>>(n, "types");
    case NodeKind::kFork:
    case NodeKind::kAwaitable:
      return HasAttribute<std::shared_ptr<Graph>>(n, "Subgraph");
    default:
      return true;
  }
}

absl::Status CheckWhole(const Block& block) {
  int64_t number = 0;
  for (const Node* n : block) {
    const NodeAttribute* subgraph = n->FindAttribute("Subgraph");
    const auto* graph =
        subgraph == nullptr
            ? nullptr
            : std::get_if<std::shared_ptr<Graph>>(&subgraph->payload);
    if (!IsWhole(*n) || (subgraph != nullptr && graph == nullptr)) {
      return BadEntry("nodes of a block", number,
                      absl::StrCat("it is no whole ", n->name()));
    }
    for (const Block* b : n->blocks()) TANDEM_RETURN_IF_ERROR(CheckWhole(*b));
    if (graph != nullptr)
      TANDEM_RETURN_IF_ERROR(CheckWhole(*(*graph)->block()));
    ++number;
  }
  return absl::OkStatus();
}

class Checker {
 public:
  absl::Status Check(const Graph& graph) { return CheckBlock(*graph.block()); }

 private:
  static absl::Status Wrong(const Node& n, absl::string_view what) {
    std::string text = NodeToString(n, false);
    text = text.substr(0, std::min<size_t>(text.find('\n'), 400));
    return absl::InvalidArgumentError(
        absl::StrCat(what, " at `", absl::StripAsciiWhitespace(text), "`"));
  }

  absl::Status CheckBlock(const Block& block) {
    for (const Node* n : block) {
      TANDEM_RETURN_IF_ERROR(CheckNode(*n));
      for (const Block* b : n->blocks()) TANDEM_RETURN_IF_ERROR(CheckBlock(*b));
    }
    return absl::OkStatus();
  }

  static absl::Status Input(const Node& n, size_t i, const Type& expected) {
    if (i >= n.inputs().size()) return Wrong(n, "an input is missing");
    if (Fits(*n.input(i)->type(), expected)) return absl::OkStatus();
    return Wrong(
        n, absl::StrCat("input ", i, " is ", n.input(i)->type()->ToString(),
                        ", not ", expected.ToString()));
  }

  // What the node gives is of type `given`; is that what it declares?
  static absl::Status Output(const Node& n, size_t i, const Type& given) {
    if (i >= n.outputs().size()) return Wrong(n, "an output is missing");
    const Type& declared = *n.output(i)->type();
    if (SameRegister(given, declared) && Fits(given, declared)) {
      return absl::OkStatus();
    }
    return Wrong(n, absl::StrCat("output ", i, " is ", given.ToString(),
                                 ", not ", declared.ToString()));
  }

  static absl::Status Count(const Node& n, size_t inputs, size_t outputs) {
    if (n.inputs().size() == inputs && n.outputs().size() == outputs) {
      return absl::OkStatus();
    }
    return Wrong(n, absl::StrCat(n.name(), " takes ", inputs,
                                 " inputs and gives ", outputs));
  }

  absl::Status CheckNode(const Node& n) {
    if (const NodeAttribute* a = n.FindAttribute("Subgraph"); a != nullptr) {
      TANDEM_RETURN_IF_ERROR(
          Check(*std::get<std::shared_ptr<Graph>>(a->payload)));
    }
    switch (n.kind()) {
      case NodeKind::kOperator:
        return CheckOperator(n);
      case NodeKind::kConstant:
        return CheckConstant(n);
      case NodeKind::kLoop:
        return CheckLoop(n);
      case NodeKind::kCallFunction:
      case NodeKind::kCallMethod:
        return CheckCall(n);
      case NodeKind::kFork:
        return CheckFork(n);
      case NodeKind::kGetAttr:
      case NodeKind::kSetAttr:
        // The verifier compares types where the class is known.
        if (n.input()->type()->AsClass() == nullptr) {
          return Wrong(n, "attributes are those of objects");
        }
        if (n.is(NodeKind::kGetAttr)) {
          const ClassType& type = *n.input()->type()->AsClass();
          return Output(
              n, 0,
              *type.attributes()[*type.FindAttribute(n.attribute_name())].type);
        }
        return absl::OkStatus();
      case NodeKind::kListUnpack: {
        const Type& type = *n.input()->type();
        if (!type.is(TypeKind::kList)) return Wrong(n, "it is no list");
        for (size_t i = 0; i < n.outputs().size(); ++i) {
          TANDEM_RETURN_IF_ERROR(Output(n, i, *type.element()));
        }
        return absl::OkStatus();
      }
      case NodeKind::kTupleUnpack: {
        const Type& type = *n.input()->type();
        if (!type.is(TypeKind::kTuple) ||
            type.elements().size() != n.outputs().size()) {
          return Wrong(n, "it is no such tuple");
        }
        for (size_t i = 0; i < n.outputs().size(); ++i) {
          TANDEM_RETURN_IF_ERROR(Output(n, i, *type.element(i)));
        }
        return absl::OkStatus();
      }
      case NodeKind::kTupleIndex:
        return CheckTupleIndex(n);
      case NodeKind::kTupleSlice:
        return CheckTupleSlice(n);
      case NodeKind::kCreateObject: {
        const ClassType* type = n.output()->type()->AsClass();
        if (type == nullptr || type->is_opaque()) {
          return Wrong(n, "what it makes is no object");
        }
        return absl::OkStatus();
      }
      case NodeKind::kIsInstance:
        return Output(n, 0, *Type::Bool());
      case NodeKind::kToList:
        return CheckToList(n);
      case NodeKind::kEnumName:
      case NodeKind::kEnumValue:
        return CheckEnum(n);
      case NodeKind::kModuleContainerIndex:
        return CheckModuleIndex(n);
      case NodeKind::kEnter:
      case NodeKind::kExit:
        return CheckEnterExit(n);
      default:
        // Verified, or nothing that runs.
        return absl::OkStatus();
    }
  }

  absl::Status CheckOperator(const Node& n) {
    const FunctionSchema& schema = n.op()->schema;
    TypeVariables variables;
    for (size_t i = 0; i < schema.arguments.size(); ++i) {
      if (!MatchFormal(schema.arguments[i].type, n.input(i)->type(),
                       &variables)) {
        return Wrong(
            n, absl::StrCat("input ", i, " is ", n.input(i)->type()->ToString(),
                            ", which ", schema.ToString(), " does not take"));
      }
    }
    // Once more: a variable may have become wider.
    for (size_t i = 0; i < schema.arguments.size(); ++i) {
      if (!MatchFormal(schema.arguments[i].type, n.input(i)->type(),
                       &variables)) {
        return Wrong(
            n, absl::StrCat("input ", i, " is ", n.input(i)->type()->ToString(),
                            ", which does not fit the others"));
      }
    }
    const std::string& name = schema.name;
    if (name == "prim::ModuleContainerIndex") return CheckModuleIndex(n);
    if (name == "prim::EnumName" || name == "prim::EnumValue") {
      return CheckEnum(n);
    }
    if (name == "aten::sort" || name == "aten::sorted") {
      TANDEM_RETURN_IF_ERROR(CheckSort(n));
    }
    if (schema.is_varret) return absl::OkStatus();
    for (size_t i = 0; i < schema.returns.size(); ++i) {
      // Classes bound from C++ are variables of their names.
      const Type& formal = *schema.returns[i].type;
      if (formal.is(TypeKind::kVar) && i < n.outputs().size() &&
          n.output(i)->type()->is(TypeKind::kClass) &&
          n.output(i)->type()->AsClass()->is_opaque() &&
          n.output(i)->type()->name() == formal.name()) {
        continue;
      }
      const TypePtr type = Substitute(schema.returns[i].type, variables);
      if (type == nullptr) {
        return Wrong(n, absl::StrCat("the type of output ", i,
                                     " does not follow from the inputs"));
      }
      TANDEM_RETURN_IF_ERROR(Output(n, i, *type));
    }
    return absl::OkStatus();
  }

  // sort() calls __lt__ of the elements.
  static absl::Status CheckSort(const Node& n) {
    if (n.inputs().empty() || !n.input()->type()->is(TypeKind::kList)) {
      return absl::OkStatus();
    }
    const TypePtr& element = n.input()->type()->element();
    const ClassType* type = element->AsClass();
    if (type == nullptr) return absl::OkStatus();
    const Function* less = type->FindMethod("__lt__");
    if (less == nullptr) return absl::OkStatus();
    const FunctionSchema& schema = less->schema();
    if (schema.arguments.size() != 2 || schema.returns.size() != 1 ||
        !Fits(*element, *schema.arguments[1].type) ||
        !schema.returns[0].type->is(TypeKind::kBool)) {
      return Wrong(n, absl::StrCat(type->name(), ".__lt__ compares nothing"));
    }
    return absl::OkStatus();
  }

  static absl::Status CheckConstant(const Node& n) {
    const IValue value = n.constant();
    const Type& type = *n.output()->type();
    if (value.is_function()) {
      return type.is(TypeKind::kFunction) ? absl::OkStatus()
                                          : Wrong(n, "it is a function");
    }
    if (value.is_none() && !type.MayBeNone() && !type.is(TypeKind::kTensor) &&
        !type.is(TypeKind::kGenerator)) {
      return Wrong(n, "None is no such constant");
    }
    return absl::OkStatus();
  }

  static absl::Status CheckLoop(const Node& n) {
    const Block& body = *n.block();
    if (!body.input(0)->type()->is(TypeKind::kInt)) {
      return Wrong(n, "the counter is no int");
    }
    for (size_t i = 0; i < n.outputs().size(); ++i) {
      if (!SameRegister(*body.input(i + 1)->type(), *n.output(i)->type())) {
        return Wrong(n, "a carried value changes its kind");
      }
    }
    return absl::OkStatus();
  }

  static absl::Status CheckCall(const Node& n) {
    const FunctionSchema* schema = nullptr;
    const Graph* graph = nullptr;
    size_t first = 0;
    if (n.is(NodeKind::kCallFunction)) {
      const std::optional<IValue> callee = ConstantOf(n.input());
      if (!callee.has_value() || !callee->is_function()) {
        return Wrong(n, "what it calls is not known");
      }
      schema = &callee->AsFunction()->schema();
      graph = callee->AsFunction()->graph();
      first = 1;
    } else if (const ClassType* c = n.input()->type()->AsClass();
               c != nullptr) {
      const Function* method = c->FindMethod(n.attribute_name());
      // Of a class bound from C++: nothing that runs.
      if (method == nullptr) return absl::OkStatus();
      schema = &method->schema();
      graph = method->graph();
    } else if (const InterfaceType* i = n.input()->type()->AsInterface();
               i != nullptr) {
      schema = i->FindMethod(n.attribute_name());
    }
    if (schema == nullptr) return Wrong(n, "what it calls is not known");
    if (n.inputs().size() - first != schema->arguments.size()) {
      return Wrong(n, absl::StrCat("the callee takes ",
                                   schema->arguments.size(), " arguments"));
    }
    // Self is what the method was found by.
    const size_t self = n.is(NodeKind::kCallMethod) ? 1 : 0;
    for (size_t i = self; i < schema->arguments.size(); ++i) {
      TANDEM_RETURN_IF_ERROR(Input(n, first + i, *schema->arguments[i].type));
    }
    // A function that was never compiled is none that runs.
    if (graph == nullptr && schema->returns.empty()) return absl::OkStatus();
    if (n.outputs().size() != std::max<size_t>(schema->returns.size(), 1) ||
        (graph != nullptr && graph->outputs().size() != n.outputs().size())) {
      return Wrong(n, "the callee gives another number of results");
    }
    for (size_t i = 0; i < n.outputs().size(); ++i) {
      const Type& given = graph != nullptr ? *graph->outputs()[i]->type()
                          : schema->returns.empty() ? *Type::None()
                                                    : *schema->returns[i].type;
      const Type& declared = *n.output(i)->type();
      if (!Fits(given, declared)) {
        return Wrong(n, absl::StrCat("the callee gives ", given.ToString(),
                                     ", not ", declared.ToString()));
      }
      if (i < schema->returns.size() &&
          !Fits(*schema->returns[i].type, declared)) {
        return Wrong(n, "the callee's result is another");
      }
    }
    return absl::OkStatus();
  }

  static absl::Status CheckFork(const Node& n) {
    const Graph& body = *n.Get<std::shared_ptr<Graph>>("Subgraph");
    for (size_t i = 0; i < body.inputs().size(); ++i) {
      TANDEM_RETURN_IF_ERROR(Input(n, i, *body.inputs()[i]->type()));
    }
    if (n.outputs().size() != 1 || body.outputs().size() != 1) {
      return Wrong(n, "a fork gives one future");
    }
    return Output(n, 0, *Type::Future(body.outputs()[0]->type()));
  }

  static absl::Status CheckTupleIndex(const Node& n) {
    const Type& type = *n.input()->type();
    if (!type.is(TypeKind::kTuple)) return Wrong(n, "it is no tuple");
    TANDEM_RETURN_IF_ERROR(Input(n, 1, *Type::Int()));
    const std::optional<IValue> index = ConstantOf(n.input(1));
    const int64_t size = static_cast<int64_t>(type.elements().size());
    if (index.has_value() && index->is_int() && index->AsInt() >= -size &&
        index->AsInt() < size) {
      const int64_t i = index->AsInt();
      return Output(n, 0, *type.element(i < 0 ? i + size : i));
    }
    for (const TypePtr& element : type.elements()) {
      TANDEM_RETURN_IF_ERROR(Output(n, 0, *element));
    }
    return absl::OkStatus();
  }

  static absl::Status CheckTupleSlice(const Node& n) {
    const Type& type = *n.input()->type();
    const int64_t begin = n.Get<int64_t>("beg"), end = n.Get<int64_t>("end");
    const int64_t size = static_cast<int64_t>(type.elements().size());
    if (!type.is(TypeKind::kTuple) || begin < 0 || begin > end || end > size) {
      return Wrong(n, "it is no such slice of a tuple");
    }
    const auto elements = type.elements().subspan(begin, end - begin);
    return Output(n, 0, *Type::Tuple({elements.begin(), elements.end()}));
  }

  // tolist(tensor, dim, code): lists nested `dim` deep of what `code` says.
  static absl::Status CheckToList(const Node& n) {
    TANDEM_RETURN_IF_ERROR(Input(n, 0, *Type::Tensor()));
    const std::optional<IValue> dim = ConstantOf(n.input(1));
    const std::optional<IValue> code = ConstantOf(n.input(2));
    if (!dim.has_value() || !dim->is_int() || !code.has_value() ||
        !code->is_int()) {
      return Wrong(n, "depth and type of the list are not known");
    }
    const Type* type = n.output()->type().get();
    for (int64_t d = 0; d < dim->AsInt(); ++d) {
      if (!type->is(TypeKind::kList)) return Wrong(n, "it is no such list");
      type = type->element().get();
    }
    const TypeKind wanted = code->AsInt() == 0   ? TypeKind::kInt
                            : code->AsInt() == 1 ? TypeKind::kFloat
                            : code->AsInt() == 3 ? TypeKind::kBool
                                                 : TypeKind::kComplex;
    return type->is(wanted) ? absl::OkStatus()
                            : Wrong(n, "its elements are others");
  }

  static absl::Status CheckEnum(const Node& n) {
    TANDEM_RETURN_IF_ERROR(Count(n, 1, 1));
    const EnumType* type = n.input()->type()->AsEnum();
    if (absl::EndsWith(n.name(), "EnumName")) {
      if (type == nullptr && !n.input()->type()->is(TypeKind::kAnyEnum)) {
        return Wrong(n, "it is no enum");
      }
      return Output(n, 0, *Type::Str());
    }
    if (type == nullptr) return Wrong(n, "it is no enum");
    const Type& given = *type->value_type();
    // The value comes boxed, whatever its kind.
    return Fits(given, *n.output()->type()) ? absl::OkStatus()
                                            : Wrong(n, "its value is another");
  }

  static absl::Status CheckModuleIndex(const Node& n) {
    TANDEM_RETURN_IF_ERROR(Count(n, 2, 1));
    const ClassType* type = n.input()->type()->AsClass();
    const Type& key = *n.input(1)->type();
    if (type == nullptr ||
        (!key.is(TypeKind::kInt) && !key.is(TypeKind::kStr))) {
      return Wrong(n, "it is no container of modules");
    }
    for (const ClassType::Attribute& a : type->attributes()) {
      const ClassType* child = a.type->AsClass();
      if (child != nullptr && child->is_module()) {
        TANDEM_RETURN_IF_ERROR(Output(n, 0, *a.type));
      }
    }
    return absl::OkStatus();
  }

  // `with`: __enter__(self) and __exit__(self, None, None, None).
  static absl::Status CheckEnterExit(const Node& n) {
    const ClassType* type = n.input()->type()->AsClass();
    const bool enter = n.is(NodeKind::kEnter);
    const Function* method =
        type == nullptr ? nullptr
                        : type->FindMethod(enter ? "__enter__" : "__exit__");
    if (method == nullptr) return Wrong(n, "it is no object for `with`");
    const FunctionSchema& schema = method->schema();
    if (schema.arguments.size() != (enter ? 1u : 4u)) {
      return Wrong(n, "the method takes other arguments");
    }
    for (size_t i = 1; i < schema.arguments.size(); ++i) {
      const Type& t = *schema.arguments[i].type;
      if (!t.MayBeNone() && !t.is(TypeKind::kTensor)) {
        return Wrong(n, "the method takes other arguments");
      }
    }
    for (size_t i = 0; i < n.outputs().size(); ++i) {
      const Type& given =
          i < schema.returns.size() ? *schema.returns[i].type : *Type::None();
      // The result of __exit__ is declared a Tensor, whatever it is, and used
      // by nobody.
      if (!enter && !n.output(i)->has_uses() &&
          n.output(i)->type()->is(TypeKind::kTensor)) {
        continue;
      }
      TANDEM_RETURN_IF_ERROR(Output(n, i, given));
    }
    return absl::OkStatus();
  }
};

absl::Status CheckSignature(const Function& f) {
  const FunctionSchema& schema = f.schema();
  const Graph& graph = *f.graph();
  if (schema.is_vararg || schema.is_varret ||
      schema.arguments.size() != graph.inputs().size() ||
      schema.returns.size() != graph.outputs().size()) {
    return absl::InvalidArgumentError(
        "the signature does not fit the body's inputs and outputs");
  }
  for (size_t i = 0; i < schema.arguments.size(); ++i) {
    const Type& outer = *schema.arguments[i].type;
    const Type& inner = *graph.inputs()[i]->type();
    if (!Fits(outer, inner) || !SameRegister(outer, inner)) {
      return absl::InvalidArgumentError(
          absl::StrCat("argument '", schema.arguments[i].name, "' is ",
                       outer.ToString(), ", in the body ", inner.ToString()));
    }
  }
  if (f.owner() != nullptr &&
      (schema.arguments.empty() ||
       !f.owner()->IsSubtypeOf(*schema.arguments[0].type))) {
    return absl::InvalidArgumentError("a method's first argument is self");
  }
  for (size_t i = 0; i < schema.returns.size(); ++i) {
    if (!Fits(*graph.outputs()[i]->type(), *schema.returns[i].type)) {
      return absl::InvalidArgumentError(absl::StrCat(
          "the body gives ", graph.outputs()[i]->type()->ToString(), ", not ",
          schema.returns[i].type->ToString()));
    }
  }
  return absl::OkStatus();
}

void AddCallees(const Block& block, std::vector<const Function*>* out) {
  for (const Node* n : block) {
    if (n->is(NodeKind::kCallFunction)) {
      const std::optional<IValue> f = ConstantOf(n->input());
      if (f.has_value() && f->is_function()) out->push_back(f->AsFunction());
    } else if (n->is(NodeKind::kCallMethod) && !n->inputs().empty()) {
      const ClassType* type = n->input()->type()->AsClass();
      const Function* f =
          type == nullptr ? nullptr : type->FindMethod(n->attribute_name());
      if (f != nullptr) out->push_back(f);
    }
    for (const Block* b : n->blocks()) AddCallees(*b, out);
    if (const NodeAttribute* a = n->FindAttribute("Subgraph"); a != nullptr) {
      AddCallees(*std::get<std::shared_ptr<Graph>>(a->payload)->block(), out);
    }
  }
}

// No compiler makes functions that call themselves, and nothing that walks over
// calls expects one.
absl::Status CheckCalls(const CompilationUnit& unit) {
  enum class State { kNew, kOpen, kDone };
  struct Entry {
    State state = State::kNew;
    std::vector<const Function*> callees;
    size_t next = 0;
  };
  absl::flat_hash_map<const Function*, Entry> entries;
  for (const auto& f : unit.functions()) {
    Entry& entry = entries[f.get()];
    if (f->graph() != nullptr) AddCallees(*f->graph()->block(), &entry.callees);
  }
  for (const auto& start : unit.functions()) {
    std::vector<const Function*> open;
    if (entries[start.get()].state == State::kNew) open.push_back(start.get());
    while (!open.empty()) {
      Entry& entry = entries[open.back()];
      entry.state = State::kOpen;
      if (entry.next == entry.callees.size()) {
        entry.state = State::kDone;
        open.pop_back();
        continue;
      }
      const Function* callee = entry.callees[entry.next++];
      const State state = entries[callee].state;
      if (state == State::kOpen) {
        return absl::InvalidArgumentError(absl::StrCat(
            "function '", callee->qualified_name(), "' is called recursively"));
      }
      if (state == State::kNew) open.push_back(callee);
    }
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status CheckProgramTypes(const CompilationUnit& unit) {
  for (const auto& f : unit.functions()) {
    if (f->graph() == nullptr) continue;
    if (absl::Status s = CheckWhole(*f->graph()->block()); !s.ok()) {
      return absl::InvalidArgumentError(
          absl::StrCat("function '", f->qualified_name(), "': ", s.message()));
    }
  }
  if (absl::Status s = VerifyUnit(unit); !s.ok()) {
    return absl::InvalidArgumentError(s.message());
  }
  for (const auto& f : unit.functions()) {
    if (f->graph() == nullptr) continue;
    absl::Status status = CheckSignature(*f);
    if (status.ok()) status = Checker().Check(*f->graph());
    if (!status.ok()) {
      return absl::InvalidArgumentError(absl::StrCat(
          "function '", f->qualified_name(), "': ", status.message()));
    }
  }
  return CheckCalls(unit);
}

}  // namespace tandem::model_file
