// lstm, gru, rnn_tanh, rnn_relu over padded and packed inputs; packing itself.
#include "tandem/backends/reference/parts.h"
#include "tandem/backends/reference/rnn.h"
#include "tandem/backends/reference/variants.h"
#include "tandem/tensor/copy.h"
#include "tandem/tensor/status_macros.h"

namespace tandem::reference {
namespace {

using Pair = std::tuple<Tensor, Tensor>;
using Triple = std::tuple<Tensor, Tensor, Tensor>;
using Tensors = absl::Span<const Tensor>;

// The flat list of parameters, in sets of 2 (no biases), 3 (and a projection),
// 4 or 5.
absl::StatusOr<std::vector<RnnWeights>> GatherWeights(Tensors params,
                                                      bool has_biases,
                                                      bool has_projection) {
  const size_t each = (has_biases ? 4 : 2) + (has_projection ? 1 : 0);
  if (params.size() % each != 0) {
    return Invalid("got an incorrect number of RNN parameters");
  }
  std::vector<RnnWeights> result;
  for (size_t i = 0; i < params.size(); i += each) {
    RnnWeights w;
    w.w_ih = params[i];
    w.w_hh = params[i + 1];
    if (has_biases) {
      w.b_ih = params[i + 2];
      w.b_hh = params[i + 3];
    }
    if (has_projection) w.w_hr = params[i + each - 1];
    for (const Tensor* t : {&w.w_ih, &w.w_hh}) {
      if (!t->defined()) return Invalid("RNN: a weight is missing");
    }
    result.push_back(std::move(w));
  }
  return result;
}

// Steps of one sequence without a batch: what PyTorch's loop makes of an input
// of 2 dims where its cells only multiply and add.
absl::StatusOr<RnnResult> OverOneSequence(const RnnOptions& o,
                                          const Tensor& input, const Tensor& h0,
                                          Tensors params, bool batch_first) {
  TANDEM_ASSIGN_OR_RETURN(const std::vector<RnnWeights> weights,
                          GatherWeights(params, o.has_biases, false));
  const Tensor x = batch_first ? TransposeView(input, 0, 1) : input;
  const int64_t steps = x.size(0), features = x.size(1);
  if (steps == 0) {
    return Invalid("Expected sequence length to be larger than 0 in RNN");
  }
  if (o.kind == RnnKind::kGru) {
    if (!weights.empty() && weights[0].w_ih.dim() == 2 &&
        weights[0].w_ih.size(1) != features) {
      return Invalid(o.has_biases ? "addmm" : "mm",
                     ": mat1 and mat2 shapes cannot be multiplied (", steps,
                     "x", features, " and ", weights[0].w_ih.size(1), "x",
                     weights[0].w_ih.size(0), ")");
    }
    return WrapDim(1, 1).status();  // a step's gates have one dim, not two
  }
  TANDEM_ASSIGN_OR_RETURN(RnnResult r,
                          RunRnn(o, x, std::vector<int64_t>(steps, 1),
                                 UnsqueezeView(h0, 1), Tensor(), weights));
  r.h = SelectView(r.h, 1, 0);
  if (batch_first) r.output = TransposeView(r.output, 0, 1);
  return r;
}

absl::StatusOr<RnnResult> OverInput(const RnnOptions& o, const Tensor& input,
                                    const Tensor& h0, const Tensor& c0,
                                    Tensors params, bool batch_first) {
  if (input.dim() == 2 && h0.dim() == 2 && !c0.defined()) {
    return OverOneSequence(o, input, h0, params, batch_first);
  }
  if (input.dim() < 3) return WrapDim(2, input.dim()).status();
  if (input.dim() > 3) {
    return Invalid("RNN: expected an input of 3 dims, but got ", input.dim());
  }
  if (h0.dim() != 3) {
    return Invalid("RNN: expected a hidden state of 3 dims, but got ",
                   h0.dim());
  }
  const bool projection =
      c0.defined() && c0.dim() == 3 && h0.size(2) != c0.size(2);
  TANDEM_ASSIGN_OR_RETURN(const std::vector<RnnWeights> weights,
                          GatherWeights(params, o.has_biases, projection));
  const Tensor x = batch_first ? TransposeView(input, 0, 1) : input;
  const int64_t steps = x.size(0), batch = x.size(1);
  if (steps == 0) {
    return Invalid("Expected sequence length to be larger than 0 in RNN");
  }
  if (h0.size(1) != batch) {
    return Invalid("Expected hidden size (",
                   o.num_layers * (1 + o.bidirectional), ", ", batch, ", ",
                   h0.size(2), "), got ", DimsToString(h0.sizes()));
  }
  TANDEM_ASSIGN_OR_RETURN(const Tensor flat,
                          ReshapeTo(x, {steps * batch, x.size(2)}));
  RnnOptions options = o;
  options.fused =
      o.kind == RnnKind::kLstm && !projection &&
      (input.dtype() == DType::kBFloat16 || input.dtype() == DType::kHalf);
  options.by_steps = !x.is_contiguous() && x.stride(0) != x.stride(1) * batch &&
                     !weights.empty() && !weights[0].w_ih.requires_grad();
  TANDEM_ASSIGN_OR_RETURN(
      RnnResult r, RunRnn(options, flat, std::vector<int64_t>(steps, batch), h0,
                          c0, weights));
  const Dims sizes{steps, batch, r.output.size(1)};
  r.output = r.output.ViewUnchecked(sizes, ContiguousStrides(sizes), 0);
  if (batch_first) r.output = TransposeView(r.output, 0, 1);
  return r;
}

absl::StatusOr<std::vector<int64_t>> BatchSizes(const Tensor& t) {
  if (t.dim() != 1 || t.dtype() != DType::kInt64) {
    return Invalid("batch_sizes should be a 1D int64 tensor");
  }
  TANDEM_ASSIGN_OR_RETURN(const Tensor c, Contiguous(t));
  return std::vector<int64_t>(c.data<int64_t>(), c.data<int64_t>() + c.numel());
}

absl::StatusOr<RnnResult> OverPacked(const RnnOptions& o, const Tensor& data,
                                     const Tensor& batch_sizes,
                                     const Tensor& h0, const Tensor& c0,
                                     Tensors params) {
  if (data.dim() != 2 || h0.dim() != 3) {
    return Invalid(
        "RNN: expected packed data of 2 dims and a hidden state of "
        "3, but got ",
        data.dim(), " and ", h0.dim());
  }
  const bool projection =
      c0.defined() && c0.dim() == 3 && h0.size(2) != c0.size(2);
  TANDEM_ASSIGN_OR_RETURN(const std::vector<int64_t> sizes,
                          BatchSizes(batch_sizes));
  TANDEM_ASSIGN_OR_RETURN(const std::vector<RnnWeights> weights,
                          GatherWeights(params, o.has_biases, projection));
  return RunRnn(o, data, sizes, h0, c0, weights);
}

RnnOptions Options(RnnKind kind, bool has_biases, int64_t num_layers,
                   double dropout, bool train, bool bidirectional) {
  return RnnOptions{kind,    has_biases, num_layers,
                    dropout, train,      bidirectional};
}

template <RnnKind kKind>
absl::StatusOr<Pair> RnnInput(const Tensor& input, const Tensor& hx,
                              Tensors params, bool has_biases,
                              int64_t num_layers, double dropout, bool train,
                              bool bidirectional, bool batch_first) {
  TANDEM_ASSIGN_OR_RETURN(
      RnnResult r, OverInput(Options(kKind, has_biases, num_layers, dropout,
                                     train, bidirectional),
                             input, hx, Tensor(), params, batch_first));
  return Pair(std::move(r.output), std::move(r.h));
}

template <RnnKind kKind>
absl::StatusOr<Pair> RnnData(const Tensor& data, const Tensor& batch_sizes,
                             const Tensor& hx, Tensors params, bool has_biases,
                             int64_t num_layers, double dropout, bool train,
                             bool bidirectional) {
  TANDEM_ASSIGN_OR_RETURN(
      RnnResult r, OverPacked(Options(kKind, has_biases, num_layers, dropout,
                                      train, bidirectional),
                              data, batch_sizes, hx, Tensor(), params));
  return Pair(std::move(r.output), std::move(r.h));
}

absl::StatusOr<Triple> LstmInput(const Tensor& input, Tensors hx,
                                 Tensors params, bool has_biases,
                                 int64_t num_layers, double dropout, bool train,
                                 bool bidirectional, bool batch_first) {
  if (hx.size() != 2) return Invalid("lstm expects two hidden states");
  TANDEM_ASSIGN_OR_RETURN(
      RnnResult r, OverInput(Options(RnnKind::kLstm, has_biases, num_layers,
                                     dropout, train, bidirectional),
                             input, hx[0], hx[1], params, batch_first));
  return Triple(std::move(r.output), std::move(r.h), std::move(r.c));
}

absl::StatusOr<Triple> LstmData(const Tensor& data, const Tensor& batch_sizes,
                                Tensors hx, Tensors params, bool has_biases,
                                int64_t num_layers, double dropout, bool train,
                                bool bidirectional) {
  if (hx.size() != 2) return Invalid("lstm expects two hidden states");
  TANDEM_ASSIGN_OR_RETURN(
      RnnResult r, OverPacked(Options(RnnKind::kLstm, has_biases, num_layers,
                                      dropout, train, bidirectional),
                              data, batch_sizes, hx[0], hx[1], params));
  return Triple(std::move(r.output), std::move(r.h), std::move(r.c));
}

// Steps of all sequences one after the other; how many live at each step.
absl::StatusOr<Pair> PackPadded(const Tensor& input, const Tensor& lengths,
                                bool batch_first) {
  if (lengths.dim() != 1 || lengths.dtype() != DType::kInt64) {
    return Invalid(
        "'lengths' argument should be a 1D CPU int64 tensor, but "
        "got ",
        lengths.dim(), "D cpu ", TypeName(lengths.dtype()), " tensor");
  }
  if (input.numel() == 0) return Invalid("Cannot pack empty tensors.");
  if (input.dim() < 2) return WrapDim(1, input.dim()).status();
  const Tensor x = batch_first ? TransposeView(input, 0, 1) : input;
  const int64_t batch = x.size(1);
  if (lengths.size(0) != batch) {
    return Invalid(
        "Expected `len(lengths)` to be equal to batch_size, but got ",
        lengths.size(0), " (batch_size=", batch, ")");
  }
  TANDEM_ASSIGN_OR_RETURN(const Tensor l, Contiguous(lengths));
  const int64_t* n = l.data<int64_t>();
  if (n[batch - 1] <= 0) {
    return Invalid(
        "Length of all samples has to be greater than 0, but found "
        "an element in 'lengths' that is <= 0");
  }
  for (int64_t i = 0; i + 1 < batch; ++i) {
    if (n[i] < n[i + 1]) {
      return Invalid(
          "`lengths` array must be sorted in decreasing order when "
          "`enforce_sorted` is True. You can pass `enforce_sorted=False` to "
          "pack_padded_sequence and/or pack_sequence to sidestep this "
          "requirement if you do not need ONNX exportability.");
    }
  }
  // Steps behind the input hold nothing, though they count.
  if (n[0] > x.size(0) + (1 << 20)) return Invalid("lengths are too large");
  std::vector<int64_t> sizes(n[0]);
  int64_t rows = 0;
  int64_t live = batch;
  for (int64_t t = 0; t < n[0]; ++t) {
    while (n[live - 1] <= t) --live;
    sizes[t] = live;
    if (t < x.size(0)) rows += live;
  }
  Dims out_sizes(x.sizes().begin() + 1, x.sizes().end());
  out_sizes[0] = rows;
  TANDEM_ASSIGN_OR_RETURN(const Tensor out,
                          Tensor::Empty(out_sizes, x.dtype()));
  int64_t row = 0;
  for (int64_t t = 0; t < std::min(n[0], x.size(0)); ++t) {
    TANDEM_RETURN_IF_ERROR(
        CopyElements(NarrowView(SelectView(x, 0, t), 0, 0, sizes[t]),
                     NarrowView(out, 0, row, sizes[t])));
    row += sizes[t];
  }
  TANDEM_ASSIGN_OR_RETURN(Tensor batch_sizes, Tensor::FromSpan<int64_t>(
                                                  absl::MakeConstSpan(sizes)));
  return Pair(out, std::move(batch_sizes));
}

absl::StatusOr<Pair> PadPacked(const Tensor& data, const Tensor& batch_sizes,
                               bool batch_first, const Scalar& padding,
                               int64_t total_length) {
  TANDEM_ASSIGN_OR_RETURN(const std::vector<int64_t> sizes,
                          BatchSizes(batch_sizes));
  if (sizes.empty() || data.dim() < 1) {
    return Invalid("batch_sizes should hold at least one step");
  }
  const int64_t steps = static_cast<int64_t>(sizes.size());
  int64_t length = steps;
  if (total_length > 0) {
    if (total_length < steps) {
      return Invalid(
          "Expected total_length to be at least the length of the longest "
          "sequence in input, but got total_length=",
          total_length, " and max sequence length being ", steps);
    }
    length = total_length;
  }
  const int64_t batch = sizes[0];
  int64_t rows = 0, previous = batch;
  for (int64_t s : sizes) {
    if (s < 0 || s > previous || rows + s > data.size(0)) {
      return Invalid("shape '[", steps, ", ", batch,
                     "]' is invalid for input of size ", data.numel());
    }
    rows += s;
    previous = s;
  }
  Dims out_sizes{length, batch};
  out_sizes.insert(out_sizes.end(), data.sizes().begin() + 1,
                   data.sizes().end());
  TANDEM_ASSIGN_OR_RETURN(Tensor out, Tensor::Empty(out_sizes, data.dtype()));
  TANDEM_RETURN_IF_ERROR(FillElements(out, padding));
  TANDEM_ASSIGN_OR_RETURN(const Tensor lengths,
                          Tensor::Zeros({batch}, DType::kInt64));
  int64_t row = 0;
  for (int64_t t = 0; t < steps; ++t) {
    TANDEM_RETURN_IF_ERROR(
        CopyElements(NarrowView(data, 0, row, sizes[t]),
                     NarrowView(SelectView(out, 0, t), 0, 0, sizes[t])));
    row += sizes[t];
    for (int64_t i = 0; i < sizes[t]; ++i) ++lengths.data<int64_t>()[i];
  }
  if (batch_first) out = TransposeView(out, 0, 1);
  return Pair(std::move(out), lengths);
}

}  // namespace

void RegisterRnnLayers(KernelRegistrar& r) {
  r.Add("aten::lstm.input", &LstmInput)
      .Add("aten::lstm.data", &LstmData)
      .Add("aten::gru.input", &RnnInput<RnnKind::kGru>)
      .Add("aten::gru.data", &RnnData<RnnKind::kGru>)
      .Add("aten::rnn_tanh.input", &RnnInput<RnnKind::kTanh>)
      .Add("aten::rnn_tanh.data", &RnnData<RnnKind::kTanh>)
      .Add("aten::rnn_relu.input", &RnnInput<RnnKind::kRelu>)
      .Add("aten::rnn_relu.data", &RnnData<RnnKind::kRelu>)
      .Add("aten::_pack_padded_sequence", &PackPadded)
      .Add("aten::_pack_padded_sequence.out", &Variants<PackPadded>::Out)
      .Add("aten::_pad_packed_sequence", &PadPacked);
}

}  // namespace tandem::reference
