#!/bin/sh
# refused.sh TANDEM FILE...: no file is an archive that can be run. The command
# must say so: code 1, nothing on stdout, and a reason that names the file on
# stderr.
set -u
tandem=$1
shift
failed=0
work=$(mktemp -d)
for file in "$@"; do
  name=$(basename "$file" .bin)
  why=
  code=0
  "$tandem" run "$file" > "$work/out" 2> "$work/err" < /dev/null || code=$?
  [ $code = 1 ] || why="$why; code $code instead of 1"
  [ ! -s "$work/out" ] || why="$why; wrote to stdout"
  grep -qF "$name" "$work/err" || why="$why; doesn't name the file"
  if [ -n "$why" ]; then
    echo "FAIL $name: ${why#; }"
    head -n 5 "$work/err"
    failed=1
  else
    echo "PASS $name"
  fi
done
rm -rf "$work"
exit $failed
