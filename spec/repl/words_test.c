/* spec/repl/words_test.c — what decoders see and may return, and what the words of scripts refuse,
** in a config that runs in this process. */
#include "running.h"

static const char *running_config =
    "seen = { null = require('json').null }\n"
    "line 'l' { host = '127.0.0.1', topic_filter = '#',\n"
    "  station 's' { address = 's/([0-9])(x)?', payload_type = 'JSON',\n"
    "    decode = function(m) return seen.decode(m) end,\n"
    "    encode = function(tag, value) return seen.encode(tag, value) end,\n"
    "    on_value = function(tag) seen.value = tag.name end,\n"
    "    tags = { n = Ai {}, c = Ci {}, t = TxtI {}, d = Di {}, at = TiA {},\n"
    "      up = Di { words = { On = 'yes', Off = 'no' } }, out = TxtO 'OUT_VALUE',\n"
    "      to = TxtO { 'OUT_TOPIC', default = 'set' } } },\n"
    "  station 'p' { address = 'p', prepare = function(p) return seen.prepare(p) end,\n"
    "    tags = { v = TxtI 'IN_DATA' } },\n"
    "  station 'w' { address = 'w/up', station_will_topic = 'w/will', tags = { v = Ci 'IN_DATA' } "
    "},\n"
    "  station 'd-{x}' { address = 'd/(?<x>.+)', tags = { v = Ci 'IN_DATA' } },\n"
    "  station 'o' { address = 'o', encode = function(tag, value) return tostring(value) end,\n"
    "    tags = { to = TxtO { 'OUT_TOPIC', default = 'o/set' }, a = Ao 'OUT_VALUE' } },\n"
    "  station 'oc' { address = 'oc', tags = { to = TxtO { 'OUT_TOPIC', default = 'o/set' },\n"
    "    v = Co 'OUT_VALUE' } },\n"
    "  station 'od' { address = 'od', tags = { to = TxtO { 'OUT_TOPIC', default = 'o/set' },\n"
    "    v = Do 'OUT_VALUE' } },\n"
    "  station 'or' { address = 'or', tags = { to = TxtO { 'OUT_TOPIC', default = 'o/set' },\n"
    "    v = ToR 'OUT_VALUE' } },\n"
    "  station 'oa' { address = 'oa', tags = { to = TxtO { 'OUT_TOPIC', default = 'o/set' },\n"
    "    v = ToA 'OUT_VALUE' } } }\n"
    "line 'm' { host = '127.0.0.1', topic_filter = 'only/m', station 's' { address = 'only/m',\n"
    "  tags = { v = Ci 'IN_DATA' } } }\n";

/* Messages of "s/1x" go through this function; then the code holds. */
static void decodes (const char *function, const char *payload, const char *code) {
  char text[600];
  snprintf(text, sizeof text, "seen.decode = function(m) %s end", function);
  holds(text);
  assert_int_equal(feed("s/1x", payload), TL_OK);
  holds(code);
}

static void a_decoder_sees_its_message (void **unused) {
  (void)unused;
  decodes("seen.f = { m.topic, m.payload, m.payload, m.qos, m.retain, m.dup, m.id, m.time, "
          "m.captures[1], m.captures[1], m.captures[2], m.json.v, m.json.v, m.station.name, "
          "tostring(m) } seen.kept = m return {}",
          "{\"v\":7}",
          "local f = seen.f assert(f[1] == 's/1x' and f[2] == f[3] and f[4] == 1 and f[5] == false "
          "and f[6] == false and f[7] == 1 and f[8] == 1700000000 and f[9] == '1' and f[10] == '1' "
          "and f[11] == 'x' and f[12] == 7 and f[14] == 's' and f[15]:find 'a message')");
  fails_with("return seen.kept.topic", "msg.topic: the message is over");
  fails_with("return seen.null.x", "attempt to index json.null (field 'x')");
  fails_with("seen.null.x = 1", "attempt to index json.null");
  holds("assert(tostring(seen.null) == 'null')");
  feed("s/2", "{}");
  holds("assert(seen.kept and seen.f)");
}

