// affine_grid_generator, and the interpolation of old programs.
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "tandem/backends/reference/upsample.h"
#include "tandem/backends/reference/variants.h"
#include "tandem/tensor/context.h"
#include "tandem/tensor/copy.h"
#include "tandem/tensor/status_macros.h"
#include "tandem/tensor/visit.h"

namespace tandem::reference {
namespace {

absl::Status Invalid(std::string text) {
  return absl::InvalidArgumentError(std::move(text));
}

// The center of element i of n on [-1, 1].
double Step(int64_t i, int64_t n, bool align_corners) {
  if (n <= 1) return 0;
  const double at =
      -1.0 + 2.0 * static_cast<double>(i) / static_cast<double>(n - 1);
  return align_corners
             ? at
             : at * static_cast<double>(n - 1) / static_cast<double>(n);
}

template <typename T>
absl::Status FillGrid(const T* theta, DimSpan out, bool align_corners, T* to) {
  const int64_t rank = static_cast<int64_t>(out.size()) - 2;
  int64_t positions = 1;
  for (int64_t d = 1; d <= rank; ++d) positions *= out[d];
  return ParallelFor(out[0] * positions, 4096, [&](int64_t begin, int64_t end) {
    for (int64_t j = begin; j < end; ++j) {
      const T* m = theta + j / positions * rank * (rank + 1);
      T at[3];
      int64_t rest = j % positions;
      for (int64_t d = rank; d > 0; --d) {  // x varies fastest
        at[rank - d] =
            static_cast<T>(Step(rest % out[d], out[d], align_corners));
        rest /= out[d];
      }
      for (int64_t r = 0; r < rank; ++r) {
        T sum = m[r * (rank + 1) + rank];
        for (int64_t k = 0; k < rank; ++k) {
          sum += m[r * (rank + 1) + k] * at[k];
        }
        to[j * rank + r] = sum;
      }
    }
  });
}

absl::StatusOr<Tensor> AffineGrid(const Tensor& theta,
                                  absl::Span<const int64_t> size,
                                  bool align_corners) {
  if (size.size() != 4 && size.size() != 5) {
    return Invalid(
        "AffineGridGenerator needs 4d (spatial) or 5d (volumetric) "
        "inputs.");
  }
  const int64_t rank = static_cast<int64_t>(size.size()) - 2;
  if (theta.dim() != 3 || theta.size(0) != size[0] || theta.size(1) != rank ||
      theta.size(2) != rank + 1) {
    return Invalid(absl::StrCat("Expected a batch of ", rank,
                                "D affine matrices of shape Nx", rank, "x",
                                rank + 1, " for size ", DimsToString(size),
                                ". Got ", DimsToString(theta.sizes()), "."));
  }
  if (!IsFloatingPoint(theta.dtype())) {
    return Invalid("Expected theta to have floating point type, but got " +
                   std::string(PythonName(theta.dtype())));
  }
  Dims sizes = {size[0]};
  for (int64_t d = 2; d < rank + 2; ++d) sizes.push_back(size[d]);
  sizes.push_back(rank);
  const DType compute =
      theta.dtype() == DType::kDouble ? DType::kDouble : DType::kFloat;
  TANDEM_ASSIGN_OR_RETURN(const Tensor m, Contiguous(theta, compute));
  TANDEM_ASSIGN_OR_RETURN(const Tensor out, Tensor::Empty(sizes, compute));
  if (out.numel() > 0) {
    TANDEM_RETURN_IF_ERROR(compute == DType::kDouble
                               ? FillGrid(m.data<double>(), out.sizes(),
                                          align_corners, out.data<double>())
                               : FillGrid(m.data<float>(), out.sizes(),
                                          align_corners, out.data<float>()));
  }
  return ToDType(out, theta.dtype());
}

absl::StatusOr<Tensor> CudnnAffineGrid(const Tensor& theta, int64_t n,
                                       int64_t c, int64_t h, int64_t w) {
  return AffineGrid(theta, {n, c, h, w}, true);
}

// ---- aten::__interpolate and __upsample*: int or list, number or list

std::vector<double> Numbers(const IValue& v) {
  std::vector<double> numbers;
  if (v.is_list()) {
    for (const IValue& e : v.AsList().values) {
      numbers.push_back(e.AsScalar().ToDouble());
    }
  } else if (v.is_scalar()) {
    numbers.push_back(v.AsScalar().ToDouble());
  }
  return numbers;
}

absl::StatusOr<Tensor> Interpolate(const Tensor& input, const IValue& size,
                                   const IValue& scale_factor,
                                   absl::string_view mode, bool align_corners,
                                   bool recompute, bool antialias) {
  const int64_t spatial = input.dim() - 2;
  if (spatial < 1 || spatial > 3) {
    return Invalid(absl::StrCat(
        "Input Error: Only 3D, 4D and 5D input Tensors supported (got ",
        input.dim(),
        "D) for the modes: nearest | linear | bilinear | bicubic "
        "| trilinear | area | nearest-exact (got ",
        mode, ")"));
  }
  std::vector<double> sizes = Numbers(size);
  std::vector<double> scales = Numbers(scale_factor);
  if (sizes.empty() == scales.empty()) {
    return Invalid(sizes.empty()
                       ? "either size or scale_factor should be defined"
                       : "only one of size or scale_factor should be defined");
  }
  if (sizes.size() == 1) sizes.resize(spatial, sizes[0]);
  if (scales.size() == 1) scales.resize(spatial, scales[0]);
  if (static_cast<int64_t>(std::max(sizes.size(), scales.size())) != spatial) {
    return Invalid(
        "Input and output must have the same number of spatial "
        "dimensions");
  }
  Dims out;
  std::vector<std::optional<double>> given(spatial);
  for (int64_t d = 0; d < spatial; ++d) {
    if (!sizes.empty()) {
      out.push_back(SaturatingToInt64(sizes[d]));
    } else {
      out.push_back(SaturatingToInt64(static_cast<double>(input.size(d + 2)) *
                                      scales[d]));
      if (!recompute) given[d] = scales[d];
    }
  }
  ResampleOptions options;
  options.align_corners = align_corners;
  options.antialias = antialias;
  static constexpr const char* kLinear[] = {"linear", "bilinear", "trilinear"};
  if (mode == "nearest") {
    options.filter = ResampleFilter::kNearest;
  } else if (mode == "nearest-exact") {
    options.filter = ResampleFilter::kNearestExact;
  } else if (mode == kLinear[spatial - 1]) {
    options.filter = ResampleFilter::kLinear;
  } else if (mode == "bicubic" && spatial == 2) {
    options.filter = ResampleFilter::kCubic;
  } else {
    return Invalid(absl::StrCat("Input Error: ", input.dim(),
                                "D input does not go with mode ", mode));
  }
  return Upsample(input, out, given, options, "compute_indices_weights_linear");
}

bool True(const IValue& v) { return v.is_bool() && v.AsBool(); }

absl::Status BoxedInterpolate(const KernelCall& call) {
  TANDEM_ASSIGN_OR_RETURN(
      Tensor result, Interpolate(call.in(0).AsTensor(), call.in(1), call.in(2),
                                 call.in(3).AsString(), True(call.in(4)),
                                 True(call.in(5)), True(call.in(6))));
  call.out(0) = IValue(std::move(result));
  return absl::OkStatus();
}

absl::Status BoxedUpsample(const KernelCall& call) {
  TANDEM_ASSIGN_OR_RETURN(
      Tensor result,
      Interpolate(call.in(0).AsTensor(), call.in(1), call.in(2),
                  call.in(3).AsString(), True(call.in(4)), false, false));
  call.out(0) = IValue(std::move(result));
  return absl::OkStatus();
}

template <bool kBilinear>
absl::Status BoxedUpsampleOf(const KernelCall& call) {
  TANDEM_ASSIGN_OR_RETURN(
      Tensor result,
      Interpolate(call.in(0).AsTensor(), call.in(1), call.in(2),
                  kBilinear ? "bilinear" : "nearest", kBilinear, false, false));
  call.out(0) = IValue(std::move(result));
  return absl::OkStatus();
}

}  // namespace

void AddInterpolate(KernelRegistrar& r) {
  for (const char* overload :
       {"", ".scale_list", ".size_list", ".size_list_scale_list"}) {
    r.AddBoxed(absl::StrCat("aten::__interpolate", overload),
               &BoxedInterpolate);
    r.AddBoxed(absl::StrCat("aten::__upsample_bilinear", overload),
               &BoxedUpsampleOf<true>);
  }
  for (const char* overload : {"", ".size_list"}) {
    r.AddBoxed(absl::StrCat("aten::__upsample", overload), &BoxedUpsample);
    r.AddBoxed(absl::StrCat("aten::__upsample_nearest", overload),
               &BoxedUpsampleOf<false>);
  }
}

void AddAffineGrid(KernelRegistrar& r) {
  r.Add("aten::affine_grid_generator", &AffineGrid)
      .Add("aten::affine_grid_generator.out", &Variants<&AffineGrid>::OutExact)
      .Add("aten::cudnn_affine_grid_generator", &CudnnAffineGrid)
      .Add("aten::cudnn_affine_grid_generator.out",
           &Variants<&CudnnAffineGrid>::OutExact);
}

}  // namespace tandem::reference
