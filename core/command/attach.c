/* core/command/attach.c — see attach.h. */
#include "command/attach.h"

#include <stdlib.h>

static void on_output (void *ctx, tl_slice text) { tl_console_send(ctx, 'o', text); }
static void on_done (void *ctx, bool ok, tl_slice text) { tl_console_send(ctx, ok ? 'r' : 'f', text); }
static void on_more (void *ctx) { tl_console_send(ctx, 'm', TL_LIT("")); }

static const tl_eval_events eval_events = { on_output, on_done, on_more };

static void on_opened (void *ctx, tl_console_client *c) {
  tl_eval *e;
  if (tl_eval_new(&e, ctx, &eval_events, c) != TL_OK) e = NULL;
  tl_console_set_user(c, e);
}

static bool has_word (tl_slice body, const char *word) { return memmem(body.at, body.len, word, strlen(word)) != NULL; }

static void on_frame (void *ctx, tl_console_client *c, char type, tl_slice body) {
  tl_eval *e = tl_console_user(c);
  (void)ctx;
  if (e == NULL) {
    tl_console_send(c, 'f', TL_LIT("no memory for an evaluation"));
    return;
  }
  switch (type) {
  case 'h': tl_eval_options(e, has_word(body, "\"json\":true"), has_word(body, "\"tty\":true"), 80, tl_console_uid(c)); break;
  case 'e': tl_eval_run(e, body, false); break;
  case 'l': tl_eval_run(e, body, true); break;
  case 'x': tl_eval_cancel(e); break;
  default: break;
  }
}

static void on_closed (void *ctx, tl_console_client *c) {
  tl_eval *e = tl_console_user(c);
  (void)ctx;
  if (e != NULL) tl_eval_free(e);
}

const tl_console_events tl_attach_events = { on_opened, on_frame, on_closed };
