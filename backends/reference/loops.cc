#include "tandem/backends/reference/loops.h"

#include <algorithm>
#include <cstring>

#include "absl/strings/str_cat.h"
#include "tandem/backends/reference/variants.h"
#include "tandem/ir/operators/promotion.h"
#include "tandem/tensor/context.h"
#include "tandem/tensor/convert.h"
#include "tandem/tensor/convert_row.h"
#include "tandem/tensor/copy.h"
#include "tandem/tensor/status_macros.h"
#include "tandem/tensor/strided_loop.h"

namespace tandem::reference {
namespace {

constexpr int kMaxInputs = 3;

bool IsWideUnsigned(DType d) {
  return d == DType::kUInt16 || d == DType::kUInt32 || d == DType::kUInt64;
}

// The type in which elements of `dtype` are computed; kUndefined: none.
DType ComputedIn(DType dtype) {
  switch (dtype) {
    case DType::kHalf:
    case DType::kBFloat16:
    case DType::kFloat:
      return DType::kFloat;
    case DType::kDouble:
      return DType::kDouble;
    case DType::kComplexHalf:
    case DType::kComplexFloat:
      return DType::kComplexFloat;
    case DType::kComplexDouble:
      return DType::kComplexDouble;
    default:
      return IsIntegral(dtype, /*include_bool=*/true) ? DType::kInt64
                                                      : DType::kUndefined;
  }
}

const RowEntry* EntryFor(const ElementOp& op, DType computed) {
  switch (computed) {
    case DType::kFloat:
      return &op.f32;
    case DType::kDouble:
      return &op.f64;
    case DType::kInt64:
      return &op.i64;
    case DType::kComplexFloat:
      return &op.c64;
    case DType::kComplexDouble:
      return &op.c128;
    default:
      return nullptr;
  }
}

// What an operator refuses by a text of its own, before it looks at sizes.
absl::Status CheckRefused(const ElementOp& op, DType dtype) {
  if (dtype == DType::kBool && !op.takes_bool && !op.bool_error.empty()) {
    return absl::UnimplementedError(op.bool_error);
  }
  if (IsComplex(dtype) && !op.complex_error.empty()) {
    return absl::UnimplementedError(op.complex_error);
  }
  return absl::OkStatus();
}

absl::Status CheckTakes(const ElementOp& op, DType dtype,
                        absl::string_view name) {
  bool takes = dtype != DType::kBool || op.takes_bool;
  if (dtype == DType::kComplexHalf && !op.takes_complex_half) takes = false;
  if (IsWideUnsigned(dtype) && !op.takes_wide_unsigned) takes = false;
  const RowEntry* entry = EntryFor(op, ComputedIn(dtype));
  if (takes && entry != nullptr && entry->function != nullptr) {
    return absl::OkStatus();
  }
  return NotImplementedFor(name.empty() ? op.name : name, dtype);
}

// Plain row-major strides, also in dims of size 1.
bool HasPlainStrides(const Tensor& t) {
  if (!t.is_contiguous()) return false;
  int64_t expected = 1;
  for (int64_t d = t.dim() - 1; d >= 0; --d) {
    if (t.stride(d) != expected) return false;
    expected *= std::max<int64_t>(t.size(d), 1);
  }
  return true;
}

// Small contiguous operands of one computed dtype: no plan, no conversion.
bool IsSimple(absl::Span<const Input> inputs, const Target& target,
              const RunOptions& options) {
  const Tensor* first = inputs[0].tensor;
  if (first == nullptr || options.common != DType::kUndefined) return false;
  const TensorImpl& a = *first->impl();
  if (!a.contiguous || a.numel > StridedLoop::kGrain || a.numel == 0 ||
      (a.dtype != DType::kFloat && a.dtype != DType::kInt64 &&
       a.dtype != DType::kDouble) ||
      a.layout != Layout::kStrided || a.wrapped_number ||
      a.device.type != DeviceType::kCpu) {
    return false;
  }
  for (size_t i = 1; i < inputs.size(); ++i) {
    if (inputs[i].number != nullptr) {
      const Scalar& s = *inputs[i].number;
      if (s.is_complex() || (a.dtype == DType::kInt64 && s.is_double()) ||
          !HasPlainStrides(*first)) {
        return false;
      }
      continue;
    }
    const TensorImpl& b = *inputs[i].tensor->impl();
    if (b.dtype != a.dtype || !b.contiguous || b.wrapped_number ||
        b.layout != Layout::kStrided || DimSpan(b.sizes) != DimSpan(a.sizes) ||
        b.device.type != DeviceType::kCpu) {
      return false;
    }
  }
  return target.tensor == nullptr ||
         (target.in_place && target.tensor == first);
}

// A number, in the type the op computes in.
struct Element {
  alignas(16) char bytes[16];
};
void PutNumber(const Scalar& s, DType computed, Element* e) {
  const auto put = [&](auto v) { std::memcpy(e->bytes, &v, sizeof(v)); };
  switch (computed) {
    case DType::kFloat:
      return put(s.To<float>());
    case DType::kDouble:
      return put(s.To<double>());
    case DType::kInt64:
      return put(s.is_integral() ? s.ToInt()
                                 : TruncateToInteger<int64_t>(s.ToDouble()));
    case DType::kComplexFloat:
      return put(s.To<std::complex<float>>());
    default:
      return put(s.ToComplex());
  }
}

// The number, in the computed type, as `common` would hold it.
void NarrowNumber(DType common, Element* e) {
  const auto apply = [&](auto tag, auto narrow) {
    using T = typename decltype(tag)::type;
    T v;
    std::memcpy(&v, e->bytes, sizeof(v));
    v = static_cast<T>(narrow(v));
    std::memcpy(e->bytes, &v, sizeof(v));
  };
  switch (common) {
    case DType::kHalf:
      return apply(TypeTag<float>{}, [](float v) { return float(Half(v)); });
    case DType::kBFloat16:
      return apply(TypeTag<float>{},
                   [](float v) { return float(BFloat16(v)); });
    case DType::kBool:
      return apply(TypeTag<int64_t>{}, [](int64_t v) { return v != 0; });
    case DType::kUInt8:
      return apply(TypeTag<int64_t>{}, [](int64_t v) { return uint8_t(v); });
    case DType::kInt8:
      return apply(TypeTag<int64_t>{}, [](int64_t v) { return int8_t(v); });
    case DType::kInt16:
      return apply(TypeTag<int64_t>{}, [](int64_t v) { return int16_t(v); });
    case DType::kInt32:
      return apply(TypeTag<int64_t>{}, [](int64_t v) { return int32_t(v); });
    case DType::kUInt16:
      return apply(TypeTag<int64_t>{}, [](int64_t v) { return uint16_t(v); });
    case DType::kUInt32:
      return apply(TypeTag<int64_t>{}, [](int64_t v) { return uint32_t(v); });
    default:
      return;
  }
}

enum class Overlap { kNo, kFull, kPartial };

Overlap OverlapOf(const Tensor& a, const Tensor& b) {
  if (a.storage() != b.storage() || a.numel() == 0 || b.numel() == 0) {
    return Overlap::kNo;
  }
  if (a.is_same(b)) return Overlap::kFull;
  if (!a.is_non_overlapping_and_dense() || !b.is_non_overlapping_and_dense()) {
    return Overlap::kNo;  // PyTorch does not look closer either
  }
  const char* a0 = a.raw_data();
  const char* a1 = a0 + a.numel() * static_cast<int64_t>(a.element_size());
  const char* b0 = b.raw_data();
  const char* b1 = b0 + b.numel() * static_cast<int64_t>(b.element_size());
  if (a0 == b0 && a1 == b1) {
    return a.strides() == b.strides() ? Overlap::kFull : Overlap::kPartial;
  }
  return a0 < b1 && b0 < a1 ? Overlap::kPartial : Overlap::kNo;
}

DType ResultDType(DType common, DType computed_in, DType computed_out) {
  if (computed_out == computed_in) return common;
  if (computed_out == DType::kBool) return DType::kBool;
  if (IsComplex(computed_out)) return ToComplex(common);
  return IsComplex(common) ? ToReal(common) : computed_out;
}

}  // namespace

absl::StatusOr<DType> CommonDType(absl::Span<const Input> inputs) {
  if (inputs[0].tensor != nullptr &&
      (inputs.size() == 1 ||
       (inputs.size() == 2 && inputs[1].tensor != nullptr &&
        inputs[0].tensor->dtype() == inputs[1].tensor->dtype()))) {
    return inputs[0].tensor->dtype();
  }
  ResultType type;
  for (const Input& in : inputs) {
    if (in.tensor != nullptr) {
      type.Add(*in.tensor);
    } else {
      type.Add(*in.number);
    }
  }
  return type.Get();
}

absl::StatusOr<Dims> CommonSizes(absl::Span<const Input> inputs) {
  Dims sizes;
  bool first = true;
  for (const Input& in : inputs) {
    if (in.tensor == nullptr) continue;
    if (first) {
      sizes.assign(in.tensor->sizes().begin(), in.tensor->sizes().end());
      first = false;
    } else if (DimSpan(sizes) != in.tensor->sizes()) {
      TANDEM_ASSIGN_OR_RETURN(sizes, BroadcastSizes(sizes, in.tensor->sizes()));
    }
  }
  return sizes;
}

absl::StatusOr<Tensor> PrepareTarget(absl::Span<const Input> inputs,
                                     DimSpan sizes, DType dtype,
                                     Target target) {
  const auto strides = [&] {
    absl::InlinedVector<const Tensor*, 4> tensors;
    bool with_number = false;
    for (const Input& in : inputs) {
      if (in.tensor != nullptr) {
        tensors.push_back(in.tensor);
      } else {
        with_number = true;
      }
    }
    return PointwiseStrides(absl::MakeConstSpan(tensors), sizes, with_number);
  };
  if (target.tensor == nullptr) {
    bool meta = false;
    for (const Input& in : inputs) {
      meta = meta || (in.tensor != nullptr && in.tensor->is_meta());
    }
    if (meta) return Tensor::Meta(sizes, strides(), dtype);
    const Dims s = strides();
    if (DimSpan(s) == DimSpan(ContiguousStrides(sizes))) {
      return Tensor::Empty(sizes, dtype);
    }
    return Tensor::EmptyStrided(sizes, s, dtype);
  }
  const Tensor& out = *target.tensor;
  if (target.in_place && out.sizes() != sizes) {
    return absl::InvalidArgumentError(absl::StrCat(
        "output with shape ", DimsToString(out.sizes()),
        " doesn't match the broadcast shape ", DimsToString(sizes)));
  }
  if (!CanCast(dtype, out.dtype())) {
    return absl::InvalidArgumentError(absl::StrCat(
        "result type ", TypeName(dtype),
        " can't be cast to the desired output type ", TypeName(out.dtype())));
  }
  if (out.sizes() != sizes) {
    TANDEM_RETURN_IF_ERROR(SetSizesAndStrides(out, sizes, strides()));
  }
  if (out.is_meta()) return out;
  TANDEM_RETURN_IF_ERROR(CheckWritable(out));
  for (const Input& in : inputs) {
    if (in.tensor != nullptr &&
        OverlapOf(*in.tensor, out) == Overlap::kPartial) {
      return absl::InvalidArgumentError(
          "unsupported operation: some elements of the input tensor and the "
          "written-to tensor refer to a single memory location. Please "
          "clone() the tensor before performing the operation.");
    }
  }
  return out;
}

absl::StatusOr<Tensor> RunElementwise(const ElementOp& op,
                                      absl::Span<const Input> inputs,
                                      const Params& params, Target target,
                                      const RunOptions& options) {
  const size_t count = inputs.size();
  if (IsSimple(inputs, target, options)) {
    const Tensor& a = *inputs[0].tensor;
    const RowEntry& row = *EntryFor(op, a.dtype());
    if (row.function != nullptr && !op.check_zero &&
        !(op.rule == ResultRule::kFloat && a.dtype() == DType::kInt64) &&
        (target.tensor == nullptr || row.out == a.dtype())) {
      Tensor out;
      if (target.tensor == nullptr) {
        TANDEM_ASSIGN_OR_RETURN(out, Tensor::Empty(a.sizes(), row.out));
      } else {
        TANDEM_RETURN_IF_ERROR(a.storage()->EnsureWritable());
        out = a;
      }
      const int64_t size = static_cast<int64_t>(a.element_size());
      char* data[kMaxInputs + 1] = {out.raw_data()};
      int64_t strides[kMaxInputs + 1] = {
          static_cast<int64_t>(ElementSize(row.out))};
      Element numbers[kMaxInputs];
      for (size_t i = 0; i < count; ++i) {
        if (inputs[i].tensor != nullptr) {
          data[i + 1] = inputs[i].tensor->raw_data();
          strides[i + 1] = size;
        } else {
          PutNumber(*inputs[i].number, a.dtype(), &numbers[i]);
          data[i + 1] = numbers[i].bytes;
          strides[i + 1] = 0;
        }
      }
      row.function(data, strides, a.numel(), params);
      return out;
    }
  }

  for (const Input& in : inputs) {
    if (in.tensor == nullptr) continue;
    if (!in.tensor->defined()) {
      return absl::InvalidArgumentError(
          "Expected a proper Tensor but got None (or an undefined Tensor)");
    }
    if (in.tensor->is_sparse()) {
      return absl::UnimplementedError(
          absl::StrCat("\"", op.name,
                       "\" is not implemented for sparse "
                       "tensors"));
    }
  }
  DType common = options.common;
  if (common == DType::kUndefined) {
    TANDEM_ASSIGN_OR_RETURN(common, CommonDType(inputs));
  }
  if (op.rule == ResultRule::kFloat &&
      IsIntegral(common, /*include_bool=*/true)) {
    common = DType::kFloat;
  }
  TANDEM_RETURN_IF_ERROR(CheckRefused(op, common));
  // Unary operators that promote nothing do not convert to out= either.
  if (count == 1 && op.rule == ResultRule::kCommon &&
      options.common == DType::kUndefined && target.tensor != nullptr &&
      !op.converts_out && target.tensor->dtype() != common) {
    const RowEntry* entry = EntryFor(op, ComputedIn(common));
    if (entry == nullptr || entry->function == nullptr ||
        ResultDType(common, ComputedIn(common), entry->out) !=
            target.tensor->dtype()) {
      return absl::InvalidArgumentError(
          absl::StrCat("Found dtype ", TypeName(target.tensor->dtype()),
                       " but expected ", TypeName(common)));
    }
  }
  // As PyTorch's iterator: sizes, then types of the result, then the kernel.
  const absl::Status takes = CheckTakes(op, common, options.name);
  TANDEM_ASSIGN_OR_RETURN(const Dims sizes, CommonSizes(inputs));
  if (!takes.ok()) {
    if (target.tensor != nullptr) {
      TANDEM_RETURN_IF_ERROR(
          PrepareTarget(inputs, sizes, common, target).status());
    }
    return takes;
  }
  const DType computed = ComputedIn(common);
  const RowEntry& row = *EntryFor(op, computed);
  const DType result = ResultDType(common, computed, row.out);
  TANDEM_ASSIGN_OR_RETURN(Tensor out,
                          PrepareTarget(inputs, sizes, result, target));
  if (out.is_meta() || out.numel() == 0) return out;

  // Operands: the result, then the inputs; those of another dtype go through
  // blocks of the computed one, single elements are converted at once.
  absl::InlinedVector<StridedLoop::Operand, kMaxInputs + 1> operands;
  operands.push_back(StridedLoop::Operand::Of(out));
  std::optional<RowConverter> convert[kMaxInputs + 1];
  // Inputs of another dtype are rounded to a 16-bit common one.
  std::optional<RowConverter> round[kMaxInputs + 1];
  bool converts = false;
  // A result of another dtype than the computed one: half, int8, or out's own.
  // It goes through the result's dtype, as PyTorch's out= does.
  std::optional<RowConverter> convert_again;
  if (out.dtype() != row.out || result != row.out) {
    converts = true;
    TANDEM_ASSIGN_OR_RETURN(convert[0], RowConverter::Make(row.out, result));
    if (out.dtype() != result) {
      if (row.out == result) {
        TANDEM_ASSIGN_OR_RETURN(convert[0],
                                RowConverter::Make(row.out, out.dtype()));
      } else {
        TANDEM_ASSIGN_OR_RETURN(convert_again,
                                RowConverter::Make(result, out.dtype()));
      }
    }
  }
  const auto narrow_number = [&](size_t i) {
    return i != 1 || !op.exact_number || computed == DType::kInt64;
  };
  Element numbers[kMaxInputs];
  for (size_t i = 0; i < count; ++i) {
    const int64_t size = static_cast<int64_t>(ElementSize(computed));
    if (inputs[i].number != nullptr) {
      PutNumber(*inputs[i].number, computed, &numbers[i]);
      if (narrow_number(i)) NarrowNumber(common, &numbers[i]);
      operands.push_back({numbers[i].bytes, {}, {}, size});
      continue;
    }
    const Tensor& t = *inputs[i].tensor;
    if (t.is_meta()) {
      return absl::InvalidArgumentError(
          "Tensor on device cpu is not on the expected device meta!");
    }
    if (t.dtype() == computed && (t.dtype() == common || t.numel() != 1)) {
      operands.push_back(StridedLoop::Operand::Of(t));
      continue;
    }
    TANDEM_ASSIGN_OR_RETURN(convert[i + 1],
                            RowConverter::Make(t.dtype(), computed));
    if (t.numel() != 1 && t.dtype() != common &&
        ElementSize(common) < ElementSize(computed) &&
        (IsFloatingPoint(common) || IsComplex(common))) {
      TANDEM_ASSIGN_OR_RETURN(round[i + 1],
                              RowConverter::Make(t.dtype(), common));
      TANDEM_ASSIGN_OR_RETURN(convert[i + 1],
                              RowConverter::Make(common, computed));
    }
    if (t.numel() == 1) {
      (*convert[i + 1])(t.raw_data(), 0, numbers[i].bytes, 0, 1);
      if (narrow_number(i)) NarrowNumber(common, &numbers[i]);
      convert[i + 1].reset();
      operands.push_back({numbers[i].bytes, {}, {}, size});
    } else {
      converts = true;
      operands.push_back(StridedLoop::Operand::Of(t));
    }
  }

  Params own = params;
  std::atomic<bool> zero{false};
  own.divided_by_zero = &zero;
  const StridedLoop loop(sizes, operands);
  absl::Status status;
  if (!converts) {
    status = loop.RunParallel(
        [&](char* const* data, const int64_t* strides, int64_t n) {
          row.function(data, strides, n, own);
        });
  } else {
    status = loop.RunParallel(
        [&](char* const* data, const int64_t* strides, int64_t n) {
          constexpr int64_t kBlock = 256;
          alignas(64) char blocks[kMaxInputs + 1][kBlock * 16];
          const int64_t in_size = static_cast<int64_t>(ElementSize(computed));
          const int64_t out_size = static_cast<int64_t>(ElementSize(row.out));
          for (int64_t begin = 0; begin < n; begin += kBlock) {
            const int64_t m = std::min(kBlock, n - begin);
            char* p[kMaxInputs + 1];
            int64_t s[kMaxInputs + 1];
            for (size_t i = 1; i <= count; ++i) {
              char* from = data[i] + begin * strides[i];
              if (!convert[i].has_value()) {
                p[i] = from;
                s[i] = strides[i];
                continue;
              }
              // A repeated element is converted once.
              const int64_t distinct = strides[i] == 0 ? 1 : m;
              if (round[i].has_value()) {
                alignas(64) char rounded[kBlock * 4];
                const int64_t size = static_cast<int64_t>(ElementSize(common));
                (*round[i])(from, strides[i], rounded, size, distinct);
                (*convert[i])(rounded, size, blocks[i], in_size, distinct);
              } else {
                (*convert[i])(from, strides[i], blocks[i], in_size, distinct);
              }
              p[i] = blocks[i];
              s[i] = strides[i] == 0 ? 0 : in_size;
            }
            char* to = data[0] + begin * strides[0];
            if (!convert[0].has_value()) {
              p[0] = to;
              s[0] = strides[0];
              row.function(p, s, m, own);
              continue;
            }
            p[0] = blocks[0];
            s[0] = out_size;
            row.function(p, s, m, own);
            if (convert_again.has_value()) {
              alignas(64) char middle[kBlock * 16];
              const int64_t size = static_cast<int64_t>(ElementSize(result));
              (*convert[0])(blocks[0], out_size, middle, size, m);
              (*convert_again)(middle, size, to, strides[0], m);
            } else {
              (*convert[0])(blocks[0], out_size, to, strides[0], m);
            }
          }
        });
  }
  TANDEM_RETURN_IF_ERROR(status);
  if (zero.load(std::memory_order_relaxed)) {
    return absl::InvalidArgumentError("ZeroDivisionError");
  }
  return out;
}

}  // namespace tandem::reference
