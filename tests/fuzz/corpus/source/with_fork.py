import math
from enum import Enum
from typing import Any, Dict, Final, List, NamedTuple, Optional, Tuple, Union
import torch
import torch.nn as nn
import torch.nn.functional as F
from torch import Tensor


def with_no_grad(x: Tensor):
    w = torch.ones(2)
    w.requires_grad_(True)
    with torch.no_grad():
        y = x * w
        inside = torch.is_grad_enabled()
    return y, y.requires_grad, w.requires_grad, inside


def with_record_function(x: Tensor):
    with torch.autograd.profiler.record_function("part"):
        y = x * 2
    with torch.autograd.profiler.record_function("one"), torch.no_grad():
        y = y + 1
    return y


@torch.jit.script
class Depth(object):
    def __init__(self, start: int):
        self.depth = start

    def __enter__(self):
        self.depth += 1
        print("enter", self.depth)
        return self.depth

    def __exit__(self, kind: Any, value: Any, trace: Any):
        self.depth -= 1
        print("exit", self.depth)


def with_own_class(n: int):
    d = Depth(n)
    with d as inner:
        seen = inner
        with d:
            seen += d.depth * 10
    return seen, d.depth


def with_and_exception(n: int):
    d = Depth(0)
    with d:
        if n < 0:
            raise ValueError("inside")
        n += d.depth
    return n


def slow_square(x: Tensor, n: int) -> Tensor:
    for _ in range(n):
        x = x * x
    return x


def fork_wait(x: Tensor):
    f = torch.jit.fork(slow_square, x, 2)
    g = torch.jit.fork(slow_square, x + 1, n=1)
    y = x * 3
    return torch.jit.wait(f) + y, torch.jit.wait(g)


def fork_many(x: Tensor, n: int):
    futures: List[torch.jit.Future[Tensor]] = []
    for i in range(n):
        futures.append(torch.jit.fork(slow_square, x + i, 1))
    return [torch.jit.wait(f) for f in futures]


def fails(x: Tensor) -> Tensor:
    if x.sum() > 0:
        raise ValueError("failed in the future")
    return x


def fork_error(x: Tensor):
    f = torch.jit.fork(fails, x)
    return torch.jit.wait(f)


def inner_fork(x: Tensor) -> Tensor:
    f = torch.jit.fork(slow_square, x, 1)
    return f.wait() + 1


def fork_nested(x: Tensor):
    a = torch.jit.fork(inner_fork, x)
    b = torch.jit.fork(inner_fork, x + 1)
    return torch.jit.wait(a) + torch.jit.wait(b)

