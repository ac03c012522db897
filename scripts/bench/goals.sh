# shellcheck shell=bash disable=SC2154
# scripts/bench/goals.sh — the goals of decoders, scanner, values and histories, each as a ratio of
# one run beside its limit. A part of scripts/bench/run, which sets here, build, source, bare and
# tmp. ROUNDS (3): how often what is compared runs in turn. The run ends with 1 when one is missed.

# micros SOURCE-OPTIONS… — µs of processor time a message.
micros () { "$source" "$@" | awk '{ for (i = 2; i <= NF; i++) if ($i == "µs") { print $(i - 1); exit } }'; }

# processor COMMAND… — user and system seconds of a command.
processor () {
  local TIMEFORMAT='%U %S'
  { time "$@" >/dev/null 2>&1; } 2>&1 | awk 'END { print $1 + $2 }'
}

median () { sort -g | awk '{ at[NR] = $1 } END { print at[int((NR + 1) / 2)] }'; }

missed=0

# goal NAME VALUE LIMIT — one line. A value that is not there is missed.
goal () {
  awk -v name="$1" -v value="${2:-none}" -v limit="$3" 'BEGIN {
    met = value ~ /^[0-9.]/ && value + 0 <= limit + 0
    printf "%-68s %8.*f   goal %s   %s\n", name, value < 1 ? 3 : 2, value, limit, met ? "met" : "MISSED"
    exit !met
  }' || missed=$((missed + 1))
}

# versus NAME LIMIT ONE OTHER [FACTOR] — the medians of two commands that print a number, run in
# turn: FACTOR times ONE through OTHER.
versus () {
  local round
  : >"$tmp/one"
  : >"$tmp/other"
  for round in $(seq "${ROUNDS:-3}"); do
    $3 >>"$tmp/one"
    $4 >>"$tmp/other"
  done
  goal "$1" "$(awk -v a="$(median <"$tmp/one")" -v b="$(median <"$tmp/other")" -v f="${5:-1}" \
    'BEGIN { print f * a / b }')" "$2"
}

# --- what is compared ---

# tagline_with CONFIG SOURCE-OPTIONS… — µs a message of a config beside this file.
tagline_with () {
  local config=$1
  shift
  micros "$@" x "$build/tagline" run "$here/$config.lua" --log-level error 2>/dev/null
}

# The streams of streams.lua: KIND STREAM COUNT [FIRST].
decoded () {
  KIND=$1 tagline_with decoders --qos 0 --count "$3" --first "${4:-0}" --file "$build/$2.stream"
}
by_node () {
  NODE_PATH=$build/node/node_modules micros --qos 0 --count "$3" --file "$build/$2.stream" x \
    node $here/peers/decoders.js "$1" '{port}'
}
metric_in_memory () {
  NODE_PATH=$build/node/node_modules node $here/peers/sparkplug_memory.js \
    "$build/sparkplug_500.stream"
}
table_of_json () {
  awk -v all="$(decoded json things_stack 100000)" -v none="$(decoded nothing things_stack 100000)" \
    'BEGIN { print all - none }'
}
cjson_table () {
  lua5.4 $here/peers/cjson.lua "$build/things_stack.stream" |
    awk '{ for (i = 1; i < NF; i++) if ($(i + 1) == "µs") print $i }'
}

# Payloads of payloads.h: SIZE COUNT.
by_addresses () { STATIONS=1 SIZE=$1 tagline_with config --size "$1" --qos 0 --count "$2"; }
scanned () { SCAN=$1 micros --size "$1" --qos 0 --count "$2" x "$bare"; }
handled () { KIND=$1 by_addresses 60B 100000; }

