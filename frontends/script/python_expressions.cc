// Expressions of interpreted Python.
#include <cmath>
#include <complex>
#include <optional>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/strip.h"
#include "tandem/frontends/script/compiler/python_names.h"
#include "tandem/frontends/script/compiler/type_parser.h"
#include "tandem/frontends/script/python_interpreter.h"
#include "tandem/frontends/script/token.h"
#include "tandem/tensor/status_macros.h"

namespace tandem::script {
namespace {

absl::string_view OperatorText(int op) {
  switch (op) {
    case kEq:
      return "==";
    case kNe:
      return "!=";
    case kLe:
      return "<=";
    case kGe:
      return ">=";
    case kIn:
      return "in";
    case kFloorDiv:
      return "//";
    case kPow:
      return "**";
    case kLShift:
      return "<<";
    case kRShift:
      return ">>";
    case '+':
      return "+";
    case '-':
      return "-";
    case '*':
      return "*";
    case '/':
      return "/";
    case '%':
      return "%";
    case '@':
      return "@";
    case '<':
      return "<";
    case '>':
      return ">";
    case '&':
      return "&";
    case '|':
      return "|";
    case '^':
      return "^";
    default:
      return "?";
  }
}

// A number as NumberExpr has it; nothing if it is out of range.
std::optional<IValue> ParseNumber(absl::string_view text) {
  const std::string plain = absl::StrReplaceAll(text, {{"_", ""}});
  const bool prefixed =
      plain.size() > 1 && plain[0] == '0' &&
      (plain[1] == 'x' || plain[1] == 'X' || plain[1] == 'b' ||
       plain[1] == 'B' || plain[1] == 'o' || plain[1] == 'O');
  if (!prefixed && (plain.back() == 'j' || plain.back() == 'J')) {
    double imaginary = 0;
    if (!absl::SimpleAtod(plain.substr(0, plain.size() - 1), &imaginary)) {
      return std::nullopt;
    }
    return IValue(std::complex<double>(0, imaginary));
  }
  if (!prefixed && plain.find_first_of(".eE") != std::string::npos) {
    double value = 0;
    if (!absl::SimpleAtod(plain, &value)) return std::nullopt;
    return IValue(value);
  }
  uint64_t base = 10;
  std::string digits = plain;
  if (prefixed) {
    const char kind = plain[1] | 0x20;
    base = kind == 'x' ? 16 : kind == 'b' ? 2 : 8;
    digits = plain.substr(2);
  }
  uint64_t value = 0;
  for (const char c : digits) {
    const uint64_t digit =
        absl::ascii_isdigit(c) ? c - '0' : (c | 0x20) - 'a' + 10;
    if (value > (INT64_MAX - digit) / base) return std::nullopt;
    value = value * base + digit;
  }
  return IValue(static_cast<int64_t>(value));
}

bool IsConstantName(absl::string_view name) {
  if (absl::ConsumePrefix(&name, "math.")) {
    return name == "pi" || name == "e" || name == "inf" || name == "nan" ||
           name == "tau";
  }
  if (!absl::ConsumePrefix(&name, "torch.")) return false;
  for (const absl::string_view known : {"uint8",
                                        "int8",
                                        "int16",
                                        "short",
                                        "int32",
                                        "int",
                                        "int64",
                                        "long",
                                        "float16",
                                        "half",
                                        "float32",
                                        "float",
                                        "float64",
                                        "double",
                                        "complex64",
                                        "cfloat",
                                        "complex128",
                                        "cdouble",
                                        "bool",
                                        "bfloat16",
                                        "strided",
                                        "contiguous_format",
                                        "preserve_format",
                                        "channels_last",
                                        "channels_last_3d",
                                        "pi",
                                        "e",
                                        "inf",
                                        "nan",
                                        "uint16",
                                        "uint32",
                                        "uint64",
                                        "qint8",
                                        "quint8",
                                        "qint32"}) {
    if (name == known) return true;
  }
  return false;
}

bool IsNumber(const Py& value) {
  return value->is(PyObject::Kind::kValue) &&
         (value->value.is_int() || value->value.is_double() ||
          value->value.is_bool());
}
bool IsInteger(const Py& value) {
  return value->is(PyObject::Kind::kValue) &&
         (value->value.is_int() || value->value.is_bool());
}
int64_t Integer(const Py& value) { return value->value.AsInt(); }
double Real(const Py& value) {
  return value->value.is_double() ? value->value.AsDouble()
                                  : static_cast<double>(Integer(value));
}

}  // namespace

absl::StatusOr<Py> PythonInterpreter::EvaluateIn(PythonFile* file,
                                                 const SyntaxTree& tree,
                                                 const Expr& expr) {
  auto frame = std::make_shared<PyFrame>();
  frame->file = file;
  frame->tree = &tree;
  return Evaluate(expr, frame);
}

absl::StatusOr<Py> PythonInterpreter::QualifiedName(const std::string& name,
                                                    const SourceRange& range) {
  std::string rest;
  // Functions are compiled where they can be, for the speed of many.
  if (PythonFile* file = modules_.FindLibrary(name, &rest)) {
    if (absl::StartsWith(name, "torch.nn.") &&
        !absl::StartsWith(name, "torch.nn.functional.")) {
      return FileName(*file, rest, range);
    }
  }
  if (IsConstantName(name)) return Compiled(name, {}, range);
  return PyQualified(name);
}

absl::StatusOr<Py> PythonInterpreter::FileName(PythonFile& file,
                                               absl::string_view name,
                                               const SourceRange& range) {
  const auto found = file.definitions_.find(name);
  if (found != file.definitions_.end()) {
    const PythonFile::Definition& definition = found->second;
    if (!definition.status.ok()) return definition.status;
    const bool is_def = definition.stmt->kind == StmtKind::kDef;
    Py object = std::make_shared<PyObject>(is_def ? PyObject::Kind::kFunction
                                                  : PyObject::Kind::kClass);
    object->file = &file;
    object->tree = definition.tree;
    if (is_def) {
      object->def = definition.stmt->As<DefStmt>();
    } else {
      object->cls = {&file, definition.stmt->As<ClassStmt>()};
    }
    return object;
  }
  const auto import = file.imports_.find(name);
  if (import != file.imports_.end()) {
    return QualifiedName(import->second, range);
  }
  const auto global = file.globals_.find(name);
  if (global != file.globals_.end()) {
    const std::string key = absl::StrCat(file.module_, ":", name);
    const auto known = globals_.find(key);
    if (known != globals_.end()) {
      if (known->second == nullptr) {
        return Error(range, "'", name, "' is defined by itself");
      }
      return known->second;
    }
    if (global->second.assignments != 1 || global->second.value == nullptr) {
      return Error(range, "the file sets '", name,
                   "' more than once, or where it is not known what it becomes"
                   ": only Python could run that");
    }
    globals_[key] = nullptr;
    TANDEM_ASSIGN_OR_RETURN(Py value, EvaluateIn(&file, *global->second.tree,
                                                 *global->second.value));
    globals_[key] = value;
    return value;
  }
  if (!file.module_.empty()) {
    const std::string full = absl::StrCat(file.module_, ".", name);
    std::string rest;
    if (modules_.FindLibrary(full, &rest) != nullptr) {
      return QualifiedName(full, range);
    }
  }
  return PyQualified(absl::StrCat("builtins.", name));
}

absl::StatusOr<Py> PythonInterpreter::EvaluateName(absl::string_view name,
                                                   const Frame& frame,
                                                   const SourceRange& range) {
  for (const PyFrame* at = frame.get(); at != nullptr; at = at->outer.get()) {
    const auto found = at->locals.find(name);
    if (found != at->locals.end()) return found->second;
  }
  return FileName(*frame->file, name, range);
}

absl::StatusOr<PyArguments> PythonInterpreter::EvaluateArguments(
    const CallExpr& call, const Frame& frame) {
  PyArguments args;
  const SourceRange range = frame->tree->Range(call.span);
  for (const Expr* input : call.inputs) {
    if (const auto* starred = input->As<StarredExpr>()) {
      TANDEM_ASSIGN_OR_RETURN(const Py value, Evaluate(*starred->value, frame));
      TANDEM_ASSIGN_OR_RETURN(std::vector<Py> parts, Iterate(value, range));
      args.positional.insert(args.positional.end(), parts.begin(), parts.end());
      continue;
    }
    if (const auto* generator = input->As<ListComprehensionExpr>()) {
      // f(x for x in y): all at once.
      TANDEM_ASSIGN_OR_RETURN(Py list, Evaluate(*generator, frame));
      args.positional.push_back(std::move(list));
      continue;
    }
    TANDEM_ASSIGN_OR_RETURN(Py value, Evaluate(*input, frame));
    args.positional.push_back(std::move(value));
  }
  for (const Keyword& keyword : call.keywords) {
    TANDEM_ASSIGN_OR_RETURN(Py value, Evaluate(*keyword.value, frame));
    if (!keyword.name.name.empty()) {
      args.named.emplace_back(keyword.name.name, std::move(value));
      continue;
    }
    if (!value->is(PyObject::Kind::kDict)) {
      return Error(range, "TypeError: argument after ** must be a mapping");
    }
    for (const auto& [key, item] : value->entries) {
      if (!key->is_string()) {
        return Error(range, "TypeError: keywords must be strings");
      }
      args.named.emplace_back(key->value.AsString(), item);
    }
  }
  return args;
}

absl::StatusOr<Py> PythonInterpreter::EvaluateCall(const CallExpr& call,
                                                   const Frame& frame) {
  const SourceRange range = frame->tree->Range(call.span);
  if (const auto* name = call.callee->As<NameExpr>();
      name != nullptr && name->name == "super") {
    Py object = std::make_shared<PyObject>(PyObject::Kind::kSuper);
    for (const PyFrame* at = frame.get(); at != nullptr; at = at->outer.get()) {
      if (at->self == nullptr) continue;
      object->self = at->self;
      object->cls = at->cls;
      break;
    }
    if (call.inputs.size() == 2) {
      TANDEM_ASSIGN_OR_RETURN(const Py cls, Evaluate(*call.inputs[0], frame));
      TANDEM_ASSIGN_OR_RETURN(object->self, Evaluate(*call.inputs[1], frame));
      object->cls = cls->cls;
    }
    if (object->self == nullptr) {
      return Error(range, "RuntimeError: super(): no arguments");
    }
    return object;
  }
  TANDEM_ASSIGN_OR_RETURN(const Py callee, Evaluate(*call.callee, frame));
  TANDEM_ASSIGN_OR_RETURN(PyArguments args, EvaluateArguments(call, frame));
  return Call(callee, std::move(args), range);
}

absl::Status PythonInterpreter::Comprehend(
    const Expr& target, const Expr& iterable, List<const Expr*> conditions,
    List<ComprehensionFor> more, const Frame& frame,
    const std::function<absl::Status(const Frame&)>& element) {
  const SourceRange range = frame->tree->Range(iterable.span);
  TANDEM_ASSIGN_OR_RETURN(const Py over, Evaluate(iterable, frame));
  TANDEM_ASSIGN_OR_RETURN(const std::vector<Py> items, Iterate(over, range));
  for (const Py& item : items) {
    TANDEM_RETURN_IF_ERROR(Step(range));
    TANDEM_RETURN_IF_ERROR(Assign(target, item, frame));
    bool taken = true;
    for (const Expr* condition : conditions) {
      TANDEM_ASSIGN_OR_RETURN(const Py value, Evaluate(*condition, frame));
      TANDEM_ASSIGN_OR_RETURN(taken, Truth(value, range));
      if (!taken) break;
    }
    if (!taken) continue;
    if (more.empty()) {
      TANDEM_RETURN_IF_ERROR(element(frame));
    } else {
      TANDEM_RETURN_IF_ERROR(Comprehend(*more[0].target, *more[0].iterable,
                                        more[0].conditions, more.subspan(1),
                                        frame, element));
    }
  }
  return absl::OkStatus();
}

absl::StatusOr<Py> PythonInterpreter::Evaluate(const Expr& expr,
                                               const Frame& frame) {
  const SourceRange range = frame->tree->Range(expr.span);
  const Session::Level level(&modules_.session());
  if (!level.ok()) return Error(range, "nested too deeply");
  TANDEM_RETURN_IF_ERROR(Step(range));
  const auto inner = [&] {
    auto scope = std::make_shared<PyFrame>(*frame);
    scope->locals.clear();
    scope->outer = frame;
    return scope;
  };
  switch (expr.kind) {
    case ExprKind::kNumber: {
      std::optional<IValue> number = ParseNumber(expr.As<NumberExpr>()->text);
      if (!number.has_value()) return Error(range, "the number is too large");
      return PyValue(*std::move(number));
    }
    case ExprKind::kString:
      return PyValue(IValue(expr.As<StringExpr>()->value));
    case ExprKind::kTrue:
    case ExprKind::kFalse:
      return PyValue(IValue(expr.kind == ExprKind::kTrue));
    case ExprKind::kNone:
      return PyValue(IValue());
    case ExprKind::kName:
      return EvaluateName(expr.As<NameExpr>()->name, frame, range);
    case ExprKind::kAttribute: {
      const auto& attribute = *expr.As<AttributeExpr>();
      TANDEM_ASSIGN_OR_RETURN(const Py object,
                              Evaluate(*attribute.value, frame));
      return GetAttribute(object, attribute.attribute.name, range);
    }
    case ExprKind::kCall:
      return EvaluateCall(*expr.As<CallExpr>(), frame);
    case ExprKind::kSubscript:
      return EvaluateSubscript(*expr.As<SubscriptExpr>(), frame);
    case ExprKind::kUnary: {
      const auto& unary = *expr.As<UnaryExpr>();
      TANDEM_ASSIGN_OR_RETURN(const Py value, Evaluate(*unary.operand, frame));
      if (unary.op == kNot) {
        TANDEM_ASSIGN_OR_RETURN(const bool truth, Truth(value, range));
        return PyValue(IValue(!truth));
      }
      if (unary.op == kUnaryMinus && IsInteger(value)) {
        return PyValue(IValue(
            static_cast<int64_t>(-static_cast<uint64_t>(Integer(value)))));
      }
      if (unary.op == kUnaryMinus && IsNumber(value)) {
        return PyValue(IValue(-Real(value)));
      }
      return Compiled(unary.op == '~' ? "~v0" : "-v0", {value}, range);
    }
    case ExprKind::kBinary:
      return EvaluateBinary(*expr.As<BinaryExpr>(), frame);
    case ExprKind::kConditional: {
      const auto& choice = *expr.As<ConditionalExpr>();
      TANDEM_ASSIGN_OR_RETURN(const Py condition,
                              Evaluate(*choice.condition, frame));
      TANDEM_ASSIGN_OR_RETURN(const bool taken, Truth(condition, range));
      return Evaluate(taken ? *choice.then : *choice.otherwise, frame);
    }
    case ExprKind::kList:
    case ExprKind::kTuple: {
      std::vector<Py> items;
      for (const Expr* element : expr.kind == ExprKind::kList
                                     ? expr.As<ListExpr>()->elements
                                     : expr.As<TupleExpr>()->elements) {
        if (const auto* starred = element->As<StarredExpr>()) {
          TANDEM_ASSIGN_OR_RETURN(const Py value,
                                  Evaluate(*starred->value, frame));
          TANDEM_ASSIGN_OR_RETURN(std::vector<Py> parts, Iterate(value, range));
          items.insert(items.end(), parts.begin(), parts.end());
          continue;
        }
        TANDEM_ASSIGN_OR_RETURN(Py item, Evaluate(*element, frame));
        items.push_back(std::move(item));
      }
      return expr.kind == ExprKind::kList ? PyList(std::move(items))
                                          : PyTuple(std::move(items));
    }
    case ExprKind::kDict: {
      const auto& dict = *expr.As<DictExpr>();
      Py result = PyDict();
      for (size_t i = 0; i < dict.keys.size(); ++i) {
        TANDEM_ASSIGN_OR_RETURN(const Py key, Evaluate(*dict.keys[i], frame));
        TANDEM_ASSIGN_OR_RETURN(Py value, Evaluate(*dict.values[i], frame));
        PySetItem(*result, key, std::move(value));
      }
      return result;
    }
    case ExprKind::kListComprehension: {
      const auto& node = *expr.As<ListComprehensionExpr>();
      std::vector<Py> items;
      TANDEM_RETURN_IF_ERROR(Comprehend(
          *node.target, *node.iterable, node.conditions, node.more, inner(),
          [&](const Frame& scope) -> absl::Status {
            TANDEM_ASSIGN_OR_RETURN(Py item, Evaluate(*node.element, scope));
            items.push_back(std::move(item));
            return absl::OkStatus();
          }));
      return PyList(std::move(items));
    }
    case ExprKind::kDictComprehension: {
      const auto& node = *expr.As<DictComprehensionExpr>();
      Py result = PyDict();
      TANDEM_RETURN_IF_ERROR(Comprehend(
          *node.target, *node.iterable, node.conditions, node.more, inner(),
          [&](const Frame& scope) -> absl::Status {
            TANDEM_ASSIGN_OR_RETURN(const Py key, Evaluate(*node.key, scope));
            TANDEM_ASSIGN_OR_RETURN(Py value, Evaluate(*node.value, scope));
            PySetItem(*result, key, std::move(value));
            return absl::OkStatus();
          }));
      return result;
    }
    case ExprKind::kLambda: {
      Py function = std::make_shared<PyObject>(PyObject::Kind::kFunction);
      function->name = "<lambda>";
      function->file = frame->file;
      function->tree = frame->tree;
      function->closure = frame;
      // Its parameters and body are in the tree.
      function->value = IValue(reinterpret_cast<int64_t>(&expr));
      return function;
    }
    default:
      return Error(range, "this is not supported while a module is made");
  }
}

absl::StatusOr<Py> PythonInterpreter::EvaluateBinary(const BinaryExpr& expr,
                                                     const Frame& frame) {
  const SourceRange range = frame->tree->Range(expr.span);
  TANDEM_ASSIGN_OR_RETURN(const Py a, Evaluate(*expr.lhs, frame));
  if (expr.op == kAnd || expr.op == kOr) {
    TANDEM_ASSIGN_OR_RETURN(const bool truth, Truth(a, range));
    if (truth == (expr.op == kOr)) return a;
    return Evaluate(*expr.rhs, frame);
  }
  TANDEM_ASSIGN_OR_RETURN(const Py b, Evaluate(*expr.rhs, frame));
  return BinaryOn(expr.op, a, b, range);
}

absl::StatusOr<Py> PythonInterpreter::BinaryOn(int op, const Py& a, const Py& b,
                                               const SourceRange& range) {
  using Kind = PyObject::Kind;
  if (op == kIs || op == kIsNot) {
    return PyValue(IValue(PyIs(a, b) == (op == kIs)));
  }
  if (op == kIn) {
    if (b->is_string()) return Compiled("v0 in v1", {a, b}, range);
    if (b->is(Kind::kDict)) {
      return PyValue(IValue(PyGetItem(*b, a) != nullptr));
    }
    if (b->is(Kind::kInstance) && b->is_module && a->is_string()) {
      return PyValue(
          IValue(b->modules.Find(a->value.AsString()) != nullptr ||
                 b->parameters.Find(a->value.AsString()) != nullptr));
    }
    TANDEM_ASSIGN_OR_RETURN(const std::vector<Py> items, Iterate(b, range));
    for (const Py& item : items) {
      if (PyEqual(item, a)) return PyValue(IValue(true));
    }
    return PyValue(IValue(false));
  }
  if ((op == kEq || op == kNe) && !a->is_tensor() && !b->is_tensor()) {
    return PyValue(IValue(PyEqual(a, b) == (op == kEq)));
  }
  if (IsInteger(a) && IsInteger(b)) {
    const int64_t x = Integer(a), y = Integer(b);
    const auto wrap = [](uint64_t v) {
      return PyValue(IValue(static_cast<int64_t>(v)));
    };
    switch (op) {
      case '+':
        return wrap(static_cast<uint64_t>(x) + static_cast<uint64_t>(y));
      case '-':
        return wrap(static_cast<uint64_t>(x) - static_cast<uint64_t>(y));
      case '*':
        return wrap(static_cast<uint64_t>(x) * static_cast<uint64_t>(y));
      case '<':
        return PyValue(IValue(x < y));
      case '>':
        return PyValue(IValue(x > y));
      case kLe:
        return PyValue(IValue(x <= y));
      case kGe:
        return PyValue(IValue(x >= y));
      case kPow: {
        if (y < 0) break;
        uint64_t result = 1, base = static_cast<uint64_t>(x);
        for (int64_t e = y; e > 0; e >>= 1) {
          if (e & 1) result *= base;
          base *= base;
        }
        return wrap(result);
      }
      case '/':
      case kFloorDiv:
      case '%': {
        if (y == 0) {
          return Error(range, "ZeroDivisionError: division by zero");
        }
        if (op == '/') {
          return PyValue(
              IValue(static_cast<double>(x) / static_cast<double>(y)));
        }
        if (y == -1) {
          return op == '%' ? PyValue(IValue(int64_t{0}))
                           : wrap(-static_cast<uint64_t>(x));
        }
        int64_t quotient = x / y, rest = x % y;
        if (rest != 0 && (rest < 0) != (y < 0)) {
          --quotient;
          rest += y;
        }
        return PyValue(IValue(op == '%' ? rest : quotient));
      }
      default:
        break;
    }
  }
  if (IsNumber(a) && IsNumber(b)) {
    const double x = Real(a), y = Real(b);
    switch (op) {
      case '+':
        return PyValue(IValue(x + y));
      case '-':
        return PyValue(IValue(x - y));
      case '*':
        return PyValue(IValue(x * y));
      case '<':
        return PyValue(IValue(x < y));
      case '>':
        return PyValue(IValue(x > y));
      case kLe:
        return PyValue(IValue(x <= y));
      case kGe:
        return PyValue(IValue(x >= y));
      case kPow:
        return PyValue(IValue(std::pow(x, y)));
      case '/':
        if (y == 0) {
          return Error(range, "ZeroDivisionError: float division by zero");
        }
        return PyValue(IValue(x / y));
      default:
        break;
    }
  }
  if (op == '+' && a->kind == b->kind &&
      (a->is(Kind::kList) || a->is(Kind::kTuple))) {
    std::vector<Py> items = a->items;
    items.insert(items.end(), b->items.begin(), b->items.end());
    return a->is(Kind::kList) ? PyList(std::move(items))
                              : PyTuple(std::move(items));
  }
  if (op == '*' && (a->is_string() || b->is_string()) &&
      (IsInteger(a) || IsInteger(b))) {
    const std::string& text = (a->is_string() ? a : b)->value.AsString();
    const int64_t count = Integer(a->is_string() ? b : a);
    if (!text.empty() &&
        count > kMaxSteps / static_cast<int64_t>(text.size())) {
      return Error(range, "making the module takes too many steps");
    }
    std::string repeated;
    for (int64_t i = 0; !text.empty() && i < count; ++i) repeated += text;
    return PyValue(IValue(std::move(repeated)));
  }
  const bool left = a->is(Kind::kList) || a->is(Kind::kTuple);
  const bool right = b->is(Kind::kList) || b->is(Kind::kTuple);
  if (op == '*' && ((left && IsInteger(b)) || (right && IsInteger(a)))) {
    const Py& list = left ? a : b;
    const int64_t count = Integer(left ? b : a);
    std::vector<Py> items;
    const int64_t size = static_cast<int64_t>(list->items.size());
    if (size > 0 && count > kMaxSteps / size) {
      return Error(range, "making the module takes too many steps");
    }
    for (int64_t i = 0; size > 0 && i < count; ++i) {
      steps_ += size;
      TANDEM_RETURN_IF_ERROR(Step(range));
      items.insert(items.end(), list->items.begin(), list->items.end());
    }
    return list->is(Kind::kList) ? PyList(std::move(items))
                                 : PyTuple(std::move(items));
  }
  if (op == '|' && a->is(Kind::kDict) && b->is(Kind::kDict)) {
    Py merged = PyDict();
    merged->entries = a->entries;
    for (const auto& [key, value] : b->entries) {
      PySetItem(*merged, key, value);
    }
    return merged;
  }
  return Compiled(absl::StrCat("v0 ", OperatorText(op), " v1"), {a, b}, range);
}

}  // namespace tandem::script
