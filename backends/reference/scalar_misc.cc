// Questions of programs that are no arithmetic: ranges, hashes, dtypes,
// devices, modes, the generator, warnings.
#include <algorithm>
#include <cstdio>
#include <functional>
#include <optional>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "tandem/backends/reference/scalar.h"
#include "tandem/backends/reference/sizes.h"
#include "tandem/ir/operators/promotion.h"
#include "tandem/tensor/context.h"
#include "tandem/tensor/status_macros.h"

namespace tandem::reference {
namespace {

// The number of turns of `for i in range(lo, hi, step)`, without overflow.
absl::StatusOr<int64_t> RangeLength(int64_t lo, int64_t hi, int64_t step) {
  if (step == 0) {
    return absl::InvalidArgumentError("range() arg 3 must not be zero");
  }
  const uint64_t up = static_cast<uint64_t>(hi) - static_cast<uint64_t>(lo);
  uint64_t count = 0;
  if (step > 0 && lo < hi) {
    count = 1 + (up - 1) / static_cast<uint64_t>(step);
  } else if (step < 0 && lo > hi) {
    count = 1 + (0 - up - 1) / (0 - static_cast<uint64_t>(step));
  }
  return static_cast<int64_t>(std::min<uint64_t>(count, INT64_MAX));
}
int64_t DeriveIndex(int64_t index, int64_t start, int64_t step) {
  return WrapAdd(start, WrapMul(index, step));
}

absl::StatusOr<IValue> UnwrapOptional(const IValue& v) {
  if (v.is_none()) {
    return absl::InvalidArgumentError("Unwrapping null optional");
  }
  return v;
}
IValue Unchanged(const IValue& v) { return v; }

// libtorch's hashes: std::hash of numbers and strings, mixed for tuples.
size_t Combine(size_t seed, size_t value) {
  return seed ^ (value + 0x9e3779b9 + (seed << 6) + (seed >> 2));
}
absl::StatusOr<size_t> HashOf(const IValue& v, int depth) {
  switch (v.tag()) {
    case IValue::Tag::kNone:
      return 0;
    case IValue::Tag::kBool:
      return v.AsBool() ? 1 : 0;
    case IValue::Tag::kInt:
      return static_cast<size_t>(v.AsInt());
    case IValue::Tag::kDouble:
      return std::hash<double>()(v.AsDouble());
    case IValue::Tag::kComplex:
      return Combine(std::hash<double>()(v.AsComplex().real()),
                     std::hash<double>()(v.AsComplex().imag()));
    case IValue::Tag::kString:
      return std::hash<std::string>()(v.AsString());
    case IValue::Tag::kDevice: {
      const Device d = v.AsDevice();
      return static_cast<size_t>(static_cast<uint8_t>(d.type)) << 16 |
             static_cast<uint8_t>(d.index);
    }
    case IValue::Tag::kTensor:
      return reinterpret_cast<size_t>(v.AsTensor().impl());
    case IValue::Tag::kTuple: {
      if (depth > 100) break;
      size_t seed = 0;
      for (const IValue& e : v.AsTuple().values) {
        TANDEM_ASSIGN_OR_RETURN(const size_t h, HashOf(e, depth + 1));
        seed = Combine(seed, h);
      }
      return seed;
    }
    default:
      break;
  }
  return absl::InvalidArgumentError(
      absl::StrCat("unhashable type: '", v.TypeOf()->ToAnnotation(), "'"));
}
absl::StatusOr<int64_t> Hash(const IValue& v) {
  TANDEM_ASSIGN_OR_RETURN(const size_t h, HashOf(v, 0));
  return static_cast<int64_t>(h);
}

absl::StatusOr<bool> CanCastOp(DType from, DType to) {
  return CanCast(from, to);
}
absl::StatusOr<int64_t> PromoteTypesOp(DType a, DType b) {
  const DType result = PromoteTypes(a, b);
  if (result == DType::kUndefined) {
    return absl::InvalidArgumentError(absl::StrCat(
        "Promotion for uint16, uint32, uint64 types is not supported, "
        "attempted to promote ",
        TypeName(a), " and ", TypeName(b)));
  }
  return static_cast<int64_t>(result);
}
absl::StatusOr<int64_t> ResultTypeOp(const Scalar& a, const Scalar& b) {
  ResultType type;
  type.Add(a).Add(b);
  TANDEM_ASSIGN_OR_RETURN(const DType result, type.Get());
  return static_cast<int64_t>(result);
}

absl::StatusOr<Device> DeviceOf(absl::string_view text) {
  return ParseDevice(text);
}
absl::StatusOr<Device> DeviceWithIndex(absl::string_view type, int64_t index) {
  return ParseDevice(absl::StrCat(type, ":", index));
}

bool True() { return true; }
bool False() { return false; }
absl::Status ReturnFalse(const KernelCall& call) {
  call.out(0) = IValue(false);
  return absl::OkStatus();
}
// No device has a cuFFT plan cache.
void CufftClear(int64_t) {}
template <bool max>
absl::StatusOr<int64_t> CufftGet(int64_t) {
  return absl::InvalidArgumentError(
      absl::StrCat("cufft_get_plan_cache_", max ? "max_" : "",
                   "size: expected 0 <= device_index < 0"));
}
void CufftSet(int64_t, int64_t) {}

// What a program sees of its own switches. Nothing is differentiated, so the
// mode decides nothing else.
thread_local bool grad_enabled = false;
bool IsGradEnabled() { return grad_enabled; }
void SetGradEnabled(bool on) { grad_enabled = on; }

absl::StatusOr<int64_t> AutocastDType(absl::string_view device) {
  TANDEM_ASSIGN_OR_RETURN(const Device d, ParseDevice(device));
  const bool half = d.type == DeviceType::kCuda || d.type == DeviceType::kMps;
  return static_cast<int64_t>(half ? DType::kHalf : DType::kBFloat16);
}

std::string CpuCapability() {
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx512f")) return "AVX512";
  if (__builtin_cpu_supports("avx2")) return "AVX2";
  return "NO AVX";
#else
  return "DEFAULT";
#endif
}

// Python's text, without the place: a kernel does not know it.
void Warn(absl::string_view message, int64_t) {
  const std::string text = absl::StrCat("UserWarning: ", message, "\n");
  if (OutputSink* sink = CurrentContext().warnings; sink != nullptr) {
    sink->Write(text);
  } else {
    std::fputs(text.c_str(), stderr);
  }
}

void ConstrainRange(const Scalar&, std::optional<int64_t>,
                    std::optional<int64_t>) {}

}  // namespace

void AddScalarMisc(KernelRegistrar& r) {
  r.Add("aten::__range_length", &RangeLength)
      .Add("aten::__derive_index", &DeriveIndex)
      .Add("aten::_unwrap_optional", &UnwrapOptional,
           {.handles_lazy_bits = true})
      .Add("prim::unchecked_unwrap_optional", &Unchanged,
           {.handles_lazy_bits = true})
      .Add("prim::unchecked_cast", &Unchanged, {.handles_lazy_bits = true})
      .Add("aten::Size", &Unchanged)
      .Add("aten::hash.generic", &Hash, {.handles_lazy_bits = true})
      .Add("aten::can_cast", &CanCastOp)
      .Add("aten::promote_types", &PromoteTypesOp)
      .Add("aten::result_type.Scalar_Scalar", &ResultTypeOp)
      .Add("aten::device", &DeviceOf)
      .Add("aten::device.with_index", &DeviceWithIndex);
  r.Add("aten::is_scripting", &True)
      .Add("aten::_get_tracing_state", &False)
      .Add("aten::_is_tracing", &False)
      .Add("aten::_nnpack_available", &False)
      .Add("aten::_use_cudnn_rnn_flatten_weight", &False)
      .Add("aten::is_vulkan_available", &False)
      .Add("aten::is_autocast_enabled", &False)
      .Add("aten::is_autocast_cpu_enabled", &False)
      .AddBoxed("aten::has_torch_function", &ReturnFalse)
      .Add("aten::get_autocast_dtype", &AutocastDType)
      .Add("aten::is_grad_enabled", &IsGradEnabled)
      .Add("aten::set_grad_enabled", &SetGradEnabled)
      .Add("aten::_get_cpu_capability", &CpuCapability)
      .Add("aten::_cufft_clear_plan_cache", &CufftClear)
      .Add("aten::_cufft_get_plan_cache_max_size", &CufftGet<true>)
      .Add("aten::_cufft_get_plan_cache_size", &CufftGet<false>)
      .Add("aten::_cufft_set_plan_cache_max_size", &CufftSet)
      .Add("aten::sym_constrain_range", &ConstrainRange)
      .Add("aten::sym_constrain_range_for_size", &ConstrainRange)
      .Add("aten::warn", &Warn);
}

}  // namespace tandem::reference
