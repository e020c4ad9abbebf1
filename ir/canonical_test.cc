// Canonical text: what it looks like, that it comes back, what it refuses.
#include "tandem/ir/canonical.h"

#include <cmath>
#include <limits>
#include <string>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "tandem/ir/class_type.h"
#include "tandem/ir/source_range.h"

namespace tandem {
namespace {

std::string Printed(const Graph& graph,
                    const CanonicalPrintOptions& options = {}) {
  const absl::StatusOr<std::string> text = PrintCanonical(graph, options);
  return text.ok() ? *text : std::string(text.status().message());
}

// The text of the graph that the text stands for, or the error.
std::string Again(absl::string_view text,
                  const CanonicalParseOptions& options = {}) {
  const auto graph = ParseGraph(text, options);
  return graph.ok() ? Printed(**graph) : std::string(graph.status().message());
}

#define EXPECT_SAME_AGAIN(text) EXPECT_EQ(Again(text), text)

TEST(Canonical, GraphComesBack) {
  EXPECT_SAME_AGAIN(R"(graph(%x : Tensor,
      %w : Tensor):
  %0 : int = prim::Constant[value=1]()
  %y : Tensor = aten::add.Tensor(%x, %w, %0)
  return (%y)
)");
}

TEST(Canonical, TextByHand) {
  EXPECT_EQ(Again(R"(
    # types and numbers as one likes
    graph(%x, %w : Float(2, *)):
      %7 : int[] = prim::ListConstruct(1, 2)
      %9 = aten::sum.dim_IntList(%x, %7, True, None)  # a comment
      %out = aten::mul.Tensor(%9, %w)
      = prim::Print(%out)
      return (%out, %7))"),
            R"(graph(%x : Tensor,
      %w : Float(2, *)):
  %0 : int = prim::Constant[value=1]()
  %1 : int = prim::Constant[value=2]()
  %2 : int[] = prim::ListConstruct(%0, %1)
  %3 : bool = prim::Constant[value=True]()
  %4 : NoneType = prim::Constant()
  %5 : Tensor = aten::sum.dim_IntList(%x, %2, %3, %4)
  %out : Tensor = aten::mul.Tensor(%5, %w)
  prim::Print(%out)
  return (%out, %2)
)");
}

TEST(Canonical, BlocksAndScopes) {
  EXPECT_SAME_AGAIN(R"(graph(%c : bool,
      %n : int,
      %x.1 : Tensor):
  %x.9 : Tensor = prim::If(%c) scope "__module.a/__module.a.b"
    block0():
      %x.3 : Tensor = aten::relu(%x.1)
      -> (%x.3)
    block1():
      -> (%x.1)
  %x : Tensor = prim::Loop(%n, %c, %x.9)
    block0(%i : int, %0 : Tensor):
      %1 : Tensor = aten::neg(%0)
      -> (%c, %1)
  return (%x)
)");
}

TEST(Canonical, SubgraphsOfForks) {
  EXPECT_SAME_AGAIN(R"(graph(%x : Tensor):
  %a : Future[Tensor] = prim::fork[Subgraph=@0](%x)
  %b : Future[Tensor] = prim::fork[Subgraph=@2](%x)
  %c : Future[Tensor] = prim::fork[Subgraph=@0](%x)
  return (%a, %b, %c)
with @0 = graph(%x : Tensor):
  %0 : Future[Tensor] = prim::fork[Subgraph=@1](%x)
  %1 : Tensor = aten::wait(%0)
  return (%1)
with @1 = graph(%x : Tensor):
  %0 : Tensor = aten::neg(%x)
  return (%0)
with @2 = graph(%x : Tensor):
  return (%x)
)");
}

