// What every generated kernel starts with: types, conversions and the functions
// that the expressions of operators.inc use.
#ifndef TANDEM_BACKENDS_CUDA_PRELUDE_H_
#define TANDEM_BACKENDS_CUDA_PRELUDE_H_

#include "absl/strings/string_view.h"

namespace tandem::cuda {

// CUDA C++ that needs no header. With TANDEM_HOST defined it is C++17 for the
// host, where a test runs the same kernels, thread by thread: a kernel is then
// `extern "C" void tandem_kernel(const void* args)`, and indices, barriers and
// atomics come through tandem_host.
//
// A source names, after the prelude, `struct Args` (the kernel's one parameter)
// and defines TANDEM_KERNEL(Args) { … args … }.
absl::string_view Prelude();

}  // namespace tandem::cuda

#endif  // TANDEM_BACKENDS_CUDA_PRELUDE_H_
