// Subscripts of interpreted Python.
#include <utility>

#include "absl/strings/str_cat.h"
#include "tandem/frontends/script/python_interpreter.h"
#include "tandem/frontends/script/token.h"
#include "tandem/tensor/status_macros.h"

namespace tandem::script {
namespace {

bool IsInteger(const Py& value) {
  return value->is(PyObject::Kind::kValue) &&
         (value->value.is_int() || value->value.is_bool());
}
int64_t Integer(const Py& value) { return value->value.AsInt(); }

}  // namespace

absl::StatusOr<std::string> PythonInterpreter::SubscriptText(
    List<const Expr*> subscripts, const Frame& frame, std::vector<Py>* values) {
  std::string text = "[";
  const auto add = [&](const Expr* expr) -> absl::Status {
    if (expr == nullptr) return absl::OkStatus();
    TANDEM_ASSIGN_OR_RETURN(const Py value, Evaluate(*expr, frame));
    if (value->is_none()) {
      absl::StrAppend(&text, "None");
    } else {
      absl::StrAppend(&text, "v", values->size());
      values->push_back(value);
    }
    return absl::OkStatus();
  };
  for (size_t i = 0; i < subscripts.size(); ++i) {
    if (i > 0) absl::StrAppend(&text, ", ");
    if (subscripts[i]->kind == ExprKind::kDots) {
      absl::StrAppend(&text, "...");
    } else if (const auto* slice = subscripts[i]->As<SliceExpr>()) {
      TANDEM_RETURN_IF_ERROR(add(slice->begin));
      absl::StrAppend(&text, ":");
      TANDEM_RETURN_IF_ERROR(add(slice->end));
      if (slice->step != nullptr) absl::StrAppend(&text, ":");
      TANDEM_RETURN_IF_ERROR(add(slice->step));
    } else {
      TANDEM_RETURN_IF_ERROR(add(subscripts[i]));
    }
  }
  return absl::StrCat(text, "]");
}

absl::StatusOr<Py> PythonInterpreter::EvaluateSubscript(
    const SubscriptExpr& expr, const Frame& frame) {
  using Kind = PyObject::Kind;
  const SourceRange range = frame->tree->Range(expr.span);
  TANDEM_ASSIGN_OR_RETURN(const Py object, Evaluate(*expr.value, frame));
  if (object->is(Kind::kValue)) {
    std::vector<Py> values = {object};
    TANDEM_ASSIGN_OR_RETURN(const std::string subscript,
                            SubscriptText(expr.subscripts, frame, &values));
    return Compiled(absl::StrCat("v0", subscript), values, range);
  }
  if (object->is(Kind::kName) || object->is(Kind::kClass)) {
    return object;  // List[int]: only for isinstance and annotations
  }
  if (expr.subscripts.size() != 1) {
    return Error(range, "this subscript is not supported here");
  }
  const bool sequence = object->is(Kind::kList) || object->is(Kind::kTuple);
  const bool modules = object->is(Kind::kInstance) && object->is_module &&
                       object->module_kind != ModuleKind::kPlain;
  if (const auto* slice = expr.subscripts[0]->As<SliceExpr>()) {
    if (!sequence && !modules) {
      return Error(range, "TypeError: '", PyTypeName(*object),
                   "' object is not subscriptable");
    }
    TANDEM_ASSIGN_OR_RETURN(const std::vector<Py> items,
                            Iterate(object, range));
    const int64_t size = static_cast<int64_t>(items.size());
    int64_t bounds[3] = {0, size, 1};
    bool given[3] = {false, false, false};
    const Expr* parts[3] = {slice->begin, slice->end, slice->step};
    for (int i = 0; i < 3; ++i) {
      if (parts[i] == nullptr) continue;
      TANDEM_ASSIGN_OR_RETURN(const Py value, Evaluate(*parts[i], frame));
      if (value->is_none()) continue;
      if (!value->is_int()) {
        return Error(range, "TypeError: slice indices must be integers");
      }
      bounds[i] = value->value.AsInt();
      given[i] = true;
    }
    const int64_t step = bounds[2];
    if (step == 0) {
      return Error(range, "ValueError: slice step cannot be zero");
    }
    const auto clamp = [&](int64_t v) {
      if (v < 0) v += size;
      const int64_t low = step < 0 ? -1 : 0;
      const int64_t high = step < 0 ? size - 1 : size;
      return v < low ? low : v > high ? high : v;
    };
    const int64_t begin = given[0] ? clamp(bounds[0]) : step < 0 ? size - 1 : 0;
    const int64_t end = given[1] ? clamp(bounds[1]) : step < 0 ? -1 : size;
    std::vector<Py> taken;
    for (int64_t i = begin; step > 0 ? i < end : i > end; i += step) {
      taken.push_back(items[i]);
      if ((step > 0 && i > size - step) || (step < 0 && i < -step)) break;
    }
    if (!modules) {
      return object->is(Kind::kList) ? PyList(std::move(taken))
                                     : PyTuple(std::move(taken));
    }
    Py cls = std::make_shared<PyObject>(Kind::kClass);
    cls->cls = object->cls;
    PyArguments args;
    args.positional = object->cls.cls->name.name == "Sequential"
                          ? std::move(taken)
                          : std::vector<Py>{PyList(std::move(taken))};
    return Call(cls, std::move(args), range);
  }
  TANDEM_ASSIGN_OR_RETURN(const Py index, Evaluate(*expr.subscripts[0], frame));
  if (object->is(Kind::kDict)) {
    Py value = PyGetItem(*object, index);
    if (value == nullptr) {
      return Error(range, "KeyError: ",
                   index->is_string() ? index->value.AsString() : "key");
    }
    return value;
  }
  if (modules && index->is_string()) {
    Py value = object->modules.Find(index->value.AsString());
    if (value == nullptr) {
      value = object->parameters.Find(index->value.AsString());
    }
    if (value == nullptr) {
      return Error(range, "KeyError: '", index->value.AsString(), "'");
    }
    return value;
  }
  if (sequence || modules) {
    if (!IsInteger(index)) {
      return Error(range, "TypeError: indices must be integers or slices, not ",
                   PyTypeName(*index));
    }
    TANDEM_ASSIGN_OR_RETURN(const std::vector<Py> items,
                            Iterate(object, range));
    const int64_t size = static_cast<int64_t>(items.size());
    int64_t i = Integer(index);
    if (i < 0) i += size;
    if (i < 0 || i >= size) {
      return Error(range,
                   "IndexError: ", object->is(Kind::kTuple) ? "tuple" : "list",
                   " index out of range");
    }
    return items[i];
  }
  TANDEM_ASSIGN_OR_RETURN(const Py method,
                          GetAttribute(object, "__getitem__", range));
  return Call(method, {{index}, {}}, range);
}

}  // namespace tandem::script
