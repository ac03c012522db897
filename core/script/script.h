/* core/script/script.h — private to script/ (and to repl/ and offline/, which are built on
** it): the state behind tl_script, and the door from C into Lua. */
#ifndef TL_SCRIPT_SCRIPT_H
#define TL_SCRIPT_SCRIPT_H

#include "base/clock.h"
#include "base/log.h"
#include "base/map.h"
#include "net/loop.h"
#include "sandbox/sandbox.h"
#include "script/caller.h"
#include "script/host.h"
#include "script/said.h"

typedef struct tl_hook_timer tl_hook_timer; /* a timer of every() or after() */

/* Gets an error of a handler. scope: the full name of its station, or the name of its line. */
typedef void tl_error_listener (void *ctx, const char *scope, tl_slice text);

typedef enum {
  TL_CALL_DECODE,
  TL_CALL_ENCODE,
  TL_CALL_VALUE,
  TL_CALL_STATUS,
  TL_CALL_PREPARE,
  TL_CALLS
} tl_call_kind;

enum { TL_KNOWN = 256 };

/* failures.c: an error that was logged. */
typedef struct {
  uint32_t hash;
  const void *scope; /* its station or line; only compared, never used */
} tl_known;

/* Each struct below serves one purpose, and is written only by the file that its comment
** names. */

/* What waits of one line, or of none. */
typedef struct {
  const void *owner;    /* see tl_turn_wait() */
  struct tl_due *first; /* a ring; NULL: it is empty, and nobody's */
  uint32_t count;
} tl_script_queue;

/* The first one goes before all others. So many lines less one have a queue of their own. */
enum { TL_TURN_QUEUES = 65 };

/* turn.c: how much time scripts have used in this turn of the loop, and what waits for the
** next turn. */
typedef struct {
  uint64_t number; /* number of the turn that `ticks` belongs to */
  uint32_t ticks;  /* box.ticks when that turn began */
  uint32_t owed;   /* in the queue, and called at the process's end, too */
  bool ends;       /* the process ends; since then box.ticks: */
  uint32_t end_ticks;
  uint32_t served; /* the queue whose turn it was last */
  uint64_t serial; /* grows with each that comes */
  tl_script_queue queues[TL_TURN_QUEUES];
  tl_heavy waits; /* for the turn of these queues */
} tl_script_turn;

/* news.c: calls for values, statuses and lines that wait in those queues */
typedef struct {
  uint64_t number;       /* of the last one */
  uint32_t waiting;      /* values and statuses */
  uint32_t lines;        /* connections and their ends */
  uint32_t reload_ticks; /* what those that a reload hurries, or takes away, have used */
  uint64_t left_out;
  const tl_line *hurried; /* the line that a reload waits for, only compared; NULL: none, ... */
  uint64_t hurried_to;    /* ... up to this number */
} tl_script_news;

/* l_message.c: the message that decode sees */
typedef struct {
  struct tl_message_now *now; /* NULL: no message is being handled */
  uintptr_t count;            /* number of messages so far */
  int cache;                  /* registry reference */
} tl_script_messages;

/* decode_result.c: registry references of the field names in what decode returns; 0: not made
** yet */
typedef struct {
  int time, status, value;
} tl_script_words;

enum { TL_STALL_SECONDS = 30 }; /* what stall_time is without a config */

/* The running config, and the one that is being loaded: written by the room config, which is
** above this one. */
typedef struct {
  bool check;        /* option `check` of tl_script_options */
  bool loading;      /* code of a config that is being loaded runs now (tl_check_runs) */
  bool applying;     /* a draft is being applied: this cannot be undone */
  int draft;         /* registry reference of the loaded draft; LUA_NOREF: there is none */
  int env;           /* registry reference: the running config's environment */
  tl_map zones;      /* from name to tl_zone, kept until the script is freed */
  double stall_time; /* seconds for which the loop may stand still; 0: no limit */
  char *path;
  struct tl_loaded *loaded;              /* which files the running config was read from */
  struct tl_reload_listener *listeners;  /* tl_config_on_reload() */
  const struct tl_outlet_hooks *outlets; /* who carries values out; NULL: nobody */
  const struct tl_http_hooks *http;      /* who serves HTTP; NULL: nobody */
  void (*close)(tl_script *s);           /* frees what that room made; NULL: it made nothing */
} tl_script_config;

