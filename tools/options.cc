#include "tandem/tools/options.h"

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"

namespace tandem::tools {

absl::StatusOr<Options> Options::Parse(absl::Span<const FlagInfo> known,
                                       absl::Span<const std::string> args) {
  Options options;
  for (size_t i = 0; i < args.size(); ++i) {
    absl::string_view arg = args[i];
    if (!absl::StartsWith(arg, "--") || arg.size() == 2) {
      options.words_.push_back(args[i]);
      continue;
    }
    arg.remove_prefix(2);
    const size_t equals = arg.find('=');
    const absl::string_view name = arg.substr(0, equals);
    const FlagInfo* flag = nullptr;
    for (const FlagInfo& f : known) {
      if (f.name == name) flag = &f;
    }
    if (flag == nullptr) {
      return absl::InvalidArgumentError(absl::StrCat("unknown flag --", name));
    }
    std::string value;
    if (equals != absl::string_view::npos) {
      if (!flag->takes_value) {
        return absl::InvalidArgumentError(
            absl::StrCat("--", name, " takes no value"));
      }
      value = std::string(arg.substr(equals + 1));
    } else if (flag->takes_value) {
      if (i + 1 == args.size()) {
        return absl::InvalidArgumentError(
            absl::StrCat("--", name, " needs a value"));
      }
      value = args[++i];
    }
    options.values_[std::string(name)].push_back(std::move(value));
  }
  return options;
}

bool Options::Has(absl::string_view name) const {
  return values_.find(name) != values_.end();
}

std::string Options::Get(absl::string_view name,
                         absl::string_view fallback) const {
  const auto it = values_.find(name);
  return it == values_.end() ? std::string(fallback) : it->second.back();
}

std::vector<std::string> Options::All(absl::string_view name) const {
  const auto it = values_.find(name);
  return it == values_.end() ? std::vector<std::string>() : it->second;
}

absl::StatusOr<int64_t> Options::GetInt(absl::string_view name,
                                        int64_t fallback) const {
  if (!Has(name)) return fallback;
  int64_t value;
  if (!absl::SimpleAtoi(Get(name), &value)) {
    return absl::InvalidArgumentError(absl::StrCat(
        "--", name, " needs a whole number, not '", Get(name), "'"));
  }
  return value;
}

absl::StatusOr<double> Options::GetDouble(absl::string_view name,
                                          double fallback) const {
  if (!Has(name)) return fallback;
  double value;
  if (!absl::SimpleAtod(Get(name), &value)) {
    return absl::InvalidArgumentError(
        absl::StrCat("--", name, " needs a number, not '", Get(name), "'"));
  }
  return value;
}

std::string DescribeFlags(absl::Span<const FlagInfo> flags) {
  std::string text;
  for (const FlagInfo& f : flags) {
    absl::StrAppendFormat(&text, "  --%-14s %s\n", f.name, f.help);
  }
  return text;
}

}  // namespace tandem::tools
