#include "tandem/serialization/files/crc32c.h"

#include <array>
#include <cstring>

#if defined(__x86_64__)
#include <nmmintrin.h>
#endif

namespace tandem {
namespace {

// Polynomials over GF(2), reflected: the highest bit is the coefficient of x^0.
constexpr uint32_t kPolynomial = 0x82F63B78;

constexpr uint32_t Times(uint32_t a, uint32_t b) {
  uint32_t product = 0;
  for (uint32_t bit = uint32_t{1} << 31; bit != 0; bit >>= 1) {
    if ((a & bit) != 0) product ^= b;
    b = (b & 1) != 0 ? (b >> 1) ^ kPolynomial : b >> 1;
  }
  return product;
}

// x^(8 * bytes): what appending so many zero bytes multiplies a CRC by.
constexpr uint32_t Power(size_t bytes) {
  uint32_t square = uint32_t{1} << 23;  // x^8
  uint32_t result = uint32_t{1} << 31;  // 1
  for (; bytes != 0; bytes >>= 1) {
    if ((bytes & 1) != 0) result = Times(result, square);
    square = Times(square, square);
  }
  return result;
}

using Table = std::array<uint32_t, 256>;

// tables[k][b]: byte b with k zero bytes after it.
constexpr std::array<Table, 8> MakeTables() {
  std::array<Table, 8> tables{};
  for (uint32_t b = 0; b < 256; ++b) {
    uint32_t crc = b;
    for (int k = 0; k < 8; ++k) {
      crc = (crc & 1) != 0 ? (crc >> 1) ^ kPolynomial : crc >> 1;
    }
    tables[0][b] = crc;
  }
  for (size_t k = 1; k < 8; ++k) {
    for (uint32_t b = 0; b < 256; ++b) {
      const uint32_t before = tables[k - 1][b];
      tables[k][b] = (before >> 8) ^ tables[0][before & 255];
    }
  }
  return tables;
}
constexpr std::array<Table, 8> kTables = MakeTables();

// shift[k][b]: byte k of a CRC times x^(8 * bytes).
constexpr std::array<Table, 4> MakeShift(size_t bytes) {
  std::array<Table, 4> shift{};
  const uint32_t power = Power(bytes);
  for (size_t k = 0; k < 4; ++k) {
    for (uint32_t bit = 0; bit < 8; ++bit) {
      shift[k][uint32_t{1} << bit] = Times(uint32_t{1} << (8 * k + bit), power);
    }
    for (uint32_t b = 1; b < 256; ++b) {
      const uint32_t low = b & (~b + 1);
      if (low != b) shift[k][b] = shift[k][low] ^ shift[k][b ^ low];
    }
  }
  return shift;
}

uint32_t Portable(uint32_t crc, const uint8_t* p, size_t size) {
  for (; size >= 8; p += 8, size -= 8) {
    uint64_t word;
    std::memcpy(&word, p, 8);  // little-endian, as all that tandem runs on
    word ^= crc;
    crc = 0;
    for (size_t k = 0; k < 8; ++k) {
      crc ^= kTables[7 - k][word >> (8 * k) & 255];
    }
  }
  for (; size > 0; ++p, --size) {
    crc = (crc >> 8) ^ kTables[0][(crc ^ *p) & 255];
  }
  return crc;
}

#if defined(__x86_64__)

// The instruction takes three cycles and one can begin in each, so three
// stretches run side by side and are put together at the end.
constexpr size_t kStretch = 4096;
constexpr std::array<Table, 4> kShift = MakeShift(kStretch);

uint32_t ShiftByStretch(uint32_t crc) {
  return kShift[0][crc & 255] ^ kShift[1][crc >> 8 & 255] ^
         kShift[2][crc >> 16 & 255] ^ kShift[3][crc >> 24];
}

__attribute__((target("sse4.2"))) uint32_t Hardware(uint32_t crc,
                                                    const uint8_t* p,
                                                    size_t size) {
  const auto word = [](const uint8_t* at) {
    uint64_t v;
    std::memcpy(&v, at, 8);
    return v;
  };
  while (size >= 3 * kStretch) {
    uint64_t a = crc, b = 0, c = 0;
    for (size_t i = 0; i < kStretch; i += 8) {
      a = _mm_crc32_u64(a, word(p + i));
      b = _mm_crc32_u64(b, word(p + kStretch + i));
      c = _mm_crc32_u64(c, word(p + 2 * kStretch + i));
    }
    crc = ShiftByStretch(static_cast<uint32_t>(a)) ^ static_cast<uint32_t>(b);
    crc = ShiftByStretch(crc) ^ static_cast<uint32_t>(c);
    p += 3 * kStretch;
    size -= 3 * kStretch;
  }
  uint64_t wide = crc;
  for (; size >= 8; p += 8, size -= 8) wide = _mm_crc32_u64(wide, word(p));
  crc = static_cast<uint32_t>(wide);
  for (; size > 0; ++p, --size) crc = _mm_crc32_u8(crc, *p);
  return crc;
}

#endif

}  // namespace

uint32_t Crc32cPortable(uint32_t crc, const void* data, size_t size) {
  return ~Portable(~crc, static_cast<const uint8_t*>(data), size);
}

uint32_t Crc32c(uint32_t crc, const void* data, size_t size) {
#if defined(__x86_64__)
  if (__builtin_cpu_supports("sse4.2")) {
    return ~Hardware(~crc, static_cast<const uint8_t*>(data), size);
  }
#endif
  return Crc32cPortable(crc, data, size);
}

}  // namespace tandem
