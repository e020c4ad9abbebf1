// Shape functions of elementwise operators.
#include "tandem/ir/operators/promotion.h"
#include "tandem/ir/operators/shape_function_tables.h"
#include "tandem/tensor/status_macros.h"

namespace tandem::shape_functions {
namespace {

// Which of the operands decide the dtype, and what it becomes.
enum class Rule { kSelf, kFloat, kPromote, kPromoteFloat, kBool };

// Numbers that take part in promotion, by the name of their argument.
bool IsOperand(absl::string_view name) {
  return name == "self" || name == "other" || name == "min" || name == "max" ||
         name == "exponent" || name == "end";
}

absl::StatusOr<ShapeResults> Elementwise(const ShapeArguments& a, Rule rule) {
  std::vector<Tensor> operands;
  ResultType type;
  bool with_number = false;
  const auto& arguments = a.op().schema.arguments;
  for (size_t i = 0; i < a.values().size() && i < arguments.size(); ++i) {
    const IValue& v = a.values()[i];
    if (v.is_tensor()) {
      if (!v.AsTensor().defined()) continue;
      operands.push_back(v.AsTensor());
      // Conditions and masks are shapes, not values.
      if (arguments[i].name != "condition" && arguments[i].name != "mask") {
        type.Add(v.AsTensor());
      }
    } else if (v.is_scalar() && !v.is_none() && IsOperand(arguments[i].name) &&
               arguments[i].type->ToString().find("Scalar") !=
                   std::string::npos) {
      with_number = true;
      if (v.is_int()) type.Add(Scalar(v.AsInt()));
      if (v.is_double()) type.Add(Scalar(v.AsDouble()));
      if (v.is_bool()) type.Add(Scalar(v.AsBool()));
      if (v.is_complex()) return Unknown();
    }
  }
  if (operands.empty()) return Unknown();
  DType dtype = operands[0].dtype();
  if (rule != Rule::kSelf) {
    TANDEM_ASSIGN_OR_RETURN(dtype, type.Get());
  }
  if (rule == Rule::kBool) {
    dtype = DType::kBool;
  } else if ((rule == Rule::kFloat || rule == Rule::kPromoteFloat) &&
             IsIntegral(dtype, /*include_bool=*/true)) {
    dtype = DType::kFloat;
  }
  TANDEM_ASSIGN_OR_RETURN(const Dims sizes, BroadcastSizes(operands));
  return One(sizes, PointwiseStrides(operands, sizes, with_number), dtype);
}

absl::StatusOr<ShapeResults> Same(const ShapeArguments& a) {
  return Elementwise(a, Rule::kSelf);
}
absl::StatusOr<ShapeResults> ToFloat(const ShapeArguments& a) {
  return Elementwise(a, Rule::kFloat);
}
absl::StatusOr<ShapeResults> Promote(const ShapeArguments& a) {
  return Elementwise(a, Rule::kPromote);
}
absl::StatusOr<ShapeResults> PromoteFloat(const ShapeArguments& a) {
  return Elementwise(a, Rule::kPromoteFloat);
}
absl::StatusOr<ShapeResults> Test(const ShapeArguments& a) {
  return Elementwise(a, Rule::kBool);
}

// With rounding_mode, div keeps integers.
absl::StatusOr<ShapeResults> Divide(const ShapeArguments& a) {
  return Elementwise(a, a.Find("rounding_mode") != nullptr
                            ? Rule::kPromote
                            : Rule::kPromoteFloat);
}

// max(Tensor) and max.dim are reductions.
absl::StatusOr<ShapeResults> Where(const ShapeArguments& a) {
  if (a.overload().empty()) return Unknown();  // a list of indices
  return Elementwise(a, Rule::kPromote);
}

absl::StatusOr<ShapeResults> Absolute(const ShapeArguments& a) {
  if (a.self().defined() && IsComplex(a.self().dtype())) return Unknown();
  return Elementwise(a, Rule::kSelf);
}

absl::StatusOr<ShapeResults> Glu(const ShapeArguments& a) {
  if (!a.self().defined()) return Unknown();
  TANDEM_ASSIGN_OR_RETURN(const int64_t dim,
                          WrapDim(a.integer("dim", -1), a.self().dim()));
  Dims sizes(a.self().sizes().begin(), a.self().sizes().end());
  if (sizes.empty()) return Unknown();
  sizes[static_cast<size_t>(dim)] /= 2;
  return One(sizes, a.self().dtype(), /*strides_known=*/false);
}

constexpr absl::string_view kSame[] = {"neg",
                                       "negative",
                                       "positive",
                                       "relu",
                                       "relu6",
                                       "hardtanh",
                                       "leaky_relu",
                                       "elu",
                                       "selu",
                                       "celu",
                                       "gelu",
                                       "silu",
                                       "mish",
                                       "softplus",
                                       "softshrink",
                                       "hardshrink",
                                       "hardswish",
                                       "hardsigmoid",
                                       "log_sigmoid",
                                       "threshold",
                                       "ceil",
                                       "floor",
                                       "round",
                                       "trunc",
                                       "fix",
                                       "frac",
                                       "sign",
                                       "sgn",
                                       "square",
                                       "bitwise_not",
                                       "nan_to_num",
                                       "masked_fill",
                                       "dropout",
                                       "alpha_dropout",
                                       "feature_dropout",
                                       "prelu",
                                       "conj_physical"};
constexpr absl::string_view kFloat[] = {
    "exp",     "exp2",       "expm1",   "log",           "log2",       "log10",
    "log1p",   "sqrt",       "rsqrt",   "sin",           "cos",        "tan",
    "asin",    "acos",       "atan",    "sinh",          "cosh",       "tanh",
    "asinh",   "acosh",      "atanh",   "erf",           "erfc",       "erfinv",
    "sigmoid", "reciprocal", "lgamma",  "digamma",       "sinc",       "logit",
    "i0",      "rad2deg",    "deg2rad", "special_expit", "special_erf"};
constexpr absl::string_view kPromote[] = {
    "add",       "sub",       "subtract",    "mul",          "multiply",
    "rsub",      "remainder", "fmod",        "maximum",      "minimum",
    "fmax",      "fmin",      "clamp",       "clip",         "clamp_min",
    "clamp_max", "pow",       "bitwise_and", "bitwise_or",   "bitwise_xor",
    "__and__",   "__or__",    "__xor__",     "floor_divide", "lerp",
    "addcmul",   "addcdiv",   "gcd",         "lcm",          "hypot"};
constexpr absl::string_view kPromoteFloat[] = {"true_divide", "atan2",
                                               "arctan2", "xlogy"};
constexpr absl::string_view kDivide[] = {"div", "divide"};
constexpr absl::string_view kTest[] = {
    "eq",        "ne",          "lt",         "le",          "gt",
    "ge",        "less",        "greater",    "less_equal",  "greater_equal",
    "not_equal", "logical_and", "logical_or", "logical_not", "logical_xor",
    "isnan",     "isinf",       "isfinite",   "signbit",     "isclose"};
constexpr absl::string_view kWhere[] = {"where"};
constexpr absl::string_view kAbsolute[] = {"abs", "absolute"};
constexpr absl::string_view kGlu[] = {"glu"};

constexpr Entry kEntries[] = {
    {&Same, kSame},       {&ToFloat, kFloat},
    {&Promote, kPromote}, {&PromoteFloat, kPromoteFloat},
    {&Divide, kDivide},   {&Test, kTest},
    {&Where, kWhere},     {&Absolute, kAbsolute},
    {&Glu, kGlu},
};

}  // namespace

absl::Span<const Entry> Pointwise() { return kEntries; }

}  // namespace tandem::shape_functions