/* l_timers.c */
typedef struct {
  tl_hook_timer *first;
  uint32_t count;
} tl_script_timers;

/* What the list of failures has: functions that fail; by station, writes that were refused and
** names of no tag that decode gave. */
enum { TL_FAILING_CALLS, TL_FAILING_WRITES, TL_FAILING_NAMES, TL_FAILINGS };

/* Failures for which the list had no place. */
typedef struct {
  uint64_t count; /* since there was none for ten minutes */
  int64_t last;   /* ms since 1970; 0: never */
} tl_unlisted;

/* failures.c: errors of the user's functions */
typedef struct {
  tl_said said;               /* errors that were logged */
  tl_known known[TL_KNOWN];   /* the latest of them, for a quick look-up */
  tl_known met;               /* the error that is being raised now */
  const tl_station *scope;    /* whose handler runs; NULL: none */
  tl_call_kind kind;          /* kind of that handler */
  bool is_known;              /* the present error was logged before, and gets no traceback */
  struct tl_failure *failing; /* what fails at present */
  tl_unlisted unlisted[TL_FAILINGS];
  tl_error_listener *listener; /* gets errors in place of the log; NULL: they are logged */
  void *listener_ctx;
} tl_script_errors;

/* caller.c */
typedef struct {
  tl_caller now;                   /* for whom code runs */
  const tl_console_hooks *console; /* NULL: no console was attached yet */
} tl_script_callers;

enum { TL_SCRIPT_ANSWERS = 256 * 1024 * 1024 };

/* l_history.c */
typedef struct {
  struct tl_asking *asking; /* questions that are not answered yet, the newest first */
  size_t bytes;             /* of answers whose rows are not all Lua tables yet */
  size_t most_bytes;        /* above so many, handlers get no more answers */
  bool ended;               /* the loop may be at its end: no thread is started */
} tl_script_history;

struct tl_script {
  tl_sandbox box; /* must be first, for tl_script_of() */
  tl_gateway *gateway;
  tl_loop *loop;
  char *lua_dir;
  bool offline;     /* runs without a network (offline/): handlers do not share turns */
  int print_module; /* registry reference of the module tagline.repl.print */
  tl_script_turn turn;
  tl_script_news news;
  tl_script_messages messages;
  tl_script_words words;
  tl_script_config config;
  tl_script_timers timers;
  tl_script_errors errors;
  tl_script_callers caller;
  int objects; /* l_objects.c: registry reference of a weak table from address to userdata */
  /* handlers.c: the observer that calls on_value, on_status, on_connect, on_disconnect */
  tl_observer acting;
  tl_script_history history;
  struct tl_repl *repl; /* repl/eval.c: what all consoles share */
};

/* The script that a Lua state or coroutine belongs to. */
static inline tl_script *tl_script_of (lua_State *L) { return (tl_script *)tl_sandbox_of(L); }

/* tl_sandbox_enter() (the only way from C into Lua) for a script. */
static inline int tl_script_enter (tl_script *s, lua_CFunction body, void *arg, double seconds,
                                   const char *where, tl_buf *err) {
  return tl_sandbox_enter(&s->box, body, arg, seconds, where, err);
}

/* --- errors of the user's functions (failures.c) --- */

/* A function of the user is about to be called: errors from now on are its own. The result is
** passed to tl_errors_end() afterwards. */
static inline const tl_station *tl_errors_begin (tl_script *s, const tl_station *scope,
                                                 tl_call_kind kind) {
  const tl_station *outer = s->errors.scope;
  s->errors.is_known = false;
  s->errors.scope = scope;
  s->errors.kind = kind;
  return outer;
}
static inline void tl_errors_end (tl_script *s, const tl_station *outer) {
  s->errors.scope = outer;
}
/* Log an error of a handler, once for each text and scope. */
void tl_script_log_error (tl_script *s, const char *scope, tl_slice text);
/* Log that something a handler asked for was refused, because handlers mostly ignore return
** values. Once for each kind and reason. */
void tl_script_log_refused (tl_script *s, const char *scope, const char *kind, const char *what,
                            const char *why);
