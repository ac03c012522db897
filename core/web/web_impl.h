/* core/web/web_impl.h — private to web/: the server, a request, and what their files share. */
#ifndef TL_WEB_WEB_IMPL_H
#define TL_WEB_WEB_IMPL_H

#include <microhttpd.h>

#include "base/buf.h"
#include "console/listen.h"
#include "net/listen.h"
#include "net/poll.h"
#include "web/guesses.h"
#include "web/front.h"
#include "web/web.h"

typedef struct request request;
typedef struct tl_ask tl_ask;   /* ask.c */
typedef struct tl_feed tl_feed; /* events.c */

/* What the config says, as it is in force. */
typedef struct {
  tl_buf listen, token;       /* NUL-terminated */
  tl_buf cookie, cookie_name; /* the same: what a login sets */
  tl_buf names, values;       /* each with a NUL behind it */
  tl_buf cert;                /* PEM */
  bool write, secure;         /* secure: https */
} web_settings;

/* share.c writes it. */
typedef struct {
  uint64_t began_ns;     /* processor time when HTTP's part of this turn began */
  uint64_t longest_ns;   /* the longest part so far */
  request *first, *last; /* those that wait for a later turn */
} tl_share;

/* Where it listens; web.c writes it. */
typedef struct {
  tl_listener *listener;
  tl_console_place socket; /* while is_socket */
  bool is_socket;          /* a Unix socket */
} tl_web_place;

/* ask.c writes it. */
typedef struct {
  request *first; /* those that wait for Lua, the oldest first */
  unsigned running;
} tl_web_asks;

/* Tokens that were given; access.c writes it. */
typedef struct {
  unsigned wrong;  /* so many */
  int64_t said_at; /* when the log told so last; 0: never */
  tl_guesses guesses;
  tl_timer *checks; /* fires when a token that waits is to be checked */
} tl_web_tokens;

struct tl_web {
  tl_loop *loop;
  tl_gateway *gateway;
  tl_script *script;
  const tl_outlet_hooks *outlets;
  tl_http_hooks hooks;
  tl_reload_listener reload;
  web_settings set;
  bool open; /* a config has http */
  tl_web_place at;
  tl_front *front;
  struct MHD_Daemon *mhd; /* NULL: not open */
  tl_poll *poll;
  tl_timer *timer;
  tl_feed *feed;
  tl_share share;
  request *requests;
  bool noted;       /* facts.c: set between tl_metrics_note() and tl_metrics_keep() */
  uint64_t reloads; /* grows where a reload begins to change lines, and where it ends */
  tl_web_asks asks;
  tl_web_tokens tokens;
  struct metric_base *bases; /* metrics.c */
  struct page_extra *extras; /* page.c: files that another package holds */
};

/* One request, from its head until its answer is out. */
struct request {
  request *next;
  tl_web *web;
  struct MHD_Connection *mhd;
  const char *method; /* libmicrohttpd's */
  tl_buf target, path, body;
  bool begun, suspended, known;  /* known: it gave the token, or none is asked for */
  bool lost;                     /* there is no memory for any answer: its connection ends */
  struct MHD_Response *response; /* with `status`, once the answer is there */
  unsigned status;
  tl_ask *ask;
  request *next_ask;
  request *next_share;
  bool waits_share;
  int64_t check_at; /* its token is checked then; 0: at once */
  bool waited;
  struct write_job *write; /* write.c */
};

/* --- server.c --- */

