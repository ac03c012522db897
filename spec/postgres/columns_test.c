/* spec/postgres/columns_test.c — rows as arrays in the server's format, what tags the database
** knows, and how its complaints are told. */
#include <stdlib.h>

#include "support/torture.h"

#include "postgres/columns.h"
#include "postgres/schema.h"
#include "postgres/tags.h"
#include "postgres/trouble.h"

static uint64_t big (const char *at, int bytes) {
  uint64_t number = 0;
  for (int i = 0; i < bytes; i++) number = number << 8 | (uint8_t)at[i];
  return number;
}

static tl_outlet_value value_of (const tl_series *s, tl_value value) {
  return (tl_outlet_value){ .series = s,
                            .arrival_ms = 5000,
                            .sample = { .status = TL_VALID, .time_ms = 5000, .value = value } };
}

static void add (tl_pg_columns *c, uint32_t tag, const tl_outlet_value *v) {
  const tl_pg_row row = { v, tag, v->series->type };
  tl_pg_columns_add(c, &row, 1);
}

static void a_column_is_an_array_with_its_nulls (void **state) {
  static const tl_series number = { .type = TL_AI }, flag = { .type = TL_DI };
  const char *values[TL_PG_COLUMNS];
  int lengths[TL_PG_COLUMNS];
  tl_pg_columns c;
  (void)state;
  tl_pg_columns_init(&c);
  tl_outlet_value a = value_of(&number, (tl_value){ .number = 1.5 });
  tl_outlet_value b = value_of(&flag, (tl_value){ .boolean = true });
  add(&c, 7, &a);
  add(&c, 8, &b);
  assert_true(tl_pg_columns_get(&c, values, lengths));
  /* one dimension, no NULL, int4, two from 1 on */
  assert_int_equal(lengths[TL_PG_TAG], 20 + 2 * 8);
  assert_int_equal(big(values[TL_PG_TAG], 4), 1);
  assert_int_equal(big(values[TL_PG_TAG] + 4, 4), 0);
  assert_int_equal(big(values[TL_PG_TAG] + 8, 4), 23);
  assert_int_equal(big(values[TL_PG_TAG] + 12, 4), 2);
  assert_int_equal(big(values[TL_PG_TAG] + 16, 4), 1);
  assert_int_equal(big(values[TL_PG_TAG] + 20, 4), 4);
  assert_int_equal(big(values[TL_PG_TAG] + 24, 4), 7);
  /* 1.5, NULL */
  assert_int_equal(lengths[TL_PG_NUMBER], 20 + 12 + 4);
  assert_int_equal(big(values[TL_PG_NUMBER] + 4, 4), 1);
  assert_true(big(values[TL_PG_NUMBER] + 24, 8) == 0x3ff8000000000000);
  assert_true(big(values[TL_PG_NUMBER] + 32, 4) == 0xffffffff);
  /* 5 s after 1970, in µs since 2000 */
  assert_true((int64_t)big(values[TL_PG_TIME] + 24, 8) == (5000 - 946684800000) * 1000);
  /* nothing but NULL is not sent at all */
  assert_null(values[TL_PG_STATE]);
  assert_null(values[TL_PG_TEXT]);
  assert_null(values[TL_PG_ARRIVAL]);
  tl_pg_columns_clear(&c);
  assert_int_equal(c.rows, 0);
  tl_pg_columns_fini(&c);
}