/* failures.c: the function tl_sandbox.is_known */
bool tl_script_is_known (tl_sandbox *box, const char *text, size_t len);
void tl_script_note_known (tl_script *s);   /* the last error was logged */
void tl_script_forget_known (tl_script *s); /* stations and lines may have been removed */
/* Errors go to this listener, and not to the log. It gets all of them, also repeated ones. */
void tl_errors_listen (tl_script *s, tl_error_listener *listener, void *ctx);
void tl_errors_free (tl_script *s);

/* --- values (values.c) --- */

void tl_push_value (lua_State *L, tl_type type, const tl_value *v);
/* Read the Lua value at `index` as a value of the tag's type, strictly. A text is borrowed
** from the Lua string. False: *expected says what would be right. */
bool tl_read_value (lua_State *L, int index, tl_type type, tl_value *out, const char **expected);
/* Describes a value for messages "expected X, got Y": "21", number, "abc", string …. Pushes
** the text and returns it. */
const char *tl_push_got (lua_State *L, int index);

/* --- objects (l_objects.c, l_tag.c, l_station.c, l_line.c) --- */

#define TL_TAG "tagline.tag"
#define TL_STATION "tagline.station"
#define TL_LINE "tagline.line"

/* An object keeps the full name of what it stands for. When the gateway's generation has
** changed (after a reload), the pointer is looked up by this name again. */
typedef struct {
  void *pointer;
  uint64_t generation;
  char name[]; /* full name */
} tl_object;

void tl_push_tag (lua_State *L, tl_tag *t);
void tl_push_station (lua_State *L, tl_station *s);
void tl_push_line (lua_State *L, tl_line *line);
/* Every word that looks at what runs, or acts on it, calls this first. Raises while a config
** is being loaded, and if nothing runs (`tagline check`). */
void tl_check_runs (lua_State *L, const char *word);
tl_tag *tl_check_tag (lua_State *L, int index); /* raises if it was removed */
tl_station *tl_check_station (lua_State *L, int index);
tl_line *tl_check_line (lua_State *L, int index);
/* pushes the table { lines =, stations =, tags = } */
int tl_open_objects (lua_State *L);
void tl_open_tag (lua_State *L);
void tl_open_station (lua_State *L);
void tl_open_line (lua_State *L);
int tl_line_probe (lua_State *L); /* l_probe.c */
/* Start a write. For the log: whether it is under way or was refused, and later whether it
** failed. */
int tl_write_async (lua_State *L, tl_script *s,
                    int (*start)(void *ctx, tl_write_done *done, void *done_ctx, tl_err *err),
                    void *ctx, int callback, const tl_change *change);

/* decode_pieces.c: members of tl_handlers */
int tl_script_pieces_new (void *ctx, void **out, bool brief, void (*body)(void *body_ctx),
                          void *body_ctx);
bool tl_script_pieces_go (void *pieces);
void tl_script_pieces_hurry (void *pieces);
void tl_script_pieces_free (void *pieces);
/* handlers.c: from here on, the functions are called for values, statuses and lines. */
void tl_script_observe (tl_script *s);
/* failures.c: which of the user's functions fail at present; each belongs to a station or,
** with station NULL, to a line. */
void tl_failure_note (tl_script *s, const tl_station *station, const tl_link *l, const char *what,
                      tl_slice text);
/* The function succeeded. */
void tl_failure_clear (tl_script *s, const tl_station *station, const tl_link *l, const char *what);
void tl_failures_free (tl_script *s);

/* --- handlers (handlers.c) --- */

/* The first member of both structs, for tl_handlers.release. */
typedef enum { TL_HOOKS_STATION, TL_HOOKS_LINE } tl_hooks_kind;

typedef struct {
  /* longest: of one call. Times are in ticks, see tl_ticks() */
  uint64_t calls, errors, ticks, longest;
} tl_call_stats;

enum { TL_GUESSES = 16 };

typedef struct {
  const void *name; /* the Lua string, only compared; NULL: nothing is known */
  uint16_t tag;
} tl_guess;

