/* core/script/script.h — private to script/: the state behind tl_script, and the one door from
** C into Lua. */
#ifndef TL_SCRIPT_SCRIPT_H
#define TL_SCRIPT_SCRIPT_H

#include "base/clock.h"
#include "base/log.h"
#include "base/map.h"
#include "sandbox/sandbox.h"
#include "script/caller.h"
#include "script/host.h"

typedef struct tl_hook_timer tl_hook_timer; /* every, after */

/* Hears an error of a handler; scope: the full name of its station, or its line's. */
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

/* failures.c: an error that was said. */
typedef struct {
  uint32_t hash;
  const void *scope; /* its station or line: only to be compared */
} tl_known;

/* One struct for each story. The file above it is the only one that writes it. */

/* turn.c: how much of this turn of the loop scripts have had, and what waits for the next one */
typedef struct {
  uint64_t number; /* of the turn that `ticks` is of */
  uint32_t ticks;  /* box.ticks when it began */
  uint32_t news;   /* values and statuses that wait */
  uint64_t left_out;
  struct tl_due *first; /* of a ring; NULL: nothing waits */
  bool yielded;
} tl_script_turn;

/* l_message.c: what decode sees */
typedef struct {
  struct tl_message_now *now; /* NULL: nothing */
  uintptr_t count;            /* how many there were */
  int cache;                  /* registry reference */
} tl_script_messages;

/* decode_result.c: registry references of the words in what decode returns; 0: not made yet */
typedef struct {
  int time, status, value;
} tl_script_words;

/* config.c: the config that runs, and the one that is being loaded; draft.c keeps the zones */
typedef struct {
  bool check;        /* tl_script_options */
  bool loading;      /* the code of a config that is being loaded runs (tl_check_runs) */
  bool applying;     /* a draft becomes what runs: there is no way back */
  int draft;         /* registry reference of the loaded draft; LUA_NOREF: none */
  int env;           /* registry reference: the running config's environment */
  tl_map zones;      /* name → tl_zone, for the life of the process */
  double stall_time; /* seconds the loop may stand still; 0: for ever */
  char *path;
} tl_script_config;

/* reload.c */
typedef struct {
  struct tl_loaded *loaded;      /* what the running config was read from */
  tl_reload_listener *listeners; /* tl_script_on_reload */
} tl_script_reloads;

/* l_timers.c */
typedef struct {
  tl_hook_timer *first;
  uint32_t count;
} tl_script_timers;

/* failures.c: errors of the user's functions */
typedef struct {
  tl_map said;                 /* those that were logged already */
  tl_known known[TL_KNOWN];    /* the latest of them */
  tl_known met;                /* the error that is on its way out */
  const void *scope;           /* the station or line whose handler runs; NULL: none */
  tl_call_kind kind;           /* which of its functions */
  bool is_known;               /* its error was said, and has no traceback */
  struct tl_failure *failing;  /* handlers that fail now */
  tl_error_listener *listener; /* hears them in place of the log; NULL: the log does */
  void *listener_ctx;
} tl_script_errors;

/* caller.c */
typedef struct {
  tl_caller now;                   /* for whom code runs */
  const tl_console_hooks *console; /* NULL: no console was attached yet */
} tl_script_callers;

struct tl_script {
  tl_sandbox box; /* first: tl_script_of */
  tl_gateway *gateway;
  tl_loop *loop;
  char *lua_dir;
  bool offline;     /* it runs without a network (offline/): there are no turns to share */
  int print_module; /* registry reference: tagline.repl.print */
  tl_script_turn turn;
  tl_script_messages messages;
  tl_script_words words;
  tl_script_config config;
  tl_script_reloads reload;
  tl_script_timers timers;
  tl_script_errors errors;
  tl_script_callers caller;
  int objects;                    /* l_objects.c: registry reference, address → userdata, weak */
  tl_observer acting;             /* handlers.c: on_value, on_status, on_connect, on_disconnect */
  struct tl_asking *asking;       /* l_history.c: questions under way */
  const tl_outlet_hooks *outlets; /* outlets.c: who carries values out; NULL: nobody */
  const tl_http_hooks *http;      /* http.c: who serves HTTP; NULL: nobody */
  struct tl_repl *repl;           /* repl/eval.c: what all consoles share */
};

/* From any state or coroutine of a script. */
static inline tl_script *tl_script_of (lua_State *L) { return (tl_script *)tl_sandbox_of(L); }

/* tl_sandbox_enter (the only way from C into Lua) of a script's. */
static inline int tl_script_enter (tl_script *s, lua_CFunction body, void *arg, double seconds,
                                   const char *where, tl_buf *err) {
  return tl_sandbox_enter(&s->box, body, arg, seconds, where, err);
}

/* --- errors of the user's functions (failures.c) --- */

