// softmax and log_softmax along any dim, logsumexp, and the loss that is made
// of them. 16-bit floats are computed in float and rounded once.
#include <algorithm>
#include <cmath>
#include <vector>

#include "tandem/backends/native/elementwise.h"
#include "tandem/backends/native/families.h"
#include "tandem/backends/native/kernel_table.h"
#include "tandem/backends/registry.h"
#include "tandem/tensor/context.h"
#include "tandem/tensor/convert_row.h"
#include "tandem/tensor/copy.h"
#include "tandem/tensor/status_macros.h"

namespace tandem::native {
namespace {

using Result = absl::StatusOr<Tensor>;
using Ints = absl::Span<const int64_t>;

RowFunction RowOf(Op op) { return Kernels().rows[static_cast<int>(op)][0]; }

// Rows of float or 16-bit floats, seen as floats.
class FloatRows {
 public:
  static absl::StatusOr<FloatRows> Of(const Tensor& t) {
    TANDEM_ASSIGN_OR_RETURN(const RowConverter widen,
                            RowConverter::Make(t.dtype(), DType::kFloat));
    TANDEM_ASSIGN_OR_RETURN(const RowConverter narrow,
                            RowConverter::Make(DType::kFloat, t.dtype()));
    return FloatRows(t, widen, narrow);
  }
  bool are_floats() const { return size_ == sizeof(float); }
  float* at(int64_t i) const { return reinterpret_cast<float*>(data_) + i; }
  // n elements from `i` on: where they are, or in `buffer`.
  const float* Read(int64_t i, int64_t n, float* buffer) const {
    if (are_floats()) return at(i);
    widen_(data_ + i * size_, size_, reinterpret_cast<char*>(buffer),
           sizeof(float), n);
    return buffer;
  }
  void Write(const float* from, int64_t i, int64_t n) const {
    if (are_floats()) {
      if (at(i) != from) std::copy_n(from, n, at(i));
      return;
    }
    narrow_(reinterpret_cast<const char*>(from), sizeof(float),
            data_ + i * size_, size_, n);
  }

