"""Cases of the factory family: writes factory_cases.txt."""

import torch
from record import call, call_sizes, lines, write

x = torch.arange(6.).reshape(2, 3)
i = torch.arange(6).reshape(2, 3)
cl = torch.zeros(2, 3, 4, 5).contiguous(memory_format=torch.channels_last)
DTYPES = [torch.uint8, torch.int8, torch.int16, torch.int32, torch.int64,
          torch.float16, torch.bfloat16, torch.float32, torch.float64,
          torch.complex64, torch.complex128, torch.bool]
inf, nan = float("inf"), float("nan")

# one value
for size in [[2, 3], [0], [], [2, 0, 3], [-1], [1 << 62, 4]]:
    for op in ["zeros", "ones"]:
        call("aten::" + op, size)
    call("aten::full", size, 2)
    call_sizes("aten::empty.memory_format", size)
for dtype in DTYPES:
    for op in ["zeros", "ones"]:
        call("aten::" + op, [2], dtype=dtype)
    for v in [0, 1, -1, True, 2.5, -2.5, 1j, 300, -255, -256, 70000, 1 << 40,
              1e10, 1e39, inf, nan, 2 + 0j]:
        call("aten::full", [2], v, dtype=dtype)
        call("aten::scalar_tensor", v, dtype=dtype)
for v in [1, True, 1.5, 1j]:
    call("aten::full", [2], v)
    call("aten::scalar_tensor", v)
for fmt in [torch.channels_last, torch.channels_last_3d, torch.preserve_format,
            torch.contiguous_format]:
    call_sizes("aten::empty.memory_format", [2, 3, 4, 5], memory_format=fmt)
    call_sizes("aten::empty.memory_format", [2, 3, 4, 5, 6], memory_format=fmt)
for args in [([2, 3], [1, 2]), ([2, 3], [0, 1]), ([2], [1, 2]), ([-1], [1]),
             ([2, 3], [5, 1]), ([0, 3], [1, 1]), ([2], [-1])]:
    call_sizes("aten::empty_strided", *args)
for args in [([2, 3, 4], [2, 0, 1]), ([2, 3], [1]), ([2, 3], [1, 1]),
             ([2, 3], [0, 2])]:
    call_sizes("aten::empty_permuted", *args)
like = [x, x.t(), i, cl, x.expand(4, 2, 3), torch.zeros(2, 3, 4)[:, ::2],
        torch.zeros(2, 0), torch.tensor(1.),
        torch.zeros(2, 3, 4, 5)[:, :, ::2].permute(3, 1, 0, 2)]
for t in like:
    for op in ["zeros_like", "ones_like"]:
        call("aten::" + op, t)
        call("aten::" + op, t, dtype=torch.int16)
        call("aten::" + op, t, memory_format=torch.contiguous_format)
        call("aten::" + op, t, memory_format=torch.channels_last)
    call_sizes("aten::empty_like", t)
    call("aten::full_like", t, 2.5)
    call("aten::full_like", t, 300, dtype=torch.uint8)
    call("aten::new_zeros", t, [2, 2])
    call("aten::new_ones", t, [2, 2], dtype=torch.float64)
    call("aten::new_full", t, [2, 2], 2.5)
    call_sizes("aten::new_empty", t, [3])
    call_sizes("aten::new_empty_strided", t, [2, 2], [1, 2])
call("aten::full.out", [2, 2], 3.5, out=torch.zeros(4))
call("aten::zeros.out", [2, 2], out=torch.ones(2, 2).t())
call("aten::ones.out", [3], out=torch.zeros(2, dtype=torch.int64))

# sequences
numbers = [0, 5, 5.5, True, -1, 0.5, inf, nan, 1e30, 1 << 62]
for end in numbers:
    if end != 1 << 62:
        call("aten::arange", end)
for dtype in DTYPES + [torch.uint16]:
    call("aten::arange", 5, dtype=dtype)
    call("aten::arange", 2.5, dtype=dtype)
    call("aten::arange.start_step", 5, -1, -2, dtype=dtype)
for args in [(1, 5), (1, 5.), (5, 1), (-3, 3), (0.5, 3), (2, 2), (True, 3)]:
    call("aten::arange.start", *args)
    call("aten::range", *args)
for args in [(1, 5, 2), (1, 6, 2), (5, 1, -2), (5, 1, 2), (1, 5, 0), (0, 1, .1),
             (1, 0, -.3), (0, 1e-3, 1e-4), (2, 2, 1), (-1, -5, -1), (0, inf, 1),
             (0.5, 3, 1), (1, 2, nan), (0, 9, 2.5),
             (-(1 << 62), 1 << 62, 1 << 61)]:
    call("aten::arange.start_step", *args)
    call("aten::range.step", *args)
