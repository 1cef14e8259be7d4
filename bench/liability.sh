#!/bin/sh
# Kills servers of three nano guests one after the other, leaves each dead for a while, and compares who stalls with what the capability
# graph predicted: pager, devices, stores, monitor, root, scheduler, swapper; all stores or pagers at once; and a bundle that holds
# all back ends of all guests ("Domain 0") against separate ones. Exit 0 when every prediction was right.
#
#   bench/liability.sh [KILLS] [FILE]     default 1000 kills, about three quarters of an hour; the record goes to FILE (lab-liability.json)
set -eu
cd "$(dirname "$0")/.."
kills=${1:-1000}
file=${2:-lab-liability.json}
./duality -c 'guest:list' >/dev/null
mvn -B -q --color never -o -pl bench/domain0 -am package -DskipTests -Derrorprone=-Xdiags:compact >&2
./duality -c "felix:start file:$PWD/bench/domain0/target/duality.domain0.jar; lab:run liability --rounds $kills --json $file"
! grep -q '"agrees": "no"' "$file"
