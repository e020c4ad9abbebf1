// Puts the bodies of called functions in the place of their calls.
#ifndef TANDEM_PASSES_INLINE_H_
#define TANDEM_PASSES_INLINE_H_

#include <cstddef>

#include "absl/status/status.h"
#include "tandem/ir/graph.h"

namespace tandem {

// Inlines all calls whose callee is known, in nested blocks too, until none is
// left; calls through interfaces stay. ResourceExhaustedError, with the graph
// partly inlined, when it would grow past `max_nodes`: functions that each call
// the next twice double it every time.
absl::Status InlineCalls(Graph* graph, size_t max_nodes = 500'000);

}  // namespace tandem

#endif  // TANDEM_PASSES_INLINE_H_
