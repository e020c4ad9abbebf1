// What lower_fx does its work with: a recorder that makes ordinary graphs.
#ifndef TANDEM_FRONTENDS_SYMBOLIC_LOWERING_H_
#define TANDEM_FRONTENDS_SYMBOLIC_LOWERING_H_

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/str_cat.h"
#include "tandem/frontends/eager/context.h"
#include "tandem/frontends/symbolic/interpreter.h"
#include "tandem/frontends/symbolic/lower.h"

namespace tandem::fx::internal {

// Records eager calls as nodes of ordinary graphs, one for each module.
class Lowering : public eager::Recorder {
 public:
  explicit Lowering(std::shared_ptr<CompilationUnit> unit)
      : unit_(std::move(unit)) {}

  absl::StatusOr<tandem::Module> Run(GraphModule& module,
                                     const LowerOptions& options);

  absl::Status Call(const eager::RecordedCall& call,
                    eager::Results* results) override;
  bool KeepsOperators() const override { return false; }
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
  absl::StatusOr<IValue> ExitModule(nn::Module& module, IValue result) override;
  void AbandonModule(nn::Module& module) override;
  absl::StatusOr<IValue> CallFunction(const eager::ScriptFunction& function,
                                      std::vector<IValue> args) override;
  absl::StatusOr<IValue> CallMethod(nn::Module& owner,
                                    const tandem::Module& module,
                                    absl::string_view method,
                                    std::vector<IValue> args) override {
    return absl::UnimplementedError(absl::StrCat(
        "the scripted module ", module.type().name(),
        " belongs to another program; modules that hold one are not lowered"));
  }

  // Names what a symbol stands for, if it has no name yet.
  void NameValue(const IValue& value, const std::string& name) {
    if (!value.is_tensor() || frames_.empty()) return;
    const auto it = frame().values.find(value.AsTensor().impl());
    if (it != frame().values.end() && !it->second->has_name()) {
      it->second->SetName(name);
    }
  }

 private:
  // A module's class and instance.
  struct Instance {
    ClassType* type;
    Ref<ModuleObject> object;
    // Methods that were lowered, by the types and constants of arguments.
    std::map<std::string, Function*> methods;
  };
  // A method in the making.
  struct Frame {
    nn::Module* module = nullptr;
    std::unique_ptr<tandem::Graph> graph;
    absl::flat_hash_map<const TensorImpl*, Value*> values;
    absl::flat_hash_map<const TensorImpl*, std::string> members;
    std::map<std::string, Value*> objects;  // submodules by path
    FunctionSchema schema;
    // The call in the frame below.
    std::string key;
    std::vector<Value*> arguments;
    Value* object = nullptr;
  };

  Frame& frame() { return frames_.back(); }
  tandem::Graph& graph() { return *frame().graph; }

  Instance& InstanceOf(nn::Module& module);
  void Push(nn::Module& module);
  // Ends the method of the top frame.
  Function* Pop(const IValue& result);
  void AddParameter(const std::string& name, TypePtr type);

  IValue Symbol(Value* value) {
    tandem::Tensor t(Ref<TensorImpl>::Adopt(TensorImpl::New()));
    frame().values[t.impl()] = value;
    symbols_.push_back(t);
    return IValue(std::move(t));
  }
  Value* Lookup(const tandem::Tensor& t) {
    const auto it = frame().values.find(t.impl());
    return it == frame().values.end() ? nullptr : it->second;
  }
  Value* ValueOf(const IValue& v, const Type* wanted = nullptr);
  Value* Member(const std::string& path);
  Value* ObjectAt(const std::string& path);
  Value* Operator_(absl::string_view name, absl::string_view overload,
                   std::vector<Value*> inputs);
  const Operator* Select(const Operator& op, std::vector<Value*>* values);
  // Views of a tensor by items; tensors among them go to `indices`.
  Value* Views(Value* x, absl::Span<const eager::IndexItem> items,
               std::vector<Value*>* indices);
  Value* IntValue(const eager::Int& i) {
    return i.is_symbolic() ? ValueOf(IValue(i.symbol()))
                           : graph().InsertConstant(IValue(i.hint()));
  }
  const OperatorTable& operators() const { return unit_->operators(); }

  const std::shared_ptr<CompilationUnit> unit_;
  std::map<const nn::Module*, Instance> instances_;
  std::vector<Frame> frames_;
  std::vector<tandem::Tensor> symbols_;  // kept: known by address
};

}  // namespace tandem::fx::internal

#endif  // TANDEM_FRONTENDS_SYMBOLIC_LOWERING_H_
