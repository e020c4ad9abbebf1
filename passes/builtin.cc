#include "tandem/passes/builtin.h"

#include <utility>

#include "tandem/passes/eliminate_common_subexpressions.h"
#include "tandem/passes/eliminate_dead_code.h"
#include "tandem/passes/fold_batch_norm.h"
#include "tandem/passes/fold_constants.h"
#include "tandem/passes/freeze.h"
#include "tandem/passes/fuse_attention.h"
#include "tandem/passes/fuse_linear.h"
#include "tandem/passes/inline.h"
#include "tandem/passes/lift_constants.h"
#include "tandem/passes/propagate_ranks.h"
#include "tandem/passes/propagate_shapes.h"
#include "tandem/passes/remove_dropout.h"
#include "tandem/passes/remove_mutation.h"
#include "tandem/passes/simplify.h"
#include "tandem/passes/unroll_loops.h"
#include "tandem/tensor/status_macros.h"

namespace tandem {
namespace {

absl::StatusOr<PassResult> Inline(Graph* graph, const PassContext& context,
                                  const PassOptions& options) {
  TANDEM_ASSIGN_OR_RETURN(
      const int64_t max_nodes,
      options.GetInt("max_nodes", static_cast<int64_t>(context.max_nodes)));
  PassResult result;
  const uint64_t version = graph->version();
  TANDEM_RETURN_IF_ERROR(InlineCalls(graph, static_cast<size_t>(max_nodes)));
  result.changed = graph->version() != version;
  return result;
}

}  // namespace

absl::Status RegisterPasses(PassRegistry& registry) {
  const auto add = [&](PassInfo info, GraphPassFunction function) {
    return registry.Add(MakeGraphPass(std::move(info), function));
  };
  TANDEM_RETURN_IF_ERROR(add({"inline",
                              "bodies of functions in the place of their calls",
                              /*needs=*/0,
                              /*gives=*/kInlined,
                              /*breaks=*/0,
                              {"max_nodes N  fails beyond it"}},
                             &Inline));
  TANDEM_RETURN_IF_ERROR(registry.Add(MakeFreezePass()));
  TANDEM_RETURN_IF_ERROR(
      add({"remove_dropout", "dropout outside of training is its input"},
          &RemoveDropout));
  TANDEM_RETURN_IF_ERROR(
      add({"fold_constants", "computes what only constants go into"},
          &FoldConstants));
  TANDEM_RETURN_IF_ERROR(
      add({"prune_constant_branches",
           "ifs with a constant condition, loops that do not turn"},
          &PruneConstantBranches));
  TANDEM_RETURN_IF_ERROR(add({"eliminate_common_subexpressions",
                              "computes once what is computed twice"},
                             &EliminateCommonSubexpressions));
  TANDEM_RETURN_IF_ERROR(
      add({"eliminate_dead_code", "removes what nobody can see"},
          &EliminateDeadCode));
  TANDEM_RETURN_IF_ERROR(add(
      {"simplify", "identities, views of views, items of lists"}, &Simplify));
  TANDEM_RETURN_IF_ERROR(
      add({"lift_constants",
           "constants to the front, containers of them made once"},
          &LiftConstants));
  TANDEM_RETURN_IF_ERROR(add({"unroll_loops",
                              "short loops of constant length in a row",
                              /*needs=*/0,
                              /*gives=*/0,
                              /*breaks=*/0,
                              {"max_trips N  longest loop (16)",
                               "max_nodes N  largest result (2000)"}},
                             &UnrollLoops));
  TANDEM_RETURN_IF_ERROR(
      add({"propagate_ranks",
           "numbers of dims that earlier checks decide, and their checks",
           /*needs=*/kInlined},
          &PropagateRanks));
  TANDEM_RETURN_IF_ERROR(
      add({"remove_mutation", "in-place operators become functional ones"},
          &RemoveMutation));
  TANDEM_RETURN_IF_ERROR(
      add({"fold_batch_norm",
           "batch normalisation goes into the convolution before it",
           /*needs=*/kFrozen},
          &FoldBatchNorm));
  TANDEM_RETURN_IF_ERROR(add({"fuse_linear", "product and bias become linear",
                              /*needs=*/kFrozen},
                             &FuseLinear));
  TANDEM_RETURN_IF_ERROR(
      add({"fuse_attention",
           "attention as written becomes scaled_dot_product_attention",
           /*needs=*/kInlined,
           /*gives=*/0,
           /*breaks=*/0,
           {"masks  with masks, too, that repeat no scores and leave no row "
            "empty"}},
          &FuseAttention));
  TANDEM_RETURN_IF_ERROR(
      add({"propagate_shapes",
           "types of tensors from the types of what they are made of",
           /*needs=*/0,
           /*gives=*/0,
           /*breaks=*/0,
           {"inputs T;T;...  types of the tensor parameters, as "
            "float32:Nx3x224x224"}},
          &PropagateShapes));
  return registry.AddPreset(
      "inference",
      "freeze(allow_training),remove_dropout,fold_constants,unroll_loops,"
      "simplify,"
      "fold_constants,eliminate_common_subexpressions,propagate_ranks,"
      "fold_constants,remove_mutation,"
      "fold_batch_norm,fuse_linear,fuse_attention,lift_constants,"
      "eliminate_dead_code");
}

}  // namespace tandem
