#include "tandem/tensor/generator.h"

#include <cmath>

namespace tandem {
namespace {

constexpr int kN = 624;
constexpr int kM = 397;
constexpr double kPi = 3.14159265358979323846;

uint32_t Twist(uint32_t u, uint32_t v) {
  const uint32_t mixed = (u & 0x80000000u) | (v & 0x7fffffffu);
  return (mixed >> 1) ^ ((v & 1u) ? 0x9908b0dfu : 0u);
}

}  // namespace

void Generator::Seed(uint64_t seed) {
  seed_ = seed;
  state_[0] = static_cast<uint32_t>(seed);
  for (int i = 1; i < kN; ++i) {
    state_[i] = 1812433253u * (state_[i - 1] ^ (state_[i - 1] >> 30)) +
                static_cast<uint32_t>(i);
  }
  left_ = 1;
  next_ = 0;
  cached_normal_.reset();
}

void Generator::NextState() {
  left_ = kN;
  next_ = 0;
  for (int i = 0; i < kN - kM; ++i) {
    state_[i] = state_[i + kM] ^ Twist(state_[i], state_[i + 1]);
  }
  for (int i = kN - kM; i < kN - 1; ++i) {
    state_[i] = state_[i + kM - kN] ^ Twist(state_[i], state_[i + 1]);
  }
  state_[kN - 1] = state_[kM - 1] ^ Twist(state_[kN - 1], state_[0]);
}

uint32_t Generator::Random32() {
  if (--left_ == 0) NextState();
  uint32_t y = state_[next_++];
  y ^= y >> 11;
  y ^= (y << 7) & 0x9d2c5680u;
  y ^= (y << 15) & 0xefc60000u;
  return y ^ (y >> 18);
}

uint64_t Generator::Random64() {
  const uint64_t high = Random32();
  return high << 32 | Random32();
}

double Generator::NormalDouble() {
  if (cached_normal_.has_value()) {
    const double value = *cached_normal_;
    cached_normal_.reset();
    return value;
  }
  const double u1 = UniformDouble();
  const double u2 = UniformDouble();
  const double radius = std::sqrt(-2.0 * std::log1p(-u2));
  const double theta = 2.0 * kPi * u1;
  cached_normal_ = radius * std::sin(theta);
  return radius * std::cos(theta);
}

}  // namespace tandem
