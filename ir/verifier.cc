#include "tandem/ir/verifier.h"

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "tandem/ir/class_type.h"
#include "tandem/ir/print.h"
#include "tandem/tensor/status_macros.h"

namespace tandem {
namespace {

constexpr int kMaxNesting = 1000;

bool IsBeforeSsa(NodeKind kind) {
  switch (kind) {
    case NodeKind::kLoad:
    case NodeKind::kStore:
    case NodeKind::kReturnStmt:
    case NodeKind::kBreakStmt:
    case NodeKind::kContinueStmt:
    case NodeKind::kLoopContinuation:
    case NodeKind::kClosure:
    case NodeKind::kComprehensionScope:
    case NodeKind::kEmptyListLiteral:
    case NodeKind::kForkClosure:
    case NodeKind::kAwaitableClosure:
    case NodeKind::kWith:
      return true;
    default:
      return false;
  }
}

class Verifier {
 public:
  Verifier(const Graph& graph, const VerifyOptions& options, int depth)
      : graph_(graph), options_(options), depth_(depth) {}

  absl::Status Verify() {
    if (depth_ > kMaxNesting) return absl::InternalError("nested too deeply");
    return VerifyBlock(*graph_.block(), nullptr, 0);
  }

 private:
  absl::Status Wrong(const Node* node, absl::string_view what) const {
    std::string text = NodeToString(*node, false);
    text = text.substr(0, text.find('\n'));
    return absl::InternalError(absl::StrCat("malformed graph: ", what, " at `",
                                            absl::StripAsciiWhitespace(text),
                                            "`"));
  }

  absl::Status Define(absl::Span<Value* const> values, const Node* node) {
    for (size_t i = 0; i < values.size(); ++i) {
      const Value* v = values[i];
      if (v->node() != node || v->index() != i) {
        return Wrong(node, absl::StrCat("output ", i, " names another node"));
      }
      if (v->type() == nullptr) {
        return Wrong(node, absl::StrCat("output ", i, " has no type"));
      }
      if (!defined_.insert(v).second) {
        return Wrong(node,
                     absl::StrCat("%", v->DebugName(), " is defined twice"));
      }
      if (v->has_name() && !names_.insert(v->name()).second) {
        return Wrong(node,
                     absl::StrCat("the name %", v->name(), " is given twice"));
      }
      for (const Use& use : v->uses()) {
        if (use.user->graph() != &graph_ ||
            use.index >= use.user->inputs().size() ||
            use.user->input(use.index) != v) {
          return Wrong(node, absl::StrCat("%", v->DebugName(),
                                          " has a use that is none"));
        }
      }
    }
    return absl::OkStatus();
  }

  absl::Status CheckInputs(const Node* node) {
    for (size_t i = 0; i < node->inputs().size(); ++i) {
      const Value* v = node->input(i);
      if (v == nullptr || v->graph() != &graph_) {
        return Wrong(node,
                     absl::StrCat("input ", i, " belongs to another graph"));
      }
      if (!defined_.contains(v)) {
        return Wrong(node, absl::StrCat("%", v->DebugName(),
                                        " is used before it is defined"));
      }
      ++uses_[v];
    }
    return absl::OkStatus();
  }

  absl::Status VerifyBlock(const Block& block, const Node* owner, int depth) {
    if (depth > kMaxNesting) return absl::InternalError("nested too deeply");
    if (block.owning_node() != owner || block.graph() != &graph_) {
      return absl::InternalError("malformed graph: a block's owner is wrong");
    }
    std::vector<const Value*> scope;
    const auto enter = [&](absl::Span<Value* const> values) {
      scope.insert(scope.end(), values.begin(), values.end());
    };
    TANDEM_RETURN_IF_ERROR(Define(block.inputs(), block.param_node()));
    enter(block.inputs());
    for (const Node* n : block) {
      if (n->owning_block() != &block || n->graph() != &graph_ ||
          n->next() == nullptr || n->next()->prev() != n) {
        return Wrong(n, "the list of nodes is broken");
      }
      TANDEM_RETURN_IF_ERROR(CheckInputs(n));
      for (const Block* b : n->blocks()) {
        TANDEM_RETURN_IF_ERROR(VerifyBlock(*b, n, depth + 1));
      }
      TANDEM_RETURN_IF_ERROR(Define(n->outputs(), n));
      enter(n->outputs());
      TANDEM_RETURN_IF_ERROR(VerifyNode(n));
    }
    TANDEM_RETURN_IF_ERROR(CheckInputs(block.return_node()));
    // Leaving the block: nothing after it sees its values, and all uses of
    // them have been met.
    for (const Value* v : scope) {
      if (uses_[v] != v->uses().size()) {
        return Wrong(v->node(), absl::StrCat("%", v->DebugName(), " has ",
                                             v->uses().size(), " uses, but ",
                                             uses_[v], " inputs name it"));
      }
      defined_.erase(v);
      uses_.erase(v);
    }
    return absl::OkStatus();
  }

