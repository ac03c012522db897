/* spec/repl/explain_test.c — what explain tells of messages to a config that runs: where each goes,
** what its tags become, and why. The same without memory: told, or refused in words. */
#include "running.h"

#include "explain/explain.h"

static const char *running_config =
    "many = {} for i = 1, 25 do many[i] = 'f/' .. i end\n"
    "line 'm' { host = '127.0.0.1', topic_filter = many, station 's' { address = 'f/1',\n"
    "  tags = { v = Ai 'IN_DATA' } }, station 'two' { address = 'f/2', tags = { v = Ai 'IN_DATA' } "
    "},\n"
    "  station 'opt' { address = 'f/3(x)?([0-9]*)', tags = { v = Ai 'IN_DATA' } } }\n"
    "line 'l' { host = '127.0.0.1', topic_filter = { 'a/#', 'b/+', 'w', 'x/#', 'dev/#' },\n"
    "  station 'json' { address = 'a/json', payload_type = 'JSON', time_field_name = 'ts',\n"
    "    time_mask = 'UNIX', tags = {\n"
    "      v = Ai { 'JA=m.v', linear = { 2, 1 }, range = { 0, 100 }, unit = '°C' },\n"
    "      clamp = Ai { 'JA=m.c', range = { 0, 10 }, out_of_range = 'clamp' },\n"
    "      drop = Ai { 'JA=m.d', range = { 0, 10 }, out_of_range = 'discard' },\n"
    "      dead = Ai { 'JA=m.b', deadband = 5 },\n"
    "      n = Ci 'JA=m.n', kept = Ai { 'JA=m.k', on_missing = 'keep' },\n"
    "      def = Ai { 'JA=m.x', on_missing = 'default', default = 7 },\n"
    "      low = Ai { 'JA=m.l', deadband = 5, range = { 0, 10 }, out_of_range = 'discard' },\n"
    "      on = Di 'JA=m.on', t = TxtI 'JA=m.t', q = Qi 'JA=m.q', time = TiA 'JA=m.time' } },\n"
    "  station 'regex' { address = 'a/re/([0-9]+)/([a-z]*)', tags = {\n"
    "      all = TxtI 'RE=(y)?[0-9]+', first = Ai 'RE=v=([0-9]+)', data = TxtI 'IN_DATA',\n"
    "      id = Ci 'IN_ID', topic = TxtI 'IN_TOPIC', out = TxtO 'OUT_VALUE',\n"
    "      to = TxtO { 'OUT_TOPIC', default = 'a/set' } } },\n"
    "  station 'cbor' { address = 'a/cbor', payload_type = 'CBOR', tags = { v = Ai 'JA=v.x' } },\n"
    "  station 'prepared' { address = 'a/prep', prepare = { function(p)\n"
    "      if p == 'no' then return nil end\n"
    "      if p == 'bad' then error 'broken' end\n"
    "      return (p:gsub('^x', '')) end },\n"
    "    payload_type = 'JSON', tags = { v = Ai 'JA=v' } },\n"
    "  station 'decoded' { address = 'a/dec', tags = { x = Ai {}, y = TxtI {} },\n"
    "    decode = function(m)\n"
    "      if m.payload == 'no' then return nil end\n"
    "      if m.payload == 'bad' then error 'broken' end\n"
    "      if m.payload == 'times' then return { { time = 1, values = { x = 1 } },\n"
    "        { time = 2, values = { x = 2, y = 'b' } }, { time = 3, values = { x = 3 } } } end\n"
    "      return { x = tonumber(m.payload), other = 1 } end },\n"
    "  station 'quiet' { address = 'b/quiet', ignore_retained = true, tags = { v = Ai 'IN_DATA' } "
    "},\n"
    "  station 'off' { address = 'b/off', off = true, tags = { v = Ai 'IN_DATA' } },\n"
    "  station 'sim' { address = 'b/sim', simulate = true, tags = { v = Ai 'IN_DATA' } },\n"
    "  station 'willed' { address = 'b/willed', station_will_topic = 'w',\n"
    "    station_will_payload = 'dead', station_birth_payload = 'here', tags = { v = Ai 'IN_DATA' "
    "} },\n"
    "  station 'ack' { address = 'b/ack', tags = { v = Ai 'IN_DATA', id = Ci 'IN_ID',\n"
    "    ok = Co 'ACK_ID' } },\n"
    "  station 'd-{dev}' { address = 'dev/(?<dev>[^/]+)', max_instances = 1, payload_type = "
    "'JSON',\n"
    "    tags = { v = Ai 'JA=v' } } }\n";

