// Modules and their methods in the graphs that lower_fx makes.
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "tandem/frontends/symbolic/lowering.h"

namespace tandem::fx::internal {

using eager::Throw;

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

}  // namespace tandem::fx::internal
