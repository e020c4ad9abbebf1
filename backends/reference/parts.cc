#include "tandem/backends/reference/parts.h"

#include <cmath>
#include <limits>

#include "tandem/ir/operators/conv_shapes.h"
#include "tandem/ir/operators/promotion.h"
#include "tandem/tensor/context.h"
#include "tandem/tensor/copy.h"
#include "tandem/tensor/generator.h"
#include "tandem/tensor/status_macros.h"
#include "tandem/tensor/visit.h"

namespace tandem::reference {

absl::string_view CppTypeName(DType dtype) {
  switch (dtype) {
    case DType::kUInt8:
      return "unsigned char";
    case DType::kInt8:
      return "signed char";
    case DType::kInt16:
      return "short int";
    case DType::kInt32:
      return "int";
    case DType::kInt64:
      return "long int";
    case DType::kUInt16:
      return "short unsigned int";
    case DType::kUInt32:
      return "unsigned int";
    case DType::kUInt64:
      return "long unsigned int";
    case DType::kFloat:
      return "float";
    case DType::kDouble:
      return "double";
    case DType::kBool:
      return "bool";
    case DType::kHalf:
      return "c10::Half";
    case DType::kBFloat16:
      return "c10::BFloat16";
    case DType::kComplexHalf:
      return "c10::complex<c10::Half>";
    case DType::kComplexFloat:
      return "c10::complex<float>";
    case DType::kComplexDouble:
      return "c10::complex<double>";
    case DType::kQInt8:
      return "c10::qint8";
    case DType::kQUInt8:
      return "c10::quint8";
    case DType::kQInt32:
      return "c10::qint32";
    default:
      return TypeName(dtype);
  }
}

Tensor PermuteView(const Tensor& t, DimSpan order) {
  Dims sizes, strides;
  for (int64_t d : order) {
    sizes.push_back(t.size(d));
    strides.push_back(t.stride(d));
  }
  return t.ViewUnchecked(sizes, strides, t.offset());
}

Tensor TransposeView(const Tensor& t, int64_t d0, int64_t d1) {
  Dims sizes(t.sizes().begin(), t.sizes().end());
  Dims strides(t.strides().begin(), t.strides().end());
  std::swap(sizes[d0], sizes[d1]);
  std::swap(strides[d0], strides[d1]);
  return t.ViewUnchecked(sizes, strides, t.offset());
}

Tensor UnsqueezeView(const Tensor& t, int64_t dim) {
  Dims sizes(t.sizes().begin(), t.sizes().end());
  Dims strides(t.strides().begin(), t.strides().end());
  const int64_t stride = dim < t.dim() ? t.size(dim) * t.stride(dim) : 1;
  sizes.insert(sizes.begin() + dim, 1);
  strides.insert(strides.begin() + dim, stride);
  return t.ViewUnchecked(sizes, strides, t.offset());
}

Tensor SelectView(const Tensor& t, int64_t dim, int64_t index) {
  Dims sizes(t.sizes().begin(), t.sizes().end());
  Dims strides(t.strides().begin(), t.strides().end());
  const int64_t offset = t.offset() + index * strides[dim];
  sizes.erase(sizes.begin() + dim);
  strides.erase(strides.begin() + dim);
  return t.ViewUnchecked(sizes, strides, offset);
}

Tensor NarrowView(const Tensor& t, int64_t dim, int64_t start, int64_t length) {
  Dims sizes(t.sizes().begin(), t.sizes().end());
  sizes[dim] = length;
  return t.ViewUnchecked(sizes, t.strides(),
                         t.offset() + start * t.stride(dim));
}

absl::StatusOr<Tensor> ReshapeTo(const Tensor& t, DimSpan sizes) {
  TANDEM_ASSIGN_OR_RETURN(const Tensor flat, Contiguous(t));
  return flat.ViewUnchecked(sizes, ContiguousStrides(sizes), flat.offset());
}

absl::StatusOr<Tensor> Multiply(const Tensor& a, const Tensor& b) {
  TANDEM_ASSIGN_OR_RETURN(const DType dtype, ResultType().Add(a).Add(b).Get());
  TANDEM_ASSIGN_OR_RETURN(const Dims sizes,
                          BroadcastSizes(a.sizes(), b.sizes()));
  TANDEM_ASSIGN_OR_RETURN(Tensor x, ExpandTo(a, sizes));
  TANDEM_ASSIGN_OR_RETURN(Tensor y, ExpandTo(b, sizes));
  TANDEM_ASSIGN_OR_RETURN(x, Contiguous(x, dtype));
  TANDEM_ASSIGN_OR_RETURN(y, Contiguous(y, dtype));
  TANDEM_ASSIGN_OR_RETURN(Tensor result, Tensor::Empty(sizes, dtype));
  TANDEM_RETURN_IF_ERROR(
      VisitAll(dtype, "mul_cpu", [&](auto tag) -> absl::Status {
        using T = typename decltype(tag)::type;
        const T *p = x.data<T>(), *q = y.data<T>();
        T* out = result.data<T>();
        for (int64_t i = 0, n = result.numel(); i < n; ++i) {
          if constexpr (std::is_same_v<T, bool>) {
            out[i] = p[i] && q[i];
          } else if constexpr (std::is_integral_v<T>) {
            out[i] = static_cast<T>(static_cast<uint64_t>(p[i]) *
                                    static_cast<uint64_t>(q[i]));
          } else if constexpr (std::is_same_v<T, ComplexHalf>) {
            out[i] = static_cast<std::complex<float>>(p[i]) *
                     static_cast<std::complex<float>>(q[i]);
          } else {
            out[i] = p[i] * q[i];
          }
        }
        return absl::OkStatus();
      }));
  return result;
}

absl::StatusOr<Tensor> SumKeepDims(const Tensor& t,
                                   const absl::InlinedVector<bool, 8>& over) {
  // Summed dims last: each result is the sum of a row.
  Dims order, sizes;
  for (int64_t d = 0; d < t.dim(); ++d) {
    if (!over[d]) order.push_back(d);
    sizes.push_back(over[d] ? 1 : t.size(d));
  }
  int64_t row = 1;
  for (int64_t d = 0; d < t.dim(); ++d) {
    if (over[d]) {
      order.push_back(d);
      row *= t.size(d);
    }
  }
  const DType dtype = t.dtype() == DType::kBool ? DType::kInt64 : t.dtype();
  TANDEM_ASSIGN_OR_RETURN(const Tensor x,
                          Contiguous(PermuteView(t, order), dtype));
  TANDEM_ASSIGN_OR_RETURN(const Tensor result, Tensor::Empty(sizes, dtype));
  TANDEM_RETURN_IF_ERROR(
      VisitNumeric(dtype, "sum_cpu", [&](auto tag) -> absl::Status {
        using T = typename decltype(tag)::type;
        const T* p = x.data<T>();
        T* out = result.data<T>();
        for (int64_t i = 0, n = result.numel(); i < n; ++i, p += row) {
          if constexpr (std::is_integral_v<T>) {
            uint64_t sum = 0;
            for (int64_t j = 0; j < row; ++j)
              sum += static_cast<uint64_t>(p[j]);
            out[i] = static_cast<T>(sum);
          } else {
            Compute<T> sum(0);
            for (int64_t j = 0; j < row; ++j)
              sum += static_cast<Compute<T>>(p[j]);
            out[i] = T(sum);
          }
        }
        return absl::OkStatus();
      }));
  return result;
}

namespace {

template <typename T>
bool Fits(const Scalar& v) {
  if constexpr (std::is_same_v<T, bool>) {
    return true;
  } else if constexpr (std::is_integral_v<T>) {
    const double d = v.ToDouble();
    if (v.is_integral()) {
      if constexpr (sizeof(T) == 8) return true;
      const int64_t i = v.ToInt();
      // Unsigned targets take the negatives that wrap into them.
      const int64_t low =
          std::is_signed_v<T>
              ? static_cast<int64_t>(std::numeric_limits<T>::min())
              : -static_cast<int64_t>(std::numeric_limits<T>::max());
      return i >= low &&
             i <= static_cast<int64_t>(std::numeric_limits<T>::max());
    }
    return d >= static_cast<double>(std::numeric_limits<T>::lowest()) &&
           d <= static_cast<double>(std::numeric_limits<T>::max());
  } else {
    double max = std::numeric_limits<double>::max();
    if constexpr (std::is_same_v<T, float> ||
                  std::is_same_v<T, std::complex<float>>) {
      max = std::numeric_limits<float>::max();
    } else if constexpr (std::is_same_v<T, Half>) {
      max = 65504;
    } else if constexpr (std::is_same_v<T, BFloat16>) {
      max = 3.3895313892515355e38;
    }
    const double d = std::abs(v.ToDouble());
    return !(d > max) || std::isinf(d);
  }
}

}  // namespace

absl::Status CheckFits(const Scalar& value, DType dtype) {
  return VisitAll(dtype, "scalar", [&](auto tag) -> absl::Status {
    using T = typename decltype(tag)::type;
    bool fits = Fits<T>(value);
    if (value.is_complex() && !IsComplex(dtype) &&
        value.ToComplex().imag() != 0) {
      fits = false;
    }
    if (fits) return absl::OkStatus();
    absl::string_view name = CppTypeName(dtype);
    if (dtype == DType::kUInt8) name = "uint8_t";
    if (dtype == DType::kInt8) name = "int8_t";
    if (dtype == DType::kInt16) name = "int16_t";
    if (dtype == DType::kInt64) name = "int64_t";
    return Invalid("value cannot be converted to type ", name,
                   " without overflow");
  });
}

absl::StatusOr<Tensor> Reduce(const Tensor& losses, int64_t reduction) {
  if (reduction == 0) return losses;
  TANDEM_ASSIGN_OR_RETURN(const Tensor x, Contiguous(losses));
  TANDEM_ASSIGN_OR_RETURN(const Tensor result, Tensor::Empty({}, x.dtype()));
  TANDEM_RETURN_IF_ERROR(
      VisitFloatingAndComplex(x.dtype(), "mean", [&](auto tag) -> absl::Status {
        using T = typename decltype(tag)::type;
        const T* p = x.data<T>();
        const int64_t n = x.numel();
        // Sums of blocks keep the error small.
        using S = Compute<T>;
        S total(0);
        for (int64_t i = 0; i < n;) {
          S block(0);
          for (const int64_t end = std::min(n, i + 256); i < end; ++i) {
            block += static_cast<S>(p[i]);
          }
          total += block;
        }
        if (reduction == 1) {
          if constexpr (kIsComplex<T>) {
            total /= static_cast<typename T::value_type>(n);
          } else {
            total /= static_cast<S>(n);
          }
        }
        *result.data<T>() = T(total);
        return absl::OkStatus();
      }));
  return result;
}

absl::StatusOr<Tensor> Dropout(const Tensor& t, double p, bool train) {
  if (!(p >= 0 && p <= 1)) {
    return Invalid("dropout probability has to be between 0 and 1, but got ",
                   p);
  }
  if (p == 0 || !train || t.numel() == 0) return t;
  TANDEM_ASSIGN_OR_RETURN(const Tensor out, CloneContiguous(t, t.dtype()));
  TANDEM_RETURN_IF_ERROR(VisitFloatingAndComplex(
      t.dtype(), "dropout", [&](auto tag) -> absl::Status {
        using T = typename decltype(tag)::type;
        using C = Compute<T>;
        T* o = out.data<T>();
        if (p == 1) {
          for (int64_t i = 0; i < out.numel(); ++i) {
            o[i] = T(static_cast<C>(o[i]) * C(0));
          }
          return absl::OkStatus();
        }
        Generator& generator = CurrentGenerator();
        C scale;
        if constexpr (std::is_same_v<T, double>) {
          scale = 1 / (1 - p);
        } else if constexpr (std::is_same_v<T, std::complex<double>>) {
          scale = C(1 / (1 - p));
        } else {
          scale = static_cast<C>(T(static_cast<float>(1 / (1 - p))));
        }
        for (int64_t i = 0; i < out.numel(); ++i) {
          const bool keep = generator.UniformDouble() < 1 - p;
          o[i] = T(static_cast<C>(o[i]) * (keep ? scale : C(0)));
        }
        return absl::OkStatus();
      }));
  return out;
}

absl::StatusOr<Tensor> MatchLayout(const Tensor& computed,
                                   const Tensor& input) {
  if (!LooksChannelsLast(input.sizes(), input.strides())) {
    return ToDType(computed, input.dtype());
  }
  TANDEM_ASSIGN_OR_RETURN(
      const Tensor result,
      Tensor::EmptyStrided(computed.sizes(),
                           ChannelsLastStrides(computed.sizes()),
                           input.dtype()));
  TANDEM_RETURN_IF_ERROR(CopyElements(computed, result));
  return result;
}

absl::Status CheckMixedDTypes(const Tensor& input,
                              absl::Span<const Tensor> parameters,
                              bool* mixed) {
  *mixed = false;
  bool first = true;
  for (const Tensor& p : parameters) {
    if (!p.defined()) continue;
    if (first) *mixed = p.dtype() != input.dtype();
    first = false;
    if (!*mixed && p.dtype() != input.dtype()) {
      return Invalid("expected scalar type ", TypeName(input.dtype()),
                     " but found ", TypeName(p.dtype()));
    }
    if (*mixed && input.dtype() == DType::kDouble) {
      return Invalid("mixed dtype (CPU): all inputs must share same datatype.");
    }
    if (*mixed && p.dtype() != DType::kFloat) {
      return Invalid(
          "mixed dtype (CPU): expect parameter to have scalar type of Float");
    }
  }
  return absl::OkStatus();
}

}  // namespace tandem::reference
