/* core/web/health.c — /healthz and /readyz: for whoever restarts a process, or sends it work. */
#include "base/json_write.h"
#include "base/visible.h"
#include "web/web_impl.h"

void tl_web_healthz (request *r) {
  tl_web_answer_text(r, 200, TL_WEB_JSON, "{\"status\":\"ok\"}\n");
}

/* Why a line is not ready; NULL: it is. */
static const char *trouble (const tl_line *line, const tl_link_stats *st) {
  if (!tl_line_wanted(line) || (line->connected && line->subscribed)) return NULL;
  if (line->connected) return "not yet subscribed";
  return st->last_error[0] != '\0' ? st->last_error : st->state;
}

static void add_line (tl_buf *out, const tl_line *line, const tl_link_stats *st, const char *why) {
  tl_buf plain;
  tl_buf_init(&plain);
  tl_visible(&plain, tl_slice_str(why ? why : ""), false);
  tl_member_open(out, NULL, '{');
  tl_member_word(out, "line", line->name);
  tl_member_flag(out, "ready", !why);
  tl_member_word(out, "state", st->state);
  if (why) tl_member_text(out, "reason", tl_buf_bytes(&plain));
  tl_buf_byte(out, '}');
  out->failed = out->failed || plain.failed;
  tl_buf_fini(&plain);
}

void tl_web_readyz (request *r) {
  const tl_model *m = tl_gateway_model(r->web->gateway);
  tl_buf lines, out;
  bool ready = true;
  tl_buf_init(&lines);
  tl_buf_init(&out);
  tl_buf_byte(&lines, '[');
  for (uint32_t i = 0; i < m->line_count && !lines.failed; i++) {
    tl_link_stats st;
    tl_link_get_stats(tl_line_link(m->lines[i]), &st);
    const char *why = trouble(m->lines[i], &st);
    ready = ready && !why;
    add_line(&lines, m->lines[i], &st, why);
  }
  tl_member_open(&out, NULL, '{');
  tl_member_flag(&out, "ready", ready);
  if (r->known) {
    tl_member(&out, "lines");
    tl_buf_slice(&out, tl_buf_bytes(&lines));
    tl_buf_byte(&out, ']');
  }
  tl_buf_str(&out, "}\n");
  out.failed = out.failed || lines.failed;
  tl_buf_fini(&lines);
  tl_web_answer(r, ready ? 200 : 503, TL_WEB_JSON, &out);
}
