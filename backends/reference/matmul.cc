// mm, addmm, bmm, baddbmm, addbmm, mv, addmv, dot, matmul, linear.
#include "tandem/backends/reference/matmul.h"

#include "tandem/backends/reference/families.h"
#include "tandem/backends/reference/gemm.h"
#include "tandem/backends/reference/gemm_small.h"
#include "tandem/backends/reference/parts.h"
#include "tandem/backends/reference/sparse.h"
#include "tandem/backends/reference/variants.h"
#include "tandem/ir/operators/matmul_shapes.h"
#include "tandem/ir/operators/promotion.h"
#include "tandem/tensor/copy.h"
#include "tandem/tensor/status_macros.h"
#include "tandem/tensor/visit.h"

namespace tandem::reference {
namespace {

template <typename T>
MatrixRef<T> Matrix(const Tensor& t) {
  const int64_t d = t.dim();
  return {t.data<std::remove_const_t<T>>(), t.stride(d - 2), t.stride(d - 1)};
}

// c = alpha * a * b + beta * c of each batch; sums in the order of k.
void PlainProducts(float alpha, const Tensor& a, const Tensor& b, float beta,
                   const Tensor& c) {
  const int64_t depth = a.size(2);
  for (int64_t i = 0; i < c.size(0); ++i) {
    for (int64_t r = 0; r < c.size(1); ++r) {
      const float* row = a.data<float>() + i * a.stride(0) + r * a.stride(1);
      for (int64_t j = 0; j < c.size(2); ++j) {
        const float* column =
            b.data<float>() + i * b.stride(0) + j * b.stride(2);
        float sum = 0;
        for (int64_t p = 0; p < depth; ++p) {
          sum += row[p * a.stride(2)] * column[p * b.stride(1)];
        }
        float* to = c.data<float>() + i * c.stride(0) + r * c.stride(1) +
                    j * c.stride(2);
        *to = beta == 0 ? alpha * sum : alpha * sum + beta * *to;
      }
    }
  }
}

absl::Status CheckScalars(const Scalar& alpha, const Scalar& beta,
                          DType dtype) {
  TANDEM_RETURN_IF_ERROR(CheckFits(beta, dtype));
  return CheckFits(alpha, dtype);
}

absl::Status SameDType(absl::string_view first, const Tensor& a,
                       absl::string_view second, const Tensor& b) {
  if (a.dtype() == b.dtype()) return absl::OkStatus();
  return Invalid(first, " and ", second, " must have the same dtype, but got ",
                 TypeName(a.dtype()), " and ", TypeName(b.dtype()));
}

}  // namespace

absl::Status GemmTensors(const Scalar& alpha, const Tensor& a, const Tensor& b,
                         const Scalar& beta, const Tensor& c,
                         absl::string_view op) {
  if (c.numel() == 0) return absl::OkStatus();  // of any dtype
  return VisitNumeric(c.dtype(), op, [&](auto tag) -> absl::Status {
    using T = typename decltype(tag)::type;
    return Gemm<T>(a.size(0), b.size(1), a.size(1), alpha.To<Compute<T>>(),
                   Matrix<const T>(a), Matrix<const T>(b),
                   beta.To<Compute<T>>(), Matrix<T>(c));
  });
}

absl::Status BatchedGemmTensors(const Scalar& alpha, const Tensor& a,
                                const Tensor& b, const Scalar& beta,
                                const Tensor& c, absl::string_view op) {
  return VisitNumeric(c.dtype(), op, [&](auto tag) -> absl::Status {
    using T = typename decltype(tag)::type;
    if constexpr (std::is_same_v<T, float>) {
      // So small that PyTorch does not ask its BLAS.
      if (c.size(1) * c.size(2) * a.size(2) < 400) {
        PlainProducts(alpha.To<float>(), a, b, beta.To<float>(), c);
        return absl::OkStatus();
      }
    }
    return BatchedGemm<T>(c.size(0), c.size(1), c.size(2), a.size(2),
                          alpha.To<Compute<T>>(), Matrix<const T>(a),
                          a.stride(0), Matrix<const T>(b), b.stride(0),
                          beta.To<Compute<T>>(), Matrix<T>(c), c.stride(0));
  });
}

absl::StatusOr<Tensor> Mm(const Tensor& self, const Tensor& mat2) {
  TANDEM_ASSIGN_OR_RETURN(const Dims sizes,
                          MmSizes("mm", self.sizes(), mat2.sizes()));
  if (self.dtype() != mat2.dtype()) {
    return Invalid("expected m1 and m2 to have the same dtype, but got: ",
                   CppTypeName(self.dtype()),
                   " != ", CppTypeName(mat2.dtype()));
  }
  TANDEM_ASSIGN_OR_RETURN(Tensor out, Tensor::Empty(sizes, self.dtype()));
  TANDEM_RETURN_IF_ERROR(GemmTensors(1, self, mat2, 0, out));
  return out;
}

absl::StatusOr<Tensor> Addmm(const Tensor& self, const Tensor& mat1,
                             const Tensor& mat2, const Scalar& beta,
                             const Scalar& alpha) {
  TANDEM_RETURN_IF_ERROR(SameDType("self", self, "mat2", mat2));
  TANDEM_RETURN_IF_ERROR(SameDType("mat1", mat1, "mat2", mat2));
  TANDEM_ASSIGN_OR_RETURN(const Dims sizes,
                          MmSizes("addmm", mat1.sizes(), mat2.sizes()));
  TANDEM_ASSIGN_OR_RETURN(const Tensor expanded, ExpandTo(self, sizes));
  TANDEM_RETURN_IF_ERROR(CheckScalars(alpha, beta, self.dtype()));
  TANDEM_ASSIGN_OR_RETURN(Tensor out, Tensor::Empty(sizes, self.dtype()));
  if (!beta.Equals(0)) TANDEM_RETURN_IF_ERROR(CopyElements(expanded, out));
  TANDEM_RETURN_IF_ERROR(GemmTensors(alpha, mat1, mat2, beta, out));
  return out;
}

absl::StatusOr<Tensor> Bmm(const Tensor& self, const Tensor& mat2) {
  TANDEM_ASSIGN_OR_RETURN(const Dims sizes,
                          BmmSizes(self.sizes(), mat2.sizes()));
  if (self.dtype() != mat2.dtype()) {
    return Invalid("expected scalar type ", TypeName(self.dtype()),
                   " but found ", TypeName(mat2.dtype()));
  }
  TANDEM_ASSIGN_OR_RETURN(Tensor out, Tensor::Empty(sizes, self.dtype()));
  TANDEM_RETURN_IF_ERROR(BatchedGemmTensors(1, self, mat2, 0, out, "bmm"));
  return out;
}

absl::StatusOr<Tensor> Dot(const Tensor& self, const Tensor& other) {
  if (self.dim() == 1 && other.dim() == 1 && self.dtype() != other.dtype()) {
    return Invalid("dot : expected both vectors to have same dtype, but found ",
                   TypeName(self.dtype()), " and ", TypeName(other.dtype()));
  }
  TANDEM_RETURN_IF_ERROR(CheckDotSizes(self.sizes(), other.sizes()));
  TANDEM_ASSIGN_OR_RETURN(Tensor out, Tensor::Empty({}, self.dtype()));
  const int64_t n = self.size(0);
  TANDEM_RETURN_IF_ERROR(
      VisitNumeric(self.dtype(), "dot", [&](auto tag) -> absl::Status {
        using T = typename decltype(tag)::type;
        if constexpr (std::is_same_v<T, float>) {
          if (n <= 1 || (self.stride(0) == 1 && other.stride(0) == 1)) {
            *out.data<T>() = DotVectors(n, self.data<T>(), other.data<T>());
            return absl::OkStatus();
          }
        }
        return Gemm<T>(1, 1, n, Compute<T>(1),
                       {self.data<T>(), 0, self.stride(0)},
                       {other.data<T>(), other.stride(0), 0}, Compute<T>(0),
                       {out.data<T>(), 1, 1});
      }));
  return out;
}

namespace {

absl::StatusOr<Tensor> Vdot(const Tensor& self, const Tensor& other) {
  if (!IsComplex(self.dtype())) return Dot(self, other);
  Tensor conj = self.Alias();
  conj.impl()->conj = !conj.impl()->conj;
  TANDEM_ASSIGN_OR_RETURN(conj, ResolveLazyBits(conj));
  return Dot(conj, other);
}

absl::StatusOr<Tensor> Addmv(const Tensor& self, const Tensor& mat,
                             const Tensor& vec, const Scalar& beta,
                             const Scalar& alpha) {
  TANDEM_RETURN_IF_ERROR(CheckMvSizes(self.sizes(), mat.sizes(), vec.sizes()));
  if (mat.dtype() != vec.dtype() || self.dtype() != vec.dtype()) {
    return Invalid("addmv input tensors must have the same dtype, but got ",
                   TypeName(self.dtype()), ", ", TypeName(mat.dtype()),
                   ", and ", TypeName(vec.dtype()));
  }
  TANDEM_RETURN_IF_ERROR(CheckScalars(alpha, beta, self.dtype()));
  const int64_t m = mat.size(0);
  TANDEM_ASSIGN_OR_RETURN(Tensor out, Tensor::Empty({m}, self.dtype()));
  if (!beta.Equals(0)) {
    TANDEM_ASSIGN_OR_RETURN(const Tensor expanded, ExpandTo(self, {m}));
    TANDEM_RETURN_IF_ERROR(CopyElements(expanded, out));
  }
  TANDEM_RETURN_IF_ERROR(GemmTensors(
      alpha, mat,
      vec.ViewUnchecked({vec.size(0), 1}, {vec.stride(0), 1}, vec.offset()),
      beta, out.ViewUnchecked({m, 1}, {1, 1}, out.offset()), "addmv_impl_cpu"));
  return out;
}

absl::StatusOr<Tensor> Mv(const Tensor& self, const Tensor& vec) {
  if (self.dim() == 0)
    return Invalid("Dimension specified as 0 but tensor has no dimensions");
  TANDEM_ASSIGN_OR_RETURN(const Tensor none,
                          Tensor::Empty({self.size(0)}, vec.dtype()));
  return Addmv(none, self, vec, 0, 1);
}

absl::StatusOr<Tensor> Baddbmm(const Tensor& self, const Tensor& batch1,
                               const Tensor& batch2, const Scalar& beta,
                               const Scalar& alpha) {
  TANDEM_ASSIGN_OR_RETURN(const Dims sizes,
                          BmmSizes(batch1.sizes(), batch2.sizes()));
  TANDEM_ASSIGN_OR_RETURN(const Tensor expanded, ExpandTo(self, sizes));
  if (self.dtype() != batch1.dtype() || batch1.dtype() != batch2.dtype()) {
    return Invalid("Input dtypes must be the same, got: input ",
                   CppTypeName(self.dtype()),
                   ", batch1: ", CppTypeName(batch1.dtype()),
                   ", batch2: ", CppTypeName(batch2.dtype()));
  }
  TANDEM_RETURN_IF_ERROR(CheckScalars(alpha, beta, self.dtype()));
  TANDEM_ASSIGN_OR_RETURN(Tensor out, Tensor::Empty(sizes, self.dtype()));
  if (!beta.Equals(0)) TANDEM_RETURN_IF_ERROR(CopyElements(expanded, out));
  TANDEM_RETURN_IF_ERROR(
      BatchedGemmTensors(alpha, batch1, batch2, beta, out, "baddbmm"));
  return out;
}

absl::StatusOr<Tensor> Addbmm(const Tensor& self, const Tensor& batch1,
                              const Tensor& batch2, const Scalar& beta,
                              const Scalar& alpha) {
  if (batch2.dim() < 3) {
    return WrapDim(2, batch2.dim()).status();
  }
  const Dims sizes{batch1.dim() > 1 ? batch1.size(1) : 0, batch2.size(2)};
  TANDEM_ASSIGN_OR_RETURN(const Tensor expanded, ExpandTo(self, sizes));
  if (batch1.dim() != 3) return Invalid("batch1 must be a 3D tensor");
  if (batch2.dim() != 3) return Invalid("batch2 must be a 3D tensor");
  if (batch1.size(0) != batch2.size(0)) {
    return Invalid("batch1 and batch2 must have same number of batches, got ",
                   batch1.size(0), " and ", batch2.size(0));
  }
  if (batch1.size(2) != batch2.size(1)) {
    return Invalid("Incompatible matrix sizes for bmm (", batch1.size(1), "x",
                   batch1.size(2), " and ", batch2.size(1), "x", batch2.size(2),
                   ")");
  }
  TANDEM_RETURN_IF_ERROR(SameDType("self", self, "mat2", batch2));
  TANDEM_RETURN_IF_ERROR(SameDType("mat1", batch1, "mat2", batch2));
  TANDEM_RETURN_IF_ERROR(CheckScalars(alpha, beta, self.dtype()));
  TANDEM_ASSIGN_OR_RETURN(Tensor out, Tensor::Empty(sizes, self.dtype()));
  TANDEM_RETURN_IF_ERROR(CopyElements(expanded, out));
  Scalar scale = beta;
  for (int64_t i = 0; i < batch1.size(0); ++i) {
    TANDEM_RETURN_IF_ERROR(GemmTensors(alpha, SelectView(batch1, 0, i),
                                       SelectView(batch2, 0, i), scale, out));
    scale = 1;
  }
  if (batch1.size(0) == 0) {
    TANDEM_ASSIGN_OR_RETURN(const Tensor factor,
                            Tensor::FromScalar(beta, out.dtype()));
    return Multiply(out, factor);
  }
  return out;
}

// In place the result must already have self's sizes.
template <auto F>
absl::StatusOr<Tensor> InPlaceProduct(const Tensor& self, const Tensor& a,
                                      const Tensor& b, const Scalar& beta,
                                      const Scalar& alpha) {
  TANDEM_ASSIGN_OR_RETURN(const Tensor result, F(self, a, b, beta, alpha));
  if (result.sizes() != self.sizes()) {
    return Invalid("Bad in-place call: input tensor size ",
                   DimsToString(self.sizes()), " and output tensor size ",
                   DimsToString(result.sizes()), " should match");
  }
  return WriteSelf(result, self);
}

absl::StatusOr<Tensor> AddbmmInPlace(const Tensor& self, const Tensor& a,
                                     const Tensor& b, const Scalar& beta,
                                     const Scalar& alpha) {
  TANDEM_ASSIGN_OR_RETURN(const Tensor result, Addbmm(self, a, b, beta, alpha));
  return WriteOutExact(result, self);
}

// The batch dims of `t` as one: its stride; a copy where they have none.
absl::StatusOr<Tensor> FoldBatch(const Tensor& t, int64_t count) {
  const int64_t d = t.dim();
  const DimSpan tail = t.sizes().last(2);
  if (d == 3) return t;
  if (d == 2) {
    return t.ViewUnchecked({1, tail[0], tail[1]}, {0, t.stride(0), t.stride(1)},
                           t.offset());
  }
  // From the innermost batch dim outwards: stride_outer = size * stride.
  int64_t stride = 0, expected = 0;
  bool first = true, folds = true;
  for (int64_t i = d - 3; i >= 0; --i) {
    if (t.size(i) == 1) continue;
    if (first) {
      stride = t.stride(i);
      first = false;
    } else if (t.stride(i) != expected) {
      folds = false;
      break;
    }
    expected = t.stride(i) * t.size(i);
  }
  if (folds) {
    return t.ViewUnchecked({count, tail[0], tail[1]},
                           {stride, t.stride(d - 2), t.stride(d - 1)},
                           t.offset());
  }
  return ReshapeTo(t, {count, tail[0], tail[1]});
}

absl::StatusOr<Tensor> BatchedMatMul(const Tensor& self, const Tensor& other,
                                     const Dims& sizes) {
  const Tensor a = self.dim() == 1 ? UnsqueezeView(self, 0) : self;
  const bool no_rows = self.dim() == 1;
  const Tensor& b = other;
  Dims batch(sizes.begin(), sizes.end() - (no_rows ? 1 : 2));
  auto expand = [&](const Tensor& t) -> absl::StatusOr<Tensor> {
    Dims target = batch;
    target.push_back(t.size(t.dim() - 2));
    target.push_back(t.size(t.dim() - 1));
    return ExpandTo(t, target);
  };
  TANDEM_ASSIGN_OR_RETURN(const int64_t count, CheckedNumel(batch));
  TANDEM_ASSIGN_OR_RETURN(Tensor x, expand(a));
  TANDEM_ASSIGN_OR_RETURN(Tensor y, expand(b));
  TANDEM_ASSIGN_OR_RETURN(x, FoldBatch(x, count));
  TANDEM_ASSIGN_OR_RETURN(y, FoldBatch(y, count));
  TANDEM_ASSIGN_OR_RETURN(const Tensor out, Bmm(x, y));
  return out.ViewUnchecked(sizes, ContiguousStrides(sizes), 0);
}

// Does PyTorch multiply all rows of t by `matrix` at once? Where the leading
// dims are not one dim in memory, and no gradient is wanted, it multiplies
// batch by batch, and may sum in another order.
bool RowsFold(const Tensor& t, const Tensor& matrix) {
  if (matrix.requires_grad()) return true;
  for (int64_t d = 0; d + 2 < t.dim(); ++d) {
    if (t.stride(d) != t.stride(d + 1) * t.size(d + 1)) return false;
  }
  return true;
}

// The refusal of what is multiplied batch by batch by one matrix of k rows.
absl::Status CheckBatches(const Tensor& t, int64_t k) {
  const int64_t d = t.dim();
  if (t.size(d - 1) == k || t.numel() == 0) return absl::OkStatus();
  int64_t count = 1;
  for (int64_t i = 0; i + 2 < d; ++i) count *= t.size(i);
  return absl::InvalidArgumentError(absl::StrCat(
      "Expected size for first two dimensions of batch2 tensor to be: [", count,
      ", ", t.size(d - 1), "] but got: [", count, ", ", k, "]."));
}

// [rows, last] over the leading dims.
absl::StatusOr<Tensor> FoldRows(const Tensor& t) {
  if (t.dim() == 2) return t;
  const int64_t last = t.size(t.dim() - 1);
  int64_t rows = 1;
  for (int64_t d = 0; d + 1 < t.dim(); ++d) rows *= t.size(d);
  return ReshapeTo(t, {rows, last});
}

}  // namespace

absl::StatusOr<Tensor> MatMul(const Tensor& self, const Tensor& other) {
  const int64_t d1 = self.dim(), d2 = other.dim();
  if (d1 == 2 && d2 == 2) return Mm(self, other);
  if (d1 >= 3 && d2 == 2 && !RowsFold(self, other)) {
    TANDEM_RETURN_IF_ERROR(CheckBatches(self, other.size(0)));
  }
  TANDEM_ASSIGN_OR_RETURN(const Dims sizes,
                          MatMulSizes(self.sizes(), other.sizes()));
  if (d1 == 1 && d2 == 1) return Dot(self, other);
  if (d1 == 2 && d2 == 1) return Mv(self, other);
  if (d2 >= 3) return BatchedMatMul(self, other, sizes);
  if (d1 >= 3 && d2 == 2 && !RowsFold(self, other)) {
    return BatchedMatMul(self, other, sizes);
  }
  TANDEM_ASSIGN_OR_RETURN(const Tensor rows,
                          d1 == 1
                              ? absl::StatusOr<Tensor>(UnsqueezeView(self, 0))
                              : FoldRows(self));
  TANDEM_ASSIGN_OR_RETURN(const Tensor out,
                          d2 == 1 ? Mv(rows, other) : Mm(rows, other));
  return out.ViewUnchecked(sizes, ContiguousStrides(sizes), 0);
}

absl::StatusOr<Tensor> Linear(const Tensor& input, const Tensor& weight,
                              const Tensor& bias) {
  if (input.dim() >= 3 && weight.dim() == 2 && !input.is_contiguous() &&
      !RowsFold(input, weight)) {
    TANDEM_RETURN_IF_ERROR(CheckBatches(input, weight.size(1)));
  }
  TANDEM_ASSIGN_OR_RETURN(
      const Dims sizes,
      LinearSizes(input.sizes(), weight.sizes(), bias.defined()));
  if (weight.dim() == 1) return MatMul(input, weight);
  if (input.dim() >= 3 && !input.is_contiguous() && !RowsFold(input, weight) &&
      input.dtype() == weight.dtype()) {
    TANDEM_ASSIGN_OR_RETURN(
        const Tensor out,
        BatchedMatMul(input, TransposeView(weight, 0, 1), sizes));
    const int64_t n = weight.size(0);
    if (!bias.defined()) return out;
    if (bias.dim() == 1 && bias.size(0) == n && bias.dtype() == out.dtype()) {
      TANDEM_RETURN_IF_ERROR(
          VisitNumeric(out.dtype(), "add", [&](auto tag) -> absl::Status {
            using T = typename decltype(tag)::type;
            using S = Compute<T>;
            T* to = out.data<T>();
            for (int64_t i = 0; i < out.numel(); ++i) {
              const T added = bias.data<T>()[i % n * bias.stride(0)];
              to[i] =
                  static_cast<T>(static_cast<S>(to[i]) + static_cast<S>(added));
            }
            return absl::OkStatus();
          }));
      return out;
    }
  }
  TANDEM_ASSIGN_OR_RETURN(const Tensor rows, input.dim() == 1
                                                 ? UnsqueezeView(input, 0)
                                                 : FoldRows(input));
  const Tensor wt = TransposeView(weight, 0, 1);
  if (!bias.defined()) {
    if (input.dtype() != weight.dtype()) return Mm(rows, wt).status();
    TANDEM_ASSIGN_OR_RETURN(Tensor out, Tensor::Empty(sizes, input.dtype()));
    TANDEM_RETURN_IF_ERROR(GemmTensors(
        1, rows, wt, 0,
        out.ViewUnchecked({rows.size(0), wt.size(1)}, {wt.size(1), 1}, 0)));
    return out;
  }
  const int64_t n = weight.size(0);
  if (bias.dim() == 1 && bias.size(0) == n && bias.dtype() == weight.dtype() &&
      input.dtype() == weight.dtype()) {
    TANDEM_ASSIGN_OR_RETURN(Tensor out, Tensor::Empty(sizes, input.dtype()));
    const int64_t count = rows.size(0);
    const int64_t stride = bias.stride(0);
    if (out.numel() == 0) return out;
    TANDEM_RETURN_IF_ERROR(VisitNumeric(
        out.dtype(), "addmm_impl_cpu_", [&](auto tag) -> absl::Status {
          using T = typename decltype(tag)::type;
          const T* from = bias.data<T>();
          T* to = out.data<T>();
          for (int64_t i = 0; i < count; ++i, to += n) {
            for (int64_t j = 0; j < n; ++j) to[j] = from[j * stride];
          }
          return Gemm<T>(count, n, rows.size(1), Compute<T>(1),
                         Matrix<const T>(rows), Matrix<const T>(wt),
                         Compute<T>(1), {out.data<T>(), n, 1});
        }));
    return out;
  }
  TANDEM_ASSIGN_OR_RETURN(const Tensor out, Addmm(bias, rows, wt, 1, 1));
  return out.ViewUnchecked(sizes, ContiguousStrides(sizes), 0);
}

namespace {

absl::StatusOr<Tensor> LinearOut(const Tensor& input, const Tensor& weight,
                                 const Tensor& bias, const Tensor& out) {
  TANDEM_ASSIGN_OR_RETURN(const Tensor result, Linear(input, weight, bias));
  return WriteOutExact(result, out);
}

absl::StatusOr<Tensor> MmOut(const Tensor& self, const Tensor& mat2,
                             const Tensor& out) {
  TANDEM_RETURN_IF_ERROR(MmSizes("mm", self.sizes(), mat2.sizes()).status());
  // Before any product, which a dtype may not have.
  if (self.dtype() == mat2.dtype() && self.dtype() != out.dtype()) {
    return Invalid("Expected out tensor to have dtype ", CppName(self.dtype()),
                   ", but got ", CppName(out.dtype()), " instead");
  }
  TANDEM_ASSIGN_OR_RETURN(const Tensor result, Mm(self, mat2));
  return WriteOutExact(result, out);
}

absl::Status OnlyOnCuda(absl::string_view op) {
  return absl::UnimplementedError(absl::StrCat(
      "Could not run '", op, "' with arguments from the 'CPU' backend."));
}
absl::StatusOr<Tensor> MmDType(const Tensor&, const Tensor&, DType) {
  return OnlyOnCuda("aten::mm.dtype");
}
absl::StatusOr<Tensor> BmmDType(const Tensor&, const Tensor&, DType) {
  return OnlyOnCuda("aten::bmm.dtype");
}
absl::StatusOr<Tensor> AddmmDType(const Tensor&, const Tensor&, const Tensor&,
                                  DType, const Scalar&, const Scalar&) {
  return OnlyOnCuda("aten::addmm.dtype");
}
absl::StatusOr<Tensor> BaddbmmDType(const Tensor&, const Tensor&, const Tensor&,
                                    DType, const Scalar&, const Scalar&) {
  return OnlyOnCuda("aten::baddbmm.dtype");
}

// Products with a sparse operand: dense, and sparse where both are (PyTorch
// keeps entries whose sum is 0; these do not show in what the tensor stands
// for).
template <absl::StatusOr<Tensor> (*F)(const Tensor&, const Tensor&)>
absl::StatusOr<Tensor> OfAnyLayout(const Tensor& a, const Tensor& b) {
  TANDEM_ASSIGN_OR_RETURN(const Tensor x, Densified(a));
  TANDEM_ASSIGN_OR_RETURN(const Tensor y, Densified(b));
  if (!a.is_sparse() || !b.is_sparse()) return F(x, y);
  TANDEM_ASSIGN_OR_RETURN(const Tensor product, F(x, y));
  return product.dim() == 2 ? DenseToCoo(product, 2)
                            : absl::StatusOr<Tensor>(product);
}

absl::StatusOr<Tensor> AddmmOfAnyLayout(const Tensor& self, const Tensor& mat1,
                                        const Tensor& mat2, const Scalar& beta,
                                        const Scalar& alpha) {
  TANDEM_ASSIGN_OR_RETURN(const Tensor x, Densified(mat1));
  TANDEM_ASSIGN_OR_RETURN(const Tensor y, Densified(mat2));
  TANDEM_ASSIGN_OR_RETURN(const Tensor added, Densified(self));
  return Addmm(added, x, y, beta, alpha);
}

}  // namespace

absl::Status RegisterMatmul(Registry& registry) {
  KernelRegistrar r(registry, "reference");
  const KernelOptions any_layout = {.handles_sparse = true};
  r.Add("aten::mm", &OfAnyLayout<&Mm>, any_layout)
      .Add("aten::mm.out", &MmOut)
      .Add("aten::mm.dtype", &MmDType)
      .Add("aten::addmm", &AddmmOfAnyLayout, any_layout)
      .Add("aten::addmm.out", &Variants<Addmm>::OutExact)
      .Add("aten::addmm_", &InPlaceProduct<Addmm>)
      .Add("aten::addmm.dtype", &AddmmDType)
      .Add("aten::bmm", &Bmm)
      .Add("aten::bmm.out", &Variants<Bmm>::OutExact)
      .Add("aten::bmm.dtype", &BmmDType)
      .Add("aten::baddbmm", &Baddbmm)
      .Add("aten::baddbmm.out", &Variants<Baddbmm>::OutExact)
      .Add("aten::baddbmm_", &InPlaceProduct<Baddbmm>)
      .Add("aten::baddbmm.dtype", &BaddbmmDType)
      .Add("aten::addbmm", &Addbmm)
      .Add("aten::addbmm.out", &Variants<Addbmm>::OutExact)
      .Add("aten::addbmm_", &AddbmmInPlace)
      .Add("aten::mv", &OfAnyLayout<&Mv>, any_layout)
      .Add("aten::mv.out", &Variants<Mv>::OutExact)
      .Add("aten::addmv", &Addmv)
      .Add("aten::addmv.out", &Variants<Addmv>::OutExact)
      .Add("aten::addmv_", &InPlaceProduct<Addmv>)
      .Add("aten::dot", &Dot)
      .Add("aten::dot.out", &Variants<Dot>::OutExact)
      .Add("aten::vdot", &Vdot)
      .Add("aten::vdot.out", &Variants<Vdot>::OutExact)
      .Add("aten::matmul", &OfAnyLayout<&MatMul>, any_layout)
      .Add("aten::matmul.out", &Variants<MatMul>::OutExact)
      .Add("aten::linalg_matmul", &MatMul)
      .Add("aten::linalg_matmul.out", &Variants<MatMul>::OutExact)
      .Add("aten::linear", &Linear)
      .Add("aten::linear.out", &LinearOut);
  RegisterProducts(r);
  RegisterContractions(r);
  RegisterGroupedProducts(r);
  return r.status();
}

}  // namespace tandem::reference
