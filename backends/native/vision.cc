// torchvision's roi_align over float: with channels innermost, a sample is four
// rows of channels times four weights.
#include <algorithm>
#include <atomic>
#include <cmath>
#include <vector>

#include "tandem/backends/native/elementwise.h"
#include "tandem/backends/native/families.h"
#include "tandem/backends/native/kernel_table.h"
#include "tandem/backends/registry.h"
#include "tandem/tensor/context.h"
#include "tandem/tensor/copy.h"
#include "tandem/tensor/memory_pool.h"
#include "tandem/tensor/status_macros.h"

namespace tandem::native {
namespace {

// Samples along a bin; more are left to reference, which asks whether it is to
// stop between them.
constexpr float kMaxGrid = 64;

bool IsPlainFloat(const Tensor& t) {
  return t.defined() && t.dtype() == DType::kFloat && !t.is_sparse() &&
         t.device().is_cpu() && t.impl()->storage;
}

// to[j][i] = from[i][j], in tiles that the first cache holds.
void Transpose(const float* from, int64_t rows, int64_t cols, float* to) {
  constexpr int64_t kTile = 16;
  for (int64_t i0 = 0; i0 < rows; i0 += kTile) {
    const int64_t i1 = std::min(rows, i0 + kTile);
    for (int64_t j0 = 0; j0 < cols; j0 += kTile) {
      const int64_t j1 = std::min(cols, j0 + kTile);
      for (int64_t j = j0; j < j1; ++j) {
        for (int64_t i = i0; i < i1; ++i) to[j * rows + i] = from[i * cols + j];
      }
    }
  }
}

// A region in the coordinates of the feature map, as torchvision computes it.
struct Region {
  int64_t batch;
  float x, y, bin_w, bin_h;
  int64_t grid_w, grid_h;
};

struct Pooling {
  int64_t height, width, sampling_ratio;
  float scale;
  bool aligned;
};

// False: not one for here (an index that is out of range, corners that are
// turned or not numbers, more samples than are worth it).
bool Read(const float* roi, const Pooling& p, int64_t batches, Region* r) {
  if (!(roi[0] > -1 && roi[0] < static_cast<float>(batches))) return false;
  r->batch = static_cast<int64_t>(roi[0]);
  const float offset = p.aligned ? 0.5f : 0.0f;
  r->x = roi[1] * p.scale - offset;
  r->y = roi[2] * p.scale - offset;
  float w = roi[3] * p.scale - offset - r->x;
  float h = roi[4] * p.scale - offset - r->y;
  if (!p.aligned) {
    w = std::max(w, 1.0f);
    h = std::max(h, 1.0f);
  }
  r->bin_h = h / static_cast<float>(p.height);
  r->bin_w = w / static_cast<float>(p.width);
  const float ratio = static_cast<float>(p.sampling_ratio);
  const float grid_h = p.sampling_ratio > 0 ? ratio : std::ceil(r->bin_h);
  const float grid_w = p.sampling_ratio > 0 ? ratio : std::ceil(r->bin_w);
  if (!(grid_h >= 1 && grid_h <= kMaxGrid && grid_w >= 1 &&
        grid_w <= kMaxGrid && std::isfinite(r->x) && std::isfinite(r->y))) {
    return false;
  }
  r->grid_h = static_cast<int64_t>(grid_h);
  r->grid_w = static_cast<int64_t>(grid_w);
  return true;
}

// The two neighbours of a position along one dim of `size` and how far it is
// from the first; false when it is outside.
struct Neighbours {
  int64_t low, high;
  float far;
};
bool Around(float v, int64_t size, Neighbours* n) {
  if (!(v >= -1 && v <= static_cast<float>(size))) return false;
  v = std::max(v, 0.0f);
  n->low = static_cast<int64_t>(v);
  n->high = n->low + 1;
  if (n->low >= size - 1) {
    n->low = n->high = size - 1;
    v = static_cast<float>(n->low);
  }
  n->far = v - static_cast<float>(n->low);
  return true;
}

// sums[bin][channel] of one region over map[y][x][channel].
void SumSamples(const Region& r, const Pooling& p, const float* map,
                int64_t height, int64_t width, int64_t channels, float* sums) {
  const auto mix = Kernels().f.add_four_rows;
  std::fill_n(sums, p.height * p.width * channels, 0.0f);
  for (int64_t ph = 0; ph < p.height; ++ph) {
    for (int64_t iy = 0; iy < r.grid_h; ++iy) {
      Neighbours y, x;
      const float at_y = r.y + static_cast<float>(ph) * r.bin_h +
                         (static_cast<float>(iy) + 0.5f) * r.bin_h /
                             static_cast<float>(r.grid_h);
      if (!Around(at_y, height, &y)) continue;
      for (int64_t pw = 0; pw < p.width; ++pw) {
        for (int64_t ix = 0; ix < r.grid_w; ++ix) {
          const float at_x = r.x + static_cast<float>(pw) * r.bin_w +
                             (static_cast<float>(ix) + 0.5f) * r.bin_w /
                                 static_cast<float>(r.grid_w);
          if (!Around(at_x, width, &x)) continue;
          const float* const rows[4] = {
              map + (y.low * width + x.low) * channels,
              map + (y.low * width + x.high) * channels,
              map + (y.high * width + x.low) * channels,
              map + (y.high * width + x.high) * channels};
          const float weights[4] = {(1 - y.far) * (1 - x.far),
                                    (1 - y.far) * x.far, y.far * (1 - x.far),
                                    y.far * x.far};
          mix(rows, weights, sums + (ph * p.width + pw) * channels, channels);
        }
      }
    }
  }
}

absl::StatusOr<Tensor> RoiAlign(const Tensor& input, const Tensor& rois,
                                double spatial_scale, int64_t pooled_height,
                                int64_t pooled_width, int64_t sampling_ratio,
                                bool aligned) {
  if (!IsPlainFloat(input) || !IsPlainFloat(rois) || input.dim() != 4 ||
      rois.dim() != 2 || rois.size(1) != 5 || input.numel() == 0 ||
      rois.numel() == 0 || pooled_height < 1 || pooled_width < 1 ||
      pooled_height > 1024 || pooled_width > 1024) {
    return Declined();
  }
  const int64_t channels = input.size(1), height = input.size(2),
                width = input.size(3), count = rois.size(0),
                bins = pooled_height * pooled_width;
  const Pooling pooling = {pooled_height, pooled_width, sampling_ratio,
                           static_cast<float>(spatial_scale), aligned};
  TANDEM_ASSIGN_OR_RETURN(const Tensor corners, Contiguous(rois));
  std::vector<Region> regions(static_cast<size_t>(count));
  for (int64_t i = 0; i < count; ++i) {
    if (!Read(corners.data<float>() + 5 * i, pooling, input.size(0),
              &regions[i])) {
      return Declined();
    }
  }
  // Channels innermost: as it lies, or a copy, unless that is most of the work.
  Tensor map = input;
  if (!input.is_contiguous(MemoryFormat::kChannelsLast)) {
    if (input.numel() / channels > 16 * count * bins) return Declined();
    TANDEM_ASSIGN_OR_RETURN(const Tensor plain, Contiguous(input));
    TANDEM_ASSIGN_OR_RETURN(
        map,
        Tensor::Empty({input.size(0), height, width, channels}, DType::kFloat));
    const int64_t area = height * width;
    TANDEM_RETURN_IF_ERROR(
        ParallelFor(input.size(0), 1, [&](int64_t begin, int64_t end) {
          for (int64_t b = begin; b < end; ++b) {
            Transpose(plain.data<float>() + b * area * channels, channels, area,
                      map.data<float>() + b * area * channels);
          }
        }));
  }
  TANDEM_ASSIGN_OR_RETURN(
      const Tensor out,
      Tensor::Empty({count, channels, pooled_height, pooled_width},
                    DType::kFloat));
  std::atomic<bool> failed{false};
  const auto run = [&](int64_t begin, int64_t end) {
    size_t capacity = 0;
    auto* const sums = static_cast<float*>(memory_pool::Allocate(
        static_cast<size_t>(bins * channels) * sizeof(float), &capacity));
    if (sums == nullptr) {
      failed = true;
      return;
    }
    for (int64_t n = begin; n < end; ++n) {
      const Region& r = regions[n];
      SumSamples(r, pooling,
                 map.data<float>() + r.batch * height * width * channels,
                 height, width, channels, sums);
      const float share = 1 / static_cast<float>(r.grid_h * r.grid_w);
      float* to = out.data<float>() + n * channels * bins;
      for (int64_t i = 0; i < bins * channels; ++i) sums[i] *= share;
      Transpose(sums, bins, channels, to);
    }
    memory_pool::Free(sums, capacity);
  };
  const int64_t work = std::max<int64_t>(1, bins * channels * 16);
  TANDEM_RETURN_IF_ERROR(
      ParallelFor(count, std::max<int64_t>(1, (1 << 17) / work), run));
  if (failed) {
    return absl::ResourceExhaustedError("out of memory: roi_align's sums");
  }
  return out;
}

}  // namespace

absl::Status RegisterVision(Registry& registry) {
  KernelRegistrar r(registry, "native");
  r.Add("torchvision::roi_align", &RoiAlign);
  return r.status();
}

}  // namespace tandem::native
