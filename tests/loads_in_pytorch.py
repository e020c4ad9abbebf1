"""Does PyTorch take what this framework writes?

    python3 tests/loads_in_pytorch.py [--tandem BINARY] [--pipeline P] [--jobs N]
        [--only TEXT] [--skip NAME,...] [FOLDER | X.pt ...]

A FOLDER holds recorded cases, NAME.pt beside NAME.io.pt (tests/golden/README.md),
itself or in folders below it; without one it is tests/golden. Each archive is
written again by `tandem convert`, loaded by PyTorch, called as recorded, and what
comes out is compared with the recording; X.io.pt too is written again (by
`tandem convert`) and must be read by torch.load(weights_only=True) as the same.
An X.pt without recorded calls must load, and its code must compile there;
such are the archives that the examples write:

    bazel run //examples/fx -- /tmp/my_module.pt
    python3 tests/loads_in_pytorch.py /tmp/my_module.pt

Prints PASS or FAIL for each case and "N passed, N failed". Says so and succeeds
where there is no PyTorch.
"""
import argparse
import ast
import contextlib
import enum
import io
import os
import pickle
import re
import subprocess
import sys
import tempfile
import traceback
import warnings
import zipfile

try:
    import torch
except ImportError:
    print("PyTorch is absent: nothing was loaded")
    sys.exit(0)

with contextlib.suppress(ImportError):
    import torchvision  # noqa: F401 - its operators

HERE = os.path.dirname(os.path.abspath(__file__))
READS_GRADIENTS = ("tensor_parameters.pt",)
# rtol, atol; those of `tandem check`
TOLERANCES = {
    torch.float64: (1e-7, 1e-9), torch.complex128: (1e-7, 1e-9),
    torch.float16: (1e-3, 1e-5), torch.bfloat16: (1.6e-2, 1e-5),
}


# ---------------------------------------------------------------- comparing

def plain(value):
    """A value in the form of the recordings."""
    if isinstance(value, torch.Tensor):
        return value.detach()
    if isinstance(value, enum.Enum):
        return f"{type(value).__name__}.{value.name}"
    if isinstance(value, torch.device):
        return str(value)
    if isinstance(value, dict):
        return {plain(k): plain(v) for k, v in value.items()}
    if isinstance(value, (list, torch.Size)):
        return [plain(v) for v in value]
    if isinstance(value, tuple):
        return tuple(plain(v) for v in value)
    return value


def difference(got, want, where="output", exact=False):
    """How two values differ; None where they do not."""
    if isinstance(want, torch.Tensor):
        if not isinstance(got, torch.Tensor):
            return f"{where}: {type(got).__name__} in place of a tensor"
        return tensor_difference(got, want, where, exact)
    if type(got) is not type(want):
        return f"{where}: {got!r} in place of {want!r}"
    if isinstance(want, dict):
        if len(got) != len(want):
            return f"{where}: {len(got)} keys in place of {len(want)}"
        pairs = [(f"{where}[{k!r}]", (h, v), (k, w))
                 for (h, v), (k, w) in zip(got.items(), want.items())]
        return first_difference(
            [(f"a key of {where}", h, k) for _, (h, _), (k, _) in pairs] +
            [(at, v, w) for at, (_, v), (_, w) in pairs], exact)
    if isinstance(want, (list, tuple)):
        if len(got) != len(want):
            return f"{where}: {len(got)} items in place of {len(want)}"
        return first_difference(
            [(f"{where}[{i}]", v, w) for i, (v, w) in enumerate(zip(got, want))], exact)
    if isinstance(want, (float, complex)) and not exact:
        same = repr(got) == repr(want) or abs(got - want) <= 1e-9 + 1e-7 * abs(want)
    else:
        same = repr(got) == repr(want)
    return None if same else f"{where}: {got!r} in place of {want!r}"


def first_difference(triples, exact):
    for where, got, want in triples:
        found = difference(got, want, where, exact)
        if found:
            return found
    return None


def tensor_difference(got, want, where, exact):
    for what in ("dtype", "layout", "device", "is_quantized"):
        if getattr(got, what) != getattr(want, what):
            return f"{where}: {what} {getattr(got, what)} in place of {getattr(want, what)}"
    if got.shape != want.shape:
        return f"{where}: shape {list(got.shape)} in place of {list(want.shape)}"
    if got.device.type == "meta":
        return None
    if exact and got.layout is torch.strided and got.stride() != want.stride():
        return f"{where}: strides {got.stride()} in place of {want.stride()}"
    if got.is_quantized:
        if got.qscheme() != want.qscheme():
            return f"{where}: {got.qscheme()} in place of {want.qscheme()}"
        one = torch.abs(got.int_repr().long() - want.int_repr().long())
        return f"{where}: quantized values differ" if one.numel() and one.max() > 1 else None
    if got.layout is not torch.strided:
        got, want = got.to_dense(), want.to_dense()
    got, want = (t.resolve_conj().resolve_neg() for t in (got, want))
    if got.dtype in (torch.float8_e4m3fn, torch.float8_e5m2, torch.float8_e4m3fnuz,
                     torch.float8_e5m2fnuz):
        got, want = got.float(), want.float()
    rtol, atol = (0, 0) if exact else TOLERANCES.get(got.dtype, (1e-4, 1e-5))
    if not (got.is_floating_point() or got.is_complex()):
        return None if torch.equal(got, want) else f"{where}: other numbers"
    got, want = (t.to(torch.complex128 if t.is_complex() else torch.float64)
                 for t in (got, want))
    finite = want[torch.isfinite(want)]
    scale = float(finite.abs().max()) if finite.numel() else 0.0
    atol = min(atol * max(1.0, 10 * scale), sys.float_info.max) if atol else 0.0
    if torch.allclose(got, want, rtol=rtol, atol=atol, equal_nan=True):
        return None
    return f"{where}: other numbers"


