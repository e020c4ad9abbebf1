// What a pass is: a named rewrite of a graph, or of a whole module.
//
//   class MyPass : public Pass {
//    public:
//     MyPass() : Pass({"my_pass", "what it does"}) {}
//     absl::StatusOr<PassResult> RunOnGraph(
//         Graph* graph, const PassContext& context,
//         const PassOptions& options) const override;
//   };
#ifndef TANDEM_PASSES_PASS_H_
#define TANDEM_PASSES_PASS_H_

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "tandem/backends/registry.h"
#include "tandem/ir/graph.h"
#include "tandem/ir/operator_table.h"
#include "tandem/passes/program.h"

namespace tandem {

// What passes may use. Everything outlives the run.
struct PassContext {
  // Kernels that compute constants; null: nothing is computed.
  const Registry* registry = nullptr;
  std::vector<std::string> backends = {"reference"};
  // Rows for the operators that passes put in.
  const OperatorTable* operators = &OperatorTable::Builtin();
  // Beyond it a pass that grows a graph stops or fails.
  size_t max_nodes = 500'000;
  // A constant that is computed is at most this large, or as large as what it
  // is computed from.
  int64_t max_folded_bytes = int64_t{16} << 20;
};

// Options of one run: `name(key=value, flag)`. Unknown ones are refused where
// a pipeline is read.
class PassOptions {
 public:
  void Set(std::string key, std::string value) {
    values_[std::move(key)] = std::move(value);
  }
  bool Has(absl::string_view key) const {
    return values_.find(key) != values_.end();
  }
  std::string Get(absl::string_view key, absl::string_view fallback = "") const;
  // True also for the bare flag.
  absl::StatusOr<bool> GetBool(absl::string_view key, bool fallback) const;
  absl::StatusOr<int64_t> GetInt(absl::string_view key, int64_t fallback) const;
  // Parts between ';'.
  std::vector<std::string> GetList(absl::string_view key) const;
  const std::map<std::string, std::string, std::less<>>& values() const {
    return values_;
  }

 private:
  std::map<std::string, std::string, std::less<>> values_;
};

struct PassResult {
  bool changed = false;
  // What was done how often, by name: "nodes removed".
  std::map<std::string, int64_t> statistics;

  void Count(absl::string_view what, int64_t n = 1) {
    if (n == 0) return;
    changed = true;
    statistics[std::string(what)] += n;
  }
  void Merge(const PassResult& other) {
    changed |= other.changed;
    for (const auto& [what, n] : other.statistics) statistics[what] += n;
  }
};

// States of a program that passes need, give or break, as bits.
enum GraphState : uint32_t {
  kInlined = 1,  // known calls are in their callers
  kFrozen = 2,   // attributes that nobody writes are constants
};

struct PassInfo {
  std::string name;         // "fold_constants"
  std::string description;  // one line
  uint32_t needs = 0, gives = 0, breaks = 0;
  // Options it takes, each "key  what it does".
  std::vector<std::string> options = {};
};

class Pass {
 public:
  explicit Pass(PassInfo info) : info_(std::move(info)) {}
  virtual ~Pass() = default;
  const PassInfo& info() const { return info_; }

  // Rewrites the graph; the result is as well-formed as what came in. An error
  // leaves a well-formed graph that does the same too.
  virtual absl::StatusOr<PassResult> RunOnGraph(
      Graph* graph, const PassContext& context,
      const PassOptions& options) const = 0;

  // Rewrites a derived program; by itself each of its functions' graphs.
  virtual absl::StatusOr<PassResult> RunOnProgram(
      Program* program, const PassContext& context,
      const PassOptions& options) const;

 private:
  const PassInfo info_;
};

// A pass that is a function.
using GraphPassFunction = absl::StatusOr<PassResult> (*)(
    Graph* graph, const PassContext& context, const PassOptions& options);
std::unique_ptr<Pass> MakeGraphPass(PassInfo info, GraphPassFunction function);

// The passes that there are, by name. An object, as the Registry of kernels is.
class PassRegistry {
 public:
  absl::Status Add(std::unique_ptr<Pass> pass);
  // A name for a pipeline: `inference` for "freeze,fold_constants,…".
  absl::Status AddPreset(std::string name, std::string text);
  // Null when there is none of that name.
  const Pass* Find(absl::string_view name) const;
  const std::string* FindPreset(absl::string_view name) const;
  // In the order in which they were added.
  const std::vector<std::unique_ptr<Pass>>& passes() const { return passes_; }
  const std::map<std::string, std::string, std::less<>>& presets() const {
    return presets_;
  }

 private:
  std::vector<std::unique_ptr<Pass>> passes_;
  std::map<std::string, std::string, std::less<>> presets_;
};

}  // namespace tandem

#endif  // TANDEM_PASSES_PASS_H_
