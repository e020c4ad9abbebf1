#include "tandem/backends/cuda/gemm.h"

#include <algorithm>
#include <numeric>

#include "absl/strings/str_cat.h"
#include "tandem/backends/cuda/loops.h"
#include "tandem/backends/cuda/prelude.h"
#include "tandem/tensor/status_macros.h"

namespace tandem::cuda {
namespace {

constexpr size_t kWorkspaceBytes = size_t{32} << 20;

// A matrix of a batch as it lies: element (i, j) at i * row + j * col.
struct Matrix {
  DevicePointer at = 0;
  int64_t row = 0, col = 0, batch = 0;
};

Matrix Of(const Tensor& t) {
  return {AddressOf(t), t.stride(1), t.stride(2),
          t.size(0) == 1 ? 0 : t.stride(0)};
}

// ---- The generated kernel

struct GemmArgs {
  DevicePointer a, b, c, bias;
  int64_t batch, m, n, k;
  int64_t a_row, a_col, a_batch, b_row, b_col, b_batch;
  Slot params[3];
};

// A thread an element, tiles of both factors in shared memory.
constexpr char kGemmKernel[] = R"(
struct Args {
  const E* a; const E* b; E* c; const E* bias;
  i64 batch, m, n, k, a_row, a_col, a_batch, b_row, b_col, b_batch;
  Slot params[3];
};
TANDEM_KERNEL(Args) {
  __shared__ T as[SIDE][SIDE + 1];
  __shared__ T bs[SIDE][SIDE + 1];
  const int r = threadIdx.x / SIDE, q = threadIdx.x % SIDE;
  const i64 down = (args.m + SIDE - 1) / SIDE, across = (args.n + SIDE - 1) / SIDE;
  for (i64 tile = blockIdx.x; tile < args.batch * down * across;
       tile += gridDim.x) {
    const i64 e = tile / (down * across);
    const i64 i = tile / across % down * SIDE + r, j = tile % across * SIDE + q;
    const E* a = args.a + e * args.a_batch;
    const E* b = args.b + e * args.b_batch;
    T sum = 0;
    for (i64 first = 0; first < args.k; first += SIDE) {
      as[r][q] = i < args.m && first + q < args.k
          ? Cast<T, E>::Of(a[i * args.a_row + (first + q) * args.a_col]) : (T)0;
      bs[r][q] = j < args.n && first + r < args.k
          ? Cast<T, E>::Of(b[(first + r) * args.b_row + j * args.b_col]) : (T)0;
      __syncthreads();
      for (int l = 0; l < SIDE; ++l) sum += as[r][l] * bs[l][q];
      __syncthreads();
    }
    if (i < args.m && j < args.n) {
      E* c = args.c + (e * args.m + i) * args.n + j;
      T v = sum * p(0);
      if (p(1) != 0) v += p(1) * Cast<T, E>::Of(*c);
      if (args.bias) v += Cast<T, E>::Of(args.bias[j]);
      *c = Cast<E, T>::Of(v);
    }
  }
}
)";

absl::Status GeneratedGemm(Gpu& gpu, const Tensor& a, const Tensor& b,
                           const Tensor& c, const Tensor& bias, double alpha,
                           double beta) {
  const Matrix x = Of(a), y = Of(b);
  int side = 16;
  while (side * side > gpu.block_size()) side /= 2;
  GemmArgs args = {x.at,
                   y.at,
                   AddressOf(c),
                   bias.defined() ? AddressOf(bias) : 0,
                   c.size(0),
                   c.size(1),
                   c.size(2),
                   a.size(2),
                   x.row,
                   x.col,
                   x.batch,
                   y.row,
                   y.col,
                   y.batch,
                   {}};
  args.params[0] = Slot::Of(Scalar(alpha));
  args.params[1] = Slot::Of(Scalar(beta));
  const std::string key = absl::StrCat("gemm|", static_cast<int>(c.dtype()));
  TANDEM_ASSIGN_OR_RETURN(const Kernel* kernel, gpu.FindKernel(key, [&] {
    return absl::StrCat(Prelude(), "typedef ", CodeType(c.dtype()),
                        " E;\ntypedef ", CodeType(ComputeType(c.dtype())),
                        " T;\n#define SIDE ", side, "\n", kGemmKernel);
  }));
  const int64_t tiles =
      args.batch * ((args.m + side - 1) / side) * ((args.n + side - 1) / side);
  return gpu.Launch(*kernel, std::min<int64_t>(tiles, 1 << 30), side * side,
                    &args);
}

// ---- cuBLASLt

// A matrix that cuBLASLt reads by columns: `transposed` is its element (i, j)
// at i + j * stride of the transpose.
struct Stored {
  bool by_rows = true;  // stride(2) == 1
  int64_t stride = 0;   // of the other dim
};
bool StoredAs(const Tensor& t, Stored* s) {
  const int64_t rows = t.size(1), cols = t.size(2);
  if (t.stride(2) == 1 || cols == 1) {
    const int64_t stride = rows == 1 ? std::max<int64_t>(cols, 1) : t.stride(1);
    if ((cols > 1 || t.stride(2) == 1) && stride >= cols) {
      *s = {true, stride};
      return true;
    }
  }
  if (t.stride(1) == 1 || rows == 1) {
    const int64_t stride = cols == 1 ? std::max<int64_t>(rows, 1) : t.stride(2);
    if ((rows > 1 || t.stride(1) == 1) && stride >= rows) {
      *s = {false, stride};
      return true;
    }
  }
  return false;
}

int TypeOf(DType dtype) {
  switch (dtype) {
    case DType::kDouble:
      return kReal64F;
    case DType::kHalf:
      return kReal16F;
    case DType::kBFloat16:
      return kReal16BF;
    default:
      return kReal32F;
  }
}

// Alignment that an address and what is added to it have.
uint32_t AlignmentOf(DevicePointer at, int64_t stride_bytes) {
  uint32_t a = 256;
  while (a > 1 && (at % a != 0 || stride_bytes % a != 0)) a /= 2;
  return a;
}

// Descriptors for the time of a call.
class Descriptors {
 public:
  explicit Descriptors(const CublasLt& blas) : blas_(blas) {}
  ~Descriptors() {
    if (desc != nullptr) blas_.DescDestroy(desc);
    for (MatrixLayout l : {a, b, c}) {
      if (l != nullptr) blas_.LayoutDestroy(l);
    }
    if (preference != nullptr) blas_.PreferenceDestroy(preference);
  }
  MatmulDesc desc = nullptr;
  MatrixLayout a = nullptr, b = nullptr, c = nullptr;
  MatmulPreference preference = nullptr;

