#!/bin/bash
# Fuzzes what a guest can do to its machine, on all processors: devices' registers and rings, page tables, calls of the SBI,
# instructions, kernels' and programs' files. Ends with "nothing came to harm", or with what did, and the inputs.
#
#   bench/fuzz.sh [--minutes N] [--workers N] [--seed N] [--corpus FOLDER] [--empty yes]
#   bench/fuzz.sh --minimise FOLDER
#
# Asserted: no exception in a vCPU loop or a device, no thread dies, the heap stays flat. It begins with the corpus in the sources (but for
# --empty yes). --corpus begins with the inputs of a folder, too, and keeps there what reached something new; --minimise puts
# the least of them that reaches as much into the sources. See it/fuzz/README.md.
set -eu
cd "$(dirname "$0")/.."
case " $* " in
  *' --help '*)
    sed -n '2,10s/^# \{0,1\}//p' "$0"
    exit 0
    ;;
esac
. cnf/jdk25.sh
find_jdk25 || exit 2
classes=it/fuzz/target/test-classes
if [ ! -d "$classes" ] || [ -n "$(find . -path '*/src/*' -newer "$classes" -type f -print -quit)" ]; then
  mvn -q -B -pl it/fuzz -am package -DskipTests
  touch "$classes"
fi
exec "$jdk/bin/java" --enable-native-access=ALL-UNNAMED --sun-misc-unsafe-memory-access=allow -XX:PerMethodTrapLimit=0 \
  -XX:+UseSerialGC -Xmx1g -cp "$classes:$(cat it/fuzz/target/classpath)" duality.fuzz.Main "$@"
