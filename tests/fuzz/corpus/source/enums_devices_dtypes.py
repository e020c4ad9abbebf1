import math
from enum import Enum
from typing import Any, Dict, Final, List, NamedTuple, Optional, Tuple, Union
import torch
import torch.nn as nn
import torch.nn.functional as F
from torch import Tensor


class Color(Enum):
    RED = 1
    GREEN = 2


class Mode(Enum):
    SUM = "sum"
    MEAN = "mean"


def enum_values(c: Color):
    return c.name, c.value, c == Color.RED, c != Color.GREEN, c is Color.RED


def enum_dispatch(x: Tensor, mode: Mode) -> Tensor:
    if mode == Mode.SUM:
        return x.sum()
    return x.mean()


def enum_return(flag: bool) -> Color:
    return Color.RED if flag else Color.GREEN


def enum_iteration():
    names: List[str] = []
    total = 0
    for c in Color:
        names.append(c.name)
        total += c.value
    return names, total


def dtype_values(x: Tensor):
    y = x.to(torch.float64)
    z = torch.zeros(2, dtype=x.dtype)
    return (x.dtype == torch.float32, y.dtype, z.dtype == x.dtype, x.is_floating_point(), x.element_size(),
            x.dtype == torch.int32 or x.dtype == torch.bool)


def device_values(name: str):
    d = torch.device(name)
    return str(d), d.type, d.index, d == torch.device("cpu"), d.type == "cpu"


def tensor_attributes(x: Tensor):
    return (x.shape, x.ndim, x.dim(), x.size(), x.numel(), x.dtype == torch.float, str(x.device), x.is_cuda,
            x.requires_grad, x.is_sparse, x.layout == torch.strided, x.is_quantized, x.T.shape, x.device.type)


def implicit_factory_like(x: Tensor, y: Tensor):
    a = torch.zeros_like(x, dtype=torch.int64)
    b = torch.full((2, 2), 7, dtype=torch.float16, device=x.device)
    c = x.new_zeros(3)
    d = torch.empty_like(y).fill_(2.0)
    return a, b, c, d, torch.arange(3, dtype=torch.uint8), torch.eye(2), torch.linspace(0, 1, 3)

