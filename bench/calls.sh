#!/bin/bash
# What a call through a capability costs beside a plain interface call, a service tracker's look-up, two locks and a
# hand-off to another thread: with servers of one class and of three, fresh and after 400 swaps, with one caller and two.
#
#   bench/calls.sh [--stress] [JMH OPTION...]
#
# --stress attacks the guard of calls with jcstress instead. Its control, a fence of the drainer alone, has to show up
# among the interesting results, or the run proves nothing.
set -eu
cd "$(dirname "$0")/.."
. cnf/jdk25.sh
find_jdk25
[ -f bench/target/classpath ] || mvn -q -pl bench -am package -DskipTests
java() {
  "$jdk/bin/java" -cp "bench/target/classes:$(cat bench/target/classpath)" "$@"
}
if [ "${1:-}" = --stress ]; then
  shift
  java org.openjdk.jcstress.Main -t CallSlotStress -jvmArgs --enable-native-access=ALL-UNNAMED -r bench/target/jcstress/ "$@"
  exit
fi
for callers in 1 2; do
  echo "== callers: $callers"
  java org.openjdk.jmh.Main CallBenchmark -t "$callers" -rf json -rff "bench/target/calls-$callers.json" "$@" |
    sed -n '/^Benchmark /,$p'
done
