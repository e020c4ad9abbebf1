// Splits a graph between backends: what one of them compiles as a whole becomes
// a prim::FusionGroup node, the rest stays with kernels.
#ifndef TANDEM_PASSES_PARTITION_H_
#define TANDEM_PASSES_PARTITION_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "tandem/backends/group.h"
#include "tandem/backends/registry.h"
#include "tandem/ir/graph.h"

namespace tandem {

struct PartitionReport {
  // Why a node stayed with kernels, backend by backend.
  struct Refusal {
    std::string node;  // "aten::conv2d"
    std::string backend;
    std::string reason;
  };
  std::vector<Refusal> refusals;
  size_t groups = 0;
  size_t grouped_nodes = 0;
};

// Grows maximal groups for the group backends among `backends`, each node going
// to the first that supports it. A node joins a group only if it is pure (views
// count as pure) and nothing in the graph writes to what it reads or gives, and
// if no path leads from the group out and back in. A group of nodes none of
// which is worthwhile alone must have at least three. Blocks of ifs and loops
// are split by themselves. Calls must have been inlined to be looked into.
absl::StatusOr<PartitionReport> Partition(
    Graph* graph, const Registry& registry,
    absl::Span<const std::string> backends);

}  // namespace tandem

#endif  // TANDEM_PASSES_PARTITION_H_
