#include "tandem/serialization/torchscript/python_pickler.h"

#include <algorithm>
#include <complex>
#include <cstring>

#include "absl/strings/str_cat.h"
#include "tandem/serialization/torchscript/plain_values_writer.h"
#include "tandem/tensor/dtype.h"
#include "tandem/tensor/status_macros.h"

namespace tandem {
namespace {

constexpr int kMaxDepth = 256;
// Items that one APPENDS or SETITEMS takes.
constexpr size_t kBatch = 1000;

std::string Le(uint64_t v, int bytes) {
  std::string out;
  for (int i = 0; i < bytes; ++i) {
    out.push_back(static_cast<char>(v >> (8 * i) & 255));
  }
  return out;
}

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
    default:
      return nullptr;
  }
}

}  // namespace

absl::StatusOr<std::string> PythonPickler::Write(const IValue& value) {
  Emit("\x80\x02");
  TANDEM_RETURN_IF_ERROR(Put(value, 0));
  Emit(".");
  return std::move(out_);
}

absl::StatusOr<std::string> PythonPickler::WriteStateDict(
    const StateDictEntries& state) {
  Emit("\x80\x02");
  PutEmptyOrderedDict();
  size_t written = 0;
  const auto open_batch = [&](size_t total) {
    if (written % kBatch == 0 && total - written > 1) Emit("(");
  };
  const auto close_batch = [&](size_t total) {
    ++written;
    if (written == total && (total - 1) % kBatch == 0) {
      Emit("s");
    } else if (written == total || written % kBatch == 0) {
      Emit("u");
    }
  };
  for (const auto& [name, tensor] : state.tensors) {
    open_batch(state.tensors.size());
    PutText(name);
    // Each is detached, and so an object of its own.
    if (tensor.defined()) {
      kept_.push_back(tensor.Alias());
      kept_.back().impl()->requires_grad = false;
    } else {
      kept_.emplace_back();
    }
    TANDEM_RETURN_IF_ERROR(Put(IValue(kept_.back()), 0));
    close_batch(state.tensors.size());
  }
  if (!state.versions.empty()) {
    Emit("}");
    Memoize();
    PutConstant("_metadata");
    PutEmptyOrderedDict();
    written = 0;
    for (const auto& [path, version] : state.versions) {
      open_batch(state.versions.size());
      PutNewText(path);
      Emit("}");
      Memoize();
      PutConstant("version");
      PutInt(version);
      Emit("s");
      close_batch(state.versions.size());
    }
    Emit("sb");
  }
  Emit(".");
  return std::move(out_);
}

absl::Status PythonPickler::Put(const IValue& value, int depth) {
  if (depth > kMaxDepth) {
    return absl::InvalidArgumentError(
        absl::StrCat("values are nested too deeply to be saved (more than ",
                     kMaxDepth, " levels)"));
  }
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
      PutText(value.AsString());
      return absl::OkStatus();
    case IValue::Tag::kComplex:
      PutGlobal("__builtin__", "complex");
      PutFloat(value.AsComplex().real());
      PutFloat(value.AsComplex().imag());
      CloseTuple(2);
      Emit("R");
      Memoize();
      return absl::OkStatus();
    case IValue::Tag::kDevice: {
      const Device device = value.AsDevice();
      const std::string text = device.ToString();
      PutGlobal("torch", "device");
      PutNewText(text.substr(0, text.find(':')));
      if (device.index >= 0) PutInt(device.index);
      CloseTuple(device.index >= 0 ? 2 : 1);
      Emit("R");
      Memoize();
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
      break;
    default:
      return absl::InvalidArgumentError(
          absl::StrCat("a value of the type ", value.TypeOf()->ToAnnotation(),
                       " is not plain: it cannot be saved by torch.save"));
  }
  const void* identity = Identity(value);
  const auto known = nodes_.find(identity);
  if (known != nodes_.end() && !open_.contains(identity)) {
    Recall(known->second);
    return absl::OkStatus();
  }
  if (!open_.insert(identity).second) {
    return absl::InvalidArgumentError(
        "a value that holds itself cannot be saved");
  }
  TANDEM_RETURN_IF_ERROR(PutNode(value, depth));
  open_.erase(identity);
  return absl::OkStatus();
}

absl::Status PythonPickler::PutNode(const IValue& value, int depth) {
  if (value.is_list()) {
    Emit("]");
    nodes_.emplace(&value.AsList(), next_memo_);
    Memoize();
    return PutItems(value.AsList().values, depth);
  }
  if (value.is_dict()) {
    Emit("}");
    nodes_.emplace(&value.AsDict(), next_memo_);
    Memoize();
    return PutDict(value.AsDict(), depth);
  }
  if (value.is_tuple()) {
    const TupleObject& tuple = value.AsTuple();
    TANDEM_RETURN_IF_ERROR(PutTuple(tuple.values, depth));
    if (!tuple.values.empty()) nodes_.emplace(&tuple, next_memo_ - 1);
    return absl::OkStatus();
  }
  TANDEM_RETURN_IF_ERROR(PutTensor(value.AsTensor(), depth));
  nodes_.emplace(value.AsTensor().impl(), next_memo_);
  Memoize();
  return absl::OkStatus();
}

