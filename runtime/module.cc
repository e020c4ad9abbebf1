#include "tandem/runtime/module.h"

#include "absl/container/flat_hash_map.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "tandem/tensor/copy.h"
#include "tandem/tensor/status_macros.h"

namespace tandem {
namespace {

bool IsModule(const IValue& v) {
  return v.is_object() && v.AsObject().type()->is_module();
}

void Gather(const Module& module, const std::string& prefix, bool parameters,
            std::vector<std::pair<std::string, Tensor>>* out) {
  const ClassType& type = module.type();
  for (size_t i = 0; i < type.attributes().size(); ++i) {
    const ClassType::Attribute& a = type.attributes()[i];
    if (!(parameters ? a.is_parameter : a.is_buffer)) continue;
    const IValue v = module.object()->Get(i);
    if (v.is_tensor()) out->emplace_back(prefix + a.name, v.AsTensor());
  }
  for (const auto& [name, child] : module.Children()) {
    Gather(child, absl::StrCat(prefix, name, "."), parameters, out);
  }
}

// Copies values, keeping what is shared shared. Depth is bounded by that of the
// types at load; linked objects may still nest, hence the bound.
class Cloner {
 public:
  absl::StatusOr<IValue> Copy(const IValue& v, bool is_parameter, int depth) {
    if (depth > 1000) {
      return absl::InvalidArgumentError("Clone: values are nested too deeply");
    }
    if (!v.is_reference()) return v;
    const void* identity = Identity(v);
    if (const auto it = done_.find(identity); it != done_.end())
      return it->second;
    TANDEM_ASSIGN_OR_RETURN(IValue copy, CopyNew(v, is_parameter, depth));
    done_[identity] = copy;
    return copy;
  }

 private:
  static const void* Identity(const IValue& v) {
    if (v.is_tensor()) return v.AsTensor().impl();
    if (v.is_list()) return &v.AsList();
    if (v.is_dict()) return &v.AsDict();
    if (v.is_object()) return &v.AsObject();
    return nullptr;
  }

  absl::StatusOr<IValue> CopyNew(const IValue& v, bool is_parameter,
                                 int depth) {
    switch (v.tag()) {
      case IValue::Tag::kTensor: {
        const Tensor& t = v.AsTensor();
        if (!t.defined() || is_parameter || t.is_meta() || t.is_sparse())
          return v;
        return CopyTensor(t);
      }
      case IValue::Tag::kList: {
        auto list = MakeList(v.AsList().element_type);
        done_[&v.AsList()] = IValue(list);
        for (const IValue& e : v.AsList().values) {
          TANDEM_ASSIGN_OR_RETURN(IValue c, Copy(e, false, depth + 1));
          list->values.push_back(std::move(c));
        }
        return IValue(list);
      }
      case IValue::Tag::kDict: {
        auto dict = MakeDict(v.AsDict().key_type, v.AsDict().value_type);
        done_[&v.AsDict()] = IValue(dict);
        for (const auto& [key, value] : v.AsDict().Items()) {
          TANDEM_ASSIGN_OR_RETURN(IValue c, Copy(value, false, depth + 1));
          dict->Set(key, std::move(c));
        }
        return IValue(dict);
      }
      case IValue::Tag::kTuple: {
        std::vector<IValue> values;
        for (const IValue& e : v.AsTuple().values) {
          TANDEM_ASSIGN_OR_RETURN(IValue c, Copy(e, false, depth + 1));
          values.push_back(std::move(c));
        }
        return IValue(
            MakeRef<TupleObject>(std::move(values), v.AsTuple().type));
      }
      case IValue::Tag::kObject: {
        const ModuleObject& object = v.AsObject();
        auto copy = MakeRef<ModuleObject>(object.type());
        done_[&object] = IValue(copy);
        for (size_t i = 0; i < object.num_slots(); ++i) {
          TANDEM_ASSIGN_OR_RETURN(
              IValue c,
              Copy(object.Get(i), object.type()->attributes()[i].is_parameter,
                   depth + 1));
          copy->Set(i, std::move(c));
        }
        return IValue(copy);
      }
      default:
        return v;
    }
  }

