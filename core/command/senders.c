/* core/command/senders.c — see senders.h. A new kind of outlet is a row here. What this program is
** built without is a problem of the config (config/outlets.lua), which never gets here. */
#include "command/senders.h"

#include <stdio.h>

#include "history/sender.h"
#ifdef TAGLINE_HAS_POSTGRES
#include "postgres/sender.h"
#endif
#ifdef TAGLINE_NATS
#include "nats/sender.h"
#endif

struct tl_sender_maker {
  const char *name;
  const tl_sender *kind; /* NULL: this program is built without it */
  const char *option;    /* of CMake, with which it is built */
  /* The sender. A negative code: err says why. */
  int (*make)(void **sender, tl_outlet *o, const tl_outlet_config *c, uint64_t spool, tl_err *err);
  void (*tune)(void *sender, const tl_outlet_config *c); /* NULL: nothing changes */
};

static int make_history (void **sender, tl_outlet *o, const tl_outlet_config *c, uint64_t spool,
                         tl_err *err) {
  tl_history_sender *made;
  tl_buf path;
  tl_buf_init(&path);
  tl_buf_slice(&path, c->file);
  tl_buf_byte(&path, '\0');
  int rc = path.failed ? TL_ENOMEM
                       : tl_history_sender_new(&made, o, (const char *)path.at, c->keep_ms, spool);
  tl_buf_fini(&path);
  if (rc < 0) return tl_fail(err, rc, 0, "no memory for the history");
  *sender = made;
  return TL_OK;
}

static void tune_history (void *sender, const tl_outlet_config *c) {
  tl_history_sender_set_keep(sender, c->keep_ms);
}

#ifdef TAGLINE_HAS_POSTGRES
static int make_postgres (void **sender, tl_outlet *o, const tl_outlet_config *c, uint64_t spool,
                          tl_err *err) {
  tl_postgres_sender *made;
  tl_postgres_options options = { c->postgres, c->password, c->schema, c->keep_ms, spool };
  int rc = tl_postgres_sender_new(&made, o, &options);
  if (rc < 0) return tl_fail(err, rc, 0, "no memory for PostgreSQL");
  *sender = made;
  return TL_OK;
}

static void tune_postgres (void *sender, const tl_outlet_config *c) {
  tl_postgres_sender_set_keep(sender, c->keep_ms);
}
#endif

#ifdef TAGLINE_NATS
static int make_nats (void **sender, tl_outlet *o, const tl_outlet_config *c, uint64_t spool,
                      tl_err *err) {
  tl_nats_sender *made;
  int rc = tl_nats_sender_new(&made, o, c, spool);
  if (rc < 0) return tl_fail(err, rc, 0, "no memory for outlet '%.*s'", TL_ARG(c->name));
  *sender = made;
  return TL_OK;
}
#endif

static const tl_sender_maker makers[] = {
  { "history", &tl_history_kind, "", make_history, tune_history },
#ifdef TAGLINE_HAS_POSTGRES
  { "postgres", &tl_postgres_kind, "", make_postgres, tune_postgres },
#else
  { "postgres", NULL, "TAGLINE_POSTGRES", NULL, NULL },
#endif
#ifdef TAGLINE_NATS
  { "nats", &tl_nats_kind, "TAGLINE_NATS", make_nats, NULL },
#else
  { "nats", NULL, "TAGLINE_NATS", NULL, NULL },
#endif
};

static const tl_sender_maker *find (tl_slice kind) {
  for (size_t i = 0; i < sizeof makers / sizeof makers[0]; i++)
    if (tl_slice_eq(tl_slice_str(makers[i].name), kind)) return &makers[i];
  return NULL;
}

int tl_sender_make (tl_outlet **out, void **sender, const tl_sender_maker **maker, tl_loop *loop,
                    tl_spool *spool, const tl_outlet_config *c, tl_err *err) {
  const tl_sender_maker *m = find(c->kind);
  char name[64];
  snprintf(name, sizeof name, "%.*s", TL_ARG(c->name));
  if (!m || !m->kind)
    return tl_fail(err, TL_ENOENT, 0,
                   "outlet '%s': this program is built without %.*s: rebuild it with -D%s=ON", name,
                   TL_ARG(c->kind), m ? m->option : "?");
  tl_outlet *o;
  int rc = tl_outlet_new(&o, loop, spool, name, m->kind, err);
  if (rc < 0) return rc;
  rc = m->make(sender, o, c, tl_spool_id(spool), err);
  if (rc < 0) {
    tl_outlet_discard(o);
    return rc;
  }
  *out = o;
  *maker = m;
  return TL_OK;
}

bool tl_sender_is_tuned (const tl_sender_maker *maker) { return maker->tune != NULL; }

void tl_sender_tune (const tl_sender_maker *maker, void *sender, const tl_outlet_config *c) {
  if (maker->tune) maker->tune(sender, c);
}

const char *tl_sender_history (const tl_sender_maker *maker, const void *sender) {
  return maker->kind == &tl_history_kind ? tl_history_sender_path(sender) : NULL;
}

bool tl_sender_stored (const tl_sender_maker *maker, const void *sender, tl_history_facts *out) {
  if (maker->kind != &tl_history_kind) return false;
  tl_history_sender_get(sender, out);
  return true;
}
