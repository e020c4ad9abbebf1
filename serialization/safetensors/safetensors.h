// Files of named tensors in Hugging Face's safetensors format.
#ifndef TANDEM_SERIALIZATION_SAFETENSORS_SAFETENSORS_H_
#define TANDEM_SERIALIZATION_SAFETENSORS_SAFETENSORS_H_

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "tandem/serialization/files/file.h"
#include "tandem/tensor/tensor.h"

namespace tandem {

struct Safetensors {
  // In the order of the header.
  std::vector<std::pair<std::string, Tensor>> tensors;
  std::vector<std::pair<std::string, std::string>> metadata;
};

// Tensors lie in the mapped file. Errors name the file and what is wrong: a
// header that is no closed form of the format, offsets that do not fit the
// sizes, overlap or leave holes, a name twice, a dtype that tandem has not.
absl::StatusOr<Safetensors> LoadSafetensors(const std::string& path);
absl::StatusOr<Safetensors> LoadSafetensors(std::shared_ptr<File> file);

// Writes the file whole or not at all. Errors: a tensor that is undefined,
// sparse, quantized or without memory; a dtype that the format has not.
absl::Status SaveSafetensors(
    const std::string& path,
    absl::Span<const std::pair<std::string, Tensor>> tensors,
    absl::Span<const std::pair<std::string, std::string>> metadata = {});

}  // namespace tandem

#endif  // TANDEM_SERIALIZATION_SAFETENSORS_SAFETENSORS_H_
