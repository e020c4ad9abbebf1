#include "tandem/frontends/script/python_object.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "tandem/frontends/script/compiler/types.h"
#include "tandem/ir/python_text.h"
#include "tandem/tensor/status_macros.h"

namespace tandem::script {

PyObject::~PyObject() {
  // Set while one is being destroyed on this thread: what it held waits there.
  static thread_local std::vector<Py>* waiting = nullptr;
  std::vector<Py> own;
  std::vector<Py>& list = waiting != nullptr ? *waiting : own;
  for (Py& item : items) list.push_back(std::move(item));
  for (auto& [key, item] : entries) {
    list.push_back(std::move(key));
    list.push_back(std::move(item));
  }
  for (const PyNames* names : {&attributes, &parameters, &buffers, &modules}) {
    for (const auto& [name, item] : names->entries()) list.push_back(item);
  }
  attributes = parameters = buffers = modules = PyNames();
  if (self != nullptr) list.push_back(std::move(self));
  if (waiting != nullptr) return;
  waiting = &own;
  while (!own.empty()) {
    const Py last = std::move(own.back());
    own.pop_back();
  }
  waiting = nullptr;
}

Py PyNames::Find(absl::string_view name) const {
  for (const Entry& entry : entries_) {
    if (entry.first == name) return entry.second;
  }
  return nullptr;
}

void PyNames::Set(absl::string_view name, Py value) {
  for (Entry& entry : entries_) {
    if (entry.first == name) {
      entry.second = std::move(value);
      return;
    }
  }
  entries_.emplace_back(std::string(name), std::move(value));
}

bool PyNames::Erase(absl::string_view name) {
  for (auto it = entries_.begin(); it != entries_.end(); ++it) {
    if (it->first != name) continue;
    entries_.erase(it);
    return true;
  }
  return false;
}

Py PyValue(IValue value) {
  Py object = std::make_shared<PyObject>(PyObject::Kind::kValue);
  object->value = std::move(value);
  return object;
}

Py PyList(std::vector<Py> items) {
  Py object = std::make_shared<PyObject>(PyObject::Kind::kList);
  object->items = std::move(items);
  return object;
}

Py PyTuple(std::vector<Py> items) {
  Py object = std::make_shared<PyObject>(PyObject::Kind::kTuple);
  object->items = std::move(items);
  return object;
}

Py PyDict() { return std::make_shared<PyObject>(PyObject::Kind::kDict); }

Py PyQualified(std::string name) {
  Py object = std::make_shared<PyObject>(PyObject::Kind::kName);
  object->name = std::move(name);
  return object;
}

Py PyBound(std::string name, Py self) {
  Py object = std::make_shared<PyObject>(PyObject::Kind::kBound);
  object->name = std::move(name);
  object->self = std::move(self);
  return object;
}

bool PyIs(const Py& a, const Py& b) {
  if (a == b) return true;
  if (a->kind != b->kind) return false;
  if (a->is(PyObject::Kind::kValue)) return a->value.Is(b->value);
  if (a->is(PyObject::Kind::kClass)) return a->cls == b->cls;
  if (a->is(PyObject::Kind::kName)) return a->name == b->name;
  if (a->is(PyObject::Kind::kFunction)) {
    return a->def == b->def && a->self == b->self;
  }
  return false;
}

bool PyEqual(const Py& a, const Py& b, int depth) {
  if (PyIs(a, b)) return true;
  if (depth > kMaxPyDepth) return false;
  if (a->kind != b->kind) return false;
  switch (a->kind) {
    case PyObject::Kind::kValue:
      return Equal(a->value, b->value);
    case PyObject::Kind::kList:
    case PyObject::Kind::kTuple:
      return std::equal(a->items.begin(), a->items.end(), b->items.begin(),
                        b->items.end(), [depth](const Py& x, const Py& y) {
                          return PyEqual(x, y, depth + 1);
                        });
    case PyObject::Kind::kDict:
      if (a->entries.size() != b->entries.size()) return false;
      for (const auto& [key, value] : a->entries) {
        const Py other = PyGetItem(*b, key);
        if (other == nullptr || !PyEqual(value, other, depth + 1)) return false;
      }
      return true;
    default:
      return false;
  }
}

Py PyGetItem(const PyObject& dict, const Py& key) {
  for (const auto& [known, value] : dict.entries) {
    if (PyEqual(known, key)) return value;
  }
  return nullptr;
}

void PySetItem(PyObject& dict, const Py& key, Py value) {
  for (auto& [known, old] : dict.entries) {
    if (PyEqual(known, key)) {
      old = std::move(value);
      return;
    }
  }
  dict.entries.emplace_back(key, std::move(value));
}

std::string PyTypeName(const PyObject& object) {
  switch (object.kind) {
    case PyObject::Kind::kValue:
      return object.is_parameter ? "Parameter" : PythonTypeName(object.value);
    case PyObject::Kind::kList:
      return "list";
    case PyObject::Kind::kTuple:
      return object.cls.cls != nullptr ? std::string(object.cls.cls->name.name)
                                       : "tuple";
    case PyObject::Kind::kDict:
      return "dict";
    case PyObject::Kind::kFunction:
      return object.self != nullptr ? "method" : "function";
    case PyObject::Kind::kClass:
      return "type";
    case PyObject::Kind::kInstance:
      return std::string(object.cls.cls->name.name);
    case PyObject::Kind::kName:
    case PyObject::Kind::kBound:
      if (object.name == "__object__") return "object";
      return "builtin_function_or_method";
    case PyObject::Kind::kSuper:
      return "super";
  }
  return "object";
}

absl::StatusOr<IValue> PyToIValue(const PyObject& object, int depth) {
  if (depth > kMaxPyDepth) {
    return absl::InvalidArgumentError("nested too deeply");
  }
  switch (object.kind) {
    case PyObject::Kind::kValue:
      return object.value;
    case PyObject::Kind::kTuple:
    case PyObject::Kind::kList: {
      std::vector<IValue> values;
      for (const Py& item : object.items) {
        TANDEM_ASSIGN_OR_RETURN(IValue value, PyToIValue(*item, depth + 1));
        values.push_back(std::move(value));
      }
      if (object.is(PyObject::Kind::kTuple)) return IValue(MakeTuple(values));
      if (values.empty()) {
        return absl::InvalidArgumentError(
            "List trace inputs must have elements");
      }
      TypePtr element = values[0].TypeOf();
      for (const IValue& value : values) {
        const TypePtr type = value.TypeOf();
        TypePtr unified = Same(type, element) ? element : Unify(element, type);
        if (unified == nullptr || Is(unified, TypeKind::kUnion)) {
          return absl::InvalidArgumentError(absl::StrCat(
              "List inputs to traced functions must have consistent element "
              "type. Found ",
              element->ToAnnotation(), " and ", type->ToAnnotation()));
        }
        element = std::move(unified);
      }
      return IValue(MakeList(element, std::move(values)));
    }
    case PyObject::Kind::kDict: {
      if (object.entries.empty()) {
        return absl::InvalidArgumentError(
            "Dictionary inputs must have entries");
      }
      Ref<DictObject> dict;
      for (const auto& [key, value] : object.entries) {
        TANDEM_ASSIGN_OR_RETURN(IValue k, PyToIValue(*key, depth + 1));
        TANDEM_ASSIGN_OR_RETURN(IValue v, PyToIValue(*value, depth + 1));
        const TypePtr key_type = k.TypeOf(), value_type = v.TypeOf();
        if (dict.get() == nullptr) dict = MakeDict(key_type, value_type);
        if (!Same(dict->key_type, key_type) ||
            !Same(dict->value_type, value_type)) {
          const bool keys = !Same(dict->key_type, key_type);
          return absl::InvalidArgumentError(absl::StrCat(
              "Dictionary inputs to traced functions must have consistent ",
              "type. Found ",
              (keys ? dict->key_type : dict->value_type)->ToAnnotation(),
              " and ", (keys ? key_type : value_type)->ToAnnotation()));
        }
        dict->Set(std::move(k), std::move(v));
      }
      return IValue(std::move(dict));
    }
    default:
      return absl::InvalidArgumentError(absl::StrCat(
          "Only tensors and (possibly nested) tuples of tensors, lists, or "
          "dicts are supported as inputs or outputs of traced functions, but "
          "instead got value of type ",
          PyTypeName(object), "."));
  }
}

Py PyFromIValue(const IValue& value) {
  std::vector<Py> items;
  if (value.is_list()) {
    for (const IValue& item : value.AsList().values) {
      items.push_back(PyFromIValue(item));
    }
    return PyList(std::move(items));
  }
  if (value.is_tuple()) {
    for (const IValue& item : value.AsTuple().values) {
      items.push_back(PyFromIValue(item));
    }
    return PyTuple(std::move(items));
  }
  if (value.is_dict()) {
    Py dict = PyDict();
    for (const auto& [key, item] : value.AsDict().Items()) {
      dict->entries.emplace_back(PyFromIValue(key), PyFromIValue(item));
    }
    return dict;
  }
  return PyValue(value);
}

}  // namespace tandem::script
