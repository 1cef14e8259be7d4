#!/bin/bash
# The litmus programs for two harts (message passing, store buffering, load buffering, coherence, code that the other hart
# writes, LR/SC and AMO counters, locks), so many times each: what RVWMO forbids must not be seen, no update be lost.
#
#   bench/litmus.sh [RUNS [qemu]]     default 1000000; with "qemu" QEMU runs them, too
#
# Lines are LETTER NAME COUNT. F: forbidden outcomes or lost updates, has to be 0. S: the same with the fence or atomic
# taken out, which x86 shows. A: allowed, and not shown by x86. Exit 0 when no F was seen, and each S was.
set -eu
cd "$(dirname "$0")/.."
runs=$(((${1:-1000000} + 255) / 256 * 256))
source=vmm.bundle/machine/src/test/resources/duality/vmm/machine/litmus.S
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
riscv64-linux-gnu-gcc -march=rv64ima_zicsr_zifencei -mabi=lp64 -nostdlib -static -fno-pic \
  -Wl,--build-id=none,-N,--no-warn-rwx-segments -Ttext=0x80000000 -o "$folder/litmus.elf" "$source"
riscv64-linux-gnu-objcopy -O binary -j .text "$folder/litmus.elf" "$folder/litmus.bin"
word=''
for i in 0 1 2 3 4 5 6 7; do
  word+=$(printf '\\x%02x' $((runs >> 8 * i & 255)))
done
printf "$word" | dd of="$folder/litmus.bin" bs=1 seek=8 conv=notrunc status=none
if [ "${2:-}" = qemu ]; then
  echo "QEMU, $runs runs:"
  qemu-system-riscv64 -M virt -smp 2 -m 64M -bios none -kernel "$folder/litmus.bin" -display none -serial stdio </dev/null
fi
echo "duality, $runs runs:"
./duality -c "vm:run --kernel $folder/litmus.bin --firmware none --name litmus --cpus 2 --memory 16M;
  vm:wait litmus --for stopped --timeout 1h; vm:console litmus" | tee "$folder/out"
awk '/^F / {n++; if ($NF != 0) bad++} /^S / {if ($NF == 0) missed++}
  END {print n " forbidden outcomes, seen: " bad + 0 "; taken out and not noticed: " missed + 0; exit n == 0 || bad || missed}' "$folder/out"
