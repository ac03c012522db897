/* core/config/config.h — config files: read and checked, made to run, reloaded. The words of a
** config, and what is wrong with one, are in lua/tagline/config; this room runs them in the
** script's Lua state, and gives what they made to the gateway, the outlets and the HTTP
** server. This header does not show <lua.h>. */
#ifndef TL_CONFIG_CONFIG_H
#define TL_CONFIG_CONFIG_H

#include "config/http.h"
#include "outlet/config.h"
#include "script/host.h"

/* Load and check a config. `problem` gets each error and warning as `tagline check` prints it;
** that loading took too much time or memory is an error, too.
** Returns the number of errors. The draft stays in the script until tl_config_apply() or the
** next load. */
int tl_config_load (tl_script *s, const char *path,
                    void (*problem)(void *ctx, bool is_error, const char *text), void *ctx);
/* Make the gateway match the loaded draft. `changed` gets each change as text. The script must
** have its gateway. */
int tl_config_apply (tl_script *s, void (*changed)(void *ctx, const char *change), void *ctx,
                     tl_err *err);

/* Only tell what tl_config_apply() would change. The draft is freed afterwards, too. */
int tl_config_compare (tl_script *s, void (*changed)(void *ctx, const char *change), void *ctx,
                       tl_err *err);

/* Load and apply in one step; problems and changes are logged (reload.c). The path, and what
** was read from which files, are remembered for reloads. ends(), if it is not NULL, is asked
** each few ms, from the calling stack, whether the process is to end already.
** False: the config was refused or given up, and nothing is to run. Must not be called while Lua
** runs or a message is handled. */
bool tl_config_start (tl_script *s, const char *path, bool (*ends)(void *ctx), void *ctx);
/* Ask for a reload. It happens in pieces in the next turns of the loop (reloading.c). If the
** new config is refused, the old one goes on. If this is called again meanwhile, one more
** reload follows. */
void tl_config_reload (tl_script *s);
bool tl_config_is_reloading (const tl_script *s);
/* The process ends: a reload that is still reading is given up, and one that already changes
** lines is finished at once. To be called before the gateway stops, and not from inside Lua. */
void tl_config_end_reload (tl_script *s);
typedef enum {
  TL_RELOAD_BEGINS,
  TL_RELOAD_APPLIES, /* the config is read and right: from here on lines and stations change */
  TL_RELOAD_APPLIED, /* lines and stations are the new ones; not reported if applying them failed */
  TL_RELOAD_ENDS     /* it was applied, or refused */
} tl_reload_phase;
/* Hears of reloads. Its owner keeps the struct, and calls tl_config_forget_reload() before
** freeing it. */
typedef struct tl_reload_listener {
  void (*reloading)(void *ctx, tl_reload_phase phase);
  void *ctx;
  struct tl_reload_listener *next; /* written by the script */
} tl_reload_listener;
/* While a reload applies or is applied: the loop may run other things before this returns. */
void tl_config_rest (tl_script *s);
void tl_config_on_reload (tl_script *s, tl_reload_listener *listener);
void tl_config_forget_reload (tl_script *s, tl_reload_listener *listener);
/* Have the files of the running config changed since they were read? tl_config_files_seen():
** the present state of the files does not count as a change any more. */
bool tl_config_files_changed (tl_script *s);
void tl_config_files_seen (tl_script *s);

/* Facts about the running config, and how the last reload ended. */
typedef struct {
  /* hash: SHA-256 in hexadecimal of all its files; "" before a config runs */
  const char *file, *hash;
  int64_t at; /* when it was read, ms since 1970 */
  uint64_t reloads;
  bool refused;       /* the last reload was refused */
  int64_t refused_at; /* ms since 1970; 0: none was */
} tl_config_facts;
void tl_config_get_facts (const tl_script *s, tl_config_facts *out);

/* The limit stall_time of the running config, in seconds; 0: no limit. Of the first, while it
** loads, from where it says so. */
double tl_config_stall_time (const tl_script *s);
/* For how many ms what a script does now may hold the loop; 0: for ever. That is stall_time; but
** when the process was told to end, 1.5 s for a config that loads, and as long as a handler may
** wait (--unsafe). Signal-safe in the loop's thread. */
int64_t tl_config_held_ms (const tl_script *s, bool told);

/* Sets who carries values out (outlet/config.h); to be called before a config is started.
** Borrowed. NULL: nobody does, and what a config says of outlets is only checked. */
void tl_config_set_outlets (tl_script *s, const tl_outlet_hooks *hooks);
/* Sets who serves HTTP; to be called before a config is started. Borrowed. NULL: as above. */
void tl_config_set_http (tl_script *s, const tl_http_hooks *hooks);

#endif
