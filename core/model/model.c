/* core/model/model.c — the lines of a process, and finding things by full name. Must not know
** what stations do. */
#include "model/model.h"

#include <stdlib.h>

int tl_model_new (tl_model **out, const tl_model_hooks *hooks, void *ctx) {
  tl_model *m = calloc(1, sizeof *m);
  if (!m) return TL_ENOMEM;
  if (hooks) m->hooks = *hooks;
  m->ctx = ctx;
  m->parts.now = INT64_MIN;
  tl_map_init(&m->by_name);
  tl_buf_init(&m->scratch);
  if (tl_plan_pool_new(&m->plans) != TL_OK) {
    free(m);
    return TL_ENOMEM;
  }
  *out = m;
  return TL_OK;
}

void tl_line_free (tl_line *line) {
  if (!line) return;
  while (line->station_count > 0)
    tl_line_remove_station(line, line->stations[line->station_count - 1]);
  tl_map_fini(&line->by_name);
  free(line->stations);
  free(line->name);
  free(line);
}

void tl_model_free (tl_model *m) {
  if (!m) return;
  for (uint32_t i = 0; i < m->line_count; i++) tl_line_free(m->lines[i]);
  free(m->lines);
  tl_map_fini(&m->by_name);
  tl_plan_pool_free(m->plans);
  tl_buf_fini(&m->scratch);
  free(m->slots);
  free(m);
}

static int reserve_line (tl_model *m) {
  if (m->line_count < m->line_cap) return TL_OK;
  uint32_t cap = m->line_cap ? m->line_cap * 2 : 4;
  tl_line **more = realloc(m->lines, cap * sizeof(tl_line *));
  if (!more) return TL_ENOMEM;
  m->lines = more;
  m->line_cap = cap;
  return TL_OK;
}

int tl_model_add_line (tl_model *m, tl_slice name, tl_line **out) {
  if (tl_model_line(m, name)) return TL_EEXIST;
  if (reserve_line(m) != TL_OK) return TL_ENOMEM;
  tl_line *line = calloc(1, sizeof *line);
  if (!line) return TL_ENOMEM;
  line->model = m;
  line->due = line->simulate_at = line->later = INT64_MAX;
  tl_map_init(&line->by_name);
  line->name = malloc(name.len + 1);
  if (line->name) {
    if (name.len) memcpy(line->name, name.at, name.len);
    line->name[name.len] = 0;
  }
  if (!line->name || tl_map_put(&m->by_name, tl_slice_of(line->name, name.len), line) != TL_OK) {
    tl_line_free(line);
    return TL_ENOMEM;
  }
  m->lines[m->line_count++] = line;
  m->line_changes++;
  *out = line;
  return TL_OK;
}

void tl_model_take_line (tl_model *m, tl_line *line) {
  uint32_t i = 0;
  while (i < m->line_count && m->lines[i] != line) i++;
  if (i == m->line_count) return;
  tl_map_del(&m->by_name, tl_slice_str(line->name));
  m->line_count--;
  m->line_changes++;
  memmove(m->lines + i, m->lines + i + 1, (m->line_count - i) * sizeof(tl_line *));
}

void tl_model_remove_line (tl_model *m, tl_line *line) {
  tl_model_take_line(m, line);
  tl_line_free(line);
}

/* --- finding --- */

tl_line *tl_model_line (const tl_model *m, tl_slice name) { return tl_map_get(&m->by_name, name); }

static bool cut (tl_slice *rest, tl_slice *first) { /* at the first dot: names hold none */
  const uint8_t *dot = rest->len ? memchr(rest->at, '.', rest->len) : NULL;
  if (!dot) return false;
  *first = tl_slice_of(rest->at, (size_t)(dot - rest->at));
  *rest = tl_slice_of(dot + 1, rest->len - first->len - 1);
  return true;
}

tl_station *tl_model_station (const tl_model *m, tl_slice full_name) {
  tl_slice first, rest = full_name;
  tl_line *line = cut(&rest, &first) ? tl_model_line(m, first) : NULL;
  return line ? tl_line_station(line, rest) : NULL;
}

tl_tag *tl_model_tag (const tl_model *m, tl_slice full_name) {
  tl_slice name, station, rest = full_name;
  if (!cut(&rest, &name) || !cut(&rest, &station)) return NULL;
  tl_line *line = tl_model_line(m, name);
  tl_station *s = line ? tl_line_station(line, station) : NULL;
  return s ? tl_station_tag(s, rest) : NULL;
}
