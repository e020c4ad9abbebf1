// The syntax tree of TorchScript's text.
//
// Nodes live in their tree's arena, are made once by the parser and never
// change: plain structs with pointers, no destructors to run. A node knows its
// place in the tree's source as a span; SyntaxTree::Range makes a SourceRange
// of it. Spans are as wide as PyTorch's, since errors underline them: that of
// a node covers its own token and all its children, but not closing brackets.

#ifndef TANDEM_FRONTENDS_SCRIPT_TREE_H_
#define TANDEM_FRONTENDS_SCRIPT_TREE_H_

#include <cstring>
#include <deque>
#include <memory>
#include <memory_resource>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "tandem/frontends/script/token.h"
#include "tandem/ir/source_range.h"

namespace tandem::script {

template <typename T>
using List = absl::Span<const T>;

enum class ExprKind : uint8_t {
  kNumber,
  kString,
  kTrue,
  kFalse,
  kNone,
  kNoneType,
  kDots,
  kName,
  kAttribute,
  kCall,
  kSubscript,
  kSlice,
  kUnary,
  kBinary,
  kConditional,
  kStarred,
  kList,
  kTuple,
  kDict,
  kListComprehension,
  kDictComprehension,
  kLambda,  // Python only
};

struct Expr {
  ExprKind kind;
  // The longest way down, not counting steps to the left along a chain of
  // binary operators: what a walk by recursion takes.
  uint16_t height = 0;
  TextSpan span;

  template <typename T>
  const T* As() const {
    return kind == T::kKind ? static_cast<const T*>(this) : nullptr;
  }
};

template <ExprKind kKindOf>
struct ExprOf : Expr {
  static constexpr ExprKind kKind = kKindOf;
};

struct Identifier {
  absl::string_view name;
  TextSpan span;
};

// As written; a folded minus is part of the text ("-1").
struct NumberExpr : ExprOf<ExprKind::kNumber> {
  absl::string_view text;
};
// Unescaped; adjacent literals are joined.
struct StringExpr : ExprOf<ExprKind::kString> {
  absl::string_view value;
};
struct NameExpr : ExprOf<ExprKind::kName> {
  absl::string_view name;
};
struct AttributeExpr : ExprOf<ExprKind::kAttribute> {
  const Expr* value;
  Identifier attribute;
};
// `**value` (Python only) has no name.
struct Keyword {
  Identifier name;
  const Expr* value;
  TextSpan span;
};
struct CallExpr : ExprOf<ExprKind::kCall> {
  const Expr* callee;
  List<const Expr*> inputs;
  List<Keyword> keywords;
  // From the opening bracket to the last input.
  TextSpan inputs_span;
};
struct SubscriptExpr : ExprOf<ExprKind::kSubscript> {
  const Expr* value;
  List<const Expr*> subscripts;
  // From the opening bracket to the last subscript.
  TextSpan subscripts_span;
};
// Only inside a subscript. What is left out is null.
struct SliceExpr : ExprOf<ExprKind::kSlice> {
  const Expr* begin;
  const Expr* end;
  const Expr* step;
};
// `op` is kNot, '~' or kUnaryMinus.
struct UnaryExpr : ExprOf<ExprKind::kUnary> {
  int op;
  const Expr* operand;
};
// `op` is the operator's token: kAnd, kOr, kIn, '<', kIs, '+', kPow …
struct BinaryExpr : ExprOf<ExprKind::kBinary> {
  int op;
  const Expr* lhs;
  const Expr* rhs;
};
// `then if condition else otherwise`
struct ConditionalExpr : ExprOf<ExprKind::kConditional> {
  const Expr* condition;
  const Expr* then;
  const Expr* otherwise;
};
struct StarredExpr : ExprOf<ExprKind::kStarred> {
  const Expr* value;
};
struct ListExpr : ExprOf<ExprKind::kList> {
  List<const Expr*> elements;
};
struct TupleExpr : ExprOf<ExprKind::kTuple> {
  List<const Expr*> elements;
};
struct DictExpr : ExprOf<ExprKind::kDict> {
  List<const Expr*> keys;
  List<const Expr*> values;
};
// `for target in iterable if c if d`, of a comprehension after its first.
struct ComprehensionFor {
  const Expr* target;
  const Expr* iterable;
  List<const Expr*> conditions;
};
// `conditions` and `more` are Python only.
struct ListComprehensionExpr : ExprOf<ExprKind::kListComprehension> {
  const Expr* element;
  const Expr* target;
  const Expr* iterable;
  List<const Expr*> conditions;
  List<ComprehensionFor> more;
};
struct DictComprehensionExpr : ExprOf<ExprKind::kDictComprehension> {
  const Expr* key;
  const Expr* value;
  const Expr* target;
  const Expr* iterable;
  List<const Expr*> conditions;
  List<ComprehensionFor> more;
};
// Parameters have no types and no defaults.
struct LambdaExpr : ExprOf<ExprKind::kLambda> {
  List<Identifier> params;
  const Expr* body;
};
enum class StmtKind : uint8_t {
  kIf,
  kWhile,
  kFor,
  kWith,
  kReturn,
  kRaise,
  kAssert,
  kPass,
  kBreak,
  kContinue,
  kDelete,
  kGlobal,
  kAssign,
  kAugAssign,
  kExpression,
  kDef,
  kClass,
  kImport,  // Python only
};

struct Stmt {
  StmtKind kind;
  TextSpan span;

