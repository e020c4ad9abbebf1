// The command line of a subcommand: flags by name, the rest in order.
#ifndef TANDEM_TOOLS_OPTIONS_H_
#define TANDEM_TOOLS_OPTIONS_H_

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"

namespace tandem::tools {

// A flag that a subcommand knows.
struct FlagInfo {
  absl::string_view name;  // without dashes
  bool takes_value = false;
  absl::string_view help;  // "x=FILE.npy | …  what it is for"
};

// "--name value", "--name=value", "--switch", and words.
class Options {
 public:
  // Error with what is wrong: an unknown flag, a missing value.
  static absl::StatusOr<Options> Parse(absl::Span<const FlagInfo> known,
                                       absl::Span<const std::string> args);

  bool Has(absl::string_view name) const;
  // The last value given, or `fallback`.
  std::string Get(absl::string_view name,
                  absl::string_view fallback = "") const;
  // All values given, in order.
  std::vector<std::string> All(absl::string_view name) const;
  absl::StatusOr<int64_t> GetInt(absl::string_view name,
                                 int64_t fallback) const;
  absl::StatusOr<double> GetDouble(absl::string_view name,
                                   double fallback) const;
  const std::vector<std::string>& words() const { return words_; }

 private:
  std::map<std::string, std::vector<std::string>, std::less<>> values_;
  std::vector<std::string> words_;
};

// The lines of --help for flags.
std::string DescribeFlags(absl::Span<const FlagInfo> flags);

}  // namespace tandem::tools

#endif  // TANDEM_TOOLS_OPTIONS_H_
