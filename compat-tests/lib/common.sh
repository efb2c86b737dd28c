# SPDX-License-Identifier: Apache-2.0
# Sourced by every client's run script: the cache, the cases' lines, the exit code.
#
#   BOOTSTRAP     host:port of the broker; required
#   TOPIC_CONFIG  extra topic configuration, "name=value name=value"; empty means none
#   CASE_TIMEOUT  seconds one command of a case may take (default 30)

compat=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cache=${XDG_CACHE_HOME:-$HOME/.cache}/cms-compat
kafka_version=4.3.1
kafka_lib=$cache/kafka-$kafka_version/lib
case_timeout=${CASE_TIMEOUT:-30}
passed=0
failed=0

# Ends the script with the exit code that means skipped.
skip() {
  echo "skipped: $*"
  exit 77
}

# client NAME VERSION: who is tested, for the table of results (see lib/results).
client() {
  echo "client: $1 $2"
}

# skip_case NAME WHY: one case that is left out.
skip_case() {
  echo "skip - $1: $2"
}

need_bootstrap() {
  if [ -z "${BOOTSTRAP:-}" ]; then
    echo "set BOOTSTRAP=host:port to the broker to test" >&2
    exit 2
  fi
  # Without a broker at all, the clients would only use up their time limits.
  if ! timeout 5 bash -c "exec 3<> /dev/tcp/${BOOTSTRAP%:*}/${BOOTSTRAP##*:}" 2> /dev/null; then
    echo "not ok - connect: nothing answers on $BOOTSTRAP"
    echo "0 passed, 1 failed"
    exit 1
  fi
}

# need COMMAND PACKAGE: skips this client when the command is not installed.
need() {
  command -v "$1" > /dev/null || skip "$1 is not installed (package $2)"
}

# locked NAME COMMAND...: one process at a time prepares what is called NAME in the cache.
locked() {
  local name=$1
  shift
  mkdir -p "$cache"
  (
    flock -w 500 9 || exit 1
    "$@"
  ) 9> "$cache/$name.lock"
}

# A topic name nobody else uses.
unique_topic() {
  echo "compat-$1-$(date +%s)-$$-$RANDOM"
}

is_transient() {
  case " ${TOPIC_CONFIG:-} " in
    *" cms.durability=transient "*) return 0 ;;
    *) return 1 ;;
  esac
}

bounded() {
  timeout --kill-after=5 "$case_timeout" "$@"
}

# eventually COMMAND...: tries for 10 s until it succeeds; a topic just created or deleted may take a moment to show.
eventually() {
  local _
  for _ in $(seq 50); do
    "$@" && return
    sleep 0.2
  done
  return 1
}

# check NAME COMMAND...: one case. What the command prints is its reason when it fails.
check() {
  local name=$1 output status
  shift
  output=$("$@" 2>&1 < /dev/null)
  status=$?
  if [ $status -eq 0 ]; then
    passed=$((passed + 1))
    echo "ok - $name"
  else
    failed=$((failed + 1))
    echo "not ok - $name: $(printf '%s' "$output" | tail -c 600 | tr '\n' ' ') (exit $status)"
  fi
}

# cases SECONDS COMMAND...: a program that prints lines of cases and totals itself; its cases become this script's.
# One that ends without its totals has failed.
cases() {
  local seconds=$1 line complete=0
  shift
  while IFS= read -r line; do
    case $line in
      "ok - "*) passed=$((passed + 1)) ;;
      "not ok - "*) failed=$((failed + 1)) ;;
      *" passed, "*" failed")
        complete=1
        continue
        ;;
    esac
    printf '%s\n' "$line"
  done < <(timeout --kill-after=5 "$seconds" "$@" 2>&1 < /dev/null)
  if [ $complete -eq 0 ]; then
    failed=$((failed + 1))
    echo "not ok - $(basename "$1") ran to its end: it crashed or took longer than $seconds s"
  fi
}

# Last line and exit code.
finish() {
  echo "$passed passed, $failed failed"
  [ $failed -eq 0 ]
  exit
}

# Builds one C program against librdkafka into the cache, prints its path.
build_c() {
  local source=$1 program
  program=$cache/c/$(basename "$source" .c)
  if [ ! -x "$program" ] || [ "$source" -nt "$program" ]; then
    mkdir -p "$cache/c"
    cc -O1 -g -Wall -Wextra -o "$program.$$" "$source" -lrdkafka && mv "$program.$$" "$program" || return 1
  fi
  echo "$program"
}

# go_program NAME PACKAGE [FOLDER]: builds the Go package of a folder (franz-go) under this name; sets $program.
# Skips without Go or its modules.
go_program() {
  need go golang
  program=$cache/go/$1
  mkdir -p "$cache/go"
  (cd "$compat/${3:-franz-go}" && timeout 400 go build -o "$program" "$2") > "$program.log" 2>&1 ||
    skip "the Go program does not build, see $program.log"
}

