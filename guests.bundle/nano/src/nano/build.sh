#!/bin/sh
# Builds nano.elf, and nano-xen.elf, the same kernel ported to vmm.xen: what lies in ../xen takes the place of files of that
# name here, and of those that it has no use for.
#
#   build.sh [check]  see cnf/guest-code.sh
#   build.sh changed  counts the lines that the port changed or added, as [BDF+03] did for Linux
set -eu
here=$(cd "$(dirname "$0")" && pwd)
port=$here/../xen
kept=$here/../main/resources/nano
. "$here/../../../../cnf/guest-code.sh"
unused="devicetree.c sbi.c plic.c uart.c rtc.c" # on vmm.xen

if [ "${1:-}" = changed ]; then
  for file in "$port"/*; do
    name=$(basename "$file")
    before=$here/$name
    [ -f "$before" ] || before=/dev/null
    echo "$(diff "$before" "$file" | grep -c '^>' || true) $name"
  done | sort -rn > "$out/counts"
  cat "$out/counts"
  all=$(cat "$here"/*.c "$here"/*.h "$here"/*.S "$here"/*.ld | wc -l)
  awk -v all="$all" '{ sum += $1 } END { printf "%d lines changed or added, beside %d of nano\n", sum, all }' "$out/counts"
  exit 0
fi

kernel "$here/nano.ld"
mkdir "$out/nano" "$out/xen"
cp "$here"/*.c "$here"/*.h "$here"/*.S "$out/nano"
cp "$here"/*.c "$here"/*.h "$here"/*.S "$out/xen"
(cd "$out/xen" && rm $unused)
cp "$port"/* "$out/xen"
build "$out/nano" nano.elf
build "$out/xen" nano-xen.elf

status=0
for name in nano.elf nano-xen.elf; do
  keep "${1:-}" 644 "$kept/$name" || status=1
done
exit $status
