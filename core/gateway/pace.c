/* core/gateway/pace.c — how long a turn of the loop handles input, and which lines come first
** when there was too little time for all.
** A decoder or an expression may take long. With many such lines, the last line, a signal or a
** PING would wait for all others. A line that was quick so far does not wait for them; when the
** turn is used it waits for others that were quick, so that many that become slow at once do not
** add up. One that has long been quick, or has no functions, goes before those that only begin: of
** forty lines whose first messages never end, forty are called before the last one. One without
** functions goes before all of these. So does one that was quick and has decoders alone: what waits
** of it is handled in pieces. Must not know what messages hold. */
#include "gateway/link_impl.h"

/* Input that takes this many ticks takes longer than 4 ms for certain: the line waits for its turn
** from now on, behind all others that are quick. One tick may be chance. */
enum { LONG_TICKS = 2 };
/* After a slow input, so many quick ones in a row before the line counts as quick. */
enum { REMEMBERED = 64 };
/* So many stations are looked at, where a line may have no function. */
enum { LOOKED_AT = 1000 };

void tl_pace_begin (tl_link *l) {
  l->pace.handled = 0;
  l->pace.began = tl_clock_mono_ns();
  l->pace.ticks = tl_clock_busy;
}

/* Is this line's part of the turn over? Yes when a tick has passed since it began (4 ms), or
** when 10 messages in scripts took 50 us or more (TL_LINK_PER_TURN, TL_LINK_QUICK_NS).
** tl_pace_is_over() asks only then. */
bool tl_pace_check_over (tl_link *l) {
  if (tl_clock_busy != l->pace.ticks) return true;
  l->pace.handled = 0;
  /* Ten messages that took less together: go on and count anew, since a new turn of the loop
  ** would cost as much. */
  return tl_clock_mono_ns() - l->pace.began >= TL_LINK_QUICK_NS;
}

void tl_pace_end (tl_link *l) {
  l->pace.took = tl_clock_busy - l->pace.ticks;
  if (l->pace.took >= LONG_TICKS) {
    tl_pace_slow(l);
    return;
  }
  if (l->pace.slow > 0) l->pace.slow--;
  if (l->pace.quick < REMEMBERED) l->pace.quick++;
}

/* Its messages meet no function of a script. */
static bool has_none (const tl_link *l) {
  const tl_line *line = l->line;
  if (l->user || line->station_count > LOOKED_AT) return false;
  for (uint32_t i = 0; i < line->station_count; i++)
    if (line->stations[i]->user) return false;
  return true;
}

/* Its messages meet decoders alone, which are interrupted while pace.careful is set
** (long_message.c): its input is short, whatever they do. */
static bool has_decoders (const tl_link *l) {
  const tl_handlers *h = &l->gateway->handlers;
  const tl_line *line = l->line;
  if (line->station_count > LOOKED_AT || !h->decodes_only || !h->pieces_new) return false;
  for (uint32_t i = 0; i < line->station_count; i++) {
    const tl_station *s = line->stations[i];
    if (s->user && !(h->decodes_only(l->user, s->user) && tl_link_has_pieces(s))) return false;
  }
  return true;
}

static bool is_trusted (const tl_link *l) { return l->pace.quick == REMEMBERED || has_none(l); }

/* Behind a long call, what came meanwhile is handled before a line that may need another one. */
bool tl_pace_passes_over (const tl_link *l) {
  const tl_loop *loop = l->gateway->loop;
  if (l->pace.its_turn) return false;
  if (l->pace.slow > 0 || tl_loop_is_used(loop)) return true;
  return tl_loop_was_long(loop) && !is_trusted(l);
}

void tl_pace_slow (tl_link *l) {
  l->pace.slow = REMEMBERED;
  l->pace.quick = 0;
}

void tl_pace_wait (tl_link *l) {
  tl_loop *loop = l->gateway->loop;
  bool trusted = is_trusted(l);
  l->pace.careful = trusted && has_decoders(l) ? TL_LINK_LONG : 0;
  if (l->pace.slow > 0 || l->pace.took > 0)
    tl_heavy_wait(loop, &l->pace.waits);
  else if (trusted && (l->pace.careful > 0 || has_none(l)))
    tl_heavy_wait_first(loop, &l->pace.waits);
  else
    tl_heavy_wait_ahead(loop, &l->pace.waits, trusted);
}
