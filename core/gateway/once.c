/* core/gateway/once.c — see once.h. Must not know how values are kept. */
#include "gateway/once.h"

#include <stdlib.h>
#include <string.h>

#include "gateway/once_impl.h"
#include "gateway/link_impl.h"

/* A received QoS 2 message that the line's store does not know completely. Which of these are set
** says what the store is to hear at the end of a wake-up, when the spool is written (put):
**
**   confirmed, whole or not    RECEIVED: its identifier. Then this is dropped
**   whole, not confirmed       TAKEN: its values are stored, but it may come again (ACK_ID waits)
**   neither                    nothing */
struct tl_pending {
  uint64_t sum;      /* hash of the message; valid when `whole` is set */
  uint16_t id;       /* of the packet */
  bool whole;        /* the message was delivered, with all of its values */
  bool confirmed;    /* the session keeps the identifier */
  bool received_put; /* RECEIVED is in the store's batch */
  bool taken_put;    /* TAKEN is in the store, or in its batch */
  bool found;        /* an earlier process stored the values: they are not stored again */
};

/* A mark that was found in the spool before its line has opened its store. */
struct tl_found {
  struct tl_found *next;
  uint64_t number, sum;
  uint16_t id;
  size_t line_len;
  char line[];
};

/* The sum is written to disk, so every version of the program must compute the same. */
static uint64_t mix (uint64_t sum, tl_slice bytes) {
  const uint64_t prime = 0x100000001b3u;
  uint64_t word;
  size_t at = 0;
  for (; bytes.len - at >= sizeof word; at += sizeof word) {
    memcpy(&word, bytes.at + at, sizeof word);
    sum = (sum ^ word) * prime;
    sum ^= sum >> 29;
  }
  for (; at < bytes.len; at++) sum = (sum ^ bytes.at[at]) * prime;
  return (sum ^ bytes.len) * prime;
}

static uint64_t sum_of (const tl_incoming *m) {
  return mix(mix(0xcbf29ce484222325u, m->topic), m->payload);
}

static tl_pending *find (const tl_link *l, uint16_t id) {
  for (uint32_t i = 0; i < l->keep.pending_count; i++)
    if (l->keep.pending[i].id == id) return &l->keep.pending[i];
  return NULL;
}

static tl_pending *add (tl_link *l, uint16_t id) {
  tl_persistence *k = &l->keep;
  tl_pending *known = find(l, id);
  if (known) return known;
  if (k->pending_count == k->pending_cap) {
    uint32_t cap = k->pending_cap > 0 ? k->pending_cap * 2 : 32;
    tl_pending *more = realloc(k->pending, cap * sizeof *more);
    if (!more) return NULL;
    k->pending = more;
    k->pending_cap = cap;
  }
  k->pending[k->pending_count] = (tl_pending){ .id = id };
  return &k->pending[k->pending_count++];
}

static void drop (tl_link *l, tl_pending *p) { *p = l->keep.pending[--l->keep.pending_count]; }

/* The store no longer needs the record that the values of p are stored. */
static void forget_note (tl_link *l, tl_pending *p) {
  if (p->taken_put) tl_store_delete(l->keep.store, TL_STORE_TAKEN, 0, p->id, tl_slice_of(NULL, 0));
  p->taken_put = false;
}

static bool is_kept (const tl_link *l) {
  return l->keep.store && l->gateway->once.place.store != 0;
}

/* --- links whose store may have something to hear --- */

static void set_due (tl_link *l) {
  tl_link_entry *e = &l->keep.due;
  if (e->at) return;
  e->at = &l->gateway->once.due;
  e->next = *e->at;
  if (e->next) e->next->keep.due.at = &e->next;
  *e->at = l;
}

static void set_not_due (tl_link *l) {
  tl_link_entry *e = &l->keep.due;
  if (!e->at) return;
  *e->at = e->next;
  if (e->next) e->next->keep.due.at = e->at;
  *e = (tl_link_entry){ NULL, NULL };
}

/* --- the session's side --- */