def error_text(exception):
    """The text below PyTorch's traceback (golden/record.py)."""
    text = str(exception)
    mark = "The following operation failed in the TorchScript interpreter."
    if mark in text:
        lines = text[text.rindex(mark):].rstrip("\n").split("\n")
        last = max(i for i, line in enumerate(lines) if "<--- HERE" in line
                   or re.match(r"  File .*, line \d+, in ", line)
                   or line.startswith("Traceback of TorchScript") or line == mark)
        lines = lines[last + 1:]
        while lines and not re.match(r"[A-Za-z_][\w.]*: ?", lines[0]):
            lines = lines[1:]
        text = re.sub(r"^[\w.]+\.(?=\w+:)", "", "\n".join(lines))
        text = re.sub(r"^RuntimeError: (?=[A-Z]\w*(Error|Exception): )", "", text)
    return text.split("\nCast error details:")[0].rstrip("\n")


# ---------------------------------------------------------------- one case

def enums_of(archive):
    """The Enum classes of an archive's code, so that Python can be handed them."""
    found = {}
    with zipfile.ZipFile(archive) as records:
        for name in records.namelist():
            inside = name.partition("/code/")[2]
            if not inside.endswith(".py"):
                continue
            code = records.read(name).decode()
            for each in re.finditer(r"^class (\w+)\(Enum\):\n((?:  .*\n)+)", code, re.M):
                members = re.findall(r"^  (\w+) = (.*)$", each[2], re.M)
                own = enum.Enum(each[1], [(n, ast.literal_eval(v)) for n, v in members])
                found[each[1]] = own
                torch.jit._state._name_to_pyclass[
                    inside[:-len(".py")].replace("/", ".") + "." + each[1]] = own
    return found


