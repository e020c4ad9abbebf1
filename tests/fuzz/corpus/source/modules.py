import math
from enum import Enum
from typing import Any, Dict, Final, List, NamedTuple, Optional, Tuple, Union
import torch
import torch.nn as nn
import torch.nn.functional as F
from torch import Tensor


class BufferState(nn.Module):
    log: List[int]

    def __init__(self):
        super().__init__()
        self.register_buffer("total", torch.zeros(2))
        self.count = 0
        self.log = []

    def forward(self, x: Tensor):
        self.total += x
        self.count += 1
        self.log.append(self.count * 2)
        return self.total, self.count, self.log


class BufferReplaced(nn.Module):
    def __init__(self):
        super().__init__()
        self.register_buffer("state", torch.zeros(3))
        self.weight = nn.Parameter(torch.ones(3))

    def forward(self, x: Tensor):
        old = self.state
        self.state = self.state * 0.5 + x * self.weight
        self.weight.add_(1)
        return old, self.state


class TwoLayers(nn.Module):
    def __init__(self):
        super().__init__()
        self.first = nn.Linear(3, 4)
        self.second = nn.Linear(4, 2, bias=False)
        self.act = nn.ReLU()

    def helper(self, x: Tensor, scale: float = 1.0) -> Tensor:
        return self.act(self.first(x)) * scale

    def forward(self, x: Tensor) -> Tensor:
        return self.second(self.helper(x)) + self.second(self.helper(x, scale=2.0))


class ExportedMethods(nn.Module):
    def __init__(self):
        super().__init__()
        self.bias = 1

    def forward(self, x):
        return x + self.bias

    @torch.jit.export
    def scale(self, x, k: int = 2):
        return self.forward(x) * k

    @torch.jit.export
    def info(self) -> Dict[str, int]:
        return {"bias": self.bias}

    @torch.jit.export
    def set_bias(self, b: int) -> None:
        self.bias = b


class NoForward(nn.Module):
    @torch.jit.export
    def only(self, n: int) -> int:
        return n + 1

    @torch.jit.export
    def other(self, s: str) -> str:
        return s + s


class UnusedMethod(nn.Module):
    def __init__(self):
        super().__init__()
        self.debug = False

    @torch.jit.unused
    def fancy(self, x: Tensor) -> Tensor:
        return eval("x + 100")

    def forward(self, x: Tensor) -> Tensor:
        if x.sum() == 0:
            return self.fancy(x)
        return x


class ModuleConstants(nn.Module):
    __constants__ = ["times", "names"]
    limit: Final[int] = 7
    scale: Final[float]

    def __init__(self):
        super().__init__()
        self.times = 3
        self.names = ("a", "b")
        self.scale = 0.5
        self.plain = 11

    def forward(self, x):
        for i in range(self.times):
            x = x + self.limit
        return x * self.scale, self.names, len(self.names), self.plain


class AttributesOfAllTypes(nn.Module):
    table: Dict[str, List[int]]
    maybe: Optional[Tensor]
    number: Optional[int]
    pairs: List[Tuple[str, float]]

    def __init__(self):
        super().__init__()
        self.i = 3
        self.f = 2.5
        self.b = True
        self.s = "text"
        self.none = None
        self.ints = [1, 2]
        self.strings = ["x", "y"]
        self.tuple = (1, "two", 3.0)
        self.table = {"a": [1, 2], "b": []}
        self.maybe = None
        self.number = 4
        self.pairs = [("p", 1.5)]
        self.tensor = torch.arange(3)
        self.nested = [[1], [2, 3]]
        self.by_int = {1: "one", 2: "two"}
        self.device = torch.device("cpu")
        self.dtype = torch.float64
        self.z = 1 + 2j

    def forward(self, key: str):
        if key in self.table:
            self.table[key].append(self.i)
        n = self.number
        return (self.i, self.f, self.b, self.s, self.none, self.ints, self.strings, self.tuple, self.table,
                self.maybe is None, n, self.pairs, self.tensor, self.nested, self.by_int, str(self.device),
                torch.zeros(1, dtype=self.dtype), self.z)


