// Rewriting by pattern, in and out as canonical text.
#include "tandem/passes/pattern.h"

#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "tandem/ir/canonical.h"
#include "tandem/ir/verifier.h"

namespace tandem {
namespace {

std::unique_ptr<Graph> Parse(absl::string_view text) {
  auto graph = ParseGraph(text);
  EXPECT_TRUE(graph.ok()) << graph.status() << text;
  return graph.ok() ? *std::move(graph) : std::make_unique<Graph>();
}

std::string Text(const Graph& graph) {
  const auto text = PrintCanonical(graph);
  EXPECT_TRUE(text.ok()) << text.status();
  return text.value_or("");
}

// The text after the rules; checks that it is well-formed, counts rewrites.
std::string Rewritten(absl::Span<const RewriteRule> rules,
                      absl::string_view text, int64_t* count = nullptr) {
  const auto compiled = RewriteRules::Create(rules);
  EXPECT_TRUE(compiled.ok()) << compiled.status();
  if (!compiled.ok()) return "";
  const std::unique_ptr<Graph> graph = Parse(text);
  const int64_t n = compiled->Apply(graph.get());
  if (count != nullptr) *count = n;
  const absl::Status good = VerifyGraph(*graph);
  EXPECT_TRUE(good.ok()) << good;
  return Text(*graph);
}

void ExpectRewritten(absl::Span<const RewriteRule> rules,
                     absl::string_view before, absl::string_view after) {
  EXPECT_EQ(Rewritten(rules, before), Text(*Parse(after)));
}

void ExpectKept(absl::Span<const RewriteRule> rules, absl::string_view text) {
  int64_t count;
  EXPECT_EQ(Rewritten(rules, text, &count), Text(*Parse(text)));
  EXPECT_EQ(count, 0);
}

const RewriteRule kLinear[] = {{"linear",
                                R"(
    graph(%x, %w, %b):
      %t = aten::t(%w)
      %y = aten::addmm(%b, %x, %t, 1, 1)
      return (%y))",
                                R"(
    graph(%x, %w, %b):
      %y = aten::linear(%x, %w, %b)
      return (%y))",
                                {}}};

TEST(Pattern, ReplacesAndTakesAwayWhatIsUnused) {
  ExpectRewritten(kLinear, R"(
    graph(%a, %weight, %bias):
      %wt = aten::t(%weight)
      %out = aten::addmm(%bias, %a, %wt, 1, 1)
      %z = aten::relu(%out)
      return (%z))",
                  R"(
    graph(%a, %weight, %bias):
      %out = aten::linear(%a, %weight, %bias)
      %z = aten::relu(%out)
      return (%z))");
}

TEST(Pattern, ConstantsAreEqualInKindToo) {
  for (const char* number : {"2", "1.0", "True"}) {
    ExpectKept(kLinear, absl::StrCat(R"(
      graph(%a, %weight, %bias):
        %wt = aten::t(%weight)
        %out = aten::addmm(%bias, %a, %wt, 1, )",
                                     number, R"()
        return (%out))"));
  }
}

TEST(Pattern, InnerValuesHaveNoOtherUse) {
  ExpectKept(kLinear, R"(
    graph(%a, %weight, %bias):
      %wt = aten::t(%weight)
      %out = aten::addmm(%bias, %a, %wt, 1, 1)
      return (%out, %wt))");
}

TEST(Pattern, NothingIsMovedAcrossWrites) {
  // %b is read at another time.
  const RewriteRule rule[] = {{"",
                               R"(
    graph(%x):
      %n = aten::neg(%x)
      %y = aten::relu(%n)
      return (%y))",
                               R"(
    graph(%x):
      %y = aten::hardtanh(%x, -1, 0)
      return (%y))",
                               {}}};
  ExpectKept(rule, R"(
    graph(%a, %b):
      %n = aten::neg(%a)
      %w = aten::add_.Tensor(%a, %b, 1)
      %y = aten::relu(%n)
      return (%y))");
  ExpectKept(rule, R"(
    graph(%a, %b, %c : bool):
      %n = aten::neg(%a)
      %i : Tensor = prim::If(%c)
        block0():
          %w = aten::add_.Tensor(%a, %b, 1)
          -> (%w)
        block1():
          -> (%b)
      %y = aten::relu(%n)
      return (%y, %i))");
  // What is written is another tensor, and only read.
  ExpectRewritten(rule, R"(
    graph(%a, %b):
      %f = aten::sigmoid(%b)
      %n = aten::neg(%a)
      %w = aten::exp_(%f)
      %y = aten::relu(%n)
      return (%y, %w))",
                  R"(
    graph(%a, %b):
      %f = aten::sigmoid(%b)
      %w = aten::exp_(%f)
      %y = aten::hardtanh(%a, -1, 0)
      return (%y, %w))");
}

