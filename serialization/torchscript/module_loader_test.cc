// Whole script archives: what opens, and what is refused with which words.
#include "tandem/serialization/torchscript/module_loader.h"

#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tandem/backends/registry.h"
#include "tandem/runtime/engine.h"
#include "tandem/runtime/module.h"
#include "tandem/serialization/torchscript/module_writer.h"
#include "tandem/serialization/torchscript/test_archive.h"

namespace tandem {
namespace {

using testing::Floats;
using ::testing::HasSubstr;
using testing::MakeZip;
using testing::ZipPart;
namespace p = testing::pickle;

// An archive whose records can be changed.
struct Parts {
  std::map<std::string, std::string> records = {
      {"data/0", Floats({1, 2, 3, 4, 5, 6})},
      {"constants.pkl", p::Whole(")")},
      {"version", "3\n"},
  };

  std::string Zip() const {
    std::vector<ZipPart> parts;
    for (const auto& [name, data] : records) {
      ZipPart part;
      part.name = absl::StrCat("m/", name);
      part.data = data;
      parts.push_back(std::move(part));
    }
    return MakeZip(parts);
  }
};

constexpr char kCode[] = R"(class M(Module):
  __parameters__ = ["weight", ]
  __buffers__ = []
  weight : Tensor
  k : int
  names : List[str]
  opt : Optional[int]
  training : bool
  def forward(self: __torch__.M) -> int:
    return self.k
)";

std::string Weight() {
  return p::Tensor(p::Storage("FloatStorage", "0", 6), 0, {2, 3}, {3, 1});
}

using Attributes = std::vector<std::pair<std::string, std::string>>;

Attributes GoodAttributes() {
  return {
      {p::Str("weight"), Weight()},
      {p::Str("k"), p::Int(7)},
      {p::Str("names"), p::Call("torch.jit._pickle", "restore_type_tag",
                                {p::List({p::Str("a")}), p::Str("List[str]")})},
      {p::Str("opt"), p::None()},
      {p::Str("training"), p::Bool(true)}};
}

Parts Good() {
  Parts parts;
  parts.records["code/__torch__.py"] = kCode;
  parts.records["data.pkl"] =
      p::Whole(p::Object("__torch__.M", p::Dict(GoodAttributes())));
  return parts;
}

absl::StatusOr<Module> Load(const Parts& parts,
                            const LoadOptions& options = {}) {
  return LoadModule(File::FromBuffer("m.pt", parts.Zip()), options);
}

std::string LoadError(const Parts& parts, const LoadOptions& options = {}) {
  return std::string(Load(parts, options).status().message());
}

TEST(LoadModuleTest, AttributesAndMethods) {
  auto module = Load(Good());
  ASSERT_TRUE(module.ok()) << module.status();
  EXPECT_EQ(module->type().name(), "__torch__.M");
  EXPECT_EQ(module->GetAttribute("k")->AsInt(), 7);
  EXPECT_EQ(module->GetAttribute("weight")->AsTensor().data<float>()[5], 6);
  EXPECT_EQ(module->GetAttribute("names")->AsList().values[0].AsString(), "a");
  Registry registry;
  Engine engine(&registry);
  auto result = engine.Call(*module, "forward", {});
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_EQ(result->AsInt(), 7);
}

TEST(LoadModuleTest, AnOptionalAttributeMayBeMissing) {
  Parts parts = Good();
  Attributes attributes = GoodAttributes();
  attributes.erase(attributes.begin() + 3);
  parts.records["data.pkl"] =
      p::Whole(p::Object("__torch__.M", p::Dict(attributes)));
  auto module = Load(parts);
  ASSERT_TRUE(module.ok()) << module.status();
  EXPECT_TRUE(module->GetAttribute("opt")->is_none());
  attributes.erase(attributes.begin() + 1);
  parts.records["data.pkl"] =
      p::Whole(p::Object("__torch__.M", p::Dict(attributes)));
  EXPECT_THAT(LoadError(parts), HasSubstr("no value for its attribute \"k\""));
}

TEST(LoadModuleTest, ExtraFiles) {
  Parts parts = Good();
  parts.records["extra/notes.txt"] = "hello";
  std::map<std::string, std::string> extra;
  LoadOptions options;
  options.extra_files = &extra;
  ASSERT_TRUE(Load(parts, options).ok());
  EXPECT_EQ(extra["notes.txt"], "hello");
}

TEST(LoadModuleTest, WhatNothingRefersToIsNotRead) {
  Parts parts = Good();
  parts.records["code/__torch__/unused.py"] = "class (((";
  parts.records["code/__torch__.py.debug_pkl"] = "garbage";
  parts.records["traced_inputs.pkl"] = "garbage";
  EXPECT_EQ(LoadError(parts), "");
}

TEST(LoadModuleTest, MissingRecords) {
  for (const std::string record :
       {"constants.pkl", "version", "data.pkl", "data/0"}) {
    Parts parts = Good();
    parts.records.erase(record);
    EXPECT_THAT(LoadError(parts), HasSubstr(absl::StrCat("m/", record)));
  }
  Parts parts = Good();
  parts.records.erase("code/__torch__.py");
  EXPECT_THAT(LoadError(parts), HasSubstr("'__torch__.M'"));
  parts.records.erase("constants.pkl");
  EXPECT_THAT(LoadError(parts), HasSubstr("is a torch.save file"));
}

TEST(LoadModuleTest, WrongRoots) {
  Parts parts = Good();
  parts.records["data.pkl"] = p::Whole(p::Int(1));
  EXPECT_THAT(LoadError(parts), HasSubstr("value is an int"));
  parts.records["data.pkl"] = p::Whole(p::Global("__torch__", "M"));
  EXPECT_THAT(LoadError(parts), HasSubstr("value is a global"));
  parts.records["data.pkl"] =
      p::Whole(p::Object("__torch__.Other", p::Dict({})));
  EXPECT_THAT(LoadError(parts), HasSubstr("Other"));
  parts = Good();
  parts.records["constants.pkl"] = p::Whole(p::Int(5));
  EXPECT_THAT(LoadError(parts), HasSubstr("m/constants.pkl"));
}

TEST(LoadModuleTest, ValuesAreCheckedAgainstDeclaredTypes) {
  Parts parts = Good();
  Attributes attributes = GoodAttributes();
  attributes[1].second = p::Float(2.5);
  parts.records["data.pkl"] =
      p::Whole(p::Object("__torch__.M", p::Dict(attributes)));
  EXPECT_THAT(LoadError(parts),
              HasSubstr("attribute \"k\": the program declares the type int, "
                        "the archive holds a float"));
}

TEST(LoadModuleTest, ErrorsOfTheCodeNameTheirPlace) {
  Parts parts = Good();
  parts.records["code/__torch__.py"] =
      std::string(kCode) +
      "  def g(self: __torch__.M) -> int:\n    return nope\n";
  EXPECT_THAT(LoadError(parts), HasSubstr("code/__torch__.py\", line 12"));
  EXPECT_THAT(LoadError(parts), HasSubstr("nope"));
}

TEST(LoadModuleTest, SourcesHaveALimit) {
  LoadOptions options;
  options.max_source_bytes = 100;
  EXPECT_THAT(LoadError(Good(), options),
              HasSubstr("m/code/__torch__.py\": a source file of"));
}

TEST(LoadModuleTest, WhatTheCodeSaysTwiceIsRefused) {
  Parts parts = Good();
  parts.records["code/__torch__.py"] += kCode;
  EXPECT_THAT(LoadError(parts), HasSubstr("'M' is defined twice"));
}

// ---------------------------------------------------------------- __setstate__

Parts WithSetState(const std::string& body,
                   const std::string& state = p::Tuple({p::Int(1)})) {
  Parts parts;
  parts.records["code/__torch__.py"] = absl::StrCat(
      R"(class M(Module):
  __parameters__ = []
  __buffers__ = []
  b : __torch__.B
  training : bool
  def forward(self: __torch__.M) -> int:
    b = self.b
    return b.x
class B:
  x : int
  def __getstate__(self: __torch__.B) -> Tuple[int]:
    x = self.x
    return (x,)
  def __setstate__(self: __torch__.B,
    s: Tuple[int]) -> NoneType:
)",
      body, "    return None\n");
  parts.records["data.pkl"] = p::Whole(p::Object(
      "__torch__.M", p::Dict({{p::Str("b"), p::Object("__torch__.B", state)},
                              {p::Str("training"), p::Bool(true)}})));
  return parts;
}