bool tl_pending_received (tl_link *l, uint16_t id, bool gone) {
  if (!is_kept(l)) return false;
  tl_pending *p = gone ? find(l, id) : add(l, id);
  /* it is in the store, or there was no memory: then the values may be stored twice */
  if (!p) return false;
  if (!gone) {
    p->confirmed = true;
    set_due(l);
    return true;
  }
  bool put = p->received_put;
  p->confirmed = p->received_put = false;
  if (!p->whole) {
    forget_note(l, p);
    drop(l, p);
  }
  set_due(l);
  return !put;
}

void tl_pending_whole (tl_link *l, const tl_incoming *m) {
  if (!is_kept(l)) return;
  tl_pending *p = add(l, m->id);
  if (!p) return;
  uint64_t sum = sum_of(m);
  /* the identifier was used for another message: it needs a new record */
  if (p->sum != sum) p->taken_put = false;
  p->sum = sum;
  p->whole = true;
  p->found = false;
  set_due(l);
}

/* True: an earlier process was killed after it wrote the message's values and before it stored
** the identifier. The message is handled once more, by tags and handlers, but the spool does not
** get its values again: outlet/collect.c asks tl_gateway_is_stored(). */
bool tl_pending_is_found (const tl_link *l, const tl_incoming *m) {
  const tl_pending *p = l->keep.pending_count > 0 ? find(l, m->id) : NULL;
  return p && p->found && p->sum == sum_of(m);
}

bool tl_pending_session_lost (tl_link *l) {
  bool any = false;
  for (uint32_t i = l->keep.pending_count; i > 0; i--) {
    tl_pending *p = &l->keep.pending[i - 1];
    any |= p->taken_put;
    p->whole = p->found = false;
    forget_note(l, p);
    if (!p->received_put) drop(l, p);
  }
  return any;
}

/* --- the store's side --- */

/* Put what the store should know of p into its batch. True: there is something to write. */
static bool put (tl_link *l, tl_pending *p) {
  const tl_slice none = { NULL, 0 };
  if (p->received_put || p->id == l->keep.delivering) return false;
  if (p->confirmed) {
    tl_store_put(l->keep.store, TL_STORE_RECEIVED, 0, p->id, none);
    forget_note(l, p);
    return p->received_put = true;
  }
  if (!p->whole || p->taken_put) return false;
  tl_store_put(l->keep.store, TL_STORE_TAKEN, p->sum, p->id, none);
  return p->taken_put = true;
}

bool tl_pending_put (tl_link *l) {
  tl_persistence *k = &l->keep;
  bool any = k->place_due;
  if (k->delivering == 0 || !k->store) set_not_due(l);
  if (!k->store || (k->pending_count == 0 && !any)) return false;
  for (uint32_t i = 0; i < k->pending_count; i++)
    if (put(l, &k->pending[i])) any = true;
  if (any) tl_store_put_place(k->store, l->gateway->once.place.store, l->gateway->once.place.next);
  k->place_due = false;
  return any;
}

void tl_pending_written (tl_link *l) {
  for (uint32_t i = l->keep.pending_count; i > 0; i--)
    if (l->keep.pending[i - 1].received_put) drop(l, &l->keep.pending[i - 1]);
}

/* What the store's batch had of these, or the store itself, belongs to values that are written:
** it goes into the new batch at once. Between two batches a kill would find neither. */
void tl_pending_begin_anew (tl_link *l) {
  const tl_slice none = { NULL, 0 };
  for (uint32_t i = 0; i < l->keep.pending_count; i++) {
    const tl_pending *p = &l->keep.pending[i];
    if (p->received_put) tl_store_put(l->keep.store, TL_STORE_RECEIVED, 0, p->id, none);
    if (p->taken_put) tl_store_put(l->keep.store, TL_STORE_TAKEN, p->sum, p->id, none);
  }
}

bool tl_pending_is_unwritten (const tl_link *l, uint16_t id) { return find(l, id); }

