#include "tandem/backends/onednn/special_values.h"

#include <algorithm>
#include <cstring>

#include "absl/strings/match.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace tandem::onednn {
namespace {

constexpr int32_t kMagnitude = 0x7fffffff;
constexpr int32_t kInfinityBits = 0x7f800000;

// The largest of the elements' bits without their signs: those of NaN are above
// infinity's.
int32_t LargestBits(const float* x, int64_t n) {
  int32_t largest = 0;
  for (int64_t i = 0; i < n; ++i) {
    int32_t bits;
    std::memcpy(&bits, x + i, sizeof(bits));
    largest = std::max(largest, bits & kMagnitude);
  }
  return largest;
}

#if defined(__x86_64__)
__attribute__((target("avx2"))) int32_t LargestBits256(const float* x,
                                                       int64_t n) {
  const __m256i magnitude = _mm256_set1_epi32(kMagnitude);
  __m256i a = _mm256_setzero_si256(), b = a;
  const auto* p = reinterpret_cast<const __m256i*>(x);
  int64_t i = 0;
  for (; i + 16 <= n; i += 16, p += 2) {
    a = _mm256_max_epi32(a, _mm256_and_si256(_mm256_loadu_si256(p), magnitude));
    b = _mm256_max_epi32(
        b, _mm256_and_si256(_mm256_loadu_si256(p + 1), magnitude));
  }
  int32_t lanes[8];
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(lanes),
                      _mm256_max_epi32(a, b));
  return std::max(*std::max_element(lanes, lanes + 8),
                  LargestBits(x + i, n - i));
}
#endif

}  // namespace

Special WorstOf(const float* x, int64_t n) {
#if defined(__x86_64__)
  const int32_t largest =
      __builtin_cpu_supports("avx2") ? LargestBits256(x, n) : LargestBits(x, n);
#else
  const int32_t largest = LargestBits(x, n);
#endif
  if (largest > kInfinityBits) return Special::kNan;
  return largest == kInfinityBits ? Special::kInfinity : Special::kNone;
}

Special WorstOf(const Tensor& t) {
  if (!t.defined() || t.dtype() != DType::kFloat || t.numel() == 0) {
    return Special::kNone;
  }
  int64_t last = 0;
  for (int64_t i = 0; i < t.dim(); ++i) {
    last += (t.size(i) - 1) * t.strides()[i];
  }
  return WorstOf(reinterpret_cast<const float*>(t.raw_data()), last + 1);
}

bool LosesNan(const Node& n) {
  for (const char* name :
       {"aten::relu", "aten::relu6", "aten::hardtanh", "aten::hardsigmoid"}) {
    if (n.Is(name)) return true;
  }
  return n.op() != nullptr &&
         (absl::StartsWith(n.op()->schema.name, "aten::clamp") ||
          absl::StartsWith(n.op()->schema.name, "aten::max_pool"));
}

bool TakesMasks(const Node& n) {
  return n.Is("aten::softmax") || n.Is("aten::log_softmax") ||
         n.Is("aten::_softmax") || n.Is("aten::_log_softmax") ||
         n.Is("aten::scaled_dot_product_attention");
}

}  // namespace tandem::onednn
