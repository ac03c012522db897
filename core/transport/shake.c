/* core/transport/shake.c — handshakes in turn: a step of one costs up to a few milliseconds
** of sums, and a thousand lines that come back together must not hold the others meanwhile.
** So steps wait in a queue, and each turn of the loop does as many as fit into its budget. */
#include "transport/transport_impl.h"

#include "base/clock.h"

enum { BUDGET_NS = 4 * 1000 * 1000 }; /* of a turn; one step at least */

static void unlink_shake (stack *s) {
  tl_transports *all = s->all;
  if (!s->queued) return;
  if (s->prev_shake)
    s->prev_shake->next_shake = s->next_shake;
  else
    all->first_shake = s->next_shake;
  if (s->next_shake)
    s->next_shake->prev_shake = s->prev_shake;
  else
    all->last_shake = s->prev_shake;
  s->next_shake = s->prev_shake = NULL;
  s->queued = false;
}

void stack_forget_shake (stack *s) { unlink_shake(s); }

void stack_shake_now (stack *s) {
  unlink_shake(s);
  int rc = tl_tls_handshake(s->tls);
  stack_flush(s);
  if (s->target.secure.keylog.len > 0) stack_log_keys(s);
  if (s->state != STACK_TLS) return; /* the write failed */
  if (rc == TL_EPARTIAL) {
    if (s->tcp) tl_tcp_read(s->tcp, true);
  } else if (rc != TL_OK) {
    const char *text = rc == TL_TLS_CLOSED
                           ? "the broker ended TLS in the handshake: look at its log"
                           : tl_tls_error(s->tls);
    stack_fail(s, rc, "%s", text);
  } else if (s->tcp) {
    tl_tcp_read(s->tcp, true);
    stack_next(s);
    if (s->state == STACK_UPGRADE && stack_has_more(s))
      stack_input(s, NULL, 0);
    else
      stack_pump(s); /* what came behind the handshake */
  }
}

static void on_turn (void *ctx) {
  tl_transports *all = ctx;
  int64_t began = (int64_t)tl_clock_mono_ns();
  do {
    stack *s = all->first_shake;
    if (!s) return;
    stack_shake_now(s);
  } while ((int64_t)tl_clock_mono_ns() - began < BUDGET_NS);
  if (all->first_shake) tl_loop_later(all->loop, on_turn, all);
}

void stack_forget_turn (tl_transports *all) { tl_loop_forget(all->loop, on_turn, all); }

void stack_shake (stack *s) {
  tl_transports *all = s->all;
  if (s->queued) return;
  s->queued = true;
  s->prev_shake = all->last_shake;
  s->next_shake = NULL;
  if (all->last_shake)
    all->last_shake->next_shake = s;
  else
    all->first_shake = s;
  all->last_shake = s;
  if (tl_loop_later(all->loop, on_turn, all) != TL_OK)
    stack_fail(s, TL_ENOMEM, "no memory for a TLS handshake");
}
