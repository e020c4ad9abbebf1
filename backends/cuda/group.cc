#include "tandem/backends/cuda/group.h"

#include <atomic>
#include <utility>

#include "absl/container/flat_hash_set.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "absl/synchronization/mutex.h"
#include "tandem/backends/cuda/capture.h"
#include "tandem/backends/cuda/fused.h"
#include "tandem/backends/cuda/loops.h"
#include "tandem/backends/cuda/values.h"
#include "tandem/backends/elementwise/expression.h"
#include "tandem/tensor/status_macros.h"

namespace tandem::cuda {
namespace {

using Bindings =
    absl::flat_hash_map<const Operator*, std::shared_ptr<const Binding>>;

// Runs that a group makes before it is recorded, launches that make it worth
// it, and bytes of inputs and results that are not too many to copy.
constexpr int kWarmRuns = 2;
constexpr int64_t kLeastLaunches = 4;
constexpr int64_t kMostBytes = int64_t{32} << 20;

// Results that are an argument itself, or lie on another device.
bool StaysOut(absl::string_view name) {
  static constexpr absl::string_view kNames[] = {
      "aten::to",      "aten::_to_copy",       "aten::cpu",
      "aten::cuda",    "aten::dropout",        "aten::feature_dropout",
      "aten::type_as", "aten::requires_grad_", "aten::detach_",
      "prim::data",
  };
  for (absl::string_view n : kNames) {
    if (n == name) return true;
  }
  return false;
}

bool IsTensorType(const Type& type) {
  if (type.is(TypeKind::kTensor)) return true;
  return (type.is(TypeKind::kOptional) || type.is(TypeKind::kList)) &&
         IsTensorType(*type.element());
}

// A stretch of nodes: fused, or an operator's kernel.
struct Step {
  std::vector<const Node*> nodes;
  bool fusable = false;
  std::vector<uint32_t> in, out;  // registers, of a fused stretch
  std::unique_ptr<Graph> graph;   // of a fused stretch
};

// How a fusable step runs, found out when it first does.
struct Fusion {
  absl::Mutex mutex;
  bool tried ABSL_GUARDED_BY(mutex) = false;
  std::unique_ptr<FusedKernels> kernels ABSL_GUARDED_BY(mutex);
  std::vector<ValueDescription> inputs ABSL_GUARDED_BY(mutex);
  std::string refusal ABSL_GUARDED_BY(mutex);
};

ValueDescription Describe(const Tensor& t) {
  ValueDescription d;
  d.is_tensor = true;
  d.quantized = t.is_quantized();
  d.dtype = t.dtype();
  d.device = t.device();
  d.sizes.assign(t.sizes().begin(), t.sizes().end());
  d.strides.assign(t.strides().begin(), t.strides().end());
  return d;
}

class Executable : public GroupExecutable {
 public:
  Executable(Gpu* gpu, std::shared_ptr<Runtime> runtime,
             const Bindings* bindings)
      : gpu_(gpu), runtime_(std::move(runtime)), bindings_(bindings) {}

  absl::Status Build(const Graph& group) {
    for (const Value* v : group.inputs()) Define(v);
    num_inputs_ = registers_.size();
    for (const Node* n : *group.block()) {
      if (n->is(NodeKind::kConstant)) {
        TANDEM_RETURN_IF_ERROR(AddConstant(*n));
        continue;
      }
      if (n->is(NodeKind::kOperator) || n->is(NodeKind::kListConstruct)) {
        const bool fusable =
            n->is(NodeKind::kOperator) && elementwise::RefusalOf(*n).empty();
        if (!fusable || steps_.empty() || !steps_.back().fusable) {
          steps_.emplace_back();
          steps_.back().fusable = fusable;
        }
        steps_.back().nodes.push_back(n);
        for (const Value* v : n->outputs()) Define(v);
        continue;
      }
      return absl::UnimplementedError(absl::StrCat("a node ", n->name()));
    }
    for (const Value* v : group.outputs()) {
      outputs_.push_back(registers_.at(v));
      absl::StrAppend(&text_, "");
    }
    for (Step& s : steps_) {
      for (const Node* n : s.nodes) {
        if (n->is(NodeKind::kOperator)) {
          absl::StrAppend(&text_, text_.empty() ? "" : (s.fusable ? "+" : ", "),
                          absl::StripPrefix(n->name(), "aten::"));
        }
      }
      // One operator is its kernel.
      if (s.nodes.size() < 2) s.fusable = false;
      if (s.fusable) TANDEM_RETURN_IF_ERROR(MakeGraph(group, &s));
      fusions_.push_back(std::make_unique<Fusion>());
    }
    return absl::OkStatus();
  }

