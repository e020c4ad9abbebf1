#!/bin/sh
# test.sh TANDEM KIND: makes the bad archives of a kind and runs them all.
set -eu
here=$(dirname "$0")
work=$(mktemp -d "${TEST_TMPDIR:-/tmp}/hostile.XXXXXX")
trap 'rm -rf "$work"' EXIT
python3 "$here/make.py" "$work" --kind "$2" > /dev/null
# Other tests share the machine: more time than a person would be given.
python3 "$here/run.py" "$1" "$work" --jobs 1 --slow 3
