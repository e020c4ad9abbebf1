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

Module MakeModule(nn::Module& module, const std::vector<IValue>& inputs,
                  const Options& options) {
  eager::Context* context = ContextOfThread();
  const std::shared_ptr<CompilationUnit> unit = UnitFor(options, *context);
  std::vector<std::shared_ptr<CompilationUnit>> called = UnitsOfScripts(module);
  Names names;
  names.Add(*unit);
  for (const auto& other : called) names.Add(*other);
  Module made = Unwrap(MakeTracedModule(module, unit, &names));
  ModulePaths paths;
  AddPaths(module, "__module", &paths);
  TracingState state(context, options.strict, options.warn);
  state.SetSelf(made, std::move(paths));
  Record(&state, inputs, options, [&](std::vector<IValue> args) {
    return module.CallBoxed(std::move(args));
  });
  std::unique_ptr<Graph> graph = state.TakeGraph();
  ThrowIfError(FixupScopeBlocks(graph.get(), unit.get()));
  auto* type = const_cast<ClassType*>(&made.type());
  Function* forward = unit->AddMethod(type, "forward");
  forward->set_schema(SchemaOf(*graph, "forward"));
  forward->set_graph(std::move(graph));
  type->AddMethod(forward);
  called.insert(called.end(), state.units().begin(), state.units().end());
  return Module(KeepCalled(unit, called), made.object());
}

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
    const std::vector<IValue>& inputs, const Options& options) {
  if (!options.check_inputs.empty()) return options.check_inputs;
  return {inputs};
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
  std::vector<std::vector<IValue>> checked = CheckInputsOf(inputs, options);
  for (auto& sample : checked) sample = CopyInputs(sample);
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
                   const Options& given) {
  const Options options = WithWarn(given);
  CheckInputs(inputs);
  std::vector<std::vector<IValue>> checked = CheckInputsOf(inputs, options);
  for (auto& sample : checked) sample = CopyInputs(sample);
  Module made = MakeModule(module, inputs, options);
  if (!options.check_trace) return made;
  const eager::Context* context = eager::CurrentContext();
  for (const std::vector<IValue>& sample : checked) {
    const eager::NoGrad no_grad;
    Options again = options;
    again.unit = nullptr;
    const Module second = MakeModule(module, CopyInputs(sample), again);
    CheckedTrace first;
    first.graph = made.FindMethod("forward")->graph();
    first.run = [&] {
      return Unwrap(
          context->engine().Call(made, "forward", CopyInputs(sample)));
    };
    first.repeated_graph = second.FindMethod("forward")->graph();
    first.run_repeated = [&] {
      return Unwrap(
          context->engine().Call(second, "forward", CopyInputs(sample)));
    };
    first.run_program = [&] {
      const ScopedRecorder none(nullptr);
      return module.CallBoxed(CopyInputs(sample));
    };
    CheckTrace(first, options);
  }
  return made;
}

}  // namespace tandem::tracer
