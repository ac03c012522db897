/* core/explain/explain_tried.c — the stations that were tried for a topic, and why each did not
** match: of thousands, those whose addresses are most like it. */
#include <stdio.h>
#include <string.h>

#include "explain/explain_impl.h"

size_t tl_explain_likeness (tl_slice a, tl_slice b) {
  size_t least = a.len < b.len ? a.len : b.len, from = 0, to = 0;
  while (from < least && a.at[from] == b.at[from]) from++;
  while (to < least - from && a.at[a.len - to - 1] == b.at[b.len - to - 1]) to++;
  return from + to;
}

static void keep_near (tl_trying *t, const tl_tried *one) {
  uint32_t i = t->near_count < TL_NEAR_MAX ? t->near_count++ : TL_NEAR_MAX;
  if (i == TL_NEAR_MAX) {
    t->more++;
    if (t->near[--i].likeness >= one->likeness) return;
  }
  for (; i > 0 && t->near[i - 1].likeness < one->likeness; i--) t->near[i] = t->near[i - 1];
  t->near[i] = *one;
}

/* The likest, in the order in which they are tried. */
static void keep_regex (tl_trying *t, const tl_tried *one) {
  if (t->regex_count < TL_REGEX_MAX) {
    t->regex[t->regex_count++] = *one;
    return;
  }
  uint32_t least = 0;
  for (uint32_t i = 1; i < TL_REGEX_MAX; i++)
    if (t->regex[i].likeness <= t->regex[least].likeness) least = i;
  t->more++;
  if (t->regex[least].likeness >= one->likeness) return;
  memmove(&t->regex[least], &t->regex[least + 1], (TL_REGEX_MAX - 1 - least) * sizeof *one);
  t->regex[TL_REGEX_MAX - 1] = *one;
}

void tl_explain_on_tried (void *ctx, tl_slice address, void *target, tl_route_by by, bool matched,
                          const char *why) {
  tl_trying *t = ctx;
  tl_tried one = { .address = address,
                   .station = target,
                   .by = by,
                   .matched = matched,
                   .likeness = tl_explain_likeness(address, t->topic) };
  snprintf(one.why, sizeof one.why, "%s", why);
  if (matched) {
    t->any = true;
    t->taken = one;
  } else if (by == TL_BY_EXACT) {
    keep_near(t, &one);
  } else {
    keep_regex(t, &one);
  }
}

const char *const tl_explain_by[] = { "nothing", "#", "topic", "regex", ".*", "given up" };

static void add_tried (const tl_link *l, const tl_tried *one, tl_buf *out) {
  bool limit = strstr(one->why, "too many steps");
  tl_member_open(out, NULL, '{');
  tl_explain_station(out, "station", l, tl_slice_str(one->station->name));
  tl_explain_raw(out, "address", one->address);
  tl_member_word(out, "by", tl_explain_by[one->by]);
  tl_member_flag(out, "matched", one->matched);
  const char *code = one->by == TL_BY_EXACT ? "differs" : "no-match";
  if (limit) code = "limit";
  if (one->matched) code = "match";
  tl_member_word(out, "code", code);
  tl_member_word(out, "why", one->why);
  tl_buf_byte(out, '}');
}

void tl_explain_trying (const tl_link *l, const tl_trying *t, tl_buf *out) {
  tl_member_open(out, "tried", '[');
  for (uint32_t i = 0; i < t->near_count; i++) add_tried(l, &t->near[i], out);
  for (uint32_t i = 0; i < t->regex_count; i++) add_tried(l, &t->regex[i], out);
  if (t->any) add_tried(l, &t->taken, out);
  tl_buf_byte(out, ']');
  if (t->more > 0) tl_member_integer(out, "tried_more", t->more);
}
