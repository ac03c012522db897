/* core/model/status.c — the statuses of stations, and when one becomes another. Must not know
** messages or sockets: callers report that a line is up or down or that a message came, and pass
** the time. */
#include "model/model_impl.h"

/* What all lines do at most in one turn of the loop: 100,000 stations, of one line or of many that
** are lost together, would hold it for a tenth of a second. A look at a station is 1; a status or a
** value that changes is CHANGE. AT_LEAST: for each line, also when others have used the turn. */
enum { CHANGE = 20, AT_ONCE = 20000, AT_LEAST = 400 };
/* When the rest follows: libuv runs timers that are due now again and again in one turn. */
enum { GO_ON_MS = 1 };

const char *tl_station_status_name (tl_station_status s) {
  static const char *const names[] = {
    [TL_ST_ON] = "StOn",       [TL_ST_OFF] = "StOff",        [TL_ST_WAIT] = "StWait",
    [TL_ST_SIMUL] = "StSimul", [TL_ST_COM_ERR] = "StComErr", [TL_ST_HARD_ERR] = "StHardErr",
  };
  return (unsigned)s < sizeof names / sizeof names[0] ? names[s] : "?";
}

/* --- what is due --- */

/* When the status changes next if no message comes: StComErr after no_data_timeout, then StHardErr
** after time_filter. */
static int64_t due_of (const tl_station *s) {
  if (s->status == TL_ST_COM_ERR) return tl_later(s->since, s->settings.time_filter_ms);
  if (s->status == TL_ST_ON && s->settings.no_data_ms > 0 && !s->is_template)
    return tl_later(s->heard > s->since ? s->heard : s->since, s->settings.no_data_ms);
  return INT64_MAX;
}

void tl_line_wake (tl_line *line, int64_t at) {
  if (at < line->later) line->later = at; /* tick may have passed the station already */
  if (at >= line->due) return;
  line->due = at;
  tl_model *m = line->model;
  if (m->hooks.due) m->hooks.due(m->ctx, line, at);
}

/* --- transitions --- */

void tl_station_enter (tl_station *s, tl_station_status to, int64_t now) {
  tl_station_status before = (tl_station_status)s->status;
  if (before == to) return;
  tl_model *m = s->line->model;
  s->status = (uint8_t)to;
  s->since = now;
  tl_line_wake(s->line, due_of(s));
  if (m->hooks.status) m->hooks.status(m->ctx, s, before);
}

static bool is_ours (const tl_tagdef *d) { /* what was written here, not what the device said */
  return d->kind == TL_ADDRESS_OUT_TOPIC || d->kind == TL_ADDRESS_OUT_VALUE ||
         d->kind == TL_ADDRESS_ACK_ID;
}

static void invalidate_all (tl_station *s, tl_reason reason, int64_t wall) {
  if (s->is_template) return;
  uint8_t status = s->status; /* a handler may switch the station meanwhile; then that counts */
  for (uint16_t i = 0; i < s->plan->tag_count && s->status == status; i++)
    if (!is_ours(&s->plan->tags[i])) tl_tag_invalidate(&s->tags[i], reason, wall);
}

static void enter_hard_err (tl_station *s, tl_reason reason, int64_t now, int64_t wall) {
  s->why = (uint8_t)reason;
  tl_station_enter(s, TL_ST_HARD_ERR, now);
  if (s->status == TL_ST_HARD_ERR) invalidate_all(s, reason, wall);
}

static void filter_com_err (tl_station *s, int64_t now, int64_t wall) { /* has it lasted? */
  if (s->status != TL_ST_COM_ERR || now < tl_later(s->since, s->settings.time_filter_ms)) return;
  enter_hard_err(s, s->line->subscribed ? TL_REASON_NO_DATA : TL_REASON_DISCONNECTED, now, wall);
}

static void enter_com_err (tl_station *s, int64_t now, int64_t wall) {
  tl_station_enter(s, TL_ST_COM_ERR, now);
  filter_com_err(s, now, wall);
}

static void come_up (tl_station *s, int64_t now, int64_t wall) {
  if (s->status != TL_ST_WAIT && (s->status != TL_ST_COM_ERR || s->line->was_up)) return;
  if (s->unfed)
    enter_com_err(s, now, wall);
  else
    tl_station_enter(s, TL_ST_ON, now);
}

/* What a call with this `now` may do: calls with the same `now` share it. */
static int64_t share (tl_model *m, int64_t now) {
  if (m->parts.now != now) m->parts.left = AT_ONCE;
  m->parts.now = now;
  return m->parts.left > AT_LEAST ? m->parts.left : AT_LEAST;
}

/* What it cost to make of a station with the status `before` what it is now. */
static int64_t cost (const tl_station *s, uint8_t before) {
  if (s->status == before) return 1;
  bool all = s->status == TL_ST_HARD_ERR && !s->is_template;
  return 1 + CHANGE * (int64_t)(1 + (all ? s->plan->tag_count : 0));
}

