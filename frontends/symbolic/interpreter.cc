#include "tandem/frontends/symbolic/interpreter.h"

#include <algorithm>
#include <set>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "tandem/frontends/symbolic/module_parameters.h"

namespace tandem::fx {
namespace {

using eager::Throw;

bool AnyProxy(const Tracer& tracer, const Values& args,
              const KeywordValues& kwargs) {
  return std::any_of(args.begin(), args.end(),
                     [&](const IValue& v) { return tracer.has_proxy(v); }) ||
         std::any_of(kwargs.begin(), kwargs.end(),
                     [&](const auto& v) { return tracer.has_proxy(v.second); });
}

IValue RecordCall(Tracer& tracer, absl::string_view opcode,
                  const std::string& target, const Values& args,
                  const KeywordValues& kwargs) {
  Arguments arguments;
  for (const IValue& v : args) arguments.push_back(tracer.create_arg(v));
  KeywordArguments keywords;
  for (const auto& [k, v] : kwargs) {
    keywords.emplace_back(k, tracer.create_arg(v));
  }
  return tracer.create_proxy(opcode, target, arguments, keywords);
}

}  // namespace

IValue Interpreter::ValueOf(const Argument& argument) {
  return argument.ToValue([this](Node* n) {
    const auto it = values_.find(n);
    if (it == values_.end()) {
      Throw(absl::StrCat("Node ", NameOf(n), " was used before it ran"));
    }
    return it->second;
  });
}

void Interpreter::FetchArguments(Node* node, Values* args,
                                 KeywordValues* kwargs) {
  for (const Argument& a : ArgsOf(node)) args->push_back(ValueOf(a));
  for (const auto& [k, v] : KwargsOf(node)) {
    kwargs->emplace_back(k, ValueOf(v));
  }
}

IValue Interpreter::run(std::vector<IValue> args) {
  arguments_ = std::move(args);
  next_argument_ = 0;
  values_.clear();
  const std::vector<Node*> nodes = graph_.nodes();
  // Where each value is used for the last time.
  std::map<Node*, std::vector<Node*>> last_uses;
  std::set<Node*> seen;
  for (auto it = nodes.rbegin(); it != nodes.rend(); ++it) {
    for (Node* input : AllInputNodes(*it)) {
      if (seen.insert(input).second) last_uses[*it].push_back(input);
    }
  }
  IValue result;
  for (Node* n : nodes) {
    IValue value = run_node(n);
    if (n->is(NodeKind::kFxOutput)) {
      result = std::move(value);
      break;
    }
    values_[n] = std::move(value);
    for (Node* last : last_uses[n]) values_.erase(last);
  }
  values_.clear();
  if (next_argument_ < arguments_.size()) {
    Throw(absl::StrCat("forward() takes ", next_argument_, " arguments but ",
                       arguments_.size(), " were given"));
  }
  return result;
}

IValue Interpreter::run_node(Node* n) {
  Values args;
  KeywordValues kwargs;
  FetchArguments(n, &args, &kwargs);
  const std::string& target = TargetOf(n);
  switch (n->kind()) {
    case NodeKind::kFxPlaceholder:
      return placeholder(target, std::move(args), std::move(kwargs));
    case NodeKind::kFxGetAttr:
      return get_attr(target, std::move(args), std::move(kwargs));
    case NodeKind::kFxCallFunction:
      return call_function(target, std::move(args), std::move(kwargs));
    case NodeKind::kFxCallMethod:
      return call_method(target, std::move(args), std::move(kwargs));
    case NodeKind::kFxCallModule:
      return call_module(target, std::move(args), std::move(kwargs));
    case NodeKind::kFxOutput:
      return output(target, std::move(args), std::move(kwargs));
    default:
      Throw(absl::StrCat("Node ", n->output()->DebugName(),
                         " had unknown opcode ", n->name(), "!"));
  }
}

IValue Interpreter::placeholder(const std::string& target, Values args,
                                KeywordValues kwargs) {
  if (absl::StartsWith(target, "**")) {
    return IValue(MakeDict(Type::Str(), Type::Any()));
  }
  if (absl::StartsWith(target, "*")) {
    Values rest(arguments_.begin() + next_argument_, arguments_.end());
    next_argument_ = arguments_.size();
    return IValue(MakeTuple(std::move(rest)));
  }
  if (next_argument_ < arguments_.size()) {
    const IValue given = arguments_[next_argument_++];
    // None stands for an argument that was not given, where there is a default.
    if (!given.is_none() || args.empty()) return given;
  }
  if (!args.empty()) return args[0];
  Throw(absl::StrCat("Expected positional argument for parameter ", target,
                     ", but one was not passed in!"));
}

IValue Interpreter::get_attr(const std::string& target, Values args,
                             KeywordValues kwargs) {
  const eager::Tensor* t = module_.FindTensor(target);
  if (t == nullptr) {
    Throw(absl::StrCat("Node referenced nonexistent target ", target, "!"));
  }
  return eager::ToIValue(*t);
}

IValue Interpreter::call_function(const std::string& target, Values args,
                                  KeywordValues kwargs) {
  Tracer* tracer = Tracer::Current();
  if (tracer != nullptr && AnyProxy(*tracer, args, kwargs)) {
    return RecordCall(*tracer, "call_function", target, args, kwargs);
  }
  if (functions_ != nullptr) {
    const auto it = functions_->find(target);
    if (it != functions_->end()) {
      for (auto& [k, v] : kwargs) args.push_back(std::move(v));
      return it->second(std::move(args));
    }
  }
  return CallFunctionTarget(target, std::move(args), std::move(kwargs));
}

IValue Interpreter::call_method(const std::string& target, Values args,
                                KeywordValues kwargs) {
  Tracer* tracer = Tracer::Current();
  if (tracer != nullptr && AnyProxy(*tracer, args, kwargs)) {
    return RecordCall(*tracer, "call_method", target, args, kwargs);
  }
  return CallMethodTarget(target, std::move(args), std::move(kwargs));
}

IValue Interpreter::call_module(const std::string& target, Values args,
                                KeywordValues kwargs) {
  nn::Module* module = module_.FindModule(target);
  if (module == nullptr) {
    Throw(absl::StrCat("Node referenced nonexistent target ", target, "!"));
  }
  if (!kwargs.empty()) {
    const std::vector<std::string> names = ModuleParametersOf(*module).names;
    for (auto& [name, value] : kwargs) {
      const size_t at =
          std::find(names.begin(), names.end(), name) - names.begin();
      if (at == names.size()) {
        Throw(absl::StrCat("the module ", target, " is called with '", name,
                           "', which is no parameter of ", module->name(),
                           " that is known by name"));
      }
      if (at < args.size() && !args[at].is_none()) {
        Throw(absl::StrCat(module->name(),
                           ".forward() got multiple values for argument '",
                           name, "'"));
      }
      if (at >= args.size()) args.resize(at + 1);
      args[at] = std::move(value);
    }
  }
  return module->CallBoxed(std::move(args));
}

IValue Interpreter::output(const std::string& target, Values args,
                           KeywordValues kwargs) {
  return args.empty() ? IValue() : args[0];
}

Transformer::Transformer(GraphModule& module)
    : Interpreter(module),
      graph_module_(module),
      tracer_(std::make_unique<Tracer>()) {}
Transformer::~Transformer() = default;

IValue Transformer::Record(absl::string_view opcode, const std::string& target,
                           const Values& args, const KeywordValues& kwargs) {
  return RecordCall(*tracer_, opcode, target, args, kwargs);
}

IValue Transformer::placeholder(const std::string& target, Values args,
                                KeywordValues kwargs) {
  return Record("placeholder", target, args, {});
}
IValue Transformer::get_attr(const std::string& target, Values args,
                             KeywordValues kwargs) {
  return Record("get_attr", target, {}, {});
}
IValue Transformer::call_function(const std::string& target, Values args,
                                  KeywordValues kwargs) {
  return Record("call_function", target, args, kwargs);
}
IValue Transformer::call_method(const std::string& target, Values args,
                                KeywordValues kwargs) {
  return Record("call_method", target, args, kwargs);
}
IValue Transformer::call_module(const std::string& target, Values args,
                                KeywordValues kwargs) {
  nn::Module* m = module().FindModule(target);
  if (m == nullptr) {
    Throw(absl::StrCat("Node referenced nonexistent target ", target, "!"));
  }
  if (tracer_->is_leaf_module(*m, target)) {
    return Record("call_module", target, args, kwargs);
  }
  return Interpreter::call_module(target, std::move(args), std::move(kwargs));
}

nn::Ptr<GraphModule> Transformer::transform() {
  tracer_->begin(graph_module_);
  {
    const Tracer::Scope scope(tracer_.get());
    const IValue result = run({});
    Record("output", "output", {result}, {});
  }
  const nn::NamedTensors constants = tracer_->constants();
  auto module = nn::Make<GraphModule>(graph_module_, tracer_->finish(),
                                      graph_module_.name(), constants);
  module->functions() = graph_module_.functions();
  return module;
}

}  // namespace tandem::fx
