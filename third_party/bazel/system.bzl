"""Repositories over installed system packages and over pinned PyPI wheels."""

_PC_DIRS = [
    "/usr/lib/x86_64-linux-gnu/pkgconfig",
    "/usr/lib/aarch64-linux-gnu/pkgconfig",
    "/usr/lib/pkgconfig",
    "/usr/share/pkgconfig",
]

def _read_pc(rctx, name):
    for d in _PC_DIRS:
        p = rctx.path(d + "/" + name + ".pc")
        if p.exists:
            return rctx.read(p)
    return None

def _parse_pc(text):
    libs, requires = [], []
    for line in text.splitlines():
        if line.startswith("Libs:"):
            libs = [w for w in line[5:].split(" ") if w.startswith("-l") or w == "-pthread"]
        elif line.startswith("Requires:"):
            for item in line[9:].split(","):
                word = item.strip().split(" ")[0]
                if word:
                    requires.append(word)
    return libs, requires

def _pkgconfig_impl(rctx):
    wanted = {}
    for label, pc in rctx.attr.targets.items():
        wanted[pc] = True
    rules, seen, todo = [], {}, wanted.keys()
    for _ in range(10000):  # Starlark has neither while nor recursion
        if not todo:
            break
        pc = todo.pop()
        if pc in seen:
            continue
        seen[pc] = True
        text = _read_pc(rctx, pc)
        if text == None:
            fail("%s: no %s.pc; install %s" % (rctx.name, pc, rctx.attr.debian_package))
        libs, requires = _parse_pc(text)
        todo += requires
        rules.append('cc_library(name = "pc_%s", linkopts = %r, deps = %r, visibility = ["//:__subpackages__"])' %
                     (pc, libs, [":pc_" + r for r in requires if r != pc]))
    rctx.file("BUILD.bazel", "\n".join(sorted(rules)) + "\n")
    packages = {}
    for label, pc in rctx.attr.targets.items():
        pkg, _, name = label.partition(":")
        packages.setdefault(pkg, []).append((name, pc))
    for pkg, items in packages.items():
        body = ['package(default_visibility = ["//visibility:public"])']
        body += ['alias(name = "%s", actual = "//:pc_%s")' % i for i in items]
        rctx.file(pkg + "/BUILD.bazel", "\n".join(body) + "\n")

pkgconfig_repository = repository_rule(
    implementation = _pkgconfig_impl,
    local = True,
    attrs = {
        "targets": attr.string_dict(mandatory = True, doc = "package:target -> name of a .pc file"),
        "debian_package": attr.string(mandatory = True),
    },
)

def _wheel_impl(rctx):
    # One wheel, exact version and digest. The cache folder makes it work offline.
    python = rctx.which("python3")
    if python == None:
        fail("%s needs python3 with pip" % rctx.name)
    for spec, sha256 in rctx.attr.wheels.items():
        cache = rctx.os.environ.get("TANDEM_WHEEL_CACHE", rctx.os.environ.get("HOME", "/tmp") + "/.cache/tandem/wheels")
        cmd = [
            python, "-c", _FETCH, spec, sha256, cache, ",".join(rctx.attr.members), rctx.attr.tag,
        ]
        r = rctx.execute(cmd, timeout = 1200)
        if r.return_code:
            fail("%s: %s\n%s" % (rctx.name, spec, r.stderr[-2000:]))
    rctx.symlink(rctx.attr.build_file, "BUILD.bazel")

_FETCH = """
import glob, hashlib, os, subprocess, sys, tempfile, zipfile
spec, want, cache, members, tag = sys.argv[1:]
os.makedirs(cache, exist_ok=True)
path = os.path.join(cache, want + '.whl')
def digest(p):
    h = hashlib.sha256()
    with open(p, 'rb') as f:
        for block in iter(lambda: f.read(1 << 20), b''):
            h.update(block)
    return h.hexdigest()
if not (os.path.exists(path) and digest(path) == want):
    with tempfile.TemporaryDirectory(dir=cache) as tmp:
        subprocess.run([sys.executable, '-m', 'pip', 'download', '-q', '--no-deps', '--only-binary=:all:',
                        '-d', tmp, spec] + (['--platform', tag] if tag else []), check=True)
        got = glob.glob(tmp + '/*.whl')[0]
        if digest(got) != want:
            sys.exit('digest of %s is %s, pinned %s' % (os.path.basename(got), digest(got), want))
        os.replace(got, path)
with zipfile.ZipFile(path) as z:
    for info in z.infolist():
        # data/ of a wheel lies under NAME-VERSION.data/data/
        name = info.filename
        if '.data/data/' in name:
            name = name.split('.data/data/', 1)[1]
        if info.is_dir() or '..' in name.split('/') or name.startswith('/'):
            continue
        if not any(name == m or (m.endswith('/') and name.startswith(m)) for m in members.split(',')):
            continue
        os.makedirs(os.path.dirname(name) or '.', exist_ok=True)
        with z.open(info) as src, open(name, 'wb') as dst:
            while True:
                block = src.read(1 << 20)
                if not block:
                    break
                dst.write(block)
"""

wheel_repository = repository_rule(
    implementation = _wheel_impl,
    environ = ["TANDEM_WHEEL_CACHE"],
    attrs = {
        "wheels": attr.string_dict(mandatory = True, doc = "name==version -> sha256"),
        "members": attr.string_list(mandatory = True, doc = "path prefixes to unpack"),
        "tag": attr.string(),
        "build_file": attr.label(mandatory = True, allow_single_file = True),
    },
)

def _cuda_impl(rctx):
    home = rctx.os.environ.get("CUDA_HOME", "/usr/local/cuda")
    nvcc = rctx.path(home + "/bin/nvcc")
    found = nvcc.exists and rctx.os.environ.get("TANDEM_CUDA", "1") != "0"
    rctx.file("defs.bzl", "CUDA_FOUND = %r\nCUDA_HOME = %r\n" % (found, home))
    if found:
        rctx.symlink(home + "/include", "include")
        rctx.symlink(home + "/lib64", "lib64")
    rctx.symlink(rctx.attr.build_file, "BUILD.bazel")

cuda_repository = repository_rule(
    implementation = _cuda_impl,
    local = True,
    environ = ["CUDA_HOME", "TANDEM_CUDA"],
    attrs = {"build_file": attr.label(allow_single_file = True)},
)
