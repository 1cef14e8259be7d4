#!/bin/sh
# How long from the crash of a server, when it is noticed, until it is served again, per kind, under a nano guest at work.
# Exit 0 when every crash was mended and the guest's data are what they were.
#
#   bench/recovery.sh [--crashes N] [--kinds A,B...] [--seed S]
#
#   --crashes N     of each kind (default 100)
#   --kinds A,B     only these: scheduler pager plic uart rtc finisher virtio.blk store.file console.host vmm swapper
#   --seed S        the same order as another run with that seed (default 1)
#
# Samples during which the host gave the processors to others are set aside, as in the soak.
set -eu
cd "$(dirname "$0")/.."
./duality -c 'guest:list' >/dev/null
mvn -B -q --color never -o -pl bench/soak -am package -DskipTests -Derrorprone=-Xdiags:compact >&2
bundle=bench/soak/target/duality.soak.jar
exec ./duality -c "felix:start file:$PWD/$bundle; soak:crashes $*"