  absl::Status Count(const Node* n, size_t inputs, size_t outputs,
                     size_t blocks = 0) const {
    if (n->inputs().size() != inputs || n->outputs().size() != outputs ||
        n->blocks().size() != blocks) {
      return Wrong(n,
                   absl::StrCat(n->name(), " takes ", inputs, " inputs, gives ",
                                outputs, " and has ", blocks, " blocks"));
    }
    return absl::OkStatus();
  }

  template <typename T>
  absl::Status Attribute(const Node* n, absl::string_view name) const {
    const NodeAttribute* a = n->FindAttribute(name);
    if (a == nullptr || !std::holds_alternative<T>(a->payload)) {
      return Wrong(n, absl::StrCat("the attribute '", name, "' is missing"));
    }
    return absl::OkStatus();
  }

  // A value of this type where that one is expected.
  absl::Status Fits(const Node* n, const Type& type, const Type& expected,
                    absl::string_view what) const {
    if (!options_.check_types || type.IsSubtypeOf(expected) ||
        // Details of a tensor are hints.
        (type.is(TypeKind::kTensor) && expected.is(TypeKind::kTensor))) {
      return absl::OkStatus();
    }
    return Wrong(n, absl::StrCat(what, " is ", type.ToString(), ", not ",
                                 expected.ToString()));
  }

  absl::Status VerifyOperator(const Node* n) const {
    const FunctionSchema& schema = n->op()->schema;
    if (!schema.is_vararg && n->inputs().size() != schema.arguments.size()) {
      return Wrong(n, absl::StrCat("the schema ", schema.ToString(), " takes ",
                                   schema.arguments.size(), " inputs"));
    }
    if (!schema.is_varret && n->outputs().size() != schema.returns.size()) {
      return Wrong(n, absl::StrCat("the schema ", schema.ToString(), " gives ",
                                   schema.returns.size(), " results"));
    }
    if (!n->blocks().empty()) return Wrong(n, "an operator has no blocks");
    for (size_t i = 0; i < n->inputs().size() && i < schema.arguments.size();
         ++i) {
      const Type& expected = *schema.arguments[i].type;
      if (!IsPlain(expected)) {
        // Kernels take a list for a list without asking.
        if (options_.check_types && !CouldBe(*n->input(i)->type(), expected)) {
          return Wrong(n, absl::StrCat(schema.arguments[i].name, " is ",
                                       n->input(i)->type()->ToString(),
                                       ", not ", expected.ToString()));
        }
        continue;
      }
      TANDEM_RETURN_IF_ERROR(
          Fits(n, *n->input(i)->type(), expected, schema.arguments[i].name));
    }
    return absl::OkStatus();
  }

  // Types that schemas name other than programs do (ScalarType is int) or that
  // take more than subtypes are left to the compiler.
  static bool IsPlain(const Type& t) {
    switch (t.kind()) {
      case TypeKind::kTensor:
      case TypeKind::kInt:
      case TypeKind::kFloat:
      case TypeKind::kBool:
      case TypeKind::kStr:
        return true;
      default:
        return false;
    }
  }

