#!/bin/sh
# Builds nano.elf, and nano-xen.elf, the same kernel ported to vmm.xen: what lies in ../xen takes the place of files of that
# name here, and of those that it has no use for.
#
#   build.sh          writes ../main/resources/nano/*.elf, which are checked in
#   build.sh check    builds into a temporary folder and compares, byte for byte
#   build.sh changed  counts the lines that the port changed or added, as [BDF+03] did for Linux
#
# Needs riscv64-linux-gnu-gcc 12.2 (Debian 12: gcc-riscv64-linux-gnu); another version may produce
# other bytes. CROSS is the tools' prefix. Exit: 0 the same, 1 different, 2 cannot build.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
port=$here/../xen
kept=$here/../main/resources/nano
cross=${CROSS:-riscv64-linux-gnu-}
unused="devicetree.c sbi.c plic.c uart.c rtc.c" # on vmm.xen
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT

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

command -v "${cross}gcc" > /dev/null || { echo "build.sh: no ${cross}gcc" >&2; exit 2; }

# A kernel leaves the floating-point registers alone, hence imac and lp64. Nothing in the result may
# depend on where or when it was built: no build id, no paths, objects with fixed names.
flags="-march=rv64imac_zicsr -mabi=lp64 -mcmodel=medany -O2 -Wall -Wextra -Werror -std=gnu11
  -ffreestanding -fno-builtin -fno-pic -fno-stack-protector -fno-asynchronous-unwind-tables
  -fno-tree-loop-distribute-patterns -msmall-data-limit=0"
build() { # FOLDER NAME
  mkdir "$1.o"
  (cd "$1" && for source in *.S *.c; do
    "${cross}gcc" $flags -c "$source" -o "$1.o/${source%.*}.o" || exit 2
  done) || exit 2
  (cd "$1.o" && "${cross}gcc" -nostdlib -static -no-pie -march=rv64imac_zicsr -mabi=lp64 \
    -Wl,--build-id=none -Wl,-z,max-page-size=4096 -Wl,--no-warn-rwx-segments \
    -T "$here/nano.ld" -o "$out/$2" ./*.o) || exit 2
}
mkdir "$out/nano" "$out/xen"
cp "$here"/*.c "$here"/*.h "$here"/*.S "$out/nano"
cp "$here"/*.c "$here"/*.h "$here"/*.S "$out/xen"
(cd "$out/xen" && rm $unused)
cp "$port"/* "$out/xen"
build "$out/nano" nano.elf
build "$out/xen" nano-xen.elf

status=0
for name in nano.elf nano-xen.elf; do
  if [ "${1:-}" = check ]; then
    if cmp "$out/$name" "$kept/$name"; then
      echo "$name: as built from source"
    else
      echo "build.sh: $name is not what these sources give with: $("${cross}gcc" --version | head -1)" >&2
      status=1
    fi
  else
    mkdir -p "$kept"
    cp "$out/$name" "$kept/$name"
    chmod 644 "$kept/$name"
    echo "$name: $(wc -c < "$kept/$name") bytes"
  fi
done
exit $status
