#!/bin/sh
# Makes an ELF file of a running kernel's functions, for gdb: no code in it, only names.
#
#   kernel-symbols.sh KALLSYMS OUT       KALLSYMS is a copy of the guest's /proc/kallsyms, with addresses in it
set -eu
[ $# = 2 ] || { sed -n '2,4s/^# \{0,1\}//p' "$0" >&2; exit 2; }
cross=${CROSS:-riscv64-linux-gnu-}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
# The kernel's own functions, each name once; modules have a fourth field.
awk '$2 ~ /^[tT]$/ && NF == 3 && $3 ~ /^[A-Za-z_][A-Za-z0-9_]*$/ && !($3 in seen) { seen[$3]; print $1, $3 }' "$1" |
  sort >"$work/names"
base=$(sed -n '1s/ .*//p' "$work/names")
case $base in '' | 0000000000000000) echo "$1 has no addresses: echo 0 >/proc/sys/kernel/kptr_restrict in the guest" >&2; exit 1 ;; esac
awk -v base="$base" '
  BEGIN { print ".option rvc\n.section .kernel,\"ax\",@nobits" }
  { printf ".org 0x%s-0x%s\n.globl %s\n.type %s,@function\n%s:\n", $1, base, $2, $2, $2 }
  END { print ".skip 64" }' "$work/names" >"$work/names.s"
"${cross}as" "$work/names.s" -o "$work/names.o"
"${cross}ld" -e 0 "--section-start=.kernel=0x$base" "$work/names.o" -o "$2"
