// Nearest, linear, cubic and antialiased upsampling, all overloads.
#include "tandem/backends/reference/upsample.h"

#include <string>

#include "absl/strings/str_cat.h"
#include "tandem/backends/reference/families.h"
#include "tandem/backends/reference/memory_format.h"
#include "tandem/backends/reference/quantize.h"
#include "tandem/backends/reference/variants.h"
#include "tandem/tensor/status_macros.h"
#include "tandem/tensor/visit.h"

namespace tandem::reference {
namespace {

using Ints = absl::Span<const int64_t>;
using OptionalInts = std::optional<absl::Span<const int64_t>>;
using OptionalDoubles = std::optional<absl::Span<const double>>;
using Scale = std::optional<double>;
using Filter = ResampleFilter;

absl::Status Invalid(std::string text) {
  return absl::InvalidArgumentError(std::move(text));
}

// "(H: 2, W: 3)"
std::string Named(DimSpan sizes) {
  static constexpr const char* kNames[] = {"D: ", "H: ", "W: "};
  std::string text = "(";
  for (size_t i = 0; i < sizes.size(); ++i) {
    absl::StrAppend(&text, i == 0 ? "" : ", ", kNames[3 - sizes.size() + i],
                    sizes[i]);
  }
  return text + ")";
}

absl::Status CheckSizes(const Tensor& input, DimSpan output_size,
                        size_t spatial) {
  if (output_size.size() != spatial) {
    return Invalid(absl::StrCat("It is expected output_size equals to ",
                                spatial, ", but got size ",
                                output_size.size()));
  }
  if (input.dim() != static_cast<int64_t>(spatial) + 2) {
    return Invalid(absl::StrCat("It is expected input_size equals to ",
                                spatial + 2, ", but got size ", input.dim()));
  }
  const DimSpan in = input.sizes().subspan(2);
  for (size_t i = 0; i < spatial; ++i) {
    if (in[i] <= 0 || output_size[i] <= 0) {
      return Invalid(absl::StrCat(
          "Input and output sizes should be greater than 0, but got input ",
          Named(in), spatial == 1 ? " and output " : " output ",
          Named(output_size)));
    }
  }
  bool empty = false;
  for (int64_t d = 1; d < input.dim(); ++d) {
    empty = empty || input.size(d) == 0;
  }
  if (empty) {
    return Invalid(absl::StrCat("Non-empty ", spatial + 2,
                                "D data tensor expected but got a tensor with "
                                "sizes ",
                                DimsToString(input.sizes())));
  }
  return absl::OkStatus();
}

// The operators of one filter.
template <Filter F, bool AA = false>
struct Op {
  static ResampleOptions Options(bool align_corners) {
    return {F, align_corners, AA};
  }
  // What PyTorch names in errors about dtypes.
  static constexpr absl::string_view kName =
      AA ? "compute_index_ranges_weights"
      : F == Filter::kNearest || F == Filter::kNearestExact
          ? "compute_indices_weights_nearest"
      : F == Filter::kCubic ? "compute_indices_weights_cubic"
                            : "compute_indices_weights_linear";

