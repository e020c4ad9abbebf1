// The checksum of model.tandem's records.
#ifndef TANDEM_SERIALIZATION_FILES_CRC32C_H_
#define TANDEM_SERIALIZATION_FILES_CRC32C_H_

#include <cstddef>
#include <cstdint>

namespace tandem {

// CRC-32C (Castagnoli, reflected, as iSCSI and ext4 have it), continued from
// `crc`; begin with 0. Runs at memory speed where the processor has SSE4.2
// (looked for at run time), with tables elsewhere. Finds every error of up to
// three bits in a record and every burst of up to 32.
uint32_t Crc32c(uint32_t crc, const void* data, size_t size);

// The table form alone, for comparison in tests.
uint32_t Crc32cPortable(uint32_t crc, const void* data, size_t size);

}  // namespace tandem

#endif  // TANDEM_SERIALIZATION_FILES_CRC32C_H_
