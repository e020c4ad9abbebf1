import math
from enum import Enum
from typing import Any, Dict, Final, List, NamedTuple, Optional, Tuple, Union
import torch
import torch.nn as nn
import torch.nn.functional as F
from torch import Tensor


def int_arithmetic(a: int, b: int):
    return a + b, a - b, a * b, a // b, a % b, a / b


def int_floor_division(a: int, b: int) -> int:
    return a // b


def int_bits(a: int, b: int):
    return a & b, a | b, a ^ b


def int_shifts(a: int, n: int):
    return a << n, a >> n


def int_power(a: int, b: int):
    return a ** b


def float_power(a: float, b: float):
    return a ** b, pow(a, b), math.pow(a, b)


def mixed_power(a: int, b: float):
    return a ** b, b ** a, pow(a, b)


def int_overflow(a: int):
    return a + 1, a - 1, a * 2, -a, a * a


def float_arithmetic(a: float, b: float):
    return a + b, a - b, a * b, a / b, a // b, a % b, -a


def float_divide_by_zero(a: float, b: float) -> float:
    return a / b


def float_floor_divide_by_zero(a: float, b: float) -> float:
    return a // b


def mixed_arithmetic(a: int, b: float):
    return a + b, b + a, a - b, b - a, a * b, b * a, a / b, a // b, a % b


def mixed_compare(a: int, b: float):
    return a < b, a <= b, a > b, a >= b, a == b, a != b, b < a, b == a


def bool_operators(a: bool, b: bool):
    return a and b, a or b, not a, a == b, a != b, a & b, a | b, a ^ b


def bool_as_int(a: bool, n: int):
    return int(a) + n, float(a) * 2.5, int(a) * n


def complex_arithmetic(a: complex, b: complex):
    return a + b, a - b, a * b, a / b, -a, a == b, a != b


def complex_parts(re: float, im: float):
    z = complex(re, im)
    return abs(z), z, complex(3, 4), z == complex(1.0, 2.0)


def float_to_int(a: float):
    return int(a), bool(a), float(a), str(a)


def str_to_int(s: str) -> int:
    return int(s)


def str_to_float(s: str) -> float:
    return float(s)


def truth(i: int, f: float, s: str):
    return bool(i), bool(f), not i, not f, len(s) > 0


def divmod_ints(a: int, b: int):
    return divmod(a, b)


def divmod_floats(a: float, b: float):
    return divmod(a, b)


def round_builtin(a: float):
    return round(a)


def abs_builtin(a: int, b: float):
    return abs(a), abs(b)


def min_max_builtin(a: int, b: int, x: float, y: float):
    return min(a, b), max(a, b), min(x, y), max(x, y), min(a, x), max(y, b)


def min_max_of_lists(a: List[int], b: List[float]):
    return min(a), max(b)


def sum_any_all(a: List[int], b: List[float], c: List[bool]):
    return sum(a), sum(b), any(c), all(c)


def math_trigonometry(x: float):
    return (math.sin(x), math.cos(x), math.tan(x), math.asin(x), math.acos(x), math.atan(x),
            math.sinh(x), math.cosh(x), math.tanh(x), math.asinh(x), math.atanh(x), math.atan2(x, 2.0))


def math_exponentials(x: float):
    return (math.exp(x), math.expm1(x), math.log(x), math.log1p(x), math.log10(x), math.sqrt(x),
            math.gamma(x), math.lgamma(x), math.erf(x), math.erfc(x), math.acosh(x + 1.0))


def math_domain_sqrt(x: float) -> float:
    return math.sqrt(x)


def math_domain_log(x: float) -> float:
    return math.log(x)


def math_rounding(x: float):
    return math.floor(x), math.ceil(x), math.modf(x), math.frexp(x), math.fabs(x)


def math_integers(a: int, b: int):
    return math.gcd(a, b), math.factorial(abs(a) % 15), math.ldexp(0.5, abs(b)), math.pow(a, 2)


def math_factorial(n: int) -> int:
    return math.factorial(n)


def math_two_arguments(x: float, y: float):
    return math.fmod(x, y), math.copysign(x, y), math.remainder(x, y), math.degrees(x), math.radians(y)


def math_classify(x: float):
    return math.isnan(x), math.isinf(x), math.isfinite(x)


def math_constants():
    return math.pi, math.e, math.inf, -math.inf, math.tau


def number_bases(n: int):
    return hex(n), oct(n), bin(n)


def ord_chr(c: str, n: int):
    return ord(c), chr(n)


def ord_error(c: str) -> int:
    return ord(c)


def hash_builtin(a: int, b: float, c: str):
    return hash(a) == hash(a), hash(b) == hash(b + 0.0), hash(c) == hash(c + ""), hash(a)


def chained_comparison(a: int, b: int, c: int):
    return a < b < c, a <= b <= c, a == b == c, a < b != c, a > b >= c


def said(what: str, value: bool) -> bool:
    print(what, value)
    return value


def short_circuit(a: bool, b: bool):
    x = said("a", a) and said("b", b)
    y = said("c", a) or said("d", b)
    z = not said("e", a) and (said("f", b) or said("g", True))
    return x, y, z


def ternary(a: int, b: int):
    sign = 1 if a > 0 else -1 if a < 0 else 0
    word = "big" if a > b else "small"
    return sign, word, (a if a > b else b) * 2


def number_literals():
    return 0x1F, 0o17, 0b101, 1_000_000, 1e3, .5, 5., 1_0.5e-1, 3j, -2 ** 2, 2 ** 3 ** 1, -7, - -3, not True


def augmented_scalars(a: int, x: float):
    a += 5
    a -= 2
    a *= 3
    a %= 7
    x /= 2
    x *= 1.5
    x -= 0.25
    x **= 2.0
    y = a
    y /= 2
    return a, x, y


def torch_functions_of_scalars(a: int, b: float):
    return torch.add(a, 2), torch.mul(b, 2.0), torch.floor_divide(torch.tensor(a), 2), torch.abs(torch.tensor(b))

