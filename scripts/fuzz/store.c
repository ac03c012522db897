/* scripts/fuzz/store.c — libFuzzer target of session_store: the input is a store's file and its
** write-ahead log, as a disk might give them back. Whatever is in them, opening, reading and
** writing end in an error or in records that are what the interface promises. */
#include <string.h>

#include "folder.h"
#include "session_store/store.h"

#define LINE TL_LIT("plant")
#define CLIENT TL_LIT("me")

static void check (bool holds) {
  if (!holds) abort();
}

typedef struct {
  int seen;
  uint64_t last; /* sequence */
  char kind;
} walk;

static int on_record (void *ctx, char kind, uint64_t sequence, uint16_t id, tl_slice bytes,
                      tl_err *err) {
  static volatile uint8_t sum;
  walk *w = ctx;
  (void)id, (void)err;
  check(kind == TL_STORE_MESSAGE || kind == TL_STORE_RECEIVED || kind == TL_STORE_FILTER);
  if (kind == TL_STORE_MESSAGE && w->kind == kind) check(sequence > w->last);
  w->kind = kind;
  w->last = sequence;
  for (size_t i = 0; i < bytes.len; i++) sum = sum ^ bytes.at[i]; /* all of it can be read */
  return ++w->seen > 1000 ? TL_EFULL : TL_OK;
}

/* Read all of it, add to it, take away from it. */
static void use (tl_store *s, tl_err *err) {
  walk w = { .seen = 0 };
  if (tl_store_load(s, on_record, &w, err) != TL_OK) return;
  tl_store_put(s, TL_STORE_MESSAGE, UINT64_MAX >> 2, 7, TL_LIT("a message"));
  tl_store_put(s, TL_STORE_RECEIVED, 0, 8, TL_LIT(""));
  tl_store_put(s, TL_STORE_FILTER, 0, 0, TL_LIT("a/#"));
  if (tl_store_write(s, err) != TL_OK) return;
  tl_store_delete(s, TL_STORE_RECEIVED, 0, 8, TL_LIT(""));
  tl_store_commit(s, err);
}

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size) {
  if (size < 4) return 0;
  make_folder();
  char name[200], wal[208];
  tl_buf path;
  tl_buf_init(&path);
  check(tl_store_path(&path, TL_LIT(""), LINE, CLIENT) == TL_OK);
  size_t head = path.at[0] == '/'; /* no folder was named */
  snprintf(name, sizeof name, "%.*s", (int)(path.len - head), (const char *)path.at + head);
  tl_buf_fini(&path);
  snprintf(wal, sizeof wal, "%s-wal", name);

  size_t log = (size_t)data[0] << 16 | (size_t)data[1] << 8 | data[2];
  data += 3;
  size -= 3;
  if (log > size) log = 0;
  write_file(name, data, size - log);
  unlink(in_folder(wal));
  if (log > 0) write_file(wal, data + size - log, log);

  tl_err err = { .text = "" };
  tl_store *s = NULL;
  tl_slice in = { (const uint8_t *)folder, strlen(folder) };
  int rc = tl_store_open(&s, in, LINE, CLIENT, &err);
  check(rc == TL_OK || err.text[0]);
  if (rc == TL_OK) use(s, &err);
  if (rc == TL_OK) tl_store_close(s);
  return 0;
}
