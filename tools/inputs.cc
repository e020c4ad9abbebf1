#include "tandem/tools/inputs.h"

#include <cstring>
#include <fstream>
#include <iterator>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "tandem/serialization/torchscript/plain_values.h"
#include "tandem/tensor/copy.h"
#include "tandem/tensor/status_macros.h"
#include "tandem/tools/command.h"

namespace tandem::tools {
namespace {

constexpr size_t kMaxFileBytes = size_t{16} << 30;

absl::StatusOr<std::string> ReadFile(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  if (!in) return absl::NotFoundError(absl::StrCat("cannot open '", path, "'"));
  std::string bytes((std::istreambuf_iterator<char>(in)),
                    std::istreambuf_iterator<char>());
  if (bytes.size() > kMaxFileBytes) {
    return absl::ResourceExhaustedError(
        absl::StrCat("'", path, "' is too large"));
  }
  return bytes;
}

struct NpyType {
  absl::string_view descr;
  DType dtype;
};
constexpr NpyType kNpyTypes[] = {
    {"|b1", DType::kBool},         {"|u1", DType::kUInt8},
    {"|i1", DType::kInt8},         {"<i2", DType::kInt16},
    {"<i4", DType::kInt32},        {"<i8", DType::kInt64},
    {"<u2", DType::kUInt16},       {"<u4", DType::kUInt32},
    {"<u8", DType::kUInt64},       {"<f2", DType::kHalf},
    {"<f4", DType::kFloat},        {"<f8", DType::kDouble},
    {"<c8", DType::kComplexFloat}, {"<c16", DType::kComplexDouble},
};

// The text after 'KEY': in a header that is a Python dict.
absl::string_view NpyField(absl::string_view header, absl::string_view key) {
  const size_t at = header.find(absl::StrCat("'", key, "':"));
  if (at == absl::string_view::npos) return "";
  return absl::StripLeadingAsciiWhitespace(header.substr(at + key.size() + 3));
}

template <typename T>
T Load(const char* p) {
  T v;
  std::memcpy(&v, p, sizeof(T));
  return v;
}

// "3x4", "1x3x224x224", "5x" (one dimension)
bool ParseShape(absl::string_view text, Dims* dims) {
  if (!absl::StrContains(text, "x")) return false;
  absl::ConsumeSuffix(&text, "x");
  for (absl::string_view part : absl::StrSplit(text, 'x')) {
    int64_t n;
    if (part.empty() || !absl::SimpleAtoi(part, &n) || n < 0) return false;
    dims->push_back(n);
  }
  return !dims->empty();
}

absl::StatusOr<Tensor> RandomTensor(DimSpan dims) {
  TANDEM_ASSIGN_OR_RETURN(Tensor t, Tensor::Empty(dims, DType::kFloat));
  Generator generator(0);
  float* data = t.data<float>();
  for (int64_t i = 0; i < t.numel(); ++i) data[i] = generator.UniformFloat();
  return t;
}

absl::StatusOr<IValue> ParseValue(absl::string_view text) {
  if (absl::EndsWith(text, ".npy")) {
    TANDEM_ASSIGN_OR_RETURN(Tensor t, ReadNpy(std::string(text)));
    return IValue(std::move(t));
  }
  if (absl::EndsWith(text, ".wav")) {
    TANDEM_ASSIGN_OR_RETURN(Tensor t, ReadWav(std::string(text)));
    return IValue(std::move(t));
  }
  if (absl::EndsWith(text, ".pt")) return LoadPlainValues(std::string(text));
  Dims dims;
  if (ParseShape(text, &dims)) {
    TANDEM_ASSIGN_OR_RETURN(Tensor t, RandomTensor(dims));
    return IValue(std::move(t));
  }
  int64_t i;
  if (absl::SimpleAtoi(text, &i)) return IValue(i);
  double d;
  if (absl::SimpleAtod(text, &d)) return IValue(d);
  if (text == "true" || text == "True") return IValue(true);
  if (text == "false" || text == "False") return IValue(false);
  if (text == "none" || text == "None") return IValue();
  if (text.size() >= 2 && text.front() == '"' && text.back() == '"') {
    text = text.substr(1, text.size() - 2);
  }
  return IValue(text);
}

}  // namespace

std::string DescribeParameters(const FunctionSchema& schema) {
  std::string text;
  for (size_t i = 1; i < schema.arguments.size(); ++i) {
    const Argument& a = schema.arguments[i];
    absl::StrAppend(&text, "  ", a.name, ": ", a.type->ToAnnotation());
    if (a.default_value.has_value()) {
      absl::StrAppend(&text, " = ", a.default_value->ToString());
    }
    text += '\n';
  }
  return text.empty() ? "  nothing\n" : text;
}

absl::StatusOr<CallArguments> ParseInputs(
    const std::vector<std::string>& inputs, const FunctionSchema& schema) {
  CallArguments result;
  for (const std::string& input : inputs) {
    const size_t equals = input.find('=');
    const std::string name =
        equals == std::string::npos ? "" : input.substr(0, equals);
    const bool named =
        equals != std::string::npos && schema.ArgumentIndex(name).has_value();
    if (equals != std::string::npos && !named) {
      return absl::InvalidArgumentError(
          absl::StrCat("--input ", input, ": the method has no parameter '",
                       name, "'; it takes\n", DescribeParameters(schema)));
    }
    const absl::string_view text =
        named ? absl::string_view(input).substr(equals + 1)
              : absl::string_view(input);
    absl::StatusOr<IValue> value = ParseValue(text);
    if (!value.ok()) {
      return absl::Status(
          value.status().code(),
          absl::StrCat("--input ", input, ": ", value.status().message()));
    }
    if (named) {
      result.named.emplace_back(name, *std::move(value));
    } else if (absl::EndsWith(text, ".pt") &&
               (value->is_tuple() || value->is_list()) && inputs.size() == 1) {
      // All arguments at once.
      result.positional =
          value->is_tuple() ? value->AsTuple().values : value->AsList().values;
    } else {
      result.positional.push_back(*std::move(value));
    }
  }
  return result;
}

absl::StatusOr<Tensor> ReadNpy(const std::string& path) {
  TANDEM_ASSIGN_OR_RETURN(const std::string bytes, ReadFile(path));
  const auto bad = [&](absl::string_view why) {
    return absl::InvalidArgumentError(absl::StrCat("'", path, "': ", why));
  };
  if (bytes.size() < 12 || bytes.compare(0, 6, "\x93NUMPY") != 0) {
    return bad("no NumPy file");
  }
  const bool wide = bytes[6] >= 2;
  const size_t length =
      wide ? Load<uint32_t>(&bytes[8]) : Load<uint16_t>(&bytes[8]);
  const size_t begin = wide ? 12 : 10;
  if (length > bytes.size() - begin) return bad("the header is cut off");
  const absl::string_view header =
      absl::string_view(bytes).substr(begin, length);
  const absl::string_view descr = NpyField(header, "descr");
  const NpyType* type = nullptr;
  for (const NpyType& t : kNpyTypes) {
    if (absl::StartsWith(descr, absl::StrCat("'", t.descr, "'"))) type = &t;
  }
  if (type == nullptr) {
    return bad(absl::StrCat("elements of type ", descr.substr(0, 12),
                            " are not supported"));
  }
  absl::string_view shape = NpyField(header, "shape");
  if (!absl::ConsumePrefix(&shape, "(")) return bad("the header has no shape");
  Dims dims;
  for (absl::string_view part : absl::StrSplit(shape.substr(0, shape.find(')')),
                                               ',', absl::SkipWhitespace())) {
    int64_t n;
    if (!absl::SimpleAtoi(part, &n))
      return bad("the shape is no list of numbers");
    dims.push_back(n);
  }
  const bool fortran =
      absl::StartsWith(NpyField(header, "fortran_order"), "True");
  TANDEM_ASSIGN_OR_RETURN(const int64_t numel, CheckedNumel(dims));
  const size_t available = bytes.size() - begin - length;
  if (static_cast<__int128>(numel) * ElementSize(type->dtype) > available) {
    return bad("fewer elements than its shape says");
  }
  Dims order(dims.rbegin(), dims.rend());
  TANDEM_ASSIGN_OR_RETURN(
      Tensor t,
      Tensor::Empty(fortran ? DimSpan(order) : DimSpan(dims), type->dtype));
  if (numel > 0) {
    std::memcpy(t.raw_data(), bytes.data() + begin + length,
                static_cast<size_t>(numel) * ElementSize(type->dtype));
  }
  if (!fortran) return t;
  Dims strides(t.strides().rbegin(), t.strides().rend());
  return t.AsStrided(dims, strides, 0);
}

absl::Status WriteNpy(const std::string& path, const Tensor& tensor) {
  DType dtype = tensor.dtype();
  const NpyType* type = nullptr;
  if (dtype == DType::kBFloat16)
    dtype = DType::kFloat;  // NumPy has no bfloat16
  for (const NpyType& t : kNpyTypes) {
    if (t.dtype == dtype) type = &t;
  }
  if (type == nullptr) {
    return absl::UnimplementedError(absl::StrCat(
        "'", path, "': NumPy has no dtype for ", TypeName(tensor.dtype())));
  }
  TANDEM_ASSIGN_OR_RETURN(Tensor t, Contiguous(tensor, dtype));
  std::string header = absl::StrCat(
      "{'descr': '", type->descr, "', 'fortran_order': False, 'shape': (",
      absl::StrJoin(t.sizes(), ", "), t.dim() == 1 ? ",), }" : "), }");
  header.append(63 - (10 + header.size()) % 64, ' ');
  header += '\n';
  std::ofstream out(path, std::ios::binary);
  const uint16_t length = static_cast<uint16_t>(header.size());
  out.write("\x93NUMPY\x01\x00", 8);
  out.write(reinterpret_cast<const char*>(&length), 2);
  out << header;
  out.write(t.raw_data(), t.numel() * static_cast<int64_t>(t.element_size()));
  out.flush();
  if (!out)
    return absl::UnavailableError(absl::StrCat("cannot write '", path, "'"));
  return absl::OkStatus();
}

absl::StatusOr<Tensor> ReadWav(const std::string& path) {
  TANDEM_ASSIGN_OR_RETURN(const std::string bytes, ReadFile(path));
  const auto bad = [&](absl::string_view why) {
    return absl::InvalidArgumentError(absl::StrCat("'", path, "': ", why));
  };
  if (bytes.size() < 12 || bytes.compare(0, 4, "RIFF") != 0 ||
      bytes.compare(8, 4, "WAVE") != 0) {
    return bad("no WAV file");
  }
  uint16_t format = 0, channels = 0, bits = 0;
  absl::string_view data;
  for (size_t at = 12; at + 8 <= bytes.size();) {
    const uint32_t size = Load<uint32_t>(&bytes[at + 4]);
    const absl::string_view chunk =
        absl::string_view(bytes).substr(at + 8, size);
    if (bytes.compare(at, 4, "fmt ") == 0 && chunk.size() >= 16) {
      format = Load<uint16_t>(chunk.data());
      channels = Load<uint16_t>(chunk.data() + 2);
      bits = Load<uint16_t>(chunk.data() + 14);
      if (format == 0xfffe && chunk.size() >= 26)
        format = Load<uint16_t>(chunk.data() + 24);
    } else if (bytes.compare(at, 4, "data") == 0) {
      data = chunk;
      break;
    }
    at += 8 + static_cast<size_t>(size) + (size & 1);
  }
  const size_t width = bits / 8;
  if (channels == 0 || width == 0 || (format != 1 && format != 3)) {
    return bad("no PCM or float samples");
  }
  if ((format == 3 && bits != 32) || (format == 1 && width > 4)) {
    return bad(absl::StrCat("samples of ", bits, " bits are not supported"));
  }
  const int64_t samples = static_cast<int64_t>(data.size() / width / channels);
  TANDEM_ASSIGN_OR_RETURN(Tensor t,
                          Tensor::Empty({channels, samples}, DType::kFloat));
  for (int64_t s = 0; s < samples; ++s) {
    for (int64_t c = 0; c < channels; ++c) {
      const char* p =
          data.data() + (static_cast<size_t>(s) * channels + c) * width;
      float v;
      if (format == 3) {
        v = Load<float>(p);
      } else if (width == 1) {
        v = (static_cast<float>(static_cast<uint8_t>(*p)) - 128.0f) / 128.0f;
      } else {
        int32_t i = 0;
        std::memcpy(reinterpret_cast<char*>(&i) + (4 - width), p, width);
        v = static_cast<float>(i) / 2147483648.0f;
      }
      t.data<float>()[c * samples + s] = v;
    }
  }
  if (channels == 1) return t.AsStrided({samples}, {1}, 0);
  return t;
}

}  // namespace tandem::tools
