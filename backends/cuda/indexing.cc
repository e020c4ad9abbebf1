// cat, stack, embedding, index_select, gather, indexing by tensors, arange.
#include <algorithm>
#include <cmath>
#include <optional>

#include "absl/strings/str_cat.h"
#include "tandem/backends/cuda/binding.h"
#include "tandem/backends/cuda/loops.h"
#include "tandem/backends/cuda/prelude.h"
#include "tandem/backends/cuda/values.h"
#include "tandem/ir/operators/index_shapes.h"
#include "tandem/ir/operators/promotion.h"
#include "tandem/ir/operators/shape_shapes.h"
#include "tandem/tensor/status_macros.h"

namespace tandem::cuda {
namespace {

using Result = absl::StatusOr<Tensor>;

bool IsPlain(const Tensor& t) {
  return t.defined() && IsOnCuda(t) && !t.is_sparse() && !t.is_quantized() &&
         !t.impl()->conj && !t.impl()->neg;
}
bool IsIndex(const Tensor& t) {
  return IsPlain(t) &&
         (t.dtype() == DType::kInt64 || t.dtype() == DType::kInt32);
}

// Elements by their size: they only move.
absl::string_view MovedType(const Tensor& t) {
  switch (t.element_size()) {
    case 1:
      return "u8";
    case 2:
      return "u16";
    case 4:
      return "u32";
    case 8:
      return "u64";
    default:
      return "";
  }
}

// ---- cat and stack: copies into parts of the result

Result Cat(Gpu& gpu, absl::Span<const Tensor> tensors, int64_t dim) {
  DType dtype = DType::kUndefined;
  int64_t rank = 0;
  for (const Tensor& t : tensors) {
    if (!IsPlain(t) || t.device() != gpu.device()) return Declined();
    if (!IsSkippedByCat(t)) rank = t.dim();
    const DType joint =
        dtype == DType::kUndefined ? t.dtype() : PromoteTypes(dtype, t.dtype());
    if (joint == DType::kUndefined) return Declined();
    dtype = joint;
  }
  const absl::StatusOr<int64_t> d = WrapDim(dim, rank);
  if (tensors.empty() || rank == 0 || !d.ok()) return Declined();
  const absl::StatusOr<Dims> sizes = CatSizes(tensors, *d);
  if (!sizes.ok()) return Declined();
  // Channels-last ones give a channels-last result; that is the CPU's to know.
  for (const Tensor& t : tensors) {
    if (!IsSkippedByCat(t) &&
        SuggestedMemoryFormat(t) != MemoryFormat::kContiguous) {
      return Declined();
    }
  }
  TANDEM_ASSIGN_OR_RETURN(Tensor out, gpu.Empty(*sizes, dtype));
  int64_t at = 0;
  for (const Tensor& t : tensors) {
    if (IsSkippedByCat(t)) continue;
    const Tensor part = out.ViewUnchecked(t.sizes(), out.strides(),
                                          out.offset() + at * out.stride(*d));
    TANDEM_RETURN_IF_ERROR(CopyOnGpu(gpu, t, part));
    at += t.size(*d);
  }
  return out;
}
Result Stack(Gpu& gpu, absl::Span<const Tensor> tensors, int64_t dim) {
  if (tensors.empty() || !tensors[0].defined()) return Declined();
  const absl::StatusOr<int64_t> d = WrapDim(dim, tensors[0].dim() + 1);
  if (!d.ok()) return Declined();
  std::vector<Tensor> wide;
  for (const Tensor& t : tensors) {
    if (!IsPlain(t) || t.sizes() != tensors[0].sizes()) return Declined();
    Dims sizes(t.sizes().begin(), t.sizes().end());
    Dims strides(t.strides().begin(), t.strides().end());
    sizes.insert(sizes.begin() + *d, 1);
    strides.insert(strides.begin() + *d, 1);
    wide.push_back(t.ViewUnchecked(sizes, strides, t.offset()));
  }
  return Cat(gpu, wide, *d);
}

// ---- Rows by their number

struct SelectArgs {
  DevicePointer from, index, out;
  int64_t outer, rows, count, inner;
};

// out[o][j][i] = from[o][index[j]][i]; a number that is no row stops the
// device, as PyTorch's assertion does.
constexpr char kSelectKernel[] = R"(
struct Args {
  const E* from; const X* index; E* out; i64 outer, rows, count, inner;
};
TANDEM_KERNEL(Args) {
  const i64 all = args.outer * args.count * args.inner;
  for (i64 e = (i64)blockIdx.x * blockDim.x + threadIdx.x; e < all;
       e += (i64)gridDim.x * blockDim.x) {
    const i64 i = e % args.inner, j = e / args.inner % args.count;
    const i64 o = e / args.inner / args.count;
    const i64 row = (i64)args.index[j];
    TANDEM_ASSERT(row >= 0 && row < args.rows);
    args.out[e] = args.from[(o * args.rows + row) * args.inner + i];
  }
}
)";

absl::Status SelectRows(Gpu& gpu, const Tensor& from, const Tensor& index,
                        int64_t outer, int64_t rows, int64_t inner,
                        const Tensor& out) {
  if (out.numel() == 0) return absl::OkStatus();
  const absl::string_view type = MovedType(from);
  if (type.empty()) return Declined();
  const SelectArgs args = {AddressOf(from),
                           AddressOf(index),
                           AddressOf(out),
                           outer,
                           rows,
                           index.numel(),
                           inner};
  const bool wide = index.dtype() == DType::kInt64;
  const std::string key = absl::StrCat("select|", type, wide ? "|l" : "|i");
  TANDEM_ASSIGN_OR_RETURN(const Kernel* kernel, gpu.FindKernel(key, [&] {
    return absl::StrCat(Prelude(), "typedef ", type, " E;\ntypedef ",
                        wide ? "i64" : "int", " X;\n", kSelectKernel);
  }));
  return gpu.Launch(*kernel, gpu.BlocksFor(out.numel()), gpu.block_size(),
                    &args);
}

Result Embedding(Gpu& gpu, const Tensor& weight, const Tensor& indices, int64_t,
                 bool, bool) {
  if (!IsPlain(weight) || !IsIndex(indices) || weight.dim() != 2) {
    return Declined();
  }
  TANDEM_ASSIGN_OR_RETURN(const Tensor w, ContiguousOnGpu(gpu, weight));
  TANDEM_ASSIGN_OR_RETURN(const Tensor index, ContiguousOnGpu(gpu, indices));
  Dims sizes(indices.sizes().begin(), indices.sizes().end());
  sizes.push_back(w.size(1));
  TANDEM_ASSIGN_OR_RETURN(Tensor out, gpu.Empty(sizes, w.dtype()));
  TANDEM_RETURN_IF_ERROR(
      SelectRows(gpu, w, index, 1, w.size(0), w.size(1), out));
  return out;
}
Result IndexSelect(Gpu& gpu, const Tensor& self, int64_t dim,
                   const Tensor& index) {
  if (!IsPlain(self) || !IsIndex(index) || index.dim() > 1 || self.dim() == 0) {
    return Declined();
  }
  const absl::StatusOr<int64_t> d = WrapDim(dim, self.dim());
  if (!d.ok()) return Declined();
  TANDEM_ASSIGN_OR_RETURN(const Tensor x, ContiguousOnGpu(gpu, self));
  TANDEM_ASSIGN_OR_RETURN(const Tensor i, ContiguousOnGpu(gpu, index));
  Dims sizes(self.sizes().begin(), self.sizes().end());
  sizes[*d] = index.numel();
  int64_t outer = 1, inner = 1;
  for (int64_t k = 0; k < *d; ++k) outer *= x.size(k);
  for (int64_t k = *d + 1; k < x.dim(); ++k) inner *= x.size(k);
  TANDEM_ASSIGN_OR_RETURN(Tensor out, gpu.Empty(sizes, x.dtype()));
  TANDEM_RETURN_IF_ERROR(SelectRows(gpu, x, i, outer, x.size(*d), inner, out));
  return out;
}

// ---- gather

struct GatherArgs {
  DevicePointer from, index, out;
  int64_t n, length, stride;  // along the dim
  int64_t sizes[8], strides[8];
};

constexpr char kGatherKernel[] = R"(
struct Args {
  const E* from; const i64* index; E* out; i64 n, length, stride;
  i64 sizes[8], strides[8];
};
TANDEM_KERNEL(Args) {
  for (i64 e = (i64)blockIdx.x * blockDim.x + threadIdx.x; e < args.n;
       e += (i64)gridDim.x * blockDim.x) {
    i64 rest = e, at = 0;
    for (int d = RANK - 1; d >= 0; --d) {
      at += rest % args.sizes[d] * args.strides[d];
      rest /= args.sizes[d];
    }
    const i64 row = args.index[e];
    TANDEM_ASSERT(row >= 0 && row < args.length);
    args.out[e] = args.from[at + row * args.stride];
  }
}
)";

