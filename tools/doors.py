#!/usr/bin/env python3
"""Asks `bazel query` whether the doors of doors.bzl are kept.

Visibility refuses a forbidden dependency already where a target's visibility is
its room's; this also sees targets that are visible to too many, and paths
through several targets.
"""

import os
import subprocess
import sys

# A .bzl of plain dictionaries and functions reads as Python.
DOORS = {}
with open("doors.bzl") as text:
  exec(text.read(), DOORS)
ROOMS, MAY_USE = DOORS["ROOMS"], DOORS["MAY_USE"]

HEADERS_MAY_INCLUDE = ("tandem/", "absl/")
# Their headers are seen by nobody else.
NO_PUBLIC_HEADERS = ("onednn", "cuda", "tools", "tests", "examples", "python")


def exists(spec):
  folder = spec[2:].removesuffix("...").rstrip("/")
  if spec.endswith("..."):
    return any("BUILD" in files for _, _, files in os.walk(folder))
  return os.path.exists(os.path.join(folder, "BUILD"))


def targets(room):
  """A query expression for the targets of `room`, or None."""
  specs = [s if s.endswith("...") else s + ":*" for s in ROOMS[room] if exists(s)]
  return "(" + " + ".join(specs) + ")" if specs else None


def reachable(room):
  """The rooms that `room` may use, directly or through others."""
  seen, todo = set(), [room]
  while todo:
    for other in MAY_USE[todo.pop()]:
      if other not in seen:
        seen.add(other)
        todo.append(other)
  return seen | {room}


def query(expression):
  command = os.environ.get("BAZEL", "bazel").split()
  run = subprocess.run(
      command + ["query", "--noshow_progress", expression],
      stdout=subprocess.PIPE,
      stderr=subprocess.PIPE,
      text=True,
  )
  if run.returncode:
    sys.exit("bazel query %s\n%s" % (expression, run.stderr))
  return run.stdout.split()


def sum_of(rooms):
  there = [t for t in (targets(r) for r in rooms) if t]
  return " + ".join(there)


def check_room(room):
  """Complaints about the dependencies of `room`."""
  mine = targets(room)
  if not mine:
    return []
  out = []
  forbidden = sum_of(r for r in ROOMS if r != room and r not in MAY_USE[room])
  if forbidden:
    for target in query("deps(%s, 1) intersect (%s)" % (mine, forbidden)):
      out.append("%s uses %s directly" % (room, target))
  far = sum_of(r for r in ROOMS if r not in reachable(room))
  if far:
    path = query("somepath(%s, %s)" % (mine, far))
    if path:
      out.append("%s reaches %s" % (room, " -> ".join(path)))
  return out


def check_headers(room):
  """Complaints about third-party headers in the headers of `room`."""
  out = []
  for spec in ROOMS[room]:
    folder = spec[2:].removesuffix("...").rstrip("/")
    for top, folders, files in os.walk(folder):
      if not spec.endswith("..."):
        folders.clear()
      for name in files:
        if not name.endswith(".h"):
          continue
        path = os.path.join(top, name)
        with open(path) as lines:
          for number, line in enumerate(lines, 1):
            words = line.split()
            if len(words) < 2 or words[0] != "#include":
              continue
            if words[1][0] == '"':
              ours = words[1][1:].startswith(HEADERS_MAY_INCLUDE)
            else:  # <vector>, <sys/mman.h>; not <zlib.h>, <google/...>
              ours = not words[1][1:].startswith(("zlib", "google/", "dnnl", "oneapi/", "re2/", "gtest/", "cuda"))
            if not ours:
              out.append("%s:%d: %s" % (path, number, line.strip()))
  return out


def main():
  complaints = []
  for room in ROOMS:
    complaints += check_room(room)
    if room not in NO_PUBLIC_HEADERS:
      complaints += check_headers(room)
  for line in complaints:
    print(line)
  return 1 if complaints else 0


if __name__ == "__main__":
  sys.exit(main())
