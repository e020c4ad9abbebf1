#!/bin/sh
# source.sh TANDEM: `tandem script` over every program of lang_cases.py that its
# index marks as one that its source alone tells, against the recorded calls.
set -u
folder=tests/golden
entries=$(sed -n \
  's/.*"name": "\([^"]*\)", "entry": "\([^"]*\)".*"from_source": true.*/\1=\2/p' \
  "$folder/lang/index.json" | paste -sd,)
exec "$1" script "$folder/lang_cases.py" --entry "$entries" \
  --calls "$folder/lang"