TEST(Pattern, SharingOfMemoryIsNotNoticed) {
  const RewriteRule rule[] = {{"",
                               R"(
    graph(%x):
      %y = aten::mul.Scalar(%x, 1)
      return (%y))",
                               "graph(%x): return (%x)",
                               {}}};
  // Fresh memory in and out of sight.
  ExpectRewritten(rule, R"(
    graph(%a):
      %x = aten::relu(%a)
      %y = aten::mul.Scalar(%x, 1)
      %z = aten::neg(%y)
      return (%z))",
                  R"(
    graph(%a):
      %x = aten::relu(%a)
      %z = aten::neg(%x)
      return (%z))");
  // Someone writes to the copy, or to what it is a copy of.
  ExpectKept(rule, R"(
    graph(%a):
      %x = aten::relu(%a)
      %y = aten::mul.Scalar(%x, 1)
      %z = aten::neg_(%y)
      %s = aten::add.Tensor(%x, %z, 1)
      return (%s))");
  ExpectKept(rule, R"(
    graph(%a):
      %x = aten::relu(%a)
      %y = aten::mul.Scalar(%x, 1)
      %z = aten::neg_(%x)
      %s = aten::add.Tensor(%y, %z, 1)
      return (%s))");
  // The caller would get its own tensor back.
  ExpectKept(rule, R"(
    graph(%a):
      %y = aten::mul.Scalar(%a, 1)
      return (%y))");
  // Or one tensor twice: only one of two copies goes.
  ExpectRewritten(rule, R"(
    graph(%a):
      %x = aten::relu(%a)
      %y = aten::mul.Scalar(%x, 1)
      %z = aten::mul.Scalar(%x, 1)
      return (%y, %z))",
                  R"(
    graph(%a):
      %x = aten::relu(%a)
      %y = aten::mul.Scalar(%x, 1)
      return (%y, %x))");
}

TEST(Pattern, OverloadsAndOrder) {
  const RewriteRule rule[] = {{"",
                               R"(
    graph(%x, %y : Any):
      %n = aten::neg(%x)
      %z = aten::mul.Tensor[any_overload=1, commutative=1](%y, %n)
      return (%z))",
                               R"(
    graph(%x, %y):
      %z = aten::dot(%x, %y)
      return (%z))",
                               {}}};
  for (const char* product :
       {"aten::mul.Tensor(%b, %n)", "aten::mul.Tensor(%n, %b)"}) {
    ExpectRewritten(rule,
                    absl::StrCat(R"(
      graph(%a, %b):
        %n = aten::neg(%a)
        %z = )",
                                 product, " return (%z)"),
                    R"(
      graph(%a, %b):
        %z = aten::dot(%a, %b)
        return (%z))");
  }
  const RewriteRule scalar[] = {{"",
                                 R"(
    graph(%x, %k : Scalar):
      %z = aten::mul.Tensor[any_overload=1](%x, %k)
      return (%z))",
                                 R"(
    graph(%x, %k):
      %z = aten::div.Scalar(%x, %k)
      return (%z))",
                                 {}}};
  ExpectRewritten(scalar, R"(
    graph(%a, %b):
      %y = aten::mul.Scalar(%a, 2)
      %z = aten::mul.Tensor(%y, %b)
      return (%z))",
                  R"(
    graph(%a, %b):
      %1 : int = prim::Constant[value=2]()
      %y = aten::div.Scalar(%a, %1)
      %z = aten::mul.Tensor(%y, %b)
      return (%z))");
}

TEST(Pattern, ListsOfConstants) {
  const RewriteRule rule[] = {{"",
                               R"(
    graph(%x):
      %y = aten::permute(%x, [0, 2, 1])
      return (%y))",
                               R"(
    graph(%x):
      %y = aten::transpose.int(%x, 1, 2)
      return (%y))",
                               {}}};
  const char* const kAfter = R"(
    graph(%a):
      %y = aten::transpose.int(%a, 1, 2)
      return (%y))";
  ExpectRewritten(rule, R"(
    graph(%a):
      %y = aten::permute(%a, [0, 2, 1])
      return (%y))",
                  kAfter);
  ExpectRewritten(rule, R"(
    graph(%a):
      %l : int[] = prim::ListConstruct(0, 2, 1)
      %y = aten::permute(%a, %l)
      return (%y))",
                  kAfter);
  ExpectKept(rule, R"(
    graph(%a):
      %l : int[] = prim::ListConstruct(0, 2, 1)
      %m : int[] = aten::append.t(%l, 3)
      %y = aten::permute(%a, %l)
      return (%y))");
}

