// Turns graphs into plans.
#ifndef TANDEM_RUNTIME_PLAN_BUILDER_H_
#define TANDEM_RUNTIME_PLAN_BUILDER_H_

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "tandem/backends/registry.h"
#include "tandem/runtime/plan.h"

namespace tandem {

// Flattens ifs, loops and calls of a defined function. Calls are flattened in
// until the plan has grown large; the rest stay calls. An operator that no
// backend has a kernel for becomes an error where the program reaches it.
// `graph` is the function's own or one that computes the same (partitioned,
// say); the plan keeps nothing of it.
absl::StatusOr<std::unique_ptr<Plan>> BuildPlan(
    const Function& function, const Graph& graph, const Registry& registry,
    absl::Span<const std::string> backends);

}  // namespace tandem

#endif  // TANDEM_RUNTIME_PLAN_BUILDER_H_
