/* core/gateway/pace.c — how long a turn of the loop handles input, and which lines come first
** when there was too little time for all.
** A decoder or an expression may take long. With many such lines, the last line, a signal or a
** PING would wait for all others. Must not know what messages hold. */
#include "gateway/link_impl.h"

enum {
  /* about 25 ms of processor time: after that, lines that would take long wait for the next turn */
  FULL_TICKS = 6
};

void tl_pace_begin (tl_link *l) {
  l->pace.handled = 0;
  l->pace.began = tl_clock_mono_ns();
  l->pace.ticks = tl_clock_busy;
}

bool tl_pace_check_over (tl_link *l) {
  if (tl_clock_busy != l->pace.ticks) return true;
  l->pace.handled = 0;
  /* Ten short messages are done before anybody has waited, and a turn of the loop costs as
  ** much as they do. */
  return tl_clock_mono_ns() - l->pace.began >= TL_LINK_QUICK_NS;
}

void tl_pace_end (tl_link *l) { l->pace.heavy = tl_clock_busy != l->pace.ticks; }

/* Only a line whose input took long the last time can be passed over.
** A line that was served in a turn in which others were passed over lets those go first, once. */
bool tl_pace_passes_over (tl_link *l) {
  tl_gateway *g = l->gateway;
  uint64_t turn = tl_loop_turn(g->loop) + 1; /* 0: none */
  if (g->turn.number != turn) {
    g->turn.number = turn;
    g->turn.ticks = tl_clock_busy;
  }
  if (!l->pace.heavy) return false;
  if (l->pace.ran_turn != 0 && l->pace.ran_turn == g->turn.passed) {
    l->pace.ran_turn = 0;
    return true;
  }
  if (tl_clock_busy - g->turn.ticks >= FULL_TICKS) {
    g->turn.passed = turn;
    return true;
  }
  l->pace.ran_turn = turn;
  return false;
}
