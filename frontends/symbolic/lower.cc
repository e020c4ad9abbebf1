#include "tandem/frontends/symbolic/lower.h"

#include <algorithm>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "tandem/frontends/eager/context.h"
#include "tandem/frontends/symbolic/interpreter.h"
#include "tandem/ir/verifier.h"
#include "tandem/tensor/status_macros.h"

namespace tandem::fx {
namespace {

using eager::Throw;
using nn::Tensor;

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

Lowering::Instance& Lowering::InstanceOf(nn::Module& module) {
  const auto found = instances_.find(&module);
  if (found != instances_.end()) return found->second;
  // PyTorch's names; the second class of a name is mangled.
  const std::string qualified = module.qualified_name();
  std::string name = absl::StrCat("__torch__.", qualified);
  const size_t point = name.rfind('.');
  for (int i = 0; unit_->FindType(name) != nullptr; ++i) {
    name = absl::StrCat("__torch__.", qualified);
    name.insert(point, absl::StrCat(".___torch_mangle_", i));
  }
  ClassType* type = unit_->AddClass(name, /*is_module=*/true);
  std::vector<std::pair<std::string, IValue>> values;
  const auto add = [&](ClassType::Attribute a, IValue v) {
    values.emplace_back(a.name, std::move(v));
    eager::ThrowIfError(type->AddAttribute(std::move(a)));
  };
  for (const nn::Module::Parameter& p : module.own_parameters()) {
    ClassType::Attribute a;
    a.name = p.name;
    a.type = p.tensor.defined() ? Type::Tensor() : Type::None();
    a.is_parameter = p.tensor.defined();
    add(std::move(a), eager::ToIValue(p.tensor));
  }
  for (const nn::Module::Buffer& b : module.own_buffers()) {
    ClassType::Attribute a;
    a.name = b.name;
    a.type = b.tensor.defined() ? Type::Tensor() : Type::None();
    a.is_buffer = b.tensor.defined();
    add(std::move(a), eager::ToIValue(b.tensor));
  }
  ClassType::Attribute training;
  training.name = "training";
  training.type = Type::Bool();
  add(std::move(training), IValue(module.training()));
  for (const nn::Module::Child& c : module.children()) {
    if (c.module == nullptr) continue;
    Instance& child = InstanceOf(*c.module);
    ClassType::Attribute a;
    a.name = c.name;
    a.type = child.type->shared();
    add(std::move(a), IValue(child.object));
  }
  Instance instance{type, NewObject(*type), {}};
  for (auto& [attribute, value] : values) {
    eager::ThrowIfError(instance.object->SetAttribute(attribute, value));
  }
  return instances_.emplace(&module, std::move(instance)).first->second;
}

void Lowering::Push(nn::Module& module) {
  Instance& instance = InstanceOf(module);
  Frame f;
  f.module = &module;
  f.graph = std::make_unique<tandem::Graph>();
  f.objects[""] = f.graph->AddInput("self", instance.type->shared());
  tandem::Argument self;
  self.name = "self";
  self.type = instance.type->shared();
  f.schema.arguments.push_back(std::move(self));
  for (const auto& [name, t] : module.named_parameters()) {
    f.members.try_emplace(t.raw().impl(), name);
  }
  for (const auto& [name, t] : module.named_buffers()) {
    f.members.try_emplace(t.raw().impl(), name);
  }
  frames_.push_back(std::move(f));
}

void Lowering::AddParameter(const std::string& name, TypePtr type) {
  tandem::Argument a;
  a.name = name;
  a.type = std::move(type);
  frame().schema.arguments.push_back(std::move(a));
}

Function* Lowering::Pop(const IValue& result) {
  Value* value = ValueOf(result);
  graph().AddOutput(value);
  Frame f = std::move(frames_.back());
  frames_.pop_back();
  Instance& instance = InstanceOf(*f.module);
  std::string name = "forward";
  for (int i = 1; instance.type->FindMethod(name) != nullptr; ++i) {
    name = absl::StrCat("forward", i);
  }
  Function* method = unit_->AddMethod(instance.type, name);
  instance.type->AddMethod(method);
  f.schema.name = name;
  tandem::Argument returns;
  returns.type = value->type();
  f.schema.returns.push_back(std::move(returns));
  method->set_schema(std::move(f.schema));
  method->set_graph(std::move(f.graph));
  instance.methods[f.key] = method;
  return method;
}

Value* Lowering::ObjectAt(const std::string& path) {
  Value*& object = frame().objects[path];
  if (object != nullptr) return object;
  const size_t point = path.rfind('.');
  const std::string prefix =
      point == std::string::npos ? "" : path.substr(0, point);
  const std::string name =
      point == std::string::npos ? path : path.substr(point + 1);
  nn::Module* module = frame().module->FindModule(path);
  if (module == nullptr) Throw(absl::StrCat("there is no module ", path));
  Value* parent = ObjectAt(prefix);
  Node* node = graph().Create(NodeKind::kGetAttr, {parent});
  node->SetAttribute("name", name);
  node->output()->set_type(InstanceOf(*module).type->shared());
  node->output()->SetName(absl::StrReplaceAll(path, {{".", "_"}}));
  graph().Insert(node);
  return frame().objects[path] = node->output();
}

Value* Lowering::Member(const std::string& path) {
  const size_t point = path.rfind('.');
  Value* parent =
      ObjectAt(point == std::string::npos ? "" : path.substr(0, point));
  Node* node = graph().Create(NodeKind::kGetAttr, {parent});
  node->SetAttribute(
      "name", point == std::string::npos ? path : path.substr(point + 1));
  node->output()->SetName(absl::StrReplaceAll(path, {{".", "_"}}));
  return graph().Insert(node)->output();
}

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

absl::StatusOr<tandem::Tensor> Lowering::Size(const tandem::Tensor& tensor,
                                              Extent extent, int64_t dim) {
  if (tensor.dtype() != DType::kUndefined) return tandem::Tensor();
  return eager::Try([&] {
    Value* x = ValueOf(IValue(tensor));
    Value* v = nullptr;
    if (x->type()->is(TypeKind::kList)) {
      // len() of a shape.
      v = Operator_("aten::len", "t", {x});
    } else if (extent == Extent::kSize) {
      v = Operator_("aten::size", "int",
                    {x, graph().InsertConstant(IValue(dim))});
    } else {
      v = Operator_(extent == Extent::kNumel ? "aten::numel" : "aten::dim", "",
                    {x});
    }
    return Symbol(v).AsTensor();
  });
}

absl::StatusOr<eager::IntList> Lowering::Shape(const tandem::Tensor& tensor) {
  if (tensor.dtype() != DType::kUndefined) {
    return eager::IntList(tensor.sizes());
  }
  return eager::Try([&] {
    Value* v = Operator_("aten::size", "", {ValueOf(IValue(tensor))});
    return eager::IntList::Symbolic(Symbol(v).AsTensor());
  });
}

absl::StatusOr<eager::Int> Lowering::ShapeItem(const tandem::Tensor& shape,
                                               int64_t i) {
  return eager::Try([&] {
    Value* container = ValueOf(IValue(shape));
    const Type& type = *container->type();
    Value* index = graph().InsertConstant(IValue(i));
    Value* item = nullptr;
    if (type.is(TypeKind::kTuple)) {
      const int64_t size = type.elements().size();
      const int64_t at = i < 0 ? i + size : i;
      if (at < 0 || at >= size) Throw("tuple index out of range");
      Node* node = graph().Create(NodeKind::kTupleIndex, {container, index});
      node->output()->set_type(type.element(at));
      item = graph().Insert(node)->output();
    } else if (type.is(TypeKind::kList)) {
      item = Operator_("aten::__getitem__", "t", {container, index});
      item->set_type(type.element());
    } else if (type.is(TypeKind::kTensor)) {
      item = Operator_("aten::select", "int",
                       {container, graph().InsertConstant(IValue(0)), index});
    } else {
      Throw(absl::StrCat("a ", type.ToAnnotation(), " has no elements"));
    }
    return eager::Int(0, Symbol(item).AsTensor());
  });
}

Value* Lowering::Views(Value* x, absl::Span<const eager::IndexItem> items,
                       std::vector<Value*>* indices) {
  using Kind = eager::IndexItem::Kind;
  const auto takes_dim = [](const eager::IndexItem& i) {
    return i.kind() == Kind::kInt || i.kind() == Kind::kSlice ||
           i.kind() == Kind::kTensor;
  };
  int64_t dim = 0;
  int64_t behind = 0;  // dims of items from here on, past an Ellipsis
  bool from_end = false;
  for (size_t i = 0; i < items.size(); ++i) {
    const eager::IndexItem& item = items[i];
    const auto at = [&] {
      return graph().InsertConstant(IValue(from_end ? -behind : dim));
    };
    switch (item.kind()) {
      case Kind::kNone:
        x = Operator_(
            "aten::unsqueeze", "",
            {x, graph().InsertConstant(IValue(from_end ? -behind - 1 : dim))});
        if (!from_end) ++dim;
        break;
      case Kind::kEllipsis:
        from_end = true;
        behind = std::count_if(items.begin() + i, items.end(), takes_dim);
        break;
      case Kind::kInt:
        x = Operator_("aten::select", "int",
                      {x, at(), IntValue(item.integer())});
        if (from_end) --behind;
        break;
      case Kind::kSlice: {
        const eager::Slice& s = item.slice();
        const auto bound = [&](const std::optional<eager::Int>& b) {
          return b.has_value() ? IntValue(*b)
                               : graph().InsertConstant(IValue());
        };
        Value* d = at();
        Value* start = bound(s.start);
        Value* stop = bound(s.stop);
        Value* step = IntValue(s.step.value_or(eager::Int(1)));
        x = Operator_("aten::slice", "Tensor", {x, d, start, stop, step});
        from_end ? --behind : ++dim;
        break;
      }
      case Kind::kTensor:
        if (from_end) Throw("a tensor index behind an Ellipsis is not lowered");
        while (indices->size() < static_cast<size_t>(dim)) {
          indices->push_back(graph().InsertConstant(IValue()));
        }
        indices->push_back(ValueOf(IValue(item.tensor().raw())));
        ++dim;
        break;
      case Kind::kBool:
        Throw("a bool as an index is not lowered");
    }
  }
  return x;
}

absl::StatusOr<bool> Lowering::Index(const tandem::Tensor& self,
                                     absl::Span<const eager::IndexItem> items,
                                     tandem::Tensor* result) {
  return eager::Try([&] {
    Value* x = ValueOf(IValue(self));
    if (!x->type()->is(TypeKind::kTensor)) {
      if (items.size() != 1 ||
          items[0].kind() != eager::IndexItem::Kind::kInt ||
          items[0].integer().is_symbolic()) {
        Throw("an index of a list or tuple is not lowered");
      }
      *result =
          eager::Unwrap(ShapeItem(self, items[0].integer().hint())).symbol();
      return true;
    }
    std::vector<Value*> indices;
    x = Views(x, items, &indices);
    if (!indices.empty()) {
      Node* list = graph().Create(NodeKind::kListConstruct, indices);
      list->output()->set_type(Type::List(Type::Optional(Type::Tensor())));
      graph().Insert(list);
      x = Operator_("aten::index", "Tensor", {x, list->output()});
    }
    *result = Symbol(x).AsTensor();
    return true;
  });
}

absl::StatusOr<bool> Lowering::SetIndex(
    const tandem::Tensor& self, absl::Span<const eager::IndexItem> items,
    const IValue& value) {
  return eager::Try([&] {
    std::vector<Value*> indices;
    Value* x = Views(ValueOf(IValue(self)), items, &indices);
    Value* v = ValueOf(value);
    if (!v->type()->is(TypeKind::kTensor)) {
      if (!indices.empty()) {
        v = graph().InsertConstant(
            IValue(eager::Unwrap(tandem::Tensor::FromScalar(value.AsScalar()))),
            {}, Type::Tensor());
      } else {
        Operator_("aten::fill_", "Scalar", {x, v});
        return true;
      }
    }
    Value* no = graph().InsertConstant(IValue(false));
    if (indices.empty()) {
      Operator_("aten::copy_", "", {x, v, no});
      return true;
    }
    Node* list = graph().Create(NodeKind::kListConstruct, indices);
    list->output()->set_type(Type::List(Type::Optional(Type::Tensor())));
    graph().Insert(list);
    Operator_("aten::index_put_", "", {x, list->output(), v, no});
    return true;
  });
}

absl::StatusOr<std::optional<IValue>> Lowering::EnterModule(
    nn::Module& module, std::vector<IValue>* args) {
  return eager::Try([&]() -> std::optional<IValue> {
    std::string path;
    bool found = false;
    for (const auto& [name, m] : frame().module->named_modules()) {
      if (m == &module) {
        path = name;
        found = true;
        break;
      }
    }
    if (!found) Throw("module is not installed as a submodule");
    Value* object = ObjectAt(path);
    std::vector<Value*> arguments;
    std::string key;
    for (const IValue& a : *args) {
      if (a.is_none()) {
        key += "None,";
        arguments.push_back(nullptr);
        continue;
      }
      arguments.push_back(ValueOf(a));
      absl::StrAppend(&key, arguments.back()->type()->ToString(), ",");
    }
    std::vector<Value*> given;
    for (Value* v : arguments) {
      if (v != nullptr) given.push_back(v);
    }
    Instance& instance = InstanceOf(module);
    const auto method = instance.methods.find(key);
    if (method != instance.methods.end()) {
      given.insert(given.begin(), object);
      Node* call = graph().Create(NodeKind::kCallMethod, given);
      call->SetAttribute("name", std::string(method->second->name()));
      call->output()->set_type(method->second->schema().returns[0].type);
      graph().Insert(call);
      return Symbol(call->output());
    }
    Push(module);
    frame().key = key;
    frame().object = object;
    frame().arguments = given;
    for (size_t i = 0; i < args->size(); ++i) {
      if (arguments[i] == nullptr) continue;
      const std::string name =
          args->size() == 1 ? "input" : absl::StrCat("argument_", i + 1);
      TypePtr type = arguments[i]->type();
      if (type->is(TypeKind::kTensor)) type = Type::Tensor();
      AddParameter(name, type);
      (*args)[i] = Symbol(graph().AddInput(name, type));
    }
    return std::nullopt;
  });
}

absl::StatusOr<IValue> Lowering::ExitModule(nn::Module& module, IValue result) {
  return eager::Try([&] {
    std::vector<Value*> inputs = {frame().object};
    inputs.insert(inputs.end(), frame().arguments.begin(),
                  frame().arguments.end());
    Function* method = Pop(result);
    Node* call = graph().Create(NodeKind::kCallMethod, inputs);
    call->SetAttribute("name", std::string(method->name()));
    call->output()->set_type(method->schema().returns[0].type);
    graph().Insert(call);
    return Symbol(call->output());
  });
}

void Lowering::AbandonModule(nn::Module& module) {
  if (frames_.size() > 1 && frame().module == &module) frames_.pop_back();
}

absl::StatusOr<IValue> Lowering::CallFunction(
    const eager::ScriptFunction& function, std::vector<IValue> args) {
  return eager::Try([&] {
    Function* f = function.function();
    eager::ThrowIfError(f->EnsureDefined());
    std::vector<Value*> values;
    for (size_t i = 0; i < f->schema().arguments.size(); ++i) {
      const tandem::Argument& a = f->schema().arguments[i];
      if (i >= args.size() && !a.default_value.has_value()) {
        Throw(absl::StrCat(f->name(), "() is missing value for argument '",
                           a.name, "'"));
      }
      values.push_back(
          ValueOf(i < args.size() ? args[i] : *a.default_value, a.type.get()));
    }
    const std::vector<Value*> results =
        graph().Inline(*f->graph(), values, graph().insert_point());
    return Symbol(results[0]);
  });
}

// Names values by their nodes and errors by the node that failed.
class LoweringInterpreter : public Interpreter {
 public:
  LoweringInterpreter(GraphModule& module, Lowering* lowering)
      : Interpreter(module), lowering_(lowering) {}
  IValue run_node(Node* n) override {
    absl::StatusOr<IValue> value =
        eager::Try([&] { return Interpreter::run_node(n); });
    if (!value.ok()) {
      Throw(absl::Status(value.status().code(),
                         absl::StrCat("lower_fx: ", FormatNode(n), ": ",
                                      value.status().message())));
    }
    lowering_->NameValue(*value, NameOf(n));
    return *std::move(value);
  }

