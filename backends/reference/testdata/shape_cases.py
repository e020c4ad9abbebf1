"""Cases of the shape family: python3 shape_cases.py writes shape_cases.txt."""

import torch
from record import call, write

f = lambda *s: torch.arange(float(torch.Size(s).numel())).reshape(s)
x = f(2, 3)
y = f(2, 3, 4)
s = torch.tensor(3.5)
e = torch.zeros(0)
e3 = torch.zeros(2, 0, 3)
i = torch.arange(6).reshape(2, 3)
b = torch.tensor([[True, False, True], [False, False, True]])
z = torch.complex(f(2, 3), f(2, 3) + 10)
cl = f(2, 3, 4, 5).contiguous(memory_format=torch.channels_last)
all_of = [x, x.t(), y, y.permute(2, 0, 1), s, e, e3, y[:, 1:, ::2]]


def each(op, tensors, *rest):
    for t in tensors:
        for r in rest or [()]:
            call(op, t, *(r if isinstance(r, tuple) else (r,)))


# view and reshape
for op in ["view", "reshape", "view_copy", "_unsafe_view"]:
    each("aten::" + op, [x, x.t(), y[:, ::2], e3, s],
         ([6],), ([-1],), ([3, 2],), ([3, -1],), ([-1, 4],), ([-1, -1],),
         ([-2, 3],), ([1, 2, 1, 3, 1],), ([0, -1],), ([0],), ([1],), ([],),
         ([1 << 40, 1 << 40],), ([2, 2, 2, 3],), ([4, 2, 1],))
call("aten::reshape", y.permute(1, 0, 2), [3, 8])
call("aten::reshape", y.permute(1, 0, 2), [3, 2, 2, 2])
call("aten::view", y.permute(1, 0, 2), [3, 2, 2, 2])
call("aten::view", x.expand(4, 2, 3), [4, 6])
call("aten::view", s.expand(4, 3), [12])
call("aten::view", s.expand(4, 3), [2, 2, 3])
call("aten::view_as", x, f(3, 2))
call("aten::reshape_as", x.t(), f(6))
call("aten::_reshape_copy", x, [3, 2])
call("aten::_reshape_alias", x, [3, 2], [2, 1])
each("aten::ravel", all_of)
each("aten::flatten.using_ints", all_of, (0, -1), (1, -1), (0, 1), (-1, 0),
     (1, 0), (5, 0), (-2, -1))
for args in [(0, [2, 1]), (1, [3, 1]), (1, [-1, 3]), (1, [2, 2]), (1, []),
             (-1, [3]), (4, [1]), (0, [1, -1, 2])]:
    call("aten::unflatten.int", x, *args)
call("aten::unflatten.int", y.permute(2, 1, 0), 0, [2, 2])

# squeeze
q = f(1, 2, 1, 3, 1)
for t in [q, q.transpose(1, 3), x, s, e3, torch.zeros(1, 0)]:
    for op in ["squeeze", "squeeze_", "squeeze_copy"]:
        call("aten::" + op, t)
        for d in [0, 1, -1, 2, -5, 7]:
            call("aten::%s.dim" % op, t, d)
        for d in [[0], [0, 2], [-1, 0], [], [0, 0], [1, 9]]:
            call("aten::%s.dims" % op, t, d)
    for op in ["unsqueeze", "unsqueeze_", "unsqueeze_copy"]:
        for d in [0, 1, -1, -2, 2, 6, -7]:
            call("aten::" + op, t, d)

# order of dims
for t in all_of:
    for args in [(0, 1), (-1, 0), (1, 1), (0, 5), (-1, -2), (2, 0)]:
        call("aten::transpose.int", t, *args)
        call("aten::transpose_", t, *args)
        call("aten::swapaxes", t, *args)
        call("aten::movedim.int", t, *args)
    for op in ["t", "t_", "t_copy", "numpy_T", "mT", "mH", "adjoint",
               "matrix_H"]:
        call("aten::" + op, t)
    for d in [[0, 1], [1, 0], [2, 0, 1], [-1, 0, 1], [0], [], [0, 0], [0, 7]]:
        call("aten::permute", t, d)
    call("aten::permute_copy", t, list(range(t.dim()))[::-1])
