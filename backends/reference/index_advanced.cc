// self[indices] by tensors, as numpy's advanced indexing: index, index_put.
#include <algorithm>
#include <cstring>

#include "absl/strings/str_cat.h"
#include "tandem/backends/reference/index.h"
#include "tandem/backends/reference/shape.h"
#include "tandem/backends/reference/variants.h"
#include "tandem/ir/operators/index_shapes.h"
#include "tandem/ir/operators/promotion.h"
#include "tandem/tensor/copy.h"
#include "tandem/tensor/strided_loop.h"
#include "tandem/tensor/visit.h"

namespace tandem::reference {
namespace {

using TensorSpan = absl::Span<const Tensor>;

bool IsMask(const Tensor& t) {
  return t.dtype() == DType::kBool || t.dtype() == DType::kUInt8;
}

absl::Status TooMany(const Tensor& self, size_t count) {
  return absl::OutOfRangeError(
      absl::StrCat("too many indices for tensor of "
                   "dimension ",
                   self.dim(), " (got ", count, ")"));
}

// One int64 tensor (or none) for each dim: masks become the places they hold.
absl::StatusOr<std::vector<Tensor>> ExpandMasks(const Tensor& self,
                                                TensorSpan indices) {
  std::vector<Tensor> result;
  bool masks = false;
  for (const Tensor& index : indices) {
    if (!index.defined()) {
      result.emplace_back();
      continue;
    }
    if (!IsMask(index)) {
      if (index.dtype() != DType::kInt64 && index.dtype() != DType::kInt32) {
        return absl::OutOfRangeError(
            "tensors used as indices must be long, int, byte or bool tensors");
      }
      TANDEM_ASSIGN_OR_RETURN(Tensor wide, ToDType(index, DType::kInt64));
      if (masks) {
        TANDEM_RETURN_IF_ERROR(
            WrapDim(static_cast<int64_t>(result.size()), self.dim()).status());
      }
      result.push_back(std::move(wide));
      continue;
    }
    masks = true;
    const int64_t start = static_cast<int64_t>(result.size());
    for (int64_t d = 0; d < index.dim(); ++d) {
      TANDEM_RETURN_IF_ERROR(WrapDim(start + d, self.dim()).status());
      if (index.size(d) != self.size(start + d)) {
        return absl::OutOfRangeError(absl::StrCat(
            "The shape of the mask ", DimsToString(index.sizes()), " at index ",
            d, " does not match the shape of the indexed tensor ",
            DimsToString(self.sizes()), " at index ", start + d));
      }
    }
    TANDEM_ASSIGN_OR_RETURN(const Tensor places, Nonzero(index));
    for (int64_t d = 0; d < index.dim(); ++d) {
      TANDEM_ASSIGN_OR_RETURN(Tensor column, Select(places, 1, d));
      result.push_back(std::move(column));
    }
  }
  if (static_cast<int64_t>(result.size()) > self.dim()) {
    return TooMany(self, result.size());
  }
  result.resize(self.dim());
  return result;
}

// self[indices] as a loop over the result's dims: `before` | index | `after`.
struct Plan {
  Dims sizes;  // of the result
  Dims index_sizes;
  Dims self_strides;    // 0 in the index's dims
  Dims offset_strides;  // 0 outside of them
  Tensor offsets;       // bytes to add to self's address, in the index's sizes
  char* self_data = nullptr;
  // Operands as TensorIterator sees them, for the result's strides.
  std::vector<Tensor> shapes;
  // The indices that are there, with the dims of self they belong to.
  std::vector<Tensor> indices;
  Dims dims;
};

absl::StatusOr<Plan> MakePlan(const Tensor& self, TensorSpan raw) {
  if (static_cast<int64_t>(raw.size()) > self.dim()) {
    return TooMany(self, raw.size());
  }
  TANDEM_ASSIGN_OR_RETURN(const std::vector<Tensor> indices,
                          ExpandMasks(self, raw));
  TANDEM_ASSIGN_OR_RETURN(const Dims index_sizes, BroadcastIndices(indices));
  absl::InlinedVector<bool, 8> indexed(self.dim());
  for (int64_t d = 0; d < self.dim(); ++d) indexed[d] = indices[d].defined();
  const IndexPlacement place = PlaceIndices(indexed);
  const int64_t index_rank = static_cast<int64_t>(index_sizes.size());

  Plan plan;
  plan.self_data = self.raw_data();
  int64_t count = 1;
  for (int64_t s : index_sizes) count *= s;
  plan.index_sizes = index_sizes;
  const Dims index_strides = ContiguousStrides(index_sizes);
  for (int64_t i = 0; i < self.dim(); ++i) {
    const int64_t d = place.order[i];
    if (i == place.first && place.count > 0) {
      for (int64_t j = 0; j < index_rank; ++j) {
        plan.sizes.push_back(index_sizes[j]);
        plan.self_strides.push_back(0);
        plan.offset_strides.push_back(index_strides[j]);
      }
    }
    if (indexed[d]) continue;
    plan.sizes.push_back(self.size(d));
    plan.self_strides.push_back(self.stride(d));
    plan.offset_strides.push_back(0);
  }
  TANDEM_RETURN_IF_ERROR(CheckedNumel(plan.sizes).status());
  plan.shapes.push_back(
      self.ViewUnchecked(plan.sizes, plan.self_strides, self.offset()));
  const int64_t after =
      static_cast<int64_t>(plan.sizes.size()) - place.first - index_rank;
  for (int64_t i = 0; i < self.dim(); ++i) {
    const int64_t d = place.order[i];
    if (!indexed[d]) continue;
    if (self.size(d) == 0 && count > 0) {
      return absl::OutOfRangeError(
          "index is out of bounds for dimension with size 0");
    }
    plan.indices.push_back(indices[d]);
    plan.dims.push_back(d);
    Dims shape(indices[d].sizes().begin(), indices[d].sizes().end());
    Dims strides(indices[d].strides().begin(), indices[d].strides().end());
    shape.insert(shape.end(), after, 1);
    strides.insert(strides.end(), after, 0);
    plan.shapes.push_back(
        indices[d].ViewUnchecked(shape, strides, indices[d].offset()));
  }
  return plan;
}

// Reads the indices: each in its dim's bounds.
absl::Status ReadIndices(const Tensor& self, Plan* plan) {
  TANDEM_ASSIGN_OR_RETURN(plan->offsets,
                          Tensor::Zeros(plan->index_sizes, DType::kInt64));
  int64_t* offsets = plan->offsets.data<int64_t>();
  for (size_t number = 0; number < plan->indices.size(); ++number) {
    TANDEM_ASSIGN_OR_RETURN(const Tensor wide,
                            Expand(plan->indices[number], plan->index_sizes));
    TANDEM_ASSIGN_OR_RETURN(const Tensor dense, Contiguous(wide));
    const int64_t* values = dense.data<int64_t>();
    const int64_t d = plan->dims[number], size = self.size(d);
    const int64_t step =
        self.stride(d) * static_cast<int64_t>(self.element_size());
    for (int64_t n = 0; n < dense.numel(); ++n) {
      const int64_t v = values[n];
      if (v < -size || v >= size) {
        return absl::OutOfRangeError(
            absl::StrCat("index ", v, " is out of bounds for dimension ",
                         number, " with size ", size));
      }
      offsets[n] += (v < 0 ? v + size : v) * step;
    }
  }
  return absl::OkStatus();
}

// The operands of a loop: offsets first, so that places are visited in order.
StridedLoop LoopOf(const Plan& plan, const Tensor& other,
                   int64_t element_size) {
  const StridedLoop::Operand operands[] = {
      {plan.offsets.raw_data(), plan.sizes, plan.offset_strides, 8},
      {plan.self_data, plan.sizes, plan.self_strides, element_size},
      StridedLoop::Operand::Of(other)};
  return StridedLoop(plan.sizes, operands);
}

template <typename T>
void TakeRow(char* const* data, const int64_t* strides, int64_t n) {
  const char* offset = data[0];
  const char* self = data[1];
  char* out = data[2];
  if (strides[0] == 0) {  // a row of one index
    self += *reinterpret_cast<const int64_t*>(offset);
    if (strides[1] == sizeof(T) && strides[2] == sizeof(T)) {
      std::memcpy(out, self, n * sizeof(T));
      return;
    }
    for (int64_t i = 0; i < n; ++i, self += strides[1], out += strides[2]) {
      *reinterpret_cast<T*>(out) = *reinterpret_cast<const T*>(self);
    }
    return;
  }
  for (int64_t i = 0; i < n; ++i) {
    *reinterpret_cast<T*>(out) = *reinterpret_cast<const T*>(
        self + *reinterpret_cast<const int64_t*>(offset));
    offset += strides[0];
    self += strides[1];
    out += strides[2];
  }
}

template <typename T, typename F>
void PutRow(char* const* data, const int64_t* strides, int64_t n, const F& f) {
  const char* offset = data[0];
  char* self = data[1];
  const char* value = data[2];
  for (int64_t i = 0; i < n; ++i) {
    f(*reinterpret_cast<T*>(self + *reinterpret_cast<const int64_t*>(offset)),
      *reinterpret_cast<const T*>(value));
    offset += strides[0];
    self += strides[1];
    value += strides[2];
  }
}

absl::StatusOr<Tensor> IndexOut(const Tensor& self, TensorSpan indices,
                                const Tensor& out) {
  TANDEM_ASSIGN_OR_RETURN(const Tensor result, IndexTensor(self, indices));
  return WriteOutExact(result, out);
}

// A single number where one mask says so: converted to self's dtype.
absl::StatusOr<bool> PutMasked(const Tensor& self, TensorSpan indices,
                               const Tensor& values) {
  if (values.numel() != 1) return false;
  const Tensor* mask = nullptr;
  int64_t rank = 0;
  for (const Tensor& t : indices) {
    if (!t.defined()) {
      ++rank;
      continue;
    }
    if (!IsMask(t) || mask != nullptr) return false;
    mask = &t;
    rank += t.dim();
  }
  if (mask == nullptr || rank > self.dim()) return false;
  TANDEM_ASSIGN_OR_RETURN(const Scalar value, values.Item());
  TANDEM_RETURN_IF_ERROR(CheckNumberFits(value, self.dtype()));
  // The mask over its dims, every element of the others.
  TANDEM_ASSIGN_OR_RETURN(Plan plan, MakePlan(self, indices));
  if (mask->dtype() != DType::kBool) {
    return absl::InvalidArgumentError(absl::StrCat(
        "masked_fill_ only supports boolean masks, but got mask with dtype ",
        CppName(mask->dtype())));
  }
  if (plan.index_sizes.empty() || plan.index_sizes[0] == 0) return true;
  TANDEM_RETURN_IF_ERROR(self.storage()->EnsureWritable());
  TANDEM_RETURN_IF_ERROR(ReadIndices(self, &plan));
  TANDEM_ASSIGN_OR_RETURN(const Tensor one,
                          Tensor::FromScalar(value, self.dtype()));
  TANDEM_ASSIGN_OR_RETURN(const Tensor source, Expand(one, plan.sizes));
  const StridedLoop loop =
      LoopOf(plan, source, static_cast<int64_t>(self.element_size()));
  VisitBySize(self.dtype(), [&](auto tag) {
    using T = typename decltype(tag)::type;
    loop.Run(0, loop.numel(),
             [](char* const* data, const int64_t* strides, int64_t n) {
               PutRow<T>(data, strides, n, [](T& to, T from) { to = from; });
             });
  });
  return true;
}

absl::StatusOr<Tensor> IndexPut(const Tensor& self, TensorSpan indices,
                                const Tensor& values, bool accumulate) {
  TANDEM_ASSIGN_OR_RETURN(const Tensor copy, CloneToWrite(self));
  return IndexPutInPlace(copy, indices, values, accumulate);
}

absl::StatusOr<Tensor> IndexPutOut(const Tensor& self, TensorSpan indices,
                                   const Tensor& values, bool accumulate,
                                   const Tensor& out) {
  TANDEM_ASSIGN_OR_RETURN(const Tensor result,
                          IndexPut(self, indices, values, accumulate));
  return WriteOutExact(result, out);
}

absl::StatusOr<Tensor> IndexPutImpl(const Tensor& self, TensorSpan indices,
                                    const Tensor& values, bool accumulate,
                                    bool) {
  return IndexPutInPlace(self, indices, values, accumulate);
}

absl::StatusOr<Tensor> IndexPutImplCopy(const Tensor& self, TensorSpan indices,
                                        const Tensor& values, bool accumulate,
                                        bool) {
  return IndexPut(self, indices, values, accumulate);
}

// self[indices] where mask, `fill` elsewhere; out-of-range indices are clamped.
absl::StatusOr<std::vector<Tensor>> Clamped(const Tensor& self,
                                            TensorSpan indices) {
  std::vector<Tensor> result;
  for (size_t d = 0; d < indices.size(); ++d) {
    if (!indices[d].defined() || static_cast<int64_t>(d) >= self.dim()) {
      result.push_back(indices[d]);
      continue;
    }
    TANDEM_ASSIGN_OR_RETURN(Tensor t,
                            CloneContiguous(indices[d], DType::kInt64));
    const int64_t last = std::max<int64_t>(self.size(d) - 1, 0);
    int64_t* values = t.data<int64_t>();
    for (int64_t i = 0; i < t.numel(); ++i) {
      values[i] = std::clamp<int64_t>(values[i], -self.size(d), last);
    }
    result.push_back(std::move(t));
  }
  return result;
}

absl::Status FillWhereNot(const Tensor& t, const Tensor& mask,
                          const Scalar& fill) {
  TANDEM_RETURN_IF_ERROR(BroadcastSizes(mask.sizes(), t.sizes()).status());
  TANDEM_ASSIGN_OR_RETURN(const Tensor wide, Expand(mask, t.sizes()));
  TANDEM_ASSIGN_OR_RETURN(const Tensor keep, Contiguous(wide, DType::kBool));
  TANDEM_ASSIGN_OR_RETURN(const Tensor one,
                          Tensor::FromScalar(fill, t.dtype()));
  const int64_t size = static_cast<int64_t>(t.element_size());
  for (int64_t i = 0; i < t.numel(); ++i) {
    if (!keep.data<bool>()[i]) {
      std::memcpy(t.raw_data() + i * size, one.raw_data(), size);
    }
  }
  return absl::OkStatus();
}

absl::StatusOr<Tensor> UnsafeMaskedIndex(const Tensor& self, const Tensor& mask,
                                         TensorSpan indices,
                                         const Scalar& fill) {
  TANDEM_ASSIGN_OR_RETURN(const auto clamped, Clamped(self, indices));
  TANDEM_ASSIGN_OR_RETURN(const Tensor taken, IndexTensor(self, clamped));
  TANDEM_ASSIGN_OR_RETURN(const Tensor result,
                          CloneContiguous(taken, taken.dtype()));
  TANDEM_RETURN_IF_ERROR(FillWhereNot(result, mask, fill));
  return result;
}

absl::StatusOr<Tensor> UnsafeMaskedIndexPutAccumulate(const Tensor& self,
                                                      const Tensor& mask,
                                                      TensorSpan indices,
                                                      const Tensor& values) {
  TANDEM_ASSIGN_OR_RETURN(const auto clamped, Clamped(self, indices));
  TANDEM_ASSIGN_OR_RETURN(const Tensor added,
                          CloneContiguous(values, values.dtype()));
  TANDEM_RETURN_IF_ERROR(FillWhereNot(added, mask, Scalar(int64_t{0})));
  return IndexPut(self, clamped, added, true);
}

}  // namespace

absl::StatusOr<Tensor> IndexTensor(const Tensor& self, TensorSpan indices) {
  if (indices.empty()) {
    return absl::OutOfRangeError("at least one index must be provided");
  }
  TANDEM_ASSIGN_OR_RETURN(Plan plan, MakePlan(self, indices));
  TANDEM_ASSIGN_OR_RETURN(
      Tensor result,
      Tensor::EmptyStrided(
          plan.sizes, PointwiseStrides(plan.shapes, plan.sizes), self.dtype()));
  result.impl()->quantizer = self.impl()->quantizer;
  if (result.numel() == 0) return result;
  TANDEM_RETURN_IF_ERROR(ReadIndices(self, &plan));
  const StridedLoop loop =
      LoopOf(plan, result, static_cast<int64_t>(self.element_size()));
  TANDEM_RETURN_IF_ERROR(
      VisitBySize(self.dtype(), [&](auto tag) -> absl::Status {
        return loop.RunParallel(&TakeRow<typename decltype(tag)::type>);
      }));
  return result;
}

absl::StatusOr<Tensor> IndexPutInPlace(const Tensor& self, TensorSpan indices,
                                       const Tensor& values, bool accumulate) {
  if (indices.empty()) {
    return absl::OutOfRangeError("at least one index must be provided");
  }
  if (static_cast<int64_t>(indices.size()) > self.dim()) {
    return TooMany(self, indices.size());
  }
  if (!accumulate) {
    TANDEM_ASSIGN_OR_RETURN(const bool done, PutMasked(self, indices, values));
    if (done) return self;
  }
  TANDEM_RETURN_IF_ERROR(self.storage()->EnsureWritable());
  TANDEM_ASSIGN_OR_RETURN(Plan plan, MakePlan(self, indices));
  absl::StatusOr<Tensor> source = Expand(values, plan.sizes);
  if (!source.ok()) {
    return absl::InvalidArgumentError(absl::StrCat(
        "shape mismatch: value tensor of shape ", DimsToString(values.sizes()),
        " cannot be broadcast to indexing result of shape ",
        DimsToString(plan.sizes)));
  }
  if (self.dtype() != values.dtype()) {
    return absl::InvalidArgumentError(absl::StrCat(
        "Index put requires the source and destination dtypes match, got ",
        TypeName(self.dtype()), " for the destination and ",
        TypeName(values.dtype()), " for the source."));
  }
  if (source->storage() == self.storage()) {
    TANDEM_ASSIGN_OR_RETURN(*source, CopyOfView(*source));
  }
  if (source->numel() == 0) return self;
  TANDEM_RETURN_IF_ERROR(ReadIndices(self, &plan));
  const StridedLoop loop =
      LoopOf(plan, *source, static_cast<int64_t>(self.element_size()));
  if (!accumulate) {
    VisitBySize(self.dtype(), [&](auto tag) {
      using T = typename decltype(tag)::type;
      loop.Run(0, loop.numel(),
               [](char* const* data, const int64_t* strides, int64_t n) {
                 PutRow<T>(data, strides, n, [](T& to, T from) { to = from; });
               });
    });
    return self;
  }
  TANDEM_RETURN_IF_ERROR(
      VisitAll(self.dtype(), "index_put", [&](auto tag) -> absl::Status {
        using T = typename decltype(tag)::type;
        loop.Run(
            0, loop.numel(),
            [](char* const* data, const int64_t* strides, int64_t n) {
              PutRow<T>(data, strides, n, [](T& to, const T& from) {
                if constexpr (std::is_same_v<T, bool>) {
                  to = to || from;
                } else if constexpr (std::is_same_v<T, ComplexHalf>) {
                  to = T(std::complex<float>(to) + std::complex<float>(from));
                } else {
                  to = static_cast<T>(to + from);
                }
              });
            });
        return absl::OkStatus();
      }));
  return self;
}

void AddIndexAdvanced(KernelRegistrar& r) {
  r.Add("aten::index.Tensor", &IndexTensor)
      .Add("aten::index.Tensor_out", &IndexOut)
      .Add("aten::index.Tensor_hacked_twin", &IndexTensor)
      .Add("aten::_unsafe_index.Tensor", &IndexTensor)
      .Add("aten::_unsafe_index.Tensor_hacked_twin", &IndexTensor)
      .Add("aten::index_put", &IndexPut)
      .Add("aten::index_put.out", &IndexPutOut)
      .Add("aten::index_put.hacked_twin", &IndexPut)
      .Add("aten::index_put_", &IndexPutInPlace)
      .Add("aten::index_put_.hacked_twin", &IndexPutInPlace)
      .Add("aten::_unsafe_index_put", &IndexPut)
      .Add("aten::_unsafe_index_put.hacked_twin", &IndexPut)
      .Add("aten::_index_put_impl_", &IndexPutImpl)
      .Add("aten::_index_put_impl_.hacked_twin", &IndexPutImpl)
      .Add("aten::_index_put_impl", &IndexPutImplCopy)
      .Add("aten::_unsafe_masked_index", &UnsafeMaskedIndex)
      .Add("aten::_unsafe_masked_index_put_accumulate",
           &UnsafeMaskedIndexPutAccumulate);
}

}  // namespace tandem::reference
