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
      entry->object->type()->FindMethod("forward")->schema();
  ASSERT_EQ(schema.arguments.size(), 3u);
  EXPECT_FALSE(schema.arguments[2].default_value.has_value());
  EXPECT_EQ(entry->init, nullptr);
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
  const ClassType& type = *entry->object->type();
  EXPECT_NE(type.FindMethod("double"), nullptr);
  EXPECT_EQ(type.FindMethod("unused"), nullptr);
  EXPECT_TRUE(type.FindAttribute("count").has_value());
  EXPECT_NE(entry->init, nullptr);
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
