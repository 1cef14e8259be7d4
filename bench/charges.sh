#!/bin/sh
# Can the processor time of drivers be charged to the guests that cause it, by counts? Fits prices of each driver to requests of several
# sizes (disks and stores of two nano guests, a console; network cards, console ports and randomness of two Debians), and compares the charge
# of unseen mixes with the processor time that the host measured for the drivers' threads.
#
#   bench/charges.sh [ROUNDS] [FILE]     default 20 rounds, about five minutes; the record goes to FILE (lab-charges.json)
#
# Exit 0 when all predictions held. Needs a quiet host, and guest:fetch linux once (without it disks and consoles only).
# docs/lab/charges.md explains it.
set -eu
cd "$(dirname "$0")/.."
rounds=${1:-20}
file=${2:-lab-charges.json}
./duality -c "lab:run charges --rounds $rounds --json $file"
! grep -q '"agrees": "no"' "$file"
