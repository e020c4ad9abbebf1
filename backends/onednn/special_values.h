// NaN and infinities among the elements of a tensor.
#ifndef TANDEM_BACKENDS_ONEDNN_SPECIAL_VALUES_H_
#define TANDEM_BACKENDS_ONEDNN_SPECIAL_VALUES_H_

#include <cstdint>

#include "tandem/ir/graph.h"
#include "tandem/tensor/tensor.h"

namespace tandem::onednn {

enum class Special : uint8_t { kNone, kInfinity, kNan };

// The worst among n floats, at the speed of memory.
Special WorstOf(const float* x, int64_t n);

// Of a tensor of floats, any strides: of all that lies between its first and
// last element. kNone for other dtypes.
Special WorstOf(const Tensor& t);

// oneDNN's relu, clip, hardsigmoid and maximum of a window take NaN for a small
// number, where PyTorch's keep it.
bool LosesNan(const Node& node);
// A softmax: infinities in what comes in are masks, and nothing special.
bool TakesMasks(const Node& node);

}  // namespace tandem::onednn

#endif  // TANDEM_BACKENDS_ONEDNN_SPECIAL_VALUES_H_
