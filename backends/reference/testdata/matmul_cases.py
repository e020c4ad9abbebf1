"""Cases of the matmul family: python3 matmul_cases.py writes matmul_cases.txt."""

import torch
from record import call, write

torch.manual_seed(0)


def r(*sizes, **kwargs):  # short in print
    t = torch.randn(*sizes, **kwargs) * 4
    return (torch.complex(t.real.round(), t.imag.round())
            if t.is_complex() else t.round()) / 4


DTYPES = [torch.float32, torch.float64, torch.complex64, torch.complex128,
          torch.int64, torch.int32, torch.int16, torch.int8, torch.uint8,
          torch.float16, torch.bfloat16, torch.bool]


def of(dtype, *sizes):
    if dtype.is_floating_point or dtype.is_complex:
        return r(*sizes).to(dtype) if not dtype.is_complex else r(
            *sizes, dtype=dtype)
    return torch.randint(0, 2 if dtype == torch.bool else 90, sizes).to(dtype)


for d in DTYPES:
    m = of(d, 3, 4)
    n = of(d, 4, 5)
    call("aten::mm", m, n)
    call("aten::mm", of(d, 4, 3).t(), of(d, 5, 4).t())
    call("aten::addmm", of(d, 5), m, n)
    call("aten::addmm", of(d, 3, 5), m, n, beta=2, alpha=3)
    call("aten::bmm", of(d, 2, 3, 4), of(d, 2, 4, 5))
    call("aten::baddbmm", of(d, 5), of(d, 2, 3, 4), of(d, 2, 4, 5), beta=2)
    call("aten::addbmm", of(d, 3, 5), of(d, 2, 3, 4), of(d, 2, 4, 5), alpha=2)
    call("aten::mv", m, of(d, 4))
    call("aten::addmv", of(d, 3), m, of(d, 4), beta=2, alpha=3)
    call("aten::dot", of(d, 6), of(d, 12)[::2])
    call("aten::vdot", of(d, 6), of(d, 6))
    call("aten::outer", of(d, 2), of(d, 3))
    call("aten::addr", of(d, 3), of(d, 2), of(d, 3))
    call("aten::addr", of(d, 2, 3), of(d, 2), of(d, 3), beta=2, alpha=0)
    call("aten::linear", of(d, 2, 3, 4), of(d, 5, 4), of(d, 5))
    call("aten::matmul", of(d, 2, 1, 3, 4), of(d, 5, 4, 2))
    call("aten::inner", of(d, 2, 3), of(d, 4, 3))
    call("aten::kron", of(d, 2, 3), of(d, 2, 2))
    call("aten::tensordot", of(d, 2, 3, 4), of(d, 4, 3, 2), [1, 2], [1, 0])
    call("aten::linalg_matrix_power", of(d, 2, 3, 3), 3)
    call("aten::einsum", "bij,bjk->kbi", [of(d, 2, 3, 4), of(d, 2, 4, 2)])

# sizes around the tiles, and odd strides
for m, n, k in [(1, 1, 1), (1, 33, 70), (70, 1, 33), (13, 9, 300),
                (25, 31, 8), (4, 64, 64), (64, 5, 64), (2, 3, 0), (0, 3, 2),
                (3, 0, 2)]:
    a, b = r(m, k), r(k, n)
    call("aten::mm", a, b)
    call("aten::mm", r(k, m).t(), r(n, k).t())
    call("aten::addmm", r(m, n), r(m, 2 * k)[:, ::2], r(n, k).t(), beta=0.5)
    call("aten::linear", a, r(n, k), r(n))
    call("aten::linear", a, r(n, k))
call("aten::addmm", torch.full((4,), float("nan")), r(2, 3), r(3, 4), beta=0)
call("aten::mm", r(1, 3).expand(2, 3), r(3, 1).expand(3, 4))
call("aten::addmm", r(4), r(2, 3), r(3, 4), alpha=2j)
call("aten::addmm", torch.ones(4).long(), torch.ones(2, 3).long(),
     torch.ones(3, 4).long(), beta=0.5)