/* What many rows at once become is what they become one by one. */
static void rows_go_together_as_one_by_one (void **state) {
  enum { ROWS = 7 };
  static const tl_series number = { .type = TL_AI }, text = { .type = TL_TXTI };
  tl_outlet_value v[ROWS] = { value_of(&number, (tl_value){ .number = 1 }),
                              value_of(&text, (tl_value){ .text = TL_LIT("on") }),
                              value_of(&number, (tl_value){ .number = 2 }),
                              value_of(&number, (tl_value){ .number = 3 }),
                              value_of(&number, (tl_value){ .number = 4 }),
                              value_of(&number, (tl_value){ .number = 5 }),
                              value_of(&text, (tl_value){ .text = TL_LIT("off") }) };
  tl_pg_row rows[ROWS];
  tl_pg_columns one, all;
  const char *values[2][TL_PG_COLUMNS];
  int lengths[2][TL_PG_COLUMNS];
  (void)state;
  v[2].sample.n = 5;
  v[2].arrival_ms = 7000;
  v[3].sample.status = TL_INVALID;
  tl_pg_columns_init(&one);
  tl_pg_columns_init(&all);
  for (uint32_t i = 0; i < ROWS; i++) {
    rows[i] = (tl_pg_row){ &v[i], i + 1, v[i].series->type };
    tl_pg_columns_add(&one, &rows[i], 1);
  }
  tl_pg_columns_add(&all, rows, ROWS);
  assert_true(tl_pg_columns_get(&one, values[0], lengths[0]));
  assert_true(tl_pg_columns_get(&all, values[1], lengths[1]));
  for (int i = 0; i < TL_PG_COLUMNS; i++) {
    assert_int_equal(lengths[0][i], lengths[1][i]);
    if (lengths[0][i] > 0) assert_memory_equal(values[0][i], values[1][i], (size_t)lengths[0][i]);
  }
  /* 1, NULL, 2, NULL, 4, 5, NULL */
  assert_int_equal(lengths[1][TL_PG_NUMBER], 20 + 12 + 4 + 12 + 4 + 12 + 12 + 4);
  tl_pg_columns_fini(&one);
  tl_pg_columns_fini(&all);
}

static void texts_that_are_none_go_as_bytes (void **state) {
  static const tl_series text = { .type = TL_TXTI };
  const struct {
    tl_slice value;
    tl_pg_column column;
  } rows[] = { { TL_LIT(""), TL_PG_TEXT },
               { TL_LIT("gr\xc3\xbcn"), TL_PG_TEXT },
               { TL_LIT("a\0b"), TL_PG_BYTES },
               { TL_LIT("\xff"), TL_PG_BYTES } };
  tl_pg_columns c;
  (void)state;
  tl_pg_columns_init(&c);
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    tl_outlet_value v = value_of(&text, (tl_value){ .text = rows[i].value });
    tl_pg_columns_clear(&c);
    add(&c, 1, &v);
    assert_int_equal(c.written[rows[i].column], 1);
    assert_int_equal(c.written[TL_PG_TEXT] + c.written[TL_PG_BYTES], 1);
  }
  tl_pg_columns_fini(&c);
}

/* A mixture of which each column gets NULLs, and grows. */
static void add_rows (tl_pg_columns *c, int count) {
  static const tl_series kinds[] = { { .type = TL_AI }, { .type = TL_DI }, { .type = TL_TXTI } };
  for (int i = 0; i < count; i++) {
    tl_value value = { .number = i };
    if (i % 3 == 1) value.boolean = true;
    if (i % 3 == 2) value.text = i % 2 ? TL_LIT("abc") : TL_LIT("\xff");
    tl_outlet_value v = value_of(&kinds[i % 3], value);
    v.sample.n = i % 5 == 0;
    if (i % 7 == 0) v.sample.status = i % 2 ? TL_UNSET : TL_INVALID;
    if (i % 4 == 0) v.arrival_ms++;
    add(c, (uint32_t)i, &v);
  }
}

