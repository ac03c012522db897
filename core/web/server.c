/* core/web/server.c — libmicrohttpd on our loop: requests in, answers out. It has no socket that
** listens and no thread: connections come from front.c, its epoll descriptor is watched, and what
** it waits for is a timer. Must not know what is asked for. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"
#include "base/json_write.h"
#include "base/visible.h"
#include "web/web_impl.h"

enum {
  IDLE_SECONDS = 30,
  MEMORY = 32 * 1024,
  DESCRIPTORS = 900 /* of connections and their pairs, and of all else that is open */
};

/* --- an answer --- */

static const char policy[] =
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

void tl_web_header (request *r, const char *name, const char *value) {
  if (r->response) MHD_add_response_header(r->response, name, value);
}

static void wake (request *r) {
  if (!r->suspended) return;
  r->suspended = false;
  MHD_resume_connection(r->mhd);
  tl_web_run_soon(r->web);
}

void tl_web_respond (request *r, unsigned status, struct MHD_Response *response) {
  if (!response) {
    static const char text[] = "{\"error\":\"no memory\"}\n";
    status = 500;
    response = MHD_create_response_from_buffer(sizeof text - 1, (void *)(uintptr_t)text,
                                               MHD_RESPMEM_PERSISTENT);
  }
  r->status = status;
  r->response = response;
  r->lost = !response;
  r->check_at = 0;
  /* the library sends the end of a body in chunks for HEAD, too, which has none */
  if (response && strcmp(r->method, "HEAD") == 0)
    MHD_set_response_options(response, MHD_RF_HTTP_1_0_COMPATIBLE_STRICT, MHD_RO_END);
  tl_web_header(r, "Content-Security-Policy", policy);
  tl_web_header(r, "X-Content-Type-Options", "nosniff");
  tl_web_header(r, "Referrer-Policy", "same-origin");
  tl_web_header(r, "Cross-Origin-Resource-Policy", "same-origin");
  tl_web_header(r, "X-Frame-Options", "DENY");
  wake(r);
}

void tl_web_answer (request *r, unsigned status, const char *type, tl_buf *text) {
  struct MHD_Response *response = NULL;
  if (!text->failed && text->at)
    response = MHD_create_response_from_buffer(text->len, text->at, MHD_RESPMEM_MUST_FREE);
  else if (!text->failed)
    response = MHD_create_response_from_buffer(0, (void *)(uintptr_t) "", MHD_RESPMEM_PERSISTENT);
  if (response)
    tl_buf_init(text); /* the bytes are the response's now */
  else
    tl_buf_fini(text);
  if (response) {
    MHD_add_response_header(response, "Content-Type", type);
    MHD_add_response_header(response, "Cache-Control", "no-store");
  }
  tl_web_respond(r, status, response);
}

void tl_web_answer_text (request *r, unsigned status, const char *type, const char *text) {
  tl_buf copy;
  tl_buf_init(&copy);
  tl_buf_str(&copy, text);
  tl_web_answer(r, status, type, &copy);
}

void tl_web_fail (request *r, unsigned status, const char *fmt, ...) {
  char text[512];
  tl_buf out, plain;
  va_list args;
  va_start(args, fmt);
  vsnprintf(text, sizeof text, fmt, args);
  va_end(args);
  tl_buf_init(&out);
  tl_buf_init(&plain);
  tl_visible(&plain, tl_slice_str(text), true);
  tl_member_open(&out, NULL, '{');
  tl_member_text(&out, "error", tl_buf_bytes(&plain));
  tl_buf_str(&out, "}\n");
  out.failed = out.failed || plain.failed;
  tl_buf_fini(&plain);
  tl_web_answer(r, status, TL_WEB_JSON, &out);
}

/* --- what was asked --- */

const char *tl_web_field (request *r, const char *name) {
  return MHD_lookup_connection_value(r->mhd, MHD_HEADER_KIND, name);
}

int tl_web_fd (request *r) {
  const union MHD_ConnectionInfo *info =
      MHD_get_connection_info(r->mhd, MHD_CONNECTION_INFO_CONNECTION_FD);
  return info ? info->connect_fd : -1;
}

bool tl_web_is_get (const request *r) {
  return strcmp(r->method, "GET") == 0 || strcmp(r->method, "HEAD") == 0;
}

int tl_web_parameter (request *r, const char *name, tl_buf *out) {
  tl_slice query = tl_http_query(tl_buf_bytes(&r->target));
  tl_buf key;
  int rc, found = 0;
  tl_buf_init(&key);
  while (!found && (rc = tl_http_parameter(&query, &key, out)) != 0) {
    if (rc < 0) {
      tl_web_fail(r, 500, "no memory"); /* all were read before */
      found = -1;
    } else if (tl_slice_eq(tl_buf_bytes(&key), tl_slice_str(name))) {
      tl_buf_byte(out, '\0');
      found = out->failed ? -1 : 1;
      if (out->failed) tl_web_fail(r, 500, "no memory");
    }
  }
  tl_buf_fini(&key);
  if (found <= 0) tl_buf_clear(out); /* it holds the last one that has another name */
  return found;
}

