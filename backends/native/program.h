// A chain of elementwise operators and reductions over rows, run tile by tile:
// what is in between lives in tiles that stay in the first cache.
#ifndef TANDEM_BACKENDS_NATIVE_PROGRAM_H_
#define TANDEM_BACKENDS_NATIVE_PROGRAM_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "tandem/backends/elementwise/expression.h"
#include "tandem/backends/native/elementwise.h"
#include "tandem/backends/native/kernel_table.h"
#include "tandem/tensor/tensor.h"

namespace tandem::native {

using elementwise::Action;
using elementwise::Expressions;

// Where an operand is.
struct Place {
  enum class Kind : uint8_t { kNone, kSlot, kInput, kOutput, kNumber };
  Kind kind = Kind::kNone;
  int index = 0;
};

struct Instruction {
  Action action = Action::kRow;
  Op op = Op::kAdd;
  uint8_t computed = 0;  // type of the operands
  uint8_t to = 0;        // of the result
  bool rows = false;     // one element a row instead of all
  bool has_params = false;
  int num_inputs = 0;
  Place out;
  Place in[kMaxInputs];
  Numbers params;
  double eps = 0;
  // Set by Program::Finish: indices of the tile's table of addresses (-1: null)
  // and the inputs that are one element.
  int from[kMaxInputs] = {-1, -1, -1};
  int into = -1;
  unsigned repeat = 0;
};

// A tensor that the program reads, seen in the loop's sizes.
struct ProgramInput {
  int argument = 0;
  uint8_t computed = 0;
  bool rows = false;    // read one element a row
  bool direct = false;  // lies as the loop walks: read in place
  bool single = false;  // one element for all
  Dims strides;         // in elements, of the loop's dims (0: repeated)
  int slot = -1;        // where its elements are gathered
};
struct ProgramOutput {
  int result = 0;  // number of the group's output
  uint8_t computed = 0;
  bool rows = false;
  Dims sizes;
};

class Program {
 public:
  // Elements of a tile, unless a row is longer.
  static constexpr int64_t kTile = 1024;
  // Rows longer than this are left to kernels.
  static constexpr int64_t kMaxRow = 16384;

  // The loop: all elements of `sizes`, whose last dim is a row when anything
  // works on rows.
  Dims sizes;
  bool by_rows = false;
  std::vector<ProgramInput> inputs;
  std::vector<ProgramOutput> outputs;
  std::vector<Number> numbers;
  std::vector<Instruction> instructions;
  int num_slots = 0;

  // Once all is there: works out what every run needs.
  void Finish();

  // `tensors` are the group's arguments, `results` its outputs, already made.
  absl::Status Run(absl::Span<const Tensor* const> tensors,
                   absl::Span<const Tensor> results) const;

 private:
  void RunTile(absl::Span<const Tensor* const> tensors,
               absl::Span<const Tensor> results, int64_t first, int64_t count,
               char* slots) const;

  int64_t total_ = 0, row_ = 1, tile_ = 1, slot_bytes_ = 0;
  bool gathers_ = false;
  // More than the second cache holds: what a tile reads and writes is asked for
  // while other tiles compute.
  bool streams_ = false;
};

// Programs that compute the outputs, each with the outputs it gives.
// Unimplemented, with the reason, when the group is left to kernels.
absl::StatusOr<std::vector<Program>> MakePrograms(const Expressions& x);

}  // namespace tandem::native

#endif  // TANDEM_BACKENDS_NATIVE_PROGRAM_H_
