#include "tandem/tensor/print.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/strings/string_view.h"
#include "tandem/tensor/context.h"
#include "tandem/tensor/element_reader.h"
#include "tandem/tensor/status_macros.h"

namespace tandem {
namespace {

constexpr int64_t kLineWidth = 80;

// How the numbers of one matrix (or vector) are written.
struct NumberFormat {
  enum class Style { kDefault, kScientific, kFixed };
  Style style = Style::kDefault;
  int width = 0;
  double scale = 1;  // elements are divided by it; a line says so

  void Append(double value, std::string* out) const {
    char buffer[64];
    switch (style) {
      case Style::kDefault:
        std::snprintf(buffer, sizeof(buffer), "%*g", width, value);
        break;
      case Style::kScientific:
        std::snprintf(buffer, sizeof(buffer), "%*.4e", width, value);
        break;
      case Style::kFixed:
        std::snprintf(buffer, sizeof(buffer), "%*.4f", width, value);
        break;
    }
    out->append(buffer);
  }
};

// Decimal digits before the point; 1 for zero.
double DecimalExponent(double magnitude) {
  return magnitude == 0 ? 1 : std::floor(std::log10(magnitude)) + 1;
}

// Prints matrices of one tensor, whose elements `reader` gives.
class TensorPrinter {
 public:
  TensorPrinter(const ElementReader& reader, size_t max_bytes, std::string* out)
      : reader_(reader),
        t_(reader.tensor()),
        max_bytes_(max_bytes),
        out_(out) {}

  absl::Status PrintVector() {
    const int64_t n = t_.size(0), stride = t_.stride(0);
    const NumberFormat format = FormatOf(0, 1, n, 0, stride);
    AppendScale(format);
    for (int64_t i = 0; i < n; ++i) {
      format.Append(reader_.Real(i * stride) / format.scale, out_);
      out_->push_back('\n');
      if (i % 1024 == 0) TANDEM_RETURN_IF_ERROR(CheckSize());
    }
    return absl::OkStatus();
  }

  // The last two dims at `base`.
  absl::Status PrintMatrix(int64_t base, int64_t indent) {
    const int64_t r = t_.dim() - 2, c = r + 1;
    const int64_t rows = t_.size(r), columns = t_.size(c);
    const NumberFormat format =
        FormatOf(base, rows, columns, t_.stride(r), t_.stride(c));
    const std::string blanks(indent, ' ');
    const int64_t per_line =
        std::max<int64_t>(1, (kLineWidth - indent) / (format.width + 1));
    for (int64_t first = 0; first < columns; first += per_line) {
      const int64_t end = std::min(first + per_line, columns);
      if (per_line < columns) {
        if (first != 0) out_->push_back('\n');
        absl::StrAppend(out_, "Columns ", first + 1, " to ", end, blanks);
      }
      if (format.scale != 1) {
        AppendScale(format);
        out_->append(blanks);
      }
      for (int64_t i = 0; i < rows; ++i) {
        // The first row follows what stands there; later ones are indented.
        if (i != 0) {
          out_->append(blanks);
          if (format.scale != 1) out_->push_back(' ');
        }
        for (int64_t j = first; j < end; ++j) {
          if (j != first) out_->push_back(' ');
          format.Append(
              reader_.Real(base + i * t_.stride(r) + j * t_.stride(c)) /
                  format.scale,
              out_);
        }
        out_->push_back('\n');
        TANDEM_RETURN_IF_ERROR(CheckSize());
      }
    }
    return absl::OkStatus();
  }

