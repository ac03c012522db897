/* core/config/loaded_impl.h — private to config/: the running config, the one that is being
** read, and what the files of this room call of each other. */
#ifndef TL_CONFIG_LOADED_IMPL_H
#define TL_CONFIG_LOADED_IMPL_H

#include <sha2.h>
#include <sys/types.h>

#include "sandbox/pieces.h"
#include "config/config.h"
#include "script/script.h"

/* One file that the config was read from. */
typedef struct {
  char *path;
  int64_t mtime_ns;
  off_t size;
  ino_t inode;
} tl_source;

/* The report of one load. */
typedef struct {
  tl_buf text; /* the messages, one in a line */
  bool first;  /* the start of the process: no config runs yet */
  bool dry;
  bool given_up; /* the process ends: what was not read to its end is no news */
} tl_report;

struct tl_loaded {
  char *path;
  tl_source *files;
  size_t file_count;
  /* SHA-256 of the texts of all files in the order of reading, as `cat FILES | sha256sum`
  ** prints it. */
  char hash[SHA256_DIGEST_STRING_LENGTH];
  int64_t at; /* when the config was read, ms since 1970 */
  uint64_t reloads;
  tl_buf problems; /* of the last reload if it was refused; empty: it was applied */
  int64_t refused_at;
  tl_buf warnings; /* of the running config, one in a line */
  tl_err http;     /* why the last reload could not open what its http says; text "": it could */

  /* reloading.c */
  struct tl_reload_waiting *waiting; /* reloads that were asked for and have not begun */
  struct tl_reload *now;             /* the reload under way; NULL: none */
};

extern const char tl_config_ends[]; /* why a config is not read to its end */
/* Read the config and apply it (dry: only compare). Returns whether it was, or could be,
** applied; the report tells what changed, or what is wrong. */
bool tl_load_config (tl_script *s, tl_report *r);
/* reloading.c: call the listeners */
void tl_reload_tell (const tl_script *s, tl_reload_phase phase);
/* reload.c: free what is known of files, and whoever waits for a reload */
void tl_loaded_free (tl_script *s);

/* compile.c: compile(text, name, env), which does the same as load(text, name, "t", env) */
int tl_compile (lua_State *L);
/* outlets.c: raises if the outlets of the draft at stack index `draft` cannot be started. */
void tl_config_apply_outlets (lua_State *L, tl_script *s, int draft,
                              const tl_outlets_change *change);
/* http.c: raises if the HTTP server of the draft at stack index `draft` cannot be started. */
void tl_config_apply_http (lua_State *L, tl_script *s, int draft, const tl_outlets_change *change);

/* reloading.c: forget everybody who waits for a reload */
void tl_reload_drop (struct tl_loaded *l);

#endif
