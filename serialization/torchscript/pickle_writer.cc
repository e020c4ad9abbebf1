#include "tandem/serialization/torchscript/pickle_writer.h"

#include <complex>
#include <cstring>
#include <utility>

#include "absl/strings/str_cat.h"
#include "tandem/ir/compilation_unit.h"
#include "tandem/tensor/dtype.h"
#include "tandem/tensor/status_macros.h"

namespace tandem {
namespace {

constexpr int kMaxDepth = 256;

constexpr char kMark = '(';

constexpr absl::string_view kSchemes[] = {
    "per_tensor_affine", "per_channel_affine", "per_tensor_symmetric",
    "per_channel_symmetric", "per_channel_affine_float_qparams"};

std::string Le(uint64_t v, int bytes) {
  std::string out;
  for (int i = 0; i < bytes; ++i) {
    out.push_back(static_cast<char>(v >> (8 * i) & 255));
  }
  return out;
}

// The identity of a value that can be shared; null for others.
const void* Identity(const IValue& value) {
  switch (value.tag()) {
    case IValue::Tag::kTensor:
      return value.AsTensor().impl();
    case IValue::Tag::kList:
      return &value.AsList();
    case IValue::Tag::kDict:
      return &value.AsDict();
    case IValue::Tag::kTuple:
      return &value.AsTuple();
    case IValue::Tag::kObject:
      return &value.AsObject();
    case IValue::Tag::kOpaque:
      return &value.AsOpaque();
    default:
      return nullptr;
  }
}

absl::Status TooDeep() {
  return absl::InvalidArgumentError(
      absl::StrCat("values are nested too deeply to be saved (more than ",
                   kMaxDepth, " levels)"));
}

// As a reader of archives decides whether __setstate__ counts.
Function* GetStateMethod(const ClassType& type) {
  return type.FindMethod("__setstate__") == nullptr
             ? nullptr
             : type.FindMethod("__getstate__");
}

}  // namespace

absl::StatusOr<std::string> PickleWriter::Write(const IValue& value) {
  out_.assign("\x80\x02");
  next_memo_ = 0;
  string_memo_.clear();
  global_memo_.clear();
  device_memo_.clear();
  pointer_memo_.clear();
  storage_memo_.clear();
  references_.clear();
  open_.clear();
  TANDEM_RETURN_IF_ERROR(CountReferences(value, 0));
  TANDEM_RETURN_IF_ERROR(Put(value, 0));
  Emit(".");
  return std::move(out_);
}

absl::Status PickleWriter::CountReferences(const IValue& value, int depth) {
  const void* identity = Identity(value);
  if (identity == nullptr) return absl::OkStatus();
  if (depth > kMaxDepth) return TooDeep();
  if (references_[identity]++ > 0) return absl::OkStatus();
  const auto each = [&](const std::vector<IValue>& values) {
    for (const IValue& item : values) {
      TANDEM_RETURN_IF_ERROR(CountReferences(item, depth + 1));
    }
    return absl::OkStatus();
  };
  if (value.is_list()) return each(value.AsList().values);
  if (value.is_tuple()) return each(value.AsTuple().values);
  if (value.is_opaque()) {
    return CountReferences(value.AsOpaque().state, depth + 1);
  }
  if (value.is_dict()) {
    for (const auto& [key, item] : value.AsDict().Items()) {
      TANDEM_RETURN_IF_ERROR(CountReferences(key, depth + 1));
      TANDEM_RETURN_IF_ERROR(CountReferences(item, depth + 1));
    }
    return absl::OkStatus();
  }
  if (value.is_object() &&
      GetStateMethod(*value.AsObject().type()) == nullptr) {
    const ModuleObject& object = value.AsObject();
    for (size_t slot = 0; slot < object.num_slots(); ++slot) {
      TANDEM_RETURN_IF_ERROR(CountReferences(object.Get(slot), depth + 1));
    }
  }
  return absl::OkStatus();
}

absl::Status PickleWriter::Put(const IValue& value, int depth) {
  if (depth > kMaxDepth) return TooDeep();
  switch (value.tag()) {
    case IValue::Tag::kNone:
      Emit("N");
      return absl::OkStatus();
    case IValue::Tag::kBool:
      PutBool(value.AsBool());
      return absl::OkStatus();
    case IValue::Tag::kInt:
      PutInt(value.AsInt());
      return absl::OkStatus();
    case IValue::Tag::kDouble:
      PutFloat(value.AsDouble());
      return absl::OkStatus();
    case IValue::Tag::kString:
      PutString(value.AsString());
      return absl::OkStatus();
    case IValue::Tag::kDevice:
      PutDevice(value.AsDevice().ToString());
      return absl::OkStatus();
    case IValue::Tag::kComplex: {
      const std::complex<double> c = value.AsComplex();
      PutGlobal("builtins", "complex");
      PutFloat(c.real());
      PutFloat(c.imag());
      Emit("\x86R");
      return absl::OkStatus();
    }
    case IValue::Tag::kEnum: {
      const EnumObject& member = value.AsEnum();
      Meet(member.type);
      PutClass(member.type->name());
      TANDEM_RETURN_IF_ERROR(Put(member.value, depth + 1));
      Emit("R");
      return absl::OkStatus();
    }
    case IValue::Tag::kTensor:
      if (!value.AsTensor().defined()) {
        Emit("N");
        return absl::OkStatus();
      }
      break;
    case IValue::Tag::kList:
    case IValue::Tag::kDict:
    case IValue::Tag::kTuple:
    case IValue::Tag::kObject:
    case IValue::Tag::kOpaque:
      break;
    default:
      return absl::InvalidArgumentError(
          absl::StrCat("a value of the type ", value.TypeOf()->ToAnnotation(),
                       " cannot be saved"));
  }
  const void* identity = Identity(value);
  const auto known = pointer_memo_.find(identity);
  if (known != pointer_memo_.end()) {
    GetMemo(known->second);
    return absl::OkStatus();
  }
  if (!open_.insert(identity).second) {
    return absl::InvalidArgumentError(
        "a value that holds itself cannot be saved");
  }
  TANDEM_RETURN_IF_ERROR(PutNode(value, depth));
  open_.erase(identity);
  const auto count = references_.find(identity);
  if (count != references_.end() && count->second > 1) {
    pointer_memo_.emplace(identity, next_memo_);
    PutMemo();
  }
  return absl::OkStatus();
}

absl::Status PickleWriter::PutNode(const IValue& value, int depth) {
  switch (value.tag()) {
    case IValue::Tag::kTensor:
      return PutTensor(value.AsTensor(), depth);
    case IValue::Tag::kList:
      return PutList(value.AsList(), depth);
    case IValue::Tag::kDict:
      return PutDict(value.AsDict(), depth);
    case IValue::Tag::kTuple:
      return PutTuple(value.AsTuple(), depth);
    case IValue::Tag::kOpaque: {
      const OpaqueObject& opaque = value.AsOpaque();
      PutClass(opaque.qualified_name);
      Emit(")\x81");
      TANDEM_RETURN_IF_ERROR(Put(opaque.state, depth + 1));
      Emit("b");
      return absl::OkStatus();
    }
    default:
      return PutObject(value.AsRef<ModuleObject>(), depth);
  }
}

absl::Status PickleWriter::PutTensor(const Tensor& tensor, int depth) {
  return tensor.is_sparse() ? PutSparse(tensor, depth)
                            : PutStrided(tensor, depth);
}

absl::Status PickleWriter::PutStrided(const Tensor& tensor, int depth) {
  const Quantizer* quantizer = tensor.impl()->quantizer.get();
  PutGlobal("torch._utils",
            quantizer != nullptr ? "_rebuild_qtensor" : "_rebuild_tensor_v2");
  out_.push_back(kMark);
  TANDEM_RETURN_IF_ERROR(PutStorage(tensor));
  PutInt(tensor.offset());
  PutIntTuple(tensor.sizes());
  PutIntTuple(tensor.strides());
  if (quantizer != nullptr) {
    if (quantizer->scheme < 0 || quantizer->scheme > 4) {
      return absl::InvalidArgumentError(
          "a tensor of an unknown scheme of quantization cannot be saved");
    }
    out_.push_back(kMark);
    PutGlobal("torch", kSchemes[quantizer->scheme]);
    if (quantizer->scheme == 0) {
      PutFloat(quantizer->scale);
      PutInt(quantizer->zero_point);
    } else {
      TANDEM_RETURN_IF_ERROR(Put(quantizer->scales, depth + 1));
      TANDEM_RETURN_IF_ERROR(Put(quantizer->zero_points, depth + 1));
      PutInt(quantizer->axis);
    }
    Emit("t");
  }
  PutBool(tensor.requires_grad() && !detached_);
  PutHooks();
  if (quantizer == nullptr && (tensor.impl()->conj || tensor.impl()->neg)) {
    PutGlobal("torch.jit._pickle", "restore_type_tag");
    Emit("}(");
    if (tensor.impl()->conj) {
      PutString("conj");
      PutBool(true);
    }
    if (tensor.impl()->neg) {
      PutString("neg");
      PutBool(true);
    }
    Emit("u");
    PutString("Dict[str, bool]");
    Emit("\x86R");
  }
  Emit("tR");
  return absl::OkStatus();
}

absl::Status PickleWriter::PutSparse(const Tensor& tensor, int depth) {
  const SparseParts& parts = *tensor.impl()->sparse;
  PutGlobal("torch._utils", "_rebuild_sparse_tensor");
  out_.push_back(kMark);
  PutInt(static_cast<int64_t>(tensor.impl()->layout));
  PutIntTuple(tensor.sizes());
  PutBool(tensor.requires_grad() && !detached_);
  if (tensor.impl()->layout == Layout::kSparse) {
    TANDEM_RETURN_IF_ERROR(Put(parts.indices, depth + 1));
  } else {
    TANDEM_RETURN_IF_ERROR(Put(parts.crow, depth + 1));
    TANDEM_RETURN_IF_ERROR(Put(parts.col, depth + 1));
  }
  TANDEM_RETURN_IF_ERROR(Put(parts.values, depth + 1));
  PutHooks();
  Emit("tR");
  return absl::OkStatus();
}

absl::Status PickleWriter::PutStorage(const Tensor& tensor) {
  const Ref<Storage>& storage = tensor.storage();
  if (!storage) {
    return absl::InvalidArgumentError(
        "a tensor without storage cannot be saved");
  }
  const auto memo =
      std::make_pair(static_cast<const void*>(storage.get()), tensor.dtype());
  const auto known = storage_memo_.find(memo);
  if (known != storage_memo_.end()) {
    GetMemo(known->second);
    return absl::OkStatus();
  }
  const auto [number, is_new] =
      storage_numbers_.emplace(storage.get(), storages_.size());
  if (is_new) storages_.push_back(storage);
  out_.push_back(kMark);
  PutString("storage");
  PutGlobal("torch", absl::StrCat(TypeName(tensor.dtype()), "Storage"));
  PutString(absl::StrCat(number->second));
  PutString(tensor.device().ToString());
  PutInt(static_cast<int64_t>(storage->bytes() / tensor.element_size()));
  Emit("tQ");
  storage_memo_.emplace(memo, next_memo_);
  PutMemo();
  return absl::OkStatus();
}

absl::Status PickleWriter::PutList(const ListObject& list, int depth) {
  const Type& element = *list.element_type;
  const absl::string_view function =
      element.is(TypeKind::kInt)      ? "build_intlist"
      : element.is(TypeKind::kFloat)  ? "build_doublelist"
      : element.is(TypeKind::kBool)   ? "build_boollist"
      : element.is(TypeKind::kTensor) ? "build_tensorlist"
                                      : "restore_type_tag";
  const bool tagged = function == "restore_type_tag";
  PutGlobal("torch.jit._pickle", function);
  if (!tagged) out_.push_back(kMark);
  Emit("](");
  for (const IValue& item : list.values) {
    TANDEM_RETURN_IF_ERROR(Put(item, depth + 1));
  }
  Emit("e");
  if (tagged) {
    PutString(Type::List(list.element_type)->ToAnnotation());
    Emit("\x86R");
  } else {
    Emit("tR");
  }
  return absl::OkStatus();
}

absl::Status PickleWriter::PutDict(const DictObject& dict, int depth) {
  PutGlobal("torch.jit._pickle", "restore_type_tag");
  Emit("}(");
  for (const auto& [key, value] : dict.Items()) {
    TANDEM_RETURN_IF_ERROR(Put(key, depth + 1));
    TANDEM_RETURN_IF_ERROR(Put(value, depth + 1));
  }
  Emit("u");
  PutString(Type::Dict(dict.key_type, dict.value_type)->ToAnnotation());
  Emit("\x86R");
  return absl::OkStatus();
}

absl::Status PickleWriter::PutTuple(const TupleObject& tuple, int depth) {
  if (tuple.type != nullptr) Meet(tuple.type);
  const size_t size = tuple.values.size();
  if (size == 0) {
    Emit(")");
    return absl::OkStatus();
  }
  if (size > 3) out_.push_back(kMark);
  for (const IValue& item : tuple.values) {
    TANDEM_RETURN_IF_ERROR(Put(item, depth + 1));
  }
  Emit(size == 1 ? "\x85" : size == 2 ? "\x86" : size == 3 ? "\x87" : "t");
  return absl::OkStatus();
}

absl::Status PickleWriter::PutObject(const Ref<ModuleObject>& object,
                                     int depth) {
  const ClassType& type = *object->type();
  PutClass(type.name());
  Emit(")\x81");
  Meet(object->type());
  Function* get_state = GetStateMethod(type);
  if (get_state != nullptr) {
    if (!get_state_) {
      return absl::FailedPreconditionError(absl::StrCat(
          "__getstate__ of the class '", type.name(),
          "' must be run to save it, and there is nothing to run it"));
    }
    TANDEM_ASSIGN_OR_RETURN(IValue state, get_state_(object, *get_state));
    TANDEM_RETURN_IF_ERROR(CountReferences(state, depth + 1));
    TANDEM_RETURN_IF_ERROR(Put(state, depth + 1));
    kept_.push_back(std::move(state));
    Emit("b");
    return absl::OkStatus();
  }
  Emit("}(");
  for (size_t slot = 0; slot < type.attributes().size(); ++slot) {
    PutString(type.attributes()[slot].name);
    // Held while it is written: its address may become a key.
    kept_.push_back(object->Get(slot));
    const IValue value = kept_.back();
    TANDEM_RETURN_IF_ERROR(Put(value, depth + 1));
  }
  Emit("ub");
  return absl::OkStatus();
}

void PickleWriter::PutInt(int64_t v) {
  if (v >= 0 && v < 256) {
    Emit("K");
    Emit(Le(static_cast<uint64_t>(v), 1));
  } else if (v >= 0 && v < 65536) {
    Emit("M");
    Emit(Le(static_cast<uint64_t>(v), 2));
  } else if (v >= INT32_MIN && v <= INT32_MAX) {
    Emit("J");
    Emit(Le(static_cast<uint64_t>(v), 4));
  } else {
    Emit("\x8a\x08");
    Emit(Le(static_cast<uint64_t>(v), 8));
  }
}

void PickleWriter::PutFloat(double v) {
  uint64_t bits;
  std::memcpy(&bits, &v, sizeof(bits));
  Emit("G");
  const std::string little = Le(bits, 8);
  Emit(std::string(little.rbegin(), little.rend()));
}

void PickleWriter::PutBool(bool v) { Emit(v ? "\x88" : "\x89"); }

void PickleWriter::PutString(absl::string_view text) {
  const auto known = string_memo_.find(text);
  if (known != string_memo_.end()) {
    GetMemo(known->second);
    return;
  }
  Emit("X");
  Emit(Le(text.size(), 4));
  Emit(text);
  string_memo_.emplace(text, next_memo_);
  PutMemo();
}

void PickleWriter::PutGlobal(absl::string_view module, absl::string_view name) {
  std::string both = absl::StrCat(module, "\n", name, "\n");
  const auto known = global_memo_.find(both);
  if (known != global_memo_.end()) {
    GetMemo(known->second);
    return;
  }
  Emit("c");
  Emit(both);
  global_memo_.emplace(std::move(both), next_memo_);
  PutMemo();
}

void PickleWriter::PutClass(absl::string_view qualified_name) {
  const size_t dot = qualified_name.rfind('.');
  PutGlobal(dot == absl::string_view::npos ? "" : qualified_name.substr(0, dot),
            dot == absl::string_view::npos ? qualified_name
                                           : qualified_name.substr(dot + 1));
}

void PickleWriter::PutDevice(absl::string_view text) {
  const auto known = device_memo_.find(text);
  if (known != device_memo_.end()) {
    GetMemo(known->second);
    return;
  }
  PutGlobal("torch", "device");
  PutString(text);
  Emit("\x85R");
  device_memo_.emplace(text, next_memo_);
  PutMemo();
}

void PickleWriter::PutIntTuple(DimSpan values) {
  out_.push_back(kMark);
  for (const int64_t v : values) PutInt(v);
  Emit("t");
}

// Backward hooks, of which there are none.
void PickleWriter::PutHooks() {
  PutGlobal("collections", "OrderedDict");
  Emit(")R");
}

void PickleWriter::PutMemo() {
  if (next_memo_ < 256) {
    Emit("q");
    Emit(Le(next_memo_, 1));
  } else {
    Emit("r");
    Emit(Le(next_memo_, 4));
  }
  ++next_memo_;
}

void PickleWriter::GetMemo(uint32_t id) {
  if (id < 256) {
    Emit("h");
    Emit(Le(id, 1));
  } else {
    Emit("j");
    Emit(Le(id, 4));
  }
}

void PickleWriter::Meet(const TypePtr& type) {
  if (met_.insert(type->name()).second) types_.push_back(type);
}

}  // namespace tandem
