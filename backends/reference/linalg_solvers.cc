// Determinants, inverses and solutions of square systems.
#include <algorithm>
#include <cmath>
#include <string>
#include <tuple>

#include "absl/strings/str_cat.h"
#include "tandem/backends/reference/linalg.h"

namespace tandem::reference {
namespace {

using Result = absl::StatusOr<Tensor>;
using Two = absl::StatusOr<std::tuple<Tensor, Tensor>>;

absl::Status Invalid(std::string text) {
  return absl::InvalidArgumentError(std::move(text));
}

// ---- determinants: sign (or phase) and log of the size of each matrix

struct Determinants {
  Tensor sign, log;  // contiguous, in the compute type and double
};

absl::StatusOr<Determinants> DeterminantsOf(const Tensor& a) {
  TANDEM_ASSIGN_OR_RETURN(const Batch x, LoadBatch(a));
  Determinants d;
  TANDEM_ASSIGN_OR_RETURN(d.sign, Tensor::Empty(LeadOf(a), x.data.dtype()));
  TANDEM_ASSIGN_OR_RETURN(d.log, Tensor::Empty(LeadOf(a), DType::kDouble));
  TANDEM_RETURN_IF_ERROR(WithCompute(a.dtype(), [&](auto tag) {
    using T = typename decltype(tag)::type;
    for (int64_t b = 0; b < x.count; ++b) {
      TANDEM_RETURN_IF_ERROR(CheckStop());
      Matrix<T> m = x.at<T>(b);
      std::vector<int32_t> pivots;
      FactorLu(&m, &pivots);
      T sign = T(1);
      double log = 0;
      for (size_t i = 0; i < pivots.size(); ++i) {
        if (pivots[i] != static_cast<int32_t>(i)) sign = -sign;
        const T v = m(i, i);
        const double size = std::abs(v);
        sign *= size == 0 ? T(0) : v / size;
        log += std::log(size);
      }
      d.sign.data<T>()[b] = sign;
      d.log.data<double>()[b] = log;
    }
    return absl::OkStatus();
  }));
  return d;
}

Result DetNamed(const Tensor& a, absl::string_view op) {
  if (a.dtype() == DType::kHalf || a.dtype() == DType::kBFloat16) {
    return NotImplementedFor("lu_cpu", a.dtype());
  }
  TANDEM_RETURN_IF_ERROR(CheckSquare(a, op));
  TANDEM_ASSIGN_OR_RETURN(const Batch x, LoadBatch(a));
  TANDEM_ASSIGN_OR_RETURN(const Tensor out,
                          Tensor::Empty(LeadOf(a), x.data.dtype()));
  TANDEM_RETURN_IF_ERROR(WithCompute(a.dtype(), [&](auto tag) {
    using T = typename decltype(tag)::type;
    for (int64_t b = 0; b < x.count; ++b) {
      TANDEM_RETURN_IF_ERROR(CheckStop());
      Matrix<T> m = x.at<T>(b);
      std::vector<int32_t> pivots;
      FactorLu(&m, &pivots);
      T det = T(1);
      for (size_t i = 0; i < pivots.size(); ++i) {
        det *= pivots[i] != static_cast<int32_t>(i) ? -m(i, i) : m(i, i);
      }
      out.data<T>()[b] = det;
    }
    return absl::OkStatus();
  }));
  return ToDType(out, a.dtype());
}

Result Det(const Tensor& a) { return DetNamed(a, "linalg.det"); }

Two Slogdet(const Tensor& a) {
  TANDEM_RETURN_IF_ERROR(CheckSquare(a, "linalg.slogdet"));
  TANDEM_ASSIGN_OR_RETURN(const Determinants d, DeterminantsOf(a));
  TANDEM_ASSIGN_OR_RETURN(Tensor sign, ToDType(d.sign, a.dtype()));
  TANDEM_ASSIGN_OR_RETURN(
      Tensor log,
      ToDType(d.log, IsComplex(a.dtype()) ? ToReal(a.dtype()) : a.dtype()));
  return std::make_tuple(sign, log);
}

Result Logdet(const Tensor& a) {
  TANDEM_RETURN_IF_ERROR(CheckSquare(a, "logdet"));
  TANDEM_ASSIGN_OR_RETURN(const Determinants d, DeterminantsOf(a));
  TANDEM_ASSIGN_OR_RETURN(const Tensor out,
                          Tensor::Empty(LeadOf(a), d.sign.dtype()));
  for (int64_t b = 0; b < out.numel(); ++b) {
    const double log = d.log.data<double>()[b];
    if (IsComplex(a.dtype())) {
      const Complex128 sign = d.sign.data<Complex128>()[b];
      out.data<Complex128>()[b] = Complex128(log, std::arg(sign));
    } else {
      const double sign = d.sign.data<double>()[b];
      out.data<double>()[b] = sign < 0 ? NAN : log;
    }
  }
  return ToDType(out, a.dtype());
}

// ---- inverses

absl::StatusOr<Tensor> NewInfo(DimSpan lead) {
  return Tensor::Zeros(lead, DType::kInt32);
}

Two InvEx(const Tensor& a, absl::string_view op) {
  TANDEM_RETURN_IF_ERROR(CheckSquare(a, op));
  TANDEM_ASSIGN_OR_RETURN(const Batch x, LoadBatch(a));
  TANDEM_ASSIGN_OR_RETURN(const Batch y,
                          NewBatch(LeadOf(a), x.rows, x.cols, a.dtype()));
  TANDEM_ASSIGN_OR_RETURN(const Tensor info, NewInfo(LeadOf(a)));
  TANDEM_RETURN_IF_ERROR(WithCompute(a.dtype(), [&](auto tag) {
    using T = typename decltype(tag)::type;
    for (int64_t b = 0; b < x.count; ++b) {
      TANDEM_RETURN_IF_ERROR(CheckStop());
      Matrix<T> m = Matrix<T>::Identity(x.rows);
      info.data<int32_t>()[b] = SolveLu(x.at<T>(b), &m);
      y.Put(b, m);
    }
    return absl::OkStatus();
  }));
  TANDEM_ASSIGN_OR_RETURN(Tensor inverse, Finish(y, a.dtype()));
  return std::make_tuple(inverse, info);
}

std::string SingularInverse(int32_t i) {
  return absl::StrCat("The diagonal element ", i,
                      " is zero, the inversion could not be completed because "
                      "the input matrix is singular.");
}

Two InvExOp(const Tensor& a, bool check_errors) {
  TANDEM_ASSIGN_OR_RETURN(auto result, InvEx(a, "linalg.inv"));
  if (check_errors) {
    TANDEM_RETURN_IF_ERROR(
        CheckInfos(std::get<1>(result), "linalg.inv_ex", SingularInverse));
  }
  return result;
}

Result Inv(const Tensor& a) {
  TANDEM_ASSIGN_OR_RETURN(auto result, InvEx(a, "linalg.inv"));
  TANDEM_RETURN_IF_ERROR(
      CheckInfos(std::get<1>(result), "linalg.inv", SingularInverse));
  return std::get<0>(result);
}

// ---- solve

absl::Status CheckSameDType(const Tensor& a, const Tensor& b,
                            absl::string_view op) {
  if (a.dtype() == b.dtype()) return absl::OkStatus();
  return Invalid(absl::StrCat(op,
                              ": Expected A and B to have the same dtype, "
                              "but found A of type ",
                              TypeName(a.dtype()), " and B of type ",
                              TypeName(b.dtype()), " instead"));
}

// B as a column where it is a (batch of) vectors.
bool IsVector(const Tensor& a, const Tensor& b) {
  if (b.dim() == 1) return true;
  if (a.dim() - 1 != b.dim()) return false;
  for (int64_t d = 0; d < b.dim(); ++d) {
    if (a.size(d) != b.size(d)) return false;
  }
  return true;
}

Tensor AsColumn(const Tensor& b) {
  Dims sizes(b.sizes().begin(), b.sizes().end());
  Dims strides(b.strides().begin(), b.strides().end());
  sizes.push_back(1);
  strides.push_back(1);
  return b.ViewUnchecked(sizes, strides, b.offset());
}

Tensor Transposed(const Tensor& t) {
  Dims sizes(t.sizes().begin(), t.sizes().end());
  Dims strides(t.strides().begin(), t.strides().end());
  std::swap(sizes[t.dim() - 1], sizes[t.dim() - 2]);
  std::swap(strides[t.dim() - 1], strides[t.dim() - 2]);
  return t.ViewUnchecked(sizes, strides, t.offset());
}

// left: a x = b, otherwise x a = b. `solve` gets a matrix and the right side.
template <typename Solve>
Result SolveEach(const Tensor& a, const Tensor& b, bool left,
                 absl::string_view op, Solve solve, Tensor* info) {
  const bool vector = IsVector(a, b);
  Tensor right = vector ? AsColumn(b) : b;
  Tensor matrix = a;
  if (!left) {
    if (vector)
      return Invalid(absl::StrCat(op,
                                  ": Vector broadcasting of the "
                                  "left hand side is not supported "
                                  "for left=False."));
    matrix = Transposed(a);
    right = Transposed(b);
  }
  if (right.dim() < 2 ||
      right.size(right.dim() - 2) != matrix.size(matrix.dim() - 1)) {
    return Invalid(
        absl::StrCat(op, ": Incompatible shapes of A and B for the equation ",
                     left ? "AX = B" : "XA = B", " (", a.size(a.dim() - 2), "x",
                     a.size(a.dim() - 1), " and ",
                     vector ? right.size(right.dim() - 2) : b.size(b.dim() - 2),
                     "x", vector ? 1 : b.size(b.dim() - 1), ")"));
  }
  TANDEM_ASSIGN_OR_RETURN(const Dims lead, CommonLead(matrix, right));
  TANDEM_ASSIGN_OR_RETURN(const Batch x, LoadBatch(matrix, lead));
  TANDEM_ASSIGN_OR_RETURN(const Batch y, LoadBatch(right, lead));
  TANDEM_ASSIGN_OR_RETURN(const Batch out,
                          NewBatch(lead, y.rows, y.cols, a.dtype()));
  TANDEM_ASSIGN_OR_RETURN(*info, NewInfo(lead));
  TANDEM_RETURN_IF_ERROR(WithCompute(a.dtype(), [&](auto tag) {
    using T = typename decltype(tag)::type;
    for (int64_t i = 0; i < x.count; ++i) {
      TANDEM_RETURN_IF_ERROR(CheckStop());
      Matrix<T> r = y.template at<T>(i);
      info->data<int32_t>()[i] = solve(x.template at<T>(i), &r);
      out.Put(i, r);
    }
    return absl::OkStatus();
  }));
  TANDEM_ASSIGN_OR_RETURN(Tensor result, Finish(out, a.dtype()));
  if (!left) {
    Batch turned;
    turned.data = Transposed(out.data);
    turned.rows = y.cols;
    return Finish(turned, a.dtype(), op == "linalg.solve");
  }
  if (!vector) return result;
  Dims sizes(result.sizes().begin(), result.sizes().end() - 1);
  const Tensor vectors =
      result.ViewUnchecked(sizes, ContiguousStrides(sizes), 0);
  if (sizes.size() < 2) return vectors;
  // PyTorch takes the last two dims for a matrix here too.
  Dims strides = ContiguousStrides(sizes);
  strides[sizes.size() - 2] = 1;
  strides[sizes.size() - 1] = std::max<int64_t>(1, sizes[sizes.size() - 2]);
  TANDEM_ASSIGN_OR_RETURN(Tensor turned,
                          Tensor::EmptyStrided(sizes, strides, a.dtype()));
  TANDEM_RETURN_IF_ERROR(CopyElements(vectors, turned));
  return turned;
}

Two SolveEx(const Tensor& a, const Tensor& b, bool left) {
  TANDEM_RETURN_IF_ERROR(CheckSquare(a, "linalg.solve"));
  TANDEM_RETURN_IF_ERROR(CheckSameDType(a, b, "linalg.solve"));
  Tensor info;
  TANDEM_ASSIGN_OR_RETURN(
      Tensor x,
      SolveEach(
          a, b, left, "linalg.solve",
          [](auto m, auto* r) { return SolveLu(std::move(m), r); }, &info));
  return std::make_tuple(x, info);
}

std::string SingularSolve(int32_t) {
  return "The solver failed because the input matrix is singular.";
}

Two SolveExOp(const Tensor& a, const Tensor& b, bool left, bool check_errors) {
  TANDEM_ASSIGN_OR_RETURN(auto result, SolveEx(a, b, left));
  if (check_errors) {
    TANDEM_RETURN_IF_ERROR(CheckInfos(std::get<1>(result),
                                      "torch.linalg.solve_ex", SingularSolve));
  }
  return result;
}

Result Solve(const Tensor& a, const Tensor& b, bool left) {
  TANDEM_ASSIGN_OR_RETURN(auto result, SolveEx(a, b, left));
  TANDEM_RETURN_IF_ERROR(
      CheckInfos(std::get<1>(result), "torch.linalg.solve", SingularSolve));
  return std::get<0>(result);
}

Result SolveTriangular(const Tensor& a, const Tensor& b, bool upper, bool left,
                       bool unit) {
  constexpr absl::string_view kOp = "linalg.solve_triangular";
  TANDEM_RETURN_IF_ERROR(CheckSquare(a, kOp));
  TANDEM_RETURN_IF_ERROR(CheckSameDType(a, b, kOp));
  if (b.dim() < 2) {
    return Invalid(absl::StrCat(
        kOp, ": The input tensor B must have at least 2 dimensions."));
  }
  Tensor info;
  const bool above = left ? upper : !upper;
  const auto solve = [&](const auto& m, auto* r) {
    SolveTriangle(m, above, unit, r);
    return int32_t{0};
  };
  // A vector is never meant here.
  if (a.dim() - 1 == b.dim()) {
    Dims sizes(b.sizes().begin(), b.sizes().end());
    Dims strides(b.strides().begin(), b.strides().end());
    sizes.insert(sizes.begin(), 1);
    strides.insert(strides.begin(), 0);
    return SolveEach(a, b.ViewUnchecked(sizes, strides, b.offset()), left, kOp,
                     solve, &info);
  }
  return SolveEach(a, b, left, kOp, solve, &info);
}

Two TriangularSolve(const Tensor& self, const Tensor& a, bool upper,
                    bool transpose, bool unit) {
  TANDEM_RETURN_IF_ERROR(CheckSquare(a, "triangular_solve"));
  TANDEM_RETURN_IF_ERROR(CheckMatrix(self, "triangular_solve", "b"));
  TANDEM_ASSIGN_OR_RETURN(
      Tensor x, SolveTriangular(transpose ? Transposed(a) : a, self,
                                transpose ? !upper : upper, true, unit));
  // The matrices, broadcast, as LAPACK was given them.
  TANDEM_ASSIGN_OR_RETURN(const Dims lead, CommonLead(a, self));
  TANDEM_ASSIGN_OR_RETURN(const Batch matrices, LoadBatch(a, lead));
  TANDEM_ASSIGN_OR_RETURN(Tensor copy, Finish(matrices, a.dtype()));
  return std::make_tuple(x, copy);
}

// ---- powers of e, by squaring a Taylor series of a small matrix

Result MatrixExp(const Tensor& a) {
  if (a.dtype() == DType::kHalf || a.dtype() == DType::kBFloat16) {
    TANDEM_ASSIGN_OR_RETURN(const Tensor wide, ToDType(a, DType::kFloat));
    TANDEM_ASSIGN_OR_RETURN(const Tensor result, MatrixExp(wide));
    return ToDType(result, a.dtype());
  }
  TANDEM_RETURN_IF_ERROR(CheckSquare(a, "linalg.matrix_exp"));
  TANDEM_ASSIGN_OR_RETURN(const Batch x, LoadBatch(a));
  TANDEM_ASSIGN_OR_RETURN(const Batch out,
                          NewBatch(LeadOf(a), x.rows, x.cols, a.dtype()));
  TANDEM_RETURN_IF_ERROR(WithCompute(a.dtype(), [&](auto tag) {
    using T = typename decltype(tag)::type;
    for (int64_t b = 0; b < x.count; ++b) {
      TANDEM_RETURN_IF_ERROR(CheckStop());
      Matrix<T> m = x.at<T>(b);
      double norm = 0;
      for (int64_t i = 0; i < m.rows; ++i) {
        double row = 0;
        for (int64_t j = 0; j < m.cols; ++j) row += std::abs(m(i, j));
        norm = std::max(norm, row);
      }
      int squarings = 0;
      while (norm > 0.5 && squarings < 2000 && std::isfinite(norm)) {
        norm /= 2;
        ++squarings;
      }
      for (T& v : m.data) v *= std::ldexp(1.0, -squarings);
      Matrix<T> sum = Matrix<T>::Identity(m.rows), term = sum;
      for (int k = 1; k <= 20; ++k) {
        term = Product(term, m);
        for (T& v : term.data) v /= static_cast<double>(k);
        for (size_t i = 0; i < sum.data.size(); ++i)
          sum.data[i] += term.data[i];
      }
      for (int k = 0; k < squarings; ++k) sum = Product(sum, sum);
      out.Put(b, sum);
    }
    return absl::OkStatus();
  }));
  return Finish(out, a.dtype(), true);
}

}  // namespace

void AddLinalgSolvers(KernelRegistrar& r) {
  r.Add("aten::linalg_det", &Det)
      .Add("aten::linalg_det.out", &LapackVariants<&Det>::OutExact)
      .Add("aten::det", &Det)
      .Add("aten::linalg_slogdet", &Slogdet)
      .Add("aten::linalg_slogdet.out", &LapackVariants<&Slogdet>::Out)
      .Add("aten::slogdet", &Slogdet)
      .Add("aten::slogdet.out", &LapackVariants<&Slogdet>::Out)
      .Add("aten::logdet", &Logdet)
      .Add("aten::linalg_inv_ex", &InvExOp)
      .Add("aten::linalg_inv_ex.inverse", &LapackVariants<&InvExOp>::Out)
      .Add("aten::linalg_inv", &Inv)
      .Add("aten::linalg_inv.out", &LapackVariants<&Inv>::OutExact)
      .Add("aten::inverse", &Inv)
      .Add("aten::inverse.out", &LapackVariants<&Inv>::OutExact)
      .Add("aten::linalg_solve_ex", &SolveExOp)
      .Add("aten::linalg_solve_ex.out", &LapackVariants<&SolveExOp>::Out)
      .Add("aten::linalg_solve", &Solve)
      .Add("aten::linalg_solve.out", &LapackVariants<&Solve>::OutExact)
      .Add("aten::linalg_solve_triangular", &SolveTriangular)
      .Add("aten::linalg_solve_triangular.out",
           &LapackVariants<&SolveTriangular>::OutExact)
      .Add("aten::triangular_solve", &TriangularSolve)
      .Add("aten::triangular_solve.X", &LapackVariants<&TriangularSolve>::Out)
      .Add("aten::matrix_exp", &MatrixExp)
      .Add("aten::linalg_matrix_exp", &MatrixExp)
      .Add("aten::linalg_matrix_exp.out",
           &LapackVariants<&MatrixExp>::OutExact);
}

}  // namespace tandem::reference
