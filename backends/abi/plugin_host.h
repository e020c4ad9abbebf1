// Opens plugins: backends, operators and passes in shared objects.
#ifndef TANDEM_BACKENDS_ABI_PLUGIN_HOST_H_
#define TANDEM_BACKENDS_ABI_PLUGIN_HOST_H_

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "tandem/backends/abi/plugin_abi.h"
#include "tandem/backends/registry.h"
#include "tandem/ir/operator_table.h"

namespace tandem {

// A pass that works on canonical text: the new graph, or nullopt for the same.
using TextPass = std::function<absl::StatusOr<std::optional<std::string>>(
    absl::string_view graph)>;

// Loads plugins into a registry and its table of operators. What a plugin
// registers lives as long as the registry; its code stays mapped until the
// process ends (somebody may still hold what it made). Exceptions that leave a
// plugin become errors. Not thread-safe: plugins come before calls.
class PluginHost {
 public:
  // Plugins may add rows to `operators`, which should be the table that
  // `registry` was made with; null: no operators. `add_pass` null: no passes.
  PluginHost(Registry* registry, OperatorTable* operators,
             std::function<absl::Status(std::string name, TextPass pass)>
                 add_pass = nullptr);

  // Opens a shared object: a path, or a name without a slash that is looked for
  // in `search_path` ("libmine.so", or "mine" for it). Errors say why the
  // loader refused it or for which ABI version it was built.
  absl::Status Load(const std::string& path_or_name);
  // A plugin that is part of the program.
  absl::Status Link(const TandemPlugin* plugin);

  // Folders for names, first one first.
  std::vector<std::string> search_path;

  struct Loaded {
    std::string name, version, path;  // path empty: linked
  };
  const std::vector<Loaded>& loaded() const { return loaded_; }

 private:
  absl::Status Init(const TandemPlugin* plugin, const std::string& path);

  Registry* const registry_;
  OperatorTable* const operators_;
  const std::function<absl::Status(std::string, TextPass)> add_pass_;
  std::vector<Loaded> loaded_;
};

// The folders of a PATH-like text ("a:b").
std::vector<std::string> SplitSearchPath(absl::string_view text);

}  // namespace tandem

#endif  // TANDEM_BACKENDS_ABI_PLUGIN_HOST_H_
