#!/usr/bin/env bash
# The long versions: every test with hypothesis' nightly profile, the guest soaked and fuzzed for longer and with another
# seed every night, the loop on other versions of CPython, CPython's own tests in the guest, the fuzzer of formats and
# machines, then every benchmark; the results as dated pages.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

page=docs/measurements/$(date --utc +%F)-nightly.md
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
status=0
export FATA_SOAK=90                                # seconds
export FATA_HOSTILE_LIES=100000                   # of virtio devices, each kind
export FATA_FUZZ_ROUNDS=4000000                    # hostile system calls
export FATA_REQUESTS=100000                        # of each web application as a unikernel, with flat memory
export FATA_POWER_CUTS=1000000                     # distinct states of FAT volumes, and of the B-tree
export FATA_FAT_FUZZ=30000                         # FAT volumes with octets changed at random
export FATA_MATRIX_SEEDS=25                        # of each case of the goodput matrix
export FATA_BTREE_OPERATIONS=1000000               # random ones, after which no page may be missing
export FATA_BTREE_HOSTILE=50000                    # images with every checksum right
export FATA_BTREE_KEYS=100000,1000000,5000000      # in the B-tree's benchmark
export FATA_IRMIN_STEPS=10000                      # of random histories that git checks
export FATA_IRMIN_COMMITS=10000                    # by four processes at once, beside git
export FATA_IRMIN_KILLS=100                        # of writers, at moments that nobody chose
export FATA_IRMIN_TREES=10000                      # random ones that git hashes, too
export FATA_FUZZ_SEED=${FATA_FUZZ_SEED:-$(date --utc +%Y%m%d)}

.venv/bin/python -m pytest -q --hypothesis-profile=nightly --durations=10 2>&1 | tee "$work/tests" || status=$?
scripts/pythons.sh || status=$?
.venv/bin/python -m tests.cpython --page "${page%-nightly.md}-cpython-tests.md" || status=$?
.venv/bin/python -m tests.fuzz --iterations 500000 | tee "$work/fuzz" || status=$?
.venv/bin/python -m tests.fuzz.live --frames 1000000 --seed "$FATA_FUZZ_SEED" | tee -a "$work/fuzz" || status=$?
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
  echo "## Fuzzing"
  echo
  echo '```'
  cat "$work/fuzz"
  echo '```'
  echo
  echo "The guest: $FATA_FUZZ_ROUNDS hostile calls with the seed $FATA_FUZZ_SEED, soaked for $FATA_SOAK s."
  echo
  echo "## Goals missed"
  echo
  grep -E '\| *missed *\|' "$work/benchmarks" || echo None.
  echo
  echo "## Benchmarks"
  echo
  cat "$work/benchmarks"
} >"$page"
echo "nightly: wrote $page" >&2
exit "$status"
