/* core/script/decode_pieces.c — runs a decoder that may take long in pieces
** (gateway/long_message.c). */
#include <stdlib.h>

#include "sandbox/pieces.h"
#include "script/script.h"

/* Several may be away at once, and end in any order: what the script has of the call that runs
** goes away with it. */
typedef struct {
  tl_script *s;
  tl_pieces *pieces;
  struct tl_message_now *message;
  int cache;               /* its own (l_message.c) */
  const tl_station *scope; /* failures.c */
  tl_call_kind kind;
} decoding;

static int p_cache (lua_State *L) {
  decoding *d = lua_touserdata(L, 1);
  d->cache = tl_message_cache(L);
  return 0;
}

int tl_script_pieces_new (void *ctx, void **out, bool brief, void (*body)(void *body_ctx),
                          void *body_ctx) {
  tl_script *s = ctx;
  decoding *d = calloc(1, sizeof *d);
  if (!d) return TL_ENOMEM;
  d->s = s;
  d->cache = LUA_NOREF;
  int rc = tl_pieces_new(&d->pieces, &s->box, body, body_ctx);
  if (rc == TL_OK && tl_script_enter(s, p_cache, d, 0, "decode", NULL) != LUA_OK) rc = TL_ENOMEM;
  if (rc < 0) {
    tl_script_pieces_free(d);
    return rc;
  }
  tl_pieces_mind(d->pieces, brief);
  *out = d;
  return TL_OK;
}

static void swap (decoding *d) {
  tl_script *s = d->s;
  decoding other = *d;
  d->message = s->messages.now;
  d->cache = s->messages.cache;
  d->scope = s->errors.scope;
  d->kind = s->errors.kind;
  s->messages.now = other.message;
  s->messages.cache = other.cache;
  s->errors.scope = other.scope;
  s->errors.kind = other.kind;
}

bool tl_script_pieces_go (void *pieces) {
  decoding *d = pieces;
  swap(d);
  bool more = tl_pieces_go(d->pieces);
  swap(d);
  return more;
}

void tl_script_pieces_hurry (void *pieces) { tl_pieces_hurry(((decoding *)pieces)->pieces, NULL); }

void tl_script_pieces_free (void *pieces) {
  decoding *d = pieces;
  tl_pieces_free(d->pieces);
  luaL_unref(d->s->box.L, LUA_REGISTRYINDEX, d->cache);
  free(d);
}
