#include "tandem/frontends/script/import.h"

#include <memory>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "gtest/gtest.h"
#include "tandem/ir/graph.h"

namespace tandem::script {
namespace {

// The graph's nodes, one a line, without constants, types, attributes and
// places. Values without a name are v0, v1 … as they appear.
class NodePrinter {
 public:
  std::string Print(const Graph& graph) {
    Append(*graph.block(), 0);
    return out_;
  }

 private:
  std::string Names(absl::Span<Value* const> values) {
    return absl::StrJoin(values, ", ", [this](std::string* s, const Value* v) {
      if (v->has_name()) {
        absl::StrAppend(s, v->name());
      } else if (const auto value = ConstantOf(v)) {
        absl::StrAppend(s, value->ToString());
      } else {
        const auto number = numbers_.try_emplace(v, numbers_.size());
        absl::StrAppend(s, "v", number.first->second);
      }
    });
  }
  void Append(const Block& block, int depth) {
    const std::string indent(2 * depth, ' ');
    for (const Node* node : block) {
      if (node->is(NodeKind::kConstant)) continue;
      absl::StrAppend(&out_, indent, Names(node->outputs()), " = ",
                      node->name(), "(", Names(node->inputs()), ")\n");
      for (const Block* inner : node->blocks()) {
        Append(*inner, depth + 1);
        absl::StrAppend(&out_, indent, "  -> ", Names(inner->outputs()), "\n");
      }
    }
  }

  absl::flat_hash_map<const Value*, size_t> numbers_;
  std::string out_;
};

std::string Nodes(const Graph& graph) { return NodePrinter().Print(graph); }

// The text of one file, code/__torch__.py, compiled.
class ImportTest : public ::testing::Test {
 protected:
  absl::StatusOr<const ClassType*> Load(std::string code,
                                        int64_t version = 10) {
    auto source =
        std::make_shared<Source>(std::move(code), "code/__torch__.py");
    importer_ = std::make_unique<SourceImporter>(
        &unit_, &constants_,
        [source](absl::string_view qualifier)
            -> absl::StatusOr<std::shared_ptr<const Source>> {
          if (qualifier != "__torch__") return nullptr;
          return source;
        },
        version);
    absl::StatusOr<TypePtr> type = importer_->LoadType("__torch__.M");
    if (!type.ok()) return type.status();
    return (*type)->AsClass();
  }
  // A module with one method.
  std::string Module(absl::string_view body) {
    return absl::StrCat(
        "class M(Module):\n  __parameters__ = []\n  __buffers__ = []\n"
        "  def forward(self: __torch__.M,\n    ",
        body);
  }
  std::string Compiled(std::string code, int64_t version = 10) {
    absl::StatusOr<const ClassType*> type = Load(std::move(code), version);
    if (!type.ok()) return std::string(type.status().message());
    return Nodes(*(*type)->FindMethod("forward")->graph());
  }

