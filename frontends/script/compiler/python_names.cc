#include "tandem/frontends/script/compiler/python_names.h"

#include <cmath>
#include <limits>
#include <memory>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"

namespace tandem::script {
namespace {

struct NamedInt {
  absl::string_view name;
  int64_t value;
};
constexpr int64_t Code(DType dtype) { return static_cast<int64_t>(dtype); }
// torch.NAME: dtypes, layouts, memory formats and quantization schemes are
// ints.
constexpr NamedInt kTorchInts[] = {
    {"uint8", Code(DType::kUInt8)},
    {"int8", Code(DType::kInt8)},
    {"int16", Code(DType::kInt16)},
    {"short", Code(DType::kInt16)},
    {"int32", Code(DType::kInt32)},
    {"int", Code(DType::kInt32)},
    {"int64", Code(DType::kInt64)},
    {"long", Code(DType::kInt64)},
    {"float16", Code(DType::kHalf)},
    {"half", Code(DType::kHalf)},
    {"float32", Code(DType::kFloat)},
    {"float", Code(DType::kFloat)},
    {"float64", Code(DType::kDouble)},
    {"double", Code(DType::kDouble)},
    {"complex32", Code(DType::kComplexHalf)},
    {"chalf", Code(DType::kComplexHalf)},
    {"complex64", Code(DType::kComplexFloat)},
    {"cfloat", Code(DType::kComplexFloat)},
    {"complex128", Code(DType::kComplexDouble)},
    {"cdouble", Code(DType::kComplexDouble)},
    {"bool", Code(DType::kBool)},
    {"qint8", Code(DType::kQInt8)},
    {"quint8", Code(DType::kQUInt8)},
    {"qint32", Code(DType::kQInt32)},
    {"bfloat16", Code(DType::kBFloat16)},
    {"uint16", Code(DType::kUInt16)},
    {"uint32", Code(DType::kUInt32)},
    {"uint64", Code(DType::kUInt64)},
    {"strided", 0},
    {"sparse_coo", 1},
    {"sparse_csr", 2},
    {"_mkldnn", 3},
    {"contiguous_format", 0},
    {"preserve_format", 1},
    {"channels_last", 2},
    {"channels_last_3d", 3},
    {"per_tensor_affine", 0},
    {"per_channel_affine", 1},
    {"per_tensor_symmetric", 2},
    {"per_channel_symmetric", 3},
    {"per_channel_affine_float_qparams", 4},
};

struct NamedDouble {
  absl::string_view name;
  double value;
};
constexpr NamedDouble kMathConstants[] = {
    {"pi", 3.14159265358979323846},
    {"e", 2.71828182845904523536},
    {"tau", 6.28318530717958647693},
    {"inf", std::numeric_limits<double>::infinity()},
    {"nan", std::numeric_limits<double>::quiet_NaN()},
};

struct NamedForm {
  absl::string_view name;
  Form form;
};
constexpr NamedForm kForms[] = {
    {"torch.jit.fork", Form::kFork},
    {"torch.jit._fork", Form::kFork},
    {"torch.jit.annotate", Form::kAnnotate},
    {"torch.jit.isinstance", Form::kIsInstance},
    {"torch.jit._awaitable", Form::kAwaitable},
    {"builtins.reversed", Form::kReversed},
};

struct NamedOperator {
  absl::string_view name;
  const char* op;
};
constexpr NamedOperator kOperators[] = {
    {"torch.jit.wait", "aten::wait"},
    {"torch.jit._wait", "aten::wait"},
    {"torch.jit.is_scripting", "aten::is_scripting"},
    {"torch.jit._unwrap_optional", "aten::_unwrap_optional"},
    {"warnings.warn", "aten::warn"},
    {"math.remainder", "aten::mathremainder"},
    {"torch.autograd.grad", "aten::grad"},
    {"torch.autograd.backward", "aten::backward"},
    {"torch.random.manual_seed", "aten::manual_seed"},
    {"torch._shape_as_tensor", "aten::_shape_as_tensor"},
    {"torch.nn.functional.linear", "aten::linear"},
    {"torch.nn.functional.bilinear", "aten::bilinear"},
    {"torch.nn.functional.conv1d", "aten::conv1d"},
    {"torch.nn.functional.conv2d", "aten::conv2d"},
    {"torch.nn.functional.conv3d", "aten::conv3d"},
    {"torch.nn.functional.conv_transpose1d", "aten::conv_transpose1d"},
    {"torch.nn.functional.conv_transpose2d", "aten::conv_transpose2d"},
    {"torch.nn.functional.conv_transpose3d", "aten::conv_transpose3d"},
    {"torch.nn.functional.conv_tbc", "aten::conv_tbc"},
    {"torch.nn.functional.avg_pool1d", "aten::avg_pool1d"},
    {"torch.nn.functional.avg_pool2d", "aten::avg_pool2d"},
    {"torch.nn.functional.avg_pool3d", "aten::avg_pool3d"},
    {"torch.nn.functional.adaptive_avg_pool1d", "aten::adaptive_avg_pool1d"},
    {"torch.nn.functional.gelu", "aten::gelu"},
    {"torch.nn.functional.softplus", "aten::softplus"},
    {"torch.nn.functional.softshrink", "aten::softshrink"},
    {"torch.nn.functional.hardshrink", "aten::hardshrink"},
    {"torch.nn.functional.logsigmoid", "aten::log_sigmoid"},
    {"torch.nn.functional.prelu", "aten::prelu"},
    {"torch.nn.functional.one_hot", "aten::one_hot"},
    {"torch.nn.functional.pixel_shuffle", "aten::pixel_shuffle"},
    {"torch.nn.functional.pixel_unshuffle", "aten::pixel_unshuffle"},
    {"torch.nn.functional.channel_shuffle", "aten::channel_shuffle"},
    {"torch.nn.functional.native_channel_shuffle",
     "aten::native_channel_shuffle"},
    {"torch.nn.functional.pairwise_distance", "aten::pairwise_distance"},
    {"torch.nn.functional.pdist", "aten::pdist"},
    {"torch.nn.functional.cosine_similarity", "aten::cosine_similarity"},
    {"torch.nn.functional.scaled_dot_product_attention",
     "aten::scaled_dot_product_attention"},
};

constexpr absl::string_view kModules[] = {
    "torch",
    "torch.nn",
    "torch.nn.functional",
    "torch.jit",
    "torch.autograd",
    "torch.linalg",
    "torch.fft",
    "torch.special",
    "torch.random",
    "torch.ops",
    "torch._C",
    "torch._C._nn",
    "torch.backends",
    "math",
    "cmath",
    "typing",
    "warnings",
    "enum",
    "torch.profiler",
    "torch.nn.init",
    "torch.nn.modules",
    "torch.utils",
    "torch.autograd.profiler",
    "torch.autograd.grad_mode",
};

// What Python has and TorchScript has not.
constexpr absl::string_view kPythonBuiltins[] = {
    "__import__", "ascii",       "breakpoint", "bytearray",  "bytes",
    "callable",   "classmethod", "compile",    "delattr",    "dir",
    "eval",       "exec",        "filter",     "format",     "frozenset",
    "globals",    "help",        "input",      "issubclass", "iter",
    "locals",     "map",         "memoryview", "next",       "object",
    "open",       "property",    "repr",       "set",        "setattr",
    "slice",      "super",       "type",       "vars",
};

constexpr absl::string_view kExceptions[] = {
    "Exception",           "BaseException", "ArithmeticError",
    "AttributeError",      "EOFError",      "FloatingPointError",
    "ImportError",         "IndexError",    "KeyError",
    "LookupError",         "MemoryError",   "NameError",
    "NotImplementedError", "OSError",       "OverflowError",
    "RuntimeError",        "StopIteration", "SystemError",
    "TypeError",           "UnicodeError",  "ValueError",
    "ZeroDivisionError",
};

Sugared Builtin(std::string name) {
  return std::make_shared<BuiltinFunction>(std::move(name));
}

}  // namespace

absl::Status PythonBuiltinError(FunctionCompiler& f, const SourceRange& range,
                                absl::string_view name) {
  return f.Error(range, "Python builtin <built-in function ", name,
                 "> is currently not supported in Torchscript");
}

bool IsPythonBuiltin(absl::string_view name) {
  for (const absl::string_view known : kPythonBuiltins) {
    if (known == name) return true;
  }
  return false;
}

bool IsPythonModule(absl::string_view qualified_name) {
  for (const absl::string_view module : kModules) {
    if (module == qualified_name) return true;
  }
  return absl::StartsWith(qualified_name, "torch.ops.");
}

Sugared PythonException(absl::string_view name) {
  for (const absl::string_view exception : kExceptions) {
    if (exception == name) {
      return std::make_shared<ExceptionValue>(std::string(name),
                                              absl::StrCat("builtins.", name));
    }
  }
  return nullptr;
}

absl::StatusOr<Sugared> PythonName(absl::string_view qualified_name,
                                   FunctionCompiler& f,
                                   const SourceRange& range) {
  for (const NamedForm& entry : kForms) {
    if (entry.name == qualified_name) {
      return Sugared(std::make_shared<SpecialForm>(entry.form));
    }
  }
  for (const NamedOperator& entry : kOperators) {
    if (entry.name == qualified_name) return Builtin(entry.op);
  }
  absl::string_view name = qualified_name;
  if (absl::ConsumePrefix(&name, "math.")) {
    for (const NamedDouble& entry : kMathConstants) {
      if (entry.name == name) {
        return Simple(f.InsertConstant(entry.value, range));
      }
    }
    const std::string op = absl::StrCat("aten::", name);
    for (const Operator* overload : f.operators().Overloads(op)) {
      if (!overload->schema.arguments.empty() &&
          !overload->schema.arguments[0].type->is(TypeKind::kTensor)) {
        return Builtin(op);
      }
    }
    for (const absl::string_view known :
         {"log2", "exp2", "cbrt", "comb", "dist", "fsum", "hypot", "isclose",
          "isqrt", "lcm", "nextafter", "perm", "prod", "sumprod", "trunc",
          "ulp"}) {
      if (name == known) return PythonBuiltinError(f, range, name);
    }
    return Sugared();
  }
  if (absl::ConsumePrefix(&name, "torch.ops.")) {
    const size_t dot = name.find('.');
    if (dot == absl::string_view::npos) return Sugared();
    const std::string op =
        absl::StrCat(name.substr(0, dot), "::", name.substr(dot + 1));
    if (f.operators().Overloads(op).empty()) return Sugared();
    return Builtin(op);
  }
  if (!absl::ConsumePrefix(&name, "torch.")) return Sugared();
  for (const NamedInt& entry : kTorchInts) {
    if (entry.name == name) {
      return Simple(f.InsertConstant(entry.value, range));
    }
  }
  for (const NamedDouble& entry : kMathConstants) {
    if (entry.name == name) {
      return Simple(f.InsertConstant(entry.value, range));
    }
  }
  std::string op = absl::StrCat("aten::", name);
  absl::string_view member = name;
  if (absl::ConsumePrefix(&member, "linalg.")) {
    op = absl::StrCat("aten::linalg_", member);
  } else if (absl::ConsumePrefix(&member, "fft.")) {
    op = absl::StrCat("aten::fft_", member);
  } else if (absl::ConsumePrefix(&member, "special.")) {
    op = absl::StrCat("aten::special_", member);
  } else if (absl::ConsumePrefix(&member, "_C._nn.")) {
    op = absl::StrCat("aten::", member);
  } else if (absl::StrContains(name, '.')) {
    return Sugared();
  }
  if (f.operators().Overloads(op).empty()) return Sugared();
  return Builtin(op);
}

}  // namespace tandem::script
