// Values as text, as print() and str() of a program give them.
#include <cmath>
#include <cstdio>

#include "absl/strings/str_cat.h"
#include "tandem/ir/ivalue.h"

namespace tandem {

std::string FloatToString(double d, bool for_code) {
  if (std::isnan(d)) return "nan";
  if (std::isinf(d)) return d < 0 ? "-inf" : "inf";
  const double limit = for_code ? 1e10 : 9223372036854775808.0;
  if (d == std::trunc(d) && std::fabs(d) < limit) {
    const bool minus_zero = for_code && d == 0 && std::signbit(d);
    return absl::StrCat(minus_zero ? "-" : "", static_cast<int64_t>(d), ".");
  }
  char buffer[40];
  std::snprintf(buffer, sizeof(buffer), "%.17g", d);
  return buffer;
}

std::string ComplexToString(std::complex<double> c) {
  return absl::StrCat(FloatToString(c.real()), c.imag() < 0 ? "" : "+",
                      FloatToString(c.imag()), "j");
}

std::string IValue::ToString() const {
  switch (tag_) {
    case Tag::kNone:
      return "None";
    case Tag::kBool:
      return AsBool() ? "True" : "False";
    case Tag::kInt:
      return absl::StrCat(AsInt());
    case Tag::kDouble:
      return FloatToString(AsDouble());
    case Tag::kComplex:
      return ComplexToString(AsComplex());
    case Tag::kDevice:
      return AsDevice().ToString();
    case Tag::kString:
      return AsString();
    case Tag::kList: {
      std::string s = "[";
      for (const IValue& v : AsList().values) {
        absl::StrAppend(&s, s.size() > 1 ? ", " : "", v.ToString());
      }
      return s + "]";
    }
    default:
      return "<value>";
  }
}

}  // namespace tandem
