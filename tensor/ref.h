// Shared ownership by a count inside the object.
#ifndef TANDEM_TENSOR_REF_H_
#define TANDEM_TENSOR_REF_H_

#include <atomic>
#include <cstdint>
#include <utility>

namespace tandem {

// Base of shared heap objects. Counting is thread-safe.
//
// Freeing never recurses deeply: an object that dies while others are being
// freed on this thread waits in a queue once the nesting passes a bound, so a
// list of a million linked nodes is freed in constant stack.
class RefCounted {
 public:
  RefCounted() = default;
  RefCounted(const RefCounted&) = delete;
  RefCounted& operator=(const RefCounted&) = delete;

  void Retain() const { count_.fetch_add(1, std::memory_order_relaxed); }
  void Release() const {
    // The sole owner needs no locked instruction.
    if (count_.load(std::memory_order_acquire) == 1 ||
        count_.fetch_sub(1, std::memory_order_acq_rel) == 1) {
      Free();
    }
  }
  bool unique() const { return count_.load(std::memory_order_acquire) == 1; }
  uint32_t use_count() const { return count_.load(std::memory_order_relaxed); }

 protected:
  virtual ~RefCounted() = default;
  // Deletes the object; classes with pooled memory override it.
  virtual void Dispose() { delete this; }

 private:
  void Free() const;
  friend class Graveyard;

  mutable std::atomic<uint32_t> count_{1};
};

// Owns one count of a RefCounted object, or nothing.
template <typename T>
class Ref {
 public:
  Ref() = default;
  Ref(std::nullptr_t) {}  // NOLINT
  // Takes over the count that a new object starts with.
  static Ref Adopt(T* p) {
    Ref r;
    r.p_ = p;
    return r;
  }
  // Adds a count.
  static Ref Share(T* p) {
    if (p != nullptr) p->Retain();
    return Adopt(p);
  }
  Ref(const Ref& o) : p_(o.p_) {
    if (p_ != nullptr) p_->Retain();
  }
  Ref(Ref&& o) noexcept : p_(std::exchange(o.p_, nullptr)) {}
  template <typename U,
            typename = std::enable_if_t<std::is_convertible_v<U*, T*>>>
  Ref(Ref<U> o) : p_(o.Leak()) {}  // NOLINT
  Ref& operator=(Ref o) noexcept {
    std::swap(p_, o.p_);
    return *this;
  }
  ~Ref() {
    if (p_ != nullptr) p_->Release();
  }

  T* get() const { return p_; }
  T& operator*() const { return *p_; }
  T* operator->() const { return p_; }
  explicit operator bool() const { return p_ != nullptr; }
  bool operator==(const Ref& o) const { return p_ == o.p_; }
  bool operator!=(const Ref& o) const { return p_ != o.p_; }
  // Gives the count to the caller.
  T* Leak() { return std::exchange(p_, nullptr); }

 private:
  T* p_ = nullptr;
};

template <typename T, typename... Args>
Ref<T> MakeRef(Args&&... args) {
  return Ref<T>::Adopt(new T(std::forward<Args>(args)...));
}

}  // namespace tandem

#endif  // TANDEM_TENSOR_REF_H_
