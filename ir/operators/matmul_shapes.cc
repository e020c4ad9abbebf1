#include "tandem/ir/operators/matmul_shapes.h"

#include "absl/strings/str_cat.h"
#include "tandem/ir/operators/promotion.h"
#include "tandem/tensor/status_macros.h"

namespace tandem {
namespace {

// Product of the leading sizes that a matrix product folds into rows.
absl::StatusOr<int64_t> Rows(DimSpan sizes) {
  return CheckedNumel(sizes.first(sizes.size() - 1));
}

}  // namespace

absl::StatusOr<Dims> MmSizes(absl::string_view op, DimSpan a, DimSpan b) {
  if (a.size() != 2) {
    return absl::InvalidArgumentError(absl::StrCat(
        op, ": self must be a matrix, got ", a.size(), "-D tensor"));
  }
  if (b.size() != 2) {
    return absl::InvalidArgumentError(absl::StrCat(
        op, ": mat2 must be a matrix, got ", b.size(), "-D tensor"));
  }
  if (a[1] != b[0]) {
    return absl::InvalidArgumentError(
        absl::StrCat(op, ": mat1 and mat2 shapes cannot be multiplied (", a[0],
                     "x", a[1], " and ", b[0], "x", b[1], ")"));
  }
  return Dims{a[0], b[1]};
}

absl::StatusOr<Dims> BmmSizes(DimSpan a, DimSpan b) {
  if (a.size() != 3) {
    return absl::InvalidArgumentError("batch1 must be a 3D tensor");
  }
  if (b.size() != 3) {
    return absl::InvalidArgumentError("batch2 must be a 3D tensor");
  }
  if (b[0] != a[0] || b[1] != a[2]) {
    return absl::InvalidArgumentError(absl::StrCat(
        "Expected size for first two dimensions of batch2 tensor to be: [",
        a[0], ", ", a[2], "] but got: [", b[0], ", ", b[1], "]."));
  }
  return Dims{a[0], a[1], b[2]};
}

absl::Status CheckMvSizes(DimSpan self, DimSpan mat, DimSpan vec) {
  if (mat.size() != 2 || vec.size() != 1 || self.size() > 1) {
    return absl::InvalidArgumentError(
        absl::StrCat("vector + matrix @ vector expected, got ", self.size(),
                     ", ", mat.size(), ", ", vec.size()));
  }
  const int64_t self_size = self.empty() ? 1 : self[0];
  if (mat[1] != vec[0] || (self_size != mat[0] && self_size != 1)) {
    return absl::InvalidArgumentError(
        absl::StrCat("size mismatch, got input (", self_size, "), mat (",
                     mat[0], "x", mat[1], "), vec (", vec[0], ")"));
  }
  return absl::OkStatus();
}

absl::Status CheckDotSizes(DimSpan a, DimSpan b) {
  if (a.size() != 1 || b.size() != 1) {
    return absl::InvalidArgumentError(
        absl::StrCat("1D tensors expected, but got ", a.size(), "D and ",
                     b.size(), "D tensors"));
  }
  if (a[0] != b[0]) {
    return absl::InvalidArgumentError(absl::StrCat(
        "inconsistent tensor size, expected tensor [", a[0], "] and src [",
        b[0], "] to have the same number of elements, but got ", a[0], " and ",
        b[0], " elements respectively"));
  }
  return absl::OkStatus();
}

absl::StatusOr<Dims> MatMulSizes(DimSpan a, DimSpan b) {
  if (a.empty() || b.empty()) {
    return absl::InvalidArgumentError(absl::StrCat(
        "both arguments to matmul need to be at least 1D, but they are ",
        a.size(), "D and ", b.size(), "D"));
  }
  if (a.size() == 1 && b.size() == 1) {
    TANDEM_RETURN_IF_ERROR(CheckDotSizes(a, b));
    return absl::StatusOr<Dims>(absl::in_place);
  }
  if (a.size() == 2 && b.size() == 1) {
    TANDEM_RETURN_IF_ERROR(CheckMvSizes({a[0]}, a, b));
    return Dims{a[0]};
  }
  if (a.size() <= 2 && b.size() == 2) {
    const Dims rows = a.size() == 1 ? Dims{1, a[0]} : Dims{a[0], a[1]};
    TANDEM_ASSIGN_OR_RETURN(Dims result, MmSizes("mm", rows, b));
    if (a.size() == 1) result.erase(result.begin());
    return result;
  }
  if (b.size() <= 2) {  // batches of rows against one matrix or vector
    TANDEM_ASSIGN_OR_RETURN(const int64_t rows, Rows(a));
    const Dims folded{rows, a.back()};
    Dims result(a.begin(), a.end() - 1);
    if (b.size() == 1) {
      TANDEM_RETURN_IF_ERROR(CheckMvSizes({rows}, folded, b));
      return result;
    }
    TANDEM_RETURN_IF_ERROR(MmSizes("mm", folded, b).status());
    result.push_back(b[1]);
    return result;
  }
  if (a.size() == 1 && b.back() * b[b.size() - 2] == 0) {
    // Empty batches fold too, transposed.
    TANDEM_ASSIGN_OR_RETURN(const int64_t batch,
                            CheckedNumel(b.first(b.size() - 2)));
    TANDEM_ASSIGN_OR_RETURN(const int64_t rows,
                            CheckedNumel({batch, b.back()}));
    TANDEM_RETURN_IF_ERROR(CheckMvSizes({rows}, {rows, b[b.size() - 2]}, a));
  }
  const int64_t m = a.size() == 1 ? 1 : a[a.size() - 2];
  const DimSpan a_batch = a.size() < 2 ? DimSpan() : a.first(a.size() - 2);
  const DimSpan b_batch = b.first(b.size() - 2);
  TANDEM_ASSIGN_OR_RETURN(Dims result, BroadcastSizes(a_batch, b_batch));
  TANDEM_ASSIGN_OR_RETURN(const int64_t count, CheckedNumel(result));
  TANDEM_RETURN_IF_ERROR(
      BmmSizes({count, m, a.back()}, {count, b[b.size() - 2], b.back()})
          .status());
  if (a.size() > 1) result.push_back(m);
  result.push_back(b.back());
  return result;
}

absl::StatusOr<Dims> LinearSizes(DimSpan input, DimSpan weight, bool has_bias) {
  if (input.empty() || weight.empty()) {
    return absl::InvalidArgumentError(absl::StrCat(
        "both arguments to linear need to be at least 1D, but they are ",
        input.size(), "D and ", weight.size(), "D"));
  }
  if (weight.size() > 2) {
    return absl::InvalidArgumentError(
        absl::StrCat("t() expects a tensor with <= 2 dimensions, but self is ",
                     weight.size(), "D"));
  }
  TANDEM_ASSIGN_OR_RETURN(const int64_t rows, Rows(input));
  const Dims folded{rows, input.back()};
  if (weight.size() == 1) {
    if (has_bias) return MmSizes("addmm", folded, weight);
    return MatMulSizes(input, weight);
  }
  TANDEM_RETURN_IF_ERROR(
      MmSizes(has_bias ? "addmm" : "mm", folded, {weight[1], weight[0]})
          .status());
  Dims result(input.begin(), input.end());
  result.back() = weight[0];
  return result;
}

}  // namespace tandem
