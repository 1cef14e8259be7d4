#!/bin/sh
# A Linux guest writes a disk, sums up memory and answers on its console while every component under it is replaced
# at random moments. Exit 0 when nothing was lost.
#
#   bench/soak.sh [--minutes N | --swaps N] [--seed S] [--kinds A,B...] [--verb swap|update] [--gap MS] [--probes false] [--cpus N]
#
#   --minutes N     so long; without it --swaps counts
#   --swaps N       so many swaps (default 1000)
#   --seed S        the same random choices as another run with that seed (0 to 999999; default: the clock)
#   --kinds A,B     only these: scheduler pager plic uart rtc clint finisher virtio.blk virtio.console virtio.rng
#                   virtio.net net.switch store.file
#                   console.host port agent vmm swapper supervisor
#   --verb update   not kernel:swap but felix:update of each server's bundle from a file
#   --gap MS        mean time between two swaps (default 10)
#   --probes false  no calls beside the guest's own
#   --cpus N        harts of the guest, 1 to 8 (default 1)
set -eu
cd "$(dirname "$0")/.."
./duality -c 'guest:list' >/dev/null
[ "${SOAK_BUILT:-}" ] || mvn -B -q --color never -o -pl bench/soak -am package -DskipTests -Derrorprone=-Xdiags:compact >&2
bundle=bench/soak/target/duality.soak.jar
exec ./duality -c "felix:start file:$PWD/$bundle; soak:run $*"
