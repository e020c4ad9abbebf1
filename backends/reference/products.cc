// Products of vectors and of chains of matrices: outer, addr, kron, inner,
// vecdot, matrix_power, multi_dot, bilinear.
#include <vector>

#include "tandem/backends/reference/matmul.h"
#include "tandem/backends/reference/parts.h"
#include "tandem/backends/reference/variants.h"
#include "tandem/ir/operators/promotion.h"
#include "tandem/tensor/copy.h"
#include "tandem/tensor/status_macros.h"
#include "tandem/tensor/visit.h"

namespace tandem::reference {
namespace {

absl::Status CheckVector(absl::string_view op, absl::string_view name,
                         const Tensor& t) {
  if (t.dim() == 1) return absl::OkStatus();
  return Invalid(op, ": Expected 1-D argument ", name, ", but got ", t.dim(),
                 "-D");
}

absl::StatusOr<Tensor> Outer(const Tensor& self, const Tensor& vec2) {
  TANDEM_RETURN_IF_ERROR(CheckVector("outer", "self", self));
  TANDEM_RETURN_IF_ERROR(CheckVector("outer", "vec2", vec2));
  return Multiply(UnsqueezeView(self, 1), vec2);
}

// beta * self + alpha * outer(vec1, vec2); over bools: "and" and "or".
absl::StatusOr<Tensor> Addr(const Tensor& self, const Tensor& vec1,
                            const Tensor& vec2, const Scalar& beta,
                            const Scalar& alpha) {
  TANDEM_RETURN_IF_ERROR(CheckVector("addr", "vec1", vec1));
  TANDEM_RETURN_IF_ERROR(CheckVector("addr", "vec2", vec2));
  const Dims sizes{vec1.size(0), vec2.size(0)};
  TANDEM_ASSIGN_OR_RETURN(Tensor base, ExpandTo(self, sizes));
  TANDEM_ASSIGN_OR_RETURN(const DType dtype,
                          ResultType().Add(self).Add(vec1).Add(vec2).Get());
  for (const auto& [name, value] :
       {std::make_pair("beta", beta), std::make_pair("alpha", alpha)}) {
    if (IsIntegral(dtype, true) && !value.is_integral()) {
      return Invalid("For integral input tensors, argument ", name,
                     " must not be a floating point number.");
    }
    if (value.is_bool() && dtype != DType::kBool) {
      return Invalid("Boolean ", name, " only supported for Boolean results.");
    }
    if (value.is_complex() && !IsComplex(dtype)) {
      return Invalid("For non-complex input tensors, argument ", name,
                     " must not be a complex number.");
    }
  }
  TANDEM_ASSIGN_OR_RETURN(base, Contiguous(base, dtype));
  TANDEM_ASSIGN_OR_RETURN(const Tensor x, Contiguous(vec1, dtype));
  TANDEM_ASSIGN_OR_RETURN(const Tensor y, Contiguous(vec2, dtype));
  TANDEM_ASSIGN_OR_RETURN(const Tensor out, Tensor::Empty(sizes, dtype));
  TANDEM_RETURN_IF_ERROR(VisitAll(dtype, "addr", [&](auto tag) -> absl::Status {
    using T = typename decltype(tag)::type;
    const T *b = base.data<T>(), *p = x.data<T>(), *q = y.data<T>();
    T* o = out.data<T>();
    for (int64_t i = 0; i < sizes[0]; ++i) {
      for (int64_t j = 0; j < sizes[1]; ++j, ++b, ++o) {
        if constexpr (std::is_same_v<T, bool>) {
          *o = (beta.ToBool() && *b) || (alpha.ToBool() && p[i] && q[j]);
        } else if constexpr (std::is_integral_v<T>) {
          using U = uint64_t;
          const U product = static_cast<U>(alpha.ToInt()) *
                            static_cast<U>(p[i]) * static_cast<U>(q[j]);
          *o = static_cast<T>(
              static_cast<U>(beta.ToInt()) * static_cast<U>(*b) + product);
        } else if constexpr (std::is_same_v<T, ComplexHalf>) {
          using C = std::complex<float>;
          *o = beta.To<C>() * C(*b) + alpha.To<C>() * C(p[i]) * C(q[j]);
        } else {
          // 16-bit floats are rounded at every step.
          using C = Compute<T>;
          const T scaled = T(C(T(alpha.To<C>())) * C(p[i]));
          const T product = T(C(scaled) * C(q[j]));
          const T added = T(C(T(beta.To<C>())) * C(*b));
          *o = beta.Equals(0) ? product : T(C(added) + C(product));
        }
      }
    }
    return absl::OkStatus();
  }));
  return out;
}

absl::StatusOr<Tensor> AddrInPlace(const Tensor& self, const Tensor& vec1,
                                   const Tensor& vec2, const Scalar& beta,
                                   const Scalar& alpha) {
  if (self.dim() != 2) {
    return Invalid("2D tensor expected, got ", self.dim(),
                   "D tensor for input");
  }
  TANDEM_RETURN_IF_ERROR(CheckVector("addr", "vec1", vec1));
  TANDEM_RETURN_IF_ERROR(CheckVector("addr", "vec2", vec2));
  if (self.size(0) != vec1.size(0) || self.size(1) != vec2.size(0)) {
    return Invalid("size mismatch, input: ", DimsToString(self.sizes()),
                   ", v1: ", DimsToString(vec1.sizes()),
                   ", v2: ", DimsToString(vec2.sizes()));
  }
  TANDEM_ASSIGN_OR_RETURN(const Tensor result,
                          Addr(self, vec1, vec2, beta, alpha));
  return WriteOut(result, self);
}

absl::StatusOr<Tensor> Kron(const Tensor& self, const Tensor& other) {
  const int64_t rank = std::max(self.dim(), other.dim());
  Dims a, b, sizes;
  for (int64_t i = 0; i < rank; ++i) {
    const int64_t da = i - (rank - self.dim()), db = i - (rank - other.dim());
    const int64_t x = da < 0 ? 1 : self.size(da);
    const int64_t y = db < 0 ? 1 : other.size(db);
    a.insert(a.end(), {x, 1});
    b.insert(b.end(), {1, y});
    sizes.push_back(x * y);
  }
  TANDEM_ASSIGN_OR_RETURN(const Tensor x, ReshapeTo(self, a));
  TANDEM_ASSIGN_OR_RETURN(const Tensor y, ReshapeTo(other, b));
  TANDEM_ASSIGN_OR_RETURN(const Tensor product, Multiply(x, y));
  return ReshapeTo(product, sizes);
}

absl::StatusOr<Tensor> Inner(const Tensor& self, const Tensor& other) {
  if (self.dim() == 0 || other.dim() == 0) return Multiply(self, other);
  if (self.size(self.dim() - 1) != other.size(other.dim() - 1)) {
    return Invalid(
        "inner() the last dimension must match on both input tensors but got "
        "shapes ",
        DimsToString(self.sizes()), " and ", DimsToString(other.sizes()));
  }
  if (self.dtype() != other.dtype()) {
    return Invalid("both inputs should have same dtype");
  }
  return TensorDot(self, other, {-1}, {-1});
}

absl::StatusOr<Tensor> Vecdot(const Tensor& x, const Tensor& y, int64_t dim) {
  for (const Tensor& t : {x, y}) {
    if (!IsFloatingPoint(t.dtype()) && !IsComplex(t.dtype())) {
      return Invalid(
          "linalg.vecdot: Expected a floating point or complex tensor as "
          "input. Got ",
          TypeName(t.dtype()));
    }
  }
  if (x.dtype() != y.dtype()) {
    return Invalid(
        "linalg.vecdot: Expected x and y to have the same dtype, but found x "
        "of type ",
        TypeName(x.dtype()), " and y of type ", TypeName(y.dtype()),
        " instead");
  }
  Tensor a = x;
  if (IsComplex(x.dtype())) {
    a = x.Alias();
    a.impl()->conj = !a.impl()->conj;
    TANDEM_ASSIGN_OR_RETURN(a, ResolveLazyBits(a));
  }
  if (x.dim() == 1 && y.dim() == 1) return Dot(a, y);
  TANDEM_ASSIGN_OR_RETURN(const Tensor product, Multiply(a, y));
  TANDEM_ASSIGN_OR_RETURN(dim, WrapDim(dim, product.dim()));
  absl::InlinedVector<bool, 8> over(product.dim(), false);
  if (product.dim() == 0) return product;
  over[dim] = true;
  TANDEM_ASSIGN_OR_RETURN(const Tensor sum, SumKeepDims(product, over));
  Dims sizes(sum.sizes().begin(), sum.sizes().end());
  sizes.erase(sizes.begin() + dim);
  return ReshapeTo(sum, sizes);
}

// The inverse of an n*n row-major matrix by elimination with pivots; false and
// the number of the zero pivot (from 1) when singular.
template <typename T>
bool Invert(int64_t n, std::vector<T> a, T* out, int64_t* zero_pivot) {
  for (int64_t i = 0; i < n; ++i) {
    for (int64_t j = 0; j < n; ++j) out[i * n + j] = i == j ? T(1) : T(0);
  }
  for (int64_t c = 0; c < n; ++c) {
    int64_t best = c;
    for (int64_t r = c + 1; r < n; ++r) {
      if (std::abs(a[r * n + c]) > std::abs(a[best * n + c])) best = r;
    }
    if (a[best * n + c] == T(0)) {
      *zero_pivot = c + 1;
      return false;
    }
    if (best != c) {
      for (int64_t j = 0; j < n; ++j) {
        std::swap(a[c * n + j], a[best * n + j]);
        std::swap(out[c * n + j], out[best * n + j]);
      }
    }
    const T scale = T(1) / a[c * n + c];
    for (int64_t j = 0; j < n; ++j) {
      a[c * n + j] *= scale;
      out[c * n + j] *= scale;
    }
    for (int64_t r = 0; r < n; ++r) {
      const T factor = a[r * n + c];
      if (r == c || factor == T(0)) continue;
      for (int64_t j = 0; j < n; ++j) {
        a[r * n + j] -= factor * a[c * n + j];
        out[r * n + j] -= factor * out[c * n + j];
      }
    }
  }
  return true;
}

absl::StatusOr<Tensor> Inverse(const Tensor& self) {
  if (!IsFloatingPoint(self.dtype()) && !IsComplex(self.dtype())) {
    return absl::UnimplementedError(absl::StrCat(
        "linalg.inv: Expected a floating point or complex tensor as input. "
        "Got ",
        TypeName(self.dtype())));
  }
  if (self.dtype() == DType::kHalf || self.dtype() == DType::kBFloat16) {
    return Invalid("linalg.inv: Low precision dtypes not supported. Got ",
                   TypeName(self.dtype()));
  }
  TANDEM_ASSIGN_OR_RETURN(const Tensor a, Contiguous(self));
  TANDEM_ASSIGN_OR_RETURN(const Tensor out,
                          Tensor::Empty(a.sizes(), a.dtype()));
  TANDEM_ASSIGN_OR_RETURN(const Tensor by_columns,
                          Tensor::Empty(a.sizes(), a.dtype()));
  const int64_t n = a.size(a.dim() - 1);
  TANDEM_RETURN_IF_ERROR(VisitFloatingAndComplex(
      a.dtype(), "linalg_inv", [&](auto tag) -> absl::Status {
        using T = typename decltype(tag)::type;
        if constexpr (std::is_same_v<T, Half> || std::is_same_v<T, BFloat16>) {
          return NotImplementedFor("linalg_inv", a.dtype());
        } else {
          const int64_t count = n == 0 ? 0 : a.numel() / (n * n);
          for (int64_t i = 0; i < count; ++i) {
            const T* from = a.data<T>() + i * n * n;
            int64_t pivot = 0;
            if (!Invert<T>(n, std::vector<T>(from, from + n * n),
                           out.data<T>() + i * n * n, &pivot)) {
              return Invalid(
                  "linalg.inv: ",
                  a.dim() > 2 ? absl::StrCat("(Batch element ", i, "): ") : "",
                  "The diagonal element ", pivot,
                  " is zero, the inversion could not be completed because the "
                  "input matrix is singular.");
            }
          }
          return absl::OkStatus();
        }
      }));
  // Column by column, as LAPACK leaves it.
  const Tensor result = TransposeView(by_columns, a.dim() - 2, a.dim() - 1);
  TANDEM_RETURN_IF_ERROR(CopyElements(out, result));
  return result;
}

absl::StatusOr<Tensor> MatrixPower(const Tensor& self, int64_t n) {
  if (self.dim() < 2) {
    return Invalid(
        "linalg.matrix_power: The input tensor A must have at least 2 "
        "dimensions.");
  }
  const int64_t size = self.size(self.dim() - 1);
  if (self.size(self.dim() - 2) != size) {
    return Invalid(
        "linalg.matrix_power: A must be batches of square matrices, but they "
        "are ",
        self.size(self.dim() - 2), " by ", size, " matrices");
  }
  if (n == 0) {
    TANDEM_ASSIGN_OR_RETURN(const Tensor eye,
                            Tensor::Zeros(self.sizes(), self.dtype()));
    const int64_t d = eye.dim();
    Dims sizes(eye.sizes().begin(), eye.sizes().end() - 1);
    Dims strides(eye.strides().begin(), eye.strides().end() - 1);
    strides[d - 2] += eye.stride(d - 1);
    TANDEM_RETURN_IF_ERROR(
        FillElements(eye.ViewUnchecked(sizes, strides, 0), 1));
    return eye;
  }
  Tensor base = self;
  if (n < 0) {
    TANDEM_ASSIGN_OR_RETURN(base, Inverse(self));
  }
  uint64_t power = n < 0 ? uint64_t{0} - static_cast<uint64_t>(n) : n;
  if (power == 1) {
    return n < 0 ? base : CloneContiguous(base, base.dtype());
  }
  Tensor result;
  while (power != 0) {
    if (power & 1) {
      if (result.defined()) {
        TANDEM_ASSIGN_OR_RETURN(result, MatMul(result, base));
      } else {
        result = base;
      }
    }
    power >>= 1;
    if (power != 0) {
      TANDEM_ASSIGN_OR_RETURN(base, MatMul(base, base));
    }
  }
  if (result.is_same(self)) return CloneContiguous(self, self.dtype());
  return result;
}

// The product of matrices first..last in the order of least work, as split[][]
// says.
absl::StatusOr<Tensor> MultiplyChain(
    const std::vector<Tensor>& m, const std::vector<std::vector<size_t>>& split,
    size_t first, size_t last) {
  if (first == last) return m[first];
  const size_t middle = split[first][last];
  TANDEM_ASSIGN_OR_RETURN(const Tensor a,
                          MultiplyChain(m, split, first, middle));
  TANDEM_ASSIGN_OR_RETURN(const Tensor b,
                          MultiplyChain(m, split, middle + 1, last));
  return Mm(a, b);
}

absl::StatusOr<Tensor> MultiDot(absl::Span<const Tensor> tensors) {
  const size_t n = tensors.size();
  if (n < 2) {
    return Invalid("multi_dot(): expected at least 2 tensors but got ", n);
  }
  std::vector<Tensor> m(tensors.begin(), tensors.end());
  Dims sizes;
  for (size_t i : {size_t{0}, n - 1}) {
    if (m[i].dim() != 1 && m[i].dim() != 2) {
      return Invalid("multi_dot(): the ", i == 0 ? "first" : "last",
                     " tensor must be 1D or 2D but got ", m[i].dim(), "D");
    }
  }
  if (m[0].dim() == 1) {
    m[0] = UnsqueezeView(m[0], 0);
  } else {
    sizes.push_back(m[0].size(0));
  }
  if (m[n - 1].dim() == 1) {
    m[n - 1] = UnsqueezeView(m[n - 1], 1);
  } else {
    sizes.push_back(m[n - 1].size(1));
  }
  for (size_t i = 1; i + 1 < n; ++i) {
    if (m[i].dim() != 2) {
      return Invalid("multi_dot(): tensor ", i, " must be 2D but got ",
                     m[i].dim(), "D");
    }
  }
  for (size_t i = 1; i < n; ++i) {
    if (m[i].dtype() != m[0].dtype()) {
      return Invalid(
          "multi_dot(): all tensors must have be the same dtype but tensor 0 "
          "is ",
          CppTypeName(m[0].dtype()), " and tensor ", i, " ",
          CppTypeName(m[i].dtype()));
    }
  }
  for (size_t i = 0; i + 1 < n; ++i) {
    if (m[i].size(1) != m[i + 1].size(0)) {
      return Invalid("multi_dot(): tensors ", i, " and ", i + 1,
                     " with shapes ", DimsToString(tensors[i].sizes()), " and ",
                     DimsToString(tensors[i + 1].sizes()),
                     " cannot be multiplied");
    }
  }
  // Least work over the intervals; chains longer than that go left to right.
  std::vector<std::vector<size_t>> split(n, std::vector<size_t>(n, 0));
  std::vector<std::vector<double>> cost(n, std::vector<double>(n, 0));
  for (size_t length = 1; length < n; ++length) {
    for (size_t i = 0; i + length < n; ++i) {
      const size_t j = i + length;
      split[i][j] = j - 1;
      if (n > 128) continue;
      double best = -1;
      for (size_t k = i; k < j; ++k) {
        const double work =
            cost[i][k] + cost[k + 1][j] +
            static_cast<double>(m[i].size(0)) * m[k].size(1) * m[j].size(1);
        if (best < 0 || work < best) {
          best = work;
          split[i][j] = k;
        }
      }
      cost[i][j] = best;
    }
  }
  if (n > 128) {
    Tensor result = m[0];
    for (size_t i = 1; i < n; ++i) {
      TANDEM_ASSIGN_OR_RETURN(result, Mm(result, m[i]));
    }
    return ReshapeTo(result, sizes);
  }
  TANDEM_ASSIGN_OR_RETURN(const Tensor result,
                          MultiplyChain(m, split, 0, n - 1));
  return ReshapeTo(result, sizes);
}

absl::StatusOr<Tensor> ChainMatMul(absl::Span<const Tensor> matrices) {
  if (matrices.empty()) {
    return Invalid("chain_matmul(): Expected one or more matrices");
  }
  for (const Tensor& t : matrices) {
    if (t.dim() != 2) {
      return Invalid("Tensor dimension is ", t.dim(), ", expected 2 instead.");
    }
  }
  if (matrices.size() == 1) return matrices[0];
  return MultiDot(matrices);
}

// out[…, o] = sum_ij x1[…, i] weight[o, i, j] x2[…, j] + bias[o]
absl::StatusOr<Tensor> Bilinear(const Tensor& x1, const Tensor& x2,
                                const Tensor& weight, const Tensor& bias) {
  if (x1.dim() != x2.dim()) {
    return Invalid("bilinear(): input dimensions do not match: got ", x1.dim(),
                   " and ", x2.dim());
  }
  const int64_t last = x1.dim() - 1;
  if (last < 0) return WrapDim(-1, 0).status();
  Dims sizes;
  int64_t rows = 1;
  for (int64_t d = 0; d < last; ++d) {
    if (x1.size(d) != x2.size(d)) {
      return Invalid("bilinear(): input batch dimensions do not match at dim ",
                     d, ": got ", x1.size(d), " and ", x2.size(d));
    }
    sizes.push_back(x1.size(d));
    rows *= x1.size(d);
  }
  if (weight.dim() != 3) {
    return Invalid("bilinear(): weight must be 3D, got ", weight.dim(), "D");
  }
  if (x1.size(last) != weight.size(1)) {
    return Invalid("bilinear(): input1 size does not match weight size: got ",
                   x1.size(last), " but expected ", weight.size(1));
  }
  if (x2.size(last) != weight.size(2)) {
    return Invalid("bilinear(): input2 size does not match weight size: got ",
                   x2.size(last), " but expected ", weight.size(2));
  }
  const int64_t outputs = weight.size(0);
  if (bias.defined() && (bias.dim() == 0 || bias.size(0) != outputs)) {
    return Invalid("bilinear(): bias size does not match weight size: got ",
                   bias.dim() == 0 ? 1 : bias.size(0), " but expected ",
                   outputs);
  }
  sizes.push_back(outputs);
  const int64_t n1 = weight.size(1), n2 = weight.size(2);
  if (n1 == 0 || n2 == 0) {
    return Invalid(
        "cannot reshape tensor of 0 elements into shape [-1, 0] because the "
        "unspecified dimension size -1 can be any value and is ambiguous");
  }
  TANDEM_ASSIGN_OR_RETURN(const Tensor a, ReshapeTo(x1, {rows, n1}));
  TANDEM_ASSIGN_OR_RETURN(const Tensor b, ReshapeTo(x2, {rows, n2}));
  // [rows, outputs * n2] = a @ weight[n1, outputs, n2], then against b.
  TANDEM_ASSIGN_OR_RETURN(
      const Tensor w,
      ReshapeTo(PermuteView(weight, {1, 0, 2}), {n1, outputs * n2}));
  TANDEM_ASSIGN_OR_RETURN(const Tensor half, Mm(a, w));
  const Tensor left =
      half.ViewUnchecked({rows, outputs, n2}, {outputs * n2, n2, 1}, 0);
  TANDEM_ASSIGN_OR_RETURN(Tensor out, Bmm(left, UnsqueezeView(b, 2)));
  out = out.ViewUnchecked(sizes, ContiguousStrides(sizes), 0);
  if (bias.defined()) {
    TANDEM_ASSIGN_OR_RETURN(const Tensor ones,
                            Tensor::Empty({rows, 1}, out.dtype()));
    TANDEM_RETURN_IF_ERROR(FillElements(ones, 1));
    TANDEM_ASSIGN_OR_RETURN(const Tensor row, ReshapeTo(bias, {1, outputs}));
    TANDEM_ASSIGN_OR_RETURN(const Tensor same, ToDType(row, out.dtype()));
    TANDEM_RETURN_IF_ERROR(GemmTensors(
        1, ones, same, 1, out.ViewUnchecked({rows, outputs}, {outputs, 1}, 0)));
  }
  return out;
}

// As aten::_trilinear: the product of three expanded tensors, summed.
absl::StatusOr<Tensor> Trilinear(const Tensor& i1, const Tensor& i2,
                                 const Tensor& i3,
                                 absl::Span<const int64_t> expand1,
                                 absl::Span<const int64_t> expand2,
                                 absl::Span<const int64_t> expand3,
                                 absl::Span<const int64_t> sum_dims,
                                 int64_t unroll_dim) {
  const int64_t rank = i1.dim() + static_cast<int64_t>(expand1.size());
  if (unroll_dim < 0 || unroll_dim >= rank) {
    return Invalid("unroll_dim must be in [0,", rank - 1, "]");
  }
  auto grow = [&](const Tensor& t,
                  absl::Span<const int64_t> dims) -> absl::StatusOr<Tensor> {
    absl::InlinedVector<bool, 8> marked(rank, false);
    for (int64_t d : dims) {
      TANDEM_ASSIGN_OR_RETURN(const int64_t at, WrapDim(d, rank));
      if (marked[at]) {
        return Invalid("dim ", at,
                       " appears multiple times in the list of dims");
      }
      marked[at] = true;
    }
    Tensor r = t;
    for (int64_t d = 0; d < rank; ++d) {
      if (!marked[d]) continue;
      if (d > r.dim()) return Invalid("_trilinear: dims do not fit");
      r = UnsqueezeView(r, d);
    }
    if (r.dim() != rank) return Invalid("_trilinear: dims do not fit");
    return r;
  };
  TANDEM_ASSIGN_OR_RETURN(const Tensor a, grow(i1, expand1));
  TANDEM_ASSIGN_OR_RETURN(const Tensor b, grow(i2, expand2));
  TANDEM_ASSIGN_OR_RETURN(const Tensor c, grow(i3, expand3));
  TANDEM_ASSIGN_OR_RETURN(Tensor product, Multiply(a, b));
  TANDEM_ASSIGN_OR_RETURN(product, Multiply(product, c));
  absl::InlinedVector<bool, 8> over(rank, false);
  for (int64_t d : sum_dims) {
    TANDEM_ASSIGN_OR_RETURN(const int64_t at, WrapDim(d, rank));
    over[at] = true;
  }
  TANDEM_ASSIGN_OR_RETURN(const Tensor sum, SumKeepDims(product, over));
  Dims sizes;
  for (int64_t d = 0; d < rank; ++d) {
    if (!over[d]) sizes.push_back(sum.size(d));
  }
  return ReshapeTo(sum, sizes);
}

// addmm followed by relu, or by gelu.
absl::StatusOr<Tensor> AddmmActivation(const Tensor& self, const Tensor& mat1,
                                       const Tensor& mat2, const Scalar& beta,
                                       const Scalar& alpha, bool use_gelu) {
  TANDEM_ASSIGN_OR_RETURN(const Tensor out,
                          Addmm(self, mat1, mat2, beta, alpha));
  TANDEM_RETURN_IF_ERROR(VisitReal(
      out.dtype(), "_addmm_activation", [&](auto tag) -> absl::Status {
        using T = typename decltype(tag)::type;
        T* p = out.data<T>();
        for (int64_t i = 0, n = out.numel(); i < n; ++i) {
          if constexpr (std::is_integral_v<T>) {
            if (p[i] < 0) p[i] = 0;
          } else {
            const Compute<T> x = p[i];
            if (use_gelu) {
              p[i] = T(static_cast<Compute<T>>(
                  0.5 * x * (1 + std::erf(x * 0.70710678118654752440))));
            } else if (x < 0) {
              p[i] = T(Compute<T>(0));
            }
          }
        }
        return absl::OkStatus();
      }));
  return out;
}

}  // namespace

void RegisterProducts(KernelRegistrar& r) {
  r.Add("aten::outer", &Outer)
      .Add("aten::outer.out", &Variants<Outer>::Out)
      .Add("aten::ger", &Outer)
      .Add("aten::ger.out", &Variants<Outer>::Out)
      .Add("aten::addr", &Addr)
      .Add("aten::addr.out", &Variants<Addr>::Out)
      .Add("aten::addr_", &AddrInPlace)
      .Add("aten::kron", &Kron)
      .Add("aten::kron.out", &Variants<Kron>::Out)
      .Add("aten::inner", &Inner)
      .Add("aten::inner.out", &Variants<Inner>::Out)
      .Add("aten::linalg_vecdot", &Vecdot)
      .Add("aten::linalg_vecdot.out", &Variants<Vecdot>::Out)
      .Add("aten::matrix_power", &MatrixPower)
      .Add("aten::matrix_power.out", &Variants<MatrixPower>::Out)
      .Add("aten::linalg_matrix_power", &MatrixPower)
      .Add("aten::linalg_matrix_power.out", &Variants<MatrixPower>::Out)
      .Add("aten::linalg_multi_dot", &MultiDot)
      .Add("aten::linalg_multi_dot.out", &Variants<MultiDot>::Out)
      .Add("aten::chain_matmul", &ChainMatMul)
      .Add("aten::chain_matmul.out", &Variants<ChainMatMul>::Out)
      .Add("aten::bilinear", &Bilinear)
      .Add("aten::_trilinear", &Trilinear)
      .Add("aten::_trilinear.out", &Variants<Trilinear>::Out)
      .Add("aten::_addmm_activation", &AddmmActivation)
      .Add("aten::_addmm_activation.out", &Variants<AddmmActivation>::Out);
}

}  // namespace tandem::reference
