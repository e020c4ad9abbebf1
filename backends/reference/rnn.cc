// The loop under lstm, gru, rnn_tanh and rnn_relu: layers, directions, packed
// sequences, projections.
#include "tandem/backends/reference/rnn.h"

#include <cmath>

#include "tandem/backends/reference/families.h"
#include "tandem/backends/reference/float_functions.h"
#include "tandem/backends/reference/gemm.h"
#include "tandem/backends/reference/parts.h"
#include "tandem/tensor/context.h"
#include "tandem/tensor/copy.h"
#include "tandem/tensor/half.h"
#include "tandem/tensor/status_macros.h"
#include "tandem/tensor/visit.h"

namespace tandem::reference {
namespace {

// Of element i of a row of n: PyTorch's loops take whole pairs of vectors by
// another exp than what remains.
template <typename C>
inline C Sigmoid(C x, int64_t i, int64_t n) {
  return 1 / (1 + (i < n / 32 * 32 ? LaneExp(-x) : std::exp(-x)));
}

// v as the 16-bit type holds it; any other type is as wide as C.
template <typename C>
inline C RoundTo(DType dtype, C v) {
  if (dtype == DType::kBFloat16) {
    return static_cast<float>(BFloat16(static_cast<float>(v)));
  }
  if (dtype == DType::kHalf) {
    return static_cast<float>(Half(static_cast<float>(v)));
  }
  return v;
}

absl::Status CheckMatrix(absl::string_view name, const Tensor& t, int64_t rows,
                         int64_t cols) {
  if (t.dim() == 2 && t.size(0) == rows && t.size(1) == cols) {
    return absl::OkStatus();
  }
  return Invalid("RNN: expected ", name, " of size [", rows, ", ", cols,
                 "], but got ", DimsToString(t.sizes()));
}

// One direction of one layer, in C.
template <typename C>
class Layer {
 public:
  // `dtype`: of the elements.
  Layer(const RnnOptions& o, const RnnWeights& w, DType dtype)
      : kind_(o.kind),
        given_(w),
        each_(o.fused ? DType::kUndefined : dtype),
        state_(dtype) {}

  // `x` [rows, features] contiguous; h [batch, output size] and c [batch,
  // hidden] hold the first state and are left with the last. Results go to out
  // + row * out_stride.
  absl::Status Run(const Tensor& x, const std::vector<int64_t>& batch_sizes,
                   bool reverse, bool by_steps, const Tensor& h,
                   const Tensor& c, C* out, int64_t out_stride) {
    const int64_t rows = x.size(0), features = x.size(1);
    TANDEM_RETURN_IF_ERROR(Prepare(rows, features, h));
    const int64_t width = gates_ * hidden_;
    // What the inputs give to all gates, with their bias.
    TANDEM_ASSIGN_OR_RETURN(const Tensor from_input,
                            Tensor::Empty({rows, width}, x.dtype()));
    // Where PyTorch multiplies step by step, it adds the bias afterwards.
    const bool bias_last = by_steps && Rounds(each_);
    for (int64_t r = 0; r < rows && !bias_last; ++r) {
      std::copy_n(input_bias_.data(), width, from_input.data<C>() + r * width);
    }
    const int64_t batch = h.size(0);
    const int64_t piece = by_steps ? batch : rows;
    for (int64_t r = 0; r < rows; r += piece) {
      TANDEM_RETURN_IF_ERROR(
          Gemm<C>(std::min(piece, rows - r), width, features, C(1),
                  {x.data<C>() + r * features, features, 1},
                  {w_ih_.data<C>(), 1, features}, C(bias_last ? 0 : 1),
                  {from_input.data<C>() + r * width, width, 1}));
    }
    RoundAll(each_, from_input.data<C>(), rows * width);
    for (int64_t r = 0; r < rows && bias_last; ++r) {
      C* to = from_input.data<C>() + r * width;
      for (int64_t i = 0; i < width; ++i) to[i] += input_bias_[i];
      RoundAll(each_, to, width);
    }
    TANDEM_ASSIGN_OR_RETURN(const Tensor hidden_gates,
                            Tensor::Empty({batch, width}, x.dtype()));
    TANDEM_ASSIGN_OR_RETURN(const Tensor raw,
                            Tensor::Empty({batch, hidden_}, x.dtype()));
    const int64_t steps = static_cast<int64_t>(batch_sizes.size());
    int64_t row = reverse ? rows : 0;
    for (int64_t i = 0; i < steps; ++i) {
      if (i % 16 == 0) TANDEM_RETURN_IF_ERROR(CheckStop());
      const int64_t live = batch_sizes[reverse ? steps - 1 - i : i];
      if (reverse) row -= live;
      TANDEM_RETURN_IF_ERROR(Step(
          live, from_input.data<C>() + row * width, hidden_gates.data<C>(),
          raw.data<C>(), h.data<C>(), c.defined() ? c.data<C>() : nullptr));
      for (int64_t b = 0; b < live; ++b) {
        std::copy_n(h.data<C>() + b * output_, output_,
                    out + (row + b) * out_stride);
      }
      if (!reverse) row += live;
    }
    return absl::OkStatus();
  }

