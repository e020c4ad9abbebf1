// What the opaque handles of the C interface are.
#ifndef TANDEM_BACKENDS_ABI_HANDLES_H_
#define TANDEM_BACKENDS_ABI_HANDLES_H_

#include <algorithm>
#include <optional>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/container/inlined_vector.h"
#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "tandem/backends/abi/plugin_abi.h"
#include "tandem/backends/group.h"
#include "tandem/backends/kernel.h"
#include "tandem/ir/graph.h"

// A TandemValue is an IValue, a TandemTensor a Tensor (owned: on the heap).
struct TandemCall {
  explicit TandemCall(const tandem::KernelCall& c)
      : call(c), outputs(c.num_outputs), set(c.num_outputs, false) {}
  const tandem::KernelCall& call;
  absl::InlinedVector<tandem::IValue, 2> outputs;
  absl::InlinedVector<bool, 2> set;
};

struct TandemNode {
  explicit TandemNode(const tandem::Node& n) : node(&n) {
    name =
        n.op() != nullptr ? n.op()->schema.FullName() : std::string(n.name());
    for (const tandem::Value* v : n.inputs()) {
      constants.push_back(tandem::ConstantArgument(v));
    }
  }
  const tandem::Node* node;
  std::string name;
  std::vector<std::optional<tandem::IValue>> constants;
};

struct TandemGroup {
  TandemGroup(const tandem::Graph& g,
              absl::Span<const tandem::ValueDescription> descriptions)
      : graph(&g), inputs(descriptions) {
    for (const tandem::Value* v : g.inputs()) Number(v);
    for (const tandem::Node* n : *g.block()) {
      if (n->is(tandem::NodeKind::kConstant)) continue;
      nodes.emplace_back(*n);
      for (const tandem::Value* v : n->outputs()) Number(v);
    }
  }
  void Number(const tandem::Value* v) {
    const int32_t next = static_cast<int32_t>(numbers.size());
    numbers[v] = next;
  }
  const tandem::Graph* graph;
  absl::Span<const tandem::ValueDescription> inputs;
  std::vector<TandemNode> nodes;
  absl::flat_hash_map<const tandem::Value*, int32_t> numbers;
};

struct TandemText {
  std::string text;
};

namespace tandem::abi {

void PutError(const absl::Status& status, TandemError* error);
// The error of a plugin's function that has failed.
absl::Status TakeError(absl::string_view plugin, const TandemError& error);

// All but the four functions that register.
TandemHost HostFunctions();

}  // namespace tandem::abi

#endif  // TANDEM_BACKENDS_ABI_HANDLES_H_
