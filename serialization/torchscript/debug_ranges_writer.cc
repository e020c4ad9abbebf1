#include "tandem/serialization/torchscript/debug_ranges_writer.h"

#include <cstdint>
#include <memory>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/string_view.h"
#include "tandem/ir/ivalue.h"
#include "tandem/serialization/torchscript/pickle_writer.h"

namespace tandem {
namespace {

class DebugWriter {
 public:
  absl::StatusOr<std::string> Write(absl::Span<const DebugRange> ranges) {
    std::vector<IValue> records;
    records.reserve(ranges.size());
    for (const DebugRange& r : ranges) {
      const IValue range(
          MakeTuple({SourceOf(r.original.source()),
                     IValue(static_cast<int64_t>(r.original.start())),
                     IValue(static_cast<int64_t>(r.original.end()))}));
      // The tag says nothing: -1.
      records.emplace_back(MakeTuple(
          {IValue(static_cast<int64_t>(r.offset)), range, IValue(-1)}));
    }
    return PickleWriter().Write(
        IValue(MakeTuple({IValue("FORMAT_WITH_STRING_TABLE"),
                          IValue(MakeTuple(std::move(texts_))),
                          IValue(MakeTuple(std::move(records)))})));
  }

 private:
  // (indices of lines, index of the file's name, first line), once a source.
  IValue SourceOf(const std::shared_ptr<const Source>& source) {
    const auto known = sources_.find(source.get());
    if (known != sources_.end()) return known->second;
    std::vector<int64_t> lines;
    absl::string_view rest = source->text();
    while (!rest.empty()) {
      const size_t end = rest.find('\n');
      const absl::string_view line =
          rest.substr(0, end == absl::string_view::npos ? end : end + 1);
      lines.push_back(Text(line));
      rest.remove_prefix(line.size());
    }
    const int64_t name = Text(source->name().value_or(""));
    IValue made(MakeTuple({IValue(MakeIntList(lines)), IValue(name),
                           IValue(source->first_line())}));
    sources_.emplace(source.get(), made);
    return made;
  }

  int64_t Text(absl::string_view text) {
    const auto [it, is_new] =
        numbers_.emplace(text, static_cast<int64_t>(texts_.size()));
    if (is_new) texts_.emplace_back(text);
    return it->second;
  }

  std::vector<IValue> texts_;
  absl::flat_hash_map<std::string, int64_t> numbers_;
  absl::flat_hash_map<const Source*, IValue> sources_;
};

}  // namespace

absl::StatusOr<std::string> WriteDebugRanges(
    absl::Span<const DebugRange> ranges) {
  return DebugWriter().Write(ranges);
}

}  // namespace tandem
