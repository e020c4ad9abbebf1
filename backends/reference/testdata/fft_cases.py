"""Cases of the fft family: python3 fft_cases.py writes fft_cases.txt."""

import torch
from record import call, write

torch.manual_seed(0)


def r(*s, dtype=torch.float32):
    return (torch.randn(s) * 8).round().div(8).to(dtype)


def c(*s, dtype=torch.complex64):
    return torch.complex(r(*s), r(*s)).to(dtype)


x, z = r(2, 3, 4), c(2, 3, 4)
t, tz = r(4, 5).t(), c(3, 4, 2).permute(2, 0, 1)
LENGTHS = [1, 2, 3, 4, 5, 6, 7, 8, 9, 12, 15, 16, 22, 25, 26, 31, 45, 49, 60,
           61, 64, 67, 74, 101, 128, 134, 169, 211]
for n in LENGTHS:
    call("aten::fft_fft", c(n))
    call("aten::fft_ifft", c(n, dtype=torch.complex128))
    call("aten::fft_rfft", r(n, dtype=torch.float64))
    call("aten::fft_irfft", c(n // 2 + 1), n)
ONE = ["fft_fft", "fft_ifft", "fft_rfft", "fft_irfft", "fft_hfft",
       "fft_ihfft"]
for op in ONE:
    for a in (x, z, x.double(), z.to(torch.complex128), t, tz, x.int(),
              z.conj(), x.half(), torch.tensor(1.0), r(2, 0)):
        for dim in (-1, 0):
            call("aten::" + op, a, None, dim)
        for norm in ("forward", "backward", "ortho", "x"):
            call("aten::" + op, a, None, -1, norm)
        for n in (2, 3, 7, 0):
            call("aten::" + op, a, n)
    call("aten::" + op, x, None, 5)
    call("aten::" + op + ".out", x, out=torch.empty(0))
    call("aten::" + op + ".out", x, out=torch.empty(0, dtype=torch.complex64))
MANY = ["fft_fftn", "fft_ifftn", "fft_rfftn", "fft_irfftn", "fft_hfftn",
        "fft_ihfftn"]
for op in MANY:
    for a in (x, z.to(torch.complex128), t, tz):
        for s, dim in ((None, None), (None, [0, 1]), (None, [1, 0]),
                       ([3, 5], None), ([2, -1], [1, 0]), ([2], [0, 1]),
                       ([2, 2, 2, 2], None), (None, [0, 0]), (None, [7]),
                       ([0], [0])):
            call("aten::" + op, a, s, dim)
        for norm in ("forward", "ortho"):
            call("aten::" + op, a, None, None, norm)
    call("aten::" + op, x, None, [])
    two = "aten::" + op[:-1] + "2"
    call(two, x)
    call(two, x, [3, 2], [0, 2], "ortho")
for dims in ([0], [1], [0, 2], [2, 0], [0, 1, 2], [2]):
    for norm in (0, 1, 2):
        call("aten::_fft_c2c", z, dims, norm, True)
        call("aten::_fft_c2c", tz, dims, norm, False)
        call("aten::_fft_r2c", x, dims, norm, True)
        call("aten::_fft_r2c", x, dims, norm, False)
        n = z.size(dims[-1])
        call("aten::_fft_c2r", z, dims, norm, 2 * n - 1)
        call("aten::_fft_c2r", z, dims, norm, 2 * n - 2)
call("aten::_fft_c2c", x, [0], 0, True)
call("aten::_fft_r2c", z, [0], 0, True)
for n in (0, 1, 4, 5):
    for op in ("aten::fft_fftfreq", "aten::fft_rfftfreq"):
        call(op, n, 0.25) if n else None
        call(op, n, 2.0, dtype=torch.float64) if n else None
        call(op, 4, 1.0, dtype=torch.int64)
        call(op, -1, 1.0)
for op in ("aten::fft_fftshift", "aten::fft_ifftshift"):
    call(op, x)
    call(op, r(5, 3), [0])
    call(op, x.int(), [1, 2])
    call(op, t, [-1])
    call(op, x, [9])

w, s = torch.hann_window(8), r(2, 30)
for kw in ({}, dict(onesided=False), dict(normalized=True),
           dict(hop_length=3), dict(win_length=6),
           dict(win_length=5, window=w[:5]), dict(window=w),
           dict(align_to_window=True, win_length=6, window=w[:6]),
           dict(align_to_window=True, win_length=5),
           dict(hop_length=0), dict(win_length=9), dict(window=w[:3]),
           dict(onesided=True)):
    for a in (s, s[0, ::2].double(), c(2, 20)):
        call("aten::stft", a, 8, return_complex=True, **kw)
        if "align_to_window" not in kw and a is not s:
            for mode in ("reflect", "constant", "replicate", "circular"):
                call("aten::stft.center", a, 8, center=True, pad_mode=mode,
                     return_complex=True, **kw)
call("aten::stft", s, 8)
call("aten::stft", s, 8, return_complex=False)
call("aten::stft", s, 0, return_complex=True)
call("aten::stft", s, 99, return_complex=True)
call("aten::stft", s.int(), 8, return_complex=True)
call("aten::stft", s[None], 8, return_complex=True)
call("aten::stft", s, 8, window=w.cfloat())
call("aten::stft", s, 9, window=torch.hann_window(9), return_complex=True)
call("aten::stft.center", s, 8, center=True, pad_mode="no",
     return_complex=True)
call("aten::stft.center", s, 8, align_to_window=True, return_complex=True)
f = torch.stft(s, 8, 2, window=w, return_complex=True)
g = torch.stft(s, 8, 2, window=w, return_complex=True, onesided=False)
o = torch.ones(8)
for a in (f, f[0], f.to(torch.complex128), g, f[:, :, :1]):
    for kw in ({}, dict(length=20), dict(length=50), dict(normalized=True),
               dict(center=False), dict(return_complex=True),
               dict(onesided=False), dict(onesided=True), dict(length=0)):
        v = w.double() if a.dtype == torch.complex128 else w
        call("aten::istft", a, 8, 2, None, v, **kw)
        call("aten::istft", a, 8, 2, None, o, **kw)
        call("aten::istft", a, 8, 2, 6, None, **kw)
call("aten::istft", s, 8)
call("aten::istft", f, 7, 2)
call("aten::istft", f, 8, 20, None, w)
call("aten::istft", f, 8, 2, 9, w)
call("aten::istft", f, 8, 2, None, w[:5])
call("aten::istft", f, 8, 2, None, torch.zeros(8))
call("aten::istft", f, 8, 2, None, w.cfloat())
call("aten::istft", f[:, :, :0], 8, 2)
call("aten::istft", f[None], 8, 2)
write("fft_cases.txt")
