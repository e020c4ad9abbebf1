#include "tandem/frontends/script/tree.h"

#include <algorithm>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"

namespace tandem::script {

void SourceParts::Add(const Source& file, size_t begin, size_t end,
                      bool inner) {
  absl::string_view text = file.text().substr(0, end);
  // Without the blank lines and comments that follow.
  while (end > begin) {
    const size_t before = text.find_last_of('\n', end - 2);
    const size_t line = before == absl::string_view::npos ? 0 : before + 1;
    const size_t first = text.find_first_not_of(" \t\r\n", line);
    if (line <= begin || (first < end && text[first] != '#')) break;
    end = line;
  }
  Part part;
  part.begin = begin;
  part.end = end;
  part.source = std::make_shared<Source>(
      std::string(text.substr(begin, end - begin)), file.name(),
      file.first_line() + static_cast<int64_t>(file.LineIndex(begin)));
  std::vector<Part>& parts =
      inner && !parts_.empty() ? parts_.back().inner : parts_;
  parts.push_back(std::move(part));
}

const SourceParts::Part* SourceParts::Find(const std::vector<Part>& parts,
                                           size_t at) {
  const auto after = std::upper_bound(
      parts.begin(), parts.end(), at,
      [](size_t offset, const Part& part) { return offset < part.begin; });
  if (after == parts.begin()) return nullptr;
  const Part& part = *(after - 1);
  return at < part.end ? &part : nullptr;
}

SourceRange SourceParts::Range(const std::shared_ptr<const Source>& file,
                               TextSpan span) const {
  const Part* part = Find(parts_, span.start);
  if (part == nullptr) return SourceRange(file, span.start, span.end);
  if (const Part* inner = Find(part->inner, span.start)) part = inner;
  return SourceRange(part->source, span.start - part->begin,
                     span.end < part->begin ? 0 : span.end - part->begin);
}

namespace {

void Append(absl::string_view text, std::string* out) {
  absl::StrAppend(out, text);
}

void Print(const Expr* expr, std::string* out);
void Print(const Stmt* stmt, std::string* out);

template <typename T>
void PrintAll(absl::string_view head, List<const T*> nodes, std::string* out) {
  Append("(", out);
  Append(head, out);
  for (const T* node : nodes) {
    Append(" ", out);
    Print(node, out);
  }
  Append(")", out);
}

// `(head a b …)`; `_` stands for what is left out.
void PrintNode(absl::string_view head, std::initializer_list<const Expr*> parts,
               std::string* out) {
  Append("(", out);
  Append(head, out);
  for (const Expr* part : parts) {
    Append(" ", out);
    Print(part, out);
  }
  Append(")", out);
}

void PrintCall(const CallExpr& call, std::string* out) {
  Append("(call ", out);
  Print(call.callee, out);
  for (const Expr* input : call.inputs) {
    Append(" ", out);
    Print(input, out);
  }
  for (const Keyword& keyword : call.keywords) {
    Append(" ", out);
    Append(keyword.name.name, out);
    Append("=", out);
    Print(keyword.value, out);
  }
  Append(")", out);
}

void PrintDict(const DictExpr& dict, std::string* out) {
  Append("(dict", out);
  for (size_t i = 0; i < dict.keys.size(); ++i) {
    Append(" ", out);
    Print(dict.keys[i], out);
    Append(": ", out);
    Print(dict.values[i], out);
  }
  Append(")", out);
}

void Print(const Expr* expr, std::string* out) {
  if (expr == nullptr) return Append("_", out);
  switch (expr->kind) {
    case ExprKind::kNumber:
      return Append(expr->As<NumberExpr>()->text, out);
    case ExprKind::kString: {
      const absl::string_view value = expr->As<StringExpr>()->value;
      absl::StrAppend(out, "\"", absl::CEscape(value), "\"");
      return;
    }
    case ExprKind::kTrue:
      return Append("True", out);
    case ExprKind::kFalse:
      return Append("False", out);
    case ExprKind::kNone:
      return Append("None", out);
    case ExprKind::kNoneType:
      return Append("NoneType", out);
    case ExprKind::kDots:
      return Append("...", out);
    case ExprKind::kName:
      return Append(expr->As<NameExpr>()->name, out);
    case ExprKind::kAttribute: {
      const auto* node = expr->As<AttributeExpr>();
      Append("(. ", out);
      Print(node->value, out);
      Append(" ", out);
      Append(node->attribute.name, out);
      return Append(")", out);
    }
    case ExprKind::kCall:
      return PrintCall(*expr->As<CallExpr>(), out);
    case ExprKind::kSubscript: {
      const auto* node = expr->As<SubscriptExpr>();
      Append("([] ", out);
      Print(node->value, out);
      for (const Expr* subscript : node->subscripts) {
        Append(" ", out);
        Print(subscript, out);
      }
      return Append(")", out);
    }
    case ExprKind::kSlice: {
      const auto* node = expr->As<SliceExpr>();
      return PrintNode("slice", {node->begin, node->end, node->step}, out);
    }
    case ExprKind::kUnary: {
      const auto* node = expr->As<UnaryExpr>();
      return PrintNode(
          node->op == kUnaryMinus ? "neg" : TokenKindName(node->op),
          {node->operand}, out);
    }
    case ExprKind::kBinary: {
      // Chains lean to the left and may be long: no recursion there.
      std::vector<const BinaryExpr*> chain;
      const Expr* first = expr;
      while (const auto* node = first->As<BinaryExpr>()) {
        chain.push_back(node);
        first = node->lhs;
      }
      for (const BinaryExpr* node : chain) {
        Append("(", out);
        Append(node->op == kPow ? "**" : TokenKindName(node->op), out);
        Append(" ", out);
      }
      Print(first, out);
      for (auto it = chain.rbegin(); it != chain.rend(); ++it) {
        Append(" ", out);
        Print((*it)->rhs, out);
        Append(")", out);
      }
      return;
    }
    case ExprKind::kConditional: {
      const auto* node = expr->As<ConditionalExpr>();
      return PrintNode("if-else",
                       {node->condition, node->then, node->otherwise}, out);
    }
    case ExprKind::kStarred:
      return PrintNode("*", {expr->As<StarredExpr>()->value}, out);
    case ExprKind::kList:
      return PrintAll("list", expr->As<ListExpr>()->elements, out);
    case ExprKind::kTuple:
      return PrintAll("tuple", expr->As<TupleExpr>()->elements, out);
    case ExprKind::kDict:
      return PrintDict(*expr->As<DictExpr>(), out);
    case ExprKind::kListComprehension: {
      const auto* node = expr->As<ListComprehensionExpr>();
      return PrintNode("list-for",
                       {node->element, node->target, node->iterable}, out);
    }
    case ExprKind::kDictComprehension: {
      const auto* node = expr->As<DictComprehensionExpr>();
      return PrintNode("dict-for",
                       {node->key, node->value, node->target, node->iterable},
                       out);
    }
    case ExprKind::kLambda:
      return PrintNode("lambda", {expr->As<LambdaExpr>()->body}, out);
  }
}

void PrintBody(const Body& body, std::string* out) {
  Append(" {", out);
  for (size_t i = 0; i < body.statements.size(); ++i) {
    if (i > 0) Append(" ", out);
    Print(body.statements[i], out);
  }
  Append("}", out);
}

void PrintDef(const DefStmt& def, std::string* out) {
  Append("(def ", out);
  Append(def.name.name, out);
  Append(" (", out);
  bool first = true;
  bool keyword_only = false;
  for (const Param& param : def.decl.params) {
    if (!first) Append(", ", out);
    first = false;
    if (param.keyword_only && !keyword_only) Append("*, ", out);
    keyword_only = param.keyword_only;
    Append(param.name.name, out);
    if (param.type != nullptr) {
      Append(": ", out);
      Print(param.type, out);
    }
    if (param.default_value != nullptr) {
      Append("=", out);
      Print(param.default_value, out);
    }
  }
  Append(")", out);
  if (def.decl.return_type != nullptr) {
    Append(" -> ", out);
    Print(def.decl.return_type, out);
  }
  PrintBody(def.body, out);
  Append(")", out);
}

void Print(const Stmt* stmt, std::string* out) {
  switch (stmt->kind) {
    case StmtKind::kIf: {
      const auto* node = stmt->As<IfStmt>();
      Append("(if ", out);
      Print(node->condition, out);
      PrintBody(node->then, out);
      PrintBody(node->otherwise, out);
      return Append(")", out);
    }
    case StmtKind::kWhile: {
      const auto* node = stmt->As<WhileStmt>();
      Append("(while ", out);
      Print(node->condition, out);
      PrintBody(node->body, out);
      return Append(")", out);
    }
    case StmtKind::kFor: {
      const auto* node = stmt->As<ForStmt>();
      Append("(for ", out);
      PrintAll("targets", node->targets, out);
      Append(" ", out);
      PrintAll("in", node->iterables, out);
      PrintBody(node->body, out);
      return Append(")", out);
    }
    case StmtKind::kWith: {
      const auto* node = stmt->As<WithStmt>();
      Append("(with", out);
      for (const WithItem& item : node->items) {
        Append(" ", out);
        if (item.variable != nullptr) {
          PrintNode("as", {item.target, item.variable}, out);
        } else {
          Print(item.target, out);
        }
      }
      PrintBody(node->body, out);
      return Append(")", out);
    }
    case StmtKind::kReturn:
      return PrintNode("return", {stmt->As<ReturnStmt>()->value}, out);
    case StmtKind::kRaise:
      return PrintNode("raise", {stmt->As<RaiseStmt>()->value}, out);
    case StmtKind::kAssert: {
      const auto* node = stmt->As<AssertStmt>();
      return PrintNode("assert", {node->condition, node->message}, out);
    }
    case StmtKind::kPass:
      return Append("(pass)", out);
    case StmtKind::kBreak:
      return Append("(break)", out);
    case StmtKind::kContinue:
      return Append("(continue)", out);
    case StmtKind::kDelete:
      return PrintAll("del", stmt->As<DeleteStmt>()->targets, out);
    case StmtKind::kGlobal:
      Append("(global", out);
      for (const Identifier& name : stmt->As<GlobalStmt>()->names) {
        Append(" ", out);
        Append(name.name, out);
      }
      return Append(")", out);
    case StmtKind::kAssign: {
      const auto* node = stmt->As<AssignStmt>();
      Append("(= ", out);
      for (const Expr* target : node->targets) {
        Print(target, out);
        Append(" ", out);
      }
      Print(node->value, out);
      if (node->type != nullptr) {
        Append(" : ", out);
        Print(node->type, out);
      }
      return Append(")", out);
    }
    case StmtKind::kAugAssign: {
      const auto* node = stmt->As<AugAssignStmt>();
      const std::string op =
          node->op == kPow
              ? "**"
              : (node->op == kFloorDiv ? "//" : TokenKindName(node->op));
      return PrintNode(op + "=", {node->target, node->value}, out);
    }
    case StmtKind::kExpression:
      return Print(stmt->As<ExpressionStmt>()->value, out);
    case StmtKind::kImport:
      Append("(import", out);
      for (const ImportedName& imported : stmt->As<ImportStmt>()->names) {
        absl::StrAppend(out, " ", imported.name, "=", imported.qualified_name);
      }
      return Append(")", out);
    case StmtKind::kDef:
      return PrintDef(*stmt->As<DefStmt>(), out);
    case StmtKind::kClass: {
      const auto* node = stmt->As<ClassStmt>();
      Append("(class ", out);
      Append(node->name.name, out);
      Append(" ", out);
      PrintAll("bases", node->bases, out);
      PrintBody(node->body, out);
      return Append(")", out);
    }
  }
}

}  // namespace

std::string ToText(const Expr& expr) {
  std::string out;
  Print(&expr, &out);
  return out;
}

std::string ToText(const Stmt& stmt) {
  std::string out;
  Print(&stmt, &out);
  return out;
}

}  // namespace tandem::script
