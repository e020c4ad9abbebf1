// A module whose forward is a graph.
#ifndef TANDEM_FRONTENDS_SYMBOLIC_GRAPH_MODULE_H_
#define TANDEM_FRONTENDS_SYMBOLIC_GRAPH_MODULE_H_

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include "tandem/frontends/nn/module.h"
#include "tandem/frontends/symbolic/graph.h"
#include "tandem/frontends/symbolic/tracer.h"

namespace tandem::fx {

// As torch.fx.GraphModule. It has the members of the root that the graph uses,
// under the same paths, and shares them with it. forward runs the graph as it
// is when it is called: recompile() has nothing to do.
class GraphModule : public nn::Module {
 public:
  // `constants` are registered as buffers. Throws Error when the graph names
  // what neither has.
  GraphModule(nn::Module& root, std::unique_ptr<Graph> graph,
              std::string name = "GraphModule",
              const nn::NamedTensors& constants = {});

  std::string name() const override { return name_; }
  std::string qualified_name() const override {
    return "torch.fx.graph_module." + name_;
  }
  // The module, its code, and a hint, as Python's str().
  std::string ToString() const override;

  Graph& graph() { return *graph_; }
  const Graph& graph() const { return *graph_; }
  // Takes over another graph, whose members must be there.
  void set_graph(std::unique_ptr<Graph> graph) { graph_ = std::move(graph); }
  // Python source of forward.
  std::string code() const { return graph_->python_code("self"); }
  // The module as Python source, with the graph modules inside of it.
  std::string print_readable() const { return ReadableAs(name_); }
  void recompile() { graph_->lint(this); }
  // Adds a module under a path; makes the modules on the way.
  void add_submodule(const std::string& path,
                     std::shared_ptr<nn::Module> module);
  // Adds a buffer under a path.
  void add_buffer(const std::string& path, const eager::Tensor& tensor);
  // What the graph names and this module has not is taken from `other`.
  void AddMembersOf(GraphModule& other);
  // A module with what the graph still uses.
  nn::Ptr<GraphModule> Pruned();

  // Functions that were traced by name (eager::CallNamed) and are none of
  // Python's: what runs for them.
  using Functions =
      std::map<std::string, std::function<IValue(std::vector<IValue>)>>;
  Functions& functions() { return functions_; }

  IValue ForwardBoxed(std::vector<IValue> args) override;
  size_t num_arguments() const override;

 private:
  std::string ReadableAs(absl::string_view class_name) const;
  void CopyMember(nn::Module& root, const std::string& path, bool is_module);

  const std::string name_;
  std::unique_ptr<Graph> graph_;
  Functions functions_;
};

// A function as a module.
class FunctionModule : public nn::Module {
 public:
  FunctionModule(std::string name, size_t num_arguments,
                 std::function<IValue(std::vector<IValue>)> function)
      : name_(std::move(name)),
        num_arguments_(num_arguments),
        function_(std::move(function)) {}
  std::string name() const override { return name_; }
  IValue ForwardBoxed(std::vector<IValue> args) override {
    args.resize(num_arguments_);
    return function_(std::move(args));
  }
  size_t num_arguments() const override { return num_arguments_; }

 private:
  const std::string name_;
  const size_t num_arguments_;
  const std::function<IValue(std::vector<IValue>)> function_;
};

namespace internal {
template <typename F>
struct FunctionSignature : nn::internal::Signature<decltype(&F::operator())> {};
template <typename R, typename... P>
struct FunctionSignature<R (*)(P...)> {
  using Result = std::decay_t<R>;
  using Parameters = std::tuple<std::decay_t<P>...>;
};
// A lambda with one operator(), or a pointer to a function.
template <typename F, typename = void>
inline constexpr bool kIsFunction =
    std::is_function_v<std::remove_pointer_t<F>>;
template <typename F>
inline constexpr bool kIsFunction<F, std::void_t<decltype(&F::operator())>> =
    true;
template <typename F, typename... P, size_t... I>
IValue CallUnboxed(const F& f, const std::vector<IValue>& args,
                   std::tuple<P...>*, std::index_sequence<I...>) {
  return eager::ToIValue(f(eager::FromIValue<P>(args[I])...));
}
}  // namespace internal

// The function as a module that can be traced: a lambda or a pointer to a
// function with boxable types.
template <typename F>
FunctionModule AsModule(F f, std::string name = "lambda") {
  using P = typename internal::FunctionSignature<F>::Parameters;
  constexpr size_t kCount = std::tuple_size_v<P>;
  return FunctionModule(std::move(name), kCount, [f](std::vector<IValue> args) {
    return internal::CallUnboxed(f, args, static_cast<P*>(nullptr),
                                 std::make_index_sequence<kCount>());
  });
}

// torch.fx.symbolic_trace.
nn::Ptr<GraphModule> symbolic_trace(nn::Module& root,
                                    const TraceOptions& options = {});
template <typename T>
nn::Ptr<GraphModule> symbolic_trace(const nn::Ptr<T>& root,
                                    const TraceOptions& options = {}) {
  return symbolic_trace(static_cast<nn::Module&>(*root), options);
}
template <typename F, typename = std::enable_if_t<internal::kIsFunction<F>>>
nn::Ptr<GraphModule> symbolic_trace(F f, const TraceOptions& options = {}) {
  FunctionModule module =
      AsModule(f, options.name.empty() ? std::string("lambda") : options.name);
  return symbolic_trace(static_cast<nn::Module&>(module), options);
}

}  // namespace tandem::fx

#endif  // TANDEM_FRONTENDS_SYMBOLIC_GRAPH_MODULE_H_
