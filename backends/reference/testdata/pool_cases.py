"""Cases of the pool family: python3 pool_cases.py writes pool_cases.txt."""

import torch
from record import call, write

torch.manual_seed(0)


def r(*sizes, **kwargs):  # short in print
    t = torch.randn(*sizes, **kwargs) * 4
    return (torch.complex(t.real.round(), t.imag.round())
            if t.is_complex() else t.round()) / 4


f = torch.ones
nan = float("nan")

for rank in (1, 2, 3):
    sizes = (3, 4, 5)[-rank:]
    x = r(2, 2, *sizes)
    inputs = [x, x[0], x.transpose(0, 1), x[:0]]
    if rank == 2:
        inputs.append(x.contiguous(memory_format=torch.channels_last))
    if rank == 3:
        inputs.append(x.contiguous(memory_format=torch.channels_last_3d))
    n = [""] if rank > 1 else [""]
    for t in inputs:
        for k, s, p, d, ceil in [(2, [], 0, 1, False), (3, 2, 1, 1, False),
                                 (3, 2, 1, 1, True), (2, 1, 1, 2, False),
                                 (2, 3, 0, 1, True), (3, 1, 0, 1, False)]:
            args = ([k] * rank, s and [s] * rank, [p] * rank)
            call("aten::max_pool%dd" % rank, t, *args, [d] * rank, ceil)
            call("aten::max_pool%dd_with_indices" % rank, t, *args, [d] * rank,
                 ceil)
            for include in (True, False):
                call("aten::avg_pool%dd" % rank, t, *args, ceil, include)
            if rank > 1:
                call("aten::avg_pool%dd" % rank, t, *args, ceil, True, 5)
        for o in (1, 2, 3, 9):
            call("aten::adaptive_avg_pool%dd" % rank, t, [o] * rank)
            call("aten::adaptive_max_pool%dd" % rank, t, [o] * rank)
    for op in ("max_pool%dd", "max_pool%dd_with_indices", "avg_pool%dd"):
        op = "aten::" + op % rank
        for k, s, p in [(9, [], 0), (2, [], 2), (2, [], -1), (0, [], 0), (2, 0, 0),
                        (2, -1, 0), (0, 1, 0), (1 << 62, [], 0), (2, 1 << 40, 0)]:
            call(op, f(1, 2, *sizes), [k] * rank, s and [s] * rank, [p] * rank)
        if "max" in op:
            for d in (0, -1, 1 << 62):
                call(op, f(1, 2, *sizes), [2] * rank, [], [0] * rank, [d] * rank)
        for shape in [(1,), (4,), (1, 2, 0) if rank == 1 else (1, 2, 0, *sizes[1:]),
                      (1, 0, *sizes), (1, 1, 1, *sizes)]:
            call(op, f(shape), [2] * rank)
        call(op, f(1, 2, *sizes), [2] * (rank + 1))
        call(op, f(1, 2, *sizes), [2] * rank, [1] * (rank + 1))
        call(op, f(1, 2, *sizes), [2] * rank, [1] * rank, [0] * (rank + 1))
        if rank > 1:
            call(op, f(1, 2, *sizes), [2], [1])
        for dtype in [torch.int64, torch.int32, torch.uint8, torch.bool,
                      torch.float64, torch.float16, torch.bfloat16,
                      torch.complex64]:
            call(op, (x * 20).to(dtype), [2] * rank)
    for op in ("adaptive_avg_pool%dd", "adaptive_max_pool%dd"):
        op = "aten::" + op % rank
        for shape in [(5,), (1, 2, 0) if rank == 1 else (1, 2, 0, *sizes[1:]),
                      (1, 0, *sizes), (1, 1, 1, *sizes)]:
            call(op, f(shape), [3] * rank)
        call(op, f(1, 2, *sizes), [3] * (rank + 1))
        call(op, f(1, 2, *sizes), [0] * rank)
        if "avg" in op and rank > 1:
            call(op, f(1, 2, *sizes), [-1] + [3] * (rank - 1))
        for dtype in [torch.int64, torch.float64, torch.float16]:
            call(op, (x * 20).to(dtype), [3] * rank)
            call(op, (x * 20).to(dtype), [1] * rank)

