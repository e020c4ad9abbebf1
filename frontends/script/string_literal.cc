#include "tandem/frontends/script/string_literal.h"

#include <cstdint>

namespace tandem::script {
namespace {

absl::Status Bad(const char* message) {
  return absl::InvalidArgumentError(message);
}

int HexValue(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

void AppendUtf8(uint32_t code, std::string* out) {
  const auto tail = [&](int shift) {
    out->push_back(static_cast<char>(0x80 | ((code >> shift) & 0x3f)));
  };
  if (code < 0x80) {
    out->push_back(static_cast<char>(code));
  } else if (code < 0x800) {
    out->push_back(static_cast<char>(0xc0 | (code >> 6)));
    tail(0);
  } else if (code < 0x10000) {
    out->push_back(static_cast<char>(0xe0 | (code >> 12)));
    tail(6);
    tail(0);
  } else {
    out->push_back(static_cast<char>(0xf0 | (code >> 18)));
    tail(12);
    tail(6);
    tail(0);
  }
}

// Reads `digits` hexadecimal digits at the start of `text`; false if there
// are fewer.
bool ReadHex(absl::string_view text, int digits, uint32_t* value) {
  *value = 0;
  if (text.size() < static_cast<size_t>(digits)) return false;
  for (int i = 0; i < digits; ++i) {
    const int v = HexValue(text[i]);
    if (v < 0) return false;
    *value = *value * 16 + v;
  }
  return true;
}

}  // namespace

absl::string_view StringLiteralBody(absl::string_view literal, bool* raw) {
  *raw = false;
  while (!literal.empty() && literal[0] != '"' && literal[0] != '\'') {
    if (literal[0] == 'r' || literal[0] == 'R') *raw = true;
    literal.remove_prefix(1);
  }
  if (literal.size() < 2) return {};
  const char quote = literal[0];
  const size_t quotes =
      literal.size() >= 6 && literal[1] == quote && literal[2] == quote ? 3 : 1;
  return literal.substr(quotes, literal.size() - 2 * quotes);
}

absl::StatusOr<std::string> UnescapeBody(absl::string_view body,
                                         Dialect dialect) {
  const bool python = dialect == Dialect::kPython;
  std::string out;
  out.reserve(body.size());
  for (size_t i = 0; i < body.size(); ++i) {
    if (body[i] != '\\' || i + 1 >= body.size()) {
      out.push_back(body[i]);
      continue;
    }
    const char c = body[++i];
    uint32_t code = 0;
    switch (c) {
      case '\\':
      case '\'':
      case '"':
        out.push_back(c);
        continue;
      case '\n':
        if (!python) out.push_back(c);
        continue;
      case 'a':
        out.push_back('\a');
        continue;
      case 'b':
        out.push_back('\b');
        continue;
      case 'f':
        out.push_back('\f');
        continue;
      case 'n':
        out.push_back('\n');
        continue;
      case 'r':
        // PyTorch writes it into archives and then refuses them: so do we, as
        // such a program has never run.
        if (!python) {
          return Bad(
              "a carriage return, which PyTorch does not read either: "
              " ill formed octal specifier");
        }
        out.push_back('\r');
        continue;
      case 't':
        out.push_back('\t');
        continue;
      case 'v':
        out.push_back('\v');
        continue;
      case 'x':
        if (!python) return Bad("unsupported hex specifier");
        if (!ReadHex(body.substr(i + 1), 2, &code)) {
          return Bad("ill formed hex specifier");
        }
        AppendUtf8(code, &out);
        i += 2;
        continue;
      case 'u':
      case 'U': {
        if (!python) return Bad("unsupported unicode specifier");
        const int digits = c == 'u' ? 4 : 8;
        if (!ReadHex(body.substr(i + 1), digits, &code) || code > 0x10ffff) {
          return Bad("ill formed unicode specifier");
        }
        AppendUtf8(code, &out);
        i += digits;
        continue;
      }
      default:
        break;
    }
    size_t digits = 0;
    while (digits < 3 && i + digits < body.size() && body[i + digits] >= '0' &&
           body[i + digits] <= '7') {
      code = code * 8 + (body[i + digits] - '0');
      ++digits;
    }
    if (python && digits == 0) {
      out.push_back('\\');
      out.push_back(c);
      continue;
    }
    if ((!python && digits != 3) || code > 0xff) {
      return Bad(" ill formed octal specifier");
    }
    if (python) {
      AppendUtf8(code, &out);
    } else {
      out.push_back(static_cast<char>(code));
    }
    i += digits - 1;
  }
  return out;
}

absl::StatusOr<std::string> UnescapeString(absl::string_view literal,
                                           Dialect dialect) {
  bool raw = false;
  const absl::string_view body = StringLiteralBody(literal, &raw);
  if (raw) return std::string(body);
  return UnescapeBody(body, dialect);
}

}  // namespace tandem::script