 private:
  static bool Rounds(DType dtype) {
    return dtype == DType::kBFloat16 || dtype == DType::kHalf;
  }
  static void RoundAll(DType dtype, C* v, int64_t n) {
    if (!Rounds(dtype)) return;
    for (int64_t i = 0; i < n; ++i) v[i] = RoundTo(dtype, v[i]);
  }

  absl::Status Prepare(int64_t rows, int64_t features, const Tensor& h) {
    const DType dtype = DTypeOf<C>::value;
    gates_ = GatesOf(kind_);
    output_ = h.size(1);
    if (given_.w_hh.dim() != 2 || given_.w_hh.size(0) % gates_ != 0) {
      return Invalid("RNN: hidden weights have the size ",
                     DimsToString(given_.w_hh.sizes()));
    }
    hidden_ = given_.w_hh.size(0) / gates_;
    if (given_.w_ih.dim() == 2 && given_.w_ih.size(1) != features) {
      return Invalid(given_.b_ih.defined() ? "addmm" : "mm",
                     ": mat1 and mat2 shapes cannot be multiplied (", rows, "x",
                     features, " and ", given_.w_ih.size(1), "x",
                     given_.w_ih.size(0), ")");
    }
    TANDEM_RETURN_IF_ERROR(
        CheckMatrix("input weights", given_.w_ih, gates_ * hidden_, features));
    TANDEM_RETURN_IF_ERROR(
        CheckMatrix("hidden weights", given_.w_hh, gates_ * hidden_, output_));
    TANDEM_ASSIGN_OR_RETURN(w_ih_, Contiguous(given_.w_ih, dtype));
    TANDEM_ASSIGN_OR_RETURN(w_hh_, Contiguous(given_.w_hh, dtype));
    if (given_.w_hr.defined()) {
      TANDEM_RETURN_IF_ERROR(
          CheckMatrix("projection", given_.w_hr, output_, hidden_));
      TANDEM_ASSIGN_OR_RETURN(w_hr_, Contiguous(given_.w_hr, dtype));
    } else if (output_ != hidden_) {
      return Invalid("RNN: expected a hidden state of size ", hidden_,
                     ", but got ", output_);
    }
    input_bias_.assign(gates_ * hidden_, C(0));
    hidden_bias_.assign(gates_ * hidden_, C(0));
    for (const Tensor* b : {&given_.b_ih, &given_.b_hh}) {
      if (!b->defined()) continue;
      if (b->dim() != 1 || b->size(0) != gates_ * hidden_) {
        return Invalid("The expanded size of the tensor (", gates_ * hidden_,
                       ") must match the existing size (", b->numel(),
                       ") at non-singleton dimension 1.");
      }
      TANDEM_ASSIGN_OR_RETURN(const Tensor v, Contiguous(*b, dtype));
      for (int64_t i = 0; i < gates_ * hidden_; ++i) {
        (b == &given_.b_hh ? hidden_bias_ : input_bias_)[i] = v.data<C>()[i];
      }
    }
    if (each_ != state_) {  // one bias, in the type of the elements
      for (int64_t i = 0; i < gates_ * hidden_; ++i) {
        input_bias_[i] = RoundTo(state_, input_bias_[i] + hidden_bias_[i]);
        hidden_bias_[i] = 0;
      }
    }
    return absl::OkStatus();
  }

