import math
from enum import Enum
from typing import Any, Dict, Final, List, NamedTuple, Optional, Tuple, Union
import torch
import torch.nn as nn
import torch.nn.functional as F
from torch import Tensor


def dict_order(d: Dict[str, int]):
    d["z"] = 26
    d["b"] = 20
    d["c"] = 3
    return d, list(d.keys()), list(d.values()), list(d.items()), len(d)


def dict_get(d: Dict[str, int], k: str):
    return d.get(k), d.get(k, -1), k in d, k not in d


def dict_index(d: Dict[str, int], k: str) -> int:
    return d[k]


def dict_pop(d: Dict[int, str], k: int):
    x = d.pop(k, "none")
    return x, d


def dict_pop_without_default(d: Dict[int, str], k: int):
    return d.pop(k), d


def dict_popitem(d: Dict[int, str]):
    return d.popitem(), d


def dict_setdefault_update(d: Dict[str, int]):
    x = d.setdefault("a", 5)
    y = d.setdefault("q", 6)
    d.update({"a": 100, "new": 7})
    return x, y, d


def dict_copy_clear_delete(d: Dict[str, List[int]]):
    c = d.copy()
    c["x"] = [2]
    if "a" in d:
        c["a"].append(9)
        del d["a"]
    e = dict(c)
    c.clear()
    return c, d, e


def dict_delete_missing(d: Dict[int, int]):
    del d[1]
    return d


def dict_key_types():
    a = {1: "i"}
    b = {1.5: "f", 2.0: "g"}
    c = {True: 1, False: 0}
    d = {"s": 1.5}
    return a, b, c, d, a[1], b[2.0], c[False], d["s"]


def dict_tensor_keys(a: Tensor, b: Tensor):
    d: Dict[Tensor, int] = {}
    d[a] = 1
    d[b] = 2
    d[a] = 3
    return len(d), d[a], d[b], a in d


def dict_counting(words: List[str]):
    counts: Dict[str, int] = {}
    for w in words:
        if w in counts:
            counts[w] += 1
        else:
            counts[w] = 1
    return counts


def dict_comprehension(n: int):
    return {i: i * i for i in range(n)}, {str(i): [i] for i in range(n)}


def dict_iteration(d: Dict[str, int]):
    keys = [k for k in d]
    total = 0
    for k, v in d.items():
        total += v * len(k)
    for v in d.values():
        total += v
    for k in d.keys():
        total += len(k)
    return keys, total


def dict_compare_by_lists(a: Dict[str, int], b: Dict[str, int]):
    return sorted(a.keys()) == sorted(b.keys()), list(a.values()) != list(b.values())


def dict_nested(d: Dict[str, Dict[str, List[int]]]):
    if "x" not in d:
        empty: Dict[str, List[int]] = {}
        d["x"] = empty
    inner = d["x"]
    inner["z"] = [3]
    return d, len(d["x"])


def dict_from_pairs(pairs: List[Tuple[str, int]]):
    return dict(pairs)


def dict_of_tensors(d: Dict[str, Tensor]):
    d["w"].mul_(3)
    d["sum"] = d["w"].sum() + d["b"]
    return d

