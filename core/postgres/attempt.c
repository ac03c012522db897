/* core/postgres/attempt.c — see attempt.h. */
#include "postgres/attempt.h"

#include <stdio.h>
#include <stdlib.h>

#include "net/poll.h"
#include "net/resolve.h"
#include "net/work.h"
#include "postgres/trouble.h"

enum { ATTEMPT_MS = 20000, KEYS_MAX = 64, HOSTS_MAX = 16, PORT = 5432 };

struct tl_pg_attempt {
  tl_loop *loop;
  void (*done)(void *ctx, PGconn *conn, const char *why);
  void *ctx;
  PQconninfoOption *options; /* as the string gives them */
  char *password;
  char *hosts, *addresses, *ports;                                  /* lists, cut at their commas */
  const char *host[HOSTS_MAX], *given[HOSTS_MAX], *port[HOSTS_MAX]; /* given: hostaddr */
  int host_count, at;                                               /* which one is tried */
  tl_resolve *resolve;
  struct addrinfo *list, *next; /* addresses of this host; the next to try */
  char address[NI_MAXHOST];     /* the one that is tried; "": libpq needs none */
  PGconn *conn;
  PostgresPollingStatusType polling;
  tl_poll *poll;
  tl_timer *timer;
  bool working, stopped, late, began;
  char why[256]; /* of the address that got furthest */
  int why_stage;
};

static void try_next (tl_pg_attempt *a);

/* --- the end --- */

static void finish (tl_pg_attempt *a, PGconn *conn, const char *why) {
  void (*done)(void *, PGconn *, const char *) = a->done;
  void *ctx = a->ctx;
  char text[sizeof a->why];
  snprintf(text, sizeof text, "%s", why);
  tl_resolve_cancel(a->resolve);
  tl_poll_close(a->poll);
  tl_timer_close(a->timer);
  if (a->conn && a->conn != conn) PQfinish(a->conn);
  if (a->list) freeaddrinfo(a->list);
  if (a->options) PQconninfoFree(a->options);
  free(a->password);
  free(a->hosts);
  free(a->addresses);
  free(a->ports);
  free(a);
  if (done) done(ctx, conn, text);
}

void tl_pg_attempt_stop (tl_pg_attempt *a) {
  a->stopped = true;
  if (!a->working) finish(a, NULL, "stopped");
}

/* --- steps of libpq --- */

/* Keep the error of the address that got furthest; stages are numbered as by libpq. A server that
** answered gives a better reason than one that did not. */
static void note (tl_pg_attempt *a, int stage, const char *text) {
  if (a->why[0] != '\0' && stage < a->why_stage) return;
  a->why_stage = stage;
  snprintf(a->why, sizeof a->why, "%s", text);
}

/* Does this error come from a server that answered? False: no server was reached. */
static bool is_answer (const char *text) {
  static const char *const marks[] = { "FATAL:", "session is", "server is", "SSL", "certificate" };
  for (size_t i = 0; i < sizeof marks / sizeof marks[0]; i++)
    if (strstr(text, marks[i])) return true;
  return false;
}

static void fail_address (tl_pg_attempt *a, const char *text, bool explain) {
  char line[sizeof a->why];
  bool answered = is_answer(text);
  if (explain)
    tl_pg_explain_connect(line, sizeof line, text);
  else
    snprintf(line, sizeof line, "%s", text);
  note(a, answered, line);
  if (a->conn) PQfinish(a->conn);
  a->conn = NULL;
  try_next(a);
}

static const char *option_of (const tl_pg_attempt *a, const char *key) {
  for (const PQconninfoOption *o = a->options; o->keyword; o++)
    if (strcmp(o->keyword, key) == 0) return o->val && o->val[0] != '\0' ? o->val : NULL;
  return NULL;
}

typedef struct {
  const char *keys[KEYS_MAX + 16], *values[KEYS_MAX + 16];
  int n;
} words;

static void put (words *w, const char *key, const char *value) {
  w->keys[w->n] = key;
  w->values[w->n++] = value;
}

