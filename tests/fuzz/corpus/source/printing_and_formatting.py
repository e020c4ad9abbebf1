import math
from enum import Enum
from typing import Any, Dict, Final, List, NamedTuple, Optional, Tuple, Union
import torch
import torch.nn as nn
import torch.nn.functional as F
from torch import Tensor


def float_text(x: float):
    print(x)
    return str(x), "{}".format(x), f"{x}", "%s" % x, "%f" % x


def print_scalars(i: int, f: float, b: bool, s: str):
    print(i, f, b, s)
    print(None)
    print()
    print("a", "b", 'q"uote', "tab\tend", sep_free("x"))
    print(complex(f, 2.0))


def sep_free(s: str) -> str:
    return s + s


def print_lists(a: List[int], b: List[float], c: List[str], d: List[bool]):
    print(a, b, c, d)
    print([a, a])
    print((1, "x", 2.5, None), (1,), ())
    return str(a), str(b), str(c), str(d)


def print_dicts(a: Dict[str, int], b: Dict[int, List[float]]):
    print(a)
    print(b)
    return str(a)


def print_tensor(x: Tensor):
    print(x)
    print("shape", x.shape, x.dtype, x.device)


def print_containers_of_tensors(x: Tensor):
    print([x, x + 1])
    print((x, 1))
    print({"k": x})


def print_types(x: Tensor):
    print(x.dtype, torch.float16, x.layout, x.device, x.size())
    y: Optional[int] = None
    print(y)
    y = 3
    print(y)


def f_strings(s: str, n: int, x: float):
    return f"{s}={n}", f"{n}{x}", f"a{s}b{n}c{x}d", f"{n + 1} {s.upper()}", f""


def format_method(s: str, n: int, x: float):
    return "{} {} {}".format(s, n, x), "no fields".format(), "{}".format([n, n]), "{}{}".format(s, (1, 2))


def format_too_few(n: int) -> str:
    return "{} {}".format(n)


def percent_format(s: str, n: int, x: float):
    return "%s-%d" % (s, n), "%f" % x, "%i %s" % (n, x), "%d" % x, "%f" % n, "%s|%s" % (s, s), "%s" % s


def percent_format_exponent(x: float):
    return "%e" % x, "%E" % x, "%e|%e" % (x, x * 1e10)


def percent_format_character(n: int, s: str):
    return "%c" % s, "%c%c" % (n, s)


def percent_format_percent(n: int):
    return "%d%%" % n


def percent_format_general(x: float):
    return "%g" % x


def percent_format_hex(n: int):
    return "%x" % n


def percent_format_precision(x: float):
    return "%.2f" % x


def percent_format_wrong_type(s: str):
    return "%d" % s


def percent_format_error(n: int) -> str:
    return "%d %d" % (n,)


def unicode_strings(s: str):
    print(s)
    return len(s), s + "ü", s.upper(), s == "é漢"


def string_escapes():
    return "a\nb", "tab\t|", 'it\'s', "q\"q", "back\\slash", "\x41\101", r"raw\n", "join" "ed", """three
lines
here"""

