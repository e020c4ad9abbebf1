#include "tandem/passes/shape_analysis.h"

#include <algorithm>
#include <utility>

#include "tandem/ir/operators/shape_functions.h"
#include "tandem/passes/fold_constants.h"
#include "tandem/passes/rewrite.h"

namespace tandem {
namespace {

// Tensors with more elements are looked at for their sizes only.
constexpr int64_t kMaxElements = 16;
// Of a loop; loops deeper in loops are walked once, with nothing known.
constexpr int kMaxRounds = 3;
constexpr int kMaxDepth = 3;
constexpr size_t kMaxDims = 64;
constexpr size_t kMaxItems = 1024;  // of a list that is computed with

bool IsSmall(const Tensor& t) {
  return t.defined() && !t.is_meta() && t.device().is_cpu() && !t.is_sparse() &&
         !t.is_quantized() && t.numel() <= kMaxElements;
}

// Without elements, so that nothing large is held or read.
std::optional<IValue> Sizes(const Tensor& t) {
  if (!t.defined()) return IValue(t);
  if (IsSmall(t)) return IValue(t);
  if (t.is_sparse() || t.is_quantized()) return std::nullopt;
  absl::StatusOr<Tensor> meta = Tensor::Meta(t.sizes(), t.strides(), t.dtype());
  if (!meta.ok()) return std::nullopt;
  return IValue(*std::move(meta));
}

bool ChangesSizes(const Node& n) {
  if (n.op() == nullptr || !n.op()->schema.is_mutable()) return false;
  const FunctionSchema& s = n.op()->schema;
  if (FindShapeFunction(*n.op()) != nullptr) return false;
  // Of lists and dicts: their values are not followed where they are written.
  return s.arguments.empty() || s.arguments[0].type->is(TypeKind::kTensor);
}

bool Raises(const Block& block) {
  for (const Node* n : block) {
    if (n->is(NodeKind::kRaiseException)) return true;
  }
  return false;
}

// Is it a list of tensors, or a tensor without elements?
bool HoldsMeta(const IValue& v) {
  if (v.is_tensor()) return v.AsTensor().defined() && !IsSmall(v.AsTensor());
  if (!v.is_list()) return false;
  for (const IValue& item : v.AsList().values) {
    if (HoldsMeta(item)) return true;
  }
  return false;
}

}  // namespace

bool ShapeAnalysis::Known::any() const {
  // With one sample alone nothing tells constants from symbols.
  size_t large = 0;
  for (size_t k = 1; k < kSamples; ++k) large += samples[k].has_value();
  return large >= 2;
}

ShapeAnalysis::ShapeAnalysis(const Graph& graph, const PassContext& context)
    : graph_(graph),
      context_(context),
      aliases_(graph, {/*distinct_constants=*/true}) {
  // Whose sizes an operator changes, the analysis does not say; under autocast
  // (a `with`) products have dtypes of their own.
  opaque_ = AnyNode(*graph.block(), [](const Node& n) {
    return ChangesSizes(n) || n.is(NodeKind::kEnter);
  });
  if (opaque_) return;
  for (const Value* v : graph.inputs()) {
    std::optional<Known> known = FromType(*v->type());
    if (known.has_value()) Set(v, *std::move(known));
  }
  Walk(*graph.block());
}

ShapeAnalysis::Size ShapeAnalysis::NewSymbol() {
  const int64_t n = next_symbol_++;
  return {1, 211 + 14 * n, 20011 + 62 * n, 1000003 + 1114 * n};
}

ShapeAnalysis::Size ShapeAnalysis::SymbolOfType(int64_t code) {
  if (code >= 0) return {code, code, code, code};
  if (code == -1) return NewSymbol();
  const auto it = type_symbols_.find(code);
  if (it != type_symbols_.end()) return it->second;
  return type_symbols_[code] = NewSymbol();
}

const ShapeAnalysis::Known* ShapeAnalysis::Find(const Value* v) const {
  const auto it = known_.find(v);
  return it == known_.end() ? nullptr : &it->second;
}

void ShapeAnalysis::Set(const Value* v, Known known) {
  if (known.any()) {
    known_[v] = std::move(known);
  } else {
    known_.erase(v);
  }
}

std::optional<ShapeAnalysis::Known> ShapeAnalysis::FromType(const Type& type) {
  const TensorType* tensor = type.AsTensor();
  // A number that comes from outside may be negative, or a limit beyond all
  // sizes: no sample stands for it.
  if (tensor == nullptr) return std::nullopt;
  const TensorType::Details& d = tensor->details();
  if (!d.sizes.has_value() || !d.dtype.has_value() ||
      d.sizes->size() > kMaxDims ||
      (d.device.has_value() && !d.device->is_cpu())) {
    return std::nullopt;
  }
  std::vector<Size> sizes;
  for (int64_t s : *d.sizes) sizes.push_back(SymbolOfType(s));
  bool strides = d.strides.has_value() && d.strides->size() == sizes.size();
  for (size_t i = 0; strides && i < sizes.size(); ++i) {
    strides = (*d.strides)[i] >= 0;
  }
  Known known;
  known.strides = strides;
  for (size_t k = 0; k < kSamples; ++k) {
    Dims dims;
    for (const Size& s : sizes) dims.push_back(s[k]);
    const Dims layout = strides ? Dims(d.strides->begin(), d.strides->end())
                                : ContiguousStrides(dims);
    absl::StatusOr<Tensor> meta = Tensor::Meta(dims, layout, *d.dtype);
    if (meta.ok()) known.samples[k] = IValue(*std::move(meta));
  }
  return known;
}

// What holds on both ways: sizes that differ are new symbols. `widened` are
// dims of `a` that are symbols for this reason already.
std::optional<ShapeAnalysis::Known> ShapeAnalysis::Join(
    const Known* a, const Known* b, std::vector<bool>* widened) {
  if (a == nullptr || b == nullptr) return std::nullopt;
  Known out;
  out.strides = a->strides && b->strides;
  std::optional<Dims> changed;  // which dims differ, by 1
  for (size_t k = 0; k < kSamples; ++k) {
    if (!a->samples[k].has_value() || !b->samples[k].has_value()) continue;
    const IValue &x = *a->samples[k], &y = *b->samples[k];
    if (x.is_int() && y.is_int() && x.AsInt() == y.AsInt()) {
      out.samples[k] = x;
      continue;
    }
    if (!x.is_tensor() || !y.is_tensor() || !x.AsTensor().defined() ||
        !y.AsTensor().defined()) {
      return std::nullopt;
    }
    const Tensor &s = x.AsTensor(), &t = y.AsTensor();
    if (s.dtype() != t.dtype() || s.dim() != t.dim()) return std::nullopt;
    if (!changed.has_value()) changed.emplace(s.dim(), 0);
    if (static_cast<int64_t>(changed->size()) != s.dim()) return std::nullopt;
    for (int64_t d = 0; d < s.dim(); ++d) {
      if (s.size(d) != t.size(d)) (*changed)[static_cast<size_t>(d)] = 1;
    }
    if (s.strides() != t.strides()) out.strides = false;
    out.samples[k] = x;
  }
  if (!changed.has_value()) return out;
  std::vector<bool> renewed(changed->size(), false);
  if (widened != nullptr) widened->resize(changed->size(), false);
  for (size_t d = 0; d < changed->size(); ++d) {
    if ((*changed)[d] == 0) continue;
    if (widened == nullptr) {
      renewed[d] = true;
    } else if (!(*widened)[d]) {
      renewed[d] = (*widened)[d] = true;
    }
  }
  return Renew(std::move(out), renewed);
}

// New symbols for these dims of a tensor.
ShapeAnalysis::Known ShapeAnalysis::Renew(Known out,
                                          const std::vector<bool>& dims) {
  std::vector<std::optional<Size>> fresh(dims.size());
  bool any = false;
  for (size_t d = 0; d < dims.size(); ++d) {
    if (dims[d]) fresh[d] = NewSymbol();
    any = any || dims[d];
  }
  if (!any) return out;
  for (size_t k = 0; k < kSamples; ++k) {
    if (!out.samples[k].has_value()) continue;
    const Tensor& t = out.samples[k]->AsTensor();
    Dims sizes(t.sizes().begin(), t.sizes().end());
    for (size_t d = 0; d < sizes.size() && d < fresh.size(); ++d) {
      if (fresh[d].has_value()) sizes[d] = (*fresh[d])[k];
    }
    absl::StatusOr<Tensor> meta =
        Tensor::Meta(sizes,
                     out.strides ? Dims(t.strides().begin(), t.strides().end())
                                 : ContiguousStrides(sizes),
                     t.dtype());
    out.samples[k] =
        meta.ok() ? std::optional<IValue>(IValue(*meta)) : std::nullopt;
  }
  return out;
}

void ShapeAnalysis::Walk(const Block& block) {
  for (const Node* n : block) {
    Visit(*n);
    for (const Value* v : n->outputs()) {
      if (Find(v) != nullptr || !v->type()->is(TypeKind::kTensor)) continue;
      std::optional<Known> known = FromType(*v->type());
      if (known.has_value()) Set(v, *std::move(known));
    }
  }
}

void ShapeAnalysis::Visit(const Node& n) {
  // Of an earlier round of a loop.
  for (const Value* v : n.outputs()) known_.erase(v);
  switch (n.kind()) {
    case NodeKind::kOperator:
      return VisitOperator(n);
    case NodeKind::kConstant: {
      Known known;
      const IValue value = n.constant();
      std::optional<IValue> kept =
          value.is_tensor() ? Sizes(value.AsTensor()) : value;
      for (auto& s : known.samples) s = kept;
      return Set(n.output(), std::move(known));
    }
    case NodeKind::kIf:
      return VisitIf(n);
    case NodeKind::kLoop:
      return VisitLoop(n);
    case NodeKind::kUncheckedCast:
      if (const Known* known = Find(n.input()); known != nullptr) {
        Known cast = *known;
        // In a branch that is not taken a constant may be of another type.
        for (auto& v : cast.samples) {
          if (v.has_value() && !v->Conforms(*n.output()->type())) v.reset();
        }
        Set(n.output(), std::move(cast));
      }
      return;
    case NodeKind::kListConstruct:
    case NodeKind::kTupleConstruct: {
      const bool is_list = n.is(NodeKind::kListConstruct);
      if (is_list && aliases_.IsWritten(n.output())) return;
      Known known;
      for (size_t k = 0; k < kSamples; ++k) {
        std::vector<IValue> items;
        for (const Value* v : n.inputs()) {
          const Known* item = Find(v);
          if (item == nullptr || !item->samples[k].has_value()) break;
          known.strides = known.strides && item->strides;
          items.push_back(*item->samples[k]);
        }
        if (items.size() != n.inputs().size()) continue;
        if (is_list) {
          known.samples[k] =
              IValue(MakeList(n.output()->type()->element(), std::move(items)));
        } else {
          known.samples[k] = IValue(MakeTuple(std::move(items)));
        }
      }
      return Set(n.output(), std::move(known));
    }
    case NodeKind::kListUnpack:
    case NodeKind::kTupleUnpack: {
      const Known* whole = Find(n.input());
      if (whole == nullptr) return;
      for (size_t i = 0; i < n.outputs().size(); ++i) {
        Known known;
        known.strides = whole->strides;
        for (size_t k = 0; k < kSamples; ++k) {
          if (!whole->samples[k].has_value()) continue;
          const IValue& v = *whole->samples[k];
          absl::Span<const IValue> items;
          if (v.is_list()) items = v.AsList().values;
          if (v.is_tuple()) items = v.AsTuple().values;
          if (items.size() == n.outputs().size()) known.samples[k] = items[i];
        }
        Set(n.output(i), std::move(known));
      }
      return;
    }
    case NodeKind::kTupleIndex: {
      const Known *whole = Find(n.input(0)), *index = Find(n.input(1));
      if (whole == nullptr || index == nullptr) return;
      Known known;
      known.strides = whole->strides;
      for (size_t k = 0; k < kSamples; ++k) {
        if (!whole->samples[k].has_value() || !index->samples[k].has_value() ||
            !whole->samples[k]->is_tuple() || !index->samples[k]->is_int()) {
          continue;
        }
        const auto& items = whole->samples[k]->AsTuple().values;
        int64_t i = index->samples[k]->AsInt();
        if (i < 0) i += static_cast<int64_t>(items.size());
        if (i >= 0 && i < static_cast<int64_t>(items.size())) {
          known.samples[k] = items[static_cast<size_t>(i)];
        }
      }
      return Set(n.output(), std::move(known));
    }
    default:
      for (const Block* b : n.blocks()) Walk(*b);
  }
}

void ShapeAnalysis::VisitIf(const Node& n) {
  for (const Block* b : n.blocks()) Walk(*b);
  // A way that ends in an exception gives nothing.
  const bool raises[] = {Raises(*n.block(0)), Raises(*n.block(1))};
  for (size_t i = 0; i < n.outputs().size(); ++i) {
    const Known *a = Find(n.block(0)->output(i)),
                *b = Find(n.block(1)->output(i));
    std::optional<Known> known;
    if (raises[0] != raises[1]) {
      const Known* other = raises[0] ? b : a;
      if (other != nullptr) known = *other;
    } else {
      known = Join(a, b);
    }
    if (known.has_value()) Set(n.output(i), *std::move(known));
  }
}

void ShapeAnalysis::VisitLoop(const Node& n) {
  const Block& body = *n.block(0);
  const size_t carried = n.outputs().size();
  const int rounds = depth_ < kMaxDepth ? kMaxRounds : 0;
  ++depth_;
  std::vector<std::optional<Known>> state(carried);
  std::vector<std::vector<bool>> widened(carried);
  for (size_t i = 0; i < carried; ++i) {
    if (const Known* k = Find(n.input(2 + i)); k != nullptr) state[i] = *k;
  }
  // Sizes that a turn changes are symbols in the next round, and unknown when
  // that is not the end of it.
  if (rounds == 0) {
    for (size_t i = 0; i < carried; ++i) known_.erase(body.input(1 + i));
    Walk(body);
    --depth_;
    return;
  }
  for (int round = 0; round < rounds; ++round) {
    for (size_t i = 0; i < carried; ++i) {
      if (state[i].has_value()) {
        Set(body.input(1 + i), *state[i]);
      } else {
        known_.erase(body.input(1 + i));
      }
    }
    Walk(body);
    bool stable = true;
    for (size_t i = 0; i < carried; ++i) {
      if (!state[i].has_value()) continue;
      const int64_t before = next_symbol_;
      std::optional<Known> joined =
          Join(&*state[i], Find(body.output(1 + i)), &widened[i]);
      if (joined.has_value() && next_symbol_ == before &&
          joined->strides == state[i]->strides && joined->any()) {
        continue;
      }
      stable = false;
      if (round + 2 >= rounds || !joined.has_value() || !joined->any()) {
        state[i].reset();
      } else {
        state[i] = std::move(joined);
      }
    }
    if (stable) break;
  }
  --depth_;
  for (size_t i = 0; i < carried; ++i) {
    // What a turn changes is another size after the loop than in it.
    if (state[i].has_value()) Set(n.output(i), Renew(*state[i], widened[i]));
  }
}

std::optional<IValue> ShapeAnalysis::Fact(const Node& n, const Tensor& t,
                                          absl::Span<const IValue> arguments,
                                          bool strides) const {
  if (!t.defined()) return std::nullopt;
  if (n.Is("aten::size")) {
    if (arguments.size() == 1) return IValue(MakeIntList(t.sizes()));
    if (!arguments[1].is_int()) return std::nullopt;
    const absl::StatusOr<int64_t> d = WrapDim(arguments[1].AsInt(), t.dim());
    if (!d.ok() || t.dim() == 0) return std::nullopt;
    return IValue(t.size(*d));
  }
  if (n.Is("aten::dim")) return IValue(t.dim());
  if (n.Is("aten::numel")) return IValue(t.numel());
  if (n.Is("aten::len") && t.dim() > 0) return IValue(t.size(0));
  if (n.Is("prim::dtype")) return IValue(static_cast<int64_t>(t.dtype()));
  if (n.Is("aten::is_floating_point")) {
    return IValue(IsFloatingPoint(t.dtype()));
  }
  if (n.Is("aten::is_complex")) return IValue(IsComplex(t.dtype()));
  if (n.Is("aten::stride") && strides) {
    if (arguments.size() == 1) return IValue(MakeIntList(t.strides()));
    if (!arguments[1].is_int()) return std::nullopt;
    const absl::StatusOr<int64_t> d = WrapDim(arguments[1].AsInt(), t.dim());
    if (!d.ok() || t.dim() == 0) return std::nullopt;
    return IValue(t.stride(*d));
  }
  return std::nullopt;
}

// Numbers, and the small tensors that traces make of them.
bool ShapeAnalysis::IsComputable(const Node& n,
                                 absl::Span<const IValue> values) const {
  if (context_.registry == nullptr || !n.op()->is_pure()) return false;
  const std::string& family = n.op()->family;
  bool has_tensor = false;
  for (const IValue& v : values) {
    if (HoldsMeta(v)) return false;
    // Lists that grow by themselves would grow without end.
    if (v.is_list() && v.AsList().values.size() > kMaxItems) return false;
    if (v.is_string()) return false;
    has_tensor = has_tensor || v.is_tensor();
  }
  bool gives_tensor = false;
  for (const Value* v : n.outputs()) {
    const Type& type = *v->type();
    if (type.is(TypeKind::kList) && n.Is("aten::mul")) return false;
    gives_tensor = gives_tensor || type.is(TypeKind::kTensor);
  }
  if (gives_tensor) {
    // Of numbers that are tensors; factories could make anything.
    return n.Is("prim::NumToTensor") || (has_tensor && family == "pointwise");
  }
  return family == "scalar" || family == "prim" || family == "list" ||
         family == "pointwise";
}

void ShapeAnalysis::VisitOperator(const Node& n) {
  std::vector<Known> results(n.outputs().size());
  bool missing = false;
  for (size_t k = 0; k < kSamples; ++k) {
    std::vector<IValue> values;
    bool strides = true, all = true;
    for (size_t i = 0; i < n.inputs().size(); ++i) {
      if (std::optional<IValue> number = TakenAsNumber(n, i)) {
        values.push_back(*std::move(number));
        continue;
      }
      const Known* known = Find(n.input(i));
      if (known == nullptr || !known->samples[k].has_value()) {
        // No size depends on the value of a float that is not known.
        if (!n.input(i)->type()->is(TypeKind::kFloat)) break;
        all = false;
        values.emplace_back(0.0);
        continue;
      }
      if (HoldsMeta(*known->samples[k])) strides = strides && known->strides;
      values.push_back(*known->samples[k]);
    }
    if (values.size() != n.inputs().size()) continue;
    bool conform = true;
    const auto& arguments = n.op()->schema.arguments;
    for (size_t i = 0; i < values.size() && i < arguments.size(); ++i) {
      // A trace's number for a tensor stands as it is.
      conform = conform && (values[i].Conforms(*arguments[i].type) ||
                            arguments[i].type->contains_type_variable());
      conform =
          conform &&
          (!arguments[i].type->is(TypeKind::kList) || values[i].is_list()) &&
          (!arguments[i].type->is(TypeKind::kDict) || values[i].is_dict());
    }
    if (!conform) continue;
    if (!values.empty() && values[0].is_tensor() && n.outputs().size() == 1) {
      std::optional<IValue> fact =
          Fact(n, values[0].AsTensor(), values, strides);
      if (fact.has_value()) {
        results[0].samples[k] = std::move(fact);
        continue;
      }
    }
    // Of lists of tensors.
    if (!values.empty() && values[0].is_list() && HoldsMeta(values[0])) {
      const std::vector<IValue>& items = values[0].AsList().values;
      const int64_t size = static_cast<int64_t>(items.size());
      if (n.Is("aten::len")) {
        results[0].samples[k] = IValue(size);
        continue;
      }
      if (n.Is("aten::__getitem__") && values[1].is_int()) {
        const int64_t i = values[1].AsInt();
        if (i < -size || i >= size) continue;
        results[0].samples[k] =
            items[static_cast<size_t>(i < 0 ? i + size : i)];
        results[0].strides = results[0].strides && strides;
        continue;
      }
    }
    if (all && IsComputable(n, values)) {
      absl::StatusOr<std::vector<IValue>> computed =
          Compute(*n.op(), values, *context_.registry, context_.backends);
      if (computed.ok() && computed->size() == results.size()) {
        for (size_t i = 0; i < results.size(); ++i) {
          results[i].samples[k] = std::move((*computed)[i]);
        }
      }
      continue;
    }
    absl::StatusOr<ShapeResults> shapes = ResultShapes(*n.op(), values);
    if (!shapes.ok()) {
      missing = missing || FindShapeFunction(*n.op()) == nullptr;
      continue;
    }
    for (size_t i = 0; i < results.size() && i < shapes->values.size(); ++i) {
      results[i].samples[k] = std::move(shapes->values[i]);
      results[i].strides =
          results[i].strides && strides && shapes->strides_known;
    }
  }
  if (missing) ++without_function_[n.op()->schema.FullName()];
  for (size_t i = 0; i < results.size(); ++i) {
    // A list that is written has other items later.
    if (n.output(i)->type()->is(TypeKind::kList) &&
        aliases_.IsWritten(n.output(i))) {
      continue;
    }
    // So has a small tensor.
    for (auto& s : results[i].samples) {
      if (s.has_value() && s->is_tensor() && IsSmall(s->AsTensor()) &&
          aliases_.IsWritten(n.output(i))) {
        const Tensor& t = s->AsTensor();
        absl::StatusOr<Tensor> meta =
            Tensor::Meta(t.sizes(), t.strides(), t.dtype());
        s = meta.ok() ? std::optional<IValue>(IValue(*meta)) : std::nullopt;
      }
    }
    Set(n.output(i), std::move(results[i]));
  }
}

int64_t ShapeAnalysis::Code(const Size& size,
                            const std::array<bool, kSamples>& there) {
  bool same = true, all = true;
  int64_t value = -1;
  for (size_t k = 0; k < kSamples; ++k) {
    all = all && there[k];
    if (!there[k]) continue;
    same = same && (value < 0 || value == size[k]);
    value = size[k];
  }
  if (same) return value;
  // Samples that an operator refused (a window larger than 1) say nothing
  // against a symbol that the others agree on.
  if (all) {
    const int64_t next = static_cast<int64_t>(names_.size());
    return -2 - names_.emplace(size, next).first->second;
  }
  for (const auto& [other, name] : names_) {
    bool agrees = true;
    for (size_t k = 0; k < kSamples; ++k) {
      agrees = agrees && (!there[k] || other[k] == size[k]);
    }
    if (agrees) return -2 - name;
  }
  // It needs a value of its own there.
  Size whole = size;
  for (size_t k = 0; k < kSamples; ++k) {
    if (!there[k]) whole[k] = -1;
  }
  const int64_t next = static_cast<int64_t>(names_.size());
  return -2 - names_.emplace(whole, next).first->second;
}

TypePtr ShapeAnalysis::TypeOf(const Value* v) {
  const Known* known = Find(v);
  if (opaque_ || known == nullptr || !v->type()->is(TypeKind::kTensor)) {
    return nullptr;
  }
  std::array<bool, kSamples> there = {};
  const Tensor* first = nullptr;
  std::array<const Tensor*, kSamples> tensors = {};
  for (size_t k = 0; k < kSamples; ++k) {
    if (!known->samples[k].has_value()) continue;
    const IValue& value = *known->samples[k];
    if (!value.is_tensor() || !value.AsTensor().defined()) return nullptr;
    tensors[k] = &value.AsTensor();
    there[k] = true;
    if (first == nullptr) first = tensors[k];
    if (tensors[k]->dim() != first->dim() ||
        tensors[k]->dtype() != first->dtype()) {
      return nullptr;
    }
  }
  if (first == nullptr) return nullptr;
  TensorType::Details d;
  if (const TensorType* old = v->type()->AsTensor(); old != nullptr) {
    d = old->details();
  }
  d.dtype = first->dtype();
  d.sizes.emplace();
  std::vector<int64_t> strides;
  for (int64_t i = 0; i < first->dim(); ++i) {
    Size size = {}, stride = {};
    bool same = true;
    int64_t value = -1;
    for (size_t k = 0; k < kSamples; ++k) {
      if (!there[k]) continue;
      size[k] = tensors[k]->size(i);
      stride[k] = tensors[k]->stride(i);
      same = same && (value < 0 || value == stride[k]);
      value = stride[k];
    }
    d.sizes->push_back(Code(size, there));
    strides.push_back(same ? value : -1);
  }
  d.strides.reset();
  if (known->strides) d.strides = std::move(strides);
  return TensorType::Create(std::move(d));
}

}  // namespace tandem
