#include "tandem/frontends/symbolic/call_target.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/strip.h"
#include "tandem/frontends/eager/context.h"
#include "tandem/frontends/eager/convert.h"
#include "tandem/frontends/eager/indexing.h"
#include "tandem/frontends/symbolic/argument.h"
#include "tandem/frontends/symbolic/targets.h"
#include "tandem/ir/python_text.h"

namespace tandem::fx {
namespace {

using eager::Throw;

bool IsTensor(const IValue& v) {
  return v.is_tensor() && v.AsTensor().defined();
}
// A tensor of a recording, which may stand for anything.
bool IsSymbol(const IValue& v) {
  return IsTensor(v) && v.AsTensor().dtype() == DType::kUndefined;
}

const Values* Elements(const IValue& v) {
  if (v.is_list()) return &v.AsList().values;
  if (v.is_tuple() && MarkOf(v).empty()) return &v.AsTuple().values;
  return nullptr;
}

std::optional<IValue> MarkedNumber(const IValue& v, const char* mark) {
  if (MarkOf(v) == mark) return v.AsTuple().values[1];
  return std::nullopt;
}

IValue NumberAsTensor(const IValue& v) {
  tandem::Tensor t = eager::Unwrap(tandem::Tensor::FromScalar(v.AsScalar()));
  t.impl()->wrapped_number = true;
  return IValue(std::move(t));
}

// `value` as an argument of type `type`; nullopt when it is none. `loose`: a
// number may stand for a tensor and a tensor of one element for a number.
std::optional<IValue> Fit(const IValue& value, const Type& type,
                          std::optional<int32_t> fixed_size, bool loose) {
  switch (type.kind()) {
    case TypeKind::kOptional:
      if (value.is_none()) return value;
      return Fit(value, *type.element(), fixed_size, loose);
    case TypeKind::kTensor:
      if (IsTensor(value)) return value;
      if (loose && value.is_scalar()) return NumberAsTensor(value);
      return std::nullopt;
    case TypeKind::kInt:
      if (value.is_int() || IsSymbol(value)) return value;
      if (loose && value.is_bool()) return IValue(value.AsInt());
      if (loose && IsTensor(value) && value.AsTensor().numel() == 1 &&
          IsIntegral(value.AsTensor().dtype(), true)) {
        return IValue(eager::Unwrap(value.AsTensor().Item()).ToInt());
      }
      return std::nullopt;
    case TypeKind::kFloat:
      if (value.is_double() || IsSymbol(value)) return value;
      if (value.is_int()) return IValue(static_cast<double>(value.AsInt()));
      return std::nullopt;
    case TypeKind::kBool:
      if (value.is_bool()) return value;
      return std::nullopt;
    case TypeKind::kNumber:
      if (value.is_scalar()) return value;
      if (loose && IsSymbol(value)) return value;
      if (loose && IsTensor(value) && value.AsTensor().dim() == 0) {
        return IValue(eager::Unwrap(value.AsTensor().Item()));
      }
      return std::nullopt;
    case TypeKind::kStr:
      if (value.is_string()) return value;
      return std::nullopt;
    case TypeKind::kScalarType:
      return MarkedNumber(value, kDTypeMark);
    case TypeKind::kLayout:
      return MarkedNumber(value, kLayoutMark);
    case TypeKind::kMemoryFormat:
      return MarkedNumber(value, kMemoryFormatMark);
    case TypeKind::kDevice:
      if (value.is_device()) return value;
      if (value.is_string()) {
        absl::StatusOr<Device> d = ParseDevice(value.AsString());
        if (d.ok()) return IValue(*d);
      }
      return std::nullopt;
    case TypeKind::kList: {
      const Type& element = *type.element();
      const Values* elements = Elements(value);
      if (elements == nullptr) {
        if (IsSymbol(value) && !element.is(TypeKind::kTensor)) return value;
        if (!fixed_size.has_value()) return std::nullopt;
        std::optional<IValue> one = Fit(value, element, std::nullopt, false);
        if (!one.has_value()) return std::nullopt;
        return IValue(
            MakeList(type.element(), Values(*fixed_size, *std::move(one))));
      }
      Values out;
      for (const IValue& e : *elements) {
        std::optional<IValue> v = Fit(e, element, std::nullopt, loose);
        if (!v.has_value()) return std::nullopt;
        out.push_back(*std::move(v));
      }
      return IValue(MakeList(type.element(), std::move(out)));
    }
    case TypeKind::kAny:
      return value;
    default:
      if (value.Conforms(type)) return value;
      return std::nullopt;
  }
}

bool IsIntList(const Type& type) {
  const Type& inner = type.is(TypeKind::kOptional) ? *type.element() : type;
  return inner.is(TypeKind::kList) && inner.element()->is(TypeKind::kInt);
}

std::optional<size_t> FindArgument(const FunctionSchema& schema,
                                   const std::string& name) {
  std::optional<size_t> i = schema.ArgumentIndex(name);
  if (!i.has_value() && name == "input") i = schema.ArgumentIndex("self");
  // NumPy's names.
  if (!i.has_value() && name == "axis") i = schema.ArgumentIndex("dim");
  if (!i.has_value() && name == "keepdims") i = schema.ArgumentIndex("keepdim");
  return i;
}

std::optional<Values> Bind(const FunctionSchema& schema, bool self,
                           const Values& args, const KeywordValues& kwargs,
                           bool loose) {
  const size_t count = schema.arguments.size();
  std::vector<std::optional<IValue>> bound(count);
  const auto fit = [&](size_t i, const IValue& v) {
    const tandem::Argument& a = schema.arguments[i];
    bound[i] = Fit(v, *a.type, a.fixed_size, loose);
    if (!bound[i].has_value() && v.is_none() && a.default_value.has_value() &&
        a.default_value->is_none()) {
      bound[i] = v;
    }
    return bound[i].has_value();
  };
  size_t next = 0, given = 0;
  if (self && !args.empty()) {
    const std::optional<size_t> i = schema.ArgumentIndex("self");
    if (i.has_value()) {
      if (!fit(*i, args[given++])) return std::nullopt;
    }
  }
  while (given < args.size()) {
    while (next < count && bound[next].has_value()) ++next;
    if (next >= count || schema.arguments[next].kwarg_only) return std::nullopt;
    // A symbol in front of more integers is one of them, not a whole list.
    const bool begins_list =
        IsSymbol(args[given]) && given + 1 < args.size() &&
        IsIntList(*schema.arguments[next].type) &&
        (args[given + 1].is_int() || IsSymbol(args[given + 1]));
    if (!begins_list && fit(next, args[given])) {
      ++given;
      continue;
    }
    // x.view(2, -1): the rest is the list.
    if (!IsIntList(*schema.arguments[next].type)) return std::nullopt;
    Values rest(args.begin() + given, args.end());
    if (!fit(next, IValue(MakeList(Type::Any(), std::move(rest))))) {
      return std::nullopt;
    }
    given = args.size();
  }
  for (const auto& [name, v] : kwargs) {
    const std::optional<size_t> i = FindArgument(schema, name);
    if (!i.has_value() || bound[*i].has_value() || !fit(*i, v)) {
      return std::nullopt;
    }
  }
  Values out;
  for (size_t i = 0; i < count; ++i) {
    if (!bound[i].has_value()) {
      if (!schema.arguments[i].default_value.has_value()) return std::nullopt;
      bound[i] = *schema.arguments[i].default_value;
    }
    out.push_back(*std::move(bound[i]));
  }
  return out;
}

bool IsNumeric(const IValue& v) {
  return v.is_int() || v.is_double() || v.is_bool();
}

// Python's arithmetic on numbers; nullopt when `op` is none of it.
std::optional<IValue> NumberOperator(absl::string_view op, const Values& args) {
  if (args.empty() || args.size() > 2 ||
      !std::all_of(args.begin(), args.end(), IsNumeric)) {
    return std::nullopt;
  }
  const bool ints = std::all_of(args.begin(), args.end(),
                                [](const IValue& v) { return !v.is_double(); });
  const auto real = [&](size_t i) {
    return args[i].is_double() ? args[i].AsDouble()
                               : static_cast<double>(args[i].AsInt());
  };
  if (args.size() == 1) {
    if (op == "neg") {
      return ints ? IValue(-args[0].AsInt()) : IValue(-real(0));
    }
    if (op == "pos") return args[0];
    return std::nullopt;
  }
  if (op == "eq") return IValue(Equal(args[0], args[1]));
  if (op == "ne") return IValue(!Equal(args[0], args[1]));
  if (ints) {
    using eager::IntOperator;
    const eager::Int a(args[0].AsInt()), b(args[1].AsInt());
    const auto compute = [&](IntOperator o) {
      return IValue(eager::Compute(o, a, b).hint());
    };
    if (op == "add") return compute(IntOperator::kAdd);
    if (op == "sub") return compute(IntOperator::kSub);
    if (op == "mul") return compute(IntOperator::kMul);
    if (op == "floordiv") return compute(IntOperator::kFloorDiv);
    if (op == "mod") return compute(IntOperator::kMod);
    if (op == "and_") return IValue(a.hint() & b.hint());
    if (op == "or_") return IValue(a.hint() | b.hint());
    if (op == "xor") return IValue(a.hint() ^ b.hint());
  }
  const double a = real(0), b = real(1);
  if (op == "lt") return IValue(a < b);
  if (op == "le") return IValue(a <= b);
  if (op == "gt") return IValue(a > b);
  if (op == "ge") return IValue(a >= b);
  if (op == "add") return IValue(a + b);
  if (op == "sub") return IValue(a - b);
  if (op == "mul") return IValue(a * b);
  if (op == "pow") {
    const double p = std::pow(a, b);
    if (ints && b >= 0 && std::abs(p) < 9e15) {
      return IValue(static_cast<int64_t>(p));
    }
    return IValue(p);
  }
  if (op == "truediv" || op == "floordiv" || op == "mod") {
    if (b == 0) Throw("division by zero");
    if (op == "truediv") return IValue(a / b);
    if (op == "floordiv") return IValue(std::floor(a / b));
    return IValue(a - b * std::floor(a / b));
  }
  return std::nullopt;
}

eager::Int ToInt(const IValue& v) { return eager::FromIValue<eager::Int>(v); }

eager::IndexItem ToIndexItem(const IValue& v) {
  const std::string mark = MarkOf(v);
  if (mark == kEllipsisMark) return eager::Ellipsis;
  if (mark == kSliceMark) {
    const Values& parts = v.AsTuple().values;
    const auto part = [&](size_t i) -> std::optional<eager::Int> {
      if (parts[i].is_none()) return std::nullopt;
      return ToInt(parts[i]);
    };
    return eager::Slice(part(1), part(2), part(3));
  }
  if (v.is_none()) return std::nullopt;
  if (v.is_bool()) return eager::IndexItem(v.AsBool());
  if (v.is_int()) return eager::IndexItem(v.AsInt());
  if (IsTensor(v)) return eager::IndexItem(eager::Tensor(v.AsTensor()));
  if (v.is_list()) {
    // x[[0, 2]]: a list is a tensor of its numbers.
    std::vector<int64_t> numbers;
    for (const IValue& e : v.AsList().values) {
      if (!e.is_int()) Throw("an index is no list of integers");
      numbers.push_back(e.AsInt());
    }
    return eager::IndexItem(eager::Tensor(eager::Unwrap(
        tandem::Tensor::FromSpan<int64_t>(absl::MakeConstSpan(numbers)))));
  }
  Throw(absl::StrCat("a ", PythonTypeName(v), " cannot index a tensor"));
}

IValue GetItem(const IValue& container, const IValue& index) {
  if (IsTensor(container)) {
    std::vector<eager::IndexItem> items;
    if (index.is_tuple() && MarkOf(index).empty()) {
      for (const IValue& i : index.AsTuple().values) {
        items.push_back(ToIndexItem(i));
      }
    } else {
      items.push_back(ToIndexItem(index));
    }
    return eager::ToIValue(
        eager::GetItem(eager::Tensor(container.AsTensor()), items));
  }
  if (container.is_dict()) {
    const IValue* found = container.AsDict().Find(index);
    if (found == nullptr)
      Throw(absl::StrCat("KeyError: ", ToPythonString(index)));
    return *found;
  }
  const Values* elements = Elements(container);
  if (elements == nullptr) {
    Throw(absl::StrCat("'", PythonTypeName(container),
                       "' object is not subscriptable"));
  }
  const int64_t size = elements->size();
  if (index.is_int()) {
    const int64_t i = index.AsInt() < 0 ? index.AsInt() + size : index.AsInt();
    if (i < 0 || i >= size) {
      Throw(absl::StrCat(container.is_list() ? "list" : "tuple",
                         " index out of range"));
    }
    return (*elements)[i];
  }
  if (MarkOf(index) == kSliceMark) {
    const Values& parts = index.AsTuple().values;
    const int64_t step = parts[3].is_int() ? parts[3].AsInt() : 1;
    if (step <= 0) Throw("a slice's step must be positive");
    const auto bound = [&](const IValue& v, int64_t fallback) {
      if (!v.is_int()) return fallback;
      const int64_t i = v.AsInt() < 0 ? v.AsInt() + size : v.AsInt();
      return std::min(std::max<int64_t>(i, 0), size);
    };
    Values out;
    for (int64_t i = bound(parts[1], 0); i < bound(parts[2], size); i += step) {
      out.push_back((*elements)[i]);
    }
    if (container.is_tuple()) return IValue(MakeTuple(std::move(out)));
    return IValue(MakeList(container.AsList().element_type, std::move(out)));
  }
  Throw("an index is no integer");
}

IValue RunOperator(const std::string& name, bool self, const Values& args,
                   const KeywordValues& kwargs, eager::Spelling spelling) {
  eager::Context* context = eager::CurrentContext();
  if (context == nullptr) Throw("there is no eager context");
  BoundCall call = eager::Unwrap(
      ResolveCall(context->operators(), name, self, args, kwargs));
  eager::Results results;
  eager::ThrowIfError(
      eager::Dispatch(*call.op, absl::MakeSpan(call.args), &results, spelling));
  if (results.size() == 1) return results[0];
  return IValue(MakeTuple(Values(results.begin(), results.end())));
}

IValue GetAttribute(const IValue& object, const std::string& name) {
  if (!IsTensor(object)) {
    if (const Values* elements = Elements(object);
        elements != nullptr && object.is_tuple()) {
      // Fields of the tuples that reductions and sorts give.
      if (name == "values" && !elements->empty()) return (*elements)[0];
      if (name == "indices" && elements->size() > 1) return (*elements)[1];
    }
    Throw(absl::StrCat("'", PythonTypeName(object),
                       "' object has no attribute '", name, "'"));
  }
  const eager::Tensor t(object.AsTensor());
  if (name == "shape") return eager::ToIValue(t.sizes());
  if (name == "ndim") return eager::ToIValue(t.dim());
  if (name == "T" || name == "H" || name == "mT" || name == "mH") {
    return RunOperator(name == "T"   ? "aten::numpy_T"
                       : name == "H" ? "aten::matrix_H"
                                     : absl::StrCat("aten::", name),
                       true, {object}, {}, eager::Spelling::kMethod);
  }
  if (name == "real" || name == "imag") {
    return RunOperator(absl::StrCat("aten::", name), true, {object}, {},
                       eager::Spelling::kFunction);
  }
  if (name == "dtype") {
    return Marked(kDTypeMark, {IValue(static_cast<int64_t>(t.dtype()))});
  }
  if (name == "device") return IValue(t.device());
  if (name == "requires_grad") return IValue(t.requires_grad());
  Throw(absl::StrCat("'Tensor' object has no attribute '", name, "'"));
}

// Methods that are x.to(dtype).
std::optional<DType> CastMethod(absl::string_view name) {
  if (name == "float") return DType::kFloat;
  if (name == "double") return DType::kDouble;
  if (name == "half") return DType::kHalf;
  if (name == "bfloat16") return DType::kBFloat16;
  if (name == "long") return DType::kInt64;
  if (name == "int") return DType::kInt32;
  if (name == "short") return DType::kInt16;
  if (name == "char") return DType::kInt8;
  if (name == "byte") return DType::kUInt8;
  if (name == "bool") return DType::kBool;
  return std::nullopt;
}

// torch.nn.functional's arguments that the operators do not have.
void AdaptFunctional(std::string* name, KeywordValues* kwargs) {
  bool inplace = false;
  KeywordValues kept;
  for (auto& [k, v] : *kwargs) {
    if (k == "inplace") {
      inplace = v.is_bool() && v.AsBool();
    } else if (k == "_stacklevel" ||
               (k == "return_indices" && v.is_bool() && !v.AsBool())) {
      continue;
    } else if (k == "training" && absl::StrContains(*name, "dropout")) {
      kept.emplace_back("train", v);
    } else {
      kept.emplace_back(k, v);
    }
  }
  if (inplace) *name += "_";
  *kwargs = std::move(kept);
}

}  // namespace

absl::StatusOr<BoundCall> ResolveCall(const OperatorTable& table,
                                      absl::string_view name, bool self,
                                      const Values& args,
                                      const KeywordValues& kwargs) {
  const absl::Span<const Operator* const> overloads = table.Overloads(name);
  for (const bool loose : {false, true}) {
    for (const Operator* op : overloads) {
      const FunctionSchema& schema = op->schema;
      if (std::any_of(schema.arguments.begin(), schema.arguments.end(),
                      [](const tandem::Argument& a) { return a.is_out; })) {
        continue;
      }
      std::optional<Values> bound = Bind(schema, self, args, kwargs, loose);
      if (bound.has_value()) return BoundCall{op, *std::move(bound)};
    }
  }
  if (overloads.empty()) {
    return absl::InvalidArgumentError(
        absl::StrCat("there is no operator '", name, "'"));
  }
  std::vector<std::string> types;
  for (const IValue& v : args) types.push_back(PythonTypeName(v));
  for (const auto& [k, v] : kwargs) {
    types.push_back(absl::StrCat(k, "=", PythonTypeName(v)));
  }
  std::vector<std::string> candidates;
  for (const Operator* op : overloads) {
    candidates.push_back(absl::StrCat("  ", op->schema.ToString()));
  }
  return absl::InvalidArgumentError(
      absl::StrCat(name, " takes no arguments (", absl::StrJoin(types, ", "),
                   "); it has\n", absl::StrJoin(candidates, "\n")));
}

IValue CallFunctionTarget(const std::string& target, Values args,
                          KeywordValues kwargs) {
  const auto need = [&](size_t count) {
    if (args.size() < count) {
      Throw(absl::StrCat(target, ": ", args.size(), " arguments where ", count,
                         " are needed"));
    }
  };
  if (target == "operator.getitem") {
    need(2);
    return GetItem(args[0], args[1]);
  }
  if (target == "operator.setitem") {
    need(3);
    if (!IsTensor(args[0])) Throw("operator.setitem is of tensors only");
    std::vector<eager::IndexItem> items;
    if (args[1].is_tuple() && MarkOf(args[1]).empty()) {
      for (const IValue& i : args[1].AsTuple().values) {
        items.push_back(ToIndexItem(i));
      }
    } else {
      items.push_back(ToIndexItem(args[1]));
    }
    const eager::Tensor self(args[0].AsTensor());
    if (IsTensor(args[2])) {
      eager::SetItem(self, items, eager::Tensor(args[2].AsTensor()));
    } else {
      eager::SetItem(self, items, eager::FromIValue<eager::Number>(args[2]));
    }
    return IValue();
  }
  if (target == "builtins.getattr") {
    need(2);
    if (!args[1].is_string()) Throw("getattr(): attribute name must be string");
    return GetAttribute(args[0], args[1].AsString());
  }
  if (target == "builtins.len") {
    need(1);
    if (IsTensor(args[0])) {
      return eager::ToIValue(eager::Tensor(args[0].AsTensor()).size(0));
    }
    if (const Values* e = Elements(args[0]); e != nullptr) {
      return IValue(static_cast<int64_t>(e->size()));
    }
    Throw(absl::StrCat("object of type '", PythonTypeName(args[0]),
                       "' has no len()"));
  }
  if (target == "torch._assert") {
    need(2);
    // What a recording holds is asserted when it runs.
    if (IsSymbol(args[0])) return IValue();
    if (!eager::internal::UnboxBool(args[0])) {
      Throw(args[1].is_string() ? args[1].AsString() : "assertion failed");
    }
    return IValue();
  }
  if (absl::EndsWith(target, "._assert_is_none")) {
    need(2);
    if (!args[0].is_none() && !IsSymbol(args[0])) {
      Throw(args[1].is_string() ? args[1].AsString() : "assertion failed");
    }
    return IValue();
  }
  absl::string_view symbol = target;
  eager::Spelling spelling = eager::Spelling::kFunction;
  if (absl::ConsumePrefix(&symbol, "operator.") ||
      absl::ConsumePrefix(&symbol, "_operator.")) {
    if (std::optional<IValue> v = NumberOperator(symbol, args)) return *v;
    if ((symbol == "eq" || symbol == "ne") && args.size() == 2 &&
        !IsTensor(args[0]) && !IsTensor(args[1])) {
      return IValue(Equal(args[0], args[1]) == (symbol == "eq"));
    }
    if (symbol == "add" && args.size() == 2 && args[0].tag() == args[1].tag()) {
      const Values *a = Elements(args[0]), *b = Elements(args[1]);
      if (a != nullptr && b != nullptr) {
        Values all = *a;
        all.insert(all.end(), b->begin(), b->end());
        if (args[0].is_tuple()) return IValue(MakeTuple(std::move(all)));
        return IValue(MakeList(args[0].AsList().element_type, std::move(all)));
      }
    }
    spelling = eager::Spelling::kOperator;
  }
  std::string name = OperatorName(target);
  if (name.empty()) {
    Throw(absl::StrCat("the function ", target,
                       " is not known; give it to GraphModule::functions()"));
  }
  if (spelling == eager::Spelling::kOperator && args.size() == 2 &&
      !IsTensor(args[0]) && IsTensor(args[1])) {
    // 2 - x: of a number and a tensor.
    if (symbol == "sub") {
      std::swap(args[0], args[1]);
      return RunOperator("aten::rsub", false, args, kwargs, spelling);
    }
    static constexpr std::pair<absl::string_view, absl::string_view>
        kSwapped[] = {{"lt", "gt"},      {"gt", "lt"},      {"le", "ge"},
                      {"ge", "le"},      {"eq", "eq"},      {"ne", "ne"},
                      {"add", "add"},    {"mul", "mul"},    {"and_", "__and__"},
                      {"or_", "__or__"}, {"xor", "__xor__"}};
    for (const auto& [from, to] : kSwapped) {
      if (symbol == from) {
        std::swap(args[0], args[1]);
        name = absl::StrCat("aten::", to);
        break;
      }
    }
  }
  if (absl::StartsWith(target, "torch.nn.functional.")) {
    AdaptFunctional(&name, &kwargs);
  }
  return RunOperator(name, false, args, kwargs, spelling);
}

IValue CallMethodTarget(const std::string& name, Values args,
                        KeywordValues kwargs) {
  if (args.empty()) Throw(absl::StrCat("the method ", name, " has no self"));
  const IValue& self = args[0];
  if (!IsTensor(self)) {
    if (self.is_dict() && name == "get" && args.size() >= 2) {
      const IValue* found = self.AsDict().Find(args[1]);
      return found != nullptr ? *found : (args.size() > 2 ? args[2] : IValue());
    }
    Throw(absl::StrCat("'", PythonTypeName(self), "' object has no attribute '",
                       name, "'"));
  }
  const eager::Tensor t(self.AsTensor());
  if (name == "size") {
    if (args.size() == 1 && kwargs.empty()) return eager::ToIValue(t.sizes());
    const IValue& dim = args.size() > 1 ? args[1] : kwargs[0].second;
    return eager::ToIValue(t.size(static_cast<int64_t>(ToInt(dim))));
  }
  if (name == "dim" || name == "ndimension") return eager::ToIValue(t.dim());
  if (name == "numel" || name == "nelement") return eager::ToIValue(t.numel());
  if (name == "item" && !IsSymbol(self)) return eager::ToIValue(t.item());
  if (const std::optional<DType> dtype = CastMethod(name);
      dtype.has_value() && args.size() == 1) {
    args.push_back(Marked(kDTypeMark, {IValue(static_cast<int64_t>(*dtype))}));
    return RunOperator("aten::to", true, args, kwargs,
                       eager::Spelling::kMethod);
  }
  if (name == "cpu" || name == "cuda") {
    args.push_back(IValue(eager::Unwrap(ParseDevice(name))));
    return RunOperator("aten::to", true, args, kwargs,
                       eager::Spelling::kMethod);
  }
  return RunOperator(absl::StrCat("aten::", name), true, args, kwargs,
                     eager::Spelling::kMethod);
}

}  // namespace tandem::fx
