#include <iostream>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "tandem/frontends/eager/context.h"
#include "tandem/frontends/eager/error.h"
#include "tandem/frontends/tracer/check_trace.h"
#include "tandem/frontends/tracer/module_class.h"
#include "tandem/frontends/tracer/scope_blocks.h"
#include "tandem/frontends/tracer/tracer.h"
#include "tandem/frontends/tracer/tracing_state.h"
#include "tandem/ir/class_type.h"
#include "tandem/tensor/status_macros.h"

namespace tandem::tracer {
namespace {

using eager::ScopedRecorder;
using eager::ThrowIfError;
using eager::Unwrap;

// A unit that keeps alive those of the scripts that its graphs call.
struct Program {
  std::shared_ptr<CompilationUnit> unit;
  std::vector<std::shared_ptr<CompilationUnit>> called;
};

std::shared_ptr<CompilationUnit> KeepCalled(
    const std::shared_ptr<CompilationUnit>& unit,
    const std::vector<std::shared_ptr<CompilationUnit>>& called) {
  auto program = std::make_shared<Program>();
  program->unit = unit;
  for (const auto& other : called) {
    if (other != nullptr && other.get() != unit.get()) {
      program->called.push_back(other);
    }
  }
  if (program->called.empty()) return unit;
  return std::shared_ptr<CompilationUnit>(program, unit.get());
}

bool IsTraceable(const IValue& v) {
  if (v.is_tensor()) return v.AsTensor().defined();
  if (v.is_tuple() || v.is_list()) {
    for (const IValue& e :
         v.is_tuple() ? v.AsTuple().values : v.AsList().values) {
      if (!IsTraceable(e)) return false;
    }
    return true;
  }
  if (!v.is_dict()) return false;
  bool all = true;
  v.AsDict().ForEach([&](const IValue& key, const IValue& e) {
    all = all && (key.is_string() || key.is_int()) && IsTraceable(e);
  });
  return all;
}

void CheckInputs(const std::vector<IValue>& inputs) {
  const IValue all(MakeTuple(inputs));
  if (IsTraceable(all)) return;
  eager::Throw(absl::StrCat(
      "Type '", all.TypeOf()->ToAnnotation(),
      "' cannot be traced. Only Tensors and (possibly nested) Lists, Dicts, "
      "and Tuples of Tensors can be traced"));
}

std::string ArgumentName(const Options& options, size_t i, size_t count) {
  if (options.argument_names.size() >= count) return options.argument_names[i];
  return count == 1 ? "input" : absl::StrCat("input_", i + 1);
}

// Runs `program` on the inputs and records it.
void Record(TracingState* state, const std::vector<IValue>& inputs,
            const Options& options, const BoxedFunction& program) {
  std::vector<IValue> args;
  for (size_t i = 0; i < inputs.size(); ++i) {
    args.push_back(Unwrap(
        state->AddInput(inputs[i], ArgumentName(options, i, inputs.size()))));
  }
  const ScopedRecorder scope(state);
  ThrowIfError(state->AddOutput(program(std::move(args))));
}

eager::Context* ContextOfThread() {
  eager::Context* context = eager::CurrentContext();
  if (context == nullptr) {
    eager::Throw(absl::FailedPreconditionError(
        "trace: there is no eager context; call SetDefaultContext"));
  }
  return context;
}

std::shared_ptr<CompilationUnit> UnitFor(const Options& options,
                                         const eager::Context& context) {
  return options.unit != nullptr
             ? options.unit
             : std::make_shared<CompilationUnit>(&context.operators());
}

eager::ScriptFunction MakeFunction(const BoxedFunction& function,
                                   const std::vector<IValue>& inputs,
                                   const Options& options) {
  eager::Context* context = ContextOfThread();
  TracingState state(context, options.strict, options.warn);
  Record(&state, inputs, options, function);
  std::unique_ptr<Graph> graph = state.TakeGraph();
  ThrowIfError(CleanUp(graph.get()));
  const std::shared_ptr<CompilationUnit> unit = UnitFor(options, *context);
  Names names;
  names.Add(*unit);
  for (const auto& called : state.units()) names.Add(*called);
  Function* made =
      unit->AddFunction(names.Take(absl::StrCat("__torch__.", options.name)));
  made->set_schema(SchemaOf(*graph, made->name()));
  made->set_graph(std::move(graph));
  return eager::ScriptFunction(KeepCalled(unit, state.units()), made);
}

void AddPaths(const nn::Module& module, const std::string& prefix,
              ModulePaths* paths) {
  for (const nn::Module::Child& child : module.children()) {
    if (child.module == nullptr) continue;
    std::string path = absl::StrCat(prefix, ".", child.name);
    AddPaths(*child.module, path, paths);
    (*paths)[child.module.get()] = std::move(path);
  }
}

// A traced module that gets its methods one by one.
class ModuleTrace {
 public:
  ModuleTrace(nn::Module& module, const Options& options)
      : module_(module),
        options_(options),
        context_(ContextOfThread()),
        unit_(UnitFor(options, *context_)),
        called_(UnitsOfScripts(module)) {
    Names names;
    names.Add(*unit_);
    for (const auto& other : called_) names.Add(*other);
    made_ = Unwrap(MakeTracedModule(module, unit_, &names));
    AddPaths(module, "__module", &paths_);
  }