  // Can a value of that type be one that the schema asks for? Looks at how
  // values are kept, not at subtypes.
  static bool CouldBe(const Type& type, const Type& expected) {
    const TypeKind k = type.kind();
    if (k == TypeKind::kAny || k == TypeKind::kVar || k == TypeKind::kUnion) {
      return true;
    }
    if (expected.is(TypeKind::kOptional)) {
      return k == TypeKind::kNone || CouldBe(type, *expected.element());
    }
    if (k == TypeKind::kOptional) return CouldBe(*type.element(), expected);
    switch (expected.kind()) {
      case TypeKind::kAny:
      case TypeKind::kVar:
      case TypeKind::kUnion:
        return true;
      case TypeKind::kNumber:
        return k == TypeKind::kNumber || k == TypeKind::kInt ||
               k == TypeKind::kFloat || k == TypeKind::kComplex ||
               k == TypeKind::kBool;
      case TypeKind::kInt:
      case TypeKind::kScalarType:
      case TypeKind::kLayout:
      case TypeKind::kMemoryFormat:
      case TypeKind::kQScheme:
        return type.IsSubtypeOf(*Type::Int());
      case TypeKind::kAnyList:
        return k == TypeKind::kList || k == TypeKind::kAnyList;
      case TypeKind::kAnyTuple:
        return k == TypeKind::kTuple || k == TypeKind::kAnyTuple;
      case TypeKind::kAnyEnum:
        return k == TypeKind::kEnum || k == TypeKind::kAnyEnum;
      case TypeKind::kList:
        return k == TypeKind::kList &&
               CouldBe(*type.element(), *expected.element());
      case TypeKind::kDict:
        return k == TypeKind::kDict &&
               CouldBe(*type.element(0), *expected.element(0)) &&
               CouldBe(*type.element(1), *expected.element(1));
      case TypeKind::kTensor:
      case TypeKind::kFloat:
      case TypeKind::kComplex:
      case TypeKind::kBool:
      case TypeKind::kStr:
      case TypeKind::kTuple:
      case TypeKind::kFuture:
      case TypeKind::kDevice:
      case TypeKind::kGenerator:
        return k == expected.kind();
      default:
        return true;
    }
  }

  absl::Status VerifyIf(const Node* n) const {
    TANDEM_RETURN_IF_ERROR(Count(n, 1, n->outputs().size(), 2));
    TANDEM_RETURN_IF_ERROR(
        Fits(n, *n->input()->type(), *Type::Bool(), "the condition"));
    for (const Block* b : n->blocks()) {
      if (!b->inputs().empty() || b->outputs().size() != n->outputs().size()) {
        return Wrong(n, "a branch takes inputs or gives other results");
      }
      for (size_t i = 0; i < n->outputs().size(); ++i) {
        TANDEM_RETURN_IF_ERROR(Fits(n, *b->output(i)->type(),
                                    *n->output(i)->type(),
                                    "a branch's result"));
      }
    }
    return absl::OkStatus();
  }

  absl::Status VerifyLoop(const Node* n) const {
    const size_t carried = n->outputs().size();
    TANDEM_RETURN_IF_ERROR(Count(n, carried + 2, carried, 1));
    const Block& body = *n->block();
    if (body.inputs().size() != carried + 1 ||
        body.outputs().size() != carried + 1) {
      return Wrong(n, "the body does not fit the carried values");
    }
    TANDEM_RETURN_IF_ERROR(
        Fits(n, *n->input(0)->type(), *Type::Int(), "the trip count"));
    TANDEM_RETURN_IF_ERROR(
        Fits(n, *n->input(1)->type(), *Type::Bool(), "the condition"));
    TANDEM_RETURN_IF_ERROR(
        Fits(n, *body.output(0)->type(), *Type::Bool(), "the next condition"));
    for (size_t i = 0; i < carried; ++i) {
      const Type& type = *body.input(i + 1)->type();
      TANDEM_RETURN_IF_ERROR(
          Fits(n, *n->input(i + 2)->type(), type, "a carried value"));
      TANDEM_RETURN_IF_ERROR(
          Fits(n, *body.output(i + 1)->type(), type, "a carried result"));
      TANDEM_RETURN_IF_ERROR(
          Fits(n, type, *n->output(i)->type(), "a loop's result"));
    }
    return absl::OkStatus();
  }

  absl::Status VerifyAttributeAccess(const Node* n) const {
    TANDEM_RETURN_IF_ERROR(Attribute<std::string>(n, "name"));
    const bool set = n->is(NodeKind::kSetAttr);
    TANDEM_RETURN_IF_ERROR(Count(n, set ? 2 : 1, set ? 0 : 1));
    const ClassType* type = n->input(0)->type()->AsClass();
    if (type == nullptr) return absl::OkStatus();
    const std::optional<size_t> slot = type->FindAttribute(n->attribute_name());
    if (!slot.has_value()) {
      return Wrong(n, absl::StrCat(type->name(), " has no attribute '",
                                   n->attribute_name(), "'"));
    }
    const Type& attribute = *type->attributes()[*slot].type;
    return set ? Fits(n, *n->input(1)->type(), attribute, "the value")
               : Fits(n, attribute, *n->output()->type(), "the attribute");
  }

