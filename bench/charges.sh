#!/bin/sh
# Can the processor time of disks and stores be charged to the guests that cause it, by counts? Fits prices to requests of five sizes by
# two nano guests, and compares the charge of an unseen mix with the processor time that the host measured for the drivers' threads.
#
#   bench/charges.sh [ROUNDS] [FILE]     default 40 rounds, about a minute; the record goes to FILE (lab-charges.json)
#
# Exit 0 when all predictions held. Needs a quiet host. docs/lab/charges.md explains it.
set -eu
cd "$(dirname "$0")/.."
rounds=${1:-40}
file=${2:-lab-charges.json}
./duality -c "lab:run charges --rounds $rounds --json $file"
! grep -q '"agrees": "no"' "$file"
