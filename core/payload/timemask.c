/* core/payload/timemask.c — compiles time masks into steps, and writes times by them
** (timeread.c reads). Must not know whose they are. */
#include "payload/timemask.h"

#include <stdlib.h>

#include "base/number.h"
#include "payload/civil.h"
#include "payload/timemask_impl.h"

static const struct {
  const char *word;
  uint8_t kind;
} tokens[] = {
  /* a longer token before its own beginning */
  { "yyyy", TL_STEP_YEAR },  { "rrrr", TL_STEP_YEAR },    { "yy", TL_STEP_YEAR },
  { "rr", TL_STEP_YEAR },    { "mss", TL_STEP_MS },       { "mm", TL_STEP_MONTH },
  { "mi", TL_STEP_MINUTE },  { "dd", TL_STEP_DAY },       { "hh", TL_STEP_HOUR },
  { "ss", TL_STEP_SECOND },  { "tttt", TL_STEP_WEEKDAY }, { "ttt", TL_STEP_WEEKDAY },
  { "tt", TL_STEP_WEEKDAY }, { "ap", TL_STEP_HALF },      { "ZZZZZZ", TL_STEP_ZONE },
  { "ZZZZZ", TL_STEP_ZONE }, { "ZZZ", TL_STEP_ZONE },
};

static const char *const names[TL_COMPONENTS] = { "year",      "month (mm)",  "day (dd)",
                                                  "hour (hh)", "minute (mi)", "second (ss)",
                                                  "mss" };

static bool starts (tl_slice text, size_t at, const char *word) {
  size_t n = strlen(word);
  return text.len - at >= n && memcmp(text.at + at, word, n) == 0;
}

static bool is_digit (uint8_t c) { return c >= '0' && c <= '9'; }

static bool numeric (const tl_step *s) {
  return s->kind < TL_COMPONENTS || s->kind == TL_STEP_DIGITS;
}

/* Length of the token at `at` and its kind; 0 when what stands there is literal. */
static size_t token_at (tl_slice mask, size_t at, uint8_t *kind) {
  for (size_t i = 0; i < sizeof tokens / sizeof *tokens; i++) {
    if (!starts(mask, at, tokens[i].word)) continue;
    *kind = tokens[i].kind;
    return strlen(tokens[i].word);
  }
  size_t n = 0;
  while (n < mask.len - at && is_digit(mask.at[at + n])) n++;
  *kind = TL_STEP_DIGITS;
  return n;
}

static int split (tl_timemask *m, tl_slice mask, tl_err *err) {
  size_t literal = 0;
  for (size_t at = 0; at < mask.len;) {
    if (starts(mask, at, "HH") || starts(mask, at, "hb"))
      return tl_fail(
          err, TL_ESYNTAX, at,
          "'%.2s' is the trading hour, which is not supported; the hour of the day is 'hh'",
          mask.at + at);
    if (starts(mask, at, "UNIX") || starts(mask, at, "ISO8601"))
      return tl_fail(
          err, TL_ESYNTAX, at,
          "UNIX, UNIXMS, UNIXUS, UNIXNS and ISO8601 are whole masks, nothing stands beside them");
    uint8_t kind;
    size_t n = token_at(mask, at, &kind);
    if (n > 0) {
      if (m->steps == TL_MASK_STEPS)
        return tl_fail(err, TL_ESYNTAX, at, "a time mask has at most %d tokens", TL_MASK_STEPS);
      m->step[m->steps++] = (tl_step){
        .kind = kind, .width = (uint8_t)n, .at = (uint8_t)at, .literal = (uint8_t)(at - literal)
      };
      literal = at + n;
    }
    at += n > 0 ? n : 1;
  }
  return TL_OK;
}

