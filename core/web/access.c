/* core/web/access.c — who may ask: the Host, the token, the cookie of a login, the Origin. Secrets
** are compared in a time that tells nothing of them. */
#include <sha2.h>

#include "base/log.h"
#include "http/answer.h"
#include "web/web_impl.h"

enum { COOKIE_SECONDS = 30 * 86400, SAID_MS = 10000, HASH_BLOCK = 64 };

/* --- secrets --- */

/* In a time that depends on the lengths only. */
static bool is_same (tl_slice a, tl_slice b) {
  uint8_t differs = a.len != b.len;
  for (size_t i = 0; i < a.len; i++) differs |= a.at[i] ^ (i < b.len ? b.at[i] : 0);
  return differs == 0;
}

/* HMAC-SHA-256 (RFC 2104) of a text, in hex. */
static void add_hmac (tl_buf *out, tl_slice key, tl_slice text) {
  uint8_t pad[HASH_BLOCK] = { 0 }, digest[SHA256_DIGEST_LENGTH];
  SHA2_CTX ctx;
  if (key.len > sizeof pad) {
    SHA256Init(&ctx);
    SHA256Update(&ctx, key.at, key.len);
    SHA256Final(pad, &ctx);
  } else {
    memcpy(pad, key.at, key.len);
  }
  for (int i = 0; i < HASH_BLOCK; i++) pad[i] ^= 0x36;
  SHA256Init(&ctx);
  SHA256Update(&ctx, pad, sizeof pad);
  SHA256Update(&ctx, text.at, text.len);
  SHA256Final(digest, &ctx);
  for (int i = 0; i < HASH_BLOCK; i++) pad[i] ^= 0x36 ^ 0x5c;
  SHA256Init(&ctx);
  SHA256Update(&ctx, pad, sizeof pad);
  SHA256Update(&ctx, digest, sizeof digest);
  SHA256Final(digest, &ctx);
  for (size_t i = 0; i < sizeof digest; i++) tl_buf_fmt(out, "%02x", digest[i]);
}

static tl_slice token_of (const web_settings *s) {
  return tl_slice_of(s->token.at, s->token.len > 0 ? s->token.len - 1 : 0);
}

/* Made of the token, so that it outlives the process and ends with the token. Browsers keep cookies
** by host, not by port: its name has the port. */
void tl_web_make_cookie (web_settings *s) {
  const char *where = (const char *)s->listen.at;
  const char *port = where && where[0] != '/' ? strrchr(where, ':') : NULL;
  tl_buf_fmt(&s->cookie_name, "tagline%s%s", port ? "-" : "", port ? port + 1 : "");
  tl_buf_byte(&s->cookie_name, '\0');
  add_hmac(&s->cookie, token_of(s), TL_LIT("tagline's page"));
  tl_buf_byte(&s->cookie, '\0');
}

/* What stands behind "Bearer"; NULL: nothing does. */
static const char *bearer_of (request *r) {
  static const char scheme[] = "bearer ";
  const char *field = tl_web_field(r, "Authorization");
  size_t n = sizeof scheme - 1;
  if (!field || strlen(field) < n || !tl_http_same(tl_slice_of(field, n), scheme)) return NULL;
  return field + n;
}

static bool has_cookie (request *r) {
  const web_settings *s = &r->web->set;
  const char *value =
      MHD_lookup_connection_value(r->mhd, MHD_COOKIE_KIND, (const char *)s->cookie_name.at);
  return value && is_same(tl_slice_str(value), tl_slice_of(s->cookie.at, s->cookie.len - 1));
}

/* --- guesses --- */

static void log_wrong (request *r, const char *what) {
  tl_web *w = r->web;
  int64_t now = tl_loop_now(w->loop);
  const char *peer = tl_front_peer(w->front, tl_web_fd(r));
  w->tokens.wrong++;
  if (tl_guesses_wrong(&w->tokens.guesses, peer, now, r->waited))
    tl_log(TL_LOG_WARN, "http",
           "%s: many wrong tokens: from this address they are checked one at a time",
           peer[0] != '\0' ? peer : "the socket");
  if (w->tokens.said_at != 0 && now - w->tokens.said_at < SAID_MS) return;
  w->tokens.said_at = now;
  tl_log(TL_LOG_WARN, "http", "%s: a %s with a wrong token (%u so far)", peer, what,
         w->tokens.wrong);
}

