#include "tandem/serialization/tandem/value_reader.h"

#include <algorithm>
#include <memory>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "tandem/serialization/tandem/tensor_checks.h"
#include "tandem/tensor/status_macros.h"

namespace tandem::model_file {
namespace {

constexpr uint32_t kMaxDepth = 257;
constexpr uint64_t kMaxValueSize = 1 << 22;
constexpr int kMaxDims = 1024;
constexpr absl::string_view kBoundClasses = "__torch__.torch.classes.";

bool IsDictKey(const IValue& key) {
  return key.is_string() || key.is_scalar() || key.is_tensor() ||
         key.is_device();
}

absl::Status DoesNotFit(const Type& type) {
  return absl::InvalidArgumentError(
      absl::StrCat("a value in it is no ", type.ToAnnotation()));
}

}  // namespace

absl::Status ValueReader::ReadTexts() {
  objects_.resize(program_.objects_size());
  made_.resize(program_.objects_size());
  depths_.resize(program_.objects_size());
  sizes_.resize(program_.objects_size());
  for (int i = 0; i < program_.objects_size(); ++i) {
    if (program_.objects(i).kind_case() != format::Object::kText) continue;
    objects_[i] = IValue(program_.objects(i).text());
    made_[i] = true;
    depths_[i] = 1;
    sizes_[i] = 1;
  }
  return absl::OkStatus();
}

absl::Status ValueReader::ReadObjects() {
  for (int i = 0; i < program_.objects_size(); ++i) {
    if (made_[i]) continue;
    depth_ = 0;
    size_ = 1;
    absl::StatusOr<IValue> made = Make(program_.objects(i));
    if (!made.ok()) return BadEntry("objects", i, made.status().message());
    if (depth_ + 1 > kMaxDepth || size_ > kMaxValueSize) {
      return BadEntry("objects", i, "it is nested too deeply or too large");
    }
    objects_[i] = *std::move(made);
    made_[i] = true;
    depths_[i] = depth_ + 1;
    // Only tuples are walked over to tell what they are.
    sizes_[i] = objects_[i].is_tuple() ? size_ : 1;
  }
  return absl::OkStatus();
}

absl::StatusOr<IValue> ValueReader::Object(uint64_t number) const {
  TANDEM_RETURN_IF_ERROR(CheckNumber("objects", number, objects_.size()));
  if (!made_[number]) {
    return absl::InvalidArgumentError(
        absl::StrCat("object ", number, " comes after what holds it"));
  }
  return objects_[number];
}

absl::StatusOr<IValue> ValueReader::Get(const format::Value& in) const {
  switch (in.kind_case()) {
    case format::Value::kNone:
      return IValue();
    case format::Value::kBoolean:
      return IValue(in.boolean());
    case format::Value::kInteger:
      return IValue(static_cast<int64_t>(in.integer()));
    case format::Value::kReal:
      return IValue(in.real());
    case format::Value::kComplex:
      return IValue(
          std::complex<double>(in.complex().real(), in.complex().imag()));
    case format::Value::kText:
      return IValue(in.text());
    case format::Value::kDevice: {
      TANDEM_ASSIGN_OR_RETURN(const Device device, ReadDevice(in.device()));
      return IValue(device);
    }
    case format::Value::kFunction:
      TANDEM_RETURN_IF_ERROR(
          CheckNumber("functions", in.function(), functions_.size()));
      return IValue(static_cast<const Function*>(functions_[in.function()]));
    case format::Value::kObject:
      return Object(in.object());
    default:
      return absl::InvalidArgumentError("a value of a kind that is not known");
  }
}

void ValueReader::Hold(const IValue& value, const format::Value& in) {
  if (in.kind_case() != format::Value::kObject) {
    ++size_;
    return;
  }
  depth_ = std::max(depth_, depths_[in.object()]);
  size_ += sizes_[in.object()];
}

absl::StatusOr<IValue> ValueReader::Make(const format::Object& in) {
  switch (in.kind_case()) {
    case format::Object::kTensor: {
      TANDEM_ASSIGN_OR_RETURN(Tensor tensor, MakeTensor(in.tensor()));
      return IValue(std::move(tensor));
    }
    case format::Object::kList:
      return MakeList(in.list());
    case format::Object::kDict:
      return MakeDict(in.dict());
    case format::Object::kTuple:
      return MakeTuple(in.tuple());
    case format::Object::kInstance:
      return MakeInstance(in.instance());
    case format::Object::kEnumMember:
      return MakeMember(in.enum_member());
    case format::Object::kOpaque: {
      if (!absl::StartsWith(in.opaque().name(), kBoundClasses)) {
        return absl::InvalidArgumentError(
            "an object of no class bound from C++");
      }
      TANDEM_ASSIGN_OR_RETURN(IValue state, Get(in.opaque().state()));
      Hold(state, in.opaque().state());
      return IValue(
          MakeRef<OpaqueObject>(in.opaque().name(), std::move(state)));
    }
    default:
      return absl::InvalidArgumentError(
          "an object of a kind that is not known");
  }
}

absl::StatusOr<IValue> ValueReader::MakeList(const format::List& in) {
  TANDEM_ASSIGN_OR_RETURN(const TypePtr element, types_.Get(in.element_type()));
  std::vector<IValue> values;
  values.reserve(in.values_size() + in.integers_size() + in.reals_size() +
                 in.booleans_size() + in.objects_size());
  for (const int64_t v : in.integers()) values.emplace_back(v);
  for (const double v : in.reals()) values.emplace_back(v);
  for (const bool v : in.booleans()) values.emplace_back(v);
  for (const uint32_t number : in.objects()) {
    TANDEM_ASSIGN_OR_RETURN(IValue v, Object(number));
    depth_ = std::max(depth_, depths_[number]);
    values.push_back(std::move(v));
  }
  for (const format::Value& value : in.values()) {
    TANDEM_ASSIGN_OR_RETURN(IValue v, Get(value));
    Hold(v, value);
    values.push_back(std::move(v));
  }
  size_ = 1;
  for (const IValue& v : values) {
    if (!v.Conforms(*element)) return DoesNotFit(*element);
  }
  return IValue(::tandem::MakeList(element, std::move(values)));
}

absl::StatusOr<IValue> ValueReader::MakeDict(const format::Dict& in) {
  if (in.keys_size() != in.values_size()) {
    return absl::InvalidArgumentError("a dict has other numbers of keys");
  }
  TANDEM_ASSIGN_OR_RETURN(const TypePtr key_type, types_.Get(in.key_type()));
  TANDEM_ASSIGN_OR_RETURN(const TypePtr value_type,
                          types_.Get(in.value_type()));
  auto dict = ::tandem::MakeDict(key_type, value_type);
  for (int i = 0; i < in.keys_size(); ++i) {
    TANDEM_ASSIGN_OR_RETURN(IValue key, Get(in.keys(i)));
    TANDEM_ASSIGN_OR_RETURN(IValue value, Get(in.values(i)));
    Hold(key, in.keys(i));
    Hold(value, in.values(i));
    if (!IsDictKey(key) || !key.Conforms(*key_type)) {
      return DoesNotFit(*key_type);
    }
    if (!value.Conforms(*value_type)) return DoesNotFit(*value_type);
    dict->Set(std::move(key), std::move(value));
  }
  size_ = 1;
  return IValue(std::move(dict));
}

absl::StatusOr<IValue> ValueReader::MakeTuple(const format::Tuple& in) {
  std::vector<IValue> values;
  values.reserve(in.values_size());
  for (const format::Value& value : in.values()) {
    TANDEM_ASSIGN_OR_RETURN(IValue v, Get(value));
    Hold(v, value);
    values.push_back(std::move(v));
  }
  TypePtr type;
  if (in.has_type()) {
    TANDEM_ASSIGN_OR_RETURN(type, types_.Get(in.type()));
    if (!type->is_named_tuple()) {
      return absl::InvalidArgumentError("a tuple's type is no NamedTuple");
    }
  }
  IValue tuple(MakeRef<TupleObject>(std::move(values), type));
  if (type != nullptr && !tuple.Conforms(*type)) return DoesNotFit(*type);
  return tuple;
}

absl::StatusOr<IValue> ValueReader::MakeInstance(const format::Instance& in) {
  TANDEM_ASSIGN_OR_RETURN(const ClassType* type, types_.GetClass(in.type()));
  const auto attributes = type->attributes();
  if (type->is_opaque() ||
      static_cast<size_t>(in.slots_size()) != attributes.size()) {
    return absl::InvalidArgumentError(absl::StrCat(
        "an object of the class '", type->name(), "' has ", in.slots_size(),
        " attributes, the class has ", attributes.size()));
  }
  auto object = NewObject(*type);
  for (int i = 0; i < in.slots_size(); ++i) {
    TANDEM_ASSIGN_OR_RETURN(IValue value, Get(in.slots(i)));
    Hold(value, in.slots(i));
    if (!value.Conforms(*attributes[i].type)) {
      return absl::InvalidArgumentError(absl::StrCat(
          "the attribute \"", attributes[i].name, "\" of the class '",
          type->name(), "' is no ", attributes[i].type->ToAnnotation()));
    }
    object->Set(i, std::move(value));
  }
  size_ = 1;
  return IValue(std::move(object));
}

absl::StatusOr<IValue> ValueReader::MakeMember(const format::EnumMember& in) {
  TANDEM_ASSIGN_OR_RETURN(const EnumType* type, types_.GetEnum(in.type()));
  for (const auto& [name, value] : type->members()) {
    if (name == in.name()) {
      return IValue(MakeRef<EnumObject>(type->shared(), name, value));
    }
  }
  return absl::InvalidArgumentError(
      absl::StrCat("the enum '", type->name(), "' has no member of this name"));
}

absl::StatusOr<Tensor> ValueReader::TensorObject(uint64_t number) const {
  TANDEM_ASSIGN_OR_RETURN(const IValue value, Object(number));
  if (!value.is_tensor() || !value.AsTensor().defined()) {
    return absl::InvalidArgumentError(
        absl::StrCat("object ", number, " is no tensor"));
  }
  return value.AsTensor();
}

absl::StatusOr<Tensor> ValueReader::MakeTensor(const format::Tensor& in) {
  if (in.is_undefined()) return Tensor();
  const std::optional<DType> dtype = DTypeFromInt(in.dtype());
  if (!dtype.has_value() || ElementSize(*dtype) == 0) {
    return absl::InvalidArgumentError(
        absl::StrCat("the dtype ", in.dtype(), " is not known"));
  }
  if (in.sizes_size() > kMaxDims || in.sizes_size() != in.strides_size()) {
    return absl::InvalidArgumentError(
        absl::StrCat("a tensor has ", in.sizes_size(), " sizes and ",
                     in.strides_size(), " strides"));
  }
  Tensor tensor;
  if (in.has_sparse()) {
    TANDEM_ASSIGN_OR_RETURN(tensor, MakeSparse(in));
  } else {
    TANDEM_RETURN_IF_ERROR(
        CheckNumber("storages", in.storage(), storages_.size()));
    const Ref<Storage>& storage = storages_[in.storage()];
    const Dims sizes(in.sizes().begin(), in.sizes().end());
    const Dims strides(in.strides().begin(), in.strides().end());
    TANDEM_RETURN_IF_ERROR(
        CheckView(storage->bytes(), *dtype, in.offset(), sizes, strides));
    TANDEM_ASSIGN_OR_RETURN(
        tensor,
        Tensor::OverStorage(storage, in.offset(), sizes, strides, *dtype));
    if (storage->is_meta()) {
      tensor.impl()->device = Device{DeviceType::kMeta, -1};
    }
    if (in.has_quantizer() != IsQuantized(*dtype)) {
      return absl::InvalidArgumentError(absl::StrCat(
          "a tensor of ", PythonName(*dtype),
          in.has_quantizer() ? " has" : " has no", " scale of quantization"));
    }
    if (in.has_quantizer()) {
      TANDEM_RETURN_IF_ERROR(Quantize(in.quantizer(), tensor));
    }
  }
  TensorImpl* impl = tensor.impl();
  impl->requires_grad = in.requires_grad();
  if (in.is_conj() && !IsComplex(*dtype)) {
    return absl::InvalidArgumentError(
        "a tensor that is not complex has the flag conj");
  }
  if ((in.is_conj() || in.is_neg()) &&
      (tensor.is_sparse() || tensor.is_quantized())) {
    return absl::InvalidArgumentError("flags that such a tensor cannot have");
  }
  impl->conj = in.is_conj();
  impl->neg = in.is_neg();
  impl->wrapped_number = in.is_wrapped_number() && tensor.dim() == 0;
  return tensor;
}

absl::Status ValueReader::Quantize(const format::Quantizer& in,
                                   Tensor& tensor) {
  auto made = std::make_shared<Quantizer>();
  made->scheme = in.scheme();
  made->scale = in.scale();
  made->zero_point = in.zero_point();
  made->axis = in.axis();
  if (in.has_scales()) {
    TANDEM_ASSIGN_OR_RETURN(made->scales, TensorObject(in.scales()));
  }
  if (in.has_zero_points()) {
    TANDEM_ASSIGN_OR_RETURN(made->zero_points, TensorObject(in.zero_points()));
  }
  TANDEM_RETURN_IF_ERROR(CheckQuantizer(*made, tensor));
  tensor.impl()->quantizer = std::move(made);
  return absl::OkStatus();
}

absl::StatusOr<Tensor> ValueReader::MakeSparse(const format::Tensor& in) {
  auto made = std::make_shared<SparseParts>();
  const format::Sparse& sparse = in.sparse();
  const auto get = [&](bool has, uint32_t number, Tensor* out) -> absl::Status {
    if (!has) return absl::OkStatus();
    TANDEM_ASSIGN_OR_RETURN(*out, TensorObject(number));
    return absl::OkStatus();
  };
  TANDEM_RETURN_IF_ERROR(
      get(sparse.has_indices(), sparse.indices(), &made->indices));
  TANDEM_RETURN_IF_ERROR(
      get(sparse.has_values(), sparse.values(), &made->values));
  TANDEM_RETURN_IF_ERROR(get(sparse.has_crow(), sparse.crow(), &made->crow));
  TANDEM_RETURN_IF_ERROR(get(sparse.has_col(), sparse.col(), &made->col));
  made->coalesced = sparse.is_coalesced();
  if (sparse.layout() != static_cast<uint32_t>(Layout::kSparse) &&
      sparse.layout() != static_cast<uint32_t>(Layout::kSparseCsr)) {
    return absl::InvalidArgumentError("a layout that is not known");
  }
  const Dims sizes(in.sizes().begin(), in.sizes().end());
  TANDEM_RETURN_IF_ERROR(CheckedNumel(sizes).status());
  TANDEM_RETURN_IF_ERROR(
      CheckSparse(static_cast<Layout>(sparse.layout()), sizes, *made));
  if (static_cast<int>(made->values.dtype()) != in.dtype()) {
    return absl::InvalidArgumentError("a sparse tensor's dtype is another");
  }
  TensorImpl* impl = TensorImpl::New();
  Tensor tensor(Ref<TensorImpl>::Adopt(impl));
  TANDEM_ASSIGN_OR_RETURN(impl->storage, Storage::Allocate(0));
  impl->SetContiguous(sizes);
  impl->dtype = made->values.dtype();
  impl->layout = static_cast<Layout>(sparse.layout());
  impl->sparse = std::move(made);
  return tensor;
}

}  // namespace tandem::model_file