# capture COUNT — lines of a capture file with so many messages of 60 bytes.
capture () {
  awk -v n="$1" -v q='\\"' 'BEGIN {
    print "{\"tagline_capture\":1,\"written\":\"2026-11-29T12:00:00.000Z\"}"
    for (i = 0; i < n; i++) {
      printf "{\"line\":\"bench\",\"time\":\"2026-11-29T12:%02d:%02d.%03dZ\",",
        int(i / 60000) % 60, int(i / 1000) % 60, i % 1000
      printf "\"topic\":\"bench/station-00000/up\",\"qos\":0,\"retain\":false,\"dup\":false,\"id\":0,"
      printf "\"payload\":\"{%stemp%s:%.1f,%shum%s:%d,%son%s:true}\"}\n",
        q, q, (i % 977) / 10, q, q, i % 101, q, q
    }
  }'
}

# replayed FILE STATIONS — seconds.
replayed () {
  PORT=1 STATIONS=$2 SIZE=60B processor "$build/tagline" replay "$1" $here/config.lua
}
subscribed () { SUBSCRIBE=$1 replayed "$tmp/few" 4000; }
live_values () {
  STATIONS=1 SIZE=60B micros --size 60B --qos 0 --count 100000 x \
    sh -c "exec $build/tagline run $here/config.lua --values --log-level error >$tmp/values"
}

# lone LINES — instructions of a message that comes alone, on one of so many connected lines. What
# connecting and ending cost differs by millions: callgrind counts only behind it, where the first
# message switches it on, and dumps its counts at two marks.
lone () {
  local file=$tmp/lone
  rm -f "$file"*
  IDLE=$(($1 - 1)) MARK=yes STATIONS=1 SIZE=60B "$source" --qos 1 --rate 300 --file "$build/marked.stream" \
    --first 1001 --count 3003 lone valgrind --quiet --tool=callgrind --instr-atstart=no --dump-before=clock \
    --callgrind-out-file="$file" "$build/tagline" run $here/config.lua --unsafe --log-level error >/dev/null 2>&1
  awk '/^totals:/ { print int($2 / 2000) }' "$file.2"
}

lone_messages () {
  local port=$((20000 + RANDOM % 10000)) broker
  stream marked 2000 marked
  mosquitto -p $port 2>/dev/null &
  broker=$!
  ROUNDS=1 BROKER=$port versus "instructions of a lone message, 1,000 lines / 1 line" 1.5 \
    "lone 1000" "lone 1"
  kill $broker
  wait $broker || true
}

# started SUBSCRIBE — seconds of a start with 4,000 stations, to the first message.
started () {
  STATIONS=4000 SIZE=60B SUBSCRIBE=$1 processor "$source" --size 60B --qos 1 --count 1 x \
    "$build/tagline" run $here/config.lua --log-level error
}

# The longest turn of the loop while 10,000 stations of three tags are reloaded, ms.
reload_turn () {
  local pid ask=("$build/tagline" repl --socket "$tmp/turns.sock" -e)
  PORT=1 TURNS=yes STATIONS=10000 SIZE=60B "$build/tagline" run $here/config.lua --unsafe \
    --log-level error --socket "$tmp/turns.sock" 2>/dev/null &
  pid=$!
  until "${ask[@]}" 'return 1' >/dev/null 2>&1; do :; done
  "${ask[@]}" 'debug.getregistry().turns.most = 0' >/dev/null
  "${ask[@]}" 'reload()' >/dev/null
  "${ask[@]}" 'return debug.getregistry().turns.most / 1e6'
  kill $pid
  wait $pid || true
}

# --- values on their way out, and their history ---

# number_behind TEXT [FIELD] — of each line of the input that begins with TEXT, its FIELDth field
# behind that; their median.
number_behind () {
  awk -v text="$1" -v field="${2:-1}" \
    'index($0, text) == 1 { $0 = substr($0, length(text) + 1); print $field }' | median
}

outlet_goals () {
  local out=$tmp/outlets
  for _ in $(seq "${ROUNDS:-3}"); do outlets; done >"$out"
  goal "spool, 1,000 values a wake-up, µs a value" \
    "$(number_behind "spool, 1,000 values a wake-up" <"$out")" 0.3
  goal "spool, one value a wake-up, µs" "$(number_behind "spool, one value a wake-up" <"$out")" 20
  goal "PostgreSQL, spool included / psql \\copy" \
    "$(awk -v a="$(number_behind "PostgreSQL, spool included" <"$out")" \
      -v b="$(number_behind "psql \\copy into a keyed table" <"$out")" \
      'BEGIN { if (b > 0) print a / b }')" 1
}