for op in ["adjoint", "mH", "matrix_H", "mT"]:
    call("aten::" + op, z)
    call("aten::" + op, z.conj())
for args in [([0, 1], [2, 0]), ([0], [-1]), ([], []), ([0, 0], [1, 2]),
             ([0, 1], [1, 1]), ([0], [1, 2]), ([0, 5], [1, 0])]:
    call("aten::movedim.intlist", y, *args)
    call("aten::moveaxis.intlist", y, *args)

# expand
for t in [x, f(2, 1), f(1, 3), s, e3, f(1).expand(3)]:
    for size in [[2, 3], [-1, 3], [4, 2, 3], [-1, 2, 3], [3], [2, -1], [],
                 [1, 2, 3], [-2, 3], [2, 0, 3], [2, 1, 2, 3], [1 << 60, 2, 3],
                 [5, 1]]:
        call("aten::expand", t, size)
    call("aten::expand_copy", t, [2, 2, 3])
    call("aten::broadcast_to", t, [2, 3])
call("aten::expand_as", f(2, 1), x)
call("aten::broadcast_tensors", [x, f(3), f(2, 1)])
call("aten::broadcast_tensors", [x, f(4)])
call("aten::broadcast_tensors", [])
for n in "123":
    each("aten::atleast_%sd" % n, [s, f(3), x, y, f(1, 1, 1, 1)])
    call("aten::atleast_%sd.Sequence" % n, [s, f(3), x])

# parts
for t in all_of:
    for args in [(0, 0), (0, -1), (1, 1), (-1, 2), (0, 5), (4, 0), (-1, -9)]:
        call("aten::select.int", t, *args)
    call("aten::select_copy.int", t, 0, 0)
    for args in [(0,), (0, 1), (0, None, 1), (1, 0, 2, 2), (-1, -2, None),
                 (0, 5, 9), (0, 1, 0), (0, -99, 99, 3), (7,), (0, 0, 1, -1),
                 (1, 1, -1)]:
        call("aten::slice.Tensor", t, *args)
    call("aten::slice_copy.Tensor", t, 0, 1)
    for args in [(0, 0, 1), (0, 1, 1), (1, -1, 1), (0, 3, 1), (0, -3, 1),
                 (0, 1, -1), (0, 0, 9), (0, 2, 0), (-1, 0, 1)]:
        call("aten::narrow", t, *args)
        call("aten::narrow_copy", t, *args) if t is not e else None
    for args in [(), (1,), (-1,), (5,), (-9,), (0, 1, 0), (0, -1, 0),
                 (0, 0, 0), (0, 0, 7), (1, -2, -1)]:
        call("aten::diagonal", t, *args)
    call("aten::diagonal_copy", t)
    for args in [(0, 2, 1), (-1, 2, 2), (0, 1, 3), (0, 9, 1), (0, 1, 0),
                 (0, -1, 1), (5, 1, 1), (0, 0, 1)]:
        call("aten::unfold", t, *args)
    call("aten::unfold_copy", t, 0, 1, 1)
for start in [torch.tensor(1), torch.tensor(-1), torch.tensor([1]),
              torch.tensor(1.), torch.tensor(-3)]:
    call("aten::narrow.Tensor", x, 0, start, 1)
for args in [([2, 2], [1, 2]), ([2, 2], [1, 2], 1), ([2, 2], [1, 2], 9),
             ([2, 2], [1]), ([2], [-1]), ([2, 2], [0, 0]), ([0, 5], [9, 9]),
             ([], []), ([2], [1], -1), ([6, 2], [1, 0])]:
    call("aten::as_strided", x, *args)
    call("aten::as_strided_", x, *args)
    call("aten::as_strided_copy", x, *args)

# lists
for t in all_of:
    for args in [(1,), (2,), (2, 1), (9,), (0,), (-1,), (1, 5), (1, -1)]:
        call("aten::split.Tensor", t, *args)
        call("aten::unsafe_split.Tensor", t, *args)
        call("aten::chunk", t, *args)
        call("aten::tensor_split.sections", t, *args)
    call("aten::split_copy.Tensor", t, 1)
    for sizes in [[1, 1], [2], [1, 2], [-1, 3], [], [0, 2, 0]]:
        call("aten::split.sizes", t, sizes)
        call("aten::split_with_sizes", t, sizes, -1)
        call("aten::split_with_sizes_copy", t, sizes)
        call("aten::tensor_split.indices", t, sizes)
    for n in [1, 2, 3, 0]:
        for op in ["hsplit", "vsplit", "dsplit"]:
            call("aten::%s.int" % op, t, n)
    for op in ["hsplit", "vsplit", "dsplit"]:
        call("aten::%s.array" % op, t, [1, 2])
    for d in [0, 1, -1, 5]:
        call("aten::unbind.int", t, d)
    call("aten::unbind_copy.int", t)
