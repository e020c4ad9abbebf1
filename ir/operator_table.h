// The table of operators: one row each, with PyTorch's schema and a few facts.
#ifndef TANDEM_IR_OPERATOR_TABLE_H_
#define TANDEM_IR_OPERATOR_TABLE_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "absl/types/span.h"
#include "tandem/ir/schema.h"

namespace tandem {

// What running an operator touches besides its arguments.
enum class Effect : uint8_t {
  kNone = 0,
  kRandom = 1,  // draws from the generator
  kOutput = 2,  // prints or warns
  kFiles = 4,   // reads or writes files
  kClock = 8,
  kControl = 16,  // raises, waits
};

// A row. Lives as long as its table; compared by address.
struct Operator {
  FunctionSchema schema;
  std::string family;  // "pointwise", "reduce", …
  uint8_t effects = 0;
  // No write, no effect, no aliasing of inputs: may be folded, merged, dropped.
  bool is_pure() const;
  absl::string_view name() const { return schema.name; }
};

// Rows by name, overloads in the order in which PyTorch registers them (the
// order in which they are tried). Rows are parsed when first asked for.
// Thread-safe.
class OperatorTable {
 public:
  // A table that first looks in its own rows, then in `base` (may be null).
  explicit OperatorTable(const OperatorTable* base);
  ~OperatorTable();

  // The rows that come with tandem.
  static const OperatorTable& Builtin();

  // Adds a row; error when the text does not parse or the overload exists.
  absl::StatusOr<const Operator*> Add(absl::string_view schema,
                                      absl::string_view family = "custom",
                                      uint8_t effects = 0);
  // All overloads of "aten::add".
  absl::Span<const Operator* const> Overloads(absl::string_view name) const;
  // "aten::add", "Tensor"; null when absent.
  const Operator* Find(absl::string_view name,
                       absl::string_view overload) const;
  // Names that are near `name` by spelling, best first.
  std::vector<std::string> Suggest(absl::string_view name,
                                   size_t limit = 3) const;
  // Every row (parses all).
  std::vector<const Operator*> All() const;

 private:
  struct Entry;
  const OperatorTable* const base_;
  mutable absl::Mutex mutex_;
  mutable absl::flat_hash_map<std::string, std::unique_ptr<Entry>> entries_;
};

}  // namespace tandem

#endif  // TANDEM_IR_OPERATOR_TABLE_H_
