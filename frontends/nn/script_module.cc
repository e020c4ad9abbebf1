#include "tandem/frontends/nn/script_module.h"

#include "tandem/frontends/eager/context.h"
#include "tandem/ir/class_type.h"

namespace tandem::nn {

ScriptModule::ScriptModule(tandem::Module module) : script_(std::move(module)) {
  const ClassType& type = script_.type();
  for (size_t i = 0; i < type.attributes().size(); ++i) {
    const ClassType::Attribute& a = type.attributes()[i];
    const IValue value = script_.object()->Get(i);
    if (value.is_tensor() && a.is_parameter) {
      const Tensor t(value.AsTensor());
      register_parameter(a.name, t, t.requires_grad());
    } else if (value.is_tensor() && a.is_buffer) {
      register_buffer(a.name, Tensor(value.AsTensor()));
    }
  }
  for (const auto& [name, child] : script_.Children()) {
    register_module(name, std::make_shared<ScriptModule>(child));
  }
}

std::string ScriptModule::name() const {
  return std::string(script_.type().base_name());
}

IValue ScriptModule::CallMethod(absl::string_view method,
                                std::vector<IValue> args) {
  if (eager::Recorder* recorder = eager::CurrentRecorder();
      recorder != nullptr) {
    return eager::Unwrap(
        recorder->CallMethod(*this, script_, method, std::move(args)));
  }
  eager::Context* context = eager::CurrentContext();
  if (context == nullptr) eager::Throw("there is no eager context");
  return eager::Unwrap(
      context->engine().Call(script_, method, std::move(args)));
}

size_t ScriptModule::num_arguments() const {
  const Function* forward = script_.FindMethod("forward");
  if (forward == nullptr || forward->schema().arguments.empty()) return 0;
  return forward->schema().arguments.size() - 1;
}

}  // namespace tandem::nn