/* What goes wrong in a decoder is told in status(), with the place. */
static void refuses (const char *function, const char *error) {
  char code[700];
  decodes(function, "{\"v\":7}", "assert(true)");
  snprintf(code, sizeof code,
           "local all = {} for _, p in ipairs(status().problems) do all[#all + 1] = p.text end "
           "local text = table.concat(all, '\\n') "
           "assert(text:find(%s, 1, true) or error(text, 0))",
           error);
  holds(code);
  gives("return tags['l.s.n'].status", "invalid");
}

static void a_decoder_that_is_wrong_is_told_so (void **unused) {
  (void)unused;
  static const char *const cases[][2] = {
    { "return { n = m.tpoic }", "\"msg has no field 'tpoic'\"" },
    { "return { n = m.pay }", "\"msg has no field 'pay'\"" },
    { "return { n = m.js }", "\"msg has no field 'js'\"" },
    { "return { n = m.cap }", "\"msg has no field 'cap'\"" },
    { "return { n = m.st }", "\"msg has no field 'st'\"" },
    { "return { n = m.quality }", "\"msg has no field 'quality'\"" },
    { "return { n = m.rt }", "\"msg has no field 'rt'\"" },
    { "return { n = m.dt }", "\"msg has no field 'dt'\"" },
    { "return { n = m.ix }", "\"msg has no field 'ix'\"" },
    { "return { n = m[1] }", "\"msg has no field '?'\"" },
    { "m.topic = 1", "'msg is not assigned to'" },
    { "return 5", "'decode'" },
    { "return { [true] = 5 }", "'expected tag names as keys, got true'" },
    { "return { n = { val = 5 } }", "\"n: unknown field val\"" },
    { "return { n = { [1] = 5 } }", "'n: unknown field'" },
    { "return { n = { value = 5, status = 'bad' } }",
      "'expected status \"valid\" or \"invalid\"'" },
    { "return { n = { value = 5, status = 7 } }", "'expected status \"valid\" or \"invalid\"'" },
    { "return { n = { status = 'invalid', reason = 'x' } }", "\"n: unknown reason 'x'\"" },
    { "return { n = { value = 5, time = 'x' } }", "'n: expected a time in seconds since 1970'" },
    { "return { { time = 1, values = { n = 1 } }, 5 }", "'sample 2: expected a table'" },
    { "return { { tiem = 1, values = { n = 1 } } }", "'sample 1: a sample: unknown field tiem'" },
    { "return { { time = 1, values = 5 } }", "'sample 1: expected values = '" },
    { "return { { time = {}, values = {} } }", "'sample 1: its time: expected a time'" },
    { "return { { values = { [1] = 5 } } }", "'sample 1: decode: expected tag names'" },
  };
  for (size_t i = 0; i < COUNT(cases); i++) refuses(cases[i][0], cases[i][1]);
}

static void values_of_a_decoder_are_converted (void **unused) {
  (void)unused;
  decodes("return { n = '1.5', c = 2.6, t = 7, d = 'true', at = 5, up = 'yes' }", "{}",
          "local t = stations['l.s'].tags assert(t.n.value == 1.5 and t.c.value == 3 and "
          "t.t.value == '7' and t.d.value == true and t.at.value == 5 and t.up.value == true)");
  decodes("return { n = 1/0, c = 'x', t = {}, d = 5, up = 'maybe' }", "{}",
          "local t = stations['l.s'].tags assert(t.n.status == 'invalid' and t.n.reason == 'type' "
          "and t.c.status == 'invalid' and t.up.status == 'invalid' and t.t.reason == 'missing')");
  decodes("return { n = { value = 2, time = 9 }, c = { status = 'invalid', reason = 'range' }, "
          "t = { status = 'invalid' }, d = { value = true, status = 'valid' } }",
          "{}",
          "local t = stations['l.s'].tags assert(t.n.time == 9 and t.c.reason == 'range' and "
          "t.t.reason == 'decoder' and t.d.value == true)");
  decodes("return { { time = 1, values = { n = 1, t = 'a' } }, { values = { n = 2 } } }", "{}",
          "local t = stations['l.s'].tags assert(t.n.value == 2 and t.t.value == 'a' and "
          "t.t.time == 1)");
  decodes("return { ['an unknown one'] = 1, n = 4 }", "{}",
          "assert(stations['l.s'].tags.n.value == 4)");
  decodes("return nil", "{}", "assert(stations['l.s'].tags.n.value == 4)"); /* declined */
}

