// Conditions: what is known of them while compiling, and what they tell of
// variables' types.

#include <algorithm>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "tandem/frontends/script/compiler/function_compiler.h"
#include "tandem/tensor/status_macros.h"

namespace tandem::script {
namespace {

enum class NoneStatus { kAlways, kMaybe, kNever };

NoneStatus CanBeNone(const Value* value) {
  // A value of a wider type may be known to be None: annotate(Optional[T],
  // None).
  if (IsNone(value->type())) return NoneStatus::kAlways;
  const Node* node = value->node();
  if (node->is(NodeKind::kConstant) &&
      node->FindAttribute("value") == nullptr) {
    return NoneStatus::kAlways;
  }
  if (IsUnion(value->type()) && value->type()->MayBeNone()) {
    return NoneStatus::kMaybe;
  }
  return NoneStatus::kNever;
}

std::vector<Refinement> Union(const std::vector<Refinement>& a,
                              const std::vector<Refinement>& b) {
  std::vector<Refinement> result = a;
  for (const Refinement& r : b) {
    const auto found =
        std::find_if(result.begin(), result.end(),
                     [&](const Refinement& e) { return e.name == r.name; });
    if (found == result.end()) {
      result.push_back(r);
    } else if (!Same(found->type, r.type)) {
      // Two types for one variable: neither is taken.
      result.erase(found);
    }
  }
  return result;
}

std::vector<Refinement> Intersection(const std::vector<Refinement>& a,
                                     const std::vector<Refinement>& b) {
  std::vector<Refinement> result;
  for (const Refinement& r : a) {
    const auto found =
        std::find_if(b.begin(), b.end(),
                     [&](const Refinement& e) { return e.name == r.name; });
    if (found != b.end() && Same(r.type, found->type)) result.push_back(r);
  }
  return result;
}

bool IsLogical(const Expr& expr) {
  const auto* binary = expr.As<BinaryExpr>();
  return binary != nullptr && (binary->op == kAnd || binary->op == kOr);
}

}  // namespace

Refinements Refinements::And(const Refinements& other) const {
  return {Union(if_true, other.if_true),
          Intersection(if_false, other.if_false)};
}
Refinements Refinements::Or(const Refinements& other) const {
  return {Intersection(if_true, other.if_true),
          Union(if_false, other.if_false)};
}

Condition FunctionCompiler::KnownCondition(const SourceRange& range, bool value,
                                           Refinements refinements) {
  return {InsertConstant(value, range), std::move(refinements), value};
}

absl::Status FunctionCompiler::InsertRefinements(
    const SourceRange& range, const std::vector<Refinement>& refinements) {
  for (const Refinement& refinement : refinements) {
    TANDEM_ASSIGN_OR_RETURN(Value * value,
                            environment_->GetValue(refinement.name, range));
    Value* refined = InsertCast(value, refinement.type);
    TANDEM_RETURN_IF_ERROR(
        environment_->SetVariable(range, refinement.name, refined));
  }
  return absl::OkStatus();
}

absl::StatusOr<Condition> FunctionCompiler::EmitCondition(const Expr& expr) {
  const Session::Level level(context_.session);
  if (!level.ok()) return Error(Range(expr), "nested too deeply");
  if (const auto* binary = expr.As<BinaryExpr>()) {
    if (binary->op == kAnd || binary->op == kOr) {
      return EmitLogicalChain(*binary);
    }
    if (binary->op == kIs || binary->op == kIsNot) return EmitIsNone(*binary);
  }
  if (const auto* unary = expr.As<UnaryExpr>();
      unary != nullptr && unary->op == kNot) {
    TANDEM_ASSIGN_OR_RETURN(Condition inner, EmitCondition(*unary->operand));
    Condition result;
    TANDEM_ASSIGN_OR_RETURN(
        result.value,
        EmitBuiltin(Range(expr), "aten::__not__", {NamedValue(inner.value)}));
    if (inner.known.has_value()) result.known = !*inner.known;
    result.refinements = inner.refinements.Not();
    return result;
  }
  if (const auto* call = expr.As<CallExpr>()) {
    const auto* name = call->callee->As<NameExpr>();
    if (name != nullptr &&
        (name->name == "isinstance" || name->name == "hasattr")) {
      TANDEM_RETURN_IF_ERROR(CheckInputs(*call, 2));
      return name->name == "isinstance"
                 ? EmitIsInstance(*call->inputs[0], *call->inputs[1])
                 : EmitHasAttr(*call->inputs[0], *call->inputs[1]);
    }
    // torch.jit.isinstance; a callee that is itself a call is not run twice.
    if (DottedName(*call->callee).has_value()) {
      TANDEM_ASSIGN_OR_RETURN(Sugared callee, EmitSugared(*call->callee));
      if (callee->tag() == SugaredValue::Tag::kSpecialForm &&
          static_cast<const SpecialForm*>(callee.get())->form() ==
              Form::kIsInstance) {
        TANDEM_RETURN_IF_ERROR(CheckInputs(*call, 2));
        return EmitIsInstance(*call->inputs[0], *call->inputs[1]);
      }
    }
  }
  TANDEM_ASSIGN_OR_RETURN(Value * value, EmitExpr(expr));
  Condition result;
  TANDEM_ASSIGN_OR_RETURN(result.value, EmitToBool(Range(expr), value));
  if (result.value->node()->Is("aten::is_scripting")) {
    result.known = true;
  } else if (result.value->node()->Is("aten::has_torch_function")) {
    result.known = false;
  }
  const std::optional<IValue> constant = ConstantOf(result.value);
  if (constant.has_value() && constant->is_bool()) {
    result.known = constant->AsBool();
  }
  return result;
}

// a and b or c …, from the left: chains are long where code is generated.
absl::StatusOr<Condition> FunctionCompiler::EmitLogicalChain(
    const BinaryExpr& expr) {
  std::vector<const BinaryExpr*> chain;
  const Expr* first = &expr;
  while (IsLogical(*first)) {
    chain.push_back(first->As<BinaryExpr>());
    first = chain.back()->lhs;
  }
  TANDEM_ASSIGN_OR_RETURN(Condition condition, EmitCondition(*first));
  for (auto it = chain.rbegin(); it != chain.rend(); ++it) {
    TANDEM_ASSIGN_OR_RETURN(
        condition, EmitShortCircuit(Range(**it), condition, *(*it)->rhs,
                                    (*it)->op == kOr));
  }
  return condition;
}

absl::StatusOr<Condition> FunctionCompiler::EmitShortCircuit(
    const SourceRange& range, const Condition& lhs, const Expr& second,
    bool is_or) {
  Condition rhs;
  const EmitValue shortcut = [&]() -> absl::StatusOr<Value*> {
    return InsertConstant(is_or, range);
  };
  const EmitValue go_on = [&]() -> absl::StatusOr<Value*> {
    TANDEM_ASSIGN_OR_RETURN(rhs, EmitCondition(second));
    return rhs.value;
  };
  Condition result;
  if (is_or) {
    TANDEM_ASSIGN_OR_RETURN(result.value,
                            EmitIfValue(range, lhs, shortcut, go_on));
    result.refinements = lhs.refinements.Or(rhs.refinements);
  } else {
    TANDEM_ASSIGN_OR_RETURN(result.value,
                            EmitIfValue(range, lhs, go_on, shortcut));
    result.refinements = lhs.refinements.And(rhs.refinements);
  }
  const bool deciding = is_or;
  if (lhs.known == deciding || rhs.known == deciding) {
    result.known = deciding;
  } else if (lhs.known.has_value() && rhs.known.has_value()) {
    result.known = !deciding;
  }
  return result;
}

Refinements FunctionCompiler::NoneRefinements(const Expr& lhs, Value* lhs_value,
                                              const Expr& rhs, Value* rhs_value,
                                              int op) {
  if (rhs.kind != ExprKind::kNone && lhs.kind == ExprKind::kNone) {
    return NoneRefinements(rhs, rhs_value, lhs, lhs_value, op);
  }
  const auto* name = lhs.As<NameExpr>();
  if (rhs.kind != ExprKind::kNone || name == nullptr) return {};
  // That a variable is None is not told: its type would spread.
  std::vector<Refinement> present;
  const TypePtr& type = lhs_value->type();
  if (Is(type, TypeKind::kOptional)) {
    present.push_back({std::string(name->name), type->element()});
  } else if (Is(type, TypeKind::kUnion)) {
    if (TypePtr rest = SubtractFromUnion(type, {Type::None()})) {
      present.push_back({std::string(name->name), std::move(rest)});
    }
  }
  if (op == kIs) return {{}, std::move(present)};
  return {std::move(present), {}};
}

absl::StatusOr<Condition> FunctionCompiler::EmitIsNone(const BinaryExpr& expr) {
  TANDEM_ASSIGN_OR_RETURN(Value * lhs, EmitExpr(*expr.lhs));
  TANDEM_ASSIGN_OR_RETURN(Value * rhs, EmitExpr(*expr.rhs));
  const NoneStatus lhs_none = CanBeNone(lhs);
  const NoneStatus rhs_none = CanBeNone(rhs);
  const bool is = expr.op == kIs;
  if (lhs_none == NoneStatus::kAlways && rhs_none == NoneStatus::kAlways) {
    return KnownCondition(Range(expr), is);
  }
  if ((lhs_none == NoneStatus::kAlways && rhs_none == NoneStatus::kNever) ||
      (lhs_none == NoneStatus::kNever && rhs_none == NoneStatus::kAlways)) {
    return KnownCondition(Range(expr), !is);
  }
  Condition result;
  TANDEM_ASSIGN_OR_RETURN(
      result.value,
      EmitBuiltin(Range(expr), is ? "aten::__is__" : "aten::__isnot__",
                  {lhs, rhs}));
  result.refinements = NoneRefinements(*expr.lhs, lhs, *expr.rhs, rhs, expr.op);
  return result;
}

absl::StatusOr<Condition> FunctionCompiler::EmitIsInstance(
    const Expr& object, const Expr& classes) {
  TANDEM_ASSIGN_OR_RETURN(Value * value, EmitExpr(object));
  std::vector<TypePtr> asked;
  std::vector<const Expr*> pending = {&classes};
  while (!pending.empty()) {
    const Expr* next = pending.back();
    pending.pop_back();
    if (const auto* tuple = next->As<TupleExpr>()) {
      pending.insert(pending.end(), tuple->elements.rbegin(),
                     tuple->elements.rend());
      continue;
    }
    TANDEM_ASSIGN_OR_RETURN(TypePtr type, type_parser_.Parse(*next));
    asked.push_back(std::move(type));
  }
  const std::vector<TypePtr> have = FlattenUnions({value->type()});
  // In the order of a Union's members.
  asked = FlattenUnions({Type::Union(std::move(asked))});

  std::vector<TypePtr> matching;
  std::vector<TypePtr> others;
  bool all_match = true;
  for (const TypePtr& type : have) {
    if (Is(type, TypeKind::kAny)) {
      matching.insert(matching.end(), asked.begin(), asked.end());
      others.push_back(Type::Any());
      if (matching.size() != 1 || !Is(matching[0], TypeKind::kAny)) {
        all_match = false;
      }
      break;
    }
    // The narrowest type that the value is of if the test is true.
    TypePtr refined;
    for (const TypePtr& candidate : asked) {
      if (IsSubtype(type, candidate)) {
        refined = type;
      } else if (IsSubtype(candidate, type)) {
        refined = refined == nullptr ? candidate : Unify(refined, candidate);
        if (refined == nullptr) refined = type;
      }
    }
    if (refined == nullptr) {
      others.push_back(type);
      all_match = false;
    } else {
      // A part of the type matches: the test is made when it runs.
      if (!Same(refined, type)) all_match = false;
      matching.push_back(std::move(refined));
    }
  }
  Refinements refinements;
  if (const auto* name = object.As<NameExpr>()) {
    const std::string variable(name->name);
    if (!matching.empty()) {
      refinements.if_true.push_back(
          {variable, UnifyAll(matching, /*default_to_union=*/true)});
    }
    if (!others.empty()) {
      refinements.if_false.push_back(
          {variable, UnifyAll(others, /*default_to_union=*/true)});
    }
  }
  if (all_match) {
    return KnownCondition(Range(object), true, std::move(refinements));
  }
  if (matching.empty()) {
    return KnownCondition(Range(object), false, std::move(refinements));
  }
  Node* node = Insert(NodeKind::kIsInstance, {value});
  node->SetAttribute("types", asked);
  node->output()->set_type(Type::Bool());
  Condition result;
  result.value = node->output();
  result.refinements = std::move(refinements);
  return result;
}

absl::StatusOr<Condition> FunctionCompiler::EmitHasAttr(const Expr& object,
                                                        const Expr& attribute) {
  TANDEM_ASSIGN_OR_RETURN(Sugared sugared, EmitSugared(object));
  const auto* name = attribute.As<StringExpr>();
  if (name == nullptr) {
    return Error(Range(attribute),
                 "hasattr's second argument must be a string literal");
  }
  TANDEM_ASSIGN_OR_RETURN(
      const bool has, sugared->HasAttribute(Range(object), *this, name->value));
  return KnownCondition(Range(object), has);
}

absl::StatusOr<Value*> FunctionCompiler::EmitConditional(
    const ConditionalExpr& expr, const TypePtr& hint) {
  TANDEM_ASSIGN_OR_RETURN(Condition condition, EmitCondition(*expr.condition));
  if (condition.known.has_value()) {
    return EmitExpr(*condition.known ? *expr.then : *expr.otherwise, hint);
  }
  return EmitIfValue(
      Range(expr), condition, [&] { return EmitExpr(*expr.then, hint); },
      [&] { return EmitExpr(*expr.otherwise, hint); });
}

absl::StatusOr<Value*> FunctionCompiler::EmitIfValue(
    const SourceRange& range, const Condition& condition, const EmitValue& then,
    const EmitValue& otherwise) {
  Node* node = Insert(NodeKind::kIf, {condition.value}, range, /*outputs=*/0);
  const auto branch = [&](Block* block,
                          const std::vector<Refinement>& refinements,
                          const EmitValue& emit) -> absl::Status {
    PushFrame(block);
    const WithInsertPoint inside(graph_.get(), block);
    absl::Status status = InsertRefinements(range, refinements);
    if (status.ok()) {
      absl::StatusOr<Value*> value = emit();
      status = value.status();
      if (value.ok()) block->AddOutput(*value);
    }
    PopFrame();
    return status;
  };
  Block* true_block = node->AddBlock();
  Block* false_block = node->AddBlock();
  TANDEM_RETURN_IF_ERROR(
      branch(true_block, condition.refinements.if_true, then));
  TANDEM_RETURN_IF_ERROR(
      branch(false_block, condition.refinements.if_false, otherwise));
  const TypePtr& true_type = true_block->output()->type();
  const TypePtr& false_type = false_block->output()->type();
  TypePtr unified = Unify(true_type, false_type);
  if (unified == nullptr) {
    return Error(range, "if-expression's true branch has type ",
                 Repr(true_type), " but false branch has type ",
                 Repr(false_type));
  }
  return node->AddOutput(std::move(unified));
}

absl::StatusOr<Value*> FunctionCompiler::EmitToBool(const SourceRange& range,
                                                    Value* value) {
  TANDEM_ASSIGN_OR_RETURN(Sugared cast, environment_->Get("bool", range));
  absl::StatusOr<Sugared> called =
      cast->Call(range, *this, {NamedValue(value)}, {});
  Value* out = called.ok() ? AsSimple(*called) : nullptr;
  if (out == nullptr) {
    return Error(range, "Could not cast value of type ", Repr(value->type()),
                 " to bool");
  }
  if (!Is(out->type(), TypeKind::kBool)) {
    return Error(range, "expected a bool expression for condition but found ",
                 Repr(out->type()));
  }
  return out;
}

}  // namespace tandem::script
