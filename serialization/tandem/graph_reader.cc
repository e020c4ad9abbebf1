#include "tandem/serialization/tandem/graph_reader.h"

#include <algorithm>
#include <numeric>
#include <optional>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "tandem/tensor/status_macros.h"

namespace tandem::model_file {
namespace {

constexpr int kMaxDepth = 256;
constexpr uint64_t kMaxRepeatedText = uint64_t{64} << 20;

// What a file's texts were printed from, by (start, end).
using Originals = absl::flat_hash_map<std::pair<size_t, size_t>, SourceRange>;

}  // namespace

absl::Status GraphReader::ReadOperators() {
  for (int i = 0; i < program_.operators_size(); ++i) {
    const format::Operator& in = program_.operators(i);
    Kind kind{NodeKind::kOperator};
    if (in.is_language()) {
      const std::optional<NodeKind> known = NodeKindFromName(in.name());
      if (!known.has_value() || *known == NodeKind::kParam ||
          *known == NodeKind::kReturn) {
        return BadEntry("operators", i,
                        absl::StrCat("'", in.name(),
                                     "' is no part of the language that this "
                                     "version of tandem knows"));
      }
      if (*known == NodeKind::kFusionGroup) {
        return BadEntry("operators", i,
                        "groups of backends belong to plans, not to files");
      }
      kind.kind = *known;
    } else {
      kind.op = table_.Find(in.name(), in.overload_name());
      if (kind.op == nullptr) {
        std::string message =
            absl::StrCat("the program uses the operator ", in.name(),
                         in.overload_name().empty() ? "" : ".",
                         in.overload_name(), ", which is not built in",
                         plugin_hint_, ". The file has it as ", in.schema());
        const std::vector<std::string> near = table_.Suggest(in.name());
        if (!near.empty()) {
          absl::StrAppend(&message, ". Similar: ", absl::StrJoin(near, ", "));
        }
        return absl::NotFoundError(message);
      }
    }
    operators_.push_back(kind);
  }
  return absl::OkStatus();
}

const std::string& GraphReader::TextOf(const format::Source& source) const {
  return source.has_text_of()
             ? program_.sources(static_cast<int>(source.text_of())).text()
             : source.text();
}

absl::Status GraphReader::CheckTexts() const {
  // A source has its text to itself in memory: a small file could name one
  // often.
  uint64_t repeated = 0;
  for (int i = 0; i < program_.sources_size(); ++i) {
    const format::Source& in = program_.sources(i);
    if (!in.has_text_of()) continue;
    if (in.text_of() >= static_cast<uint32_t>(i) || !in.text().empty()) {
      return BadEntry("sources", i, "its text does not come before");
    }
    repeated += TextOf(in).size();
    if (repeated > kMaxRepeatedText) {
      return BadEntry("sources", i, "the texts are too long");
    }
  }
  return absl::OkStatus();
}

absl::Status GraphReader::ReadRanges() {
  // A text that others were printed from is a source apart, which leads nowhere
  // on: no source holds itself alive.
  std::vector<std::shared_ptr<Originals>> originals(program_.sources_size());
  for (int i = 0; i < program_.ranges_size(); ++i) {
    const format::Range& in = program_.ranges(i);
    if (absl::Status s = CheckNumber("sources", in.source(), originals.size());
        !s.ok()) {
      return BadEntry("ranges", i, s.message());
    }
    if (!in.has_original()) continue;
    if (in.original() >= static_cast<uint32_t>(i)) {
      return BadEntry("ranges", i, "its original does not come before");
    }
    if (originals[in.source()] == nullptr) {
      originals[in.source()] = std::make_shared<Originals>();
    }
  }
  std::vector<std::shared_ptr<const Source>> sources, leaves;
  TANDEM_RETURN_IF_ERROR(CheckTexts());
  const auto make = [this](const format::Source& in,
                           Source::OriginalResolver original) {
    return std::make_shared<const Source>(
        TextOf(in),
        in.has_name() ? std::make_optional(in.name()) : std::nullopt,
        in.first_line(), std::move(original));
  };
  for (int i = 0; i < program_.sources_size(); ++i) {
    const std::shared_ptr<Originals>& map = originals[i];
    if (map == nullptr) {
      leaves.push_back(make(program_.sources(i), nullptr));
      sources.push_back(leaves.back());
      continue;
    }
    sources.push_back(
        make(program_.sources(i),
             [map](const SourceRange& range) -> std::optional<SourceRange> {
               const auto it = map->find({range.start(), range.end()});
               if (it == map->end()) return std::nullopt;
               return it->second;
             }));
    leaves.emplace_back();
  }
  for (int i = 0; i < program_.ranges_size(); ++i) {
    const format::Range& in = program_.ranges(i);
    SourceRange range(sources[in.source()], in.start(), in.end());
    if (in.has_original()) {
      const format::Range& from =
          program_.ranges(static_cast<int>(in.original()));
      std::shared_ptr<const Source>& leaf = leaves[from.source()];
      if (leaf == nullptr) {
        leaf = make(program_.sources(static_cast<int>(from.source())), nullptr);
      }
      originals[in.source()]->emplace(
          std::make_pair(range.start(), range.end()),
          SourceRange(leaf, from.start(), from.end()));
    }
    ranges_.push_back(std::move(range));
  }
  return absl::OkStatus();
}

// Makes one graph: first the nodes with their blocks, then the values in the
// order of their numbers, then the uses.
class GraphReader::Builder {
 public:
  Builder(GraphReader* reader, const format::Graph& in)
      : reader_(*reader), in_(in), graph_(std::make_unique<Graph>()) {}

