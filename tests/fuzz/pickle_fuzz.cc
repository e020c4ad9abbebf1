// Bytes as the pickle of a torch.save file and as debug records.
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "tandem/serialization/torchscript/debug_ranges.h"
#include "tandem/serialization/torchscript/plain_values.h"
#include "tandem/serialization/torchscript/test_archive.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::vector<tandem::testing::ZipPart> parts(4);
  parts[0].name = "m/data/0";
  parts[0].data = std::string(24, '\1');
  parts[1].name = "m/data/1";
  parts[1].data = std::string(12, '\2');
  parts[2].name = "m/data/2";
  parts[2].data = std::string(3, '\3');
  parts[3].name = "m/data.pkl";
  parts[3].data = std::string(reinterpret_cast<const char*>(data), size);
  tandem::ArchiveLimits limits;
  limits.pickle.max_memory = uint64_t{1} << 24;
  (void)tandem::LoadPlainValues(
      tandem::File::FromBuffer("f", tandem::testing::MakeZip(parts)), limits);
  (void)tandem::ReadDebugRanges("f", absl::MakeConstSpan(data, size),
                                limits.pickle);
  return 0;
}
