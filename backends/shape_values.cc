#include "tandem/backends/shape_values.h"

#include <algorithm>
#include <utility>

#include "absl/strings/string_view.h"

namespace tandem {
namespace {

// Longest chain: more is no shape that anybody writes.
constexpr size_t kMaxSteps = 64;

enum class Step : uint8_t {
  kNone,
  kSize,
  kSizeOf,
  kDim,
  kLen,
  kItem,
  kList,
  kUnpack,
  kSame,
  kNeg,
  kAdd,
  kSub,
  kMul,
  kFloorDiv,
  kRoundedDiv,
};

struct Row {
  const char* name;
  const char* overload;
  Step step;
};
constexpr Row kRows[] = {
    {"aten::size", "", Step::kSize},
    {"aten::size", "int", Step::kSizeOf},
    {"aten::dim", "", Step::kDim},
    {"aten::len", "t", Step::kLen},
    {"aten::__getitem__", "t", Step::kItem},
    {"prim::NumToTensor", "Scalar", Step::kSame},
    {"aten::Int", "Tensor", Step::kSame},
    {"aten::Int", "Scalar", Step::kSame},
    {"aten::IntImplicit", "", Step::kSame},
    {"aten::ScalarImplicit", "", Step::kSame},
    {"aten::neg", "int", Step::kNeg},
    {"aten::add", "int", Step::kAdd},
    {"aten::sub", "int", Step::kSub},
    {"aten::mul", "int", Step::kMul},
    {"aten::floordiv", "int", Step::kFloorDiv},
    {"aten::add", "Tensor", Step::kAdd},
    {"aten::sub", "Tensor", Step::kSub},
    {"aten::mul", "Tensor", Step::kMul},
    {"aten::floor_divide", "", Step::kFloorDiv},
    {"aten::div", "Tensor_mode", Step::kRoundedDiv},
};

Step StepOf(const Node& n) {
  if (n.is(NodeKind::kListConstruct)) {
    return n.output()->type()->element()->is(TypeKind::kInt) ? Step::kList
                                                             : Step::kNone;
  }
  if (n.is(NodeKind::kListUnpack)) {
    return n.input()->type()->is(TypeKind::kList) &&
                   n.input()->type()->element()->is(TypeKind::kInt)
               ? Step::kUnpack
               : Step::kNone;
  }
  if (n.op() == nullptr) return Step::kNone;
  for (const Row& row : kRows) {
    if (n.Is(row.name) && n.op()->schema.overload_name == row.overload) {
      return row.step;
    }
  }
  return Step::kNone;
}

bool TakesTensor(Step step) {
  return step == Step::kSize || step == Step::kSizeOf || step == Step::kDim;
}

// An int, a list of ints, or an int in a tensor of no dims.
std::optional<IValue> Constant(const Value* v) {
  std::optional<IValue> c = ConstantOf(v);
  if (!c.has_value() || !c->is_tensor()) return c;
  const Tensor& t = c->AsTensor();
  if (!t.defined() || t.dim() != 0 || t.is_meta() || t.is_sparse() ||
      !IsIntegral(t.dtype(), false)) {
    return std::nullopt;
  }
  const absl::StatusOr<Scalar> item = t.Item();
  if (!item.ok()) return std::nullopt;
  return IValue(item->ToInt());
}

// A list that somebody may change, or keeps, is not followed.
bool IsOnlyRead(const Value* list) {
  return std::all_of(
      list->uses().begin(), list->uses().end(), [](const Use& use) {
        const Node& n = *use.user;
        return n.is(NodeKind::kListUnpack) ||
               (n.op() != nullptr && !n.op()->schema.is_mutable());
      });
}

bool Collect(const Value* v, std::vector<const Node*>* steps, size_t* budget) {
  const Node* n = v->node();
  if (n->is(NodeKind::kConstant)) {
    const std::optional<IValue> c = Constant(v);
    return c.has_value() && (c->is_int() || c->is_list() || c->is_string());
  }
  if (std::find(steps->begin(), steps->end(), n) != steps->end()) return true;
  const Step step = StepOf(*n);
  if (step == Step::kNone || *budget == 0) return false;
  --*budget;
  if (v->type()->is(TypeKind::kList) && !IsOnlyRead(v)) return false;
  if (n->is(NodeKind::kOperator) && n->outputs().size() != 1) return false;
  if (step == Step::kItem && !v->type()->is(TypeKind::kInt)) return false;
  // Numbers in tensors come from NumToTensor, so that 0-dim tensors of the
  // program's own are not taken for sizes.
  for (size_t i = TakesTensor(step) ? 1 : 0; i < n->inputs().size(); ++i) {
    if (!Collect(n->input(i), steps, budget)) return false;
  }
  steps->push_back(n);
  return true;
}

std::optional<int64_t> Floor(int64_t a, int64_t b) {
  if (b == 0 || (a == INT64_MIN && b == -1)) return std::nullopt;
  const int64_t q = a / b;
  return a % b != 0 && (a < 0) != (b < 0) ? q - 1 : q;
}

}  // namespace

bool IsShapeNode(const Node& n) { return StepOf(n) != Step::kNone; }

bool ReadsSizes(const Node& n) { return TakesTensor(StepOf(n)); }

bool IsShapeValue(const Value* v, std::vector<const Node*>* steps) {
  if (v->node()->is(NodeKind::kConstant)) return false;
  std::vector<const Node*> own;
  size_t budget = kMaxSteps;
  if (!Collect(v, &own, &budget)) return false;
  if (steps != nullptr) {
    for (const Node* n : own) {
      if (std::find(steps->begin(), steps->end(), n) == steps->end()) {
        steps->push_back(n);
      }
    }
  }
  return true;
}

std::optional<std::vector<IValue>> EvaluateShapeNode(
    const Node& n,
    absl::FunctionRef<std::optional<IValue>(const Value*)> number,
    absl::FunctionRef<std::optional<Dims>(const Value*)> sizes) {
  const auto input = [&](size_t i) -> std::optional<IValue> {
    if (std::optional<IValue> c = Constant(n.input(i))) return c;
    return number(n.input(i));
  };
  const auto integer = [&](size_t i) -> std::optional<int64_t> {
    const std::optional<IValue> v = input(i);
    if (!v.has_value() || !v->is_int()) return std::nullopt;
    return v->AsInt();
  };
  const auto one =
      [](std::optional<int64_t> v) -> std::optional<std::vector<IValue>> {
    if (!v.has_value()) return std::nullopt;
    return std::vector<IValue>{IValue(*v)};
  };
  const auto list = [](std::vector<IValue> values) {
    return std::vector<IValue>{
        IValue(MakeList(Type::Int(), std::move(values)))};
  };
  const Step step = StepOf(n);
  if (TakesTensor(step)) {
    const std::optional<Dims> dims = sizes(n.input());
    if (!dims.has_value()) return std::nullopt;
    const int64_t rank = static_cast<int64_t>(dims->size());
    if (step == Step::kDim) return one(rank);
    if (step == Step::kSize) {
      std::vector<IValue> values;
      for (int64_t d : *dims) values.push_back(IValue(d));
      return list(std::move(values));
    }
    const std::optional<int64_t> d = integer(1);
    if (!d.has_value() || *d < -rank || *d >= rank) return std::nullopt;
    return one((*dims)[*d < 0 ? *d + rank : *d]);
  }
  switch (step) {
    case Step::kList: {
      std::vector<IValue> values;
      for (size_t i = 0; i < n.inputs().size(); ++i) {
        const std::optional<int64_t> v = integer(i);
        if (!v.has_value()) return std::nullopt;
        values.push_back(IValue(*v));
      }
      return list(std::move(values));
    }
    case Step::kLen:
    case Step::kItem:
    case Step::kUnpack: {
      const std::optional<IValue> v = input(0);
      if (!v.has_value() || !v->is_list()) return std::nullopt;
      const std::vector<IValue>& values = v->AsList().values;
      const int64_t length = static_cast<int64_t>(values.size());
      if (step == Step::kLen) return one(length);
      if (step == Step::kUnpack) {
        if (values.size() != n.outputs().size()) return std::nullopt;
        return values;
      }
      const std::optional<int64_t> i = integer(1);
      if (!i.has_value() || *i < -length || *i >= length) return std::nullopt;
      return std::vector<IValue>{values[*i < 0 ? *i + length : *i]};
    }
    case Step::kSame:
      return one(integer(0));
    case Step::kNeg: {
      const std::optional<int64_t> a = integer(0);
      if (!a.has_value() || *a == INT64_MIN) return std::nullopt;
      return one(-*a);
    }
    default:
      break;
  }
  const std::optional<int64_t> a = integer(0), b = integer(1);
  if (!a.has_value() || !b.has_value()) return std::nullopt;
  int64_t result = 0;
  switch (step) {
    case Step::kAdd:
    case Step::kSub:
      if (n.inputs().size() > 2 && integer(2) != 1) return std::nullopt;
      if (step == Step::kAdd ? __builtin_add_overflow(*a, *b, &result)
                             : __builtin_sub_overflow(*a, *b, &result)) {
        return std::nullopt;
      }
      return one(result);
    case Step::kMul:
      if (__builtin_mul_overflow(*a, *b, &result)) return std::nullopt;
      return one(result);
    case Step::kFloorDiv:
      return one(Floor(*a, *b));
    case Step::kRoundedDiv: {
      const std::optional<IValue> mode = input(2);
      if (!mode.has_value() || !mode->is_string()) return std::nullopt;
      if (mode->AsString() == "floor") return one(Floor(*a, *b));
      if (mode->AsString() != "trunc" || *b == 0 ||
          (*a == INT64_MIN && *b == -1)) {
        return std::nullopt;
      }
      return one(*a / *b);
    }
    default:
      return std::nullopt;
  }
}

}  // namespace tandem
