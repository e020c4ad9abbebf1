#include "tandem/frontends/tracer/tracing_state.h"

#include <algorithm>

#include "absl/container/inlined_vector.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "tandem/frontends/eager/indexing.h"
#include "tandem/frontends/eager/tensor.h"
#include "tandem/frontends/tracer/warnings.h"
#include "tandem/tensor/status_macros.h"

namespace tandem::tracer {
namespace {

const Type& Inner(const Type& type) {
  return type.is(TypeKind::kOptional) ? *type.element() : type;
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
    Warning(absl::StrCat("Converting a tensor to a ", type, kDataFlow));
  };
  switch (what) {
    case Conversion::kBool:
      warn("Python boolean");
      break;
    case Conversion::kInt:
      warn("Python integer");
      break;
    case Conversion::kFloat:
      warn("Python float");
      break;
    case Conversion::kItem:
      warn(tensor.dim() == 0 || tensor.numel() == 1 ? "Python number"
                                                    : "Python list");
      break;
    case Conversion::kLen:
      Warning(kLen);
      break;
    case Conversion::kIteration:
      Warning(kIteration);
      break;
    case Conversion::kList:
      warn("Python list");
      break;
    case Conversion::kArray:
      warn("NumPy array");
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

}  // namespace tandem::tracer
