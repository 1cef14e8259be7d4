#!/bin/bash
# Two Linux guests copy a file through the switch while the switch and both network cards are replaced: no byte may be wrong.
#
#   bench/net.sh [--megabytes N] [--swaps N] [--gap MS]
#
#   --megabytes N   size of the file (default 100); it is random, one guest reads it from a disk, the other writes it to one
#   --swaps N       at least so many rounds of three swaps (default 100); 0: none, for comparison
#   --gap MS        pause between two rounds (default 100)
#
# The host compares the two files. Prints the rate, what the network counted, and the pauses of the swaps.
set -eu
cd "$(dirname "$0")/.."
megabytes=100 swaps=100 gap=100
while [ $# -gt 0 ]; do
  case $1 in
    --megabytes) megabytes=$2 ;;
    --swaps) swaps=$2 ;;
    --gap) gap=$2 ;;
    *) sed -n '2,/^set/s/^# \{0,1\}//p' "$0" >&2; exit 2 ;;
  esac
  shift 2
done
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
head -c "${megabytes}M" /dev/urandom >"$folder/from"
truncate -s "${megabytes}M" "$folder/to"
cat >"$folder/net.gogo" <<EOF
vm:run linux --name a --memory 256M --net lan --disk $folder/from,ro
vm:run linux --name b --memory 256M --net lan --disk $folder/to
vm:wait a --for ready --timeout 10m
vm:wait b --for ready --timeout 10m
vm:exec a 'ip addr add 192.168.7.1/24 dev eth0'
vm:exec b 'ip addr add 192.168.7.2/24 dev eth0'
vm:exec a 'ping -c 5 192.168.7.2'
vm:exec b 'mkfifo /tmp/open; (nc -l -p 5000 <>/tmp/open | dd of=/dev/vda bs=64k iflag=fullblock conv=fsync,notrunc 2>/dev/null; touch /tmp/done) >/dev/null 2>&1 &'
vm:exec a 'sleep 1; (cut -d" " -f1 /proc/uptime >/tmp/begin; nc 192.168.7.2 5000 </dev/vda; cut -d" " -f1 /proc/uptime >/tmp/end) >/dev/null 2>&1 &'
repeat $swaps {
  kernel:swap net/lan net.switch
  kernel:swap vm/a/net0 virtio.net
  kernel:swap vm/b/net0 virtio.net
  sleep ${gap}ms
}
vm:exec b --timeout 30m 'while [ ! -e /tmp/done ]; do sleep 0.5; done'
vm:exec a --timeout 1m 'while [ ! -s /tmp/end ]; do sleep 0.5; done'
echo "seconds: \$(vm:exec a 'cat /tmp/begin') to \$(vm:exec a 'cat /tmp/end')"
vm:networks
kernel:history --last 12
vm:stop a
vm:stop b
EOF
./duality -f "$folder/net.gogo" | tee "$folder/out"
cmp "$folder/from" "$folder/to"
sha256sum "$folder/from" "$folder/to" | sed "s,$folder/,,"
awk -v mb="$megabytes" -v swaps="$swaps" '/^seconds:/ {printf "%d MB in %.1f s, %.2f MB/s, with %d swaps: equal\n", mb, $4 - $2, mb / ($4 - $2), 3 * swaps}' \
  "$folder/out"
