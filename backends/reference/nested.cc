#include "tandem/backends/reference/nested.h"

#include <cstring>

#include "tandem/backends/reference/parts.h"
#include "tandem/tensor/copy.h"
#include "tandem/tensor/status_macros.h"

namespace tandem::reference {

// The lengths lie in SparseParts::indices of a tensor that is not sparse.
bool IsNested(const Tensor& t) {
  return t.defined() && !t.is_sparse() && t.impl()->sparse != nullptr &&
         t.dim() == 3 && NestedLengths(t).numel() == t.size(0);
}

const Tensor& NestedLengths(const Tensor& t) {
  return t.impl()->sparse->indices;
}

Tensor MakeNested(const Tensor& padded, const Tensor& lengths) {
  auto parts = std::make_shared<SparseParts>();
  parts->indices = lengths;
  Tensor t = padded.Alias();
  t.impl()->sparse = std::move(parts);
  return t;
}

namespace {

absl::Status CheckMask(const Tensor& t, const Tensor& mask) {
  if (mask.dtype() != DType::kBool) {
    return Invalid("Expected mask to be of ScalarType Bool, but got ",
                   TypeName(mask.dtype()), " instead.");
  }
  if (mask.dim() != 2) return Invalid("Padding mask should be 2D");
  if (t.dim() != 3) return Invalid("Input should be a 3D tensor, N * L * D");
  if (t.size(0) != mask.size(0) || t.size(1) != mask.size(1)) {
    return Invalid("Mask size should match input size");
  }
  return absl::OkStatus();
}

// Lengths of rows that are true up to a place and false from there on; sets
// *aligned to whether all are.
absl::StatusOr<Tensor> Lengths(const Tensor& mask, bool* aligned) {
  TANDEM_ASSIGN_OR_RETURN(const Tensor m, Contiguous(mask));
  TANDEM_ASSIGN_OR_RETURN(const Tensor lengths,
                          Tensor::Empty({m.size(0)}, DType::kInt64));
  *aligned = true;
  const int64_t n = m.size(1);
  for (int64_t i = 0; i < m.size(0); ++i) {
    const bool* row = m.data<bool>() + i * n;
    int64_t count = 0;
    for (int64_t j = 0; j < n; ++j) {
      if (row[j] && count != j) *aligned = false;
      count += row[j];
    }
    lengths.data<int64_t>()[i] = count;
  }
  return lengths;
}

absl::StatusOr<bool> FromMaskLeftAligned(const Tensor& t, const Tensor& mask) {
  TANDEM_RETURN_IF_ERROR(CheckMask(t, mask));
  bool aligned = false;
  TANDEM_RETURN_IF_ERROR(Lengths(mask, &aligned).status());
  return aligned;
}

// Zeros behind the lengths, so that nothing strange lies there.
void FillPadding(const Tensor& t, const Tensor& lengths, int64_t batch) {
  const int64_t row_bytes = t.size(2) * static_cast<int64_t>(t.element_size());
  for (int64_t i = 0; i < batch; ++i) {
    const int64_t from = lengths.data<int64_t>()[i];
    std::memset(t.raw_data() + (i * t.size(1) + from) * row_bytes, 0,
                (t.size(1) - from) * row_bytes);
  }
}

absl::StatusOr<Tensor> FromMask(const Tensor& t, const Tensor& mask,
                                bool mask_check) {
  TANDEM_RETURN_IF_ERROR(CheckMask(t, mask));
  bool aligned = false;
  TANDEM_ASSIGN_OR_RETURN(const Tensor lengths, Lengths(mask, &aligned));
  if (!aligned && mask_check) {
    return Invalid("Mask must be left-aligned without gaps");
  }
  TANDEM_ASSIGN_OR_RETURN(const Tensor padded, CloneContiguous(t, t.dtype()));
  if (padded.numel() != 0) FillPadding(padded, lengths, t.size(0));
  return MakeNested(padded, lengths);
}

absl::StatusOr<Tensor> ToPadded(
    const Tensor& self, double padding,
    std::optional<absl::Span<const int64_t>> output_size) {
  if (!IsNested(self)) {
    return absl::UnimplementedError(
        "Could not run 'aten::to_padded_tensor' with arguments from the 'CPU' "
        "backend.");
  }
  const Tensor& lengths = NestedLengths(self);
  const int64_t batch = self.size(0), d = self.size(2);
  int64_t longest = 0;
  for (int64_t i = 0; i < batch; ++i) {
    longest =
        std::max(longest, std::min(lengths.data<int64_t>()[i], self.size(1)));
  }
  Dims sizes{batch, longest, d};
  if (output_size.has_value()) {
    if (output_size->size() != 3) {
      return Invalid(
          "Length of output_size does not match NestedTensor dims. "
          "Broadcasting is not supported.");
    }
    for (int i = 0; i < 3; ++i) {
      if ((*output_size)[i] < sizes[i]) {
        return Invalid(
            "Value in output_size is less than NestedTensor padded size. "
            "Truncation is not supported.");
      }
      sizes[i] = (*output_size)[i];
    }
  }
  TANDEM_ASSIGN_OR_RETURN(const Tensor out, Tensor::Empty(sizes, self.dtype()));
  TANDEM_RETURN_IF_ERROR(FillElements(out, padding));
  for (int64_t i = 0; i < batch; ++i) {
    const int64_t n = std::min(lengths.data<int64_t>()[i], self.size(1));
    TANDEM_RETURN_IF_ERROR(CopyElements(
        NarrowView(SelectView(self, 0, i), 0, 0, n),
        NarrowView(NarrowView(SelectView(out, 0, i), 0, 0, n), 1, 0, d)));
  }
  return out;
}

bool IsNestedKernel(const Tensor& t) { return IsNested(t); }

}  // namespace

void RegisterNested(KernelRegistrar& r) {
  r.Add("aten::_nested_tensor_from_mask", &FromMask)
      .Add("aten::_nested_tensor_from_mask_left_aligned", &FromMaskLeftAligned)
      .Add("aten::to_padded_tensor", &ToPadded)
      .Add("aten::nested_to_padded_tensor", &ToPadded)
      .Add("prim::is_nested", &IsNestedKernel,
           {/*handles_lazy_bits=*/true, /*metadata_only=*/true});
}

}  // namespace tandem::reference
