// gather, scatter and scatter_reduce.
#include <algorithm>

#include "absl/strings/str_cat.h"
#include "tandem/backends/reference/index.h"
#include "tandem/backends/reference/index_combine.h"
#include "tandem/backends/reference/shape.h"
#include "tandem/backends/reference/variants.h"
#include "tandem/ir/operators/index_shapes.h"
#include "tandem/ir/operators/promotion.h"
#include "tandem/tensor/copy.h"
#include "tandem/tensor/strided_loop.h"
#include "tandem/tensor/visit.h"

namespace tandem::reference {
namespace {

absl::Status Invalid(std::string text) {
  return absl::InvalidArgumentError(std::move(text));
}

absl::Status CheckIndexType(const Tensor& index, absl::string_view name) {
  if (index.numel() == 0 || index.dtype() == DType::kInt64 ||
      index.dtype() == DType::kInt32) {
    return absl::OkStatus();
  }
  return Invalid(
      absl::StrCat(name, "(): Expected dtype int32/int64 for index"));
}

// self[…] written in place by a source or a number.
absl::StatusOr<Tensor> ScatterWith(const Tensor& self, int64_t dim,
                                   const Tensor& index, const Tensor& source,
                                   bool is_number, Combining how,
                                   absl::string_view name) {
  TANDEM_ASSIGN_OR_RETURN(const int64_t d, WrapDim(dim, self.dim()));
  TANDEM_RETURN_IF_ERROR(CheckIndexType(index, "scatter"));
  if (self.dtype() != source.dtype()) {
    return Invalid("scatter(): Expected self.dtype to be equal to src.dtype");
  }
  TANDEM_RETURN_IF_ERROR(
      CheckScatter(self, d, index, is_number ? nullptr : &source));
  TANDEM_RETURN_IF_ERROR(CheckWritable(self));
  if (index.numel() == 0) return self;
  const Tensor target = AsVector(self);
  TANDEM_ASSIGN_OR_RETURN(const Tensor wide,
                          CheckedIndex(AsVector(index), d, target.size(d)));
  Tensor from = is_number ? source.ViewUnchecked(wide.sizes(),
                                                 Dims(wide.sizes().size(), 0),
                                                 source.offset())
                          : AsVector(source);
  if (from.storage() == self.storage()) {
    TANDEM_ASSIGN_OR_RETURN(from, CopyOfView(from));
  }
  TANDEM_RETURN_IF_ERROR(ScatterWide(target, d, wide, from, how, name));
  return self;
}

absl::StatusOr<Tensor> ScatterSrc(const Tensor& self, int64_t dim,
                                  const Tensor& index, const Tensor& src) {
  return ScatterWith(self, dim, index, src, false, Combining::kAssign,
                     "scatter");
}

absl::StatusOr<Tensor> NumberLike(const Tensor& self, const Scalar& value) {
  TANDEM_RETURN_IF_ERROR(CheckNumberFits(value, self.dtype()));
  return Tensor::FromScalar(value, self.dtype());
}

absl::StatusOr<Tensor> ScatterValue(const Tensor& self, int64_t dim,
                                    const Tensor& index, const Scalar& value) {
  TANDEM_ASSIGN_OR_RETURN(const Tensor number, NumberLike(self, value));
  return ScatterWith(self, dim, index, number, true, Combining::kAssign,
                     "scatter");
}

absl::StatusOr<Combining> OldReduce(absl::string_view reduce) {
  if (reduce == "add") return Combining::kSum;
  if (reduce == "multiply") return Combining::kProd;
  return Invalid("reduce argument must be either add or multiply.");
}

absl::StatusOr<Tensor> ScatterSrcReduce(const Tensor& self, int64_t dim,
                                        const Tensor& index, const Tensor& src,
                                        absl::string_view reduce) {
  TANDEM_ASSIGN_OR_RETURN(const Combining how, OldReduce(reduce));
  return ScatterWith(self, dim, index, src, false, how,
                     "scatter_gather_tensor_cpu");
}

absl::StatusOr<Tensor> ScatterValueReduce(const Tensor& self, int64_t dim,
                                          const Tensor& index,
                                          const Scalar& value,
                                          absl::string_view reduce) {
  TANDEM_ASSIGN_OR_RETURN(const Combining how, OldReduce(reduce));
  TANDEM_ASSIGN_OR_RETURN(const Tensor number, NumberLike(self, value));
  return ScatterWith(self, dim, index, number, true, how,
                     "scatter_gather_tensor_cpu");
}

absl::StatusOr<Tensor> ScatterAdd(const Tensor& self, int64_t dim,
                                  const Tensor& index, const Tensor& src) {
  return ScatterWith(self, dim, index, src, false, Combining::kSum,
                     "scatter_add");
}

absl::StatusOr<Tensor> ScatterReduce(const Tensor& self, int64_t dim,
                                     const Tensor& index, const Tensor& src,
                                     absl::string_view reduce,
                                     bool include_self) {
  Combining how;
  const bool mean = reduce == "mean";
  if (reduce == "sum" || mean) {
    how = Combining::kSum;
  } else if (reduce == "prod") {
    how = Combining::kProd;
  } else if (reduce == "amax" || reduce == "max") {
    how = Combining::kMax;
  } else if (reduce == "amin" || reduce == "min") {
    how = Combining::kMin;
  } else {
    return Invalid(absl::StrCat(
        "reduce argument must be either sum, prod, mean, amax or amin, got ",
        reduce));
  }
  TANDEM_ASSIGN_OR_RETURN(const int64_t d, WrapDim(dim, self.dim()));
  TANDEM_RETURN_IF_ERROR(CheckIndexType(index, "scatter"));
  if (self.dtype() != src.dtype()) {
    return Invalid("scatter(): Expected self.dtype to be equal to src.dtype");
  }
  const std::string name =
      absl::StrCat("scatter_gather_tensor_cpu_reduce_", reduce);
  if (mean && self.dtype() == DType::kBool) {
    return NotImplementedFor(name, self.dtype());
  }
  if (index.numel() > 0 && !include_self) {
    TANDEM_RETURN_IF_ERROR(CheckScatter(self, d, index, &src));
    TANDEM_RETURN_IF_ERROR(CheckWritable(self));
    const Tensor target = AsVector(self);
    TANDEM_ASSIGN_OR_RETURN(const Tensor wide,
                            CheckedIndex(AsVector(index), d, target.size(d)));
    TANDEM_RETURN_IF_ERROR(ScatterIdentity(target, d, wide, how, name));
  }
  TANDEM_RETURN_IF_ERROR(
      ScatterWith(self, dim, index, src, false, how, name).status());
  if (mean && index.numel() > 0) {
    const Tensor target = AsVector(self);
    TANDEM_ASSIGN_OR_RETURN(const Tensor wide,
                            CheckedIndex(AsVector(index), d, target.size(d)));
    TANDEM_RETURN_IF_ERROR(DivideByCounts(target, d, wide, include_self));
  }
  return self;
}

template <typename T>
void GatherRow(char* const* data, const int64_t* strides, int64_t n,
               int64_t step) {
  for (int64_t i = 0; i < n; ++i) {
    const int64_t at =
        *reinterpret_cast<const int64_t*>(data[1] + i * strides[1]);
    *reinterpret_cast<T*>(data[0] + i * strides[0]) =
        *reinterpret_cast<const T*>(data[2] + i * strides[2] + at * step);
  }
}

absl::StatusOr<Tensor> TakeAlongDim(const Tensor& self, const Tensor& indices,
                                    std::optional<int64_t> dim) {
  if (indices.dtype() != DType::kInt64) {
    return Invalid(
        absl::StrCat("torch.take_along_dim(): dtype of indices should be Long "
                     "but got ",
                     TypeName(indices.dtype())));
  }
  if (!dim.has_value()) {
    TANDEM_ASSIGN_OR_RETURN(const Tensor flat, Reshape(self, {-1}));
    TANDEM_ASSIGN_OR_RETURN(const Tensor flat_indices, Reshape(indices, {-1}));
    return Gather(flat, 0, flat_indices, false);
  }
  if (self.dim() != indices.dim()) {
    return Invalid(absl::StrCat(
        "torch.take_along_dim(): input and indices should have the same number "
        "of dimensions, but got ",
        self.dim(), " dimensions for input, and ", indices.dim(),
        " dimensions for indices"));
  }
  TANDEM_ASSIGN_OR_RETURN(const int64_t d, WrapDim(*dim, self.dim()));
  // Broadcast but for `dim`, where each keeps its own size.
  Dims own(self.sizes().begin(), self.sizes().end());
  Dims theirs(indices.sizes().begin(), indices.sizes().end());
  if (!own.empty()) own[d] = theirs[d];
  TANDEM_ASSIGN_OR_RETURN(const Dims index_sizes,
                          BroadcastSizes(own, indices.sizes()));
  if (!theirs.empty()) theirs[d] = self.size(d);
  TANDEM_ASSIGN_OR_RETURN(const Dims self_sizes,
                          BroadcastSizes(self.sizes(), theirs));
  TANDEM_ASSIGN_OR_RETURN(const Tensor wide_self, Expand(self, self_sizes));
  TANDEM_ASSIGN_OR_RETURN(const Tensor wrapped,
                          CloneContiguous(indices, DType::kInt64));
  const int64_t size = self.dim() == 0 ? 1 : self.size(d);
  int64_t* at = wrapped.data<int64_t>();
  for (int64_t i = 0; i < wrapped.numel(); ++i) {
    if (at[i] < 0 && at[i] >= -size) at[i] += size;
  }
  TANDEM_ASSIGN_OR_RETURN(const Tensor wide_index,
                          Expand(wrapped, index_sizes));
  return Gather(wide_self, d, wide_index, false);
}

}  // namespace

absl::StatusOr<Tensor> Gather(const Tensor& self, int64_t dim,
                              const Tensor& index, bool) {
  TANDEM_ASSIGN_OR_RETURN(const int64_t d, WrapDim(dim, self.dim()));
  TANDEM_RETURN_IF_ERROR(CheckIndexType(index, "gather"));
  TANDEM_ASSIGN_OR_RETURN(Tensor result,
                          Tensor::Empty(index.sizes(), self.dtype()));
  result.impl()->quantizer = self.impl()->quantizer;
  if (index.numel() == 0) return result;
  TANDEM_RETURN_IF_ERROR(CheckGather(self, d, index));
  const Tensor from = AsVector(self);
  TANDEM_ASSIGN_OR_RETURN(const Tensor wide,
                          CheckedIndex(AsVector(index), d, from.size(d)));
  const int64_t element_size = static_cast<int64_t>(self.element_size());
  Dims strides(from.strides().begin(), from.strides().end());
  const int64_t step = strides[d] * element_size;
  strides[d] = 0;
  const StridedLoop::Operand operands[] = {
      {result.raw_data(), wide.sizes(), wide.strides(), element_size},
      StridedLoop::Operand::Of(wide),
      {from.raw_data(), wide.sizes(), strides, element_size}};
  const StridedLoop loop(wide.sizes(), operands);
  TANDEM_RETURN_IF_ERROR(
      VisitBySize(self.dtype(), [&](auto tag) -> absl::Status {
        using T = typename decltype(tag)::type;
        return loop.RunParallel(
            [&](char* const* data, const int64_t* strides, int64_t n) {
              GatherRow<T>(data, strides, n, step);
            });
      }));
  return result;
}

void AddIndexScatter(KernelRegistrar& r) {
  r.Add("aten::gather", &Gather)
      .Add("aten::gather.out", &Variants<Gather>::OutExact)
      .Add("aten::take_along_dim", &TakeAlongDim)
      .Add("aten::take_along_dim.out", &Variants<TakeAlongDim>::OutExact);
  r.Add("aten::scatter_.src", &ScatterSrc)
      .Add("aten::scatter.src", &Contiguously<ScatterSrc>::Call)
      .Add("aten::scatter.src_out", &Contiguously<ScatterSrc>::Out)
      .Add("aten::scatter_.value", &ScatterValue)
      .Add("aten::scatter.value", &Contiguously<ScatterValue>::Call)
      .Add("aten::scatter.value_out", &Contiguously<ScatterValue>::Out)
      .Add("aten::scatter_.reduce", &ScatterSrcReduce)
      .Add("aten::scatter.reduce", &Contiguously<ScatterSrcReduce>::Call)
      .Add("aten::scatter.reduce_out", &Contiguously<ScatterSrcReduce>::Out)
      .Add("aten::scatter_.value_reduce", &ScatterValueReduce)
      .Add("aten::scatter.value_reduce",
           &Contiguously<ScatterValueReduce>::Call)
      .Add("aten::scatter.value_reduce_out",
           &Contiguously<ScatterValueReduce>::Out)
      .Add("aten::scatter_add_", &ScatterAdd)
      .Add("aten::scatter_add", &Contiguously<ScatterAdd>::Call)
      .Add("aten::scatter_add.out", &Contiguously<ScatterAdd>::Out)
      .Add("aten::scatter_reduce_.two", &ScatterReduce)
      .Add("aten::scatter_reduce.two", &Contiguously<ScatterReduce>::Call)
      .Add("aten::scatter_reduce.two_out", &Contiguously<ScatterReduce>::Out);
}

}  // namespace tandem::reference
