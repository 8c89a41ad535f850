#!/usr/bin/env bash
# Build examples/www as a unikernel, boot it, fetch its first page, show what came back and how to go on.
# Where QEMU or the runtime is missing (set-up has said how to get them) the same application runs as a process.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

readonly PATIENCE=60 # seconds for the server to answer
readonly MEMORY=38   # MiB: forty megabytes
readonly SHOWN=12    # lines of the answer

port=$(.venv/bin/python -c 'import socket; s = socket.create_server(("127.0.0.1", 0)); print(s.getsockname()[1])')
url=http://127.0.0.1:$port/
work=$(mktemp -d)
server=

finish() {
  [[ -z $server ]] || { kill "$server" && wait "$server"; } 2>/dev/null || true
  rm -rf "$work"
}
trap finish EXIT

fail() {
  printf 'demo: %s; the server said:\n' "$1" >&2
  sed 's/^/  /' "$work/log" >&2
  exit 1
}

# Print the status line, the headers, an empty line and the body.
fetch() {
  if command -v curl >/dev/null; then
    curl --silent --show-error --include --max-time 5 "$url"
  else
    .venv/bin/python - "$url" <<'PYTHON'
import sys, urllib.request
with urllib.request.urlopen(sys.argv[1], timeout=5) as answer:
    print(f"HTTP/1.1 {answer.status} {answer.reason}", answer.headers, answer.read().decode(), sep="\n", end="")
PYTHON
  fi
}

# Say what is missing for a unikernel; nothing when all is there.
missing() {
  command -v qemu-system-x86_64 >/dev/null || echo "QEMU"
  [[ -f build/runtime/lean/fata.elf ]] || echo "the runtime (make runtime)"
}

# Start the server in the background with the words of `fata`.
start() {
  echo "\$ fata $*"
  began=$EPOCHREALTIME
  PYTHONUNBUFFERED=1 .venv/bin/fata "$@" >"$work/log" 2>&1 &
  server=$!
}

# The guest listens before anybody asks: QEMU's network answers a client that comes too early only after seconds.
wait_until_it_listens() {
  local tries
  for ((tries = PATIENCE * 20; tries; tries--)); do
    ! grep -q 'listening on' "$work/log" || return 0
    kill -0 "$server" 2>/dev/null || fail "the server ended"
    sleep 0.05
  done
  fail "it does not listen after $PATIENCE s"
}

lacking=$(missing | paste -sd, | sed 's/,/ and /')
if [[ -z $lacking ]]; then
  echo "\$ fata build examples/www -t virtio --snapshot"
  .venv/bin/fata build examples/www -t virtio --snapshot 2>&1 | sed "s|$PWD/||; s/^/  /"
  start run examples/www -t virtio --snapshot --memory "$MEMORY" --publish "$port:80"
  what="a machine with $MEMORY MiB of memory and no operating system"
else
  echo "There is no $lacking, so this is not the unikernel but the same application as a process."
  start run examples/www --port "$port"
  what="a process"
fi
wait_until_it_listens
sed 's/^/  /' "$work/log"
echo
echo "\$ curl --include $url"
fetch >"$work/answer" 2>"$work/error" || fail "no answer from $url ($(tail -n 1 "$work/error"))"
ended=$EPOCHREALTIME
head -n 1 "$work/answer" | grep -q ' 200' || { sed 's/^/  /' "$work/answer"; fail "the answer is not 200"; }
tr -d '\r' <"$work/answer" | sed 's/^/  /' | head -n "$SHOWN"
took=$(awk -v began="$began" -v ended="$ended" 'BEGIN { printf "%.1f", ended - began }')
total=$(wc -l <"$work/answer")
((total <= SHOWN)) || echo "  … $((total - SHOWN)) more lines"
cat <<EOT

That page came from $what, $took s after \`fata run\`: a typed
application (examples/www/app.py) whose files and network were wired by examples/www/config.py. Go on:

  .venv/bin/fata run examples/www -t virtio -p 8080:80    boot it, and open http://127.0.0.1:8080/
  .venv/bin/fata run examples/www --port 8080             the same as a process
  .venv/bin/fata describe examples/www -t virtio          see what it is made of
  .venv/bin/fata new mysite                               start one of your own
  .venv/bin/fata help                                     everything else
EOT