for by in [torch.tensor(2), torch.tensor([1, 2]), torch.tensor([1.]),
           torch.tensor([[1]]), torch.tensor(0)]:
    call("aten::tensor_split.tensor_indices_or_sections", y, by, 1)

# conversions
for dtype in [torch.float32, torch.float64, torch.int64, torch.int8,
              torch.uint8, torch.bool, torch.float16, torch.bfloat16,
              torch.complex64]:
    for t in [x, x.t(), s, e, i, b]:
        call("aten::to.dtype", t, dtype)
    call("aten::to.dtype", x.t(), dtype, copy=True)
    call("aten::to.dtype", x.t(), dtype,
         memory_format=torch.contiguous_format)
    call("aten::_to_copy", x.t(), dtype=dtype)
call("aten::to.dtype", y[:, ::2].transpose(0, 2), torch.float64)
call("aten::to.dtype", cl, torch.float32, memory_format=torch.contiguous_format)
call("aten::to.dtype", f(2, 3, 4, 5), torch.float64,
     memory_format=torch.channels_last)
call("aten::to.dtype", x, torch.float64, memory_format=torch.channels_last)
call("aten::to.dtype_layout", x, dtype=torch.int64)
call("aten::to.dtype_layout", x)
call("aten::to.device", x, torch.device("cpu"), torch.float64)
call("aten::to.other", x, i)
call("aten::to.other", x, x)
call("aten::type_as", x, i)
for t in [x, x.t(), x.expand(4, 2, 3), cl, y[:, ::2], f(2, 1)[:, :1], e3]:
    call("aten::contiguous", t)
    call("aten::clone", t)
    call("aten::clone", t, memory_format=torch.contiguous_format)
    call("aten::contiguous", t, memory_format=torch.channels_last)
    call("aten::is_contiguous", t)
    call("aten::is_contiguous.memory_format", t,
         memory_format=torch.channels_last)
    for op in ["size", "dim", "numel", "element_size", "detach", "alias",
               "is_complex", "is_floating_point", "is_signed", "is_conj",
               "is_neg", "detach_copy", "alias_copy"]:
        call("aten::" + op, t)
    call("aten::stride", t) if t is not e3 else None
for d in [0, 1, -1, 2, -3]:
    call("aten::size.int", x, d)
    call("aten::stride.int", x, d)
call("aten::size.int", s, 0)
for src in [f(3), f(2, 1), i, b, s, z, f(4), f(1, 2, 3), f(2, 2, 3)]:
    call("aten::copy_", x, src)
    call("aten::copy_", x.t().contiguous().t(), src)
    call("aten::copy", x, src)
call("aten::copy_", f(2, 1).expand(2, 3), x)
call("aten::copy_", i, torch.tensor([1.9, -1.9, 3.]))
call("aten::copy_", b, torch.tensor([0.5, 0., float("nan")]))

# complex
for t in [z, z.t(), z.conj(), x, s, torch.tensor(1 + 2j)]:
    for op in ["view_as_real", "real", "imag", "conj", "conj_physical",
               "resolve_conj", "resolve_neg", "_conj_physical"]:
        call("aten::" + op, t)
    call("aten::clone", t)
    call("aten::view", t, [-1])
call("aten::imag", z.conj())
call("aten::resolve_neg", z.conj().imag)
call("aten::clone", z.conj().imag)
call("aten::contiguous", z.conj().t())
call("aten::copy_", z, z.conj())
call("aten::copy_", z.conj(), z)
call("aten::conj_physical_", z)
for t in [f(3, 2), f(2, 3), f(3, 2)[:, ::1], f(3, 4)[:, ::2], f(3, 3)[:, :2],
          f(7)[1:].view(3, 2), s, i, f(3, 2).double(), f(3, 2).half()]:
    call("aten::view_as_complex", t)
