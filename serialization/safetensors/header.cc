#include "tandem/serialization/safetensors/header.h"

#include <limits>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "tandem/tensor/status_macros.h"

namespace tandem::safetensors {
namespace {

struct DTypeName {
  absl::string_view name;
  DType dtype;
};
constexpr DTypeName kNames[] = {
    {"BOOL", DType::kBool},
    {"U8", DType::kUInt8},
    {"I8", DType::kInt8},
    {"U16", DType::kUInt16},
    {"I16", DType::kInt16},
    {"U32", DType::kUInt32},
    {"I32", DType::kInt32},
    {"U64", DType::kUInt64},
    {"I64", DType::kInt64},
    {"F16", DType::kHalf},
    {"BF16", DType::kBFloat16},
    {"F32", DType::kFloat},
    {"F64", DType::kDouble},
    {"F8_E4M3", DType::kFloat8E4M3FN},
    {"F8_E5M2", DType::kFloat8E5M2},
    {"C64", DType::kComplexFloat},
};

void AppendUtf8(uint32_t c, std::string* out) {
  if (c < 0x80) {
    out->push_back(static_cast<char>(c));
  } else if (c < 0x800) {
    out->push_back(static_cast<char>(0xC0 | (c >> 6)));
    out->push_back(static_cast<char>(0x80 | (c & 0x3F)));
  } else if (c < 0x10000) {
    out->push_back(static_cast<char>(0xE0 | (c >> 12)));
    out->push_back(static_cast<char>(0x80 | ((c >> 6) & 0x3F)));
    out->push_back(static_cast<char>(0x80 | (c & 0x3F)));
  } else {
    out->push_back(static_cast<char>(0xF0 | (c >> 18)));
    out->push_back(static_cast<char>(0x80 | ((c >> 12) & 0x3F)));
    out->push_back(static_cast<char>(0x80 | ((c >> 6) & 0x3F)));
    out->push_back(static_cast<char>(0x80 | (c & 0x3F)));
  }
}

// A descent over the few forms that a header has: no recursion.
class Parser {
 public:
  explicit Parser(absl::string_view text) : text_(text) {}

  absl::StatusOr<Header> Parse() {
    Header header;
    TANDEM_RETURN_IF_ERROR(Expect('{'));
    for (bool first = true; !Take('}'); first = false) {
      if (!first) TANDEM_RETURN_IF_ERROR(Expect(','));
      std::string name;
      TANDEM_RETURN_IF_ERROR(Key(&name));
      if (name == "__metadata__") {
        TANDEM_RETURN_IF_ERROR(Metadata(&header.metadata));
      } else {
        Entry entry;
        entry.name = std::move(name);
        TANDEM_RETURN_IF_ERROR(TensorEntry(&entry));
        header.entries.push_back(std::move(entry));
      }
    }
    SkipSpace();
    if (at_ != text_.size()) return Error("the end of the header");
    return header;
  }

 private:
  absl::Status Error(absl::string_view expected) const {
    return absl::InvalidArgumentError(
        absl::StrCat("byte ", at_, " of the header: expected ", expected));
  }
  void SkipSpace() {
    while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\n' ||
                                  text_[at_] == '\t' || text_[at_] == '\r')) {
      ++at_;
    }
  }
  bool Take(char c) {
    SkipSpace();
    if (at_ >= text_.size() || text_[at_] != c) return false;
    ++at_;
    return true;
  }
  absl::Status Expect(char c) {
    return Take(c) ? absl::OkStatus()
                   : Error(absl::StrCat("'", absl::string_view(&c, 1), "'"));
  }
  absl::Status Key(std::string* out) {
    TANDEM_RETURN_IF_ERROR(String(out));
    return Expect(':');
  }

  absl::Status Hex4(uint32_t* out) {
    if (text_.size() - at_ < 4) return Error("four hexadecimal digits");
    *out = 0;
    for (int i = 0; i < 4; ++i) {
      const char c = text_[at_];
      uint32_t digit;
      if (c >= '0' && c <= '9') {
        digit = c - '0';
      } else if (c >= 'a' && c <= 'f') {
        digit = c - 'a' + 10;
      } else if (c >= 'A' && c <= 'F') {
        digit = c - 'A' + 10;
      } else {
        return Error("a hexadecimal digit");
      }
      *out = *out * 16 + digit;
      ++at_;
    }
    return absl::OkStatus();
  }

  absl::Status String(std::string* out) {
    TANDEM_RETURN_IF_ERROR(Expect('"'));
    while (true) {
      if (at_ >= text_.size()) return Error("the end of a string");
      const char c = text_[at_++];
      if (c == '"') return absl::OkStatus();
      if (static_cast<unsigned char>(c) < 0x20) {
        return Error("no control character in a string");
      }
      if (c != '\\') {
        out->push_back(c);
        continue;
      }
      if (at_ >= text_.size()) return Error("an escape");
      const char e = text_[at_++];
      switch (e) {
        case '"':
        case '\\':
        case '/':
          out->push_back(e);
          break;
        case 'b':
          out->push_back('\b');
          break;
        case 'f':
          out->push_back('\f');
          break;
        case 'n':
          out->push_back('\n');
          break;
        case 'r':
          out->push_back('\r');
          break;
        case 't':
          out->push_back('\t');
          break;
        case 'u': {
          uint32_t c1 = 0;
          TANDEM_RETURN_IF_ERROR(Hex4(&c1));
          if (c1 >= 0xD800 && c1 < 0xDC00) {
            uint32_t c2 = 0;
            if (text_.substr(at_, 2) != "\\u") return Error("a low surrogate");
            at_ += 2;
            TANDEM_RETURN_IF_ERROR(Hex4(&c2));
            if (c2 < 0xDC00 || c2 > 0xDFFF) return Error("a low surrogate");
            c1 = 0x10000 + ((c1 - 0xD800) << 10) + (c2 - 0xDC00);
          } else if (c1 >= 0xDC00 && c1 <= 0xDFFF) {
            return Error("a high surrogate first");
          }
          AppendUtf8(c1, out);
          break;
        }
        default:
          return Error("an escape that JSON has");
      }
    }
  }

