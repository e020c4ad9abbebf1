// Boxes: non-maximum suppression, overlap of rotated boxes.
#include <algorithm>
#include <cmath>
#include <numeric>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "tandem/backends/reference/families.h"
#include "tandem/backends/reference/quantize.h"
#include "tandem/backends/reference/vision.h"
#include "tandem/tensor/context.h"
#include "tandem/tensor/copy.h"
#include "tandem/tensor/status_macros.h"
#include "tandem/tensor/visit.h"

namespace tandem::reference {
namespace {

absl::Status Invalid(std::string text) {
  return absl::InvalidArgumentError(std::move(text));
}

absl::Status CheckBoxes(const Tensor& dets, const Tensor& scores) {
  if (dets.dim() != 2) {
    return Invalid(
        absl::StrCat("boxes should be a 2d tensor, got ", dets.dim(), "D"));
  }
  if (dets.size(1) != 4) {
    return Invalid(absl::StrCat(
        "boxes should have 4 elements in dimension 1, got ", dets.size(1)));
  }
  if (scores.dim() != 1) {
    return Invalid(
        absl::StrCat("scores should be a 1d tensor, got ", scores.dim(), "D"));
  }
  if (dets.size(0) != scores.size(0)) {
    return Invalid(
        absl::StrCat("boxes and scores should have same number of elements in "
                     "dimension 0, got ",
                     dets.size(0), " and ", scores.size(0)));
  }
  if (dets.dtype() != scores.dtype()) {
    return Invalid("dets should have the same type as scores");
  }
  return absl::OkStatus();
}

template <typename T>
absl::StatusOr<Tensor> Suppress(const T* boxes, const T* scores, int64_t n,
                                double threshold) {
  std::vector<int64_t> order(n), kept;
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(), [&](int64_t a, int64_t b) {
    // NaN first, as PyTorch sorts.
    return scores[a] > scores[b] ||
           (std::isnan(scores[a]) && !std::isnan(scores[b]));
  });
  std::vector<T> areas(n);
  for (int64_t i = 0; i < n; ++i) {
    const T* b = boxes + 4 * i;
    areas[i] = (b[2] - b[0]) * (b[3] - b[1]);
  }
  std::vector<char> suppressed(n, 0);
  for (int64_t k = 0; k < n; ++k) {
    const int64_t i = order[k];
    if (suppressed[i]) continue;
    TANDEM_RETURN_IF_ERROR(CheckStop());
    kept.push_back(i);
    const T* a = boxes + 4 * i;
    for (int64_t l = k + 1; l < n; ++l) {
      const int64_t j = order[l];
      if (suppressed[j]) continue;
      const T* b = boxes + 4 * j;
      const T w = std::max(T(0), std::min(a[2], b[2]) - std::max(a[0], b[0]));
      const T h = std::max(T(0), std::min(a[3], b[3]) - std::max(a[1], b[1]));
      const T inter = w * h;
      if (inter / (areas[i] + areas[j] - inter) > threshold) suppressed[j] = 1;
    }
  }
  return Tensor::FromSpan(absl::MakeConstSpan(kept));
}

absl::StatusOr<Tensor> Nms(const Tensor& dets, const Tensor& scores,
                           double iou_threshold) {
  TANDEM_RETURN_IF_ERROR(CheckBoxes(dets, scores));
  if (dets.numel() == 0) return Tensor::Empty({0}, DType::kInt64);
  TANDEM_ASSIGN_OR_RETURN(const Tensor b, Contiguous(dets));
  TANDEM_ASSIGN_OR_RETURN(const Tensor s, Contiguous(scores));
  switch (b.dtype()) {
    case DType::kFloat:
      return Suppress(b.data<float>(), s.data<float>(), b.size(0),
                      iou_threshold);
    case DType::kDouble:
      return Suppress(b.data<double>(), s.data<double>(), b.size(0),
                      iou_threshold);
    default:
      return NotImplementedFor("nms_kernel", b.dtype());
  }
}

// The overlap of boxes does not depend on their scale.
absl::StatusOr<Tensor> QuantizedNms(const Tensor& dets, const Tensor& scores,
                                    double iou_threshold) {
  TANDEM_ASSIGN_OR_RETURN(const Tensor b, Dequantize(dets));
  TANDEM_ASSIGN_OR_RETURN(const Tensor s, Dequantize(scores));
  return Nms(b, s, iou_threshold);
}

// ---- rotated boxes (center x, center y, width, height, degrees)

struct Point {
  double x, y;
};

using Polygon = std::vector<Point>;

Polygon Corners(const double* b, double x0, double y0) {
  const double theta = b[4] * M_PI / 180;
  const double c = std::cos(theta) / 2, s = std::sin(theta) / 2;
  const double x = b[0] - x0, y = b[1] - y0, w = b[2], h = b[3];
  return {{x + s * h + c * w, y + c * h - s * w},
          {x - s * h + c * w, y - c * h - s * w},
          {x - s * h - c * w, y - c * h + s * w},
          {x + s * h - c * w, y + c * h + s * w}};
}

double Cross(Point o, Point a, Point b) {
  return (a.x - o.x) * (b.y - o.y) - (a.y - o.y) * (b.x - o.x);
}

double SignedArea(const Polygon& p) {
  double sum = 0;
  for (size_t i = 2; i < p.size(); ++i) sum += Cross(p[0], p[i - 1], p[i]);
  return sum / 2;
}

// What of the convex polygon lies on the left of each edge of the other.
double IntersectionArea(Polygon p, Polygon clip) {
  if (SignedArea(clip) < 0) std::reverse(clip.begin(), clip.end());
  for (size_t e = 0; e < clip.size() && !p.empty(); ++e) {
    const Point a = clip[e], b = clip[(e + 1) % clip.size()];
    Polygon kept;
    for (size_t i = 0; i < p.size(); ++i) {
      const Point q = p[i], r = p[(i + 1) % p.size()];
      const double dq = Cross(a, b, q), dr = Cross(a, b, r);
      if (dq >= 0) kept.push_back(q);
      if ((dq > 0 && dr < 0) || (dq < 0 && dr > 0)) {
        const double t = dq / (dq - dr);
        kept.push_back({q.x + t * (r.x - q.x), q.y + t * (r.y - q.y)});
      }
    }
    p = std::move(kept);
  }
  return p.size() < 3 ? 0 : std::abs(SignedArea(p));
}

double RotatedIou(const double* a, const double* b) {
  const double area_a = a[2] * a[3], area_b = b[2] * b[3];
  if (area_a < 1e-14 || area_b < 1e-14) return 0;
  const double x0 = (a[0] + b[0]) / 2, y0 = (a[1] + b[1]) / 2;
  const double inter = IntersectionArea(Corners(a, x0, y0), Corners(b, x0, y0));
  return inter / (area_a + area_b - inter);
}

absl::StatusOr<Tensor> BoxIouRotated(const Tensor& boxes1,
                                     const Tensor& boxes2) {
  for (const Tensor* b : {&boxes1, &boxes2}) {
    if (b->dim() != 2 || b->size(1) != 5) {
      return Invalid("boxes should have shape as Tensor[N, 5]");
    }
    if (b->dtype() != DType::kFloat && b->dtype() != DType::kDouble &&
        b->dtype() != DType::kHalf) {
      return NotImplementedFor("box_iou_rotated_kernel", b->dtype());
    }
  }
  const int64_t n = boxes1.size(0), m = boxes2.size(0);
  TANDEM_ASSIGN_OR_RETURN(const Tensor a, Contiguous(boxes1, DType::kDouble));
  TANDEM_ASSIGN_OR_RETURN(const Tensor b, Contiguous(boxes2, DType::kDouble));
  // float32 whatever the boxes are, as torchvision.
  TANDEM_ASSIGN_OR_RETURN(const Tensor out,
                          Tensor::Empty({n, m}, DType::kFloat));
  TANDEM_RETURN_IF_ERROR(
      ParallelFor(n * m, 256, [&](int64_t begin, int64_t end) {
        for (int64_t j = begin; j < end; ++j) {
          out.data<float>()[j] = static_cast<float>(RotatedIou(
              a.data<double>() + j / m * 5, b.data<double>() + j % m * 5));
        }
      }));
  return out;
}

int64_t CudaVersion() { return -1; }

}  // namespace

void AddNms(KernelRegistrar& r) {
  r.Add("torchvision::nms", &Nms)
      .Add("torchvision::qnms", &QuantizedNms)
      .Add("torchvision::box_iou_rotated", &BoxIouRotated)
      .Add("torchvision::_cuda_version", &CudaVersion);
}

absl::Status RegisterVision(Registry& registry) {
  KernelRegistrar r(registry, "reference");
  AddNms(r);
  AddRoiPooling(r);
  AddDeformConv(r);
  return r.status();
}

}  // namespace tandem::reference
