#include "tandem/serialization/torchscript/crc32.h"

#include <array>
#include <cstring>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace tandem {
namespace {

constexpr uint32_t kPolynomial = 0xEDB88320;  // bit 31 is x^0

using Tables = std::array<std::array<uint32_t, 256>, 8>;

// tables[k][b]: what byte b does to the remainder k bytes later.
constexpr Tables MakeTables() {
  Tables tables{};
  for (uint32_t b = 0; b < 256; ++b) {
    uint32_t r = b;
    for (int bit = 0; bit < 8; ++bit) {
      r = (r & 1) ? (r >> 1) ^ kPolynomial : r >> 1;
    }
    tables[0][b] = r;
  }
  for (int k = 1; k < 8; ++k) {
    for (uint32_t b = 0; b < 256; ++b) {
      const uint32_t r = tables[k - 1][b];
      tables[k][b] = (r >> 8) ^ tables[0][r & 255];
    }
  }
  return tables;
}

constexpr Tables kTables = MakeTables();

// Works on the inverted remainder, eight bytes a step.
uint32_t UpdateByTables(uint32_t r, const uint8_t* p, size_t size) {
  while (size >= 8) {
    // Bytes are put together by hand: the same on either byte order.
    const uint32_t low = r ^ (uint32_t{p[0]} | uint32_t{p[1]} << 8 |
                              uint32_t{p[2]} << 16 | uint32_t{p[3]} << 24);
    r = kTables[7][low & 255] ^ kTables[6][(low >> 8) & 255] ^
        kTables[5][(low >> 16) & 255] ^ kTables[4][low >> 24] ^
        kTables[3][p[4]] ^ kTables[2][p[5]] ^ kTables[1][p[6]] ^
        kTables[0][p[7]];
    p += 8;
    size -= 8;
  }
  while (size-- > 0) r = (r >> 8) ^ kTables[0][(r ^ *p++) & 255];
  return r;
}

#if defined(__x86_64__)

// x^n mod P for the distances that the folding below needs, in reflected order:
// bit 31 is x^0, and one more bit below because the product of two reflected
// numbers comes out shifted by one.
constexpr uint64_t PowerOfX(int n) {
  uint32_t r = 0x80000000;
  for (int i = 0; i < n; ++i) r = (r & 1) ? (r >> 1) ^ kPolynomial : r >> 1;
  return static_cast<uint64_t>(r) << 1;
}

// A 128-bit block moved on by n bits is low * x^(n + 32) + high * x^(n - 32).
__attribute__((target("pclmul,sse4.1"))) inline __m128i Fold(__m128i block,
                                                             __m128i powers,
                                                             __m128i next) {
  const __m128i low = _mm_clmulepi64_si128(block, powers, 0x00);
  const __m128i high = _mm_clmulepi64_si128(block, powers, 0x11);
  return _mm_xor_si128(_mm_xor_si128(low, high), next);
}

__attribute__((target("pclmul,sse4.1"))) inline __m128i Load(const uint8_t* p) {
  return _mm_loadu_si128(reinterpret_cast<const __m128i*>(p));
}

// Needs size >= 64. Folds four blocks at a time, then one, and leaves the last
// 16 bytes, which stand for all before them, to the tables.
__attribute__((target("pclmul,sse4.1"))) uint32_t UpdateByFolding(
    uint32_t r, const uint8_t* p, size_t size) {
  constexpr uint64_t kFold64Low = PowerOfX(512 + 32);
  constexpr uint64_t kFold64High = PowerOfX(512 - 32);
  constexpr uint64_t kFold16Low = PowerOfX(128 + 32);
  constexpr uint64_t kFold16High = PowerOfX(128 - 32);
  __m128i a = _mm_xor_si128(Load(p), _mm_cvtsi32_si128(static_cast<int>(r)));
  __m128i b = Load(p + 16);
  __m128i c = Load(p + 32);
  __m128i d = Load(p + 48);
  p += 64;
  size -= 64;
  const __m128i by64 =
      _mm_set_epi64x(static_cast<int64_t>(kFold64High), kFold64Low);
  while (size >= 64) {
    a = Fold(a, by64, Load(p));
    b = Fold(b, by64, Load(p + 16));
    c = Fold(c, by64, Load(p + 32));
    d = Fold(d, by64, Load(p + 48));
    p += 64;
    size -= 64;
  }
  const __m128i by16 =
      _mm_set_epi64x(static_cast<int64_t>(kFold16High), kFold16Low);
  a = Fold(a, by16, b);
  a = Fold(a, by16, c);
  a = Fold(a, by16, d);
  while (size >= 16) {
    a = Fold(a, by16, Load(p));
    p += 16;
    size -= 16;
  }
  uint8_t last[16];
  _mm_storeu_si128(reinterpret_cast<__m128i*>(last), a);
  r = UpdateByTables(0, last, sizeof(last));
  return UpdateByTables(r, p, size);
}

#endif  // defined(__x86_64__)

}  // namespace

uint32_t Crc32Portable(uint32_t crc, const void* data, size_t size) {
  return ~UpdateByTables(~crc, static_cast<const uint8_t*>(data), size);
}

uint32_t Crc32(uint32_t crc, const void* data, size_t size) {
#if defined(__x86_64__)
  if (size >= 64 && __builtin_cpu_supports("pclmul") &&
      __builtin_cpu_supports("sse4.1")) {
    return ~UpdateByFolding(~crc, static_cast<const uint8_t*>(data), size);
  }
#endif
  return Crc32Portable(crc, data, size);
}

}  // namespace tandem