  absl::Status VerifyCall(const Node* n) const {
    if (n->inputs().empty()) return Wrong(n, "a call needs a callee");
    const FunctionSchema* schema = nullptr;
    size_t skipped = 0;
    if (n->is(NodeKind::kCallMethod)) {
      TANDEM_RETURN_IF_ERROR(Attribute<std::string>(n, "name"));
      const Type& self = *n->input(0)->type();
      if (const ClassType* type = self.AsClass(); type != nullptr) {
        const Function* method = type->FindMethod(n->attribute_name());
        if (method == nullptr && !type->is_opaque()) {
          return Wrong(n, absl::StrCat(type->name(), " has no method '",
                                       n->attribute_name(), "'"));
        }
        if (method != nullptr) schema = &method->schema();
      } else if (const InterfaceType* type = self.AsInterface();
                 type != nullptr) {
        schema = type->FindMethod(n->attribute_name());
        if (schema == nullptr) {
          return Wrong(n, absl::StrCat(type->name(), " has no method '",
                                       n->attribute_name(), "'"));
        }
      }
    } else {
      const std::optional<IValue> callee = ConstantOf(n->input(0));
      if (callee.has_value() && callee->is_function()) {
        schema = &callee->AsFunction()->schema();
      }
      skipped = 1;
    }
    // A signature without anything is one that is still to be compiled.
    if (schema != nullptr && !schema->arguments.empty() &&
        n->inputs().size() - skipped != schema->arguments.size()) {
      return Wrong(n, absl::StrCat("the callee takes ",
                                   schema->arguments.size(), " arguments"));
    }
    return absl::OkStatus();
  }

  absl::Status VerifyFork(const Node* n) const {
    TANDEM_RETURN_IF_ERROR(Attribute<std::shared_ptr<Graph>>(n, "Subgraph"));
    const auto& graph = n->Get<std::shared_ptr<Graph>>("Subgraph");
    if (graph == nullptr || graph->inputs().size() != n->inputs().size()) {
      return Wrong(n, "the captures do not fit the subgraph");
    }
    return Verifier(*graph, options_, depth_ + 1).Verify();
  }

  absl::Status VerifyGroup(const Node* n) const {
    TANDEM_RETURN_IF_ERROR(Attribute<std::string>(n, "backend"));
    TANDEM_RETURN_IF_ERROR(VerifyFork(n));
    const Graph& graph = *n->Get<std::shared_ptr<Graph>>("Subgraph");
    if (graph.outputs().size() != n->outputs().size()) {
      return Wrong(n, "the results do not fit the subgraph");
    }
    for (const Node* inner : *graph.block()) {
      if (!inner->is(NodeKind::kConstant) &&
          !inner->is(NodeKind::kListConstruct) &&
          !(inner->is(NodeKind::kOperator) && !inner->HasSideEffects())) {
        return Wrong(n, "the subgraph holds more than operators");
      }
    }
    return absl::OkStatus();
  }

