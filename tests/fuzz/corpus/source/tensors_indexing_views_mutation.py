import math
from enum import Enum
from typing import Any, Dict, Final, List, NamedTuple, Optional, Tuple, Union
import torch
import torch.nn as nn
import torch.nn.functional as F
from torch import Tensor


def index_basic(x: Tensor):
    return x[0], x[-1, 2], x[1, 2, 3], x[:, 1], x[..., 0], x[0, ...], x[:, :, 1:3], x[::1, 0:3:2], x[None].shape, x[:, None, 0].shape


def index_slice_bounds(x: Tensor, a: int, b: int):
    return x[a:b], x[:, a:b], x[a:], x[:b], x[a:b, a:b], x[-b:-a]


def index_by_tensor(x: Tensor, i: Tensor):
    return x[i], x[:, i], x[i, i], x[i, 1], x[None, i].shape, x[i, ..., 0]


def index_by_mask(x: Tensor):
    m = x > 2
    return x[m], x[m.any(1)], x[:, m.any(0)], x[~m]


def index_mixed(x: Tensor, i: Tensor):
    return x[i, :, i].shape, x[:, i, 1:3], x[i, i], x[0, i, None].shape, x[[1, 0]], x[:, [0, 2]]


def index_tensor_bounds(x: Tensor, a: Tensor, b: Tensor):
    return x[a:b], x[a], x[int(a):]


def set_items(x: Tensor):
    x[0] = 1
    x[1, 2] = 5.5
    x[:, 3] = torch.tensor(7.)
    x[0:2, 0] = torch.tensor([8., 9.])
    x[..., 1] = -1
    return x


def set_by_tensor(x: Tensor, i: Tensor):
    x[i] = torch.tensor([1., 2.])
    x[x > 1.5] = 10
    x[i] += 1
    return x


def augmented_slices(x: Tensor):
    x[0] += 1
    x[:, 1] *= 3
    x[1:, 2] -= 0.5
    x[2][0] /= 4
    return x


def augmented_tensor(x: Tensor):
    y = x
    x += 1
    x *= 2
    z = x
    x = x - 1
    z -= 0.5
    return x, y, z


def views_and_in_place(x: Tensor):
    v = x.view(3, 2)
    v[0, 0] = 1
    t = x.t()
    t.add_(1)
    row = x[1]
    row.fill_(9)
    e = x[0:1].expand(2, 3)
    n = x.narrow(1, 0, 2)
    n.mul_(2)
    u = x.unsqueeze(0).squeeze(0)
    u[0, 2] = -1
    return x, v, t.contiguous(), row, e, n


def aliasing_of_arguments(x: Tensor):
    a = [x, x]
    a[0].add_(1)
    b = a[1].clone()
    b.mul_(10)
    return x, a, b, a[0] is a[1]


def type_promotion(a: Tensor, b: Tensor):
    return (a + b, b / 2, b // 2, b + 1.5, b * True, a > b, b.float() * 2, b.to(torch.int8) + b, (b + 1) ** 2,
            torch.tensor(2) * b.to(torch.int16))


def tensor_scalar_operators(x: Tensor, n: int):
    return x + n, n - x, x * n, n / x, x / n, x // n, x % n, -x, x ** 2, x < n, x == n, n >= x, abs(x), ~(x > 0)


def tensor_bit_operators(a: Tensor, b: Tensor):
    return a & b, a | b, a ^ b, ~a, a << b, a >> b, a & 1, a | 8


def tensor_reductions(x: Tensor):
    v, i = x.max(dim=1)
    q = x.min(0)
    return x.sum(), x.sum(1), x.mean(0, keepdim=True), v, i, q[0], q.indices, x.argmax(), x.std(), x.prod(1), x.cumsum(0)


def tensor_shapes(x: Tensor):
    b, c = x.view(3, 4).shape
    y = x.reshape(b, 2, -1)
    n = y.size(-1)
    return y.permute(0, 2, 1).shape, y.flatten(1).shape, y.transpose(0, 1).stride(), n, list(y.shape), x.view([c, b]).shape, y.shape[1:]


def named_results(x: Tensor):
    r = torch.sort(x)
    t = torch.topk(x, 2)
    values, indices = x.sort(descending=True)
    return r.values, r.indices, t[0], t.indices, values, indices


def split_and_cat(x: Tensor):
    parts = x.split(3)
    chunks = torch.chunk(x, 2)
    a, b = torch.chunk(x[:4], 2)
    return len(parts), parts[-1], [c.sum() for c in chunks], a, b, torch.cat(list(parts)), torch.stack([a, b], 1)


def matrix_operators(a: Tensor, b: Tensor):
    return a @ b, torch.einsum("ij,jk->ik", a, b), torch.einsum("ij->j", [a]), (a @ b).trace()


def tensor_from_lists(a: List[int]):
    return torch.tensor(a), torch.tensor(a, dtype=torch.float32), torch.tensor([[1.5], [2.5]]), torch.tensor(True), torch.tensor([[1, 2], [3, 4]]), torch.as_tensor(a)


def random_numbers():
    return torch.rand(3), torch.randn(2, 2), torch.randint(0, 10, (4,)), torch.randperm(5), torch.bernoulli(torch.full((4,), 0.5))


def random_seeded(seed: int):
    torch.manual_seed(seed)
    a = torch.rand(2)
    b = torch.randn([3])
    c = F.dropout(torch.ones(8), 0.5, True)
    return a, b, c


def functional_calls(x: Tensor):
    return F.relu(x - 1), F.softmax(x, dim=-1), F.linear(x, x, None), F.pad(x, [1, 0]), F.one_hot(torch.tensor([0, 2]), 3), F.gelu(x), F.normalize(x)

