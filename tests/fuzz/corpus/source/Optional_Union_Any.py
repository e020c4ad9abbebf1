import math
from enum import Enum
from typing import Any, Dict, Final, List, NamedTuple, Optional, Tuple, Union
import torch
import torch.nn as nn
import torch.nn.functional as F
from torch import Tensor


def optional_is_none(x: Optional[int]) -> int:
    if x is None:
        return -1
    return x + 1


def optional_and_or(a: Optional[int], b: Optional[int]) -> int:
    if a is not None and b is not None:
        return a + b
    if a is None and b is not None:
        return b
    if a is None or a < 0:
        return 0
    return a * 100


def optional_tensor(x: Optional[Tensor] = None) -> Tensor:
    y = x if x is not None else torch.zeros(3)
    return y + 1


def optional_assert(x: Optional[str]) -> str:
    assert x is not None, "x must be there"
    return x + "!"


def optional_assigned(n: int) -> Optional[str]:
    out: Optional[str] = None
    if n > 3:
        out = "big"
    return out


def optional_elements(a: Optional[List[Optional[int]]]):
    total = 0
    if a is not None:
        for x in a:
            if x is not None:
                total += x
    return total


def optional_while(n: Optional[int]):
    steps = 0
    while n is not None:
        m = torch.jit._unwrap_optional(n) - 1
        steps += 1
        n = None if m <= 0 else m
    return steps, n


def optional_unchecked(x: Optional[int]) -> int:
    return torch.jit._unwrap_optional(x) * 2


def optional_is(a: Optional[int], b: Optional[int]):
    return a is None, b is not None, a is not None or b is None, None is None


def union_isinstance(x: Union[int, str]) -> int:
    if isinstance(x, int):
        return x + 1
    else:
        return len(x)


def union_three(x: Union[int, float, List[int]]):
    if isinstance(x, int):
        return "int", x * 2
    elif isinstance(x, float):
        return "float", int(x)
    return "list", len(x)


def union_with_none(x: Union[int, str, None]) -> str:
    if x is None:
        return "none"
    if isinstance(x, str):
        return x
    return str(x)


def union_assigned(n: int, flag: bool) -> Union[int, str]:
    out: Union[int, str] = n
    if flag:
        out = "flag"
    return out


def any_isinstance(x: Any) -> str:
    if isinstance(x, bool):
        return "bool"
    if isinstance(x, int):
        return "int"
    if isinstance(x, float):
        return "float"
    if isinstance(x, str):
        return "str"
    if isinstance(x, Tensor):
        return "tensor"
    if torch.jit.isinstance(x, List[int]):
        return "list of int"
    if torch.jit.isinstance(x, List[Tensor]):
        return "list of tensor"
    if torch.jit.isinstance(x, Dict[str, int]):
        return "dict"
    if torch.jit.isinstance(x, Tuple[int, int]):
        return "pair of int"
    if x is None:
        return "none"
    return "else"


def any_list(xs: List[Any]):
    n = 0
    for x in xs:
        if isinstance(x, int):
            n += x
        elif isinstance(x, str):
            n += len(x)
    return n, len(xs)


def isinstance_tuple(x: Union[Tensor, int, float]):
    return isinstance(x, (int, float)), isinstance(x, Tensor)

