"""Who may use whom: the rooms of the house and the doors between them.

The one place that says it. The package_groups of //:BUILD are made from it
(the visibility of every target), and the doors test asks `bazel query` the same.
"""

# room -> its packages
ROOMS = {
    "tensor": ["//tensor/..."],
    "ir": ["//ir/..."],
    "backends": ["//backends", "//backends/abi/..."],
    "elementwise": ["//backends/elementwise/..."],
    "reference": ["//backends/reference/..."],
    "native": ["//backends/native/..."],
    "onednn": ["//backends/onednn/..."],
    "cuda": ["//backends/cuda/..."],
    "passes": ["//passes/..."],
    "runtime": ["//runtime/..."],
    "eager": ["//frontends/eager/..."],
    "nn": ["//frontends/nn/..."],
    "tracer": ["//frontends/tracer/..."],
    "symbolic": ["//frontends/symbolic/..."],
    "script": ["//frontends/script/..."],
    "files": ["//serialization/files/..."],
    "safetensors": ["//serialization/safetensors/..."],
    "torchscript": ["//serialization/torchscript/..."],
    "tandem_format": ["//serialization/tandem/..."],
    "c_api": ["//c_api/..."],
    "tools": ["//tools/..."],
    "python": ["//python/..."],
    "examples": ["//examples/..."],
    "tests": ["//tests/..."],
}

_ALL = [r for r in ROOMS if r not in ["tools", "python", "examples", "tests"]]

# room -> the rooms it may use, beside itself
MAY_USE = {
    "tensor": [],
    "ir": ["tensor"],
    "backends": ["ir", "tensor"],
    "reference": ["backends", "ir", "tensor"],
    "elementwise": ["backends", "ir", "tensor"],
    "native": ["elementwise", "backends", "ir", "tensor"],
    "onednn": ["backends", "ir", "tensor"],
    "cuda": ["elementwise", "backends", "ir", "tensor"],
    "passes": ["backends", "ir", "tensor"],
    "runtime": ["passes", "backends", "ir", "tensor"],
    "eager": ["runtime", "ir", "tensor"],
    "nn": ["eager", "runtime", "ir", "tensor"],
    "tracer": ["eager", "nn", "runtime", "passes", "ir", "tensor"],
    "symbolic": ["eager", "nn", "runtime", "ir", "tensor"],
    "script": ["ir", "tensor"],
    "files": [],
    "safetensors": ["files", "tensor"],
    "torchscript": ["files", "script", "runtime", "ir", "tensor"],
    "tandem_format": ["files", "runtime", "ir", "tensor"],
    "c_api": [r for r in _ALL if r != "c_api"],
    "tools": _ALL + ["examples"],
    "python": _ALL,
    "examples": _ALL,
    "tests": _ALL + ["tools", "examples", "python"],
}

def doors():
    """Declares `ROOM_users` for each room: all packages but those of rooms that may not.

    Packages of other repositories may use every room.
    """
    for room in ROOMS:
        packages = ["//..."]
        for other, specs in ROOMS.items():
            if other != room and room not in MAY_USE[other]:
                packages += ["-" + spec for spec in specs]
        native.package_group(name = room + "_users", packages = packages)
