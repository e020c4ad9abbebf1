#include "tandem/backends/reference/index.h"

#include "tandem/backends/reference/families.h"

namespace tandem::reference {
namespace {

// First byte of a tensor in its storage, and the one after the last.
std::pair<int64_t, int64_t> BytesOf(const Tensor& t) {
  const int64_t size = ElementSize(t.dtype());
  int64_t last = t.offset();
  for (int64_t d = 0; d < t.dim(); ++d) last += (t.size(d) - 1) * t.stride(d);
  return {t.offset() * size, (last + 1) * size};
}

}  // namespace

absl::Status CheckApart(const Tensor& out, const Tensor& input) {
  if (out.numel() == 0 || input.numel() == 0 ||
      out.storage().get() != input.storage().get()) {
    return absl::OkStatus();
  }
  const auto [a, a_end] = BytesOf(out);
  const auto [b, b_end] = BytesOf(input);
  if (a_end <= b || b_end <= a) return absl::OkStatus();
  return absl::InvalidArgumentError(
      "unsupported operation: some elements of the input tensor and the "
      "written-to tensor refer to a single memory location. Please clone() the "
      "tensor before performing the operation.");
}

absl::Status RegisterIndex(Registry& registry) {
  KernelRegistrar r(registry, "reference");
  AddIndexAdvanced(r);
  AddIndexAlong(r);
  AddIndexCount(r);
  AddIndexEmbedding(r);
  AddIndexMask(r);
  AddIndexScatter(r);
  AddIndexSearch(r);
  AddIndexUnique(r);
  return r.status();
}

}  // namespace tandem::reference