/* A dead connection is noticed by TCP in a minute, and a standby is passed over, unless the string
** says otherwise. */
static void gather (const tl_pg_attempt *a, words *w) {
  static const char *const defaults[][2] = { { "keepalives_idle", "30" },
                                             { "keepalives_interval", "10" },
                                             { "keepalives_count", "3" },
                                             { "tcp_user_timeout", "60000" },
                                             { "target_session_attrs", "read-write" } };
  static const char *const ours[] = { "host", "hostaddr", "port", "password", "client_encoding" };
  for (const PQconninfoOption *o = a->options; o->keyword && w->n < KEYS_MAX; o++) {
    bool skip = !o->val || o->val[0] == '\0';
    for (size_t i = 0; i < sizeof ours / sizeof ours[0]; i++)
      skip = skip || strcmp(o->keyword, ours[i]) == 0;
    if (!skip) put(w, o->keyword, o->val);
  }
  for (size_t i = 0; i < sizeof defaults / sizeof defaults[0]; i++)
    if (!option_of(a, defaults[i][0])) put(w, defaults[i][0], defaults[i][1]);
  if (a->host[a->at]) put(w, "host", a->host[a->at]);
  if (a->address[0] != '\0')
    put(w, "hostaddr", a->address);
  else if (a->given[a->at])
    put(w, "hostaddr", a->given[a->at]);
  if (a->port[a->at]) put(w, "port", a->port[a->at]);
  if (a->password[0] != '\0') put(w, "password", a->password);
  put(w, "client_encoding", "UTF8");
  put(w, "fallback_application_name", "tagline");
  put(w, NULL, NULL);
}

/* On a thread of the pool. */
static void work (void *ctx) {
  tl_pg_attempt *a = ctx;
  if (a->conn) {
    a->polling = PQconnectPoll(a->conn);
    return;
  }
  words w = { .n = 0 };
  gather(a, &w);
  a->conn = PQconnectStartParams(w.keys, w.values, 0);
  bool bad = !a->conn || PQstatus(a->conn) == CONNECTION_BAD;
  a->polling = bad ? PGRES_POLLING_FAILED : PGRES_POLLING_WRITING;
}

static void step (tl_pg_attempt *a);

static void on_ready (void *ctx, int events) {
  tl_pg_attempt *a = ctx;
  (void)events;
  tl_poll_close(a->poll); /* the step may close the socket */
  a->poll = NULL;
  step(a);
}

static void wait_for_socket (tl_pg_attempt *a) {
  int events = a->polling == PGRES_POLLING_READING ? TL_POLL_READ : TL_POLL_WRITE;
  int rc = tl_poll_new(&a->poll, a->loop, PQsocket(a->conn), on_ready, a);
  if (rc >= 0) rc = tl_poll_for(a->poll, events);
  if (rc >= 0) return;
  tl_poll_close(a->poll);
  a->poll = NULL;
  fail_address(a, "the socket cannot be watched", false);
}

static void on_worked (void *ctx) {
  tl_pg_attempt *a = ctx;
  a->working = false;
  if (a->stopped) {
    finish(a, NULL, "stopped");
  } else if (a->late) {
    fail_address(a, "no answer within 20 s", false);
  } else if (a->polling == PGRES_POLLING_OK) {
    finish(a, a->conn, "");
  } else if (a->polling == PGRES_POLLING_FAILED) {
    fail_address(a, a->conn ? PQerrorMessage(a->conn) : "no memory", true);
  } else {
    wait_for_socket(a);
  }
}

static void step (tl_pg_attempt *a) {
  a->working = true;
  if (tl_work_start(a->loop, work, on_worked, a) == TL_OK) return;
  a->working = false;
  fail_address(a, "no memory", false);
}

static void fail_late (tl_pg_attempt *a) {
  char text[200];
  const char *host = a->host[a->at] ? a->host[a->at] : "the server";
  snprintf(text, sizeof text, "%.150s: no answer within 20 s", host);
  fail_address(a, text, false);
}

static void on_timer (void *ctx) {
  tl_pg_attempt *a = ctx;
  if (!a->began) { /* the attempt begins from the loop */
    a->began = true;
    try_next(a);
    return;
  }
  if (a->working) {
    a->late = true;
    return;
  }
  if (a->resolve) return; /* which has its own time */
  tl_poll_close(a->poll);
  a->poll = NULL;
  fail_late(a);
}

/* --- hosts and addresses --- */

static void try_address (tl_pg_attempt *a) {
  a->late = false;
  tl_timer_at(a->timer, tl_loop_now(a->loop) + ATTEMPT_MS);
  step(a);
}

static void on_resolved (void *ctx, int code, struct addrinfo *list) {
  tl_pg_attempt *a = ctx;
  a->resolve = NULL;
  if (code < 0 || !list) {
    char text[200];
    snprintf(text, sizeof text, "%.150s: %s", a->host[a->at], tl_resolve_text(code));
    fail_address(a, text, false);
    return;
  }
  a->list = a->next = list;
  try_next(a);
}

