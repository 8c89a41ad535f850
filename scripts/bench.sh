#!/usr/bin/env bash
# Run every benchmark (or the named ones) one after the other: each prints its tables on standard output.
# One that fails, or misses a limit that it states, does not keep the others from running; the status tells.
# Usage: scripts/bench.sh [NAME]…
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

if (($# == 0)); then
  for file in benchmarks/*.py; do
    ! grep -q '^if __name__' "$file" || set -- "$@" "$(basename "$file" .py)" # the others are their parts
  done
fi
status=0
for name in "$@"; do
  .venv/bin/python -m "benchmarks.$name" || {
    echo "bench: $name exited with status $?" >&2
    status=1
  }
done
exit "$status"
