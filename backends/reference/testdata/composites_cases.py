"""Cases of composites: python3 composites_cases.py writes composites_cases.txt."""

import warnings

import torch
from record import call, write

warnings.simplefilter("ignore")
t = torch.tensor
nan = float("nan")
v = t([1.5, -2.0, 0.25, 3.0, -0.5])
m = t([[1.5, -2.0, 0.25, 3.0], [-1.0, 0.0, 2.5, -0.5], [4.0, 1.0, -3.5, 0.75]])
i = t([[3, -1, 2], [0, 5, -7]])
z = torch.complex(m[:2, :3], m[1:, 1:])
s = t(2.5)
b = t([[True, False, True], [False, False, True]])
f = t([1, 2, 0, 3])
w = t([0.5, 1.0, 0.25, 2.0])
y = (torch.arange(24.0).reshape(2, 3, 4) * 7 % 11 - 5) / 4

for x in [v, m, m.t(), m.double(), m.half(), m.bfloat16(), i, z, s, b, y]:
    call("aten::cov", x)
    call("aten::corrcoef", x)
    call("aten::cov", x, correction=0)
for x in [m, i.repeat(1, 2)[:, :4], m.double()]:
    call("aten::cov", x, correction=1, fweights=f)
    call("aten::cov", x, correction=1, aweights=w)
    call("aten::cov", x, correction=2, fweights=f, aweights=w)
for weights in [dict(fweights=w), dict(aweights=f), dict(fweights=f[:3]),
                dict(fweights=-f), dict(aweights=w * 0)]:
    call("aten::cov", m, **weights)

for x in [v, m, m.double(), m.half(), i, z, s, b, y, torch.zeros(2, 0)]:
    for dim in [-1, 0]:
        call("aten::trapezoid.dx", x, dim=dim)
        call("aten::trapezoid.dx", x, dx=0.5, dim=dim)
        call("aten::cumulative_trapezoid.dx", x, dx=0.5, dim=dim)
        call("aten::trapezoid.x", x, x, dim=dim)
        call("aten::cumulative_trapezoid.x", x, x, dim=dim)
call("aten::trapezoid.x", m, w)
call("aten::trapezoid.x", m, w, dim=0)
call("aten::trapezoid.x", y, m)
call("aten::cumulative_trapezoid.x", m, w)
call("aten::trapz.dx", m, dx=2.0)
call("aten::trapz.x", m, w)
call("aten::trapezoid.dx", m, dx=1j)

for x in [v, m, m.double(), m.half(), z, s, y]:
    call("aten::gradient.scalarint", x)
    call("aten::gradient.scalarint", x, spacing=0.5, edge_order=2)
    call("aten::gradient.scalarint", x, spacing=2, dim=0)
call("aten::gradient.scalararray", y, spacing=0.5, dim=[0, -1])
call("aten::gradient.array", y, dim=[1, 2])
call("aten::gradient.scalarrayint", m, spacing=[0.5, 2.0])
call("aten::gradient.scalarrayint", m, spacing=[0.5, 2.0, 1.0])
call("aten::gradient.scalarrayarray", m, spacing=[0.5, 2.0], dim=[1, 0])
call("aten::gradient.scalarrayarray", m, spacing=[0.5, 2.0], dim=[1])
uneven = t([0.0, 1.0, 3.0, 4.0, 7.0])
call("aten::gradient.tensorarrayint", v, spacing=[uneven])
call("aten::gradient.tensorarrayint", v, spacing=[uneven], edge_order=2)
call("aten::gradient.tensorarray", m, spacing=[w.cumsum(0)], dim=[1],
     edge_order=2)
call("aten::gradient.tensorarrayint", m, spacing=[m, m])
call("aten::gradient.scalararray", m, spacing=1.0, dim=[1, 1])
call("aten::gradient.array", m, dim=[3])
call("aten::gradient.scalarint", m, edge_order=3)
call("aten::gradient.scalarint", m.to(torch.uint8))

for e in [v, m.double(), m.half(), i, i.to(torch.uint8), b, z, s]:
    for x in [t([1.5, 3.0, nan]), t([3, 5]), t([], dtype=torch.float32)]:
        call("aten::isin.Tensor_Tensor", e, x)
        call("aten::isin.Tensor_Tensor", e, x, invert=True)
    call("aten::isin.Tensor_Scalar", e, 3)
    call("aten::isin.Scalar_Tensor", 3, e)
    call("aten::isin.Tensor_Scalar", e, 1.5, invert=True)
call("aten::isin.Tensor_Tensor", t([nan, 1.0]), t([nan, 1.0]))

rows = torch.arange(20.0).reshape(5, 4) * 3 % 7 - 2
for how in ["sum", "mean", "max", "min", "prod", "median"]:
    for x in [rows, rows.double(), rows.half(), rows.long()]:
        call("aten::segment_reduce", x, how, lengths=t([2, 0, 3]))
        call("aten::segment_reduce", x, how, offsets=t([0, 2, 2, 5]), initial=1)
call("aten::segment_reduce", rows, "sum", lengths=t([[1, 3]] * 5), axis=1)
call("aten::segment_reduce", rows, "sum", lengths=t([1, 3]), axis=1)
call("aten::segment_reduce", rows, "sum", lengths=t([1, 3]))
call("aten::segment_reduce", rows, "sum", lengths=t([1, 3]), unsafe=True)
call("aten::segment_reduce", rows, "sum", lengths=t([6, -1]))
call("aten::segment_reduce", rows, "sum")
call("aten::segment_reduce", t([1.0, nan, 2.0]), "max", lengths=t([3]))

for x in [v, m.double(), m.half(), i, i.to(torch.int8), b, s, torch.zeros(2, 0)]:
    call("aten::hash_tensor", x)
    call("aten::hash_tensor", x, [-1])
    call("aten::hash_tensor", x, [-1], keepdim=True)
call("aten::hash_tensor", v, mode=1)
call("aten::hash_tensor", z)

for x in [m, m.double(), m.half()]:
    p = torch.softmax(x, 1)
    call("aten::_softmax_backward_data", x, p, 1, x.dtype)
    call("aten::_log_softmax_backward_data", x, p.log(), 1, x.dtype)
    call("aten::_softmax_backward_data", x, p, 0, x.dtype)

write("composites_cases.txt")
