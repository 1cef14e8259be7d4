#!/bin/sh
# How long until a scheduler that has gone wrong is found out and every thread runs again, on an idle and on a loaded host.
#
#   bench/schedulers.sh [ROUNDS]     default 20
set -eu
cd "$(dirname "$0")/.."
. cnf/jdk25.sh
find_jdk25
mvn -B -q --color never -o -pl bench -am package -DskipTests -Derrorprone=-Xdiags:compact
for burners in 0 4; do
  # shellcheck disable=SC2154 # jdk is set by find_jdk25
  "$jdk/bin/java" --enable-native-access=ALL-UNNAMED --sun-misc-unsafe-memory-access=allow -XX:+UseSerialGC \
    -cp "bench/target/classes:$(cat bench/target/classpath)" duality.bench.recovery.SchedulerDetection "${1:-20}" "$burners"
done
