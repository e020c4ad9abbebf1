"""Cases of the pointwise family: python3 pointwise_cases.py writes
pointwise_cases.txt."""

import warnings

import torch
from record import call, write

warnings.simplefilter("ignore")
t = torch.tensor
inf, nan = float("inf"), float("nan")
values = [-2.5, -1.0, -0.3, 0.0, 0.25, 0.5, 1.0, 3.75]
f = t(values)
edge = t([nan, inf, -inf, 0.0, -0.0, 1e-20, 100.0, -100.0])
d = f.double()
h = f.half()
bf = f.bfloat16()
i = t([-3, -1, 0, 1, 2, 7])
i8 = t([-128, -3, -1, 0, 1, 5, 127], dtype=torch.int8)
u8 = t([0, 1, 2, 7, 255], dtype=torch.uint8)
b = t([True, False, True])
z = torch.complex(t([0.0, 1.0, -1.5, 0.25]), t([0.5, -1.0, 2.0, 0.0]))
zd = z.to(torch.complex128)
m = f.reshape(2, 4)
mt = m.t()
s = t(1.5)
e = torch.zeros(2, 0)
cl = torch.arange(24.0).reshape(1, 2, 3, 4).contiguous(
    memory_format=torch.channels_last) / 10
u16 = t([1, 2], dtype=torch.uint16)
ch = z.to(torch.complex32)


def has(name):
    op, _, which = name.partition(".")
    packet = getattr(torch.ops.aten, op, None)
    return packet is not None and (which or "default") in packet.overloads()


def unary(names, tensors):
    for n in names.split():
        for x in tensors:
            call("aten::" + n, x)
        if has(n + ".out"):
            call("aten::%s.out" % n, f, out=torch.zeros(2))
            call("aten::%s.out" % n, f, out=torch.zeros(8, dtype=torch.int64))
            call("aten::%s.out" % n, m, out=torch.zeros(4, 2).t())
        if has(n + "_"):
            call("aten::%s_" % n, f)
            call("aten::%s_" % n, i)
            call("aten::%s_" % n, mt[1:])


ALL = [f, edge, d, h, bf, i, u8, b, z, zd, mt, s, e]
unary(
    "abs acos acosh angle asin asinh atan atanh bitwise_not ceil cos cosh "
    "deg2rad erf erfc exp exp2 expm1 floor frac isfinite isinf isnan isneginf "
    "isposinf isreal log log10 log1p log2 logical_not neg rad2deg reciprocal "
    "round rsqrt sgn sigmoid sign signbit sin sinc sinh sqrt square tan tanh "
    "trunc", ALL)
unary(
    "relu relu6 selu silu mish hardsigmoid hardswish log_sigmoid celu elu "
    "hardshrink softshrink hardtanh leaky_relu softplus glu nan_to_num",
    [f, edge, d, h, bf, i, u8, b, z, mt, s, e])
unary("absolute arcsin arccosh negative fix special_expit", [f, cl, u16, ch])
for x in [f, d, h, bf, i, mt, s, e]:
    call("aten::gelu", x)
call("aten::gelu.out", f, out=torch.zeros(2))
for n in "abs neg exp sgn isnan floor positive".split():
    call("aten::" + n, ch)
    call("aten::" + n, u16)

for x in [f, h, d, i, z]:
    for k in [-1, 0, 2]:
        call("aten::round.decimals", x, decimals=k)
for x in [f, edge, h, d, i]:
    call("aten::frexp.Tensor", x)


def pairs(name, lefts, rights, **kw):
    for x in lefts:
        for y in rights:
            call("aten::" + name, x, y, **kw)


row = t([1.0, -2.0, 0.5, 4.0])
irow = t([2, -3, 1, -1])
brow = t([True, False, True, True])
zrow = torch.complex(row, row.flip(0))
LEFT = [m, mt.t(), m.double(), m.half(), irow.reshape(1, 4), brow, zrow]
RIGHT = [row, row.double(), row.half(), irow, irow.to(torch.int8), brow, zrow,
         t(2), t(0.5, dtype=torch.double), t([[1.0], [2.0]])]
for n in ("add.Tensor sub.Tensor mul.Tensor div.Tensor pow.Tensor_Tensor "
          "eq.Tensor lt.Tensor maximum logical_xor").split():
    pairs(n, LEFT, RIGHT)
for n in ("floor_divide remainder.Tensor fmod.Tensor atan2 copysign.Tensor "
          "ne.Tensor le.Tensor gt.Tensor ge.Tensor minimum fmax fmin "
          "logical_and logical_or hypot nextafter xlogy.Tensor logaddexp "
          "logaddexp2 ldexp.Tensor bitwise_and.Tensor bitwise_or.Tensor "
          "bitwise_xor.Tensor bitwise_left_shift.Tensor "
          "bitwise_right_shift.Tensor __and__.Tensor __lshift__.Tensor gcd lcm "
          "rsub.Tensor float_power.Tensor_Tensor max.other min.other "
          "special_xlog1py heaviside").split():
    pairs(n, [m, mt.t()[:, ::1], irow, irow.to(torch.uint8), brow, m.half()],
          [row, irow, brow, row.half(), t(3), zrow])
