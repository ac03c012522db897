/* core/script/loaded.h — private to reload.c and reloading.c: the running config, and the one
** that is being read. */
#ifndef TL_SCRIPT_LOADED_H
#define TL_SCRIPT_LOADED_H

#include <sha2.h>
#include <sys/types.h>

#include "sandbox/pieces.h"
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

  /* reloading.c */
  struct tl_reload_waiting *waiting; /* reloads that were asked for and have not begun */
  struct tl_reload *now;             /* the reload under way; NULL: none */
};

/* Read the config and apply it (dry: only compare). Returns whether it was, or could be,
** applied; the report tells what changed, or what is wrong. */
bool tl_load_config (tl_script *s, tl_report *r);
/* reloading.c: forget everybody who waits for a reload */
void tl_reload_drop (struct tl_loaded *l);

#endif
