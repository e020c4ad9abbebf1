// Places in sorted sequences: searchsorted, bucketize; differences: diff,
// cross.
#include <algorithm>

#include "absl/strings/str_cat.h"
#include "tandem/backends/reference/index.h"
#include "tandem/backends/reference/shape.h"
#include "tandem/backends/reference/variants.h"
#include "tandem/ir/operators/promotion.h"
#include "tandem/tensor/copy.h"
#include "tandem/tensor/visit.h"

namespace tandem::reference {
namespace {

absl::Status Invalid(std::string text) {
  return absl::InvalidArgumentError(std::move(text));
}

// First place whose element is not less (right: greater) than v, as PyTorch
// compares: NaN is never less, so it goes behind everything.
template <typename T>
int64_t Place(const T* sequence, const int64_t* sorter, int64_t size, T value,
              bool right) {
  using C = Compute<T>;
  const C v = static_cast<C>(value);
  int64_t low = 0, high = size;
  while (low < high) {
    const int64_t middle = low + (high - low) / 2;
    const C at =
        static_cast<C>(sequence[sorter == nullptr ? middle : sorter[middle]]);
    const bool left_of = right ? !(at > v) : !(at >= v);
    if (left_of) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return low;
}

absl::StatusOr<Tensor> Search(const Tensor& sequence, const Tensor& values,
                              const Tensor& sorter, bool out_int32,
                              bool right) {
  ResultType type;
  type.Add(sequence).Add(values);
  TANDEM_ASSIGN_OR_RETURN(const DType dtype, type.Get());
  TANDEM_ASSIGN_OR_RETURN(const Tensor bounds, Contiguous(sequence, dtype));
  TANDEM_ASSIGN_OR_RETURN(const Tensor wanted, Contiguous(values, dtype));
  Tensor order;
  if (sorter.defined()) {
    TANDEM_ASSIGN_OR_RETURN(order, Contiguous(sorter));
  }
  TANDEM_ASSIGN_OR_RETURN(Tensor result,
                          Tensor::Empty(values.sizes(), DType::kInt64));
  const int64_t size = bounds.size(bounds.dim() - 1);
  // A sequence for each row of values, or one for all.
  const int64_t row = bounds.dim() > 1 ? values.size(values.dim() - 1)
                                       : std::max<int64_t>(values.numel(), 1);
  TANDEM_RETURN_IF_ERROR(
      VisitReal(dtype, "searchsorted_out_cpu", [&](auto tag) -> absl::Status {
        using T = typename decltype(tag)::type;
        for (int64_t i = 0; i < values.numel(); ++i) {
          const int64_t start = i / row * size;
          result.data<int64_t>()[i] =
              Place(bounds.data<T>() + start,
                    order.defined() ? order.data<int64_t>() + start : nullptr,
                    size, wanted.data<T>()[i], right);
        }
        return absl::OkStatus();
      }));
  return out_int32 ? ToDType(result, DType::kInt32)
                   : absl::StatusOr<Tensor>(result);
}

absl::StatusOr<Tensor> SearchSorted(const Tensor& sequence, const Tensor& self,
                                    bool out_int32, bool right,
                                    std::optional<absl::string_view> side,
                                    const Tensor& sorter) {
  constexpr absl::string_view kName = "torch.searchsorted(): ";
  if (side.has_value()) {
    if (*side != "left" && *side != "right") {
      return Invalid(absl::StrCat(
          kName, "side can only be 'left' or 'right' but got ", *side));
    }
    if (right && *side == "left") {
      return Invalid(absl::StrCat(
          kName,
          "side and right can't be set to opposites, got side of left while "
          "right was True"));
    }
    right = right || *side == "right";
  }
  if (self.dim() == 0 && sequence.dim() != 1) {
    return Invalid(absl::StrCat(
        kName,
        "input value can be a scalar only when boundaries tensor dimension is "
        "1, but we got boundaries tensor dim(",
        sequence.dim(), ") and input value's dim(", self.dim(), ") numel(",
        self.numel(), ")"));
  }
  if (sequence.dim() == 0) {
    return Invalid(absl::StrCat(
        kName,
        "boundaries tensor should have positive dimension, but got 0 "
        "dimension"));
  }
  bool match = sequence.dim() == self.dim();
  for (int64_t d = 0; match && d + 1 < self.dim(); ++d) {
    match = sequence.size(d) == self.size(d);
  }
  if (sequence.dim() != 1 && !match) {
    return Invalid(absl::StrCat(
        kName,
        "boundaries tensor should be 1 dimension or the first N-1 dimensions "
        "of boundaries tensor and input value tensor must match, but we got "
        "boundaries tensor ",
        DimsToString(sequence.sizes()), " and input value tensor ",
        DimsToString(self.sizes())));
  }
  if (sorter.defined()) {
    if (sorter.sizes() != sequence.sizes()) {
      return Invalid(absl::StrCat(
          kName,
          "boundary and sorter must have the same size, but got boundary "
          "tensor ",
          DimsToString(sequence.sizes()), "and got sorter tensor ",
          DimsToString(sorter.sizes())));
    }
    if (sorter.dtype() != DType::kInt64) {
      return Invalid(absl::StrCat(
          kName, "sorter must be a tensor of long dtype but got dtype ",
          TypeName(sorter.dtype())));
    }
    TANDEM_ASSIGN_OR_RETURN(const Tensor order, Contiguous(sorter));
    const int64_t size = sequence.size(sequence.dim() - 1);
    for (int64_t i = 0; i < order.numel(); ++i) {
      const int64_t v = order.data<int64_t>()[i];
      if (v < 0 || v >= size) {
        return Invalid(absl::StrCat(kName, "sorter index out of range"));
      }
    }
  }
  return Search(sequence, self, sorter, out_int32, right);
}

absl::Status CheckOut(const Tensor& out, bool out_int32) {
  if (out.dtype() == (out_int32 ? DType::kInt32 : DType::kInt64)) {
    return absl::OkStatus();
  }
  return Invalid(absl::StrCat(
      "torch.searchsorted(): output tensor's dtype is wrong, it can only be "
      "Int(int32) or Long(int64) depending on whether out_int32 flag is True, "
      "but we got output tensor's dtype ",
      TypeName(out.dtype()), " and out_int32 flag is ",
      out_int32 ? "True" : "False"));
}

absl::StatusOr<Tensor> SearchSortedOut(const Tensor& sequence,
                                       const Tensor& self, bool out_int32,
                                       bool right,
                                       std::optional<absl::string_view> side,
                                       const Tensor& sorter,
                                       const Tensor& out) {
  TANDEM_RETURN_IF_ERROR(CheckOut(out, out_int32));
  TANDEM_ASSIGN_OR_RETURN(
      const Tensor result,
      SearchSorted(sequence, self, out_int32, right, side, sorter));
  return WriteOut(result, out);
}

// The number as a tensor that is weak in promotion.
absl::StatusOr<Tensor> Wrapped(const Scalar& s) {
  TANDEM_ASSIGN_OR_RETURN(Tensor t, Tensor::FromScalar(s));
  t.impl()->wrapped_number = true;
  return t;
}

absl::StatusOr<Tensor> SearchSortedScalar(const Tensor& sequence,
                                          const Scalar& self, bool out_int32,
                                          bool right,
                                          std::optional<absl::string_view> side,
                                          const Tensor& sorter) {
  TANDEM_ASSIGN_OR_RETURN(const Tensor value, Wrapped(self));
  return SearchSorted(sequence, value, out_int32, right, side, sorter);
}

absl::StatusOr<Tensor> SearchSortedScalarOut(
    const Tensor& sequence, const Scalar& self, bool out_int32, bool right,
    std::optional<absl::string_view> side, const Tensor& sorter,
    const Tensor& out) {
  TANDEM_ASSIGN_OR_RETURN(const Tensor value, Wrapped(self));
  return SearchSortedOut(sequence, value, out_int32, right, side, sorter, out);
}

absl::StatusOr<Tensor> Bucketize(const Tensor& self, const Tensor& boundaries,
                                 bool out_int32, bool right) {
  if (boundaries.dim() != 1) {
    return Invalid(
        absl::StrCat("boundaries tensor must be 1 dimension, but got dim(",
                     boundaries.dim(), ")"));
  }
  return SearchSorted(boundaries, self, out_int32, right, std::nullopt,
                      Tensor());
}

absl::StatusOr<Tensor> BucketizeOut(const Tensor& self,
                                    const Tensor& boundaries, bool out_int32,
                                    bool right, const Tensor& out) {
  TANDEM_RETURN_IF_ERROR(CheckOut(out, out_int32));
  TANDEM_ASSIGN_OR_RETURN(const Tensor result,
                          Bucketize(self, boundaries, out_int32, right));
  return WriteOut(result, out);
}

absl::StatusOr<Tensor> BucketizeScalar(const Scalar& self,
                                       const Tensor& boundaries, bool out_int32,
                                       bool right) {
  TANDEM_ASSIGN_OR_RETURN(const Tensor value, Wrapped(self));
  return Bucketize(value, boundaries, out_int32, right);
}

absl::StatusOr<Tensor> BucketizeScalarOut(const Scalar& self,
                                          const Tensor& boundaries,
                                          bool out_int32, bool right,
                                          const Tensor& out) {
  TANDEM_ASSIGN_OR_RETURN(const Tensor value, Wrapped(self));
  return BucketizeOut(value, boundaries, out_int32, right, out);
}

// ---- diff

// a - b of equal sizes and dtype, in a new tensor; bools are xor.
absl::StatusOr<Tensor> Difference(const Tensor& a, const Tensor& b) {
  TANDEM_ASSIGN_OR_RETURN(
      Tensor result,
      Tensor::EmptyStrided(a.sizes(), PointwiseStrides({a, b}, a.sizes()),
                           a.dtype()));
  TANDEM_ASSIGN_OR_RETURN(const Tensor x, Contiguous(a));
  TANDEM_ASSIGN_OR_RETURN(const Tensor y, Contiguous(b));
  TANDEM_ASSIGN_OR_RETURN(const Tensor dense,
                          Tensor::Empty(a.sizes(), a.dtype()));
  const auto run = [&](auto tag) -> absl::Status {
    using T = typename decltype(tag)::type;
    using C =
        std::conditional_t<std::is_integral_v<T> && !std::is_same_v<T, bool>,
                           uint64_t, Compute<T>>;
    for (int64_t i = 0; i < a.numel(); ++i) {
      if constexpr (std::is_same_v<T, bool>) {
        dense.data<T>()[i] = x.data<T>()[i] != y.data<T>()[i];
      } else {
        dense.data<T>()[i] = static_cast<T>(static_cast<C>(x.data<T>()[i]) -
                                            static_cast<C>(y.data<T>()[i]));
      }
    }
    return absl::OkStatus();
  };
  if (a.dtype() == DType::kBool) {
    TANDEM_RETURN_IF_ERROR(run(TypeTag<bool>{}));
  } else {
    TANDEM_RETURN_IF_ERROR(VisitNumeric(a.dtype(), "diff", run));
  }
  TANDEM_RETURN_IF_ERROR(CopyElements(dense, result));
  return result;
}

absl::Status CheckDiff(const Tensor& self, int64_t dim, const Tensor& other) {
  if (!other.defined()) return absl::OkStatus();
  if (other.dim() != self.dim()) {
    return Invalid(
        "diff expects prepend or append to be the same dimension as input");
  }
  for (int64_t d = 0; d < self.dim(); ++d) {
    if (d == dim || other.size(d) == self.size(d)) continue;
    return Invalid(absl::StrCat(
        "diff expects the shape of tensor to prepend or append to match that "
        "of input except along the differencing dimension; input.size(",
        d, ") = ", self.size(d), ", but got tensor.size(", d,
        ") = ", other.size(d)));
  }
  return absl::OkStatus();
}

absl::StatusOr<Tensor> Diff(const Tensor& self, int64_t n, int64_t dim,
                            const Tensor& prepend, const Tensor& append) {
  if (self.dim() == 0) {
    return Invalid("diff expects input to be at least one-dimensional");
  }
  if (n < 0) {
    return Invalid(absl::StrCat("order must be non-negative but got ", n));
  }
  TANDEM_ASSIGN_OR_RETURN(const int64_t d, WrapDim(dim, self.dim()));
  TANDEM_RETURN_IF_ERROR(CheckDiff(self, d, prepend));
  TANDEM_RETURN_IF_ERROR(CheckDiff(self, d, append));
  if (n == 0) return Clone(self);
  std::vector<Tensor> parts;
  if (prepend.defined()) parts.push_back(prepend);
  parts.push_back(self);
  if (append.defined()) parts.push_back(append);
  Tensor result = self;
  if (parts.size() > 1) {
    TANDEM_ASSIGN_OR_RETURN(result, Cat(parts, d));
  }
  if (n == 0) {
    return parts.size() > 1 ? absl::StatusOr<Tensor>(result) : Clone(result);
  }
  for (int64_t i = std::min(n, result.size(d)); i > 0; --i) {
    const int64_t size = std::max<int64_t>(result.size(d) - 1, 0);
    TANDEM_ASSIGN_OR_RETURN(const Tensor later, Narrow(result, d, 1, size));
    TANDEM_ASSIGN_OR_RETURN(const Tensor earlier, Narrow(result, d, 0, size));
    TANDEM_ASSIGN_OR_RETURN(result, Difference(later, earlier));
  }
  return result.is_same(self) ? CopyOfView(self)
                              : absl::StatusOr<Tensor>(result);
}

// ---- cross

absl::StatusOr<Tensor> LinalgCross(const Tensor& self, const Tensor& other,
                                   int64_t dim) {
  if (self.dim() != other.dim()) {
    return Invalid(
        "linalg.cross: inputs must have the same number of dimensions.");
  }
  TANDEM_ASSIGN_OR_RETURN(const int64_t d, WrapDim(dim, self.dim()));
  if (self.dim() == 0 || self.size(d) != 3 || other.size(d) != 3) {
    return Invalid(absl::StrCat("linalg.cross: inputs dimension ", dim,
                                " must have length 3. Got ",
                                self.dim() == 0 ? 1 : self.size(d), " and ",
                                other.dim() == 0 ? 1 : other.size(d)));
  }
  if (self.dtype() != other.dtype()) {
    return Invalid(absl::StrCat("expected scalar type ", TypeName(self.dtype()),
                                " but found ", TypeName(other.dtype())));
  }
  TANDEM_ASSIGN_OR_RETURN(const Dims sizes,
                          BroadcastSizes(self.sizes(), other.sizes()));
  TANDEM_ASSIGN_OR_RETURN(const Tensor a, Expand(self, sizes));
  TANDEM_ASSIGN_OR_RETURN(const Tensor b, Expand(other, sizes));
  // The three parts in front, contiguous.
  TANDEM_ASSIGN_OR_RETURN(const Tensor front_a, MoveDim(a, d, 0));
  TANDEM_ASSIGN_OR_RETURN(const Tensor front_b, MoveDim(b, d, 0));
  TANDEM_ASSIGN_OR_RETURN(const Tensor x, Contiguous(front_a));
  TANDEM_ASSIGN_OR_RETURN(const Tensor y, Contiguous(front_b));
  TANDEM_ASSIGN_OR_RETURN(const Tensor result,
                          Tensor::Empty(sizes, self.dtype()));
  TANDEM_ASSIGN_OR_RETURN(const Tensor dense,
                          Tensor::Empty(x.sizes(), self.dtype()));
  const int64_t n = dense.numel() / 3;
  TANDEM_RETURN_IF_ERROR(
      VisitNumeric(self.dtype(), "cross", [&](auto tag) -> absl::Status {
        using T = typename decltype(tag)::type;
        using C =
            std::conditional_t<std::is_integral_v<T>, uint64_t, Compute<T>>;
        const auto at = [&](const Tensor& t, int64_t part, int64_t i) {
          return static_cast<C>(t.data<T>()[part * n + i]);
        };
        for (int64_t part = 0; part < 3; ++part) {
          const int64_t p = (part + 1) % 3, q = (part + 2) % 3;
          for (int64_t i = 0; i < n; ++i) {
            // 16-bit floats are rounded at every step.
            const T plus = static_cast<T>(at(x, p, i) * at(y, q, i));
            const T minus = static_cast<T>(at(x, q, i) * at(y, p, i));
            dense.data<T>()[part * n + i] =
                static_cast<T>(static_cast<C>(plus) - static_cast<C>(minus));
          }
        }
        return absl::OkStatus();
      }));
  TANDEM_ASSIGN_OR_RETURN(const Tensor place, MoveDim(result, d, 0));
  TANDEM_RETURN_IF_ERROR(CopyElements(dense, place));
  return result;
}

absl::StatusOr<Tensor> Cross(const Tensor& self, const Tensor& other,
                             std::optional<int64_t> dim) {
  if (dim.has_value()) return LinalgCross(self, other, *dim);
  for (int64_t d = 0; d < self.dim(); ++d) {
    if (self.size(d) == 3) return LinalgCross(self, other, d);
  }
  return Invalid("no dimension of size 3 in input");
}

}  // namespace

void AddIndexSearch(KernelRegistrar& r) {
  r.Add("aten::searchsorted.Tensor", &SearchSorted)
      .Add("aten::searchsorted.Tensor_out", &SearchSortedOut)
      .Add("aten::searchsorted.Scalar", &SearchSortedScalar)
      .Add("aten::searchsorted.Scalar_out", &SearchSortedScalarOut)
      .Add("aten::bucketize.Tensor", &Bucketize)
      .Add("aten::bucketize.Tensor_out", &BucketizeOut)
      .Add("aten::bucketize.Scalar", &BucketizeScalar)
      .Add("aten::bucketize.Scalar_out", &BucketizeScalarOut)
      .Add("aten::diff", &Diff)
      .Add("aten::diff.out", &Variants<Diff>::OutExact)
      .Add("aten::cross", &Cross)
      .Add("aten::cross.out", &Variants<Cross>::Out)
      .Add("aten::linalg_cross", &LinalgCross)
      .Add("aten::linalg_cross.out", &Variants<LinalgCross>::Out);
}

}  // namespace tandem::reference
