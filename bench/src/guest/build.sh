#!/bin/sh
# Builds mix from the sources beside this script: see cnf/guest-code.sh.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
. "$here/../../../cnf/guest-code.sh"
program
build "$here" mix
keep "${1:-}" 755 "$here/mix"
