/* core/postgres/columns.h — rows as one array for each column, in PostgreSQL's binary format. Pure:
** values in, bytes out. */
#ifndef TL_POSTGRES_COLUMNS_H
#define TL_POSTGRES_COLUMNS_H

#include "outlet/outlet.h"

/* In the order of the parameters of the function store() (schema.c). */
typedef enum {
  TL_PG_TAG,
  TL_PG_TIME,
  TL_PG_N,
  TL_PG_STATE,
  TL_PG_NUMBER,
  TL_PG_WHOLE,
  TL_PG_TEXT,
  TL_PG_BYTES,
  TL_PG_ARRIVAL,
  TL_PG_COLUMNS
} tl_pg_column;

typedef struct {
  tl_buf array[TL_PG_COLUMNS];
  uint32_t written[TL_PG_COLUMNS]; /* elements so far; those behind them are NULL */
  uint32_t nulls[TL_PG_COLUMNS];   /* of these */
  uint32_t rows;
} tl_pg_columns;

/* A value with what the loop over many of them would have to look for elsewhere. */
typedef struct {
  const tl_outlet_value *value;
  uint32_t tag; /* its id in the database */
  uint8_t type; /* of its series */
} tl_pg_row;

void tl_pg_columns_init (tl_pg_columns *c);
void tl_pg_columns_fini (tl_pg_columns *c);
void tl_pg_columns_clear (tl_pg_columns *c);
/* Can PostgreSQL hold a time (ms since 1970)? From 4713 BC to 294276 AD. */
#define TL_PG_FIRST_MS (-INT64_C(210866803200000))
#define TL_PG_LAST_MS INT64_C(9224318015999999)
static inline bool tl_pg_can_time (int64_t ms) {
  return ms >= TL_PG_FIRST_MS && ms <= TL_PG_LAST_MS;
}
/* Add rows. Their times must be possible. */
void tl_pg_columns_add (tl_pg_columns *c, const tl_pg_row *rows, uint32_t count);
/* The parameters: a column without any value is NULL. False: there was no memory. */
bool tl_pg_columns_get (tl_pg_columns *c, const char *values[TL_PG_COLUMNS],
                        int lengths[TL_PG_COLUMNS]);
/* OIDs of the parameters' types. */
extern const unsigned tl_pg_column_types[TL_PG_COLUMNS];

#endif
