import math
from enum import Enum
from typing import Any, Dict, Final, List, NamedTuple, Optional, Tuple, Union
import torch
import torch.nn as nn
import torch.nn.functional as F
from torch import Tensor


def str_basics(s: str, t: str):
    return len(s), s + t, t in s, t not in s, s == t, s != t, s < t, s <= t, s > t, s >= t


def str_index(s: str, i: int) -> str:
    return s[i]


def str_slices(s: str):
    return s[1:], s[:3], s[-3:], s[:-2], s[2:4], s[5:1], s[:], s[100:], s[-100:2], s[::2], s[1:9:3]


def str_case_methods(s: str):
    return s.upper(), s.lower(), s.capitalize(), s.title(), s.swapcase()


def str_is_methods(s: str):
    return (s.isalnum(), s.isalpha(), s.isdigit(), s.isdecimal(), s.isnumeric(), s.islower(), s.isupper(),
            s.isspace(), s.istitle(), s.isidentifier(), s.isprintable())


def str_find_methods(s: str, t: str):
    return s.find(t), s.rfind(t), s.count(t), s.find(t, 3), s.find(t, 1, 4), s.rfind(t, 0, 3), s.find(t, -2)


def str_index_methods(s: str, t: str):
    return s.index(t), s.rindex(t)


def str_starts_ends(s: str):
    return (s.startswith("pre"), s.endswith("fix"), s.startswith("fix", 3), s.startswith("mid", 7, 10),
            s.endswith("mid", 0, 10), s.startswith(""))


def str_split_separator(s: str):
    return s.split(","), s.split(",", 2), s.rsplit(","), s.rsplit(",", 2), s.split(",,")


def str_split_whitespace(s: str):
    return s.split()


def str_splitlines(s: str):
    return s.splitlines(), s.splitlines(True)


def str_partition(s: str, t: str):
    return s.partition(t), s.rpartition(t)


def str_join(parts: List[str]):
    return ",".join(parts), "".join(parts), " - ".join(parts)


def str_strip(s: str):
    return s.strip(), s.lstrip(), s.rstrip(), s.strip("x"), s.lstrip("x "), s.rstrip(" x")


def str_replace(s: str, a: str, b: str):
    return s.replace(a, b), s.replace(a, b, 1)


def str_pad(s: str, n: int):
    return s.center(n), s.ljust(n), s.rjust(n), s.zfill(n), s.center(n, "*"), s.ljust(n, "."), s.rjust(n, "#")


def str_expandtabs(s: str):
    return s.expandtabs(), s.expandtabs(4)


def str_iteration(s: str):
    out: List[str] = []
    for c in s:
        out.append(c + "!")
    return out, [c for c in s], list(s)


def str_membership(s: str):
    return s in ["a", "b"], s in {"a": 1}, s not in ["zz"]

