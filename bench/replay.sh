#!/bin/bash
# Replays this repository's own changes to server bundles as live updates, each under a Linux guest that writes its disk.
# For each commit and each server module that it touched: today's system with that bundle as it was before the commit, a guest
# at work, kernel:update to the bundle as the commit left it, and five more rounds of the guest's work, checked.
#
#   bench/replay.sh [FROM..TO] [--limit N]
#
#   FROM..TO     which commits (default: all since 9468db5, the last before servers were meant to be replaced)
#   --limit N    only the last N of those that touched a server module
#
# applied   the new version serves, the guest went on and found each byte that it wrote
# refused   with the reason; also when the version before does not run on today's kernel, so that nothing could be tried
# restart   not tried: the commit also changes the kernel or a module that exports packages
# new       not tried: the commit brings the module, there is nothing to update
# Exit 0 when the replay itself ran, whatever came of the updates. Built bundles are kept in $TMPDIR/duality-replay-UID.
set -euo pipefail
cd "$(dirname "$0")/.."
range=9468db5..HEAD limit=1000000
while [ $# -gt 0 ]; do
  case $1 in
    --limit) limit=${2:?--limit wants a number}; shift ;;
    *..*) range=$1 ;;
    *) echo "replay: usage: bench/replay.sh [FROM..TO] [--limit N]" >&2; exit 2 ;;
  esac
  shift
done
. cnf/jdk25.sh
find_jdk25
export JAVA25_HOME=$jdk
./duality -c 'guest:list' >/dev/null
today=$(git rev-parse HEAD)
kept=${TMPDIR:-/tmp}/duality-replay-$UID
tree=$kept/tree.$$ system=$kept/system.$$
mkdir -p "$kept/jars" "$system/cnf" "$system/dist/target"
git worktree add -q --detach "$tree" HEAD
trap 'git worktree remove --force "$tree"; rm -rf "$system"' EXIT
cp duality "$system"
cp cnf/jdk25.sh "$system/cnf"

# The modules that a commit touched in their main sources, without those that others are compiled against.
touched() { git diff-tree --no-commit-id --name-only -r "$1" | sed -n 's,/src/main/.*,,p' | sort -u; }
exports() { [ "$2" = kernel.bundle ] || git grep -q '^@Export' "$1" -- "$2/src/main"; }
servers() {
  local module
  touched "$1" | grep -E '^(servers|drivers|vmm|processor)\.bundle/' | while read -r module; do
    exports "$1" "$module" || echo "$module"
  done
}
needs_restart() {
  local module
  for module in $(touched "$1" | grep -E '^(kernel|servers|drivers|vmm|processor)\.bundle'); do
    if exports "$1" "$module"; then return 0; fi
  done
  return 1
}

# The file of a module as of a commit, built on the kernel and the API modules of another (BASE) or of its own.
# Its name is made of everything that it is made of, so that nothing is built twice.
jar_of() { # COMMIT MODULE BASE
  local made
  made=$({
    git ls-tree -r "$1" -- "$2"
    git ls-tree -r "$3" -- kernel.bundle {servers,drivers,vmm}.bundle/api drivers.bundle/virtio cnf/pom.xml bnd.bnd
  } | grep -E '/src/main/|pom\.xml$|\.bnd$' | sha1sum | cut -c1-16)
  echo "$kept/jars/${2//\//.}-$made.jar"
}
build() { # COMMIT MODULE BASE: prints the file
  local jar
  jar=$(jar_of "$@")
  if [ ! -f "$jar" ]; then
    git -C "$tree" checkout -q --force --detach "$3"
    rm -rf "${tree:?}/$2"
    git -C "$tree" checkout -q "$1" -- "$2"
    (cd "$tree" && mvn -B -q --color never -pl "$2" -am package -DskipTests -Derrorprone=-Xdiags:compact) \
      >"$kept/build.log" 2>&1 </dev/null || return 1
    cp "$tree/$2"/target/duality.*.jar "$jar"
  fi
  echo "$jar"
}
name_of() { unzip -p "$1" META-INF/MANIFEST.MF | tr -d '\r' | sed -n 's/^Bundle-SymbolicName: *\([^;]*\).*/\1/p'; }

