#include "tandem/ir/print.h"

#include <cstdio>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "tandem/ir/class_type.h"
#include "tandem/ir/compilation_unit.h"
#include "tandem/ir/literal.h"
#include "tandem/tensor/print.h"

namespace tandem {
namespace {

constexpr int64_t kMaxShownElements = 10;

// Types as graphs show them: unlike elsewhere, in messages and schemas, with
// brackets after Future and its like.
std::string TypeText(const Type& t) {
  switch (t.kind()) {
    case TypeKind::kFuture:
      return absl::StrCat("Future[", TypeText(*t.element()), "]");
    case TypeKind::kRRef:
      return absl::StrCat("RRef[", TypeText(*t.element()), "]");
    case TypeKind::kAwait:
      return absl::StrCat("Await[", TypeText(*t.element()), "]");
    case TypeKind::kList:
      return absl::StrCat(TypeText(*t.element()), "[]");
    case TypeKind::kOptional:
      return absl::StrCat(TypeText(*t.element()), "?");
    case TypeKind::kScalarType:
    case TypeKind::kLayout:
    case TypeKind::kMemoryFormat:
      return "int";
    case TypeKind::kTuple:
      if (t.is_named_tuple()) return t.ToString();
      return absl::StrCat("(",
                          absl::StrJoin(t.elements(), ", ",
                                        [](std::string* out, const TypePtr& e) {
                                          out->append(TypeText(*e));
                                        }),
                          ")");
    default:
      return t.ToString();
  }
}

// One element as an iostream prints it.
std::string ItemText(const Scalar& s) {
  if (s.is_integral()) return absl::StrCat(s.ToInt());
  const std::complex<double> c = s.ToComplex();
  if (s.is_complex()) return absl::StrFormat("(%g,%g)", c.real(), c.imag());
  return absl::StrFormat("%g", c.real());
}

std::string TensorText(const Tensor& t) {
  if (!t.defined() || t.is_sparse() || t.is_meta() ||
      t.numel() > kMaxShownElements) {
    return "<Tensor>";
  }
  if (t.numel() == 1 && !t.is_quantized()) {
    const absl::StatusOr<Scalar> item = t.Item();
    if (item.ok()) return absl::StrCat("{", ItemText(*item), "}");
  }
  const absl::StatusOr<std::string> text = TensorToString(t);
  if (!text.ok()) return "<Tensor>";
  return absl::StrReplaceAll(*text, {{"\n", " "}});
}

// What has no literal inside a list or tuple.
bool AppendOpaque(const IValue& v, std::string* out) {
  switch (v.tag()) {
    case IValue::Tag::kTensor:
      out->append("<Tensor>");
      return true;
    case IValue::Tag::kObject:
      absl::StrAppendFormat(out, "object(%p)",
                            static_cast<void*>(&v.AsObject()));
      return true;
    case IValue::Tag::kOpaque:
      absl::StrAppendFormat(out, "object(%p)",
                            static_cast<void*>(&v.AsOpaque()));
      return true;
    case IValue::Tag::kList: {
      const TypePtr& element = v.AsList().element_type;
      if (!element->is(TypeKind::kTensor)) return false;
      out->append("[<Tensors>]");
      return true;
    }
    default:
      return false;
  }
}

std::string ConstantText(const IValue& v) {
  switch (v.tag()) {
    case IValue::Tag::kBool:
      return v.AsBool() ? "1" : "0";
    case IValue::Tag::kTensor:
      return TensorText(v.AsTensor());
    case IValue::Tag::kDevice:
      return QuoteString(v.AsDevice().ToString(), true);
    default: {
      std::string out;
      if (!AppendLiteral(v, &out, AppendOpaque, /*for_graph=*/true)) {
        out.append("<value>");
      }
      return out;
    }
  }
}

struct PayloadText {
  std::string operator()(const IValue& v) const { return ConstantText(v); }
  std::string operator()(const std::string& s) const {
    return QuoteString(s, true);
  }
  std::string operator()(int64_t i) const { return absl::StrCat(i); }
  std::string operator()(double d) const { return FloatToString(d, true); }
  std::string operator()(const std::vector<int64_t>& v) const {
    return absl::StrCat("[", absl::StrJoin(v, ", "), "]");
  }
  std::string operator()(const std::vector<std::string>& v) const {
    return absl::StrCat(
        "[",
        absl::StrJoin(v, ", ",
                      [](std::string* out, const std::string& s) {
                        out->append(QuoteString(s, true));
                      }),
        "]");
  }
  std::string operator()(const TypePtr& t) const { return TypeText(*t); }
  std::string operator()(const std::vector<TypePtr>& v) const {
    return absl::StrCat("[",
                        absl::StrJoin(v, ", ",
                                      [](std::string* out, const TypePtr& t) {
                                        out->append(TypeText(*t));
                                      }),
                        "]");
  }
  std::string operator()(const std::shared_ptr<Graph>&) const {
    return "<Graph>";
  }
};

class GraphPrinter {
 public:
  GraphPrinter(bool with_locations, std::string* out)
      : with_locations_(with_locations), out_(out) {}

