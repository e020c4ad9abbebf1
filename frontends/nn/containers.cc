#include "tandem/frontends/nn/containers.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"

namespace tandem::nn {

Sequential::Sequential(const std::vector<std::shared_ptr<Module>>& modules) {
  for (const auto& m : modules) append(m);
}

Sequential::Sequential(std::vector<Named> modules) {
  for (auto& [name, m] : modules) {
    register_module(std::move(name), std::move(m));
  }
}

void Sequential::append(std::shared_ptr<Module> module) {
  register_module(absl::StrCat(size()), std::move(module));
}

IValue Sequential::ForwardBoxed(std::vector<IValue> args) {
  for (const Child& c : children()) {
    IValue result = c.module->CallBoxed(std::move(args));
    args.clear();
    args.push_back(std::move(result));
  }
  if (args.size() != 1) eager::Throw("Sequential takes one argument");
  return std::move(args[0]);
}

ModuleList::ModuleList(const std::vector<std::shared_ptr<Module>>& modules) {
  for (const auto& m : modules) append(m);
}

void ModuleList::append(std::shared_ptr<Module> module) {
  register_module(absl::StrCat(size()), std::move(module));
}

const std::shared_ptr<Module>& ModuleList::operator[](int64_t i) const {
  const int64_t count = static_cast<int64_t>(size());
  const int64_t at = i < 0 ? i + count : i;
  if (at < 0 || at >= count) {
    eager::Throw(absl::StrCat("index ", i, " is out of range"));
  }
  return children()[at].module;
}

const std::shared_ptr<Module>& ModuleList::Checked(
    const std::shared_ptr<Module>& module, const std::string& name) {
  if (module == nullptr || module->name() != name) {
    eager::Throw(absl::StrCat("the module is a ",
                              module == nullptr ? "None" : module->name(),
                              ", not a ", name));
  }
  return module;
}

std::string ModuleList::ToString() const {
  if (children().empty()) return "ModuleList()";
  std::vector<std::string> lines;
  size_t first = 0;
  while (first < size()) {
    const std::string text = children()[first].module->ToString();
    size_t last = first;
    while (last + 1 < size() &&
           children()[last + 1].module->ToString() == text) {
      ++last;
    }
    const std::string indented = absl::StrReplaceAll(text, {{"\n", "\n  "}});
    lines.push_back(last == first ? absl::StrCat("(", first, "): ", indented)
                                  : absl::StrCat("(", first, "-", last,
                                                 "): ", last - first + 1, " x ",
                                                 indented));
    first = last + 1;
  }
  return absl::StrCat("ModuleList(\n  ", absl::StrJoin(lines, "\n  "), "\n)");
}

IValue ModuleList::ForwardBoxed(std::vector<IValue> args) {
  eager::Throw(
      "Module [ModuleList] is missing the required \"forward\" function");
}

ModuleDict::ModuleDict(
    std::vector<std::pair<std::string, std::shared_ptr<Module>>> modules) {
  for (auto& [name, m] : modules) {
    register_module(std::move(name), std::move(m));
  }
}

bool ModuleDict::contains(absl::string_view key) const {
  for (const Child& c : children()) {
    if (c.name == key) return true;
  }
  return false;
}

std::vector<std::string> ModuleDict::keys() const {
  std::vector<std::string> out;
  for (const Child& c : children()) out.push_back(c.name);
  return out;
}

const std::shared_ptr<Module>& ModuleDict::operator[](
    absl::string_view key) const {
  for (const Child& c : children()) {
    if (c.name == key) return c.module;
  }
  eager::Throw(absl::StrCat("there is no module '", key, "'"));
}

IValue ModuleDict::ForwardBoxed(std::vector<IValue> args) {
  eager::Throw(
      "Module [ModuleDict] is missing the required \"forward\" function");
}

}  // namespace tandem::nn
