#!/usr/bin/env python3
"""tandem beside its peers, in one run: table.py [--models FOLDER] [--only a,b] [--threads 1,2] [--rounds 5] [--seconds 0.2]

The peers come from the Python that $TANDEM_PEERS_PYTHON names (torch, torchvision, onnx, onnxruntime, openvino); it also
writes the models, once (models.py). The command is bazel-bin/tools/tandem or $TANDEM. One process a peer and workload;
they are asked in turn, round by round, so that a disturbance of the machine hits all alike. A cell is the least over the
rounds, of wall time and, on one thread, of CPU time a call: what a busy machine disturbs least. Only cells of one run
compare. Prints the tables of docs/performance.md.
"""
import argparse
import json
import os
import select
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.join(HERE, "..", "..", "..")
ROWS = ("resnet18 resnet50 mobilenet_v3_small mobilenet_v3_large efficientnet_b0 vit_b_16 bert gpt2_step lstm audio_conv1d "
        "dlrm tiny_mlp rnn_loop chain_1m chain_1k norm_softmax scalar_loop containers silero_vad fasterrcnn").split()
PEERS = ("ts", "ts_freeze", "ts_ofi", "ort", "openvino")


class Worker:
    def __init__(self, python, peer, folder, name, limit):
        self.limit = limit
        self.process = subprocess.Popen([python, os.path.join(HERE, "worker.py"), peer, folder, name],
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        self.ready = self.read()

    def read(self):
        if not select.select([self.process.stdout], [], [], self.limit)[0]:
            return {"error": f"no answer in {self.limit} s"}
        while True:
            line = self.process.stdout.readline()
            if not line:
                return {"error": "it died"}
            if line.startswith("{"):
                return json.loads(line)

    def measure(self, threads, seconds):
        try:
            print(threads, seconds, file=self.process.stdin, flush=True)
        except OSError:
            return {"error": "it died"}
        return self.read()

    def end(self):
        self.process.kill()
        self.process.wait()


class Tandem:
    def __init__(self, binary, folder, name):
        path = os.path.join(folder, name)
        self.command = [binary, "bench", path + ".pt", "--input", path + ".inputs.pt", "--json",
                        "--backend", "onednn,native", "--pipeline", "inference"]
        self.ready = {}

    def measure(self, threads, seconds):
        run = subprocess.run(self.command + ["--threads", str(threads), "--seconds", str(seconds)], capture_output=True,
                             text=True)
        if run.returncode != 0:
            return {"error": (run.stderr.strip().splitlines() or ["it died"])[-1][:200]}
        return json.loads(run.stdout.strip().splitlines()[-1])

    def end(self):
        pass


def row(o, python, name):
    workers = {"tandem": Tandem(o.tandem, o.models, name)}
    for peer in PEERS:
        path = os.path.join(o.models, name + (".onnx" if peer in ("ort", "openvino") else ".pt"))
        if not os.path.exists(path):
            continue
        worker = Worker(python, peer, o.models, name, o.limit)
        if "error" in worker.ready:
            print(f"{name}, {peer}: {worker.ready['error']}", file=sys.stderr)
            worker.end()
        else:
            workers[peer] = worker
    cells = {}
    for _ in range(o.rounds):
        for threads in o.threads:
            for peer, worker in workers.items():
                m = worker.measure(threads, o.seconds)
                if "error" in m:
                    print(f"{name}, {peer}, {threads}: {m['error']}", file=sys.stderr)
                    continue
                least = min(m["min_us"], m["cpu_us"]) if threads == 1 else m["min_us"]
                key = (peer, threads)
                cells[key] = min(cells.get(key, least), least)
    for worker in workers.values():
        worker.end()
    return cells


def number(us):
    return "-" if us is None else f"{us / 1e3:.3g}" if us < 1e5 else f"{us / 1e3:.0f}"


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--models", default=os.path.join(tempfile.gettempdir(), "tandem_peers"))
    parser.add_argument("--only", default="")
    parser.add_argument("--threads", default="1,2")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=0.2)
    parser.add_argument("--limit", type=float, default=300, help="seconds to wait for one answer")
    o = parser.parse_args()
    o.threads = [int(t) for t in o.threads.split(",")]
    o.tandem = os.environ.get("TANDEM", os.path.join(ROOT, "bazel-bin", "tools", "tandem"))
    python = os.environ.get("TANDEM_PEERS_PYTHON")
    if not python:
        sys.exit("TANDEM_PEERS_PYTHON names the Python that has the peers")
    names = [n for n in o.only.split(",") if n] or ROWS
    subprocess.run([python, os.path.join(HERE, "models.py"), o.models, *names], check=True)
    results = {}
    for name in names:
        results[name] = row(o, python, name)
        said = ", ".join(f"{p}/{t} {number(us)}" for (p, t), us in results[name].items())
        print(f"{name}: {said}", file=sys.stderr, flush=True)
    for threads in o.threads:
        print(f"\n{threads} thread{'s' if threads > 1 else ''}, ms:\n")
        print("| workload | " + " | ".join(PEERS) + " | tandem | / best TorchScript | / best peer |")
        print("|" + " --- |" * (len(PEERS) + 4))
        product, count = 1.0, 0
        for name, cells in results.items():
            ours = cells.get(("tandem", threads))
            theirs = [cells.get((p, threads)) for p in PEERS]
            script = [v for v in theirs[:3] if v is not None]
            known = [v for v in theirs if v is not None]
            if ours is not None and script:
                product, count = product * min(script) / ours, count + 1
            ratio = lambda others: f"{ours / min(others):.2f}" if ours is not None and others else "-"
            print(f"| {name} | " + " | ".join(number(v) for v in theirs) +
                  f" | {number(ours)} | {ratio(script)} | {ratio(known)} |")
        if count:
            print(f"\nGeometric mean of the speed over the best TorchScript: {product ** (1 / count):.2f}")


if __name__ == "__main__":
    main()
