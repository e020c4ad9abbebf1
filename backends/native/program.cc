#include "tandem/backends/native/program.h"

#include <algorithm>
#include <atomic>
#include <cstring>

#include "tandem/tensor/context.h"
#include "tandem/tensor/convert.h"
#include "tandem/tensor/memory_pool.h"
#include "tandem/tensor/strided_loop.h"

namespace tandem::native {
namespace {

// Bytes that a loop reads and writes, above which they come from beyond the
// second cache.
constexpr int64_t kStreamed = 1 << 20;

template <typename From, typename To>
void Cast(const void* in, void* out, int64_t n) {
  const From* x = static_cast<const From*>(in);
  To* y = static_cast<To*>(out);
  for (int64_t i = 0; i < n; ++i) y[i] = ConvertElement<To>(x[i]);
}
template <typename From>
void CastFrom(const void* in, int to, void* out, int64_t n) {
  switch (to) {
    case 0:
      return Cast<From, float>(in, out, n);
    case 1:
      return Cast<From, double>(in, out, n);
    case 2:
      return Cast<From, int64_t>(in, out, n);
    default:
      return Cast<From, bool>(in, out, n);
  }
}
void CastRow(int from, const void* in, int to, void* out, int64_t n) {
  switch (from) {
    case 0:
      return CastFrom<float>(in, to, out, n);
    case 1:
      return CastFrom<double>(in, to, out, n);
    case 2:
      return CastFrom<int64_t>(in, to, out, n);
    default:
      return CastFrom<bool>(in, to, out, n);
  }
}

template <typename T>
void ExpandRows(const void* in, void* out, int64_t rows, int64_t n) {
  const T* x = static_cast<const T*>(in);
  T* y = static_cast<T*>(out);
  for (int64_t r = 0; r < rows; ++r) std::fill_n(y + r * n, n, x[r]);
}

template <typename T>
void ReduceRows(Action action, const TypedKernels<T>& k, const void* in,
                void* out, int64_t rows, int64_t n) {
  const T* x = static_cast<const T*>(in);
  T* y = static_cast<T*>(out);
  for (int64_t r = 0; r < rows; ++r, x += n) {
    switch (action) {
      case Action::kMax:
        y[r] = k.max(x, n);
        break;
      case Action::kMin:
        y[r] = k.min(x, n);
        break;
      case Action::kMean:
        y[r] = static_cast<T>(static_cast<double>(k.sum(x, n)) /
                              static_cast<double>(n));
        break;
      default:
        y[r] = k.sum(x, n);
    }
  }
}

// Lines of memory that will be needed, asked for a few at a time: the processor
// has only so many requests, and instructions between them to compute with.
class Ahead {
 public:
  void Add(const char* data, int64_t bytes, bool written) {
    if (count_ == kMax || bytes <= 0) return;
    parts_[count_++] = {data, bytes, written};
    lines_ += (bytes + kLine - 1) / kLine;
  }
  int64_t lines() const { return lines_; }
  void Ask(int64_t lines) {
    for (; lines > 0 && at_ < count_; --lines) {
      Part& p = parts_[at_];
      if (p.written) {
        __builtin_prefetch(p.data, 1, 3);
      } else {
        __builtin_prefetch(p.data, 0, 3);
      }
      p.data += kLine;
      p.bytes -= kLine;
      if (p.bytes <= 0) ++at_;
    }
  }