for t in [f(2, 4), f(2, 4).double(), f(4, 2).t(), s, torch.arange(8), f(2, 3),
          z, z.conj(), f(9)[1:], f(2, 8).half()]:
    for dtype in [torch.int32, torch.float64, torch.int8, torch.float32]:
        call("aten::view.dtype", t, dtype)

# resize_ and set_
for size in [[3], [2, 2], [1], [0], [], [2, 3], [3, 2]]:
    call("aten::resize_", x, size)
    call("aten::resize_", x.t(), size)
call("aten::resize_as_", x, f(2, 2))
call("aten::set_.source_Tensor", f(1), x.t())
for t in [s, f(1), x, i, b, e, torch.tensor(2), torch.tensor(1 + 2j),
          torch.tensor([[True]]), f(1).half()]:
    call("aten::item", t)
    call("aten::is_nonzero", t)

# cat and stack
for ts in [[x, x], [x, i], [x.double(), i, b], [s, x], [x, f(2)], [x, e],
           [e, e], [e.double(), x], [x, f(2, 4)], [x.t(), x.t()], [cl, cl],
           [cl, f(2, 3, 4, 5)], [x], [], [y, y[:, 1:]], [e3, e3], [b, b],
           [x.half(), x.bfloat16()], [z.conj(), x], [x, e3], [s, s],
           [f(3), f(2)], [y.permute(2, 1, 0), y.permute(2, 1, 0)]]:
    for d in [0, 1, -1, 3]:
        call("aten::cat", ts, d)
        call("aten::stack", ts, d)
    for op in ["hstack", "vstack", "dstack", "column_stack", "row_stack"]:
        call("aten::" + op, ts)
    call("aten::block_diag", ts)
call("aten::cat.out", [x, x], 0, out=torch.zeros(4, 3))
call("aten::cat.out", [x, x], 0, out=torch.zeros(1).double())
call("aten::cat.out", [x, x], 0, out=torch.zeros(4, 3).long())
call("aten::stack.out", [x, x], 0, out=torch.zeros(3, 2, 2).transpose(0, 2))
for n in [1, 2, 3]:
    call("aten::_chunk_cat", [f(3, 2), f(2, 4)], 0, n)
for args in [(True, 1., "left"), (False, -1.), (True,)]:
    call("aten::pad_sequence", [x, f(3, 3), f(1, 3)], *args)
call("aten::pad_sequence", [])

# padding
for mode in ["constant", "reflect", "replicate", "circular", "odd"]:
    for t in [f(3), x, y, f(1, 2, 3, 4), f(1, 2, 3, 4, 5), cl,
              f(2, 0, 3), y.permute(2, 0, 1), i.view(1, 2, 3)]:
        for pad in [[1, 1], [2, 0], [0, 3], [-1, 2], [1, 1, 1, 0], [1],
                    [1, 2, -1, 1], [1, 1, 1, 1, 0, 1], [-1, -1], [-9, 1], [],
                    [0, 0], [1, 0, 0, 1, 2, 1, 1, 1]]:
            call("aten::pad", t, pad, mode)
    call("aten::pad", y, [1, 1], mode, 2.5)
for op in ["reflection", "replication"]:
    for n in [1, 2, 3]:
        for t in [x, y, f(2, 3, 4, 5), f(1, 2, 3, 4, 5), b, f(2, 0, 3)]:
            call("aten::%s_pad%dd" % (op, n), t, [1] * (2 * n))
            call("aten::%s_pad%dd" % (op, n), t, [1] * (2 * n + 1))
for args in [([1, 1],), ([1, 1], 2.5), ([-1, 1], 7), ([1, 1, 1, 1, 1, 1],),
             ([],), ([-1, 0],)]:
    for t in [x, i, b, x.t(), f(2, 3, 4)]:
        call("aten::constant_pad_nd", t, *args)