  // Three dims and more: a matrix for each leading index.
  absl::Status PrintSlices() {
    const int64_t leading = t_.dim() - 2;
    Dims index(leading, 0);
    bool first = true;
    while (true) {
      if (!first) out_->push_back('\n');
      first = false;
      int64_t base = 0;
      out_->push_back('(');
      for (int64_t d = 0; d < leading; ++d) {
        absl::StrAppend(out_, index[d] + 1, ",");
        base += index[d] * t_.stride(d);
      }
      out_->append(".,.) = \n");
      TANDEM_RETURN_IF_ERROR(PrintMatrix(base, 1));
      // The first index counts fastest.
      int64_t d = 0;
      for (; d < leading; ++d) {
        if (++index[d] < t_.size(d)) break;
        index[d] = 0;
      }
      if (d == leading) return absl::OkStatus();
    }
  }

 private:
  absl::Status CheckSize() const {
    if (out_->size() > max_bytes_) {
      return absl::ResourceExhaustedError(absl::StrCat(
          "the text of a tensor is longer than ", max_bytes_, " bytes"));
    }
    return CheckStop();
  }

  void AppendScale(const NumberFormat& format) {
    if (format.scale != 1) {
      absl::StrAppend(out_, ShortestDouble(format.scale), " *\n");
    }
  }

  NumberFormat FormatOf(int64_t base, int64_t rows, int64_t columns,
                        int64_t row_stride, int64_t column_stride) const {
    bool integral = true, any = false;
    double min = 0, max = 0;
    for (int64_t i = 0; i < rows; ++i) {
      for (int64_t j = 0; j < columns; ++j) {
        const double z =
            reader_.Real(base + i * row_stride + j * column_stride);
        if (!std::isfinite(z)) continue;
        const double magnitude = std::fabs(z);
        if (z != std::ceil(z)) integral = false;
        min = any ? std::min(min, magnitude) : magnitude;
        max = any ? std::max(max, magnitude) : magnitude;
        any = true;
      }
    }
    const double e_min = any ? DecimalExponent(min) : 1;
    const double e_max = any ? DecimalExponent(max) : 1;
    NumberFormat format;
    if (integral) {
      if (e_max > 9) {
        format.style = NumberFormat::Style::kScientific;
        format.width = 11;
      } else {
        format.width = static_cast<int>(e_max) + 1;
      }
    } else if (e_max - e_min > 4) {
      format.style = NumberFormat::Style::kScientific;
      format.width = std::fabs(e_max) > 99 || std::fabs(e_min) > 99 ? 12 : 11;
    } else {
      format.style = NumberFormat::Style::kFixed;
      if (e_max > 5 || e_max < 0) {
        format.scale = std::pow(10.0, e_max - 1);
        format.width = 7;
      } else {
        format.width = e_max == 0 ? 7 : static_cast<int>(e_max) + 6;
      }
    }
    return format;
  }

