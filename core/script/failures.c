/* core/script/failures.c — errors of the user's functions: each is logged once. Also which
** functions fail at present, since when and where, for status(). Bounded in memory. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "script/failures.h"

enum {
  FAILURES_MAX = 64,  /* of each kind */
  FORGET_MS = 600000, /* as long as status() tells of what is over (status_process.lua, RECENT) */
  SAID_LENGTH = 400,
  SAID_WHOLE = 4096
};

/* --- errors that are logged once --- */

/* Log a text once per scope and `id`: the same fault gives the same traceback. */
static void log_once (tl_script *s, tl_log_level level, const char *scope, tl_slice id,
                      tl_slice text) {
  char key[SAID_LENGTH + 200];
  int n = snprintf(key, sizeof key, "%s|%.*s", scope ? scope : "",
                   (int)(id.len < SAID_LENGTH ? id.len : SAID_LENGTH), (const char *)id.at);
  tl_slice known = tl_slice_of(key, (size_t)n < sizeof key ? (size_t)n : sizeof key - 1);
  tl_said_answer answer = tl_said_ask(&s->errors.said, known, tl_clock_mono_ms());
  if (answer == TL_SAID_FULL)
    tl_log(
        TL_LOG_WARN, NULL,
        "%d different errors of functions were logged: further ones are not for an hour, and all "
        "of them once more then; status() tells what fails",
        TL_SAID_MANY);
  if (answer != TL_SAID_NEW) return;
  if (s->errors.said.keys.live == 1) tl_script_forget_known(s); /* it began anew */
  tl_log(level, scope, "%.*s", (int)(text.len < SAID_WHOLE ? text.len : SAID_WHOLE),
         (const char *)text.at);
}

void tl_script_log_error (tl_script *s, const char *scope, tl_slice text) {
  if (s->errors.listener)
    s->errors.listener(s->errors.listener_ctx, scope, text);
  else
    log_once(s, TL_LOG_ERROR, scope, text, text);
}

void tl_script_log_refused (tl_script *s, const char *scope, const char *kind, const char *what,
                            const char *why) {
  /* Compare only the first characters of the reason: other numbers in it do not make another
  ** reason. */
  enum { KIND = 12 };
  char text[SAID_LENGTH], id[SAID_LENGTH];
  if (s->errors.listener) return; /* in an offline run the user sees what write() returns */
  snprintf(text, sizeof text, "%s was refused: %s (logged once)", what, why);
  snprintf(id, sizeof id, "%s: %.*s", kind, KIND, why);
  log_once(s, TL_LOG_WARN, scope, tl_slice_str(id), tl_slice_str(text));
}

/* A decoder that fails does so for each message of a device. The traceback and the log line
** would cost 50 times as much as the message, although the error was logged before.
** So one entry stands for one error of a scope. If another error takes its place, the first is
** treated as new, and log_once() finds it. */
static tl_known *place_of_known (tl_script *s) {
  return &s->errors.known[(s->errors.met.hash ^ (uint32_t)((uintptr_t)s->errors.met.scope >> 4)) %
                          TL_KNOWN];
}

/* Was this error logged before? It may be asked several times for one error, and counts as
** known only after it was logged. */
bool tl_script_is_known (tl_sandbox *box, const char *text, size_t len) {
  tl_script *s = (tl_script *)box;
  s->errors.is_known = false;
  if (!s->errors.scope || s->errors.listener) return false;
  uint32_t hash = tl_hash(text, len < SAID_LENGTH ? len : SAID_LENGTH) + s->errors.kind;
  s->errors.met = (tl_known){ hash, s->errors.scope };
  const tl_known *at = place_of_known(s);
  s->errors.is_known = at->hash == hash && at->scope == s->errors.scope;
  return s->errors.is_known;
}

void tl_script_note_known (tl_script *s) {
  if (s->errors.met.scope) *place_of_known(s) = s->errors.met;
}

void tl_script_forget_known (tl_script *s) { memset(s->errors.known, 0, sizeof s->errors.known); }

/* --- what fails at present --- */