 private:
  const CublasLt& blas_;
};

// Row-major c = a x b is, by columns, c' = b' x a'.
absl::Status BlasGemm(Gpu& gpu, const CublasLt& blas, const Tensor& a,
                      const Stored& sa, const Tensor& b, const Stored& sb,
                      const Tensor& c, const Tensor& bias, double alpha,
                      double beta) {
  const int64_t batch = c.size(0), m = c.size(1), n = c.size(2), k = a.size(2);
  const DType dtype = c.dtype();
  const int type = TypeOf(dtype);
  const bool wide = dtype == DType::kDouble;
  int compute = wide ? kCompute64F : kCompute32F;
  if (dtype == DType::kFloat && gpu.runtime().options().matmul_tf32) {
    compute = kCompute32FFastTF32;
  }
  TANDEM_ASSIGN_OR_RETURN(const CublasLtHandle handle, gpu.BlasHandle());
  Descriptors d(blas);
  TANDEM_RETURN_IF_ERROR(CheckBlas(
      blas, blas.DescCreate(&d.desc, compute, wide ? kReal64F : kReal32F),
      "cublasLtMatmulDescCreate"));
  const auto set = [&](int attribute, const void* value, size_t bytes) {
    return CheckBlas(blas, blas.DescSet(d.desc, attribute, value, bytes),
                     "cublasLtMatmulDescSetAttribute");
  };
  // Stored by rows, a matrix is by columns its transpose, which is wanted.
  const int op_first = sb.by_rows ? kOpN : kOpT;
  const int op_second = sa.by_rows ? kOpN : kOpT;
  TANDEM_RETURN_IF_ERROR(set(kDescTransA, &op_first, sizeof(int)));
  TANDEM_RETURN_IF_ERROR(set(kDescTransB, &op_second, sizeof(int)));
  if (bias.defined()) {
    const uint32_t epilogue = kEpilogueBias;
    const DevicePointer at = AddressOf(bias);
    TANDEM_RETURN_IF_ERROR(set(kDescEpilogue, &epilogue, sizeof(epilogue)));
    TANDEM_RETURN_IF_ERROR(set(kDescBiasPointer, &at, sizeof(at)));
  }
  const auto layout = [&](MatrixLayout* l, int64_t rows, int64_t cols,
                          int64_t stride,
                          int64_t batch_stride) -> absl::Status {
    TANDEM_RETURN_IF_ERROR(
        CheckBlas(blas,
                  blas.LayoutCreate(l, type, static_cast<uint64_t>(rows),
                                    static_cast<uint64_t>(cols), stride),
                  "cublasLtMatrixLayoutCreate"));
    if (batch == 1) return absl::OkStatus();
    const int32_t count = static_cast<int32_t>(batch);
    TANDEM_RETURN_IF_ERROR(CheckBlas(
        blas, blas.LayoutSet(*l, kLayoutBatchCount, &count, sizeof(count)),
        "cublasLtMatrixLayoutSetAttribute"));
    return CheckBlas(blas,
                     blas.LayoutSet(*l, kLayoutStridedBatchOffset,
                                    &batch_stride, sizeof(batch_stride)),
                     "cublasLtMatrixLayoutSetAttribute");
  };
  const int64_t a_batch = a.size(0) == 1 ? 0 : a.stride(0);
  const int64_t b_batch = b.size(0) == 1 ? 0 : b.stride(0);
  TANDEM_RETURN_IF_ERROR(
      layout(&d.a, sb.by_rows ? n : k, sb.by_rows ? k : n, sb.stride, b_batch));
  TANDEM_RETURN_IF_ERROR(
      layout(&d.b, sa.by_rows ? k : m, sa.by_rows ? m : k, sa.stride, a_batch));
  TANDEM_RETURN_IF_ERROR(layout(&d.c, n, m, n, m * n));
  TANDEM_RETURN_IF_ERROR(CheckBlas(blas, blas.PreferenceCreate(&d.preference),
                                   "cublasLtMatmulPreferenceCreate"));
  const auto prefer = [&](int attribute, const void* value, size_t bytes) {
    return CheckBlas(blas,
                     blas.PreferenceSet(d.preference, attribute, value, bytes),
                     "cublasLtMatmulPreferenceSetAttribute");
  };
  uint64_t workspace_bytes = kWorkspaceBytes;
  TANDEM_RETURN_IF_ERROR(prefer(kPreferenceMaxWorkspaceBytes, &workspace_bytes,
                                sizeof(workspace_bytes)));
  const int64_t size = static_cast<int64_t>(c.element_size());
  const uint32_t alignments[] = {
      AlignmentOf(AddressOf(b), std::gcd(sb.stride, b_batch) * size),
      AlignmentOf(AddressOf(a), std::gcd(sa.stride, a_batch) * size),
      AlignmentOf(AddressOf(c), n * size), AlignmentOf(AddressOf(c), n * size)};
  for (int i = 0; i < 4; ++i) {
    TANDEM_RETURN_IF_ERROR(
        prefer(kPreferenceMinAlignmentA + i, &alignments[i], sizeof(uint32_t)));
  }
  MatmulHeuristic found = {};
  int count = 0;
  TANDEM_RETURN_IF_ERROR(
      CheckBlas(blas,
                blas.Heuristic(handle, d.desc, d.a, d.b, d.c, d.c, d.preference,
                               1, &found, &count),
                "cublasLtMatmulAlgoGetHeuristic"));
  if (count == 0) {
    return absl::UnimplementedError("cuBLASLt has no way for this product");
  }
  std::shared_ptr<DeviceMemory> workspace;
  if (found.workspace_bytes > 0) {
    TANDEM_ASSIGN_OR_RETURN(workspace, gpu.Allocate(found.workspace_bytes));
  }
  const float alpha_f = static_cast<float>(alpha);
  const float beta_f = static_cast<float>(beta);
  const void* alpha_at = wide ? static_cast<const void*>(&alpha) : &alpha_f;
  const void* beta_at = wide ? static_cast<const void*>(&beta) : &beta_f;
  void* const out = reinterpret_cast<void*>(AddressOf(c));
  return CheckBlas(
      blas,
      blas.Matmul(
          handle, d.desc, alpha_at, reinterpret_cast<const void*>(AddressOf(b)),
          d.a, reinterpret_cast<const void*>(AddressOf(a)), d.b, beta_at, out,
          d.c, out, d.c, &found.algo,
          workspace == nullptr ? nullptr
                               : reinterpret_cast<void*>(workspace->address()),
          found.workspace_bytes, gpu.stream()),
      "cublasLtMatmul");
}

}  // namespace

