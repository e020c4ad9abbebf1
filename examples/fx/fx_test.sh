#!/bin/sh
# fx_test.sh PROGRAM EXPECTED
set -e
"$1" "$TEST_TMPDIR/my_module.pt" | diff "$2" -
test -s "$TEST_TMPDIR/my_module.pt"
