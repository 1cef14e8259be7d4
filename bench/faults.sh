#!/bin/bash
# A fault campaign: faulty versions of servers are swapped in under load, in JVMs of their own.
#
#   bench/faults.sh [--kind KIND,...] [--fault FAULT,...] [--count N] [--minutes N] [--seed N]
#                   [--only N,...] [--guest nano|linux] [--cpus N] [--jvms N] [--core N] [--json FILE] [--verbose]
#
# Without --count 1,000 injections for each kind of component, which takes more than an hour. See it/faults/README.md.
set -eu
cd "$(dirname "$0")/.."
. cnf/jdk25.sh
find_jdk25 || exit 2
jar=it/faults/target/duality.faults.jar
if [ ! -f "$jar" ] || [ -n "$(find it/faults/src/main -newer "$jar" -name '*.java' -print -quit)" ]; then
  mvn -q -B -pl it/faults -am package -DskipTests
fi
case " $* " in
  *' --count '* | *' --core '*) ;;
  *) set -- --count 1000 "$@" ;;
esac
exec "$jdk/bin/java" -XX:+UseSerialGC -cp "$jar" duality.faults.Main "$@"
