// Calls of modules and scripts in a trace.
#include <algorithm>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "tandem/frontends/eager/script_function.h"
#include "tandem/frontends/nn/script_module.h"
#include "tandem/frontends/tracer/tracing_state.h"
#include "tandem/frontends/tracer/warnings.h"
#include "tandem/ir/class_type.h"
#include "tandem/tensor/status_macros.h"

namespace tandem::tracer {
namespace {

const Type& Inner(const Type& type) {
  return type.is(TypeKind::kOptional) ? *type.element() : type;
}

// What a forward of torch.nn calls its parameters.
const char* ParameterName(absl::string_view class_name, size_t i) {
  static constexpr const char* kAttention[] = {"query", "key", "value"};
  static constexpr const char* kTransformer[] = {"src", "tgt"};
  static constexpr const char* kBilinear[] = {"input1", "input2"};
  static constexpr const char* kRest[] = {"input", "hx"};
  static constexpr const char* kLoss[] = {"input", "target"};
  if (absl::EndsWith(class_name, "MultiheadAttention")) {
    return i < 3 ? kAttention[i] : nullptr;
  }
  if (absl::StrContains(class_name, "TransformerEncoder")) {
    return i < 1 ? kTransformer[i] : nullptr;
  }
  if (absl::StrContains(class_name, "TransformerDecoder")) {
    return i == 0 ? "tgt" : i == 1 ? "memory" : nullptr;
  }
  if (absl::EndsWith(class_name, "Transformer")) {
    return i < 2 ? kTransformer[i] : nullptr;
  }
  if (i > 1) return nullptr;
  if (absl::EndsWith(class_name, "Bilinear")) return kBilinear[i];
  if (absl::EndsWith(class_name, "Loss")) return kLoss[i];
  return kRest[i];
}

}  // namespace

// ---- Modules

absl::StatusOr<std::optional<IValue>> TracingState::EnterModule(
    nn::Module& module, std::vector<IValue>* args) {
  Frame frame;
  frame.outer_scope = scope_;
  const bool is_script =
      dynamic_cast<const nn::ScriptModule*>(&module) != nullptr;
  const auto path = paths_.find(&module);
  if (!is_script && path != paths_.end()) {
    Node* call = Insert(graph_->Create(kModuleForward, {}, 0));
    call->SetAttribute(kScope, path->second);
    graph_->SetInsertPoint(call->AddBlock());
    frame.is_scope = true;
    scope_ =
        scope_.empty() ? path->second : absl::StrCat(scope_, "/", path->second);
  }
  const std::string class_name = module.qualified_name();
  if (absl::StartsWith(class_name, "torch.nn.")) {
    for (size_t i = 0; i < args->size(); ++i) {
      const char* name = ParameterName(class_name, i);
      if (name != nullptr && (*args)[i].is_tensor()) {
        frame.names.emplace_back((*args)[i].AsTensor(), name);
      }
    }
  }
  frames_.push_back(std::move(frame));
  return std::nullopt;
}

void TracingState::PopFrame() {
  if (frames_.size() < 2) return;
  if (frames_.back().is_scope) {
    Node* call = graph_->insert_point()->owning_block()->owning_node();
    graph_->SetInsertPoint(call->next());
  }
  scope_ = std::move(frames_.back().outer_scope);
  frames_.pop_back();
}

absl::StatusOr<IValue> TracingState::ExitModule(nn::Module&, IValue result) {
  PopFrame();
  return result;
}

void TracingState::AbandonModule(nn::Module&) { PopFrame(); }

void TracingState::Name(const Tensor& tensor, absl::string_view name) {
  frames_.back().names.emplace_back(tensor, std::string(name));
}

absl::StatusOr<IValue> TracingState::CallOne(absl::string_view name,
                                             absl::string_view overload,
                                             std::vector<IValue> args) {
  const Operator* op = context_->operators().Find(name, overload);
  if (op == nullptr) {
    return absl::UnimplementedError(
        absl::StrCat("the operator table has no ", name, ".", overload));
  }
  eager::Results results;
  TANDEM_RETURN_IF_ERROR(
      Call({*op, absl::MakeSpan(args), eager::Spelling::kFunction}, &results));
  return std::move(results[0]);
}

absl::StatusOr<std::optional<IValue>> TracingState::EnterFunction(
    absl::string_view name, std::vector<IValue>* args) {
  if (args->size() != 1 || !(*args)[0].is_tensor()) return std::nullopt;
  IValue value = (*args)[0];
  if (name == "torch.from_numpy") {
    Warning(absl::StrCat(name, kConstructor));
    TANDEM_ASSIGN_OR_RETURN(value, CallOne("aten::lift_fresh", "", {value}));
    return std::optional<IValue>(std::move(value));
  }
  const bool copies = name == "torch.tensor(Tensor)";
  if (!copies && name != "torch.tensor") return std::nullopt;
  Warning(absl::StrCat("torch.tensor", kConstructor));
  if (copies) {
    Warning(kCopyConstruct);
    TANDEM_ASSIGN_OR_RETURN(value, CallOne("aten::detach", "", {value}));
  }
  const Tensor& t = value.AsTensor();
  std::vector<IValue> to = {value,
                            IValue(t.device()),
                            IValue(static_cast<int64_t>(t.dtype())),
                            IValue(false),
                            IValue(copies),
                            IValue()};
  TANDEM_ASSIGN_OR_RETURN(value, CallOne("aten::to", "device", std::move(to)));
  TANDEM_ASSIGN_OR_RETURN(value, CallOne("aten::detach", "", {value}));
  return std::optional<IValue>(std::move(value));
}

// ---- Scripts

absl::StatusOr<std::vector<Value*>> TracingState::CallArguments(
    const Function& function, size_t first, std::vector<IValue>* args) {
  const FunctionSchema& schema = function.schema();
  const size_t count = schema.arguments.size() - first;
  if (args->size() > count) {
    return absl::InvalidArgumentError(absl::StrCat(
        function.name(), "() expected at most ", count,
        " argument(s) but received ", args->size(), " argument(s)."));
  }
  std::vector<Value*> values;
  for (size_t i = 0; i < count; ++i) {
    const Argument& argument = schema.arguments[first + i];
    if (i >= args->size()) {
      if (!argument.default_value.has_value()) {
        return absl::InvalidArgumentError(
            absl::StrCat(function.name(), "() is missing value for argument '",
                         argument.name, "'."));
      }
      args->push_back(*argument.default_value);
    }
    IValue& arg = (*args)[i];
    const Type& type = Inner(*argument.type);
    if (arg.is_tensor() && !type.is(TypeKind::kTensor) &&
        !type.is(TypeKind::kAny)) {
      // A number that the script takes is one of the program.
      TANDEM_ASSIGN_OR_RETURN(const Scalar number, arg.AsTensor().Item());
      arg = type.is(TypeKind::kInt)     ? IValue(number.ToInt())
            : type.is(TypeKind::kFloat) ? IValue(number.ToDouble())
            : type.is(TypeKind::kBool)  ? IValue(number.ToBool())
                                        : IValue(number);
    }
    TANDEM_ASSIGN_OR_RETURN(Value * value, ValueOf(arg));
    values.push_back(value);
  }
  return values;
}

absl::Status TracingState::FinishCall(Node* node, const Function& function,
                                      bool requires_grad,
                                      const IValue& result) {
  if (!function.schema().returns.empty()) {
    node->output()->set_type(function.schema().returns[0].type);
  }
  if (requires_grad && eager::GradEnabled()) MarkRequiresGrad(result);
  return SetValue(result, node->output());
}

absl::StatusOr<IValue> TracingState::CallFunction(
    const eager::ScriptFunction& script, std::vector<IValue> args) {
  Function* function = script.function();
  TANDEM_RETURN_IF_ERROR(function->EnsureDefined());
  TANDEM_ASSIGN_OR_RETURN(std::vector<Value*> values,
                          CallArguments(*function, 0, &args));
  units_.push_back(script.unit());
  values.insert(
      values.begin(),
      InsertConstant(IValue(static_cast<const Function*>(function)),
                     Type::FunctionNamed(function->qualified_name())));
  Node* node = Insert(graph_->Create(NodeKind::kCallFunction, values));
  const bool requires_grad =
      std::any_of(args.begin(), args.end(), RequiresGrad);
  const eager::ScopedRecorder none(nullptr);
  TANDEM_ASSIGN_OR_RETURN(IValue result, script.Run(std::move(args)));
  TANDEM_RETURN_IF_ERROR(FinishCall(node, *function, requires_grad, result));
  return result;
}

absl::StatusOr<IValue> TracingState::CallMethod(nn::Module& owner,
                                                const Module& module,
                                                absl::string_view method,
                                                std::vector<IValue> args) {
  TANDEM_ASSIGN_OR_RETURN(Function * function, module.GetMethod(method));
  TANDEM_RETURN_IF_ERROR(function->EnsureDefined());
  TANDEM_ASSIGN_OR_RETURN(Value * self, ValueOf(IValue(module.object())));
  TANDEM_ASSIGN_OR_RETURN(std::vector<Value*> values,
                          CallArguments(*function, 1, &args));
  units_.push_back(module.unit());
  values.insert(values.begin(), self);
  Node* node = Insert(graph_->Create(NodeKind::kCallMethod, values));
  node->SetAttribute("name", std::string(method));
  bool requires_grad = std::any_of(args.begin(), args.end(), RequiresGrad);
  for (const auto& [name, parameter] : module.NamedParameters()) {
    requires_grad = requires_grad || parameter.requires_grad();
  }
  const eager::ScopedRecorder none(nullptr);
  TANDEM_ASSIGN_OR_RETURN(
      IValue result, context_->engine().Call(module, method, std::move(args)));
  TANDEM_RETURN_IF_ERROR(FinishCall(node, *function, requires_grad, result));
  return result;
}

}  // namespace tandem::tracer
