#!/usr/bin/env bash
# Run every benchmark (or the named ones) one after the other: each prints its tables.
# Usage: scripts/bench.sh [NAME]…
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

if (($# == 0)); then
  for file in benchmarks/*.py; do
    [[ $file == benchmarks/table.py ]] || set -- "$@" "$(basename "$file" .py)"
  done
fi
for name in "$@"; do
  .venv/bin/python -m "benchmarks.$name"
done
