// LSTM, GRU and plain recurrent layers and cells. PyTorch's formulas are
// oneDNN's; gates stand in another order in GRU, and biases are joined.
#include <algorithm>
#include <cstring>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "tandem/backends/onednn/lowerings.h"
#include "tandem/tensor/copy.h"
#include "tandem/tensor/status_macros.h"

namespace tandem::onednn {
namespace {

enum class CellKind : uint8_t { kLstm, kGru, kTanh, kRelu };

CellKind KindOf(const Node& n) {
  const std::string& name = n.op()->schema.name;
  if (absl::StartsWith(name, "aten::lstm")) return CellKind::kLstm;
  if (absl::StartsWith(name, "aten::gru")) return CellKind::kGru;
  return absl::StartsWith(name, "aten::rnn_tanh") ? CellKind::kTanh
                                                  : CellKind::kRelu;
}

int64_t Gates(CellKind kind) {
  switch (kind) {
    case CellKind::kLstm:
      return 4;
    case CellKind::kGru:
      return 3;
    default:
      return 1;
  }
}

// Where PyTorch has the gate that is oneDNN's number `gate`: LSTM has i, f, g,
// o in both; GRU r, z, n there, and z (update), r (reset), n here.
int64_t GateOf(CellKind kind, int64_t gate) {
  return kind == CellKind::kGru && gate < 2 ? 1 - gate : gate;
}

// One direction of a layer; biases may be undefined.
struct Weights {
  Tensor w_ih, w_hh, b_ih, b_hh;
};

absl::StatusOr<Tensor> Checked(const Tensor& t, const Dims& sizes) {
  if (!t.defined() || t.is_sparse() || t.is_meta() || t.impl()->conj ||
      t.impl()->neg || t.dtype() != DType::kFloat ||
      t.sizes() != DimSpan(sizes)) {
    return Refuse("weights of other sizes or dtype");
  }
  absl::StatusOr<Tensor> c = Contiguous(t);
  if (!c.ok()) return Refuse(c.status().message());
  return c;
}

std::string KeyOf(absl::string_view what, const std::vector<Weights>& weights) {
  std::string key(what);
  for (const Weights& w : weights) {
    for (const Tensor* t : {&w.w_ih, &w.w_hh, &w.b_ih, &w.b_hh}) {
      absl::StrAppend(
          &key, ":",
          absl::Hex(t->defined() ? reinterpret_cast<uintptr_t>(t->raw_data())
                                 : 0));
    }
  }
  return key;
}

// [1, directions, gates, hidden, in], gates in oneDNN's order.
absl::StatusOr<Tensor> Stacked(CellKind kind,
                               const std::vector<Weights>& weights,
                               Tensor Weights::*which, int64_t hidden,
                               int64_t in) {
  const int64_t gates = Gates(kind);
  TANDEM_ASSIGN_OR_RETURN(
      Tensor out, Tensor::Empty({1, static_cast<int64_t>(weights.size()), gates,
                                 hidden, in},
                                DType::kFloat));
  float* p = out.data<float>();
  for (const Weights& w : weights) {
    TANDEM_ASSIGN_OR_RETURN(const Tensor t,
                            Checked(w.*which, {gates * hidden, in}));
    for (int64_t g = 0; g < gates; ++g) {
      std::memcpy(p, t.data<float>() + GateOf(kind, g) * hidden * in,
                  hidden * in * sizeof(float));
      p += hidden * in;
    }
  }
  return out;
}

// [1, directions, gates, hidden]; GRU has a fourth: the new gate's bias inside
// of the reset.
absl::StatusOr<Tensor> Biases(CellKind kind,
                              const std::vector<Weights>& weights,
                              int64_t hidden) {
  const int64_t gates = Gates(kind);
  const bool gru = kind == CellKind::kGru;
  const int64_t rows = gates + (gru ? 1 : 0);
  TANDEM_ASSIGN_OR_RETURN(
      Tensor out,
      Tensor::Zeros({1, static_cast<int64_t>(weights.size()), rows, hidden},
                    DType::kFloat));
  float* p = out.data<float>();
  for (const Weights& w : weights) {
    for (const Tensor* bias : {&w.b_ih, &w.b_hh}) {
      if (!bias->defined()) continue;
      TANDEM_ASSIGN_OR_RETURN(const Tensor t, Checked(*bias, {gates * hidden}));
      for (int64_t g = 0; g < gates; ++g) {
        const bool inner = gru && g == 2 && bias == &w.b_hh;
        float* row = p + (inner ? 3 : g) * hidden;
        const float* from = t.data<float>() + GateOf(kind, g) * hidden;
        for (int64_t i = 0; i < hidden; ++i) row[i] += from[i];
      }
    }
    p += rows * hidden;
  }
  return out;
}

struct LayerCall {
  CellKind kind = CellKind::kLstm;
  std::vector<Weights> weights;  // a direction each
  Operand x;                     // [time, batch, in]
  Operand h, c;                  // [1, directions, batch, hidden]
  Operand h_out, c_out;          // the same; c of LSTM only
};

// The layer's output [time, batch, directions * hidden].
absl::StatusOr<Operand> EmitLayer(Builder& b, const LayerCall& call) {
  const bool lstm = call.kind == CellKind::kLstm;
  const int64_t directions = static_cast<int64_t>(call.weights.size());
  const int64_t gates = Gates(call.kind);
  const int64_t time = call.x.sizes[0], batch = call.x.sizes[1],
                in = call.x.sizes[2], hidden = call.h.sizes[3];
  b.CountWork({time, batch, directions, gates, hidden, in + hidden});
  TANDEM_ASSIGN_OR_RETURN(
      const Operand w_layer, b.MakeConstant(KeyOf("rnn ih", call.weights), [&] {
        return Stacked(call.kind, call.weights, &Weights::w_ih, hidden, in);
      }));
  TANDEM_ASSIGN_OR_RETURN(
      const Operand w_iter, b.MakeConstant(KeyOf("rnn hh", call.weights), [&] {
        return Stacked(call.kind, call.weights, &Weights::w_hh, hidden, hidden);
      }));
  TANDEM_ASSIGN_OR_RETURN(const Operand bias,
                          b.MakeConstant(KeyOf("rnn bias", call.weights), [&] {
                            return Biases(call.kind, call.weights, hidden);
                          }));
  // oneDNN names dims layers, directions, in, gates, out.
  const Dims order = {0, 1, 4, 2, 3};
  TANDEM_ASSIGN_OR_RETURN(const Operand w_layer_ldigo,
                          b.Permute(w_layer, order));
  TANDEM_ASSIGN_OR_RETURN(const Operand w_iter_ldigo, b.Permute(w_iter, order));

  const DType f32 = DType::kFloat;
  const Dims out_sizes = {time, batch, directions * hidden};
  TANDEM_ASSIGN_OR_RETURN(const MemoryDesc w_layer_any,
                          b.d().Any(w_layer_ldigo.sizes, f32));
  TANDEM_ASSIGN_OR_RETURN(const MemoryDesc w_iter_any,
                          b.d().Any(w_iter_ldigo.sizes, f32));
  TANDEM_ASSIGN_OR_RETURN(const MemoryDesc out,
                          b.d().Contiguous(out_sizes, f32));
  const int threads = b.ThreadsFor(b.last_work(), false);
  const Library::ScopedThreads scope(b.d().library(), threads);
  TANDEM_ASSIGN_OR_RETURN(const Attributes attr, b.d().NewAttributes());
  const dnnl_rnn_direction_t direction = directions == 2
                                             ? dnnl_bidirectional_concat
                                             : dnnl_unidirectional_left2right;
  const Library& library = b.d().library();
  dnnl_primitive_desc_t raw = nullptr;
  dnnl_status_t status;
  if (lstm) {
    status = library.lstm_forward_primitive_desc_create(
        &raw, b.d().engine(), dnnl_forward_inference, direction,
        call.x.md.get(), call.h.md.get(), call.c.md.get(), w_layer_any.get(),
        w_iter_any.get(), nullptr, nullptr, bias.md.get(), out.get(),
        call.h_out.md.get(), call.c_out.md.get(), 0, attr.get());
  } else if (call.kind == CellKind::kGru) {
    status = library.lbr_gru_forward_primitive_desc_create(
        &raw, b.d().engine(), dnnl_forward_inference, direction,
        call.x.md.get(), call.h.md.get(), w_layer_any.get(), w_iter_any.get(),
        bias.md.get(), out.get(), call.h_out.md.get(), 0, attr.get());
  } else {
    status = library.vanilla_rnn_forward_primitive_desc_create(
        &raw, b.d().engine(), dnnl_forward_inference,
        call.kind == CellKind::kTanh ? dnnl_eltwise_tanh : dnnl_eltwise_relu,
        direction, call.x.md.get(), call.h.md.get(), w_layer_any.get(),
        w_iter_any.get(), bias.md.get(), out.get(), call.h_out.md.get(), 0, 0,
        0, attr.get());
  }
  TANDEM_ASSIGN_OR_RETURN(const PrimitiveDesc pd,
                          b.d().Wrap(status, raw, "recurrent layer"));
  Arguments args;
  const Operand y =
      b.NewOperand(out, out_sizes, ContiguousStrides(out_sizes), f32);
  args.push_back({DNNL_ARG_SRC_LAYER, call.x});
  args.push_back({DNNL_ARG_SRC_ITER, call.h});
  for (const auto& [arg, w] :
       {std::pair<int, const Operand*>{DNNL_ARG_WEIGHTS_LAYER, &w_layer_ldigo},
        std::pair<int, const Operand*>{DNNL_ARG_WEIGHTS_ITER, &w_iter_ldigo}}) {
    TANDEM_ASSIGN_OR_RETURN(const MemoryDesc md, b.d().ArgumentOf(pd, arg));
    TANDEM_ASSIGN_OR_RETURN(const Operand packed, b.As(*w, md));
    args.push_back({arg, packed});
  }
  args.push_back({DNNL_ARG_BIAS, bias});
  args.push_back({DNNL_ARG_DST_LAYER, y});
  args.push_back({DNNL_ARG_DST_ITER, call.h_out});
  if (lstm) {
    args.push_back({DNNL_ARG_SRC_ITER_C, call.c});
    args.push_back({DNNL_ARG_DST_ITER_C, call.c_out});
  }
  TANDEM_RETURN_IF_ERROR(
      b.AddStep(pd, std::move(args), lstm ? "lstm" : "rnn", threads));
  return y;
}

absl::StatusOr<std::vector<Tensor>> ConstantTensors(Builder& b,
                                                    const Value* list) {
  std::vector<Tensor> tensors;
  if (list->node()->is(NodeKind::kListConstruct)) {
    for (const Value* v : list->node()->inputs()) {
      TANDEM_ASSIGN_OR_RETURN(Tensor t, b.ConstantTensor(v));
      tensors.push_back(std::move(t));
    }
    return tensors;
  }
  const std::optional<IValue> constant = ConstantOf(list);
  if (!constant.has_value() || !constant->is_list()) {
    return Refuse("weights that are not constant");
  }
  for (const IValue& v : constant->AsList().values) {
    if (!v.is_tensor()) return Refuse("weights that are no tensors");
    tensors.push_back(v.AsTensor());
  }
  return tensors;
}

// Layer `layer`'s part of [layers * directions, batch, hidden] as
// [1, directions, batch, hidden].
absl::StatusOr<Operand> StateOf(Builder& b, const Operand& state, int64_t layer,
                                int64_t directions) {
  const Dims sizes = {1, directions, state.sizes[1], state.sizes[2]};
  Operand part = state;
  part.sizes = sizes;
  part.strides = ContiguousStrides(sizes);
  TANDEM_ASSIGN_OR_RETURN(part.md, b.d().Contiguous(sizes, DType::kFloat));
  part.byte_offset += layer * b.d().Bytes(part.md);
  return part;
}

// A contiguous state [layers * directions, batch, hidden].
absl::StatusOr<Operand> State(Builder& b, const Operand& h) {
  if (h.dtype != DType::kFloat || h.sizes.size() != 3) {
    return Refuse("a state of another rank or dtype");
  }
  return b.AsContiguous(h);
}

// lstm.input, gru.input, rnn_tanh.input, rnn_relu.input (input, hx, params,
// has_biases, num_layers, dropout, train, bidirectional, batch_first)
absl::Status LowerLayers(Builder& b, const Node& n) {
  const CellKind kind = KindOf(n);
  const bool lstm = kind == CellKind::kLstm;
  TANDEM_ASSIGN_OR_RETURN(Operand x, b.Get(n.input(0)));
  TANDEM_RETURN_IF_ERROR(CheckDType(x.dtype, false));
  TANDEM_ASSIGN_OR_RETURN(const std::vector<Tensor> params,
                          ConstantTensors(b, n.input(2)));
  const bool has_biases = BoolArg(n, 3), batch_first = BoolArg(n, 8);
  const int64_t layers = IntArg(n, 4), directions = BoolArg(n, 7) ? 2 : 1;
  const size_t each = has_biases ? 4 : 2;
  if (layers < 1 || layers > 1000 ||
      params.size() != static_cast<size_t>(layers * directions) * each) {
    return Refuse("projections, or another number of weights");
  }
  if (x.sizes.size() != 3) return Refuse("the input's rank");
  if (batch_first) {
    TANDEM_ASSIGN_OR_RETURN(x, b.Permute(x, {1, 0, 2}));
  }
  std::vector<Operand> states;
  if (lstm) {
    TANDEM_ASSIGN_OR_RETURN(states, b.GetList(n.input(1)));
  } else {
    TANDEM_ASSIGN_OR_RETURN(const Operand h, b.Get(n.input(1)));
    states.push_back(h);
  }
  if (states.size() != (lstm ? 2u : 1u)) return Refuse("the states");
  if (params[1].dim() != 2) return Refuse("weights of other sizes");
  const Dims state_sizes = {layers * directions, x.sizes[1], params[1].size(1)};
  std::vector<Operand> finals;
  for (Operand& s : states) {
    TANDEM_ASSIGN_OR_RETURN(s, State(b, s));
    if (DimSpan(s.sizes) != DimSpan(state_sizes)) {
      return Refuse("a state of other sizes");
    }
    TANDEM_ASSIGN_OR_RETURN(const MemoryDesc md,
                            b.d().Contiguous(state_sizes, DType::kFloat));
    finals.push_back(b.NewOperand(
        md, state_sizes, ContiguousStrides(state_sizes), DType::kFloat));
  }
  for (int64_t layer = 0; layer < layers; ++layer) {
    LayerCall call;
    call.kind = kind;
    for (int64_t d = 0; d < directions; ++d) {
      const Tensor* p = &params[(layer * directions + d) * each];
      Weights w;
      w.w_ih = p[0];
      w.w_hh = p[1];
      if (has_biases) {
        w.b_ih = p[2];
        w.b_hh = p[3];
      }
      call.weights.push_back(std::move(w));
    }
    TANDEM_ASSIGN_OR_RETURN(call.x, b.AsContiguous(x));
    TANDEM_ASSIGN_OR_RETURN(call.h, StateOf(b, states[0], layer, directions));
    TANDEM_ASSIGN_OR_RETURN(call.h_out,
                            StateOf(b, finals[0], layer, directions));
    if (lstm) {
      TANDEM_ASSIGN_OR_RETURN(call.c, StateOf(b, states[1], layer, directions));
      TANDEM_ASSIGN_OR_RETURN(call.c_out,
                              StateOf(b, finals[1], layer, directions));
    }
    TANDEM_ASSIGN_OR_RETURN(x, EmitLayer(b, call));
  }
  if (batch_first) {
    TANDEM_ASSIGN_OR_RETURN(x, b.Permute(x, {1, 0, 2}));
  }
  b.Define(n.output(0), x);
  for (size_t i = 0; i < finals.size(); ++i) {
    b.Define(n.output(1 + i), finals[i]);
  }
  if (lstm) b.MarkDone(n.input(1)->node());
  return absl::OkStatus();
}

std::string RefuseTraining(const Node& n) {
  return BoolArg(n, 6) && DoubleArg(n, 5) != 0 ? "training" : "";
}

// lstm_cell(input, hx, w_ih, w_hh, b_ih, b_hh) and so on: one step of one
// layer.
absl::Status LowerCell(Builder& b, const Node& n) {
  const CellKind kind = KindOf(n);
  const bool lstm = kind == CellKind::kLstm;
  TANDEM_ASSIGN_OR_RETURN(Operand x, b.Get(n.input(0)));
  TANDEM_RETURN_IF_ERROR(CheckDType(x.dtype, false));
  if (x.sizes.size() != 2) return Refuse("the input's rank");
  LayerCall call;
  call.kind = kind;
  Weights w;
  TANDEM_ASSIGN_OR_RETURN(w.w_ih, b.ConstantTensor(n.input(2)));
  TANDEM_ASSIGN_OR_RETURN(w.w_hh, b.ConstantTensor(n.input(3)));
  if (!IsNoneArg(n, 4)) {
    TANDEM_ASSIGN_OR_RETURN(w.b_ih, b.ConstantTensor(n.input(4)));
  }
  if (!IsNoneArg(n, 5)) {
    TANDEM_ASSIGN_OR_RETURN(w.b_hh, b.ConstantTensor(n.input(5)));
  }
  if (w.w_hh.dim() != 2) return Refuse("weights of other sizes");
  const int64_t batch = x.sizes[0], hidden = w.w_hh.size(1);
  call.weights.push_back(std::move(w));
  TANDEM_ASSIGN_OR_RETURN(x, b.AsContiguous(x));
  TANDEM_ASSIGN_OR_RETURN(call.x, b.Reshape(x, {1, batch, x.sizes.back()}));
  std::vector<Operand> states;
  if (lstm) {
    TANDEM_ASSIGN_OR_RETURN(states, b.GetList(n.input(1)));
  } else {
    TANDEM_ASSIGN_OR_RETURN(const Operand h, b.Get(n.input(1)));
    states.push_back(h);
  }
  if (states.size() != (lstm ? 2u : 1u)) return Refuse("the states");
  const Dims sizes = {1, 1, batch, hidden}, result = {batch, hidden};
  for (Operand& s : states) {
    if (s.dtype != DType::kFloat || DimSpan(s.sizes) != DimSpan(result)) {
      return Refuse("a state of other sizes or dtype");
    }
    TANDEM_ASSIGN_OR_RETURN(s, b.AsContiguous(s));
    TANDEM_ASSIGN_OR_RETURN(s, b.Reshape(s, sizes));
  }
  call.h = states[0];
  TANDEM_ASSIGN_OR_RETURN(const MemoryDesc md,
                          b.d().Contiguous(sizes, DType::kFloat));
  const auto fresh = [&] {
    return b.NewOperand(md, sizes, ContiguousStrides(sizes), DType::kFloat);
  };
  call.h_out = fresh();
  if (lstm) {
    call.c = states[1];
    call.c_out = fresh();
  }
  TANDEM_RETURN_IF_ERROR(EmitLayer(b, call).status());
  TANDEM_ASSIGN_OR_RETURN(const Operand h, b.Reshape(call.h_out, result));
  b.Define(n.output(0), h);
  if (lstm) {
    TANDEM_ASSIGN_OR_RETURN(const Operand c, b.Reshape(call.c_out, result));
    b.Define(n.output(1), c);
    b.MarkDone(n.input(1)->node());
  }
  return absl::OkStatus();
}

constexpr Lowering kLowerings[] = {
    {"aten::lstm.input", &LowerLayers, Weight::kHeavy, &RefuseTraining},
    {"aten::gru.input", &LowerLayers, Weight::kHeavy, &RefuseTraining},
    {"aten::rnn_tanh.input", &LowerLayers, Weight::kHeavy, &RefuseTraining},
    {"aten::rnn_relu.input", &LowerLayers, Weight::kHeavy, &RefuseTraining},
    {"aten::lstm_cell", &LowerCell, Weight::kHeavy},
    {"aten::gru_cell", &LowerCell, Weight::kHeavy},
    {"aten::rnn_tanh_cell", &LowerCell, Weight::kHeavy},
    {"aten::rnn_relu_cell", &LowerCell, Weight::kHeavy},
};

}  // namespace

absl::Span<const Lowering> RnnLowerings() { return kLowerings; }

}  // namespace tandem::onednn
