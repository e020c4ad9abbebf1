// Strings to lists of strings and back.
#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/string_view.h"
#include "tandem/backends/reference/sizes.h"
#include "tandem/backends/reference/string.h"
#include "tandem/tensor/status_macros.h"

namespace tandem::reference {
namespace {

using absl::string_view;
constexpr size_t kNone = string_view::npos;

// The bytes at which splitlines() breaks: Python's line ends, the byte 0x85 and
// those of two separators in UTF-8, one by one.
constexpr string_view kLineEnds = "\n\r\v\f\x1c\x1d\x1e\x85\xe2\x80\xa8\xa9";
constexpr string_view kBlanks = " \t\n\r\v\f\x1c\x1d\x1e\x85\xe2\x80\xa8\xa9";

IValue Strings(std::vector<IValue> parts) {
  return IValue(MakeList(Type::Str(), std::move(parts)));
}

// Without a separator: pieces between blanks, none of them empty; `max` does
// not count, as in PyTorch.
IValue SplitBlanks(string_view s) {
  std::vector<IValue> parts;
  size_t from = 0;
  while (from < s.size()) {
    const size_t at = std::min(s.find_first_of(kBlanks, from), s.size());
    if (at > from) parts.emplace_back(s.substr(from, at - from));
    from = at + 1;
  }
  return Strings(std::move(parts));
}

absl::StatusOr<IValue> Split(string_view s,
                             std::optional<string_view> separator,
                             int64_t max) {
  if (!separator.has_value()) return SplitBlanks(s);
  if (separator->empty()) {
    return absl::InvalidArgumentError("ValueError: empty separator");
  }
  std::vector<IValue> parts;
  size_t from = 0;
  for (int64_t count = 0; max < 0 || count < max; ++count) {
    const size_t at = s.find(*separator, from);
    if (at == kNone) break;
    parts.emplace_back(s.substr(from, at - from));
    from = at + separator->size();
  }
  parts.emplace_back(s.substr(from));
  return Strings(std::move(parts));
}

absl::StatusOr<IValue> RSplit(string_view s, string_view separator,
                              int64_t max) {
  if (separator.empty()) {  // PyTorch never returns
    return absl::InvalidArgumentError("ValueError: empty separator");
  }
  std::vector<IValue> parts;
  size_t end = s.size();
  for (int64_t count = 0; max < 0 || count < max; ++count) {
    if (end < separator.size()) break;
    const size_t at = s.rfind(separator, end - separator.size());
    if (at == kNone) break;
    parts.emplace_back(
        s.substr(at + separator.size(), end - at - separator.size()));
    end = at;
  }
  parts.emplace_back(s.substr(0, end));
  std::reverse(parts.begin(), parts.end());
  return Strings(std::move(parts));
}

// Kept line ends are elements of their own, as in PyTorch.
IValue SplitLines(string_view s, bool keep_ends) {
  std::vector<IValue> parts;
  size_t from = 0;
  for (size_t at = s.find_first_of(kLineEnds); at != kNone;
       at = s.find_first_of(kLineEnds, from)) {
    parts.emplace_back(s.substr(from, at - from));
    if (keep_ends) parts.emplace_back(s.substr(at, 1));
    from = at + 1;
  }
  if (from != s.size()) parts.emplace_back(s.substr(from));
  return Strings(std::move(parts));
}

absl::StatusOr<std::string> Join(string_view separator, const IValue& values) {
  const std::vector<IValue>& parts = values.AsList().values;
  uint64_t size = 0;
  for (const IValue& v : parts) size += v.AsString().size() + separator.size();
  TANDEM_RETURN_IF_ERROR(CheckMemory(size, 1));
  std::string result;
  result.reserve(size);
  for (size_t i = 0; i < parts.size(); ++i) {
    if (i != 0) result.append(separator.data(), separator.size());
    result.append(parts[i].AsString());
  }
  return result;
}

IValue Characters(string_view s) {
  std::vector<IValue> parts;
  parts.reserve(s.size());
  for (size_t i = 0; i < s.size(); ++i) parts.emplace_back(s.substr(i, 1));
  return Strings(std::move(parts));
}

}  // namespace

void AddStringSplit(KernelRegistrar& r) {
  r.Add("aten::split.str", &Split)
      .Add("aten::rsplit", &RSplit)
      .Add("aten::splitlines", &SplitLines)
      .Add("aten::join", &Join)
      .Add("aten::list", &Characters);
}

}  // namespace tandem::reference
