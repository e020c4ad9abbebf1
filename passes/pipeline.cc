#include "tandem/passes/pipeline.h"

#include <algorithm>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "tandem/ir/canonical.h"
#include "tandem/ir/verifier.h"
#include "tandem/tensor/status_macros.h"

namespace tandem {
namespace {

constexpr int kMaxPresetDepth = 8;

// Splits at commas outside of parentheses.
absl::StatusOr<std::vector<absl::string_view>> SplitSteps(
    absl::string_view text) {
  std::vector<absl::string_view> parts;
  size_t begin = 0;
  int depth = 0;
  for (size_t i = 0; i <= text.size(); ++i) {
    if (i == text.size() || (text[i] == ',' && depth == 0)) {
      const absl::string_view part =
          absl::StripAsciiWhitespace(text.substr(begin, i - begin));
      if (!part.empty()) parts.push_back(part);
      begin = i + 1;
    } else if (text[i] == '(') {
      ++depth;
    } else if (text[i] == ')' && --depth < 0) {
      return absl::InvalidArgumentError(
          absl::StrCat("pipeline: ')' without '(' in '", text, "'"));
    }
  }
  if (depth != 0) {
    return absl::InvalidArgumentError(
        absl::StrCat("pipeline: '(' without ')' in '", text, "'"));
  }
  return parts;
}

std::string NameStates(uint32_t states) {
  std::vector<absl::string_view> names;
  if ((states & kInlined) != 0) names.push_back("inlined calls");
  if ((states & kFrozen) != 0) names.push_back("frozen attributes");
  return absl::StrJoin(names, " and ");
}

absl::Status UnknownPass(absl::string_view name, const PassRegistry& registry) {
  std::vector<std::string> names;
  for (const auto& pass : registry.passes()) {
    names.push_back(pass->info().name);
  }
  for (const auto& [preset, text] : registry.presets()) {
    names.push_back(preset);
  }
  return absl::InvalidArgumentError(absl::StrCat("pipeline: there is no pass '",
                                                 name, "'; there are ",
                                                 absl::StrJoin(names, ", ")));
}

absl::Status ReadOptions(absl::string_view text, const Pass& pass,
                         PassOptions* options) {
  TANDEM_ASSIGN_OR_RETURN(std::vector<absl::string_view> parts,
                          SplitSteps(text));
  for (absl::string_view part : parts) {
    const size_t equals = part.find('=');
    const absl::string_view key =
        absl::StripAsciiWhitespace(part.substr(0, equals));
    const absl::string_view value =
        equals == absl::string_view::npos
            ? ""
            : absl::StripAsciiWhitespace(part.substr(equals + 1));
    const auto& known = pass.info().options;
    const bool found =
        std::any_of(known.begin(), known.end(), [&](const std::string& o) {
          return absl::string_view(o).substr(0, o.find(' ')) == key;
        });
    if (!found) {
      return absl::InvalidArgumentError(absl::StrCat(
          "pipeline: ", pass.info().name, " takes no option '", key, "'",
          known.empty() ? "" : "; it takes ", absl::StrJoin(known, ", ")));
    }
    options->Set(std::string(key), std::string(value));
  }
  return absl::OkStatus();
}

absl::Status Verify(const Graph& graph, const Pass& pass,
                    absl::string_view function) {
  const absl::Status status = VerifyGraph(graph);
  if (status.ok()) return status;
  return absl::InternalError(absl::StrCat(
      "pass ", pass.info().name, " broke ",
      function.empty() ? "the graph" : function, ": ", status.message()));
}

void Print(const PipelineOptions& options, const Graph& graph,
           absl::string_view title) {
  if (!options.print) return;
  std::vector<IValue> externals;
  CanonicalPrintOptions print;
  print.externals = &externals;
  const absl::StatusOr<std::string> text = PrintCanonical(graph, print);
  options.print(absl::StrCat(
      "# ", title, "\n",
      text.ok() ? *text : absl::StrCat("# ", text.status().message(), "\n")));
}

size_t CountNodes(const Block& block) {
  size_t count = 0;
  for (const Node* n : block) {
    ++count;
    for (const Block* b : n->blocks()) count += CountNodes(*b);
  }
  return count;
}

size_t CountNodes(const Program& program) {
  size_t count = 0;
  for (const Function* f : FunctionsOf(program)) {
    if (f->graph() != nullptr) count += CountNodes(*f->graph()->block());
  }
  return count;
}

}  // namespace

absl::Status Pipeline::AddText(absl::string_view text,
                               const PassRegistry& registry, int depth) {
  if (depth > kMaxPresetDepth) {
    return absl::InvalidArgumentError("pipeline: presets name each other");
  }
  TANDEM_ASSIGN_OR_RETURN(std::vector<absl::string_view> parts,
                          SplitSteps(text));
  for (absl::string_view part : parts) {
    const size_t open = part.find('(');
    const absl::string_view name =
        absl::StripAsciiWhitespace(part.substr(0, open));
    if (open != absl::string_view::npos && part.back() != ')') {
      return absl::InvalidArgumentError(
          absl::StrCat("pipeline: text behind ')' in '", part, "'"));
    }
    if (const std::string* preset = registry.FindPreset(name);
        preset != nullptr && open == absl::string_view::npos) {
      TANDEM_RETURN_IF_ERROR(AddText(*preset, registry, depth + 1));
      continue;
    }
    const Pass* pass = registry.Find(name);
    if (pass == nullptr) return UnknownPass(name, registry);
    Step step{pass, {}};
    if (open != absl::string_view::npos) {
      TANDEM_RETURN_IF_ERROR(ReadOptions(
          part.substr(open + 1, part.size() - open - 2), *pass, &step.options));
    }
    steps_.push_back(std::move(step));
  }
  return absl::OkStatus();
}

absl::StatusOr<Pipeline> Pipeline::Parse(absl::string_view text,
                                         const PassRegistry& registry,
                                         uint32_t given) {
  Pipeline pipeline;
  TANDEM_RETURN_IF_ERROR(pipeline.AddText(text, registry, 0));
  uint32_t states = given;
  for (const Step& step : pipeline.steps_) {
    const PassInfo& info = step.pass->info();
    if (const uint32_t missing = info.needs & ~states; missing != 0) {
      return absl::InvalidArgumentError(
          absl::StrCat("pipeline: ", info.name, " needs ", NameStates(missing),
                       ", which no pass before it gives"));
    }
    states = (states | info.gives) & ~info.breaks;
  }
  return pipeline;
}

absl::StatusOr<std::vector<PassRun>> Pipeline::Run(
    Graph* graph, const PassContext& context,
    const PipelineOptions& options) const {
  std::vector<PassRun> runs;
  Print(options, *graph, "before");
  for (const Step& step : steps_) {
    PassRun run;
    run.pass = step.pass->info().name;
    run.nodes_before = CountNodes(*graph->block());
    const absl::Time start = absl::Now();
    TANDEM_ASSIGN_OR_RETURN(
        run.result, step.pass->RunOnGraph(graph, context, step.options));
    run.seconds = absl::ToDoubleSeconds(absl::Now() - start);
    run.nodes_after = CountNodes(*graph->block());
    if (options.verify) {
      TANDEM_RETURN_IF_ERROR(Verify(*graph, *step.pass, ""));
    }
    if (run.result.changed) {
      Print(options, *graph, absl::StrCat("after ", run.pass));
    }
    runs.push_back(std::move(run));
  }
  return runs;
}

absl::StatusOr<Program> Pipeline::Run(const Program& program,
                                      const PassContext& context,
                                      const PipelineOptions& options,
                                      std::vector<PassRun>* report) const {
  TANDEM_ASSIGN_OR_RETURN(Program result, Derive(program));
  const auto print_all = [&](absl::string_view title) {
    if (!options.print) return;
    for (const Function* f : FunctionsOf(result)) {
      if (f->graph() == nullptr) continue;
      Print(options, *f->graph(), absl::StrCat(f->name(), " ", title));
    }
  };
  print_all("before");
  for (const Step& step : steps_) {
    PassRun run;
    run.pass = step.pass->info().name;
    run.nodes_before = CountNodes(result);
    const absl::Time start = absl::Now();
    TANDEM_ASSIGN_OR_RETURN(
        run.result, step.pass->RunOnProgram(&result, context, step.options));
    run.seconds = absl::ToDoubleSeconds(absl::Now() - start);
    run.nodes_after = CountNodes(result);
    if (options.verify) {
      for (const Function* f : FunctionsOf(result)) {
        if (f->graph() == nullptr) continue;
        TANDEM_RETURN_IF_ERROR(
            Verify(*f->graph(), *step.pass, f->qualified_name()));
      }
    }
    if (run.result.changed) print_all(absl::StrCat("after ", run.pass));
    if (report != nullptr) report->push_back(std::move(run));
  }
  return result;
}

std::string Pipeline::ToString() const {
  return absl::StrJoin(steps_, ",", [](std::string* out, const Step& step) {
    out->append(step.pass->info().name);
    if (step.options.values().empty()) return;
    out->append("(");
    out->append(absl::StrJoin(step.options.values(), ",",
                              [](std::string* o, const auto& option) {
                                o->append(option.first);
                                if (option.second.empty()) return;
                                o->append("=");
                                o->append(option.second);
                              }));
    out->append(")");
  });
}

std::string DescribeRuns(const std::vector<PassRun>& runs) {
  std::string text;
  for (const PassRun& run : runs) {
    absl::StrAppendFormat(&text, "%-32s %6d -> %6d nodes %8.2f ms", run.pass,
                          run.nodes_before, run.nodes_after, run.seconds * 1e3);
    for (const auto& [what, n] : run.result.statistics) {
      absl::StrAppend(&text, "  ", what, " ", n);
    }
    text += "\n";
  }
  return text;
}

}  // namespace tandem
