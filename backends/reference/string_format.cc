// Values to text: str(), format(), %, hex() and their like; asserts.
#include <cmath>
#include <cstdio>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/string_view.h"
#include "tandem/backends/reference/string.h"
#include "tandem/ir/print_value.h"
#include "tandem/tensor/context.h"
#include "tandem/tensor/status_macros.h"

namespace tandem::reference {
namespace {

using absl::string_view;

absl::StatusOr<std::string> Str(const IValue& v) {
  std::string text;
  TANDEM_RETURN_IF_ERROR(AppendValueText(v, &text));
  return text;
}

// Replaces each "{}" by the text of the next value; anything else in braces
// stays. Values that are left over are ignored.
absl::Status Format(const KernelCall& call) {
  const std::string& format = call.in(0).AsString();
  std::string result;
  size_t from = 0;
  uint32_t next = 1;
  for (size_t at = format.find("{}"); at != std::string::npos;
       at = format.find("{}", from)) {
    if (next == call.num_inputs) {
      return absl::InvalidArgumentError(
          absl::StrCat("Too few arguments for format string: ", format));
    }
    result.append(format, from, at - from);
    TANDEM_RETURN_IF_ERROR(AppendValueText(call.in(next++), &result));
    from = at + 2;
  }
  result.append(format, from, std::string::npos);
  call.out(0) = IValue(std::move(result));
  return absl::OkStatus();
}

// The name that PyTorch has for a value's tag in this message.
string_view TagName(const IValue& v) {
  switch (v.tag()) {
    case IValue::Tag::kNone:
      return "None";
    case IValue::Tag::kBool:
      return "Bool";
    case IValue::Tag::kInt:
      return "Int";
    case IValue::Tag::kDouble:
      return "Double";
    case IValue::Tag::kComplex:
      return "ComplexDouble";
    case IValue::Tag::kDevice:
      return "Device";
    case IValue::Tag::kTensor:
      return "Tensor";
    case IValue::Tag::kString:
      return "String";
    case IValue::Tag::kTuple:
      return "Tuple";
    case IValue::Tag::kDict:
      return "GenericDict";
    case IValue::Tag::kObject:
    case IValue::Tag::kOpaque:
      return "Object";
    case IValue::Tag::kEnum:
      return "Enum";
    case IValue::Tag::kFuture:
      return "Future";
    case IValue::Tag::kGenerator:
      return "Generator";
    case IValue::Tag::kFunction:
      return "Function";
    case IValue::Tag::kList:
      return "GenericList";
  }
  return "";
}

// %d goes through a C int, the others through a C float.
int32_t ToCInt(const IValue& v) {
  if (!v.is_double()) {
    // An integer becomes a double first, too.
    const double d = static_cast<double>(v.AsInt());
    return d >= -2147483648.0 && d < 2147483648.0 ? static_cast<int32_t>(d)
                                                  : INT32_MIN;
  }
  const double d = v.AsDouble();
  return d > -2147483649.0 && d < 2147483648.0 ? static_cast<int32_t>(d)
                                               : INT32_MIN;
}
float ToCFloat(const IValue& v) {
  return static_cast<float>(v.is_double() ? v.AsDouble()
                                          : static_cast<double>(v.AsInt()));
}

absl::Status AppendFormatted(char key, const IValue& value, std::string* out) {
  const bool number = value.is_int() || value.is_double() || value.is_bool();
  switch (key) {
    case 'd':
    case 'i':
    case 'e':
    case 'E':
    case 'f':
    case 'F': {
      if (!number) {
        return absl::InvalidArgumentError(absl::StrCat(
            "%", std::string(1, key),
            " requires a number for formatting, but got ", TagName(value)));
      }
      char buffer[80];
      const float f = ToCFloat(value);
      switch (key) {
        case 'd':
        case 'i':
          absl::StrAppend(out, ToCInt(value));
          return absl::OkStatus();
        case 'e':
          std::snprintf(buffer, sizeof(buffer), "%.6e", f);
          break;
        case 'E':
          std::snprintf(buffer, sizeof(buffer), "%.6E", f);
          break;
        default:
          std::snprintf(buffer, sizeof(buffer), "%.6f", f);
      }
      out->append(buffer);
      return absl::OkStatus();
    }
    case 'c':
      if (value.is_int()) {
        out->push_back(static_cast<char>(value.AsInt()));
        return absl::OkStatus();
      }
      if (value.is_string() && value.AsString().size() == 1) {
        out->append(value.AsString());
        return absl::OkStatus();
      }
      return absl::InvalidArgumentError(
          absl::StrCat("%c requires an int or char for formatting, but got ",
                       TagName(value)));
    case 's':
      return AppendValueText(value, out);
    default:
      return absl::InvalidArgumentError(
          absl::StrCat("The specifier %", std::string(1, key),
                       " is not supported in TorchScript format strings"));
  }
}

absl::Status PercentFormat(const KernelCall& call) {
  const std::string& format = call.in(0).AsString();
  if (call.num_inputs < 2) {
    return absl::InvalidArgumentError("Too few arguments for format string");
  }
  const IValue& argument = call.in(call.num_inputs - 1);
  const absl::Span<const IValue> values =
      argument.is_tuple() ? absl::MakeConstSpan(argument.AsTuple().values)
                          : absl::MakeConstSpan(&argument, 1);
  std::string result;
  size_t used = 0, from = 0;
  for (size_t at = format.find('%'); at != std::string::npos;
       at = format.find('%', from)) {
    if (at + 1 == format.size()) {
      return absl::InvalidArgumentError("Incomplete format specifier");
    }
    result.append(format, from, at - from);
    from = at + 2;
    if (format[at + 1] == '%') {
      result.push_back('%');
      continue;
    }
    if (used == values.size()) {
      return absl::InvalidArgumentError("Too few arguments for format string");
    }
    TANDEM_RETURN_IF_ERROR(
        AppendFormatted(format[at + 1], values[used++], &result));
  }
  if (used != values.size()) {
    return absl::InvalidArgumentError("Too many arguments for format string");
  }
  result.append(format, from, std::string::npos);
  call.out(0) = IValue(std::move(result));
  return absl::OkStatus();
}

// "-0x1f"; the least integer prints as its magnitude.
std::string Digits(int64_t i, string_view prefix, int bits_per_digit) {
  uint64_t rest = i < 0 ? 0 - static_cast<uint64_t>(i) : i;
  std::string digits;
  do {
    digits.push_back("0123456789abcdef"[rest & ((1u << bits_per_digit) - 1)]);
    rest >>= bits_per_digit;
  } while (rest != 0);
  return absl::StrCat(i < 0 ? "-" : "", prefix,
                      std::string(digits.rbegin(), digits.rend()));
}
std::string Hex(int64_t i) { return Digits(i, "0x", 4); }
std::string Oct(int64_t i) { return Digits(i, "0o", 3); }
std::string Bin(int64_t i) { return Digits(i, "0b", 1); }

absl::StatusOr<int64_t> Ord(string_view s) {
  if (s.size() != 1) {
    return absl::InvalidArgumentError(
        absl::StrCat("String for ord() must be 1 character, found ", s.size()));
  }
  return static_cast<uint8_t>(s[0]);
}
// One byte, whatever the number.
absl::StatusOr<std::string> Chr(int64_t i) {
  if (i < 0 || i >= 1114111) {
    return absl::InvalidArgumentError(
        absl::StrCat("chr() arg not in range(0x110000), found ", i));
  }
  return std::string(1, static_cast<char>(i));
}

absl::Status AssertScalar(const Scalar& value, string_view message) {
  if (!value.ToBool()) return absl::InvalidArgumentError(message);
  return absl::OkStatus();
}
void Print(string_view s) {
  const std::string line = absl::StrCat(s, "\n");
  if (OutputSink* sink = CurrentContext().output; sink != nullptr) {
    sink->Write(line);
  } else {
    std::fputs(line.c_str(), stdout);
  }
}

}  // namespace

void AddStringFormat(KernelRegistrar& r) {
  const KernelOptions lazy = {.handles_lazy_bits = true};
  r.Add("aten::str", &Str, lazy)
      .AddBoxed("aten::format", &Format, lazy)
      .AddBoxed("aten::percentFormat", &PercentFormat, lazy)
      .Add("aten::hex", &Hex)
      .Add("aten::oct", &Oct)
      .Add("aten::bin", &Bin)
      .Add("aten::ord", &Ord)
      .Add("aten::chr", &Chr)
      .Add("aten::_assert_scalar", &AssertScalar)
      .Add("aten::_print", &Print);
}

}  // namespace tandem::reference
