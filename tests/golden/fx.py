"""Records what torch.fx prints for small programs: tests/golden/fx.

  python3 tests/golden/fx.py tests/golden/fx

tests/symbolic/fx_test.cc has the same programs in C++.
"""

import contextlib
import io
import os
import sys

import torch
import torch.fx
import torch.nn as nn
from torch.fx import Interpreter, Transformer, replace_pattern, symbolic_trace
from torch.fx.passes.split_module import split_module

FOLDER = sys.argv[1]


def keep(name, text):
    with open(os.path.join(FOLDER, name), "w", encoding="utf-8") as f:
        f.write(text)


def tabular(graph):
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        graph.print_tabular()
    return out.getvalue()


def keep_module(name, module, with_table=False):
    keep(name + ".graph.txt", str(module.graph) + "\n")
    keep(name + ".code.txt", module.code)
    if with_table:
        keep(name + ".tabular.txt", tabular(module.graph))


class MyModule(nn.Module):
    """The module of torch.fx's docstring."""

    def __init__(self):
        super().__init__()
        self.param = nn.Parameter(torch.rand(3, 4))
        self.linear = nn.Linear(4, 5)

    def forward(self, x):
        return self.linear(x + self.param).clamp(min=0.0, max=1.0)


class Many(nn.Module):
    def __init__(self):
        super().__init__()
        self.seq = nn.Sequential(nn.Linear(4, 4), nn.Linear(4, 4))
        self.weight = nn.Parameter(torch.ones(4))
        self.register_buffer("offset", torch.ones(4))

    def forward(self, x, y):
        z = self.seq(x) + self.offset
        z += 1
        z = 2 - z
        z = z * self.weight / self.weight
        v, i = z.max(1, keepdim=True)
        s = z.shape[0] // 2
        q = z.view(s, -1)[:, 0]
        w = z[0, ..., None, 1:3]
        t = torch.tensor([1.0, 2.0, 3.0, 4.0]) + z
        u = torch.cat([t, y], 1).to(torch.float64)
        u = u.flatten(1) + torch.flatten(u, 1) + torch._C._nn.gelu(u) + float("inf")
        a = u.size(0) + 2
        x.add_(1)
        d = u.sum((0, 1), keepdim=True) + (u > 1)
        e = ~(d == d) & (1 < d)
        r = x.relu().permute(1, 0).reshape(a, 2)
        return [e, (q, w)], {"v": v, "i": i, "r": -r % 3}


class Layers(nn.Module):
    """Layers of each group as leaves: tuples as results, arguments by name."""

    def __init__(self):
        super().__init__()
        self.embed = nn.Embedding(10, 4)
        self.bag = nn.EmbeddingBag(10, 4)
        self.lstm = nn.LSTM(4, 4, batch_first=True)
        self.gru = nn.GRU(4, 4, batch_first=True)
        self.cell = nn.LSTMCell(4, 4)
        self.attention = nn.MultiheadAttention(4, 2, batch_first=True)
        self.encoder = nn.TransformerEncoderLayer(4, 2, 8, batch_first=True)
        self.norm = nn.LayerNorm(4)
        self.conv = nn.Conv1d(4, 6, 3, padding=1)
        self.up = nn.ConvTranspose1d(6, 4, 2, stride=2)
        self.pool = nn.AdaptiveAvgPool1d(2)
        self.head = nn.Sequential(nn.Flatten(), nn.Linear(8, 8), nn.GELU(), nn.Dropout(0.1))
        self.loss = nn.MSELoss()

    def forward(self, ids, offsets, mask):
        x = self.embed(ids)
        y, (h, c) = self.lstm(x)
        z, last = self.gru(y, h)
        a, w = self.attention(z, z, z, need_weights=False, attn_mask=mask)
        e = self.encoder(a, src_mask=mask)
        n = self.norm(e + x)
        p = self.conv(n.transpose(1, 2))
        q = self.pool(self.up(p))
        r = self.head(q)
        hx, cx = self.cell(last.squeeze(0), (h.squeeze(0), c.squeeze(0)))
        b = self.bag(ids.flatten(), offsets)
        return r, self.loss(hx, cx), b


def spelled(x, y, w, b):
    a = torch.conv2d(x, w, b, (2, 2), (1, 1))
    c = a.mean((2, 3))
    d = torch.matmul(c, y)
    h = torch.where(d > 0, d, c)
    i = h.transpose(0, 1).contiguous()
    u = i.unsqueeze(0)
    j = torch.bmm(u, i[None])
    k = torch.addmm(d, d, d, beta=0.5)
    l = k.softmax(-1)
    m = l.argmax(1)
    o = torch.stack([l, l]).squeeze(0)
    p, q = o.chunk(2, 1)
    r = p.pow(2) + q * q
    s = 1 / r
    t = s.masked_fill(s > 1, 0.0)
    v = t.to("cpu").type_as(t)
    return j, m, v, l.sum(1, keepdim=True), l.clamp_min(0.0), l.abs().log1p(), -l, l.T, torch.dropout(l, 0.5, False)


