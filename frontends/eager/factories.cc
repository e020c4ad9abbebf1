#include "tandem/frontends/eager/factories.h"

#include "tandem/frontends/eager/convert.h"
#include "tandem/frontends/eager/recorder.h"
#include "tandem/tensor/copy.h"

namespace tandem::eager {
namespace {

DType DTypeOfNumbers(const std::vector<Scalar>& numbers) {
  bool all_bool = !numbers.empty(), any_double = numbers.empty();
  for (const Scalar& n : numbers) {
    if (n.is_complex()) return DType::kComplexFloat;
    all_bool = all_bool && n.is_bool();
    any_double = any_double || n.is_double();
  }
  return all_bool ? DType::kBool : any_double ? DType::kFloat : DType::kInt64;
}

// The numbers as a 1-dim tensor of the widest type of their category.
tandem::Tensor Widest(const std::vector<Scalar>& numbers, DType dtype) {
  const DType wide = IsComplex(dtype)          ? DType::kComplexDouble
                     : IsIntegral(dtype, true) ? DType::kInt64
                                               : DType::kDouble;
  const int64_t count = static_cast<int64_t>(numbers.size());
  tandem::Tensor t = Unwrap(tandem::Tensor::Empty({count}, wide));
  for (int64_t i = 0; i < count; ++i) {
    switch (wide) {
      case DType::kComplexDouble:
        t.data<std::complex<double>>()[i] = numbers[i].ToComplex();
        break;
      case DType::kInt64:
        t.data<int64_t>()[i] =
            dtype == DType::kBool ? numbers[i].ToBool() : numbers[i].ToInt();
        break;
      default:
        t.data<double>()[i] = numbers[i].ToDouble();
    }
  }
  return t;
}

// What a recorder of calls makes of a new constant.
Tensor Recorded(const tandem::Tensor& t) {
  Recorder* const recorder = CurrentRecorder();
  if (recorder == nullptr || recorder->KeepsOperators()) return Tensor(t);
  std::vector<IValue> args{IValue(t)};
  const std::optional<IValue> result =
      Unwrap(recorder->EnterFunction("torch.tensor", &args));
  return result.has_value() ? FromIValue<Tensor>(*result) : Tensor(t);
}

}  // namespace

TensorData::TensorData(std::initializer_list<TensorData> list)
    : is_list_(true) {
  sizes_.push_back(static_cast<int64_t>(list.size()));
  for (const TensorData& e : list) {
    const TensorData& first = *list.begin();
    if (e.sizes_ != first.sizes_ || e.is_list_ != first.is_list_) {
      Throw("tensor: the nested lists have different lengths");
    }
    numbers_.insert(numbers_.end(), e.numbers_.begin(), e.numbers_.end());
  }
  if (list.size() > 0) {
    const Dims& inner = list.begin()->sizes_;
    sizes_.insert(sizes_.end(), inner.begin(), inner.end());
  }
}

Tensor tensor(const TensorData& data, std::optional<DType> dtype) {
  const DType wanted = dtype.value_or(DTypeOfNumbers(data.numbers()));
  const tandem::Tensor wide = Widest(data.numbers(), wanted);
  const tandem::Tensor shaped =
      Unwrap(wide.AsStrided(data.sizes(), ContiguousStrides(data.sizes()), 0));
  if (wanted == wide.dtype()) return Recorded(shaped);
  const tandem::Tensor out =
      Unwrap(tandem::Tensor::Empty(data.sizes(), wanted));
  ThrowIfError(CopyElements(shaped, out));
  return Recorded(out);
}

Tensor tensor(std::initializer_list<TensorData> data,
              std::optional<DType> dtype) {
  return tensor(TensorData(data), dtype);
}

}  // namespace tandem::eager
