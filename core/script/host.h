/* core/script/host.h — the Lua side of a running tagline: one state, one door into it, and what
** the other rooms need of it. Together with the rest of script/ the only code that knows
** <lua.h>; this header does not show it. */
#ifndef TL_SCRIPT_HOST_H
#define TL_SCRIPT_HOST_H

#include "gateway/gateway.h"
#include "outlet/config.h"
#include "script/http.h"

typedef struct tl_script tl_script;

typedef struct {
  const char *lua_dir; /* folder that holds tagline/…; see tl_script_find_lua */
  bool unsafe;         /* --unsafe: configs see all of Lua */
  bool check;          /* the config is only looked at: a missing credential is a warning */
} tl_script_options;

/* A state without a gateway: enough to load and check configs. TL_ENOMEM, or TL_ENOENT when the
** Lua modules are not found (err). */
int tl_script_new (tl_script **out, const tl_script_options *options, tl_err *err);
void tl_script_free (tl_script *s);
/* The folder of tagline's Lua modules: beside the program (build tree: EXE/../lua; installed:
** PREFIX/share/tagline/lua). */
int tl_script_find_lua (tl_buf *out);

/* The handlers to give to tl_gateway_new (with the script as their context); then tell the
** script its gateway. */
extern const tl_handlers tl_script_handlers;
void tl_script_attach (tl_script *s, tl_gateway *g, tl_loop *loop);
/* No loop runs, the caller sets the time: handlers have no turns to share. */
void tl_script_run_offline (tl_script *s);
/* Who carries values out (outlet/config.h), before a config is started. Borrowed; NULL: nobody,
** and what a config says of it is checked only. */
void tl_script_set_outlets (tl_script *s, const tl_outlet_hooks *hooks);
/* Who serves HTTP, before a config is started. Borrowed; NULL: nobody, as above. */
void tl_script_set_http (tl_script *s, const tl_http_hooks *hooks);

/* --- configs (config.c) --- */

/* `problem` gets each line as `tagline check` prints it, errors and warnings; that the time or
** the memory for loading is over is an error, too. Returns the number of errors. The draft
** stays in the script until apply() or the next load. */
int tl_script_load (tl_script *s, const char *path,
                    void (*problem)(void *ctx, bool is_error, const char *text), void *ctx);
/* Make the gateway be what the loaded draft says; `changed` hears each change. Needs attach(). */
int tl_script_apply (tl_script *s, void (*changed)(void *ctx, const char *change), void *ctx,
                     tl_err *err);

/* Only tell what apply() would change; the draft is gone afterwards, too. */
int tl_script_compare (tl_script *s, void (*changed)(void *ctx, const char *change), void *ctx,
                       tl_err *err);

/* The same in one, with problems and changes in the log (reload.c). start() remembers the path
** and what was read; false: nothing runs. Must not be called while Lua or a message is being
** handled. */
bool tl_script_start (tl_script *s, const char *path);
/* Asks for the config to be read anew, in pieces in the next turns of the loop (reloading.c). When
** it is refused the old one goes on. Asked for again meanwhile, it is done again. */
void tl_script_reload (tl_script *s);
bool tl_script_is_reloading (const tl_script *s);
/* The process ends: what is being read is given up, and what is being applied is finished at once.
** Before the gateway stops; not from inside Lua. */
void tl_script_end_reload (tl_script *s);
typedef enum {
  TL_RELOAD_BEGINS,
  TL_RELOAD_APPLIES, /* it was read and is right: lines and stations change from here on */
  TL_RELOAD_ENDS     /* taken or refused */
} tl_reload_phase;
/* One that hears of reloads. Its owner keeps it, and takes it back with tl_script_forget_reload()
** before its memory goes. */
typedef struct tl_reload_listener {
  void (*reloading)(void *ctx, tl_reload_phase phase);
  void *ctx;
  struct tl_reload_listener *next; /* the script's */
} tl_reload_listener;
void tl_script_on_reload (tl_script *s, tl_reload_listener *listener);
void tl_script_forget_reload (tl_script *s, tl_reload_listener *listener);
/* Are the files that the running config was read from others now? seen(): as they are now is
** known. */
bool tl_script_files_changed (tl_script *s);
void tl_script_files_seen (tl_script *s);

/* What the running config is, and how the last reload went. */
typedef struct {
  const char *file, *hash; /* SHA-256 in hex of all its files; "" before one runs */
  int64_t at;              /* ms since 1970: it was read */
  uint64_t reloads;
  bool refused;       /* the last reload was */
  int64_t refused_at; /* ms since 1970; 0: none was */
} tl_config_facts;
void tl_script_config_facts (const tl_script *s, tl_config_facts *out);

/* What the user's functions of one kind ("decode" …) did on a line, all its stations together. */
enum { TL_HANDLER_KINDS = 5 };
typedef struct {
  const char *name;
  uint64_t calls, errors;
  double seconds;
} tl_handler_sum;
void tl_script_handler_sums (const tl_script *s, const tl_line *line,
                             tl_handler_sum out[TL_HANDLER_KINDS]);
size_t tl_script_memory (const tl_script *s); /* bytes of the Lua heap */

/* limits { stall_time = } of the running config, in seconds; 0: no limit. */
double tl_script_stall_time (const tl_script *s);
/* Where the script is that runs now: lines of text, the innermost call first, through `add`. For a
** signal handler of the thread that it runs in: takes no memory. */
void tl_script_where (const tl_script *s, void (*add)(void *ctx, const char *text), void *ctx);

#endif
