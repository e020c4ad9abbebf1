#include "tandem/serialization/tandem/type_writer.h"

#include "absl/strings/str_cat.h"
#include "tandem/ir/class_type.h"
#include "tandem/serialization/tandem/kinds.h"
#include "tandem/tensor/status_macros.h"

namespace tandem::model_file {
namespace {

constexpr int kMaxDepth = 256;

void PutDetails(const TensorType& type, format::TensorDetails* out) {
  const TensorType::Details& d = type.details();
  if (d.dtype.has_value()) out->set_dtype(static_cast<int32_t>(*d.dtype));
  if (d.device.has_value()) PutDevice(*d.device, out->mutable_device());
  if (d.sizes.has_value()) {
    out->mutable_sizes()->mutable_values()->Add(d.sizes->begin(),
                                                d.sizes->end());
  }
  if (d.strides.has_value()) {
    out->mutable_strides()->mutable_values()->Add(d.strides->begin(),
                                                  d.strides->end());
  }
  if (d.requires_grad.has_value()) out->set_requires_grad(*d.requires_grad);
  out->set_undefined(d.undefined);
  out->set_inferred(type.inferred());
}

}  // namespace

std::string MangledName(absl::string_view qualified_name, int number) {
  const size_t dot = qualified_name.rfind('.');
  const absl::string_view folder = dot == absl::string_view::npos
                                       ? absl::string_view("__torch__")
                                       : qualified_name.substr(0, dot);
  return absl::StrCat(folder, ".___torch_mangle_", number, ".",
                      dot == absl::string_view::npos
                          ? qualified_name
                          : qualified_name.substr(dot + 1));
}

void PutDevice(const Device& device, format::Device* out) {
  out->set_type(static_cast<int32_t>(device.type));
  if (device.index >= 0) out->set_index(device.index);
}

absl::StatusOr<uint32_t> TypeWriter::Put(const TypePtr& type, int depth) {
  if (type == nullptr) return absl::InternalError("a value without a type");
  const auto known = by_pointer_.find(type);
  if (known != by_pointer_.end()) return known->second;
  if (depth > kMaxDepth) {
    return absl::InvalidArgumentError(
        absl::StrCat("a type is nested too deeply to be saved (more than ",
                     kMaxDepth, " levels)"));
  }
  format::Type out;
  out.set_kind(ToFormat(type->kind()));
  if (out.kind() == format::Type::UNSPECIFIED) {
    return absl::InvalidArgumentError(
        absl::StrCat("the type ", type->ToString(), " cannot be saved"));
  }
  out.set_name(type->name());
  for (const std::string& field : type->field_names())
    out.add_field_names(field);
  for (const TypePtr& element : type->elements()) {
    TANDEM_ASSIGN_OR_RETURN(const uint32_t e, Put(element, depth + 1));
    out.add_elements(e);
  }
  bool named = false;
  if (const ClassType* c = type->AsClass(); c != nullptr) {
    // What C++ binds is one class, whoever names it.
    for (int n = 0;
         !c->is_opaque() && classes_.emplace(out.name(), c).first->second != c;
         ++n) {
      out.set_name(MangledName(c->name(), n));
    }
    out.set_is_module(c->is_module());
    out.set_is_opaque(c->is_opaque());
    named = true;
  } else if (const EnumType* e = type->AsEnum(); e != nullptr) {
    TANDEM_ASSIGN_OR_RETURN(const uint32_t value,
                            Put(e->value_type(), depth + 1));
    out.add_elements(value);
    named = true;
  } else if (const InterfaceType* i = type->AsInterface(); i != nullptr) {
    out.set_is_module(i->is_module());
    named = true;
  } else if (const TensorType* t = type->AsTensor();
             t != nullptr && (!t->is_plain() || t->inferred())) {
    PutDetails(*t, out.mutable_tensor());
  }
  std::string key = out.SerializeAsString();
  const auto [it, is_new] =
      by_content_.emplace(std::move(key), program_->types_size());
  if (is_new) {
    *program_->add_types() = std::move(out);
    if (named) named_.push_back(type);
  }
  by_pointer_.emplace(type, it->second);
  return it->second;
}

}  // namespace tandem::model_file
