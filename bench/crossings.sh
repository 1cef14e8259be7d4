#!/bin/sh
# What one operation of an operating system crosses in each structure, by kind: the same static program in Linux on vmm.machine (a full
# hart), in the same Linux on vmm.trap, and as a native task of personality.linux; and what nano can do on these two and, ported, on vmm.xen, with
# its fast gate for system calls shut and open. Needs riscv64-linux-gnu-gcc with its C library.
#
#   bench/crossings.sh [ROUNDS] [FILE]     default 5; the table goes to FILE as JSON too (crossings.json)
#
# null call, page fault, fork + exit, exec, context switch through a pipe, 4 KiB read and written, and on Linux a round of a script of busybox's
# shell. Each is done N and 5 N times and what is more is divided by 4 N; of ROUNDS such pairs the median. Needs a quiet host for times; the counts need none.
#
# Then, with qemu-riscv64, the system calls of an operation are counted once more by its -strace, which knows nothing of this system. Exit 1
# when the monitor's or the personality's count is more than 2 % (or 0.05) from it. jq is needed for that.
set -eu
cd "$(dirname "$0")/.."
rounds=${1:-5}
file=${2:-crossings.json}
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
it/src/programs/build.sh "$folder"
./duality -c "kernel:crossings $folder/ops --rounds $rounds --json $file"
if ! command -v qemu-riscv64 >/dev/null || ! command -v jq >/dev/null; then
  echo "crossings: no qemu-riscv64 or jq, the system calls are not compared"
  exit 0
fi
truncate -s 1M "$folder/disk"
calls() { # ARGUMENTS of ops: the system calls that it and its children make
  qemu-riscv64 -strace "$folder/ops" "$@" 2>&1 >/dev/null | grep -cE '^[0-9]+ [a-z_0-9]+\('
}
one() { # OPERATION N [FILE]: of one operation
  few=$(calls "$1" "$2" ${3:+"$3"})
  many=$(calls "$1" $((5 * $2)) ${3:+"$3"})
  awk -v few="$few" -v many="$many" -v n="$2" 'BEGIN { printf "%.3f\n", (many - few) / (4 * n) }'
}
fork=$(one fork 10)
{
  echo "null $(one null 1000)"
  echo "fault $(one fault 512)"
  echo "fork $fork"
  # qemu-riscv64 has the host run what a program executes: a child's own calls are those of a start, and one that becomes another program.
  echo "exec $(awk -v fork="$fork" -v start="$(calls nothing)" 'BEGIN { print fork + start }')"
  echo "switch $(one switch 200)"
  echo "read $(one read 100 "$folder/disk")"
  echo "write $(one write 100 "$folder/disk")"
} >"$folder/strace"
jq -r '.[] | select(.systemCalls != "" and .operation != "script" and (.structure | startswith("nano/") | not)) | "\(.structure) \(.operation) \(.systemCalls)"' "$file" >"$folder/ours"
awk '
  BEGIN { printf "\n%-10s %-10s %14s %14s\n", "structure", "operation", "system calls", "qemu -strace" }
  NR == FNR { theirs[$1] = $2; next }
  {
    away = $3 - theirs[$2]; away = away < 0 ? -away : away
    wrong = away > 0.05 && away > 0.02 * theirs[$2]
    printf "%-10s %-10s %14.2f %14.2f%s\n", $1, $2, $3, theirs[$2], wrong ? "   NOT THE SAME" : ""
    bad += wrong
  }
  END { exit bad > 0 || FNR == 0 }' "$folder/strace" "$folder/ours"
