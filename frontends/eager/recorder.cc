#include "tandem/frontends/eager/recorder.h"

#include "tandem/frontends/eager/context.h"
#include "tandem/frontends/eager/script_function.h"

namespace tandem::eager {
namespace {

thread_local Recorder* current_recorder = nullptr;

}  // namespace

Recorder* CurrentRecorder() { return current_recorder; }

ScopedRecorder::ScopedRecorder(Recorder* recorder)
    : previous_(current_recorder) {
  current_recorder = recorder;
}

ScopedRecorder::~ScopedRecorder() { current_recorder = previous_; }

absl::StatusOr<IntList> Recorder::Shape(const tandem::Tensor& tensor) {
  IntList shape;
  for (int64_t d = 0; d < tensor.dim(); ++d) {
    absl::StatusOr<tandem::Tensor> symbol = Size(tensor, Extent::kSize, d);
    if (!symbol.ok()) return symbol.status();
    shape.push_back(Int(tensor.size(d), *std::move(symbol)));
  }
  return shape;
}

absl::StatusOr<Int> Recorder::ShapeItem(const tandem::Tensor& shape,
                                        int64_t i) {
  return absl::UnimplementedError("this recorder has no symbolic shapes");
}

absl::StatusOr<bool> Recorder::Index(const tandem::Tensor& self,
                                     absl::Span<const IndexItem> items,
                                     tandem::Tensor* result) {
  return false;
}

absl::StatusOr<bool> Recorder::SetIndex(const tandem::Tensor& self,
                                        absl::Span<const IndexItem> items,
                                        const IValue& value) {
  return false;
}

absl::StatusOr<std::optional<IValue>> Recorder::EnterModule(
    nn::Module& module, std::vector<IValue>* args) {
  return std::nullopt;
}

absl::StatusOr<IValue> Recorder::ExitModule(nn::Module& module, IValue result) {
  return result;
}

void Recorder::AbandonModule(nn::Module& module) {}

absl::StatusOr<std::optional<IValue>> Recorder::EnterFunction(
    absl::string_view name, std::vector<IValue>* args) {
  return std::nullopt;
}

absl::StatusOr<IValue> Recorder::CallFunction(const ScriptFunction& function,
                                              std::vector<IValue> args) {
  return function.Run(std::move(args));
}

absl::StatusOr<IValue> Recorder::CallMethod(nn::Module& owner,
                                            const tandem::Module& module,
                                            absl::string_view method,
                                            std::vector<IValue> args) {
  Context* context = CurrentContext();
  if (context == nullptr) {
    return absl::FailedPreconditionError("there is no eager context");
  }
  return context->engine().Call(module, method, std::move(args));
}

}  // namespace tandem::eager
