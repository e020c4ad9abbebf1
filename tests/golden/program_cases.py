"""Longer programs of the kind that people write in TorchScript, with their calls.

    python3 program_cases.py            # writes programs/
    python3 program_cases.py NAME ...   # records these alone again

All of them can be compiled from this file alone.
"""
import record
from record import call, case

import math
import os
from enum import Enum
from typing import Dict, Final, List, NamedTuple, Optional, Tuple, Union

import torch
import torch.nn as nn
import torch.nn.functional as F
from torch import Tensor


# ================================================================ boxes and images

class Detections(NamedTuple):
    boxes: Tensor
    scores: Tensor
    labels: List[int]


def box_area(boxes: Tensor) -> Tensor:
    return (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])


def box_iou(a: Tensor, b: Tensor) -> Tensor:
    top_left = torch.max(a[:, None, :2], b[:, :2])
    bottom_right = torch.min(a[:, None, 2:], b[:, 2:])
    size = (bottom_right - top_left).clamp(min=0)
    inter = size[:, :, 0] * size[:, :, 1]
    return inter / (box_area(a)[:, None] + box_area(b) - inter)


BOXES = torch.tensor([[0., 0., 10., 10.], [1., 1., 10., 10.], [20., 20., 30., 35.], [0., 0., 4., 4.], [21., 19., 30., 33.]])
SCORES = torch.tensor([0.9, 0.8, 0.7, 0.6, 0.95])


@case(call(BOXES, SCORES, [1, 1, 2, 1, 2], 0.5), call(BOXES, SCORES, [1, 2, 2, 1, 1], 0.1), call(BOXES[:0], SCORES[:0], [], 0.5))
def non_maximum_suppression(boxes: Tensor, scores: Tensor, labels: List[int], threshold: float):
    order = scores.argsort(descending=True)
    keep: List[int] = []
    suppressed = [False] * boxes.size(0)
    iou = box_iou(boxes, boxes)
    for i in range(order.numel()):
        a = int(order[i])
        if suppressed[a]:
            continue
        keep.append(a)
        for j in range(i + 1, order.numel()):
            b = int(order[j])
            if labels[a] == labels[b] and float(iou[a, b]) > threshold:
                suppressed[b] = True
    index = torch.tensor(keep, dtype=torch.int64)
    found = Detections(boxes[index], scores[index], [labels[k] for k in keep])
    return found, len(found.labels), found.boxes.sum()


@case(call((32, 48), [8, 16], [0.5, 1.0, 2.0]), call((16, 16), [8], [1.0]), call((0, 8), [8, 8], [1.0, 4.0]))
def anchors(size: Tuple[int, int], strides: List[int], ratios: List[float]):
    out: List[Tensor] = []
    counts: Dict[int, int] = {}
    for level, stride in enumerate(strides):
        rows, cols = size[0] // stride, size[1] // stride
        ys = (torch.arange(rows).float() + 0.5) * stride
        xs = (torch.arange(cols).float() + 0.5) * stride
        gy, gx = torch.meshgrid([ys, xs])
        for ratio in ratios:
            h = stride * math.sqrt(ratio)
            w = stride / math.sqrt(ratio)
            box = torch.stack([gx - w / 2, gy - h / 2, gx + w / 2, gy + h / 2], dim=-1).reshape(-1, 4)
            out.append(box)
            counts[level] = counts.get(level, 0) + box.size(0)
    return torch.cat(out), counts


@case(call(torch.arange(24.).view(1, 4, 6), 2, 3, True), call(torch.arange(12.).view(1, 3, 4), 3, 4, False), call(torch.ones(1, 2, 2), 3, 1, False))
def center_crop_and_flip(image: Tensor, h: int, w: int, flip: bool):
    height, width = image.shape[-2], image.shape[-1]
    if h > height or w > width:
        raise ValueError(f"cannot crop {h}x{w} of {height}x{width}")
    top = (height - h) // 2
    left = (width - w) // 2
    out = image[..., top:top + h, left:left + w]
    if flip:
        out = out.flip(-1)
    mean, std = out.mean(), out.std()
    return (out - mean) / (std + 1e-6), (top, left)


