// Elementwise kernels: an operator is a small functor over C++ types; one
// engine does what they share (promotion, broadcasting, strides of the result,
// out= and in place, conversions, threads).
//
//   template <typename T>
//   struct Relu : Stateless {
//     using Stateless::Stateless;
//     T operator()(T x) const { return x < T(0) ? T(0) : x; }
//   };
//   constexpr ElementOp kRelu = MakeOp<Relu, 1, kFloats | kInts>("relu_cpu");
//   RunElementwise(kRelu, {self});
//
// Elements are computed in float, double, int64 or complex: 16-bit floats in
// float, narrow integers and bool in int64 (which wraps to the same results).
#ifndef TANDEM_BACKENDS_REFERENCE_LOOPS_H_
#define TANDEM_BACKENDS_REFERENCE_LOOPS_H_

#include <atomic>
#include <complex>
#include <cstdint>
#include <type_traits>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "tandem/tensor/scalar.h"
#include "tandem/tensor/tensor.h"
#include "tandem/tensor/visit.h"

namespace tandem::reference {

// Numbers that a functor is made from, and how it reports a failure.
struct Params {
  static constexpr int kMax = 4;
  Scalar values[kMax];
  // Set by a division of integers by zero.
  std::atomic<bool>* divided_by_zero = nullptr;

  Params() = default;
  template <typename... S>
  explicit Params(const Scalar& first, const S&... rest)
      : values{first, rest...} {}
  template <typename T>
  T Get(int i) const {
    return values[i].To<T>();
  }
};

// One row: data and strides (bytes) of the result, then of each input.
using RowFunction = void (*)(char* const* data, const int64_t* strides,
                             int64_t n, const Params& params);

struct RowEntry {
  RowFunction function = nullptr;  // null: not implemented for this type
  DType out = DType::kUndefined;   // of the computed result
};

enum class ResultRule : uint8_t {
  kCommon,  // the promoted type, or what the functor gives (bool, real part)
  kFloat,   // integers and bool are computed as the default float type
};

struct ElementOp {
  absl::string_view name;  // as in '"exp_vml_cpu" not implemented for …'
  ResultRule rule = ResultRule::kCommon;
  bool takes_bool = true;
  bool takes_wide_unsigned = true;  // uint16, uint32, uint64
  bool takes_complex_half = false;
  bool check_zero = false;  // may set Params::divided_by_zero
  // A number as second operand stays as exact as the computation; else it is
  // rounded to the common dtype first.
  bool exact_number = false;
  bool converts_out = false;  // a unary op whose out= may have another dtype
  // Whole texts instead of "not implemented for"; empty: none.
  absl::string_view bool_error, complex_error;
  RowEntry f32, f64, i64, c64, c128;

