#include "tandem/tensor/convert_row.h"

#include <algorithm>
#include <complex>

#include "absl/strings/str_cat.h"
#include "tandem/tensor/convert.h"
#include "tandem/tensor/float8.h"

#if defined(__x86_64__) && defined(__GNUC__)
#define TANDEM_VECTOR_ROWS
#include <immintrin.h>
#endif

namespace tandem {
namespace {

constexpr int64_t kBlock = 256;

// Rows of 16-bit floats to floats and back: bit for bit the conversions of
// half.h, by vector instructions where the processor has them.
#ifdef TANDEM_VECTOR_ROWS

// Every processor with AVX2 has F16C, of which Clang 14 cannot ask.
bool HasVectors() { return __builtin_cpu_supports("avx2"); }

#define TANDEM_VECTORS __attribute__((target("avx2,f16c")))

// Each gives the number of elements that it has done.
TANDEM_VECTORS int64_t Vectors(const Half* from, float* to, int64_t n) {
  int64_t i = 0;
  for (; i + 8 <= n; i += 8) {
    const __m128i h =
        _mm_loadu_si128(reinterpret_cast<const __m128i*>(from + i));
    _mm256_storeu_ps(to + i, _mm256_cvtph_ps(h));
  }
  return i;
}
TANDEM_VECTORS int64_t Vectors(const float* from, Half* to, int64_t n) {
  int64_t i = 0;
  for (; i + 8 <= n; i += 8) {
    const __m128i h =
        _mm256_cvtps_ph(_mm256_loadu_ps(from + i), _MM_FROUND_TO_NEAREST_INT);
    _mm_storeu_si128(reinterpret_cast<__m128i*>(to + i), h);
  }
  return i;
}
TANDEM_VECTORS int64_t Vectors(const BFloat16* from, float* to, int64_t n) {
  int64_t i = 0;
  for (; i + 8 <= n; i += 8) {
    const __m256i wide = _mm256_cvtepu16_epi32(
        _mm_loadu_si128(reinterpret_cast<const __m128i*>(from + i)));
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(to + i),
                        _mm256_slli_epi32(wide, 16));
  }
  return i;
}
// The upper half of each lane, rounded to nearest even.
TANDEM_VECTORS inline __m256i RoundToUpper(__m256 x) {
  const __m256i u = _mm256_castps_si256(x);
  const __m256i odd =
      _mm256_and_si256(_mm256_srli_epi32(u, 16), _mm256_set1_epi32(1));
  const __m256i rounded = _mm256_srli_epi32(
      _mm256_add_epi32(u, _mm256_add_epi32(odd, _mm256_set1_epi32(0x7fff))),
      16);
  const __m256i nan = _mm256_castps_si256(_mm256_cmp_ps(x, x, _CMP_UNORD_Q));
  return _mm256_blendv_epi8(rounded, _mm256_set1_epi32(0x7fc0), nan);
}
TANDEM_VECTORS int64_t Vectors(const float* from, BFloat16* to, int64_t n) {
  int64_t i = 0;
  for (; i + 16 <= n; i += 16) {
    const __m256i low = RoundToUpper(_mm256_loadu_ps(from + i));
    const __m256i high = RoundToUpper(_mm256_loadu_ps(from + i + 8));
    // Packing works within halves of registers.
    const __m256i both =
        _mm256_permute4x64_epi64(_mm256_packus_epi32(low, high), 0xd8);
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(to + i), both);
  }
  return i;
}

#endif

template <typename From, typename To>
void ConvertShortFloats(const From* from, To* to, int64_t n) {
  int64_t done = 0;
#ifdef TANDEM_VECTOR_ROWS
  if (HasVectors()) done = Vectors(from, to, n);
#endif
  for (int64_t i = done; i < n; ++i) to[i] = To(static_cast<float>(from[i]));
}

template <typename T>
constexpr bool kIsShortFloat =
    std::is_same_v<T, Half> || std::is_same_v<T, BFloat16>;

template <typename From, typename To>
void ConvertRow(const char* src, int64_t src_stride, char* dst,
                int64_t dst_stride, int64_t n) {
  if (src_stride == sizeof(From) && dst_stride == sizeof(To)) {
    const From* s = reinterpret_cast<const From*>(src);
    To* d = reinterpret_cast<To*>(dst);
    if constexpr ((kIsShortFloat<From> && std::is_same_v<To, float>) ||
                  (kIsShortFloat<To> && std::is_same_v<From, float>)) {
      ConvertShortFloats(s, d, n);
    } else {
      for (int64_t i = 0; i < n; ++i) d[i] = ConvertElement<To>(s[i]);
    }
    return;
  }
  for (int64_t i = 0; i < n; ++i, src += src_stride, dst += dst_stride) {
    *reinterpret_cast<To*>(dst) =
        ConvertElement<To>(*reinterpret_cast<const From*>(src));
  }
}

template <typename T, typename Wide>
void Load(const char* src, int64_t stride, char* dst, int64_t, int64_t n,
          DType) {
  ConvertRow<T, Wide>(src, stride, dst, sizeof(Wide), n);
}