/* The functions of a station's record: shared by a template and its instances, and counted. */
typedef struct {
  int refs;
  int decode, encode, on_value, on_status; /* registry references or LUA_NOREF */
  int direct;  /* is called in place of decode where only the core sees the result (hooks.c) */
  bool values; /* is there any on_value, of a tag or of the station? */
  /* decode_result.c: the names that decode returned last, in their order, and the tags of
  ** these names */
  tl_guess guesses[TL_GUESSES];
  /* registry reference of a table that keeps these strings alive, or LUA_NOREF */
  int names;
  /* l_connection.c: registry reference of a table of the names that decode fills, or LUA_NOREF */
  int wanted;
  const tl_plan *wanted_plan;
  int prepare[TL_PREPARE_MAX]; /* functions among the steps of prepare, in their order */
  int prepare_count;
  int tag_count;
  int tag_on_value[];
} tl_station_functions;

/* What a station's `user` points to. */
typedef struct {
  tl_hooks_kind kind;
  tl_station_functions *functions;
  tl_call_stats stats[TL_CALLS];
} tl_station_hooks;

/* Push the table station.stats.handlers, or nil. */
void tl_push_call_stats (lua_State *L, const tl_station *s);

typedef struct {
  tl_hooks_kind kind;
  int on_connect, on_disconnect, before_disconnect, on_value, will, ws_headers;
} tl_line_hooks;

/* Call on_value now, from the `from`-th function on (0: the tag's, 1: its station's, 2: its
** line's); and on_status (see news.h). */
void tl_handler_value_now (tl_script *s, tl_tag *t, int from);
void tl_handler_status_now (tl_script *s, tl_station *station);
/* line_handlers.c: on_connect or on_disconnect, if the line has it. */
void tl_handler_line_now (tl_script *s, tl_link *l, bool up, const char *why);

/* NULL: the record has no functions. Raises without memory. */
tl_station_hooks *tl_read_station_hooks (lua_State *L, int index, int tag_count);
tl_line_hooks *tl_read_line_hooks (lua_State *L, int index);
/* l_params.c: read a line's parameters from a checked table. */
void tl_read_params (lua_State *L, int index, tl_line_params *p);
/* Seconds as whole ms, at least 1 where seconds are more than 0, since 0 means never. */
int64_t tl_params_ms (double seconds);

/* l_message.c: the message that decode sees. Its fields are gone once the handler has
** returned. */
typedef struct tl_message_now {
  struct tl_message_now *outer; /* the outer message, if a handler of that one fed in this one */
  uintptr_t number;             /* 0: decode was not called yet */
  const tl_station *station;
  const tl_incoming *m;
  const tl_route *route;
  tl_reading *reading;
  int64_t time_ms;
  bool has_payload, has_json; /* the field is in the cache */
} tl_message_now;

void tl_open_message (lua_State *L);
/* A registry reference for messages.cache: a long message has a cache of its own. May raise. */
int tl_message_cache (lua_State *L);
/* Push msg. *now belongs to the caller and must live until tl_end_message(). */
void tl_push_message (lua_State *L, tl_message_now *now);
void tl_end_message (tl_script *s, tl_message_now *now); /* cannot raise */
/* decode_result.c: set the tags from what decode returned: a table, and a time or nil, at
** stack indexes `first` and first + 1. Sets all values or none.
** Raises if the result has a wrong shape, or if setting would take longer than the rest of the
** budget.
** The addressed tags of `reading` are set before them, with the time that decode gave (of the
** last sample), otherwise with time_ms. */
void tl_set_decoded (lua_State *L, tl_script *s, tl_station *station, int first, int64_t time_ms,
                     tl_reading *reading);
/* Does the third of decode's results (the first is at stack index `first`) say that the device
** is gone? Then *time_ms is the second result, if given. Raises if it is another text. */
bool tl_decoded_is_gone (lua_State *L, int first, int64_t *time_ms);
void tl_timers_stop (tl_script *s);
/* l_connection.c: the module tagline.connection */
int tl_open_connection (lua_State *L);
/* Put every() and after(), as handlers call them, into the table on top. */
void tl_open_timers (lua_State *L);
/* when the earliest timer is due, ms as tl_loop_now(); INT64_MAX: none */
int64_t tl_timers_due (const tl_script *s);
void tl_timers_fire (tl_script *s); /* run the earliest timer; for runs without a loop */
/* Call the function on top of the stack (popped) in 0.05 s. False: too many timers are
** waiting. */
bool tl_timers_soon (lua_State *L, tl_script *s);
/* start the draft's timers, at stack index `list` */
int tl_timers_start (lua_State *L, tl_script *s, int list);

#endif
