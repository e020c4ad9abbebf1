#include "tandem/ir/operator_table.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "tandem/ir/operators/rows.h"
#include "tandem/tensor/status_macros.h"

namespace tandem {
namespace {

// "aten::add.Tensor(…" -> "aten::add"
absl::string_view NameOfRow(absl::string_view row) {
  return row.substr(0, row.find_first_of(".("));
}

uint8_t EffectFromName(absl::string_view name) {
  if (name == "random") return static_cast<uint8_t>(Effect::kRandom);
  if (name == "output") return static_cast<uint8_t>(Effect::kOutput);
  if (name == "files") return static_cast<uint8_t>(Effect::kFiles);
  if (name == "clock") return static_cast<uint8_t>(Effect::kClock);
  if (name == "control") return static_cast<uint8_t>(Effect::kControl);
  return 0;
}

size_t EditDistance(absl::string_view a, absl::string_view b) {
  std::vector<size_t> row(b.size() + 1);
  for (size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (size_t i = 1; i <= a.size(); ++i) {
    size_t diagonal = row[0];
    row[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      const size_t above = row[j];
      row[j] = std::min({row[j] + 1, row[j - 1] + 1,
                         diagonal + (a[i - 1] == b[j - 1] ? 0 : 1)});
      diagonal = above;
    }
  }
  return row[b.size()];
}

}  // namespace

bool Operator::is_pure() const {
  if (effects != 0 || schema.is_mutable()) return false;
  for (const Argument& r : schema.returns) {
    if (r.alias.has_value()) return false;
  }
  return true;
}

// Overloads of one name. Builtin rows wait as text until someone asks.
struct OperatorTable::Entry {
  struct Row {
    absl::string_view text;
    absl::string_view family;
  };
  std::vector<Row> unparsed;
  std::vector<std::unique_ptr<Operator>> owned;
  std::vector<const Operator*> overloads;

  void Parse() {
    for (const Row& row : unparsed) {
      const std::pair<absl::string_view, absl::string_view> parts =
          absl::StrSplit(row.text, absl::MaxSplits("  ; ", 1));
      absl::StatusOr<FunctionSchema> schema = ParseSchema(parts.first);
      if (!schema.ok()) continue;  // a test parses every row
      auto op = std::make_unique<Operator>();
      op->schema = *std::move(schema);
      op->family = std::string(row.family);
      op->effects = EffectFromName(parts.second);
      overloads.push_back(op.get());
      owned.push_back(std::move(op));
    }
    unparsed.clear();
  }
};

OperatorTable::OperatorTable(const OperatorTable* base) : base_(base) {}
OperatorTable::~OperatorTable() = default;

const OperatorTable& OperatorTable::Builtin() {
  static const OperatorTable* const kTable = [] {
    auto* table = new OperatorTable(nullptr);
    absl::MutexLock lock(&table->mutex_);
    table->entries_.reserve(2200);
    for (const FamilyRows& family : BuiltinRows()) {
      absl::string_view rest = family.rows;
      while (!rest.empty()) {
        const size_t end = rest.find('\n');
        const absl::string_view row = rest.substr(0, end);
        rest.remove_prefix(end == absl::string_view::npos ? rest.size()
                                                          : end + 1);
        if (row.empty() || row[0] == '#') continue;
        std::unique_ptr<Entry>& entry = table->entries_[NameOfRow(row)];
        if (entry == nullptr) entry = std::make_unique<Entry>();
        entry->unparsed.push_back({row, family.family});
      }
    }
    return table;
  }();
  return *kTable;
}

absl::StatusOr<const Operator*> OperatorTable::Add(absl::string_view schema,
                                                   absl::string_view family,
                                                   uint8_t effects) {
  TANDEM_ASSIGN_OR_RETURN(FunctionSchema parsed, ParseSchema(schema));
  if (Find(parsed.name, parsed.overload_name) != nullptr) {
    return absl::AlreadyExistsError(absl::StrCat("operator ", parsed.FullName(),
                                                 " is in the table already"));
  }
  auto op = std::make_unique<Operator>();
  op->schema = std::move(parsed);
  op->family = std::string(family);
  op->effects = effects;
  const Operator* result = op.get();
  absl::MutexLock lock(&mutex_);
  std::unique_ptr<Entry>& entry = entries_[op->schema.name];
  if (entry == nullptr) {
    entry = std::make_unique<Entry>();
    if (base_ != nullptr) {
      const auto inherited = base_->Overloads(op->schema.name);
      entry->overloads.assign(inherited.begin(), inherited.end());
    }
  }
  entry->overloads.push_back(result);
  entry->owned.push_back(std::move(op));
  return result;
}

absl::Span<const Operator* const> OperatorTable::Overloads(
    absl::string_view name) const {
  {
    absl::MutexLock lock(&mutex_);
    const auto it = entries_.find(name);
    if (it != entries_.end()) {
      if (!it->second->unparsed.empty()) it->second->Parse();
      return it->second->overloads;
    }
  }
  return base_ == nullptr ? absl::Span<const Operator* const>()
                          : base_->Overloads(name);
}

const Operator* OperatorTable::Find(absl::string_view name,
                                    absl::string_view overload) const {
  for (const Operator* op : Overloads(name)) {
    if (op->schema.overload_name == overload) return op;
  }
  return nullptr;
}

std::vector<std::string> OperatorTable::Suggest(absl::string_view name,
                                                size_t limit) const {
  std::vector<std::pair<size_t, std::string>> near;
  if (name.size() > 200) return {};
  for (const OperatorTable* t = this; t != nullptr; t = t->base_) {
    absl::MutexLock lock(&t->mutex_);
    for (const auto& [other, entry] : t->entries_) {
      const size_t d = EditDistance(name, other);
      if (d <= 1 + name.size() / 6) near.emplace_back(d, other);
    }
  }
  std::sort(near.begin(), near.end());
  std::vector<std::string> result;
  for (const auto& [d, other] : near) {
    if (result.size() == limit) break;
    result.push_back(other);
  }
  return result;
}

std::vector<const Operator*> OperatorTable::All() const {
  std::vector<const Operator*> all;
  if (base_ != nullptr) all = base_->All();
  absl::MutexLock lock(&mutex_);
  for (const auto& [name, entry] : entries_) {
    entry->Parse();
    for (const auto& op : entry->owned) all.push_back(op.get());
  }
  std::sort(all.begin(), all.end(), [](const Operator* a, const Operator* b) {
    return std::make_pair(absl::string_view(a->schema.name),
                          absl::string_view(a->schema.overload_name)) <
           std::make_pair(absl::string_view(b->schema.name),
                          absl::string_view(b->schema.overload_name));
  });
  return all;
}

}  // namespace tandem
