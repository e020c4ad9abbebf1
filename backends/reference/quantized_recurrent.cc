// Recurrent cells and layers whose weights are packed (int8 or half precision).
#include <algorithm>
#include <cmath>
#include <string>
#include <tuple>
#include <vector>

#include "absl/strings/str_cat.h"
#include "tandem/backends/reference/quantized.h"
#include "tandem/backends/reference/variants.h"
#include "tandem/tensor/context.h"
#include "tandem/tensor/copy.h"
#include "tandem/tensor/status_macros.h"

namespace tandem::reference {
namespace {

using Result = absl::StatusOr<Tensor>;
using Params = std::shared_ptr<const LinearParams>;

constexpr absl::string_view kCellParams =
    "__torch__.torch.classes.rnn.CellParamsBase";

absl::Status Invalid(std::string text) {
  return absl::InvalidArgumentError(std::move(text));
}

// The weights of one layer in one direction.
struct Cell {
  Params ih, hh;
  bool reduce_range = false;
};

enum class Kind { kLstm, kGru, kTanh, kRelu };

int64_t GatesOf(Kind kind) {
  return kind == Kind::kLstm ? 4 : kind == Kind::kGru ? 3 : 1;
}

float Sigmoid(float v) { return 1.0f / (1.0f + std::exp(-v)); }

// One step: gate sums of input and hidden state, [batch, gates * size] each,
// to the new state; `c` only for LSTM. All contiguous float32.
void Step(Kind kind, const float* in, const float* hidden_gates,
          const float* hidden, const float* c, int64_t batch, int64_t size,
          float* new_hidden, float* new_c) {
  const int64_t width = GatesOf(kind) * size;
  for (int64_t b = 0; b < batch; ++b) {
    const float* x = in + b * width;
    const float* h = hidden_gates + b * width;
    for (int64_t j = 0; j < size; ++j) {
      const int64_t at = b * size + j;
      const auto sum = [&](int64_t gate) {
        return x[gate * size + j] + h[gate * size + j];
      };
      switch (kind) {
        case Kind::kLstm: {
          new_c[at] =
              Sigmoid(sum(1)) * c[at] + Sigmoid(sum(0)) * std::tanh(sum(2));
          new_hidden[at] = Sigmoid(sum(3)) * std::tanh(new_c[at]);
          break;
        }
        case Kind::kGru: {
          const float reset = Sigmoid(sum(0)), update = Sigmoid(sum(1));
          const float next =
              std::tanh(x[2 * size + j] + reset * h[2 * size + j]);
          new_hidden[at] = (hidden[at] - next) * update + next;
          break;
        }
        case Kind::kTanh:
          new_hidden[at] = std::tanh(sum(0));
          break;
        case Kind::kRelu:
          new_hidden[at] = std::max(sum(0), 0.0f);
      }
    }
  }
}

absl::Status CheckCell(const Cell& cell, Kind kind, int64_t size) {
  const int64_t width = GatesOf(kind) * size;
  if (cell.ih->weight.size(0) != width || cell.hh->weight.size(0) != width ||
      cell.hh->weight.size(1) != size) {
    return Invalid("the packed weights of a cell do not fit its hidden state");
  }
  return absl::OkStatus();
}

struct State {
  Tensor h, c;  // [batch, size] each, contiguous
};

// Steps over gate sums [time, batch, width]; outputs [time, batch, size].
absl::Status RunDirection(const Cell& cell, Kind kind, const Tensor& gates,
                          bool backward, State* state, const Tensor& out,
                          int64_t out_offset) {
  const int64_t time = gates.size(0), batch = gates.size(1);
  const int64_t size = state->h.size(1), width = gates.size(2);
  const int64_t out_width = out.size(2);
  for (int64_t k = 0; k < time; ++k) {
    TANDEM_RETURN_IF_ERROR(CheckStop());
    const int64_t t = backward ? time - 1 - k : k;
    TANDEM_ASSIGN_OR_RETURN(
        const Tensor hidden_gates,
        LinearDynamic(state->h, *cell.hh, cell.reduce_range, false));
    State next;
    TANDEM_ASSIGN_OR_RETURN(next.h,
                            Tensor::Empty({batch, size}, DType::kFloat));
    if (kind == Kind::kLstm) {
      TANDEM_ASSIGN_OR_RETURN(next.c,
                              Tensor::Empty({batch, size}, DType::kFloat));
    }
    Step(kind, gates.data<float>() + t * batch * width,
         hidden_gates.data<float>(), state->h.data<float>(),
         kind == Kind::kLstm ? state->c.data<float>() : nullptr, batch, size,
         next.h.data<float>(),
         kind == Kind::kLstm ? next.c.data<float>() : nullptr);
    for (int64_t b = 0; b < batch; ++b) {
      std::copy(next.h.data<float>() + b * size,
                next.h.data<float>() + (b + 1) * size,
                out.data<float>() + (t * batch + b) * out_width + out_offset);
    }
    *state = next;
  }
  return absl::OkStatus();
}

absl::StatusOr<Cell> CellOf(const IValue& v) {
  const auto bad = [](absl::string_view why) {
    return Invalid(
        absl::StrCat("the state of a ", kCellParams, " does not fit: ", why));
  };
  if (!v.is_opaque() || v.AsOpaque().qualified_name != kCellParams) {
    return Invalid(
        absl::StrCat("Expected an object of the class ", kCellParams));
  }
  const IValue& state = v.AsOpaque().state;
  if (!state.is_tuple() || state.AsTuple().values.size() != 5) {
    return bad("five parts are expected");
  }
  const std::vector<IValue>& parts = state.AsTuple().values;
  if (!parts[0].is_string() || !parts[3].is_list() || !parts[4].is_list() ||
      parts[4].AsList().values.size() != 2) {
    return bad("a type and two packed weights are expected");
  }
  const std::string& type = parts[0].AsString();
  if (type != "quantized_dynamic" && type != "quantized_fp16") {
    return absl::UnimplementedError(
        absl::StrCat("recurrent layers with parameters of type '", type,
                     "' are not supported"));
  }
  Cell cell;
  TANDEM_ASSIGN_OR_RETURN(cell.ih, LinearParamsOf(parts[4].AsList().values[0]));
  TANDEM_ASSIGN_OR_RETURN(cell.hh, LinearParamsOf(parts[4].AsList().values[1]));
  const std::vector<IValue>& numbers = parts[3].AsList().values;
  cell.reduce_range = type == "quantized_dynamic" && !numbers.empty() &&
                      numbers[0].is_int() && numbers[0].AsInt() != 0;
  return cell;
}

// ---- layers

struct LayerOptions {
  int64_t num_layers;
  double dropout;
  bool train, bidirectional, batch_first;
};

struct Sequence {
  Tensor out, h, c;
};

Tensor Swap01(const Tensor& t) {
  Dims sizes(t.sizes().begin(), t.sizes().end());
  Dims strides(t.strides().begin(), t.strides().end());
  std::swap(sizes[0], sizes[1]);
  std::swap(strides[0], strides[1]);
  return t.ViewUnchecked(sizes, strides, t.offset());
}

absl::StatusOr<Sequence> RunLayers(Kind kind, const Tensor& input,
                                   const Tensor& h0, const Tensor& c0,
                                   const IValue& params,
                                   const LayerOptions& o) {
  if (input.dim() != 3 || h0.dim() != 3) {
    return Invalid("input and hidden state must have 3 dimensions");
  }
  if (!params.is_list() || params.AsList().values.empty()) {
    return Invalid("CellParams is empty");
  }
  if (o.train && o.dropout > 0) {
    return absl::UnimplementedError(
        "dropout between quantized recurrent layers is not supported");
  }
  const int64_t directions = o.bidirectional ? 2 : 1;
  const std::vector<IValue>& list = params.AsList().values;
  const auto count = static_cast<int64_t>(list.size());
  if (o.num_layers < 0 || o.num_layers > count ||
      o.num_layers * directions != count) {
    return Invalid("the number of cell parameters does not fit num_layers");
  }
  const int64_t size = h0.size(2);
  TANDEM_ASSIGN_OR_RETURN(Tensor x,
                          Contiguous(o.batch_first ? Swap01(input) : input));
  const int64_t time = x.size(0), batch = x.size(1);
  const Dims expected = {count, batch, size};
  for (const Tensor* t : {&h0, &c0}) {
    if (!t->defined()) continue;
    if (t->sizes() != DimSpan(expected)) {
      return Invalid(absl::StrCat("Expected hidden size ",
                                  DimsToString(expected), ", got ",
                                  DimsToString(t->sizes())));
    }
  }
  Sequence result;
  TANDEM_ASSIGN_OR_RETURN(result.h, CloneContiguous(h0, DType::kFloat));
  if (kind == Kind::kLstm) {
    TANDEM_ASSIGN_OR_RETURN(result.c, CloneContiguous(c0, DType::kFloat));
  }
  for (int64_t layer = 0; layer < o.num_layers; ++layer) {
    TANDEM_ASSIGN_OR_RETURN(
        const Tensor out,
        Tensor::Empty({time, batch, directions * size}, DType::kFloat));
    for (int64_t d = 0; d < directions; ++d) {
      const int64_t at = layer * directions + d;
      TANDEM_ASSIGN_OR_RETURN(const Cell cell, CellOf(list[at]));
      TANDEM_RETURN_IF_ERROR(CheckCell(cell, kind, size));
      // The input's range is that of all steps.
      TANDEM_ASSIGN_OR_RETURN(
          const Tensor gates,
          LinearDynamic(x, *cell.ih, cell.reduce_range, false));
      const auto slice = [&](const Tensor& t) {
        return t.ViewUnchecked({batch, size}, {size, 1}, at * batch * size);
      };
      State state;
      state.h = slice(result.h);
      if (kind == Kind::kLstm) state.c = slice(result.c);
      TANDEM_RETURN_IF_ERROR(
          RunDirection(cell, kind, gates, d == 1, &state, out, d * size));
      TANDEM_RETURN_IF_ERROR(CopyElements(state.h, slice(result.h)));
      if (kind == Kind::kLstm) {
        TANDEM_RETURN_IF_ERROR(CopyElements(state.c, slice(result.c)));
      }
    }
    x = out;
  }
  result.out = o.batch_first ? Swap01(x) : x;
  return result;
}

absl::StatusOr<std::tuple<Tensor, Tensor, Tensor>> Lstm(
    const Tensor& input, absl::Span<const Tensor> hx, const IValue& params,
    bool has_biases, int64_t num_layers, double dropout, bool train,
    bool bidirectional, bool batch_first, std::optional<DType>, bool) {
  if (hx.size() != 2) return Invalid("lstm expects two hidden states");
  if (!has_biases) return Invalid("quantized LSTM requires biases");
  TANDEM_ASSIGN_OR_RETURN(
      Sequence s,
      RunLayers(Kind::kLstm, input, hx[0], hx[1], params,
                {num_layers, dropout, train, bidirectional, batch_first}));
  return std::make_tuple(s.out, s.h, s.c);
}

absl::StatusOr<std::tuple<Tensor, Tensor>> Gru(
    const Tensor& input, const Tensor& hx, const IValue& params, bool,
    int64_t num_layers, double dropout, bool train, bool bidirectional,
    bool batch_first) {
  TANDEM_ASSIGN_OR_RETURN(
      Sequence s,
      RunLayers(Kind::kGru, input, hx, Tensor(), params,
                {num_layers, dropout, train, bidirectional, batch_first}));
  return std::make_tuple(s.out, s.h);
}

// ---- single cells

absl::StatusOr<State> RunCell(Kind kind, const Tensor& input, const Tensor& h,
                              const Tensor& c, const IValue& w_ih,
                              const IValue& w_hh) {
  Cell cell;
  TANDEM_ASSIGN_OR_RETURN(cell.ih, LinearParamsOf(w_ih));
  TANDEM_ASSIGN_OR_RETURN(cell.hh, LinearParamsOf(w_hh));
  cell.reduce_range = true;  // as PyTorch's cells, whatever its layers do
  // A vector is a batch of one.
  const auto batched = [](const Tensor& t) -> Result {
    TANDEM_ASSIGN_OR_RETURN(const Tensor d, Contiguous(t));
    if (d.dim() != 1) return d;
    return d.ViewUnchecked({1, d.size(0)}, {d.size(0), 1}, d.offset());
  };
  TANDEM_ASSIGN_OR_RETURN(const Tensor x, batched(input));
  State state;
  TANDEM_ASSIGN_OR_RETURN(state.h, batched(h));
  if (state.h.dim() != 2 || x.dim() != 2 || state.h.size(0) != x.size(0)) {
    return Invalid(absl::StrCat("Input batch size ", x.size(0),
                                " doesn't match hidden batch size ",
                                state.h.dim() > 0 ? state.h.size(0) : 0));
  }
  if (kind == Kind::kLstm) {
    TANDEM_ASSIGN_OR_RETURN(state.c, batched(c));
    if (state.c.sizes() != state.h.sizes()) {
      return Invalid("hx and cx have different sizes");
    }
  }
  const int64_t batch = x.size(0), size = state.h.size(1);
  TANDEM_RETURN_IF_ERROR(CheckCell(cell, kind, size));
  TANDEM_ASSIGN_OR_RETURN(Tensor gates,
                          LinearDynamic(x, *cell.ih, cell.reduce_range, false));
  gates = gates.ViewUnchecked({1, batch, gates.size(1)},
                              {gates.numel(), gates.size(1), 1}, 0);
  TANDEM_ASSIGN_OR_RETURN(const Tensor out,
                          Tensor::Empty({1, batch, size}, DType::kFloat));
  TANDEM_RETURN_IF_ERROR(
      RunDirection(cell, kind, gates, false, &state, out, 0));
  const auto as = [](const Tensor& t, const Tensor& like) {
    return like.dim() == 1 ? t.ViewUnchecked({t.size(1)}, {1}, 0) : t;
  };
  state.h = as(state.h, h);
  if (kind == Kind::kLstm) state.c = as(state.c, c);
  return state;
}

absl::StatusOr<std::tuple<Tensor, Tensor>> LstmCell(
    const Tensor& input, absl::Span<const Tensor> hx, const IValue& w_ih,
    const IValue& w_hh, const Tensor&, const Tensor&) {
  if (hx.size() != 2) return Invalid("lstm_cell expects two hidden states");
  TANDEM_ASSIGN_OR_RETURN(
      State s, RunCell(Kind::kLstm, input, hx[0], hx[1], w_ih, w_hh));
  return std::make_tuple(s.h, s.c);
}

template <Kind kind>
Result SimpleCell(const Tensor& input, const Tensor& hx, const IValue& w_ih,
                  const IValue& w_hh, const Tensor&, const Tensor&) {
  TANDEM_ASSIGN_OR_RETURN(State s,
                          RunCell(kind, input, hx, Tensor(), w_ih, w_hh));
  return s.h;
}

// ---- packing

IValue NewCellParams(const char* type, std::vector<Tensor> tensors,
                     std::vector<int64_t> numbers, const IValue& w_ih,
                     const IValue& w_hh) {
  std::vector<IValue> weights = {w_ih, w_hh};
  return IValue(Ref<OpaqueObject>::Adopt(new OpaqueObject(
      std::string(kCellParams),
      IValue(MakeTuple({IValue(type), IValue(MakeTensorList(tensors)),
                        IValue(MakeList(Type::Float())),
                        IValue(MakeIntList(numbers)),
                        IValue(MakeList(weights[0].TypeOf(), weights))})))));
}

absl::StatusOr<IValue> MakeDynamic(const IValue& w_ih, const IValue& w_hh,
                                   const Tensor& bias_ih, const Tensor& bias_hh,
                                   bool reduce_range) {
  TANDEM_RETURN_IF_ERROR(LinearParamsOf(w_ih).status());
  TANDEM_RETURN_IF_ERROR(LinearParamsOf(w_hh).status());
  return NewCellParams("quantized_dynamic", {bias_ih, bias_hh},
                       {reduce_range ? 1 : 0}, w_ih, w_hh);
}

absl::StatusOr<IValue> MakeHalf(const IValue& w_ih, const IValue& w_hh) {
  TANDEM_RETURN_IF_ERROR(LinearParamsOf(w_ih).status());
  TANDEM_RETURN_IF_ERROR(LinearParamsOf(w_hh).status());
  return NewCellParams("quantized_fp16", {}, {}, w_ih, w_hh);
}

}  // namespace

void AddQuantizedRecurrent(KernelRegistrar& r) {
  r.Add("aten::quantized_lstm.input", &Lstm)
      .Add("aten::quantized_gru.input", &Gru)
      .Add("quantized::quantized_lstm_cell_dynamic", &LstmCell)
      .Add("quantized::quantized_gru_cell_dynamic", &SimpleCell<Kind::kGru>)
      .Add("quantized::quantized_rnn_tanh_cell_dynamic",
           &SimpleCell<Kind::kTanh>)
      .Add("quantized::quantized_rnn_relu_cell_dynamic",
           &SimpleCell<Kind::kRelu>)
      .Add("quantized::make_quantized_cell_params_dynamic", &MakeDynamic)
      .Add("quantized::make_quantized_cell_params_fp16", &MakeHalf);
}

}  // namespace tandem::reference
