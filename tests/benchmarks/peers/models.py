#!/usr/bin/env python3
"""The workloads of docs/performance.md: models.py FOLDER [NAME …]

For each it writes NAME.pt (torch.jit.save), NAME.inputs.pt (the tuple of arguments) and, where it can be exported,
NAME.onnx with NAME.inputs.npz (the arguments in order). Needs torch, torchvision, onnx, numpy; silero_vad for its row.
Weights are random with a fixed seed; BatchNorm statistics come from random data, so that no activation is denormal.
"""
import os
import shutil
import sys
import warnings
from typing import Dict, List, Tuple

warnings.filterwarnings("ignore")
import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F


class Attention(nn.Module):
    def __init__(self, d: int, h: int):
        super().__init__()
        self.h, self.dh = h, d // h
        self.q, self.k, self.v, self.o = (nn.Linear(d, d) for _ in range(4))
        self.scale = float(self.dh) ** -0.5

    def forward(self, x, mask):
        b, s, d = x.shape
        q = self.q(x).view(b, s, self.h, self.dh).transpose(1, 2)
        k = self.k(x).view(b, s, self.h, self.dh).transpose(1, 2)
        v = self.v(x).view(b, s, self.h, self.dh).transpose(1, 2)
        w = torch.softmax(torch.matmul(q, k.transpose(-1, -2)) * self.scale + mask, dim=-1)
        return self.o(torch.matmul(w, v).transpose(1, 2).reshape(b, s, d))


class EncoderLayer(nn.Module):
    def __init__(self, d: int, h: int):
        super().__init__()
        self.att = Attention(d, h)
        self.n1, self.n2 = nn.LayerNorm(d), nn.LayerNorm(d)
        self.f1, self.f2 = nn.Linear(d, 4 * d), nn.Linear(4 * d, d)

    def forward(self, x, mask):
        x = self.n1(x + self.att(x, mask))
        return self.n2(x + self.f2(F.gelu(self.f1(x))))


class Bert(nn.Module):
    def __init__(self, vocab=30522, d=768, h=12, layers=12, pos=512):
        super().__init__()
        self.word, self.pos, self.typ = nn.Embedding(vocab, d), nn.Embedding(pos, d), nn.Embedding(2, d)
        self.norm = nn.LayerNorm(d)
        self.layers = nn.ModuleList(EncoderLayer(d, h) for _ in range(layers))
        self.pool = nn.Linear(d, d)

    def forward(self, ids, att):
        p = torch.arange(ids.shape[1], device=ids.device)
        x = self.norm(self.word(ids) + self.pos(p).unsqueeze(0) + self.typ(torch.zeros_like(ids)))
        mask = (1.0 - att[:, None, None, :].to(x.dtype)) * -10000.0
        for layer in self.layers:
            x = layer(x, mask)
        return x, torch.tanh(self.pool(x[:, 0]))


class DecoderBlock(nn.Module):
    def __init__(self, d: int, h: int):
        super().__init__()
        self.h, self.dh = h, d // h
        self.n1, self.n2 = nn.LayerNorm(d), nn.LayerNorm(d)
        self.qkv, self.o = nn.Linear(d, 3 * d), nn.Linear(d, d)
        self.f1, self.f2 = nn.Linear(d, 4 * d), nn.Linear(4 * d, d)

    def forward(self, x, pk, pv):
        b, s, d = x.shape
        qkv = self.qkv(self.n1(x)).view(b, s, 3, self.h, self.dh).permute(2, 0, 3, 1, 4)
        k = torch.cat([pk, qkv[1]], 2)
        v = torch.cat([pv, qkv[2]], 2)
        w = torch.softmax(torch.matmul(qkv[0], k.transpose(-1, -2)) * (float(self.dh) ** -0.5), -1)
        x = x + self.o(torch.matmul(w, v).transpose(1, 2).reshape(b, s, d))
        return x + self.f2(F.gelu(self.f1(self.n2(x)), approximate="tanh")), k, v


class Gpt2Step(nn.Module):
    """One token in, 2*layers cache tensors in, logits and the grown cache out."""

    def __init__(self, vocab=50257, d=768, h=12, layers=12, pos=1024):
        super().__init__()
        self.wte, self.wpe = nn.Embedding(vocab, d), nn.Embedding(pos, d)
        self.blocks = nn.ModuleList(DecoderBlock(d, h) for _ in range(layers))
        self.norm = nn.LayerNorm(d)

    def forward(self, tok, past: List[torch.Tensor]):
        p = past[0].shape[2]
        x = self.wte(tok) + self.wpe(torch.arange(p, p + 1, device=tok.device)).unsqueeze(0)
        out: List[torch.Tensor] = []
        for i, blk in enumerate(self.blocks):
            x, k, v = blk(x, past[2 * i], past[2 * i + 1])
            out.append(k)
            out.append(v)
        return F.linear(self.norm(x), self.wte.weight), out