for t in [[[[1., nan], [3, 4]]], [[[nan, nan], [3, 4]]], [[[2., 2], [2, 2]]],
          [[[-float("inf")] * 2] * 2]]:
    call("aten::max_pool2d_with_indices", torch.tensor(t), [2, 2])
    call("aten::adaptive_max_pool2d", torch.tensor(t), [1, 1])
call("aten::max_pool1d", torch.tensor([[1., nan, 2, 3, 0]]), [2], [1])
call("aten::avg_pool2d", f(1, 1, 4, 4), [2, 2], [], [0, 0], False, True, 0)
call("aten::avg_pool2d", r(1, 1, 4, 4), [2, 2], [], [0, 0], False, True, -3)
call("aten::avg_pool2d", r(1, 1, 4, 4), [4, 4], [4, 4], [2, 2], True)
call("aten::avg_pool2d", -torch.arange(16).reshape(1, 4, 4), [3, 3])
call("aten::avg_pool2d.out", r(1, 1, 4, 4), [2, 2], out=f(1))

s = torch.rand(2, 3, 2)
x = r(2, 3, 7, 9)
for k, o in [([2, 2], [3, 4]), ([3, 2], [5, 8]), ([2, 2], [7, 3]), ([2, 2], [3, 9]),
             ([2], [3, 3]), ([2, 2], [3]), ([0, 2], [3, 3]), ([2, 2], [0, 3]),
             ([2, 2], [1, 1])]:
    call("aten::fractional_max_pool2d", x, k, o, s)
call("aten::fractional_max_pool2d", x[0], [2, 2], [3, 3], s[:1])
call("aten::fractional_max_pool2d", x.double(), [2, 2], [3, 3], s.double())
for bad in [f(1, 3, 2), f(2, 3, 3), f(2, 1, 2), f(3, 2), s.double()]:
    call("aten::fractional_max_pool2d", x, [2, 2], [3, 3], bad)
call("aten::fractional_max_pool2d", f(5, 5), [2, 2], [3, 3], s)
s = torch.rand(2, 3, 3)
x = r(2, 3, 5, 6, 7)
call("aten::fractional_max_pool3d", x, [2, 2, 2], [3, 3, 4], s)
call("aten::fractional_max_pool3d", x[1], [2, 1, 2], [2, 3, 4], s)
call("aten::fractional_max_pool3d", x, [2, 2, 2], [5, 3, 3], s)
call("aten::fractional_max_pool3d", f(5, 5, 5), [2, 2, 2], [3, 3, 3], s)

x = r(1, 2, 2, 2)
i = torch.tensor([[[[0, 3], [8, 15]], [[5, 2], [9, 10]]]])
call("aten::max_unpool2d", x, i, [4, 4])
call("aten::max_unpool2d", x[0], i[0], [4, 4])
call("aten::max_unpool2d", x.contiguous(memory_format=torch.channels_last), i, [4, 4])
for indices in [i + 1, i - 1, i[..., :1], i.float()]:
    call("aten::max_unpool2d", x, indices, [4, 4])
call("aten::max_unpool2d", x, i, [4])
call("aten::max_unpool2d", x, i, [-4, 4])
call("aten::max_unpool2d", f(2, 2), f(2, 2).long(), [4, 4])
call("aten::max_unpool2d", x[:0], i[:0], [4, 4])
x = r(1, 2, 2, 2, 2)
i = torch.arange(16).reshape(x.shape) * 4
for size, stride, padding in [([4] * 3, [2] * 3, [0] * 3), ([3] * 3, [2] * 3, [0] * 3),
                              ([4] * 2, [2] * 3, [0] * 3), ([4] * 3, [2] * 2, [0] * 3),
                              ([4] * 3, [0, 2, 2], [0] * 3)]:
    call("aten::max_unpool3d", x, i % 64, size, stride, padding)
call("aten::max_unpool3d", f(2, 2, 2), f(2, 2, 2).long(), [4] * 3, [2] * 3, [0] * 3)
write("pool_cases.txt")
