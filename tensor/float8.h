// The 8-bit floating point types: data only, computed in float.
#ifndef TANDEM_TENSOR_FLOAT8_H_
#define TANDEM_TENSOR_FLOAT8_H_

#include <cstdint>

#include "tandem/tensor/dtype.h"

namespace tandem {

inline bool IsFloat8(DType dtype) {
  return (dtype >= DType::kFloat8E5M2 && dtype <= DType::kFloat8E4M3FNUZ) ||
         dtype == DType::kFloat8E8M0FNU;
}

// `dtype` is one of the float8 types. Rounds to nearest even; too large values
// become what PyTorch makes of them (infinity for E5M2, else NaN).
float Float8ToFloat(uint8_t bits, DType dtype);
uint8_t FloatToFloat8(float value, DType dtype);

}  // namespace tandem

#endif  // TANDEM_TENSOR_FLOAT8_H_
