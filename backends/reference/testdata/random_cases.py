"""Cases of the random family: python3 random_cases.py writes random_cases.txt.

Recorded on a processor where PyTorch's exponential_ and bernoulli_ take their
numbers from its own generator (not Intel: there MKL's draw them).
"""

import warnings

import torch
from record import call, write

warnings.simplefilter("ignore")
t = torch.tensor
FLOATS = [torch.float, torch.double, torch.half, torch.bfloat16]
m = torch.linspace(-2, 2, 24).reshape(4, 6)


def seeded(op, *args, seed=0, **kwargs):
    call("aten::manual_seed", seed)
    call("aten::" + op, *args, **kwargs)


for d in FLOATS:
    for n in [3, 16, 19, 40]:
        seeded("rand", [n], dtype=d)
        seeded("randn", [n], dtype=d)
    for x in [m.to(d), m.to(d).t(), m.to(d)[:, ::2]]:
        seeded("uniform_", x, -2.0, 3.0)
        seeded("normal_", x, 1.0, 2.0)
        seeded("rand_like", x)
        seeded("randn_like", x)
        seeded("log_normal_", x)
        seeded("cauchy_", x, 1.0, 2.0)
        seeded("geometric_", x, 0.3)
        seeded("exponential_", x, 2.0)
        seeded("random_", x)
        seeded("random_.to", x, 50)
        seeded("bernoulli_.float", x, 0.3)
        seeded("dropout", x, 0.4, True)
        seeded("dropout", x, 0.4, False)
        seeded("dropout_", x, 0.4, True)
        seeded("alpha_dropout", x, 0.4, True)
        seeded("feature_dropout", x, 0.4, True)
        seeded("native_dropout", x, 0.4, True)
        seeded("native_dropout", x, 0.4, False)
        seeded("rrelu", x, 0.1, 0.4, True)
        seeded("rrelu", x, 0.1, 0.4, False)
    seeded("bernoulli", m.to(d).abs() / 4)
    seeded("bernoulli.p", m.to(d), 0.3)
    seeded("poisson", (m.to(d).abs() * 10))
    p = t([[0.1, 0.2, 0.0, 0.4, 0.3], [1.0, 2.0, 3.0, 4.0, 5.0]], dtype=d)
    seeded("multinomial", p, 3)
    seeded("multinomial", p, 1)
    seeded("multinomial", p[0], 20, True)
for d in [torch.uint8, torch.int8, torch.int16, torch.int32, torch.int64,
          torch.bool]:
    x = torch.zeros(8, dtype=d)
    seeded("random_", x)
    seeded("random_.from", x, 0, None)
    seeded("random_.to", x, 2)
    seeded("random_.to", x, 500)
    seeded("randint", 2, [8], dtype=d)
    seeded("randint_like", x, 2)
    seeded("uniform_", x)
    seeded("normal_", x)
    seeded("exponential_", x)
    seeded("cauchy_", x)
    seeded("bernoulli_.float", x, 0.5)
    seeded("dropout", x, 0.5, True)
for high in [10, 1 << 27, 1 << 28, 1 << 32, 1 << 40]:
    seeded("randint", high, [6])
    seeded("randint.low", -5, high, [6])
seeded("randint.low", 3, 3, [2])
seeded("randint", 0, [2])
seeded("randint", 100, [4], dtype=torch.float)
for n in [0, 1, 16, 40]:
    seeded("randperm", n)
seeded("randperm", 5, dtype=torch.int32)
seeded("randperm", -1)
seeded("rand", [3], dtype=torch.int64)
seeded("randn", [3], dtype=torch.complex64)
seeded("rand", [3], dtype=torch.complex64)
seeded("rand", [-3])
seeded("normal.Tensor_float", m, 2.0)
seeded("normal.float_Tensor", 1.0, m.abs())
seeded("normal.float_Tensor", 1.0, m)
seeded("normal.Tensor_Tensor", m, m.abs()[0])
seeded("normal.float_float", 1.0, 2.0, [5])
seeded("normal_", m, 0.0, -1.0)
seeded("uniform_", m, 3.0, 1.0)
seeded("bernoulli_.float", m, 1.5)
seeded("bernoulli", m)
seeded("bernoulli", t([1, 0]))
seeded("bernoulli_.Tensor", m, t(0.3))
seeded("bernoulli_.Tensor", m, m.abs()[0].double() / 2)
seeded("exponential_", m, -1.0)
seeded("geometric_", m, 1.5)
seeded("dropout", m, 1.5, True)
seeded("dropout", m, 1.0, True)
seeded("dropout", m, 0.0, True)
seeded("feature_dropout", m.reshape(2, 3, 4), 0.5, True)
seeded("feature_dropout", m[0], 0.5, True)
seeded("feature_alpha_dropout", m.reshape(2, 3, 4), 0.5, True)
seeded("multinomial", t([1.0, 2.0]), 3)
seeded("multinomial", t([1.0, -2.0]), 1)
seeded("multinomial", t([0.0, 0.0]), 1)
seeded("multinomial", t([1, 2]), 1)
seeded("multinomial", t([1.0, 2.0]), 0)
seeded("multinomial", m.reshape(2, 3, 4), 1)
seeded("poisson", t([-1.0]))
seeded("rrelu_with_noise", m, torch.zeros(4, 6), 0.1, 0.4, True)
# What the first leaves behind for the next.
call("aten::manual_seed", 191009)
call("aten::randn", [3])
call("aten::randn", [1], dtype=torch.double)
call("aten::randn", [16])
call("aten::rand", [2])
call("aten::manual_seed", -1)
call("aten::rand", [4])
call("aten::rand", [700])
call("aten::randint", 10, [4])

write("random_cases.txt")
