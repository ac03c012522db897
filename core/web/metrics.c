/* core/web/metrics.c — GET /metrics: the page, made in slices when somebody asks. */
#include <stdlib.h>

#include "base/pattern.h"
#include "web/list.h"
#include "web/metrics_impl.h"

/* --- values of tags, in slices --- */

typedef struct {
  tl_web *web;
  request *r;
  tl_facts facts;
  tl_buf out;
  size_t given;
  tl_metrics text;
  tl_tag_walk walk;
  unsigned family; /* number of the next one */
  bool gathered, ended;
} scrape;

static bool is_numeric (tl_type type) {
  return type == TL_AI || type == TL_AO || type == TL_CI || type == TL_CO || type == TL_DI ||
         type == TL_DO || type == TL_QI;
}

static bool wanted (const tl_web *w, const tl_tag *t, char name[TL_WEB_NAME]) {
  const char *at = (const char *)w->set.values.at, *end = at + w->set.values.len;
  if (t->status != TL_VALID || !is_numeric(tl_tag_def(t)->type) || tl_web_name(t, name) == 0)
    return false;
  for (; at < end; at += strlen(at) + 1)
    if (tl_glob_match(at, name)) return true;
  return false;
}

static void add_value (tl_metrics *m, const tl_tag *t, const char *name) {
  const tl_tagdef *d = tl_tag_def(t);
  tl_metric_sample(m);
  tl_metric_label(m, "tag", tl_slice_str(name));
  tl_metric_label(m, "unit", tl_slice_str(d->unit ? d->unit : ""));
  if (d->type == TL_AI || d->type == TL_AO)
    tl_metric_number(m, t->value.number);
  else if (d->type == TL_DI || d->type == TL_DO)
    tl_metric_integer(m, t->value.boolean);
  else
    tl_metric_integer(m, t->value.integer);
}

static void add_some_values (scrape *s) {
  char name[TL_WEB_NAME];
  int steps = TL_LIST_SLICE;
  const tl_model *m = tl_gateway_model(s->web->gateway);
  while (!s->ended && s->out.len < TL_LIST_BLOCK) {
    const tl_tag *t = s->web->set.values.len > 0 ? tl_tag_walk_next(&s->walk, m, &steps) : NULL;
    if (t) {
      if (wanted(s->web, t, name)) add_value(&s->text, t, name);
    } else if (s->walk.done || s->web->set.values.len == 0) {
      tl_metrics_end(&s->text);
      s->ended = true;
    } else {
      break;
    }
  }
}

/* --- the page --- */

/* Nothing was sent yet: what a reload changed is gathered anew. */
static void begin_again (scrape *s) {
  tl_buf_clear(&s->out);
  s->family = 0;
  s->gathered = false;
}

static void add_family (scrape *s) {
  tl_metrics_page p = { &s->text, s->web, s->facts.lines, s->facts.count };
  if (!tl_facts_hold(&s->facts, s->web)) {
    begin_again(s);
    return;
  }
  tl_metrics_add_family(&p, s->family++);
  if (s->family < TL_METRICS_FAMILIES) return;
  tl_facts_fini(&s->facts);
  if (s->web->set.values.len > 0)
    tl_metric_begin(&s->text, "tagline_tag_value", TL_GAUGE, "Valid values of tags.");
}

/* A slice of the work; it need not give text yet. */
static void step (scrape *s) {
  if (s->family == TL_METRICS_FAMILIES) {
    add_some_values(s);
  } else if (s->gathered) {
    add_family(s);
  } else {
    int rc = tl_facts_gather(&s->facts, s->web, tl_share_is_used);
    if (rc < 0) s->out.failed = true;
    s->gathered = rc > 0;
  }
}

static bool has_text (const scrape *s) {
  return s->family == TL_METRICS_FAMILIES && s->given < s->out.len;
}

static ssize_t on_read (void *ctx, uint64_t at, char *room, size_t max) {
  scrape *s = ctx;
  (void)at;
  if (s->given == s->out.len && s->family == TL_METRICS_FAMILIES) {
    tl_buf_clear(&s->out);
    s->given = 0;
  }
  while (!has_text(s) && !s->ended && !s->out.failed && !tl_share_is_used(s->web)) step(s);
  if (s->out.failed) return MHD_CONTENT_READER_END_WITH_ERROR;
  if (!has_text(s)) {
    if (s->ended) return MHD_CONTENT_READER_END_OF_STREAM;
    tl_share_wait(s->r);
    return 0;
  }
  size_t n = s->out.len - s->given < max ? s->out.len - s->given : max;
  memcpy(room, s->out.at + s->given, n);
  s->given += n;
  return (ssize_t)n;
}

static void drop_scrape (void *ctx) {
  scrape *s = ctx;
  tl_facts_fini(&s->facts);
  tl_buf_fini(&s->out);
  free(s);
}

void tl_web_metrics (request *r) {
  static const char open[] = "application/openmetrics-text; version=1.0.0; charset=utf-8";
  static const char plain[] = "text/plain; version=0.0.4; charset=utf-8";
  scrape *s = calloc(1, sizeof *s);
  struct MHD_Response *response = NULL;
  if (s) {
    s->web = r->web;
    s->r = r;
    s->text =
        (tl_metrics){ .out = &s->out, .open = tl_metrics_wants_open(tl_web_field(r, "Accept")) };
    response =
        MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, TL_LIST_BLOCK, on_read, s, drop_scrape);
  }
  const char *type = s && s->text.open ? open : plain;
  if (!response && s) drop_scrape(s);
  tl_web_respond(r, 200, response);
  tl_web_header(r, "Content-Type", type);
  tl_web_header(r, "Cache-Control", "no-store");
}
