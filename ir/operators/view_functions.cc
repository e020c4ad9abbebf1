// Shape functions of views, and of operators that give a view where they can.
#include <algorithm>

#include "tandem/ir/operators/shape_function_tables.h"
#include "tandem/ir/operators/shape_shapes.h"
#include "tandem/tensor/status_macros.h"

namespace tandem::shape_functions {
namespace {

using Results = absl::StatusOr<ShapeResults>;

Dims ToDims(DimSpan s) { return Dims(s.begin(), s.end()); }

size_t At(int64_t i) { return static_cast<size_t>(i); }

// A view of these sizes and strides.
Results View(const Tensor& t, DimSpan sizes, DimSpan strides) {
  return One(sizes, strides, t.dtype());
}

#define TANDEM_SELF(t)        \
  const Tensor& t = a.self(); \
  if (!t.defined()) return Unknown()

Results Shaped(const ShapeArguments& a, absl::string_view argument) {
  TANDEM_SELF(t);
  const std::optional<Dims> shape = a.ints(argument);
  if (!shape.has_value()) return Unknown();  // a dtype
  TANDEM_ASSIGN_OR_RETURN(const Dims sizes, InferSizes(*shape, t.numel()));
  const std::optional<Dims> strides =
      ViewStrides(t.sizes(), t.strides(), sizes);
  if (!strides.has_value()) return One(sizes, t.dtype());
  return View(t, sizes, *strides);
}
Results ViewSize(const ShapeArguments& a) { return Shaped(a, "size"); }
Results Reshape(const ShapeArguments& a) { return Shaped(a, "shape"); }

Results ViewAs(const ShapeArguments& a) {
  TANDEM_SELF(t);
  const Tensor& other = a.tensor("other");
  if (!other.defined()) return Unknown();
  const auto strides = ViewStrides(t.sizes(), t.strides(), other.sizes());
  if (!strides.has_value()) return One(other.sizes(), t.dtype());
  return View(t, other.sizes(), *strides);
}

Results Flatten(const ShapeArguments& a) {
  TANDEM_SELF(t);
  if (!a.overload().empty() && a.overload() != "using_ints") return Unknown();
  if (t.dim() == 0) return View(t, {1}, {1});
  TANDEM_ASSIGN_OR_RETURN(const int64_t first,
                          WrapDim(a.integer("start_dim", 0), t.dim()));
  TANDEM_ASSIGN_OR_RETURN(const int64_t last,
                          WrapDim(a.integer("end_dim", -1), t.dim()));
  if (last < first) return Unknown();
  if (first == last) return One(t);
  Dims sizes;
  int64_t product = 1;
  for (int64_t d = 0; d < t.dim(); ++d) {
    if (d < first || d > last) {
      sizes.push_back(t.size(d));
      continue;
    }
    TANDEM_ASSIGN_OR_RETURN(product,
                            CheckedMultiply(product, t.size(d), "flatten"));
    if (d == last) sizes.push_back(product);
  }
  const auto strides = ViewStrides(t.sizes(), t.strides(), sizes);
  if (!strides.has_value()) return One(sizes, t.dtype());
  return View(t, sizes, *strides);
}

Results Unflatten(const ShapeArguments& a) {
  TANDEM_SELF(t);
  const std::optional<Dims> parts = a.ints("sizes");
  if (!parts.has_value() || a.overload() != "int") return Unknown();
  TANDEM_ASSIGN_OR_RETURN(const int64_t dim,
                          WrapDim(a.integer("dim", 0), t.dim()));
  TANDEM_ASSIGN_OR_RETURN(const Dims inner, InferSizes(*parts, t.size(dim)));
  Dims sizes = ToDims(t.sizes());
  sizes.erase(sizes.begin() + dim);
  sizes.insert(sizes.begin() + dim, inner.begin(), inner.end());
  const auto strides = ViewStrides(t.sizes(), t.strides(), sizes);
  if (!strides.has_value()) return One(sizes, t.dtype());
  return View(t, sizes, *strides);
}

Results Permuted(const Tensor& t, DimSpan order) {
  Dims sizes, strides;
  for (int64_t d : order) {
    sizes.push_back(t.size(d));
    strides.push_back(t.stride(d));
  }
  return View(t, sizes, strides);
}

Results Permute(const ShapeArguments& a) {
  TANDEM_SELF(t);
  const std::optional<Dims> dims = a.ints("dims");
  if (!dims.has_value() || static_cast<int64_t>(dims->size()) != t.dim()) {
    return Unknown();
  }
  TANDEM_ASSIGN_OR_RETURN(const Dims order, WrapDims(*dims, t.dim()));
  return Permuted(t, order);
}

Results SwapDims(const Tensor& t, int64_t x, int64_t y) {
  if (t.dim() == 0) return One(t);
  TANDEM_ASSIGN_OR_RETURN(x, WrapDim(x, t.dim()));
  TANDEM_ASSIGN_OR_RETURN(y, WrapDim(y, t.dim()));
  Dims order;
  for (int64_t d = 0; d < t.dim(); ++d) order.push_back(d);
  std::swap(order[At(x)], order[At(y)]);
  return Permuted(t, order);
}
Results Transpose(const ShapeArguments& a) {
  TANDEM_SELF(t);
  if (a.overload() == "Dimname") return Unknown();
  return SwapDims(t, a.integer("dim0", 0), a.integer("dim1", 0));
}
Results SwapAxes(const ShapeArguments& a) {
  TANDEM_SELF(t);
  return SwapDims(t, a.integer("axis0", 0), a.integer("axis1", 0));
}
Results T(const ShapeArguments& a) {
  TANDEM_SELF(t);
  if (t.dim() > 2) return Unknown();
  return t.dim() < 2 ? One(t) : SwapDims(t, 0, 1);
}
Results Reversed(const ShapeArguments& a) {
  TANDEM_SELF(t);
  Dims order;
  for (int64_t d = t.dim(); d-- > 0;) order.push_back(d);
  return Permuted(t, order);
}
Results MatrixTranspose(const ShapeArguments& a) {
  TANDEM_SELF(t);
  return SwapDims(t, -2, -1);
}
Results MoveDim(const ShapeArguments& a) {
  TANDEM_SELF(t);
  const auto source = a.ints("source"), destination = a.ints("destination");
  if (!source.has_value() || !destination.has_value()) return Unknown();
  TANDEM_ASSIGN_OR_RETURN(const Dims order,
                          MoveDimOrder(t.dim(), *source, *destination));
  return Permuted(t, order);
}

Results Expanded(const Tensor& t, DimSpan sizes) {
  TANDEM_ASSIGN_OR_RETURN(const Geometry g, ExpandedGeometry(t, sizes));
  return View(t, g.sizes, g.strides);
}
Results Expand(const ShapeArguments& a) {
  TANDEM_SELF(t);
  const std::optional<Dims> sizes = a.ints("size");
  return sizes.has_value() ? Expanded(t, *sizes) : Results(Unknown());
}
Results ExpandAs(const ShapeArguments& a) {
  TANDEM_SELF(t);
  const Tensor& other = a.tensor("other");
  return other.defined() ? Expanded(t, other.sizes()) : Results(Unknown());
}

Results Squeeze(const ShapeArguments& a) {
  TANDEM_SELF(t);
  std::optional<Dims> dims = a.ints("dim");
  if (a.Find("dim") != nullptr && !dims.has_value()) return Unknown();
  Dims wrapped;
  if (dims.has_value()) {
    if (t.dim() == 0) return One(t);
    TANDEM_ASSIGN_OR_RETURN(wrapped, WrapDims(*dims, t.dim()));
  }
  Dims sizes, strides;
  for (int64_t d = 0; d < t.dim(); ++d) {
    const bool asked =
        !dims.has_value() ||
        std::find(wrapped.begin(), wrapped.end(), d) != wrapped.end();
    if (asked && t.size(d) == 1) continue;
    sizes.push_back(t.size(d));
    strides.push_back(t.stride(d));
  }
  return View(t, sizes, strides);
}

Results Unsqueeze(const ShapeArguments& a) {
  TANDEM_SELF(t);
  TANDEM_ASSIGN_OR_RETURN(const int64_t dim,
                          WrapDim(a.integer("dim", 0), t.dim() + 1));
  Dims sizes = ToDims(t.sizes()), strides = ToDims(t.strides());
  int64_t stride = 1;
  if (dim < t.dim()) {
    TANDEM_ASSIGN_OR_RETURN(
        stride, CheckedMultiply(t.size(dim), t.stride(dim), "unsqueeze"));
  }
  sizes.insert(sizes.begin() + dim, 1);
  strides.insert(strides.begin() + dim, stride);
  return View(t, sizes, strides);
}

Results Slice(const ShapeArguments& a) {
  TANDEM_SELF(t);
  const int64_t step = a.integer("step", 1);
  if (step <= 0) return Unknown();
  TANDEM_ASSIGN_OR_RETURN(const int64_t dim,
                          WrapDim(a.integer("dim", 0), t.dim()));
  std::optional<int64_t> start, end;
  if (a.Find("start") != nullptr) start = a.integer("start", 0);
  if (a.Find("end") != nullptr) end = a.integer("end", 0);
  const SliceRange range = ClampSlice(t.size(dim), start, end, step);
  Dims sizes = ToDims(t.sizes()), strides = ToDims(t.strides());
  sizes[At(dim)] = range.length;
  TANDEM_ASSIGN_OR_RETURN(strides[At(dim)],
                          CheckedMultiply(strides[At(dim)], step, "slice"));
  return View(t, sizes, strides);
}

Results Narrow(const ShapeArguments& a) {
  TANDEM_SELF(t);
  if (a.overload() == "Tensor") return Unknown();
  TANDEM_ASSIGN_OR_RETURN(const int64_t dim,
                          WrapDim(a.integer("dim", 0), t.dim()));
  Dims sizes = ToDims(t.sizes());
  sizes[At(dim)] = a.integer("length", 0);
  return View(t, sizes, t.strides());
}

Results Without(const Tensor& t, int64_t dim) {
  Dims sizes = ToDims(t.sizes()), strides = ToDims(t.strides());
  sizes.erase(sizes.begin() + dim);
  strides.erase(strides.begin() + dim);
  return View(t, sizes, strides);
}
Results Select(const ShapeArguments& a) {
  TANDEM_SELF(t);
  if (a.overload() != "int") return Unknown();
  TANDEM_ASSIGN_OR_RETURN(const int64_t dim,
                          WrapDim(a.integer("dim", 0), t.dim()));
  return Without(t, dim);
}

// Pieces of these lengths along `dim`.
Results Pieces(const Tensor& t, int64_t dim, DimSpan lengths) {
  std::vector<Tensor> pieces;
  for (int64_t length : lengths) {
    Dims sizes = ToDims(t.sizes());
    sizes[At(dim)] = length;
    TANDEM_ASSIGN_OR_RETURN(Tensor p,
                            Tensor::Meta(sizes, t.strides(), t.dtype()));
    pieces.push_back(std::move(p));
  }
  ShapeResults r;
  r.values.emplace_back(MakeTensorList(pieces));
  return r;
}
Results OfSize(const Tensor& t, int64_t dim, int64_t size) {
  if (size <= 0) return Unknown();
  TANDEM_RETURN_IF_ERROR(CheckPieces(t.size(dim) / size + 1));
  Dims lengths;
  for (int64_t at = 0; at < t.size(dim) || lengths.empty(); at += size) {
    lengths.push_back(std::min(size, t.size(dim) - at));
    if (lengths.size() > 4096) return Unknown();
  }
  return Pieces(t, dim, lengths);
}
Results Split(const ShapeArguments& a) {
  TANDEM_SELF(t);
  TANDEM_ASSIGN_OR_RETURN(const int64_t dim,
                          WrapDim(a.integer("dim", 0), t.dim()));
  for (const char* name : {"split_sizes", "split_size"}) {
    const IValue* v = a.Find(name);
    if (v == nullptr) continue;
    if (v->is_int()) return OfSize(t, dim, v->AsInt());
    const std::optional<Dims> lengths = a.ints(name);
    if (!lengths.has_value()) return Unknown();
    return Pieces(t, dim, *lengths);
  }
  return Unknown();
}
Results Chunk(const ShapeArguments& a) {
  TANDEM_SELF(t);
  const int64_t chunks = a.integer("chunks", 0);
  TANDEM_ASSIGN_OR_RETURN(const int64_t dim,
                          WrapDim(a.integer("dim", 0), t.dim()));
  if (chunks <= 0 || t.size(dim) == 0) return Unknown();
  return OfSize(t, dim, (t.size(dim) - 1) / chunks + 1);
}
Results Unbind(const ShapeArguments& a) {
  TANDEM_SELF(t);
  if (a.overload() != "int") return Unknown();
  TANDEM_ASSIGN_OR_RETURN(const int64_t dim,
                          WrapDim(a.integer("dim", 0), t.dim()));
  if (t.size(dim) > 4096) return Unknown();
  Dims sizes = ToDims(t.sizes()), strides = ToDims(t.strides());
  sizes.erase(sizes.begin() + dim);
  strides.erase(strides.begin() + dim);
  TANDEM_ASSIGN_OR_RETURN(const Tensor piece,
                          Tensor::Meta(sizes, strides, t.dtype()));
  ShapeResults r;
  r.values.emplace_back(MakeTensorList(
      std::vector<Tensor>(static_cast<size_t>(t.size(dim)), piece)));
  return r;
}

Results Diagonal(const ShapeArguments& a) {
  TANDEM_SELF(t);
  if (!a.overload().empty()) return Unknown();
  TANDEM_ASSIGN_OR_RETURN(
      const Geometry g,
      DiagonalGeometry(t, a.integer("offset", 0), a.integer("dim1", 0),
                       a.integer("dim2", 1)));
  return View(t, g.sizes, g.strides);
}

Results Alias(const ShapeArguments& a) {
  TANDEM_SELF(t);
  return One(t);
}

// The strides of a copy that keeps the format: those of a dense tensor.
Dims KeptStrides(const Tensor& t) {
  Dims order;
  for (int64_t d = 0; d < t.dim(); ++d) order.push_back(d);
  std::stable_sort(order.begin(), order.end(), [&](int64_t x, int64_t y) {
    return t.stride(x) > t.stride(y);
  });
  Dims dense(static_cast<size_t>(t.dim()), 1);
  int64_t step = 1;
  for (size_t i = order.size(); i-- > 0;) {
    dense[At(order[i])] = step;
    step *= t.size(order[i]);
  }
  return dense;
}
// False: neither dense nor contiguous; what then comes is not for us to say.
bool IsDense(const Tensor& t) {
  const Dims dense = KeptStrides(t);
  for (int64_t d = 0; d < t.dim(); ++d) {
    if (t.size(d) != 1 && t.stride(d) != dense[At(d)]) return false;
  }
  return true;
}

// A copy in the format that is asked for: 0 contiguous, 1 preserve (the
// default), 2 and 3 channels last.
Results Copied(const ShapeArguments& a, const Tensor& t, DType dtype,
               int64_t format) {
  if (format == 0) return One(t.sizes(), dtype);
  if (format == 1) {
    if (!IsDense(t)) return One(t.sizes(), dtype, /*strides_known=*/false);
    return One(t.sizes(), t.strides(), dtype);
  }
  return One(t.sizes(),
             StridesOfFormat(t.sizes(), static_cast<MemoryFormat>(format)),
             dtype);
}
Results Clone(const ShapeArguments& a) {
  TANDEM_SELF(t);
  return Copied(a, t, t.dtype(), a.integer("memory_format", 1));
}
Results Contiguous(const ShapeArguments& a) {
  TANDEM_SELF(t);
  const int64_t format = a.integer("memory_format", 0);
  if (format == 0) {
    return t.is_contiguous() ? One(t) : One(t.sizes(), t.dtype());
  }
  return One(t.sizes(), t.dtype(), /*strides_known=*/false);
}
Results To(const ShapeArguments& a) {
  TANDEM_SELF(t);
  if (a.overload() == "prim_Device" || a.overload() == "prim_other" ||
      a.Find("device") != nullptr) {
    return Unknown();
  }
  DType dtype = a.dtype().value_or(t.dtype());
  if (a.overload() == "other") {
    if (!a.tensor("other").defined()) return Unknown();
    dtype = a.tensor("other").dtype();
  }
  const IValue* format = a.Find("memory_format");
  if (dtype == t.dtype() && !a.flag("copy") &&
      (format == nullptr || a.integer("memory_format", 1) == 1)) {
    return One(t);
  }
  return Copied(a, t, dtype, a.integer("memory_format", 1));
}
Results TypeAs(const ShapeArguments& a) {
  TANDEM_SELF(t);
  if (!a.tensor("other").defined()) return Unknown();
  const DType dtype = a.tensor("other").dtype();
  return dtype == t.dtype() ? One(t) : Copied(a, t, dtype, 1);
}
Results Cast(const ShapeArguments& a) {
  TANDEM_SELF(t);
  DType dtype = DType::kFloat;
  if (a.Is("aten::_cast_Double")) dtype = DType::kDouble;
  if (a.Is("aten::_cast_Long")) dtype = DType::kInt64;
  if (a.Is("aten::_cast_Int")) dtype = DType::kInt32;
  return dtype == t.dtype() ? One(t) : Copied(a, t, dtype, 1);
}

constexpr absl::string_view kView[] = {"view"};
constexpr absl::string_view kUnsafeView[] = {"_unsafe_view"};
constexpr absl::string_view kReshape[] = {"reshape"};
constexpr absl::string_view kViewAs[] = {"view_as", "reshape_as"};
constexpr absl::string_view kFlatten[] = {"flatten"};
constexpr absl::string_view kUnflatten[] = {"unflatten"};
constexpr absl::string_view kPermute[] = {"permute"};
constexpr absl::string_view kTranspose[] = {"transpose", "swapdims"};
constexpr absl::string_view kSwapAxes[] = {"swapaxes"};
constexpr absl::string_view kT[] = {"t"};
constexpr absl::string_view kReversed[] = {"numpy_T"};
constexpr absl::string_view kMatrix[] = {"mT", "adjoint"};
constexpr absl::string_view kMoveDim[] = {"movedim", "moveaxis"};
constexpr absl::string_view kExpand[] = {"expand"};
constexpr absl::string_view kExpandAs[] = {"expand_as"};
constexpr absl::string_view kSqueeze[] = {"squeeze"};
constexpr absl::string_view kUnsqueeze[] = {"unsqueeze"};
constexpr absl::string_view kSlice[] = {"slice"};
constexpr absl::string_view kNarrow[] = {"narrow"};
constexpr absl::string_view kSelect[] = {"select"};
constexpr absl::string_view kSplit[] = {"split", "split_with_sizes"};
constexpr absl::string_view kChunk[] = {"chunk"};
constexpr absl::string_view kUnbind[] = {"unbind"};
constexpr absl::string_view kDiagonal[] = {"diagonal"};
constexpr absl::string_view kAlias[] = {"detach", "alias", "data"};
constexpr absl::string_view kClone[] = {"clone"};
constexpr absl::string_view kContiguous[] = {"contiguous"};
constexpr absl::string_view kTo[] = {"to"};
constexpr absl::string_view kTypeAs[] = {"type_as"};
constexpr absl::string_view kCast[] = {"_cast_Float", "_cast_Double",
                                       "_cast_Long", "_cast_Int"};

constexpr Entry kEntries[] = {
    {&ViewSize, kView},         {&ViewSize, kUnsafeView},
    {&Reshape, kReshape},       {&ViewAs, kViewAs},
    {&Flatten, kFlatten},       {&Unflatten, kUnflatten},
    {&Permute, kPermute},       {&Transpose, kTranspose},
    {&SwapAxes, kSwapAxes},     {&T, kT},
    {&Reversed, kReversed},     {&MatrixTranspose, kMatrix},
    {&MoveDim, kMoveDim},       {&Expand, kExpand},
    {&ExpandAs, kExpandAs},     {&Squeeze, kSqueeze},
    {&Unsqueeze, kUnsqueeze},   {&Slice, kSlice},
    {&Narrow, kNarrow},         {&Select, kSelect},
    {&Split, kSplit},           {&Chunk, kChunk},
    {&Unbind, kUnbind},         {&Diagonal, kDiagonal},
    {&Alias, kAlias},           {&Clone, kClone},
    {&Contiguous, kContiguous}, {&To, kTo},
    {&TypeAs, kTypeAs},         {&Cast, kCast},
};

}  // namespace

absl::Span<const Entry> Views() { return kEntries; }

}  // namespace tandem::shape_functions
