// A plugin of another repository: an operator with its kernel, a pass that uses
// it, and a backend that compiles groups. Linked or loaded, it is the same.
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "tandem/backends/abi/plugin.h"

namespace {

namespace plugin = tandem::plugin;
using plugin::Result;

constexpr int32_t kFloat32 = 6;

bool IsPlainFloat(const plugin::TensorView& t) {
  return t.defined() && t.dtype() == kFloat32 && t.is_contiguous();
}

// mine::scaled_add(a, b, s) = a + b * s.
Result ScaledAdd(plugin::Call& call) {
  const plugin::TensorView a = call.tensor(0), b = call.tensor(1);
  const float s = static_cast<float>(call.input(2).as_double());
  if (!IsPlainFloat(a) || !IsPlainFloat(b) || a.sizes() != b.sizes()) {
    return Result::Error("scaled_add takes contiguous float32 of one shape");
  }
  plugin::Tensor y;
  TANDEM_PLUGIN_TRY(plugin::Tensor::Empty(a.sizes(), kFloat32, &y));
  float* out = y.view().data<float>();
  for (int64_t i = 0; i < a.numel(); ++i) {
    out[i] = a.data<float>()[i] + b.data<float>()[i] * s;
  }
  return call.SetTensor(0, std::move(y));
}

// aten::add(a, b, alpha=s) with a number other than 1 becomes mine::scaled_add.
// A pass sees a graph as canonical text.
std::optional<std::string> UseScaledAdd(const std::string& graph) {
  const std::string from = "aten::add.Tensor(", to = "mine::scaled_add(";
  std::string text = graph;
  bool changed = false;
  for (size_t at = text.find(from); at != std::string::npos;
       at = text.find(from, at + 1)) {
    // The third argument is a value that a constant of floats defines.
    const size_t close = text.find(')', at);
    const size_t comma = text.rfind(", ", close);
    const std::string scale = text.substr(comma + 2, close - comma - 2);
    if (text.find(scale + " : float = prim::Constant") == std::string::npos) {
      continue;
    }
    text.replace(at, from.size(), to);
    changed = true;
  }
  return changed ? std::optional<std::string>(text) : std::nullopt;
}

// Compiles chains of aten::relu and aten::neg into one pass over the data.
class Chain : public plugin::Executable {
 public:
  explicit Chain(const plugin::Group& group) {
    for (int32_t i = 0; i < group.num_nodes(); ++i) {
      relu_.push_back(group.node(i).name() == "aten::relu");
    }
  }
  Result Run(plugin::Call& call) const override {
    const plugin::TensorView x = call.tensor(0);
    plugin::Tensor y;
    TANDEM_PLUGIN_TRY(plugin::Tensor::Empty(x.sizes(), kFloat32, &y));
    float* out = y.view().data<float>();
    for (int64_t i = 0; i < x.numel(); ++i) {
      float v = x.data<float>()[i];
      for (bool relu : relu_) v = relu ? (v > 0 ? v : 0) : -v;
      out[i] = v;
    }
    return call.SetTensor(0, std::move(y));
  }

 private:
  std::vector<bool> relu_;
};

class ChainBackend : public plugin::Backend {
 public:
  Answer Supports(const plugin::Node& node) const override {
    const std::string name = node.name();
    if (name == "aten::relu" || name == "aten::neg") return {true, false, ""};
    return {false, false, "mine runs relu and neg"};
  }
  Result Compile(const plugin::Group& group,
                 std::unique_ptr<plugin::Executable>* out) const override {
    TandemTensorInfo info;
    if (group.num_inputs() != 1 || group.num_outputs() != 1 ||
        group.output(0) != group.node_output(group.num_nodes() - 1, 0) ||
        !group.input_info(0, &info) || info.dtype != kFloat32) {
      return Result::Declined("a chain of float32 with one end");
    }
    int64_t step = 1;
    for (int32_t d = info.dim; d-- > 0; step *= info.sizes[d]) {
      if (info.strides[d] != step) return Result::Declined("not contiguous");
    }
    *out = std::make_unique<Chain>(group);
    return Result();
  }
};

Result Init(plugin::Registrar& r) {
  TANDEM_PLUGIN_TRY(
      r.Operator("mine::scaled_add(Tensor a, Tensor b, float s) -> Tensor"));
  TANDEM_PLUGIN_TRY(r.Kernel("mine", "mine::scaled_add", &ScaledAdd));
  TANDEM_PLUGIN_TRY(r.GroupBackend("mine", std::make_unique<ChainBackend>()));
  return r.Pass("use_scaled_add", &UseScaledAdd);
}

}  // namespace

TANDEM_PLUGIN(mine, "1.0", Init)