# matmul over ranks
sizes = [(), (4,), (3, 4), (4, 3), (2, 3, 4), (2, 4, 5), (5, 1, 3, 4),
         (2, 4, 2), (0, 4), (2, 0, 4), (4, 0)]
for a in sizes:
    for b in sizes:
        call("aten::matmul", r(a), r(b))
call("aten::matmul", r(4, 3, 2).transpose(0, 2), r(4, 5))
call("aten::matmul", r(3, 2, 4).transpose(0, 1), r(3, 4, 5)[:1])
call("aten::matmul", r(2, 3, 4), r(4, 5).double())

f = torch.ones
for a, b in [((2, 3), (4, 5)), ((2,), (4, 5)), ((2, 3), (3,))]:
    call("aten::mm", f(a), f(b))
for other in [torch.float64, torch.int64, torch.int32, torch.bfloat16,
              torch.bool, torch.complex64, torch.uint8]:
    call("aten::mm", f(2, 3), f(3, 4).to(other))
    call("aten::bmm", f(2, 2, 3), f(2, 3, 4).to(other))
    call("aten::mv", f(2, 3), f(3).to(other))
    call("aten::dot", f(2), f(2).to(other))
    call("aten::linear", f(2, 3), f(4, 3).to(other), f(4))
    call("aten::linear", f(2, 3), f(4, 3), f(4).to(other))
    call("aten::linear", f(5, 2, 3), f(4, 3).to(other))
    call("aten::addr", f(3).to(other), f(2), f(3))
    call("aten::outer", f(2).to(other), f(3))
    call("aten::mm.out", f(2, 3), f(3, 4), out=f(2, 4).to(other))
    call("aten::outer.out", f(2), f(3), out=f(2, 3).to(other))
D = torch.float64
call("aten::addmm", f(3), f(2, 3), f(3, 4))
call("aten::addmm", f(4).to(D), f(2, 3), f(3, 4))
call("aten::addmm", f(4), f(2, 3), f(3, 4).to(D))
call("aten::addmm", f(1, 2, 4), f(2, 3), f(3, 4))
call("aten::addmm", f(4), f(3), f(3, 4))
call("aten::addmm", f(4), f(2, 3), f(3))
call("aten::addmm_", f(4), f(2, 3), f(3, 4))
call("aten::addmm_", f(1, 4), f(2, 3), f(3, 4))
call("aten::addmm_", r(2, 4), r(2, 3), r(3, 4), beta=0.5, alpha=2)
call("aten::addmm_", r(4, 2).t(), r(2, 3), r(3, 4))
call("aten::bmm", f(2, 3), f(2, 3, 4))
call("aten::bmm", f(2, 3, 4), f(2, 3))
call("aten::bmm", f(2, 3, 4), f(3, 4, 5))
call("aten::bmm", f(2, 3, 4), f(2, 5, 5))
call("aten::bmm", f(2, 0, 4), f(2, 4, 5))
call("aten::bmm", f(2, 3, 0), f(2, 0, 5))
call("aten::baddbmm", f(6), f(2, 3, 4), f(2, 4, 5))
call("aten::baddbmm", f(5).to(D), f(2, 3, 4), f(2, 4, 5))
call("aten::baddbmm_", f(5), f(2, 3, 4), f(2, 4, 5))
call("aten::baddbmm_", f(1, 3, 5), f(2, 3, 4), f(2, 4, 5))
call("aten::baddbmm_", r(2, 3, 5), r(2, 3, 4), r(2, 4, 5))
call("aten::addbmm", f(6), f(2, 3, 4), f(2, 4, 5))
call("aten::addbmm", f(5), f(2, 4), f(2, 4, 5))
call("aten::addbmm", f(5), f(2, 3, 4), f(4, 5))
call("aten::addbmm", f(5), f(2, 3, 4), f(3, 4, 5))
call("aten::addbmm", f(5), f(2, 3, 4), f(2, 5, 5))
call("aten::addbmm", f(5).to(D), f(2, 3, 4), f(2, 4, 5))
call("aten::addbmm_", r(3, 5), r(2, 3, 4), r(2, 4, 5))
call("aten::addbmm", f(5), f(0, 3, 4), f(0, 4, 5), beta=2)
for a, b in [((2, 3), (4,)), ((2,), (4,)), ((2, 3), (3, 1)), ((2, 0), (0,))]:
    call("aten::mv", f(a), f(b))
