#include "tandem/passes/text_pass.h"

#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "tandem/ir/canonical.h"
#include "tandem/tensor/status_macros.h"

namespace tandem {
namespace {

// The graph's nodes become those of `other`.
void ReplaceBody(Graph* graph, const Graph& other) {
  Block* block = graph->block();
  const std::vector<Value*> arguments(graph->inputs().begin(),
                                      graph->inputs().end());
  Node* const old_last = block->last();
  const std::vector<Value*> results =
      graph->Inline(other, arguments, graph->return_node());
  for (size_t i = 0; i < results.size(); ++i) {
    graph->return_node()->ReplaceInput(i, results[i]);
  }
  for (Node *n = old_last, *previous; n != block->param_node(); n = previous) {
    previous = n->prev();
    n->Destroy();
  }
}

class TextPassOfFunction : public Pass {
 public:
  TextPassOfFunction(PassInfo info, GraphTextFunction function)
      : Pass(std::move(info)), function_(std::move(function)) {}

  absl::StatusOr<PassResult> RunOnGraph(Graph* graph,
                                        const PassContext& context,
                                        const PassOptions&) const override {
    return Run(graph, context, nullptr);
  }

  absl::StatusOr<PassResult> RunOnProgram(Program* program,
                                          const PassContext& context,
                                          const PassOptions&) const override {
    PassResult all;
    for (Function* f : FunctionsOf(*program)) {
      if (f->graph() == nullptr) continue;
      TANDEM_ASSIGN_OR_RETURN(PassResult one,
                              Run(f->graph(), context, program->unit.get()));
      all.Merge(one);
    }
    return all;
  }

 private:
  absl::StatusOr<PassResult> Run(Graph* graph, const PassContext& context,
                                 const CompilationUnit* unit) const {
    std::vector<IValue> externals;
    CanonicalPrintOptions print;
    print.externals = &externals;
    TANDEM_ASSIGN_OR_RETURN(const std::string text,
                            PrintCanonical(*graph, print));
    absl::StatusOr<std::optional<std::string>> changed = function_(text);
    if (!changed.ok()) return Wrong(changed.status());
    PassResult result;
    if (!changed->has_value()) return result;
    CanonicalParseOptions parse;
    parse.operators = context.operators;
    parse.unit = unit;
    parse.externals = &externals;
    const absl::StatusOr<std::unique_ptr<Graph>> parsed =
        ParseGraph(**changed, parse);
    if (!parsed.ok()) return Wrong(parsed.status());
    if ((*parsed)->inputs().size() != graph->inputs().size() ||
        (*parsed)->outputs().size() != graph->outputs().size()) {
      return Wrong(absl::InvalidArgumentError(
          "the new graph has other parameters or results"));
    }
    ReplaceBody(graph, **parsed);
    result.Count("graphs rewritten");
    return result;
  }

  absl::Status Wrong(const absl::Status& status) const {
    return absl::Status(status.code(), absl::StrCat("pass '", info().name,
                                                    "': ", status.message()));
  }

  const GraphTextFunction function_;
};

}  // namespace

std::unique_ptr<Pass> MakeTextPass(PassInfo info, GraphTextFunction function) {
  return std::make_unique<TextPassOfFunction>(std::move(info),
                                              std::move(function));
}

}  // namespace tandem
