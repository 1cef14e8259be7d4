#!/bin/bash
# Boots Linux with so many harts, so many times, and counts the boots that fail: each one has to become ready, to print
# the right number for nproc, to work on all harts at once, and to switch itself off.
#
#   bench/harts.sh [HARTS [COUNT [SECONDS]]]     default: 2 harts, 100 boots, 120 seconds for each step of one
#
# Up to ten boots, one after the other, are in one JVM; a boot that fails ends it, after it said what the guest had
# printed and what its harts do. Exit 0 when none failed.
set -u
cd "$(dirname "$0")/.."
harts=${1:-2} count=${2:-100} seconds=${3:-120}
./duality -c 'guest:list' >/dev/null || exit 2
work='for i in $(seq $(nproc)); do head -c 2000000 /dev/zero | md5sum & done; wait'
done=0 failed=0
while [ $((done + failed)) -lt "$count" ]; do
  script='' first=$((done + failed + 1))
  for i in $(seq "$first" $((first + 9 < count ? first + 9 : count))); do
    script+="vm:run linux --name b$i --cpus $harts; vm:wait b$i --timeout ${seconds}s; "
    script+="vm:exec b$i 'test \$(nproc) = $harts'; vm:exec b$i '$work'; "
    script+="vm:exec b$i '(sleep 0.1; poweroff -f) >/dev/null 2>&1 &'; "
    script+="vm:wait b$i --for stopped --timeout ${seconds}s; vm:delete b$i; echo booted $i; "
  done
  log=$(mktemp)
  ./duality -c "$script" >"$log" 2>&1 </dev/null
  status=$?
  good=$(grep -c '^booted' "$log")
  done=$((done + good))
  if [ "$status" != 0 ]; then
    failed=$((failed + 1))
    echo "boot $((done + failed)) of $count failed:"
    tail -n 40 "$log"
  fi
  rm -f "$log"
  echo "$harts harts: $done booted, $failed failed"
done
[ "$failed" = 0 ]
