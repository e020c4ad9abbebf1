// From a run-time dtype to the C++ type of its elements.
//
//   return VisitReal(t.dtype(), "sort", [&](auto tag) -> absl::Status {
//     using T = typename decltype(tag)::type;
//     …
//   });
//
// Each Visit instantiates the body for every type of its group: use the
// narrowest group, and keep bodies small or in functions of their own.
#ifndef TANDEM_TENSOR_VISIT_H_
#define TANDEM_TENSOR_VISIT_H_

#include <complex>
#include <cstdint>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "tandem/tensor/dtype.h"
#include "tandem/tensor/half.h"

namespace tandem {

template <typename T>
struct TypeTag {
  using type = T;
};

// DTypeOf<T>::value, and back TypeOf.
template <typename T>
struct DTypeOf;
#define TANDEM_DTYPE_OF(T, D)                \
  template <>                                \
  struct DTypeOf<T> {                        \
    static constexpr DType value = DType::D; \
  }
TANDEM_DTYPE_OF(bool, kBool);
TANDEM_DTYPE_OF(uint8_t, kUInt8);
TANDEM_DTYPE_OF(int8_t, kInt8);
TANDEM_DTYPE_OF(int16_t, kInt16);
TANDEM_DTYPE_OF(int32_t, kInt32);
TANDEM_DTYPE_OF(int64_t, kInt64);
TANDEM_DTYPE_OF(uint16_t, kUInt16);
TANDEM_DTYPE_OF(uint32_t, kUInt32);
TANDEM_DTYPE_OF(uint64_t, kUInt64);
TANDEM_DTYPE_OF(Half, kHalf);
TANDEM_DTYPE_OF(BFloat16, kBFloat16);
TANDEM_DTYPE_OF(float, kFloat);
TANDEM_DTYPE_OF(double, kDouble);
TANDEM_DTYPE_OF(std::complex<float>, kComplexFloat);
TANDEM_DTYPE_OF(std::complex<double>, kComplexDouble);
TANDEM_DTYPE_OF(ComplexHalf, kComplexHalf);
#undef TANDEM_DTYPE_OF

// PyTorch's text for an operator that lacks a dtype.
inline absl::Status NotImplementedFor(absl::string_view op, DType dtype) {
  return absl::UnimplementedError(
      absl::StrCat("\"", op, "\" not implemented for '", TypeName(dtype), "'"));
}

#define TANDEM_VISIT_CASE(D, T) \
  case DType::D:                \
    return body(TypeTag<T>{});

#define TANDEM_VISIT_INTS            \
  TANDEM_VISIT_CASE(kUInt8, uint8_t) \
  TANDEM_VISIT_CASE(kInt8, int8_t)   \
  TANDEM_VISIT_CASE(kInt16, int16_t) \
  TANDEM_VISIT_CASE(kInt32, int32_t) \
  TANDEM_VISIT_CASE(kInt64, int64_t)
#define TANDEM_VISIT_BAREBONE_UINTS    \
  TANDEM_VISIT_CASE(kUInt16, uint16_t) \
  TANDEM_VISIT_CASE(kUInt32, uint32_t) \
  TANDEM_VISIT_CASE(kUInt64, uint64_t)
#define TANDEM_VISIT_FLOATS              \
  TANDEM_VISIT_CASE(kHalf, Half)         \
  TANDEM_VISIT_CASE(kBFloat16, BFloat16) \
  TANDEM_VISIT_CASE(kFloat, float)       \
  TANDEM_VISIT_CASE(kDouble, double)
#define TANDEM_VISIT_COMPLEX                            \
  TANDEM_VISIT_CASE(kComplexFloat, std::complex<float>) \
  TANDEM_VISIT_CASE(kComplexDouble, std::complex<double>)

#define TANDEM_DEFINE_VISIT(Name, CASES)                    \
  template <typename Body>                                  \
  auto Name(DType dtype, absl::string_view op, Body&& body) \
      ->decltype(body(TypeTag<float>{})) {                  \
    switch (dtype) {                                        \
      CASES                                                 \
      default:                                              \
        return NotImplementedFor(op, dtype);                \
    }                                                       \
  }

// half, bfloat16, float, double
TANDEM_DEFINE_VISIT(VisitFloating, TANDEM_VISIT_FLOATS)
// uint8, int8-64
TANDEM_DEFINE_VISIT(VisitInteger, TANDEM_VISIT_INTS)
TANDEM_DEFINE_VISIT(VisitIntegerAndBool,
                    TANDEM_VISIT_INTS TANDEM_VISIT_CASE(kBool, bool))
// integers and floats
TANDEM_DEFINE_VISIT(VisitReal, TANDEM_VISIT_INTS TANDEM_VISIT_FLOATS)
TANDEM_DEFINE_VISIT(VisitRealAndBool, TANDEM_VISIT_INTS TANDEM_VISIT_FLOATS
                                          TANDEM_VISIT_CASE(kBool, bool))
// floats and complex
TANDEM_DEFINE_VISIT(VisitFloatingAndComplex,
                    TANDEM_VISIT_FLOATS TANDEM_VISIT_COMPLEX)
// integers, floats, complex
TANDEM_DEFINE_VISIT(VisitNumeric,
                    TANDEM_VISIT_INTS TANDEM_VISIT_FLOATS TANDEM_VISIT_COMPLEX)
// the above, bool and the unsigned 16 to 64: every dtype that computes
TANDEM_DEFINE_VISIT(VisitAll,
                    TANDEM_VISIT_INTS TANDEM_VISIT_FLOATS TANDEM_VISIT_COMPLEX
                        TANDEM_VISIT_BAREBONE_UINTS TANDEM_VISIT_CASE(kBool,
                                                                      bool)
                            TANDEM_VISIT_CASE(kComplexHalf, ComplexHalf))

// Moving elements needs no arithmetic: a body for each element size
// (uint8_t … uint64_t, Bytes16).
struct Bytes16 {
  uint64_t low, high;
};
template <typename Body>
auto VisitBySize(DType dtype, Body&& body)
    -> decltype(body(TypeTag<uint8_t>{})) {
  switch (ElementSize(dtype)) {
    case 2:
      return body(TypeTag<uint16_t>{});
    case 4:
      return body(TypeTag<uint32_t>{});
    case 8:
      return body(TypeTag<uint64_t>{});
    case 16:
      return body(TypeTag<Bytes16>{});
    default:
      return body(TypeTag<uint8_t>{});
  }
}

// The type in which elements of T are computed: float for the 16-bit ones.
template <typename T>
struct ComputeType {
  using type = T;
};
template <>
struct ComputeType<Half> {
  using type = float;
};
template <>
struct ComputeType<BFloat16> {
  using type = float;
};
template <typename T>
using Compute = typename ComputeType<T>::type;

template <typename T>
inline constexpr bool kIsComplex = false;
template <typename T>
inline constexpr bool kIsComplex<std::complex<T>> = true;

}  // namespace tandem

#endif  // TANDEM_TENSOR_VISIT_H_
