// fractional_max_pool and max_unpool.
#include <cmath>
#include <tuple>
#include <vector>

#include "absl/strings/str_join.h"
#include "tandem/backends/reference/parts.h"
#include "tandem/backends/reference/pool.h"
#include "tandem/backends/reference/variants.h"
#include "tandem/tensor/context.h"
#include "tandem/tensor/copy.h"
#include "tandem/tensor/status_macros.h"
#include "tandem/tensor/visit.h"

namespace tandem::reference {
namespace {

using Ints = absl::Span<const int64_t>;
using Pair = std::tuple<Tensor, Tensor>;

// Starts of the pseudo-random windows along one dim; kept inside the input
// whatever the sample.
// 16-bit floats are rounded at every step.
template <typename T>
std::vector<int64_t> Intervals(T sample, int64_t in, int64_t out, int64_t pool,
                               DType dtype) {
  const auto round = [dtype](T x) -> T {
    if (dtype == DType::kHalf) return float(Half(float(x)));
    if (dtype == DType::kBFloat16) return float(BFloat16(float(x)));
    return x;
  };
  std::vector<int64_t> starts(out);
  if (out == 0) return starts;
  if (out > 1) {
    const T alpha = round(round(static_cast<T>(in - pool)) /
                          round(static_cast<T>(out - 1)));
    auto whole = [](T x) { return SaturatingToInt64(static_cast<double>(x)); };
    for (int64_t i = 0; i + 1 < out; ++i) {
      const int64_t start = static_cast<int64_t>(
          static_cast<uint64_t>(
              whole(round(round(static_cast<T>(i) + sample) * alpha))) -
          static_cast<uint64_t>(whole(round(sample * alpha))));
      starts[i] = std::min(std::max<int64_t>(start, 0), in - pool);
    }
  }
  starts[out - 1] = in - pool;
  return starts;
}

template <int kRank>
absl::StatusOr<Pair> FractionalMaxPool(const Tensor& self, Ints kernel,
                                       Ints output_size,
                                       const Tensor& random_samples) {
  const std::string op = absl::StrCat("fractional_max_pool", kRank, "d");
  const std::string fn = absl::StrCat(op, kRank == 3 ? "_out()" : "()");
  if (kernel.size() != kRank) {
    return Invalid(op,
                   ": kernel_size must either be a single Int or tuple of "
                   "Ints");
  }
  if (output_size.size() != kRank) {
    return Invalid(op,
                   ": output_size must either be a single Int or tuple of "
                   "Ints");
  }
  for (int64_t k : kernel) {
    if (k <= 0) {
      return Invalid(fn, ": kernel size should be greater than zero, but got ",
                     absl::StrJoin(kernel, "x"));
    }
  }
  const int64_t d = self.dim();
  if (d != kRank + 1 && d != kRank + 2) {
    return Invalid(fn, ": Expected ", kRank + 1, "D or ", kRank + 2,
                   "D tensor, but got: ", DimsToString(self.sizes()));
  }
  for (int64_t i = d == kRank + 2 ? 1 : 0; i < d; ++i) {
    if (self.size(i) == 0) {
      return Invalid(fn,
                     ": Expected input to have non-zero size for non-batch "
                     "dimensions, but got ",
                     DimsToString(self.sizes()), " with dimension ", i,
                     " being empty.");
    }
  }
  static constexpr absl::string_view kNames[] = {"time", "height", "width"};
  for (int i = 0; i < kRank; ++i) {
    const int64_t in = self.size(d - kRank + i);
    int64_t need;
    if (__builtin_add_overflow(output_size[i], kernel[i] - 1, &need) ||
        need > in) {
      return Invalid(fn, ": pool ", kNames[3 - kRank + i], " ", kernel[i],
                     " too large relative to input ", kNames[3 - kRank + i],
                     " ", in);
    }
  }
  const int64_t batch = d == kRank + 2 ? self.size(0) : 1;
  const int64_t channels = self.size(d - kRank - 1);
  if (random_samples.dtype() != self.dtype()) {
    return Invalid("Expect _random_samples to have the same dtype as input");
  }
  if (random_samples.dim() != 3) {
    return Invalid("Expect _random_samples to have 3 dimensions, got ",
                   random_samples.dim());
  }
  if (random_samples.size(0) < batch) {
    return Invalid(
        "Expect _random_samples.size(0) no less then input batch size.");
  }
  if (random_samples.size(1) != channels) {
    return Invalid(
        "Expect _random_samples.size(1) equals to input channel "
        "size.");
  }
  if (random_samples.size(2) != kRank) {
    return Invalid("Expect _random_samples.size(2) equals to ", kRank, "; got ",
                   random_samples.size(2), ".");
  }
  Dims sizes(self.sizes().begin(), self.sizes().end() - kRank);
  sizes.insert(sizes.end(), output_size.begin(), output_size.end());
  const std::string name = absl::StrCat(op, "_out_frame");
  if (!IsFloatingPoint(self.dtype())) {
    return NotImplementedFor(name, self.dtype());
  }
  TANDEM_ASSIGN_OR_RETURN(const Tensor x, PoolOperand(self));
  TANDEM_ASSIGN_OR_RETURN(const Tensor samples,
                          Contiguous(random_samples, x.dtype()));
  TANDEM_ASSIGN_OR_RETURN(Tensor out, Tensor::Empty(sizes, x.dtype()));
  TANDEM_ASSIGN_OR_RETURN(Tensor index, Tensor::Empty(sizes, DType::kInt64));
  auto run = [&](auto tag) -> absl::Status {
    using T = typename decltype(tag)::type;
    int64_t in[3] = {1, 1, 1}, o[3] = {1, 1, 1}, k[3] = {1, 1, 1};
    for (int i = 0; i < kRank; ++i) {
      in[3 - kRank + i] = self.size(d - kRank + i);
      o[3 - kRank + i] = output_size[i];
      k[3 - kRank + i] = kernel[i];
    }
    const int64_t out_size = o[0] * o[1] * o[2];
    const int64_t in_size = in[0] * in[1] * in[2];
    return ParallelFor(
        out.numel() == 0 ? 0 : batch * channels, 1,
        [&](int64_t begin, int64_t end) {
          for (int64_t p = begin; p < end; ++p) {
            const T* s = samples.data<T>() + p * kRank;
            std::vector<int64_t> starts[3] = {{0}, {0}, {0}};
            for (int i = 0; i < kRank; ++i) {
              // Two dims draw for the width first.
              const T sample = kRank == 2 ? s[1 - i] : s[i];
              const int at = 3 - kRank + i;
              starts[at] =
                  Intervals<T>(sample, in[at], o[at], k[at], self.dtype());
            }
            const T* from = x.data<T>() + p * in_size;
            T* to = out.data<T>() + p * out_size;
            int64_t* to_index = index.data<int64_t>() + p * out_size;
            for (int64_t t : starts[0]) {
              for (int64_t h : starts[1]) {
                for (int64_t w : starts[2]) {
                  T best = -std::numeric_limits<T>::infinity();
                  int64_t best_at = (t * in[1] + h) * in[2] + w;
                  for (int64_t a = t; a < t + k[0]; ++a) {
                    for (int64_t b = h; b < h + k[1]; ++b) {
                      for (int64_t c = w; c < w + k[2]; ++c) {
                        const int64_t at = (a * in[1] + b) * in[2] + c;
                        if (from[at] > best || std::isnan(from[at])) {
                          best = from[at];
                          best_at = at;
                        }
                      }
                    }
                  }
                  *to++ = best;
                  *to_index++ = best_at;
                }
              }
            }
          }
        });
  };
  TANDEM_RETURN_IF_ERROR(x.dtype() == DType::kFloat ? run(TypeTag<float>{})
                                                    : run(TypeTag<double>{}));
  TANDEM_ASSIGN_OR_RETURN(out, ToDType(out, self.dtype()));
  return Pair(std::move(out), std::move(index));
}

// Scatters planes of `self` to the places that `indices` name.
absl::StatusOr<Tensor> Unpool(const Tensor& self, const Tensor& indices,
                              Ints output_size) {
  const int64_t rank = static_cast<int64_t>(output_size.size());
  Dims sizes(self.sizes().begin(), self.sizes().end() - rank);
  sizes.insert(sizes.end(), output_size.begin(), output_size.end());
  TANDEM_ASSIGN_OR_RETURN(const Tensor x, Contiguous(self));
  TANDEM_ASSIGN_OR_RETURN(const Tensor index, Contiguous(indices));
  TANDEM_ASSIGN_OR_RETURN(const Tensor out, Tensor::Zeros(sizes, self.dtype()));
  const int64_t planes = PlaneCount(x, rank);
  if (x.numel() != 0) {
    const int64_t from = x.numel() / planes, to = out.numel() / planes;
    const int64_t* at = index.data<int64_t>();
    for (int64_t i = 0; i < x.numel(); ++i) {
      if (at[i] < 0 || at[i] >= to) {
        return Invalid("Found an invalid max index: ", at[i],
                       " (output volumes are of size ",
                       absl::StrJoin(output_size, "x"), ")");
      }
    }
    TANDEM_RETURN_IF_ERROR(
        VisitBySize(self.dtype(), [&](auto tag) -> absl::Status {
          using T = typename decltype(tag)::type;
          for (int64_t p = 0; p < planes; ++p) {
            for (int64_t i = 0; i < from; ++i) {
              out.data<T>()[p * to + at[p * from + i]] =
                  x.data<T>()[p * from + i];
            }
          }
          return absl::OkStatus();
        }));
  }
  return PoolResult(out, self);
}

absl::Status CheckUnpool(const Tensor& self, const Tensor& indices,
                         Ints output_size, int64_t rank) {
  if (indices.dtype() != DType::kInt64) {
    return Invalid("elements in indices should be type int64 but got: ",
                   TypeName(indices.dtype()));
  }
  if (static_cast<int64_t>(output_size.size()) != rank) {
    return Invalid("There should be exactly ",
                   rank == 2 ? "two elements (height, width)"
                             : "three elements (depth, height, width)",
                   " in output_size, but got ", output_size.size(),
                   " elements.");
  }
  for (int64_t s : output_size) {
    if (s < 0) {
      return Invalid("max_unpooling", rank,
                     "d(): output_size must contain non-negative spatial "
                     "dimensions, but got output_size=",
                     DimsToString(output_size));
    }
  }
  if (self.dim() != rank + 1 && self.dim() != rank + 2) {
    return Invalid("Input to max_unpooling", rank, "d should be a ", rank + 1,
                   "d or ", rank + 2, "d Tensor, but got a tensor with ",
                   self.dim(), " dimensions.");
  }
  if (self.sizes() != indices.sizes()) {
    return Invalid(
        "Expected shape of indices to be same as that of the input tensor (",
        DimsToString(self.sizes()),
        ") but got indices tensor with shape: ", DimsToString(indices.sizes()));
  }
  for (int64_t i = 1; i < self.dim(); ++i) {
    if (self.size(i) <= 0) {
      return Invalid("max_unpooling", rank,
                     "d(): Expected input to have non-zero size for non-batch "
                     "dimensions, but got ",
                     DimsToString(self.sizes()), " with dimension ", i,
                     " being empty.");
    }
  }
  if (!IsFloatingPoint(self.dtype())) {
    return NotImplementedFor(absl::StrCat("max_unpool", rank, "d"),
                             self.dtype());
  }
  return absl::OkStatus();
}

absl::StatusOr<Tensor> MaxUnpool2d(const Tensor& self, const Tensor& indices,
                                   Ints output_size) {
  TANDEM_RETURN_IF_ERROR(CheckUnpool(self, indices, output_size, 2));
  return Unpool(self, indices, output_size);
}

absl::StatusOr<Tensor> MaxUnpool3d(const Tensor& self, const Tensor& indices,
                                   Ints output_size, Ints stride,
                                   Ints padding) {
  TANDEM_RETURN_IF_ERROR(CheckUnpool(self, indices, output_size, 3));
  for (const auto& [name, v] :
       {std::make_pair("stride", stride), std::make_pair("padding", padding)}) {
    if (v.size() != 3) {
      return Invalid(
          "There should be exactly three elements (depth, height, width) in ",
          name, ", but got: ", v.size(), " elements.");
    }
  }
  for (int64_t s : stride) {
    if (s <= 0) {
      return Invalid("strides should be greater than zero, but got stride: ",
                     DimsToString(stride));
    }
  }
  return Unpool(self, indices, output_size);
}

}  // namespace

void RegisterFractionalPool(KernelRegistrar& r) {
  r.Add("aten::fractional_max_pool2d", &FractionalMaxPool<2>)
      .Add("aten::fractional_max_pool2d.output",
           &Variants<FractionalMaxPool<2>>::Out)
      .Add("aten::fractional_max_pool3d", &FractionalMaxPool<3>)
      .Add("aten::fractional_max_pool3d.output",
           &Variants<FractionalMaxPool<3>>::Out)
      .Add("aten::max_unpool2d", &MaxUnpool2d)
      .Add("aten::max_unpool2d.out", &Variants<MaxUnpool2d>::Out)
      .Add("aten::max_unpool3d", &MaxUnpool3d)
      .Add("aten::max_unpool3d.out", &Variants<MaxUnpool3d>::Out);
}

}  // namespace tandem::reference