Result Gather(Gpu& gpu, const Tensor& self, int64_t dim, const Tensor& index,
              bool) {
  if (!IsPlain(self) || !IsIndex(index) || index.dtype() != DType::kInt64 ||
      self.dim() == 0 || self.dim() > 8 || index.dim() != self.dim()) {
    return Declined();
  }
  const absl::StatusOr<int64_t> d = WrapDim(dim, self.dim());
  if (!d.ok() || !CheckGather(self, *d, index).ok()) return Declined();
  const absl::string_view type = MovedType(self);
  if (type.empty()) return Declined();
  TANDEM_ASSIGN_OR_RETURN(const Tensor i, ContiguousOnGpu(gpu, index));
  TANDEM_ASSIGN_OR_RETURN(Tensor out, gpu.Empty(index.sizes(), self.dtype()));
  if (out.numel() == 0) return out;
  GatherArgs args = {};
  args.from = AddressOf(self);
  args.index = AddressOf(i);
  args.out = AddressOf(out);
  args.n = out.numel();
  args.length = self.size(*d);
  args.stride = self.stride(*d);
  for (int64_t k = 0; k < self.dim(); ++k) {
    args.sizes[k] = index.size(k);
    args.strides[k] = k == *d ? 0 : self.stride(k);
  }
  const std::string key = absl::StrCat("gather|", type, "|", self.dim());
  TANDEM_ASSIGN_OR_RETURN(const Kernel* kernel, gpu.FindKernel(key, [&] {
    return absl::StrCat(Prelude(), "typedef ", type, " E;\n#define RANK ",
                        self.dim(), "\n", kGatherKernel);
  }));
  TANDEM_RETURN_IF_ERROR(
      gpu.Launch(*kernel, gpu.BlocksFor(args.n), gpu.block_size(), &args));
  return out;
}

