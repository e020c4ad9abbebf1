// Sparse tensors from parts and from dense tensors, coalesced, transposed.
#include <algorithm>
#include <complex>
#include <cstring>
#include <numeric>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "tandem/backends/reference/borrowed.h"
#include "tandem/backends/reference/sparse.h"
#include "tandem/tensor/context.h"
#include "tandem/tensor/copy.h"
#include "tandem/tensor/status_macros.h"
#include "tandem/tensor/visit.h"

namespace tandem::reference {
namespace {

using Result = absl::StatusOr<Tensor>;
using Ints = absl::Span<const int64_t>;

absl::Status Invalid(std::string text) {
  return absl::InvalidArgumentError(std::move(text));
}

template <typename E>
bool IsNonZero(const E& v) {
  if constexpr (std::is_same_v<E, ComplexHalf>) {
    return static_cast<std::complex<float>>(v) != 0.0f;
  } else {
    return v != E(0);
  }
}

// A value of a number alone stands for one entry.
Tensor ExpandedValues(const Tensor& values) {
  return values.dim() == 0 ? values.ViewUnchecked({1}, {1}, values.offset())
                           : values;
}

Result CooOf(Ints size, const Tensor& indices, const Tensor& values,
             std::optional<DType> dtype, std::optional<bool> is_coalesced) {
  TANDEM_RETURN_IF_ERROR(CheckedNumel(size).status());
  const Tensor v = ExpandedValues(values);
  if (indices.dim() != 2) {
    return Invalid(absl::StrCat("indices must be sparse_dim x nnz, but got: ",
                                DimsToString(indices.sizes())));
  }
  const int64_t sparse_dim = indices.size(0), dense_dim = v.dim() - 1;
  const auto rank = static_cast<int64_t>(size.size());
  if (rank != sparse_dim + dense_dim) {
    return Invalid(absl::StrCat(
        "'len(size) == sparse_dim + dense_dim' is not satisfied: len(size) = ",
        rank, ", sparse_dim = ", sparse_dim, ", dense_dim = ", dense_dim));
  }
  if (indices.size(1) != v.size(0)) {
    return Invalid(absl::StrCat(
        "indices and values must have same nnz, but got nnz from indices: ",
        indices.size(1), ", nnz from values: ", v.size(0)));
  }
  if (!std::equal(size.begin() + sparse_dim, size.end(),
                  v.sizes().begin() + 1)) {
    Dims wanted = {v.size(0)};
    wanted.insert(wanted.end(), size.begin() + sparse_dim, size.end());
    return Invalid(absl::StrCat("values has incorrect size, expected ",
                                DimsToString(wanted), ", got ",
                                DimsToString(v.sizes())));
  }
  TANDEM_ASSIGN_OR_RETURN(Tensor i, ToDType(indices, DType::kInt64));
  TANDEM_ASSIGN_OR_RETURN(Tensor w, ToDType(v, dtype.value_or(v.dtype())));
  return MakeCoo(size, i.Alias(), w.Alias(),
                 is_coalesced.value_or(indices.size(1) < 2));
}

Result CooWithSize(const Tensor& indices, const Tensor& values, Ints size,
                   std::optional<DType> dtype, std::optional<Layout>,
                   std::optional<Device>, std::optional<bool>,
                   std::optional<bool> is_coalesced) {
  return CooOf(size, indices, values, dtype, is_coalesced);
}

// The sizes that hold the indices.
Result CooInferred(const Tensor& indices, const Tensor& values,
                   std::optional<DType> dtype, std::optional<Layout>,
                   std::optional<Device>, std::optional<bool>,
                   std::optional<bool> is_coalesced) {
  const Tensor v = ExpandedValues(values);
  if (indices.dim() != 2) {
    return Invalid(absl::StrCat("indices must be sparse_dim x nnz, but got: ",
                                DimsToString(indices.sizes())));
  }
  TANDEM_ASSIGN_OR_RETURN(const Tensor i, Contiguous(indices, DType::kInt64));
  const int64_t nnz = i.size(1);
  Dims size(i.size(0), 0);
  for (int64_t d = 0; d < i.size(0); ++d) {
    for (int64_t k = 0; k < nnz; ++k) {
      const int64_t at = i.data<int64_t>()[d * nnz + k];
      if (at < 0) {
        return Invalid(
            absl::StrCat("found negative index ", at, " for dim ", d));
      }
      if (at == INT64_MAX) return Invalid("an index is too large");
      size[d] = std::max(size[d], at + 1);
    }
  }
  for (int64_t d = 1; d < v.dim(); ++d) size.push_back(v.size(d));
  return CooOf(size, indices, values, dtype, is_coalesced);
}

Result EmptyCoo(Ints size, std::optional<DType> dtype, std::optional<Layout>,
                std::optional<Device>, std::optional<bool>) {
  TANDEM_RETURN_IF_ERROR(CheckedNumel(size).status());
  const auto rank = static_cast<int64_t>(size.size());
  TANDEM_ASSIGN_OR_RETURN(Tensor indices,
                          Tensor::Empty({rank, 0}, DType::kInt64));
  TANDEM_ASSIGN_OR_RETURN(Tensor values,
                          Tensor::Empty({0}, dtype.value_or(DType::kFloat)));
  return MakeCoo(size, std::move(indices), std::move(values), true);
}

Result CsrWithSize(const Tensor& crow, const Tensor& col, const Tensor& values,
                   Ints size, std::optional<DType> dtype, std::optional<Layout>,
                   std::optional<Device>, std::optional<bool>) {
  TANDEM_RETURN_IF_ERROR(CheckedNumel(size).status());
  if (size.size() != 2 || crow.dim() != 1 || col.dim() != 1 ||
      values.dim() != 1) {
    return absl::UnimplementedError(
        "batches of compressed sparse tensors are not supported");
  }
  if (crow.size(0) != size[0] + 1 || col.size(0) != values.size(0)) {
    return Invalid("the parts of a sparse tensor do not fit its size");
  }
  SparseParts parts;
  TANDEM_ASSIGN_OR_RETURN(parts.values,
                          ToDType(values, dtype.value_or(values.dtype())));
  parts.crow = crow.Alias();
  parts.col = col.Alias();
  return MakeSparse(size, Layout::kSparseCsr, std::move(parts));
}

Result CsrInferred(const Tensor& crow, const Tensor& col, const Tensor& values,
                   std::optional<DType> dtype, std::optional<Layout> layout,
                   std::optional<Device> device, std::optional<bool> pin) {
  TANDEM_ASSIGN_OR_RETURN(const Tensor c, Contiguous(col, DType::kInt64));
  int64_t cols = 0;
  for (int64_t k = 0; k < c.numel(); ++k) {
    if (c.data<int64_t>()[k] == INT64_MAX) {
      return Invalid("an index is too large");
    }
    cols = std::max(cols, c.data<int64_t>()[k] + 1);
  }
  const int64_t rows = crow.dim() == 1 ? crow.size(0) - 1 : 0;
  return CsrWithSize(crow, col, values, {std::max<int64_t>(rows, 0), cols},
                     dtype, layout, device, pin);
}

// ---- conversions

Result CooToCsr(const Tensor& self) {
  if (self.dim() != 2) {
    return absl::UnimplementedError(
        absl::StrCat("to_sparse_csr of a tensor with ", self.dim(), " dims"));
  }
  TANDEM_ASSIGN_OR_RETURN(const Tensor t, Coalesced(self));
  TANDEM_ASSIGN_OR_RETURN(const SparseParts* p,
                          PartsOf(t, Layout::kSparse, "to_sparse_csr"));
  if (p->indices.size(0) != 2) {
    return absl::UnimplementedError(
        "to_sparse_csr of a tensor with dense dims");
  }
  const int64_t nnz = p->indices.size(1), rows = self.size(0);
  TANDEM_ASSIGN_OR_RETURN(const Tensor i, Contiguous(p->indices));
  SparseParts parts;
  TANDEM_ASSIGN_OR_RETURN(parts.crow, Tensor::Zeros({rows + 1}, DType::kInt64));
  TANDEM_ASSIGN_OR_RETURN(parts.col, Tensor::Empty({nnz}, DType::kInt64));
  auto* crow = parts.crow.data<int64_t>();
  for (int64_t k = 0; k < nnz; ++k) {
    const int64_t row = i.data<int64_t>()[k];
    if (row < 0 || row >= rows) {
      return Invalid("indices of a sparse tensor are out of range");
    }
    ++crow[row + 1];
    parts.col.data<int64_t>()[k] = i.data<int64_t>()[nnz + k];
  }
  for (int64_t r = 0; r < rows; ++r) crow[r + 1] += crow[r];
  parts.values = p->values;
  return MakeSparse(self.sizes(), Layout::kSparseCsr, std::move(parts));
}

Result CsrToCoo(const Tensor& self) {
  TANDEM_ASSIGN_OR_RETURN(const SparseParts* p,
                          PartsOf(self, Layout::kSparseCsr, "to_sparse"));
  TANDEM_ASSIGN_OR_RETURN(const Tensor crow,
                          Contiguous(p->crow, DType::kInt64));
  TANDEM_ASSIGN_OR_RETURN(const Tensor col, Contiguous(p->col, DType::kInt64));
  const int64_t nnz = col.numel();
  TANDEM_ASSIGN_OR_RETURN(Tensor indices,
                          Tensor::Zeros({2, nnz}, DType::kInt64));
  for (int64_t r = 0; r + 1 < crow.numel(); ++r) {
    const int64_t begin = crow.data<int64_t>()[r];
    const int64_t end = crow.data<int64_t>()[r + 1];
    if (begin < 0 || begin > end || end > nnz) {
      return Invalid("crow_indices of a sparse tensor are not in order");
    }
    for (int64_t k = begin; k < end; ++k) indices.data<int64_t>()[k] = r;
  }
  std::copy_n(col.data<int64_t>(), nnz, indices.data<int64_t>() + nnz);
  return MakeCoo(self.sizes(), std::move(indices), p->values, true);
}

Result ToSparseOfDim(const Tensor& self, int64_t sparse_dim) {
  if (self.impl()->layout == Layout::kSparseCsr) return CsrToCoo(self);
  if (self.is_sparse()) {
    TANDEM_ASSIGN_OR_RETURN(const SparseParts* p,
                            PartsOf(self, Layout::kSparse, "to_sparse"));
    if (p->indices.size(0) == sparse_dim) return self;
    return Invalid(
        "to_sparse: conversion from a sparse tensor to one of "
        "another sparse_dim is not supported");
  }
  return DenseToCoo(self, sparse_dim);
}

Result ToSparseCsr(const Tensor& self, std::optional<int64_t> dense_dim) {
  if (dense_dim.value_or(0) != 0) {
    return absl::UnimplementedError("to_sparse_csr with dense dims");
  }
  if (self.impl()->layout == Layout::kSparseCsr) return self;
  if (self.is_sparse()) return CooToCsr(self);
  if (self.dim() != 2) {
    return absl::UnimplementedError(
        absl::StrCat("to_sparse_csr of a tensor with ", self.dim(), " dims"));
  }
  TANDEM_ASSIGN_OR_RETURN(const Tensor coo, DenseToCoo(self, 2));
  return CooToCsr(coo);
}

Result ToSparse(const Tensor& self, std::optional<Layout> layout,
                std::optional<Ints>, std::optional<int64_t> dense_dim) {
  const Layout wanted = layout.value_or(Layout::kSparse);
  if (wanted == Layout::kSparseCsr) return ToSparseCsr(self, dense_dim);
  if (wanted != Layout::kSparse) {
    return absl::UnimplementedError(
        "to_sparse: only the layouts torch.sparse_coo and torch.sparse_csr are "
        "supported");
  }
  if (self.impl()->layout == Layout::kSparse) return self;
  return ToSparseOfDim(self, self.dim() - dense_dim.value_or(0));
}

Result SetCoalesced(const Tensor& self, bool coalesced) {
  TANDEM_ASSIGN_OR_RETURN(const SparseParts* p,
                          PartsOf(self, Layout::kSparse, "_coalesced_"));
  auto parts = std::make_shared<SparseParts>(*p);
  parts->coalesced = coalesced;
  self.impl()->sparse = std::move(parts);
  return self;
}

// ---- views of the whole

Result Permuted(const Tensor& self, Ints order) {
  TANDEM_ASSIGN_OR_RETURN(const SparseParts* p,
                          PartsOf(self, Layout::kSparse, "transpose"));
  const int64_t sparse_dim = p->indices.size(0), nnz = p->indices.size(1);
  Dims sizes, value_sizes = {p->values.size(0)};
  Dims value_strides = {p->values.stride(0)};
  TANDEM_ASSIGN_OR_RETURN(const Tensor from, Contiguous(p->indices));
  TANDEM_ASSIGN_OR_RETURN(Tensor indices,
                          Tensor::Empty({sparse_dim, nnz}, DType::kInt64));
  bool sparse_moved = false;
  for (int64_t d = 0; d < self.dim(); ++d) {
    const int64_t at = order[d];
    if ((d < sparse_dim) != (at < sparse_dim)) {
      return Invalid(
          "transpose: transposing a sparse with a dense dimension of a sparse "
          "tensor is not supported");
    }
    sizes.push_back(self.size(at));
    if (d < sparse_dim) {
      sparse_moved |= d != at;
      std::copy_n(from.data<int64_t>() + at * nnz, nnz,
                  indices.data<int64_t>() + d * nnz);
    } else {
      value_sizes.push_back(p->values.size(at - sparse_dim + 1));
      value_strides.push_back(p->values.stride(at - sparse_dim + 1));
    }
  }
  return MakeCoo(
      sizes, std::move(indices),
      p->values.ViewUnchecked(value_sizes, value_strides, p->values.offset()),
      p->coalesced && !sparse_moved);
}

Result Transpose(const Tensor& self, int64_t dim0, int64_t dim1) {
  if (!self.is_sparse()) return Declined();
  TANDEM_ASSIGN_OR_RETURN(const int64_t a, WrapDim(dim0, self.dim()));
  TANDEM_ASSIGN_OR_RETURN(const int64_t b, WrapDim(dim1, self.dim()));
  if (self.dim() == 0) return self;
  Dims order(self.dim());
  std::iota(order.begin(), order.end(), 0);
  std::swap(order[a], order[b]);
  return Permuted(self, order);
}

Result T(const Tensor& self) {
  if (!self.is_sparse()) return Declined();
  TANDEM_ASSIGN_OR_RETURN(const SparseParts* p,
                          PartsOf(self, Layout::kSparse, "t"));
  const int64_t sparse_dim = p->indices.size(0);
  if (self.dim() > 2 || sparse_dim < self.dim()) {
    return Invalid(
        absl::StrCat("t() expects a tensor with <= 2 sparse and 0 dense "
                     "dimensions, but got ",
                     sparse_dim, " sparse and ", self.dim() - sparse_dim,
                     " dense dimensions"));
  }
  return self.dim() < 2 ? Result(self) : Transpose(self, 0, 1);
}

Result Permute(const Tensor& self, Ints dims) {
  if (!self.is_sparse()) return Declined();
  if (static_cast<int64_t>(dims.size()) != self.dim()) {
    return Invalid(absl::StrCat(
        "permute(sparse_coo): number of dimensions in the tensor input does "
        "not match the length of the desired ordering of dimensions i.e. "
        "input.dim() = ",
        self.dim(), " is not equal to len(dims) = ", dims.size()));
  }
  Dims order;
  for (int64_t d : dims) {
    TANDEM_ASSIGN_OR_RETURN(const int64_t w, WrapDim(d, self.dim()));
    if (std::find(order.begin(), order.end(), w) != order.end()) {
      return Invalid("permute(dims): duplicate dims are not allowed.");
    }
    order.push_back(w);
  }
  return Permuted(self, order);
}

Result Unsqueeze(const Tensor& self, int64_t dim) {
  if (!self.is_sparse()) return Declined();
  TANDEM_ASSIGN_OR_RETURN(const SparseParts* p,
                          PartsOf(self, Layout::kSparse, "unsqueeze"));
  TANDEM_ASSIGN_OR_RETURN(const int64_t at, WrapDim(dim, self.dim() + 1));
  const int64_t sparse_dim = p->indices.size(0), nnz = p->indices.size(1);
  Dims sizes(self.sizes().begin(), self.sizes().end());
  sizes.insert(sizes.begin() + at, 1);
  if (at > sparse_dim) {
    const int64_t v = at - sparse_dim + 1;
    Dims s(p->values.sizes().begin(), p->values.sizes().end());
    Dims strides(p->values.strides().begin(), p->values.strides().end());
    s.insert(s.begin() + v, 1);
    strides.insert(strides.begin() + v, 1);
    return MakeCoo(sizes, p->indices,
                   p->values.ViewUnchecked(s, strides, p->values.offset()),
                   p->coalesced);
  }
  TANDEM_ASSIGN_OR_RETURN(const Tensor from, Contiguous(p->indices));
  TANDEM_ASSIGN_OR_RETURN(Tensor indices,
                          Tensor::Zeros({sparse_dim + 1, nnz}, DType::kInt64));
  const auto* source = from.data<int64_t>();
  auto* target = indices.data<int64_t>();
  std::copy_n(source, at * nnz, target);
  std::copy_n(source + at * nnz, (sparse_dim - at) * nnz,
              target + (at + 1) * nnz);
  return MakeCoo(sizes, std::move(indices), p->values, p->coalesced);
}

}  // namespace

absl::StatusOr<Tensor> Coalesced(const Tensor& self) {
  TANDEM_ASSIGN_OR_RETURN(const SparseParts* p,
                          PartsOf(self, Layout::kSparse, "coalesce"));
  if (p->coalesced) return self;
  const int64_t sparse_dim = p->indices.size(0), nnz = p->indices.size(1);
  if (nnz < 2) {
    return MakeCoo(self.sizes(), p->indices, p->values, true);
  }
  TANDEM_ASSIGN_OR_RETURN(const Tensor indices, Contiguous(p->indices));
  TANDEM_ASSIGN_OR_RETURN(const Tensor values, Contiguous(p->values));
  const auto* index = indices.data<int64_t>();
  // Indices out of range only put the entries in another order.
  std::vector<uint64_t> flat(nnz, 0);
  for (int64_t d = 0; d < sparse_dim; ++d) {
    for (int64_t k = 0; k < nnz; ++k) {
      flat[k] = flat[k] * static_cast<uint64_t>(self.size(d)) +
                static_cast<uint64_t>(index[d * nnz + k]);
    }
  }
  std::vector<int64_t> order(nnz);
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(), [&](int64_t a, int64_t b) {
    return static_cast<int64_t>(flat[a]) < static_cast<int64_t>(flat[b]);
  });
  std::vector<int64_t> firsts;  // of each run of equal indices, in `order`
  for (int64_t k = 0; k < nnz; ++k) {
    if (k == 0 || flat[order[k]] != flat[order[k - 1]]) firsts.push_back(k);
  }
  const auto count = static_cast<int64_t>(firsts.size());
  // A part of a matrix of nnz columns, which shows in its strides.
  TANDEM_ASSIGN_OR_RETURN(const Tensor columns,
                          Tensor::Empty({sparse_dim, nnz}, DType::kInt64));
  Dims sizes(values.sizes().begin(), values.sizes().end());
  sizes[0] = count;
  TANDEM_ASSIGN_OR_RETURN(Tensor new_values,
                          Tensor::Zeros(sizes, values.dtype()));
  const int64_t inner = values.numel() / nnz;
  const int64_t bytes = inner * static_cast<int64_t>(values.element_size());
  for (int64_t r = 0; r < count; ++r) {
    if (r % 1024 == 0) TANDEM_RETURN_IF_ERROR(CheckStop());
    const int64_t end = r + 1 < count ? firsts[r + 1] : nnz;
    const int64_t last = order[end - 1];
    for (int64_t d = 0; d < sparse_dim; ++d) {
      columns.data<int64_t>()[d * nnz + r] = index[d * nnz + last];
    }
    if (bytes == 0) continue;
    char* const to = new_values.raw_data() + r * bytes;
    std::memcpy(to, values.raw_data() + order[firsts[r]] * bytes, bytes);
    for (int64_t k = firsts[r] + 1; k < end; ++k) {
      TANDEM_RETURN_IF_ERROR(AddElements(
          values.dtype(), values.raw_data() + order[k] * bytes, to, inner));
    }
  }
  return MakeCoo(self.sizes(),
                 columns.ViewUnchecked({sparse_dim, count}, {nnz, 1}, 0),
                 std::move(new_values), true);
}