# imported NAME — seconds of processor time of `sqlite3 .import`, a million rows.
imported () { awk -v FS=": " -v name="$1" 'index($0, name) { split($2, t, " "); print t[1] + t[4] }'; }

history_goals () {
  local out=$tmp/histories all
  for _ in $(seq "${ROUNDS:-3}"); do history; done >"$out" 2>&1
  all=$(sed -n 's/.*together \([0-9.]*\) .*/\1/p' "$out" | median)
  goal "a history in SQLite, all in / sqlite3 .import into a plain table" \
    "$(awk -v a="$all" -v b="$(imported "a plain table" <"$out" | median)" \
      'BEGIN { if (b > 0) print a / b }')" 2
  goal "the same / .import into a table with the clustered key" \
    "$(awk -v a="$all" -v b="$(imported "the clustered key" <"$out" | median)" \
      'BEGIN { if (b > 0) print a / b }')" 0.5
  goal "bytes a value in the file" "$(awk '/bytes a value/ { print $1 }' "$out" | median)" 40
  goal "one tag's day of 86,400 values, merged, read: ms of processor time" \
    "$(sed -n 's/^read .* ms, \([0-9.]*\) ms of.*/\1/p' "$out" |
      awk 'NR % 6 > 3 || NR % 6 == 0' | median)" 50
}

# The loop's thread: what stores the values is on others.
recorded () {
  rm -rf "$build/kept.db"*
  HISTORY=${1:+$PWD/$build/kept.db} STATIONS=1 SIZE=1.3K micros --thread yes --size 1.3K --qos 0 \
    --count 100000 x "$build/tagline" run $here/config.lua --log-level error 2>/dev/null
  rm -rf "$build/kept.db"*
}

# The longest turn while the prompt asks for a million rows, ms.
million_turn () {
  local pid ask=("$build/tagline" repl --socket "$tmp/million.sock" -e)
  local query='#history("plant.s1000.t", { from = 0, to = "2030-01-01", limit = 1000000 })'
  HISTORY=$PWD/$build/million/history.db PORT=1 TURNS=yes STATIONS=1 SIZE=60B "$build/tagline" run \
    $here/config.lua --unsafe --log-level error --socket "$tmp/million.sock" 2>/dev/null &
  pid=$!
  until "${ask[@]}" 'return 1' >/dev/null 2>&1; do :; done
  "${ask[@]}" 'debug.getregistry().turns.most = 0' >/dev/null
  [ "$("${ask[@]}" "$query")" = 1000000 ] && "${ask[@]}" 'return debug.getregistry().turns.most / 1e6'
  kill $pid
  wait $pid || true
}

million_goal () {
  rm -rf "$build/million"
  mkdir "$build/million"
  "$build/scripts/bench/history_bench" "$build/million" 1000000
  goal "longest turn beside a query of a million rows, ms of processor time" \
    "$(for _ in $(seq "${ROUNDS:-3}"); do million_turn; done | median)" 10
  rm -rf "$build/million"
}

