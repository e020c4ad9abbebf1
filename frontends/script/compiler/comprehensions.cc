// Comprehensions of lists and dicts.

#include <functional>
#include <vector>

#include "tandem/frontends/script/compiler/function_compiler.h"
#include "tandem/tensor/status_macros.h"

namespace tandem::script {

absl::StatusOr<Value*> FunctionCompiler::EmitListComprehension(
    const ListComprehensionExpr& expr, const TypePtr& hint) {
  const SourceRange range = Range(expr);
  Value* list = InsertList(Type::Tensor(), {});
  TypePtr refined = hint;
  std::vector<TypePtr> candidates;
  if (hint != nullptr) {
    const auto take = [&] { list->set_type(refined); };
    TANDEM_RETURN_IF_ERROR(RefineContainerHint(
        hint, &refined, &candidates, TypeKind::kList, range, take, take));
  }
  bool seen_first = false;
  // Its variables are its own.
  Node* scope = Insert(NodeKind::kComprehensionScope, {}, range, /*outputs=*/0);
  Block* block = scope->AddBlock();
  PushFrame(block);
  const WithInsertPoint inside(graph_.get(), block);
  const Emit body = [&]() -> absl::Status {
    TANDEM_ASSIGN_OR_RETURN(Value * element, EmitExpr(*expr.element));
    if (!seen_first) {
      list->set_type(Type::List(element->type()));
      seen_first = true;
    }
    const TypePtr element_hint =
        refined != nullptr && Is(refined, TypeKind::kList) ? refined->element()
                                                           : nullptr;
    const TypePtr unified = Unify(list->type()->element(), element->type(),
                                  /*default_to_union=*/true, element_hint);
    if (candidates.empty() && element_hint != nullptr &&
        !IsSubtype(unified, element_hint)) {
      return Error(range, "List type annotation `", Repr(refined),
                   "` did not match the types of the given list elements, "
                   "which were unified to ",
                   Repr(unified));
    }
    if (!candidates.empty()) {
      TANDEM_RETURN_IF_ERROR(
          ChooseListCandidate(candidates, hint, &refined, unified, range));
    } else if (element_hint == nullptr) {
      refined = Type::List(unified);
    }
    list->set_type(refined);
    element->set_type(refined->element());
    return EmitBuiltin(range, "aten::append", {NamedValue(range, element)}, {},
                       NamedValue(range, "self", list))
        .status();
  };
  const absl::Status status = EmitComprehensionLoops(
      {expr.target, expr.iterable, expr.conditions}, expr.more, range, body);
  PopFrame();
  TANDEM_RETURN_IF_ERROR(status);
  return list;
}

// The loops and conditions of a comprehension from the outside in, with `body`
// inside of all.
absl::Status FunctionCompiler::EmitComprehensionLoops(
    const ComprehensionFor& first, List<ComprehensionFor> more,
    const SourceRange& range, const Emit& body) {
  const std::function<absl::Status(size_t)> emit_if =
      [&](size_t i) -> absl::Status {
    if (i == first.conditions.size()) {
      if (more.empty()) return body();
      return EmitComprehensionLoops(more[0], more.subspan(1), range, body);
    }
    TANDEM_ASSIGN_OR_RETURN(Condition condition,
                            EmitCondition(*first.conditions[i]));
    const SourceRange at = Range(*first.conditions[i]);
    return EmitIfElse(
        at, condition, at, [&] { return emit_if(i + 1); }, at,
        [] { return absl::OkStatus(); });
  };
  return EmitFor(scratch_.Copy(std::vector<const Expr*>{first.target}),
                 *first.iterable, range, [&] { return emit_if(0); });
}

absl::StatusOr<Value*> FunctionCompiler::EmitDictComprehension(
    const DictComprehensionExpr& expr, const TypePtr& hint) {
  const SourceRange range = Range(expr);
  Value* dict = Insert(NodeKind::kDictConstruct, {})->output();
  dict->set_type(Type::Dict(Type::Str(), Type::Tensor()));
  TypePtr refined = hint;
  std::vector<TypePtr> candidates;
  if (hint != nullptr) {
    const auto take = [&] { dict->set_type(refined); };
    TANDEM_RETURN_IF_ERROR(RefineContainerHint(
        hint, &refined, &candidates, TypeKind::kDict, range, take, take));
  }
  TypePtr first_key;
  TypePtr first_value;
  Node* scope = Insert(NodeKind::kComprehensionScope, {}, range, /*outputs=*/0);
  Block* block = scope->AddBlock();
  const Emit body = [&]() -> absl::Status {
    TANDEM_ASSIGN_OR_RETURN(Value * key, EmitExpr(*expr.key));
    TANDEM_ASSIGN_OR_RETURN(Value * value, EmitExpr(*expr.value));
    if (Is(key->type(), TypeKind::kUnion)) {
      return Error(range,
                   "Dicts may only contain homogeneous keys, but the type of "
                   "the first generated key was ",
                   Repr(key->type()));
    }
    if (first_key != nullptr && !Same(first_key, key->type())) {
      return Error(range,
                   "Dicts may only contain homogeneous keys. Expected dict "
                   "comprehension to generate type ",
                   Repr(first_key), ", but got ", Repr(key->type()));
    }
    dict->set_type(Type::Dict(key->type(), value->type()));
    first_key = key->type();
    first_value = value->type();
    const bool has_hint = refined != nullptr && Is(refined, TypeKind::kDict) &&
                          candidates.empty();
    if (has_hint) {
      std::string text;
      std::string why;
      if (!IsSubtype(key->type(), refined->element(0), &why)) {
        absl::StrAppend(&text, "Dict type annotation `", Repr(refined),
                        "` did not match the type of an actual key type `",
                        Repr(key->type()), "`\n", why);
      }
      why.clear();
      if (!IsSubtype(value->type(), refined->element(1), &why)) {
        absl::StrAppend(&text, "Dict type annotation `", Repr(refined),
                        "` did not match the type of an actual value type `",
                        Repr(value->type()), "`\n", why);
      }
      if (!text.empty()) return Error(range, text);
    }
    const TypePtr value_hint =
        refined != nullptr && Is(refined, TypeKind::kDict) ? refined->element(1)
                                                           : nullptr;
    const TypePtr unified = Unify(first_value, value->type(),
                                  /*default_to_union=*/true, value_hint);
    if (hint == nullptr || Is(hint, TypeKind::kAny)) {
      dict->set_type(Type::Dict(key->type(), unified));
    } else {
      if (!candidates.empty()) {
        TANDEM_RETURN_IF_ERROR(ChooseDictCandidate(
            candidates, hint, &refined, key->type(), unified, range));
      }
      dict->set_type(refined);
      key->set_type(refined->element(0));
      value->set_type(refined->element(1));
    }
    return EmitBuiltin(range, "aten::_set_item", {dict, key, value}).status();
  };
  PushFrame(block);
  absl::Status status;
  {
    const WithInsertPoint inside(graph_.get(), block);
    status = EmitComprehensionLoops(
        {expr.target, expr.iterable, expr.conditions}, expr.more, range, body);
  }
  PopFrame();
  TANDEM_RETURN_IF_ERROR(status);
  if (hint != nullptr && IsUnion(hint)) dict = InsertCast(dict, hint);
  return dict;
}

}  // namespace tandem::script
