// oneDNN's objects as shared handles, and what tandem asks of them.
#ifndef TANDEM_BACKENDS_ONEDNN_DESCRIPTORS_H_
#define TANDEM_BACKENDS_ONEDNN_DESCRIPTORS_H_

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "tandem/backends/onednn/library.h"
#include "tandem/tensor/tensor.h"

namespace tandem::onednn {

// Immutable once made.
using MemoryDesc = std::shared_ptr<dnnl_memory_desc>;
using PrimitiveDesc = std::shared_ptr<dnnl_primitive_desc>;
using Primitive = std::shared_ptr<dnnl_primitive>;
using Attributes = std::shared_ptr<dnnl_primitive_attr>;

// Nullopt for a dtype that oneDNN does not know.
std::optional<dnnl_data_type_t> DataType(DType dtype);

// Makes descriptors. Errors are Unimplemented: kernels run then.
class Descriptors {
 public:
  explicit Descriptors(std::shared_ptr<const Library> library)
      : library_(std::move(library)) {}

  const Library& library() const { return *library_; }
  const std::shared_ptr<const Library>& shared_library() const {
    return library_;
  }
  dnnl_engine_t engine() const { return library_->engine(); }

  absl::StatusOr<MemoryDesc> Strided(DimSpan sizes, DType dtype,
                                     DimSpan strides) const;
  absl::StatusOr<MemoryDesc> Contiguous(DimSpan sizes, DType dtype) const;
  // The primitive chooses the layout.
  absl::StatusOr<MemoryDesc> Any(DimSpan sizes, DType dtype) const;
  absl::StatusOr<MemoryDesc> Tagged(DimSpan sizes, DType dtype,
                                    dnnl_format_tag_t tag) const;
  // Null when oneDNN cannot say it for this layout.
  MemoryDesc Permute(const MemoryDesc& md, DimSpan order) const;
  MemoryDesc Reshape(const MemoryDesc& md, DimSpan sizes) const;
  MemoryDesc Part(const MemoryDesc& md, DimSpan sizes, DimSpan offsets) const;

  bool Equal(const MemoryDesc& a, const MemoryDesc& b) const;
  int64_t Bytes(const MemoryDesc& md) const;
  Dims Sizes(const MemoryDesc& md) const;
  // Strides of a layout without blocks; empty otherwise (a scalar's, too).
  std::optional<Dims> PlainStrides(const MemoryDesc& md) const;
  bool IsContiguous(const MemoryDesc& md) const;
  // All that tells layouts apart, as text.
  std::string Key(const MemoryDesc& md) const;

  // `status` of a primitive descriptor's creation, `what` for the error.
  absl::StatusOr<PrimitiveDesc> Wrap(dnnl_status_t status,
                                     dnnl_primitive_desc_t pd,
                                     absl::string_view what) const;
  absl::StatusOr<PrimitiveDesc> Reorder(const MemoryDesc& from,
                                        const MemoryDesc& to,
                                        const Attributes& attr = nullptr) const;
  absl::StatusOr<Primitive> Create(const PrimitiveDesc& pd) const;
  // The layout that `pd` wants for an argument (DNNL_ARG_…).
  absl::StatusOr<MemoryDesc> ArgumentOf(const PrimitiveDesc& pd, int arg) const;
  // Null when none is needed.
  absl::StatusOr<MemoryDesc> ScratchpadOf(const PrimitiveDesc& pd) const;
  // "brg_conv_fwd:avx512_core"
  std::string Implementation(const PrimitiveDesc& pd) const;
  // Plain loops, which our own kernels beat.
  bool IsReference(const PrimitiveDesc& pd) const;

  // Attributes with the scratchpad given by the caller.
  absl::StatusOr<Attributes> NewAttributes() const;

  MemoryDesc Share(dnnl_memory_desc_t md) const {
    return MemoryDesc(md, library_->memory_desc_destroy);
  }

 private:
  std::shared_ptr<const Library> library_;
};

}  // namespace tandem::onednn

#endif  // TANDEM_BACKENDS_ONEDNN_DESCRIPTORS_H_