TEST(Canonical, Types) {
  for (const char* type :
       {"int",
        "float?",
        "int[]",
        "int?[]",
        "int[]?",
        "(int, str[])",
        "()",
        "(int)",
        "Dict(str, Tensor)",
        "Future[Tensor?]",
        "RRef[int]",
        "Await[int]",
        "Union(float, int, NoneType)",
        "Scalar",
        "Any",
        "NoneType",
        "Device",
        "Generator",
        "ScalarType",
        "list",
        "tuple",
        "AnyEnumType",
        "AnyClassType",
        "Function",
        "Function<__torch__.f>",
        "Var<t>",
        "Tensor",
        "Float",
        "Long(2, 3)",
        "Float()",
        "Float(2, *, strides=[*, 1], requires_grad=0, device=cuda:1)",
        "Tensor(..., requires_grad=1)",
        "Tensor(*, *)",
        "Tensor(undefined)",
        "Tensor(..., undefined)",
        "Tensor(inferred)",
        "NamedTuple<__torch__.P>(x : Tensor, \"\" : int)"}) {
    const std::string text =
        absl::StrCat("graph(%x : ", type, "):\n  return (%x)\n");
    EXPECT_EQ(Again(text), text);
  }
}

TEST(Canonical, Constants) {
  for (const char* text :
       {"int = prim::Constant[value=-9223372036854775808]",
        "NoneType = prim::Constant",
        "Tensor? = prim::Constant",
        "bool = prim::Constant[value=False]",
        "float = prim::Constant[value=1.0]",
        "float = prim::Constant[value=0.1]",
        "float = prim::Constant[value=-0.0]",
        "float = prim::Constant[value=1e+300]",
        "float = prim::Constant[value=5e-324]",
        "float = prim::Constant[value=-inf]",
        "float = prim::Constant[value=inf]",
        "float = prim::Constant[value=nan]",
        "float = prim::Constant[value=0x7ff8000000000001]",
        "complex = prim::Constant[value=complex(1.0, -0.5)]",
        R"(str = prim::Constant[value="a\"\n\\\303\244 # %x"])",
        R"(Device = prim::Constant[value=device("cuda:1")])",
        "int[] = prim::Constant[value=[1, 2]]",
        "int[] = prim::Constant[value=<int>[]]",
        "int?[] = prim::Constant[value=<int?>[None, 1]]",
        "int[][] = prim::Constant[value=[[1], <int>[]]]",
        "(int, str) = prim::Constant[value=(1, \"a\")]",
        "(int) = prim::Constant[value=(1,)]",
        "() = prim::Constant[value=()]",
        "Dict(str, int) = prim::Constant[value={\"b\": 1, \"a\": 2}]",
        "Dict(int, Tensor) = prim::Constant[value=<int, Tensor>{}]",
        "Tensor = prim::Constant[value=tensor(undefined)]",
        "Tensor = prim::Constant[value=tensor(Long, [], data=[7])]",
        "Tensor = prim::Constant[value=tensor(Long, [0, 3], data=[])]",
        "Tensor = prim::Constant[value=tensor(Float, [2, 2], strides=[1, 2], "
        "requires_grad, data=[1.0, 0.1, nan, 0x7fc00001])]",
        "Tensor = prim::Constant[value=tensor(Bool, [3], data=[0, 1, 0x02])]",
        "Tensor = prim::Constant[value=tensor(Half, [2], "
        "data=[0x3c00, 0x7c00])]",
        "Tensor = prim::Constant[value=tensor(ComplexFloat, [1], conj, "
        "data=[1.0, -2.5])]",
        "Tensor = prim::Constant[value=tensor(Double, [], wrapped_number, "
        "data=[0.1])]",
        "Tensor = prim::Constant[value=tensor(Float, [1000, 3], "
        "strides=[0, 1], data=[1.0, 2.0, 3.0])]",
        "Tensor = prim::Constant[value=tensor(Float, [100, 3], meta)]"}) {
    const std::string graph =
        absl::StrCat("graph():\n  %0 : ", text, "()\n  return (%0)\n");
    EXPECT_EQ(Again(graph), graph);
  }
}

TEST(Canonical, AttributesOfAllKinds) {
  CanonicalParseOptions options;
  options.verify = false;
  const std::string text = R"(graph(%x : Tensor):
  %0 : Tensor = prim::TracedAttr[s="a", i=1, d=1.5, is=ints[1, -2], none=ints[], ss=strings["a", ""], t=type(int[]), ts=types(int, (str)), iv=boxed([1, 2]), "odd name"="x", value=plain("v")](%x)
  return (%0)
)";
  EXPECT_EQ(Again(text, options), text);
}

