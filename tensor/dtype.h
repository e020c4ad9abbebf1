// Element types of tensors. Numbers are PyTorch's (ScalarType), since archives
// and programs carry them as integers.
#ifndef TANDEM_TENSOR_DTYPE_H_
#define TANDEM_TENSOR_DTYPE_H_

#include <cstddef>
#include <cstdint>
#include <optional>

#include "absl/strings/string_view.h"

namespace tandem {

enum class DType : int8_t {
  kUndefined = -1,
  kUInt8 = 0,
  kInt8 = 1,
  kInt16 = 2,
  kInt32 = 3,
  kInt64 = 4,
  kHalf = 5,
  kFloat = 6,
  kDouble = 7,
  kComplexHalf = 8,
  kComplexFloat = 9,
  kComplexDouble = 10,
  kBool = 11,
  kQInt8 = 12,
  kQUInt8 = 13,
  kQInt32 = 14,
  kBFloat16 = 15,
  kQUInt4x2 = 16,
  kQUInt2x4 = 17,
  kBits1x8 = 18,
  kBits2x4 = 19,
  kBits4x2 = 20,
  kBits8 = 21,
  kBits16 = 22,
  kFloat8E5M2 = 23,
  kFloat8E4M3FN = 24,
  kFloat8E5M2FNUZ = 25,
  kFloat8E4M3FNUZ = 26,
  kUInt16 = 27,
  kUInt32 = 28,
  kUInt64 = 29,
  kUInt1 = 30,
  kUInt2 = 31,
  kUInt3 = 32,
  kUInt4 = 33,
  kUInt5 = 34,
  kUInt6 = 35,
  kUInt7 = 36,
  kInt1 = 37,
  kInt2 = 38,
  kInt3 = 39,
  kInt4 = 40,
  kInt5 = 41,
  kInt6 = 42,
  kInt7 = 43,
  kFloat8E8M0FNU = 44,
  kFloat4E2M1FNx2 = 45,
  kBComplex32 = 46,
};

inline constexpr int kNumDTypes = 47;

// Categories in the order of promotion.
enum class DTypeCategory : uint8_t {
  kBool,
  kInteger,
  kFloat,
  kComplex,
  kOther
};

// Bytes of one element; packed types (quint4x2, …) count one byte an element
// as PyTorch's element_size does. 0 for kUndefined.
inline size_t ElementSize(DType dtype);

// PyTorch's C++ name ("Float", "QUInt8"): error texts, IR types, printing.
absl::string_view TypeName(DType dtype);

// Python's name without "torch." ("float32", "quint8").
absl::string_view PythonName(DType dtype);

// From TypeName's text ("Float"); storage classes of pickles are TypeName +
// "Storage".
std::optional<DType> DTypeFromTypeName(absl::string_view name);
// From PythonName's text and its synonyms ("float", "half", "long", "cfloat").
std::optional<DType> DTypeFromPythonName(absl::string_view name);
// From the integer that programs use; nullopt when PyTorch has no such type.
std::optional<DType> DTypeFromInt(int64_t code);

DTypeCategory CategoryOf(DType dtype);
bool IsFloatingPoint(DType dtype);  // half, bfloat16, float, double, float8s
bool IsComplex(DType dtype);
// Integers, not bool unless `include_bool`.
bool IsIntegral(DType dtype, bool include_bool);
bool IsQuantized(DType dtype);
bool IsSigned(DType dtype);

// The complex type with parts of `real` (float -> complex64), and back.
DType ToComplex(DType real);
DType ToReal(DType complex);

// Promotion of two tensors of the same rank group, as torch.promote_types.
// kUndefined when PyTorch refuses (uint16 with int32, float8 with float).
DType PromoteTypes(DType a, DType b);

// As torch.can_cast(from, to).
bool CanCast(DType from, DType to);

namespace dtype_internal {
// By DType; checked against the table of names in dtype.cc.
inline constexpr uint8_t kElementSizes[] = {
    1, 1, 2, 4, 8, 2, 4, 8, 4, 8, 16, 1, 1, 1, 4, 2, 1, 1, 1, 1, 1, 1, 2, 1,
    1, 1, 1, 2, 4, 8, 1, 1, 1, 1, 1,  1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 4};
}  // namespace dtype_internal

size_t ElementSize(DType dtype) {
  const auto i = static_cast<uint8_t>(dtype);
  return i < kNumDTypes ? dtype_internal::kElementSizes[i] : 0;
}

}  // namespace tandem

#endif  // TANDEM_TENSOR_DTYPE_H_
