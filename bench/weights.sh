#!/bin/bash
# Do weights hold? Two guests that only compute, of weights 3 and 1, share one processor under scheduler.fair: what each got of it.
#
#   bench/weights.sh [SECONDS] [ROUNDS]     default 10 seconds, 3 rounds
#
# Exit 0 when each round is within 10 % of 3 to 1. Processor time is what the kernel counts for the guests' threads, so a host that is
# busy with other things takes from both.
set -eu
cd "$(dirname "$0")/.."
seconds=${1:-10}
rounds=${2:-3}
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
printf '\157\0\0\0\157\0\0\0' >"$folder/spin" # a jump to itself, as a firmware without a header
{
  echo "vm:run --firmware $folder/spin --name three --weight 300 --memory 16M"
  echo "vm:run --firmware $folder/spin --name one --weight 100 --memory 16M"
  echo 'sleep 2s'
  for _ in $(seq 0 "$rounds"); do
    echo 'echo list'
    echo 'vm:list'
    echo "sleep ${seconds}s"
  done
  echo 'vm:delete three'
  echo 'vm:delete one'
} >"$folder/script.gogo"
./duality --processors 1 -f "$folder/script.gogo" >"$folder/out" 2>"$folder/err" || {
  cat "$folder/out" "$folder/err" >&2
  exit 1
}
awk '
  # A time as the table shows it, in seconds.
  function seconds(text,   n, part) {
    n = text + 0
    if (text ~ /ms$/) return n / 1000
    if (text ~ /µs$/ || text ~ /us$/) return n / 1000000
    if (text ~ /^[0-9]+m/) { split(text, part, "m"); return part[1] * 60 + part[2] }
    return n
  }
  $1 == "list" { round++; next }
  $1 == "name" { for (i = 1; i <= NF; i++) if ($i == "cpu") column = i; next }
  column && ($1 == "three" || $1 == "one") { cpu[$1, round] = seconds($column) }
  END {
    printf "%5s %10s %10s %8s\n", "round", "three", "one", "ratio"
    for (r = 2; r <= round; r++) {
      a = cpu["three", r] - cpu["three", r - 1]
      b = cpu["one", r] - cpu["one", r - 1]
      q = b > 0 ? a / b : 0
      printf "%5d %9.2fs %9.2fs %8.3f\n", r - 1, a, b, q
      if (q < 2.7 || q > 3.3) bad = 1
    }
    if (round < 2) bad = 1
    print bad ? "weights 3 to 1: not within 10 %" : "weights 3 to 1: within 10 %"
    exit bad
  }' "$folder/out"
