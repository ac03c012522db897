/* core/postgres/sender_impl.h — private to postgres/: the sender's life, and its batch. */
#ifndef TL_POSTGRES_SENDER_IMPL_H
#define TL_POSTGRES_SENDER_IMPL_H

#include "postgres/attempt.h"
#include "postgres/columns.h"
#include "postgres/conn.h"
#include "postgres/sender.h"
#include "postgres/tags.h"

/* Values at once. What a batch costs beside its values, mostly threads that wake each other, is
** worth 2,000 of them. So many hold the loop for 0.6 ms. */
enum { TL_PG_MOST = 20000, TL_PG_LEAST_PIECE = 100, TL_PG_ANSWER_MS = 60000 };

/* A partition that is there: [from, to) in ms. */
typedef struct {
  int64_t from, to;
} tl_pg_period;

/* What is needed of a tag for each of its values. */
typedef struct {
  tl_pg_tag *tag;  /* NULL: it did not come in this segment yet */
  int64_t keep_ms; /* INT64_MAX: for ever */
  uint32_t id;     /* the tag's in the database; 0: not known yet */
  uint8_t type;
} tl_pg_slot;

/* The batch under way. */
typedef struct {
  const tl_outlet_batch *batch; /* NULL: none */
  uint32_t *rows;               /* those of its values that go: indexes, TL_PG_MOST at most */
  uint32_t count, at;           /* of them; rows below `at` are stored */
  uint32_t piece;               /* how many go at once; halved around a row that is refused */
  uint32_t sent;
  /* the rows that were sent are the last of the batch, and the position is sent with them */
  bool whole;
  uint32_t too_old;  /* of its values */
  bool alone;        /* the last row goes without the position: one of the two was refused */
  bool bare;         /* the server refuses a unit or description: tags are stored without them */
  tl_pg_slot *slots; /* by series id in this segment */
  uint64_t segment;  /* 0: whatever they say is to be looked at again */
  uint32_t slot_cap;
  bool unknown, unplaced; /* some tag has no id yet; some time has no partition yet */
  bool filled;            /* the columns hold all rows */
  tl_pg_columns columns;
} tl_pg_batch;

struct tl_postgres_sender {
  tl_outlet *outlet;
  char *conninfo, *password, *schema;
  char spool[20]; /* in hexadecimal digits */
  int64_t keep_ms;
  tl_pg_attempt *attempt; /* one of the two, or none */
  tl_pg *conn;
  bool ready, busy, closing; /* busy: a step is under way */
  int races;
  int from_version;
  bool has_schema;
  tl_pg_tags tags;
  tl_pg_period *periods;
  uint32_t period_count, period_cap;
  bool periods_full; /* the database makes no more: the rest takes it */
  tl_pg_batch b;
  int64_t trimmed_at; /* tl_loop_now; -1: not since it was opened */
  uint32_t locked;    /* times in a row that another session's lock was in the way */
};

/* sender.c: the step failed and nothing goes on: away, and connected anew. */
void tl_pg_sender_fail (tl_postgres_sender *s, const tl_pg_answer *a);
void tl_pg_sender_away (tl_postgres_sender *s, const char *why);

/* store.c: take the batch; the connection is open and not busy. */
void tl_pg_store (tl_postgres_sender *s);
/* setup.c: look at the schema of a new connection, make it where it is not there; then
** tl_outlet_ready(). */
void tl_pg_setup (tl_postgres_sender *s);
int tl_pg_add_period (tl_postgres_sender *s, int64_t from, int64_t to);

#endif
