"""Records what PyTorch's operators do, as text that recorded_cases.cc reads.

A line is one call, its parts separated by tabs: the operator's full name, its
arguments (all of the schema, in order), its results or the error, and the
arguments that it changed. Tokens of a value:

  N T F i5 f0x1.8p+0 c1.0|2.0 s"text" dcpu [ ... ]
  t:dtype:sizes:strides:offset:flags:alias:elements

with flags "c" (conj) and "n" (neg), and alias the number of the tensor argument
whose storage a result shares.
"""

import torch

DTYPES = [
    "uint8", "int8", "int16", "int32", "int64", "float16", "float32",
    "float64", "complex32", "complex64", "complex128", "bool"
]
CODES = {getattr(torch, n): i for i, n in enumerate(DTYPES)}
CODES.update({torch.bfloat16: 15, torch.uint16: 27, torch.uint32: 28,
              torch.uint64: 29})
MEMORY_FORMATS = {torch.contiguous_format: 0, torch.preserve_format: 1,
                  torch.channels_last: 2, torch.channels_last_3d: 3}

lines = []


def number(v):
    if isinstance(v, bool):
        return "1" if v else "0"
    if isinstance(v, complex):
        return number(v.real) + "|" + number(v.imag)
    if isinstance(v, float):
        if v != v:
            return "nan"
        if v in (float("inf"), float("-inf")):
            return "inf" if v > 0 else "-inf"
        return repr(v)
    return str(v)


def join(values):
    return ",".join(str(v) for v in values)


def storage_of(t):
    return t.untyped_storage()._cdata


sizes_only = False  # for results whose elements mean nothing


def tensor(t, inputs):
    alias = "-"
    if t.numel() > 0:
        for i, other in enumerate(inputs or []):
            if other.untyped_storage().data_ptr() == t.untyped_storage(
            ).data_ptr() and other.untyped_storage().nbytes() > 0:
                alias = str(i)
                break
    flags = ("c" if t.is_conj() else "") + ("n" if t.is_neg() else "")
    if t.numel() > 4096 or (sizes_only and inputs is not None):
        return ":".join([
            "t", str(t.dtype)[6:], join(t.size()), join(t.stride()),
            str(t.storage_offset()), flags or "-", alias, "*"
        ])
    plain = t.resolve_conj().resolve_neg()
    if plain.dtype in (torch.uint16, torch.uint32, torch.uint64):
        plain = plain.to(torch.int64)
    if plain.dtype == torch.complex32:
        plain = plain.to(torch.complex64)
    elements = ",".join(number(v) for v in plain.reshape(-1).tolist())
    return ":".join([
        "t", str(t.dtype)[6:], join(t.size()), join(t.stride()),
        str(t.storage_offset()), flags or "-", alias, elements
    ])


def text(s):
    return '"' + s.replace("\\", "\\\\").replace('"', '\\"').replace(
        "\n", "\\n").replace("\t", "\\t") + '"'


def value(v, inputs, argument_type=""):
    if v is None:
        return "N"
    if isinstance(v, bool):
        return "T" if v else "F"
    if isinstance(v, int):
        return "f" + number(float(v)) if argument_type == "float" else "i%d" % v
    if isinstance(v, float):
        return "f" + number(v)
    if isinstance(v, complex):
        return "c" + number(v)
    if isinstance(v, str):
        return "s" + text(v)
    if isinstance(v, torch.dtype):
        return "i%d" % CODES[v]
    if isinstance(v, torch.memory_format):
        return "i%d" % MEMORY_FORMATS[v]
    if isinstance(v, torch.layout):
        return "i0"
    if isinstance(v, torch.device):
        return "d" + str(v)
    if isinstance(v, torch.Tensor):
        return tensor(v, inputs)
    if isinstance(v, (list, tuple, torch.Size)):
        inner = argument_type.replace("List[", "").replace("]", "")
        return "[ " + "".join(value(e, inputs, inner) + " " for e in v) + "]"
    raise TypeError(type(v))


def call_sizes(op, *args, **kwargs):
    """As call, but the elements of the results are not compared."""
    global sizes_only
    sizes_only = True
    call(op, *args, **kwargs)
    sizes_only = False


def tensors_in(v):
    if isinstance(v, torch.Tensor):
        return [v]
    if isinstance(v, (list, tuple)):
        return [t for e in v for t in tensors_in(e)]
    return []


def overload(op):
    name, _, which = op.partition("::")[2].partition(".")
    return getattr(getattr(torch.ops.aten, name), which or "default")


def call(op, *args, **kwargs):
    """Records the call of "aten::name.overload"."""
    function = overload(op)
    full = []
    rest = dict(kwargs)
    for i, a in enumerate(function._schema.arguments):
        if i < len(args):
            v = args[i]
        elif a.name in rest:
            v = rest.pop(a.name)
        elif a.has_default_value():
            v = a.default_value
        else:
            raise ValueError(op + " lacks " + a.name)
        if "int[" in str(a.type) or str(a.type) == "List[int]":
            if isinstance(v, int):
                v = [v] * (a.N or 1)
        full.append(v)
    assert not rest, (op, rest)
    types = [str(a.type) for a in function._schema.arguments]
    # What a call changes is seen on copies, since the inputs are printed first.
    before = tensors_in(full)
    printed = " ".join(value(v, None, t) for v, t in zip(full, types))
    copies = {}
    for t in before:
        if id(t) not in copies:
            c = torch.empty(0, dtype=torch.uint8)
            s = t.untyped_storage().clone()
            c = torch.empty(0, dtype=t.dtype)
            c.set_(s, t.storage_offset(), t.size(), t.stride())
            if t.is_conj():
                c = torch._conj(c)
            if t.is_neg():
                c = torch._neg_view(c)
            copies[id(t)] = c

    def copied(v):
        if isinstance(v, torch.Tensor):
            return copies[id(v)]
        if isinstance(v, (list, tuple)):
            return [copied(e) for e in v]
        return v

    used = [copied(v) for v in full]
    inputs = tensors_in(used)
    positional = [v for v, a in zip(used, function._schema.arguments)
                  if not a.kwarg_only]
    named = {a.name: v for v, a in zip(used, function._schema.arguments)
             if a.kwarg_only}
    try:
        result = function(*positional, **named)
    except Exception as e:  # what a program sees
        message = str(e).split("\nException raised from")[0].replace("\0", "").rstrip()
        lines.append("\t".join([op, printed, "E" + text(message), ""]))
        return None
    results = list(result) if isinstance(result, tuple) else [result]
    if not function._schema.returns:
        results = []
    after = []
    for i, (old, new) in enumerate(zip(before, inputs)):
        if tensor(old, None) != tensor(new, None):
            after.append("%d %s" % (i, tensor(new, [])))
    lines.append("\t".join([
        op, printed, " ".join(value(r, inputs) for r in results),
        " ".join(after)
    ]))
    return result


def write(path, alike=3):
    """Writes the calls; of those that fail alike no more than a few."""
    seen = {}
    kept = []
    for line in lines:
        op, _, result, _ = line.split("\t")
        key = (op, result if result.startswith("E") else line)
        seen[key] = seen.get(key, 0) + 1
        if seen[key] <= (alike if result.startswith("E") else 1):
            kept.append(line)
    lines[:] = kept
    with open(path, "w") as f:
        f.write("# Recorded with PyTorch %s\n" % torch.__version__.split("+")[0])
        for line in lines:
            f.write(line + "\n")
    print(len(lines), "cases in", path)
    lines.clear()
