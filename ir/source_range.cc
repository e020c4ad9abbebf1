#include "tandem/ir/source_range.h"

#include <algorithm>
#include <cstring>
#include <limits>
#include <utility>

#include "absl/strings/str_cat.h"

namespace tandem {
namespace {

// How many line ends delimit the context before and after a highlighted part:
// the part's own line and two others.
constexpr int kContextLineEnds = 3;

// A highlighted part with its context is clipped beyond this size, to this many
// bytes before and after its start.
constexpr size_t kMaxHighlight = 16000;
constexpr size_t kClippedWidth = 100;

bool IsLetterContinued(char c) { return (c & 0xC0) == 0x80; }

// The number of leading bytes of the line part [begin, end) that stay without
// an underline: what lies before `start`, and blanks.
size_t CountBlank(absl::string_view text, size_t begin, size_t end,
                  size_t start) {
  size_t i = begin;
  while (i < end && (i < start || text[i] == ' ')) ++i;
  return i - begin;
}

// Whether anything but blanks and line ends is in [begin, end].
bool HasMore(absl::string_view text, size_t begin, size_t end) {
  for (size_t i = begin; i <= end && i < text.size(); ++i) {
    if (text[i] != '\n' && text[i] != ' ') return true;
  }
  return false;
}

}  // namespace

Source::Source(std::string text, std::optional<std::string> name,
               int64_t first_line, OriginalResolver original)
    : text_(std::move(text)),
      name_(std::move(name)),
      first_line_(first_line),
      original_(std::move(original)) {
  line_starts_.push_back(0);
  // Offsets are kept in 32 bits; no reader takes a text that long.
  const size_t size =
      std::min<size_t>(text_.size(), std::numeric_limits<uint32_t>::max());
  const char* const begin = text_.data();
  const char* const end = begin + size;
  for (const char* at = begin; at < end;) {
    at = static_cast<const char*>(std::memchr(at, '\n', end - at));
    if (at == nullptr) break;
    ++at;
    line_starts_.push_back(static_cast<uint32_t>(at - begin));
  }
}

size_t Source::LineIndex(size_t offset) const {
  const auto next =
      std::upper_bound(line_starts_.begin(), line_starts_.end(), offset);
  return static_cast<size_t>(next - line_starts_.begin()) - 1;
}

std::optional<SourceRange> Source::OriginalOf(const SourceRange& range) const {
  if (original_ == nullptr) return std::nullopt;
  return original_(range);
}

SourceRange::SourceRange(std::shared_ptr<const Source> source, size_t start,
                         size_t end)
    : source_(std::move(source)) {
  size_t size = source_ == nullptr ? 0 : source_->size();
  size = std::min<size_t>(size, std::numeric_limits<uint32_t>::max());
  end_ = static_cast<uint32_t>(std::min(end, size));
  start_ = static_cast<uint32_t>(std::min<size_t>(start, end_));
}

absl::string_view SourceRange::text() const {
  if (source_ == nullptr) return {};
  return source_->text().substr(start_, size());
}

SourceRange SourceRange::To(const SourceRange& last) const {
  if (source_ == nullptr || source_ != last.source_) return *this;
  return SourceRange(source_, start_, std::max(end_, last.end_));
}

std::optional<FileLineColumn> SourceRange::file_line_column() const {
  if (source_ == nullptr || !source_->name().has_value()) return std::nullopt;
  const size_t line = source_->LineIndex(start_);
  return FileLineColumn{*source_->name(),
                        source_->first_line() + static_cast<int64_t>(line),
                        start_ - source_->LineStart(line)};
}

std::optional<SourceRange> SourceRange::Original() const {
  if (source_ == nullptr) return std::nullopt;
  return source_->OriginalOf(*this);
}

SourceRange SourceRange::OriginalOrSelf() const {
  std::optional<SourceRange> original = Original();
  return original.has_value() ? *std::move(original) : *this;
}

std::string SourceRange::Highlight(absl::string_view function) const {
  std::string out;
  if (source_ == nullptr) return out;
  const absl::string_view text = source_->text();
  // The whole of a text (a stack trace of Python, say) is shown as it is.
  if (size() == text.size()) return std::string(text);

  size_t context_begin = source_->LineStart(source_->LineIndex(start_));
  for (int ends = 0; context_begin > 0; --context_begin) {
    if (text[context_begin - 1] == '\n') ++ends;
    if (ends >= kContextLineEnds) break;
  }
  size_t context_end = std::min(text.find('\n', end_), text.size());
  for (int ends = 0; context_end < text.size(); ++context_end) {
    if (text[context_end] == '\n') ++ends;
    if (ends >= kContextLineEnds) break;
  }

  if (std::optional<FileLineColumn> place = file_line_column();
      place.has_value() && !place->file.empty()) {
    absl::StrAppend(&out, "  File \"", place->file, "\", line ", place->line);
    if (!function.empty()) {
      absl::StrAppend(&out, ", in ", function);
    }
    out += '\n';
  }
  if (context_end - context_begin > kMaxHighlight) {
    // Lines that no person wrote: the part around the start says enough.
    const size_t line_begin = source_->LineStart(source_->LineIndex(start_));
    const size_t line_end = std::min(text.find('\n', start_), text.size());
    size_t shown_begin = std::max<size_t>(
        line_begin, start_ - std::min<size_t>(start_, kClippedWidth));
    size_t shown_end = std::min<size_t>(line_end, start_ + kClippedWidth);
    while (shown_begin < start_ && IsLetterContinued(text[shown_begin])) {
      ++shown_begin;
    }
    while (shown_end < line_end && shown_end > start_ &&
           IsLetterContinued(text[shown_end])) {
      --shown_end;
    }
    const size_t marked_end =
        std::max<size_t>(std::min<size_t>(shown_end, end_), start_);
    const absl::string_view before = shown_begin > line_begin ? "..." : "";
    absl::StrAppend(&out, before,
                    text.substr(shown_begin, shown_end - shown_begin),
                    shown_end < line_end ? "...\n" : "\n");
    out.append(before.size() + (start_ - shown_begin), ' ');
    out.append(marked_end - start_, '~');
    out += " <--- HERE\n";
    return out;
  }
  absl::StrAppend(&out, text.substr(context_begin, start_ - context_begin));

  size_t next = start_;  // where the next line to be shown begins
  while (next < end_) {
    const size_t line_end = std::min(text.find('\n', next), text.size());
    absl::StrAppend(&out, text.substr(next, line_end - next), "\n");

    const size_t line_begin = source_->LineStart(source_->LineIndex(next));
    const size_t marked_end = std::min<size_t>(line_end, end_);
    const size_t blank = CountBlank(text, line_begin, marked_end, start_);
    const size_t marked = marked_end - line_begin - blank;
    if (marked > 0) {
      out.append(blank, ' ');
      out.append(marked, '~');
      const bool more = line_end != end_ && HasMore(text, line_end, end_);
      out += more ? "\n" : " <--- HERE\n";
    }
    next = line_end + 1;
  }
  if (next < context_end) {
    absl::StrAppend(&out, text.substr(next, context_end - next));
    if (out.back() != '\n') out += '\n';
  }
  return out;
}

}  // namespace tandem
