// Programs that do not compile: our message against the one that is expected.
//
//   compile_errors FOLDER [NAME]
//
// FOLDER has NAME.py.txt, a program whose entry is M or else f, and
// NAME.error.txt, PyTorch's message. NAME.ours.txt is our message where it is
// meant to differ; it names the same place. accepted.md lists, one a line,
// "| NAME | why |": programs that compile here. With NAME our message is shown.
#include <dirent.h>

#include <algorithm>
#include <fstream>
#include <iostream>
#include <iterator>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "tandem/frontends/script/python.h"

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

absl::Status Compile(const std::string& name, std::string text) {
  const char* entry = absl::StrContains(text, "\nclass M(") ? "M" : "f";
  CompilationUnit unit;
  const auto program = script::PythonProgram::Parse(
      &unit, std::make_shared<Source>(std::move(text), name + ".py"));
  if (!program.ok()) return program.status();
  return (*program)->CompileEntry(entry).status();
}

// The places that a message names, with what is underlined there: all of it but
// the words.
std::string Places(absl::string_view message) {
  std::string places;
  for (const absl::string_view line : absl::StrSplit(message, '\n')) {
    if (absl::StrContains(line, "  File \"") ||
        absl::StrContains(line, "~~~") ||
        absl::StrContains(line, "<--- HERE")) {
      absl::StrAppend(&places, line, "\n");
    }
  }
  return places;
}

int Main(const std::string& folder, const std::string& only) {
  std::map<std::string, bool> accepted;
  std::string page;
  if (Read(folder + "/accepted.md", &page)) {
    for (const absl::string_view line : absl::StrSplit(page, '\n')) {
      const std::vector<std::string> cells = absl::StrSplit(line, '|');
      if (cells.size() < 3) continue;
      accepted[std::string(absl::StripAsciiWhitespace(cells[1]))] = true;
    }
  }
  int failed = 0;
  for (const std::string& name : Names(folder)) {
    if (!only.empty() && name != only) continue;
    std::string program, want;
    Read(absl::StrCat(folder, "/", name, ".py.txt"), &program);
    Read(absl::StrCat(folder, "/", name, ".error.txt"), &want);
    const std::string theirs = want;
    Read(absl::StrCat(folder, "/", name, ".ours.txt"), &want);
    const absl::Status status = Compile(name, program);
    const absl::string_view got = status.message();
    if (!only.empty()) std::cout << got << "\n";
    std::string why;
    if (accepted.count(name) > 0) {
      if (!status.ok()) why = absl::StrCat("it is refused: ", got);
    } else if (status.ok()) {
      why = "it compiles";
    } else if (absl::StripAsciiWhitespace(got) !=
               absl::StripAsciiWhitespace(want)) {
      why = absl::StrCat(
          Places(got) == Places(theirs) ? "other words" : "another place",
          "\n--- ours\n", got, "\n--- expected\n", want);
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
  return tandem::Main(argv[1], argc > 2 ? argv[2] : "");
}
