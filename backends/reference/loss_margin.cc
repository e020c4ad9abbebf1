// Margin losses over rows: multi_margin, multilabel_margin, cosine_embedding,
// triplet_margin.
#include <cmath>
#include <complex>
#include <type_traits>

#include "tandem/backends/reference/loss.h"
#include "tandem/backends/reference/norm.h"
#include "tandem/backends/reference/variants.h"
#include "tandem/ir/operators/promotion.h"
#include "tandem/tensor/copy.h"
#include "tandem/tensor/status_macros.h"
#include "tandem/tensor/visit.h"

namespace tandem::reference {
namespace {

using Pair = std::tuple<Tensor, Tensor>;

// Rows and columns of a vector (one row) or matrix.
absl::Status RowsOf(const Tensor& self, int64_t* rows, int64_t* cols) {
  if ((self.dim() == 2 && self.size(1) != 0) ||
      (self.dim() == 1 && self.size(0) != 0) || self.dim() == 0) {
    *rows = self.dim() < 2 ? 1 : self.size(0);
    *cols = self.dim() == 0 ? 1 : self.size(self.dim() - 1);
    return absl::OkStatus();
  }
  return Invalid(
      "Expected non-empty vector or matrix with optional 0-dim batch size, but "
      "got: ",
      DimsToString(self.sizes()));
}

template <typename C>
absl::StatusOr<Tensor> MultiMarginIn(const Tensor& self, const Tensor& target,
                                     int64_t p, double margin,
                                     const Tensor& weight, int64_t reduction,
                                     int64_t rows, int64_t cols) {
  const DType c = DTypeOf<C>::value;
  TANDEM_ASSIGN_OR_RETURN(const Tensor x, Contiguous(self, c));
  TANDEM_ASSIGN_OR_RETURN(const Tensor t, Contiguous(target));
  Tensor w;
  if (weight.defined()) {
    TANDEM_ASSIGN_OR_RETURN(w, Contiguous(weight, c));
  }
  TANDEM_ASSIGN_OR_RETURN(const Tensor losses,
                          Tensor::Empty(target.sizes(), c));
  for (int64_t i = 0; i < rows; ++i) {
    const C* row = x.data<C>() + i * cols;
    const int64_t label = t.data<int64_t>()[i];
    if (label < 0 || label >= cols) return Invalid("target out of range");
    C sum = 0;
    for (int64_t k = 0; k < cols; ++k) {
      if (k == label) continue;
      const C z = static_cast<C>(margin) - row[label] + row[k];
      if (!(z > 0)) continue;
      const C h = p == 1 ? z : z * z;
      sum += w.defined() ? h * w.data<C>()[label] : h;
    }
    losses.data<C>()[i] = sum / static_cast<C>(cols);
  }
  TANDEM_ASSIGN_OR_RETURN(const Tensor r, Reduce(losses, reduction));
  return ToDType(r, self.dtype());
}

absl::StatusOr<Tensor> MultiMarginLoss(const Tensor& self, const Tensor& target,
                                       const Scalar& p, const Scalar& margin,
                                       const Tensor& weight,
                                       int64_t reduction) {
  const int64_t power = p.ToInt();
  if (power != 1 && power != 2) {
    return Invalid("only p == 1 and p == 2 supported");
  }
  int64_t rows, cols;
  TANDEM_RETURN_IF_ERROR(RowsOf(self, &rows, &cols));
  if (target.dim() > 1 || target.numel() != rows) {
    return Invalid(
        "multi_margin_loss: target tensor should be 1-D with size equal to the "
        "number of input samples (batch size). Expected target size [",
        rows, "], but got ", DimsToString(target.sizes()), ". Input has shape ",
        DimsToString(self.sizes()), ".");
  }
  if (weight.defined() && (weight.dim() > 1 || weight.numel() != cols)) {
    return Invalid("inconsistent weight size, expected ", cols, " but got ",
                   DimsToString(weight.sizes()));
  }
  if (self.dtype() != DType::kFloat && self.dtype() != DType::kDouble) {
    return NotImplementedFor("multi_margin_loss_cpu_kernel", self.dtype());
  }
  if (target.dtype() != DType::kInt64) {
    return Invalid("expected scalar type Long but found ",
                   TypeName(target.dtype()));
  }
  return self.dtype() == DType::kDouble
             ? MultiMarginIn<double>(self, target, power, margin.ToDouble(),
                                     weight, reduction, rows, cols)
             : MultiMarginIn<float>(self, target, power, margin.ToDouble(),
                                    weight, reduction, rows, cols);
}

template <typename C>
absl::StatusOr<Pair> MultilabelIn(const Tensor& self, const Tensor& target,
                                  int64_t reduction, int64_t rows,
                                  int64_t cols) {
  const DType c = DTypeOf<C>::value;
  TANDEM_ASSIGN_OR_RETURN(const Tensor x, Contiguous(self, c));
  TANDEM_ASSIGN_OR_RETURN(const Tensor t, Contiguous(target));
  TANDEM_ASSIGN_OR_RETURN(const Tensor is_target,
                          Tensor::Zeros(target.sizes(), c));
  const bool flat = self.dim() < 2;
  TANDEM_ASSIGN_OR_RETURN(const Tensor losses,
                          Tensor::Empty(flat ? Dims{} : Dims{rows}, c));
  for (int64_t i = 0; i < rows * cols; ++i) {
    const int64_t label = t.data<int64_t>()[i];
    if (label < -1 || label >= cols) {
      return Invalid("argument #2 'target' is out of range");
    }
  }
  for (int64_t i = 0; i < rows; ++i) {
    const C* row = x.data<C>() + i * cols;
    const int64_t* labels = t.data<int64_t>() + i * cols;
    C* marks = is_target.data<C>() + i * cols;
    int64_t count = 0;
    while (count < cols && labels[count] >= 0) marks[labels[count++]] = 1;
    C sum = 0;
    for (int64_t k = 0; k < count; ++k) {
      const C limit = row[labels[k]];
      for (int64_t j = 0; j < cols; ++j) {
        if (marks[j] != 0) continue;
        const C z = 1 - limit + row[j];
        if (z > 0) sum += z;
      }
    }
    losses.data<C>()[i] = sum / static_cast<C>(cols);
  }
  TANDEM_ASSIGN_OR_RETURN(const Tensor r, Reduce(losses, reduction));
  TANDEM_ASSIGN_OR_RETURN(Tensor out, ToDType(r, self.dtype()));
  TANDEM_ASSIGN_OR_RETURN(Tensor marks, ToDType(is_target, self.dtype()));
  return Pair(std::move(out), std::move(marks));
}

absl::StatusOr<Pair> MultilabelForward(const Tensor& self, const Tensor& target,
                                       int64_t reduction) {
  int64_t rows, cols;
  TANDEM_RETURN_IF_ERROR(RowsOf(self, &rows, &cols));
  if (self.dim() == 2 ? target.sizes() != self.sizes()
                      : target.dim() > 1 || target.numel() != cols) {
    return Invalid("inconsistent target size: ", DimsToString(target.sizes()),
                   " for input of size: ", DimsToString(self.sizes()));
  }
  if (self.dtype() != DType::kFloat && self.dtype() != DType::kDouble) {
    return NotImplementedFor("multilabel_margin_loss_forward_out_frame",
                             self.dtype());
  }
  if (target.dtype() != DType::kInt64) {
    return Invalid("expected scalar type Long but found ",
                   TypeName(target.dtype()));
  }
  return self.dtype() == DType::kDouble
             ? MultilabelIn<double>(self, target, reduction, rows, cols)
             : MultilabelIn<float>(self, target, reduction, rows, cols);
}

absl::StatusOr<Tensor> MultilabelMarginLoss(const Tensor& self,
                                            const Tensor& target,
                                            int64_t reduction) {
  TANDEM_ASSIGN_OR_RETURN(Pair r, MultilabelForward(self, target, reduction));
  return std::get<0>(std::move(r));
}

// 1 - cos where target is 1, max(0, cos - margin) where it is -1.
absl::StatusOr<Tensor> CosineEmbeddingLoss(const Tensor& input1,
                                           const Tensor& input2,
                                           const Tensor& target, double margin,
                                           int64_t reduction) {
  if (target.dim() > 1) {
    return Invalid(
        "0D or 1D target tensor expected, multi-target not "
        "supported");
  }
  const int64_t want = target.dim() + 1;
  if (input1.dim() != want || input2.dim() != want) {
    return Invalid(target.dim(), "D target tensor expects ", want,
                   "D input tensors, but found inputs with sizes ",
                   DimsToString(input1.sizes()), " and ",
                   DimsToString(input2.sizes()), ".");
  }
  TANDEM_ASSIGN_OR_RETURN(LossOperands o, BroadcastForLoss({input1, input2}));
  DType dtype = o.dtype;
  if (IsIntegral(dtype, true)) dtype = DType::kFloat;
  if (!IsFloatingPoint(dtype)) return NotImplementedFor("where_cpu", dtype);
  const DType compute = ComputeDType(dtype);
  TANDEM_ASSIGN_OR_RETURN(const Tensor a, Contiguous(o.values[0], compute));
  TANDEM_ASSIGN_OR_RETURN(const Tensor b, Contiguous(o.values[1], compute));
  const int64_t n = o.sizes.back();
  Dims sizes(o.sizes.begin(), o.sizes.end() - 1);
  TANDEM_ASSIGN_OR_RETURN(const Dims out_sizes,
                          BroadcastSizes(sizes, target.sizes()));
  TANDEM_ASSIGN_OR_RETURN(Tensor t, ExpandTo(target, out_sizes));
  TANDEM_ASSIGN_OR_RETURN(t, Contiguous(t, DType::kDouble));
  TANDEM_ASSIGN_OR_RETURN(const Tensor losses,
                          Tensor::Empty(out_sizes, compute));
  const int64_t rows = n == 0 ? 0 : a.numel() / n;
  auto run = [&](auto tag) {
    using C = typename decltype(tag)::type;
    for (int64_t i = 0; i < losses.numel(); ++i) {
      const int64_t row = rows <= 1 ? 0 : i;
      double product = 0, aa = 0, bb = 0;
      for (int64_t k = 0; k < n && rows > 0; ++k) {
        const double p = a.data<C>()[row * n + k], q = b.data<C>()[row * n + k];
        product += p * q;
        aa += p * p;
        bb += q * q;
      }
      constexpr double kEps = 1e-12;
      const double cosine = product / std::sqrt((aa + kEps) * (bb + kEps));
      const double label = t.data<double>()[i];
      double loss = 0;
      if (label == 1) loss = 1 - cosine;
      if (label == -1) loss = std::max(0.0, cosine - margin);
      losses.data<C>()[i] = static_cast<C>(loss);
    }
  };
  if (compute == DType::kDouble) {
    run(TypeTag<double>{});
  } else {
    run(TypeTag<float>{});
  }
  TANDEM_ASSIGN_OR_RETURN(const Tensor r, Reduce(losses, reduction));
  return ToDType(r, dtype);
}

// A difference of small integers as their dtype has it, which wraps around.
template <typename C>
C WrappedDifference(DType integer, C difference) {
  const auto d = static_cast<int64_t>(difference);
  switch (integer) {
    case DType::kUInt8:
      return static_cast<C>(static_cast<uint8_t>(d));
    case DType::kInt8:
      return static_cast<C>(static_cast<int8_t>(d));
    case DType::kInt16:
      return static_cast<C>(static_cast<int16_t>(d));
    default:
      return difference;
  }
}

// Distances of rows, in C: |a - b + eps|_p along the last dim. `given`: the
// dtype before it became C.
template <typename C, typename R>
void Distances(DType dtype, DType given, const Tensor& a, const Tensor& b,
               int64_t n, double p, double eps, R* out, int64_t rows) {
  for (int64_t i = 0; i < rows; ++i) {
    const C *u = a.data<C>() + i * n, *v = b.data<C>() + i * n;
    out[i] = VectorNorm<R>(p, n, [&](int64_t k) {
      if constexpr (std::is_same_v<C, R>) {
        const C difference = IsIntegral(given, true)
                                 ? WrappedDifference(given, u[k] - v[k])
                                 : RoundedTo(dtype, u[k] - v[k]);
        return std::abs(RoundedTo(dtype, difference + static_cast<C>(eps)));
      } else {
        return std::abs(u[k] - v[k] + static_cast<R>(eps));
      }
    });
  }
}

absl::StatusOr<Tensor> TripletMarginLoss(const Tensor& anchor,
                                         const Tensor& positive,
                                         const Tensor& negative, double margin,
                                         double p, double eps, bool swap,
                                         int64_t reduction) {
  if (anchor.dim() != positive.dim() || positive.dim() != negative.dim()) {
    return Invalid(
        "The anchor, positive, and negative tensors are expected to have the "
        "same number of dimensions, but got: anchor ",
        anchor.dim(), "D, positive ", positive.dim(), "D, and negative ",
        negative.dim(), "D inputs");
  }
  if (!(margin > 0)) {
    return Invalid("Expected margin to be greater than 0, got ", margin);
  }
  TANDEM_RETURN_IF_ERROR(
      BroadcastSizes(anchor.sizes(), positive.sizes()).status());
  TANDEM_ASSIGN_OR_RETURN(LossOperands o,
                          BroadcastForLoss({anchor, positive, negative}));
  const DType dtype = IsIntegral(o.dtype, true) ? DType::kFloat : o.dtype;
  if (!IsFloatingPoint(dtype) && dtype != DType::kComplexFloat &&
      dtype != DType::kComplexDouble) {
    return NotImplementedFor("norm", dtype);
  }
  const DType compute = IsComplex(dtype) ? dtype : ComputeDType(dtype);
  const DType real = ToReal(compute);
  for (Tensor& t : o.values) {
    TANDEM_ASSIGN_OR_RETURN(t, Contiguous(t, compute));
  }
  const int64_t n = o.sizes.empty() ? 1 : o.sizes.back();
  Dims sizes = o.sizes;
  if (!sizes.empty()) sizes.pop_back();
  TANDEM_ASSIGN_OR_RETURN(const Tensor losses, Tensor::Empty(sizes, real));
  const int64_t rows = losses.numel();
  auto run = [&](auto tag) {
    using C = typename decltype(tag)::type;
    using R = decltype(std::abs(C()));
    std::vector<R> near(rows), far(rows), other(rows);
    const auto distances = [&](int x, int y, std::vector<R>* to) {
      Distances<C>(dtype, o.dtype, o.values[x], o.values[y], n, p, eps,
                   to->data(), rows);
    };
    distances(0, 1, &near);
    distances(0, 2, &far);
    if (swap) {
      distances(1, 2, &other);
    }
    for (int64_t i = 0; i < rows; ++i) {
      const auto rounded = [dtype](R v) { return RoundedTo(dtype, v); };
      const R away = rounded(swap ? std::min(far[i], other[i]) : far[i]);
      const R loss =
          rounded(rounded(static_cast<R>(margin) + rounded(near[i])) - away);
      losses.data<R>()[i] = loss < 0 ? R(0) : loss;
    }
  };
  if (compute == DType::kDouble) {
    run(TypeTag<double>{});
  } else if (compute == DType::kFloat) {
    run(TypeTag<float>{});
  } else if (compute == DType::kComplexFloat) {
    run(TypeTag<std::complex<float>>{});
  } else {
    run(TypeTag<std::complex<double>>{});
  }
  TANDEM_ASSIGN_OR_RETURN(const Tensor r, Reduce(losses, reduction));
  return ToDType(r, ToReal(dtype));
}

}  // namespace

void RegisterMarginLosses(KernelRegistrar& r) {
  r.Add("aten::multi_margin_loss", &MultiMarginLoss)
      .Add("aten::multi_margin_loss.out", &Variants<MultiMarginLoss>::Out)
      .Add("aten::multilabel_margin_loss", &MultilabelMarginLoss)
      .Add("aten::multilabel_margin_loss.out",
           &Variants<MultilabelMarginLoss>::Out)
      .Add("aten::multilabel_margin_loss_forward", &MultilabelForward)
      .Add("aten::multilabel_margin_loss_forward.output",
           &Variants<MultilabelForward>::Out)
      .Add("aten::cosine_embedding_loss", &CosineEmbeddingLoss)
      .Add("aten::triplet_margin_loss", &TripletMarginLoss);
}

}  // namespace tandem::reference