for s in [(3,), (1,), (1, 2), (), (2,)]:
    call("aten::addmv", f(s), f(2, 3), f(3))
    call("aten::addmv_", f(s), f(2, 3), f(3))
call("aten::addmv", f(2).to(D), f(2, 3), f(3))
call("aten::addmv", f(2), f(2, 3), f(4))
call("aten::addr", f(4), f(2), f(3))
call("aten::addr", f(3), f(2, 1), f(3))
call("aten::addr", f(3), f(2), f(3, 1))
i = f(3).long()
call("aten::addr", i, i, i, beta=2.5)
call("aten::addr", i, i, i, alpha=2.5)
call("aten::addr_", f(3), f(2), f(3))
call("aten::addr_", f(2, 3).long(), f(2), f(3))
call("aten::addr_", r(2, 3), r(2), r(3), beta=2, alpha=0.5)
call("aten::dot", f(2), f(3))
call("aten::dot", f(2, 1), f(3))
call("aten::vdot", f(2, 2), f(3))
call("aten::outer", f(2), f(3, 1))
call("aten::outer", f(2, 1), f(3))
call("aten::ger", f(2, 1), f(3))
call("aten::inner", f(2, 3), f(4, 2))
call("aten::inner", torch.tensor(2.), f(4, 2))
call("aten::inner", f(2, 3), f(4, 3).to(D))
call("aten::inner", f(0, 3), f(4, 3))
for inp, w, b in [((2, 3), (4, 2), (4,)), ((2, 3), (4, 3), (3,)),
                  ((2, 3), (4, 3), (1,)), ((2, 3), (4, 3), (2, 4)),
                  ((2, 3), (3,), (1,)), ((3,), (4, 3), (4,)), ((2,), (4, 3), (4,)),
                  ((5, 2, 3), (4, 2), (4,)), ((5, 2, 3), (4, 3), (3,)),
                  ((), (4, 3), (4,)), ((0, 3), (4, 3), (4,)),
                  ((2, 0), (4, 0), (4,)), ((3, 3), (2, 3, 3), None),
                  ((2, 3), (3,), None), ((5, 2, 3), (4, 2), None)]:
    call("aten::linear", f(inp), f(w), None if b is None else f(b))
call("aten::linear", r(2, 5, 3).transpose(0, 1), r(4, 3), r(4))
call("aten::linear", r(2, 5, 3, 7).transpose(0, 1).transpose(2, 3), r(4, 3),
     r(4))
call("aten::bilinear", r(2, 6, 3), r(2, 6, 4), r(5, 3, 4), r(5))
call("aten::bilinear", r(3), r(4), r(5, 3, 4))
for a, b, w, s in [((2, 3), (3, 4), (5, 3, 4), 5), ((2, 3), (2, 4), (5, 4, 4), 5),
                   ((2, 3), (2, 4), (5, 3, 5), 5), ((2, 3), (2, 4), (5, 3, 4), 6),
                   ((2, 3), (1, 2, 4), (5, 3, 4), 5)]:
    call("aten::bilinear", f(a), f(b), f(w), f(s))
for ds, do in [([1, 1], [1, 1]), ([1], [0]), ([1], [0, 1]), ([5], [0]), ([], [])]:
    call("aten::tensordot", r(2, 3), r(4, 3), ds, do)
call("aten::tensordot", r(2, 1), r(4, 3), [1], [1])
call("aten::tensordot", r(2, 3), r(4, 3).to(D), [1], [1])
call("aten::kron", r(2), r(4, 5))
call("aten::kron", r(2), f(2, 3).long())
call("aten::kron", torch.tensor(2.), torch.tensor(3))
for n in [0, 1, 2, 3, 5, -1, -2]:
    call("aten::matrix_power", r(2, 3, 3), n)
