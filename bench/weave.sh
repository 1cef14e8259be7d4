#!/bin/bash
# What the weaver costs: CPU seconds of a whole run, with and without abort polls, one after the other in each round.
#
#   bench/weave.sh [ROUNDS] [GUEST]     default 5, nano; or linux
#
# The run: start, boot the guest until it is ready, stop. For the polls alone: duality.bench.PollBenchmark.
set -eu
cd "$(dirname "$0")/.."
rounds=${1:-5}
guest=${2:-nano}
./duality -c 'guest:list' >/dev/null
TIMEFORMAT='%U %S'

run() {
  DUALITY_JAVA_OPTS="${DUALITY_JAVA_OPTS:-} -Dduality.weave=$1" \
    ./duality -c "vm:run $guest --name w; vm:wait w --for ready --timeout 10m; vm:stop w" >/dev/null 2>&1
}

cpu() { { time run "$1"; } 2>&1 | tail -n 1 | awk '{print $1 + $2}'; }

with=() without=()
printf '%5s %8s %8s   CPU seconds, %s\n' round with without "$guest"
for round in $(seq "$rounds"); do
  w=$(cpu on)
  o=$(cpu off)
  with+=("$w") without+=("$o")
  printf '%5s %8s %8s\n' "$round" "$w" "$o"
done
median() { printf '%s\n' "$@" | sort -g | awk '{v[NR] = $1} END {print v[int((NR + 1) / 2)]}'; }
w=$(median "${with[@]}")
o=$(median "${without[@]}")
awk -v w="$w" -v o="$o" 'BEGIN {printf "median: with %.2f, without %.2f, ratio %.3f\n", w, o, w / o}'
