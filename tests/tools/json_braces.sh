#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Finds where one JSON value in braces becomes another, which g++ takes for an array of one and
# clang for a copy (docs/adr/0012). Reads the units of build/dev, which must be built; some minutes.
# Usage: json_braces.sh [PATTERN], PATTERN = only units whose path has it.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

BUILD="$PWD/build/dev"
QUERY='match cxxConstructExpr(isListInitialization(), argumentCountIs(1),
  unless(isExpansionInSystemHeader()), hasDeclaration(cxxConstructorDecl(
  anyOf(isCopyConstructor(), isMoveConstructor()), ofClass(hasName("basic_json")))))'

# look UNIT: prints what is found, or why it could not be read; fails in both cases.
look() {
  local said
  said="$(clang-query-19 -p "$BUILD" "$1" -c 'set output diag' -c "${QUERY//$'\n'/}" 2>&1)"
  [ "$(echo "$said" | tail -1)" = "0 matches." ] || { echo "$said"; return 1; }
}
export -f look
export BUILD QUERY

python3 -c '
import json, sys
for unit in json.load(open(sys.argv[1])):
    if "/gathered/" in unit["file"] and sys.argv[2] in unit["file"]:
        print(unit["file"])
' "$BUILD/compile_commands.json" "${1:-}" | xargs -P "$(nproc)" -n 1 bash -c 'look "$0"'
