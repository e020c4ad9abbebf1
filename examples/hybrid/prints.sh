#!/bin/sh
# prints.sh PROGRAM EXPECTED: the program prints what is expected.
"$1" | diff "$2" -
