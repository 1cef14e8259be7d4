#!/bin/sh
# What one operation of an operating system crosses in each structure, by kind: the same static program in Linux on vmm.machine (a full
# hart), in the same Linux on vmm.trap, and as a native task of personality.linux. Needs riscv64-linux-gnu-gcc with its C library.
#
#   bench/crossings.sh [ROUNDS] [FILE]     default 1; the table goes to FILE as JSON too (crossings.json)
#
# null call, page fault, fork + exit, exec, context switch through a pipe, 4 KiB read and written. Each is done N and 5 N times and what is
# more is divided by 4 N. Needs a quiet host for times; the counts need none.
set -eu
cd "$(dirname "$0")/.."
rounds=${1:-1}
file=${2:-crossings.json}
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
it/src/programs/build.sh "$folder"
./duality -c "kernel:crossings $folder/ops --rounds $rounds --json $file"
