#!/bin/sh
# Builds systems.elf from the sources beside this script: see cnf/guest-code.sh.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
. "$here/../../../../cnf/guest-code.sh"
kernel "$here/nucleus.ld"
build "$here" systems.elf
keep "${1:-}" 644 "$here/../main/resources/duality/personality/rc4000/systems.elf"
