// A program of another repository: opens an archive and calls it.

#include <cstdio>
#include <string>
#include <vector>

#include "tandem/backends/reference/families.h"
#include "tandem/backends/registry.h"
#include "tandem/runtime/engine.h"
#include "tandem/serialization/torchscript/module_loader.h"
#include "tandem/tensor/tensor.h"

namespace {

int Fail(const absl::Status& status) {
  std::fprintf(stderr, "%s\n", status.ToString().c_str());
  return 1;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  tandem::Registry registry;
  // Only the families that the model needs: a binary holds what its BUILD file
  // names. reference::Register() of reference.h brings all of them.
  namespace reference = tandem::reference;
  for (auto* family : {&reference::RegisterShape, &reference::RegisterPointwise,
                       &reference::RegisterMatmul, &reference::RegisterFactory,
                       &reference::RegisterReduce, &reference::RegisterScalar,
                       &reference::RegisterList, &reference::RegisterPrim}) {
    const absl::Status status = family(registry);
    if (!status.ok()) return Fail(status);
  }
  const tandem::Engine engine(&registry);
  absl::StatusOr<tandem::Module> model = tandem::LoadModule(argv[1]);
  if (!model.ok()) return Fail(model.status());
  absl::StatusOr<tandem::Tensor> steps =
      tandem::Tensor::Zeros({10, 3, 4}, tandem::DType::kFloat);
  if (!steps.ok()) return Fail(steps.status());
  const absl::StatusOr<tandem::IValue> y =
      engine.Call(*model, "forward", {*steps});
  if (!y.ok()) return Fail(y.status());
  if (!y->is_tensor() || y->AsTensor().sizes() != tandem::DimSpan({3, 4})) {
    std::fprintf(stderr, "not a 3x4 tensor\n");
    return 1;
  }
  return 0;
}
