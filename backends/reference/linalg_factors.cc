// LU, Cholesky and QR factorizations of (batches of) matrices.
#include <algorithm>
#include <string>
#include <tuple>

#include "absl/strings/str_cat.h"
#include "tandem/backends/reference/linalg.h"

namespace tandem::reference {
namespace {

using Result = absl::StatusOr<Tensor>;
using Two = absl::StatusOr<std::tuple<Tensor, Tensor>>;
using Three = absl::StatusOr<std::tuple<Tensor, Tensor, Tensor>>;

absl::Status Invalid(std::string text) {
  return absl::InvalidArgumentError(std::move(text));
}

// ---- Cholesky

Two CholeskyEx(const Tensor& a, bool upper, bool check_errors) {
  constexpr absl::string_view kOp = "linalg.cholesky";
  if (a.dtype() == DType::kHalf || a.dtype() == DType::kBFloat16) {
    return NotImplementedFor("cholesky_cpu", a.dtype());
  }
  TANDEM_RETURN_IF_ERROR(CheckSquare(a, kOp));
  TANDEM_ASSIGN_OR_RETURN(const Batch x, LoadBatch(a));
  TANDEM_ASSIGN_OR_RETURN(const Batch out,
                          NewBatch(LeadOf(a), x.rows, x.cols, a.dtype()));
  TANDEM_ASSIGN_OR_RETURN(const Tensor info,
                          Tensor::Zeros(LeadOf(a), DType::kInt32));
  TANDEM_RETURN_IF_ERROR(WithCompute(a.dtype(), [&](auto tag) {
    using T = typename decltype(tag)::type;
    for (int64_t b = 0; b < x.count; ++b) {
      TANDEM_RETURN_IF_ERROR(CheckStop());
      Matrix<T> m = x.at<T>(b);
      if (upper) m = Adjoint(m);  // reads the upper triangle
      info.data<int32_t>()[b] = FactorCholesky(&m);
      out.Put(b, upper ? Adjoint(m) : m);
    }
    return absl::OkStatus();
  }));
  if (check_errors) {
    TANDEM_RETURN_IF_ERROR(CheckInfos(info, kOp, [](int32_t i) {
      return absl::StrCat(
          "The factorization could not be completed because the input is not "
          "positive-definite (the leading minor of order ",
          i, " is not positive-definite).");
    }));
  }
  TANDEM_ASSIGN_OR_RETURN(Tensor l, Finish(out, a.dtype()));
  return std::make_tuple(l, info);
}

Result LinalgCholesky(const Tensor& a, bool upper) {
  TANDEM_ASSIGN_OR_RETURN(auto result, CholeskyEx(a, upper, true));
  return std::get<0>(result);
}

// x with (l l^H) x = b.
template <typename T>
void SolveWithCholesky(Matrix<T> l, bool upper, Matrix<T>* b) {
  if (upper) l = Adjoint(l);
  SolveTriangle(l, false, false, b);
  SolveTriangle(Adjoint(l), true, false, b);
}

Result CholeskySolve(const Tensor& b, const Tensor& l, bool upper) {
  TANDEM_RETURN_IF_ERROR(CheckSquare(l, "cholesky_solve"));
  TANDEM_RETURN_IF_ERROR(CheckMatrix(b, "cholesky_solve", "B"));
  if (b.dtype() != l.dtype() || b.size(b.dim() - 2) != l.size(l.dim() - 1)) {
    return Invalid("cholesky_solve: Incompatible matrices");
  }
  TANDEM_ASSIGN_OR_RETURN(const Dims lead, CommonLead(b, l));
  TANDEM_ASSIGN_OR_RETURN(const Batch x, LoadBatch(l, lead));
  TANDEM_ASSIGN_OR_RETURN(const Batch y, LoadBatch(b, lead));
  TANDEM_ASSIGN_OR_RETURN(const Batch out,
                          NewBatch(lead, y.rows, y.cols, b.dtype()));
  TANDEM_RETURN_IF_ERROR(WithCompute(b.dtype(), [&](auto tag) {
    using T = typename decltype(tag)::type;
    for (int64_t i = 0; i < x.count; ++i) {
      TANDEM_RETURN_IF_ERROR(CheckStop());
      Matrix<T> r = y.at<T>(i);
      SolveWithCholesky(x.at<T>(i), upper, &r);
      out.Put(i, r);
    }
    return absl::OkStatus();
  }));
  return Finish(out, b.dtype());
}

Result CholeskyInverse(const Tensor& l, bool upper) {
  TANDEM_RETURN_IF_ERROR(CheckSquare(l, "cholesky_inverse"));
  TANDEM_ASSIGN_OR_RETURN(const Batch x, LoadBatch(l));
  TANDEM_ASSIGN_OR_RETURN(const Batch out,
                          NewBatch(LeadOf(l), x.rows, x.cols, l.dtype()));
  TANDEM_RETURN_IF_ERROR(WithCompute(l.dtype(), [&](auto tag) {
    using T = typename decltype(tag)::type;
    for (int64_t i = 0; i < x.count; ++i) {
      TANDEM_RETURN_IF_ERROR(CheckStop());
      Matrix<T> r = Matrix<T>::Identity(x.rows);
      SolveWithCholesky(x.at<T>(i), upper, &r);
      out.Put(i, r);
    }
    return absl::OkStatus();
  }));
  return Finish(out, l.dtype());
}

// ---- QR

Two Qr(const Tensor& a, absl::string_view mode) {
  TANDEM_RETURN_IF_ERROR(CheckMatrix(a, "linalg.qr"));
  if (mode != "reduced" && mode != "complete" && mode != "r") {
    return Invalid(absl::StrCat(
        "qr received unrecognized mode '", mode,
        "' but expected one of 'reduced' (default), 'r', or 'complete'"));
  }
  TANDEM_ASSIGN_OR_RETURN(const Batch x, LoadBatch(a));
  const int64_t k = std::min(x.rows, x.cols);
  const int64_t columns = mode == "complete" ? x.rows : k;
  TANDEM_ASSIGN_OR_RETURN(const Batch r,
                          NewBatch(LeadOf(a), columns, x.cols, a.dtype()));
  TANDEM_ASSIGN_OR_RETURN(const Batch q,
                          NewBatch(LeadOf(a), x.rows, columns, a.dtype()));
  TANDEM_RETURN_IF_ERROR(WithCompute(a.dtype(), [&](auto tag) {
    using T = typename decltype(tag)::type;
    for (int64_t b = 0; b < x.count; ++b) {
      TANDEM_RETURN_IF_ERROR(CheckStop());
      Matrix<T> m = x.at<T>(b);
      std::vector<T> tau;
      FactorQr(&m, &tau);
      Matrix<T> upper(columns, x.cols);
      for (int64_t i = 0; i < columns; ++i) {
        for (int64_t j = i; j < x.cols; ++j) upper(i, j) = m(i, j);
      }
      r.Put(b, upper);
      if (mode != "r") q.Put(b, FormQ(m, tau, columns));
    }
    return absl::OkStatus();
  }));
  Tensor q_result;
  if (mode == "r") {
    TANDEM_ASSIGN_OR_RETURN(q_result, Tensor::Empty({0}, a.dtype()));
  } else {
    TANDEM_ASSIGN_OR_RETURN(q_result, Finish(q, a.dtype()));
  }
  TANDEM_ASSIGN_OR_RETURN(Tensor r_result, Finish(r, a.dtype()));
  return std::make_tuple(q_result, r_result);
}

Two Geqrf(const Tensor& a) {
  TANDEM_RETURN_IF_ERROR(CheckMatrix(a, "geqrf", "input"));
  TANDEM_ASSIGN_OR_RETURN(const Batch x, LoadBatch(a));
  const int64_t k = std::min(x.rows, x.cols);
  TANDEM_ASSIGN_OR_RETURN(const Batch f,
                          NewBatch(LeadOf(a), x.rows, x.cols, a.dtype()));
  Dims sizes(LeadOf(a).begin(), LeadOf(a).end());
  sizes.push_back(k);
  TANDEM_ASSIGN_OR_RETURN(const Tensor taus,
                          Tensor::Zeros(sizes, x.data.dtype()));
  TANDEM_RETURN_IF_ERROR(WithCompute(a.dtype(), [&](auto tag) {
    using T = typename decltype(tag)::type;
    for (int64_t b = 0; b < x.count; ++b) {
      TANDEM_RETURN_IF_ERROR(CheckStop());
      Matrix<T> m = x.at<T>(b);
      std::vector<T> tau;
      FactorQr(&m, &tau);
      f.Put(b, m);
      std::copy(tau.begin(), tau.end(), taus.data<T>() + b * k);
    }
    return absl::OkStatus();
  }));
  TANDEM_ASSIGN_OR_RETURN(Tensor factor, Finish(f, a.dtype()));
  TANDEM_ASSIGN_OR_RETURN(Tensor tau, ToDType(taus, a.dtype()));
  return std::make_tuple(factor, tau);
}

absl::Status CheckTau(const Tensor& a, const Tensor& tau,
                      absl::string_view op) {
  TANDEM_RETURN_IF_ERROR(CheckMatrix(a, op, "input"));
  bool fits = tau.dim() == a.dim() - 1 && tau.dtype() == a.dtype();
  for (int64_t d = 0; fits && d + 1 < tau.dim(); ++d) {
    fits = tau.size(d) == a.size(d);
  }
  if (!fits || tau.size(tau.dim() - 1) > a.size(a.dim() - 1) ||
      a.size(a.dim() - 1) > a.size(a.dim() - 2)) {
    return Invalid(absl::StrCat(op, ": input and tau do not fit"));
  }
  return absl::OkStatus();
}

Result HouseholderProduct(const Tensor& a, const Tensor& tau) {
  TANDEM_RETURN_IF_ERROR(CheckTau(a, tau, "torch.linalg.householder_product"));
  TANDEM_ASSIGN_OR_RETURN(const Batch x, LoadBatch(a));
  TANDEM_ASSIGN_OR_RETURN(const Tensor t, Contiguous(tau, x.data.dtype()));
  const int64_t k = tau.size(tau.dim() - 1);
  TANDEM_ASSIGN_OR_RETURN(const Batch q,
                          NewBatch(LeadOf(a), x.rows, x.cols, a.dtype()));
  TANDEM_RETURN_IF_ERROR(WithCompute(a.dtype(), [&](auto tag) {
    using T = typename decltype(tag)::type;
    for (int64_t b = 0; b < x.count; ++b) {
      TANDEM_RETURN_IF_ERROR(CheckStop());
      const std::vector<T> taus(t.data<T>() + b * k, t.data<T>() + (b + 1) * k);
      q.Put(b, FormQ(x.at<T>(b), taus, x.cols));
    }
    return absl::OkStatus();
  }));
  return Finish(q, a.dtype());
}

// ---- LU

Three LuFactorEx(const Tensor& a, bool pivot, bool check_errors) {
  constexpr absl::string_view kOp = "torch.linalg.lu_factor";
  TANDEM_RETURN_IF_ERROR(CheckMatrix(a, kOp));
  if (!pivot && a.numel() > 0) {
    return Invalid(
        "linalg.lu_factor: LU without pivoting is not implemented on the CPU");
  }
  TANDEM_ASSIGN_OR_RETURN(const Batch x, LoadBatch(a));
  const int64_t k = std::min(x.rows, x.cols);
  TANDEM_ASSIGN_OR_RETURN(const Batch lu,
                          NewBatch(LeadOf(a), x.rows, x.cols, a.dtype()));
  Dims sizes(LeadOf(a).begin(), LeadOf(a).end());
  TANDEM_ASSIGN_OR_RETURN(const Tensor info,
                          Tensor::Zeros(sizes, DType::kInt32));
  sizes.push_back(k);
  TANDEM_ASSIGN_OR_RETURN(const Tensor pivots,
                          Tensor::Zeros(sizes, DType::kInt32));
  TANDEM_RETURN_IF_ERROR(WithCompute(a.dtype(), [&](auto tag) {
    using T = typename decltype(tag)::type;
    for (int64_t b = 0; b < x.count; ++b) {
      TANDEM_RETURN_IF_ERROR(CheckStop());
      Matrix<T> m = x.at<T>(b);
      std::vector<int32_t> p;
      info.data<int32_t>()[b] = FactorLu(&m, &p, pivot);
      lu.Put(b, m);
      for (int64_t i = 0; i < k; ++i) {
        pivots.data<int32_t>()[b * k + i] = p[i] + 1;
      }
    }
    return absl::OkStatus();
  }));
  if (check_errors) {
    TANDEM_RETURN_IF_ERROR(CheckInfos(info, kOp, [](int32_t i) {
      return absl::StrCat(
          "U[", i, ",", i,
          "] is zero and using it on lu_solve would result in a division by "
          "zero.");
    }));
  }
  TANDEM_ASSIGN_OR_RETURN(Tensor factor, Finish(lu, a.dtype()));
  return std::make_tuple(factor, pivots, info);
}

Two LuFactor(const Tensor& a, bool pivot) {
  TANDEM_ASSIGN_OR_RETURN(auto f, LuFactorEx(a, pivot, false));
  return std::make_tuple(std::get<0>(f), std::get<1>(f));
}

// Row order that the swaps of pivots (from 1) make of 0 … n-1.
absl::StatusOr<std::vector<int64_t>> OrderOf(const int32_t* pivots, int64_t k,
                                             int64_t n) {
  std::vector<int64_t> order(n);
  for (int64_t i = 0; i < n; ++i) order[i] = i;
  for (int64_t i = 0; i < k; ++i) {
    const int64_t p = pivots[i] - 1;
    if (p < 0 || p >= n || i >= n) {
      return Invalid(
          "pivots given to lu_solve must all be greater or equal to "
          "1 and at most the number of rows.");
    }
    std::swap(order[i], order[p]);
  }
  return order;
}

Three Unpack(const Tensor& lu, const Tensor& pivots, bool unpack_data,
             bool unpack_pivots, DType dtype) {
  TANDEM_RETURN_IF_ERROR(CheckMatrix(lu, "torch.lu_unpack", "LU_data"));
  TANDEM_ASSIGN_OR_RETURN(const Batch x, LoadBatch(lu));
  const int64_t m = x.rows, n = x.cols, k = std::min(m, n);
  Tensor p, l, u;
  if (unpack_pivots) {
    if (pivots.dtype() != DType::kInt32 || pivots.dim() != lu.dim() - 1 ||
        pivots.numel() != x.count * k) {
      return Invalid(
          "torch.lu_unpack: LU_pivots is expected to be a contiguous "
          "tensor of torch.int32 dtype.");
    }
    TANDEM_ASSIGN_OR_RETURN(const Tensor swaps, Contiguous(pivots));
    TANDEM_ASSIGN_OR_RETURN(const Batch out,
                            NewBatch(LeadOf(lu), m, m, DType::kDouble));
    for (int64_t b = 0; b < x.count; ++b) {
      TANDEM_ASSIGN_OR_RETURN(const std::vector<int64_t> order,
                              OrderOf(swaps.data<int32_t>() + b * k, k, m));
      Matrix<double> perm(m, m);
      for (int64_t i = 0; i < m; ++i) perm(order[i], i) = 1;
      out.Put(b, perm);
    }
    TANDEM_ASSIGN_OR_RETURN(p, Finish(out, dtype, true));
  } else {
    TANDEM_ASSIGN_OR_RETURN(p, Tensor::Empty({0}, dtype));
  }
  if (unpack_data) {
    TANDEM_ASSIGN_OR_RETURN(const Batch low, NewBatch(LeadOf(lu), m, k, dtype));
    TANDEM_ASSIGN_OR_RETURN(const Batch up, NewBatch(LeadOf(lu), k, n, dtype));
    TANDEM_RETURN_IF_ERROR(WithCompute(dtype, [&](auto tag) {
      using T = typename decltype(tag)::type;
      for (int64_t b = 0; b < x.count; ++b) {
        const Matrix<T> f = x.at<T>(b);
        Matrix<T> lower(m, k), upper(k, n);
        for (int64_t i = 0; i < m; ++i) {
          for (int64_t j = 0; j < n; ++j) {
            if (j < i && j < k) lower(i, j) = f(i, j);
            if (j >= i && i < k) upper(i, j) = f(i, j);
          }
          if (i < k) lower(i, i) = T(1);
        }
        low.Put(b, lower);
        up.Put(b, upper);
      }
      return absl::OkStatus();
    }));
    TANDEM_ASSIGN_OR_RETURN(l, Finish(low, dtype, true));
    TANDEM_ASSIGN_OR_RETURN(u, Finish(up, dtype, true));
  } else {
    TANDEM_ASSIGN_OR_RETURN(l, Tensor::Empty({0}, dtype));
    TANDEM_ASSIGN_OR_RETURN(u, Tensor::Empty({0}, dtype));
  }
  return std::make_tuple(p, l, u);
}

Three LuUnpack(const Tensor& lu, const Tensor& pivots, bool unpack_data,
               bool unpack_pivots) {
  return Unpack(lu, pivots, unpack_data, unpack_pivots, lu.dtype());
}

Three Lu(const Tensor& a, bool pivot) {
  TANDEM_ASSIGN_OR_RETURN(auto f, LuFactorEx(a, pivot, false));
  return Unpack(std::get<0>(f), std::get<1>(f), true, pivot, a.dtype());
}

}  // namespace

void AddLinalgFactors(KernelRegistrar& r) {
  r.Add("aten::linalg_cholesky_ex", &CholeskyEx)
      .Add("aten::linalg_cholesky_ex.L", &LapackVariants<&CholeskyEx>::Out)
      .Add("aten::linalg_cholesky", &LinalgCholesky)
      .Add("aten::linalg_cholesky.out",
           &LapackVariants<&LinalgCholesky>::OutExact)
      .Add("aten::cholesky_solve", &CholeskySolve)
      .Add("aten::cholesky_solve.out", &Variants<&CholeskySolve>::OutExact)
      .Add("aten::cholesky_inverse", &CholeskyInverse)
      .Add("aten::cholesky_inverse.out",
           &LapackVariants<&CholeskyInverse>::OutExact)
      .Add("aten::linalg_qr", &Qr)
      .Add("aten::linalg_qr.out", &LapackVariants<&Qr>::Out)
      .Add("aten::geqrf", &Geqrf)
      .Add("aten::geqrf.a", &LapackVariants<&Geqrf>::Out)
      .Add("aten::linalg_householder_product", &HouseholderProduct)
      .Add("aten::linalg_householder_product.out",
           &LapackVariants<&HouseholderProduct>::OutExact)
      .Add("aten::orgqr", &HouseholderProduct)
      .Add("aten::orgqr.out", &LapackVariants<&HouseholderProduct>::OutExact)
      .Add("aten::linalg_lu_factor_ex", &LuFactorEx)
      .Add("aten::linalg_lu_factor_ex.out", &LapackVariants<&LuFactorEx>::Out)
      .Add("aten::_lu_with_info", &LuFactorEx)
      .Add("aten::linalg_lu_factor", &LuFactor)
      .Add("aten::linalg_lu_factor.out", &LapackVariants<&LuFactor>::Out)
      .Add("aten::lu_unpack", &LuUnpack)
      .Add("aten::lu_unpack.out", &LapackVariants<&LuUnpack>::Out)
      .Add("aten::linalg_lu", &Lu)
      .Add("aten::linalg_lu.out", &LapackVariants<&Lu>::Out);
}

}  // namespace tandem::reference
