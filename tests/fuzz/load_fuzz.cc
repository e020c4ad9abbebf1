// Bytes as a whole script archive. A zip archive is loaded as it is. Anything
// else is taken for records, each "NAME\n" and its text up to a line of "====":
// they are packed with right checksums, which no mutation would hit.
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "tandem/backends/registry.h"
#include "tandem/runtime/engine.h"
#include "tandem/serialization/torchscript/module_loader.h"
#include "tandem/serialization/torchscript/test_archive.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::string bytes(reinterpret_cast<const char*>(data), size);
  if (!absl::StartsWith(bytes, "PK")) {
    std::vector<tandem::testing::ZipPart> parts;
    for (const absl::string_view record : absl::StrSplit(bytes, "\n====\n")) {
      const std::pair<absl::string_view, absl::string_view> split =
          absl::StrSplit(record, absl::MaxSplits('\n', 1));
      tandem::testing::ZipPart part;
      part.name = "m/" + std::string(split.first.substr(0, 100));
      part.data = std::string(split.second);
      part.deflate = absl::EndsWith(part.name, ".py");
      parts.push_back(std::move(part));
    }
    bytes = tandem::testing::MakeZip(parts);
  }
  // Without kernels: what __setstate__ may do is loops, numbers and attributes.
  tandem::Registry registry;
  tandem::Engine engine(&registry);
  tandem::LoadOptions options;
  options.limits.pickle.max_memory = uint64_t{1} << 24;
  options.engine = &engine;
  options.max_setstate_steps = 1000;
  (void)tandem::LoadModule(tandem::File::FromBuffer("f", std::move(bytes)),
                           options);
  return 0;
}