@case(call(torch.arange(16.).view(4, 4), 3), call(torch.ones(2, 5), 1), call(torch.zeros(3, 3), 2))
def blur_by_hand(x: Tensor, k: int):
    if k % 2 == 0:
        raise ValueError("the kernel's size must be odd, not " + str(k))
    r = k // 2
    rows, cols = x.shape
    padded = F.pad(x[None, None], [r, r, r, r], mode="constant", value=0.0)[0, 0]
    out = torch.zeros_like(x)
    for i in range(rows):
        for j in range(cols):
            total = 0.0
            for di in range(k):
                for dj in range(k):
                    total += float(padded[i + di, j + dj])
            out[i, j] = total / (k * k)
    return out, out.sum() / x.numel()


# ================================================================ text

VOCABULARY = ["low", "lower", "newest", "widest"]


@case(call("low lower low", 3), call("newest widest newest newest", 4), call("", 2))
def byte_pair_merges(text: str, merges: int):
    words: List[List[str]] = []
    for word in text.split(" "):
        if len(word) > 0:
            words.append([c for c in word] + ["</w>"])
    done: List[str] = []
    for _ in range(merges):
        pairs: Dict[str, int] = {}
        for symbols in words:
            for i in range(len(symbols) - 1):
                key = symbols[i] + " " + symbols[i + 1]
                if key in pairs:
                    pairs[key] += 1
                else:
                    pairs[key] = 1
        if len(pairs) == 0:
            break
        best = ""
        count = 0
        for key in pairs.keys():
            n = pairs[key]
            if n > count or (n == count and key < best):
                best, count = key, n
        if count < 2:
            break
        done.append(best)
        left, right = best.split(" ")
        for w in range(len(words)):
            symbols = words[w]
            merged: List[str] = []
            i = 0
            while i < len(symbols):
                if i + 1 < len(symbols) and symbols[i] == left and symbols[i + 1] == right:
                    merged.append(left + right)
                    i += 2
                else:
                    merged.append(symbols[i])
                    i += 1
            words[w] = merged
    return done, words


@case(call("kitten", "sitting"), call("", "abc"), call("flaw", "lawn"), call("same", "same"))
def edit_distance(a: str, b: str) -> int:
    previous = [i for i in range(len(b) + 1)]
    for i in range(len(a)):
        current = [i + 1]
        for j in range(len(b)):
            cost = 0 if a[i] == b[j] else 1
            current.append(min(min(current[j] + 1, previous[j + 1] + 1), previous[j] + cost))
        previous = current
    return previous[-1]


class TokenKind(Enum):
    NUMBER = 0
    OPERATOR = 1
    LEFT = 2
    RIGHT = 3


def tokenize(text: str) -> List[Tuple[int, str]]:
    tokens: List[Tuple[int, str]] = []
    i = 0
    while i < len(text):
        c = text[i]
        if c.isspace():
            i += 1
            continue
        if c.isdigit() or c == ".":
            start = i
            while i < len(text) and (text[i].isdigit() or text[i] == "."):
                i += 1
            tokens.append((TokenKind.NUMBER.value, text[start:i]))
            continue
        if c in "+-*/":
            tokens.append((TokenKind.OPERATOR.value, c))
        elif c == "(":
            tokens.append((TokenKind.LEFT.value, c))
        elif c == ")":
            tokens.append((TokenKind.RIGHT.value, c))
        else:
            raise ValueError("unexpected '" + c + "' at " + str(i))
        i += 1
    return tokens


def precedence(op: str) -> int:
    if op in ["+", "-"]:
        return 1
    elif op in ["*", "/"]:
        return 2
    return 0


