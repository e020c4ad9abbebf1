// Vectors of the widest registers of one instruction set. Included only by the
// files that are compiled once for each set (kernels_*.cc): everything here is
// in an unnamed namespace, so that no code of a wider set leaves its file.
#ifndef TANDEM_BACKENDS_NATIVE_VECTOR_H_
#define TANDEM_BACKENDS_NATIVE_VECTOR_H_

#include <immintrin.h>

#include <cstdint>
#include <type_traits>
#include <utility>

#define TANDEM_INLINE inline __attribute__((always_inline))

namespace tandem::native {
namespace {

#if defined(__AVX512F__)
constexpr int kBytes = 64;
#elif defined(__AVX2__)
constexpr int kBytes = 32;
#else
constexpr int kBytes = 16;
#endif

template <typename T>
struct VecOf {
  typedef T type __attribute__((vector_size(kBytes)));
};
template <typename T>
using Vec = typename VecOf<T>::type;
template <typename T>
constexpr int kLanes = kBytes / sizeof(T);

template <typename V>
using Element = std::remove_cv_t<std::remove_reference_t<decltype(V{}[0])>>;

// Integers of the width of T, which masks are made of.
template <typename T>
using IntOf =
    std::conditional_t<sizeof(T) == 8, int64_t,
                       std::conditional_t<sizeof(T) == 4, int32_t, int8_t>>;
template <typename V>
using IntVec = Vec<IntOf<Element<V>>>;

// As many bytes as a vector of T has lanes: bools beside numbers.
template <typename T>
struct BytesOf {
  typedef int8_t type __attribute__((vector_size(kLanes<T>)));
};
template <typename T>
using Bytes = typename BytesOf<T>::type;

template <typename V>
TANDEM_INLINE V Splat(Element<V> x) {
  using T = Element<V>;
  if constexpr (std::is_same_v<T, float>) {
#if defined(__AVX512F__)
    return (V)_mm512_set1_ps(x);
#elif defined(__AVX2__)
    return (V)_mm256_set1_ps(x);
#else
    return (V)_mm_set1_ps(x);
#endif
  } else if constexpr (std::is_same_v<T, double>) {
#if defined(__AVX512F__)
    return (V)_mm512_set1_pd(x);
#elif defined(__AVX2__)
    return (V)_mm256_set1_pd(x);
#else
    return (V)_mm_set1_pd(x);
#endif
  } else {
    return V{} + x;
  }
}

template <typename T>
TANDEM_INLINE Vec<T> Load(const T* p) {
  Vec<T> v;
  __builtin_memcpy(&v, p, sizeof(v));
  return v;
}
template <typename T>
TANDEM_INLINE void Store(T* p, Vec<T> v) {
  __builtin_memcpy(p, &v, sizeof(v));
}

#if defined(__AVX512F__)
// The first n lanes, 0 <= n <= kLanes; the others are zero.
template <typename T>
TANDEM_INLINE Vec<T> LoadFirst(const T* p, int64_t n) {
  if constexpr (sizeof(T) == 4) {
    const auto m = static_cast<__mmask16>(_bzhi_u32(0xffff, n));
    return (Vec<T>)_mm512_maskz_loadu_epi32(m, p);
  } else if constexpr (sizeof(T) == 8) {
    const auto m = static_cast<__mmask8>(_bzhi_u32(0xff, n));
    return (Vec<T>)_mm512_maskz_loadu_epi64(m, p);
  } else {
    static_assert(sizeof(T) == 1);
    const auto m = static_cast<__mmask64>(_bzhi_u64(~uint64_t{0}, n));
    return (Vec<T>)_mm512_maskz_loadu_epi8(m, p);
  }
}
template <typename T>
TANDEM_INLINE void StoreFirst(T* p, Vec<T> v, int64_t n) {
  if constexpr (sizeof(T) == 4) {
    _mm512_mask_storeu_epi32(p, static_cast<__mmask16>(_bzhi_u32(0xffff, n)),
                             (__m512i)v);
  } else if constexpr (sizeof(T) == 8) {
    _mm512_mask_storeu_epi64(p, static_cast<__mmask8>(_bzhi_u32(0xff, n)),
                             (__m512i)v);
  } else {
    static_assert(sizeof(T) == 1);
    _mm512_mask_storeu_epi8(
        p, static_cast<__mmask64>(_bzhi_u64(~uint64_t{0}, n)), (__m512i)v);
  }
}
#else
template <typename T>
TANDEM_INLINE Vec<T> LoadFirst(const T* p, int64_t n) {
#if defined(__AVX2__)
  if constexpr (sizeof(T) == 4) {
    const __m256i m =
        _mm256_cmpgt_epi32(_mm256_set1_epi32(static_cast<int>(n)),
                           _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
    return (Vec<T>)_mm256_maskload_epi32(reinterpret_cast<const int*>(p), m);
  } else if constexpr (sizeof(T) == 8) {
    const __m256i m = _mm256_cmpgt_epi64(_mm256_set1_epi64x(n),
                                         _mm256_setr_epi64x(0, 1, 2, 3));
    return (Vec<T>)_mm256_maskload_epi64(reinterpret_cast<const long long*>(p),
                                         m);  // NOLINT
  }
#endif
  Vec<T> v{};
  T lanes[kLanes<T>] = {};
  for (int64_t i = 0; i < n; ++i) lanes[i] = p[i];
  __builtin_memcpy(&v, lanes, sizeof(v));
  return v;
}
template <typename T>
TANDEM_INLINE void StoreFirst(T* p, Vec<T> v, int64_t n) {
#if defined(__AVX2__)
  if constexpr (sizeof(T) == 4) {
    const __m256i m =
        _mm256_cmpgt_epi32(_mm256_set1_epi32(static_cast<int>(n)),
                           _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
    _mm256_maskstore_epi32(reinterpret_cast<int*>(p), m, (__m256i)v);
    return;
  } else if constexpr (sizeof(T) == 8) {
    const __m256i m = _mm256_cmpgt_epi64(_mm256_set1_epi64x(n),
                                         _mm256_setr_epi64x(0, 1, 2, 3));
    _mm256_maskstore_epi64(reinterpret_cast<long long*>(p), m,  // NOLINT
                           (__m256i)v);
    return;
  }
#endif
  T lanes[kLanes<T>];
  __builtin_memcpy(lanes, &v, sizeof(v));
  for (int64_t i = 0; i < n; ++i) p[i] = lanes[i];
}
#endif

// Bytes of bools beside vectors of T: a mask of all ones where not zero.
template <typename T>
TANDEM_INLINE Vec<IntOf<T>> MaskOfBytes(Bytes<T> b) {
  return __builtin_convertvector(b, Vec<IntOf<T>>) != 0;
}
template <typename T>
TANDEM_INLINE Bytes<T> LoadBytes(const uint8_t* p, int64_t n) {
  Bytes<T> b{};
  if (n >= kLanes<T>) {
    __builtin_memcpy(&b, p, sizeof(b));
  } else {
    uint8_t lanes[kLanes<T>] = {};
    for (int64_t i = 0; i < n; ++i) lanes[i] = p[i];
    __builtin_memcpy(&b, lanes, sizeof(b));
  }
  return b;
}
// 0 or 1 for each lane of a mask.
template <typename T>
TANDEM_INLINE void StoreMask(uint8_t* p, Vec<IntOf<T>> mask, int64_t n) {
  const Bytes<T> b =
      __builtin_convertvector(mask, Bytes<T>) & static_cast<int8_t>(1);
  if (n >= kLanes<T>) {
    __builtin_memcpy(p, &b, sizeof(b));
  } else {
#if defined(__AVX512F__)
    if constexpr (sizeof(b) == 16) {
      _mm_mask_storeu_epi8(p, static_cast<__mmask16>(_bzhi_u32(0xffff, n)),
                           (__m128i)b);
      return;
    }
#endif
    uint8_t lanes[kLanes<T>];
    __builtin_memcpy(lanes, &b, sizeof(b));
    for (int64_t i = 0; i < n; ++i) p[i] = lanes[i];
  }
}

template <typename V>
TANDEM_INLINE V Select(IntVec<V> mask, V a, V b) {
  return mask ? a : b;
}

TANDEM_INLINE Vec<float> Sqrt(Vec<float> x) {
#if defined(__AVX512F__)
  return (Vec<float>)_mm512_maskz_sqrt_ps(0xffff, (__m512)x);
#elif defined(__AVX2__)
  return (Vec<float>)_mm256_sqrt_ps((__m256)x);
#else
  return (Vec<float>)_mm_sqrt_ps((__m128)x);
#endif
}
TANDEM_INLINE Vec<double> Sqrt(Vec<double> x) {
#if defined(__AVX512F__)
  return (Vec<double>)_mm512_maskz_sqrt_pd(0xff, (__m512d)x);
#elif defined(__AVX2__)
  return (Vec<double>)_mm256_sqrt_pd((__m256d)x);
#else
  return (Vec<double>)_mm_sqrt_pd((__m128d)x);
#endif
}

// Each lane i gets lane i ^ kWidth.
template <int kWidth, typename V, size_t... I>
TANDEM_INLINE V SwapLanes(V v, std::index_sequence<I...>) {
  return __builtin_shufflevector(v, v, (static_cast<int>(I) ^ kWidth)...);
}
// The lanes put together pairwise by a function of two vectors.
template <int kWidth, typename V, typename F>
TANDEM_INLINE V FoldFrom(V v, F combine) {
  if constexpr (kWidth == 0) {
    return v;
  } else {
    constexpr size_t kCount = sizeof(V) / sizeof(Element<V>);
    return FoldFrom<kWidth / 2>(
        combine(v, SwapLanes<kWidth>(v, std::make_index_sequence<kCount>())),
        combine);
  }
}
template <typename V, typename F>
TANDEM_INLINE Element<V> Fold(V v, F combine) {
  return FoldFrom<static_cast<int>(sizeof(V) / sizeof(Element<V>)) / 2>(
      v, combine)[0];
}
template <typename V>
TANDEM_INLINE Element<V> SumOfLanes(V v) {
  return Fold(v, [](V a, V b) { return a + b; });
}

}  // namespace
}  // namespace tandem::native

#endif  // TANDEM_BACKENDS_NATIVE_VECTOR_H_
