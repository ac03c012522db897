/* core/payload/timeguess.c — what a text that does not fit its mask might be. For messages
** only: nothing is read by a guess. */
#include "base/format.h"
#include "payload/timemask_impl.h"

#define YEARS_20_MS INT64_C(631152000000)
#define DAY_MS INT64_C(86400000)

/* In the order in which they are named where several come to the same day. */
static const char *const known[] = {
  "UNIX",
  "UNIXMS",
  "UNIXUS",
  "UNIXNS",
  "ISO8601",
  "yyyy-mm-dd hh:mi:ss.mss",
  "yyyy-mm-dd hh:mi:ss ap",
  "dd.mm.yyyy hh:mi:ss",
  "dd/mm/yyyy hh:mi:ss",
  "mm/dd/yyyy hh:mi:ss",
  "dd/mm/yyyy hh:mi:ss ap",
  "mm/dd/yyyy hh:mi:ss ap",
  "yyyymmddhhmiss",
  "yyyy-mm-dd hh:mi",
  "dd.mm.yyyy hh:mi",
  "mm/dd/yyyy hh:mi",
  "mm/dd/yyyy hh:mi ap",
  "yymmddhhmiss",
  "hh:mi:ss dd.mm.yyyy",
  "dd.mm.yy hh:mi:ss",
  "yyyy-mm-dd",
};

static bool
separators_fit (const char *mask,
                /* a mask accepts any separator, but the guess should show the one in the text */
                tl_slice text) {
  if (text.len == 0 || text.at[0] < '0' || text.at[0] > '9') return true;
  size_t i = strcspn(mask, ".-/:"), k = 0;
  while (k < text.len && text.at[k] >= '0' && text.at[k] <= '9') k++;
  char in_text = k < text.len ? (char)text.at[k] : 0;
  return mask[i] == in_text || (in_text == '-' && mask[i] == '.' && mask[0] == 'd');
}

static int try_one (const char *mask, const tl_zone *zone, tl_slice text, int64_t *ms) {
  tl_timemask *m;
  if (tl_timemask_new(&m, tl_slice_str(mask), NULL) != TL_OK) return TL_ESYNTAX;
  int rc = m->kind == TL_MASK_TOKENS && !separators_fit(mask, text)
               ? TL_ESYNTAX
               : tl_timemask_parse(m, zone, text, ms);
  tl_timemask_free(m);
  return rc;
}

const char *tl_timemask_guess (const tl_zone *zone, tl_slice text, int64_t near_ms, int64_t *ms) {
  const char *best = NULL;
  int64_t least = YEARS_20_MS, at = 0;
  if (text.len > TL_MASK_LENGTH) return NULL;
  for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
    int64_t found;
    if (try_one(known[i], zone, text, &found) != TL_OK) continue;
    int64_t distance = found > near_ms ? found - near_ms : near_ms - found;
    if (distance >= least ||
        (best && least - distance < DAY_MS)) /* what differs in seconds only is not better */
      continue;
    best = known[i];
    least = distance;
    at = found;
  }
  if (best && ms) *ms = at;
  return best;
}

/* Milliseconds that the finest part of the clock in the mask leaves open; 0: none that matters. */
static int64_t left_open (const tl_timemask *m) {
  static const int64_t open[] = {
    [TL_STEP_DAY] = DAY_MS, [TL_STEP_HOUR] = 3600000, [TL_STEP_MINUTE] = 60000
  };
  int finest = TL_STEP_YEAR;
  if (m->kind != TL_MASK_TOKENS) return 0;
  for (int i = 0; i < m->steps; i++) {
    const tl_step *s = &m->step[i];
    if (!s->ignored && s->kind <= TL_STEP_SECOND && s->kind > finest) finest = s->kind;
  }
  return finest < TL_STEP_DAY || finest > TL_STEP_MINUTE ? 0 : open[finest];
}

const char *tl_timemask_finer (const tl_timemask *m, const tl_zone *zone, tl_slice text,
                               int64_t *lost_ms) {
  int64_t open = left_open(m), own, found;
  if (open == 0 || text.len > TL_MASK_LENGTH || tl_timemask_parse(m, zone, text, &own) != TL_OK)
    return NULL;
  for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
    if (try_one(known[i], zone, text, &found) != TL_OK) continue;
    if (found - own < 1000 || found - own >= open) continue;
    *lost_ms = found - own;
    return known[i];
  }
  return NULL;
}

void tl_timemask_why (const tl_timemask *m, const tl_zone *zone, tl_slice text, int64_t near_ms,
                      tl_buf *out) {
  int64_t ms;
  if (tl_timemask_parse(m, zone, text, &ms) == TL_ENOENT) {
    const char *name = zone ? tl_zone_name(zone) : "";
    tl_buf_fmt(out, "is a local time that does not exist%s%s", *name ? " in " : "", name);
    return;
  }
  tl_buf_fmt(out, "does not fit the time mask '%.*s'", (int)m->length, (const char *)m->text);
  const char *fits = tl_timemask_guess(zone, text, near_ms, &ms);
  if (!fits) return;
  tl_buf_fmt(out, ", but time_mask = \"%s\" (", fits);
  tl_time_format(out, ms);
  tl_buf_byte(out, ')');
}