/* Stations hear that the line came up, or is lost. *left: what may still be done. */
static void tell (tl_line *line, int64_t *left, int64_t now, int64_t wall) {
  while (*left > 0 && line->told < line->to_tell) {
    tl_station *s = line->stations[line->told++];
    uint8_t before = s->status;
    if (line->subscribed)
      come_up(s, now, wall);
    else if (s->status == TL_ST_ON)
      enter_com_err(s, now, wall);
    *left -= cost(s, before);
  }
  if (line->told < line->to_tell) tl_line_wake(line, tl_later(now, GO_ON_MS));
}

bool tl_line_is_settled (const tl_line *line) { return line->told == line->to_tell; }

void tl_line_settle (tl_line *line, int64_t now, int64_t wall) {
  int64_t left = INT64_MAX;
  tell(line, &left, now, wall);
}

static void begin_to_tell (tl_line *line, int64_t now, int64_t wall) {
  int64_t all = share(line->model, now), left = all;
  line->told = 0;
  line->to_tell = line->station_count;
  tell(line, &left, now, wall);
  line->model->parts.left -= all - left;
}

void tl_line_up (tl_line *line, int64_t now, int64_t wall) {
  tl_line_settle(line, now, wall);
  /* What has lasted too long by now did so before the line came up, so it is judged first. */
  for (uint32_t i = 0; i < line->station_count; i++) filter_com_err(line->stations[i], now, wall);
  /* on a line that is up, a further SUBACK does not end the StComErr of a silent device */
  line->was_up = line->subscribed;
  line->connected = line->subscribed = true;
  for (uint32_t i = 0; i < line->station_count && !line->was_up; i++) line->stations[i]->heard = -1;
  begin_to_tell(line, now, wall);
}

void tl_station_set_fed (tl_station *s, bool fed, int64_t now, int64_t wall) {
  if (s->unfed == !fed) return;
  s->unfed = !fed;
  if (!fed && s->status == TL_ST_ON) enter_com_err(s, now, wall);
  if (fed && s->status == TL_ST_COM_ERR && s->line->subscribed) tl_station_enter(s, TL_ST_ON, now);
}

void tl_line_excuse (tl_line *line, int64_t now) {
  for (uint32_t i = 0; i < line->station_count; i++)
    if (line->stations[i]->heard < now) line->stations[i]->heard = now;
}

void tl_line_down (tl_line *line, int64_t now, int64_t wall) {
  if (line->subscribed) tl_line_settle(line, now, wall);
  line->connected = line->subscribed = false;
  begin_to_tell(line, now, wall);
}

void tl_station_stay_lost (tl_station *s, int64_t time_ms) {
  if (s->status != TL_ST_HARD_ERR || s->is_template) return;
  for (uint16_t i = 0; i < s->plan->tag_count && s->status == TL_ST_HARD_ERR; i++)
    if (s->tags[i].status == TL_VALID && !is_ours(&s->plan->tags[i]))
      tl_tag_invalidate(&s->tags[i], (tl_reason)s->why, time_ms);
}

void tl_station_invalidate (tl_station *s, tl_reason reason, int64_t time_ms) {
  invalidate_all(s, reason, time_ms);
}

/* The device says that it is back: no value came, so that the tags stay as they are. */
static void born (tl_station *s, const tl_incoming *m) {
  if (s->off || s->simulated) return;
  s->heard = m->now;
  if (s->status != TL_ST_ON && !m->late) tl_station_enter(s, TL_ST_ON, m->now);
}

tl_will tl_station_will_of (const tl_station *s, const tl_incoming *m) {
  if (!s->will_topic || !tl_slice_eq(m->topic, tl_slice_str(s->will_topic))) return TL_NO_WILL;
  if (m->retain && s->settings.ignore_retained) return TL_NO_WILL;
  if (s->has_birth && tl_slice_eq(m->payload, tl_station_birth(s))) return TL_WILL_BIRTH;
  if (s->will_payload.len && !tl_slice_eq(m->payload, s->will_payload)) return TL_NO_WILL;
  return TL_WILL_DEATH;
}

bool tl_station_will (tl_station *s, const tl_incoming *m) {
  tl_will will = tl_station_will_of(s, m);
  if (will == TL_WILL_BIRTH) born(s, m);
  if (will != TL_WILL_DEATH) return will == TL_WILL_BIRTH;
  s->stats.wills++;
  if (s->off || s->simulated) return true;
  enter_hard_err(s, TL_REASON_STATION_WILL, m->now, m->wall);
  return true;
}

void tl_station_lost (tl_station *s, int64_t now, int64_t time_ms) {
  if (!s->off && !s->simulated) enter_hard_err(s, TL_REASON_DISCONNECTED, now, time_ms);
}

void tl_station_gone (tl_station *s, int64_t now, int64_t time_ms) {
  s->stats.wills++;
  tl_station_lost(s, now, time_ms);
}

/* --- the operator --- */

