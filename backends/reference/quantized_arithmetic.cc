// Sums, products and joins of quantized tensors; functions of each element.
#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "tandem/backends/reference/memory_format.h"
#include "tandem/backends/reference/quantize.h"
#include "tandem/backends/reference/quantized.h"
#include "tandem/backends/reference/quantized_unary.h"
#include "tandem/backends/reference/shape.h"
#include "tandem/backends/reference/variants.h"
#include "tandem/ir/operators/promotion.h"
#include "tandem/tensor/copy.h"
#include "tandem/tensor/status_macros.h"

namespace tandem::reference {
namespace {

using Result = absl::StatusOr<Tensor>;

absl::Status Invalid(std::string text) {
  return absl::InvalidArgumentError(std::move(text));
}

int64_t IntegerAt(const Tensor& integers, int64_t i) {
  switch (integers.dtype()) {
    case DType::kUInt8:
      return integers.data<uint8_t>()[i];
    case DType::kInt8:
      return integers.data<int8_t>()[i];
    default:
      return integers.data<int32_t>()[i];
  }
}

void PutInteger(const Tensor& t, int64_t i, int64_t q) {
  switch (t.dtype()) {
    case DType::kQUInt8:
      t.data<uint8_t>()[i] = static_cast<uint8_t>(q);
      break;
    case DType::kQInt8:
      t.data<int8_t>()[i] = static_cast<int8_t>(q);
      break;
    default:
      t.data<int32_t>()[i] = static_cast<int32_t>(q);
  }
}

// new integer = f(integer), in memory of the same format.
Result MapIntegers(const Tensor& x, double scale, int64_t zero_point,
                   absl::FunctionRef<int64_t(int64_t)> f,
                   absl::string_view op) {
  TANDEM_RETURN_IF_ERROR(PerTensorOf(x, op).status());
  TANDEM_ASSIGN_OR_RETURN(const Tensor integers, Integers(x));
  const MemoryFormat format = SuggestMemoryFormat(x);
  TANDEM_ASSIGN_OR_RETURN(const Tensor from, ContiguousIn(integers, format));
  TANDEM_ASSIGN_OR_RETURN(
      Tensor out,
      EmptyQuantized(x.sizes(), x.dtype(), scale, zero_point, format));
  if (x.dtype() == DType::kQInt32) {
    for (int64_t i = 0; i < x.numel(); ++i) {
      PutInteger(out, i, f(IntegerAt(from, i)));
    }
    return out;
  }
  TANDEM_ASSIGN_OR_RETURN(const QuantizedRange range, RangeOf(x.dtype()));
  int64_t table[256];
  for (int64_t q = range.least; q <= range.greatest; ++q) {
    table[q - range.least] = f(q);
  }
  for (int64_t i = 0; i < x.numel(); ++i) {
    PutInteger(out, i, table[IntegerAt(from, i) - range.least]);
  }
  return out;
}

// Two operands to one size, in real values.
struct Pair {
  Tensor a, b;
  MemoryFormat format;
};

absl::StatusOr<Pair> LoadPair(const Tensor& qa, const Tensor& qb,
                              absl::string_view op) {
  TANDEM_RETURN_IF_ERROR(PerTensorOf(qa, op).status());
  TANDEM_RETURN_IF_ERROR(PerTensorOf(qb, op).status());
  if (qa.dtype() != qb.dtype()) {
    return Invalid(absl::StrCat(op, " operands should have same data type."));
  }
  TANDEM_ASSIGN_OR_RETURN(const Dims sizes,
                          BroadcastSizes(qa.sizes(), qb.sizes()));
  Pair pair;
  pair.format = qa.sizes() == DimSpan(sizes) ? SuggestMemoryFormat(qa)
                                             : MemoryFormat::kContiguous;
  TANDEM_ASSIGN_OR_RETURN(pair.a, Dequantize(qa));
  TANDEM_ASSIGN_OR_RETURN(pair.b, Dequantize(qb));
  TANDEM_ASSIGN_OR_RETURN(pair.a, ExpandTo(pair.a, sizes));
  TANDEM_ASSIGN_OR_RETURN(pair.b, ExpandTo(pair.b, sizes));
  TANDEM_ASSIGN_OR_RETURN(pair.a, Clone(pair.a, pair.format));
  TANDEM_ASSIGN_OR_RETURN(pair.b, ContiguousIn(pair.b, pair.format));
  return pair;
}

template <bool kMultiply, bool kRelu>
Result Binary(const Tensor& qa, const Tensor& qb, double scale,
              int64_t zero_point) {
  TANDEM_ASSIGN_OR_RETURN(const Pair p,
                          LoadPair(qa, qb, kMultiply ? "Mul" : "Add"));
  float* a = p.a.data<float>();
  const float* b = p.b.data<float>();
  for (int64_t i = 0; i < p.a.numel(); ++i) {
    a[i] = kMultiply ? a[i] * b[i] : a[i] + b[i];
    if (kRelu) a[i] = std::max(a[i], 0.0f);
  }
  return QuantizePerTensor(p.a, scale, zero_point, qa.dtype());
}

template <bool kMultiply, bool kRelu>
Result BinaryOut(const Tensor& qa, const Tensor& qb, const Tensor& out) {
  TANDEM_ASSIGN_OR_RETURN(const Quantizer* q, PerTensorOf(out, "out"));
  TANDEM_ASSIGN_OR_RETURN(
      const Tensor result,
      (Binary<kMultiply, kRelu>(qa, qb, q->scale, q->zero_point)));
  return WriteOutExact(result, out);
}

// x + c keeps the integers where the shifted zero point fits, and otherwise
// quantizes anew over the range that the sum needs.
template <bool kRelu>
Result AddScalar(const Tensor& x, const Scalar& b) {
  TANDEM_ASSIGN_OR_RETURN(const Quantizer* q, PerTensorOf(x, "Add"));
  TANDEM_ASSIGN_OR_RETURN(const QuantizedRange range, RangeOf(x.dtype()));
  const double s = q->scale;
  const int64_t shift = SaturatingToInt64(std::nearbyint(b.ToDouble() / s));
  const double zero =
      static_cast<double>(q->zero_point) - static_cast<double>(shift);
  const double width = static_cast<double>(range.greatest - range.least);
  if (zero >= static_cast<double>(range.least) &&
      zero <= static_cast<double>(range.greatest)) {
    const int64_t z = q->zero_point - shift;
    return MapIntegers(
        x, s, z, [&](int64_t v) { return kRelu ? std::max(v, z) : v; }, "Add");
  }
  const bool low = zero < static_cast<double>(range.least);
  const double new_scale =
      low ? (static_cast<double>(range.greatest) - zero) / width * s
          : (zero - static_cast<double>(range.least)) / width * s;
  const int64_t new_zero = low ? range.least : range.greatest;
  const float moved = static_cast<float>(static_cast<double>(shift) * s);
  return MapQuantized(
      x, new_scale, new_zero,
      [&](float v) {
        v += moved;
        return kRelu ? std::max(v, 0.0f) : v;
      },
      "Add");
}

// x * c changes the scale; a negative number turns the integers over.
template <bool kRelu>
Result MulScalar(const Tensor& x, const Scalar& b) {
  TANDEM_ASSIGN_OR_RETURN(const Quantizer* q, PerTensorOf(x, "Mul"));
  TANDEM_ASSIGN_OR_RETURN(const QuantizedRange range, RangeOf(x.dtype()));
  const double c = b.ToDouble();
  if (c == 0) {
    return MapIntegers(
        x, 1.0, 0, [](int64_t) { return 0; }, "Mul");
  }
  if (c > 0) {
    const int64_t z = q->zero_point;
    return MapIntegers(
        x, q->scale * c, z,
        [&](int64_t v) { return kRelu ? std::max(v, z) : v; }, "Mul");
  }
  const int64_t turn = range.least + range.greatest;
  const int64_t z = turn - q->zero_point;
  return MapIntegers(
      x, q->scale * -c, z,
      [&](int64_t v) { return kRelu ? std::max(turn - v, z) : turn - v; },
      "Mul");
}

template <Result (*F)(const Tensor&, const Scalar&)>
Result Swapped(const Scalar& b, const Tensor& x) {
  return F(x, b);
}
template <Result (*F)(const Tensor&, const Scalar&)>
Result ByTensor(const Tensor& x, const Tensor& b) {
  TANDEM_ASSIGN_OR_RETURN(const Scalar s, b.Item());
  return F(x, s);
}
template <Result (*F)(const Tensor&, const Scalar&)>
Result IntoOut(const Tensor& x, const Scalar& b, const Tensor& out) {
  TANDEM_ASSIGN_OR_RETURN(const Tensor result, F(x, b));
  TANDEM_RETURN_IF_ERROR(WriteOutExact(result, out).status());
  out.impl()->quantizer = result.impl()->quantizer;
  return out;
}
template <Result (*F)(const Tensor&, const Scalar&)>
Result ByTensorIntoOut(const Tensor& x, const Tensor& b, const Tensor& out) {
  TANDEM_ASSIGN_OR_RETURN(const Scalar s, b.Item());
  return IntoOut<F>(x, s, out);
}

template <bool kRelu>
Result Cat(absl::Span<const Tensor> tensors, int64_t dim,
           std::optional<double> scale, std::optional<int64_t> zero_point) {
  return QuantizedCat(tensors, dim, scale, zero_point, kRelu);
}

template <bool kRelu>
Result CatOut(absl::Span<const Tensor> tensors, int64_t dim,
              const Tensor& out) {
  TANDEM_ASSIGN_OR_RETURN(const Quantizer* q, PerTensorOf(out, "cat"));
  TANDEM_ASSIGN_OR_RETURN(
      const Tensor result,
      QuantizedCat(tensors, dim, q->scale, q->zero_point, kRelu));
  return WriteOutExact(result, out);
}

template <bool kMultiply, bool kRelu>
void AddBinary(KernelRegistrar& r) {
  constexpr Result (*kScalar)(const Tensor&, const Scalar&) =
      kMultiply ? &MulScalar<kRelu> : &AddScalar<kRelu>;
  const std::string base = kMultiply ? "quantized::mul" : "quantized::add";
  const std::string relu = kRelu ? "_relu" : "";
  r.Add(base + relu, &Binary<kMultiply, kRelu>)
      .Add(base + relu + ".out", &BinaryOut<kMultiply, kRelu>)
      .Add(base + relu + "_out", &BinaryOut<kMultiply, kRelu>)
      .Add(base + relu + ".Scalar", kScalar)
      .Add(base + relu + ".Scalar2", &Swapped<kScalar>)
      .Add(base + relu + ".Scalar_out", &IntoOut<kScalar>)
      .Add(base + "_scalar" + relu, kScalar)
      .Add(base + "_scalar" + relu + ".Tensor", &ByTensor<kScalar>)
      .Add(base + "_scalar" + relu + "_out", &IntoOut<kScalar>)
      .Add(base + "_scalar" + relu + "_out.Tensor", &ByTensorIntoOut<kScalar>);
}

}  // namespace

absl::StatusOr<const Quantizer*> PerTensorOf(const Tensor& t,
                                             absl::string_view op) {
  if (!t.is_quantized()) {
    return Invalid(absl::StrCat(op, ": a quantized tensor is expected, not ",
                                TypeName(t.dtype())));
  }
  if (t.impl()->quantizer->scheme != 0) {
    return Invalid(
        absl::StrCat(op, ": Only per tensor quantization is supported."));
  }
  return t.impl()->quantizer.get();
}

absl::StatusOr<Tensor> MapQuantized(const Tensor& x, double scale,
                                    int64_t zero_point,
                                    absl::FunctionRef<float(float)> f,
                                    absl::string_view op) {
  TANDEM_ASSIGN_OR_RETURN(const Quantizer* q, PerTensorOf(x, op));
  TANDEM_ASSIGN_OR_RETURN(const QuantizedRange range, RangeOf(x.dtype()));
  if (zero_point < range.least || zero_point > range.greatest) {
    return Invalid(absl::StrCat(op, ": zero point ", zero_point,
                                " is out of the range of ",
                                TypeName(x.dtype())));
  }
  const float in_scale = static_cast<float>(q->scale);
  const float inverse = 1.0f / static_cast<float>(scale);
  return MapIntegers(
      x, scale, zero_point,
      [&](int64_t v) {
        const float real = static_cast<float>(v - q->zero_point) * in_scale;
        return QuantizeValue(f(real), inverse, zero_point, range);
      },
      op);
}

absl::StatusOr<Tensor> MapQuantized(const Tensor& x,
                                    absl::FunctionRef<float(float)> f,
                                    absl::string_view op) {
  TANDEM_ASSIGN_OR_RETURN(const Quantizer* q, PerTensorOf(x, op));
  return MapQuantized(x, q->scale, q->zero_point, f, op);
}

absl::StatusOr<Tensor> ClampIntegers(const Tensor& x, int64_t least,
                                     int64_t greatest, absl::string_view op) {
  TANDEM_ASSIGN_OR_RETURN(const Quantizer* q, PerTensorOf(x, op));
  return MapIntegers(
      x, q->scale, q->zero_point,
      [&](int64_t v) { return std::min(std::max(v, least), greatest); }, op);
}

absl::StatusOr<Tensor> QuantizedCat(absl::Span<const Tensor> tensors,
                                    int64_t dim, std::optional<double> scale,
                                    std::optional<int64_t> zero_point,
                                    bool relu) {
  if (tensors.empty()) {
    return Invalid("Expected a non-empty list of Tensors");
  }
  TANDEM_ASSIGN_OR_RETURN(const Quantizer* first,
                          PerTensorOf(tensors[0], "cat"));
  const double s = scale.value_or(first->scale);
  const int64_t z = zero_point.value_or(first->zero_point);
  const float inverse = 1.0f / static_cast<float>(s);
  TANDEM_ASSIGN_OR_RETURN(const QuantizedRange range,
                          RangeOf(tensors[0].dtype()));
  std::vector<Tensor> integers;
  for (const Tensor& t : tensors) {
    TANDEM_ASSIGN_OR_RETURN(const Quantizer* q, PerTensorOf(t, "cat"));
    if (t.dtype() != tensors[0].dtype()) {
      return Invalid("All dtypes must be the same.");
    }
    const float in_scale = static_cast<float>(q->scale);
    const bool same = q->scale == s && q->zero_point == z;
    TANDEM_ASSIGN_OR_RETURN(const Tensor mapped,
                            MapIntegers(
                                t, s, z,
                                [&](int64_t v) {
                                  if (!same) {
                                    const float real =
                                        static_cast<float>(v - q->zero_point) *
                                        in_scale;
                                    v = QuantizeValue(real, inverse, z, range);
                                  }
                                  return relu ? std::max(v, z) : v;
                                },
                                "cat"));
    TANDEM_ASSIGN_OR_RETURN(Tensor i, Integers(mapped));
    integers.push_back(std::move(i));
  }
  TANDEM_ASSIGN_OR_RETURN(Tensor joined, reference::Cat(integers, dim));
  joined = joined.Alias();
  joined.impl()->dtype = tensors[0].dtype();
  joined.impl()->quantizer = PerTensorQuantizer(s, z);
  return joined;
}

void AddQuantizedArithmetic(KernelRegistrar& r) {
  AddBinary<false, false>(r);
  AddBinary<false, true>(r);
  AddBinary<true, false>(r);
  AddBinary<true, true>(r);
  r.Add("quantized::cat", &Cat<false>)
      .Add("quantized::cat_relu", &Cat<true>)
      .Add("quantized::cat_out", &CatOut<false>)
      .Add("quantized::cat_relu_out", &CatOut<true>);
}

}  // namespace tandem::reference
