// Dicts: ordered by insertion, any key type that a program may use.
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "tandem/backends/reference/families.h"
#include "tandem/tensor/status_macros.h"

namespace tandem::reference {
namespace {

absl::Status KeyError(const IValue& key) {
  return absl::NotFoundError(absl::StrCat("KeyError: ", key.ToString()));
}

int64_t Length(const IValue& self) {
  return static_cast<int64_t>(self.AsDict().size());
}
bool Contains(const IValue& self, const IValue& key) {
  return self.AsDict().Find(key) != nullptr;
}
absl::StatusOr<IValue> GetItem(const IValue& self, const IValue& key) {
  const IValue* value = self.AsDict().Find(key);
  if (value == nullptr) return KeyError(key);
  return *value;
}
IValue Get(const IValue& self, const IValue& key) {
  const IValue* value = self.AsDict().Find(key);
  return value == nullptr ? IValue() : *value;
}
IValue GetDefault(const IValue& self, const IValue& key,
                  const IValue& otherwise) {
  const IValue* value = self.AsDict().Find(key);
  return value == nullptr ? otherwise : *value;
}
IValue SetDefault(const IValue& self, const IValue& key,
                  const IValue& otherwise) {
  if (const IValue* value = self.AsDict().Find(key); value != nullptr) {
    return *value;
  }
  self.AsDict().Set(key, otherwise);
  return otherwise;
}
void SetItem(const IValue& self, const IValue& key, const IValue& value) {
  self.AsDict().Set(key, value);
}
absl::StatusOr<IValue> Pop(const IValue& self, const IValue& key) {
  TANDEM_ASSIGN_OR_RETURN(IValue value, GetItem(self, key));
  self.AsDict().Erase(key);
  return value;
}
IValue PopDefault(const IValue& self, const IValue& key,
                  const IValue& otherwise) {
  const IValue* found = self.AsDict().Find(key);
  if (found == nullptr) return otherwise;
  IValue value = *found;
  self.AsDict().Erase(key);
  return value;
}
absl::Status Delete(const IValue& self, const IValue& key) {
  if (!self.AsDict().Erase(key)) return KeyError(key);
  return absl::OkStatus();
}
// The oldest entry (Python takes the newest).
absl::StatusOr<IValue> PopItem(const IValue& self) {
  DictObject& dict = self.AsDict();
  if (dict.size() == 0) {
    return absl::InvalidArgumentError("popitem(): dictionary is empty");
  }
  IValue key, value;
  bool first = true;
  dict.ForEach([&](const IValue& k, const IValue& v) {
    if (!first) return;
    first = false;
    key = k;
    value = v;
  });
  dict.Erase(key);
  return IValue(MakeTuple({std::move(key), std::move(value)}));
}
void Clear(const IValue& self) { self.AsDict().Clear(); }
void Update(const IValue& self, const IValue& other) {
  if (&self.AsDict() == &other.AsDict()) return;
  other.AsDict().ForEach([&](const IValue& key, const IValue& value) {
    self.AsDict().Set(key, value);
  });
}

IValue Keys(const IValue& self) {
  const DictObject& dict = self.AsDict();
  std::vector<IValue> keys;
  keys.reserve(dict.size());
  dict.ForEach([&](const IValue& k, const IValue&) { keys.push_back(k); });
  return IValue(MakeList(dict.key_type, std::move(keys)));
}
IValue Values(const IValue& self) {
  const DictObject& dict = self.AsDict();
  std::vector<IValue> values;
  values.reserve(dict.size());
  dict.ForEach([&](const IValue&, const IValue& v) { values.push_back(v); });
  return IValue(MakeList(dict.value_type, std::move(values)));
}
IValue Items(const IValue& self) {
  const DictObject& dict = self.AsDict();
  std::vector<IValue> items;
  items.reserve(dict.size());
  dict.ForEach([&](const IValue& k, const IValue& v) {
    items.emplace_back(MakeTuple({k, v}));
  });
  return IValue(MakeList(Type::Tuple({dict.key_type, dict.value_type}),
                         std::move(items)));
}
IValue Copy(const IValue& self) {
  const DictObject& dict = self.AsDict();
  const Ref<DictObject> copy = MakeDict(dict.key_type, dict.value_type);
  dict.ForEach([&](const IValue& k, const IValue& v) { copy->Set(k, v); });
  return IValue(copy);
}
absl::StatusOr<IValue> FromPairs(const IValue& pairs) {
  const Type& pair = *pairs.AsList().element_type;
  if (!pair.is(TypeKind::kTuple) || pair.elements().size() != 2) {
    return absl::InvalidArgumentError("dict() takes a list of pairs");
  }
  const Ref<DictObject> dict = MakeDict(pair.element(0), pair.element(1));
  for (const IValue& v : pairs.AsList().values) {
    dict->Set(v.AsTuple().values[0], v.AsTuple().values[1]);
  }
  return IValue(dict);
}
IValue Empty() { return IValue(MakeDict(Type::Str(), Type::Tensor())); }

}  // namespace

absl::Status RegisterDict(Registry& registry) {
  KernelRegistrar r(registry, "reference");
  // Tensors are keys by identity: they must arrive as they are.
  const KernelOptions lazy = {.handles_lazy_bits = true};
  for (const std::string type :
       {"str", "int", "bool", "float", "complex", "Tensor"}) {
    r.Add("aten::len.Dict_" + type, &Length, lazy)
        .Add("aten::__contains__." + type, &Contains, lazy)
        .Add("aten::__getitem__.Dict_" + type, &GetItem, lazy)
        .Add("aten::get." + type, &Get, lazy)
        .Add("aten::get.default_" + type, &GetDefault, lazy)
        .Add("aten::setdefault." + type, &SetDefault, lazy)
        .Add("aten::_set_item." + type, &SetItem, lazy)
        .Add("aten::pop.Dict_" + type, &Pop, lazy)
        .Add("aten::pop.Dict_default_" + type, &PopDefault, lazy)
        .Add("aten::Delete.Dict_" + type, &Delete, lazy)
        .Add("aten::popitem." + type, &PopItem, lazy)
        .Add("aten::clear." + type, &Clear, lazy)
        .Add("aten::update." + type, &Update, lazy)
        .Add("aten::keys." + type, &Keys, lazy)
        .Add("aten::values." + type, &Values, lazy)
        .Add("aten::items." + type, &Items, lazy)
        .Add("aten::copy.Dict_" + type, &Copy, lazy)
        .Add("aten::dict.Dict_" + type, &Copy, lazy)
        .Add("aten::dict." + type, &FromPairs, lazy);
  }
  r.Add("aten::dict", &Empty);
  return r.status();
}

}  // namespace tandem::reference
