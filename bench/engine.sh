#!/bin/bash
# The interpreter beside QEMU in one run: million guest instructions per CPU second, as a user program and behind page tables on a whole hart.
#
#   bench/engine.sh [ROUNDS] [FILE]     default 7 rounds; FILE gets the same as JSON
set -eu
cd "$(dirname "$0")/.."
. cnf/jdk25.sh
find_jdk25 || exit 2
rounds=${1:-7}
file=${2:-}
if [ ! -f bench/target/classpath ] || [ -n "$(find bench/src processor.bundle/interpreter/src/main -newer bench/target/classpath -name '*.java' -print -quit)" ]; then
  mvn -q -B -pl bench -am package -DskipTests
fi
exec "$jdk/bin/java" --enable-native-access=ALL-UNNAMED --sun-misc-unsafe-memory-access=allow -XX:PerMethodTrapLimit=0 \
  -XX:+UseSerialGC -cp "bench/target/classes:$(cat bench/target/classpath)" duality.bench.EngineBenchmark "$rounds" 1000 \
  bench/src/guest/mix ${file:+"$file"}
