// Tensors out of C++ values. zeros, ones, full, arange, rand, randn … are
// operators (operators.h).
#ifndef TANDEM_FRONTENDS_EAGER_FACTORIES_H_
#define TANDEM_FRONTENDS_EAGER_FACTORIES_H_

#include <complex>
#include <initializer_list>
#include <optional>
#include <type_traits>
#include <vector>

#include "tandem/frontends/eager/tensor.h"

namespace tandem::eager {

// What torch.tensor takes: a number or a nested list of them.
class TensorData {
 public:
  template <typename T, std::enable_if_t<std::is_arithmetic_v<T>, int> = 0>
  TensorData(T v) : is_list_(false), numbers_{Number(v).value()} {}  // NOLINT
  template <typename T>
  TensorData(std::complex<T> v)  // NOLINT
      : is_list_(false), numbers_{Scalar(std::complex<double>(v))} {}
  // Throws when the lists are not of one shape.
  TensorData(std::initializer_list<TensorData> list);  // NOLINT
  template <typename T>
  TensorData(const std::vector<T>& list)  // NOLINT
      : sizes_{static_cast<int64_t>(list.size())}, is_list_(true) {
    for (const T& v : list) numbers_.push_back(Number(v).value());
  }

  const Dims& sizes() const { return sizes_; }
  const std::vector<Scalar>& numbers() const { return numbers_; }

 private:
  Dims sizes_;
  bool is_list_;
  std::vector<Scalar> numbers_;
};

// torch.tensor: int64 of integers, float32 of reals, bool, complex64 unless a
// dtype is given.
//
//   tensor(5), tensor({1., 2.}), tensor({{1, 2}, {3, 4}}, DType::kFloat)
Tensor tensor(const TensorData& data,
              std::optional<DType> dtype = std::nullopt);
Tensor tensor(std::initializer_list<TensorData> data,
              std::optional<DType> dtype = std::nullopt);

// Short names of dtypes, as in torch.float32.
inline constexpr DType kUInt8 = DType::kUInt8, kInt8 = DType::kInt8,
                       kInt16 = DType::kInt16, kInt32 = DType::kInt32,
                       kInt64 = DType::kInt64, kFloat16 = DType::kHalf,
                       kBFloat16 = DType::kBFloat16, kFloat32 = DType::kFloat,
                       kFloat64 = DType::kDouble,
                       kComplex64 = DType::kComplexFloat,
                       kComplex128 = DType::kComplexDouble,
                       kBool = DType::kBool;

}  // namespace tandem::eager

#endif  // TANDEM_FRONTENDS_EAGER_FACTORIES_H_
