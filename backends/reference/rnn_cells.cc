// One step: lstm_cell, gru_cell, rnn_tanh_cell, rnn_relu_cell.
#include "tandem/backends/reference/parts.h"
#include "tandem/backends/reference/rnn.h"
#include "tandem/tensor/copy.h"
#include "tandem/tensor/status_macros.h"

namespace tandem::reference {
namespace {

absl::Status CheckInput(const Tensor& input, int64_t size) {
  if (input.dim() != 2) {
    return Invalid("Expected 2D input (batch x feature), but got ", input.dim(),
                   "D input");
  }
  if (input.size(1) != size) {
    return Invalid("input has inconsistent input_size: got ", input.size(1),
                   " expected ", size);
  }
  return absl::OkStatus();
}

absl::Status CheckHidden(const Tensor& input, const Tensor& hx, int64_t size,
                         int label) {
  if (hx.dim() != 2) {
    return Invalid("Expected 2D hidden (batch x feature), but got ", hx.dim(),
                   "D hidden");
  }
  if (input.size(0) != hx.size(0)) {
    return Invalid("Input batch size ", input.size(0), " doesn't match hidden",
                   label, " batch size ", hx.size(0));
  }
  if (hx.size(1) != size) {
    return Invalid("hidden", label, " has inconsistent hidden_size: got ",
                   hx.size(1), ", expected ", size);
  }
  return absl::OkStatus();
}

absl::StatusOr<RnnResult> Cell(RnnKind kind, const Tensor& input,
                               absl::Span<const Tensor> hx, const Tensor& w_ih,
                               const Tensor& w_hh, const Tensor& b_ih,
                               const Tensor& b_hh) {
  if (w_ih.dim() != 2 || w_hh.dim() != 2) {
    return Invalid("RNN cell: expected weights of 2 dims");
  }
  TANDEM_RETURN_IF_ERROR(CheckInput(input, w_ih.size(1)));
  for (size_t i = 0; i < hx.size(); ++i) {
    TANDEM_RETURN_IF_ERROR(
        CheckHidden(input, hx[i], w_hh.size(1), static_cast<int>(i)));
  }
  if (input.dtype() != w_ih.dtype()) {
    return Invalid(b_ih.defined() ? "self and mat2" : "mat1 and mat2",
                   " must have the same dtype, but got ",
                   TypeName(input.dtype()), " and ", TypeName(w_ih.dtype()));
  }
  for (const Tensor* b : {&b_ih, &b_hh}) {
    const int64_t width = w_hh.size(0);
    if (!b->defined() || (b->dim() == 1 && b->size(0) == width)) continue;
    return Invalid("The expanded size of the tensor (", width,
                   ") must match the existing size (", b->numel(),
                   ") at non-singleton dimension 1.  Target sizes: [",
                   input.size(0), ", ", width,
                   "].  Tensor sizes: ", DimsToString(b->sizes()));
  }
  RnnOptions o;
  o.kind = kind;
  RnnWeights w;
  w.w_ih = w_ih;
  w.w_hh = w_hh;
  w.b_ih = b_ih;
  w.b_hh = b_hh;
  return RunRnn(o, input, {input.size(0)}, UnsqueezeView(hx[0], 0),
                hx.size() > 1 ? UnsqueezeView(hx[1], 0) : Tensor(), {w});
}

template <RnnKind kKind>
absl::StatusOr<Tensor> OneState(const Tensor& input, const Tensor& hx,
                                const Tensor& w_ih, const Tensor& w_hh,
                                const Tensor& b_ih, const Tensor& b_hh) {
  TANDEM_ASSIGN_OR_RETURN(RnnResult r,
                          Cell(kKind, input, {hx}, w_ih, w_hh, b_ih, b_hh));
  return SelectView(r.h, 0, 0);
}

absl::StatusOr<std::tuple<Tensor, Tensor>> LstmCell(
    const Tensor& input, absl::Span<const Tensor> hx, const Tensor& w_ih,
    const Tensor& w_hh, const Tensor& b_ih, const Tensor& b_hh) {
  if (hx.size() != 2) return Invalid("lstm_cell expects two hidden states");
  TANDEM_ASSIGN_OR_RETURN(
      RnnResult r, Cell(RnnKind::kLstm, input, hx, w_ih, w_hh, b_ih, b_hh));
  return std::make_tuple(SelectView(r.h, 0, 0), SelectView(r.c, 0, 0));
}

}  // namespace

void RegisterRnnCells(KernelRegistrar& r) {
  r.Add("aten::lstm_cell", &LstmCell)
      .Add("aten::gru_cell", &OneState<RnnKind::kGru>)
      .Add("aten::rnn_tanh_cell", &OneState<RnnKind::kTanh>)
      .Add("aten::rnn_relu_cell", &OneState<RnnKind::kRelu>);
}

}  // namespace tandem::reference
