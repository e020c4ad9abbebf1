// Places and sources from canonical text.
#include <algorithm>
#include <limits>

#include "absl/strings/str_cat.h"
#include "tandem/ir/canonical_parser.h"
#include "tandem/ir/canonical_printer.h"
#include "tandem/tensor/status_macros.h"

namespace tandem::canonical {

absl::StatusOr<std::vector<Parser::RangeText>> Parser::ParseRange() {
  std::vector<RangeText> chain;
  if (!TakeName("at")) return chain;
  do {
    if (chain.size() == kMaxSourceDepth) {
      return lexer_.Error("fewer originals of a place");
    }
    TANDEM_ASSIGN_OR_RETURN(const int64_t source, ParseInt());
    TANDEM_RETURN_IF_ERROR(Expect("["));
    TANDEM_ASSIGN_OR_RETURN(const int64_t start, ParseInt());
    TANDEM_RETURN_IF_ERROR(Expect(":"));
    TANDEM_ASSIGN_OR_RETURN(const int64_t end, ParseInt());
    TANDEM_RETURN_IF_ERROR(Expect("]"));
    if (source < 0 || start < 0 || end < start) {
      return lexer_.Error("a place of the form SOURCE[START:END] before this");
    }
    chain.push_back({static_cast<size_t>(source), static_cast<uint64_t>(start),
                     static_cast<uint64_t>(end)});
  } while (Take("<"));
  return chain;
}

absl::Status Parser::ParseSource() {
  const size_t offset = lexer_.offset();
  TANDEM_RETURN_IF_ERROR(ExpectName("source"));
  TANDEM_ASSIGN_OR_RETURN(const int64_t index, ParseInt());
  if (static_cast<uint64_t>(index) != sources_.size()) {
    return lexer_.ErrorAt(
        offset, absl::StrCat("the next source is number ", sources_.size()));
  }
  SourceText source;
  // A line of text may look like a name or a number: what follows the number
  // belongs to the header only on its own line.
  if (lexer_.token().kind == Token::Kind::kString) {
    TANDEM_ASSIGN_OR_RETURN(source.name, ParseString());
  }
  if (TakeName("line")) {
    TANDEM_ASSIGN_OR_RETURN(source.first_line, ParseInt());
  }
  source.text = lexer_.TakeLines("  |");
  if (source.text.size() > std::numeric_limits<uint32_t>::max()) {
    return lexer_.ErrorAt(offset, "the source is too long");
  }
  sources_.push_back(std::move(source));
  return absl::OkStatus();
}

absl::Status Parser::ResolveRanges() {
  using Place = std::pair<uint64_t, uint64_t>;
  using Originals = absl::flat_hash_map<Place, SourceRange>;
  // Which sources point to which: a source keeps its originals alive, so there
  // must be no circle, and chains of them must be short.
  std::vector<std::vector<size_t>> edges(sources_.size());
  std::vector<size_t> incoming(sources_.size());
  for (const PendingRange& r : ranges_) {
    for (size_t i = 0; i < r.chain.size(); ++i) {
      const RangeText& place = r.chain[i];
      if (place.source >= sources_.size() ||
          place.end > sources_[place.source].text.size()) {
        return lexer_.ErrorAt(r.offset, "a place outside of the sources");
      }
      if (i == 0) continue;
      edges[r.chain[i - 1].source].push_back(place.source);
    }
  }
  std::vector<size_t> depth(sources_.size()), ready;
  for (auto& targets : edges) {
    std::sort(targets.begin(), targets.end());
    targets.erase(std::unique(targets.begin(), targets.end()), targets.end());
    for (size_t t : targets) ++incoming[t];
  }
  for (size_t i = 0; i < sources_.size(); ++i) {
    if (incoming[i] == 0) ready.push_back(i);
  }
  size_t done = 0;
  bool too_deep = false;
  while (!ready.empty()) {
    const size_t i = ready.back();
    ready.pop_back();
    ++done;
    for (size_t t : edges[i]) {
      depth[t] = std::max(depth[t], depth[i] + 1);
      if (--incoming[t] == 0) ready.push_back(t);
      if (depth[t] > kMaxSourceDepth) too_deep = true;
    }
  }
  if (too_deep || done != sources_.size()) {
    return lexer_.ErrorAt(lexer_.offset(),
                          "the sources are originals of each other");
  }
  std::vector<std::shared_ptr<const Source>> sources;
  std::vector<std::shared_ptr<Originals>> originals;
  for (size_t i = 0; i < sources_.size(); ++i) {
    auto map = std::make_shared<Originals>();
    Source::OriginalResolver resolver;
    if (!edges[i].empty()) {
      resolver = [map](const SourceRange& r) -> std::optional<SourceRange> {
        const auto it = map->find(Place(r.start(), r.end()));
        if (it == map->end()) return std::nullopt;
        return it->second;
      };
    }
    originals.push_back(std::move(map));
    sources.push_back(std::make_shared<const Source>(
        std::move(sources_[i].text), std::move(sources_[i].name),
        sources_[i].first_line, std::move(resolver)));
  }
  const auto range_of = [&](const RangeText& place) {
    return SourceRange(sources[place.source], place.start, place.end);
  };
  for (const PendingRange& r : ranges_) {
    r.node->set_range(range_of(r.chain[0]));
    for (size_t i = 1; i < r.chain.size(); ++i) {
      const RangeText& from = r.chain[i - 1];
      (*originals[from.source])[Place(from.start, from.end)] =
          range_of(r.chain[i]);
    }
  }
  ranges_.clear();
  return absl::OkStatus();
}

}  // namespace tandem::canonical
