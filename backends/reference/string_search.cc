// Strings: find, count, startswith, replace, partition.
#include <algorithm>
#include <string>
#include <tuple>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "tandem/backends/reference/sizes.h"
#include "tandem/backends/reference/string.h"
#include "tandem/tensor/status_macros.h"

namespace tandem::reference {
namespace {

using absl::string_view;
constexpr size_t kNone = string_view::npos;

// start and end as PyTorch takes them: a negative end counts from one past the
// last character, so that -1 is the whole string.
void Wrap(int64_t size, int64_t* start, int64_t* end) {
  if (*start < 0) *start = std::max<int64_t>(0, size + *start);
  if (*end < 0) *end = std::max<int64_t>(0, size + *end + 1);
}
// libstdc++'s text: what PyTorch's user sees.
absl::Status PastTheEnd(int64_t start, size_t size) {
  return absl::OutOfRangeError(
      absl::StrCat("basic_string::substr: __pos (which is ", start,
                   ") > this->size() (which is ", size, ")"));
}
// s[start, end), where an end before the start reaches to the end of s.
absl::StatusOr<string_view> Window(string_view s, int64_t start, int64_t end) {
  Wrap(static_cast<int64_t>(s.size()), &start, &end);
  if (start > static_cast<int64_t>(s.size())) {
    return PastTheEnd(start, s.size());
  }
  return s.substr(start, end < start ? kNone : end - start);
}

template <bool reverse>
absl::StatusOr<int64_t> Find(string_view s, string_view sub, int64_t start,
                             int64_t end) {
  Wrap(static_cast<int64_t>(s.size()), &start, &end);
  string_view window;
  if (end > start) {
    if (start > static_cast<int64_t>(s.size())) {
      return PastTheEnd(start, s.size());
    }
    window = s.substr(start, end - start);
  }
  const size_t at = reverse ? window.rfind(sub) : window.find(sub);
  return at == kNone ? -1 : static_cast<int64_t>(at) + start;
}
template <bool reverse>
absl::StatusOr<int64_t> Index(string_view s, string_view sub, int64_t start,
                              int64_t end) {
  TANDEM_ASSIGN_OR_RETURN(const int64_t at, Find<reverse>(s, sub, start, end));
  if (at < 0) {
    return absl::InvalidArgumentError("ValueError: substring not found");
  }
  return at;
}

// The empty string is counted as Python does (PyTorch never returns).
int64_t Count(string_view s, string_view sub, int64_t start, int64_t end) {
  const int64_t size = static_cast<int64_t>(s.size());
  if (start > size) return 0;
  Wrap(size, &start, &end);
  if (sub.empty()) return std::max<int64_t>(0, std::min(end, size) - start + 1);
  int64_t count = 0;
  for (size_t at = s.find(sub, start);
       at != kNone && static_cast<int64_t>(at) < end;
       at = s.find(sub, at + sub.size())) {
    ++count;
  }
  return count;
}

absl::StatusOr<bool> StartsWith(string_view s, string_view sub, int64_t start,
                                int64_t end) {
  TANDEM_ASSIGN_OR_RETURN(const string_view window, Window(s, start, end));
  return window.substr(0, sub.size()) == sub;
}
absl::StatusOr<bool> EndsWith(string_view s, string_view sub, int64_t start,
                              int64_t end) {
  TANDEM_ASSIGN_OR_RETURN(const string_view window, Window(s, start, end));
  return window.size() >= sub.size() &&
         window.substr(window.size() - sub.size()) == sub;
}

absl::StatusOr<std::string> Replace(string_view s, string_view old,
                                    string_view with, int64_t max) {
  // Before the result is made, its size: the text may grow a lot.
  const uint64_t places =
      old.empty() ? s.size() + 1
                  : Count(s, old, 0, static_cast<int64_t>(s.size()));
  const uint64_t count =
      max < 0 ? places : std::min(places, static_cast<uint64_t>(max));
  TANDEM_RETURN_IF_ERROR(CheckMemory(count, with.size() + 1));
  std::string result;
  if (old.empty()) {  // Python's rule (PyTorch never returns)
    for (uint64_t i = 0; i <= s.size(); ++i) {
      if (i < count) result.append(with.data(), with.size());
      if (i < s.size()) result.push_back(s[i]);
    }
    return result;
  }
  size_t from = 0;
  for (uint64_t i = 0; i < count; ++i) {
    const size_t at = s.find(old, from);
    result.append(s.data() + from, at - from);
    result.append(with.data(), with.size());
    from = at + old.size();
  }
  result.append(s.data() + from, s.size() - from);
  return result;
}

using Three = std::tuple<std::string, std::string, std::string>;
Three Parts(string_view s, size_t at, string_view separator) {
  return Three(s.substr(0, at), separator, s.substr(at + separator.size()));
}
Three Partition(string_view s, string_view separator) {
  const size_t at = s.find(separator);
  return at == kNone ? Parts(s, s.size(), "") : Parts(s, at, separator);
}
Three RPartition(string_view s, string_view separator) {
  const size_t at = s.rfind(separator);
  return at == kNone ? Parts(s, 0, "") : Parts(s, at, separator);
}

}  // namespace

void AddStringSearch(KernelRegistrar& r) {
  r.Add("aten::find", &Find<false>)
      .Add("aten::rfind", &Find<true>)
      .Add("aten::index.str", &Index<false>)
      .Add("aten::rindex", &Index<true>)
      .Add("aten::count", &Count)
      .Add("aten::startswith", &StartsWith)
      .Add("aten::endswith", &EndsWith)
      .Add("aten::replace", &Replace)
      .Add("aten::partition", &Partition)
      .Add("aten::rpartition", &RPartition);
}

}  // namespace tandem::reference