TEST(Canonical, OddNames) {
  Graph g;
  Value* x = g.AddInput("a b\"%", Type::Tensor());
  g.AddOutput(x);
  const std::string text = Printed(g);
  EXPECT_EQ(text, "graph(%\"a b\\\"%\" : Tensor):\n  return (%\"a b\\\"%\")\n");
  EXPECT_SAME_AGAIN(text);
  // A name that is one of ours goes with an operator's.
  EXPECT_SAME_AGAIN(R"(graph(%x : AnyEnumType):
  %0 : str = operator prim::EnumName(%x)
  %1 : str = prim::EnumName(%x)
  return (%0, %1)
)");
}

TEST(Canonical, LargeTensorsStandBesideTheText) {
  Graph g;
  const Tensor large = *Tensor::Zeros({100}, DType::kFloat);
  const Tensor small = *Tensor::Zeros({2}, DType::kFloat);
  for (const Tensor& t : {large, small, large}) {
    g.AddOutput(g.InsertConstant(t, {}, Type::Tensor()));
  }
  std::vector<IValue> externals;
  CanonicalPrintOptions print;
  print.externals = &externals;
  const std::string text = Printed(g, print);
  EXPECT_EQ(text, R"(graph():
  %0 : Tensor = prim::Constant[value=extern(0)]()
  %1 : Tensor = prim::Constant[value=tensor(Float, [2], data=[0.0, 0.0])]()
  %2 : Tensor = prim::Constant[value=extern(0)]()
  return (%0, %1, %2)
)");
  ASSERT_EQ(externals.size(), 1u);
  CanonicalParseOptions parse;
  parse.externals = &externals;
  const auto back = ParseGraph(text, parse);
  ASSERT_TRUE(back.ok()) << back.status();
  EXPECT_TRUE(ConstantOf((*back)->outputs()[2])->AsTensor().is_same(large));
  EXPECT_EQ(Printed(**back, print), text);
  EXPECT_EQ(Again(text), "2:45: there are 0 external values");
}

TEST(Canonical, RangesWithTheirOriginals) {
  const auto python =
      std::make_shared<const Source>("def f(x):\n  return -x\n", "m.py", 10);
  const SourceRange original(python, 19, 21);
  const auto code = std::make_shared<const Source>(
      "return torch.neg(x)", "code/__torch__.py", 1,
      [original](const SourceRange&) { return original; });
  Graph g;
  Value* x = g.AddInput("x", Type::Tensor());
  const Operator* neg = OperatorTable::Builtin().Find("aten::neg", "");
  Node* n = g.Insert(g.Create(neg, {x}));
  n->set_range(SourceRange(code, 7, 19));
  g.AddOutput(n->output());
  CanonicalPrintOptions print;
  print.ranges = true;
  const std::string text = Printed(g, print);
  EXPECT_EQ(text, R"(graph(%x : Tensor):
  %0 : Tensor = aten::neg(%x) at 0[7:19] < 1[19:21]
  return (%0)
source 0 "code/__torch__.py"
  |return torch.neg(x)
source 1 "m.py" line 10
  |def f(x):
  |  return -x
  |
)");
  const auto back = ParseGraph(text);
  ASSERT_TRUE(back.ok()) << back.status();
  EXPECT_EQ(Printed(**back, print), text);
  const Node* copy = (*back)->outputs()[0]->node();
  EXPECT_EQ(copy->range().text(), "torch.neg(x)");
  EXPECT_EQ(copy->range().Original()->text(), "-x");
  EXPECT_EQ(copy->range().Original()->file_line_column()->line, 11);
}

