#include "tandem/frontends/script/python.h"

#include <memory>
#include <string>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tandem/ir/class_type.h"

namespace tandem::script {
namespace {

using ::testing::HasSubstr;

std::shared_ptr<const Source> Text(absl::string_view text) {
  return std::make_shared<const Source>(std::string(text), "m.py");
}

std::string ErrorOf(absl::string_view text, absl::string_view entry = "f") {
  CompilationUnit unit;
  auto program = PythonProgram::Parse(&unit, Text(text));
  if (!program.ok()) return std::string(program.status().message());
  return std::string((*program)->CompileEntry(entry).status().message());
}

TEST(PythonProgramTest, CompilesWhatTheEntryReachesAndNothingElse) {
  EXPECT_EQ(ErrorOf(R"(
import numpy as np
from torch import Tensor

def helper(x: Tensor) -> Tensor:
    return x + 1

def never_called(x):
    try:
        return np.array(x)
    except ValueError:
        raise

def f(x: Tensor):
    return helper(x)
)"),
            "");
}

TEST(PythonProgramTest, ErrorsShowTheFunctionAloneAndTheChainOfCalls) {
  EXPECT_EQ(ErrorOf(R"(import torch

def g(x: int):
    return x + y

def f(x: int):
    return g(x)
)"),
            R"(
undefined value y:
  File "m.py", line 4
def g(x: int):
    return x + y
               ~ <--- HERE
'g' is being compiled since it was called from 'f'
  File "m.py", line 7
def f(x: int):
    return g(x)
           ~~~~ <--- HERE
)");
}

TEST(PythonProgramTest, AFunctionBecomesAModuleWithoutDefaults) {
  CompilationUnit unit;
  auto program = PythonProgram::Parse(&unit, Text("def f(a: int, b: int = 2):\n"
                                                  "    return a + b\n"));
  ASSERT_TRUE(program.ok());
  const auto entry = (*program)->CompileEntry("f");
  ASSERT_TRUE(entry.ok()) << entry.status();
  const FunctionSchema& schema =
      (*entry)->type()->FindMethod("forward")->schema();
  ASSERT_EQ(schema.arguments.size(), 3u);
  EXPECT_FALSE(schema.arguments[2].default_value.has_value());
}

TEST(PythonProgramTest, AModulesMethodsAreCompiledWhenTheyAreUsed) {
  CompilationUnit unit;
  auto program = PythonProgram::Parse(&unit, Text(R"(
import torch
import torch.nn as nn

class Base(nn.Module):
    def double(self, x: int) -> int:
        return 2 * x

class M(Base):
    def __init__(self):
        super().__init__()
        self.count = 3

    def unused(self, x):
        return not_there(x)

    def forward(self, x: int) -> int:
        return self.double(x) + self.count
)"));
  ASSERT_TRUE(program.ok());
  const auto entry = (*program)->CompileEntry("M");
  ASSERT_TRUE(entry.ok()) << entry.status();
  const ClassType& type = *(*entry)->type();
  EXPECT_NE(type.FindMethod("double"), nullptr);
  EXPECT_EQ(type.FindMethod("unused"), nullptr);
  EXPECT_TRUE(type.FindAttribute("count").has_value());
  EXPECT_EQ((*entry)->GetAttribute("count")->AsInt(), 3);
}

TEST(PythonProgramTest, AnInstanceSaysWhatItsTypeIs) {
  CompilationUnit unit;
  auto program = PythonProgram::Parse(&unit, Text(R"(
import torch.nn as nn

class Inner(nn.Module):
    def __init__(self, k, *rest, **named):
        super().__init__()
        self.k = k
        self.rest = list(rest)
        self.named = {name: value for name, value in named.items()}

    def forward(self, x: int) -> int:
        return x * self.k + len(self.rest)

    def only_python(self):
        yield 3

class M(nn.Module):
    def __init__(self, n=2):
        super().__init__()
        self.all = nn.ModuleList([Inner(i, *range(i + 1), a=1) for i in range(n)])
        self.last = Inner(7, "text", b=2)

    def forward(self, x: int) -> int:
        for inner in self.all:
            x = inner(x)
        return self.last(x) + len(self.all)
)"));
  ASSERT_TRUE(program.ok());
  const auto entry = (*program)->CompileEntry("M(n=3)");
  ASSERT_TRUE(entry.ok()) << entry.status();
  const IValue all = *(*entry)->GetAttribute("all");
  const auto inner = [&](const char* name) {
    return all.AsObject().GetAttribute(name)->AsObject().type();
  };
  EXPECT_EQ(all.AsObject().type()->attributes().size(), 5u);
  // Instances that agree in their attributes' types share a class.
  EXPECT_EQ(inner("0"), inner("2"));
  EXPECT_EQ(inner("0")->name(), "__torch__.Inner");
  EXPECT_EQ((*entry)->GetAttribute("last")->AsObject().type()->name(),
            "__torch__.___torch_mangle_0.Inner");
}

TEST(PythonProgramTest, MakingAModuleIsBounded) {
  const auto error = [](const char* body) {
    return ErrorOf(absl::StrCat(
        "import torch\nimport torch.nn as nn\nclass f(nn.Module):\n"
        "    def __init__(self):\n        super().__init__()\n        ",
        body, "\n"));
  };
  EXPECT_THAT(error("while True: pass"), HasSubstr("too many steps"));
  EXPECT_THAT(error("self.__init__()"), HasSubstr("RecursionError"));
  EXPECT_THAT(error("self.w = torch.zeros(2)"), HasSubstr("takes a runtime"));
  EXPECT_THAT(error("self.w = nothing(2)"), HasSubstr("nothing"));
  EXPECT_THAT(error("self.w = [0] * 100000000000"),
              HasSubstr("too many steps"));
}

TEST(PythonProgramTest, NamesOfAnEntryThatIsNone) {
  EXPECT_THAT(ErrorOf("x = 1\n"), HasSubstr("no function or module 'f'"));
  EXPECT_THAT(ErrorOf("class f:\n    pass\n"), HasSubstr("no torch.nn.Module"));
}

TEST(DefineMethodsTest, AddsMethodsThatSeeTheClass) {
  CompilationUnit unit;
  ClassType* type = unit.AddClass("__torch__.M", /*is_module=*/true);
  ClassType::Attribute k;
  k.name = "k";
  k.type = Type::Int();
  ASSERT_TRUE(type->AddAttribute(std::move(k)).ok());
  const absl::Status status = DefineMethods(&unit, type, Text(R"(
def forward(self, x: Tensor) -> Tensor:
    return self.scale(torch.relu(x))

def scale(self, x: Tensor):
    return x * self.k
)"));
  ASSERT_TRUE(status.ok()) << status;
  EXPECT_NE(type->FindMethod("scale")->graph(), nullptr);
  EXPECT_THAT(
      std::string(DefineMethods(&unit, type,
                                Text("def bad(self):\n    return self.j\n"))
                      .message()),
      HasSubstr("Module 'M' has no attribute 'j'"));
}

}  // namespace
}  // namespace tandem::script