 private:
  Lowering* const lowering_;
};

absl::StatusOr<tandem::Module> Lowering::Run(GraphModule& module,
                                             const LowerOptions& options) {
  return eager::Try([&] {
    Instance& instance = InstanceOf(module);
    Push(module);
    std::vector<IValue> args;
    for (Node* n : module.graph().find_nodes("placeholder", "")) {
      const std::string name = absl::StrReplaceAll(TargetOf(n), {{"*", ""}});
      const auto type = options.argument_types.find(name);
      const TypePtr argument_type =
          type == options.argument_types.end() ? Type::Tensor() : type->second;
      AddParameter(name, argument_type);
      const Arguments defaults = ArgsOf(n);
      if (!defaults.empty() && defaults[0].is(fx::Argument::Kind::kConstant) &&
          defaults[0].constant().Conforms(*argument_type)) {
        frame().schema.arguments.back().default_value = defaults[0].constant();
      }
      args.push_back(Symbol(graph().AddInput(name, argument_type)));
    }
    IValue result;
    {
      const eager::ScopedRecorder scope(this);
      result = LoweringInterpreter(module, this).run(std::move(args));
      Pop(result);
    }
    for (const auto& [m, i] : instances_) {
      for (Function* f : i.type->methods()) {
        eager::ThrowIfError(VerifyGraph(*f->graph()));
      }
    }
    return tandem::Module(unit_, instance.object);
  });
}

}  // namespace

absl::StatusOr<tandem::Module> lower_fx(GraphModule& module,
                                        const LowerOptions& options) {
  std::shared_ptr<CompilationUnit> unit = options.unit;
  if (unit == nullptr) {
    eager::Context* context = eager::CurrentContext();
    unit = context == nullptr
               ? std::make_shared<CompilationUnit>()
               : std::make_shared<CompilationUnit>(&context->operators());
  }
  return Lowering(std::move(unit)).Run(module, options);
}

}  // namespace tandem::fx
