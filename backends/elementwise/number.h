// Facts about the operators of operators.inc, and numbers in the types that
// they compute in.
#ifndef TANDEM_BACKENDS_ELEMENTWISE_NUMBER_H_
#define TANDEM_BACKENDS_ELEMENTWISE_NUMBER_H_

#include <cstdint>

#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "tandem/backends/elementwise/op.h"
#include "tandem/tensor/dtype.h"
#include "tandem/tensor/scalar.h"

namespace tandem::elementwise {

// The type that elements of `dtype` are computed in without conversion, or -1.
inline int ComputedOf(DType dtype) {
  switch (dtype) {
    case DType::kFloat:
      return 0;
    case DType::kDouble:
      return 1;
    case DType::kInt64:
      return 2;
    case DType::kBool:
      return 3;
    default:
      return -1;
  }
}

// By computed type: the dtype of its elements, and their bytes.
inline constexpr DType kDTypes[kNumComputed] = {DType::kFloat, DType::kDouble,
                                                DType::kInt64, DType::kBool};
inline constexpr int64_t kSizes[kNumComputed] = {4, 8, 8, 1};

// A row of operators.inc.
struct OpInfo {
  absl::string_view name;  // "Silu"
  int inputs;
  unsigned types;  // bit i: is there for computed type i
  bool test;       // gives bool
  // The expression's text over x, y, z, C(…), p(…); empty for kWhere.
  absl::string_view text;
};
const OpInfo& InfoOf(Op op);
inline bool IsTest(Op op) { return InfoOf(op).test; }
inline bool HasType(Op op, int computed) {
  return (InfoOf(op).types >> computed & 1) != 0;
}

// One number in the computed type. False when the type cannot stand for it: a
// tensor of integers is promoted by a float.
struct Number {
  alignas(8) char bytes[8] = {};
  bool Set(int computed, const Scalar& s);
};

// Numbers of an operator that are the same for all elements, in the computed
// type, side by side.
struct Numbers {
  alignas(8) char bytes[8 * kMaxParams] = {};
  bool Set(int computed, absl::Span<const Scalar> values);
};

}  // namespace tandem::elementwise

#endif  // TANDEM_BACKENDS_ELEMENTWISE_NUMBER_H_
