/* spec/web/changes_test.c — the list of what changed: each reader gets the last of each tag, once,
** in the order of the last changes. */
#include "support/spec.h"

#include "web/changes.h"

static void add (tl_changes *c, const char *name) {
  assert_int_equal(tl_changes_add(c, tl_slice_str(name)), TL_OK);
}

static void assert_next (tl_changes *c, tl_changes_place *mark, const char *name) {
  const tl_changed_tag *t = tl_changes_next(c, mark);
  if (!name) {
    assert_null(t);
    return;
  }
  assert_non_null(t);
  assert_string_equal(t->name, name);
}

static void gives_the_last_change_of_each_tag_once (void **unused) {
  (void)unused;
  tl_changes c;
  tl_changes_place mark;
  tl_changes_init(&c);
  tl_changes_mark(&c, &mark, 0);
  assert_next(&c, &mark, NULL);
  add(&c, "a");
  add(&c, "b");
  add(&c, "a");
  assert_next(&c, &mark, "b");
  assert_next(&c, &mark, "a");
  assert_next(&c, &mark, NULL);
  add(&c, "b");
  assert_next(&c, &mark, "b");
  assert_next(&c, &mark, NULL);
  assert_int_equal(c.last, 4);
  tl_changes_unmark(&mark);
  tl_changes_unmark(&mark);
  tl_changes_fini(&c);
}

static void lets_each_reader_go_at_its_own_pace (void **unused) {
  (void)unused;
  tl_changes c;
  tl_changes_place fast, slow;
  tl_changes_init(&c);
  tl_changes_mark(&c, &fast, 0);
  tl_changes_mark(&c, &slow, 0);
  add(&c, "a");
  add(&c, "b");
  assert_next(&c, &fast, "a");
  assert_next(&c, &fast, "b");
  add(&c, "a");
  assert_next(&c, &fast, "a");
  assert_next(&c, &slow, "b");
  assert_next(&c, &slow, "a");
  assert_next(&c, &slow, NULL);
  assert_next(&c, &fast, NULL);
  tl_changes_unmark(&fast);
  tl_changes_unmark(&slow);
  tl_changes_fini(&c);
}

static void resumes_behind_a_number (void **unused) {
  (void)unused;
  tl_changes c;
  tl_changes_place other, mark;
  tl_changes_init(&c);
  tl_changes_mark(&c, &other, 0);
  add(&c, "a"); /* 1 */
  add(&c, "b"); /* 2 */
  add(&c, "c"); /* 3 */
  add(&c, "a"); /* 4 */
  tl_changes_mark(&c, &mark, 2);
  assert_next(&c, &mark, "c");
  assert_next(&c, &mark, "a");
  assert_next(&c, &mark, NULL);
  tl_changes_unmark(&mark);
  tl_changes_mark(&c, &mark, 4);
  assert_next(&c, &mark, NULL);
  tl_changes_unmark(&mark);
  tl_changes_mark(&c, &mark, 0);
  assert_next(&c, &mark, "b");
  tl_changes_clear(&c);
  assert_next(&c, &mark, NULL);
  add(&c, "d");
  assert_next(&c, &mark, "d");
  assert_next(&c, &other, "d");
  tl_changes_unmark(&mark);
  tl_changes_unmark(&other);
  tl_changes_fini(&c);
}

/* Against a plain list: the same tags in the same order. */
static void agrees_with_a_simple_model (void **unused) {
  (void)unused;
  enum { TAGS = 20, STEPS = 20000 };
  uint64_t random = 7, changed[TAGS] = { 0 }, seen = 0, number = 0;
  tl_changes c;
  tl_changes_place mark;
  tl_changes_init(&c);
  tl_changes_mark(&c, &mark, 0);
  for (int i = 0; i < STEPS; i++) {
    if (random_next(&random) % 3) {
      char name[8];
      int tag = (int)(random_next(&random) % TAGS);
      snprintf(name, sizeof name, "t%d", tag);
      add(&c, name);
      changed[tag] = ++number;
    } else {
      int next = -1;
      char name[16];
      for (int k = 0; k < TAGS; k++)
        if (changed[k] > seen && (next < 0 || changed[k] < changed[next])) next = k;
      snprintf(name, sizeof name, "t%d", next);
      assert_next(&c, &mark, next < 0 ? NULL : name);
      if (next >= 0) seen = changed[next];
    }
  }
  tl_changes_unmark(&mark);
  tl_changes_fini(&c);
}

int main (void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(gives_the_last_change_of_each_tag_once),
    cmocka_unit_test(lets_each_reader_go_at_its_own_pace),
    cmocka_unit_test(resumes_behind_a_number),
    cmocka_unit_test(agrees_with_a_simple_model),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