TEST(Canonical, ErrorsSayWhereAndWhat) {
  const struct {
    const char *text, *error;
  } kCases[] = {
      {"", "1:1: expected 'graph', got the end of the text"},
      {"graph(%x : Tensor)\n  return (%x)", "2:3: expected ':', got 'return'"},
      {"graph(%x : Tensr): return (%x)", "1:12: unknown type Tensr"},
      {"graph(%x):\n  %y = aten::relu(%z)\n  return (%y)",
       "2:19: %z is not defined here"},
      {"graph(%x):\n  %x = aten::relu(%x)\n  return (%x)",
       "2:3: %x is defined twice"},
      {"graph(%x):\n  %y = aten::transpose(%x, 0, 1)\n  return (%y)",
       "2:8: unknown operator aten::transpose; there are aten::transpose.int"},
      {"graph(%x):\n  %y = aten::rrelu_with_noize(%x)\n  return (%y)",
       "2:8: unknown operator aten::rrelu_with_noize; near it: "
       "aten::rrelu_with_noise"},
      {"graph(%x):\n  %y : Tensor = prim::If(%x)\n    block1():",
       "3:5: expected block0, got 'block1'"},
      {"graph(%x):\n  %y = prim::Constant[value=\"a](",
       "2:29: expected a value, got a string without an end on its line"},
      {"graph(%x):\n  %y = prim::Constant[value=[]]()",
       "2:29: an empty list needs its type: <int>[]"},
      {"graph():\n  %y = prim::Constant[value=tensor(Float, [3], "
       "data=[1.0])]()",
       "2:29: the tensor needs 3 elements, got 1"},
      {"graph():\n  %y = prim::Constant[value=tensor(Float, "
       "[4294967296, 4294967296, 4294967296], data=[])]()",
       "2:29: the tensor's sizes are too big"},
      {"graph():\n  %y = prim::Constant[value=tensor(Char, [1], "
       "data=[300])]()",
       "2:53: expected an element of Char, got '300'"},
      {"graph():\n  %f : Future[int] = prim::fork[Subgraph=@0]()\n"
       "  return (%f)",
       "3:14: expected 'with @0 = graph…', got the end of the text"},
      {"graph():\n  %f : Future[int] = prim::fork[Subgraph=@0]()\n"
       "  return (%f)\nwith @0 = graph():\n"
       "  %f : Future[int] = prim::fork[Subgraph=@0]()\n  return (%f)",
       "5:43: a graph uses subgraphs with greater numbers than its own"},
      {"graph(%x):\n  return (%x)\nmore", "3:1: expected the end, got 'more'"},
      {"graph(%x):\n  return (%x) at", "2:15: expected the end, got 'at'"},
      {"graph(%x):\n  %y = aten::neg(%x) at 0[0:1] < 0[0:1]\n"
       "  return (%y)\nsource 0\n  |abc",
       "5:7: the sources are originals of each other"},
      // Well-formed text of a graph that is none.
      {"graph():\n  %x : int = prim::Constant()\n  return (%x)",
       "malformed graph: None is given another type at "},
      {"graph(%x : Tensor):\n  %y = aten::cat(%x, 0)\n  return (%y)",
       "malformed graph: tensors is Tensor, not Tensor[] at "},
      {"graph(%x : int[]):\n  %y = aten::cat(%x, 0)\n  return (%y)",
       "malformed graph: tensors is int[], not Tensor[] at "},
      {"graph(%x : Tensor):\n  %y : int = prim::If(%x)\n  return (%y)",
       "malformed graph: prim::If takes 1 inputs, gives 1 and has 2 blocks at "
       "`%y : int = prim::If(%x)`"},
  };
  for (const auto& c : kCases) {
    const auto graph = ParseGraph(c.text);
    ASSERT_FALSE(graph.ok()) << c.text;
    EXPECT_EQ(graph.status().code(), absl::StatusCode::kInvalidArgument);
    EXPECT_TRUE(absl::StartsWith(graph.status().message(), c.error))
        << c.text << "\n"
        << graph.status().message();
  }
}

std::string Times(int n, absl::string_view text) {
  std::string out;
  for (int i = 0; i < n; ++i) absl::StrAppend(&out, text);
  return out;
}

