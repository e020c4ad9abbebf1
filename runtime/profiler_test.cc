#include "tandem/runtime/profiler.h"

#include <memory>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tandem/ir/compilation_unit.h"
#include "tandem/runtime/engine.h"

namespace tandem {
namespace {

using ::testing::HasSubstr;

absl::StatusOr<Tensor> Same(const Tensor& self) { return self; }

TEST(ProfilerTest, TimesEachKernelByOperatorAndLine) {
  Registry registry;
  ASSERT_TRUE(registry.Kernel("test", "aten::relu", &Same).ok());
  ASSERT_TRUE(registry.Kernel("test", "aten::neg", &Same).ok());
  auto g = std::make_unique<Graph>();
  auto source = std::make_shared<Source>("a = relu(x)\nb = relu(-a)\n", "m.py");
  Value* v = g->AddInput("x", Type::Tensor());
  const auto add = [&](const char* name, size_t begin, size_t end) {
    Node* n = g->Create(OperatorTable::Builtin().Find(name, ""), {v});
    n->set_range(SourceRange(source, begin, end));
    v = g->Insert(n)->output();
  };
  add("aten::relu", 4, 11);
  add("aten::neg", 21, 23);
  add("aten::relu", 16, 24);
  g->AddOutput(v);
  CompilationUnit unit;
  Function* f = unit.AddFunction("f");
  FunctionSchema schema;
  schema.name = "f";
  Argument a;
  a.name = "x";
  a.type = Type::Tensor();
  schema.arguments.push_back(a);
  f->set_schema(std::move(schema));
  f->set_graph(std::move(g));

  Engine engine(&registry, {{"test"}, 1, 0});
  Profiler profiler(/*max_events=*/5);
  CallOptions options;
  options.profiler = &profiler;
  for (int k = 0; k < 2; ++k) {
    ASSERT_TRUE(engine
                    .CallFunction(f,
                                  {IValue(*Tensor::Zeros({2}, DType::kFloat))},
                                  {}, options)
                    .ok());
  }
  const std::vector<Profiler::Event> events = profiler.events();
  ASSERT_EQ(events.size(), 5u);
  EXPECT_EQ(profiler.dropped(), 1u);
  const std::vector<ProfileRow> by_operator = ByOperator(events);
  ASSERT_EQ(by_operator.size(), 2u);
  EXPECT_EQ(by_operator[0].calls + by_operator[1].calls, 5);
  std::string lines;
  for (const ProfileRow& row : ByLine(events)) {
    lines += row.what + " " + std::to_string(row.calls) + "\n";
  }
  EXPECT_THAT(lines, HasSubstr("m.py:1  a = relu(x) 2\n"));
  EXPECT_THAT(lines, HasSubstr("m.py:2  b = relu(-a) 3\n"));
  EXPECT_THAT(ChromeTrace(events),
              HasSubstr("\"name\": \"aten::neg\", \"cat\": \"test\""));
}

}  // namespace
}  // namespace tandem