def apply_operator(op: str, values: List[float]):
    if len(values) < 2:
        raise ValueError("operand missing")
    b = values.pop()
    a = values.pop()
    if op == "+":
        values.append(a + b)
    elif op == "-":
        values.append(a - b)
    elif op == "*":
        values.append(a * b)
    else:
        if b == 0.0:
            raise ZeroDivisionError("division by zero")
        values.append(a / b)


@case(call("1 + 2 * 3"), call("(1 + 2) * 3 - 4 / 8"), call("2 * (3 + "), call("7 / 0"), call("2 $ 3"), call("((8))"))
def evaluate_expression(text: str) -> float:
    values: List[float] = []
    operators: List[str] = []
    for kind, word in tokenize(text):
        if kind == TokenKind.NUMBER.value:
            values.append(float(word))
        elif kind == TokenKind.LEFT.value:
            operators.append(word)
        elif kind == TokenKind.RIGHT.value:
            while len(operators) > 0 and operators[-1] != "(":
                apply_operator(operators.pop(), values)
            assert len(operators) > 0, "unbalanced"
            operators.pop()
        else:
            while len(operators) > 0 and precedence(operators[-1]) >= precedence(word):
                apply_operator(operators.pop(), values)
            operators.append(word)
    while len(operators) > 0:
        apply_operator(operators.pop(), values)
    return values[-1]


@case(call("the quick brown fox jumps over the lazy dog the end", 3), call("a a b", 1), call("", 2))
def word_counts(text: str, top: int):
    counts: Dict[str, int] = {}
    longest = ""
    for word in text.lower().split():
        counts[word] = counts.get(word, 0) + 1
        if len(word) > len(longest):
            longest = word
    best: List[Tuple[int, str]] = []
    for word, n in counts.items():
        best.append((n, word))
    # Selection by hand: tuples have no order here.
    out: List[str] = []
    while len(out) < top and len(best) > 0:
        k = 0
        for i in range(1, len(best)):
            if best[i][0] > best[k][0] or (best[i][0] == best[k][0] and best[i][1] < best[k][1]):
                k = i
        n, word = best.pop(k)
        out.append("{}:{}".format(word, n))
    return ", ".join(out), longest, len(counts)


@case(call("name: x\nsize: 3\n# note\n\nscale: 0.5\nflag: yes"), call("bad line"), call("size: many"))
def parse_settings(text: str):
    settings: Dict[str, str] = {}
    for number, line in enumerate(text.split("\n"), 1):
        stripped = line.strip()
        if len(stripped) == 0 or stripped.startswith("#"):
            continue
        if ":" not in stripped:
            raise ValueError("line " + str(number) + ": no colon in '" + stripped + "'")
        key, _, value = stripped.partition(":")
        settings[key.strip()] = value.strip()
    size = int(settings["size"]) if "size" in settings else 1
    scale = float(settings.get("scale", "1.0"))
    flag = settings.get("flag", "no") == "yes"
    return size * scale, flag, sorted(settings.keys())


@case(call([3, 3, 3, 1, 1, 7]), call([]), call([5]))
def run_length(values: List[int]):
    runs: List[Tuple[int, int]] = []
    for v in values:
        if len(runs) > 0 and runs[-1][0] == v:
            runs[-1] = (v, runs[-1][1] + 1)
        else:
            runs.append((v, 1))
    back: List[int] = []
    for v, n in runs:
        back += [v] * n
    assert back == values, "not the same"
    return runs, "".join([str(v) + "x" + str(n) + ";" for v, n in runs])


# ================================================================ sequences and decoding

@case(call(torch.tensor([[1., 5., 0.], [4., 1., 1.], [9., 0., 2.], [0., 0., 3.]]), 0), call(torch.zeros(3, 2), 1), call(torch.zeros(0, 4), 0))
def ctc_greedy(logits: Tensor, blank: int):
    log_probs = F.log_softmax(logits, dim=-1)
    best: List[int] = log_probs.argmax(-1).tolist()
    out: List[int] = []
    score = torch.zeros(1)
    last = -1
    for t, k in enumerate(best):
        score = score + log_probs[t, k]
        if k != last and k != blank:
            out.append(k)
        last = k
    return out, score


