// Runs calls of operators that were recorded from PyTorch
// (testdata/record.py).
#ifndef TANDEM_BACKENDS_REFERENCE_RECORDED_CASES_H_
#define TANDEM_BACKENDS_REFERENCE_RECORDED_CASES_H_

#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "tandem/backends/registry.h"

namespace tandem::reference {

struct CaseCounts {
  int run = 0;
  std::vector<std::string> failures;  // "line 3: aten::roll …: why"
};

// Every line of the file against the kernels of "reference", or of the first of
// `backends` that does not decline: dtypes, sizes, strides, offsets, values,
// which storage is shared, what was changed, texts of errors. `path` from the
// repository's root. Elements of 16-bit floats may differ by `tolerance16`
// times (1 + their size).
CaseCounts RunRecordedCases(const Registry& registry, absl::string_view path,
                            std::vector<std::string> backends = {"reference"},
                            double tolerance16 = 1e-2);

}  // namespace tandem::reference

#endif  // TANDEM_BACKENDS_REFERENCE_RECORDED_CASES_H_