TEST(SetStateTest, RunsWithinLimits) {
  Registry registry;
  Engine engine(&registry);
  LoadOptions options;
  options.engine = &engine;
  auto module = Load(WithSetState("    self.x = (s)[0]\n"), options);
  ASSERT_TRUE(module.ok()) << module.status();
  EXPECT_EQ(module->GetAttribute("b.x")->AsInt(), 1);
  EXPECT_THAT(LoadError(WithSetState("    self.x = (s)[0]\n")),
              HasSubstr("no engine was given"));
  EXPECT_THAT(
      LoadError(WithSetState("    a = True\n    n = 0\n    while a:\n      n = "
                             "torch.add(n, 1)\n    self.x = n\n"),
                options),
      HasSubstr("__setstate__"));
  EXPECT_THAT(LoadError(WithSetState("    ops.prim.RaiseException(\"my "
                                     "words\")\n    self.x = 1\n"),
                        options),
              HasSubstr("my words"));
  EXPECT_THAT(LoadError(WithSetState("    pass\n"), options),
              HasSubstr("leaves the attribute \"x\" without a value"));
  EXPECT_THAT(LoadError(WithSetState("    self.x = (s)[0]\n",
                                     p::Tuple({p::Str("text")})),
                        options),
              HasSubstr("__setstate__"));
}

