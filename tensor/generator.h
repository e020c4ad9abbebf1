// PyTorch's CPU generator: mt19937 with its way of seeding and of drawing.
#ifndef TANDEM_TENSOR_GENERATOR_H_
#define TANDEM_TENSOR_GENERATOR_H_

#include <array>
#include <cstdint>
#include <optional>

namespace tandem {

// A stream of random numbers that equals torch.Generator's on the CPU, draw for
// draw. Not thread-safe.
class Generator {
 public:
  static constexpr uint64_t kDefaultSeed = 67280421310721;

  explicit Generator(uint64_t seed = kDefaultSeed) { Seed(seed); }
  // As torch.manual_seed; forgets the cached normal values.
  void Seed(uint64_t seed);
  uint64_t seed() const { return seed_; }

  uint32_t Random32();
  uint64_t Random64();  // two draws, the first is the high half
  float UniformFloat() {
    return static_cast<float>(Random32() & ((1u << 24) - 1)) * 0x1p-24f;
  }
  double UniformDouble() {
    return static_cast<double>(Random64() & ((uint64_t{1} << 53) - 1)) *
           0x1p-53;
  }
  // Standard normal by Box-Muller in double; every second value is cached.
  double NormalDouble();

 private:
  void NextState();

  uint64_t seed_;
  std::array<uint32_t, 624> state_;
  int left_;
  int next_;
  std::optional<double> cached_normal_;
};

}  // namespace tandem

#endif  // TANDEM_TENSOR_GENERATOR_H_
