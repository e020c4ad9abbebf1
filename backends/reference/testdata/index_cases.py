"""Cases of the index family: writes index_cases.txt."""

import torch
from record import call, write

inf, nan = float("inf"), float("nan")
x = torch.arange(6.).reshape(2, 3)
y = torch.arange(24.).reshape(2, 3, 4)
w = torch.arange(120.).reshape(2, 3, 4, 5).permute(3, 1, 2, 0)
s = torch.tensor(2.5)
i32 = lambda *a: torch.tensor(a, dtype=torch.int32)
L = lambda *a: torch.tensor(a, dtype=torch.long)
b1 = torch.tensor([True, False])
b2 = torch.tensor([[True, False, True], [False, False, True]])
d2 = L(0, 1, 0, 1).view(2, 2)
e = torch.zeros(0, dtype=torch.long)

# advanced indexing
plans = [
    [L(0)], [L(1, 0, 1)], [L(-1)], [L(5)], [L(-3)], [d2], [torch.tensor(1)],
    [None, L(0, 2)], [None, L(7)], [L(0, 1), L(0, 2)], [L(0, 1), L(0, -4)],
    [L(0, 1), L(0, 1, 2)], [d2, L(0, 1)], [d2.view(2, 2, 1), L(0, 1)],
    [b1], [b2], [None, torch.tensor([True, False, True])],
    [torch.tensor([True])], [i32(1)], [torch.tensor([1.])],
    [torch.tensor([1, 0], dtype=torch.uint8)], [e], [None, e], [L(0), e],
    [L(0), L(0), L(0)], [L(0), L(0), L(0), L(0)], [L(0), L(0), L(0), L(0), L(0)],
    [L(0, 1), None, L(0, 1)], [None, L(0, 1), L(0, 1)], [L(0, 1), None, d2],
    [None, None, L(1, 2)], [b1, None, L(0)], [None, d2, None, L(0, 1)],
    [b1, L(0)], [b2, L(0, 1, 2)], [torch.zeros(2, 4, dtype=torch.bool)],
    [L(0).expand(3)], [d2.t(), None], [None, None],
]
for t in [x, x.t(), y, y.transpose(0, 2), w, s, torch.zeros(0, 3),
          torch.zeros(2, 0), x > 2, x.int(), x * 1j, y[:, ::2]]:
    for p in plans:
        if all(q is None for q in p):
            continue
        call("aten::index.Tensor", t, p)
for t in [x, x.t(), y, y.transpose(0, 2), s]:
    for p in plans:
        if all(q is None for q in p):
            continue
        for v in [torch.tensor(9.), torch.tensor([7., 8.]),
                  torch.tensor([[5.]]), torch.tensor(3)]:
            for add in [False, True]:
                call("aten::index_put", t, p, v, add)
                call("aten::index_put_", t, p, v, add)
call("aten::index_put_", x.int(), [L(0, 0)], i32(1, 2, 3), True)
call("aten::index_put_", x > 2, [L(0, 1)], torch.tensor(True), True)
call("aten::index_put_", x * 1j, [b1], torch.tensor(1j), True)
call("aten::index_put_", x, [x > 2], torch.tensor([1, 2, 3]))
call("aten::index_put_", x.int(), [x > 2], torch.tensor(1.5))
call("aten::_unsafe_masked_index", x, torch.tensor([True, False]), [L(0, 9)], 7)

# along a dim
for t in [x, x.t(), y, s, torch.zeros(0, 3), torch.zeros(2, 0), b2, x.half()]:
    for d in [0, 1, -1, 3]:
        for q in [L(0), L(1, 0, 1), L(5), L(-1), i32(1), torch.tensor(0), d2,
                  torch.tensor([0.]), e]:
            call("aten::index_select", t, d, q)
            if -t.dim() <= d < t.dim() and t.size(d) == 0:
                continue
            call("aten::index_fill.int_Scalar", t, d, q, 7)
            call("aten::index_fill_.int_Scalar", t, d, q, 7)
call("aten::index_fill.int_Scalar", x, 0, L(0), 1j)
call("aten::index_fill.int_Scalar", x.int(), 0, L(0), 1.5)
call("aten::index_fill.int_Scalar", x.int().to(torch.uint8), 0, L(0), 300)
call("aten::index_fill.int_Tensor", x, 0, L(0), torch.tensor(3))
call("aten::index_fill.int_Tensor", x, 0, L(0), torch.tensor([3]))
targets = [(x, 0, x + 1), (x.t(), 0, x.t() + 1), (x, 1, x + 1), (y, 1, y + 1),
           (s, 0, s), (x, 0, x.int()), (x, 0, torch.zeros(2, 4)),
           (x, 0, torch.zeros(2)), (x, -1, x[:, :2]), (x.int(), 0, x.int() + 1),
           (x > 2, 0, x > 1), (x, 0, torch.zeros(0, 3)), (x, 5, x),
           (x[0], 0, torch.tensor([5., 6.])), (x, 0, s), (x.half(), 0, x.half()),
           (x * 1j, 0, x * 1j + 1)]
