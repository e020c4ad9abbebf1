// The command: `tandem SUBCOMMAND …`.
#include <iostream>
#include <new>
#include <string>
#include <vector>

#include "tandem/tools/command.h"

namespace tandem::tools {
namespace {

const Command* const* Commands(size_t* count) {
  static const Command* const kCommands[] = {
      &RunCommand(),     &CheckCommand(), &ShowCommand(),    &ScriptCommand(),
      &ConvertCommand(), &BenchCommand(), &ProfileCommand(), &PluginsCommand()};
  *count = std::size(kCommands);
  return kCommands;
}

void PrintUsage(std::ostream& out) {
  out << "tandem: opens TorchScript models and runs them, without libtorch\n\n";
  size_t count;
  const Command* const* commands = Commands(&count);
  for (size_t i = 0; i < count; ++i) {
    const absl::string_view help = commands[i]->help;
    out << "  tandem " << commands[i]->usage << "\n      "
        << help.substr(0, help.find('\n')) << "\n";
  }
  out << "\n`tandem SUBCOMMAND --help` says more. Exit code: 0 it worked, 1 it "
         "failed,\n"
         "2 it was called wrongly.\n";
}

int Main(const std::vector<std::string>& args) {
  if (args.empty() || args[0] == "--help" || args[0] == "-h" ||
      args[0] == "help") {
    PrintUsage(args.empty() ? std::cerr : std::cout);
    return args.empty() ? kUsage : kOk;
  }
  size_t count;
  const Command* const* commands = Commands(&count);
  for (size_t i = 0; i < count; ++i) {
    const Command& command = *commands[i];
    if (command.name != args[0]) continue;
    const std::vector<std::string> rest(args.begin() + 1, args.end());
    for (const std::string& arg : rest) {
      if (arg == "--help" || arg == "-h") {
        std::cout << "usage: tandem " << command.usage << "\n\n"
                  << command.help << "\n\n"
                  << DescribeFlags(command.flags);
        return kOk;
      }
    }
    const absl::StatusOr<Options> options = Options::Parse(command.flags, rest);
    if (!options.ok()) return Misused(command, options.status().message());
    return command.run(*options);
  }
  std::cerr << "tandem: there is no subcommand '" << args[0] << "'\n";
  PrintUsage(std::cerr);
  return kUsage;
}

}  // namespace
}  // namespace tandem::tools

int main(int argc, char** argv) {
  tandem::tools::InstallSignalHandlers();
  try {
    return tandem::tools::Main(std::vector<std::string>(argv + 1, argv + argc));
  } catch (const std::bad_alloc&) {
    std::cerr << "tandem: out of memory" << std::endl;
    return tandem::tools::kFailed;
  }
}
