#include "tandem/frontends/tracer/tracing_state.h"

#include <algorithm>

#include "absl/container/inlined_vector.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "tandem/frontends/eager/indexing.h"
#include "tandem/frontends/eager/script_function.h"
#include "tandem/frontends/eager/tensor.h"
#include "tandem/frontends/nn/script_module.h"
#include "tandem/frontends/tracer/warnings.h"
#include "tandem/ir/class_type.h"
#include "tandem/tensor/print.h"
#include "tandem/tensor/status_macros.h"

namespace tandem::tracer {
namespace {

const Type& Inner(const Type& type) {
  return type.is(TypeKind::kOptional) ? *type.element() : type;
}

bool IsPlainTensorType(const TypePtr& type) {
  const TensorType* tensor = type->AsTensor();
  return tensor != nullptr && !(tensor->details().dtype.has_value() &&
                                tensor->details().sizes.has_value());
}

// "Long(device=cpu)": what a number has become.
TypePtr NumberType(const Tensor& number) {
  TensorType::Details details;
  details.dtype = number.dtype();
  details.device = number.device();
  return TensorType::Create(std::move(details));
}

bool HasTensors(const FunctionSchema& schema) {
  return std::any_of(schema.arguments.begin(), schema.arguments.end(),
                     [](const Argument& a) {
                       const Type& type = Inner(*a.type);
                       return type.is(TypeKind::kTensor) ||
                              (type.is(TypeKind::kList) &&
                               Inner(*type.element()).is(TypeKind::kTensor));
                     });
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

bool IsDifferentiable(const Operator& op) {
  const absl::string_view name = op.schema.name;
  return !absl::EndsWith(name, "_like") &&
         !absl::StartsWith(name, "aten::new_") && name != "aten::detach" &&
         name != "aten::detach_";
}

bool RequiresGrad(const IValue& v) {
  if (v.is_tensor())
    return v.AsTensor().defined() && v.AsTensor().requires_grad();
  const std::vector<IValue>* elements = v.is_list()    ? &v.AsList().values
                                        : v.is_tuple() ? &v.AsTuple().values
                                                       : nullptr;
  return elements != nullptr &&
         std::any_of(elements->begin(), elements->end(), RequiresGrad);
}

void MarkRequiresGrad(const IValue& v) {
  if (v.is_tensor()) {
    const Tensor& t = v.AsTensor();
    if (t.defined() && (IsFloatingPoint(t.dtype()) || IsComplex(t.dtype()))) {
      t.impl()->requires_grad = true;
    }
  } else if (v.is_list()) {
    for (const IValue& e : v.AsList().values) MarkRequiresGrad(e);
  } else if (v.is_tuple()) {
    for (const IValue& e : v.AsTuple().values) MarkRequiresGrad(e);
  } else if (v.is_dict()) {
    v.AsDict().ForEach(
        [](const IValue&, const IValue& e) { MarkRequiresGrad(e); });
  }
}

TracingState::TracingState(eager::Context* context, bool strict, Warn warn)
    : context_(context), strict_(strict), warn_(std::move(warn)) {
  frames_.emplace_back();
}

void TracingState::Warning(const std::string& text) const { warn_(text); }

Node* TracingState::Insert(Node* node) {
  if (!scope_.empty()) node->set_scope(scope_);
  return graph_->Insert(node);
}

Value* TracingState::InsertConstant(IValue value, TypePtr type) {
  return Insert(graph_->CreateConstant(std::move(value), std::move(type)))
      ->output();
}

absl::StatusOr<Value*> TracingState::InsertOperator(
    absl::string_view name, absl::string_view overload,
    absl::Span<Value* const> inputs) {
  const Operator* op = context_->operators().Find(name, overload);
  if (op == nullptr) {
    return absl::UnimplementedError(
        absl::StrCat("the operator table has no ", name, ".", overload));
  }
  return Insert(graph_->Create(op, inputs))->output();
}

Value* TracingState::InsertList(TypePtr element,
                                absl::Span<Value* const> values) {
  Node* node = Insert(graph_->Create(NodeKind::kListConstruct, values));
  node->output()->set_type(Type::List(std::move(element)));
  return node->output();
}

absl::StatusOr<Value*> TracingState::InsertItem(Value* dict,
                                                const IValue& key) {
  Value* at = nullptr;
  TANDEM_ASSIGN_OR_RETURN(at, ValueOf(key));
  const char* overload = key.is_string()   ? "Dict_str"
                         : key.is_int()    ? "Dict_int"
                         : key.is_tensor() ? "Dict_Tensor"
                         : key.is_double() ? "Dict_float"
                                           : "Dict_bool";
  return InsertOperator("aten::__getitem__", overload, {dict, at});
}

// ---- What the program's values stand for

absl::StatusOr<Value*> TracingState::ValueOfTensor(const Tensor& t) {
  if (!t.defined()) return InsertNone();
  const auto it = tensors_.find(t.impl());
  if (it != tensors_.end()) {
    Value* value = it->second.value;
    if (!value->has_name()) {
      const auto& names = frames_.back().names;
      for (auto name = names.rbegin(); name != names.rend(); ++name) {
        if (name->first.is_same(t)) {
          value->SetName(name->second);
          break;
        }
      }
    }
    return value;
  }
  if (t.requires_grad()) {
    const absl::StatusOr<std::string> text = TensorToString(t);
    return absl::InvalidArgumentError(absl::StrCat(
        "Cannot insert a Tensor that requires grad as a constant. Consider "
        "making it a parameter or input, or detaching the gradient\nTensor:\n",
        text.ok() ? *text : std::string(text.status().message())));
  }
  Value* constant = InsertConstant(IValue(t), TensorType::Of(t));
  tensors_[t.impl()] = {t, constant};
  return constant;
}

absl::StatusOr<Value*> TracingState::ValueOf(const IValue& v) {
  if (v.is_none()) return InsertNone();
  if (v.is_tensor()) return ValueOfTensor(v.AsTensor());
  if (v.is_list() && Inner(*v.AsList().element_type).is(TypeKind::kTensor)) {
    std::vector<Value*> values;
    for (const IValue& e : v.AsList().values) {
      TANDEM_ASSIGN_OR_RETURN(Value * value, ValueOf(e));
      values.push_back(value);
    }
    return InsertList(v.AsList().element_type, values);
  }
  if (v.is_tuple()) {
    std::vector<Value*> values;
    std::vector<TypePtr> types;
    for (const IValue& e : v.AsTuple().values) {
      TANDEM_ASSIGN_OR_RETURN(Value * value, ValueOf(e));
      values.push_back(value);
      types.push_back(value->type());
    }
    Node* node = Insert(graph_->Create(NodeKind::kTupleConstruct, values));
    node->output()->set_type(Type::Tuple(std::move(types)));
    return node->output();
  }
  if (v.is_object()) {
    const auto it = objects_.find(&v.AsObject());
    if (it != objects_.end()) return it->second;
    return absl::InvalidArgumentError(absl::StrCat(
        "Tried to trace <", v.AsObject().type()->name(),
        " object> but it is not part of the active trace. Modules that are "
        "called during a trace must be registered as submodules of the thing "
        "being traced."));
  }
  if (v.is_future() || v.is_dict() || v.is_opaque()) {
    return absl::InvalidArgumentError(
        absl::StrCat("Tracer cannot get value trace for type ",
                     v.TypeOf()->ToAnnotation(), "."));
  }
  return InsertConstant(v);
}

void TracingState::SetTensor(const Tensor& t, Value* value) {
  if (!t.defined()) return;
  tensors_[t.impl()] = {t, value};
  if (IsPlainTensorType(value->type())) value->set_type(TensorType::Of(t));
  if (tensors_.size() > sweep_at_) Sweep();
}

// Forgets the tensors that the program can name no more.
void TracingState::Sweep() {
  for (auto it = tensors_.begin(); it != tensors_.end();) {
    if (it->second.tensor.impl()->unique()) {
      tensors_.erase(it++);
    } else {
      ++it;
    }
  }
  sweep_at_ = std::max<size_t>(256, 2 * tensors_.size());
}

absl::Status TracingState::SetValue(const IValue& v, Value* value) {
  if (v.is_tensor()) {
    SetTensor(v.AsTensor(), value);
    return absl::OkStatus();
  }
  if (v.is_tuple() || v.is_list()) {
    const std::vector<IValue>& elements =
        v.is_tuple() ? v.AsTuple().values : v.AsList().values;
    Node* unpack = Insert(graph_->Create(
        v.is_tuple() ? NodeKind::kTupleUnpack : NodeKind::kListUnpack, {value},
        elements.size()));
    for (size_t i = 0; i < elements.size(); ++i) {
      const absl::Span<const TypePtr> types = value->type()->elements();
      if (v.is_list() && !types.empty()) {
        unpack->output(i)->set_type(types[0]);
      } else if (v.is_tuple() && i < types.size()) {
        unpack->output(i)->set_type(types[i]);
      }
      TANDEM_RETURN_IF_ERROR(SetValue(elements[i], unpack->output(i)));
    }
    return absl::OkStatus();
  }
  if (v.is_dict()) {
    const DictObject& dict = v.AsDict();
    if (!dict.value_type->is(TypeKind::kTensor)) return absl::OkStatus();
    for (const auto& [key, element] : dict.Items()) {
      TANDEM_ASSIGN_OR_RETURN(Value * item, InsertItem(value, key));
      item->set_type(dict.value_type);
      SetTensor(element.AsTensor(), item);
    }
    return absl::OkStatus();
  }
  if (v.is_object()) {
    objects_[&v.AsObject()] = value;
    return absl::OkStatus();
  }
  return absl::InvalidArgumentError(absl::StrCat(
      "Tracer cannot set value trace for type ", v.TypeOf()->ToAnnotation(),
      ". Supported types are tensor, tensor list, and tuple of tensors."));
}

// ---- Ends of the trace

void TracingState::GatherAttributes(const Module& module, Value* value,
                                    const std::string& path) {
  objects_[module.object().get()] = value;
  const ClassType& type = module.type();
  for (size_t i = 0; i < type.attributes().size(); ++i) {
    const ClassType::Attribute& a = type.attributes()[i];
    const IValue v = module.object()->Get(i);
    const bool is_module = v.is_object() && v.AsObject().type()->is_module();
    if (!is_module && !v.is_tensor()) continue;
    Node* read = graph_->Insert(graph_->Create(NodeKind::kTracedAttr));
    std::string inner = absl::StrCat(path, ".", a.name);
    read->SetAttribute(kScope, inner);
    read->output()->set_type(is_module ? a.type : TensorType::Of(v.AsTensor()));
    if (is_module) {
      GatherAttributes(Module(module.unit(), v.AsRef<ModuleObject>()),
                       read->output(), inner);
    } else if (!tensors_.contains(v.AsTensor().impl())) {
      // A tensor of two places is known by the first.
      tensors_[v.AsTensor().impl()] = {v.AsTensor(), read->output()};
    }
  }
}

void TracingState::SetSelf(const Module& self, ModulePaths paths) {
  paths_ = std::move(paths);
  Value* value = graph_->AddInput("self", self.type().shared());
  GatherAttributes(self, value, "__module");
}

absl::StatusOr<IValue> TracingState::AddInputValue(const IValue& input,
                                                   Value* value) {
  if (input.is_tensor() && input.AsTensor().defined()) {
    Tensor t = input.AsTensor();
    if (tensors_.contains(t.impl())) {
      // The same tensor twice: the second is another one over its elements.
      const bool requires_grad = t.requires_grad();
      TANDEM_ASSIGN_OR_RETURN(t,
                              t.AsStrided(t.sizes(), t.strides(), t.offset()));
      t.impl()->requires_grad = requires_grad;
    }
    value->set_type(TensorType::Of(t));
    SetTensor(t, value);
    return IValue(std::move(t));
  }
  if (input.is_tuple()) {
    std::vector<IValue> elements = input.AsTuple().values;
    Node* unpack = Insert(
        graph_->Create(NodeKind::kTupleUnpack, {value}, elements.size()));
    std::vector<TypePtr> types;
    for (size_t i = 0; i < elements.size(); ++i) {
      TANDEM_ASSIGN_OR_RETURN(elements[i],
                              AddInputValue(elements[i], unpack->output(i)));
      types.push_back(unpack->output(i)->type());
    }
    value->set_type(Type::Tuple(std::move(types)));
    return IValue(MakeTuple(std::move(elements)));
  }
  if (input.is_list()) {
    const TypePtr element = input.AsList().element_type;
    std::vector<IValue> elements = input.AsList().values;
    value->set_type(Type::List(element));
    Node* unpack =
        Insert(graph_->Create(NodeKind::kListUnpack, {value}, elements.size()));
    for (size_t i = 0; i < elements.size(); ++i) {
      unpack->output(i)->set_type(element);
      TANDEM_ASSIGN_OR_RETURN(elements[i],
                              AddInputValue(elements[i], unpack->output(i)));
    }
    return IValue(MakeList(element, std::move(elements)));
  }
  if (input.is_dict()) {
    const DictObject& dict = input.AsDict();
    value->set_type(Type::Dict(dict.key_type, dict.value_type));
    Ref<DictObject> copy = MakeDict(dict.key_type, dict.value_type);
    for (const auto& [key, element] : dict.Items()) {
      TANDEM_ASSIGN_OR_RETURN(Value * item, InsertItem(value, key));
      item->set_type(dict.value_type);
      TANDEM_ASSIGN_OR_RETURN(IValue known, AddInputValue(element, item));
      copy->Set(key, std::move(known));
    }
    return IValue(std::move(copy));
  }
  return absl::InvalidArgumentError(
      absl::StrCat("Only tensors or (possibly nested) dict or tuples of "
                   "tensors can be inputs to traced functions. Got ",
                   input.TypeOf()->ToAnnotation()));
}

absl::StatusOr<IValue> TracingState::AddInput(const IValue& input,
                                              absl::string_view name) {
  return AddInputValue(input, graph_->AddInput(name, Type::Tensor()));
}

absl::StatusOr<Value*> TracingState::OutputOf(const IValue& v) {
  constexpr char kOnly[] =
      "Only tensors, lists, tuples of tensors, or dictionary of tensors can be "
      "output from traced functions";
  if (v.is_tensor()) {
    if (!v.AsTensor().defined()) return InsertNone();
    const auto it = tensors_.find(v.AsTensor().impl());
    if (it != tensors_.end()) return it->second.value;
    const absl::StatusOr<std::string> text = TensorToString(v.AsTensor());
    return absl::InvalidArgumentError(absl::StrCat(
        "output 1 (", text.ok() ? *text : "",
        ") of traced region did not have observable data dependence with trace "
        "inputs; this probably indicates your program cannot be understood by "
        "the tracer."));
  }
  if (v.is_tuple() || v.is_list()) {
    const bool is_list = v.is_list();
    if (is_list && !v.AsList().element_type->is(TypeKind::kTensor)) {
      return absl::InvalidArgumentError(kOnly);
    }
    if (is_list && strict_) {
      Warning(absl::StrCat("Encountering a list at the output of the tracer",
                           kStrict));
    }
    std::vector<Value*> values;
    std::vector<TypePtr> types;
    for (const IValue& e : is_list ? v.AsList().values : v.AsTuple().values) {
      TANDEM_ASSIGN_OR_RETURN(Value * value, OutputOf(e));
      values.push_back(value);
      types.push_back(value->type());
    }
    if (is_list) return InsertList(Type::Tensor(), values);
    Node* node = Insert(graph_->Create(NodeKind::kTupleConstruct, values));
    node->output()->set_type(Type::Tuple(std::move(types)));
    return node->output();
  }
  if (v.is_dict()) {
    if (strict_) {
      return absl::InvalidArgumentError(absl::StrCat(
          "Encountering a dict at the output of the tracer", kStrict));
    }
    const DictObject& dict = v.AsDict();
    std::vector<Value*> values;
    for (const auto& [key, element] : dict.Items()) {
      TANDEM_ASSIGN_OR_RETURN(Value * at, ValueOf(key));
      TANDEM_ASSIGN_OR_RETURN(Value * value, OutputOf(element));
      values.push_back(at);
      values.push_back(value);
    }
    Node* node = Insert(graph_->Create(NodeKind::kDictConstruct, values));
    node->output()->set_type(Type::Dict(dict.key_type, dict.value_type));
    return node->output();
  }
  return absl::InvalidArgumentError(kOnly);
}

absl::Status TracingState::AddOutput(const IValue& output) {
  if (output.is_none()) {
    return absl::InvalidArgumentError(
        "The traced function didn't return any values! Side-effects are not "
        "captured in traces, so it would be a no-op.");
  }
  TANDEM_ASSIGN_OR_RETURN(Value * value, OutputOf(output));
  graph_->AddOutput(value);
  return absl::OkStatus();
}

// ---- Operators

absl::StatusOr<Value*> TracingState::NumberOf(const Type& type, IValue* arg) {
  if (!arg->is_tensor()) return InsertConstant(*arg);
  const Tensor t = arg->AsTensor();
  TANDEM_ASSIGN_OR_RETURN(Value * value, ValueOfTensor(t));
  TANDEM_ASSIGN_OR_RETURN(const Scalar number, t.Item());
  const WithInsertPoint after(graph_.get(), value->node()->next());
  switch (type.kind()) {
    case TypeKind::kInt:
      *arg = IValue(number.ToInt());
      return InsertOperator("aten::Int", "Tensor", {value});
    case TypeKind::kFloat:
      *arg = IValue(number.ToDouble());
      return InsertOperator("aten::Float", "Tensor", {value});
    default:
      *arg = IValue(number);
      return InsertOperator("aten::ScalarImplicit", "", {value});
  }
}

absl::StatusOr<Value*> TracingState::ArgumentOf(const Type& declared,
                                                IValue* arg) {
  if (arg->is_none()) return InsertNone();
  const Type& type = Inner(declared);
  if (type.is(TypeKind::kTensor)) return ValueOfTensor(arg->AsTensor());
  if (arg->is_tensor()) return NumberOf(type, arg);
  if (!arg->is_list()) {
    // A generator cannot be recorded; it draws where the trace runs.
    if (arg->is_generator()) return InsertNone();
    return InsertConstant(*arg);
  }
  const TypePtr element = arg->AsList().element_type;
  std::vector<IValue> elements = arg->AsList().values;
  absl::InlinedVector<Value*, 8> values;
  bool replaced = false;
  for (IValue& e : elements) {
    Value* value = nullptr;
    if (Inner(*element).is(TypeKind::kTensor)) {
      TANDEM_ASSIGN_OR_RETURN(value, ValueOf(e));
    } else {
      replaced = replaced || e.is_tensor();
      TANDEM_ASSIGN_OR_RETURN(value, NumberOf(*element, &e));
    }
    values.push_back(value);
  }
  if (replaced) *arg = IValue(MakeList(element, std::move(elements)));
  return InsertList(element, values);
}

absl::Status TracingState::Call(const eager::RecordedCall& call,
                                eager::Results* results) {
  const FunctionSchema& schema = call.op.schema;
  bool has_grad = false;
  absl::InlinedVector<Value*, 12> inputs;
  for (size_t i = 0; i < call.args.size(); ++i) {
    IValue& arg = call.args[i];
    const Argument& argument = schema.arguments[i];
    has_grad = has_grad || RequiresGrad(arg);
    if (arg.is_none() && argument.is_out == false) {
      // Python's parser fills these in where they are not given.
      if (argument.name == "pin_memory" && schema.name != "aten::to") {
        arg = IValue(false);
      } else if (argument.name == "device" &&
                 Inner(*argument.type).is(TypeKind::kDevice) &&
                 schema.ArgumentIndex("pin_memory").has_value()) {
        auto [it, is_new] = is_factory_.try_emplace(&call.op, false);
        if (is_new) it->second = !HasTensors(schema);
        if (it->second) arg = IValue(Device());
      }
    }
    TANDEM_ASSIGN_OR_RETURN(Value * value, ArgumentOf(*argument.type, &arg));
    inputs.push_back(value);
  }
  TANDEM_RETURN_IF_ERROR(context_->Run(call.op, call.args, results));
  if (has_grad && eager::GradEnabled() && IsDifferentiable(call.op)) {
    for (const IValue& r : *results) MarkRequiresGrad(r);
  }
  Node* node = Insert(graph_->Create(&call.op, inputs));
  for (size_t i = 0; i < results->size(); ++i) {
    const IValue& r = (*results)[i];
    Value* value = node->output(i);
    if (r.is_tensor() && r.AsTensor().defined()) {
      value->set_type(TensorType::Of(r.AsTensor()));
      SetTensor(r.AsTensor(), value);
    } else if (r.is_list() && r.AsList().element_type->is(TypeKind::kTensor)) {
      value->set_type(Type::List(Type::Tensor()));
      TANDEM_RETURN_IF_ERROR(SetValue(r, value));
    }
  }
  return absl::OkStatus();
}

absl::Status TracingState::Convert(const Tensor& tensor,
                                   eager::Conversion what) {
  using eager::Conversion;
  const auto warn = [&](const char* type) {
    Warning(absl::StrCat("Converting a tensor to a Python ", type, kDataFlow));
  };
  switch (what) {
    case Conversion::kBool:
      warn("boolean");
      break;
    case Conversion::kInt:
      warn("integer");
      break;
    case Conversion::kFloat:
      warn("float");
      break;
    case Conversion::kItem:
      warn(tensor.dim() == 0 || tensor.numel() == 1 ? "number" : "list");
      break;
    case Conversion::kLen:
      Warning(kLen);
      break;
    case Conversion::kIndex:  // silent, as __index__ is
    case Conversion::kMetadata:
      break;
  }
  return absl::OkStatus();
}

absl::StatusOr<Tensor> TracingState::Size(const Tensor& tensor, Extent extent,
                                          int64_t dim) {
  if (extent == Extent::kDim) return Tensor();
  TANDEM_ASSIGN_OR_RETURN(Value * value, ValueOfTensor(tensor));
  Value* size = nullptr;
  int64_t number = 0;
  if (extent == Extent::kSize) {
    TANDEM_ASSIGN_OR_RETURN(const int64_t at, WrapDim(dim, tensor.dim()));
    number = tensor.size(at);
    TANDEM_ASSIGN_OR_RETURN(
        size, InsertOperator("aten::size", "int",
                             {value, InsertConstant(IValue(dim))}));
  } else {
    number = tensor.numel();
    TANDEM_ASSIGN_OR_RETURN(size, InsertOperator("aten::numel", "", {value}));
  }
  TANDEM_ASSIGN_OR_RETURN(
      Value * as_tensor, InsertOperator("prim::NumToTensor", "Scalar", {size}));
  TANDEM_ASSIGN_OR_RETURN(Tensor symbol, Tensor::FromScalar(Scalar(number)));
  as_tensor->set_type(NumberType(symbol));
  tensors_[symbol.impl()] = {symbol, as_tensor};
  return symbol;
}

absl::StatusOr<bool> TracingState::SetIndex(
    const Tensor& self, absl::Span<const eager::IndexItem> items,
    const IValue& value) {
  using Kind = eager::IndexItem::Kind;
  for (const eager::IndexItem& item : items) {
    if (item.kind() == Kind::kTensor || item.kind() == Kind::kBool) {
      return false;
    }
  }
  const bool is_number = !value.is_tensor();
  if (!is_number && value.AsTensor().dim() != 0) return false;
  // One number for all elements fills them.
  return eager::Try([&] {
    const eager::Tensor target = eager::GetItem(eager::Tensor(self), items);
    if (is_number) {
      target.fill_(eager::Number(value.AsScalar()));
    } else {
      target.fill_(eager::Tensor(value.AsTensor()));
    }
    return true;
  });
}

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

absl::StatusOr<std::optional<IValue>> TracingState::EnterFunction(
    absl::string_view name, std::vector<IValue>* args) {
  if (name != "torch.tensor" || args->size() != 1) return std::nullopt;
  Warning(absl::StrCat(name, kConstructor));
  const Operator* to = context_->operators().Find("aten::to", "device");
  const Operator* detach = context_->operators().Find("aten::detach", "");
  if (to == nullptr || detach == nullptr) return std::nullopt;
  const Tensor constant = (*args)[0].AsTensor();
  std::vector<IValue> to_args = {IValue(constant),
                                 IValue(constant.device()),
                                 IValue(static_cast<int64_t>(constant.dtype())),
                                 IValue(false),
                                 IValue(false),
                                 IValue()};
  eager::Results results;
  TANDEM_RETURN_IF_ERROR(Call(
      {*to, absl::MakeSpan(to_args), eager::Spelling::kFunction}, &results));
  std::vector<IValue> detach_args = {results[0]};
  TANDEM_RETURN_IF_ERROR(
      Call({*detach, absl::MakeSpan(detach_args), eager::Spelling::kFunction},
           &results));
  return std::optional<IValue>(results[0]);
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
