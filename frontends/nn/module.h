// nn::Module: what models are made of.
#ifndef TANDEM_FRONTENDS_NN_MODULE_H_
#define TANDEM_FRONTENDS_NN_MODULE_H_

#include <functional>
#include <iosfwd>
#include <memory>
#include <string>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include "absl/strings/string_view.h"
#include "tandem/frontends/eager/convert.h"
#include "tandem/frontends/eager/recorder.h"
#include "tandem/frontends/eager/script_function.h"
#include "tandem/frontends/eager/tensor.h"

namespace tandem::nn {

using eager::Int;
using eager::IntList;
using eager::Number;
using eager::Tensor;

class Module;
template <typename T>
class Ptr;

using NamedTensors = std::vector<std::pair<std::string, Tensor>>;
// In order, as state_dict() gives it.
using StateDict = NamedTensors;

// Base of all modules. A model derives from ModuleOf<itself>, registers what
// it has, and defines forward with whatever signature:
//
//   struct MyCell : nn::ModuleOf<MyCell> {
//     nn::Ptr<nn::Linear> linear = Register<nn::Linear>("linear", 4, 4);
//     std::tuple<Tensor, Tensor> forward(const Tensor& x, const Tensor& h) {
//       Tensor new_h = tanh(linear(x) + h);
//       return {new_h, new_h};
//     }
//   };
//   auto cell = nn::Make<MyCell>();
//   auto [y, h1] = cell(x, h);
//
// Members are known by the order in which they are registered, as in Python.
class Module {
 public:
  Module() = default;
  virtual ~Module();
  Module(const Module&) = delete;
  Module& operator=(const Module&) = delete;

  // The class's name ("MyCell"), and with the Python module that it has
  // ("torch.nn.modules.linear.Linear", "MyCell" for the user's own).
  virtual std::string name() const = 0;
  virtual std::string qualified_name() const { return name(); }
  // What repr() shows in the parentheses, lines of it.
  virtual std::string extra_repr() const { return ""; }
  // As Python's repr().
  virtual std::string ToString() const;

  // Makes a member. An undefined tensor is a parameter or buffer that is None.
  // Errors (thrown): a name that is empty, has a dot, or exists.
  const Tensor& register_parameter(std::string name, Tensor value,
                                   bool requires_grad = true);
  const Tensor& register_buffer(std::string name, Tensor value,
                                bool persistent = true);
  void register_module(std::string name, std::shared_ptr<Module> module);
  template <typename T>
  Ptr<T> register_module(std::string name, Ptr<T> module);
  // A submodule of type T made of `args`.
  template <typename T, typename... A>
  Ptr<T> Register(std::string name, A&&... args);

  struct Parameter {
    std::string name;
    Tensor tensor;
  };
  struct Buffer {
    std::string name;
    Tensor tensor;
    bool persistent;
  };
  struct Child {
    std::string name;
    std::shared_ptr<Module> module;  // may be null: None
  };
  // Own members, in order.
  const std::vector<Parameter>& own_parameters() const { return parameters_; }
  const std::vector<Buffer>& own_buffers() const { return buffers_; }
  const std::vector<Child>& children() const { return children_; }

  // Of the module and all below, each once; names are paths ("linear.weight").
  NamedTensors named_parameters() const;
  NamedTensors named_buffers() const;
  std::vector<Tensor> parameters() const;
  std::vector<Tensor> buffers() const;
  // The module itself ("") and all below, parents first, each once.
  std::vector<std::pair<std::string, Module*>> named_modules();
  // By path ("encoder.layers.0"); null when there is none.
  Module* FindModule(absl::string_view path);
  // A parameter or buffer by path; null when there is none.
  const Tensor* FindTensor(absl::string_view path);

  bool training() const { return training_; }
  Module& train(bool mode = true);
  Module& eval() { return train(false); }
  Module& requires_grad_(bool requires_grad = true);
  // Converts floating point parameters and buffers in place.
  Module& to(DType dtype);
  // Calls `f` on the module and all below, children first.
  Module& apply(const std::function<void(Module&)>& f);

  // Parameters and persistent buffers, the tensors themselves.
  StateDict state_dict() const;
  // Versions of the modules by path, what torch.save keeps beside the tensors.
  std::vector<std::pair<std::string, int64_t>> state_dict_versions() const;
  // Copies values in. Errors (thrown) have torch's text: missing and
  // unexpected keys when `strict`, sizes that differ always.
  void load_state_dict(const StateDict& state, bool strict = true);
  // From a dict of tensors, as torch.load gives it.
  void load_state_dict(const IValue& state, bool strict = true);

  // Calls the module with boxed arguments: through the thread's recorder, as
  // every call. Trailing arguments that forward can do without may be absent.
  IValue CallBoxed(std::vector<IValue> args);
  // forward itself, past the recorder's view of modules.
  virtual IValue ForwardBoxed(std::vector<IValue> args) = 0;
  // How many arguments forward has.
  virtual size_t num_arguments() const = 0;

  // A call whose result type the caller chooses.
  template <typename... A>
  eager::Value operator()(const A&... args) {
    return eager::Value(CallBoxed({eager::ToIValue(args)...}));
  }

 protected:
  // train() of this module alone.
  virtual void OnTrain(bool mode) {}
  // PyTorch's _version of the class.
  virtual int64_t state_version() const { return 1; }

 private:
  void CheckName(absl::string_view kind, absl::string_view name) const;
  template <typename F>
  void Visit(const std::string& prefix, std::vector<const Module*>* seen,
             F&& f) const;

