#include "tandem/serialization/tandem/value_writer.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "tandem/ir/class_type.h"
#include "tandem/ir/compilation_unit.h"
#include "tandem/tensor/status_macros.h"

namespace tandem::model_file {
namespace {

constexpr int kMaxDepth = 256;
// Longer texts are objects, written once for all that share them.
constexpr size_t kMaxInlineText = 256;

const void* Identity(const IValue& value) {
  switch (value.tag()) {
    case IValue::Tag::kTensor:
      return value.AsTensor().impl();
    case IValue::Tag::kString:
      return &value.AsString();
    case IValue::Tag::kList:
      return &value.AsList();
    case IValue::Tag::kDict:
      return &value.AsDict();
    case IValue::Tag::kTuple:
      return &value.AsTuple();
    case IValue::Tag::kObject:
      return &value.AsObject();
    case IValue::Tag::kEnum:
      return &value.AsEnum();
    case IValue::Tag::kOpaque:
      return &value.AsOpaque();
    default:
      return nullptr;
  }
}

template <typename F>
bool AllOf(const std::vector<IValue>& values, F is) {
  return !values.empty() && std::all_of(values.begin(), values.end(), is);
}

}  // namespace

absl::Status ValueWriter::Put(const IValue& value, int depth,
                              format::Value* out) {
  switch (value.tag()) {
    case IValue::Tag::kNone:
      out->set_none(true);
      return absl::OkStatus();
    case IValue::Tag::kBool:
      out->set_boolean(value.AsBool());
      return absl::OkStatus();
    case IValue::Tag::kInt:
      out->set_integer(value.AsInt());
      return absl::OkStatus();
    case IValue::Tag::kDouble:
      out->set_real(value.AsDouble());
      return absl::OkStatus();
    case IValue::Tag::kComplex:
      out->mutable_complex()->set_real(value.AsComplex().real());
      out->mutable_complex()->set_imag(value.AsComplex().imag());
      return absl::OkStatus();
    case IValue::Tag::kDevice:
      PutDevice(value.AsDevice(), out->mutable_device());
      return absl::OkStatus();
    case IValue::Tag::kFunction:
      out->set_function(number_of_(value.AsFunction()));
      return absl::OkStatus();
    case IValue::Tag::kString:
      if (value.AsString().size() <= kMaxInlineText) {
        out->set_text(value.AsString());
        return absl::OkStatus();
      }
      break;
    case IValue::Tag::kTensor:
    case IValue::Tag::kList:
    case IValue::Tag::kDict:
    case IValue::Tag::kTuple:
    case IValue::Tag::kObject:
    case IValue::Tag::kEnum:
    case IValue::Tag::kOpaque:
      break;
    default:
      return absl::InvalidArgumentError(
          absl::StrCat("a value of the type ", value.TypeOf()->ToAnnotation(),
                       " cannot be saved"));
  }
  TANDEM_ASSIGN_OR_RETURN(const uint32_t object, PutObject(value, depth));
  out->set_object(object);
  return absl::OkStatus();
}

absl::StatusOr<uint32_t> ValueWriter::PutObject(const IValue& value,
                                                int depth) {
  const void* identity = Identity(value);
  const auto known = objects_.find(identity);
  if (known != objects_.end()) return known->second;
  if (depth > kMaxDepth) {
    return absl::InvalidArgumentError(
        absl::StrCat("values are nested too deeply to be saved (more than ",
                     kMaxDepth, " levels)"));
  }
  if (identity != nullptr && !open_.insert(identity).second) {
    return absl::InvalidArgumentError(
        "a value that holds itself cannot be saved");
  }
  format::Object object;
  TANDEM_RETURN_IF_ERROR(FillObject(value, depth, &object));
  open_.erase(identity);
  const auto number = static_cast<uint32_t>(program_->objects_size());
  *program_->add_objects() = std::move(object);
  objects_.emplace(identity, number);
  kept_.push_back(value);
  return number;
}

absl::Status ValueWriter::FillObject(const IValue& value, int depth,
                                     format::Object* out) {
  switch (value.tag()) {
    case IValue::Tag::kTensor:
      return FillTensor(value.AsTensor(), depth, out->mutable_tensor());
    case IValue::Tag::kString:
      out->set_text(value.AsString());
      return absl::OkStatus();
    case IValue::Tag::kList:
      return FillList(value.AsList(), depth, out->mutable_list());
    case IValue::Tag::kDict: {
      format::Dict* dict = out->mutable_dict();
      TANDEM_ASSIGN_OR_RETURN(const uint32_t key,
                              types_.Put(value.AsDict().key_type));
      TANDEM_ASSIGN_OR_RETURN(const uint32_t of_value,
                              types_.Put(value.AsDict().value_type));
      dict->set_key_type(key);
      dict->set_value_type(of_value);
      for (const auto& [k, v] : value.AsDict().Items()) {
        TANDEM_RETURN_IF_ERROR(Put(k, depth + 1, dict->add_keys()));
        TANDEM_RETURN_IF_ERROR(Put(v, depth + 1, dict->add_values()));
      }
      return absl::OkStatus();
    }
    case IValue::Tag::kTuple: {
      const TupleObject& t = value.AsTuple();
      format::Tuple* tuple = out->mutable_tuple();
      if (t.type != nullptr) {
        TANDEM_ASSIGN_OR_RETURN(const uint32_t type, types_.Put(t.type));
        tuple->set_type(type);
      }
      for (const IValue& v : t.values) {
        TANDEM_RETURN_IF_ERROR(Put(v, depth + 1, tuple->add_values()));
      }
      return absl::OkStatus();
    }
    case IValue::Tag::kObject: {
      const ModuleObject& object = value.AsObject();
      format::Instance* instance = out->mutable_instance();
      TANDEM_ASSIGN_OR_RETURN(const uint32_t type, types_.Put(object.type()));
      instance->set_type(type);
      for (size_t slot = 0; slot < object.num_slots(); ++slot) {
        TANDEM_RETURN_IF_ERROR(
            Put(object.Get(slot), depth + 1, instance->add_slots()));
      }
      return absl::OkStatus();
    }
    case IValue::Tag::kEnum: {
      TANDEM_ASSIGN_OR_RETURN(const uint32_t type,
                              types_.Put(value.AsEnum().type));
      out->mutable_enum_member()->set_type(type);
      out->mutable_enum_member()->set_name(value.AsEnum().name);
      return absl::OkStatus();
    }
    default: {
      const OpaqueObject& opaque = value.AsOpaque();
      out->mutable_opaque()->set_name(opaque.qualified_name);
      return Put(opaque.state, depth + 1,
                 out->mutable_opaque()->mutable_state());
    }
  }
}

absl::Status ValueWriter::FillList(const ListObject& list, int depth,
                                   format::List* out) {
  TANDEM_ASSIGN_OR_RETURN(const uint32_t element,
                          types_.Put(list.element_type));
  out->set_element_type(element);
  const std::vector<IValue>& values = list.values;
  if (AllOf(values, [](const IValue& v) { return v.is_int(); })) {
    for (const IValue& v : values) out->add_integers(v.AsInt());
  } else if (AllOf(values, [](const IValue& v) { return v.is_double(); })) {
    for (const IValue& v : values) out->add_reals(v.AsDouble());
  } else if (AllOf(values, [](const IValue& v) { return v.is_bool(); })) {
    for (const IValue& v : values) out->add_booleans(v.AsBool());
  } else if (AllOf(values, [](const IValue& v) { return v.is_tensor(); })) {
    for (const IValue& v : values) {
      TANDEM_ASSIGN_OR_RETURN(const uint32_t object, PutObject(v, depth + 1));
      out->add_objects(object);
    }
  } else {
    for (const IValue& v : values) {
      TANDEM_RETURN_IF_ERROR(Put(v, depth + 1, out->add_values()));
    }
  }
  return absl::OkStatus();
}

absl::StatusOr<uint32_t> ValueWriter::PutTensor(const Tensor& tensor,
                                                int depth) {
  return PutObject(IValue(tensor), depth + 1);
}

absl::Status ValueWriter::FillTensor(const Tensor& tensor, int depth,
                                     format::Tensor* out) {
  if (!tensor.defined()) {
    out->set_is_undefined(true);
    return absl::OkStatus();
  }
  const TensorImpl& impl = *tensor.impl();
  if (!impl.device.is_cpu() && !tensor.is_meta()) {
    return absl::InvalidArgumentError(
        absl::StrCat("a tensor of the device ", impl.device.ToString(),
                     " cannot be saved; move it to the cpu"));
  }
  out->set_dtype(static_cast<int32_t>(impl.dtype));
  out->mutable_sizes()->Add(impl.sizes.begin(), impl.sizes.end());
  out->mutable_strides()->Add(impl.strides.begin(), impl.strides.end());
  out->set_offset(impl.offset);
  out->set_requires_grad(impl.requires_grad);
  out->set_is_conj(impl.conj);
  out->set_is_neg(impl.neg);
  out->set_is_wrapped_number(impl.wrapped_number);
  if (impl.quantizer != nullptr) {
    const Quantizer& q = *impl.quantizer;
    format::Quantizer* quantizer = out->mutable_quantizer();
    quantizer->set_scheme(static_cast<uint32_t>(q.scheme));
    quantizer->set_scale(q.scale);
    quantizer->set_zero_point(q.zero_point);
    quantizer->set_axis(q.axis);
    if (q.scales.defined()) {
      TANDEM_ASSIGN_OR_RETURN(const uint32_t s, PutTensor(q.scales, depth));
      quantizer->set_scales(s);
    }
    if (q.zero_points.defined()) {
      TANDEM_ASSIGN_OR_RETURN(const uint32_t z,
                              PutTensor(q.zero_points, depth));
      quantizer->set_zero_points(z);
    }
  }
  if (tensor.is_sparse()) {
    if (impl.sparse == nullptr) {
      return absl::InvalidArgumentError(
          "a tensor of this layout cannot be saved");
    }
    const SparseParts& parts = *impl.sparse;
    format::Sparse* sparse = out->mutable_sparse();
    sparse->set_layout(static_cast<uint32_t>(impl.layout));
    sparse->set_is_coalesced(parts.coalesced);
    const auto put = [&](const Tensor& t, auto set) -> absl::Status {
      if (!t.defined()) return absl::OkStatus();
      TANDEM_ASSIGN_OR_RETURN(const uint32_t number, PutTensor(t, depth));
      set(number);
      return absl::OkStatus();
    };
    TANDEM_RETURN_IF_ERROR(
        put(parts.indices, [&](uint32_t n) { sparse->set_indices(n); }));
    TANDEM_RETURN_IF_ERROR(
        put(parts.values, [&](uint32_t n) { sparse->set_values(n); }));
    TANDEM_RETURN_IF_ERROR(
        put(parts.crow, [&](uint32_t n) { sparse->set_crow(n); }));
    return put(parts.col, [&](uint32_t n) { sparse->set_col(n); });
  }
  TANDEM_ASSIGN_OR_RETURN(const uint32_t storage, PutStorage(tensor));
  out->set_storage(storage);
  return absl::OkStatus();
}

absl::StatusOr<uint32_t> ValueWriter::PutStorage(const Tensor& tensor) {
  const Ref<Storage>& storage = tensor.storage();
  if (!storage) {
    return absl::InvalidArgumentError(
        "a tensor without storage cannot be saved");
  }
  const auto [it, is_new] =
      storage_numbers_.emplace(storage.get(), storages_.size());
  if (is_new) storages_.push_back(storage);
  return it->second;
}

}  // namespace tandem::model_file
