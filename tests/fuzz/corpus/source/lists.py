import math
from enum import Enum
from typing import Any, Dict, Final, List, NamedTuple, Optional, Tuple, Union
import torch
import torch.nn as nn
import torch.nn.functional as F
from torch import Tensor


def list_append_extend(a: List[int], x: int):
    a.append(x)
    a.extend([x, x + 1])
    a += [7]
    b = a + [8]
    return a, b, len(a), a * 2


def list_insert(a: List[int], i: int, x: int):
    a.insert(i, x)
    return a


def list_pop(a: List[int], i: int):
    x = a.pop(i)
    return x, a


def list_pop_last(a: List[str]):
    return a.pop(), a


def list_remove(a: List[int], x: int):
    a.remove(x)
    return a


def list_sort_ints(a: List[int]):
    a.sort()
    b = a.copy()
    b.sort(reverse=True)
    return a, b, sorted(b)


def list_sort_floats(a: List[float]):
    b = sorted(a)
    a.sort(reverse=True)
    return a, b


def list_sort_strings(a: List[str]):
    b = sorted(a)
    a.sort(reverse=True)
    return a, b


def list_sort_tensors(a: List[Tensor]):
    a.sort()
    return a


def list_index_count(a: List[int], x: int):
    return a.count(x), a.index(x)


def list_reverse_clear_copy(a: List[int]):
    b = a.copy()
    c = a
    a.reverse()
    d = list(a)
    b.clear()
    c.append(4)
    return a, b, c, d


def list_delete(a: List[int], i: int):
    del a[i]
    return a


def list_index_value(a: List[int], i: int) -> int:
    return a[i]


def list_set_item(a: List[int], i: int):
    a[i] = 10
    a[0] += 5
    return a


def list_slices(a: List[int]):
    return a[1:], a[:2], a[-2:], a[:-2], a[1:4], a[4:1], a[:], a[10:], a[-10:2], a[::2], a[1:5:2]


def list_negative_steps(a: List[int]):
    return a[::-1], a[4:1:-1], a[::-2], a[-1:0:-2], a[1:4:-1]


def list_equality(a: List[int], b: List[int]):
    return a == b, a != b, [1.5] == [1.5], ["a"] == ["b"], 2 in a, 5 not in b


def list_comprehension(a: List[int]):
    return [x * x for x in a], [x % 2 == 1 for x in a], [str(x) for x in a], [[x, x] for x in a]


def nested_comprehension(n: int):
    grid = [[i * j for j in range(n)] for i in range(n)]
    pairs = [(i, i * 2) for i in range(n)]
    flat: List[int] = []
    for row in grid:
        for v in row:
            flat.append(v)
    return grid, pairs, flat


def list_of_lists(a: List[List[int]]):
    a.append([9])
    a[0].append(7)
    b = a[0]
    b[0] = -1
    return a, len(a), sum([len(x) for x in a])


def list_of_tuples(n: int):
    out: List[Tuple[int, str]] = []
    for i in range(n):
        out.append((i, str(i)))
    total = 0
    for i, s in out:
        total += i + int(s)
    return out, total


def list_unpack(a: List[int]):
    x, y, z = a
    return x + y * 10 + z * 100


def list_aliasing():
    a = [1, 2]
    b = a
    c = [a, a]
    b.append(3)
    c[0].append(4)
    d = a[:]
    d.append(5)
    return a, b, c, d, a is b


def list_multiply(n: int):
    return [0] * n, [1, 2] * n, [""] * n, [[0]] * n, n * [True]


def list_of_tensor(x: Tensor):
    return list(x), [t.sum() for t in x], len(x)


def list_truthiness(a: List[int]):
    n = 0
    while len(a) > 0:
        n += a.pop()
    return n, len(a) == 0


def list_of_tensors_methods(a: List[Tensor], x: Tensor):
    a.append(x)
    b = torch.stack([t * 2 for t in a])
    a[0].add_(1)
    return b, a, len(a)


def list_conversions(a: List[float]):
    return [int(x) for x in a], torch.tensor(a), torch.tensor([int(x) for x in a]), torch.tensor([a, a])

