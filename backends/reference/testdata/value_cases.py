"""Cases of the operators on numbers, strings, lists and dicts: python3
value_cases.py SCHEMAS writes value_cases.txt (SCHEMAS: the rows of the operator
table, ir/operators/*.schema).

A line is one call: operator, arguments, result (or E"text"), the arguments
after it where it changed any; separated by tabs. A value is one of

  N T F i5 f1.5 c1.5,2.0 s"text" dcpu t:int64:5
  [TYPE a b] (a b) {KEY,VALUE k v k v}

Each call runs as a graph of one node, so that generic operators run too.
"""

import itertools
import os
import random
import signal
import sys

import torch

INTS = [0, 1, -1, 2, -3, 7, 63, -20, 1 << 40, -(1 << 63), (1 << 63) - 1]
FLOATS = [0.0, -0.0, 1.5, -2.5, 0.1, 3.0, -7.25, 1e10, 1e19, float("inf"),
          float("nan")]
COMPLEX = [0j, 1 + 2j, -1.5 - 0.5j, 3 + 0j, 0.25j]
STRINGS = ["", "a", "abc", "aBc dE1f", "  x y\t", "a,b,,c", "b", "12", " -3",
           "1.5", "\n", "é", "{} {}", "abcabc", "Ab Cd", "x" * 3, "1e400"]
POOLS = {
    "int": INTS, "float": FLOATS, "bool": [True, False], "complex": COMPLEX,
    "Scalar": INTS + FLOATS[2:7] + COMPLEX[1:3], "str": STRINGS,
    "int?": [None, 0, 1, 2, -1, -2, 5], "str?": [None, " ", ",", "b", "a"],
    "int[]": [[], [1], [3, 1, 2], [1, 2], [1, 3], [0, -5, 1 << 40], [2, 2, 7]],
    "float[]": [[], [1.5], [3.0, -1.0, 0.5], [0.0], [float("nan"), 1.0],
                [1.0, 2.0]],
    "bool[]": [[], [True], [False], [True, False, True]],
    "str[]": [[], ["a"], ["b", "a", "abc"], ["", "x"], ["a", "b"]],
    "complex[]": [[], [1 + 2j, 2.5j]],
    "Device": [torch.device("cpu"), torch.device("cuda:1"),
               torch.device("cuda")],
    "ScalarType": [0, 3, 4, 5, 6, 7, 9, 11, 15],
    "Tensor": [torch.tensor(5), torch.tensor(2.5), torch.tensor(True),
               torch.tensor(-3.75, dtype=torch.float64)],
}
# What crashes PyTorch or never returns.
FORBIDDEN = {
    ("aten::remainder.int", 1): lambda a: a[1] in (0, -1, -(1 << 63)),
    ("aten::remainder", 1): lambda a: a[1] in (0, -1, -(1 << 63)),
    ("aten::floordiv.int", 1): lambda a: a[1] == -1,
    ("aten::floordiv", 1): lambda a: a[1] == -1,
    ("aten::divmod.int", 1): lambda a: a[1] == -1,
    ("aten::__round_to_zero_floordiv.int", 1): lambda a: a[1] in (0, -1),
    ("aten::gcd.int", 1): lambda a: -1 in a,
    ("aten::count", 1): lambda a: a[1] == "",
    ("aten::replace", 1): lambda a: a[1] == "",
    ("aten::rsplit", 1): lambda a: a[1] == "",
    ("aten::center", 1): lambda a: not 0 <= a[1] < 100,
    ("aten::ljust", 1): lambda a: not -100 < a[1] < 100,
    ("aten::rjust", 1): lambda a: not -100 < a[1] < 100,
    ("aten::zfill", 1): lambda a: not -100 < a[1] < 100,
    ("aten::expandtabs", 1): lambda a: not -100 < a[1] < 100,
    ("prim::rangelist", 1): lambda a: a[0] > 100,
    ("aten::factorial.int", 1): lambda a: a[0] > 1000,
    ("aten::mul.left_t", 1): lambda a: a[1] > 100,
    ("aten::mul_.t", 1): lambda a: a[1] > 100,
    ("aten::mul.right_", 1): lambda a: a[0] > 100,
    ("aten::_infer_size", 1): lambda a: min(a[0] + a[1] + [0]) < 0,
    ("aten::broadcast_shapes", 1): lambda a: min(a[0] + a[1] + [0]) < 0,
    ("prim::ReductionSizes", 1): lambda a: True,
    ("aten::sort.float", 1): lambda a: a[0] != a[0] or any(
        v != v for v in a[0]),
    ("aten::sorted.float", 1): lambda a: any(v != v for v in a[0]),
    # A number and a complex number of Scalars: nothing comes back.
    ("aten::eq", 1): lambda a: complex in map(type, a),
    ("aten::ne", 1): lambda a: complex in map(type, a),
    ("aten::chr", 1): lambda a: a[0] > 127,
}
SKIP = {"aten::_get_cpu_capability", "aten::polar", "aten::save", "aten::isidentifier",
        "aten::percentFormat", "aten::format", "aten::manual_seed",
        "aten::_print", "aten::warn", "aten::wait", "aten::set_grad_enabled",
        "aten::is_grad_enabled", "prim::RaiseException", "prim::type",
        "prim::index", "aten::device.with_index", "aten::_cufft_get_plan_cache_size",
        "aten::_cufft_get_plan_cache_max_size", "aten::__getitem__.Dict_Tensor"}


