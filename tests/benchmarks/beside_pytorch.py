#!/usr/bin/env python3
"""The workloads of costs_benchmark and compile_benchmark in PyTorch, where it is installed.

    python3 tests/benchmarks/beside_pytorch.py [bazel-bin/tests/benchmarks/costs_benchmark]
    python3 tests/benchmarks/beside_pytorch.py --compile [bazel-bin/tests/benchmarks/compile_benchmark]

Runs the benchmark, then the same archives in TorchScript, in one go, and prints
both with their ratio. With --compile: the same 10,000 lines through our compiler
and through torch.jit.script, text to graphs; Python's own reading of the file
(import) is not counted.
"""
import importlib.util
import json
import os
import subprocess
import re
import sys
import tempfile
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


def compile_theirs(text, runs=3):
    import torch
    best = float("inf")
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "program.py")
        with open(path, "w") as f:
            f.write(text)
        for run in range(runs):
            # torch.jit.script keeps what it compiled: each run has functions of its own.
            spec = importlib.util.spec_from_file_location("program%d" % run, path)
            module = importlib.util.module_from_spec(spec)
            sys.modules[spec.name] = module
            spec.loader.exec_module(module)
            start = time.perf_counter()
            torch.jit.script(module.main)
            best = min(best, time.perf_counter() - start)
    return best


def compile_main(binary):
    run = lambda *args: subprocess.run([binary, *args], check=True, stdout=subprocess.PIPE, text=True).stdout
    text = run("--print")
    lines, mine = re.match(r"(\d+) lines in ([0-9.]+) s", run()).groups()
    print("%-18s %12s %14s %8s" % ("s", "tandem", "TorchScript", "ratio"))
    try:
        theirs = compile_theirs(text)
    except ImportError:
        print("PyTorch is not installed: ours alone", file=sys.stderr)
        theirs = None
    print("%-18s %12s %14s %8s" % (lines + " lines", mine, "%.3f" % theirs if theirs else "-",
                                   "%.1f" % (theirs / float(mine)) if theirs else "-"))


def main():
    if sys.argv[1:2] == ["--compile"]:
        compile_main(sys.argv[2] if len(sys.argv) > 2 else os.path.join(os.path.dirname(DEFAULT), "compile_benchmark"))
        return
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
