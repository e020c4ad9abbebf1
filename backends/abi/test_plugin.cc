// What plugin_host_test loads and links: a plugin with one of everything, some
// of it misbehaving.
#include <cstdlib>
#include <stdexcept>
#include <string>

#include "tandem/backends/abi/plugin.h"

namespace {

using tandem::plugin::Backend;
using tandem::plugin::Call;
using tandem::plugin::Executable;
using tandem::plugin::Group;
using tandem::plugin::Node;
using tandem::plugin::Registrar;
using tandem::plugin::Result;
using tandem::plugin::Tensor;
using tandem::plugin::TensorView;

constexpr int32_t kFloat32 = 6;

// a + b * s of contiguous float32 tensors of one shape.
Result ScaledAdd(Call& call) {
  const TensorView a = call.tensor(0), b = call.tensor(1);
  const double s = call.input(2).as_double();
  if (a.dtype() != kFloat32 || b.dtype() != kFloat32 ||
      a.sizes() != b.sizes() || !a.is_contiguous() || !b.is_contiguous()) {
    return Result::Error("scaled_add takes float32 tensors of one shape");
  }
  Tensor sum;
  TANDEM_PLUGIN_TRY(Tensor::Empty(a.sizes(), kFloat32, &sum));
  for (int64_t i = 0; i < a.numel(); ++i) {
    sum.view().data<float>()[i] =
        static_cast<float>(a.data<float>()[i] + b.data<float>()[i] * s);
  }
  return call.SetTensor(0, std::move(sum));
}

Result Throws(Call&) { throw std::runtime_error("out of plums"); }
Result Forgets(Call&) { return Result(); }
Result GivesNumber(Call& call) { return call.SetInt(0, 5); }

// Chains of aten::relu and aten::neg on float32.
class Chain : public Executable {
 public:
  explicit Chain(const Group& group, bool lie) : lie_(lie) {
    for (int32_t i = 0; i < group.num_nodes(); ++i) {
      relu_.push_back(group.node(i).name() == "aten::relu");
    }
  }
  Result Run(Call& call) const override {
    const TensorView x = call.tensor(0);
    if (x.dim() == 5) throw std::runtime_error("five dimensions");
    std::vector<int64_t> sizes = x.sizes();
    if (lie_) sizes.push_back(1);
    Tensor y;
    TANDEM_PLUGIN_TRY(Tensor::Empty(sizes, kFloat32, &y));
    for (int64_t i = 0; i < x.numel(); ++i) {
      float v = x.data<float>()[i];
      for (bool relu : relu_) v = relu ? (v > 0 ? v : 0) : -v;
      y.view().data<float>()[i] = v;
    }
    return call.SetTensor(0, std::move(y));
  }

 private:
  std::vector<bool> relu_;
  const bool lie_;
};

class TestBackend : public Backend {
 public:
  Answer Supports(const Node& node) const override {
    if (node.name() == "aten::relu" || node.name() == "aten::neg") {
      return {true, false, ""};
    }
    if (node.name() == "aten::sin") throw std::runtime_error("I never sin");
    return {false, false, "only relu and neg"};
  }
  Result Compile(const Group& group,
                 std::unique_ptr<Executable>* executable) const override {
    TandemTensorInfo info;
    if (group.num_inputs() != 1 || !group.input_info(0, &info) ||
        info.dtype != kFloat32) {
      return Result::Declined("float32 only");
    }
    if (info.dim == 3) return Result::Error("three dimensions are too many");
    if (info.dim == 4) throw std::runtime_error("four dimensions");
    *executable = std::make_unique<Chain>(group, /*lie=*/info.dim == 2);
    return Result();
  }
};

std::optional<std::string> ReluToNeg(const std::string& graph) {
  const std::string from = "aten::relu(";
  std::string text = graph;
  const size_t at = text.find(from);
  if (at == std::string::npos) return std::nullopt;
  text.replace(at, from.size(), "aten::neg(");
  return text;
}

Result Init(Registrar& r) {
  TANDEM_PLUGIN_TRY(
      r.Operator("test::scaled_add(Tensor a, Tensor b, float s) -> Tensor"));
  TANDEM_PLUGIN_TRY(r.Operator("test::throws(Tensor a) -> Tensor"));
  TANDEM_PLUGIN_TRY(r.Operator("test::forgets(Tensor a) -> Tensor"));
  TANDEM_PLUGIN_TRY(r.Operator("test::gives_number(Tensor a) -> Tensor"));
  TANDEM_PLUGIN_TRY(r.Kernel("test", "test::scaled_add", &ScaledAdd));
  TANDEM_PLUGIN_TRY(r.Kernel("test", "test::throws", &Throws));
  TANDEM_PLUGIN_TRY(r.Kernel("test", "test::forgets", &Forgets));
  TANDEM_PLUGIN_TRY(r.Kernel("test", "test::gives_number", &GivesNumber));
  TANDEM_PLUGIN_TRY(r.GroupBackend("test", std::make_unique<TestBackend>()));
  return r.Pass("relu_to_neg", &ReluToNeg);
}

}  // namespace

TANDEM_PLUGIN(test, "1.2", Init)
