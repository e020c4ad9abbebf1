#include "tandem/ir/print_value.h"

#include <cmath>
#include <cstdio>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "tandem/ir/class_type.h"
#include "tandem/tensor/context.h"
#include "tandem/tensor/status_macros.h"

namespace tandem {
namespace {

constexpr int kMaxDepth = 256;

class ValuePrinter {
 public:
  ValuePrinter(std::string* out, size_t max_bytes)
      : out_(out), start_(out->size()), max_bytes_(max_bytes) {}

  absl::Status Print(const IValue& value, int depth = 0) {
    switch (value.tag()) {
      case IValue::Tag::kNone:
        out_->append("None");
        break;
      case IValue::Tag::kBool:
        out_->append(value.AsBool() ? "True" : "False");
        break;
      case IValue::Tag::kInt:
        absl::StrAppend(out_, value.AsInt());
        break;
      case IValue::Tag::kDouble:
        out_->append(FloatToString(value.AsDouble()));
        break;
      case IValue::Tag::kComplex:
        out_->append(ComplexToString(value.AsComplex()));
        break;
      case IValue::Tag::kDevice:
        out_->append(value.AsDevice().ToString());
        break;
      case IValue::Tag::kString:
        out_->append(value.AsString());
        break;
      case IValue::Tag::kTensor: {
        const size_t used = out_->size() - start_;
        TANDEM_ASSIGN_OR_RETURN(
            std::string text,
            TensorToString(value.AsTensor(),
                           used < max_bytes_ ? max_bytes_ - used : 0));
        out_->append(text);
        break;
      }
      case IValue::Tag::kList:
        return PrintElements(value.AsList().values, "[", "]", depth);
      case IValue::Tag::kTuple: {
        const std::vector<IValue>& values = value.AsTuple().values;
        return PrintElements(values, "(", values.size() == 1 ? ",)" : ")",
                             depth);
      }
      case IValue::Tag::kDict:
        return PrintDict(value.AsDict(), depth);
      case IValue::Tag::kObject:
        absl::StrAppendFormat(out_, "<%s object at %p>",
                              value.AsObject().type()->name(),
                              static_cast<void*>(&value.AsObject()));
        break;
      case IValue::Tag::kEnum:
        absl::StrAppend(out_, "Enum<", value.AsEnum().type->base_name(), ".",
                        value.AsEnum().name, ">");
        break;
      case IValue::Tag::kFuture:
        out_->append("Future");
        break;
      case IValue::Tag::kGenerator:
        out_->append("Generator");
        break;
      case IValue::Tag::kOpaque:
        absl::StrAppendFormat(out_, "<%s object at %p>",
                              value.AsOpaque().qualified_name,
                              static_cast<void*>(&value.AsOpaque()));
        break;
      case IValue::Tag::kFunction:
        out_->append("Function");
        break;
    }
    return CheckSize();
  }

 private:
  absl::Status CheckSize() const {
    if (out_->size() - start_ > max_bytes_) {
      return absl::ResourceExhaustedError(absl::StrCat(
          "the text of a value is longer than ", max_bytes_, " bytes"));
    }
    return absl::OkStatus();
  }

  static absl::Status CheckDepth(int depth) {
    if (depth >= kMaxDepth) {
      return absl::InvalidArgumentError(
          "a value nested this deeply cannot be printed");
    }
    return absl::OkStatus();
  }

  // An index, not an iterator: nothing here changes the list, but another
  // thread's program may.
  absl::Status PrintElements(const std::vector<IValue>& values,
                             const char* open, const char* close, int depth) {
    TANDEM_RETURN_IF_ERROR(CheckDepth(depth));
    out_->append(open);
    for (size_t i = 0; i < values.size(); ++i) {
      if (i != 0) out_->append(", ");
      TANDEM_RETURN_IF_ERROR(Print(values[i], depth + 1));
      if (i % 4096 == 4095) TANDEM_RETURN_IF_ERROR(CheckStop());
    }
    out_->append(close);
    return CheckSize();
  }

  absl::Status PrintDict(const DictObject& dict, int depth) {
    TANDEM_RETURN_IF_ERROR(CheckDepth(depth));
    out_->push_back('{');
    bool first = true;
    absl::Status status;
    dict.ForEach([&](const IValue& key, const IValue& value) {
      if (!status.ok()) return;
      if (!first) out_->append(", ");
      first = false;
      status = Print(key, depth + 1);
      if (!status.ok()) return;
      out_->append(": ");
      status = Print(value, depth + 1);
    });
    out_->push_back('}');
    return status;
  }

  std::string* const out_;
  const size_t start_;
  const size_t max_bytes_;
};

}  // namespace

std::string FloatToString(double d, bool for_code) {
  // C++ streams show the sign of a nan; literals have none.
  if (std::isnan(d)) return std::signbit(d) && !for_code ? "-nan" : "nan";
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
  return absl::StrCat(FloatToString(c.real()), c.imag() >= 0 ? "+" : "-",
                      FloatToString(std::fabs(c.imag())), "j");
}

absl::Status AppendValueText(const IValue& value, std::string* out,
                             size_t max_bytes) {
  return ValuePrinter(out, max_bytes).Print(value);
}

std::string IValue::ToString() const {
  std::string out;
  const absl::Status status = AppendValueText(*this, &out);
  if (!status.ok()) absl::StrAppend(&out, "<", status.message(), ">");
  return out;
}

}  // namespace tandem
