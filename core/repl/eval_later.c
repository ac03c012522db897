/* core/repl/eval_later.c — what goes on after an evaluation: functions of its writes,
** coroutines, timers. They run for the person who began them, and `tagline repl -e` waits for
** its writes. */
#include "repl/eval_impl.h"

static tl_eval *person (const tl_script *s, tl_caller caller) {
  tl_eval *e = caller.eval != 0 ? s->repl->evals : NULL;
  while (e && e->person.id != caller.eval) e = e->next;
  return e;
}

void tl_eval_owe (tl_script *s, tl_caller caller) {
  tl_eval *e = person(s, caller);
  if (e) e->writes.pending++;
}

void tl_eval_settle (tl_script *s, tl_caller caller) {
  tl_eval *e = person(s, caller);
  if (!e || --e->writes.pending > 0 || e->state != TL_EVAL_LINGERING) return;
  tl_eval_stop_timer(e);
  tl_eval_done(e, true, TL_LIT(""));
}

/* Can a write be answered now? A queued write waits until its line is connected, and nobody
** waits that long for it. */
static bool may_be_answered (const tl_script *s) {
  const tl_model *m = tl_gateway_model(s->gateway);
  for (uint32_t i = 0; i < m->line_count; i++)
    if (m->lines[i]->connected) return true;
  return false;
}

static void on_lingered (void *ctx) {
  tl_eval *e = ctx;
  char text[160];
  int n =
      snprintf(text, sizeof text,
               "no answer yet to %u write%s; what the function prints goes to the process's stderr",
               e->writes.pending, e->writes.pending == 1 ? "" : "s");
  tl_eval_stop_timer(e);
  e->events.note(e->ctx, tl_slice_of(text, (size_t)n));
  tl_eval_done(e, true, TL_LIT(""));
}

static void on_no_answer (void *ctx) {
  tl_eval *e = ctx;
  char text[160];
  int n = snprintf(text, sizeof text,
                   "no answer to the write within %g s; it is under way, and the log says when it "
                   "fails (--wait gives it longer)",
                   (double)e->writes.answer_ms / 1000);
  tl_eval_give_up(e, tl_slice_of(text, (size_t)n));
}

void tl_eval_await_write (tl_eval *e) {
  tl_loop *loop = e->script->loop;
  if (!e->chunk.one_shot || !loop || tl_timer_new(&e->writes.timer, loop, on_no_answer, e) < 0)
    return;
  tl_timer_at(e->writes.timer, tl_loop_now(loop) + e->writes.answer_ms);
}

/* The result is shown now: what the functions print comes after it. */
bool tl_eval_linger (tl_eval *e, tl_slice result) {
  tl_loop *loop = e->script->loop;
  if (!e->chunk.one_shot || e->writes.linger_ms == 0 || e->writes.pending == 0 || !loop ||
      !may_be_answered(e->script))
    return false;
  if (tl_timer_new(&e->writes.timer, loop, on_lingered, e) < 0) return false;
  tl_timer_at(e->writes.timer, tl_loop_now(loop) + e->writes.linger_ms);
  e->state = TL_EVAL_LINGERING;
  if (result.len > 0) e->events.output(e->ctx, result);
  if (result.len > 0 && result.at[result.len - 1] != '\n') e->events.output(e->ctx, TL_LIT("\n"));
  return true;
}

void tl_eval_stop_timer (tl_eval *e) {
  tl_timer_close(e->writes.timer);
  e->writes.timer = NULL;
}
