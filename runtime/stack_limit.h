// How far down the calling thread's stack programs may go.
#ifndef TANDEM_RUNTIME_STACK_LIMIT_H_
#define TANDEM_RUNTIME_STACK_LIMIT_H_

#include <cstdint>

namespace tandem {

// The lowest address that a nested call may still start at: a part of the
// stack is left for kernels and for unwinding. 0 where the stack's bounds are
// not known. Asked of the system once per thread.
uintptr_t LowestStackAddress();

// Is the stack of this thread nearly used up? Recursion of programs must end
// in an error on a thread with a small stack as well as on a large one.
inline bool StackIsLow() {
  return reinterpret_cast<uintptr_t>(__builtin_frame_address(0)) <
         LowestStackAddress();
}

}  // namespace tandem

#endif  // TANDEM_RUNTIME_STACK_LIMIT_H_
