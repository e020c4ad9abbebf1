#include "tandem/frontends/symbolic/targets.h"

#include <algorithm>
#include <iterator>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"

namespace tandem::fx {
namespace {

// Operators that Python has in torch._C._nn and not in torch.
constexpr absl::string_view kNnFunctions[] = {
    "_conv_depthwise2d",
    "_pad_circular",
    "_pad_enum",
    "_test_ambiguous_defaults",
    "_test_optional_filled_intlist",
    "_test_optional_floatlist",
    "_test_optional_intlist",
    "_test_string_default",
    "_test_warn_in_autograd",
    "_upsample_bicubic2d_aa",
    "_upsample_bilinear2d_aa",
    "_upsample_lanczos2d_aa",
    "_upsample_nearest_exact1d",
    "_upsample_nearest_exact2d",
    "_upsample_nearest_exact3d",
    "adaptive_avg_pool2d",
    "adaptive_avg_pool3d",
    "adaptive_max_pool2d",
    "adaptive_max_pool3d",
    "avg_pool2d",
    "avg_pool3d",
    "binary_cross_entropy",
    "col2im",
    "conv_depthwise3d",
    "cross_entropy_loss",
    "elu",
    "elu_",
    "flatten_dense_tensors",
    "fractional_max_pool2d",
    "fractional_max_pool3d",
    "gelu",
    "gelu_",
    "glu",
    "hardsigmoid",
    "hardsigmoid_",
    "hardswish",
    "hardswish_",
    "hardtanh",
    "hardtanh_",
    "huber_loss",
    "im2col",
    "l1_loss",
    "leaky_relu",
    "leaky_relu_",
    "linear",
    "log_sigmoid",
    "max_pool2d_with_indices",
    "max_pool3d_with_indices",
    "max_unpool2d",
    "max_unpool3d",
    "mish",
    "mish_",
    "mkldnn_linear",
    "mkldnn_reorder_conv2d_weight",
    "mkldnn_reorder_conv3d_weight",
    "mse_loss",
    "multi_margin_loss",
    "multilabel_margin_loss",
    "nll_loss",
    "nll_loss2d",
    "nll_loss_nd",
    "one_hot",
    "pad",
    "pad_sequence",
    "reflection_pad1d",
    "reflection_pad2d",
    "reflection_pad3d",
    "relu6",
    "relu6_",
    "replication_pad1d",
    "replication_pad2d",
    "replication_pad3d",
    "rrelu_with_noise",
    "rrelu_with_noise_",
    "scaled_dot_product_attention",
    "silu",
    "silu_",
    "slow_conv3d",
    "slow_conv_dilated2d",
    "slow_conv_dilated3d",
    "slow_conv_transpose2d",
    "slow_conv_transpose3d",
    "smooth_l1_loss",
    "soft_margin_loss",
    "softplus",
    "softshrink",
    "thnn_conv2d",
    "unflatten_dense_tensors",
    "upsample_bicubic2d",
    "upsample_bilinear2d",
    "upsample_linear1d",
    "upsample_nearest1d",
    "upsample_nearest2d",
    "upsample_nearest3d",
    "upsample_trilinear3d",
};

// Functions of torch that are written in Python.
constexpr absl::string_view kPythonFunctions[] = {
    "atleast_1d",
    "atleast_2d",
    "atleast_3d",
    "block_diag",
    "broadcast_shapes",
    "broadcast_tensors",
    "cartesian_prod",
    "cdist",
    "chain_matmul",
    "einsum",
    "meshgrid",
    "norm",
    "split",
    "stft",
    "tensordot",
    "unique_consecutive",
};

// Draw random numbers.
constexpr absl::string_view kRandomFunctions[] = {
    "alpha_dropout",   "bernoulli",    "dropout",
    "dropout1d",       "dropout2d",    "dropout3d",
    "feature_dropout", "multinomial",  "normal",
    "poisson",         "rand",         "rand_like",
    "randint",         "randint_like", "randn",
    "randn_like",      "randperm",     "rrelu",
};

struct Symbol {
  absl::string_view name;           // in Python's module operator
  absl::string_view operator_name;  // in the table, after "aten::"
  absl::string_view format;
};
constexpr Symbol kSymbols[] = {
    {"add", "add", "{} + {}"},
    {"sub", "sub", "{} - {}"},
    {"mul", "mul", "{} * {}"},
    {"truediv", "div", "{} / {}"},
    {"floordiv", "floor_divide", "{} // {}"},
    {"mod", "remainder", "{} % {}"},
    {"pow", "pow", "{} ** {}"},
    {"lshift", "__lshift__", "{} << {}"},
    {"rshift", "__rshift__", "{} >> {}"},
    {"and_", "__and__", "{} & {}"},
    {"or_", "__or__", "{} | {}"},
    {"xor", "__xor__", "{} ^ {}"},
    {"matmul", "matmul", "{} @ {}"},
    {"eq", "eq", "{} == {}"},
    {"ne", "ne", "{} != {}"},
    {"lt", "lt", "{} < {}"},
    {"gt", "gt", "{} > {}"},
    {"le", "le", "{} <= {}"},
    {"ge", "ge", "{} >= {}"},
    {"neg", "neg", "-{}"},
    {"pos", "positive", "+{}"},
    {"invert", "bitwise_not", "~{}"},
    {"abs", "abs", ""},
    // Not of tensors alone.
    {"getitem", "", "{}[{}]"},
};
// What x += y of a proxy becomes: it rebinds x.
struct Rebinding {
  absl::string_view operator_name;
  absl::string_view symbol;
};
constexpr Rebinding kRebindings[] = {
    {"add_", "add"},           {"sub_", "sub"},
    {"mul_", "mul"},           {"div_", "truediv"},
    {"remainder_", "mod"},     {"pow_", "pow"},
    {"__iand__", "and_"},      {"__ior__", "or_"},
    {"__ixor__", "xor"},       {"__ilshift__", "lshift"},
    {"__irshift__", "rshift"}, {"floor_divide_", "floordiv"},
};
constexpr Symbol kInplaceSymbols[] = {
    {"iadd", "add_", "{} += {}"},
    {"isub", "sub_", "{} -= {}"},
    {"imul", "mul_", "{} *= {}"},
    {"itruediv", "div_", "{} /= {}"},
    {"ifloordiv", "floor_divide_", "{} //= {}"},
    {"imod", "remainder_", "{} %= {}"},
    {"ipow", "pow_", "{} **= {}"},
    {"ilshift", "__ilshift__", "{} <<= {}"},
    {"irshift", "__irshift__", "{} >>= {}"},
    {"iand", "__iand__", "{} &= {}"},
    {"ior", "__ior__", "{} |= {}"},
    {"ixor", "__ixor__", "{} ^= {}"},
    {"imatmul", "", "{} @= {}"},
    {"setitem", "", "{}[{}] = {}"},
};

template <size_t N>
const Symbol* FindSymbol(const Symbol (&table)[N], absl::string_view target) {
  if (!absl::ConsumePrefix(&target, "operator.") &&
      !absl::ConsumePrefix(&target, "_operator.")) {
    return nullptr;
  }
  for (const Symbol& s : table) {
    if (s.name == target) return &s;
  }
  return nullptr;
}

template <size_t N>
bool Contains(const absl::string_view (&table)[N], absl::string_view name) {
  return std::find(std::begin(table), std::end(table), name) != std::end(table);
}

}  // namespace

std::string FunctionTarget(absl::string_view operator_name) {
  absl::string_view name = operator_name;
  if (!absl::ConsumePrefix(&name, "aten::")) {
    std::string path(operator_name);
    const size_t colons = path.find("::");
    if (colons != std::string::npos) path.replace(colons, 2, ".");
    return absl::StrCat("torch.ops.", path);
  }
  if (Contains(kNnFunctions, name)) {
    return absl::StrCat("torch._C._nn.", name);
  }
  if (Contains(kPythonFunctions, name)) {
    return absl::StrCat("torch.functional.", name);
  }
  for (absl::string_view module : {"fft", "linalg", "special"}) {
    if (absl::StartsWith(name, absl::StrCat(module, "_"))) {
      return absl::StrCat("torch._C._", module, ".", name);
    }
  }
  return absl::StrCat("torch.", name);
}

std::string SymbolTarget(absl::string_view operator_name) {
  absl::string_view name = operator_name;
  if (!absl::ConsumePrefix(&name, "aten::") || name.empty()) return "";
  if (name == "rsub") return "operator.sub";
  for (const Rebinding& r : kRebindings) {
    if (r.operator_name == name) return absl::StrCat("operator.", r.symbol);
  }
  for (const Symbol& s : kSymbols) {
    if (s.operator_name == name) return absl::StrCat("operator.", s.name);
  }
  return "";
}

std::string OperatorName(absl::string_view target) {
  for (const Symbol* s :
       {FindSymbol(kSymbols, target), FindSymbol(kInplaceSymbols, target)}) {
    if (s == nullptr) continue;
    return s->operator_name.empty() ? ""
                                    : absl::StrCat("aten::", s->operator_name);
  }
  if (absl::ConsumePrefix(&target, "torch.ops.")) {
    const size_t point = target.find('.');
    if (point == absl::string_view::npos) return "";
    absl::string_view name = target.substr(point + 1);
    return absl::StrCat(target.substr(0, point),
                        "::", name.substr(0, name.find('.')));
  }
  for (absl::string_view prefix :
       {"torch._C._nn.", "torch._C._fft.", "torch._C._linalg.",
        "torch._C._special.", "torch.nn.functional.", "torch.functional.",
        "torch.Tensor.", "torch."}) {
    absl::string_view name = target;
    if (absl::ConsumePrefix(&name, prefix) &&
        name.find('.') == absl::string_view::npos) {
      return absl::StrCat("aten::", name);
    }
  }
  for (absl::string_view module : {"fft", "linalg", "special"}) {
    absl::string_view name = target;
    if (absl::ConsumePrefix(&name, absl::StrCat("torch.", module, "."))) {
      return absl::StrCat("aten::", module, "_", name);
    }
  }
  return "";
}

absl::string_view SymbolFormat(absl::string_view target) {
  const Symbol* s = FindSymbol(kSymbols, target);
  return s == nullptr ? "" : s->format;
}

absl::string_view InplaceFormat(absl::string_view target) {
  const Symbol* s = FindSymbol(kInplaceSymbols, target);
  return s == nullptr ? "" : s->format;
}

std::string FunctionRepr(absl::string_view target) {
  const size_t point = target.rfind('.');
  const bool has_module = point != absl::string_view::npos;
  const absl::string_view name = has_module ? target.substr(point + 1) : target;
  const absl::string_view module = has_module ? target.substr(0, point) : "";
  if (module == "operator" || module == "_operator" || module == "builtins" ||
      absl::StartsWith(module, "torch._C.")) {
    return absl::StrCat("<built-in function ", name, ">");
  }
  if (module == "torch" && !absl::StartsWith(name, "_assert")) {
    return absl::StrCat("<built-in method ", name, " of type object>");
  }
  return absl::StrCat("<function ", name, ">");
}

bool IsImpureFunction(absl::string_view target) {
  if (target == "operator.setitem" || target == "torch._assert") return true;
  const std::string name = OperatorName(target);
  absl::string_view bare = name;
  return absl::ConsumePrefix(&bare, "aten::") &&
         Contains(kRandomFunctions, bare);
}

}  // namespace tandem::fx
