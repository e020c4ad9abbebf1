#include "tandem/ir/source_range.h"

#include <memory>
#include <string>

#include "gtest/gtest.h"

namespace tandem {
namespace {

std::shared_ptr<const Source> MakeSource(std::string text) {
  return std::make_shared<Source>(std::move(text), "m.py");
}

SourceRange Find(const std::shared_ptr<const Source>& source,
                 absl::string_view part) {
  const size_t at = source->text().find(part);
  return SourceRange(source, at, at + part.size());
}

TEST(SourceTest, LinesAreFoundByOffset) {
  Source source("a\n\nbc\n");
  EXPECT_EQ(source.line_count(), 4u);
  EXPECT_EQ(source.LineIndex(0), 0u);
  EXPECT_EQ(source.LineIndex(1), 0u);
  EXPECT_EQ(source.LineIndex(2), 1u);
  EXPECT_EQ(source.LineIndex(3), 2u);
  EXPECT_EQ(source.LineIndex(6), 3u);
  EXPECT_EQ(source.LineStart(2), 3u);
}

TEST(SourceRangeTest, LineCountsFromTheFirstLineAndColumnFromZero) {
  auto source = std::make_shared<Source>("def f():\n  return x\n", "m.py", 8);
  const auto place = Find(source, "x").file_line_column();
  ASSERT_TRUE(place.has_value());
  EXPECT_EQ(place->file, "m.py");
  EXPECT_EQ(place->line, 9);
  EXPECT_EQ(place->column, 9u);
}

TEST(SourceRangeTest, WithoutANameThereIsNoPlace) {
  auto source = std::make_shared<Source>("a b\n");
  EXPECT_FALSE(Find(source, "b").file_line_column().has_value());
  EXPECT_EQ(Find(source, "b").Highlight(), "a b\n  ~ <--- HERE\n");
}

TEST(SourceRangeTest, IsClippedToTheText) {
  const SourceRange range(MakeSource("abc"), 2, 100);
  EXPECT_EQ(range.text(), "c");
  EXPECT_EQ(SourceRange(MakeSource("abc"), 7, 9).text(), "");
}

TEST(SourceRangeTest, HighlightShowsTwoLinesOfContext) {
  auto source = MakeSource("one\ntwo\nthree\nfour(x)\nfive\nsix\nseven\n");
  EXPECT_EQ(Find(source, "four").Highlight(),
            "  File \"m.py\", line 4\n"
            "two\n"
            "three\n"
            "four(x)\n"
            "~~~~ <--- HERE\n"
            "five\n"
            "six\n");
  EXPECT_EQ(Find(source, "one").Highlight("f"),
            "  File \"m.py\", line 1, in f\n"
            "one\n"
            "~~~ <--- HERE\n"
            "two\n"
            "three\n");
  EXPECT_EQ(Find(source, "seven").Highlight(),
            "  File \"m.py\", line 7\n"
            "five\n"
            "six\n"
            "seven\n"
            "~~~~~ <--- HERE\n");
}

TEST(SourceRangeTest, HighlightUnderlinesEachLine) {
  auto source = MakeSource("def f(x):\n    if x:\n        y = 1\n    z\n");
  EXPECT_EQ(Find(source, "if x:\n        y = 1").Highlight(),
            "  File \"m.py\", line 2\n"
            "def f(x):\n"
            "    if x:\n"
            "    ~~~~~\n"
            "        y = 1\n"
            "        ~~~~~ <--- HERE\n"
            "    z\n");
}

TEST(SourceRangeTest, ATextHighlightedWholeIsShownAsItIs) {
  auto source = MakeSource("Traceback\n  here\n");
  EXPECT_EQ(SourceRange(source, 0, source->size()).Highlight(),
            "Traceback\n  here\n");
  EXPECT_EQ(SourceRange().Highlight(), "");
}

TEST(SourceRangeTest, LinesThatNobodyWroteAreClipped) {
  const std::string text = "def f():\n  a = " + std::string(50000, '(') + "x\n";
  auto source = MakeSource(text);
  const size_t at = 30000;
  EXPECT_EQ(SourceRange(source, at, at + 2).Highlight(),
            "  File \"m.py\", line 2\n..." + std::string(200, '(') + "...\n" +
                std::string(103, ' ') + "~~ <--- HERE\n");
}

TEST(SourceRangeTest, OriginalComesFromTheResolver) {
  auto original = MakeSource("x + y\n");
  auto generated = std::make_shared<Source>(
      "torch.add(x, y)\n", "code/m.py", 1,
      [original](const SourceRange& range) -> std::optional<SourceRange> {
        if (range.start() != 0) return std::nullopt;
        return SourceRange(original, 0, 5);
      });
  EXPECT_EQ(Find(generated, "torch").OriginalOrSelf().text(), "x + y");
  EXPECT_EQ(Find(generated, "add").OriginalOrSelf().text(), "add");
}

}  // namespace
}  // namespace tandem