static tl_buf said;

static int explain (const char *topic, const char *payload, bool retain, tl_err *err) {
  tl_explain_message m = {
    .topic = tl_slice_str(topic), .retain = retain, .has_payload = payload, .wall = running_wall
  };
  if (payload) m.payload = tl_slice_str(payload);
  tl_buf_clear(&said);
  said.failed = false;
  int rc = tl_explain(gateway, &m, &said, err);
  tl_buf_byte(&said, '\0');
  return rc;
}

typedef struct {
  const char *topic, *payload;
  const char *texts[4]; /* the document holds each */
} told;

static void tells (const told *t) {
  tl_err err = { .text = "" };
  if (explain(t->topic, t->payload, false, &err) != TL_OK) fail_msg("%s", err.text);
  for (int i = 0; i < 4 && t->texts[i]; i++)
    if (!strstr((const char *)said.at, t->texts[i]))
      fail_msg("%s %s: no %s in %s", t->topic, t->payload, t->texts[i], (const char *)said.at);
}

static const told ways[] = {
  { "none", "1", { "\"code\":\"no-filter\"" } },
  { "a/none", "1", { "\"code\":\"no-station\"", "\"code\":\"differs\"", "\"code\":\"no-match\"" } },
  { "b/off", "1", { "\"code\":\"off\"" } },
  { "b/sim", "1", { "\"code\":\"simulated\"" } },
  { "b/quiet", "1", { "\"code\":\"delivered\"" } },
  { "b/ack", "1", { "\"confirms\":true", "\"code\":\"delivered\"" } },
  { "w", "dead", { "\"code\":\"will\"", "{\"station\":\"l.willed\",\"takes\":true}" } },
  { "w", "other", { "\"code\":\"no-station\"", "\"takes\":false,\"payload\":\"dead\"" } },
  { "w", "here", { "\"takes\":true,\"birth\":true" } },
  { "w", NULL, { "\"takes\":false" } },
  { "dev/a", NULL, { "\"code\":\"routed\"", "\"template\":\"l.d-{dev}\"", "\"exists\":false" } },
  { "a/re/17/up", "x", { "\"captures\":{\"1\":\"17\",\"2\":\"up\"}" } },
};

static void the_way_of_a_message (void **unused) {
  (void)unused;
  tl_err err = { .text = "" };
  for (size_t i = 0; i < COUNT(ways); i++) tells(&ways[i]);
  assert_int_equal(explain("b/quiet", "1", true, &err), TL_OK);
  assert_non_null(strstr((const char *)said.at, "\"code\":\"retained\""));
  tells(&(told){ "dev/a", "{\"v\":7}", { "\"captures\":{\"dev\":\"a\"}", "\"value\":7" } });
  assert_int_equal(feed("dev/a", "{\"v\":1}"), TL_OK);
  tells(&(told){ "dev/a", "{\"v\":7}", { "\"exists\":true", "\"station\":\"l.d-a\"" } });
  tells(&(told){ "dev/b", "{\"v\":7}", { "\"code\":\"refused\"" } }); /* max_instances */
}

#define JSON(fields) "{\"ts\":1700000000,\"m\":{" fields "}}"

