#include "tandem/backends/cuda/prelude.h"

namespace tandem::cuda {
namespace {

constexpr absl::string_view kPrelude = R"CUDA(
typedef signed char i8;
typedef unsigned char u8;
typedef short i16;
typedef unsigned short u16;
typedef unsigned int u32;
typedef long long i64;
typedef unsigned long long u64;

#ifdef TANDEM_HOST
#include <cmath>
#include <cstring>
struct HostIndex { unsigned x, y, z; };
struct HostThread {
  HostIndex thread, block, block_size, grid_size;
  void (*barrier)();
};
extern "C" { HostThread* tandem_host = nullptr; }
#define threadIdx (tandem_host->thread)
#define blockIdx (tandem_host->block)
#define blockDim (tandem_host->block_size)
#define gridDim (tandem_host->grid_size)
#define __syncthreads() tandem_host->barrier()
#define __device__
#define __forceinline__ inline
#define __restrict__
#define __shared__ static
#define TANDEM_KERNEL(Args)                                             \
  extern "C" { unsigned long tandem_args_bytes = sizeof(Args); }       \
  static void tandem_body(const Args& args);                           \
  extern "C" void tandem_kernel(const void* p) {                       \
    tandem_body(*static_cast<const Args*>(p));                         \
  }                                                                     \
  static void tandem_body(const Args& args)
template <typename T> static T atomicAdd(T* at, T v) {
  T old = *at;
  *at += v;
  return old;
}
static u32 FloatBits(float f) { u32 b; memcpy(&b, &f, 4); return b; }
static float BitsFloat(u32 b) { float f; memcpy(&f, &b, 4); return f; }
static double BitsDouble(u64 b) { double d; memcpy(&d, &b, 8); return d; }
using namespace std;
#else
#define TANDEM_KERNEL(Args) \
  extern "C" __global__ void tandem_kernel(const Args args)
static __device__ __forceinline__ u32 FloatBits(float f) {
  return __float_as_uint(f);
}
static __device__ __forceinline__ float BitsFloat(u32 b) {
  return __uint_as_float(b);
}
static __device__ __forceinline__ double BitsDouble(u64 b) {
  return __longlong_as_double((i64)b);
}
#endif
// A number that would reach outside of memory stops the device.
#ifdef TANDEM_HOST
#define TANDEM_ASSERT(test) do { if (!(test)) __builtin_trap(); } while (0)
#else
#define TANDEM_ASSERT(test) do { if (!(test)) __trap(); } while (0)
#endif
#define FUNCTION static __device__ __forceinline__
#define FUNCTION_IN __device__ __forceinline__

struct Half { u16 bits; };
struct BFloat16 { u16 bits; };

FUNCTION float ToFloat(BFloat16 h) { return BitsFloat((u32)h.bits << 16); }
FUNCTION BFloat16 ToBFloat16(float f) {
  u32 b = FloatBits(f);
  BFloat16 h;
  h.bits = f != f ? (u16)0x7fc0 : (u16)((b + 0x7fff + ((b >> 16) & 1)) >> 16);
  return h;
}
#ifdef TANDEM_HOST
FUNCTION float ToFloat(Half h) {
  u32 sign = (u32)(h.bits & 0x8000) << 16, e = (h.bits >> 10) & 31;
  u32 m = h.bits & 0x3ff;
  if (e == 31) return BitsFloat(sign | 0x7f800000 | (m << 13));
  if (e == 0) {
    float f = (float)m * 5.9604644775390625e-8f;
    return sign ? -f : f;
  }
  return BitsFloat(sign | ((e + 112) << 23) | (m << 13));
}
FUNCTION Half ToHalf(float f) {
  Half h;
  u32 b = FloatBits(f), sign = (b >> 16) & 0x8000;
  b &= 0x7fffffff;
  if (b > 0x7f800000) { h.bits = (u16)(sign | 0x7e00); return h; }
  if (b >= 0x477ff000) { h.bits = (u16)(sign | 0x7c00); return h; }
  if (b < 0x38800000) {
    h.bits = (u16)(sign | (u16)nearbyintf(BitsFloat(b) * 16777216.f));
    return h;
  }
  b += 0xc8000fff + ((b >> 13) & 1);
  h.bits = (u16)(sign | (b >> 13));
  return h;
}
#else
FUNCTION float ToFloat(Half h) {
  float f;
  asm("cvt.f32.f16 %0, %1;" : "=f"(f) : "h"(h.bits));
  return f;
}
FUNCTION Half ToHalf(float f) {
  Half h;
  asm("cvt.rn.f16.f32 %0, %1;" : "=h"(h.bits) : "f"(f));
  return h;
}
#endif

template <typename D, typename S> struct Cast {
  FUNCTION D Of(S v) { return (D)v; }
};
template <typename S> struct Cast<bool, S> {
  FUNCTION bool Of(S v) { return v != (S)0; }
};
template <typename D> struct Cast<D, Half> {
  FUNCTION D Of(Half v) { return Cast<D, float>::Of(ToFloat(v)); }
};
template <typename D> struct Cast<D, BFloat16> {
  FUNCTION D Of(BFloat16 v) { return Cast<D, float>::Of(ToFloat(v)); }
};
template <typename S> struct Cast<Half, S> {
  FUNCTION Half Of(S v) { return ToHalf((float)v); }
};
template <typename S> struct Cast<BFloat16, S> {
  FUNCTION BFloat16 Of(S v) { return ToBFloat16((float)v); }
};
template <> struct Cast<bool, Half> {
  FUNCTION bool Of(Half v) { return ToFloat(v) != 0; }
};
template <> struct Cast<bool, BFloat16> {
  FUNCTION bool Of(BFloat16 v) { return ToFloat(v) != 0; }
};
template <> struct Cast<Half, Half> {
  FUNCTION Half Of(Half v) { return v; }
};
template <> struct Cast<BFloat16, BFloat16> {
  FUNCTION BFloat16 Of(BFloat16 v) { return v; }
};
template <> struct Cast<Half, BFloat16> {
  FUNCTION Half Of(BFloat16 v) { return ToHalf(ToFloat(v)); }
};
template <> struct Cast<BFloat16, Half> {
  FUNCTION BFloat16 Of(Half v) { return ToBFloat16(ToFloat(v)); }
};
// To small integers by way of a wide one, which wraps as PyTorch's does.
#define TANDEM_NARROW(D, S)                               \
  template <> struct Cast<D, S> {                         \
    FUNCTION D Of(S v) { return (D)(i64)v; }              \
  };
TANDEM_NARROW(u8, float) TANDEM_NARROW(u8, double)
TANDEM_NARROW(i8, float) TANDEM_NARROW(i8, double)
TANDEM_NARROW(i16, float) TANDEM_NARROW(i16, double)
TANDEM_NARROW(u16, float) TANDEM_NARROW(u16, double)

// A number of the host's, for any type.
struct Slot { double d; i64 i; };
template <typename T> struct FromSlot {
  FUNCTION T Of(const Slot& s) { return (T)s.i; }
};
template <> struct FromSlot<float> {
  FUNCTION float Of(const Slot& s) { return (float)s.d; }
};
template <> struct FromSlot<double> {
  FUNCTION double Of(const Slot& s) { return s.d; }
};
template <> struct FromSlot<bool> {
  FUNCTION bool Of(const Slot& s) { return s.i != 0; }
};

template <typename T> FUNCTION T MaxOf(T a, T b) {
  return a > b || a != a ? a : b;
}
template <typename T> FUNCTION T MinOf(T a, T b) {
  return a < b || a != a ? a : b;
}
template <typename T> FUNCTION T AbsOf(T a) { return a < (T)0 ? (T)-a : a; }
FUNCTION float AbsOf(float a) { return fabsf(a); }
FUNCTION double AbsOf(double a) { return fabs(a); }
#define TANDEM_MATH(Name, f, d)                    \
  FUNCTION float Name(float x) { return f(x); }    \
  FUNCTION double Name(double x) { return d(x); }
TANDEM_MATH(Exp, expf, exp)
TANDEM_MATH(Expm1, expm1f, expm1)
TANDEM_MATH(Log, logf, log)
TANDEM_MATH(Log2, log2f, log2)
TANDEM_MATH(Log10, log10f, log10)
TANDEM_MATH(Log1p, log1pf, log1p)
TANDEM_MATH(Tanh, tanhf, tanh)
TANDEM_MATH(Erf, erff, erf)
TANDEM_MATH(Sqrt, sqrtf, sqrt)
TANDEM_MATH(Floor, floorf, floor)
TANDEM_MATH(Ceil, ceilf, ceil)
TANDEM_MATH(Round, rintf, rint)
TANDEM_MATH(Trunc, truncf, trunc)
TANDEM_MATH(Sin, sinf, sin)
TANDEM_MATH(Cos, cosf, cos)
TANDEM_MATH(Tan, tanf, tan)
TANDEM_MATH(Asin, asinf, asin)
TANDEM_MATH(Acos, acosf, acos)
TANDEM_MATH(Atan, atanf, atan)
TANDEM_MATH(Sinh, sinhf, sinh)
TANDEM_MATH(Cosh, coshf, cosh)
TANDEM_MATH(Erfc, erfcf, erfc)
FUNCTION float Pow(float x, float y) { return powf(x, y); }
FUNCTION double Pow(double x, double y) { return pow(x, y); }
FUNCTION float Fmod(float x, float y) { return fmodf(x, y); }
FUNCTION double Fmod(double x, double y) { return fmod(x, y); }
FUNCTION float Atan2(float x, float y) { return atan2f(x, y); }
FUNCTION double Atan2(double x, double y) { return atan2(x, y); }
FUNCTION float Sigmoid(float x) { return 1.f / (1.f + expf(-x)); }
FUNCTION double Sigmoid(double x) { return 1. / (1. + exp(-x)); }
// Python's: the result has the divisor's sign.
FUNCTION float Remainder(float x, float y) {
  float m = fmodf(x, y);
  return m != 0 && (y < 0) != (m < 0) ? m + y : m;
}
FUNCTION double Remainder(double x, double y) {
  double m = fmod(x, y);
  return m != 0 && (y < 0) != (m < 0) ? m + y : m;
}
template <typename T> FUNCTION T Remainder(T x, T y) {
  if (y == 0) return (T)~(T)0;
  if (y == (T)-1) return (T)0;
  T m = x % y;
  return m != 0 && (m < 0) != (y < 0) ? (T)(m + y) : m;
}
template <typename T> FUNCTION T FloorDivide(T x, T y) {
  if (y == 0) return (T)~(T)0;
  if (y == (T)-1) return (T)(0 - x);
  T q = x / y;
  return (x % y != 0) && ((x < 0) != (y < 0)) ? (T)(q - 1) : q;
}
template <typename T> FUNCTION T FloatFloorDivide(T x, T y) {
  if (y == 0) return x / y;
  T m = Fmod(x, y), d = (x - m) / y;
  if (m != 0 && (y < 0) != (m < 0)) d -= 1;
  T r = Floor(d);
  if (d - r > (T)0.5) r += 1;
  return d == 0 ? (T)(x / y < 0 ? -0. : 0.) : r;
}
FUNCTION float FloorDivide(float x, float y) { return FloatFloorDivide(x, y); }
FUNCTION double FloorDivide(double x, double y) {
  return FloatFloorDivide(x, y);
}
template <typename T> FUNCTION T TruncDivide(T x, T y) {
  if (y == 0) return (T)~(T)0;
  if (y == (T)-1) return (T)(0 - x);
  return x / y;
}
FUNCTION float TruncDivide(float x, float y) { return truncf(x / y); }
FUNCTION double TruncDivide(double x, double y) { return trunc(x / y); }
template <typename T> FUNCTION T IntPow(T x, T y) {
  if (y < 0) return x == 1 ? (T)1 : x == (T)-1 ? (y % 2 ? (T)-1 : (T)1) : (T)0;
  T r = 1;
  while (y != 0) {
    if (y & 1) r = (T)(r * x);
    x = (T)(x * x);
    y = (T)(y >> 1);
  }
  return r;
}
#define C(v) ((T)(v))
#define p(i) (FromSlot<T>::Of(args.params[i]))
#define Select(c, a, b) ((c) ? (T)(a) : (T)(b))
#define Max(a, b) MaxOf((T)(a), (T)(b))
#define Min(a, b) MinOf((T)(a), (T)(b))
#define Abs(a) AbsOf((T)(a))
)CUDA";

}  // namespace

absl::string_view Prelude() { return kPrelude; }

}  // namespace tandem::cuda