class SequentialLoop(nn.Module):
    def __init__(self):
        super().__init__()
        self.seq = nn.Sequential(nn.Linear(2, 3), nn.Tanh(), nn.Linear(3, 2))
        self.layers = nn.ModuleList([nn.Linear(2, 2) for _ in range(3)])

    def forward(self, x):
        y = self.seq(x)
        for layer in self.layers:
            y = layer(y)
        for i, layer in enumerate(self.layers):
            y = layer(y) + i
        for layer in self.seq:
            x = layer(x)
        return y, x, len(self.layers), self.layers[1](y), self.seq[0](y)


class ModuleDictLoop(nn.Module):
    def __init__(self):
        super().__init__()
        self.parts = nn.ModuleDict({"a": nn.Linear(2, 2), "b": nn.ReLU(), "c": nn.Identity()})

    def forward(self, x, name: str):
        names: List[str] = []
        out = x
        for k, m in self.parts.items():
            if k == name:
                out = m(out) * 2
            names.append(k)
        for m in self.parts.values():
            out = m(out)
        for k in self.parts.keys():
            names.append(k + "!")
        return out, names, "a" in self.parts, len(self.parts), self.parts["c"](x)


class ParameterListLoop(nn.Module):
    def __init__(self):
        super().__init__()
        self.ws = nn.ParameterList([nn.Parameter(torch.full((2,), float(i))) for i in range(3)])
        self.named = nn.ParameterDict({"u": nn.Parameter(torch.ones(2)), "v": nn.Parameter(torch.zeros(2))})

    def forward(self, x):
        for w in self.ws:
            x = x + w
        return x, self.ws[2], self.named["u"] + x


class TrainingFlag(nn.Module):
    def __init__(self):
        super().__init__()
        self.drop = nn.Dropout(0.0)

    def forward(self, x):
        if self.training:
            x = x + 100
        return self.drop(x), self.training

    @torch.jit.export
    def eval_mode(self):
        self.training = False


def batch_norm_training():
    torch.manual_seed(1)

    class Norm(nn.Module):
        def __init__(self):
            super().__init__()
            self.bn = nn.BatchNorm1d(3)

        def forward(self, x):
            y = self.bn(x)
            return y, self.bn.running_mean, self.bn.num_batches_tracked
    return torch.jit.script(Norm().train())


def eval_dropout_and_norm():
    net = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.Dropout(0.5), nn.Softmax(dim=1))
    return torch.jit.script(net.eval())


@torch.jit.interface
class Shape:
    def area(self, k: float) -> float:
        pass


@torch.jit.script
class Square:
    def __init__(self, side: float):
        self.side = side

    def area(self, k: float) -> float:
        return self.side * self.side * k


@torch.jit.script
class Bar:
    def __init__(self, w: float):
        self.w = w

    def area(self, k: float) -> float:
        return self.w * k


def total_area(shapes: List[Shape], k: float) -> float:
    total = 0.0
    for s in shapes:
        total += s.area(k)
    return total


def class_interface(a: float, k: float):
    shapes: List[Shape] = [Square(a), Bar(a)]
    shapes.append(Square(a + 1.0))
    return total_area(shapes, k)


