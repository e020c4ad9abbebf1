// Norms by singular values, condition numbers, and solutions that are made of
// the factorizations: least squares, LU, polar, tensor equations.
#include <algorithm>
#include <cmath>
#include <limits>
#include <string>
#include <tuple>

#include "absl/strings/str_cat.h"
#include "tandem/backends/reference/linalg.h"
#include "tandem/backends/reference/variants.h"
#include "tandem/ir/operators/promotion.h"

namespace tandem::reference {
namespace {

using Result = absl::StatusOr<Tensor>;
using Two = absl::StatusOr<std::tuple<Tensor, Tensor>>;
using Four = absl::StatusOr<std::tuple<Tensor, Tensor, Tensor, Tensor>>;
using MaybeString = std::optional<absl::string_view>;

template <typename... A>
absl::Status Invalid(const A&... parts) {
  return absl::InvalidArgumentError(absl::StrCat(parts...));
}

constexpr double kInfinity = std::numeric_limits<double>::infinity();

DType RealOf(DType dtype) { return IsComplex(dtype) ? ToReal(dtype) : dtype; }

template <typename T>
std::vector<double> SingularValues(const Matrix<T>& m) {
  Matrix<T> u, v;
  std::vector<double> s;
  Svd(m, &u, &s, &v);
  return s;
}

// Which norm of a matrix.
enum class Norm { kFrobenius, kNuclear, kColumns, kRows, kSpectral };

// `least`: the smallest of the sums or singular values, not the greatest.
template <typename T>
double NormOf(const Matrix<T>& m, Norm norm, bool least) {
  const auto pick = [&](double a, double b) {
    return a != a || b != b ? NAN : least ? std::min(a, b) : std::max(a, b);
  };
  double result = least ? kInfinity : 0;
  switch (norm) {
    case Norm::kFrobenius: {
      double sum = 0;
      for (const T& v : m.data) sum += std::norm(v);
      return std::sqrt(sum);
    }
    case Norm::kNuclear: {
      double sum = 0;
      for (double v : SingularValues(m)) sum += v;
      return sum;
    }
    case Norm::kSpectral:
      for (double v : SingularValues(m)) result = pick(result, v);
      return result;
    case Norm::kColumns:
    case Norm::kRows: {
      const bool columns = norm == Norm::kColumns;
      for (int64_t i = 0; i < (columns ? m.cols : m.rows); ++i) {
        double sum = 0;
        for (int64_t j = 0; j < (columns ? m.rows : m.cols); ++j) {
          sum += std::abs(columns ? m(j, i) : m(i, j));
        }
        result = pick(result, sum);
      }
      return result;
    }
  }
  return result;
}

// ---- linalg.cond

// A number of each matrix.
Result OfEach(const Tensor& a, DType dtype,
              absl::FunctionRef<double(const Batch&, int64_t)> value) {
  TANDEM_ASSIGN_OR_RETURN(const Batch x, LoadBatch(a));
  TANDEM_ASSIGN_OR_RETURN(const Tensor out,
                          Tensor::Empty(LeadOf(a), DType::kDouble));
  for (int64_t b = 0; b < x.count; ++b) {
    TANDEM_RETURN_IF_ERROR(CheckStop());
    out.data<double>()[b] = value(x, b);
  }
  return ToDType(out, dtype);
}

template <typename T>
double ConditionOf(const Matrix<T>& m, Norm norm, bool least) {
  if (norm == Norm::kSpectral) {
    const std::vector<double> s = SingularValues(m);
    if (s.empty()) return 0;
    return least ? s.back() / s.front() : s.front() / s.back();
  }
  Matrix<T> inverse = Matrix<T>::Identity(m.rows);
  if (m.rows == 0) return 0;
  if (SolveLu(m, &inverse) != 0) return kInfinity;
  return NormOf(m, norm, least) * NormOf(inverse, norm, least);
}

Result ConditionNumber(const Tensor& a, Norm norm, bool least,
                       absl::string_view order) {
  if (a.dim() < 2) {
    return Invalid(
        "linalg.cond: The input tensor must have at least 2 dimensions.");
  }
  if (norm != Norm::kSpectral) {
    TANDEM_RETURN_IF_ERROR(
        CheckSquare(a, absl::StrCat("linalg.cond(ord=", order, ")")));
  } else {
    TANDEM_RETURN_IF_ERROR(CheckMatrix(a, "linalg.svd"));
  }
  return OfEach(a, RealOf(a.dtype()), [&](const Batch& x, int64_t b) {
    return WithCompute(a.dtype(), [&](auto tag) {
      using T = typename decltype(tag)::type;
      return ConditionOf(x.at<T>(b), norm, least);
    });
  });
}

std::string OrderText(double p) {
  if (std::isinf(p)) return p > 0 ? "inf" : "-inf";
  return absl::StrCat(p);
}

Result Cond(const Tensor& a, const std::optional<Scalar>& p) {
  const double order = p.has_value() ? p->ToDouble() : 2,
               size = std::abs(order);
  if (size != 1 && size != 2 && !std::isinf(order)) {
    return Invalid("linalg.cond got an invalid norm type: ", OrderText(order));
  }
  const Norm norm = size == 2           ? Norm::kSpectral
                    : std::isinf(order) ? Norm::kRows
                                        : Norm::kColumns;
  return ConditionNumber(a, norm, order < 0, OrderText(order));
}

Result CondNamed(const Tensor& a, absl::string_view p) {
  if (p != "fro" && p != "nuc") {
    return Invalid("linalg.cond got an invalid norm type: ", p);
  }
  return ConditionNumber(a, p == "fro" ? Norm::kFrobenius : Norm::kNuclear,
                         false, p);
}

// ---- nuclear_norm

Result NuclearNormDims(const Tensor& self, absl::Span<const int64_t> dim,
                       bool keepdim) {
  return SingularValueNorm(self, "nuc", dim, keepdim, std::nullopt);
}
Result NuclearNorm(const Tensor& self, bool keepdim) {
  const int64_t last[] = {-2, -1};
  return NuclearNormDims(self, last, keepdim);
}

// ---- views and powers

Result LinalgDiagonal(const Tensor& a, int64_t offset, int64_t dim1,
                      int64_t dim2) {
  TANDEM_ASSIGN_OR_RETURN(const int64_t d1, WrapDim(dim1, a.dim()));
  TANDEM_ASSIGN_OR_RETURN(const int64_t d2, WrapDim(dim2, a.dim()));
  if (d1 == d2) {
    return Invalid("diagonal dimensions cannot be identical ", dim1, ", ",
                   dim2);
  }
  Dims sizes, strides;
  for (int64_t d = 0; d < a.dim(); ++d) {
    if (d == d1 || d == d2) continue;
    sizes.push_back(a.size(d));
    strides.push_back(a.stride(d));
  }
  const int64_t n = std::max<int64_t>(
      0, offset >= 0 ? std::min(a.size(d1), a.size(d2) - offset)
                     : std::min(a.size(d1) + offset, a.size(d2)));
  int64_t at = a.offset();
  if (n > 0) at += offset >= 0 ? offset * a.stride(d2) : -offset * a.stride(d1);
  sizes.push_back(n);
  strides.push_back(a.stride(d1) + a.stride(d2));
  return a.ViewUnchecked(sizes, strides, at);
}

Result Vander(const Tensor& x, std::optional<int64_t> columns) {
  const DType dtype = x.dtype();
  if (dtype == DType::kBool) {
    return Invalid(
        "linalg.vander supports floating point, complex, and integer tensors, "
        "but got Bool");
  }
  Dims sizes(x.sizes().begin(), x.sizes().end());
  if (sizes.empty()) sizes.push_back(1);
  const int64_t n = columns.value_or(sizes.back());
  if (n <= 1) return Invalid("N must be greater than 1.");
  sizes.push_back(n);
  const bool ints = IsIntegral(dtype, false);
  const DType result = ints ? DType::kInt64 : dtype;
  const auto fill = [&](auto tag, DType compute) -> Result {
    using T = typename decltype(tag)::type;
    TANDEM_ASSIGN_OR_RETURN(const Tensor from, Contiguous(x, compute));
    TANDEM_ASSIGN_OR_RETURN(const Tensor out, Tensor::Empty(sizes, compute));
    T* to = out.data<T>();
    for (int64_t i = 0; i < from.numel(); ++i) {
      T power(1);
      for (int64_t j = 0; j < n; ++j) {
        *to++ = power;
        if constexpr (std::is_integral_v<T>) {  // wraps
          power = static_cast<T>(static_cast<uint64_t>(power) *
                                 static_cast<uint64_t>(from.data<T>()[i]));
        } else {
          power *= from.data<T>()[i];
        }
      }
    }
    return ToDType(out, result);
  };
  if (ints) return fill(TypeTag<int64_t>{}, DType::kInt64);
  switch (dtype) {
    case DType::kDouble:
      return fill(TypeTag<double>{}, dtype);
    case DType::kComplexFloat:
      return fill(TypeTag<std::complex<float>>{}, dtype);
    case DType::kComplexDouble:
      return fill(TypeTag<Complex128>{}, dtype);
    default:
      return fill(TypeTag<float>{}, DType::kFloat);
  }
}

// ---- solutions from an LU factorization

Tensor Transposed(const Tensor& t) {
  Dims sizes(t.sizes().begin(), t.sizes().end());
  Dims strides(t.strides().begin(), t.strides().end());
  std::swap(sizes[t.dim() - 1], sizes[t.dim() - 2]);
  std::swap(strides[t.dim() - 1], strides[t.dim() - 2]);
  return t.ViewUnchecked(sizes, strides, t.offset());
}

// lu x = b, or its adjoint.
template <typename T>
void SolveFactored(const Matrix<T>& lu, const int32_t* pivots, bool adjoint,
                   Matrix<T>* b) {
  const int64_t n = lu.rows;
  const auto swap_rows = [&](int64_t i) {
    const int64_t j = pivots[i] - 1;
    if (j < 0 || j >= n || i == j) return;
    for (int64_t c = 0; c < b->cols; ++c) std::swap((*b)(i, c), (*b)(j, c));
  };
  if (!adjoint) {
    for (int64_t i = 0; i < n; ++i) swap_rows(i);
    SolveTriangle(lu, /*upper=*/false, /*unit=*/true, b);
    SolveTriangle(lu, /*upper=*/true, /*unit=*/false, b);
    return;
  }
  const Matrix<T> turned = Adjoint(lu);
  SolveTriangle(turned, /*upper=*/false, /*unit=*/false, b);
  SolveTriangle(turned, /*upper=*/true, /*unit=*/true, b);
  for (int64_t i = n - 1; i >= 0; --i) swap_rows(i);
}

Result LuSolveNamed(const Tensor& lu, const Tensor& pivots, const Tensor& b,
                    bool left, bool adjoint) {
  TANDEM_RETURN_IF_ERROR(CheckSquare(lu, "torch.linalg.lu_solve"));
  if (lu.dtype() != b.dtype()) {
    return Invalid(
        "linalg.lu_solve: Expected LU and B to have the same dtype, but found "
        "LU of type ",
        TypeName(lu.dtype()), " and B of type ", TypeName(b.dtype()),
        " instead");
  }
  if (pivots.dtype() != DType::kInt32) {
    return Invalid(
        "linalg.lu_solve: pivots should be a Tensor of scalar type "
        "torch.int32");
  }
  TANDEM_RETURN_IF_ERROR(CheckMatrix(b, "linalg.lu_solve", "B"));
  const int64_t n = lu.size(lu.dim() - 1);
  if (n != b.size(b.dim() - (left ? 2 : 1))) {
    return Invalid(
        "linalg.lu_solve: Incompatible shapes of A and B for the equation ",
        left ? "AX = B" : "XA = B", " (", n, "x", n, " and ",
        b.size(b.dim() - 2), "x", b.size(b.dim() - 1), ")");
  }
  if (pivots.dim() == 0 || pivots.size(pivots.dim() - 1) != n) {
    return Invalid(
        "linalg.lu_solve: Number of pivots per batch should be same as the "
        "dimension of the matrix");
  }
  if (pivots.sizes().subspan(0, pivots.dim() - 1) != LeadOf(lu)) {
    return Invalid(
        "linalg.lu_solve: Expected LU.shape[:-1] and pivots.shape to be the "
        "same, but got pivots with shape ",
        DimsToString(pivots.sizes()), " instead");
  }
  // X A = B is A^H X^H = B^H.
  const Tensor right = left ? b : Transposed(b);
  TANDEM_ASSIGN_OR_RETURN(const Dims lead, CommonLead(lu, right));
  TANDEM_ASSIGN_OR_RETURN(const Batch x, LoadBatch(lu, lead));
  TANDEM_ASSIGN_OR_RETURN(const Batch y, LoadBatch(right, lead));
  Dims pivot_sizes = lead;
  pivot_sizes.push_back(n);
  TANDEM_ASSIGN_OR_RETURN(const Tensor p, ExpandTo(pivots, pivot_sizes));
  TANDEM_ASSIGN_OR_RETURN(const Tensor rows, Contiguous(p));
  TANDEM_ASSIGN_OR_RETURN(const Batch out,
                          NewBatch(lead, y.rows, y.cols, b.dtype()));
  TANDEM_RETURN_IF_ERROR(WithCompute(b.dtype(), [&](auto tag) {
    using T = typename decltype(tag)::type;
    for (int64_t i = 0; i < x.count; ++i) {
      TANDEM_RETURN_IF_ERROR(CheckStop());
      Matrix<T> r = y.at<T>(i);
      if (!left) {
        for (T& v : r.data) v = Conjugate(v);
      }
      SolveFactored(x.at<T>(i), rows.data<int32_t>() + i * n, adjoint != !left,
                    &r);
      if (!left) {
        for (T& v : r.data) v = Conjugate(v);
      }
      out.Put(i, r);
    }
    return absl::OkStatus();
  }));
  if (left) return Finish(out, b.dtype());
  Batch turned;
  turned.data = Transposed(out.data);
  turned.rows = y.cols;
  return Finish(turned, b.dtype(), true);
}

Result LuSolve(const Tensor& self, const Tensor& lu, const Tensor& pivots) {
  return LuSolveNamed(lu, pivots, self, true, false);
}

// ---- equations of tensors

int64_t NumelOf(DimSpan sizes) {
  int64_t n = 1;
  for (int64_t s : sizes) n *= s;
  return n;
}

// The inverse of a as an n*n matrix (b null), whose columns are the last dims
// of `sizes`, or the solution of a x = b.
Result SolveSquare(const Tensor& a, int64_t n, const Tensor* b, DimSpan sizes,
                   size_t rank_of_columns = 0) {
  TANDEM_ASSIGN_OR_RETURN(const Tensor copy, Contiguous(a));
  TANDEM_ASSIGN_OR_RETURN(
      const Batch x,
      LoadBatch(copy.ViewUnchecked({n, n}, {std::max<int64_t>(n, 1), 1}, 0)));
  const int64_t columns = b == nullptr ? n : 1;
  TANDEM_ASSIGN_OR_RETURN(const Batch out, NewBatch({}, n, columns, a.dtype()));
  Batch y;
  if (b != nullptr) {
    TANDEM_ASSIGN_OR_RETURN(const Tensor right, Contiguous(*b));
    TANDEM_ASSIGN_OR_RETURN(y,
                            LoadBatch(right.ViewUnchecked({n, 1}, {1, 1}, 0)));
  }
  TANDEM_RETURN_IF_ERROR(WithCompute(a.dtype(), [&](auto tag) -> absl::Status {
    using T = typename decltype(tag)::type;
    Matrix<T> r = b == nullptr ? Matrix<T>::Identity(n) : y.at<T>(0);
    const int32_t zero = SolveLu(x.at<T>(0), &r);
    if (zero != 0) {
      if (b != nullptr) {
        return Invalid(
            "torch.linalg.solve: The solver failed because the input "
            "matrix is singular.");
      }
      return Invalid(
          "linalg.inv: The diagonal element ", zero,
          " is zero, the inversion could not be completed because the "
          "input matrix is singular.");
    }
    out.Put(0, r);
    return absl::OkStatus();
  }));
  if (b == nullptr) {
    // Columns one after the other: the first of `sizes`, which make the rows,
    // are next to each other in memory.
    TANDEM_ASSIGN_OR_RETURN(const Tensor inverse, Finish(out, a.dtype()));
    const size_t split = sizes.size() - rank_of_columns;
    Dims strides = ContiguousStrides(sizes.subspan(0, split));
    // As of a view: sizes of 1 before the columns' dims belong to these.
    for (size_t d = split; d-- > 0 && sizes[d] == 1;) strides[d] = n * n;
    for (int64_t s : ContiguousStrides(sizes.subspan(split))) {
      strides.push_back(s * std::max<int64_t>(1, n));
    }
    return inverse.ViewUnchecked(sizes, strides, 0);
  }
  TANDEM_ASSIGN_OR_RETURN(const Tensor flat,
                          CloneContiguous(out.data, a.dtype()));
  return flat.ViewUnchecked(sizes, ContiguousStrides(sizes), 0);
}

Result TensorInv(const Tensor& self, int64_t ind) {
  if (ind <= 0) {
    return Invalid("Expected a strictly positive integer for 'ind', but got ",
                   ind);
  }
  const int64_t split = std::min(ind, self.dim());
  const DimSpan first = self.sizes().subspan(0, split);
  const DimSpan last = self.sizes().subspan(split);
  const int64_t rows = NumelOf(first), cols = NumelOf(last);
  if (rows != cols) {
    return Invalid(
        "Expected self to satisfy the requirement prod(self.shape[ind:]) == "
        "prod(self.shape[:ind]), but got ",
        cols, " != ", rows);
  }
  Dims sizes(last.begin(), last.end());
  sizes.insert(sizes.end(), first.begin(), first.end());
  if (!IsFloatingPoint(self.dtype()) && !IsComplex(self.dtype())) {
    return Invalid(
        "linalg.inv: Expected a floating point or complex tensor as input. "
        "Got ",
        TypeName(self.dtype()));
  }
  return SolveSquare(self, rows, nullptr, sizes, first.size());
}

Result TensorSolve(const Tensor& self, const Tensor& other,
                   std::optional<absl::Span<const int64_t>> dims) {
  Tensor a = self;
  if (dims.has_value()) {
    // These dims go to the end.
    Dims order;
    std::vector<bool> moved(self.dim(), false);
    Dims last;
    for (int64_t d : *dims) {
      TANDEM_ASSIGN_OR_RETURN(const int64_t wrapped, WrapDim(d, self.dim()));
      if (moved[wrapped]) {
        return Invalid("movedim: repeated dim in `source` (",
                       DimsToString(*dims), ")");
      }
      moved[wrapped] = true;
      last.push_back(wrapped);
    }
    for (int64_t d = 0; d < self.dim(); ++d) {
      if (!moved[d]) order.push_back(d);
    }
    order.insert(order.end(), last.begin(), last.end());
    Dims sizes, strides;
    for (int64_t d : order) {
      sizes.push_back(self.size(d));
      strides.push_back(self.stride(d));
    }
    a = self.ViewUnchecked(sizes, strides, self.offset());
  }
  const int64_t split = std::min(other.dim(), a.dim());
  const DimSpan result = a.sizes().subspan(split);
  const int64_t cols = NumelOf(result),
                rows = NumelOf(a.sizes().subspan(0, split));
  if (cols != rows) {
    return Invalid(
        "Expected self to satisfy the requirement prod(self.shape[other.ndim:]"
        ") == prod(self.shape[:other.ndim]), but got ",
        cols, " != ", rows);
  }
  if (self.dtype() != other.dtype()) {
    return Invalid(
        "linalg.solve: Expected A and B to have the same dtype, but found A "
        "of type ",
        TypeName(self.dtype()), " and B of type ", TypeName(other.dtype()),
        " instead");
  }
  if (other.numel() != rows) {
    return Invalid("linalg.tensorsolve: the sizes do not fit");
  }
  if (!IsFloatingPoint(self.dtype()) && !IsComplex(self.dtype())) {
    return Invalid(
        "linalg.solve: Expected a floating point or complex tensor as input. "
        "Got ",
        TypeName(self.dtype()));
  }
  return SolveSquare(a, rows, &other, result);
}

// ---- polar form and square roots

Two Polar(const Tensor& a) {
  TANDEM_RETURN_IF_ERROR(CheckMatrix(a, "linalg.polar"));
  TANDEM_ASSIGN_OR_RETURN(const Batch x, LoadBatch(a));
  if (x.rows < x.cols) {
    return Invalid(
        "linalg.polar: input must have at least as many rows as columns, but "
        "got ",
        x.rows, " by ", x.cols, " matrices");
  }
  TANDEM_ASSIGN_OR_RETURN(const Batch u,
                          NewBatch(LeadOf(a), x.rows, x.cols, a.dtype()));
  TANDEM_ASSIGN_OR_RETURN(const Batch h,
                          NewBatch(LeadOf(a), x.cols, x.cols, a.dtype()));
  TANDEM_RETURN_IF_ERROR(WithCompute(a.dtype(), [&](auto tag) {
    using T = typename decltype(tag)::type;
    for (int64_t b = 0; b < x.count; ++b) {
      TANDEM_RETURN_IF_ERROR(CheckStop());
      Matrix<T> left, right;
      std::vector<double> s;
      Svd(x.at<T>(b), &left, &s, &right);
      const Matrix<T> turned = Adjoint(right);
      u.Put(b, Product(left, turned));
      for (int64_t j = 0; j < right.cols; ++j) {
        for (int64_t i = 0; i < right.rows; ++i) right(i, j) *= s[j];
      }
      h.Put(b, Product(right, turned));
    }
    return absl::OkStatus();
  }));
  TANDEM_ASSIGN_OR_RETURN(Tensor unitary, Finish(u, a.dtype(), true));
  TANDEM_ASSIGN_OR_RETURN(Tensor hermitian, Finish(h, a.dtype(), true));
  return std::make_tuple(unitary, hermitian);
}

// The root of a Hermitian matrix; eigenvalues below zero count as zero.
Result MatrixSqrtH(const Tensor& a) {
  TANDEM_RETURN_IF_ERROR(CheckSquare(a, "linalg.matrix_sqrth"));
  TANDEM_ASSIGN_OR_RETURN(const Batch x, LoadBatch(a));
  TANDEM_ASSIGN_OR_RETURN(const Batch out,
                          NewBatch(LeadOf(a), x.rows, x.cols, a.dtype()));
  TANDEM_RETURN_IF_ERROR(WithCompute(a.dtype(), [&](auto tag) {
    using T = typename decltype(tag)::type;
    for (int64_t b = 0; b < x.count; ++b) {
      TANDEM_RETURN_IF_ERROR(CheckStop());
      Matrix<T> m = x.at<T>(b), z;
      for (int64_t i = 0; i < m.rows; ++i) {
        m(i, i) = T(std::real(m(i, i)));
        for (int64_t j = 0; j < i; ++j) m(j, i) = Conjugate(m(i, j));
      }
      std::vector<double> w;
      EigenHermitian(std::move(m), &w, &z);
      const Matrix<T> turned = Adjoint(z);
      for (int64_t j = 0; j < z.cols; ++j) {
        const double root = std::sqrt(std::max(w[j], 0.0));
        for (int64_t i = 0; i < z.rows; ++i) z(i, j) *= root;
      }
      out.Put(b, Product(z, turned));
    }
    return absl::OkStatus();
  }));
  return Finish(out, a.dtype(), true);
}

// ---- ormqr: Q or its adjoint from reflectors, times a matrix

Result Ormqr(const Tensor& input, const Tensor& tau, const Tensor& other,
             bool left, bool transpose) {
  if (input.dim() < 2) {
    return Invalid("torch.ormqr: input must have at least 2 dimensions.");
  }
  if (other.dim() < 2) {
    return Invalid("torch.ormqr: other must have at least 2 dimensions.");
  }
  const int64_t rows = input.size(input.dim() - 2);
  const int64_t cols = input.size(input.dim() - 1);
  const int64_t side = left ? 2 : 1;
  const int64_t length = other.size(other.dim() - side);
  if (tau.dim() > 0 && length < tau.size(tau.dim() - 1)) {
    return Invalid("torch.ormqr: other.shape[-", side,
                   "] must be greater than or equal to tau.shape[-1]");
  }
  if (length != rows) {
    return Invalid("torch.ormqr: other.shape[-", side,
                   "] must be equal to input.shape[-2]");
  }
  if (tau.dim() == 0 ||
      tau.size(tau.dim() - 1) != std::min(other.size(other.dim() - 2), cols)) {
    return Invalid(
        "torch.ormqr: tau.shape[-1] must be equal to "
        "min(other.shape[-2], input.shape[-1])");
  }
  if (input.dim() - tau.dim() != 1) {
    return Invalid(
        "torch.ormqr: Expected tau to have one dimension less than input, but "
        "got tau.ndim equal to ",
        tau.dim(), " and input.ndim is equal to ", input.dim());
  }
  if (input.dim() != other.dim()) {
    return Invalid(
        "torch.ormqr: Expected other to have the same number of dimensions as "
        "input, but got other.ndim equal to ",
        other.dim(), " and input.ndim is equal to ", input.dim());
  }
  if (LeadOf(input) != LeadOf(other)) {
    return Invalid(
        "torch.ormqr: Expected batch dimensions of other to be equal to "
        "input.shape[:-2], but got ",
        DimsToString(LeadOf(other)));
  }
  if (LeadOf(input) != tau.sizes().subspan(0, tau.dim() - 1)) {
    return Invalid(
        "torch.ormqr: Expected batch dimensions of tau to be equal to "
        "input.shape[:-2], but got ",
        DimsToString(tau.sizes().subspan(0, tau.dim() - 1)));
  }
  for (const auto& [name, t] :
       {std::make_pair("tau", &tau), std::make_pair("other", &other)}) {
    if (t->dtype() != input.dtype()) {
      return Invalid("torch.ormqr: Expected input and ", name,
                     " to have the same dtype, but input has dtype ",
                     TypeName(input.dtype()), " and ", name, " has dtype ",
                     TypeName(t->dtype()));
    }
  }
  if (!IsFloatingPoint(input.dtype()) && !IsComplex(input.dtype())) {
    return NotImplementedFor("ormqr_cpu", input.dtype());
  }
  TANDEM_ASSIGN_OR_RETURN(const Batch x, LoadBatch(input));
  TANDEM_ASSIGN_OR_RETURN(const Batch y, LoadBatch(other));
  TANDEM_ASSIGN_OR_RETURN(const Tensor t, Contiguous(tau, x.data.dtype()));
  const int64_t k = tau.size(tau.dim() - 1);
  TANDEM_ASSIGN_OR_RETURN(
      const Batch out, NewBatch(LeadOf(other), y.rows, y.cols, other.dtype()));
  TANDEM_RETURN_IF_ERROR(WithCompute(input.dtype(), [&](auto tag) {
    using T = typename decltype(tag)::type;
    for (int64_t b = 0; b < y.count; ++b) {
      TANDEM_RETURN_IF_ERROR(CheckStop());
      const std::vector<T> taus(t.data<T>() + b * k, t.data<T>() + (b + 1) * k);
      const Matrix<T> reflectors = x.at<T>(b);
      if (left) {
        Matrix<T> c = y.at<T>(b);
        ApplyQ(reflectors, taus, transpose, &c);
        out.Put(b, c);
      } else {  // C Q = (Q^H C^H)^H
        Matrix<T> c = Adjoint(y.at<T>(b));
        ApplyQ(reflectors, taus, !transpose, &c);
        out.Put(b, Adjoint(c));
      }
    }
    return absl::OkStatus();
  }));
  return Finish(out, other.dtype());
}

// ---- least squares

Four LstSq(const Tensor& a, const Tensor& b, std::optional<double> rcond,
           MaybeString driver_name) {
  constexpr absl::string_view kOp = "torch.linalg.lstsq: ";
  if (a.dim() < 2)
    return Invalid(kOp, "input must have at least 2 dimensions.");
  if (b.dim() < 1) return Invalid(kOp, "other must have at least 1 dimension.");
  if (a.dtype() != b.dtype()) {
    return Invalid(kOp,
                   "Expected input and other to have the same dtype, but got "
                   "input's dtype ",
                   TypeName(a.dtype()), " and other's dtype ",
                   TypeName(b.dtype()));
  }
  if (b.dim() > a.dim() || a.dim() - b.dim() > 1) {
    return Invalid(kOp,
                   "input.dim() must be greater or equal to other.dim() and "
                   "(input.dim() - other.dim()) <= 1");
  }
  const int64_t m = a.size(a.dim() - 2), n = a.size(a.dim() - 1);
  bool vector = b.dim() == 1;
  if (!vector && a.dim() - 1 == b.dim()) {
    vector = a.sizes().subspan(0, a.dim() - 1) == b.sizes();
  }
  Tensor right = b;
  if (vector) {
    if (m != b.size(b.dim() - 1)) {
      return Invalid(kOp, "input.size(-2) should match other.size(-1)");
    }
    Dims sizes(b.sizes().begin(), b.sizes().end());
    Dims strides(b.strides().begin(), b.strides().end());
    sizes.push_back(1);
    strides.push_back(1);
    right = b.ViewUnchecked(sizes, strides, b.offset());
  } else if (m != b.size(b.dim() - 2)) {
    return Invalid(kOp, "input.size(-2) should match other.size(-2)");
  }
  const std::string driver(driver_name.value_or("gelsy"));
  if (driver != "gels" && driver != "gelsy" && driver != "gelsd" &&
      driver != "gelss") {
    return Invalid(
        kOp, "parameter `driver` should be one of (gels, gelsy, gelsd, gelss)");
  }
  if (!IsFloatingPoint(a.dtype()) && !IsComplex(a.dtype())) {
    return NotImplementedFor("linalg_lstsq_cpu", a.dtype());
  }
  TANDEM_RETURN_IF_ERROR(CheckMatrix(a, "torch.linalg.lstsq", "input"));
  const bool values = driver == "gelsd" || driver == "gelss";
  TANDEM_ASSIGN_OR_RETURN(const Dims lead, CommonLead(a, right));
  TANDEM_ASSIGN_OR_RETURN(const Batch x, LoadBatch(a, lead));
  TANDEM_ASSIGN_OR_RETURN(const Batch y, LoadBatch(right, lead));
  TANDEM_ASSIGN_OR_RETURN(const Batch out,
                          NewBatch(lead, n, y.cols, a.dtype()));
  const int64_t k = std::min(m, n);
  Dims value_sizes = lead;
  value_sizes.push_back(k);
  TANDEM_ASSIGN_OR_RETURN(const Tensor singular,
                          Tensor::Zeros(value_sizes, DType::kDouble));
  TANDEM_ASSIGN_OR_RETURN(const Tensor ranks,
                          Tensor::Zeros(lead, DType::kInt64));
  Dims residual_sizes = lead;
  residual_sizes.push_back(y.cols);
  TANDEM_ASSIGN_OR_RETURN(const Tensor residuals,
                          Tensor::Zeros(residual_sizes, DType::kDouble));
  const double epsilon = RealOf(a.dtype()) == DType::kDouble
                             ? 2.220446049250313e-16
                             : 1.1920928955078125e-07;
  const double least =
      rcond.value_or(epsilon * static_cast<double>(std::max(m, n)));
  bool all_full = true;
  TANDEM_RETURN_IF_ERROR(WithCompute(a.dtype(), [&](auto tag) {
    using T = typename decltype(tag)::type;
    for (int64_t i = 0; i < x.count; ++i) {
      TANDEM_RETURN_IF_ERROR(CheckStop());
      const Matrix<T> matrix = x.at<T>(i), goal = y.at<T>(i);
      Matrix<T> u, v;
      std::vector<double> s;
      Svd(matrix, &u, &s, &v);
      Matrix<T> parts = Product(Adjoint(u), goal);
      int64_t rank = 0;
      for (int64_t j = 0; j < k; ++j) {
        const bool kept = driver == "gels" ? s[j] > 0 : s[j] > least * s[0];
        rank += kept ? 1 : 0;
        for (int64_t c = 0; c < parts.cols; ++c) {
          parts(j, c) = kept ? parts(j, c) / s[j] : T(0);
        }
        singular.data<double>()[i * k + j] = s[j];
      }
      const Matrix<T> solution = Product(v, parts);
      ranks.data<int64_t>()[i] = rank;
      all_full = all_full && (rank == n || driver == "gels");
      out.Put(i, solution);
      const Matrix<T> reached = Product(matrix, solution);
      for (int64_t c = 0; c < goal.cols; ++c) {
        double sum = 0;
        for (int64_t r = 0; r < m; ++r)
          sum += std::norm(goal(r, c) - reached(r, c));
        residuals.data<double>()[i * goal.cols + c] = sum;
      }
    }
    return absl::OkStatus();
  }));
  // LAPACK solves in place of the right side: its columns have max(m, n) rows.
  const int64_t column = std::max<int64_t>(1, std::max(m, n));
  Dims buffer_sizes = lead;
  buffer_sizes.push_back(y.cols);
  buffer_sizes.push_back(column);
  TANDEM_ASSIGN_OR_RETURN(Tensor solution,
                          Tensor::Empty(buffer_sizes, a.dtype()));
  Dims sizes = lead, strides = ContiguousStrides(buffer_sizes);
  sizes.push_back(n);
  sizes.push_back(y.cols);
  std::swap(strides[sizes.size() - 1], strides[sizes.size() - 2]);
  solution = solution.ViewUnchecked(sizes, strides, 0);
  TANDEM_RETURN_IF_ERROR(CopyElements(out.data, solution));
  if (vector) {
    sizes.pop_back();
    strides.pop_back();
    solution = solution.ViewUnchecked(sizes, strides, 0);
  }
  const DType real = RealOf(a.dtype());
  Tensor left_over, rank, s;
  if (m > n && driver != "gelsy" && all_full) {
    TANDEM_ASSIGN_OR_RETURN(left_over, ToDType(residuals, real));
    if (vector) {
      left_over = left_over.ViewUnchecked(lead, ContiguousStrides(lead), 0);
    }
  } else {
    TANDEM_ASSIGN_OR_RETURN(left_over, Tensor::Empty({0}, real));
  }
  if (driver == "gels") {
    TANDEM_ASSIGN_OR_RETURN(rank, Tensor::Empty({0}, DType::kInt64));
  } else {
    rank = ranks;
  }
  if (values) {
    TANDEM_ASSIGN_OR_RETURN(s, ToDType(singular, real));
  } else {
    TANDEM_ASSIGN_OR_RETURN(s, Tensor::Empty({0}, real));
  }
  return std::make_tuple(solution, left_over, rank, s);
}

Four LstSqOut(const Tensor& a, const Tensor& b, std::optional<double> rcond,
              MaybeString driver, const Tensor& solution,
              const Tensor& residuals, const Tensor& rank,
              const Tensor& singular_values) {
  TANDEM_ASSIGN_OR_RETURN(const auto result, LstSq(a, b, rcond, driver));
  TANDEM_RETURN_IF_ERROR(TakeLayout(std::get<0>(result), solution));
  TANDEM_RETURN_IF_ERROR(WriteOut(std::get<0>(result), solution).status());
  TANDEM_RETURN_IF_ERROR(WriteOut(std::get<1>(result), residuals).status());
  TANDEM_RETURN_IF_ERROR(WriteOut(std::get<2>(result), rank).status());
  TANDEM_RETURN_IF_ERROR(
      WriteOut(std::get<3>(result), singular_values).status());
  return std::make_tuple(solution, residuals, rank, singular_values);
}

}  // namespace

Result SingularValueNorm(const Tensor& self, absl::string_view order,
                         absl::Span<const int64_t> dim, bool keepdim,
                         std::optional<DType> dtype) {
  constexpr absl::string_view kOp = "linalg.matrix_norm";
  TANDEM_RETURN_IF_ERROR(CheckMatrix(self, kOp));
  if (dim.size() != 2) {
    return Invalid(kOp, ": dim must be a 2-tuple. Got ", DimsToString(dim));
  }
  TANDEM_ASSIGN_OR_RETURN(const int64_t rows, WrapDim(dim[0], self.dim()));
  TANDEM_ASSIGN_OR_RETURN(const int64_t cols, WrapDim(dim[1], self.dim()));
  if (rows == cols) {
    return Invalid(kOp, ": dims must be different. Got (", dim[0], ", ", dim[1],
                   ")");
  }
  Tensor a = self;
  if (dtype.has_value()) {
    TANDEM_ASSIGN_OR_RETURN(a, ToDType(self, *dtype));
  }
  Dims sizes, strides, kept;
  for (int64_t d = 0; d < a.dim(); ++d) {
    const bool matrix = d == rows || d == cols;
    if (!matrix || keepdim) kept.push_back(matrix ? 1 : a.size(d));
    if (matrix) continue;
    sizes.push_back(a.size(d));
    strides.push_back(a.stride(d));
  }
  for (int64_t d : {rows, cols}) {
    sizes.push_back(a.size(d));
    strides.push_back(a.stride(d));
  }
  a = a.ViewUnchecked(sizes, strides, a.offset());
  const bool nuclear = order == "nuc", least = order == "-2";
  if (!nuclear && std::min(a.size(a.dim() - 2), a.size(a.dim() - 1)) == 0) {
    return Invalid("linalg.matrix_norm: ", least ? "amin" : "amax",
                   "(): Expected reduction dim -1 to have non-zero size.");
  }
  TANDEM_ASSIGN_OR_RETURN(
      const Tensor out,
      OfEach(a, RealOf(a.dtype()), [&](const Batch& x, int64_t b) {
        return WithCompute(a.dtype(), [&](auto tag) {
          using T = typename decltype(tag)::type;
          return NormOf(x.at<T>(b), nuclear ? Norm::kNuclear : Norm::kSpectral,
                        least);
        });
      }));
  return out.ViewUnchecked(kept, ContiguousStrides(kept), 0);
}

void AddLinalgComposites(KernelRegistrar& r) {
  r.Add("aten::linalg_cond", &Cond)
      .Add("aten::linalg_cond.out", &Variants<&Cond>::OutExact)
      .Add("aten::linalg_cond.p_str", &CondNamed)
      .Add("aten::linalg_cond.p_str_out", &Variants<&CondNamed>::OutExact)
      .Add("aten::nuclear_norm", &NuclearNorm)
      .Add("aten::nuclear_norm.out", &Variants<&NuclearNorm>::OutExact)
      .Add("aten::nuclear_norm.dim", &NuclearNormDims)
      .Add("aten::nuclear_norm.dim_out", &Variants<&NuclearNormDims>::OutExact)
      .Add("aten::linalg_diagonal", &LinalgDiagonal)
      .Add("aten::linalg_vander", &Vander)
      .Add("aten::linalg_lu_solve", &LuSolveNamed)
      .Add("aten::linalg_lu_solve.out",
           &LapackVariants<&LuSolveNamed>::OutExact)
      .Add("aten::lu_solve", &LuSolve)
      .Add("aten::lu_solve.out", &LapackVariants<&LuSolve>::OutExact)
      .Add("aten::linalg_tensorinv", &TensorInv)
      .Add("aten::linalg_tensorinv.out", &Variants<&TensorInv>::OutExact)
      .Add("aten::linalg_tensorsolve", &TensorSolve)
      .Add("aten::linalg_tensorsolve.out", &Variants<&TensorSolve>::OutExact)
      .Add("aten::linalg_polar", &Polar)
      .Add("aten::linalg_polar.out", &Variants<&Polar>::Out)
      .Add("aten::linalg_matrix_sqrth", &MatrixSqrtH)
      .Add("aten::linalg_matrix_sqrth.out", &Variants<&MatrixSqrtH>::OutExact)
      .Add("aten::ormqr", &Ormqr)
      .Add("aten::ormqr.out", &LapackVariants<&Ormqr>::OutExact)
      .Add("aten::linalg_lstsq", &LstSq)
      .Add("aten::linalg_lstsq.out", &LstSqOut);
}

}  // namespace tandem::reference
