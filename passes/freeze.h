// Attributes that nobody writes become constants.
//
//   %w : Tensor = prim::GetAttr[name="weight"](%self)
//   %y : Tensor = aten::linear(%x, %w, %none)
// ->
//   %w : Tensor = prim::Constant[value=…]()
//   %y : Tensor = aten::linear(%x, %w, %none)
#ifndef TANDEM_PASSES_FREEZE_H_
#define TANDEM_PASSES_FREEZE_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "tandem/passes/pass.h"
#include "tandem/passes/program.h"

namespace tandem {

struct FreezeOptions {
  // Methods of the module that are kept. Empty: all. What the others write
  // does not count.
  std::vector<std::string> methods;
  // Attributes of the module itself that stay attributes, as others read or set
  // them.
  std::vector<std::string> attributes;
  // Freezes what reads `training` where it is true: the module goes on as in
  // training. Without it that is an error, as with torch.jit.freeze.
  bool allow_training = false;
};

// A derived program of which
//   - calls are inlined, those through interfaces too where the object is
//   known,
//   - an attribute of any module of the tree is a constant, unless a kept
//     method sets it or may change, through any alias, the tensor, list or dict
//     that it holds: those stay attributes, so that a module with state keeps
//     it,
//   - the module's own class keeps the attributes that are still used.
// Tensors are shared with the original, not copied. FailedPreconditionError: a
// module in training mode. ResourceExhaustedError: more than `max_nodes`.
absl::StatusOr<Program> Freeze(const Program& program,
                               const FreezeOptions& options = {},
                               const PassContext& context = {},
                               PassResult* result = nullptr);

// The pass `freeze(methods=forward;encode,attributes=scale,allow_training)`.
// On a graph alone it does nothing: a graph has no object to freeze.
std::unique_ptr<Pass> MakeFreezePass();

}  // namespace tandem

#endif  // TANDEM_PASSES_FREEZE_H_