template <typename Wide, typename T>
void Store(const char* src, int64_t, char* dst, int64_t stride, int64_t n,
           DType) {
  ConvertRow<Wide, T>(src, sizeof(Wide), dst, stride, n);
}

void LoadFloat8(const char* src, int64_t stride, char* dst, int64_t, int64_t n,
                DType dtype) {
  double* d = reinterpret_cast<double*>(dst);
  for (int64_t i = 0; i < n; ++i, src += stride) {
    d[i] = Float8ToFloat(static_cast<uint8_t>(*src), dtype);
  }
}

template <typename Wide>
void StoreFloat8(const char* src, int64_t, char* dst, int64_t stride, int64_t n,
                 DType dtype) {
  const Wide* s = reinterpret_cast<const Wide*>(src);
  for (int64_t i = 0; i < n; ++i, dst += stride) {
    *dst = static_cast<char>(FloatToFloat8(ConvertElement<float>(s[i]), dtype));
  }
}

// The wide type that holds every value of T.
template <typename T, typename = void>
struct WideOf {
  using type = double;
};
template <typename T>
struct WideOf<T, std::enable_if_t<std::is_integral_v<T>>> {
  using type = int64_t;
};
template <>
struct WideOf<uint64_t> {
  using type = uint64_t;
};
template <typename T>
struct WideOf<std::complex<T>> {
  using type = std::complex<double>;
};
template <>
struct WideOf<ComplexHalf> {
  using type = std::complex<double>;
};

enum class Wide { kInt, kUnsigned, kDouble, kComplex };

Wide WideOfDType(DType dtype) {
  if (dtype == DType::kUInt64) return Wide::kUnsigned;
  if (IsComplex(dtype)) return Wide::kComplex;
  return IsFloatingPoint(dtype) ? Wide::kDouble : Wide::kInt;
}

}  // namespace

absl::StatusOr<RowConverter> RowConverter::Make(DType from, DType to) {
  RowConverter c;
  c.from_ = from;
  c.to_ = to;
  // From the common dtypes to any, and from any to them, in one step.
  const auto to_any = [&](auto tag) -> absl::Status {
    using T = typename decltype(tag)::type;
    c.direct_ =
        from == DType::kFloat ? &ConvertRow<float, T> : &ConvertRow<int64_t, T>;
    return absl::OkStatus();
  };
  const auto from_any = [&](auto tag) -> absl::Status {
    using T = typename decltype(tag)::type;
    c.direct_ =
        to == DType::kFloat ? &ConvertRow<T, float> : &ConvertRow<T, int64_t>;
    return absl::OkStatus();
  };
  const bool from_common = from == DType::kFloat || from == DType::kInt64;
  const bool to_common = to == DType::kFloat || to == DType::kInt64;
  if (from_common && !IsFloat8(to) && VisitAll(to, "copy_", to_any).ok()) {
    return c;
  }
  if (to_common && !from_common && !IsFloat8(from) &&
      VisitAll(from, "copy_", from_any).ok()) {
    return c;
  }
  if (IsFloat8(from)) {
    c.load_ = &LoadFloat8;
  } else {
    absl::Status s = VisitAll(from, "copy_", [&](auto tag) -> absl::Status {
      using T = typename decltype(tag)::type;
      c.load_ = &Load<T, typename WideOf<T>::type>;
      return absl::OkStatus();
    });
    if (!s.ok()) return s;
  }
  const auto store = [&](auto wide) -> absl::Status {
    using W = typename decltype(wide)::type;
    if (IsFloat8(to)) {
      c.store_ = &StoreFloat8<W>;
      return absl::OkStatus();
    }
    return VisitAll(to, "copy_", [&](auto tag) -> absl::Status {
      c.store_ = &Store<W, typename decltype(tag)::type>;
      return absl::OkStatus();
    });
  };
  absl::Status s;
  switch (WideOfDType(from)) {
    case Wide::kInt:
      s = store(TypeTag<int64_t>{});
      break;
    case Wide::kUnsigned:
      s = store(TypeTag<uint64_t>{});
      break;
    case Wide::kDouble:
      s = store(TypeTag<double>{});
      break;
    case Wide::kComplex:
      s = store(TypeTag<std::complex<double>>{});
      break;
  }
  if (!s.ok()) return s;
  return c;
}

void RowConverter::operator()(const char* src, int64_t src_stride, char* dst,
                              int64_t dst_stride, int64_t n) const {
  if (direct_ != nullptr) {
    direct_(src, src_stride, dst, dst_stride, n);
    return;
  }
  alignas(64) char block[kBlock * sizeof(std::complex<double>)];
  for (int64_t i = 0; i < n; i += kBlock) {
    const int64_t m = std::min(kBlock, n - i);
    load_(src + i * src_stride, src_stride, block, 0, m, from_);
    store_(block, 0, dst + i * dst_stride, dst_stride, m, to_);
  }
}

}  // namespace tandem
