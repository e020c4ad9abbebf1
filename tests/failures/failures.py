"""failures.py TANDEM CRAFT.PY MODEL.pt PLUGIN.so: what the command says when
what is around it fails: no operator, no plugin, no device, no room on the disk,
a plugin (backends/abi/test_plugin.cc) that does not do what it said.

Prints "PASS name" and "FAIL name: why".
"""

import importlib.util
import os
import resource
import signal
import subprocess
import sys
import tempfile

TANDEM, CRAFT, MODEL, PLUGIN = (os.path.abspath(a) for a in sys.argv[1:5])
spec = importlib.util.spec_from_file_location("craft", CRAFT)
craft = importlib.util.module_from_spec(spec)
spec.loader.exec_module(craft)

WORK = tempfile.mkdtemp()
failed = 0


def full_disk(size):
  """Files of this process end after `size` bytes."""

  def limit():
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))

  return limit


def case(name, arguments, words, left=None, code=1, same_as=None, **options):
  """`arguments` must end with `code` and a text on stderr that has `words` (of
  a tuple: one of them), and give on stdout what the arguments `same_as` give.
  Nothing but `left` may be in the folder afterwards."""
  global failed
  env = dict(os.environ)
  env.pop("TANDEM_PLUGIN_PATH", None)
  env.update(options.pop("env", {}))
  run = subprocess.run([TANDEM] + arguments, stdin=subprocess.DEVNULL,
                       stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                       env=env, cwd=WORK, timeout=60, **options)
  error = run.stderr.decode(errors="replace")
  why = []
  if run.returncode != code:
    why.append("code %d" % run.returncode)
  why += ["does not say %r" % (w,) for w in words
          if not any(v in error for v in (w if type(w) is tuple else (w,)))]
  if same_as is not None:
    other = subprocess.run([TANDEM] + same_as, stdout=subprocess.PIPE, cwd=WORK)
    if not run.stdout or run.stdout != other.stdout:
      why.append("another result: %r, not %r" % (run.stdout, other.stdout))
  if left is not None and sorted(os.listdir(WORK)) != sorted(left):
    why.append("there are %s" % ", ".join(sorted(os.listdir(WORK))))
  if why:
    failed = 1
    print("FAIL %s: %s: %s" % (name, "; ".join(why), error[:400].replace("\n", " | ")))
  else:
    print("PASS " + name)


def archive(name, body, args=""):
  path = os.path.join(WORK, name)
  model = craft.plain(body=body)
  if args:
    model.code["__torch__.py"] = craft.module((), body, args=args)
  with open(path, "wb") as f:
    f.write(model.bytes())
  return name


mine = archive("mine.pt", ["return ops.mine.twice(torch.ones([2]))"])
case("unknown_operator", ["run", mine],
     ["mine::twice", "--load", "TANDEM_PLUGIN_PATH"])
case("unknown_operator_names_the_search_path", ["run", mine],
     ["mine::twice", "the search path is /opt/a:/opt/b"],
     env={"TANDEM_PLUGIN_PATH": "/opt/a:/opt/b"})
case("no_plugin_of_that_name", ["run", mine, "--load", "twice"],
     ["there is no plugin 'twice' in /opt/a, /opt/b"],
     env={"TANDEM_PLUGIN_PATH": "/opt/a:/opt/b"})
case("a_plugin_that_is_no_library", ["run", mine, "--load", "./mine.pt"],
     ["cannot load plugin ./mine.pt"])
case("no_backend_of_that_name", ["run", MODEL, "--backend", "abacus"],
     ["there is no backend 'abacus'"])
for way in ["torch.to(x, torch.device(\"cuda:0\"))",
            "torch.ones([2], dtype=6, layout=None, device=torch.device(\"cuda:0\"))"]:
  name = "cuda_" + way.split("(")[0].split(".")[1]
  case(name + "_where_there_is_none",
       ["run", archive(name + ".pt", ["x = torch.zeros([2])", "return " + way])],
       [("no NVIDIA driver", "no CUDA-capable device", "No CUDA GPUs"),
        "__torch__.py"],
       env={"CUDA_VISIBLE_DEVICES": ""})

# A plugin that lies: kernels run its groups, with a warning that says why.
chain = archive("chain.pt",
                ["return torch.neg(torch.relu(torch.neg(torch.relu(x))))"],
                args="x: Tensor")
for dims, words in [
    (2, ["warning: test", "kernels run this group from now on"]),
    (3, ["warning: test cannot compile a group that it took; kernels run it: "
         "three dimensions are too many"]),
    (4, ["warning: test cannot compile a group that it took; kernels run it: "
         "plugin 'test' threw: four dimensions"]),
    (5, ["warning: test", "plugin 'test' threw: five dimensions"]),
]:
  case("plugin_%d_dims" % dims,
       ["run", chain, "--load", PLUGIN, "--backend", "test,reference",
        "--input", "x=" + "x".join("2" * dims)], words, code=0,
       same_as=["run", chain, "--input", "x=" + "x".join("2" * dims)])

# A full disk.
there = os.listdir(WORK)
for size in [0, 1, 100, 1000]:
  for out in ["full.tandem", "full.pt"]:
    case("full_disk_after_%d_%s" % (size, out.split(".")[1]),
         ["convert", MODEL, out], [out], left=there,
         preexec_fn=full_disk(size))
for out in ["full.tandem", "full.pt"]:
  with open(os.path.join(WORK, out), "w") as f:
    f.write("old")
  case("full_disk_keeps_the_old_" + out.split(".")[1],
       ["convert", MODEL, out], [out], left=there + [out],
       preexec_fn=full_disk(100))
  with open(os.path.join(WORK, out)) as f:
    if f.read() != "old":
      print("FAIL old_%s: it is another" % out)
      failed = 1
  os.remove(os.path.join(WORK, out))
case("results_to_a_full_disk",
     ["run", MODEL, "--input", "xs=10x3x4", "--output-dir", "."], [],
     preexec_fn=full_disk(4))

sys.exit(failed)
