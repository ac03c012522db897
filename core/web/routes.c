/* core/web/routes.c — what each path leads to. */
#include <stdlib.h>

#include "base/text.h"
#include "web/web_impl.h"

static const char api[] = "/api/v1/";

static bool begins (const char *path, const char *head) {
  return strncmp(path, head, strlen(head)) == 0;
}

/* --- answers of Lua --- */

static void ask_text (request *r, const char *code, unsigned failed) {
  tl_buf text;
  tl_buf_init(&text);
  tl_buf_str(&text, code);
  tl_web_ask(r, &text, failed);
}

static void add_argument (tl_buf *code, const tl_buf *text) {
  tl_web_quote_lua(code, tl_slice_of(text->at, text->len - 1));
}

static void messages (request *r) {
  tl_buf match, code;
  uint64_t limit = 100;
  tl_buf_init(&match);
  tl_buf_init(&code);
  int has = tl_web_parameter(r, "match", &match);
  if (has >= 0 && tl_web_count_parameter(r, "limit", 10000, &limit) >= 0) {
    tl_buf_str(&code, "messages(");
    if (has)
      add_argument(&code, &match);
    else
      tl_buf_str(&code, "nil");
    tl_buf_fmt(&code, ",%llu)", (unsigned long long)limit);
    tl_web_ask(r, &code, 400);
  }
  tl_buf_fini(&match);
  tl_buf_fini(&code);
}

static bool is_tag (request *r, const tl_buf *name) {
  if (tl_model_tag(tl_gateway_model(r->web->gateway), tl_slice_of(name->at, name->len - 1)))
    return true;
  tl_web_fail(r, 404, "there is no tag '%.200s'", (const char *)name->at);
  return false;
}

static void explain (request *r) {
  tl_buf tag, topic, payload, code;
  tl_buf_init(&tag);
  tl_buf_init(&topic);
  tl_buf_init(&payload);
  tl_buf_init(&code);
  int has_tag = tl_web_parameter(r, "tag", &tag);
  int has_topic = has_tag < 0 ? -1 : tl_web_parameter(r, "topic", &topic);
  int has_payload = has_topic < 0 ? -1 : tl_web_parameter(r, "payload", &payload);
  if (has_payload >= 0 && has_tag == has_topic) {
    tl_web_fail(r, 400, "expected ?tag=NAME, or ?topic=TOPIC&payload=PAYLOAD");
  } else if (has_payload >= 0 && has_tag && is_tag(r, &tag)) {
    tl_buf_str(&code, "explain(tags[");
    add_argument(&code, &tag);
    tl_buf_str(&code, "])");
    tl_web_ask(r, &code, 400);
  } else if (has_payload >= 0 && !has_tag) {
    tl_buf_str(&code, "explain(");
    add_argument(&code, &topic);
    if (has_payload) tl_buf_byte(&code, ',');
    if (has_payload) add_argument(&code, &payload);
    tl_buf_byte(&code, ')');
    tl_web_ask(r, &code, 400);
  }
  tl_buf_fini(&tag);
  tl_buf_fini(&topic);
  tl_buf_fini(&payload);
  tl_buf_fini(&code);
}

/* --- the table --- */

static void status (request *r) { ask_text(r, "status()", 500); }
static void lines (request *r) { ask_text(r, "lines", 500); }
static void stations (request *r) { ask_text(r, "stations", 500); }

static void index_of (request *r) {
  tl_buf out;
  tl_buf_init(&out);
  tl_buf_fmt(&out,
             "{\"version\":\"%s\",\"write\":%s,\"history\":%s,\"endpoints\":[\"status\",\"lines\","
             "\"stations\",\"tags\",\"tags/NAME\",\"messages\",\"explain\",\"history\",\"events\"]"
             "}\n",
             TAGLINE_VERSION, r->web->set.write ? "true" : "false",
             r->web->outlets && r->web->outlets->history(r->web->outlets->ctx) ? "true" : "false");
  tl_web_answer(r, 200, TL_WEB_JSON, &out);
}

typedef struct {
  const char *path;
  void (*get)(request *r);
} route;

static const route routes[] = {
  { "", index_of },         { "status", status },        { "lines", lines },
  { "stations", stations }, { "tags", tl_web_tags },     { "messages", messages },
  { "explain", explain },   { "events", tl_web_events },
};

static void refuse_method (request *r, const char *allowed) {
  tl_web_fail(r, 405, "expected %s, got %.20s", allowed, r->method);
  tl_web_header(r, "Allow", allowed);
}

static void tag (request *r, const char *name) {
  if (tl_web_is_get(r)) {
    tl_web_tag(r, name);
  } else if (strcmp(r->method, "POST") != 0) {
    refuse_method(r, "GET, HEAD, POST");
  } else if (tl_web_may_change(r)) {
    tl_web_fail(r, 403, "writing is off: write = true in http { … } allows it");
  }
}

static void route_api (request *r, const char *path) {
  if (begins(path, "tags/")) {
    tag(r, path + 5);
    return;
  }
  for (size_t i = 0; i < sizeof routes / sizeof routes[0]; i++) {
    if (strcmp(path, routes[i].path) != 0) continue;
    if (tl_web_is_get(r))
      routes[i].get(r);
    else
      refuse_method(r, "GET, HEAD");
    return;
  }
  tl_web_fail(r, 404, "there is no /api/v1/%.200s", path);
}

static void route_others (request *r, const char *path) {
  if (!tl_web_is_get(r))
    refuse_method(r, "GET, HEAD");
  else if (strcmp(path, "/") == 0)
    tl_web_page(r, "index.html");
  else if (begins(path, "/page/"))
    tl_web_page(r, path + 6);
  else
    tl_web_fail(r, 404, "there is no %.200s", path);
}

void tl_web_route (request *r) {
  const char *path = (const char *)r->path.at;
  if (!tl_web_may(r)) return;
  if (strcmp(path, "/healthz") == 0)
    tl_web_is_get(r) ? tl_web_healthz(r) : refuse_method(r, "GET, HEAD");
  else if (strcmp(path, "/readyz") == 0)
    tl_web_is_get(r) ? tl_web_readyz(r) : refuse_method(r, "GET, HEAD");
  else if (begins(path, api))
    route_api(r, path + sizeof api - 1);
  else
    route_others(r, path);
}
