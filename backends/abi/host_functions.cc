// The functions that TandemHost points to: what a plugin sees of calls, values,
// tensors and groups. A null handle is read as nothing: 0, or null, or an
// error.
#include <atomic>
#include <cstddef>
#include <cstring>
#include <exception>
#include <utility>

#include "absl/container/inlined_vector.h"
#include "absl/strings/str_cat.h"
#include "tandem/backends/abi/handles.h"
#include "tandem/tensor/context.h"

namespace tandem::abi {
namespace {

const IValue* Read(const TandemValue* v) {
  return reinterpret_cast<const IValue*>(v);
}
const TandemValue* Show(const IValue* v) {
  return reinterpret_cast<const TandemValue*>(v);
}
const Tensor& Read(const TandemTensor* t) {
  return *reinterpret_cast<const Tensor*>(t);
}

int32_t Fail(const absl::Status& status, TandemError* error) {
  PutError(status, error);
  return -1;
}
int32_t OutOfRange(TandemError* error) {
  return Fail(absl::OutOfRangeError("no output of that number"), error);
}

int32_t NumInputs(const TandemCall* c) {
  if (c == nullptr) return 0;
  return static_cast<int32_t>(c->call.num_inputs);
}
int32_t NumOutputs(const TandemCall* c) {
  if (c == nullptr) return 0;
  return static_cast<int32_t>(c->call.num_outputs);
}
const TandemValue* Input(const TandemCall* c, int32_t i) {
  if (c == nullptr || i < 0 || static_cast<uint32_t>(i) >= c->call.num_inputs) {
    return nullptr;
  }
  return Show(&c->call.in(static_cast<size_t>(i)));
}

int32_t SetOutput(TandemCall* c, int32_t i, IValue value, TandemError* error) {
  if (c == nullptr || i < 0 ||
      static_cast<uint32_t>(i) >= c->call.num_outputs) {
    return OutOfRange(error);
  }
  // Kept apart until the plugin returns: an output register may be an input's.
  c->outputs[static_cast<size_t>(i)] = std::move(value);
  c->set[static_cast<size_t>(i)] = true;
  return 0;
}
int32_t SetTensor(TandemCall* c, int32_t i, TandemTensor* t,
                  TandemError* error) {
  if (t == nullptr) {
    return Fail(absl::InvalidArgumentError("a null tensor"), error);
  }
  auto* tensor = reinterpret_cast<Tensor*>(t);
  IValue value(std::move(*tensor));
  delete tensor;
  return SetOutput(c, i, std::move(value), error);
}
int32_t SetInt(TandemCall* c, int32_t i, int64_t v, TandemError* error) {
  return SetOutput(c, i, IValue(v), error);
}
int32_t SetDouble(TandemCall* c, int32_t i, double v, TandemError* error) {
  return SetOutput(c, i, IValue(v), error);
}
int32_t SetBool(TandemCall* c, int32_t i, int32_t v, TandemError* error) {
  return SetOutput(c, i, IValue(v != 0), error);
}

int32_t KindOf(const TandemValue* value) {
  if (value == nullptr) return TANDEM_NONE;
  const IValue& v = *Read(value);
  switch (v.tag()) {
    case IValue::Tag::kNone:
      return TANDEM_NONE;
    case IValue::Tag::kTensor:
      return v.AsTensor().defined() ? TANDEM_TENSOR : TANDEM_NONE;
    case IValue::Tag::kInt:
      return TANDEM_INT;
    case IValue::Tag::kDouble:
      return TANDEM_DOUBLE;
    case IValue::Tag::kBool:
      return TANDEM_BOOL;
    case IValue::Tag::kString:
      return TANDEM_STRING;
    case IValue::Tag::kList:
      return TANDEM_LIST;
    default:
      return TANDEM_OTHER;
  }
}
const TandemTensor* AsTensor(const TandemValue* v) {
  return KindOf(v) == TANDEM_TENSOR
             ? reinterpret_cast<const TandemTensor*>(&Read(v)->AsTensor())
             : nullptr;
}
int64_t AsInt(const TandemValue* v) {
  return v != nullptr && Read(v)->is_int() ? Read(v)->AsInt() : 0;
}
double AsDouble(const TandemValue* v) {
  if (v == nullptr) return 0;
  if (Read(v)->is_int()) return static_cast<double>(Read(v)->AsInt());
  return Read(v)->is_double() ? Read(v)->AsDouble() : 0;
}
int32_t AsBool(const TandemValue* v) {
  return v != nullptr && Read(v)->is_bool() && Read(v)->AsBool() ? 1 : 0;
}
const char* AsString(const TandemValue* v, size_t* length) {
  if (v == nullptr || !Read(v)->is_string()) {
    if (length != nullptr) *length = 0;
    return nullptr;
  }
  if (length != nullptr) *length = Read(v)->AsString().size();
  return Read(v)->AsString().c_str();
}
size_t ListSize(const TandemValue* v) {
  return v != nullptr && Read(v)->is_list() ? Read(v)->AsList().values.size()
                                            : 0;
}
const TandemValue* ListElement(const TandemValue* v, size_t i) {
  return i < ListSize(v) ? Show(&Read(v)->AsList().values[i]) : nullptr;
}

// Writes the fields that the plugin's struct has room for.
void PutInfo(const TandemTensorInfo& full, TandemTensorInfo* info) {
  if (info == nullptr || info->size < sizeof(info->size)) return;
  const size_t size = std::min(info->size, sizeof(TandemTensorInfo));
  std::memcpy(info, &full, size);
  info->size = size;
}
void TensorInfo(const TandemTensor* t, TandemTensorInfo* info) {
  if (t == nullptr || !Read(t).defined()) return PutInfo({}, info);
  const Tensor& tensor = Read(t);
  const TensorImpl& impl = *tensor.impl();
  TandemTensorInfo full = {};
  const bool readable =
      impl.storage && impl.storage->data() != nullptr && impl.device.is_cpu();
  full.data = readable ? tensor.raw_data() : nullptr;
  full.sizes = impl.sizes.data();
  full.strides = impl.strides.data();
  full.numel = impl.numel;
  full.dim = static_cast<int32_t>(impl.sizes.size());
  full.dtype = static_cast<int32_t>(impl.dtype);
  full.device_type = static_cast<int32_t>(impl.device.type);
  full.device_index = impl.device.index;
  PutInfo(full, info);
}
int32_t TensorEmpty(const int64_t* sizes, int32_t dim, int32_t dtype,
                    TandemTensor** out, TandemError* error) {
  const std::optional<DType> known = DTypeFromInt(dtype);
  if (out == nullptr) {
    return Fail(absl::InvalidArgumentError("no place for a tensor"), error);
  }
  *out = nullptr;
  if (!known.has_value() || dim < 0 || (dim > 0 && sizes == nullptr)) {
    return Fail(absl::InvalidArgumentError("no such dtype or rank"), error);
  }
  absl::StatusOr<Tensor> t =
      Tensor::Empty(DimSpan(sizes, static_cast<size_t>(dim)), *known);
  if (!t.ok()) return Fail(t.status(), error);
  *out = reinterpret_cast<TandemTensor*>(new Tensor(*std::move(t)));
  return 0;
}
TandemTensor* TensorShare(const TandemTensor* t) {
  if (t == nullptr) return nullptr;
  return reinterpret_cast<TandemTensor*>(new Tensor(Read(t)));
}
void TensorRelease(TandemTensor* t) { delete reinterpret_cast<Tensor*>(t); }

const char* NodeName(const TandemNode* n) {
  return n == nullptr ? "" : n->name.c_str();
}
int32_t NodeNumInputs(const TandemNode* n) {
  if (n == nullptr) return 0;
  return static_cast<int32_t>(n->node->inputs().size());
}
int32_t NodeNumOutputs(const TandemNode* n) {
  if (n == nullptr) return 0;
  return static_cast<int32_t>(n->node->outputs().size());
}
const TandemValue* NodeConstant(const TandemNode* n, int32_t i) {
  if (n == nullptr || i < 0 || static_cast<size_t>(i) >= n->constants.size()) {
    return nullptr;
  }
  const auto& constant = n->constants[static_cast<size_t>(i)];
  return constant.has_value() ? Show(&*constant) : nullptr;
}

int32_t GroupNumInputs(const TandemGroup* g) {
  if (g == nullptr) return 0;
  return static_cast<int32_t>(g->inputs.size());
}
int32_t GroupNumOutputs(const TandemGroup* g) {
  if (g == nullptr) return 0;
  return static_cast<int32_t>(g->graph->outputs().size());
}
int32_t GroupInputInfo(const TandemGroup* g, int32_t i,
                       TandemTensorInfo* info) {
  if (g == nullptr || i < 0 || static_cast<size_t>(i) >= g->inputs.size()) {
    return 0;
  }
  const ValueDescription& d = g->inputs[static_cast<size_t>(i)];
  if (!d.is_tensor) return 0;
  TandemTensorInfo full = {};
  full.sizes = d.sizes.data();
  full.strides = d.strides.data();
  full.numel = 1;
  for (int64_t s : d.sizes) full.numel *= s;
  full.dim = static_cast<int32_t>(d.sizes.size());
  full.dtype = static_cast<int32_t>(d.dtype);
  full.device_type = static_cast<int32_t>(d.device.type);
  full.device_index = d.device.index;
  PutInfo(full, info);
  return 1;
}
int32_t GroupNumNodes(const TandemGroup* g) {
  if (g == nullptr) return 0;
  return static_cast<int32_t>(g->nodes.size());
}
const TandemNode* GroupNode(const TandemGroup* g, int32_t i) {
  if (g == nullptr || i < 0 || static_cast<size_t>(i) >= g->nodes.size()) {
    return nullptr;
  }
  return &g->nodes[static_cast<size_t>(i)];
}
int32_t NumberOf(const TandemGroup* g, const Value* v) {
  const auto it = g->numbers.find(v);
  return it == g->numbers.end() ? -1 : it->second;
}
int32_t GroupNodeInput(const TandemGroup* g, int32_t node, int32_t input) {
  const TandemNode* n = GroupNode(g, node);
  if (n == nullptr || input < 0 || input >= NodeNumInputs(n)) return -1;
  return NumberOf(g, n->node->input(static_cast<size_t>(input)));
}
int32_t GroupNodeOutput(const TandemGroup* g, int32_t node, int32_t output) {
  const TandemNode* n = GroupNode(g, node);
  if (n == nullptr || output < 0 || output >= NodeNumOutputs(n)) return -1;
  return NumberOf(g, n->node->output(static_cast<size_t>(output)));
}
int32_t GroupOutput(const TandemGroup* g, int32_t i) {
  if (i < 0 || i >= GroupNumOutputs(g)) return -1;
  return NumberOf(g, g->graph->outputs()[static_cast<size_t>(i)]);
}

void TextAppend(TandemText* text, const char* bytes, size_t length) {
  if (text != nullptr && bytes != nullptr) text->text.append(bytes, length);
}

int32_t ParallelFor(int64_t total, int64_t grain,
                    void (*body)(void* state, int64_t begin, int64_t end),
                    void* state, TandemError* error) {
  if (body == nullptr) {
    return Fail(absl::InvalidArgumentError("parallel_for without a body"),
                error);
  }
  if (total <= 0) return 0;
  // An exception must not leave a thread of the caller's pool.
  std::atomic<bool> threw{false};
  const absl::Status status = tandem::ParallelFor(
      total, std::max<int64_t>(grain, 1), [&](int64_t begin, int64_t end) {
        try {
          body(state, begin, end);
        } catch (...) {
          threw.store(true, std::memory_order_relaxed);
        }
      });
  if (!status.ok()) return Fail(status, error);
  if (!threw.load()) return 0;
  return Fail(absl::InternalError("a piece of parallel_for threw an exception"),
              error);
}

}  // namespace

void PutError(const absl::Status& status, TandemError* error) {
  constexpr size_t kHead = offsetof(TandemError, message);
  if (error == nullptr || error->size < kHead) return;
  error->code = static_cast<int32_t>(status.code());
  const size_t room = std::min(error->size - kHead, sizeof(error->message));
  if (room == 0) return;
  const size_t n = std::min(status.message().size(), room - 1);
  std::memcpy(error->message, status.message().data(), n);
  error->message[n] = '\0';
}

absl::Status TakeError(absl::string_view plugin, const TandemError& error) {
  const size_t n = strnlen(error.message, sizeof(error.message));
  if (error.code == static_cast<int32_t>(absl::StatusCode::kUnimplemented)) {
    // As a kernel declines: without a word it is the next one's turn.
    return absl::UnimplementedError(absl::string_view(error.message, n));
  }
  const int code = error.code > 0 && error.code <= 16 ? error.code : 13;
  return absl::Status(
      static_cast<absl::StatusCode>(code),
      n == 0 ? absl::StrCat("plugin '", plugin, "' failed without saying why")
             : std::string(error.message, n));
}

TandemHost HostFunctions() {
  TandemHost h = {};
  h.size = sizeof(TandemHost);
  h.abi_version = TANDEM_ABI_VERSION;
  h.num_inputs = &NumInputs;
  h.num_outputs = &NumOutputs;
  h.input = &Input;
  h.set_tensor = &SetTensor;
  h.set_int = &SetInt;
  h.set_double = &SetDouble;
  h.set_bool = &SetBool;
  h.kind = &KindOf;
  h.as_tensor = &AsTensor;
  h.as_int = &AsInt;
  h.as_double = &AsDouble;
  h.as_bool = &AsBool;
  h.as_string = &AsString;
  h.list_size = &ListSize;
  h.list_element = &ListElement;
  h.tensor_info = &TensorInfo;
  h.tensor_empty = &TensorEmpty;
  h.tensor_share = &TensorShare;
  h.tensor_release = &TensorRelease;
  h.node_name = &NodeName;
  h.node_num_inputs = &NodeNumInputs;
  h.node_num_outputs = &NodeNumOutputs;
  h.node_constant = &NodeConstant;
  h.group_num_inputs = &GroupNumInputs;
  h.group_num_outputs = &GroupNumOutputs;
  h.group_input_info = &GroupInputInfo;
  h.group_num_nodes = &GroupNumNodes;
  h.group_node = &GroupNode;
  h.group_node_input = &GroupNodeInput;
  h.group_node_output = &GroupNodeOutput;
  h.group_output = &GroupOutput;
  h.text_append = &TextAppend;
  h.parallel_for = &ParallelFor;
  return h;
}

}  // namespace tandem::abi