  static absl::StatusOr<Tensor> Plain1(const Tensor& self, Ints size, Scale w) {
    TANDEM_RETURN_IF_ERROR(CheckSizes(self, size, 1));
    return Upsample(self, size, {w}, Options(false), kName);
  }
  static absl::StatusOr<Tensor> Plain2(const Tensor& self, Ints size, Scale h,
                                       Scale w) {
    TANDEM_RETURN_IF_ERROR(CheckSizes(self, size, 2));
    return Upsample(self, size, {h, w}, Options(false), kName);
  }
  static absl::StatusOr<Tensor> Plain3(const Tensor& self, Ints size, Scale d,
                                       Scale h, Scale w) {
    TANDEM_RETURN_IF_ERROR(CheckSizes(self, size, 3));
    return Upsample(self, size, {d, h, w}, Options(false), kName);
  }
  static absl::StatusOr<Tensor> Aligned1(const Tensor& self, Ints size,
                                         bool align, Scale w) {
    TANDEM_RETURN_IF_ERROR(CheckSizes(self, size, 1));
    return Upsample(self, size, {w}, Options(align), kName);
  }
  static absl::StatusOr<Tensor> Aligned2(const Tensor& self, Ints size,
                                         bool align, Scale h, Scale w) {
    TANDEM_RETURN_IF_ERROR(CheckSizes(self, size, 2));
    return Upsample(self, size, {h, w}, Options(align), kName);
  }
  static absl::StatusOr<Tensor> Aligned3(const Tensor& self, Ints size,
                                         bool align, Scale d, Scale h,
                                         Scale w) {
    TANDEM_RETURN_IF_ERROR(CheckSizes(self, size, 3));
    return Upsample(self, size, {d, h, w}, Options(align), kName);
  }
  template <int N>
  static absl::StatusOr<Tensor> Vec(const Tensor& input, OptionalInts size,
                                    OptionalDoubles factors) {
    return UpsampleBy(input, size, factors, N, Options(false), kName);
  }
  template <int N>
  static absl::StatusOr<Tensor> AlignedVec(const Tensor& input,
                                           OptionalInts size, bool align,
                                           OptionalDoubles factors) {
    return UpsampleBy(input, size, factors, N, Options(align), kName);
  }
};

template <auto Plain, auto Vec>
void AddOverloads(KernelRegistrar& r, const std::string& name) {
  r.Add(name, Plain)
      .Add(name + ".out", &Variants<Plain>::OutExact)
      .Add(name + ".vec", Vec);
}

}  // namespace

absl::StatusOr<Tensor> Upsample(const Tensor& input, DimSpan output_size,
                                absl::Span<const std::optional<double>> scales,
                                const ResampleOptions& options,
                                absl::string_view name) {
  TANDEM_RETURN_IF_ERROR(CheckSizes(input, output_size, output_size.size()));
  const bool weighted = options.filter != Filter::kNearest &&
                        options.filter != Filter::kNearestExact;
  if (input.is_quantized() && weighted) {
    if (options.filter != Filter::kLinear || options.antialias ||
        output_size.size() != 2) {
      return NotImplementedFor(name, input.dtype());
    }
    TANDEM_ASSIGN_OR_RETURN(const Tensor real, Dequantize(input));
    TANDEM_ASSIGN_OR_RETURN(const Tensor result,
                            Resample(real, output_size, scales, options, name));
    return QuantizeAs(result, input);
  }
  // Small results and wide channels-last inputs have kernels of other names.
  if (output_size.size() == 2 && !options.antialias &&
      options.filter != Filter::kCubic &&
      ((input.is_contiguous(MemoryFormat::kChannelsLast) &&
        input.size(1) > 3) ||
       output_size[0] <= 128 - output_size[1])) {
    name = weighted ? "upsample_bilinear2d_channels_last"
                    : "upsample_nearest2d_channels_last";
  }
  if (options.antialias &&
      (input.dtype() == DType::kHalf || input.dtype() == DType::kBFloat16)) {
    return NotImplementedFor(name, input.dtype());
  }
  return Resample(input, output_size, scales, options, name);
}

absl::StatusOr<Tensor> UpsampleBy(
    const Tensor& input, std::optional<absl::Span<const int64_t>> output_size,
    std::optional<absl::Span<const double>> scale_factors, int64_t spatial,
    const ResampleOptions& options, absl::string_view name) {
  if (output_size.has_value() == scale_factors.has_value()) {
    return Invalid("Must specify exactly one of output_size and scale_factors");
  }
  Dims sizes;
  std::vector<std::optional<double>> scales(spatial);
  const int64_t rank = input.dim() - 2;
  if (output_size.has_value()) {
    sizes.assign(output_size->begin(), output_size->end());
    if (rank >= 0 && static_cast<int64_t>(sizes.size()) != rank) {
      return Invalid(
          "Expected static_cast<int64_t>(output_size->size()) == "
          "spatial_dimensions to be true, but got false.");
    }
  } else {
    if (static_cast<int64_t>(scale_factors->size()) != rank) {
      return Invalid(
          "Expected static_cast<int64_t>(scale_factors->size()) == "
          "spatial_dimensions to be true, but got false.");
    }
    for (int64_t i = 0; i < rank; ++i) {
      const double s = (*scale_factors)[i];
      sizes.push_back(
          SaturatingToInt64(static_cast<double>(input.size(i + 2)) * s));
      if (i < spatial) scales[i] = s;
    }
  }
  TANDEM_RETURN_IF_ERROR(CheckSizes(input, sizes, spatial));
  return Upsample(input, sizes, scales, options, name);
}

void AddUpsampleOverloads(KernelRegistrar& r) {
  using Nearest = Op<Filter::kNearest>;
  using Exact = Op<Filter::kNearestExact>;
  using Linear = Op<Filter::kLinear>;
  using Cubic = Op<Filter::kCubic>;
  using LinearAA = Op<Filter::kLinear, true>;
  using CubicAA = Op<Filter::kCubic, true>;
  using Lanczos = Op<Filter::kLanczos, true>;
  AddOverloads<&Nearest::Plain1, &Nearest::Vec<1>>(r,
                                                   "aten::upsample_nearest1d");
  AddOverloads<&Nearest::Plain2, &Nearest::Vec<2>>(r,
                                                   "aten::upsample_nearest2d");
  AddOverloads<&Nearest::Plain3, &Nearest::Vec<3>>(r,
                                                   "aten::upsample_nearest3d");
  AddOverloads<&Exact::Plain1, &Exact::Vec<1>>(
      r, "aten::_upsample_nearest_exact1d");
  AddOverloads<&Exact::Plain2, &Exact::Vec<2>>(
      r, "aten::_upsample_nearest_exact2d");
  AddOverloads<&Exact::Plain3, &Exact::Vec<3>>(
      r, "aten::_upsample_nearest_exact3d");
  AddOverloads<&Linear::Aligned1, &Linear::AlignedVec<1>>(
      r, "aten::upsample_linear1d");
  AddOverloads<&Linear::Aligned2, &Linear::AlignedVec<2>>(
      r, "aten::upsample_bilinear2d");
  AddOverloads<&Linear::Aligned3, &Linear::AlignedVec<3>>(
      r, "aten::upsample_trilinear3d");
  AddOverloads<&Cubic::Aligned2, &Cubic::AlignedVec<2>>(
      r, "aten::upsample_bicubic2d");
  AddOverloads<&LinearAA::Aligned2, &LinearAA::AlignedVec<2>>(
      r, "aten::_upsample_bilinear2d_aa");
  AddOverloads<&CubicAA::Aligned2, &CubicAA::AlignedVec<2>>(
      r, "aten::_upsample_bicubic2d_aa");
  AddOverloads<&Lanczos::Aligned2, &Lanczos::AlignedVec<2>>(
      r, "aten::_upsample_lanczos2d_aa");
  r.Add("aten::upsample_nearest2d.vec_out",
        &Variants<&Nearest::Vec<2>>::OutExact)
      .Add("aten::upsample_bilinear2d.vec_out",
           &Variants<&Linear::AlignedVec<2>>::OutExact);
}

absl::Status RegisterUpsample(Registry& registry) {
  KernelRegistrar r(registry, "reference");
  AddUpsampleOverloads(r);
  AddInterpolate(r);
  AddGridSampler(r);
  AddAffineGrid(r);
  return r.status();
}

}  // namespace tandem::reference
