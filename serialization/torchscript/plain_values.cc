#include "tandem/serialization/torchscript/plain_values.h"

#include <cmath>
#include <complex>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "tandem/serialization/torchscript/pickle.h"
#include "tandem/serialization/torchscript/tensor_reader.h"
#include "tandem/tensor/status_macros.h"

namespace tandem {
namespace {

using Kind = PickleValue::Kind;

bool IsComplexGlobal(absl::string_view module, absl::string_view name) {
  return (module == "builtins" || module == "__builtin__") && name == "complex";
}

bool IsPlainGlobal(absl::string_view module, absl::string_view name) {
  if (IsTensorGlobal(module, name) || IsComplexGlobal(module, name)) {
    return true;
  }
  // torch::pickle_save of C++ tags its lists and dicts.
  return module == "torch.jit._pickle" &&
         (name == "restore_type_tag" || name == "build_intlist" ||
          name == "build_doublelist" || name == "build_boollist" ||
          name == "build_tensorlist");
}

// The types of lists are built of their elements' types level by level; a tuple
// with shared parts would make them grow without bound.
constexpr int kMaxTypeParts = 256;

TypePtr TypeWithin(const IValue& value, int& budget) {
  if (--budget < 0) return Type::Any();
  if (value.is_tensor()) return Type::Tensor();
  if (value.is_tuple()) {
    std::vector<TypePtr> types;
    for (const IValue& part : value.AsTuple().values) {
      if (budget < 0) return Type::Any();
      types.push_back(TypeWithin(part, budget));
    }
    return budget < 0 ? Type::Any() : Type::Tuple(std::move(types));
  }
  return value.TypeOf();
}

// Turns a pickle's values into ours; recursion is bounded by the pickle's
// depth.
class PlainReader {
 public:
  PlainReader(const Pickle& pickle, StorageTable& storages)
      : pickle_(pickle), tensors_(pickle, storages) {}

  absl::StatusOr<IValue> Convert(const PickleValue& value) {
    switch (value.kind) {
      case Kind::kNone:
        return IValue();
      case Kind::kBool:
        return IValue(value.boolean);
      case Kind::kInt:
        return IValue(value.integer);
      case Kind::kFloat:
        return IValue(value.real);
      case Kind::kString:
        return ConvertString(value);
      case Kind::kGlobal:
        return ConvertGlobal(value);
      case Kind::kObject:
        return pickle_.Error(
            value,
            absl::StrCat("an object of the class '",
                         Printable(pickle_.Module(pickle_.Callee(value))), ".",
                         Printable(pickle_.Name(pickle_.Callee(value))),
                         "' is not a plain value"));
      case Kind::kPersistent:
        return pickle_.Error(value, "a bare storage is not a plain value");
      default:
        break;
    }
    const auto known = made_.find(value.node);
    if (known != made_.end()) return known->second;
    TANDEM_ASSIGN_OR_RETURN(IValue made, ConvertNode(value));
    made_.emplace(value.node, made);
    return made;
  }

 private:
  absl::StatusOr<IValue> ConvertString(const PickleValue& value) {
    const absl::string_view text = pickle_.String(value);
    // A text that the memo repeats is kept once.
    const uint64_t key = uint64_t{value.slice.begin} << 32 | value.slice.size;
    const auto known = strings_.find(key);
    if (known != strings_.end()) return known->second;
    if (!IsUtf8(text)) {
      return pickle_.Error(value, absl::StrCat("the text \"", Printable(text),
                                               "\" is not UTF-8"));
    }
    IValue made(text);
    strings_.emplace(key, made);
    return made;
  }

  absl::StatusOr<IValue> ConvertGlobal(const PickleValue& value) {
    if (pickle_.Module(value) == "torch") {
      const std::optional<DType> dtype =
          DTypeFromPythonName(pickle_.Name(value));
      if (dtype.has_value()) return IValue(static_cast<int64_t>(*dtype));
    }
    return pickle_.Error(
        value, absl::StrCat("'", pickle_.Module(value), ".",
                            pickle_.Name(value), "' is not a plain value"));
  }

  absl::StatusOr<std::vector<IValue>> ConvertItems(const PickleValue& value) {
    std::vector<IValue> items;
    items.reserve(pickle_.Items(value).size());
    for (const PickleValue& item : pickle_.Items(value)) {
      TANDEM_ASSIGN_OR_RETURN(IValue converted, Convert(item));
      items.push_back(std::move(converted));
    }
    return items;
  }

  absl::StatusOr<IValue> ConvertNode(const PickleValue& value) {
    if (value.kind == Kind::kCall) return ConvertCall(value);
    TANDEM_ASSIGN_OR_RETURN(std::vector<IValue> items, ConvertItems(value));
    if (value.kind == Kind::kTuple) return IValue(MakeTuple(std::move(items)));
    if (value.kind == Kind::kList) {
      TypePtr type = CommonType(items);
      return IValue(MakeList(std::move(type), std::move(items)));
    }
    std::vector<IValue> keys, values;
    for (size_t i = 0; i + 1 < items.size(); i += 2) {
      const IValue& key = items[i];
      if (!IsDictKey(key)) {
        return pickle_.Error(
            pickle_.Items(value)[i],
            absl::StrCat("a dict's key is ",
                         KindName(pickle_.Items(value)[i].kind),
                         "; a text, number, bool or tensor is "
                         "expected"));
      }
      keys.push_back(std::move(items[i]));
      values.push_back(std::move(items[i + 1]));
    }
    Ref<DictObject> dict = MakeDict(CommonType(keys), CommonType(values));
    for (size_t i = 0; i < keys.size(); ++i) {
      dict->Set(std::move(keys[i]), std::move(values[i]));
    }
    return IValue(std::move(dict));
  }

