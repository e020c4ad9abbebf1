// Tracing: runs eager code on example inputs and records the IR.
//
//   auto traced = tracer::Trace(cell, {x, h});       // nn::Ptr or nn::Module
//   tracer::Options options;
//   options.name = "fn";
//   options.argument_names = {"x"};
//   auto f = tracer::Trace([](const Tensor& x) { return abs(2 * x); }, {x},
//                          options);
//
// The graph is the one that torch.jit.trace makes of the same program.
#ifndef TANDEM_FRONTENDS_TRACER_TRACER_H_
#define TANDEM_FRONTENDS_TRACER_TRACER_H_

#include <functional>
#include <memory>
#include <string>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include "tandem/frontends/eager/convert.h"
#include "tandem/frontends/eager/script_function.h"
#include "tandem/frontends/nn/module.h"
#include "tandem/ir/compilation_unit.h"
#include "tandem/runtime/module.h"

namespace tandem::tracer {

struct Options {
  // Of a function: its name in the unit ("__torch__.NAME").
  std::string name = "fn";
  // Of the inputs, as many or more. Without: input, or input_1, input_2, …
  std::vector<std::string> argument_names;
  // A list as output is warned of and a dict refused.
  bool strict = true;
  // Traces a second time and compares graphs and values.
  bool check_trace = true;
  // What it is checked with; empty: the example inputs.
  std::vector<std::vector<IValue>> check_inputs;
  double check_tolerance = 1e-5;
  // Where functions and classes go; null: a new one. Names that it or the unit
  // of a called script has get "___torch_mangle_N".
  std::shared_ptr<CompilationUnit> unit;
  // Gets each TracerWarning's text; null: standard error.
  std::function<void(const std::string&)> warn;
};

// An example input: a tensor, or a list, tuple or dict of them.
struct Input {
  template <typename T>
  Input(const T& v) : value(eager::ToIValue(v)) {}  // NOLINT
  IValue value;
};

using BoxedFunction = std::function<IValue(std::vector<IValue>)>;

// One of several methods of a module that are traced: torch.jit.trace_module.
struct TracedMethod {
  std::string name;
  std::vector<IValue> inputs;
  // What runs; null: the module's forward.
  BoxedFunction function;
  std::vector<std::string> argument_names;
  std::vector<std::vector<IValue>> check_inputs;
};

// Throw Error (eager::Try makes a Status of it): what the program threw, what
// cannot be traced, or what check_trace found, with torch's texts. Thread-safe:
// each thread records for itself. Within another trace, it is a trace of its
// own, and its result is called as scripts are.
eager::ScriptFunction TraceFunction(const BoxedFunction& function,
                                    std::vector<IValue> inputs,
                                    const Options& options);
Module TraceModule(nn::Module& module, std::vector<IValue> inputs,
                   const Options& options);
// The methods share the module's class and tensors; the options' argument
// names and check inputs are not looked at. Error: a method other than forward
// without a function.
Module TraceModule(nn::Module& module, std::vector<TracedMethod> methods,
                   const Options& options);

namespace internal {

std::vector<IValue> Unpack(const std::vector<Input>& inputs);
[[noreturn]] void ThrowArity(const Options& options, size_t wanted,
                             size_t given);

template <typename F>
struct Signature : Signature<decltype(&F::operator())> {};
template <typename R, typename... P>
struct Signature<R (*)(P...)> {
  using Result = R;
  using Parameters = std::tuple<std::decay_t<P>...>;
};
template <typename R, typename C, typename... P>
struct Signature<R (C::*)(P...)> : Signature<R (*)(P...)> {};
template <typename R, typename C, typename... P>
struct Signature<R (C::*)(P...) const> : Signature<R (*)(P...)> {};

template <typename F>
inline constexpr bool kIsModule = std::is_convertible_v<F&, nn::Module&>;
template <typename T>
inline constexpr bool kIsModule<nn::Ptr<T>> = true;

template <typename R, typename P, typename F, size_t... I>
IValue CallUnboxed(F& f, const std::vector<IValue>& args,
                   std::index_sequence<I...>) {
  if constexpr (std::is_void_v<R>) {
    f(eager::FromIValue<std::tuple_element_t<I, P>>(args[I])...);
    return IValue();
  } else {
    return eager::ToIValue(
        f(eager::FromIValue<std::tuple_element_t<I, P>>(args[I])...));
  }
}

}  // namespace internal

// A function, a lambda: parameters and result are types that Boxing
// (eager/convert.h) knows.
template <typename F,
          std::enable_if_t<!internal::kIsModule<std::decay_t<F>>, int> = 0>
eager::ScriptFunction Trace(F&& f, const std::vector<Input>& inputs,
                            const Options& options = {}) {
  using S = internal::Signature<std::decay_t<F>>;
  using P = typename S::Parameters;
  constexpr size_t kCount = std::tuple_size_v<P>;
  return TraceFunction(
      [&](std::vector<IValue> args) {
        if (args.size() != kCount) {
          internal::ThrowArity(options, kCount, args.size());
        }
        return internal::CallUnboxed<typename S::Result, P>(
            f, args, std::make_index_sequence<kCount>());
      },
      internal::Unpack(inputs), options);
}

inline Module Trace(nn::Module& module, const std::vector<Input>& inputs,
                    const Options& options = {}) {
  return TraceModule(module, internal::Unpack(inputs), options);
}
template <typename T>
Module Trace(const nn::Ptr<T>& module, const std::vector<Input>& inputs,
             const Options& options = {}) {
  return TraceModule(*module, internal::Unpack(inputs), options);
}

// A method for TraceMethods: Method("scaled", &Net::scaled, *net, {x, s}).
template <typename T, typename R, typename C, typename... P>
TracedMethod Method(std::string name, R (C::*method)(P...), T& module,
                    const std::vector<Input>& inputs,
                    std::vector<std::string> argument_names = {}) {
  TracedMethod made;
  made.name = name;
  made.inputs = internal::Unpack(inputs);
  made.argument_names = std::move(argument_names);
  Options named;
  named.name = std::move(name);
  named.argument_names = made.argument_names;
  made.function = [&module, method, named](std::vector<IValue> args) {
    if (args.size() != sizeof...(P)) {
      internal::ThrowArity(named, sizeof...(P), args.size());
    }
    const auto call = [&](std::decay_t<P>... values) {
      return (module.*method)(std::move(values)...);
    };
    return internal::CallUnboxed<std::decay_t<R>,
                                 std::tuple<std::decay_t<P>...>>(
        call, args, std::index_sequence_for<P...>());
  };
  return made;
}
// The module's own forward among them.
inline TracedMethod Forward(const std::vector<Input>& inputs,
                            std::vector<std::string> argument_names = {}) {
  TracedMethod made;
  made.name = "forward";
  made.inputs = internal::Unpack(inputs);
  made.argument_names = std::move(argument_names);
  return made;
}
inline Module TraceMethods(nn::Module& module,
                           std::vector<TracedMethod> methods,
                           const Options& options = {}) {
  return TraceModule(module, std::move(methods), options);
}

}  // namespace tandem::tracer

#endif  // TANDEM_FRONTENDS_TRACER_TRACER_H_