  absl::Status Step(int64_t live, const C* from_input, C* gates, C* raw, C* h,
                    C* c) {
    const int64_t n = hidden_, width = gates_ * n;
    for (int64_t b = 0; b < live; ++b) {
      std::copy_n(hidden_bias_.data(), width, gates + b * width);
    }
    TANDEM_RETURN_IF_ERROR(Gemm<C>(live, width, output_, C(1), {h, output_, 1},
                                   {w_hh_.data<C>(), 1, output_}, C(1),
                                   {gates, width, 1}));
    RoundAll(each_, gates, live * width);
    const auto round = [this](C v) { return RoundTo(each_, v); };
    for (int64_t b = 0; b < live; ++b) {
      C* g = gates + b * width;
      const C* x = from_input + b * width;
      if (kind_ != RnnKind::kGru) {
        for (int64_t i = 0; i < width; ++i) g[i] = round(g[i] + x[i]);
      }
      C* to = raw + b * n;
      switch (kind_) {
        case RnnKind::kTanh:
          for (int64_t i = 0; i < n; ++i) to[i] = RoundedTanh(g[i]);
          break;
        case RnnKind::kRelu:
          for (int64_t i = 0; i < n; ++i) to[i] = g[i] < 0 ? C(0) : g[i];
          break;
        case RnnKind::kGru: {
          const C* old = h + b * output_;
          for (int64_t i = 0; i < n; ++i) {
            const C r = round(Sigmoid(round(x[i] + g[i]), i, n));
            const C z = round(Sigmoid(round(x[n + i] + g[n + i]), i, n));
            const C next = round(
                RoundedTanh(round(x[2 * n + i] + round(r * g[2 * n + i]))));
            to[i] = round(round(round(old[i] - next) * z) + next);
          }
          break;
        }
        case RnnKind::kLstm: {
          C* cell = c + b * n;
          for (int64_t i = 0; i < n; ++i) {
            const C in = round(Sigmoid(g[i], i, n));
            const C forget = round(Sigmoid(g[n + i], i, n));
            const C next = round(RoundedTanh(g[2 * n + i]));
            const C out = round(Sigmoid(g[3 * n + i], i, n));
            cell[i] = round(round(forget * cell[i]) + round(in * next));
            to[i] = round(out * round(RoundedTanh(cell[i])));
            cell[i] = RoundTo(state_, cell[i]);
          }
          break;
        }
      }
    }
    RoundAll(state_, raw, live * n);
    if (!w_hr_.defined()) {
      std::copy_n(raw, live * n, h);
      return absl::OkStatus();
    }
    TANDEM_RETURN_IF_ERROR(Gemm<C>(live, output_, n, C(1), {raw, n, 1},
                                   {w_hr_.data<C>(), 1, n}, C(0),
                                   {h, output_, 1}));
    RoundAll(state_, h, live * output_);
    return absl::OkStatus();
  }

