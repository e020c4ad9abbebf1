"""Writes the torch.save files beside it, with PyTorch 2.15: what ours must be like.

    python3 record.py
"""
import os

import torch

HERE = os.path.dirname(os.path.abspath(__file__))


def filled(*shape, dtype=torch.float32):
    count = torch.Size(shape).numel()
    return (torch.arange(count) * 0.5).reshape(shape).to(dtype)


def values():
    x = filled(2, 3)
    shared = [1, 2]
    return {
        "none": None, "bool": True, "int": 7, "short": 300, "negative": -1,
        "long": 1 << 40, "least": -(1 << 63), "float": 2.5, "complex": 1 - 2j,
        "text": "h\u00e9", "device": torch.device("cpu"), "tuple": (1, (2.0,), ()),
        "four": (1, 2, 3, 4), "list": [1.5, 2.5], "one": ["a"], "empty": [], "dict": {"k": {}},
        "numbers": {1: 2, 3: 4}, "tensor": x, "view": x[:, 1], "again": x,
        "shared": [shared, shared], "scalar": torch.tensor(3), "grad": filled(2).requires_grad_(),
        "conj": filled(2, dtype=torch.complex64).conj(), "half": filled(2, dtype=torch.float16),
        "float8": filled(4).to(torch.float8_e5m2), "uint16": filled(4, dtype=torch.uint16),
        "meta": torch.empty(2, 3, device="meta"), "coo": filled(2, 2).to_sparse(),
        "csr": filled(2, 2).to_sparse_csr(),
        "quantized": torch.quantize_per_tensor(filled(3), 0.25, 10, torch.quint8),
        "channels": torch.quantize_per_channel(
            filled(2, 2), torch.tensor([0.1, 0.2]), torch.tensor([0, 1]), 0, torch.qint8),
        "many": list(range(1001)),
    }


def model():
    net = torch.nn.Sequential(torch.nn.Linear(2, 3), torch.nn.BatchNorm1d(3))
    with torch.no_grad():
        for p in net.parameters():
            p.copy_(filled(*p.shape))
    return net


torch.save(values(), os.path.join(HERE, "values.pt"))
torch.save(model().state_dict(), os.path.join(HERE, "state_dict.pt"))