static const told values[] = {
  { "a/json", JSON("\"v\":10"), { "\"value\":21", "\"timestamp\":{\"from\":\"field\"", "linear" } },
  { "a/json", JSON("\"v\":60"), { "\"code\":\"range\"", "\"status\":\"invalid\"" } },
  { "a/json", JSON("\"c\":11"), { "{\"step\":\"clamp\",\"from\":11,", "\"value\":10" } },
  { "a/json", JSON("\"c\":-1"), { "{\"step\":\"clamp\",\"from\":-1,", "\"value\":0" } },
  { "a/json", JSON("\"d\":11"), { "\"code\":\"discarded\"" } },
  { "a/json", JSON("\"n\":1.5"), { "\"lost\":\"rounded\"", "\"value\":2" } },
  { "a/json", JSON("\"n\":1e30"), { "\"lost\":\"saturated\"" } },
  { "a/json", JSON("\"n\":-1e30"), { "\"lost\":\"saturated\"" } },
  { "a/json", JSON("\"k\":9007199254740993"), { "\"lost\":\"rounded\"" } },
  { "a/json", JSON("\"k\":9223372036854775807"), { "\"lost\":\"rounded\"" } },
  { "a/json", JSON("\"k\":9007199254740992"), { "\"value\":9007199254740992" } },
  { "a/json", JSON("\"n\":9223372036854775807"), { "\"value\":9223372036854775807" } },
  { "a/json", JSON("\"k\":1e400"), { "\"code\":\"type\"" } },
  { "a/json", JSON("\"l\":11"), { "\"code\":\"discarded\"" } },
  { "a/json", JSON("\"v\":1"), { "\"value\":7" } }, /* of def, which is missing */
  { "a/json", JSON("\"on\":\"maybe\",\"q\":9"), { "\"reason\":\"type\"" } },
  { "a/json", JSON("\"k\":\"x\""), { "\"code\":\"type\"" } },
  { "a/json", JSON("\"v\":\"x\""), { "\"reason\":\"type\"" } },
  { "a/json", JSON("\"on\":true,\"q\":3"), { "\"value\":true", "\"code\":\"kept\"" } },
  { "a/json", JSON("\"time\":\"x\""), { "\"reason\":\"time\"" } },
  { "a/json", "{\"m\":{}}", { "\"code\":\"missing\"", "\"from\":\"arrival\"" } },
  { "a/json", "{\"ts\":\"x\",\"m\":{\"b\":1}}", { "\"code\":\"time\"", "\"why\":" } },
  { "a/json",
    "{\"other\":1,\"esc\\u0061\":2}",
    { "\"near\":{\"at\":\"\",\"lacks\":\"m.v\"", "\"has\":[\"other\",\"esca\"]" } },
  { "a/json", "{\"m\":[1,2]}", { "\"near\":{\"at\":\"m\"", "\"type\":\"array\"" } },
  { "a/json", "{\"m\":7}", { "\"near\":{\"at\":\"m\"", "\"type\":\"number\"" } },
  { "a/json", "{\"m\":NaN}", { "\"code\":\"json\"", "\"cure\":" } },
  { "a/json", "{", { "\"code\":\"json\"", "\"expected\":" } },
  { "a/re/1/x", "v=17", { "\"value\":17", "\"raw\":\"17\"" } },
  { "a/re/1/x", "v=x", { "\"code\":\"no-match\"", "\"code\":\"output\"" } },
  { "a/re/1/x", "\xff", { "{\"step\":\"not-utf8\"}" } },
  { "a/cbor", "\xa1\x61w\x01", { "\"near\":{\"at\":\"\",\"lacks\":\"v.x\"", "\"has\":[\"w\"]" } },
  { "a/cbor", "\xa1\x61v\xa1\x61y\x01", { "\"near\":{\"at\":\"v\",\"lacks\":\"x\"" } },
  { "a/cbor", "\xa1", { "\"code\":\"json\",\"byte\":1" } },
  { "a/prep", "x{\"v\":5}", { "\"prepare\":{\"code\":\"ok\"", "\"after\":\"{", "\"value\":5" } },
  { "a/prep", "no", { "\"code\":\"declined\"", "\"prepare\":{\"code\":\"declined\"" } },
  { "a/prep", "bad", { "\"code\":\"decoder\"", "broken", "\"reason\":\"decoder\"" } },
  { "a/dec", "7", { "\"unknown\":[\"other\"]", "\"value\":7", "\"code\":\"not-returned\"" } },
  { "a/dec", "no", { "\"decode\":{\"code\":\"declined\"}", "\"code\":\"not-returned\"" } },
  { "a/dec", "bad", { "\"decode\":{\"code\":\"decoder\"", "broken" } },
  { "a/dec",
    "times",
    { "\"from\":\"decode\"", "\"first\":\"1970-01-01T00:00:02", "\"sample_count\":3" } },
};

static void what_tags_become (void **unused) {
  (void)unused;
  for (size_t i = 0; i < COUNT(values); i++) tells(&values[i]);
}

static void what_came_before_counts (void **unused) {
  (void)unused;
  assert_int_equal(feed("a/json", JSON("\"b\":10,\"k\":3")), TL_OK);
  tells(&(told){ "a/json", JSON("\"b\":12"), { "\"code\":\"deadband\"", "\"code\":\"kept\"" } });
  tells(&(told){ "a/json", JSON("\"b\":20"), { "\"code\":\"new\"" } });
  tells(&(told){ "a/json", JSON("\"b\":10,\"k\":3"), { "\"code\":\"same\"" } });
}

