"""Where 16-bit types are rounded, and other cases in which PyTorch's kernels
tell on themselves: python3 rounding_cases.py writes rounding_cases.txt."""

import warnings

import torch
from record import call, write

warnings.simplefilter("ignore")
torch.manual_seed(0)
t = torch.tensor
bool_ = torch.bool


def r(*sizes):
    return torch.randn(sizes)


for d in [torch.float16, torch.bfloat16]:
    # Statistics of a batch norm, dense and not.
    for x in [r(3, 2, 5), r(5, 2, 3).permute(2, 1, 0),
              r(2, 2, 2, 3).contiguous(memory_format=torch.channels_last)]:
        x, w, b, m = x.to(d), r(2).to(d), r(2).to(d), r(2).to(d)
        v = (torch.rand(2) + 0.1).to(d)
        call("aten::native_batch_norm", x, w, b, None, None, True, 0.1, 1e-5)
        for training in [True, False]:
            if d == torch.float16 or not training:
                call("aten::native_batch_norm", x, w, b, m, v, training, 0.1,
                     1e-5)
            call("aten::native_batch_norm", x, w.float(), b.float(), m.float(),
                 v.float(), training, 0.1, 1e-5)
    # Weights of resampling.
    call("aten::upsample_linear1d", r(1, 2, 5).to(d), [8], False)
    call("aten::upsample_bilinear2d", r(1, 2, 3, 4).to(d), [5, 3], False)
    call("aten::upsample_bicubic2d", r(1, 2, 3, 4).to(d), [5, 6], True)
    call("aten::upsample_trilinear3d", r(1, 1, 2, 3, 4).to(d), [3, 2, 7], False)
    # Sums of windows.
    call("aten::adaptive_avg_pool3d", r(1, 4, 5, 6).to(d), [3, 2, 4])
    call("aten::fractional_max_pool2d", r(1, 2, 7, 9).to(d), [2, 2], [4, 5],
         torch.rand(1, 2, 2).to(d))
    call("aten::convolution", r(2, 4, 3, 4).to(d), r(4, 1, 2, 3).to(d),
         r(2).to(d), [2, 1], [0, 1], [1, 1], True, [0, 0], 2)
    for mode in [0, 1, 2]:
        for padding in [0, 1, 2]:
            for align in [False, True]:
                call("aten::grid_sampler_2d", r(1, 1, 3, 4).to(d),
                     (torch.rand(1, 2, 3, 2) * 2.6 - 1.3).to(d), mode, padding,
                     align)
    for mode in [0, 1]:
        call("aten::grid_sampler_3d", r(1, 1, 3, 4, 2).to(d),
             (torch.rand(1, 2, 2, 2, 3) * 2.6 - 1.3).to(d), mode, 2, False)
    # Sums of places.
    i = t([2, 0, 0, 1, 0, 2])
    call("aten::scatter_add", r(3).to(d), 0, i, r(6).to(d))
    call("aten::index_add", r(3).to(d), 0, i, r(6).to(d))
    call("aten::index_add", r(3, 2).to(d), 0, i, r(6, 2).to(d))
    # Quotients before their digits are cut off; inputs of another dtype.
    call("aten::div.Tensor_mode", t([7, 39, 200, 5], dtype=torch.uint8),
         t([0.456, 0.781, 0.253, 0.13]).to(d), rounding_mode="trunc")
    call("aten::fmod.Tensor", t([[-3, 2**62, 77777]]),
         t([[0.84], [1.77]]).to(d))
    call("aten::sub.out", t([-1, 9, 3]), t([[-3.14], [2.25]]).to(d),
         out=torch.empty(0))
x = r(1, 1, 3, 4, 2)
call("aten::grid_sampler_3d", x, torch.rand(1, 2, 2, 2, 3) * 2 - 1, 2, 1, False)

# Equal elements in an unstable order.
ties = (torch.arange(40) * 7) % 5
for x in [ties, ties.to(torch.uint8), ties.float(), ties.reshape(2, 20).t()]:
    call("aten::sort", x, 0)
    call("aten::sort", x, 0, True)
    call("aten::mode", x, 0)

# Integers of their own width.
call("aten::lcm", t([8, -8, 6], dtype=torch.int32),
     t([2147483647], dtype=torch.int32))
call("aten::div.Scalar_mode", t([3, 250], dtype=torch.uint8), -3,
     rounding_mode="floor")
call("aten::add.Tensor", t([True, False]), t([True, True]), alpha=-1)

# Which of several errors comes first.
h, z = t([1.0, 2.0]).half(), t([1 + 2j, 3j])
call("aten::atan2.out", z, h, out=torch.empty(0))
call("aten::bitwise_and.Tensor", h, t([1, 2, 3]))
call("aten::bitwise_and_.Tensor", t([1, 2]), h)
call("aten::mul_.Tensor", t([1]), h)
call("aten::special_erfcx", h)
call("aten::abs_", z)

# Strides that a result keeps, or does not.
s = torch.zeros(5, 7)[:, ::2]
call("aten::select_scatter", s, r(5), 1, 0)
call("aten::as_strided_scatter", s, r(2), [2], [3], 1)
call("aten::pow.Scalar", 2, r(2, 3).t())
call("aten::ravel", torch.zeros(3, 4)[0, ::2])
call("aten::unfold", r(2, 3), 1, 3, 2)
call("aten::expand_as", t(1.0), r(1, 1))
call("aten::take_along_dim", r(2, 3), t([[-1, 0], [-3, 1]]), 1)
call("aten::einsum", "ij->", [t([[1, 2]], dtype=torch.int8)])
call("aten::triplet_margin_loss", z, z + 1, z * 2)