/* The call of a function begins: what fails now is its error. Gives what to end it with. */
static inline const void *tl_errors_begin (tl_script *s, const void *scope, tl_call_kind kind) {
  const void *outer = s->errors.scope;
  s->errors.is_known = false;
  s->errors.scope = scope;
  s->errors.kind = kind;
  return outer;
}
static inline void tl_errors_end (tl_script *s, const void *outer) { s->errors.scope = outer; }
/* Log an error of a handler once per distinct text and scope. */
void tl_script_log_error (tl_script *s, const char *scope, tl_slice text);
/* The same for what a handler asked for in vain: its return value is mostly not looked at. Once for
** each kind and reason. */
void tl_script_log_refused (tl_script *s, const char *scope, const char *kind, const char *what,
                            const char *why);
/* tl_sandbox.is_known */
bool tl_script_is_known (tl_sandbox *box, const char *text, size_t len);
void tl_script_note_known (tl_script *s);   /* the error met last was said */
void tl_script_forget_known (tl_script *s); /* stations and lines may have gone */
/* Errors go there in place of the log; `known` is of no use to it: it hears all of them. */
void tl_errors_listen (tl_script *s, tl_error_listener *listener, void *ctx);
void tl_errors_free (tl_script *s);

/* config.c: a state has no config yet; frees what it has of configs */
void tl_config_init (tl_script *s, bool check);
void tl_config_fini (tl_script *s);

/* --- values (values.c) --- */

void tl_push_value (lua_State *L, tl_type type, const tl_value *v);
/* The Lua value at `index` in the tag's type, strictly; text borrowed from the Lua string.
** False with `expected` set. */
bool tl_read_value (lua_State *L, int index, tl_type type, tl_value *out, const char **expected);
/* "21", number, "abc", string …: for messages "expected X, got Y". Pushes a string and returns
** it. */
const char *tl_push_got (lua_State *L, int index);

/* --- objects (l_objects.c, l_tag.c, l_station.c, l_line.c) --- */

#define TL_TAG "tagline.tag"
#define TL_STATION "tagline.station"
#define TL_LINE "tagline.line"

/* A userdata names what it stands for, so that it survives reloads: the pointer is looked up
** again when the gateway's generation moved. */
typedef struct {
  void *pointer;
  uint64_t generation;
  char name[]; /* full name */
} tl_object;

void tl_push_tag (lua_State *L, tl_tag *t);
void tl_push_station (lua_State *L, tl_station *s);
void tl_push_line (lua_State *L, tl_line *line);
/* Every word that looks at what runs, or acts on it, begins with this: raises while a config is
** being loaded, and where nothing runs (`tagline check`). */
void tl_check_runs (lua_State *L, const char *word);
tl_tag *tl_check_tag (lua_State *L, int index); /* raises when it is gone */
tl_station *tl_check_station (lua_State *L, int index);
tl_line *tl_check_line (lua_State *L, int index);
/* pushes the table { lines =, stations =, tags = } */
int tl_open_objects (lua_State *L);
void tl_open_tag (lua_State *L);
void tl_open_station (lua_State *L);
void tl_open_line (lua_State *L);
int tl_line_probe (lua_State *L); /* l_probe.c */
/* Starts a write, and tells the log: that it is under way, or that it was refused; and if so,
** that it failed later. */
int tl_write_async (lua_State *L, tl_script *s,
                    int (*start)(void *ctx, tl_write_done *done, void *done_ctx, tl_err *err),
                    void *ctx, int callback, const tl_change *change);

/* decode_pieces.c: of tl_handlers */
int tl_script_pieces_new (void *ctx, void **out, void (*body)(void *body_ctx), void *body_ctx);
bool tl_script_pieces_go (void *pieces);
void tl_script_pieces_hurry (void *pieces);
void tl_script_pieces_free (void *pieces);
/* compile.c: compile(text, name, env) as load(text, name, "t", env) */
int tl_compile (lua_State *L);
/* outlets.c: raises when the outlets of the draft at `draft` cannot be. */
void tl_script_apply_outlets (lua_State *L, tl_script *s, int draft,
                              const tl_outlets_change *change);
/* http.c: raises when the HTTP server of the draft at `draft` cannot be. */
void tl_script_apply_http (lua_State *L, tl_script *s, int draft, const tl_outlets_change *change);

/* handlers.c: the functions hear of values, statuses and lines from here on */
void tl_script_observe (tl_script *s);
int tl_word_reload (lua_State *L); /* reload.c: reload() */
void tl_loaded_free (tl_script *s);
void tl_reload_tell (const tl_script *s, tl_reload_phase phase); /* reloading.c: the listeners */
/* reload.c: what the running config was read from */
void tl_push_loaded (lua_State *L);
/* failures.c: which of the user's functions fail at present, each by its station or (station
** NULL) its line. */
void tl_failure_note (tl_script *s, const tl_station *station, const tl_link *l, const char *what,
                      tl_slice text);
