/* core/gateway/session_store.c — session_store: what a line's session must remember when the
** process is killed. Must not know how it is kept on disk.
**
** The session reports each change, which goes into the store's batch. The batch is committed
** before anything leaves the process that could tell of the change: before any line's bytes go
** to a socket, and before a console or stderr gets text from a script.
** So one sync serves all changes of a wake-up, and whatever was seen outside is on the disk.
**
** The values stream is written between the write and the sync of the batch. After the write a
** kill loses nothing; the sync protects against a power failure, and takes time.
** So a QoS 2 value is never printed before its identifier is safe from a kill, and the time is
** short in which the identifier is stored but the value is not printed yet.
**
** While a store does not work (in use, damaged, disk full) its line is not connected, accepts
** no writes, and tries again. What the session holds stays in memory until the disk takes it. */
#include "base/log.h"
#include "gateway/once_impl.h"
#include "gateway/link_impl.h"

/* A record of the session is passed on as it is. */
_Static_assert((int)TL_STORE_MESSAGE == (int)TL_RECORD_MESSAGE &&
                   (int)TL_STORE_RECEIVED == (int)TL_RECORD_RECEIVED &&
                   (int)TL_STORE_FILTER == (int)TL_RECORD_FILTER,
               "the session and its store name the kinds of records alike");

enum { TRY_AGAIN_MS = 1000 }; /* a write asks a failing disk again only after this time */

static bool wants (const tl_line_params *p) {
  return p->session_store.len > 0 && !p->clean_session && p->client_id.len > 0;
}

/* The path of the store that the parameters name; empty: none. TL_OK, TL_ENOMEM. */
static int path_of (const tl_link *l, tl_buf *path) {
  const tl_line_params *p = &l->params;
  return wants(p) ? tl_store_path(path, p->session_store, tl_slice_str(l->line->name), p->client_id)
                  : TL_OK;
}

static void set_dirty (tl_link *l, bool dirty) {
  if (l->keep.dirty == dirty) return;
  l->keep.dirty = dirty;
  l->gateway->unsaved += dirty ? 1 : -1;
}

/* What the session reports goes into the store's batch at once, with one exception: a received
** QoS 2 identifier waits until its message's values are in the spool (once.c). `gone`: the
** record is deleted. */
void tl_link_remember (void *ctx, char kind, uint64_t sequence, uint16_t id, tl_slice bytes,
                       bool gone) {
  tl_link *l = ctx;
  tl_persistence *k = &l->keep;
  if (!k->store) return;
  if (kind == TL_STORE_RECEIVED &&
      (k->anew ? tl_pending_is_unwritten(l, id) : tl_pending_received(l, id, gone))) {
    tl_gateway_ask_flush(l->gateway);
    return;
  }
  if (gone)
    tl_store_delete(k->store, kind, sequence, id, bytes);
  else
    tl_store_put(k->store, kind, sequence, id, bytes);
  if (gone && kind == TL_STORE_MESSAGE && sequence < k->restored_end && --k->restored == 0)
    tl_log(TL_LOG_INFO, TL_LINK_SCOPE(l), "all writes of the previous process are settled");
  if (k->failed) return; /* tl_link_store_ready() commits it when the disk works again */
  set_dirty(l, true);
  tl_gateway_ask_flush(l->gateway);
}

void tl_link_session_lost (tl_link *l) {
  if (!tl_pending_session_lost(l) || l->keep.failed) return;
  set_dirty(l, true);
  tl_gateway_ask_flush(l->gateway);
}

/* --- committing --- */

static int save (tl_link *l, int (*how)(tl_store *s, tl_err *err)) {
  tl_persistence *k = &l->keep;
  /* a change is missing in the batch: the session reports its whole state again */
  if (tl_store_is_broken(k->store)) {
    tl_store_begin_anew(k->store);
    tl_pending_begin_anew(l);
    /* Identifiers that wait for the spool are left out of this report: tl_pending_put() adds them
    ** later. */
    k->anew = true;
    tl_session_store_all(l->session);
    k->anew = false;
  }
  int rc = how(k->store, &k->why);
  k->failed = rc < 0;
  if (rc >= 0) tl_pending_written(l);
  if (rc < 0 || how == tl_store_commit) set_dirty(l, false);
  if (rc < 0) k->retry_at = tl_loop_now(l->gateway->loop) + TRY_AGAIN_MS;
  return rc;
}

static int save_or_fail (tl_link *l, int (*how)(tl_store *s, tl_err *err)) {
  int rc = save(l, how);
  if (rc < 0 && l->conn.transport && l->conn.state != TL_LINK_CLOSING)
    tl_link_fail(l, "%s", l->keep.why.text);
  else if (rc < 0)
    tl_log(TL_LOG_ERROR, TL_LINK_SCOPE(l), "%s", l->keep.why.text);
  return rc;
}

static int save_all (tl_gateway *g, bool also_received, int (*how)(tl_store *s, tl_err *err),
                     tl_err *err) {
  int result = TL_OK;
  for (uint32_t i = 0; i < g->model->line_count && g->unsaved > 0; i++) {
    tl_link *l = g->model->lines[i]->user;
    if (!l || !l->keep.dirty || (!also_received && tl_store_has_received(l->keep.store))) continue;
    if (save_or_fail(l, how) < 0)
      result = tl_fail(err, l->keep.why.code, 0, "%s", l->keep.why.text);
  }
  return result;
}

