#include "tandem/frontends/eager/convert.h"

#include "absl/strings/str_cat.h"
#include "tandem/frontends/eager/recorder.h"

namespace tandem::eager {
namespace internal {
namespace {

// What a tensor that stands for a number holds, 0 where it holds nothing.
Scalar HintOf(const tandem::Tensor& t) {
  if (t.dtype() == DType::kUndefined || t.numel() != 1) return Scalar();
  const absl::StatusOr<Scalar> item = t.Item();
  return item.ok() ? *item : Scalar();
}

// Of a tensor that becomes a number of the program.
Scalar Item(const tandem::Tensor& t, Conversion conversion) {
  if (Recorder* recorder = CurrentRecorder(); recorder != nullptr) {
    ThrowIfError(recorder->Convert(t, conversion));
  } else if (t.dtype() == DType::kUndefined) {
    Throw("a symbolic tensor outside of the trace that it belongs to");
  }
  return Unwrap(t.Item());
}

}  // namespace

void ThrowMismatch(const IValue& value, const Type& wanted) {
  const TypePtr type = value.TypeOf();
  Throw(absl::StrCat("Expected a value of type '", wanted.ToAnnotation(),
                     "' but instead found type '",
                     type == nullptr ? "?" : type->ToAnnotation(), "'."));
}

int64_t UnboxInt(const IValue& v) {
  if (v.is_int() || v.is_bool()) return v.AsInt();
  if (v.is_tensor()) return Item(v.AsTensor(), Conversion::kInt).ToInt();
  ThrowMismatch(v, *Type::Int());
}

double UnboxDouble(const IValue& v) {
  if (v.is_double()) return v.AsDouble();
  if (v.is_int()) return static_cast<double>(v.AsInt());
  if (v.is_tensor()) return Item(v.AsTensor(), Conversion::kFloat).ToDouble();
  ThrowMismatch(v, *Type::Float());
}

bool UnboxBool(const IValue& v) {
  if (v.is_bool()) return v.AsBool();
  if (v.is_tensor()) return Item(v.AsTensor(), Conversion::kBool).ToBool();
  ThrowMismatch(v, *Type::Bool());
}

std::vector<IValue> UnpackSymbol(const IValue& v, size_t count) {
  Recorder* recorder = CurrentRecorder();
  if (recorder == nullptr || !v.AsTensor().defined() ||
      v.AsTensor().dtype() != DType::kUndefined) {
    ThrowMismatch(v, *Type::Get(TypeKind::kAnyTuple));
  }
  std::vector<IValue> items;
  for (size_t i = 0; i < count; ++i) {
    items.push_back(IValue(
        Unwrap(recorder->ShapeItem(v.AsTensor(), static_cast<int64_t>(i)))
            .symbol()));
  }
  return items;
}

}  // namespace internal

Tensor Boxing<Tensor>::Unbox(const IValue& v) {
  if (v.is_none()) return Tensor();
  if (!v.is_tensor()) internal::ThrowMismatch(v, *Type());
  return Tensor(v.AsTensor());
}

IValue Boxing<Int>::Box(const Int& v) {
  if (v.is_symbolic() && CurrentRecorder() != nullptr)
    return IValue(v.symbol());
  return IValue(static_cast<int64_t>(v));
}

Int Boxing<Int>::Unbox(const IValue& v) {
  if (v.is_int()) return Int(v.AsInt());
  if (v.is_tensor() && v.AsTensor().defined()) {
    return Int(internal::HintOf(v.AsTensor()).ToInt(), v.AsTensor());
  }
  internal::ThrowMismatch(v, *Type());
}

IValue Boxing<Number>::Box(const Number& v) {
  if (v.symbol().defined() && CurrentRecorder() != nullptr) {
    return IValue(v.symbol());
  }
  return IValue(v.value());
}

Number Boxing<Number>::Unbox(const IValue& v) {
  if (v.is_scalar()) return Number(v.AsScalar());
  if (v.is_tensor() && v.AsTensor().defined()) {
    return Number(internal::HintOf(v.AsTensor()), v.AsTensor());
  }
  internal::ThrowMismatch(v, *Type());
}

IValue Boxing<IntList>::Box(const IntList& v) {
  if (v.symbol().defined()) return IValue(v.symbol());
  std::vector<IValue> values;
  for (const Int& i : v) values.push_back(Boxing<Int>::Box(i));
  return IValue(MakeList(tandem::Type::Int(), std::move(values)));
}

IntList Boxing<IntList>::Unbox(const IValue& v) {
  if (v.is_tensor()) return IntList::Symbolic(v.AsTensor());
  IntList out;
  const auto append = [&](const std::vector<IValue>& values) {
    for (const IValue& e : values) out.push_back(Boxing<Int>::Unbox(e));
  };
  if (v.is_list()) {
    append(v.AsList().values);
  } else if (v.is_tuple()) {
    append(v.AsTuple().values);
  } else {
    internal::ThrowMismatch(v, *Type());
  }
  return out;
}

}  // namespace tandem::eager
