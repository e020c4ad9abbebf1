// cov, corrcoef, trapezoid, cumulative_trapezoid, gradient: made of sums,
// products and differences, as PyTorch makes them.
#include "absl/strings/str_cat.h"
#include "tandem/backends/reference/composites.h"
#include "tandem/backends/reference/matmul.h"
#include "tandem/backends/reference/parts.h"
#include "tandem/backends/reference/pointwise.h"
#include "tandem/backends/reference/reduce.h"
#include "tandem/backends/reference/shape.h"
#include "tandem/ir/operators/promotion.h"

namespace tandem::reference {
namespace {

using Result = absl::StatusOr<Tensor>;
using Tensors = absl::StatusOr<std::vector<Tensor>>;
using Ints = absl::Span<const int64_t>;

Result SumAlong(const Tensor& t, int64_t dim) {
  return Sum(t, absl::MakeConstSpan(&dim, 1), false);
}

absl::StatusOr<double> NumberOf(const Tensor& t) {
  TANDEM_ASSIGN_OR_RETURN(const Scalar s, t.Item());
  return s.ToDouble();
}

absl::Status NoDimensions(int64_t dim) {
  return Invalid("Dimension specified as ", dim,
                 " but tensor has no dimensions");
}

// ---- covariance

absl::Status CheckWeights(absl::string_view name, const Tensor& w,
                          bool integral, int64_t observations) {
  if (w.dim() > 1) {
    return Invalid("cov(): expected ", name,
                   " to have one or fewer dimensions but got ", name, " with ",
                   w.dim(), " dimensions");
  }
  if (integral ? !IsIntegral(w.dtype(), false) : !IsFloatingPoint(w.dtype())) {
    return Invalid("cov(): expected ", name, " to have ",
                   integral ? "integral" : "floating point", " dtype but got ",
                   name, " with ", TypeName(w.dtype()), " dtype");
  }
  if (w.numel() != observations) {
    return Invalid("cov(): expected ", name,
                   " to have the same numel as there are observations in the "
                   "input but got ",
                   w.numel(), " != ", observations);
  }
  TANDEM_ASSIGN_OR_RETURN(const Tensor values, Contiguous(w, DType::kDouble));
  for (int64_t i = 0; i < values.numel(); ++i) {
    if (!(values.data<double>()[i] >= 0)) {
      return Invalid("cov(): ", name, " cannot be negative");
    }
  }
  return absl::OkStatus();
}

Result Conjugated(const Tensor& t) {
  if (!IsComplex(t.dtype())) return t;
  Tensor c = t.Alias();
  c.impl()->conj = !c.impl()->conj;
  return ResolveLazyBits(c);
}

Result SqueezeAll(const Tensor& t) {
  Dims sizes;
  for (int64_t s : t.sizes()) {
    if (s != 1) sizes.push_back(s);
  }
  return ReshapeTo(t, sizes);
}

Result Cov(const Tensor& self, int64_t correction, const Tensor& fweights,
           const Tensor& aweights) {
  if (self.dim() > 2) {
    return Invalid(
        "cov(): expected input to have two or fewer dimensions but got an "
        "input with ",
        self.dim(), " dimensions");
  }
  if (self.dtype() == DType::kBool) {
    return Invalid("cov(): bool dtype is not supported for input");
  }
  Tensor in = self;
  if (self.dim() < 2) {
    TANDEM_ASSIGN_OR_RETURN(in, ReshapeTo(self, {1, self.numel()}));
  }
  const int64_t observations = in.size(1);
  Tensor w;
  if (fweights.defined()) {
    TANDEM_RETURN_IF_ERROR(
        CheckWeights("fweights", fweights, true, observations));
    w = fweights;
  }
  if (aweights.defined()) {
    TANDEM_RETURN_IF_ERROR(
        CheckWeights("aweights", aweights, false, observations));
    if (w.defined()) {
      TANDEM_ASSIGN_OR_RETURN(w, Mul(w, aweights));
    } else {
      w = aweights;
    }
  }
  Tensor w_sum, weighted = in;
  if (w.defined()) {
    TANDEM_ASSIGN_OR_RETURN(w_sum, Sum(w, std::nullopt, false));
    TANDEM_ASSIGN_OR_RETURN(const double total, NumberOf(w_sum));
    if (total == 0) {
      return Invalid("cov(): weights sum to zero, can't be normalized");
    }
    TANDEM_ASSIGN_OR_RETURN(weighted, Mul(in, w));
  } else {
    TANDEM_ASSIGN_OR_RETURN(
        w_sum, Tensor::FromScalar(Scalar(observations), DType::kInt64));
  }
  TANDEM_ASSIGN_OR_RETURN(Tensor average, SumAlong(weighted, 1));
  TANDEM_ASSIGN_OR_RETURN(average, Div(average, w_sum));
  Tensor norm;
  if (w.defined() && aweights.defined() && correction != 0) {
    TANDEM_ASSIGN_OR_RETURN(Tensor squares, Mul(w, aweights));
    TANDEM_ASSIGN_OR_RETURN(squares, Sum(squares, std::nullopt, false));
    TANDEM_ASSIGN_OR_RETURN(squares, Mul(squares, Scalar(correction)));
    TANDEM_ASSIGN_OR_RETURN(squares, Div(squares, w_sum));
    TANDEM_ASSIGN_OR_RETURN(norm, Sub(w_sum, squares));
  } else {
    TANDEM_ASSIGN_OR_RETURN(norm, Sub(w_sum, Scalar(correction)));
  }
  TANDEM_ASSIGN_OR_RETURN(const double divisor, NumberOf(norm));
  if (divisor <= 0) {
    TANDEM_ASSIGN_OR_RETURN(norm, Tensor::Zeros({}, norm.dtype()));
  }
  TANDEM_ASSIGN_OR_RETURN(in, Sub(in, UnsqueezeView(average, 1)));
  Tensor right = in;
  if (w.defined()) {
    TANDEM_ASSIGN_OR_RETURN(right, Mul(in, w));
  }
  TANDEM_ASSIGN_OR_RETURN(right, Conjugated(TransposeView(right, 0, 1)));
  TANDEM_ASSIGN_OR_RETURN(Tensor c, Mm(in, right));
  TANDEM_ASSIGN_OR_RETURN(c, Div(c, norm));
  return SqueezeAll(c);
}

Result CorrCoef(const Tensor& self) {
  if (self.dim() > 2) {
    return Invalid(
        "corrcoef(): expected input to have two or fewer dimensions but got "
        "an input with ",
        self.dim(), " dimensions");
  }
  TANDEM_ASSIGN_OR_RETURN(Tensor c, Cov(self, 1, Tensor(), Tensor()));
  if (c.dim() == 0) return Div(c, c);
  // c / sd of its row / sd of its column, in the type that c computes in.
  const auto run = [&](auto tag) -> Result {
    using T = typename decltype(tag)::type;
    const DType compute = DTypeOf<T>::value;
    TANDEM_ASSIGN_OR_RETURN(const Tensor from, CloneContiguous(c, compute));
    const int64_t n = c.size(0);
    T* v = from.data<T>();
    using R = decltype(std::abs(T()));
    std::vector<R> sd(n);
    for (int64_t i = 0; i < n; ++i) sd[i] = std::sqrt(std::real(v[i * n + i]));
    const auto clip = [](R x) {
      return x != x ? x : std::min(std::max(x, R(-1)), R(1));
    };
    for (int64_t i = 0; i < n * n; ++i) {
      v[i] = v[i] / sd[i / n] / sd[i % n];
      if constexpr (kIsComplex<T>) {
        v[i] = T(clip(v[i].real()), clip(v[i].imag()));
      } else {
        v[i] = clip(v[i]);
      }
    }
    return ToDType(from, c.dtype());
  };
  switch (c.dtype()) {
    case DType::kDouble:
      return run(TypeTag<double>{});
    case DType::kComplexFloat:
      return run(TypeTag<std::complex<float>>{});
    case DType::kComplexDouble:
      return run(TypeTag<std::complex<double>>{});
    default:
      return run(TypeTag<float>{});
  }
}

// ---- trapezoids

// The pairs of neighbours along `dim`.
struct Neighbours {
  Tensor left, right;
};
absl::StatusOr<Neighbours> NeighboursOf(const Tensor& t, int64_t dim) {
  Neighbours n;
  TANDEM_ASSIGN_OR_RETURN(n.left, Slice(t, dim, 0, -1, 1));
  TANDEM_ASSIGN_OR_RETURN(n.right, Slice(t, dim, 1, std::nullopt, 1));
  return n;
}

// Differences of x along `dim` of y.
Result Steps(absl::string_view op, const Tensor& y, const Tensor& x,
             int64_t dim) {
  Tensor view = x;
  if (x.dim() == 1) {
    if (x.size(0) != y.size(dim)) {
      return Invalid(op, ": There must be one `x` value for each sample point");
    }
    Dims sizes(y.dim(), 1);
    sizes[dim] = x.size(0);
    TANDEM_ASSIGN_OR_RETURN(view, ReshapeTo(x, sizes));
  } else if (x.dim() < y.dim()) {
    Dims sizes(y.dim() - x.dim(), 1);
    sizes.insert(sizes.end(), x.sizes().begin(), x.sizes().end());
    TANDEM_ASSIGN_OR_RETURN(view, ReshapeTo(x, sizes));
  }
  TANDEM_ASSIGN_OR_RETURN(const Neighbours n, NeighboursOf(view, dim));
  return Sub(n.right, n.left);
}

absl::Status CheckNoBool(absl::string_view op, const Tensor& y,
                         const Tensor* x) {
  if (y.dtype() != DType::kBool && (x == nullptr || x->dtype() != DType::kBool))
    return absl::OkStatus();
  return Invalid(op, ": received a bool input for ",
                 x == nullptr ? "`y`" : "`x` or `y`",
                 ", but bool is not supported");
}

absl::StatusOr<double> RealStep(absl::string_view op, const Scalar& dx) {
  if (dx.is_complex() || dx.is_bool()) {
    return Invalid(op, ": Currently, we only support dx as a real number.");
  }
  return dx.ToDouble();
}

Result NoSamples(const Tensor& y, int64_t dim) {
  Dims sizes(y.sizes().begin(), y.sizes().end());
  sizes.erase(sizes.begin() + dim);
  return Tensor::Zeros(sizes, y.dtype());
}

Result TrapezoidX(const Tensor& y, const Tensor& x, int64_t dim) {
  TANDEM_ASSIGN_OR_RETURN(dim, WrapDim(dim, y.dim()));
  if (y.dim() == 0) return NoDimensions(dim);
  if (y.size(dim) == 0) return NoSamples(y, dim);
  TANDEM_RETURN_IF_ERROR(CheckNoBool("trapezoid", y, &x));
  TANDEM_ASSIGN_OR_RETURN(const Tensor dx, Steps("trapezoid", y, x, dim));
  TANDEM_ASSIGN_OR_RETURN(const Neighbours n, NeighboursOf(y, dim));
  TANDEM_ASSIGN_OR_RETURN(Tensor area, Add(n.left, n.right));
  TANDEM_ASSIGN_OR_RETURN(area, Mul(area, dx));
  TANDEM_ASSIGN_OR_RETURN(area, SumAlong(area, dim));
  return Div(area, Scalar(2.0));
}

Result TrapezoidDx(const Tensor& y, const Scalar& dx, int64_t dim) {
  if (y.dim() == 0) return NoDimensions(dim);
  TANDEM_ASSIGN_OR_RETURN(dim, WrapDim(dim, y.dim()));
  if (y.size(dim) == 0) return NoSamples(y, dim);
  TANDEM_RETURN_IF_ERROR(CheckNoBool("trapezoid", y, nullptr));
  TANDEM_ASSIGN_OR_RETURN(const double step, RealStep("trapezoid", dx));
  TANDEM_ASSIGN_OR_RETURN(
      Tensor ends,
      Add(SelectView(y, dim, 0), SelectView(y, dim, y.size(dim) - 1)));
  TANDEM_ASSIGN_OR_RETURN(ends, Mul(ends, Scalar(0.5)));
  TANDEM_ASSIGN_OR_RETURN(Tensor sum, SumAlong(y, dim));
  TANDEM_ASSIGN_OR_RETURN(sum, Sub(sum, ends));
  return Mul(sum, Scalar(step));
}

Result TrapzDx(const Tensor& y, double dx, int64_t dim) {
  return TrapezoidDx(y, Scalar(dx), dim);
}

Result CumulativeX(const Tensor& y, const Tensor& x, int64_t dim) {
  constexpr absl::string_view kOp = "cumulative_trapezoid";
  TANDEM_ASSIGN_OR_RETURN(dim, WrapDim(dim, y.dim()));
  TANDEM_RETURN_IF_ERROR(CheckNoBool(kOp, y, &x));
  TANDEM_ASSIGN_OR_RETURN(const Tensor dx, Steps(kOp, y, x, dim));
  TANDEM_ASSIGN_OR_RETURN(const Neighbours n, NeighboursOf(y, dim));
  TANDEM_ASSIGN_OR_RETURN(Tensor area, Add(n.right, n.left));
  TANDEM_ASSIGN_OR_RETURN(area, Mul(dx, area));
  TANDEM_ASSIGN_OR_RETURN(area, CumSumOf(area, dim));
  return Div(area, Scalar(2.0));
}

Result CumulativeDx(const Tensor& y, const Scalar& dx, int64_t dim) {
  constexpr absl::string_view kOp = "cumulative_trapezoid";
  TANDEM_ASSIGN_OR_RETURN(dim, WrapDim(dim, y.dim()));
  TANDEM_RETURN_IF_ERROR(CheckNoBool(kOp, y, nullptr));
  TANDEM_ASSIGN_OR_RETURN(const double step, RealStep(kOp, dx));
  TANDEM_ASSIGN_OR_RETURN(const Neighbours n, NeighboursOf(y, dim));
  TANDEM_ASSIGN_OR_RETURN(Tensor area, Add(n.left, n.right));
  TANDEM_ASSIGN_OR_RETURN(area, Mul(area, Scalar(step / 2)));
  return CumSumOf(area, dim);
}

// ---- gradient

absl::Status CheckGradient(const Tensor& self, std::optional<int64_t> spacings,
                           std::optional<Ints> dim, int64_t edge_order) {
  if (self.dtype() == DType::kUInt8) {
    return Invalid("torch.gradient does not support uint8 input.");
  }
  if (spacings.has_value() && !dim.has_value() && *spacings != 1 &&
      *spacings != self.dim()) {
    return Invalid(
        "torch.gradient expected spacing to be unspecified, a scalar, or a "
        "list "
        "of length equal to 'self.dim() = ",
        self.dim(),
        "', since dim argument was not given, but got a list of length ",
        *spacings);
  }
  if (spacings.has_value() && dim.has_value() &&
      *spacings != static_cast<int64_t>(dim->size())) {
    return Invalid(
        "torch.gradient expected spacing to be unspecified, a scalar or it's "
        "spacing and dim arguments to have the same length, but got a spacing "
        "argument of length ",
        *spacings, " and a dim argument of length ", dim->size(), ".");
  }
  if (edge_order != 1 && edge_order != 2) {
    return Invalid(
        "torch.gradient only supports edge_order=1 and "
        "edge_order=2.");
  }
  if (dim.has_value()) {
    std::vector<bool> seen(std::max<int64_t>(1, self.dim()), false);
    for (int64_t d : *dim) {
      if (self.dim() == 0) return NoDimensions(d);
      TANDEM_ASSIGN_OR_RETURN(const int64_t wrapped, WrapDim(d, self.dim()));
      if (seen[wrapped]) {
        return Invalid("dim ", wrapped,
                       " appears multiple times in the list of dims");
      }
      seen[wrapped] = true;
    }
  }
  const int64_t count =
      dim.has_value() ? static_cast<int64_t>(dim->size()) : self.dim();
  for (int64_t i = 0; i < count; ++i) {
    const int64_t d = dim.has_value() ? (*dim)[i] : i;
    const int64_t wrapped = d < 0 ? d + self.dim() : d;
    if (self.dim() == 0 || self.size(wrapped) < edge_order + 1) {
      return Invalid(
          "torch.gradient expected each dimension size to be at least "
          "edge_order+1");
    }
  }
  return absl::OkStatus();
}

// a * x + b * y + c * z
Result Combined(const Input& a, const Tensor& x, const Input& b,
                const Tensor& y, const Input& c, const Tensor& z) {
  TANDEM_ASSIGN_OR_RETURN(const Tensor ax, Mul(x, a));
  TANDEM_ASSIGN_OR_RETURN(const Tensor by, Mul(y, b));
  TANDEM_ASSIGN_OR_RETURN(const Tensor cz, Mul(z, c));
  TANDEM_ASSIGN_OR_RETURN(const Tensor sum, Add(ax, by));
  return Add(sum, cz);
}

Result Joined(const Tensor& first, const Tensor& center, const Tensor& last,
              int64_t dim) {
  TANDEM_ASSIGN_OR_RETURN(const Tensor a, ToDType(first, center.dtype()));
  TANDEM_ASSIGN_OR_RETURN(const Tensor b, ToDType(last, center.dtype()));
  return Cat({a, center, b}, dim);
}

Result GradientAlong(const Tensor& self, int64_t dim, const Scalar& dx,
                     int64_t edge_order) {
  const int64_t n = self.size(dim);
  const auto at = [&](int64_t i) { return NarrowView(self, dim, i, 1); };
  TANDEM_ASSIGN_OR_RETURN(const Tensor ahead,
                          Slice(self, dim, 2, std::nullopt, 1));
  TANDEM_ASSIGN_OR_RETURN(const Tensor behind, Slice(self, dim, 0, -2, 1));
  TANDEM_ASSIGN_OR_RETURN(Tensor center, Sub(ahead, behind));
  TANDEM_ASSIGN_OR_RETURN(center, Div(center, dx));
  TANDEM_ASSIGN_OR_RETURN(center, Div(center, Scalar(int64_t{2})));
  Tensor first, last;
  if (edge_order == 1) {
    TANDEM_ASSIGN_OR_RETURN(first, Sub(at(1), at(0)));
    TANDEM_ASSIGN_OR_RETURN(first, Div(first, dx));
    TANDEM_ASSIGN_OR_RETURN(last, Sub(at(n - 1), at(n - 2)));
    TANDEM_ASSIGN_OR_RETURN(last, Div(last, dx));
  } else {
    const auto over = [&](double factor) {
      return dx.is_complex() ? Scalar(factor / dx.ToComplex())
                             : Scalar(factor / dx.ToDouble());
    };
    const Scalar half = over(0.5), two = over(2), more = over(1.5),
                 minus_half = over(-0.5), minus_two = over(-2),
                 minus_more = over(-1.5);
    TANDEM_ASSIGN_OR_RETURN(
        first, Combined(minus_more, at(0), two, at(1), minus_half, at(2)));
    TANDEM_ASSIGN_OR_RETURN(
        last, Combined(half, at(n - 3), minus_two, at(n - 2), more, at(n - 1)));
  }
  return Joined(first, center, last, dim);
}

// At coordinates that need not be evenly spaced.
Result GradientAt(const Tensor& self, int64_t dim, const Tensor& coordinates,
                  int64_t edge_order) {
  if (coordinates.dim() != 1) {
    return Invalid(
        "torch.gradient expected each element of spacing to have one "
        "dimension, but got an element with ",
        coordinates.dim(), " dimensions!");
  }
  const int64_t n = self.size(dim);
  if (coordinates.size(0) != n) {
    return Invalid("The size of tensor a (", n,
                   ") must match the size of tensor b (", coordinates.size(0),
                   ") at non-singleton dimension ", dim);
  }
  const auto at = [&](int64_t i) { return NarrowView(self, dim, i, 1); };
  TANDEM_ASSIGN_OR_RETURN(const Neighbours pairs, NeighboursOf(coordinates, 0));
  TANDEM_ASSIGN_OR_RETURN(const Tensor dx, Sub(pairs.right, pairs.left));
  TANDEM_ASSIGN_OR_RETURN(const Neighbours steps, NeighboursOf(dx, 0));
  Dims shape(self.dim(), 1);
  shape[dim] = n - 2;
  // Weights of the points before, at and after a place between h1 and h2.
  struct Weights {
    Tensor before, at, after;
  };
  const auto weights = [&](const Tensor& h1, const Tensor& h2,
                           int place) -> absl::StatusOr<Weights> {
    TANDEM_ASSIGN_OR_RETURN(const Tensor sum, Add(h1, h2));
    TANDEM_ASSIGN_OR_RETURN(const Tensor low, Mul(h1, sum));
    TANDEM_ASSIGN_OR_RETURN(const Tensor product, Mul(h1, h2));
    TANDEM_ASSIGN_OR_RETURN(const Tensor high, Mul(h2, sum));
    const Scalar minus(int64_t{-1}), two(int64_t{2});
    Tensor a, b, c;
    if (place == 0) {
      TANDEM_ASSIGN_OR_RETURN(a, Mul(h2, minus));
      TANDEM_ASSIGN_OR_RETURN(b, Sub(h2, h1));
      c = h1;
    } else if (place < 0) {
      TANDEM_ASSIGN_OR_RETURN(a, Mul(h1, two));
      TANDEM_ASSIGN_OR_RETURN(a, Add(a, h2));
      TANDEM_ASSIGN_OR_RETURN(a, Mul(a, minus));
      b = sum;
      TANDEM_ASSIGN_OR_RETURN(c, Mul(h1, minus));
    } else {
      a = h2;
      TANDEM_ASSIGN_OR_RETURN(b, Mul(sum, minus));
      TANDEM_ASSIGN_OR_RETURN(c, Mul(h2, two));
      TANDEM_ASSIGN_OR_RETURN(c, Add(c, h1));
    }
    Weights w;
    TANDEM_ASSIGN_OR_RETURN(w.before, Div(a, low));
    TANDEM_ASSIGN_OR_RETURN(w.at, Div(b, product));
    TANDEM_ASSIGN_OR_RETURN(w.after, Div(c, high));
    return w;
  };
  TANDEM_ASSIGN_OR_RETURN(Weights w, weights(steps.left, steps.right, 0));
  TANDEM_ASSIGN_OR_RETURN(w.before, ReshapeTo(w.before, shape));
  TANDEM_ASSIGN_OR_RETURN(w.at, ReshapeTo(w.at, shape));
  TANDEM_ASSIGN_OR_RETURN(w.after, ReshapeTo(w.after, shape));
  TANDEM_ASSIGN_OR_RETURN(const Tensor center,
                          Combined(w.before, NarrowView(self, dim, 0, n - 2),
                                   w.at, NarrowView(self, dim, 1, n - 2),
                                   w.after, NarrowView(self, dim, 2, n - 2)));
  Tensor first, last;
  const auto step = [&](int64_t i) { return SelectView(dx, 0, i); };
  if (edge_order == 1) {
    TANDEM_ASSIGN_OR_RETURN(first, Sub(at(1), at(0)));
    TANDEM_ASSIGN_OR_RETURN(first, Div(first, step(0)));
    TANDEM_ASSIGN_OR_RETURN(last, Sub(at(n - 1), at(n - 2)));
    TANDEM_ASSIGN_OR_RETURN(last, Div(last, step(n - 2)));
  } else {
    TANDEM_ASSIGN_OR_RETURN(const Weights low, weights(step(0), step(1), -1));
    TANDEM_ASSIGN_OR_RETURN(
        first, Combined(low.before, at(0), low.at, at(1), low.after, at(2)));
    TANDEM_ASSIGN_OR_RETURN(const Weights high,
                            weights(step(n - 3), step(n - 2), 1));
    TANDEM_ASSIGN_OR_RETURN(last, Combined(high.before, at(n - 3), high.at,
                                           at(n - 2), high.after, at(n - 1)));
  }
  return Joined(first, center, last, dim);
}

// `along(i, dim)` for each of the dims, or all.
template <typename F>
Tensors ForDims(const Tensor& self, std::optional<Ints> dim, F along) {
  std::vector<Tensor> result;
  const int64_t count =
      dim.has_value() ? static_cast<int64_t>(dim->size()) : self.dim();
  for (int64_t i = 0; i < count; ++i) {
    TANDEM_ASSIGN_OR_RETURN(
        const int64_t d, WrapDim(dim.has_value() ? (*dim)[i] : i, self.dim()));
    TANDEM_ASSIGN_OR_RETURN(Tensor t, along(i, d));
    result.push_back(std::move(t));
  }
  return result;
}

Tensors GradientNumbers(const Tensor& self, absl::Span<const Scalar> spacing,
                        std::optional<Ints> dim, int64_t edge_order) {
  return ForDims(self, dim, [&](int64_t i, int64_t d) {
    return GradientAlong(self, d, spacing.size() == 1 ? spacing[0] : spacing[i],
                         edge_order);
  });
}

std::optional<Ints> AsDims(const std::optional<int64_t>& dim) {
  if (!dim.has_value()) return std::nullopt;
  return absl::MakeConstSpan(&*dim, 1);
}

Tensors GradientScalarInt(const Tensor& self, const std::optional<Scalar>& s,
                          std::optional<int64_t> dim, int64_t edge_order) {
  const std::optional<Ints> dims = AsDims(dim);
  TANDEM_RETURN_IF_ERROR(CheckGradient(self, std::nullopt, dims, edge_order));
  const Scalar spacing = s.value_or(Scalar(1.0));
  return GradientNumbers(self, absl::MakeConstSpan(&spacing, 1), dims,
                         edge_order);
}
Tensors GradientScalarArray(const Tensor& self, const Scalar& spacing, Ints dim,
                            int64_t edge_order) {
  TANDEM_RETURN_IF_ERROR(CheckGradient(self, std::nullopt, dim, edge_order));
  return GradientNumbers(self, absl::MakeConstSpan(&spacing, 1), dim,
                         edge_order);
}
Tensors GradientArray(const Tensor& self, Ints dim, int64_t edge_order) {
  return GradientScalarArray(self, Scalar(1.0), dim, edge_order);
}
Tensors GradientScalarsInt(const Tensor& self, absl::Span<const Scalar> spacing,
                           std::optional<int64_t> dim, int64_t edge_order) {
  const std::optional<Ints> dims = AsDims(dim);
  TANDEM_RETURN_IF_ERROR(CheckGradient(self, spacing.size(), dims, edge_order));
  return GradientNumbers(self, spacing, dims, edge_order);
}
Tensors GradientScalarsArray(const Tensor& self,
                             absl::Span<const Scalar> spacing, Ints dim,
                             int64_t edge_order) {
  TANDEM_RETURN_IF_ERROR(CheckGradient(self, spacing.size(), dim, edge_order));
  return GradientNumbers(self, spacing, dim, edge_order);
}
Tensors GradientTensors(const Tensor& self, absl::Span<const Tensor> spacing,
                        std::optional<Ints> dims, int64_t edge_order) {
  TANDEM_RETURN_IF_ERROR(CheckGradient(self, spacing.size(), dims, edge_order));
  return ForDims(self, dims, [&](int64_t i, int64_t d) {
    return GradientAt(self, d, spacing.size() == 1 ? spacing[0] : spacing[i],
                      edge_order);
  });
}
Tensors GradientTensorsInt(const Tensor& self, absl::Span<const Tensor> spacing,
                           std::optional<int64_t> dim, int64_t edge_order) {
  return GradientTensors(self, spacing, AsDims(dim), edge_order);
}
Tensors GradientTensorsArray(const Tensor& self,
                             absl::Span<const Tensor> spacing, Ints dim,
                             int64_t edge_order) {
  return GradientTensors(self, spacing, dim, edge_order);
}

}  // namespace

void AddCalculus(KernelRegistrar& r) {
  r.Add("aten::cov", &Cov)
      .Add("aten::corrcoef", &CorrCoef)
      .Add("aten::trapezoid.x", &TrapezoidX)
      .Add("aten::trapezoid.dx", &TrapezoidDx)
      .Add("aten::trapz.x", &TrapezoidX)
      .Add("aten::trapz.dx", &TrapzDx)
      .Add("aten::cumulative_trapezoid.x", &CumulativeX)
      .Add("aten::cumulative_trapezoid.dx", &CumulativeDx)
      .Add("aten::gradient.scalarint", &GradientScalarInt)
      .Add("aten::gradient.scalararray", &GradientScalarArray)
      .Add("aten::gradient.array", &GradientArray)
      .Add("aten::gradient.scalarrayint", &GradientScalarsInt)
      .Add("aten::gradient.scalarrayarray", &GradientScalarsArray)
      .Add("aten::gradient.tensorarrayint", &GradientTensorsInt)
      .Add("aten::gradient.tensorarray", &GradientTensorsArray);
}

absl::Status RegisterComposites(Registry& registry) {
  KernelRegistrar r(registry, "reference");
  AddCalculus(r);
  AddMembership(r);
  AddSegments(r);
  AddSoftmaxBackward(r);
  return r.status();
}

}  // namespace tandem::reference