  void Add(const TracedMethod& method, const std::vector<IValue>& inputs) {
    TracingState state(context_, options_.strict, options_.warn);
    state.SetSelf(made_, paths_);
    Options named = options_;
    named.argument_names = method.argument_names;
    Record(&state, inputs, named, [&](std::vector<IValue> args) {
      return Run(method, std::move(args));
    });
    std::unique_ptr<Graph> graph = state.TakeGraph();
    ThrowIfError(FixupScopeBlocks(graph.get(), unit_.get()));
    auto* type = const_cast<ClassType*>(&made_.type());
    Function* function = unit_->AddMethod(type, method.name);
    function->set_schema(SchemaOf(*graph, method.name));
    function->set_graph(std::move(graph));
    type->AddMethod(function);
    called_.insert(called_.end(), state.units().begin(), state.units().end());
  }

  IValue Run(const TracedMethod& method, std::vector<IValue> args) const {
    return method.function != nullptr ? method.function(std::move(args))
                                      : module_.CallBoxed(std::move(args));
  }

  const Module& made() const { return made_; }
  const eager::Context& context() const { return *context_; }
  Module Finish() { return Module(KeepCalled(unit_, called_), made_.object()); }

 private:
  nn::Module& module_;
  const Options& options_;
  eager::Context* const context_;
  const std::shared_ptr<CompilationUnit> unit_;
  std::vector<std::shared_ptr<CompilationUnit>> called_;
  Module made_;
  ModulePaths paths_;
};

Options WithWarn(const Options& options) {
  Options copy = options;
  if (copy.warn == nullptr) {
    copy.warn = [](const std::string& text) {
      std::cerr << "TracerWarning: " << text << "\n";
    };
  }
  return copy;
}

// What the trace is checked with: copies of the inputs, since programs write.
std::vector<std::vector<IValue>> CheckInputsOf(
    const std::vector<IValue>& inputs,
    const std::vector<std::vector<IValue>>& given) {
  std::vector<std::vector<IValue>> checked = given;
  if (checked.empty()) checked.push_back(inputs);
  for (auto& sample : checked) sample = CopyInputs(sample);
  return checked;
}

// Traces the method again, on each of `samples`, and compares.
void CheckMethod(nn::Module& module, const ModuleTrace& trace,
                 const TracedMethod& method,
                 const std::vector<std::vector<IValue>>& samples,
                 const Options& options) {
  for (const std::vector<IValue>& sample : samples) {
    const eager::NoGrad no_grad;
    Options again = options;
    again.unit = nullptr;
    ModuleTrace second(module, again);
    second.Add(method, CopyInputs(sample));
    const auto run = [&](const Module& made) {
      return Unwrap(
          trace.context().engine().Call(made, method.name, CopyInputs(sample)));
    };
    CheckedTrace checked;
    checked.graph = trace.made().FindMethod(method.name)->graph();
    checked.run = [&] { return run(trace.made()); };
    checked.repeated_graph = second.made().FindMethod(method.name)->graph();
    checked.run_repeated = [&] { return run(second.made()); };
    checked.run_program = [&] {
      const ScopedRecorder none(nullptr);
      return trace.Run(method, CopyInputs(sample));
    };
    CheckTrace(checked, options);
  }
}

}  // namespace

namespace internal {

std::vector<IValue> Unpack(const std::vector<Input>& inputs) {
  std::vector<IValue> values;
  values.reserve(inputs.size());
  for (const Input& input : inputs) values.push_back(input.value);
  return values;
}

void ThrowArity(const Options& options, size_t wanted, size_t given) {
  if (given > wanted) {
    eager::Throw(absl::StrCat(options.name, "() takes ", wanted,
                              " positional argument", wanted == 1 ? "" : "s",
                              " but ", given,
                              given == 1 ? " was given" : " were given"));
  }
  const size_t missing = wanted - given;
  std::string text =
      absl::StrCat(options.name, "() missing ", missing,
                   " required positional argument", missing == 1 ? "" : "s");
  for (size_t i = given; i < wanted && options.argument_names.size() >= wanted;
       ++i) {
    absl::StrAppend(&text,
                    i == given       ? ": "
                    : i + 1 < wanted ? ", "
                    : missing == 2   ? " and "
                                     : ", and ",
                    "'", options.argument_names[i], "'");
  }
  eager::Throw(text);
}

}  // namespace internal

eager::ScriptFunction TraceFunction(const BoxedFunction& function,
                                    std::vector<IValue> inputs,
                                    const Options& given) {
  const Options options = WithWarn(given);
  CheckInputs(inputs);
  const std::vector<std::vector<IValue>> checked =
      CheckInputsOf(inputs, options.check_inputs);
  eager::ScriptFunction made = MakeFunction(function, inputs, options);
  if (!options.check_trace) return made;
  for (const std::vector<IValue>& sample : checked) {
    const eager::NoGrad no_grad;
    Options again = options;
    again.unit = nullptr;
    const eager::ScriptFunction second =
        MakeFunction(function, CopyInputs(sample), again);
    CheckedTrace first;
    first.graph = made.function()->graph();
    first.run = [&] { return Unwrap(made.Run(CopyInputs(sample))); };
    first.repeated_graph = second.function()->graph();
    first.run_repeated = [&] { return Unwrap(second.Run(CopyInputs(sample))); };
    first.run_program = [&] {
      const ScopedRecorder none(nullptr);
      return function(CopyInputs(sample));
    };
    CheckTrace(first, options);
  }
  return made;
}

Module TraceModule(nn::Module& module, std::vector<IValue> inputs,
                   const Options& options) {
  TracedMethod forward;
  forward.name = "forward";
  forward.inputs = std::move(inputs);
  forward.argument_names = options.argument_names;
  forward.check_inputs = options.check_inputs;
  std::vector<TracedMethod> methods;
  methods.push_back(std::move(forward));
  return TraceModule(module, std::move(methods), options);
}

Module TraceModule(nn::Module& module, std::vector<TracedMethod> methods,
                   const Options& given) {
  const Options options = WithWarn(given);
  ModuleTrace trace(module, options);
  for (const TracedMethod& method : methods) {
    if (method.function == nullptr && method.name != "forward") {
      eager::Throw(absl::StrCat(
          "'", module.name(), "' object has no attribute '", method.name, "'"));
    }
    if (trace.made().FindMethod(method.name) != nullptr) {
      eager::Throw(
          absl::StrCat("the method '", method.name, "' is traced twice"));
    }
    CheckInputs(method.inputs);
    const std::vector<std::vector<IValue>> samples =
        CheckInputsOf(method.inputs, method.check_inputs);
    trace.Add(method, method.inputs);
    if (options.check_trace) {
      CheckMethod(module, trace, method, samples, options);
    }
  }
  return trace.Finish();
}

}  // namespace tandem::tracer