  absl::StatusOr<std::unique_ptr<Graph>> Build() {
    if (in_.blocks_size() == 0) return Bad("it has no blocks");
    TANDEM_RETURN_IF_ERROR(ReadBlock(graph_->block(), 1));
    if (next_block_ != in_.blocks_size() || next_node_ != in_.nodes_size() ||
        static_cast<int>(slots_.size()) != in_.values_size()) {
      return Bad("it has blocks, nodes or values that nothing has");
    }
    TANDEM_RETURN_IF_ERROR(MakeValues());
    for (int i = 0; i < in_.nodes_size(); ++i) {
      for (const uint32_t v : in_.nodes(i).inputs()) {
        TANDEM_RETURN_IF_ERROR(CheckNumber("values", v, values_.size()));
        nodes_[i]->AddInput(values_[v]);
      }
    }
    for (int i = 0; i < in_.blocks_size(); ++i) {
      for (const uint32_t v : in_.blocks(i).results()) {
        TANDEM_RETURN_IF_ERROR(CheckNumber("values", v, values_.size()));
        blocks_[i]->AddOutput(values_[v]);
      }
    }
    return std::move(graph_);
  }

  int depth() const { return depth_; }

 private:
  // Where a value goes: output `index` of `node`.
  struct Slot {
    Node* node;
    uint32_t index;
    int64_t number;
  };

  static absl::Status Bad(absl::string_view what) {
    return absl::InvalidArgumentError(what);
  }

  absl::Status Define(Node* node, uint32_t count) {
    if (count > in_.values_size() - slots_.size()) {
      return Bad("it has too few values");
    }
    for (uint32_t i = 0; i < count; ++i) {
      last_number_ += int64_t{1} +
                      in_.values(static_cast<int>(slots_.size())).number_step();
      slots_.push_back({node, i, last_number_});
    }
    return absl::OkStatus();
  }

  absl::Status ReadBlock(Block* block, int depth) {
    depth_ = std::max(depth_, depth);
    if (depth > kMaxDepth) return Bad("it is nested too deeply");
    if (next_block_ >= in_.blocks_size()) return Bad("it has too few blocks");
    const format::Block& in = in_.blocks(next_block_++);
    blocks_.push_back(block);
    TANDEM_RETURN_IF_ERROR(Define(block->param_node(), in.num_parameters()));
    if (in.num_nodes() > static_cast<uint32_t>(in_.nodes_size())) {
      return Bad("it has too few nodes");
    }
    for (uint32_t i = 0; i < in.num_nodes(); ++i) {
      TANDEM_RETURN_IF_ERROR(ReadNode(block, depth));
    }
    return absl::OkStatus();
  }

