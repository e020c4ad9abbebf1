#!/bin/sh
# cases.sh COMMAND ARGUMENT...: runs a command that prints "PASS name" and
# "FAIL name: why" as a test whose test cases are these lines. It passes where
# the command's code is 0 and a case passed.
set -u
log=$(mktemp)
status=0
"$@" > "$log" 2>&1 || status=$?
grep -v '^PASS ' "$log"

if [ -n "${XML_OUTPUT_FILE:-}" ]; then
  {
    echo '<?xml version="1.0" encoding="UTF-8"?>'
    echo '<testsuites><testsuite name="cases">'
    # Bytes that XML has no place for would spoil the whole file.
    LC_ALL=C tr -cd '\n\t\040-\176' < "$log" |
      sed -e 's/&/\&amp;/g' -e 's/</\&lt;/g' -e 's/>/\&gt;/g' -e 's/"/\&quot;/g' |
      sed -n \
        -e 's|^PASS \(.*\)$|<testcase name="\1" status="run"/>|p' \
        -e 's|^FAIL \([^:]*\):* *\(.*\)$|<testcase name="\1" status="run"><failure message="\2"/></testcase>|p'
    echo '</testsuite></testsuites>'
  } > "$XML_OUTPUT_FILE"
fi

# Nothing run is no success.
grep -q '^PASS ' "$log" || status=1
rm -f "$log"
exit $status
