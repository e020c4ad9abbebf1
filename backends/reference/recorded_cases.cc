#include "tandem/backends/reference/recorded_cases.h"

#include <cmath>
#include <fstream>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "tandem/tensor/copy.h"
#include "tandem/tensor/status_macros.h"

namespace tandem::reference {
namespace {

double ToDouble(absl::string_view s) {
  double d = 0;
  if (!absl::SimpleAtod(s, &d)) d = NAN;
  return d;
}

int64_t ToInt(absl::string_view s) {
  int64_t i = 0;
  (void)absl::SimpleAtoi(s, &i);
  return i;
}

Dims ToDims(absl::string_view s) {
  Dims dims;
  if (s.empty()) return dims;
  for (absl::string_view part : absl::StrSplit(s, ',')) {
    dims.push_back(ToInt(part));
  }
  return dims;
}

Scalar ToScalar(absl::string_view s, DType dtype) {
  const std::vector<absl::string_view> parts = absl::StrSplit(s, '|');
  if (parts.size() == 2) {
    return Scalar(std::complex<double>(ToDouble(parts[0]), ToDouble(parts[1])));
  }
  if (IsIntegral(dtype, true)) return Scalar(ToInt(s));
  return Scalar(ToDouble(s));
}

// The parts of a tensor's token.
struct Recorded {
  DType dtype = DType::kUndefined;
  Dims sizes, strides;
  int64_t offset = 0;
  std::string flags, alias;
  std::vector<std::string> elements;
};

Recorded ParseTensor(absl::string_view token) {
  const std::vector<std::string> f = absl::StrSplit(token, ':');
  Recorded r;
  r.dtype = DTypeFromPythonName(f[1]).value_or(DType::kUndefined);
  r.sizes = ToDims(f[2]);
  r.strides = ToDims(f[3]);
  r.offset = ToInt(f[4]);
  r.flags = f[5];
  r.alias = f[6];
  if (!f[7].empty()) r.elements = absl::StrSplit(f[7], ',');
  return r;
}

absl::StatusOr<Tensor> MakeTensor(const Recorded& r) {
  int64_t last = r.offset;
  bool empty = false;
  for (size_t d = 0; d < r.sizes.size(); ++d) {
    last += (r.sizes[d] - 1) * r.strides[d];
    empty = empty || r.sizes[d] == 0;
  }
  TANDEM_ASSIGN_OR_RETURN(
      const Tensor memory,
      Tensor::Zeros({empty ? r.offset : last + 1}, r.dtype));
  TANDEM_ASSIGN_OR_RETURN(
      Tensor t, Tensor::OverStorage(memory.storage(), r.offset, r.sizes,
                                    r.strides, r.dtype));
  t.impl()->conj = absl::StrContains(r.flags, "c");
  t.impl()->neg = absl::StrContains(r.flags, "n");
  Dims index(r.sizes.size(), 0);
  for (const std::string& e : r.elements) {
    int64_t at = r.offset;
    for (size_t d = 0; d < index.size(); ++d) at += index[d] * r.strides[d];
    Tensor one = t.ViewUnchecked({}, {}, at);
    TANDEM_RETURN_IF_ERROR(FillElements(one, ToScalar(e, r.dtype)));
    for (int64_t d = static_cast<int64_t>(index.size()) - 1; d >= 0; --d) {
      if (++index[d] < r.sizes[d]) break;
      index[d] = 0;
    }
  }
  return t;
}

// Walks the tokens of a part.
class Reader {
 public:
  explicit Reader(absl::string_view s) : s_(s) { Skip(); }
  bool done() const { return s_.empty(); }
  absl::string_view Next() {
    size_t end = 0;
    if (s_.size() > 1 && s_[1] == '"') {
      end = 2;
      while (s_[end] != '"') end += s_[end] == '\\' ? 2 : 1;
      ++end;
    } else {
      end = std::min(s_.find(' '), s_.size());
    }
    const absl::string_view token = s_.substr(0, end);
    s_.remove_prefix(end);
    Skip();
    return token;
  }

