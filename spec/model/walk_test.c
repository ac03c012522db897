/* spec/model/walk_test.c — the walk over all stations and tags */
#include "model/walk.h"
#include "world.h"

/* Lines plant (a with two tags, a template, b without a tag), empty, and shed (c with a tag). */
static void fill (world *w) {
  const tl_tagdef tags[] = { def("x", TL_CI, "JA=x"), def("y", TL_CI, "JA=y") };
  tl_line *empty, *plant = w->line;
  const tl_plan_spec plan = { .json = true };
  add(w, (tl_station_spec){ .name = TL_LIT("a") }, plan, tags, 2);
  add(w, (tl_station_spec){ .name = TL_LIT("t-{dev}"), .is_template = true }, plan, tags, 2);
  add(w, (tl_station_spec){ .name = TL_LIT("b") }, plan, tags, 0);
  assert_int_equal(tl_model_add_line(w->model, TL_LIT("empty"), &empty), TL_OK);
  assert_int_equal(tl_model_add_line(w->model, TL_LIT("shed"), &w->line), TL_OK);
  add(w, (tl_station_spec){ .name = TL_LIT("c") }, plan, tags, 1);
  w->line = plant;
}

static void meets_every_tag_once_and_none_of_templates (void **state) {
  (void)state;
  world w;
  tl_buf names;
  tl_tag_walk walk = { .line = 0 };
  world_init(&w);
  fill(&w);
  tl_buf_init(&names);
  for (const tl_tag *t; (t = tl_tag_walk_next(&walk, w.model, NULL)) != NULL;) {
    tl_tag_full_name(t, &names);
    tl_buf_byte(&names, ' ');
  }
  assert_true(walk.done);
  assert_true(tl_slice_eq(tl_buf_bytes(&names), TL_LIT("plant.a.x plant.a.y shed.c.x ")));
  assert_null(tl_tag_walk_next(&walk, w.model, NULL));
  tl_buf_fini(&names);
  world_fini(&w);
}

static void meets_every_station (void **state) {
  (void)state;
  world w;
  tl_tag_walk walk = { .line = 0 };
  const char *const names[] = { "a", "t-{dev}", "b", "c" };
  world_init(&w);
  fill(&w);
  for (int i = 0; i < 4; i++)
    assert_string_equal(tl_station_walk_next(&walk, w.model)->name, names[i]);
  assert_null(tl_station_walk_next(&walk, w.model));
  world_fini(&w);
}

static void pauses_when_its_steps_are_used_up (void **state) {
  (void)state;
  world w;
  tl_tag_walk walk = { .line = 0 };
  int tags = 0, pauses = 0;
  world_init(&w);
  fill(&w);
  while (!walk.done) {
    int steps = 1;
    while (tl_tag_walk_next(&walk, w.model, &steps)) tags++;
    pauses++;
  }
  assert_int_equal(tags, 3);
  assert_true(pauses > 3);
  world_fini(&w);
}

static void goes_on_behind_a_tag (void **state) {
  (void)state;
  world w;
  tl_tag_walk walk;
  world_init(&w);
  fill(&w);
  tl_tag_walk_behind(&walk, w.model, tl_model_tag(w.model, TL_LIT("plant.a.y")));
  const tl_tag *next = tl_tag_walk_next(&walk, w.model, NULL);
  assert_ptr_equal(next, tl_model_tag(w.model, TL_LIT("shed.c.x")));
  world_fini(&w);
}

static void finds_nothing_in_an_empty_model (void **state) {
  (void)state;
  world w;
  tl_tag_walk walk = { .line = 0 };
  world_init(&w);
  assert_null(tl_tag_walk_next(&walk, w.model, NULL));
  assert_true(walk.done);
  assert_null(tl_station_walk_next(&walk, w.model));
  world_fini(&w);
}

int main (void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(meets_every_tag_once_and_none_of_templates),
    cmocka_unit_test(meets_every_station),
    cmocka_unit_test(pauses_when_its_steps_are_used_up),
    cmocka_unit_test(goes_on_behind_a_tag),
    cmocka_unit_test(finds_nothing_in_an_empty_model),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
