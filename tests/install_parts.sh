#!/usr/bin/env bash
# Installs the real clients and servers that the tests start: npm packages, and Debian's Chromium.
set -euo pipefail
cd "$(dirname "$0")"
export PATH="$PWD/../.venv/bin:$PATH"

if ! cmp -s node/package-lock.json node/node_modules/.installed-lock; then
  npm --prefix node ci --no-audit --no-fund --ignore-scripts --loglevel=error
  cp node/package-lock.json node/node_modules/.installed-lock
fi

if ! command -v chromium >/dev/null; then
  if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
    echo "The browser tests need Chromium: install it (on Debian: apt-get install chromium) and run make test again." >&2
    exit 1
  fi
  apt-get update -qq
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends chromium >/dev/null
fi
