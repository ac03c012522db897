/* core/script/script.h — private to script/: the state behind tl_script, and the one door from
** C into Lua. */
#ifndef TL_SCRIPT_SCRIPT_H
#define TL_SCRIPT_SCRIPT_H

#include "base/clock.h"
#include "base/log.h"
#include "base/map.h"
#include "base/text.h"
#include "sandbox/sandbox.h"
#include "script/host.h"

typedef struct tl_hook_timer tl_hook_timer; /* every, after */

/* Who began something at a REPL that goes on later: a write's function, a coroutine that waits,
** a timer. */
typedef struct {
  uint64_t eval; /* 0: nobody; the person may have left since */
  uint32_t uid;
} tl_asker;

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

struct tl_script {
  tl_sandbox box; /* first: tl_script_of */
  tl_gateway *gateway;
  tl_loop *loop;
  bool check; /* tl_script_options */
  char *lua_dir;

  /* turn.c */
  uint64_t turn;             /* the loop's turn that turn_ticks is of */
  uint32_t turn_ticks, news; /* box.ticks when it began; values and statuses that wait */
  uint64_t news_left_out;
  struct tl_due *due; /* what waits for its turn, the first of a ring; NULL: nothing */
  bool due_yielded;

  /* l_message.c */
  struct tl_message_now *message; /* what decode sees now; NULL: nothing */
  uintptr_t messages;             /* how many there were */
  int message_cache;              /* registry reference */

  /* config.c, reload.c */
  bool loading;             /* the code of a config that is being loaded runs (tl_check_runs) */
  int draft;                /* registry reference of the loaded draft; LUA_NOREF: none */
  int env;                  /* registry reference: the running config's environment */
  tl_map zones;             /* name → tl_zone, for the life of the process */
  struct tl_loaded *loaded; /* what the running config was read from */
  double stall_time;        /* seconds the loop may stand still; 0: for ever */
  void (*reloading)(void *ctx, bool begins); /* tl_script_on_reload */
  void *reloading_ctx;
  char *config_path;

  /* l_objects.c, l_timers.c, handlers.c */
  int objects; /* registry reference: weak table address → userdata */
  tl_hook_timer *timers;
  uint32_t timer_count;
  tl_observer acting; /* on_value, on_status, on_connect, on_disconnect */

  /* failures.c */
  tl_map said;                 /* errors that were logged already */
  tl_known known[TL_KNOWN];    /* the latest of them */
  tl_known met;                /* the error that is on its way out */
  const void *scope;           /* the station or line whose handler runs; NULL: none */
  tl_call_kind scope_kind;     /* which of its functions */
  bool error_known;            /* its error was said, and has no traceback */
  struct tl_failure *failures; /* handlers that fail now */

  /* evaluations: repl/ */
  int print_module; /* registry reference: tagline.repl.print */
  tl_eval *evals;
  tl_eval *evaluating; /* whose code is running now; NULL: a handler's, or nobody's */
  uint64_t evals_made;
  tl_asker asker;           /* for whom a function runs that an evaluation left behind */
  lua_Hook evaluating_hook; /* of the budget, which eval.c puts its own before */
  int api;                  /* registry reference: the words of a REPL; 0: not made yet */
  struct tl_watch *watches; /* watch.c */
  tl_observer watching;     /* watch.c: while there are any */

  const tl_outlet_hooks *outlets; /* who carries values out; NULL: nobody */
  struct tl_site *site;           /* offline/run.c: runs without a network; NULL: it does not */
};

/* From any state or coroutine of a script. */
static inline tl_script *tl_script_of (lua_State *L) { return (tl_script *)tl_sandbox_of(L); }

/* tl_sandbox_enter (the only way from C into Lua) of a script's. */
static inline int tl_script_enter (tl_script *s, lua_CFunction body, void *arg, double seconds,
                                   const char *where, tl_buf *err) {
  return tl_sandbox_enter(&s->box, body, arg, seconds, where, err);
}

/* Log an error of a handler once per distinct text and scope. */
void tl_script_say_error (tl_script *s, const char *scope, tl_slice text);
/* tl_sandbox.is_known */
bool tl_script_is_known (tl_sandbox *box, const char *text, size_t len);
void tl_script_note_known (tl_script *s);   /* the error met last was said */
void tl_script_forget_known (tl_script *s); /* stations and lines may have gone */
void tl_errors_free (tl_script *s);

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
void tl_push_object (lua_State *L, const char *type, void *pointer, tl_slice name);
/* pushes the table { lines =, stations =, tags = } */
int tl_open_objects (lua_State *L);
/* l_live.c: into a metatable: what a REPL sees, its words, then the config's */
void tl_set_env (lua_State *L);
void tl_open_tag (lua_State *L);
void tl_open_station (lua_State *L);
void tl_open_line (lua_State *L);
int tl_line_probe (lua_State *L); /* l_probe.c */
/* What the log tells of a change: who asked for it, and what it is. An empty text: nothing, it
** is a handler's. */
typedef struct {
  tl_asker asker;
  const char *scope; /* borrowed */
  char text[400];
} tl_told;

