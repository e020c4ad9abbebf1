#include <cstring>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "tandem/serialization/torchscript/tensor_reader.h"
#include "tandem/tensor/status_macros.h"

namespace tandem {

using Kind = PickleValue::Kind;

namespace {
// Vectors of any dtype may be read at such an address.
constexpr uintptr_t kAlignment = 16;
}  // namespace

std::optional<DType> DTypeOfStorageClass(absl::string_view module,
                                         absl::string_view name) {
  if (module == "torch.storage" &&
      (name == "UntypedStorage" || name == "_UntypedStorage")) {
    return DType::kUndefined;
  }
  if (module != "torch" || !absl::EndsWith(name, "Storage")) {
    return std::nullopt;
  }
  if (name == "UntypedStorage") return DType::kUndefined;
  name.remove_suffix(7);
  return DTypeFromTypeName(name);
}

absl::StatusOr<StorageTable::Reference> StorageTable::Resolve(
    const Pickle& pickle, const PickleValue& persistent) {
  if (persistent.kind != Kind::kPersistent) {
    return pickle.Error(persistent, absl::StrCat("a storage is expected, not ",
                                                 KindName(persistent.kind)));
  }
  const PickleValue& id = pickle.Argument(persistent);
  if (id.kind != Kind::kTuple || pickle.Items(id).size() != 5) {
    return pickle.Error(
        persistent,
        "the persistent id must be a tuple (\"storage\", class, key, location, "
        "numel)");
  }
  const absl::Span<const PickleValue> items = pickle.Items(id);
  if (items[0].kind != Kind::kString || pickle.String(items[0]) != "storage") {
    return pickle.Error(
        persistent,
        absl::StrCat(
            "the persistent id is of the kind ",
            items[0].kind == Kind::kString
                ? absl::StrCat("\"", Printable(pickle.String(items[0])), "\"")
                : std::string(KindName(items[0].kind)),
            ", only \"storage\" is known"));
  }
  if (items[1].kind != Kind::kGlobal) {
    return pickle.Error(items[1], absl::StrCat("the storage's class is ",
                                               KindName(items[1].kind)));
  }
  const std::optional<DType> dtype =
      DTypeOfStorageClass(pickle.Module(items[1]), pickle.Name(items[1]));
  if (!dtype.has_value()) {
    return pickle.Error(
        items[1], absl::StrCat("'", Printable(pickle.Module(items[1])), ".",
                               Printable(pickle.Name(items[1])),
                               "' is no class of storages that is known"));
  }
  if (items[2].kind != Kind::kString) {
    return pickle.Error(
        items[2], absl::StrCat("the storage's key is ", KindName(items[2].kind),
                               ", a text is expected"));
  }
  const absl::string_view key = pickle.String(items[2]);
  if (key.empty() || key.size() > 255 ||
      key.find_first_of(absl::string_view("/\\\0", 3)) !=
          absl::string_view::npos) {
    return pickle.Error(
        items[2], absl::StrCat("the storage's key is \"", Printable(key),
                               "\"; it must name a record ", folder_, "KEY"));
  }
  if (items[3].kind != Kind::kString) {
    return pickle.Error(items[3], absl::StrCat("the storage's device is ",
                                               KindName(items[3].kind),
                                               ", a text is expected"));
  }
  if (pickle.String(items[3]).size() > 64) {
    return pickle.Error(
        items[3], absl::StrCat("Invalid device string: '",
                               Printable(pickle.String(items[3]), 64), "'"));
  }
  const absl::StatusOr<Device> device = ParseDevice(pickle.String(items[3]));
  if (!device.ok()) {
    return pickle.Error(items[3], Printable(device.status().message()));
  }
  Reference reference;
  reference.dtype = *dtype;
  reference.record = absl::StrCat(folder_, key);
  const absl::string_view shown = reference.record;
  if (items[4].kind != Kind::kInt || items[4].integer < 0) {
    return pickle.Error(
        items[4],
        absl::StrCat("the numel of storage ", Printable(shown), " is ",
                     items[4].kind == Kind::kInt
                         ? absl::StrCat(items[4].integer)
                         : std::string(KindName(items[4].kind)),
                     ", a count of elements is expected"));
  }
  reference.numel = items[4].integer;
  const uint64_t element_size =
      *dtype == DType::kUndefined ? 1 : ElementSize(*dtype);
  uint64_t bytes = 0;
  if (__builtin_mul_overflow(static_cast<uint64_t>(reference.numel),
                             element_size, &bytes) ||
      bytes > static_cast<uint64_t>(INT64_MAX)) {
    return pickle.Error(
        items[4],
        absl::StrCat("the storage ", Printable(shown), " is said to have ",
                     reference.numel, " elements, too many"));
  }
  if (device->type == DeviceType::kMeta) {
    // Numbered apart from storages with memory.
    Ref<Storage>& meta = storages_[absl::StrCat("meta ", shown)];
    if (!meta || meta->bytes() < bytes) meta = Storage::Meta(bytes);
    reference.storage = meta;
    return reference;
  }
  TANDEM_ASSIGN_OR_RETURN(
      reference.storage,
      Load(pickle, persistent, reference.record, bytes, element_size));
  return reference;
}

absl::StatusOr<Ref<Storage>> StorageTable::Load(const Pickle& pickle,
                                                const PickleValue& persistent,
                                                absl::string_view record,
                                                uint64_t expected_bytes,
                                                uint64_t element_size) {
  // A class wider than what the record was saved as leaves a rest.
  const auto fits = [&](uint64_t bytes) {
    return bytes - bytes % element_size == expected_bytes;
  };
  const auto misfit = [&](uint64_t bytes) {
    return pickle.Error(
        persistent,
        absl::StrCat("the storage ", Printable(record), " is said to have ",
                     expected_bytes, " bytes, its record \"",
                     Printable(archive_.folder()), "/", Printable(record),
                     "\" has ", bytes));
  };
  const auto known = storages_.find(record);
  if (known != storages_.end()) {
    if (!fits(known->second->bytes())) return misfit(known->second->bytes());
    return known->second;
  }
  const ZipEntry* entry = archive_.Find(record);
  if (entry == nullptr && expected_bytes == 0) {
    TANDEM_ASSIGN_OR_RETURN(Ref<Storage> empty, Storage::Allocate(0));
    storages_.emplace(record, empty);
    return empty;
  }
  if (entry == nullptr) {
    return pickle.Error(persistent,
                        absl::StrCat("the archive has no record \"",
                                     Printable(archive_.folder()), "/",
                                     Printable(record), "\" for a storage"));
  }
  if (!fits(entry->size)) return misfit(entry->size);
  TANDEM_ASSIGN_OR_RETURN(
      const ZipRecord bytes,
      archive_.zip().Read(*entry, archive_.limits().verify_weights
                                      ? ZipReader::Check::kCrc
                                      : ZipReader::Check::kSkip));
  Ref<Storage> storage;
  if (reinterpret_cast<uintptr_t>(bytes.data) % kAlignment == 0) {
    storage = Storage::Borrow(bytes.data, bytes.size, bytes.owner, true);
  } else {
    TANDEM_ASSIGN_OR_RETURN(storage, Storage::Allocate(bytes.size));
    if (bytes.size > 0) {
      std::memcpy(storage->data(), bytes.data, bytes.size);
    }
  }
  storages_.emplace(record, storage);
  return storage;
}

}  // namespace tandem