  CompilationUnit unit_;
  std::vector<IValue> constants_;
  std::unique_ptr<SourceImporter> importer_;
};

TEST_F(ImportTest, ClassesHaveAttributesConstantsAndMethods) {
  absl::StatusOr<const ClassType*> type = Load(
      "class M(Module):\n"
      "  __parameters__ = [\"w\", ]\n"
      "  __buffers__ = [\"b\", ]\n"
      "  w : Tensor\n"
      "  b : Tensor\n"
      "  __annotations__[\"0\"] = __torch__.N\n"
      "  k : Final[List[int]] = [1, -2]\n"
      "  def forward(self: __torch__.M,\n"
      "    x: Tensor,\n"
      "    n: int=3) -> Tensor:\n"
      "    _0 = getattr(self, \"0\")\n"
      "    return torch.add(x, (_0).go(n, ))\n"
      "class N(Module):\n"
      "  __parameters__ = []\n"
      "  __buffers__ = []\n"
      "  def go(self: __torch__.N,\n"
      "    n: int) -> int:\n"
      "    return torch.mul(n, 2)\n");
  ASSERT_TRUE(type.ok()) << type.status();
  ASSERT_EQ((*type)->attributes().size(), 3u);
  EXPECT_TRUE((*type)->attributes()[0].is_parameter);
  EXPECT_TRUE((*type)->attributes()[1].is_buffer);
  EXPECT_EQ((*type)->attributes()[2].name, "0");
  EXPECT_EQ((*type)->FindConstant("k")->value.ToString(), "[1, -2]");
  const Function* forward = (*type)->FindMethod("forward");
  EXPECT_EQ(forward->schema().ToString(),
            "forward(__torch__.M self, Tensor x, int n=3) -> Tensor");
  EXPECT_EQ(Nodes(*forward->graph()),
            "_0 = prim::GetAttr(self.1)\n"
            "v0 = prim::CallMethod(_0, n.1)\n"
            "v1 = aten::add(x.1, v0, 1)\n");
}

TEST_F(ImportTest, BranchesAndLoopsCarryWhatTheyChange) {
  EXPECT_EQ(Compiled(Module("n: int) -> int:\n"
                            "    y = n\n"
                            "    for i in range(n):\n"
                            "      if torch.gt(i, 3):\n"
                            "        y0 = torch.add(y, i)\n"
                            "      else:\n"
                            "        y0 = y\n"
                            "      y = y0\n"
                            "    return y\n")),
            "y = prim::Loop(n.1, True, n.1)\n"
            "  v0 = aten::gt(i.1, 3)\n"
            "  y0 = prim::If(v0)\n"
            "    y0.1 = aten::add(y.9, i.1)\n"
            "    -> y0.1\n"
            "    -> y.9\n"
            "  -> True, y0\n");
}

TEST_F(ImportTest, EarlyReturnsMergeIntoBranches) {
  EXPECT_EQ(Compiled(Module("n: int) -> int:\n"
                            "    if torch.gt(n, 0):\n"
                            "      return 1\n"
                            "    return 2\n")),
            "v0 = aten::gt(n.1, 0)\n"
            "v1 = prim::If(v0)\n"
            "  -> 1\n"
            "  -> 2\n");
}

TEST_F(ImportTest, DeadRandomNumbersAreNotDrawnButSeedsAreSet) {
  EXPECT_EQ(Compiled(Module("n: int) -> int:\n"
                            "    _0 = torch.manual_seed(n)\n"
                            "    _1 = torch.rand([2])\n"
                            "    return n\n")),
            " = aten::manual_seed(n.1)\n");
}

TEST_F(ImportTest, OldArchivesDivideAsTheyDid) {
  const std::string code = Module(
      "x: Tensor,\n    y: Tensor) -> Tensor:\n    return torch.div(x, y)\n");
  const std::string old = Compiled(code, 3);
  EXPECT_NE(old.find("aten::is_floating_point"), std::string::npos) << old;
}

TEST_F(ImportTest, TodaysArchivesDivideAsToday) {
  EXPECT_EQ(Compiled(Module("x: Tensor,\n    y: Tensor) -> Tensor:\n"
                            "    return torch.div(x, y)\n"),
                     4),
            "v0 = aten::div(x.1, y.1)\n");
}

TEST_F(ImportTest, ErrorsTellTheOverloadsAndThePlace) {
  const std::string text = Compiled(Module(
      "n: int) -> int:\n    return torch.__range_length(n, n, \"a\")\n"));
  EXPECT_EQ(text,
            "\n\naten::__range_length(int lo, int hi, int step) -> int:\n"
            "Expected a value of type 'int' for argument 'step' but instead "
            "found type 'str'.\n"
            ":\n"
            "  File \"code/__torch__.py\", line 6\n"
            "  def forward(self: __torch__.M,\n"
            "    n: int) -> int:\n"
            "    return torch.__range_length(n, n, \"a\")\n"
            "           ~~~~~~~~~~~~~~~~~~~~ <--- HERE\n");
}

TEST_F(ImportTest, ErrorsTellWhoCalled) {
  const std::string text =
      Compiled(Module("n: int) -> int:\n    return __torch__.f(n, )\n") +
               "def f(n: int) -> int:\n  return missing\n");
  EXPECT_NE(text.find("undefined value missing:"), std::string::npos) << text;
  EXPECT_NE(
      text.find("'f' is being compiled since it was called from 'M.forward'"),
      std::string::npos)
      << text;
}

TEST_F(ImportTest, RecursionIsRefused) {
  const std::string text =
      Compiled(Module("n: int) -> int:\n    return (self).forward(n, )\n"));
  EXPECT_NE(text.find("method 'forward' is called recursively"),
            std::string::npos)
      << text;
}

TEST_F(ImportTest, UnknownTypesAreNotFound) {
  ASSERT_TRUE(Load(Module("n: int) -> int:\n    return n\n")).ok());
  EXPECT_EQ(importer_->LoadType("__torch__.X").status().code(),
            absl::StatusCode::kNotFound);
  absl::StatusOr<TypePtr> type = importer_->ParseType("Dict[str, __torch__.M]");
  ASSERT_TRUE(type.ok());
  EXPECT_EQ((*type)->ToAnnotation(), "Dict[str, __torch__.M]");
}

// Code from a stranger: refused, and not by a crash.
TEST_F(ImportTest, DeepNestingIsRefused) {
  std::string calls = Module("n: int) -> int:\n    return __torch__.f0(n, )\n");
  for (int i = 0; i < 2000; ++i) {
    absl::StrAppend(&calls, "def f", i,
                    "(n: int) -> int:\n  return __torch__.f", i + 1, "(n, )\n");
  }
  EXPECT_NE(Compiled(calls).find("nested too deeply"), std::string::npos);
}

}  // namespace
}  // namespace tandem::script
