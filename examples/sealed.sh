#!/bin/sh
# Debian's disk on a store that nobody needs to trust (store.sealed): it is written while the sealed store, and the one below it, are
# swapped and killed; after a restart of the whole system all is there; and when somebody has been at the file meanwhile, the guest gets an
# I/O error and works on: a changed block, a block of an earlier time, a seal that is none.
#
#   examples/sealed.sh        some minutes; needs guest:fetch linux. Exit 0: all as it should be
set -eu
cd "$(dirname "$0")/.."
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
disk=$folder/disk.img
truncate -s 16M "$disk"
sum=a036031249164ec858e23450a91585ae7dcb73d481105832ca33813da893233f # of seq 1 300000, 1,988,895 bytes

boot="vm:run linux --name a --memory 256M --disk $disk --store store.sealed
vm:wait a --for ready --timeout 10m"
write="vm:exec a 'seq 1 300000 | dd of=/dev/vda bs=4k conv=fsync 2>/dev/null'"
read="dd if=/dev/vda iflag=direct bs=4k count=486 2>/dev/null | head -c 1988895 | sha256sum | cut -c1-64"
whole="same \$(vm:exec a '$read') $sum"

run() { # WHAT COMMANDS: in a system of its own
  echo "== $1"
  printf '%s\n' "$2" >"$folder/script"
  { ./duality -f "$folder/script" && echo >"$folder/well"; } 2>&1 | tee "$folder/said"
  [ -e "$folder/well" ] || { echo "sealed.sh: that failed" >&2; exit 1; }
  rm "$folder/well"
}
say() { grep -q "$1" "$folder/said" || { echo "sealed.sh: nothing says '$1'" >&2; exit 1; }; }

run "written, while its stores are swapped and killed" "$boot
$write
$whole
vm:exec a '(i=0; while [ ! -e /tmp/stop ]; do seq 1 300000 | dd of=/dev/vda bs=4k conv=fsync || touch /tmp/bad; i=\$((i + 1)); echo \$i > /tmp/rounds; done; touch /tmp/done) > /dev/null 2>&1 &'
vm:exec a 'while [ ! -e /tmp/rounds ]; do sleep 0.1; done'
repeat 5 {
  kernel:swap vm/a/store0 store.sealed
  kernel:swap vm/a/store0/raw store.file
  kernel:swap vm/a/blk0 virtio.blk
  sleep 200ms
}
kernel:kill vm/a/store0
sleep 1s
kernel:kill vm/a/store0/raw
sleep 1s
vm:exec a --timeout 5m 'touch /tmp/stop; while [ ! -e /tmp/done ]; do sleep 0.1; done; cat /tmp/rounds; [ ! -e /tmp/bad ]'
$whole
vm:exec a '! dmesg | grep -E \"I/O error|stall|soft lockup|blocked for\"'
kernel:history --last 6
vm:stop a"
if grep -aq '^123456$' "$disk"; then
  echo "sealed.sh: what was written is to be read in the file" >&2
  exit 1
fi

run "read by another system, and rebooted" "$boot
$whole
vm:stop a
vm:delete a
$boot
$whole
vm:stop a"

cp "$disk" "$folder/good.img"
printf 'somebody was here' | dd of="$disk" bs=1 seek=800000 conv=notrunc 2>/dev/null
run "somebody has changed a block" "$boot
vm:exec a '$read | grep -q $sum' || echo 'not read, as it should be'
vm:exec a 'dmesg | grep -m1 \"I/O error\"'
vm:exec a 'dd if=/dev/vda iflag=direct bs=4k count=100 2>/dev/null | tail -n +2 | head -n 1'
kernel:trace
vm:stop a"
say 'not read, as it should be'
say 'I/O error, dev vda'
say TAMPERED

cp "$folder/good.img" "$disk"
run "put right again, and written once more" "$boot
$whole
vm:exec a 'seq 2 300001 | dd of=/dev/vda bs=4k conv=fsync 2>/dev/null'
vm:stop a"
cp "$folder/good.img" "$disk"
run "somebody has put all of an earlier time back" "$boot
vm:exec a '$read | grep -q $sum' || echo 'not read, as it should be'
vm:exec a 'dmesg | grep -m1 \"I/O error\"'
vm:stop a"
say 'not read, as it should be'
say 'I/O error, dev vda'

echo "nonsense" >"$disk.seal"
echo "== a seal that is none"
if ./duality -c "vm:run linux --name a --memory 256M --disk $disk --store store.sealed" >"$folder/said" 2>&1; then
  cat "$folder/said"
  echo "sealed.sh: it is taken" >&2
  exit 1
fi
cat "$folder/said"
say seal
echo "== all as it should be"