for t, d, src in targets:
    bad = [L(0, 5), L(-1, 0)] if t.is_floating_point() else []
    for q in [L(0, 0), L(1, 0), L(0), *bad, i32(0, 1),
              torch.tensor([0., 1.]), L(0, 1).view(1, 2), torch.tensor(0), e,
              L(0, 1, 1)]:
        call("aten::index_add", t, d, q, src)
        call("aten::index_copy", t, d, q, src)
        for how in ["prod", "mean", "amax", "amin"]:
            for own in [True, False]:
                call("aten::index_reduce", t, d, q, src, how, include_self=own)
call("aten::index_add", x, 0, L(0, 0), x, alpha=2.5)
call("aten::index_add", x.int(), 0, L(0, 0), x.int(), alpha=2)
call("aten::index_add_", x.t(), 1, L(0, 0), torch.ones(3, 2))
call("aten::index_reduce", x, 0, L(0, 1), x, "sum")

# gather and scatter
t34 = torch.tensor([[1, 0, 0]])
indices = [t34, L(0, 1, 1).view(1, 3), d2, torch.tensor([[5, 0, 0]]),
           torch.tensor([[-1, 0, 0]]), L(0), e, torch.zeros(1, 4).long(),
           torch.zeros(5, 2).long(), t34.int(), t34.float(), torch.tensor(0),
           torch.zeros(3, 2).long().t(), torch.zeros(1, 1, 1).long()]
for t in [x, x.t(), y, s, x[0], x.int(), x > 2, x.half(), x * 1j]:
    for d in [0, 1, -1, 4]:
        for q in indices:
            call("aten::gather", t, d, q)
            call("aten::scatter.src", t, d, q, t + t)
            call("aten::scatter.value", t, d, q, 1)
            call("aten::scatter_add", t, d, q, t + t)
for q in [t34, d2]:
    for own in [True, False]:
        for how in ["sum", "prod", "mean", "amax", "amin", "no"]:
            for t in [x - 2, x.int() - 3, x > 2, x.half(), x * 1j,
                      torch.tensor([[nan, 1., inf], [2., nan, -inf]])]:
                call("aten::scatter_reduce.two", t, 0, q, t.flip(0), how,
                     include_self=own)
                call("aten::scatter_reduce_.two", t, 1, q, t.flip(0), how,
                     include_self=own)
for how in ["add", "multiply", "no"]:
    call("aten::scatter.reduce", x, 0, t34, x + 1, reduce=how)
    call("aten::scatter.value_reduce", x, 0, t34, 2, reduce=how)
    call("aten::scatter_.value_reduce", x.t(), 0, d2, 2, reduce=how)
call("aten::scatter.src", x, 0, t34, x.int())
call("aten::scatter.src", x, 0, t34, torch.zeros(1, 2))
call("aten::scatter_.src", x, 1, d2, x + 5)
call("aten::scatter_add_", x.t(), 1, d2, torch.ones(3, 2))
for args in [(L(0, 1).view(2, 1), 1), (L(0, 1).view(1, 2), 0), (L(0, 5),),
             (L(0), 1), (torch.tensor([[0.]]), 1), (L(0, 1, 1).view(3, 1), 1),
             (torch.zeros(2, 1).int(), 1), (d2, 1), (d2, -1), (d2, 0)]:
    call("aten::take_along_dim", x, *args)
for q in [L(0, 5, -1), L(6), L(-7), torch.tensor([1.]), i32(1), d2, d2.t(),
          torch.tensor(3), e]:
    for t in [x, x.t(), torch.zeros(0), s]:
        call("aten::take", t, q)
        for add in [False, True]:
            call("aten::put", t, q, torch.arange(float(q.numel())) + 1, add)
            call("aten::put_", t, q, torch.ones(q.shape), add)
call("aten::put", x, L(0), L(1))

# masks
for t in [x, x.t(), x[0], s, x.int(), torch.zeros(0, 3), x * 1j]:
    for m in [x > 2, b2, torch.tensor([True, False, True]), b1,
              torch.tensor(True), torch.tensor([1, 0, 1]),
              torch.tensor([[True], [False]]),
              torch.tensor([1, 0, 1], dtype=torch.uint8)]:
        call("aten::masked_select", t, m)
        for src in [torch.arange(10.), torch.arange(2.), torch.arange(9)]:
            call("aten::masked_scatter", t, m, src)
            if t.dim() >= m.dim():
                call("aten::masked_scatter_", t, m, src)
