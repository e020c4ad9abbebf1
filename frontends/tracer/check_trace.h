// check_trace: the trace again, and what differs.
#ifndef TANDEM_FRONTENDS_TRACER_CHECK_TRACE_H_
#define TANDEM_FRONTENDS_TRACER_CHECK_TRACE_H_

#include <functional>
#include <string>
#include <vector>

#include "tandem/frontends/tracer/tracer.h"
#include "tandem/ir/graph.h"

namespace tandem::tracer {

// Copies of the tensors inside, those that share elements too.
std::vector<IValue> CopyInputs(const std::vector<IValue>& inputs);

struct CheckedTrace {
  const Graph* graph = nullptr;
  const Graph* repeated_graph = nullptr;
  // Each run has inputs of its own.
  std::function<IValue()> run, run_repeated, run_program;
};

// Warns of outputs that differ and throws where the graphs do, in torch's
// words ("Tracing failed sanity checks!…").
void CheckTrace(const CheckedTrace& trace, const Options& options);

}  // namespace tandem::tracer

#endif  // TANDEM_FRONTENDS_TRACER_CHECK_TRACE_H_