/* Of each component only the longest token counts, then the first. `chosen` gets its step, or
** NULL. */
static void choose (tl_timemask *m, tl_step **chosen) {
  for (int i = 0; i < m->steps; i++) {
    tl_step *s = &m->step[i], **best = &chosen[s->kind];
    if (s->kind == TL_STEP_DIGITS || s->kind == TL_STEP_WEEKDAY) continue;
    if (*best && (*best)->width >= s->width) {
      s->ignored = true;
      continue;
    }
    if (*best) (*best)->ignored = true;
    *best = s;
  }
}

static int check_chain (tl_slice mask, tl_step *const *chosen, tl_err *err) {
  int components = 0;
  for (int i = 0; i < TL_COMPONENTS; i++) components += chosen[i] != NULL;
  if (components == 0)
    return tl_fail(err, TL_ESYNTAX, 0,
                   "'%.*s' has none of the tokens yyyy mm dd hh mi ss mss, in this case",
                   TL_ARG(mask));
  if (chosen[TL_STEP_HALF] && !chosen[TL_STEP_HOUR])
    return tl_fail(err, TL_ESYNTAX, chosen[TL_STEP_HALF]->at,
                   "the mask has 'ap' (AM or PM) but no hour (hh)");
  for (int i = 1; i < TL_COMPONENTS; i++) {
    if (!chosen[i] || chosen[i - 1]) continue;
    if (i == TL_STEP_SECOND)
      return tl_fail(err, TL_ESYNTAX, chosen[i]->at,
                     "the mask has seconds but no minutes (they are 'mi'; 'mm' is the month)");
    return tl_fail(err, TL_ESYNTAX, chosen[i]->at, "the mask has '%.*s' but no %s",
                   (int)chosen[i]->width, mask.at + chosen[i]->at, names[i - 1]);
  }
  return TL_OK;
}

static bool has_byte (tl_slice text, size_t at, size_t n, char what) {
  return n > 0 && memchr(text.at + at, what, n);
}

static void join_steps (tl_timemask *m, tl_slice mask, tl_step *const *chosen) {
  tl_step *last_time = NULL;
  for (int i = 0; i < m->steps; i++) {
    tl_step *s = &m->step[i];
    if (i > 0 && s->literal == 0 && numeric(s) && numeric(s - 1)) s->joined = s[-1].more = true;
    s->plain = !s->ignored && s->literal <= 1 &&
               (s->kind == TL_STEP_YEAR ? s->width == 4 : s->kind < TL_STEP_MS);
    s->may_plus = has_byte(mask, (size_t)(s->at - s->literal), s->literal, '+');
    if (s->kind >= TL_STEP_HOUR && s->kind <= TL_STEP_HALF && !s->ignored) last_time = s;
  }
  m->has_zone = chosen[TL_STEP_ZONE];
  m->has_half = chosen[TL_STEP_HALF];
  if (!last_time || m->has_zone) return;
  m->time_last = last_time == &m->step[m->steps - 1];
  if (!m->time_last && !last_time->more) {
    const tl_step *next = last_time + 1;
    bool minus = has_byte(mask, (size_t)(next->at - next->literal), next->literal, '-');
    last_time->zone_after = TL_ZONE_LONG_MINUS;
    if (next->may_plus)
      last_time->zone_after = TL_ZONE_NOT;
    else if (minus)
      last_time->zone_after = TL_ZONE_PLUS;
  }
  const uint8_t *end;
  m->literal_zone = tl_zone_suffix(mask.at + last_time->at + last_time->width, mask.at + mask.len,
                                   TL_ZONE_ANY, &m->literal_offset, &end) == TL_OK;
}

static int compile (tl_timemask *m, tl_slice mask, tl_err *err) {
  static const char *const whole[] = {
    "", "UNIX", "UNIXMS", "UNIXUS", "UNIXNS", "ISO8601"
  }; /* by tl_mask_kind */
  for (uint8_t kind = TL_MASK_UNIX; kind <= TL_MASK_ISO8601; kind++)
    if (tl_slice_eq(mask, tl_slice_str(whole[kind]))) m->kind = kind;
  if (m->kind != TL_MASK_TOKENS) return TL_OK;
  tl_step *chosen[TL_STEP_COUNT] = { NULL };
  int rc = split(m, mask, err);
  if (rc != TL_OK) return rc;
  choose(m, chosen);
  if ((rc = check_chain(mask, chosen, err)) != TL_OK) return rc;
  join_steps(m, mask, chosen);
  return TL_OK;
}

