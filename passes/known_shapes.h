// What is known of tensors without running: rank and dtype.
#ifndef TANDEM_PASSES_KNOWN_SHAPES_H_
#define TANDEM_PASSES_KNOWN_SHAPES_H_

#include <optional>

#include "tandem/ir/graph.h"

namespace tandem {

// The rank of a tensor, from its type or from what makes it: views and permutes
// with lists of known length, transposes, elementwise results, …
std::optional<int64_t> KnownRank(const Value* v);

// The dtype that its type names.
std::optional<DType> KnownDType(const Value* v);

}  // namespace tandem

#endif  // TANDEM_PASSES_KNOWN_SHAPES_H_
