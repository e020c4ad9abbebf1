#include "tandem/backends/reference/gemm_small.h"

#include <algorithm>
#include <cstring>

namespace tandem::reference {
namespace {

// Four numbers; products and sums are rounded apart (no fused multiply-add), as
// baseline x86-64 does.
typedef float Four __attribute__((vector_size(16), aligned(4), may_alias));

inline Four Load(const float* p) { return *reinterpret_cast<const Four*>(p); }

inline float SumLanes(Four v) { return (v[0] + v[2]) + (v[1] + v[3]); }

// Rows of B that are summed side by side, for speed alone.
constexpr int kRows = 4;

// The first `head` products one by one, then in four lanes, the rest one by
// one.
template <int kCount>
inline void LaneDots(int64_t k, int64_t head, const float* x, const float* b,
                     int64_t ldb, float* out) {
  Four acc[kCount];
  for (int r = 0; r < kCount; ++r) {
    const float* y = b + r * ldb;
    float sum = 0;
    for (int64_t p = 0; p < head; ++p) sum += x[p] * y[p];
    acc[r] = Four{sum, 0, 0, 0};
  }
  int64_t p = head;
  for (; p + 4 <= k; p += 4) {
    const Four xv = Load(x + p);
    for (int r = 0; r < kCount; ++r) acc[r] += xv * Load(b + r * ldb + p);
  }
  for (int r = 0; r < kCount; ++r) {
    const float* y = b + r * ldb;
    float sum = SumLanes(acc[r]);
    for (int64_t q = p; q < k; ++q) sum += x[q] * y[q];
    out[r] = sum;
  }
}

// One row of B: as above in 4 or 8 lanes; the lanes end at `end` at the latest.
inline float RowDot(int64_t k, int64_t head, int64_t end, bool eight,
                    const float* x, const float* y) {
  float sum = 0;
  int64_t p = 0;
  for (; p < head; ++p) sum += x[p] * y[p];
  Four low = {sum, 0, 0, 0}, high = {};
  if (eight) {
    for (; p + 8 <= end; p += 8) {
      low += Load(x + p) * Load(y + p);
      high += Load(x + p + 4) * Load(y + p + 4);
    }
    low += high;
  } else {
    for (; p + 4 <= end; p += 4) low += Load(x + p) * Load(y + p);
  }
  sum = SumLanes(low);
  for (; p < k; ++p) sum += x[p] * y[p];
  return sum;
}

}  // namespace

void SmallDotRows(int64_t n, int64_t k, const float* x, const float* b,
                  int64_t ldb, float* out) {
  // Up to where x is aligned to a vector.
  const int64_t misaligned = reinterpret_cast<uintptr_t>(x) / sizeof(float) % 4;
  const int64_t head = std::min<int64_t>(k, (4 - misaligned) % 4);
  int64_t j = 0;
  for (; j + kRows <= n; j += kRows) {
    LaneDots<kRows>(k, head, x, b + j * ldb, ldb, out + j);
  }
  for (; j < n; ++j) out[j] = RowDot(k, head, k, true, x, b + j * ldb);
}

void VectorDotRows(int64_t n, int64_t k, const float* x, const float* b,
                   int64_t ldb, float* out) {
  const int64_t head = k == 0 ? 0 : (k - 1) % 4 + 1;
  int64_t j = 0;
  for (; j + kRows <= n; j += kRows) {
    LaneDots<kRows>(k, head, x, b + j * ldb, ldb, out + j);
  }
  for (int64_t i = 0; j < n; ++j, ++i) {
    out[j] =
        RowDot(k, std::min<int64_t>(k, 4), k - 1, i % 2 == 0, x, b + j * ldb);
  }
}

void SmallSumRows(int64_t n, int64_t k, const float* x, int64_t incx,
                  const float* b, int64_t ldb, float* out) {
  constexpr int kVectors = 8;
  int64_t j = 0;
  for (; j + 4 * kVectors <= n; j += 4 * kVectors) {
    Four acc[kVectors] = {};
    for (int64_t p = 0; p < k; ++p) {
      const float xp = x[p * incx];
      const float* row = b + p * ldb + j;
      for (int v = 0; v < kVectors; ++v) acc[v] += xp * Load(row + 4 * v);
    }
    std::memcpy(out + j, acc, sizeof(acc));
  }
  for (; j + 4 <= n; j += 4) {
    Four acc = {};
    for (int64_t p = 0; p < k; ++p) acc += x[p * incx] * Load(b + p * ldb + j);
    std::memcpy(out + j, &acc, sizeof(acc));
  }
  for (; j < n; ++j) {
    float sum = 0;
    for (int64_t p = 0; p < k; ++p) sum += x[p * incx] * b[p * ldb + j];
    out[j] = sum;
  }
}

float DotVectors(int64_t k, const float* x, const float* y) {
  Four acc[4] = {};
  int64_t p = 0;
  for (; p + 16 <= k; p += 16) {
    for (int v = 0; v < 4; ++v) {
      acc[v] += Load(x + p + 4 * v) * Load(y + p + 4 * v);
    }
  }
  if (p + 8 <= k) {
    for (int v = 0; v < 2; ++v) {
      acc[v] += Load(x + p + 4 * v) * Load(y + p + 4 * v);
    }
    p += 8;
  }
  if (p + 4 <= k) {
    acc[0] += Load(x + p) * Load(y + p);
    p += 4;
  }
  for (; p < k; ++p) acc[0][0] += x[p] * y[p];
  return SumLanes(((acc[0] + acc[1]) + acc[2]) + acc[3]);
}

}  // namespace tandem::reference
