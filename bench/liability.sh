#!/bin/sh
# Kills servers of two guests each on vmm.machine, vmm.trap and vmm.xen, two native programs and two of the RC 4000's nucleus one after the other,
# leaves each dead for a while, and compares who stalls with what the capability graph predicted: pager, devices, stores, monitor or personality, root, scheduler,
# swapper; all monitors, personalities, stores or pagers at once; and a bundle that holds all back ends of all guests ("Domain 0").
# Exit 0 when every prediction was right, and every guest worked again each time.
#
#   bench/liability.sh [KILLS] [FILE]     default 1000 kills, about half an hour; the record goes to FILE (lab-liability.json)
#
# Windows in which the host gave the processors to others are set aside, counted and measured again; wrong predictions never are.
# Without riscv64-linux-gnu-gcc native programs are left out, and the table says so.
set -eu
cd "$(dirname "$0")/.."
kills=${1:-1000}
file=${2:-lab-liability.json}
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
program=''
if it/src/programs/build.sh "$folder"; then
  program="--file $folder/ops"
fi
./duality -c 'guest:list' >/dev/null
mvn -B -q --color never -o -pl bench/domain0 -am package -DskipTests -Derrorprone=-Xdiags:compact >&2
./duality -c "felix:start file:$PWD/bench/domain0/target/duality.domain0.jar; lab:run liability --rounds $kills --json $file $program"
! grep -q '"agrees": "no"' "$file"
