#!/usr/bin/env bash
# Set up what is needed for the named purposes (see packages.txt): Debian packages, .venv, Python packages.
# Usage: scripts/setup.sh [demo|test|runtime|bench|fresh]…    PYTHON=/path/to/python chooses the interpreter.
# Safe to repeat; when nothing has changed it only looks, in well under a second.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
PATH+=:/usr/sbin:/sbin # where debootstrap is, also for those who may not run it

readonly INPUTS=(pyproject.toml constraints.txt scripts/setup.sh)
readonly STAMP=.venv/set-up-from # what the environment was made from

say() { printf '%s\n' "$*" >&2; }

fail() {
  say "setup: $1"
  shift
  (($# == 0)) || printf '  %s\n' "$@" >&2
  exit 2
}

# The interpreter: Debian's own 3.11 where there is one, since that is the guest's; else any that is new enough.
choose_python() {
  local candidate
  for candidate in ${PYTHON:-} /usr/bin/python3.11 python3 python3.13 python3.12 python3.11; do
    if "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
      command -v "$candidate"
      return
    fi
    [[ $candidate != "${PYTHON:-}" ]] || fail "PYTHON=$PYTHON is not a Python of 3.11 or newer"
  done
  fail "no Python of 3.11 or newer found" "install one (Debian 12: apt-get install python3), or set PYTHON=/path/to/it"
}

# Print the packages that the purposes need and the machine lacks, each once.
missing_packages() {
  local purpose package proof
  while read -r purpose package proof _; do
    [[ $purpose != \#* && " $* " == *" $purpose "* ]] || continue
    if [[ $proof == - ]]; then
      [[ -x .venv/bin/python ]] || "$(choose_python)" -c 'import ensurepip' 2>/dev/null || echo "$package"
    elif [[ $proof == /* ]]; then
      [[ -e $proof ]] || echo "$package"
    else
      command -v "$proof" >/dev/null || echo "$package"
    fi
  done <scripts/packages.txt | sort -u
}

install_packages() {
  local missing
  mapfile -t missing < <(missing_packages "$@")
  ((${#missing[@]})) || return 0
  if ((EUID == 0)) && command -v apt-get >/dev/null; then
    say "setup: installing Debian packages: ${missing[*]}"
    apt-get update -qq
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
    return
  fi
  say "setup: these Debian packages are missing: ${missing[*]}"
  say "  install them with:  sudo apt-get install --no-install-recommends ${missing[*]}"
  [[ " ${missing[*]} " != *" python3-venv "* ]] || fail "without python3-venv no .venv can be made"
  say "  (going on without; what needs them is skipped)"
}

# What .venv has to agree with: the inputs, where it stands (its scripts hold absolute paths), the wish for an interpreter.
fingerprint() {
  printf '%s\n' "$PWD" "${PYTHON:-}"
  sha256sum "${INPUTS[@]}"
}

# Whether .venv works, stands where it was made, and has the interpreter that was asked for, if one was.
usable() {
  local who='import sys; print(sys.version_info, sys.base_prefix)'
  [[ -x .venv/bin/python ]] && grep -qF "$PWD/.venv" .venv/pyvenv.cfg &&
    .venv/bin/python -m pip --version >/dev/null 2>&1 &&
    [[ -z ${PYTHON:-} || $(.venv/bin/python -c "$who") == "$("$PYTHON" -c "$who")" ]]
}

install_python_packages() {
  if [[ -f $STAMP ]] && fingerprint | cmp -s - "$STAMP" && .venv/bin/python -c '' 2>/dev/null; then
    return
  fi
  if ! usable; then
    local python
    python=$(choose_python)
    say "setup: making .venv with $python ($("$python" -V))"
    "$python" -m venv --clear .venv
  fi
  say "setup: installing the Python packages into .venv; the first time takes a minute"
  rm -f "$STAMP"
  .venv/bin/python -m pip --disable-pip-version-check install -qq -c constraints.txt -e '.[dev]' ||
    fail "pip could not install the Python packages; what it said stands above" \
      "its registry comes from the environment alone: PIP_INDEX_URL, PIP_CONFIG_FILE, pip.conf"
  fingerprint >"$STAMP"
}

install_packages setup "$@"
install_python_packages

# The site's large file is made, not kept: five megabytes have no place in a repository.
[[ -f examples/www/htdocs/large.bin ]] || .venv/bin/python examples/www/make_large_file.py
