#!/bin/bash
# Duality inside of a guest that Duality runs: do both answer the same, and how many instructions of the outer hart does the inner one's work take?
#
#   bench/nested.sh [--suite NAME] [--mirror URL] [--expired] [--patience N] [--memory SIZE] [--cpus N] [--no-inner]
#
#   --suite NAME    suite of Debian to take the JRE 25 for riscv64 from (default trixie)
#   --mirror URL    root of a Debian mirror (default: the one of this host's apt)
#   --expired       take the suite even when its release file is past its Valid-Until
#   --patience N    by what the inner system's limits of time are multiplied (default 100, at most 1000)
#   --memory SIZE   of the guest (default 3G)
#   --cpus N        harts of the guest (default 1: more of them spin while they wait for each other)
#   --no-inner      only as far as "java -version" in the guest
#
# Some 70 MB of packages are downloaded once and kept, as a file system, in ~/.cache/duality/nested (or in $XDG_CACHE_HOME). No root is needed: apt-get has
# folders of its own, dpkg-deb unpacks, mke2fs makes the file system. bench/nested.gogo is what both systems are told.
# Exit status: 0 when all answers are the same, 1 when not or when a step failed, 2 for wrong usage or a missing program.
set -eu -o pipefail
cd "$(dirname "$0")/.."
suite=trixie mirror='' expired=false patience=100 memory=3G cpus=1 inner=true
usage() { sed -n '2,/^set/{/^set/d; s/^# \{0,1\}//; p}' "$0"; }
say() { printf 'nested.sh: %s\n' "$*" >&2; }
fail() { say "$1: $2. $3"; exit "${4:-1}"; }
while [ $# -gt 0 ]; do
  case $1 in
    --suite | --mirror | --patience | --memory | --cpus)
      [ $# -ge 2 ] || fail "$1" 'it needs a value' 'bench/nested.sh --help lists the options' 2
      declare "${1#--}=$2"
      shift
      ;;
    --expired) expired=true ;;
    --no-inner) inner=false ;;
    --help | -h) usage; exit 0 ;;
    *) fail "$1" 'it is not known' 'bench/nested.sh --help lists the options' 2 ;;
  esac
  shift
done
case $patience in '' | *[!0-9]*) fail "--patience $patience" 'it is not a number' 'Give one from 1 to 1000' 2 ;; esac
for program in apt-get dpkg-deb mke2fs; do
  command -v "$program" >/dev/null ||
    fail "$program is not here" 'the file system is made with apt-get, dpkg-deb and mke2fs' "Install Debian's apt, dpkg and e2fsprogs" 2
done

# ---------------------------------------------------------------- the JRE
keep=${XDG_CACHE_HOME:-$HOME/.cache}/duality/nested/$suite
image=$keep/jre.img
folder=$(mktemp -d)
apt=$folder/apt key=''
trap 'rm -rf "$folder"' EXIT

