// Comparisons of numbers, strings, devices and enums.
#include <complex>
#include <string>

#include "tandem/backends/reference/scalar.h"

namespace tandem::reference {
namespace {

using Complex = std::complex<double>;

struct Lt {
  template <typename T>
  static bool Of(const T& a, const T& b) {
    return a < b;
  }
};
struct Gt {
  template <typename T>
  static bool Of(const T& a, const T& b) {
    return a > b;
  }
};
struct Le {
  template <typename T>
  static bool Of(const T& a, const T& b) {
    return a <= b;
  }
};
struct Ge {
  template <typename T>
  static bool Of(const T& a, const T& b) {
    return a >= b;
  }
};
struct Eq {
  template <typename T>
  static bool Of(const T& a, const T& b) {
    return a == b;
  }
};
struct Ne {
  template <typename T>
  static bool Of(const T& a, const T& b) {
    return !(a == b);
  }
};

template <typename F, typename T>
bool Same(T a, T b) {
  return F::Of(a, b);
}
template <typename F>
bool IntFloat(int64_t a, double b) {
  return F::Of(static_cast<double>(a), b);
}
template <typename F>
bool FloatInt(double a, int64_t b) {
  return F::Of(a, static_cast<double>(b));
}
template <typename F>
bool ComplexFloat(Complex a, double b) {
  return F::Of(a, Complex(b));
}
template <typename F>
bool FloatComplex(double a, Complex b) {
  return F::Of(Complex(a), b);
}
template <typename F>
absl::StatusOr<bool> OrderScalars(const Scalar& a, const Scalar& b) {
  if (a.is_complex() || b.is_complex()) {
    return absl::InvalidArgumentError("complex numbers have no order");
  }
  if (a.is_double() || b.is_double()) return F::Of(a.ToDouble(), b.ToDouble());
  return F::Of(a.ToInt(), b.ToInt());
}
template <typename F>
bool EqualScalars(const Scalar& a, const Scalar& b) {
  if (a.is_complex() || b.is_complex()) {
    return F::Of(a.ToComplex(), b.ToComplex());
  }
  if (a.is_double() || b.is_double()) return F::Of(a.ToDouble(), b.ToDouble());
  return F::Of(a.ToInt(), b.ToInt());
}
template <typename F>
bool Values(const IValue& a, const IValue& b) {
  return F::Of(Equal(a, b), true);
}

template <typename F>
void AddCommon(KernelRegistrar& r, const std::string& op) {
  r.Add(op + ".int", &Same<F, int64_t>)
      .Add(op + ".float", &Same<F, double>)
      .Add(op + ".int_float", &IntFloat<F>)
      .Add(op + ".float_int", &FloatInt<F>)
      .Add(op + ".str", &Same<F, absl::string_view>);
}
template <typename F>
void AddOrder(KernelRegistrar& r, const std::string& op) {
  AddCommon<F>(r, op);
  r.Add(op, &OrderScalars<F>);
}
template <typename F>
void AddEquality(KernelRegistrar& r, const std::string& op) {
  AddCommon<F>(r, op);
  r.Add(op + ".bool", &Same<F, bool>)
      .Add(op + ".complex", &Same<F, Complex>)
      .Add(op + ".complex_float", &ComplexFloat<F>)
      .Add(op + ".float_complex", &FloatComplex<F>)
      .Add(op + ".device", &Same<F, Device>)
      .Add(op + ".enum", &Values<F>)
      .Add(op, &EqualScalars<F>);
}

// An undefined tensor and None are one.
bool IsNothing(const IValue& v) {
  return v.is_none() || (v.is_tensor() && !v.AsTensor().defined());
}
bool Is(const IValue& a, const IValue& b) {
  return (IsNothing(a) && IsNothing(b)) || a.Is(b);
}
bool IsNot(const IValue& a, const IValue& b) { return !Is(a, b); }

}  // namespace

void AddScalarCompare(KernelRegistrar& r) {
  AddOrder<Lt>(r, "aten::lt");
  AddOrder<Gt>(r, "aten::gt");
  AddOrder<Le>(r, "aten::le");
  AddOrder<Ge>(r, "aten::ge");
  AddEquality<Eq>(r, "aten::eq");
  AddEquality<Ne>(r, "aten::ne");
  r.Add("aten::__is__", &Is, {.handles_lazy_bits = true})
      .Add("aten::__isnot__", &IsNot, {.handles_lazy_bits = true});
}

}  // namespace tandem::reference
