// Places in source text: what a node, a token and an error point to.

#ifndef TANDEM_IR_SOURCE_RANGE_H_
#define TANDEM_IR_SOURCE_RANGE_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"

namespace tandem {

class SourceRange;

// One source text: a file of an archive's code/, a function's text, a string.
// Immutable and shared by all ranges that point into it.
class Source {
 public:
  // Gives the range that a range of generated text (an archive's code) was
  // printed from, or nothing. It must be safe to call from several threads.
  using OriginalResolver =
      std::function<std::optional<SourceRange>(const SourceRange&)>;

  // `first_line` is the number of the text's first line as people count it.
  // Without a name, ranges are not said to be in a file.
  explicit Source(std::string text,
                  std::optional<std::string> name = std::nullopt,
                  int64_t first_line = 1, OriginalResolver original = nullptr);
  Source(const Source&) = delete;
  Source& operator=(const Source&) = delete;

  absl::string_view text() const { return text_; }
  size_t size() const { return text_.size(); }
  const std::optional<std::string>& name() const { return name_; }
  int64_t first_line() const { return first_line_; }

  // The index (from 0) of the line that holds byte `offset`.
  size_t LineIndex(size_t offset) const;
  // The offset of the first byte of line `index`, which must exist.
  size_t LineStart(size_t index) const { return line_starts_[index]; }
  size_t line_count() const { return line_starts_.size(); }

  std::optional<SourceRange> OriginalOf(const SourceRange& range) const;

 private:
  std::string text_;
  std::optional<std::string> name_;
  int64_t first_line_;
  std::vector<uint32_t> line_starts_;
  OriginalResolver original_;
};

// Where a place is, for people. `line` counts from the source's first line,
// `column` in bytes from 0.
struct FileLineColumn {
  std::string file;
  int64_t line;
  size_t column;
};

// The bytes [start, end) of a source. Cheap to copy: a shared pointer and two
// numbers. An empty range (no source) stands for "unknown".
class SourceRange {
 public:
  SourceRange() = default;
  // Start and end are clipped to the text.
  SourceRange(std::shared_ptr<const Source> source, size_t start, size_t end);

  bool valid() const { return source_ != nullptr; }
  const std::shared_ptr<const Source>& source() const { return source_; }
  size_t start() const { return start_; }
  size_t end() const { return end_; }
  size_t size() const { return end_ - start_; }
  // The text of the range; empty if unknown.
  absl::string_view text() const;

  // From this range's start to the other's end, in one source.
  SourceRange To(const SourceRange& last) const;

  // The place of the start; nothing where the source has no name.
  std::optional<FileLineColumn> file_line_column() const;

  // The range that this text was printed from, if the source knows it.
  std::optional<SourceRange> Original() const;
  // Original(), or else the range itself.
  SourceRange OriginalOrSelf() const;

  // The range's lines underlined, with two lines of context, in PyTorch's
  // layout:
  //
  //   File "m.py", line 9
  //     def forward(self, x):
  //         return helper(x)
  //                ~~~~~~ <--- HERE
  //
  // `function`, if not empty, is named in the first line (", in FUNCTION").
  // Ends with a newline unless the text is empty or is highlighted whole.
  std::string Highlight(absl::string_view function = {}) const;

  friend bool operator==(const SourceRange& a, const SourceRange& b) {
    return a.source_ == b.source_ && a.start_ == b.start_ && a.end_ == b.end_;
  }
  friend bool operator!=(const SourceRange& a, const SourceRange& b) {
    return !(a == b);
  }

 private:
  std::shared_ptr<const Source> source_;
  uint32_t start_ = 0;
  uint32_t end_ = 0;
};

}  // namespace tandem

#endif  // TANDEM_IR_SOURCE_RANGE_H_
