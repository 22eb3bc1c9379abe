#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Times what docs/HACKING.md promises: a dev build from empty without ccache, the build after a
# change of one file, and one with nothing to do. Leave the machine alone meanwhile.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

export CCACHE_DISABLE=1
build=$(mktemp -d)
trap 'rm -rf "$build"' EXIT

timed() {
  local what="$1" began=$EPOCHREALTIME
  shift
  "$@" > "$build/log" 2>&1 || { cat "$build/log"; exit 1; }
  awk -v a="$began" -v b="$EPOCHREALTIME" -v w="$what" \
    'BEGIN { printf "%-32s %6.1f s\n", w, b - a }'
}

cmake --preset dev -B "$build" > /dev/null
timed 'from empty' cmake --build "$build"
touch server/app/community_runtime.cc
timed 'after a change of one .cc' cmake --build "$build"
timed 'nothing to do' cmake --build "$build"
printf 'load average %s on %s cores\n' "$(cut -d' ' -f1 /proc/loadavg)" "$(nproc)"
