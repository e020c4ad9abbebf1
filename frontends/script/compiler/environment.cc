#include "tandem/frontends/script/compiler/environment.h"

#include <algorithm>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "tandem/frontends/script/compiler/builtin_names.h"
#include "tandem/frontends/script/compiler/function_compiler.h"
#include "tandem/frontends/script/compiler/schema_matching.h"
#include "tandem/tensor/status_macros.h"

namespace tandem::script {

bool IsMeaningfulName(absl::string_view name) {
  if (name.empty() || name[0] == '$') return false;
  if (name[0] != '_') return true;
  return !std::all_of(name.begin() + 1, name.end(), absl::ascii_isdigit);
}

Sugared Environment::InsertLoad(absl::string_view name, const TypePtr& type) {
  Node* load = f_.Insert(NodeKind::kLoad, {});
  load->SetAttribute("name", std::string(name));
  load->output()->set_type(type);
  if (IsMeaningfulName(name)) load->output()->SetName(name);
  return Simple(load->output());
}

Sugared Environment::FindInThisFrame(absl::string_view name) {
  if (const auto value = values_.find(name); value != values_.end()) {
    return value->second;
  }
  if (const auto type = types_.find(name); type != types_.end()) {
    return InsertLoad(name, type->second);
  }
  return nullptr;
}

Sugared Environment::FindInParentFrame(absl::string_view name) {
  return next_ == nullptr ? nullptr : next_->FindInAnyFrame(name);
}

Sugared Environment::FindInAnyFrame(absl::string_view name) {
  for (Environment* frame = this; frame != nullptr;
       frame = frame->next_.get()) {
    if (Sugared found = frame->FindInThisFrame(name)) return found;
  }
  return nullptr;
}

absl::Status Environment::SetVariable(const SourceRange& range,
                                      absl::string_view name, Value* value) {
  return SetSugared(range, name, Simple(value), /*annotated_type=*/nullptr);
}

absl::Status Environment::SetSugared(const SourceRange& range,
                                     absl::string_view name, Sugared value,
                                     const TypePtr& annotated_type) {
  Value* simple = AsSimple(value);
  // A value of an outer block keeps its name: this one may mean less there.
  if (simple != nullptr && !simple->has_name() && IsMeaningfulName(name) &&
      simple->node()->owning_block() == block_) {
    simple->SetName(name);
  }
  if (Sugared parent = FindInParentFrame(name)) {
    if (annotated_type != nullptr) {
      return f_.Error(
          range, "Attempting to declare and annotate the type of variable '",
          name, "' but it is already defined in an outer block");
    }
    if (simple == nullptr) {
      return f_.Error(range, "Cannot re-assign '", name,
                      "' to a value of type ", value->kind(), " because ", name,
                      " is not a first-class value.  Only reassignments to "
                      "first-class values are allowed");
    }
    Value* simple_parent = AsSimple(parent);
    if (simple_parent == nullptr) {
      return f_.Error(range, "Cannot re-assign '", name,
                      "' because it has type ", value->kind(), " and ", name,
                      " is not a first-class value.  Only reassignments to "
                      "first-class values are allowed");
    }
    const TypePtr parent_type = Unshaped(simple_parent->type());
    TANDEM_ASSIGN_OR_RETURN(simple, TryConvert(f_, range, parent_type, simple,
                                               /*allow_conversions=*/true));
    std::string why;
    if (!IsSubtype(simple->type(), parent_type, &why)) {
      std::string text =
          absl::StrCat("Variable '", name, "' previously had type ",
                       Repr(simple_parent->type()),
                       " but is now being assigned to a value of type ",
                       Repr(simple->type()));
      if (Is(simple_parent->type(), TypeKind::kList) &&
          Is(simple->type(), TypeKind::kList)) {
        absl::StrAppend(
            &text,
            "\nEmpty lists default to List[Tensor]. Add a variable annotation "
            "to the assignment to create an empty list of another type "
            "(torch.jit.annotate(List[T, []]) where T is the type of elements "
            "in the list for Python 2)");
      }
      return f_.Error(range, text, "\n", why);
    }
  }
  if (simple == nullptr) {
    values_[std::string(name)] = std::move(value);
    return absl::OkStatus();
  }
  if (annotated_type != nullptr && !IsSubtype(simple->type(), annotated_type)) {
    return f_.Error(range, "Variable '", name, "' is annotated with type ",
                    Repr(annotated_type),
                    " but is being assigned to a value of type ",
                    Repr(simple->type()));
  }
  Node* store = f_.Insert(NodeKind::kStore, {simple}, range, /*outputs=*/0);
  store->SetAttribute("name", std::string(name));
  SetType(name, annotated_type != nullptr ? annotated_type : simple->type());
  return absl::OkStatus();
}

absl::StatusOr<Sugared> Environment::Get(absl::string_view name,
                                         const SourceRange& range) {
  if (Sugared found = FindInAnyFrame(name)) return found;
  if (Sugared builtin = BuiltinName(name)) return builtin;
  TANDEM_ASSIGN_OR_RETURN(TypePtr type, f_.resolver().ResolveType(name, range));
  if (type != nullptr && type->is_named_tuple()) {
    return Sugared(std::make_shared<NamedTupleConstructor>(type));
  }
  TANDEM_ASSIGN_OR_RETURN(Sugared value,
                          f_.resolver().ResolveValue(name, f_, range));
  if (value != nullptr) return value;
  if (type != nullptr && AsClass(type) != nullptr) {
    return Sugared(std::make_shared<ClassValue>(AsClass(type)));
  }
  const Environment* outermost = this;
  while (outermost->next_ != nullptr) outermost = outermost->next_.get();
  const auto error = outermost->errors_.find(name);
  if (error != outermost->errors_.end()) {
    return f_.Error(range, error->second, "and was used here");
  }
  return f_.Error(range, "undefined value ", name);
}

absl::StatusOr<Value*> Environment::GetValue(absl::string_view name,
                                             const SourceRange& range) {
  TANDEM_ASSIGN_OR_RETURN(Sugared value, Get(name, range));
  return value->AsValue(range, f_);
}

absl::Status Environment::Remove(absl::string_view name,
                                 const SourceRange& range) {
  bool removed = false;
  for (Environment* frame = this; frame != nullptr;
       frame = frame->next_.get()) {
    const bool value = frame->values_.erase(name) > 0;
    const bool type = frame->types_.erase(name) > 0;
    removed = removed || value || type;
  }
  if (removed) return absl::OkStatus();
  return f_.Error(range, "undefined value ", name);
}

void Environment::SetType(absl::string_view name, TypePtr type) {
  types_[std::string(name)] = std::move(type);
}

void Environment::SetVariableError(absl::string_view name,
                                   std::string message) {
  Environment* outermost = this;
  while (outermost->next_ != nullptr) outermost = outermost->next_.get();
  outermost->errors_[std::string(name)] = std::move(message);
}

std::vector<std::string> Environment::DefinedVariables() const {
  std::vector<std::string> names;
  for (const auto& [name, type] : types_) names.push_back(name);
  std::sort(names.begin(), names.end());
  return names;
}

}  // namespace tandem::script
