#include "tandem/ir/dot.h"

#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "tandem/ir/literal.h"

namespace tandem {
namespace {

constexpr size_t kMaxLabelText = 60;

std::string Quoted(absl::string_view label) {
  return absl::StrCat(
      "\"",
      absl::StrReplaceAll(label,
                          {{"\\", "\\\\"}, {"\"", "\\\""}, {"\n", "\\n"}}),
      "\"");
}

std::string Shortened(std::string text) {
  if (text.size() <= kMaxLabelText) return text;
  return absl::StrCat(text.substr(0, kMaxLabelText), " ...");
}

std::string ConstantText(const IValue& value) {
  std::string text;
  AppendLiteral(
      value, &text,
      [](const IValue& v, std::string* out) {
        switch (v.tag()) {
          case IValue::Tag::kTensor:
            out->append(
                v.AsTensor().defined()
                    ? absl::StrCat("tensor", DimsToString(v.AsTensor().sizes()))
                    : "tensor");
            return true;
          case IValue::Tag::kObject:
          case IValue::Tag::kOpaque:
          case IValue::Tag::kFuture:
          case IValue::Tag::kGenerator:
            out->append("object");
            return true;
          default:
            return false;
        }
      },
      /*for_graph=*/true);
  return Shortened(std::move(text));
}

// Nodes are n0, n1, … in the order of the graph; a block's parameters and
// results have a box of their own.
class DotPrinter {
 public:
  std::string Print(const Graph& graph, absl::string_view title) {
    absl::StrAppend(&out_, "digraph ", Quoted(title), " {\n",
                    "  node [shape=box, fontname=\"Helvetica\"];\n",
                    "  edge [fontname=\"Helvetica\", fontsize=9];\n");
    PrintBlock(*graph.block(), "  ", "inputs", "outputs");
    absl::StrAppend(&out_, edges_, "}\n");
    return std::move(out_);
  }

 private:
  std::string NewId() { return absl::StrCat("n", next_id_++); }

  void PrintBox(absl::string_view indent, absl::string_view id,
                absl::string_view label, absl::string_view style = "") {
    absl::StrAppend(&out_, indent, id, " [label=", Quoted(label), style,
                    "];\n");
  }

  void PrintEdge(const Value* value, absl::string_view to) {
    const auto from = ids_.find(value->node());
    if (from == ids_.end()) return;
    absl::StrAppend(
        &edges_, "  ", from->second, " -> ", to, " [label=",
        Quoted(Shortened(absl::StrCat("%", value->DebugName(), " : ",
                                      value->type()->ToString()))),
        "];\n");
  }

  std::string LabelOf(const Node& node) {
    std::string label = node.op() != nullptr ? node.op()->schema.FullName()
                                             : std::string(node.name());
    for (const NodeAttribute& a : node.attributes()) {
      if (const auto* s = std::get_if<std::string>(&a.payload)) {
        absl::StrAppend(&label, "\n", a.name, " = ", Shortened(*s));
      } else if (const auto* i = std::get_if<int64_t>(&a.payload)) {
        absl::StrAppend(&label, "\n", a.name, " = ", *i);
      }
    }
    for (size_t i = 0; i < node.inputs().size(); ++i) {
      const std::optional<IValue> constant = ConstantOf(node.input(i));
      if (!constant.has_value()) continue;
      const bool named =
          node.op() != nullptr && i < node.op()->schema.arguments.size();
      absl::StrAppend(
          &label, "\n",
          named ? node.op()->schema.arguments[i].name : absl::StrCat(i), " = ",
          ConstantText(*constant));
    }
    return label;
  }

  void PrintNode(const Node& node, const std::string& indent) {
    // Constants that anyone but a node takes, a block's end say, get a box.
    if (node.is(NodeKind::kConstant)) {
      for (const Use& use : node.output()->uses()) {
        if (!use.user->is(NodeKind::kReturn)) continue;
        const std::string id = ids_[&node] = NewId();
        PrintBox(indent, id, ConstantText(node.constant()), ", shape=plain");
        break;
      }
      return;
    }
    const std::string id = ids_[&node] = NewId();
    PrintBox(indent, id, LabelOf(node));
    for (const Value* v : node.inputs()) {
      if (!v->node()->is(NodeKind::kConstant)) PrintEdge(v, id);
    }
    for (size_t i = 0; i < node.blocks().size(); ++i) {
      PrintCluster(*node.block(i), absl::StrCat(node.name(), " block", i), id,
                   indent);
    }
    const NodeAttribute* subgraph = node.FindAttribute("Subgraph");
    if (subgraph == nullptr) return;
    const auto* graph = std::get_if<std::shared_ptr<Graph>>(&subgraph->payload);
    if (graph == nullptr || *graph == nullptr) return;
    PrintCluster(*(*graph)->block(), std::string(node.name()), id, indent);
  }

  void PrintCluster(const Block& block, const std::string& label,
                    const std::string& owner, const std::string& indent) {
    absl::StrAppend(&out_, indent, "subgraph cluster", next_cluster_++, " {\n",
                    indent, "  label=", Quoted(label), ";\n");
    const auto [first, last] =
        PrintBlock(block, indent + "  ", "begin", "result");
    absl::StrAppend(&out_, indent, "}\n");
    absl::StrAppend(&edges_, "  ", owner, " -> ", first, " [style=dashed];\n  ",
                    last, " -> ", owner,
                    " [style=dashed, constraint=false];\n");
  }

  // The boxes of its parameters and results.
  std::pair<std::string, std::string> PrintBlock(const Block& block,
                                                 const std::string& indent,
                                                 absl::string_view begin,
                                                 absl::string_view end) {
    const std::string first = ids_[block.param_node()] = NewId();
    PrintBox(indent, first, begin, ", shape=oval");
    for (const Node* n : block) PrintNode(*n, indent);
    const std::string last = NewId();
    PrintBox(indent, last, end, ", shape=oval");
    for (const Value* v : block.outputs()) PrintEdge(v, last);
    return {first, last};
  }

  std::string out_, edges_;
  absl::flat_hash_map<const Node*, std::string> ids_;
  size_t next_id_ = 0, next_cluster_ = 0;
};

}  // namespace

std::string GraphToDot(const Graph& graph, absl::string_view title) {
  return DotPrinter().Print(graph, title);
}

}  // namespace tandem