/* Rows that found no memory are no rows: never are others sent in their place. */
static void a_batch_is_whole_or_there_is_no_memory (void **state) {
  enum { ROWS = 200 };
  const char *values[TL_PG_COLUMNS];
  int lengths[TL_PG_COLUMNS], wanted[TL_PG_COLUMNS];
  tl_pg_columns c;
  (void)state;
  tl_pg_columns_init(&c);
  add_rows(&c, ROWS);
  assert_true(tl_pg_columns_get(&c, values, wanted));
  tl_pg_columns_fini(&c);
  for (torture_round t = { 0 }; torture_next(&t);) {
    memory_fails(t.at, t.for_ever);
    tl_pg_columns_init(&c);
    add_rows(&c, ROWS);
    bool well = tl_pg_columns_get(&c, values, lengths);
    memory_heals();
    assert_true(well == !memory_failed);
    if (!well) { /* the next batch finds memory again */
      tl_pg_columns_clear(&c);
      add_rows(&c, ROWS);
      assert_true(tl_pg_columns_get(&c, values, lengths));
    }
    assert_memory_equal(lengths, wanted, sizeof wanted);
    tl_pg_columns_fini(&c);
  }
}

static void an_invalid_value_has_its_reason_and_no_value (void **state) {
  static const tl_series number = { .type = TL_AI };
  tl_pg_columns c;
  (void)state;
  tl_pg_columns_init(&c);
  tl_outlet_value v = value_of(&number, (tl_value){ .number = 1 });
  v.sample.status = TL_INVALID;
  v.sample.reason = TL_REASON_RANGE;
  v.arrival_ms = 6000;
  add(&c, 1, &v);
  assert_int_equal(c.written[TL_PG_STATE], 1);
  assert_int_equal(c.written[TL_PG_NUMBER], 0);
  assert_int_equal(c.written[TL_PG_ARRIVAL], 1);
  assert_int_equal(big((const char *)c.array[TL_PG_STATE].at + 24, 2), TL_REASON_RANGE);
  tl_pg_columns_fini(&c);
}

static void times_that_postgresql_does_not_know_are_told (void **state) {
  (void)state;
  assert_true(tl_pg_can_time(0));
  assert_true(tl_pg_can_time(-210866803200000));
  assert_false(tl_pg_can_time(-210866803200001));
  assert_false(tl_pg_can_time(9224318016000000));
  assert_false(tl_pg_can_time(INT64_MAX));
}

static void a_tag_is_told_again_when_its_facts_change (void **state) {
  tl_series s = { .type = TL_AI, .name = TL_LIT("l.s.t"), .unit = TL_LIT("V") };
  tl_pg_tags t;
  (void)state;
  tl_pg_tags_init(&t);
  tl_pg_tag *tag = tl_pg_tags_of(&t, &s);
  assert_non_null(tag);
  assert_false(tag->known);
  tag->known = true;
  assert_true(tl_pg_tags_of(&t, &s) == tag && tag->known);
  s.unit = TL_LIT("mV");
  assert_true(tl_pg_tags_of(&t, &s) == tag && !tag->known);
  tag->known = true;
  s.keep_ms = 1;
  assert_false(tl_pg_tags_of(&t, &s)->known);
  assert_true(tl_pg_tags_find(&t, TL_LIT("l.s.t"), TL_LIT("Ai")) == tag);
  assert_null(tl_pg_tags_find(&t, TL_LIT("l.s.t"), TL_LIT("Di")));
  s.type = TL_DI; /* another type is another tag */
  assert_true(tl_pg_tags_of(&t, &s) != tag);
  tag->known = true;
  tl_pg_tags_forget(&t);
  assert_false(tag->known);
  tl_pg_tags_fini(&t);
}

