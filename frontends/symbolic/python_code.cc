// Python source of a graph, as torch.fx generates it.
#include <map>
#include <set>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "tandem/frontends/symbolic/graph.h"
#include "tandem/frontends/symbolic/targets.h"

namespace tandem::fx {
namespace {

// Puts texts into the braces of `format` in order.
std::string Fill(absl::string_view format,
                 const std::vector<std::string>& texts) {
  std::string s;
  size_t i = 0;
  for (size_t at = 0; at < format.size(); ++at) {
    if (format.substr(at, 2) == "{}") {
      if (i < texts.size()) s += texts[i++];
      ++at;
    } else {
      s += format[at];
    }
  }
  return s;
}

class CodePrinter {
 public:
  CodePrinter(const Graph& graph, absl::string_view root, bool verbose)
      : graph_(graph), root_(root), needs_comment_(verbose) {
    for (const char* name :
         {"inf", "nan", "NoneType", "torch", "device", "fx_pytree", "pytree"}) {
      names_.CreateName(name, /*may_hide=*/true);
    }
  }

  std::string Print() {
    const std::vector<Node*> nodes = graph_.nodes();
    FindLastUses(nodes);
    for (Node* n : nodes) Emit(n);
    if (body_.empty()) body_ = "pass\n";
    std::string wraps;
    for (const std::string& name : wrapped_) {
      absl::StrAppend(&wraps, "\ntorch.fx._symbolic_trace.wrap(\"", name,
                      "\")");
    }
    std::string parameters(root_);
    for (const std::string& p : parameters_) {
      absl::StrAppend(&parameters, ", ", p);
    }
    std::string code =
        absl::StrCat(wrapped_.empty() ? "\n" : wraps, "\n\ndef forward(",
                     parameters, ")", returns_, ":\n");
    for (absl::string_view line : absl::StrSplit(body_, '\n')) {
      absl::StrAppend(&code, "    ", line, "\n");
    }
    code.pop_back();
    return code;
  }

 private:
  // A node's name in the code: its own unless a global has it.
  std::string NameFor(Node* n) {
    const auto [it, is_new] = node_names_.try_emplace(n);
    if (is_new) it->second = names_.CreateName(NameOf(n));
    return it->second;
  }
  std::string Repr(const Argument& a) {
    return a.Repr([this](Node* n) { return NameFor(n); });
  }
  std::string Call(const Arguments& args, size_t first,
                   const KeywordArguments& kwargs) {
    std::vector<std::string> texts;
    for (size_t i = first; i < args.size(); ++i) texts.push_back(Repr(args[i]));
    for (const auto& [k, v] : kwargs) {
      texts.push_back(absl::StrCat(k, " = ", Repr(v)));
    }
    return absl::StrCat("(", absl::StrJoin(texts, ", "), ")");
  }

  void FindLastUses(const std::vector<Node*>& nodes) {
    std::set<Node*> seen;
    for (auto it = nodes.rbegin(); it != nodes.rend(); ++it) {
      for (Node* input : AllInputNodes(*it)) {
        if (seen.insert(input).second) last_uses_[*it].push_back(input);
      }
    }
  }

  // A function's name: those of torch by path, others as globals.
  std::string FunctionName(const std::string& target) {
    if (absl::StartsWith(target, "torch.")) return target;
    const auto it = globals_.find(target);
    if (it != globals_.end()) return it->second;
    absl::string_view path = target;
    const bool builtin = absl::ConsumePrefix(&path, "builtins.");
    std::string hint(path);
    if (absl::StartsWith(path, "operator.")) hint = absl::StrCat("_", path);
    const std::string name = names_.CreateName(hint, builtin);
    globals_[target] = name;
    if (!builtin && !absl::StartsWith(hint, "_operator.")) {
      wrapped_.push_back(name);
    }
    return name;
  }