call("aten::range.step", 0, 3, 1, dtype=torch.int64)
call("aten::arange.out", 5, out=torch.zeros(3))
call("aten::arange.out", 6, out=torch.zeros(2, 3))
call("aten::arange.start_out", 0, 3, 1, out=torch.zeros(6)[::2])
call("aten::range.out", 0, 3, 1, out=torch.zeros(1))
for args in [(0, 1, 5), (0, 1, 1), (0, 1, 0), (0, 1, -1), (-3, 10, 4), (3, 3, 3),
             (10, -10, 7), (0.1, 0.7, 6), (0, 1j, 3), (True, 5, 3)]:
    call("aten::linspace", *args)
    call("aten::logspace", *args)
    call("aten::logspace", *args, 2.0)
for dtype in DTYPES:
    call("aten::linspace", 0, 10, 7, dtype=dtype)
    call("aten::linspace", 0, 10, 1, dtype=dtype)
    call("aten::logspace", 0, 4, 5, 2.0, dtype=dtype)
    call("aten::linspace", 0, 1j, 3, dtype=dtype)
for a in [torch.tensor(2.), torch.tensor(3), torch.zeros(1)]:
    call("aten::linspace.Tensor_Scalar", a, 9, 4)
    call("aten::linspace.Scalar_Tensor", 0, a, 4)
    call("aten::linspace.Tensor_Tensor", a, a + 2, 3)
    call("aten::logspace.Tensor_Scalar", a, 1, 3)
    call("aten::logspace.Scalar_Tensor", 0, a, 3, 2.)
    call("aten::logspace.Tensor_Tensor", a, a + 2, 3, 2.)
call("aten::linspace.out", 0, 1, 3, out=torch.zeros(3, dtype=torch.float64))
call("aten::logspace.out", 0, 1, 3, out=torch.zeros(1))

# matrices
for n in [0, 1, 3, -1]:
    call("aten::eye", n)
    for m in [0, 2, 5, -2]:
        call("aten::eye.m", n, m)
for dtype in DTYPES:
    call("aten::eye", 2, dtype=dtype)
    call("aten::tril_indices", 2, 3, dtype=dtype)
call("aten::eye.m_out", 2, 3, out=torch.ones(3, 2).t())
for op in ["tril", "triu"]:
    for args in [(3, 3), (3, 4, 1), (4, 3, -1), (3, 3, -5), (3, 3, 5), (0, 3),
                 (3, 0), (-1, 3), (3, -1), (5, 2, -2), (2, 5, 2), (5, 2, 1)]:
        call("aten::%s_indices" % op, *args)
    for k in [0, 1, -1, 5, -5]:
        for t in [x, x.t(), torch.ones(2, 3, 3), torch.ones(3), i > 2,
                  torch.full((2, 2), nan), torch.zeros(0, 3),
                  torch.ones(3, 4)[:, ::2], torch.ones(2, 2) * 1j]:
            call("aten::" + op, t, k)
            call("aten::%s_" % op, t, k)
for t in [torch.tensor([1., 2., 3.]), torch.tensor([1, 2]), x,
          torch.tensor([2], dtype=torch.int8), torch.tensor([2j]),
          torch.tensor([True, False]), torch.zeros(0), torch.tensor([.5]).half()]:
    for n in [None, 0, 1, 4, -1]:
        for up in [False, True]:
            call("aten::vander", t, n, up)
for t in [torch.tensor([1, 0, 2]), torch.tensor([[0, 1]]), torch.tensor(2),
          torch.zeros(0, dtype=torch.long), torch.tensor([-1]),
          torch.tensor([1.]), torch.tensor([1], dtype=torch.int32)]:
    for n in [-1, 3, 2, 0]:
        call("aten::one_hot", t, n)
# windows
for op in ["hann", "hamming", "blackman", "bartlett", "kaiser"]:
    name = "aten::%s_window" % op
    for n in [0, 1, 2, 5, 8, -1]:
        call(name, n)
        call(name + ".periodic", n, False)
        call(name + ".periodic", n, True, dtype=torch.float64)
    for dtype in [torch.float64, torch.int32, torch.complex64]:
        call(name, 6, dtype=dtype)
call("aten::hamming_window.periodic_alpha", 5, True, 0.6)
call("aten::hamming_window.periodic_alpha_beta", 5, False, 0.6, 0.3)
call("aten::kaiser_window.beta", 6, True, 3.)
call("aten::kaiser_window.beta", 6, False, 0.)
call("aten::hann_window.out", 4, out=torch.zeros(1))

write("factory_cases.txt")
