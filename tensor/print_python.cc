// Python's text of tensors: torch.Tensor.__repr__ with the default print
// options (precision 4, threshold 1000, 3 items at each edge, 80 columns).
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/string_view.h"
#include "tandem/tensor/element_reader.h"
#include "tandem/tensor/print.h"
#include "tandem/tensor/status_macros.h"

namespace tandem {
namespace {

constexpr int64_t kThreshold = 1000;
constexpr int64_t kEdgeItems = 3;
constexpr int64_t kLineWidth = 80;

std::string Format(const char* format, double value) {
  char buffer[400];  // %.4f of the greatest double takes 314
  const int n = std::snprintf(buffer, sizeof(buffer), format, value);
  return std::string(buffer, n);
}

// Python has no signed nan.
std::string FormatFloat(const char* format, double value) {
  if (std::isnan(value)) return "nan";
  return Format(format, value);
}

// Calls `visit` with the offset of each element that is shown.
void ForEachShown(const Tensor& t, bool summarize, int64_t dim, int64_t offset,
                  absl::FunctionRef<void(int64_t)> visit) {
  if (dim == t.dim()) {
    visit(offset);
    return;
  }
  const int64_t n = t.size(dim);
  for (int64_t i = 0; i < n; ++i) {
    if (summarize && n > 2 * kEdgeItems && i == kEdgeItems) {
      i = n - kEdgeItems;
    }
    ForEachShown(t, summarize, dim + 1, offset + i * t.stride(dim), visit);
  }
}

// How elements are written: one style and width for the whole tensor.
class ElementFormat {
 public:
  enum class Part { kReal, kImag };

  ElementFormat(const ElementReader& reader, bool summarize, Part part)
      : reader_(reader), part_(part) {
    const DType dtype = reader.tensor().dtype();
    floating_ = IsFloatingPoint(dtype) || IsComplex(dtype);
    if (floating_) {
      ChooseFloatStyle(summarize);
    } else {
      ForEachShown(reader.tensor(), summarize, 0, 0,
                   [&](int64_t offset) { Widen(IntegerText(offset).size()); });
    }
  }

  size_t width() const { return width_; }

  std::string Text(int64_t offset) const {
    std::string text =
        floating_ ? FloatText(Value(offset)) : IntegerText(offset);
    if (text.size() < width_) text.insert(0, width_ - text.size(), ' ');
    return text;
  }

 private:
  double Value(int64_t offset) const {
    return part_ == Part::kReal ? reader_.Real(offset) : reader_.Imag(offset);
  }

  void Widen(size_t width) { width_ = std::max(width_, width); }

  std::string IntegerText(int64_t offset) const {
    const int64_t value = reader_.Int(offset);
    switch (reader_.tensor().dtype()) {
      case DType::kBool:
        return value != 0 ? "True" : "False";
      case DType::kUInt64:
        return absl::StrCat(static_cast<uint64_t>(value));
      default:
        return absl::StrCat(value);
    }
  }

  std::string FloatText(double value) const {
    if (scientific_) return FormatFloat("%.4e", value);
    if (integral_) {
      std::string text = FormatFloat("%.0f", value);
      if (std::isfinite(value)) text.push_back('.');
      return text;
    }
    return FormatFloat("%.4f", value);
  }

  void ChooseFloatStyle(bool summarize) {
    double min = 0, max = 0;
    bool any = false;
    ForEachShown(reader_.tensor(), summarize, 0, 0, [&](int64_t offset) {
      const double value = Value(offset);
      if (!std::isfinite(value) || value == 0) return;
      const double magnitude = std::fabs(value);
      min = any ? std::min(min, magnitude) : magnitude;
      max = any ? std::max(max, magnitude) : magnitude;
      any = true;
      if (value != std::ceil(value)) integral_ = false;
    });
    if (!any) return;
    scientific_ = max / min > 1000 || max > 1e8 || (!integral_ && min < 1e-4);
    ForEachShown(reader_.tensor(), summarize, 0, 0, [&](int64_t offset) {
      const double value = Value(offset);
      if (!std::isfinite(value) || value == 0) return;
      Widen(FloatText(value).size());
    });
  }

  const ElementReader& reader_;
  const Part part_;
  bool floating_;
  bool integral_ = true;
  bool scientific_ = false;
  size_t width_ = 1;
};

// Writes the nested brackets.
class ArrayPrinter {
 public:
  ArrayPrinter(const ElementReader& reader, bool summarize)
      : t_(reader.tensor()),
        summarize_(summarize),
        real_(reader, summarize, ElementFormat::Part::kReal) {
    if (IsComplex(t_.dtype())) {
      imag_.emplace(reader, summarize, ElementFormat::Part::kImag);
    }
  }