/* Asked of one line alone, which has more filters than are listed. */
static void the_way_in_one_line (void **unused) {
  (void)unused;
  tl_err err = { .text = "" };
  static const char *const cases[][2] = {
    { "f/30", "\"filters_more\":5" },       { "f/9", "\"code\":\"no-station\"" },
    { "f/1", "\"station\":\"m.s\"" },       { "f/3", "\"station\":\"m.opt\"" },
    { "a/json", "\"code\":\"no-filter\"" },
  };
  for (size_t i = 0; i < COUNT(cases); i++) {
    tl_explain_message m = { .topic = tl_slice_str(cases[i][0]),
                             .line = TL_LIT("m"),
                             .has_payload = true,
                             .payload = TL_LIT("1"),
                             .wall = running_wall };
    tl_buf_clear(&said);
    if (tl_explain(gateway, &m, &said, &err) != TL_OK) fail_msg("%s", err.text);
    tl_buf_byte(&said, '\0');
    if (!strstr((const char *)said.at, cases[i][1]) || strstr((const char *)said.at, "\"l."))
      fail_msg("%s: no %s in %s", cases[i][0], cases[i][1], (const char *)said.at);
  }
}

static void questions_that_have_no_answer (void **unused) {
  (void)unused;
  tl_err err = { .text = "" };
  assert_int_equal(explain("a/+", "1", false, &err), TL_EMALFORMED);
  tl_explain_message m = { .topic = TL_LIT("a"), .line = TL_LIT("nobody") };
  assert_int_equal(tl_explain(gateway, &m, &said, &err), TL_ENOENT);
  assert_string_equal(err.text, "there is no line 'nobody'");
}

/* --- the history of a tag --- */

static tl_tag *tag (const char *name) {
  return tl_model_tag(tl_gateway_model(gateway), tl_slice_str(name));
}

/* All of it, one object behind the other. */
static int history (const char *name, tl_err *err) {
  tl_explain_history *h;
  tl_buf_clear(&said);
  said.failed = false;
  int rc = tl_explain_history_begin(&h, gateway, tag(name), &said, err);
  if (rc == TL_OK)
    while ((rc = tl_explain_history_next(h, &said, err)) > 0) continue;
  tl_explain_history_free(h);
  tl_buf_byte(&said, '\0');
  return rc;
}

static void tells_of (const char *name, const char *const *texts) {
  tl_err err = { .text = "" };
  if (history(name, &err) != TL_OK) fail_msg("%s: %s", name, err.text);
  for (; *texts; texts++)
    if (!strstr((const char *)said.at, *texts))
      fail_msg("%s: no %s in %s", name, *texts, (const char *)said.at);
}
#define TELLS_OF(name, ...) tells_of(name, (const char *const[]){ __VA_ARGS__, NULL })

static void messages_that_made_a_tag_what_it_is (void **unused) {
  (void)unused;
  feed("a/json", JSON("\"v\":10"));
  feed("a/json", JSON("\"v\":99"));
  TELLS_OF("l.json.v", "\"recorded\":2,\"complete\":true", "\"reason\":\"range\"", "{\"number\":1,",
           "\"value\":21", "{\"number\":2,", "\"reported\":true");
  feed("w", "dead");
  TELLS_OF("l.willed.v", "\"will\":true,\"code\":\"station-will\"");
}

static void messages_for_others_the_likest_first (void **unused) {
  (void)unused;
  static const char *const topics[] = {
    "a/re/1/x", "a/jsom", "a/jso", "a/jsonn", "a/j", "a/jsonn"
  };
  for (size_t i = 0; i < COUNT(topics); i++) feed(topics[i], "1");
  TELLS_OF("l.json.v", "\"others\":[{\"topic\":\"a/jsonn\",\"count\":2", "{\"topic\":\"a/jso\"",
           "{\"topic\":\"a/jsom\"");
  feed("dev/a", "{\"v\":1}");
  TELLS_OF("l.json.v", "\"recorded\":7");
  TELLS_OF("l.d-a.v", "\"value\":1", "\"code\":\"new\"");
}

static void a_reload_ends_the_history (void **unused) {
  (void)unused;
  tl_err err = { .text = "" };
  tl_explain_history *h;
  feed("a/json", JSON("\"v\":10"));
  assert_int_equal(tl_explain_history_begin(&h, gateway, tag("l.json.v"), &said, &err), TL_OK);
  tl_model_remove_line(tl_gateway_model(gateway), NULL); /* of none: nothing happens */
  tl_station *s = tl_model_station(tl_gateway_model(gateway), TL_LIT("l.json"));
  tl_plan *other = tl_model_station(tl_gateway_model(gateway), TL_LIT("l.off"))->plan;
  assert_int_equal(tl_station_replan(&s, other, 0, running_wall), TL_OK);
  assert_int_equal(tl_explain_history_next(h, &said, &err), TL_ESTATE);
  assert_non_null(strstr(err.text, "the config has changed"));
  tl_explain_history_free(h);
}

