import math
from enum import Enum
from typing import Any, Dict, Final, List, NamedTuple, Optional, Tuple, Union
import torch
import torch.nn as nn
import torch.nn.functional as F
from torch import Tensor


def comment_types(x, n):
    # type: (Tensor, int) -> Tuple[Tensor, int]
    """A docstring stays without effect."""
    y = [n]
    return x + n, len(y)


def annotated_locals(a: List[int]):
    b: Dict[str, List[int]] = {}
    c = torch.jit.annotate(List[float], [])
    d = torch.jit.annotate(Optional[int], None)
    e: List[Optional[str]] = [None, "x"]
    f: Tuple[int, Optional[str]] = (1, None)
    b["a"] = a
    c.append(0.5)
    return b, c, d, e, f


def str_negative_steps(s: str):
    return s[::-1], s[-1:0:-1], s[::-2]


def star_arguments(t: Tuple[int, float]):
    return add_three(*t, 3), add_three(1, *(2.0, 3)), add_three(a=4, c=5, b=6.0)


def add_three(a: int, b: float, c: int) -> float:
    return a + b + c


def delete_variable(n: int):
    x = n * 2
    y = x
    del x
    x = y + 1
    return x


def conversions_of_tensors(x: Tensor):
    return (x.to(torch.float64), x.int(), x.long(), x.half(), x.to(torch.bool), x.double(), x.float(), x.to("cpu"),
            x.type_as(torch.ones(1, dtype=torch.int16)), x.cpu(), x.to(torch.device("cpu"), torch.int8))


def no_result(n: int) -> None:
    if n > 1:
        print("n is", n)
        return
    print("small")


def list_of_floats_statistics(xs: List[float]):
    assert len(xs) > 0, "no values"
    mean = sum(xs) / len(xs)
    var = 0.0
    for x in xs:
        var += (x - mean) ** 2
    return mean, math.sqrt(var / len(xs))


def matrix_of_lists(n: int):
    m = [[0 for _ in range(n)] for _ in range(n)]
    for i in range(n):
        m[i][n - 1 - i] = i + 1
        m[i][0] += 10
    return m, torch.tensor(m)


def tensor_elements(x: Tensor):
    total = 0
    for i in range(x.size(0)):
        total += int(x[i]) * (i + 1)
    values: List[int] = x.tolist()
    return total, values, [float(v) for v in x]


def implicit_scalar_tensors(a: Tensor, b: Tensor):
    n = int(a) + int(b)
    return range_sum(int(a)), torch.full([int(b)], float(a)), n, torch.zeros(int(b), 2).shape


def range_sum(n: int) -> int:
    s = 0
    for i in range(n):
        s += i
    return s


