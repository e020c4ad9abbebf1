#include "tandem/backends/reference/resample_taps.h"

#include <algorithm>
#include <cmath>

#include "tandem/tensor/context.h"
#include "tandem/tensor/scalar.h"
#include "tandem/tensor/status_macros.h"

namespace tandem::reference {
namespace {

// Input elements per output element.
template <typename T>
T PixelScale(int64_t in, int64_t out, bool align_corners,
             std::optional<double> scale) {
  if (align_corners) {
    return out > 1 ? static_cast<T>(in - 1) / static_cast<T>(out - 1) : T(0);
  }
  if (scale.has_value() && *scale > 0) return static_cast<T>(1.0 / *scale);
  return static_cast<T>(in) / static_cast<T>(out);
}

template <typename T>
T SourceIndex(T scale, int64_t i, bool align_corners, bool cubic) {
  if (align_corners) return scale * static_cast<T>(i);
  const T at = scale * (static_cast<T>(i) + T(0.5)) - T(0.5);
  return !cubic && at < T(0) ? T(0) : at;
}

// Keys' cubic convolution with the parameter a.
template <typename T>
T Cubic(T x, T a) {
  x = std::abs(x);
  if (x < 1) return ((a + 2) * x - (a + 3)) * x * x + 1;
  if (x < 2) return (((x - 5) * x + 8) * x - 4) * a;
  return 0;
}

double Sinc(double x) {
  if (x == 0) return 1;
  x *= M_PI;
  return std::sin(x) / x;
}

double WindowFilter(double x, const ResampleOptions& options) {
  switch (options.filter) {
    case ResampleFilter::kCubic:
      return Cubic(x, -0.5);
    case ResampleFilter::kLanczos:
      return std::abs(x) < 3 ? Sinc(x) * Sinc(x / 3) : 0;
    default:
      x = std::abs(x);
      return x < 1 ? 1 - x : 0;
  }
}

int64_t FilterWidth(ResampleFilter filter) {
  switch (filter) {
    case ResampleFilter::kCubic:
      return 4;
    case ResampleFilter::kLanczos:
      return 6;
    default:
      return 2;
  }
}

int64_t ClampIndex(double at, int64_t in) {
  return std::clamp<int64_t>(SaturatingToInt64(at), 0, in - 1);
}

struct Writer {
  int64_t* first;
  int64_t* indices;
  double* weights;
  int64_t count = 0;
  void Put(int64_t index, double weight) {
    indices[count] = index;
    if (weights != nullptr) weights[count] = weight;
    ++count;
  }
};

absl::StatusOr<Writer> Start(Taps& taps, int64_t total, bool weighted) {
  TANDEM_ASSIGN_OR_RETURN(taps.first,
                          Tensor::Empty({taps.out + 1}, DType::kInt64));
  TANDEM_ASSIGN_OR_RETURN(taps.indices, Tensor::Empty({total}, DType::kInt64));
  Writer w{taps.first.data<int64_t>(), taps.indices.data<int64_t>(), nullptr};
  if (weighted) {
    TANDEM_ASSIGN_OR_RETURN(taps.weights,
                            Tensor::Empty({total}, DType::kDouble));
    w.weights = taps.weights.data<double>();
  }
  return w;
}

template <typename T>
absl::Status Nearest(Taps& taps, std::optional<double> scale, bool exact) {
  TANDEM_ASSIGN_OR_RETURN(Writer w, Start(taps, taps.out, false));
  const T step = PixelScale<T>(taps.in, taps.out, false, scale);
  for (int64_t i = 0; i < taps.out; ++i) {
    w.first[i] = i;
    const T at = exact ? SourceIndex(step, i, false, false) + T(0.5)
                       : step * static_cast<T>(i);
    w.Put(ClampIndex(std::floor(at), taps.in), 1);
  }
  w.first[taps.out] = taps.out;
  return absl::OkStatus();
}

template <typename T>
absl::Status Linear(Taps& taps, std::optional<double> scale,
                    bool align_corners) {
  TANDEM_ASSIGN_OR_RETURN(Writer w, Start(taps, 2 * taps.out, true));
  const T step = PixelScale<T>(taps.in, taps.out, align_corners, scale);
  for (int64_t i = 0; i < taps.out; ++i) {
    w.first[i] = w.count;
    if (taps.in == taps.out) {
      w.Put(i, 1);
      continue;
    }
    const T at = SourceIndex(step, i, align_corners, false);
    const int64_t index = ClampIndex(at, taps.in);
    const T part = std::min(std::max(at - static_cast<T>(index), T(0)), T(1));
    w.Put(index, T(1) - part);
    w.Put(std::min(index + 1, taps.in - 1), part);
  }
  w.first[taps.out] = w.count;
  return absl::OkStatus();
}

template <typename T>
absl::Status CubicTaps(Taps& taps, std::optional<double> scale,
                       bool align_corners) {
  TANDEM_ASSIGN_OR_RETURN(Writer w, Start(taps, 4 * taps.out, true));
  const T step = PixelScale<T>(taps.in, taps.out, align_corners, scale);
  for (int64_t i = 0; i < taps.out; ++i) {
    w.first[i] = w.count;
    const T at = SourceIndex(step, i, align_corners, true);
    const int64_t index =
        std::clamp<int64_t>(SaturatingToInt64(std::floor(at)), -2, taps.in - 1);
    const T part = std::min(std::max(at - static_cast<T>(index), T(0)), T(1));
    for (int64_t k = -1; k < 3; ++k) {
      w.Put(std::clamp<int64_t>(index + k, 0, taps.in - 1),
            Cubic(part - static_cast<T>(k), T(-0.75)));
    }
  }
  w.first[taps.out] = w.count;
  return absl::OkStatus();
}

// The filter stretched over the input elements that an output element covers.
template <typename T>
absl::Status Window(Taps& taps, std::optional<double> scale,
                    const ResampleOptions& options) {
  const T step = PixelScale<T>(taps.in, taps.out, options.align_corners, scale);
  const T half = static_cast<T>(FilterWidth(options.filter)) * T(0.5);
  const T support = step >= T(1) ? half * step : half;
  const T inverse = step >= T(1) ? T(1) / step : T(1);
  const int64_t most = std::min<int64_t>(
      SaturatingToInt64(std::min<double>(std::ceil(support), 1e15)) * 2 + 1,
      taps.in);
  const auto range = [&](int64_t i, int64_t* least, int64_t* count) {
    const T center = step * (static_cast<T>(i) + T(0.5));
    *least = std::clamp<int64_t>(SaturatingToInt64(center - support + T(0.5)),
                                 0, taps.in);
    const int64_t end = std::clamp<int64_t>(
        SaturatingToInt64(center + support + T(0.5)), 0, taps.in);
    *count = std::clamp<int64_t>(end - *least, 0, most);
    return center;
  };
  int64_t total = 0, least, count;
  for (int64_t i = 0; i < taps.out; ++i) {
    range(i, &least, &count);
    if (__builtin_add_overflow(total, count, &total)) {
      return absl::ResourceExhaustedError("too many weights to resample with");
    }
  }
  TANDEM_ASSIGN_OR_RETURN(Writer w, Start(taps, total, true));
  for (int64_t i = 0; i < taps.out; ++i) {
    if (i % 1024 == 0) TANDEM_RETURN_IF_ERROR(CheckStop());
    w.first[i] = w.count;
    const T center = range(i, &least, &count);
    double sum = 0;
    for (int64_t k = 0; k < count; ++k) {
      const T at = (static_cast<T>(k + least) - center + T(0.5)) * inverse;
      const double weight = WindowFilter(at, options);
      sum += weight;
      w.Put(least + k, weight);
    }
    if (sum == 0) continue;
    for (int64_t k = w.count - count; k < w.count; ++k) w.weights[k] /= sum;
  }
  w.first[taps.out] = w.count;
  return absl::OkStatus();
}

template <typename T>
absl::Status Fill(Taps& taps, std::optional<double> scale,
                  const ResampleOptions& options) {
  switch (options.filter) {
    case ResampleFilter::kNearest:
    case ResampleFilter::kNearestExact:
      return Nearest<T>(taps, scale,
                        options.filter == ResampleFilter::kNearestExact);
    default:
      if (options.antialias) {
        return Window<T>(taps, scale, options);
      }
      return options.filter == ResampleFilter::kLinear
                 ? Linear<T>(taps, scale, options.align_corners)
                 : CubicTaps<T>(taps, scale, options.align_corners);
  }
}

}  // namespace

absl::StatusOr<Taps> MakeTaps(int64_t in, int64_t out,
                              std::optional<double> scale,
                              const ResampleOptions& options, bool in_float) {
  Taps taps;
  taps.in = in;
  taps.out = out;
  TANDEM_RETURN_IF_ERROR(in_float ? Fill<float>(taps, scale, options)
                                  : Fill<double>(taps, scale, options));
  return taps;
}

}  // namespace tandem::reference
