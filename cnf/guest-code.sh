# To be sourced by scripts that build code for guests out of the C and assembler files beside them. They are called
#
#   build.sh          to write the file that is checked in
#   build.sh check    to build into a temporary folder and compare, byte for byte
#
# and need riscv64-linux-gnu-gcc 12.2 (Debian 12: gcc-riscv64-linux-gnu); another version may produce other bytes.
# CROSS is the tools' prefix. Exit: 0 the same, 1 different, 2 cannot build.
cross=${CROSS:-riscv64-linux-gnu-}
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT

# Nothing in the result may depend on where or when it was built: no build id, no paths, objects with fixed names.
flags="-O2 -Wall -Wextra -Werror -std=gnu11 -ffreestanding -fno-builtin -fno-pic -fno-stack-protector
  -fno-asynchronous-unwind-tables -fno-tree-loop-distribute-patterns -msmall-data-limit=0"
link="-nostdlib -static -no-pie -Wl,--build-id=none -Wl,-z,max-page-size=4096"

kernel() { # SCRIPT: what is built is a kernel, which leaves the floating-point registers alone
  flags="-march=rv64imac_zicsr -mabi=lp64 -mcmodel=medany $flags"
  link="-march=rv64imac_zicsr -mabi=lp64 $link -Wl,--no-warn-rwx-segments -T $1"
}

program() { # what is built is a program for Linux
  flags="-march=rv64gc -mabi=lp64d -mno-relax $flags"
  link="-march=rv64gc -mabi=lp64d $link -s -Wl,-z,noexecstack"
}

build() { # FOLDER NAME: out of all sources in there
  command -v "${cross}gcc" > /dev/null || { echo "build.sh: no ${cross}gcc" >&2; exit 2; }
  mkdir "$out/$2.o"
  (cd "$1" && for source in *.S *.c; do
    "${cross}gcc" $flags -c "$source" -o "$out/$2.o/${source%.*}.o" || exit 2
  done) || exit 2
  (cd "$out/$2.o" && "${cross}gcc" $link -o "$out/$2" ./*.o) || exit 2
}

keep() { # CHECK MODE FILE: compares what was built under that name with it, or puts it there
  name=$(basename "$3")
  if [ "$1" = check ]; then
    cmp "$out/$name" "$3" && echo "$name: as built from source" && return
    echo "build.sh: $name is not what these sources give with: $("${cross}gcc" --version | head -1)" >&2
    return 1
  fi
  mkdir -p "$(dirname "$3")"
  cp "$out/$name" "$3"
  chmod "$2" "$3"
  echo "$name: $(wc -c < "$3") bytes"
}
