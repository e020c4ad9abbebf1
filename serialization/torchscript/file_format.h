#ifndef TANDEM_SERIALIZATION_TORCHSCRIPT_FILE_FORMAT_H_
#define TANDEM_SERIALIZATION_TORCHSCRIPT_FILE_FORMAT_H_

#include <cstdint>
#include <string>

#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "tandem/serialization/torchscript/zip_reader.h"

namespace tandem {

// Formats that people take for a TorchScript archive. Each answer is a sentence
// without its subject ("is a safetensors file: ... Do ..."), empty if nothing
// is recognised.

// A file that is no zip archive, by its first bytes.
std::string RecogniseBytes(absl::Span<const uint8_t> bytes);

// A zip archive without data.pkl and constants.pkl in `folder`, by its records.
std::string RecogniseZip(const ZipReader& zip, absl::string_view folder);

}  // namespace tandem

#endif  // TANDEM_SERIALIZATION_TORCHSCRIPT_FILE_FORMAT_H_
