// torch.nn.modules.rnn.
#ifndef TANDEM_FRONTENDS_NN_RNN_H_
#define TANDEM_FRONTENDS_NN_RNN_H_

#include <cstdint>
#include <optional>
#include <string>
#include <tuple>
#include <vector>

#include "tandem/frontends/nn/module.h"

namespace tandem::nn {

struct RNNOptions {
  int64_t num_layers = 1;
  bool bias = true;
  bool batch_first = false;
  double dropout = 0;
  bool bidirectional = false;
  int64_t proj_size = 0;              // of LSTM
  std::string nonlinearity = "tanh";  // of RNN: or "relu"
};

// Base of RNN, LSTM and GRU: not a module by itself. Inputs are
// [time, batch, input] ([batch, time, input] if batch_first) or [time, input].
class RNNBase : public Module {
 public:
  // `gates`: how many blocks of hidden_size a weight has.
  RNNBase(int64_t gates, int64_t input_size, int64_t hidden_size,
          const RNNOptions& options);
  std::string extra_repr() const override;

  const int64_t input_size, hidden_size;
  const RNNOptions options;

 protected:
  struct Batched {
    Tensor input;
    bool lone;  // had no batch
  };
  Batched WithBatch(const char* name, const Tensor& input) const;
  // Zeros of a state of that width, or the one given with its batch.
  Tensor State(const Batched& batched, const Tensor& given, bool defined,
               int64_t width) const;
  int64_t directions() const { return options.bidirectional ? 2 : 1; }

  std::vector<Tensor> weights_;  // as the operators take them
};

// Gives (output, last state).
class RNN : public ModuleOf<RNN, RNNBase> {
 public:
  static constexpr const char* kPythonModule = "torch.nn.modules.rnn";
  RNN(int64_t input_size, int64_t hidden_size, const RNNOptions& options = {});
  std::tuple<Tensor, Tensor> forward(const Tensor& input,
                                     const Tensor& hx = {});
};

class GRU : public ModuleOf<GRU, RNNBase> {
 public:
  static constexpr const char* kPythonModule = "torch.nn.modules.rnn";
  GRU(int64_t input_size, int64_t hidden_size, const RNNOptions& options = {});
  std::tuple<Tensor, Tensor> forward(const Tensor& input,
                                     const Tensor& hx = {});
};

// Gives (output, (h, c)).
class LSTM : public ModuleOf<LSTM, RNNBase> {
 public:
  static constexpr const char* kPythonModule = "torch.nn.modules.rnn";
  using States = std::tuple<Tensor, Tensor>;
  LSTM(int64_t input_size, int64_t hidden_size, const RNNOptions& options = {});
  std::tuple<Tensor, States> forward(const Tensor& input,
                                     const std::optional<States>& hx = {});
};

// Base of the cells. Inputs are [batch, input] or [input].
class RNNCellBase : public Module {
 public:
  RNNCellBase(int64_t gates, int64_t input_size, int64_t hidden_size,
              bool bias);
  std::string extra_repr() const override;

  const int64_t input_size, hidden_size;
  Tensor weight_ih, weight_hh, bias_ih, bias_hh;

 protected:
  // [1, input] of [input]; checks the rank.
  Tensor WithBatch(const char* name, const Tensor& input, bool* lone) const;
  Tensor Zeros(const Tensor& input) const;
};

class RNNCell : public ModuleOf<RNNCell, RNNCellBase> {
 public:
  static constexpr const char* kPythonModule = "torch.nn.modules.rnn";
  RNNCell(int64_t input_size, int64_t hidden_size, bool bias = true,
          std::string nonlinearity = "tanh");
  Tensor forward(const Tensor& input, const Tensor& hx = {});
  std::string extra_repr() const override;
  const std::string nonlinearity;
};

class GRUCell : public ModuleOf<GRUCell, RNNCellBase> {
 public:
  static constexpr const char* kPythonModule = "torch.nn.modules.rnn";
  GRUCell(int64_t input_size, int64_t hidden_size, bool bias = true);
  Tensor forward(const Tensor& input, const Tensor& hx = {});
};

class LSTMCell : public ModuleOf<LSTMCell, RNNCellBase> {
 public:
  static constexpr const char* kPythonModule = "torch.nn.modules.rnn";
  using States = std::tuple<Tensor, Tensor>;
  LSTMCell(int64_t input_size, int64_t hidden_size, bool bias = true);
  States forward(const Tensor& input, const std::optional<States>& hx = {});
};

}  // namespace tandem::nn

#endif  // TANDEM_FRONTENDS_NN_RNN_H_
