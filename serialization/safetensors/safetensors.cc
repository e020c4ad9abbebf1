#include "tandem/serialization/safetensors/safetensors.h"

#include <algorithm>
#include <cstring>
#include <set>

#include "absl/strings/str_cat.h"
#include "tandem/serialization/files/byte_sink.h"
#include "tandem/serialization/safetensors/header.h"
#include "tandem/tensor/copy.h"
#include "tandem/tensor/status_macros.h"

namespace tandem {
namespace {

using safetensors::Entry;
using safetensors::Header;

// As the format's own reader.
constexpr uint64_t kMaxHeader = 100000000;

absl::Status InFile(const File& file, absl::string_view message) {
  return absl::InvalidArgumentError(absl::StrCat(file.name(), ": ", message));
}

// The bytes of each tensor follow each other without holes to the end.
absl::Status CheckLayout(const Header& header, uint64_t bytes) {
  std::vector<std::pair<uint64_t, uint64_t>> ranges;
  std::set<absl::string_view> names;
  for (const Entry& e : header.entries) {
    const std::optional<DType> dtype = safetensors::DTypeOfName(e.dtype);
    if (!dtype.has_value()) {
      return absl::InvalidArgumentError(
          absl::StrCat("tensor '", e.name, "' has dtype '", e.dtype,
                       "', which tandem has not"));
    }
    if (!names.insert(e.name).second) {
      return absl::InvalidArgumentError(
          absl::StrCat("tensor '", e.name, "' is there twice"));
    }
    TANDEM_ASSIGN_OR_RETURN(const int64_t numel, CheckedNumel(e.shape));
    uint64_t size = 0;
    if (__builtin_mul_overflow(static_cast<uint64_t>(numel),
                               ElementSize(*dtype), &size) ||
        e.begin > e.end || e.end - e.begin != size) {
      return absl::InvalidArgumentError(absl::StrCat(
          "tensor '", e.name, "' of ", e.dtype, DimsToString(e.shape),
          " cannot be the bytes ", e.begin, " to ", e.end));
    }
    ranges.emplace_back(e.begin, e.end);
  }
  std::sort(ranges.begin(), ranges.end());
  uint64_t at = 0;
  for (const auto& [begin, end] : ranges) {
    if (begin != at) {
      return absl::InvalidArgumentError(
          absl::StrCat("tensors overlap or leave a hole at byte ", at));
    }
    at = end;
  }
  if (at != bytes) {
    return absl::InvalidArgumentError(
        absl::StrCat("tensors take ", at, " bytes where the file has ", bytes));
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<Safetensors> LoadSafetensors(const std::string& path) {
  TANDEM_ASSIGN_OR_RETURN(std::shared_ptr<File> file, File::Open(path));
  return LoadSafetensors(std::move(file));
}

absl::StatusOr<Safetensors> LoadSafetensors(std::shared_ptr<File> file) {
  if (file->size() < 8) return InFile(*file, "shorter than a header");
  uint64_t length = 0;
  for (int i = 7; i >= 0; --i) length = length << 8 | file->data()[i];
  if (length > kMaxHeader || length > file->size() - 8) {
    return InFile(*file, absl::StrCat("a header of ", length, " bytes"));
  }
  const absl::string_view json(reinterpret_cast<const char*>(file->data()) + 8,
                               length);
  const absl::StatusOr<Header> header = safetensors::ParseHeader(json);
  if (!header.ok()) return InFile(*file, header.status().message());
  const uint64_t bytes = file->size() - 8 - length;
  if (absl::Status s = CheckLayout(*header, bytes); !s.ok()) {
    return InFile(*file, s.message());
  }
  Safetensors out;
  out.metadata = header->metadata;
  for (const Entry& e : header->entries) {
    const DType dtype = *safetensors::DTypeOfName(e.dtype);
    char* data = reinterpret_cast<char*>(file->data()) + 8 + length + e.begin;
    const size_t size = e.end - e.begin;
    Tensor t;
    if (reinterpret_cast<uintptr_t>(data) %
            std::min<size_t>(std::max<size_t>(ElementSize(dtype), 1), 8) ==
        0) {
      TANDEM_ASSIGN_OR_RETURN(
          t, Tensor::OverStorage(Storage::Borrow(data, size, file, true), 0,
                                 e.shape, ContiguousStrides(e.shape), dtype));
    } else {
      // The format promises no alignment.
      TANDEM_ASSIGN_OR_RETURN(t, Tensor::Empty(e.shape, dtype));
      if (size > 0) std::memcpy(t.raw_data(), data, size);
    }
    out.tensors.emplace_back(e.name, std::move(t));
  }
  return out;
}

absl::Status SaveSafetensors(
    const std::string& path,
    absl::Span<const std::pair<std::string, Tensor>> tensors,
    absl::Span<const std::pair<std::string, std::string>> metadata) {
  Header header;
  header.metadata.assign(metadata.begin(), metadata.end());
  std::vector<Tensor> contiguous;
  uint64_t at = 0;
  std::set<absl::string_view> names;
  // Wide elements first, so that all are aligned, as the format's writer does.
  std::vector<const std::pair<std::string, Tensor>*> order;
  for (const auto& t : tensors) {
    const bool writable = t.second.defined() && !t.second.is_sparse() &&
                          !t.second.is_quantized() && !t.second.is_meta() &&
                          safetensors::NameOfDType(t.second.dtype());
    if (!writable || !names.insert(t.first).second) {
      return absl::InvalidArgumentError(absl::StrCat(
          path, ": tensor '", t.first, "' cannot be written as safetensors"));
    }
    order.push_back(&t);
  }
  std::stable_sort(order.begin(), order.end(),
                   [](const auto* a, const auto* b) {
                     return a->second.element_size() > b->second.element_size();
                   });
  for (const auto* t : order) {
    TANDEM_ASSIGN_OR_RETURN(Tensor plain, ResolveLazyBits(t->second));
    if (!plain.is_contiguous()) {
      TANDEM_ASSIGN_OR_RETURN(Tensor copy,
                              Tensor::Empty(plain.sizes(), plain.dtype()));
      TANDEM_RETURN_IF_ERROR(CopyElements(plain, copy));
      plain = std::move(copy);
    }
    Entry e;
    e.name = t->first;
    e.dtype = std::string(*safetensors::NameOfDType(plain.dtype()));
    e.shape = Dims(plain.sizes().begin(), plain.sizes().end());
    e.begin = at;
    at += static_cast<uint64_t>(plain.numel()) * plain.element_size();
    e.end = at;
    header.entries.push_back(std::move(e));
    contiguous.push_back(std::move(plain));
  }
  std::string json = safetensors::HeaderToJson(header);
  json.resize((json.size() + 7) / 8 * 8, ' ');
  uint8_t length[8];
  for (int i = 0; i < 8; ++i) {
    length[i] =
        static_cast<uint8_t>(static_cast<uint64_t>(json.size()) >> (8 * i));
  }
  TANDEM_ASSIGN_OR_RETURN(std::unique_ptr<ByteSink> sink, CreateFileSink(path));
  TANDEM_RETURN_IF_ERROR(sink->Write(length));
  TANDEM_RETURN_IF_ERROR(sink->Write(absl::MakeConstSpan(
      reinterpret_cast<const uint8_t*>(json.data()), json.size())));
  for (const Tensor& t : contiguous) {
    TANDEM_RETURN_IF_ERROR(sink->Write(absl::MakeConstSpan(
        reinterpret_cast<const uint8_t*>(t.raw_data()),
        static_cast<size_t>(t.numel()) * t.element_size())));
  }
  return sink->Commit();
}

}  // namespace tandem
