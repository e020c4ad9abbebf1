// Distances and rescaling by norms: cosine_similarity, pairwise_distance,
// cdist, pdist, renorm, weight_norm.
#include "tandem/backends/reference/norm.h"
#include "tandem/backends/reference/parts.h"
#include "tandem/backends/reference/variants.h"
#include "tandem/ir/operators/promotion.h"
#include "tandem/tensor/context.h"
#include "tandem/tensor/copy.h"
#include "tandem/tensor/status_macros.h"
#include "tandem/tensor/visit.h"

namespace tandem::reference {
namespace {

// Calls body(TypeTag<C>) with C = float or double.
template <typename Body>
absl::Status InCompute(DType dtype, Body body) {
  return dtype == DType::kDouble ? body(TypeTag<double>{})
                                 : body(TypeTag<float>{});
}

// `t` with dim `d` moved last, contiguous in `dtype`.
absl::StatusOr<Tensor> RowsAlong(const Tensor& t, int64_t d, DType dtype) {
  Dims order;
  for (int64_t i = 0; i < t.dim(); ++i) {
    if (i != d) order.push_back(i);
  }
  if (t.dim() > 0) order.push_back(d);
  return Contiguous(PermuteView(t, order), dtype);
}

// Rows along the last dim, each divided by its norm (at least eps), every step
// rounded to the dtype.
absl::StatusOr<Tensor> UnitRows(const Tensor& t, int64_t n, double eps) {
  TANDEM_ASSIGN_OR_RETURN(const Tensor out,
                          Tensor::Empty(t.sizes(), t.dtype()));
  if (!IsFloatingPoint(t.dtype())) {
    return absl::UnimplementedError(absl::StrCat(
        "linalg.vector_norm: Expected a floating point or complex tensor as "
        "input. Got ",
        TypeName(t.dtype())));
  }
  const int64_t rows = n == 0 ? 0 : t.numel() / n;
  TANDEM_RETURN_IF_ERROR(VisitFloating(
      t.dtype(), "linalg_vector_norm", [&](auto tag) -> absl::Status {
        using T = typename decltype(tag)::type;
        using C = Compute<T>;
        return ParallelFor(rows, 256, [&](int64_t begin, int64_t end) {
          for (int64_t i = begin; i < end; ++i) {
            const T* v = t.data<T>() + i * n;
            const C norm = T(VectorNorm<C>(2, n, [&](int64_t j) {
              return std::abs(static_cast<C>(v[j]));
            }));
            const C least = T(static_cast<C>(eps));
            const C divisor = norm < least ? least : norm;
            for (int64_t j = 0; j < n; ++j) {
              out.data<T>()[i * n + j] = T(static_cast<C>(v[j]) / divisor);
            }
          }
        });
      }));
  return out;
}

absl::StatusOr<Tensor> CosineSimilarity(const Tensor& x1, const Tensor& x2,
                                        int64_t dim, double eps) {
  TANDEM_ASSIGN_OR_RETURN(const DType dtype,
                          ResultType().Add(x1).Add(x2).Get());
  if (!IsFloatingPoint(dtype)) {
    return Invalid(
        "expected common dtype to be floating point, yet common "
        "dtype is ",
        TypeName(dtype));
  }
  TANDEM_ASSIGN_OR_RETURN(const Dims sizes,
                          BroadcastSizes(x1.sizes(), x2.sizes()));
  const int64_t rank = static_cast<int64_t>(sizes.size());
  TANDEM_ASSIGN_OR_RETURN(dim, WrapDim(dim, rank));
  const int64_t n = rank == 0 ? 1 : sizes[dim];
  auto unit = [&](const Tensor& t) -> absl::StatusOr<Tensor> {
    // Floats in their own dtype, integers in the common one.
    const DType own = IsFloatingPoint(t.dtype()) ? t.dtype() : dtype;
    TANDEM_ASSIGN_OR_RETURN(const Tensor cast, ToDType(t, own));
    TANDEM_ASSIGN_OR_RETURN(Tensor e, ExpandTo(cast, sizes));
    TANDEM_ASSIGN_OR_RETURN(e, RowsAlong(e, dim, own));
    return UnitRows(e, n, eps);
  };
  TANDEM_ASSIGN_OR_RETURN(const Tensor a, unit(x1));
  TANDEM_ASSIGN_OR_RETURN(const Tensor b, unit(x2));
  TANDEM_ASSIGN_OR_RETURN(const Tensor product, Multiply(a, b));
  if (rank == 0) return product;
  absl::InlinedVector<bool, 8> over(rank, false);
  over[rank - 1] = true;
  TANDEM_ASSIGN_OR_RETURN(const Tensor sum, SumKeepDims(product, over));
  return ReshapeTo(sum, sum.sizes().first(rank - 1));
}

// a - b of integers, which wraps around in their common type.
absl::StatusOr<Tensor> IntegerDifference(const Tensor& a, const Tensor& b,
                                         DType common) {
  if (a.dtype() == DType::kBool && b.dtype() == DType::kBool) {
    return Invalid(
        "Subtraction, the `-` operator, with two bool tensors is not "
        "supported. Use the `^` or `logical_xor()` operator instead.");
  }
  if (a.dtype() == DType::kBool || b.dtype() == DType::kBool) {
    return Invalid(
        "Subtraction, the `-` operator, with a bool tensor is not supported. "
        "If you are trying to invert a mask, use the `~` or `logical_not()` "
        "operator instead.");
  }
  TANDEM_ASSIGN_OR_RETURN(const Tensor out, CloneContiguous(a, DType::kInt64));
  TANDEM_ASSIGN_OR_RETURN(const Tensor y, Contiguous(b, DType::kInt64));
  int64_t* const x = out.data<int64_t>();
  for (int64_t i = 0; i < out.numel(); ++i) {
    x[i] = static_cast<int64_t>(static_cast<uint64_t>(x[i]) -
                                static_cast<uint64_t>(y.data<int64_t>()[i]));
  }
  return ToDType(out, common);
}

absl::StatusOr<Tensor> PairwiseDistance(const Tensor& x1, const Tensor& x2,
                                        double p, double eps, bool keepdim) {
  TANDEM_ASSIGN_OR_RETURN(DType dtype, ResultType().Add(x1).Add(x2).Get());
  const DType common = dtype;
  if (IsIntegral(dtype, true)) dtype = DType::kFloat;
  TANDEM_ASSIGN_OR_RETURN(Dims sizes, BroadcastSizes(x1.sizes(), x2.sizes()));
  const DType compute = ComputeDType(dtype);
  TANDEM_ASSIGN_OR_RETURN(Tensor a, ExpandTo(x1, sizes));
  TANDEM_ASSIGN_OR_RETURN(Tensor b, ExpandTo(x2, sizes));
  if (IsIntegral(common, true)) {
    TANDEM_ASSIGN_OR_RETURN(a, IntegerDifference(a, b, common));
    TANDEM_ASSIGN_OR_RETURN(b, Tensor::Zeros(sizes, compute));
  }
  TANDEM_ASSIGN_OR_RETURN(a, Contiguous(a, compute));
  TANDEM_ASSIGN_OR_RETURN(b, Contiguous(b, compute));
  const int64_t n = sizes.empty() ? 1 : sizes.back();
  if (!sizes.empty()) {
    if (keepdim) {
      sizes.back() = 1;
    } else {
      sizes.pop_back();
    }
  }
  const DType real = ToReal(compute);
  TANDEM_ASSIGN_OR_RETURN(const Tensor out, Tensor::Empty(sizes, real));
  auto run = [&](auto tag) -> absl::Status {
    using T = typename decltype(tag)::type;
    using R = decltype(std::abs(T()));
    return ParallelFor(out.numel(), 256, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) {
        const T *u = a.data<T>() + i * n, *v = b.data<T>() + i * n;
        out.data<R>()[i] = VectorNorm<R>(p, n, [&](int64_t j) {
          return std::abs(u[j] - v[j] + static_cast<R>(eps));
        });
      }
    });
  };
  switch (compute) {
    case DType::kFloat:
      TANDEM_RETURN_IF_ERROR(run(TypeTag<float>{}));
      break;
    case DType::kDouble:
      TANDEM_RETURN_IF_ERROR(run(TypeTag<double>{}));
      break;
    case DType::kComplexFloat:
      TANDEM_RETURN_IF_ERROR(run(TypeTag<std::complex<float>>{}));
      break;
    case DType::kComplexDouble:
      TANDEM_RETURN_IF_ERROR(run(TypeTag<std::complex<double>>{}));
      break;
    default:
      return NotImplementedFor("norm", dtype);
  }
  return ToDType(out, IsComplex(dtype) ? ToReal(dtype) : dtype);
}