for t in [x, x.t(), y, s, torch.tensor(0.), torch.zeros(0, 3), b2, x.int(),
          torch.tensor([nan, 0., -0.]), x * 1j, torch.zeros(2, 2)]:
    call("aten::nonzero", t)
    call("aten::nonzero_numpy", t)
    call("aten::where", t)
    call("aten::argwhere", t)
    for n in [0, 3, 8, -1]:
        call("aten::nonzero_static", t, size=n)
call("aten::nonzero_static", x, size=8, fill_value=7)
call("aten::nonzero.out", x, out=torch.zeros(0))
call("aten::nonzero.out", x, out=torch.zeros(0, dtype=torch.long))

# tables
table = torch.arange(12.).reshape(4, 3)
for t in [table, table.t(), table.half(), table.long(), table[0], y]:
    for q in [L(0, 3), L(4), L(-1), i32(1), torch.tensor([1.]), torch.tensor(1),
              d2, e, torch.tensor([1], dtype=torch.int16)]:
        call("aten::embedding", t, q)
for args in [(1., 2.), (5., 1.), (3., inf), (0., 2.)]:
    call("aten::embedding_renorm_", table, L(0, 3, 3), *args)
    call("aten::embedding_renorm_", table.half(), L(0, 3, 3), *args)
call("aten::embedding_renorm_", table, L(5), 1., 2.)
call("aten::embedding_renorm_", table, torch.tensor([0.]), 1., 2.)
call("aten::embedding_renorm_", table[0], L(0), 1., 2.)
q4 = L(0, 1, 2, 3)
for t in [table, table.t(), table.double(), table.half(), table.int(), table[0]]:
    for mode in [0, 1, 2]:
        for offsets in [L(0, 2), L(0, 2, 2, 4), L(1, 2), L(0, 5), L(0), e,
                        i32(0, 2), torch.tensor([0., 2.])]:
            # Worse offsets end PyTorch's process.
            good = offsets.tolist() in ([0, 2], [0, 2, 2, 4], [0])
            if not good and (t is not table or mode != 0 or not offsets.numel()):
                continue
            covers = t is table and offsets.numel() == 4
            for last in [False, True] if covers else [False]:
                call("aten::embedding_bag", t, q4 % 3, offsets, False, mode,
                     False, None, last)
            for pad in [1, -1, 9, None] if good else []:
                call("aten::embedding_bag.padding_idx", t, L(0, 1, 1, 1),
                     offsets, False, mode, False, None, False, pad)
for weights in [torch.tensor([1., 2., 3., 4.]), torch.tensor([1, 2, 3, 4])]:
    for mode in [0, 1]:
        call("aten::embedding_bag", table, q4, L(0, 2), False, mode, False,
             weights)
call("aten::embedding_bag", table, e, L(0))
call("aten::embedding_bag", table, e, L(0), False, 2)
call("aten::embedding_bag", table, i32(0, 1), i32(0, 1), False, 1)
call("aten::_embedding_bag", table, q4, L(0, 2), False, 1)

# counts
for args in [(x,), (L(-1),), (L(0, 3), None, -1), (L(0, 3), torch.ones(3)),
             (L(0, 3, 3), torch.tensor([1., 2, 3])), (L(0, 3, 3), L(1, 2, 3)),
             (e, None, 3), (torch.tensor([1.]),), (L(0, 3), None, 6),
             (torch.tensor([1, 1], dtype=torch.uint8),), (d2,),
             (L(0, 3, 3), torch.tensor([1., 2, 3]).half()), (i32(2, 2),)]:
    call("aten::bincount", *args)
for args in [(4,), (0,), (4, 1, 3), (4, 3, 1), (3, 0, inf),
             (5, -1., 7.), (1,)]:
    for t in [x, x.double(), x.long(), torch.zeros(0), torch.tensor([1., 1.]),
              torch.tensor([1., nan]), x.half(), s]:
        if not (args[1:] in [(), (2, 2)] and t.isnan().any()):
            call("aten::histc", t, *args)
            call("aten::histogram.bin_ct", t, args[0])
call("aten::histogram.bin_ct", x, 4, range=[0., 10.])
call("aten::histogram.bin_ct", x, 4, range=[5., 1.])
call("aten::histogram.bin_ct", x, 4, weight=x)
call("aten::histogram.bin_ct", x, 4, weight=x[0])
call("aten::histogram.bin_ct", x, 4, weight=x.double())
call("aten::histogram.bin_ct", x, 4, density=True)
call("aten::histogram.bin_ct", x, 7)
call("aten::histogram.bin_ct", x.double(), 7, range=[0.1, 3.3])
for edges in [torch.tensor([0., 1, 5]), torch.tensor([0, 1, 5]),
              torch.tensor([[0., 1, 5]]), torch.tensor([1.]), torch.zeros(0),
              torch.tensor([0., 2.5, 2.5, 9])]:
    call("aten::histogram.bins_tensor", x, edges)
    call("aten::histogram.bins_tensor", x, edges, weight=x + 1, density=True)
