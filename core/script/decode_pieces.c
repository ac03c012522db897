/* core/script/decode_pieces.c — runs a decoder that may take long in pieces
** (gateway/long_message.c). */
#include "sandbox/pieces.h"
#include "script/script.h"

int tl_script_pieces_new (void *ctx, void **out, void (*body)(void *body_ctx), void *body_ctx) {
  tl_script *s = ctx;
  tl_pieces *p;
  int rc = tl_pieces_new(&p, &s->box, body, body_ctx);
  if (rc < 0) return rc;
  tl_pieces_mind(p);
  *out = p;
  return TL_OK;
}

bool tl_script_pieces_go (void *pieces) { return tl_pieces_go(pieces); }
void tl_script_pieces_hurry (void *pieces) { tl_pieces_hurry(pieces, NULL); }
void tl_script_pieces_free (void *pieces) { tl_pieces_free(pieces); }
