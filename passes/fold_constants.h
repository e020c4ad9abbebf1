// Computes what only constants go into.
//
//   %1 : int = prim::Constant[value=2]()          %c : int = prim::Constant[
//   %2 : int = prim::Constant[value=3]()     ->        value=6]()
//   %c : int = aten::mul.int(%1, %2)
//   %b : bool = aten::__is__(%w, %none)           the other branch of the if
//   prim::If(%b) …
#ifndef TANDEM_PASSES_FOLD_CONSTANTS_H_
#define TANDEM_PASSES_FOLD_CONSTANTS_H_

#include "absl/functional/function_ref.h"
#include "absl/types/span.h"
#include "tandem/passes/pass.h"

namespace tandem {

// Operators without effects whose inputs are constants (or lists and tuples of
// constants) are run by the kernels of the context's registry. Left alone are:
// what fails (it fails when the program gets there), results that are changed
// or that a caller could change, random numbers, results larger than
// PassContext::max_folded_bytes. Ifs with a constant condition become their
// branch; `x is None` is known from the type of x; indices of tuples, casts and
// isinstance of constants too.
absl::StatusOr<PassResult> FoldConstants(Graph* graph,
                                         const PassContext& context,
                                         const PassOptions& options);

// Only the control flow: ifs whose condition is constant, loops that turn zero
// times.
absl::StatusOr<PassResult> PruneConstantBranches(Graph* graph,
                                                 const PassContext& context,
                                                 const PassOptions& options);

// The constant that a value stands for: of a constant, or of a list or tuple of
// constants that nobody changes (as `is_changed` says).
std::optional<IValue> EvaluateConstant(
    const Value* v, absl::FunctionRef<bool(const Value*)> is_changed);

// Runs an operator's kernel outside of any program: the first of `backends`
// that takes the arguments. Error when the kernel fails, when an argument is
// not a plain strided CPU tensor, or when there is no kernel.
absl::StatusOr<std::vector<IValue>> Compute(
    const Operator& op, std::vector<IValue> arguments, const Registry& registry,
    absl::Span<const std::string> backends);

}  // namespace tandem

#endif  // TANDEM_PASSES_FOLD_CONSTANTS_H_
