#include "tandem/serialization/torchscript/debug_ranges.h"

#include <algorithm>
#include <mutex>
#include <optional>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/str_cat.h"
#include "tandem/serialization/torchscript/pickle.h"
#include "tandem/tensor/status_macros.h"

namespace tandem {
namespace {

using Kind = PickleValue::Kind;

constexpr absl::string_view kTableForm = "FORMAT_WITH_STRING_TABLE";

bool IsDebugGlobal(absl::string_view module, absl::string_view name) {
  return module == "torch.jit._pickle" && name == "build_intlist";
}

class DebugReader {
 public:
  explicit DebugReader(const Pickle& pickle) : pickle_(pickle) {}

  absl::StatusOr<std::vector<DebugRange>> Read() {
    const PickleValue* records = &pickle_.root();
    if (records->kind != Kind::kTuple) {
      return pickle_.Error(*records, "debug records must be a tuple");
    }
    auto items = pickle_.Items(*records);
    if (items.size() == 3 && items[0].kind == Kind::kString &&
        pickle_.String(items[0]) == kTableForm) {
      if (items[1].kind != Kind::kTuple || items[2].kind != Kind::kTuple) {
        return pickle_.Error(*records, "texts and records must be tuples");
      }
      table_ = pickle_.Items(items[1]);
      for (const PickleValue& text : table_) {
        if (text.kind != Kind::kString) {
          return pickle_.Error(text, "the table of texts holds something else");
        }
      }
      items = pickle_.Items(items[2]);
    }
    std::vector<DebugRange> ranges;
    ranges.reserve(items.size());
    for (const PickleValue& item : items) {
      TANDEM_ASSIGN_OR_RETURN(DebugRange range, ReadRecord(item));
      ranges.push_back(std::move(range));
    }
    std::stable_sort(ranges.begin(), ranges.end(),
                     [](const DebugRange& a, const DebugRange& b) {
                       return a.offset < b.offset;
                     });
    return ranges;
  }

 private:
  // (offset, range, tag), (offset, tag, range) or (offset, range).
  absl::StatusOr<DebugRange> ReadRecord(const PickleValue& value) {
    const absl::Status wrong =
        pickle_.Error(value, "a debug record is not (offset, range, tag)");
    if (value.kind != Kind::kTuple) return wrong;
    const auto items = pickle_.Items(value);
    if (items.size() < 2 || items[0].kind != Kind::kInt ||
        items[0].integer < 0) {
      return wrong;
    }
    DebugRange range;
    range.offset = static_cast<size_t>(items[0].integer);
    for (const PickleValue& item : items.subspan(1)) {
      if (item.kind != Kind::kTuple) continue;
      TANDEM_ASSIGN_OR_RETURN(range.original, ReadRange(item));
      return range;
    }
    return wrong;
  }

  // (source, start, end).
  absl::StatusOr<SourceRange> ReadRange(const PickleValue& value) {
    const auto items = pickle_.Items(value);
    if (items.size() != 3 || items[0].kind != Kind::kTuple ||
        items[1].kind != Kind::kInt || items[2].kind != Kind::kInt) {
      return pickle_.Error(value, "a range is not (source, start, end)");
    }
    TANDEM_ASSIGN_OR_RETURN(std::shared_ptr<const Source> source,
                            ReadSource(items[0]));
    const int64_t size = static_cast<int64_t>(source->size());
    const int64_t start = std::clamp<int64_t>(items[1].integer, 0, size);
    const int64_t end = std::clamp<int64_t>(items[2].integer, start, size);
    return SourceRange(std::move(source), static_cast<size_t>(start),
                       static_cast<size_t>(end));
  }

