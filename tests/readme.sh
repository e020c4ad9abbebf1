#!/bin/sh
# readme.sh README TANDEM: each command of README.md that begins with
# bazel-bin/tools/tandem, run as it stands there, is a case.
readme=$1
tandem=$2
number=0
grep '^bazel-bin/tools/tandem ' "$readme" | while read -r _ arguments; do
  number=$((number + 1))
  # shellcheck disable=SC2086
  if "$tandem" $arguments > /dev/null 2> error.txt; then
    echo "PASS command_$number"
  else
    echo "FAIL command_$number: tandem $arguments: $(head -n 1 error.txt)"
    exit 1
  fi
done
