// Shape functions of operators that join, repeat and index tensors, and of
// those that make tensors.
#include <cmath>

#include "tandem/ir/operators/promotion.h"
#include "tandem/ir/operators/shape_function_tables.h"
#include "tandem/ir/operators/shape_shapes.h"
#include "tandem/tensor/status_macros.h"

namespace tandem::shape_functions {
namespace {

using Results = absl::StatusOr<ShapeResults>;

#define TANDEM_SELF(t)        \
  const Tensor& t = a.self(); \
  if (!t.defined()) return Unknown()

absl::StatusOr<DType> TypeOf(const std::vector<Tensor>& tensors) {
  ResultType type;
  for (const Tensor& t : tensors) type.Add(t);
  return type.Get();
}

Results Cat(const ShapeArguments& a) {
  const std::vector<Tensor> tensors = a.tensors("tensors");
  if (tensors.empty()) return Unknown();
  int64_t rank = tensors[0].dim();
  for (const Tensor& t : tensors) rank = std::max(rank, t.dim());
  TANDEM_ASSIGN_OR_RETURN(const int64_t dim,
                          WrapDim(a.integer("dim", 0), rank));
  TANDEM_ASSIGN_OR_RETURN(const Dims sizes, CatSizes(tensors, dim));
  TANDEM_ASSIGN_OR_RETURN(const DType dtype, TypeOf(tensors));
  MemoryFormat format = SuggestedMemoryFormat(tensors[0]);
  for (const Tensor& t : tensors) {
    if (SuggestedMemoryFormat(t) != format) format = MemoryFormat::kContiguous;
  }
  return One(sizes, StridesOfFormat(sizes, format), dtype);
}

Results Stack(const ShapeArguments& a) {
  const std::vector<Tensor> tensors = a.tensors("tensors");
  if (tensors.empty()) return Unknown();
  TANDEM_ASSIGN_OR_RETURN(const int64_t dim,
                          WrapDim(a.integer("dim", 0), tensors[0].dim() + 1));
  for (const Tensor& t : tensors) {
    if (t.sizes() != tensors[0].sizes()) return Unknown();
  }
  TANDEM_ASSIGN_OR_RETURN(const DType dtype, TypeOf(tensors));
  Dims sizes(tensors[0].sizes().begin(), tensors[0].sizes().end());
  sizes.insert(sizes.begin() + dim, static_cast<int64_t>(tensors.size()));
  return One(sizes, dtype);
}

Results Repeat(const ShapeArguments& a) {
  TANDEM_SELF(t);
  const std::optional<Dims> repeats = a.ints("repeats");
  if (!repeats.has_value()) return Unknown();
  TANDEM_ASSIGN_OR_RETURN(const Dims sizes, RepeatedSizes(t.sizes(), *repeats));
  return One(sizes, t.dtype());
}

Results Pad(const ShapeArguments& a) {
  TANDEM_SELF(t);
  const std::optional<Dims> pad = a.ints("pad");
  if (!pad.has_value()) return Unknown();
  TANDEM_ASSIGN_OR_RETURN(const Dims sizes, PaddedSizes(t.sizes(), *pad));
  return One(sizes, t.dtype(), /*strides_known=*/false);
}

Results SameSizes(const ShapeArguments& a) {
  TANDEM_SELF(t);
  return One(t.sizes(), t.dtype(), /*strides_known=*/t.is_contiguous());
}

Results Embedding(const ShapeArguments& a) {
  const Tensor &weight = a.tensor("weight"), &indices = a.tensor("indices");
  if (!weight.defined() || !indices.defined() || weight.dim() != 2) {
    return Unknown();
  }
  Dims sizes(indices.sizes().begin(), indices.sizes().end());
  sizes.push_back(weight.size(1));
  return One(sizes, weight.dtype());
}

Results IndexSelect(const ShapeArguments& a) {
  TANDEM_SELF(t);
  const Tensor& index = a.tensor("index");
  if (!index.defined() || index.dim() > 1 || a.Find("dim") == nullptr ||
      !a.Find("dim")->is_int()) {
    return Unknown();
  }
  if (t.dim() == 0) return One(t.sizes(), t.dtype());
  TANDEM_ASSIGN_OR_RETURN(const int64_t dim,
                          WrapDim(a.integer("dim", 0), t.dim()));
  Dims sizes(t.sizes().begin(), t.sizes().end());
  sizes[static_cast<size_t>(dim)] = index.numel();
  return One(sizes, t.dtype(), /*strides_known=*/t.is_contiguous());
}

Results Gather(const ShapeArguments& a) {
  TANDEM_SELF(t);
  const Tensor& index = a.tensor("index");
  if (!index.defined()) return Unknown();
  return One(index.sizes(), t.dtype(),
             /*strides_known=*/index.is_contiguous());
}

Results PixelShuffle(const ShapeArguments& a) {
  TANDEM_SELF(t);
  const int64_t r = a.integer("upscale_factor", 0);
  if (r <= 0 || r > 1 << 20 || t.dim() < 3 ||
      t.size(t.dim() - 3) % (r * r) != 0) {
    return Unknown();
  }
  Dims sizes(t.sizes().begin(), t.sizes().end());
  const size_t n = sizes.size();
  sizes[n - 3] /= r * r;
  for (size_t d : {n - 2, n - 1}) {
    TANDEM_ASSIGN_OR_RETURN(sizes[d],
                            CheckedMultiply(sizes[d], r, "pixel_shuffle"));
  }
  return One(sizes, t.dtype(), /*strides_known=*/false);
}

// ---- Made of sizes

// A device that is not the CPU would be another tensor.
bool OnDevice(const ShapeArguments& a) {
  const IValue* device = a.Find("device");
  return device != nullptr &&
         !(device->is_device() && device->AsDevice().is_cpu());
}

Results Filled(const ShapeArguments& a) {
  const std::optional<Dims> sizes = a.ints("size");
  if (!sizes.has_value() || OnDevice(a)) return Unknown();
  DType dtype = DType::kFloat;
  if (const IValue* fill = a.Find("fill_value"); fill != nullptr) {
    if (fill->is_int()) dtype = DType::kInt64;
    if (fill->is_bool()) dtype = DType::kBool;
    if (!fill->is_int() && !fill->is_bool() && !fill->is_double()) {
      return Unknown();
    }
  }
  return One(*sizes, a.dtype().value_or(dtype));
}

Results NewOfSizes(const ShapeArguments& a) {
  TANDEM_SELF(t);
  const std::optional<Dims> sizes = a.ints("size");
  if (!sizes.has_value() || OnDevice(a)) return Unknown();
  return One(*sizes, a.dtype().value_or(t.dtype()));
}

Results Like(const ShapeArguments& a) {
  TANDEM_SELF(t);
  if (OnDevice(a)) return Unknown();
  return One(t.sizes(), a.dtype().value_or(t.dtype()),
             /*strides_known=*/t.is_contiguous() &&
                 a.Find("memory_format") == nullptr);
}

Results Arange(const ShapeArguments& a) {
  double bounds[3] = {0, 0, 1};
  bool integers = true;
  const char* names[] = {"start", "end", "step"};
  for (int i = 0; i < 3; ++i) {
    const IValue* v = a.Find(names[i]);
    if (v == nullptr) continue;
    if (v->is_double()) integers = false;
    if (!v->is_int() && !v->is_double()) return Unknown();
    bounds[i] = v->is_int() ? static_cast<double>(v->AsInt()) : v->AsDouble();
  }
  const double n = std::ceil((bounds[1] - bounds[0]) / bounds[2]);
  if (OnDevice(a) || !(n >= 0 && n < 1e15)) return Unknown();
  return One({static_cast<int64_t>(n)},
             a.dtype().value_or(integers ? DType::kInt64 : DType::kFloat));
}

Results Eye(const ShapeArguments& a) {
  const int64_t n = a.integer("n", -1);
  if (n < 0 || OnDevice(a)) return Unknown();
  return One({n, a.integer("m", n)}, a.dtype().value_or(DType::kFloat));
}

Results OneHot(const ShapeArguments& a) {
  TANDEM_SELF(t);
  const int64_t n = a.integer("num_classes", -1);
  if (n <= 0) return Unknown();
  Dims sizes(t.sizes().begin(), t.sizes().end());
  sizes.push_back(n);
  return One(sizes, DType::kInt64);
}

constexpr absl::string_view kCat[] = {"cat", "concat", "concatenate"};
constexpr absl::string_view kStack[] = {"stack"};
constexpr absl::string_view kRepeat[] = {"repeat"};
constexpr absl::string_view kPad[] = {"constant_pad_nd", "pad"};
constexpr absl::string_view kSameSizes[] = {
    "flip",        "roll",       "tril",      "triu",       "scatter",
    "scatter_add", "index_fill", "index_add", "index_copy", "masked_scatter"};
constexpr absl::string_view kEmbedding[] = {"embedding"};
constexpr absl::string_view kIndexSelect[] = {"index_select"};
constexpr absl::string_view kGather[] = {"gather"};
constexpr absl::string_view kPixelShuffle[] = {"pixel_shuffle"};
constexpr absl::string_view kFilled[] = {"zeros", "ones", "empty",
                                         "full",  "rand", "randn"};
constexpr absl::string_view kNew[] = {"new_zeros", "new_ones", "new_empty",
                                      "new_full"};
constexpr absl::string_view kLike[] = {"zeros_like", "ones_like", "empty_like",
                                       "full_like",  "rand_like", "randn_like"};
constexpr absl::string_view kArange[] = {"arange"};
constexpr absl::string_view kEye[] = {"eye"};
constexpr absl::string_view kOneHot[] = {"one_hot"};

constexpr Entry kEntries[] = {
    {&Cat, kCat},
    {&Stack, kStack},
    {&Repeat, kRepeat},
    {&Pad, kPad},
    {&SameSizes, kSameSizes},
    {&Embedding, kEmbedding},
    {&IndexSelect, kIndexSelect},
    {&Gather, kGather},
    {&PixelShuffle, kPixelShuffle},
    {&Filled, kFilled},
    {&NewOfSizes, kNew},
    {&Like, kLike},
    {&Arange, kArange},
    {&Eye, kEye},
    {&OneHot, kOneHot},
};

}  // namespace

absl::Span<const Entry> Joins() { return kEntries; }

}  // namespace tandem::shape_functions
