"""Programs that we compile and torch.jit.script refuses, with what Python gives.

    python3 beyond_cases.py            # writes beyond/

Each function is called by Python itself; lang_errors/README.md says why we
accept it.
"""
import copy
import math
import os
import sys
from collections import namedtuple
from typing import Any, Dict, List, NamedTuple, Optional, Tuple

import torch
import torch.nn as nn
import torch.nn.functional as F
from torch import Tensor

LIMIT = 3
NAMES = ("zero", "one", "two")
SCALE, SHIFT = 2.5, -1
Vector = List[float]
activation = F.relu


def comprehension_with_if(a: List[int], k: int):
    return [x * 2 for x in a if x > k], [x for x in a if x > 0 if x % 2 == 0], {x: -x for x in a if x != k}


def comprehension_of_two_loops(n: int):
    return [i * 10 + j for i in range(n) for j in range(i)], [c + d for c in "ab" for d in "xyz" if d != "y"], [x for row in [[1, 2], [3]] for x in row]


def comprehension_refines(a: List[Optional[int]]):
    return sum([x for x in a if x is not None])


def generator_with_if(n: int):
    return sum(i for i in range(n) if i % 3 == 0), any(i > 5 for i in range(n) if i < 7)


def slice_assignment(a: List[int], b: List[int], i: int, j: int):
    a[i:j] = b
    return a


def slice_assignment_ends(a: List[int], b: List[int]):
    c = a.copy()
    d = a.copy()
    a[:2] = b
    c[1:] = b
    d[:] = b
    return a, c, d


def slice_assignment_of_itself(a: List[int]):
    a[1:2] = a
    b = a
    b[:0] = [7]
    return a, b is a


def delete_slice(a: List[int], i: int, j: int):
    del a[i:j]
    return a


def tuple_addition(t: Tuple[int, str], x: float):
    u = t + (x,)
    return u, u + t, () + t, (1, 2) + (3,)


def starred_lists(a: List[int], b: List[int], t: Tuple[int, int]):
    return [*a, *b], [0, *a, 9], [*a, *t, *b], [*t], [*range(0)] if False else [*a]


def starred_tuples(t: Tuple[int, str], x: float):
    return (*t, x), (x, *t), (*t, *t)


def nested_function(n: int):
    def square(k: int) -> int:
        return k * k

    def twice(k: int):
        return 2 * k
    total = 0
    for i in range(n):
        total += square(i) + twice(i)
    return total


def floor_division_augmented(n: int, x: float, t: Tensor):
    n //= 3
    x //= 0.75
    t = t + 0
    t //= 2
    return n, x, t


def matrix_multiplication_augmented(x: Tensor, y: Tensor):
    x @= y
    return x


def reversed_things(a: List[int], s: str, n: int):
    out = [x for x in reversed(a)]
    letters = [c for c in reversed(s)]
    down = [i for i in reversed(range(n))]
    steps = [i for i in reversed(range(n, 3 * n, 2))]
    pairs: List[Tuple[int, int]] = []
    for i, x in enumerate(reversed(a)):
        pairs.append((i, x))
    for y in reversed((1, 2)):
        out.append(y)
    return out, letters, down, steps, pairs


def keyword_only_default(a: int, *, k: int = 5) -> int:
    return a * k


def calls_keyword_only(a: int):
    return keyword_only_default(a), keyword_only_default(a, k=2)


def global_constants(x: int):
    return x + LIMIT, NAMES[1], len(NAMES), x * SCALE + SHIFT


def global_names(x: Tensor, v: Vector):
    return activation(x), v


def inference_mode(x: Tensor):
    with torch.inference_mode():
        y = x * 2
    return y, torch.is_grad_enabled()


def one_line_bodies(n: int):
    if n > 2: return "big"
    total = 0
    for i in range(n): total += i
    while total > 100: total -= 1
    return str(total)


def dict_comprehension_of_pairs(d: Dict[str, int]):
    return {k: v + 1 for k, v in d.items() if v > 0}, {v: k for k, v in d.items()}


def format_specifications(x: float, n: int, s: str, w: int, b: bool):
    floats = f"{x:.2f}|{x:10.3f}|{x:<10.1f}|{x:+e}|{x:g}|{x:.3g}|{x:,.2f}|{x:012.4f}|{x:%}|{x:^{w}.{n}f}|{x:.0f}"
    ints = f"{n:d}|{n:5d}|{n:<5}|{n:^7}|{n:05d}|{n:+d}|{n:x}|{n:#b}|{n:,}|{n * 1000003:_}|{n:.1f}"
    texts = f"{s:>8}|{s:*^9}|{s:.2}|{s!r}|{s!r:>8}|{s:{w}}|{b:>6}|{b!s:>6}|{{{n:d}}}|{{}}"
    return floats, ints, texts


