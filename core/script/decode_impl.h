/* core/script/decode_impl.h — private to script/: the values that decode returned, on their way
** into tags. All are read and converted before the first tag is set. */
#ifndef TL_SCRIPT_DECODE_IMPL_H
#define TL_SCRIPT_DECODE_IMPL_H

#include "codec/metrics.h"
#include "script/script.h"

/* A value that was read, and is set when all others are read, too. */
typedef struct {
  tl_value value; /* its text is a Lua string on the stack */
  int64_t time_ms;
  uint16_t tag;
  uint8_t type; /* tl_type that the value was converted to */
  uint8_t how;  /* TL_TAKEN_VALID, TL_TAKEN_MISSING, or the tl_reason that makes it invalid */
} tl_pending_value;

enum { TL_TAKEN_VALID = TL_REASON_NONE, TL_TAKEN_MISSING = UINT8_MAX };

/* The values of one result. */
typedef struct {
  lua_State *L;
  tl_script *script;
  tl_station *station;
  const tl_plan *plan;
  tl_pending_value *list;
  size_t n, room;
  /* Number of texts that stand on the stack above `base`. When there are more values
  ** than `list` had room for, its memory stands at `base`. */
  int base, texts;
  lua_Integer sample; /* number of the sample that is being read; 0: decode did not return a list */
} tl_taking;

/* decode_list.c */
void tl_taking_room (tl_taking *t, size_t room); /* makes room for so many values */
/* Append one value. If `how` says that it is valid, the caller sets `value`. */
static inline tl_pending_value *tl_taking_add (tl_taking *t, int tag, tl_type type, uint8_t how,
                                               int64_t time_ms) {
  if (t->n == t->room) tl_taking_room(t, t->room + t->room / 2);
  tl_pending_value *p = &t->list[t->n++];
  p->time_ms = time_ms;
  p->tag = (uint16_t)tag;
  p->type = (uint8_t)type;
  p->how = how;
  return p;
}
/* Keep the text of the value on top on the stack until it is set: handlers may change the
** table before that. */
tl_slice tl_taking_keep (tl_taking *t, tl_slice text);
/* Lua tables have no order, so values are set in the order of the tags in the config, like
** those of addressed tags. */
void tl_taking_sort (tl_taking *t, tl_pending_value *list, size_t n);
/* Set the tags. Raises nothing. Handlers of these values run meanwhile, and may switch the
** station off or change it. */
void tl_taking_set (const tl_taking *t);
/* decode gave a value for a tag that the station does not have: logged once */
void tl_taking_unknown (tl_taking *t, const char *name);

/* decode_metrics.c: read the values that stand at stack index `values`. Their message stays on the
** stack until all are set. */
void tl_take_metrics (tl_taking *t, tl_metrics_values *v, int values, int64_t time_ms);

#endif