  std::string Print(int64_t dim, int64_t offset, int64_t indent) const {
    if (dim == t_.dim()) return ElementText(offset);
    if (dim == t_.dim() - 1) return VectorText(offset, indent);
    std::vector<std::string> slices;
    const int64_t n = t_.size(dim);
    for (int64_t i = 0; i < n; ++i) {
      if (summarize_ && n > 2 * kEdgeItems && i == kEdgeItems) {
        slices.push_back("...");
        i = n - kEdgeItems;
      }
      slices.push_back(Print(dim + 1, offset + i * t_.stride(dim), indent + 1));
    }
    return absl::StrCat(
        "[",
        absl::StrJoin(slices,
                      absl::StrCat(",", std::string(t_.dim() - dim - 1, '\n'),
                                   std::string(indent + 1, ' '))),
        "]");
  }

 private:
  std::string ElementText(int64_t offset) const {
    std::string text = real_.Text(offset);
    if (imag_.has_value()) {
      const std::string padded = imag_->Text(offset);
      absl::string_view imag = padded;
      imag.remove_prefix(imag.find_first_not_of(' '));
      if (imag[0] != '-') text.push_back('+');
      absl::StrAppend(&text, imag, "j");
    }
    return text;
  }

  std::string VectorText(int64_t offset, int64_t indent) const {
    size_t width = real_.width() + 2;
    if (imag_.has_value()) width += imag_->width() + 1;
    const int64_t per_line = std::max<int64_t>(
        1, (kLineWidth - indent) / static_cast<int64_t>(width));
    const int64_t n = t_.size(t_.dim() - 1), stride = t_.stride(t_.dim() - 1);
    std::vector<std::string> items;
    for (int64_t i = 0; i < n; ++i) {
      if (summarize_ && n > 2 * kEdgeItems && i == kEdgeItems) {
        items.push_back(" ...");
        i = n - kEdgeItems;
      }
      items.push_back(ElementText(offset + i * stride));
    }
    std::string text = "[";
    for (size_t i = 0; i < items.size(); ++i) {
      if (i != 0) {
        if (i % per_line == 0) {
          absl::StrAppend(&text, ",\n", std::string(indent + 1, ' '));
        } else {
          text.append(", ");
        }
      }
      text.append(items[i]);
    }
    text.push_back(']');
    return text;
  }