  const RnnKind kind_;
  const RnnWeights& given_;
  const DType each_;   // the type that every operation rounds to
  const DType state_;  // and the one of the states between two steps
  int64_t gates_ = 1, hidden_ = 0, output_ = 0;
  Tensor w_ih_, w_hh_, w_hr_;
  std::vector<C> input_bias_, hidden_bias_;
};

template <typename C>
absl::StatusOr<RnnResult> RunIn(const RnnOptions& o, const Tensor& data,
                                const std::vector<int64_t>& batch_sizes,
                                const Tensor& h0, const Tensor& c0,
                                const std::vector<RnnWeights>& weights) {
  const DType dtype = DTypeOf<C>::value;
  const int64_t directions = o.bidirectional ? 2 : 1;
  TANDEM_ASSIGN_OR_RETURN(const Tensor h, CloneContiguous(h0, dtype));
  Tensor c;
  if (c0.defined()) {
    TANDEM_ASSIGN_OR_RETURN(c, CloneContiguous(c0, dtype));
  }
  TANDEM_ASSIGN_OR_RETURN(Tensor x, Contiguous(data, dtype));
  const int64_t output = h.size(2);
  for (int64_t l = 0; l < o.num_layers; ++l) {
    TANDEM_ASSIGN_OR_RETURN(
        const Tensor out,
        Tensor::Empty({x.size(0), directions * output}, dtype));
    for (int64_t d = 0; d < directions; ++d) {
      const int64_t i = l * directions + d;
      Layer<C> layer(o, weights[i], data.dtype());
      TANDEM_RETURN_IF_ERROR(layer.Run(
          x, batch_sizes, d == 1, o.by_steps && l == 0, SelectView(h, 0, i),
          c.defined() ? SelectView(c, 0, i) : Tensor(),
          out.data<C>() + d * output, directions * output));
    }
    x = out;
    if (o.train && o.dropout != 0 && l + 1 < o.num_layers) {
      TANDEM_ASSIGN_OR_RETURN(x, Dropout(x, o.dropout, true));
    }
  }
  return RnnResult{x, h, c};
}

}  // namespace

absl::StatusOr<RnnResult> RunRnn(const RnnOptions& o, const Tensor& data,
                                 const std::vector<int64_t>& batch_sizes,
                                 const Tensor& h0, const Tensor& c0,
                                 const std::vector<RnnWeights>& weights) {
  const int64_t directions = o.bidirectional ? 2 : 1;
  const int64_t sets = static_cast<int64_t>(weights.size());
  if (o.num_layers <= 0 || o.num_layers > (1 << 20)) {
    return Invalid("num_layers must be greater than zero");
  }
  if (sets < o.num_layers * directions) {
    return Invalid("Expected more weights in stacked_rnn");
  }
  if (h0.dim() != 3 || h0.size(0) < o.num_layers * directions ||
      (c0.defined() && (c0.dim() != 3 || c0.size(0) < h0.size(0)))) {
    return Invalid("Expected more hidden states in stacked_rnn");
  }
  if (c0.defined() && c0.size(1) != h0.size(1)) {
    return Invalid("RNN: hidden and cell state have batches of ", h0.size(1),
                   " and ", c0.size(1));
  }
  if (c0.defined()) {
    const RnnWeights& w = weights[0];
    const int64_t hidden = w.w_hh.dim() == 2 ? w.w_hh.size(0) / 4 : -1;
    if (c0.size(2) != hidden) {
      return Invalid("RNN: expected a cell state of size ", hidden,
                     ", but got ", c0.size(2));
    }
    for (const RnnWeights& other : weights) {
      if (other.w_hh.sizes() != w.w_hh.sizes()) {
        return Invalid("RNN: layers have hidden weights of different sizes");
      }
    }
  }
  const DType dtype = data.dtype();
  if (!IsFloatingPoint(dtype)) {
    return Invalid(
        "result type Float can't be cast to the desired output type ",
        TypeName(dtype));
  }
  for (const RnnWeights& w : weights) {
    for (const Tensor* t : {&w.w_ih, &w.w_hh, &w.b_ih, &w.b_hh, &w.w_hr}) {
      if (t->defined() && t->dtype() != dtype) {
        return Invalid("mat1 and mat2 must have the same dtype, but got ",
                       TypeName(dtype), " and ", TypeName(t->dtype()));
      }
    }
  }
  for (const Tensor* t : {&h0, &c0}) {
    if (t->defined() && t->dtype() != dtype) {
      return Invalid("mat1 and mat2 must have the same dtype, but got ",
                     TypeName(t->dtype()), " and ", TypeName(dtype));
    }
  }
  int64_t rows = 0, previous = h0.size(1);
  for (int64_t n : batch_sizes) {
    if (n < 0 || n > previous) {
      return Invalid("The size of tensor a (", previous,
                     ") must match the size of tensor b (", n,
                     ") at non-singleton dimension 0");
    }
    if (rows + n > data.size(0)) {
      return Invalid("start (", rows, ") + length (", n,
                     ") exceeds dimension size (", data.size(0), ").");
    }
    rows += n;
    previous = n;
  }
  const Tensor used = rows < data.size(0) ? NarrowView(data, 0, 0, rows) : data;
  TANDEM_ASSIGN_OR_RETURN(
      RnnResult r, dtype == DType::kDouble
                       ? RunIn<double>(o, used, batch_sizes, h0, c0, weights)
                       : RunIn<float>(o, used, batch_sizes, h0, c0, weights));
  TANDEM_ASSIGN_OR_RETURN(r.output, ToDType(r.output, dtype));
  TANDEM_ASSIGN_OR_RETURN(r.h, ToDType(r.h, dtype));
  if (r.c.defined()) {
    TANDEM_ASSIGN_OR_RETURN(r.c, ToDType(r.c, dtype));
  }
  return r;
}

absl::Status RegisterRnn(Registry& registry) {
  KernelRegistrar r(registry, "reference");
  RegisterRnnLayers(r);
  RegisterRnnCells(r);
  return r.status();
}

}  // namespace tandem::reference
