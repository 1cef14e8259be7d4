# Read by duality and cnf/format with '.': finds a JDK 25 and sets $jdk to its folder.

is_jdk25() {
  [ -x "$1/bin/java" ] && [ -x "$1/bin/javac" ] && grep -q '^JAVA_VERSION="25["._-]' "$1/release" 2>/dev/null
}

# Looks at JAVA_HOME, PATH and the usual folders, in this order; says what to install when there is none.
find_jdk25() {
  if [ -n "${JAVA_HOME:-}" ] && is_jdk25 "$JAVA_HOME"; then
    jdk=$JAVA_HOME
    return 0
  fi
  if jdk=$(command -v javac); then
    jdk=$(dirname -- "$(dirname -- "$(readlink -f -- "$jdk")")")
    is_jdk25 "$jdk" && return 0
  fi
  for jdk in /usr/lib/jvm/* /usr/lib64/jvm/* /usr/java/* /usr/local/java/* /opt/java/* /opt/jdk* /opt/java \
    "${HOME:-/}"/.sdkman/candidates/java/* "${HOME:-/}"/.jdks/* "${HOME:-/}"/.asdf/installs/java/* \
    "${HOME:-/}"/.local/share/mise/installs/java/* /Library/Java/JavaVirtualMachines/*/Contents/Home; do
    is_jdk25 "$jdk" && return 0
  done
  cat >&2 <<'END'
duality: needs a JDK 25 and found none in JAVA_HOME, on PATH or in the usual folders such as /usr/lib/jvm
duality: install one, for example Eclipse Temurin 25 (https://adoptium.net) or your system's openjdk-25-jdk,
duality: or set JAVA_HOME to where it is
END
  return 1
}