# repeats
for t in [x, x.t(), s, e3, b]:
    for r in [[2], [2, 1], [2, 1, 3], [1, 1, 1], [0, 2, 1], [2, -1], [],
              [1 << 40, 1 << 40, 1]]:
        call("aten::repeat", t, r)
    for r in [[2], [2, 1, 3], [], [0, 1]]:
        call("aten::tile", t, r)
    for args in [(2,), (0,), (-1,), (2, 0), (2, -1), (3, 1), (2, 5)]:
        call("aten::repeat_interleave.self_int", t, *args)
    for r in [torch.tensor([1, 2]), torch.tensor(2), torch.tensor([2]),
              torch.tensor([1, -1]), torch.tensor([1., 2.]),
              torch.tensor([[1, 2]]), torch.tensor([1, 0], dtype=torch.int32)]:
        call("aten::repeat_interleave.self_Tensor", t, r)
        call("aten::repeat_interleave.self_Tensor", t, r, 0) if t is not s else None
for r in [torch.tensor([1, 2]), torch.tensor([0, 3], dtype=torch.int32),
          torch.tensor(2), torch.tensor([1.])]:
    call("aten::repeat_interleave.Tensor", r)
call("aten::repeat_interleave.self_int", x, 2, 1, output_size=5)
call("aten::repeat_interleave.self_Tensor", x, torch.tensor([1, 2]), 0,
     output_size=5)
for t in [x, x.t(), y, s, e3, cl]:
    for args in [([1],), ([-1],), ([1], [0]), ([7], [1]), ([1, 2], [0, 1]),
                 ([1, 2],), ([1, 1], [0, 0]), ([], [0]), ([1], [5]),
                 ([-5], [-1])]:
        call("aten::roll", t, *args)
    for d in [[0], [1], [0, 1], [-1], [], [0, 0], [7]]:
        call("aten::flip", t, d)
    call("aten::fliplr", t)
    call("aten::flipud", t)
    for args in [(), (2,), (3,), (4,), (-1,), (1, [1, 0]), (1, [0]),
                 (1, [0, 0]), (1, [-1, 0]), (1, [0, 7])]:
        call("aten::rot90", t, *args)

# rearrangements
for t in [f(4, 2, 2), f(1, 8, 2, 3), f(2, 2, 8, 4, 6), x, f(3, 2, 2),
          f(1, 4, 4, 6).contiguous(memory_format=torch.channels_last)]:
    for r in [2, 1, 0, 3]:
        call("aten::pixel_shuffle", t, r)
        call("aten::pixel_unshuffle", t, r)
        call("aten::channel_shuffle", t, r)
        call("aten::native_channel_shuffle", t, r)
for ts in [[torch.arange(2), torch.arange(3)], [torch.arange(2)],
           [torch.arange(2), torch.tensor(5), torch.arange(3)], [],
           [torch.arange(2), torch.arange(3.)], [torch.zeros(0), f(2)]]:
    call("aten::meshgrid", ts)
    for how in ["ij", "xy", "no"]:
        call("aten::meshgrid.indexing", ts, indexing=how)
    call("aten::cartesian_prod", ts)
call("aten::cartesian_prod", [x])
for n in [0, 1, 3, 4]:
    for r in [0, 1, 2, 3, 5, -1]:
        for again in [False, True]:
            call("aten::combinations", torch.arange(n), r, again)
call("aten::combinations", x)
for t in [f(3), x, x.t(), y, s, e]:
    for o in [0, 1, -1, -2, 5]:
        call("aten::diag", t, o)
        call("aten::diagflat", t, o)
        call("aten::diag_embed", t, o)
    for args in [(0, 0, 1), (1, 0, -1), (0, 1, 1), (0, 1, 0), (0, 0, 9)]:
        call("aten::diag_embed", t, *args) if t is not s else None

# one view replaced
call("aten::select_scatter", x, f(3) + 10, 0, 1)
call("aten::select_scatter", x.t(), i[0, :2], 0, 1)
call("aten::select_scatter", x, f(2), 0, 1)
call("aten::slice_scatter", x, f(2, 2) + 10, 1, 0, 3, 2)
call("aten::slice_scatter", x, f(2), 0)
call("aten::diagonal_scatter", x, f(2) + 10, 1)
call("aten::diagonal_scatter", x, f(3))
call("aten::as_strided_scatter", x, f(2) + 10, [2], [2], 1)
for t in [x, f(3), f(3, 3, 3), f(3, 3, 2), f(7, 2), f(2, 7), x.t()]:
    for wrap in [False, True]:
        call("aten::fill_diagonal_", t, 9.5, wrap)

write("shape_cases.txt")
