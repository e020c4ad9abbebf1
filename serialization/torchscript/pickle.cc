#include "tandem/serialization/torchscript/pickle.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "tandem/serialization/torchscript/pickle_machine.h"

namespace tandem {
namespace {

using Kind = PickleValue::Kind;

}  // namespace

absl::string_view KindName(Kind kind) {
  switch (kind) {
    case Kind::kNone:
      return "None";
    case Kind::kBool:
      return "a bool";
    case Kind::kInt:
      return "an int";
    case Kind::kFloat:
      return "a float";
    case Kind::kString:
      return "a text";
    case Kind::kGlobal:
      return "a global";
    case Kind::kTuple:
      return "a tuple";
    case Kind::kList:
      return "a list";
    case Kind::kDict:
      return "a dict";
    case Kind::kCall:
      return "a call";
    case Kind::kObject:
      return "an object";
    case Kind::kPersistent:
      return "a persistent id";
  }
  return "a value";
}

absl::StatusOr<Pickle> Pickle::Parse(std::string where,
                                     absl::Span<const uint8_t> bytes,
                                     GlobalFilter filter,
                                     const PickleLimits& limits) {
  Pickle pickle;
  pickle.where_ = std::move(where);
  pickle.bytes_ = bytes;
  // Offsets have 32 bits, so has the count of what the bytes can make.
  if (bytes.size() >= (uint64_t{1} << 31)) {
    return pickle.Error(0, absl::StrCat("a pickle of ", bytes.size(),
                                        " bytes is beyond the limit of 2 GiB"));
  }
  absl::Status status = PickleMachine(pickle, filter, limits).Run();
  if (!status.ok()) return status;
  return pickle;
}

absl::string_view Pickle::String(const PickleValue& value) const {
  return Text(value.slice);
}

absl::string_view Pickle::Module(const PickleValue& value) const {
  return Text(nodes_[value.node].first);
}

absl::string_view Pickle::Name(const PickleValue& value) const {
  return Text(nodes_[value.node].second);
}

absl::Span<const PickleValue> Pickle::Items(const PickleValue& value) const {
  const Node& node = nodes_[value.node];
  if (node.kind == Kind::kList || node.kind == Kind::kDict) {
    return growing_[node.first.begin];
  }
  return absl::MakeConstSpan(fixed_).subspan(node.first.begin, node.first.size);
}

const PickleValue& Pickle::Callee(const PickleValue& value) const {
  return fixed_[nodes_[value.node].first.begin];
}

const PickleValue& Pickle::Argument(const PickleValue& value) const {
  const Node& node = nodes_[value.node];
  return fixed_[node.first.begin + (node.kind == Kind::kPersistent ? 0 : 1)];
}

const PickleValue* Pickle::State(const PickleValue& value) const {
  const Node& node = nodes_[value.node];
  if (node.kind != Kind::kObject || !node.has_state) return nullptr;
  return &fixed_[node.first.begin + 2];
}

absl::Status Pickle::Error(const PickleValue& value,
                           absl::string_view what) const {
  return Error(value.offset, what);
}

absl::Status Pickle::Error(uint32_t offset, absl::string_view what) const {
  return absl::InvalidArgumentError(
      absl::StrCat(where_, ", byte ", offset, ": ", what));
}

}  // namespace tandem