// Distances of all rows of x1 from all rows of x2, batches broadcast.
absl::StatusOr<Tensor> Cdist(const Tensor& x1, const Tensor& x2, double p,
                             std::optional<int64_t> mode) {
  const int64_t d1 = x1.dim(), d2 = x2.dim();
  if (d1 < 2) {
    return Invalid("cdist only supports at least 2D tensors, X1 got: ", d1,
                   "D");
  }
  if (d2 < 2) {
    return Invalid("cdist only supports at least 2D tensors, X2 got: ", d2,
                   "D");
  }
  if (x1.size(d1 - 1) != x2.size(d2 - 1)) {
    return Invalid("X1 and X2 must have the same number of columns. X1: ",
                   x1.size(d1 - 1), " X2: ", x2.size(d2 - 1));
  }
  for (const auto& [name, t] :
       {std::make_pair("X1", &x1), std::make_pair("X2", &x2)}) {
    if (!IsFloatingPoint(t->dtype())) {
      return Invalid("cdist only supports floating-point dtypes, ", name,
                     " got: ", TypeName(t->dtype()));
    }
  }
  if (!(p >= 0)) return Invalid("cdist only supports non-negative p values");
  if (mode.has_value() && (*mode < 0 || *mode > 2)) {
    return Invalid("possible modes: 0, 1, 2, but was: ", *mode);
  }
  if (x1.dtype() != x2.dtype()) {
    return Invalid("expected scalar type ", TypeName(x1.dtype()), " but found ",
                   TypeName(x2.dtype()));
  }
  if (x1.dtype() != DType::kFloat && x1.dtype() != DType::kDouble) {
    return NotImplementedFor("cdist", x1.dtype());
  }
  const int64_t r1 = x1.size(d1 - 2), r2 = x2.size(d2 - 2), n = x1.size(d1 - 1);
  TANDEM_ASSIGN_OR_RETURN(
      const Dims batch,
      BroadcastSizes(x1.sizes().first(d1 - 2), x2.sizes().first(d2 - 2)));
  auto expand = [&](const Tensor& t, int64_t rows) -> absl::StatusOr<Tensor> {
    Dims sizes = batch;
    sizes.insert(sizes.end(), {rows, n});
    TANDEM_ASSIGN_OR_RETURN(const Tensor e, ExpandTo(t, sizes));
    return Contiguous(e);
  };
  TANDEM_ASSIGN_OR_RETURN(const Tensor a, expand(x1, r1));
  TANDEM_ASSIGN_OR_RETURN(const Tensor b, expand(x2, r2));
  Dims sizes = batch;
  sizes.insert(sizes.end(), {r1, r2});
  TANDEM_ASSIGN_OR_RETURN(const Tensor out, Tensor::Empty(sizes, x1.dtype()));
  if (out.numel() == 0) return out;
  TANDEM_RETURN_IF_ERROR(InCompute(x1.dtype(), [&](auto tag) -> absl::Status {
    using C = typename decltype(tag)::type;
    return ParallelFor(out.numel() / r2, 16, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) {
        const C* u = a.data<C>() + i * n;
        const C* v = b.data<C>() + i / r1 * r2 * n;
        for (int64_t j = 0; j < r2; ++j, v += n) {
          out.data<C>()[i * r2 + j] = VectorNorm<C>(
              p, n, [&](int64_t k) { return std::abs(u[k] - v[k]); });
        }
      }
    });
  }));
  return out;
}

