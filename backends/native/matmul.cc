// linear, mm, addmm, bmm, matmul over float.
#include <algorithm>
#include <atomic>

#include "tandem/backends/native/elementwise.h"
#include "tandem/backends/native/families.h"
#include "tandem/backends/native/gemm.h"
#include "tandem/backends/registry.h"
#include "tandem/tensor/context.h"
#include "tandem/tensor/copy.h"
#include "tandem/tensor/status_macros.h"

namespace tandem::native {
namespace {

using Result = absl::StatusOr<Tensor>;

// Strided floats on this machine.
bool IsFloats(const Tensor& t) {
  return t.defined() && t.dtype() == DType::kFloat && !t.is_sparse() &&
         t.device().is_cpu() && t.impl()->storage;
}
Matrix LastTwo(const Tensor& t) {
  const int64_t d = t.dim();
  return {t.data<float>(), t.stride(d - 2), t.stride(d - 1)};
}
bool IsBias(const Tensor& t, int64_t n) {
  return IsFloats(t) && t.dim() == 1 && t.size(0) == n &&
         (t.stride(0) == 1 || n == 1);
}

Result Linear(const Tensor& input, const Tensor& weight, const Tensor& bias) {
  if (!IsFloats(input) || !IsFloats(weight) || weight.dim() != 2 ||
      input.dim() < 1) {
    return Declined();
  }
  if (!input.is_contiguous()) {
    if (input.size(input.dim() - 1) != weight.size(1)) return Declined();
    TANDEM_ASSIGN_OR_RETURN(const Tensor rows, Contiguous(input));
    return Linear(rows, weight, bias);
  }
  const TensorImpl& x = *input.impl();
  const int64_t k = weight.size(1), n = weight.size(0);
  if (x.sizes.back() != k || k == 0) return Declined();
  if (bias.defined() && !IsBias(bias, n)) return Declined();
  Dims sizes = x.sizes;
  sizes.back() = n;
  TANDEM_ASSIGN_OR_RETURN(const Tensor out,
                          Tensor::Empty(sizes, DType::kFloat));
  TANDEM_RETURN_IF_ERROR(Gemm(
      x.numel / k, n, k, {input.data<float>(), k, 1},
      {weight.data<float>(), weight.stride(1), weight.stride(0)},
      bias.defined() ? bias.data<float>() : nullptr, out.data<float>(), n));
  return out;
}

Result Product(const Tensor& a, const Tensor& b, const float* bias) {
  const int64_t m = a.size(0), n = b.size(1), k = a.size(1);
  TANDEM_ASSIGN_OR_RETURN(const Tensor out,
                          Tensor::Empty({m, n}, DType::kFloat));
  TANDEM_RETURN_IF_ERROR(
      Gemm(m, n, k, LastTwo(a), LastTwo(b), bias, out.data<float>(), n));
  return out;
}

Result Mm(const Tensor& a, const Tensor& b) {
  if (!IsFloats(a) || !IsFloats(b) || a.dim() != 2 || b.dim() != 2 ||
      a.size(1) != b.size(0)) {
    return Declined();
  }
  return Product(a, b, nullptr);
}

Result Addmm(const Tensor& self, const Tensor& a, const Tensor& b,
             const Scalar& beta, const Scalar& alpha) {
  if (!IsFloats(a) || !IsFloats(b) || a.dim() != 2 || b.dim() != 2 ||
      a.size(1) != b.size(0) || !IsBias(self, b.size(1)) || beta.is_complex() ||
      alpha.is_complex() || beta.ToDouble() != 1 || alpha.ToDouble() != 1) {
    return Declined();
  }
  return Product(a, b, self.data<float>());
}

// `count` products of matrices that lie a_step and b_step apart.
absl::Status Batched(int64_t count, int64_t m, int64_t n, int64_t k, Matrix a,
                     int64_t a_step, Matrix b, int64_t b_step, float* c) {
  const TaskRunner* tasks = CurrentContext().tasks;
  const int64_t threads = tasks == nullptr ? 1 : tasks->threads();
  const double work = static_cast<double>(m) * n * k;
  if (count < 2 * threads && work > 1 << 18) {
    for (int64_t i = 0; i < count; ++i) {
      TANDEM_RETURN_IF_ERROR(Gemm(m, n, k, a, b, nullptr, c, n));
      a.data += a_step;
      b.data += b_step;
      c += m * n;
    }
    return absl::OkStatus();
  }
  std::atomic<bool> failed{false};
  TANDEM_RETURN_IF_ERROR(ParallelFor(
      count,
      std::max<int64_t>(1,
                        work >= 1 << 17 ? 1 : (1 << 17) / std::max(work, 1.0)),
      [&](int64_t begin, int64_t end) {
        for (int64_t i = begin; i < end; ++i) {
          Matrix ai = a, bi = b;
          ai.data += i * a_step;
          bi.data += i * b_step;
          if (!SerialGemm(m, n, k, ai, bi, nullptr, c + i * m * n, n).ok()) {
            failed = true;
          }
        }
      }));
  if (!failed) return absl::OkStatus();
  TANDEM_RETURN_IF_ERROR(CheckStop());
  return absl::ResourceExhaustedError("out of memory: a matrix product");
}

Result Bmm(const Tensor& a, const Tensor& b) {
  if (!IsFloats(a) || !IsFloats(b) || a.dim() != 3 || b.dim() != 3 ||
      a.size(0) != b.size(0) || a.size(2) != b.size(1)) {
    return Declined();
  }
  const int64_t count = a.size(0), m = a.size(1), n = b.size(2), k = a.size(2);
  TANDEM_ASSIGN_OR_RETURN(const Tensor out,
                          Tensor::Empty({count, m, n}, DType::kFloat));
  TANDEM_RETURN_IF_ERROR(Batched(count, m, n, k, LastTwo(a), a.stride(0),
                                 LastTwo(b), b.stride(0), out.data<float>()));
  return out;
}

// Step between matrices of a batch that lies evenly; -1: it does not.
int64_t BatchStep(const Tensor& t) {
  int64_t step = 0, expected = 0;
  bool first = true;
  for (int64_t d = t.dim() - 3; d >= 0; --d) {
    if (t.size(d) == 1) continue;
    if (first) {
      step = t.stride(d);
      first = false;
    } else if (t.stride(d) != expected) {
      return -1;
    }
    expected = t.stride(d) * t.size(d);
  }
  return step;
}

Result MatMul(const Tensor& x, const Tensor& y) {
  if (!IsFloats(x) || !IsFloats(y)) return Declined();
  Tensor a = x, b = y;
  const int64_t da = a.dim(), db = b.dim();
  if (da < 2 || db < 2 || a.size(da - 1) != b.size(db - 2)) return Declined();
  if (da == 2 && db == 2) return Product(a, b, nullptr);
  const int64_t n = b.size(db - 1), k = a.size(da - 1);
  if (db == 2) {
    if (k == 0) return Declined();
    TANDEM_ASSIGN_OR_RETURN(const Tensor rows, Contiguous(a));
    Dims sizes(a.sizes().begin(), a.sizes().end());
    sizes.back() = n;
    TANDEM_ASSIGN_OR_RETURN(const Tensor out,
                            Tensor::Empty(sizes, DType::kFloat));
    TANDEM_RETURN_IF_ERROR(Gemm(a.numel() / k, n, k, {rows.data<float>(), k, 1},
                                LastTwo(b), nullptr, out.data<float>(), n));
    return out;
  }
  if (da != db || a.sizes().first(da - 2) != b.sizes().first(db - 2)) {
    return Declined();
  }
  int64_t a_step = BatchStep(a), b_step = BatchStep(b);
  if (a_step < 0) {
    TANDEM_ASSIGN_OR_RETURN(a, Contiguous(a));
    a_step = BatchStep(a);
  }
  if (b_step < 0) {
    TANDEM_ASSIGN_OR_RETURN(b, Contiguous(b));
    b_step = BatchStep(b);
  }
  Dims sizes(a.sizes().begin(), a.sizes().end());
  sizes.back() = n;
  int64_t count = 1;
  for (int64_t d = 0; d < da - 2; ++d) count *= a.size(d);
  TANDEM_ASSIGN_OR_RETURN(const Tensor out,
                          Tensor::Empty(sizes, DType::kFloat));
  TANDEM_RETURN_IF_ERROR(Batched(count, a.size(da - 2), n, k, LastTwo(a),
                                 a_step, LastTwo(b), b_step,
                                 out.data<float>()));
  return out;
}

}  // namespace

absl::Status RegisterMatmul(Registry& registry) {
  KernelRegistrar r(registry, "native");
  r.Add("aten::linear", &Linear)
      .Add("aten::mm", &Mm)
      .Add("aten::addmm", &Addmm)
      .Add("aten::bmm", &Bmm)
      .Add("aten::matmul", &MatMul);
  return r.status();
}

}  // namespace tandem::native
