#!/bin/bash
# All ways in which a Linux ends or restarts its machine, one after the other on the same machine, while its monitor and
# devices are replaced: reboot, reboot -f, a kernel panic with panic=1; poweroff, poweroff -f, halt, halt -f, each of these
# followed by vm:start.
#
#   bench/power.sh [HARTS [ROUNDS]]     default: 2 harts, 1 round; about half a minute for each way
#
# Exit 0 when the machine was after each what it has to be.
set -eu
cd "$(dirname "$0")/.."
harts=${1:-2} rounds=${2:-1}
script=$(mktemp)
trap 'rm -f "$script"' EXIT
swaps='repeat 5 {
  kernel:swap vm/p vmm.machine
  kernel:swap vm/p/plic plic
  kernel:swap vm/p/uart uart
  kernel:swap vm/p/finisher finisher
  kernel:swap vm/p/console console.host
}'
works="vm:wait p --timeout 180s
vm:exec p 'test \$(nproc) = $harts'"
{
  echo "vm:run linux --name p --cpus $harts"
  echo "$works"
  for ((round = 1; round <= rounds; round++)); do
    for way in reboot 'reboot -f' 'echo 1 >/proc/sys/kernel/panic; echo c >/proc/sysrq-trigger'; do
      printf "echo 'boots again by: %s'\nvm:exec p 'touch /before'\nvm:type p '%s'\n%s\n" "$way" "$way" "$swaps"
      # Twice: the agent of the system that is going may come again once.
      for look in 1 2; do
        printf "while { vm:exec p 'test -e /before' } { sleep 500ms }\nvm:wait p --timeout 180s\n"
      done
      printf "vm:exec p 'test ! -e /before'\n%s\n" "$works"
    done
    for way in poweroff 'poweroff -f' halt 'halt -f'; do
      printf "echo 'is off by: %s'\nvm:type p '%s'\n%s\nvm:wait p --for stopped --timeout 60s\nvm:start p\n%s\n" \
        "$way" "$way" "$swaps" "$works"
    done
  done
  echo 'vm:delete p'
  echo 'kernel:threads'
} >"$script"
./duality -f "$script"