list() { # NAME: gets the index by that name of the suite
  printf 'Types: deb\nURIs: %s\nSuites: %s\nComponents: main\nArchitectures: riscv64\nSigned-By: %s\n' "$mirror" "$1" "$key" >"$apt/list.sources"
  rm -rf "$apt/state/lists"
  mkdir -p "$apt/state/lists/partial"
  apt-get -q update >"$folder/log" 2>&1 && ! grep -q '^[EW]:' "$folder/log" && grep -qE "^(Codename|Suite): $suite\$" "$apt"/state/lists/*InRelease
}

jre() { # makes $image
  local root=$folder/root
  mkdir -p "$apt/state/lists/partial" "$apt/cache/archives/partial" "$apt/none" "$root" "$keep"
  [ -n "$mirror" ] || mirror=$(apt-get indextargets --no-release-info --format '$(REPO_URI)' 'Created-By: Packages' |
    grep -m 1 '/debian/*$') || true
  [ -n "$mirror" ] || fail 'no mirror of Debian is known' "this host's apt names none" 'Name one near you with --mirror URL'
  key=$(find /usr/share/keyrings -name 'debian-archive-keyring.[gp][pg][gp]' 2>/dev/null | head -n 1)
  [ -n "$key" ] || fail 'no keys of the Debian archive are here' 'packages are taken only when they are signed' "Install Debian's debian-archive-keyring" 2
  : >"$apt/status"
  cat >"$apt/config" <<END
Dir::State "$apt/state";
Dir::State::status "$apt/status";
Dir::Cache "$apt/cache";
Dir::Etc::sourcelist "$apt/list.sources";
Dir::Etc::sourceparts "$apt/none";
Dir::Etc::preferences "/dev/null";
Dir::Etc::preferencesparts "$apt/none";
APT::Architecture "riscv64";
APT::Architectures { "riscv64"; };
APT::Sandbox::User "";
Acquire::Languages "none";
END
  ! $expired || echo 'Acquire::Check-Valid-Until "false";' >>"$apt/config"
  export APT_CONFIG=$apt/config
  say "the index of packages of Debian $suite for riscv64"
  # While a mirror is being updated, the suite's other name may still have the release before.
  list "$suite" || { [ "$suite" = trixie ] && list stable; } || {
    grep '^[EW]:' "$folder/log" >&2 || true
    fail "Debian $suite cannot be had" 'apt-get said why above' 'Try again later, with --suite NAME or with --mirror URL; --expired takes an old release file'
  }
  say 'openjdk-25-jre-headless and what it needs'
  apt-get -q -y --download-only --no-install-recommends install openjdk-25-jre-headless >"$folder/log" 2>&1 || {
    grep '^[EW]:' "$folder/log" >&2 || true
    fail 'the JRE cannot be had' 'apt-get said why above' 'Try again later, or another --suite: trixie, forky and sid have it'
  }
  unset APT_CONFIG
  say 'unpacking, and making a file system'
  for deb in "$apt"/cache/archives/*.deb; do dpkg-deb -x "$deb" "$root"; done
  for name in bin sbin lib; do [ -e "$root/$name" ] || ln -s "usr/$name" "$root/$name"; done
  mkdir -p "$root"/{proc,sys,dev,tmp,duality}
  rm -rf "$root"/usr/share/{doc,man,locale}
  [ -x "$root/$java" ] || fail 'the JRE is incomplete' "it has no $java" 'Look at what the package has become'
  mke2fs -q -t ext4 -O ^has_journal -d "$root" "$image.new" "$(($(du -sm "$root" | cut -f1) * 5 / 4 + 64))M" >"$folder/log" 2>&1 || {
    cat "$folder/log" >&2
    fail 'the file system cannot be made' 'mke2fs said why above' "Make room in $keep"
  }
  dpkg-deb -f "$apt"/cache/archives/openjdk-25-jre-headless_*.deb Version >"$keep/version"
  mv "$image.new" "$image"
  rm -rf "$apt" "$root"
}
java=usr/lib/jvm/java-25-openjdk-riscv64/bin/java
[ -f "$image" ] || jre
echo "OpenJDK $(cat "$keep/version") for riscv64, of Debian $suite"

# ---------------------------------------------------------------- the system, and what it is told
mkdir "$folder/system"
cp dist/target/duality.jar "$folder/system/"
cp bench/nested.gogo "$folder/system/script"
# As ./duality starts it (see there), but for the quick compiler alone: on an emulated hart the other one costs more than it gains.
cat >"$folder/system/run" <<END
#!/bin/sh
mkdir /mnt/tmp/run
truncate -s 1M /mnt/tmp/nested.disk
exec chroot /mnt /$java -XX:TieredStopAtLevel=1 --sun-misc-unsafe-memory-access=allow --enable-native-access=ALL-UNNAMED \\
  -XX:PerMethodTrapLimit=0 -XX:+UseSerialGC -Djava.io.tmpdir=/tmp -Dduality.run.folder=/tmp/run -Dlaunch.storage.dir=/tmp/run/felix \\
  -Dlaunch.keep=true -Dduality.patience=$patience -Dduality.memory=256M -Dduality.cache=/tmp -Dduality.script.file=/duality/script -jar /duality/duality.jar
END
mke2fs -q -t ext4 -O ^has_journal -d "$folder/system" "$folder/system.img" 32M >"$folder/log" 2>&1 || {
  cat "$folder/log" >&2
  fail "the system's disk cannot be made" 'mke2fs said why above' "Make room in $folder"
}

say 'the same outside'
truncate -s 1M "$folder/nested.disk"
sed "s,/tmp/nested.disk,$folder/nested.disk," bench/nested.gogo >"$folder/outside.gogo"
./duality --memory 256M --processors "$cpus" -f "$folder/outside.gogo" >"$folder/outside" 2>&1 || {
  cat "$folder/outside" >&2
  fail 'the script fails outside of a guest' 'the system says why above' 'Mend that first'
}

# The JVM does not run where five levels of page tables are in use ("Unsupported satp mode: SV57").
{
  cat <<END
vm:run linux --name outer --memory $memory --cpus $cpus --append no5lvl --disk $image,ro --disk $folder/system.img,ro
vm:wait outer --for ready --timeout 10m
echo "mark linux"
vm:list
vm:exec outer 'mkdir -p /mnt; mount -o ro /dev/vda /mnt; mount -o ro /dev/vdb /mnt/duality; mount -t tmpfs tmpfs /mnt/tmp'
vm:exec outer 'for each in proc sys dev; do mount -o bind /\$each /mnt/\$each; done'
echo "mark disks"
vm:list
vm:exec outer --timeout 10m 'chroot /mnt /$java -XX:TieredStopAtLevel=1 -XX:+UseSerialGC -version 2>&1'
echo "mark java"
vm:list
END
  if $inner; then
    echo "vm:exec outer 'sh /mnt/duality/run > /tmp/inside 2>&1 < /dev/null &'"
    for mark in whole nano begun computed swapped 'done'; do
      # Looked at seldom, because each look takes the inner system's time.
      echo "vm:exec outer --timeout 4h 'until grep -q \"^mark $mark\" /tmp/inside; do sleep 2; pidof java > /dev/null || { sleep 1; grep -q \"^mark $mark\" /tmp/inside || { cat /tmp/inside; exit 1; }; break; }; done'"
      echo "echo \"mark $mark\""
      echo vm:list
    done
    cat <<'END'
vm:exec outer --timeout 1h 'while pidof java > /dev/null; do sleep 1; done'
echo "mark end"
vm:list
echo "mark said"
vm:exec outer 'cat /tmp/inside'
END
  fi
} >"$folder/script.gogo"
say "Linux boots, then Java$(! $inner || echo ', then Duality: minutes')"
while sleep 30; do say "$SECONDS s"; done &
heart=$!
trap 'kill "$heart"; rm -rf "$folder"' EXIT
./duality --memory 5G -f "$folder/script.gogo" 2>&1 | tee "$folder/said" || {
  fail 'a step failed' 'the system says why above' 'On a slow host try a larger --patience'
}
kill "$heart"
trap 'rm -rf "$folder"' EXIT

# ---------------------------------------------------------------- what came of it
# Times, and what depends on them, are taken out.
plain() {
  sed -E "s,$folder/,/tmp/,g; s/[0-9][0-9.,]*(ns|µs|ms|s|m[0-9]+s)( |$)/T /g; s/[0-9]+ ns/T/; s/[[:space:]]+/ /g; s/ $//" |
    awk '$1 == "n" && $3 == "running" { $NF = "I" } { print }' # instructions: ticks and sleep count
}
plain <"$folder/outside" >"$folder/outside.plain"
awk '
  function seconds(text,   n, total) {
    total = 0
    while (match(text, /^[0-9.]+(ms|[hms])/)) {
      n = substr(text, 1, RLENGTH) + 0
      total += substr(text, 1, RLENGTH) ~ /ms$/ ? n / 1000 : substr(text, RLENGTH, 1) == "h" ? n * 3600 : substr(text, RLENGTH, 1) == "m" ? n * 60 : n
      text = substr(text, RLENGTH + 1)
    }
    return total
  }
  $1 == "mark" { mark = $2 }
  mark == "said" { exit }
  $1 == "outer" && $2 == "linux" {
    up = seconds($7); cpu = seconds($8); instructions = $9
    if (!header++) printf "\n%-30s %9s %9s %17s\n", "until", "seconds", "cpu", "instructions"
    printf "%-30s %9.1f %9.1f %17.0f\n", name[mark], up - lastUp, cpu - lastCpu, instructions - last
    lastUp = up; lastCpu = cpu; last = instructions
  }
  BEGIN {
    name["linux"] = "Linux is up"; name["disks"] = "its disks are mounted"; name["java"] = "java -version is done"
    name["whole"] = "the inner system is whole"; name["nano"] = "nano is up in it"; name["begun"] = "nano has used its disk"
    name["computed"] = "nano has computed"; name["swapped"] = "scheduler and pager are others"; name["done"] = "nano is off"
    name["end"] = "the inner system has ended"
  }' "$folder/said"
$inner || exit 0
sed -n '/^mark said$/,$p' "$folder/said" | sed 1d >"$folder/inside"
plain <"$folder/inside" >"$folder/inside.plain"
# While nano computes: its own instructions, and those of the outer hart.
awk '
  $1 == "mark" { at = $2; said = said || at == "said"; }
  !said && $1 == "outer" && $2 == "linux" { outer[at] = $9 }
  said && $1 == "n" && $3 == "running" { nano[++n] = $NF }
  END {
    own = nano[2] - nano[1]; all = outer["computed"] - outer["begun"]
    printf "\nwhile nano computes: %.0f instructions of its own, %.0f of the outer hart: %.0f each\n", own, all, (own > 0 ? all / own : 0)
  }' "$folder/said"
if diff -u "$folder/outside.plain" "$folder/inside.plain"; then
  echo "$(wc -l <"$folder/inside.plain") lines said inside and outside: the same, times excepted"
else
  say 'the two systems did not say the same'
  exit 1
fi
