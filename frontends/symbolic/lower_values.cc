// Values and operators in the graphs that lower_fx makes.
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "tandem/frontends/symbolic/lowering.h"

namespace tandem::fx::internal {
namespace {

using eager::Throw;

constexpr char kNeedsValue[] =
    "a value that is only known when the program runs decides what the "
    "program is; it cannot be lowered";

// Can a value of type `from` be given to a parameter of type `to`?
bool Accepts(const Type& to, const Type& from) {
  if (to.is(TypeKind::kScalarType) || to.is(TypeKind::kLayout) ||
      to.is(TypeKind::kMemoryFormat)) {
    return from.is(TypeKind::kInt);
  }
  if (to.is(TypeKind::kOptional)) {
    return from.is(TypeKind::kNone) || Accepts(*to.element(), from);
  }
  if (to.is(TypeKind::kNumber)) {
    return from.is(TypeKind::kInt) || from.is(TypeKind::kFloat) ||
           from.is(TypeKind::kComplex) || from.is(TypeKind::kNumber) ||
           from.is(TypeKind::kBool);
  }
  if (to.is(TypeKind::kTensor)) return from.is(TypeKind::kTensor);
  if (to.is(TypeKind::kList) && from.is(TypeKind::kList)) {
    return to.element()->contains_type_variable() ||
           Accepts(*to.element(), *from.element());
  }
  return from.IsSubtypeOf(to);
}

}  // namespace

Value* Lowering::ValueOf(const IValue& v, const Type* wanted) {
  if (v.is_tensor() && v.AsTensor().defined()) {
    const tandem::Tensor& t = v.AsTensor();
    if (Value* value = Lookup(t); value != nullptr) {
      // One integer where the operator has a list of them.
      if (wanted != nullptr && wanted->is(TypeKind::kList) &&
          wanted->element()->is(TypeKind::kInt) &&
          value->type()->is(TypeKind::kInt)) {
        Node* list = graph().Create(NodeKind::kListConstruct, {value});
        list->output()->set_type(Type::List(Type::Int()));
        return graph().Insert(list)->output();
      }
      return value;
    }
    if (t.dtype() == DType::kUndefined) {
      Throw("a symbolic value of another call");
    }
    if (t.impl()->wrapped_number) {
      return graph().InsertConstant(IValue(eager::Unwrap(t.Item())));
    }
    const auto member = frame().members.find(t.impl());
    if (member != frame().members.end()) {
      Value* value = Member(member->second);
      frame().values[t.impl()] = value;
      return value;
    }
    return graph().InsertConstant(v, {}, Type::Tensor());
  }
  if (v.is_tensor()) return graph().InsertConstant(IValue());
  const std::string mark = MarkOf(v);
  if (mark == kDTypeMark || mark == kLayoutMark || mark == kMemoryFormatMark) {
    return graph().InsertConstant(v.AsTuple().values[1]);
  }
  if (!mark.empty()) Throw("a slice or an Ellipsis is no value");
  if (v.is_list() || v.is_tuple()) {
    const bool is_list = v.is_list();
    const std::vector<IValue>& elements =
        is_list ? v.AsList().values : v.AsTuple().values;
    const Type* element = nullptr;
    if (wanted != nullptr && wanted->is(TypeKind::kOptional)) {
      wanted = wanted->element().get();
    }
    if (is_list && wanted != nullptr && wanted->is(TypeKind::kList)) {
      element = wanted->element().get();
    }
    std::vector<Value*> values;
    std::vector<TypePtr> types;
    for (const IValue& e : elements) {
      IValue converted = e;
      if (element != nullptr && element->is(TypeKind::kFloat) && e.is_int()) {
        converted = IValue(static_cast<double>(e.AsInt()));
      }
      values.push_back(ValueOf(converted, element));
      types.push_back(values.back()->type());
    }
    Node* node = graph().Create(
        is_list ? NodeKind::kListConstruct : NodeKind::kTupleConstruct, values);
    if (is_list) {
      TypePtr type;
      if (element != nullptr && !element->contains_type_variable() &&
          !element->is(TypeKind::kNumber)) {
        type = wanted->element();
      } else if (types.empty()) {
        type = v.AsList().element_type;
      } else {
        type = types[0]->is(TypeKind::kTensor) ? Type::Tensor() : types[0];
        for (const TypePtr& t : types) {
          if (!t->IsSubtypeOf(*type)) {
            Throw("a list of values of several types cannot be lowered");
          }
        }
      }
      node->output()->set_type(Type::List(std::move(type)));
    } else {
      node->output()->set_type(Type::Tuple(std::move(types)));
    }
    return graph().Insert(node)->output();
  }
  if (v.is_dict()) {
    std::vector<Value*> values;
    TypePtr key, element;
    for (const auto& [k, e] : v.AsDict().Items()) {
      values.push_back(ValueOf(k));
      values.push_back(ValueOf(e));
      const TypePtr type = values.back()->type();
      if (element != nullptr && !type->Equals(*element)) {
        Throw("a dict of values of several types cannot be lowered");
      }
      key = values[values.size() - 2]->type();
      element = type;
    }
    Node* node = graph().Create(NodeKind::kDictConstruct, values);
    node->output()->set_type(
        Type::Dict(key == nullptr ? Type::Str() : key,
                   element == nullptr ? Type::Tensor() : element));
    return graph().Insert(node)->output();
  }
  if (wanted != nullptr && wanted->is(TypeKind::kFloat) && v.is_int()) {
    return graph().InsertConstant(IValue(static_cast<double>(v.AsInt())));
  }
  return graph().InsertConstant(v);
}

Value* Lowering::Operator_(absl::string_view name, absl::string_view overload,
                           std::vector<Value*> inputs) {
  const Operator* op = operators().Find(name, overload);
  if (op == nullptr) {
    Throw(absl::StrCat("the operator table has no ", name, ".", overload));
  }
  return graph().Insert(graph().Create(op, inputs))->output();
}

// The overload for what the values are: numbers where a recorder saw tensors.
const Operator* Lowering::Select(const Operator& op,
                                 std::vector<Value*>* values) {
  const auto fits = [&](const FunctionSchema& s, size_t count) {
    for (size_t i = 0; i < count; ++i) {
      if (!Accepts(*s.arguments[i].type, *(*values)[i]->type())) return false;
    }
    return true;
  };
  if (fits(op.schema, values->size())) return &op;
  // Without what has its default at the end.
  size_t count = values->size();
  while (count > 0) {
    const tandem::Argument& a = op.schema.arguments[count - 1];
    const std::optional<IValue> constant = ConstantOf((*values)[count - 1]);
    if (!a.default_value.has_value() || !constant.has_value() ||
        !Equal(*constant, *a.default_value)) {
      break;
    }
    --count;
  }
  std::vector<std::string> names = {op.schema.name};
  if (op.schema.name == "aten::floor_divide") names.push_back("aten::floordiv");
  if (op.schema.name == "aten::rsub") {
    names = {"aten::sub"};
    std::swap((*values)[0], (*values)[1]);
  }
  for (const std::string& name : names) {
    for (const Operator* other : operators().Overloads(name)) {
      const FunctionSchema& s = other->schema;
      if (s.arguments.size() < count || !fits(s, count)) continue;
      bool complete = true;
      for (size_t i = count; i < s.arguments.size(); ++i) {
        complete = complete && s.arguments[i].default_value.has_value();
      }
      if (!complete) continue;
      values->resize(count);
      for (size_t i = count; i < s.arguments.size(); ++i) {
        values->push_back(
            ValueOf(*s.arguments[i].default_value, s.arguments[i].type.get()));
      }
      return other;
    }
  }
  // A number stands for a tensor.
  for (size_t i = 0; i < values->size(); ++i) {
    const std::optional<IValue> constant = ConstantOf((*values)[i]);
    if (op.schema.arguments[i].type->is(TypeKind::kTensor) &&
        constant.has_value() && constant->is_scalar()) {
      (*values)[i] = graph().InsertConstant(
          IValue(
              eager::Unwrap(tandem::Tensor::FromScalar(constant->AsScalar()))),
          {}, Type::Tensor());
    }
  }
  if (fits(op.schema, values->size())) return &op;
  std::vector<std::string> types;
  for (Value* v : *values) types.push_back(v->type()->ToAnnotation());
  Throw(absl::StrCat(op.schema.ToString(), " does not take (",
                     absl::StrJoin(types, ", "), ")"));
}

absl::Status Lowering::Call(const eager::RecordedCall& call,
                            eager::Results* results) {
  return eager::Try([&] {
    const FunctionSchema& schema = call.op.schema;
    std::vector<Value*> values;
    for (size_t i = 0; i < schema.arguments.size(); ++i) {
      values.push_back(ValueOf(call.args[i], schema.arguments[i].type.get()));
    }
    const Operator* op = Select(call.op, &values);
    Node* node = graph().Insert(graph().Create(op, values));
    results->clear();
    if (op->schema.is_mutable() && call.args[0].is_tensor() &&
        node->outputs().size() == 1) {
      // What comes after sees the same tensor.
      results->push_back(Symbol(node->output()));
      return;
    }
    for (Value* v : node->outputs()) {
      if (v->type()->is(TypeKind::kList) &&
          v->type()->element()->is(TypeKind::kTensor) && call.args.size() > 1) {
        // A list in C++ has a length: as many as the operator is asked for.
        int64_t count = -1;
        for (size_t i = 0; i < schema.arguments.size(); ++i) {
          const IValue& a = call.args[i];
          const std::string& name = schema.arguments[i].name;
          if ((name == "chunks" || name == "sections") && a.is_int()) {
            count = a.AsInt();
          } else if (name == "split_sizes" && a.is_list()) {
            count = a.AsList().values.size();
          }
        }
        if (count < 0 || count > 10000) Throw(kNeedsValue);
        std::vector<IValue> items;
        for (int64_t i = 0; i < count; ++i) {
          Value* index = graph().InsertConstant(IValue(i));
          Value* item = Operator_("aten::__getitem__", "t", {v, index});
          item->set_type(Type::Tensor());
          items.push_back(Symbol(item));
        }
        results->push_back(IValue(MakeList(Type::Tensor(), std::move(items))));
        continue;
      }
      results->push_back(Symbol(v));
    }
  });
}

absl::Status Lowering::Convert(const tandem::Tensor& tensor,
                               eager::Conversion what) {
  if (tensor.dtype() != DType::kUndefined) return absl::OkStatus();
  return absl::InvalidArgumentError(kNeedsValue);
}

}  // namespace tandem::fx::internal
