/* core/script/eval_later.c — what an evaluation leaves behind: functions of writes that are called when it is over, coroutines, timers.
** They run for the person who began them, and `tagline repl -e` waits for its writes. */
#include "script/eval.h"

#include "gateway/link.h"

tl_asker tl_asker_here (lua_State *L) {
  const tl_script *s = tl_script_of(L);
  const tl_eval *e = s->evaluating;
  return e != NULL ? (tl_asker){ e->id, e->uid } : s->asker;
}

tl_asker tl_asker_enter (tl_script *s, tl_asker asker) {
  tl_asker before = s->asker;
  s->asker = asker;
  return before;
}

static tl_eval *person (const tl_script *s, tl_asker asker) {
  tl_eval *e = asker.eval != 0 ? s->evals : NULL;
  while (e != NULL && e->id != asker.eval) e = e->next;
  return e;
}

void tl_asker_owe (tl_script *s, tl_asker asker) {
  tl_eval *e = person(s, asker);
  if (e != NULL) e->owed++;
}

void tl_asker_settle (tl_script *s, tl_asker asker) {
  tl_eval *e = person(s, asker);
  if (e == NULL || --e->owed > 0 || !e->lingers) return;
  tl_eval_stop_lingering(e);
  tl_eval_done(e, true, TL_LIT(""));
}

/* As long as a broker may take to answer; 0: for ever. */
static int64_t patience_ms (const tl_script *s) {
  const tl_model *m = tl_gateway_model(s->gateway);
  int64_t longest = 0;
  for (uint32_t i = 0; i < m->line_count; i++) {
    int64_t one = tl_link_params(tl_line_link(m->lines[i]))->reply_timeout;
    if (one == 0) return 0;
    if (one > longest) longest = one;
  }
  return longest;
}

static void on_patience (void *ctx) {
  tl_eval *e = ctx;
  char text[160];
  int n = snprintf(text, sizeof text, "no answer to %u write%s within %g s; what the function prints goes to the process's stderr", e->owed,
                   e->owed == 1 ? "" : "s", (double)patience_ms(e->script) / 1000.0);
  tl_eval_stop_lingering(e);
  tl_eval_done(e, false, tl_slice_of(text, (size_t)n));
}

/* The result is shown now, in its place: what the functions print comes after it. */
bool tl_eval_linger (tl_eval *e, tl_slice result) {
  tl_loop *loop = e->script->loop;
  if (!e->whole || !e->patient || e->owed == 0 || loop == NULL || tl_timer_new(&e->patience, loop, on_patience, e) < 0) return false;
  int64_t patience = patience_ms(e->script);
  if (patience > 0) tl_timer_at(e->patience, tl_loop_now(loop) + patience);
  e->lingers = true;
  if (result.len > 0) e->events.output(e->ctx, result);
  if (result.len > 0 && result.at[result.len - 1] != '\n') e->events.output(e->ctx, TL_LIT("\n"));
  return true;
}

void tl_eval_stop_lingering (tl_eval *e) {
  tl_timer_close(e->patience);
  e->patience = NULL;
  e->lingers = false;
}
