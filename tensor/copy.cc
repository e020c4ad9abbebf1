#include "tandem/tensor/copy.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "absl/strings/str_cat.h"
#include "tandem/tensor/context.h"
#include "tandem/tensor/convert.h"
#include "tandem/tensor/convert_row.h"
#include "tandem/tensor/float8.h"
#include "tandem/tensor/status_macros.h"
#include "tandem/tensor/strided_loop.h"
#include "tandem/tensor/visit.h"

namespace tandem {
namespace {

// PyTorch's words for a source that does not broadcast to dst's sizes.
absl::Status CheckBroadcasts(const Tensor& src, const Tensor& dst) {
  const int64_t rank = std::max(src.dim(), dst.dim());
  bool larger = src.dim() > dst.dim();
  Dims common(rank);
  for (int64_t i = 1; i <= rank; ++i) {
    const int64_t s = i <= src.dim() ? src.size(src.dim() - i) : 1;
    const int64_t d = i <= dst.dim() ? dst.size(dst.dim() - i) : 1;
    if (s != d && s != 1 && d != 1) {
      return absl::InvalidArgumentError(absl::StrCat(
          "The size of tensor a (", d, ") must match the size of tensor b (", s,
          ") at non-singleton dimension ", rank - i));
    }
    if (s != d && s != 1) larger = true;
    common[rank - i] = d == 1 ? s : d;
  }
  if (larger) {
    return absl::InvalidArgumentError(absl::StrCat(
        "output with shape ", DimsToString(dst.sizes()),
        " doesn't match the broadcast shape ", DimsToString(common)));
  }
  return absl::OkStatus();
}

// Two indices of dst on one element (a stride of 0).
bool RepeatsElements(const Tensor& t) {
  for (int64_t d = 0; d < t.dim(); ++d) {
    if (t.stride(d) == 0 && t.size(d) > 1) return true;
  }
  return false;
}

// Bytes [first, last) that a view touches.
std::pair<const char*, const char*> Extent(const Tensor& t) {
  const int64_t size = static_cast<int64_t>(t.element_size());
  int64_t last = 1;
  for (int64_t d = 0; d < t.dim(); ++d) last += (t.size(d) - 1) * t.stride(d);
  return {t.raw_data(), t.raw_data() + last * size};
}

bool Overlaps(const Tensor& a, const Tensor& b) {
  if (a.storage() != b.storage()) return false;
  const auto [a0, a1] = Extent(a);
  const auto [b0, b1] = Extent(b);
  return a0 < b1 && b0 < a1;
}

bool SameGeometry(const Tensor& a, const Tensor& b) {
  return a.sizes() == b.sizes() && a.strides() == b.strides() &&
         a.offset() == b.offset() && a.storage() == b.storage();
}

template <typename T>
void MoveRow(char* const* data, const int64_t* strides, int64_t n) {
  char* dst = data[0];
  const char* src = data[1];
  if (strides[0] == sizeof(T)) {
    if (strides[1] == sizeof(T)) {
      std::memcpy(dst, src, n * sizeof(T));
      return;
    }
    if (strides[1] == 0) {
      std::fill_n(reinterpret_cast<T*>(dst), n,
                  *reinterpret_cast<const T*>(src));
      return;
    }
  }
  for (int64_t i = 0; i < n; ++i, dst += strides[0], src += strides[1]) {
    *reinterpret_cast<T*>(dst) = *reinterpret_cast<const T*>(src);
  }
}

// A transposed matrix in tiles that stay in the cache, both rows and columns.
template <typename T>
void MoveTiles(const StridedLoop& loop, int64_t begin, int64_t end) {
  constexpr int64_t kTile = 64 / sizeof(T) < 8 ? 8 : 64 / sizeof(T);
  const int64_t d0 = loop.stride(0, 0), d1 = loop.stride(1, 0);
  const int64_t s0 = loop.stride(0, 1), s1 = loop.stride(1, 1);
  for (int64_t i1 = begin; i1 < end; i1 += kTile) {
    const int64_t e1 = std::min(end, i1 + kTile);
    for (int64_t i0 = 0; i0 < loop.size(0); i0 += kTile) {
      const int64_t e0 = std::min(loop.size(0), i0 + kTile);
      for (int64_t j1 = i1; j1 < e1; ++j1) {
        char* dst = loop.data(0) + j1 * d1 + i0 * d0;
        const char* src = loop.data(1) + j1 * s1 + i0 * s0;
        for (int64_t j0 = i0; j0 < e0; ++j0, dst += d0, src += s0) {
          *reinterpret_cast<T*>(dst) = *reinterpret_cast<const T*>(src);
        }
      }
    }
  }
}

absl::Status MoveElements(const Tensor& src, const Tensor& dst) {
  if (src.is_contiguous() && dst.is_contiguous() &&
      src.numel() == dst.numel()) {
    const int64_t bytes =
        src.numel() * static_cast<int64_t>(src.element_size());
    const char* from = src.raw_data();
    char* to = dst.raw_data();
    return ParallelFor(bytes, 1 << 20, [&](int64_t begin, int64_t end) {
      std::memcpy(to + begin, from + begin, end - begin);
    });
  }
  const StridedLoop loop(dst.sizes(), {StridedLoop::Operand::Of(dst),
                                       StridedLoop::Operand::Of(src)});
  return VisitBySize(dst.dtype(), [&](auto tag) -> absl::Status {
    using T = typename decltype(tag)::type;
    if (loop.rank() == 2 && loop.stride(1, 1) == sizeof(T) &&
        loop.stride(0, 1) != 0 && loop.size(0) >= 16 && loop.size(1) >= 16) {
      const int64_t grain =
          std::max<int64_t>(16, StridedLoop::kGrain / loop.size(0));
      return ParallelFor(loop.size(1), grain, [&](int64_t begin, int64_t end) {
        MoveTiles<T>(loop, begin, end);
      });
    }
    return loop.RunParallel(&MoveRow<T>);
  });
}

absl::Status ConvertElements(const Tensor& src, const Tensor& dst) {
  TANDEM_ASSIGN_OR_RETURN(const RowConverter convert,
                          RowConverter::Make(src.dtype(), dst.dtype()));
  const StridedLoop loop(dst.sizes(), {StridedLoop::Operand::Of(dst),
                                       StridedLoop::Operand::Of(src)});
  return loop.RunParallel(
      [&](char* const* data, const int64_t* strides, int64_t n) {
        convert(data[1], strides[1], data[0], strides[0], n);
      });
}

// Negates or conjugates what dst's memory holds.
absl::Status ApplyInPlace(const Tensor& dst, bool negate, bool conjugate) {
  const StridedLoop loop(dst.sizes(), {StridedLoop::Operand::Of(dst)});
  return VisitAll(dst.dtype(), "neg", [&](auto tag) -> absl::Status {
    using T = typename decltype(tag)::type;
    if constexpr (std::is_same_v<T, bool>) {
      return absl::OkStatus();
    } else {
      return loop.RunParallel([&](char* const* data, const int64_t* strides,
                                  int64_t n) {
        char* p = data[0];
        for (int64_t i = 0; i < n; ++i, p += strides[0]) {
          T& v = *reinterpret_cast<T*>(p);
          if constexpr (kIsComplex<T> || std::is_same_v<T, ComplexHalf>) {
            std::complex<double> c = ConvertElement<std::complex<double>>(v);
            if (conjugate) c = std::conj(c);
            v = ConvertElement<T>(negate ? -c : c);
          } else if constexpr (std::is_integral_v<T>) {
            if (negate) v = static_cast<T>(0 - static_cast<uint64_t>(v));
          } else if (negate) {
            v = T(-static_cast<Compute<T>>(v));
          }
        }
      });
    }
  });
}

// The integer that stands for a real value.
int64_t QuantizeValue(double value, const Quantizer& q, DType dtype) {
  const int64_t low = dtype == DType::kQInt8    ? -128
                      : dtype == DType::kQUInt8 ? 0
                      : dtype == DType::kQInt32 ? INT32_MIN
                                                : 0;
  const int64_t high = dtype == DType::kQInt8      ? 127
                       : dtype == DType::kQUInt8   ? 255
                       : dtype == DType::kQInt32   ? INT32_MAX
                       : dtype == DType::kQUInt4x2 ? 15
                                                   : 3;
  const int64_t rounded =
      TruncateToInteger<int64_t>(std::nearbyint(value / q.scale));
  return std::min(high, std::max(low, rounded + q.zero_point));
}

// Strides of a dense tensor whose dims lie in the order of `strides`.
Dims DenseStrides(DimSpan sizes, DimSpan strides) {
  const int64_t rank = static_cast<int64_t>(sizes.size());
  Dims order, result(rank);
  for (int64_t d = rank - 1; d >= 0; --d) order.push_back(d);
  // An insertion sort in which equal and zero strides decide nothing.
  for (int64_t i = 1; i < rank; ++i) {
    int64_t moving = i;
    for (int64_t j = i - 1; j >= 0; --j) {
      const int64_t a = order[j], b = order[moving];
      if (strides[a] == 0 || strides[b] == 0) continue;
      if (strides[a] < strides[b]) break;
      if (strides[a] > strides[b] || sizes[a] > sizes[b]) {
        std::swap(order[j], order[moving]);
        moving = j;
      }
    }
  }
  int64_t step = 1;
  for (int64_t d : order) {
    result[d] = step;
    step *= std::max<int64_t>(sizes[d], 1);
  }
  return result;
}

absl::StatusOr<Tensor> NewStrided(const Tensor& src, DimSpan strides,
                                  DType dtype) {
  if (src.is_meta()) return Tensor::Meta(src.sizes(), strides, dtype);
  return Tensor::EmptyStrided(src.sizes(), strides, dtype);
}

absl::Status NotHere(const Tensor& t) {
  return absl::UnimplementedError(
      absl::StrCat("elements of a tensor on ", t.device().ToString(),
                   " cannot be reached from the CPU"));
}

}  // namespace

absl::Status CopyElements(const Tensor& src, const Tensor& dst) {
  if (src.is_sparse() || dst.is_sparse()) {
    return absl::UnimplementedError("copy_() of sparse tensors");
  }
  // Elements of a device are its backend's to move.
  for (const Tensor* t : {&src, &dst}) {
    if (!t->device().is_cpu() && !t->is_meta()) return NotHere(*t);
  }
  if (src.sizes() != dst.sizes()) {
    TANDEM_RETURN_IF_ERROR(CheckBroadcasts(src, dst));
  }
  if (dst.numel() > 0 && RepeatsElements(dst)) {
    return absl::InvalidArgumentError(
        "unsupported operation: more than one element of the written-to tensor "
        "refers to a single memory location. Please clone() the tensor before "
        "performing the operation.");
  }
  if (dst.is_meta() || dst.numel() == 0) return absl::OkStatus();
  if (src.is_meta()) {
    return absl::UnimplementedError("Cannot copy out of meta tensor; no data!");
  }
  const TensorImpl& s = *src.impl();
  const TensorImpl& d = *dst.impl();
  const bool same_bits = s.neg == d.neg && s.conj == d.conj;
  if (src.dtype() == dst.dtype() && same_bits && SameGeometry(src, dst)) {
    return absl::OkStatus();
  }
  TANDEM_RETURN_IF_ERROR(dst.storage()->EnsureWritable());
  if (Overlaps(src, dst)) {
    TANDEM_ASSIGN_OR_RETURN(Tensor apart, CloneContiguous(src, src.dtype()));
    return CopyElements(apart, dst);
  }
  if (src.dtype() == dst.dtype()) {
    if (dst.is_quantized() && src.is_quantized()) {
      dst.impl()->quantizer = s.quantizer;
    }
    TANDEM_RETURN_IF_ERROR(MoveElements(src, dst));
  } else if (dst.is_quantized()) {
    if (src.dtype() != DType::kFloat || d.quantizer->scheme != 0) {
      return absl::UnimplementedError(
          "Quantized copy only works with kFloat as source Tensor");
    }
    TANDEM_ASSIGN_OR_RETURN(Tensor whole, EmptyLike(dst, DType::kInt32));
    const StridedLoop loop(dst.sizes(), {StridedLoop::Operand::Of(whole),
                                         StridedLoop::Operand::Of(src)});
    loop.Run(
        0, loop.numel(),
        [&](char* const* data, const int64_t* strides, int64_t n) {
          for (int64_t i = 0; i < n; ++i) {
            *reinterpret_cast<int32_t*>(data[0] + i * strides[0]) =
                static_cast<int32_t>(QuantizeValue(
                    *reinterpret_cast<const float*>(data[1] + i * strides[1]),
                    *d.quantizer, dst.dtype()));
          }
        });
    Tensor integers = dst.Alias();
    integers.impl()->quantizer = nullptr;
    integers.impl()->dtype = dst.dtype() == DType::kQInt32  ? DType::kInt32
                             : dst.dtype() == DType::kQInt8 ? DType::kInt8
                                                            : DType::kUInt8;
    return ConvertElements(whole, integers);
  } else {
    TANDEM_RETURN_IF_ERROR(ConvertElements(src, dst));
  }
  const bool negate = s.neg != d.neg;
  const bool conjugate = s.conj != d.conj && IsComplex(dst.dtype());
  return negate || conjugate ? ApplyInPlace(dst, negate, conjugate)
                             : absl::OkStatus();
}

absl::Status FillElements(const Tensor& dst, const Scalar& value) {
  if (dst.is_meta() || dst.numel() == 0) return absl::OkStatus();
  if (dst.is_sparse()) {
    return absl::UnimplementedError("fill_() of sparse tensors");
  }
  if (!dst.device().is_cpu()) return NotHere(dst);
  TANDEM_RETURN_IF_ERROR(dst.storage()->EnsureWritable());
  // The element's bytes, then copies of them.
  Scalar v = value;
  if (dst.impl()->neg) v = -v;
  if (dst.impl()->conj && v.is_complex()) v = Scalar(std::conj(v.ToComplex()));
  alignas(16) char element[16] = {};
  const DType dtype = dst.dtype();
  if (dst.is_quantized()) {
    const int64_t q =
        QuantizeValue(v.ToDouble(), *dst.impl()->quantizer, dtype);
    std::memcpy(element, &q, sizeof(q));  // little-endian
  } else if (IsFloat8(dtype)) {
    element[0] = static_cast<char>(
        FloatToFloat8(static_cast<float>(v.ToDouble()), dtype));
  } else {
    TANDEM_RETURN_IF_ERROR(
        VisitAll(dtype, "fill_", [&](auto tag) -> absl::Status {
          using T = typename decltype(tag)::type;
          T t;
          if constexpr (std::is_same_v<T, ComplexHalf>) {
            t = T(v.To<std::complex<float>>());
          } else if constexpr (std::is_integral_v<T> &&
                               !std::is_same_v<T, bool>) {
            t = v.is_integral() ? v.To<T>()
                                : TruncateToInteger<T>(v.ToDouble());
          } else {
            t = v.To<T>();
          }
          std::memcpy(element, &t, sizeof(t));
          return absl::OkStatus();
        }));
  }
  return VisitBySize(dtype, [&](auto tag) -> absl::Status {
    using T = typename decltype(tag)::type;
    T t;
    std::memcpy(&t, element, sizeof(t));
    if (dst.is_contiguous() && dst.numel() <= StridedLoop::kGrain) {
      std::fill_n(dst.data<T>(), dst.numel(), t);
      return absl::OkStatus();
    }
    const StridedLoop loop(dst.sizes(), {StridedLoop::Operand::Of(dst)});
    return loop.RunParallel(
        [&](char* const* data, const int64_t* strides, int64_t n) {
          if (strides[0] == sizeof(T)) {
            std::fill_n(reinterpret_cast<T*>(data[0]), n, t);
            return;
          }
          for (int64_t i = 0; i < n; ++i) {
            *reinterpret_cast<T*>(data[0] + i * strides[0]) = t;
          }
        });
  });
}

absl::StatusOr<Tensor> EmptyLike(const Tensor& src, DType dtype,
                                 MemoryFormat format) {
  Tensor result;
  switch (format) {
    case MemoryFormat::kPreserve:
      if (src.is_contiguous() && !src.is_meta()) {
        // Sizes of 1 keep odd strides.
        if (src.numel() > 0 &&
            DimSpan(ContiguousStrides(src.sizes())) == src.strides()) {
          TANDEM_ASSIGN_OR_RETURN(result, Tensor::Empty(src.sizes(), dtype));
          break;
        }
      }
      if (src.is_non_overlapping_and_dense()) {
        TANDEM_ASSIGN_OR_RETURN(result, NewStrided(src, src.strides(), dtype));
      } else {
        TANDEM_ASSIGN_OR_RETURN(
            result,
            NewStrided(src, DenseStrides(src.sizes(), src.strides()), dtype));
      }
      break;
    case MemoryFormat::kChannelsLast:
    case MemoryFormat::kChannelsLast3d: {
      const bool is_3d = format == MemoryFormat::kChannelsLast3d;
      if (src.dim() != (is_3d ? 5 : 4)) {
        return absl::InvalidArgumentError(
            is_3d ? "required rank 5 tensor to use channels_last_3d format"
                  : "required rank 4 tensor to use channels_last format");
      }
      TANDEM_ASSIGN_OR_RETURN(
          result, NewStrided(src, ChannelsLastStrides(src.sizes()), dtype));
      break;
    }
    default:
      TANDEM_ASSIGN_OR_RETURN(
          result, NewStrided(src, ContiguousStrides(src.sizes()), dtype));
  }
  if (src.dtype() == dtype) result.impl()->quantizer = src.impl()->quantizer;
  return result;
}

absl::StatusOr<Tensor> CloneContiguous(const Tensor& src, DType dtype) {
  TANDEM_ASSIGN_OR_RETURN(Tensor result,
                          EmptyLike(src, dtype, MemoryFormat::kContiguous));
  TANDEM_RETURN_IF_ERROR(CopyElements(src, result));
  return result;
}

absl::StatusOr<Tensor> Clone(const Tensor& src, MemoryFormat format) {
  TANDEM_ASSIGN_OR_RETURN(Tensor result, EmptyLike(src, src.dtype(), format));
  TANDEM_RETURN_IF_ERROR(CopyElements(src, result));
  return result;
}

absl::StatusOr<Tensor> Contiguous(const Tensor& src) {
  return Contiguous(src, src.dtype());
}

absl::StatusOr<Tensor> Contiguous(const Tensor& src, DType dtype) {
  if (src.is_contiguous() && src.dtype() == dtype && !src.impl()->conj &&
      !src.impl()->neg) {
    return src;
  }
  return CloneContiguous(src, dtype);
}

absl::StatusOr<Tensor> ToDType(const Tensor& src, DType dtype) {
  if (src.dtype() == dtype) return src;
  TANDEM_ASSIGN_OR_RETURN(Tensor result, EmptyLike(src, dtype));
  TANDEM_RETURN_IF_ERROR(CopyElements(src, result));
  return result;
}

absl::StatusOr<Tensor> ResolveLazyBits(const Tensor& src) {
  if (!src.impl()->conj && !src.impl()->neg) return src;
  return Clone(src);
}

}  // namespace tandem
