/* core/gateway/offline.c — feeds messages from a file or a spec through the same routing and
** the same stations as messages from a broker. */
#include "gateway/offline.h"

#include "gateway/filters_impl.h"
#include "gateway/link_impl.h"
#include "base/topic.h"

bool tl_gateway_is_offline (const tl_gateway *g) { return g->offline.published; }

void tl_offline_begin (tl_gateway *g, tl_offline_published *published, void *ctx, int64_t now,
                       int64_t wall) {
  g->offline.published = published;
  g->offline.ctx = ctx;
  for (uint32_t i = 0; i < g->model->line_count; i++) {
    tl_line_up(g->model->lines[i], now, wall);
    tl_line_settle(g->model->lines[i], now, wall);
  }
}

int64_t tl_offline_tick (tl_gateway *g, int64_t now, int64_t wall) {
  int64_t due = INT64_MAX;
  for (uint32_t i = 0; i < g->model->line_count; i++) {
    tl_link *l = g->model->lines[i]->user;
    l->time.now = now;
    l->time.wall = wall;
    l->time.status_due = tl_line_tick(l->line, now, wall);
    if (l->time.status_due < due) due = l->time.status_due;
  }
  return due;
}

static void feed (tl_link *l, const tl_incoming *m, tl_offline_fed *fed) {
  if (!tl_filters_take(&l->filters, m->topic)) {
    fed->filtered++;
    return;
  }
  uint64_t unrouted = l->routing.unrouted, refused = l->routing.instances_refused;
  l->time.now = m->now;
  l->time.wall = m->wall;
  l->pace.handled = 0;
  l->routing.messages++;
  l->ack.station = NULL;
  tl_recorder_add(&l->recorder, (size_t)l->params.recorder, m);
  tl_link_deliver(l, m);
  if (l->routing.unrouted > unrouted || l->routing.instances_refused > refused)
    fed->unrouted++;
  else
    fed->taken++;
}

int tl_offline_feed (tl_gateway *g, tl_slice line, const tl_incoming *m, tl_offline_fed *fed,
                     tl_err *err) {
  *fed = (tl_offline_fed){ 0 };
  bool found = false;
  int rc = tl_topic_check(m->topic, err);
  for (uint32_t i = 0; i < g->model->line_count && rc >= 0; i++) {
    tl_link *l = g->model->lines[i]->user;
    if (line.at && !tl_slice_eq(line, tl_slice_str(l->line->name))) continue;
    found = true;
    feed(l, m, fed);
  }
  if (rc >= 0 && !found && line.at)
    return tl_fail(err, TL_ENOENT, 0, "there is no line '%.*s'", TL_ARG(line));
  return rc;
}
