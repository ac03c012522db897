/* spec/base/torture_test.c — what the lowest room does when its requests for memory fail: nothing
** changes, the caller is told, and a log line is cut or reported as lost. */
#include "support/torture.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>
#include <sys/mman.h>

#include "base/fiber.h"
#include "base/json_write.h"
#include "base/log.h"
#include "base/map.h"
#include "base/pattern.h"
#include "base/visible.h"

FAILING(pcre2_compile_context_create_8, pcre2_compile_context *, NULL, (pcre2_general_context * g),
        (g))
FAILING(pcre2_match_context_create_8, pcre2_match_context *, NULL, (pcre2_general_context * g), (g))
FAILING(pcre2_match_data_create_8, pcre2_match_data *, NULL, (uint32_t n, pcre2_general_context *g),
        (n, g))
FAILING(pcre2_compile_8, pcre2_code *, (*number = PCRE2_ERROR_NOMEMORY, NULL),
        (PCRE2_SPTR at, PCRE2_SIZE n, uint32_t options, int *number, PCRE2_SIZE *where,
         pcre2_compile_context *c),
        (at, n, options, number, where, c))
FAILING(mmap, void *, MAP_FAILED, (void *at, size_t n, int prot, int flags, int fd, off_t from),
        (at, n, prot, flags, fd, from))
FAILING(mprotect, int, -1, (void *at, size_t n, int prot), (at, n, prot))

static void a_map_stays_as_it_was (void **unused) {
  (void)unused;
  static char keys[40][4];
  int values[40];
  for (torture_round t = { 0 }; torture_next(&t);) {
    tl_map m;
    tl_map_init(&m);
    memory_fails(t.at, t.for_ever);
    for (uint32_t i = 0; i < 40; i++) {
      snprintf(keys[i], sizeof keys[i], "k%u", i);
      uint32_t live = m.live;
      int rc = tl_map_put(&m, tl_slice_str(keys[i]), &values[i]);
      assert_true(rc == TL_OK || (rc == TL_ENOMEM && m.live == live));
      for (uint32_t k = 0; k <= i; k++) {
        void *found = tl_map_get(&m, tl_slice_str(keys[k]));
        assert_true(found == &values[k] || !found);
      }
    }
    memory_heals();
    bool failed = memory_failed;
    assert_true(failed ? m.live < 40 : m.live == 40);
    tl_map_fini(&m);
  }
}

static void what_is_written_fails_for_good (void **unused) {
  (void)unused;
  for (torture_round t = { 0 }; torture_next(&t);) {
    tl_buf b;
    tl_buf_init(&b);
    memory_fails(t.at, t.for_ever);
    tl_member_open(&b, NULL, '{');
    tl_member_text(&b, "text",
                   TL_LIT("a\"b\x01 \xc2\x85 and so on, until there is more than fits"));
    tl_member_bytes(&b, "bytes", TL_LIT("\xff\x00\x01 twenty bytes and more"));
    tl_member_name(&b, "name", TL_LIT("line"), TL_LIT("station"));
    tl_member_time(&b, "time", 1700000000000);
    tl_visible(&b, TL_LIT("\x1b[31m and a text that is longer than what was there before"), false);
    tl_buf_fmt(&b, "%0200d", 7);
    size_t len = b.len;
    tl_buf_byte(&b, '}');
    memory_heals();
    if (memory_failed) {
      assert_true(b.failed);
      assert_int_equal(b.len, len);
      assert_int_equal(tl_buf_reserve(&b, 1), TL_ENOMEM);
    } else {
      assert_false(b.failed);
      assert_int_equal(b.at[b.len - 1], '}');
    }
    tl_buf_fini(&b);
  }
}

static void a_pattern_is_not_made (void **unused) {
  (void)unused;
  for (torture_round t = { 0 }; torture_next(&t);) {
    tl_pattern *p = NULL;
    tl_err err = { .text = "" };
    memory_fails(t.at, t.for_ever);
    int rc = tl_pattern_new(&p, TL_LIT("(?<a>x+)y"), TL_PATTERN_WHOLE, &err);
    memory_heals();
    if (memory_failed) {
      assert_int_equal(rc, TL_ENOMEM);
      assert_non_null(strstr(err.text, "no"));
      assert_null(p);
    } else {
      assert_int_equal(rc, TL_OK);
      assert_int_equal(tl_pattern_match(p, TL_LIT("xxy"), NULL, 0), 1);
      tl_pattern_free(p);
    }
  }
}

