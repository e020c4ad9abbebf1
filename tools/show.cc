// `tandem show`: what is in a model.
#include <iostream>
#include <map>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "tandem/frontends/script/printer.h"
#include "tandem/ir/canonical.h"
#include "tandem/ir/dot.h"
#include "tandem/ir/print.h"
#include "tandem/passes/inline.h"
#include "tandem/runtime/plan.h"
#include "tandem/tools/command.h"

namespace tandem::tools {
namespace {

constexpr FlagInfo kFlags[] = {
    {"modules", false, "the tree of modules with their parameters (default)"},
    {"code", false, "the method's code, as PyTorch prints it"},
    {"graph", false, "the method's graph, as PyTorch prints it"},
    {"inlined", false, "the same with calls inlined"},
    {"plan", false, "the program that runs"},
    {"operators", false, "what the program calls and touches"},
    {"canonical", false,
     "the whole program as lossless text; with --method, that graph alone"},
    {"no-ranges", false, "leave places and sources out of --canonical"},
    {"dot", false, "the method's graph for Graphviz; --inlined too"},
    {"method", true, "NAME  (forward)"},
    kBackendFlag,
    kPipelineFlag,
    kPassesFlag,
    kNoVerifyFlag,
};

void PrintModules(const Module& module, const std::string& name, int depth) {
  const std::string indent(depth * 2, ' ');
  std::cout << indent << (name.empty() ? "" : absl::StrCat("(", name, "): "))
            << module.type().base_name();
  std::vector<std::string> parts;
  for (size_t i = 0; i < module.type().attributes().size(); ++i) {
    const ClassType::Attribute& a = module.type().attributes()[i];
    const IValue v = module.object()->Get(i);
    if (v.is_tensor() && v.AsTensor().defined()) {
      parts.push_back(
          absl::StrCat(a.name, " ", DimsToString(v.AsTensor().sizes())));
    }
  }
  if (!parts.empty()) std::cout << "  " << absl::StrJoin(parts, ", ");
  std::cout << "\n";
  for (const auto& [child_name, child] : module.Children()) {
    PrintModules(child, child_name, depth + 1);
  }
}

std::string EffectNames(uint8_t effects) {
  std::vector<absl::string_view> names;
  const auto add = [&](Effect effect, absl::string_view name) {
    if ((effects & static_cast<uint8_t>(effect)) != 0) names.push_back(name);
  };
  add(Effect::kRandom, "random numbers");
  add(Effect::kOutput, "output");
  add(Effect::kFiles, "files");
  add(Effect::kClock, "clock");
  add(Effect::kControl, "control");
  return absl::StrJoin(names, ", ");
}

void CountOperators(const Block& block,
                    std::map<std::string, std::pair<int, uint8_t>>* out) {
  for (Node* n : block) {
    if (n->op() != nullptr) {
      auto& [count, effects] = (*out)[n->op()->schema.FullName()];
      ++count;
      effects = n->op()->effects;
    } else if (n->is(NodeKind::kPrint)) {
      auto& [count, effects] = (*out)["prim::Print"];
      ++count;
      effects = static_cast<uint8_t>(Effect::kOutput);
    }
    for (const Block* b : n->blocks()) CountOperators(*b, out);
  }
}

// What extern(INDEX) of a text stands for, as comments.
void PrintExternals(const std::vector<IValue>& externals) {
  for (size_t i = 0; i < externals.size(); ++i) {
    const IValue& v = externals[i];
    const TypePtr type =
        v.is_tensor() ? TensorType::Of(v.AsTensor()) : v.TypeOf();
    std::cout << "# extern(" << i << ") : " << type->ToString() << "\n";
  }
}

absl::Status ShowCanonical(const Module& module, const Options& options) {
  std::vector<IValue> externals;
  // Functions without a graph, as comments.
  std::string left_out;
  CanonicalPrintOptions print;
  print.ranges = !options.Has("no-ranges");
  print.externals = &externals;
  absl::StatusOr<std::string> text = absl::InternalError("");
  if (options.Has("method")) {
    const auto method = module.GetMethod(options.Get("method"));
    if (!method.ok()) return method.status();
    if (absl::Status s = (*method)->EnsureDefined(); !s.ok()) return s;
    text = PrintCanonical(*(*method)->graph(), print);
  } else {
    const auto& functions = module.unit()->functions();
    // Compiling one may add others.
    for (size_t i = 0; i < functions.size(); ++i) {
      const absl::Status s = functions[i]->EnsureDefined();
      if (s.ok()) continue;
      const std::string message(s.message());
      absl::StrAppend(
          &left_out, "# ", functions[i]->qualified_name(),
          " does not compile: ", message.substr(0, message.find('\n')), "\n");
    }
    text =
        PrintCanonicalProgram(*module.unit(), IValue(module.object()), print);
  }
  if (!text.ok()) return text.status();
  std::cout << *text << left_out;
  PrintExternals(externals);
  return absl::OkStatus();
}

absl::Status ShowMethod(const Session& session, Function* method,
                        const Options& options) {
  if (absl::Status s = method->EnsureDefined(); !s.ok()) return s;
  if (options.Has("code")) {
    const auto code = script::PrintFunction(*method);
    if (!code.ok()) return code.status();
    std::cout << *code;
  }
  if (options.Has("graph")) std::cout << GraphToString(*method->graph());
  const bool dot = options.Has("dot");
  if (dot && !options.Has("inlined")) {
    std::cout << GraphToDot(*method->graph(), method->qualified_name());
  }
  if (options.Has("inlined") || options.Has("operators")) {
    const std::unique_ptr<Graph> graph = method->graph()->Clone();
    if (absl::Status s = InlineCalls(graph.get()); !s.ok()) return s;
    if (options.Has("inlined")) {
      std::cout << (dot ? GraphToDot(*graph, method->qualified_name())
                        : GraphToString(*graph));
    }
    if (options.Has("operators")) {
      std::map<std::string, std::pair<int, uint8_t>> operators;
      CountOperators(*graph->block(), &operators);
      for (const auto& [name, entry] : operators) {
        const std::string effects = EffectNames(entry.second);
        std::cout << name << "  " << entry.first
                  << (effects.empty() ? ""
                                      : absl::StrCat("  touches ", effects))
                  << "\n";
      }
    }
  }
  if (options.Has("plan")) {
    const auto plan = session.engine().PlanFor(method);
    if (!plan.ok()) return plan.status();
    std::cout << PlanToString(**plan);
  }
  return absl::OkStatus();
}

int Run(const Options& options) {
  if (options.words().size() != 1)
    return Misused(ShowCommand(), "name one model");
  auto session = Session::Create(options);
  if (!session.ok()) return Fail("show", session.status());
  const absl::StatusOr<Module> module = (*session)->Load(options.words()[0]);
  if (!module.ok()) return Fail("show", module.status());
  if (options.Has("canonical")) {
    const absl::Status s = ShowCanonical(*module, options);
    return s.ok() ? kOk : Fail("show", s);
  }
  const bool of_method = options.Has("dot") || options.Has("plan") ||
                         options.Has("code") || options.Has("graph") ||
                         options.Has("inlined") || options.Has("operators");
  if (of_method) {
    const auto method = module->GetMethod(options.Get("method", "forward"));
    if (!method.ok()) return Fail("show", method.status());
    const absl::Status s = ShowMethod(**session, *method, options);
    return s.ok() ? kOk : Fail("show", s);
  }
  PrintModules(*module, "", 0);
  return kOk;
}

}  // namespace

const Command& ShowCommand() {
  static const Command kCommand = {
      "show",
      "show MODEL.pt [--modules|--code|--graph|--inlined|--plan|--operators|"
      "--canonical|--dot]",
      "Shows modules, code, graphs or the plan of a model.", kFlags, &Run};
  return kCommand;
}

}  // namespace tandem::tools