class Hypothesis(NamedTuple):
    tokens: List[int]
    score: float


@case(call(torch.tensor([[0.1, 0.6, 0.3], [0.5, 0.2, 0.3], [0.3, 0.3, 0.4]]), 2, 3, 0), call(torch.tensor([[0.9, 0.1], [0.2, 0.8]]), 3, 4, 1))
def beam_search(transition: Tensor, beams: int, steps: int, start: int):
    logs = transition.log()
    alive = [Hypothesis([start], 0.0)]
    for _ in range(steps):
        candidates: List[Hypothesis] = []
        for h in alive:
            row = logs[h.tokens[-1]]
            for k in range(row.size(0)):
                candidates.append(Hypothesis(h.tokens + [k], h.score + float(row[k])))
        scores = torch.tensor([c.score for c in candidates])
        order = torch.argsort(scores, descending=True, stable=True)
        alive = []
        for i in range(min(beams, order.size(0))):
            alive.append(candidates[int(order[i])])
    return [h.tokens for h in alive], [h.score for h in alive]


@case(call(torch.tensor([[0.7, 0.3], [0.4, 0.6]]), torch.tensor([[0.1, 0.4, 0.5], [0.6, 0.3, 0.1]]), [0, 1, 2, 0]), call(torch.full((2, 2), 0.5), torch.full((2, 3), 1. / 3.), [2]))
def viterbi(transition: Tensor, emission: Tensor, observed: List[int]):
    states = transition.size(0)
    score = torch.full([states], math.log(1.0 / states)) + emission[:, observed[0]].log()
    back: List[Tensor] = []
    for o in observed[1:]:
        table = score[:, None] + transition.log()
        score, source = table.max(dim=0)
        score = score + emission[:, o].log()
        back.append(source)
    state = int(score.argmax())
    path = [state]
    for source in back[::-1]:
        state = int(source[state])
        path.insert(0, state)
    return path, score.max()


@case(call([torch.ones(2, 3), torch.zeros(1, 3), torch.full((3, 3), 2.)], True), call([torch.ones(1, 2)], False))
def pad_batch(sequences: List[Tensor], batch_first: bool):
    longest = 0
    lengths: List[int] = []
    for s in sequences:
        lengths.append(s.size(0))
        longest = max(longest, s.size(0))
    batch = torch.zeros(len(sequences), longest, sequences[0].size(1))
    mask = torch.ones(len(sequences), longest, dtype=torch.bool)
    for i, (s, n) in enumerate(zip(sequences, lengths)):
        batch[i, :n] = s
        mask[i, n:] = False
    if not batch_first:
        batch = batch.transpose(0, 1)
    return batch, mask, lengths, (batch.sum() / mask.sum()).item()


@case(call(torch.tensor([0., 1., 3., 2.]), torch.tensor([0., 2., 2.])), call(torch.ones(3), torch.ones(3)), call(torch.zeros(1), torch.tensor([5.])))
def dynamic_time_warping(a: Tensor, b: Tensor):
    n, m = len(a), len(b)
    cost = torch.full([n + 1, m + 1], float("inf"))
    cost[0, 0] = 0
    for i in range(1, n + 1):
        for j in range(1, m + 1):
            d = abs(a[i - 1] - b[j - 1])
            best = torch.min(torch.min(cost[i - 1, j], cost[i, j - 1]), cost[i - 1, j - 1])
            cost[i, j] = d + best
    path: List[Tuple[int, int]] = []
    i, j = n, m
    while i > 0 and j > 0:
        path.append((i - 1, j - 1))
        diagonal, up, left = float(cost[i - 1, j - 1]), float(cost[i - 1, j]), float(cost[i, j - 1])
        if diagonal <= up and diagonal <= left:
            i -= 1
            j -= 1
        elif up <= left:
            i -= 1
        else:
            j -= 1
    return cost[n, m], path[::-1]