class Audio(nn.Module):
    """Feature extractor over one second of 16 kHz sound."""

    def __init__(self, c=256):
        super().__init__()
        spec = [(1, 10, 5), (c, 3, 2), (c, 3, 2), (c, 3, 2), (c, 3, 2), (c, 2, 2), (c, 2, 2)]
        self.convs = nn.ModuleList(nn.Conv1d(i, c, k, s, bias=False) for i, k, s in spec)
        self.norm = nn.GroupNorm(c, c)

    def forward(self, x):
        for i, conv in enumerate(self.convs):
            x = conv(x)
            if i == 0:
                x = self.norm(x)
            x = F.gelu(x)
        return x


class Dlrm(nn.Module):
    def __init__(self, tables=26, rows=10000, e=16):
        super().__init__()
        self.emb = nn.ModuleList(nn.Embedding(rows, e) for _ in range(tables))
        self.bot = nn.Sequential(nn.Linear(13, 512), nn.ReLU(), nn.Linear(512, 256), nn.ReLU(), nn.Linear(256, e), nn.ReLU())
        n = tables + 1
        self.top = nn.Sequential(nn.Linear(e + n * (n - 1) // 2, 512), nn.ReLU(), nn.Linear(512, 256), nn.ReLU(), nn.Linear(256, 1))
        r, c = torch.tril_indices(n, n, -1)
        self.register_buffer("pairs", r * n + c)

    def forward(self, dense, sparse):
        d = self.bot(dense)
        feats = [d]
        for i, e in enumerate(self.emb):
            feats.append(e(sparse[:, i]))
        t = torch.stack(feats, 1)
        z = torch.bmm(t, t.transpose(1, 2)).flatten(1).index_select(1, self.pairs)
        return torch.sigmoid(self.top(torch.cat([d, z], 1)))


class Gate(nn.Module):
    def forward(self, x):
        if x.sum() > 0:
            return x
        else:
            return -x


class Cell(nn.Module):
    def __init__(self, gate):
        super().__init__()
        self.dg = gate
        self.linear = nn.Linear(4, 4)

    def forward(self, x, h):
        new_h = torch.tanh(self.dg(self.linear(x)) + h)
        return new_h, new_h


class RnnLoop(nn.Module):
    def __init__(self):
        super().__init__()
        self.cell = Cell(Gate())

    def forward(self, xs):
        h, y = torch.zeros(3, 4), torch.zeros(3, 4)
        for i in range(xs.size(0)):
            y, h = self.cell(xs[i], h)
        return y, h


class ScalarLoop(nn.Module):
    """About 1e6 int and float operations at n = 125000 (8 a turn)."""

    def forward(self, n: int) -> Tuple[int, float]:
        a = 1
        f = 1.0
        for i in range(n):
            a = (a * 31 + i) % 1000003
            if a % 2 == 0:
                f = f * 0.5 + 1.25
            else:
                f = f + 0.001
        return a, f


class Containers(nn.Module):
    """About 1e5 list, dict and string operations at n = 10000."""

    def forward(self, n: int) -> Tuple[int, int, str]:
        xs: List[int] = []
        d: Dict[str, int] = {}
        words: List[str] = []
        for i in range(n):
            xs.append(i * 7 % 1013)
            key = "k" + str(xs[i] % 97)
            if key in d:
                d[key] = d[key] + xs[i]
            else:
                d[key] = xs[i]
            if i % 100 == 0:
                words.append(key.upper() + "-{}".format(i))
        xs.sort()
        total = 0
        for k, v in d.items():
            total += v * len(k)
        return xs[len(xs) // 2], total, ",".join(words)


class Chain(nn.Module):
    """Ten elementwise operations."""

    def forward(self, x, y):
        z = x * 1.5 + y
        z = torch.sigmoid(z) * x
        z = torch.relu(z - y)
        z = z * z + 0.25
        return torch.tanh(z) * y


class NormSoftmax(nn.Module):
    def __init__(self, d=1024):
        super().__init__()
        self.n = nn.LayerNorm(d)

    def forward(self, x):
        return torch.softmax(self.n(x) * 0.5, dim=-1)


class Mlp(nn.Module):
    def __init__(self):
        super().__init__()
        self.a, self.b, self.c = nn.Linear(64, 64), nn.Linear(64, 64), nn.Linear(64, 64)

    def forward(self, x):
        return self.c(torch.relu(self.b(torch.relu(self.a(x)))))


class Lstm(nn.Module):
    def __init__(self):
        super().__init__()
        self.rnn = nn.LSTM(512, 512, 2)

    def forward(self, x):
        return self.rnn(x)[0]


def calibrated(m, x):
    """Gives every BatchNorm the statistics of one random batch."""
    for b in m.modules():
        if isinstance(b, nn.modules.batchnorm._BatchNorm):
            b.momentum = None
    m.train()
    drops = [d for d in m.modules() if isinstance(d, nn.Dropout)]
    with torch.no_grad():
        m(x)
    return m.eval()


def vision(name, how):
    def make():
        import torchvision
        m = getattr(torchvision.models, name)(weights=None)
        if name != "vit_b_16":
            m = calibrated(m, torch.randn(4, 3, 224, 224))
        return m.eval(), (torch.randn(1, 3, 224, 224),), how
    return make


def detection():
    import torchvision
    m = torchvision.models.detection.fasterrcnn_mobilenet_v3_large_320_fpn(weights=None, weights_backbone=None).eval()
    with torch.no_grad():
        m.roi_heads.box_predictor.cls_score.weight.mul_(30)   # spread the scores so that some boxes pass the threshold
    return m, ([torch.rand(3, 320, 320)],), "script"


def silero():
    import silero_vad
    p = os.path.join(os.path.dirname(silero_vad.__file__), "data")
    return os.path.join(p, "silero_vad.jit"), (torch.randn(1, 512) * 0.1, 16000), os.path.join(p, "silero_vad.onnx")


def gpt():
    m = Gpt2Step().eval()
    past = [torch.randn(1, 12, 256, 64) for _ in range(24)]
    return m, (torch.tensor([[17]]), past), "script"


WORKLOADS = {
    "resnet18": vision("resnet18", "script"),
    "resnet50": vision("resnet50", "trace"),
    "mobilenet_v3_small": vision("mobilenet_v3_small", "script"),
    "mobilenet_v3_large": vision("mobilenet_v3_large", "trace"),
    "efficientnet_b0": vision("efficientnet_b0", "script"),
    "vit_b_16": vision("vit_b_16", "trace"),
    "bert": lambda: (Bert().eval(), (torch.randint(0, 30522, (1, 128)), torch.ones(1, 128, dtype=torch.long)), "script"),
    "gpt2_step": gpt,
    "lstm": lambda: (Lstm().eval(), (torch.randn(100, 1, 512),), "script"),
    "audio_conv1d": lambda: (Audio().eval(), (torch.randn(1, 1, 16000),), "script"),
    "dlrm": lambda: (Dlrm().eval(), (torch.randn(128, 13), torch.randint(0, 10000, (128, 26))), "script"),
    "tiny_mlp": lambda: (Mlp().eval(), (torch.randn(1, 64),), "script"),
    "rnn_loop": lambda: (RnnLoop().eval(), (torch.rand(100, 3, 4),), "script"),
    "chain_1m": lambda: (Chain().eval(), (torch.randn(1000000), torch.randn(1000000)), "script"),
    "chain_1k": lambda: (Chain().eval(), (torch.randn(1000), torch.randn(1000)), "script"),
    "norm_softmax": lambda: (NormSoftmax().eval(), (torch.randn(8192, 1024),), "script"),
    "scalar_loop": lambda: (ScalarLoop().eval(), (125000,), "script"),
    "containers": lambda: (Containers().eval(), (10000,), "script"),
    "silero_vad": silero,
    "fasterrcnn": detection,
}
NOT_ONNX = ("scalar_loop", "containers", "silero_vad")


def flat(args):
    return [y for a in args for y in (flat(a) if isinstance(a, (list, tuple)) else [a])]


def write(name, folder):
    path = os.path.join(folder, name)
    torch.manual_seed(0)
    model, args, how = WORKLOADS[name]()
    torch.save(tuple(args), path + ".inputs.pt")
    if name == "silero_vad":
        shutil.copy(model, path + ".pt")
        shutil.copy(how, path + ".onnx")
        np.savez(path + ".inputs.npz", input=np.random.randn(1, 576).astype(np.float32) * np.float32(0.1),
                 state=np.zeros((2, 1, 128), np.float32), sr=np.asarray(16000))
        return
    with torch.no_grad():
        torch.jit.save(torch.jit.script(model) if how == "script" else torch.jit.trace(model, args), path + ".pt")
    if name in NOT_ONNX:
        return
    arrays = [a.numpy() if isinstance(a, torch.Tensor) else np.asarray(a) for a in flat(args)]
    names = [f"i{i}" for i in range(len(arrays))]
    np.savez(path + ".inputs.npz", **dict(zip(names, arrays)))
    model.requires_grad_(False)
    source = torch.jit.script(model) if name == "rnn_loop" else model
    with torch.no_grad():
        torch.onnx.export(source, args, path + ".onnx", dynamo=False, opset_version=17, input_names=names)


def main():
    folder, only = sys.argv[1], sys.argv[2:]
    os.makedirs(folder, exist_ok=True)
    torch.backends.mha.set_fastpath_enabled(False)  # its one operator cannot be exported
    for name in only or WORKLOADS:
        if os.path.exists(os.path.join(folder, name + ".pt")):
            continue
        try:
            write(name, folder)
        except Exception as e:  # the other rows go on
            print(f"{name}: {type(e).__name__}: {e}"[:300], file=sys.stderr)


if __name__ == "__main__":
    main()
