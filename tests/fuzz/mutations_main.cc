// Runs a fuzz target over mutations of files without libFuzzer, the same ones
// each time:
//   X_mutations_test COUNT FILE …    (COUNT 0: the files as they are)
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iterator>
#include <string>

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);

namespace {

uint64_t state = 1;
uint32_t Random(uint32_t below) {
  state = state * 6364136223846793005u + 1442695040888963407u;
  return static_cast<uint32_t>(state >> 33) % below;
}

// Small changes: bits, numbers one up or down, bytes of elsewhere, cuts and
// repeats. Most hit one place, some two or three.
std::string Mutated(std::string bytes) {
  for (uint32_t k = 1 + Random(3) * Random(2); k > 0 && !bytes.empty(); --k) {
    const uint32_t at = Random(static_cast<uint32_t>(bytes.size()));
    switch (Random(6)) {
      case 0:
        bytes[at] = static_cast<char>(bytes[at] ^ (1 << Random(8)));
        break;
      case 1:
        ++bytes[at];
        break;
      case 2:
        --bytes[at];
        break;
      case 3:
        bytes[at] = bytes[Random(static_cast<uint32_t>(bytes.size()))];
        break;
      case 4:
        bytes[at] = "\x00\x01\x7F\xFF\x80"[Random(5)];
        break;
      default: {
        const uint32_t n = Random(16);
        if (Random(2) == 0) {
          bytes.erase(at, n);
        } else {
          bytes.insert(at, bytes.substr(at, n));
        }
      }
    }
  }
  return bytes;
}

void Run(const std::string& bytes) {
  LLVMFuzzerTestOneInput(reinterpret_cast<const uint8_t*>(bytes.data()),
                         bytes.size());
}

}  // namespace

int main(int argc, char** argv) {
  const int count = argc > 1 ? std::atoi(argv[1]) : 0;
  for (int i = 2; i < argc; ++i) {
    std::ifstream file(argv[i], std::ios::binary);
    const std::string bytes((std::istreambuf_iterator<char>(file)),
                            std::istreambuf_iterator<char>());
    if (bytes.empty()) {
      std::fprintf(stderr, "cannot read %s\n", argv[i]);
      return 1;
    }
    std::fprintf(stderr, "%s\n", argv[i]);
    if (count == 0) Run(bytes);
    const char* keep = std::getenv("KEEP_MUTATION");
    for (int k = 0; k < count; ++k) {
      state = static_cast<uint64_t>(i) << 32 | static_cast<uint64_t>(k);
      Random(1);
      const std::string mutated = Mutated(bytes);
      if (keep != nullptr) {
        // What crashes is what was written last.
        std::ofstream(keep, std::ios::binary) << mutated;
      }
      Run(mutated);
    }
  }
  return 0;
}
