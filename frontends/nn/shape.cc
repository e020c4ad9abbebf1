#include "tandem/frontends/nn/shape.h"

#include <cmath>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "tandem/frontends/eager/operators.h"
#include "tandem/frontends/nn/repr.h"

namespace tandem::nn {

Flatten::Flatten(int64_t start, int64_t end) : start_dim(start), end_dim(end) {}
Tensor Flatten::forward(const Tensor& input) {
  return input.flatten(start_dim, end_dim);
}
std::string Flatten::extra_repr() const {
  return absl::StrCat("start_dim=", start_dim, ", end_dim=", end_dim);
}

Unflatten::Unflatten(int64_t d, const IntList& sizes)
    : dim(d), unflattened_size(sizes.ToDims()) {}
Tensor Unflatten::forward(const Tensor& input) {
  return input.unflatten(dim, unflattened_size);
}
std::string Unflatten::extra_repr() const {
  return absl::StrCat("dim=", dim,
                      ", unflattened_size=", Repr(unflattened_size));
}

#define TANDEM_PAD(NAME, RANK, CALL)                             \
  NAME::NAME(const IntList& p) : padding(Ntuple(p, 2 * RANK)) {} \
  Tensor NAME::forward(const Tensor& input) { return CALL; }     \
  std::string NAME::extra_repr() const { return Repr(padding); }
#define TANDEM_PADS(RANK)                                                    \
  TANDEM_PAD(ZeroPad##RANK##d, RANK,                                         \
             eager::pad(input, padding, "constant", 0.))                     \
  TANDEM_PAD(ReflectionPad##RANK##d, RANK,                                   \
             eager::pad(input, padding, "reflect"))                          \
  TANDEM_PAD(ReplicationPad##RANK##d, RANK,                                  \
             eager::pad(input, padding, "replicate"))                        \
  TANDEM_PAD(CircularPad##RANK##d, RANK,                                     \
             eager::pad(input, padding, "circular"))                         \
  ConstantPad##RANK##d::ConstantPad##RANK##d(const IntList& p, double v)     \
      : padding(Ntuple(p, 2 * RANK)), value(v) {}                            \
  Tensor ConstantPad##RANK##d::forward(const Tensor& input) {                \
    return eager::pad(input, padding, "constant", value);                    \
  }                                                                          \
  std::string ConstantPad##RANK##d::extra_repr() const {                     \
    return absl::StrCat("padding=", Repr(padding), ", value=", Repr(value)); \
  }
TANDEM_PADS(1)
TANDEM_PADS(2)
TANDEM_PADS(3)
#undef TANDEM_PADS
#undef TANDEM_PAD

PixelShuffle::PixelShuffle(int64_t f) : upscale_factor(f) {}
Tensor PixelShuffle::forward(const Tensor& input) {
  return eager::pixel_shuffle(input, upscale_factor);
}
std::string PixelShuffle::extra_repr() const {
  return absl::StrCat("upscale_factor=", upscale_factor);
}

PixelUnshuffle::PixelUnshuffle(int64_t f) : downscale_factor(f) {}
Tensor PixelUnshuffle::forward(const Tensor& input) {
  return eager::pixel_unshuffle(input, downscale_factor);
}
std::string PixelUnshuffle::extra_repr() const {
  return absl::StrCat("downscale_factor=", downscale_factor);
}

ChannelShuffle::ChannelShuffle(int64_t g) : groups(g) {}
Tensor ChannelShuffle::forward(const Tensor& input) {
  return eager::channel_shuffle(input, groups);
}
std::string ChannelShuffle::extra_repr() const {
  return absl::StrCat("groups=", groups);
}

Unfold::Unfold(const IntList& kernel, const FoldOptions& o)
    : kernel_size(kernel), options(o) {}
Tensor Unfold::forward(const Tensor& input) {
  return eager::im2col(input, kernel_size, options.dilation, options.padding,
                       options.stride);
}
std::string Unfold::extra_repr() const {
  return absl::StrCat(
      "kernel_size=", Repr(kernel_size), ", dilation=", Repr(options.dilation),
      ", padding=", Repr(options.padding), ", stride=", Repr(options.stride));
}

Fold::Fold(const IntList& size, const IntList& kernel, const FoldOptions& o)
    : output_size(size), kernel_size(kernel), options(o) {}
Tensor Fold::forward(const Tensor& input) {
  return eager::col2im(input, output_size, kernel_size, options.dilation,
                       options.padding, options.stride);
}
std::string Fold::extra_repr() const {
  return absl::StrCat(
      "output_size=", Repr(output_size), ", kernel_size=", Repr(kernel_size),
      ", dilation=", Repr(options.dilation),
      ", padding=", Repr(options.padding), ", stride=", Repr(options.stride));
}

