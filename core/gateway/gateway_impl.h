/* core/gateway/gateway_impl.h — private to gateway/: the owner of all running lines. Each
** sub-struct serves one purpose, and is written only by the file that its comment names. */
#ifndef TL_GATEWAY_GATEWAY_IMPL_H
#define TL_GATEWAY_GATEWAY_IMPL_H

#include "gateway/gateway.h"
#include "gateway/offline.h"
#include "gateway/prepare.h"
#include "transport/transport.h"

typedef struct tl_found tl_found;

/* Start and end: written by gateway.c, but for what is said. */
typedef struct {
  bool started, stopping;
  uint64_t attempt_turn; /* when connect.c made the last attempt that calls functions */
  uint32_t open_links;   /* open sockets that tl_gateway_stop() waits for; connect.c counts down */
  void (*stopped)(void *ctx); /* flush.c calls it once, and sets it to NULL */
  void *ctx;
} tl_gateway_life;

/* The values stream: written by gateway.c. */
typedef struct {
  tl_sink *sink; /* NULL: nobody reads it */
  tl_observer observer;
  bool lost; /* its reader is gone for good: nothing is acknowledged any more */
} tl_values_stream;

/* Who gets news: written by observers.c. */
typedef struct {
  tl_observer *observers;     /* those with `acts` set stand behind the others */
  struct tl_news_walk *walks; /* calls of observers that are under way */
  bool listening;             /* some observer wants messages */
  /* some observer that only looks wants values; some observer that acts wants them */
  bool looking, acting;
} tl_news;

/* The end of this wake-up: written by flush.c. */
typedef struct {
  bool asked;
  bool blocked;   /* values are not printed or stored: nothing is read, nothing acknowledged */
  bool unsettled; /* they were not stored at the last flush */
  /* links that have something to do: at the next flush; in the present one */
  tl_link *busy, *flushing;
} tl_gateway_flush;

/* The message that is being handled: written by receive.c, exchanged by long_message.c. */
typedef struct {
  tl_link *link; /* the line whose message the user's functions are handling; NULL: none */
  tl_slice topic;
  bool stored; /* its values are in the spool already (once.h) */
} tl_current;

/* Up to which value number the spool is written. store 0: there is no spool. */
typedef struct {
  uint64_t store, next;
} tl_place;

/* What is known of the spool: written by once.c. */
typedef struct {
  tl_place place;
  tl_found *found; /* marks that an earlier process left in the spool */
  tl_link *due;    /* links whose store may have something to hear at the end of this wake-up */
} tl_gateway_once;

/* Lines whose long message waits for its next piece, the longest waiting first: written by
** long_message.c. */
typedef struct {
  tl_link *first, *last;
} tl_gateway_longs;

/* Takes what would be published: written by offline.c. NULL: there is a network. */
typedef struct {
  tl_offline_published *published;
  void *ctx;
} tl_gateway_offline;

/* Publishes: written by write.c. */
typedef struct {
  struct tl_write *first; /* not ended yet, any order */
  tl_sent *describe;      /* tl_gateway_describe(), or NULL */
} tl_gateway_writes;

struct tl_gateway {
  tl_loop *loop;
  tl_transports *transports;
  tl_model *model;
  tl_handlers handlers; /* the user's functions, with handlers_ctx: set once, by gateway.c */
  void *handlers_ctx;
  tl_gateway_life life;
  tl_values_stream values;
  tl_news news;
  tl_gateway_flush flush;
  tl_current current;
  tl_gateway_once once;
  tl_gateway_longs longs;
  tl_gateway_offline offline;
  tl_gateway_writes writes;
  tl_prepare_room prepare_room; /* prepare.c: buffers for payloads that `prepare` repairs */
  bool dry;                     /* gateway.c, prepare.c: inside explain, nothing is written */
  tl_link *saying_goodbye;      /* goodbye.c: whose before_disconnect is running; NULL: none */
  int unsaved;                  /* session_store.c: links whose store has changes to commit */
  uint64_t generation;          /* apply.c, instance.c, gateway.c: see tl_gateway_generation() */
  struct tl_gone *gone;         /* burial.c: lines whose stations are still to be freed */
  uint32_t random;              /* connect.c: state of the generator that spreads attempts */
};

/* Set the model's hook for Full Debug as the lines want it. */
void tl_gateway_refresh_trace (tl_gateway *g);

/* Give back the functions of a station or a line (handlers.release); *user becomes NULL. */
void tl_gateway_give_back (tl_gateway *g, void **user);

/* --- the end of a wake-up (flush.c) --- */

void tl_gateway_ask_flush (tl_gateway *g); /* the values, and the links that asked */
/* Now, if it was asked for: to be called at the end of a wake-up alone. */
void tl_gateway_flush_now (tl_gateway *g);
void tl_gateway_forget_flush (tl_gateway *g);
/* Are all values of earlier messages printed and stored, so that the messages may be
** acknowledged? Tries to print and store them first. */
bool tl_gateway_values_are_out (tl_gateway *g);
/* Stop or go on reading and acknowledging: the values are not, or are again, printed and stored. */
void tl_gateway_block (tl_gateway *g, bool blocked);

#endif
