#!/bin/sh
# Builds the native test programs: Linux programs for RV64, static, with the C library that comes with
# riscv64-linux-gnu-gcc (Debian: gcc-riscv64-linux-gnu, libc6-dev-riscv64-cross). Nothing built is
# checked in, because a C library is other people's.
#
#   build.sh FOLDER   builds all of them into FOLDER
#   build.sh check    builds them into a temporary folder and, if qemu-riscv64 is there, runs them on it
#
# CROSS is the tools' prefix. Exit: 0 well, 1 a program fails, 2 cannot build.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
cross=${CROSS:-riscv64-linux-gnu-}
[ $# = 1 ] || { echo "usage: build.sh FOLDER | check" >&2; exit 2; }
command -v "${cross}gcc" > /dev/null || { echo "build.sh: no ${cross}gcc" >&2; exit 2; }
if [ "$1" = check ]; then
  out=$(mktemp -d)
  trap 'rm -rf "$out"' EXIT
else
  mkdir -p "$1"
  out=$1
fi
for source in "$here"/*.c; do
  name=$(basename "$source" .c)
  "${cross}gcc" -static -O2 -Wall -Wextra -Werror -march=rv64gc -mabi=lp64d -Wl,--build-id=none \
    "$source" -o "$out/$name" || exit 2
done
[ "$1" = check ] || exit 0

command -v qemu-riscv64 > /dev/null || { echo "programs: built, not run (no qemu-riscv64)"; exit 0; }
failed=0
expect() { # STATUS OUTPUT PROGRAM [ARGUMENTS]: output as one line, lines joined by '|'
  status=$1 output=$2
  shift 2
  got=$(env -i qemu-riscv64 "$out/$1" $(shift; echo "$@") 2>&1 && echo "=0" || echo "=$?")
  got=$(echo "$got" | tr '\n' '|')
  [ "$got" = "$output|=$status|" ] || { echo "$1: $got" >&2; failed=1; }
}
expect 0 "hello, world" hello
expect 2 "2 arguments, 0 variables|1: one|2: two" args one two
expect 0 "brk: 64 pages|mmap: 64 pages|bss: 64 pages|all zero, checksum dc1bbd6f6de3d180" faults
expect 0 "brk: 3 pages|mmap: 3 pages|bss: 3 pages|all zero, checksum a296ad2c61dc435c" faults 3
expect 0 "clock: monotonic grows, real time is set" clock
expect 0 "bpf: errno 38|system call 4000: errno 38" enosys
[ $failed = 0 ] && echo "programs: all run as they should"
exit $failed
