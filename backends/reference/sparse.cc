// Sparse tensors: their parts, and the dense tensors that they stand for.
#include "tandem/backends/reference/sparse.h"

#include <algorithm>
#include <complex>
#include <cstring>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "tandem/backends/reference/families.h"
#include "tandem/tensor/context.h"
#include "tandem/tensor/copy.h"
#include "tandem/tensor/status_macros.h"
#include "tandem/tensor/visit.h"

namespace tandem::reference {
namespace {

using Result = absl::StatusOr<Tensor>;

absl::Status Invalid(std::string text) {
  return absl::InvalidArgumentError(std::move(text));
}

absl::string_view LayoutName(Layout layout) {
  switch (layout) {
    case Layout::kSparse:
      return "Sparse";
    case Layout::kSparseCsr:
      return "SparseCsr";
    case Layout::kMkldnn:
      return "Mkldnn";
    default:
      return "Strided";
  }
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
  const int64_t bytes = inner * static_cast<int64_t>(values.element_size());
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
    const char* const from = values.raw_data() + k * bytes;
    char* const to = dense.raw_data() + at * bytes;
    if (p.coalesced) {
      std::memcpy(to, from, bytes);
    } else {
      TANDEM_RETURN_IF_ERROR(AddElements(self.dtype(), from, to, inner));
    }
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
      const auto bytes = static_cast<int64_t>(values.element_size());
      TANDEM_RETURN_IF_ERROR(
          AddElements(self.dtype(), values.raw_data() + k * bytes,
                      dense.raw_data() + (r * cols + c) * bytes, 1));
    }
  }
  return dense;
}

Result ToDense(const Tensor& self, std::optional<DType> dtype,
               std::optional<bool>) {
  if (self.is_sparse() && dtype.has_value()) {
    return Invalid(absl::StrCat(
        "dtype argument is not supported by sparse_",
        self.impl()->layout == Layout::kSparseCsr ? "csr_" : "", "to_dense"));
  }
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
                          PartsOf(self, Layout::kSparse, "indices"));
  TANDEM_RETURN_IF_ERROR(CheckCoalesced(*p, "indices"));
  return p->indices.Alias();
}

Result RawIndices(const Tensor& self) {
  TANDEM_ASSIGN_OR_RETURN(const SparseParts* p,
                          PartsOf(self, Layout::kSparse, "_indices"));
  return p->indices.Alias();
}

Result Values(const Tensor& self) {
  if (self.impl()->layout == Layout::kSparseCsr &&
      self.impl()->sparse != nullptr) {
    return self.impl()->sparse->values.Alias();
  }
  if (!self.is_sparse()) {
    return Invalid("values expected sparse tensor layout but got Strided");
  }
  TANDEM_ASSIGN_OR_RETURN(const SparseParts* p,
                          PartsOf(self, Layout::kSparse, "values"));
  TANDEM_RETURN_IF_ERROR(CheckCoalesced(*p, "values"));
  return p->values.Alias();
}

Result RawValues(const Tensor& self) {
  TANDEM_ASSIGN_OR_RETURN(const SparseParts* p,
                          PartsOf(self, Layout::kSparse, "_values"));
  return p->values.Alias();
}

Result CrowIndices(const Tensor& self) {
  TANDEM_ASSIGN_OR_RETURN(const SparseParts* p,
                          PartsOf(self, Layout::kSparseCsr, "crow_indices"));
  return p->crow.Alias();
}

Result ColIndices(const Tensor& self) {
  TANDEM_ASSIGN_OR_RETURN(const SparseParts* p,
                          PartsOf(self, Layout::kSparseCsr, "col_indices"));
  return p->col.Alias();
}

absl::StatusOr<bool> IsCoalesced(const Tensor& self) {
  TANDEM_ASSIGN_OR_RETURN(const SparseParts* p,
                          PartsOf(self, Layout::kSparse, "is_coalesced"));
  return p->coalesced;
}

