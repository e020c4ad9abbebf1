// The right-hand sides of FunctionPrinter, its constants and tables.
#include <utility>

#include "absl/strings/str_cat.h"
#include "tandem/frontends/script/function_printer.h"
#include "tandem/ir/class_type.h"
#include "tandem/ir/literal.h"
#include "tandem/tensor/element_reader.h"
#include "tandem/tensor/status_macros.h"

namespace tandem::script {
namespace {

std::string OperatorName(absl::string_view op) {
  if (op == "aten::backward") return "torch.autograd.backward";
  if (op == "aten::grad") return "torch.autograd.grad";
  const size_t colons = op.find("::");
  if (colons == absl::string_view::npos) return std::string(op);
  const absl::string_view name = op.substr(colons + 2);
  if (op.substr(0, colons) == "aten") return absl::StrCat("torch.", name);
  return absl::StrCat("ops.", op.substr(0, colons), ".", name);
}

// A default value and a constant of the same kind and value.
bool IsDefault(const IValue& default_value, const Value* input) {
  const std::optional<IValue> constant = ConstantOf(input);
  return constant.has_value() && constant->tag() == default_value.tag() &&
         Equal(*constant, default_value);
}

// How many of the leading arguments must be written; `*num_out` out arguments
// at the end are always.
size_t NecessaryArguments(const FunctionSchema& schema,
                          absl::Span<Value* const> inputs, size_t* num_out) {
  const std::vector<Argument>& arguments = schema.arguments;
  size_t n = arguments.size();
  while (n > 0 && arguments[n - 1].is_out) --n;
  *num_out = arguments.size() - n;
  if (arguments.size() != inputs.size()) {
    *num_out = 0;
    return inputs.size();
  }
  while (n > 0 && arguments[n - 1].default_value.has_value() &&
         IsDefault(*arguments[n - 1].default_value, inputs[n - 1])) {
    --n;
  }
  return n;
}

bool SameElements(const Tensor& a, const Tensor& b) {
  if (a.is_same(b)) return true;
  if (a.dtype() != b.dtype() || a.device() != b.device() ||
      a.sizes() != b.sizes() || a.is_sparse() || b.is_sparse() || a.is_meta() ||
      a.is_quantized() || b.is_quantized()) {
    return false;
  }
  const absl::StatusOr<ElementReader> x = ElementReader::Of(a);
  const absl::StatusOr<ElementReader> y = ElementReader::Of(b);
  if (!x.ok() || !y.ok()) return false;
  const bool integral = IsIntegral(a.dtype(), /*include_bool=*/true);
  Dims index(a.dim(), 0);
  int64_t i = 0, j = 0;
  for (int64_t n = a.numel(); n > 0; --n) {
    // NaN equals nothing.
    if (integral ? x->Int(i) != y->Int(j)
                 : !(x->Real(i) == y->Real(j) && x->Imag(i) == y->Imag(j))) {
      return false;
    }
    for (int64_t d = a.dim() - 1; d >= 0; --d) {
      i += a.stride(d);
      j += b.stride(d);
      if (++index[d] < a.size(d)) break;
      i -= a.stride(d) * a.size(d);
      j -= b.stride(d) * a.size(d);
      index[d] = 0;
    }
  }
  return true;
}

bool HasNonAscii(const IValue& v) {
  const auto any = [](const std::vector<IValue>& values) {
    for (const IValue& e : values) {
      if (HasNonAscii(e)) return true;
    }
    return false;
  };
  switch (v.tag()) {
    case IValue::Tag::kString:
      for (char c : v.AsString()) {
        if ((c & 0x80) != 0) return true;
      }
      return false;
    case IValue::Tag::kList:
      return any(v.AsList().values);
    case IValue::Tag::kTuple:
      return any(v.AsTuple().values);
    case IValue::Tag::kDict: {
      bool found = false;
      v.AsDict().ForEach([&](const IValue& key, const IValue& value) {
        found = found || HasNonAscii(key) || HasNonAscii(value);
      });
      return found;
    }
    default:
      return false;
  }
}

}  // namespace

// ---- tables

void TaggedText::Append(absl::string_view text, const SourceRange& range) {
  if (ranges_.empty() || ranges_.back().range != range) {
    ranges_.push_back({text_.size(), range});
  }
  absl::StrAppend(&text_, text);
}

void TaggedText::Append(const TaggedText& other) {
  for (const TextRange& r : other.ranges_) {
    if (ranges_.empty() || ranges_.back().range != r.range) {
      ranges_.push_back({text_.size() + r.offset, r.range});
    }
  }
  text_.append(other.text_);
}

size_t ConstantTable::Add(const IValue& value) {
  if (value.is_tensor()) {
    for (size_t i = 0; i < values_.size(); ++i) {
      if (values_[i].is_tensor() &&
          SameElements(values_[i].AsTensor(), value.AsTensor())) {
        return i;
      }
    }
  }
  values_.push_back(value);
  return values_.size() - 1;
}

void Dependencies::AddType(const TypePtr& type) {
  switch (type->kind()) {
    case TypeKind::kClass:
    case TypeKind::kEnum:
    case TypeKind::kInterface:
      if (seen_.insert(type->name()).second) items_.push_back({type, nullptr});
      break;
    case TypeKind::kTuple:
      if (type->is_named_tuple() && seen_.insert(type->name()).second) {
        items_.push_back({type, nullptr});
      }
      break;
    default:
      break;
  }
  for (const TypePtr& e : type->elements()) AddType(e);
}

void Dependencies::AddFunction(const Function* function) {
  if (seen_.insert(function->qualified_name()).second) {
    items_.push_back({nullptr, function});
  }
}

// ---- constants

std::string FunctionPrinter::ConstantText(const IValue& value) {
  std::string text;
  AppendLiteral(value, &text, [this](const IValue& v, std::string* out) {
    if (v.is_function()) {
      dependencies_.AddFunction(v.AsFunction());
      return false;
    }
    if (!v.is_tensor() && !v.is_object() && !v.is_opaque() &&
        !v.is_generator() && !HasNonAscii(v)) {
      return false;
    }
    absl::StrAppend(out, "CONSTANTS.c", constants_.Add(v));
    return true;
  });
  return text;
}

void FunctionPrinter::ConstantExpression(const Node* node, TaggedText* out) {
  Put(out, ConstantText(node->constant()));
}

// ---- expressions

absl::Status FunctionPrinter::Call(absl::string_view name,
                                   const FunctionSchema* schema,
                                   const Node* node, TaggedText* out) {
  Put(out, absl::StrCat(name, "("));
  const absl::Span<Value* const> inputs = node->inputs();
  size_t num_out = 0;
  const size_t necessary = schema == nullptr
                               ? inputs.size()
                               : NecessaryArguments(*schema, inputs, &num_out);
  bool first = true;
  const auto put = [&](size_t i) {
    if (!first) Put(out, ", ");
    first = false;
    if (schema != nullptr && i < schema->arguments.size() &&
        schema->arguments[i].kwarg_only) {
      Put(out, absl::StrCat(schema->arguments[i].name, "="));
    }
    PutUse(inputs[i], out);
  };
  for (size_t i = 0; i < necessary; ++i) put(i);
  for (size_t i = inputs.size() - num_out; i < inputs.size(); ++i) put(i);
  Put(out, ")");
  return absl::OkStatus();
}

absl::Status FunctionPrinter::OperatorExpression(const Node* node,
                                                 TaggedText* out) {
  const auto around = [&](const char* before) {
    Put(out, before);
    PutUses(node->inputs(), out);
    Put(out, ")");
    return absl::OkStatus();
  };
  const auto annotated = [&] {
    Put(out, absl::StrCat("annotate(", node->output()->type()->ToAnnotation(),
                          ", "));
    PutUse(node->input(), out);
    Put(out, ")");
    return absl::OkStatus();
  };
  const absl::string_view name = node->op()->name();
  if (name == "aten::Int") return around("int(");
  if (name == "aten::Float") return around("float(");
  if (name == "aten::Bool") return around("bool(");
  if (name == "aten::str") return around("str(");
  if (name == "aten::sorted") return around("sorted(");
  if (name == "prim::Print") return around("print(");
  if (name == "aten::IntImplicit" || name == "aten::FloatImplicit" ||
      name == "aten::ComplexImplicit" || name == "aten::ScalarImplicit") {
    return annotated();
  }
  if (name == "aten::__getitem__") {
    const std::string container = UseText(node->input(0));
    Put(out, IsIdentifier(container) ? container
                                     : absl::StrCat("(", container, ")"));
    Put(out, "[");
    PutUse(node->input(1), out);
    Put(out, "]");
    return absl::OkStatus();
  }
  if (name == "aten::_unwrap_optional") {
    Put(out, "torch._unwrap_optional(");
    const std::optional<IValue> constant = ConstantOf(node->input());
    if (node->input()->type()->is(TypeKind::kNone) ||
        (constant.has_value() && constant->is_none())) {
      // None alone would not tell the type.
      Put(out,
          absl::StrCat("annotate(",
                       Type::Optional(node->output()->type())->ToAnnotation(),
                       ", "));
      PutUse(node->input(), out);
      Put(out, ")");
    } else {
      PutUse(node->input(), out);
    }
    Put(out, ")");
    return absl::OkStatus();
  }
  if (name == "prim::unchecked_unwrap_optional") {
    Put(out, absl::StrCat("unchecked_cast(",
                          node->output()->type()->ToAnnotation(), ", "));
    PutUse(node->input(), out);
    Put(out, ")");
    return absl::OkStatus();
  }
  if (name == "prim::EnumName" || name == "prim::EnumValue") {
    Put(out, "(");
    PutUse(node->input(), out);
    Put(out, name == "prim::EnumName" ? ").name" : ").value");
    return absl::OkStatus();
  }
  return Call(OperatorName(name), &node->op()->schema, node, out);
}

absl::Status FunctionPrinter::Expression(const Node* node, TaggedText* out) {
  const auto annotation = [&] {
    return node->output()->type()->ToAnnotation();
  };
  switch (node->kind()) {
    case NodeKind::kOperator:
      return OperatorExpression(node, out);
    case NodeKind::kConstant:
      ConstantExpression(node, out);
      return absl::OkStatus();
    case NodeKind::kUninitialized:
      Put(out, absl::StrCat("uninitialized(", annotation(), ")"));
      return absl::OkStatus();
    case NodeKind::kPrint:
      Put(out, "print(");
      PutUses(node->inputs(), out);
      Put(out, ")");
      return absl::OkStatus();
    case NodeKind::kRaiseException: {
      Put(out, "ops.prim.RaiseException(");
      const std::optional<IValue> cls = node->inputs().size() > 1
                                            ? ConstantOf(node->input(1))
                                            : std::optional<IValue>(IValue());
      const bool no_class = cls.has_value() && cls->is_none();
      PutUses(node->inputs().first(no_class ? 1 : 2), out);
      Put(out, ")");
      return absl::OkStatus();
    }
    case NodeKind::kTupleConstruct: {
      const TypePtr& type = node->output()->type();
      if (type->is_named_tuple()) Put(out, type->ToAnnotation());
      Put(out, "(");
      PutUses(node->inputs(), out);
      Put(out, node->inputs().size() == 1 ? ",)" : ")");
      return absl::OkStatus();
    }
    case NodeKind::kTupleIndex:
      Put(out, "(");
      PutUse(node->input(0), out);
      Put(out, ")[");
      PutUse(node->input(1), out);
      Put(out, "]");
      return absl::OkStatus();
    case NodeKind::kTupleSlice:
      Put(out, "(");
      PutUse(node->input(), out);
      Put(out, absl::StrCat(")[", node->Get<int64_t>("beg"), ":",
                            node->Get<int64_t>("end"), "]"));
      return absl::OkStatus();
    case NodeKind::kListConstruct: {
      const bool annotate =
          node->inputs().empty() ||
          !ElementTypeIsInferable(*node->output()->type()->element());
      if (annotate) Put(out, absl::StrCat("annotate(", annotation(), ", "));
      Put(out, "[");
      PutUses(node->inputs(), out);
      Put(out, annotate ? "])" : "]");
      return absl::OkStatus();
    }
    case NodeKind::kDictConstruct: {
      const Type& type = *node->output()->type();
      const bool annotate = node->inputs().empty() ||
                            !ElementTypeIsInferable(*type.element(0)) ||
                            !ElementTypeIsInferable(*type.element(1));
      if (annotate) Put(out, absl::StrCat("annotate(", annotation(), ", "));
      Put(out, "{");
      for (size_t i = 0; i + 1 < node->inputs().size(); i += 2) {
        if (i != 0) Put(out, ", ");
        PutUse(node->input(i), out);
        Put(out, ": ");
        PutUse(node->input(i + 1), out);
      }
      Put(out, annotate ? "})" : "}");
      return absl::OkStatus();
    }
    case NodeKind::kCreateObject:
      Put(out, absl::StrCat(annotation(), ".__new__(", annotation(), ")"));
      return absl::OkStatus();
    case NodeKind::kGetAttr:
      if (IsIdentifier(node->attribute_name())) {
        PutUse(node->input(), out);
        Put(out, absl::StrCat(".", node->attribute_name()));
      } else {
        Put(out, "getattr(");
        PutUse(node->input(), out);
        Put(out, absl::StrCat(", ", QuoteString(node->attribute_name()), ")"));
      }
      return absl::OkStatus();
    case NodeKind::kCallFunction:
    case NodeKind::kCallMethod: {
      if (node->is(NodeKind::kCallMethod)) {
        Put(out, "(");
        PutUse(node->input(0), out);
        Put(out, absl::StrCat(").", node->attribute_name(), "("));
        dependencies_.AddType(node->input(0)->type());
      } else {
        PutUse(node->input(0), out);
        Put(out, "(");
      }
      for (const Value* v : node->inputs().subspan(1)) {
        PutUse(v, out);
        Put(out, ", ");
      }
      Put(out, ")");
      return absl::OkStatus();
    }
    case NodeKind::kUncheckedCast:
      Put(out, absl::StrCat("unchecked_cast(", annotation(), ", "));
      PutUse(node->input(), out);
      Put(out, ")");
      return absl::OkStatus();
    case NodeKind::kIsInstance: {
      Put(out, "isinstance(");
      PutUse(node->input(), out);
      const auto& types = node->Get<std::vector<TypePtr>>("types");
      Put(out, types.size() == 1 ? ", " : ", (");
      for (size_t i = 0; i < types.size(); ++i) {
        Put(out, absl::StrCat(i == 0 ? "" : ", ", types[i]->ToAnnotation()));
      }
      Put(out, types.size() == 1 ? ")" : "))");
      return absl::OkStatus();
    }
    case NodeKind::kToList:
      Put(out, absl::StrCat("annotate(", annotation(), ", "));
      PutUse(node->input(0), out);
      Put(out, ".tolist())");
      return absl::OkStatus();
    case NodeKind::kEnumName:
    case NodeKind::kEnumValue:
      Put(out, "(");
      PutUse(node->input(), out);
      Put(out, node->is(NodeKind::kEnumName) ? ").name" : ").value");
      return absl::OkStatus();
    case NodeKind::kPythonOp: {
      const NodeAttribute* name = node->FindAttribute("name");
      const std::string callee = name == nullptr ? "" : node->attribute_name();
      if (importable_) {
        return absl::InvalidArgumentError(absl::StrCat(
            "Could not export Python function call '", callee,
            "'. Remove calls to Python functions before export. Did you forget "
            "to add @script or @script_method annotation? If this is a "
            "nn.ModuleList, add it to __constants__:\n",
            range_.Highlight()));
      }
      return Call(absl::StrCat("^", callee), nullptr, node, out);
    }
    case NodeKind::kHasAttr:
    case NodeKind::kUnknown:
      return Call(OperatorName(node->name()), nullptr, node, out);
    default:
      return Unprintable(node, "it is not part of finished programs");
  }
}

}  // namespace tandem::script
