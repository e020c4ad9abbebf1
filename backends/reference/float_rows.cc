// Compiled without contraction: what is fused is written so.
#include "tandem/backends/reference/float_rows.h"

#include <algorithm>
#include <cmath>

#include "tandem/backends/reference/float_functions.h"

namespace tandem::reference {
namespace {

// Each loop is compiled for processors with fused multiply-add, and with one
// that is emulated.
#if defined(__x86_64__)
#define TANDEM_FUSED_TARGET __attribute__((target("avx2,fma")))
bool HasFusedAdd() {
  return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
}
#else
#define TANDEM_FUSED_TARGET
bool HasFusedAdd() { return false; }
#endif
#define TANDEM_INLINE inline __attribute__((always_inline))

struct Hardware {
  static TANDEM_INLINE float Fma(float a, float b, float c) {
    return __builtin_fmaf(a, b, c);
  }
};
struct Emulated {
  static TANDEM_INLINE float Fma(float a, float b, float c) {
    return FusedAdd(a, b, c);
  }
};

template <typename F>
TANDEM_INLINE void AddRow(int64_t n, float factor, const float* from,
                          int64_t stride, float* to) {
  if (stride == 1) {
    for (int64_t i = 0; i < n; ++i) to[i] = F::Fma(factor, from[i], to[i]);
  } else {
    for (int64_t i = 0; i < n; ++i) {
      to[i] = F::Fma(factor, from[i * stride], to[i]);
    }
  }
}

template <typename F>
TANDEM_INLINE void Normalize(int64_t n, const float* x, float mean, float rstd,
                             const float* weight, const float* bias,
                             float* to) {
  if (weight != nullptr && bias != nullptr) {
    for (int64_t i = 0; i < n; ++i) {
      to[i] = F::Fma((x[i] - mean) * rstd, weight[i], bias[i]);
    }
    return;
  }
  for (int64_t i = 0; i < n; ++i) {
    float v = (x[i] - mean) * rstd;
    if (weight != nullptr) v *= weight[i];
    if (bias != nullptr) v += bias[i];
    to[i] = v;
  }
}

constexpr int kLanes = 8;

// Count, mean and sum of squared differences: of eight lanes side by side.
struct LaneMoments {
  int64_t count = 0;
  float mean[kLanes] = {}, squares[kLanes] = {};
};

TANDEM_INLINE float Share(int64_t part, int64_t all) {
  return all == 0 ? 0.0f : static_cast<float>(part) / static_cast<float>(all);
}

template <typename F>
TANDEM_INLINE void Merge(const LaneMoments& from, LaneMoments* to) {
  const int64_t count = to->count + from.count;
  const float share = Share(from.count, count);
  const float before = static_cast<float>(to->count);
  for (int l = 0; l < kLanes; ++l) {
    const float delta = from.mean[l] - to->mean[l];
    to->mean[l] += share * delta;
    to->squares[l] =
        F::Fma(delta * delta * share, before, to->squares[l] + from.squares[l]);
  }
  to->count = count;
}

// Chunks are merged as digits are carried: level j holds 2^j of them.
template <typename F>
TANDEM_INLINE void Moments(int64_t n, const float* x, float* mean,
                           float* variance) {
  constexpr int64_t kChunk = 16;
  constexpr int kMaxLevels = 60;
  const int64_t vectors = n / kLanes;
  const int64_t chunks = (vectors + kChunk - 1) / kChunk;
  int levels = 0;
  while ((int64_t{1} << levels) < chunks) ++levels;
  LaneMoments stack[kMaxLevels];
  float reciprocals[kChunk];
  for (int i = 0; i < kChunk; ++i) reciprocals[i] = 1.0f / (i + 1);
  for (int64_t c = 0; c < chunks; ++c) {
    LaneMoments chunk;
    chunk.count = std::min(kChunk, vectors - c * kChunk);
    const float* row = x + c * kChunk * kLanes;
    for (int64_t i = 0; i < chunk.count; ++i, row += kLanes) {
      for (int l = 0; l < kLanes; ++l) {
        const float delta = row[l] - chunk.mean[l];
        chunk.mean[l] = F::Fma(delta, reciprocals[i], chunk.mean[l]);
        chunk.squares[l] =
            F::Fma(delta, row[l] - chunk.mean[l], chunk.squares[l]);
      }
    }
    Merge<F>(chunk, &stack[0]);
    int64_t mask = c + 1;
    for (int j = 1; j < levels && (mask & 1) == 0; ++j, mask >>= 1) {
      Merge<F>(stack[j - 1], &stack[j]);
      stack[j - 1] = LaneMoments();
    }
  }
  for (int j = 1; j < levels; ++j) Merge<F>(stack[j], &stack[0]);

  int64_t count = 0;
  float m = 0, squares = 0;
  for (int64_t i = vectors * kLanes; i < n; ++i) {
    const float delta = x[i] - m;
    ++count;
    m += delta / static_cast<float>(count);
    squares += delta * (x[i] - m);
  }
  if (vectors > 0) {
    for (int l = 0; l < kLanes; ++l) {
      const float before = static_cast<float>(count);
      const float share = Share(vectors, count + vectors);
      const float delta = stack[0].mean[l] - m;
      m = F::Fma(share, delta, m);
      squares += F::Fma(delta * delta * share, before, stack[0].squares[l]);
      count += vectors;
    }
  }
  *mean = m;
  *variance = squares / static_cast<float>(n);
}

// out[k][l] = sum over i < n of x[i * stride + k * step + l], kRows * kWidth
// sums. Sums of `2^power` terms are carried to the next of four levels.
template <int kRows, int kWidth>
TANDEM_INLINE void Cascade(int64_t n, const float* x, int64_t stride,
                           int64_t step, float (*out)[kWidth]) {
  constexpr int kLevels = 4;
  int power = 0;
  while ((int64_t{1} << power) < n) ++power;
  power = std::max(4, power / kLevels);
  const int64_t length = int64_t{1} << power, mask = length - 1;
  float sums[kLevels][kRows][kWidth] = {};
  const auto add = [&](int64_t i) {
    const float* row = x + i * stride;
    for (int k = 0; k < kRows; ++k) {
      for (int l = 0; l < kWidth; ++l) sums[0][k][l] += row[k * step + l];
    }
  };
  const auto carry = [&](int level) {
    for (int k = 0; k < kRows; ++k) {
      for (int l = 0; l < kWidth; ++l) {
        sums[level][k][l] += sums[level - 1][k][l];
        sums[level - 1][k][l] = 0;
      }
    }
  };
  int64_t i = 0;
  while (i + length <= n) {
    for (int64_t j = 0; j < length; ++j, ++i) add(i);
    for (int level = 1; level < kLevels; ++level) {
      carry(level);
      if ((i & (mask << (level * power))) != 0) break;
    }
  }
  for (; i < n; ++i) add(i);
  for (int level = 1; level < kLevels; ++level) {
    for (int k = 0; k < kRows; ++k) {
      for (int l = 0; l < kWidth; ++l) sums[0][k][l] += sums[level][k][l];
    }
  }
  for (int k = 0; k < kRows; ++k) {
    for (int l = 0; l < kWidth; ++l) out[k][l] = sums[0][k][l];
  }
}

// kWidth sums over n rows, four rows side by side.
template <int kWidth>
TANDEM_INLINE void CascadeRow(int64_t n, const float* x, int64_t stride,
                              float* out) {
  constexpr int kRows = 4;
  float parts[kRows][kWidth];
  Cascade<kRows, kWidth>(n / kRows, x, stride * kRows, stride, parts);
  for (int64_t i = n / kRows * kRows; i < n; ++i) {
    for (int l = 0; l < kWidth; ++l) parts[0][l] += x[i * stride + l];
  }
  for (int k = 1; k < kRows; ++k) {
    for (int l = 0; l < kWidth; ++l) parts[0][l] += parts[k][l];
  }
  std::copy_n(parts[0], kWidth, out);
}

#if defined(__x86_64__)
TANDEM_FUSED_TARGET void AddRowFused(int64_t n, float factor, const float* from,
                                     int64_t stride, float* to) {
  AddRow<Hardware>(n, factor, from, stride, to);
}
TANDEM_FUSED_TARGET void ScaleRowFused(int64_t n, const float* x, float scale,
                                       float shift, float* to) {
  for (int64_t i = 0; i < n; ++i) to[i] = Hardware::Fma(x[i], scale, shift);
}
TANDEM_FUSED_TARGET void NormalizeFused(int64_t n, const float* x, float mean,
                                        float rstd, const float* weight,
                                        const float* bias, float* to) {
  Normalize<Hardware>(n, x, mean, rstd, weight, bias, to);
}
TANDEM_FUSED_TARGET void MomentsFused(int64_t n, const float* x, float* mean,
                                      float* variance) {
  Moments<Hardware>(n, x, mean, variance);
}
#endif

}  // namespace

void FusedAddRow(int64_t n, float factor, const float* from, int64_t stride,
                 float* to) {
#if defined(__x86_64__)
  if (HasFusedAdd()) return AddRowFused(n, factor, from, stride, to);
#endif
  AddRow<Emulated>(n, factor, from, stride, to);
}

void FusedScaleRow(int64_t n, const float* x, float scale, float shift,
                   float* to) {
#if defined(__x86_64__)
  if (HasFusedAdd()) return ScaleRowFused(n, x, scale, shift, to);
#endif
  for (int64_t i = 0; i < n; ++i) to[i] = FusedAdd(x[i], scale, shift);
}

void NormalizeRow(int64_t n, const float* x, float mean, float rstd,
                  const float* weight, const float* bias, float* to) {
#if defined(__x86_64__)
  if (HasFusedAdd()) return NormalizeFused(n, x, mean, rstd, weight, bias, to);
#endif
  Normalize<Emulated>(n, x, mean, rstd, weight, bias, to);
}

void RowMoments(int64_t n, const float* x, float* mean, float* variance) {
#if defined(__x86_64__)
  if (HasFusedAdd()) return MomentsFused(n, x, mean, variance);
#endif
  Moments<Emulated>(n, x, mean, variance);
}

float LaneSum(int64_t n, const float* x) {
  constexpr int kWide = 16;
  if (n < kWide) {
    if (n == 0) return 0;
    float sum = x[0];
    for (int64_t i = 1; i < n; ++i) sum += x[i];
    return sum;
  }
  float lanes[kWide];
  std::copy_n(x, kWide, lanes);
  int64_t i = kWide;
  for (; i + kWide <= n; i += kWide) {
    for (int l = 0; l < kWide; ++l) lanes[l] += x[i + l];
  }
  for (int l = 0; i + l < n; ++l) lanes[l] += x[i + l];
  for (int width = kWide / 2; width > 0; width /= 2) {
    for (int l = 0; l < width; ++l) lanes[l] += lanes[l + width];
  }
  return lanes[0];
}

float CascadeSum(int64_t n, const float* x, int64_t stride) {
  if (stride != 1 || n < kLanes) {
    float sum;
    CascadeRow<1>(n, x, stride, &sum);
    return sum;
  }
  float lanes[kLanes];
  CascadeRow<kLanes>(n / kLanes, x, kLanes, lanes);
  float sum = 0;
  for (int64_t i = n / kLanes * kLanes; i < n; ++i) sum += x[i];
  for (float lane : lanes) sum += lane;
  return sum;
}

void CascadeSumEight(int64_t n, const float* x, int64_t stride, float* out) {
  CascadeRow<kLanes>(n, x, stride, out);
}

void CascadeSumThirtyTwo(int64_t n, const float* x, int64_t stride,
                         float* out) {
  constexpr int kRows = 4;
  float sums[kRows][kLanes];
  Cascade<kRows, kLanes>(n, x, stride, kLanes, sums);
  std::copy_n(&sums[0][0], kRows * kLanes, out);
}

void CascadeSumFour(int64_t n, const float* x, int64_t stride, int64_t step,
                    float* out) {
  constexpr int kRows = 4;
  float sums[kRows][1];
  Cascade<kRows, 1>(n, x, stride, step, sums);
  std::copy_n(&sums[0][0], kRows, out);
}

}  // namespace tandem::reference