def number(v):
    return repr(float(v)).replace("nan", "nan")


def text(s):
    out = ""
    for b in s.encode():
        if b in (34, 92) or b < 32 or b > 126:
            out += "\\x%02x" % b
        else:
            out += chr(b)
    return '"' + out + '"'


def element_type(values, hint):
    if hint is not None:
        return hint
    kinds = {bool: "bool", int: "int", float: "float", str: "str",
             complex: "complex", tuple: "(int,str)"}
    return kinds[type(values[0])] if values else "int"


def show(v, kind=None):
    if v is None:
        return "N"
    if isinstance(v, bool):
        return "T" if v else "F"
    if isinstance(v, int):
        return "i%d" % v
    if isinstance(v, float):
        return "f" + number(v)
    if isinstance(v, complex):
        return "c" + number(v.real) + "," + number(v.imag)
    if isinstance(v, str):
        return "s" + text(v)
    if isinstance(v, torch.device):
        return "d" + str(v)
    if isinstance(v, torch.Tensor):
        if v.dim():
            raise ValueError("only 0-dim tensors")
        return "t:%s:%s" % (str(v.dtype)[6:], show(v.item())[1:]
                            if v.dtype != torch.bool else int(v.item()))
    if isinstance(v, tuple):
        return "(" + " ".join(show(e) for e in v) + ")"
    if isinstance(v, list):
        inner = kind[:-2] if kind and kind.endswith("[]") else None
        return "[" + " ".join(
            [element_type(v, inner)] + [show(e) for e in v]) + "]"
    if isinstance(v, dict):
        k, t = kind
        return "{" + " ".join(
            ["%s,%s" % (k, t)] + [show(a) + " " + show(b)
                                  for a, b in v.items()]) + "}"
    raise TypeError(type(v))


lines = []
progress = open(os.environ.get("PROGRESS", os.devnull), "w")  # the call that
# never ended


def run(op, returns, arguments, changed):
    """arguments: (type, value) pairs; changed: indices that the op writes."""
    name = op.partition(".")[0]
    inputs = ", ".join("%%a%d : %s" % (i, t)
                       for i, (t, _) in enumerate(arguments))
    call = "%s(%s)" % (name, ", ".join(
        "%%a%d" % i for i in range(len(arguments))))
    outs = ["%%r%d : %s" % (i, t) for i, t in enumerate(returns)]
    kept = ["%%r%d" % i for i in range(len(returns))] + [
        "%%a%d" % i for i in changed]
    types = list(returns) + [arguments[i][0] for i in changed]
    if outs:
        call = ", ".join(outs) + " = " + call
    graph = "graph(%s):\n  %s\n" % (inputs, call)
    if len(kept) == 1:
        graph += "  return (%s)\n" % kept[0]
    else:
        graph += "  %%t : (%s) = prim::TupleConstruct(%s)\n  return (%%t)\n" % (
            ", ".join(types), ", ".join(kept))
    function = torch._C._create_function_from_graph(
        "f", torch._C.parse_ir(graph))
    values = [v for _, v in arguments]

    def kind(i):
        t = arguments[i][0]
        if t.startswith("Dict("):
            return tuple(x.strip() for x in t[5:-1].split(","))
        return t.replace(" ", "")

    printed = " ".join(show(v, kind(i)) for i, v in enumerate(values))
    progress.seek(0)
    progress.write("%s %s".ljust(200) % (op, printed))
    progress.flush()
    signal.alarm(10)
    try:
        result = function(*values)
    except UnicodeDecodeError:
        return
    except Exception as e:
        message = str(e).strip().split("\n")
        start = [i for i, l in enumerate(message)
                 if l.startswith("RuntimeError: ")]
        last = "\n".join(message[start[-1]:] if start else message[-1:])
        last = last.replace("RuntimeError: ", "", 1)
        if "INTERNAL ASSERT" in last or "Unrecognized" in last:
            return
        lines.append("%s\t%s\tE%s\t" % (op, printed, text(last)))
        return
    finally:
        signal.alarm(0)
    results = [result] if len(kept) == 1 else list(result)
    shown = " ".join(show(r, types[i].replace(" ", "")
                          if not types[i].startswith("Dict(") else
                          tuple(x.strip() for x in types[i][5:-1].split(",")))
                     for i, r in enumerate(results[:len(returns)]))
    after = " ".join(show(r, kind(c))
                     for r, c in zip(results[len(returns):], changed))
    lines.append("%s\t%s\t%s\t%s" % (op, printed, shown, after))


