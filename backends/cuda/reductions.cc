// Reductions: one kernel for all, around the text of what is gathered. A block,
// or a thread where there is little to gather, gives one number; where few
// numbers are made of many, pieces are reduced first and then the pieces.
#include <algorithm>
#include <optional>

#include "absl/strings/str_cat.h"
#include "tandem/backends/cuda/binding.h"
#include "tandem/backends/cuda/loops.h"
#include "tandem/backends/cuda/prelude.h"
#include "tandem/backends/cuda/values.h"
#include "tandem/ir/operators/reduce_shapes.h"
#include "tandem/tensor/status_macros.h"

namespace tandem::cuda {
namespace {

// The code of a reduction: struct Acc, and functions Start(), Take(x, j),
// Both(a, b), Finish(a, n) of types T (elements as they are computed), Acc and
// Out. Operators that give two results also define Second(a).
struct Code {
  const char* name;
  const char* text;
};

// Sums of the compute type; integers add in 64 bits.
constexpr Code kSum = {"sum", R"(
typedef Wide Acc;
FUNCTION Acc Start() { return 0; }
FUNCTION Acc Take(T x, i64 j) { return (Acc)x; }
FUNCTION Acc Both(Acc a, Acc b) { return a + b; }
FUNCTION Wide Finish(Acc a, i64 n) { return a; }
)"};
constexpr Code kMean = {"mean", R"(
typedef Wide Acc;
FUNCTION Acc Start() { return 0; }
FUNCTION Acc Take(T x, i64 j) { return (Acc)x; }
FUNCTION Acc Both(Acc a, Acc b) { return a + b; }
FUNCTION Wide Finish(Acc a, i64 n) { return a / (Wide)n; }
)"};
constexpr Code kProd = {"prod", R"(
typedef Wide Acc;
FUNCTION Acc Start() { return 1; }
FUNCTION Acc Take(T x, i64 j) { return (Acc)x; }
FUNCTION Acc Both(Acc a, Acc b) { return a * b; }
FUNCTION Wide Finish(Acc a, i64 n) { return a; }
)"};
// Elements that are numbers beat the start, which no element has.
constexpr Code kMax = {"max", R"(
struct Acc { T v; bool any; };
FUNCTION Acc Start() { Acc a; a.v = 0; a.any = false; return a; }
FUNCTION Acc Take(T x, i64 j) { Acc a; a.v = x; a.any = true; return a; }
FUNCTION Acc Both(Acc a, Acc b) {
  if (!a.any) return b;
  if (!b.any) return a;
  a.v = MaxOf(a.v, b.v);
  return a;
}
FUNCTION T Finish(Acc a, i64 n) { return a.v; }
)"};
constexpr Code kMin = {"min", R"(
struct Acc { T v; bool any; };
FUNCTION Acc Start() { Acc a; a.v = 0; a.any = false; return a; }
FUNCTION Acc Take(T x, i64 j) { Acc a; a.v = x; a.any = true; return a; }
FUNCTION Acc Both(Acc a, Acc b) {
  if (!a.any) return b;
  if (!b.any) return a;
  a.v = MinOf(a.v, b.v);
  return a;
}
FUNCTION T Finish(Acc a, i64 n) { return a.v; }
)"};
constexpr Code kAny = {"any", R"(
typedef bool Acc;
FUNCTION Acc Start() { return false; }
FUNCTION Acc Take(T x, i64 j) { return x != (T)0; }
FUNCTION Acc Both(Acc a, Acc b) { return a || b; }
FUNCTION bool Finish(Acc a, i64 n) { return a; }
)"};
constexpr Code kAll = {"all", R"(
typedef bool Acc;
FUNCTION Acc Start() { return true; }
FUNCTION Acc Take(T x, i64 j) { return x != (T)0; }
FUNCTION Acc Both(Acc a, Acc b) { return a && b; }
FUNCTION bool Finish(Acc a, i64 n) { return a; }
)"};
constexpr Code kNorm2 = {"norm2", R"(
typedef Wide Acc;
FUNCTION Acc Start() { return 0; }
FUNCTION Acc Take(T x, i64 j) { return (Acc)x * (Acc)x; }
FUNCTION Acc Both(Acc a, Acc b) { return a + b; }
FUNCTION Wide Finish(Acc a, i64 n) { return Sqrt(a); }
)"};
constexpr Code kNorm1 = {"norm1", R"(
typedef Wide Acc;
FUNCTION Acc Start() { return 0; }
FUNCTION Acc Take(T x, i64 j) { return (Acc)AbsOf(x); }
FUNCTION Acc Both(Acc a, Acc b) { return a + b; }
FUNCTION Wide Finish(Acc a, i64 n) { return a; }
)"};
// NaN is the greatest; of equals the first.
constexpr Code kArgMax = {"argmax", R"(
struct Acc { T v; i64 j; };
FUNCTION Acc Start() { Acc a; a.v = 0; a.j = -1; return a; }
FUNCTION Acc Take(T x, i64 j) { Acc a; a.v = x; a.j = j; return a; }
FUNCTION Acc Both(Acc a, Acc b) {
  if (a.j < 0) return b;
  if (b.j < 0) return a;
  const bool an = a.v != a.v, bn = b.v != b.v;
  if (an || bn) return an && (!bn || a.j < b.j) ? a : b;
  return a.v > b.v || (a.v == b.v && a.j < b.j) ? a : b;
}
FUNCTION T Finish(Acc a, i64 n) { return a.v; }
FUNCTION i64 Second(Acc a) { return a.j; }
)"};
constexpr Code kArgMin = {"argmin", R"(
struct Acc { T v; i64 j; };
FUNCTION Acc Start() { Acc a; a.v = 0; a.j = -1; return a; }
FUNCTION Acc Take(T x, i64 j) { Acc a; a.v = x; a.j = j; return a; }
FUNCTION Acc Both(Acc a, Acc b) {
  if (a.j < 0) return b;
  if (b.j < 0) return a;
  const bool an = a.v != a.v, bn = b.v != b.v;
  if (an || bn) return an && (!bn || a.j < b.j) ? a : b;
  return a.v < b.v || (a.v == b.v && a.j < b.j) ? a : b;
}
FUNCTION T Finish(Acc a, i64 n) { return a.v; }
FUNCTION i64 Second(Acc a) { return a.j; }
)"};
// Variance by Chan's way of joining; p(0) is the correction.
constexpr char kMoments[] = R"(
struct Acc { Wide mean, m2, n; };
FUNCTION Acc Start() { Acc a; a.mean = a.m2 = a.n = 0; return a; }
FUNCTION Acc Take(T x, i64 j) {
  Acc a; a.mean = (Wide)x; a.m2 = 0; a.n = 1; return a;
}
FUNCTION Acc Both(Acc a, Acc b) {
  if (a.n == 0) return b;
  if (b.n == 0) return a;
  Acc r;
  r.n = a.n + b.n;
  const Wide d = b.mean - a.mean;
  r.mean = a.mean + d * (b.n / r.n);
  r.m2 = a.m2 + b.m2 + d * d * (a.n * (b.n / r.n));
  return r;
}
)";

constexpr int kRank = 8;

struct ReduceArgs {
  DevicePointer in, out, second, scratch;
  int64_t outputs, n, pieces;
  int64_t kept_sizes[kRank], kept_strides[kRank];
  int64_t sizes[kRank], strides[kRank];
  Slot params[3];
};

// How the work is laid out.
enum class Plan { kThread, kBlock, kPieces, kJoin };

std::string OffsetCode(const char* name, absl::string_view index,
                       absl::string_view sizes, absl::string_view strides,
                       size_t rank) {
  std::string s =
      absl::StrCat("    i64 ", name, " = 0; { i64 rest = ", index, ";\n");
  for (size_t d = rank; d-- > 0;) {
    if (d == 0) {
      absl::StrAppend(&s, "      ", name, " += rest * args.", strides,
                      "[0];\n");
    } else {
      absl::StrAppend(&s, "      ", name, " += (rest % args.", sizes, "[", d,
                      "]) * args.", strides, "[", d, "]; rest /= args.", sizes,
                      "[", d, "];\n");
    }
  }
  return s + "    }\n";
}

std::string ReduceSource(const Code& code, absl::string_view finish, DType in,
                         DType compute, DType out, bool second, Plan plan,
                         size_t kept_rank, size_t rank, int threads) {
  std::string s(Prelude());
  const absl::string_view type = CodeType(compute);
  const absl::string_view wide = IsFloatingPoint(compute) ? type : "i64";
  absl::StrAppend(
      &s, "typedef ", type, " T;\ntypedef ", wide, " Wide;\ntypedef ",
      CodeType(in), " In;\ntypedef ", CodeType(out), " Out;\n",
      "struct Args { void* in; void* out; void* second; void* scratch; "
      "i64 outputs, n, pieces; i64 kept_sizes[8], kept_strides[8]; "
      "i64 sizes[8], strides[8]; Slot params[3]; };\n",
      code.text, finish, "\nTANDEM_KERNEL(Args) {\n");
  const bool joins = plan == Plan::kJoin;
  // The element j of output o.
  const std::string take =
      joins ? std::string(
                  "    a = Both(a, ((const Acc*)args.scratch)[o * "
                  "args.pieces + j]);\n")
            : OffsetCode("at", "j", "sizes", "strides", rank) +
                  "    a = Both(a, Take(Cast<T, In>::Of(((const In*)args.in)"
                  "[base + at]), j));\n";
  const std::string base =
      joins ? std::string("")
            : OffsetCode("base", "o", "kept_sizes", "kept_strides", kept_rank);
  std::string store = absl::StrCat(
      "    ((Out*)args.out)[o] = Cast<Out, decltype(Finish(r, 0))>::Of("
      "Finish(r, args.n));\n");
  if (second) {
    absl::StrAppend(&store, "    ((i64*)args.second)[o] = Second(r);\n");
  }
  if (second && CodeType(out).empty()) store = "";
  const std::string count = joins ? "args.pieces" : "args.n";
  if (plan == Plan::kThread) {
    absl::StrAppend(
        &s,
        "  for (i64 o = (i64)blockIdx.x * blockDim.x + threadIdx.x; o < "
        "args.outputs; o += (i64)gridDim.x * blockDim.x) {\n",
        base, "    Acc a = Start();\n    for (i64 j = 0; j < ", count,
        "; ++j) {\n", take, "    }\n    const Acc r = a;\n", store, "  }\n}\n");
    return s;
  }
  absl::StrAppend(&s, "  __shared__ char memory[", threads,
                  " * sizeof(Acc) + 16];\n"
                  "  Acc* const s = (Acc*)(((u64)memory + 15) / 16 * 16);\n"
                  "  const int t = threadIdx.x;\n");
  if (plan == Plan::kPieces) {
    absl::StrAppend(
        &s,
        "  const i64 all = args.outputs * args.pieces;\n"
        "  const i64 length = (args.n + args.pieces - 1) / args.pieces;\n"
        "  for (i64 b = blockIdx.x; b < all; b += gridDim.x) {\n"
        "    const i64 o = b / args.pieces, first = (b % args.pieces) * "
        "length;\n"
        "    const i64 last = first + length < args.n ? first + length : "
        "args.n;\n",
        base,
        "    Acc a = Start();\n"
        "    for (i64 j = first + t; j < last; j += blockDim.x) {\n",
        take, "    }\n");
    store = "    ((Acc*)args.scratch)[b] = r;\n";
  } else {
    absl::StrAppend(&s,
                    "  for (i64 o = blockIdx.x; o < args.outputs; o += "
                    "gridDim.x) {\n",
                    base,
                    "    Acc a = Start();\n"
                    "    for (i64 j = t; j < ",
                    count, "; j += blockDim.x) {\n", take, "    }\n");
  }
  absl::StrAppend(&s,
                  "    s[t] = a;\n    __syncthreads();\n"
                  "    for (int h = blockDim.x / 2; h > 0; h /= 2) {\n"
                  "      if (t < h) s[t] = Both(s[t], s[t + h]);\n"
                  "      __syncthreads();\n    }\n"
                  "    if (t == 0) {\n    const Acc r = s[0];\n",
                  store, "    }\n    __syncthreads();\n  }\n}\n");
  return s;
}

struct Reduction {
  Code code;
  const char* finish = "";  // of kMoments
  DType compute = DType::kUndefined;
  bool second = false;
  Scalar param = 0;
};

// Dims that the tensor walks in order, neighbours joined.
bool Collect(const Tensor& t, const DimMask& mask, bool reduced, int64_t* sizes,
             int64_t* strides, size_t* rank) {
  Dims s, st;
  for (int64_t d = 0; d < t.dim(); ++d) {
    if (mask[d] != reduced || t.size(d) == 1) continue;
    if (!s.empty() && st.back() == t.stride(d) * t.size(d)) {
      s.back() *= t.size(d);
      st.back() = t.stride(d);
    } else {
      s.push_back(t.size(d));
      st.push_back(t.stride(d));
    }
  }
  if (s.size() > kRank) return false;
  *rank = s.size();
  std::copy(s.begin(), s.end(), sizes);
  std::copy(st.begin(), st.end(), strides);
  return true;
}

absl::Status Reduce(Gpu& gpu, const Reduction& r, const Tensor& self,
                    const DimMask& mask, const Tensor& out,
                    const Tensor& second) {
  ReduceArgs args = {};
  size_t kept_rank = 0, rank = 0;
  if (self.impl()->conj || self.impl()->neg ||
      !Collect(self, mask, false, args.kept_sizes, args.kept_strides,
               &kept_rank) ||
      !Collect(self, mask, true, args.sizes, args.strides, &rank)) {
    return Declined();
  }
  args.outputs = out.numel();
  if (args.outputs == 0) return absl::OkStatus();
  args.n = 1;
  for (int64_t d = 0; d < self.dim(); ++d) {
    if (mask[d]) args.n *= self.size(d);
  }
  if (self.numel() > 0) args.in = AddressOf(self);
  args.out = AddressOf(out);
  if (second.defined()) args.second = AddressOf(second);
  args.params[0] = Slot::Of(r.param);
  args.pieces = 1;
  const int threads = gpu.block_size();
  const int64_t busy = int64_t{4} * gpu.multiprocessors();
  Plan plan = Plan::kBlock;
  if (args.n <= 32 || args.outputs >= busy * threads) {
    plan = Plan::kThread;
  } else if (args.outputs < busy && args.n >= int64_t{16} * threads) {
    plan = Plan::kPieces;
    args.pieces = std::min<int64_t>((busy + args.outputs - 1) / args.outputs,
                                    (args.n + 8 * threads - 1) / (8 * threads));
    if (args.pieces <= 1) {
      plan = Plan::kBlock;
      args.pieces = 1;
    }
  }
  std::shared_ptr<DeviceMemory> scratch;
  if (plan == Plan::kPieces) {
    constexpr size_t kMaxAcc = 32;
    TANDEM_ASSIGN_OR_RETURN(
        scratch, gpu.Allocate(static_cast<size_t>(args.outputs * args.pieces) *
                              kMaxAcc));
    args.scratch = scratch->address();
  }
  const auto run = [&](Plan p) -> absl::Status {
    const std::string key = absl::StrCat(
        "reduce|", r.code.name, "|", r.finish, "|",
        static_cast<int>(self.dtype()), ",", static_cast<int>(r.compute), ",",
        static_cast<int>(out.dtype()), "|", static_cast<int>(p), "|", kept_rank,
        ",", rank, r.second ? "s" : "");
    TANDEM_ASSIGN_OR_RETURN(const Kernel* kernel, gpu.FindKernel(key, [&] {
      return ReduceSource(r.code, r.finish, self.dtype(), r.compute,
                          out.dtype(), r.second, p, kept_rank, rank, threads);
    }));
    int64_t blocks = args.outputs;
    if (p == Plan::kThread) blocks = gpu.BlocksFor(args.outputs);
    if (p == Plan::kPieces) blocks = args.outputs * args.pieces;
    return gpu.Launch(*kernel, std::min<int64_t>(blocks, 65535), threads,
                      &args);
  };
  TANDEM_RETURN_IF_ERROR(run(plan));
  if (plan == Plan::kPieces) return run(Plan::kJoin);
  return absl::OkStatus();
}

bool IsReal(const Tensor& t) {
  return t.defined() && !t.is_sparse() && !t.is_quantized() && IsOnCuda(t) &&
         !CodeType(t.dtype()).empty();
}

using MaybeDims = std::optional<absl::Span<const int64_t>>;
using MaybeDType = std::optional<DType>;
using Result = absl::StatusOr<Tensor>;

Result ReduceTo(Gpu& gpu, const Reduction& r, const Tensor& self,
                const DimMask& mask, bool keepdim, DType out_dtype) {
  TANDEM_ASSIGN_OR_RETURN(
      Tensor out,
      gpu.Empty(ReducedSizes(self.sizes(), mask, keepdim), out_dtype));
  TANDEM_RETURN_IF_ERROR(Reduce(gpu, r, self, mask, out, Tensor()));
  return out;
}

Result SumOf(Gpu& gpu, const Code& code, const Tensor& self,
             const DimMask& mask, bool keepdim, MaybeDType dtype) {
  if (!IsReal(self)) return Declined();
  const DType result = SumDType(self.dtype(), dtype);
  if (CodeType(result).empty()) return Declined();
  Reduction r{code};
  // As if the input were converted first.
  r.compute = ComputeType(result);
  return ReduceTo(gpu, r, self, mask, keepdim, result);
}
Result Sum(Gpu& gpu, const Tensor& self, MaybeDType dtype) {
  if (!self.defined()) return Declined();
  return SumOf(gpu, kSum, self, AllDims(self.dim()), false, dtype);
}
Result SumDims(Gpu& gpu, const Tensor& self, MaybeDims dims, bool keepdim,
               MaybeDType dtype) {
  const auto mask = ReducedDims(dims, self.dim());
  if (!mask.ok()) return Declined();
  return SumOf(gpu, kSum, self, *mask, keepdim, dtype);
}
Result Prod(Gpu& gpu, const Tensor& self, MaybeDType dtype) {
  return SumOf(gpu, kProd, self, AllDims(self.dim()), false, dtype);
}
Result ProdDim(Gpu& gpu, const Tensor& self, int64_t dim, bool keepdim,
               MaybeDType dtype) {
  const auto mask = ReducedDim(dim, self.dim());
  if (!mask.ok()) return Declined();
  return SumOf(gpu, kProd, self, *mask, keepdim, dtype);
}
Result MeanOf(Gpu& gpu, const Tensor& self, const DimMask& mask, bool keepdim,
              MaybeDType dtype) {
  if (!IsReal(self)) return Declined();
  const DType result = dtype.value_or(self.dtype());
  if (!IsFloatingPoint(result) || CodeType(result).empty()) return Declined();
  Reduction r{kMean};
  r.compute = ComputeType(result);
  return ReduceTo(gpu, r, self, mask, keepdim, result);
}
Result Mean(Gpu& gpu, const Tensor& self, MaybeDType dtype) {
  return MeanOf(gpu, self, AllDims(self.dim()), false, dtype);
}
Result MeanDims(Gpu& gpu, const Tensor& self, MaybeDims dims, bool keepdim,
                MaybeDType dtype) {
  const auto mask = ReducedDims(dims, self.dim());
  if (!mask.ok()) return Declined();
  return MeanOf(gpu, self, *mask, keepdim, dtype);
}
Result ExtremeOf(Gpu& gpu, const Code& code, const Tensor& self,
                 const DimMask& mask, bool keepdim) {
  if (!IsReal(self) || self.numel() == 0) return Declined();
  Reduction r{code};
  r.compute = ComputeType(self.dtype());
  return ReduceTo(gpu, r, self, mask, keepdim, self.dtype());
}
Result AMax(Gpu& gpu, const Tensor& self, DimSpan dims, bool keepdim) {
  const auto mask = ReducedDims(dims, self.dim());
  if (!mask.ok()) return Declined();
  return ExtremeOf(gpu, kMax, self, *mask, keepdim);
}
Result AMin(Gpu& gpu, const Tensor& self, DimSpan dims, bool keepdim) {
  const auto mask = ReducedDims(dims, self.dim());
  if (!mask.ok()) return Declined();
  return ExtremeOf(gpu, kMin, self, *mask, keepdim);
}
Result MaxAll(Gpu& gpu, const Tensor& self) {
  return ExtremeOf(gpu, kMax, self, AllDims(self.dim()), false);
}
Result MinAll(Gpu& gpu, const Tensor& self) {
  return ExtremeOf(gpu, kMin, self, AllDims(self.dim()), false);
}
absl::StatusOr<std::tuple<Tensor, Tensor>> ExtremeDim(
    Gpu& gpu, const Code& code, const Tensor& self, int64_t dim, bool keepdim) {
  if (!IsReal(self) || self.numel() == 0) return Declined();
  const auto mask = ReducedDim(dim, self.dim());
  if (!mask.ok()) return Declined();
  Reduction r{code};
  r.compute = ComputeType(self.dtype());
  r.second = true;
  const Dims sizes = ReducedSizes(self.sizes(), *mask, keepdim);
  TANDEM_ASSIGN_OR_RETURN(Tensor values, gpu.Empty(sizes, self.dtype()));
  TANDEM_ASSIGN_OR_RETURN(Tensor indices, gpu.Empty(sizes, DType::kInt64));
  TANDEM_RETURN_IF_ERROR(Reduce(gpu, r, self, *mask, values, indices));
  return std::make_tuple(std::move(values), std::move(indices));
}
absl::StatusOr<std::tuple<Tensor, Tensor>> MaxDim(Gpu& gpu, const Tensor& self,
                                                  int64_t dim, bool keepdim) {
  return ExtremeDim(gpu, kArgMax, self, dim, keepdim);
}
absl::StatusOr<std::tuple<Tensor, Tensor>> MinDim(Gpu& gpu, const Tensor& self,
                                                  int64_t dim, bool keepdim) {
  return ExtremeDim(gpu, kArgMin, self, dim, keepdim);
}
Result Arg(Gpu& gpu, const Code& code, const Tensor& self,
           std::optional<int64_t> dim, bool keepdim) {
  if (!IsReal(self) || self.numel() == 0) return Declined();
  DimMask mask = AllDims(self.dim());
  if (dim.has_value()) {
    const auto one = ReducedDim(*dim, self.dim());
    if (!one.ok()) return Declined();
    mask = *one;
  }
  Reduction r{code};
  r.compute = ComputeType(self.dtype());
  r.second = true;
  const Dims sizes = ReducedSizes(self.sizes(), mask, keepdim);
  TANDEM_ASSIGN_OR_RETURN(Tensor values, gpu.Empty(sizes, self.dtype()));
  TANDEM_ASSIGN_OR_RETURN(Tensor indices, gpu.Empty(sizes, DType::kInt64));
  TANDEM_RETURN_IF_ERROR(Reduce(gpu, r, self, mask, values, indices));
  return indices;
}
Result ArgMax(Gpu& gpu, const Tensor& self, std::optional<int64_t> dim,
              bool keepdim) {
  return Arg(gpu, kArgMax, self, dim, keepdim);
}
Result ArgMin(Gpu& gpu, const Tensor& self, std::optional<int64_t> dim,
              bool keepdim) {
  return Arg(gpu, kArgMin, self, dim, keepdim);
}
Result Truth(Gpu& gpu, const Code& code, const Tensor& self,
             const DimMask& mask, bool keepdim) {
  if (!IsReal(self)) return Declined();
  Reduction r{code};
  r.compute = ComputeType(self.dtype());
  // Of bytes PyTorch gives bytes.
  const DType result =
      self.dtype() == DType::kUInt8 ? DType::kUInt8 : DType::kBool;
  return ReduceTo(gpu, r, self, mask, keepdim, result);
}
template <const Code* kCode>
Result TruthAll(Gpu& gpu, const Tensor& self) {
  return Truth(gpu, *kCode, self, AllDims(self.dim()), false);
}
template <const Code* kCode>
Result TruthDim(Gpu& gpu, const Tensor& self, int64_t dim, bool keepdim) {
  const auto mask = ReducedDim(dim, self.dim());
  if (!mask.ok()) return Declined();
  return Truth(gpu, *kCode, self, *mask, keepdim);
}
Result Moments(Gpu& gpu, const Tensor& self, const DimMask& mask, bool keepdim,
               double correction, bool root) {
  if (!IsReal(self) || !IsFloatingPoint(self.dtype())) return Declined();
  Reduction r{{"moments", kMoments}};
  r.finish = root ? "#define Finish(a, count) Deviation(a, FromSlot<Wide>::Of("
                    "args.params[0]))\n"
                    "FUNCTION Wide Deviation(Acc a, Wide c) { return Sqrt(a.m2 "
                    "/ MaxOf(a.n - c, (Wide)0)); }\n"
                  : "#define Finish(a, count) Variance(a, FromSlot<Wide>::Of("
                    "args.params[0]))\n"
                    "FUNCTION Wide Variance(Acc a, Wide c) { return a.m2 / "
                    "MaxOf(a.n - c, (Wide)0); }\n";
  r.compute = ComputeType(self.dtype());
  r.param = Scalar(correction);
  return ReduceTo(gpu, r, self, mask, keepdim, self.dtype());
}
template <bool kRoot>
Result MomentsAll(Gpu& gpu, const Tensor& self, bool unbiased) {
  return Moments(gpu, self, AllDims(self.dim()), false, unbiased ? 1 : 0,
                 kRoot);
}
template <bool kRoot>
Result MomentsDim(Gpu& gpu, const Tensor& self, MaybeDims dims, bool unbiased,
                  bool keepdim) {
  const auto mask = ReducedDims(dims, self.dim());
  if (!mask.ok()) return Declined();
  return Moments(gpu, self, *mask, keepdim, unbiased ? 1 : 0, kRoot);
}
template <bool kRoot>
Result MomentsCorrection(Gpu& gpu, const Tensor& self, MaybeDims dims,
                         const std::optional<Scalar>& correction,
                         bool keepdim) {
  const auto mask = ReducedDims(dims, self.dim());
  if (!mask.ok()) return Declined();
  return Moments(gpu, self, *mask, keepdim,
                 correction.has_value() ? correction->ToDouble() : 1, kRoot);
}
Result NormOf(Gpu& gpu, const Tensor& self, double order, const DimMask& mask,
              bool keepdim) {
  if (!IsReal(self) || !IsFloatingPoint(self.dtype()) ||
      (order != 1 && order != 2)) {
    return Declined();
  }
  Reduction r{order == 1 ? kNorm1 : kNorm2};
  r.compute = ComputeType(self.dtype());
  return ReduceTo(gpu, r, self, mask, keepdim, self.dtype());
}
Result VectorNorm(Gpu& gpu, const Tensor& self, const Scalar& order,
                  MaybeDims dims, bool keepdim, MaybeDType dtype) {
  const auto mask = ReducedDims(dims, self.dim());
  if (!mask.ok() || dtype.has_value()) return Declined();
  return NormOf(gpu, self, order.ToDouble(), *mask, keepdim);
}
Result NormDims(Gpu& gpu, const Tensor& self, const std::optional<Scalar>& p,
                DimSpan dims, bool keepdim) {
  const auto mask = ReducedDims(dims, self.dim());
  if (!mask.ok()) return Declined();
  return NormOf(gpu, self, p.has_value() ? p->ToDouble() : 2, *mask, keepdim);
}
Result NormAll(Gpu& gpu, const Tensor& self, const Scalar& p) {
  return NormOf(gpu, self, p.ToDouble(), AllDims(self.dim()), false);
}

}  // namespace