/* What only the slow way could decide ends as a match without memory or over its limit: it is never
** taken for "does not match". */
static void a_match_without_memory_is_no_answer (void **unused) {
  (void)unused;
  enum { LEN = 20 << 20 };
  char *text = malloc(LEN);
  assert_non_null(text);
  memset(text, 'a', LEN);
  text[LEN - 1] = 'e';
  tl_slice subject = tl_slice_of(text, LEN);
  for (torture_round t = { 0 }; torture_next(&t);) {
    tl_pattern *p = NULL;
    assert_int_equal(tl_pattern_new(&p, TL_LIT("[a-z]*(?:b|e)"), TL_PATTERN_WHOLE, NULL), TL_OK);
    memory_fails(t.at, t.for_ever);
    int rc = tl_pattern_match(p, subject, NULL, 0);
    memory_heals();
    assert_true(memory_failed ? rc == TL_ENOMEM : rc > 0);
    assert_true(tl_pattern_match(p, subject, NULL, 0) > 0);
    tl_pattern_free(p);
  }
  free(text);
}

static void nothing (void *ctx) { (void)ctx; }

static void a_fiber_is_not_made (void **unused) {
  (void)unused;
  for (torture_round t = { 0 }; torture_next(&t);) {
    tl_fiber *fiber = NULL;
    memory_fails(t.at, t.for_ever);
    int rc = tl_fiber_new(&fiber, nothing, NULL);
    memory_heals();
    bool failed = memory_failed;
    assert_int_equal(rc, failed ? TL_ENOMEM : TL_OK);
    assert_true(failed == !fiber);
    tl_fiber_free(fiber);
  }
}

/* --- log lines --- */

static char said[4096];
static int lines, plain;

static void keep (void *ctx, tl_slice line) {
  (void)ctx;
  lines++;
  snprintf(said, sizeof said, "%.*s", TL_ARG(line));
}

static void heard (void *ctx, tl_log_level level, const char *line) {
  (void)ctx, (void)level;
  plain += line[0] != '\0';
}

static void a_log_line_is_cut_or_told_as_lost (void **unused) {
  (void)unused;
  static const tl_log_style styles[] = { TL_LOG_TEXT, TL_LOG_JSON, TL_LOG_JOURNAL };
  char text[700];
  memset(text, 'x', sizeof text - 1);
  text[sizeof text - 1] = '\0';
  tl_log_set_outlet(keep, NULL);
  tl_log_set_sink(heard, NULL);
  for (size_t s = 0; s < COUNT(styles); s++) {
    tl_log_set_style(styles[s], false);
    for (torture_round t = { 0 }; torture_next(&t);) {
      lines = plain = 0;
      memory_fails(t.at, t.for_ever);
      tl_log(TL_LOG_WARN, "plant", "long: %s", text);
      memory_heals();
      bool failed = memory_failed;
      assert_int_equal(lines, 1);
      if (!failed) {
        assert_non_null(strstr(said, text));
        assert_int_equal(plain, 1);
      } else if (strstr(said, "lost")) {
        assert_string_equal(said, "ERROR a log line was lost: no memory\n");
      } else {
        assert_non_null(strstr(said, "plant"));
        assert_non_null(strstr(said, "long: xxx"));
      }
    }
  }
  tl_log_set_style(TL_LOG_TEXT, false);
  tl_log_set_sink(NULL, NULL);
}

static void what_a_script_prints_is_told_as_lost (void **unused) {
  (void)unused;
  for (torture_round t = { 0 }; torture_next(&t);) {
    lines = 0;
    memory_fails(t.at, t.for_ever);
    tl_log_print(TL_LIT("printed"));
    memory_heals();
    bool failed = memory_failed;
    assert_int_equal(lines, 1);
    assert_string_equal(said, failed ? "ERROR a log line was lost: no memory\n" : "printed\n");
  }
}

static void a_line_of_another_thread_is_whole_or_not_there (void **unused) {
  (void)unused;
  for (torture_round t = { 0 }; torture_next(&t);) {
    lines = 0;
    memory_fails(t.at, t.for_ever);
    tl_log_apart(TL_LOG_ERROR, "a disk is full");
    memory_heals();
    bool failed = memory_failed;
    assert_int_equal(lines, failed ? 0 : 1);
    if (!failed) assert_non_null(strstr(said, "ERROR a disk is full\n"));
  }
  tl_log_set_outlet(NULL, NULL);
}

int main (void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(a_map_stays_as_it_was),
    cmocka_unit_test(what_is_written_fails_for_good),
    cmocka_unit_test(a_pattern_is_not_made),
    cmocka_unit_test(a_match_without_memory_is_no_answer),
    cmocka_unit_test(a_fiber_is_not_made),
    cmocka_unit_test(a_log_line_is_cut_or_told_as_lost),
    cmocka_unit_test(what_a_script_prints_is_told_as_lost),
    cmocka_unit_test(a_line_of_another_thread_is_whole_or_not_there),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
