// Arguments from the command line and results to files.
#ifndef TANDEM_TOOLS_INPUTS_H_
#define TANDEM_TOOLS_INPUTS_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "tandem/ir/schema.h"
#include "tandem/runtime/engine.h"

namespace tandem::tools {

struct CallArguments {
  std::vector<IValue> positional;
  NamedValues named;
};

// "--input" values for a method:
//   x=FILE.npy      a tensor        x=1x3x224x224   random numbers of that
//   shape, a=FILE.wav      samples in [-1, 1), 1-dim        the same at each
//   run n=5  f=0.5  b=true  s="text"    numbers, bools, text FILE.pt (alone)
//   torch.save of the tuple of arguments
// Without "NAME=" values are taken in order.
absl::StatusOr<CallArguments> ParseInputs(
    const std::vector<std::string>& inputs, const FunctionSchema& schema);

// NumPy's format, version 1 and 2, little-endian, C or Fortran order.
absl::StatusOr<Tensor> ReadNpy(const std::string& path);
absl::Status WriteNpy(const std::string& path, const Tensor& tensor);
// PCM of 8, 16, 24, 32 bits or float: [samples], several channels [channels,
// samples].
absl::StatusOr<Tensor> ReadWav(const std::string& path);

// What a method takes, one line a parameter: for messages.
std::string DescribeParameters(const FunctionSchema& schema);

}  // namespace tandem::tools

#endif  // TANDEM_TOOLS_INPUTS_H_
