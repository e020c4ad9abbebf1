#include "tandem/tensor/file_pages.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <vector>

namespace tandem {
namespace {

constexpr size_t kSmall = 64 << 10;

// /proc/self/pagemap has 64 bits a page (Linux, admin-guide/mm/pagemap).
constexpr uint64_t kPresent = uint64_t{1} << 63;
constexpr uint64_t kOfFile = uint64_t{1} << 61;

class PageMap {
 public:
  PageMap() : fd_(open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC)) {}
  ~PageMap() {
    if (fd_ >= 0) close(fd_);
  }
  // The entries of `count` pages from page `first`; fewer when it ends.
  void Read(uintptr_t first, size_t count, std::vector<uint64_t>* entries) {
    entries->resize(count);
    const ssize_t got =
        fd_ < 0 ? 0
                : pread(fd_, entries->data(), count * sizeof(uint64_t),
                        static_cast<off_t>(first * sizeof(uint64_t)));
    entries->resize(got < 0 ? 0 : static_cast<size_t>(got) / sizeof(uint64_t));
  }

 private:
  const int fd_;
};

}  // namespace

size_t ReleaseFilePages(const Tensor& tensor) {
  if (!tensor.defined() || tensor.impl()->storage == nullptr) return 0;
  const Storage& storage = *tensor.impl()->storage;
  // Dense tensors only: a view with gaps may have others' bytes between.
  const size_t bytes =
      static_cast<size_t>(tensor.numel()) * ElementSize(tensor.dtype());
  if (bytes < kSmall || storage.data() == nullptr ||
      !tensor.device().is_cpu() || !tensor.is_non_overlapping_and_dense()) {
    return 0;
  }
  const uintptr_t page = static_cast<uintptr_t>(sysconf(_SC_PAGESIZE));
  const uintptr_t address = reinterpret_cast<uintptr_t>(tensor.raw_data());
  const uintptr_t first = (address + page - 1) / page;
  const uintptr_t end = (address + bytes) / page;
  PageMap map;
  std::vector<uint64_t> entries;
  size_t released = 0;
  constexpr size_t kStep = 4096;
  for (uintptr_t at = first; at < end; at += kStep) {
    map.Read(at, std::min<size_t>(kStep, end - at), &entries);
    const auto is_of_file = [&](size_t i) {
      return (entries[i] & (kPresent | kOfFile)) == (kPresent | kOfFile);
    };
    for (size_t i = 0; i < entries.size();) {
      size_t next = i;
      while (next < entries.size() && is_of_file(next)) ++next;
      if (next == i) {
        ++i;
        continue;
      }
      if (madvise(reinterpret_cast<void*>((at + i) * page), (next - i) * page,
                  MADV_DONTNEED) == 0) {
        released += (next - i) * page;
      }
      i = next;
    }
  }
  return released;
}

}  // namespace tandem
