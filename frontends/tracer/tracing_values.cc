// Which values of the graph the values of the program stand for; inputs and
// outputs of a trace.
#include <algorithm>

#include "absl/strings/str_cat.h"
#include "tandem/frontends/tracer/tracing_state.h"
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

}  // namespace

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

}  // namespace tandem::tracer
