/* core/model/simulate.c — what the tags of a simulated station show. Must not know when it is
** asked. */
#include <math.h>

#include "base/number.h"
#include "model/model_impl.h"

enum { PERIOD = 60 * 1000, DAY = 24 * 3600 * 1000 }; /* ms */

static int64_t within (int64_t at, int64_t period) { /* also before 1970 */
  int64_t rest = at % period;
  return rest < 0 ? rest + period : rest;
}

static double sine (int64_t wall) { /* 0..100 in a minute, 50 rising at its start */
  static const double turn = 6.283185307179586476925;
  double v = 50 + 50 * sin(turn * (double)within(wall, PERIOD) / PERIOD);
  if (v < 0) return 0;
  if (v > 100) return 100;
  return v;
}

static void simulate (tl_tag *t, int64_t count, int64_t wall, tl_buf *scratch) {
  tl_type type = tl_tag_def(t)->type;
  bool valid = t->status == TL_VALID;
  tl_value v = { 0 };
  switch (type) {
    case TL_AI:
    case TL_AO: v.number = sine(wall); break;
    case TL_CI:
    case TL_CO: v.integer = (int64_t)(sine(wall) + 0.5); break;
    case TL_DI:
    case TL_DO: v.boolean = !(valid && t->value.boolean); break;
    case TL_QI: v.integer = valid ? (t->value.integer + 1) % 5 : 0; break;
    case TL_TIA:
    case TL_TOA: v.integer = wall; break;
    /* the clock: time of day, UTC */
    case TL_TIR:
    case TL_TOR: v.number = (double)within(wall, DAY) / 1000; break;
    default:
      tl_buf_clear(scratch);
      tl_integer_format(scratch, count);
      v.text = tl_buf_bytes(scratch);
  }
  /* a text that finds no memory keeps its last value until the next step */
  tl_tag_put(t, &v, wall);
}

/* All tags except OUT_TOPIC and ACK_ID: a write would be published to a simulated topic. */
void tl_station_simulate (tl_station *s, int64_t now, int64_t wall) {
  int64_t count = (now - s->since) / TL_SIMULATION_STEP + 1;
  for (uint16_t i = 0; i < s->plan->tag_count && s->status == TL_ST_SIMUL; i++) {
    tl_address_kind kind = s->plan->tags[i].kind;
    if (kind != TL_ADDRESS_OUT_TOPIC && kind != TL_ADDRESS_ACK_ID)
      simulate(&s->tags[i], count, wall, &s->line->model->scratch);
  }
}
