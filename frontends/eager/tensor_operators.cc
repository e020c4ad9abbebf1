// Operators of C++ on tensors, as Python's on torch.Tensor.
#include "tandem/frontends/eager/arg.h"
#include "tandem/frontends/eager/operator_numbers.h"
#include "tandem/frontends/eager/recorder.h"
#include "tandem/frontends/eager/tensor.h"

namespace tandem::eager {
namespace {

using internal::Arg;
using internal::kOperatorSymbol;
using internal::kReflected;

Tensor Run(uint32_t op, const Arg& a) {
  return internal::Call<Tensor>(op, &a, 1);
}
Tensor Run(uint32_t op, const Arg& a, const Arg& b) {
  const Arg args[] = {a, b};
  return internal::Call<Tensor>(op, args, 2);
}
Tensor Run(uint32_t op, const Arg& a, const Arg& b, const Arg& c) {
  const Arg args[] = {a, b, c};
  return internal::Call<Tensor>(op, args, 3);
}

}  // namespace

// a OP b where a number becomes a weak tensor.
#define TANDEM_ARITHMETIC(SYMBOL, NAME)                                    \
  Tensor operator SYMBOL(const Tensor& a, const Tensor& b) {               \
    return Run(internal::k_##NAME##_Tensor | kOperatorSymbol, a, b EXTRA); \
  }                                                                        \
  Tensor operator SYMBOL(const Tensor& a, const Number& b) {               \
    return Run(internal::k_##NAME##_Tensor | kOperatorSymbol, a,           \
               Arg::AsTensor(b) EXTRA);                                    \
  }                                                                        \
  const Tensor& Tensor::operator SYMBOL##=(const Tensor& b) const {        \
    Run(internal::k_##NAME##__Tensor | kOperatorSymbol, *this, b EXTRA);   \
    return *this;                                                          \
  }                                                                        \
  const Tensor& Tensor::operator SYMBOL##=(const Number& b) const {        \
    Run(internal::k_##NAME##__Tensor | kOperatorSymbol, *this,             \
        Arg::AsTensor(b) EXTRA);                                           \
    return *this;                                                          \
  }
#define EXTRA , Number(1)
TANDEM_ARITHMETIC(+, add)
TANDEM_ARITHMETIC(-, sub)
#undef EXTRA
#define EXTRA
TANDEM_ARITHMETIC(*, mul)
TANDEM_ARITHMETIC(/, div)
#undef EXTRA
#undef TANDEM_ARITHMETIC

Tensor operator+(const Number& a, const Tensor& b) {
  return Run(internal::k_add_Tensor | kReflected, b, Arg::AsTensor(a),
             Number(1));
}
Tensor operator-(const Number& a, const Tensor& b) {
  return Run(internal::k_rsub_Scalar | kReflected, b, a, Number(1));
}
Tensor operator*(const Number& a, const Tensor& b) {
  return Run(internal::k_mul_Tensor | kReflected, b, Arg::AsTensor(a));
}
// What Python's Tensor.__rdiv__ does, unless the recorder keeps operators.
Tensor operator/(const Number& a, const Tensor& b) {
  Recorder* recorder = CurrentRecorder();
  if (recorder != nullptr && recorder->KeepsOperators()) {
    return Run(internal::k_div_Tensor | kReflected, b, Arg::AsTensor(a));
  }
  return Run(internal::k_reciprocal | kOperatorSymbol, b) * a;
}

Tensor operator%(const Tensor& a, const Tensor& b) {
  return Run(internal::k_remainder_Tensor | kOperatorSymbol, a, b);
}
Tensor operator%(const Tensor& a, const Number& b) {
  return Run(internal::k_remainder_Scalar | kOperatorSymbol, a, b);
}
Tensor operator%(const Number& a, const Tensor& b) {
  return Run(internal::k_remainder_Scalar_Tensor | kReflected, a, b);
}

// a OP b where a number is a Scalar; `b OP a` with a number goes to SWAPPED.
#define TANDEM_COMPARISON(SYMBOL, NAME, SWAPPED)                        \
  Tensor operator SYMBOL(const Tensor& a, const Tensor& b) {            \
    return Run(internal::k_##NAME##_Tensor | kOperatorSymbol, a, b);    \
  }                                                                     \
  Tensor operator SYMBOL(const Tensor& a, const Number& b) {            \
    return Run(internal::k_##NAME##_Scalar | kOperatorSymbol, a, b);    \
  }                                                                     \
  Tensor operator SYMBOL(const Number& a, const Tensor& b) {            \
    return Run(internal::k_##SWAPPED##_Scalar | kOperatorSymbol, b, a); \
  }
TANDEM_COMPARISON(==, eq, eq)
TANDEM_COMPARISON(!=, ne, ne)
TANDEM_COMPARISON(<, lt, gt)
TANDEM_COMPARISON(<=, le, ge)
TANDEM_COMPARISON(>, gt, lt)
TANDEM_COMPARISON(>=, ge, le)
#undef TANDEM_COMPARISON

#define TANDEM_BITWISE(SYMBOL, NAME)                                 \
  Tensor operator SYMBOL(const Tensor& a, const Tensor& b) {         \
    return Run(internal::k_##NAME##_Tensor | kOperatorSymbol, a, b); \
  }                                                                  \
  Tensor operator SYMBOL(const Tensor& a, const Number& b) {         \
    return Run(internal::k_##NAME##_Scalar | kOperatorSymbol, a, b); \
  }                                                                  \
  Tensor operator SYMBOL(const Number& a, const Tensor& b) {         \
    return Run(internal::k_##NAME##_Scalar | kReflected, b, a);      \
  }
TANDEM_BITWISE(&, __and__)
TANDEM_BITWISE(|, __or__)
TANDEM_BITWISE(^, __xor__)
#undef TANDEM_BITWISE

Tensor operator-(const Tensor& a) {
  return Run(internal::k_neg | kOperatorSymbol, a);
}
Tensor operator~(const Tensor& a) {
  return Run(internal::k_bitwise_not | kOperatorSymbol, a);
}

}  // namespace tandem::eager
