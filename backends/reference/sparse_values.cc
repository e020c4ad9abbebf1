// Arithmetic of sparse tensors: the dense kernels on their values.
#include <algorithm>
#include <cstring>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "tandem/backends/reference/borrowed.h"
#include "tandem/backends/reference/sparse.h"
#include "tandem/tensor/copy.h"
#include "tandem/tensor/status_macros.h"

namespace tandem::reference {
namespace {

absl::Status Invalid(std::string text) {
  return absl::InvalidArgumentError(std::move(text));
}

bool IsSparse(const IValue& v) {
  return v.is_tensor() && v.AsTensor().defined() && v.AsTensor().is_sparse();
}

// The results' tensor in place of the values of `like`.
absl::StatusOr<Tensor> WithValues(const Tensor& like, const IValue& values) {
  if (!values.is_tensor()) return Invalid("values are no tensor");
  SparseParts parts = *like.impl()->sparse;
  parts.values = values.AsTensor();
  if (parts.values.dim() < 1 ||
      parts.values.size(0) != like.impl()->sparse->values.size(0)) {
    return Invalid("values of a sparse tensor do not fit its indices");
  }
  return MakeSparse(like.sizes(), like.impl()->layout, std::move(parts));
}

// `result`, or `self` become it where the operator writes its first argument.
IValue Written(const KernelCall& call, const Tensor& result, bool in_place) {
  if (!in_place) return IValue(result);
  const Tensor self = call.in(0).AsTensor();
  self.impl()->sparse = result.impl()->sparse;
  return IValue(self);
}

// f of each value, which keeps 0; all entries stay as they are.
template <bool kInPlace>
absl::Status OnValues(const DenseKernel& dense, const KernelCall& call) {
  if (!IsSparse(call.in(0))) return Declined();
  const Tensor self = call.in(0).AsTensor();
  std::vector<IValue> arguments = ArgumentsOf(call);
  arguments[0] = IValue(self.impl()->sparse->values);
  for (size_t i = 1; i < arguments.size(); ++i) {
    if (IsSparse(arguments[i])) {
      return absl::UnimplementedError(
          "an operator of a sparse tensor with another sparse tensor");
    }
  }
  TANDEM_ASSIGN_OR_RETURN(const std::vector<IValue> results,
                          dense(arguments, 1));
  TANDEM_ASSIGN_OR_RETURN(const Tensor result, WithValues(self, results[0]));
  call.out(0) = Written(call, result, kInPlace);
  return absl::OkStatus();
}

// f of each element: entries of equal indices are added before.
template <bool kInPlace>
absl::Status OnCoalesced(const DenseKernel& dense, const KernelCall& call) {
  if (!IsSparse(call.in(0))) return Declined();
  const Tensor self = call.in(0).AsTensor();
  Tensor whole = self;
  if (self.impl()->layout == Layout::kSparse) {
    TANDEM_ASSIGN_OR_RETURN(whole, Coalesced(self));
  }
  std::vector<IValue> arguments = ArgumentsOf(call);
  arguments[0] = IValue(whole.impl()->sparse->values);
  TANDEM_ASSIGN_OR_RETURN(const std::vector<IValue> results,
                          dense(arguments, 1));
  TANDEM_ASSIGN_OR_RETURN(const Tensor result, WithValues(whole, results[0]));
  call.out(0) = Written(call, result, kInPlace);
  return absl::OkStatus();
}

// ---- two sparse tensors

// Rows of `values`, zeros for those of -1.
absl::StatusOr<Tensor> Rows(const Tensor& values,
                            absl::Span<const int64_t> rows) {
  TANDEM_ASSIGN_OR_RETURN(const Tensor from, Contiguous(values));
  Dims sizes(values.sizes().begin(), values.sizes().end());
  sizes[0] = static_cast<int64_t>(rows.size());
  TANDEM_ASSIGN_OR_RETURN(const Tensor to,
                          Tensor::Zeros(sizes, values.dtype()));
  int64_t bytes = static_cast<int64_t>(values.element_size());
  for (int64_t d = 1; d < values.dim(); ++d) bytes *= values.size(d);
  for (size_t k = 0; k < rows.size() && bytes > 0; ++k) {
    if (rows[k] < 0) continue;
    std::memcpy(to.raw_data() + static_cast<int64_t>(k) * bytes,
                from.raw_data() + rows[k] * bytes, bytes);
  }
  return to;
}

// Entries of both in order, as PyTorch walks them: where neither comes first,
// one entry of both.
struct Merged {
  std::vector<int64_t> a, b;  // places in each, -1 where it has none
};

Merged Merge(const Tensor& a, const Tensor& b, bool only_common) {
  const int64_t dims = a.size(0), na = a.size(1), nb = b.size(1);
  const auto* x = a.data<int64_t>();
  const auto* y = b.data<int64_t>();
  Merged m;
  int64_t i = 0, j = 0;
  while (i < na || j < nb) {
    int order = 0;  // below 0: a's entry comes first
    if (i >= na) order = 1;
    if (j >= nb) order = -1;
    for (int64_t d = 0; d < dims && order == 0 && i < na && j < nb; ++d) {
      const int64_t u = x[d * na + i], v = y[d * nb + j];
      order = u < v ? -1 : (u > v ? 1 : 0);
    }
    if (order == 0 || !only_common) {
      m.a.push_back(order <= 0 ? i : -1);
      m.b.push_back(order >= 0 ? j : -1);
    }
    if (order <= 0) ++i;
    if (order >= 0) ++j;
  }
  return m;
}

// Their indices, a part of a matrix of `columns`.
absl::StatusOr<Tensor> IndexColumns(const Tensor& a, const Tensor& b,
                                    const Merged& m, int64_t columns) {
  const auto count = static_cast<int64_t>(m.a.size());
  TANDEM_ASSIGN_OR_RETURN(const Tensor out,
                          Tensor::Empty({a.size(0), columns}, DType::kInt64));
  for (int64_t d = 0; d < a.size(0); ++d) {
    for (int64_t k = 0; k < count; ++k) {
      out.data<int64_t>()[d * columns + k] =
          m.a[k] >= 0 ? a.data<int64_t>()[d * a.size(1) + m.a[k]]
                      : b.data<int64_t>()[d * b.size(1) + m.b[k]];
    }
  }
  return out.ViewUnchecked({a.size(0), count}, {columns, 1}, 0);
}

absl::Status CheckSameSparse(const Tensor& a, const Tensor& b,
                             absl::string_view op) {
  if (a.sizes() != b.sizes()) {
    return Invalid(absl::StrCat(
        op, ": expected sizes of 'self' and 'other' to match, but ",
        DimsToString(a.sizes()), " != ", DimsToString(b.sizes())));
  }
  if (a.impl()->sparse->indices.size(0) != b.impl()->sparse->indices.size(0)) {
    return Invalid(absl::StrCat(
        op,
        ": expected 'self' and 'other' to have same number of sparse "
        "dimensions"));
  }
  return absl::OkStatus();
}

absl::StatusOr<Tensor> OfBoth(const DenseKernel& dense, const KernelCall& call,
                              const Tensor& a, const Tensor& b,
                              const Merged& merged, bool coalesced,
                              int64_t columns) {
  const SparseParts& p = *a.impl()->sparse;
  const SparseParts& q = *b.impl()->sparse;
  TANDEM_ASSIGN_OR_RETURN(const Tensor i, Contiguous(p.indices));
  TANDEM_ASSIGN_OR_RETURN(const Tensor j, Contiguous(q.indices));
  TANDEM_ASSIGN_OR_RETURN(const Tensor x, Rows(p.values, merged.a));
  TANDEM_ASSIGN_OR_RETURN(const Tensor y, Rows(q.values, merged.b));
  std::vector<IValue> arguments = ArgumentsOf(call);
  arguments[0] = IValue(x);
  arguments[1] = IValue(y);
  TANDEM_ASSIGN_OR_RETURN(const std::vector<IValue> results,
                          dense(arguments, 1));
  TANDEM_ASSIGN_OR_RETURN(const Tensor indices,
                          IndexColumns(i, j, merged, columns));
  return MakeCoo(a.sizes(), indices, results[0].AsTensor(), coalesced);
}

// add and sub. A dense tensor and a sparse one give a dense one.
template <bool kInPlace>
absl::Status Add(const DenseKernel& dense, const KernelCall& call) {
  const bool first = IsSparse(call.in(0)), second = IsSparse(call.in(1));
  if (!first && !second) return Declined();
  const Tensor a = call.in(0).AsTensor();
  const Tensor b = call.in(1).AsTensor();
  if (first && !second) {
    return Invalid(
        "add(sparse, dense) is not supported. Use add(dense, sparse) instead.");
  }
  if (!first) {
    if (a.sizes() != b.sizes()) {
      return Invalid(absl::StrCat(
          "add: expected 'self' and 'other' to have same size, but self has "
          "size ",
          DimsToString(a.sizes()), " while other has size ",
          DimsToString(b.sizes()),
          " (FYI: dense-sparse addition does not currently support "
          "broadcasting)"));
    }
    std::vector<IValue> arguments = ArgumentsOf(call);
    TANDEM_ASSIGN_OR_RETURN(const Tensor other, Densified(b));
    arguments[1] = IValue(other);
    TANDEM_ASSIGN_OR_RETURN(const std::vector<IValue> results,
                            dense(arguments, 1));
    call.out(0) = results[0];
    return absl::OkStatus();
  }
  Tensor x = a, y = b;
  const bool csr = a.impl()->layout == Layout::kSparseCsr;
  if (a.impl()->layout != b.impl()->layout || csr) {
    return absl::UnimplementedError(
        "add of compressed sparse tensors is not supported");
  }
  TANDEM_RETURN_IF_ERROR(PartsOf(x, Layout::kSparse, "add").status());
  TANDEM_RETURN_IF_ERROR(PartsOf(y, Layout::kSparse, "add").status());
  TANDEM_RETURN_IF_ERROR(CheckSameSparse(x, y, "add"));
  TANDEM_ASSIGN_OR_RETURN(const Tensor i,
                          Contiguous(x.impl()->sparse->indices));
  TANDEM_ASSIGN_OR_RETURN(const Tensor j,
                          Contiguous(y.impl()->sparse->indices));
  TANDEM_ASSIGN_OR_RETURN(
      const Tensor sum,
      OfBoth(dense, call, x, y, Merge(i, j, false),
             x.impl()->sparse->coalesced && y.impl()->sparse->coalesced,
             i.size(1) + j.size(1)));
  // After the dense kernel's own refusals.
  if (x.dtype() == DType::kBool && y.dtype() == DType::kBool) {
    return absl::UnimplementedError(
        "\"cadd_sparse\" not implemented for 'Bool'");
  }
  call.out(0) = Written(call, sum, kInPlace);
  return absl::OkStatus();
}

// The elements of `t` at the indices of a sparse tensor that it broadcasts to.
absl::StatusOr<Tensor> At(const Tensor& t, const Tensor& sparse) {
  const SparseParts& p = *sparse.impl()->sparse;
  Dims strides(sparse.dim(), 0);
  const int64_t lead = sparse.dim() - t.dim();
  for (int64_t d = 0; d < sparse.dim(); ++d) {
    if (d < lead) continue;
    if (t.size(d - lead) != sparse.size(d) && t.size(d - lead) != 1) {
      return Invalid("a dense tensor does not broadcast to the sparse one");
    }
    strides[d] = t.size(d - lead) == 1 ? 0 : t.stride(d - lead);
  }
  if (lead < 0) {
    return Invalid("a dense tensor does not broadcast to the sparse one");
  }
  const int64_t sparse_dim = p.indices.size(0), nnz = p.indices.size(1);
  TANDEM_ASSIGN_OR_RETURN(const Tensor indices, Contiguous(p.indices));
  TANDEM_ASSIGN_OR_RETURN(const Tensor out,
                          Tensor::Empty(p.values.sizes(), t.dtype()));
  const Dims inner(sparse.sizes().begin() + sparse_dim, sparse.sizes().end());
  const Dims inner_strides(strides.begin() + sparse_dim, strides.end());
  const Dims out_strides = ContiguousStrides(inner);
  int64_t count = 1;
  for (int64_t s : inner) count *= s;
  for (int64_t k = 0; k < nnz; ++k) {
    int64_t at = t.offset();
    for (int64_t d = 0; d < sparse_dim; ++d) {
      const int64_t i = indices.data<int64_t>()[d * nnz + k];
      if (i < 0 || i >= sparse.size(d)) {
        return Invalid("indices of a sparse tensor are out of range");
      }
      at += i * strides[d];
    }
    TANDEM_RETURN_IF_ERROR(
        CopyElements(t.ViewUnchecked(inner, inner_strides, at),
                     out.ViewUnchecked(inner, out_strides, k * count)));
  }
  return out;
}

absl::Status Multiply(const DenseKernel& dense, const KernelCall& call) {
  const bool first = IsSparse(call.in(0)), second = IsSparse(call.in(1));
  if (!first && !second) return Declined();
  std::vector<IValue> arguments = ArgumentsOf(call);
  Tensor a = call.in(0).AsTensor(), b = call.in(1).AsTensor();
  if (first && second) {
    TANDEM_RETURN_IF_ERROR(PartsOf(a, Layout::kSparse, "mul").status());
    TANDEM_RETURN_IF_ERROR(PartsOf(b, Layout::kSparse, "mul").status());
    TANDEM_RETURN_IF_ERROR(CheckSameSparse(a, b, "mul"));
    const bool both =
        a.impl()->sparse->coalesced && b.impl()->sparse->coalesced;
    // The entries of the one that is not coalesced stay; the other's must be
    // found once each.
    const bool swap = a.impl()->sparse->coalesced && !both;
    const Tensor probe = swap ? b : a;
    TANDEM_ASSIGN_OR_RETURN(const Tensor source, Coalesced(swap ? a : b));
    TANDEM_ASSIGN_OR_RETURN(const Tensor whole, Densified(source));
    // Where the source has entries.
    TANDEM_ASSIGN_OR_RETURN(const Tensor i,
                            Contiguous(probe.impl()->sparse->indices));
    TANDEM_ASSIGN_OR_RETURN(const Tensor j,
                            Contiguous(source.impl()->sparse->indices));
    Merged m;
    const int64_t ni = i.size(1), nj = j.size(1);
    const auto before = [&](const Tensor& t, int64_t n, int64_t x,
                            const Tensor& u, int64_t l, int64_t y) {
      for (int64_t d = 0; d < t.size(0); ++d) {
        const int64_t p = t.data<int64_t>()[d * n + x];
        const int64_t q = u.data<int64_t>()[d * l + y];
        if (p != q) return p < q;
      }
      return false;
    };
    for (int64_t k = 0; k < ni; ++k) {
      int64_t low = 0, high = nj;
      while (low < high) {
        const int64_t middle = low + (high - low) / 2;
        if (before(j, nj, middle, i, ni, k)) {
          low = middle + 1;
        } else {
          high = middle;
        }
      }
      if (low == nj || before(i, ni, k, j, nj, low)) continue;
      m.a.push_back(k);
      m.b.push_back(low);
    }
    TANDEM_ASSIGN_OR_RETURN(const Tensor product,
                            OfBoth(dense, call, probe, source, m, both,
                                   static_cast<int64_t>(m.a.size())));
    call.out(0) = IValue(product);
    return absl::OkStatus();
  }
  const Tensor sparse = first ? a : b;
  const Tensor other = first ? b : a;
  if (sparse.impl()->layout != Layout::kSparse && other.dim() > 0) {
    return absl::UnimplementedError(
        "mul of compressed sparse tensors is not supported");
  }
  arguments[first ? 0 : 1] = IValue(sparse.impl()->sparse->values);
  if (other.dim() > 0) {
    TANDEM_RETURN_IF_ERROR(PartsOf(sparse, Layout::kSparse, "mul").status());
    TANDEM_ASSIGN_OR_RETURN(const Tensor at, At(other, sparse));
    arguments[first ? 1 : 0] = IValue(at);
  }
  TANDEM_ASSIGN_OR_RETURN(const std::vector<IValue> results,
                          dense(arguments, 1));
  TANDEM_ASSIGN_OR_RETURN(const Tensor result, WithValues(sparse, results[0]));
  call.out(0) = IValue(result);
  return absl::OkStatus();
}

absl::Status Divide(const DenseKernel& dense, const KernelCall& call) {
  if (!IsSparse(call.in(0))) return Declined();
  const Tensor other = call.in(1).AsTensor();
  if (other.is_sparse() || other.dim() > 0) {
    return Invalid(absl::StrCat(
        "Sparse division requires a scalar or zero-dim dense tensor divisor "
        "(got shape ",
        DimsToString(other.sizes()), " for divisor)"));
  }
  return OnValues<false>(dense, call);
}

absl::Status SparseMask(const DenseKernel&, const KernelCall& call) {
  const Tensor self = call.in(0).AsTensor(), mask = call.in(1).AsTensor();
  TANDEM_RETURN_IF_ERROR(
      PartsOf(mask, Layout::kSparse, "sparse_mask").status());
  if (self.sizes() != mask.sizes()) {
    return Invalid(absl::StrCat(
        "sparse_mask(): operands have incompatible sizes; self has size ",
        DimsToString(self.sizes()), " but mask has size ",
        DimsToString(mask.sizes())));
  }
  TANDEM_ASSIGN_OR_RETURN(const Tensor whole, Densified(self));
  TANDEM_ASSIGN_OR_RETURN(const Tensor values, At(whole, mask));
  const SparseParts& p = *mask.impl()->sparse;
  TANDEM_ASSIGN_OR_RETURN(const Tensor result, MakeCoo(mask.sizes(), p.indices,
                                                       values, p.coalesced));
  call.out(0) = IValue(result);
  return absl::OkStatus();
}

// ---- sums

// The sum of all values, by the kernel of aten::sum(self, dtype).
template <bool kCoalesce>
absl::Status SumAll(const DenseKernel& dense, const KernelCall& call) {
  if (!IsSparse(call.in(0))) return Declined();
  Tensor self = call.in(0).AsTensor();
  if (kCoalesce && self.impl()->layout == Layout::kSparse) {
    TANDEM_ASSIGN_OR_RETURN(self, Coalesced(self));
  }
  TANDEM_ASSIGN_OR_RETURN(const std::vector<IValue> results,
                          dense({IValue(self.impl()->sparse->values),
                                 call.num_inputs > 1 ? call.in(1) : IValue()},
                                1));
  call.out(0) = results[0];
  return absl::OkStatus();
}

// By the kernel of aten::sum.dim_IntList(self, dim, keepdim, dtype).
absl::StatusOr<Tensor> SumOver(const DenseKernel& dense, const Tensor& self,
                               const IValue& dims, bool keepdim,
                               const IValue& dtype) {
  TANDEM_ASSIGN_OR_RETURN(const SparseParts* p,
                          PartsOf(self, Layout::kSparse, "sum"));
  const int64_t sparse_dim = p->indices.size(0), nnz = p->indices.size(1);
  std::vector<bool> over(self.dim(), false);
  size_t listed = 0;
  if (!dims.is_none()) {
    for (const IValue& d : dims.AsList().values) {
      TANDEM_ASSIGN_OR_RETURN(const int64_t w, WrapDim(d.AsInt(), self.dim()));
      if (self.dim() > 0) over[w] = true;
      ++listed;
    }
  }
  if (listed == 0) over.assign(over.size(), true);
  std::vector<int64_t> value_dims;
  Dims sizes;
  std::vector<int64_t> kept;  // sparse dims
  for (int64_t d = 0; d < self.dim(); ++d) {
    if (d < sparse_dim && !over[d]) kept.push_back(d);
    if (d >= sparse_dim && over[d]) value_dims.push_back(d - sparse_dim + 1);
    if (!over[d]) {
      sizes.push_back(self.size(d));
    } else if (keepdim) {
      sizes.push_back(1);
    }
  }
  if (kept.empty()) value_dims.insert(value_dims.begin(), 0);
  Tensor values = p->values;
  if (!value_dims.empty()) {
    TANDEM_ASSIGN_OR_RETURN(
        const std::vector<IValue> results,
        dense({IValue(values), IValue(MakeIntList(value_dims)),
               IValue(keepdim && !kept.empty()), dtype},
              1));
    values = results[0].AsTensor();
  } else if (!dtype.is_none()) {
    TANDEM_ASSIGN_OR_RETURN(const DType wanted, [&]() -> absl::StatusOr<DType> {
      const auto d = DTypeFromInt(dtype.AsInt());
      if (!d.has_value()) return Invalid("no such dtype");
      return *d;
    }());
    TANDEM_ASSIGN_OR_RETURN(values, ToDType(values, wanted));
  } else if (IsIntegral(values.dtype(), true)) {
    TANDEM_ASSIGN_OR_RETURN(values, ToDType(values, DType::kInt64));
  }
  if (kept.empty()) {
    return values.ViewUnchecked(sizes, ContiguousStrides(sizes),
                                values.offset());
  }
  TANDEM_ASSIGN_OR_RETURN(const Tensor from, Contiguous(p->indices));
  const int64_t rows = keepdim ? sparse_dim : static_cast<int64_t>(kept.size());
  TANDEM_ASSIGN_OR_RETURN(const Tensor indices,
                          Tensor::Zeros({rows, nnz}, DType::kInt64));
  for (size_t k = 0; k < kept.size(); ++k) {
    const int64_t row = keepdim ? kept[k] : static_cast<int64_t>(k);
    std::copy_n(from.data<int64_t>() + kept[k] * nnz, nnz,
                indices.data<int64_t>() + row * nnz);
  }
  const bool all = static_cast<int64_t>(kept.size()) == sparse_dim;
  TANDEM_ASSIGN_OR_RETURN(const Tensor sum,
                          MakeCoo(sizes, indices, values, p->coalesced && all));
  return Coalesced(sum);
}

absl::Status SumDims(const DenseKernel& dense, const KernelCall& call) {
  if (!IsSparse(call.in(0))) return Declined();
  TANDEM_ASSIGN_OR_RETURN(const Tensor sum,
                          SumOver(dense, call.in(0).AsTensor(), call.in(1),
                                  call.in(2).AsBool(), call.in(3)));
  call.out(0) = IValue(sum);
  return absl::OkStatus();
}

// torch.sparse.sum(self, dim, dtype): of the input's dtype.
absl::Status SparseSumDims(const DenseKernel& dense, const KernelCall& call) {
  if (!IsSparse(call.in(0))) return Declined();
  const Tensor self = call.in(0).AsTensor();
  const IValue dtype = call.num_inputs > 2
                           ? call.in(2)
                           : IValue(static_cast<int64_t>(self.dtype()));
  TANDEM_ASSIGN_OR_RETURN(const Tensor sum,
                          SumOver(dense, self, call.in(1), false, dtype));
  call.out(0) = IValue(sum);
  return absl::OkStatus();
}

// ---- products

absl::Status SparseMm(const DenseKernel& dense, const KernelCall& call) {
  std::vector<IValue> arguments = ArgumentsOf(call);
  TANDEM_ASSIGN_OR_RETURN(const std::vector<IValue> results,
                          dense(arguments, 1));
  if (!IsSparse(call.in(0)) || !IsSparse(call.in(1))) {
    call.out(0) = results[0];
    return absl::OkStatus();
  }
  TANDEM_ASSIGN_OR_RETURN(const Tensor product,
                          DenseToCoo(results[0].AsTensor(), 2));
  call.out(0) = IValue(product);
  return absl::OkStatus();
}

absl::Status SparseAddmm(const DenseKernel& dense, const KernelCall& call) {
  TANDEM_ASSIGN_OR_RETURN(const std::vector<IValue> results,
                          dense(ArgumentsOf(call), 1));
  call.out(0) = results[0];
  return absl::OkStatus();
}

}  // namespace

absl::Status AddSparseValues(Registry& registry) {
  const KernelOptions sparse = {.handles_sparse = true};
  BorrowingRegistrar s(registry, kSparseKernels, sparse);
  for (const char* name :
       {"aten::neg", "aten::negative", "aten::mul.Scalar", "aten::div.Scalar",
        "aten::clone", "aten::detach", "aten::alias", "aten::positive",
        "aten::to.dtype", "aten::to.device", "aten::to.prim_dtype",
        "aten::to.prim_Device", "aten::to.prim_other"}) {
    s.Add(name, &OnValues<false>);
  }
  for (const char* name :
       {"aten::neg_", "aten::mul_.Scalar", "aten::div_.Scalar"}) {
    s.Add(name, &OnValues<true>);
  }
  for (const char* name :
       {"abs",  "asin",   "asinh", "atan",      "atanh", "ceil",  "deg2rad",
        "erf",  "erfinv", "expm1", "floor",     "frac",  "log1p", "rad2deg",
        "relu", "round",  "sgn",   "sign",      "sin",   "sinh",  "sqrt",
        "tan",  "tanh",   "trunc", "nan_to_num"}) {
    s.Add(absl::StrCat("aten::", name), &OnCoalesced<false>);
    s.Add(absl::StrCat("aten::", name, "_"), &OnCoalesced<true>);
  }
  for (const char* name :
       {"aten::signbit", "aten::isnan", "aten::isinf", "aten::isposinf",
        "aten::isneginf", "aten::pow.Tensor_Scalar"}) {
    s.Add(name, &OnCoalesced<false>);
  }
  s.Add("aten::add.Tensor", &Add<false>)
      .Add("aten::add_.Tensor", &Add<true>)
      .Add("aten::sub.Tensor", &Add<false>)
      .Add("aten::sub_.Tensor", &Add<true>)
      .Add("aten::mul.Tensor", &Multiply)
      .Add("aten::div.Tensor", &Divide)
      .Add("aten::sum", &SumAll<false>)
      .Add("aten::sum.dim_IntList", &SumDims);
  TANDEM_RETURN_IF_ERROR(s.status());
  BorrowingRegistrar r(registry, "reference", sparse);
  r.Add("aten::_sparse_sum", &SumAll<true>, "aten::sum")
      .Add("aten::_sparse_sum.dtype", &SumAll<true>, "aten::sum")
      .Add("aten::_sparse_sum.dim", &SparseSumDims, "aten::sum.dim_IntList")
      .Add("aten::_sparse_sum.dim_dtype", &SparseSumDims,
           "aten::sum.dim_IntList")
      .Add("aten::sparse_mask", &SparseMask)
      .Add("aten::_sparse_mm", &SparseMm, "aten::mm")
      .Add("aten::_sparse_addmm", &SparseAddmm, "aten::addmm");
  return r.status();
}

}  // namespace tandem::reference
