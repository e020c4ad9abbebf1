// Bytes as a zip archive: every record is read.
#include <cstddef>
#include <cstdint>
#include <string>

#include "tandem/serialization/files/file.h"
#include "tandem/serialization/torchscript/archive.h"
#include "tandem/serialization/torchscript/zip_reader.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string bytes(reinterpret_cast<const char*>(data), size);
  auto zip = tandem::ZipReader::Open(tandem::File::FromBuffer("f", bytes));
  if (zip.ok()) {
    for (const tandem::ZipEntry& entry : (*zip)->entries()) {
      (void)(*zip)->Read(entry);
      (void)(*zip)->Read(entry, tandem::ZipReader::Check::kSkip);
    }
  }
  auto archive = tandem::Archive::Open(tandem::File::FromBuffer("f", bytes));
  if (archive.ok()) {
    (void)(*archive)->Version();
    (void)(*archive)->CheckByteOrder();
  }
  return 0;
}
