// Damaged files for tests.
#ifndef TANDEM_SERIALIZATION_TANDEM_TEST_FILE_H_
#define TANDEM_SERIALIZATION_TANDEM_TEST_FILE_H_

#include <string>

namespace tandem::testing {

// The bytes with lengths and checksums of header and index made right again
// (not those of records), so that what else is wrong is met. What is too short
// for a header gets one before it.
std::string Resigned(std::string bytes);

}  // namespace tandem::testing

#endif  // TANDEM_SERIALIZATION_TANDEM_TEST_FILE_H_