TEST(Pattern, ConditionsSeeAndCompute) {
  const RewriteRule rule[] = {
      {"",
       R"(
    graph(%x : Float(*, *), %k : int):
      %y = aten::add.Scalar(%x, %k, 2)
      return (%y))",
       R"(
    graph(%x, %twice):
      %y = aten::add.Scalar(%x, %twice, 1)
      return (%y))",
       [](PatternMatch& m) {
         const std::optional<IValue> k = m.constant("k");
         if (!k.has_value() || m.value("nothing") != nullptr ||
             m.node("y")->Is("aten::sub")) {
           return false;
         }
         m.SetConstant("twice", 2 * k->AsInt());
         return true;
       }}};
  ExpectRewritten(rule, R"(
    graph(%a : Float(2, 3), %b : Float(2), %n : int):
      %p = aten::add.Scalar(%a, 5, 2)
      %q = aten::add.Scalar(%b, 5, 2)
      %r = aten::add.Scalar(%a, %n, 2)
      return (%p, %q, %r))",
                  R"(
    graph(%a : Float(2, 3), %b : Float(2), %n : int):
      %p = aten::add.Scalar(%a, 10, 1)
      %q = aten::add.Scalar(%b, 5, 2)
      %r = aten::add.Scalar(%a, %n, 2)
      return (%p, %q, %r))");
}

TEST(Pattern, SeveralResultsAndCommonInputs) {
  const RewriteRule rule[] = {{"",
                               R"(
    graph(%x, %v, %w):
      %p = aten::matmul(%x, %v)
      %q = aten::matmul(%x, %w)
      return (%p, %q))",
                               R"(
    graph(%x, %v, %w):
      %l : Tensor[] = prim::ListConstruct(%v, %w)
      %c = aten::cat(%l, 1)
      %y = aten::matmul(%x, %c)
      %s : Tensor[] = aten::chunk(%y, 2, 1)
      %p : Tensor, %q : Tensor = prim::ListUnpack(%s)
      return (%p, %q))",
                               {}}};
  ExpectRewritten(rule, R"(
    graph(%a, %m, %n):
      %first = aten::matmul(%a, %m)
      %other = aten::neg(%n)
      %second = aten::matmul(%a, %n)
      %z = aten::add.Tensor(%first, %second, 1)
      return (%z, %other))",
                  R"(
    graph(%a, %m, %n):
      %other = aten::neg(%n)
      %10 : Tensor[] = prim::ListConstruct(%m, %n)
      %11 = aten::cat(%10, 1)
      %12 = aten::matmul(%a, %11)
      %13 : Tensor[] = aten::chunk(%12, 2, 1)
      %first : Tensor, %second : Tensor = prim::ListUnpack(%13)
      %z = aten::add.Tensor(%first, %second, 1)
      return (%z, %other))");
  // The first result is needed before the second is there.
  ExpectKept(rule, R"(
    graph(%a, %m):
      %first = aten::matmul(%a, %m)
      %n = aten::neg(%first)
      %second = aten::matmul(%a, %n)
      return (%second))");
}

