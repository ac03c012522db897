/* core/web/write.c — writing a tag by HTTP: {"value": 5}, the strict rules of tag:write(), the log
** with who it was, and an answer when the write is done. */
#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"
#include "http/answer.h"
#include "payload/convert.h"
#include "web/body.h"
#include "web/web_impl.h"

typedef struct write_job {
  request *r; /* NULL: its client has gone */
  char line[256];
  tl_buf what; /* "write boiler.setpoint = 5", NUL-terminated */
  char peer[80];
} write_job;

/* --- the write --- */

static void drop_job (write_job *j) {
  tl_buf_fini(&j->what);
  free(j);
}

static void log_job (const write_job *j, const char *how, const char *why) {
  const char *peer = j->peer[0] != '\0' ? j->peer : "a Unix socket",
             *what = (const char *)j->what.at;
  if (!how)
    tl_log(TL_LOG_INFO, j->line, "HTTP from %s: %s", peer, what);
  else
    tl_log(TL_LOG_WARN, j->line, "HTTP from %s: %s %s: %s", peer, how, what, why);
}

static void on_done (void *ctx, int result, const char *why) {
  write_job *j = ctx;
  request *r = j->r;
  if (result != TL_OK) log_job(j, "failed:", why);
  if (r) {
    r->write = NULL;
    if (result == TL_OK)
      tl_web_answer_text(r, 200, TL_WEB_JSON, "{\"ok\":true}\n");
    else
      tl_web_fail(r, 409, "%s", why);
  }
  drop_job(j);
}

static write_job *new_job (request *r, const tl_tag *t, const tl_value *v) {
  const tl_tagdef *d = tl_tag_def(t);
  write_job *j = calloc(1, sizeof *j);
  if (!j) return NULL;
  j->r = r;
  snprintf(j->line, sizeof j->line, "%s", t->station->line->name);
  snprintf(j->peer, sizeof j->peer, "%s", tl_front_peer(r->web->front, tl_web_fd(r)));
  tl_buf_fmt(&j->what, "write %s.%s = ", t->station->name, d->name);
  if (d->type == TL_TXTO) {
    tl_buf_add(&j->what, v->text.at, v->text.len < 80 ? v->text.len : 80);
    if (v->text.len > 80) tl_buf_fmt(&j->what, "… (%zu bytes)", v->text.len);
  } else {
    tl_convert_publish(d->type, v, &t->station->plan->rule, &j->what);
  }
  tl_buf_byte(&j->what, '\0');
  if (!j->what.failed) return j;
  drop_job(j);
  return NULL;
}

static unsigned status_of (int code) {
  switch (code) {
    case TL_ETYPE:
    case TL_ERANGE:
    case TL_ETOOBIG:
    case TL_EMALFORMED:
    case TL_ESYNTAX: return 422;
    case TL_ENOMEM: return 500;
    default: return 409;
  }
}

static void start (request *r, tl_tag *t, const tl_value *v) {
  tl_err err = { .text = "" };
  write_job *j = new_job(r, t, v);
  if (!j) {
    tl_web_fail(r, 500, "no memory");
    return;
  }
  r->write = j;
  int rc = tl_gateway_write(r->web->gateway, t, v, on_done, j, &err);
  log_job(j, rc < 0 ? "refused:" : NULL, err.text);
  if (rc == TL_OK) return;
  r->write = NULL;
  drop_job(j);
  tl_web_fail(r, status_of(rc), "%s", err.text);
}

static void write_tag (request *r, tl_tag *t) {
  const tl_tagdef *d = tl_tag_def(t);
  tl_json_value given;
  tl_json_error e;
  tl_value v;
  tl_buf text;
  const char *expected;
  if (!tl_type_is_output(d->type)) {
    tl_web_fail(r, 422, "'%s' is an input (%s): only output tags are written", d->name,
                tl_type_name(d->type));
    return;
  }
  int rc = tl_body_read(tl_buf_bytes(&r->body), &given, &e);
  if (rc == TL_ESYNTAX) {
    tl_web_fail(r, 400, "the body is not JSON: byte %zu: expected %s", e.at, e.expected);
  } else if (rc < 0) {
    tl_web_fail(r, 422, "expected {\"value\": …} and nothing else");
  } else {
    tl_buf_init(&text);
    if (tl_body_value(d->type, &given, &text, &v, &expected))
      start(r, t, &v);
    else
      tl_web_fail(r, 422, "%s (%s): expected %s, got %.*s%s", d->name, tl_type_name(d->type),
                  expected, (int)(given.raw.len < 60 ? given.raw.len : 60),
                  (const char *)given.raw.at, given.type == TL_JSON_STRING ? " (a text)" : "");
    tl_buf_fini(&text);
  }
}

void tl_web_write (request *r, const char *name) {
  tl_tag *t = tl_model_tag(tl_gateway_model(r->web->gateway), tl_slice_str(name));
  const char *type = tl_web_field(r, "Content-Type");
  if (!tl_web_may_change(r)) return;
  if (!r->web->set.write)
    tl_web_fail(r, 403, "writing is off: write = true in http { … } allows it");
  else if (!type || !tl_http_same(tl_slice_of(type, strcspn(type, "; ")), "application/json"))
    tl_web_fail(r, 415, "expected Content-Type: application/json");
  else if (!t)
    tl_web_fail(r, 404, "there is no tag '%.200s'", name);
  else
    write_tag(r, t);
}

void tl_web_write_forget (request *r) {
  if (r->write) r->write->r = NULL;
  r->write = NULL;
}