  absl::Status ReadNode(Block* block, int depth) {
    if (next_node_ >= in_.nodes_size()) return Bad("it has too few nodes");
    const int number = next_node_++;
    const format::Node& in = in_.nodes(number);
    TANDEM_RETURN_IF_ERROR(
        CheckNumber("operators", in.operator_(), reader_.operators_.size()));
    const Kind& kind = reader_.operators_[in.operator_()];
    Node* node = graph_->Create(kind.kind, {}, 0);
    if (kind.op != nullptr) node->set_op(kind.op);
    block->Append(node);
    nodes_.push_back(node);
    if (in.has_range()) {
      TANDEM_RETURN_IF_ERROR(
          CheckNumber("ranges", in.range(), reader_.ranges_.size()));
      node->set_range(reader_.ranges_[in.range()]);
    }
    if (in.has_scope()) {
      TANDEM_RETURN_IF_ERROR(
          CheckNumber("scopes", in.scope(), reader_.program_.scopes_size()));
      node->set_scope(reader_.program_.scopes(static_cast<int>(in.scope())));
    }
    for (const format::Attribute& attribute : in.attributes()) {
      if (absl::Status s = ReadAttribute(attribute, depth, node); !s.ok()) {
        return BadEntry("nodes", number, s.message());
      }
    }
    TANDEM_RETURN_IF_ERROR(Define(node, in.num_outputs()));
    if (in.num_blocks() > static_cast<uint32_t>(in_.blocks_size())) {
      return Bad("it has too few blocks");
    }
    for (uint32_t i = 0; i < in.num_blocks(); ++i) {
      TANDEM_RETURN_IF_ERROR(ReadBlock(node->AddBlock(), depth + 1));
    }
    return absl::OkStatus();
  }

  absl::Status ReadAttribute(const format::Attribute& in, int depth,
                             Node* node) {
    if (node->FindAttribute(in.name()) != nullptr) {
      return Bad(
          absl::StrCat("the attribute '", in.name(), "' is there twice"));
    }
    NodeAttribute::Payload payload;
    switch (in.payload_case()) {
      case format::Attribute::kValue: {
        TANDEM_ASSIGN_OR_RETURN(payload, reader_.values_.Get(in.value()));
        break;
      }
      case format::Attribute::kText:
        payload = in.text();
        break;
      case format::Attribute::kNumber:
        payload = static_cast<int64_t>(in.number());
        break;
      case format::Attribute::kReal:
        payload = in.real();
        break;
      case format::Attribute::kNumbers:
        payload = std::vector<int64_t>(in.numbers().values().begin(),
                                       in.numbers().values().end());
        break;
      case format::Attribute::kTexts:
        payload = std::vector<std::string>(in.texts().values().begin(),
                                           in.texts().values().end());
        break;
      case format::Attribute::kType: {
        TANDEM_ASSIGN_OR_RETURN(payload, reader_.types_.Get(in.type()));
        break;
      }
      case format::Attribute::kTypes: {
        std::vector<TypePtr> types;
        for (const uint32_t t : in.types().values()) {
          TANDEM_ASSIGN_OR_RETURN(TypePtr type, reader_.types_.Get(t));
          types.push_back(std::move(type));
        }
        payload = std::move(types);
        break;
      }
      case format::Attribute::kGraph: {
        TANDEM_ASSIGN_OR_RETURN(std::unique_ptr<Graph> graph,
                                reader_.Take(in.graph()));
        depth_ = std::max(depth_, depth + reader_.depths_[in.graph()]);
        payload = std::shared_ptr<Graph>(std::move(graph));
        break;
      }
      default:
        return Bad(absl::StrCat("the attribute '", in.name(),
                                "' is of a kind that is not known"));
    }
    node->SetAttribute(in.name(), std::move(payload));
    return absl::OkStatus();
  }

