// `tandem plugins`: backends and what they cover.
#include <iostream>

#include "tandem/tools/command.h"

namespace tandem::tools {
namespace {

constexpr FlagInfo kFlags[] = {
    {"missing", false, "list the operators that no backend covers"},
    kLoadFlag,
};

int Run(const Options& options) {
  auto session = Session::Create(options, /*list=*/true);
  if (!session.ok()) return Fail("plugins", session.status());
  const Registry& registry = (*session)->registry();
  const std::vector<const Operator*> all = registry.operators().All();
  for (const std::string& backend : registry.backends()) {
    std::cout << backend << ": " << registry.Coverage(backend) << " of "
              << all.size() << " operators"
              << (registry.FindGroupBackend(backend) != nullptr
                      ? ", compiles groups\n"
                      : "\n");
  }
  for (const PluginHost::Loaded& l : (*session)->plugins().loaded()) {
    std::cout << "plugin " << l.name << " " << l.version << " from " << l.path
              << "\n";
  }
  std::cout << "passes:";
  for (const auto& pass : (*session)->passes().passes()) {
    std::cout << " " << pass->info().name;
  }
  std::cout << "\n";
  if (options.Has("missing")) {
    for (const Operator* op : all) {
      if (registry.Find(*op, registry.backends()) == nullptr) {
        std::cout << op->family << " " << op->schema.FullName() << "\n";
      }
    }
  }
  return kOk;
}

}  // namespace

const Command& PluginsCommand() {
  static const Command kCommand = {
      "plugins", "plugins [--missing] [--load PLUGIN]",
      "Lists backends and the operators they cover.", kFlags, &Run};
  return kCommand;
}

}  // namespace tandem::tools