static void prepare_repairs_declines_or_fails (void **unused) {
  (void)unused;
  holds("seen.prepare = function(p) return p .. '!' end");
  feed("p", "a");
  gives("return tags['l.p.v'].value", "a!");
  holds("seen.prepare = function(p) return nil end");
  feed("p", "b");
  gives("return tags['l.p.v'].value", "a!");
  static const char *const wrong[] = { "error 'no'", "return 5, 6", "return {}" };
  for (size_t i = 0; i < COUNT(wrong); i++) {
    char code[100];
    snprintf(code, sizeof code, "seen.prepare = function(p) %s end", wrong[i]);
    holds(code);
    feed("p", "c");
    if (i != 1) gives("return tags['l.p.v'].reason", "decoder");
  }
}

static char sent[200];

static void on_published (void *ctx, tl_link *l, tl_slice topic, tl_slice payload, uint8_t qos,
                          bool retain) {
  (void)ctx, (void)l;
  snprintf(sent, sizeof sent, "%.*s=%.*s %d%s", TL_ARG(topic), TL_ARG(payload), qos,
           retain ? " retained" : "");
}

/* `value` is "on"; each gives what is sent, or why nothing is. */
static void encode_says_what_is_sent (void **unused) {
  (void)unused;
  static const char *const cases[][2] = {
    { "return value .. '!'", "set=on! 0" },
    { "return value, 'other', { qos = 2, retain = true }", "other=on 2 retained" },
    { "return value, nil, { qos = 'QoS_1', retain = 'YES' }", "set=on 1 retained" },
    { "return value, nil, { qos = 'qos_2', retain = 'no' }", "set=on 2" },
    { "return value, nil, {}", "set=on 0" },
    { "return 5", "encode must return the payload as a string, got number 5" },
    { "return nil", "encode must return the payload as a string" },
    { "return value, 5", "expected the topic as a string or nil" },
    { "return value, 'a/#'", "wildcard" },
    { "return value, nil, 5", "expected a table { qos =, retain = }" },
    { "return value, nil, { qos = 3 }", "expected qos 0, 1 or 2" },
    { "return value, nil, { qos = 1.5 }", "expected qos 0, 1 or 2" },
    { "return value, nil, { qos = 'QoS_9' }", "expected qos 0, 1 or 2" },
    { "return value, nil, { qos = 'QoS' }", "expected qos 0, 1 or 2" },
    { "return value, nil, { qos = true }", "expected qos 0, 1 or 2" },
    { "return value, nil, { retain = 1 }", "expected retain = true or false" },
    { "return value, nil, { retian = true }", "unknown option 'retian'" },
    { "return value, nil, { q = 1 }", "unknown option 'q'" },
    { "return value, nil, { [''] = 1 }", "unknown option ''" },
    { "return value, nil, { [5] = true }", "unknown option number 5" },
    { "error 'broken'", "broken" },
  };
  tl_offline_begin(gateway, on_published, NULL, tl_loop_now(loop), running_wall);
  for (size_t i = 0; i < COUNT(cases); i++) {
    char code[200];
    answer a;
    snprintf(code, sizeof code, "seen.encode = function(tag, value) %s end", cases[i][0]);
    holds(code);
    sent[0] = '\0';
    evaluate("local ok, why = tags['l.s.out']:write 'on' return why or 'taken'", &a);
    const char *got = sent[0] ? sent : a.text;
    if (!strstr(got, cases[i][1])) fail_msg("%s: %s", cases[i][0], got);
  }
}

