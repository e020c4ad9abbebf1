// Compares a computed value with a recorded one.
#ifndef TANDEM_TOOLS_COMPARE_H_
#define TANDEM_TOOLS_COMPARE_H_

#include <optional>
#include <string>

#include "tandem/ir/ivalue.h"

namespace tandem::tools {

// |got - want| <= atol * max(1, s) + rtol * |want| with s = 10 * max|want| over
// the finite elements. Unset: by dtype (1e-4/1e-5 for float32 and complex64,
// 1e-7/1e-9 for float64 and complex128, 1e-3/1e-5 for half, 1.6e-2/1e-5 for
// bfloat16).
struct Tolerance {
  std::optional<double> rtol, atol;
};

// Empty when they agree, else where and how they differ ("[1]: …"). Nesting,
// kinds, dtypes and shapes exactly; integers and bools exactly; NaN equals NaN;
// quantized tensors within one quantum. NamedTuples are recorded as tuples,
// enums as "Class.NAME", devices as strings.
std::string Compare(const IValue& got, const IValue& want,
                    const Tolerance& tolerance = {});

}  // namespace tandem::tools

#endif  // TANDEM_TOOLS_COMPARE_H_
