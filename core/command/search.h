/* core/command/search.h — looks for an earlier line while its letters are typed (Ctrl-R). Knows no
** terminal: keys in, a line to show out. */
#ifndef TL_COMMAND_SEARCH_H
#define TL_COMMAND_SEARCH_H

#include "base/buf.h"

typedef struct {
  tl_buf typed;   /* UTF-8 */
  tl_buf found;   /* the line; empty: none */
  size_t skipped; /* newer lines that hold `typed`, and were passed over */
} tl_search;

/* The lines, newest first: at 0 the last one; NULL when there is none. Borrowed until the next. */
typedef const char *tl_search_lines (void *ctx, size_t at);

typedef enum { TL_SEARCH_ON, TL_SEARCH_RUN, TL_SEARCH_EDIT, TL_SEARCH_LEAVE } tl_search_end;

void tl_search_init (tl_search *s);
void tl_search_fini (tl_search *s);
/* A key, as its character; control characters as terminals send them. What is to be done now: go
** on; run the found line; put it where it can be edited; leave the line as it was. */
tl_search_end tl_search_key (tl_search *s, uint32_t key, tl_search_lines *lines, void *ctx);
/* What to show, in at most `columns` columns of ASCII width. */
void tl_search_show (const tl_search *s, size_t columns, tl_buf *out);

#endif