  absl::Status VerifyNode(const Node* n) const {
    if (IsBeforeSsa(n->kind())) {
      return options_.allow_before_ssa
                 ? absl::OkStatus()
                 : Wrong(n, "a node of the compiler's first phase is left");
    }
    switch (n->kind()) {
      case NodeKind::kOperator:
        return n->op() == nullptr ? Wrong(n, "an operator without a row")
                                  : VerifyOperator(n);
      case NodeKind::kConstant: {
        TANDEM_RETURN_IF_ERROR(Count(n, 0, 1));
        const IValue value = n->constant();
        if (options_.check_types && value.is_none() &&
            !n->output()->type()->MayBeNone()) {
          return Wrong(n, "None is given another type");
        }
        if (options_.check_types && !value.is_none() && !value.is_function() &&
            !value.Conforms(*n->output()->type())) {
          return Wrong(n, absl::StrCat("the constant is no ",
                                       n->output()->type()->ToString()));
        }
        return absl::OkStatus();
      }
      case NodeKind::kIf:
        return VerifyIf(n);
      case NodeKind::kLoop:
        return VerifyLoop(n);
      case NodeKind::kGetAttr:
      case NodeKind::kSetAttr:
        return VerifyAttributeAccess(n);
      case NodeKind::kCallFunction:
      case NodeKind::kCallMethod:
        return VerifyCall(n);
      case NodeKind::kFork:
      case NodeKind::kAwaitable:
        return VerifyFork(n);
      case NodeKind::kFusionGroup:
        return VerifyGroup(n);
      case NodeKind::kListConstruct: {
        TANDEM_RETURN_IF_ERROR(Count(n, n->inputs().size(), 1));
        const Type& type = *n->output()->type();
        if (!type.is(TypeKind::kList)) return Wrong(n, "the result is no list");
        for (const Value* v : n->inputs()) {
          TANDEM_RETURN_IF_ERROR(
              Fits(n, *v->type(), *type.element(), "an element"));
        }
        return absl::OkStatus();
      }
      case NodeKind::kTupleConstruct: {
        TANDEM_RETURN_IF_ERROR(Count(n, n->inputs().size(), 1));
        const Type& type = *n->output()->type();
        if (!type.is(TypeKind::kTuple) ||
            type.elements().size() != n->inputs().size()) {
          return Wrong(n, "the result is no such tuple");
        }
        for (size_t i = 0; i < n->inputs().size(); ++i) {
          TANDEM_RETURN_IF_ERROR(
              Fits(n, *n->input(i)->type(), *type.element(i), "an element"));
        }
        return absl::OkStatus();
      }
      case NodeKind::kDictConstruct: {
        const Type& type = *n->output()->type();
        if (n->inputs().size() % 2 != 0 || !type.is(TypeKind::kDict)) {
          return Wrong(n, "a dict is made of pairs");
        }
        for (size_t i = 0; i < n->inputs().size(); ++i) {
          TANDEM_RETURN_IF_ERROR(Fits(n, *n->input(i)->type(),
                                      *type.element(i % 2),
                                      i % 2 == 0 ? "a key" : "a value"));
        }
        return absl::OkStatus();
      }
      case NodeKind::kTupleUnpack: {
        const Type& type = *n->input()->type();
        if (type.is(TypeKind::kTuple) &&
            type.elements().size() != n->outputs().size()) {
          return Wrong(n, absl::StrCat("the tuple has ", type.elements().size(),
                                       " elements"));
        }
        return absl::OkStatus();
      }
      case NodeKind::kListUnpack:
        return Count(n, 1, n->outputs().size());
      case NodeKind::kTupleIndex:
        return Count(n, 2, 1);
      case NodeKind::kTupleSlice:
        TANDEM_RETURN_IF_ERROR(Attribute<int64_t>(n, "beg"));
        TANDEM_RETURN_IF_ERROR(Attribute<int64_t>(n, "end"));
        return Count(n, 1, 1);
      case NodeKind::kIsInstance:
        TANDEM_RETURN_IF_ERROR(Attribute<std::vector<TypePtr>>(n, "types"));
        return Count(n, 1, 1);
      case NodeKind::kUncheckedCast:
      case NodeKind::kEnumName:
      case NodeKind::kEnumValue:
        return Count(n, 1, 1);
      case NodeKind::kUninitialized:
      case NodeKind::kCreateObject:
        return Count(n, 0, 1);
      default:
        return absl::OkStatus();
    }
  }

  const Graph& graph_;
  const VerifyOptions& options_;
  const int depth_;
  absl::flat_hash_set<const Value*> defined_;
  absl::flat_hash_set<std::string> names_;
  absl::flat_hash_map<const Value*, size_t> uses_;
};

}  // namespace

absl::Status VerifyGraph(const Graph& graph, const VerifyOptions& options) {
  return Verifier(graph, options, 0).Verify();
}

absl::Status VerifyUnit(const CompilationUnit& unit,
                        const VerifyOptions& options) {
  for (const auto& f : unit.functions()) {
    if (f->graph() == nullptr) continue;
    absl::Status status = VerifyGraph(*f->graph(), options);
    const FunctionSchema& schema = f->schema();
    if (status.ok() && schema.arguments.size() != f->graph()->inputs().size()) {
      status = absl::InternalError(
          absl::StrCat("malformed graph: ", f->graph()->inputs().size(),
                       " inputs for a signature of ", schema.arguments.size()));
    }
    if (!status.ok()) {
      return absl::Status(status.code(), absl::StrCat(f->qualified_name(), ": ",
                                                      status.message()));
    }
  }
  return absl::OkStatus();
}

}  // namespace tandem
