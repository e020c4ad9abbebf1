#include "tandem/tensor/tensor.h"

#include <algorithm>
#include <cstring>
#include <new>

#include "absl/base/optimization.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "tandem/tensor/memory_pool.h"
#include "tandem/tensor/recycler.h"
#include "tandem/tensor/status_macros.h"
#include "tandem/tensor/visit.h"

namespace tandem {
namespace {

bool IsContiguousIn(DimSpan sizes, DimSpan strides) {
  int64_t expected = 1;
  for (int64_t d = static_cast<int64_t>(sizes.size()) - 1; d >= 0; --d) {
    if (sizes[d] == 1) continue;
    if (strides[d] != expected) return false;
    expected *= sizes[d];
  }
  return true;
}

// Bytes from a storage's start to the end of the view's last element.
absl::StatusOr<int64_t> RequiredBytes(DimSpan sizes, DimSpan strides,
                                      int64_t offset, int64_t element_size) {
  __int128 last = offset;
  for (size_t d = 0; d < sizes.size(); ++d) {
    if (sizes[d] == 0) return 0;
    last += static_cast<__int128>(sizes[d] - 1) * strides[d];
  }
  const __int128 bytes = (last + 1) * element_size;
  if (bytes > INT64_MAX) {
    return absl::InvalidArgumentError("a tensor reaches past 2^63 bytes");
  }
  return static_cast<int64_t>(bytes);
}

absl::Status CheckInBounds(const Storage& storage, int64_t offset,
                           DimSpan sizes, DimSpan strides, DType dtype) {
  if (sizes.size() != strides.size()) {
    return absl::InvalidArgumentError(
        absl::StrCat("mismatch in length of strides and shape: ", sizes.size(),
                     " sizes, ", strides.size(), " strides"));
  }
  if (offset < 0) {
    return absl::InvalidArgumentError(
        absl::StrCat("Tensor: invalid storage offset ", offset));
  }
  for (int64_t s : strides) {
    if (s < 0) {
      return absl::InvalidArgumentError(absl::StrCat(
          "as_strided: Negative strides are not supported at the moment, got "
          "strides: ",
          DimsToString(strides)));
    }
  }
  TANDEM_RETURN_IF_ERROR(CheckedNumel(sizes).status());
  const int64_t element_size = static_cast<int64_t>(ElementSize(dtype));
  TANDEM_ASSIGN_OR_RETURN(const int64_t bytes,
                          RequiredBytes(sizes, strides, offset, element_size));
  if (bytes > static_cast<int64_t>(storage.bytes())) {
    return absl::InvalidArgumentError(absl::StrCat(
        "setStorage: sizes ", DimsToString(sizes), ", strides ",
        DimsToString(strides), ", storage offset ", offset, ", and itemsize ",
        element_size, " requiring a storage size of ", bytes,
        " are out of bounds for storage of size ", storage.bytes()));
  }
  return absl::OkStatus();
}

absl::Status NoSuchDType() {
  return absl::InvalidArgumentError("a tensor needs a dtype that there is");
}

}  // namespace

TensorImpl* TensorImpl::New() {
  size_t capacity;
  void* memory = memory_pool::Allocate(sizeof(TensorImpl), &capacity);
  // As the standard library's containers say it; see Execution::RunGuarded.
  if (ABSL_PREDICT_FALSE(memory == nullptr)) throw std::bad_alloc();
  return new (memory) TensorImpl();
}

void TensorImpl::Dispose() {
  if (recycler::Park(this)) return;
  this->~TensorImpl();
  // What Allocate makes of this size.
  constexpr size_t kCapacity = (sizeof(TensorImpl) + 63) & ~size_t{63};
  memory_pool::Free(this, kCapacity);
}

void TensorImpl::SetGeometry(DimSpan new_sizes, DimSpan new_strides) {
  sizes.assign(new_sizes.begin(), new_sizes.end());
  strides.assign(new_strides.begin(), new_strides.end());
  numel = 1;
  for (int64_t s : sizes) numel *= s;
  contiguous = numel == 0 || IsContiguousIn(sizes, strides);
}

void TensorImpl::SetContiguous(DimSpan new_sizes) {
  sizes.assign(new_sizes.begin(), new_sizes.end());
  strides.resize(sizes.size());
  int64_t step = 1;
  numel = 1;
  for (int64_t d = static_cast<int64_t>(sizes.size()) - 1; d >= 0; --d) {
    strides[d] = step;
    step *= std::max<int64_t>(sizes[d], 1);
    numel *= sizes[d];
  }
  contiguous = true;
}

absl::StatusOr<int64_t> CheckedNumel(DimSpan sizes) {
  int64_t numel = 1;
  bool empty = false, overflow = false;
  for (int64_t s : sizes) {
    if (s < 0) {
      return absl::InvalidArgumentError(
          absl::StrCat("Trying to create tensor with negative dimension ", s,
                       ": ", DimsToString(sizes)));
    }
    if (s == 0) {
      empty = true;
    } else if (__builtin_mul_overflow(numel, s, &numel)) {
      overflow = true;
    }
  }
  // Strides of empty tensors count their other sizes.
  if (overflow) {
    return absl::InvalidArgumentError(
        absl::StrCat("numel: integer multiplication overflow of sizes ",
                     DimsToString(sizes)));
  }
  return empty ? 0 : numel;
}

absl::StatusOr<Tensor> Tensor::Empty(DimSpan sizes, DType dtype) {
  if (TensorImpl* impl = recycler::Take(sizes, dtype); impl != nullptr) {
    return Tensor(Ref<TensorImpl>::Adopt(impl));
  }
  const int64_t element_size = static_cast<int64_t>(ElementSize(dtype));
  if (ABSL_PREDICT_FALSE(element_size == 0)) return NoSuchDType();
  // Small sizes cannot overflow: what most tensors of a program have.
  int64_t numel = 1;
  bool small = true;
  for (int64_t s : sizes) {
    small = small && static_cast<uint64_t>(s) <= (1u << 20) &&
            numel < (int64_t{1} << 36);
    if (!small) break;
    numel *= s;
  }
  int64_t bytes = numel * element_size;
  if (ABSL_PREDICT_FALSE(!small)) {
    const absl::StatusOr<int64_t> checked = CheckedNumel(sizes);
    const bool negative = std::any_of(sizes.begin(), sizes.end(),
                                      [](int64_t s) { return s < 0; });
    if (negative) return checked.status();
    numel = checked.value_or(INT64_MAX);
    if (__builtin_mul_overflow(numel, element_size, &bytes) || !checked.ok()) {
      return absl::InvalidArgumentError(
          absl::StrCat("Storage size calculation overflowed with sizes=",
                       DimsToString(sizes)));
    }
  }
  TANDEM_ASSIGN_OR_RETURN(Ref<Storage> storage, Storage::Allocate(bytes));
  TensorImpl* impl = TensorImpl::New();
  impl->storage = std::move(storage);
  impl->SetContiguous(sizes);
  impl->dtype = dtype;
  return Tensor(Ref<TensorImpl>::Adopt(impl));
}

absl::StatusOr<Tensor> Tensor::EmptyStrided(DimSpan sizes, DimSpan strides,
                                            DType dtype) {
  if (ElementSize(dtype) == 0) return NoSuchDType();
  TANDEM_RETURN_IF_ERROR(CheckedNumel(sizes).status());
  TANDEM_ASSIGN_OR_RETURN(
      const int64_t bytes,
      RequiredBytes(sizes, strides, 0,
                    static_cast<int64_t>(ElementSize(dtype))));
  TANDEM_ASSIGN_OR_RETURN(Ref<Storage> storage, Storage::Allocate(bytes));
  return OverStorage(std::move(storage), 0, sizes, strides, dtype);
}

absl::StatusOr<Tensor> Tensor::Zeros(DimSpan sizes, DType dtype) {
  TANDEM_ASSIGN_OR_RETURN(Tensor t, Empty(sizes, dtype));
  if (t.storage()->bytes() > 0) {
    std::memset(t.storage()->data(), 0, t.storage()->bytes());
  }
  return t;
}

absl::StatusOr<Tensor> Tensor::Meta(DimSpan sizes, DimSpan strides,
                                    DType dtype) {
  TANDEM_RETURN_IF_ERROR(CheckedNumel(sizes).status());
  TANDEM_ASSIGN_OR_RETURN(
      const int64_t bytes,
      RequiredBytes(sizes, strides, 0,
                    static_cast<int64_t>(ElementSize(dtype))));
  TensorImpl* impl = TensorImpl::New();
  impl->storage = Storage::Meta(bytes);
  impl->SetGeometry(sizes, strides);
  impl->dtype = dtype;
  impl->device = Device{DeviceType::kMeta, -1};
  return Tensor(Ref<TensorImpl>::Adopt(impl));
}

absl::StatusOr<Tensor> Tensor::FromScalar(const Scalar& value) {
  return FromScalar(value, value.dtype());
}

absl::StatusOr<Tensor> Tensor::FromScalar(const Scalar& value, DType dtype) {
  TANDEM_ASSIGN_OR_RETURN(Tensor t, Empty({}, dtype));
  TANDEM_RETURN_IF_ERROR(
      VisitAll(dtype, "fill_", [&](auto tag) -> absl::Status {
        using T = typename decltype(tag)::type;
        if constexpr (std::is_same_v<T, ComplexHalf>) {
          *t.data<T>() = T(value.To<std::complex<float>>());
        } else {
          *t.data<T>() = value.To<T>();
        }
        return absl::OkStatus();
      }));
  return t;
}

template <typename T>
absl::StatusOr<Tensor> Tensor::FromSpan(absl::Span<const T> values) {
  TANDEM_ASSIGN_OR_RETURN(Tensor t, Empty({static_cast<int64_t>(values.size())},
                                          DTypeOf<T>::value));
  if (!values.empty()) {
    std::memcpy(t.raw_data(), values.data(), values.size() * sizeof(T));
  }
  return t;
}
template absl::StatusOr<Tensor> Tensor::FromSpan(absl::Span<const bool>);
template absl::StatusOr<Tensor> Tensor::FromSpan(absl::Span<const uint8_t>);
template absl::StatusOr<Tensor> Tensor::FromSpan(absl::Span<const int32_t>);
template absl::StatusOr<Tensor> Tensor::FromSpan(absl::Span<const int64_t>);
template absl::StatusOr<Tensor> Tensor::FromSpan(absl::Span<const float>);
template absl::StatusOr<Tensor> Tensor::FromSpan(absl::Span<const double>);

absl::StatusOr<Tensor> Tensor::OverStorage(Ref<Storage> storage, int64_t offset,
                                           DimSpan sizes, DimSpan strides,
                                           DType dtype) {
  TANDEM_RETURN_IF_ERROR(
      CheckInBounds(*storage, offset, sizes, strides, dtype));
  TensorImpl* impl = TensorImpl::New();
  if (storage->is_meta()) impl->device = Device{DeviceType::kMeta, -1};
  impl->storage = std::move(storage);
  impl->offset = offset;
  impl->SetGeometry(sizes, strides);
  impl->dtype = dtype;
  return Tensor(Ref<TensorImpl>::Adopt(impl));
}

absl::StatusOr<Tensor> Tensor::AsStrided(DimSpan sizes, DimSpan strides,
                                         int64_t offset) const {
  TANDEM_RETURN_IF_ERROR(
      CheckInBounds(*storage(), offset, sizes, strides, dtype()));
  return ViewUnchecked(sizes, strides, offset);
}

Tensor Tensor::ViewUnchecked(DimSpan sizes, DimSpan strides,
                             int64_t offset) const {
  TensorImpl* impl = TensorImpl::New();
  impl->storage = impl_->storage;
  impl->offset = offset;
  impl->SetGeometry(sizes, strides);
  impl->dtype = impl_->dtype;
  impl->device = impl_->device;
  impl->conj = impl_->conj;
  impl->neg = impl_->neg;
  impl->quantizer = impl_->quantizer;
  return Tensor(Ref<TensorImpl>::Adopt(impl));
}

Tensor Tensor::Alias() const {
  Tensor t = ViewUnchecked(sizes(), strides(), offset());
  t.impl_->layout = impl_->layout;
  t.impl_->sparse = impl_->sparse;
  t.impl_->wrapped_number = impl_->wrapped_number;
  return t;
}

bool Tensor::is_contiguous(MemoryFormat format) const {
  switch (format) {
    case MemoryFormat::kChannelsLast:
    case MemoryFormat::kChannelsLast3d: {
      const int64_t rank = format == MemoryFormat::kChannelsLast ? 4 : 5;
      if (dim() != rank) return false;
      int64_t expected = 1;
      const auto matches = [&](int64_t d) {
        if (size(d) != 1 && stride(d) != expected) return false;
        if (size(d) != 1) expected *= size(d);
        return true;
      };
      if (!matches(1)) return false;
      for (int64_t d = rank - 1; d >= 2; --d) {
        if (!matches(d)) return false;
      }
      return matches(0);
    }
    default:
      return is_contiguous();
  }
}

bool Tensor::is_non_overlapping_and_dense() const {
  if (is_contiguous()) return true;
  Dims order;
  for (int64_t d = 0; d < dim(); ++d) order.push_back(d);
  std::sort(order.begin(), order.end(), [&](int64_t a, int64_t b) {
    if ((size(a) < 2) != (size(b) < 2)) return size(a) >= 2;
    return stride(a) < stride(b);
  });
  int64_t expected = 1;
  for (int64_t d : order) {
    if (size(d) < 2) return true;
    if (stride(d) != expected) return false;
    expected *= size(d);
  }
  return true;
}

absl::StatusOr<Scalar> Tensor::Item() const {
  if (numel() != 1) {
    return absl::InvalidArgumentError(absl::StrCat(
        "a Tensor with ", numel(), " elements cannot be converted to Scalar"));
  }
  if (is_meta()) {
    return absl::InvalidArgumentError(
        "Tensor.item() cannot be called on meta tensors");
  }
  if (!device().is_cpu()) {
    return absl::UnimplementedError(
        absl::StrCat("elements of a tensor on ", device().ToString(),
                     " cannot be reached from the CPU"));
  }
  Scalar result;
  TANDEM_RETURN_IF_ERROR(
      VisitAll(dtype(), "item", [&](auto tag) -> absl::Status {
        using T = typename decltype(tag)::type;
        const T v = *data<T>();
        if constexpr (std::is_same_v<T, bool>) {
          result = Scalar(v);
        } else if constexpr (std::is_integral_v<T>) {
          result = Scalar(static_cast<int64_t>(v));
        } else if constexpr (std::is_same_v<T, ComplexHalf>) {
          result = Scalar(std::complex<double>(std::complex<float>(v)));
        } else if constexpr (kIsComplex<T>) {
          std::complex<double> c(v);
          if (impl_->conj) c = std::conj(c);
          result = Scalar(impl_->neg ? -c : c);
        } else {
          const double d = static_cast<double>(static_cast<Compute<T>>(v));
          result = Scalar(impl_->neg ? -d : d);
        }
        return absl::OkStatus();
      }));
  return result;
}

Dims ContiguousStrides(DimSpan sizes) {
  Dims strides(sizes.size());
  int64_t step = 1;
  for (int64_t d = static_cast<int64_t>(sizes.size()) - 1; d >= 0; --d) {
    strides[d] = step;
    step *= std::max<int64_t>(sizes[d], 1);
  }
  return strides;
}

Dims ChannelsLastStrides(DimSpan sizes) {
  Dims strides(sizes.size());
  int64_t step = 1;
  const auto set = [&](size_t d) {
    strides[d] = step;
    step *= std::max<int64_t>(sizes[d], 1);
  };
  set(1);
  for (size_t d = sizes.size() - 1; d >= 2; --d) set(d);
  set(0);
  return strides;
}

std::string DimsToString(DimSpan dims) {
  return absl::StrCat("[", absl::StrJoin(dims, ", "), "]");
}

absl::StatusOr<int64_t> WrapDim(int64_t dim, int64_t rank) {
  const int64_t n = std::max<int64_t>(rank, 1);
  if (dim < -n || dim >= n) {
    return absl::OutOfRangeError(
        absl::StrCat("Dimension out of range (expected to be in range of [", -n,
                     ", ", n - 1, "], but got ", dim, ")"));
  }
  return dim < 0 ? dim + n : dim;
}

}  // namespace tandem