  absl::Status Run(const KernelCall& call) const override {
    std::vector<Tensor> inputs, outputs;
    for (uint32_t i = 0; i < call.num_inputs; ++i) {
      inputs.push_back(call.in(i).AsTensor());
    }
    TANDEM_RETURN_IF_ERROR(RunOrReplay(inputs, &outputs));
    for (uint32_t i = 0; i < call.num_outputs; ++i) {
      call.out(i) = IValue(std::move(outputs[i]));
    }
    return absl::OkStatus();
  }

  std::string ToString() const override {
    std::string text = text_;
    size_t fused = 0;
    for (const Step& s : steps_) fused += s.fusable ? 1 : 0;
    absl::StrAppend(&text, " (", steps_.size(), " steps, ", fused, " fused");
    absl::MutexLock lock(&mutex_);
    if (captured_ != nullptr) absl::StrAppend(&text, ", a CUDA graph");
    if (!no_graph_.empty()) absl::StrAppend(&text, ", no graph: ", no_graph_);
    return text + ")";
  }

 private:
  void Define(const Value* v) {
    registers_[v] = static_cast<uint32_t>(registers_.size());
  }

  absl::Status AddConstant(const Node& n) {
    IValue value = n.constant();
    // Numbers in tensors stay on the CPU: operators take them from there.
    if (value.is_tensor() && value.AsTensor().defined() &&
        value.AsTensor().dim() > 0) {
      Mover mover(runtime_.get(), gpu_, /*in_place=*/false);
      TANDEM_ASSIGN_OR_RETURN(value, mover.Move(value));
    }
    Define(n.output());
    constants_.emplace_back(registers_.at(n.output()), std::move(value));
    return absl::OkStatus();
  }

  // The stretch as a graph of its own, with what it reads as inputs.
  absl::Status MakeGraph(const Graph& group, Step* s) {
    s->graph = std::make_unique<Graph>();
    absl::flat_hash_map<const Value*, Value*> map;
    absl::flat_hash_set<const Node*> own(s->nodes.begin(), s->nodes.end());
    for (const Node* n : s->nodes) {
      std::vector<Value*> arguments;
      for (const Value* v : n->inputs()) {
        Value*& inside = map[v];
        if (inside == nullptr) {
          const std::optional<IValue> constant = ConstantArgument(v);
          // A tensor of the group's constants lies on the device by now.
          if (constant.has_value() &&
              !(constant->is_tensor() && constant->AsTensor().defined() &&
                constant->AsTensor().dim() > 0)) {
            inside = s->graph->InsertConstant(*constant, {}, v->type());
          } else {
            inside = s->graph->AddInput("", v->type());
            s->in.push_back(registers_.at(v));
          }
        }
        arguments.push_back(inside);
      }
      Node* copy = s->graph->Insert(s->graph->Create(n->op(), arguments));
      copy->output()->set_type(n->output()->type());
      map[n->output()] = copy->output();
    }
    for (const Node* n : s->nodes) {
      bool seen = false;
      for (const Use& use : n->output()->uses()) {
        seen = seen || !own.contains(use.user);
      }
      if (!seen) continue;
      s->graph->AddOutput(map[n->output()]);
      s->out.push_back(registers_.at(n->output()));
    }
    return absl::OkStatus();
  }

  absl::Status RunOrReplay(absl::Span<const Tensor> inputs,
                           std::vector<Tensor>* outputs) const {
    CapturedWork* captured = nullptr;
    {
      absl::MutexLock lock(&mutex_);
      if (captured_ == nullptr && no_graph_.empty() && runs_ >= kWarmRuns) {
        TryCapture(inputs);
      }
      captured = captured_.get();
      ++runs_;
    }
    if (captured != nullptr) return captured->Run(inputs, outputs);
    const int64_t before = gpu_->launches();
    TANDEM_RETURN_IF_ERROR(RunSteps(inputs, outputs));
    last_launches_.store(gpu_->launches() - before, std::memory_order_relaxed);
    return absl::OkStatus();
  }