  absl::Status MakeValues() {
    std::vector<uint32_t> order(slots_.size());
    std::iota(order.begin(), order.end(), 0);
    std::stable_sort(order.begin(), order.end(), [&](uint32_t a, uint32_t b) {
      return slots_[a].number < slots_[b].number;
    });
    bool keep = true;  // the numbers as they were
    for (size_t i = 1; i < order.size(); ++i) {
      if (slots_[order[i]].number == slots_[order[i - 1]].number) keep = false;
    }
    // Numbers far apart are no use to anybody and would take memory.
    if (!order.empty() && (slots_[order.front()].number < 0 ||
                           slots_[order.back()].number >
                               static_cast<int64_t>(8 * order.size() + 64))) {
      keep = false;
    }
    if (!keep) std::iota(order.begin(), order.end(), 0);
    values_.resize(slots_.size());
    Node* filler = nullptr;
    int64_t next = 0;
    for (const uint32_t i : order) {
      for (; keep && next < slots_[i].number; ++next) {
        if (filler == nullptr) {
          filler = graph_->Create(NodeKind::kUninitialized, {}, 0);
        }
        filler->AddOutput(Type::None());
      }
      ++next;
      TANDEM_ASSIGN_OR_RETURN(
          const TypePtr type,
          reader_.types_.Get(in_.values(static_cast<int>(i)).type()));
      // Among those outputs of the node that are there already.
      const Slot& slot = slots_[i];
      size_t at = slot.node->outputs().size();
      while (at > 0 && placed_[slot.node->output(at - 1)] > slot.index) --at;
      Value* value = slot.node->InsertOutput(at, type);
      placed_[value] = slot.index;
      values_[i] = value;
    }
    if (filler != nullptr) filler->Destroy();
    absl::flat_hash_set<absl::string_view> names;
    for (size_t i = 0; i < values_.size(); ++i) {
      const std::string& name = in_.values(static_cast<int>(i)).name();
      if (name.empty()) continue;
      values_[i]->SetName(name);
      if (!names.insert(name).second || values_[i]->name() != name) {
        return Bad("two values have one name, or one that is no name");
      }
    }
    return absl::OkStatus();
  }

  GraphReader& reader_;
  const format::Graph& in_;
  std::unique_ptr<Graph> graph_;
  int next_block_ = 0;
  int next_node_ = 0;
  int depth_ = 0;
  int64_t last_number_ = -1;
  std::vector<Node*> nodes_;
  std::vector<Block*> blocks_;
  std::vector<Slot> slots_;
  std::vector<Value*> values_;
  absl::flat_hash_map<const Value*, uint32_t> placed_;
};

absl::Status GraphReader::ReadAll() {
  TANDEM_RETURN_IF_ERROR(ReadOperators());
  TANDEM_RETURN_IF_ERROR(ReadRanges());
  for (int i = 0; i < program_.graphs_size(); ++i) {
    Builder builder(this, program_.graphs(i));
    absl::StatusOr<std::unique_ptr<Graph>> graph = builder.Build();
    if (!graph.ok()) return BadEntry("graphs", i, graph.status().message());
    if (builder.depth() > kMaxDepth) {
      return BadEntry("graphs", i, "it is nested too deeply");
    }
    graphs_.push_back(*std::move(graph));
    depths_.push_back(builder.depth());
  }
  return absl::OkStatus();
}

absl::StatusOr<std::unique_ptr<Graph>> GraphReader::Take(uint64_t number) {
  TANDEM_RETURN_IF_ERROR(CheckNumber("graphs", number, graphs_.size()));
  if (graphs_[number] == nullptr) {
    return absl::InvalidArgumentError(
        absl::StrCat("graph ", number, " has two owners"));
  }
  return std::move(graphs_[number]);
}

}  // namespace tandem::model_file
