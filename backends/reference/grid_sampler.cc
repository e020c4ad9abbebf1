// grid_sampler: an input read at the coordinates that a grid holds.
#include <algorithm>
#include <cmath>
#include <string>

#include "absl/strings/str_cat.h"
#include "tandem/backends/reference/rounded.h"
#include "tandem/backends/reference/upsample.h"
#include "tandem/backends/reference/variants.h"
#include "tandem/tensor/context.h"
#include "tandem/tensor/copy.h"
#include "tandem/tensor/status_macros.h"
#include "tandem/tensor/visit.h"

namespace tandem::reference {
namespace {

enum Interpolation : int64_t { kBilinear = 0, kNearest = 1, kBicubic = 2 };
enum Padding : int64_t { kZeros = 0, kBorder = 1, kReflection = 2 };

absl::Status Invalid(std::string text) {
  return absl::InvalidArgumentError(std::move(text));
}

std::string Sizes(const Tensor& input, const Tensor& grid) {
  return absl::StrCat("but got input with sizes ", DimsToString(input.sizes()),
                      " and grid with sizes ", DimsToString(grid.sizes()));
}

absl::Status BatchError(const Tensor& input, const Tensor& grid) {
  return Invalid(absl::StrCat(
      "grid_sampler(): expected grid and input to have same batch size, ",
      Sizes(input, grid)));
}

absl::Status Check(const Tensor& input, const Tensor& grid,
                   int64_t interpolation, int64_t padding, int64_t rank) {
  if (input.dim() != rank || grid.dim() != rank) {
    return Invalid(absl::StrCat("grid_sampler(): expected ", rank,
                                "D input and grid with same number of "
                                "dimensions, ",
                                Sizes(input, grid)));
  }
  if (input.size(0) != grid.size(0)) {
    return BatchError(input, grid);
  }
  if (grid.size(rank - 1) != rank - 2) {
    return Invalid(absl::StrCat("grid_sampler(): expected grid to have size ",
                                rank - 2,
                                " in last dimension, but got grid with sizes ",
                                DimsToString(grid.sizes())));
  }
  for (int64_t d = 2; d < rank; ++d) {
    if (input.size(d) == 0) {
      return Invalid(absl::StrCat(
          "grid_sampler(): expected input to have non-empty spatial "
          "dimensions, but input has sizes ",
          DimsToString(input.sizes()), " with dimension ", d, " being empty"));
    }
  }
  if (interpolation < kBilinear || interpolation > kBicubic ||
      padding < kZeros || padding > kReflection) {
    return Invalid(absl::StrCat("grid_sampler(): unknown interpolation mode ",
                                interpolation, " or padding mode ", padding));
  }
  if (input.dtype() != grid.dtype()) {
    return Invalid(absl::StrCat("expected scalar type ",
                                TypeName(input.dtype()), " but found ",
                                TypeName(grid.dtype())));
  }
  return absl::OkStatus();
}

// Every step in T, which may be a type that rounds.
template <typename T>
struct Coordinates {
  int64_t padding;
  bool align_corners;
  bool flat;  // two dims: PyTorch's vector kernel, which reflects otherwise

