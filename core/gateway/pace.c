/* core/gateway/pace.c — how long a turn of the loop goes on with input, and whose turn is next
** when it was not enough for all. A decoder or an expression may take its time; with many
** lines that do, the last one of them, a signal or a keep-alive PING would wait for all. Must
** not know what messages hold. */
#include "gateway/link_impl.h"

enum {
  FULL_TICKS = 6
}; /* some 25 ms of processor time: then lines that would take long, too, wait for the next turn */

void tl_pace_begin (tl_link *l) {
  l->pace.handled = 0;
  l->pace.began = tl_clock_mono_ns();
  l->pace.ticks = tl_clock_busy;
}

bool tl_pace_check_over (tl_link *l) {
  if (tl_clock_busy != l->pace.ticks) return true;
  l->pace.handled = 0;
  /* Ten quick ones are over before anybody could have waited: a turn of the loop costs as much
  ** as they do. */
  return tl_clock_mono_ns() - l->pace.began >= TL_LINK_QUICK_NS;
}

void tl_pace_end (tl_link *l) { l->pace.heavy = tl_clock_busy != l->pace.ticks; }

/* Only who took long the last time: the others' input costs nobody anything. Who had a turn in
** which others were passed over lets them go first, once. */
bool tl_pace_passes_over (tl_link *l) {
  tl_gateway *g = l->gateway;
  uint64_t turn = tl_loop_turn(g->loop) + 1; /* 0: none */
  if (g->turn != turn) {
    g->turn = turn;
    g->turn_ticks = tl_clock_busy;
  }
  if (!l->pace.heavy) return false;
  if (l->pace.ran_turn != 0 && l->pace.ran_turn == g->passed_turn) {
    l->pace.ran_turn = 0;
    return true;
  }
  if (tl_clock_busy - g->turn_ticks >= FULL_TICKS) {
    g->passed_turn = turn;
    return true;
  }
  l->pace.ran_turn = turn;
  return false;
}
