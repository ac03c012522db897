/* core/script/script.h — private to script/: the state behind tl_script, and the one door from C into Lua. */
#ifndef TL_SCRIPT_SCRIPT_H
#define TL_SCRIPT_SCRIPT_H

#include <lauxlib.h>
#include <lua.h>
#include <lualib.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/map.h"
#include "base/text.h"
#include "script/host.h"

typedef struct tl_hook_timer tl_hook_timer; /* every, after */

struct tl_script {
  lua_State *L; /* the main state; a lua_State handed to a C function may be a coroutine that dies */
  tl_gateway *gateway;
  tl_loop *loop;
  bool unsafe;
  char *lua_dir;
  size_t memory, memory_limit; /* bytes of the Lua heap; limit 0: none */
  uint64_t deadline_ns;        /* of the running call; 0: none */
  bool expired;                /* the deadline passed: raise at every chance until the door is reached again */
  const char *budget_name;     /* "handler_time" or "loading", for the message */
  double budget_s;
  double handler_time;         /* seconds a handler may run */
  int draft;                   /* registry reference of the loaded draft; LUA_NOREF: none */
  int env;                     /* registry reference: the running config's environment */
  int objects;                 /* registry reference: weak table address → userdata */
  int print_module;            /* tagline.repl.print */
  tl_map said;                 /* errors that were logged already */
  tl_map zones;                /* name → tl_zone, for the life of the process */
  tl_eval *evals;
  tl_hook_timer *timers;
  char *config_path;
};

tl_script *tl_script_of (lua_State *L); /* from any state or coroutine */

/* ---- the door (host.c) ---- */

/* Run body(arg) protected, with `seconds` of time (0: no limit). Leaves the stack as it found it. LUA_OK, or an error code after *err's
** text was filled (traceback included, may be NULL: then it is logged under `where`). */
int tl_script_enter (tl_script *s, lua_CFunction body, void *arg, double seconds, const char *where, tl_buf *err);
/* The message handler: adds a traceback to string errors. */
int tl_script_traceback (lua_State *L);
/* Start and end a budget around a resume of a coroutine (evaluations). */
void tl_script_budget (tl_script *s, double seconds, const char *name);
void tl_script_arm (tl_script *s, lua_State *co); /* give a coroutine the budget hook */
/* Log an error of a handler once per distinct text and scope. */
void tl_script_say_error (tl_script *s, const char *scope, tl_slice text);

/* ---- values (values.c) ---- */

void tl_push_value (lua_State *L, tl_type type, const tl_value *v);
/* The Lua value at `index` in the tag's type, strictly; text borrowed from the Lua string. False with `expected` set. */
bool tl_read_value (lua_State *L, int index, tl_type type, tl_value *out, const char **expected);
/* "21", number, "abc", string …: for messages "expected X, got Y". Pushes a string and returns it. */
const char *tl_push_got (lua_State *L, int index);

/* ---- objects (l_objects.c, l_tag.c, l_station.c, l_line.c) ---- */

#define TL_TAG "tagline.tag"
#define TL_STATION "tagline.station"
#define TL_LINE "tagline.line"

/* A userdata names what it stands for, so that it survives reloads: the pointer is looked up again when the gateway's generation moved. */
typedef struct {
  void *pointer;
  uint64_t generation;
  char name[]; /* full name */
} tl_object;

void tl_push_tag (lua_State *L, tl_tag *t);
void tl_push_station (lua_State *L, tl_station *s);
void tl_push_line (lua_State *L, tl_line *line);
tl_tag *tl_check_tag (lua_State *L, int index);         /* raises when it is gone */
tl_station *tl_check_station (lua_State *L, int index);
tl_line *tl_check_line (lua_State *L, int index);
void tl_push_object (lua_State *L, const char *type, void *pointer, tl_slice name);
int tl_open_objects (lua_State *L);                     /* pushes the table { lines =, stations =, tags = } */
void tl_push_env (lua_State *L);                        /* config.c: what a REPL sees: the API and the safe standard library */
void tl_open_tag (lua_State *L);
void tl_open_station (lua_State *L);
void tl_open_line (lua_State *L);
int tl_write_async (lua_State *L, tl_script *s, int (*start)(void *ctx, tl_write_done *done, void *done_ctx, tl_err *err), void *ctx,
                    int callback);

/* eval.c: resume an evaluation that waited for a write. False: the coroutine is not one of theirs. */
bool tl_eval_resume (tl_script *s, lua_State *co, bool ok, const char *why);

/* ---- handlers (handlers.c) ---- */

typedef enum { TL_HOOKS_STATION, TL_HOOKS_LINE } tl_hooks_kind; /* first member of both, for release() */

/* The script's `user` of a station: shared by a template and its instances. */
typedef struct {
  tl_hooks_kind kind;
  int refs;
  int decode, encode, on_value, on_status; /* registry references or LUA_NOREF */
  int tag_count;
  int tag_on_value[];
} tl_station_hooks;

typedef struct {
  tl_hooks_kind kind;
  int on_connect, on_disconnect, on_value;
} tl_line_hooks;

tl_station_hooks *tl_read_station_hooks (lua_State *L, int index, int tag_count); /* NULL: none (or no memory: raises) */
tl_line_hooks *tl_read_line_hooks (lua_State *L, int index);
void tl_give_memory_back (void); /* to the system, after much was freed */
void tl_read_params (lua_State *L, int index, tl_line_params *p); /* from a checked table of parameters (config.c) */

/* message.c: what decode sees. The object is empty once the handler returned. */
void tl_open_message (lua_State *L);
void *tl_push_message (lua_State *L, const tl_station *s, const tl_incoming *m, const tl_route *route, int64_t time_ms);
void tl_end_message (void *message);
void tl_push_json (lua_State *L, tl_slice document); /* json.c: raises with line, column and what was expected */
/* samples.c: set the tags that decode returned, at stack indexes `first` (table) and first + 1 (time or nil). Raises on wrong shapes. */
void tl_take_samples (lua_State *L, tl_script *s, tl_station *station, int first, int64_t time_ms);
void tl_timers_stop (tl_script *s);
int tl_timers_start (lua_State *L, tl_script *s, int list); /* the draft's timers at index `list` */

#endif
