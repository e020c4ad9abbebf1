// Singular values and eigenvalues, and what is made of them.
#include <algorithm>
#include <cmath>
#include <string>
#include <tuple>

#include "absl/strings/str_cat.h"
#include "tandem/backends/reference/linalg.h"
#include "tandem/backends/reference/linalg_real_eigen.h"
#include "tandem/backends/reference/linalg_svd.h"
#include "tandem/ir/operators/promotion.h"

namespace tandem::reference {
namespace {

using Result = absl::StatusOr<Tensor>;
using Two = absl::StatusOr<std::tuple<Tensor, Tensor>>;
using Three = absl::StatusOr<std::tuple<Tensor, Tensor, Tensor>>;
using MaybeString = std::optional<absl::string_view>;

absl::Status Invalid(std::string text) {
  return absl::InvalidArgumentError(std::move(text));
}

DType RealOf(DType dtype) { return IsComplex(dtype) ? ToReal(dtype) : dtype; }

absl::Status CheckFinite(const Tensor& a, absl::string_view op,
                         absl::string_view what) {
  TANDEM_ASSIGN_OR_RETURN(const Batch x, LoadBatch(a));
  const double* data = x.data.data<double>();
  const int64_t n = x.data.numel() * (IsComplex(a.dtype()) ? 2 : 1);
  for (int64_t i = 0; i < n; ++i) {
    if (std::isfinite(data[i])) continue;
    return Invalid(absl::StrCat(
        op,
        ": The algorithm failed to converge because the input matrix "
        "contained non-finite values",
        what, "."));
  }
  return absl::OkStatus();
}

absl::StatusOr<Tensor> NewVector(DimSpan lead, int64_t n, DType dtype) {
  Dims sizes(lead.begin(), lead.end());
  sizes.push_back(n);
  return Tensor::Zeros(sizes, dtype);
}

// ---- singular values

// full: square U and V. Without vectors U and Vh are empty.
Three SvdOf(const Tensor& a, bool full, bool vectors, absl::string_view op) {
  TANDEM_RETURN_IF_ERROR(CheckMatrix(a, op));
  TANDEM_RETURN_IF_ERROR(CheckFinite(a, op, ""));
  TANDEM_ASSIGN_OR_RETURN(const Batch x, LoadBatch(a));
  const int64_t k = std::min(x.rows, x.cols);
  const int64_t ucols = full ? x.rows : k, vrows = full ? x.cols : k;
  TANDEM_ASSIGN_OR_RETURN(
      const Batch u,
      NewBatch(LeadOf(a), x.rows, vectors ? ucols : 0, a.dtype()));
  TANDEM_ASSIGN_OR_RETURN(
      const Batch vh,
      NewBatch(LeadOf(a), vectors ? vrows : 0, x.cols, a.dtype()));
  TANDEM_ASSIGN_OR_RETURN(const Tensor s,
                          NewVector(LeadOf(a), k, DType::kDouble));
  TANDEM_RETURN_IF_ERROR(WithCompute(a.dtype(), [&](auto tag) {
    using T = typename decltype(tag)::type;
    for (int64_t b = 0; b < x.count; ++b) {
      TANDEM_RETURN_IF_ERROR(CheckStop());
      Matrix<T> left, right;
      std::vector<double> values;
      if (std::min(x.rows, x.cols) <= kSmallSvd) {
        SmallSvd(x.at<T>(b), RealOf(a.dtype()) == DType::kFloat, full, &left,
                 &values, &right);
      } else {
        Svd(x.at<T>(b), &left, &values, &right);
      }
      std::copy(values.begin(), values.end(), s.data<double>() + b * k);
      if (!vectors) continue;
      if (left.cols < ucols) CompleteBasis(&left, ucols);
      if (right.cols < vrows) CompleteBasis(&right, vrows);
      u.Put(b, left);
      vh.Put(b, Adjoint(right));
    }
    return absl::OkStatus();
  }));
  TANDEM_ASSIGN_OR_RETURN(Tensor values, ToDType(s, RealOf(a.dtype())));
  Tensor left, right;
  if (vectors) {
    TANDEM_ASSIGN_OR_RETURN(left, Finish(u, a.dtype()));
    TANDEM_ASSIGN_OR_RETURN(right, Finish(vh, a.dtype()));
  } else {
    TANDEM_ASSIGN_OR_RETURN(left, Tensor::Empty({0}, a.dtype()));
    TANDEM_ASSIGN_OR_RETURN(right, Tensor::Empty({0}, a.dtype()));
  }
  return std::make_tuple(left, values, right);
}

absl::Status CheckDriver(MaybeString driver) {
  if (!driver.has_value()) return absl::OkStatus();
  return absl::InvalidArgumentError(
      "torch.linalg.svd: keyword argument `driver=` is only supported on CUDA "
      "inputs with cuSOLVER backend.");
}

Three LinalgSvd(const Tensor& a, bool full, MaybeString driver) {
  TANDEM_RETURN_IF_ERROR(CheckDriver(driver));
  return SvdOf(a, full, true, "linalg.svd");
}

Three LinalgSvdInternal(const Tensor& a, bool full, bool vectors,
                        MaybeString driver) {
  TANDEM_RETURN_IF_ERROR(CheckDriver(driver));
  return SvdOf(a, full, vectors, "linalg.svd");
}

Result SvdVals(const Tensor& a, MaybeString driver) {
  TANDEM_RETURN_IF_ERROR(CheckDriver(driver));
  TANDEM_ASSIGN_OR_RETURN(auto usv, SvdOf(a, false, false, "linalg.svd"));
  return std::get<1>(usv);
}

// The old one gives V, not its adjoint.
Three OldSvd(const Tensor& a, bool some, bool vectors) {
  TANDEM_ASSIGN_OR_RETURN(auto usv, SvdOf(a, !some, vectors, "linalg.svd"));
  const Tensor s = std::get<1>(usv);
  if (!vectors) {
    const int64_t m = a.size(a.dim() - 2), n = a.size(a.dim() - 1);
    TANDEM_ASSIGN_OR_RETURN(const Batch u,
                            NewBatch(LeadOf(a), m, m, a.dtype()));
    TANDEM_ASSIGN_OR_RETURN(const Batch v,
                            NewBatch(LeadOf(a), n, n, a.dtype()));
    TANDEM_ASSIGN_OR_RETURN(Tensor zero_u, Finish(u, a.dtype()));
    TANDEM_ASSIGN_OR_RETURN(Tensor zero_v, Finish(v, a.dtype()));
    return std::make_tuple(zero_u, s, zero_v);
  }
  const Tensor vh = std::get<2>(usv);
  Dims sizes(vh.sizes().begin(), vh.sizes().end());
  Dims strides(vh.strides().begin(), vh.strides().end());
  std::swap(sizes[vh.dim() - 1], sizes[vh.dim() - 2]);
  std::swap(strides[vh.dim() - 1], strides[vh.dim() - 2]);
  Tensor v = vh.ViewUnchecked(sizes, strides, vh.offset());
  if (IsComplex(a.dtype())) {
    v.impl()->conj = true;
    TANDEM_ASSIGN_OR_RETURN(v, ResolveLazyBits(v));
  }
  return std::make_tuple(std::get<0>(usv), s, v);
}

// ---- pseudo-inverse, rank

// Singular values at or below max(atol, rtol * greatest) count as zero.
struct Tolerance {
  std::optional<double> atol, rtol;
  double For(double greatest, int64_t m, int64_t n, DType dtype) const {
    const double epsilon = RealOf(dtype) == DType::kDouble
                               ? 2.220446049250313e-16
                               : 1.1920928955078125e-07;
    const double relative = rtol.value_or(
        atol.value_or(0) > 0 ? 0.0
                             : epsilon * static_cast<double>(std::max(m, n)));
    return std::max(atol.value_or(0), relative * greatest);
  }
};

// The Hermitian matrix whose lower triangle is that of `m`.
template <typename T>
void MirrorLower(Matrix<T>* m) {
  for (int64_t i = 0; i < m->rows; ++i) {
    (*m)(i, i) = T(std::real((*m)(i, i)));
    for (int64_t j = 0; j < i; ++j) (*m)(j, i) = Conjugate((*m)(i, j));
  }
}

Result Pinv(const Tensor& a, const Tolerance& tolerance, bool hermitian) {
  TANDEM_RETURN_IF_ERROR(CheckMatrix(a, "linalg.pinv"));
  if (hermitian) TANDEM_RETURN_IF_ERROR(CheckSquare(a, "linalg.eigh"));
  TANDEM_RETURN_IF_ERROR(CheckFinite(a, "linalg.svd", ""));
  TANDEM_ASSIGN_OR_RETURN(const Batch x, LoadBatch(a));
  TANDEM_ASSIGN_OR_RETURN(const Batch out,
                          NewBatch(LeadOf(a), x.cols, x.rows, a.dtype()));
  TANDEM_RETURN_IF_ERROR(WithCompute(a.dtype(), [&](auto tag) {
    using T = typename decltype(tag)::type;
    for (int64_t b = 0; b < x.count; ++b) {
      TANDEM_RETURN_IF_ERROR(CheckStop());
      Matrix<T> u, v, m = x.at<T>(b);
      if (hermitian) MirrorLower(&m);
      std::vector<double> s;
      Svd(m, &u, &s, &v);
      const double least =
          tolerance.For(s.empty() ? 0 : s[0], x.rows, x.cols, a.dtype());
      for (int64_t j = 0; j < v.cols; ++j) {
        const double f = s[j] > least ? 1 / s[j] : 0;
        for (int64_t i = 0; i < v.rows; ++i) v(i, j) *= f;
      }
      out.Put(b, Product(v, Adjoint(u)));
    }
    return absl::OkStatus();
  }));
  return Finish(out, a.dtype(), true);
}

Result PinvFloat(const Tensor& a, std::optional<double> atol,
                 std::optional<double> rtol, bool hermitian) {
  return Pinv(a, {atol, rtol}, hermitian);
}

absl::StatusOr<std::optional<double>> Number(const Tensor& t) {
  if (!t.defined()) return std::optional<double>();
  if (t.numel() != 1) {
    return absl::UnimplementedError(
        "tolerances that differ within a batch are not supported");
  }
  TANDEM_ASSIGN_OR_RETURN(const Scalar s, t.Item());
  return std::optional<double>(s.ToDouble());
}

Result PinvTensor(const Tensor& a, const Tensor& atol, const Tensor& rtol,
                  bool hermitian) {
  Tolerance t;
  TANDEM_ASSIGN_OR_RETURN(t.atol, Number(atol));
  TANDEM_ASSIGN_OR_RETURN(t.rtol, Number(rtol));
  return Pinv(a, t, hermitian);
}

Result PinvRcond(const Tensor& a, double rcond, bool hermitian) {
  return Pinv(a, {0.0, rcond}, hermitian);
}

Result PInverse(const Tensor& a, double rcond) {
  return Pinv(a, {0.0, rcond}, false);
}

Result Rank(const Tensor& a, const Tolerance& tolerance) {
  TANDEM_ASSIGN_OR_RETURN(auto usv,
                          SvdOf(a, false, false, "linalg.matrix_rank"));
  TANDEM_ASSIGN_OR_RETURN(const Tensor s,
                          Contiguous(std::get<1>(usv), DType::kDouble));
  TANDEM_ASSIGN_OR_RETURN(const Tensor out,
                          Tensor::Zeros(LeadOf(a), DType::kInt64));
  const int64_t k = s.size(s.dim() - 1);
  for (int64_t b = 0; b < out.numel(); ++b) {
    const double* values = s.data<double>() + b * k;
    const double least =
        tolerance.For(k == 0 ? 0 : values[0], a.size(a.dim() - 2),
                      a.size(a.dim() - 1), a.dtype());
    for (int64_t i = 0; i < k; ++i) {
      out.data<int64_t>()[b] += values[i] > least ? 1 : 0;
    }
  }
  return out;
}

Result RankFloat(const Tensor& a, std::optional<double> atol,
                 std::optional<double> rtol, bool) {
  return Rank(a, {atol, rtol});
}

// Tolerances of their own for the matrices of a batch, broadcast over it.
Result RankTensor(const Tensor& a, const Tensor& atol, const Tensor& rtol,
                  bool) {
  TANDEM_ASSIGN_OR_RETURN(auto usv,
                          SvdOf(a, false, false, "linalg.matrix_rank"));
  const Tensor& values = std::get<1>(usv);
  Dims lead(LeadOf(a).begin(), LeadOf(a).end());
  for (const Tensor& t : {atol, rtol}) {
    if (!t.defined()) continue;
    TANDEM_ASSIGN_OR_RETURN(lead, BroadcastSizes(lead, t.sizes()));
  }
  const auto spread = [](const Tensor& t, DimSpan to) -> Result {
    if (!t.defined()) return Tensor();
    TANDEM_ASSIGN_OR_RETURN(const Tensor wide, ExpandTo(t, to));
    return Contiguous(wide, DType::kDouble);
  };
  const int64_t k = values.size(values.dim() - 1);
  Dims rows = lead;
  rows.push_back(k);
  TANDEM_ASSIGN_OR_RETURN(const Tensor s, spread(values, rows));
  TANDEM_ASSIGN_OR_RETURN(const Tensor absolute, spread(atol, lead));
  TANDEM_ASSIGN_OR_RETURN(const Tensor relative, spread(rtol, lead));
  TANDEM_ASSIGN_OR_RETURN(const Tensor out, Tensor::Zeros(lead, DType::kInt64));
  for (int64_t b = 0; b < out.numel(); ++b) {
    Tolerance tolerance;
    if (absolute.defined()) tolerance.atol = absolute.data<double>()[b];
    if (relative.defined()) tolerance.rtol = relative.data<double>()[b];
    const double* row = s.data<double>() + b * k;
    const double least = tolerance.For(k == 0 ? 0 : row[0], a.size(a.dim() - 2),
                                       a.size(a.dim() - 1), a.dtype());
    for (int64_t i = 0; i < k; ++i) {
      out.data<int64_t>()[b] += row[i] > least ? 1 : 0;
    }
  }
  return out;
}

Result RankTol(const Tensor& a, double tol, bool) {
  return Rank(a, {tol, 0.0});
}

// ---- eigenvalues

Two EighOf(const Tensor& a, absl::string_view uplo, bool vectors) {
  if (a.dtype() == DType::kHalf || a.dtype() == DType::kBFloat16 ||
      IsIntegral(a.dtype(), true)) {
    return NotImplementedFor("linalg_eigh_cpu", a.dtype());
  }
  TANDEM_RETURN_IF_ERROR(CheckSquare(a, "linalg.eigh"));
  if (uplo != "L" && uplo != "U" && uplo != "l" && uplo != "u") {
    return Invalid(absl::StrCat(
        "Expected UPLO argument to be 'L' or 'U', but got ", uplo));
  }
  TANDEM_RETURN_IF_ERROR(CheckFinite(a, "linalg.eigh", ""));
  const bool upper = uplo == "U" || uplo == "u";
  TANDEM_ASSIGN_OR_RETURN(const Batch x, LoadBatch(a));
  TANDEM_ASSIGN_OR_RETURN(const Tensor values,
                          NewVector(LeadOf(a), x.rows, DType::kDouble));
  TANDEM_ASSIGN_OR_RETURN(const Batch v,
                          NewBatch(LeadOf(a), x.rows, x.rows, a.dtype()));
  TANDEM_RETURN_IF_ERROR(WithCompute(a.dtype(), [&](auto tag) {
    using T = typename decltype(tag)::type;
    for (int64_t b = 0; b < x.count; ++b) {
      TANDEM_RETURN_IF_ERROR(CheckStop());
      Matrix<T> m = x.at<T>(b), z;
      // Only one triangle is read.
      for (int64_t i = 0; i < m.rows; ++i) {
        m(i, i) = T(std::real(m(i, i)));
        for (int64_t j = 0; j < i; ++j) {
          if (upper) {
            m(i, j) = Conjugate(m(j, i));
          } else {
            m(j, i) = Conjugate(m(i, j));
          }
        }
      }
      std::vector<double> w;
      EigenHermitian(std::move(m), &w, &z, RealOf(a.dtype()) == DType::kFloat,
                     upper);
      std::copy(w.begin(), w.end(), values.data<double>() + b * x.rows);
      v.Put(b, z);
    }
    return absl::OkStatus();
  }));
  TANDEM_ASSIGN_OR_RETURN(Tensor w, ToDType(values, RealOf(a.dtype())));
  Tensor z;
  if (vectors) {
    TANDEM_ASSIGN_OR_RETURN(z, Finish(v, a.dtype()));
  } else {
    TANDEM_ASSIGN_OR_RETURN(z, Tensor::Empty({0}, a.dtype()));
  }
  return std::make_tuple(w, z);
}

Two Eigh(const Tensor& a, absl::string_view uplo) {
  return EighOf(a, uplo, true);
}

Two EighInternal(const Tensor& a, absl::string_view uplo, bool vectors) {
  return EighOf(a, uplo, vectors);
}

Result EigValsH(const Tensor& a, absl::string_view uplo) {
  TANDEM_ASSIGN_OR_RETURN(auto result, EighOf(a, uplo, false));
  return std::get<0>(result);
}

// The greatest component of each vector becomes real, as LAPACK leaves it.
void TurnVectors(Matrix<Complex128>* z) {
  const int64_t n = z->rows;
  for (int64_t j = 0; j < n; ++j) {
    int64_t at = 0;
    for (int64_t k = 1; k < n; ++k) {
      if (std::abs((*z)(k, j)) > std::abs((*z)(at, j)) * (1 + 1e-12)) at = k;
    }
    const double size = std::abs((*z)(at, j));
    if (size == 0) continue;
    const Complex128 turn = std::conj((*z)(at, j)) / size;
    for (int64_t k = 0; k < n; ++k) (*z)(k, j) *= turn;
  }
}

Two EigOf(const Tensor& a, bool vectors) {
  TANDEM_RETURN_IF_ERROR(CheckSquare(a, "linalg.eig"));
  TANDEM_RETURN_IF_ERROR(CheckFinite(a, "torch.linalg.eig", ""));
  const DType dtype = IsComplex(a.dtype()) ? a.dtype() : ToComplex(a.dtype());
  TANDEM_ASSIGN_OR_RETURN(const Tensor complex, ToDType(a, dtype));
  TANDEM_ASSIGN_OR_RETURN(const Batch x, LoadBatch(complex));
  TANDEM_ASSIGN_OR_RETURN(const Tensor values,
                          NewVector(LeadOf(a), x.rows, DType::kComplexDouble));
  TANDEM_ASSIGN_OR_RETURN(const Batch v,
                          NewBatch(LeadOf(a), x.rows, x.rows, dtype));
  for (int64_t b = 0; b < x.count; ++b) {
    TANDEM_RETURN_IF_ERROR(CheckStop());
    std::vector<Complex128> w;
    Matrix<Complex128> z;
    Matrix<Complex128>* const wanted = vectors ? &z : nullptr;
    bool converged;
    if (IsComplex(a.dtype())) {
      converged = EigenGeneral(x.at<Complex128>(b), &w, wanted);
      if (vectors) TurnVectors(&z);
    } else {
      const Matrix<Complex128> m = x.at<Complex128>(b);
      Matrix<double> real(m.rows, m.cols);
      for (size_t i = 0; i < m.data.size(); ++i) {
        real.data[i] = m.data[i].real();
      }
      converged =
          EigenReal(std::move(real), a.dtype() == DType::kFloat, &w, wanted);
    }
    if (!converged) {
      return Invalid("linalg.eig: The algorithm failed to converge.");
    }
    std::copy(w.begin(), w.end(), values.data<Complex128>() + b * x.rows);
    if (vectors) v.Put(b, z);
  }
  TANDEM_ASSIGN_OR_RETURN(Tensor w, ToDType(values, dtype));
  TANDEM_ASSIGN_OR_RETURN(Tensor z, Finish(v, dtype));
  return std::make_tuple(w, z);
}

Two Eig(const Tensor& a) { return EigOf(a, true); }

Result EigVals(const Tensor& a) {
  TANDEM_ASSIGN_OR_RETURN(auto result, EigOf(a, false));
  return std::get<0>(result);
}

}  // namespace

void AddLinalgSpectra(KernelRegistrar& r) {
  r.Add("aten::linalg_svd", &LinalgSvd)
      .Add("aten::linalg_svd.U", &LapackVariants<&LinalgSvd>::Out)
      .Add("aten::_linalg_svd", &LinalgSvdInternal)
      .Add("aten::_linalg_svd.U", &LapackVariants<&LinalgSvdInternal>::Out)
      .Add("aten::linalg_svdvals", &SvdVals)
      .Add("aten::linalg_svdvals.out", &LapackVariants<&SvdVals>::OutExact)
      .Add("aten::svd", &OldSvd)
      .Add("aten::svd.U", &LapackVariants<&OldSvd>::Out)
      .Add("aten::linalg_pinv", &PinvRcond)
      .Add("aten::linalg_pinv.out", &LapackVariants<&PinvRcond>::OutExact)
      .Add("aten::linalg_pinv.atol_rtol_float", &PinvFloat)
      .Add("aten::linalg_pinv.atol_rtol_float_out",
           &LapackVariants<&PinvFloat>::OutExact)
      .Add("aten::linalg_pinv.atol_rtol_tensor", &PinvTensor)
      .Add("aten::linalg_pinv.atol_rtol_tensor_out",
           &LapackVariants<&PinvTensor>::OutExact)
      .Add("aten::pinverse", &PInverse)
      .Add("aten::linalg_matrix_rank", &RankTol)
      .Add("aten::linalg_matrix_rank.out", &LapackVariants<&RankTol>::OutExact)
      .Add("aten::linalg_matrix_rank.atol_rtol_float", &RankFloat)
      .Add("aten::linalg_matrix_rank.atol_rtol_float_out",
           &LapackVariants<&RankFloat>::OutExact)
      .Add("aten::linalg_matrix_rank.atol_rtol_tensor", &RankTensor)
      .Add("aten::linalg_matrix_rank.atol_rtol_tensor_out",
           &LapackVariants<&RankTensor>::OutExact)
      .Add("aten::linalg_eigh", &Eigh)
      .Add("aten::linalg_eigh.eigvals", &LapackVariants<&Eigh>::Out)
      .Add("aten::_linalg_eigh", &EighInternal)
      .Add("aten::_linalg_eigh.eigenvalues",
           &LapackVariants<&EighInternal>::Out)
      .Add("aten::linalg_eigvalsh", &EigValsH)
      .Add("aten::linalg_eigvalsh.out", &LapackVariants<&EigValsH>::OutExact)
      .Add("aten::linalg_eig", &Eig)
      .Add("aten::linalg_eig.out", &LapackVariants<&Eig>::Out)
      .Add("aten::linalg_eigvals", &EigVals)
      .Add("aten::_linalg_eigvals", &EigVals)
      .Add("aten::linalg_eigvals.out", &LapackVariants<&EigVals>::OutExact);
}

}  // namespace tandem::reference