int tl_timemask_new (tl_timemask **out, tl_slice mask, tl_err *err) {
  size_t blanks = 0;
  while (blanks < mask.len && mask.at[blanks] == ' ') blanks++;
  tl_slice bare = tl_slice_of(mask.at + blanks, mask.len - blanks);
  while (bare.len > 0 && bare.at[bare.len - 1] == ' ') bare.len--;
  if (bare.len > TL_MASK_LENGTH)
    return tl_fail(err, TL_ESYNTAX, 0, "a time mask of %zu bytes; at most %d", bare.len,
                   TL_MASK_LENGTH);
  tl_timemask *m = calloc(1, sizeof *m);
  if (!m) return tl_fail(err, TL_ENOMEM, 0, "no memory for a time mask");
  if (bare.len > 0) memcpy(m->text, bare.at, bare.len);
  m->length = (uint8_t)bare.len;
  int rc = compile(m, bare, err);
  if (rc == TL_OK) {
    *out = m;
    return TL_OK;
  }
  if (err) err->at += blanks;
  free(m);
  return rc;
}

void tl_timemask_free (tl_timemask *m) { free(m); }

bool tl_timemask_is_number (const tl_timemask *m) {
  return m->kind >= TL_MASK_UNIX && m->kind <= TL_MASK_UNIXNS;
}

/* --- writing --- */

static void put_digits (tl_buf *out, int64_t number, int width) {
  uint8_t digits[8];
  for (int i = width - 1; i >= 0; i--, number /= 10) digits[i] = (uint8_t)('0' + number % 10);
  tl_buf_add(out, digits, (size_t)width);
}

/* "+hh", "+hhmi" or "+hh:mi" by the token's width. */
static void put_offset (tl_buf *out, int32_t offset, int width) {
  int32_t minutes = (offset < 0 ? -offset : offset) / 60;
  tl_buf_byte(out, offset < 0 ? '-' : '+');
  put_digits(out, minutes / 60, 2);
  if (width == 6) tl_buf_byte(out, ':');
  if (width > 3) put_digits(out, minutes % 60, 2);
}

/* A time taken apart, local to `offset`. */
typedef struct {
  int64_t days;
  int32_t offset;
  int64_t part[TL_COMPONENTS];
} local_time;

static void take_apart (int64_t ms, int32_t offset, local_time *t) {
  ms += (int64_t)offset * 1000;
  t->offset = offset;
  t->days = tl_floor_div(ms, TL_DAY_SECONDS * INT64_C(1000));
  int64_t rest = ms - t->days * TL_DAY_SECONDS * 1000;
  tl_civil_date date = tl_civil_from_days(t->days);
  t->part[TL_STEP_YEAR] = date.year;
  t->part[TL_STEP_MONTH] = date.month;
  t->part[TL_STEP_DAY] = date.day;
  t->part[TL_STEP_HOUR] = rest / 3600000;
  t->part[TL_STEP_MINUTE] = rest / 60000 % 60;
  t->part[TL_STEP_SECOND] = rest / 1000 % 60;
  t->part[TL_STEP_MS] = rest % 1000;
}

static void put_weekday (tl_buf *out, int64_t days, int width) {
  static const char *const weekdays[7] = { "Sunday",   "Monday", "Tuesday", "Wednesday",
                                           "Thursday", "Friday", "Saturday" };
  const char *name = weekdays[tl_civil_weekday(days)];
  tl_buf_add(out, name, width == 4 ? strlen(name) : (size_t)width);
}