  void PrintGraph(const Graph& graph) {
    out_->append("graph(");
    PrintValues(graph.inputs(), /*types=*/true, ",\n      ");
    out_->append("):\n");
    for (const Node* n : *graph.block()) PrintNode(*n, 1);
    out_->append("  return (");
    PrintValues(graph.outputs(), /*types=*/false, ", ");
    out_->append(")\n");
    PrintSubgraphs();
  }

  void PrintNode(const Node& node, int level) {
    out_->append(2 * level, ' ');
    PrintValues(node.outputs(), /*types=*/true, ", ");
    out_->append(" = ");
    PrintKind(node);
    out_->push_back('(');
    PrintValues(node.inputs(), /*types=*/false, ", ");
    out_->push_back(')');
    if (!node.scope().empty()) {
      absl::StrAppend(out_, ", scope: ", node.scope());
    }
    if (with_locations_ && node.range().valid()) {
      const std::optional<FileLineColumn> at =
          node.range().OriginalOrSelf().file_line_column();
      if (at.has_value()) {
        absl::StrAppend(out_, " # ", at->file, ":", at->line, ":", at->column);
      }
    }
    out_->push_back('\n');
    for (size_t i = 0; i < node.blocks().size(); ++i) {
      PrintBlock(*node.block(i), i, level);
    }
  }

  void PrintSubgraphs() {
    for (size_t i = 0; i < subgraphs_.size(); ++i) {
      absl::StrAppend(out_, "with ", subgraphs_[i]->name(), "_", i, " = ");
      GraphPrinter(with_locations_, out_)
          .PrintGraph(*SubgraphOf(*subgraphs_[i]));
    }
  }

 private:
  static const Graph* SubgraphOf(const Node& node) {
    const NodeAttribute* a = node.FindAttribute("Subgraph");
    if (a == nullptr) return nullptr;
    const auto* graph = std::get_if<std::shared_ptr<Graph>>(&a->payload);
    return graph == nullptr ? nullptr : graph->get();
  }

  void PrintKind(const Node& node) {
    if (node.is(NodeKind::kPythonOp)) {
      const NodeAttribute* name = node.FindAttribute("name");
      absl::StrAppend(out_, "^", name == nullptr ? "" : node.attribute_name());
      return;
    }
    if (SubgraphOf(node) != nullptr) {
      absl::StrAppend(out_, node.name(), "_", subgraphs_.size());
      subgraphs_.push_back(&node);
      if (node.attributes().size() > 1) PrintAttributes(node);
      return;
    }
    absl::StrAppend(out_, node.name());
    if (node.is(NodeKind::kConstant)) {
      const IValue value = node.constant();
      if (value.is_none()) return;
      if (value.is_function()) {
        absl::StrAppend(
            out_, "[name=", QuoteString(value.AsFunction()->name(), true), "]");
        return;
      }
    }
    if (!node.attributes().empty()) PrintAttributes(node);
  }

  void PrintAttributes(const Node& node) {
    out_->push_back('[');
    bool first = true;
    for (const NodeAttribute& a : node.attributes()) {
      if (a.name == "Subgraph") continue;
      absl::StrAppend(out_, first ? "" : ", ", a.name, "=",
                      std::visit(PayloadText(), a.payload));
      first = false;
    }
    out_->push_back(']');
  }

  void PrintValues(absl::Span<Value* const> values, bool types,
                   const char* separator) {
    bool first = true;
    for (const Value* v : values) {
      absl::StrAppend(out_, first ? "" : separator, "%", v->DebugName());
      if (types) absl::StrAppend(out_, " : ", TypeText(*v->type()));
      first = false;
    }
  }

  void PrintBlock(const Block& block, size_t index, int level) {
    out_->append(2 * (level + 1), ' ');
    absl::StrAppend(out_, "block", index, "(");
    PrintValues(block.inputs(), /*types=*/true, ", ");
    out_->append("):\n");
    for (const Node* n : block) PrintNode(*n, level + 2);
    out_->append(2 * (level + 2), ' ');
    out_->append("-> (");
    PrintValues(block.outputs(), /*types=*/false, ", ");
    out_->append(")\n");
  }

  const bool with_locations_;
  std::string* const out_;
  std::vector<const Node*> subgraphs_;
};

}  // namespace

std::string GraphToString(const Graph& graph, bool with_locations) {
  std::string out;
  GraphPrinter(with_locations, &out).PrintGraph(graph);
  return out;
}

std::string NodeToString(const Node& node, bool with_locations) {
  std::string out;
  GraphPrinter printer(with_locations, &out);
  printer.PrintNode(node, 0);
  printer.PrintSubgraphs();
  return out;
}

std::string Graph::ToString(bool with_locations) const {
  return GraphToString(*this, with_locations);
}

}  // namespace tandem
