#!/usr/bin/env bash
# The event loop and the network on every CPython from 3.12 on that this machine has: an environment for each under
# build/pythons, then the tests of the loop, the stack and the simulator. 3.11 is what .venv is made with.
# Usage: scripts/pythons.sh [PYTEST ARGUMENTS]    PYTHONS="/path/to/python …" chooses the interpreters.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

readonly TESTS=(tests/runtime tests/stack tests/sim tests/driver/poller tests/driver/net tests/driver/stack)
readonly LEAST=12 MOST=14 # minor versions

# Print each interpreter once; of several builds of a version, the last in order of names.
interpreters() {
  if [[ -n ${PYTHONS:-} ]]; then
    printf '%s\n' $PYTHONS
    return
  fi
  local minor found candidate
  for ((minor = LEAST; minor <= MOST; minor++)); do
    found=
    for candidate in "$(command -v "python3.$minor" || true)" "${PYENV_ROOT:-$HOME/.pyenv}"/versions/3."$minor".*/bin/python; do
      # A shim of pyenv is there for versions that are not chosen, too, and then fails.
      if [[ -x $candidate ]] && "$candidate" -c "import sys; sys.exit(sys.version_info[1] != $minor)" 2>/dev/null; then
        found=$candidate
      fi
    done
    [[ -z $found ]] || echo "$found"
  done
}

# Make the environment of an interpreter, unless it is there and made from the same files.
environment() {
  local python=$1 place=$2 made_from
  made_from="$(sha256sum pyproject.toml constraints.txt) $("$python" -VV)"
  [[ -f $place/made-from && $(<"$place/made-from") == "$made_from" ]] && return
  rm -rf "$place"
  "$python" -m venv "$place"
  "$place/bin/pip" install --quiet --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[dev]'
  echo "$made_from" >"$place/made-from"
}

status=0
while read -r python; do
  version=$("$python" -c 'import platform; print(platform.python_version())')
  place=build/pythons/$version
  environment "$python" "$place"
  echo "CPython $version"
  "$place/bin/python" -m pytest -q -p no:cacheprovider -m "not (root or qemu or peer or browser)" "${TESTS[@]}" "$@" \
    </dev/null || status=$?
done < <(interpreters)
exit "$status"
