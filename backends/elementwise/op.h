// The elementwise operators of operators.inc by number, and what groups do
// beside them. No code: the files of all instruction sets include it.
#ifndef TANDEM_BACKENDS_ELEMENTWISE_OP_H_
#define TANDEM_BACKENDS_ELEMENTWISE_OP_H_

#include <cstdint>

namespace tandem::elementwise {

enum class Op : uint8_t {
#define TANDEM_OP(Name, inputs, types, ...) k##Name,
#define TANDEM_TEST(Name, inputs, types, ...) k##Name,
#include "tandem/backends/elementwise/operators.inc"
#undef TANDEM_OP
#undef TANDEM_TEST
  // (bool, x, y): x where true, y elsewhere.
  kWhere,
  kCount,
};
constexpr int kNumOps = static_cast<int>(Op::kCount);

// The types that elements are computed in.
enum class Computed : uint8_t { kFloat, kDouble, kInt64, kBool };
constexpr int kNumComputed = 4;

constexpr int kMaxInputs = 3;
constexpr int kMaxParams = 3;

// What an expression, or an instruction made of it, does.
enum class Action : uint8_t {
  kRow,     // an elementwise operator
  kCast,    // from one computed type to another
  kExpand,  // one number a row to the row's elements
  kSum,     // over each row
  kMean,
  kMax,
  kMin,
  kSoftmax,  // along each row
  kLogSoftmax,
  kLayerNorm,
};

}  // namespace tandem::elementwise

#endif  // TANDEM_BACKENDS_ELEMENTWISE_OP_H_
