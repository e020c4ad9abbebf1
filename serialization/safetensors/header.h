// The JSON header of a safetensors file.
#ifndef TANDEM_SERIALIZATION_SAFETENSORS_HEADER_H_
#define TANDEM_SERIALIZATION_SAFETENSORS_HEADER_H_

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "tandem/tensor/tensor.h"

namespace tandem::safetensors {

struct Entry {
  std::string name;
  std::string dtype;
  Dims shape;
  uint64_t begin = 0, end = 0;  // of the bytes after the header
};

struct Header {
  std::vector<Entry> entries;
  std::vector<std::pair<std::string, std::string>> metadata;
};

// Accepts the form of the format alone: an object of objects with dtype, shape
// and data_offsets, and __metadata__ of strings. Errors say at which byte.
absl::StatusOr<Header> ParseHeader(absl::string_view json);
std::string HeaderToJson(const Header& header);

// "F32" and back; nullopt where there is none.
std::optional<DType> DTypeOfName(absl::string_view name);
std::optional<absl::string_view> NameOfDType(DType dtype);

}  // namespace tandem::safetensors

#endif  // TANDEM_SERIALIZATION_SAFETENSORS_HEADER_H_
