// scaled_dot_product_attention over float: a block of queries at a time, whose
// scores stay in the second cache.
#include <algorithm>
#include <atomic>
#include <cmath>
#include <limits>

#include "tandem/backends/native/elementwise.h"
#include "tandem/backends/native/families.h"
#include "tandem/backends/native/gemm.h"
#include "tandem/backends/native/kernel_table.h"
#include "tandem/backends/registry.h"
#include "tandem/tensor/context.h"
#include "tandem/tensor/copy.h"
#include "tandem/tensor/memory_pool.h"
#include "tandem/tensor/status_macros.h"

namespace tandem::native {
namespace {

constexpr float kLowest = -std::numeric_limits<float>::infinity();
constexpr int64_t kBlock = 64;  // queries

bool IsOperand(const Tensor& t) {
  return t.defined() && t.dtype() == DType::kFloat && t.dim() == 4 &&
         !t.is_sparse() && t.device().is_cpu() && t.impl()->storage;
}

// A mask seen with the scores' sizes.
struct Mask {
  const char* data = nullptr;  // null: none
  bool is_bool = false;
  int64_t strides[4] = {};  // in elements; 0 repeats
};

// False: not one that broadcasts to the scores.
bool ReadMask(const Tensor& t, const int64_t (&sizes)[4], Mask* mask) {
  if (t.dim() > 4 || t.is_sparse() || !t.device().is_cpu() ||
      !t.impl()->storage) {
    return false;
  }
  if (t.dtype() != DType::kBool && t.dtype() != DType::kFloat) return false;
  const int64_t shift = 4 - t.dim();
  for (int64_t d = 0; d < t.dim(); ++d) {
    if (t.size(d) == 1) continue;
    if (t.size(d) != sizes[d + shift]) return false;
    mask->strides[d + shift] = t.stride(d);
  }
  mask->data = t.raw_data();
  mask->is_bool = t.dtype() == DType::kBool;
  return true;
}

void AddMask(const Mask& mask, int64_t offset, int64_t n, float* scores) {
  const int64_t step = mask.strides[3];
  if (mask.is_bool) {
    const char* m = mask.data + offset;
    for (int64_t j = 0; j < n; ++j) {
      scores[j] = m[j * step] != 0 ? scores[j] : kLowest;
    }
  } else {
    const float* m = reinterpret_cast<const float*>(mask.data) + offset;
    for (int64_t j = 0; j < n; ++j) scores[j] += m[j * step];
  }
}

absl::StatusOr<Tensor> Attention(const Tensor& q, const Tensor& k,
                                 const Tensor& v, const Tensor& attn_mask,
                                 double dropout_p, bool is_causal,
                                 std::optional<double> scale, bool) {
  if (!IsOperand(q) || !IsOperand(k) || !IsOperand(v) || dropout_p != 0) {
    return Declined();
  }
  const int64_t batch = q.size(0), heads = q.size(1), rows = q.size(2),
                width = q.size(3), cols = k.size(2), out_width = v.size(3);
  if (k.size(0) != batch || v.size(0) != batch || k.size(1) != heads ||
      v.size(1) != heads || k.size(3) != width || v.size(2) != cols ||
      batch * heads * rows == 0 || cols == 0 || width == 0 || out_width == 0 ||
      cols > 1 << 28 || width > 1 << 28) {  // as expanded tensors may claim
    return Declined();
  }
  Mask mask;
  if (attn_mask.defined()) {
    const int64_t sizes[4] = {batch, heads, rows, cols};
    if (is_causal || !ReadMask(attn_mask, sizes, &mask)) return Declined();
  }
  // Laid out as the query, where it can be.
  Tensor out;
  if (out_width == width && !q.is_contiguous()) {
    TANDEM_ASSIGN_OR_RETURN(out, EmptyLike(q, DType::kFloat));
    if (out.stride(3) != 1) return Declined();
  } else {
    TANDEM_ASSIGN_OR_RETURN(
        out, Tensor::Empty({batch, heads, rows, out_width}, DType::kFloat));
  }
  const float factor = static_cast<float>(
      scale.value_or(1 / std::sqrt(static_cast<double>(width))));
  const int64_t block = std::min(rows, kBlock);
  const int64_t blocks = (rows + block - 1) / block;
  const KernelTable& table = Kernels();
  std::atomic<bool> failed{false};
  const auto run = [&](int64_t begin, int64_t end) {
    size_t capacity = 0;
    float* const memory = static_cast<float*>(memory_pool::Allocate(
        static_cast<size_t>(block * (width + cols)) * sizeof(float),
        &capacity));
    if (memory == nullptr) {
      failed = true;
      return;
    }
    float *const queries = memory, *const scores = memory + block * width;
    for (int64_t t = begin; t < end; ++t) {
      const int64_t first = t % blocks * block;
      const int64_t h = t / blocks % heads, b = t / blocks / heads;
      const int64_t m = std::min(block, rows - first);
      const float* from = q.data<float>() + b * q.stride(0) + h * q.stride(1) +
                          first * q.stride(2);
      for (int64_t i = 0; i < m; ++i) {
        for (int64_t e = 0; e < width; ++e) {
          queries[i * width + e] =
              from[i * q.stride(2) + e * q.stride(3)] * factor;
        }
      }
      // Keys past the last query of the block are never seen.
      const int64_t n = is_causal ? std::min(cols, first + m) : cols;
      const Matrix keys = {k.data<float>() + b * k.stride(0) + h * k.stride(1),
                           k.stride(3), k.stride(2)};
      const Matrix values = {
          v.data<float>() + b * v.stride(0) + h * v.stride(1), v.stride(2),
          v.stride(3)};
      if (!SerialGemm(m, n, width, {queries, width, 1}, keys, nullptr, scores,
                      n)
               .ok()) {
        failed = true;
        break;
      }
      for (int64_t i = 0; i < m; ++i) {
        float* row = scores + i * n;
        const int64_t seen = is_causal ? std::min(n, first + i + 1) : n;
        if (mask.data != nullptr) {
          AddMask(mask,
                  b * mask.strides[0] + h * mask.strides[1] +
                      (first + i) * mask.strides[2],
                  n, row);
        }
        std::fill(row + seen, row + n, 0.0f);
        if (table.f32.max(row, seen) == kLowest) {
          std::fill_n(row, seen, 0.0f);  // nothing to attend to
        } else {
          table.f.softmax(row, row, seen);
        }
      }
      float* to = out.data<float>() + b * out.stride(0) + h * out.stride(1) +
                  first * out.stride(2);
      if (!SerialGemm(m, out_width, n, {scores, n, 1}, values, nullptr, to,
                      out.stride(2))
               .ok()) {
        failed = true;
        break;
      }
    }
    memory_pool::Free(memory, capacity);
  };
  const int64_t work = std::max<int64_t>(1, block * cols * width);
  TANDEM_RETURN_IF_ERROR(ParallelFor(
      batch * heads * blocks, std::max<int64_t>(1, (1 << 17) / work), run));
  if (failed) {
    TANDEM_RETURN_IF_ERROR(CheckStop());
    return absl::ResourceExhaustedError("out of memory: attention's scores");
  }
  return out;
}

}  // namespace

absl::Status RegisterAttention(Registry& registry) {
  KernelRegistrar r(registry, "native");
  r.Add("aten::scaled_dot_product_attention", &Attention);
  return r.status();
}

}  // namespace tandem::native