absl::StatusOr<Tensor> Pdist(const Tensor& self, double p) {
  if (self.dim() != 2) {
    return Invalid("pdist only supports 2D tensors, got: ", self.dim(), "D");
  }
  if (!IsFloatingPoint(self.dtype())) {
    return Invalid("pdist only supports floating-point dtypes");
  }
  if (!(p >= 0)) return Invalid("pdist only supports non-negative p values");
  if (self.dtype() != DType::kFloat && self.dtype() != DType::kDouble) {
    return NotImplementedFor("pdist", self.dtype());
  }
  const int64_t rows = self.size(0), n = self.size(1);
  int64_t pairs = 0;
  if (rows > 1 && __builtin_mul_overflow(rows, rows - 1, &pairs)) {
    return Invalid("pdist: sizes overflow");
  }
  TANDEM_ASSIGN_OR_RETURN(const Tensor x, Contiguous(self));
  TANDEM_ASSIGN_OR_RETURN(const Tensor out,
                          Tensor::Empty({pairs / 2}, self.dtype()));
  TANDEM_RETURN_IF_ERROR(InCompute(self.dtype(), [&](auto tag) -> absl::Status {
    using C = typename decltype(tag)::type;
    C* to = out.data<C>();
    for (int64_t i = 0; i < rows; ++i) {
      TANDEM_RETURN_IF_ERROR(CheckStop());
      const C* u = x.data<C>() + i * n;
      for (int64_t j = i + 1; j < rows; ++j) {
        const C* v = x.data<C>() + j * n;
        *to++ = VectorNorm<C>(p, n,
                              [&](int64_t k) { return std::abs(u[k] - v[k]); });
      }
    }
    return absl::OkStatus();
  }));
  return out;
}

