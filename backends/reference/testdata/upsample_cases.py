"""Cases of the upsample family: python3 upsample_cases.py writes
upsample_cases.txt."""

import torch
from record import call, write

torch.manual_seed(0)


def r(*s, dtype=torch.float32):
    return (torch.randn(s) * 8).round().div(4).to(dtype)


SPATIAL = {1: r(2, 2, 5), 2: r(1, 2, 4, 5), 3: r(1, 2, 2, 3, 4)}
SIZES = {1: [[8], [3], [5], [10], [1]],
         2: [[7, 9], [2, 3], [4, 5], [8, 10], [1, 1], [6, 3]],
         3: [[3, 5, 7], [1, 2, 2], [4, 6, 8]]}
FACTORS = {1: [[1.7], [0.5]], 2: [[1.5, 2.3], [0.6, 0.4], [2.0, 2.0]],
           3: [[1.5, 2.0, 0.7]]}
NEAREST = {"aten::upsample_nearest%dd": (1, 2, 3),
           "aten::_upsample_nearest_exact%dd": (1, 2, 3)}
ALIGNED = {"aten::upsample_linear1d": 1, "aten::upsample_bilinear2d": 2,
           "aten::upsample_trilinear3d": 3, "aten::upsample_bicubic2d": 2,
           "aten::_upsample_bilinear2d_aa": 2,
           "aten::_upsample_bicubic2d_aa": 2,
           "aten::_upsample_lanczos2d_aa": 2}


def last(x):
    return x.contiguous(memory_format=torch.channels_last if x.dim() ==
                        4 else torch.channels_last_3d)


def all_of(op, n, *align):
    x = SPATIAL[n]
    for size in SIZES[n]:
        call(op, x, size, *align)
        call(op, x, size, *align, *[1.9] * n)
        if n > 1:
            call(op, last(x), size, *align)
        call(op + ".vec", x, size, *align, None)
    for factor in FACTORS[n]:
        call(op + ".vec", x, None, *align, factor)
        call(op + ".vec", x.double(), None, *align, factor)
        call(op + ".vec", x.half(), None, *align, factor)
        call(op + ".vec", x.bfloat16(), None, *align, factor)
    u = (x.abs() * 40).clamp(0, 255).to(torch.uint8)
    if op != "aten::upsample_bicubic2d":  # ties of weights, by one
        call(op, u, SIZES[n][0], *align)
    call(op, u, SIZES[n][1], *align)
    call(op, x.int(), SIZES[n][0], *align)
    call(op, x.transpose(-1, -2), SIZES[n][0], *align)
    call(op, x[:0], SIZES[n][0], *align)
    call(op, x[:, :0], SIZES[n][0], *align)
    call(op, x, [2] * (n + 1), *align)
    call(op, x, [0] * n, *align)
    call(op, x[0], SIZES[n][0], *align)
    call(op + ".out", x, SIZES[n][0], *align, out=torch.empty(0))
    call(op + ".vec", x, None, *align, None)


for name, dims in NEAREST.items():
    for n in dims:
        all_of(name % n, n)
for name, n in ALIGNED.items():
    for align in (False, True):
        all_of(name, n, align)

x, y = r(2, 3, 4, 5), r(1, 2, 3, 4, 5)
grid2 = torch.rand(2, 3, 4, 2) * 2.6 - 1.3
grid3 = torch.rand(1, 2, 3, 3, 3) * 2.6 - 1.3
for align in (False, True):
    for padding in (0, 1, 2):
        for mode in (0, 1, 2):
            call("aten::grid_sampler", x, grid2, mode, padding, align)
            call("aten::grid_sampler_2d", x.double(), grid2.double(), mode,
                 padding, align)
            if mode < 2:
                call("aten::grid_sampler_3d", y, grid3, mode, padding, align)
call("aten::grid_sampler", y, grid3, 0, 0, False)
call("aten::grid_sampler", x, grid3, 0, 0, False)
call("aten::grid_sampler", x[:1], grid2, 0, 0, False)
call("aten::grid_sampler", x, grid3[0], 0, 0, False)
call("aten::grid_sampler", x[:, :, :0], grid2, 0, 0, False)
call("aten::grid_sampler", x.double(), grid2, 0, 0, False)
call("aten::grid_sampler_2d", last(x), grid2, 0, 0, False)
for align in (False, True):
    call("aten::affine_grid_generator", r(2, 2, 3), [2, 3, 4, 5], align)
    call("aten::affine_grid_generator", r(2, 3, 4), [2, 1, 2, 3, 4], align)
    call("aten::affine_grid_generator", r(1, 2, 3).double(), [1, 3, 1, 5],
         align)
write("upsample_cases.txt")