static void words_refuse_what_they_do_not_understand (void **unused) {
  (void)unused;
  static const char *const cases[][2] = {
    { "after('x', print)", "after: expected seconds" },
    { "after(-1, print)", "after: expected seconds" },
    { "after(2e9, print)", "after: expected seconds" },
    { "every(0, print)", "every: expected seconds" },
    { "every(1, 5)", "every: expected a function" },
    { "explain('a', 'x', { qos = 3 })", "qos: expected 0 to 2, got number 3" },
    { "explain('a', 'x', { qos = 'x' })", "qos: expected 0 to 2" },
    { "explain('a', 'x', { id = 70000 })", "id: expected 0 to 65535" },
    { "explain('a', 'x', { id = -1 })", "id: expected 0 to 65535" },
    { "explain('a', 'x', { line = 5 })", "line: expected a string" },
    { "explain('a', 'x', { line = 'nobody' })", "there is no line 'nobody'" },
    { "explain('a', 'x', { time = 'x' })", "time: expected seconds since 1970" },
    { "explain('a', 'x', { time = 1e300 })", "time: expected seconds since 1970" },
    { "explain('a', 'x', { retian = true })", "unknown option 'retian'" },
    { "explain('a', 'x', { retain = 5 })", "expected retain = true or false" },
    { "explain('a/#', 'x')", "wildcard" },
    { "messages(5)", "expected a topic filter, a line, a station or a tag, got" },
    { "messages('a#')", "as a topic filter" },
    { "messages(nil, 0)", "expected how many messages at most" },
    { "save()", "string expected" },
    { "save('/nonexistent/folder/file')", "No such file" },
    { "lines.nobody.x()", "nobody" },
    { "watch(5)", "" },
  };
  for (size_t i = 0; i < COUNT(cases); i++) fails_with(cases[i][0], cases[i][1]);
  holds("after(0, setmetatable({}, { __call = print })) every(1e9, print)");
}

static void messages_are_chosen (void **unused) {
  (void)unused;
  holds("seen.decode = function() return {} end seen.prepare = function(p) return p end");
  feed("w/up", "1");
  feed("w/will", "");
  feed("d/a", "2");
  feed("s/1", "{}");
  feed("d/b", "3");
  static const char *const cases[][2] = {
    { "return #messages()", "5" },
    { "return #messages('l')", "5" },
    { "return #messages(lines.l)", "5" },
    { "return #messages('d/+')", "2" },
    { "return #messages('l.d-{x}')", "2" },
    { "return #messages(stations['l.d-a'])", "1" },
    { "return #messages(tags['l.d-a.v'])", "1" },
    { "return #messages('l.d-a.v')", "1" },
    { "return #messages('l.w')", "2" },
    { "return #messages('l.p')", "0" },
    { "return #messages(nil, 2)", "2" },
  };
  for (size_t i = 0; i < COUNT(cases); i++) gives(cases[i][0], cases[i][1]);
}

static void captures_are_saved (void **unused) {
  (void)unused;
  char file[80], code[200], expected[200];
  feed("d/a", "2");
  feed("d/b", "");
  snprintf(file, sizeof file, "%s.capture", path);
  snprintf(code, sizeof code, "return save('%s')", file);
  snprintf(expected, sizeof expected, "2 messages in %s", file);
  gives(code, expected);
  fails_with(code, "is there already; give another name");
  assert_int_equal(unlink(file), 0);
  snprintf(code, sizeof code, "return save('%s', 'd/b')", file);
  snprintf(expected, sizeof expected, "1 message in %s", file);
  gives(code, expected);
  assert_int_equal(unlink(file), 0);
}