static void put_step (const tl_timemask *m, const tl_step *s, const local_time *t, tl_buf *out) {
  tl_buf_add(out, m->text + s->at - s->literal, s->literal);
  int64_t hour = t->part[TL_STEP_HOUR];
  if (s->kind == TL_STEP_DIGITS)
    tl_buf_add(out, m->text + s->at, s->width);
  else if (s->kind == TL_STEP_WEEKDAY)
    put_weekday(out, t->days, s->width);
  else if (s->kind == TL_STEP_ZONE)
    put_offset(out, t->offset, s->width);
  else if (s->kind == TL_STEP_HALF)
    tl_buf_str(out, hour < 12 ? "AM" : "PM");
  else if (s->kind == TL_STEP_HOUR && m->has_half)
    put_digits(out, (hour + 11) % 12 + 1, s->width);
  else
    put_digits(out, t->part[s->kind], s->width);
}

static void put_unix (int64_t ms, tl_buf *out) {
  int64_t rest = ms % 1000;
  if (ms < 0 && ms > -1000) tl_buf_byte(out, '-');
  tl_integer_format(out, ms / 1000);
  if (rest == 0) return;
  tl_buf_byte(out, '.');
  put_digits(out, rest < 0 ? -rest : rest, 3);
}

/* Milliseconds with `zeros` digits behind them that a tag does not keep. */
static void put_finer (int64_t ms, int zeros, tl_buf *out) {
  tl_integer_format(out, ms);
  for (int i = 0; i < zeros && ms != 0; i++) tl_buf_byte(out, '0');
}

static void put_iso (int64_t ms, int32_t offset, tl_buf *out) {
  static const char between[TL_COMPONENTS + 1] = "--T::.";
  local_time t;
  take_apart(ms, offset / 60 * 60, &t);
  for (int i = 0; i < TL_COMPONENTS; i++) {
    int digits = i == TL_STEP_MS ? 3 : 2;
    put_digits(out, t.part[i], i == TL_STEP_YEAR ? 4 : digits);
    if (i != TL_STEP_MS) tl_buf_byte(out, (uint8_t)between[i]);
  }
  if (t.offset == 0)
    tl_buf_byte(out, 'Z');
  else
    put_offset(out, t.offset, 6);
}

/* What the mask can say of an offset; the time is written local to that, so that it reads back
** as the same time. */
static int32_t offset_written (const tl_timemask *m, int32_t offset) {
  if (m->literal_zone) return m->literal_offset;
  for (int i = 0; i < m->steps; i++)
    if (m->step[i].kind == TL_STEP_ZONE && !m->step[i].ignored)
      return m->step[i].width == 3 ? offset / 3600 * 3600 : offset / 60 * 60;
  return offset;
}

void tl_timemask_format (const tl_timemask *m, const tl_zone *zone, int64_t ms, tl_buf *out) {
  if (ms < TL_TIME_MIN_MS)
    ms = TL_TIME_MIN_MS;
  else if (ms > TL_TIME_MAX_MS)
    ms = TL_TIME_MAX_MS;
  int32_t offset = tl_zone_offset(zone ? zone : tl_zone_utc(), tl_floor_div(ms, 1000));
  switch (m->kind) {
    case TL_MASK_UNIX: put_unix(ms, out); return;
    case TL_MASK_UNIXMS: tl_integer_format(out, ms); return;
    case TL_MASK_UNIXUS: put_finer(ms, 3, out); return;
    case TL_MASK_UNIXNS: put_finer(ms, 6, out); return;
    case TL_MASK_ISO8601: put_iso(ms, offset, out); return;
    default: break;
  }
  local_time t;
  take_apart(ms, offset_written(m, offset), &t);
  size_t written = 0;
  for (int i = 0; i < m->steps; i++) {
    put_step(m, &m->step[i], &t, out);
    written = (size_t)m->step[i].at + m->step[i].width;
  }
  tl_buf_add(out, m->text + written, m->length - written);
}
