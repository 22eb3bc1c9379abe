#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Wall seconds of a full dev build from empty, after a change of one file, and of nothing to do,
# in a folder of its own and without ccache. Usage: build_times.sh [JOBS]
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

JOBS="${1:-$(nproc)}"
CHANGED=server/app/community_runtime.cc

export CCACHE_DISABLE=1
folder="$(mktemp -d "${TMPDIR:-/tmp}/linli-build-times.XXXXXX")"
trap 'rm -rf "$folder"' EXIT
cmake --preset dev -B "$folder" > "$folder/configure.log" 2>&1 ||
  { cat "$folder/configure.log"; exit 1; }

# timed WHAT: builds everything and prints how long it took.
timed() {
  local began ended
  began="$(date +%s.%N)"
  cmake --build "$folder" -j "$JOBS" > "$folder/build.log" 2>&1 ||
    { tail -50 "$folder/build.log"; exit 1; }
  ended="$(date +%s.%N)"
  awk -v what="$1" -v a="$began" -v b="$ended" 'BEGIN { printf "%-40s %7.1f s\n", what, b - a }'
}

echo "$JOBS jobs on $(nproc) cores, load average before: $(cut -d' ' -f1-3 /proc/loadavg)"
timed "full dev build from empty"
touch "$CHANGED"
timed "after a change of ${CHANGED##*/}"
timed "nothing to do"
