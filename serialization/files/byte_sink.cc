#include "tandem/serialization/files/byte_sink.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include <cstdio>
#include <utility>

#include "absl/strings/str_cat.h"

namespace tandem {
namespace {

class StringSink final : public ByteSink {
 public:
  explicit StringSink(std::string* out) : out_(out) {}
  absl::Status Write(absl::Span<const uint8_t> bytes) override {
    out_->append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    return absl::OkStatus();
  }
  absl::Status Overwrite(uint64_t offset,
                         absl::Span<const uint8_t> bytes) override {
    out_->replace(offset, bytes.size(),
                  reinterpret_cast<const char*>(bytes.data()), bytes.size());
    return absl::OkStatus();
  }
  absl::Status Commit() override { return absl::OkStatus(); }

 private:
  std::string* const out_;
};

class FileSink final : public ByteSink {
 public:
  FileSink(std::string path, std::string temporary, int fd)
      : path_(std::move(path)), temporary_(std::move(temporary)), fd_(fd) {}

  ~FileSink() override {
    if (fd_ >= 0) close(fd_);
    if (!committed_) unlink(temporary_.c_str());
  }

  absl::Status Write(absl::Span<const uint8_t> bytes) override {
    while (!bytes.empty()) {
      const ssize_t n = write(fd_, bytes.data(), bytes.size());
      if (n < 0) {
        if (errno == EINTR) continue;
        return Failed("cannot write");
      }
      bytes.remove_prefix(static_cast<size_t>(n));
    }
    return absl::OkStatus();
  }

  absl::Status Overwrite(uint64_t offset,
                         absl::Span<const uint8_t> bytes) override {
    while (!bytes.empty()) {
      const ssize_t n =
          pwrite(fd_, bytes.data(), bytes.size(), static_cast<off_t>(offset));
      if (n < 0) {
        if (errno == EINTR) continue;
        return Failed("cannot write");
      }
      bytes.remove_prefix(static_cast<size_t>(n));
      offset += static_cast<uint64_t>(n);
    }
    return absl::OkStatus();
  }

  absl::Status Commit() override {
    if (fsync(fd_) != 0) return Failed("cannot write to the disk");
    const int fd = std::exchange(fd_, -1);
    if (close(fd) != 0) return Failed("cannot close");
    if (rename(temporary_.c_str(), path_.c_str()) != 0) {
      return Failed("cannot put the new file in place");
    }
    committed_ = true;
    // The name must last as well as the content.
    const size_t slash = path_.rfind('/');
    const std::string folder = slash == std::string::npos ? "."
                               : slash == 0               ? "/"
                                            : path_.substr(0, slash);
    const int folder_fd = open(folder.c_str(), O_RDONLY | O_CLOEXEC);
    if (folder_fd >= 0) {
      fsync(folder_fd);
      close(folder_fd);
    }
    return absl::OkStatus();
  }

 private:
  absl::Status Failed(absl::string_view what) const {
    char text[128];
    return absl::UnavailableError(absl::StrCat(
        path_, ": ", what, ": ", strerror_r(errno, text, sizeof(text))));
  }

  const std::string path_, temporary_;
  int fd_;
  bool committed_ = false;
};

}  // namespace

absl::StatusOr<std::unique_ptr<ByteSink>> CreateFileSink(
    const std::string& path) {
  // A name that nobody has; two writers of one path must not meet.
  for (int attempt = 0; attempt < 100; ++attempt) {
    std::string temporary =
        absl::StrCat(path, ".", getpid(), ".", attempt, ".tmp");
    const int fd =
        open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (fd >= 0) {
      return std::unique_ptr<ByteSink>(
          new FileSink(path, std::move(temporary), fd));
    }
    if (errno != EEXIST) break;
  }
  char text[128];
  return absl::UnavailableError(
      absl::StrCat(path, ": cannot make a file beside it: ",
                   strerror_r(errno, text, sizeof(text))));
}

std::unique_ptr<ByteSink> CreateStringSink(std::string* out) {
  return std::make_unique<StringSink>(out);
}

}  // namespace tandem