# One update under load. Prints nothing when it went well, otherwise why not.
try() { # NAME BEFORE AFTER VERB
  local name=$1 before=$2 after=$3 verb=$4 log=$kept/run.log file=$3 said
  [ "$verb" = kernel:update ] || file=file:$after
  mkdir -p "$system/jar"
  cp dist/target/duality.jar "$system/dist/target/duality.jar"
  cp "$before" "$system/jar/$name.jar"
  (cd "$system" && "$jdk/bin/jar" uf dist/target/duality.jar "jar/$name.jar" && rm -rf jar)
  head -c 16M /dev/zero >"$system/disk"
  cat >"$system/script.gogo" <<END
vm:run linux --name a --memory 128M --disk $system/disk
vm:wait a --for ready --timeout 3m
vm:exec a 'echo 0 >/tmp/round; (i=0; while :; do yes "round \$i" | head -c 262144 >/tmp/chunk; dd if=/tmp/chunk of=/dev/vda bs=64k conv=notrunc,fsync 2>/dev/null; dd if=/dev/vda iflag=direct bs=64k count=4 2>/dev/null | cmp - /tmp/chunk || echo wrong >>/tmp/bad; i=\$((i + 1)); echo \$i >/tmp/next; mv /tmp/next /tmp/round; done) >/dev/null 2>&1 &'
vm:exec a --timeout 60s 'while [ \$(cat /tmp/round) -lt 3 ]; do sleep 0.1; done'
echo "replay: at work"
$verb $name $file
echo "replay: updated"
vm:exec a --timeout 60s 'n=\$(cat /tmp/round); while [ \$(cat /tmp/round) -lt \$((n + 5)) ]; do sleep 0.1; done; [ ! -e /tmp/bad ] && ! dmesg | grep -E "I/O error|stall|soft lockup|blocked for"'
felix:lb -s $name
felix:lb -l $name
echo "replay: went on"
END
  said=0
  timeout 300 "$system/duality" -f "$system/script.gogo" >"$log" 2>&1 </dev/null || said=$?
  if grep -q '^replay: went on' "$log"; then
    if ! grep -q 'Active.*|'"$name " "$log"; then
      echo "it is not active afterwards"
    elif [ "$verb" = kernel:update ] && ! grep -q '|update:' "$log"; then
      echo "it did not stay: the version before was put back"
    fi
    return
  fi
  if ! grep -q '^replay: at work' "$log"; then
    printf 'the version before does not run on the kernel of today: '
  elif grep -q '^replay: updated' "$log"; then
    printf 'the guest did not go on: '
  fi
  # The command that failed says why in its last line.
  grep -vE '^replay: |^$|^[[:space:]]*at ' "$log" | tail -n 1 | grep . || echo "no word, status $said"
}

applied=0 refused=0 restart=0 new=0 tried=0
one() { # COMMIT MODULE OUTCOME [REASON]
  printf '%s  %-32s %-8s %s\n' "$(git rev-parse --short "$1")" "$2" "$3" "${4:-}"
}
for commit in $(git rev-list --no-merges --reverse "$range"); do
  [ -z "$(servers "$commit")" ] || echo "$commit"
done | tail -n "$limit" >"$system/commits"
while read -r commit <&3; do
  mapfile -t modules < <(servers "$commit")
  olds=()
  for module in "${modules[@]}"; do
    if ! git cat-file -e "$commit^:$module/pom.xml" 2>/dev/null; then
      one "$commit" "$module" new
      new=$((new + 1))
    elif needs_restart "$commit"; then
      one "$commit" "$module" restart
      restart=$((restart + 1))
    else
      olds+=("$module")
    fi
  done
  [ ${#olds[@]} -gt 0 ] || continue
  for module in "${olds[@]}"; do
    tried=$((tried + 1)) verb=kernel:update note=''
    # Where a commit's own kernel does not compile, the module may still, on that of today.
    if ! before=$(build "$commit^" "$module" "$commit^") || ! after=$(build "$commit" "$module" "$commit"); then
      note=', built on the kernel of today: its own does not compile'
      before=$(build "$commit^" "$module" "$today") && after=$(build "$commit" "$module" "$today") || before=''
    fi
    if [ -z "$before" ]; then
      reason="does not compile on today's kernel either: $(grep -m 1 -oE '[A-Za-z]+\.java:.*' "$kept/build.log")"
    else
      name=$(name_of "$after")
      reason=$(try "$name" "$before" "$after" $verb)
      # What serves nobody is updated by OSGi's own verb, as the refusal says.
      case $reason in
        *'has no servers'*) verb=felix:update reason=$(try "$name" "$before" "$after" $verb) ;;
      esac
    fi
    if [ -z "$reason" ]; then
      applied=$((applied + 1))
      one "$commit" "$module" applied "$verb$note"
    else
      refused=$((refused + 1))
      one "$commit" "$module" refused "$reason"
    fi
  done
done 3<"$system/commits"

all=$((tried + restart))
share() { if [ "$2" -gt 0 ]; then echo "$1 of $2, $((100 * $1 / $2)) %"; else echo "none"; fi; }
cat <<END

$all updates: $applied applied, $refused refused, $restart need a restart of an API (and $new new bundles, which replace nothing)
applied, of those that change servers only    $(share $applied $tried)
applied, of all                               $(share $applied $all)
END
