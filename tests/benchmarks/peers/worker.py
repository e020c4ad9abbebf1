#!/usr/bin/env python3
"""One peer that holds one workload: worker.py PEER FOLDER NAME; run by table.py.

PEER: ts, ts_freeze, ts_ofi (torch.jit as loaded, freeze, optimize_for_inference), ort, openvino. Says one line of JSON once
it is ready, then answers "THREADS SECONDS" with the times of calls in microseconds.
"""
import json
import os
import resource
import sys
import time

peer, folder, name = sys.argv[1:4]
path = os.path.join(folder, name)


def torchscript():
    import torch
    if name == "fasterrcnn":
        import torchvision  # its operators
    args = torch.load(path + ".inputs.pt")
    module = torch.jit.load(path + ".pt").eval()
    if peer == "ts_freeze":
        module = torch.jit.freeze(module)
    elif peer == "ts_ofi":
        module = torch.jit.optimize_for_inference(torch.jit.freeze(module))

    def caller(threads):
        torch.set_num_threads(threads)

        def call():
            with torch.inference_mode():
                module(*args)
        return call
    return caller


def feed(names):
    import numpy as np
    values = dict(np.load(path + ".inputs.npz"))
    return {n: values[n] for n in names} if all(n in values for n in names) else dict(zip(names, values.values()))


def onnxruntime():
    import onnxruntime as rt

    def caller(threads):
        options = rt.SessionOptions()
        options.intra_op_num_threads, options.inter_op_num_threads, options.log_severity_level = threads, 1, 4
        session = rt.InferenceSession(path + ".onnx", options, providers=["CPUExecutionProvider"])
        inputs = feed([i.name for i in session.get_inputs()])
        return lambda: session.run(None, inputs)
    return caller


def openvino():
    import openvino as ov
    core = ov.Core()
    model = core.read_model(path + ".onnx")

    def caller(threads):
        compiled = core.compile_model(model, "CPU", {"INFERENCE_NUM_THREADS": threads, "NUM_STREAMS": 1,
                                                     "INFERENCE_PRECISION_HINT": "f32"})
        inputs = feed([i.get_any_name() for i in compiled.inputs])
        request = compiled.create_infer_request()
        return lambda: request.infer(inputs, share_inputs=True, share_outputs=True)
    return caller


def cpu():
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return (usage.ru_utime + usage.ru_stime) * 1e6


def measure(call, seconds):
    call()
    times, used, now = [], cpu(), time.perf_counter()
    end = now + seconds
    while now < end or len(times) < 2:
        start = now
        call()
        now = time.perf_counter()
        times.append((now - start) * 1e6)
    return {"min_us": min(times), "med_us": sorted(times)[len(times) // 2], "cpu_us": (cpu() - used) / len(times)}


def main():
    try:
        make = {"ort": onnxruntime, "openvino": openvino}.get(peer, torchscript)()
        callers = {1: make(1)}
        callers[1]()
        print(json.dumps({"ready": True}), flush=True)
        for line in sys.stdin:
            threads, seconds = line.split()
            if int(threads) not in callers:
                callers[int(threads)] = make(int(threads))
            elif peer.startswith("ts"):
                callers[int(threads)] = make(int(threads))
            print(json.dumps(measure(callers[int(threads)], float(seconds))), flush=True)
    except Exception as e:
        print(json.dumps({"error": f"{type(e).__name__}: {e}"[:200]}), flush=True)


main()
