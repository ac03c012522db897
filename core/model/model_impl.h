/* core/model/model_impl.h — what the files of this room share. Not for other rooms. */
#ifndef TL_MODEL_MODEL_IMPL_H
#define TL_MODEL_MODEL_IMPL_H

#include "model/model.h"

static inline bool tl_type_is_text (tl_type type) { return type == TL_TXTI || type == TL_TXTO; }
static inline bool tl_type_is_integer (tl_type type) { return type == TL_CI || type == TL_CO; }
static inline bool tl_type_is_number (tl_type type) { /* what linear, range and deadband apply to */
  return type == TL_AI || type == TL_AO || type == TL_CI || type == TL_CO || type == TL_TIR ||
         type == TL_TOR;
}

/* plan.c */
/* A plan that differs from `plan` in defaults only: those of tags[0..plan->tag_count), of the
** same tags. TL_ENOMEM. */
int tl_plan_derive (tl_plan **out, tl_plan *plan, const tl_tagdef *tags);
/* pool.c: a plan that a pool made is going. */
void tl_plan_forget (tl_plan *p);

/* tag.c */
/* An output's default, without telling anybody. TL_ENOMEM. */
int tl_tag_begin (tl_tag *t, int64_t time_ms);
/* tl_tag_receive for a caller who has the tag's definition at hand. */
bool tl_tag_take (tl_tag *t, const tl_tagdef *def, const tl_value *v, int64_t time_ms);
void tl_tag_drop (tl_tag *t); /* frees what the tag holds */

/* status.c */
/* sets the status only, and calls the hook */
void tl_station_enter (tl_station *s, tl_station_status to, int64_t now);
/* tick is due no later than `at` */
void tl_line_wake (tl_line *line, int64_t at);

/* simulate.c */
enum { TL_SIMULATION_STEP = 1000 }; /* ms between simulated values */
void tl_station_simulate (tl_station *s, int64_t now, int64_t wall);

/* now + ms, never past the end of time */
static inline int64_t tl_later (int64_t now, int64_t ms) {
  if (ms <= 0) return now;
  return now > INT64_MAX - ms ? INT64_MAX : now + ms;
}

#endif