/* Is it one of the words of `names`? */
static bool is_named (const char *names, tl_slice name) {
  for (size_t n; *names != '\0'; names += n + (names[n] == ' ')) {
    n = strcspn(names, " ");
    if (tl_slice_eq(name, tl_slice_of(names, n))) return true;
  }
  return false;
}

/* One that is not known, or was there before, would be left out without a word. `rest`: the query
** behind it. */
static bool is_known_once (request *r, const char *names, tl_slice name, tl_slice rest) {
  tl_buf other, value;
  bool again = false;
  int rc = 0;
  if (!is_named(names, name)) {
    tl_web_fail(r, 400, "there is no parameter '%.*s' here; expected %s",
                TL_ARG(tl_slice_of(name.at, name.len < 60 ? name.len : 60)),
                names[0] != '\0' ? names : "none");
    return false;
  }
  tl_buf_init(&other);
  tl_buf_init(&value);
  while (!again && (rc = tl_http_parameter(&rest, &other, &value)) == 1)
    again = tl_slice_eq(tl_buf_bytes(&other), name);
  tl_buf_fini(&other);
  tl_buf_fini(&value);
  if (again)
    tl_web_fail(r, 400, "%.*s: is given twice", TL_ARG(name));
  else if (rc == TL_ENOMEM)
    tl_web_fail(r, 500, "no memory");
  return !again && rc != TL_ENOMEM;
}

bool tl_web_query_is_known (request *r, const char *names) {
  tl_slice query = tl_http_query(tl_buf_bytes(&r->target));
  tl_buf name, value;
  int rc = 0;
  tl_buf_init(&name);
  tl_buf_init(&value);
  while (!r->response && (rc = tl_http_parameter(&query, &name, &value)) == 1)
    if (!is_known_once(r, names, tl_buf_bytes(&name), query)) break;
  if (rc == TL_ESYNTAX)
    tl_web_fail(r, 400, "a parameter cannot be read: expected %%XX for bytes, and UTF-8");
  else if (rc < 0)
    tl_web_fail(r, 500, "no memory");
  tl_buf_fini(&name);
  tl_buf_fini(&value);
  return rc == 0;
}

int tl_web_count_parameter (request *r, const char *name, uint64_t most, uint64_t *out) {
  tl_buf text;
  uint64_t n = 0;
  tl_buf_init(&text);
  int rc = tl_web_parameter(r, name, &text);
  for (size_t i = 0; rc > 0 && i + 1 < text.len; i++) {
    uint8_t c = text.at[i];
    if (c < '0' || c > '9' || n > most) rc = -1;
    n = n * 10 + (uint64_t)(c - '0');
  }
  if (rc > 0 && (n == 0 || n > most || text.len == 1)) rc = -1;
  if (rc < 0 && !r->response)
    tl_web_fail(r, 400, "%s: expected a whole number from 1 to %llu, got '%.40s'", name,
                (unsigned long long)most, (const char *)text.at);
  tl_buf_fini(&text);
  if (rc > 0) *out = n;
  return rc;
}

/* --- libmicrohttpd's calls --- */

static void *on_uri (void *cls, const char *uri, struct MHD_Connection *mhd) {
  request *r = calloc(1, sizeof *r);
  if (!r) return NULL;
  r->web = cls;
  r->mhd = mhd;
  tl_buf_init(&r->target);
  tl_buf_init(&r->path);
  tl_buf_init(&r->body);
  tl_buf_str(&r->target, uri);
  r->next = r->web->requests;
  r->web->requests = r;
  return r;
}

static void dispatch (request *r) {
  int rc = r->target.failed || r->body.failed ? TL_ENOMEM
                                              : tl_http_path(tl_buf_bytes(&r->target), &r->path);
  tl_buf_byte(&r->path, '\0');
  if (rc == TL_ESYNTAX)
    tl_web_fail(r, 400, "the path cannot be read: expected %%XX for bytes, and UTF-8");
  else if (rc < 0 || r->path.failed)
    tl_web_fail(r, 500, "no memory");
  else
    tl_web_route(r);
}

static enum MHD_Result give (request *r) {
  struct MHD_Response *response = r->response;
  r->response = NULL;
  enum MHD_Result rc = MHD_queue_response(r->mhd, r->status, response);
  MHD_destroy_response(response);
  return rc;
}

static enum MHD_Result on_request (void *cls, struct MHD_Connection *mhd, const char *url,
                                   const char *method, const char *version, const char *data,
                                   size_t *size, void **context) {
  request *r = *context;
  (void)cls;
  (void)mhd;
  (void)url;
  (void)version;
  if (!r) return MHD_NO;
  if (!r->begun) {
    r->begun = true;
    r->method = method;
    return MHD_YES;
  }
  if (*size > 0) {
    tl_buf_add(&r->body, data, *size); /* front.c lets no more than 64 KB through */
    *size = 0;
    return MHD_YES;
  }
  if (!r->response && !r->lost && tl_share_is_used(r->web)) {
    tl_share_wait(r);
    return MHD_YES;
  }
  if (!r->response && !r->lost) dispatch(r);
  if (r->lost) return MHD_NO;
  if (r->response) return give(r);
  r->suspended = true;
  MHD_suspend_connection(r->mhd);
  return MHD_YES;
}