# ================================================================ networks by hand

@case(call(torch.ones(3, 2, 4) * 0.1, torch.full((12, 4), 0.05), torch.full((12, 3), -0.02), None), call(torch.arange(8.).view(1, 2, 4) / 8, torch.full((12, 4), 0.1), torch.full((12, 3), 0.1), torch.ones(2, 3)))
def lstm_by_hand(x: Tensor, w_ih: Tensor, w_hh: Tensor, h0: Optional[Tensor]):
    batch, hidden = x.size(1), w_hh.size(1)
    if h0 is None:
        h = torch.zeros(batch, hidden)
    else:
        h = h0
    c = torch.zeros_like(h)
    outputs: List[Tensor] = []
    for step in x.unbind(0):
        gates = F.linear(step, w_ih) + F.linear(h, w_hh)
        i, f, g, o = gates.chunk(4, 1)
        c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
        h = torch.sigmoid(o) * torch.tanh(c)
        outputs.append(h)
    return torch.stack(outputs), (h, c)


@case(call(torch.arange(12.).view(1, 3, 4) / 10, 2, True), call(torch.ones(2, 2, 4), 4, False), call(torch.ones(1, 2, 6), 4, False))
def attention_by_hand(x: Tensor, heads: int, causal: bool):
    b, t, d = x.shape
    assert d % heads == 0, f"{d} is no multiple of {heads}"
    q = x.view(b, t, heads, d // heads).transpose(1, 2)
    scores = q @ q.transpose(-2, -1) / math.sqrt(d // heads)
    if causal:
        mask = torch.triu(torch.ones(t, t, dtype=torch.bool), 1)
        scores = scores.masked_fill(mask, float("-inf"))
    weights = scores.softmax(-1)
    out = (weights @ q).transpose(1, 2).reshape(b, t, d)
    return out, weights.sum(-1)


@case(call(4, 6), call(1, 2), call(3, 1))
def positional_encoding(length: int, dim: int):
    position = torch.arange(length).unsqueeze(1).float()
    rate = torch.exp(torch.arange(0, dim, 2).float() * (-math.log(10000.0) / dim))
    table = torch.zeros(length, dim)
    table[:, 0::2] = torch.sin(position * rate)
    table[:, 1::2] = torch.cos(position * rate)[:, :dim // 2]
    return table


@case(call([torch.full((2,), 1.), torch.tensor(2.)], [torch.full((2,), .5), torch.tensor(-1.)], 3), call([torch.zeros(1)], [torch.ones(1)], 1))
def adam_steps(parameters: List[Tensor], gradients: List[Tensor], steps: int):
    lr, beta1, beta2, eps = 0.1, 0.9, 0.999, 1e-8
    first = [torch.zeros_like(p) for p in parameters]
    second = [torch.zeros_like(p) for p in parameters]
    values = [p.clone() for p in parameters]
    for t in range(1, steps + 1):
        scale1 = 1 - beta1 ** t
        scale2 = 1 - beta2 ** t
        for k, g in enumerate(gradients):
            first[k].mul_(beta1).add_(g, alpha=1 - beta1)
            second[k].mul_(beta2).addcmul_(g, g, value=1 - beta2)
            denominator = (second[k] / scale2).sqrt().add_(eps)
            values[k] = values[k] - lr * (first[k] / scale1) / denominator
    return values, sum([float(v.abs().sum()) for v in values])


@case(call(torch.tensor([[0., 0.], [0.2, 0.], [5., 5.], [5., 5.2], [9., 0.]]), 2, 5), call(torch.arange(6.).view(3, 2), 3, 2))
def k_means(points: Tensor, k: int, rounds: int):
    centers = points[:k].clone()
    labels = torch.zeros(points.size(0), dtype=torch.int64)
    used = 0
    for r in range(rounds):
        distance = torch.cdist(points, centers)
        new_labels = distance.argmin(1)
        used = r + 1
        if r > 0 and bool((new_labels == labels).all()):
            break
        labels = new_labels
        for c in range(k):
            members = points[labels == c]
            if members.size(0) > 0:
                centers[c] = members.mean(0)
    return centers, labels, used


@case(call(0, 10, 100, 0.5), call(5, 10, 100, 0.5), call(60, 10, 100, 1.0), call(200, 10, 100, 1.0))
def learning_rate(step: int, warmup: int, total: int, base: float) -> float:
    if step < warmup:
        return base * (step + 1) / warmup
    if step >= total:
        return 0.0
    progress = (step - warmup) / max(1, total - warmup)
    return base * 0.5 * (1.0 + math.cos(math.pi * progress))


# ================================================================ algorithms

@case(call({0: [(1, 4.0), (2, 1.0)], 1: [(3, 1.0)], 2: [(1, 2.0), (3, 5.0)]}, 0, 3), call({0: [(1, 1.0)]}, 1, 0), call({5: []}, 5, 5))
def shortest_path(graph: Dict[int, List[Tuple[int, float]]], start: int, goal: int):
    distance: Dict[int, float] = {start: 0.0}
    previous: Dict[int, int] = {}
    open_nodes = [start]
    closed: Dict[int, bool] = {}
    while len(open_nodes) > 0:
        best = 0
        for i in range(len(open_nodes)):
            if distance[open_nodes[i]] < distance[open_nodes[best]]:
                best = i
        node = open_nodes.pop(best)
        if node in closed:
            continue
        closed[node] = True
        if node == goal:
            break
        if node not in graph:
            continue
        for neighbour, weight in graph[node]:
            d = distance[node] + weight
            if neighbour not in distance or d < distance[neighbour]:
                distance[neighbour] = d
                previous[neighbour] = node
                open_nodes.append(neighbour)
    path: List[int] = []
    if goal in distance:
        node = goal
        path.append(node)
        while node != start:
            node = previous[node]
            path.append(node)
        path.reverse()
    return path, distance.get(goal)


@case(call(4), call(6), call(1), call(3))
def n_queens(n: int):
    solutions = 0
    first: List[int] = []
    columns = [-1] * n
    row = 0
    while row >= 0:
        columns[row] += 1
        if columns[row] >= n:
            columns[row] = -1
            row -= 1
            continue
        ok = True
        for r in range(row):
            c = columns[r]
            if c == columns[row] or abs(c - columns[row]) == row - r:
                ok = False
                break
        if not ok:
            continue
        if row == n - 1:
            solutions += 1
            if len(first) == 0:
                first = columns.copy()
        else:
            row += 1
    return solutions, first


@case(call([5, 2, 9, 1, 5, 6]), call([]), call([3]), call([2, 1]))
def merge_sort(values: List[int]):
    width = 1
    out = values.copy()
    merges = 0
    while width < len(out):
        result: List[int] = []
        start = 0
        while start < len(out):
            left = out[start:start + width]
            right = out[start + width:start + 2 * width]
            i, j = 0, 0
            while i < len(left) and j < len(right):
                if right[j] < left[i]:
                    result.append(right[j])
                    j += 1
                else:
                    result.append(left[i])
                    i += 1
            result.extend(left[i:])
            result.extend(right[j:])
            merges += 1
            start += 2 * width
        out = result
        width *= 2
    assert out == sorted(values)
    return out, merges


@case(call(torch.tensor([[0, 1, 0], [0, 1, 0], [0, 1, 0]]), 2), call(torch.ones(2, 2, dtype=torch.int64), 1), call(torch.zeros(1, 3, dtype=torch.int64), 5))
def game_of_life(board: Tensor, steps: int):
    history: List[int] = []
    for _ in range(steps):
        padded = F.pad(board[None, None].float(), [1, 1, 1, 1])
        neighbours = F.conv2d(padded, torch.ones(1, 1, 3, 3))[0, 0].long() - board
        board = ((neighbours == 3) | ((neighbours == 2) & (board == 1))).long()
        history.append(int(board.sum()))
        if history[-1] == 0:
            break
    lines = ["".join(["#" if int(c) == 1 else "." for c in row]) for row in board]
    return lines, history


@case(call(torch.tensor([[2., 1.], [1., 3.]])), call(torch.tensor([[0., 1.], [1., 0.]])), call(torch.tensor([[1., 2.], [2., 4.]])))
def gaussian_elimination(matrix: Tensor):
    n = matrix.size(0)
    work = torch.cat([matrix.clone(), torch.eye(n)], dim=1)
    sign = 1.0
    determinant = 1.0
    for i in range(n):
        pivot = i
        for r in range(i + 1, n):
            if float(work[r, i].abs()) > float(work[pivot, i].abs()):
                pivot = r
        value = float(work[pivot, i])
        if abs(value) < 1e-12:
            raise RuntimeError("the matrix is singular")
        if pivot != i:
            order = [k for k in range(n)]
            order[i], order[pivot] = order[pivot], order[i]
            work = work[order]
            sign = -sign
        determinant *= value
        work[i] /= value
        for r in range(n):
            if r != i:
                work[r] -= work[r, i].clone() * work[i]
    return work[:, n:], determinant * sign


@case(call({"a": ["b", "c"], "b": ["c"], "c": ["a"], "d": ["c"]}, 20), call({"x": []}, 3))
def page_rank(links: Dict[str, List[str]], rounds: int):
    names = sorted(links.keys())
    index: Dict[str, int] = {}
    for i, name in enumerate(names):
        index[name] = i
    n = len(names)
    rank = [1.0 / n for _ in range(n)]
    for _ in range(rounds):
        new = [0.15 / n for _ in range(n)]
        for name, targets in links.items():
            source = rank[index[name]]
            if len(targets) == 0:
                for i in range(n):
                    new[i] += 0.85 * source / n
            else:
                for t in targets:
                    new[index[t]] += 0.85 * source / len(targets)
        rank = new
    return {name: rank[index[name]] for name in names}, abs(sum(rank) - 1.0) < 1e-6


# ================================================================ classes

@torch.jit.script
class RingBuffer:
    def __init__(self, size: int):
        self.items: List[float] = [0.0] * size
        self.size = size
        self.count = 0

    def push(self, v: float) -> Optional[float]:
        i = self.count % self.size
        old: Optional[float] = self.items[i] if self.count >= self.size else None
        self.items[i] = v
        self.count += 1
        return old

    def mean(self) -> float:
        n = min(self.count, self.size)
        if n == 0:
            return 0.0
        total = 0.0
        for i in range(n):
            total += self.items[i]
        return total / n

    def __len__(self) -> int:
        return min(self.count, self.size)


@case(call([1.0, 2.0, 3.0, 4.0], 3), call([], 2), call([5.0], 1))
def moving_average(values: List[float], size: int):
    buffer = RingBuffer(size)
    means: List[float] = []
    dropped: List[float] = []
    for v in values:
        old = buffer.push(v)
        if old is not None:
            dropped.append(old)
        means.append(buffer.mean())
    return means, dropped, len(buffer)


@torch.jit.script
class UnionFind:
    def __init__(self, n: int):
        self.parent = [i for i in range(n)]
        self.rank = [0] * n
        self.sets = n

    def find(self, a: int) -> int:
        root = a
        while self.parent[root] != root:
            root = self.parent[root]
        while self.parent[a] != root:
            self.parent[a], a = root, self.parent[a]
        return root

    def join(self, a: int, b: int) -> bool:
        a = self.find(a)
        b = self.find(b)
        if a == b:
            return False
        if self.rank[a] < self.rank[b]:
            a, b = b, a
        self.parent[b] = a
        if self.rank[a] == self.rank[b]:
            self.rank[a] += 1
        self.sets -= 1
        return True


@case(call(6, [(0, 1), (2, 3), (1, 3), (0, 2)]), call(3, []), call(2, [(0, 0), (1, 0)]))
def components(n: int, edges: List[Tuple[int, int]]):
    sets = UnionFind(n)
    used: List[Tuple[int, int]] = []
    for a, b in edges:
        if sets.join(a, b):
            used.append((a, b))
    return sets.sets, used, [sets.find(i) == sets.find(0) for i in range(n)]


@torch.jit.script
class Account:
    def __init__(self, owner: str, balance: float = 0.0):
        self.owner = owner
        self._balance = balance
        self.log: List[str] = []

    @property
    def balance(self) -> float:
        return self._balance

    @balance.setter
    def balance(self, value: float):
        if value < 0.0:
            raise ValueError(self.owner + " has not enough")
        self.log.append("{} -> {}".format(self._balance, value))
        self._balance = value

    def transfer(self, other: "Account", amount: float):
        self.balance = self.balance - amount
        other.balance = other.balance + amount


@case(call(5.0), call(50.0))
def bank(amount: float):
    a = Account("ann", 10.0)
    b = Account("bob")
    a.transfer(b, amount)
    b.transfer(a, 1.0)
    accounts = {"a": a, "b": b}
    total = 0.0
    for name in accounts.keys():
        total += accounts[name].balance
    return total, a.log, b.balance


class Op(Enum):
    PUSH = "push"
    ADD = "add"
    MUL = "mul"
    DUP = "dup"
    JUMP = "jump_if_below"


@case(call(["push 2", "dup", "mul", "push 3", "add"]), call(["push 1", "dup", "add", "jump_if_below 1 100"]), call(["add"]), call(["halt"]))
def stack_machine(program: List[str]):
    stack: List[int] = []
    pc = 0
    steps = 0
    while pc < len(program) and steps < 1000:
        words = program[pc].split(" ")
        op = words[0]
        steps += 1
        pc += 1
        if op == Op.PUSH.value:
            stack.append(int(words[1]))
        elif op == Op.DUP.value:
            stack.append(stack[-1])
        elif op == Op.ADD.value or op == Op.MUL.value:
            if len(stack) < 2:
                raise IndexError("stack underflow at " + str(pc - 1))
            b, a = stack.pop(), stack.pop()
            stack.append(a + b if op == Op.ADD.value else a * b)
        elif op == Op.JUMP.value:
            if stack[-1] < int(words[2]):
                pc = int(words[1])
        else:
            raise NotImplementedError(op)
    return stack, steps


# ================================================================ modules

@case([call(torch.ones(2)), call(torch.full((2,), 3.)), call(torch.zeros(2), scale=2.0)])
class Normalize(nn.Module):
    eps: Final[float] = 1e-5

    def moments(self, x: Tensor) -> Tuple[Tensor, Tensor]:
        mean = x.mean()
        return mean, ((x - mean) ** 2).mean()

    def forward(self, x: Tensor, scale: float = 1.0, shift: Optional[Tensor] = None):
        mean, variance = self.moments(x)
        y = (x - mean) / torch.sqrt(variance + self.eps) * scale
        if shift is not None:
            y = y + shift
        if self.training:
            y = y + 0.0
        return y, variance


@case(call([torch.ones(2), torch.zeros(3)], {"a": torch.ones(1)}), call([], {}))
def describe(tensors: List[Tensor], named: Dict[str, Tensor]):
    lines: List[str] = []
    total = 0
    for i, t in enumerate(tensors):
        lines.append("%d: %s" % (i, str(t.shape)))
        total += t.numel()
    for name in sorted(named.keys()):
        t = named[name]
        total += t.numel()
        lines.append(f"{name}: {t.dim()}d, {t.numel()} of {t.dtype}")
    print("\n".join(lines))
    sizes = {"total": total, "count": len(lines)}
    value: Union[int, str] = total
    if total == 0:
        value = "nothing"
    if isinstance(value, int):
        value = value + 1
    return sizes, value


record.run_cases(os.path.join(os.path.dirname(os.path.abspath(__file__)), "programs"))
