/* core/dial/repeats.c — a line's connection failures in the log: a text that comes again
** and again is logged only now and then, with how often it came. */
#include "dial/dial.h"

#include <string.h>

#include "base/map.h"

enum {
  OFTEN = 10,      /* the first so many times a text is always logged */
  REST_MS = 60000, /* after that, once in this time */
};

/* The place of this text; a new text takes the place of the one that was logged longest ago. */
static tl_repeat *place_of (tl_dial *d, uint32_t hash) {
  tl_repeat *oldest = d->repeats;
  for (tl_repeat *r = d->repeats; r < d->repeats + TL_REPEATS; r++) {
    if (r->logged > 0 && r->hash == hash) return r;
    if (r->logged == 0 || (oldest->logged > 0 && r->logged_at < oldest->logged_at)) oldest = r;
  }
  *oldest = (tl_repeat){ .hash = hash };
  return oldest;
}

void tl_dial_log_failure (tl_dial *d, tl_log_level level, const char *text, int64_t now) {
  tl_repeat *r = place_of(d, tl_hash(text, strlen(text)));
  if (r->logged >= OFTEN && now - r->logged_at < REST_MS) {
    r->left_out++;
    return;
  }
  if (r->left_out > 0)
    tl_log(level, d->by.scope, "%s (%u times in the last %lld s)", text, r->left_out + 1,
           (long long)(now - r->logged_at) / 1000);
  else
    tl_log(level, d->by.scope, "%s", text);
  r->logged++;
  r->logged_at = now;
  r->left_out = 0;
}

void tl_dial_forget_failures (tl_dial *d) {
  for (int i = 0; i < TL_REPEATS; i++) d->repeats[i] = (tl_repeat){ .logged = 0 };
}
