// Lists, dicts and comprehensions, and list(…) and dict(…).

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "tandem/frontends/script/compiler/function_compiler.h"
#include "tandem/tensor/status_macros.h"

namespace tandem::script {
namespace {

bool IsContainer(const TypePtr& type, TypeKind container) {
  if (container == TypeKind::kList) {
    return IsSubtype(type, Type::Get(TypeKind::kAnyList));
  }
  return Is(type, container);
}

// "A, B or C" as errors list candidates.
std::string ListCandidates(const std::vector<TypePtr>& candidates) {
  std::string text;
  for (size_t i = 0; i < candidates.size(); ++i) {
    if (i > 0 && candidates.size() > 2) absl::StrAppend(&text, ", ");
    if (i > 0 && i + 1 == candidates.size()) absl::StrAppend(&text, " or ");
    absl::StrAppend(&text, Repr(candidates[i]));
  }
  return text;
}

}  // namespace

// Narrows a hint that is a Union to its only member that is a container of this
// kind, or else gives the members that are.
absl::Status FunctionCompiler::RefineContainerHint(
    const TypePtr& hint, TypePtr* refined, std::vector<TypePtr>* candidates,
    TypeKind container, const SourceRange& range,
    const std::function<void()>& if_match, const std::function<void()>& if_any,
    bool is_dict_call) {
  const char* name = container == TypeKind::kList ? "List" : "Dict";
  if (Is(*refined, TypeKind::kUnion)) {
    std::vector<TypePtr> members;
    for (const TypePtr& member : (*refined)->elements()) {
      if (IsContainer(member, container)) members.push_back(member);
    }
    if (!is_dict_call && members.empty()) {
      return Error(range, "Expected an Union type annotation with an inner ",
                   name, " type, but got ", Repr(*refined));
    }
    if (members.size() == 1) {
      *refined = members[0];
    } else {
      *candidates = std::move(members);
    }
  } else if (Is(*refined, TypeKind::kOptional)) {
    *refined = (*refined)->element();
  }
  if (is_dict_call || !candidates->empty()) return absl::OkStatus();
  if (IsContainer(*refined, container)) {
    if_match();
  } else if (Is(*refined, TypeKind::kAny)) {
    if_any();
  } else {
    return Error(range, "Expected an annotation of type ", name, " but got ",
                 Repr(hint));
  }
  return absl::OkStatus();
}

absl::Status FunctionCompiler::ChooseListCandidate(
    const std::vector<TypePtr>& candidates, const TypePtr& hint,
    TypePtr* refined, const TypePtr& element, const SourceRange& range) {
  TypePtr greatest;
  for (const TypePtr& candidate : candidates) {
    const TypePtr& type = candidate->element();
    if (!IsSubtype(element, type)) continue;
    TypePtr unified = greatest == nullptr ? type : Unify(greatest, type);
    if (unified != nullptr) greatest = std::move(unified);
  }
  if (greatest == nullptr) {
    return Error(range, "Union type annotation `", Repr(hint), "` can hold ",
                 ListCandidates(candidates),
                 ", but none of those types match the types of the given list "
                 "elements, which were unified to ",
                 Repr(element));
  }
  *refined = Type::List(std::move(greatest));
  return absl::OkStatus();
}

absl::Status FunctionCompiler::ChooseDictCandidate(
    const std::vector<TypePtr>& candidates, const TypePtr& hint,
    TypePtr* refined, const TypePtr& key, const TypePtr& value,
    const SourceRange& range) {
  TypePtr chosen;
  for (const TypePtr& candidate : candidates) {
    if (!IsSubtype(key, candidate->element(0)) ||
        !IsSubtype(value, candidate->element(1))) {
      continue;
    }
    if (chosen == nullptr ||
        (IsSubtype(chosen->element(0), candidate->element(0)) &&
         IsSubtype(chosen->element(1), candidate->element(1)))) {
      chosen = candidate;
    }
  }
  if (chosen == nullptr) {
    return Error(range, "Union type annotation `", Repr(hint), "` can hold ",
                 ListCandidates(candidates),
                 ", but none of those dict types can hold the types of the "
                 "given keys and values, which were unified to Dict[",
                 Repr(key), ", ", Repr(value));
  }
  *refined = std::move(chosen);
  return absl::OkStatus();
}

absl::StatusOr<Value*> FunctionCompiler::EmitList(const ListExpr& expr,
                                                  const TypePtr& hint) {
  const SourceRange range = Range(expr);
  for (const Expr* element : expr.elements) {
    if (element->kind == ExprKind::kStarred) return EmitStarredList(expr, hint);
  }
  TANDEM_ASSIGN_OR_RETURN(std::vector<Value*> values,
                          EmitValues(expr.elements, /*unpack=*/true));
  // An empty list without a name yet fits any list type (schema_matching.h);
  // kept in a variable it is a List[Tensor].
  if (values.empty() && hint == nullptr) {
    Node* node = Insert(NodeKind::kEmptyListLiteral, {});
    node->output()->set_type(Type::List(Type::Tensor()));
    return node->output();
  }
  TypePtr element = Type::Tensor();
  TypePtr refined = hint;
  std::vector<TypePtr> candidates;
  if (hint != nullptr) {
    const auto take = [&] {
      if (Is(refined, TypeKind::kList)) element = refined->element();
    };
    TANDEM_RETURN_IF_ERROR(RefineContainerHint(
        hint, &refined, &candidates, TypeKind::kList, range, take, take));
    if (!candidates.empty() && values.empty()) {
      return Error(range,
                   "Cannot assign an empty list to a variable annotated to be "
                   "type ",
                   Repr(refined),
                   " because there are multiple possible List type candidates "
                   "in the Union annotation");
    }
  }
  if (!values.empty()) {
    std::vector<TypePtr> types;
    for (const Value* value : values) types.push_back(value->type());
    const TypePtr element_hint =
        refined != nullptr && Is(refined, TypeKind::kList) ? refined->element()
                                                           : nullptr;
    const TypePtr unified =
        UnifyAll(types, /*default_to_union=*/true, element_hint);
    if (candidates.empty() && refined != nullptr &&
        !Is(refined, TypeKind::kAny) && !IsSubtype(unified, element)) {
      return Error(range, "List type annotation `", Repr(refined),
                   "` did not match the types of the given list elements, "
                   "which were unified to ",
                   Repr(unified));
    }
    if (!candidates.empty()) {
      TANDEM_RETURN_IF_ERROR(
          ChooseListCandidate(candidates, hint, &refined, unified, range));
      element = refined->element();
    }
    if (refined == nullptr || Is(refined, TypeKind::kAny)) element = unified;
  }
  Value* list = InsertList(element, values);
  if (hint != nullptr && IsUnion(hint)) list = InsertCast(list, hint);
  return list;
}

// [*a, b, *c] is list(a) + [b] + list(c); tuples give their elements.
absl::StatusOr<Value*> FunctionCompiler::EmitStarredList(const ListExpr& expr,
                                                         const TypePtr& hint) {
  const SourceRange range = Range(expr);
  std::vector<Value*> parts;     // lists
  std::vector<Value*> elements;  // that no list has yet
  const auto flush = [&]() -> absl::Status {
    if (elements.empty()) return absl::OkStatus();
    std::vector<TypePtr> types;
    for (const Value* value : elements) types.push_back(value->type());
    const TypePtr element_hint = hint != nullptr && Is(hint, TypeKind::kList)
                                     ? hint->element()
                                     : nullptr;
    const TypePtr unified =
        UnifyAll(types, /*default_to_union=*/true, element_hint);
    parts.push_back(
        InsertList(element_hint != nullptr && IsSubtype(unified, element_hint)
                       ? element_hint
                       : unified,
                   elements));
    elements.clear();
    return absl::OkStatus();
  };
  for (const Expr* element : expr.elements) {
    const auto* starred = element->As<StarredExpr>();
    if (starred == nullptr) {
      TANDEM_ASSIGN_OR_RETURN(Value * value, EmitExpr(*element));
      elements.push_back(value);
      continue;
    }
    TANDEM_ASSIGN_OR_RETURN(Sugared sugared, EmitSugared(*starred->value));
    Value* simple = AsSimple(sugared);
    if (simple == nullptr || !Is(simple->type(), TypeKind::kList)) {
      TANDEM_ASSIGN_OR_RETURN(std::vector<Sugared> unpacked,
                              sugared->AsTuple(Range(*element), *this));
      for (const Sugared& part : unpacked) {
        TANDEM_ASSIGN_OR_RETURN(Value * value,
                                part->AsValue(Range(*element), *this));
        elements.push_back(value);
      }
      continue;
    }
    TANDEM_RETURN_IF_ERROR(flush());
    TANDEM_ASSIGN_OR_RETURN(
        Value * copy, EmitBuiltin(range, "aten::list", {NamedValue(simple)}));
    parts.push_back(copy);
  }
  TANDEM_RETURN_IF_ERROR(flush());
  if (parts.empty()) return InsertList(Type::Tensor(), {});
  Value* list = parts[0];
  for (size_t i = 1; i < parts.size(); ++i) {
    TANDEM_ASSIGN_OR_RETURN(list,
                            EmitBuiltin(range, "aten::add", {list, parts[i]}));
  }
  return list;
}

absl::StatusOr<Value*> FunctionCompiler::EmitDict(const DictExpr& expr,
                                                  const TypePtr& hint) {
  const SourceRange range = Range(expr);
  std::vector<Value*> keys;
  std::vector<Value*> items;
  TypePtr value_type;
  for (size_t i = 0; i < expr.keys.size(); ++i) {
    TANDEM_ASSIGN_OR_RETURN(Value * key, EmitExpr(*expr.keys[i]));
    TANDEM_ASSIGN_OR_RETURN(Value * value, EmitExpr(*expr.values[i]));
    if (i == 0) {
      value_type = value->type();
    } else {
      if (keys.back()->type()->kind() != key->type()->kind()) {
        return Error(Range(*expr.keys[i]),
                     "Dict keys must contain only a single type. Expected: ",
                     Repr(keys.back()->type()), " but found ",
                     Repr(key->type()), " instead");
      }
      value_type = Unify(value_type, value->type(), /*default_to_union=*/true);
    }
    keys.push_back(key);
    items.push_back(key);
    items.push_back(value);
  }
  if (!keys.empty() && !context_.version.has_value() &&
      !IsDictKey(keys[0]->type())) {
    return Error(range, "Cannot create dict for key type '",
                 keys[0]->type()->ToString(),
                 "', only int, float, complex, Tensor, device and string keys "
                 "are supported");
  }
  TypePtr refined = hint;
  std::vector<TypePtr> candidates;
  const auto infer = [&] {
    refined = keys.empty() ? Type::Dict(Type::Str(), Type::Tensor())
                           : Type::Dict(keys[0]->type(), value_type);
  };
  if (hint == nullptr) {
    infer();
  } else {
    TANDEM_RETURN_IF_ERROR(RefineContainerHint(
        hint, &refined, &candidates, TypeKind::kDict, range, [] {}, infer));
    if (!candidates.empty() && keys.empty()) {
      return Error(range,
                   "Cannot assign an empty dict to a variable annotated to be "
                   "type ",
                   Repr(hint),
                   " because there are multiple possible Dict type candidates "
                   "in the Union annotation");
    }
  }
  if (!keys.empty()) {
    if (!candidates.empty()) {
      TANDEM_RETURN_IF_ERROR(ChooseDictCandidate(
          candidates, hint, &refined, keys[0]->type(), value_type, range));
    }
    if (!Same(Unshaped(refined->element(0)), Unshaped(keys[0]->type()))) {
      return Error(range, "Type annotation was inferred to be ", Repr(refined),
                   "but the type of keys given by the dict literal is ",
                   Repr(keys[0]->type()));
    }
    if (!IsSubtype(value_type, refined->element(1))) {
      return Error(range, "Type annotation was inferred to be `", Repr(refined),
                   "`, but the type of values given by the dict literal is ",
                   Repr(value_type));
    }
  }
  Node* node = Insert(NodeKind::kDictConstruct, items);
  node->output()->set_type(refined);
  Value* dict = node->output();
  if (hint != nullptr && IsUnion(hint)) dict = InsertCast(dict, hint);
  return dict;
}

absl::StatusOr<Sugared> FunctionCompiler::EmitListCall(const CallExpr& call,
                                                       const TypePtr& hint) {
  const SourceRange range = Range(call);
  if (call.inputs.empty()) {
    const TypePtr type = hint != nullptr ? hint : Type::List(Type::Tensor());
    if (!Is(type, TypeKind::kList)) {
      return Error(range, "Expected list type annotation for list(), found ",
                   Repr(hint));
    }
    return Simple(InsertList(type->element(), {}));
  }
  TANDEM_RETURN_IF_ERROR(CheckInputs(call, 1));
  TANDEM_ASSIGN_OR_RETURN(Sugared iterable, EmitSugared(*call.inputs[0]));
  if (Value* simple = AsSimple(iterable)) {
    if (Is(simple->type(), TypeKind::kList) ||
        Is(simple->type(), TypeKind::kStr)) {
      TANDEM_ASSIGN_OR_RETURN(
          Value * list, EmitBuiltin(range, "aten::list", {NamedValue(simple)}));
      return Simple(list);
    }
  }
  // list(x) is [_elem for _elem in x].
  const std::string iterable_name = TemporaryName("$_iter");
  TANDEM_RETURN_IF_ERROR(environment_->SetSugared(
      range, iterable_name, iterable, /*annotated_type=*/nullptr));
  const Expr* element = MakeName(call.span, TemporaryName("$_elem"));
  auto* comprehension = scratch_.New<ListComprehensionExpr>(call.span);
  comprehension->element = element;
  comprehension->target = element;
  comprehension->iterable = MakeName(call.span, iterable_name);
  TANDEM_ASSIGN_OR_RETURN(Value * list,
                          EmitListComprehension(*comprehension, hint));
  return Simple(list);
}

absl::StatusOr<Sugared> FunctionCompiler::EmitDictCall(const CallExpr& call,
                                                       const TypePtr& hint) {
  const SourceRange range = Range(call);
  TypePtr refined = hint;
  std::vector<TypePtr> candidates;
  if (hint != nullptr && !Is(hint, TypeKind::kDict)) {
    TANDEM_RETURN_IF_ERROR(RefineContainerHint(
        hint, &refined, &candidates, TypeKind::kDict, range, [] {}, [] {},
        /*is_dict_call=*/true));
  }
  if (!candidates.empty()) {
    return Error(range,
                 "There are multiple candidate Dict types in the Union type "
                 "annotation `",
                 Repr(hint),
                 "`, and full type inference is not yet supported for the "
                 "`dict()` constructor.");
  }
  const auto add_keywords = [&](Value* dict) -> absl::Status {
    for (const Keyword& keyword : call.keywords) {
      const SourceRange keyword_range = Range(keyword.span);
      Value* key = InsertConstant(IValue(keyword.name.name), keyword_range);
      TANDEM_ASSIGN_OR_RETURN(Value * value, EmitExpr(*keyword.value));
      std::string text;
      if (!Same(key->type(), dict->type()->element(0))) {
        absl::StrAppend(&text, "Generated key type ", Repr(key->type()),
                        " did not match the annotated key type, which was ",
                        Repr(dict->type()->element(0)), "\n");
      }
      if (!IsSubtype(value->type(), dict->type()->element(1))) {
        absl::StrAppend(&text, "Generated value type ", Repr(value->type()),
                        " did not match the annotated value type, which was ",
                        Repr(dict->type()->element(1)), "\n");
      }
      if (!text.empty()) return Error(range, text);
      TANDEM_RETURN_IF_ERROR(
          EmitBuiltin(keyword_range, "aten::_set_item", {dict, key, value})
              .status());
    }
    return absl::OkStatus();
  };
  const auto finish = [&](Value* dict) -> Sugared {
    if (hint != nullptr && IsUnion(hint)) dict = InsertCast(dict, hint);
    return Simple(dict);
  };

  const Expr* input = call.inputs.empty() ? nullptr : call.inputs[0];
  if (call.inputs.size() > 1) TANDEM_RETURN_IF_ERROR(CheckInputs(call, 1));
  const auto is_empty = [](const Expr& expr) {
    const auto* list = expr.As<ListExpr>();
    const auto* dict = expr.As<DictExpr>();
    return (list != nullptr && list->elements.empty()) ||
           (dict != nullptr && dict->keys.empty());
  };
  Sugared iterable;
  if (input != nullptr && !is_empty(*input)) {
    // A dict is copied; pairs become one.
    const bool hint_input =
        hint != nullptr && (input->kind == ExprKind::kDict ||
                            input->kind == ExprKind::kDictComprehension);
    TANDEM_ASSIGN_OR_RETURN(
        iterable, EmitSugared(*input, hint_input ? refined : nullptr));
    Value* simple = AsSimple(iterable);
    if (simple != nullptr && Is(simple->type(), TypeKind::kDict)) {
      TANDEM_ASSIGN_OR_RETURN(
          Value * dict, EmitBuiltin(range, "aten::dict", {NamedValue(simple)}));
      TANDEM_RETURN_IF_ERROR(add_keywords(dict));
      return finish(dict);
    }
  }
  if (iterable == nullptr) {
    // Nothing but keywords, if that.
    if (refined == nullptr) {
      TypePtr value_type = Type::Tensor();
      if (!call.keywords.empty()) {
        std::vector<Value*> items;
        std::vector<TypePtr> types;
        for (const Keyword& keyword : call.keywords) {
          items.push_back(InsertConstant(IValue(keyword.name.name), range));
          TANDEM_ASSIGN_OR_RETURN(Value * value, EmitExpr(*keyword.value));
          items.push_back(value);
          types.push_back(value->type());
        }
        value_type = UnifyAll(types, /*default_to_union=*/true);
        Node* node = Insert(NodeKind::kDictConstruct, items);
        node->output()->set_type(Type::Dict(Type::Str(), value_type));
        return finish(node->output());
      }
      refined = Type::Dict(Type::Str(), value_type);
    }
    if (!Is(refined, TypeKind::kDict)) {
      return Error(range,
                   "Expected a type annotation of Dict for dict constructor "
                   "dict(), got ",
                   hint->ToString());
    }
    Node* node = Insert(NodeKind::kDictConstruct, {});
    node->output()->set_type(refined);
    TANDEM_RETURN_IF_ERROR(add_keywords(node->output()));
    return finish(node->output());
  }
  // dict(x) is {k: v for k, v in x}.
  const std::string iterable_name = TemporaryName("$_iter");
  const Expr* key = MakeName(call.span, TemporaryName("$_key"));
  const Expr* value = MakeName(call.span, TemporaryName("$_value"));
  auto* target = scratch_.New<TupleExpr>(call.span);
  target->elements = scratch_.Copy(std::vector<const Expr*>{key, value});
  TANDEM_RETURN_IF_ERROR(environment_->SetSugared(
      range, iterable_name, iterable, /*annotated_type=*/nullptr));
  auto* comprehension = scratch_.New<DictComprehensionExpr>(call.span);
  comprehension->key = key;
  comprehension->value = value;
  comprehension->target = target;
  comprehension->iterable = MakeName(call.span, iterable_name);
  TANDEM_ASSIGN_OR_RETURN(Value * dict,
                          EmitDictComprehension(*comprehension, refined));
  TANDEM_RETURN_IF_ERROR(add_keywords(dict));
  return finish(dict);
}

}  // namespace tandem::script
