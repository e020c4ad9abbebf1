// reversed(x): sequences are copied backwards, ranges run backwards.

#include <limits>

#include "tandem/frontends/script/compiler/function_compiler.h"
#include "tandem/frontends/script/compiler/sugared_value.h"
#include "tandem/tensor/status_macros.h"

namespace tandem::script {

absl::StatusOr<Sugared> EmitReversed(const SourceRange& range,
                                     FunctionCompiler& f,
                                     const Sugared& iterable) {
  if (iterable->tag() == SugaredValue::Tag::kTuple) {
    TANDEM_ASSIGN_OR_RETURN(std::vector<Sugared> parts,
                            iterable->AsTuple(range, f));
    return Sugared(std::make_shared<TupleValue>(
        std::vector<Sugared>(parts.rbegin(), parts.rend())));
  }
  if (iterable->tag() == SugaredValue::Tag::kRange) {
    // Its items at length - 1 and before: range(first, end, -step).
    TANDEM_ASSIGN_OR_RETURN(Value * length, iterable->Length(range, f));
    const auto at = [&](Value* index) -> absl::StatusOr<Value*> {
      TANDEM_ASSIGN_OR_RETURN(Sugared item,
                              iterable->Item(range, f, index, nullptr));
      return item->AsValue(range, f);
    };
    Value* zero = f.InsertConstant(int64_t{0}, range);
    Value* one = f.InsertConstant(int64_t{1}, range);
    TANDEM_ASSIGN_OR_RETURN(Value * first, at(zero));
    TANDEM_ASSIGN_OR_RETURN(Value * second, at(one));
    TANDEM_ASSIGN_OR_RETURN(Value * step,
                            f.EmitBuiltin(range, "aten::sub", {first, second}));
    TANDEM_ASSIGN_OR_RETURN(Value * last_index,
                            f.EmitBuiltin(range, "aten::sub", {length, one}));
    TANDEM_ASSIGN_OR_RETURN(Value * last, at(last_index));
    TANDEM_ASSIGN_OR_RETURN(Value * end,
                            f.EmitBuiltin(range, "aten::add", {first, step}));
    return RangeValue::Create(range, f, {last, end, step});
  }
  TANDEM_ASSIGN_OR_RETURN(Value * value, iterable->AsValue(range, f));
  const TypePtr& type = value->type();
  if (Is(type, TypeKind::kTuple)) {
    std::vector<Value*> parts = f.UnpackTuple(value);
    return Simple(f.InsertTuple({parts.rbegin(), parts.rend()}));
  }
  if (IsTensor(type)) {
    Value* zero = f.InsertConstant(int64_t{0}, range);
    Value* dims = f.InsertList(Type::Int(), {zero});
    TANDEM_ASSIGN_OR_RETURN(Value * flipped,
                            f.EmitBuiltin(range, "aten::flip", {value, dims}));
    return Simple(flipped);
  }
  if (Is(type, TypeKind::kDict)) {
    TANDEM_ASSIGN_OR_RETURN(
        value, f.EmitBuiltin(range, "aten::keys", {NamedValue(value)}));
  } else if (!Is(type, TypeKind::kList) && !Is(type, TypeKind::kStr)) {
    return f.Error(range, "'", Repr(type), "' object is not reversible");
  }
  Value* none = f.InsertConstant(IValue(), range);
  Value* step = f.InsertConstant(int64_t{-1}, range);
  TANDEM_ASSIGN_OR_RETURN(
      Value * backwards,
      f.EmitBuiltin(range, "aten::slice", {value, none, none, step}));
  return Simple(backwards);
}

}  // namespace tandem::script