Upsample::Upsample(UpsampleOptions o) : options(std::move(o)) {}
Tensor Upsample::forward(const Tensor& input) {
  return interpolate(input, options);
}
std::string Upsample::extra_repr() const {
  std::string s;
  if (!options.scale_factor.empty()) {
    if (options.scale_factor.size() == 1) {
      s = absl::StrCat("scale_factor=", Repr(options.scale_factor[0]));
    } else {
      s = absl::StrCat(
          "scale_factor=(",
          absl::StrJoin(options.scale_factor, ", ",
                        [](std::string* out, double d) { *out += Repr(d); }),
          ")");
    }
  } else if (options.size.has_value()) {
    s = absl::StrCat("size=", Repr(*options.size));
  }
  return absl::StrCat(s, ", mode=", Repr(options.mode));
}

Tensor interpolate(const Tensor& input, const UpsampleOptions& o) {
  const bool nearest =
      o.mode == "nearest" || o.mode == "nearest-exact" || o.mode == "area";
  if (nearest && o.align_corners.has_value()) {
    eager::Throw(
        "align_corners option can only be set with the interpolating modes: "
        "linear | bilinear | bicubic | trilinear");
  }
  const int64_t rank = static_cast<int64_t>(input.dim()) - 2;
  if (rank < 1 || rank > 3) {
    eager::Throw(absl::StrCat(
        "Input Error: Only 3D, 4D and 5D input Tensors supported (got ",
        rank + 2,
        "D) for the modes: nearest | linear | bilinear | bicubic | "
        "trilinear | area | nearest-exact (got ",
        o.mode, ")"));
  }
  if (o.size.has_value() == !o.scale_factor.empty()) {
    eager::Throw(o.size ? "only one of size or scale_factor should be defined"
                        : "either size or scale_factor should be defined");
  }
  const bool align = o.align_corners.value_or(false);
  eager::OptionalIntList size;
  eager::OptionalFloatList scales;
  if (o.size.has_value()) {
    size = IntList(Ntuple(*o.size, rank));
  } else {
    std::vector<double> factors = o.scale_factor;
    if (factors.size() == 1) factors.resize(rank, factors[0]);
    if (static_cast<int64_t>(factors.size()) != rank) {
      eager::Throw(absl::StrCat(
          "Input and scale_factor must have the same number of spatial "
          "dimensions, but got input with spatial dimensions of ",
          rank, " and ", factors.size(), " scale factors"));
    }
    if (o.recompute_scale_factor || o.mode == "area") {
      Dims sizes;
      for (int64_t d = 0; d < rank; ++d) {
        sizes.push_back(static_cast<int64_t>(std::floor(
            static_cast<double>(static_cast<int64_t>(input.size(d + 2))) *
            factors[d])));
      }
      size = IntList(sizes);
    } else {
      scales = factors;
    }
  }
  if (o.mode == "nearest") {
    return rank == 1   ? eager::upsample_nearest1d(input, size, scales)
           : rank == 2 ? eager::upsample_nearest2d(input, size, scales)
                       : eager::upsample_nearest3d(input, size, scales);
  }
  if (o.mode == "nearest-exact") {
    return rank == 1   ? eager::_upsample_nearest_exact1d(input, size, scales)
           : rank == 2 ? eager::_upsample_nearest_exact2d(input, size, scales)
                       : eager::_upsample_nearest_exact3d(input, size, scales);
  }
  if (o.mode == "area") {
    return rank == 1   ? eager::adaptive_avg_pool1d(input, *size)
           : rank == 2 ? eager::adaptive_avg_pool2d(input, *size)
                       : eager::adaptive_avg_pool3d(input, *size);
  }
  if (o.mode == "linear" && rank == 1) {
    return eager::upsample_linear1d(input, size, align, scales);
  }
  if (o.mode == "bilinear" && rank == 2) {
    return eager::upsample_bilinear2d(input, size, align, scales);
  }
  if (o.mode == "bicubic" && rank == 2) {
    return eager::upsample_bicubic2d(input, size, align, scales);
  }
  if (o.mode == "trilinear" && rank == 3) {
    return eager::upsample_trilinear3d(input, size, align, scales);
  }
  eager::Throw(absl::StrCat("Got ", rank + 2, "D input, but ", o.mode,
                            " mode needs another"));
}

CosineSimilarity::CosineSimilarity(int64_t d, double e) : dim(d), eps(e) {}
Tensor CosineSimilarity::forward(const Tensor& x1, const Tensor& x2) {
  return eager::cosine_similarity(x1, x2, dim, eps);
}

PairwiseDistance::PairwiseDistance(double p, double e, bool keep)
    : norm(p), eps(e), keepdim(keep) {}
Tensor PairwiseDistance::forward(const Tensor& x1, const Tensor& x2) {
  return eager::pairwise_distance(x1, x2, norm, eps, keepdim);
}

}  // namespace tandem::nn