  template <typename T>
  const T* As() const {
    return kind == T::kKind ? static_cast<const T*>(this) : nullptr;
  }
};

template <StmtKind kKindOf>
struct StmtOf : Stmt {
  static constexpr StmtKind kKind = kKindOf;
};

struct Body {
  List<const Stmt*> statements;
  TextSpan span;
};

struct IfStmt : StmtOf<StmtKind::kIf> {
  const Expr* condition;
  Body then;
  Body otherwise;  // an `elif` is an `if` alone in here
};
struct WhileStmt : StmtOf<StmtKind::kWhile> {
  const Expr* condition;
  Body body;
};
struct ForStmt : StmtOf<StmtKind::kFor> {
  List<const Expr*> targets;
  List<const Expr*> iterables;
  Body body;
  TextSpan iterables_span;
};
struct WithItem {
  const Expr* target;
  const NameExpr* variable;  // null without `as`
  TextSpan span;
};
struct WithStmt : StmtOf<StmtKind::kWith> {
  List<WithItem> items;
  Body body;
};
// A bare `return` has a None of the keyword's span.
struct ReturnStmt : StmtOf<StmtKind::kReturn> {
  const Expr* value;
};
// A bare `raise` (Python only) has no value.
struct RaiseStmt : StmtOf<StmtKind::kRaise> {
  const Expr* value;
};
struct AssertStmt : StmtOf<StmtKind::kAssert> {
  const Expr* condition;
  const Expr* message;  // null if absent
};
struct DeleteStmt : StmtOf<StmtKind::kDelete> {
  List<const Expr*> targets;
};
struct GlobalStmt : StmtOf<StmtKind::kGlobal> {
  List<Identifier> names;
};
// `a, b = c = value`, `a: type = value`, `a: type`.
struct AssignStmt : StmtOf<StmtKind::kAssign> {
  List<const Expr*> targets;
  const Expr* value;  // null if only declared
  const Expr* type;   // null if not annotated
};
// `op` is the binary operator: '+', kLShift …
struct AugAssignStmt : StmtOf<StmtKind::kAugAssign> {
  const Expr* target;
  int op;
  const Expr* value;
};
struct ExpressionStmt : StmtOf<StmtKind::kExpression> {
  const Expr* value;
};

struct Param {
  Identifier name;
  const Expr* type;           // null if not annotated
  const Expr* default_value;  // null if none
  bool keyword_only;
  TextSpan span;
};
struct Decl {
  List<Param> params;
  // `*args` and `**kwargs` (Python only); no name if there is none. They stand
  // after positional parameters, and the second after all.
  Identifier variadic;
  Identifier keywords;
  const Expr* return_type;  // null if not annotated
  TextSpan span;
};
struct DefStmt : StmtOf<StmtKind::kDef> {
  Identifier name;
  Decl decl;
  Body body;
  List<const Expr*> decorators;  // Python only
  // Why this cannot be compiled: the first thing in it that Python has and
  // TorchScript has not; null if there is none. Of a method whose text is not
  // understood at all there is only the name.
  const absl::Status* error;
};
struct ClassStmt : StmtOf<StmtKind::kClass> {
  Identifier name;
  List<const Expr*> bases;
  Body body;
  List<const Expr*> decorators;  // Python only
};

// `import a.b as c` makes c stand for "a.b", `from a import b` b for "a.b".
struct ImportedName {
  absl::string_view name;
  absl::string_view qualified_name;
};
struct ImportStmt : StmtOf<StmtKind::kImport> {
  List<ImportedName> names;
};

// The pieces of a file that places are shown in: each function and method by
// itself, with its decorators, as Python's inspect gives it to PyTorch.
class SourceParts {
 public:
  // `text`[begin, end) is a piece; `inner` pieces lie in the one added last.
  void Add(const Source& file, size_t begin, size_t end, bool inner);
  SourceRange Range(const std::shared_ptr<const Source>& file,
                    TextSpan span) const;

