// Bytes as a model.tandem file. Lengths and checksums of header and index are
// made right first, which no mutation would hit. What loads is planned, and its
// methods are called, as a stranger's model would be: with the kernels of the
// reference backend where WITH_KERNELS is defined, else up to the first
// operator.
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/time/clock.h"
#include "absl/time/time.h"
#ifdef WITH_KERNELS
#include "tandem/backends/reference/reference.h"
#endif
#include "tandem/ir/class_type.h"
#include "tandem/runtime/engine.h"
#include "tandem/serialization/tandem/model_file.h"
#include "tandem/serialization/tandem/test_file.h"

namespace tandem {
namespace {

struct World {
  World() {
#ifdef WITH_KERNELS
    (void)reference::Register(registry);
#endif
    engine = std::make_unique<Engine>(&registry);
  }
  Registry registry;
  std::unique_ptr<Engine> engine;
};

World& TheWorld() {
  static auto* const world = new World();
  return *world;
}

class Silence final : public OutputSink {
 public:
  void Write(absl::string_view) override {}
};

// Some value of the type; None where none is easily made.
IValue Some(const Type& type, int depth = 0) {
  if (depth > 8) return IValue();
  switch (type.kind()) {
    case TypeKind::kTensor: {
      const float values[] = {0.5f, -1, 2, 3, 0, 1};
      const absl::StatusOr<Tensor> t = Tensor::FromSpan<float>(values);
      if (!t.ok()) return IValue();
      const absl::StatusOr<Tensor> view = t->AsStrided({2, 3}, {3, 1}, 0);
      return view.ok() ? IValue(*view) : IValue();
    }
    case TypeKind::kInt:
      return IValue(2);
    case TypeKind::kFloat:
    case TypeKind::kNumber:
      return IValue(0.5);
    case TypeKind::kBool:
      return IValue(true);
    case TypeKind::kStr:
      return IValue("a");
    case TypeKind::kOptional:
      return Some(*type.element(), depth + 1);
    case TypeKind::kList:
      return IValue(
          MakeList(type.element(), {Some(*type.element(), depth + 1)}));
    case TypeKind::kTuple: {
      std::vector<IValue> values;
      for (const TypePtr& e : type.elements()) {
        values.push_back(Some(*e, depth + 1));
      }
      return IValue(MakeTuple(std::move(values)));
    }
    default:
      return IValue();
  }
}

void Run(const Module& module) {
  const Engine& engine = *TheWorld().engine;
  for (const auto& f : module.unit()->functions()) {
    (void)engine.PlanFor(f.get());
  }
  MemoryBudget memory(64'000'000);
  Silence silence;
  for (Function* method : module.type().methods()) {
    std::vector<IValue> args;
    for (size_t i = 1; i < method->schema().arguments.size(); ++i) {
      args.push_back(Some(*method->schema().arguments[i].type));
    }
    Generator generator;
    CallOptions options;
    options.memory = &memory;
    options.generator = &generator;
    options.output = &silence;
    options.warnings = &silence;
    options.max_steps = 2000;
    options.deadline = absl::Now() + absl::Seconds(2);
    (void)engine.Call(module, method->name(), std::move(args), {}, options);
  }
}

}  // namespace
}  // namespace tandem

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::string bytes = tandem::testing::Resigned(
      std::string(reinterpret_cast<const char*>(data), size));
  tandem::TandemLoadOptions options;
  options.verify_weights = false;
  options.operators = &tandem::TheWorld().registry.operators();
  const auto module = tandem::LoadTandem(
      tandem::File::FromBuffer("f", std::move(bytes)), options);
  if (module.ok()) tandem::Run(*module);
  return 0;
}