/* Received identifiers are written last. If a kill comes between, the message is delivered
** again, which is better than losing a write that its handler made on another line. */
int tl_gateway_write_stores (tl_gateway *g, tl_err *err) {
  int rc = save_all(g, false, tl_store_write, err), last = save_all(g, true, tl_store_write, err);
  return last < 0 ? last : rc;
}

int tl_gateway_commit (tl_gateway *g, tl_err *err) {
  if (g->unsaved == 0) return TL_OK;
  int rc = tl_gateway_write_stores(g, err);
  if (g->values.sink) {
    /* This commit comes in the middle of a wake-up, before the flush. Print first, since a
    ** kill may come during the sync. */
    tl_sink_flush(g->values.sink);
    /* the flush decides what may leave now that the reader has everything */
    tl_gateway_ask_flush(g);
  }
  int last = save_all(g, true, tl_store_commit, err);
  return last < 0 ? last : rc;
}

/* Put received identifiers into the batches. A commit in the middle of a wake-up does not do
** this: the values are not in the spool yet, and after a kill they would be lost. */
void tl_gateway_put_received (tl_gateway *g) {
  /* called at each wake-up, however many lines there are */
  for (tl_link *l = g->once.due, *next; l; l = next) {
    next = l->keep.due.next;
    if (tl_pending_put(l)) set_dirty(l, !l->keep.failed);
  }
}

/* --- opening --- */

typedef struct {
  tl_link *link;
  tl_session *session;
  uint64_t end;
  uint32_t messages, received, filters;
  uint64_t place_store, place_next;
} restoring;

static int restore (void *ctx, char kind, uint64_t sequence, uint16_t id, tl_slice bytes,
                    tl_err *err) {
  restoring *r = ctx;
  if (kind == TL_STORE_TAKEN) {
    tl_pending_restore(r->link, id, sequence);
    return TL_OK;
  }
  int rc = tl_session_restore(r->session, kind, sequence, id, bytes);
  if (rc < 0)
    return tl_fail(err, rc, 0,
                   "session_store: a record cannot be restored (%d); move the file away to start "
                   "with an empty session",
                   rc);
  if (kind == TL_STORE_MESSAGE) {
    r->messages++;
    r->end = sequence + 1;
  } else if (kind == TL_STORE_RECEIVED) {
    r->received++;
  } else {
    r->filters++;
  }
  return TL_OK;
}

/* Open the store and read the session from it. The line has accepted no writes so far, so its
** present session is empty. It is replaced only after everything was read. */
static int open_store (tl_link *l) {
  tl_persistence *k = &l->keep;
  restoring r = { .link = l };
  tl_store *store = NULL;
  tl_session *empty = l->session;
  int rc = tl_store_open(&store, l->params.session_store, tl_slice_str(l->line->name),
                         l->params.client_id, &k->why);
  if (rc < 0) return rc;
  rc = tl_link_make_session(l, &r.session);
  rc = rc < 0 ? tl_fail(&k->why, rc, 0, "session_store: no memory")
              : tl_store_load(store, restore, &r, &k->why);
  if (rc < 0) {
    if (r.session) tl_session_free(r.session);
    tl_pending_free(l);
    tl_store_close(store);
    return rc;
  }
  tl_session_go_on_counting(r.session, empty);
  l->session = r.session;
  l->sessions++;
  k->store = store;
  k->restored = r.messages;
  k->restored_end = r.end;
  tl_store_get_place(store, &r.place_store, &r.place_next);
  tl_pending_opened(l, r.place_store, r.place_next);
  tl_session_free(empty);
  if (r.messages + r.received + r.filters > 0)
    tl_log(TL_LOG_INFO, TL_LINK_SCOPE(l),
           "from session_store: %u unconfirmed writes, %u received identifiers, %u topic filters",
           (unsigned)r.messages, (unsigned)r.received, (unsigned)r.filters);
  return TL_OK;
}

int tl_link_store_ready (tl_link *l, bool at_once, tl_err *err) {
  tl_persistence *k = &l->keep;
  if (k->path.len == 0 || (k->store && !k->failed)) return TL_OK;
  int64_t now = tl_loop_now(l->gateway->loop);
  if (at_once || now >= k->retry_at) {
    int rc = !k->store ? open_store(l) : save(l, tl_store_commit);
    if (rc == TL_OK) return TL_OK;
    k->retry_at = now + TRY_AGAIN_MS;
  }
  return tl_fail(err, k->why.code, 0, "%s", k->why.text);
}

/* --- coming and going --- */

int tl_link_store_moved (tl_link *l, bool *moved) {
  tl_buf path;
  tl_buf_init(&path);
  int rc = path_of(l, &path);
  *moved = rc == TL_OK && !tl_slice_eq(tl_buf_bytes(&path), tl_buf_bytes(&l->keep.path));
  if (*moved) {
    tl_link_store_close(l);
    l->keep.path = path;
  } else {
    tl_buf_fini(&path);
  }
  return rc;
}

void tl_link_store_close (tl_link *l) {
  tl_persistence *k = &l->keep;
  if (k->store && tl_observers_settled(l->gateway)) tl_pending_put(l);
  if (k->store && save(l, tl_store_commit) < 0)
    tl_log(TL_LOG_ERROR, TL_LINK_SCOPE(l), "%s: what was not stored yet is lost", k->why.text);
  tl_store_close(k->store);
  tl_pending_free(l);
  tl_buf_fini(&k->path);
  memset(k, 0, sizeof *k);
}
