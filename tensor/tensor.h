// Strided tensors: a view (sizes, strides, offset) over a shared Storage.
#ifndef TANDEM_TENSOR_TENSOR_H_
#define TANDEM_TENSOR_TENSOR_H_

#include <cstdint>
#include <memory>
#include <string>

#include "absl/container/inlined_vector.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "tandem/tensor/device.h"
#include "tandem/tensor/dtype.h"
#include "tandem/tensor/ref.h"
#include "tandem/tensor/scalar.h"
#include "tandem/tensor/storage.h"

namespace tandem {

class Tensor;

using Dims = absl::InlinedVector<int64_t, 6>;
using DimSpan = absl::Span<const int64_t>;

// Numbers are PyTorch's, as programs carry them.
enum class Layout : int8_t {
  kStrided = 0,
  kSparse = 1,
  kSparseCsr = 2,
  kMkldnn = 3
};
enum class MemoryFormat : int8_t {
  kContiguous = 0,
  kPreserve = 1,
  kChannelsLast = 2,
  kChannelsLast3d = 3,
};

// How integers of a quantized tensor stand for real values. Scheme numbers are
// PyTorch's QScheme: per_tensor_affine 0, per_channel_affine 1,
// per_channel_affine_float_qparams 4.
struct Quantizer;
// A sparse tensor's parts.
struct SparseParts;

// The header that handles share. Fields other than flags are changed in place
// only by operators that say so (t_, resize_, set_).
class TensorImpl : public RefCounted {
 public:
  Ref<Storage> storage;
  int64_t offset = 0;  // in elements
  int64_t numel = 0;
  Dims sizes;
  Dims strides;  // in elements
  DType dtype = DType::kUndefined;
  Device device;
  Layout layout = Layout::kStrided;
  bool contiguous = true;  // kept by SetGeometry
  bool requires_grad = false;
  bool conj = false;            // elements stand for their conjugates
  bool neg = false;             // elements stand for their negatives
  bool wrapped_number = false;  // made of a number: weak in type promotion
  std::shared_ptr<const Quantizer> quantizer;
  std::shared_ptr<const SparseParts> sparse;

  // Sets sizes and strides and what follows from them.
  void SetGeometry(DimSpan new_sizes, DimSpan new_strides);
  void SetContiguous(DimSpan new_sizes);

  static TensorImpl* New();  // from the thread's pool

 private:
  TensorImpl() = default;
  ~TensorImpl() override = default;
  void Dispose() override;
};

// A handle: copying shares the header. Undefined (no header) stands for None
// where an operator's tensor is optional.
class Tensor {
 public:
  Tensor() = default;
  explicit Tensor(Ref<TensorImpl> impl) : impl_(std::move(impl)) {}

  // Uninitialised, contiguous. Errors: a negative size, sizes whose product
  // overflows, no memory.
  static absl::StatusOr<Tensor> Empty(DimSpan sizes, DType dtype);
  // Uninitialised memory laid out by `strides` (any non-negative strides).
  static absl::StatusOr<Tensor> EmptyStrided(DimSpan sizes, DimSpan strides,
                                             DType dtype);
  static absl::StatusOr<Tensor> Zeros(DimSpan sizes, DType dtype);
  // Without memory: device meta.
  static absl::StatusOr<Tensor> Meta(DimSpan sizes, DimSpan strides,
                                     DType dtype);
  // A 0-dim tensor of the number, of its own dtype or the one given.
  static absl::StatusOr<Tensor> FromScalar(const Scalar& value);
  static absl::StatusOr<Tensor> FromScalar(const Scalar& value, DType dtype);
  // A 1-dim tensor that copies the values.
  template <typename T>
  static absl::StatusOr<Tensor> FromSpan(absl::Span<const T> values);
  // A view of `storage`; error when it reaches past the storage's bytes, with
  // PyTorch's words.
  static absl::StatusOr<Tensor> OverStorage(Ref<Storage> storage,
                                            int64_t offset, DimSpan sizes,
                                            DimSpan strides, DType dtype);