 private:
  FloatRows(const Tensor& t, const RowConverter& widen,
            const RowConverter& narrow)
      : data_(t.raw_data()),
        size_(static_cast<int64_t>(t.element_size())),
        widen_(widen),
        narrow_(narrow) {}
  char* data_;
  int64_t size_;
  RowConverter widen_, narrow_;
};

template <bool kLog>
void Rows(const FloatRows& x, const FloatRows& y, int64_t n, int64_t begin,
          int64_t end) {
  const auto row = kLog ? Kernels().f.log_softmax : Kernels().f.softmax;
  const bool in_place = y.are_floats();
  std::vector<float> in(x.are_floats() ? 0 : n), out(in_place ? 0 : n);
  for (int64_t r = begin; r < end; ++r) {
    const float* from = x.Read(r * n, n, in.data());
    float* to = in_place ? y.at(r * n) : out.data();
    row(from, to, n);
    y.Write(to, r * n, n);
  }
}

// Columns side by side, as many as stay in the cache.
constexpr int64_t kColumns = 128;

// `count` columns of n rows, `inner` elements apart, from element `at` on.
template <bool kLog>
void Columns(const FloatRows& x, const FloatRows& y, int64_t at, int64_t n,
             int64_t inner, int64_t count, std::vector<float>* held) {
  float high[kColumns], sum[kColumns] = {}, part[kColumns] = {}, row[kColumns];
  const RowFunction add = RowOf(Op::kAdd), sub = RowOf(Op::kSub),
                    max = RowOf(Op::kMaximum), exp = RowOf(Op::kExp),
                    log = RowOf(Op::kLog), div = RowOf(Op::kDiv);
  const auto run = [&](RowFunction f, float* to, const float* a,
                       const float* b) {
    const void* in[2] = {a, b};
    f(to, in, 0, count, nullptr);
  };
  // The terms wait in y where it has room for floats.
  const bool in_place = y.are_floats();
  const bool reads = !x.are_floats();
  if (reads || !in_place) held->resize(n * count);
  const auto from = [&](int64_t r) -> const float* {
    return reads ? held->data() + r * count : x.at(at + r * inner);
  };
  const auto to = [&](int64_t r) {
    return in_place ? y.at(at + r * inner) : held->data() + r * count;
  };
  for (int64_t r = 0; r < n; ++r) {
    if (reads) x.Read(at + r * inner, count, held->data() + r * count);
    if (r == 0) {
      std::copy_n(from(0), count, high);
    } else {
      run(max, high, high, from(r));
    }
  }
  for (int64_t r = 0; r < n; ++r) {
    float* term = kLog ? row : to(r);
    run(sub, term, from(r), high);
    run(exp, term, term, nullptr);
    run(add, part, part, term);
    if ((r & 63) == 63 || r == n - 1) {
      run(add, sum, sum, part);
      std::fill_n(part, count, 0.f);
    }
  }
  if (kLog) run(log, sum, sum, nullptr);
  for (int64_t r = 0; r < n; ++r) {
    if (kLog) {
      run(sub, to(r), from(r), high);
      run(sub, to(r), to(r), sum);
    } else {
      run(div, to(r), to(r), sum);
    }
    y.Write(to(r), at + r * inner, count);
  }
}

// Floats of this machine in whatever order; 16-bit ones too.
bool Takes(const Tensor& t) {
  return t.defined() && !t.is_sparse() && t.device().is_cpu() &&
         t.impl()->storage && t.numel() > 0 && t.dim() > 0 &&
         (t.dtype() == DType::kFloat || t.dtype() == DType::kHalf ||
          t.dtype() == DType::kBFloat16);
}

// Results are contiguous whatever the input is.
template <bool kLog>
Result Along(const Tensor& input, int64_t dim, DType result) {
  if (!Takes(input) || dim < -input.dim() || dim >= input.dim()) {
    return Declined();
  }
  if (result != input.dtype() && result != DType::kFloat) return Declined();
  if (dim < 0) dim += input.dim();
  TANDEM_ASSIGN_OR_RETURN(const Tensor x, Contiguous(input));
  TANDEM_ASSIGN_OR_RETURN(const Tensor y, Tensor::Empty(x.sizes(), result));
  TANDEM_ASSIGN_OR_RETURN(const FloatRows from, FloatRows::Of(x));
  TANDEM_ASSIGN_OR_RETURN(const FloatRows to, FloatRows::Of(y));
  const int64_t n = x.size(dim);
  int64_t inner = 1;
  for (int64_t d = dim + 1; d < x.dim(); ++d) inner *= x.size(d);
  const int64_t outer = x.numel() / (n * inner);
  if (inner == 1) {
    TANDEM_RETURN_IF_ERROR(ParallelFor(outer, std::max<int64_t>(1, 8192 / n),
                                       [&](int64_t begin, int64_t end) {
                                         Rows<kLog>(from, to, n, begin, end);
                                       }));
    return y;
  }
  const int64_t pieces = (inner + kColumns - 1) / kColumns;
  TANDEM_RETURN_IF_ERROR(ParallelFor(
      outer * pieces,
      std::max<int64_t>(1, 8192 / (n * std::min(inner, kColumns))),
      [&](int64_t begin, int64_t end) {
        std::vector<float> held;
        for (int64_t i = begin; i < end; ++i) {
          const int64_t first = i % pieces * kColumns;
          Columns<kLog>(from, to, i / pieces * n * inner + first, n, inner,
                        std::min(kColumns, inner - first), &held);
        }
      }));
  return y;
}

template <bool kLog>
Result Softmax(const Tensor& self, int64_t dim, std::optional<DType> dtype) {
  if (!self.defined()) return Declined();
  return Along<kLog>(self, dim, dtype.value_or(self.dtype()));
}
template <bool kLog>
Result SoftmaxOfHalf(const Tensor& self, int64_t dim, bool half_to_float) {
  if (half_to_float || !self.defined()) return Declined();
  return Along<kLog>(self, dim, self.dtype());
}

// Over the last dim.
Result LogSumExp(const Tensor& self, Ints dims, bool keepdim) {
  if (!Takes(self) || dims.size() != 1 ||
      (dims[0] != -1 && dims[0] != self.dim() - 1)) {
    return Declined();
  }
  TANDEM_ASSIGN_OR_RETURN(const Tensor x, Contiguous(self));
  Dims sizes(x.sizes().begin(), x.sizes().end());
  const int64_t n = sizes.back();
  sizes.pop_back();
  if (keepdim) sizes.push_back(1);
  TANDEM_ASSIGN_OR_RETURN(const Tensor y, Tensor::Empty(sizes, x.dtype()));
  TANDEM_ASSIGN_OR_RETURN(const FloatRows from, FloatRows::Of(x));
  TANDEM_ASSIGN_OR_RETURN(const FloatRows to, FloatRows::Of(y));
  const auto rows = [&](int64_t begin, int64_t end) {
    constexpr int64_t kBlock = 512;
    float terms[kBlock];
    std::vector<float> buffer(from.are_floats() ? 0 : n);
    const RowFunction sub = RowOf(Op::kSub), exp = RowOf(Op::kExp);
    for (int64_t r = begin; r < end; ++r) {
      const float* row = from.Read(r * n, n, buffer.data());
      float high = Kernels().f32.max(row, n);
      if (std::isinf(high)) high = 0;  // the terms say it
      double sum = 0;
      for (int64_t i = 0; i < n; i += kBlock) {
        const int64_t m = std::min(kBlock, n - i);
        const void* in[2] = {row + i, &high};
        sub(terms, in, 2, m, nullptr);
        in[0] = terms;
        exp(terms, in, 0, m, nullptr);
        sum += Kernels().f32.sum(terms, m);
      }
      const float result = static_cast<float>(std::log(sum)) + high;
      to.Write(&result, r, 1);
    }
  };
  TANDEM_RETURN_IF_ERROR(
      ParallelFor(y.numel(), std::max<int64_t>(1, 8192 / n), rows));
  return y;
}

// Of class numbers, without weights or smoothing; what is to be told of wrong
// ones is left.
Result CrossEntropyLoss(const Tensor& self, const Tensor& target,
                        const Tensor& weight, int64_t reduction,
                        int64_t ignore_index, double label_smoothing) {
  if (!Takes(self) || self.dtype() != DType::kFloat || self.dim() < 2 ||
      !target.defined() || target.dtype() != DType::kInt64 ||
      target.dim() != self.dim() - 1 || target.is_sparse() ||
      !target.device().is_cpu() || weight.defined() || label_smoothing != 0 ||
      reduction < 0 || reduction > 2) {
    return Declined();
  }
  const int64_t batch = self.size(0), classes = self.size(1);
  const int64_t area = self.numel() / (batch * classes);
  if (target.size(0) != batch) return Declined();
  for (int64_t d = 1; d < target.dim(); ++d) {
    if (target.size(d) != self.size(d + 1)) return Declined();
  }
  TANDEM_ASSIGN_OR_RETURN(const Tensor t, Contiguous(target));
  const int64_t* labels = t.data<int64_t>();
  for (int64_t i = 0; i < batch * area; ++i) {
    if (labels[i] != ignore_index && (labels[i] < 0 || labels[i] >= classes)) {
      return Declined();
    }
  }
  TANDEM_ASSIGN_OR_RETURN(const Tensor p, Along<true>(self, 1, DType::kFloat));
  Tensor losses;
  if (reduction == 0) {
    TANDEM_ASSIGN_OR_RETURN(losses, Tensor::Empty(t.sizes(), DType::kFloat));
  }
  double total = 0;
  int64_t counted = 0;
  for (int64_t i = 0; i < batch * area; ++i) {
    float loss = 0;
    if (labels[i] != ignore_index) {
      loss =
          -p.data<float>()[(i / area * classes + labels[i]) * area + i % area];
      ++counted;
    }
    if (reduction == 0) losses.data<float>()[i] = loss;
    total += loss;
  }
  if (reduction == 0) return losses;
  return Tensor::FromScalar(
      reduction == 1 ? total / static_cast<double>(counted) : total,
      DType::kFloat);
}

}  // namespace

absl::Status RegisterSoftmax(Registry& registry) {
  KernelRegistrar r(registry, "native");
  r.Add("aten::softmax.int", &Softmax<false>)
      .Add("aten::log_softmax.int", &Softmax<true>)
      .Add("aten::_softmax", &SoftmaxOfHalf<false>)
      .Add("aten::_log_softmax", &SoftmaxOfHalf<true>)
      .Add("aten::logsumexp", &LogSumExp)
      .Add("aten::special_logsumexp", &LogSumExp)
      .Add("aten::cross_entropy_loss", &CrossEntropyLoss);
  return r.status();
}

}  // namespace tandem::native
