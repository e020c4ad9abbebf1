#include "tandem/frontends/nn/rnn.h"

#include <cmath>

#include "absl/strings/str_cat.h"
#include "tandem/frontends/eager/operators.h"
#include "tandem/frontends/nn/init.h"
#include "tandem/frontends/nn/repr.h"

namespace tandem::nn {
namespace {

double Bound(int64_t hidden_size) {
  return hidden_size > 0 ? 1 / std::sqrt(static_cast<double>(hidden_size)) : 0;
}

}  // namespace

RNNBase::RNNBase(int64_t gates, int64_t input, int64_t hidden,
                 const RNNOptions& o)
    : input_size(input), hidden_size(hidden), options(o) {
  if (hidden <= 0) eager::Throw("hidden_size must be greater than zero");
  if (o.num_layers <= 0) eager::Throw("num_layers must be greater than zero");
  if (o.dropout < 0 || o.dropout > 1) {
    eager::Throw(
        "dropout should be a number in range [0, 1] representing the "
        "probability of an element being zeroed");
  }
  if (o.proj_size < 0) {
    eager::Throw(
        "proj_size should be a positive integer or zero to disable "
        "projections");
  }
  if (o.proj_size >= hidden) {
    eager::Throw("proj_size has to be smaller than hidden_size");
  }
  const int64_t real = o.proj_size > 0 ? o.proj_size : hidden;
  for (int64_t layer = 0; layer < o.num_layers; ++layer) {
    for (int64_t d = 0; d < directions(); ++d) {
      const int64_t width = layer == 0 ? input : real * directions();
      const std::string suffix =
          absl::StrCat("_l", layer, d == 1 ? "_reverse" : "");
      const auto add = [&](const char* name, const IntList& sizes) {
        weights_.push_back(
            register_parameter(name + suffix, eager::empty(sizes)));
      };
      add("weight_ih", {gates * hidden, width});
      add("weight_hh", {gates * hidden, real});
      if (o.bias) {
        add("bias_ih", {gates * hidden});
        add("bias_hh", {gates * hidden});
      }
      if (o.proj_size > 0) add("weight_hr", {o.proj_size, hidden});
    }
  }
  const double bound = Bound(hidden);
  for (const Tensor& w : weights_) init::uniform_(w, -bound, bound);
}

RNNBase::Batched RNNBase::WithBatch(const char* name,
                                    const Tensor& input) const {
  const int64_t rank = static_cast<int64_t>(input.dim());
  if (rank != 2 && rank != 3) {
    eager::Throw(absl::StrCat(name, ": Expected input to be 2D or 3D, got ",
                              rank, "D instead"));
  }
  const bool lone = rank == 2;
  return {lone ? input.unsqueeze(options.batch_first ? 0 : 1) : input, lone};
}

Tensor RNNBase::State(const Batched& batched, const Tensor& given, bool defined,
                      int64_t width) const {
  if (!defined) {
    return eager::zeros(
        {options.num_layers * directions(),
         batched.input.size(options.batch_first ? 0 : 1), width},
        batched.input.dtype(), std::nullopt, batched.input.device());
  }
  const int64_t rank = static_cast<int64_t>(given.dim());
  if (batched.lone && rank != 2) {
    eager::Throw(
        absl::StrCat("For unbatched 2-D input, hx should also be 2-D but got ",
                     rank, "-D tensor"));
  }
  if (!batched.lone && rank != 3) {
    eager::Throw(
        absl::StrCat("For batched 3-D input, hx should also be 3-D but got ",
                     rank, "-D tensor"));
  }
  return batched.lone ? given.unsqueeze(1) : given;
}

std::string RNNBase::extra_repr() const {
  std::string s = absl::StrCat(input_size, ", ", hidden_size);
  if (options.proj_size != 0) {
    absl::StrAppend(&s, ", proj_size=", options.proj_size);
  }
  if (options.num_layers != 1) {
    absl::StrAppend(&s, ", num_layers=", options.num_layers);
  }
  if (!options.bias) absl::StrAppend(&s, ", bias=False");
  if (options.batch_first) absl::StrAppend(&s, ", batch_first=True");
  if (options.dropout != 0) {
    absl::StrAppend(&s, ", dropout=", Repr(options.dropout));
  }
  if (options.bidirectional) absl::StrAppend(&s, ", bidirectional=True");
  return s;
}

RNN::RNN(int64_t input, int64_t hidden, const RNNOptions& o)
    : ModuleOf(1, input, hidden, o) {
  if (o.proj_size > 0) {
    eager::Throw(
        "proj_size argument is only supported for LSTM, not RNN or GRU");
  }
  if (o.nonlinearity != "tanh" && o.nonlinearity != "relu") {
    eager::Throw(absl::StrCat("Unknown nonlinearity '", o.nonlinearity,
                              "'. Select from 'tanh' or 'relu'."));
  }
}

std::tuple<Tensor, Tensor> RNN::forward(const Tensor& input, const Tensor& hx) {
  const Batched b = WithBatch("RNN", input);
  const Tensor h = State(b, hx, hx.defined(), hidden_size);
  const auto run = [&](auto&& f) {
    return f(b.input, h, weights_, options.bias, options.num_layers,
             options.dropout, training(), options.bidirectional,
             options.batch_first);
  };
  const auto [y, state] =
      options.nonlinearity == "tanh"
          ? run([](const auto&... a) { return eager::rnn_tanh(a...); })
          : run([](const auto&... a) { return eager::rnn_relu(a...); });
  if (!b.lone) return {y, state};
  return {y.squeeze(options.batch_first ? 0 : 1), state.squeeze(1)};
}

GRU::GRU(int64_t input, int64_t hidden, const RNNOptions& o)
    : ModuleOf(3, input, hidden, o) {
  if (o.proj_size > 0) {
    eager::Throw(
        "proj_size argument is only supported for LSTM, not RNN or GRU");
  }
}

std::tuple<Tensor, Tensor> GRU::forward(const Tensor& input, const Tensor& hx) {
  const Batched b = WithBatch("GRU", input);
  const Tensor h = State(b, hx, hx.defined(), hidden_size);
  const auto [y, state] = eager::gru(
      b.input, h, weights_, options.bias, options.num_layers, options.dropout,
      training(), options.bidirectional, options.batch_first);
  if (!b.lone) return {y, state};
  return {y.squeeze(options.batch_first ? 0 : 1), state.squeeze(1)};
}

LSTM::LSTM(int64_t input, int64_t hidden, const RNNOptions& o)
    : ModuleOf(4, input, hidden, o) {}

std::tuple<Tensor, LSTM::States> LSTM::forward(
    const Tensor& input, const std::optional<States>& hx) {
  const Batched b = WithBatch("LSTM", input);
  const bool given = hx.has_value();
  const Tensor h =
      State(b, given ? std::get<0>(*hx) : Tensor(), given,
            options.proj_size > 0 ? options.proj_size : hidden_size);
  const Tensor c =
      State(b, given ? std::get<1>(*hx) : Tensor(), given, hidden_size);
  const auto [y, hn, cn] = eager::lstm(
      b.input, {h, c}, weights_, options.bias, options.num_layers,
      options.dropout, training(), options.bidirectional, options.batch_first);
  if (!b.lone) return {y, States(hn, cn)};
  return {y.squeeze(options.batch_first ? 0 : 1),
          States(hn.squeeze(1), cn.squeeze(1))};
}

RNNCellBase::RNNCellBase(int64_t gates, int64_t input, int64_t hidden,
                         bool bias)
    : input_size(input), hidden_size(hidden) {
  weight_ih =
      register_parameter("weight_ih", eager::empty({gates * hidden, input}));
  weight_hh =
      register_parameter("weight_hh", eager::empty({gates * hidden, hidden}));
  bias_ih = register_parameter(
      "bias_ih", bias ? eager::empty({gates * hidden}) : Tensor());
  bias_hh = register_parameter(
      "bias_hh", bias ? eager::empty({gates * hidden}) : Tensor());
  const double bound = Bound(hidden);
  for (const Tensor& w : {weight_ih, weight_hh, bias_ih, bias_hh}) {
    if (w.defined()) init::uniform_(w, -bound, bound);
  }
}

Tensor RNNCellBase::WithBatch(const char* name, const Tensor& input,
                              bool* lone) const {
  const int64_t rank = static_cast<int64_t>(input.dim());
  if (rank != 1 && rank != 2) {
    eager::Throw(absl::StrCat(name, ": Expected input to be 1D or 2D, got ",
                              rank, "D instead"));
  }
  *lone = rank == 1;
  return *lone ? input.unsqueeze(0) : input;
}

Tensor RNNCellBase::Zeros(const Tensor& input) const {
  return eager::zeros({input.size(0), hidden_size}, input.dtype(), std::nullopt,
                      input.device());
}

std::string RNNCellBase::extra_repr() const {
  return absl::StrCat(input_size, ", ", hidden_size,
                      bias_ih.defined() ? "" : ", bias=False");
}

RNNCell::RNNCell(int64_t input, int64_t hidden, bool bias, std::string n)
    : ModuleOf(1, input, hidden, bias), nonlinearity(std::move(n)) {
  if (nonlinearity != "tanh" && nonlinearity != "relu") {
    eager::Throw(absl::StrCat("Unknown nonlinearity: ", nonlinearity));
  }
}
Tensor RNNCell::forward(const Tensor& given, const Tensor& hx) {
  bool lone = false;
  const Tensor input = WithBatch("RNNCell", given, &lone);
  const Tensor h = !hx.defined() ? Zeros(input) : lone ? hx.unsqueeze(0) : hx;
  const Tensor y = nonlinearity == "tanh"
                       ? eager::rnn_tanh_cell(input, h, weight_ih, weight_hh,
                                              bias_ih, bias_hh)
                       : eager::rnn_relu_cell(input, h, weight_ih, weight_hh,
                                              bias_ih, bias_hh);
  return lone ? y.squeeze(0) : y;
}
std::string RNNCell::extra_repr() const {
  return absl::StrCat(RNNCellBase::extra_repr(),
                      nonlinearity == "tanh"
                          ? ""
                          : absl::StrCat(", nonlinearity=", nonlinearity));
}

GRUCell::GRUCell(int64_t input, int64_t hidden, bool bias)
    : ModuleOf(3, input, hidden, bias) {}
Tensor GRUCell::forward(const Tensor& given, const Tensor& hx) {
  bool lone = false;
  const Tensor input = WithBatch("GRUCell", given, &lone);
  const Tensor h = !hx.defined() ? Zeros(input) : lone ? hx.unsqueeze(0) : hx;
  const Tensor y =
      eager::gru_cell(input, h, weight_ih, weight_hh, bias_ih, bias_hh);
  return lone ? y.squeeze(0) : y;
}

LSTMCell::LSTMCell(int64_t input, int64_t hidden, bool bias)
    : ModuleOf(4, input, hidden, bias) {}
LSTMCell::States LSTMCell::forward(const Tensor& given,
                                   const std::optional<States>& hx) {
  bool lone = false;
  const Tensor input = WithBatch("LSTMCell", given, &lone);
  Tensor h, c;
  if (hx.has_value()) {
    std::tie(h, c) = *hx;
    if (lone) {
      h = h.unsqueeze(0);
      c = c.unsqueeze(0);
    }
  } else {
    h = c = Zeros(input);
  }
  const auto [h1, c1] =
      eager::lstm_cell(input, {h, c}, weight_ih, weight_hh, bias_ih, bias_hh);
  if (!lone) return {h1, c1};
  return {h1.squeeze(0), c1.squeeze(0)};
}

}  // namespace tandem::nn
