#!/bin/sh
# Builds teach.elf from the sources beside this script.
#
#   build.sh          writes ../resources/duality/vmm/machine/teach.elf, which is checked in
#   build.sh check    builds into a temporary folder and compares, byte for byte
#
# Needs riscv64-linux-gnu-gcc 12.2 (Debian 12: gcc-riscv64-linux-gnu); another version may produce
# other bytes. CROSS is the tools' prefix. Exit: 0 the same, 1 different, 2 cannot build.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
kept=$here/../resources/duality/vmm/machine/teach.elf
cross=${CROSS:-riscv64-linux-gnu-}
command -v "${cross}gcc" > /dev/null || { echo "build.sh: no ${cross}gcc" >&2; exit 2; }

# Nothing in the result may
# depend on where or when it was built: no build id, no paths, objects with fixed names.
flags="-march=rv64imac_zicsr -mabi=lp64 -mcmodel=medany -O2 -Wall -Wextra -Werror -std=gnu11
  -ffreestanding -fno-builtin -fno-pic -fno-stack-protector -fno-asynchronous-unwind-tables
  -fno-tree-loop-distribute-patterns -msmall-data-limit=0"
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT
cd "$here"
for source in *.S *.c; do
  "${cross}gcc" $flags -c "$source" -o "$out/${source%.*}.o" || exit 2
done
(cd "$out" && "${cross}gcc" -nostdlib -static -no-pie -march=rv64imac_zicsr -mabi=lp64 \
  -Wl,--build-id=none -Wl,-z,max-page-size=4096 -Wl,--no-warn-rwx-segments \
  -T "$here/teach.ld" -o teach.elf ./*.o) || exit 2

if [ "${1:-}" = check ]; then
  cmp "$out/teach.elf" "$kept" && echo "teach.elf: as built from source" && exit 0
  echo "build.sh: teach.elf is not what these sources give with: $("${cross}gcc" --version | head -1)" >&2
  exit 1
fi
mkdir -p "$(dirname "$kept")"
cp "$out/teach.elf" "$kept"
chmod 644 "$kept"
echo "teach.elf: $(wc -c < "$kept") bytes"