std::string Saved(const Module& module, const SaveOptions& options = {}) {
  std::string bytes;
  const auto sink = CreateStringSink(&bytes);
  const absl::Status status = SaveModule(module, *sink, options);
  EXPECT_TRUE(status.ok()) << status;
  return bytes;
}

TEST(SaveModuleTest, WhatIsSavedLoadsAgain) {
  const auto module = Load(Good());
  ASSERT_TRUE(module.ok()) << module.status();
  SaveOptions options;
  options.extra_files = {{"config.json", "{}"}};
  const std::string bytes = Saved(*module, options);
  std::map<std::string, std::string> extra;
  LoadOptions load;
  load.extra_files = &extra;
  const auto again = LoadModule(File::FromBuffer("again.pt", bytes), load);
  ASSERT_TRUE(again.ok()) << again.status();
  EXPECT_EQ(again->GetAttribute("k")->AsInt(), 7);
  EXPECT_EQ(again->GetAttribute("weight")->AsTensor().data<float>()[5], 6);
  EXPECT_TRUE(again->GetAttribute("opt")->is_none());
  EXPECT_NE(again->FindMethod("forward"), nullptr);
  EXPECT_EQ(extra["config.json"], "{}");
  EXPECT_EQ(Saved(*again, options), bytes);
}

TEST(SaveModuleTest, PlacesInTheSourceAreKept) {
  Parts parts = Good();
  std::string& code = parts.records["code/__torch__.py"];
  code.replace(code.find("return self.k"), 13, "return torch.add(self.k, 1)");
  const auto module = Load(parts);
  ASSERT_TRUE(module.ok()) << module.status();
  const auto again =
      LoadModule(File::FromBuffer("again.pt", Saved(*module)), LoadOptions());
  ASSERT_TRUE(again.ok()) << again.status();
  const auto place = [](const Module& m) {
    std::string all;
    for (const Node* n : *m.FindMethod("forward")->graph()->block()) {
      if (n->op() == nullptr) continue;
      absl::StrAppend(&all, n->range().OriginalOrSelf().Highlight());
    }
    return all;
  };
  EXPECT_EQ(place(*again), place(*module));
  EXPECT_THAT(place(*again), HasSubstr("File \"code/__torch__.py\""));
}

TEST(SaveModuleTest, GetStateNeedsAnEngine) {
  Registry registry;
  Engine engine(&registry);
  LoadOptions options;
  options.engine = &engine;
  const auto module = Load(WithSetState("    self.x = (s)[0]\n"), options);
  ASSERT_TRUE(module.ok()) << module.status();
  std::string bytes;
  const auto sink = CreateStringSink(&bytes);
  EXPECT_THAT(std::string(SaveModule(*module, *sink, {}).message()),
              HasSubstr("there is nothing to run it"));
}

}  // namespace
}  // namespace tandem
