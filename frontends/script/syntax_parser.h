// The recursive descent behind parser.h; not for use elsewhere.
#ifndef TANDEM_FRONTENDS_SCRIPT_SYNTAX_PARSER_H_
#define TANDEM_FRONTENDS_SCRIPT_SYNTAX_PARSER_H_

#include <algorithm>
#include <initializer_list>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "tandem/frontends/script/lexer.h"
#include "tandem/frontends/script/operator_level.h"
#include "tandem/frontends/script/parser.h"
#include "tandem/frontends/script/tree.h"

namespace tandem::script {

// Every Parse… returns null (or false) after an error, which the lexer keeps.
class Parser {
 public:
  Parser(SyntaxTree* tree, Dialect dialect)
      : tree_(*tree), dialect_(dialect), lex_(tree->source(), dialect) {
    lex_.set_tree(tree);
  }
  // Parses the part [begin, end) of the source, as lines or as if it stood in
  // brackets.
  Parser(SyntaxTree* tree, Dialect dialect, size_t begin, size_t end,
         bool lines, int depth)
      : tree_(*tree),
        dialect_(dialect),
        lex_(tree->source(), dialect, begin, end, lines),
        depth_(depth) {
    lex_.set_tree(tree);
  }

  const Lexer& lexer() const { return lex_; }

  bool ParseFile();
  const Expr* ParseWholeExpression();

 private:
  bool python() const { return dialect_ == Dialect::kPython; }
  TextSpan here() const { return lex_.cur().span; }
  int kind() const { return lex_.cur().kind; }
  bool Expect(int kind, Token* token = nullptr);
  void FailAt(absl::string_view message, TextSpan at) {
    lex_.Fail(absl::StrCat("\n", message), at);
  }

  // Python that is understood, but not compiled.
  void Refuse(absl::string_view message, TextSpan at) {
    if (deferred_ == nullptr) deferred_ = tree_.Keep(lex_.Error(message, at));
  }

  bool ParseIdentifier(Identifier* out);
  const Expr* ParseExpr(int level = 0);
  const Expr* ParsePrefix();
  const Expr* ParseBase();
  const Expr* ParseLambda();
  const Expr* ParseStrings();
  bool ParseFormatted(TextSpan literal, std::string* text,
                      std::vector<const Expr*>* values);
  bool ParseFormattedBody(absl::string_view body, size_t offset, bool raw,
                          TextSpan literal, std::string* text,
                          std::vector<const Expr*>* values);
  const Expr* MakeFormatted(absl::string_view text,
                            const std::vector<const Expr*>& values,
                            TextSpan whole);
  const Expr* MakeCall(absl::string_view name,
                       const std::vector<const Expr*>& inputs, TextSpan whole);
  const Expr* ParseBracketed();
  const Expr* ParseBraced();
  const Expr* ParsePostfix(const Expr* value);
  const Expr* ParseCall(const Expr* callee);
  const Expr* ParseSubscript(const Expr* value);
  const Expr* ParseSubscriptElement();
  const Expr* ParseExprOrTuple();
  const Expr* ParseTarget() { return ParseExpr(kCompareLevel); }
  const Expr* ParseForTargets(int end);
  bool ParseComprehensionRest(ListComprehensionExpr* node);
  const Expr* MakeBinary(int op, TextSpan at, const Expr* lhs, const Expr* rhs);

  const Stmt* ParseStmt(bool in_class);
  const Stmt* ParseIf(bool elif);
  const Stmt* ParseFor();
  const Stmt* ParseLoopElse(const Stmt* loop, Body* loop_body);
  const Stmt* ParseWith();
  const Stmt* ParseAssign(const Expr* first);
  const Stmt* ParseSimple();
  bool ParseBody(Body* out, bool in_class = false);
  bool ParseStatements(TextSpan start, bool in_class, Body* out);
  bool EndStatement() {
    Token end;
    if (!Expect(kNewline, &end)) return false;
    goes_on_ = lex_.Text(end.span) == ";";
    return true;
  }

  const DefStmt* ParseDef(bool is_method, List<const Expr*> decorators);
  // A def in a class of a Python file, which may not be understood.
  const Stmt* ParseMethod();
  const Stmt* ParseClass(List<const Expr*> decorators);
  bool ParseDecl(Decl* out);
  bool ParseParam(bool keyword_only, Param* out);
  bool ParseTypeComment(bool is_method, Decl* decl);
  const Stmt* ParseImport();
  bool ParseDottedName(std::string* out);

  // Sets the node's height over its children; null if it is too high.
  template <typename T>
  const T* Over(T* node, std::initializer_list<const Expr*> children,
                List<const Expr*> more = {}) {
    int height = node->height;
    for (const Expr* child : children) {
      if (child != nullptr) height = std::max(height, child->height + 1);
    }
    for (const Expr* child : more) height = std::max(height, child->height + 1);
    if (height > kMaxHeight) {
      FailAt("nested too deeply", node->span);
      return nullptr;
    }
    node->height = static_cast<uint16_t>(height);
    return node;
  }

  // Guards each level of recursion.
  class Nesting {
   public:
    explicit Nesting(Parser* parser) : parser_(*parser) {
      ok_ = ++parser_.depth_ <= kMaxNesting;
      if (!ok_) {
        parser_.FailAt("nested too deeply", parser_.here());
      }
    }
    ~Nesting() { --parser_.depth_; }
    bool ok() const { return ok_; }

   private:
    Parser& parser_;
    bool ok_;
  };

  SyntaxTree& tree_;
  const Dialect dialect_;
  Lexer lex_;
  int depth_ = 0;
  int function_depth_ = 0;
  bool goes_on_ = false;                    // the last statement ended with `;`
  const absl::Status* deferred_ = nullptr;  // DefStmt::error
};

}  // namespace tandem::script

#endif  // TANDEM_FRONTENDS_SCRIPT_SYNTAX_PARSER_H_
