// Conversions between numbers, strings and tensors of one element.
#include <cerrno>
#include <complex>
#include <cstdlib>
#include <string>

#include "absl/strings/str_cat.h"
#include "tandem/backends/reference/scalar.h"
#include "tandem/tensor/status_macros.h"

namespace tandem::reference {
namespace {

using Complex = std::complex<double>;

absl::Status WithoutOverflow(absl::string_view type) {
  return absl::InvalidArgumentError(absl::StrCat(
      "value cannot be converted to type ", type, " without overflow"));
}

absl::StatusOr<Scalar> Item(const Tensor& t) {
  if (t.numel() != 1) {
    return absl::InvalidArgumentError(
        absl::StrCat("a Tensor with ", t.numel(),
                     " elements cannot be converted to Scalar"));
  }
  return t.Item();
}

// item<int64_t>, item<double>: errors where the value does not fit.
absl::StatusOr<int64_t> ItemInt(const Tensor& t) {
  TANDEM_ASSIGN_OR_RETURN(const Scalar s, Item(t));
  if (s.is_integral()) return s.ToInt();
  const double d = s.ToDouble();
  if (s.ToComplex().imag() != 0 ||
      !(d >= -9223372036854775808.0 && d < 9223372036854775808.0)) {
    return WithoutOverflow("int64_t");
  }
  return static_cast<int64_t>(d);
}
absl::StatusOr<double> ItemFloat(const Tensor& t) {
  TANDEM_ASSIGN_OR_RETURN(const Scalar s, Item(t));
  if (s.is_complex() && s.ToComplex().imag() != 0) {
    return WithoutOverflow("double");
  }
  return s.ToDouble();
}

absl::StatusOr<bool> BoolTensor(const Tensor& t) {
  if (t.numel() != 1) {
    return absl::InvalidArgumentError(absl::StrCat(
        "Boolean value of Tensor with ",
        t.numel() == 0 ? "no values" : "more than one value", " is ambiguous"));
  }
  TANDEM_ASSIGN_OR_RETURN(const Scalar s, t.Item());
  return s.ToBool();
}
bool BoolInt(int64_t a) { return a != 0; }
bool BoolFloat(double a) { return a != 0; }

int64_t IntBool(bool a) { return a; }
int64_t IntFloat(double a) { return TruncateToInt(a); }
// A float goes through a C int.
absl::StatusOr<int64_t> IntScalar(const Scalar& a) {
  if (a.is_integral()) return a.ToInt();
  const double d = std::trunc(a.ToDouble());
  if ((a.is_complex() && a.ToComplex().imag() != 0) ||
      !(d >= -2147483648.0 && d <= 2147483647.0)) {
    return WithoutOverflow("int");
  }
  return static_cast<int64_t>(d);
}
// As std::stoll: leading blanks, a sign, decimal digits.
absl::StatusOr<int64_t> IntStr(absl::string_view a) {
  const std::string text(a);
  errno = 0;
  char* end = nullptr;
  const long long value = std::strtoll(text.c_str(), &end, 10);
  if (end == text.c_str()) return absl::InvalidArgumentError("stoll");
  if (errno == ERANGE) return absl::OutOfRangeError("stoll");
  if (end != text.c_str() + text.size()) {
    return absl::InvalidArgumentError(
        absl::StrCat("invalid literal for int() with base 10: '", text, "'"));
  }
  return static_cast<int64_t>(value);
}

// PyTorch goes through a C float.
double FloatInt(int64_t a) { return static_cast<float>(a); }
double FloatBool(bool a) { return a; }
double FloatScalar(const Scalar& a) { return a.ToDouble(); }
absl::StatusOr<double> FloatStr(absl::string_view a) {
  const std::string text(a);
  errno = 0;
  char* end = nullptr;
  const double value = std::strtod(text.c_str(), &end);
  if (end == text.c_str()) return absl::InvalidArgumentError("stod");
  if (errno == ERANGE) return absl::OutOfRangeError("stod");
  if (end != text.c_str() + text.size()) {
    return absl::InvalidArgumentError(
        absl::StrCat("could not convert string to float: '", text, "'"));
  }
  return value;
}

Complex ComplexScalar(const Scalar& a) { return a.ToComplex(); }
// PyTorch takes the integer parts as C ints.
double Part(int64_t i) { return static_cast<int32_t>(i); }
double Part(double d) { return d; }
double Part(bool b) { return b; }
template <typename A, typename B>
Complex ComplexOf(A a, B b) {
  return Complex(Part(a), Part(b));
}
absl::StatusOr<Complex> ComplexTensors(const Tensor& a, const Tensor& b) {
  TANDEM_ASSIGN_OR_RETURN(const double re, ItemFloat(a));
  TANDEM_ASSIGN_OR_RETURN(const double im, ItemFloat(b));
  return Complex(re, im);
}
template <typename B>
absl::StatusOr<Complex> ComplexTensorOf(const Tensor& a, B b) {
  TANDEM_ASSIGN_OR_RETURN(const double re, ItemFloat(a));
  return Complex(re, Part(b));
}
template <typename A>
absl::StatusOr<Complex> ComplexOfTensor(A a, const Tensor& b) {
  TANDEM_ASSIGN_OR_RETURN(const double im, ItemFloat(b));
  return Complex(Part(a), im);
}

// A tensor where a number is expected.
absl::Status CheckImplicit(const Tensor& t, bool to_int) {
  if (t.requires_grad()) {
    return absl::InvalidArgumentError(
        "Cannot input a tensor that requires grad as a scalar argument");
  }
  if (t.dim() != 0) {
    return absl::InvalidArgumentError(
        "Cannot input a tensor of dimension other than 0 as a scalar argument");
  }
  if (to_int && !IsIntegral(t.dtype(), /*include_bool=*/false)) {
    return absl::InvalidArgumentError(
        absl::StrCat("Cannot input a tensor of type ", TypeName(t.dtype()),
                     " as an integral argument"));
  }
  return absl::OkStatus();
}
absl::StatusOr<int64_t> IntImplicit(const Tensor& t) {
  TANDEM_RETURN_IF_ERROR(CheckImplicit(t, true));
  return ItemInt(t);
}
absl::StatusOr<double> FloatImplicit(const Tensor& t) {
  TANDEM_RETURN_IF_ERROR(CheckImplicit(t, false));
  return ItemFloat(t);
}
absl::StatusOr<Complex> ComplexImplicit(const Tensor& t) {
  TANDEM_RETURN_IF_ERROR(CheckImplicit(t, false));
  TANDEM_ASSIGN_OR_RETURN(const Scalar s, Item(t));
  return s.ToComplex();
}
absl::StatusOr<Scalar> ScalarImplicit(const Tensor& t) {
  TANDEM_RETURN_IF_ERROR(CheckImplicit(t, false));
  return Item(t);
}

absl::StatusOr<Tensor> NumToTensor(const Scalar& a) {
  return Tensor::FromScalar(a);
}
absl::StatusOr<Tensor> BoolToTensor(bool a) {
  return Tensor::FromScalar(Scalar(a));
}

}  // namespace

void AddScalarConvert(KernelRegistrar& r) {
  r.Add("aten::Bool.Tensor", &BoolTensor)
      .Add("aten::Bool.int", &BoolInt)
      .Add("aten::Bool.float", &BoolFloat)
      .Add("aten::Int.Tensor", &ItemInt)
      .Add("aten::Int.bool", &IntBool)
      .Add("aten::Int.float", &IntFloat)
      .Add("aten::Int.Scalar", &IntScalar)
      .Add("aten::Int.str", &IntStr)
      .Add("aten::Float.Tensor", &ItemFloat)
      .Add("aten::Float.int", &FloatInt)
      .Add("aten::Float.bool", &FloatBool)
      .Add("aten::Float.Scalar", &FloatScalar)
      .Add("aten::Float.str", &FloatStr)
      .Add("aten::Complex.Scalar", &ComplexScalar)
      .Add("aten::Complex.bool_bool", &ComplexOf<bool, bool>)
      .Add("aten::Complex.bool_int", &ComplexOf<bool, int64_t>)
      .Add("aten::Complex.bool_float", &ComplexOf<bool, double>)
      .Add("aten::Complex.int_bool", &ComplexOf<int64_t, bool>)
      .Add("aten::Complex.int_int", &ComplexOf<int64_t, int64_t>)
      .Add("aten::Complex.int_float", &ComplexOf<int64_t, double>)
      .Add("aten::Complex.float_bool", &ComplexOf<double, bool>)
      .Add("aten::Complex.float_int", &ComplexOf<double, int64_t>)
      .Add("aten::Complex.float_float", &ComplexOf<double, double>)
      .Add("aten::Complex.Tensor_Tensor", &ComplexTensors)
      .Add("aten::Complex.Tensor_bool", &ComplexTensorOf<bool>)
      .Add("aten::Complex.Tensor_int", &ComplexTensorOf<int64_t>)
      .Add("aten::Complex.Tensor_float", &ComplexTensorOf<double>)
      .Add("aten::Complex.bool_Tensor", &ComplexOfTensor<bool>)
      .Add("aten::Complex.int_Tensor", &ComplexOfTensor<int64_t>)
      .Add("aten::Complex.float_Tensor", &ComplexOfTensor<double>);
  r.Add("aten::IntImplicit", &IntImplicit)
      .Add("aten::FloatImplicit", &FloatImplicit)
      .Add("aten::ComplexImplicit", &ComplexImplicit)
      .Add("aten::ScalarImplicit", &ScalarImplicit)
      .Add("prim::NumToTensor.Scalar", &NumToTensor)
      .Add("prim::NumToTensor.bool", &BoolToTensor);
}

}  // namespace tandem::reference
