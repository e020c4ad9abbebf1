#!/bin/sh
# footprint.sh DEPS PROGRAM: DEPS are the targets that PROGRAM is built from. It
# needs the reference backend and archives only.
set -u
failed=0
for other in onednn com_google_protobuf cuda; do
  if grep -q "^@$other//" "$1"; then
    echo "FAIL without_$other: $(grep -m 3 "^@$other//" "$1" | tr '\n' ' ')"
    failed=1
  else
    echo "PASS without_$other"
  fi
done
for room in backends/native backends/onednn backends/cuda serialization/tandem frontends/eager; do
  name=without_$(echo "$room" | tr / _)
  if grep -q "^//$room[:/]" "$1"; then
    echo "FAIL $name: $(grep -m 3 "^//$room[:/]" "$1" | tr '\n' ' ')"
    failed=1
  else
    echo "PASS $name"
  fi
done
# The query did see the program.
grep -q '^//backends/reference:pointwise$' "$1" || {
  echo "FAIL query: no //backends/reference among $(wc -l < "$1") targets"
  failed=1
}
bytes=$(wc -c < "$2")
echo "$2: $bytes bytes, stripped"
if [ "$bytes" -lt 15000000 ]; then
  echo "PASS under_15_MB"
else
  echo "FAIL under_15_MB: $bytes bytes"
  failed=1
fi
exit $failed
