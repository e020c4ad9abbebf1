// torch.nn.modules.container.
#ifndef TANDEM_FRONTENDS_NN_CONTAINERS_H_
#define TANDEM_FRONTENDS_NN_CONTAINERS_H_

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "tandem/frontends/nn/module.h"

namespace tandem::nn {

// Calls its modules in order, each with what the one before gave. Members are
// named "0", "1", ... unless names are given.
//
//   auto net = nn::Make<nn::Sequential>(nn::Make<nn::Linear>(4, 2),
//                                       nn::Make<nn::ReLU>());
class Sequential : public Module {
 public:
  static constexpr const char* kPythonModule = "torch.nn.modules.container";
  using Named = std::pair<std::string, std::shared_ptr<Module>>;

  Sequential() = default;
  template <typename... T>
  explicit Sequential(Ptr<T>... modules) {
    (append(modules), ...);
  }
  explicit Sequential(const std::vector<std::shared_ptr<Module>>& modules);
  // As of an OrderedDict.
  explicit Sequential(std::vector<Named> modules);

  void append(std::shared_ptr<Module> module);
  size_t size() const { return children().size(); }
  Module& operator[](size_t i) const { return *children()[i].module; }

  std::string name() const override { return "Sequential"; }
  std::string qualified_name() const override {
    return "torch.nn.modules.container.Sequential";
  }
  IValue ForwardBoxed(std::vector<IValue> args) override;
  size_t num_arguments() const override { return 1; }
  Tensor operator()(const Tensor& input) {
    return eager::FromIValue<Tensor>(CallBoxed({eager::ToIValue(input)}));
  }
};

// A list of modules, which the owner's forward calls.
class ModuleList : public Module {
 public:
  ModuleList() = default;
  template <typename... T>
  explicit ModuleList(Ptr<T>... modules) {
    (append(modules), ...);
  }
  explicit ModuleList(const std::vector<std::shared_ptr<Module>>& modules);

  void append(std::shared_ptr<Module> module);
  size_t size() const { return children().size(); }
  // Negative counts from the end. Throws when there is none.
  const std::shared_ptr<Module>& operator[](int64_t i) const;
  // Throws when it is of another class.
  template <typename T>
  Ptr<T> at(int64_t i) const {
    return Ptr<T>(std::static_pointer_cast<T>(
        Checked((*this)[i], internal::TypeName<T>())));
  }

  std::string name() const override { return "ModuleList"; }
  std::string qualified_name() const override {
    return "torch.nn.modules.container.ModuleList";
  }
  // Equal neighbours are shown once: "(0-1): 2 x Linear(…)".
  std::string ToString() const override;
  IValue ForwardBoxed(std::vector<IValue> args) override;
  size_t num_arguments() const override { return 0; }

 private:
  static const std::shared_ptr<Module>& Checked(
      const std::shared_ptr<Module>& module, const std::string& name);
};

// Modules by name, in the order in which they were put in.
class ModuleDict : public Module {
 public:
  ModuleDict() = default;
  explicit ModuleDict(
      std::vector<std::pair<std::string, std::shared_ptr<Module>>> modules);

  size_t size() const { return children().size(); }
  bool contains(absl::string_view key) const;
  std::vector<std::string> keys() const;
  // Throws when there is none.
  const std::shared_ptr<Module>& operator[](absl::string_view key) const;

  std::string name() const override { return "ModuleDict"; }
  std::string qualified_name() const override {
    return "torch.nn.modules.container.ModuleDict";
  }
  IValue ForwardBoxed(std::vector<IValue> args) override;
  size_t num_arguments() const override { return 0; }
};

}  // namespace tandem::nn

#endif  // TANDEM_FRONTENDS_NN_CONTAINERS_H_
