"""Cases of the linalg family: python3 linalg_cases.py writes linalg_cases.txt.

Vectors whose sign or phase is free are not compared: spatial_test.cc puts the
matrices together again.
"""

import torch
from record import call, write

torch.manual_seed(0)


def r(*s, dtype=torch.float32):
    if dtype.is_complex:
        return torch.complex(r(*s), r(*s)).to(dtype)
    return (torch.randn(s) * 8).round().div(8).to(dtype)


TYPES = (torch.float32, torch.float64, torch.complex64, torch.complex128)
for d in TYPES:
    for a in (r(3, 3, dtype=d), r(2, 2, 2, dtype=d), r(1, 1, dtype=d)):
        call("aten::linalg_det", a)
        call("aten::linalg_slogdet", a)
        call("aten::logdet", a)
        call("aten::linalg_inv", a)
        call("aten::linalg_matrix_exp", a)
        call("aten::linalg_svdvals", a)
        call("aten::linalg_eigvalsh", a)
        call("aten::linalg_eigvalsh", a, "U")
        n = a.size(-1)
        for b in (r(n, 3, dtype=d), r(2, n, 1, dtype=d)):
            call("aten::linalg_solve", a, b)
        if not d.is_complex:
            call("aten::linalg_solve", a, r(4, n, dtype=d), left=False)
        for upper in (False, True):
            call("aten::linalg_solve_triangular", a, r(n, 2, dtype=d),
                 upper=upper)
            call("aten::linalg_solve_triangular", a, r(2, n, dtype=d),
                 upper=upper, left=False, unitriangular=True)
        s = a @ a.mH + torch.eye(n, dtype=d)
        for upper in (False, True):
            call("aten::linalg_cholesky", s, upper=upper)
            f = torch.linalg.cholesky(s, upper=upper)
            call("aten::cholesky_solve", r(n, 2, dtype=d), f, upper)
            call("aten::cholesky_inverse", f, upper)
    for a in (r(4, 2, dtype=d), r(2, 4, dtype=d), r(2, 3, 3, dtype=d)):
        for mode in ("reduced", "complete", "r", "x"):
            call("aten::linalg_qr", a, mode)
        call("aten::linalg_lu", a)
        call("aten::linalg_lu_factor", a)
        call("aten::linalg_lu_factor_ex", a)
        call("aten::geqrf", a)
        call("aten::linalg_pinv.atol_rtol_float", a)
        call("aten::linalg_matrix_rank.atol_rtol_float", a)
        call("aten::linalg_svdvals", a)
    call("aten::linalg_svdvals", torch.ones(4, 3, dtype=d))
    call("aten::linalg_pinv.atol_rtol_float", torch.ones(4, 3, dtype=d))
    call("aten::linalg_matrix_rank.atol_rtol_float", torch.ones(4, 3, dtype=d))
zero = torch.zeros(2, 2)
many = torch.stack([torch.eye(2), zero])
for a in (zero, many):
    call("aten::linalg_inv", a)
    call("aten::linalg_solve", a, torch.ones(2, 1))
    call("aten::linalg_cholesky", a)
    call("aten::linalg_det", a)
    call("aten::linalg_slogdet", a)
for op in ("linalg_inv", "linalg_det", "linalg_cholesky", "linalg_eigh"):
    call("aten::" + op, torch.ones(2, 3))
    call("aten::" + op, torch.ones(2))
    call("aten::" + op, torch.ones(2, 2, dtype=torch.int64))
    call("aten::" + op, torch.ones(2, 2).half())
call("aten::linalg_solve", torch.eye(2), torch.ones(3, 1))
call("aten::linalg_solve", torch.eye(2), torch.ones(2, 1).double())
write("linalg_cases.txt")
