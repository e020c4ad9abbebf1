// Recurrent layers for other families (quantized layers share the driver).
#ifndef TANDEM_BACKENDS_REFERENCE_RNN_H_
#define TANDEM_BACKENDS_REFERENCE_RNN_H_

#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "tandem/backends/registry.h"
#include "tandem/tensor/tensor.h"

namespace tandem::reference {

enum class RnnKind { kTanh, kRelu, kGru, kLstm };

// Rows of gates a hidden unit has.
inline int64_t GatesOf(RnnKind kind) {
  return kind == RnnKind::kLstm ? 4 : kind == RnnKind::kGru ? 3 : 1;
}

// The parameters of one direction of one layer. Biases and w_hr (the LSTM's
// projection) may be undefined.
struct RnnWeights {
  Tensor w_ih, w_hh, b_ih, b_hh, w_hr;
};

struct RnnOptions {
  RnnKind kind = RnnKind::kTanh;
  bool has_biases = true;
  int64_t num_layers = 1;
  double dropout = 0;
  bool train = false;
  bool bidirectional = false;
  // The first layer multiplies its inputs step by step, as PyTorch does where
  // steps and batch are not one dim in memory and the weights want no gradient:
  // another order of sums.
  bool by_steps = false;
  // 16-bit types: sums and gates in float, the hidden state alone is rounded
  // after every step (oneDNN's LSTM); otherwise every operation rounds.
  bool fused = false;
};

struct RnnResult {
  Tensor output;  // [rows, directions * hidden], rows as in the input
  Tensor h, c;    // [layers * directions, batch, hidden]; c of an LSTM
};

// All layers over `data` [rows, features]: step t owns the next batch_sizes[t]
// rows (none grows from one step to the next). `h0`, `c0` are [layers *
// directions, batch, hidden].
absl::StatusOr<RnnResult> RunRnn(const RnnOptions& options, const Tensor& data,
                                 const std::vector<int64_t>& batch_sizes,
                                 const Tensor& h0, const Tensor& c0,
                                 const std::vector<RnnWeights>& weights);

void RegisterRnnLayers(KernelRegistrar& r);
void RegisterRnnCells(KernelRegistrar& r);

}  // namespace tandem::reference

#endif  // TANDEM_BACKENDS_REFERENCE_RNN_H_