  // Views of one storage stay views of one storage.
  absl::StatusOr<IValue> CopyTensor(const Tensor& t) {
    const Storage* storage = t.storage().get();
    auto it = storages_.find(storage);
    if (it == storages_.end()) {
      TANDEM_ASSIGN_OR_RETURN(Ref<Storage> fresh,
                              Storage::Allocate(storage->bytes()));
      if (storage->bytes() > 0) {
        std::memcpy(fresh->data(), storage->data(), storage->bytes());
      }
      it = storages_.emplace(storage, std::move(fresh)).first;
    }
    Tensor copy = t.Alias();
    copy.impl()->storage = it->second;
    copy.impl()->requires_grad = t.requires_grad();
    return IValue(std::move(copy));
  }

  absl::flat_hash_map<const void*, IValue> done_;
  absl::flat_hash_map<const Storage*, Ref<Storage>> storages_;
};

}  // namespace

Function* Module::FindMethod(absl::string_view name) const {
  return type().FindMethod(name);
}

absl::StatusOr<Function*> Module::GetMethod(absl::string_view name) const {
  if (Function* f = FindMethod(name); f != nullptr) return f;
  std::vector<absl::string_view> names;
  for (const Function* f : type().methods()) names.push_back(f->name());
  return absl::NotFoundError(absl::StrCat(
      "'", type().name(), "' has no method '", name, "'; it has ",
      names.empty() ? std::string("none") : absl::StrJoin(names, ", ")));
}

absl::StatusOr<IValue> Module::GetAttribute(absl::string_view path) const {
  IValue value(object_);
  for (absl::string_view part : absl::StrSplit(path, '.')) {
    if (!value.is_object()) {
      return absl::NotFoundError(
          absl::StrCat("'", path, "': what holds '", part, "' is no module"));
    }
    TANDEM_ASSIGN_OR_RETURN(value, value.AsObject().GetAttribute(part));
  }
  return value;
}

absl::Status Module::SetAttribute(absl::string_view path, IValue value) {
  const size_t dot = path.rfind('.');
  if (dot == absl::string_view::npos) {
    return object_->SetAttribute(path, std::move(value));
  }
  TANDEM_ASSIGN_OR_RETURN(IValue owner, GetAttribute(path.substr(0, dot)));
  if (!owner.is_object()) {
    return absl::NotFoundError(absl::StrCat("'", path, "' is in no module"));
  }
  return owner.AsObject().SetAttribute(path.substr(dot + 1), std::move(value));
}

std::vector<std::pair<std::string, Module>> Module::Children() const {
  std::vector<std::pair<std::string, Module>> children;
  for (size_t i = 0; i < type().attributes().size(); ++i) {
    const IValue v = object_->Get(i);
    if (IsModule(v)) {
      children.emplace_back(type().attributes()[i].name,
                            Module(unit_, v.AsRef<ModuleObject>()));
    }
  }
  return children;
}

std::vector<std::pair<std::string, Tensor>> Module::NamedParameters() const {
  std::vector<std::pair<std::string, Tensor>> out;
  Gather(*this, "", /*parameters=*/true, &out);
  return out;
}

std::vector<std::pair<std::string, Tensor>> Module::NamedBuffers() const {
  std::vector<std::pair<std::string, Tensor>> out;
  Gather(*this, "", /*parameters=*/false, &out);
  return out;
}

absl::StatusOr<Module> Module::Clone() const {
  Cloner cloner;
  TANDEM_ASSIGN_OR_RETURN(IValue copy, cloner.Copy(IValue(object_), false, 0));
  return Module(unit_, copy.AsRef<ModuleObject>());
}

}  // namespace tandem
