#!/bin/sh
# Builds teach.elf from the sources beside this script: see cnf/guest-code.sh.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
. "$here/../../../../../cnf/guest-code.sh"
kernel "$here/teach.ld"
build "$here" teach.elf
keep "${1:-}" 644 "$here/../resources/duality/vmm/machine/teach.elf"
