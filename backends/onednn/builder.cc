#include "tandem/backends/onednn/builder.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "tandem/backends/onednn/special_values.h"
#include "tandem/backends/shape_values.h"
#include "tandem/tensor/file_pages.h"
#include "tandem/tensor/status_macros.h"

namespace tandem::onednn {
namespace {

bool IsEmpty(DimSpan sizes) {
  return std::find(sizes.begin(), sizes.end(), 0) != sizes.end();
}

}  // namespace

size_t Builder::NewBuffer(Buffer buffer) {
  parts_.buffers.push_back(std::move(buffer));
  holds_.emplace_back();
  return parts_.buffers.size() - 1;
}

absl::Status Builder::DefineInputs() {
  for (size_t i = 0; i < inputs_.size(); ++i) {
    const ValueDescription& in = inputs_[i];
    if (!in.is_tensor) continue;  // refused where it is used
    if (in.quantized) return Refuse("a quantized input");
    if (in.device.type != DeviceType::kCpu) return Refuse("not on the CPU");
    if (IsEmpty(in.sizes)) return Refuse("an empty tensor");
    DefineSizes(graph_.inputs()[i], in.sizes);
    if (!DataType(in.dtype).has_value()) continue;
    Operand o;
    TANDEM_ASSIGN_OR_RETURN(o.md, d().Strided(in.sizes, in.dtype, in.strides));
    o.sizes = in.sizes;
    o.strides = in.strides;
    o.dtype = in.dtype;
    Buffer buffer;
    buffer.kind = Buffer::Kind::kInput;
    buffer.index = i;
    o.buffer = NewBuffer(std::move(buffer));
    Define(graph_.inputs()[i], o);
  }
  return absl::OkStatus();
}

absl::StatusOr<Operand> Builder::FromTensor(const Tensor& t) {
  if (!t.defined() || t.is_sparse() || t.is_meta() || t.is_quantized() ||
      t.impl()->conj || t.impl()->neg || IsEmpty(t.sizes())) {
    return Refuse("a constant that is not a plain tensor");
  }
  Operand o;
  TANDEM_ASSIGN_OR_RETURN(o.md, d().Strided(t.sizes(), t.dtype(), t.strides()));
  o.sizes.assign(t.sizes().begin(), t.sizes().end());
  o.strides.assign(t.strides().begin(), t.strides().end());
  o.dtype = t.dtype();
  auto packed = std::make_shared<PackedTensor>();
  packed->tensor = t;
  Buffer buffer;
  buffer.kind = Buffer::Kind::kConstant;
  buffer.constant = std::move(packed);
  o.buffer = NewBuffer(std::move(buffer));
  return o;
}

bool Builder::IsKnown(const Value* value) const {
  if (operands_.contains(value)) return true;
  const std::optional<IValue> constant = ConstantOf(value);
  return constant.has_value() && constant->is_tensor();
}

absl::StatusOr<Operand> Builder::Get(const Value* value) {
  const auto it = operands_.find(value);
  if (it != operands_.end()) return it->second;
  if (const std::optional<IValue> constant = ConstantOf(value);
      constant.has_value() && constant->is_tensor()) {
    TANDEM_ASSIGN_OR_RETURN(const Operand o, FromTensor(constant->AsTensor()));
    Define(value, o);
    return o;
  }
  return Refuse("%", value->DebugName(), " is no tensor that oneDNN knows");
}

absl::StatusOr<std::optional<Operand>> Builder::GetOptional(
    const Value* value) {
  const std::optional<IValue> constant = ConstantOf(value);
  if (constant.has_value() &&
      (constant->is_none() ||
       (constant->is_tensor() && !constant->AsTensor().defined()))) {
    return std::optional<Operand>();
  }
  TANDEM_ASSIGN_OR_RETURN(const Operand o, Get(value));
  return std::optional<Operand>(o);
}

absl::StatusOr<std::vector<Operand>> Builder::GetList(const Value* value) {
  std::vector<Operand> operands;
  if (value->node()->is(NodeKind::kListConstruct)) {
    for (const Value* v : value->node()->inputs()) {
      TANDEM_ASSIGN_OR_RETURN(const Operand o, Get(v));
      operands.push_back(o);
    }
    return operands;
  }
  const std::optional<IValue> constant = ConstantOf(value);
  if (!constant.has_value() || !constant->is_list()) {
    return Refuse("a list of tensors that is not known");
  }
  for (const IValue& v : constant->AsList().values) {
    if (!v.is_tensor()) return Refuse("a list of other things than tensors");
    TANDEM_ASSIGN_OR_RETURN(const Operand o, FromTensor(v.AsTensor()));
    operands.push_back(o);
  }
  return operands;
}

bool Builder::IsConstant(const Operand& operand) const {
  return parts_.buffers[operand.buffer].kind == Buffer::Kind::kConstant;
}

absl::StatusOr<Tensor> Builder::ConstantTensor(const Value* value) const {
  const std::optional<IValue> constant = ConstantOf(value);
  if (!constant.has_value() || !constant->is_tensor() ||
      !constant->AsTensor().defined()) {
    return Refuse("%", value->DebugName(), " is no constant tensor");
  }
  return constant->AsTensor();
}

std::string Builder::ConstantKey(const Operand& operand) const {
  const Buffer& buffer = parts_.buffers[operand.buffer];
  return absl::StrCat(
      absl::Hex(reinterpret_cast<uintptr_t>(buffer.constant->data()) +
                operand.byte_offset),
      ":", d().Key(operand.md));
}

absl::StatusOr<Operand> Builder::As(const Operand& operand,
                                    const MemoryDesc& md,
                                    const Attributes& attr) {
  if (attr == nullptr && d().Equal(operand.md, md)) return operand;
  const int threads = ThreadsFor(d().Bytes(md) / 4, true);
  const Library::ScopedThreads scope(d().library(), threads);
  TANDEM_ASSIGN_OR_RETURN(const PrimitiveDesc pd,
                          d().Reorder(operand.md, md, attr));
  if (!IsConstant(operand)) {
    Operand result =
        NewOperand(md, operand.sizes, operand.strides, operand.dtype);
    TANDEM_RETURN_IF_ERROR(
        AddStep(pd, {{DNNL_ARG_FROM, operand}, {DNNL_ARG_TO, result}},
                "reorder", threads));
    return result;
  }
  // Once, now.
  const std::shared_ptr<const PackedTensor> source =
      parts_.buffers[operand.buffer].constant;
  const auto pack =
      [&]() -> absl::StatusOr<std::shared_ptr<const PackedTensor>> {
    auto packed = std::make_shared<PackedTensor>();
    TANDEM_ASSIGN_OR_RETURN(
        packed->storage,
        Storage::Allocate(std::max<int64_t>(d().Bytes(md), 1)));
    ProgramParts parts;
    parts.library = d().shared_library();
    Buffer from, to;
    from.kind = to.kind = Buffer::Kind::kConstant;
    from.constant = source;
    to.constant = packed;
    parts.buffers = {from, to};
    parts.slots = {{operand.md, 0, operand.byte_offset}, {md, 1, 0}};
    Step step;
    TANDEM_ASSIGN_OR_RETURN(step.primitive, d().Create(pd));
    step.args = {{DNNL_ARG_FROM, 0}, {DNNL_ARG_TO, 1}};
    step.name = "reorder";
    TANDEM_ASSIGN_OR_RETURN(const MemoryDesc scratch, d().ScratchpadOf(pd));
    if (scratch != nullptr) {
      Buffer inner;
      inner.bytes = d().Bytes(scratch);
      parts.buffers.push_back(inner);
      parts.slots.push_back({scratch, 2, 0});
      step.args.push_back({DNNL_ARG_SCRATCHPAD, 2});
    }
    parts.steps.push_back(std::move(step));
    TANDEM_ASSIGN_OR_RETURN(std::unique_ptr<Program> program,
                            Program::Make(std::move(parts)));
    TANDEM_RETURN_IF_ERROR(
        program->Run(KernelCall{nullptr, nullptr, nullptr, 0, 0}));
    // Not held twice: the plain weights are the file's again.
    ReleaseFilePages(source->tensor);
    return std::shared_ptr<const PackedTensor>(std::move(packed));
  };
  Buffer buffer;
  buffer.kind = Buffer::Kind::kConstant;
  TANDEM_ASSIGN_OR_RETURN(
      buffer.constant,
      weights_->Get<PackedTensor>(
          absl::StrCat(ConstantKey(operand), "->", d().Key(md)), pack));
  Operand result = operand;
  result.md = md;
  result.byte_offset = 0;
  result.buffer = NewBuffer(std::move(buffer));
  return result;
}

absl::StatusOr<Operand> Builder::AsContiguous(const Operand& operand) {
  if (d().IsContiguous(operand.md)) return operand;
  TANDEM_ASSIGN_OR_RETURN(const MemoryDesc md,
                          d().Contiguous(d().Sizes(operand.md), operand.dtype));
  return As(operand, md);
}

absl::StatusOr<Operand> Builder::AsPlain(const Operand& operand) {
  if (d().PlainStrides(operand.md).has_value()) return operand;
  return AsContiguous(operand);
}

absl::StatusOr<Operand> Builder::Reshape(const Operand& operand,
                                         DimSpan sizes) {
  Operand result = operand;
  MemoryDesc md = d().Reshape(operand.md, sizes);
  if (md == nullptr) {
    TANDEM_ASSIGN_OR_RETURN(result, AsContiguous(operand));
    TANDEM_ASSIGN_OR_RETURN(md, d().Contiguous(sizes, operand.dtype));
  }
  result.md = md;
  result.sizes.assign(sizes.begin(), sizes.end());
  result.strides = ContiguousStrides(sizes);
  return result;
}

absl::StatusOr<Operand> Builder::Permute(const Operand& operand,
                                         DimSpan order) {
  Operand result = operand;
  MemoryDesc md = d().Permute(operand.md, order);
  if (md == nullptr) {
    TANDEM_ASSIGN_OR_RETURN(result, AsContiguous(operand));
    md = d().Permute(result.md, order);
    if (md == nullptr) return Refuse("a permutation of dims");
  }
  result.md = md;
  result.sizes.clear();
  result.strides.clear();
  for (int64_t i : order) {
    result.sizes.push_back(operand.sizes[i]);
    result.strides.push_back(operand.strides[i]);
  }
  return result;
}

absl::StatusOr<Operand> Builder::MakeConstant(
    const std::string& key,
    const std::function<absl::StatusOr<Tensor>()>& make) {
  Buffer buffer;
  buffer.kind = Buffer::Kind::kConstant;
  TANDEM_ASSIGN_OR_RETURN(
      buffer.constant,
      weights_->Get<PackedTensor>(
          key, [&]() -> absl::StatusOr<std::shared_ptr<const PackedTensor>> {
            auto packed = std::make_shared<PackedTensor>();
            TANDEM_ASSIGN_OR_RETURN(packed->tensor, make());
            return std::shared_ptr<const PackedTensor>(std::move(packed));
          }));
  const Tensor& t = buffer.constant->tensor;
  Operand o;
  TANDEM_ASSIGN_OR_RETURN(o.md, d().Strided(t.sizes(), t.dtype(), t.strides()));
  o.sizes.assign(t.sizes().begin(), t.sizes().end());
  o.strides.assign(t.strides().begin(), t.strides().end());
  o.dtype = t.dtype();
  o.buffer = NewBuffer(std::move(buffer));
  return o;
}

Operand Builder::NewOperand(const MemoryDesc& md, DimSpan sizes,
                            DimSpan strides, DType dtype) {
  Operand o;
  o.md = md;
  o.sizes.assign(sizes.begin(), sizes.end());
  o.strides.assign(strides.begin(), strides.end());
  o.dtype = dtype;
  Buffer buffer;
  buffer.bytes = d().Bytes(md);
  o.buffer = NewBuffer(std::move(buffer));
  return o;
}

void Builder::Define(const Value* value, const Operand& operand) {
  operands_[value] = operand;
  holds_[operand.buffer].push_back(value);
}

bool Builder::IsGroupOutput(const Value* value) const {
  for (const Use& use : value->uses()) {
    if (use.user == graph_.return_node()) return true;
  }
  return false;
}

bool Builder::DiesWith(const Operand& operand,
                       absl::Span<const Node* const> users) const {
  if (parts_.buffers[operand.buffer].kind != Buffer::Kind::kInner) return false;
  for (const Value* v : holds_[operand.buffer]) {
    for (const Use& use : v->uses()) {
      if (!done_.contains(use.user) && !ReadsSizes(*use.user) &&
          std::find(users.begin(), users.end(), use.user) == users.end()) {
        return false;
      }
    }
  }
  return true;
}

absl::Status Builder::AddStep(const PrimitiveDesc& pd, Arguments args,
                              std::string name, int threads) {
  Step step;
  step.threads = threads;
  TANDEM_ASSIGN_OR_RETURN(step.primitive, d().Create(pd));
  const auto add = [&](int arg, const Operand& o) {
    step.args.push_back({arg, parts_.slots.size()});
    parts_.slots.push_back({o.md, o.buffer, o.byte_offset});
  };
  for (const auto& [arg, o] : args) add(arg, o);
  TANDEM_ASSIGN_OR_RETURN(const MemoryDesc scratch, d().ScratchpadOf(pd));
  if (scratch != nullptr) {
    add(DNNL_ARG_SCRATCHPAD,
        NewOperand(scratch, {d().Bytes(scratch)}, {1}, DType::kUInt8));
  }
  names_.push_back(name);
  step.name = std::move(name);
  parts_.steps.push_back(std::move(step));
  return absl::OkStatus();
}

void Builder::AddFunction(StepFunction function, Arguments args,
                          std::string name) {
  Step step;
  step.function = std::move(function);
  step.threads = parts_.threads;
  for (const auto& [arg, o] : args) {
    step.args.push_back({arg, parts_.slots.size()});
    parts_.slots.push_back({o.md, o.buffer, o.byte_offset});
  }
  names_.push_back(name);
  step.name = std::move(name);
  parts_.steps.push_back(std::move(step));
}

void Builder::CountWork(DimSpan factors) {
  int64_t work = 1;
  for (int64_t f : factors) {
    if (__builtin_mul_overflow(work, f, &work)) work = INT64_MAX;
  }
  if (__builtin_add_overflow(work_, work, &work_)) work_ = INT64_MAX;
  last_work_ = work;
}

int Builder::ThreadsFor(int64_t multiplications, bool memory_bound) const {
  // About 5 us of one thread.
  return multiplications < (memory_bound ? 40000 : 250000) ? 1 : parts_.threads;
}

absl::Status Builder::DefineOutputs() {
  for (size_t i = 0; i < graph_.outputs().size(); ++i) {
    TANDEM_ASSIGN_OR_RETURN(Operand o, Get(graph_.outputs()[i]));
    Output output;
    output.sizes = o.sizes;
    output.strides = o.strides;
    output.dtype = o.dtype;
    TANDEM_ASSIGN_OR_RETURN(const MemoryDesc md,
                            d().Strided(o.sizes, o.dtype, o.strides));
    Buffer& buffer = parts_.buffers[o.buffer];
    if (buffer.kind != Buffer::Kind::kInner || o.byte_offset != 0 ||
        buffer.bytes != d().Bytes(md) || !d().Equal(o.md, md)) {
      TANDEM_ASSIGN_OR_RETURN(const PrimitiveDesc pd, d().Reorder(o.md, md));
      const Operand copy = NewOperand(md, o.sizes, o.strides, o.dtype);
      TANDEM_RETURN_IF_ERROR(AddStep(pd,
                                     {{DNNL_ARG_FROM, o}, {DNNL_ARG_TO, copy}},
                                     "reorder", parts_.threads));
      o = copy;
    }
    parts_.buffers[o.buffer].kind = Buffer::Kind::kOutput;
    parts_.buffers[o.buffer].index = i;
    output.buffer = o.buffer;
    parts_.outputs.push_back(std::move(output));
  }
  return absl::OkStatus();
}

bool Builder::FoldSizes(Node* n) {
  if (!IsShapeNode(*n)) return false;
  const auto number = [&](const Value* v) -> std::optional<IValue> {
    const auto it = numbers_.find(v);
    if (it == numbers_.end()) return std::nullopt;
    return it->second;
  };
  const auto sizes = [&](const Value* v) -> std::optional<Dims> {
    if (const auto it = operands_.find(v); it != operands_.end()) {
      return it->second.sizes;
    }
    if (const auto it = sizes_.find(v); it != sizes_.end()) return it->second;
    return std::nullopt;
  };
  const std::optional<std::vector<IValue>> results =
      EvaluateShapeNode(*n, number, sizes);
  if (!results.has_value()) return false;
  const WithInsertPoint here(&graph_, n);
  for (size_t i = 0; i < results->size(); ++i) {
    Value* v = n->output(i);
    const IValue& result = (*results)[i];
    numbers_[v] = result;
    if (v->type()->is(TypeKind::kTensor)) continue;
    v->ReplaceAllUsesWith(graph_.InsertConstant(result, n->range(), v->type()));
  }
  MarkDone(n);
  return true;
}

absl::StatusOr<ProgramParts> Builder::Build(FindLowering find, int threads) {
  parts_.library = d().shared_library();
  parts_.threads = threads;
  if (inputs_.size() != graph_.inputs().size()) {
    return absl::InvalidArgumentError("a description for each input is needed");
  }
  TANDEM_RETURN_IF_ERROR(DefineInputs());
  parts_.declines_infinity = true;
  for (const Node* n : *graph_.block()) {
    parts_.declines_nan |= LosesNan(*n);
    if (TakesMasks(*n)) parts_.declines_infinity = false;
  }
  for (Node* n : *graph_.block()) {
    if (n->is(NodeKind::kConstant) || IsDone(n) || FoldSizes(n) ||
        n->is(NodeKind::kListConstruct)) {
      continue;
    }
    const Lower lower = find(*n);
    if (lower == nullptr) return Refuse(n->name(), ": not lowered");
    if (absl::Status s = lower(*this, *n); !s.ok()) {
      return absl::Status(s.code(), absl::StrCat(n->name(), ": ", s.message()));
    }
    MarkDone(n);
  }
  if (work_ < options_.min_work) {
    return Refuse("too little work: ", work_, " multiplications");
  }
  TANDEM_RETURN_IF_ERROR(DefineOutputs());
  parts_.text = absl::StrJoin(names_, ", ");
  return std::move(parts_);
}

}  // namespace tandem::onednn