compile_java() {
  [ -e "$2/complete" ] && [ -z "$(find "$1" -name '*.java' -newer "$2/complete")" ] && return
  mkdir -p "$2"
  javac -proc:none -nowarn -d "$2" -cp "$kafka_lib/*" "$1"/*.java && touch "$2/complete"
}

# Compiles the Java sources of a folder into the cache; sets $java_command, to run them.
# Skips without a JDK or Kafka's jars.
java_classes() {
  local folder=$1
  need javac default-jdk-headless
  "$compat/reference/fetch" > /dev/null || skip "Apache Kafka's jars are not there"
  java_classes=$cache/java/$(basename "$folder")
  locked java compile_java "$folder" "$java_classes" || skip "the Java sources of $folder do not compile"
  # A program here lives for seconds: compile little.
  java_command=(java -Xmx512m -XX:TieredStopAtLevel=1 -Dorg.slf4j.simpleLogger.defaultLogLevel=error
    -cp "$java_classes:$kafka_lib/*")
}

# A virtual environment of the packages in FILE, named NAME; sets $python. Skips when they cannot be had.
python_environment() {
  local name=$1 requirements=$2 wanted
  need python3 python3
  wanted=$(sha256sum < "$requirements" | cut -c 1-12)
  local directory=$cache/python/$name-$wanted
  python=$directory/bin/python
  [ -e "$directory/complete" ] && return
  locked "python-$name" make_python_environment "$directory" "$requirements" ||
    skip "the Python packages of $requirements cannot be installed, see $cache/python/$name.log"
}

make_python_environment() {
  [ -e "$1/complete" ] && return
  local log
  log=$cache/python/$(basename "$(dirname "$2")").log
  mkdir -p "$cache/python"
  {
    python3 -m venv --clear "$1" && timeout 300 "$1/bin/python" -m pip install -q -r "$2"
  } > "$log" 2>&1 && touch "$1/complete"
}

# python_client NAME PACKAGE: who is tested, with the version of the package in the environment $python.
python_client() {
  client "$1" "$("$python" -c 'import importlib.metadata, sys; print(importlib.metadata.version(sys.argv[1]))' "$2")"
}

# The packages of NAME/package-lock.json in the cache, with NAME's sources beside them, where Node looks for them; sets
# $node_folder. Skips when they cannot be had.
node_packages() {
  need node nodejs
  need npm npm
  node_folder=$cache/$1-$(sha256sum < "$compat/$1/package-lock.json" | cut -c 1-12)
  locked "$1" install_node_packages "$1" ||
    skip "the Node packages cannot be installed, see $node_folder/install.log"
  cp "$compat/$1"/*.js "$compat/lib/group_cases.js" "$node_folder" || exit 1
}

install_node_packages() {
  mkdir -p "$node_folder"
  [ -e "$node_folder/complete" ] && return
  cp "$compat/$1/package.json" "$compat/$1/package-lock.json" "$node_folder" &&
    (cd "$node_folder" && timeout 300 npm ci --ignore-scripts --no-audit --no-fund) > "$node_folder/install.log" 2>&1 &&
    touch "$node_folder/complete"
}

# node_client PACKAGE: who is tested, with the version of the package in $node_folder.
node_client() {
  client "$1 (Node)" "$(sed -n 's/^  "version": "\(.*\)",$/\1/p' "$node_folder/node_modules/$1/package.json")"
}

# go_client NAME MODULE FOLDER: who is tested, with the version of the module in FOLDER/go.mod.
go_client() {
  client "$1 (Go)" "$(awk -v module="$2" '$1 == module { print substr($2, 2) }' "$compat/$3/go.mod")"
}

# The jars of streams/pom.xml, Kafka Streams and Connect, in the cache; sets $kafka_lib to their folder. Skips when they
# cannot be had.
streams_jars() {
  need java default-jre-headless
  kafka_lib=$cache/kafka-$kafka_version/streams
  [ -e "$kafka_lib/complete" ] && return
  need mvn maven
  mkdir -p "$kafka_lib"
  locked streams fetch_streams || skip "Kafka Streams and Connect cannot be fetched, see $kafka_lib.log"
}

fetch_streams() {
  [ -e "$kafka_lib/complete" ] && return
  timeout 500 mvn -q -B -f "$compat/streams/pom.xml" dependency:copy-dependencies -DincludeScope=runtime \
    -DoutputDirectory="$kafka_lib" > "$kafka_lib.log" 2>&1 && touch "$kafka_lib/complete"
}