call("aten::matrix_power", f(2, 3), 2)
call("aten::matrix_power", f(3, 3), -1)
call("aten::matrix_power", f(3), 2)
call("aten::matrix_power", f(3, 3).long(), -1)
call("aten::linalg_multi_dot", [r(3), r(3, 4), r(4)])
call("aten::linalg_multi_dot", [r(3, 2), r(2, 4), r(4, 5), r(5, 2)])
for shapes in [[(2, 3)], [(3,), (3, 4), (5,)], [(2, 3), (3, 4, 1), (5,)],
               [(2, 3, 4), (4,)]]:
    call("aten::linalg_multi_dot", [f(s) for s in shapes])
call("aten::linalg_multi_dot", [f(2, 3), f(3, 4).to(D), f(4)])
call("aten::chain_matmul", [r(2, 3), r(3, 4), r(4, 5)])
call("aten::chain_matmul", [])
call("aten::chain_matmul", [f(3)])
call("aten::chain_matmul", [f(2, 3), f(3, 4), f(3, 5)])
call("aten::linalg_vecdot", r(2, 3), r(1, 3))
call("aten::linalg_vecdot", of(torch.complex64, 2, 3), of(torch.complex64, 2, 3), dim=0)
call("aten::linalg_vecdot", f(2, 3), f(2, 4))
call("aten::linalg_vecdot", f(2, 3).long(), f(2, 3).long())
call("aten::_addmm_activation", r(4), r(2, 3), r(3, 4))
call("aten::_addmm_activation", r(4), r(2, 3), r(3, 4), use_gelu=True)
call("aten::_trilinear", r(2, 3), r(3, 4), r(4, 2), [2], [0], [1], [1])
for e, shapes in [("ij,jk", [(2, 3), (3, 4)]), ("ij->", [(2, 3)]),
                  ("ii->i", [(3, 3)]), ("ii", [(3, 3)]), ("ba", [(2, 3)]),
                  ("i,j->ij", [(3,), (2,)]),
                  ("...ij,...jk->...ik", [(5, 2, 3), (3, 4)]),
                  ("bhid,bhjd->bhij", [(2, 2, 3, 5), (2, 2, 3, 5)]),
                  ("ij,jk,kl->il", [(2, 3), (3, 4), (4, 5)]),
                  ("i,j,k->ijk", [(2,), (3,), (4,)]), ("ij,ij->ij", [(2, 1), (1, 3)]),
                  ("ij,ij->i", [(2, 3), (2, 3)]), ("...i->...", [(2, 3, 4)]),
                  ("...i->i", [(2, 3, 4)]), ("...,...->...", [(2, 3), (3,)]),
                  (" i j , j k -> i k ", [(2, 3), (3, 4)]), ("->", [()]),
                  ("iJ,Jk", [(2, 3), (3, 4)]), ("ij,jk->ikl", [(2, 3), (3, 4)]),
                  ("ij,jk->ii", [(2, 3), (3, 4)]), ("ij,jk", [(2, 3), (5, 4)]),
                  ("ij", [(2, 3), (5, 4)]), ("ij,jk", [(2, 3)]), ("ijk", [(2, 3)]),
                  ("i", [(2, 3)]), ("i1", [(2, 3)]), ("ii", [(2, 3)]),
                  ("i..j", [(2, 3)]), ("i...j...", [(2, 3)]), ("ij->i...", [(2, 3)]),
                  ("ij->i->j", [(2, 3)]), ("ij->i,j", [(2, 3)]), ("", [(2,)]),
                  ("ij", []), ("abc,cd,bd->a", [(2, 3, 4), (4, 5), (3, 5)])]:
    call("aten::einsum", e, [r(s) for s in shapes])
call("aten::einsum", "ij,jk,kl->il", [r(2, 3), r(3, 4), r(4, 5)], path=[1, 2, 0, 1])
call("aten::einsum", "i,i", [f(3), f(3).to(D)])
write("matmul_cases.txt")