  absl::Status Unsigned(uint64_t* out) {
    SkipSpace();
    const size_t start = at_;
    *out = 0;
    while (at_ < text_.size() && text_[at_] >= '0' && text_[at_] <= '9') {
      const uint64_t digit = text_[at_] - '0';
      if (*out > (std::numeric_limits<uint64_t>::max() - digit) / 10) {
        return Error("a number of 64 bits");
      }
      *out = *out * 10 + digit;
      ++at_;
    }
    return at_ == start ? Error("a number") : absl::OkStatus();
  }

  absl::Status Numbers(std::vector<uint64_t>* out) {
    TANDEM_RETURN_IF_ERROR(Expect('['));
    for (bool first = true; !Take(']'); first = false) {
      if (!first) TANDEM_RETURN_IF_ERROR(Expect(','));
      if (out->size() >= 64) return Error("at most 64 numbers");
      uint64_t n = 0;
      TANDEM_RETURN_IF_ERROR(Unsigned(&n));
      out->push_back(n);
    }
    return absl::OkStatus();
  }

  absl::Status Metadata(std::vector<std::pair<std::string, std::string>>* out) {
    TANDEM_RETURN_IF_ERROR(Expect('{'));
    for (bool first = true; !Take('}'); first = false) {
      if (!first) TANDEM_RETURN_IF_ERROR(Expect(','));
      std::string key, value;
      TANDEM_RETURN_IF_ERROR(Key(&key));
      TANDEM_RETURN_IF_ERROR(String(&value));
      out->emplace_back(std::move(key), std::move(value));
    }
    return absl::OkStatus();
  }

  absl::Status TensorEntry(Entry* entry) {
    bool has_dtype = false, has_shape = false, has_offsets = false;
    TANDEM_RETURN_IF_ERROR(Expect('{'));
    for (bool first = true; !Take('}'); first = false) {
      if (!first) TANDEM_RETURN_IF_ERROR(Expect(','));
      std::string key;
      TANDEM_RETURN_IF_ERROR(Key(&key));
      if (key == "dtype" && !has_dtype) {
        has_dtype = true;
        TANDEM_RETURN_IF_ERROR(String(&entry->dtype));
      } else if (key == "shape" && !has_shape) {
        has_shape = true;
        std::vector<uint64_t> sizes;
        TANDEM_RETURN_IF_ERROR(Numbers(&sizes));
        for (const uint64_t s : sizes) {
          if (s > static_cast<uint64_t>(std::numeric_limits<int64_t>::max())) {
            return Error("a size of 63 bits");
          }
          entry->shape.push_back(static_cast<int64_t>(s));
        }
      } else if (key == "data_offsets" && !has_offsets) {
        has_offsets = true;
        std::vector<uint64_t> offsets;
        TANDEM_RETURN_IF_ERROR(Numbers(&offsets));
        if (offsets.size() != 2) return Error("two offsets");
        entry->begin = offsets[0];
        entry->end = offsets[1];
      } else {
        return Error("dtype, shape and data_offsets, each once");
      }
    }
    if (!has_dtype || !has_shape || !has_offsets) {
      return Error("dtype, shape and data_offsets");
    }
    return absl::OkStatus();
  }

  const absl::string_view text_;
  size_t at_ = 0;
};

std::string Quoted(absl::string_view s) {
  std::string out = "\"";
  for (const char c : s) {
    if (c == '"' || c == '\\') {
      out.push_back('\\');
      out.push_back(c);
    } else if (static_cast<unsigned char>(c) < 0x20) {
      absl::StrAppendFormat(&out, "\\u%04x", static_cast<int>(c));
    } else {
      out.push_back(c);
    }
  }
  return out + "\"";
}

}  // namespace

absl::StatusOr<Header> ParseHeader(absl::string_view json) {
  return Parser(json).Parse();
}

std::string HeaderToJson(const Header& header) {
  std::vector<std::string> parts;
  if (!header.metadata.empty()) {
    std::vector<std::string> pairs;
    for (const auto& [key, value] : header.metadata) {
      pairs.push_back(absl::StrCat(Quoted(key), ":", Quoted(value)));
    }
    parts.push_back(
        absl::StrCat("\"__metadata__\":{", absl::StrJoin(pairs, ","), "}"));
  }
  for (const Entry& e : header.entries) {
    parts.push_back(
        absl::StrCat(Quoted(e.name), ":{\"dtype\":", Quoted(e.dtype),
                     ",\"shape\":[", absl::StrJoin(e.shape, ","),
                     "],\"data_offsets\":[", e.begin, ",", e.end, "]}"));
  }
  return absl::StrCat("{", absl::StrJoin(parts, ","), "}");
}

std::optional<DType> DTypeOfName(absl::string_view name) {
  for (const DTypeName& n : kNames) {
    if (n.name == name) return n.dtype;
  }
  return std::nullopt;
}

std::optional<absl::string_view> NameOfDType(DType dtype) {
  for (const DTypeName& n : kNames) {
    if (n.dtype == dtype) return n.name;
  }
  return std::nullopt;
}

}  // namespace tandem::safetensors