  constexpr ElementOp Float() const {
    ElementOp o = *this;
    o.rule = ResultRule::kFloat;
    return o;
  }
  constexpr ElementOp NoBool(absl::string_view error = "") const {
    ElementOp o = *this;
    o.takes_bool = false;
    o.bool_error = error;
    return o;
  }
  constexpr ElementOp NoWideUnsigned() const {
    ElementOp o = *this;
    o.takes_wide_unsigned = false;
    return o;
  }
  constexpr ElementOp ComplexHalfToo() const {
    ElementOp o = *this;
    o.takes_complex_half = true;
    return o;
  }
  constexpr ElementOp ComplexError(absl::string_view error) const {
    ElementOp o = *this;
    o.complex_error = error;
    return o;
  }
  constexpr ElementOp ConvertsOut() const {
    ElementOp o = *this;
    o.converts_out = true;
    return o;
  }
  constexpr ElementOp ExactNumber() const {
    ElementOp o = *this;
    o.exact_number = true;
    return o;
  }
  constexpr ElementOp ChecksZero() const {
    ElementOp o = *this;
    o.check_zero = true;
    return o;
  }
};

// An input: a tensor, or a number that is weak in promotion.
struct Input {
  Input(const Tensor& t) : tensor(&t) {}  // NOLINT
  Input(const Scalar& s) : number(&s) {}  // NOLINT
  const Tensor* tensor = nullptr;
  const Scalar* number = nullptr;
};

// Where the result goes: a new tensor, `out`, or in place.
struct Target {
  const Tensor* tensor = nullptr;
  bool in_place = false;
  static Target Out(const Tensor& t) { return {&t, false}; }
  static Target InPlace(const Tensor& t) { return {&t, true}; }
};

struct RunOptions {
  // Instead of the promotion of the inputs.
  DType common = DType::kUndefined;
  // Instead of the op's name in errors.
  absl::string_view name;
};

// Computes op over the broadcast inputs (at most 3). The result's strides are
// PyTorch's. Errors: sizes that do not broadcast, dtypes that the op lacks or
// that do not promote, an `out` the result cannot be cast to,
// "ZeroDivisionError".
absl::StatusOr<Tensor> RunElementwise(const ElementOp& op,
                                      absl::Span<const Input> inputs,
                                      const Params& params = Params(),
                                      Target target = {},
                                      const RunOptions& options = {});
inline absl::StatusOr<Tensor> RunElementwise(
    const ElementOp& op, std::initializer_list<Input> inputs,
    const Params& params = Params(), Target target = {},
    const RunOptions& options = {}) {
  return RunElementwise(op,
                        absl::Span<const Input>(inputs.begin(), inputs.size()),
                        params, target, options);
}

// The tensor to write a result of these sizes and dtype into: a new one with
// the strides of an elementwise result over `inputs`, or target's after
// PyTorch's checks (castable, resized for out=, shape for in place, overlap).
absl::StatusOr<Tensor> PrepareTarget(absl::Span<const Input> inputs,
                                     DimSpan sizes, DType dtype, Target target);

// The promoted dtype of the inputs (torch.result_type).
absl::StatusOr<DType> CommonDType(absl::Span<const Input> inputs);
// Common sizes of the inputs.
absl::StatusOr<Dims> CommonSizes(absl::Span<const Input> inputs);

struct Stateless {
  Stateless() = default;
  explicit Stateless(const Params&) {}
};

namespace loops_internal {

template <typename T>
T At(const char* p) {
  return *reinterpret_cast<const T*>(p);
}

// A functor over float may have, beside operator(), Single: PyTorch's loops
// take whole pairs of vectors of a contiguous row by one function, all else by
// another that rounds differently.
template <typename F, typename = void>
struct HasSingle : std::false_type {};
template <typename F>
struct HasSingle<F, std::void_t<decltype(std::declval<const F&>().Single(0))>>
    : std::true_type {};
constexpr int64_t InWholeVectors(int64_t n) { return n / 32 * 32; }

template <typename F, typename T>
void Row1(char* const* data, const int64_t* s, int64_t n, const Params& p) {
  const F f(p);
  using R = decltype(f(T()));
  char* o = data[0];
  const char* a = data[1];
  if (s[0] == sizeof(R) && s[1] == sizeof(T)) {
    R* out = reinterpret_cast<R*>(o);
    const T* x = reinterpret_cast<const T*>(a);
    if constexpr (std::is_same_v<T, float> && HasSingle<F>::value) {
      const int64_t whole = InWholeVectors(n);
      for (int64_t i = 0; i < whole; ++i) out[i] = f(x[i]);
      for (int64_t i = whole; i < n; ++i) out[i] = f.Single(x[i]);
    } else {
      for (int64_t i = 0; i < n; ++i) out[i] = f(x[i]);
    }
    return;
  }
  for (int64_t i = 0; i < n; ++i, o += s[0], a += s[1]) {
    if constexpr (std::is_same_v<T, float> && HasSingle<F>::value) {
      *reinterpret_cast<R*>(o) = f.Single(At<T>(a));
    } else {
      *reinterpret_cast<R*>(o) = f(At<T>(a));
    }
  }
}

template <typename F, typename T>
void Row2(char* const* data, const int64_t* s, int64_t n, const Params& p) {
  const F f(p);
  using R = decltype(f(T(), T()));
  char* o = data[0];
  const char *a = data[1], *b = data[2];
  if (s[0] == sizeof(R) && s[1] == sizeof(T)) {
    R* out = reinterpret_cast<R*>(o);
    const T* x = reinterpret_cast<const T*>(a);
    if (s[2] == sizeof(T)) {
      const T* y = reinterpret_cast<const T*>(b);
      for (int64_t i = 0; i < n; ++i) out[i] = f(x[i], y[i]);
      return;
    }
    if (s[2] == 0) {
      const T y = At<T>(b);
      for (int64_t i = 0; i < n; ++i) out[i] = f(x[i], y);
      return;
    }
  }
  for (int64_t i = 0; i < n; ++i, o += s[0], a += s[1], b += s[2]) {
    *reinterpret_cast<R*>(o) = f(At<T>(a), At<T>(b));
  }
}

template <typename F, typename T>
void Row3(char* const* data, const int64_t* s, int64_t n, const Params& p) {
  const F f(p);
  using R = decltype(f(T(), T(), T()));
  char* o = data[0];
  const char *a = data[1], *b = data[2], *c = data[3];
  for (int64_t i = 0; i < n; ++i, o += s[0], a += s[1], b += s[2], c += s[3]) {
    *reinterpret_cast<R*>(o) = f(At<T>(a), At<T>(b), At<T>(c));
  }
}

template <template <typename> class F, int kInputs, typename T>
constexpr RowEntry Entry() {
  if constexpr (kInputs == 1) {
    using R = decltype(std::declval<const F<T>&>()(T()));
    return {&Row1<F<T>, T>, DTypeOf<R>::value};
  } else if constexpr (kInputs == 2) {
    using R = decltype(std::declval<const F<T>&>()(T(), T()));
    return {&Row2<F<T>, T>, DTypeOf<R>::value};
  } else {
    using R = decltype(std::declval<const F<T>&>()(T(), T(), T()));
    return {&Row3<F<T>, T>, DTypeOf<R>::value};
  }
}

}  // namespace loops_internal

// The types for which a functor is instantiated.
inline constexpr int kFloats = 1;   // float, double, and half through float
inline constexpr int kInts = 2;     // int64, and all integers and bool
inline constexpr int kComplex = 4;  // complex64, complex128

template <template <typename> class F, int kInputs, int kTypes>
constexpr ElementOp MakeOp(absl::string_view name) {
  ElementOp op;
  op.name = name;
  using namespace loops_internal;  // NOLINT: Entry
  if constexpr ((kTypes & kFloats) != 0) {
    op.f32 = Entry<F, kInputs, float>();
    op.f64 = Entry<F, kInputs, double>();
  }
  if constexpr ((kTypes & kInts) != 0) op.i64 = Entry<F, kInputs, int64_t>();
  if constexpr ((kTypes & kComplex) != 0) {
    op.c64 = Entry<F, kInputs, std::complex<float>>();
    op.c128 = Entry<F, kInputs, std::complex<double>>();
  }
  return op;
}

// Integers of functors wrap around.
template <typename T>
inline constexpr bool kIsInt = std::is_same_v<T, int64_t>;
template <typename T>
T WrapAdd(T a, T b) {
  if constexpr (kIsInt<T>) {
    return static_cast<T>(static_cast<uint64_t>(a) + static_cast<uint64_t>(b));
  } else {
    return a + b;
  }
}
template <typename T>
T WrapSub(T a, T b) {
  if constexpr (kIsInt<T>) {
    return static_cast<T>(static_cast<uint64_t>(a) - static_cast<uint64_t>(b));
  } else {
    return a - b;
  }
}
template <typename T>
T WrapMul(T a, T b) {
  if constexpr (kIsInt<T>) {
    return static_cast<T>(static_cast<uint64_t>(a) * static_cast<uint64_t>(b));
  } else if constexpr (kIsComplex<T>) {  // without the library's look for NaN
    return T(a.real() * b.real() - a.imag() * b.imag(),
             a.real() * b.imag() + a.imag() * b.real());
  } else {
    return a * b;
  }
}

}  // namespace tandem::reference

#endif  // TANDEM_BACKENDS_REFERENCE_LOOPS_H_
