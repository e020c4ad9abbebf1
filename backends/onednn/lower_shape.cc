// Views as other descriptions of the same memory, and concatenation.
#include <algorithm>

#include "absl/strings/str_cat.h"
#include "tandem/backends/onednn/lowerings.h"
#include "tandem/backends/onednn/post_ops.h"
#include "tandem/ir/operators/shape_shapes.h"
#include "tandem/tensor/status_macros.h"

namespace tandem::onednn {
namespace {

int64_t Count(const Dims& sizes) {
  int64_t n = 1;
  for (int64_t s : sizes) n *= s;
  return n;
}

absl::StatusOr<int64_t> Wrapped(int64_t dim, size_t rank) {
  const absl::StatusOr<int64_t> d = WrapDim(dim, static_cast<int64_t>(rank));
  if (!d.ok()) return Refuse("the dim");
  return *d;
}

// As the same elements under other sizes. Strides as PyTorch's: those of a view
// where there is one.
absl::Status DefineReshaped(Builder& b, const Node& n, const Operand& x,
                            const Dims& sizes) {
  if (Count(sizes) != Count(x.sizes)) return Refuse("sizes that do not fit");
  TANDEM_ASSIGN_OR_RETURN(Operand y, b.Reshape(x, sizes));
  if (const std::optional<Dims> strides =
          ViewStrides(x.sizes, x.strides, sizes)) {
    y.strides = *strides;
  } else if (n.Is("aten::view")) {
    return Refuse("a view of what does not lie so");
  }
  b.Define(n.output(), y);
  return absl::OkStatus();
}

// One -1 of `sizes` replaced by what is left of `count`.
absl::StatusOr<Dims> Inferred(Dims sizes, int64_t count) {
  int64_t known = 1, unknown = -1;
  for (size_t i = 0; i < sizes.size(); ++i) {
    if (sizes[i] == -1 && unknown < 0) {
      unknown = static_cast<int64_t>(i);
    } else if (sizes[i] <= 0 ||
               __builtin_mul_overflow(known, sizes[i], &known)) {
      return Refuse("sizes that do not fit");
    }
  }
  if (unknown >= 0) sizes[unknown] = count / known;
  return sizes;
}

// view, reshape (self, sizes)
absl::Status LowerView(Builder& b, const Node& n) {
  TANDEM_ASSIGN_OR_RETURN(const Operand x, b.Get(n.input(0)));
  TANDEM_ASSIGN_OR_RETURN(const Dims sizes,
                          Inferred(IntsArg(n, 1), Count(x.sizes)));
  return DefineReshaped(b, n, x, sizes);
}

// unflatten.int(self, dim, sizes)
absl::Status LowerUnflatten(Builder& b, const Node& n) {
  TANDEM_ASSIGN_OR_RETURN(const Operand x, b.Get(n.input(0)));
  TANDEM_ASSIGN_OR_RETURN(const int64_t dim,
                          Wrapped(IntArg(n, 1), x.sizes.size()));
  if (x.sizes.empty()) return Refuse("a tensor of no dims");
  TANDEM_ASSIGN_OR_RETURN(const Dims parts,
                          Inferred(IntsArg(n, 2), x.sizes[dim]));
  if (parts.empty() || Count(parts) != x.sizes[dim]) {
    return Refuse("sizes that do not fit");
  }
  Dims sizes(x.sizes.begin(), x.sizes.begin() + dim);
  sizes.insert(sizes.end(), parts.begin(), parts.end());
  sizes.insert(sizes.end(), x.sizes.begin() + dim + 1, x.sizes.end());
  return DefineReshaped(b, n, x, sizes);
}

// Every `step`-th element of `dim` from `start` on; `drop`: of one, the dim
// goes.
absl::Status DefinePart(Builder& b, const Node& n, const Operand& given,
                        int64_t dim, int64_t start, int64_t length,
                        int64_t step, bool drop) {
  TANDEM_ASSIGN_OR_RETURN(Operand x, b.AsPlain(given));
  Dims lie = *b.d().PlainStrides(x.md);
  x.byte_offset +=
      start * lie[dim] * static_cast<int64_t>(ElementSize(x.dtype));
  lie[dim] *= step;
  x.strides[dim] *= step;
  x.sizes[dim] = length;
  if (drop) {
    lie.erase(lie.begin() + dim);
    x.strides.erase(x.strides.begin() + dim);
    x.sizes.erase(x.sizes.begin() + dim);
    if (x.sizes.empty()) return Refuse("a tensor of no dims");
  }
  TANDEM_ASSIGN_OR_RETURN(x.md, b.d().Strided(x.sizes, x.dtype, lie));
  b.Define(n.output(), x);
  return absl::OkStatus();
}

// select.int(self, dim, index)
absl::Status LowerSelect(Builder& b, const Node& n) {
  TANDEM_ASSIGN_OR_RETURN(const Operand x, b.Get(n.input(0)));
  if (x.sizes.size() < 2) return Refuse("a result of no dims");
  TANDEM_ASSIGN_OR_RETURN(const int64_t dim,
                          Wrapped(IntArg(n, 1), x.sizes.size()));
  int64_t index = IntArg(n, 2);
  if (index < 0) index += x.sizes[dim];
  if (index < 0 || index >= x.sizes[dim]) return Refuse("the index");
  return DefinePart(b, n, x, dim, index, 1, 1, /*drop=*/true);
}

// slice.Tensor(self, dim, start, end, step)
absl::Status LowerSlice(Builder& b, const Node& n) {
  TANDEM_ASSIGN_OR_RETURN(const Operand x, b.Get(n.input(0)));
  if (x.sizes.empty()) return Refuse("a tensor of no dims");
  TANDEM_ASSIGN_OR_RETURN(const int64_t dim,
                          Wrapped(IntArg(n, 1), x.sizes.size()));
  const auto bound = [&](size_t i) -> std::optional<int64_t> {
    if (IsNoneArg(n, i)) return std::nullopt;
    return IntArg(n, i);
  };
  const int64_t step = IntArg(n, 4);
  if (step < 1) return Refuse("the step");
  const SliceRange range = ClampSlice(x.sizes[dim], bound(2), bound(3), step);
  if (range.length < 1) return Refuse("an empty result");
  return DefinePart(b, n, x, dim, range.start, range.length, step,
                    /*drop=*/false);
}

// expand(self, size, implicit): a product with ones where anything repeats.
absl::Status LowerExpand(Builder& b, const Node& n) {
  TANDEM_ASSIGN_OR_RETURN(Operand x, b.Get(n.input(0)));
  Dims sizes = IntsArg(n, 1);
  if (sizes.size() < x.sizes.size() || sizes.empty()) {
    return Refuse("sizes that do not fit");
  }
  const size_t lead = sizes.size() - x.sizes.size();
  bool same = lead == 0;
  for (size_t i = 0; i < sizes.size(); ++i) {
    if (sizes[i] == -1 && i >= lead) sizes[i] = x.sizes[i - lead];
    if (sizes[i] < 1 || (i >= lead && x.sizes[i - lead] != 1 &&
                         x.sizes[i - lead] != sizes[i])) {
      return Refuse("sizes that do not fit");
    }
    same &= i >= lead && x.sizes[i - lead] == sizes[i];
  }
  if (same) {
    b.Define(n.output(), x);
    return absl::OkStatus();
  }
  TANDEM_RETURN_IF_ERROR(CheckDType(x.dtype, /*bf16=*/false));
  TANDEM_ASSIGN_OR_RETURN(
      const Operand ones,
      b.MakeConstant(absl::StrCat("ones", DimsToString(sizes)),
                     [&]() -> absl::StatusOr<Tensor> {
                       TANDEM_ASSIGN_OR_RETURN(
                           Tensor t, Tensor::Empty(sizes, DType::kFloat));
                       float* to = reinterpret_cast<float*>(t.raw_data());
                       std::fill(to, to + Count(sizes), 1.0f);
                       return t;
                     }));
  return EmitBinary(b, dnnl_binary_mul, ones, x, "expand", n.output()).status();
}

// flatten(self, start_dim, end_dim)
absl::Status LowerFlatten(Builder& b, const Node& n) {
  TANDEM_ASSIGN_OR_RETURN(const Operand x, b.Get(n.input(0)));
  if (x.sizes.empty()) return DefineReshaped(b, n, x, {1});
  TANDEM_ASSIGN_OR_RETURN(const int64_t start,
                          Wrapped(IntArg(n, 1), x.sizes.size()));
  TANDEM_ASSIGN_OR_RETURN(const int64_t end,
                          Wrapped(IntArg(n, 2), x.sizes.size()));
  if (start > end) return Refuse("sizes that do not fit");
  Dims sizes(x.sizes.begin(), x.sizes.begin() + start);
  int64_t folded = 1;
  for (int64_t i = start; i <= end; ++i) folded *= x.sizes[i];
  sizes.push_back(folded);
  sizes.insert(sizes.end(), x.sizes.begin() + end + 1, x.sizes.end());
  return DefineReshaped(b, n, x, sizes);
}

// unsqueeze(self, dim)
absl::Status LowerUnsqueeze(Builder& b, const Node& n) {
  TANDEM_ASSIGN_OR_RETURN(const Operand x, b.Get(n.input(0)));
  TANDEM_ASSIGN_OR_RETURN(const int64_t dim,
                          Wrapped(IntArg(n, 1), x.sizes.size() + 1));
  Dims sizes = x.sizes;
  sizes.insert(sizes.begin() + dim, 1);
  return DefineReshaped(b, n, x, sizes);
}

// squeeze(self), squeeze.dim(self, dim), squeeze.dims(self, dims)
absl::Status LowerSqueeze(Builder& b, const Node& n) {
  TANDEM_ASSIGN_OR_RETURN(const Operand x, b.Get(n.input(0)));
  std::vector<bool> drop(x.sizes.size(), n.inputs().size() == 1);
  if (n.inputs().size() > 1) {
    for (int64_t d : IntsArg(n, 1)) {
      TANDEM_ASSIGN_OR_RETURN(const int64_t dim, Wrapped(d, x.sizes.size()));
      if (!drop.empty()) drop[dim] = true;
    }
  }
  Dims sizes;
  for (size_t i = 0; i < x.sizes.size(); ++i) {
    if (!drop[i] || x.sizes[i] != 1) sizes.push_back(x.sizes[i]);
  }
  return DefineReshaped(b, n, x, sizes);
}

absl::Status DefinePermuted(Builder& b, const Node& n, const Operand& x,
                            const Dims& order) {
  TANDEM_ASSIGN_OR_RETURN(const Operand y, b.Permute(x, order));
  b.Define(n.output(), y);
  return absl::OkStatus();
}

// permute(self, dims)
absl::Status LowerPermute(Builder& b, const Node& n) {
  TANDEM_ASSIGN_OR_RETURN(const Operand x, b.Get(n.input(0)));
  Dims order;
  std::vector<bool> seen(x.sizes.size(), false);
  for (int64_t d : IntsArg(n, 1)) {
    TANDEM_ASSIGN_OR_RETURN(const int64_t dim, Wrapped(d, x.sizes.size()));
    if (x.sizes.empty() || seen[dim]) return Refuse("the dims");
    seen[dim] = true;
    order.push_back(dim);
  }
  if (order.size() != x.sizes.size() || order.empty()) {
    return Refuse("the dims");
  }
  return DefinePermuted(b, n, x, order);
}

// transpose.int(self, dim0, dim1), t(self)
absl::Status LowerTranspose(Builder& b, const Node& n) {
  TANDEM_ASSIGN_OR_RETURN(const Operand x, b.Get(n.input(0)));
  if (x.sizes.empty()) return Refuse("a tensor of no dims");
  int64_t first = 0, second = 1;
  if (n.inputs().size() > 1) {
    TANDEM_ASSIGN_OR_RETURN(first, Wrapped(IntArg(n, 1), x.sizes.size()));
    TANDEM_ASSIGN_OR_RETURN(second, Wrapped(IntArg(n, 2), x.sizes.size()));
  } else if (x.sizes.size() > 2) {
    return Refuse("the dims");
  }
  Dims order;
  for (size_t i = 0; i < x.sizes.size(); ++i) order.push_back(i);
  if (x.sizes.size() > 1) std::swap(order[first], order[second]);
  return DefinePermuted(b, n, x, order);
}

// cat(tensors, dim)
absl::Status LowerCat(Builder& b, const Node& n) {
  TANDEM_ASSIGN_OR_RETURN(std::vector<Operand> xs, b.GetList(n.input(0)));
  if (xs.empty()) return Refuse("an empty list");
  TANDEM_RETURN_IF_ERROR(CheckDType(xs[0].dtype));
  const size_t rank = xs[0].sizes.size();
  if (rank == 0) return Refuse("a tensor of no dims");
  TANDEM_ASSIGN_OR_RETURN(const int64_t dim, Wrapped(IntArg(n, 1), rank));
  Dims sizes = xs[0].sizes;
  sizes[dim] = 0;
  for (const Operand& x : xs) {
    if (x.dtype != xs[0].dtype || x.sizes.size() != rank) {
      return Refuse("tensors that do not fit");
    }
    for (size_t i = 0; i < rank; ++i) {
      if (static_cast<int64_t>(i) == dim) {
        sizes[i] += x.sizes[i];
      } else if (x.sizes[i] != sizes[i]) {
        return Refuse("tensors that do not fit");
      }
    }
  }
  b.CountWork(sizes);
  const Dims& first = xs[0].strides;
  const Dims strides =
      rank >= 4 && rank <= 5 &&
              DimSpan(first) == DimSpan(ChannelsLastStrides(xs[0].sizes)) &&
              DimSpan(first) != DimSpan(ContiguousStrides(xs[0].sizes))
          ? ChannelsLastStrides(sizes)
          : ContiguousStrides(sizes);
  const int threads = b.ThreadsFor(b.last_work(), true);
  const Library::ScopedThreads scope(b.d().library(), threads);
  // Where all lie alike but in blocks that the result does not fill, rows.
  absl::StatusOr<PrimitiveDesc> pd = Refuse("");
  TANDEM_ASSIGN_OR_RETURN(const Attributes attr, b.d().NewAttributes());
  TANDEM_ASSIGN_OR_RETURN(const MemoryDesc any, b.d().Any(sizes, xs[0].dtype));
  TANDEM_ASSIGN_OR_RETURN(const MemoryDesc plain,
                          b.d().Contiguous(sizes, xs[0].dtype));
  for (const MemoryDesc& dst : {any, plain}) {
    std::vector<const_dnnl_memory_desc_t> sources;
    for (const Operand& x : xs) sources.push_back(x.md.get());
    dnnl_primitive_desc_t raw = nullptr;
    const dnnl_status_t status = b.d().library().concat_primitive_desc_create(
        &raw, b.d().engine(), dst.get(), static_cast<int>(xs.size()),
        static_cast<int>(dim), sources.data(), attr.get());
    pd = b.d().Wrap(status, raw, "concat");
    if (pd.ok()) break;
  }
  TANDEM_RETURN_IF_ERROR(pd.status());
  TANDEM_ASSIGN_OR_RETURN(const MemoryDesc md,
                          b.d().ArgumentOf(*pd, DNNL_ARG_DST));
  const Operand result = b.NewOperand(md, sizes, strides, xs[0].dtype);
  Arguments args;
  for (size_t i = 0; i < xs.size(); ++i) {
    args.push_back({DNNL_ARG_MULTIPLE_SRC + static_cast<int>(i), xs[i]});
  }
  args.push_back({DNNL_ARG_DST, result});
  TANDEM_RETURN_IF_ERROR(b.AddStep(*pd, std::move(args), "cat", threads));
  b.MarkDone(n.input(0)->node());
  b.Define(n.output(), result);
  return absl::OkStatus();
}

constexpr Lowering kLowerings[] = {
    {"aten::view", &LowerView, Weight::kFollower, nullptr, true},
    {"aten::reshape", &LowerView, Weight::kFollower, nullptr, true},
    {"aten::flatten.using_ints", &LowerFlatten, Weight::kFollower},
    {"aten::unflatten.int", &LowerUnflatten, Weight::kFollower, nullptr, true},
    {"aten::select.int", &LowerSelect, Weight::kFollower, nullptr, true},
    {"aten::slice.Tensor", &LowerSlice, Weight::kFollower, nullptr, true},
    {"aten::expand", &LowerExpand, Weight::kFollower, nullptr, true},
    {"aten::unsqueeze", &LowerUnsqueeze, Weight::kFollower},
    {"aten::squeeze", &LowerSqueeze, Weight::kFollower},
    {"aten::squeeze.dim", &LowerSqueeze, Weight::kFollower},
    {"aten::squeeze.dims", &LowerSqueeze, Weight::kFollower},
    {"aten::permute", &LowerPermute, Weight::kFollower},
    {"aten::transpose.int", &LowerTranspose, Weight::kFollower},
    {"aten::t", &LowerTranspose, Weight::kFollower},
    {"aten::cat", &LowerCat, Weight::kFollower},
};

}  // namespace

absl::Span<const Lowering> ShapeLowerings() { return kLowerings; }

}  // namespace tandem::onednn
