/* core/script/loaded.h — private to reload.c and reloading.c: the config that runs, and the one
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

/* Of one load. */
typedef struct {
  tl_buf text; /* what is told, a line each */
  bool first;  /* the start of the process: nothing runs yet */
  bool dry;
} tl_report;

struct tl_loaded {
  char *path;
  tl_source *files;
  size_t file_count;
  /* SHA-256 of all their texts in the order of reading, as `cat FILES | sha256sum` has it */
  char hash[SHA256_DIGEST_STRING_LENGTH];
  int64_t at; /* ms since 1970 */
  uint64_t reloads;
  tl_buf problems; /* of the last reload, when it was refused; empty: it was taken */
  int64_t refused_at;
  tl_buf warnings; /* of the config that runs, a line each */

  /* reloading.c */
  struct tl_reload_waiting *waiting; /* who asked for a reload that has not begun */
  struct tl_reload *now;             /* under way; NULL: none */
};

/* Reads the config anew and applies it (dry: only compares). Returns whether it was taken (or could
** be); the report says what changed, or what is wrong. */
bool tl_load_config (tl_script *s, tl_report *r);
void tl_reload_drop (struct tl_loaded *l); /* reloading.c: nobody waits any more */

#endif
