#include "tandem/backends/reference/borrowed.h"

#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "tandem/tensor/status_macros.h"

namespace tandem::reference {
namespace {

struct Borrowing {
  const Registry* registry;
  const Operator* dense;
  BorrowingKernel kernel;
};

absl::Status Invoke(void (*function)(), const KernelCall& call) {
  const auto* b = reinterpret_cast<const Borrowing*>(function);
  const std::string reference = "reference";
  const KernelEntry* entry =
      b->registry->Find(*b->dense, absl::MakeConstSpan(&reference, 1));
  if (entry == nullptr) {
    return absl::UnimplementedError(absl::StrCat("no backend has a kernel for ",
                                                 b->dense->schema.ToString()));
  }
  return b->kernel(DenseKernel(entry), call);
}

const Operator* FindByName(const Registry& registry, absl::string_view name) {
  const size_t dot = name.find('.');
  return registry.operators().Find(
      name.substr(0, dot),
      dot == absl::string_view::npos ? "" : name.substr(dot + 1));
}

}  // namespace

absl::StatusOr<std::vector<IValue>> DenseKernel::operator()(
    absl::Span<const IValue> arguments, size_t results) const {
  std::vector<IValue> registers(arguments.begin(), arguments.end());
  registers.resize(arguments.size() + results);
  std::vector<uint32_t> places;
  for (uint32_t i = 0; i < registers.size(); ++i) places.push_back(i);
  TANDEM_RETURN_IF_ERROR(entry_->kernel(KernelCall{
      registers.data(), places.data(), places.data() + arguments.size(),
      static_cast<uint32_t>(arguments.size()),
      static_cast<uint32_t>(results)}));
  return std::vector<IValue>(registers.begin() + arguments.size(),
                             registers.end());
}

BorrowingRegistrar& BorrowingRegistrar::Add(absl::string_view op,
                                            BorrowingKernel kernel,
                                            absl::string_view dense) {
  if (!status_.ok()) return *this;
  const Operator* found = FindByName(registry_, dense);
  if (found == nullptr) {
    status_ = absl::NotFoundError(
        absl::StrCat("the table of operators does not have ", dense));
    return *this;
  }
  auto owner =
      std::make_shared<Borrowing>(Borrowing{&registry_, found, kernel});
  const BoundKernel bound{reinterpret_cast<void (*)()>(owner.get()), &Invoke};
  status_ = registry_.AddBound(backend_, op, bound, options_, std::move(owner));
  return *this;
}

std::vector<IValue> ArgumentsOf(const KernelCall& call) {
  std::vector<IValue> arguments;
  for (uint32_t i = 0; i < call.num_inputs; ++i) {
    arguments.push_back(call.in(i));
  }
  return arguments;
}

}  // namespace tandem::reference
