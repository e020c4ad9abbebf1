#include "tandem/frontends/symbolic/lower.h"

#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "tandem/frontends/eager/context.h"
#include "tandem/frontends/symbolic/interpreter.h"
#include "tandem/frontends/symbolic/lowering.h"
#include "tandem/ir/verifier.h"

namespace tandem::fx {
namespace internal {
namespace {

using eager::Throw;

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

}  // namespace

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

}  // namespace internal

absl::StatusOr<tandem::Module> lower_fx(GraphModule& module,
                                        const LowerOptions& options) {
  std::shared_ptr<CompilationUnit> unit = options.unit;
  if (unit == nullptr) {
    eager::Context* context = eager::CurrentContext();
    unit = context == nullptr
               ? std::make_shared<CompilationUnit>()
               : std::make_shared<CompilationUnit>(&context->operators());
  }
  return internal::Lowering(std::move(unit)).Run(module, options);
}

}  // namespace tandem::fx
