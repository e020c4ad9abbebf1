// _grouped_mm: products of parts of matrices, as mixtures of experts use them.
#include <algorithm>
#include <string>

#include "tandem/backends/reference/matmul.h"
#include "tandem/backends/reference/parts.h"
#include "tandem/tensor/status_macros.h"

namespace tandem::reference {
namespace {

// Rows or columns begin at multiples of 16 bytes; PyTorch asks for it.
absl::Status CheckSteps(const Tensor& m) {
  const int64_t rows = m.size(m.dim() - 2), columns = m.size(m.dim() - 1);
  const int64_t row = m.stride(m.dim() - 2), column = m.stride(m.dim() - 1);
  const int64_t unit = 16 / static_cast<int64_t>(m.element_size());
  if (column == 1 && row >= std::max<int64_t>(1, columns)) {
    if (row % unit == 0) return absl::OkStatus();
  } else if (row == 1 && column >= std::max<int64_t>(1, rows)) {
    if (column % unit == 0) return absl::OkStatus();
  } else {
    return Invalid("Invalid strides/sizes, got ", DimsToString(m.strides()),
                   " for strides and ", DimsToString(m.sizes()), " for sizes");
  }
  return Invalid("strides should be multiple of 16 bytes");
}

bool IsTaken(DType d) {
  return d == DType::kFloat || d == DType::kBFloat16 || d == DType::kHalf;
}

absl::Status Check(const Tensor& a, const Tensor& b, const Tensor& offsets,
                   const Tensor& bias) {
  for (const auto& [name, t] : {std::make_pair("mat_a", &a), {"mat_b", &b}}) {
    if (!IsTaken(t->dtype())) {
      return Invalid("Expected ", name,
                     " to be Float32, BFloat16 or Float16 matrix, got ",
                     TypeName(t->dtype()));
    }
  }
  if (a.dtype() != b.dtype()) {
    return Invalid("Expected mat_a and mat_b to have the same dtype, got ",
                   TypeName(a.dtype()), " and ", TypeName(b.dtype()));
  }
  if (a.dim() != 2 && a.dim() != 3) return Invalid("mat_a has to be 2 or 3d");
  if (b.dim() != 2 && b.dim() != 3) return Invalid("mat_b has to be 2 or 3d");
  const bool whole = a.dim() == 3 && b.dim() == 3;
  if ((a.dim() == 3 || b.dim() == 3) &&
      a.size(a.dim() - 1) != b.size(b.dim() - 2)) {
    return Invalid("contraction dimension of mat_a and mat_b must match");
  }
  TANDEM_RETURN_IF_ERROR(CheckSteps(a));
  TANDEM_RETURN_IF_ERROR(CheckSteps(b));
  if (offsets.defined() == whole) {
    return Invalid(
        "Have to provide offsets if there is a 2d matrix, or no offset if both "
        "matrices are 3d");
  }
  if (offsets.defined()) {
    if (offsets.dim() != 1) return Invalid("offs has to be 1D");
    if (offsets.dtype() != DType::kInt32) {
      return Invalid("Offsets have to be int32");
    }
  }
  if (bias.defined()) return Invalid("Bias not supported yet");
  return absl::OkStatus();
}

// [begin, end) along a dim; what lies outside is left out, as slices do.
Tensor Part(const Tensor& t, int64_t dim, int64_t begin, int64_t end) {
  begin = std::clamp<int64_t>(begin, 0, t.size(dim));
  end = std::clamp<int64_t>(end, begin, t.size(dim));
  return NarrowView(t, dim, begin, end - begin);
}

// mat_a [rows, k] or [groups, rows, k], mat_b [k, columns] or [groups, k,
// columns]; `offsets` [groups] says where each group ends in the dim that a
// 2-dim matrix shares out: rows of a, columns of b, or k of both.
absl::StatusOr<Tensor> GroupedMm(const Tensor& a, const Tensor& b,
                                 const Tensor& offsets, const Tensor& bias,
                                 std::optional<DType> out_dtype) {
  TANDEM_RETURN_IF_ERROR(Check(a, b, offsets, bias));
  if (out_dtype.value_or(a.dtype()) != a.dtype()) {
    return Invalid("Grouped gemm output dtype must match `mat_a` dtype");
  }
  const bool groups_a = a.dim() == 3, groups_b = b.dim() == 3;
  const int64_t groups = offsets.defined() ? offsets.numel() : a.size(0);
  if (groups_a && groups_b && a.size(0) != b.size(0)) {
    return Invalid("batched dimension has to match");
  }
  if ((groups_a && a.size(0) != groups) || (groups_b && b.size(0) != groups)) {
    return Invalid("matrix batch sizes have to match");
  }
  Dims sizes = {a.size(a.dim() - 2), b.size(b.dim() - 1)};
  if (groups_a == groups_b) sizes.insert(sizes.begin(), groups);
  // Rows of the result begin at multiples of 16 bytes as well.
  const int64_t unit = 16 / static_cast<int64_t>(a.element_size());
  Dims padded = sizes;
  padded.back() = (padded.back() + unit - 1) / unit * unit;
  TANDEM_ASSIGN_OR_RETURN(const Tensor memory,
                          Tensor::Zeros(padded, a.dtype()));
  const Tensor out = memory.ViewUnchecked(sizes, memory.strides(), 0);
  int64_t begin = 0;
  for (int64_t g = 0; g < groups; ++g) {
    int64_t end = 0;
    if (offsets.defined()) {
      end = offsets.data<int32_t>()[g * offsets.stride(0)];
    }
    Tensor x = a, y = b, z = out;
    if (groups_a) x = SelectView(a, 0, g);
    if (groups_b) y = SelectView(b, 0, g);
    if (groups_a == groups_b) {
      z = SelectView(out, 0, g);
      if (!groups_a) {
        x = Part(a, 1, begin, end);
        y = Part(b, 0, begin, end);
      }
    } else if (groups_b) {
      x = Part(a, 0, begin, end);
      z = Part(out, 0, begin, end);
    } else {
      y = Part(b, 1, begin, end);
      z = Part(out, 1, begin, end);
    }
    if (x.size(1) != y.size(0)) {
      return Invalid("mat1 and mat2 shapes cannot be multiplied (", x.size(0),
                     "x", x.size(1), " and ", y.size(0), "x", y.size(1), ")");
    }
    if (z.numel() > 0) TANDEM_RETURN_IF_ERROR(GemmTensors(1, x, y, 0, z));
    begin = end;
  }
  return out;
}

}  // namespace

void RegisterGroupedProducts(KernelRegistrar& r) {
  r.Add("aten::_grouped_mm", &GroupedMm);
}

}  // namespace tandem::reference
