/* core/script/said.c — see said.h. */
#include "script/said.h"

#include <stdlib.h>
#include <string.h>

void tl_said_forget (tl_said *s) {
  tl_slice key;
  void *value;
  for (uint32_t i = 0; tl_map_next(&s->keys, &i, &key, &value);) free((void *)key.at);
  tl_map_fini(&s->keys);
  *s = (tl_said){ 0 };
}

static void remember (tl_said *s, tl_slice key) {
  char *copy = malloc(key.len > 0 ? key.len : 1);
  if (!copy) return;
  if (key.len > 0) memcpy(copy, key.at, key.len);
  if (tl_map_put(&s->keys, tl_slice_of(copy, key.len), s) != TL_OK) free(copy);
}

tl_said_answer tl_said_ask (tl_said *s, tl_slice key, int64_t now) {
  if (s->full && now - s->full_at >= TL_SAID_REST_MS) tl_said_forget(s);
  if (tl_map_get(&s->keys, key)) return TL_SAID_BEFORE;
  if (s->keys.live >= TL_SAID_MANY) {
    if (s->full) return TL_SAID_TOO_MANY;
    s->full = true;
    s->full_at = now;
    return TL_SAID_FULL;
  }
  remember(s, key);
  return TL_SAID_NEW;
}