absl::StatusOr<int64_t> SparseDim(const Tensor& self) {
  if (!self.is_sparse()) return int64_t{0};
  return self.impl()->layout == Layout::kSparse && self.impl()->sparse
             ? self.impl()->sparse->indices.size(0)
             : 2;
}

absl::StatusOr<int64_t> DenseDim(const Tensor& self) {
  if (!self.is_sparse()) return self.dim();
  TANDEM_ASSIGN_OR_RETURN(const int64_t sparse_dim, SparseDim(self));
  return self.dim() - sparse_dim;
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

// a + b as an element of that type.
template <typename T>
T Plus(T a, T b) {
  if constexpr (std::is_same_v<T, bool>) {
    return a || b;
  } else if constexpr (std::is_integral_v<T>) {
    return static_cast<T>(static_cast<uint64_t>(a) + static_cast<uint64_t>(b));
  } else if constexpr (std::is_same_v<T, ComplexHalf>) {
    const std::complex<float> sum = static_cast<std::complex<float>>(a) +
                                    static_cast<std::complex<float>>(b);
    T result;
    result.real = Half(sum.real());
    result.imag = Half(sum.imag());
    return result;
  } else {
    return static_cast<T>(a + b);
  }
}

}  // namespace

absl::StatusOr<const SparseParts*> PartsOf(const Tensor& t, Layout layout,
                                           absl::string_view op) {
  if (t.impl()->layout != layout || t.impl()->sparse == nullptr) {
    return Invalid(absl::StrCat(
        op, " expected sparse ",
        layout == Layout::kSparse ? "coordinate" : "row compressed",
        " tensor layout but got ", LayoutName(t.impl()->layout)));
  }
  const SparseParts* p = t.impl()->sparse.get();
  if (layout != Layout::kSparse) return p;
  const Tensor& i = p->indices;
  if (!i.defined() || !p->values.defined() || i.dim() != 2 ||
      i.dtype() != DType::kInt64 || p->values.dim() < 1 ||
      p->values.size(0) != i.size(1) || p->values.dtype() != t.dtype() ||
      i.size(0) + p->values.dim() - 1 != t.dim() ||
      !std::equal(p->values.sizes().begin() + 1, p->values.sizes().end(),
                  t.sizes().begin() + i.size(0))) {
    return Invalid("the parts of a sparse tensor do not fit its size");
  }
  return p;
}

absl::StatusOr<Tensor> MakeSparse(DimSpan sizes, Layout layout,
                                  SparseParts parts) {
  TANDEM_RETURN_IF_ERROR(CheckedNumel(sizes).status());
  TensorImpl* impl = TensorImpl::New();
  Tensor tensor(Ref<TensorImpl>::Adopt(impl));
  TANDEM_ASSIGN_OR_RETURN(impl->storage, Storage::Allocate(0));
  if (layout == Layout::kSparse) {
    impl->SetGeometry(sizes, Dims(sizes.size(), 0));
  } else {
    impl->SetContiguous(sizes);
  }
  impl->dtype = parts.values.dtype();
  impl->layout = layout;
  impl->sparse = std::make_shared<const SparseParts>(std::move(parts));
  return tensor;
}

absl::Status AddElements(DType dtype, const char* from, char* to, int64_t n) {
  return VisitAll(dtype, "add_dense_sparse", [&](auto tag) {
    using T = typename decltype(tag)::type;
    const T* source = reinterpret_cast<const T*>(from);
    T* target = reinterpret_cast<T*>(to);
    for (int64_t i = 0; i < n; ++i) target[i] = Plus<T>(target[i], source[i]);
    return absl::OkStatus();
  });
}

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
      .Add("aten::dense_dim", &DenseDim, sparse)
      .Add("aten::_nnz", &Nnz, sparse);
  TANDEM_RETURN_IF_ERROR(r.status());
  TANDEM_RETURN_IF_ERROR(AddSparseMakers(registry));
  return AddSparseValues(registry);
}

}  // namespace tandem::reference