  void EmitFunction(Node* n, const std::string& type) {
    const std::string& target = TargetOf(n);
    const Arguments args = ArgsOf(n);
    std::vector<std::string> texts;
    const absl::string_view symbol = SymbolFormat(target);
    const absl::string_view inplace = InplaceFormat(target);
    if (!symbol.empty() || !inplace.empty()) {
      // The name is made before those of the arguments.
      const std::string name = symbol.empty() ? "" : NameFor(n);
      for (const Argument& a : args) texts.push_back(Repr(a));
      if (!symbol.empty()) {
        absl::StrAppend(&body_, name, type, " = ", Fill(symbol, texts));
      } else {
        absl::StrAppend(&body_, Fill(inplace, texts), ";  ", NameFor(n), type,
                        " = ", texts.empty() ? "" : texts[0]);
      }
      return;
    }
    const std::string function = FunctionName(target);
    if (target == "builtins.getattr" && args.size() == 2 &&
        args[1].is(Argument::Kind::kConstant) &&
        args[1].constant().is_string() &&
        IsIdentifier(args[1].constant().AsString())) {
      absl::StrAppend(
          &body_, NameFor(n), type, " = ",
          FormatTarget(Repr(args[0]), args[1].constant().AsString()));
      return;
    }
    const std::string call = Call(args, 0, KwargsOf(n));
    absl::StrAppend(&body_, NameFor(n), type, " = ", function, call);
  }

  void Emit(Node* n) {
    const std::string expr = TypeExprOf(n);
    const std::string type = expr.empty() ? "" : absl::StrCat(" : ", expr);
    const std::string& target = TargetOf(n);
    const Arguments args = ArgsOf(n);
    if (needs_comment_ && !n->is(NodeKind::kFxPlaceholder) &&
        !n->is(NodeKind::kFxOutput)) {
      body_ += "# No stacktrace found for following nodes\n";
      needs_comment_ = false;
    }
    switch (n->kind()) {
      case NodeKind::kFxPlaceholder: {
        parameters_.push_back(absl::StrCat(
            target, type,
            args.empty() ? "" : absl::StrCat(" = ", Repr(args[0]))));
        const std::string raw = absl::StrReplaceAll(target, {{"*", ""}});
        if (raw != NameFor(n)) {
          absl::StrAppend(&body_, NameFor(n), " = ", raw, "\n");
        }
        return;
      }
      case NodeKind::kFxOutput:
        if (!expr.empty()) returns_ = absl::StrCat(" -> ", expr);
        absl::StrAppend(&body_, "return ", Repr(args[0]), "\n");
        return;
      case NodeKind::kFxCallFunction:
        EmitFunction(n, type);
        break;
      case NodeKind::kFxCallMethod: {
        const std::string name = NameFor(n);
        absl::StrAppend(&body_, name, type, " = ",
                        FormatTarget(args.empty() ? "" : Repr(args[0]), target),
                        Call(args, 1, KwargsOf(n)));
        break;
      }
      case NodeKind::kFxCallModule:
        absl::StrAppend(&body_, NameFor(n), type, " = ",
                        FormatTarget(root_, target),
                        Call(args, 0, KwargsOf(n)));
        break;
      case NodeKind::kFxGetAttr:
        absl::StrAppend(&body_, NameFor(n), type, " = ",
                        FormatTarget(root_, target));
        break;
      default:
        break;
    }
    std::vector<std::string> dead;
    for (Node* last : last_uses_[n]) dead.push_back(NameFor(last));
    if (!n->output()->has_uses()) dead.push_back(NameFor(n));
    if (!dead.empty()) {
      absl::StrAppend(&body_, ";  ", absl::StrJoin(dead, " = "), " = None");
    }
    body_ += "\n";
  }

  const Graph& graph_;
  const std::string root_;
  bool needs_comment_;
  Namespace names_;
  std::map<Node*, std::string> node_names_;
  std::map<std::string, std::string> globals_;
  std::vector<std::string> wrapped_;
  std::map<Node*, std::vector<Node*>> last_uses_;
  std::vector<std::string> parameters_;
  std::string returns_;
  std::string body_;
};

}  // namespace

std::string Graph::python_code(absl::string_view root, bool verbose) const {
  return CodePrinter(*this, root, verbose).Print();
}

}  // namespace tandem::fx
