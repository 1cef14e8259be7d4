#!/bin/bash
# CPU seconds that the boot takes of Debian's unmodified kernel with its own command line plus "quiet",
# on duality and on QEMU, one after the other in each round, with the same kernel and initramfs files.
#
#   bench/boot.sh [ROUNDS]     default 5
#
# The whole process counts: JVM start, just-in-time compilation and garbage collection, or QEMU and its firmware.
# From start to user land: until the agent answers (duality) or the console prints the ready line (QEMU).
set -eu
cd "$(dirname "$0")/.."
rounds=${1:-5}
line='console=ttyS0 quiet'
cache=${XDG_CACHE_HOME:-$HOME/.cache}/duality/linux
kernel=$(find "$cache" -name Image -o -name 'vmlinux*' | head -n 1)
initrd=$(find "$cache" -name 'initramfs*.cpio' | head -n 1)
[ -n "$kernel" ] && [ -n "$initrd" ] || {
  echo "bench/boot.sh: no Linux image in $cache; get it: ./duality -c 'guest:fetch linux'" >&2
  exit 2
}
command -v qemu-system-riscv64 >/dev/null || {
  echo 'bench/boot.sh: qemu-system-riscv64 is missing (Debian: qemu-system-misc)' >&2
  exit 2
}
./duality -c 'guest:list' >/dev/null
TIMEFORMAT='%R %U %S'

duality() {
  ./duality -c "vm:run linux --name b --cmdline '$line'; vm:wait b --for ready --timeout 10m; vm:stop b" >/dev/null
}

qemu() {
  local out pid
  out=$(mktemp)
  qemu-system-riscv64 -M virt -m 512M -nographic -no-reboot -kernel "$kernel" -initrd "$initrd" \
    -append "$line" >"$out" 2>&1 </dev/null &
  pid=$!
  until grep -q 'duality: ready' "$out"; do
    kill -0 "$pid" 2>/dev/null || { cat "$out" >&2; exit 1; }
    sleep 0.05
  done
  kill "$pid"
  wait "$pid" || true
  rm -f "$out"
}

ours=() peers=()
printf '%5s %20s %20s\n' round 'duality: wall cpu' 'qemu: wall cpu'
for round in $(seq "$rounds"); do
  a=$({ time duality; } 2>&1 | tail -n 1)
  b=$({ time qemu; } 2>&1 | tail -n 1)
  ac=$(awk '{print $2 + $3}' <<<"$a")
  bc=$(awk '{print $2 + $3}' <<<"$b")
  ours+=("$ac") peers+=("$bc")
  printf '%5s %12s %7s %12s %7s\n' "$round" "${a%% *}" "$ac" "${b%% *}" "$bc"
done
median() { printf '%s\n' "$@" | sort -g | awk '{v[NR] = $1} END {print v[int((NR + 1) / 2)]}'; }
o=$(median "${ours[@]}")
p=$(median "${peers[@]}")
awk -v o="$o" -v p="$p" 'BEGIN {printf "median CPU seconds: duality %.1f, qemu %.1f, ratio %.1f\n", o, p, o / p}'
