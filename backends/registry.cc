#include "tandem/backends/registry.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "tandem/backends/group.h"

namespace tandem {
namespace {

bool IsList(const Type& t, TypeKind element) {
  return t.is(TypeKind::kList) && t.element()->is(element);
}

// Does a C++ parameter of this kind take what the schema's argument is?
bool Fits(ParameterKind kind, const Type& t) {
  const bool optional = t.is(TypeKind::kOptional);
  const Type& e = optional ? *t.element() : t;
  using P = ParameterKind;
  switch (kind) {
    case P::kAny:
      return true;
    case P::kTensor:
      return e.is(TypeKind::kTensor);
    case P::kInt:
      return !optional &&
             (e.is(TypeKind::kInt) || e.is(TypeKind::kScalarType) ||
              e.is(TypeKind::kLayout) || e.is(TypeKind::kMemoryFormat) ||
              e.is(TypeKind::kQScheme));
    case P::kOptionalInt:
      return optional &&
             (e.is(TypeKind::kInt) || e.is(TypeKind::kScalarType) ||
              e.is(TypeKind::kLayout) || e.is(TypeKind::kMemoryFormat));
    case P::kDouble:
      return !optional && e.is(TypeKind::kFloat);
    case P::kOptionalDouble:
      return optional && e.is(TypeKind::kFloat);
    case P::kBool:
      return !optional && e.is(TypeKind::kBool);
    case P::kOptionalBool:
      return optional && e.is(TypeKind::kBool);
    case P::kComplex:
      return !optional && e.is(TypeKind::kComplex);
    case P::kScalar:
      return !optional && e.is(TypeKind::kNumber);
    case P::kOptionalScalar:
      return optional && e.is(TypeKind::kNumber);
    case P::kString:
      return !optional && e.is(TypeKind::kStr);
    case P::kOptionalString:
      return optional && e.is(TypeKind::kStr);
    case P::kInts:
      return !optional && IsList(e, TypeKind::kInt);
    case P::kOptionalInts:
      return optional && IsList(e, TypeKind::kInt);
    case P::kDoubles:
      return !optional && IsList(e, TypeKind::kFloat);
    case P::kOptionalDoubles:
      return optional && IsList(e, TypeKind::kFloat);
    case P::kBools:
      return !optional && IsList(e, TypeKind::kBool);
    case P::kScalars:
      return !optional && IsList(e, TypeKind::kNumber);
    case P::kTensors:
      return e.is(TypeKind::kList) &&
             (e.element()->is(TypeKind::kTensor) ||
              (e.element()->is(TypeKind::kOptional) &&
               e.element()->element()->is(TypeKind::kTensor)));
    case P::kDType:
      return !optional && (e.is(TypeKind::kScalarType) || e.is(TypeKind::kInt));
    case P::kOptionalDType:
      return optional && (e.is(TypeKind::kScalarType) || e.is(TypeKind::kInt));
    case P::kOptionalLayout:
      return optional && (e.is(TypeKind::kLayout) || e.is(TypeKind::kInt));
    case P::kOptionalMemoryFormat:
      return optional &&
             (e.is(TypeKind::kMemoryFormat) || e.is(TypeKind::kInt));
    case P::kDevice:
      return !optional && e.is(TypeKind::kDevice);
    case P::kOptionalDevice:
      return optional && e.is(TypeKind::kDevice);
    case P::kGenerator:
      return e.is(TypeKind::kGenerator);
  }
  return false;
}

absl::Status CheckSignature(const FunctionSchema& schema,
                            const KernelSignature& signature) {
  const auto mismatch = [&](absl::string_view what) {
    return absl::InvalidArgumentError(absl::StrCat(
        "a kernel for ", schema.ToString(), " does not fit: ", what));
  };
  if (signature.parameters.size() != schema.arguments.size()) {
    return mismatch(
        absl::StrCat("it takes ", signature.parameters.size(), " parameters"));
  }
  for (size_t i = 0; i < signature.parameters.size(); ++i) {
    if (!Fits(signature.parameters[i], *schema.arguments[i].type)) {
      return mismatch(absl::StrCat("the C++ type of parameter ", i, " (",
                                   schema.arguments[i].name, ")"));
    }
  }
  if (signature.results.size() != schema.returns.size()) {
    return mismatch(
        absl::StrCat("it gives ", signature.results.size(), " results"));
  }
  for (size_t i = 0; i < signature.results.size(); ++i) {
    if (!Fits(signature.results[i], *schema.returns[i].type)) {
      return mismatch(absl::StrCat("the C++ type of result ", i));
    }
  }
  return absl::OkStatus();
}

std::pair<absl::string_view, absl::string_view> SplitName(
    absl::string_view op) {
  const size_t dot = op.find('.');
  if (dot == absl::string_view::npos) return {op, ""};
  return {op.substr(0, dot), op.substr(dot + 1)};
}

}  // namespace

Registry::Registry(const OperatorTable* operators) : operators_(operators) {}

absl::Status Registry::Add(absl::string_view backend, absl::string_view op,
                           BoundKernel kernel, const KernelSignature& signature,
                           KernelOptions options) {
  const auto [name, overload] = SplitName(op);
  const Operator* row = operators_->Find(name, overload);
  if (row == nullptr) {
    return absl::NotFoundError(
        absl::StrCat("backend '", backend, "' registers a kernel for ", op,
                     ", which the table of operators does not have"));
  }
  if (absl::Status s = CheckSignature(row->schema, signature); !s.ok())
    return s;
  return Put(backend, *row,
             KernelEntry{kernel, options, std::string(backend), nullptr});
}

absl::Status Registry::BoxedKernel(absl::string_view backend,
                                   absl::string_view op,
                                   absl::Status (*function)(const KernelCall&),
                                   KernelOptions options) {
  const BoundKernel kernel{
      reinterpret_cast<void (*)()>(function),
      [](void (*f)(), const KernelCall& call) {
        return reinterpret_cast<absl::Status (*)(const KernelCall&)>(f)(call);
      }};
  return AddBound(backend, op, kernel, options, nullptr);
}

absl::Status Registry::AddBound(absl::string_view backend, absl::string_view op,
                                BoundKernel kernel, KernelOptions options,
                                std::shared_ptr<const void> owner) {
  const auto [name, overload] = SplitName(op);
  const Operator* row = operators_->Find(name, overload);
  if (row == nullptr) {
    return absl::NotFoundError(
        absl::StrCat("backend '", backend, "' registers a kernel for ", op,
                     ", which the table of operators does not have"));
  }
  return Put(
      backend, *row,
      KernelEntry{kernel, options, std::string(backend), std::move(owner)});
}

absl::Status Registry::Put(absl::string_view backend, const Operator& op,
                           KernelEntry entry) {
  auto& entries = kernels_[&op];
  for (const auto& e : entries) {
    if (e->backend == backend) {
      return absl::AlreadyExistsError(
          absl::StrCat("backend '", backend, "' registers ",
                       op.schema.FullName(), " twice"));
    }
  }
  if (std::find(backends_.begin(), backends_.end(), backend) ==
      backends_.end()) {
    backends_.push_back(std::string(backend));
  }
  entries.push_back(std::make_unique<KernelEntry>(std::move(entry)));
  return absl::OkStatus();
}

const KernelEntry* Registry::Find(
    const Operator& op, absl::Span<const std::string> backends) const {
  const auto it = kernels_.find(&op);
  if (it == kernels_.end()) return nullptr;
  for (const std::string& backend : backends) {
    for (const auto& entry : it->second) {
      if (entry->backend == backend) return entry.get();
    }
  }
  return nullptr;
}

std::vector<const KernelEntry*> Registry::FindAll(
    const Operator& op, absl::Span<const std::string> backends) const {
  std::vector<const KernelEntry*> found;
  const auto it = kernels_.find(&op);
  if (it == kernels_.end()) return found;
  for (const std::string& backend : backends) {
    for (const auto& entry : it->second) {
      if (entry->backend == backend) found.push_back(entry.get());
    }
  }
  return found;
}

absl::Status Registry::AddGroupBackend(
    std::shared_ptr<const GroupBackend> backend) {
  const absl::string_view name = backend->name();
  if (FindGroupBackend(name) != nullptr) {
    return absl::AlreadyExistsError(
        absl::StrCat("backend '", name, "' is registered twice"));
  }
  if (std::find(backends_.begin(), backends_.end(), name) == backends_.end()) {
    backends_.push_back(std::string(name));
  }
  group_backends_.push_back(std::move(backend));
  return absl::OkStatus();
}

const GroupBackend* Registry::FindGroupBackend(absl::string_view name) const {
  for (const auto& backend : group_backends_) {
    if (backend->name() == name) return backend.get();
  }
  return nullptr;
}

size_t Registry::Coverage(absl::string_view backend) const {
  size_t n = 0;
  for (const auto& [op, entries] : kernels_) {
    for (const auto& e : entries) n += e->backend == backend ? 1 : 0;
  }
  return n;
}

}  // namespace tandem
