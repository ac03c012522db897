/* core/outlet/config.h — where values go, as the config says it. All texts are borrowed. */
#ifndef TL_OUTLET_CONFIG_H
#define TL_OUTLET_CONFIG_H

#include "base/slice.h"
#include "outlet/outlet.h"

typedef struct {
  tl_slice name; /* unique */
  tl_slice kind; /* "history", "postgres" or "nats" */
  int64_t keep_ms;
  tl_slice file;                       /* history */
  tl_slice postgres, password, schema; /* postgres; the password of nats, too */
  tl_slice nats, stream, subject, user, tls_ca_file;
  const tl_slice *tags; /* nats: patterns of tags' names; none: all */
  size_t tag_count;
} tl_outlet_config;

typedef struct {
  tl_slice spool; /* its folder */
  uint64_t spool_max;
  bool spool_hold;
  const tl_outlet_config *outlets;
  size_t count; /* 0: nothing goes out, and there is no spool */
} tl_outlets_config;

/* How the spool is. */
typedef struct {
  uint64_t bytes, max_bytes;
  uint64_t values;      /* that were put into it */
  const char *why;      /* it cannot be written, and nothing is acknowledged; "" while it can */
  const char *unsynced; /* why the disk does not sync it; "" while it does */
  double rate;          /* bytes a second that are written */
  double lasts; /* seconds until it is full at that rate, while nothing is read; 0: not known */
} tl_spool_facts;

/* How the embedded history's file is, as of the last work on it. */
typedef struct {
  uint64_t bytes;    /* with its log; 0: not opened yet */
  uint64_t log_held; /* bytes of the log, while it cannot begin anew; 0: it can */
  int64_t oldest_ms; /* the time of its oldest value; INT64_MAX: it has none */
} tl_history_facts;

/* A reload: who hears what changes, a line of words each; dry: nothing is done. */
typedef struct {
  void (*changed)(void *ctx, const char *change); /* NULL: nobody */
  void *ctx;
  bool dry;
} tl_outlets_change;

/* Whoever carries values out, for the room that reads configs. */
typedef struct tl_outlet_hooks {
  /* Run the outlets of this config. Outlets that did not change continue; a changed one is started
  ** again, with the same cursor. `change` is NULL at the start of the process. False: *err says
  ** why. At the start the process then ends; at a reload the other outlets run. */
  bool (*apply)(void *ctx, const tl_outlets_config *config, const tl_outlets_change *change,
                tl_err *err);
  /* The path of the embedded history; NULL: there is none. Borrowed until the next apply(). */
  const char *(*history)(void *ctx);
  /* How each outlet is, and the spool: false when there is none. */
  void (*each)(void *ctx, void (*one)(void *arg, const tl_outlet_facts *f), void *arg);
  bool (*spool)(void *ctx, tl_spool_facts *out);
  /* The embedded history's; false when there is none. */
  bool (*stored)(void *ctx, tl_history_facts *out);
  void *ctx;
} tl_outlet_hooks;

#endif
