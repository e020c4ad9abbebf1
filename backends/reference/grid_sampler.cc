// grid_sampler: an input read at the coordinates that a grid holds.
#include <algorithm>
#include <cmath>
#include <string>

#include "absl/strings/str_cat.h"
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
  if (rank == 5 && interpolation == kBicubic) {
    return Invalid(
        "grid_sampler(): bicubic interpolation only supports 4D input");
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

template <typename T>
struct Coordinates {
  int64_t padding;
  bool align_corners;

  T Unnormalize(T c, int64_t size) const {
    return align_corners ? (c + 1) / 2 * static_cast<T>(size - 1)
                         : ((c + 1) * static_cast<T>(size) - 1) / 2;
  }
  // NaN becomes 0, as PyTorch's clip does.
  static T Clip(T c, int64_t size) {
    return std::min(static_cast<T>(size - 1), std::max(T(0), c));
  }
  T Reflect(T c, int64_t size) const {
    const T twice_low = align_corners ? T(0) : T(-1);
    const T twice_high =
        static_cast<T>(align_corners ? 2 * (size - 1) : 2 * size - 1);
    if (twice_low == twice_high) return 0;
    const T least = twice_low / 2;
    const T span = (twice_high - twice_low) / 2;
    c = std::abs(c - least);
    const T extra = std::fmod(c, span);
    const T flips = std::floor(c / span);
    return std::fmod(flips, T(2)) == 0 ? extra + least : span - extra + least;
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
  return c >= 0 && c < static_cast<T>(size) ? static_cast<int64_t>(c) : -1;
}

// Input offsets and weights for one output position; at most 16.
template <typename T>
struct Points {
  int count = 0;
  int64_t offset[16];
  T weight[16];
  void Add(int64_t at, T w) {
    offset[count] = at;
    weight[count++] = w;
  }
};

template <typename T>
void CubicWeights(T t, T* w) {
  const T a = T(-0.75);
  const auto near = [a](T x) { return ((a + 2) * x - (a + 3)) * x * x + 1; };
  const auto far = [a](T x) {
    return ((a * x - 5 * a) * x + 8 * a) * x - 4 * a;
  };
  w[0] = far(t + 1);
  w[1] = near(t);
  w[2] = near(1 - t);
  w[3] = far(2 - t);
}

// `in` holds the sizes of the spatial dims, `at` the grid's coordinates (x
// first).
template <typename T>
void FindPoints(const Coordinates<T>& where, int64_t interpolation, DimSpan in,
                const T* at, Points<T>* points) {
  points->count = 0;
  const int64_t rank = static_cast<int64_t>(in.size());
  if (interpolation == kBicubic) {
    const T x = where.Unnormalize(at[0], in[1]);
    const T y = where.Unnormalize(at[1], in[0]);
    const T x0 = std::floor(x), y0 = std::floor(y);
    T wx[4], wy[4];
    CubicWeights(x - x0, wx);
    CubicWeights(y - y0, wy);
    for (int i = 0; i < 4; ++i) {
      const int64_t iy = Inside(where.Pad(y0 + T(i - 1), in[0]), in[0]);
      for (int j = 0; j < 4; ++j) {
        const int64_t ix = Inside(where.Pad(x0 + T(j - 1), in[1]), in[1]);
        if (ix >= 0 && iy >= 0) points->Add(iy * in[1] + ix, wy[i] * wx[j]);
      }
    }
    return;
  }
  // Per dim one or two candidates.
  int64_t index[3][2];
  T weight[3][2];
  const int candidates = interpolation == kNearest ? 1 : 2;
  for (int64_t d = 0; d < rank; ++d) {
    const T c = where.Source(at[rank - 1 - d], in[d]);
    if (interpolation == kNearest) {
      index[d][0] = Inside(std::nearbyint(c), in[d]);
      weight[d][0] = 1;
    } else {
      const T low = std::floor(c);
      index[d][0] = Inside(low, in[d]);
      index[d][1] = Inside(low + 1, in[d]);
      weight[d][1] = c - low;
      weight[d][0] = low + 1 - c;
    }
  }
  const int combinations = 1 << (candidates == 2 ? rank : 0);
  for (int k = 0; k < combinations; ++k) {
    int64_t offset = 0;
    T w = 1;
    bool inside = true;
    for (int64_t d = 0; d < rank; ++d) {
      const int bit = (k >> (rank - 1 - d)) & 1;
      inside = inside && index[d][bit] >= 0;
      offset = offset * in[d] + index[d][bit];
      w *= weight[d][bit];
    }
    if (inside) points->Add(offset, w);
  }
}

template <typename T>
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
        for (int64_t j = begin; j < end; ++j) {
          const int64_t n = j / positions;
          FindPoints(where, interpolation, in, grid.data<T>() + j * rank,
                     &points);
          const T* from = input.data<T>() + n * channels * area;
          T* to = out.data<T>() + n * channels * positions + j % positions;
          for (int64_t c = 0; c < channels; ++c) {
            T sum = 0;
            for (int k = 0; k < points.count; ++k) {
              sum += points.weight[k] * from[points.offset[k]];
            }
            *to = sum;
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
    TANDEM_RETURN_IF_ERROR(
        compute == DType::kDouble
            ? Sample<double>(x, g, interpolation, {padding, align_corners}, out)
            : Sample<float>(x, g, interpolation, {padding, align_corners},
                            out));
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