# Recurrent layers and sums of windows, rounded at every step.
for d in [torch.bfloat16, torch.float64]:
    for op, gates in [("gru", 3), ("rnn_tanh", 1), ("lstm", 4)]:
        w = [r(gates * 3, 2).to(d), r(gates * 3, 3).to(d),
             r(gates * 3).to(d), r(gates * 3).to(d)]
        h = r(1, 2, 3).to(d)
        h = [h, h + 1] if op == "lstm" else h
        call(f"aten::{op}.input", r(3, 2, 2).to(d), h, w, True, 1, 0.0, False,
             False, False)
        call(f"aten::{op}.data", r(5, 2).to(d), t([2, 2, 1]), h, w, True, 1,
             0.0, False, False)
        # No batch: a quirk of the loop's.
        if op != "lstm":
            call(f"aten::{op}.input", r(3, 2).to(d), h[:, 0], w, True, 1, 0.0,
                 False, False, False)
        call(f"aten::{op}.input", r(3, 2, 4).double(), h, w, True, 1, 0.0,
             False, False, False) if d == torch.float64 else None
    call("aten::col2im", r(1, 8, 6).to(d), [3, 4], [2, 2], [1, 1], [0, 0],
         [1, 1])
    call("aten::conv_tbc", r(5, 2, 3).to(d), r(3, 3, 2).to(d), r(2).to(d), 1)

# What is refused, and what is said first.
c64 = torch.complex64
call("aten::nanmean", r(2), dtype=torch.int32)
call("aten::nansum", r(2).to(c64), [3])
call("aten::nansum", t([1, 2]), dtype=c64)
call("aten::amax", torch.zeros(2, 0), [0, -1])
call("aten::amax", torch.zeros(2, 0, dtype=c64), [0])
call("aten::cummax", t(4.0), 1)
call("aten::cummin", t(4.0 + 1j), -1)
call("aten::min.dim", r(2).to(c64), 4)
call("aten::mode", t(2j), -1)
call("aten::mm", torch.zeros(0, 2, dtype=bool_), torch.ones(2, 3, dtype=bool_))
call("aten::mv", t(1.0), r(2))
call("aten::inner", r(2), t([1, 2, 3]))
call("aten::inner", t(1.5), t([1, 2, 3]))
call("aten::bilinear", r(2, 0), r(2, 3), r(3, 0, 3), None)
u8 = torch.uint8
call("aten::pairwise_distance", t([[1, 9]], dtype=u8), t([[2, 7]], dtype=u8))
call("aten::pairwise_distance", t([[True]]), t([[False]]))

# Layouts and signs of LAPACK.
for d in [torch.float64, torch.complex128]:
    a, b = r(2, 3, 3).to(d), r(2, 3).to(d)
    a = a + a.mT.contiguous() * 1j if d.is_complex else a
    call("aten::linalg_solve", a, b)
    call("aten::linalg_cholesky_ex", a)
    call("aten::linalg_lstsq", r(5, 3).to(d), r(5, 2).to(d))
    call("aten::linalg_inv.out", a, out=torch.zeros(0, dtype=d))
    call("aten::triangular_solve", b.mT, a[0])
    call("aten::linalg_tensorinv", r(4, 6, 8, 3).to(d), 2)
    call("aten::linalg_svd", r(5, 2).to(d))
    if d.is_complex:
        call("aten::linalg_eig", a)

# Of nothing, of integers that wrap, of bounds that no integer reaches.
call("aten::softmax.int", torch.zeros(0, 3, dtype=torch.int32), -2, None)
call("aten::log_softmax.int", torch.zeros(2, 0, 3, dtype=bool_), 1, None)
call("aten::batch_norm", torch.zeros(2, 0, 3, dtype=torch.int32), r(4), r(2),
     None, None, True, 0.1, 1e-5, False)
call("aten::batch_norm", torch.zeros(0, 3), torch.zeros(0), None, None, None,
     True, 0.1, 1e-5, False)
call("aten::clamp", t([3], dtype=u8), 300, None)
call("aten::clamp_max", t([3], dtype=u8), -1)
call("aten::clamp", t([3], dtype=torch.int8), -200, 100)
call("aten::cosine_similarity", t([[1, 2]], dtype=torch.int8), r(1, 2), 1, 1e-8)
call("aten::triplet_margin_loss", t([[1, 9]], dtype=u8), t([[2, 7]], dtype=u8),
     t([[4, 1]], dtype=u8), 1.0, 2.0, 1e-6, False, 1)
call("aten::margin_ranking_loss", t([1, 9], dtype=u8), t([2, 7], dtype=u8),
     t([1, 1], dtype=u8), 0.5, 0)
call("aten::special_chebyshev_polynomial_t", r(2).half(), r(2).half())
call("aten::mvlgamma", t([True]), 1)
call("aten::linalg_lu_factor", r(2, 2), pivot=False)
call("aten::linalg_svd", r(2, 2), driver="gesvd")
call("aten::linalg_vecdot", r(2).double(), r(2))
call("aten::linalg_matrix_rank.atol_rtol_tensor", r(2, 3, 3), atol=t([0.1, 9.0]))
call("aten::fft_fftshift", t(1.0))
call("aten::scatter_reduce.two", t([0.0]), 0, t([0]), t([2.0]), "max")
call("aten::as_strided_scatter", r(8)[1::2], r(2), [2], [1], 0)
call("aten::expand", t(1.5), [1, 1])
call("aten::matmul", r(3, 2, 4).transpose(0, 1)[:, :, :2].contiguous().
     transpose(0, 2), r(5, 4))

write("rounding_cases.txt")