/* The next host, and its addresses. */
static void try_host (tl_pg_attempt *a) {
  if (++a->at >= a->host_count) {
    finish(a, NULL, a->why[0] != '\0' ? a->why : "none of its addresses could be tried");
    return;
  }
  a->address[0] = '\0';
  const char *host = a->host[a->at];
  if (a->given[a->at] || !host || host[0] == '/' || host[0] == '@') {
    try_address(a);
    return;
  }
  int port = a->port[a->at] ? atoi(a->port[a->at]) : PORT;
  struct addrinfo *list;
  int rc = tl_resolve_start(&a->resolve, &list, a->loop, host, (uint16_t)port, on_resolved, a);
  if (rc == 1) on_resolved(a, 0, list);
  if (rc < 0) on_resolved(a, rc, NULL);
}

static void try_next (tl_pg_attempt *a) {
  while (a->next) {
    struct addrinfo *one = a->next;
    a->next = one->ai_next;
    if (getnameinfo(one->ai_addr, one->ai_addrlen, a->address, sizeof a->address, NULL, 0,
                    NI_NUMERICHOST) != 0)
      continue;
    try_address(a);
    return;
  }
  if (a->list) freeaddrinfo(a->list);
  a->list = NULL;
  try_host(a);
}

/* --- the string --- */

/* "a,b" cut in place. How many; more than HOSTS_MAX are left out. */
static int cut (char *list, const char *out[HOSTS_MAX]) {
  int n = 0;
  for (char *at = list; at && n < HOSTS_MAX;) {
    char *comma = strchr(at, ',');
    out[n++] = at;
    if (comma) *comma = '\0';
    at = comma ? comma + 1 : NULL;
  }
  return n;
}

/* One list of the string, cut. How many it has; 0: none; TL_ENOMEM. */
static int read_list (const char *list, char **copy, const char *out[HOSTS_MAX]) {
  if (!list) return 0;
  *copy = strdup(list);
  if (!*copy) return TL_ENOMEM;
  int n = cut(*copy, out);
  for (int i = 0; i < n; i++)
    if (out[i][0] == '\0') out[i] = NULL;
  return n;
}

static int read_hosts (tl_pg_attempt *a, tl_err *err) {
  const char *names = option_of(a, "host");
  int given = read_list(option_of(a, "hostaddr"), &a->addresses, a->given);
  int hosts = read_list(names || given > 0 ? names : getenv("PGHOST"), &a->hosts, a->host);
  int ports = read_list(option_of(a, "port"), &a->ports, a->port);
  if (given < 0 || hosts < 0 || ports < 0) return TL_ENOMEM;
  a->host_count = hosts > given ? hosts : given;
  if (a->host_count == 0) a->host_count = 1;
  if (given > 0 && hosts > 0 && given != hosts)
    return tl_fail(err, TL_ESYNTAX, 0, "postgres: %d names in host, but %d in hostaddr", hosts,
                   given);
  if (ports > 1 && ports != a->host_count)
    return tl_fail(err, TL_ESYNTAX, 0, "postgres: %d hosts, but %d ports", a->host_count, ports);
  for (int i = 1; ports == 1 && i < a->host_count; i++) a->port[i] = a->port[0];
  return TL_OK;
}

static int read_string (tl_pg_attempt *a, const char *conninfo, tl_err *err) {
  char *why = NULL;
  a->options = PQconninfoParse(conninfo, &why);
  if (a->options) return read_hosts(a, err);
  int rc =
      why ? tl_fail(err, TL_ESYNTAX, 0, "postgres: %.*s", (int)strcspn(why, "\n"), why) : TL_ENOMEM;
  PQfreemem(why);
  return rc;
}

int tl_pg_attempt_start (tl_pg_attempt **out, tl_loop *loop, const char *conninfo,
                         const char *password,
                         void (*done)(void *ctx, PGconn *conn, const char *why), void *ctx,
                         tl_err *err) {
  tl_pg_attempt *a = calloc(1, sizeof *a);
  int rc = a ? TL_OK : TL_ENOMEM;
  if (a) {
    a->loop = loop;
    a->ctx = ctx;
    a->at = -1;
    a->password = strdup(password);
    rc = a->password ? read_string(a, conninfo, err) : TL_ENOMEM;
    if (rc >= 0) rc = tl_timer_new(&a->timer, loop, on_timer, a);
  }
  if (rc < 0) {
    if (a) finish(a, NULL, ""); /* `done` is not set yet */
    return rc == TL_ESYNTAX ? rc : tl_fail(err, rc, 0, "no memory for a connection");
  }
  a->done = done;
  tl_timer_at(a->timer, tl_loop_now(loop));
  *out = a;
  return TL_OK;
}
