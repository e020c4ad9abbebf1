#include "tandem/passes/text_pass.h"

#include <memory>
#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tandem/ir/canonical.h"

namespace tandem {
namespace {

using ::testing::HasSubstr;

constexpr char kGraph[] = R"(
graph(%x : Tensor):
  %a : Tensor = aten::relu(%x)
  %b : Tensor = aten::neg(%a)
  return (%b))";

std::unique_ptr<Pass> Replacing(std::string from, std::string to) {
  return MakeTextPass({"mine", "replaces text"},
                      [from, to](absl::string_view graph)
                          -> absl::StatusOr<std::optional<std::string>> {
                        std::string text(graph);
                        const size_t at = text.find(from);
                        if (at == std::string::npos) return std::nullopt;
                        return text.replace(at, from.size(), to);
                      });
}

class TextPassTest : public ::testing::Test {
 protected:
  TextPassTest() : graph_(*ParseGraph(kGraph)) {}
  absl::StatusOr<PassResult> Run(const Pass& pass) {
    return pass.RunOnGraph(graph_.get(), PassContext(), PassOptions());
  }
  std::string Text() { return *PrintCanonical(*graph_); }

  std::unique_ptr<Graph> graph_;
};

TEST_F(TextPassTest, TakesTheNewGraph) {
  const auto result = Run(*Replacing("aten::relu", "aten::sigmoid"));
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_TRUE(result->changed);
  EXPECT_THAT(Text(), HasSubstr("aten::sigmoid(%x"));
  EXPECT_THAT(Text(), Not(HasSubstr("aten::relu")));
}

TEST_F(TextPassTest, NothingChangesWithoutAnAnswer) {
  const auto result = Run(*Replacing("aten::exp", "aten::sigmoid"));
  ASSERT_TRUE(result.ok());
  EXPECT_FALSE(result->changed);
}

TEST_F(TextPassTest, TextThatIsNoGraphLeavesTheOld) {
  const std::string before = Text();
  const auto result = Run(*Replacing("aten::relu", "aten::no_such_thing"));
  EXPECT_THAT(std::string(result.status().message()), HasSubstr("pass 'mine'"));
  EXPECT_THAT(std::string(result.status().message()),
              HasSubstr("no_such_thing"));
  EXPECT_EQ(Text(), before);
}

TEST_F(TextPassTest, ParametersMustStay) {
  const auto result = Run(*Replacing("graph(%x", "graph(%y : Tensor, %x"));
  EXPECT_THAT(std::string(result.status().message()),
              HasSubstr("other parameters or results"));
}

}  // namespace
}  // namespace tandem