/* A tag has its own facts, never those of another one, and is not lost for want of memory. */
static void a_tag_is_made_or_there_is_no_memory (void **state) {
  static uint8_t long_name[300];
  (void)state;
  memset(long_name, 'n', sizeof long_name);
  tl_series s = { .type = TL_AI,
                  .name = tl_slice_of(long_name, sizeof long_name),
                  .unit = TL_LIT("V"),
                  .description = TL_LIT("how much of it there is, in a text that is not short") };
  for (torture_round t = { 0 }; torture_next(&t);) {
    tl_pg_tags tags;
    tl_pg_tags_init(&tags);
    memory_fails(t.at, t.for_ever);
    tl_pg_tag *tag = tl_pg_tags_of(&tags, &s);
    memory_heals();
    assert_true(tag || memory_failed);
    tag = tl_pg_tags_of(&tags, &s);
    assert_non_null(tag);
    tag->known = true;
    assert_true(tl_pg_tags_of(&tags, &s) == tag && tag->known);
    assert_true(tl_pg_tags_find(&tags, s.name, TL_LIT("Ai")) == tag);
    assert_null(tl_pg_tags_find(&tags, s.name, TL_LIT("Nonsense")));
    tl_series other = s; /* as long, and another text; another cut between the two */
    other.unit = TL_LIT("W");
    assert_false(tl_pg_tags_of(&tags, &other)->known);
    other.unit = TL_LIT("Wh");
    other.description = tl_slice_of(s.description.at + 1, s.description.len - 1);
    tag->known = true;
    assert_false(tl_pg_tags_of(&tags, &other)->known);
    tl_pg_tags_fini(&tags);
  }
}

static void complaints_are_told_with_what_to_do (void **state) {
  static const struct {
    const char *text, *told;
  } rows[] = {
    { "connection to server at \"db\" (10.0.0.5), port 5432 failed: FATAL:  password "
      "authentication failed for user \"x\"\n",
      "server at \"db\" (10.0.0.5), port 5432: password authentication failed for user \"x\": "
      "correct `password` or the user" },
    { "connection to server at \"::1\", port 1 failed: Connection refused\n\tIs the server running",
      "server at \"::1\", port 1: Connection refused: start the server, or correct `postgres`" },
    { "connection to server at \"a\", port 1 failed: SSL error\nconnection to server at \"a\", "
      "port "
      "1 failed: FATAL:  database \"y\" does not exist\n",
      "server at \"a\", port 1: database \"y\" does not exist: make it, or correct `postgres`" },
    { "something else\nmore", "something else" },
  };
  char out[240];
  (void)state;
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    tl_pg_explain_connect(out, sizeof out, rows[i].text);
    assert_string_equal(out, rows[i].told);
  }
  tl_pg_explain(out, sizeof out, "53100", "could not extend file\nHINT: x");
  assert_string_equal(out, "could not extend file: the server's disk is full");
  assert_true(tl_pg_is_data("22P05") && tl_pg_is_data("23514") && tl_pg_is_data("P0001"));
  assert_false(tl_pg_is_data("") || tl_pg_is_data("53100") || tl_pg_is_data("42P01"));
  assert_true(tl_pg_is_race("42P06") && !tl_pg_is_race("42501"));
}

static void the_schema_is_a_list_of_statements (void **state) {
  int count = 0;
  tl_buf view;
  (void)state;
  for (const char *const *at = tl_pg_schema_step(0); *at; at++) count++;
  assert_true(count > 10 && count < 22); /* with lock, schema and view within a step's results */
  tl_buf_init(&view);
  tl_pg_schema_view(&view);
  tl_buf_byte(&view, '\0');
  assert_non_null(strstr((const char *)view.at, "THEN 'station-will'"));
  tl_buf_fini(&view);
}

int main (void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(a_column_is_an_array_with_its_nulls),
    cmocka_unit_test(rows_go_together_as_one_by_one),
    cmocka_unit_test(texts_that_are_none_go_as_bytes),
    cmocka_unit_test(a_batch_is_whole_or_there_is_no_memory),
    cmocka_unit_test(an_invalid_value_has_its_reason_and_no_value),
    cmocka_unit_test(times_that_postgresql_does_not_know_are_told),
    cmocka_unit_test(a_tag_is_told_again_when_its_facts_change),
    cmocka_unit_test(a_tag_is_made_or_there_is_no_memory),
    cmocka_unit_test(complaints_are_told_with_what_to_do),
    cmocka_unit_test(the_schema_is_a_list_of_statements),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
