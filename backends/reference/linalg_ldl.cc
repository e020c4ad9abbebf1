// linalg.ldl_factor and ldl_solve: Bunch and Kaufman's factorization of
// symmetric or Hermitian matrices, with the pivots of LAPACK's sytrf.
#include <algorithm>
#include <cmath>
#include <tuple>

#include "absl/strings/str_cat.h"
#include "tandem/backends/reference/linalg.h"
#include "tandem/ir/operators/promotion.h"

namespace tandem::reference {
namespace {

using Result = absl::StatusOr<Tensor>;
using Two = absl::StatusOr<std::tuple<Tensor, Tensor>>;
using Three = absl::StatusOr<std::tuple<Tensor, Tensor, Tensor>>;

template <typename... A>
absl::Status Invalid(const A&... parts) {
  return absl::InvalidArgumentError(absl::StrCat(parts...));
}

double Size(double v) { return std::abs(v); }
double Size(Complex128 v) { return std::abs(v.real()) + std::abs(v.imag()); }

template <typename T>
T RealOnly(T v) {
  return T(std::real(v));
}

// a = L D L^T (L^H where hermitian) in the lower triangle; 1-based pivots,
// negative in pairs for blocks of 2. The number of the first zero pivot or 0.
template <typename T>
int32_t FactorLdl(Matrix<T>* matrix, bool hermitian, int32_t* pivots) {
  Matrix<T>& a = *matrix;
  const int64_t n = a.rows;
  const double alpha = (1 + std::sqrt(17.0)) / 8;
  const auto conj = [&](T v) { return hermitian ? Conjugate(v) : v; };
  int32_t info = 0;
  for (int64_t k = 0; k < n;) {
    int64_t step = 1, pivot = k;
    const double diagonal =
        hermitian ? std::abs(std::real(a(k, k))) : Size(a(k, k));
    int64_t row = k;
    double most = 0;
    for (int64_t i = k + 1; i < n; ++i) {
      if (Size(a(i, k)) > most) {
        most = Size(a(i, k));
        row = i;
      }
    }
    if (std::max(diagonal, most) == 0 || std::isnan(diagonal)) {
      if (info == 0) info = static_cast<int32_t>(k + 1);
      if (hermitian) a(k, k) = RealOnly(a(k, k));
      pivots[k] = static_cast<int32_t>(k + 1);
      ++k;
      continue;
    }
    if (diagonal < alpha * most) {
      double row_most = 0;
      for (int64_t j = k; j < row; ++j) {
        row_most = std::max(row_most, Size(a(row, j)));
      }
      for (int64_t i = row + 1; i < n; ++i) {
        row_most = std::max(row_most, Size(a(i, row)));
      }
      const double other =
          hermitian ? std::abs(std::real(a(row, row))) : Size(a(row, row));
      if (diagonal >= alpha * most * (most / row_most)) {
        pivot = k;
      } else if (other >= alpha * row_most) {
        pivot = row;
      } else {
        pivot = row;
        step = 2;
      }
    }
    const int64_t kk = k + step - 1;
    if (pivot != kk) {
      for (int64_t i = pivot + 1; i < n; ++i) std::swap(a(i, kk), a(i, pivot));
      for (int64_t j = kk + 1; j < pivot; ++j) {
        const T kept = conj(a(j, kk));
        a(j, kk) = conj(a(pivot, j));
        a(pivot, j) = kept;
      }
      if (hermitian) a(pivot, kk) = Conjugate(a(pivot, kk));
      std::swap(a(kk, kk), a(pivot, pivot));
      if (step == 2) std::swap(a(k + 1, k), a(pivot, k));
    }
    if (hermitian) {
      a(k, k) = RealOnly(a(k, k));
      if (step == 2) a(k + 1, k + 1) = RealOnly(a(k + 1, k + 1));
    }
    if (step == 1) {
      const T inverse = T(1) / a(k, k);
      for (int64_t j = k + 1; j < n; ++j) {
        const T factor = inverse * conj(a(j, k));
        for (int64_t i = j; i < n; ++i) a(i, j) -= a(i, k) * factor;
        if (hermitian) a(j, j) = RealOnly(a(j, j));
      }
      for (int64_t i = k + 1; i < n; ++i) a(i, k) *= inverse;
      pivots[k] = static_cast<int32_t>(pivot + 1);
    } else {
      // The inverse of the block (p q; r s), times two columns at once.
      const T p = a(k, k), r = a(k + 1, k), q = conj(r), s = a(k + 1, k + 1);
      const T det = p * s - q * r;
      for (int64_t j = k + 2; j < n; ++j) {
        const T x = a(j, k), y = a(j, k + 1);
        const T first = (s * x - r * y) / det, second = (p * y - q * x) / det;
        const T w0 = conj(first), w1 = conj(second);
        for (int64_t i = j; i < n; ++i) {
          a(i, j) -= a(i, k) * w0 + a(i, k + 1) * w1;
        }
        a(j, k) = first;
        a(j, k + 1) = second;
        if (hermitian) a(j, j) = RealOnly(a(j, j));
      }
      pivots[k] = pivots[k + 1] = static_cast<int32_t>(-(pivot + 1));
    }
    k += step;
  }
  return info;
}

template <typename T>
void SolveLdl(const Matrix<T>& a, const int32_t* pivots, bool hermitian,
              Matrix<T>* matrix) {
  Matrix<T>& b = *matrix;
  const int64_t n = a.rows;
  const auto conj = [&](T v) { return hermitian ? Conjugate(v) : v; };
  const auto swap_rows = [&](int64_t i, int64_t j) {
    if (i == j || j < 0 || j >= n) return;
    for (int64_t c = 0; c < b.cols; ++c) std::swap(b(i, c), b(j, c));
  };
  const auto is_pair = [&](int64_t k) { return pivots[k] < 0 && k + 1 < n; };
  std::vector<int64_t> starts;
  for (int64_t k = 0; k < n; k += is_pair(k) ? 2 : 1) starts.push_back(k);
  for (int64_t k : starts) {
    const int64_t size = is_pair(k) ? 2 : 1;
    swap_rows(k + size - 1, std::abs(pivots[k]) - 1);
    for (int64_t c = 0; c < b.cols; ++c) {
      for (int64_t i = k + size; i < n; ++i) {
        for (int64_t j = 0; j < size; ++j) b(i, c) -= a(i, k + j) * b(k + j, c);
      }
      if (size == 1) {
        b(k, c) /= a(k, k);
        continue;
      }
      const T p = a(k, k), r = a(k + 1, k), q = conj(r), s = a(k + 1, k + 1);
      const T det = p * s - q * r;
      const T x = b(k, c), y = b(k + 1, c);
      b(k, c) = (s * x - q * y) / det;
      b(k + 1, c) = (p * y - r * x) / det;
    }
  }
  for (auto it = starts.rbegin(); it != starts.rend(); ++it) {
    const int64_t k = *it, size = is_pair(k) ? 2 : 1;
    for (int64_t c = 0; c < b.cols; ++c) {
      for (int64_t j = 0; j < size; ++j) {
        for (int64_t i = k + size; i < n; ++i) {
          b(k + j, c) -= conj(a(i, k + j)) * b(i, c);
        }
      }
    }
    swap_rows(k + size - 1, std::abs(pivots[k]) - 1);
  }
}

Three Factor(const Tensor& self, bool hermitian, bool check_errors,
             absl::string_view op) {
  TANDEM_RETURN_IF_ERROR(CheckSquare(self, "torch.linalg.ldl_factor_ex"));
  TANDEM_ASSIGN_OR_RETURN(const Batch x, LoadBatch(self));
  TANDEM_ASSIGN_OR_RETURN(const Batch out,
                          NewBatch(LeadOf(self), x.rows, x.cols, self.dtype()));
  Dims sizes(LeadOf(self).begin(), LeadOf(self).end());
  TANDEM_ASSIGN_OR_RETURN(const Tensor info,
                          Tensor::Zeros(sizes, DType::kInt32));
  sizes.push_back(x.rows);
  TANDEM_ASSIGN_OR_RETURN(const Tensor pivots,
                          Tensor::Zeros(sizes, DType::kInt32));
  TANDEM_RETURN_IF_ERROR(WithCompute(self.dtype(), [&](auto tag) {
    using T = typename decltype(tag)::type;
    for (int64_t b = 0; b < x.count; ++b) {
      TANDEM_RETURN_IF_ERROR(CheckStop());
      Matrix<T> m = x.at<T>(b);
      info.data<int32_t>()[b] =
          FactorLdl(&m, hermitian && IsComplex(self.dtype()),
                    pivots.data<int32_t>() + b * x.rows);
      for (int64_t i = 0; i < m.rows; ++i) {
        for (int64_t j = i + 1; j < m.cols; ++j) m(i, j) = T(0);
      }
      out.Put(b, m);
    }
    return absl::OkStatus();
  }));
  if (check_errors) {
    for (int64_t b = 0; b < info.numel(); ++b) {
      const int32_t i = info.data<int32_t>()[b];
      if (i != 0) return Invalid(op, ": Unknown error code: ", i, ".");
    }
  }
  TANDEM_ASSIGN_OR_RETURN(Tensor ld, Finish(out, self.dtype()));
  return std::make_tuple(ld, pivots, info);
}

Three LdlFactorEx(const Tensor& self, bool hermitian, bool check_errors) {
  return Factor(self, hermitian, check_errors, "torch.linalg.ldl_factor_ex");
}

Two LdlFactor(const Tensor& self, bool hermitian) {
  TANDEM_ASSIGN_OR_RETURN(const auto result, Factor(self, hermitian, true,
                                                    "torch.linalg.ldl_factor"));
  return std::make_tuple(std::get<0>(result), std::get<1>(result));
}

Result LdlSolve(const Tensor& ld, const Tensor& pivots, const Tensor& b,
                bool hermitian) {
  constexpr absl::string_view kOp = "torch.linalg.ldl_solve";
  TANDEM_RETURN_IF_ERROR(CheckSquare(ld, kOp));
  TANDEM_RETURN_IF_ERROR(CheckMatrix(b, kOp, "B"));
  if (b.dtype() != ld.dtype()) {
    return Invalid(
        "Expected b and A to have the same dtype, but found b of type ",
        TypeName(b.dtype()), " and A of type ", TypeName(ld.dtype()),
        " instead.");
  }
  const int64_t n = ld.size(ld.dim() - 1);
  if (b.size(b.dim() - 2) != n) {
    return Invalid("Incompatible matrix sizes for ", kOp, ": each A matrix is ",
                   n, " by ", n, " but each b matrix is ", b.size(b.dim() - 2),
                   " by ", b.size(b.dim() - 1));
  }
  if (pivots.sizes() != ld.sizes().subspan(0, ld.dim() - 1)) {
    return Invalid(kOp,
                   ": Expected LD.shape[:-1] and pivots.shape to be the same, "
                   "but got pivots with shape ",
                   DimsToString(pivots.sizes()), " instead");
  }
  if (!IsIntegral(pivots.dtype(), false)) {
    return Invalid(kOp, ": Expected pivots to be integers. Got ",
                   TypeName(pivots.dtype()));
  }
  TANDEM_ASSIGN_OR_RETURN(const Dims lead, CommonLead(ld, b));
  TANDEM_ASSIGN_OR_RETURN(const Batch x, LoadBatch(ld, lead));
  TANDEM_ASSIGN_OR_RETURN(const Batch y, LoadBatch(b, lead));
  Dims sizes = lead;
  sizes.push_back(n);
  TANDEM_ASSIGN_OR_RETURN(const Tensor expanded, ExpandTo(pivots, sizes));
  TANDEM_ASSIGN_OR_RETURN(const Tensor p, Contiguous(expanded, DType::kInt32));
  TANDEM_ASSIGN_OR_RETURN(const Batch out,
                          NewBatch(lead, y.rows, y.cols, b.dtype()));
  TANDEM_RETURN_IF_ERROR(WithCompute(b.dtype(), [&](auto tag) {
    using T = typename decltype(tag)::type;
    for (int64_t i = 0; i < y.count; ++i) {
      TANDEM_RETURN_IF_ERROR(CheckStop());
      Matrix<T> r = y.at<T>(i);
      SolveLdl(x.at<T>(i), p.data<int32_t>() + i * n,
               hermitian && IsComplex(b.dtype()), &r);
      out.Put(i, r);
    }
    return absl::OkStatus();
  }));
  return Finish(out, b.dtype());
}

}  // namespace

void AddLinalgLdl(KernelRegistrar& r) {
  r.Add("aten::linalg_ldl_factor", &LdlFactor)
      .Add("aten::linalg_ldl_factor.out", &LapackVariants<&LdlFactor>::Out)
      .Add("aten::linalg_ldl_factor_ex", &LdlFactorEx)
      .Add("aten::linalg_ldl_factor_ex.out", &LapackVariants<&LdlFactorEx>::Out)
      .Add("aten::linalg_ldl_solve", &LdlSolve)
      .Add("aten::linalg_ldl_solve.out", &LapackVariants<&LdlSolve>::OutExact);
}

}  // namespace tandem::reference
