#!/bin/sh
# Usage: install.sh PYTHON REQUIREMENTS. Makes .venv and installs into it; every failure is one sentence.
set -eu
python=$1
requirements=$2
needed_mb=1500
log=$(mktemp)
trap 'rm -f "$log"' EXIT

fail() {
    echo "error: $1" >&2
    exit 1
}

command -v "$python" >/dev/null 2>&1 || fail "Python 3.12 or newer is needed; '$python' was not found (set PYTHON=/path/to/python3.12)."
"$python" -c 'import sys; sys.exit(sys.version_info < (3, 12))' ||
    fail "Python 3.12 or newer is needed, this is $("$python" -V 2>&1); set PYTHON=/path/to/python3.12."

if [ ! -x .venv/bin/python ]; then
    free_mb=$(df -Pm . | awk 'NR == 2 {print $4}')
    [ "$free_mb" -ge "$needed_mb" ] || fail "about $needed_mb MB of free disk space are needed here, there are $free_mb MB."
    "$python" -m venv .venv >"$log" 2>&1 ||
        fail "no virtual environment could be made: $(tail -n 1 "$log") (on Debian: apt install python3-venv)"
fi

echo "Installing the packages in $requirements ..."
if ! .venv/bin/python -m pip install --quiet --disable-pip-version-check -r "$requirements" >"$log" 2>&1; then
    if grep -qi 'no space left' "$log"; then
        fail "the disk is full; free about $needed_mb MB and try again."
    elif grep -qiE 'connection|resolve|network|timed out|No matching distribution' "$log"; then
        fail "the packages could not be fetched; check the network and try again."
    fi
    fail "the packages could not be installed: $(grep -i error "$log" | tail -n 1)"
fi
