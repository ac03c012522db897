/* spec/session_store/folder.h — a folder of its own for each spec, and what specs do with
** stores. */
#ifndef SPEC_STORE_FOLDER_H
#define SPEC_STORE_FOLDER_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <dirent.h>
#include <sys/stat.h>
#include <unistd.h>

#include "session_store/store.h"

static char folder[256];

static void remove_files (void) {
  char path[600];
  DIR *dir = opendir(folder);
  for (struct dirent *e; dir != NULL && (e = readdir(dir)) != NULL;) {
    snprintf(path, sizeof path, "%s/%s", folder, e->d_name);
    if (e->d_name[0] != '.') unlink(path);
  }
  if (dir != NULL) closedir(dir);
}

static int new_folder (void **state) {
  (void)state;
  const char *base = getenv("TMPDIR");
  snprintf(folder, sizeof folder, "%s/tagline-store.XXXXXX", base != NULL ? base : "/tmp");
  return mkdtemp(folder) == NULL;
}

static int drop_folder (void **state) {
  (void)state;
  remove_files();
  return rmdir(folder);
}

static inline tl_store *open_as (const char *line, const char *client) {
  tl_store *s;
  tl_err err = { .text = "" };
  if (tl_store_open(&s, tl_slice_str(folder), tl_slice_str(line), tl_slice_str(client), &err) !=
      TL_OK)
    fail_msg("%s", err.text);
  return s;
}

static inline tl_store *open_store (void) { return open_as("plant", "me"); }

/* Everything in it, as text: "f a/#|i 7|o 3 12 hello|". */
static inline int append (void *ctx, char kind, uint64_t sequence, uint16_t id, tl_slice bytes,
                          tl_err *err) {
  char *text = ctx;
  size_t at = strlen(text);
  (void)err;
  if (kind == TL_STORE_MESSAGE)
    snprintf(text + at, 4000 - at, "o %llu %u %.*s|", (unsigned long long)sequence, id,
             TL_ARG(bytes));
  else if (kind == TL_STORE_RECEIVED)
    snprintf(text + at, 4000 - at, "i %u|", id);
  else if (kind == TL_STORE_TAKEN)
    snprintf(text + at, 4000 - at, "t %u %llu|", id, (unsigned long long)sequence);
  else
    snprintf(text + at, 4000 - at, "f %.*s|", TL_ARG(bytes));
  return TL_OK;
}

static inline const char *content (tl_store *s) {
  static char text[4000];
  tl_err err = { .text = "" };
  text[0] = '\0';
  if (tl_store_load(s, append, text, &err) != TL_OK) fail_msg("%s", err.text);
  return text;
}

static inline void commit (tl_store *s) {
  tl_err err = { .text = "" };
  if (tl_store_commit(s, &err) != TL_OK) fail_msg("%s", err.text);
}

static inline void put_message (tl_store *s, uint64_t sequence, uint16_t id, const char *bytes) {
  tl_store_put(s, TL_STORE_MESSAGE, sequence, id, tl_slice_str(bytes));
}

#endif