def recursion_by_stack(n: int):
    stack = [n]
    order: List[int] = []
    while len(stack) > 0:
        k = stack.pop()
        order.append(k)
        if k > 2:
            stack.append(k // 2)
            stack.append(k - k // 2 - 1)
    return order


def mixed_returns(n: int, s: str):
    a = (n, s)
    b = [a, (n + 1, s + "!")]
    c = {s: b}
    return a, b, c


def multi_output_operators(x: Tensor):
    u, s, v = torch.svd(x)
    a, b = torch.unbind(x[:2])
    m, i = torch.max(x, 0, keepdim=True)
    parts = torch.split(x, [1, 1], dim=1) if x.size(1) == 2 else torch.split(x, 2, dim=1)
    return s, a, b, m, i, len(parts), torch.meshgrid([torch.arange(2), torch.arange(3)])[1]


def where_and_clamp(x: Tensor):
    y = torch.where(x > 0, x, torch.zeros_like(x))
    z = torch.where(x > 0, 1.0, 2.0)
    return y, z, x.clamp(min=0), x.clamp(-0.5, 0.5), torch.clamp(x, max=0.25), torch.maximum(x, y)


def out_arguments(x: Tensor):
    y = torch.empty(2)
    torch.add(x, 1, out=y)
    torch.mul(y, 2, out=y)
    return y


def string_keys_and_format(x: Tensor):
    d: Dict[str, Tensor] = {}
    for i in range(3):
        d["layer{}.weight".format(i)] = x * i
    names = sorted(d.keys())
    return names, d["layer2.weight"], ";".join([n.split(".")[0] for n in names])


def shape_arithmetic(x: Tensor):
    n = 1
    for s in x.shape:
        n *= s
    return n, x.shape[-1] // 2, [s + 1 for s in x.shape], x.view(-1).shape[0] == n, list(x.shape) + [1], x.size() == x.shape


def different_list_lengths(flag: bool, n: int):
    a = [1, 2, 3] if flag else torch.jit.annotate(List[int], [])
    b = [n] * len(a)
    for x in a:
        if x > 1:
            b.append(x)
    return a, b, b[-1] if len(b) > 0 else -1


def float_and_string_equality(x: float, s: str):
    return x == 0.5, s == "x", s != "", x in [0.5, 1.0], s in "xyz", [s] == ["x"], (x, x) == (0.5, 0.5)


def sieve(n: int):
    flags = [True] * (n + 1)
    out: List[int] = []
    for i in range(2, n + 1):
        if flags[i]:
            out.append(i)
            j = i * i
            while j <= n:
                flags[j] = False
                j += i
    return out


def zip_tensors_and_lengths(xs: List[Tensor], lengths: List[int]):
    out: List[Tensor] = []
    for x, n in zip(xs, lengths):
        out.append(F.pad(x, [0, n - x.size(0)]))
    return out


def higher_precision(x: Tensor):
    y = x.double()
    return (y.exp() - x.exp()).abs() < 1e-6, y.dtype == torch.double


def detach_and_grad_flags(x: Tensor):
    y = x.detach()
    return y.requires_grad, (x * 2).requires_grad, x.is_leaf, x.grad is None


def future_annotations(x: "Tensor") -> "List[Tensor]":
    out: "List[Tensor]" = []
    out.append(x)
    return out


def global_enum_and_tuple_constants(n: int):
    table = (("zero", 0), ("one", 1), ("two", 2))
    names = ["a", "b"]
    label = "?"
    for name, value in table:
        if value == n - 1:
            label = name
    return label, Color.GREEN.value, names[n % 2], Mode.MEAN.name


@torch.jit.script
class Stack:
    def __init__(self):
        self.items: List[Tuple[str, Tensor]] = []

    def push(self, name: str, t: Tensor) -> int:
        self.items.append((name, t))
        return len(self.items)

    def pop(self) -> Tuple[str, Tensor]:
        if len(self.items) == 0:
            raise IndexError("pop from an empty stack")
        return self.items.pop()


def class_stack(x: Tensor, pops: int):
    s = Stack()
    n = s.push("a", x) + s.push("b", x * 2)
    names: List[str] = []
    for _ in range(pops):
        name, t = s.pop()
        names.append(name)
        x = x + t
    return n, names, x


class StreamingMean(nn.Module):
    history: List[Tensor]
    last: Optional[Tensor]

    def __init__(self):
        super().__init__()
        self.history = []
        self.n = 0
        self.last = None

    def forward(self, x: Tensor):
        self.history.append(x)
        self.n += 1
        last = self.last
        self.last = x * self.n
        mean = torch.stack(self.history).mean(0)
        return mean, last, len(self.history)

    @torch.jit.export
    def reset(self, x: Tensor):
        self.history.clear()
        self.n = 0
        self.last = x


class NestedModules(nn.Module):
    def __init__(self):
        super().__init__()
        self.blocks = nn.ModuleList([nn.ModuleDict({"lin": nn.Linear(3, 3), "act": nn.Sigmoid()}) for _ in range(2)])
        self.heads = nn.ModuleDict({"x": nn.Sequential(nn.Linear(3, 1), nn.Flatten())})

    def forward(self, x):
        for block in self.blocks:
            x = block["act"](block["lin"](x))
        out: Dict[str, Tensor] = {}
        for name, head in self.heads.items():
            out[name] = head(x)
        return out


class RecurrentCell(nn.Module):
    def __init__(self):
        super().__init__()
        self.cell = nn.GRUCell(2, 3)
        self.lstm = nn.LSTM(2, 3, num_layers=2)

    def forward(self, x: Tensor, state: Optional[Tensor] = None):
        h = torch.zeros(x.size(1), 3) if state is None else state
        outs: List[Tensor] = []
        for step in x:
            h = self.cell(step, h)
            outs.append(h)
        y, (hn, cn) = self.lstm(x)
        return torch.stack(outs), y, hn, cn


class OptionalSubmodule(nn.Module):
    def __init__(self):
        super().__init__()
        self.norm = None
        self.lin: Optional[nn.Module] = nn.Linear(2, 2)

    def forward(self, x):
        if self.norm is not None:
            x = self.norm(x)
        if self.lin is not None:
            x = self.lin(x)
        return x


class IgnoredInit(nn.Module):
    def __init__(self):
        super().__init__()
        self.w = nn.Parameter(torch.full((2,), 2.0), requires_grad=False)
        self.register_buffer("kept", torch.ones(1))
        self.register_buffer("dropped", torch.zeros(1), persistent=False)
        self.register_parameter("no_bias", None)

    def forward(self, x):
        y = x * self.w + self.kept + self.dropped
        if self.no_bias is None:
            y = y - 1
        return y


def list_plus_tuple(a: List[int], b: Tuple[int, int]):
    return a + b


def truth_of_containers(a: List[int], s: str, d: Dict[str, int]):
    out: List[str] = []
    if a:
        out.append("list")
    if s:
        out.append("str")
    if d:
        out.append("dict")
    if not a:
        out.append("no list")
    return out, bool(a), bool(s), not s


def mixed_containers(n: int, x: Tensor):
    a = [1, "a", n]
    b = [x, 1]
    c = {"a": 1, "b": "two"}
    return a, b, c


def item_as_int(x: Tensor) -> int:
    return x.item()


def variable_changes_type(n: int):
    x = n
    y = x + 1
    x = "text"
    z = x + str(y)
    x = [z]
    m = n
    m += 0.5
    return x, y, z, m


class Animal:
    def __init__(self, name: str):
        self.name = name

    def speak(self) -> str:
        return self.name + " makes a sound"

    def kind(self) -> str:
        return "animal"


class Dog(Animal):
    def __init__(self, name: str):
        self.name = name + " the dog"

    def speak(self) -> str:
        return self.name + " barks"


def class_inheritance(name: str):
    return Dog(name).speak(), Animal(name).speak(), Animal(name).kind()


def generator_argument(n: int):
    return sum(i * i for i in range(n)), any(i > 2 for i in range(n)), [i for i in [k + 1 for k in range(n)]]


def raise_from_cause(n: int) -> int:
    if n < 0:
        raise ValueError("below zero") from RuntimeError("cause")
    return n


def assert_string(s: str) -> str:
    assert s, "empty"
    return s


def is_of_ints(a: int, b: int):
    return a is b, a is not b


def tensor_of_strings(s: str):
    return torch.tensor([s])

