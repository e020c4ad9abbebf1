// Reductions over neighbouring dims of contiguous tensors, and the
// normalisations over the last dims.
#include <algorithm>
#include <cmath>
#include <tuple>
#include <vector>

#include "tandem/backends/native/elementwise.h"
#include "tandem/backends/native/families.h"
#include "tandem/backends/native/kernel_table.h"
#include "tandem/backends/registry.h"
#include "tandem/tensor/context.h"
#include "tandem/tensor/copy.h"
#include "tandem/tensor/status_macros.h"

namespace tandem::native {
namespace {

using Result = absl::StatusOr<Tensor>;
using Ints = absl::Span<const int64_t>;
using OptionalInts = std::optional<Ints>;

// A contiguous tensor seen as [outer][n][inner], reduced over n.
struct Geometry {
  int64_t outer = 1, n = 1, inner = 1;
  Dims sizes;  // of the result
};

// False when the reduced dims are not neighbours, or wrong.
bool GeometryOf(const Tensor& t, const OptionalInts& dims, bool keepdim,
                Geometry* g) {
  const int64_t rank = t.dim();
  if (!dims.has_value() || dims->empty()) {
    g->n = t.numel();
    if (keepdim) g->sizes.assign(rank, 1);
    return true;
  }
  if (rank == 0 || rank > 32) return false;
  uint32_t mask = 0;
  for (int64_t d : *dims) {
    if (d < -rank || d >= rank) return false;
    const uint32_t bit = 1u << (d < 0 ? d + rank : d);
    if ((mask & bit) != 0) return false;
    mask |= bit;
  }
  int64_t first = 0, last = rank - 1;
  while ((mask >> first & 1) == 0) ++first;
  while ((mask >> last & 1) == 0) --last;
  for (int64_t d = 0; d < rank; ++d) {
    const int64_t s = t.size(d);
    if (d < first) {
      g->outer *= s;
    } else if (d > last) {
      g->inner *= s;
    } else {
      if ((mask >> d & 1) == 0 && s != 1) return false;
      g->n *= s;
    }
    if ((mask >> d & 1) == 0) {
      g->sizes.push_back(s);
    } else if (keepdim) {
      g->sizes.push_back(1);
    }
  }
  return true;
}

enum class Kind { kSum, kMean, kMax, kMin };

template <typename T>
const TypedKernels<T>& Typed() {
  if constexpr (std::is_same_v<T, float>) {
    return Kernels().f32;
  } else if constexpr (std::is_same_v<T, double>) {
    return Kernels().f64;
  } else {
    return Kernels().i64;
  }
}
template <typename T>
constexpr int kComputed = std::is_same_v<T, float>    ? 0
                          : std::is_same_v<T, double> ? 1
                                                      : 2;

template <typename T, Kind kKind>
T ReduceRow(const T* x, int64_t n) {
  const TypedKernels<T>& k = Typed<T>();
  if constexpr (kKind == Kind::kMax) return k.max(x, n);
  if constexpr (kKind == Kind::kMin) return k.min(x, n);
  return k.sum(x, n);
}

// Columns [begin, end) of one [n][inner] block into `to`: rows are put together
// 64 at a time, then those, so that sums stay accurate.
template <typename T, Kind kKind>
void ReduceColumns(const T* x, int64_t n, int64_t inner, int64_t begin,
                   int64_t end, T* to) {
  constexpr Op kOp = kKind == Kind::kMax   ? Op::kMaximum
                     : kKind == Kind::kMin ? Op::kMinimum
                                           : Op::kAdd;
  const RowFunction combine =
      Kernels().rows[static_cast<int>(kOp)][kComputed<T>];
  constexpr int kLevels = 3;
  constexpr int64_t kColumns = 256;
  const auto into = [&](T* target, const T* from, int64_t count) {
    const void* in[2] = {target, from};
    combine(target, in, 0, count, nullptr);
  };
  for (int64_t c = begin; c < end; c += kColumns) {
    const int64_t count = std::min(kColumns, end - c);
    T sums[kLevels][kColumns];
    bool live[kLevels] = {};
    const auto put = [&](int level, const T* from) {
      if (live[level]) {
        into(sums[level], from, count);
      } else {
        std::copy_n(from, count, sums[level]);
        live[level] = true;
      }
    };
    for (int64_t r = 0; r < n; ++r) {
      put(0, x + r * inner + c);
      if ((r & 63) == 63) {
        put(1, sums[0]);
        live[0] = false;
        if ((r & 4095) == 4095) {
          put(2, sums[1]);
          live[1] = false;
        }
      }
    }
    T* out = to + c;
    bool first = true;
    for (int level = kLevels - 1; level >= 0; --level) {
      if (!live[level]) continue;
      if (first) {
        std::copy_n(sums[level], count, out);
      } else {
        into(out, sums[level], count);
      }
      first = false;
    }
    if (first) std::fill_n(out, count, T(0));
    if constexpr (kKind == Kind::kMean) {
      for (int64_t i = 0; i < count; ++i) {
        out[i] = static_cast<T>(static_cast<double>(out[i]) /
                                static_cast<double>(n));
      }
    }
  }
}

template <typename T, Kind kKind>
absl::Status ReduceInto(const T* x, const Geometry& g, T* out) {
  const auto finish = [&](T v) {
    if constexpr (kKind == Kind::kMean) {
      return static_cast<T>(static_cast<double>(v) / static_cast<double>(g.n));
    } else {
      return v;
    }
  };
  if (g.inner > 1) {
    if (g.outer == 1 && g.inner >= 512) {
      return ParallelFor(
          g.inner, std::max<int64_t>(256, kGrain / std::max<int64_t>(g.n, 1)),
          [&](int64_t begin, int64_t end) {
            ReduceColumns<T, kKind>(x, g.n, g.inner, begin, end, out);
          });
    }
    return ParallelFor(
        g.outer,
        std::max<int64_t>(1, kGrain / std::max<int64_t>(g.n * g.inner, 1)),
        [&](int64_t begin, int64_t end) {
          for (int64_t o = begin; o < end; ++o) {
            ReduceColumns<T, kKind>(x + o * g.n * g.inner, g.n, g.inner, 0,
                                    g.inner, out + o * g.inner);
          }
        });
  }
  if (g.outer * g.n <= kGrain) {
    for (int64_t o = 0; o < g.outer; ++o) {
      out[o] = finish(ReduceRow<T, kKind>(x + o * g.n, g.n));
    }
    return absl::OkStatus();
  }
  constexpr int64_t kPiece = 65536;
  if (g.n > 2 * kPiece) {
    // Long rows in pieces.
    const int64_t pieces = (g.n + kPiece - 1) / kPiece;
    std::vector<T> parts(pieces);
    for (int64_t o = 0; o < g.outer; ++o) {
      const T* row = x + o * g.n;
      TANDEM_RETURN_IF_ERROR(
          ParallelFor(pieces, 1, [&](int64_t begin, int64_t end) {
            for (int64_t i = begin; i < end; ++i) {
              const int64_t at = i * kPiece;
              parts[i] =
                  ReduceRow<T, kKind>(row + at, std::min(kPiece, g.n - at));
            }
          }));
      if constexpr (std::is_same_v<T, float> &&
                    (kKind == Kind::kSum || kKind == Kind::kMean)) {
        double sum = 0;
        for (T v : parts) sum += v;
        out[o] = static_cast<T>(
            kKind == Kind::kMean ? sum / static_cast<double>(g.n) : sum);
      } else {
        out[o] = finish(ReduceRow<T, kKind>(parts.data(), pieces));
      }
    }
    return absl::OkStatus();
  }
  return ParallelFor(g.outer,
                     std::max<int64_t>(1, kGrain / std::max<int64_t>(g.n, 1)),
                     [&](int64_t begin, int64_t end) {
                       for (int64_t o = begin; o < end; ++o) {
                         out[o] = finish(ReduceRow<T, kKind>(x + o * g.n, g.n));
                       }
                     });
}

template <Kind kKind>
Result Reduce(const Tensor& self, const OptionalInts& dims, bool keepdim) {
  if (!self.defined() || !IsPlain(*self.impl())) return Declined();
  const DType dtype = self.dtype();
  const bool is_float = dtype == DType::kFloat || dtype == DType::kDouble;
  if (!is_float && (dtype != DType::kInt64 || kKind == Kind::kMean)) {
    return Declined();
  }
  Geometry g;
  if (!GeometryOf(self, dims, keepdim, &g)) return Declined();
  if (g.n == 0 || g.outer * g.inner == 0) return Declined();
  TANDEM_ASSIGN_OR_RETURN(Tensor out, Tensor::Empty(g.sizes, dtype));
  absl::Status status;
  if (dtype == DType::kFloat) {
    status = ReduceInto<float, kKind>(self.data<float>(), g, out.data<float>());
  } else if (dtype == DType::kDouble) {
    status =
        ReduceInto<double, kKind>(self.data<double>(), g, out.data<double>());
  } else if constexpr (kKind != Kind::kMean) {
    status = ReduceInto<int64_t, kKind>(self.data<int64_t>(), g,
                                        out.data<int64_t>());
  }
  if (!status.ok()) return status;
  return out;
}

bool IsOther(std::optional<DType> dtype, const Tensor& self) {
  return dtype.has_value() && self.defined() && *dtype != self.dtype();
}

template <Kind kKind>
Result All(const Tensor& self, std::optional<DType> dtype) {
  if (IsOther(dtype, self)) return Declined();
  return Reduce<kKind>(self, std::nullopt, false);
}
template <Kind kKind>
Result Along(const Tensor& self, OptionalInts dims, bool keepdim,
             std::optional<DType> dtype) {
  if (IsOther(dtype, self)) return Declined();
  return Reduce<kKind>(self, dims, keepdim);
}
template <Kind kKind>
Result ExtremeOfAll(const Tensor& self) {
  return Reduce<kKind>(self, std::nullopt, false);
}
template <Kind kKind>
Result ExtremeAlong(const Tensor& self, Ints dims, bool keepdim) {
  return Reduce<kKind>(self, dims, keepdim);
}

// To one element a plane, which is the mean.
Result AdaptiveAvgPool2d(const Tensor& self, Ints sizes) {
  if (!self.defined() || self.dtype() != DType::kFloat || self.dim() < 3 ||
      self.dim() > 4 || sizes.size() != 2 || sizes[0] != 1 || sizes[1] != 1 ||
      !HasPlainStrides(*self.impl())) {
    return Declined();
  }
  // One plane, or planes of one element, may as well be channels_last.
  const int64_t rank = self.dim();
  if (self.size(rank - 3) == 1 ||
      self.size(rank - 2) * self.size(rank - 1) == 1) {
    return Declined();
  }
  const int64_t dims[2] = {-2, -1};
  return Reduce<Kind::kMean>(self, OptionalInts(Ints(dims, 2)), true);
}

// Euclidean distances of all rows of one matrix from all of the other.
Result Cdist(const Tensor& x1, const Tensor& x2, double p,
             std::optional<int64_t> mode) {
  if (p != 2 || (mode.has_value() && (*mode < 0 || *mode > 2)) ||
      !x1.defined() || !x2.defined() || x1.dim() != x2.dim() || x1.dim() < 2 ||
      x1.dim() > 3 || x1.dtype() != DType::kFloat ||
      x2.dtype() != DType::kFloat || !IsPlain(*x1.impl()) ||
      !IsPlain(*x2.impl())) {
    return Declined();
  }
  const int64_t rank = x1.dim(), n = x1.size(rank - 1);
  const int64_t rows = x1.size(rank - 2), columns = x2.size(rank - 2);
  if (n == 0 || x2.size(rank - 1) != n || x1.numel() == 0 || x2.numel() == 0 ||
      (rank == 3 && x1.size(0) != x2.size(0))) {
    return Declined();
  }
  Dims sizes(x1.sizes().begin(), x1.sizes().end());
  sizes.back() = columns;
  TANDEM_ASSIGN_OR_RETURN(const Tensor out,
                          Tensor::Empty(sizes, DType::kFloat));
  const auto distances = Kernels().f.distances;
  // Some rows of the other matrix at a time stay in the cache.
  const int64_t block = std::max<int64_t>(1, 4096 / n);
  TANDEM_RETURN_IF_ERROR(ParallelFor(
      x1.numel() / n, std::max<int64_t>(1, kGrain / (n * columns)),
      [&](int64_t begin, int64_t end) {
        for (int64_t c = 0; c < columns; c += block) {
          const int64_t count = std::min(block, columns - c);
          for (int64_t i = begin; i < end; ++i) {
            distances(x1.data<float>() + i * n,
                      x2.data<float>() + (i / rows * columns + c) * n, count, n,
                      out.data<float>() + i * columns + c);
          }
        }
      }));
  return out;
}

// The first of the largest, NaN above all, along the last dim or all of them.
template <bool kMax>
Result ArgExtreme(const Tensor& self, std::optional<int64_t> dim,
                  bool keepdim) {
  if (!self.defined() || !IsPlain(*self.impl()) ||
      self.dtype() != DType::kFloat) {
    return Declined();
  }
  if (!dim.has_value() && keepdim) return Declined();
  Geometry g;
  const OptionalInts dims =
      dim.has_value() ? OptionalInts(Ints(&*dim, 1)) : OptionalInts();
  if (!GeometryOf(self, dims, keepdim, &g) || g.n == 0 || g.inner != 1 ||
      g.outer == 0) {
    return Declined();
  }
  TANDEM_ASSIGN_OR_RETURN(const Tensor out,
                          Tensor::Empty(g.sizes, DType::kInt64));
  const TypedKernels<float>& k = Kernels().f32;
  TANDEM_RETURN_IF_ERROR(
      ParallelFor(g.outer, std::max<int64_t>(1, kGrain / g.n),
                  [&](int64_t begin, int64_t end) {
                    for (int64_t o = begin; o < end; ++o) {
                      const float* x = self.data<float>() + o * g.n;
                      const float best = kMax ? k.max(x, g.n) : k.min(x, g.n);
                      int64_t at = 0;
                      if (best != best) {
                        while (x[at] == x[at]) ++at;
                      } else {
                        while (x[at] != best) ++at;
                      }
                      out.data<int64_t>()[o] = at;
                    }
                  }));
  return out;
}

// Rows of n elements along the last `last` dims.
int64_t RowsOf(const Tensor& t, int64_t n) { return t.numel() / n; }

// Floats on this machine, in whatever order.
bool IsFloats(const Tensor& t) {
  return t.defined() && t.dtype() == DType::kFloat && !t.is_sparse() &&
         t.device().is_cpu() && t.impl()->storage;
}

bool IsParameter(const Tensor& t, Ints shape) {
  return !t.defined() || (IsPlain(*t.impl()) && t.dtype() == DType::kFloat &&
                          t.sizes() == shape);
}
const float* DataOf(const Tensor& t) {
  return t.defined() ? t.data<float>() : nullptr;
}
// Elements of a row, or 0 where the arguments are not as they should be.
int64_t RowLength(const Tensor& input, Ints shape) {
  if (!IsFloats(input) || shape.empty() ||
      static_cast<size_t>(input.dim()) < shape.size() ||
      input.sizes().last(shape.size()) != shape) {
    return 0;
  }
  int64_t n = 1;
  for (int64_t s : shape) n *= s;
  return input.numel() == 0 ? 0 : n;
}

using Triple = std::tuple<Tensor, Tensor, Tensor>;

absl::StatusOr<Triple> LayerNormRows(const Tensor& x_in, Ints shape,
                                     const Tensor& weight, const Tensor& bias,
                                     double eps, bool with_moments) {
  const int64_t n = RowLength(x_in, shape);
  if (n == 0 || !IsParameter(weight, shape) || !IsParameter(bias, shape)) {
    return Declined();
  }
  TANDEM_ASSIGN_OR_RETURN(const Tensor input, Contiguous(x_in));
  const int64_t rows = RowsOf(input, n);
  TANDEM_ASSIGN_OR_RETURN(Tensor out,
                          Tensor::Empty(input.sizes(), DType::kFloat));
  Tensor mean, rstd;
  if (with_moments) {
    Dims sizes(input.sizes().begin(), input.sizes().end());
    std::fill(sizes.end() - static_cast<int64_t>(shape.size()), sizes.end(), 1);
    TANDEM_ASSIGN_OR_RETURN(mean, Tensor::Empty(sizes, DType::kFloat));
    TANDEM_ASSIGN_OR_RETURN(rstd, Tensor::Empty(sizes, DType::kFloat));
  }
  const float *x = input.data<float>(), *w = DataOf(weight), *b = DataOf(bias);
  float* y = out.data<float>();
  const auto row = Kernels().f.layer_norm;
  TANDEM_RETURN_IF_ERROR(ParallelFor(
      rows, std::max<int64_t>(1, 8192 / n), [&](int64_t begin, int64_t end) {
        for (int64_t r = begin; r < end; ++r) {
          float m, s;
          row(x + r * n, y + r * n, n, w, b, eps, &m, &s);
          if (with_moments) {
            mean.data<float>()[r] = m;
            rstd.data<float>()[r] = s;
          }
        }
      }));
  return Triple(std::move(out), std::move(mean), std::move(rstd));
}
Result LayerNorm(const Tensor& input, Ints shape, const Tensor& weight,
                 const Tensor& bias, double eps, bool) {
  TANDEM_ASSIGN_OR_RETURN(
      Triple r, LayerNormRows(input, shape, weight, bias, eps, false));
  return std::get<0>(std::move(r));
}
absl::StatusOr<Triple> NativeLayerNorm(const Tensor& input, Ints shape,
                                       const Tensor& weight, const Tensor& bias,
                                       double eps) {
  return LayerNormRows(input, shape, weight, bias, eps, true);
}
Result RmsNorm(const Tensor& input, Ints shape, const Tensor& weight,
               std::optional<double> eps) {
  const int64_t n = RowLength(input, shape);
  if (n == 0 || !IsPlain(*input.impl()) || !IsParameter(weight, shape)) {
    return Declined();
  }
  TANDEM_ASSIGN_OR_RETURN(const Tensor out,
                          Tensor::Empty(input.sizes(), DType::kFloat));
  const float e = static_cast<float>(eps.value_or(0x1p-23));
  const float *x = input.data<float>(), *w = DataOf(weight);
  float* y = out.data<float>();
  const auto row = Kernels().f.rms_norm;
  TANDEM_RETURN_IF_ERROR(ParallelFor(RowsOf(input, n),
                                     std::max<int64_t>(1, 8192 / n),
                                     [&](int64_t begin, int64_t end) {
                                       for (int64_t r = begin; r < end; ++r) {
                                         row(x + r * n, y + r * n, n, w, e);
                                       }
                                     }));
  return out;
}

}  // namespace

absl::Status RegisterReduce(Registry& registry) {
  KernelRegistrar r(registry, "native");
  r.Add("aten::sum", &All<Kind::kSum>)
      .Add("aten::sum.dim_IntList", &Along<Kind::kSum>)
      .Add("aten::mean", &All<Kind::kMean>)
      .Add("aten::mean.dim", &Along<Kind::kMean>)
      .Add("aten::max", &ExtremeOfAll<Kind::kMax>)
      .Add("aten::min", &ExtremeOfAll<Kind::kMin>)
      .Add("aten::amax", &ExtremeAlong<Kind::kMax>)
      .Add("aten::amin", &ExtremeAlong<Kind::kMin>)
      .Add("aten::adaptive_avg_pool2d", &AdaptiveAvgPool2d)
      .Add("aten::_adaptive_avg_pool2d", &AdaptiveAvgPool2d)
      .Add("aten::cdist", &Cdist)
      .Add("aten::_cdist_forward", &Cdist)
      .Add("aten::argmax", &ArgExtreme<true>)
      .Add("aten::argmin", &ArgExtreme<false>)
      .Add("aten::layer_norm", &LayerNorm)
      .Add("aten::native_layer_norm", &NativeLayerNorm)
      .Add("aten::rms_norm", &RmsNorm);
  return r.status();
}

}  // namespace tandem::native