 private:
  void Skip() {
    while (!s_.empty() && s_[0] == ' ') s_.remove_prefix(1);
  }
  absl::string_view s_;
};

std::string Unquote(absl::string_view token) {
  std::string text;
  for (size_t i = 2; i + 1 < token.size(); ++i) {
    char c = token[i];
    if (c == '\\') {
      c = token[++i];
      c = c == 'n' ? '\n' : c == 't' ? '\t' : c;
    }
    text.push_back(c);
  }
  return text;
}

absl::StatusOr<IValue> ParseValue(Reader& reader, const Type& type,
                                  std::vector<Tensor>* tensors) {
  const Type& t = type.is(TypeKind::kOptional) ? *type.element() : type;
  const absl::string_view token = reader.Next();
  switch (token[0]) {
    case 'N':
      return IValue();
    case 'T':
      return IValue(true);
    case 'F':
      return IValue(false);
    case 'i':
      return IValue(ToInt(token.substr(1)));
    case 'f':
      return IValue(ToDouble(token.substr(1)));
    case 'c':
      return IValue(ToScalar(token.substr(1), DType::kComplexDouble));
    case 's':
      return IValue(Unquote(token));
    case 'd': {
      TANDEM_ASSIGN_OR_RETURN(const Device d, ParseDevice(token.substr(1)));
      return IValue(d);
    }
    case 't': {
      TANDEM_ASSIGN_OR_RETURN(Tensor tensor, MakeTensor(ParseTensor(token)));
      tensors->push_back(tensor);
      return IValue(tensor);
    }
    case '[': {
      std::vector<IValue> values;
      const TypePtr element = t.is(TypeKind::kList) ? t.element() : Type::Int();
      TypePtr actual = element;
      Reader ahead = reader;
      while (ahead.Next() != "]") {
        TANDEM_ASSIGN_OR_RETURN(IValue v,
                                ParseValue(reader, *element, tensors));
        values.push_back(std::move(v));
        ahead = reader;
      }
      reader.Next();
      if (element->is(TypeKind::kVar) && !values.empty()) {
        actual = values[0].TypeOf();
      }
      return IValue(MakeList(actual, std::move(values)));
    }
    default:
      return absl::InvalidArgumentError(absl::StrCat("token ", token));
  }
}

std::string CheckTensor(const Tensor& got, absl::string_view token,
                        const std::vector<Tensor>& inputs, double tolerance16) {
  const Recorded want = ParseTensor(token);
  if (!got.defined()) return "an undefined tensor";
  if (got.dtype() != want.dtype) {
    return absl::StrCat("dtype ", PythonName(got.dtype()), " not ",
                        PythonName(want.dtype));
  }
  if (got.sizes() != DimSpan(want.sizes)) {
    return absl::StrCat("sizes ", DimsToString(got.sizes()), " not ",
                        DimsToString(want.sizes));
  }
  for (int64_t d = 0; d < got.dim(); ++d) {
    if (got.stride(d) != want.strides[d] && got.size(d) > 1 &&
        got.numel() > 0) {
      return absl::StrCat("strides ", DimsToString(got.strides()), " not ",
                          DimsToString(want.strides));
    }
  }
  if (want.alias != "-") {
    const Tensor& source = inputs[ToInt(want.alias)];
    if (got.storage() != source.storage()) {
      return absl::StrCat("shares no storage with argument ", want.alias);
    }
    if (got.offset() != want.offset && got.numel() > 0) {
      return absl::StrCat("offset ", got.offset(), " not ", want.offset);
    }
  } else if (got.numel() > 0) {
    for (const Tensor& input : inputs) {
      if (input.storage() == got.storage()) return "shares an input's storage";
    }
  }
  if (got.impl()->conj != absl::StrContains(want.flags, "c")) return "conj bit";
  if (got.impl()->neg != absl::StrContains(want.flags, "n")) return "neg bit";
  if (want.elements == std::vector<std::string>{"*"}) return "";
  absl::StatusOr<Tensor> dense =
      CloneContiguous(got, IsComplex(got.dtype()) ? DType::kComplexDouble
                           : IsIntegral(got.dtype(), true) ? DType::kInt64
                                                           : DType::kDouble);
  if (!dense.ok()) return std::string(dense.status().message());
  const double tolerance =
      got.dtype() == DType::kHalf || got.dtype() == DType::kBFloat16
          ? tolerance16
      : got.dtype() == DType::kDouble || got.dtype() == DType::kComplexDouble
          ? 1e-12
          : 1e-5;
  const auto close = [&](double a, double b) {
    if (std::isnan(a) || std::isnan(b)) return std::isnan(a) && std::isnan(b);
    return a == b || std::abs(a - b) <= tolerance * (1 + std::abs(b));
  };
  for (int64_t i = 0; i < got.numel(); ++i) {
    const Scalar s = ToScalar(want.elements[i], dense->dtype());
    bool same;
    std::string have;
    if (dense->dtype() == DType::kInt64) {
      const int64_t v = dense->data<int64_t>()[i];
      same = v == s.ToInt();
      have = absl::StrCat(v);
    } else if (dense->dtype() == DType::kDouble) {
      const double v = dense->data<double>()[i];
      same = close(v, s.ToDouble());
      have = absl::StrCat(v);
    } else {
      const auto v = dense->data<std::complex<double>>()[i];
      same = close(v.real(), s.ToComplex().real()) &&
             close(v.imag(), s.ToComplex().imag());
      have = absl::StrCat(v.real(), "|", v.imag());
    }
    if (!same) {
      return absl::StrCat("element ", i, " is ", have, " not ",
                          want.elements[i]);
    }
  }
  return "";
}

std::string CheckValue(const IValue& got, Reader& reader,
                       const std::vector<Tensor>& inputs, double tolerance16) {
  const absl::string_view token = reader.Next();
  if (token[0] == 't') {
    return got.is_tensor()
               ? CheckTensor(got.AsTensor(), token, inputs, tolerance16)
               : "not a tensor";
  }
  if (token == "[") {
    if (!got.is_list()) return "not a list";
    size_t i = 0;
    while (true) {
      Reader ahead = reader;
      if (ahead.Next() == "]") break;
      if (i >= got.AsList().values.size()) return "a list that is too short";
      const std::string why =
          CheckValue(got.AsList().values[i++], reader, inputs, tolerance16);
      if (!why.empty()) return absl::StrCat("[", i - 1, "]: ", why);
    }
    reader.Next();
    return i == got.AsList().values.size() ? "" : "a list that is too long";
  }
  std::string text;
  switch (token[0]) {
    case 'N':
      // An undefined tensor is a program's None.
      return got.is_none() || (got.is_tensor() && !got.AsTensor().defined())
                 ? ""
                 : "not None";
    case 'T':
    case 'F':
      return got.is_bool() && got.AsBool() == (token == "T")
                 ? ""
                 : absl::StrCat(got.ToString(), " not ", token);
    case 'i':
      return got.is_int() && got.AsInt() == ToInt(token.substr(1))
                 ? ""
                 : absl::StrCat(got.ToString(), " not ", token);
    case 'f': {
      const double want = ToDouble(token.substr(1));
      return got.is_double() &&
                     (got.AsDouble() == want ||
                      (std::isnan(want) && std::isnan(got.AsDouble())))
                 ? ""
                 : absl::StrCat(got.ToString(), " not ", token);
    }
    default:
      return "";
  }
}

std::string RunCase(const Registry& registry,
                    absl::Span<const std::string> backends,
                    absl::string_view line, double tolerance16) {
  const std::vector<absl::string_view> parts = absl::StrSplit(line, '\t');
  const std::pair<absl::string_view, absl::string_view> name =
      absl::StrSplit(parts[0], absl::MaxSplits('.', 1));
  const Operator* op = registry.operators().Find(name.first, name.second);
  if (op == nullptr) return "no such operator";
  const std::vector<const KernelEntry*> kernels =
      registry.FindAll(*op, backends);
  if (kernels.empty()) return "no kernel";
  std::vector<IValue> registers;
  std::vector<uint32_t> inputs, outputs;
  std::vector<Tensor> tensors;
  Reader arguments(parts[1]);
  for (const Argument& a : op->schema.arguments) {
    absl::StatusOr<IValue> v = ParseValue(arguments, *a.type, &tensors);
    if (!v.ok()) return std::string(v.status().message());
    IValue resolved = *v;
    if (!kernels[0]->options.handles_lazy_bits && resolved.is_tensor()) {
      resolved = IValue(*ResolveLazyBits(resolved.AsTensor()));
    }
    inputs.push_back(registers.size());
    registers.push_back(resolved);
  }
  for (size_t i = 0; i < op->schema.returns.size(); ++i) {
    outputs.push_back(registers.size());
    registers.emplace_back();
  }
  const KernelCall call = {registers.data(), inputs.data(), outputs.data(),
                           static_cast<uint32_t>(inputs.size()),
                           static_cast<uint32_t>(outputs.size())};
  absl::Status status;
  for (const KernelEntry* kernel : kernels) {
    status = kernel->kernel(call);
    if (!IsDeclined(status)) break;
  }
  if (absl::StartsWith(parts[2], "E")) {
    const std::string want = Unquote(parts[2]);
    if (status.ok()) return absl::StrCat("no error, but should be: ", want);
    return absl::StrContains(status.message(), want)
               ? ""
               : absl::StrCat("error '", status.message(), "' not '", want,
                              "'");
  }
  if (!status.ok()) return absl::StrCat("error '", status.message(), "'");
  Reader results(parts[2]);
  for (size_t i = 0; i < outputs.size(); ++i) {
    const std::string why =
        CheckValue(registers[outputs[i]], results, tensors, tolerance16);
    if (!why.empty()) return absl::StrCat("result ", i, ": ", why);
  }
  Reader after(parts[3]);
  while (!after.done()) {
    const int64_t which = ToInt(after.Next());
    const std::string why =
        CheckTensor(tensors[which], after.Next(), {}, tolerance16);
    if (!why.empty()) return absl::StrCat("argument ", which, " after: ", why);
  }
  return "";
}

}  // namespace

CaseCounts RunRecordedCases(const Registry& registry, absl::string_view path,
                            std::vector<std::string> backends,
                            double tolerance16) {
  CaseCounts counts;
  std::ifstream file{std::string(path)};
  std::string line;
  for (int number = 1; std::getline(file, line); ++number) {
    if (line.empty() || line[0] == '#') continue;
    ++counts.run;
    const std::string why = RunCase(registry, backends, line, tolerance16);
    if (!why.empty()) {
      counts.failures.push_back(absl::StrCat(
          "line ", number, ": ", line.substr(0, 300), "\n    ", why));
    }
  }
  return counts;
}

}  // namespace tandem::reference
