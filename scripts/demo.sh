#!/usr/bin/env bash
# Serve examples/www as a process, fetch its first page, show what came back and how to go on.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

readonly PATIENCE=30 # seconds for the server to answer

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

echo "\$ fata run examples/www --port $port"
.venv/bin/fata run examples/www --port "$port" >"$work/log" 2>&1 &
server=$!
for ((tries = PATIENCE * 10; ; tries--)); do
  kill -0 "$server" 2>/dev/null || fail "the server ended"
  if fetch >"$work/answer" 2>"$work/error"; then break; fi
  ((tries)) || fail "no answer from $url within $PATIENCE s ($(tail -n 1 "$work/error"))"
  sleep 0.1
done
sed 's/^/  /' "$work/log"
echo
echo "\$ curl --include $url"
head -n 1 "$work/answer" | grep -q ' 200' || { sed 's/^/  /' "$work/answer"; fail "the answer is not 200"; }
tr -d '\r' <"$work/answer" | sed 's/^/  /' | head -n 24
total=$(wc -l <"$work/answer")
((total <= 24)) || echo "  … $((total - 24)) more lines"
cat <<EOT

That page came from a typed application (examples/www/app.py) whose files and network were wired by
examples/www/config.py. Go on:

  .venv/bin/fata run examples/www --port 8080    serve it, and open http://127.0.0.1:8080/
  .venv/bin/fata describe examples/www           see what it is made of
  .venv/bin/fata new mysite                      start one of your own
  .venv/bin/fata help                            everything else
EOT