  std::vector<Parameter> parameters_;
  std::vector<Buffer> buffers_;
  std::vector<Child> children_;
  bool training_ = true;
};

std::ostream& operator<<(std::ostream& out, const Module& m);

// "MyCell" of the text that names a type in __PRETTY_FUNCTION__.
std::string BareTypeName(absl::string_view pretty_function);

namespace internal {

template <typename F>
struct Signature;
template <typename R, typename C, typename... P>
struct Signature<R (C::*)(P...)> {
  using Result = std::decay_t<R>;
  using Parameters = std::tuple<std::decay_t<P>...>;
};
template <typename R, typename C, typename... P>
struct Signature<R (C::*)(P...) const> : Signature<R (C::*)(P...)> {};

template <typename T, typename = void>
struct PythonModule {
  static std::string Prefix() { return ""; }
};
template <typename T>
struct PythonModule<T, std::void_t<decltype(T::kPythonModule)>> {
  static std::string Prefix() { return std::string(T::kPythonModule) + "."; }
};

template <typename T>
std::string TypeName() {
  return BareTypeName(__PRETTY_FUNCTION__);
}

}  // namespace internal

// What a class has by deriving from ModuleOf<itself>: calls, boxed and typed,
// and its name. Base is nn::Module or a class derived from it.
//
// forward is one function, not a template or an overload; its parameters and
// its result are types that Boxing (eager/convert.h) knows. An argument that
// is absent in a boxed call is T{}: defaults of forward should be that.
template <typename Derived, typename Base = Module>
class ModuleOf : public Base {
 public:
  using Base::Base;

  std::string name() const override { return internal::TypeName<Derived>(); }
  std::string qualified_name() const override {
    return internal::PythonModule<Derived>::Prefix() + this->name();
  }

  template <typename... A>
  auto operator()(A&&... args) {
    using S = internal::Signature<decltype(&Derived::forward)>;
    using R = typename S::Result;
    Derived& self = static_cast<Derived&>(*this);
    if (eager::CurrentRecorder() == nullptr) {
      return R(self.forward(std::forward<A>(args)...));
    }
    using P = typename S::Parameters;
    return eager::FromIValue<R>(this->CallBoxed(
        Box<P>(std::index_sequence_for<A...>(), std::forward<A>(args)...)));
  }

  IValue ForwardBoxed(std::vector<IValue> args) override {
    using P =
        typename internal::Signature<decltype(&Derived::forward)>::Parameters;
    constexpr size_t kCount = std::tuple_size_v<P>;
    if (args.size() > kCount) {
      eager::Throw(this->name() + ": more arguments than forward has");
    }
    args.resize(kCount);
    return Forward<P>(args, std::make_index_sequence<kCount>());
  }
  size_t num_arguments() const override {
    using P =
        typename internal::Signature<decltype(&Derived::forward)>::Parameters;
    return std::tuple_size_v<P>;
  }

 private:
  // Each argument as forward's parameter first.
  template <typename P, size_t... I, typename... A>
  static std::vector<IValue> Box(std::index_sequence<I...>, A&&... args) {
    return {
        eager::ToIValue(std::tuple_element_t<I, P>(std::forward<A>(args)))...};
  }
  template <typename T>
  static T Unbox(const IValue& v) {
    if constexpr (std::is_default_constructible_v<T>) {
      if (v.is_none()) return T{};
    }
    return eager::FromIValue<T>(v);
  }
  template <typename P, size_t... I>
  IValue Forward(const std::vector<IValue>& args, std::index_sequence<I...>) {
    return eager::ToIValue(static_cast<Derived&>(*this).forward(
        Unbox<std::tuple_element_t<I, P>>(args[I])...));
  }
};

// A shared module that is called as it stands: linear(x).
template <typename T>
class Ptr {
 public:
  using element_type = T;
  Ptr() = default;
  Ptr(std::nullptr_t) {}                           // NOLINT
  Ptr(std::shared_ptr<T> p) : p_(std::move(p)) {}  // NOLINT
  template <typename U,
            typename = std::enable_if_t<std::is_convertible_v<U*, T*>>>
  Ptr(const Ptr<U>& o) : p_(o.shared()) {}  // NOLINT

  T* get() const { return p_.get(); }
  T* operator->() const { return p_.get(); }
  T& operator*() const { return *p_; }
  explicit operator bool() const { return p_ != nullptr; }
  const std::shared_ptr<T>& shared() const { return p_; }
  operator std::shared_ptr<Module>() const { return p_; }  // NOLINT
  template <typename... A>
  auto operator()(A&&... args) const {
    return (*p_)(std::forward<A>(args)...);
  }

 private:
  std::shared_ptr<T> p_;
};

template <typename T>
std::ostream& operator<<(std::ostream& out, const Ptr<T>& m) {
  return out << static_cast<const Module&>(*m);
}

template <typename T, typename... A>
Ptr<T> Make(A&&... args) {
  return Ptr<T>(std::make_shared<T>(std::forward<A>(args)...));
}

template <typename T>
Ptr<T> Module::register_module(std::string name, Ptr<T> module) {
  register_module(std::move(name), std::shared_ptr<Module>(module.shared()));
  return module;
}
template <typename T, typename... A>
Ptr<T> Module::Register(std::string name, A&&... args) {
  return register_module(std::move(name), Make<T>(std::forward<A>(args)...));
}

}  // namespace tandem::nn

#endif  // TANDEM_FRONTENDS_NN_MODULE_H_
