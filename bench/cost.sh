#!/bin/sh
# How the time of real programs grows with the price of a crossing: a null call, a shell script that forks, and a copy of a disk, in Debian
# on vmm.machine and on vmm.trap, and natively over personality.linux; nano's calls, table entries and copies on these and on vmm.xen; with dials before all endpoints of each; 0 to 20 µs a crossing.
# Prints for each the crossings of an operation as the slope of processor time, with R², beside the dials' own count, and how much more it
# would take at the prices of published machines. Needs riscv64-linux-gnu-gcc with its C library, and guest:fetch linux once.
#
#   bench/cost.sh [ROUNDS] [FILE]     default 9, of which the medians; the record with all points goes to FILE (lab-curve.json)
#
# Processor time is what counts, so a busy host does little harm; the slopes by the clock, which are shown beside, need a quiet one.
set -eu
cd "$(dirname "$0")/.."
rounds=${1:-9}
file=${2:-lab-curve.json}
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
it/src/programs/build.sh "$folder"
./duality -c "lab:run curve --rounds $rounds --json $file --file $folder/ops"
