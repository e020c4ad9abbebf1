#include "tandem/frontends/eager/script_function.h"

#include "tandem/frontends/eager/context.h"
#include "tandem/tensor/generator.h"

namespace tandem::eager {

absl::StatusOr<IValue> ScriptFunction::Run(std::vector<IValue> args) const {
  Context* context = CurrentContext();
  if (context == nullptr) {
    return absl::FailedPreconditionError("there is no eager context");
  }
  return context->engine().CallFunction(function_, std::move(args));
}

IValue ScriptFunction::Call(std::vector<IValue> args) const {
  if (!valid()) Throw("there is no function to call");
  if (Recorder* recorder = CurrentRecorder(); recorder != nullptr) {
    return Unwrap(recorder->CallFunction(*this, std::move(args)));
  }
  return Unwrap(Run(std::move(args)));
}

Tensor Named(absl::string_view name, const Tensor& tensor) {
  Recorder* recorder = CurrentRecorder();
  if (recorder != nullptr && tensor.defined()) {
    recorder->Name(tensor.raw(), name);
  }
  return tensor;
}

}  // namespace tandem::eager