for n in "add sub mul div eq lt".split():
    for x in [h, bf, i8, u8]:
        for k in [0.1, 2.1, 300, -1]:
            if x.dtype.is_floating_point or isinstance(k, int):
                call("aten::%s.Scalar" % n, x, k)
                call("aten::%s.Tensor" % n, x, t(k))
                call("aten::%s.Tensor" % n, t(k), x)
NUMBERS = [2, 2.5, -1, True, 0, 1 + 2j, 0.5]
for n in ("add.Scalar sub.Scalar mul.Scalar div.Scalar eq.Scalar lt.Scalar "
          "pow.Tensor_Scalar rsub.Scalar").split():
    pairs(n, [m, row.half(), row.double(), irow, irow.to(torch.uint8), brow,
              zrow, s, t(3), mt], NUMBERS)
for n in ("floor_divide.Scalar remainder.Scalar fmod.Scalar ne.Scalar "
          "ge.Scalar bitwise_and.Scalar bitwise_xor.Scalar __or__.Scalar "
          "__rshift__.Scalar copysign.Scalar xlogy.Scalar_Other "
          "float_power.Tensor_Scalar clamp_min clamp_max").split():
    pairs(n, [m, irow, brow, row.half(), t(3)], NUMBERS)
for n in ("pow.Scalar remainder.Scalar_Tensor bitwise_and.Scalar_Tensor "
          "bitwise_left_shift.Scalar_Tensor xlogy.Scalar_Self "
          "float_power.Scalar").split():
    for k in [2, 1, 0.5, -3, 1j]:
        for x in [row, irow, brow, row.half()]:
            call("aten::" + n, k, x)
for n in "add sub".split():
    for a in [2, 0.5, True, 1j]:
        for x, y in [(m, row), (irow, irow), (brow, brow), (zrow, row),
                     (m.half(), row.half())]:
            call("aten::%s.Tensor" % n, x, y, alpha=a)
            call("aten::%s.Scalar" % n, x, 3, a)
for n in ["div.Tensor_mode", "div_.Tensor_mode"]:
    for mode in [None, "trunc", "floor", "ceil"]:
        for x, y in [(m, row), (irow, irow), (irow, t([2, 2, -2, 3])),
                     (m.half(), row.half()), (edge, f), (brow, brow),
                     (zrow, zrow)]:
            call("aten::" + n, x, y.clone(), rounding_mode=mode)
for mode in [None, "trunc", "floor"]:
    call("aten::div.Scalar_mode", irow, 2, rounding_mode=mode)
    call("aten::div.Scalar_mode", irow, 2.5, rounding_mode=mode)
    call("aten::div_.Scalar_mode", irow, 2, rounding_mode=mode)
low = t([-2**63, 7])
for n in "floor_divide remainder.Tensor fmod.Tensor".split():
    call("aten::" + n, low, t([-1, 0]))
    call("aten::" + n, low, t([-1, 2]))
    call("aten::" + n, i8, t(-1, dtype=torch.int8))
call("aten::add.Tensor", i8, t(127, dtype=torch.int8))
call("aten::mul.Tensor", i8, t(3, dtype=torch.int8))
call("aten::neg", i8)
call("aten::abs", i8)
call("aten::bitwise_left_shift.Tensor", i8, t(9, dtype=torch.int8))
call("aten::bitwise_right_shift.Tensor", i8, t(9, dtype=torch.int8))
call("aten::add.Tensor", u16, u16)
call("aten::mul.Tensor", u16, u16)
call("aten::add.Tensor", u16, i8[:2])
call("aten::add.Tensor", ch, ch)
call("aten::mul.Tensor", ch, ch)
call("aten::div.Tensor", ch, ch)
call("aten::pow.Tensor_Tensor", t([-1, 1, 2, 0, -1]), t([-1, -2, -1, -1, -2]))

# In place and out=.
for n in "add_.Tensor sub_.Tensor mul_.Tensor div_.Tensor eq_.Tensor".split():
    for x, y in [(m, row), (row, m), (irow, row), (irow, irow), (m.half(), row),
                 (mt, t([[1.0], [2.0], [3.0], [4.0]])), (brow, irow),
                 (row, zrow), (zrow, row)]:
        call("aten::" + n, x, y.clone())