// Norms over all dims but `dim`: sizes 1 except there.
absl::StatusOr<Tensor> NormsExceptDim(const Tensor& self, double p,
                                      int64_t dim) {
  Dims order{dim};
  Dims sizes(self.dim(), 1);
  sizes[dim] = self.size(dim);
  for (int64_t d = 0; d < self.dim(); ++d) {
    if (d != dim) order.push_back(d);
  }
  const DType compute = ComputeDType(self.dtype());
  TANDEM_ASSIGN_OR_RETURN(const Tensor x,
                          Contiguous(PermuteView(self, order), compute));
  const int64_t rows = self.size(dim);
  const int64_t n = rows == 0 ? 0 : x.numel() / rows;
  TANDEM_ASSIGN_OR_RETURN(const Tensor out,
                          Tensor::Empty(sizes, ToReal(compute)));
  auto run = [&](auto tag) -> absl::Status {
    using T = typename decltype(tag)::type;
    using R = decltype(std::abs(T()));
    return ParallelFor(rows, 1, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) {
        const T* v = x.data<T>() + i * n;
        out.data<R>()[i] =
            VectorNorm<R>(p, n, [&](int64_t k) { return std::abs(v[k]); });
      }
    });
  };
  switch (compute) {
    case DType::kFloat:
      TANDEM_RETURN_IF_ERROR(run(TypeTag<float>{}));
      break;
    case DType::kDouble:
      TANDEM_RETURN_IF_ERROR(run(TypeTag<double>{}));
      break;
    case DType::kComplexFloat:
      TANDEM_RETURN_IF_ERROR(run(TypeTag<std::complex<float>>{}));
      break;
    case DType::kComplexDouble:
      TANDEM_RETURN_IF_ERROR(run(TypeTag<std::complex<double>>{}));
      break;
    default:
      return absl::UnimplementedError(absl::StrCat(
          "linalg.vector_norm: Expected a floating point or complex tensor as "
          "input. Got ",
          TypeName(self.dtype())));
  }
  return out;
}

absl::StatusOr<Tensor> Renorm(const Tensor& self, const Scalar& p, int64_t dim,
                              const Scalar& maxnorm) {
  if (p.is_complex()) return Invalid("renorm: p must be real-valued");
  if (!(p.ToDouble() > 0))
    return Invalid("renorm: non-positive-norm not supported");
  if (maxnorm.is_complex())
    return Invalid("renorm: maxnorm must be real-valued");
  if (!(maxnorm.ToDouble() >= 0)) {
    return Invalid("renorm: expected maxnorm to be >= 0 but got ",
                   maxnorm.ToDouble());
  }
  if (self.dim() < 2) {
    return Invalid("renorm: input needs at least 2 dimensions, got ",
                   self.dim(), " dimensions");
  }
  TANDEM_ASSIGN_OR_RETURN(dim, WrapDim(dim, self.dim()));
  TANDEM_ASSIGN_OR_RETURN(const Tensor norms,
                          NormsExceptDim(self, p.ToDouble(), dim));
  TANDEM_RETURN_IF_ERROR(
      InCompute(norms.dtype(), [&](auto tag) -> absl::Status {
        using C = typename decltype(tag)::type;
        const C limit = static_cast<C>(maxnorm.ToDouble());
        for (int64_t i = 0; i < norms.numel(); ++i) {
          C& v = norms.data<C>()[i];
          v = v > limit ? limit / (v + static_cast<C>(1e-7)) : C(1);
        }
        return absl::OkStatus();
      }));
  TANDEM_ASSIGN_OR_RETURN(const Tensor scaled, Multiply(self, norms));
  return ToDType(scaled, self.dtype());
}

