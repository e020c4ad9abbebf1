#include "tandem/backends/cuda/loops.h"

#include <algorithm>
#include <cstring>

#include "absl/strings/str_cat.h"
#include "tandem/backends/cuda/prelude.h"
#include "tandem/backends/cuda/values.h"
#include "tandem/backends/kernel.h"
#include "tandem/ir/operators/promotion.h"
#include "tandem/tensor/copy.h"
#include "tandem/tensor/status_macros.h"

namespace tandem::cuda {
namespace {

constexpr int kAll = kMaxLoopOperands + 1;

// As the kernel's Args.
struct LoopArgs {
  DevicePointer at[kAll];
  int64_t n;
  int64_t sizes[kMaxLoopDims];
  int64_t strides[kAll][kMaxLoopDims];
  Slot numbers[kMaxLoopOperands];
  Slot params[3];
};

// A shape that the out and all operands walk together.
struct Walk {
  Dims sizes;
  Dims strides[kAll];
};

// Orders dims as out's strides are and merges those that lie in a row for all.
void Simplify(Walk* w, int count) {
  const size_t rank = w->sizes.size();
  absl::InlinedVector<size_t, 6> order;
  for (size_t d = 0; d < rank; ++d) {
    if (w->sizes[d] != 1) order.push_back(d);
  }
  std::stable_sort(order.begin(), order.end(), [&](size_t a, size_t b) {
    return w->strides[0][a] > w->strides[0][b];
  });
  Walk merged;
  for (size_t d : order) {
    bool joins = !merged.sizes.empty();
    for (int k = 0; joins && k < count; ++k) {
      joins = merged.strides[k].back() == w->strides[k][d] * w->sizes[d];
    }
    if (joins) {
      merged.sizes.back() *= w->sizes[d];
      for (int k = 0; k < count; ++k) {
        merged.strides[k].back() = w->strides[k][d];
      }
    } else {
      merged.sizes.push_back(w->sizes[d]);
      for (int k = 0; k < count; ++k) {
        merged.strides[k].push_back(w->strides[k][d]);
      }
    }
  }
  *w = std::move(merged);
}

// The kernel's source. `modes`: for out and each operand 'l' (as the loop
// walks), 's' (strided) or 'n' (a number).
std::string LoopSource(const Loop& loop, absl::string_view modes,
                       absl::Span<const DType> dtypes, size_t rank, bool wide) {
  const absl::string_view type = CodeType(loop.compute);
  std::string s(Prelude());
  absl::StrAppend(&s, "typedef ", type, " T;\ntypedef ", wide ? "i64" : "u32",
                  " Index;\n",
                  "struct Args { void* at[4]; i64 n; i64 sizes[8]; "
                  "i64 strides[4][8]; Slot numbers[3]; Slot params[3]; };\n"
                  "TANDEM_KERNEL(Args) {\n"
                  "  const i64 step = (i64)gridDim.x * blockDim.x;\n"
                  "  for (i64 i = (i64)blockIdx.x * blockDim.x + threadIdx.x; "
                  "i < args.n; i += step) {\n");
  if (rank > 0) {
    absl::StrAppend(&s, "    Index rest = (Index)i;\n");
    for (size_t k = 0; k < modes.size(); ++k) {
      if (modes[k] == 's') absl::StrAppend(&s, "    i64 o", k, " = 0;\n");
    }
    for (size_t d = rank; d-- > 0;) {
      if (d == 0) {
        absl::StrAppend(&s, "    { const Index r = rest;\n");
      } else {
        absl::StrAppend(&s, "    { const Index q = rest / (Index)args.sizes[",
                        d, "], r = rest - q * (Index)args.sizes[", d,
                        "]; rest = q;\n");
      }
      for (size_t k = 0; k < modes.size(); ++k) {
        if (modes[k] == 's') {
          absl::StrAppend(&s, "      o", k, " += (i64)r * args.strides[", k,
                          "][", d, "];\n");
        }
      }
      absl::StrAppend(&s, "    }\n");
    }
  }
  static constexpr const char* kNames[] = {"x", "y", "z"};
  for (size_t k = 1; k < modes.size(); ++k) {
    const bool is_bool = (loop.bools >> (k - 1) & 1) != 0;
    const absl::string_view to = is_bool ? "bool" : type;
    absl::StrAppend(&s, "    const ", to, " ", kNames[k - 1], " = ");
    if (modes[k] == 'n') {
      absl::StrAppend(&s, "FromSlot<", to, ">::Of(args.numbers[", k - 1,
                      "]);\n");
    } else {
      const absl::string_view from = CodeType(dtypes[k]);
      absl::StrAppend(&s, "Cast<", to, ", ", from, ">::Of(((const ", from,
                      "*)args.at[", k, "])[",
                      modes[k] == 'l' ? std::string("i") : absl::StrCat("o", k),
                      "]);\n");
    }
  }
  const absl::string_view result = loop.test ? "bool" : type;
  const absl::string_view out = CodeType(dtypes[0]);
  absl::StrAppend(&s, "    const ", result, " r = (", result, ")(",
                  loop.expression, ");\n    ((", out, "*)args.at[0])[",
                  modes[0] == 'l' ? std::string("i") : std::string("o0"),
                  "] = Cast<", out, ", ", result, ">::Of(r);\n  }\n}\n");
  return s;
}

}  // namespace

absl::string_view CodeType(DType dtype) {
  switch (dtype) {
    case DType::kUInt8:
      return "u8";
    case DType::kInt8:
      return "i8";
    case DType::kInt16:
      return "i16";
    case DType::kInt32:
      return "int";
    case DType::kInt64:
      return "i64";
    case DType::kUInt16:
      return "u16";
    case DType::kUInt32:
      return "u32";
    case DType::kUInt64:
      return "u64";
    case DType::kHalf:
      return "Half";
    case DType::kBFloat16:
      return "BFloat16";
    case DType::kFloat:
      return "float";
    case DType::kDouble:
      return "double";
    case DType::kBool:
      return "bool";
    default:
      return "";
  }
}

DType ComputeType(DType dtype) {
  if (dtype == DType::kHalf || dtype == DType::kBFloat16) return DType::kFloat;
  return CodeType(dtype).empty() ? DType::kUndefined : dtype;
}

absl::Status RunLoop(Gpu& gpu, const Loop& loop,
                     absl::Span<const LoopOperand> operands,
                     absl::Span<const Scalar> params, const Tensor& out) {
  LoopArgs args = {};
  args.n = out.numel();
  if (args.n == 0) return absl::OkStatus();
  const int count = static_cast<int>(operands.size()) + 1;
  DType dtypes[kAll];
  dtypes[0] = out.dtype();
  char modes[kAll + 1] = {};
  Walk walk;
  walk.sizes.assign(out.sizes().begin(), out.sizes().end());
  walk.strides[0].assign(out.strides().begin(), out.strides().end());
  args.at[0] = AddressOf(out);
  if (CodeType(out.dtype()).empty() || CodeType(loop.compute).empty()) {
    return Declined();
  }
  const size_t rank = walk.sizes.size();
  for (int k = 1; k < count; ++k) {
    const LoopOperand& o = operands[k - 1];
    walk.strides[k].assign(rank, 0);
    dtypes[k] = loop.compute;
    if (o.tensor != nullptr && !IsOnCuda(*o.tensor)) {
      // A number in a tensor of the CPU.
      if (o.tensor->dim() != 0) return Declined();
      TANDEM_ASSIGN_OR_RETURN(const Scalar s, o.tensor->Item());
      if (s.is_complex()) return Declined();
      args.numbers[k - 1] = Slot::Of(s);
      modes[k] = 'n';
      continue;
    }
    if (o.tensor == nullptr) {
      if (o.number->is_complex()) return Declined();
      args.numbers[k - 1] = Slot::Of(*o.number);
      modes[k] = 'n';
      continue;
    }
    const Tensor& t = *o.tensor;
    if (t.device() != out.device() || CodeType(t.dtype()).empty() ||
        t.impl()->conj || t.impl()->neg || t.dim() > out.dim()) {
      return Declined();
    }
    dtypes[k] = t.dtype();
    args.at[k] = AddressOf(t);
    modes[k] = 's';
    const size_t shift = rank - static_cast<size_t>(t.dim());
    for (int64_t d = 0; d < t.dim(); ++d) {
      const size_t at = shift + static_cast<size_t>(d);
      if (t.size(d) == walk.sizes[at]) {
        walk.strides[k][at] = t.size(d) == 1 ? 0 : t.stride(d);
      } else if (t.size(d) != 1) {
        return Declined();
      }
    }
  }
  modes[0] = 's';
  for (size_t i = 0; i < params.size(); ++i) {
    if (params[i].is_complex()) return Declined();
    args.params[i] = Slot::Of(params[i]);
  }
  Simplify(&walk, count);
  // One dim of stride 1, or none: index by the loop's number.
  bool strided = false;
  for (int k = 0; k < count; ++k) {
    if (modes[k] == 'n') continue;
    const bool linear = walk.sizes.empty() ||
                        (walk.sizes.size() == 1 && walk.strides[k][0] == 1);
    modes[k] = linear ? 'l' : 's';
    strided |= !linear;
  }
  const size_t dims = strided ? walk.sizes.size() : 0;
  if (dims > kMaxLoopDims) return Declined();
  for (size_t d = 0; d < dims; ++d) {
    args.sizes[d] = walk.sizes[d];
    for (int k = 0; k < count; ++k) args.strides[k][d] = walk.strides[k][d];
  }
  const bool wide = args.n > INT32_MAX;
  std::string key = absl::StrCat("loop|", loop.expression, "|", loop.bools,
                                 loop.test ? "t" : "v",
                                 static_cast<int>(loop.compute), "|", modes);
  for (int k = 0; k < count; ++k) {
    absl::StrAppend(&key, ",", static_cast<int>(dtypes[k]));
  }
  absl::StrAppend(&key, "|", dims, wide ? "w" : "");
  TANDEM_ASSIGN_OR_RETURN(const Kernel* kernel, gpu.FindKernel(key, [&] {
    return LoopSource(loop, modes, absl::MakeConstSpan(dtypes, count), dims,
                      wide);
  }));
  return gpu.Launch(*kernel, gpu.BlocksFor(args.n), gpu.block_size(), &args);
}

absl::Status CopyOnGpu(Gpu& gpu, const Tensor& src, const Tensor& dst) {
  if (dst.numel() == 0) return absl::OkStatus();
  if (src.dtype() == dst.dtype() && src.sizes() == dst.sizes() &&
      src.strides() == dst.strides() && src.is_non_overlapping_and_dense() &&
      src.impl()->conj == dst.impl()->conj &&
      src.impl()->neg == dst.impl()->neg) {
    return gpu.CopyOnDevice(
        AddressOf(dst), AddressOf(src),
        static_cast<size_t>(src.numel()) * src.element_size());
  }
  Loop loop;
  loop.expression = "x";
  loop.compute = ComputeType(src.dtype());
  // Types that are not computed with move as integers of their size.
  if (src.dtype() == dst.dtype() && CodeType(src.dtype()).empty() &&
      src.impl()->conj == dst.impl()->conj &&
      src.impl()->neg == dst.impl()->neg) {
    DType as = DType::kUndefined;
    switch (src.element_size()) {
      case 1:
        as = DType::kUInt8;
        break;
      case 2:
        as = DType::kInt16;
        break;
      case 4:
        as = DType::kInt32;
        break;
      case 8:
        as = DType::kInt64;
        break;
      default:
        break;
    }
    if (as != DType::kUndefined) {
      Tensor from = src.Alias(), to = dst.Alias();
      from.impl()->dtype = to.impl()->dtype = as;
      from.impl()->conj = from.impl()->neg = false;
      to.impl()->conj = to.impl()->neg = false;
      loop.compute = as;
      return RunLoop(gpu, loop, {LoopOperand{&from, nullptr}}, {}, to);
    }
  }
  if (loop.compute != DType::kUndefined && !CodeType(dst.dtype()).empty() &&
      !src.impl()->neg && !dst.impl()->neg) {
    const absl::Status status =
        RunLoop(gpu, loop, {LoopOperand{&src, nullptr}}, {}, dst);
    if (!IsDeclined(status)) return status;
  }
  // By way of the CPU: complex numbers, many dims.
  TANDEM_ASSIGN_OR_RETURN(const Tensor from, ToHost(gpu, src));
  TANDEM_ASSIGN_OR_RETURN(Tensor to, Tensor::Empty(dst.sizes(), dst.dtype()));
  to.impl()->conj = dst.impl()->conj;
  to.impl()->neg = dst.impl()->neg;
  TANDEM_RETURN_IF_ERROR(CopyElements(from, to));
  if (!dst.is_non_overlapping_and_dense() && CodeType(dst.dtype()).empty() &&
      dst.element_size() > 8) {
    return absl::UnimplementedError(
        absl::StrCat("a copy of ", TypeName(dst.dtype()),
                     " into a strided tensor on ", dst.device().ToString()));
  }
  if (dst.is_non_overlapping_and_dense()) {
    TANDEM_ASSIGN_OR_RETURN(
        Tensor dense,
        Tensor::EmptyStrided(dst.sizes(), dst.strides(), dst.dtype()));
    dense.impl()->conj = to.impl()->conj;
    dense.impl()->neg = to.impl()->neg;
    TANDEM_RETURN_IF_ERROR(CopyElements(to, dense));
    to = dense;
  }
  return WriteToGpu(gpu, to, dst);
}

absl::StatusOr<Tensor> ContiguousOnGpu(Gpu& gpu, const Tensor& t) {
  if (t.is_contiguous()) return t;
  TANDEM_ASSIGN_OR_RETURN(Tensor result, gpu.Empty(t.sizes(), t.dtype()));
  result.impl()->conj = t.impl()->conj;
  result.impl()->neg = t.impl()->neg;
  TANDEM_RETURN_IF_ERROR(CopyOnGpu(gpu, t, result));
  return result;
}

absl::StatusOr<Tensor> CastOnGpu(Gpu& gpu, const Tensor& t, DType dtype) {
  if (t.dtype() == dtype) return t;
  TANDEM_ASSIGN_OR_RETURN(Tensor result, EmptyLikeOnGpu(gpu, t, dtype));
  TANDEM_RETURN_IF_ERROR(CopyOnGpu(gpu, t, result));
  return result;
}

absl::Status FillOnGpu(Gpu& gpu, const Tensor& t, const Scalar& value) {
  if (t.numel() == 0) return absl::OkStatus();
  if (!value.is_complex() && value.ToDouble() == 0 &&
      t.is_non_overlapping_and_dense()) {
    return gpu.SetZero(AddressOf(t),
                       static_cast<size_t>(t.numel()) * t.element_size());
  }
  Loop loop;
  loop.expression = "x";
  loop.compute = ComputeType(t.dtype());
  if (loop.compute == DType::kUndefined) return Declined();
  if (loop.compute == DType::kBool) {
    const Scalar as_bool(value.ToBool());
    return RunLoop(gpu, loop, {LoopOperand{nullptr, &as_bool}}, {}, t);
  }
  return RunLoop(gpu, loop, {LoopOperand{nullptr, &value}}, {}, t);
}

absl::StatusOr<Tensor> EmptyLikeOnGpu(Gpu& gpu, const Tensor& like, DType dtype,
                                      MemoryFormat format) {
  // The rule is the CPU's; its memory is not wanted.
  Dims strides = ContiguousStrides(like.sizes());
  if (format == MemoryFormat::kPreserve) {
    if (like.is_non_overlapping_and_dense()) {
      strides.assign(like.strides().begin(), like.strides().end());
    } else {
      const Tensor* operand = &like;
      strides =
          PointwiseStrides(absl::MakeConstSpan(&operand, 1), like.sizes());
    }
  } else if (format != MemoryFormat::kContiguous) {
    strides = ChannelsLastStrides(like.sizes());
  }
  return gpu.EmptyStrided(like.sizes(), strides, dtype);
}

}  // namespace tandem::cuda
