// Vector norms, and the matrix norms that need no decomposition.

#include <cmath>
#include <limits>

#include "absl/strings/str_cat.h"
#include "tandem/backends/reference/linalg.h"
#include "tandem/backends/reference/matching.h"
#include "tandem/backends/reference/pointwise.h"
#include "tandem/backends/reference/reduce.h"
#include "tandem/backends/reference/variants.h"

namespace tandem::reference {
namespace {

enum class Kind { kZero, kOne, kTwo, kMax, kMin, kPower };

// |x| is taken in double.
template <typename T, Kind kKind>
struct NormOp {
  using In = T;
  using State = double;
  using Out = decltype(std::abs(T()));
  static constexpr bool kOrdered = false;
  explicit NormOp(double p) : p(p) {}
  State Init() const {
    return kKind == Kind::kMin ? std::numeric_limits<double>::infinity() : 0;
  }
  static double Square(T x) {
    if constexpr (kIsComplex<T>) {
      const double re = x.real(), im = x.imag();
      return re * re + im * im;
    } else {
      return static_cast<double>(x) * static_cast<double>(x);
    }
  }
  void Update(State& s, In x, int64_t) const {
    switch (kKind) {
      case Kind::kZero:
        s += x != T(0);
        break;
      case Kind::kOne:
        s += std::abs(x);
        break;
      case Kind::kTwo:
        s += Square(x);
        break;
      case Kind::kPower:
        s += std::pow(static_cast<double>(std::abs(x)), p);
        break;
      default:
        Combine(s, std::abs(x));
    }
  }
  void Combine(State& s, const State& o) const {
    if constexpr (kKind == Kind::kMax) {
      if (!(s != s) && (o != o || o > s)) s = o;
    } else if constexpr (kKind == Kind::kMin) {
      if (!(s != s) && (o != o || o < s)) s = o;
    } else {
      s += o;
    }
  }
  Out Finish(const State& s) const {
    if constexpr (kKind == Kind::kTwo) return static_cast<Out>(std::sqrt(s));
    if constexpr (kKind == Kind::kPower) {
      return static_cast<Out>(std::pow(s, 1 / p));
    }
    return static_cast<Out>(s);
  }
  double p;
};

Kind KindOf(double p) {
  if (p == 0) return Kind::kZero;
  if (p == 1) return Kind::kOne;
  if (p == 2) return Kind::kTwo;
  if (std::isinf(p)) return p > 0 ? Kind::kMax : Kind::kMin;
  return Kind::kPower;
}

template <Kind kKind>
absl::Status RunNorm(double p, const Tensor& x, const DimMask& mask,
                     const Tensor& out) {
  return VisitCompute<kFloats | kComplex>(
      x.dtype(), "norm_cpu", [&](auto tag) -> absl::Status {
        using T = typename decltype(tag)::type;
        return RunReduction(NormOp<T, kKind>(p), x, mask, out);
      });
}

std::string NumberText(double p) {
  if (std::isinf(p)) return p > 0 ? "inf" : "-inf";
  return absl::StrCat(p);
}

absl::Status CheckNormDType(const Tensor& self, std::optional<DType> dtype,
                            absl::string_view op) {
  if (!dtype.has_value()) return absl::OkStatus();
  if (!IsFloatingPoint(*dtype) && !IsComplex(*dtype)) {
    return absl::InvalidArgumentError(absl::StrCat(
        op, ": dtype should be floating point or complex, but got ",
        TypeName(*dtype)));
  }
  if (IsComplex(self.dtype()) != IsComplex(*dtype)) {
    return absl::InvalidArgumentError(absl::StrCat(
        op, ": dtype should be ", IsComplex(self.dtype()) ? "complex" : "real",
        " for ", IsComplex(self.dtype()) ? "complex" : "real",
        " inputs, but got ", TypeName(*dtype)));
  }
  if (PromoteTypes(self.dtype(), *dtype) != *dtype) {
    return absl::InvalidArgumentError(absl::StrCat(
        op, ": the dtype of the input (", TypeName(self.dtype()),
        ") should be convertible without narrowing to the specified dtype (",
        TypeName(*dtype), ")"));
  }
  return absl::OkStatus();
}

absl::Status CheckMatrix(const Tensor& self) {
  if (IsFloatingPoint(self.dtype()) || IsComplex(self.dtype())) {
    return absl::OkStatus();
  }
  return absl::InvalidArgumentError(
      absl::StrCat("linalg.matrix_norm: Expected a floating point or complex "
                   "tensor as input. Got ",
                   TypeName(self.dtype())));
}

absl::StatusOr<Tensor> VectorNorm(Target target, const Tensor& self,
                                  const Scalar& ord, OptionalDims dims,
                                  bool keepdim, std::optional<DType> dtype) {
  if (!IsFloatingPoint(self.dtype()) && !IsComplex(self.dtype())) {
    return absl::UnimplementedError(
        absl::StrCat("linalg.vector_norm: Expected a floating point or complex "
                     "tensor as input. Got ",
                     TypeName(self.dtype())));
  }
  TANDEM_RETURN_IF_ERROR(CheckNormDType(self, dtype, "linalg.vector_norm"));
  TANDEM_ASSIGN_OR_RETURN(const DimMask mask, ReducedDims(dims, self.dim()));
  const double p = ord.ToDouble();
  if ((p < 0 || std::isinf(p)) && self.numel() == 0) {
    // No number is the norm of nothing.
    if (!dims.has_value() || dims->empty()) {
      return absl::InvalidArgumentError(absl::StrCat(
          "linalg.vector_norm cannot compute the ", NumberText(p),
          " norm on an empty tensor because the operation does not have an "
          "identity"));
    }
    for (int64_t d = 0; d < self.dim(); ++d) {
      if (mask[d] && self.size(d) == 0) {
        return absl::InvalidArgumentError(absl::StrCat(
            "linalg.vector_norm cannot compute the ", NumberText(p),
            " norm on the dimension ", d,
            "because this dimension is empty and the operation does not have "
            "an identity"));
      }
    }
  }
  const DType in = dtype.value_or(self.dtype());
  const DType result = IsComplex(in) ? ToReal(in) : in;
  const Dims sizes = ReducedSizes(self.sizes(), mask, keepdim);
  if (self.is_meta()) {
    return Tensor::Meta(sizes, ContiguousStrides(sizes), result);
  }
  DType computed = ReductionComputeType(in);
  if (in == DType::kComplexHalf) computed = DType::kComplexFloat;
  if (computed == DType::kUndefined) return NotImplementedFor("norm_cpu", in);
  TANDEM_ASSIGN_OR_RETURN(const Tensor x, ToDType(self, computed));
  TANDEM_ASSIGN_OR_RETURN(
      const Tensor out,
      Tensor::Empty(ReducedSizes(self.sizes(), mask, false),
                    IsComplex(computed) ? ToReal(computed) : computed));
  absl::Status status;
  switch (KindOf(p)) {
    case Kind::kZero:
      status = RunNorm<Kind::kZero>(p, x, mask, out);
      break;
    case Kind::kOne:
      status = RunNorm<Kind::kOne>(p, x, mask, out);
      break;
    case Kind::kTwo:
      status = RunNorm<Kind::kTwo>(p, x, mask, out);
      break;
    case Kind::kMax:
      status = RunNorm<Kind::kMax>(p, x, mask, out);
      break;
    case Kind::kMin:
      status = RunNorm<Kind::kMin>(p, x, mask, out);
      break;
    case Kind::kPower:
      status = RunNorm<Kind::kPower>(p, x, mask, out);
      break;
  }
  TANDEM_RETURN_IF_ERROR(status);
  return FinishReduction(out, sizes, result, target.tensor);
}

absl::Status CheckNorm(const Tensor& self) {
  if (IsFloatingPoint(self.dtype()) || IsComplex(self.dtype())) {
    return absl::OkStatus();
  }
  return absl::UnimplementedError(absl::StrCat(
      "norm(): input dtype should be either floating point or complex. Got ",
      TypeName(self.dtype()), " instead."));
}

absl::StatusOr<Tensor> NormDims(Target target, const Tensor& self,
                                std::optional<Scalar> p,
                                absl::Span<const int64_t> dims, bool keepdim) {
  TANDEM_RETURN_IF_ERROR(CheckNorm(self));
  return VectorNorm(target, self, p.value_or(Scalar(2.0)), dims, keepdim,
                    std::nullopt);
}
absl::StatusOr<Tensor> NormAll(Target target, const Tensor& self,
                               const Scalar& p) {
  return NormDims(target, self, p, {}, false);
}
absl::StatusOr<Tensor> NormDimsDType(const Tensor& self,
                                     std::optional<Scalar> p,
                                     absl::Span<const int64_t> dims,
                                     bool keepdim, DType dtype) {
  return VectorNorm({}, self, p.value_or(Scalar(2.0)), dims, keepdim, dtype);
}
absl::StatusOr<Tensor> NormDType(const Tensor& self, std::optional<Scalar> p,
                                 DType dtype) {
  return NormDimsDType(self, p, {}, false, dtype);
}
absl::StatusOr<Tensor> NativeNorm(const Tensor& self, std::optional<Scalar> p,
                                  absl::Span<const int64_t> dims, bool keepdim,
                                  std::optional<DType> dtype) {
  return VectorNorm({}, self, p.value_or(Scalar(2.0)), dims, keepdim, dtype);
}
absl::StatusOr<Tensor> NativeNormAll(const Tensor& self, const Scalar& p) {
  return VectorNorm({}, self, p, std::nullopt, false, std::nullopt);
}
absl::StatusOr<Tensor> FrobeniusNorm(Target target, const Tensor& self,
                                     absl::Span<const int64_t> dims,
                                     bool keepdim) {
  if (dims.size() > 2) {
    return absl::InvalidArgumentError(
        absl::StrCat("Expected at most 2 dimensions, but got ", dims.size(),
                     " dimensions instead."));
  }
  return NormDims(target, self, Scalar(2.0), dims, keepdim);
}

absl::StatusOr<Tensor> Dist(const Tensor& self, const Tensor& other,
                            const Scalar& p) {
  TANDEM_ASSIGN_OR_RETURN(const Tensor difference, Sub(self, other));
  return NormAll({}, difference, p);
}

// By singular values.
absl::StatusOr<Tensor> BySingularValues(Target target, const Tensor& self,
                                        absl::string_view ord,
                                        absl::Span<const int64_t> dim,
                                        bool keepdim,
                                        std::optional<DType> dtype) {
  TANDEM_ASSIGN_OR_RETURN(const Tensor norm,
                          SingularValueNorm(self, ord, dim, keepdim, dtype));
  return target.tensor == nullptr ? norm : WriteOutExact(norm, *target.tensor);
}

absl::StatusOr<Tensor> MatrixNorm(Target target, const Tensor& self,
                                  const Scalar& ord,
                                  absl::Span<const int64_t> dim, bool keepdim,
                                  std::optional<DType> dtype) {
  const double p = ord.ToDouble(), size = std::abs(p);
  if (size != 1 && size != 2 && !std::isinf(p)) {
    return absl::InvalidArgumentError(absl::StrCat(
        "linalg.matrix_norm: Order ", NumberText(p), " not supported."));
  }
  TANDEM_RETURN_IF_ERROR(CheckMatrix(self));
  if (self.dim() < 2) {
    return absl::InvalidArgumentError(
        absl::StrCat("linalg.matrix_norm: The input tensor A must have at "
                     "least 2 dimensions."));
  }
  if (dim.size() != 2) {
    return absl::InvalidArgumentError(absl::StrCat(
        "linalg.matrix_norm: dim must be a 2-tuple. Got ", DimsToString(dim)));
  }
  TANDEM_ASSIGN_OR_RETURN(int64_t rows, WrapDim(dim[0], self.dim()));
  TANDEM_ASSIGN_OR_RETURN(int64_t columns, WrapDim(dim[1], self.dim()));
  if (rows == columns) {
    return absl::InvalidArgumentError(
        absl::StrCat("linalg.matrix_norm: dims must be different. Got (",
                     dim[0], ", ", dim[1], ")"));
  }
  if (size == 2) {
    return BySingularValues(target, self, NumberText(p), dim, keepdim, dtype);
  }
  // The largest (smallest) sum of the columns, or of the rows.
  if (std::isinf(p)) std::swap(rows, columns);
  TANDEM_ASSIGN_OR_RETURN(
      const Tensor sums,
      VectorNorm({}, self, Scalar(1.0), absl::MakeConstSpan(&rows, 1), true,
                 dtype));
  TANDEM_ASSIGN_OR_RETURN(
      Tensor norm,
      VectorNorm({}, sums,
                 Scalar(p > 0 ? std::numeric_limits<double>::infinity()
                              : -std::numeric_limits<double>::infinity()),
                 absl::MakeConstSpan(&columns, 1), true, std::nullopt));
  DimMask mask(self.dim(), false);
  mask[rows] = mask[columns] = true;
  return FinishReduction(norm, ReducedSizes(self.sizes(), mask, keepdim),
                         norm.dtype(), target.tensor);
}

absl::StatusOr<Tensor> MatrixNormNamed(Target target, const Tensor& self,
                                       absl::string_view ord,
                                       absl::Span<const int64_t> dim,
                                       bool keepdim,
                                       std::optional<DType> dtype) {
  if (ord != "fro" && ord != "nuc") {
    return absl::InvalidArgumentError(
        absl::StrCat("linalg.matrix_norm: Order ", ord, " not supported."));
  }
  TANDEM_RETURN_IF_ERROR(CheckMatrix(self));
  if (self.dim() < 2) {
    return absl::InvalidArgumentError(
        "linalg.matrix_norm: The input tensor A must have at least 2 "
        "dimensions.");
  }
  if (ord == "fro") {
    return VectorNorm(target, self, Scalar(2.0), dim, keepdim, dtype);
  }
  return BySingularValues(target, self, ord, dim, keepdim, dtype);
}

absl::StatusOr<Tensor> LinalgNorm(Target target, const Tensor& self,
                                  std::optional<Scalar> ord, OptionalDims dim,
                                  bool keepdim, std::optional<DType> dtype) {
  if (dim.has_value() && dim->size() != 1 && dim->size() != 2) {
    return absl::InvalidArgumentError(absl::StrCat(
        "linalg.norm: If dim is specified, it must be of length 1 or 2. Got ",
        DimsToString(*dim)));
  }
  if (!dim.has_value() && ord.has_value() && self.dim() != 1 &&
      self.dim() != 2) {
    return absl::InvalidArgumentError(
        absl::StrCat("linalg.norm: If dim is not specified but ord is, the "
                     "input must be 1D or 2D. Got ",
                     self.dim(), "D."));
  }
  const bool matrix =
      ord.has_value() && (dim.has_value() ? dim->size() == 2 : self.dim() == 2);
  if (!matrix) {
    return VectorNorm(target, self, ord.value_or(Scalar(2.0)), dim, keepdim,
                      dtype);
  }
  const int64_t both[] = {0, 1};
  return MatrixNorm(target, self, *ord, dim.value_or(absl::MakeConstSpan(both)),
                    keepdim, dtype);
}

absl::StatusOr<Tensor> LinalgNormNamed(Target target, const Tensor& self,
                                       absl::string_view ord, OptionalDims dim,
                                       bool keepdim,
                                       std::optional<DType> dtype) {
  if (!dim.has_value() && self.dim() != 1 && self.dim() != 2) {
    return absl::InvalidArgumentError(
        absl::StrCat("linalg.norm: If dim is not specified but ord is, the "
                     "input must be 1D or 2D. Got ",
                     self.dim(), "D."));
  }
  if (!dim.has_value() && self.dim() == 1) {
    return absl::InvalidArgumentError(
        "linalg.matrix_norm: The input tensor A must have at least 2 "
        "dimensions.");
  }
  if (dim.has_value() && dim->size() != 2) {
    return absl::InvalidArgumentError(absl::StrCat(
        "linalg.norm: If dim is specified, it must be of length 2 if ord is a "
        "string"));
  }
  const int64_t both[] = {0, 1};
  return MatrixNormNamed(target, self, ord,
                         dim.value_or(absl::MakeConstSpan(both)), keepdim,
                         dtype);
}

}  // namespace

void AddReduceNorm(MatchingRegistrar& r) {
  AddAll<&VectorNorm>(r, {"linalg_vector_norm"});
  AddAll<&NormAll>(r, {"norm"});
  AddAll<&NormDims>(r, {"norm"});
  r.AddExact("aten::norm.ScalarOpt_dim_dtype", &NormDimsDType);
  r.AddExact("aten::norm.dtype_out", &Variants<NormDimsDType>::Out);
  r.AddExact("aten::norm.ScalarOpt_dtype", &NormDType);
  r.AddExact("aten::norm.ScalarOpt_dtype_out", &Variants<NormDType>::Out);
  r.AddExact("aten::native_norm", &NativeNormAll);
  r.AddExact("aten::native_norm.out", &Variants<NativeNormAll>::Out);
  r.AddExact("aten::native_norm.ScalarOpt_dim_dtype", &NativeNorm);
  r.AddExact("aten::native_norm.ScalarOpt_dim_dtype_out",
             &Variants<NativeNorm>::Out);
  AddAll<&FrobeniusNorm>(r, {"frobenius_norm"});
  r.AddExact("aten::dist", &Dist);
  r.AddExact("aten::dist.out", &Variants<Dist>::Out);
  AddAll<&MatrixNorm>(r, {"linalg_matrix_norm"});
  AddAll<&MatrixNormNamed>(r, {"linalg_matrix_norm"});
  AddAll<&LinalgNorm>(r, {"linalg_norm"});
  AddAll<&LinalgNormNamed>(r, {"linalg_norm"});
}

}  // namespace tandem::reference