call("aten::histogramdd", x, [2, 2, 2])
call("aten::histogramdd", x, [2, 2])
call("aten::histogramdd.int_bins", x, 2, density=True)
call("aten::histogramdd.TensorList_bins", x, 
     [torch.tensor([0., 3., 9.]) for _ in range(3)])
call("aten::histogramdd", torch.zeros(3), [2])

# places
seq = torch.tensor([1., 3, 3, 5])
for q in [x, x.t(), x.long(), torch.tensor(3.), torch.tensor([nan, inf, -inf]),
          torch.zeros(0)]:
    for right in [False, True]:
        call("aten::searchsorted.Tensor", seq, q, right=right)
        call("aten::bucketize.Tensor", q, seq, right=right)
        call("aten::searchsorted.Tensor", seq.long(), q, right=right,
             out_int32=True)
    for side in ["left", "right", "no"]:
        call("aten::searchsorted.Tensor", seq, q, side=side)
for a, q in [(x, x), (x, seq), (x, s), (s, x), (torch.zeros(0), x),
             (torch.zeros(2, 0), x), (b1, b1), (y, y[:, :, :2]),
             (torch.tensor([1., nan]), torch.tensor([nan, 2.])),
             (x.half(), x.half())]:
    call("aten::searchsorted.Tensor", a, q)
    call("aten::bucketize.Tensor", q, a)
call("aten::searchsorted.Tensor", seq, x, right=True, side="left")
for order in [L(1, 2, 0), L(1, 2), torch.tensor([1., 2, 0]), L(1, 2, 9)]:
    call("aten::searchsorted.Tensor", torch.tensor([5., 1, 3]), x, sorter=order)
for v in [2, 3, 2.5, 9]:
    call("aten::searchsorted.Scalar", seq, v)
    call("aten::searchsorted.Scalar", seq.long(), v, right=True)
    call("aten::bucketize.Scalar", v, seq)
    call("aten::bucketize.Scalar", v, seq.long())
call("aten::searchsorted.Scalar", x, 2)
call("aten::searchsorted.Tensor_out", seq, x, out=torch.zeros(2, 3))
call("aten::searchsorted.Tensor_out", seq, x, out=torch.zeros(1).long())

# distinct ones
u = torch.tensor([[3., 1], [1, 2], [3., 1]])
for t in [u, u.t(), torch.tensor([nan, 1, nan, 0]), b2, torch.zeros(0), s,
          torch.tensor([2, 1, 1], dtype=torch.uint8), u.half(), u.long(),
          torch.tensor([1, 1, 2, 2, 1]), torch.zeros(0, 2), torch.zeros(2, 0),
          torch.tensor([0., -0., 1]), y % 3, torch.tensor([inf, -inf, 1, inf])]:
    for flags in [(True, False, False), (True, True, True),
                  (False, True, True), (True, False, True)]:
        call("aten::_unique2", t, *flags)
        call("aten::unique_consecutive", t, *flags[1:])
        for d in [0, 1, -1, 4]:
            call("aten::unique_dim", t, d, *flags)
            call("aten::unique_dim_consecutive", t, d, *flags[1:])
            call("aten::unique_consecutive", t, *flags[1:], d)
    call("aten::_unique", t)
    call("aten::_unique", t, True, True)
call("aten::_unique2", u * 1j)

# differences
for t in [x, x.t(), y, s, b2, x.int(), x.half(), torch.zeros(0, 3), x * 1j]:
    for args in [(), (0,), (-1,), (2,), (5,), (1, 0), (1, 7), (1, -2)]:
        call("aten::diff", t, *args)
for more in [(torch.zeros(2, 1),), (torch.zeros(2, 1), torch.zeros(2, 2)),
             (torch.zeros(2),), (torch.zeros(3, 1),), (None, torch.ones(2, 1)),
             (torch.zeros(2, 1).int(),)]:
    call("aten::diff", x, 1, -1, *more)
for a, c, d in [(x, x + 1, None), (x, x, 0), (x, x, 1), (x.t(), x.t() + 1, None),
                (torch.zeros(2, 2), torch.zeros(2, 2), None), (x, x[0], None),
                (x, x.int(), None), (x, torch.zeros(2, 4), None), (x, x, 5),
                (x[:1], x + 1, 1), (x.int(), x.int() + 1, -1),
                (x * 1j, x + 1j, 1), (y, y + 1, None)]:
    call("aten::cross", a, c, d)
call("aten::linalg_cross", x, x[:1] + 2)

write("index_cases.txt")
