#include "tandem/backends/native/elementwise.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <optional>

#include "tandem/backends/kernel.h"
#include "tandem/ir/operators/promotion.h"
#include "tandem/tensor/context.h"
#include "tandem/tensor/convert_row.h"
#include "tandem/tensor/half.h"
#include "tandem/tensor/status_macros.h"
#include "tandem/tensor/strided_loop.h"

namespace tandem::native {
namespace {

DType ResultOf(Op op, DType dtype) { return IsTest(op) ? DType::kBool : dtype; }

// The type that elements of `dtype` are computed in, converted or not: 16-bit
// floats in float, narrow integers in int64, which wraps to the same results.
int ComputedIn(DType dtype) {
  switch (dtype) {
    case DType::kHalf:
    case DType::kBFloat16:
      return 0;
    case DType::kInt32:
    case DType::kInt16:
    case DType::kInt8:
    case DType::kUInt8:
      return 2;
    default:
      return ComputedOf(dtype);
  }
}

template <typename T>
bool IsWithin(int64_t v) {
  return v >= std::numeric_limits<T>::min() &&
         v <= std::numeric_limits<T>::max();
}

// Does the number mean the same in the computed type as in `dtype`?
bool MeansTheSame(Op op, DType dtype, const Scalar& s) {
  if (s.is_complex()) return false;
  switch (dtype) {
    case DType::kHalf:
    case DType::kBFloat16: {
      // A factor is not rounded to the elements' type.
      if (op == Op::kMul || op == Op::kDiv) return true;
      const float v = s.To<float>();
      const float rounded = dtype == DType::kHalf
                                ? static_cast<float>(Half(v))
                                : static_cast<float>(BFloat16(v));
      if (rounded == v || std::isnan(v)) return true;
      // The result is rounded in the same way.
      return op == Op::kWhere && std::isfinite(rounded);
    }
    case DType::kInt32:
      return s.is_integral() && IsWithin<int32_t>(s.ToInt());
    case DType::kInt16:
      return s.is_integral() && IsWithin<int16_t>(s.ToInt());
    case DType::kInt8:
      return s.is_integral() && IsWithin<int8_t>(s.ToInt());
    case DType::kUInt8:
      return s.is_integral() && IsWithin<uint8_t>(s.ToInt());
    default:
      return true;
  }
}

RowFunction RowOf(Op op, int computed) {
  return Kernels().rows[static_cast<int>(op)][computed];
}

// A row of n contiguous elements, in pieces where it is long.
absl::Status RunFlat(RowFunction row, char* out, int64_t out_size,
                     const void* const* in, const int64_t* in_sizes, int count,
                     unsigned repeat, int64_t n, const void* params) {
  if (n <= kGrain) {
    row(out, in, repeat, n, params);
    return absl::OkStatus();
  }
  return ParallelFor(n, kGrain, [&](int64_t begin, int64_t end) {
    const void* from[kMaxInputs];
    for (int i = 0; i < count; ++i) {
      from[i] = (repeat >> i & 1) != 0
                    ? in[i]
                    : static_cast<const char*>(in[i]) + begin * in_sizes[i];
    }
    row(out + begin * out_size, from, repeat, end - begin, params);
  });
}

// Do two tensors share memory without being the same elements in order?
bool MayOverlap(const Tensor& a, const Tensor& b) {
  if (a.is_same(b) || a.storage() != b.storage()) return false;
  return a.offset() != b.offset() || a.sizes() != b.sizes() ||
         a.strides() != b.strides();
}

void Gather(const char* from, int64_t stride, char* to, int64_t size,
            int64_t n) {
  switch (size) {
    case 1:
      for (int64_t i = 0; i < n; ++i) to[i] = from[i * stride];
      return;
    case 4:
      for (int64_t i = 0; i < n; ++i) {
        std::memcpy(to + i * 4, from + i * stride, 4);
      }
      return;
    default:
      for (int64_t i = 0; i < n; ++i) {
        std::memcpy(to + i * 8, from + i * stride, 8);
      }
  }
}
void Scatter(const char* from, char* to, int64_t stride, int64_t size,
             int64_t n) {
  switch (size) {
    case 1:
      for (int64_t i = 0; i < n; ++i) to[i * stride] = from[i];
      return;
    case 4:
      for (int64_t i = 0; i < n; ++i) {
        std::memcpy(to + i * stride, from + i * 4, 4);
      }
      return;
    default:
      for (int64_t i = 0; i < n; ++i) {
        std::memcpy(to + i * stride, from + i * 8, 8);
      }
  }
}

// Operands (0: the result) of narrower dtypes go through blocks of the computed
// type; null: none.
struct Conversions {
  const RowConverter* of[kMaxInputs + 1] = {};
};
void RunConverted(RowFunction row, const Conversions& convert,
                  int64_t computed_size, char* const* data,
                  const int64_t* strides, const int64_t* sizes, int count,
                  int64_t n, const void* params) {
  constexpr int64_t kBlock = 512;
  alignas(64) char blocks[kMaxInputs + 1][kBlock * 8];
  unsigned repeat = 0;
  const void* in[kMaxInputs];
  for (int i = 1; i <= count; ++i) {
    if (strides[i] != 0) continue;
    repeat |= 1u << (i - 1);
    in[i - 1] = data[i];
    if (convert.of[i] == nullptr) continue;
    (*convert.of[i])(data[i], 0, blocks[i], 0, 1);
    in[i - 1] = blocks[i];
  }
  for (int64_t begin = 0; begin < n; begin += kBlock) {
    const int64_t m = std::min(kBlock, n - begin);
    for (int i = 1; i <= count; ++i) {
      if (strides[i] == 0) continue;
      const char* from = data[i] + begin * strides[i];
      in[i - 1] = blocks[i];
      if (convert.of[i] != nullptr) {
        (*convert.of[i])(from, strides[i], blocks[i], computed_size, m);
      } else if (strides[i] == sizes[i]) {
        in[i - 1] = from;
      } else {
        Gather(from, strides[i], blocks[i], sizes[i], m);
      }
    }
    char* to = data[0] + begin * strides[0];
    if (convert.of[0] != nullptr) {
      row(blocks[0], in, repeat, m, params);
      (*convert.of[0])(blocks[0], computed_size, to, strides[0], m);
    } else if (strides[0] == sizes[0]) {
      row(to, in, repeat, m, params);
    } else {
      row(blocks[0], in, repeat, m, params);
      Scatter(blocks[0], to, strides[0], sizes[0], m);
    }
  }
}

// Strides that are neither one element nor none go through blocks.
void RunStrided(RowFunction row, char* const* data, const int64_t* strides,
                const int64_t* sizes, int count, int64_t n,
                const void* params) {
  constexpr int64_t kBlock = 512;
  alignas(64) char blocks[kMaxInputs + 1][kBlock * 8];
  unsigned repeat = 0;
  bool plain = strides[0] == sizes[0];
  for (int i = 1; i <= count; ++i) {
    if (strides[i] == 0) {
      repeat |= 1u << (i - 1);
    } else if (strides[i] != sizes[i]) {
      plain = false;
    }
  }
  if (n == 1) {
    plain = true;
    repeat = 0;
  }
  if (plain) {
    row(data[0], reinterpret_cast<const void* const*>(data + 1), repeat, n,
        params);
    return;
  }
  for (int64_t begin = 0; begin < n; begin += kBlock) {
    const int64_t m = std::min(kBlock, n - begin);
    const void* in[kMaxInputs];
    for (int i = 1; i <= count; ++i) {
      const char* from = data[i] + begin * strides[i];
      if (strides[i] == 0 || strides[i] == sizes[i]) {
        in[i - 1] = from;
      } else {
        Gather(from, strides[i], blocks[i], sizes[i], m);
        in[i - 1] = blocks[i];
      }
    }
    char* to = data[0] + begin * strides[0];
    if (strides[0] == sizes[0]) {
      row(to, in, repeat, m, params);
    } else {
      row(blocks[0], in, repeat, m, params);
      Scatter(blocks[0], to, strides[0], sizes[0], m);
    }
  }
}

}  // namespace

bool HasPlainStrides(const TensorImpl& t) {
  if (!t.contiguous) return false;
  int64_t expected = 1;
  for (size_t d = t.sizes.size(); d-- > 0;) {
    if (t.strides[d] != expected) return false;
    expected *= std::max<int64_t>(t.sizes[d], 1);
  }
  return true;
}

absl::StatusOr<Tensor> RunUnary(Op op, const Tensor& self, bool in_place,
                                absl::Span<const Scalar> params) {
  if (!self.defined()) return Declined();
  const TensorImpl& a = *self.impl();
  const int computed = ComputedOf(a.dtype);
  if (computed < 0 || !IsPlain(a)) {
    return RunGeneral(op, {Operand{&self, nullptr}}, in_place ? &self : nullptr,
                      params);
  }
  const RowFunction row = RowOf(op, computed);
  if (row == nullptr) return Declined();
  Numbers numbers;
  if (!params.empty() && !numbers.Set(computed, params)) return Declined();
  const DType dtype = ResultOf(op, a.dtype);
  Tensor out;
  if (in_place) {
    if (dtype != a.dtype) return Declined();
    TANDEM_RETURN_IF_ERROR(a.storage->EnsureWritable());
    out = self;
  } else {
    TANDEM_ASSIGN_OR_RETURN(out, Tensor::Empty(a.sizes, dtype));
  }
  const void* in = self.raw_data();
  TANDEM_RETURN_IF_ERROR(RunFlat(row, out.raw_data(),
                                 static_cast<int64_t>(ElementSize(dtype)), &in,
                                 &kSizes[computed], 1, 0, a.numel,
                                 params.empty() ? nullptr : numbers.bytes));
  return out;
}

absl::StatusOr<Tensor> RunBinary(Op op, const Tensor& x, const Tensor& y,
                                 bool in_place,
                                 absl::Span<const Scalar> params) {
  if (!x.defined() || !y.defined()) return Declined();
  const TensorImpl &a = *x.impl(), &b = *y.impl();
  const int computed = ComputedOf(a.dtype);
  if (b.dtype != a.dtype) return Declined();
  if (computed < 0 || !IsPlain(a) || !IsPlain(b) || a.sizes != b.sizes) {
    return RunGeneral(op, {Operand{&x, nullptr}, Operand{&y, nullptr}},
                      in_place ? &x : nullptr, params);
  }
  const RowFunction row = RowOf(op, computed);
  if (row == nullptr) return Declined();
  Numbers numbers;
  if (!params.empty() && !numbers.Set(computed, params)) return Declined();
  const DType dtype = ResultOf(op, a.dtype);
  Tensor out;
  if (in_place) {
    if (dtype != a.dtype || MayOverlap(x, y)) return Declined();
    TANDEM_RETURN_IF_ERROR(a.storage->EnsureWritable());
    out = x;
  } else {
    TANDEM_ASSIGN_OR_RETURN(out, Tensor::Empty(a.sizes, dtype));
  }
  const void* in[2] = {x.raw_data(), y.raw_data()};
  const int64_t sizes[2] = {kSizes[computed], kSizes[computed]};
  TANDEM_RETURN_IF_ERROR(
      RunFlat(row, out.raw_data(), static_cast<int64_t>(ElementSize(dtype)), in,
              sizes, 2, 0, a.numel, params.empty() ? nullptr : numbers.bytes));
  return out;
}

absl::StatusOr<Tensor> RunWithNumber(Op op, const Tensor& self,
                                     const Scalar& number, bool in_place,
                                     bool number_first,
                                     absl::Span<const Scalar> params) {
  if (!self.defined()) return Declined();
  const TensorImpl& a = *self.impl();
  const int computed = ComputedOf(a.dtype);
  if (computed < 0 || !IsPlain(a) || !HasPlainStrides(a)) {
    const Operand t{&self, nullptr}, n{nullptr, &number};
    const Operand operands[2] = {number_first ? n : t, number_first ? t : n};
    return RunGeneral(op, operands, in_place ? &self : nullptr, params);
  }
  const RowFunction row = RowOf(op, computed);
  Number value;
  if (row == nullptr || !value.Set(computed, number)) return Declined();
  Numbers numbers;
  if (!params.empty() && !numbers.Set(computed, params)) return Declined();
  const DType dtype = ResultOf(op, a.dtype);
  Tensor out;
  if (in_place) {
    if (dtype != a.dtype) return Declined();
    TANDEM_RETURN_IF_ERROR(a.storage->EnsureWritable());
    out = self;
  } else {
    TANDEM_ASSIGN_OR_RETURN(out, Tensor::Empty(a.sizes, dtype));
  }
  const void* in[2] = {self.raw_data(), value.bytes};
  if (number_first) std::swap(in[0], in[1]);
  const int64_t sizes[2] = {kSizes[computed], kSizes[computed]};
  TANDEM_RETURN_IF_ERROR(RunFlat(row, out.raw_data(),
                                 static_cast<int64_t>(ElementSize(dtype)), in,
                                 sizes, 2, number_first ? 1 : 2, a.numel,
                                 params.empty() ? nullptr : numbers.bytes));
  return out;
}

absl::StatusOr<Tensor> RunGeneral(Op op, absl::Span<const Operand> operands,
                                  const Tensor* out,
                                  absl::Span<const Scalar> params) {
  // The dtype of all but a condition.
  const size_t first = op == Op::kWhere ? 1 : 0;
  DType dtype = DType::kUndefined;
  const Tensor* tensors[kMaxInputs];
  size_t num_tensors = 0;
  bool with_number = false;
  Dims sizes;
  for (size_t i = 0; i < operands.size(); ++i) {
    const Tensor* t = operands[i].tensor;
    if (t == nullptr) {
      // lerp's weight is no operand where it is a number.
      with_number = op != Op::kLerp;
      continue;
    }
    if (!t->defined() || t->is_sparse() || !t->device().is_cpu()) {
      return Declined();
    }
    if (i < first) {
      if (t->dtype() != DType::kBool) return Declined();
    } else if (dtype == DType::kUndefined) {
      dtype = t->dtype();
    } else if (t->dtype() != dtype) {
      return Declined();
    }
    if (num_tensors == 0) {
      sizes.assign(t->sizes().begin(), t->sizes().end());
    } else if (t->sizes() != DimSpan(sizes)) {
      absl::StatusOr<Dims> common = BroadcastSizes(sizes, t->sizes());
      if (!common.ok()) return Declined();
      sizes = *std::move(common);
    }
    tensors[num_tensors++] = t;
  }
  const int computed = ComputedIn(dtype);
  if (computed < 0) return Declined();
  const bool narrow = kDTypes[computed] != dtype;
  const RowFunction row = RowOf(op, computed);
  Numbers numbers;
  if (row == nullptr || (!params.empty() && !numbers.Set(computed, params))) {
    return Declined();
  }
  Number values[kMaxInputs];
  for (size_t i = 0; i < operands.size(); ++i) {
    if (operands[i].number != nullptr &&
        (!values[i].Set(computed, *operands[i].number) ||
         !MeansTheSame(op, dtype, *operands[i].number))) {
      return Declined();
    }
  }
  if (narrow && computed == 2) {
    for (const Scalar& s : params) {
      if (!MeansTheSame(op, dtype, s)) return Declined();
    }
  }
  const DType result = ResultOf(op, dtype);
  Tensor to;
  if (out != nullptr) {
    if (out->dtype() != result || out->sizes() != DimSpan(sizes) ||
        !out->is_non_overlapping_and_dense()) {
      return Declined();
    }
    for (size_t i = 0; i < num_tensors; ++i) {
      if (MayOverlap(*out, *tensors[i])) return Declined();
    }
    TANDEM_RETURN_IF_ERROR(out->storage()->EnsureWritable());
    to = *out;
  } else {
    const Dims strides = PointwiseStrides(
        absl::MakeConstSpan(tensors, num_tensors), sizes, with_number);
    TANDEM_ASSIGN_OR_RETURN(
        to, DimSpan(strides) == DimSpan(ContiguousStrides(sizes))
                ? Tensor::Empty(sizes, result)
                : Tensor::EmptyStrided(sizes, strides, result));
  }
  if (to.numel() == 0) return to;
  StridedLoop::Operand all[kMaxInputs + 1];
  int64_t element_sizes[kMaxInputs + 1];
  all[0] = StridedLoop::Operand::Of(to);
  element_sizes[0] = all[0].element_size;
  for (size_t i = 0; i < operands.size(); ++i) {
    all[i + 1] =
        operands[i].tensor != nullptr
            ? StridedLoop::Operand::Of(*operands[i].tensor)
            : StridedLoop::Operand{values[i].bytes, {}, {}, kSizes[computed]};
    element_sizes[i + 1] = all[i + 1].element_size;
  }
  const StridedLoop loop(to.sizes(),
                         absl::MakeConstSpan(all, operands.size() + 1));
  if (narrow) {
    TANDEM_ASSIGN_OR_RETURN(const RowConverter widen,
                            RowConverter::Make(dtype, kDTypes[computed]));
    TANDEM_ASSIGN_OR_RETURN(const RowConverter back,
                            RowConverter::Make(kDTypes[computed], dtype));
    Conversions convert;
    if (result == dtype) convert.of[0] = &back;
    for (size_t i = first; i < operands.size(); ++i) {
      if (operands[i].tensor != nullptr) convert.of[i + 1] = &widen;
    }
    TANDEM_RETURN_IF_ERROR(loop.RunParallel(
        [&](char* const* data, const int64_t* strides, int64_t n) {
          RunConverted(row, convert, kSizes[computed], data, strides,
                       element_sizes, static_cast<int>(operands.size()), n,
                       params.empty() ? nullptr : numbers.bytes);
        }));
    return to;
  }
  TANDEM_RETURN_IF_ERROR(loop.RunParallel(
      [&](char* const* data, const int64_t* strides, int64_t n) {
        RunStrided(row, data, strides, element_sizes,
                   static_cast<int>(operands.size()), n,
                   params.empty() ? nullptr : numbers.bytes);
      }));
  return to;
}

}  // namespace tandem::native