  T Unnormalize(T c, int64_t size) const {
    return align_corners ? (c + T(1)) / T(2) * T(double(size - 1))
                         : ((c + T(1)) * T(double(size)) - T(1)) / T(2);
  }
  // NaN becomes 0, as PyTorch's clip does.
  static T Clip(T c, int64_t size) {
    return std::min(T(double(size - 1)), std::max(T(0), c));
  }
  T Reflect(T c, int64_t size) const {
    using std::abs;
    using std::floor;
    using std::fmod;
    using std::trunc;
    const double twice_low = align_corners ? 0 : -1;
    const double twice_high =
        static_cast<double>(align_corners ? 2 * (size - 1) : 2 * size - 1);
    if (twice_low == twice_high) return T(0);
    const T least(twice_low / 2), span((twice_high - twice_low) / 2);
    c = abs(c - least);
    if (flat) {
      const T twice_span(twice_high - twice_low);
      const T extra = c - trunc(c / twice_span) * twice_span;
      return std::min(twice_span - extra, extra) + least;
    }
    const T extra = fmod(c, span);
    const T flips = floor(c / span);
    return fmod(flips, T(2)) == T(0) ? extra + least : span - extra + least;
  }
  T Pad(T c, int64_t size) const {
    if (padding == kBorder) return Clip(c, size);
    if (padding == kReflection) return Clip(Reflect(c, size), size);
    return c;
  }
  T Source(T c, int64_t size) const { return Pad(Unnormalize(c, size), size); }
};

// -1: outside.
template <typename T>
int64_t Inside(T c, int64_t size) {
  return c >= T(0) && c < T(double(size)) ? static_cast<int64_t>(c) : -1;
}

// Input offsets and weights for one output position; at most 8.
template <typename T>
struct Points {
  int count = 0;
  int64_t offset[8];
  T weight[8];
  void Add(int64_t at, T w) {
    offset[count] = at;
    weight[count++] = w;
  }
};

// Four places of each dim (-1: outside) and their weights.
template <typename T>
struct CubicPoints {
  int64_t index[3][4];
  T weight[3][4];
};

template <typename T>
void CubicWeights(T t, T* w) {
  const double a = -0.75;
  const auto near = [a](T x) {
    return ((T(a + 2) * x - T(a + 3)) * x) * x + T(1);
  };
  const auto far = [a](T x) {
    return ((T(a) * x - T(5 * a)) * x + T(8 * a)) * x - T(4 * a);
  };
  w[0] = far(t + T(1));
  w[1] = near(t);
  w[2] = near(T(1) - t);
  w[3] = far(T(2) - t);
}

// `in` holds the sizes of the spatial dims, `at` the grid's coordinates (x
// first).
template <typename T>
void FindCubicPoints(const Coordinates<T>& where, DimSpan in, const T* at,
                     CubicPoints<T>* points) {
  using std::floor;
  const int64_t rank = static_cast<int64_t>(in.size());
  for (int64_t d = 0; d < rank; ++d) {
    const T c = where.Unnormalize(at[rank - 1 - d], in[d]);
    const T low = floor(c);
    CubicWeights(c - low, points->weight[d]);
    for (int i = 0; i < 4; ++i) {
      points->index[d][i] = Inside(where.Pad(low + T(i - 1), in[d]), in[d]);
    }
  }
}

// The dims from `d` on summed up, the last one first.
template <typename T, typename E>
T SumCubic(const CubicPoints<T>& points, DimSpan in, size_t d, const E* from,
           int64_t offset) {
  T sum{};
  for (int i = 0; i < 4; ++i) {
    const int64_t index = points.index[d][i];
    const int64_t at =
        offset < 0 || index < 0 ? int64_t{-1} : offset * in[d] + index;
    const T value = d + 1 < in.size() ? SumCubic(points, in, d + 1, from, at)
                    : at < 0          ? T(0)
                                      : T(from[at]);
    const T term = value * points.weight[d][i];
    sum = i == 0 ? term : sum + term;
  }
  return sum;
}

template <typename T>
void FindPoints(const Coordinates<T>& where, int64_t interpolation, DimSpan in,
                const T* at, Points<T>* points) {
  using std::floor;
  using std::nearbyint;
  points->count = 0;
  const int64_t rank = static_cast<int64_t>(in.size());
  // Per dim one or two candidates.
  int64_t index[3][2];
  T weight[3][2];
  const int candidates = interpolation == kNearest ? 1 : 2;
  for (int64_t d = 0; d < rank; ++d) {
    const T c = where.Source(at[rank - 1 - d], in[d]);
    if (interpolation == kNearest) {
      index[d][0] = Inside(nearbyint(c), in[d]);
      weight[d][0] = T(1);
    } else {
      const T low = floor(c);
      index[d][0] = Inside(low, in[d]);
      index[d][1] = Inside(low + T(1), in[d]);
      weight[d][1] = c - low;
      weight[d][0] = where.flat ? T(1) - weight[d][1] : low + T(1) - c;
    }
  }
  const int combinations = 1 << (candidates == 2 ? rank : 0);
  for (int k = 0; k < combinations; ++k) {
    int64_t offset = 0;
    bool inside = true;
    for (int64_t d = 0; d < rank; ++d) {
      const int bit = (k >> (rank - 1 - d)) & 1;
      inside = inside && index[d][bit] >= 0;
      offset = offset * in[d] + index[d][bit];
    }
    if (!inside) continue;
    T w = weight[rank - 1][k & 1];
    for (int64_t d = rank - 1; d-- > 0;) {
      w = w * weight[d][(k >> (rank - 1 - d)) & 1];
    }
    points->Add(offset, w);
  }
}

// Computes in T on elements of E.
template <typename T, typename E>
absl::Status Sample(const Tensor& input, const Tensor& grid,
                    int64_t interpolation, const Coordinates<T>& where,
                    const Tensor& out) {
  const DimSpan in = input.sizes().subspan(2);
  const int64_t rank = static_cast<int64_t>(in.size());
  const int64_t channels = input.size(1);
  int64_t positions = 1, area = 1;
  for (int64_t d = 2; d < out.dim(); ++d) positions *= out.size(d);
  for (int64_t s : in) area *= s;
  return ParallelFor(
      input.size(0) * positions,
      std::max<int64_t>(1, 2048 / std::max<int64_t>(1, channels)),
      [&](int64_t begin, int64_t end) {
        Points<T> points;
        CubicPoints<T> cubic;
        for (int64_t j = begin; j < end; ++j) {
          const int64_t n = j / positions;
          T at[3];
          for (int64_t d = 0; d < rank; ++d) {
            at[d] = T(grid.data<E>()[j * rank + d]);
          }
          if (interpolation == kBicubic) {
            FindCubicPoints(where, in, at, &cubic);
          } else {
            FindPoints(where, interpolation, in, at, &points);
          }
          const E* from = input.data<E>() + n * channels * area;
          E* to = out.data<E>() + n * channels * positions + j % positions;
          for (int64_t c = 0; c < channels; ++c) {
            T sum{};
            if (interpolation == kBicubic) {
              sum = SumCubic(cubic, in, 0, from, 0);
            } else {
              for (int k = 0; k < points.count; ++k) {
                sum = sum + T(from[points.offset[k]]) * points.weight[k];
              }
            }
            *to = static_cast<E>(sum);
            from += area;
            to += positions;
          }
        }
      });
}

absl::StatusOr<Tensor> GridSamplerOfRank(const Tensor& input,
                                         const Tensor& grid,
                                         int64_t interpolation, int64_t padding,
                                         bool align_corners, int64_t rank) {
  TANDEM_RETURN_IF_ERROR(Check(input, grid, interpolation, padding, rank));
  const DType dtype = input.dtype();
  if (!IsFloatingPoint(dtype)) {
    return NotImplementedFor(
        rank == 4 ? "grid_sampler_2d_cpu_kernel_impl" : "grid_sampler3d_cpu",
        dtype);
  }
  const DType compute = dtype == DType::kDouble ? dtype : DType::kFloat;
  TANDEM_ASSIGN_OR_RETURN(const Tensor x, Contiguous(input, compute));
  TANDEM_ASSIGN_OR_RETURN(const Tensor g, Contiguous(grid, compute));
  Dims sizes = {input.size(0), input.size(1)};
  for (int64_t d = 1; d + 1 < rank; ++d) sizes.push_back(grid.size(d));
  TANDEM_ASSIGN_OR_RETURN(const Tensor out, Tensor::Empty(sizes, compute));
  if (out.numel() > 0) {
    const auto run = [&](auto number, auto element) {
      using T = decltype(number);
      return Sample<T, decltype(element)>(
          x, g, interpolation,
          Coordinates<T>{padding, align_corners, rank == 4}, out);
    };
    TANDEM_RETURN_IF_ERROR(dtype == DType::kDouble ? run(0.0, 0.0)
                           : dtype == DType::kHalf ? run(Rounded<Half>(), 0.0f)
                           : dtype == DType::kBFloat16
                               ? run(Rounded<BFloat16>(), 0.0f)
                               : run(0.0f, 0.0f));
  }
  return ToDType(out, dtype);
}

absl::StatusOr<Tensor> GridSampler2d(const Tensor& input, const Tensor& grid,
                                     int64_t interpolation, int64_t padding,
                                     bool align_corners) {
  return GridSamplerOfRank(input, grid, interpolation, padding, align_corners,
                           4);
}

absl::StatusOr<Tensor> GridSampler3d(const Tensor& input, const Tensor& grid,
                                     int64_t interpolation, int64_t padding,
                                     bool align_corners) {
  return GridSamplerOfRank(input, grid, interpolation, padding, align_corners,
                           5);
}

absl::StatusOr<Tensor> GridSampler(const Tensor& input, const Tensor& grid,
                                   int64_t interpolation, int64_t padding,
                                   bool align_corners) {
  if (input.dim() == 0 || grid.dim() == 0 || input.size(0) != grid.size(0)) {
    return BatchError(input, grid);
  }
  if (input.dim() != grid.dim() || (input.dim() != 4 && input.dim() != 5)) {
    return Invalid(absl::StrCat(
        "grid_sampler(): expected 4D or 5D input and grid with same number of "
        "dimensions, ",
        Sizes(input, grid)));
  }
  return GridSamplerOfRank(input, grid, interpolation, padding, align_corners,
                           input.dim());
}

// cuDNN's is bilinear with zeros outside and aligned corners.
absl::StatusOr<Tensor> CudnnGridSampler(const Tensor& self,
                                        const Tensor& grid) {
  return GridSampler(self, grid, kBilinear, kZeros, true);
}

}  // namespace

void AddGridSampler(KernelRegistrar& r) {
  r.Add("aten::grid_sampler", &GridSampler)
      .Add("aten::grid_sampler_2d", &GridSampler2d)
      .Add("aten::grid_sampler_2d.out", &Variants<&GridSampler2d>::OutExact)
      .Add("aten::_grid_sampler_2d_cpu_fallback", &GridSampler2d)
      .Add("aten::_grid_sampler_2d_cpu_fallback.out",
           &Variants<&GridSampler2d>::OutExact)
      .Add("aten::grid_sampler_3d", &GridSampler3d)
      .Add("aten::grid_sampler_3d.out", &Variants<&GridSampler3d>::OutExact)
      .Add("aten::cudnn_grid_sampler", &CudnnGridSampler)
      .Add("aten::cudnn_grid_sampler.out",
           &Variants<&CudnnGridSampler>::OutExact);
}

}  // namespace tandem::reference
