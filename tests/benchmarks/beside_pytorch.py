#!/usr/bin/env python3
"""The workloads of costs_benchmark in PyTorch, where it is installed.

    python3 tests/benchmarks/beside_pytorch.py [bazel-bin/tests/benchmarks/costs_benchmark]

Runs the benchmark, then the same archives in TorchScript, in one go, and prints
both with their ratio.
"""
import json
import os
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
DEFAULT = os.path.join(HERE, "..", "..", "bazel-bin", "tests", "benchmarks", "costs_benchmark")


def ours(binary):
    out = subprocess.run([binary, "--benchmark_format=json"], check=True, stdout=subprocess.PIPE,
                         cwd=os.path.join(HERE, "..", "..")).stdout
    return {b["name"]: b["ns_each"] for b in json.loads(out)["benchmarks"] if "ns_each" in b}


def least(call, repeat):
    for _ in range(5):
        call()
    best = float("inf")
    end = time.perf_counter() + 1.0
    while time.perf_counter() < end:
        start = time.perf_counter()
        for _ in range(repeat):
            call()
        best = min(best, (time.perf_counter() - start) / repeat)
    return best * 1e9


def theirs():
    import torch
    torch.set_num_threads(1)
    load = lambda name: torch.jit.load(os.path.join(HERE, name + ".pt")).eval()
    x, y, xs = torch.ones(3, 4), torch.full((3, 4), -0.5), torch.ones(100, 3, 4)
    result = {}
    with torch.no_grad():
        scalar, mix = load("scalar_loop"), load("scalar_mix")
        result["ScalarLoopTurn"] = least(lambda: scalar(100000), 1) / 100000
        result["ScalarMixTurn"] = least(lambda: mix(100000), 1) / 100000
        small, linear = load("small_operators"), load("small_linear")
        result["SmallOperator"] = least(lambda: small(x, y), 10) / 100
        result["SmallLinear"] = least(lambda: linear(x), 10) / 50
        empty, rnn = load("empty_method"), load("rnn_loop")
        result["EmptyMethod"] = least(lambda: empty(x), 100)
        result["RnnLoop100"] = least(lambda: rnn(xs), 1)
    return result


def main():
    mine = ours(sys.argv[1] if len(sys.argv) > 1 else DEFAULT)
    try:
        other = theirs()
    except ImportError:
        other = {}
        print("PyTorch is not installed: ours alone", file=sys.stderr)
    print("%-18s %12s %14s %8s" % ("ns", "tandem", "TorchScript", "ratio"))
    for name, ns in mine.items():
        t = other.get(name)
        print("%-18s %12.1f %14s %8s" % (name, ns, "%.1f" % t if t else "-",
                                         "%.1f" % (t / ns) if t else "-"))


main()