void AddReductions(Registrar& r) {
  r.Add<&Sum>("aten::sum")
      .Add<&SumDims>("aten::sum.dim_IntList")
      .Add<&Mean>("aten::mean")
      .Add<&MeanDims>("aten::mean.dim")
      .Add<&Prod>("aten::prod")
      .Add<&ProdDim>("aten::prod.dim_int")
      .Add<&AMax>("aten::amax")
      .Add<&AMin>("aten::amin")
      .Add<&MaxAll>("aten::max")
      .Add<&MinAll>("aten::min")
      .Add<&MaxDim>("aten::max.dim")
      .Add<&MinDim>("aten::min.dim")
      .Add<&ArgMax>("aten::argmax")
      .Add<&ArgMin>("aten::argmin")
      .Add<&TruthAll<&kAny>>("aten::any")
      .Add<&TruthDim<&kAny>>("aten::any.dim")
      .Add<&TruthAll<&kAll>>("aten::all")
      .Add<&TruthDim<&kAll>>("aten::all.dim")
      .Add<&MomentsAll<false>>("aten::var")
      .Add<&MomentsDim<false>>("aten::var.dim")
      .Add<&MomentsCorrection<false>>("aten::var.correction")
      .Add<&MomentsAll<true>>("aten::std")
      .Add<&MomentsDim<true>>("aten::std.dim")
      .Add<&MomentsCorrection<true>>("aten::std.correction")
      .Add<&VectorNorm>("aten::linalg_vector_norm")
      .Add<&NormDims>("aten::norm.ScalarOpt_dim")
      .Add<&NormAll>("aten::norm.Scalar");
}

}  // namespace tandem::cuda