  void TryCapture(absl::Span<const Tensor> inputs) const
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    if (!runtime_->options().graphs) {
      no_graph_ = "they are off";
      return;
    }
    if (last_launches_.load(std::memory_order_relaxed) < kLeastLaunches) {
      no_graph_ = "few launches";
      return;
    }
    int64_t bytes = 0;
    for (const Tensor& t : inputs) {
      bytes += t.numel() * static_cast<int64_t>(t.element_size());
    }
    if (bytes > kMostBytes) {
      no_graph_ = "large inputs";
      return;
    }
    auto captured = CapturedWork::Record(
        *gpu_, inputs,
        [this](absl::Span<const Tensor> in, std::vector<Tensor>* out) {
          return RunSteps(in, out);
        });
    if (captured.ok()) {
      captured_ = *std::move(captured);
    } else {
      no_graph_ = std::string(captured.status().message());
    }
  }

  absl::Status RunSteps(absl::Span<const Tensor> inputs,
                        std::vector<Tensor>* outputs) const {
    std::vector<IValue> r(registers_.size());
    for (size_t i = 0; i < inputs.size(); ++i) r[i] = IValue(inputs[i]);
    for (const auto& [at, value] : constants_) r[at] = value;
    for (size_t k = 0; k < steps_.size(); ++k) {
      TANDEM_RETURN_IF_ERROR(CheckStop());
      const Step& s = steps_[k];
      bool done = false;
      if (s.fusable) {
        TANDEM_RETURN_IF_ERROR(RunFused(s, *fusions_[k], r.data(), &done));
      }
      if (done) continue;
      for (const Node* n : s.nodes) {
        TANDEM_RETURN_IF_ERROR(RunNode(*n, r.data()));
      }
    }
    outputs->clear();
    for (uint32_t o : outputs_) {
      if (!r[o].is_tensor() || !IsOnCuda(r[o].AsTensor())) {
        return absl::InternalError("a group's result is not on the device");
      }
      outputs->push_back(r[o].AsTensor());
    }
    return absl::OkStatus();
  }

  absl::Status RunFused(const Step& s, Fusion& fusion, IValue* r,
                        bool* done) const {
    std::vector<Tensor> tensors;
    for (uint32_t i : s.in) {
      if (!r[i].is_tensor() || !r[i].AsTensor().defined()) {
        return absl::OkStatus();
      }
      tensors.push_back(r[i].AsTensor());
    }
    const FusedKernels* kernels = nullptr;
    {
      absl::MutexLock lock(&fusion.mutex);
      if (!fusion.tried) {
        fusion.tried = true;
        for (const Tensor& t : tensors) fusion.inputs.push_back(Describe(t));
        elementwise::Expressions x(fusion.inputs,
                                   {.device = DeviceType::kCuda});
        absl::Status status = x.Read(*s.graph, fusion.inputs);
        if (status.ok()) {
          auto made = FusedKernels::Make(*gpu_, x);
          status = made.status();
          if (made.ok()) fusion.kernels = *std::move(made);
        }
        if (!status.ok()) {
          // What is no news falls to kernels; what goes wrong is said.
          if (!absl::IsUnimplemented(status)) return status;
          fusion.refusal = std::string(status.message());
        }
      }
      if (fusion.kernels == nullptr) return absl::OkStatus();
      for (size_t i = 0; i < tensors.size(); ++i) {
        if (Describe(tensors[i]) != fusion.inputs[i]) return absl::OkStatus();
      }
      kernels = fusion.kernels.get();
    }
    for (const Tensor& t : kernels->constants()) tensors.push_back(t);
    std::vector<Tensor> results(s.out.size());
    TANDEM_RETURN_IF_ERROR(
        kernels->Run(*gpu_, tensors, absl::MakeSpan(results)));
    for (size_t i = 0; i < s.out.size(); ++i) {
      r[s.out[i]] = IValue(std::move(results[i]));
    }
    *done = true;
    return absl::OkStatus();
  }

  absl::Status RunNode(const Node& n, IValue* r) const {
    absl::InlinedVector<uint32_t, 8> in;
    for (const Value* v : n.inputs()) in.push_back(registers_.at(v));
    if (n.is(NodeKind::kListConstruct)) {
      std::vector<IValue> values;
      for (uint32_t i : in) values.push_back(r[i]);
      r[registers_.at(n.output())] =
          IValue(MakeList(n.output()->type()->element(), std::move(values)));
      return absl::OkStatus();
    }
    const uint32_t out = registers_.at(n.output());
    const KernelCall call{r, in.data(), &out, static_cast<uint32_t>(in.size()),
                          1};
    return bindings_->at(n.op())->Run(call);
  }

