#!/usr/bin/env python3
"""Writes compile_commands.json, for clangd and clang-tidy.

Arguments go to `bazel aquery`, --config=clang for instance. Generated headers
are found once they are built.
"""

import json
import os
import subprocess
import sys


def output_of(arguments):
  return subprocess.run(
      os.environ.get("BAZEL", "bazel").split() + arguments,
      check=True,
      stdout=subprocess.PIPE,
      stderr=subprocess.DEVNULL,
      text=True,
  ).stdout


def main(arguments):
  query = ["aquery", 'mnemonic("CppCompile", //...)', "--output=jsonproto"]
  actions = json.loads(output_of(query + arguments)).get("actions", [])
  root = output_of(["info", "execution_root"]).strip()
  entries = {}
  for action in actions:
    command = action["arguments"]
    source = command[command.index("-c") + 1]
    if source.startswith("external/"):
      continue
    # clang doesn't know this one.
    command = [a for a in command if a != "-fno-canonical-system-headers"]
    entries[source] = {"directory": root, "file": source, "arguments": command}
  with open("compile_commands.json", "w") as out:
    json.dump(list(entries.values()), out, indent=1)
  print(len(entries), "files")


if __name__ == "__main__":
  os.chdir(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
  main(sys.argv[1:])