TEST(Pattern, UntilNothingFits) {
  const RewriteRule rule[] = {{"",
                               R"(
    graph(%x):
      %y = aten::relu(%x)
      %z = aten::relu(%y)
      return (%z))",
                               R"(
    graph(%x):
      %z = aten::relu(%x)
      return (%z))",
                               {}}};
  std::string text = "graph(%x0, %c : bool):\n";
  for (int i = 0; i < 9; ++i) {
    absl::StrAppend(&text, "%x", i + 1, " = aten::relu(%x", i, ")\n");
  }
  absl::StrAppend(&text, R"(
    %r : Tensor = prim::If(%c)
      block0():
        %a = aten::relu(%x9)
        %b = aten::relu(%a)
        -> (%b)
      block1():
        -> (%x9)
    return (%r))");
  int64_t count;
  EXPECT_EQ(Rewritten(rule, text, &count), Text(*Parse(R"(
    graph(%x0, %c : bool):
      %x9 = aten::relu(%x0)
      %r : Tensor = prim::If(%c)
        block0():
          %b = aten::relu(%x9)
          -> (%b)
        block1():
          -> (%x9)
      return (%r))")));
  EXPECT_EQ(count, 9);
}

TEST(Pattern, RulesThatUndoEachOtherEnd) {
  const RewriteRule rules[] = {{"",
                                "graph(%x): %y = aten::neg(%x) return (%y)",
                                "graph(%x): %y = aten::relu(%x) return (%y)",
                                {}},
                               {"",
                                "graph(%x): %y = aten::relu(%x) return (%y)",
                                "graph(%x): %y = aten::neg(%x) return (%y)",
                                {}}};
  int64_t count;
  Rewritten(rules, "graph(%x): %y = aten::neg(%x) return (%y)", &count);
  EXPECT_EQ(count, 1000);
}

TEST(Pattern, PlacesNamesAndTypesStay) {
  const std::unique_ptr<Graph> graph = Parse(R"(
    graph(%a, %weight, %bias):
      %wt = aten::t(%weight) scope "first" at 0[0:1]
      %out : Float(2, 3) = aten::addmm(%bias, %a, %wt, 1, 1) scope "second" at 0[2:3]
      return (%out)
    source 0 "m.py"
  |t addmm
)");
  const RewriteRule rule[] = {{"",
                               kLinear[0].pattern,
                               R"(
    graph(%x, %w, %b):
      %t = aten::contiguous(%w, 0)
      %u = aten::linear(%x, %t, %b)
      %y = aten::neg(%u)
      return (%y))",
                               {}}};
  const auto rules = RewriteRules::Create(rule);
  ASSERT_TRUE(rules.ok()) << rules.status();
  EXPECT_EQ(rules->Apply(graph.get()), 1);
  CanonicalPrintOptions options;
  options.ranges = true;
  EXPECT_EQ(*PrintCanonical(*graph, options), R"(graph(%a : Tensor,
      %weight : Tensor,
      %bias : Tensor):
  %0 : int = prim::Constant[value=0]() scope "second" at 0[2:3]
  %1 : Tensor = aten::contiguous(%weight, %0) scope "first" at 0[0:1]
  %2 : Tensor = aten::linear(%a, %1, %bias) scope "second" at 0[2:3]
  %out : Float(2, 3) = aten::neg(%2) scope "second" at 0[2:3]
  return (%out)
source 0 "m.py"
  |t addmm
)");
}

TEST(Pattern, WrongRulesAreRefusedByName) {
  const struct {
    const char *pattern, *replacement, *error;
  } kCases[] = {
      {"graph(", "", "rule r: pattern: 1:7: expected a value as in %x"},
      {"graph(%x): %y = aten::neg(%x) return (%y)", "graph(%x): return (%y)",
       "rule r: replacement: 1:20: %y is not defined here"},
      {"graph(%x): return (%x)", "graph(%x): return (%x)",
       "rule r: a pattern has a node"},
      {"graph(%x): %y = aten::neg(%x) return (%x)", "graph(%x): return (%x)",
       "rule r: a pattern's results come from its nodes"},
      {"graph(%x): %y = aten::neg(%x) return (%y)",
       "graph(%x): return (%x, %x)",
       "rule r: pattern and replacement have other numbers of results"},
      {"graph(%x): %y = aten::neg(%x) %z = aten::neg(%x) return (%y)",
       "graph(%x): return (%x)",
       "rule r: the pattern's last node gives a result"},
      {"graph(%x, %w): %y = aten::neg(%x) %z = aten::neg(%w) return (%y, %z)",
       "graph(%x): return (%x, %x)",
       "rule r: every node of a pattern is connected with the last"},
      {"graph(%x): %y = aten::neg(%x) %z = aten::neg(%y) return (%z)",
       "graph(%y): return (%y)", "rule r: %y is taken out with the pattern"},
      {"graph(%x): %y = aten::neg(%x) return (%y)", "graph(%k): return (%k)",
       "rule r: nothing gives %k"},
      {"graph(%x): %y = aten::add.Tensor(%x) return (%y)",
       "graph(%x): return (%x)", "rule r: pattern: malformed graph"},
      {"graph(%x): %y = aten::add.Tensor(%x, tensor(Long, [], data=[1]), 1) "
       "return (%y)",
       "graph(%x): return (%x)", "rule r: a pattern has no tensor constants"},
  };
  for (const auto& c : kCases) {
    const RewriteRule rule[] = {{"r", c.pattern, c.replacement, {}}};
    const auto rules = RewriteRules::Create(rule);
    ASSERT_FALSE(rules.ok()) << c.pattern;
    EXPECT_TRUE(absl::StartsWith(rules.status().message(), c.error))
        << rules.status();
  }
}

}  // namespace
}  // namespace tandem
