import math
from enum import Enum
from typing import Any, Dict, Final, List, NamedTuple, Optional, Tuple, Union
import torch
import torch.nn as nn
import torch.nn.functional as F
from torch import Tensor


@torch.jit.script
class Counter:
    def __init__(self, start: int, step: int = 1):
        self.value = start
        self.step = step
        self.seen: List[int] = []

    def tick(self) -> int:
        self.value += self.step
        self.seen.append(self.value)
        return self.value

    def reset(self):
        self.value = 0


def class_methods(start: int, n: int):
    c = Counter(start)
    d = Counter(start, step=10)
    e = c
    for _ in range(n):
        c.tick()
        e.tick()
        d.tick()
    total = d.value
    d.reset()
    return c.value, total, d.value, c.seen, e is c, c is d


@torch.jit.script
class Vec:
    def __init__(self, x: float, y: float):
        self.x = x
        self.y = y

    def __add__(self, other: "Vec") -> "Vec":
        return Vec(self.x + other.x, self.y + other.y)

    def __sub__(self, other: "Vec") -> "Vec":
        return Vec(self.x - other.x, self.y - other.y)

    def __mul__(self, k: float) -> "Vec":
        return Vec(self.x * k, self.y * k)

    def __neg__(self) -> "Vec":
        return Vec(-self.x, -self.y)

    def __eq__(self, other: "Vec") -> bool:
        return self.x == other.x and self.y == other.y

    def __ne__(self, other: "Vec") -> bool:
        return not (self.x == other.x and self.y == other.y)

    def __lt__(self, other: "Vec") -> bool:
        return self.x < other.x

    def __le__(self, other: "Vec") -> bool:
        return self.x <= other.x

    def __gt__(self, other: "Vec") -> bool:
        return self.x > other.x

    def __ge__(self, other: "Vec") -> bool:
        return self.x >= other.x

    def __mod__(self, k: float) -> "Vec":
        return Vec(self.x % k, self.y % k)

    def __truediv__(self, k: float) -> "Vec":
        return Vec(self.x / k, self.y / k)

    def __pow__(self, k: float) -> "Vec":
        return Vec(self.x ** k, self.y ** k)

    def __and__(self, other: "Vec") -> float:
        return self.x * other.x + self.y * other.y


def class_operators(a: float, b: float, c: float, d: float):
    u, v = Vec(a, b), Vec(c, d)
    s = u + v
    t = (u - v) * 2.0
    n = -s
    u += v
    return (s.x, s.y, t.x, t.y, n.x, s == u, u != v, u < v, u <= v, u > v, u >= v, (t % 3.0).x, (t / 2.0).y,
            (t ** 2.0).y, u & v)


@torch.jit.script
class Bag:
    def __init__(self, items: List[str]):
        self.items = items

    def __len__(self) -> int:
        return len(self.items)

    def __getitem__(self, i: int) -> str:
        return self.items[i]

    def __setitem__(self, i: int, s: str):
        self.items[i] = s

    def __contains__(self, s: str) -> bool:
        return s in self.items

    def __str__(self) -> str:
        return "Bag(" + ", ".join(self.items) + ")"

    def __bool__(self) -> bool:
        return len(self.items) > 0

    def __call__(self, s: str) -> str:
        return s + str(len(self.items))


def class_container_methods(items: List[str]):
    b = Bag(items)
    b[0] = b[0] + "!"
    return len(b), b[-1], "b" in b, "zz" in b, str(b), b("n"), items


@torch.jit.script
class Circle:
    def __init__(self, radius: float):
        self._radius = radius

    @property
    def radius(self) -> float:
        return self._radius

    @radius.setter
    def radius(self, value: float):
        if value < 0.0:
            raise ValueError("radius < 0")
        self._radius = value

    @property
    def area(self) -> float:
        return 3.0 * self._radius * self._radius

    @staticmethod
    def unit() -> float:
        return 1.0


def class_properties(a: float, b: float):
    c = Circle(a)
    x = c.area
    c.radius = b
    return x, c.area, c.radius, Circle.unit()


@torch.jit.script
class Links:
    def __init__(self):
        self.values: List[int] = []
        self.next: List[int] = []
        self.head = -1

    def push(self, v: int):
        self.values.append(v)
        self.next.append(self.head)
        self.head = len(self.values) - 1

    def first(self) -> Optional[int]:
        if self.head < 0:
            return None
        return self.values[self.head]


def class_linked_list(values: List[int]):
    links = Links()
    for v in values:
        links.push(v)
    out: List[int] = []
    i = links.head
    while i >= 0:
        out.append(links.values[i])
        i = links.next[i]
    return out, links.first()


@torch.jit.script
class Cache:
    def __init__(self, best: Optional[Tensor], other: Optional[Counter]):
        self.best = best
        self.other = other
        self.hits = 0

    def update(self, x: Tensor) -> Tensor:
        best = self.best
        if best is None:
            self.best = x
            return x
        self.hits += 1
        if x.sum() > best.sum():
            self.best = x
            return x
        return best


def class_optional_attributes(xs: List[Tensor]):
    c = Cache(None, None)
    out = [c.update(x) for x in xs]
    before = c.other is None
    c.other = Counter(4)
    other = c.other
    assert other is not None
    return out, c.hits, before, other.tick(), c.best


@torch.jit.script
class Holder:
    def __init__(self, t: Tensor, names: Dict[str, List[int]], pair: Tuple[int, Optional[str]]):
        self.t = t
        self.names = names
        self.pair = pair
        self.counter = Counter(1)


def class_nested_attributes(t: Tensor):
    h = Holder(t, {"a": [1]}, (2, None))
    h.names["a"].append(h.counter.tick())
    h.t += 1
    h.pair = (3, "set")
    h.counter.value = 50
    h.counter.tick()
    hs = [h, h]
    hs[1].names["b"] = [7]
    return h.t, h.names, h.pair, h.counter.seen, hs[0].counter.value, t


def class_list_and_dict(n: int):
    items: List[Counter] = []
    table: Dict[str, Counter] = {}
    for i in range(n):
        c = Counter(i)
        items.append(c)
        table[str(i)] = c
        c.tick()
    for k in table.keys():
        table[k].tick()
    return [c.value for c in items], list(table.keys())


def class_isinstance(flag: bool):
    x: Union[Counter, Vec] = Counter(1)
    if flag:
        x = Vec(1.0, 2.0)
    if isinstance(x, Vec):
        return "vec", x.x
    else:
        return "counter", float(x.value)

