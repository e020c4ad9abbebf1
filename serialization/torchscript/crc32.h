#ifndef TANDEM_SERIALIZATION_TORCHSCRIPT_CRC32_H_
#define TANDEM_SERIALIZATION_TORCHSCRIPT_CRC32_H_

#include <cstddef>
#include <cstdint>

namespace tandem {

// The CRC-32 of zip files (IEEE 802.3, reflected), continued from `crc`; begin
// with 0. Runs near memory speed where the processor multiplies without carry
// (PCLMULQDQ, looked for at run time), with tables elsewhere.
uint32_t Crc32(uint32_t crc, const void* data, size_t size);

// The table form alone, for comparison in tests.
uint32_t Crc32Portable(uint32_t crc, const void* data, size_t size);

}  // namespace tandem

#endif  // TANDEM_SERIALIZATION_TORCHSCRIPT_CRC32_H_
