// Matrix products: linear, matmul, mm, bmm, addmm, baddbmm, attention.
#include <algorithm>
#include <cmath>
#include <limits>

#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "tandem/backends/onednn/lowerings.h"
#include "tandem/backends/onednn/post_ops.h"
#include "tandem/backends/onednn/row_product.h"
#include "tandem/tensor/context.h"
#include "tandem/tensor/status_macros.h"

namespace tandem::onednn {
namespace {

// Rows (or columns) of neighbours, as the kernels want them.
absl::StatusOr<Operand> AsMatrix(Builder& b, const Operand& o) {
  const std::optional<Dims> strides = b.d().PlainStrides(o.md);
  const size_t rank = o.sizes.size();
  if (strides.has_value() &&
      ((*strides)[rank - 1] == 1 || (*strides)[rank - 2] == 1)) {
    return o;
  }
  return b.AsContiguous(o);
}

Dims LeadingOnes(const Dims& sizes, size_t rank) {
  Dims result = sizes;
  while (result.size() < rank) result.insert(result.begin(), 1);
  return result;
}

struct Product {
  Operand a, b;                 // of one rank of 2 or more, batches broadcast
  std::optional<Operand> bias;  // of that rank
  // scale * (a @ b + bias)
  float scale = 1;
  std::string name = "matmul";
};

// The sizes that oneDNN gives.
absl::StatusOr<Dims> SizesOf(const Product& p) {
  const Dims &a = p.a.sizes, &b = p.b.sizes;
  const size_t rank = a.size();
  if (b.size() != rank || rank < 2 || a[rank - 1] != b[rank - 2]) {
    return Refuse("shapes that do not fit");
  }
  std::optional<Dims> batch =
      BroadcastSizes(DimSpan(a).first(rank - 2), DimSpan(b).first(rank - 2));
  if (!batch.has_value()) return Refuse("shapes that do not fit");
  batch->push_back(a[rank - 2]);
  batch->push_back(b[rank - 1]);
  return *std::move(batch);
}

// Elements of a matrix from which on reading it is all that counts.
constexpr int64_t kLargeMatrix = 65536;
// Rows that a thread takes at a time.
constexpr int64_t kRowsAtOnce = 64;

// One row times a large constant matrix whose columns lie one after the other,
// as linear's do: by RowProduct, from where the weights are, without packing.
// Nullopt if it is anything else.
absl::StatusOr<std::optional<Operand>> EmitRowProduct(Builder& b,
                                                      const Product& p,
                                                      const Value* result,
                                                      DimSpan sizes) {
  const int64_t length = p.a.sizes.back(), rows = p.b.sizes.back();
  const bool one_row = std::all_of(p.a.sizes.begin(), p.a.sizes.end() - 1,
                                   [](int64_t s) { return s == 1; });
  const std::optional<Dims> lie = b.d().PlainStrides(p.b.md);
  if (!one_row || p.b.sizes.size() != 2 || !b.IsConstant(p.b) ||
      p.a.dtype != DType::kFloat || p.scale != 1 || b.options().allow_bf16 ||
      rows * length < kLargeMatrix || !lie.has_value() || (*lie)[0] != 1 ||
      (*lie)[1] < length) {
    return std::optional<Operand>();
  }
  TANDEM_ASSIGN_OR_RETURN(const Operand x, b.AsContiguous(p.a));
  Arguments args = {{0, x}, {1, p.b}};
  const bool has_bias = p.bias.has_value();
  int64_t bias_step = 0;
  if (has_bias) {
    TANDEM_ASSIGN_OR_RETURN(const Operand bias, b.AsContiguous(*p.bias));
    bias_step = p.bias->sizes.back() == 1 ? 0 : 1;
    args.push_back({2, bias});
  }
  TANDEM_ASSIGN_OR_RETURN(const MemoryDesc md,
                          b.d().Contiguous(sizes, DType::kFloat));
  const Operand y =
      b.NewOperand(md, sizes, ContiguousStrides(sizes), DType::kFloat);
  args.push_back({3, y});
  b.AddFunction(
      [length, rows, stride = (*lie)[1], has_bias,
       bias_step](absl::Span<void* const> data) {
        const auto* x = static_cast<const float*>(data[0]);
        const auto* w = static_cast<const float*>(data[1]);
        const auto* bias =
            has_bias ? static_cast<const float*>(data[2]) : nullptr;
        auto* y = static_cast<float*>(data.back());
        const auto part = [&](int64_t i) {
          const int64_t first = i * kRowsAtOnce;
          RowProduct(x, w + first * stride, std::min(kRowsAtOnce, rows - first),
                     length, stride,
                     has_bias ? bias + first * bias_step : nullptr, bias_step,
                     y + first);
        };
        const int64_t parts = (rows + kRowsAtOnce - 1) / kRowsAtOnce;
        if (TaskRunner* tasks = CurrentContext().tasks; tasks != nullptr) {
          tasks->Run(parts, part);
        } else {
          for (int64_t i = 0; i < parts; ++i) part(i);
        }
      },
      std::move(args), absl::StrCat(p.name, " of a row"));
  if (result != nullptr) b.Define(result, y);
  return std::optional<Operand>(y);
}

// Defines `result`, unless null, of `sizes` (the product's without dims that
// are not there or with leading ones unfolded).
absl::StatusOr<Operand> EmitProduct(Builder& b, Product p, const Value* result,
                                    DimSpan sizes) {
  TANDEM_RETURN_IF_ERROR(CheckDType(p.a.dtype));
  if (p.b.dtype != p.a.dtype ||
      (p.bias.has_value() && p.bias->dtype != p.a.dtype)) {
    return Refuse("operands of several dtypes");
  }
  TANDEM_ASSIGN_OR_RETURN(const Dims physical, SizesOf(p));
  TANDEM_ASSIGN_OR_RETURN(const std::optional<Operand> row,
                          EmitRowProduct(b, p, result, sizes));
  if (row.has_value()) {
    b.CountWork({p.a.sizes.back(), p.b.sizes.back()});
    return *row;
  }
  TANDEM_ASSIGN_OR_RETURN(p.a, AsMatrix(b, p.a));
  const bool packed = b.IsConstant(p.b);
  if (!packed) {
    TANDEM_ASSIGN_OR_RETURN(p.b, AsMatrix(b, p.b));
  }
  Dims work = physical;
  work.push_back(p.a.sizes.back());
  b.CountWork(work);

  Fusable f;
  f.follow = Fusable::Follow::kAll;
  f.result = result;
  f.sizes.assign(sizes.begin(), sizes.end());
  f.strides = ContiguousStrides(sizes);
  f.physical = physical;
  f.dtype = p.a.dtype;
  f.name = p.name;
  if (p.scale != 1) f.scale = {{dnnl_eltwise_linear, p.scale, 0}};
  f.memory_bound = false;
  f.create = [&](const Attributes& attr) -> absl::StatusOr<PrimitiveDesc> {
    MemoryDesc weights = p.b.md;
    if (packed) {
      TANDEM_ASSIGN_OR_RETURN(weights, b.d().Any(p.b.sizes, p.b.dtype));
    }
    TANDEM_ASSIGN_OR_RETURN(const MemoryDesc dst,
                            b.d().Contiguous(physical, f.dtype));
    MemoryDesc bias;
    if (p.bias.has_value()) {
      TANDEM_ASSIGN_OR_RETURN(bias,
                              b.d().Contiguous(p.bias->sizes, p.bias->dtype));
    }
    dnnl_primitive_desc_t pd = nullptr;
    const dnnl_status_t status = b.d().library().matmul_primitive_desc_create(
        &pd, b.d().engine(), p.a.md.get(), weights.get(), bias.get(), dst.get(),
        attr.get());
    return b.d().Wrap(status, pd, "matmul");
  };
  f.arguments = [&](const PrimitiveDesc& pd) -> absl::StatusOr<Arguments> {
    TANDEM_ASSIGN_OR_RETURN(const MemoryDesc md,
                            b.d().ArgumentOf(pd, DNNL_ARG_WEIGHTS));
    TANDEM_ASSIGN_OR_RETURN(const Operand weights, b.As(p.b, md));
    Arguments args = {{DNNL_ARG_SRC, p.a}, {DNNL_ARG_WEIGHTS, weights}};
    if (p.bias.has_value()) {
      TANDEM_ASSIGN_OR_RETURN(const Operand bias, b.AsContiguous(*p.bias));
      args.push_back({DNNL_ARG_BIAS, bias});
    }
    return args;
  };
  return EmitFused(b, f);
}

absl::StatusOr<Operand> Transposed(Builder& b, const Operand& o) {
  Dims order;
  for (size_t i = 0; i < o.sizes.size(); ++i) order.push_back(i);
  std::swap(order[order.size() - 1], order[order.size() - 2]);
  return b.Permute(o, order);
}

absl::StatusOr<std::optional<Operand>> Reshaped(Builder& b, const Operand& o,
                                                const Dims& sizes) {
  TANDEM_ASSIGN_OR_RETURN(const Operand r, b.Reshape(o, sizes));
  return std::optional<Operand>(r);
}

absl::StatusOr<std::optional<Operand>> Owned(Builder& b, const Tensor& t) {
  TANDEM_ASSIGN_OR_RETURN(const Operand o, b.FromTensor(t));
  return std::optional<Operand>(o);
}

// All leading dims as one.
absl::StatusOr<Operand> Folded(Builder& b, const Operand& o) {
  if (o.sizes.size() == 2) return o;
  int64_t rows = 1;
  for (size_t i = 0; i + 1 < o.sizes.size(); ++i) rows *= o.sizes[i];
  return b.Reshape(o, {rows, o.sizes.back()});
}

// linear(input, weight, bias)
absl::Status LowerLinear(Builder& b, const Node& n) {
  TANDEM_ASSIGN_OR_RETURN(const Operand x, b.Get(n.input(0)));
  TANDEM_ASSIGN_OR_RETURN(const Operand w, b.Get(n.input(1)));
  Product p;
  TANDEM_ASSIGN_OR_RETURN(p.bias, b.GetOptional(n.input(2)));
  if (x.sizes.empty() || w.sizes.size() != 2 || x.sizes.back() != w.sizes[1]) {
    return Refuse("shapes that do not fit");
  }
  Dims sizes = x.sizes;
  sizes.back() = w.sizes[0];
  if (p.bias.has_value()) {
    if (p.bias->sizes != Dims{w.sizes[0]} && p.bias->sizes != Dims{1}) {
      return Refuse("a bias of other sizes");
    }
    TANDEM_ASSIGN_OR_RETURN(p.bias,
                            Reshaped(b, *p.bias, {1, p.bias->sizes[0]}));
  }
  TANDEM_ASSIGN_OR_RETURN(p.a, Folded(b, x));
  TANDEM_ASSIGN_OR_RETURN(p.b, Transposed(b, w));
  p.name = "linear";
  return EmitProduct(b, std::move(p), n.output(), sizes).status();
}

// matmul, mm, bmm (self, other): vectors lose their dim, batches broadcast.
absl::Status LowerMatMul(Builder& b, const Node& n) {
  TANDEM_ASSIGN_OR_RETURN(Operand x, b.Get(n.input(0)));
  TANDEM_ASSIGN_OR_RETURN(Operand y, b.Get(n.input(1)));
  const size_t rank_x = x.sizes.size(), rank_y = y.sizes.size();
  if (rank_x == 0 || rank_y == 0) return Refuse("a tensor of no dims");
  if ((n.Is("aten::mm") && (rank_x != 2 || rank_y != 2)) ||
      (n.Is("aten::bmm") &&
       (rank_x != 3 || rank_y != 3 || x.sizes[0] != y.sizes[0]))) {
    return Refuse("shapes that do not fit");
  }
  if (rank_x == 1) {
    TANDEM_ASSIGN_OR_RETURN(x, b.Reshape(x, {1, x.sizes[0]}));
  }
  if (rank_y == 1) {
    TANDEM_ASSIGN_OR_RETURN(y, b.Reshape(y, {y.sizes[0], 1}));
  }
  Product p;
  Dims sizes;
  if (y.sizes.size() == 2) {
    // One matrix for all: one large product.
    sizes = x.sizes;
    sizes.back() = y.sizes[1];
    TANDEM_ASSIGN_OR_RETURN(p.a, Folded(b, x));
    p.b = y;
    TANDEM_RETURN_IF_ERROR(SizesOf(p).status());
  } else {
    const size_t rank = std::max(x.sizes.size(), y.sizes.size());
    p.a = x;
    p.b = y;
    if (x.sizes.size() < rank) {
      TANDEM_ASSIGN_OR_RETURN(p.a, b.Reshape(x, LeadingOnes(x.sizes, rank)));
    }
    if (y.sizes.size() < rank) {
      TANDEM_ASSIGN_OR_RETURN(p.b, b.Reshape(y, LeadingOnes(y.sizes, rank)));
    }
    TANDEM_ASSIGN_OR_RETURN(sizes, SizesOf(p));
  }
  if (rank_y == 1) sizes.pop_back();
  if (rank_x == 1) sizes.erase(sizes.end() - (rank_y == 1 ? 1 : 2));
  return EmitProduct(b, std::move(p), n.output(), sizes).status();
}

// addmm, baddbmm (self, a, b, beta, alpha): beta * self + alpha * (a @ b)
absl::Status LowerAddMM(Builder& b, const Node& n) {
  const double beta = DoubleArg(n, 3), alpha = DoubleArg(n, 4);
  Product p;
  TANDEM_ASSIGN_OR_RETURN(const Operand self, b.Get(n.input(0)));
  TANDEM_ASSIGN_OR_RETURN(p.a, b.Get(n.input(1)));
  TANDEM_ASSIGN_OR_RETURN(p.b, b.Get(n.input(2)));
  const size_t rank = n.Is("aten::addmm") ? 2 : 3;
  if (p.a.sizes.size() != rank || p.b.sizes.size() != rank) {
    return Refuse("shapes that do not fit");
  }
  TANDEM_ASSIGN_OR_RETURN(const Dims sizes, SizesOf(p));
  if (rank == 3 && p.a.sizes[0] != p.b.sizes[0]) {
    return Refuse("shapes that do not fit");
  }
  if (BroadcastSizes(sizes, self.sizes) != sizes) {
    return Refuse("shapes that do not fit");
  }
  p.scale = static_cast<float>(alpha);
  p.name = std::string(absl::StripPrefix(n.op()->schema.name, "aten::"));
  if (beta == 0)
    return EmitProduct(b, std::move(p), n.output(), sizes).status();
  // oneDNN: (a @ b + bias) * scale
  if (beta != alpha) return Refuse("factors ", beta, " and ", alpha);
  if (rank == 2 && (self.sizes.size() == 1 || self.sizes[0] == 1)) {
    TANDEM_ASSIGN_OR_RETURN(p.bias,
                            Reshaped(b, self, LeadingOnes(self.sizes, rank)));
    return EmitProduct(b, std::move(p), n.output(), sizes).status();
  }
  if (alpha != 1) return Refuse("a factor and an addend of ", rank, " dims");
  TANDEM_ASSIGN_OR_RETURN(const Operand product,
                          EmitProduct(b, std::move(p), nullptr, sizes));
  return EmitBinary(b, dnnl_binary_add, product, self, "add", n.output())
      .status();
}

// -inf above the diagonal of [rows, columns].
absl::StatusOr<Tensor> CausalMask(int64_t rows, int64_t columns) {
  TANDEM_ASSIGN_OR_RETURN(Tensor mask,
                          Tensor::Empty({rows, columns}, DType::kFloat));
  float* m = mask.data<float>();
  for (int64_t i = 0; i < rows; ++i) {
    for (int64_t j = 0; j < columns; ++j) {
      *m++ = j <= i ? 0 : -std::numeric_limits<float>::infinity();
    }
  }
  return mask;
}

// scaled_dot_product_attention(query, key, value, attn_mask, dropout_p,
// is_causal, scale, enable_gqa)
absl::Status LowerAttention(Builder& b, const Node& n) {
  TANDEM_ASSIGN_OR_RETURN(const Operand q, b.Get(n.input(0)));
  TANDEM_ASSIGN_OR_RETURN(const Operand k, b.Get(n.input(1)));
  TANDEM_ASSIGN_OR_RETURN(const Operand v, b.Get(n.input(2)));
  TANDEM_ASSIGN_OR_RETURN(std::optional<Operand> mask,
                          b.GetOptional(n.input(3)));
  const bool causal = BoolArg(n, 5);
  const size_t rank = q.sizes.size();
  if (rank < 2 || k.sizes.size() != rank || v.sizes.size() != rank) {
    return Refuse("shapes that do not fit");
  }
  TANDEM_RETURN_IF_ERROR(CheckDType(q.dtype, false));
  if (k.dtype != q.dtype || v.dtype != q.dtype) {
    return Refuse("operands of several dtypes");
  }
  if (mask.has_value()) {
    // A row of -inf gives 0 in PyTorch, NaN here.
    TANDEM_ASSIGN_OR_RETURN(const Tensor constant,
                            b.ConstantTensor(n.input(3)));
    if (causal || mask->dtype != q.dtype || !constant.is_contiguous() ||
        !std::all_of(constant.data<float>(),
                     constant.data<float>() + constant.numel(),
                     [](float m) { return std::isfinite(m); })) {
      return Refuse("a mask");
    }
  }
  const double scale = IsNoneArg(n, 6)
                           ? 1 / std::sqrt(static_cast<double>(q.sizes.back()))
                           : DoubleArg(n, 6);
  // softmax(q @ k^T * scale + mask)
  Product scores;
  scores.a = q;
  TANDEM_ASSIGN_OR_RETURN(scores.b, Transposed(b, k));
  scores.scale = static_cast<float>(scale);
  scores.name = "scores";
  TANDEM_ASSIGN_OR_RETURN(const Dims sizes, SizesOf(scores));
  if (causal) {
    const int64_t rows = sizes[rank - 2], columns = sizes[rank - 1];
    // The program's own: kept with the weights, one of each length would stay.
    TANDEM_ASSIGN_OR_RETURN(const Tensor causal_mask,
                            CausalMask(rows, columns));
    TANDEM_ASSIGN_OR_RETURN(mask, Owned(b, causal_mask));
  }
  Product p;
  TANDEM_ASSIGN_OR_RETURN(p.a,
                          EmitProduct(b, std::move(scores), nullptr, sizes));
  if (mask.has_value()) {
    if (BroadcastSizes(sizes, mask->sizes) != sizes) {
      return Refuse("shapes that do not fit");
    }
    TANDEM_ASSIGN_OR_RETURN(
        p.a, EmitBinary(b, dnnl_binary_add, p.a, *mask, "mask", nullptr));
  }
  TANDEM_ASSIGN_OR_RETURN(p.a, EmitSoftmax(b, p.a, rank - 1, false, nullptr));
  p.b = v;
  p.name = "attention";
  TANDEM_ASSIGN_OR_RETURN(const Dims result, SizesOf(p));
  return EmitProduct(b, std::move(p), n.output(), result).status();
}

std::string RefuseAttention(const Node& n) {
  if (DoubleArg(n, 4) != 0) return "dropout";
  if (n.inputs().size() > 7 && BoolArg(n, 7)) return "grouped queries";
  return "";
}

constexpr Lowering kLowerings[] = {
    {"aten::linear", &LowerLinear, Weight::kHeavy},
    {"aten::matmul", &LowerMatMul, Weight::kHeavy},
    {"aten::mm", &LowerMatMul, Weight::kHeavy},
    {"aten::bmm", &LowerMatMul, Weight::kHeavy},
    {"aten::addmm", &LowerAddMM, Weight::kHeavy},
    {"aten::baddbmm", &LowerAddMM, Weight::kHeavy},
    {"aten::scaled_dot_product_attention", &LowerAttention, Weight::kHeavy,
     &RefuseAttention},
};

}  // namespace

absl::Span<const Lowering> MatMulLowerings() { return kLowerings; }

}  // namespace tandem::onednn