  // A view of this tensor's storage with other sizes, strides and offset
  // (absolute, in elements), bounds-checked. Keeps dtype, quantizer, flags.
  absl::StatusOr<Tensor> AsStrided(DimSpan sizes, DimSpan strides,
                                   int64_t offset) const;
  // The same for geometry that is known to lie inside: no check.
  Tensor ViewUnchecked(DimSpan sizes, DimSpan strides, int64_t offset) const;
  // A new header over the same elements (detach, alias).
  Tensor Alias() const;

  bool defined() const { return static_cast<bool>(impl_); }
  TensorImpl* impl() const { return impl_.get(); }
  const Ref<TensorImpl>& ref() const { return impl_; }
  TensorImpl* Leak() { return impl_.Leak(); }
  bool is_same(const Tensor& o) const { return impl_ == o.impl_; }

  int64_t dim() const { return static_cast<int64_t>(impl_->sizes.size()); }
  int64_t numel() const { return impl_->numel; }
  DimSpan sizes() const { return impl_->sizes; }
  DimSpan strides() const { return impl_->strides; }
  // No wrapping, no check: 0 <= d < dim().
  int64_t size(int64_t d) const { return impl_->sizes[d]; }
  int64_t stride(int64_t d) const { return impl_->strides[d]; }
  int64_t offset() const { return impl_->offset; }
  DType dtype() const { return impl_->dtype; }
  size_t element_size() const { return ElementSize(impl_->dtype); }
  const Device& device() const { return impl_->device; }
  bool is_meta() const { return impl_->device.type == DeviceType::kMeta; }
  bool is_sparse() const { return impl_->layout != Layout::kStrided; }
  bool is_quantized() const { return impl_->quantizer != nullptr; }
  const Ref<Storage>& storage() const { return impl_->storage; }
  bool requires_grad() const { return impl_->requires_grad; }

  // Row-major without gaps (sizes of 1 may have any stride).
  bool is_contiguous() const { return impl_->contiguous; }
  bool is_contiguous(MemoryFormat format) const;
  // No two elements share memory and no gaps: some order of dims is contiguous.
  bool is_non_overlapping_and_dense() const;

  // The first element. The caller keeps to dtype and strides. Null if meta or
  // empty. Data of a mapped file may be read-only: mutable_data() copies then.
  template <typename T>
  T* data() const {
    return reinterpret_cast<T*>(raw_data());
  }
  char* raw_data() const {
    return static_cast<char*>(impl_->storage ? impl_->storage->data()
                                             : nullptr) +
           impl_->offset * static_cast<int64_t>(element_size());
  }

  // The one element of a tensor with numel() == 1 as a number (item()).
  absl::StatusOr<Scalar> Item() const;

 private:
  Ref<TensorImpl> impl_;
};

struct Quantizer {
  int64_t scheme = 0;
  double scale = 1;
  int64_t zero_point = 0;
  Tensor scales;       // double[channels] (float for float_qparams)
  Tensor zero_points;  // int64[channels]
  int64_t axis = 0;
};

struct SparseParts {
  Tensor indices, values;  // COO
  Tensor crow, col;        // CSR
  bool coalesced = false;
};

// Strides of a contiguous tensor of these sizes.
Dims ContiguousStrides(DimSpan sizes);
// Strides of a 4-dim (5-dim) tensor in channels-last order.
Dims ChannelsLastStrides(DimSpan sizes);

// Product of sizes; error when negative or past int64.
absl::StatusOr<int64_t> CheckedNumel(DimSpan sizes);

// "[2, 3]"
std::string DimsToString(DimSpan dims);

// dim wrapped into [0, rank); PyTorch's IndexError text otherwise
// ("Dimension out of range (expected to be in range of [-2, 1], but got 5)").
// A rank of 0 is treated as 1.
absl::StatusOr<int64_t> WrapDim(int64_t dim, int64_t rank);

template <typename T>
struct DTypeOf;
// The C++ type of each computed dtype is in tensor/visit.h.

}  // namespace tandem

#endif  // TANDEM_TENSOR_TENSOR_H_