// ---- self[i, j, …] with tensors of integers

struct IndexArgs {
  DevicePointer from, out;
  DevicePointer index[4];
  int64_t n, inner, count;  // result, elements behind the indices, of an index
  int64_t lengths[4], strides[4];
  int64_t rank, sizes[8], own[8];  // dims that have no index
  int64_t lead;                    // of those, how many come before
};

constexpr char kIndexKernel[] = R"(
struct Args {
  const E* from; E* out; const i64* index[4]; i64 n, inner, count;
  i64 lengths[4], strides[4]; i64 rank, sizes[8], own[8], lead;
};
TANDEM_KERNEL(Args) {
  for (i64 e = (i64)blockIdx.x * blockDim.x + threadIdx.x; e < args.n;
       e += (i64)gridDim.x * blockDim.x) {
    i64 at = 0, rest = e % args.inner, before = e / args.inner / args.count;
    const i64 j = e / args.inner % args.count;
    for (int d = (int)args.rank - 1; d >= 0; --d) {
      i64& r = d < args.lead ? before : rest;
      at += r % args.sizes[d] * args.own[d];
      r /= args.sizes[d];
    }
    for (int k = 0; k < COUNT; ++k) {
      i64 i = args.index[k][j];
      TANDEM_ASSERT(i >= -args.lengths[k] && i < args.lengths[k]);
      if (i < 0) i += args.lengths[k];
      at += i * args.strides[k];
    }
    args.out[e] = args.from[at];
  }
}
)";

Result Index(Gpu& gpu, const Tensor& self, absl::Span<const Tensor> indices) {
  if (!IsPlain(self) || static_cast<int64_t>(indices.size()) > self.dim()) {
    return Declined();
  }
  const absl::string_view type = MovedType(self);
  if (type.empty()) return Declined();
  std::vector<Tensor> given;  // on the device, int64
  absl::InlinedVector<int64_t, 4> places;
  for (size_t k = 0; k < indices.size(); ++k) {
    const Tensor& t = indices[k];
    if (!t.defined()) continue;
    // Masks have results whose sizes only the elements tell.
    if (t.dtype() != DType::kInt64 && t.dtype() != DType::kInt32) {
      return Declined();
    }
    Tensor i = t;
    if (!IsOnCuda(i)) {
      TANDEM_ASSIGN_OR_RETURN(i, ToGpu(gpu, t));
    }
    TANDEM_ASSIGN_OR_RETURN(i, CastOnGpu(gpu, i, DType::kInt64));
    given.push_back(i);
    places.push_back(static_cast<int64_t>(k));
  }
  if (given.empty() || given.size() > 4) return Declined();
  const absl::StatusOr<Dims> common = BroadcastIndices(given);
  if (!common.ok()) return Declined();
  // Indices that are not neighbours come first in the result.
  bool neighbours = true;
  for (size_t k = 1; k < places.size(); ++k) {
    neighbours = neighbours && places[k] == places[k - 1] + 1;
  }
  const int64_t first = neighbours ? places[0] : 0;
  IndexArgs args = {};
  Dims sizes;
  int64_t rank = 0, lead = 0;
  for (int64_t d = 0; d < self.dim(); ++d) {
    if (std::find(places.begin(), places.end(), d) != places.end()) continue;
    if (rank == 8) return Declined();
    if (neighbours && d < first) ++lead;
    args.sizes[rank] = self.size(d);
    args.own[rank++] = self.stride(d);
  }
  args.rank = rank;
  args.lead = lead;
  args.count = 1;
  args.inner = 1;
  for (int64_t d = 0; d < lead; ++d) sizes.push_back(args.sizes[d]);
  for (int64_t s : *common) {
    sizes.push_back(s);
    args.count *= s;
  }
  for (int64_t d = lead; d < rank; ++d) {
    sizes.push_back(args.sizes[d]);
    args.inner *= args.sizes[d];
  }
  TANDEM_ASSIGN_OR_RETURN(Tensor out, gpu.Empty(sizes, self.dtype()));
  if (out.numel() == 0) return out;
  if (self.numel() == 0) return Declined();
  args.from = AddressOf(self);
  args.out = AddressOf(out);
  args.n = out.numel();
  for (size_t k = 0; k < given.size(); ++k) {
    TANDEM_ASSIGN_OR_RETURN(Tensor wide, ExpandTo(given[k], *common));
    TANDEM_ASSIGN_OR_RETURN(given[k], ContiguousOnGpu(gpu, wide));
    args.index[k] = AddressOf(given[k]);
    args.lengths[k] = self.size(places[k]);
    args.strides[k] = self.stride(places[k]);
  }
  const std::string key = absl::StrCat("index|", type, "|", given.size());
  TANDEM_ASSIGN_OR_RETURN(const Kernel* kernel, gpu.FindKernel(key, [&] {
    return absl::StrCat(Prelude(), "typedef ", type, " E;\n#define COUNT ",
                        given.size(), "\n", kIndexKernel);
  }));
  TANDEM_RETURN_IF_ERROR(
      gpu.Launch(*kernel, gpu.BlocksFor(args.n), gpu.block_size(), &args));
  return out;
}