  Gpu* const gpu_;
  const std::shared_ptr<Runtime> runtime_;
  const Bindings* const bindings_;
  absl::flat_hash_map<const Value*, uint32_t> registers_;
  size_t num_inputs_ = 0;
  std::vector<std::pair<uint32_t, IValue>> constants_;
  std::vector<Step> steps_;
  std::vector<std::unique_ptr<Fusion>> fusions_;
  std::vector<uint32_t> outputs_;
  std::string text_;
  mutable std::atomic<int64_t> last_launches_{0};
  mutable absl::Mutex mutex_;
  mutable int runs_ ABSL_GUARDED_BY(mutex_) = 0;
  mutable std::string no_graph_ ABSL_GUARDED_BY(mutex_);
  mutable std::unique_ptr<CapturedWork> captured_ ABSL_GUARDED_BY(mutex_);
};

class Backend : public GroupBackend {
 public:
  Backend(std::shared_ptr<Runtime> runtime, Bindings bindings)
      : runtime_(std::move(runtime)), bindings_(std::move(bindings)) {}

  absl::string_view name() const override { return "cuda"; }

  Support Supports(const Node& node) const override {
    const auto it = bindings_.find(node.op());
    if (it == bindings_.end() || it->second->kind == Binding::Kind::kHost) {
      return Support::No("no kernel on the device");
    }
    const Binding& binding = *it->second;
    if (!binding.devices.empty() || StaysOut(node.op()->name())) {
      return Support::No("it chooses a device");
    }
    const std::vector<Argument>& arguments = node.op()->schema.arguments;
    if (arguments.size() != node.inputs().size()) {
      return Support::No("its arguments");
    }
    for (size_t i = 0; i < arguments.size(); ++i) {
      const Value* v = node.input(i);
      if (!IsTensorType(*arguments[i].type)) {
        if (!ConstantArgument(v).has_value()) {
          return Support::No(
              absl::StrCat(arguments[i].name, " is not a constant"));
        }
      } else if (arguments[i].type->is(TypeKind::kList) &&
                 !v->node()->is(NodeKind::kListConstruct) &&
                 !ConstantOf(v).has_value()) {
        return Support::No("a list of tensors that is not written out");
      } else if (v->type()->is(TypeKind::kOptional)) {
        return Support::No(absl::StrCat(arguments[i].name, " may be None"));
      }
    }
    const bool light = binding.kind == Binding::Kind::kView ||
                       elementwise::RefusalOf(node).empty();
    return Support::Yes(/*worthwhile=*/!light);
  }

  absl::StatusOr<std::unique_ptr<GroupExecutable>> Compile(
      const Graph& group, absl::Span<const ValueDescription> inputs,
      PackedWeights*) const override {
    Device device{DeviceType::kCpu, -1};
    for (const ValueDescription& d : inputs) {
      if (!d.is_tensor || d.quantized) {
        return absl::UnimplementedError("an input that is no plain tensor");
      }
      if (d.device.type != DeviceType::kCuda) {
        return absl::UnimplementedError("a tensor that is not on a GPU");
      }
      if (!device.is_cpu() && d.device != device) {
        return absl::UnimplementedError("tensors of two devices");
      }
      device = d.device;
    }
    if (device.is_cpu()) return absl::UnimplementedError("no tensor at all");
    TANDEM_ASSIGN_OR_RETURN(Gpu * gpu, runtime_->Get(device.index));
    auto executable = std::make_unique<Executable>(gpu, runtime_, &bindings_);
    TANDEM_RETURN_IF_ERROR(executable->Build(group));
    return executable;
  }

 private:
  const std::shared_ptr<Runtime> runtime_;
  const Bindings bindings_;
};

}  // namespace

std::shared_ptr<const GroupBackend> MakeGroupBackend(
    std::shared_ptr<Runtime> runtime,
    absl::flat_hash_map<const Operator*, std::shared_ptr<const Binding>>
        bindings) {
  return std::make_shared<Backend>(std::move(runtime), std::move(bindings));
}

}  // namespace tandem::cuda