void tl_pending_restore (tl_link *l, uint16_t id, uint64_t sum) {
  tl_pending *p = add(l, id);
  if (p) *p = (tl_pending){ .id = id, .sum = sum, .whole = true, .taken_put = true, .found = true };
}

/* A mark counts if the store knows the same spool, and has not yet heard of the mark's values.
** From here on the marks are kept with the line. */
static void take_marks (tl_link *l, uint64_t next) {
  for (const tl_found *f = l->gateway->once.found; f; f = f->next) {
    tl_slice line = tl_slice_of(f->line, f->line_len);
    if (f->number < next || !tl_slice_eq(line, tl_slice_str(l->line->name))) continue;
    tl_pending *p = add(l, f->id);
    if (!p) continue;
    if (p->sum != f->sum) p->taken_put = false;
    p->sum = f->sum;
    p->whole = p->found = true;
  }
}

void tl_pending_opened (tl_link *l, uint64_t store, uint64_t next) {
  uint64_t now = l->gateway->once.place.store;
  if (now != 0 && store == now) {
    take_marks(l, next);
  } else {
    /* the values were written to another spool than the present one: they count as not stored */
    for (uint32_t i = l->keep.pending_count; i > 0; i--) {
      forget_note(l, &l->keep.pending[i - 1]);
      drop(l, &l->keep.pending[i - 1]);
    }
  }
  l->keep.place_due = now != 0 || store != 0;
  set_due(l);
  tl_gateway_ask_flush(l->gateway);
}

void tl_pending_free (tl_link *l) {
  set_not_due(l);
  free(l->keep.pending);
  l->keep.pending = NULL;
  l->keep.pending_count = l->keep.pending_cap = 0;
}

/* --- the observer's side --- */

void tl_gateway_set_place (tl_gateway *g, uint64_t store, uint64_t next) {
  bool fresh = g->once.place.store != store;
  g->once.place = (tl_place){ store, next };
  for (uint32_t i = 0; fresh && i < g->model->line_count; i++) {
    tl_link *l = g->model->lines[i]->user;
    if (!l || !l->keep.store) continue;
    l->keep.place_due = true;
    set_due(l);
  }
}

void tl_gateway_found_mark (tl_gateway *g, uint64_t number, const tl_message_mark *r) {
  tl_found *f = malloc(sizeof *f + r->line.len);
  if (!f) return;
  *f = (tl_found){ g->once.found, number, r->sum, r->id, r->line.len };
  if (r->line.len > 0) memcpy(f->line, r->line.at, r->line.len);
  g->once.found = f;
}

void tl_gateway_forget_found (tl_gateway *g) {
  for (tl_found *f; (f = g->once.found);) {
    g->once.found = f->next;
    free(f);
  }
}

/* A line whose store is not open yet: marks that an earlier process left for it are carried on,
** since the next process reads those of the last batch only. */
static void carry_found (const tl_gateway *g, const tl_link *l,
                         void (*one)(void *ctx, const tl_message_mark *r), void *ctx) {
  for (const tl_found *f = g->once.found; f; f = f->next) {
    tl_message_mark r = { tl_slice_of(f->line, f->line_len), f->id, f->sum };
    if (tl_slice_eq(r.line, tl_slice_str(l->line->name))) one(ctx, &r);
  }
}

void tl_gateway_each_mark (const tl_gateway *g, void (*one)(void *ctx, const tl_message_mark *r),
                           void *ctx) {
  for (uint32_t i = 0; i < g->model->line_count; i++) {
    const tl_link *l = g->model->lines[i]->user;
    if (l && g->once.found && l->keep.path.len > 0 && !l->keep.store) carry_found(g, l, one, ctx);
    for (uint32_t k = 0; l && k < l->keep.pending_count; k++) {
      const tl_pending *p = &l->keep.pending[k];
      tl_message_mark r = { tl_slice_str(l->line->name), p->id, p->sum };
      if (p->whole && (!p->taken_put || l->keep.failed)) one(ctx, &r);
    }
  }
}

bool tl_gateway_is_stored (const tl_gateway *g) { return g->current.stored; }
