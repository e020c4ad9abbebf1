// What is known of tensors without running: number of dims and dtype.
#ifndef TANDEM_PASSES_KNOWN_SHAPES_H_
#define TANDEM_PASSES_KNOWN_SHAPES_H_

#include <optional>

#include "tandem/ir/graph.h"

namespace tandem {

// The rank of a tensor, from its type or from what makes it: views and permutes
// with lists of known length, transposes, elementwise results, …
std::optional<int64_t> KnownRank(const Value* v);

// The dtype that its type names, or that follows from what makes it: a
// convolution gives the dtype of its weights, most others that of their input.
// Not for programs with `with` blocks in them, where autocast may choose others
// (TypedDType below is all that is known there).
std::optional<DType> KnownDType(const Value* v);
std::optional<DType> TypedDType(const Value* v);

// Does the operator give as many dims as its first input has, whatever they
// are?
bool KeepsRank(const Node& n);

}  // namespace tandem

#endif  // TANDEM_PASSES_KNOWN_SHAPES_H_
