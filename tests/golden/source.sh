#!/bin/sh
# source.sh TANDEM FILE.py FOLDER: `tandem script` over the programs of a file
# whose calls are recorded in FOLDER: those that its index.json marks as ones
# that their source alone tells, or else each NAME.io.pt.
set -u
if [ -f "$3/index.json" ]; then
  entries=$(sed -n \
    's/.*"name": "\([^"]*\)", "entry": "\([^"]*\)".*"from_source": true.*/\1=\2/p' \
    "$3/index.json" | paste -sd,)
else
  entries=$(cd "$3" && ls ./*.io.pt | sed 's|^\./||; s|\.io\.pt$||' | paste -sd,)
fi
exec "$1" script "$2" --entry "$entries" --calls "$3"
