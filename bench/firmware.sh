#!/bin/bash
# Gets Debian's OpenSBI and U-Boot with the system's own apt configuration and unpacks them into a folder, without installing anything.
#
#   bench/firmware.sh FOLDER
#   mvn -pl vmm.bundle/machine -am verify -Dtest=FirmwareTranscriptTest -Dsurefire.failIfNoSpecifiedTests=false -Dduality.firmware=FOLDER
#
# (Or install the packages: apt-get install opensbi u-boot-qemu.)
# Afterwards: vm:run --firmware FOLDER/usr/lib/riscv64-linux-gnu/opensbi/generic/fw_dynamic.bin --kernel …
set -eu
folder=${1:?bench/firmware.sh: name the folder}
command -v apt-get >/dev/null && command -v dpkg-deb >/dev/null || {
  echo 'bench/firmware.sh: apt-get and dpkg-deb are needed' >&2
  exit 2
}
mkdir -p "$folder"
cd "$folder"
apt-get download opensbi u-boot-qemu >&2
for package in opensbi_*.deb u-boot-qemu_*.deb; do
  dpkg-deb -x "$package" .
  rm -f "$package"
done
find . -name 'fw_dynamic.bin' -o -name 'uboot.elf' | sort