absl::Status Gemm(Gpu& gpu, const Tensor& a, const Tensor& bm, const Tensor& c,
                  const Tensor& bias, double alpha, double beta) {
  if (c.numel() == 0) return absl::OkStatus();
  if (a.size(2) == 0) {
    // An empty sum.
    if (beta == 0) TANDEM_RETURN_IF_ERROR(FillOnGpu(gpu, c, Scalar(0.0)));
    if (beta == 0 && bias.defined()) return CopyOnGpu(gpu, bias, c);
    return beta == 0 ? absl::OkStatus()
                     : absl::UnimplementedError("an empty product");
  }
  const auto blas = gpu.runtime().Blas();
  if (!blas.ok()) {
    if (!absl::IsNotFound(blas.status())) return blas.status();
    return GeneratedGemm(gpu, a, bm, c, bias, alpha, beta);
  }
  Tensor x = a, y = bm;
  Stored sx, sy;
  if (!StoredAs(x, &sx)) {
    TANDEM_ASSIGN_OR_RETURN(x, ContiguousOnGpu(gpu, a));
    if (!StoredAs(x, &sx)) sx = {true, x.size(2)};
  }
  if (!StoredAs(y, &sy)) {
    TANDEM_ASSIGN_OR_RETURN(y, ContiguousOnGpu(gpu, bm));
    if (!StoredAs(y, &sy)) sy = {true, y.size(2)};
  }
  const absl::Status status =
      BlasGemm(gpu, **blas, x, sx, y, sy, c, bias, alpha, beta);
  if (absl::IsUnimplemented(status)) {
    return GeneratedGemm(gpu, a, bm, c, bias, alpha, beta);
  }
  return status;
}

}  // namespace tandem::cuda
