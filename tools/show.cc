// `tandem show`: what is in a model.
#include <iostream>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "tandem/runtime/plan.h"
#include "tandem/tools/command.h"

namespace tandem::tools {
namespace {

constexpr FlagInfo kFlags[] = {
    {"modules", false, "the tree of modules with their parameters (default)"},
    {"graph", false, "the method's graph, as PyTorch prints it"},
    {"inlined", false, "the same with calls inlined"},
    {"plan", false, "the program that runs"},
    {"operators", false, "what the program calls and touches"},
    {"method", true, "NAME  (forward)"},
    kBackendFlag,
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

int Run(const Options& options) {
  if (options.words().size() != 1)
    return Misused(ShowCommand(), "name one model");
  auto session = Session::Create(options);
  if (!session.ok()) return Fail("show", session.status());
  const absl::StatusOr<Module> module = (*session)->Load(options.words()[0]);
  if (!module.ok()) return Fail("show", module.status());
  if (options.Has("plan")) {
    const auto method = module->GetMethod(options.Get("method", "forward"));
    if (!method.ok()) return Fail("show", method.status());
    const auto plan = (*session)->engine().PlanFor(*method);
    if (!plan.ok()) return Fail("show", plan.status());
    std::cout << PlanToString(**plan);
    return kOk;
  }
  PrintModules(*module, "", 0);
  return kOk;
}

}  // namespace

const Command& ShowCommand() {
  static const Command kCommand = {
      "show", "show MODEL.pt [--modules|--graph|--inlined|--plan|--operators]",
      "Shows modules, code, graphs or the plan of a model.", kFlags, &Run};
  return kCommand;
}

}  // namespace tandem::tools