/* --- without memory --- */

static int on_begin (void *ctx, tl_slice key, bool escaped, bool array) {
  (void)ctx, (void)key, (void)escaped, (void)array;
  return 0;
}
static int on_end (void *ctx, bool array) { return (void)ctx, (void)array, 0; }
static int on_value (void *ctx, tl_slice key, bool escaped, const tl_json_value *v) {
  (void)ctx, (void)key, (void)escaped, (void)v;
  return 0;
}

/* Each document in said[], one behind the other, is whole. */
static void is_json (const char *of) {
  static const tl_json_visitor nobody = { on_begin, on_end, on_value };
  tl_json_error error;
  char *at = (char *)said.at;
  for (char *end; at && *at; at = end) {
    int depth = 0;
    bool text = false;
    if (*at == ',') at++;
    for (end = at; *end && (end == at || depth > 0 || text); end++) {
      if (*end == '\\' && text)
        end++;
      else if (*end == '"')
        text = !text;
      else if (!text)
        depth += (*end == '{' || *end == '[') - (*end == '}' || *end == ']');
    }
    if (tl_json_walk(tl_slice_of((uint8_t *)at, (size_t)(end - at)), &nobody, NULL, &error) !=
        TL_OK)
      fail_msg("%s: byte %zu: expected %s: %s", of, error.at, error.expected, at);
  }
}

static void without_memory_it_says_so (void **unused) {
  (void)unused;
  static const told some[] = {
    { "a/json", JSON("\"v\":10,\"n\":1.5"), { NULL } },
    { "a/cbor", "\xa1\x61w\x01", { NULL } },
    { "a/prep", "x{\"v\":5}", { NULL } },
    { "a/dec", "7", { NULL } },
    { "dev/new", "{\"v\":1}", { NULL } },
    { "w", "dead", { NULL } },
    { "none", "1", { NULL } },
  };
  feed("a/json", JSON("\"v\":10"));
  for (size_t i = 0; i < COUNT(some); i++)
    for (torture_round t = { 0 }; torture_next(&t);) {
      tl_err err = { .text = "" };
      tl_buf_fini(&said);
      memory_fails(t.at, t.for_ever);
      int rc = explain(some[i].topic, some[i].payload, false, &err);
      memory_heals();
      if (rc == TL_OK) is_json(some[i].topic);
      if (rc == TL_OK) continue;
      assert_int_equal(rc, TL_ENOMEM);
      assert_non_null(strstr(err.text, "no memory"));
    }
  assert_null(tl_model_station(tl_gateway_model(gateway), TL_LIT("l.d-new")));
}

static void without_memory_a_history_says_so (void **unused) {
  (void)unused;
  static const char *const names[] = { "l.json.v", "l.dec.x", "l.willed.v", "l.off.v" };
  feed("a/json", JSON("\"v\":10"));
  feed("w", "dead");
  for (size_t i = 0; i < COUNT(names); i++)
    for (torture_round t = { 0 }; tag(names[i]) && torture_next(&t);) {
      tl_err err = { .text = "" };
      tl_buf_fini(&said);
      memory_fails(t.at, t.for_ever);
      int rc = history(names[i], &err);
      memory_heals();
      if (rc == TL_OK) is_json(names[i]);
      if (rc == TL_OK) continue;
      assert_int_equal(rc, TL_ENOMEM);
      assert_non_null(strstr(err.text, "no memory"));
    }
}

#define SPEC(f) cmocka_unit_test_setup_teardown(f, begin_all, end_all)

int main (void) {
  const struct CMUnitTest tests[] = {
    SPEC(the_way_of_a_message),
    SPEC(what_tags_become),
    SPEC(what_came_before_counts),
    SPEC(the_way_in_one_line),
    SPEC(questions_that_have_no_answer),
    SPEC(messages_that_made_a_tag_what_it_is),
    SPEC(messages_for_others_the_likest_first),
    SPEC(a_reload_ends_the_history),
    SPEC(without_memory_it_says_so),
    SPEC(without_memory_a_history_says_so),
  };
  int failures = cmocka_run_group_tests(tests, setup, teardown);
  tl_buf_fini(&said);
  return failures;
}
