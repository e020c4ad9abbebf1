// Strings: classes of characters, case, padding, slices.
#include <string>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "tandem/backends/reference/sizes.h"
#include "tandem/backends/reference/string.h"
#include "tandem/tensor/status_macros.h"

namespace tandem::reference {
namespace {

using absl::string_view;

// All characters, and at least one, are of the class.
template <bool (*is)(unsigned char)>
bool AllAre(string_view s) {
  for (char c : s) {
    if (!is(c)) return false;
  }
  return !s.empty();
}
bool IsPrintable(string_view s) {
  for (unsigned char c : s) {
    if (!absl::ascii_isalnum(c) && !absl::ascii_ispunct(c) && c != ' ') {
      return false;
    }
  }
  return true;
}
// Python 2's rule as PyTorch has it: letters and digits only.
bool IsIdentifier(string_view s) {
  return AllAre<absl::ascii_isalnum>(s) && !absl::ascii_isdigit(s[0]);
}
bool IsUpper(string_view s) {
  bool any = false;
  for (unsigned char c : s) {
    if (absl::ascii_islower(c)) return false;
    any = any || absl::ascii_isupper(c);
  }
  return any;
}
bool IsLower(string_view s) {
  bool any = false;
  for (unsigned char c : s) {
    if (absl::ascii_isupper(c)) return false;
    any = any || absl::ascii_islower(c);
  }
  return any;
}
bool IsTitle(string_view s) {
  bool any = false, after_letter = false;
  for (unsigned char c : s) {
    if (after_letter ? absl::ascii_isupper(c) : absl::ascii_islower(c)) {
      return false;
    }
    after_letter = absl::ascii_isalpha(c);
    any = any || after_letter;
  }
  return any;
}

template <char (*map)(unsigned char)>
std::string Mapped(string_view s) {
  std::string result(s);
  for (char& c : result) c = map(c);
  return result;
}
char SwapOne(unsigned char c) {
  return absl::ascii_islower(c) ? absl::ascii_toupper(c)
                                : absl::ascii_tolower(c);
}
std::string Capitalize(string_view s) {
  std::string result = Mapped<absl::ascii_tolower>(s);
  if (!result.empty()) result[0] = absl::ascii_toupper(result[0]);
  return result;
}
std::string Title(string_view s) {
  std::string result(s);
  bool after_letter = false;
  for (char& c : result) {
    c = after_letter ? absl::ascii_tolower(c) : absl::ascii_toupper(c);
    after_letter = absl::ascii_isalpha(static_cast<unsigned char>(c));
  }
  return result;
}

absl::Status CheckFill(string_view fill) {
  if (fill.size() != 1) {
    return absl::InvalidArgumentError(
        "TypeError: The fill character must be exactly one character long");
  }
  return absl::OkStatus();
}
// How many characters are missing to `width`.
absl::StatusOr<size_t> Padding(string_view s, int64_t width) {
  if (width <= static_cast<int64_t>(s.size())) return 0;
  TANDEM_RETURN_IF_ERROR(CheckMemory(static_cast<uint64_t>(width), 1));
  return static_cast<size_t>(width) - s.size();
}
absl::StatusOr<std::string> LJust(string_view s, int64_t width,
                                  string_view fill) {
  TANDEM_RETURN_IF_ERROR(CheckFill(fill));
  TANDEM_ASSIGN_OR_RETURN(const size_t n, Padding(s, width));
  return absl::StrCat(s, std::string(n, fill[0]));
}
absl::StatusOr<std::string> RJust(string_view s, int64_t width,
                                  string_view fill) {
  TANDEM_RETURN_IF_ERROR(CheckFill(fill));
  TANDEM_ASSIGN_OR_RETURN(const size_t n, Padding(s, width));
  return absl::StrCat(std::string(n, fill[0]), s);
}
absl::StatusOr<std::string> Center(string_view s, int64_t width,
                                   string_view fill) {
  TANDEM_RETURN_IF_ERROR(CheckFill(fill));
  TANDEM_ASSIGN_OR_RETURN(const size_t n, Padding(s, width));
  // An odd rest goes to the right of an even width, to the left of an odd one.
  const size_t left = width % 2 != 0 ? (n + 1) / 2 : n / 2;
  return absl::StrCat(std::string(left, fill[0]), s,
                      std::string(n - left, fill[0]));
}
absl::StatusOr<std::string> ZFill(string_view s, int64_t width) {
  return RJust(s, width, "0");
}
absl::StatusOr<std::string> ExpandTabs(string_view s, int64_t tab) {
  uint64_t tabs = 0;
  for (char c : s) tabs += c == '\t' ? 1 : 0;
  if (tab > 0) {
    TANDEM_RETURN_IF_ERROR(CheckMemory(tabs, static_cast<uint64_t>(tab)));
  }
  std::string result;
  for (char c : s) {
    if (c != '\t') {
      result.push_back(c);
    } else if (tab > 0) {
      result.append(tab - result.size() % tab, ' ');
    }
  }
  return result;
}

std::string LStrip(string_view s, string_view chars) {
  const size_t first = s.find_first_not_of(chars);
  return first == string_view::npos ? "" : std::string(s.substr(first));
}
std::string RStrip(string_view s, string_view chars) {
  return std::string(s.substr(0, s.find_last_not_of(chars) + 1));
}
std::string Strip(string_view s, string_view chars) {
  return LStrip(s.substr(0, s.find_last_not_of(chars) + 1), chars);
}

absl::StatusOr<std::string> GetItem(string_view s, int64_t index) {
  const int64_t size = static_cast<int64_t>(s.size());
  const int64_t i = index < 0 ? index + size : index;
  if (i < 0 || i >= size) {
    return absl::OutOfRangeError(absl::StrCat(
        "basic_string::at: __n (which is ", static_cast<uint64_t>(i),
        ") >= this->size() (which is ", size, ")"));
  }
  return std::string(1, s[i]);
}
absl::StatusOr<std::string> Slice(string_view s, std::optional<int64_t> start,
                                  std::optional<int64_t> end, int64_t step) {
  int64_t first = start.value_or(INT64_MAX), last = end.value_or(INT64_MAX);
  TANDEM_ASSIGN_OR_RETURN(
      const int64_t n,
      AdjustSlice(static_cast<int64_t>(s.size()), &first, &last, step));
  std::string result;
  result.reserve(n);
  for (int64_t i = 0; i < n; ++i) result.push_back(s[first + i * step]);
  return result;
}
absl::StatusOr<std::string> Concat(string_view a, string_view b) {
  TANDEM_RETURN_IF_ERROR(CheckMemory(a.size() + b.size(), 1));
  return absl::StrCat(a, b);
}
int64_t Length(string_view s) { return static_cast<int64_t>(s.size()); }

}  // namespace

void AddStringMethods(KernelRegistrar& r) {
  r.Add("aten::isdigit", &AllAre<absl::ascii_isdigit>)
      .Add("aten::isdecimal", &AllAre<absl::ascii_isdigit>)
      .Add("aten::isnumeric", &AllAre<absl::ascii_isdigit>)
      .Add("aten::isspace", &AllAre<absl::ascii_isspace>)
      .Add("aten::isalnum", &AllAre<absl::ascii_isalnum>)
      .Add("aten::isalpha", &AllAre<absl::ascii_isalpha>)
      .Add("aten::isprintable", &IsPrintable)
      .Add("aten::isidentifier", &IsIdentifier)
      .Add("aten::isupper", &IsUpper)
      .Add("aten::islower", &IsLower)
      .Add("aten::istitle", &IsTitle)
      .Add("aten::upper", &Mapped<absl::ascii_toupper>)
      .Add("aten::lower", &Mapped<absl::ascii_tolower>)
      .Add("aten::swapcase", &Mapped<SwapOne>)
      .Add("aten::capitalize", &Capitalize)
      .Add("aten::title", &Title);
  r.Add("aten::ljust", &LJust)
      .Add("aten::rjust", &RJust)
      .Add("aten::center", &Center)
      .Add("aten::zfill", &ZFill)
      .Add("aten::expandtabs", &ExpandTabs)
      .Add("aten::lstrip", &LStrip)
      .Add("aten::rstrip", &RStrip)
      .Add("aten::strip", &Strip);
  r.Add("aten::__getitem__.str", &GetItem)
      .Add("prim::StringIndex", &GetItem)
      .Add("aten::slice.str", &Slice)
      .Add("aten::add.str", &Concat)
      .Add("aten::len.str", &Length);
}

}  // namespace tandem::reference