  // (indices of the table's texts, index of the file's name, first line), or in
  // the older form (text, file name or None, first line).
  absl::StatusOr<std::shared_ptr<const Source>> ReadSource(
      const PickleValue& value) {
    const auto items = pickle_.Items(value);
    const absl::Status wrong =
        pickle_.Error(value, "a source is not (text, file name, line)");
    if (items.size() != 3 || items[2].kind != Kind::kInt) return wrong;
    std::string key;
    std::string text;
    if (items[0].kind == Kind::kString) {
      // The memo gives a repeated text the same place in the record.
      key = absl::StrCat("t", items[0].slice.begin);
    } else if (items[0].kind == Kind::kCall &&
               pickle_.Argument(items[0]).kind == Kind::kTuple &&
               pickle_.Items(pickle_.Argument(items[0])).size() == 1) {
      const PickleValue& list = pickle_.Items(pickle_.Argument(items[0]))[0];
      if (list.kind != Kind::kList) return wrong;
      for (const PickleValue& index : pickle_.Items(list)) {
        if (index.kind != Kind::kInt || index.integer < 0 ||
            index.integer >= static_cast<int64_t>(table_.size())) {
          return wrong;
        }
        absl::StrAppend(&key, index.integer, ",");
      }
    } else {
      return wrong;
    }
    std::optional<std::string> name;
    if (items[1].kind == Kind::kString) {
      name = std::string(pickle_.String(items[1]));
    } else if (items[1].kind == Kind::kInt && items[1].integer >= 0 &&
               items[1].integer < static_cast<int64_t>(table_.size())) {
      // Empty for code that no file holds: graphs show it as ":0:0".
      name = std::string(pickle_.String(table_[items[1].integer]));
    }
    absl::StrAppend(&key, "@", name.value_or(""), ":", items[2].integer);
    auto& source = sources_[key];
    if (source == nullptr) {
      if (items[0].kind == Kind::kString) {
        text = std::string(pickle_.String(items[0]));
      } else {
        const PickleValue& list = pickle_.Items(pickle_.Argument(items[0]))[0];
        for (const PickleValue& index : pickle_.Items(list)) {
          absl::StrAppend(&text, pickle_.String(table_[index.integer]));
          // Texts are repeated by their numbers: a small record could make
          // large ones.
          if (total_ + text.size() > kMaxTotal) {
            return pickle_.Error(value, "the sources are too long");
          }
        }
      }
      total_ += text.size();
      source = std::make_shared<const Source>(std::move(text), std::move(name),
                                              items[2].integer);
    }
    return source;
  }

  static constexpr size_t kMaxTotal = size_t{64} << 20;

  const Pickle& pickle_;
  absl::Span<const PickleValue> table_;
  absl::flat_hash_map<std::string, std::shared_ptr<const Source>> sources_;
  size_t total_ = 0;
};

// What the resolver of one code file shares between its copies.
struct Lazy {
  std::shared_ptr<const Archive> archive;
  std::string record;
  std::once_flag once;
  std::vector<DebugRange> ranges;

  void Load() {
    if (archive->Find(record) == nullptr) return;
    const absl::StatusOr<ZipRecord> bytes = archive->Read(record);
    if (bytes.ok()) {
      absl::StatusOr<std::vector<DebugRange>> read = ReadDebugRanges(
          archive->Where(record), bytes->bytes(), archive->limits().pickle);
      if (read.ok()) ranges = *std::move(read);
    }
    archive.reset();
  }
};

}  // namespace

absl::StatusOr<std::vector<DebugRange>> ReadDebugRanges(
    std::string where, absl::Span<const uint8_t> bytes,
    const PickleLimits& limits) {
  TANDEM_ASSIGN_OR_RETURN(
      const Pickle pickle,
      Pickle::Parse(std::move(where), bytes, IsDebugGlobal, limits));
  return DebugReader(pickle).Read();
}

Source::OriginalResolver MakeOriginalResolver(
    std::shared_ptr<const Archive> archive, std::string code_record) {
  auto lazy = std::make_shared<Lazy>();
  lazy->record = absl::StrCat(code_record, ".debug_pkl");
  if (archive->Find(lazy->record) == nullptr) return nullptr;
  lazy->archive = std::move(archive);
  return [lazy](const SourceRange& range) -> std::optional<SourceRange> {
    std::call_once(lazy->once, [&] { lazy->Load(); });
    // The record with the greatest offset that is not after the place.
    const auto after = std::upper_bound(
        lazy->ranges.begin(), lazy->ranges.end(), range.start(),
        [](size_t place, const DebugRange& r) { return place < r.offset; });
    if (after == lazy->ranges.begin()) return std::nullopt;
    const SourceRange& original = std::prev(after)->original;
    if (!original.valid()) return std::nullopt;
    return original;
  };
}

}  // namespace tandem