  const ElementReader& reader_;
  const Tensor& t_;
  const size_t max_bytes_;
  std::string* const out_;
};

absl::string_view BackendName(const Device& device) {
  switch (device.type) {
    case DeviceType::kCpu:
      return "CPU";
    case DeviceType::kCuda:
      return "CUDA";
    case DeviceType::kXpu:
      return "XPU";
    case DeviceType::kMps:
      return "MPS";
    case DeviceType::kMeta:
      return "Meta";
  }
  return "CPU";
}

absl::string_view SchemeName(int64_t scheme) {
  switch (scheme) {
    case 1:
      return "per_channel_affine";
    case 2:
      return "per_tensor_symmetric";
    case 3:
      return "per_channel_symmetric";
    case 4:
      return "per_channel_affine_float_qparams";
    default:
      return "per_tensor_affine";
  }
}

absl::StatusOr<std::string> SparseToString(const Tensor& t, size_t max_bytes) {
  const SparseParts* parts = t.impl()->sparse.get();
  if (t.impl()->layout != Layout::kSparse || parts == nullptr) {
    return absl::UnimplementedError(
        "Sparse CSR tensors do not have is_contiguous");
  }
  TANDEM_ASSIGN_OR_RETURN(std::string indices,
                          TensorToString(parts->indices, max_bytes));
  TANDEM_ASSIGN_OR_RETURN(std::string values,
                          TensorToString(parts->values, max_bytes));
  return absl::StrCat("[ Sparse", BackendName(t.device()), TypeName(t.dtype()),
                      "Type{}\nindices:\n", indices, "\nvalues:\n", values,
                      "\nsize:\n", DimsToString(t.sizes()), "\n]");
}

}  // namespace

std::string ShortestDouble(double d) {
  if (std::isnan(d)) return std::signbit(d) ? "-nan" : "nan";
  if (std::isinf(d)) return d < 0 ? "-inf" : "inf";
  char buffer[40];
  const std::to_chars_result r = std::to_chars(
      buffer, buffer + sizeof(buffer), d, std::chars_format::scientific);
  // "-d.ddde±xx"
  absl::string_view text(buffer, r.ptr - buffer);
  std::string result;
  if (text[0] == '-') {
    result = "-";
    text.remove_prefix(1);
  }
  const size_t e = text.find('e');
  const int exponent = std::atoi(std::string(text.substr(e + 1)).c_str());
  std::string digits(text.substr(0, 1));
  if (e > 2) digits.append(text.data() + 2, e - 2);
  const int count = static_cast<int>(digits.size());
  if (exponent < -4 || exponent >= 16) {
    absl::StrAppend(&result, digits.substr(0, 1), count > 1 ? "." : "",
                    digits.substr(1));
    absl::StrAppendFormat(&result, "e%c%02d", exponent < 0 ? '-' : '+',
                          std::abs(exponent));
  } else if (exponent < 0) {
    absl::StrAppend(&result, "0.", std::string(-exponent - 1, '0'), digits);
  } else if (count <= exponent + 1) {
    absl::StrAppend(&result, digits, std::string(exponent + 1 - count, '0'));
  } else {
    absl::StrAppend(&result, digits.substr(0, exponent + 1), ".",
                    digits.substr(exponent + 1));
  }
  return result;
}

absl::StatusOr<std::string> TensorToString(const Tensor& tensor,
                                           size_t max_bytes) {
  if (!tensor.defined()) return std::string("[ Tensor (undefined) ]");
  if (tensor.is_sparse()) return SparseToString(tensor, max_bytes);
  TANDEM_ASSIGN_OR_RETURN(const ElementReader reader,
                          ElementReader::Of(tensor));
  std::string out;
  if (tensor.dim() == 0) {
    absl::StrAppend(&out, ShortestDouble(reader.Real(0)), "\n");
  } else if (tensor.numel() > 0) {
    TensorPrinter printer(reader, max_bytes, &out);
    TANDEM_RETURN_IF_ERROR(tensor.dim() == 1   ? printer.PrintVector()
                           : tensor.dim() == 2 ? printer.PrintMatrix(0, 0)
                                               : printer.PrintSlices());
  }
  absl::StrAppend(&out, "[ ", tensor.is_quantized() ? "Quantized" : "",
                  BackendName(tensor.device()), TypeName(tensor.dtype()),
                  "Type{", absl::StrJoin(tensor.sizes(), ","), "}");
  if (tensor.is_quantized()) {
    const Quantizer& q = *tensor.impl()->quantizer;
    absl::StrAppend(&out, ", qscheme: ", SchemeName(q.scheme));
    if (q.scales.defined()) {
      TANDEM_ASSIGN_OR_RETURN(std::string scales, TensorToString(q.scales));
      TANDEM_ASSIGN_OR_RETURN(std::string zero_points,
                              TensorToString(q.zero_points));
      absl::StrAppend(&out, ", scales: ", scales,
                      ", zero_points: ", zero_points, ", axis: ", q.axis);
    } else {
      absl::StrAppend(&out, ", scale: ", ShortestDouble(q.scale),
                      ", zero_point: ", q.zero_point);
    }
  }
  out.append(" ]");
  return out;
}

}  // namespace tandem