 private:
  static constexpr int64_t kLine = 64;
  static constexpr int kMax = 8;
  struct Part {
    const char* data;
    int64_t bytes;
    bool written;
  };
  Part parts_[kMax];
  int count_ = 0, at_ = 0;
  int64_t lines_ = 0;
};

}  // namespace

void Program::RunTile(absl::Span<const Tensor* const> tensors,
                      absl::Span<const Tensor> results, int64_t first,
                      int64_t count, char* slots) const {
  const int64_t row = row_;
  // `first` and `count` are elements; rows are whole.
  const auto begin_of = [&](bool rows) { return rows ? first / row : first; };
  const auto count_of = [&](bool rows) { return rows ? count / row : count; };
  for (const ProgramInput& in : inputs) {
    if (!gathers_) break;
    if (in.slot < 0) continue;
    // Gathered in the order of the loop.
    const Tensor& t = *tensors[in.argument];
    const int64_t size = kSizes[in.computed];
    char* to = slots + in.slot * slot_bytes_;
    const int64_t rank = static_cast<int64_t>(in.strides.size());
    const DimSpan dims = DimSpan(sizes).first(rank);
    const int64_t from = begin_of(in.rows), n = count_of(in.rows);
    // Index of the first element.
    int64_t index[32];
    int64_t rest = from, offset = 0;
    for (int64_t d = rank - 1; d >= 0; --d) {
      index[d] = rest % dims[d];
      rest /= dims[d];
      offset += index[d] * in.strides[d];
    }
    const char* data = t.raw_data();
    const int64_t step = rank == 0 ? 0 : in.strides[rank - 1];
    for (int64_t done = 0; done < n;) {
      const int64_t run =
          rank == 0 ? n : std::min(n - done, dims[rank - 1] - index[rank - 1]);
      const char* x = data + offset * size;
      char* y = to + done * size;
      if (step == 1) {
        std::memcpy(y, x, static_cast<size_t>(run * size));
      } else if (size == 4) {
        float v;
        if (step == 0) {
          std::memcpy(&v, x, 4);
          std::fill_n(reinterpret_cast<float*>(y), run, v);
        } else {
          for (int64_t i = 0; i < run; ++i) {
            std::memcpy(y + i * 4, x + i * step * 4, 4);
          }
        }
      } else if (size == 8) {
        for (int64_t i = 0; i < run; ++i) {
          std::memcpy(y + i * 8, x + i * step * 8, 8);
        }
      } else {
        for (int64_t i = 0; i < run; ++i) y[i] = x[i * step];
      }
      done += run;
      if (done >= n) break;
      // On to the next run: the last dim starts anew.
      offset -= index[rank - 1] * step;
      index[rank - 1] = 0;
      for (int64_t d = rank - 2; d >= 0; --d) {
        offset += in.strides[d];
        if (++index[d] < dims[d]) break;
        offset -= index[d] * in.strides[d];
        index[d] = 0;
      }
    }
  }
  // Addresses: slots, inputs, outputs, numbers.
  absl::InlinedVector<char*, 24> table;
  for (int i = 0; i < num_slots; ++i) table.push_back(slots + i * slot_bytes_);
  for (const ProgramInput& in : inputs) {
    if (in.slot >= 0) {
      table.push_back(slots + in.slot * slot_bytes_);
      continue;
    }
    char* data = tensors[in.argument]->raw_data();
    if (!in.single) data += begin_of(in.rows) * kSizes[in.computed];
    table.push_back(data);
  }
  for (const ProgramOutput& out : outputs) {
    table.push_back(results[out.result].raw_data() +
                    begin_of(out.rows) * kSizes[out.computed]);
  }
  for (const Number& n : numbers) {
    table.push_back(const_cast<char*>(n.bytes));
  }
  const KernelTable& k = Kernels();
  Ahead ahead;
  if (streams_) {
    for (const ProgramOutput& out : outputs) {
      if (out.rows) continue;
      const int64_t size = kSizes[out.computed];
      ahead.Add(results[out.result].raw_data() + first * size, count * size,
                true);
    }
    // The next tile's.
    const int64_t next = std::min(count, total_ - (first + count));
    for (const ProgramInput& in : inputs) {
      if (in.slot >= 0 || in.single || in.rows) continue;
      const int64_t size = kSizes[in.computed];
      ahead.Add(tensors[in.argument]->raw_data() + (first + count) * size,
                next * size, false);
    }
  }
  const int64_t num_instructions = static_cast<int64_t>(instructions.size());
  const int64_t at_once = (ahead.lines() + num_instructions - 1) /
                          std::max<int64_t>(1, num_instructions);
  for (const Instruction& i : instructions) {
    ahead.Ask(at_once);
    const void* in[kMaxInputs] = {};
    for (int j = 0; j < i.num_inputs; ++j) {
      if (i.from[j] >= 0) in[j] = table[i.from[j]];
    }
    void* out = table[i.into];
    const unsigned repeat = i.repeat;
    const int64_t n = count_of(i.rows);
    const int64_t rows = count / row;
    switch (i.action) {
      case Action::kRow:
        k.rows[static_cast<int>(i.op)][i.computed](
            out, in, repeat, n, i.has_params ? i.params.bytes : nullptr);
        break;
      case Action::kCast:
        CastRow(i.computed, in[0], i.to, out, repeat != 0 ? 1 : n);
        if (repeat != 0) {
          const int64_t size = kSizes[i.to];
          char* to = static_cast<char*>(out);
          for (int64_t j = 1; j < n; ++j) std::memcpy(to + j * size, to, size);
        }
        break;
      case Action::kExpand:
        if (kSizes[i.computed] == 4) {
          ExpandRows<float>(in[0], out, rows, row);
        } else if (kSizes[i.computed] == 8) {
          ExpandRows<int64_t>(in[0], out, rows, row);
        } else {
          ExpandRows<uint8_t>(in[0], out, rows, row);
        }
        break;
      case Action::kSoftmax:
      case Action::kLogSoftmax: {
        const auto f =
            i.action == Action::kSoftmax ? k.f.softmax : k.f.log_softmax;
        for (int64_t r = 0; r < rows; ++r) {
          f(static_cast<const float*>(in[0]) + r * row,
            static_cast<float*>(out) + r * row, row);
        }
        break;
      }
      case Action::kLayerNorm: {
        float mean, rstd;
        for (int64_t r = 0; r < rows; ++r) {
          k.f.layer_norm(static_cast<const float*>(in[0]) + r * row,
                         static_cast<float*>(out) + r * row, row,
                         static_cast<const float*>(in[1]),
                         static_cast<const float*>(in[2]), i.eps, &mean, &rstd);
        }
        break;
      }
      default:
        if (i.computed == 0) {
          ReduceRows(i.action, k.f32, in[0], out, rows, row);
        } else if (i.computed == 1) {
          ReduceRows(i.action, k.f64, in[0], out, rows, row);
        } else {
          ReduceRows(i.action, k.i64, in[0], out, rows, row);
        }
    }
  }
}

void Program::Finish() {
  total_ = 1;
  for (int64_t s : sizes) total_ *= s;
  row_ = by_rows ? sizes.back() : 1;
  tile_ = std::max<int64_t>(1, kTile / row_) * row_;
  slot_bytes_ = (std::min(tile_, total_) * 8 + 63) / 64 * 64;
  const int first_input = num_slots;
  const int first_output = first_input + static_cast<int>(inputs.size());
  const int first_number = first_output + static_cast<int>(outputs.size());
  const auto index_of = [&](const Place& p) {
    switch (p.kind) {
      case Place::Kind::kSlot:
        return p.index;
      case Place::Kind::kInput:
        return first_input + p.index;
      case Place::Kind::kOutput:
        return first_output + p.index;
      case Place::Kind::kNumber:
        return first_number + p.index;
      default:
        return -1;
    }
  };
  for (Instruction& i : instructions) {
    i.into = index_of(i.out);
    i.repeat = 0;
    for (int j = 0; j < i.num_inputs; ++j) {
      i.from[j] = index_of(i.in[j]);
      const bool one =
          i.in[j].kind == Place::Kind::kNumber ||
          (i.in[j].kind == Place::Kind::kInput && inputs[i.in[j].index].single);
      if (one) i.repeat |= 1u << j;
    }
  }
  for (const ProgramInput& in : inputs) gathers_ = gathers_ || in.slot >= 0;
  int64_t bytes = 0;  // of an element
  for (const ProgramInput& in : inputs) {
    if (!in.single && !in.rows) bytes += kSizes[in.computed];
  }
  for (const ProgramOutput& out : outputs) {
    if (!out.rows) bytes += kSizes[out.computed];
  }
  streams_ = bytes > 0 && total_ > kStreamed / bytes;
}

absl::Status Program::Run(absl::Span<const Tensor* const> tensors,
                          absl::Span<const Tensor> results) const {
  constexpr int64_t kOnStack = 8192;
  const int64_t bytes = num_slots * slot_bytes_;
  if (total_ <= tile_ && bytes <= kOnStack) {
    alignas(64) char stack[kOnStack];
    RunTile(tensors, results, 0, total_, stack);
    return absl::OkStatus();
  }
  std::atomic<bool> no_memory{false};
  const auto run = [&](int64_t begin, int64_t end) {
    alignas(64) char stack[kOnStack];
    size_t capacity = 0;
    char* slots = stack;
    if (bytes > kOnStack) {
      slots = static_cast<char*>(
          memory_pool::Allocate(static_cast<size_t>(bytes), &capacity));
      if (slots == nullptr) {
        no_memory = true;
        return;
      }
    }
    for (int64_t t = begin; t < end; ++t) {
      const int64_t first = t * tile_;
      RunTile(tensors, results, first, std::min(tile_, total_ - first), slots);
    }
    if (slots != stack) memory_pool::Free(slots, capacity);
  };
  const int64_t tiles = (total_ + tile_ - 1) / tile_;
  absl::Status status =
      ParallelFor(tiles, std::max<int64_t>(1, kGrain / tile_), run);
  if (status.ok() && no_memory) {
    status = absl::ResourceExhaustedError("out of memory: tiles of a group");
  }
  return status;
}

}  // namespace tandem::native