  absl::StatusOr<IValue> ConvertCall(const PickleValue& value) {
    if (tensors_.IsTensor(value)) {
      TANDEM_ASSIGN_OR_RETURN(Tensor tensor, tensors_.Read(value));
      return IValue(std::move(tensor));
    }
    const PickleValue& callee = pickle_.Callee(value);
    const absl::string_view module = pickle_.Module(callee);
    const absl::string_view name = pickle_.Name(callee);
    // Any other callee may have arguments of its own form.
    const PickleValue& tuple = pickle_.Argument(value);
    const absl::Span<const PickleValue> arguments =
        tuple.kind == Kind::kTuple ? pickle_.Items(tuple)
                                   : absl::Span<const PickleValue>();
    if (IsComplexGlobal(module, name)) {
      if (arguments.size() == 2 && arguments[0].kind == Kind::kFloat &&
          arguments[1].kind == Kind::kFloat) {
        return IValue(
            std::complex<double>(arguments[0].real, arguments[1].real));
      }
    } else if (module == "torch" && name == "device") {
      if ((arguments.size() == 1 || arguments.size() == 2) &&
          arguments[0].kind == Kind::kString) {
        std::string text(pickle_.String(arguments[0]).substr(0, 64));
        if (arguments.size() == 2 && arguments[1].kind == Kind::kInt) {
          absl::StrAppend(&text, ":", arguments[1].integer);
        }
        const absl::StatusOr<Device> device = ParseDevice(text);
        if (!device.ok()) {
          return pickle_.Error(value, Printable(device.status().message()));
        }
        return IValue(*device);
      }
    } else if (module == "torch" && name == "Size") {
      if (arguments.size() == 1 && arguments[0].kind == Kind::kTuple) {
        return Convert(arguments[0]);
      }
    } else if (module == "torch.jit._pickle") {
      const size_t count = name == "restore_type_tag" ? 2 : 1;
      if (arguments.size() == count && (arguments[0].kind == Kind::kList ||
                                        arguments[0].kind == Kind::kDict)) {
        return Convert(arguments[0]);
      }
    }
    return pickle_.Error(value, absl::StrCat("'", module, ".", name,
                                             "' is called with arguments that "
                                             "make no plain value"));
  }

  const Pickle& pickle_;
  TensorReader tensors_;
  absl::flat_hash_map<uint32_t, IValue> made_;
  absl::flat_hash_map<uint64_t, IValue> strings_;
};

}  // namespace

TypePtr CommonType(absl::Span<const IValue> values) {
  TypePtr common;
  bool has_none = false;
  IValue::Tag tag = IValue::Tag::kNone;
  for (const IValue& value : values) {
    if (value.is_none()) {
      has_none = true;
      continue;
    }
    if (common == nullptr) {
      int budget = kMaxTypeParts;
      common = TypeWithin(value, budget);
      tag = value.tag();
      continue;
    }
    if (value.tag() != tag) return Type::Any();
    if (value.is_list() || value.is_dict() || value.is_tuple()) {
      int budget = kMaxTypeParts;
      if (!TypeWithin(value, budget)->Equals(*common)) return Type::Any();
    }
  }
  if (common == nullptr) return Type::Any();
  return has_none ? Type::Optional(std::move(common)) : common;
}

bool IsDictKey(const IValue& value) {
  if (value.is_double()) return !std::isnan(value.AsDouble());
  if (value.is_complex()) {
    const std::complex<double> c = value.AsComplex();
    return !std::isnan(c.real()) && !std::isnan(c.imag());
  }
  return value.is_scalar() || value.is_string() || value.is_tensor() ||
         value.is_device();
}

absl::StatusOr<IValue> LoadPlainValues(std::shared_ptr<File> file,
                                       const ArchiveLimits& limits) {
  TANDEM_ASSIGN_OR_RETURN(const std::unique_ptr<Archive> archive,
                          Archive::Open(std::move(file), limits));
  if (archive->kind() != Archive::Kind::kValues) {
    return absl::InvalidArgumentError(absl::StrCat(
        archive->file_name(),
        ": is a TorchScript archive of torch.jit.save, not a torch.save file "
        "of plain values"));
  }
  TANDEM_RETURN_IF_ERROR(archive->CheckByteOrder());
  TANDEM_ASSIGN_OR_RETURN(const ZipRecord record, archive->Read("data.pkl"));
  TANDEM_ASSIGN_OR_RETURN(
      const Pickle pickle,
      Pickle::Parse(archive->Where("data.pkl"), record.bytes(), IsPlainGlobal,
                    limits.pickle));
  StorageTable storages(*archive, "data/");
  return PlainReader(pickle, storages).Convert(pickle.root());
}

absl::StatusOr<IValue> LoadPlainValues(const std::string& path,
                                       const ArchiveLimits& limits) {
  TANDEM_ASSIGN_OR_RETURN(std::shared_ptr<File> file, File::Open(path));
  return LoadPlainValues(std::move(file), limits);
}

}  // namespace tandem