/* Each value for each type of output: what is sent, or why nothing is. */
static void a_write_takes_its_type_and_no_other (void **unused) {
  (void)unused;
  static const char *const cases[][3] = {
    { "o.a", "1.5", "o/set=1.5 0" },
    { "o.a", "'1.5'", "expected a finite number, got string \"1.5\"" },
    { "o.a", "1/0", "expected a finite number, got number inf" },
    { "o.a", "0/0", "expected a finite number, got number nan" },
    { "o.a", "nil", "expected a finite number, got nil" },
    { "o.a", "true", "expected a finite number, got true" },
    { "o.a", "false", "expected a finite number, got false" },
    { "o.a", "{}", "expected a finite number, got a table" },
    { "o.a", "('x'):rep(41)", "expected a finite number, got a string of 41 bytes" },
    { "oc.v", "7", "o/set=7 0" },
    { "oc.v", "7.0", "o/set=7 0" },
    { "oc.v", "7.5", "expected an integer, got number 7.5" },
    { "oc.v", "'7'", "expected an integer, got string \"7\"" },
    { "od.v", "true", "o/set=" },
    { "od.v", "1", "expected true or false, got number 1" },
    { "or.v", "90", "o/set=" },
    { "or.v", "'90'", "expected a duration in seconds (a finite number), got string \"90\"" },
    { "oa.v", "0", "o/set=" },
    { "oa.v", "1e15", "expected a time in seconds since 1970 (a finite number), got number 1e+15" },
    { "oa.v", "{}", "expected a time in seconds since 1970 (a finite number), got a table" },
    { "s.out", "5", "expected a string, got number 5" },
    { "s.n", "5", "" },
  };
  tl_offline_begin(gateway, on_published, NULL, tl_loop_now(loop), running_wall);
  holds("seen.encode = function(tag, value) return value end");
  for (size_t i = 0; i < COUNT(cases); i++) {
    char code[200];
    answer a;
    snprintf(code, sizeof code,
             "local ok, why = tags['l.%s']:write(%s) return ok == nil and 'nil: ' .. why or ok",
             cases[i][0], cases[i][1]);
    sent[0] = '\0';
    evaluate(code, &a);
    const char *got = sent[0] ? sent : a.text;
    if (!strstr(got, cases[i][2])) fail_msg("%s: %s", code, got);
    if (!sent[0] && strncmp(a.text, "nil: ", 5) != 0) fail_msg("%s raises: %s", code, a.text);
  }
}

/* What the log tells of a publish is cut, whatever it holds. */
static void a_publish_is_told_in_few_words (void **unused) {
  (void)unused;
  tl_offline_begin(gateway, on_published, NULL, tl_loop_now(loop), running_wall);
  static const char *const cases[][2] = {
    { "lines.l:publish('a', '')", "a= 0" },
    { "lines.l:publish('a', '\\0\\1\\2')", "a=" },
    { "lines.l:publish('a', ('\\xff'):rep(300))", "a=\xff" },
    { "lines.l:publish('a', ('\\u{e9}'):rep(300))", "a=\xc3\xa9" },
    { "lines.l:publish('a', 'x', { qos = 1, retain = true })", "a=x 1 retained" },
    { "lines.l:publish('a', 'x', { qos = 'QoS_2' }, function(ok) seen.ok = ok end)", "a=x 2" },
    { "lines.l:publish('a', 'x', function(ok) seen.ok = ok end)", "a=x 0" },
  };
  for (size_t i = 0; i < COUNT(cases); i++) {
    sent[0] = '\0';
    holds(cases[i][0]);
    if (strncmp(sent, cases[i][1], strlen(cases[i][1])) != 0) fail_msg("%s: %s", cases[i][0], sent);
  }
  turn();
  gives("return seen.ok", "true");
  static const char *const wrong[][2] = {
    { "lines.l:publish()", "expected the topic as a string, got nil" },
    { "lines.l:publish('a')", "expected the payload as a string, got nil" },
    { "lines.l:publish('a', 5)", "expected the payload as a string, got number 5" },
    { "lines.l:publish('a', 'x', 5)", "table expected" },
    { "lines.l:publish('a', 'x', {}, 5)", "function expected" },
    { "lines.l:publish('a', 'x', { qso = 1 })", "unknown option 'qso'" },
    { "lines.l.host = 1", "a line's fields are not assigned to; use line:set" },
    { "lines.l:set(5)", "set: expected a table { parameter = value }, got number 5" },
    { "lines.l:set { keep_alive = -1 }", "keep_alive" },
    { "lines.l:set { no_data_time = 5 }", "no_data_time" },
    { "return lines.l[1]", "" },
    { "stations['l.s'].nmae = 1", "" },
    { "return tags['l.s.n'].vlaue", "vlaue" },
    { "return tags['l.s.n'][1]", "" },
    { "probe()", "" },
  };
  for (size_t i = 0; i < COUNT(wrong); i++) {
    answer a;
    evaluate(wrong[i][0], &a);
    if (a.ok && wrong[i][1][0]) fail_msg("%s is taken: %s", wrong[i][0], a.text);
    if (!strstr(a.text, wrong[i][1])) fail_msg("%s: %s", wrong[i][0], a.text);
  }
}

