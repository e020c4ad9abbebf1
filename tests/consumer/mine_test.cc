// The plugin, linked and loaded: its pass brings its operator into a graph, its
// backend compiles a group, its kernel computes.
#include <cstdio>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "tandem/backends/abi/plugin_host.h"
#include "tandem/backends/reference/families.h"
#include "tandem/backends/registry.h"
#include "tandem/ir/canonical.h"
#include "tandem/ir/compilation_unit.h"
#include "tandem/runtime/engine.h"
#include "tandem/runtime/plan.h"

const TandemPlugin* mine_plugin();

namespace {

constexpr char kGraph[] = R"(
graph(%x : Tensor, %y : Tensor):
  %half : float = prim::Constant[value=0.5]()
  %a : Tensor = aten::relu(%x)
  %p : Tensor = aten::relu(%a)
  %b : Tensor = aten::neg(%p)
  %c : Tensor = aten::add.Tensor(%b, %y, %half)
  return (%c)
)";

int Fail(const std::string& what) {
  std::fprintf(stderr, "%s\n", what.c_str());
  return 1;
}

// Runs all of it with the plugin from `path`, or linked if that is empty.
int Run(const std::string& path) {
  tandem::OperatorTable operators(&tandem::OperatorTable::Builtin());
  tandem::Registry registry(&operators);
  std::vector<std::pair<std::string, tandem::TextPass>> passes;
  tandem::PluginHost host(
      &registry, &operators, [&](std::string name, tandem::TextPass pass) {
        passes.emplace_back(std::move(name), std::move(pass));
        return absl::OkStatus();
      });
  absl::Status status = tandem::reference::RegisterPointwise(registry);
  if (status.ok()) {
    status = path.empty() ? host.Link(mine_plugin()) : host.Load(path);
  }
  if (!status.ok()) return Fail(status.ToString());
  if (passes.size() != 1 || passes[0].first != "use_scaled_add") {
    return Fail("the pass is not there");
  }
  const auto text = passes[0].second(kGraph);
  if (!text.ok()) return Fail(text.status().ToString());
  if (!text->has_value()) return Fail("the pass changed nothing");
  auto graph = tandem::ParseGraph(**text, operators);
  if (!graph.ok()) return Fail(graph.status().ToString());

  tandem::CompilationUnit unit(&operators);
  tandem::Function* f = unit.AddFunction("f");
  tandem::FunctionSchema schema;
  schema.name = "f";
  for (const tandem::Value* v : (*graph)->inputs()) {
    tandem::Argument argument;
    argument.name = std::string(v->base_name());
    argument.type = v->type();
    schema.arguments.push_back(std::move(argument));
  }
  f->set_schema(std::move(schema));
  f->set_graph(*std::move(graph));

  const tandem::Engine engine(&registry, {{"mine", "reference"}, 1, 0});
  tandem::Tensor x = *tandem::Tensor::Zeros({4}, tandem::DType::kFloat);
  tandem::Tensor y = *tandem::Tensor::Zeros({4}, tandem::DType::kFloat);
  for (int i = 0; i < 4; ++i) {
    x.data<float>()[i] = static_cast<float>(i - 2);
    y.data<float>()[i] = 10;
  }
  const absl::StatusOr<tandem::IValue> result = engine.CallFunction(f, {x, y});
  if (!result.ok()) return Fail(result.status().ToString());
  const float want[] = {5, 5, 5, 4};
  for (int i = 0; i < 4; ++i) {
    if (result->AsTensor().data<float>()[i] != want[i]) {
      return Fail("a wrong result");
    }
  }
  const std::string plan = tandem::PlanToString(**engine.PlanFor(f));
  for (const char* part : {"[mine]", "by plugin 'mine'", "mine::scaled_add"}) {
    if (plan.find(part) == std::string::npos) {
      return Fail(std::string("the plan does not say ") + part + ":\n" + plan);
    }
  }
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  if (Run("") != 0) return Fail("linked: failed");
  if (Run(argv[1]) != 0) return Fail("loaded: failed");
  return 0;
}