def with_enums(value, classes):
    if isinstance(value, str) and value.split(".")[0] in classes and "." in value:
        return classes[value.split(".")[0]][value.split(".")[1]]
    if isinstance(value, dict):
        return {with_enums(k, classes): with_enums(v, classes) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return type(value)(with_enums(v, classes) for v in value)
    return value


def call_difference(loaded, call, classes):
    args = with_enums(tuple(call["args"]), classes)
    kwargs = with_enums(dict(call["kwargs"] or {}), classes)
    printed = io.StringIO()
    try:
        function = loaded if call["method"] == "forward" else getattr(loaded, call["method"])
        with contextlib.redirect_stdout(printed):
            if call["seed"] is not None:
                torch.manual_seed(call["seed"])
            output = plain(function(*args, **kwargs))
    except Exception as exception:  # noqa: BLE001 - failures are recorded too
        text = error_text(exception)
        if "error" not in call:
            return f"failed: {text}"
        return None if text == call["error"] else f"error {text!r} in place of {call['error']!r}"
    if "error" in call:
        return f"no error {call['error']!r}"
    found = difference(output, call["output"])
    if not found and "args_after" in call:
        found = difference(plain(args), call["args_after"], "args_after")
    if not found and printed.getvalue() != call.get("stdout", ""):
        found = f"printed {printed.getvalue()!r} in place of {call.get('stdout', '')!r}"
    return found


def run_command(*command):
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        return " ".join((done.stderr or done.stdout).split()) or f"exit code {done.returncode}"
    return None


def values_difference(path, options, scratch):
    """What torch.load finds else in our copy of a file of values."""
    again = os.path.join(scratch, os.path.basename(path))
    wrong = run_command(options.tandem, "convert", path, again)
    if wrong:
        return f"{path} is not written: {wrong}"
    return difference(torch.load(again, weights_only=True),
                      torch.load(path, weights_only=True), "values", exact=True)


def example_difference(loaded):
    """What an example's archive gives otherwise than the program that it is of."""
    if loaded.original_name == "MyModule":  # examples/fx
        x = torch.rand(3, 4)
        y = torch.nn.functional.linear(x + loaded.param, loaded.linear.weight, loaded.linear.bias)
        return difference(plain(loaded(x)), plain(y.clamp(0.0, 1.0)))
    if loaded.original_name == "WrapRNN":  # examples/hybrid
        xs = torch.rand(20, 3, 4)
        cell = loaded.loop.cell
        y = h = torch.zeros(3, 4)
        for x in xs:
            lin = torch.nn.functional.linear(x, cell.linear.weight, cell.linear.bias)
            y = h = torch.tanh((lin if lin.sum() > 0 else -lin) + h)
        return difference(plain(loaded(xs)), plain(torch.relu(y)))
    return None


def check_case(archive, options, scratch):
    """What is wrong with a case; None: nothing."""
    calls = archive[:-len(".pt")] + ".io.pt"
    if not os.path.exists(calls):
        loaded = torch.jit.load(archive, map_location="cpu")
        for _, module in loaded.named_modules():
            for method in module._c._method_names():
                str(module._c._get_method(method).graph)
        return example_difference(loaded)
    again = os.path.join(scratch, os.path.basename(archive))
    passes = ["--pipeline", options.pipeline] if options.pipeline else []
    wrong = run_command(options.tandem, "convert", archive, again, *passes)
    if wrong and options.pipeline and "is in training mode" in wrong:
        return "skip it is in training mode"  # PyTorch refuses to freeze it too
    if wrong:
        return f"is not written: {wrong}"
    found = None if passes else values_difference(calls, options, scratch)
    if found:
        return found
    resaved = os.path.join(os.path.dirname(calls), "resaved", os.path.basename(calls))
    if os.path.exists(resaved):  # another way through an archive changes it
        if passes:
            return "skip its __setstate__ changes what is not frozen"
        calls = resaved
    if passes and os.path.basename(archive) in READS_GRADIENTS:
        return "skip it reads requires_grad, which freezing takes away"
    classes = enums_of(again)
    document = torch.load(calls, weights_only=True)
    for i, sequence in enumerate(document["sequences"]):
        loaded = torch.jit.load(again, map_location="cpu")
        for j, call in enumerate(sequence):
            found = call_difference(loaded, call, classes)
            if found:
                return f"sequence {i} call {j}: {found}"
    return None


def in_child(archive, options):
    """Starts a process for a case, which PyTorch may not survive, with no class
    of another case in it. Gives its id and the end to read from."""
    read, write = os.pipe()
    child = os.fork()
    if child:
        os.close(write)
        return child, read
    os.close(read)
    try:
        torch.set_num_threads(1)
        warnings.simplefilter("ignore")
        os.dup2(os.open(os.devnull, os.O_WRONLY), 2)  # warnings of PyTorch's C++
        with tempfile.TemporaryDirectory() as scratch, torch.no_grad():
            found = check_case(archive, options, scratch)
    except BaseException as exception:  # noqa: BLE001 - reported by the parent
        where = traceback.extract_tb(exception.__traceback__)[-1].name
        found = f"{type(exception).__name__} in {where}: {exception}"
    with os.fdopen(write, "wb") as out:
        pickle.dump(found, out)
    os._exit(0)


def result_of(child, read):
    with os.fdopen(read, "rb") as answer:
        data = answer.read()
    _, status = os.waitpid(child, 0)
    return pickle.loads(data) if data else f"PyTorch ended by signal {status & 127}"


# ---------------------------------------------------------------- all cases

def archives_of(paths):
    for path in paths:
        if not os.path.isdir(path):
            yield path
            continue
        for folder, folders, names in os.walk(path):
            folders[:] = sorted(set(folders) - {"resaved"})
            for name in sorted(names):
                if name.endswith(".io.pt"):
                    archive = os.path.join(folder, name[:-len(".io.pt")] + ".pt")
                    if os.path.exists(archive):
                        yield archive


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--tandem", default=os.path.join(HERE, "../bazel-bin/tools/tandem"))
    parser.add_argument("--pipeline", help="passes that rewrite the archives first")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--only", default="", help="cases whose path holds this")
    parser.add_argument("--skip", default="", help="names of cases, with commas")
    parser.add_argument("paths", nargs="*", default=[os.path.join(HERE, "golden")])
    options = parser.parse_args()
    passed = failed = skipped = 0
    running = []

    def finish():
        nonlocal passed, failed, skipped
        name, child, read = running.pop(0)
        found = result_of(child, read)
        if found and found.startswith("skip "):
            print(f"SKIP {name}: {found[len('skip '):]}", flush=True)
            skipped += 1
            return
        print(f"FAIL {name}: {found}" if found else f"PASS {name}", flush=True)
        failed += bool(found)
        passed += not found

    left_out = set(options.skip.split(","))
    for archive in archives_of(options.paths):
        name = os.path.basename(archive)[:-len(".pt")]
        if options.only not in archive or name in left_out:
            continue
        running.append((name, *in_child(archive, options)))
        if len(running) >= options.jobs:
            finish()
    while running:
        finish()
    print(f"{passed} passed, {failed} failed" + (f", {skipped} skipped" if skipped else ""))
    sys.exit(failed > 0)


main()