absl::Status PythonPickler::PutItems(const std::vector<IValue>& items,
                                     int depth) {
  for (size_t begin = 0; begin < items.size(); begin += kBatch) {
    const size_t end = std::min(items.size(), begin + kBatch);
    if (items.size() > 1) Emit("(");
    for (size_t i = begin; i < end; ++i) {
      TANDEM_RETURN_IF_ERROR(Put(items[i], depth + 1));
    }
    Emit(items.size() > 1 ? "e" : "a");
  }
  return absl::OkStatus();
}

absl::Status PythonPickler::PutDict(const DictObject& dict, int depth) {
  const auto items = dict.Items();
  for (size_t begin = 0; begin < items.size(); begin += kBatch) {
    const size_t end = std::min(items.size(), begin + kBatch);
    if (items.size() > 1) Emit("(");
    for (size_t i = begin; i < end; ++i) {
      TANDEM_RETURN_IF_ERROR(Put(items[i].first, depth + 1));
      TANDEM_RETURN_IF_ERROR(Put(items[i].second, depth + 1));
    }
    Emit(items.size() > 1 ? "u" : "s");
  }
  // Python looks for more after a full batch.
  if (items.size() > 1 && items.size() % kBatch == 0) Emit("(u");
  return absl::OkStatus();
}

absl::Status PythonPickler::PutTuple(const std::vector<IValue>& items,
                                     int depth) {
  if (items.empty()) {
    Emit(")");
    return absl::OkStatus();
  }
  if (items.size() > 3) Emit("(");
  for (const IValue& item : items) {
    TANDEM_RETURN_IF_ERROR(Put(item, depth + 1));
  }
  CloseTuple(items.size());
  return absl::OkStatus();
}

void PythonPickler::PutInt(int64_t v) {
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
    // As few bytes as hold the number with its sign.
    int bytes = 8;
    while (bytes > 1) {
      const int shift = 8 * (bytes - 1) - 1;
      const int64_t high = v >> shift;
      if (high != 0 && high != -1) break;
      --bytes;
    }
    Emit("\x8a");
    Emit(Le(static_cast<uint64_t>(bytes), 1));
    Emit(Le(static_cast<uint64_t>(v), bytes));
  }
}

void PythonPickler::PutFloat(double v) {
  uint64_t bits;
  std::memcpy(&bits, &v, sizeof(bits));
  Emit("G");
  const std::string little = Le(bits, 8);
  Emit(std::string(little.rbegin(), little.rend()));
}

void PythonPickler::PutNewText(absl::string_view text) {
  Emit("X");
  Emit(Le(text.size(), 4));
  Emit(text);
  Memoize();
}

void PythonPickler::PutText(absl::string_view text) {
  const auto [known, is_new] = texts_.emplace(text, next_memo_);
  if (is_new) return PutNewText(text);
  Recall(known->second);
}

void PythonPickler::PutConstant(absl::string_view text) {
  const auto [known, is_new] = constants_.emplace(text, next_memo_);
  if (is_new) return PutNewText(text);
  Recall(known->second);
}

void PythonPickler::PutGlobal(absl::string_view module,
                              absl::string_view name) {
  std::string both = absl::StrCat(module, "\n", name, "\n");
  const auto [known, is_new] = globals_.emplace(both, next_memo_);
  if (!is_new) return Recall(known->second);
  Emit("c");
  Emit(both);
  Memoize();
}

void PythonPickler::PutSizes(DimSpan values) {
  if (values.empty()) return Emit(")");
  if (values.size() > 3) Emit("(");
  for (const int64_t v : values) PutInt(v);
  CloseTuple(values.size());
}

void PythonPickler::PutSizeObject(DimSpan values) {
  PutGlobal("torch", "Size");
  PutSizes(values);
  CloseTuple(1);
  Emit("R");
  Memoize();
}

void PythonPickler::PutEmptyOrderedDict() {
  PutGlobal("collections", "OrderedDict");
  Emit(")R");
  Memoize();
}

// Items lie on the stack, above a mark where there are more than three.
void PythonPickler::CloseTuple(size_t size) {
  Emit(size == 1 ? "\x85" : size == 2 ? "\x86" : size == 3 ? "\x87" : "t");
  Memoize();
}

void PythonPickler::Memoize() {
  if (next_memo_ < 256) {
    Emit("q");
    Emit(Le(next_memo_, 1));
  } else {
    Emit("r");
    Emit(Le(next_memo_, 4));
  }
  ++next_memo_;
}

void PythonPickler::Recall(uint32_t id) {
  if (id < 256) {
    Emit("h");
    Emit(Le(id, 1));
  } else {
    Emit("j");
    Emit(Le(id, 4));
  }
}

}  // namespace tandem
