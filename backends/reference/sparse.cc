// Sparse tensors: their parts, and the dense tensors that they stand for.
#include "tandem/backends/reference/sparse.h"

#include <algorithm>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "tandem/backends/reference/families.h"
#include "tandem/tensor/context.h"
#include "tandem/tensor/copy.h"
#include "tandem/tensor/status_macros.h"

namespace tandem::reference {
namespace {

using Result = absl::StatusOr<Tensor>;

absl::Status Invalid(std::string text) {
  return absl::InvalidArgumentError(std::move(text));
}

absl::StatusOr<const SparseParts*> Parts(const Tensor& t, Layout layout,
                                         absl::string_view op) {
  if (t.impl()->layout != layout || t.impl()->sparse == nullptr) {
    return Invalid(absl::StrCat(
        op, layout == Layout::kSparse
                ? " expected sparse coordinate tensor layout"
                : " expected sparse row compressed tensor layout"));
  }
  return t.impl()->sparse.get();
}

// dense[index] += value for slices of `inner` elements.
absl::Status AddSlice(const Tensor& values, int64_t from, const Tensor& dense,
                      int64_t to, int64_t inner, bool accumulate) {
  const Tensor source =
      values.ViewUnchecked({inner}, {1}, values.offset() + from);
  const Tensor target = dense.ViewUnchecked({inner}, {1}, to);
  if (!accumulate) return CopyElements(source, target);
  const DType wide = IsComplex(values.dtype())          ? DType::kComplexDouble
                     : IsIntegral(values.dtype(), true) ? DType::kInt64
                                                        : DType::kDouble;
  TANDEM_ASSIGN_OR_RETURN(const Tensor a, CloneContiguous(source, wide));
  TANDEM_ASSIGN_OR_RETURN(const Tensor b, CloneContiguous(target, wide));
  for (int64_t i = 0; i < inner; ++i) {
    if (wide == DType::kInt64) {
      const auto sum = static_cast<uint64_t>(a.data<int64_t>()[i]) +
                       static_cast<uint64_t>(b.data<int64_t>()[i]);
      b.data<int64_t>()[i] = static_cast<int64_t>(sum);
    } else if (wide == DType::kDouble) {
      b.data<double>()[i] += a.data<double>()[i];
    } else {
      b.data<std::complex<double>>()[i] += a.data<std::complex<double>>()[i];
    }
  }
  return CopyElements(b, target);
}

Result CooToDense(const Tensor& self, const SparseParts& p) {
  if (p.indices.dim() != 2) {
    return Invalid("the indices of a sparse tensor need two dimensions");
  }
  const int64_t sparse_dim = p.indices.size(0), nnz = p.indices.size(1);
  if (sparse_dim > self.dim() || p.values.dim() < 1 ||
      p.values.size(0) != nnz) {
    return Invalid("the parts of a sparse tensor do not fit its size");
  }
  TANDEM_ASSIGN_OR_RETURN(const Tensor dense,
                          Tensor::Zeros(self.sizes(), self.dtype()));
  TANDEM_ASSIGN_OR_RETURN(const Tensor indices,
                          Contiguous(p.indices, DType::kInt64));
  TANDEM_ASSIGN_OR_RETURN(const Tensor values, Contiguous(p.values));
  int64_t inner = 1;
  for (int64_t d = sparse_dim; d < self.dim(); ++d) inner *= self.size(d);
  if (values.numel() != nnz * inner) {
    return Invalid("the values of a sparse tensor do not fit its size");
  }
  for (int64_t k = 0; k < nnz && inner > 0; ++k) {
    if (k % 1024 == 0) TANDEM_RETURN_IF_ERROR(CheckStop());
    int64_t at = 0;
    for (int64_t d = 0; d < sparse_dim; ++d) {
      const int64_t i = indices.data<int64_t>()[d * nnz + k];
      if (i < 0 || i >= self.size(d)) {
        return Invalid(absl::StrCat(
            "size is inconsistent with indices: for "
            "dim ",
            d, ", size is ", self.size(d), " but found index ", i));
      }
      at = at * self.size(d) + i;
    }
    TANDEM_RETURN_IF_ERROR(
        AddSlice(values, k * inner, dense, at * inner, inner, !p.coalesced));
  }
  return dense;
}

Result CsrToDense(const Tensor& self, const SparseParts& p) {
  if (self.dim() != 2 || p.crow.dim() != 1 || p.col.dim() != 1 ||
      p.values.dim() != 1) {
    return absl::UnimplementedError(
        "to_dense of a batch of compressed sparse tensors is not supported");
  }
  const int64_t rows = self.size(0), cols = self.size(1);
  TANDEM_ASSIGN_OR_RETURN(const Tensor dense,
                          Tensor::Zeros(self.sizes(), self.dtype()));
  TANDEM_ASSIGN_OR_RETURN(const Tensor crow, Contiguous(p.crow, DType::kInt64));
  TANDEM_ASSIGN_OR_RETURN(const Tensor col, Contiguous(p.col, DType::kInt64));
  TANDEM_ASSIGN_OR_RETURN(const Tensor values, Contiguous(p.values));
  const int64_t nnz = col.numel();
  if (crow.numel() != rows + 1 || values.numel() != nnz) {
    return Invalid("the parts of a sparse tensor do not fit its size");
  }
  for (int64_t r = 0; r < rows; ++r) {
    const int64_t begin = crow.data<int64_t>()[r];
    const int64_t end = crow.data<int64_t>()[r + 1];
    if (begin < 0 || begin > end || end > nnz) {
      return Invalid("crow_indices of a sparse tensor are not in order");
    }
    for (int64_t k = begin; k < end; ++k) {
      const int64_t c = col.data<int64_t>()[k];
      if (c < 0 || c >= cols) {
        return Invalid("col_indices of a sparse tensor are out of range");
      }
      TANDEM_RETURN_IF_ERROR(AddSlice(values, k, dense, r * cols + c, 1, true));
    }
  }
  return dense;
}

Result ToDense(const Tensor& self, std::optional<DType> dtype,
               std::optional<bool>) {
  TANDEM_ASSIGN_OR_RETURN(const Tensor dense, Densified(self));
  return ToDType(dense, dtype.value_or(self.dtype()));
}

absl::Status CheckCoalesced(const SparseParts& p, absl::string_view what) {
  if (p.coalesced) return absl::OkStatus();
  return Invalid(
      absl::StrCat("Cannot get ", what,
                   " on an uncoalesced tensor, please call .coalesce() first"));
}

Result Indices(const Tensor& self) {
  TANDEM_ASSIGN_OR_RETURN(const SparseParts* p,
                          Parts(self, Layout::kSparse, "indices"));
  TANDEM_RETURN_IF_ERROR(CheckCoalesced(*p, "indices"));
  return p->indices.Alias();
}

Result RawIndices(const Tensor& self) {
  TANDEM_ASSIGN_OR_RETURN(const SparseParts* p,
                          Parts(self, Layout::kSparse, "_indices"));
  return p->indices.Alias();
}

Result Values(const Tensor& self) {
  if (self.impl()->layout == Layout::kSparseCsr &&
      self.impl()->sparse != nullptr) {
    return self.impl()->sparse->values.Alias();
  }
  TANDEM_ASSIGN_OR_RETURN(const SparseParts* p,
                          Parts(self, Layout::kSparse, "values"));
  TANDEM_RETURN_IF_ERROR(CheckCoalesced(*p, "values"));
  return p->values.Alias();
}

Result RawValues(const Tensor& self) {
  TANDEM_ASSIGN_OR_RETURN(const SparseParts* p,
                          Parts(self, Layout::kSparse, "_values"));
  return p->values.Alias();
}

Result CrowIndices(const Tensor& self) {
  TANDEM_ASSIGN_OR_RETURN(const SparseParts* p,
                          Parts(self, Layout::kSparseCsr, "crow_indices"));
  return p->crow.Alias();
}

Result ColIndices(const Tensor& self) {
  TANDEM_ASSIGN_OR_RETURN(const SparseParts* p,
                          Parts(self, Layout::kSparseCsr, "col_indices"));
  return p->col.Alias();
}

absl::StatusOr<bool> IsCoalesced(const Tensor& self) {
  TANDEM_ASSIGN_OR_RETURN(const SparseParts* p,
                          Parts(self, Layout::kSparse, "is_coalesced"));
  return p->coalesced;
}

absl::StatusOr<int64_t> SparseDim(const Tensor& self) {
  if (!self.is_sparse()) return int64_t{0};
  return self.impl()->layout == Layout::kSparse && self.impl()->sparse
             ? self.impl()->sparse->indices.size(0)
             : 2;
}

absl::StatusOr<int64_t> Nnz(const Tensor& self) {
  if (!self.is_sparse() || self.impl()->sparse == nullptr) {
    return Invalid("_nnz expected a sparse tensor");
  }
  return self.impl()->layout == Layout::kSparse &&
                 self.impl()->sparse->indices.dim() == 2
             ? self.impl()->sparse->indices.size(1)
             : self.impl()->sparse->col.numel();
}

}  // namespace

absl::StatusOr<Tensor> Densified(const Tensor& t) {
  if (!t.is_sparse()) return t;
  const SparseParts* parts = t.impl()->sparse.get();
  if (parts == nullptr) return Invalid("a sparse tensor without parts");
  return t.impl()->layout == Layout::kSparse ? CooToDense(t, *parts)
                                             : CsrToDense(t, *parts);
}

absl::Status RegisterSparse(Registry& registry) {
  KernelRegistrar r(registry, "reference");
  const KernelOptions sparse = {.handles_sparse = true};
  r.Add("aten::to_dense", &ToDense, sparse)
      .Add("aten::_to_dense", &ToDense, sparse)
      .Add("aten::indices", &Indices, sparse)
      .Add("aten::_indices", &RawIndices, sparse)
      .Add("aten::values", &Values, sparse)
      .Add("aten::_values", &RawValues, sparse)
      .Add("aten::crow_indices", &CrowIndices, sparse)
      .Add("aten::col_indices", &ColIndices, sparse)
      .Add("aten::is_coalesced", &IsCoalesced, sparse)
      .Add("aten::sparse_dim", &SparseDim, sparse)
      .Add("aten::_nnz", &Nnz, sparse);
  return r.status();
}

}  // namespace tandem::reference
