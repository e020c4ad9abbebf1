#include "tandem/backends/onednn/descriptors.h"

#include <algorithm>
#include <cstdint>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "tandem/tensor/status_macros.h"

namespace tandem::onednn {
namespace {

absl::string_view StatusName(dnnl_status_t status) {
  switch (status) {
    case dnnl_success:
      return "success";
    case dnnl_out_of_memory:
      return "out of memory";
    case dnnl_invalid_arguments:
      return "invalid arguments";
    case dnnl_unimplemented:
      return "not implemented";
    default:
      return "runtime error";
  }
}

// oneDNN's kernels count dims in 32 bits and multiply sizes unchecked; blocks
// and scratchpads come on top.
absl::Status CheckSizes(DimSpan sizes) {
  constexpr int64_t kMaxElements = int64_t{1} << 40;
  int64_t elements = 1;
  for (int64_t s : sizes) {
    if (s < 0 || s > INT32_MAX ||
        __builtin_mul_overflow(elements, s, &elements) ||
        elements > kMaxElements) {
      return absl::UnimplementedError(
          absl::StrCat("sizes too large for oneDNN: ", DimsToString(sizes)));
    }
  }
  return absl::OkStatus();
}

absl::Status Refused(absl::string_view what, dnnl_status_t status) {
  return absl::UnimplementedError(
      absl::StrCat(what, ": oneDNN says \"", StatusName(status), "\""));
}

}  // namespace

std::optional<dnnl_data_type_t> DataType(DType dtype) {
  switch (dtype) {
    case DType::kFloat:
      return dnnl_f32;
    case DType::kBFloat16:
      return dnnl_bf16;
    case DType::kHalf:
      return dnnl_f16;
    case DType::kInt8:
    case DType::kQInt8:
      return dnnl_s8;
    case DType::kUInt8:
    case DType::kQUInt8:
      return dnnl_u8;
    case DType::kInt32:
    case DType::kQInt32:
      return dnnl_s32;
    default:
      return std::nullopt;
  }
}

absl::StatusOr<MemoryDesc> Descriptors::Strided(DimSpan sizes, DType dtype,
                                                DimSpan strides) const {
  const std::optional<dnnl_data_type_t> type = DataType(dtype);
  if (!type.has_value()) {
    return absl::UnimplementedError(
        absl::StrCat("oneDNN has no dtype ", TypeName(dtype)));
  }
  // A scalar is a tensor of one element there.
  static constexpr int64_t kOne[1] = {1};
  if (sizes.empty()) {
    sizes = kOne;
    strides = kOne;
  }
  if (sizes.size() > DNNL_MAX_NDIMS) {
    return absl::UnimplementedError("too many dims for oneDNN");
  }
  TANDEM_RETURN_IF_ERROR(CheckSizes(sizes));
  // What a dim of one element steps over means nothing, but oneDNN's binary
  // primitives take a view of one batch for one with gaps, and compute
  // nonsense.
  Dims steps(strides.begin(), strides.end());
  for (size_t d = 0; d < sizes.size(); ++d) {
    if (sizes[d] != 1) continue;
    int64_t span = 1;
    for (size_t i = 0; i < sizes.size(); ++i) {
      if (sizes[i] != 1 && strides[i] < strides[d]) {
        span = std::max(span, sizes[i] * strides[i]);
      }
    }
    steps[d] = span;
  }
  dnnl_memory_desc_t md = nullptr;
  const dnnl_status_t status = library_->memory_desc_create_with_strides(
      &md, static_cast<int>(sizes.size()), sizes.data(), *type, steps.data());
  if (status != dnnl_success) {
    return Refused(absl::StrCat("layout ", DimsToString(sizes), " by ",
                                DimsToString(strides)),
                   status);
  }
  return Share(md);
}

absl::StatusOr<MemoryDesc> Descriptors::Contiguous(DimSpan sizes,
                                                   DType dtype) const {
  TANDEM_RETURN_IF_ERROR(CheckSizes(sizes));
  return Strided(sizes, dtype, ContiguousStrides(sizes));
}

absl::StatusOr<MemoryDesc> Descriptors::Any(DimSpan sizes, DType dtype) const {
  return Tagged(sizes, dtype, dnnl_format_tag_any);
}

absl::StatusOr<MemoryDesc> Descriptors::Tagged(DimSpan sizes, DType dtype,
                                               dnnl_format_tag_t tag) const {
  const std::optional<dnnl_data_type_t> type = DataType(dtype);
  if (!type.has_value()) {
    return absl::UnimplementedError(
        absl::StrCat("oneDNN has no dtype ", TypeName(dtype)));
  }
  if (sizes.size() > DNNL_MAX_NDIMS) {
    return absl::UnimplementedError("too many dims for oneDNN");
  }
  TANDEM_RETURN_IF_ERROR(CheckSizes(sizes));
  dnnl_memory_desc_t md = nullptr;
  const dnnl_status_t status = library_->memory_desc_create_with_tag(
      &md, static_cast<int>(sizes.size()), sizes.data(), *type, tag);
  if (status != dnnl_success) {
    return Refused(absl::StrCat("layout ", DimsToString(sizes)), status);
  }
  return Share(md);
}

MemoryDesc Descriptors::Permute(const MemoryDesc& md, DimSpan order) const {
  // Ours: dim i of the result is dim order[i]; oneDNN's: dim i goes to
  // permutation[i].
  int permutation[DNNL_MAX_NDIMS] = {};
  for (size_t i = 0; i < order.size(); ++i) {
    permutation[order[i]] = static_cast<int>(i);
  }
  dnnl_memory_desc_t out = nullptr;
  if (library_->memory_desc_permute_axes(&out, md.get(), permutation) !=
      dnnl_success) {
    return nullptr;
  }
  return Share(out);
}

MemoryDesc Descriptors::Reshape(const MemoryDesc& md, DimSpan sizes) const {
  static constexpr int64_t kOne[1] = {1};
  if (sizes.empty()) sizes = kOne;
  if (sizes.size() > DNNL_MAX_NDIMS) return nullptr;
  dnnl_memory_desc_t out = nullptr;
  if (library_->memory_desc_reshape(&out, md.get(),
                                    static_cast<int>(sizes.size()),
                                    sizes.data()) != dnnl_success) {
    return nullptr;
  }
  return Share(out);
}

MemoryDesc Descriptors::Part(const MemoryDesc& md, DimSpan sizes,
                             DimSpan offsets) const {
  dnnl_memory_desc_t out = nullptr;
  if (library_->memory_desc_create_submemory(&out, md.get(), sizes.data(),
                                             offsets.data()) != dnnl_success) {
    return nullptr;
  }
  return Share(out);
}

bool Descriptors::Equal(const MemoryDesc& a, const MemoryDesc& b) const {
  return library_->memory_desc_equal(a.get(), b.get()) != 0;
}

int64_t Descriptors::Bytes(const MemoryDesc& md) const {
  return static_cast<int64_t>(library_->memory_desc_get_size(md.get()));
}

Dims Descriptors::Sizes(const MemoryDesc& md) const {
  int rank = 0;
  const dnnl_dims_t* dims = nullptr;
  library_->memory_desc_query(md.get(), dnnl_query_ndims_s32, &rank);
  library_->memory_desc_query(md.get(), dnnl_query_dims, &dims);
  return Dims(*dims, *dims + rank);
}

std::optional<Dims> Descriptors::PlainStrides(const MemoryDesc& md) const {
  dnnl_format_kind_t kind = dnnl_format_kind_undef;
  int rank = 0, blocks = 0;
  const dnnl_dims_t* strides = nullptr;
  library_->memory_desc_query(md.get(), dnnl_query_format_kind, &kind);
  if (kind != dnnl_blocked) return std::nullopt;
  library_->memory_desc_query(md.get(), dnnl_query_inner_nblks_s32, &blocks);
  if (blocks != 0) return std::nullopt;
  library_->memory_desc_query(md.get(), dnnl_query_ndims_s32, &rank);
  library_->memory_desc_query(md.get(), dnnl_query_strides, &strides);
  return Dims(*strides, *strides + rank);
}

bool Descriptors::IsContiguous(const MemoryDesc& md) const {
  const std::optional<Dims> strides = PlainStrides(md);
  if (!strides.has_value()) return false;
  const Dims sizes = Sizes(md);
  int64_t expected = 1;
  for (size_t i = sizes.size(); i-- > 0;) {
    if (sizes[i] == 1) continue;
    if ((*strides)[i] != expected) return false;
    expected *= sizes[i];
  }
  return true;
}

std::string Descriptors::Key(const MemoryDesc& md) const {
  dnnl_format_kind_t kind = dnnl_format_kind_undef;
  dnnl_data_type_t type = dnnl_data_type_undef;
  int rank = 0, blocks = 0;
  const dnnl_dims_t *sizes = nullptr, *padded = nullptr, *strides = nullptr;
  const dnnl_dims_t *block_sizes = nullptr, *block_dims = nullptr;
  const auto query = [&](dnnl_query_t what, void* result) {
    library_->memory_desc_query(md.get(), what, result);
  };
  query(dnnl_query_format_kind, &kind);
  query(dnnl_query_data_type, &type);
  query(dnnl_query_ndims_s32, &rank);
  query(dnnl_query_dims, &sizes);
  query(dnnl_query_padded_dims, &padded);
  std::string key = absl::StrCat(kind, "/", type, "/", Bytes(md), "/",
                                 absl::StrJoin(*sizes, *sizes + rank, "x"), "/",
                                 absl::StrJoin(*padded, *padded + rank, "x"));
  if (kind == dnnl_blocked) {
    query(dnnl_query_strides, &strides);
    query(dnnl_query_inner_nblks_s32, &blocks);
    query(dnnl_query_inner_blks, &block_sizes);
    query(dnnl_query_inner_idxs, &block_dims);
    absl::StrAppend(&key, "/", absl::StrJoin(*strides, *strides + rank, ","));
    for (int i = 0; i < blocks; ++i) {
      absl::StrAppend(&key, "/", (*block_sizes)[i], "@", (*block_dims)[i]);
    }
  }
  return key;
}

absl::StatusOr<PrimitiveDesc> Descriptors::Wrap(dnnl_status_t status,
                                                dnnl_primitive_desc_t pd,
                                                absl::string_view what) const {
  if (status != dnnl_success) return Refused(what, status);
  return PrimitiveDesc(pd, library_->primitive_desc_destroy);
}

absl::StatusOr<PrimitiveDesc> Descriptors::Reorder(
    const MemoryDesc& from, const MemoryDesc& to,
    const Attributes& attr) const {
  Attributes own = attr;
  if (own == nullptr) {
    TANDEM_ASSIGN_OR_RETURN(own, NewAttributes());
  }
  dnnl_primitive_desc_t pd = nullptr;
  const dnnl_status_t status = library_->reorder_primitive_desc_create(
      &pd, from.get(), engine(), to.get(), engine(), own.get());
  return Wrap(status, pd, "reorder");
}

absl::StatusOr<Primitive> Descriptors::Create(const PrimitiveDesc& pd) const {
  dnnl_primitive_t primitive = nullptr;
  const dnnl_status_t status = library_->primitive_create(&primitive, pd.get());
  if (status != dnnl_success) return Refused("primitive", status);
  return Primitive(primitive, library_->primitive_destroy);
}

absl::StatusOr<MemoryDesc> Descriptors::ArgumentOf(const PrimitiveDesc& pd,
                                                   int arg) const {
  const_dnnl_memory_desc_t md =
      library_->primitive_desc_query_md(pd.get(), dnnl_query_exec_arg_md, arg);
  if (md == nullptr) {
    return absl::UnimplementedError(
        absl::StrCat("the primitive has no argument ", arg));
  }
  // Owned by `pd`.
  return MemoryDesc(pd, const_cast<dnnl_memory_desc*>(md));
}

absl::StatusOr<MemoryDesc> Descriptors::ScratchpadOf(
    const PrimitiveDesc& pd) const {
  const_dnnl_memory_desc_t md =
      library_->primitive_desc_query_md(pd.get(), dnnl_query_scratchpad_md, 0);
  if (md == nullptr || library_->memory_desc_get_size(md) == 0) {
    return MemoryDesc();
  }
  return MemoryDesc(pd, const_cast<dnnl_memory_desc*>(md));
}

std::string Descriptors::Implementation(const PrimitiveDesc& pd) const {
  const char* name = nullptr;
  library_->primitive_desc_query(pd.get(), dnnl_query_impl_info_str, 0, &name);
  return name == nullptr ? "" : name;
}

bool Descriptors::IsReference(const PrimitiveDesc& pd) const {
  const std::string name = Implementation(pd);
  return absl::StrContains(name, "ref") && !absl::StrContains(name, "brg");
}

absl::StatusOr<Attributes> Descriptors::NewAttributes() const {
  dnnl_primitive_attr_t attr = nullptr;
  dnnl_status_t status = library_->primitive_attr_create(&attr);
  if (status != dnnl_success) return Refused("attributes", status);
  Attributes shared(attr, library_->primitive_attr_destroy);
  status = library_->primitive_attr_set_scratchpad_mode(
      attr, dnnl_scratchpad_mode_user);
  if (status != dnnl_success) return Refused("attributes", status);
  return shared;
}

}  // namespace tandem::onednn