  const Tensor& t_;
  const bool summarize_;
  const ElementFormat real_;
  std::optional<ElementFormat> imag_;
};

absl::StatusOr<std::string> ArrayText(const Tensor& t, int64_t indent) {
  if (t.numel() == 0) return std::string("[]");
  TANDEM_ASSIGN_OR_RETURN(const ElementReader reader, ElementReader::Of(t));
  const ArrayPrinter printer(reader, t.numel() > kThreshold);
  return printer.Print(0, 0, indent);
}

// "(2, 3)", "(2,)", "()"
std::string SizeText(const Tensor& t) {
  return absl::StrCat("(", absl::StrJoin(t.sizes(), ", "),
                      t.dim() == 1 ? ",)" : ")");
}

std::string DTypeText(DType dtype) {
  return absl::StrCat("dtype=torch.", PythonName(dtype));
}

bool IsDefaultDType(DType dtype) {
  return dtype == DType::kFloat || dtype == DType::kInt64 ||
         dtype == DType::kBool || dtype == DType::kComplexFloat;
}

// "indices=tensor([[0, 1]])" of a sparse tensor's parts.
absl::StatusOr<std::string> PartText(absl::string_view name, const Tensor& part,
                                     int64_t indent) {
  const std::string prefix = absl::StrCat(name, "=tensor(");
  TANDEM_ASSIGN_OR_RETURN(
      std::string text,
      ArrayText(part, indent + static_cast<int64_t>(prefix.size())));
  if (part.numel() == 0) absl::StrAppend(&text, ", size=", SizeText(part));
  return absl::StrCat(prefix, text, ")");
}

std::string PythonFloat(double d) {
  std::string text = ShortestDouble(d);
  if (text.find_first_of(".en") == std::string::npos) text.append(".0");
  return text;
}

absl::string_view SchemeName(int64_t scheme) {
  switch (scheme) {
    case 1:
      return "torch.per_channel_affine";
    case 2:
      return "torch.per_tensor_symmetric";
    case 3:
      return "torch.per_channel_symmetric";
    case 4:
      return "torch.per_channel_affine_float_qparams";
    default:
      return "torch.per_tensor_affine";
  }
}

}  // namespace

absl::StatusOr<std::string> TensorToPythonString(const Tensor& tensor) {
  if (!tensor.defined()) return std::string("None");
  const std::string prefix = "tensor(";
  const int64_t indent = static_cast<int64_t>(prefix.size());
  std::vector<std::string> suffixes;
  std::string body;
  const DType dtype = tensor.dtype();
  const SparseParts* sparse = tensor.impl()->sparse.get();
  if (!tensor.device().is_cpu()) {
    suffixes.push_back(
        absl::StrCat("device='", tensor.device().ToString(), "'"));
  }
  if (sparse != nullptr) {
    suffixes.push_back("size=" + SizeText(tensor));
    suffixes.push_back(absl::StrCat(
        "nnz=", sparse->values.dim() == 0 ? 0 : sparse->values.size(0)));
    if (!IsDefaultDType(dtype)) suffixes.push_back(DTypeText(dtype));
    std::vector<std::string> parts;
    if (tensor.impl()->layout == Layout::kSparse) {
      TANDEM_ASSIGN_OR_RETURN(std::string indices,
                              PartText("indices", sparse->indices, indent));
      parts.push_back(std::move(indices));
    } else {
      TANDEM_ASSIGN_OR_RETURN(std::string crow,
                              PartText("crow_indices", sparse->crow, indent));
      TANDEM_ASSIGN_OR_RETURN(std::string col,
                              PartText("col_indices", sparse->col, indent));
      parts.push_back(std::move(crow));
      parts.push_back(std::move(col));
    }
    TANDEM_ASSIGN_OR_RETURN(std::string values,
                            PartText("values", sparse->values, indent));
    parts.push_back(std::move(values));
    body = absl::StrJoin(parts, absl::StrCat(",\n", std::string(indent, ' ')));
  } else if (tensor.is_meta()) {
    suffixes.push_back("size=" + SizeText(tensor));
    if (dtype != DType::kFloat) suffixes.push_back(DTypeText(dtype));
    body = "...";
  } else if (tensor.is_quantized()) {
    const Quantizer& q = *tensor.impl()->quantizer;
    suffixes.push_back("size=" + SizeText(tensor));
    suffixes.push_back(DTypeText(dtype));
    suffixes.push_back(
        absl::StrCat("quantization_scheme=", SchemeName(q.scheme)));
    if (q.scales.defined()) {
      TANDEM_ASSIGN_OR_RETURN(std::string scales,
                              TensorToPythonString(q.scales));
      TANDEM_ASSIGN_OR_RETURN(std::string zero_points,
                              TensorToPythonString(q.zero_points));
      suffixes.push_back("scale=" + scales);
      suffixes.push_back("zero_point=" + zero_points);
      suffixes.push_back(absl::StrCat("axis=", q.axis));
    } else {
      suffixes.push_back("scale=" + PythonFloat(q.scale));
      suffixes.push_back(absl::StrCat("zero_point=", q.zero_point));
    }
    TANDEM_ASSIGN_OR_RETURN(body, ArrayText(tensor, indent));
  } else {
    if (tensor.numel() == 0) {
      if (tensor.dim() != 1) suffixes.push_back("size=" + SizeText(tensor));
      if (dtype != DType::kFloat) suffixes.push_back(DTypeText(dtype));
    } else if (!IsDefaultDType(dtype)) {
      suffixes.push_back(DTypeText(dtype));
    }
    TANDEM_ASSIGN_OR_RETURN(body, ArrayText(tensor, indent));
  }
  switch (tensor.impl()->layout) {
    case Layout::kStrided:
      break;
    case Layout::kSparse:
      suffixes.push_back("layout=torch.sparse_coo");
      break;
    case Layout::kSparseCsr:
      suffixes.push_back("layout=torch.sparse_csr");
      break;
    case Layout::kMkldnn:
      suffixes.push_back("layout=torch._mkldnn");
      break;
  }
  if (tensor.requires_grad()) suffixes.push_back("requires_grad=True");

  std::string text = prefix + body;
  bool force_newline = tensor.impl()->layout == Layout::kSparse;
  const size_t newline = text.rfind('\n');
  // Counted as PyTorch does: two more than there are without a line end.
  int64_t line =
      static_cast<int64_t>(text.size()) + 1 -
      (newline == std::string::npos ? -1 : static_cast<int64_t>(newline));
  for (const std::string& suffix : suffixes) {
    const int64_t length = static_cast<int64_t>(suffix.size());
    if (force_newline || line + length + 2 > kLineWidth) {
      absl::StrAppend(&text, ",\n", std::string(indent, ' '), suffix);
      line = indent + length;
      force_newline = false;
    } else {
      absl::StrAppend(&text, ", ", suffix);
      line += length + 2;
    }
  }
  text.push_back(')');
  return text;
}

}  // namespace tandem
