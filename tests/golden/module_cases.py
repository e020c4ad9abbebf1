"""Models whose layers their __init__ makes, with the values that PyTorch gives them.

    python3 module_cases.py            # writes modules/

Each entry is a call that makes a module right after
torch.manual_seed(67280421310721), PyTorch's own first seed; then
torch.jit.script compiles it and the calls are recorded.
"""
import copy
import json
import math
import os
from collections import OrderedDict
from functools import partial
from typing import Dict, Final, List, Optional, Tuple, Union

import torch
import torch.nn as nn
import torch.nn.functional as F
from torch import Tensor
from torch.nn import Linear, ReLU

HIDDEN = 8
ACTIVATIONS = {"relu": nn.ReLU, "tanh": nn.Tanh}


class Mlp(nn.Module):
    def __init__(self, sizes=(4, 8, 3), dropout=0.0, bias=True):
        super().__init__()
        layers = []
        for i, (a, b) in enumerate(zip(sizes[:-1], sizes[1:])):
            layers.append(nn.Linear(a, b, bias=bias))
            if i + 2 < len(sizes):
                layers += [nn.ReLU(), nn.Dropout(dropout)]
        self.net = nn.Sequential(*layers)
        self.scale = nn.Parameter(torch.ones(sizes[-1]))
        self.register_buffer("offset", torch.linspace(0, 1, sizes[-1]))

    def forward(self, x):
        return self.net(x) * self.scale + self.offset


class ConvBlock(nn.Module):
    def __init__(self, cin, cout, stride=1, act="relu"):
        super().__init__()
        self.conv = nn.Conv2d(cin, cout, 3, stride=stride, padding=1, bias=False)
        self.bn = nn.BatchNorm2d(cout)
        self.act = ACTIVATIONS[act]()

    def forward(self, x):
        return self.act(self.bn(self.conv(x)))


class Residual(nn.Module):
    expansion: Final[int] = 1

    def __init__(self, cin, cout, stride=1):
        super().__init__()
        self.a = ConvBlock(cin, cout, stride)
        self.b = ConvBlock(cout, cout * self.expansion, act="tanh")
        if stride != 1 or cin != cout:
            self.down = nn.Sequential(nn.Conv2d(cin, cout, 1, stride, bias=False), nn.BatchNorm2d(cout))
        else:
            self.down = None

    def forward(self, x):
        y = self.b(self.a(x))
        if self.down is not None:
            x = self.down(x)
        return y + x


class SmallResNet(nn.Module):
    def __init__(self, widths=(4, 8), classes=5):
        super().__init__()
        self.stem = ConvBlock(3, widths[0])
        self.stages = nn.ModuleList()
        c = widths[0]
        for w in widths:
            self.stages.append(Residual(c, w, 2 if w != c else 1))
            c = w
        self.pool = nn.AdaptiveAvgPool2d((1, 1))
        self.fc = nn.Linear(c, classes)
        for m in self.modules():
            if isinstance(m, nn.Conv2d):
                nn.init.kaiming_normal_(m.weight, mode="fan_out", nonlinearity="relu")
            elif isinstance(m, nn.BatchNorm2d):
                nn.init.constant_(m.weight, 1)
                nn.init.zeros_(m.bias)

    def forward(self, x):
        x = self.stem(x)
        for i, stage in enumerate(self.stages):
            x = stage(x)
            if i == 1:
                x = F.relu(x)
        return self.fc(torch.flatten(self.pool(x), 1))


class PositionalEncoding(nn.Module):
    def __init__(self, d, length=16):
        super().__init__()
        pe = torch.zeros(length, d)
        position = torch.arange(0, length, dtype=torch.float).unsqueeze(1)
        div = torch.exp(torch.arange(0, d, 2).float() * (-math.log(10000.0) / d))
        pe[:, 0::2] = torch.sin(position * div)
        pe[:, 1::2] = torch.cos(position * div)
        self.register_buffer("pe", pe.unsqueeze(0))

    def forward(self, x: Tensor) -> Tensor:
        return x + self.pe[:, :x.size(1)]