def plain(op, schema, count):
    """Samples of a row without type variables."""
    types = [a for a in schema[0]]
    pools = []
    for t in types:
        if t not in POOLS:
            return
        pools.append(POOLS[t])
    every = list(itertools.product(*pools))
    rng = random.Random(op)
    forbidden = FORBIDDEN.get((op, 1), lambda a: False)
    every = [a for a in every if not forbidden(list(a))]
    for values in every if len(every) <= count else rng.sample(every, count):
        run(op, schema[1], list(zip(types, values)), schema[2])


def parse(row):
    """(argument types, return types, written arguments) of a simple row."""
    row = row.split(";")[0].strip()
    name, rest = row[:row.index("(")], row[row.index("("):]
    arguments, returns = rest.rsplit(" -> ", 1)
    types, written = [], []
    arguments = arguments[1:-1]
    if "..." in row or "*," in arguments:
        return name, None
    for i, a in enumerate(arguments.split(", ") if arguments else []):
        t = a.split(" ")[0]
        if "(a!)" in t:
            written.append(i)
        t = t.replace("(a!)", "").replace("(a)", "")
        types.append(t)
    returns = returns.replace("(a!)", "").replace("(*)", "")
    if returns.startswith("("):
        returns = [r.strip() for r in returns[1:-1].split(",") if r.strip()]
    else:
        returns = [returns]
    return name, (types, returns, written)


