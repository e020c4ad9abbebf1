// mm, bmm, addmm, baddbmm, matmul, linear and attention over Gemm.
#include <cmath>
#include <optional>

#include "tandem/backends/cuda/binding.h"
#include "tandem/backends/cuda/gemm.h"
#include "tandem/backends/cuda/loops.h"
#include "tandem/backends/cuda/rows.h"
#include "tandem/backends/cuda/values.h"
#include "tandem/ir/operators/matmul_shapes.h"
#include "tandem/ir/operators/promotion.h"
#include "tandem/tensor/status_macros.h"

namespace tandem::cuda {
namespace {

using Result = absl::StatusOr<Tensor>;

bool IsFactor(const Tensor& t) {
  return t.defined() && IsOnCuda(t) && !t.is_sparse() && !t.is_quantized() &&
         IsFloatingPoint(t.dtype()) && !CodeType(t.dtype()).empty();
}
bool AreFactors(const Tensor& a, const Tensor& b) {
  return IsFactor(a) && IsFactor(b) && a.dtype() == b.dtype() &&
         a.device() == b.device();
}

// [m, k] as [1, m, k].
Tensor AsBatch(const Tensor& t) {
  return t.ViewUnchecked({1, t.size(0), t.size(1)},
                         {0, t.stride(0), t.stride(1)}, t.offset());
}

Result Mm(Gpu& gpu, const Tensor& a, const Tensor& b) {
  if (!AreFactors(a, b) || !MmSizes("mm", a.sizes(), b.sizes()).ok()) {
    return Declined();
  }
  TANDEM_ASSIGN_OR_RETURN(Tensor c,
                          gpu.Empty({a.size(0), b.size(1)}, a.dtype()));
  TANDEM_RETURN_IF_ERROR(
      Gemm(gpu, AsBatch(a), AsBatch(b), AsBatch(c), Tensor(), 1, 0));
  return c;
}
Result Bmm(Gpu& gpu, const Tensor& a, const Tensor& b) {
  if (!AreFactors(a, b) || !BmmSizes(a.sizes(), b.sizes()).ok()) {
    return Declined();
  }
  TANDEM_ASSIGN_OR_RETURN(
      Tensor c, gpu.Empty({a.size(0), a.size(1), b.size(2)}, a.dtype()));
  TANDEM_RETURN_IF_ERROR(Gemm(gpu, a, b, c, Tensor(), 1, 0));
  return c;
}
// beta * self + alpha * product, where the product is [batch, m, n].
Result AddProduct(Gpu& gpu, const Tensor& self, const Tensor& a,
                  const Tensor& b, DimSpan sizes, const Scalar& beta,
                  const Scalar& alpha) {
  if (self.dtype() != a.dtype() || !IsFactor(self) || beta.is_complex() ||
      alpha.is_complex() || !ExpandTo(self, sizes).ok()) {
    return Declined();
  }
  TANDEM_ASSIGN_OR_RETURN(Tensor c, gpu.Empty(sizes, a.dtype()));
  const Tensor cb = c.dim() == 2 ? AsBatch(c) : c;
  const double scale = beta.ToDouble();
  // A bias of the last dim is added where the product ends.
  const bool is_bias = scale == 1 && self.dim() <= 1 && self.is_contiguous() &&
                       self.numel() == sizes.back() && a.size(2) > 0;
  if (scale != 0 && !is_bias) {
    TANDEM_RETURN_IF_ERROR(CopyOnGpu(gpu, self, c));
    if (a.size(2) == 0) return Declined();
  }
  TANDEM_RETURN_IF_ERROR(Gemm(gpu, a, b, cb, is_bias ? self : Tensor(),
                              alpha.ToDouble(), is_bias ? 0 : scale));
  return c;
}
Result AddMm(Gpu& gpu, const Tensor& self, const Tensor& a, const Tensor& b,
             const Scalar& beta, const Scalar& alpha) {
  if (!AreFactors(a, b)) return Declined();
  const absl::StatusOr<Dims> sizes = MmSizes("addmm", a.sizes(), b.sizes());
  if (!sizes.ok() || !self.defined()) return Declined();
  return AddProduct(gpu, self, AsBatch(a), AsBatch(b), *sizes, beta, alpha);
}
Result BAddBmm(Gpu& gpu, const Tensor& self, const Tensor& a, const Tensor& b,
               const Scalar& beta, const Scalar& alpha) {
  if (!AreFactors(a, b)) return Declined();
  const absl::StatusOr<Dims> sizes = BmmSizes(a.sizes(), b.sizes());
  if (!sizes.ok() || !self.defined()) return Declined();
  return AddProduct(gpu, self, a, b, *sizes, beta, alpha);
}

// All dims but the last two as one batch; copies where strides do not allow.
Result Batched(Gpu& gpu, const Tensor& t, DimSpan batch) {
  Dims sizes(batch.begin(), batch.end());
  sizes.push_back(t.size(t.dim() - 2));
  sizes.push_back(t.size(t.dim() - 1));
  TANDEM_ASSIGN_OR_RETURN(Tensor x, ExpandTo(t, sizes));
  int64_t count = 1;
  for (int64_t s : batch) count *= s;
  // Do the batch dims follow each other?
  int64_t stride = 0;
  bool joins = true;
  int64_t inner = 1;
  for (int64_t d = static_cast<int64_t>(batch.size()) - 1; d >= 0; --d) {
    if (x.size(d) == 1) continue;
    if (inner == 1) {
      stride = x.stride(d);
    } else if (x.stride(d) != stride * inner) {
      joins = false;
    }
    inner *= x.size(d);
  }
  if (!joins) {
    TANDEM_ASSIGN_OR_RETURN(x, ContiguousOnGpu(gpu, x));
    stride = x.size(x.dim() - 2) * x.size(x.dim() - 1);
  }
  return x.ViewUnchecked({count, x.size(x.dim() - 2), x.size(x.dim() - 1)},
                         {stride, x.stride(x.dim() - 2), x.stride(x.dim() - 1)},
                         x.offset());
}

Result MatMul(Gpu& gpu, const Tensor& self, const Tensor& other) {
  if (!AreFactors(self, other)) return Declined();
  const absl::StatusOr<Dims> sizes = MatMulSizes(self.sizes(), other.sizes());
  if (!sizes.ok()) return Declined();
  Tensor a = self, b = other;
  if (a.dim() == 1) {
    a = a.ViewUnchecked({1, a.size(0)}, {0, a.stride(0)}, a.offset());
  }
  if (b.dim() == 1) {
    b = b.ViewUnchecked({b.size(0), 1}, {b.stride(0), 0}, b.offset());
  }
  TANDEM_ASSIGN_OR_RETURN(Tensor c, gpu.Empty(*sizes, a.dtype()));
  const int64_t m = a.size(a.dim() - 2), n = b.size(b.dim() - 1);
  if (c.numel() == 0) return c;
  // One matrix on the right: rows of all batches are rows of one product.
  if (b.dim() == 2 && a.is_contiguous()) {
    const int64_t rows = c.numel() / n;
    const Tensor flat =
        a.ViewUnchecked({1, rows, a.size(a.dim() - 1)},
                        {0, a.size(a.dim() - 1), 1}, a.offset());
    const Tensor out = c.ViewUnchecked({1, rows, n}, {0, n, 1}, c.offset());
    TANDEM_RETURN_IF_ERROR(Gemm(gpu, flat, AsBatch(b), out, Tensor(), 1, 0));
    return c;
  }
  absl::StatusOr<Dims> batch =
      BroadcastSizes(a.sizes().first(static_cast<size_t>(a.dim() - 2)),
                     b.sizes().first(static_cast<size_t>(b.dim() - 2)));
  if (!batch.ok()) return Declined();
  TANDEM_ASSIGN_OR_RETURN(const Tensor x, Batched(gpu, a, *batch));
  TANDEM_ASSIGN_OR_RETURN(const Tensor y, Batched(gpu, b, *batch));
  const Tensor out =
      c.ViewUnchecked({x.size(0), m, n}, {m * n, n, 1}, c.offset());
  TANDEM_RETURN_IF_ERROR(Gemm(gpu, x, y, out, Tensor(), 1, 0));
  return c;
}

Result Linear(Gpu& gpu, const Tensor& input, const Tensor& weight,
              const Tensor& bias) {
  if (!AreFactors(input, weight) || weight.dim() != 2 || input.dim() == 0) {
    return Declined();
  }
  if (bias.defined() &&
      (bias.dtype() != input.dtype() || bias.dim() != 1 ||
       bias.device() != input.device() || !bias.is_contiguous() ||
       bias.numel() != weight.size(0))) {
    return Declined();
  }
  const absl::StatusOr<Dims> sizes =
      LinearSizes(input.sizes(), weight.sizes(), bias.defined());
  if (!sizes.ok()) return Declined();
  TANDEM_ASSIGN_OR_RETURN(const Tensor x, ContiguousOnGpu(gpu, input));
  TANDEM_ASSIGN_OR_RETURN(Tensor c, gpu.Empty(*sizes, x.dtype()));
  if (c.numel() == 0) return c;
  const int64_t k = weight.size(1), n = weight.size(0);
  const int64_t rows = c.numel() / n;
  const Tensor a = x.ViewUnchecked({1, rows, k}, {0, k, 1}, x.offset());
  const Tensor b = weight.ViewUnchecked(
      {1, k, n}, {0, weight.stride(1), weight.stride(0)}, weight.offset());
  const Tensor out = c.ViewUnchecked({1, rows, n}, {0, n, 1}, c.offset());
  TANDEM_RETURN_IF_ERROR(Gemm(gpu, a, b, out, bias, 1, 0));
  return c;
}

// softmax(q k' * scale + mask) v.
Result Attention(Gpu& gpu, const Tensor& q, const Tensor& k, const Tensor& v,
                 const Tensor& mask, double dropout, bool causal,
                 std::optional<double> scale, bool enable_gqa) {
  if (!AreFactors(q, k) || !AreFactors(q, v) || dropout != 0 || enable_gqa ||
      q.dim() < 3 || k.dim() != q.dim() || v.dim() != q.dim()) {
    return Declined();
  }
  const int64_t d = q.dim();
  const size_t lead = static_cast<size_t>(d - 2);
  if (q.sizes().first(lead) != k.sizes().first(lead) ||
      q.sizes().first(lead) != v.sizes().first(lead) ||
      q.size(d - 1) != k.size(d - 1) || k.size(d - 2) != v.size(d - 2) ||
      q.numel() == 0 || v.numel() == 0) {
    return Declined();
  }
  const int64_t l = q.size(d - 2), s = k.size(d - 2);
  const double factor =
      scale.value_or(1 / std::sqrt(static_cast<double>(q.size(d - 1))));
  const DimSpan batch = q.sizes().first(lead);
  TANDEM_ASSIGN_OR_RETURN(const Tensor a, Batched(gpu, q, batch));
  TANDEM_ASSIGN_OR_RETURN(Tensor b, Batched(gpu, k, batch));
  TANDEM_ASSIGN_OR_RETURN(const Tensor w, Batched(gpu, v, batch));
  b = b.ViewUnchecked({b.size(0), b.size(2), b.size(1)},
                      {b.stride(0), b.stride(2), b.stride(1)}, b.offset());
  Dims sizes(batch.begin(), batch.end());
  sizes.push_back(l);
  sizes.push_back(s);
  TANDEM_ASSIGN_OR_RETURN(Tensor scores, gpu.Empty(sizes, q.dtype()));
  const Tensor flat =
      scores.ViewUnchecked({a.size(0), l, s}, {l * s, s, 1}, scores.offset());
  TANDEM_RETURN_IF_ERROR(Gemm(gpu, a, b, flat, Tensor(), factor, 0));
  if (mask.defined()) {
    if (!IsOnCuda(mask) || !ExpandTo(mask, sizes).ok()) return Declined();
    Loop loop;
    loop.compute = ComputeType(q.dtype());
    // The least number: rows without any key are NaN, as PyTorch's.
    if (mask.dtype() == DType::kBool) {
      loop.expression = "Select(y, x, -(T)BitsFloat(0x7f800000))";
      loop.bools = 2;
    } else if (mask.dtype() == q.dtype()) {
      loop.expression = "x + y";
    } else {
      return Declined();
    }
    TANDEM_RETURN_IF_ERROR(RunLoop(
        gpu, loop, {LoopOperand{&scores, nullptr}, LoopOperand{&mask, nullptr}},
        {}, scores));
  } else if (causal) {
    Loop loop;
    loop.compute = ComputeType(q.dtype());
    // i is the element's number.
    loop.expression =
        "Select(i % args.params[0].i > i / args.params[0].i % "
        "args.params[1].i, -(T)BitsFloat(0x7f800000), x)";
    TANDEM_RETURN_IF_ERROR(RunLoop(gpu, loop, {LoopOperand{&scores, nullptr}},
                                   {Scalar(s), Scalar(l)}, scores));
  }
  TANDEM_ASSIGN_OR_RETURN(
      const Tensor weights,
      SoftmaxOnGpu(gpu, scores, d - 1, q.dtype(), /*log=*/false));
  const Tensor p =
      weights.ViewUnchecked({a.size(0), l, s}, {l * s, s, 1}, weights.offset());
  sizes.back() = v.size(d - 1);
  TANDEM_ASSIGN_OR_RETURN(Tensor out, gpu.Empty(sizes, q.dtype()));
  const int64_t n = v.size(d - 1);
  TANDEM_RETURN_IF_ERROR(
      Gemm(gpu, p, w,
           out.ViewUnchecked({a.size(0), l, n}, {l * n, n, 1}, out.offset()),
           Tensor(), 1, 0));
  return out;
}

}  // namespace

void AddMatmul(Registrar& r) {
  r.Add<&Mm>("aten::mm")
      .Add<&Bmm>("aten::bmm")
      .Add<&AddMm>("aten::addmm")
      .Add<&BAddBmm>("aten::baddbmm")
      .Add<&MatMul>("aten::matmul")
      .Add<&Linear>("aten::linear")
      .Add<&Attention>("aten::scaled_dot_product_attention");
}

}  // namespace tandem::cuda
