// Pooling of regions of interest: rows of (batch index, x1, y1, x2, y2).
#include <algorithm>
#include <cfloat>
#include <cmath>
#include <string>
#include <tuple>
#include <vector>

#include "absl/strings/str_cat.h"
#include "tandem/backends/reference/vision.h"
#include "tandem/tensor/context.h"
#include "tandem/tensor/copy.h"
#include "tandem/tensor/status_macros.h"
#include "tandem/tensor/visit.h"

namespace tandem::reference {
namespace {

using Pair = absl::StatusOr<std::tuple<Tensor, Tensor>>;

absl::Status Invalid(std::string text) {
  return absl::InvalidArgumentError(std::move(text));
}

// A region's batch, checked; its corners.
template <typename T>
struct Roi {
  int64_t batch;
  T x1, y1, x2, y2;
};

// Inputs in the compute type, checked.
template <typename T>
struct Regions {
  Tensor input, rois;
  int64_t channels, height, width, count;
  Roi<T> at(int64_t i) const {
    const T* r = rois.data<T>() + 5 * i;
    return {static_cast<int64_t>(r[0]), r[1], r[2], r[3], r[4]};
  }
  const T* plane(int64_t batch, int64_t channel) const {
    return input.data<T>() + (batch * channels + channel) * height * width;
  }
};

absl::Status CheckRegions(const Tensor& input, const Tensor& rois,
                          int64_t pooled_height, int64_t pooled_width,
                          absl::string_view name) {
  if (rois.dim() != 2 || rois.size(1) != 5) {
    return Invalid("rois must have shape as Tensor[K, 5]");
  }
  if (input.dim() != 4) {
    return Invalid(absl::StrCat(
        "Dimension out of range (expected to be in range of [", -input.dim(),
        ", ", input.dim() - 1, "], but got ", input.dim(), ")"));
  }
  if (input.dtype() != rois.dtype()) {
    return Invalid("input should have the same type as rois");
  }
  if (input.dtype() != DType::kFloat && input.dtype() != DType::kDouble &&
      input.dtype() != DType::kHalf) {
    return NotImplementedFor(name, input.dtype());
  }
  if (pooled_height < 0 || pooled_width < 0) {
    return Invalid(
        absl::StrCat("Trying to create tensor with negative dimension ",
                     std::min(pooled_height, pooled_width)));
  }
  return absl::OkStatus();
}

template <typename T>
absl::StatusOr<Regions<T>> Load(const Tensor& input, const Tensor& rois) {
  Regions<T> r;
  TANDEM_ASSIGN_OR_RETURN(r.input, Contiguous(input, DTypeOf<T>::value));
  TANDEM_ASSIGN_OR_RETURN(r.rois, Contiguous(rois, DTypeOf<T>::value));
  r.channels = input.size(1);
  r.height = input.size(2);
  r.width = input.size(3);
  r.count = rois.size(0);
  for (int64_t i = 0; i < r.count; ++i) {
    const T batch = r.rois.template data<T>()[5 * i];
    if (!(batch > -1 && batch < static_cast<T>(input.size(0)))) {
      return Invalid(absl::StrCat("the batch index ", batch, " of region ", i,
                                  " is out of range for a batch of ",
                                  input.size(0)));
    }
  }
  return r;
}

// A position's four neighbours and weights; none when it is far outside.
template <typename T>
struct Bilinear {
  int64_t at[4];
  T weight[4];
  bool inside;
  Bilinear(T y, T x, int64_t height, int64_t width) {
    inside = y >= -1 && y <= static_cast<T>(height) && x >= -1 &&
             x <= static_cast<T>(width) && height > 0 && width > 0;
    if (!inside) return;
    y = std::max(y, T(0));
    x = std::max(x, T(0));
    int64_t y0 = static_cast<int64_t>(y), x0 = static_cast<int64_t>(x);
    int64_t y1 = y0 + 1, x1 = x0 + 1;
    if (y0 >= height - 1) {
      y0 = y1 = height - 1;
      y = static_cast<T>(y0);
    }
    if (x0 >= width - 1) {
      x0 = x1 = width - 1;
      x = static_cast<T>(x0);
    }
    const T ly = y - static_cast<T>(y0), lx = x - static_cast<T>(x0);
    at[0] = y0 * width + x0;
    at[1] = y0 * width + x1;
    at[2] = y1 * width + x0;
    at[3] = y1 * width + x1;
    weight[0] = (1 - ly) * (1 - lx);
    weight[1] = (1 - ly) * lx;
    weight[2] = ly * (1 - lx);
    weight[3] = ly * lx;
  }
  T Read(const T* plane) const {
    if (!inside) return 0;
    return weight[0] * plane[at[0]] + weight[1] * plane[at[1]] +
           weight[2] * plane[at[2]] + weight[3] * plane[at[3]];
  }
};

template <typename T>
int64_t GridSize(int64_t sampling_ratio, T length, int64_t pooled) {
  if (sampling_ratio > 0) return sampling_ratio;
  const T size = std::ceil(length / static_cast<T>(pooled));
  // Turned corners give negative sizes: no samples, but not a count of zero.
  if (!(size > T(-(1 << 30)))) return std::isnan(size) ? 0 : -(1 << 30);
  return static_cast<int64_t>(std::min(size, T(1 << 30)));
}

struct Pooled {
  int64_t height, width;
};

template <typename T>
absl::Status RoiAlignTo(const Regions<T>& r, Pooled pooled, T scale,
                        int64_t sampling_ratio, bool aligned, T* out) {
  const T offset = aligned ? T(0.5) : T(0);
  std::vector<Bilinear<T>> samples;
  for (int64_t n = 0; n < r.count; ++n) {
    const Roi<T> roi = r.at(n);
    const T x = roi.x1 * scale - offset, y = roi.y1 * scale - offset;
    T w = roi.x2 * scale - offset - x, h = roi.y2 * scale - offset - y;
    if (!aligned) {
      w = std::max(w, T(1));
      h = std::max(h, T(1));
    }
    const T bin_h = h / static_cast<T>(pooled.height);
    const T bin_w = w / static_cast<T>(pooled.width);
    const int64_t grid_h = GridSize(sampling_ratio, h, pooled.height);
    const int64_t grid_w = GridSize(sampling_ratio, w, pooled.width);
    const T count = static_cast<T>(std::max<double>(
        static_cast<double>(grid_h) * static_cast<double>(grid_w), 1));
    for (int64_t p = 0; p < pooled.height * pooled.width; ++p) {
      T* to = out + n * r.channels * pooled.height * pooled.width + p;
      const int64_t ph = p / pooled.width, pw = p % pooled.width;
      for (int64_t c = 0; c < r.channels; ++c) {
        to[c * pooled.height * pooled.width] = 0;
      }
      for (int64_t iy = 0; iy < grid_h; ++iy) {
        TANDEM_RETURN_IF_ERROR(CheckStop());
        const T sy =
            y + static_cast<T>(ph) * bin_h +
            (static_cast<T>(iy) + T(0.5)) * bin_h / static_cast<T>(grid_h);
        for (int64_t ix = 0; ix < grid_w; ++ix) {
          if (ix % 4096 == 4095) TANDEM_RETURN_IF_ERROR(CheckStop());
          const T sx =
              x + static_cast<T>(pw) * bin_w +
              (static_cast<T>(ix) + T(0.5)) * bin_w / static_cast<T>(grid_w);
          const Bilinear<T> sample(sy, sx, r.height, r.width);
          if (!sample.inside) continue;
          for (int64_t c = 0; c < r.channels; ++c) {
            to[c * pooled.height * pooled.width] +=
                sample.Read(r.plane(roi.batch, c));
          }
        }
      }
      for (int64_t c = 0; c < r.channels; ++c) {
        to[c * pooled.height * pooled.width] /= count;
      }
    }
  }
  return absl::OkStatus();
}

template <typename T>
absl::Status PsRoiAlignTo(const Regions<T>& r, Pooled pooled, T scale,
                          int64_t sampling_ratio, T* out, int32_t* mapping) {
  const int64_t bins = pooled.height * pooled.width;
  const int64_t channels = r.channels / bins;
  for (int64_t n = 0; n < r.count; ++n) {
    const Roi<T> roi = r.at(n);
    const T x = roi.x1 * scale - T(0.5), y = roi.y1 * scale - T(0.5);
    const T w = roi.x2 * scale - T(0.5) - x, h = roi.y2 * scale - T(0.5) - y;
    const T bin_h = h / static_cast<T>(pooled.height);
    const T bin_w = w / static_cast<T>(pooled.width);
    const int64_t grid_h = GridSize(sampling_ratio, h, pooled.height);
    const int64_t grid_w = GridSize(sampling_ratio, w, pooled.width);
    const T count = static_cast<T>(grid_h) * static_cast<T>(grid_w);
    for (int64_t j = 0; j < channels * bins; ++j) {
      const int64_t c_in = j;  // (c * height + ph) * width + pw
      const int64_t ph = j % bins / pooled.width, pw = j % pooled.width;
      const T* plane = r.plane(roi.batch, c_in);
      T sum = 0;
      for (int64_t iy = 0; iy < grid_h; ++iy) {
        TANDEM_RETURN_IF_ERROR(CheckStop());
        const T sy =
            y + static_cast<T>(ph) * bin_h +
            (static_cast<T>(iy) + T(0.5)) * bin_h / static_cast<T>(grid_h);
        for (int64_t ix = 0; ix < grid_w; ++ix) {
          if (ix % 4096 == 4095) TANDEM_RETURN_IF_ERROR(CheckStop());
          const T sx =
              x + static_cast<T>(pw) * bin_w +
              (static_cast<T>(ix) + T(0.5)) * bin_w / static_cast<T>(grid_w);
          sum += Bilinear<T>(sy, sx, r.height, r.width).Read(plane);
        }
      }
      out[n * channels * bins + j] = sum / count;
      mapping[n * channels * bins + j] = static_cast<int32_t>(c_in);
    }
  }
  return absl::OkStatus();
}

// round() of a coordinate, within what an int holds.
template <typename T>
int64_t Rounded(T v) {
  const T r = std::round(v);
  if (!(r > T(-1e9))) return -1000000000;
  return r < T(1e9) ? static_cast<int64_t>(r) : 1000000000;
}

// Rows (columns) of bin p of a region.
struct Span1d {
  int64_t begin, end;
};
template <typename T>
Span1d BinSpan(int64_t p, T bin, int64_t start, int64_t size) {
  const auto clamp = [&](T v) {
    return std::clamp<int64_t>(Rounded(v) + start, 0,
                               std::max<int64_t>(size, 0));
  };
  return {clamp(std::floor(static_cast<T>(p) * bin)),
          clamp(std::ceil(static_cast<T>(p + 1) * bin))};
}

template <typename T>
absl::Status RoiPoolTo(const Regions<T>& r, Pooled pooled, T scale, T* out,
                       int32_t* argmax) {
  const int64_t bins = pooled.height * pooled.width;
  for (int64_t n = 0; n < r.count; ++n) {
    const Roi<T> roi = r.at(n);
    const int64_t x = Rounded(roi.x1 * scale), y = Rounded(roi.y1 * scale);
    const int64_t w = std::max<int64_t>(Rounded(roi.x2 * scale) - x + 1, 1);
    const int64_t h = std::max<int64_t>(Rounded(roi.y2 * scale) - y + 1, 1);
    const T bin_h = static_cast<T>(h) / static_cast<T>(pooled.height);
    const T bin_w = static_cast<T>(w) / static_cast<T>(pooled.width);
    for (int64_t p = 0; p < bins; ++p) {
      TANDEM_RETURN_IF_ERROR(CheckStop());
      const Span1d rows = BinSpan(p / pooled.width, bin_h, y, r.height);
      const Span1d cols = BinSpan(p % pooled.width, bin_w, x, r.width);
      const bool empty = rows.end <= rows.begin || cols.end <= cols.begin;
      for (int64_t c = 0; c < r.channels; ++c) {
        const T* plane = r.plane(roi.batch, c);
        T most = empty ? T(0) : T(-FLT_MAX);
        int64_t at = -1;
        for (int64_t i = rows.begin; i < rows.end; ++i) {
          for (int64_t j = cols.begin; j < cols.end; ++j) {
            if (plane[i * r.width + j] > most) {
              most = plane[i * r.width + j];
              at = i * r.width + j;
            }
          }
        }
        out[(n * r.channels + c) * bins + p] = most;
        argmax[(n * r.channels + c) * bins + p] = static_cast<int32_t>(at);
      }
    }
  }
  return absl::OkStatus();
}

template <typename T>
absl::Status PsRoiPoolTo(const Regions<T>& r, Pooled pooled, T scale, T* out,
                         int32_t* mapping) {
  const int64_t bins = pooled.height * pooled.width;
  const int64_t channels = r.channels / bins;
  for (int64_t n = 0; n < r.count; ++n) {
    const Roi<T> roi = r.at(n);
    const int64_t x = Rounded(roi.x1 * scale), y = Rounded(roi.y1 * scale);
    const int64_t w = std::max<int64_t>(Rounded(roi.x2 * scale) - x, 1);
    const int64_t h = std::max<int64_t>(Rounded(roi.y2 * scale) - y, 1);
    const T bin_h = static_cast<T>(h) / static_cast<T>(pooled.height);
    const T bin_w = static_cast<T>(w) / static_cast<T>(pooled.width);
    for (int64_t j = 0; j < channels * bins; ++j) {
      TANDEM_RETURN_IF_ERROR(CheckStop());
      const Span1d rows =
          BinSpan(j % bins / pooled.width, bin_h, y, r.height - 1);
      const Span1d cols = BinSpan(j % pooled.width, bin_w, x, r.width - 1);
      const T* plane = r.plane(roi.batch, j);
      T sum = 0;
      for (int64_t a = rows.begin; a < rows.end; ++a) {
        for (int64_t b = cols.begin; b < cols.end; ++b) {
          sum += plane[a * r.width + b];
        }
      }
      const bool empty = rows.end <= rows.begin || cols.end <= cols.begin;
      out[n * channels * bins + j] =
          empty ? T(0)
                : sum / static_cast<T>((rows.end - rows.begin) *
                                       (cols.end - cols.begin));
      mapping[n * channels * bins + j] = static_cast<int32_t>(j);
    }
  }
  return absl::OkStatus();
}

// Allocates results of `channels` channels and calls body(regions, out) with
// the compute type.
template <typename Body>
absl::StatusOr<Tensor> Pool(const Tensor& input, const Tensor& rois,
                            int64_t channels, Pooled pooled, Body&& body) {
  const Dims sizes = {rois.size(0), channels, pooled.height, pooled.width};
  Tensor out;
  if (input.dtype() == DType::kDouble) {
    TANDEM_ASSIGN_OR_RETURN(out, Tensor::Empty(sizes, DType::kDouble));
    if (out.numel() == 0) return out;
    TANDEM_ASSIGN_OR_RETURN(const Regions<double> r, Load<double>(input, rois));
    TANDEM_RETURN_IF_ERROR(body(r, out.data<double>()));
  } else {
    TANDEM_ASSIGN_OR_RETURN(out, Tensor::Empty(sizes, DType::kFloat));
    if (out.numel() == 0) return ToDType(out, input.dtype());
    TANDEM_ASSIGN_OR_RETURN(const Regions<float> r, Load<float>(input, rois));
    TANDEM_RETURN_IF_ERROR(body(r, out.data<float>()));
  }
  return ToDType(out, input.dtype());
}

absl::StatusOr<Tensor> RoiAlign(const Tensor& input, const Tensor& rois,
                                double spatial_scale, int64_t pooled_height,
                                int64_t pooled_width, int64_t sampling_ratio,
                                bool aligned) {
  TANDEM_RETURN_IF_ERROR(CheckRegions(input, rois, pooled_height, pooled_width,
                                      "roi_align_forward_kernel"));
  const Pooled pooled = {pooled_height, pooled_width};
  return Pool(input, rois, input.size(1), pooled,
              [&](const auto& r, auto* out) {
                using T = std::remove_pointer_t<decltype(out)>;
                return RoiAlignTo<T>(r, pooled, static_cast<T>(spatial_scale),
                                     sampling_ratio, aligned, out);
              });
}

Pair RoiPool(const Tensor& input, const Tensor& rois, double spatial_scale,
             int64_t pooled_height, int64_t pooled_width) {
  TANDEM_RETURN_IF_ERROR(CheckRegions(input, rois, pooled_height, pooled_width,
                                      "roi_pool_forward_kernel"));
  const Pooled pooled = {pooled_height, pooled_width};
  TANDEM_ASSIGN_OR_RETURN(
      const Tensor argmax,
      Tensor::Zeros({rois.size(0), input.size(1), pooled_height, pooled_width},
                    DType::kInt32));
  TANDEM_ASSIGN_OR_RETURN(
      Tensor out,
      Pool(input, rois, input.size(1), pooled, [&](const auto& r, auto* to) {
        using T = std::remove_pointer_t<decltype(to)>;
        return RoiPoolTo<T>(r, pooled, static_cast<T>(spatial_scale), to,
                            argmax.data<int32_t>());
      }));
  return std::make_tuple(std::move(out), argmax);
}

absl::Status CheckDivides(const Tensor& input, Pooled pooled) {
  int64_t bins;
  if (__builtin_mul_overflow(pooled.height, pooled.width, &bins) || bins <= 0 ||
      input.size(1) % bins != 0) {
    return Invalid(
        "input channels must be a multiple of pooling height * pooling width");
  }
  return absl::OkStatus();
}

Pair PsRoiAlign(const Tensor& input, const Tensor& rois, double spatial_scale,
                int64_t pooled_height, int64_t pooled_width,
                int64_t sampling_ratio) {
  TANDEM_RETURN_IF_ERROR(CheckRegions(input, rois, pooled_height, pooled_width,
                                      "ps_roi_align_forward_kernel"));
  const Pooled pooled = {pooled_height, pooled_width};
  TANDEM_RETURN_IF_ERROR(CheckDivides(input, pooled));
  const int64_t channels = input.size(1) / (pooled_height * pooled_width);
  TANDEM_ASSIGN_OR_RETURN(
      const Tensor mapping,
      Tensor::Zeros({rois.size(0), channels, pooled_height, pooled_width},
                    DType::kInt32));
  TANDEM_ASSIGN_OR_RETURN(
      Tensor out,
      Pool(input, rois, channels, pooled, [&](const auto& r, auto* to) {
        using T = std::remove_pointer_t<decltype(to)>;
        return PsRoiAlignTo<T>(r, pooled, static_cast<T>(spatial_scale),
                               sampling_ratio, to, mapping.data<int32_t>());
      }));
  return std::make_tuple(std::move(out), mapping);
}

Pair PsRoiPool(const Tensor& input, const Tensor& rois, double spatial_scale,
               int64_t pooled_height, int64_t pooled_width) {
  TANDEM_RETURN_IF_ERROR(CheckRegions(input, rois, pooled_height, pooled_width,
                                      "ps_roi_pool_forward_kernel"));
  const Pooled pooled = {pooled_height, pooled_width};
  TANDEM_RETURN_IF_ERROR(CheckDivides(input, pooled));
  const int64_t channels = input.size(1) / (pooled_height * pooled_width);
  TANDEM_ASSIGN_OR_RETURN(
      const Tensor mapping,
      Tensor::Zeros({rois.size(0), channels, pooled_height, pooled_width},
                    DType::kInt32));
  TANDEM_ASSIGN_OR_RETURN(
      Tensor out,
      Pool(input, rois, channels, pooled, [&](const auto& r, auto* to) {
        using T = std::remove_pointer_t<decltype(to)>;
        return PsRoiPoolTo<T>(r, pooled, static_cast<T>(spatial_scale), to,
                              mapping.data<int32_t>());
      }));
  return std::make_tuple(std::move(out), mapping);
}

}  // namespace

void AddRoiPooling(KernelRegistrar& r) {
  r.Add("torchvision::roi_align", &RoiAlign)
      .Add("torchvision::roi_pool", &RoiPool)
      .Add("torchvision::ps_roi_align", &PsRoiAlign)
      .Add("torchvision::ps_roi_pool", &PsRoiPool);
}

}  // namespace tandem::reference