 private:
  struct Part {
    size_t begin;
    size_t end;
    std::shared_ptr<const Source> source;
    std::vector<Part> inner;
  };
  static const Part* Find(const std::vector<Part>& parts, size_t at);

  std::vector<Part> parts_;  // in order
};

// One text's tree. Nodes point into the tree and its source, so they are used
// while it lives.
class SyntaxTree {
 public:
  explicit SyntaxTree(std::shared_ptr<const Source> source,
                      std::shared_ptr<const SourceParts> parts = nullptr)
      : source_(std::move(source)), parts_(std::move(parts)) {}
  SyntaxTree(const SyntaxTree&) = delete;
  SyntaxTree& operator=(const SyntaxTree&) = delete;

  const std::shared_ptr<const Source>& source() const { return source_; }
  const std::shared_ptr<const SourceParts>& parts() const { return parts_; }
  SourceRange Range(TextSpan span) const {
    if (parts_ != nullptr) return parts_->Range(source_, span);
    return SourceRange(source_, span.start, span.end);
  }

  // What stands at the top level, in the text's order.
  const std::vector<const Stmt*>& statements() const { return statements_; }
  void AddStatement(const Stmt* statement) { statements_.push_back(statement); }

  // A node of this type, all zero but its kind.
  template <typename T>
  T* New(TextSpan span) {
    static_assert(std::is_trivially_destructible_v<T>);
    T* node = new (arena_.allocate(sizeof(T), alignof(T))) T();
    node->kind = T::kKind;
    node->span = span;
    return node;
  }
  Expr* NewExpr(ExprKind kind, TextSpan span) {
    return new (arena_.allocate(sizeof(Expr), alignof(Expr)))
        Expr{kind, 0, span};
  }
  Stmt* NewStmt(StmtKind kind, TextSpan span) {
    return new (arena_.allocate(sizeof(Stmt), alignof(Stmt))) Stmt{kind, span};
  }
  template <typename T>
  List<T> Copy(const std::vector<T>& elements) {
    static_assert(std::is_trivially_copyable_v<T>);
    if (elements.empty()) return {};
    const size_t bytes = elements.size() * sizeof(T);
    T* out = static_cast<T*>(arena_.allocate(bytes, alignof(T)));
    std::memcpy(static_cast<void*>(out), elements.data(), bytes);
    return List<T>(out, elements.size());
  }
  const absl::Status* Keep(absl::Status error) {
    errors_.push_back(std::move(error));
    return &errors_.back();
  }
  absl::string_view Copy(absl::string_view text) {
    if (text.empty()) return {};
    char* out = static_cast<char*>(arena_.allocate(text.size(), 1));
    std::memcpy(out, text.data(), text.size());
    return absl::string_view(out, text.size());
  }

 private:
  std::shared_ptr<const Source> source_;
  std::shared_ptr<const SourceParts> parts_;
  std::pmr::monotonic_buffer_resource arena_;
  std::deque<absl::Status> errors_;
  std::vector<const Stmt*> statements_;
};

// The smallest span that holds both.
inline TextSpan Merge(TextSpan a, TextSpan b) {
  return {a.start < b.start ? a.start : b.start, a.end > b.end ? a.end : b.end};
}

// The tree as one S-expression, for tests and for people who debug.
std::string ToText(const Expr& expr);
std::string ToText(const Stmt& stmt);

}  // namespace tandem::script

#endif  // TANDEM_FRONTENDS_SCRIPT_TREE_H_
