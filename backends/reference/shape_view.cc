// Views that keep every element: view, reshape, squeeze, permute, expand.
#include <algorithm>

#include "absl/base/optimization.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "tandem/backends/reference/shape.h"
#include "tandem/backends/reference/variants.h"
#include "tandem/ir/operators/promotion.h"
#include "tandem/ir/operators/shape_shapes.h"
#include "tandem/tensor/copy.h"

namespace tandem::reference {
namespace {

absl::Status Invalid(std::string text) {
  return absl::InvalidArgumentError(std::move(text));
}

absl::StatusOr<Tensor> Ravel(const Tensor& self) {
  TANDEM_ASSIGN_OR_RETURN(const Tensor contiguous, Contiguous(self));
  return Reshape(contiguous, {-1});
}

absl::StatusOr<Tensor> ViewAs(const Tensor& self, const Tensor& other) {
  return View(self, other.sizes());
}

absl::StatusOr<Tensor> ReshapeAs(const Tensor& self, const Tensor& other) {
  return Reshape(self, other.sizes());
}

absl::StatusOr<Tensor> ReshapeCopy(const Tensor& self, DimSpan size) {
  TANDEM_ASSIGN_OR_RETURN(const Dims sizes, InferSizes(size, self.numel()));
  TANDEM_ASSIGN_OR_RETURN(const Tensor copy, CopyOfView(self));
  return View(copy, sizes);
}

absl::StatusOr<Tensor> ReshapeAlias(const Tensor& self, DimSpan size,
                                    DimSpan stride) {
  return self.AsStrided(size, stride, self.offset());
}

absl::StatusOr<Tensor> Flatten(const Tensor& self, int64_t start_dim,
                               int64_t end_dim) {
  TANDEM_ASSIGN_OR_RETURN(const int64_t start, WrapDim(start_dim, self.dim()));
  TANDEM_ASSIGN_OR_RETURN(const int64_t end, WrapDim(end_dim, self.dim()));
  if (start > end) {
    return Invalid(
        "flatten() has invalid args: start_dim cannot come after "
        "end_dim");
  }
  if (self.dim() == 0) return Reshape(self, {1});
  if (start == end) return self;
  Dims sizes;
  int64_t merged = 1;
  for (int64_t d = 0; d < self.dim(); ++d) {
    if (d < start || d > end) {
      sizes.push_back(self.size(d));
    } else {
      merged *= self.size(d);
      if (d == end) sizes.push_back(merged);
    }
  }
  return Reshape(self, sizes);
}

absl::StatusOr<Tensor> Unflatten(const Tensor& self, int64_t dim,
                                 DimSpan sizes) {
  TANDEM_ASSIGN_OR_RETURN(const int64_t d, WrapDim(dim, self.dim()));
  if (sizes.empty()) {
    return Invalid("unflatten: sizes must be non-empty");
  }
  const int64_t length = self.dim() == 0 ? 1 : self.size(d);
  const absl::StatusOr<Dims> inferred = InferSizes(sizes, length);
  if (!inferred.ok()) {
    if (absl::StrContains(inferred.status().message(), "is invalid for")) {
      return Invalid(absl::StrCat("unflatten: Provided sizes ",
                                  DimsToString(sizes),
                                  " don't multiply up to the size of dim ", d,
                                  " (", length, ") in the input tensor"));
    }
    return inferred.status();
  }
  Dims shape(self.sizes().begin(), self.sizes().begin() + d);
  shape.insert(shape.end(), inferred->begin(), inferred->end());
  if (d + 1 < self.dim()) {
    shape.insert(shape.end(), self.sizes().begin() + d + 1, self.sizes().end());
  }
  return View(self, shape);
}

// ---- squeeze and unsqueeze

template <typename Drop>
absl::StatusOr<Tensor> SqueezeIf(const Tensor& self, const Drop& drop) {
  Dims sizes, strides;
  for (int64_t d = 0; d < self.dim(); ++d) {
    if (self.size(d) == 1 && drop(d)) continue;
    sizes.push_back(self.size(d));
    strides.push_back(self.stride(d));
  }
  return MakeView(self, sizes, strides, self.offset());
}

absl::StatusOr<Tensor> Squeeze(const Tensor& self) {
  return SqueezeIf(self, [](int64_t) { return true; });
}

absl::StatusOr<Tensor> SqueezeDim(const Tensor& self, int64_t dim) {
  TANDEM_ASSIGN_OR_RETURN(const int64_t d, WrapDim(dim, self.dim()));
  return SqueezeIf(self, [&](int64_t i) { return i == d; });
}

absl::StatusOr<Tensor> SqueezeDims(const Tensor& self,
                                   absl::Span<const int64_t> dims) {
  TANDEM_ASSIGN_OR_RETURN(const Dims wrapped, WrapDims(dims, self.dim()));
  return SqueezeIf(self, [&](int64_t i) {
    return std::find(wrapped.begin(), wrapped.end(), i) != wrapped.end();
  });
}

// ---- order of dims

absl::StatusOr<Tensor> TNamed(const Tensor& self, absl::string_view name) {
  if (self.dim() > 2) {
    return Invalid(absl::StrCat(
        name, " expects a tensor with <= 2 dimensions, but self is ",
        self.dim(), "D"));
  }
  return Transpose(self, 0, self.dim() < 2 ? 0 : 1);
}

absl::StatusOr<Tensor> T(const Tensor& self) { return TNamed(self, "t()"); }

absl::StatusOr<Tensor> TInPlace(const Tensor& self) {
  TANDEM_ASSIGN_OR_RETURN(const Tensor view, TNamed(self, "t_()"));
  return BecomeView(view, self);
}

absl::StatusOr<Tensor> MoveDims(const Tensor& self,
                                absl::Span<const int64_t> source,
                                absl::Span<const int64_t> destination) {
  TANDEM_ASSIGN_OR_RETURN(const Dims order,
                          MoveDimOrder(self.dim(), source, destination));
  if (self.dim() == 0) return self.Alias();
  return Permute(self, order);
}

absl::StatusOr<Tensor> NumpyT(const Tensor& self) {
  Dims order(self.dim());
  for (int64_t d = 0; d < self.dim(); ++d) order[d] = self.dim() - 1 - d;
  return Permute(self, order);
}

absl::StatusOr<Tensor> MT(const Tensor& self) {
  if (self.dim() == 1) {
    return Invalid(absl::StrCat(
        "tensor.mT is only supported on matrices or batches of matrices. Got ",
        self.dim(), "-D tensor."));
  }
  return self.dim() == 0 ? self.Alias() : Transpose(self, -2, -1);
}

absl::StatusOr<Tensor> Conjugated(absl::StatusOr<Tensor> t) {
  if (t.ok() && IsComplex(t->dtype())) t->impl()->conj = !t->impl()->conj;
  return t;
}

absl::StatusOr<Tensor> MatrixH(const Tensor& self) {
  if (self.dim() == 0) return Conjugated(self.Alias());
  if (self.dim() != 2) {
    return Invalid(absl::StrCat(
        "tensor.H is only supported on matrices (2-D tensors). Got ",
        self.dim(), "-D tensor.",
        self.dim() > 2 ? " For batches of matrices, consider using tensor.mH"
                       : ""));
  }
  return Conjugated(Transpose(self, 0, 1));
}

absl::StatusOr<Tensor> AdjointAs(const Tensor& self, absl::string_view name) {
  if (self.dim() == 0) return Conjugated(self.Alias());
  if (self.dim() == 1) {
    return Invalid(absl::StrCat("tensor.", name,
                                " is only supported on matrices or batches of "
                                "matrices. Got ",
                                self.dim(), "-D tensor."));
  }
  return Conjugated(Transpose(self, -2, -1));
}

absl::StatusOr<Tensor> MH(const Tensor& self) { return AdjointAs(self, "mH"); }

absl::StatusOr<Tensor> Adjoint(const Tensor& self) {
  return AdjointAs(self, "adjoint()");
}

// ---- expand

absl::StatusOr<Tensor> ExpandOp(const Tensor& self, DimSpan size, bool) {
  return Expand(self, size);
}

absl::StatusOr<Tensor> ExpandAs(const Tensor& self, const Tensor& other) {
  return Expand(self, other.sizes());
}

// ---- atleast_nd

using ToRank = absl::StatusOr<Tensor> (*)(const Tensor&);

template <ToRank F>
absl::StatusOr<std::vector<Tensor>> Each(absl::Span<const Tensor> tensors) {
  std::vector<Tensor> results;
  results.reserve(tensors.size());
  for (const Tensor& t : tensors) {
    TANDEM_ASSIGN_OR_RETURN(Tensor r, F(t));
    results.push_back(std::move(r));
  }
  return results;
}

}  // namespace

absl::StatusOr<Tensor> MakeView(const Tensor& self, DimSpan sizes,
                                DimSpan strides, int64_t offset) {
  if (ABSL_PREDICT_FALSE(self.is_quantized()) &&
      self.impl()->quantizer->scheme != 0 && sizes != self.sizes()) {
    return Invalid(
        "Setting strides is possible only on uniformly quantized tensor");
  }
  return self.ViewUnchecked(sizes, strides, offset);
}

absl::StatusOr<Tensor> View(const Tensor& self, DimSpan size) {
  TANDEM_ASSIGN_OR_RETURN(const Dims sizes, InferSizes(size, self.numel()));
  const std::optional<Dims> strides =
      ViewStrides(self.sizes(), self.strides(), sizes);
  if (!strides.has_value()) {
    return Invalid(
        "view size is not compatible with input tensor's size and stride (at "
        "least one dimension spans across two contiguous subspaces). Use "
        ".reshape(...) instead.");
  }
  return MakeView(self, sizes, *strides, self.offset());
}

absl::StatusOr<Tensor> Reshape(const Tensor& self, DimSpan shape) {
  TANDEM_ASSIGN_OR_RETURN(const Dims sizes, InferSizes(shape, self.numel()));
  const std::optional<Dims> strides =
      ViewStrides(self.sizes(), self.strides(), sizes);
  if (strides.has_value()) {
    return MakeView(self, sizes, *strides, self.offset());
  }
  TANDEM_ASSIGN_OR_RETURN(const Tensor copy, CopyOfView(self));
  return MakeView(copy, sizes, ContiguousStrides(sizes), copy.offset());
}

absl::StatusOr<Tensor> Permute(const Tensor& self, DimSpan dims) {
  const int64_t rank = self.dim();
  if (static_cast<int64_t>(dims.size()) != rank) {
    return Invalid(absl::StrCat(
        "permute(sparse_coo): number of dimensions in the tensor input does "
        "not match the length of the desired ordering of dimensions i.e. "
        "input.dim() = ",
        rank, " is not equal to len(dims) = ", dims.size()));
  }
  Dims sizes(rank), strides(rank);
  absl::InlinedVector<bool, 16> seen(rank);
  for (int64_t i = 0; i < rank; ++i) {
    TANDEM_ASSIGN_OR_RETURN(const int64_t d, WrapDim(dims[i], rank));
    if (seen[d]) return Invalid("permute(): duplicate dims are not allowed.");
    seen[d] = true;
    sizes[i] = self.size(d);
    strides[i] = self.stride(d);
  }
  return MakeView(self, sizes, strides, self.offset());
}

absl::StatusOr<Tensor> Transpose(const Tensor& self, int64_t dim0,
                                 int64_t dim1) {
  TANDEM_ASSIGN_OR_RETURN(const int64_t a, WrapDim(dim0, self.dim()));
  TANDEM_ASSIGN_OR_RETURN(const int64_t b, WrapDim(dim1, self.dim()));
  Dims sizes(self.sizes().begin(), self.sizes().end());
  Dims strides(self.strides().begin(), self.strides().end());
  if (a != b) {
    std::swap(sizes[a], sizes[b]);
    std::swap(strides[a], strides[b]);
  }
  return MakeView(self, sizes, strides, self.offset());
}

absl::StatusOr<Tensor> MoveDim(const Tensor& self, int64_t source,
                               int64_t destination) {
  return MoveDims(self, {source}, {destination});
}

absl::StatusOr<Tensor> Unsqueeze(const Tensor& self, int64_t dim) {
  TANDEM_ASSIGN_OR_RETURN(const int64_t d, WrapDim(dim, self.dim() + 1));
  Dims sizes(self.sizes().begin(), self.sizes().end());
  Dims strides(self.strides().begin(), self.strides().end());
  const int64_t stride =
      d >= self.dim() ? 1
                      : static_cast<int64_t>(static_cast<uint64_t>(sizes[d]) *
                                             static_cast<uint64_t>(strides[d]));
  sizes.insert(sizes.begin() + d, 1);
  strides.insert(strides.begin() + d, stride);
  return MakeView(self, sizes, strides, self.offset());
}

absl::StatusOr<Tensor> Expand(const Tensor& self, DimSpan size) {
  TANDEM_ASSIGN_OR_RETURN(const Geometry g, ExpandedGeometry(self, size));
  return MakeView(self, g.sizes, g.strides, g.offset);
}

absl::StatusOr<Tensor> AtLeast1d(const Tensor& self) {
  return self.dim() == 0 ? Reshape(self, {1}) : self;
}

absl::StatusOr<Tensor> AtLeast2d(const Tensor& self) {
  if (self.dim() == 0) return Reshape(self, {1, 1});
  return self.dim() == 1 ? Unsqueeze(self, 0) : self;
}

absl::StatusOr<Tensor> AtLeast3d(const Tensor& self) {
  if (self.dim() == 0) return Reshape(self, {1, 1, 1});
  if (self.dim() == 1) {
    TANDEM_ASSIGN_OR_RETURN(const Tensor row, Unsqueeze(self, 0));
    return Unsqueeze(row, -1);
  }
  return self.dim() == 2 ? Unsqueeze(self, -1) : self;
}

absl::StatusOr<std::vector<Tensor>> BroadcastTensors(
    absl::Span<const Tensor> tensors) {
  TANDEM_ASSIGN_OR_RETURN(const Dims sizes, BroadcastSizes(tensors));
  std::vector<Tensor> results;
  results.reserve(tensors.size());
  for (const Tensor& t : tensors) {
    TANDEM_ASSIGN_OR_RETURN(Tensor r, Expand(t, sizes));
    results.push_back(std::move(r));
  }
  return results;
}

void AddShapeView(KernelRegistrar& r) {
  const KernelOptions lazy = {.handles_lazy_bits = true};
  r.Add("aten::view", &View, lazy)
      .Add("aten::_unsafe_view", &View, lazy)
      .Add("aten::_unsafe_view.out", &Variants<View>::OutExact, lazy)
      .Add("aten::view_copy", &ReshapeCopy, lazy)
      .Add("aten::view_copy.out", &Variants<ReshapeCopy>::OutExact, lazy)
      .Add("aten::view_as", &ViewAs, lazy)
      .Add("aten::reshape", &Reshape, lazy)
      .Add("aten::reshape_as", &ReshapeAs, lazy)
      .Add("aten::_reshape_copy", &ReshapeCopy, lazy)
      .Add("aten::_reshape_alias", &ReshapeAlias, lazy)
      .Add("aten::_reshape_alias_copy", &Variants<ReshapeAlias>::Copy, lazy)
      .Add("aten::_reshape_alias_copy.out", &Variants<ReshapeAlias>::OutExact,
           lazy)
      .Add("aten::ravel", &Ravel, lazy)
      .Add("aten::flatten.using_ints", &Flatten, lazy)
      .Add("aten::unflatten.int", &Unflatten, lazy);
  r.Add("aten::squeeze", &Squeeze, lazy)
      .Add("aten::squeeze.dim", &SqueezeDim, lazy)
      .Add("aten::squeeze.dims", &SqueezeDims, lazy)
      .Add("aten::squeeze_", &InPlace<Squeeze>::View, lazy)
      .Add("aten::squeeze_.dim", &InPlace<SqueezeDim>::View, lazy)
      .Add("aten::squeeze_.dims", &InPlace<SqueezeDims>::View, lazy)
      .Add("aten::squeeze_copy", &Variants<Squeeze>::Copy, lazy)
      .Add("aten::squeeze_copy.dim", &Variants<SqueezeDim>::Copy, lazy)
      .Add("aten::squeeze_copy.dims", &Variants<SqueezeDims>::Copy, lazy)
      .Add("aten::squeeze_copy.out", &Variants<Squeeze>::OutExact, lazy)
      .Add("aten::squeeze_copy.dim_out", &Variants<SqueezeDim>::OutExact, lazy)
      .Add("aten::squeeze_copy.dims_out", &Variants<SqueezeDims>::OutExact,
           lazy)
      .Add("aten::unsqueeze", &Unsqueeze, lazy)
      .Add("aten::unsqueeze_", &InPlace<Unsqueeze>::View, lazy)
      .Add("aten::unsqueeze_copy", &Variants<Unsqueeze>::Copy, lazy)
      .Add("aten::unsqueeze_copy.out", &Variants<Unsqueeze>::OutExact, lazy);
  r.Add("aten::permute", &Permute, lazy)
      .Add("aten::permute_copy", &Variants<Permute>::Copy, lazy)
      .Add("aten::permute_copy.out", &Variants<Permute>::OutExact, lazy)
      .Add("aten::transpose.int", &Transpose, lazy)
      .Add("aten::transpose_", &InPlace<Transpose>::View, lazy)
      .Add("aten::transpose_copy.int", &Variants<Transpose>::Copy, lazy)
      .Add("aten::transpose_copy.int_out", &Variants<Transpose>::OutExact, lazy)
      .Add("aten::swapaxes", &Transpose, lazy)
      .Add("aten::swapaxes_", &InPlace<Transpose>::View, lazy)
      .Add("aten::swapdims", &Transpose, lazy)
      .Add("aten::swapdims_", &InPlace<Transpose>::View, lazy)
      .Add("aten::t", &T, lazy)
      .Add("aten::t_", &TInPlace, lazy)
      .Add("aten::t_copy", &Variants<T>::Copy, lazy)
      .Add("aten::t_copy.out", &Variants<T>::OutExact, lazy)
      .Add("aten::movedim.int", &MoveDim, lazy)
      .Add("aten::movedim.intlist", &MoveDims, lazy)
      .Add("aten::moveaxis.int", &MoveDim, lazy)
      .Add("aten::moveaxis.intlist", &MoveDims, lazy)
      .Add("aten::numpy_T", &NumpyT, lazy)
      .Add("aten::numpy_T.a", &NumpyT, lazy)
      .Add("aten::mT", &MT, lazy)
      .Add("aten::mT.a", &MT, lazy)
      .Add("aten::mH", &MH, lazy)
      .Add("aten::mH.a", &MH, lazy)
      .Add("aten::adjoint", &Adjoint, lazy)
      .Add("aten::matrix_H", &MatrixH, lazy)
      .Add("aten::matrix_H.a", &MatrixH, lazy);
  r.Add("aten::expand", &ExpandOp, lazy)
      .Add("aten::expand_copy", &Variants<ExpandOp>::Copy, lazy)
      .Add("aten::expand_copy.out", &Variants<ExpandOp>::OutExact, lazy)
      .Add("aten::expand_as", &ExpandAs, lazy)
      .Add("aten::broadcast_to", &Expand, lazy)
      .Add("aten::broadcast_tensors", &BroadcastTensors, lazy)
      .Add("aten::atleast_1d", &AtLeast1d, lazy)
      .Add("aten::atleast_2d", &AtLeast2d, lazy)
      .Add("aten::atleast_3d", &AtLeast3d, lazy)
      .Add("aten::atleast_1d.Sequence", &Each<AtLeast1d>, lazy)
      .Add("aten::atleast_2d.Sequence", &Each<AtLeast2d>, lazy)
      .Add("aten::atleast_3d.Sequence", &Each<AtLeast3d>, lazy);
}

}  // namespace tandem::reference
