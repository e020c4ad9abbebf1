// Whole slices along a dim by their numbers: index_select, index_add,
// index_copy, index_fill, index_reduce; take and put of single elements.
#include <algorithm>
#include <cstring>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "tandem/backends/reference/index.h"
#include "tandem/backends/reference/index_combine.h"
#include "tandem/backends/reference/shape.h"
#include "tandem/backends/reference/take_along.h"
#include "tandem/backends/reference/variants.h"
#include "tandem/tensor/copy.h"
#include "tandem/tensor/visit.h"

namespace tandem::reference {
namespace {

absl::Status Invalid(std::string text) {
  return absl::InvalidArgumentError(std::move(text));
}
absl::Status OutOfRange(std::string text) {
  return absl::OutOfRangeError(std::move(text));
}

bool IsIndexType(const Tensor& t) {
  return t.dtype() == DType::kInt64 || t.dtype() == DType::kInt32;
}

absl::StatusOr<Tensor> IndexSelect(const Tensor& self, int64_t dim,
                                   const Tensor& index) {
  TANDEM_ASSIGN_OR_RETURN(const int64_t d, WrapDim(dim, self.dim()));
  if (index.dim() > 1) {
    return OutOfRange("index_select(): Index is supposed to be a vector");
  }
  if (!IsIndexType(index)) {
    return Invalid("index_select(): Expected dtype int32 or int64 for index");
  }
  if (self.dim() == 0 && index.numel() != 1) {
    return Invalid(absl::StrCat(
        "index_select(): Index to scalar can have only 1 value, got ",
        index.numel(), " value(s)"));
  }
  const Tensor from = AsVector(self);
  const int64_t size = from.size(d);
  if (size == 0 && index.numel() > 0) {
    return Invalid("index_select(): self indexing axis dim should be positive");
  }
  TANDEM_ASSIGN_OR_RETURN(const Tensor wide, Contiguous(index, DType::kInt64));
  const absl::Span<const int64_t> values(wide.data<int64_t>(),
                                         static_cast<size_t>(wide.numel()));
  for (int64_t v : values) {
    if (v < 0 || v >= size) {
      // PyTorch has a loop of its own for dim 1, with other words.
      return d == 1 || from.numel() == 0
                 ? Invalid(absl::StrCat(
                       "INDICES element is out of DATA bounds, id=", v,
                       " axis_dim=", size))
                 : OutOfRange("index out of range in self");
    }
  }
  TANDEM_ASSIGN_OR_RETURN(const Tensor taken, TakeAlong(from, d, values));
  return self.dim() == 0 ? taken.ViewUnchecked({}, {}, taken.offset()) : taken;
}

// ---- index_add, index_reduce

absl::Status CheckIndexFunction(absl::string_view name, const Tensor& self,
                                int64_t d, const Tensor& index,
                                const Tensor& source) {
  if (index.dim() > 1) {
    return OutOfRange(absl::StrCat(
        name, "_(): Index is supposed to be a vector, but got dim: ",
        index.dim(), " with type: ", TypeName(index.dtype()),
        " and size: ", DimsToString(index.sizes())));
  }
  if (!IsIndexType(index)) {
    return Invalid(absl::StrCat(
        name, "_(): Expected dtype int32/int64 for index but got: ",
        TypeName(index.dtype())));
  }
  if (self.dtype() != source.dtype()) {
    return Invalid(absl::StrCat(name, "_(): self (", TypeName(self.dtype()),
                                ") and source (", TypeName(source.dtype()),
                                ") must have the same scalar type"));
  }
  if (d != 0 && d >= source.dim()) {
    return Invalid(absl::StrCat(
        name, "_(): Indexing dim ", d,
        " is out of bounds of the source tensor with dim ", source.dim()));
  }
  const int64_t length = source.dim() == 0 ? 1 : source.size(d);
  if (source.dim() == 0 && index.numel() != 1) {
    return OutOfRange("Dimension specified as 0 but tensor has no dimensions");
  }
  if (index.numel() != length) {
    return Invalid(absl::StrCat(name, "_(): Number of indices (", index.numel(),
                                ") should be equal to source.size(dim): (",
                                length, "), for dim: ", d));
  }
  Dims own(self.sizes().begin(), self.sizes().end());
  Dims theirs(source.sizes().begin(), source.sizes().end());
  if (!own.empty() && !theirs.empty()) {
    own.erase(own.begin() + d);
    theirs.erase(theirs.begin() + d);
  }
  if (own != theirs) {
    return Invalid(absl::StrCat(
        "source tensor shape must match self tensor shape, excluding the "
        "specified dimension. Got self.shape = ",
        DimsToString(self.sizes()),
        " source.shape = ", DimsToString(source.sizes())));
  }
  return absl::OkStatus();
}

absl::StatusOr<Tensor> Scaled(const Tensor& source, const Scalar& alpha) {
  TANDEM_ASSIGN_OR_RETURN(const Tensor copy,
                          CloneContiguous(source, source.dtype()));
  if (source.dtype() == DType::kBool) {
    if (!alpha.ToBool()) {
      TANDEM_RETURN_IF_ERROR(FillElements(copy, Scalar(false)));
    }
    return copy;
  }
  TANDEM_RETURN_IF_ERROR(
      VisitNumeric(source.dtype(), "index_add", [&](auto tag) -> absl::Status {
        using T = typename decltype(tag)::type;
        using A =
            std::conditional_t<std::is_integral_v<T>, uint64_t, Compute<T>>;
        const A factor = static_cast<A>(alpha.To<T>());
        T* data = copy.data<T>();
        for (int64_t i = 0; i < copy.numel(); ++i) {
          data[i] = static_cast<T>(static_cast<A>(data[i]) * factor);
        }
        return absl::OkStatus();
      }));
  return copy;
}

absl::StatusOr<Tensor> IndexAdd(const Tensor& self, int64_t dim,
                                const Tensor& index, const Tensor& source,
                                const Scalar& alpha) {
  TANDEM_ASSIGN_OR_RETURN(const int64_t d, WrapDim(dim, self.dim()));
  TANDEM_RETURN_IF_ERROR(
      CheckIndexFunction("index_add", self, d, index, source));
  TANDEM_RETURN_IF_ERROR(CheckWritable(self));
  const Tensor target = AsVector(self);
  const absl::StatusOr<Tensor> wide =
      CheckedIndex(AsVector(index), d, target.size(d));
  if (!wide.ok()) {
    return target.dim() > 1 ? wide.status()
                            : OutOfRange("index out of range in self");
  }
  const bool plain =
      alpha.Equals(Scalar(int64_t{1})) && source.storage() != self.storage();
  TANDEM_ASSIGN_OR_RETURN(
      const Tensor scaled,
      plain ? absl::StatusOr<Tensor>(source) : Scaled(source, alpha));
  const Tensor from = AsVector(scaled);
  const Tensor places = ExpandedIndex(*wide, d, from.sizes());
  // A vector is rounded after each term.
  TANDEM_RETURN_IF_ERROR(
      target.dim() > 1
          ? ScatterWide(target, d, places, from, Combining::kSum, "index_add_")
          : ScatterInto(target, d, places, from, Combining::kSum,
                        "index_add_"));
  return self;
}

absl::StatusOr<Tensor> IndexReduce(const Tensor& self, int64_t dim,
                                   const Tensor& index, const Tensor& source,
                                   absl::string_view reduce,
                                   bool include_self) {
  const bool mean = reduce == "mean";
  Combining how = Combining::kSum;
  if (reduce == "prod") {
    how = Combining::kProd;
  } else if (reduce == "amax") {
    how = Combining::kMax;
  } else if (reduce == "amin") {
    how = Combining::kMin;
  } else if (!mean) {
    return Invalid(absl::StrCat(
        "index_reduce(): Expected reduce to be one of prod, mean, amax or amin "
        "but got ",
        reduce, "."));
  }
  TANDEM_ASSIGN_OR_RETURN(const int64_t d, WrapDim(dim, self.dim()));
  TANDEM_RETURN_IF_ERROR(
      CheckIndexFunction("index_reduce", self, d, index, source));
  TANDEM_RETURN_IF_ERROR(CheckWritable(self));
  const Tensor target = AsVector(self);
  const absl::StatusOr<Tensor> wide =
      CheckedIndex(AsVector(index), d, target.size(d));
  const DType dtype = self.dtype();
  const bool is_number = IsFloatingPoint(dtype) || IsIntegral(dtype, false);
  if (!include_self && !is_number) {
    return NotImplementedFor("index_reduce_func_exclude_input_init", dtype);
  }
  if (mean && dtype == DType::kBool) {
    return NotImplementedFor("div_floor_cpu", dtype);
  }
  if (IsComplex(dtype) && (how == Combining::kMax || how == Combining::kMin)) {
    return NotImplementedFor(self.dim() <= 1          ? "index_func_"
                             : how == Combining::kMax ? "maximum_cpu"
                                                      : "minimum_cpu",
                             dtype);
  }
  if (!wide.ok()) {
    // Without self the places are filled first, which allows negative ones.
    return include_self || absl::StrContains(wide.status().message(), "index -")
               ? OutOfRange("index out of range in self")
               : wide.status();
  }
  Tensor from = AsVector(source);
  if (source.storage() == self.storage()) {
    TANDEM_ASSIGN_OR_RETURN(from, CopyOfView(from));
  }
  const Tensor places = ExpandedIndex(*wide, d, from.sizes());
  if (!include_self) {
    TANDEM_RETURN_IF_ERROR(
        ScatterIdentity(target, d, places, how, "index_reduce"));
  }
  TANDEM_RETURN_IF_ERROR(
      ScatterInto(target, d, places, from, how, "index_reduce"));
  if (mean && places.numel() > 0) {
    TANDEM_RETURN_IF_ERROR(DivideByCounts(target, d, places, include_self));
  }
  return self;
}

// ---- index_copy, index_fill

absl::StatusOr<Tensor> IndexCopy(const Tensor& self, int64_t dim,
                                 const Tensor& index, const Tensor& source) {
  TANDEM_ASSIGN_OR_RETURN(const int64_t d, WrapDim(dim, self.dim()));
  if (index.dim() >= 2) {
    return OutOfRange(
        absl::StrCat("index_copy_(): Index should have dimension 1 or 0 (got ",
                     index.dim(), ")"));
  }
  const int64_t count = index.numel();
  if (source.dim() == 0 && count != 1) {
    return OutOfRange(absl::StrCat(
        "index_copy_(): When source is scalar, index should have one element "
        "(got ",
        count, ")"));
  }
  if (source.dim() != self.dim() && source.dim() != 0 && self.dim() != 0) {
    return OutOfRange(absl::StrCat(
        "index_copy_(): When source and destination are not scalars, their "
        "dimensionality must match. Source dimensionality (",
        source.dim(), "), destination dimensionality (", self.dim(), ")"));
  }
  if (index.dtype() != DType::kInt64) {
    return Invalid(absl::StrCat(
        "index_copy_(): Expected a long tensor for index, but got ",
        TypeName(index.dtype())));
  }
  if (self.dtype() != source.dtype()) {
    return Invalid(absl::StrCat(
        "index_copy_(): self and source expected to have the same dtype, but "
        "got (self) ",
        TypeName(self.dtype()), " and (source) ", TypeName(source.dtype())));
  }
  // Sizes of one slice of each.
  Dims own(self.sizes().begin(), self.sizes().end());
  Dims theirs(source.sizes().begin(), source.sizes().end());
  if (!own.empty()) own.erase(own.begin() + d);
  if (!theirs.empty()) {
    theirs.erase(theirs.begin() + std::min<int64_t>(d, source.dim() - 1));
  }
  if (own != theirs) {
    const auto text = [](const Dims& dims) {
      std::string s = DimsToString(dims);
      return s.substr(1, s.size() - 2);
    };
    return Invalid(absl::StrCat(
        "index_copy_(): Source/destination tensor must have same slice shapes. "
        "Destination slice shape: ",
        text(own), " at dimension ", d,
        " and source slice shape: ", text(theirs), " at dimension 0."));
  }
  if (source.dim() > 0 && count != source.size(d)) {
    return OutOfRange(absl::StrCat("index_copy_(): Number of indices (", count,
                                   ") should be equal to source.size(dim) (",
                                   source.size(d), ")"));
  }
  TANDEM_RETURN_IF_ERROR(CheckWritable(self));
  const Tensor target = AsVector(self);
  const absl::StatusOr<Tensor> wide =
      CheckedIndex(AsVector(index), d, target.size(d));
  if (!wide.ok()) {
    return OutOfRange(absl::StrCat("index_copy_(): ", wide.status().message()));
  }
  Tensor from = AsVector(source);
  if (source.storage() == self.storage()) {
    TANDEM_ASSIGN_OR_RETURN(from, CopyOfView(from));
  }
  Dims sizes(target.sizes().begin(), target.sizes().end());
  sizes[d] = count;
  if (from.dim() != target.dim()) {
    from = from.ViewUnchecked(sizes, Dims(sizes.size(), 0), from.offset());
  }
  TANDEM_RETURN_IF_ERROR(ScatterInto(target, d, ExpandedIndex(*wide, d, sizes),
                                     from, Combining::kAssign, "index_copy_"));
  return self;
}

absl::StatusOr<Tensor> IndexFill(const Tensor& self, int64_t dim,
                                 const Tensor& index, const Scalar& value) {
  if (index.dtype() != DType::kInt64) {
    return OutOfRange("index_fill_(): Expected dtype int64 for index.");
  }
  if (!IsComplex(self.dtype()) && value.is_complex()) {
    return Invalid(
        "index_fill_(): Converting complex Scalar to non-complex type is not "
        "supported");
  }
  TANDEM_ASSIGN_OR_RETURN(const int64_t d, WrapDim(dim, self.dim()));
  if (index.dim() > 1) return Invalid("Index has to be a vector/scalar");
  TANDEM_RETURN_IF_ERROR(CheckNumberFits(value, self.dtype()));
  TANDEM_RETURN_IF_ERROR(CheckWritable(self));
  const Tensor target = AsVector(self);
  const int64_t size = target.size(d);
  TANDEM_ASSIGN_OR_RETURN(const Tensor wide,
                          CloneContiguous(AsVector(index), DType::kInt64));
  int64_t* values = wide.data<int64_t>();
  for (int64_t i = 0; i < wide.numel(); ++i) {
    if (values[i] < -size || values[i] >= size) {
      if (self.numel() == 0 && size > 0) return self;
      return OutOfRange(absl::StrCat("index ", values[i],
                                     " is out of bounds for dimension ", d,
                                     " with size ", size));
    }
    if (values[i] < 0) values[i] += size;
  }
  TANDEM_ASSIGN_OR_RETURN(const Tensor one,
                          Tensor::FromScalar(value, self.dtype()));
  Dims sizes(target.sizes().begin(), target.sizes().end());
  sizes[d] = wide.numel();
  const Tensor from = one.ViewUnchecked(sizes, Dims(sizes.size(), 0), 0);
  TANDEM_RETURN_IF_ERROR(ScatterInto(target, d, ExpandedIndex(wide, d, sizes),
                                     from, Combining::kAssign, "index_fill_"));
  return self;
}

absl::StatusOr<Tensor> IndexFillTensor(const Tensor& self, int64_t dim,
                                       const Tensor& index,
                                       const Tensor& value) {
  if (value.dim() != 0) {
    return Invalid(absl::StrCat(
        "index_fill_ only supports a 0-dimensional value tensor, but got "
        "tensor with ",
        value.dim(), " dimension(s)."));
  }
  TANDEM_ASSIGN_OR_RETURN(const Scalar number, value.Item());
  return IndexFill(self, dim, index, number);
}

// ---- take, put

absl::Status CheckPlaces(const int64_t* values, int64_t count, int64_t numel) {
  for (int64_t i = 0; i < count; ++i) {
    if (values[i] < -numel || values[i] >= numel) {
      return OutOfRange(absl::StrCat("out of range: tried to access index ",
                                     values[i], " on a tensor of ", numel,
                                     " elements."));
    }
  }
  return absl::OkStatus();
}

absl::StatusOr<Tensor> Take(const Tensor& self, const Tensor& index) {
  if (index.dtype() != DType::kInt64) {
    return Invalid(
        absl::StrCat("take(): Expected a long tensor for index, but got ",
                     TypeName(index.dtype())));
  }
  if (self.numel() == 0 && index.numel() != 0) {
    return OutOfRange("take(): tried to take from an empty tensor");
  }
  TANDEM_ASSIGN_OR_RETURN(const Tensor places,
                          CloneContiguous(index, DType::kInt64));
  int64_t* values = places.data<int64_t>();
  TANDEM_RETURN_IF_ERROR(CheckPlaces(values, places.numel(), self.numel()));
  for (int64_t i = 0; i < places.numel(); ++i) {
    if (values[i] < 0) values[i] += self.numel();
  }
  TANDEM_ASSIGN_OR_RETURN(const Tensor flat, Reshape(self, {-1}));
  TANDEM_ASSIGN_OR_RETURN(
      const Tensor taken,
      TakeAlong(
          flat, 0,
          absl::MakeConstSpan(values, static_cast<size_t>(places.numel()))));
  return View(taken, index.sizes());
}

absl::StatusOr<Tensor> PutInPlace(const Tensor& self, const Tensor& index,
                                  const Tensor& source, bool accumulate) {
  if (index.dtype() != DType::kInt64) {
    return Invalid(
        absl::StrCat("put_(): Expected a long tensor for index, but got ",
                     TypeName(index.dtype())));
  }
  if (self.dtype() != source.dtype()) {
    return Invalid(absl::StrCat(
        "put_(): self and source expected to have the same dtype, but got "
        "self.dtype = ",
        TypeName(self.dtype()),
        " and source.dtype = ", TypeName(source.dtype())));
  }
  if (index.numel() != source.numel()) {
    return OutOfRange(absl::StrCat(
        "put_(): Expected source and index to have the same number of "
        "elements, but got source.numel() = ",
        source.numel(), ", index.numel() = ", index.numel()));
  }
  if (self.numel() == 0 && index.numel() != 0) {
    return OutOfRange("put_(): Tried to put elements into an empty tensor");
  }
  TANDEM_RETURN_IF_ERROR(CheckWritable(self));
  TANDEM_ASSIGN_OR_RETURN(const Tensor places,
                          CloneContiguous(index, DType::kInt64));
  int64_t* values = places.data<int64_t>();
  TANDEM_RETURN_IF_ERROR(CheckPlaces(values, places.numel(), self.numel()));
  for (int64_t i = 0; i < places.numel(); ++i) {
    if (values[i] < 0) values[i] += self.numel();
  }
  TANDEM_ASSIGN_OR_RETURN(const Tensor dense, Contiguous(self));
  TANDEM_ASSIGN_OR_RETURN(const Tensor from, CopyOfView(source));
  const int64_t n = places.numel();
  TANDEM_RETURN_IF_ERROR(ScatterInto(
      dense.ViewUnchecked({self.numel()}, {1}, dense.offset()), 0,
      places.ViewUnchecked({n}, {1}, places.offset()),
      from.ViewUnchecked({n}, {1}, from.offset()),
      accumulate ? Combining::kSum : Combining::kAssign, "take_put_kernel"));
  if (!dense.is_same(self)) {
    TANDEM_RETURN_IF_ERROR(CopyElements(dense, self));
  }
  return self;
}

absl::StatusOr<Tensor> IndexSelectOut(const Tensor& self, int64_t dim,
                                      const Tensor& index, const Tensor& out) {
  TANDEM_RETURN_IF_ERROR(CheckWritable(out));
  TANDEM_ASSIGN_OR_RETURN(const Tensor result, IndexSelect(self, dim, index));
  return WriteOutExact(result, out);
}

absl::StatusOr<Tensor> TakeOut(const Tensor& self, const Tensor& index,
                               const Tensor& out) {
  TANDEM_RETURN_IF_ERROR(CheckWritable(out));
  TANDEM_RETURN_IF_ERROR(CheckApart(out, self));
  TANDEM_RETURN_IF_ERROR(CheckApart(out, index));
  TANDEM_ASSIGN_OR_RETURN(const Tensor result, Take(self, index));
  return WriteOutExact(result, out);
}

}  // namespace

void AddIndexAlong(KernelRegistrar& r) {
  r.Add("aten::index_select", &IndexSelect)
      .Add("aten::index_select.out", &IndexSelectOut)
      .Add("aten::index_add_", &IndexAdd)
      .Add("aten::index_add", &Contiguously<IndexAdd>::Call)
      .Add("aten::index_add.out", &Contiguously<IndexAdd>::Out)
      .Add("aten::index_reduce_", &IndexReduce)
      .Add("aten::index_reduce", &Contiguously<IndexReduce>::Call)
      .Add("aten::index_reduce.out", &Contiguously<IndexReduce>::Out)
      .Add("aten::index_copy_", &IndexCopy)
      .Add("aten::index_copy", &Contiguously<IndexCopy>::Call)
      .Add("aten::index_copy.out", &Contiguously<IndexCopy>::Out)
      .Add("aten::index_fill_.int_Scalar", &IndexFill)
      .Add("aten::index_fill.int_Scalar", &OutOfPlace<IndexFill>::Call)
      .Add("aten::index_fill.int_Scalar_out", &OutOfPlace<IndexFill>::Out)
      .Add("aten::index_fill_.int_Tensor", &IndexFillTensor)
      .Add("aten::index_fill.int_Tensor", &OutOfPlace<IndexFillTensor>::Call)
      .Add("aten::index_fill.int_Tensor_out", &OutOfPlace<IndexFillTensor>::Out)
      .Add("aten::take", &Take)
      .Add("aten::take.out", &TakeOut)
      .Add("aten::put_", &PutInPlace)
      .Add("aten::put", &OutOfPlace<PutInPlace>::Call)
      .Add("aten::put.out", &OutOfPlace<PutInPlace>::Out);
}

}  // namespace tandem::reference
