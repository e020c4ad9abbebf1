import math
from enum import Enum
from typing import Any, Dict, Final, List, NamedTuple, Optional, Tuple, Union
import torch
import torch.nn as nn
import torch.nn.functional as F
from torch import Tensor


def traced_function():
    def f(x):
        y = x * 2 + 1
        z = y.clone()
        z[0] = 5
        return y, z.sum()
    return torch.jit.trace(f, torch.ones(2))


def traced_tuple_input():
    def f(pair):
        a, b = pair
        return a + b, (a, [b, b * 2])
    return torch.jit.trace(f, ((torch.ones(2), torch.ones(2)),))


def traced_dict_input():
    def f(d):
        return d["a"] + d["b"] * 2
    return torch.jit.trace(f, ({"a": torch.ones(2), "b": torch.ones(2)},))


def traced_dict_output():
    def f(x):
        return {"x": x, "y": x + 1}
    return torch.jit.trace(f, torch.ones(2), strict=False)


def traced_list_input():
    def f(xs):
        return torch.stack(xs).sum(0), torch.cat(xs)
    return torch.jit.trace(f, ([torch.ones(2), torch.ones(2)],))


def traced_sizes():
    def f(x):
        b, c = x.shape
        return x.view(c, b).reshape(-1), x.new_zeros(x.size(0)), torch.arange(x.shape[0])
    return torch.jit.trace(f, torch.ones(2, 3))


def traced_module():
    net = nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 2))
    return torch.jit.trace(net, torch.ones(1, 3))


def traced_module_methods():
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.lin = nn.Linear(2, 2)

        def forward(self, x):
            return self.lin(x)

        def twice(self, x):
            return self.lin(self.lin(x)) * 2
    x = torch.ones(1, 2)
    return torch.jit.trace_module(Net(), {"forward": x, "twice": x})


def traced_calls_scripted():
    gate = torch.jit.script(branch)

    def f(x):
        return gate(x) * 3
    return torch.jit.trace(f, torch.ones(2))


def branch(x: Tensor) -> Tensor:
    if x.sum() > 0:
        return x + 1
    return x - 1


def scripted_calls_traced():
    step = torch.jit.trace(lambda x: x * 2 + 1, torch.ones(2))

    def f(x: Tensor, n: int):
        for _ in range(n):
            x = step(x)
        return x
    return torch.jit.script(f)


def traced_in_place():
    def f(x):
        y = x + 1
        y.add_(2)
        y[0] = 9
        y[1:] *= 2
        return y
    return torch.jit.trace(f, torch.zeros(2))


def traced_buffer_mutation():
    class Acc(nn.Module):
        def __init__(self):
            super().__init__()
            self.register_buffer("total", torch.zeros(2))

        def forward(self, x):
            self.total.add_(x)
            return self.total * 1
    return torch.jit.trace(Acc(), torch.ones(2), check_trace=False)


def traced_random():
    def f(x):
        return F.dropout(x, 0.5, True) + torch.rand(4)
    return torch.jit.trace(f, torch.ones(4), check_trace=False)


def traced_constants():
    k = torch.tensor([1., 2.])

    def f(x):
        n = int(x)
        return x * k + n, torch.zeros(2) + math.pi
    return torch.jit.trace(f, torch.tensor(3.), check_trace=False)


def traced_keyword_inputs():
    class Net(nn.Module):
        def forward(self, x, y):
            return x - y * 2
    return torch.jit.trace(Net(), example_kwarg_inputs={"x": torch.ones(2), "y": torch.ones(2)})


def frozen_module():
    net = nn.Sequential(nn.Linear(3, 3), nn.BatchNorm1d(3), nn.ReLU()).eval()
    return torch.jit.freeze(torch.jit.script(net))


def archive_extra_files():
    return torch.jit.script(nn.Linear(2, 2))