# The longest turn while 600,000 old rows are dropped and 250,000 are merged, ms.
kept_turn () {
  local pid file=$PWD/$build/kept/history.db begin=1764504000
  local ask=("$build/tagline" repl --socket "$tmp/kept.sock" -e)
  local left="SELECT (SELECT count(*) FROM recent)
    + (SELECT count(*) FROM partition WHERE from_ms < ${begin}000)"
  rm -rf "$build/kept"
  mkdir "$build/kept"
  "$build/scripts/bench/history_bench" "$build/kept" 600000 250000
  HISTORY=$file KEEP=$(($(date +%s) - begin - 600000)) PORT=1 TURNS=yes STATIONS=1 SIZE=60B \
    "$build/tagline" run $here/config.lua --unsafe --log-level error --socket "$tmp/kept.sock" 2>/dev/null &
  pid=$!
  until "${ask[@]}" 'return 1' >/dev/null 2>&1; do :; done
  "${ask[@]}" 'debug.getregistry().turns.most = 0' >/dev/null
  for _ in $(seq 3000); do # 0: nothing is left to merge, and the oldest partition is gone
    [ "$(sqlite3 -readonly "$file" "$left" 2>/dev/null)" = 0 ] || continue
    "${ask[@]}" 'return debug.getregistry().turns.most / 1e6'
    break
  done
  kill $pid
  wait $pid || true
  rm -rf "$build/kept"
}

goals () {
  local elsys=things_stack am107=chirpstack
  echo "== goals: ratios of one run, medians of ${ROUNDS:-3} rounds in turn"
  node_packages
  stream things_stack 4096 things_stack
  stream chirpstack 4096 chirpstack
  stream cayenne 4096 cayenne
  stream sparkplug 256 sparkplug_500
  versus "things_stack_v3(elsys) / MQTT.js with a decoder" 0.5 \
    "decoded $elsys $elsys 50000" "by_node $elsys $elsys 50000"
  versus "chirpstack_v4(milesight.am107) / MQTT.js with a decoder" 0.5 \
    "decoded $am107 $am107 50000" "by_node $am107 $am107 50000"
  versus "cayenne_lpp / a hand-written string.unpack" 4 \
    "decoded cayenne cayenne 200000" "decoded unpack cayenne 200000"
  versus "Sparkplug by alias, a metric / sparkplug-payload in memory" 1.0 \
    "decoded sparkplug sparkplug_500 2000 2" metric_in_memory 0.002
  goal "a Sparkplug message of 500 metrics, ms" \
    "$(decoded sparkplug sparkplug_500 2000 2 | awk '{ print $1 / 1000 }')" 0.25
  versus "msg.json / lua-cjson" 0.7 table_of_json cjson_table
  versus "60 bytes by JA= / framing and a scan that checks nothing" 2.0 \
    "by_addresses 60B 1000000" "scanned 60B 1000000"
  versus "1.3 KB by JA= / the same" 1.7 "by_addresses 1.3K 200000" "scanned 1.3K 200000"
  versus "16 KB by JA= / the same" 0.6 "by_addresses 16K 20000" "scanned 16K 20000"
  versus "a handler that fails / one that works" 5 "handled failing" "handled working"
  capture 100000 >"$tmp/capture"
  capture 1000 >"$tmp/few"
  versus "replay / live with --values" 2 "replayed $tmp/capture 1" live_values 10
  versus "replay, 4,000 stations with subscribe_address / without" 1.5 \
    "subscribed yes" "subscribed no"
  versus "start, 4,000 stations with subscribe_address / without" 1.5 "started yes" "started no"
  goal "longest turn while 10,000 stations reload, ms of processor time" \
    "$(for _ in $(seq "${ROUNDS:-3}"); do reload_turn; done | median)" 10
  lone_messages
  instructions_of_values
  outlet_goals
  history_goals
  versus "1.3 KB, three tags, with a history / without; the loop's thread" 2 "recorded yes" recorded
  million_goal
  goal "longest turn beside a drop of 600,000 rows, a merge of 250,000, ms" \
    "$(for _ in $(seq "${ROUNDS:-3}"); do kept_turn; done | median)" 10
  echo "goals missed: $missed"
  [ "$missed" = 0 ]
}

# As callgrind counts them: the difference of runs with and without --values.
instructions_of_values () {
  local few many load=(--size 60B --qos 0)
  few=$(SIZE=60B counted 1000)
  many=$(SIZE=60B counted 11000)
  local values=$(($(SIZE=60B counted 11000 --values) - $(SIZE=60B counted 1000 --values)))
  goal "instructions of a line of --values" $(((values - many + few) / 30000)) 1500
}
