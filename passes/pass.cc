#include "tandem/passes/pass.h"

#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "tandem/tensor/status_macros.h"

namespace tandem {
namespace {

class FunctionPass : public Pass {
 public:
  FunctionPass(PassInfo info, GraphPassFunction function)
      : Pass(std::move(info)), function_(function) {}
  absl::StatusOr<PassResult> RunOnGraph(
      Graph* graph, const PassContext& context,
      const PassOptions& options) const override {
    return function_(graph, context, options);
  }

 private:
  const GraphPassFunction function_;
};

}  // namespace

std::string PassOptions::Get(absl::string_view key,
                             absl::string_view fallback) const {
  const auto it = values_.find(key);
  return it == values_.end() ? std::string(fallback) : it->second;
}

absl::StatusOr<bool> PassOptions::GetBool(absl::string_view key,
                                          bool fallback) const {
  if (!Has(key)) return fallback;
  const std::string text = Get(key);
  if (text.empty() || text == "true" || text == "1") return true;
  if (text == "false" || text == "0") return false;
  return absl::InvalidArgumentError(
      absl::StrCat("option ", key, " is true or false, not '", text, "'"));
}

absl::StatusOr<int64_t> PassOptions::GetInt(absl::string_view key,
                                            int64_t fallback) const {
  if (!Has(key)) return fallback;
  int64_t value;
  if (!absl::SimpleAtoi(Get(key), &value)) {
    return absl::InvalidArgumentError(absl::StrCat(
        "option ", key, " needs a whole number, not '", Get(key), "'"));
  }
  return value;
}

std::vector<std::string> PassOptions::GetList(absl::string_view key) const {
  return absl::StrSplit(Get(key), ';', absl::SkipWhitespace());
}

absl::StatusOr<PassResult> Pass::RunOnProgram(
    Program* program, const PassContext& context,
    const PassOptions& options) const {
  PassResult all;
  for (Function* f : FunctionsOf(*program)) {
    if (f->graph() == nullptr) continue;
    absl::StatusOr<PassResult> one = RunOnGraph(f->graph(), context, options);
    if (!one.ok()) {
      return absl::Status(
          one.status().code(),
          absl::StrCat(f->qualified_name(), ": ", one.status().message()));
    }
    all.Merge(*one);
  }
  return all;
}

std::unique_ptr<Pass> MakeGraphPass(PassInfo info, GraphPassFunction function) {
  return std::make_unique<FunctionPass>(std::move(info), function);
}

absl::Status PassRegistry::Add(std::unique_ptr<Pass> pass) {
  const std::string& name = pass->info().name;
  if (Find(name) != nullptr || FindPreset(name) != nullptr) {
    return absl::AlreadyExistsError(
        absl::StrCat("there is a pass '", name, "' already"));
  }
  passes_.push_back(std::move(pass));
  return absl::OkStatus();
}

absl::Status PassRegistry::AddPreset(std::string name, std::string text) {
  if (Find(name) != nullptr || FindPreset(name) != nullptr) {
    return absl::AlreadyExistsError(
        absl::StrCat("there is a pass '", name, "' already"));
  }
  presets_[std::move(name)] = std::move(text);
  return absl::OkStatus();
}

const Pass* PassRegistry::Find(absl::string_view name) const {
  for (const auto& pass : passes_) {
    if (pass->info().name == name) return pass.get();
  }
  return nullptr;
}

const std::string* PassRegistry::FindPreset(absl::string_view name) const {
  const auto it = presets_.find(name);
  return it == presets_.end() ? nullptr : &it->second;
}

}  // namespace tandem
