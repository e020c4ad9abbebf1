// Memory of mapped files that nobody needs just now.
#ifndef TANDEM_TENSOR_FILE_PAGES_H_
#define TANDEM_TENSOR_FILE_PAGES_H_

#include <cstddef>

#include "tandem/tensor/tensor.h"

namespace tandem {

// Gives back the pages under the tensor that are in memory and as the file has
// them; whoever reads them later gets them from the file again. Pages that were
// written to, and memory that is no mapped file's, stay. For weights that were
// just copied into a layout of somebody's own: a program would hold them twice.
// The caller knows that nothing writes to the tensor meanwhile. Returns bytes
// given back; 0 for tensors under 64 KiB, and where the system does not say
// what a page is.
size_t ReleaseFilePages(const Tensor& tensor);

}  // namespace tandem

#endif  // TANDEM_TENSOR_FILE_PAGES_H_