absl::StatusOr<Tensor> DenseToCoo(const Tensor& self, int64_t sparse_dim) {
  if (sparse_dim < 0 || sparse_dim > self.dim() ||
      (sparse_dim == 0 && self.dim() > 0)) {
    return Invalid(
        absl::StrCat("dense_to_sparse: sparse_dim argument must be "
                     "in [0,",
                     self.dim(), "] range, but ", sparse_dim, " is given"));
  }
  TANDEM_ASSIGN_OR_RETURN(const Tensor x, Contiguous(self));
  int64_t outer = 1;
  for (int64_t d = 0; d < sparse_dim; ++d) outer *= self.size(d);
  const int64_t inner = outer == 0 ? 0 : self.numel() / outer;
  std::vector<int64_t> found;
  TANDEM_RETURN_IF_ERROR(
      VisitAll(self.dtype(), "to_sparse", [&](auto tag) -> absl::Status {
        using E = typename decltype(tag)::type;
        const E* data = x.data<E>();
        for (int64_t i = 0; i < outer; ++i) {
          if (i % 65536 == 0) TANDEM_RETURN_IF_ERROR(CheckStop());
          for (int64_t k = 0; k < inner; ++k) {
            if (!IsNonZero(data[i * inner + k])) continue;
            found.push_back(i);
            break;
          }
        }
        return absl::OkStatus();
      }));
  const auto nnz = static_cast<int64_t>(found.size());
  // PyTorch's indices of a number that is 0 have no row of their own either.
  const bool slices = sparse_dim < self.dim();  // their indices lie in columns
  TANDEM_ASSIGN_OR_RETURN(Tensor indices,
                          Tensor::Empty({sparse_dim, nnz}, DType::kInt64));
  if (slices) {
    indices = indices.ViewUnchecked({sparse_dim, nnz}, {1, sparse_dim}, 0);
  }
  Dims sizes = {nnz};
  for (int64_t d = sparse_dim; d < self.dim(); ++d) {
    sizes.push_back(self.size(d));
  }
  TANDEM_ASSIGN_OR_RETURN(Tensor values, Tensor::Empty(sizes, self.dtype()));
  const int64_t bytes = inner * static_cast<int64_t>(self.element_size());
  for (int64_t k = 0; k < nnz; ++k) {
    int64_t rest = found[k];
    for (int64_t d = sparse_dim - 1; d >= 0; --d) {
      indices.data<int64_t>()[d * indices.stride(0) + k * indices.stride(1)] =
          rest % self.size(d);
      rest /= self.size(d);
    }
    std::memcpy(values.raw_data() + k * bytes, x.raw_data() + found[k] * bytes,
                bytes);
  }
  return MakeCoo(self.sizes(), std::move(indices), std::move(values), true);
}

