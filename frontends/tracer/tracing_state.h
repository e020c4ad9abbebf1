// What a trace knows while it runs: the graph so far, and which of its values
// each tensor of the program stands for.
#ifndef TANDEM_FRONTENDS_TRACER_TRACING_STATE_H_
#define TANDEM_FRONTENDS_TRACER_TRACING_STATE_H_

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "tandem/frontends/eager/context.h"
#include "tandem/frontends/eager/recorder.h"
#include "tandem/ir/graph.h"
#include "tandem/runtime/module.h"

namespace tandem::tracer {

// Marks in a graph that is being recorded. A call of a submodule is a node with
// one block (a kind that no graph of a trace has otherwise), its path in
// kScope; a read of an attribute is a kTracedAttr with its path.
inline constexpr NodeKind kModuleForward = NodeKind::kClosure;
inline constexpr char kScope[] = "scope";

using ModulePaths = absl::flat_hash_map<const nn::Module*, std::string>;

class TracingState : public eager::Recorder {
 public:
  using Warn = std::function<void(const std::string&)>;
  TracingState(eager::Context* context, bool strict, Warn warn);

  Graph* graph() const { return graph_.get(); }
  std::unique_ptr<Graph> TakeGraph() { return std::move(graph_); }
  // Units of the scripts that were called: the graph refers to them.
  const std::vector<std::shared_ptr<CompilationUnit>>& units() const {
    return units_;
  }

  // The module that is traced: all its attributes are reads of `self`. Calls of
  // the modules in `paths` are kept as calls.
  void SetSelf(const Module& self, ModulePaths paths);
  // An input of the trace; gives what the program is to be called with.
  absl::StatusOr<IValue> AddInput(const IValue& input, absl::string_view name);
  // The result of the trace.
  absl::Status AddOutput(const IValue& output);

  void Warning(const std::string& text) const;

  absl::Status Call(const eager::RecordedCall& call,
                    eager::Results* results) override;
  absl::Status Convert(const Tensor& tensor, eager::Conversion what) override;
  absl::StatusOr<Tensor> Size(const Tensor& tensor, Extent extent,
                              int64_t dim) override;
  absl::StatusOr<bool> SetIndex(const Tensor& self,
                                absl::Span<const eager::IndexItem> items,
                                const IValue& value) override;
  absl::StatusOr<std::optional<IValue>> EnterModule(
      nn::Module& module, std::vector<IValue>* args) override;
  absl::StatusOr<IValue> ExitModule(nn::Module& module, IValue result) override;
  void AbandonModule(nn::Module& module) override;
  // torch.tensor, torch.from_numpy: a constant, copied.
  absl::StatusOr<std::optional<IValue>> EnterFunction(
      absl::string_view name, std::vector<IValue>* args) override;
  absl::StatusOr<IValue> CallFunction(const eager::ScriptFunction& function,
                                      std::vector<IValue> args) override;
  absl::StatusOr<IValue> CallMethod(nn::Module& owner, const Module& module,
                                    absl::string_view method,
                                    std::vector<IValue> args) override;
  void Name(const Tensor& tensor, absl::string_view name) override;

 private:
  // A running forward: the names that its local variables give to tensors.
  struct Frame {
    bool is_scope = false;
    std::string outer_scope;
    std::vector<std::pair<Tensor, std::string>> names;
  };
  struct Known {
    Tensor tensor;  // kept, so that nothing else gets its address
    Value* value;
  };

  Node* Insert(Node* node);
  Value* InsertConstant(IValue value, TypePtr type = nullptr);
  Value* InsertNone() { return InsertConstant(IValue(), Type::None()); }
  // `name` of the table on `inputs`.
  absl::StatusOr<Value*> InsertOperator(absl::string_view name,
                                        absl::string_view overload,
                                        absl::Span<Value* const> inputs);
  // dict[key]
  absl::StatusOr<Value*> InsertItem(Value* dict, const IValue& key);
  Value* InsertList(TypePtr element, absl::Span<Value* const> values);

  // The value that something of the program stands for; what is unknown becomes
  // a constant.
  absl::StatusOr<Value*> ValueOf(const IValue& v);
  absl::StatusOr<Value*> ValueOfTensor(const Tensor& t);
  absl::StatusOr<Value*> OutputOf(const IValue& v);
  // An argument of an operator; a tensor in the place of a number is replaced
  // by the number.
  absl::StatusOr<Value*> ArgumentOf(const Type& type, IValue* arg);
  absl::StatusOr<Value*> NumberOf(const Type& type, IValue* arg);
  // From now on `v` stands for `value`.
  absl::Status SetValue(const IValue& v, Value* value);
  void SetTensor(const Tensor& t, Value* value);
  absl::StatusOr<IValue> AddInputValue(const IValue& input, Value* value);
  void GatherAttributes(const Module& module, Value* value,
                        const std::string& path);
  void PopFrame();
  void Sweep();
  // An operator with one result.
  absl::StatusOr<IValue> CallOne(absl::string_view name,
                                 absl::string_view overload,
                                 std::vector<IValue> args);
  // Inserts what comes after the arguments of a call, and fits them to the
  // signature.
  absl::StatusOr<std::vector<Value*>> CallArguments(const Function& function,
                                                    size_t first,
                                                    std::vector<IValue>* args);
  absl::Status FinishCall(Node* node, const Function& function,
                          bool requires_grad, const IValue& result);

  eager::Context* const context_;
  const bool strict_;
  const Warn warn_;
  std::unique_ptr<Graph> graph_ = std::make_unique<Graph>();
  std::string scope_;
  absl::flat_hash_map<const TensorImpl*, Known> tensors_;
  size_t sweep_at_ = 256;
  absl::flat_hash_map<const ModuleObject*, Value*> objects_;
  ModulePaths paths_;
  std::vector<Frame> frames_;
  std::vector<std::shared_ptr<CompilationUnit>> units_;
  // Rows without a tensor among their arguments get a device, as from Python.
  absl::flat_hash_map<const Operator*, bool> is_factory_;
};

// May a call be differentiated: do its results require gradients when its
// arguments do?
bool IsDifferentiable(const Operator& op);
bool RequiresGrad(const IValue& v);
// Marks the tensors of a result that could carry a gradient.
void MarkRequiresGrad(const IValue& v);

}  // namespace tandem::tracer

#endif  // TANDEM_FRONTENDS_TRACER_TRACING_STATE_H_
