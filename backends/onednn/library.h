// The oneDNN library, opened when it is first needed.
//
// It is not linked: a program that never meets a convolution does not pay for
// 40 MB of relocations, runs where the library is not installed, and libgomp,
// whose waiting threads would spin for milliseconds on cores that others need,
// can be told otherwise before it starts.
#ifndef TANDEM_BACKENDS_ONEDNN_LIBRARY_H_
#define TANDEM_BACKENDS_ONEDNN_LIBRARY_H_

#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "dnnl.h"

namespace tandem::onednn {

// libgomp reads its settings once, when it is loaded: how long waiting threads
// spin is set for this time. Settings of the user, or a libgomp that the
// program has already, are left alone. Load has one of its own.
class ScopedSpinCount {
 public:
  ScopedSpinCount();
  ~ScopedSpinCount();
  ScopedSpinCount(const ScopedSpinCount&) = delete;
  ScopedSpinCount& operator=(const ScopedSpinCount&) = delete;

 private:
  bool set_ = false;
};

#define TANDEM_ONEDNN_FUNCTIONS(X)                     \
  X(batch_normalization_forward_primitive_desc_create) \
  X(binary_primitive_desc_create)                      \
  X(concat_primitive_desc_create)                      \
  X(convolution_forward_primitive_desc_create)         \
  X(deconvolution_forward_primitive_desc_create)       \
  X(eltwise_forward_primitive_desc_create)             \
  X(engine_create)                                     \
  X(engine_destroy)                                    \
  X(gru_forward_primitive_desc_create)                 \
  X(inner_product_forward_primitive_desc_create)       \
  X(layer_normalization_forward_primitive_desc_create) \
  X(lbr_gru_forward_primitive_desc_create)             \
  X(lstm_forward_primitive_desc_create)                \
  X(matmul_primitive_desc_create)                      \
  X(memory_create)                                     \
  X(memory_desc_create_submemory)                      \
  X(memory_desc_create_with_strides)                   \
  X(memory_desc_create_with_tag)                       \
  X(memory_desc_destroy)                               \
  X(memory_desc_equal)                                 \
  X(memory_desc_get_size)                              \
  X(memory_desc_permute_axes)                          \
  X(memory_desc_query)                                 \
  X(memory_desc_reshape)                               \
  X(memory_destroy)                                    \
  X(memory_set_data_handle)                            \
  X(pooling_forward_primitive_desc_create)             \
  X(post_ops_append_binary)                            \
  X(post_ops_append_eltwise)                           \
  X(post_ops_append_sum)                               \
  X(post_ops_create)                                   \
  X(post_ops_destroy)                                  \
  X(prelu_forward_primitive_desc_create)               \
  X(primitive_attr_create)                             \
  X(primitive_attr_destroy)                            \
  X(primitive_attr_set_fpmath_mode)                    \
  X(primitive_attr_set_post_ops)                       \
  X(primitive_attr_set_scales_mask)                    \
  X(primitive_attr_set_scratchpad_mode)                \
  X(primitive_attr_set_zero_points_mask)               \
  X(primitive_create)                                  \
  X(primitive_desc_destroy)                            \
  X(primitive_desc_next_impl)                          \
  X(primitive_desc_query)                              \
  X(primitive_desc_query_md)                           \
  X(primitive_destroy)                                 \
  X(primitive_execute)                                 \
  X(reduction_primitive_desc_create)                   \
  X(reorder_primitive_desc_create)                     \
  X(resampling_forward_primitive_desc_create)          \
  X(softmax_forward_primitive_desc_create)             \
  X(stream_create)                                     \
  X(stream_destroy)                                    \
  X(vanilla_rnn_forward_primitive_desc_create)         \
  X(version)

// The functions by their names without "dnnl_", and one CPU engine. Thread-safe
// once loaded; never unloaded (threads of its teams may still be there).
class Library {
 public:
  // Opens `path`, or, when empty, what TANDEM_ONEDNN_LIBRARY names, the
  // libdnnl.so.3 beside the executable or in its runfiles, or the system's.
  // Error: not found (with all that was tried), or not oneDNN 3.
  static absl::StatusOr<std::shared_ptr<const Library>> Load(
      const std::string& path);
  ~Library();
  Library(const Library&) = delete;
  Library& operator=(const Library&) = delete;

#define TANDEM_ONEDNN_MEMBER(f) decltype(&dnnl_##f) f = nullptr;
  TANDEM_ONEDNN_FUNCTIONS(TANDEM_ONEDNN_MEMBER)
#undef TANDEM_ONEDNN_MEMBER

  dnnl_engine_t engine() const { return engine_; }
  const std::string& path() const { return path_; }

  // Sets how many threads the calling thread's primitives use (OpenMP keeps
  // that number per thread), for a scope.
  class ScopedThreads {
   public:
    ScopedThreads(const Library& library, int threads);
    ~ScopedThreads();
    ScopedThreads(const ScopedThreads&) = delete;
    ScopedThreads& operator=(const ScopedThreads&) = delete;

   private:
    const Library& library_;
    const int previous_, threads_;
  };

 private:
  Library() = default;
  absl::Status Bind(void* handle);

  std::string path_;
  dnnl_engine_t engine_ = nullptr;
  int (*omp_get_max_threads_)() = nullptr;
  void (*omp_set_num_threads_)(int) = nullptr;
};

}  // namespace tandem::onednn

#endif  // TANDEM_BACKENDS_ONEDNN_LIBRARY_H_
