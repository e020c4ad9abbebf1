// Products of three sizes: tiny ones read B as it lies (or turned on the
// stack), few rows walk B once, the rest packs panels for a tile that lives in
// registers.
#include "tandem/backends/native/gemm.h"

#include <algorithm>
#include <atomic>
#include <cstring>

#include "tandem/backends/native/kernel_table.h"
#include "tandem/tensor/context.h"
#include "tandem/tensor/memory_pool.h"
#include "tandem/tensor/status_macros.h"

namespace tandem::native {
namespace {

// Depth of packed panels: one of B stays in the first cache, a block of A in
// the second.
constexpr int64_t kDepth = 256;
constexpr int64_t kRowBlock = 112;
constexpr int64_t kColBlock = 2048;

class Scratch {
 public:
  explicit Scratch(int64_t floats)
      : data_(memory_pool::Allocate(static_cast<size_t>(floats) * 4,
                                    &capacity_)) {}
  ~Scratch() {
    if (data_ != nullptr) memory_pool::Free(data_, capacity_);
  }
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;
  float* data() const { return static_cast<float*>(data_); }

 private:
  size_t capacity_ = 0;
  void* data_;
};

absl::Status NoMemory() {
  return absl::ResourceExhaustedError("out of memory: a matrix product");
}

int64_t RoundUp(int64_t x, int64_t to) { return (x + to - 1) / to * to; }

// Panels of `width` lines of a matrix whose lines are `stride` apart and whose
// elements along k are `k_stride` apart: [panel][k][width], the last filled
// with zeros.
void Pack(int64_t k, int64_t count, int64_t width, const float* data,
          int64_t k_stride, int64_t stride, float* out) {
  for (int64_t j = 0; j < count; j += width, out += k * width) {
    const int64_t live = std::min(width, count - j);
    const float* from = data + j * stride;
    if (live < width) std::fill_n(out, k * width, 0.0f);
    if (stride == 1) {
      for (int64_t p = 0; p < k; ++p) {
        std::memcpy(out + p * width, from + p * k_stride,
                    static_cast<size_t>(live) * sizeof(float));
      }
      continue;
    }
    // Turned in squares of 8, which read whole cache lines.
    for (int64_t p0 = 0; p0 < k; p0 += 8) {
      const int64_t p1 = std::min(k, p0 + 8);
      for (int64_t l = 0; l < live; ++l) {
        const float* line = from + l * stride;
        for (int64_t p = p0; p < p1; ++p) {
          out[p * width + l] = line[p * k_stride];
        }
      }
    }
  }
}

void FillBias(int64_t m, int64_t n, const float* bias, float* c, int64_t ldc) {
  for (int64_t i = 0; i < m; ++i) {
    if (bias == nullptr) {
      std::fill_n(c + i * ldc, n, 0.0f);
    } else {
      std::copy_n(bias, n, c + i * ldc);
    }
  }
}

// Cases that need no packing. False: none of them.
bool RunUnpacked(int64_t m, int64_t n, int64_t k, const Matrix& a,
                 const Matrix& b, const float* bias, float* c, int64_t ldc) {
  const FloatKernels& f = Kernels().f;
  if (a.col_stride != 1 && k != 1) return false;
  const double work = static_cast<double>(m) * n * k;
  const bool is_vector = n == 1 && b.row_stride == 1;
  if ((b.col_stride == 1 || n == 1) && !is_vector) {
    if (m <= 4 || work <= 32 * 32 * 32) {
      f.small_gemm(m, n, k, a.data, a.row_stride, b.data, b.row_stride, bias, c,
                   ldc);
      return true;
    }
    return false;
  }
  if (b.row_stride != 1 && k != 1) return false;
  // Rows of B's transpose lie along k.
  constexpr int64_t kTurned = 1024;
  if (work <= 32 * 32 * 32 && n * k <= kTurned && (k < 16 || m > 3)) {
    float turned[kTurned];
    for (int64_t j = 0; j < n; ++j) {
      for (int64_t p = 0; p < k; ++p) {
        turned[p * n + j] = b.data[j * b.col_stride + p];
      }
    }
    f.small_gemm(m, n, k, a.data, a.row_stride, turned, n, bias, c, ldc);
    return true;
  }
  if (m <= 4 || work <= 32 * 32 * 32) {
    f.dot_rows(m, n, k, a.data, a.row_stride, b.data, b.col_stride, bias, c,
               ldc);
    return true;
  }
  return false;
}

// Rows [0, m) of C over columns [0, n) of packed B, one depth block.
void RunBlock(int64_t m, int64_t n, int64_t k, const Matrix& a, int64_t p0,
              const float* bp, float* ap, float* c, int64_t ldc,
              bool accumulate) {
  const FloatKernels& f = Kernels().f;
  const int64_t rows = f.tile_rows, cols = f.tile_cols;
  Pack(k, m, rows, a.data + p0 * a.col_stride, a.col_stride, a.row_stride, ap);
  for (int64_t j = 0; j < n; j += cols) {
    const int64_t live_cols = std::min(cols, n - j);
    for (int64_t i = 0; i < m; i += rows) {
      f.tile(k, ap + i * k, bp + j * k, c + i * ldc + j, ldc,
             std::min(rows, m - i), live_cols, accumulate);
    }
  }
}

absl::Status PackedGemm(int64_t m, int64_t n, int64_t k, const Matrix& a,
                        const Matrix& b, const float* bias, float* c,
                        int64_t ldc, bool parallel) {
  const FloatKernels& f = Kernels().f;
  const int64_t rows = f.tile_rows, cols = f.tile_cols;
  const int64_t row_block = kRowBlock / rows * rows;
  const int64_t depth_max = std::min(k, kDepth);
  Scratch b_memory(depth_max * RoundUp(std::min(n, kColBlock), cols));
  float* const bp = b_memory.data();
  if (bp == nullptr) return NoMemory();
  if (bias != nullptr) FillBias(m, n, bias, c, ldc);
  const TaskRunner* tasks = parallel ? CurrentContext().tasks : nullptr;
  const int64_t threads = tasks == nullptr ? 1 : tasks->threads();
  for (int64_t j0 = 0; j0 < n; j0 += kColBlock) {
    const int64_t nb = std::min(kColBlock, n - j0);
    for (int64_t p0 = 0; p0 < k; p0 += kDepth) {
      const int64_t kb = std::min(kDepth, k - p0);
      const bool accumulate = p0 > 0 || bias != nullptr;
      const auto pack_b = [&](int64_t begin, int64_t end) {
        const int64_t from = begin * cols;
        Pack(kb, std::min(nb, end * cols) - from, cols,
             b.data + p0 * b.row_stride + (j0 + from) * b.col_stride,
             b.row_stride, b.col_stride, bp + from * kb);
      };
      const int64_t panels = (nb + cols - 1) / cols;
      const int64_t row_blocks = (m + row_block - 1) / row_block;
      if (threads <= 1) {
        TANDEM_RETURN_IF_ERROR(CheckStop());
        pack_b(0, panels);
        Scratch a_memory(kb * row_block);
        if (a_memory.data() == nullptr) return NoMemory();
        for (int64_t i = 0; i < m; i += row_block) {
          Matrix rows_of_a = a;
          rows_of_a.data += i * a.row_stride;
          RunBlock(std::min(row_block, m - i), nb, kb, rows_of_a, p0, bp,
                   a_memory.data(), c + i * ldc + j0, ldc, accumulate);
        }
        continue;
      }
      TANDEM_RETURN_IF_ERROR(ParallelFor(
          panels, std::max<int64_t>(1, panels / (2 * threads)), pack_b));
      // Blocks of rows, and of columns where rows alone are too few.
      const int64_t wanted = 4 * threads;
      const int64_t strips =
          std::min(panels, std::max<int64_t>(1, wanted / row_blocks));
      const int64_t strip = (panels + strips - 1) / strips;
      std::atomic<bool> no_memory{false};
      TANDEM_RETURN_IF_ERROR(
          ParallelFor(row_blocks * strips, 1, [&](int64_t begin, int64_t end) {
            Scratch a_memory(kb * row_block);
            if (a_memory.data() == nullptr) {
              no_memory = true;
              return;
            }
            for (int64_t t = begin; t < end; ++t) {
              const int64_t i = t / strips * row_block;
              const int64_t first = t % strips * strip;
              if (first >= panels) continue;
              const int64_t j = first * cols;
              Matrix rows_of_a = a;
              rows_of_a.data += i * a.row_stride;
              RunBlock(std::min(row_block, m - i),
                       std::min(nb - j, strip * cols), kb, rows_of_a, p0,
                       bp + j * kb, a_memory.data(), c + i * ldc + j0 + j, ldc,
                       accumulate);
            }
          }));
      if (no_memory) return NoMemory();
    }
  }
  return absl::OkStatus();
}

// Few rows of A, in pieces of columns for tasks.
absl::Status RunFewRows(int64_t m, int64_t n, int64_t k, const Matrix& a,
                        const Matrix& b, const float* bias, float* c,
                        int64_t ldc) {
  const FloatKernels& f = Kernels().f;
  const int64_t grain = RoundUp(std::max<int64_t>(64, (1 << 17) / (m * k)), 64);
  return ParallelFor(n, grain, [&](int64_t begin, int64_t end) {
    const float* bias_at = bias == nullptr ? nullptr : bias + begin;
    if (b.col_stride == 1 && n > 1) {
      f.small_gemm(m, end - begin, k, a.data, a.row_stride, b.data + begin,
                   b.row_stride, bias_at, c + begin, ldc);
    } else {
      f.dot_rows(m, end - begin, k, a.data, a.row_stride,
                 b.data + begin * b.col_stride, b.col_stride, bias_at,
                 c + begin, ldc);
    }
  });
}

}  // namespace

absl::Status SerialGemm(int64_t m, int64_t n, int64_t k, const Matrix& a,
                        const Matrix& b, const float* bias, float* c,
                        int64_t ldc) {
  if (m == 0 || n == 0) return absl::OkStatus();
  if (k == 0) {
    FillBias(m, n, bias, c, ldc);
    return absl::OkStatus();
  }
  if (RunUnpacked(m, n, k, a, b, bias, c, ldc)) return absl::OkStatus();
  return PackedGemm(m, n, k, a, b, bias, c, ldc, false);
}

absl::Status Gemm(int64_t m, int64_t n, int64_t k, const Matrix& a,
                  const Matrix& b, const float* bias, float* c, int64_t ldc) {
  if (m == 0 || n == 0 || k == 0 || static_cast<double>(m) * n * k <= 1 << 16) {
    return SerialGemm(m, n, k, a, b, bias, c, ldc);
  }
  if (m <= 4 && a.col_stride == 1 && (b.col_stride == 1 || b.row_stride == 1)) {
    return RunFewRows(m, n, k, a, b, bias, c, ldc);
  }
  return PackedGemm(m, n, k, a, b, bias, c, ldc, true);
}

}  // namespace tandem::native
