// Subscripts.

#include <algorithm>
#include <limits>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "tandem/frontends/script/compiler/function_compiler.h"
#include "tandem/tensor/status_macros.h"

namespace tandem::script {

absl::StatusOr<Sugared> FunctionCompiler::EmitSubscript(
    const SubscriptExpr& expr, const TypePtr& hint) {
  const SourceRange range = Range(expr);
  const SourceRange value_range = Range(*expr.value);
  TANDEM_ASSIGN_OR_RETURN(Sugared sugared, EmitSugared(*expr.value));
  if (expr.subscripts.size() != 1) {
    TANDEM_ASSIGN_OR_RETURN(Value * value,
                            sugared->AsValue(value_range, *this));
    TANDEM_ASSIGN_OR_RETURN(value,
                            EmitMultiIndex(range, value, expr.subscripts));
    return Simple(value);
  }
  const Expr& subscript = *expr.subscripts[0];
  if (const auto* slice = subscript.As<SliceExpr>()) {
    TANDEM_ASSIGN_OR_RETURN(std::optional<Sugared> part,
                            EmitStaticSlice(range, sugared, *slice));
    if (part.has_value()) return *part;
    TANDEM_ASSIGN_OR_RETURN(Value * value,
                            sugared->AsValue(value_range, *this));
    Value* dim =
        IsTensor(value->type()) ? InsertConstant(int64_t{0}, range) : nullptr;
    TANDEM_ASSIGN_OR_RETURN(value, EmitSlice(range, value, dim, *slice));
    return Simple(value);
  }
  if (sugared->tag() == SugaredValue::Tag::kTuple) {
    TANDEM_ASSIGN_OR_RETURN(Value * index, EmitExpr(subscript));
    return sugared->Item(range, *this, index, hint);
  }
  TANDEM_ASSIGN_OR_RETURN(Value * value, sugared->AsValue(value_range, *this));
  if (IsTensor(value->type())) {
    TANDEM_ASSIGN_OR_RETURN(value,
                            EmitMultiIndex(range, value, expr.subscripts));
    return Simple(value);
  }
  TANDEM_ASSIGN_OR_RETURN(Value * index, EmitExpr(subscript));
  if (Is(value->type(), TypeKind::kTuple)) {
    TANDEM_ASSIGN_OR_RETURN(value, EmitTupleIndex(range, value, index));
    return Simple(value);
  }
  return Simple(value)->Item(range, *this, index, hint);
}

// Of a container of modules, or what such a slice gave: the bounds are
// constants.
absl::StatusOr<std::optional<Sugared>> FunctionCompiler::EmitStaticSlice(
    const SourceRange& range, const Sugared& sugared, const SliceExpr& slice) {
  Sugared parts = sugared;
  if (Value* value = AsSimple(sugared)) {
    const ClassType* type = AsClass(value->type());
    if (type == nullptr) return std::optional<Sugared>();
    TANDEM_ASSIGN_OR_RETURN(
        parts, resolver().ResolveContainer(*type, value, *this, range));
    if (parts == nullptr) return std::optional<Sugared>();
  } else if (sugared->tag() != SugaredValue::Tag::kTuple) {
    return std::optional<Sugared>();
  }
  TANDEM_ASSIGN_OR_RETURN(const std::vector<Sugared> members,
                          parts->AsTuple(range, *this));
  const int64_t size = static_cast<int64_t>(members.size());
  const Expr* bounds[3] = {slice.begin, slice.end, slice.step};
  std::optional<int64_t> known[3];
  for (int i = 0; i < 3; ++i) {
    if (bounds[i] == nullptr) continue;
    TANDEM_ASSIGN_OR_RETURN(Value * bound, EmitExpr(*bounds[i]));
    const std::optional<IValue> constant = ConstantOf(bound);
    if (!constant.has_value() || !(constant->is_int() || constant->is_none())) {
      return Error(range,
                   "slices of modules take integer literals for their bounds");
    }
    if (constant->is_int()) known[i] = constant->AsInt();
  }
  const int64_t step = known[2].value_or(1);
  if (step == 0) return Error(range, "slice step cannot be zero");
  const int64_t low = step < 0 ? -1 : 0;
  const int64_t high = step < 0 ? size - 1 : size;
  const auto place = [&](int64_t i) {
    if (i < 0) i += size;
    return std::min(std::max(i, low), high);
  };
  int64_t i = known[0].has_value() ? place(*known[0]) : step < 0 ? high : 0;
  const int64_t end = known[1].has_value() ? place(*known[1])
                      : step < 0           ? -1
                                           : size;
  std::vector<Sugared> taken;
  while (step > 0 ? i < end : i > end) {
    taken.push_back(members[i]);
    if (step > 0 ? step > end - i : -step > i - end) break;
    i += step;
  }
  return std::optional<Sugared>(std::make_shared<TupleValue>(std::move(taken)));
}

absl::StatusOr<Value*> FunctionCompiler::EmitSlice(const SourceRange& range,
                                                   Value* value, Value* dim,
                                                   const SliceExpr& slice) {
  Value* begin = nullptr;
  Value* end = nullptr;
  Value* step = nullptr;
  if (slice.begin != nullptr) {
    TANDEM_ASSIGN_OR_RETURN(begin, EmitExpr(*slice.begin));
  }
  if (slice.end != nullptr) {
    TANDEM_ASSIGN_OR_RETURN(end, EmitExpr(*slice.end));
  }
  if (slice.step != nullptr) {
    TANDEM_ASSIGN_OR_RETURN(step, EmitExpr(*slice.step));
  }
  if (Is(value->type(), TypeKind::kTuple)) {
    return EmitTupleSlice(range, value, begin, end, step);
  }
  if (step == nullptr) step = InsertConstant(int64_t{1}, range);
  const IValue none;
  const auto optional = [&](Value* v) {
    return v == nullptr ? NamedValue(&none) : NamedValue(v);
  };
  std::vector<NamedValue> args = {NamedValue(range, "self", value)};
  if (dim != nullptr) args.emplace_back(dim);
  args.push_back(optional(begin));
  args.push_back(optional(end));
  args.emplace_back(step);
  return EmitBuiltin(range, "aten::slice", args);
}

absl::StatusOr<Value*> FunctionCompiler::EmitTupleIndex(
    const SourceRange& range, Value* tuple, Value* index) {
  const TypePtr type = tuple->type();
  const int64_t size = static_cast<int64_t>(type->elements().size());
  if (!Is(index->type(), TypeKind::kInt)) {
    return Error(range, "tuple index must be an integer");
  }
  TypePtr result;
  const std::optional<IValue> constant = ConstantOf(index);
  if (!constant.has_value()) {
    if (size == 0 || !ConvertibleToList(type, Type::List(type->element(0)))) {
      return Error(range, "Cannot index into a ", Repr(type),
                   " with a non-integer literal because we cannot resolve the "
                   "output type");
    }
    result = type->element(0);
  } else {
    int64_t i = constant->AsInt();
    if (i < 0) i += size;
    if (i < 0 || i >= size) {
      return Error(range, "Tuple index out of range. Tuple is length ", size,
                   " and index is ", constant->AsInt());
    }
    result = type->element(i);
  }
  Node* node = Insert(NodeKind::kTupleIndex, {tuple, index});
  node->output()->set_type(result);
  return node->output();
}

absl::StatusOr<Value*> FunctionCompiler::EmitTupleSlice(
    const SourceRange& range, Value* tuple, Value* begin, Value* end,
    Value* step) {
  const TypePtr type = tuple->type();
  const int64_t size = static_cast<int64_t>(type->elements().size());
  const auto constant = [&](Value* value) -> absl::StatusOr<int64_t> {
    const std::optional<IValue> known = ConstantOf(value);
    if (!known.has_value() || !known->is_int()) {
      return Error(range, "tuple slice indices must be integer constants");
    }
    return known->AsInt();
  };
  int64_t stride = 1;
  if (step != nullptr) {
    TANDEM_ASSIGN_OR_RETURN(stride, constant(step));
    if (stride == 0) return Error(range, "slice step cannot be zero");
  }
  // As Python's slice.indices().
  const auto clamp = [&](int64_t i) {
    if (i < 0) i += size;
    const int64_t low = stride < 0 ? -1 : 0;
    const int64_t high = stride < 0 ? size - 1 : size;
    return i < low ? low : (i > high ? high : i);
  };
  int64_t first = stride < 0 ? size - 1 : 0;
  int64_t last = stride < 0 ? -1 : size;
  if (begin != nullptr) {
    TANDEM_ASSIGN_OR_RETURN(const int64_t given, constant(begin));
    first = clamp(given);
  }
  if (end != nullptr) {
    TANDEM_ASSIGN_OR_RETURN(const int64_t given, constant(end));
    last = clamp(given);
  }
  std::vector<Value*> taken;
  for (int64_t i = first; stride > 0 ? i < last : i > last; i += stride) {
    Value* index = InsertConstant(i);
    Node* node = Insert(NodeKind::kTupleIndex, {tuple, index});
    node->output()->set_type(type->element(i));
    taken.push_back(node->output());
    if (stride > size || stride < -size) break;
  }
  return InsertTuple(taken);
}

absl::StatusOr<Value*> FunctionCompiler::EmitIndex(
    const SourceRange& range, Value* value,
    const std::vector<Value*>& indices) {
  Value* list = InsertList(Type::Optional(Type::Tensor()), indices);
  return EmitBuiltin(range, "aten::index", {value, list});
}

absl::StatusOr<Value*> FunctionCompiler::EmitMultiIndex(
    const SourceRange& range, Value* value, List<const Expr*> subscripts) {
  if (!IsTensor(value->type())) {
    return Error(range,
                 "Unsupported operation: attempted to use multidimensional "
                 "indexing on a non-tensor type");
  }
  TANDEM_ASSIGN_OR_RETURN(auto sliced,
                          EmitIntAndSlice(range, value, subscripts));
  if (sliced.second.empty()) return sliced.first;
  return EmitIndex(range, sliced.first, sliced.second);
}

// x[1, None, 2:3, ..., t]: a slice keeps a dimension, None adds one, an int
// takes one away, so which dimension an index is for depends on those before
// it, or after an ellipsis on those behind it.
absl::StatusOr<std::pair<Value*, std::vector<Value*>>>
FunctionCompiler::EmitIntAndSlice(const SourceRange& range, Value* value,
                                  List<const Expr*> subscripts) {
  const size_t count = subscripts.size();
  std::vector<int64_t> dims(count, 0);
  std::vector<Value*> indices(count, nullptr);
  // Evaluates one subscript; its dimension and the next one.
  const auto visit = [&](size_t i, int64_t dim,
                         bool reverse) -> absl::StatusOr<int64_t> {
    dims[i] = dim;
    const Expr& subscript = *subscripts[i];
    const int64_t next = reverse ? dim - 1 : dim + 1;
    if (subscript.kind == ExprKind::kSlice) return next;
    TANDEM_ASSIGN_OR_RETURN(
        Value * index,
        EmitExpr(subscript,
                 subscript.kind == ExprKind::kNone ? Type::None() : nullptr));
    // A list is taken as a tensor.
    if (Is(index->type(), TypeKind::kList)) {
      Value* dtype = InsertConstant(static_cast<int64_t>(DType::kInt64));
      TANDEM_ASSIGN_OR_RETURN(
          index, EmitBuiltin({}, "aten::tensor", {NamedValue(index)},
                             {NamedValue({}, "dtype", dtype)}));
    }
    indices[i] = index;
    const TypePtr& type = index->type();
    if (IsNone(type)) return reverse ? dim : dim + 1;
    if (Is(type, TypeKind::kInt)) return reverse ? dim - 1 : dim;
    if (IsSubtype(type, Type::Optional(Type::Tensor()))) {
      if (!reverse) return dim + 1;
      return Error(range,
                   "Ellipses followed by tensor indexing is currently not "
                   "supported");
    }
    return Error(range,
                 "Unsupported operation: indexing tensor with unsupported "
                 "index type '",
                 Repr(type),
                 "'. Only ints, slices, lists and tensors are supported");
  };
  size_t dots = 0;
  int64_t dim = 0;
  for (; dots < count; ++dots) {
    if (subscripts[dots]->kind == ExprKind::kDots) break;
    TANDEM_ASSIGN_OR_RETURN(dim, visit(dots, dim, /*reverse=*/false));
  }
  int64_t reverse_dim = -1;
  for (size_t i = count; i-- > dots + 1;) {
    if (subscripts[i]->kind == ExprKind::kDots) {
      return Error(range, "An index can only have a single ellipsis ('...')");
    }
    TANDEM_ASSIGN_OR_RETURN(reverse_dim,
                            visit(i, reverse_dim, /*reverse=*/true));
  }
  std::vector<Value*> tensors;
  for (size_t i = 0; i < count; ++i) {
    Value* index = indices[i];
    if (index == nullptr) {
      if (const auto* slice = subscripts[i]->As<SliceExpr>()) {
        Value* dim_value = InsertConstant(dims[i], range);
        TANDEM_ASSIGN_OR_RETURN(value,
                                EmitSlice(range, value, dim_value, *slice));
      }
      continue;
    }
    if (IsNone(index->type())) {
      Value* dim_value = InsertConstant(dims[i], range);
      TANDEM_ASSIGN_OR_RETURN(
          value, EmitBuiltin(range, "aten::unsqueeze", {value, dim_value}));
    } else if (Is(index->type(), TypeKind::kInt)) {
      Value* dim_value = InsertConstant(dims[i], range);
      TANDEM_ASSIGN_OR_RETURN(
          value, EmitBuiltin(range, "aten::select", {value, dim_value, index}));
    } else {
      if (tensors.size() <= static_cast<size_t>(dims[i])) {
        tensors.resize(dims[i] + 1, nullptr);
      }
      tensors[dims[i]] = index;
    }
  }
  for (Value*& tensor : tensors) {
    if (tensor == nullptr) tensor = InsertConstant(IValue());
  }
  return std::make_pair(value, std::move(tensors));
}

}  // namespace tandem::script
