/* core/web/routes.c — what each path leads to. */
#include <stdlib.h>

#include "web/web_impl.h"

static const char api[] = "/api/v1/";

static bool begins (const char *path, const char *head) {
  return strncmp(path, head, strlen(head)) == 0;
}

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
  const char *parameters; /* that it takes, with a blank between them */
} route;

static const route routes[] = {
  { "", index_of, "" },
  { "status", tl_web_status, "" },
  { "lines", tl_web_lines, "" },
  { "stations", tl_web_stations, "match limit after" },
  { "tags", tl_web_tags, "match limit after" },
  { "messages", tl_web_messages, "match limit" },
  { "explain", tl_web_explain, "tag topic payload" },
  { "history", tl_web_history, "tag from to last every as zone limit format" },
  { "events", tl_web_events, "match" },
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
  } else {
    tl_web_write(r, name);
  }
}

static void route_api (request *r, const char *path) {
  if (begins(path, "tags/")) {
    if (tl_web_query_is_known(r, "")) tag(r, path + 5);
    return;
  }
  for (size_t i = 0; i < sizeof routes / sizeof routes[0]; i++) {
    if (strcmp(path, routes[i].path) != 0) continue;
    if (!tl_web_is_get(r))
      refuse_method(r, "GET, HEAD");
    else if (tl_web_query_is_known(r, routes[i].parameters))
      routes[i].get(r);
    return;
  }
  tl_web_fail(r, 404, "there is no /api/v1/%.200s", path);
}

static void route_others (request *r, const char *path) {
  if (!tl_web_is_get(r))
    refuse_method(r, "GET, HEAD");
  else if (strcmp(path, "/") == 0)
    tl_web_page(r, "index.html", 200);
  else if (begins(path, "/page/"))
    tl_web_page(r, path + 6, 200);
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
  else if (strcmp(path, "/metrics") == 0)
    tl_web_is_get(r) ? tl_web_metrics(r) : refuse_method(r, "GET, HEAD");
  else if (strcmp(path, "/login") == 0)
    tl_web_login(r);
  else if (begins(path, api))
    route_api(r, path + sizeof api - 1);
  else
    route_others(r, path);
}