static tl_failure *find (tl_script *s, const void *key, const char *what) {
  for (tl_failure *f = s->errors.failing; f; f = f->next)
    if (f->key == key && strcmp(f->what, what) == 0) return f;
  return NULL;
}

static void set_scope (tl_failure *f, const tl_station *station, const tl_link *l) {
  tl_buf name;
  tl_buf_init(&name);
  if (station)
    tl_station_full_name(station, &name);
  else if (l)
    tl_buf_str(&name, tl_link_line(l)->name);
  size_t n = name.len < sizeof f->scope - 1 ? name.len : sizeof f->scope - 1;
  if (n > 0) memcpy(f->scope, name.at, n);
  f->scope[n] = '\0';
  tl_buf_fini(&name);
}

/* What takes no places from the others: a TL_FAILING_… */
static int kind_of (const char *what) {
  if (strcmp(what, "writes") == 0) return TL_FAILING_WRITES;
  return strcmp(what, "names") == 0 ? TL_FAILING_NAMES : TL_FAILING_CALLS;
}

/* Of two entries, the one that is sooner given up: what works again, then what is longer ago. */
static bool is_staler (const tl_failure *a, const tl_failure *b) {
  return a->works != b->works ? a->works : a->last < b->last;
}

/* An entry for another function. When all places are taken: that of one that works again, or has
** not failed for FORGET_MS. NULL: there is none, or no memory; the failure is only counted. What
** is listed stays so, since hundreds that fail in turn would otherwise begin anew at each call. */
static tl_failure *add (tl_script *s, int kind, int64_t now) {
  uint32_t n = 0;
  tl_failure *stalest = NULL;
  for (tl_failure *f = s->errors.failing; f; f = f->next) {
    if (kind_of(f->what) != kind) continue;
    n++;
    if (!stalest || is_staler(f, stalest)) stalest = f;
  }
  if (n < FAILURES_MAX) {
    tl_failure *f = calloc(1, sizeof *f);
    if (!f) return NULL;
    f->next = s->errors.failing;
    return s->errors.failing = f;
  }
  if (!stalest->works && now - stalest->last < FORGET_MS) return NULL;
  tl_failure *next = stalest->next;
  memset(stalest, 0, sizeof *stalest);
  stalest->next = next;
  return stalest;
}

void tl_failure_note (tl_script *s, const tl_station *station, const tl_link *l, const char *what,
                      tl_slice text) {
  const void *key = station ? (const void *)station : (const void *)l;
  tl_failure *f = find(s, key, what);
  int64_t now = tl_clock_wall_ms();
  /* only the first line: the traceback is in the log */
  const uint8_t *end = text.len > 0 ? memchr(text.at, '\n', text.len) : NULL;
  size_t n = end ? (size_t)(end - text.at) : text.len;
  if (!f) {
    int kind = kind_of(what);
    f = add(s, kind, now);
    if (!f) {
      tl_unlisted *u = &s->errors.unlisted[kind];
      if (now - u->last >= FORGET_MS) u->count = 0;
      u->count++;
      u->last = now;
      return;
    }
    f->key = key;
    f->what = what;
    f->since = now;
    set_scope(f, station, l);
  } else if (f->works) {
    f->since = now;
    f->count = 0;
  }
  f->works = false;
  f->count++;
  f->last = now;
  if (n > sizeof f->text - 1) n = sizeof f->text - 1;
  if (n > 0) memcpy(f->text, text.at, n);
  f->text[n] = '\0';
}

void tl_failure_clear (tl_script *s, const tl_station *station, const tl_link *l,
                       const char *what) {
  tl_failure *f = find(s, station ? (const void *)station : (const void *)l, what);
  if (f) f->works = true;
}

void tl_errors_listen (tl_script *s, tl_error_listener *listener, void *ctx) {
  s->errors.listener = listener;
  s->errors.listener_ctx = ctx;
}

void tl_errors_free (tl_script *s) { tl_said_forget(&s->errors.said); }

void tl_failures_free (tl_script *s) {
  while (s->errors.failing) {
    tl_failure *f = s->errors.failing;
    s->errors.failing = f->next;
    free(f);
  }
}
