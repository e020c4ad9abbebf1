#include "tandem/frontends/script/compiler/constant_evaluator.h"

#include <cmath>
#include <complex>
#include <functional>
#include <limits>
#include <string>
#include <utility>

#include "absl/strings/string_view.h"
#include "tandem/frontends/script/compiler/types.h"

namespace tandem::script {
namespace {

using Values = std::vector<IValue>;
using Result = std::optional<IValue>;

int64_t Wrap(uint64_t value) { return static_cast<int64_t>(value); }

Result FloorDivide(int64_t a, int64_t b) {
  if (b == 0 || (a == std::numeric_limits<int64_t>::min() && b == -1)) {
    return std::nullopt;
  }
  const int64_t q = a / b;
  return IValue(q - ((a % b != 0 && (a < 0) != (b < 0)) ? 1 : 0));
}

Result Remainder(int64_t a, int64_t b) {
  if (b == 0 || (a == std::numeric_limits<int64_t>::min() && b == -1)) {
    return std::nullopt;
  }
  const int64_t r = a % b;
  return IValue(r != 0 && (r < 0) != (b < 0) ? r + b : r);
}

Result OnInts(absl::string_view op, int64_t a, int64_t b) {
  const uint64_t ua = static_cast<uint64_t>(a);
  const uint64_t ub = static_cast<uint64_t>(b);
  if (op == "add") return IValue(Wrap(ua + ub));
  if (op == "sub") return IValue(Wrap(ua - ub));
  if (op == "mul") return IValue(Wrap(ua * ub));
  if (op == "div") {
    return IValue(static_cast<double>(a) / static_cast<double>(b));
  }
  if (op == "floordiv") return FloorDivide(a, b);
  if (op == "remainder") return Remainder(a, b);
  if (op == "pow") {
    return IValue(std::pow(static_cast<double>(a), static_cast<double>(b)));
  }
  if (op == "eq") return IValue(a == b);
  if (op == "ne") return IValue(a != b);
  if (op == "lt") return IValue(a < b);
  if (op == "le") return IValue(a <= b);
  if (op == "gt") return IValue(a > b);
  if (op == "ge") return IValue(a >= b);
  if (op == "min") return IValue(a < b ? a : b);
  if (op == "max") return IValue(a > b ? a : b);
  if (op == "__and__") return IValue(a & b);
  if (op == "__or__") return IValue(a | b);
  if (op == "__xor__") return IValue(a ^ b);
  if (op == "__lshift__" && b >= 0 && b < 64) return IValue(Wrap(ua << ub));
  if (op == "__rshift__" && b >= 0 && b < 64) return IValue(a >> b);
  return std::nullopt;
}

Result OnFloats(absl::string_view op, double a, double b) {
  if (op == "add") return IValue(a + b);
  if (op == "sub") return IValue(a - b);
  if (op == "mul") return IValue(a * b);
  if (op == "div") return IValue(a / b);
  if (op == "floordiv") return IValue(std::floor(a / b));
  if (op == "remainder") {
    const double r = std::fmod(a, b);
    return IValue(r != 0 && (r < 0) != (b < 0) ? r + b : r);
  }
  if (op == "pow") return IValue(std::pow(a, b));
  if (op == "eq") return IValue(a == b);
  if (op == "ne") return IValue(a != b);
  if (op == "lt") return IValue(a < b);
  if (op == "le") return IValue(a <= b);
  if (op == "gt") return IValue(a > b);
  if (op == "ge") return IValue(a >= b);
  if (op == "min") return IValue(a < b ? a : b);
  if (op == "max") return IValue(a > b ? a : b);
  return std::nullopt;
}

Result OnBools(absl::string_view op, bool a, bool b) {
  if (op == "__and__") return IValue(a && b);
  if (op == "__or__") return IValue(a || b);
  if (op == "__xor__") return IValue(a != b);
  if (op == "eq") return IValue(a == b);
  if (op == "ne") return IValue(a != b);
  return std::nullopt;
}

Result OnStrings(absl::string_view op, const std::string& a,
                 const std::string& b) {
  if (op == "add") return IValue(a + b);
  if (op == "eq") return IValue(a == b);
  if (op == "ne") return IValue(a != b);
  if (op == "lt") return IValue(a < b);
  if (op == "le") return IValue(a <= b);
  if (op == "gt") return IValue(a > b);
  if (op == "ge") return IValue(a >= b);
  return std::nullopt;
}

Result OnComplex(absl::string_view op, std::complex<double> a,
                 std::complex<double> b) {
  if (op == "add") return IValue(a + b);
  if (op == "sub") return IValue(a - b);
  if (op == "mul") return IValue(a * b);
  if (op == "div") return IValue(a / b);
  if (op == "eq") return IValue(a == b);
  if (op == "ne") return IValue(a != b);
  return std::nullopt;
}

std::complex<double> ToComplex(const IValue& v) {
  if (v.is_complex()) return v.AsComplex();
  return v.is_int() ? static_cast<double>(v.AsInt()) : v.AsDouble();
}
double ToDouble(const IValue& v) {
  return v.is_int() ? static_cast<double>(v.AsInt()) : v.AsDouble();
}

Result EvaluateBinary(absl::string_view op, const IValue& a, const IValue& b) {
  if (op == "Complex" && !a.is_complex() && !b.is_complex() && a.is_number() &&
      b.is_number()) {
    return IValue(std::complex<double>(ToDouble(a), ToDouble(b)));
  }
  if (op == "__is__") return IValue(a.Is(b));
  if (op == "__isnot__") return IValue(!a.Is(b));
  if (a.is_int() && b.is_int()) return OnInts(op, a.AsInt(), b.AsInt());
  if (a.is_bool() && b.is_bool()) return OnBools(op, a.AsBool(), b.AsBool());
  if (a.is_string() && b.is_string()) {
    return OnStrings(op, a.AsString(), b.AsString());
  }
  if (a.is_enum() && b.is_enum() && (op == "eq" || op == "ne")) {
    return IValue(Equal(a, b) == (op == "eq"));
  }
  if (a.is_device() && b.is_device() && op == "eq") return IValue(Equal(a, b));
  if (!a.is_number() || !b.is_number()) return std::nullopt;
  if (a.is_complex() || b.is_complex()) {
    return OnComplex(op, ToComplex(a), ToComplex(b));
  }
  return OnFloats(op, ToDouble(a), ToDouble(b));
}

struct FloatFunction {
  absl::string_view name;
  double (*function)(double);
};
const FloatFunction kFloatFunctions[] = {
    {"sqrt", std::sqrt},   {"exp", std::exp},     {"log", std::log},
    {"log2", std::log2},   {"log10", std::log10}, {"log1p", std::log1p},
    {"expm1", std::expm1}, {"sin", std::sin},     {"cos", std::cos},
    {"tan", std::tan},     {"asin", std::asin},   {"acos", std::acos},
    {"atan", std::atan},   {"sinh", std::sinh},   {"cosh", std::cosh},
    {"tanh", std::tanh},
};

bool FitsInt(double d) { return d >= -9.2e18 && d <= 9.2e18; }

Result EvaluateUnary(absl::string_view op, const IValue& a) {
  if (op == "neg") {
    if (a.is_int()) return IValue(Wrap(0 - static_cast<uint64_t>(a.AsInt())));
    if (a.is_double()) return IValue(-a.AsDouble());
    if (a.is_complex()) return IValue(-a.AsComplex());
    return std::nullopt;
  }
  if (op == "__not__") {
    if (a.is_bool()) return IValue(!a.AsBool());
    return std::nullopt;
  }
  if (op == "bitwise_not") {
    if (a.is_int()) return IValue(~a.AsInt());
    return std::nullopt;
  }
  if (op == "Int") {
    if (a.is_int()) return a;
    if (a.is_bool()) return IValue(static_cast<int64_t>(a.AsBool()));
    if (a.is_double() && FitsInt(a.AsDouble())) {
      return IValue(static_cast<int64_t>(a.AsDouble()));
    }
    return std::nullopt;
  }
  if (op == "Float") {
    if (a.is_double()) return a;
    if (a.is_int()) return IValue(static_cast<double>(a.AsInt()));
    if (a.is_bool()) return IValue(a.AsBool() ? 1.0 : 0.0);
    return std::nullopt;
  }
  if (op == "Bool") {
    if (a.is_bool()) return a;
    if (a.is_int()) return IValue(a.AsInt() != 0);
    if (a.is_double()) return IValue(a.AsDouble() != 0);
    return std::nullopt;
  }
  if (op == "Complex") {
    if (a.is_number()) return IValue(ToComplex(a));
    return std::nullopt;
  }
  if (op == "abs") {
    if (a.is_int() && a.AsInt() != std::numeric_limits<int64_t>::min()) {
      return IValue(a.AsInt() < 0 ? -a.AsInt() : a.AsInt());
    }
    if (a.is_double()) return IValue(std::fabs(a.AsDouble()));
    return std::nullopt;
  }
  if (op == "len") {
    if (a.is_string()) return IValue(static_cast<int64_t>(a.AsString().size()));
    return std::nullopt;
  }
  if (op == "str") {
    if (a.is_scalar() || a.is_string() || a.is_none() || a.is_tuple()) {
      return IValue(a.ToString());
    }
    return std::nullopt;
  }
  if (op == "ord") {
    if (a.is_string() && a.AsString().size() == 1) {
      return IValue(
          static_cast<int64_t>(static_cast<unsigned char>(a.AsString()[0])));
    }
    return std::nullopt;
  }
  if (op == "device") {
    if (!a.is_string()) return std::nullopt;
    absl::StatusOr<Device> device = ParseDevice(a.AsString());
    if (!device.ok()) return std::nullopt;
    return IValue(*device);
  }
  if (op == "floor" || op == "ceil") {
    if (a.is_int()) return a;
    if (!a.is_double()) return std::nullopt;
    const double d =
        op == "floor" ? std::floor(a.AsDouble()) : std::ceil(a.AsDouble());
    if (!FitsInt(d)) return std::nullopt;
    return IValue(static_cast<int64_t>(d));
  }
  for (const FloatFunction& f : kFloatFunctions) {
    if (f.name != op) continue;
    if (!a.is_int() && !a.is_double()) return std::nullopt;
    return IValue(f.function(ToDouble(a)));
  }
  return std::nullopt;
}

Result EvaluateOperator(const Operator& op, const Values& inputs) {
  absl::string_view name = op.schema.name;
  const size_t colons = name.find("::");
  if (colons == absl::string_view::npos) return std::nullopt;
  const absl::string_view space = name.substr(0, colons);
  if (space != "aten" && space != "prim") return std::nullopt;
  name = name.substr(colons + 2);
  if (inputs.size() == 1) return EvaluateUnary(name, inputs[0]);
  if (inputs.size() == 2) return EvaluateBinary(name, inputs[0], inputs[1]);
  if (inputs.size() == 3 && inputs[0].is_int() && inputs[1].is_int() &&
      inputs[2].is_int()) {
    const int64_t a = inputs[0].AsInt();
    const int64_t b = inputs[1].AsInt();
    const int64_t step = inputs[2].AsInt();
    if (name == "__range_length" && step != 0) {
      const __int128 span = step > 0 ? static_cast<__int128>(b) - a
                                     : static_cast<__int128>(a) - b;
      const __int128 size = step > 0 ? step : -static_cast<__int128>(step);
      const __int128 length = span <= 0 ? 0 : 1 + (span - 1) / size;
      if (length > std::numeric_limits<int64_t>::max()) return std::nullopt;
      return IValue(static_cast<int64_t>(length));
    }
    if (name == "__derive_index") {
      return IValue(
          Wrap(static_cast<uint64_t>(b) +
               static_cast<uint64_t>(a) * static_cast<uint64_t>(step)));
    }
  }
  return std::nullopt;
}

std::optional<Values> EvaluateOn(const Node* node, Values inputs) {
  const auto one = [](IValue value) {
    return std::optional<Values>(Values{std::move(value)});
  };
  switch (node->kind()) {
    case NodeKind::kTupleConstruct: {
      const TypePtr& type = node->output()->type();
      return one(IValue(MakeRef<TupleObject>(
          std::move(inputs), type->is_named_tuple() ? type : nullptr)));
    }
    case NodeKind::kTupleUnpack:
      if (!inputs[0].is_tuple()) return std::nullopt;
      return inputs[0].AsTuple().values;
    case NodeKind::kTupleIndex: {
      if (!inputs[0].is_tuple() || !inputs[1].is_int()) return std::nullopt;
      const Values& values = inputs[0].AsTuple().values;
      int64_t i = inputs[1].AsInt();
      if (i < 0) i += static_cast<int64_t>(values.size());
      if (i < 0 || i >= static_cast<int64_t>(values.size())) {
        return std::nullopt;
      }
      return one(values[i]);
    }
    case NodeKind::kUncheckedCast:
      // A wrong cast is an error of the run.
      if (!inputs[0].Conforms(*node->output(0)->type())) return std::nullopt;
      return one(inputs[0]);
    case NodeKind::kEnumName:
      if (!inputs[0].is_enum()) return std::nullopt;
      return one(IValue(inputs[0].AsEnum().name));
    case NodeKind::kEnumValue:
      if (!inputs[0].is_enum()) return std::nullopt;
      return one(inputs[0].AsEnum().value);
    case NodeKind::kIsInstance: {
      for (const TypePtr& type : node->Get<std::vector<TypePtr>>("types")) {
        if (inputs[0].Conforms(*type)) return one(IValue(true));
      }
      return one(IValue(false));
    }
    case NodeKind::kOperator: {
      Result result = EvaluateOperator(*node->op(), inputs);
      if (!result.has_value()) return std::nullopt;
      return one(*std::move(result));
    }
    default:
      return std::nullopt;
  }
}

Result EvaluateWithin(const Value* value, int depth) {
  if (depth > 100) return std::nullopt;
  const Node* node = value->node();
  if (node->is(NodeKind::kConstant)) return node->constant();
  if (node->is(NodeKind::kParam) || !node->blocks().empty()) {
    return std::nullopt;
  }
  Values inputs;
  for (const Value* input : node->inputs()) {
    Result evaluated = EvaluateWithin(input, depth + 1);
    if (!evaluated.has_value()) return std::nullopt;
    inputs.push_back(*std::move(evaluated));
  }
  const TypePtr& type = value->type();
  if (node->is(NodeKind::kListConstruct) ||
      node->is(NodeKind::kEmptyListLiteral)) {
    return IValue(MakeList(type->element(), std::move(inputs)));
  }
  if (node->is(NodeKind::kDictConstruct)) {
    Ref<DictObject> dict = MakeDict(type->element(0), type->element(1));
    for (size_t i = 0; i + 1 < inputs.size(); i += 2) {
      dict->Set(inputs[i], inputs[i + 1]);
    }
    return IValue(std::move(dict));
  }
  std::optional<Values> results = EvaluateOn(node, std::move(inputs));
  if (!results.has_value() || value->index() >= results->size()) {
    return std::nullopt;
  }
  return (*results)[value->index()];
}

}  // namespace

std::optional<std::vector<IValue>> EvaluateNode(const Node* node) {
  Values inputs;
  for (const Value* input : node->inputs()) {
    if (!input->node()->is(NodeKind::kConstant)) return std::nullopt;
    inputs.push_back(input->node()->constant());
  }
  return EvaluateOn(node, std::move(inputs));
}

std::optional<IValue> EvaluateValue(const Value* value) {
  return EvaluateWithin(value, 0);
}

}  // namespace tandem::script
