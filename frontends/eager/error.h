// What eager functions throw.
#ifndef TANDEM_FRONTENDS_EAGER_ERROR_H_
#define TANDEM_FRONTENDS_EAGER_ERROR_H_

#include <exception>
#include <string>
#include <type_traits>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace tandem {

// A Status as an exception; what() is its message alone.
class Error : public std::exception {
 public:
  explicit Error(absl::Status status)
      : status_(std::move(status)), message_(status_.message()) {}
  const absl::Status& status() const { return status_; }
  const char* what() const noexcept override { return message_.c_str(); }

 private:
  absl::Status status_;
  std::string message_;
};

namespace eager {

[[noreturn]] void Throw(absl::Status status);
// An InvalidArgumentError.
[[noreturn]] void Throw(absl::string_view message);

inline void ThrowIfError(absl::Status status) {
  if (!status.ok()) Throw(std::move(status));
}
template <typename T>
T Unwrap(absl::StatusOr<T> value) {
  if (!value.ok()) Throw(std::move(value).status());
  return *std::move(value);
}

// Runs `f` and gives what it threw as a Status: eager code inside functions
// that return Status.
//
//   absl::StatusOr<Tensor> y = Try([&] { return (x + 1).relu(); });
template <typename F>
auto Try(F&& f) {
  using R = decltype(f());
  if constexpr (std::is_void_v<R>) {
    try {
      f();
    } catch (const Error& e) {
      return e.status();
    }
    return absl::OkStatus();
  } else {
    try {
      return absl::StatusOr<R>(f());
    } catch (const Error& e) {
      return absl::StatusOr<R>(e.status());
    }
  }
}

}  // namespace eager
}  // namespace tandem

#endif  // TANDEM_FRONTENDS_EAGER_ERROR_H_