TEST(Canonical, HostileNesting) {
  for (const std::string& text :
       {absl::StrCat("graph(%x : ", Times(1000000, "(")),
        absl::StrCat("graph(%x : int", Times(1000000, "[]"), "): return ()"),
        absl::StrCat("graph(%x : ", Times(1000000, "Future[")),
        absl::StrCat("graph():\n %x = prim::Constant[value=",
                     Times(1000000, "[")),
        absl::StrCat("graph(%x : bool):\n", Times(100000, R"(
            prim::If(%x)
            block0():)"))}) {
    const auto graph = ParseGraph(text);
    ASSERT_FALSE(graph.ok());
    EXPECT_TRUE(absl::StrContains(graph.status().message(), "less deeply"))
        << graph.status().message();
  }
}

// Texts that would take long if something were not bounded.
TEST(Canonical, HostileWidth) {
  std::string types, many;
  for (int i = 0; i < 250; ++i) {
    absl::StrAppend(&types, i == 0 ? "" : ", ", "Var<v", i, ">");
  }
  for (int i = 0; i < 250; ++i) {
    absl::StrAppend(&many, i == 0 ? "" : ", ", "Union(", types, ")");
  }
  std::string nested = "int";
  for (int i = 0; i < 12; ++i) {
    nested = absl::StrCat("Union((", nested, ", int), (", nested, ", str))");
  }
  std::string keys = "nan: 1";
  for (int i = 0; i < 100000; ++i) keys += ", nan: 1";
  std::string forks;
  for (int64_t i = 1; i < 10000; ++i) {
    absl::StrAppend(&forks, "prim::fork[Subgraph=@", i * 1000000, "]()\n");
  }
  for (const std::string& text :
       {absl::StrCat("graph(%x : Union(", many, ")): return ()"),
        absl::StrCat("graph(%x : ", nested, "): return ()"),
        absl::StrCat("graph(): %x = prim::Constant[value={", keys,
                     "}]() return ()"),
        absl::StrCat("graph():\n", forks, "return ()")}) {
    const auto graph = ParseGraph(text);
    EXPECT_FALSE(graph.ok()) << text.substr(0, 100);
  }
}

TEST(Canonical, WhatHasNoTextIsAnError) {
  Graph g;
  g.AddOutput(g.InsertConstant(IValue(MakeRef<GeneratorObject>())));
  EXPECT_EQ(Printed(g), "no canonical text: a generator has no text");
  Ref<ListObject> list = MakeList(Type::Any());
  list->values.push_back(IValue(list));
  Graph h;
  h.AddOutput(h.InsertConstant(IValue(list)));
  EXPECT_EQ(Printed(h), "no canonical text: a value is nested too deeply");
  list->values.clear();
}

// ---- Programs

std::string ProgramAgain(absl::string_view text,
                         CanonicalParseOptions options = {}) {
  const auto program = ParseProgram(text, options);
  if (!program.ok()) return std::string(program.status().message());
  const auto again = PrintCanonicalProgram(*program->unit, program->root);
  return again.ok() ? *again : std::string(again.status().message());
}

constexpr char kProgram[] = R"(program 1
class __torch__.Scale module
  parameter weight : Tensor
  buffer count : Tensor
  parameter both : Tensor buffer
  buffer buffer : Tensor
  attribute names : Dict(str, int)
  attribute next : __torch__.Node?
  constant kind : __torch__.Color = enum(__torch__.Color, "RED")
  constant untyped = 3
  method @__torch__.Scale.forward
  forward_pre_hook @__torch__.Scale.hook
  property size get @__torch__.Scale.__size_getter
enum __torch__.Color : int
  member RED = 1
  member BLUE = 2
interface __torch__.Run module
  requires forward(self : Any, x : Tensor) -> (Tensor)
namedtuple __torch__.Pair(first : __torch__.Scale, second : int[])
class __torch__.Node
  attribute value : __torch__.Pair
class "__torch__.odd name" opaque
function __torch__.helper(x : Tensor, n : int = 2, p : int[] = [1, 1] size 2, k : float = 0.5 keyword, t : Tensor keyword out alias("a"! -> "a")) -> (a : Tensor, int)
  graph(%x : Tensor,
        %n : int,
        %p : int[],
        %k : float,
        %t : Tensor):
    return (%x, %n)
function __torch__.Scale.forward of __torch__.Scale(self : __torch__.Scale, x : Tensor) -> (Tensor)
  graph(%self : __torch__.Scale,
        %x.1 : Tensor):
    %0 : Function<__torch__.helper> = prim::Constant[value=@__torch__.helper]()
    %w : Tensor = prim::GetAttr[name="weight"](%self)
    %f : Future[Tensor] = prim::fork[Subgraph=@0](%w)
    return (%w)
  with @0 = graph(%x : Tensor):
    return (%x)
function __torch__.Scale.hook of __torch__.Scale() -> ()
function __torch__.Scale.__size_getter of __torch__.Scale(self : __torch__.Scale, ...) -> (...)
function __torch__.helper~2 named "other" "overload" () -> ()
object 0 : __torch__.Scale
  weight = tensor(Float, [], data=[1.0])
  count = tensor(Long, [1], data=[3])
  both = tensor(undefined)
  buffer = tensor(undefined)
  names = {"a": 1}
  next = object(1)
object 1 : __torch__.Node
  value = <__torch__.Pair>(object(2), <int>[])
object 2 : __torch__.Scale
  weight = tensor(Float, [], data=[1.0])
  count = tensor(Long, [1], data=[3])
  both = tensor(undefined)
  buffer = tensor(undefined)
  names = <str, int>{}
  next = None
root object(0)
)";

TEST(Canonical, ProgramComesBack) {
  EXPECT_EQ(ProgramAgain(kProgram), kProgram);
  const auto program = ParseProgram(kProgram);
  ASSERT_TRUE(program.ok()) << program.status();
  const ModuleObject& root = program->root.AsObject();
  EXPECT_EQ(root.type()->name(), "__torch__.Scale");
  Function* forward = root.type()->FindMethod("forward");
  ASSERT_NE(forward, nullptr);
  EXPECT_TRUE(forward->EnsureDefined().ok());
  EXPECT_EQ(forward->schema().ToString(),
            "forward(__torch__.Scale self, Tensor x) -> Tensor");
  EXPECT_EQ(root.type()->properties[0].getter->EnsureDefined().message(),
            "function __torch__.Scale.__size_getter has no graph in the text "
            "of its program");
  EXPECT_EQ(program->unit->types().size(), 6u);
}

TEST(Canonical, ProgramErrors) {
  const struct {
    const char *text, *error;
  } kCases[] = {
      {"", "1:1: expected 'program'"},
      {"program 2", "1:9: expected version 1"},
      {"program 1\n class A", "2:2: expected class, enum,"},
      {"program 1\nclass\tA", "2:7: expected the name behind one space"},
      {"program 1\nfunction\tf", "2:10: expected the name behind one space"},
      {"program 1\nobject\n0", "3:1: expected the name behind one space"},
      {"program 1\nclass a.A\nclass a.A", "3:7: type a.A is defined twice"},
      {"program 1\nfunction a.A.f of a.A() -> ()",
       "2:19: expected the class that a.A.f is named after"},
      {"program 1\nclass a.A\n  method @a.f", "3:11: unknown function a.f"},
      {"program 1\nclass a.A\n  method @a.f\nfunction a.f() -> ()",
       "3:10: expected a function of this class"},
      {"program 1\nclass a.A\n  attribute x : int\nobject 0 : a.A\n  y = 1",
       "5:3: expected the value of x, got y"},
      {"program 1\nclass a.A\n  attribute x : int\nobject 0 : a.A\n"
       "  x = \"1\"",
       "5:3: attribute 'x' of 'a.A' is a int, not a str"},
      {"program 1\nclass a.A\n  attribute x : a.A\nobject 0 : a.A\n"
       "  x = object(0)",
       "5:7: there is no object 0 behind this one"},
      {"program 1\nnamedtuple a.P(x : a.Q)\nnamedtuple a.Q(x : int)",
       "2:20: unknown type a.Q"},
      {"program 1\nfunction f(x : int[] = <int>[\"a\"]) -> ()",
       "2:29: expected elements of type int, got one of type str"},
      {"program 1\nfunction a.f(x : int) -> ()\n  graph():\n    return ()",
       "a.f: malformed graph: 0 inputs for a signature of 1"},
  };
  for (const auto& c : kCases) {
    const std::string got = ProgramAgain(c.text);
    EXPECT_TRUE(absl::StartsWith(got, c.error)) << c.text << "\n" << got;
  }
}

// Any cut and any changed byte of a text is read or refused, nothing else.
TEST(Canonical, MutatedProgramsAreSafe) {
  const std::string text = kProgram;
  for (size_t i = 0; i < text.size(); ++i) {
    (void)ParseProgram(absl::string_view(text).substr(0, i));
    std::string changed = text;
    changed[i] = "()[]<>:,\"@~ \n0-"[i % 15];
    (void)ParseProgram(changed);
  }
}

}  // namespace
}  // namespace tandem