static int64_t must_wait (request *r) {
  tl_web *w = r->web;
  const char *peer = tl_front_peer(w->front, tl_web_fd(r));
  return r->waited ? 0 : tl_guesses_wait(&w->tokens.guesses, peer, tl_loop_now(w->loop));
}

/* Set the timer to the earliest check that is due. */
static void await_checks (tl_web *w) {
  int64_t next = INT64_MAX;
  for (const request *r = w->requests; r; r = r->next)
    if (r->check_at != 0 && !r->response && r->check_at < next) next = r->check_at;
  tl_timer_at(w->tokens.checks, next);
}

/* May the token of this request be checked now? False: the request waits for its turn. */
static bool may_check (request *r) {
  tl_web *w = r->web;
  int64_t ms = must_wait(r);
  if (ms == 0) return true;
  r->check_at = tl_loop_now(w->loop) + ms;
  r->waited = true;
  tl_front_waits(w->front, tl_web_fd(r), true);
  await_checks(w);
  return false;
}

/* A token was checked. */
static void note_token (request *r, bool right, const char *what) {
  tl_web *w = r->web;
  const char *peer = tl_front_peer(w->front, tl_web_fd(r));
  if (right)
    tl_guesses_right(&w->tokens.guesses, peer, tl_loop_now(w->loop));
  else
    log_wrong(r, what);
}

/* Answer 429 and close the connection if too many wrong tokens came from this address. True:
** answered. */
static bool refuse_flood (request *r) {
  tl_web *w = r->web;
  const char *peer = tl_front_peer(w->front, tl_web_fd(r));
  if (!tl_guesses_too_many(&w->tokens.guesses, peer, tl_loop_now(w->loop))) return false;
  tl_web_fail(r, 429, "too many wrong tokens came from this address: try again in some seconds");
  tl_web_header(r, "Retry-After", "5");
  tl_web_header(r, "Connection", "close");
  return true;
}

void tl_web_check_due (void *web) {
  tl_web *w = web;
  int64_t now = tl_loop_now(w->loop);
  for (request *r = w->requests; r; r = r->next) {
    if (r->check_at == 0 || r->response || r->check_at > now) continue;
    r->check_at = 0;
    tl_front_waits(w->front, tl_web_fd(r), false);
    tl_web_route(r);
  }
  await_checks(w);
}

/* --- each request --- */

bool tl_web_needs_token (const char *path) {
  static const char *const open[] = { "/healthz",       "/readyz",         "/login",
                                      "/page/login.js", "/page/style.css", "/page/icon.svg" };
  for (size_t i = 0; i < sizeof open / sizeof open[0]; i++)
    if (strcmp(path, open[i]) == 0) return false;
  return true;
}

static bool refuse_unknown (request *r) {
  if (bearer_of(r) && refuse_flood(r)) return false;
  if (tl_web_is_get(r) && strcmp((const char *)r->path.at, "/") == 0) {
    tl_web_answer_text(r, 303, TL_WEB_PLAIN, "");
    tl_web_header(r, "Location", "/login");
  } else {
    tl_web_fail(r, 401,
                bearer_of(r) ? "the token is wrong: it is not that of http { token = … }"
                             : "a token is needed: Authorization: Bearer TOKEN, or a login");
    tl_web_header(r, "WWW-Authenticate", "Bearer realm=\"tagline\"");
  }
  return false;
}

/* Find out whether the request has the right token (r->known). False: the token is not checked yet,
** and the request waits. A cookie is too long to be guessed, so a page that is logged in never
** waits. */
static bool know (request *r) {
  const char *bearer = r->known ? NULL : bearer_of(r);
  if (!bearer) return true;
  if (!tl_web_needs_token((const char *)r->path.at)) {
    if (must_wait(r) != 0) return true; /* health waits for nobody: it tells no details then */
  } else if (!may_check(r)) {
    return false;
  }
  r->known = is_same(tl_slice_str(bearer), token_of(&r->web->set));
  note_token(r, r->known, "request");
  return true;
}

