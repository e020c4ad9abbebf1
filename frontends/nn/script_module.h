// A scripted, traced or loaded module as a submodule of eager ones.
#ifndef TANDEM_FRONTENDS_NN_SCRIPT_MODULE_H_
#define TANDEM_FRONTENDS_NN_SCRIPT_MODULE_H_

#include <string>
#include <vector>

#include "tandem/frontends/nn/module.h"
#include "tandem/runtime/module.h"

namespace tandem::nn {

// Shares the module's object: its parameters and buffers are those of this
// module, its submodules ScriptModules too. Calls go to the thread's recorder,
// which keeps them as calls.
//
//   auto gate = nn::Make<nn::ScriptModule>(scripted);
//   Tensor y = gate(x);
class ScriptModule : public Module {
 public:
  explicit ScriptModule(tandem::Module module);

  const tandem::Module& script() const { return script_; }

  // "MyCell" of "__torch__.MyCell".
  std::string name() const override;
  std::string qualified_name() const override {
    return "torch.jit._script.RecursiveScriptModule";
  }
  IValue ForwardBoxed(std::vector<IValue> args) override {
    return CallMethod("forward", std::move(args));
  }
  // Throws Error.
  IValue CallMethod(absl::string_view method, std::vector<IValue> args);
  size_t num_arguments() const override;

 private:
  const tandem::Module script_;
};

}  // namespace tandem::nn

#endif  // TANDEM_FRONTENDS_NN_SCRIPT_MODULE_H_
