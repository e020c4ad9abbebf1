#include "tandem/frontends/script/parser.h"

#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "tandem/frontends/script/tree.h"

namespace tandem::script {
namespace {

std::shared_ptr<const Source> MakeSource(std::string text) {
  return std::make_shared<Source>(std::move(text), "m.py");
}

std::string Message(const absl::Status& status) {
  return std::string(status.message());
}

// The tree of one expression, or the first line of the error.
std::string Parsed(std::string text, Dialect dialect = Dialect::kTorchScript) {
  const Expr* expr = nullptr;
  auto tree = ParseExpression(MakeSource(std::move(text)), &expr, dialect);
  return tree.ok() ? ToText(*expr) : Message(tree.status());
}

std::string ParsedFile(std::string text,
                       Dialect dialect = Dialect::kTorchScript) {
  auto tree = ParseFile(MakeSource(std::move(text)), dialect);
  if (!tree.ok()) return Message(tree.status());
  std::string out;
  for (const Stmt* stmt : (*tree)->statements()) {
    absl::StrAppend(&out, ToText(*stmt), "\n");
  }
  return out;
}

// One statement in a function.
std::string ParsedStmt(std::string text,
                       Dialect dialect = Dialect::kTorchScript) {
  std::string all = "def f():\n";
  for (size_t at = 0; at < text.size();) {
    const size_t end = text.find('\n', at);
    absl::StrAppend(&all, "  ", text.substr(at, end - at), "\n");
    if (end == std::string::npos) break;
    at = end + 1;
  }
  auto tree = ParseFile(MakeSource(all), dialect);
  if (!tree.ok()) return Message(tree.status());
  return ToText(*(*tree)->statements()[0]->As<DefStmt>()->body.statements[0]);
}

TEST(ParserTest, PrecedenceIsPyTorchs) {
  EXPECT_EQ(Parsed("a + b * c"), "(+ a (* b c))");
  EXPECT_EQ(Parsed("a - b - c"), "(- (- a b) c)");
  EXPECT_EQ(Parsed("a ** b ** c"), "(** a (** b c))");
  EXPECT_EQ(Parsed("-a ** 2"), "(neg (** a 2))");
  EXPECT_EQ(Parsed("2 ** -1"), "(** 2 -1)");
  EXPECT_EQ(Parsed("a | b ^ c & d << e"), "(| a (^ b (& c (<< d e))))");
  EXPECT_EQ(Parsed("not a == b"), "(not (eq a b))");
  EXPECT_EQ(Parsed("a if b else c if d else e"),
            "(if-else b a (if-else d c e))");
  // `and` and `or` have one level, and comparisons do not chain.
  EXPECT_EQ(Parsed("a or b and c"), "(and (or a b) c)");
  EXPECT_EQ(Parsed("a < b < c"), "(< (< a b) c)");
  EXPECT_EQ(Parsed("~a & b"), "(~ (& a b))");
  EXPECT_EQ(Parsed("a not in b"), "(not (in a b))");
  EXPECT_EQ(Parsed("a is not None"), "(is not a None)");
  EXPECT_EQ(Parsed("a is nothing"), "(is a nothing)");
  EXPECT_EQ(Parsed("not inner"), "(not inner)");
}

TEST(ParserTest, PythonHasPythonsPrecedence) {
  const Dialect python = Dialect::kPython;
  EXPECT_EQ(Parsed("a or b and c", python), "(or a (and b c))");
  EXPECT_EQ(Parsed("a < b < c", python), "(and (< a b) (< b c))");
  EXPECT_EQ(Parsed("a < b <= c != d", python),
            "(and (and (< a b) (le b c)) (ne c d))");
  EXPECT_EQ(Parsed("~a & b", python), "(& (~ a) b)");
  EXPECT_EQ(Parsed("+a", python), "a");
  EXPECT_EQ(Parsed("[x for x, y in z]", python), "(list-for x (tuple x y) z)");
  EXPECT_EQ(Parsed("f'{a!=b} {{x}} {c[1]}\\n' 'z'", python),
            "(call (. \"{} {x} {}\\nz\" format) (ne a b) ([] c 1))");
  EXPECT_EQ(Parsed("r'\\d' '\\x41\\u00e9'", python), "\"\\\\dA\\303\\251\"");
}

TEST(ParserTest, Literals) {
  EXPECT_EQ(Parsed("-1"), "-1");
  EXPECT_EQ(Parsed("- 2."), "-2.");
  EXPECT_EQ(Parsed("0x1F"), "0x1F");
  EXPECT_EQ(Parsed("1e-5 + .5 + 3.j"), "(+ (+ 1e-5 .5) 3.j)");
  EXPECT_EQ(Parsed("x[...]"), "([] x ...)");
  EXPECT_EQ(Parsed("(True, False, None, NoneType, Ellipsis)"),
            "(tuple True False None NoneType ...)");
  EXPECT_EQ(Parsed("\"a\\n\" 'b\\'\\101'"), "\"a\\nb\\'A\"");
  EXPECT_EQ(Parsed("'''a\n\"b'''"), "\"a\\n\\\"b\"");
  EXPECT_EQ(Parsed("()"), "(tuple)");
  EXPECT_EQ(Parsed("(a)"), "a");
  EXPECT_EQ(Parsed("(a,)"), "(tuple a)");
  EXPECT_EQ(Parsed("[a, b,]"), "(list a b)");
  EXPECT_EQ(Parsed("{a: 1, b: 2,}"), "(dict a: 1 b: 2)");
  EXPECT_EQ(Parsed("{}"), "(dict)");
  EXPECT_EQ(Parsed("[f(x) for x in y]"), "(list-for (call f x) x y)");
  EXPECT_EQ(Parsed("{x: f(x) for x in y}"), "(dict-for x (call f x) x y)");
}

TEST(ParserTest, CallsAttributesAndSubscripts) {
  EXPECT_EQ(Parsed("a.b(c, *d, k=1, ).e[0]"),
            "([] (. (call (. a b) c (* d) k=1) e) 0)");
  EXPECT_EQ(Parsed("x[a, 1:2, :, ::3, None]"),
            "([] x a (slice 1 2 _) (slice _ _ _) (slice _ _ 3) None)");
}

TEST(ParserTest, Statements) {
  EXPECT_EQ(ParsedStmt("a, b, = x"), "(= (tuple a b) x)");
  EXPECT_EQ(ParsedStmt("a = b = x, y"), "(= a b (tuple x y))");
  EXPECT_EQ(ParsedStmt("a : List[int] = []"), "(= a (list) : ([] List int))");
  EXPECT_EQ(ParsedStmt("a: int"), "(= a _ : int)");
  EXPECT_EQ(ParsedStmt("x.y **= 2"), "(**= (. x y) 2)");
  EXPECT_EQ(ParsedStmt("return"), "(return None)");
  EXPECT_EQ(ParsedStmt("return a, b"), "(return (tuple a b))");
  EXPECT_EQ(ParsedStmt("assert a, \"b\""), "(assert a \"b\")");
  EXPECT_EQ(ParsedStmt("del a[0], b"), "(del ([] a 0) b)");
  EXPECT_EQ(ParsedStmt("if a:\n  pass\nelif b:\n  x\nelse:\n  break"),
            "(if a {(pass)} {(if b {x} {(break)})})");
  EXPECT_EQ(ParsedStmt("while a:\n  continue"), "(while a {(continue)})");
  EXPECT_EQ(ParsedStmt("for a, b in c:\n  a"),
            "(for (targets a b) (in c) {a})");
  EXPECT_EQ(ParsedStmt("with a as b, c:\n  d"), "(with (as a b) c {d})");
}

TEST(ParserTest, DefinitionsAndClasses) {
  EXPECT_EQ(ParsedFile("op_version_set = 1\n"
                       "import __torch__.a\n"
                       "class M(Module):\n"
                       "  __parameters__ = [\"w\", ]\n"
                       "  w : Tensor\n"
                       "  __annotations__[\"0\"] = __torch__.N\n"
                       "  def forward(self: __torch__.M,\n"
                       "    x: Tensor) -> Tensor:\n"
                       "    return x\n"
                       "def f(x: int, *, y: int=3): return x\n"),
            "(class M (bases Module) {(= __parameters__ (list \"w\")) "
            "(= w _ : Tensor) "
            "(= ([] __annotations__ \"0\") (. __torch__ N)) "
            "(def forward (self: (. __torch__ M), x: Tensor) -> Tensor "
            "{(return x)})})\n"
            "(def f (x: int, *, y: int=3) {(return x)})\n");
  EXPECT_EQ(ParsedFile("def f(x, y):\n"
                       "  # type: (int, str) -> int\n"
                       "  return x\n"),
            "(def f (x: int, y: str) -> int {(return x)})\n");
  EXPECT_EQ(ParsedFile("def f(x):\r\n  return (x +\r\n  1)\r\n"),
            "(def f (x) {(return (+ x 1))})\n");
  EXPECT_EQ(ParsedFile("from a import b\n"
                       "@torch.jit.script\n"
                       "def f(x) -> int:\n"
                       "  \"\"\"What.\"\"\"\n"
                       "  if x: return 1\n"
                       "  return 2\n",
                       Dialect::kPython),
            "(import b=a.b)\n(def f (x) -> int {(pass) (if x {(return 1)} {}) "
            "(return 2)})\n");
}

TEST(ParserTest, SpansAreThoseThatPyTorchUnderlines) {
  const std::string text = "def f(x):\n  y = torch.foo(x, 1)[0].bar\n";
  auto tree = ParseFile(MakeSource(text));
  ASSERT_TRUE(tree.ok());
  const auto* def = (*tree)->statements()[0]->As<DefStmt>();
  const auto text_of = [&](TextSpan span) {
    return text.substr(span.start, span.end - span.start);
  };
  const auto* assign = def->body.statements[0]->As<AssignStmt>();
  EXPECT_EQ(text_of(assign->span), "y = torch.foo(x, 1)[0].bar");
  const auto* bar = assign->value->As<AttributeExpr>();
  const auto* subscript = bar->value->As<SubscriptExpr>();
  EXPECT_EQ(text_of(subscript->span), "torch.foo(x, 1)[0]");
  const auto* call = subscript->value->As<CallExpr>();
  EXPECT_EQ(text_of(call->span), "torch.foo(x, 1");
  EXPECT_EQ(text_of(call->callee->span), "torch.foo");
  EXPECT_EQ(text_of(def->span), text.substr(4, text.size() - 5));
}

TEST(ParserTest, ErrorsHavePyTorchsText) {
  EXPECT_EQ(ParsedFile("def f(x):\n    y =\n    return x\n"),
            "expected ident but found 'newline' here:\n"
            "  File \"m.py\", line 3\n"
            "def f(x):\n"
            "    y =\n"
            "    return x\n");
  EXPECT_EQ(Parsed("'\\x41'"), "\nunsupported hex specifier:\n'\\x41'");
  EXPECT_EQ(Parsed("['\\477']"),
            "\n ill formed octal specifier:\n"
            "  File \"m.py\", line 1\n"
            "['\\477']\n"
            " ~~~~~~ <--- HERE\n");
  EXPECT_EQ(Parsed("a + $"),
            "expected a valid token but found '$' here:\n"
            "  File \"m.py\", line 1\n"
            "a + $\n"
            "    ~ <--- HERE\n");
  const auto first_line = [](const std::string& text) {
    const size_t start = text[0] == '\n' ? 1 : 0;
    return text.substr(start, text.find('\n', start) - start);
  };
  EXPECT_EQ(first_line(ParsedFile("def f(x):\n    return x\n  y\n")),
            "invalid indent level 2:");
  EXPECT_EQ(first_line(ParsedFile("def f(x:\n")),
            "expected ident but found 'eof' here:");
  EXPECT_EQ(first_line(ParsedFile("def f():\n  if c: return 1\n")),
            "expected indent but found 'return' here:");
  EXPECT_EQ(first_line(ParsedStmt("a b")),
            "expected newline but found 'ident' here:");
  EXPECT_EQ(first_line(ParsedStmt("a, b += c")),
            " augmented assignment can only have one LHS expression:");
  EXPECT_EQ(first_line(ParsedStmt("a: int = b = c")),
            "Annotated multiple assignment is not supported in python:");
  EXPECT_EQ(first_line(ParsedFile("x = 1\n")),
            "expected def or class but found 'ident' here:");
}

TEST(ParserTest, LongChainsDoNotNest) {
  std::string text = "a";
  for (int i = 0; i < 100000; ++i) absl::StrAppend(&text, " + a");
  EXPECT_EQ(Parsed(text).size(), 100000u * 6 + 1);
}

TEST(ParserTest, NestingHasALimit) {
  const auto nested = [](std::string open, std::string inner, std::string close,
                         int times) {
    std::string text;
    for (int i = 0; i < times; ++i) text += open;
    text += inner;
    for (int i = 0; i < times; ++i) text += close;
    const std::string parsed = Parsed(text);
    return parsed.substr(0, 18);
  };
  EXPECT_EQ(nested("(", "a", ")", 100), "a");
  EXPECT_EQ(nested("(", "a", ")", 100000), "\nnested too deeply");
  EXPECT_EQ(nested("[", "a", "]", 100000), "\nnested too deeply");
  EXPECT_EQ(nested("-", "a", "", 100000), "\nnested too deeply");
  EXPECT_EQ(nested("a ** ", "a", "", 100000), "\nnested too deeply");
  EXPECT_EQ(nested("", "a", ".b", 100000), "\nnested too deeply");
  EXPECT_EQ(nested("", "a", "()", 100000), "\nnested too deeply");
  EXPECT_EQ(nested("", "a", " not in b", 100000), "\nnested too deeply");
  EXPECT_EQ(nested("", "a", " if b else c", 100000), "\nnested too deeply");
  std::string ifs = "def f():\n  if a:\n    pass\n";
  for (int i = 0; i < 100000; ++i) ifs += "  elif b:\n    pass\n";
  EXPECT_EQ(ParsedFile(ifs).substr(0, 18), "\nnested too deeply");
}

// No bytes crash it: every prefix of a text, and the text with each byte
// changed, give a tree or an error.
TEST(ParserTest, AnyBytesAreTreeOrError) {
  const std::string text =
      "class A(Module):\n  x : int\n  def f(self, a: int=-1) -> int:\n"
      "    for i in range(3):\n      a += {1: [\"\\n\" 'x'], }[i]\n"
      "    return a if a is not None else -a ** 2.5e3\n";
  for (const Dialect dialect : {Dialect::kTorchScript, Dialect::kPython}) {
    for (size_t i = 0; i < text.size(); ++i) {
      ParsedFile(text.substr(0, i), dialect);
      for (const char c : {'\0', '\n', '"', '\\', '(', ' ', '\xff', '{'}) {
        std::string changed = text;
        changed[i] = c;
        ParsedFile(changed, dialect);
      }
    }
  }
}

}  // namespace
}  // namespace tandem::script