bool tl_web_may (request *r) {
  const char *host = tl_web_field(r, "Host");
  const web_settings *s = &r->web->set;
  if (host && !tl_http_host_is_ours(tl_slice_str(host), (const char *)s->names.at, s->names.len)) {
    tl_web_fail(r, 421,
                "'%.100s' is not a name of this server: names = { … } in http { … } adds one",
                host);
    return false;
  }
  r->known = token_of(s).len == 0 || has_cookie(r);
  return know(r) &&
         (r->known || !tl_web_needs_token((const char *)r->path.at) || refuse_unknown(r));
}

bool tl_web_may_change (request *r) {
  const char *origin = tl_web_field(r, "Origin"), *host = tl_web_field(r, "Host");
  const char *scheme = r->web->set.secure ? "https://" : "http://";
  size_t n = strlen(scheme);
  if (!origin) return true;
  if (host && strncmp(origin, scheme, n) == 0 && strcmp(origin + n, host) == 0) return true;
  tl_web_fail(r, 403, "the page that asked is of another origin");
  return false;
}

/* --- /login --- */

/* The form's field `token`; 1, 0: none, negative: unreadable. */
static int read_form (request *r, tl_buf *token) {
  tl_slice form = tl_buf_bytes(&r->body);
  tl_buf name;
  int rc;
  tl_buf_init(&name);
  while ((rc = tl_http_parameter(&form, &name, token)) == 1)
    if (tl_slice_eq(tl_buf_bytes(&name), TL_LIT("token"))) break;
  tl_buf_fini(&name);
  return rc;
}

static void welcome (request *r) {
  const web_settings *s = &r->web->set;
  tl_buf cookie;
  tl_buf_init(&cookie);
  tl_buf_fmt(&cookie, "%s=%s; Path=/; Max-Age=%d; HttpOnly; SameSite=Strict%s",
             (const char *)s->cookie_name.at, (const char *)s->cookie.at, COOKIE_SECONDS,
             s->secure ? "; Secure" : "");
  tl_buf_byte(&cookie, '\0');
  if (cookie.failed) {
    tl_web_fail(r, 500, "no memory");
  } else {
    tl_web_answer_text(r, 303, TL_WEB_PLAIN, "");
    tl_web_header(r, "Location", "/");
    tl_web_header(r, "Set-Cookie", (const char *)cookie.at);
  }
  tl_buf_fini(&cookie);
}

static void take_form (request *r) {
  static const char form[] = "application/x-www-form-urlencoded";
  const char *type = tl_web_field(r, "Content-Type");
  tl_buf token;
  if (!tl_web_may_change(r)) return;
  if (!type || !tl_http_same(tl_slice_of(type, strcspn(type, "; ")), form)) {
    tl_web_fail(r, 415, "expected %s", form);
    return;
  }
  if (!may_check(r)) return;
  tl_buf_init(&token);
  int rc = read_form(r, &token);
  bool right = rc > 0 && is_same(tl_buf_bytes(&token), token_of(&r->web->set));
  if (rc == TL_ESYNTAX) {
    tl_web_fail(r, 400, "the form cannot be read");
  } else if (rc < 0) {
    tl_web_fail(r, 500, "no memory");
  } else {
    note_token(r, right, "login");
    if (right)
      welcome(r);
    else if (!refuse_flood(r))
      tl_web_page(r, "login.html", 401);
  }
  tl_buf_fini(&token);
}

void tl_web_login (request *r) {
  bool post = strcmp(r->method, "POST") == 0;
  if (!post && !tl_web_is_get(r)) {
    tl_web_fail(r, 405, "expected GET, HEAD or POST, got %.20s", r->method);
    tl_web_header(r, "Allow", "GET, HEAD, POST");
  } else if (token_of(&r->web->set).len == 0) { /* nothing to log in to */
    tl_web_answer_text(r, 303, TL_WEB_PLAIN, "");
    tl_web_header(r, "Location", "/");
  } else if (post) {
    take_form(r);
  } else {
    tl_web_page(r, "login.html", 200);
  }
}
