/* spec/model/scenario_test.c — a day of a plant in a moment: traffic, silence, breaks, wills,
** simulation, replayed by a seed, against rules that hold at every step */
#include "world.h"

enum { STATIONS = 20, DAY = 24 * 3600 * 1000, FILTER = 10000, SILENCE = 30000 };

typedef struct {
  world w;
  tl_station *s[STATIONS];
  double last[STATIONS]; /* sent last; -1: nothing that counts */
  int64_t heard[STATIONS], on[STATIONS];
  uint64_t seed;
  unsigned seen[TL_ST_HARD_ERR + 1], values; /* how often the rules were put to the test */
} plant;

static uint32_t random_below (plant *p, uint32_t n) { /* xorshift64* */
  p->seed ^= p->seed >> 12;
  p->seed ^= p->seed << 25;
  p->seed ^= p->seed >> 27;
  return (uint32_t)((p->seed * 0x2545F4914F6CDD1Du >> 33) % n);
}

static void started (world *w, tl_station *s) {
  plant *p = (plant *)w;
  if (s->status == TL_ST_ON) p->on[s->name[0] - 'a'] = w->now;
}

static void build (plant *p, uint64_t seed) {
  *p = (plant){ .seed = seed };
  world_init(&p->w);
  p->w.on_status = started;
  const tl_tagdef tags[] = { def("v", TL_AI, "JA=v"),
                             def_text("topic", TL_TXTO, "OUT_TOPIC", "set") };
  for (int i = 0; i < STATIONS; i++) {
    char name[2] = { (char)('a' + i), 0 };
    p->s[i] = add(&p->w,
                  (tl_station_spec){ .name = tl_slice_str(name),
                                     .settings.time_filter_ms = FILTER,
                                     .settings.no_data_ms = SILENCE,
                                     .will_topic = TL_LIT("will") },
                  (tl_plan_spec){ .json = true }, tags, 2);
    p->last[i] = -1;
    p->heard[i] = -1;
  }
}

static void step (plant *p) {
  world *w = &p->w;
  uint32_t i = random_below(p, STATIONS);
  tl_station *s = p->s[i];
  char payload[32];
  switch (random_below(p, 40)) {
    case 0: tl_line_down(w->line, w->now, wall(w)); break;
    case 1:
    case 2: tl_line_up(w->line, w->now, wall(w)); break;
    case 3:
      tl_station_switch(s, random_below(p, 2), random_below(p, 3) == 0, w->now, wall(w));
      break;
    case 4:
    case 5: tl_station_switch(s, false, false, w->now, wall(w)); break;
    case 6: {
      tl_incoming m = message(w, "will", TL_LIT(""));
      assert_true(tl_station_will(s, &m));
      break;
    }
    default: {
      uint32_t v = random_below(p, 1000) + 1000;
      snprintf(payload, sizeof payload, "{\"v\":%u}", (unsigned)v);
      if (!receive(w, s, payload)) break;
      p->last[i] = v;
      p->heard[i] = w->now;
      assert_int_equal(s->status, TL_ST_ON);
    }
  }
}

static void check (plant *p) {
  world *w = &p->w;
  for (int i = 0; i < STATIONS; i++) {
    tl_station *s = p->s[i];
    tl_tag *t = &s->tags[0];
    assert_true(tl_slice_eq(s->tags[1].value.text, TL_LIT("set")));
    assert_int_equal(s->off, s->status == TL_ST_OFF);
    assert_int_equal(s->simulated && !s->off, s->status == TL_ST_SIMUL);
    assert_int_equal(t->status == TL_INVALID, t->reason != TL_REASON_NONE);
    p->seen[s->status]++;
    p->values += t->status == TL_VALID;
    switch ((tl_station_status)s->status) {
      case TL_ST_ON: {
        int64_t from = p->heard[i] > p->on[i] ? p->heard[i] : p->on[i];
        assert_true(w->now < from + SILENCE);
        if (t->status == TL_VALID) assert_true(t->value.number == p->last[i]);
        break;
      }
      case TL_ST_COM_ERR:
        assert_true(w->now < s->since + FILTER);
        if (t->status == TL_VALID) assert_true(t->value.number == p->last[i]);
        break;
      case TL_ST_SIMUL:
        assert_true(t->status == TL_VALID && t->value.number >= 0 && t->value.number <= 100);
        break;
      case TL_ST_OFF: assert_int_equal(t->reason, TL_REASON_OFF); break;
      case TL_ST_HARD_ERR: assert_int_equal(t->status, TL_INVALID); break;
      case TL_ST_WAIT: assert_false(w->line->subscribed); break;
    }
  }
}

/* Time goes to the next event or the next thing due, whichever comes first, as the loop would
** have it. */
static void a_day (uint64_t seed) {
  plant p;
  build(&p, seed);
  world *w = &p.w;
  int64_t end = w->now + DAY / 4, next = w->now, due = INT64_MAX;
  while (w->now < end) {
    if (due <= next) {
      w->due = INT64_MAX;
      int64_t before = w->now;
      int64_t promised = tick(w, due > w->now ? due : w->now);
      assert_true(promised > w->now); /* or the loop would spin */
      assert_true(w->now >= before);
      due = promised < w->due ? promised : w->due;
    } else {
      w->now = next;
      w->due = INT64_MAX;
      step(&p);
      next = w->now + random_below(&p, 20) * random_below(&p, 200);
      if (w->due < due) due = w->due;
      if (due <= w->now) continue; /* fell due at once */
    }
    check(&p);
    tl_buf_clear(&w->said);
  }
  for (int i = 0; i <= TL_ST_HARD_ERR; i++) assert_true(p.seen[i] > 100);
  assert_true(p.values > 1000);
  world_fini(w);
}

static void rules_hold_through_hours_of_traffic (void **state) {
  (void)state;
  for (uint64_t seed = 1; seed <= 5; seed++) {
    print_message("seed %u\n", (unsigned)seed); /* the last one printed is the one that failed */
    a_day(seed * 0x9E3779B97F4A7C15u);
  }
}

int main (void) {
  const struct CMUnitTest tests[] = { cmocka_unit_test(rules_hold_through_hours_of_traffic) };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
