import math
from enum import Enum
from typing import Any, Dict, Final, List, NamedTuple, Optional, Tuple, Union
import torch
import torch.nn as nn
import torch.nn.functional as F
from torch import Tensor


def early_returns(n: int) -> str:
    if n < 0:
        return "negative"
    for i in range(n):
        if i * i > n:
            return "found " + str(i)
    if n == 0:
        return "zero"
    return "none"


def return_in_loops(n: int) -> int:
    total = 0
    for i in range(n):
        for j in range(n):
            if i * j == 6:
                return i * 10 + j
            total += 1
    while True:
        total -= 1
        if total < 0:
            return total
        if total % 7 == 3:
            return total * 100
    return -1


def break_continue_nested(n: int):
    seen: List[int] = []
    for i in range(n):
        if i == 1:
            continue
        for j in range(n):
            if j > i:
                break
            if (i + j) % 2 == 0:
                continue
            seen.append(i * 10 + j)
        if i == 4:
            break
    return seen


def while_conditions(n: int):
    steps = 0
    while n != 1 and n > 0 and not steps > 200:
        n = n // 2 if n % 2 == 0 else 3 * n + 1
        steps += 1
    return n, steps


def while_tensor_condition(x: Tensor):
    n = 0
    while x > 0:
        x = x - 1
        n += 1
    return x, n


def range_variants(a: int, b: int, step: int):
    up = [i for i in range(a)]
    part = [i for i in range(a, b)]
    stepped: List[int] = []
    for i in range(a, b, step):
        stepped.append(i)
    return up, part, stepped


def enumerate_zip(a: List[int], b: List[str]):
    out: List[str] = []
    for i, x in enumerate(a):
        out.append(str(i) + ":" + str(x))
    for i, x in enumerate(a, 10):
        out.append(str(i) + "=" + str(x))
    for x, y in zip(a, b):
        out.append(str(x) + y)
    for i, (x, y) in enumerate(zip(a, b)):
        out.append(str(i) + str(x) + y)
    return out


def loop_over_sorted(a: List[int]):
    out: List[int] = []
    for x in a[::-1]:
        out.append(x)
    for x in sorted(a):
        out.append(x)
    for x in a.copy():
        a.append(x)
    return out, a


def loop_over_tuple(t: Tuple[int, int, int]):
    total = 0
    for x in t:
        total = total * 10 + x
    for y in (1, 2.5, "abc"):
        print(y)
    return total


def loop_over_tensor(x: Tensor):
    rows: List[Tensor] = []
    for row in x:
        rows.append(row + len(rows))
    return rows


def loop_variable_after(n: int):
    i = -1
    last = 0
    for i in range(n):
        last = i
    x = 5
    for k in range(0):
        x = k
    return i, last, x


def loop_else_by_flag(n: int, flag: bool):
    found = False
    for i in range(n):
        if i == 2 and flag:
            found = True
            break
    if not found:
        print("not found")
    return found


def if_tensor(x: Tensor) -> str:
    if x:
        return "yes"
    return "no"


def elif_chain(n: int) -> str:
    if n == 1:
        s = "one"
    elif n == 2:
        s = "two"
    elif n == 3:
        s = "three"
    else:
        s = "many"
    return s


def if_defines(flag: bool):
    if flag:
        a = 1
        b = [1]
        c: Optional[str] = None
    else:
        a = 2
        b = [2, 2]
        c = "x"
    if c is not None:
        a += len(c)
    return a, b, c


def pass_and_empty(n: int):
    if n > 3:
        pass
    else:
        n = n - 1
    for i in range(n):
        pass
    while n > 2:
        n -= 1
    return n


def fib(n: int) -> int:
    a, b = 0, 1
    for _ in range(n):
        a, b = b, a + b
    return a


def twice(x: Tensor, factor: float = 2.0, bias: int = 0) -> Tensor:
    return x * factor + bias


def calls_functions(n: int):
    return fib(n), fib(n) + fib(n + 1)


def default_and_keyword_arguments(x: Tensor):
    return twice(x), twice(x, bias=7), twice(x, 3.0, bias=1), twice(x, factor=0.5, bias=2), twice(bias=1, x=x, factor=4.0)


class Signature(nn.Module):
    def forward(self, a: int, b: int = 10, c: float = 1.5):
        return a * b + c


def signature_keyword_only(a: int, b: int, *, c: float):
    return a * b + c


class DefaultArguments(nn.Module):
    def forward(self, n: int, a: Optional[List[int]] = None, s: str = "d", t: Tuple[int, int] = (1, 2), f: float = -1e-3, b: bool = True):
        if a is None:
            a = [0]
        a.append(n)
        return a, s, t, f, b


def function_defaults_are_not_saved(a: int, b: int = 10):
    return a * b


@torch.jit.ignore
def python_only(x: Tensor) -> Tensor:
    return x + 1


@torch.jit.script_if_tracing
def loops_if_traced(x: Tensor, n: Tensor):
    for _ in range(int(n)):
        x = x * 2
    return x


def script_if_tracing_traced():
    def run(x, n):
        return loops_if_traced(x, n) + 1
    return torch.jit.trace(run, (torch.ones(2), torch.tensor(1)))


def is_scripting_flag(x: Tensor):
    if torch.jit.is_scripting():
        x = x + 1
    else:
        x = python_only(x)
    if not torch.jit.is_scripting():
        x = not_there(x)  # noqa: F821
    return x, torch.jit.is_scripting(), torch.jit.is_tracing()

