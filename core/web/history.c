/* core/web/history.c — `/api/v1/history`: its parameters become a call of history(), and what a
** limit left out is told in the head of the answer. */
#include <stdio.h>

#include "web/code.h"
#include "web/web_impl.h"

typedef struct {
  const char *name;
  void (*add)(tl_buf *code, const tl_buf *text);
} option;

static const option options[] = {
  { "from", tl_code_time },  { "to", tl_code_time },  { "last", tl_code_span },
  { "every", tl_code_span }, { "as", tl_code_names }, { "zone", tl_code_text },
};

/* Append the options that were given; negative: answered. */
static int add_options (request *r, tl_buf *code) {
  tl_buf text;
  uint64_t limit;
  int rc = 0;
  tl_buf_init(&text);
  for (size_t i = 0; rc >= 0 && i < sizeof options / sizeof options[0]; i++) {
    rc = tl_web_parameter(r, options[i].name, &text);
    if (rc <= 0) continue;
    tl_buf_fmt(code, "%s=", options[i].name);
    options[i].add(code, &text);
    tl_buf_byte(code, ',');
  }
  if (rc >= 0) rc = tl_web_count_parameter(r, "limit", 1000000, &limit);
  if (rc > 0) tl_buf_fmt(code, "limit=%llu,", (unsigned long long)limit);
  tl_buf_fini(&text);
  return rc;
}

/* Is CSV asked for? Negative: answered. */
static int wants_csv (request *r) {
  tl_buf format;
  tl_buf_init(&format);
  int rc = tl_web_parameter(r, "format", &format);
  if (rc > 0) {
    rc = strcmp((const char *)format.at, "csv") == 0;
    if (!rc && strcmp((const char *)format.at, "json") != 0) {
      tl_web_fail(r, 400, "format: expected json or csv, got '%.40s'", (const char *)format.at);
      rc = -1;
    }
  }
  tl_buf_fini(&format);
  return rc;
}

static bool has_history (const request *r) {
  const tl_outlet_hooks *o = r->web->outlets;
  return o && o->history(o->ctx);
}

/* The call, behind which stands what history() gave: nil and why, or the rows, and what note()
** prints in front of them (tl_web_tell_left). Negative: answered. */
static int add_call (request *r, const tl_buf *tag, bool csv, tl_buf *code) {
  tl_buf_str(code, "local rows,why=history(");
  /* its full name as a text: the history may have a tag that the config has no more */
  tl_code_text(code, tag);
  tl_buf_str(code, ",{");
  int rc = add_options(r, code);
  tl_buf_fmt(code,
             "csv=%s,note=function(rows) print((\"%%d %%d %%d\"):format(rows.left_out,"
             "((rows.left_from or 0)*1000+0.5)//1,((rows.left_to or 0)*1000+0.5)//1)) end})"
             "if not rows then return nil,why end ",
             csv ? "true" : "false");
  /* print gives bytes as they are, a result only those that a terminal shows */
  tl_buf_str(code, csv ? "print(rows)" : "return rows");
  return rc;
}

void tl_web_history (request *r) {
  tl_buf tag, code;
  tl_buf_init(&tag);
  tl_buf_init(&code);
  int csv = wants_csv(r), rc = csv < 0 ? -1 : tl_web_parameter(r, "tag", &tag);
  if (rc == 0) tl_web_fail(r, 400, "expected ?tag=NAME");
  if (rc > 0 && !has_history(r))
    tl_web_fail(r, 404, "the config has no history { file = … }");
  else if (rc > 0 && add_call(r, &tag, csv, &code) >= 0)
    tl_web_ask(r, &code, 400, csv ? TL_ASK_ROWS_CSV : TL_ASK_ROWS);
  tl_buf_fini(&tag);
  tl_buf_fini(&code);
}

/* --- what was left out --- */

/* Append bytes of the query as they may stand in a field between < and >. */
static void add_escaped (tl_buf *out, tl_slice text) {
  for (size_t i = 0; i < text.len; i++) {
    uint8_t c = text.at[i];
    if (c > ' ' && c < 127 && !strchr("<>\"\\", c))
      tl_buf_byte(out, c);
    else
      tl_buf_fmt(out, "%%%02X", c);
  }
}

static bool is_called (const tl_buf *name, const char *other) {
  return tl_slice_eq(tl_buf_bytes(name), tl_slice_str(other));
}

/* Does it say which range? */
static bool is_range (const tl_buf *name) {
  return is_called(name, "from") || is_called(name, "to") || is_called(name, "last");
}

static bool has_intervals (tl_slice query, tl_buf *name, tl_buf *value) {
  bool has = false;
  while (!has && tl_http_parameter(&query, name, value) == 1) has = is_called(name, "every");
  return has;
}

/* The same question for another range, relative to this one. The range is of moments: without
** intervals a zone means nothing to it, and is refused. */
static void add_link (request *r, int64_t from_ms, int64_t to_ms, tl_buf *out) {
  tl_slice query = tl_http_query(tl_buf_bytes(&r->target));
  tl_buf name, value;
  tl_buf_init(&name);
  tl_buf_init(&value);
  bool zoned = has_intervals(query, &name, &value);
  tl_buf_fmt(out, "</api/v1/history?from=%.3f&to=%.3f", (double)from_ms / 1000,
             (double)to_ms / 1000);
  for (tl_slice at = query; tl_http_parameter(&query, &name, &value) == 1; at = query) {
    if (is_range(&name) || (!zoned && is_called(&name, "zone"))) continue;
    tl_slice one = tl_slice_of(at.at, at.len - query.len);
    while (one.len > 0 && one.at[0] == '&') one = tl_slice_of(one.at + 1, one.len - 1);
    while (one.len > 0 && one.at[one.len - 1] == '&') one.len--;
    tl_buf_byte(out, '&');
    add_escaped(out, one);
  }
  tl_buf_str(out, ">; rel=\"next\"");
  tl_buf_byte(out, '\0');
  tl_buf_fini(&name);
  tl_buf_fini(&value);
}

void tl_web_tell_left (request *r, const char *noted) {
  long long left, from_ms, to_ms;
  char count[24];
  tl_buf link;
  if (sscanf(noted, "%lld %lld %lld", &left, &from_ms, &to_ms) != 3 || left <= 0) return;
  snprintf(count, sizeof count, "%lld", left);
  tl_web_header(r, "X-Tagline-Left-Out", count);
  tl_buf_init(&link);
  add_link(r, from_ms, to_ms, &link);
  if (!link.failed) tl_web_header(r, "Link", (const char *)link.at);
  tl_buf_fini(&link);
}
