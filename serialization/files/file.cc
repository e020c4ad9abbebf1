#include "tandem/serialization/files/file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <utility>

#include "absl/cleanup/cleanup.h"
#include "absl/status/status.h"
#include "absl/strings/str_cat.h"

namespace tandem {
namespace {

absl::Status SystemError(const std::string& path, absl::string_view what,
                         int error) {
  char text[128];
  // The GNU form of strerror_r: may answer with a constant of its own.
  const char* words = strerror_r(error, text, sizeof(text));
  const std::string message = absl::StrCat(path, ": ", what, ": ", words);
  return error == ENOENT ? absl::NotFoundError(message)
         : error == EACCES || error == EPERM
             ? absl::PermissionDeniedError(message)
             : absl::UnavailableError(message);
}

absl::string_view KindOfFile(mode_t mode) {
  if (S_ISDIR(mode)) return "a folder";
  if (S_ISFIFO(mode)) return "a pipe";
  if (S_ISSOCK(mode)) return "a socket";
  return "a device";
}

}  // namespace

absl::StatusOr<std::shared_ptr<File>> File::Open(const std::string& path) {
  if (path.find('\0') != std::string::npos) {
    return absl::InvalidArgumentError("the file's name holds a NUL");
  }
  // O_NONBLOCK: opening a pipe must not wait for its writer.
  const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (fd < 0) return SystemError(path, "cannot open the file", errno);
  const auto close_fd = absl::MakeCleanup([fd] { close(fd); });
  struct stat info;
  if (fstat(fd, &info) != 0) {
    return SystemError(path, "cannot examine the file", errno);
  }
  if (!S_ISREG(info.st_mode)) {
    return absl::InvalidArgumentError(
        absl::StrCat(path, ": is ", KindOfFile(info.st_mode),
                     ", not a file that holds an archive"));
  }
  std::shared_ptr<File> file(new File());
  file->name_ = path;
  file->size_ = static_cast<size_t>(info.st_size);
  if (file->size_ == 0) return file;
  void* address = mmap(nullptr, file->size_, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_NORESERVE, fd, 0);
  if (address == MAP_FAILED) {
    return SystemError(path, "cannot map the file into memory", errno);
  }
  file->data_ = static_cast<uint8_t*>(address);
  file->mapped_ = true;
  return file;
}

std::shared_ptr<File> File::FromBuffer(std::string name, std::string bytes) {
  std::shared_ptr<File> file(new File());
  file->name_ = std::move(name);
  file->buffer_ = std::move(bytes);
  file->size_ = file->buffer_.size();
  if (file->size_ > 0) {
    file->data_ = reinterpret_cast<uint8_t*>(&file->buffer_[0]);
  }
  return file;
}

File::~File() {
  if (mapped_) munmap(data_, size_);
}

}  // namespace tandem
