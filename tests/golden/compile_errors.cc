// Programs that do not compile: our message against the one that is expected.
//
//   compile_errors FOLDER [NAME | --write]
//
// FOLDER has NAME.py.txt, a program whose entry is M or else f, and
// NAME.error.txt, PyTorch's message. NAME.ours.txt is our message where it is
// meant to differ; --write makes these, to be read before they are kept. Both
// name the same line first. README.md lists in a table the programs that
// compile here ("accepted") and those that fail at another line ("elsewhere").
// With NAME our message is shown.
#include <dirent.h>

#include <algorithm>
#include <fstream>
#include <iostream>
#include <iterator>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "tandem/backends/reference/reference.h"
#include "tandem/frontends/script/python.h"
#include "tandem/runtime/engine.h"

namespace tandem {
namespace {

bool Read(const std::string& path, std::string* text) {
  std::ifstream in(path, std::ios::binary);
  if (!in) return false;
  text->assign(std::istreambuf_iterator<char>(in), {});
  return true;
}

std::vector<std::string> Names(const std::string& folder) {
  std::vector<std::string> names;
  DIR* dir = opendir(folder.c_str());
  if (dir == nullptr) return names;
  while (const dirent* entry = readdir(dir)) {
    absl::string_view file = entry->d_name;
    if (absl::ConsumeSuffix(&file, ".py.txt")) names.emplace_back(file);
  }
  closedir(dir);
  std::sort(names.begin(), names.end());
  return names;
}

absl::Status Compile(const Engine& engine, const std::string& name,
                     std::string text) {
  const char* entry = absl::StrContains(text, "\nclass M(") ? "M" : "f";
  CompilationUnit unit;
  const auto program = script::PythonProgram::Parse(
      &unit, std::make_shared<Source>(std::move(text), name + ".py"));
  if (!program.ok()) return program.status();
  const script::RunFunction run = [&](Function* function,
                                      std::vector<IValue> arguments) {
    return engine.CallFunction(function, std::move(arguments));
  };
  return (*program)->CompileEntry(entry, run).status();
}

// The line that a message names first.
absl::string_view Place(absl::string_view message) {
  const size_t file = message.find("  File \"");
  if (file == absl::string_view::npos) return "";
  message.remove_prefix(file);
  return message.substr(0, message.find('\n'));
}

int Main(const std::string& folder, const std::string& only, bool write) {
  // What the page says of a program: "accepted", or "elsewhere".
  std::map<std::string, std::string> listed;
  std::string page;
  if (Read(folder + "/README.md", &page)) {
    for (const absl::string_view line : absl::StrSplit(page, '\n')) {
      const std::vector<std::string> cells = absl::StrSplit(line, '|');
      if (cells.size() < 4) continue;
      listed[std::string(absl::StripAsciiWhitespace(cells[1]))] =
          std::string(absl::StripAsciiWhitespace(cells[2]));
    }
  }
  // For the layers that programs make.
  Registry registry;
  const absl::Status registered = reference::Register(registry);
  if (!registered.ok()) {
    std::cout << registered << std::endl;
    return 1;
  }
  const Engine engine(&registry);
  int failed = 0;
  for (const std::string& name : Names(folder)) {
    if (!only.empty() && name != only) continue;
    std::string program, want;
    Read(absl::StrCat(folder, "/", name, ".py.txt"), &program);
    Read(absl::StrCat(folder, "/", name, ".error.txt"), &want);
    const std::string theirs = want;
    Read(absl::StrCat(folder, "/", name, ".ours.txt"), &want);
    const absl::Status status = Compile(engine, name, program);
    const absl::string_view got = status.message();
    if (!only.empty()) std::cout << got << "\n";
    std::string why;
    if (listed[name] == "accepted") {
      if (!status.ok()) why = absl::StrCat("it is refused: ", got);
    } else if (status.ok()) {
      why = "it compiles";
    } else if (Place(got) != Place(theirs) && !Place(theirs).empty() &&
               listed[name] != "elsewhere") {
      why = absl::StrCat("another place\n--- ours\n", got, "\n--- expected\n",
                         theirs);
    } else if (absl::StripAsciiWhitespace(got) !=
               absl::StripAsciiWhitespace(want)) {
      why = absl::StrCat("other words\n--- ours\n", got, "\n--- expected\n",
                         want);
      if (write) {
        std::ofstream(absl::StrCat(folder, "/", name, ".ours.txt"))
            << got << "\n";
      }
    }
    if (why.empty()) {
      std::cout << "PASS " << name << "\n";
    } else {
      ++failed;
      std::cout << "FAIL " << name << ": " << why << "\n";
    }
  }
  std::cout << failed << " failed" << std::endl;
  return failed == 0 ? 0 : 1;
}

}  // namespace
}  // namespace tandem

int main(int argc, char** argv) {
  if (argc < 2) return 2;
  const std::string last = argc > 2 ? argv[2] : "";
  return tandem::Main(argv[1], last == "--write" ? "" : last,
                      last == "--write");
}
