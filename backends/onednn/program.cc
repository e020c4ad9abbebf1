#include "tandem/backends/onednn/program.h"

#include <algorithm>
#include <cstring>

#include "absl/container/inlined_vector.h"
#include "absl/strings/str_cat.h"
#include "tandem/backends/kernel.h"
#include "tandem/backends/onednn/special_values.h"
#include "tandem/tensor/context.h"
#include "tandem/tensor/status_macros.h"

namespace tandem::onednn {
namespace {

constexpr int64_t kAlignment = 64;
// Frames kept for runs to come: as many as run at once, within reason.
constexpr size_t kMaxFrames = 64;

struct Life {
  size_t buffer;
  int64_t bytes;
  size_t first, last;
};

}  // namespace

int64_t PlanArena(const std::vector<Step>& steps,
                  const std::vector<Slot>& slots,
                  std::vector<Buffer>* buffers) {
  constexpr size_t kNever = SIZE_MAX;
  std::vector<Life> lives;
  std::vector<size_t> first(buffers->size(), kNever), last(buffers->size(), 0);
  for (size_t s = 0; s < steps.size(); ++s) {
    for (const auto& [arg, slot] : steps[s].args) {
      const size_t b = slots[slot].buffer;
      if (first[b] == kNever) first[b] = (*buffers)[b].zeroed ? 0 : s;
      last[b] = s;
    }
  }
  for (size_t b = 0; b < buffers->size(); ++b) {
    Buffer& buffer = (*buffers)[b];
    if (buffer.kind != Buffer::Kind::kInner || first[b] == kNever) continue;
    const int64_t bytes =
        (buffer.bytes + kAlignment - 1) / kAlignment * kAlignment;
    lives.push_back({b, std::max(bytes, kAlignment), first[b], last[b]});
  }
  // Largest first, each at the lowest place that is free while it lives.
  std::stable_sort(
      lives.begin(), lives.end(),
      [](const Life& a, const Life& b) { return a.bytes > b.bytes; });
  std::vector<Life> placed;
  int64_t total = 0;
  for (const Life& life : lives) {
    std::vector<std::pair<int64_t, int64_t>> taken;  // begin, end
    for (const Life& p : placed) {
      if (p.last < life.first || life.last < p.first) continue;
      const int64_t offset = (*buffers)[p.buffer].offset;
      taken.push_back({offset, offset + p.bytes});
    }
    std::sort(taken.begin(), taken.end());
    int64_t at = 0;
    for (const auto& [begin, end] : taken) {
      if (begin - at >= life.bytes) break;
      at = std::max(at, end);
    }
    (*buffers)[life.buffer].offset = at;
    total = std::max(total, at + life.bytes);
    placed.push_back(life);
  }
  return total;
}

Program::Program(ProgramParts parts) : parts_(std::move(parts)) {
  arena_bytes_ = PlanArena(parts_.steps, parts_.slots, &parts_.buffers);
}

Program::~Program() {
  for (const auto& frame : frames_) Destroy(*frame);
}

absl::StatusOr<std::unique_ptr<Program>> Program::Make(ProgramParts parts) {
  return std::unique_ptr<Program>(new Program(std::move(parts)));
}

void Program::Destroy(Frame& frame) const {
  for (dnnl_memory_t m : frame.memories) {
    if (m != nullptr) parts_.library->memory_destroy(m);
  }
  if (frame.stream != nullptr) parts_.library->stream_destroy(frame.stream);
}

absl::StatusOr<std::unique_ptr<Program::Frame>> Program::TakeFrame() const {
  {
    absl::MutexLock lock(&mutex_);
    if (!frames_.empty()) {
      std::unique_ptr<Frame> frame = std::move(frames_.back());
      frames_.pop_back();
      return frame;
    }
  }
  const Library& library = *parts_.library;
  auto frame = std::make_unique<Frame>();
  const auto fail = [&](absl::string_view what) {
    Destroy(*frame);
    return absl::ResourceExhaustedError(
        absl::StrCat("oneDNN could not make a ", what));
  };
  if (library.stream_create(&frame->stream, library.engine(),
                            dnnl_stream_default_flags) != dnnl_success) {
    return fail("stream");
  }
  frame->handles.assign(parts_.slots.size(), nullptr);
  frame->memories.assign(parts_.slots.size(), nullptr);
  for (size_t i = 0; i < parts_.slots.size(); ++i) {
    const Slot& slot = parts_.slots[i];
    const Buffer& buffer = parts_.buffers[slot.buffer];
    void* data = DNNL_MEMORY_NONE;
    if (buffer.kind == Buffer::Kind::kConstant) {
      data = static_cast<char*>(buffer.constant->data()) + slot.byte_offset;
    }
    if (library.memory_create(&frame->memories[i], slot.md.get(),
                              library.engine(), data) != dnnl_success) {
      frame->memories[i] = nullptr;
      return fail("memory object");
    }
  }
  for (const Step& step : parts_.steps) {
    std::vector<dnnl_exec_arg_t> args;
    for (const auto& [arg, slot] : step.args) {
      args.push_back({arg, frame->memories[slot]});
    }
    frame->args.push_back(std::move(args));
  }
  return frame;
}

void Program::GiveFrame(std::unique_ptr<Frame> frame) const {
  {
    absl::MutexLock lock(&mutex_);
    if (frames_.size() < kMaxFrames) {
      frames_.push_back(std::move(frame));
      return;
    }
  }
  Destroy(*frame);
}

absl::Status Program::Run(const KernelCall& call) const {
  for (size_t i = 0; parts_.declines_nan && i < call.num_inputs; ++i) {
    if (!call.in(i).is_tensor()) continue;
    const Special worst = WorstOf(call.in(i).AsTensor());
    if (worst == Special::kNan ||
        (worst == Special::kInfinity && parts_.declines_infinity)) {
      return Declined();
    }
  }
  TANDEM_ASSIGN_OR_RETURN(std::unique_ptr<Frame> frame, TakeFrame());
  absl::Status status = Execute(call, *frame);
  GiveFrame(std::move(frame));
  return status;
}

absl::Status Program::Execute(const KernelCall& call, Frame& frame) const {
  const Library& library = *parts_.library;
  absl::InlinedVector<Tensor, 4> results;
  for (const Output& o : parts_.outputs) {
    TANDEM_ASSIGN_OR_RETURN(Tensor t,
                            Tensor::EmptyStrided(o.sizes, o.strides, o.dtype));
    results.push_back(std::move(t));
  }
  Ref<Storage> arena;
  char* base = nullptr;
  if (arena_bytes_ != 0) {
    TANDEM_ASSIGN_OR_RETURN(arena, Storage::Allocate(arena_bytes_));
    base = static_cast<char*>(arena->data());
  }
  for (size_t i = 0; i < parts_.slots.size(); ++i) {
    const Slot& slot = parts_.slots[i];
    const Buffer& buffer = parts_.buffers[slot.buffer];
    char* data = nullptr;
    switch (buffer.kind) {
      case Buffer::Kind::kConstant:
        continue;
      case Buffer::Kind::kInput:
        data = call.in(buffer.index).AsTensor().raw_data();
        break;
      case Buffer::Kind::kOutput:
        data = results[buffer.index].raw_data();
        break;
      case Buffer::Kind::kInner:
        data = base + buffer.offset;
        break;
    }
    data += slot.byte_offset;
    if (frame.handles[i] == data) continue;
    if (library.memory_set_data_handle(frame.memories[i], data) !=
        dnnl_success) {
      return absl::InternalError("oneDNN refused an address");
    }
    frame.handles[i] = data;
  }
  for (const Buffer& b : parts_.buffers) {
    if (b.zeroed && b.kind == Buffer::Kind::kInner && b.offset >= 0) {
      std::memset(base + b.offset, 0, b.bytes);
    }
  }
  const TaskRunner* tasks = CurrentContext().tasks;
  const int threads = tasks == nullptr ? 1 : std::max(1, tasks->threads());
  for (size_t s = 0; s < parts_.steps.size(); ++s) {
    TANDEM_RETURN_IF_ERROR(CheckStop());
    const Step& step = parts_.steps[s];
    if (step.function) {
      absl::InlinedVector<void*, 8> data;
      for (const auto& [arg, slot] : step.args) {
        const Slot& place = parts_.slots[slot];
        const Buffer& buffer = parts_.buffers[place.buffer];
        data.push_back(buffer.kind == Buffer::Kind::kConstant
                           ? static_cast<char*>(buffer.constant->data()) +
                                 place.byte_offset
                           : frame.handles[slot]);
      }
      step.function(data);
      continue;
    }
    // The primitives' scratchpads were sized for step.threads.
    const Library::ScopedThreads scope(library,
                                       std::min(threads, step.threads));
    const std::vector<dnnl_exec_arg_t>& args = frame.args[s];
    const dnnl_status_t status =
        library.primitive_execute(step.primitive.get(), frame.stream,
                                  static_cast<int>(args.size()), args.data());
    if (status != dnnl_success) {
      return absl::InternalError(
          absl::StrCat("oneDNN: ", step.name, " failed"));
    }
  }
  for (size_t o = 0; o < results.size(); ++o) {
    call.out(o) = IValue(std::move(results[o]));
  }
  return absl::OkStatus();
}

}  // namespace tandem::onednn