absl::StatusOr<Tensor> NormExceptDim(const Tensor& v, int64_t pow,
                                     int64_t dim) {
  if (dim == -1) {
    TANDEM_ASSIGN_OR_RETURN(const Tensor flat, ReshapeTo(v, {1, v.numel()}));
    TANDEM_ASSIGN_OR_RETURN(const Tensor norm,
                            NormsExceptDim(flat, static_cast<double>(pow), 0));
    TANDEM_ASSIGN_OR_RETURN(const Tensor scalar, ReshapeTo(norm, {}));
    return ToDType(scalar,
                   IsComplex(v.dtype()) ? ToReal(v.dtype()) : v.dtype());
  }
  TANDEM_ASSIGN_OR_RETURN(dim, WrapDim(dim, v.dim()));
  TANDEM_ASSIGN_OR_RETURN(const Tensor norm,
                          NormsExceptDim(v, static_cast<double>(pow), dim));
  return ToDType(norm, IsComplex(v.dtype()) ? ToReal(v.dtype()) : v.dtype());
}

absl::StatusOr<std::tuple<Tensor, Tensor>> WeightNormInterface(const Tensor& v,
                                                               const Tensor& g,
                                                               int64_t dim) {
  TANDEM_ASSIGN_OR_RETURN(const Tensor norm, NormExceptDim(v, 2, dim));
  TANDEM_ASSIGN_OR_RETURN(const Dims sizes,
                          BroadcastSizes(g.sizes(), norm.sizes()));
  TANDEM_ASSIGN_OR_RETURN(Tensor ratio, ExpandTo(g, sizes));
  const DType compute = ComputeDType(g.dtype());
  TANDEM_ASSIGN_OR_RETURN(ratio, CloneContiguous(ratio, compute));
  TANDEM_ASSIGN_OR_RETURN(Tensor divisor, ExpandTo(norm, sizes));
  TANDEM_ASSIGN_OR_RETURN(divisor, Contiguous(divisor, compute));
  TANDEM_RETURN_IF_ERROR(InCompute(compute, [&](auto tag) -> absl::Status {
    using C = typename decltype(tag)::type;
    for (int64_t i = 0; i < ratio.numel(); ++i) {
      ratio.data<C>()[i] /= divisor.data<C>()[i];
    }
    return absl::OkStatus();
  }));
  TANDEM_ASSIGN_OR_RETURN(Tensor out, Multiply(v, ratio));
  TANDEM_ASSIGN_OR_RETURN(out, ToDType(out, v.dtype()));
  return std::make_tuple(std::move(out), norm);
}

absl::StatusOr<Tensor> WeightNorm(const Tensor& v, const Tensor& g,
                                  int64_t dim) {
  if (!IsFloatingPoint(v.dtype()) || !IsFloatingPoint(g.dtype())) {
    return NotImplementedFor("weight_norm_kernel", v.dtype());
  }
  TANDEM_ASSIGN_OR_RETURN(auto r, WeightNormInterface(v, g, dim));
  return std::get<0>(std::move(r));
}

}  // namespace

void RegisterDistances(KernelRegistrar& r) {
  r.Add("aten::cosine_similarity", &CosineSimilarity)
      .Add("aten::pairwise_distance", &PairwiseDistance)
      .Add("aten::cdist", &Cdist)
      .Add("aten::_cdist_forward", &Cdist)
      .Add("aten::_cdist_forward.out", &Variants<Cdist>::Out)
      .Add("aten::pdist", &Pdist)
      .Add("aten::_pdist_forward", &Pdist)
      .Add("aten::_pdist_forward.out", &Variants<Pdist>::Out)
      .Add("aten::renorm", &Renorm)
      .Add("aten::renorm.out", &Variants<Renorm>::Out)
      .Add("aten::renorm_", &InPlace<Renorm>::Write)
      .Add("aten::norm_except_dim", &NormExceptDim)
      .Add("aten::_weight_norm", &WeightNorm)
      .Add("aten::_weight_norm_interface", &WeightNormInterface)
      .Add("aten::_weight_norm_interface.out",
           &Variants<WeightNormInterface>::Out);
}

}  // namespace tandem::reference
