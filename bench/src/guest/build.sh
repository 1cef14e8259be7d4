#!/bin/sh
# Builds mix from the sources beside this script.
#
#   build.sh          writes mix, which is checked in
#   build.sh check    builds into a temporary folder and compares, byte for byte
#
# Needs riscv64-linux-gnu-gcc 12.2 (Debian 12: gcc-riscv64-linux-gnu); another version may produce
# other bytes. CROSS is the tools' prefix. Exit: 0 the same, 1 different, 2 cannot build.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
kept=$here/mix
cross=${CROSS:-riscv64-linux-gnu-}
command -v "${cross}gcc" > /dev/null || { echo "build.sh: no ${cross}gcc" >&2; exit 2; }

# Nothing in the result may depend on where or when it was built: no build id, no paths, objects with
# fixed names.
flags="-march=rv64gc -mabi=lp64d -O2 -Wall -Wextra -Werror -std=gnu11 -ffreestanding -fno-builtin
  -fno-pic -fno-stack-protector -fno-asynchronous-unwind-tables -fno-tree-loop-distribute-patterns
  -msmall-data-limit=0 -mno-relax"
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT
cd "$here"
for source in *.S *.c; do
  "${cross}gcc" $flags -c "$source" -o "$out/${source%.*}.o" || exit 2
done
(cd "$out" && "${cross}gcc" -nostdlib -static -no-pie -march=rv64gc -mabi=lp64d -s \
  -Wl,--build-id=none -Wl,-z,max-page-size=4096 -Wl,-z,noexecstack -o mix ./*.o) || exit 2

if [ "${1:-}" = check ]; then
  cmp "$out/mix" "$kept" && echo "mix: as built from source" && exit 0
  echo "build.sh: mix is not what these sources give with: $("${cross}gcc" --version | head -1)" >&2
  exit 1
fi
mkdir -p "$(dirname "$kept")"
cp "$out/mix" "$kept"
chmod 755 "$kept"
echo "mix: $(wc -c < "$kept") bytes"
