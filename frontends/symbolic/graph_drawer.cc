#include "tandem/frontends/symbolic/graph_drawer.h"

#include <cerrno>
#include <cstdio>
#include <cstdlib>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "tandem/frontends/symbolic/shape_prop.h"

namespace tandem::fx {
namespace {

// Inside of a record label.
std::string Escape(absl::string_view s) {
  return absl::StrReplaceAll(s, {{"\\", "\\\\"},
                                 {"\"", "\\\""},
                                 {"{", "\\{"},
                                 {"}", "\\}"},
                                 {"<", "\\<"},
                                 {">", "\\>"},
                                 {"|", "\\|"},
                                 {"\n", "\\n"}});
}

const char* Color(const Node* n) {
  switch (n->kind()) {
    case NodeKind::kFxPlaceholder:
      return "AliceBlue";
    case NodeKind::kFxCallModule:
      return "LemonChiffon1";
    case NodeKind::kFxGetAttr:
      return "LightYellow2";
    case NodeKind::kFxOutput:
      return "PowderBlue";
    case NodeKind::kFxCallMethod:
      return "Lavender";
    default:
      return "LightGrey";
  }
}

std::string Label(GraphModule& module, const Node* n) {
  std::string s = absl::StrCat("{name=%", Escape(NameOf(n)),
                               " |op_code=", OpcodeOf(n), "\\n");
  if (n->is(NodeKind::kFxCallModule)) {
    if (nn::Module* m = module.FindModule(TargetOf(n)); m != nullptr) {
      absl::StrAppend(&s, "|", Escape(m->qualified_name()), "\\n");
      if (!m->extra_repr().empty()) {
        absl::StrAppend(&s, "|", Escape(m->extra_repr()), "\\n");
      }
    }
  }
  absl::StrAppend(&s, "|target=", Escape(TargetOf(n)), "\\n");
  std::string constants;
  for (const Argument& a : ArgsOf(n)) {
    bool has_node = false;
    a.ForEachNode([&](Node*) { has_node = true; });
    if (!has_node) {
      absl::StrAppend(&constants, constants.empty() ? "" : ", ", a.Repr());
    }
  }
  for (const auto& [k, v] : KwargsOf(n)) {
    absl::StrAppend(&constants, constants.empty() ? "" : ", ", k, "=",
                    v.Repr());
  }
  if (!constants.empty()) {
    absl::StrAppend(&s, "|args=", Escape(constants), "\\n");
  }
  absl::StrAppend(&s, "|num_users=", UsersOf(n).size(), "\\n");
  if (const TensorType* meta = TensorMetaOf(n); meta != nullptr) {
    absl::StrAppend(&s, "|", Escape(meta->ToString()), "\\n");
  }
  return s + "}";
}

}  // namespace

std::string GraphToDot(GraphModule& module, absl::string_view name) {
  std::string s =
      absl::StrCat("digraph \"", Escape(name), "\" {\nrankdir=TB;\n");
  for (const Node* n : module.graph().nodes()) {
    absl::StrAppend(&s, "\"", NameOf(n), "\" [label=\"", Label(module, n),
                    "\", shape=record, style=\"filled,rounded\", fillcolor=",
                    Color(n), ", fontcolor=\"#000000\"];\n");
  }
  for (const Node* n : module.graph().nodes()) {
    for (const Node* user : UsersOf(n)) {
      absl::StrAppend(&s, "\"", NameOf(n), "\" -> \"", NameOf(user), "\";\n");
    }
  }
  return s + "}\n";
}

absl::Status WriteSvg(GraphModule& module, const std::string& path,
                      absl::string_view name) {
  if (std::system("command -v dot >/dev/null 2>&1") != 0) {
    return absl::NotFoundError(
        "the program `dot` of Graphviz is not installed");
  }
  const std::string command = absl::StrCat(
      "dot -Tsvg -o '", absl::StrReplaceAll(path, {{"'", "'\\''"}}), "'");
  FILE* pipe = popen(command.c_str(), "w");
  if (pipe == nullptr) {
    return absl::InternalError("the program `dot` cannot be started");
  }
  const std::string dot = GraphToDot(module, name);
  const bool written =
      std::fwrite(dot.data(), 1, dot.size(), pipe) == dot.size();
  if (pclose(pipe) != 0 || !written) {
    return absl::InternalError(
        absl::StrCat("the program `dot` could not write ", path));
  }
  return absl::OkStatus();
}

}  // namespace tandem::fx
