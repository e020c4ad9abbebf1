#!/usr/bin/env python3
"""Runs `bazel test` and counts test cases; tools/test is the door to it.

Arguments go to Bazel; without a target among them it is //... . The counts come
from Bazel's build event file and the test.xml of each test.

Environment: BAZEL (the command with its startup options), TANDEM_DISK_CACHE.
"""

import json
import os
import subprocess
import sys
import tempfile
import urllib.parse
import xml.etree.ElementTree

NO_TESTS_FOUND = 4  # exit code of `bazel test`


def bazel_command():
  return os.environ.get("BAZEL", "bazel").split()


def disk_cache():
  folder = os.environ.get("TANDEM_DISK_CACHE", "~/.cache/tandem/disk")
  return "--disk_cache=" + os.path.expanduser(folder)


def cases_of(result):
  """(passed, failed, skipped) of one test's result."""
  passed = failed = skipped = 0
  for output in result.get("testActionOutput", []):
    if output["name"] != "test.xml":
      continue
    path = urllib.parse.unquote(urllib.parse.urlparse(output["uri"]).path)
    try:
      cases = list(xml.etree.ElementTree.parse(path).iter("testcase"))
    except (OSError, xml.etree.ElementTree.ParseError):
      continue
    for case in cases:
      if case.find("failure") is not None or case.find("error") is not None:
        failed += 1
      elif case.find("skipped") is not None or case.get("status") == "notrun":
        skipped += 1
      else:
        passed += 1
  if result["status"] not in ("PASSED", "FLAKY") and not failed:
    failed = 1  # it crashed or ran out of time before it could say which case
  return passed, failed, skipped


def read_events(path):
  """({label: [results of shards and runs]}, labels that were not built)."""
  results, broken = {}, set()
  with open(path) as lines:
    for line in lines:
      event = json.loads(line)
      ident = event.get("id", {})
      if "testResult" in ident:
        key = ident["testResult"]
        # Of several attempts the last one counts.
        shard = (key.get("run"), key.get("shard"))
        results.setdefault(key["label"], {})[shard] = event["testResult"]
      elif "targetCompleted" in ident and "aborted" not in event:
        completed = event.get("completed", {})
        if not completed.get("success") and completed.get("failureDetail"):
          broken.add(ident["targetCompleted"]["label"])
  # A test that failed when run was built.
  return results, sorted(broken - set(results))


def main(arguments):
  targets = [a for a in arguments if not a.startswith("-") or a.startswith("-//")]
  if not targets:
    arguments = arguments + ["//..."]
  with tempfile.NamedTemporaryFile(suffix=".json") as events:
    code = subprocess.run(
        bazel_command()
        + ["test", "--keep_going", disk_cache()]
        + ["--build_event_json_file=" + events.name]
        + arguments
    ).returncode
    results, broken = read_events(events.name)
  passed = failed = skipped = 0
  for label in broken:
    print("not built:", label)
    failed += 1
  for label, shards in sorted(results.items()):
    for result in shards.values():
      p, f, s = cases_of(result)
      passed, failed, skipped = passed + p, failed + f, skipped + s
      if f:
        print("failed:", label)
  if code not in (0, NO_TESTS_FOUND) and not failed:
    print("bazel test ended with code", code)
    failed = 1
  if skipped:
    print(skipped, "skipped")
  print("%d passed, %d failed" % (passed, failed), flush=True)
  return 1 if failed else 0


if __name__ == "__main__":
  sys.exit(main(sys.argv[1:]))