/* Starts a write, and tells the log: that it is under way, or that it was refused; and if so,
** that it failed later. */
int tl_write_async (lua_State *L, tl_script *s,
                    int (*start)(void *ctx, tl_write_done *done, void *done_ctx, tl_err *err),
                    void *ctx, int callback, const tl_told *told);

/* outlets.c: raises when the outlets of the draft at `draft` cannot be. */
void tl_script_apply_outlets (lua_State *L, tl_script *s, int draft);

/* --- evaluations (eval.c) --- */

/* Resume an evaluation that waited for a write. False: the coroutine is not one of theirs. */
bool tl_eval_resume (tl_script *s, lua_State *co, bool ok, const char *why);
/* The evaluation that may wait here: L is its own coroutine, and no C function stands between.
** NULL: it may not. */
tl_eval *tl_eval_of (lua_State *L);
/* Wait: `return tl_eval_wait(L, e, stop, ctx)`. Ends by tl_eval_wake, whose `push` puts the
** results on the coroutine and returns how many they are; it runs protected, and may be NULL.
** `stop` is called when the evaluation ends before that (cancelled, detached). */
int tl_eval_wait (lua_State *L, tl_eval *e, void (*stop)(void *ctx), void *ctx);
/* A C function that may have taken long ends with `return tl_eval_rest(L)`, without results: when
** the evaluation's slice is used up the loop has its turn. Nothing where nobody can wait. */
int tl_eval_rest (lua_State *L);
void tl_eval_wake (tl_eval *e, int (*push)(lua_State *co, void *arg), void *arg);
/* Show text to the person; not kept back for anything. While one waits, `entered` hears of the
** lines they type. */
void tl_eval_show (tl_eval *e, tl_slice text);
void tl_eval_on_entered (tl_eval *e, void (*entered)(void *ctx));
bool tl_eval_json (const tl_eval *e); /* does a program read it? */
/* eval_later.c: for whom L's code runs now. Around what runs later for them: enter, which gives
** what to leave with. */
tl_asker tl_asker_here (lua_State *L);
tl_asker tl_asker_enter (tl_script *s, tl_asker asker);
static inline void tl_asker_leave (tl_script *s, tl_asker before) { s->asker = before; }
/* A write is under way whose end somebody's function or coroutine will hear of: `tagline repl
** -e` waits for it. Once over, settle. */
void tl_asker_owe (tl_script *s, tl_asker asker);
void tl_asker_settle (tl_script *s, tl_asker asker);
/* Somebody changes something from a REPL: logged with who and what. From a handler: nothing. */
bool tl_eval_is_here (lua_State *L); /* is it from a REPL? */
void tl_eval_log (lua_State *L, const char *scope, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/* The same for what may still be refused: prepared here, and logged by tl_told_log once it is
** known, with how it went behind it. */
tl_told tl_eval_tell (lua_State *L, const char *scope, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/* "refused", "queue full"; how NULL: well */
void tl_told_log (const tl_told *told, const char *how, const char *why);

/* --- what the words of a REPL are made of --- */

/* l_live.c: the table of words; made once */
void tl_push_api (lua_State *L);
/* l_live.c: pushes the core's side of it */
void tl_open_live (lua_State *L);
int tl_live_tag_json (lua_State *L); /* l_live.c */
int tl_live_status (lua_State *L);   /* l_status.c */
int tl_live_watch (lua_State *L);    /* watch.c, as the next one */
int tl_live_has_tag (lua_State *L);
int tl_live_note (lua_State *L);
/* handlers.c: the functions hear of values, statuses and lines from here on */
void tl_script_observe (tl_script *s);
int tl_live_reload (lua_State *L); /* reload.c */
void tl_loaded_free (tl_script *s);
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
  /* samples.c: the tags of the names that decode returned last, in their order */
  tl_guess guesses[TL_GUESSES];
  /* registry reference: table of the guesses' strings, or LUA_NOREF */
  int names;
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

/* message.c: what decode sees. The object is empty once the handler returned. */
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
/* samples.c: set the tags that decode returned, at stack indexes `first` (table) and first + 1
** (time or nil). All or none of them: raises on wrong shapes, and when reading or setting them
** takes longer than what is left of the budget. The addressed tags of `reading` come before
** them, at the time that decode gave (the last sample's), or time_ms. */
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
int tl_timers_start (lua_State *L, tl_script *s, int list); /* the draft's timers at index `list` */

#endif
