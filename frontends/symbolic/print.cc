// Graphs as torch.fx prints them.
#include <algorithm>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "tandem/frontends/symbolic/graph.h"
#include "tandem/frontends/symbolic/targets.h"

namespace tandem::fx {
namespace {

std::string TypePrefix(const Node* n) {
  const std::string type = TypeExprOf(n);
  return type.empty() ? "" : type + " ";
}

// As FX shows the function of a node.
std::string PrettyTarget(const Node* n) {
  const std::string& target = TargetOf(n);
  if (!n->is(NodeKind::kFxCallFunction)) return target;
  absl::string_view name = target;
  if (absl::ConsumePrefix(&name, "_operator.")) {
    return absl::StrCat("operator.", name);
  }
  return target;
}

std::string FormatKwargs(const KeywordArguments& kwargs) {
  std::string s;
  for (const auto& [k, v] : kwargs) {
    absl::StrAppend(&s, s.empty() ? "" : ", ", k, ": ", v.Format());
  }
  return absl::StrCat("{", s, "}");
}

std::string KwargsRepr(const KeywordArguments& kwargs) {
  std::string s;
  for (const auto& [k, v] : kwargs) {
    absl::StrAppend(&s, s.empty() ? "" : ", ", StringRepr(k), ": ", v.Repr());
  }
  return absl::StrCat("{", s, "}");
}

// str() of what stands alone: strings without quotes.
std::string Str(const Argument& a) {
  return a.is(Argument::Kind::kConstant) ? a.Format() : a.Repr();
}

// How many columns a text takes: bytes that begin a character.
size_t Width(const std::string& s) {
  return std::count_if(s.begin(), s.end(),
                       [](char c) { return (c & 0xc0) != 0x80; });
}

}  // namespace

std::string FormatNode(const Node* n) {
  const std::string head = absl::StrCat(
      "%", NameOf(n), " : ", TypePrefix(n), "[num_users=", UsersOf(n).size(),
      "] = ", OpcodeOf(n), "[target=", PrettyTarget(n), "]");
  switch (n->kind()) {
    case NodeKind::kFxPlaceholder: {
      const Arguments args = ArgsOf(n);
      if (args.empty()) return head;
      return absl::StrCat(head, "(default=", Str(args[0]), ")");
    }
    case NodeKind::kFxGetAttr:
      return head;
    case NodeKind::kFxOutput:
      return absl::StrCat("return ", Str(ArgsOf(n)[0]));
    default:
      return absl::StrCat(head, "(args = ", Argument::Tuple(ArgsOf(n)).Format(),
                          ", kwargs = ", FormatKwargs(KwargsOf(n)), ")");
  }
}

std::string Graph::ToString() const {
  std::string s = "graph():";
  for (const Node* n : nodes()) absl::StrAppend(&s, "\n    ", FormatNode(n));
  return s;
}

std::string Graph::tabular() const {
  std::vector<std::vector<std::string>> rows;
  rows.push_back({"opcode", "name", "target", "args", "kwargs"});
  for (const Node* n : nodes()) {
    rows.push_back({std::string(OpcodeOf(n)), NameOf(n),
                    n->is(NodeKind::kFxCallFunction) ? FunctionRepr(TargetOf(n))
                                                     : TargetOf(n),
                    Argument::Tuple(ArgsOf(n)).Repr(),
                    KwargsRepr(KwargsOf(n))});
  }
  std::vector<size_t> widths;
  for (size_t c = 0; c < rows[0].size(); ++c) {
    size_t width = Width(rows[0][c]) + 2;
    for (const auto& row : rows) width = std::max(width, Width(row[c]));
    widths.push_back(width);
  }
  std::vector<std::string> dashes;
  for (size_t w : widths) dashes.push_back(std::string(w, '-'));
  rows.insert(rows.begin() + 1, dashes);
  std::string s;
  for (const auto& row : rows) {
    std::string line;
    for (size_t c = 0; c < row.size(); ++c) {
      absl::StrAppend(&line, c == 0 ? "" : "  ", row[c],
                      std::string(widths[c] - Width(row[c]), ' '));
    }
    line.erase(line.find_last_not_of(' ') + 1);
    absl::StrAppend(&s, line, "\n");
  }
  return s;
}

}  // namespace tandem::fx
