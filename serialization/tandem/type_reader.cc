#include "tandem/serialization/tandem/type_reader.h"

#include <algorithm>
#include <utility>

#include "absl/container/flat_hash_set.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "tandem/serialization/tandem/kinds.h"
#include "tandem/tensor/status_macros.h"

namespace tandem::model_file {
namespace {

constexpr uint32_t kMaxDepth = 256;
// Parts of a type, each counted as often as it is reached: what walking over it
// takes.
constexpr uint64_t kMaxTypeSize = 1 << 14;
constexpr int kMaxUnionMembers = 256;
constexpr absl::string_view kBoundClasses = "__torch__.torch.classes.";

bool IsNamed(TypeKind kind) {
  return kind == TypeKind::kClass || kind == TypeKind::kEnum ||
         kind == TypeKind::kInterface;
}

absl::StatusOr<TypePtr> ReadTensor(const format::TensorDetails& in) {
  if (in.inferred()) return TensorType::Inferred();
  TensorType::Details d;
  if (in.has_dtype()) {
    d.dtype = DTypeFromInt(in.dtype());
    if (!d.dtype.has_value()) {
      return absl::InvalidArgumentError("a dtype that there is not");
    }
  }
  if (in.has_device()) {
    TANDEM_ASSIGN_OR_RETURN(d.device, ReadDevice(in.device()));
  }
  if (in.has_sizes()) {
    d.sizes.emplace(in.sizes().values().begin(), in.sizes().values().end());
  }
  if (in.has_strides()) {
    d.strides.emplace(in.strides().values().begin(),
                      in.strides().values().end());
  }
  if (in.has_requires_grad()) d.requires_grad = in.requires_grad();
  d.undefined = in.undefined();
  return TensorType::Create(std::move(d));
}

}  // namespace

absl::Status BadEntry(absl::string_view place, int64_t number,
                      absl::string_view what) {
  return absl::InvalidArgumentError(
      absl::StrCat(place, "[", number, "]: ", what));
}

absl::Status CheckNumber(absl::string_view table, uint64_t number,
                         uint64_t size) {
  if (number < size) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat(
      "number ", number, " in the table '", table, "' of ", size, " entries"));
}

absl::StatusOr<Device> ReadDevice(const format::Device& in) {
  switch (in.type()) {
    case static_cast<int>(DeviceType::kCpu):
    case static_cast<int>(DeviceType::kCuda):
    case static_cast<int>(DeviceType::kXpu):
    case static_cast<int>(DeviceType::kMps):
    case static_cast<int>(DeviceType::kMeta):
      break;
    default:
      return absl::InvalidArgumentError(
          absl::StrCat("device type ", in.type(), " is not one that is known"));
  }
  Device device;
  device.type = static_cast<DeviceType>(in.type());
  if (in.has_index()) {
    if (in.index() < 0 || in.index() > 127) {
      return absl::InvalidArgumentError(
          absl::StrCat("device index ", in.index()));
    }
    device.index = static_cast<int8_t>(in.index());
  }
  return device;
}

absl::StatusOr<TypePtr> TypeReader::Get(uint64_t number) const {
  TANDEM_RETURN_IF_ERROR(CheckNumber("types", number, types_.size()));
  return types_[number];
}

absl::StatusOr<ClassType*> TypeReader::GetClass(uint64_t number) const {
  TANDEM_ASSIGN_OR_RETURN(const TypePtr type, Get(number));
  if (type->AsClass() == nullptr) {
    return absl::InvalidArgumentError(
        absl::StrCat("type ", number, " is no class"));
  }
  return const_cast<ClassType*>(type->AsClass());
}

absl::StatusOr<EnumType*> TypeReader::GetEnum(uint64_t number) const {
  TANDEM_ASSIGN_OR_RETURN(const TypePtr type, Get(number));
  if (type->AsEnum() == nullptr) {
    return absl::InvalidArgumentError(
        absl::StrCat("type ", number, " is no enum"));
  }
  return const_cast<EnumType*>(type->AsEnum());
}

absl::StatusOr<InterfaceType*> TypeReader::GetInterface(uint64_t number) const {
  TANDEM_ASSIGN_OR_RETURN(const TypePtr type, Get(number));
  if (type->AsInterface() == nullptr) {
    return absl::InvalidArgumentError(
        absl::StrCat("type ", number, " is no interface"));
  }
  return const_cast<InterfaceType*>(type->AsInterface());
}

