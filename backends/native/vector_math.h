// Elementary functions over vectors of float and double. Errors are within 2
// units in the last place of the exact value over the whole range (vector_math
// cases of native_test.cc measure them); NaN, infinities, zeros and subnormals
// as C's functions.
#ifndef TANDEM_BACKENDS_NATIVE_VECTOR_MATH_H_
#define TANDEM_BACKENDS_NATIVE_VECTOR_MATH_H_

#include "tandem/backends/native/vector.h"

namespace tandem::native {
namespace {

template <typename T>
struct Format;
template <>
struct Format<float> {
  static constexpr int kMantissa = 23;
  static constexpr int32_t kBias = 127;
  // x + kRound - kRound rounds to an integer, half to even.
  static constexpr float kRound = 0x1.8p23f;
  static constexpr float kLn2High = 0x1.62e4p-1f;
  static constexpr float kLn2Low = 0x1.7f7d1cf79abcap-20f;
  static constexpr float kExpMax = 89.0f, kExpMin = -104.0f;
  static constexpr float kLeastNormal = 0x1p-126f;
};
template <>
struct Format<double> {
  static constexpr int kMantissa = 52;
  static constexpr int64_t kBias = 1023;
  static constexpr double kRound = 0x1.8p52;
  static constexpr double kLn2High = 0x1.62e42feep-1;
  static constexpr double kLn2Low = 0x1.a39ef35793c76p-33;
  static constexpr double kExpMax = 710.0, kExpMin = -746.0;
  static constexpr double kLeastNormal = 0x1p-1022;
};
template <typename V>
using FormatOf = Format<Element<V>>;

template <typename V>
TANDEM_INLINE V Constant(double x) {
  return Splat<V>(static_cast<Element<V>>(x));
}

template <typename V>
TANDEM_INLINE V Abs(V x) {
  using T = Element<V>;
  if constexpr (std::is_floating_point_v<T>) {
    using I = IntOf<T>;
    return (V)((IntVec<V>)x & ~((IntVec<V>){} + (I(1) << (sizeof(T) * 8 - 1))));
  } else {
    return Select<V>(x < 0, -x, x);
  }
}
// The magnitude of x with the sign of s.
template <typename V>
TANDEM_INLINE V CopySign(V x, V s) {
  using I = IntOf<Element<V>>;
  const IntVec<V> sign = (IntVec<V>){} + (I(1) << (sizeof(Element<V>) * 8 - 1));
  return (V)(((IntVec<V>)x & ~sign) | ((IntVec<V>)s & sign));
}

// NaN in either gives NaN.
template <typename V>
TANDEM_INLINE V Max(V x, V y) {
  return Select<V>((x > y) | (x != x), x, y);
}
template <typename V>
TANDEM_INLINE V Min(V x, V y) {
  return Select<V>((x < y) | (x != x), x, y);
}

// c[0] + c[1] x + …, in Horner's order.
template <typename V, int kCount>
TANDEM_INLINE V Polynomial(V x, const double (&c)[kCount]) {
  V r = Constant<V>(c[kCount - 1]);
  for (int i = kCount - 2; i >= 0; --i) r = r * x + Constant<V>(c[i]);
  return r;
}

// 2^n of whole lanes n, in the normal range.
template <typename V>
TANDEM_INLINE V PowerOfTwo(IntVec<V> n) {
  return (V)((n + FormatOf<V>::kBias) << FormatOf<V>::kMantissa);
}

#if defined(__AVX512F__)
// The forms without a mask begin with an undefined register, of which GCC
// warns.
constexpr __mmask16 kEvery16 = 0xffff;
constexpr __mmask8 kEvery8 = 0xff;
#endif

// x * 2^n for the whole number n in both forms, rounded once where the result
// is subnormal.
template <typename V>
TANDEM_INLINE V Scale(V x, V n, IntVec<V> whole) {
#if defined(__AVX512F__)
  if constexpr (sizeof(Element<V>) == 4) {
    return (V)_mm512_maskz_scalef_ps(kEvery16, (__m512)x, (__m512)n);
  } else {
    return (V)_mm512_maskz_scalef_pd(kEvery8, (__m512d)x, (__m512d)n);
  }
#else
  // In two steps: 2^n itself may be no normal number.
  const IntVec<V> half = whole >> 1;
  return x * PowerOfTwo<V>(half) * PowerOfTwo<V>(whole - half);
#endif
}

// Within [low, high]; NaN stays.
template <typename V>
TANDEM_INLINE V Within(V x, Element<V> low, Element<V> high) {
#if defined(__AVX512F__)
  if constexpr (sizeof(Element<V>) == 4) {
    return (V)_mm512_maskz_max_ps(
        kEvery16, _mm512_set1_ps(low),
        _mm512_maskz_min_ps(kEvery16, _mm512_set1_ps(high), (__m512)x));
  } else {
    return (V)_mm512_maskz_max_pd(
        kEvery8, _mm512_set1_pd(low),
        _mm512_maskz_min_pd(kEvery8, _mm512_set1_pd(high), (__m512d)x));
  }
#else
  x = Select<V>(x > high, Splat<V>(high), x);
  return Select<V>(x < low, Splat<V>(low), x);
#endif
}

// x = n ln 2 + r, |r| <= ln 2 / 2; expm1(r) in *m.
template <typename V>
TANDEM_INLINE IntVec<V> ReduceExp(V x, V* m, V* whole = nullptr) {
  using F = FormatOf<V>;
  const V round = Splat<V>(F::kRound);
  const V t = x * Constant<V>(1.4426950408889634074) + round;
  const V n = t - round;
  if (whole != nullptr) *whole = n;
  V r = x - n * F::kLn2High;
  r = r - n * F::kLn2Low;
  // (e^r - 1 - r) / r^2
  V q;
  if constexpr (sizeof(Element<V>) == 4) {
    q = Polynomial<V>(
        r, {1.0 / 2, 1.0 / 6, 1.0 / 24, 1.0 / 120, 1.0 / 720, 1.0 / 5040});
  } else {
    q = Polynomial<V>(r, {1.0 / 2, 1.0 / 6, 1.0 / 24, 1.0 / 120, 1.0 / 720,
                          1.0 / 5040, 1.0 / 40320, 1.0 / 362880, 1.0 / 3628800,
                          1.0 / 39916800, 1.0 / 479001600, 1.0 / 6227020800.0});
  }
  *m = r + r * r * q;
  return (IntVec<V>)t - (IntVec<V>)round;
}

template <typename V>
TANDEM_INLINE V Exp(V x) {
  using F = FormatOf<V>;
  V m, n;
  const IntVec<V> whole =
      ReduceExp(Within<V>(x, F::kExpMin, F::kExpMax), &m, &n);
  return Scale<V>(m + Element<V>(1), n, whole);
}

template <typename V>
TANDEM_INLINE V Expm1(V x) {
  using F = FormatOf<V>;
  using T = Element<V>;
  const V zero = x;  // keeps -0
  V c = Select<V>(x > F::kExpMax, Splat<V>(F::kExpMax), x);
  c = Select<V>(c < T(-50), Splat<V>(T(-50)), c);
  V m;
  const IntVec<V> n = ReduceExp(c, &m);
  const V s = PowerOfTwo<V>(n - 1);
  const V r = (s * m + (s - T(0.5))) * T(2);
  return Select<V>(x == T(0), zero, Select<V>(n == 0, m, r));
}

// x = 2^n (1 + f) with 1 + f in [sqrt(1/2), sqrt(2)); x normal and positive.
template <typename V>
TANDEM_INLINE V ReduceLog(V x, V* n) {
  using F = FormatOf<V>;
  using T = Element<V>;
  using I = IntVec<V>;
  const I half_root = (I)Constant<V>(0.70710678118654752440);
  const I bits = (I)x;
  const I e = (bits - half_root) >> F::kMantissa;
  *n = __builtin_convertvector(e, V);
  return (V)(bits - (e << F::kMantissa)) - T(1);
}
// log(1 + f) = f - (h - s (h + R)) with s = f / (2 + f), h = f^2 / 2; gives
// s (h + R) and h.
template <typename V>
TANDEM_INLINE V LogTail(V f, V* h) {
  using T = Element<V>;
  const V s = f / (f + T(2));
  const V z = s * s;
  V r;
  if constexpr (sizeof(T) == 4) {
    r = Polynomial<V>(z, {2.0 / 3, 2.0 / 5, 2.0 / 7, 2.0 / 9, 2.0 / 11});
  } else {
    r = Polynomial<V>(
        z, {2.0 / 3, 2.0 / 5, 2.0 / 7, 2.0 / 9, 2.0 / 11, 2.0 / 13, 2.0 / 15,
            2.0 / 17, 2.0 / 19, 2.0 / 21, 2.0 / 23});
  }
  *h = f * f * T(0.5);
  return s * (*h + z * r);
}
// What log gives for zero, negative numbers, infinity and NaN instead of r.
template <typename V>
TANDEM_INLINE V LogSpecial(V x, V r) {
  using T = Element<V>;
  const V inf = Splat<V>(T(__builtin_inf()));
  r = Select<V>(x == T(0), -inf, r);
  r = Select<V>(x < T(0), Splat<V>(T(__builtin_nan(""))), r);
  return Select<V>((x == inf) | (x != x), x, r);
}
// Subnormal numbers made normal, and the exponent that this adds.
template <typename V>
TANDEM_INLINE V LogNormal(V x, V* added) {
  using F = FormatOf<V>;
  using T = Element<V>;
  const IntVec<V> small = x < F::kLeastNormal;
  *added = Select<V>(small, Splat<V>(T(-54)), V{});
  return Select<V>(small, x * T(0x1p54), x);
}

template <typename V>
TANDEM_INLINE V Log(V x) {
  using F = FormatOf<V>;
  V n, h, added;
  const V f = ReduceLog(LogNormal(x, &added), &n);
  n += added;
  const V tail = LogTail(f, &h);
  return LogSpecial<V>(x,
                       n * F::kLn2High - ((h - (tail + n * F::kLn2Low)) - f));
}
template <typename V>
TANDEM_INLINE V Log2(V x) {
  V n, h, added;
  const V f = ReduceLog(LogNormal(x, &added), &n);
  const V tail = LogTail(f, &h);
  // The logarithm of 1 + f in two parts, the high one short.
  using T = Element<V>;
  const V high = (V)((IntVec<V>)(f - h) &
                     ~((IntOf<T>(1) << (FormatOf<V>::kMantissa / 2)) - 1));
  const V low = (f - high) - h + tail;
  constexpr double kHigh = sizeof(T) == 4 ? 0x1.714p+0 : 0x1.71547652p+0;
  constexpr double kLow = 1.4426950408889634074 - kHigh;
  constexpr T kLow64 = sizeof(T) == 4 ? T(kLow) : T(0x1.705fc2eefa2p-33);
  return LogSpecial<V>(
      x, (n + added) +
             (high * T(kHigh) + (low * T(kHigh) + (low + high) * kLow64)));
}
template <typename V>
TANDEM_INLINE V Log1p(V x) {
  using T = Element<V>;
  const V u = x + T(1);
  const V lost = x - (u - T(1));
  const V inf = Splat<V>(T(__builtin_inf()));
  const V r = Log<V>(u) + Select<V>(u > T(0), lost / u, V{});
  return Select<V>((x == inf) | (x == T(0)), x, r);
}

template <typename V>
TANDEM_INLINE V Tanh(V x) {
  using T = Element<V>;
  // With q = e^(-2|x|) = s (1 + m): (1 - q) / (1 + q), far out 1 - 2q / (1 +
  // q).
  const V a = Abs(x);
  const V c = Within<V>(a * T(-2), T(-50), T(0));
  V m, n;
  const IntVec<V> whole = ReduceExp(c, &m, &n);
  const V s = Scale<V>(Splat<V>(T(1)), n, whole);
  const IntVec<V> far = a > T(1);
  const V over = Select<V>(far, (s + s * m) * T(2), (T(1) - s) - s * m);
  const V r = over / ((T(1) + s) + s * m);
  return CopySign<V>(Select<V>(far, T(1) - r, r), x);
}
template <typename V>
TANDEM_INLINE V Sigmoid(V x) {
  using T = Element<V>;
  const V e = Exp<V>(-Abs(x));
  return Select<V>(x < T(0), e, Splat<V>(T(1))) / (e + T(1));
}

// Of float only. Below 1 the series of x; above, 1 - e^P(|x|).
template <typename V>
TANDEM_INLINE V Erf(V x) {
  static_assert(std::is_same_v<Element<V>, float>);
  const V a = Abs(x);
  const V z = x * x;
  const V near =
      x +
      x * Polynomial<V>(z, {0.12837916706154342, -0.3761263846802871,
                            0.11283782495236845, -0.026865430727670243,
                            0.0052210318078580228, -0.00084840804055351063,
                            0.00011265959025606609, -9.6670445714869964e-6});
  const V c = Select<V>(a > 4.0f, Splat<V>(4.0f), a);
  const V far = 1.0f - Exp<V>(Polynomial<V>(
                           c, {0.0003202256920947342, -1.1302338002883549,
                               -0.63182541434687416, -0.11008069121316927,
                               0.026421484657738952, -0.0047597195500133754,
                               0.00059683195161367438, -4.6061157840139707e-5,
                               1.6373082017381885e-6}));
  return Select<V>(x != x, x, Select<V>(a < 1.0f, near, CopySign<V>(far, x)));
}

// sin (kTurn 0) and cos (kTurn 1) of floats, reduced in double: x = n pi/2 + r,
// exact enough up to 2^20 pi/2. Lanes beyond go to C's function one by one.
template <int kTurn>
TANDEM_INLINE Vec<float> SinOf(Vec<float> x) {
  using VF = Vec<float>;
  using VD = Vec<double>;
  using I = Vec<int32_t>;
  constexpr int kHalf = kLanes<double>;
  typedef float HalfOfFloats __attribute__((vector_size(kBytes / 2)));
  VF r, n;
  for (int side = 0; side < 2; ++side) {
    HalfOfFloats part;
    __builtin_memcpy(&part,
                     reinterpret_cast<const char*>(&x) + side * (kBytes / 2),
                     kBytes / 2);
    const VD wide = __builtin_convertvector(part, VD);
    const VD round = Splat<VD>(0x1.8p52);
    const VD whole = (wide * 0.63661977236758134308 + round) - round;
    // pi/2 in two parts, the first of 33 bits.
    VD rest = wide - whole * 0x1.921fb544p+0;
    rest = rest - whole * 0x1.0b4611a626331p-34;
    const HalfOfFloats low = __builtin_convertvector(rest, HalfOfFloats);
    const HalfOfFloats count = __builtin_convertvector(whole, HalfOfFloats);
    __builtin_memcpy(reinterpret_cast<char*>(&r) + side * (kBytes / 2), &low,
                     kBytes / 2);
    __builtin_memcpy(reinterpret_cast<char*>(&n) + side * (kBytes / 2), &count,
                     kBytes / 2);
  }
  static_assert(kHalf * 2 == kLanes<float>);
  const I far = ~(I)(Abs(x) <= 0x1p20f);
  const I turns = __builtin_convertvector(Select<VF>(far, VF{}, n), I) + kTurn;
  const VF z = r * r;
  const VF sine = r + r * z *
                          Polynomial<VF>(z, {-1.0 / 6, 1.0 / 120, -1.0 / 5040,
                                             1.0 / 362880, -1.0 / 39916800});
  const VF cosine =
      1.0f + z * Polynomial<VF>(z, {-1.0 / 2, 1.0 / 24, -1.0 / 720, 1.0 / 40320,
                                    -1.0 / 3628800});
  VF y = Select<VF>((turns & 1) != 0, cosine, sine);
  y = (VF)((I)y ^ ((turns & 2) << 30));
  if constexpr (kTurn == 0) y = Select<VF>(x == 0.0f, x, y);
  I any = far;
  int32_t some = 0;
  for (int i = 0; i < kLanes<float>; ++i) some |= any[i];
  if (__builtin_expect(some != 0, 0)) {
    for (int i = 0; i < kLanes<float>; ++i) {
      if (far[i] == 0) continue;
      y[i] = static_cast<float>(kTurn == 0 ? __builtin_sin(x[i])
                                           : __builtin_cos(x[i]));
    }
  }
  return y;
}
template <typename V>
TANDEM_INLINE V Sin(V x) {
  return SinOf<0>(x);
}
template <typename V>
TANDEM_INLINE V Cos(V x) {
  return SinOf<1>(x);
}

// The angle of (x, y), of floats only; zeros and infinities as C's function.
template <typename V>
TANDEM_INLINE V Atan2(V y, V x) {
  static_assert(std::is_same_v<Element<V>, float>);
  const V a = Abs(x), b = Abs(y);
  const IntVec<V> steep = b > a;
  const V high = Select<V>(steep, b, a), low = Select<V>(steep, a, b);
  const V inf = Splat<V>(__builtin_inff());
  V t = low / high;
  t = Select<V>(high == 0.0f, V{}, t);
  t = Select<V>(low == inf, Splat<V>(1.0f), t);
  // atan t = pi/4 + atan((t - 1) / (t + 1)) near 1.
  const IntVec<V> near = t > 0.41421356f;
  const V u = Select<V>(near, (t - 1.0f) / (t + 1.0f), t);
  const V z = u * u;
  V r = u + u * z *
                Polynomial<V>(z, {-0.333333146, 0.199984415, -0.142430529,
                                  0.105906861, -0.0607107304});
  // What pi/4, pi/2 and pi lose as floats is put back to the small part.
  r = Select<V>(near, (r - 2.18556941e-8f) + 0.78539816339744830962f, r);
  r = Select<V>(steep, 1.57079632679489661923f - (r + 4.37113883e-8f), r);
  const IntVec<V> back = (IntVec<V>)x < 0;  // -0 too
  r = Select<V>(back, 3.14159265358979323846f - (r + 8.74227766e-8f), r);
  r = CopySign<V>(r, y);
  return Select<V>((x != x) | (y != y), x + y, r);
}

// To whole numbers, half to even.
template <typename V>
TANDEM_INLINE V Round(V x) {
  constexpr Element<V> kWhole = FormatOf<V>::kRound / Element<V>(1.5);
  const V r = CopySign<V>((Abs(x) + kWhole) - kWhole, x);
  return Select<V>(Abs(x) < kWhole, r, x);
}
template <typename V>
TANDEM_INLINE V Floor(V x) {
  using T = Element<V>;
  const V r = Round(x);
  return Select<V>(r > x, CopySign<V>(r - T(1), x), r);
}
template <typename V>
TANDEM_INLINE V Ceil(V x) {
  using T = Element<V>;
  const V r = Round(x);
  return Select<V>(r < x, CopySign<V>(r + T(1), x), r);
}
template <typename V>
TANDEM_INLINE V Trunc(V x) {
  return CopySign<V>(Floor<V>(Abs(x)), x);
}

}  // namespace
}  // namespace tandem::native

#endif  // TANDEM_BACKENDS_NATIVE_VECTOR_MATH_H_
