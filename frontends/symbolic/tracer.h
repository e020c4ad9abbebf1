// Symbolic tracing: runs a program on proxies and keeps what it does.
#ifndef TANDEM_FRONTENDS_SYMBOLIC_TRACER_H_
#define TANDEM_FRONTENDS_SYMBOLIC_TRACER_H_

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "tandem/frontends/eager/recorder.h"
#include "tandem/frontends/nn/module.h"
#include "tandem/frontends/symbolic/graph.h"

namespace tandem::fx {

struct TraceOptions {
  // Names of forward's parameters, which C++ does not tell: "x" for one, "x",
  // "x_1", … for more, unless given.
  std::vector<std::string> argument_names;
  // Defaults of parameters, shown at their placeholders.
  std::map<std::string, Argument> defaults;
  // Values that parameters are fixed to; the graph asserts them.
  std::map<std::string, Argument> concrete_args;
  // What the GraphModule is called; empty: as the module.
  std::string name;
};

// A proxy is a tensor that has no dtype; the tracer knows its node. Calls that
// involve no proxy and no parameter run at once, and what they give becomes a
// constant. Where Python's spelling of a call is not known it is what is
// usual: see ByKeyword.
//
// As torch.fx.Tracer: one trace at a time, errors are thrown with its texts.
class Tracer : public eager::Recorder {
 public:
  Tracer();
  ~Tracer() override;

  // Runs `root` on proxies. The module must outlive the tracer's use.
  std::unique_ptr<Graph> trace(nn::Module& root,
                               const TraceOptions& options = {});
  // Tensors that are no members of the root: "_tensor_constant0", ….
  const nn::NamedTensors& constants() const { return constants_; }

  // Scripted functions that were called, by their qualified names.
  const std::map<std::string, eager::ScriptFunction>& script_functions() const {
    return script_functions_;
  }

  // True: calls of the module stay calls. torch.nn's modules do, but for
  // Sequential, and scripted ones.
  virtual bool is_leaf_module(const nn::Module& module,
                              const std::string& path) const;
  // True: the argument of a call is written with its name. Integers, lists of
  // them and tensors are not, as in `flatten(x, 1)`; what else has a default
  // is, as in `clamp(x, min=0.0)`.
  virtual bool by_keyword(const Operator& op, size_t argument) const;
  // Every node of the trace is made here.
  virtual Node* create_node(absl::string_view opcode, std::string target,
                            const Arguments& args,
                            const KeywordArguments& kwargs,
                            absl::string_view name = "");

  // The tensor that stands for a node.
  tandem::Tensor proxy(Node* node);
  IValue create_proxy(absl::string_view opcode, std::string target,
                      const Arguments& args, const KeywordArguments& kwargs,
                      absl::string_view name = "");
  // A value of the program as an argument: members become get_attr nodes.
  Argument create_arg(const IValue& value);
  // The node of a proxy; null for other tensors.
  Node* node_of(const tandem::Tensor& tensor) const;
  bool has_proxy(const IValue& value) const;
  Graph& graph() { return *graph_; }
  // Begins a graph without running anything: what Transformer does.
  void begin(nn::Module& root);
  std::unique_ptr<Graph> finish();

  // The tracer whose trace runs on this thread; null when there is none.
  static Tracer* Current();

  // Recorder.
  absl::Status Call(const eager::RecordedCall& call,
                    eager::Results* results) override;
  bool KeepsOperators() const override { return true; }
  absl::Status Convert(const tandem::Tensor& tensor,
                       eager::Conversion what) override;
  absl::StatusOr<tandem::Tensor> Size(const tandem::Tensor& tensor,
                                      Extent extent, int64_t dim) override;
  absl::StatusOr<eager::IntList> Shape(const tandem::Tensor& tensor) override;
  absl::StatusOr<eager::Int> ShapeItem(const tandem::Tensor& shape,
                                       int64_t i) override;
  absl::StatusOr<bool> Index(const tandem::Tensor& self,
                             absl::Span<const eager::IndexItem> items,
                             tandem::Tensor* result) override;
  absl::StatusOr<bool> SetIndex(const tandem::Tensor& self,
                                absl::Span<const eager::IndexItem> items,
                                const IValue& value) override;
  absl::StatusOr<std::optional<IValue>> EnterModule(
      nn::Module& module, std::vector<IValue>* args) override;
  absl::StatusOr<std::optional<IValue>> EnterFunction(
      absl::string_view name, std::vector<IValue>* args) override;
  // A call of the function by its qualified name; GraphModule runs it by
  // `functions`.
  absl::StatusOr<IValue> CallFunction(const eager::ScriptFunction& function,
                                      std::vector<IValue> args) override;
  void Name(const tandem::Tensor& tensor, absl::string_view name) override;
  std::string Describe(const tandem::Tensor& tensor) override;

  // Binds a tracer to the thread.
  class Scope {
   public:
    explicit Scope(Tracer* tracer);
    ~Scope();
    Scope(const Scope&) = delete;
    Scope& operator=(const Scope&) = delete;

   private:
    const eager::ScopedRecorder recorder_;
    Tracer* const previous_;
  };

 private:
  struct Emission {
    std::string opcode, target;
    Arguments args;
    KeywordArguments kwargs;
  };
  Emission Emit(const eager::RecordedCall& call);
  Argument ArgumentFor(const IValue& value, const tandem::Argument* schema);
  Argument TensorArgument(const tandem::Tensor& tensor);
  void SetResults(const eager::RecordedCall& call, Node* node,
                  eager::Results* results);
  tandem::Tensor GetItem(Node* node, int64_t i);
  bool IsMember(const tandem::Tensor& tensor) const;
  bool Involves(const IValue& value, bool members) const;
  Argument ItemArgument(const eager::IndexItem& item);
  Argument IntArgument(const eager::Int& i);

  std::unique_ptr<Graph> graph_;
  absl::flat_hash_map<const TensorImpl*, Node*> nodes_;
  std::vector<tandem::Tensor> proxies_;  // kept: known by address
  absl::flat_hash_map<const TensorImpl*, std::string> parameters_, buffers_;
  absl::flat_hash_map<const TensorImpl*, Node*> parameter_nodes_;
  absl::flat_hash_map<const nn::Module*, std::string> paths_;
  nn::NamedTensors constants_;
  std::map<std::string, eager::ScriptFunction> script_functions_;
  nn::Module* root_ = nullptr;
};

inline constexpr char kControlFlowError[] =
    "symbolically traced variables cannot be used as inputs to control flow";
inline constexpr char kIterationError[] =
    "Proxy object cannot be iterated. This can be attempted when the Proxy is "
    "used in a loop or as a *args or **kwargs function argument. See the "
    "torch.fx docs on pytorch.org for a more detailed explanation of what "
    "types of control flow can be traced, and check out the Proxy docstring "
    "for help troubleshooting Proxy iteration errors";

}  // namespace tandem::fx

#endif  // TANDEM_FRONTENDS_SYMBOLIC_TRACER_H_
