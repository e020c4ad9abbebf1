// Prints the graph and the code of recorded archives and compares them with
// what PyTorch printed. Differences that are known stand in
// printed_text_known.txt with their reason; a difference that is not listed
// fails, and so does a listed one that is gone.
//
//   printed_text_test [--all] FOLDER …   prints every difference
#include <dirent.h>

#include <algorithm>
#include <fstream>
#include <iostream>
#include <map>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "tandem/frontends/script/printer.h"
#include "tandem/runtime/engine.h"
#include "tandem/serialization/torchscript/module_loader.h"

namespace tandem {
namespace {

std::string ReadFile(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  std::stringstream text;
  text << in.rdbuf();
  return text.str();
}

// Values numbered anew in order of appearance, as names depend on what passes
// did before: "%x.5" and "%12" become "%x.0" and "%0". Addresses go.
std::string Renumbered(const std::string& text) {
  std::string out;
  std::map<std::string, std::string> names;
  std::map<std::string, int> counts;
  for (size_t i = 0; i < text.size();) {
    if (text.compare(i, 2, "0x") == 0) {
      out += "0x";
      for (i += 2; i < text.size() && isxdigit(text[i]); ++i) {
      }
      continue;
    }
    if (absl::StartsWith(absl::string_view(text).substr(i), "graph(")) {
      names.clear();
      counts.clear();
    }
    if (text[i] != '%') {
      out.push_back(text[i++]);
      continue;
    }
    size_t end = i + 1;
    while (end < text.size() && (absl::ascii_isalnum(text[end]) ||
                                 text[end] == '_' || text[end] == '.')) {
      ++end;
    }
    const std::string name = text.substr(i + 1, end - i - 1);
    if (names.find(name) == names.end()) {
      std::string base = name;
      const size_t dot = name.rfind('.');
      if (dot != std::string::npos) base = name.substr(0, dot);
      if (absl::ascii_isdigit(name[0])) base.clear();
      names[name] = absl::StrCat(base, ".", counts[base]++);
    }
    out += "%" + names[name];
    i = end;
  }
  return out;
}

struct Result {
  std::string what;  // "", or what differs first
};

std::string FirstDifference(const std::string& got, const std::string& want) {
  const std::vector<std::string> a = absl::StrSplit(got, '\n');
  const std::vector<std::string> b = absl::StrSplit(want, '\n');
  for (size_t i = 0; i < std::max(a.size(), b.size()); ++i) {
    const std::string x = i < a.size() ? a[i] : "<end>";
    const std::string y = i < b.size() ? b[i] : "<end>";
    if (x != y) {
      return absl::StrCat("line ", i + 1, "\n      got  ", x, "\n      want ",
                          y);
    }
  }
  return "";
}

int Main(int argc, char** argv) {
  bool all = false;
  std::string known_path;
  std::vector<std::string> folders;
  for (int i = 1; i < argc; ++i) {
    const std::string a = argv[i];
    if (a == "--all") {
      all = true;
    } else if (absl::StartsWith(a, "--known=")) {
      known_path = a.substr(8);
    } else {
      folders.push_back(a);
    }
  }
  std::set<std::string> known;
  for (absl::string_view line :
       absl::StrSplit(ReadFile(known_path), '\n', absl::SkipEmpty())) {
    if (line[0] == '#') continue;
    known.insert(std::string(line.substr(0, line.find(' '))));
  }
  int compared = 0, exact = 0, failures = 0;
  std::set<std::string> differ;
  for (const std::string& folder : folders) {
    std::vector<std::string> names;
    DIR* dir = opendir(folder.c_str());
    if (dir == nullptr) continue;
    while (const dirent* e = readdir(dir)) {
      const std::string file = e->d_name;
      if (absl::EndsWith(file, ".pt") && !absl::EndsWith(file, ".io.pt")) {
        names.push_back(file.substr(0, file.size() - 3));
      }
    }
    closedir(dir);
    std::sort(names.begin(), names.end());
    for (const std::string& name : names) {
      const std::string base = folder + "/" + name;
      const std::string loaded =
          std::ifstream(base + ".loaded_graph.txt").good() ? ".loaded_" : ".";
      const std::string graph = ReadFile(base + loaded + "graph.txt");
      const std::string code = ReadFile(base + loaded + "code.txt");
      if (graph.empty() && code.empty()) continue;
      const absl::StatusOr<Module> module = LoadModule(base + ".pt");
      if (!module.ok()) {
        if (all) std::cout << "LOAD " << name << " " << module.status() << "\n";
        continue;
      }
      Function* forward = module->FindMethod("forward");
      if (forward == nullptr || !forward->EnsureDefined().ok()) {
        if (all) std::cout << "NO FORWARD " << name << "\n";
        continue;
      }
      const auto check = [&](const std::string& kind, const std::string& got,
                             const std::string& want, bool renumber) {
        if (want.empty()) return;
        ++compared;
        std::string a = std::string(absl::StripTrailingAsciiWhitespace(got));
        std::string b = std::string(absl::StripTrailingAsciiWhitespace(want));
        if (a == b) {
          ++exact;
          return;
        }
        if (renumber) {
          a = Renumbered(a);
          b = Renumbered(b);
        }
        if (a == b) return;
        const std::string id = name + "." + kind;
        differ.insert(id);
        if (all || known.count(id) == 0) {
          std::cout << "DIFF " << id << " " << FirstDifference(a, b) << "\n";
          ++failures;
        }
      };
      check("graph", forward->graph()->ToString(), graph, true);
      const absl::StatusOr<std::string> printed =
          script::PrintFunction(*forward);
      check("code", printed.ok() ? *printed : printed.status().ToString(), code,
            false);
    }
  }
  for (const std::string& id : known) {
    if (differ.count(id) == 0) {
      std::cout << "GONE " << id << ": take it from the list\n";
      ++failures;
    }
  }
  std::cout << compared << " texts compared, " << exact << " equal, "
            << compared - exact - static_cast<int>(differ.size())
            << " equal but for numbers, " << differ.size() << " differ\n";
  return failures == 0 && compared > 0 ? 0 : 1;
}

}  // namespace
}  // namespace tandem

int main(int argc, char** argv) { return tandem::Main(argc, argv); }
