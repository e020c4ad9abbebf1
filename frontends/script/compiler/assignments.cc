// Assignments, plain and augmented.

#include <limits>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "tandem/frontends/script/compiler/function_compiler.h"
#include "tandem/frontends/script/compiler/schema_matching.h"
#include "tandem/tensor/status_macros.h"

namespace tandem::script {

absl::Status FunctionCompiler::EmitAssign(const AssignStmt& stmt) {
  if (stmt.value == nullptr) {
    return Error(Range(stmt),
                 "For an assignment, expected an expression on the right-hand "
                 "side");
  }
  if (stmt.targets.size() == 1) {
    return EmitAssignTo(Range(stmt), *stmt.targets[0], *stmt.value, stmt.type);
  }
  // a = b = value: the value once, then the targets from left to right.
  const SourceRange value_range = Range(*stmt.value);
  const std::string name = TemporaryName("$tmp_assign_");
  TANDEM_ASSIGN_OR_RETURN(Sugared value, EmitSugared(*stmt.value));
  TANDEM_RETURN_IF_ERROR(environment_->SetSugared(
      value_range, name, std::move(value), /*annotated_type=*/nullptr));
  const Expr* temporary = MakeName(stmt.value->span, name);
  for (const Expr* target : stmt.targets) {
    TANDEM_RETURN_IF_ERROR(
        EmitAssignTo(Range(stmt), *target, *temporary, nullptr));
  }
  return absl::OkStatus();
}

absl::Status FunctionCompiler::EmitAssignTo(const SourceRange& range,
                                            const Expr& target,
                                            const Expr& value,
                                            const Expr* type) {
  TypePtr annotated;
  switch (target.kind) {
    case ExprKind::kName: {
      if (type != nullptr) {
        TANDEM_ASSIGN_OR_RETURN(annotated, type_parser_.Parse(*type));
      }
      TANDEM_ASSIGN_OR_RETURN(Sugared sugared, EmitSugared(value, annotated));
      return environment_->SetSugared(Range(target),
                                      target.As<NameExpr>()->name,
                                      std::move(sugared), annotated);
    }
    case ExprKind::kTuple: {
      const auto& tuple = *target.As<TupleExpr>();
      size_t binders = tuple.elements.size();
      TANDEM_ASSIGN_OR_RETURN(const bool starred,
                              ValidateTargets(tuple.elements, Range(target)));
      if (starred) --binders;
      TANDEM_ASSIGN_OR_RETURN(Sugared sugared, EmitSugared(value));
      return EmitTupleAssign(tuple, sugared, Range(value), binders, starred);
    }
    case ExprKind::kAttribute: {
      if (type != nullptr) {
        TANDEM_ASSIGN_OR_RETURN(annotated, type_parser_.Parse(*type));
      }
      const auto& attribute = *target.As<AttributeExpr>();
      TANDEM_ASSIGN_OR_RETURN(Sugared object, EmitSugared(*attribute.value));
      TANDEM_ASSIGN_OR_RETURN(Sugared sugared, EmitSugared(value, annotated));
      TANDEM_ASSIGN_OR_RETURN(Value * simple,
                              sugared->AsValue(Range(value), *this));
      return object->SetAttribute(range, *this, attribute.attribute.name,
                                  simple);
    }
    case ExprKind::kSubscript: {
      TANDEM_ASSIGN_OR_RETURN(Value * simple, EmitExpr(value));
      return EmitSubscriptAssign(range, *target.As<SubscriptExpr>(),
                                 NamedValue(Range(value), simple));
    }
    default:
      return Error(Range(target),
                   "unexpected expression on left-hand side of assignment");
  }
}

absl::StatusOr<bool> FunctionCompiler::ValidateTargets(
    List<const Expr*> targets, const SourceRange& range) {
  size_t normal = 0;
  size_t starred = 0;
  for (const Expr* target : targets) {
    switch (target->kind) {
      case ExprKind::kName:
      case ExprKind::kSubscript:
      case ExprKind::kTuple:
      case ExprKind::kAttribute:
        ++normal;
        break;
      case ExprKind::kStarred:
        ++starred;
        break;
      default:
        return Error(Range(*target),
                     "lhs of assignment must be a variable, subscript, or "
                     "starred expression");
    }
  }
  if (starred > 1) {
    return Error(range, "Only one starred expression is allowed on the lhs");
  }
  if (starred > 0 && normal == 0) {
    return Error(range,
                 "A Starred expression may only appear on the lhs within the "
                 "presence of another non-starred expression");
  }
  return starred > 0;
}

absl::Status FunctionCompiler::EmitTupleAssign(const TupleExpr& targets,
                                               const Sugared& value,
                                               const SourceRange& value_range,
                                               size_t binders, bool starred) {
  std::optional<size_t> size_hint;
  if (!starred) size_hint = binders;
  TANDEM_ASSIGN_OR_RETURN(std::vector<Sugared> parts,
                          value->AsTuple(value_range, *this, size_hint));
  if (parts.size() < binders) {
    return Error(Range(targets), "need ", starred ? "at least " : "", binders,
                 " values to unpack but found only ", parts.size());
  }
  if (parts.size() > binders && !starred) {
    return Error(Range(targets), "too many values to unpack: need ", binders,
                 " but found ", parts.size());
  }
  return EmitTargets(targets.elements, parts, value_range, binders);
}

absl::Status FunctionCompiler::EmitTargets(List<const Expr*> targets,
                                           const std::vector<Sugared>& values,
                                           const SourceRange& value_range,
                                           size_t binders) {
  size_t i = 0;
  for (const Expr* target : targets) {
    const SourceRange range = Range(*target);
    const size_t matched =
        target->kind == ExprKind::kStarred ? values.size() - binders : 1;
    if (i + matched > values.size()) {
      return Error(range, "need ", targets.size(),
                   " values to unpack but found only ", values.size());
    }
    switch (target->kind) {
      case ExprKind::kSubscript: {
        TANDEM_ASSIGN_OR_RETURN(Value * value,
                                values[i]->AsValue(value_range, *this));
        TANDEM_RETURN_IF_ERROR(
            EmitSubscriptAssign(value_range, *target->As<SubscriptExpr>(),
                                NamedValue(value_range, value)));
        break;
      }
      case ExprKind::kName:
        TANDEM_RETURN_IF_ERROR(environment_->SetSugared(
            range, target->As<NameExpr>()->name, values[i],
            /*annotated_type=*/nullptr));
        break;
      case ExprKind::kStarred: {
        const auto* name = target->As<StarredExpr>()->value->As<NameExpr>();
        if (name == nullptr) {
          return Error(range, "Cannot pack a tuple into a non-variable");
        }
        std::vector<Value*> packed;
        for (size_t k = 0; k < matched; ++k) {
          TANDEM_ASSIGN_OR_RETURN(Value * value,
                                  values[i + k]->AsValue(range, *this));
          packed.push_back(value);
        }
        TANDEM_RETURN_IF_ERROR(environment_->SetVariable(
            Range(*name), name->name, InsertTuple(packed)));
        break;
      }
      case ExprKind::kTuple: {
        const auto& tuple = *target->As<TupleExpr>();
        size_t inner = tuple.elements.size();
        TANDEM_ASSIGN_OR_RETURN(const bool starred,
                                ValidateTargets(tuple.elements, range));
        if (starred) --inner;
        TANDEM_RETURN_IF_ERROR(
            EmitTupleAssign(tuple, values[i], value_range, inner, starred));
        break;
      }
      case ExprKind::kAttribute: {
        const auto& attribute = *target->As<AttributeExpr>();
        TANDEM_ASSIGN_OR_RETURN(Sugared object, EmitSugared(*attribute.value));
        TANDEM_ASSIGN_OR_RETURN(Value * value,
                                values[i]->AsValue(value_range, *this));
        TANDEM_RETURN_IF_ERROR(object->SetAttribute(
            value_range, *this, attribute.attribute.name, value));
        break;
      }
      default:
        return Error(range, "unexpected expression on the left-hand side");
    }
    i += matched;
  }
  return absl::OkStatus();
}

// tensor[i] = 99 means tensor[i] = torch.tensor(99) of the tensor's dtype.
absl::StatusOr<Value*> FunctionCompiler::ValueToTensor(Value* value,
                                                       Value* like) {
  switch (value->type()->kind()) {
    case TypeKind::kNumber:
    case TypeKind::kInt:
    case TypeKind::kBool:
    case TypeKind::kFloat:
    case TypeKind::kComplex:
      break;
    default:
      return value;
  }
  TANDEM_ASSIGN_OR_RETURN(Value * dtype,
                          EmitBuiltin({}, "prim::dtype", {NamedValue(like)}));
  TANDEM_ASSIGN_OR_RETURN(Value * device,
                          EmitBuiltin({}, "prim::device", {NamedValue(like)}));
  return EmitBuiltin(
      {}, "aten::tensor", {NamedValue(value)},
      {NamedValue({}, "dtype", dtype), NamedValue({}, "device", device)});
}

absl::Status FunctionCompiler::EmitSubscriptAssign(const SourceRange& range,
                                                   const SubscriptExpr& target,
                                                   const NamedValue& value) {
  TANDEM_ASSIGN_OR_RETURN(Value * container, EmitExpr(*target.value));
  if (IsTensor(container->type())) {
    TANDEM_ASSIGN_OR_RETURN(
        auto sliced,
        EmitIntAndSlice(Range(target), container, target.subscripts));
    TANDEM_ASSIGN_OR_RETURN(Value * source,
                            ValueToTensor(value.value, sliced.first));
    if (sliced.second.empty()) {
      return EmitBuiltin(range, "aten::copy_", {sliced.first, source}).status();
    }
    Value* indices = InsertList(Type::Optional(Type::Tensor()), sliced.second);
    return EmitBuiltin(range, "aten::index_put_",
                       {sliced.first, indices, source})
        .status();
  }
  const SourceRange subscript_range = Range(target.subscripts_span);
  if (target.subscripts.size() == 1 && Is(container->type(), TypeKind::kList) &&
      !context_.version.has_value()) {
    if (const auto* slice = target.subscripts[0]->As<SliceExpr>()) {
      return EmitListSliceAssign(range, container, *slice, value.value);
    }
  }
  if (target.subscripts.size() != 1 ||
      target.subscripts[0]->kind == ExprKind::kSlice) {
    return Error(subscript_range,
                 "Sliced expression not yet supported for subscripted "
                 "assignment. File a bug if you want this");
  }
  if (IsSubtype(container->type(), Type::Get(TypeKind::kAnyTuple))) {
    return Error(Range(target), Repr(container->type()),
                 " does not support subscripted assignment");
  }
  TANDEM_ASSIGN_OR_RETURN(Value * index, EmitExpr(*target.subscripts[0]));
  MagicMethod set_item("__setitem__",
                       std::make_shared<BuiltinFunction>("aten::_set_item"));
  return set_item
      .Call(range, *this,
            {NamedValue(Range(*target.value), "self", container),
             NamedValue(subscript_range, "idx", index), value},
            {})
      .status();
}

// a[i:j] = b makes a what a[:i] + b + a[max(i, j):] is.
absl::Status FunctionCompiler::EmitListSliceAssign(const SourceRange& range,
                                                   Value* list,
                                                   const SliceExpr& slice,
                                                   Value* source) {
  if (slice.step != nullptr) {
    return Error(range, "A slice with a step cannot be assigned or deleted");
  }
  const auto up_to = [&](const Expr* bound,
                         int64_t otherwise) -> absl::StatusOr<Value*> {
    Value* end = nullptr;
    if (bound != nullptr) {
      TANDEM_ASSIGN_OR_RETURN(end, EmitExpr(*bound));
    } else {
      end = InsertConstant(otherwise, range);
    }
    Value* begin = InsertConstant(int64_t{0}, range);
    return EmitBuiltin(range, "aten::slice", {list, begin, end});
  };
  TANDEM_ASSIGN_OR_RETURN(Value * head, up_to(slice.begin, 0));
  TANDEM_ASSIGN_OR_RETURN(
      Value * whole, up_to(slice.end, std::numeric_limits<int64_t>::max()));
  TANDEM_ASSIGN_OR_RETURN(Value * begin,
                          EmitBuiltin(range, "aten::len", {NamedValue(head)}));
  TANDEM_ASSIGN_OR_RETURN(Value * end,
                          EmitBuiltin(range, "aten::len", {NamedValue(whole)}));
  TANDEM_ASSIGN_OR_RETURN(end, EmitBuiltin(range, "prim::max", {begin, end}));
  TANDEM_ASSIGN_OR_RETURN(Value * tail,
                          EmitBuiltin(range, "aten::slice", {list, end}));
  Value* result = head;
  if (source != nullptr) {
    if (IsTensor(source->type()) || !Is(source->type(), TypeKind::kList)) {
      TANDEM_ASSIGN_OR_RETURN(source,
                              TryConvert(*this, range, list->type(), source,
                                         /*allow_conversions=*/true));
    }
    TANDEM_ASSIGN_OR_RETURN(result,
                            EmitBuiltin(range, "aten::add", {head, source}));
  }
  TANDEM_ASSIGN_OR_RETURN(result,
                          EmitBuiltin(range, "aten::add", {result, tail}));
  TANDEM_RETURN_IF_ERROR(
      EmitBuiltin(range, "aten::clear", {NamedValue(list)}).status());
  return EmitBuiltin(range, "aten::extend", {list, result}).status();
}

// ------------------------------------------------------------------- augmented

absl::StatusOr<std::string> FunctionCompiler::AugmentedOperator(
    const AugAssignStmt& stmt, const TypePtr& type) {
  // Tensors and lists change in place.
  const bool in_place = IsTensor(type) || Is(type, TypeKind::kList);
  switch (stmt.op) {
    case '+':
      return in_place ? "aten::add_" : "aten::add";
    case '-':
      return in_place ? "aten::sub_" : "aten::sub";
    case '/':
      return in_place ? "aten::div_" : "aten::div";
    case '*':
      return in_place ? "aten::mul_" : "aten::mul";
    case '%':
      return in_place ? "aten::fmod_" : "aten::fmod";
    case '|':
      return in_place ? "aten::bitwise_or" : "aten::__or__";
    case '&':
      return in_place ? "aten::bitwise_and" : "aten::__and__";
    case '^':
      return in_place ? "aten::bitwise_xor" : "aten::__xor__";
    case kLShift:
      return in_place ? "aten::__ilshift__" : "aten::__lshift__";
    case kRShift:
      return in_place ? "aten::__irshift__" : "aten::__rshift__";
    case kPow:
      return "aten::pow";
    case kFloorDiv:
      return IsTensor(type) ? "aten::floor_divide_" : "aten::floordiv";
    case '@':
      return "aten::matmul";
    default:
      return Error(Range(stmt),
                   "Unknown augmented assignment: ", TokenKindName(stmt.op));
  }
}

absl::Status FunctionCompiler::EmitAugAssign(const AugAssignStmt& stmt) {
  const SourceRange target_range = Range(*stmt.target);
  switch (stmt.target->kind) {
    case ExprKind::kName: {
      TANDEM_ASSIGN_OR_RETURN(Value * lhs, EmitExpr(*stmt.target));
      TANDEM_ASSIGN_OR_RETURN(Value * result, EmitAugmented(stmt, lhs));
      return environment_->SetVariable(
          target_range, stmt.target->As<NameExpr>()->name, result);
    }
    case ExprKind::kAttribute: {
      const auto& attribute = *stmt.target->As<AttributeExpr>();
      TANDEM_ASSIGN_OR_RETURN(Sugared object, EmitSugared(*attribute.value));
      TANDEM_ASSIGN_OR_RETURN(
          Sugared old,
          object->Attribute(target_range, *this, attribute.attribute.name));
      TANDEM_ASSIGN_OR_RETURN(Value * lhs, old->AsValue(target_range, *this));
      TANDEM_ASSIGN_OR_RETURN(Value * result, EmitAugmented(stmt, lhs));
      return object->SetAttribute(Range(stmt), *this, attribute.attribute.name,
                                  result);
    }
    case ExprKind::kSubscript:
      return EmitAugSubscript(stmt, *stmt.target->As<SubscriptExpr>());
    default:
      return Error(target_range,
                   "unexpected expression on left-hand side of augmented "
                   "assignment");
  }
}

absl::StatusOr<Value*> FunctionCompiler::EmitAugmented(
    const AugAssignStmt& stmt, Value* lhs) {
  const SourceRange range = Range(stmt);
  const ClassType* type = AsClass(lhs->type());
  if (type == nullptr) {
    TANDEM_ASSIGN_OR_RETURN(Value * rhs, EmitExpr(*stmt.value));
    TANDEM_ASSIGN_OR_RETURN(const std::string op,
                            AugmentedOperator(stmt, lhs->type()));
    return EmitBuiltin(range, op, {lhs, rhs});
  }
  absl::string_view name;
  switch (stmt.op) {
    case '+':
      name = "add__";
      break;
    case '-':
      name = "sub__";
      break;
    case '/':
      name = "truediv__";
      break;
    case '*':
      name = "mul__";
      break;
    case '%':
      name = "mod__";
      break;
    default:
      return Error(range,
                   "Unknown augmented assignment: ", TokenKindName(stmt.op));
  }
  TANDEM_ASSIGN_OR_RETURN(Value * rhs, EmitExpr(*stmt.value));
  const std::string in_place = absl::StrCat("__i", name);
  const std::string out_of_place = absl::StrCat("__", name);
  if (type->FindMethod(in_place) == nullptr &&
      type->FindMethod(out_of_place) == nullptr) {
    return Error(range, "Cannot emit inplace op on ", Repr(lhs->type()),
                 " since it does not define an ", in_place, " or ",
                 out_of_place, " method");
  }
  MethodValue method(
      lhs, type->FindMethod(in_place) != nullptr ? in_place : out_of_place);
  TANDEM_ASSIGN_OR_RETURN(Sugared result,
                          method.Call(range, *this, {NamedValue(rhs)}, {}));
  return result->AsValue(range, *this);
}

absl::Status FunctionCompiler::EmitAugSubscript(const AugAssignStmt& stmt,
                                                const SubscriptExpr& target) {
  const SourceRange range = Range(stmt);
  TANDEM_ASSIGN_OR_RETURN(Value * container, EmitExpr(*target.value));
  const TypePtr type = container->type();
  if (IsTensor(type)) {
    TANDEM_ASSIGN_OR_RETURN(
        auto sliced,
        EmitIntAndSlice(Range(target), container, target.subscripts));
    TANDEM_ASSIGN_OR_RETURN(Value * rhs, EmitExpr(*stmt.value));
    TANDEM_ASSIGN_OR_RETURN(const std::string op,
                            AugmentedOperator(stmt, type));
    if (sliced.second.empty()) {
      return EmitBuiltin(range, op, {NamedValue(rhs)}, {},
                         NamedValue(Range(target), "self", sliced.first))
          .status();
    }
    Value* indices = InsertList(Type::Optional(Type::Tensor()), sliced.second);
    TANDEM_ASSIGN_OR_RETURN(Value * old, EmitBuiltin(range, "aten::index",
                                                     {sliced.first, indices}));
    TANDEM_ASSIGN_OR_RETURN(
        Value * changed,
        EmitBuiltin(range, op, {NamedValue(rhs)}, {}, NamedValue(old)));
    return EmitBuiltin(range, "aten::index_put_",
                       {sliced.first, indices, changed})
        .status();
  }
  if (target.subscripts.size() != 1) {
    return Error(Range(target.subscripts_span),
                 "Sliced expression not yet supported for ", Repr(type),
                 " augmented assignment. File a bug if you want this");
  }
  TypePtr element;
  if (Is(type, TypeKind::kList)) {
    element = type->element();
  } else if (Is(type, TypeKind::kDict)) {
    element = type->element(0);  // so PyTorch decides what is in place
  } else {
    return Error(Range(target), Repr(type),
                 " does not support augmented assignment.");
  }
  TANDEM_ASSIGN_OR_RETURN(Value * index, EmitExpr(*target.subscripts[0]));
  TANDEM_ASSIGN_OR_RETURN(Value * rhs, EmitExpr(*stmt.value));
  TANDEM_ASSIGN_OR_RETURN(
      Value * old, EmitBuiltin(range, "aten::__getitem__", {container, index}));
  TANDEM_ASSIGN_OR_RETURN(const std::string op,
                          AugmentedOperator(stmt, element));
  TANDEM_ASSIGN_OR_RETURN(Value * changed, EmitBuiltin(range, op, {old, rhs}));
  return EmitBuiltin(range, "aten::_set_item", {container, index, changed})
      .status();
}

}  // namespace tandem::script
