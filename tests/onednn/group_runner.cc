#include "tandem/tests/onednn/group_runner.h"

#include <algorithm>
#include <cmath>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/str_cat.h"
#include "tandem/backends/reference/reference.h"
#include "tandem/tensor/convert.h"
#include "tandem/tensor/status_macros.h"

namespace tandem::onednn {
namespace {

// Element `i` in row-major order.
double At(const Tensor& t, int64_t i) {
  int64_t offset = 0;
  for (int64_t d = t.dim(); d-- > 0;) {
    offset += i % t.size(d) * t.stride(d);
    i /= t.size(d);
  }
  if (t.dtype() == DType::kFloat) return t.data<float>()[offset];
  if (t.dtype() == DType::kBFloat16) {
    return static_cast<float>(t.data<BFloat16>()[offset]);
  }
  return 0;
}

const Registry& References() {
  static const Registry* const kRegistry = [] {
    auto* registry = new Registry;
    const absl::Status status = reference::Register(*registry);
    if (!status.ok()) std::abort();
    return registry;
  }();
  return *kRegistry;
}

}  // namespace

Tensor Values(DimSpan sizes, float low, float high, DType dtype) {
  Tensor t = *Tensor::Empty(sizes, dtype);
  uint32_t state = 12345 + static_cast<uint32_t>(t.numel());
  for (int64_t i = 0; i < t.numel(); ++i) {
    state = state * 1664525u + 1013904223u;
    const float v =
        low + (high - low) * static_cast<float>(state >> 8) / (1 << 24);
    if (dtype == DType::kBFloat16) {
      t.data<BFloat16>()[i] = BFloat16(v);
    } else {
      t.data<float>()[i] = v;
    }
  }
  return t;
}

Tensor ChannelsLast(const Tensor& t) {
  Tensor r = *Tensor::EmptyStrided(t.sizes(), ChannelsLastStrides(t.sizes()),
                                   t.dtype());
  for (int64_t i = 0; i < t.numel(); ++i) {
    int64_t offset = 0, rest = i;
    for (int64_t d = t.dim(); d-- > 0;) {
      offset += rest % t.size(d) * r.stride(d);
      rest /= t.size(d);
    }
    r.data<float>()[offset] = t.data<float>()[i];
  }
  return r;
}

Value* TestGroup::Input(Tensor value) {
  Value* v = graph_.AddInput("", Type::Tensor());
  inputs_.push_back(IValue(std::move(value)));
  return v;
}

Value* TestGroup::Constant(IValue value) {
  return graph_.InsertConstant(std::move(value));
}

Value* TestGroup::Ints(std::vector<int64_t> values) {
  return Constant(IValue(MakeIntList(values)));
}

Value* TestGroup::List(const std::vector<Value*>& tensors) {
  Node* n = graph_.Create(NodeKind::kListConstruct, tensors);
  n->output()->set_type(Type::List(Type::Tensor()));
  return graph_.Insert(n)->output();
}

Node* TestGroup::Insert(absl::string_view name, std::vector<Value*> arguments) {
  const size_t dot = name.find('.');
  const Operator* op = OperatorTable::Builtin().Find(
      name.substr(0, dot), dot == name.npos ? "" : name.substr(dot + 1));
  if (op == nullptr) {
    std::fprintf(stderr, "no row %s\n", std::string(name).c_str());
    std::abort();
  }
  for (size_t i = arguments.size(); i < op->schema.arguments.size(); ++i) {
    arguments.push_back(
        Constant(op->schema.arguments[i].default_value.value_or(IValue())));
  }
  return graph_.Insert(graph_.Create(op, arguments));
}

Value* TestGroup::Op(absl::string_view name, std::vector<Value*> arguments) {
  return Insert(name, std::move(arguments))->output();
}

std::vector<Value*> TestGroup::Ops(absl::string_view name,
                                   std::vector<Value*> arguments) {
  const Node* n = Insert(name, std::move(arguments));
  return std::vector<Value*>(n->outputs().begin(), n->outputs().end());
}

absl::StatusOr<std::unique_ptr<GroupExecutable>> CompileOneDnn(
    const TestGroup& group, const Options& options, PackedWeights* weights) {
  std::vector<ValueDescription> descriptions;
  for (const IValue& v : group.inputs()) {
    ValueDescription d;
    const Tensor& t = v.AsTensor();
    d.is_tensor = true;
    d.dtype = t.dtype();
    d.device = t.device();
    d.sizes.assign(t.sizes().begin(), t.sizes().end());
    d.strides.assign(t.strides().begin(), t.strides().end());
    descriptions.push_back(d);
  }
  return MakeBackend(options)->Compile(group.graph(), descriptions, weights);
}

absl::StatusOr<std::vector<Tensor>> RunGroup(const GroupExecutable& executable,
                                             const TestGroup& group) {
  std::vector<IValue> registers = group.inputs();
  std::vector<uint32_t> in, out;
  for (uint32_t i = 0; i < registers.size(); ++i) in.push_back(i);
  for (size_t i = 0; i < group.graph().outputs().size(); ++i) {
    out.push_back(static_cast<uint32_t>(registers.size()));
    registers.emplace_back();
  }
  TANDEM_RETURN_IF_ERROR(executable.Run(KernelCall{
      registers.data(), in.data(), out.data(), static_cast<uint32_t>(in.size()),
      static_cast<uint32_t>(out.size())}));
  std::vector<Tensor> tensors;
  for (uint32_t o : out) tensors.push_back(registers[o].AsTensor());
  return tensors;
}

absl::StatusOr<GroupResult> RunOneDnn(const TestGroup& group,
                                      const Options& options) {
  PackedWeights weights;
  TANDEM_ASSIGN_OR_RETURN(const std::unique_ptr<GroupExecutable> executable,
                          CompileOneDnn(group, options, &weights));
  GroupResult result;
  result.text = executable->ToString();
  // Twice: a second run meets memory that the first one left.
  TANDEM_RETURN_IF_ERROR(RunGroup(*executable, group).status());
  TANDEM_ASSIGN_OR_RETURN(result.tensors, RunGroup(*executable, group));
  return result;
}

absl::StatusOr<std::vector<Tensor>> RunReference(const TestGroup& group) {
  const std::vector<std::string> backends = {"reference"};
  absl::flat_hash_map<const Value*, IValue> values;
  const Graph& g = group.graph();
  for (size_t i = 0; i < g.inputs().size(); ++i) {
    values[g.inputs()[i]] = group.inputs()[i];
  }
  for (const Node* n : *g.block()) {
    if (n->is(NodeKind::kConstant)) {
      values[n->output()] = n->constant();
      continue;
    }
    std::vector<IValue> registers;
    std::vector<uint32_t> in, out;
    for (const Value* v : n->inputs()) {
      in.push_back(static_cast<uint32_t>(registers.size()));
      registers.push_back(values[v]);
    }
    if (n->is(NodeKind::kListConstruct)) {
      std::vector<Tensor> tensors;
      for (const IValue& v : registers) tensors.push_back(v.AsTensor());
      values[n->output()] = IValue(MakeTensorList(tensors));
      continue;
    }
    for (size_t i = 0; i < n->outputs().size(); ++i) {
      out.push_back(static_cast<uint32_t>(registers.size()));
      registers.emplace_back();
    }
    const KernelEntry* kernel = References().Find(*n->op(), backends);
    if (kernel == nullptr) {
      return absl::NotFoundError(n->op()->schema.FullName());
    }
    TANDEM_RETURN_IF_ERROR(kernel->kernel(KernelCall{
        registers.data(), in.data(), out.data(),
        static_cast<uint32_t>(in.size()), static_cast<uint32_t>(out.size())}));
    for (size_t i = 0; i < out.size(); ++i) {
      values[n->output(i)] = registers[out[i]];
    }
  }
  std::vector<Tensor> results;
  for (const Value* v : g.outputs()) results.push_back(values[v].AsTensor());
  return results;
}

std::string Refusal(const TestGroup& group) {
  const std::shared_ptr<const GroupBackend> backend = MakeBackend({});
  for (const Node* n : *group.graph().block()) {
    if (n->op() == nullptr) continue;
    const Support support = backend->Supports(*n);
    if (!support.supported) {
      return absl::StrCat(n->name(), ": ", support.reason);
    }
  }
  return "";
}

std::string Difference(const TestGroup& group, std::string* text, double rtol,
                       double atol, Options options) {
  options.min_work = 0;
  const absl::StatusOr<std::vector<Tensor>> want = RunReference(group);
  if (!want.ok()) return absl::StrCat("reference: ", want.status().ToString());
  const absl::StatusOr<GroupResult> got = RunOneDnn(group, options);
  if (!got.ok()) return absl::StrCat("onednn: ", got.status().ToString());
  if (text != nullptr) *text = got->text;
  for (size_t k = 0; k < want->size(); ++k) {
    const Tensor &a = got->tensors[k], &b = (*want)[k];
    if (a.dtype() != b.dtype() || a.sizes() != b.sizes()) {
      return absl::StrCat("result ", k, " is ", TypeName(a.dtype()),
                          DimsToString(a.sizes()), " instead of ",
                          TypeName(b.dtype()), DimsToString(b.sizes()), " by ",
                          got->text);
    }
    for (int64_t d = 0; d < a.dim(); ++d) {
      if (a.size(d) != 1 && a.stride(d) != b.stride(d)) {
        return absl::StrCat("result ", k, " has strides ",
                            DimsToString(a.strides()), " instead of ",
                            DimsToString(b.strides()), " by ", got->text);
      }
    }
    double largest = 0;
    for (int64_t i = 0; i < b.numel(); ++i) {
      if (std::isfinite(At(b, i))) {
        largest = std::max(largest, std::fabs(At(b, i)));
      }
    }
    for (int64_t i = 0; i < b.numel(); ++i) {
      const double x = At(a, i), y = At(b, i);
      if (x == y || (std::isnan(x) && std::isnan(y))) continue;
      if (!(std::fabs(x - y) <= atol + rtol * largest)) {
        return absl::StrCat("result ", k, " has ", x, " instead of ", y,
                            " at element ", i, " by ", got->text);
      }
    }
  }
  return "";
}

}  // namespace tandem::onednn