static void on_completed (void *cls, struct MHD_Connection *mhd, void **context,
                          enum MHD_RequestTerminationCode code) {
  tl_web *w = cls;
  request *r = *context;
  (void)mhd;
  (void)code;
  if (!r) return;
  request **at = &w->requests;
  while (*at != r) at = &(*at)->next;
  *at = r->next;
  tl_front_answered(w->front, tl_web_fd(r));
  tl_share_forget(r);
  tl_web_ask_forget(r);
  tl_web_write_forget(r);
  if (r->response) MHD_destroy_response(r->response);
  tl_buf_fini(&r->target);
  tl_buf_fini(&r->path);
  tl_buf_fini(&r->body);
  free(r);
  *context = NULL;
}

static void on_log (void *cls, const char *fmt, va_list args) {
  char text[300];
  (void)cls;
  if (!tl_log_on(TL_LOG_DEBUG)) return;
  vsnprintf(text, sizeof text, fmt, args);
  text[strcspn(text, "\n")] = '\0';
  tl_log(TL_LOG_DEBUG, "http", "%s", text);
}

/* --- on the loop --- */

static void on_timer (void *ctx) { tl_web_run_soon(ctx); }

static void on_ready (void *ctx, int events) {
  tl_web *w = ctx;
  (void)events;
  tl_poll_for(w->poll, TL_POLL_READ);
  tl_web_run_soon(w);
}

static bool on_serve (void *ctx, int fd) {
  tl_web *w = ctx;
  struct sockaddr nobody = { .sa_family = AF_UNIX };
  if (MHD_add_connection(w->mhd, fd, &nobody, sizeof nobody) != MHD_YES) return false;
  tl_web_run_soon(w);
  return true;
}

static void on_gone (void *ctx) {
  tl_web *w = ctx;
  tl_feed_poke(w->feed);
  for (request *r = w->requests; r; r = r->next)
    if (r->suspended && !r->response && !tl_front_has(w->front, tl_web_fd(r)))
      tl_web_fail(r, 500, "the client has gone");
}

static void on_rests (void *ctx) { tl_web_run_soon(ctx); }

static const tl_front_events front_events = { on_serve, on_gone, on_rests };

int tl_web_serve (tl_web *w) {
  tl_poll_reserve(w->loop, DESCRIPTORS);
  w->mhd = MHD_start_daemon(
      MHD_USE_EPOLL | MHD_USE_NO_LISTEN_SOCKET | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ERROR_LOG, 0,
      NULL, NULL, on_request, w, MHD_OPTION_EXTERNAL_LOGGER, on_log, NULL,
      MHD_OPTION_URI_LOG_CALLBACK, on_uri, w, MHD_OPTION_NOTIFY_COMPLETED, on_completed, w,
      MHD_OPTION_CONNECTION_LIMIT, 4u * TL_FRONT_CONNECTIONS, MHD_OPTION_CONNECTION_TIMEOUT,
      (unsigned)IDLE_SECONDS, MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)MEMORY,
      MHD_OPTION_STRICT_FOR_CLIENT, 1, MHD_OPTION_END);
  if (!w->mhd) return TL_ENOMEM;
  const union MHD_DaemonInfo *info = MHD_get_daemon_info(w->mhd, MHD_DAEMON_INFO_EPOLL_FD);
  int rc = info ? tl_poll_new(&w->poll, w->loop, info->epoll_fd, on_ready, w) : TL_ESTATE;
  if (rc == TL_OK) rc = tl_timer_new(&w->timer, w->loop, on_timer, w);
  if (rc == TL_OK) rc = tl_timer_new(&w->tokens.checks, w->loop, tl_web_check_due, w);
  if (rc == TL_OK) rc = tl_front_new(&w->front, w->loop, &front_events, w);
  if (rc == TL_OK) rc = tl_feed_new(&w->feed, w);
  if (rc < 0) {
    tl_web_stop(w);
    return rc;
  }
  tl_poll_for(w->poll, TL_POLL_READ);
  tl_loop_time_turns(w->loop, true);
  return TL_OK;
}

/* libmicrohttpd wants nobody suspended when it ends. */
static void resume_all (tl_web *w) {
  for (request *r = w->requests; r; r = r->next) {
    tl_web_ask_forget(r);
    wake(r);
  }
}

void tl_web_stop (tl_web *w) {
  tl_front *front = w->front;
  tl_loop_time_turns(w->loop, false);
  tl_poll_close(w->poll);
  w->poll = NULL; /* nothing runs any more */
  tl_feed_end(w->feed);
  tl_share_end(w);
  resume_all(w);
  tl_timer_close(w->timer);
  tl_timer_close(w->tokens.checks);
  if (w->mhd) MHD_stop_daemon(w->mhd);
  tl_feed_free(w->feed);
  w->feed = NULL;
  w->mhd = NULL;
  w->timer = w->tokens.checks = NULL;
  w->front = NULL;
  tl_front_close(front);
}
