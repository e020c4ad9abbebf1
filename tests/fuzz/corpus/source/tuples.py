import math
from enum import Enum
from typing import Any, Dict, Final, List, NamedTuple, Optional, Tuple, Union
import torch
import torch.nn as nn
import torch.nn.functional as F
from torch import Tensor


def tuple_basics(t: Tuple[int, str, float]):
    a, b, c = t
    return t[0], t[-1], t[1:], len(t), (a, (b, c)), t + (1, 2)


def tuple_swap(a: int, b: int):
    a, b = b, a + b
    (c, d), e = (a, b), 3
    return a, b, c, d, e


def tuple_compare(a: Tuple[int, int], b: Tuple[int, int]):
    return a == b, a != b, (1, 2, 3) == (1, 2, 4), a is b


def tuple_in_loop(a: List[int]):
    best = (-1, 0)
    for i, x in enumerate(a):
        if x > best[1]:
            best = (i, x)
    return best


def tuple_of_tensors(t: Tuple[Tensor, Tensor]):
    a, b = t
    a.add_(1)
    return t, a.size(0) + b.size(0)


def tuple_star_unpack():
    a, *b = (1, 2, 3)
    *c, d = (4, 5, 6)
    return a, b, c, d


class Point(NamedTuple):
    x: int
    y: float
    label: str = "none"


def named_tuple_fields(a: int, b: float):
    p = Point(a, b)
    q = Point(x=a + 1, y=b, label="q")
    return p.x, p.y, p.label, q[0], q[2], p, len(p)


def named_tuple_argument(p: Point) -> Point:
    x, y, label = p
    print(p.label)
    return Point(x * 2, y * 2, label + "!")


class Pair(NamedTuple):
    value: Tensor
    inner: Point


def named_tuple_nested(t: Tensor):
    p = Pair(t, Point(1, 2.0))
    return p.inner.x, p.value.sum(), [p, p][1].inner.label