static void end_simulation (tl_station *s, int64_t wall) {
  uint8_t status = s->status;
  tl_reason reason = status == TL_ST_OFF ? TL_REASON_OFF : TL_REASON_NO_DATA;
  for (uint16_t i = 0; i < s->plan->tag_count && s->status == status; i++) {
    const tl_tagdef *d = &s->plan->tags[i];
    if (d->kind == TL_ADDRESS_OUT_TOPIC || d->kind == TL_ADDRESS_ACK_ID) continue;
    const tl_value *value = tl_type_is_output(d->type) ? tl_plan_default(s->plan, i) : NULL;
    bool again = value && (is_ours(d) || status != TL_ST_OFF);
    if (!again || !tl_tag_put(&s->tags[i], value, wall))
      tl_tag_invalidate(&s->tags[i], reason, wall);
  }
}

void tl_station_switch (tl_station *s, bool off, bool simulated, int64_t now, int64_t wall) {
  s->off = off;
  s->simulated = simulated;
  uint8_t before = s->status;
  tl_station_status to = TL_ST_ON;
  if (off)
    to = TL_ST_OFF;
  else if (simulated)
    to = TL_ST_SIMUL;
  else if (!s->line->subscribed)
    to = TL_ST_WAIT;
  else if (s->unfed)
    to = TL_ST_COM_ERR;
  bool was_out = before == TL_ST_OFF || before == TL_ST_SIMUL;
  if (to == before || (!off && !simulated && !was_out)) return;
  tl_station_enter(s, to, now);
  if (s->status != to || s->is_template) return;
  if (before == TL_ST_SIMUL) {
    end_simulation(s, wall);
  } else if (to == TL_ST_OFF) {
    invalidate_all(s, TL_REASON_OFF, wall);
  } else if (to == TL_ST_SIMUL) {
    tl_station_simulate(s, now, wall);
    s->line->simulates = true; /* also when a round is under way, which has passed its place */
    if (s->line->simulate_at == INT64_MAX) s->line->simulate_at = tl_later(now, TL_SIMULATION_STEP);
    tl_line_wake(s->line, s->line->simulate_at);
  }
}

void tl_station_start (tl_station *s, int64_t now, int64_t wall) {
  if (s->settings.off == s->off && s->settings.simulate == s->simulated) return;
  tl_station_switch(s, s->settings.off, s->settings.simulate, now, wall);
}

bool tl_line_wanted (const tl_line *line) {
  for (uint32_t i = 0; i < line->station_count; i++)
    if (!line->stations[i]->off && !line->stations[i]->simulated) return true;
  return line->station_count == 0;
}

/* --- time passes --- */

/* The simulated stations of the line, as many as *left allows. Keeps the beat after a late tick or
** a long round, without catching up. True: a round is over, or none is due. */
static bool simulate_line (tl_line *line, int64_t *left, int64_t now, int64_t wall) {
  if (now < line->simulate_at) return true;
  if (line->simulated == 0) line->simulates = false;
  while (*left > 0 && line->simulated < line->station_count) {
    tl_station *s = line->stations[line->simulated++];
    --*left;
    if (s->status != TL_ST_SIMUL) continue;
    line->simulates = true;
    if (s->is_template) continue;
    tl_station_simulate(s, now, wall);
    *left -= CHANGE * (int64_t)s->plan->tag_count;
  }
  if (line->simulated < line->station_count) return false;
  line->simulated = 0;
  int64_t behind = (now - line->simulate_at) % TL_SIMULATION_STEP;
  line->simulate_at = line->simulates ? tl_later(now - behind, TL_SIMULATION_STEP) : INT64_MAX;
  return true;
}

/* What time alone does: StComErr becomes StHardErr after time_filter, StOn becomes StComErr when
** no_data_timeout has passed without a message, and simulated tags get their next values. */
int64_t tl_line_tick (tl_line *line, int64_t now, int64_t wall) {
  if (now < line->due || line->ticking) return line->due;
  line->ticking = true;
  int64_t all = share(line->model, now), left = all;
  tell(line, &left, now, wall);
  int64_t half = left / 2, rest = half; /* a round that lasts does not hold up what is due */
  bool simulated = simulate_line(line, &rest, now, wall);
  left -= half - rest;
  if (line->looked == 0) line->later = INT64_MAX;
  while (line->looked < line->station_count && left > 0) {
    tl_station *s = line->stations[line->looked++];
    uint8_t before = s->status;
    filter_com_err(s, now, wall);
    if (s->status == TL_ST_ON && due_of(s) <= now) enter_com_err(s, now, wall);
    int64_t due = due_of(s);
    if (due < line->later) line->later = due;
    left -= cost(s, before);
  }
  line->model->parts.left -= all - left;
  bool over = line->looked >= line->station_count && line->told == line->to_tell && simulated;
  line->due = line->simulate_at < line->later ? line->simulate_at : line->later;
  if (!over) line->due = tl_later(now, GO_ON_MS);
  if (line->looked >= line->station_count) line->looked = 0;
  line->ticking = false;
  return line->due;
}