class Attention(nn.Module):
    def __init__(self, d, heads):
        super().__init__()
        assert d % heads == 0
        self.heads = heads
        self.qkv = nn.Linear(d, 3 * d)
        self.proj = nn.Linear(d, d)
        self.scale = (d // heads) ** -0.5

    def forward(self, x, mask: Optional[Tensor] = None):
        b, t, d = x.shape
        qkv = self.qkv(x).reshape(b, t, 3, self.heads, d // self.heads).permute(2, 0, 3, 1, 4)
        q, k, v = qkv[0], qkv[1], qkv[2]
        att = (q @ k.transpose(-2, -1)) * self.scale
        if mask is not None:
            att = att.masked_fill(mask, float("-inf"))
        return self.proj((att.softmax(-1) @ v).transpose(1, 2).reshape(b, t, d))


class Block(nn.Module):
    def __init__(self, d, heads, ratio=2.0):
        super().__init__()
        self.n1 = nn.LayerNorm(d)
        self.att = Attention(d, heads)
        self.n2 = nn.LayerNorm(d)
        hidden = int(d * ratio)
        self.mlp = nn.Sequential(OrderedDict([("fc1", nn.Linear(d, hidden)), ("act", nn.GELU()), ("fc2", nn.Linear(hidden, d))]))

    def forward(self, x, mask: Optional[Tensor] = None):
        x = x + self.att(self.n1(x), mask)
        return x + self.mlp(self.n2(x))


class Gpt(nn.Module):
    mask: Tensor

    def __init__(self, vocab=11, d=HIDDEN, heads=2, depth=2, length=16):
        super().__init__()
        self.tok = nn.Embedding(vocab, d)
        self.pos = PositionalEncoding(d, length)
        self.blocks = nn.ModuleList([Block(d, heads) for _ in range(depth)])
        self.norm = nn.LayerNorm(d)
        self.head = nn.Linear(d, vocab, bias=False)
        self.register_buffer("mask", torch.triu(torch.ones(length, length, dtype=torch.bool), 1))
        self.apply(self._init)
        self.length = length

    def _init(self, m):
        if isinstance(m, nn.Linear):
            nn.init.normal_(m.weight, mean=0.0, std=0.02)
            if m.bias is not None:
                nn.init.zeros_(m.bias)
        elif isinstance(m, nn.Embedding):
            nn.init.normal_(m.weight, std=0.02)

    def forward(self, ids):
        t = ids.size(1)
        x = self.pos(self.tok(ids))
        for block in self.blocks:
            x = block(x, self.mask[:t, :t])
        return self.head(self.norm(x))

    @torch.jit.export
    def generate(self, ids, n: int) -> Tensor:
        for _ in range(n):
            logits = self.forward(ids[:, -self.length:])
            ids = torch.cat([ids, logits[:, -1].argmax(-1, keepdim=True)], dim=1)
        return ids


class Seq2Seq(nn.Module):
    def __init__(self, vocab, hidden):
        super().__init__()
        self.embed = nn.Embedding(vocab, hidden, padding_idx=0)
        self.encoder = nn.LSTM(hidden, hidden, num_layers=2, batch_first=True, bidirectional=True)
        self.bridge = nn.Linear(2 * hidden, hidden)
        self.decoder = nn.GRUCell(hidden, hidden)
        self.out = nn.Linear(hidden, vocab)

    def forward(self, src, steps: int):
        enc, (h, c) = self.encoder(self.embed(src))
        state = torch.tanh(self.bridge(enc.mean(1)))
        token = torch.ones(src.size(0), dtype=torch.long)
        outs: List[Tensor] = []
        for _ in range(steps):
            state = self.decoder(self.embed(token), state)
            logits = self.out(state)
            token = logits.argmax(1)
            outs.append(logits)
        return torch.stack(outs, 1), h, c


class Rnns(nn.Module):
    def __init__(self):
        super().__init__()
        self.rnn = nn.RNN(3, 4, nonlinearity="relu", dropout=0.0)
        self.gru = nn.GRU(4, 5, 2, batch_first=False)
        self.proj = nn.LSTM(5, 6, proj_size=2)
        self.cell = nn.LSTMCell(2, 3)

    def forward(self, x):
        y, h = self.rnn(x)
        y, g = self.gru(y)
        y, s = self.proj(y)
        a, b = self.cell(y[0])
        return y, h, g, s, a, b


class Dicts(nn.Module):
    def __init__(self):
        super().__init__()
        self.heads = nn.ModuleDict({"a": nn.Linear(3, 2), "b": nn.Linear(3, 4)})
        self.heads["c"] = nn.Identity()
        self.ws = nn.ParameterList([nn.Parameter(torch.full((3,), float(i))) for i in range(3)])
        self.named = nn.ParameterDict({"u": nn.Parameter(torch.ones(2)), "v": nn.Parameter(torch.zeros(2))})

    def forward(self, x) -> Dict[str, Tensor]:
        out: Dict[str, Tensor] = {}
        for k, m in self.heads.items():
            out[k] = m(x)
        for k in self.heads:
            out[k] = out[k] + 1
        for i, w in enumerate(self.ws):
            out[str(i)] = w * x
        out["n"] = torch.tensor(len(self.heads))
        out["a2"] = self.heads["a"](x)
        if "b" in self.heads:
            out["has"] = x
        return out


class Layers(nn.Module):
    def __init__(self):
        super().__init__()
        self.c1 = nn.Conv1d(2, 4, 3, padding="same", padding_mode="zeros")
        self.c1r = nn.Conv1d(4, 4, 3, padding=1, padding_mode="reflect", groups=2)
        self.ct = nn.ConvTranspose1d(4, 2, 4, stride=2, padding=1)
        self.gn = nn.GroupNorm(2, 4)
        self.inorm = nn.InstanceNorm1d(2, affine=True)
        self.acts = nn.Sequential(nn.LeakyReLU(0.2), nn.ELU(), nn.SiLU(), nn.Hardswish(), nn.PReLU(), nn.Softplus(), nn.Mish(), nn.Tanhshrink(), nn.Softsign(), nn.ReLU6(), nn.CELU(), nn.SELU(), nn.Hardtanh(-2.0, 2.0), nn.LogSigmoid())
        self.pool = nn.MaxPool1d(2)
        self.avg = nn.AvgPool1d(2, stride=1)
        self.bil = nn.Bilinear(3, 3, 2)
        self.up = nn.Upsample(scale_factor=2.0, mode="linear", align_corners=False)

    def forward(self, x):
        y = self.gn(self.c1(x))
        y = self.acts(self.c1r(y))
        y = self.inorm(self.ct(y))
        y = self.avg(self.pool(y))
        y = self.up(y)
        return y, self.bil(y[..., :3], y[..., 1:4])


class Pools2d(nn.Module):
    def __init__(self):
        super().__init__()
        self.mp = nn.MaxPool2d(2, return_indices=True)
        self.ap = nn.AvgPool2d(3, 1, 1, count_include_pad=False)
        self.am = nn.AdaptiveMaxPool2d((2, 2))
        self.lp = nn.LPPool2d(2, (2, 2))
        self.pad = nn.Sequential(nn.ZeroPad2d(1), nn.ReflectionPad2d((1, 0, 1, 0)), nn.ReplicationPad2d(1), nn.ConstantPad2d(1, 3.5), nn.CircularPad2d(1))
        self.ps = nn.PixelShuffle(2)
        self.up = nn.UpsamplingNearest2d(scale_factor=2)
        self.un2 = nn.Unfold(2)
        self.soft = nn.Softmax2d()

    def forward(self, x):
        y, i = self.mp(x)
        v, j = F.max_pool2d(x, 2, return_indices=True)
        w = F.max_pool2d(x, kernel_size=[2, 2])
        return self.ap(y), i, self.am(x), self.lp(x), self.pad(x), self.ps(x), self.up(x), self.un2(x), self.soft(x), v, j, w, F.interpolate(x, size=[5, 7], mode="bilinear", align_corners=True), F.interpolate(x, scale_factor=0.5)


class Losses(nn.Module):
    def __init__(self):
        super().__init__()
        self.ce = nn.CrossEntropyLoss(weight=torch.tensor([1.0, 2.0, 0.5]), label_smoothing=0.1)
        self.nll = nn.NLLLoss(reduction="sum")
        self.mse = nn.MSELoss()
        self.l1 = nn.L1Loss(reduction="none")
        self.sl1 = nn.SmoothL1Loss(beta=0.5)
        self.huber = nn.HuberLoss(delta=0.3)
        self.bce = nn.BCEWithLogitsLoss(pos_weight=torch.tensor(2.0))
        self.kl = nn.KLDivLoss(reduction="batchmean", log_target=False)
        self.tri = nn.TripletMarginLoss()
        self.cos = nn.CosineEmbeddingLoss(margin=0.1)

    def forward(self, x, y, t):
        p = torch.log_softmax(x, 1)
        out = [self.ce(x, t), self.nll(p, t), self.mse(x, y), self.l1(x, y).sum(), self.sl1(x, y), self.huber(x, y), self.bce(x, torch.sigmoid(y)), self.kl(p, torch.softmax(y, 1)), self.tri(x, y, -x), self.cos(x, y, torch.ones(x.size(0)))]
        return torch.stack(out)


class Mha(nn.Module):
    def __init__(self, **kwargs):
        super().__init__()
        self.att = nn.MultiheadAttention(8, 2, **kwargs)

    def forward(self, q, k, mask: Optional[Tensor] = None):
        y, w = self.att(q, k, k, key_padding_mask=mask)
        z, none = self.att(q, k, k, need_weights=False)
        return y, w, z


class Trans(nn.Module):
    def __init__(self, norm_first=False):
        super().__init__()
        layer = nn.TransformerEncoderLayer(8, 2, 16, dropout=0.0, activation="gelu", batch_first=True, norm_first=norm_first)
        self.enc = nn.TransformerEncoder(layer, 2, norm=nn.LayerNorm(8), enable_nested_tensor=False)
        self.dec = nn.TransformerDecoder(nn.TransformerDecoderLayer(8, 2, 16, 0.0, batch_first=True), 1)

    def forward(self, x, y):
        m = self.enc(x)
        return m, self.dec(y, m)


class Base(nn.Module):
    def __init__(self, width: int, *args, name: str = "base", **kwargs):
        super().__init__()
        self.width = width
        self.name = name
        self.extra = list(args)
        self.layer = self.make_layer()
        self.weights = [float(k) for k in kwargs.values()]

    def make_layer(self):
        return nn.Linear(self.width, self.width)

    @staticmethod
    def helper(x: Tensor, k: int) -> Tensor:
        return x * k

    @property
    def doubled(self) -> int:
        return self.width * 2

    def forward(self, x):
        return self.helper(self.layer(x), self.doubled)


class Derived(Base):
    def __init__(self, width=3):
        super().__init__(width, 1, 2, name="derived", a=1, b=2)
        self.act = F.relu
        self.norm = partial(nn.LayerNorm, eps=1e-3)(width)
        self.clone = copy.deepcopy(self.layer)
        with torch.no_grad():
            self.clone.weight.mul_(2.0)
            self.clone.bias[0] = 5.0

    def make_layer(self):
        layer = super().make_layer()
        layer.weight.data.normal_(0, 0.1)
        layer.bias.data.fill_(0.25)
        return layer

    def unused_python(self):
        try:
            return [x for x in {1, 2}]
        except Exception:
            yield 3

    def forward(self, x):
        y = self.act(self.norm(self.layer(x))) + self.clone(x)
        print(self.name, self.extra, self.weights)
        return y, self.width, self.doubled


class Counter(nn.Module):
    history: List[int]

    def __init__(self):
        super().__init__()
        self.history = []
        self.seen: Dict[str, int] = {"start": 0}
        self.register_buffer("total", torch.zeros(()), persistent=False)

    def forward(self, x: int):
        self.history.append(x)
        self.seen["start"] += x
        self.total += x
        return self.history, self.seen, self.total


class Drop(nn.Module):
    def __init__(self):
        super().__init__()
        self.d = nn.Dropout(0.5)
        self.e = nn.Dropout2d(0.3)
        self.a = nn.AlphaDropout(0.2)
        self.bn = nn.BatchNorm1d(3, momentum=None)

    def forward(self, x):
        return self.bn(self.d(x)), self.e(x.view(2, 3, 1, 1)), self.a(x)


CFG = {"width": 4, "layers": [3, 3], "act": "relu"}
NAMES = ["a", "b"]
EPS = 1e-5

def make_layer(cin, cout, norm=True, **kw):
    layers = [nn.Conv2d(cin, cout, kw.get("k", 3), padding=kw.get("k", 3) // 2)]
    if norm:
        layers.append(nn.BatchNorm2d(cout, eps=EPS))
    layers.append(nn.ReLU(inplace=True))
    return nn.Sequential(*layers)


class Vgg(nn.Module):
    def __init__(self, cfg: List[Union[int, str]] = [4, "M", 8], classes: int = 3):
        super(Vgg, self).__init__()
        layers: List[nn.Module] = []
        c = 3
        for v in cfg:
            if v == "M":
                layers += [nn.MaxPool2d(kernel_size=2, stride=2)]
            else:
                layers += [nn.Conv2d(c, v, kernel_size=3, padding=1), nn.ReLU(True)]
                c = v
        self.features = nn.Sequential(*layers)
        self.avgpool = nn.AdaptiveAvgPool2d((2, 2))
        self.classifier = nn.Sequential(nn.Linear(c * 4, 8), nn.ReLU(True), nn.Dropout(), nn.Linear(8, classes))
        self._initialize_weights()

    def _initialize_weights(self) -> None:
        for m in self.modules():
            if isinstance(m, nn.Conv2d):
                nn.init.kaiming_normal_(m.weight, mode="fan_out", nonlinearity="relu")
                if m.bias is not None:
                    nn.init.constant_(m.bias, 0)
            elif isinstance(m, nn.Linear):
                nn.init.normal_(m.weight, 0, 0.01)
                nn.init.constant_(m.bias, 0)

    def forward(self, x: Tensor) -> Tensor:
        x = self.features(x)
        x = self.avgpool(x)
        x = torch.flatten(x, 1)
        return self.classifier(x)


class UNet(nn.Module):
    def __init__(self, depth=2):
        super().__init__()
        self.down = nn.ModuleList([make_layer(1 if i == 0 else 2 ** i, 2 ** (i + 1)) for i in range(depth)])
        self.up = nn.ModuleList([nn.ConvTranspose2d(2 ** (i + 1), 2 ** i if i else 2, 2, stride=2) for i in reversed(range(depth))])
        self.out = nn.Conv2d(2, 1, 1)

    def forward(self, x):
        skips: List[Tensor] = []
        for layer in self.down:
            x = layer(x)
            skips.append(x)
            x = F.max_pool2d(x, 2)
        for i, layer in enumerate(self.up):
            x = F.relu(layer(x))
        return torch.sigmoid(self.out(x)), len(skips)


class Vae(nn.Module):
    def __init__(self, d=6, z=2):
        super().__init__()
        self.enc = nn.Sequential(OrderedDict(fc=nn.Linear(d, 4), act=nn.Tanh()))
        self.mu, self.logvar = nn.Linear(4, z), nn.Linear(4, z)
        self.dec = nn.Linear(z, d)

    def reparameterize(self, mu: Tensor, logvar: Tensor) -> Tensor:
        if self.training:
            std = torch.exp(0.5 * logvar)
            return mu + torch.randn_like(std) * std
        return mu

    def forward(self, x) -> Tuple[Tensor, Tensor, Tensor]:
        h = self.enc(x)
        mu, logvar = self.mu(h), self.logvar(h)
        return self.dec(self.reparameterize(mu, logvar)), mu, logvar


class Moe(nn.Module):
    __constants__ = ["k", "names"]

    def __init__(self, n=3, k=2):
        super().__init__()
        self.k = k
        self.names = ["x", "y"]
        self.gate = Linear(4, n)
        self.experts = nn.ModuleList(Linear(4, 4) for _ in range(n))

    def forward(self, x):
        w = self.gate(x).softmax(-1)
        top, idx = w.topk(self.k, dim=-1)
        out = torch.zeros_like(x)
        for i, e in enumerate(self.experts):
            m = (idx == i).float().mul(top).sum(-1, keepdim=True)
            out = out + e(x) * m
        return out, self.names[0]


class Quantizer(nn.Module):
    def __init__(self, n, d):
        super().__init__()
        self.embed = nn.Parameter(torch.randn(n, d))
        self.register_buffer("count", torch.zeros(n, dtype=torch.int64))
        self.register_buffer("none", None)

    def forward(self, x):
        dist = (x.unsqueeze(1) - self.embed).pow(2).sum(-1)
        idx = dist.argmin(-1)
        self.count.index_add_(0, idx, torch.ones_like(idx))
        q = self.embed[idx]
        if self.none is not None:
            q = q + self.none
        return x + (q - x).detach(), idx, self.count


class Nested(nn.Module):
    def __init__(self):
        super().__init__()
        self.blocks = nn.ModuleDict({n: nn.ModuleList([nn.Linear(2, 2), nn.Identity()]) for n in NAMES})
        self.shared = self.blocks["a"][0]
        self.steps = [(1, "x"), (2, "y")]
        self.size = torch.Size([2, 3]) if False else (2, 3)

    def forward(self, x):
        for name, block in self.blocks.items():
            for layer in block:
                x = layer(x)
        for n, s in self.steps:
            x = x * n
        return x, self.shared(x), self.blocks["b"][0].weight, self.size


class Recur(nn.Module):
    def __init__(self, hidden: int = 3):
        super().__init__()
        self.cell = nn.LSTMCell(2, hidden)
        self.hidden = hidden
        self.h = nn.Parameter(torch.zeros(1, hidden), requires_grad=False)
    @torch.jit.export

    def init(self, n: int) -> Tuple[Tensor, Tensor]:
        return self.h.expand(n, -1), torch.zeros(n, self.hidden)
    @torch.jit.ignore

    def debug(self, x):
        import pdb; pdb.set_trace()
    @torch.jit.unused

    def bad(self, x: Tensor) -> Tensor:
        return eval("x")

    def forward(self, x, state: Optional[Tuple[Tensor, Tensor]] = None):
        s = self.init(x.size(1)) if state is None else state
        outs: List[Tensor] = []
        for t in range(x.size(0)):
            s = self.cell(x[t], s)
            outs.append(s[0])
        return torch.stack(outs), s


class Weird(nn.Module):
    def __init__(self, *widths, act=None, **kw):
        super().__init__()
        w = list(widths) or [2]
        self.layers = nn.Sequential()
        for i in range(len(w) - 1):
            self.layers.add_module(f"fc{i:02d}", nn.Linear(w[i], w[i + 1]))
            if act:
                self.layers.append(act())
        self.total = sum(p.numel() for p in self.parameters())
        self.key = "-".join(str(v) for v in sorted(w))
        self.kw = {k: float(v) for k, v in kw.items()}
        self.flag = any(isinstance(m, nn.ReLU) for m in self.modules())
        self.best = max(w, default=0)
        a, *rest = w
        self.rest = rest
        i = 0
        while i < 3:
            i += 1
            if i == 2:
                continue
        self.i = i
        self.nested = [[1, 2], [3]]
        self.sq = (lambda v: v * v)(3)
        self.s = "%d/%s" % (3, "x") + "ab"[::-1].upper()
        assert self.total > 0, "no parameters"
        del i

    def __len__(self):
        return 5

    def forward(self, x):
        return self.layers(x), self.total, self.key, self.kw, self.flag, self.best, self.rest, self.i, self.nested, self.sq, self.s


class Norms(nn.Module):
    def __init__(self):
        super().__init__()
        self.ln = nn.LayerNorm([3, 4], elementwise_affine=True)
        self.rms = nn.RMSNorm(4)
        self.lrn = nn.LocalResponseNorm(2)
        self.bn = nn.BatchNorm2d(2, affine=False, track_running_stats=False)
        self.i2 = nn.InstanceNorm2d(2, track_running_stats=True)
        self.emb = nn.EmbeddingBag(5, 3, mode="sum")
        self.e2 = nn.Embedding.from_pretrained(torch.arange(6.).view(3, 2))
        self.cos = nn.CosineSimilarity(dim=1)
        self.pd = nn.PairwiseDistance()
        nn.init.orthogonal_(self.emb.weight)
        nn.init.trunc_normal_(self.rms.weight, std=0.02)
        nn.init.xavier_normal_(self.emb.weight, gain=nn.init.calculate_gain("tanh"))

    def forward(self, x, ids):
        y = self.rms(self.ln(x))
        z = self.i2(self.bn(self.lrn(y)))
        return y, z, self.emb(ids), self.e2(ids % 3), self.cos(x, y), self.pd(x[0, 0], y[0, 0]), F.normalize(x), F.layer_norm(x, [4]), F.one_hot(ids % 3, 4), F.gelu(x, approximate="tanh"), F.pad(x, [1, 1, 1, 1], mode="reflect")


def ramp(*shape):
    return torch.linspace(-2, 2, math.prod(shape)).sin().reshape(*shape)


CASES = [
    ("mlp", "Mlp((4, 8, 3), bias=True)", lambda: [(ramp(2, 4),)]),
    ("mlp_deep", "Mlp(sizes=[4, 5, 6, 2], dropout=0.25, bias=False)", lambda: [(ramp(2, 4),)]),
    ("resnet", "SmallResNet", lambda: [(ramp(2, 3, 8, 8),)]),
    ("gpt", "Gpt(depth=2)", lambda: [(torch.tensor([[1, 2, 3], [4, 5, 6]]),)]),
    ("seq2seq", "Seq2Seq(7, 4)", lambda: [(torch.tensor([[1, 2, 0], [4, 5, 6]]), 3)]),
    ("rnns", "Rnns()", lambda: [(ramp(4, 2, 3),)]),
    ("dicts", "Dicts()", lambda: [(ramp(2, 3),)]),
    ("layers", "Layers()", lambda: [(ramp(2, 2, 12),)]),
    ("pools", "Pools2d()", lambda: [(ramp(1, 4, 6, 6),)]),
    ("losses", "Losses()", lambda: [(ramp(4, 3), ramp(3, 4).t().contiguous(), torch.tensor([0, 2, 1, 1]))]),
    ("attention", "Mha()", lambda: [(ramp(3, 2, 8), ramp(4, 2, 8), None), (ramp(3, 2, 8), ramp(4, 2, 8), torch.tensor([[True, False, False, False], [False] * 4]))]),
    ("attention_with_more_keys", "Mha(add_bias_kv=True, add_zero_attn=True)", lambda: [(ramp(3, 2, 8), ramp(4, 2, 8), None)]),
    ("transformer", "Trans()", lambda: [(ramp(2, 3, 8), ramp(2, 4, 8))]),
    ("transformer_norm_first", "Trans(norm_first=True)", lambda: [(ramp(2, 3, 8), ramp(2, 4, 8))]),
    ("base", "Base(3)", lambda: [(ramp(2, 3),)]),
    ("derived", "Derived()", lambda: [(ramp(2, 3),)]),
    ("counter", "Counter()", lambda: [(1,), (5,)]),
    ("vgg", "Vgg()", lambda: [(ramp(1, 3, 8, 8),)]),
    ("unet", "UNet()", lambda: [(ramp(1, 1, 8, 8),)]),
    ("vae", "Vae()", lambda: [(ramp(2, 6),)]),
    ("mixture_of_experts", "Moe()", lambda: [(ramp(2, 4),)]),
    ("quantizer", "Quantizer(4, 2)", lambda: [(ramp(3, 2),)]),
    ("nested", "Nested()", lambda: [(ramp(1, 2),)]),
    ("recurrent", "Recur()", lambda: [(ramp(3, 2, 2),)]),
    ("python_in_init", "Weird(2, 3, 4, act=ReLU, k=3)", lambda: [(ramp(1, 2),)]),
    ("norms", "Norms()", lambda: [(ramp(2, 2, 3, 4), torch.tensor([[0, 1], [2, 4]]))]),
    ("dropout", "Drop()", lambda: [(ramp(2, 3),), (ramp(2, 3),)]),
]


def record():
    folder = os.path.join(os.path.dirname(os.path.abspath(__file__)), "modules")
    os.makedirs(folder, exist_ok=True)
    torch.set_num_threads(1)
    index = []
    for name, entry, calls in CASES:
        torch.manual_seed(67280421310721)
        module = eval(entry)
        module = torch.jit.script(module() if isinstance(module, type) else module)
        sequence = []
        with torch.no_grad():
            for args in calls():
                before = copy.deepcopy(args)
                torch.manual_seed(9)
                output = copy.deepcopy(module(*args))
                sequence.append({"method": "forward", "seed": 9, "args": before, "kwargs": {}, "output": output})
        torch.save({"torch": "2.15.0", "sequences": [sequence]}, os.path.join(folder, name + ".io.pt"))
        index.append({"name": name, "entry": entry, "from_source": True})
    with open(os.path.join(folder, "index.json"), "w") as f:
        f.write("[\n" + ",\n".join(json.dumps(row) for row in index) + "\n]\n")


if __name__ == "__main__":
    record()
