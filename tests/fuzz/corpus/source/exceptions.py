import math
from enum import Enum
from typing import Any, Dict, Final, List, NamedTuple, Optional, Tuple, Union
import torch
import torch.nn as nn
import torch.nn.functional as F
from torch import Tensor


def raise_messages(n: int) -> int:
    if n == 0:
        raise ValueError("n is zero")
    if n < 0:
        raise RuntimeError(f"n is {n}, which is below 0")
    return n


def raise_classes(n: int) -> int:
    if n == 0:
        raise IndexError("index")
    if n == 1:
        raise KeyError("key")
    if n == 2:
        raise NotImplementedError
    if n == 3:
        raise TypeError("a", "b")
    if n == 4:
        raise Exception("just " + str(n))
    if n == 5:
        raise StopIteration("stop")
    return n


class OwnError(Exception):
    def __init__(self, message):
        super().__init__(message)


def raise_own_class(n: int) -> int:
    if n == 0:
        raise OwnError("own message")
    return n


def asserts(n: int) -> int:
    assert n >= 0
    assert n > 0, "n must be positive"
    assert n != 3, f"n is {n}"
    return n


def raise_in_called(n: int) -> int:
    return raise_messages(n) + 1


def assert_shape(x: Tensor) -> Tensor:
    assert x.dim() == 2 and x.size(0) == 2, "bad shape: " + str(x.shape)
    return x.t()


def operator_errors(a: Tensor, b: Tensor):
    return torch.mm(a, b)


def tensor_errors(n: int):
    x = torch.arange(6.)
    if n == 0:
        return x.view(4)
    if n == 1:
        return x[10]
    if n == 2:
        return torch.cat([x, x.view(2, 3)])
    if n == 3:
        return x + torch.ones(5)
    if n == 4:
        return torch.stack([x, torch.ones(2)])
    if n == 5:
        return x.sum(3)
    if n == 6:
        return x.view(2, 3).matmul(torch.ones(2))
    if n == 7:
        return x.index_select(0, torch.tensor([7]))
    return x.to(torch.int64).mean()


def tensor_to_int(x: Tensor) -> int:
    return int(x)


def tensor_to_float(x: Tensor) -> float:
    return float(x)


def tensor_item(x: Tensor):
    return x.item()


def tensor_tolist(x: Tensor):
    a: List[List[int]] = x.tolist()
    b: List[int] = x[0].tolist()
    c: int = x[0, 0].tolist()
    return a, b, c


def tensor_tolist_mismatch(x: Tensor):
    a: List[float] = x.tolist()
    return a