def loop_else(a: List[int], k: int):
    where = 0
    for i, x in enumerate(a):
        if x == k:
            where = i
            break
    else:
        where = -1
    n = 0
    while n < k:
        n += 1
        for j in range(3):
            if j == 2:
                break
        else:
            n = 1000
        if n > 5:
            break
    else:
        n = 100
    return where, n


def semicolons(n: int):
    a = 1; b = 2;
    if n > 2: a = 5; b = 6
    for i in range(n): a += i; b -= 1
    return a, b  # both bodies have two statements


class Shape:
    def __init__(self, sides: int):
        self.sides = sides

    def corners(self) -> int:
        return self.sides


class Solid(Shape):
    def __init__(self, sides: int, faces: int):
        super().__init__(sides)
        self.faces = faces

    def corners(self) -> int:
        return super().corners() * self.faces


def super_methods(n: int):
    solid = Solid(n, 3)
    return solid.corners(), solid.sides, solid.faces


CALLS = {
    "loop_else": [([1, 2, 9], 2), ([1, 2, 9], 9), ([], 3)],
    "super_methods": [(4,)],
    "semicolons": [(1,), (3,)],
    "format_specifications": [(1234.5678, 3, "abc", 12, True), (-2.675, 1, "it's", 7, False), (0.0, 0, "", 5, True), (1e22, 12, "x\n", 3, False), (float("inf"), 2, "e", 8, True), (5e-324, 255, "q", 4, True)],
    "comprehension_with_if": [([1, 2, 3, 4], 2), ([], 0), ([-2, 5], 5)],
    "comprehension_of_two_loops": [(4,), (0,)],
    "comprehension_refines": [([1, None, 4],), ([None],)],
    "generator_with_if": [(10,), (0,)],
    "slice_assignment": [([1, 2, 3, 4], [9], 1, 3), ([1, 2, 3], [7, 8], 5, 9), ([1, 2, 3], [7], -2, -1), ([1, 2, 3], [], 0, 2), ([1, 2, 3, 4], [9], 3, 1), ([], [1], 0, 0), ([1, 2, 3], [5], -9, 1)],
    "slice_assignment_ends": [([1, 2, 3], [7]), ([], [1, 2])],
    "slice_assignment_of_itself": [([1, 2, 3],)],
    "delete_slice": [([1, 2, 3, 4], 1, 3), ([1, 2], 0, 9), ([1, 2, 3], -1, 3), ([1, 2, 3], 2, 1)],
    "tuple_addition": [((1, "a"), 2.5)],
    "starred_lists": [([1, 2], [3], (4, 5)), ([], [], (0, 0))],
    "starred_tuples": [((1, "a"), 0.5)],
    "nested_function": [(4,), (0,)],
    "floor_division_augmented": [(7, 2.0, torch.tensor([5, -5])), (-7, -2.0, torch.tensor([5., -5.]))],
    "matrix_multiplication_augmented": [(torch.ones(2, 3), torch.ones(3, 2))],
    "reversed_things": [([1, 2, 3], "abc", 4), ([], "", 0)],
    "calls_keyword_only": [(2,)],
    "global_constants": [(1,)],
    "global_names": [(torch.tensor([-1., 2.]), [1.5])],
    "inference_mode": [(torch.ones(2),)],
    "one_line_bodies": [(2,), (5,), (0,)],
    "dict_comprehension_of_pairs": [({"a": 1, "b": -2},), ({},)],
}


def main():
    folder = os.path.join(os.path.dirname(os.path.abspath(__file__)), "beyond")
    os.makedirs(folder, exist_ok=True)
    for name, calls in CALLS.items():
        recorded = []
        for args in calls:
            with torch.no_grad():
                output = globals()[name](*copy.deepcopy(args))
            recorded.append({"method": "forward", "seed": None, "args": args, "kwargs": {}, "output": output})
        torch.save({"torch": torch.__version__.split("+")[0], "sequences": [recorded]}, os.path.join(folder, name + ".io.pt"))


if __name__ == "__main__":
    main()
