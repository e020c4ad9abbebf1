#include "tandem/frontends/symbolic/tracer.h"

#include <algorithm>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "tandem/frontends/eager/context.h"
#include "tandem/frontends/symbolic/module_parameters.h"
#include "tandem/frontends/symbolic/targets.h"
#include "tandem/tensor/status_macros.h"

namespace tandem::fx {
namespace {

using eager::Spelling;
using eager::Throw;

thread_local Tracer* current_tracer = nullptr;

const Type& Inner(const TypePtr& type) {
  return type->is(TypeKind::kOptional) ? *type->element() : *type;
}

bool IsIntsType(const Type& type) {
  return type.is(TypeKind::kInt) ||
         (type.is(TypeKind::kList) && type.element()->is(TypeKind::kInt));
}

// Methods whose sizes are written as arguments of their own: x.view(2, -1).
bool TakesSizes(absl::string_view name) {
  return name == "view" || name == "reshape" || name == "permute" ||
         name == "repeat" || name == "expand" || name == "tile";
}

bool IsNumber(const IValue& v) {
  return v.is_scalar() || (v.is_tensor() && v.AsTensor().defined() &&
                           v.AsTensor().impl()->wrapped_number);
}

// How many tensors an operator gives that returns a list; -1: not known.
int64_t ListLength(const eager::RecordedCall& call) {
  const absl::string_view name = call.op.schema.name;
  const FunctionSchema& schema = call.op.schema;
  for (size_t i = 0; i < schema.arguments.size(); ++i) {
    const std::string& argument = schema.arguments[i].name;
    const IValue& v = call.args[i];
    if ((argument == "chunks" || argument == "sections") && v.is_int()) {
      return v.AsInt();
    }
    if (argument == "split_sizes" || argument == "split_size" ||
        (argument == "tensors" && name != "aten::cartesian_prod")) {
      if (v.is_list()) return v.AsList().values.size();
    }
    if (argument == "indices" && absl::StrContains(name, "split") &&
        v.is_list()) {
      return v.AsList().values.size() + 1;
    }
  }
  return -1;
}

}  // namespace

Tracer::Tracer() = default;
Tracer::~Tracer() = default;

Tracer* Tracer::Current() { return current_tracer; }

Tracer::Scope::Scope(Tracer* tracer)
    : recorder_(tracer), previous_(current_tracer) {
  current_tracer = tracer;
}
Tracer::Scope::~Scope() { current_tracer = previous_; }

void Tracer::begin(nn::Module& root) {
  root_ = &root;
  graph_ = std::make_unique<Graph>();
  nodes_.clear();
  proxies_.clear();
  parameters_.clear();
  buffers_.clear();
  parameter_nodes_.clear();
  paths_.clear();
  constants_.clear();
  script_functions_.clear();
  for (const auto& [name, t] : root.named_parameters()) {
    parameters_.try_emplace(t.raw().impl(), name);
  }
  for (const auto& [name, t] : root.named_buffers()) {
    buffers_.try_emplace(t.raw().impl(), name);
  }
  for (const auto& [path, module] : root.named_modules()) {
    paths_.try_emplace(module, path);
  }
}

std::unique_ptr<Graph> Tracer::finish() {
  nodes_.clear();
  proxies_.clear();
  parameter_nodes_.clear();
  return std::move(graph_);
}

std::unique_ptr<Graph> Tracer::trace(nn::Module& root,
                                     const TraceOptions& options) {
  begin(root);
  const size_t count = root.num_arguments();
  std::vector<IValue> args;
  {
    const Scope scope(this);
    for (size_t i = 0; i < count; ++i) {
      std::string name = i < options.argument_names.size()
                             ? options.argument_names[i]
                         : i == 0 ? "x"
                                  : absl::StrCat("x_", i);
      const auto fallback = options.defaults.find(name);
      const auto concrete = options.concrete_args.find(name);
      Arguments placeholder_args;
      if (fallback != options.defaults.end()) {
        placeholder_args.push_back(fallback->second);
      }
      if (concrete == options.concrete_args.end()) {
        args.push_back(create_proxy("placeholder", name, placeholder_args, {}));
        continue;
      }
      const Argument& value = concrete->second;
      Node* node =
          create_node("placeholder", name + "_1", placeholder_args, {});
      const std::string text = absl::StrCat(
          name, " has been specialized to have value ",
          value.is(Argument::Kind::kConstant) ? value.Format() : value.Repr(),
          " but got another value");
      if (value.is_none()) {
        create_node("call_function", "torch.fx._symbolic_trace._assert_is_none",
                    {node, text}, {});
      } else {
        Node* eq =
            create_node("call_function", "operator.eq", {node, value}, {});
        create_node("call_function", "torch._assert", {eq, text}, {});
      }
      args.push_back(value.is(Argument::Kind::kDType)
                         ? value.constant()
                         : value.ToValue([](Node*) { return IValue(); }));
    }
    const IValue result = root.ForwardBoxed(std::move(args));
    create_node("output", "output", {create_arg(result)}, {});
  }
  return finish();
}

bool Tracer::is_leaf_module(const nn::Module& module,
                            const std::string& path) const {
  const std::string name = module.qualified_name();
  return (absl::StartsWith(name, "torch.nn.") ||
          absl::StartsWith(name, "torch.ao.nn.") ||
          absl::StartsWith(name, "torch.jit.")) &&
         name != "torch.nn.modules.container.Sequential";
}

bool Tracer::by_keyword(const Operator& op, size_t argument) const {
  const Type& type = Inner(op.schema.arguments[argument].type);
  return !IsIntsType(type) && !type.is(TypeKind::kTensor);
}

Node* Tracer::create_node(absl::string_view opcode, std::string target,
                          const Arguments& args, const KeywordArguments& kwargs,
                          absl::string_view name) {
  return graph_->create_node(opcode, std::move(target), args, kwargs, name);
}

tandem::Tensor Tracer::proxy(Node* node) {
  tandem::Tensor t(Ref<TensorImpl>::Adopt(TensorImpl::New()));
  nodes_[t.impl()] = node;
  proxies_.push_back(t);
  return t;
}

IValue Tracer::create_proxy(absl::string_view opcode, std::string target,
                            const Arguments& args,
                            const KeywordArguments& kwargs,
                            absl::string_view name) {
  return IValue(
      proxy(create_node(opcode, std::move(target), args, kwargs, name)));
}

Node* Tracer::node_of(const tandem::Tensor& tensor) const {
  const auto it = nodes_.find(tensor.impl());
  return it == nodes_.end() ? nullptr : it->second;
}

bool Tracer::IsMember(const tandem::Tensor& tensor) const {
  return parameters_.contains(tensor.impl());
}

// Does a value hold a proxy or (`members`) a parameter of the root?
bool Tracer::Involves(const IValue& value, bool members) const {
  const auto any = [&](const std::vector<IValue>& values) {
    return std::any_of(values.begin(), values.end(),
                       [&](const IValue& v) { return Involves(v, members); });
  };
  if (value.is_tensor()) {
    const tandem::Tensor& t = value.AsTensor();
    return t.defined() &&
           (nodes_.contains(t.impl()) || (members && IsMember(t)));
  }
  if (value.is_list()) return any(value.AsList().values);
  if (value.is_tuple()) return any(value.AsTuple().values);
  if (value.is_dict()) {
    for (const auto& [k, v] : value.AsDict().Items()) {
      if (Involves(v, members)) return true;
    }
  }
  return false;
}

bool Tracer::has_proxy(const IValue& value) const {
  return Involves(value, false);
}

Argument Tracer::TensorArgument(const tandem::Tensor& tensor) {
  if (!tensor.defined()) return Argument();
  if (Node* node = node_of(tensor); node != nullptr) return node;
  if (tensor.impl()->wrapped_number) {
    return Argument(IValue(eager::Unwrap(tensor.Item())));
  }
  if (tensor.dtype() == DType::kUndefined) {
    Throw("a symbolic tensor outside of the trace that it belongs to");
  }
  if (const auto it = parameters_.find(tensor.impl());
      it != parameters_.end()) {
    Node*& node = parameter_nodes_[tensor.impl()];
    if (node == nullptr) node = create_node("get_attr", it->second, {}, {});
    return node;
  }
  if (const auto it = buffers_.find(tensor.impl()); it != buffers_.end()) {
    return create_node("get_attr", it->second, {}, {});
  }
  for (const auto& [name, t] : constants_) {
    if (t.raw().is_same(tensor)) return create_node("get_attr", name, {}, {});
  }
  std::string name;
  for (size_t i = constants_.size();; ++i) {
    name = absl::StrCat("_tensor_constant", i);
    if (root_->FindTensor(name) == nullptr) break;
  }
  constants_.emplace_back(name, eager::Tensor(tensor));
  return create_node("get_attr", name, {}, {});
}

Argument Tracer::ArgumentFor(const IValue& value,
                             const tandem::Argument* schema) {
  const Type* type = schema == nullptr ? nullptr : &Inner(schema->type);
  if (value.is_int() && type != nullptr) {
    const int64_t i = value.AsInt();
    if (type->is(TypeKind::kScalarType)) return static_cast<DType>(i);
    if (type->is(TypeKind::kLayout)) return static_cast<Layout>(i);
    if (type->is(TypeKind::kMemoryFormat)) return static_cast<MemoryFormat>(i);
  }
  if (value.is_list() && type != nullptr && IsIntsType(*type)) {
    Arguments items;
    for (const IValue& v : value.AsList().values) {
      items.push_back(create_arg(v));
    }
    if (schema->fixed_size == 1 && items.size() == 1) return items[0];
    return Argument::Tuple(std::move(items));
  }
  return create_arg(value);
}

Argument Tracer::create_arg(const IValue& value) {
  return Argument::FromValue(value, [&](const IValue& v) {
    return v.is_tensor() ? TensorArgument(v.AsTensor()) : Argument(v);
  });
}

Tracer::Emission Tracer::Emit(const eager::RecordedCall& call) {
  const FunctionSchema& schema = call.op.schema;
  absl::string_view bare = schema.name;
  absl::ConsumePrefix(&bare, "aten::");
  Emission e;
  const bool symbol = call.spelling == Spelling::kOperator ||
                      call.spelling == Spelling::kReflectedOperator;
  if (symbol) {
    e.opcode = "call_function";
    e.target = SymbolTarget(schema.name);
    // A tensor that is no proxy asks its own method.
    if (call.args[0].is_tensor() && !IsNumber(call.args[0]) &&
        !Involves(call.args[0], true)) {
      e.opcode = "call_method";
      e.target = std::string(bare);
    }
    const size_t count = std::min<size_t>(
        schema.arguments.size(),
        e.target == "operator.neg" || e.target == "operator.invert" ? 1 : 2);
    for (size_t i = 0; i < count; ++i) {
      e.args.push_back(ArgumentFor(call.args[i], &schema.arguments[i]));
    }
    if (call.spelling == Spelling::kReflectedOperator && count == 2 &&
        !IsNumber(call.args[0])) {
      std::swap(e.args[0], e.args[1]);
    }
    if (!e.target.empty()) return e;
    e.args.clear();
  }
  const bool method = call.spelling == Spelling::kMethod;
  // Python has these as attributes.
  if (method && (bare == "numpy_T" || bare == "mT" || bare == "mH" ||
                 bare == "matrix_H")) {
    e.opcode = "call_function";
    e.target = "builtins.getattr";
    e.args = {create_arg(call.args[0]), bare == "numpy_T"    ? "T"
                                        : bare == "matrix_H" ? "H"
                                        : bare == "mT"       ? "mT"
                                                             : "mH"};
    return e;
  }
  e.opcode = method ? "call_method" : "call_function";
  e.target = method ? std::string(bare) : FunctionTarget(schema.name);
  bool positional = true;
  // Of a method the tensor itself; past the arguments where there is none.
  const size_t self =
      method ? schema.ArgumentIndex("self").value_or(schema.arguments.size())
             : schema.arguments.size();
  if (self < schema.arguments.size()) {
    e.args.push_back(ArgumentFor(call.args[self], &schema.arguments[self]));
  }
  for (size_t i = 0; i < schema.arguments.size(); ++i) {
    const tandem::Argument& a = schema.arguments[i];
    const IValue& v = call.args[i];
    if (i == self) continue;
    if (a.default_value.has_value()) {
      const bool is_default =
          v.is_list() && a.default_value->is_list()
              ? Equal(v, *a.default_value)
              : v.tag() == a.default_value->tag() &&
                    (v.is_none() || Equal(v, *a.default_value));
      if (is_default) {
        positional = false;
        continue;
      }
    }
    const bool keyword =
        !positional || a.kwarg_only ||
        (a.default_value.has_value() && by_keyword(call.op, i));
    Argument value = ArgumentFor(v, &a);
    if (keyword) {
      positional = false;
      e.kwargs.emplace_back(a.name, std::move(value));
    } else if (method && TakesSizes(bare) && value.is(Argument::Kind::kTuple)) {
      for (const Argument& item : value.items()) e.args.push_back(item);
    } else {
      e.args.push_back(std::move(value));
    }
  }
  return e;
}

tandem::Tensor Tracer::GetItem(Node* node, int64_t i) {
  return proxy(create_node("call_function", "operator.getitem",
                           {node, Argument(i)}, {}));
}

void Tracer::SetResults(const eager::RecordedCall& call, Node* node,
                        eager::Results* results) {
  const std::vector<tandem::Argument>& returns = call.op.schema.returns;
  results->clear();
  if (returns.size() > 1) {
    for (size_t i = 0; i < returns.size(); ++i) {
      results->push_back(IValue(GetItem(node, static_cast<int64_t>(i))));
    }
    return;
  }
  if (returns.empty()) return;
  if (returns[0].type->is(TypeKind::kList)) {
    const int64_t count = ListLength(call);
    if (count < 0 || count > 10000) Throw(kIterationError);
    std::vector<IValue> items;
    for (int64_t i = 0; i < count; ++i) {
      items.push_back(IValue(GetItem(node, i)));
    }
    results->push_back(
        IValue(MakeList(returns[0].type->element(), std::move(items))));
    return;
  }
  // x += y: the same handle stands for the new value.
  const bool rebinds = call.spelling == Spelling::kOperator &&
                       call.op.schema.is_mutable() &&
                       call.args[0].is_tensor() &&
                       nodes_.contains(call.args[0].AsTensor().impl());
  if (rebinds) {
    nodes_[call.args[0].AsTensor().impl()] = node;
    results->push_back(call.args[0]);
    return;
  }
  results->push_back(IValue(proxy(node)));
}

absl::Status Tracer::Call(const eager::RecordedCall& call,
                          eager::Results* results) {
  return eager::Try([&] {
    const bool involved =
        std::any_of(call.args.begin(), call.args.end(),
                    [&](const IValue& v) { return Involves(v, true); });
    if (!involved) {
      eager::Context* context = eager::CurrentContext();
      if (context == nullptr) Throw("there is no eager context");
      eager::ThrowIfError(context->Run(call.op, call.args, results));
      return;
    }
    Emission e = Emit(call);
    SetResults(call,
               create_node(e.opcode, std::move(e.target), e.args, e.kwargs),
               results);
  });
}

absl::Status Tracer::Convert(const tandem::Tensor& tensor,
                             eager::Conversion what) {
  if (node_of(tensor) == nullptr) return absl::OkStatus();
  switch (what) {
    case eager::Conversion::kBool:
      return absl::InvalidArgumentError(kControlFlowError);
    case eager::Conversion::kInt:
    case eager::Conversion::kItem:
      return absl::InvalidArgumentError(
          "int() argument must be a string, a bytes-like object or a real "
          "number, not 'Proxy'");
    case eager::Conversion::kFloat:
      return absl::InvalidArgumentError(
          "float() argument must be a string or a real number, not 'Proxy'");
    case eager::Conversion::kIndex:
      return absl::InvalidArgumentError(
          "'Proxy' object cannot be interpreted as an integer");
    case eager::Conversion::kLen:
      return absl::InvalidArgumentError(
          "'len' is not supported in symbolic tracing by default. If you want "
          "this call to be recorded, please call torch.fx.wrap('len') at "
          "module scope");
    case eager::Conversion::kIteration:
      return absl::InvalidArgumentError(kIterationError);
    case eager::Conversion::kList:
    case eager::Conversion::kArray:
    case eager::Conversion::kMetadata:
      break;
  }
  return absl::InvalidArgumentError(
      "a property of a symbolically traced variable is not known while it is "
      "traced");
}

absl::StatusOr<tandem::Tensor> Tracer::Size(const tandem::Tensor& tensor,
                                            Extent extent, int64_t dim) {
  Node* node = node_of(tensor);
  if (node == nullptr) return tandem::Tensor();
  return eager::Try([&] {
    switch (extent) {
      case Extent::kSize:
        return proxy(create_node("call_method", "size", {node, dim}, {}));
      case Extent::kNumel:
        return proxy(create_node("call_method", "numel", {node}, {}));
      case Extent::kDim:
        break;
    }
    return proxy(create_node("call_method", "dim", {node}, {}));
  });
}

absl::StatusOr<eager::IntList> Tracer::Shape(const tandem::Tensor& tensor) {
  Node* node = node_of(tensor);
  if (node == nullptr) return eager::IntList(tensor.sizes());
  return eager::Try([&] {
    return eager::IntList::Symbolic(proxy(
        create_node("call_function", "builtins.getattr", {node, "shape"}, {})));
  });
}

absl::StatusOr<eager::Int> Tracer::ShapeItem(const tandem::Tensor& shape,
                                             int64_t i) {
  Node* node = node_of(shape);
  if (node == nullptr) {
    return absl::InvalidArgumentError(
        "a symbolic shape outside of the trace that it belongs to");
  }
  return eager::Try([&] { return eager::Int(0, GetItem(node, i)); });
}

Argument Tracer::IntArgument(const eager::Int& i) {
  return i.is_symbolic() ? TensorArgument(i.symbol()) : Argument(i.hint());
}

Argument Tracer::ItemArgument(const eager::IndexItem& item) {
  using Kind = eager::IndexItem::Kind;
  switch (item.kind()) {
    case Kind::kNone:
      return Argument();
    case Kind::kEllipsis:
      return Argument(eager::Ellipsis);
    case Kind::kInt:
      return IntArgument(item.integer());
    case Kind::kBool:
      return Argument(item.boolean());
    case Kind::kTensor:
      return TensorArgument(item.tensor().raw());
    case Kind::kSlice:
      break;
  }
  const auto part = [&](const std::optional<eager::Int>& i) {
    return i.has_value() ? IntArgument(*i) : Argument();
  };
  const eager::Slice& s = item.slice();
  Argument start = part(s.start), stop = part(s.stop), step = part(s.step);
  return Argument::Slice(std::move(start), std::move(stop), std::move(step));
}

absl::StatusOr<bool> Tracer::Index(const tandem::Tensor& self,
                                   absl::Span<const eager::IndexItem> items,
                                   tandem::Tensor* result) {
  bool involved = Involves(IValue(self), true);
  for (const eager::IndexItem& item : items) {
    const auto symbolic = [&](const std::optional<eager::Int>& i) {
      return i.has_value() && i->is_symbolic();
    };
    switch (item.kind()) {
      case eager::IndexItem::Kind::kTensor:
        involved |= Involves(IValue(item.tensor().raw()), true);
        break;
      case eager::IndexItem::Kind::kInt:
        involved |= item.integer().is_symbolic();
        break;
      case eager::IndexItem::Kind::kSlice:
        involved |= symbolic(item.slice().start) ||
                    symbolic(item.slice().stop) || symbolic(item.slice().step);
        break;
      default:
        break;
    }
  }
  if (!involved) return false;
  return eager::Try([&] {
    Argument tensor = TensorArgument(self);
    Arguments indices;
    for (const eager::IndexItem& item : items) {
      indices.push_back(ItemArgument(item));
    }
    Argument index =
        indices.size() == 1 ? indices[0] : Argument::Tuple(std::move(indices));
    *result = proxy(create_node("call_function", "operator.getitem",
                                {std::move(tensor), std::move(index)}, {}));
    return true;
  });
}

absl::StatusOr<bool> Tracer::SetIndex(const tandem::Tensor& self,
                                      absl::Span<const eager::IndexItem> items,
                                      const IValue& value) {
  if (Involves(IValue(self), true) || Involves(value, false)) {
    return absl::InvalidArgumentError(
        "'Proxy' object does not support item assignment");
  }
  return false;
}

absl::StatusOr<std::optional<IValue>> Tracer::EnterModule(
    nn::Module& module, std::vector<IValue>* args) {
  const auto path = paths_.find(&module);
  if (path == paths_.end()) {
    return absl::InvalidArgumentError("module is not installed as a submodule");
  }
  if (!is_leaf_module(module, path->second)) return std::nullopt;
  return eager::Try([&]() -> std::optional<IValue> {
    const ModuleParameters parameters = ModuleParametersOf(module);
    Arguments arguments;
    KeywordArguments keywords;
    // What is None was not given.
    while (!args->empty() && args->back().is_none()) args->pop_back();
    for (size_t i = 0; i < args->size(); ++i) {
      const IValue& v = (*args)[i];
      if (i < parameters.positional || i >= parameters.names.size()) {
        arguments.push_back(create_arg(v));
      } else if (!v.is_none() &&
                 !(v.is_bool() && !v.AsBool() &&
                   absl::EndsWith(parameters.names[i], "is_causal"))) {
        keywords.emplace_back(parameters.names[i], create_arg(v));
      }
    }
    return create_proxy("call_module", path->second, arguments, keywords);
  });
}

absl::StatusOr<std::optional<IValue>> Tracer::EnterFunction(
    absl::string_view name, std::vector<IValue>* args) {
  const bool involved =
      std::any_of(args->begin(), args->end(),
                  [&](const IValue& v) { return Involves(v, true); });
  if (!involved) return std::nullopt;
  return eager::Try([&]() -> std::optional<IValue> {
    Arguments arguments;
    for (const IValue& v : *args) arguments.push_back(create_arg(v));
    return create_proxy("call_function", std::string(name), arguments, {});
  });
}

absl::StatusOr<IValue> Tracer::CallFunction(
    const eager::ScriptFunction& function, std::vector<IValue> args) {
  const bool involved =
      std::any_of(args.begin(), args.end(),
                  [&](const IValue& v) { return Involves(v, true); });
  if (!involved) return function.Run(std::move(args));
  return eager::Try([&] {
    Arguments arguments;
    for (const IValue& v : args) arguments.push_back(create_arg(v));
    const std::string name = function.function()->qualified_name();
    script_functions_.emplace(name, function);
    return create_proxy("call_function", name, arguments, {});
  });
}

void Tracer::Name(const tandem::Tensor& tensor, absl::string_view name) {
  Node* node = node_of(tensor);
  if (node != nullptr && NameOf(node) != name) graph_->rename(node, name);
}

std::string Tracer::Describe(const tandem::Tensor& tensor) {
  Node* node = node_of(tensor);
  return node == nullptr ? "<symbolic tensor>"
                         : absl::StrCat("Proxy(", NameOf(node), ")");
}

}  // namespace tandem::fx
