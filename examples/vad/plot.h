#ifndef TANDEM_EXAMPLES_VAD_PLOT_H_
#define TANDEM_EXAMPLES_VAD_PLOT_H_

#include <string>

#include "absl/types/span.h"

namespace tandem::examples {

// Draws `values` (each in [0, 1]; others are clipped, NaN counts as 0) over
// `seconds` of time as bars, `height` lines high and at most `width` columns
// wide, with both axes. Of values that share a column the largest is drawn.
//
//   1.0 |  ▃██▅
//   0.5 | ▂████▆
//   0.0 +-------
//       0 s    1
std::string PlotOverTime(absl::Span<const float> values, double seconds,
                         int width = 72, int height = 5);

}  // namespace tandem::examples

#endif  // TANDEM_EXAMPLES_VAD_PLOT_H_
