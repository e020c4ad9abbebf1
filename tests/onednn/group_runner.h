// Groups for tests of the oneDNN backend: built by hand, run by the backend
// and, node by node, by the reference kernels.
#ifndef TANDEM_TESTS_ONEDNN_GROUP_RUNNER_H_
#define TANDEM_TESTS_ONEDNN_GROUP_RUNNER_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "tandem/backends/group.h"
#include "tandem/backends/onednn/onednn.h"
#include "tandem/backends/registry.h"
#include "tandem/ir/graph.h"

namespace tandem::onednn {

// Values that repeat from run to run, in [low, high).
Tensor Values(DimSpan sizes, float low = -1, float high = 1,
              DType dtype = DType::kFloat);
Tensor ChannelsLast(const Tensor& t);

// A group in the making.
class TestGroup {
 public:
  // An input with its value for this test.
  Value* Input(Tensor value);
  Value* Constant(IValue value);
  Value* None() { return Constant(IValue()); }
  Value* Ints(std::vector<int64_t> values);
  Value* List(const std::vector<Value*>& tensors);
  // "aten::conv2d", "aten::add.Tensor". Arguments left out at the end take
  // their defaults.
  Value* Op(absl::string_view name, std::vector<Value*> arguments);
  // Of an operator with several results.
  std::vector<Value*> Ops(absl::string_view name,
                          std::vector<Value*> arguments);
  void Output(Value* value) { graph_.AddOutput(value); }

  const Graph& graph() const { return graph_; }
  const std::vector<IValue>& inputs() const { return inputs_; }

 private:
  Node* Insert(absl::string_view name, std::vector<Value*> arguments);
  Graph graph_;
  std::vector<IValue> inputs_;
};

// Results of a group, and what ran.
struct GroupResult {
  std::vector<Tensor> tensors;
  std::string text;  // GroupExecutable::ToString
};
absl::StatusOr<std::unique_ptr<GroupExecutable>> CompileOneDnn(
    const TestGroup& group, const Options& options, PackedWeights* weights);
absl::StatusOr<std::vector<Tensor>> RunGroup(const GroupExecutable& executable,
                                             const TestGroup& group);
absl::StatusOr<GroupResult> RunOneDnn(const TestGroup& group,
                                      const Options& options);
absl::StatusOr<std::vector<Tensor>> RunReference(const TestGroup& group);

// Of every node: "" if the backend takes it.
std::string Refusal(const TestGroup& group);

// Runs both; empty if results agree in dtypes, sizes, strides and values,
// |a - b| <= atol + rtol * max|b|. `text` takes what ran.
std::string Difference(const TestGroup& group, std::string* text = nullptr,
                       double rtol = 1e-5, double atol = 1e-6,
                       Options options = {});

}  // namespace tandem::onednn

#endif  // TANDEM_TESTS_ONEDNN_GROUP_RUNNER_H_
