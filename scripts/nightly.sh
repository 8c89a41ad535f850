#!/usr/bin/env bash
# The long versions: every test with hypothesis' nightly profile, CPython's own tests in the guest, every benchmark; the
# results as dated pages.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

page=docs/measurements/$(date --utc +%F)-nightly.md
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
status=0

.venv/bin/python -m pytest -q --hypothesis-profile=nightly --durations=10 2>&1 | tee "$work/tests" || status=$?
.venv/bin/python -m tests.cpython --page "${page%-nightly.md}-cpython-tests.md" || status=$?
scripts/bench.sh | tee "$work/benchmarks" || status=$?

{
  echo "# Nightly run of $(date --utc +%F)"
  echo
  echo "Commit $(git rev-parse --short=12 HEAD)$(git diff --quiet HEAD || echo ' with uncommitted changes')."
  echo
  echo "## Tests"
  echo
  echo '```'
  sed -n '/slowest .*durations/,$p' "$work/tests" # tests and places are relative to the repository
  echo '```'
  echo
  echo "## Benchmarks"
  echo
  cat "$work/benchmarks"
} >"$page"
echo "nightly: wrote $page" >&2
exit "$status"