def main():
    seen = set()
    for path in sys.argv[1:]:
        for row in open(path):
            if not row.startswith(("aten::", "prim::")):
                continue
            name, schema = parse(row)
            if schema is None or name in SKIP or name.split(".")[0] in SKIP:
                continue
            text_of = " ".join(schema[0] + schema[1])
            if "Tensor" in text_of and not name.startswith(
                ("aten::Int", "aten::Float", "aten::Complex", "aten::Bool",
                 "aten::ScalarImplicit", "prim::NumToTensor")):
                continue
            if name in seen or not schema[0]:
                continue
            seen.add(name)
            try:
                plain(name, schema, 9)
            except (RuntimeError, TypeError, ValueError) as e:
                print(name, str(e).split("\n")[0][:100], file=sys.stderr)

    # Generic lists.
    for values in [[], [1], [1, 2, 3, 4], ["a", "b"], [1.5, 2.5, -1.0]]:
        e = {int: "int", str: "str", float: "float"}[
            type(values[0]) if values else int]
        t, x = e + "[]", {"int": 9, "str": "z", "float": 9.5}[e]
        for i in (0, 1, -1, -2, 5, -9):
            run("aten::__getitem__.t", [e], [(t, values), ("int", i)], [])
            run("aten::pop.t", [e], [(t, values), ("int", i)], [0])
            run("aten::Delete.t", [], [(t, values), ("int", i)], [0])
            run("aten::insert.t", [], [(t, values), ("int", i), (e, x)], [0])
            run("aten::_set_item.t", [t], [(t, values), ("int", i), (e, x)],
                [0])
        run("aten::append.t", [t], [(t, values), (e, x)], [0])
        run("aten::clear.t", [], [(t, values)], [0])
        run("aten::reverse.t", [], [(t, values)], [0])
        run("aten::extend.t", [], [(t, values), (t, [x, x])], [0])
        run("aten::add_.t", [t], [(t, values), (t, [x])], [0])
        run("aten::add.t", [t], [(t, values), (t, [x])], [])
        run("aten::copy.t", [t], [(t, values)], [])
        run("aten::list.t", [t], [(t, values)], [])
        run("aten::len.t", ["int"], [(t, values)], [])
        for n in (0, 1, 3, -1):
            run("aten::mul.left_t", [t], [(t, values), ("int", n)], [])
            run("aten::mul.right_", [t], [("int", n), (t, values)], [])
            run("aten::mul_.t", [t], [(t, values), ("int", n)], [0])
        for a, b, c in [(None, None, 1), (1, None, 1), (None, -1, 1),
                        (None, None, -1), (-3, 5, 2), (3, 0, -2), (9, -9, -1),
                        (0, 2, 0), (-9, 9, 3)]:
            run("aten::slice.t", [t],
                [(t, values), ("int?", a), ("int?", b), ("int", c)], [])
    for values in [[(2, "b"), (1, "z"), (1, "a")], []]:
        t = "(int, str)[]"
        run("aten::sorted.any", [t], [(t, values)], [])
        run("aten::sort.any", [], [(t, values), ("bool", True)], [0])

    # Dicts.
    dicts = [({}, "str", "int"), ({"a": 1}, "str", "int"),
             ({"a": 1, "b": 2, "c": 3}, "str", "int"),
             ({1: "x", -2: "y"}, "int", "str"), ({1.5: 1}, "float", "int"),
             ({True: 1.5, False: 2.5}, "bool", "float"),
             ({1 + 2j: 1}, "complex", "int")]
    new = {"str": "b", "int": 1, "float": 2.5, "bool": True, "complex": 2j}
    other = {"int": 7, "str": "new", "float": -1.0}
    for d, k, v in dicts:
        t = "Dict(%s, %s)" % (k, v)
        for key in {new[k]: 0, **d}:
            run("aten::__contains__." + k, ["bool"], [(t, d), (k, key)], [])
            run("aten::__getitem__.Dict_" + k, [v], [(t, d), (k, key)], [])
            run("aten::get." + k, [v + "?"], [(t, d), (k, key)], [])
            run("aten::get.default_" + k, [v],
                [(t, d), (k, key), (v, other[v])], [])
            run("aten::setdefault." + k, [v],
                [(t, d), (k, key), (v, other[v])], [0])
            run("aten::_set_item." + k, [],
                [(t, d), (k, key), (v, other[v])], [0])
            run("aten::pop.Dict_" + k, [v], [(t, d), (k, key)], [0])
            run("aten::pop.Dict_default_" + k, [v],
                [(t, d), (k, key), (v, other[v])], [0])
            run("aten::Delete.Dict_" + k, [], [(t, d), (k, key)], [0])
        run("aten::len.Dict_" + k, ["int"], [(t, d)], [])
        run("aten::keys." + k, [k + "[]"], [(t, d)], [])
        run("aten::values." + k, [v + "[]"], [(t, d)], [])
        run("aten::popitem." + k, ["(%s, %s)" % (k, v)], [(t, d)], [0])
        run("aten::clear." + k, [], [(t, d)], [0])
        run("aten::copy.Dict_" + k, [t], [(t, d)], [])
        run("aten::dict.Dict_" + k, [t], [(t, d)], [])
        run("aten::update." + k, [], [(t, d), (t, {new[k]: other[v]})], [0])

    # Values of any type.
    anything = [("int", 5), ("float", 1.5), ("float", -0.0), ("bool", True),
                ("str", "abc"), ("complex", 1 - 2j), ("int[]", [1, 2]),
                ("(int, str)", (1, "a")), ("Dict(str, int)", {"a": 1}),
                ("str[]", ["a", "b"]), ("Device", torch.device("cuda:1")),
                ("Tensor", torch.tensor(2.5)), ("float", 1e15),
                ("float", 1e-7), ("float", 1e19)]
    for t, v in anything:
        run("aten::str", ["str"], [(t, v)], [])
        run("aten::format", ["str"], [("str", "<{}> {x}"), (t, v)], [])
        for p in "dsfFeEicxg%":
            run("aten::percentFormat", ["str"],
                [("str", "a%" + p + "b"), (t, v)], [])
        if t not in ("Tensor", "complex", "Dict(str, int)"):
            run("aten::hash.generic", ["int"], [(t, v)], [])
    run("aten::format", ["str"], [("str", "{}{}"), ("int", 1)], [])
    run("aten::format", ["str"], [("str", "{{}} {0}"), ("int", 1)], [])
    run("aten::percentFormat", ["str"], [("str", "%d %s"),
                                         ("(int, str)", (1, "x"))], [])
    run("aten::percentFormat", ["str"], [("str", "%d"),
                                         ("(int, str)", (1, "x"))], [])
    run("aten::percentFormat", ["str"], [("str", "%d %s %s"),
                                         ("(int, str)", (1, "x"))], [])
    run("aten::percentFormat", ["str"], [("str", "50%"), ("int", 1)], [])
    run("aten::percentFormat", ["str"], [("str", "%%%c"), ("int", 65)], [])
    for a in ["cpu", "cuda:3", "foo", "cuda:", "cpu:x", "meta", ""]:
        run("aten::device", ["Device"], [("str", a)], [])

    with open("value_cases.txt", "w") as f:
        f.write("# Recorded with PyTorch %s\n" %
                torch.__version__.split("+")[0])
        for line in lines:
            f.write(line + "\n")
    print(len(lines), "cases")


main()