@torch.jit.interface
class Layer(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        pass


class AddOne(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x + 1


class Double(nn.Module):
    def __init__(self):
        super().__init__()
        self.register_buffer("two", torch.tensor(2.))

    def forward(self, x: Tensor) -> Tensor:
        return x * self.two


class ModuleInterface(nn.Module):
    layer: Layer

    def __init__(self):
        super().__init__()
        self.parts = nn.ModuleList([AddOne(), Double(), AddOne()])
        self.layer = Double()

    def forward(self, x: Tensor, i: int) -> Tensor:
        part: Layer = self.parts[i]
        return part.forward(x) + self.layer.forward(x)


class InterfaceSwap(nn.Module):
    layer: Layer

    def __init__(self):
        super().__init__()
        self.layer = AddOne()
        self.other = AddOne()

    def forward(self, x: Tensor) -> Tensor:
        return self.layer.forward(x)

    @torch.jit.export
    def swap(self, x: Tensor) -> Tensor:
        self.layer = self.other
        return self.layer.forward(x)


class Overloaded(nn.Module):
    @torch.jit._overload_method  # noqa: F811
    def pick(self, x: int) -> int:
        pass

    @torch.jit._overload_method  # noqa: F811
    def pick(self, x: str) -> str:  # noqa: F811
        pass

    def pick(self, x):  # noqa: F811
        return x + x

    def forward(self, n: int, s: str):
        return self.pick(n), self.pick(s)


def overload_method():
    return torch.jit.script(Overloaded())


@torch.jit._overload  # noqa: F811
def widen(x: int) -> int:
    pass


@torch.jit._overload  # noqa: F811
def widen(x: List[int]) -> List[int]:  # noqa: F811
    pass


def widen(x):  # noqa: F811
    return x + x


def overload_function():
    def use(n: int, a: List[int]):
        return widen(n), widen(a)
    return torch.jit.script(use)


class Hooked(nn.Module):
    def __init__(self):
        super().__init__()
        self.inner = AddOne()
        self.inner.register_forward_pre_hook(pre_hook)
        self.inner.register_forward_hook(post_hook)
        self.register_forward_hook(outer_hook)

    def forward(self, x: Tensor) -> Tensor:
        return self.inner(x) * 2


def pre_hook(self, input: Tuple[Tensor]) -> Tuple[Tensor]:
    print("pre")
    return (input[0] * 10,)


def post_hook(self, input: Tuple[Tensor], output: Tensor) -> Tensor:
    return output + input[0]


def outer_hook(self, input: Tuple[Tensor], output: Tensor) -> None:
    print("outer")
    if output.sum() < 0:
        raise ValueError("negative output")


def module_hooks():
    return torch.jit.script(Hooked())


class ModuleCallsMethods(nn.Module):
    def even(self, n: int) -> bool:
        return n % 2 == 0

    def label(self, n: int) -> str:
        if self.even(n):
            return "even"
        return "odd"

    def forward(self, n: int):
        return self.label(n), self.label(n + 1), fib(n)


class PlainModule(nn.Module):
    def forward(self, x: Tensor, bias: Optional[Tensor] = None) -> Tensor:
        y = x * 2
        if bias is not None:
            y = y + bias
        return y


class ModuleProperty(nn.Module):
    def __init__(self):
        super().__init__()
        self._k = 4

    @property
    def k(self) -> int:
        return self._k

    @k.setter
    def k(self, value: int):
        self._k = value

    @staticmethod
    def triple(x: Tensor) -> Tensor:
        return x * 3

    def forward(self, x):
        before = self.k
        self.k = before + 1
        return self.triple(x) * before, self.k


class SharedSubmodule(nn.Module):
    def __init__(self):
        super().__init__()
        self.a = nn.Linear(2, 2)
        self.b = self.a
        self.w = self.a.weight

    def forward(self, x):
        self.a.weight.mul_(2)
        return self.a(x), self.b(x), self.w


class ScriptObjectAttribute(nn.Module):
    def __init__(self):
        super().__init__()
        self.counter = Counter(10, 5)

    def forward(self, xs: List[Tensor]):
        for x in xs:
            self.counter.tick()
        return self.counter.value, self.counter.seen


class NamedModules(nn.Module):
    def __init__(self):
        super().__init__()
        self.lin = nn.Linear(3, 3)
        self.net = nn.Sequential(nn.Linear(3, 3), nn.ReLU())

    def forward(self, x):
        names: List[str] = []
        for name, child in self.named_children():
            names.append(name)
            x = child(x)
        for name, child in self.named_modules():
            names.append("." + name)
        for m in self.children():
            names.append("child")
        return x, names


class GetattrHasattr(nn.Module):
    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(2))

    def forward(self, x):
        if hasattr(self, "weight"):
            x = x * getattr(self, "weight")
        if hasattr(self, "missing"):
            x = x + self.missing
        return x, getattr(self, "missing", 3)