/* it ran through */
void tl_failure_clear (tl_script *s, const tl_station *station, const tl_link *l, const char *what);
void tl_failures_free (tl_script *s);

/* --- handlers (handlers.c) --- */

/* first member of both, for release() */
typedef enum { TL_HOOKS_STATION, TL_HOOKS_LINE } tl_hooks_kind;

extern const char *const tl_call_names[TL_CALLS]; /* "decode" … (handlers.c) */

typedef struct {
  uint64_t calls, errors, ticks, longest; /* ticks: see tl_ticks */
} tl_call_stats;

enum { TL_GUESSES = 16 };

typedef struct {
  const void *name; /* the Lua string, only to be compared; NULL: no guess */
  uint16_t tag;
} tl_guess;

/* The functions of a station's record: shared by a template and its instances. */
typedef struct {
  int refs;
  int decode, encode, on_value, on_status; /* registry references or LUA_NOREF */
  bool values;                             /* any on_value, of a tag or the station */
  /* decode_result.c: the tags of the names that decode returned last, in their order */
  tl_guess guesses[TL_GUESSES];
  /* registry reference: table of the guesses' strings, or LUA_NOREF */
  int names;
  /* l_connection.c: registry reference of the names that decode fills in this plan, or LUA_NOREF */
  int wanted;
  const tl_plan *wanted_plan;
  int prepare[TL_PREPARE_MAX]; /* the functions among the steps, in their order */
  int prepare_count;
  int tag_count;
  int tag_on_value[];
} tl_station_functions;

/* The script's `user` of a station. */
typedef struct {
  tl_hooks_kind kind;
  tl_station_functions *functions;
  tl_call_stats stats[TL_CALLS];
} tl_station_hooks;

/* the table station.stats.handlers, or nil */
void tl_push_call_stats (lua_State *L, const tl_station *s);

typedef struct {
  tl_hooks_kind kind;
  int on_connect, on_disconnect, before_disconnect, on_value, will, ws_headers;
} tl_line_hooks;

/* on_value from the `from`-th of its functions on (0 the tag's, 1 its station's, 2 its line's),
** on_status: called now (turn.h). */
void tl_handler_value_now (tl_script *s, tl_tag *t, int from);
void tl_handler_status_now (tl_script *s, tl_station *station);

/* NULL: none (or no memory: raises) */
tl_station_hooks *tl_read_station_hooks (lua_State *L, int index, int tag_count);
tl_line_hooks *tl_read_line_hooks (lua_State *L, int index);
/* from a checked table of parameters (config.c) */
void tl_read_params (lua_State *L, int index, tl_line_params *p);

/* l_message.c: what decode sees. The object is empty once the handler returned. */
typedef struct tl_message_now {
  struct tl_message_now *outer; /* a message that a handler of this one fed in */
  uintptr_t number;             /* 0: not begun */
  const tl_station *station;
  const tl_incoming *m;
  const tl_route *route;
  tl_reading *reading;
  int64_t time_ms;
  bool has_payload, has_json; /* made already: in the cache */
} tl_message_now;

void tl_open_message (lua_State *L);
/* begins; *now lives in the caller's frame until tl_end_message */
void tl_push_message (lua_State *L, tl_message_now *now);
void tl_end_message (tl_script *s, tl_message_now *now); /* cannot raise */
/* decode_result.c: sets the tags that decode returned, a table and a time or nil at stack
** indexes `first` and first + 1: all or none. Raises on wrong shapes, and when that takes longer
** than what is left of the budget. The addressed tags of `reading` come before them, at the time
** that decode gave (the last sample's), or time_ms. */
void tl_take_samples (lua_State *L, tl_script *s, tl_station *station, int first, int64_t time_ms,
                      tl_reading *reading);
/* Of decode's three results, from stack index `first`: does the third say that the device is
** gone? Then *time_ms is the second, when there is one. Raises when it is another text. */
bool tl_take_gone (lua_State *L, int first, int64_t *time_ms);
void tl_timers_stop (tl_script *s);
/* l_connection.c: the module tagline.connection */
int tl_open_connection (lua_State *L);
/* into the table on top: every and after as handlers call them */
void tl_open_timers (lua_State *L);
int64_t tl_timers_due (const tl_script *s); /* of the earliest, as tl_loop_now; INT64_MAX: none */
void tl_timers_fire (tl_script *s);         /* the earliest: where no loop runs */
/* calls the function on top of the stack (popped) in 0.05 s; false: too many wait */
bool tl_timers_soon (lua_State *L, tl_script *s);
int tl_timers_start (lua_State *L, tl_script *s, int list); /* the draft's timers at index `list` */

#endif
