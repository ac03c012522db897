/* core/transport/shake.c — spreads handshakes, and the freeing of ended connections, over turns of
** the loop.
** One step of a handshake takes up to some milliseconds of computing. A thousand lines that
** reconnect together must not hold up the others. So their steps wait in a queue; the first step
** makes the socket. Ended connections are freed later, too. Each turn of the loop does as much as
** fits into its budget. */
#include "transport/transport_impl.h"

#include "base/clock.h"

enum { BUDGET_NS = 4 * 1000 * 1000 }; /* of a turn; one step at least */

static void unlink_shake (stack *s) {
  tl_transports *all = s->all;
  if (!s->turn.queued) return;
  if (s->turn.prev)
    s->turn.prev->turn.next = s->turn.next;
  else
    all->first_shake = s->turn.next;
  if (s->turn.next)
    s->turn.next->turn.prev = s->turn.prev;
  else
    all->last_shake = s->turn.prev;
  s->turn.next = s->turn.prev = NULL;
  s->turn.queued = false;
}

void stack_forget_shake (stack *s) { unlink_shake(s); }

void stack_shake_now (stack *s) {
  unlink_shake(s);
  if (s->state == STACK_CONTEXT) {
    stack_begin(s);
    return;
  }
  int rc = tl_tls_handshake(s->tls);
  stack_flush(s);
  if (s->goal.target.secure.keylog.len > 0) stack_log_keys(s);
  if (s->state != STACK_TLS) return; /* the write failed */
  if (rc == TL_EPARTIAL) {
    tl_tls_relax(s->tls);
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

static void free_one (tl_transports *all) {
  stack *s = all->dead;
  all->dead = s->turn.next;
  stack_free(s);
}

static void on_turn (void *ctx) {
  tl_transports *all = ctx;
  int64_t began = (int64_t)tl_clock_mono_ns();
  while (all->first_shake || all->dead) {
    if (all->first_shake)
      stack_shake_now(all->first_shake);
    else
      free_one(all);
    if ((int64_t)tl_clock_mono_ns() - began < BUDGET_NS) continue;
    tl_loop_later(all->loop, on_turn, all);
    return;
  }
}

void stack_bury (stack *s) {
  tl_transports *all = s->all;
  s->turn.next = all->dead;
  all->dead = s;
  if (tl_loop_later(all->loop, on_turn, all) != TL_OK) free_one(all);
}

void stack_forget_turn (tl_transports *all) {
  tl_loop_forget(all->loop, on_turn, all);
  while (all->dead) free_one(all);
}

void stack_shake (stack *s) {
  tl_transports *all = s->all;
  if (s->turn.queued) return;
  s->turn.queued = true;
  s->turn.prev = all->last_shake;
  s->turn.next = NULL;
  if (all->last_shake)
    all->last_shake->turn.next = s;
  else
    all->first_shake = s;
  all->last_shake = s;
  if (tl_loop_later(all->loop, on_turn, all) != TL_OK)
    stack_fail(s, TL_ENOMEM, "no memory for a TLS handshake");
}