class Fixed(nn.Module):
    def forward(self, x, flag=True, n=None):
        if flag:
            x = x + 1
        if n is None:
            x = x * 2
        return x


@torch.fx.wrap
def my_fn(x, n):
    return x * n


def wrapped(x):
    return my_fn(x, 3) + 1


class Stacks(nn.Module):
    """The example of torch.fx.replace_pattern."""

    def forward(self, x, w1, w2):
        m1 = torch.cat([w1, w2]).sum()
        m2 = torch.cat([w1, w2]).sum()
        return x + torch.max(m1) + torch.max(m2)


def edits():
    def f(x, y):
        return torch.relu(x + y).neg()

    module = symbolic_trace(f)
    graph = module.graph
    add = next(n for n in graph.nodes if n.name == "add")
    relu = next(n for n in graph.nodes if n.name == "relu")
    with graph.inserting_after(add):
        mul = graph.call_method("mul", (add, 2.5))
    relu.args = (mul,)
    with graph.inserting_before(relu):
        sub = graph.call_function(torch.sub, (mul, add), {"alpha": 3})
    neg = next(n for n in graph.nodes if n.name == "neg")
    neg.replace_all_uses_with(relu)
    graph.erase_node(neg)
    relu.replace_input_with(mul, sub)
    with graph.inserting_after(relu):
        graph.call_method("max", (relu,), {"dim": -1})
    graph.lint()
    module.recompile()
    keep_module("edits", module)
    graph.eliminate_dead_code()
    module.recompile()
    keep_module("edits_live", module)


class NegSigmoid(Transformer):
    def call_function(self, target, args, kwargs):
        if target == torch.sigmoid:
            return torch.neg(*args, **kwargs)
        return super().call_function(target, args, kwargs)

    def call_method(self, target, args, kwargs):
        if target == "neg":
            call_self, *args_tail = args
            return call_self.sigmoid(*args_tail, **kwargs)
        return super().call_method(target, args, kwargs)


class Parts(nn.Module):
    def __init__(self):
        super().__init__()
        self.param = nn.Parameter(torch.rand(3, 4))
        self.linear = nn.Linear(4, 5)

    def forward(self, x, y):
        z = self.linear(x + self.param).clamp(min=0.0, max=1.0)
        w = self.linear(y).clamp(min=0.0, max=1.0)
        return z + w


def parts():
    module = symbolic_trace(Parts())
    counter = 0

    def partition(node):
        nonlocal counter
        part = counter
        counter = (counter + 1) % 3
        return part

    split = split_module(module, None, partition)
    keep_module("parts", split)
    keep("parts.readable.txt", split.print_readable(print_output=False))
    for k in range(3):
        keep(f"parts_{k}.code.txt", getattr(split, f"submod_{k}").code)


def errors():
    def set_item(x):
        x[0] = 1
        return x

    def assign(f):
        try:
            symbolic_trace(f)
        except Exception as e:  # pylint: disable=broad-except
            return str(e)
        raise AssertionError("no error")

    keep("errors.txt", "\n".join([
        assign(lambda x: 1 if x.sum() > 0 else 2),
        assign(lambda x: list(x)),
        assign(lambda x: len(x)),
        assign(lambda x: int(x)),
        assign(lambda x: float(x)),
        assign(lambda x: range(x.size(0))),
        assign(set_item),
    ]) + "\n")


def main():
    os.makedirs(FOLDER, exist_ok=True)
    module = symbolic_trace(MyModule())
    keep_module("my_module", module, with_table=True)
    keep("my_module.module.txt", str(module) + "\n")
    keep("my_module.readable.txt", module.print_readable(print_output=False))
    keep_module("many", symbolic_trace(Many()))
    keep_module("layers", symbolic_trace(Layers()))
    keep("layers.readable.txt", symbolic_trace(Layers()).print_readable(print_output=False))
    keep_module("spelled", symbolic_trace(spelled))
    keep_module("fixed", symbolic_trace(Fixed(), concrete_args={"flag": True, "n": None}))
    keep_module("wrapped", symbolic_trace(wrapped))

    module = symbolic_trace(Stacks())
    replace_pattern(module, lambda w1, w2: torch.cat([w1, w2]).sum(), lambda w1, w2: torch.stack([w1, w2]))
    keep_module("stacks", module)

    module = symbolic_trace(lambda x: x.relu())
    for node in module.graph.nodes:
        node.type = torch.Tensor
    module.graph.placeholder("*args")
    module.recompile()
    keep_module("typed", module)

    edits()
    module = symbolic_trace(lambda x: torch.sigmoid(x).neg() + 1)
    keep_module("transformed", NegSigmoid(module).transform())
    parts()
    errors()


main()