absl::Status AddSparseMakers(Registry& registry) {
  KernelRegistrar r(registry, "reference");
  const KernelOptions sparse = {.handles_sparse = true};
  r.Add("aten::sparse_coo_tensor.indices_size", &CooWithSize)
      .Add("aten::_sparse_coo_tensor_unsafe", &CooWithSize)
      .Add("aten::sparse_coo_tensor.indices", &CooInferred)
      .Add("aten::sparse_coo_tensor.size", &EmptyCoo)
      .Add("aten::sparse_csr_tensor.crow_col_value_size", &CsrWithSize)
      .Add("aten::_sparse_csr_tensor_unsafe", &CsrWithSize)
      .Add("aten::sparse_csr_tensor.crow_col_value", &CsrInferred)
      .Add("aten::coalesce", &Coalesced, sparse)
      .Add("aten::_coalesce", &Coalesced, sparse)
      .Add("aten::_coalesced_", &SetCoalesced, sparse)
      .Add("aten::to_sparse", &ToSparse, sparse)
      .Add("aten::_to_sparse", &ToSparse, sparse)
      .Add("aten::to_sparse.sparse_dim", &ToSparseOfDim, sparse)
      .Add("aten::_to_sparse.sparse_dim", &ToSparseOfDim, sparse)
      .Add("aten::to_sparse_csr", &ToSparseCsr, sparse)
      .Add("aten::_to_sparse_csr", &ToSparseCsr, sparse);
  TANDEM_RETURN_IF_ERROR(r.status());
  KernelRegistrar s(registry, kSparseKernels);
  s.Add("aten::transpose.int", &Transpose, sparse)
      .Add("aten::t", &T, sparse)
      .Add("aten::permute", &Permute, sparse)
      .Add("aten::unsqueeze", &Unsqueeze, sparse);
  return s.status();
}

}  // namespace tandem::reference
