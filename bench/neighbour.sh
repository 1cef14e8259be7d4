#!/bin/bash
# What does a guest lose by a hostile one beside it? Two Debians share one processor: one computes all the time, the other is quiet, then
# computes, too, then forks without end, takes all its memory, and writes its disk as fast as it can, all at once.
#
#   bench/neighbour.sh [SECONDS]     default 12 for each; above a minute of processor time the table shows whole seconds only
#
# Prints the processor time of both and what part of its fair share the first one had: half of what both got, and half of the wall clock
# (which a host that is busy with other things makes less). Exit 0 when beside the hostile one the first is 95 % or more.
set -eu
cd "$(dirname "$0")/.."
seconds=${1:-12}
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
truncate -s 256M "$folder/disk"
spin='while :; do :; done'
measure() { printf 'echo begin %s\nvm:list\nsleep %ss\necho end %s\nvm:list\n' "$1" "$seconds" "$1"; }
{
  echo 'vm:run linux --name good --memory 128M'
  echo "vm:run linux --name bad --memory 160M --disk $folder/disk"
  echo 'vm:wait good --for ready --timeout 10m'
  echo 'vm:wait bad --for ready --timeout 10m'
  echo "vm:exec good 'setsid sh -c \"$spin\" > /dev/null 2>&1 < /dev/null &'"
  echo 'sleep 1s'
  measure quiet
  echo "vm:exec bad 'setsid sh -c \"$spin\" > /dev/null 2>&1 < /dev/null &'"
  echo 'sleep 1s'
  measure computes
  # shellcheck disable=SC2016 # the guest's shell expands that
  echo 'vm:exec bad '\''
    mkdir -p /tmp/hog; mount -t tmpfs -o size=120m none /tmp/hog 2> /dev/null
    setsid sh -c "while :; do dd if=/dev/zero of=/tmp/hog/a bs=1M count=110; rm -f /tmp/hog/a; done" > /dev/null 2>&1 < /dev/null &
    setsid sh -c "while :; do dd if=/dev/zero of=/dev/vda bs=64k count=4000 oflag=direct; done" > /dev/null 2>&1 < /dev/null &
    setsid sh -c "bomb() { bomb | bomb & }; bomb" > /dev/null 2>&1 < /dev/null &'\'''
  echo 'sleep 3s'
  measure hostile
  echo "vm:exec good --timeout 1m 'echo it still answers'"
  echo 'vm:delete bad'
  echo 'vm:delete good'
} >"$folder/script.gogo"
./duality --processors 1 -f "$folder/script.gogo" >"$folder/out" 2>"$folder/err" || {
  cat "$folder/out" "$folder/err" >&2
  exit 1
}
awk -v wall="$seconds" '
  function seconds(text,   n, part) {
    n = text + 0
    if (text ~ /ms$/) return n / 1000
    if (text ~ /µs$/ || text ~ /us$/) return n / 1000000
    if (text ~ /^[0-9]+m/) { split(text, part, "m"); return part[1] * 60 + part[2] }
    return n
  }
  $1 == "begin" || $1 == "end" { when = $1; what = $2; if (when == "begin") order[++n] = what; next }
  $1 == "name" { for (i = 1; i <= NF; i++) if ($i == "cpu") column = i; next }
  column && ($1 == "good" || $1 == "bad") { cpu[$1, what, when] = seconds($column) }
  END {
    printf "%-10s %8s %8s %16s %16s\n", "neighbour", "good", "bad", "of what both got", "of the clock"
    for (i = 1; i <= n; i++) {
      w = order[i]
      g = cpu["good", w, "end"] - cpu["good", w, "begin"]
      b = cpu["bad", w, "end"] - cpu["bad", w, "begin"]
      share = g + b > 0 ? 2 * g / (g + b) : 0
      printf "%-10s %7.2fs %7.2fs %15.1f%% %15.1f%%\n", w, g, b, 100 * share, 200 * g / wall
      if (w == "hostile") { seen = 1; if (share < 0.95 || g == 0) bad = 1 }
    }
    print bad || !seen ? "the hostile neighbour took more than 5 % of its fair share" : "at least 95 % of its fair share"
    exit bad || !seen
  }' "$folder/out"