for n in "add_.Scalar mul_.Scalar remainder_.Scalar pow_.Scalar".split():
    for x in [m, irow, m.half(), brow]:
        for k in [2, 2.5]:
            call("aten::" + n, x, k)
shared = torch.arange(6.0)
call("aten::add_.Tensor", shared[:4], shared[1:5])
call("aten::add_.Tensor", shared[:1].expand(4), row)
call("aten::add.out", m, row, out=torch.zeros(0))
call("aten::add.out", m, row, out=torch.zeros(2, 4, dtype=torch.double))
call("aten::add.out", m, row, out=torch.zeros(2, 4, dtype=torch.int32))
call("aten::add.out", mt, row.reshape(4, 1), out=torch.zeros(0))
call("aten::add.out", irow, irow, out=torch.zeros(4))
call("aten::eq.Tensor_out", irow, irow, out=torch.zeros(4))
call("aten::div.out", irow, irow, out=torch.zeros(4, dtype=torch.int64))

# Layouts of results.
y = torch.arange(24.0).reshape(2, 3, 4)
for x in [y, y.permute(2, 0, 1), y[:, ::2], y[:, :1].expand(2, 3, 4), cl,
          cl[:, :, ::2], y.permute(1, 2, 0)[:, :1]]:
    call("aten::neg", x)
    call("aten::mul.Scalar", x, 2)
    call("aten::mul.Tensor", x, t(2.0))
    call("aten::add.Tensor", x, x)
    call("aten::add.Tensor", x, x.contiguous())
    call("aten::add.Tensor", x.contiguous(), x)
    call("aten::add.Tensor", x, torch.ones(x.size(-1)))
    call("aten::add.Tensor", torch.ones(x.size(-1)), x)
call("aten::add.Tensor", y, torch.ones(5))
call("aten::add.Tensor", torch.zeros(2, 0, 3), torch.zeros(1, 3))

# Three operands.
for x in [m, m.half(), irow, zrow]:
    call("aten::addcmul", x, x, x, value=2)
    call("aten::addcmul", x, x, row, value=0.5)
    call("aten::addcdiv", x, x, row, value=0.5)
    call("aten::lerp.Scalar", x, x * 2, 0.25)
    call("aten::lerp.Scalar", x, x * 2, 0.75)
    call("aten::lerp.Tensor", x, x * 2, row)
    call("aten::lerp.Tensor", x, x * 2, t(0.5))
call("aten::addcdiv", irow, irow, irow)
call("aten::addcmul_", m, m.clone(), row)
for x in [f, edge, h, i, u8, b, z]:
    call("aten::clamp", x, -1, 1)
    call("aten::clamp", x, 0.5, None)
    call("aten::clamp", x, None, 2)
    call("aten::clamp", x, 3, 1)
    call("aten::clamp", x, nan, 1)
    call("aten::clamp_", x, 0.5, 2)
    call("aten::clamp", x)
    call("aten::hardtanh", x, -1, 1)
    call("aten::hardtanh", x, 0, 2)
    call("aten::threshold", x, 0.5, 7)
    call("aten::elu", x, 2, 3, 0.5)
    call("aten::celu", x, 2)
    call("aten::celu", x, 0)
    call("aten::leaky_relu", x, 0.2)
    call("aten::hardshrink", x, 0.4)
    call("aten::softshrink", x, 0.4)
    call("aten::softshrink", x, -1)
    call("aten::softplus", x, 2, 1)
    call("aten::gelu", x, approximate="tanh")
    call("aten::gelu", x, approximate="x")
    call("aten::nan_to_num", x, 1.0, 2.0, 3.0)
    call("aten::prelu", x, t(0.25, dtype=x.dtype) if x.dtype.is_floating_point
         else t(0.25))
for x, y in [(m, row), (irow, irow), (irow, row), (m, irow), (brow, brow)]:
    call("aten::clamp.Tensor", x, y, None)
    call("aten::clamp.Tensor", x, None, y)
    call("aten::clamp.Tensor", x, y, y + 1 if y.dtype != torch.bool else y)
    call("aten::clamp_min.Tensor", x, y)
    call("aten::isclose", x, y)
    call("aten::isclose", x, x)
    call("aten::allclose", x, x)
    call("aten::equal", x, y)
call("aten::isclose", edge, edge, equal_nan=True)
call("aten::isclose", edge, edge)
call("aten::isclose", t([10, 11]), t([10, 12]), 0.1, 0.0)
call("aten::isclose", f, f, -1.0)
for w in [t([0.1, 0.2]), t([0.1, 0.2, 0.3]), t(0.1), t([[0.1, 0.2]]),
          t([0.1, 0.2]).double()]:
    call("aten::prelu", m, w)
call("aten::prelu", y, t([0.1, 0.2, 0.3]))
call("aten::glu", y, 2)
call("aten::glu", y, 0)
call("aten::glu", y, 1)
call("aten::glu", s, 0)
call("aten::log_sigmoid_forward", f)