/* libmicrohttpd and all around it; without listening. TL_ENOMEM, … */
int tl_web_serve (tl_web *w);
void tl_web_stop (tl_web *w);
/* The answer: bytes taken over from *text (NULL-safe, left empty), of this type. Once. */
void tl_web_answer (request *r, unsigned status, const char *type, tl_buf *text);
void tl_web_answer_text (request *r, unsigned status, const char *type, const char *text);
/* {"error":"…"} */
void tl_web_fail (request *r, unsigned status, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/* An answer of libmicrohttpd's own making; it takes it. NULL: 500. */
void tl_web_respond (request *r, unsigned status, struct MHD_Response *response);
/* Headers of the answer, once it is there. */
void tl_web_header (request *r, const char *name, const char *value);
const char *tl_web_field (request *r, const char *name); /* of the request; NULL: none */
int tl_web_fd (request *r);
bool tl_web_is_get (const request *r); /* GET or HEAD */
#define TL_WEB_JSON "application/json"
#define TL_WEB_PLAIN "text/plain; charset=utf-8"

/* Can all parameters be decoded, is each one of `names` (with a blank between them), and there
** once? False: answered. */
bool tl_web_query_is_known (request *r, const char *names);
/* A parameter of the query, decoded, NUL-terminated in `out` (cleared before). 1; 0: not given;
** negative: unreadable, and the answer is there. */
int tl_web_parameter (request *r, const char *name, tl_buf *out);
/* A parameter that is a whole number from 1 to `most`. 1, 0, negative as above. */
int tl_web_count_parameter (request *r, const char *name, uint64_t most, uint64_t *out);

/* --- share.c --- */

/* Something was resumed, or there is something to do: behind what messages need. */
void tl_web_run_soon (tl_web *w);
/* Is this turn's share used up? */
bool tl_share_is_used (const tl_web *w);
/* Suspend this request's connection until a later turn: from a call of libmicrohttpd for it. */
void tl_share_wait (request *r);
void tl_share_forget (request *r);
void tl_share_end (tl_web *w); /* nobody waits any more: before libmicrohttpd ends */

/* --- routes.c --- */
void tl_web_route (request *r); /* the answer, or what will give it */

/* --- access.c --- */
bool tl_web_may (request *r);               /* Host and token; false: answered */
bool tl_web_may_change (request *r);        /* Origin; false: answered */
bool tl_web_needs_token (const char *path); /* everything but health, login and its files */
void tl_web_login (request *r);
void tl_web_check_due (void *web); /* the timer's: those whose turn has come */
void tl_web_make_cookie (web_settings *set);

/* --- page.c --- */
void tl_web_page (request *r, const char *name, unsigned status);
int tl_web_load_extras (tl_web *w);
void tl_web_free_extras (tl_web *w);

/* --- questions.c --- */
void tl_web_status (request *r);
void tl_web_lines (request *r);
void tl_web_messages (request *r);
void tl_web_explain (request *r);

/* --- history.c --- */
void tl_web_history (request *r);
/* Headers of the answer that tell how many rows a limit left out, and where they are. `noted`:
** their number, and the range in which they lie, in ms. */
void tl_web_tell_left (request *r, const char *noted);

/* --- ask.c --- */
typedef enum {
  TL_ASK_JSON,    /* what the code gives in a REPL of programs (`tagline repl --json`) */
  TL_ASK_ROWS,    /* the same; it prints a line for tl_web_tell_left() */
  TL_ASK_ROWS_CSV /* the text that it prints behind such a line */
} tl_ask_kind;
/* Answer with what this code gives; it failed: status `failed`. `code` is taken over. */
void tl_web_ask (request *r, tl_buf *code, unsigned failed, tl_ask_kind kind);
void tl_web_ask_forget (request *r);

/* --- stations.c --- */
void tl_web_stations (request *r);

/* --- tags.c --- */
void tl_web_tags (request *r);
void tl_web_tag (request *r, const char *name);
enum { TL_WEB_NAME = 1024 };
/* The full name, NUL-terminated; its length, 0 when it is too long. */
size_t tl_web_name (const tl_tag *t, char out[TL_WEB_NAME]);
/* The tag as an object, without a line break. */
void tl_web_tag_json (const tl_tag *t, tl_buf *out);

/* --- write.c --- */
void tl_web_write (request *r, const char *name);
void tl_web_write_forget (request *r);

/* --- health.c --- */
void tl_web_healthz (request *r);
void tl_web_readyz (request *r);

/* --- metrics.c --- */
void tl_web_metrics (request *r);
/* A reload begins to change lines: note what counters have; then: keep what they lost by it.
** `rests`: in pieces (tl_config_rest). */
void tl_metrics_note (tl_web *w);
void tl_metrics_keep (tl_web *w, bool rests);
void tl_metrics_free (tl_web *w);

/* --- events.c --- */
int tl_feed_new (tl_feed **out, tl_web *w);
void tl_feed_end (tl_feed *f);        /* no client waits any more: before libmicrohttpd ends */
void tl_feed_free (tl_feed *f);       /* behind that; NULL is fine, for both */
void tl_feed_begin_anew (tl_feed *f); /* a config was read, or a change is not known: snapshots */
void tl_feed_serve (tl_feed *f);      /* readers whose time has come, while there is a share */
void tl_feed_poke (tl_feed *f);       /* a client has gone: look at all */
void tl_web_events (request *r);

#endif