static char logged[3000];

static bool note_log (void *ctx, tl_log_level level, const char *line) {
  size_t n = strlen(logged);
  (void)ctx, (void)level;
  snprintf(logged + n, sizeof logged - n, "%s\n", line);
  return true;
}

/* Each change stands in the log: cut where it is long, and never a secret. */
static void a_line_is_set_and_told (void **unused) {
  (void)unused;
  static const char *const told[] = { "set user_name = me\n",        "set password = (not shown)\n",
                                      "set topic_filter = #, a/#\n", "set publish_retain = true\n",
                                      "set max_queued = 5\n",        "set user_name = nothing\n" };
  logged[0] = '\0';
  tl_log_set_writer(note_log, NULL);
  holds("lines.l:set { user_name = 'me', password = 'secret', topic_filter = { '#', 'a/#' }, "
        "reconnect_delay = 0.0001, publish_retain = true, max_queued = 5 }");
  holds("lines.l:set { user_name = '', password = '' }");
  holds("lines.l:set { client_id = ('x'):rep(200) }");
  holds("lines.l:reconnect()");
  tl_log_set_writer(quiet, NULL);
  for (size_t i = 0; i < COUNT(told); i++)
    if (!strstr(logged, told[i])) fail_msg("not '%s' but: %s", told[i], logged);
  assert_null(strstr(logged, "secret"));
  assert_non_null(strstr(logged, "xxx…\n"));
}

static void messages_are_chosen_of_one_line (void **unused) {
  (void)unused;
  feed("d/a", "2");
  tl_incoming m = { .topic = TL_LIT("only/m"), .payload = TL_LIT("2"), .wall = running_wall };
  tl_offline_fed fed;
  assert_int_equal(tl_offline_feed(gateway, tl_slice_of(NULL, 0), &m, &fed, NULL), TL_OK);
  assert_int_equal(fed.taken + fed.unrouted, 2); /* both lines have a filter for it */
  gives("return #messages('m') + 10 * #messages('l') + 100 * #messages(stations['m.s'])", "121");
  gives("return #messages(stations['l.d-a'])", "1");
}

static void fields_of_messages_are_spelled_out (void **unused) {
  (void)unused;
  decodes("seen.f = { m.captures.x, m.captures[9], pcall(function() return m.cbor end) } return {}",
          "{}", "assert(seen.f)");
}

#define SPEC(f) cmocka_unit_test_setup_teardown(f, begin_all, end_all)

int main (void) {
  const struct CMUnitTest tests[] = {
    SPEC(a_decoder_sees_its_message),
    SPEC(a_decoder_that_is_wrong_is_told_so),
    SPEC(values_of_a_decoder_are_converted),
    SPEC(prepare_repairs_declines_or_fails),
    SPEC(encode_says_what_is_sent),
    SPEC(words_refuse_what_they_do_not_understand),
    SPEC(messages_are_chosen),
    SPEC(captures_are_saved),
    SPEC(a_write_takes_its_type_and_no_other),
    SPEC(a_publish_is_told_in_few_words),
    SPEC(a_line_is_set_and_told),
    SPEC(messages_are_chosen_of_one_line),
    SPEC(fields_of_messages_are_spelled_out),
  };
  return cmocka_run_group_tests(tests, setup, teardown);
}