// ---- arange

Result ArangeOf(Gpu& gpu, const Scalar& start, const Scalar& end,
                const Scalar& step, std::optional<DType> dtype,
                std::optional<Layout> layout, std::optional<Device> device) {
  if ((layout.has_value() && *layout != Layout::kStrided) ||
      !device.has_value() || device->type != DeviceType::kCuda ||
      start.is_complex() || end.is_complex() || step.is_complex()) {
    return Declined();
  }
  const bool integral =
      start.is_integral() && end.is_integral() && step.is_integral();
  const DType result = dtype.value_or(integral ? DType::kInt64 : DType::kFloat);
  const double a = start.ToDouble(), b = end.ToDouble(), s = step.ToDouble();
  const double count = std::ceil((b - a) / s);
  // Past 2^53 steps count differently; errors are the CPU's.
  if (s == 0 || !std::isfinite(count) || count < 0 || count > 1e15 ||
      !(std::abs(a) < 1e15 && std::abs(b) < 1e15) || CodeType(result).empty()) {
    return Declined();
  }
  TANDEM_ASSIGN_OR_RETURN(Gpu * to, gpu.runtime().Get(device->index));
  TANDEM_ASSIGN_OR_RETURN(Tensor out,
                          to->Empty({static_cast<int64_t>(count)}, result));
  Loop loop;
  loop.compute = integral ? DType::kInt64 : DType::kDouble;
  loop.expression = "p(0) + (T)i * p(1)";
  TANDEM_RETURN_IF_ERROR(RunLoop(*to, loop, {}, {start, step}, out));
  return out;
}
Result Arange(Gpu& gpu, const Scalar& end, std::optional<DType> dtype,
              std::optional<Layout> layout, std::optional<Device> device,
              std::optional<bool>) {
  return ArangeOf(gpu, Scalar(0), end, Scalar(1), dtype, layout, device);
}
Result ArangeStart(Gpu& gpu, const Scalar& start, const Scalar& end,
                   std::optional<DType> dtype, std::optional<Layout> layout,
                   std::optional<Device> device, std::optional<bool>) {
  return ArangeOf(gpu, start, end, Scalar(1), dtype, layout, device);
}
Result ArangeStep(Gpu& gpu, const Scalar& start, const Scalar& end,
                  const Scalar& step, std::optional<DType> dtype,
                  std::optional<Layout> layout, std::optional<Device> device,
                  std::optional<bool>) {
  return ArangeOf(gpu, start, end, step, dtype, layout, device);
}

}  // namespace

void AddIndexing(Registrar& r) {
  r.Add<&Cat>("aten::cat")
      .Add<&Stack>("aten::stack")
      .Add<&Embedding>("aten::embedding")
      .Add<&IndexSelect>("aten::index_select")
      .Add<&Gather>("aten::gather")
      .Add<&Index>("aten::index.Tensor")
      .Add<&Arange>("aten::arange")
      .Add<&ArangeStart>("aten::arange.start")
      .Add<&ArangeStep>("aten::arange.start_step");
}

}  // namespace tandem::cuda
