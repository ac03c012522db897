/* core/script/host.h — the Lua side of a running tagline: one Lua state, one door into it, and
** what other rooms need of it. This header does not show <lua.h>. */
#ifndef TL_SCRIPT_HOST_H
#define TL_SCRIPT_HOST_H

#include "gateway/gateway.h"
#include "outlet/config.h"
#include "script/http.h"

typedef struct tl_script tl_script;

typedef struct {
  const char *lua_dir; /* folder that holds tagline/…; see tl_script_find_lua */
  bool unsafe;         /* --unsafe: configs see all of Lua */
  bool check;          /* `tagline check`: a missing credential is only a warning */
} tl_script_options;

/* Make a state without a gateway, which is enough to load and check configs. TL_OK and *out;
** TL_ENOMEM; TL_ENOENT: the Lua modules were not found (err). */
int tl_script_new (tl_script **out, const tl_script_options *options, tl_err *err);
void tl_script_free (tl_script *s);
/* Find the folder of tagline's Lua modules, beside the program: EXE/../lua in a build tree,
** PREFIX/share/tagline/lua when installed. */
int tl_script_find_lua (tl_buf *out);

/* Pass these to tl_gateway_new(), with the script as their context; then tell the script its
** gateway. */
extern const tl_handlers tl_script_handlers;
void tl_script_attach (tl_script *s, tl_gateway *g, tl_loop *loop);
/* There is no loop, and the caller sets the time: handlers do not have to share turns. */
void tl_script_run_offline (tl_script *s);
/* Sets who carries values out (outlet/config.h); to be called before a config is started.
** Borrowed. NULL: nobody does, and what a config says of outlets is only checked. */
void tl_script_set_outlets (tl_script *s, const tl_outlet_hooks *hooks);
/* Sets who serves HTTP; to be called before a config is started. Borrowed. NULL: as above. */
void tl_script_set_http (tl_script *s, const tl_http_hooks *hooks);

/* --- configs (config.c) --- */

/* Load and check a config. `problem` gets each error and warning as `tagline check` prints it;
** that loading took too much time or memory is an error, too.
** Returns the number of errors. The draft stays in the script until tl_script_apply() or the
** next load. */
int tl_script_load (tl_script *s, const char *path,
                    void (*problem)(void *ctx, bool is_error, const char *text), void *ctx);
/* Make the gateway match the loaded draft. `changed` gets each change as text. The script must
** have its gateway. */
int tl_script_apply (tl_script *s, void (*changed)(void *ctx, const char *change), void *ctx,
                     tl_err *err);

/* Only tell what tl_script_apply() would change. The draft is freed afterwards, too. */
int tl_script_compare (tl_script *s, void (*changed)(void *ctx, const char *change), void *ctx,
                       tl_err *err);

/* Load and apply in one step; problems and changes are logged (reload.c). The path, and what
** was read from which files, are remembered for reloads.
** False: the config was refused, and nothing runs. Must not be called while Lua runs or a
** message is handled. */
bool tl_script_start (tl_script *s, const char *path);
/* Ask for a reload. It happens in pieces in the next turns of the loop (reloading.c). If the
** new config is refused, the old one goes on. If this is called again meanwhile, one more
** reload follows. */
void tl_script_reload (tl_script *s);
bool tl_script_is_reloading (const tl_script *s);
/* The process ends: a reload that is still reading is given up, and one that already changes
** lines is finished at once. To be called before the gateway stops, and not from inside Lua. */
void tl_script_end_reload (tl_script *s);
typedef enum {
  TL_RELOAD_BEGINS,
  TL_RELOAD_APPLIES, /* the config is read and right: from here on lines and stations change */
  TL_RELOAD_ENDS     /* it was applied, or refused */
} tl_reload_phase;
/* Hears of reloads. Its owner keeps the struct, and calls tl_script_forget_reload() before
** freeing it. */
typedef struct tl_reload_listener {
  void (*reloading)(void *ctx, tl_reload_phase phase);
  void *ctx;
  struct tl_reload_listener *next; /* written by the script */
} tl_reload_listener;
void tl_script_on_reload (tl_script *s, tl_reload_listener *listener);
void tl_script_forget_reload (tl_script *s, tl_reload_listener *listener);
/* Have the files of the running config changed since they were read? tl_script_files_seen():
** the present state of the files does not count as a change any more. */
bool tl_script_files_changed (tl_script *s);
void tl_script_files_seen (tl_script *s);

/* Facts about the running config, and how the last reload ended. */
typedef struct {
  /* hash: SHA-256 in hexadecimal of all its files; "" before a config runs */
  const char *file, *hash;
  int64_t at; /* when it was read, ms since 1970 */
  uint64_t reloads;
  bool refused;       /* the last reload was refused */
  int64_t refused_at; /* ms since 1970; 0: none was */
} tl_config_facts;
void tl_script_config_facts (const tl_script *s, tl_config_facts *out);

/* Statistics of the user's functions of one kind ("decode" …) on a line, for all its stations
** together. */
enum { TL_HANDLER_KINDS = 5 };
typedef struct {
  const char *name;
  uint64_t calls, errors;
  double seconds;
} tl_handler_sum;
void tl_script_handler_sums (const tl_script *s, const tl_line *line,
                             tl_handler_sum out[TL_HANDLER_KINDS]);
size_t tl_script_memory (const tl_script *s); /* bytes that the Lua heap uses */

/* The limit stall_time of the running config, in seconds; 0: no limit. */
double tl_script_stall_time (const tl_script *s);
/* Where the running script is: lines of text for `add`, the innermost call first. For a signal
** handler in the same thread: allocates nothing. */
void tl_script_where (const tl_script *s, void (*add)(void *ctx, const char *text), void *ctx);

#endif
