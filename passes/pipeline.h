// A row of passes, read from text and run on a graph or a module.
//
//   TANDEM_ASSIGN_OR_RETURN(Pipeline p, Pipeline::Parse(
//       "freeze(preserve=encode;decode),fold_constants", registry));
//   TANDEM_ASSIGN_OR_RETURN(Program fast, p.Run(program, context, {}));
#ifndef TANDEM_PASSES_PIPELINE_H_
#define TANDEM_PASSES_PIPELINE_H_

#include <functional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "tandem/passes/pass.h"

namespace tandem {

struct PipelineOptions {
  // Checks every graph with the verifier after each pass: an error names the
  // pass that broke it.
#ifdef NDEBUG
  bool verify = false;
#else
  bool verify = true;
#endif
  // Gets the canonical text of graphs, before the first pass and after each
  // that changed something.
  std::function<void(absl::string_view text)> print;
};

// What one pass did.
struct PassRun {
  std::string pass;
  PassResult result;
  size_t nodes_before = 0, nodes_after = 0;
  double seconds = 0;
};

class Pipeline {
 public:
  // Passes and presets with their options, separated by commas; white space
  // does not count. InvalidArgumentError: a name that is none (near ones are
  // listed), an option that the pass does not take, a pass that needs what no
  // pass before it gives (`given` are states that hold at the start).
  // The registry must outlive the pipeline.
  static absl::StatusOr<Pipeline> Parse(absl::string_view text,
                                        const PassRegistry& registry,
                                        uint32_t given = 0);

  // Runs on a graph in place.
  absl::StatusOr<std::vector<PassRun>> Run(
      Graph* graph, const PassContext& context,
      const PipelineOptions& options = {}) const;
  // Runs on a program derived from `program`, which stays as it is. `report`
  // (may be null) gets what each pass did.
  absl::StatusOr<Program> Run(const Program& program,
                              const PassContext& context,
                              const PipelineOptions& options = {},
                              std::vector<PassRun>* report = nullptr) const;

  bool empty() const { return steps_.empty(); }
  // The text with presets written out.
  std::string ToString() const;

 private:
  struct Step {
    const Pass* pass;
    PassOptions options;
  };
  absl::Status AddText(absl::string_view text, const PassRegistry& registry,
                       int depth);
  std::vector<Step> steps_;
};

// "fold_constants: 12 -> 9 nodes, operators folded 3" lines.
std::string DescribeRuns(const std::vector<PassRun>& runs);

}  // namespace tandem

#endif  // TANDEM_PASSES_PIPELINE_H_