absl::Status TypeReader::Read(const format::Program& program,
                              CompilationUnit* unit) {
  const int count = program.types_size();
  types_.reserve(count);
  std::vector<uint32_t> depths;
  std::vector<uint64_t> sizes;
  absl::flat_hash_set<std::string> names;
  for (int i = 0; i < count; ++i) {
    const format::Type& in = program.types(i);
    uint32_t depth = 1;
    uint64_t size = 1 + in.name().size() / 64;
    for (const uint32_t e : in.elements()) {
      if (e >= static_cast<uint32_t>(i)) {
        return BadEntry("types", i,
                        absl::StrCat("its part ", e, " does not come before"));
      }
      depth = std::max(depth, depths[e] + 1);
      size += sizes[e];
    }
    if (depth > kMaxDepth || size > kMaxTypeSize) {
      return BadEntry("types", i, "it is nested too deeply or too large");
    }
    absl::StatusOr<TypePtr> type = Make(in, unit);
    if (!type.ok()) return BadEntry("types", i, type.status().message());
    if (IsNamed((*type)->kind()) && !names.insert((*type)->name()).second) {
      return BadEntry("types", i,
                      absl::StrCat("'", (*type)->name(), "' is there twice"));
    }
    // A named type is walked over by its name.
    const bool named = IsNamed((*type)->kind());
    depths.push_back(named ? 1 : depth);
    sizes.push_back(named ? 1 : size);
    types_.push_back(*std::move(type));
  }
  std::vector<bool> declared(types_.size());
  for (const uint32_t t : program.declared_types()) {
    TANDEM_RETURN_IF_ERROR(CheckNumber("types", t, types_.size()));
    const TypePtr& type = types_[t];
    if (declared[t] || (!IsNamed(type->kind()) && !type->is_named_tuple()) ||
        unit->FindType(type->name()) != nullptr) {
      return BadEntry("declared_types", t,
                      "it is no named type, or declared twice");
    }
    declared[t] = true;
    unit->AddType(type);
  }
  for (size_t i = 0; i < types_.size(); ++i) {
    if (IsNamed(types_[i]->kind()) && !declared[i]) {
      return BadEntry("types", static_cast<int64_t>(i),
                      absl::StrCat("'", types_[i]->name(),
                                   "' is not among the declared types"));
    }
  }
  return absl::OkStatus();
}

absl::StatusOr<TypePtr> TypeReader::Make(const format::Type& in,
                                         CompilationUnit* unit) {
  const std::optional<TypeKind> kind = FromFormat(in.kind());
  if (!kind.has_value()) {
    return absl::InvalidArgumentError(
        absl::StrCat("kind ", static_cast<int>(in.kind()), " is not known"));
  }
  std::vector<TypePtr> elements;
  for (const uint32_t e : in.elements()) elements.push_back(types_[e]);
  const auto need = [&](size_t n) {
    return elements.size() == n
               ? absl::OkStatus()
               : absl::InvalidArgumentError(absl::StrCat(
                     "it has ", elements.size(), " parts, not ", n));
  };
  switch (*kind) {
    case TypeKind::kTensor:
      TANDEM_RETURN_IF_ERROR(need(0));
      return in.has_tensor() ? ReadTensor(in.tensor())
                             : absl::StatusOr<TypePtr>(Type::Tensor());
    case TypeKind::kList:
      TANDEM_RETURN_IF_ERROR(need(1));
      return Type::List(elements[0]);
    case TypeKind::kOptional:
      TANDEM_RETURN_IF_ERROR(need(1));
      return Type::Optional(elements[0]);
    case TypeKind::kFuture:
      TANDEM_RETURN_IF_ERROR(need(1));
      return Type::Future(elements[0]);
    case TypeKind::kAwait:
      TANDEM_RETURN_IF_ERROR(need(1));
      return Type::Await(elements[0]);
    case TypeKind::kRRef:
      TANDEM_RETURN_IF_ERROR(need(1));
      return Type::RRef(elements[0]);
    case TypeKind::kDict:
      TANDEM_RETURN_IF_ERROR(need(2));
      return Type::Dict(elements[0], elements[1]);
    case TypeKind::kTuple:
      if (in.name().empty()) {
        if (in.field_names_size() != 0) {
          return absl::InvalidArgumentError("a plain tuple names its fields");
        }
        return Type::Tuple(std::move(elements));
      }
      if (in.field_names_size() != in.elements_size()) {
        return absl::InvalidArgumentError(
            "a NamedTuple has other numbers of fields and names");
      }
      return Type::NamedTuple(
          in.name(), {in.field_names().begin(), in.field_names().end()},
          std::move(elements));
    case TypeKind::kUnion:
      if (in.elements_size() < 1 || in.elements_size() > kMaxUnionMembers) {
        return absl::InvalidArgumentError(
            absl::StrCat("a union of ", in.elements_size(), " members"));
      }
      return Type::Union(std::move(elements));
    case TypeKind::kFunction:
      TANDEM_RETURN_IF_ERROR(need(0));
      return in.name().empty() ? Type::Get(TypeKind::kFunction)
                               : Type::FunctionNamed(in.name());
    case TypeKind::kEnum:
      TANDEM_RETURN_IF_ERROR(need(1));
      if (in.name().empty()) {
        return absl::InvalidArgumentError("an enum without a name");
      }
      return TypePtr(std::make_shared<EnumType>(in.name(), elements[0]));
    case TypeKind::kClass: {
      TANDEM_RETURN_IF_ERROR(need(0));
      if (in.name().empty()) {
        return absl::InvalidArgumentError("a class without a name");
      }
      if (in.is_opaque() != absl::StartsWith(in.name(), kBoundClasses)) {
        return absl::InvalidArgumentError(absl::StrCat(
            "'", in.name(), "': classes bound from C++ are those named ",
            kBoundClasses, "…"));
      }
      auto type = std::make_shared<ClassType>(in.name(), unit, in.is_module());
      if (in.is_opaque()) type->set_opaque();
      return TypePtr(std::move(type));
    }
    case TypeKind::kInterface:
      TANDEM_RETURN_IF_ERROR(need(0));
      if (in.name().empty()) {
        return absl::InvalidArgumentError("an interface without a name");
      }
      return TypePtr(
          std::make_shared<InterfaceType>(in.name(), in.is_module()));
    default:
      TANDEM_RETURN_IF_ERROR(need(0));
      return Type::Get(*kind);
  }
}

}  // namespace tandem::model_file
