/* core/postgres/sender.h — a history in PostgreSQL as an outlet. */
#ifndef TL_POSTGRES_SENDER_H
#define TL_POSTGRES_SENDER_H

#include "outlet/outlet.h"

typedef struct tl_postgres_sender tl_postgres_sender;

extern const tl_sender tl_postgres_kind;

typedef struct {
  tl_slice conninfo; /* libpq's connection string */
  tl_slice password; /* may be empty */
  tl_slice schema;
  int64_t keep_ms; /* 0: for ever */
  uint64_t spool;  /* tl_spool_id */
} tl_postgres_options;

/* All texts are copied. TL_ENOMEM. */
int tl_postgres_sender_new (tl_postgres_sender **out, tl_outlet *o,
                            const tl_postgres_options *options);
/* Another depth, from the next step on. */
void tl_postgres_sender_set_keep (tl_postgres_sender *s, int64_t keep_ms);

#endif