# Choosing elements.
c = t([True, False, True, False])
for x, y in [(m, row), (irow, row), (row.half(), t(2.0, dtype=torch.double)),
             (zrow, row), (irow, brow), (mt, t(0.0)), (row, torch.ones(3))]:
    call("aten::where.self", c if x is not mt else c.reshape(4, 1), x, y)
call("aten::where.self", t([1, 0, 1, 0], dtype=torch.uint8), row, row * 2)
call("aten::where.self", t([1, 0, 1, 0]), row, row * 2)
for a, k in [(1, 2), (1, 2.5), (True, False), (1.5, 1j)]:
    call("aten::where.Scalar", c, a, k)
    call("aten::where.ScalarSelf", c, a, irow)
    call("aten::where.ScalarOther", c, row.half(), k)
for x in [m, irow, brow, row.half(), zrow, irow.to(torch.uint8), mt.t()]:
    for k in [2, 2.7, 300, 1j, -1]:
        call("aten::masked_fill.Scalar", x, c, k)
        call("aten::masked_fill_.Scalar", x, c, k)
        call("aten::fill_.Scalar", x, k)
    call("aten::masked_fill.Tensor", x, c, t(2.7))
    call("aten::masked_fill.Tensor", x, c, t([2.7]))
    call("aten::fill_.Tensor", x, t(2))
    call("aten::fill_.Tensor", x, t([2]))
    call("aten::zero_", x)
call("aten::masked_fill_.Scalar", row, torch.ones(2, 4, dtype=torch.bool), 1)
call("aten::masked_fill.Scalar", row, torch.ones(2, 4, dtype=torch.bool), 1)
call("aten::masked_fill.Scalar", row, row, 1)

call("aten::complex", row, row)
call("aten::complex", row.double(), row.double())
call("aten::complex", row.half(), row.half())
call("aten::complex", row, row.double())
call("aten::complex", irow, row)
call("aten::polar", row, row)
call("aten::polar", m, row)

# Special functions.
p01 = t([0.0, 1e-6, 0.1, 0.4, 0.5, 0.77, 0.999, 1.0, -0.5, 2.0])
unary("lgamma digamma", [f, d, h, edge, i, b, z, p01])
unary("erfinv special_ndtri", [p01, p01.double(), -p01, p01.half(), edge, b, z])
unary("special_erfcx special_ndtr special_log_ndtr special_entr i0 special_i0e "
      "special_i1 special_i1e special_spherical_bessel_j0", [f, d, edge, i, z])
unary("special_bessel_j0 special_bessel_j1", [f, edge, i, z])
unary("special_bessel_y0 special_bessel_y1 special_modified_bessel_i0 "
      "special_modified_bessel_i1 special_modified_bessel_k0 "
      "special_modified_bessel_k1 special_scaled_modified_bessel_k0 "
      "special_scaled_modified_bessel_k1 special_airy_ai", [f, i, z])
unary("special_gammaln special_psi special_i0", [f])
a = t([0.5, 1.0, 2.5, 10.0, 0.0, -1.0])
x = t([0.1, 1.0, 3.0, 12.0, 0.5, 1.0])
for n in "igamma igammac special_gammainc special_zeta".split():
    call("aten::" + n, a, x)
    call("aten::" + n, a.half(), x.half())
    call("aten::" + n, i, i)
call("aten::special_zeta.self_scalar", 2, x)
call("aten::special_zeta.other_scalar", a, 1.5)
for n in [0, 1, 2, 5, -1]:
    call("aten::polygamma", n, f)
    call("aten::polygamma", n, i)
    call("aten::polygamma_", f, n)
for n in [0, 1, 3]:
    call("aten::mvlgamma", x + 2, n)
for eps in [None, 0.1]:
    call("aten::logit", p01, eps)
    call("aten::logit", p01.double(), eps)
    call("aten::logit", b, eps)
    call("aten::logit_", p01, eps)
u = t([-1.0, -0.7, -0.2, 0.0, 0.3, 0.9, 1.0, 1.2])
for n in ("chebyshev_polynomial_t chebyshev_polynomial_u "
          "chebyshev_polynomial_v chebyshev_polynomial_w "
          "hermite_polynomial_h hermite_polynomial_he laguerre_polynomial_l "
          "legendre_polynomial_p shifted_chebyshev_polynomial_t "
          "shifted_chebyshev_polynomial_u").split():
    for k in [-1, 0, 1, 2, 5, 10]:
        call("aten::special_%s.n_scalar" % n, u, k)
    call("aten::special_" + n, u, t([3]))
    call("aten::special_%s.x_scalar" % n, 0.5, t([0, 1, 2, 3]))

write("pointwise_cases.txt")
