#!/bin/bash
# What a structure costs the same guest: one Debian goes to and fro between vmm.machine (the engine has the whole hart) and vmm.trap (its
# kernel runs in user mode, every system call, fault and privileged instruction is an IPC), and does the same jobs on each.
#
#   bench/structures.sh [ROUNDS]     default 5
#
# Prints for each job the least time of all rounds in seconds of guest time, which is the host's; so the host has to be quiet. The first
# round warms up and does not count. At the end: the exits of the last stay on vmm.trap by kind and by Goldberg's four sources.
set -eu
cd "$(dirname "$0")/.."
rounds=${1:-5}
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
truncate -s 16M "$folder/disk"

# The name of a job, how many operations it is, and what the guest does.
jobs() {
  cat <<'END'
null-call 200000 dd if=/dev/zero of=/dev/null bs=1 count=100000
read-4K 40000 dd if=/dev/zero of=/dev/null bs=4k count=20000
fork-exit 200 i=0; while [ $i -lt 200 ]; do (:); i=$((i + 1)); done
fork-exec 100 i=0; while [ $i -lt 100 ]; do /bin/busybox ls -d / > /dev/null; i=$((i + 1)); done
page-fault 8192 dd if=/dev/zero of=/dev/null bs=32M count=1
pipe 20000 dd if=/dev/zero bs=1 count=20000 | dd of=/dev/null bs=1
disk-read-4K 1000 dd if=/dev/vda of=/dev/null bs=4k count=1000 iflag=direct
disk-write-4K 1000 dd if=/dev/zero of=/dev/vda bs=4k count=1000 oflag=direct
sha256 1 head -c 4000000 /dev/zero | sha256sum
gzip 1 gzip -c /bin/busybox > /dev/null
END
}

{
  echo "vm:run linux --name s --memory 256M --disk $folder/disk"
  echo 'vm:wait s --for ready --timeout 10m'
  for round in $(seq 0 "$rounds"); do
    for structure in machine trap; do
      echo "kernel:swap vm/s vmm.$structure"
      while read -r name count command; do
        echo "vm:exec s --timeout 10m 'time -p sh -c \"${command//\$/\\\$}\" > /dev/null 2> /tmp/time; tail -n 3 /tmp/time | sed -n \"s/real */@ $round $structure $name $count /p\"'"
      done < <(jobs)
      [ "$round$structure" != "${rounds}trap" ] || echo 'vm:inspect s'
    done
  done
  echo 'vm:delete s'
} >"$folder/script.gogo"

./duality -f "$folder/script.gogo" >"$folder/out" 2>"$folder/err" || {
  cat "$folder/err" >&2
  exit 1
}
printf '%-14s %10s %12s %12s %8s\n' job operations machine trap ratio
awk '$1 == "@" && $2 > 0 {
    k = $4 " " $3
    if (!(k in least) || $6 < least[k]) least[k] = $6
    if (!($4 in count)) order[++n] = $4
    count[$4] = $5
  }
  END {
    for (i = 1; i <= n; i++) {
      j = order[i]; m = least[j " machine"]; t = least[j " trap"]
      printf "%-14s %10d %12.2f %12.2f %8s\n", j, count[j], m, t, (m > 0 ? sprintf("%.2f", t / m) : "-")
    }
  }' "$folder/out"
sed -n '/^overhead/,$p' "$folder/out" | sed '/^s: deleted/d'
