#!/usr/bin/env python3
"""Writes the archives that costs_benchmark runs, beside itself. Needs PyTorch."""
import os

import torch

HERE = os.path.dirname(os.path.abspath(__file__))


class ScalarLoop(torch.nn.Module):
    """One integer addition a turn."""

    def forward(self, n: int) -> int:
        s = 0
        for i in range(n):
            s = s + i
        return s


class ScalarMix(torch.nn.Module):
    """Six scalar operations a turn, with a branch."""

    def forward(self, n: int) -> float:
        a = 0
        x = 0.5
        for i in range(n):
            if i % 3 == 0:
                a = a + i * 2
            x = x * 1.0000001 + 0.25
        return x + float(a)


class SmallOperators(torch.nn.Module):
    """100 operators on 3x4 tensors: 50 additions, 50 relu."""

    def forward(self, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        for _ in range(50):
            x = torch.relu(x + y)
        return x


class SmallLinear(torch.nn.Module):
    """50 linear layers of 4 features on a 3x4 tensor."""

    def __init__(self):
        super().__init__()
        self.lin = torch.nn.Linear(4, 4)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        for _ in range(50):
            x = self.lin(x)
        return x


class Empty(torch.nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x


class DecisionGate(torch.nn.Module):
    def forward(self, x):
        if x.sum() > 0:
            return x
        else:
            return -x


class Cell(torch.nn.Module):
    def __init__(self, dg):
        super().__init__()
        self.dg = dg
        self.linear = torch.nn.Linear(4, 4)

    def forward(self, x, h):
        new_h = torch.tanh(self.dg(self.linear(x)) + h)
        return new_h, new_h


class RnnLoop(torch.nn.Module):
    """The tutorial's RNN over 100 steps of a 3x4 input."""

    def __init__(self):
        super().__init__()
        self.cell = Cell(DecisionGate())

    def forward(self, xs):
        h, y = torch.zeros(3, 4), torch.zeros(3, 4)
        for i in range(xs.size(0)):
            y, h = self.cell(xs[i], h)
        return y, h


def main():
    torch.manual_seed(0)
    for name, module in (("scalar_loop", ScalarLoop()), ("scalar_mix", ScalarMix()),
                         ("small_operators", SmallOperators()),
                         ("small_linear", SmallLinear()), ("empty_method", Empty()),
                         ("rnn_loop", RnnLoop())):
        torch.jit.script(module.eval()).save(os.path.join(HERE, name + ".pt"))


main()
