/* core/history/reader_impl.h — private to history/: a history as who reads it holds it. */
#ifndef TL_HISTORY_READER_IMPL_H
#define TL_HISTORY_READER_IMPL_H

#include "history/history_impl.h"

struct tl_history_reader {
  sqlite3 *db;
  char *path;
};

/* reader.c: what SQLite said last, as a negative code with its text. */
int tl_history_reader_fail (const tl_history_reader *r, tl_err *err);

#endif
