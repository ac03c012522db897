/* core/repl/watch_lines.c — the lines that watch() shows: a new value, a message. What a device
** sends must not control the terminal. */
#include <string.h>

#include "base/format.h"
#include "base/json_write.h"
#include "base/utf8.h"
#include "gateway/message_json.h"
#include "repl/watch_impl.h"

enum {
  EXCERPT = 100, /* bytes of a payload or value that a line shows */
  HEX_EXCERPT = 24,
  NAME_MAX_WIDTH = 60 /* columns to which names are padded at most */
};

static void add_time (tl_buf *out, int64_t wall_ms, int64_t now_ms) {
  size_t start = out->len;
  tl_time_format(out, wall_ms);
  if (out->failed || wall_ms / 86400000 != now_ms / 86400000) return;
  size_t date = sizeof "2026-11-22T" - 1; /* cut today's date off the time */
  memmove(out->at + start, out->at + start + date, out->len - start - date);
  out->len -= date;
}

/* Append UTF-8 with its control characters made visible: what a device sends must not control
** the terminal. */
static void add_plain (tl_buf *out, tl_slice text) {
  for (size_t i = 0; i < text.len; i++) {
    uint8_t c = text.at[i];
    bool c1 = c == 0xC2 && i + 1 < text.len && text.at[i + 1] < 0xA0;
    if (c == '\n')
      tl_buf_str(out, "\\n");
    else if (c < 0x20 || c == 0x7f)
      tl_buf_fmt(out, "\\x%02x", c);
    else if (c1)
      tl_buf_fmt(out, "\\x%02x\\x%02x", c, text.at[++i]);
    else
      tl_buf_byte(out, c);
  }
}

/* Append the beginning of a text in quotes, or of other bytes in hexadecimal. */
static void add_bytes (tl_buf *out, tl_slice bytes) {
  bool text = tl_utf8_valid(bytes) && !memchr(bytes.at ? (const char *)bytes.at : "", 0, bytes.len);
  size_t shown = bytes.len;
  if (text) {
    if (shown > EXCERPT) shown = tl_utf8_prefix(bytes.at, EXCERPT);
    add_plain(out, tl_slice_of(bytes.at, shown));
  } else {
    if (shown > HEX_EXCERPT) shown = HEX_EXCERPT;
    tl_buf_str(out, "hex");
    for (size_t i = 0; i < shown; i++) tl_buf_fmt(out, " %02x", bytes.at[i]);
  }
  if (shown < bytes.len) tl_buf_fmt(out, "… (%zu bytes)", bytes.len);
}

static void pad (tl_buf *out, tl_watch *w, size_t len) {
  int width = len > NAME_MAX_WIDTH ? NAME_MAX_WIDTH : (int)len;
  if (width > w->width) w->width = width;
  for (int i = (int)len; i < w->width; i++) tl_buf_byte(out, ' ');
}

void tl_watch_add_tag (tl_watch *w, const tl_tag *t, const char *name) {
  const tl_tagdef *d = tl_tag_def(t);
  tl_buf *out = &w->out;
  if (w->json) {
    tl_tag_stream(t, out);
    return;
  }
  add_time(out, t->time_ms, tl_clock_wall_ms());
  tl_buf_fmt(out, "  %s", name);
  pad(out, w, strlen(name));
  tl_buf_str(out, "  ");
  if (t->status == TL_VALID && (d->type == TL_TXTI || d->type == TL_TXTO))
    add_bytes(out, t->value.text);
  else if (t->status == TL_VALID)
    tl_tag_value_json(t, out);
  if (t->status == TL_VALID && d->unit && d->unit[0] != '\0') tl_buf_fmt(out, " %s", d->unit);
  if (t->status != TL_VALID)
    tl_buf_fmt(out, "%s (%s)", tl_status_name(t->status), tl_reason_name(t->reason));
  tl_buf_byte(out, '\n');
}

static void add_where (tl_buf *out, const tl_link *l, const tl_station *s, tl_fate fate) {
  const char *line = tl_link_line(l)->name;
  switch (fate) {
    case TL_FATE_TAKEN: tl_buf_fmt(out, "%s.%s", line, s->name); break;
    case TL_FATE_OFF:
      tl_buf_fmt(out, "%s.%s, which is %s", line, s->name, s->off ? "off" : "in simulation");
      break;
    case TL_FATE_RETAINED: tl_buf_str(out, "ignored: it is retained"); break;
    case TL_FATE_WILL: tl_buf_str(out, "a station's will"); break;
    case TL_FATE_REFUSED: tl_buf_str(out, "no station: max_instances"); break;
    default: tl_buf_str(out, "no station"); break;
  }
}

static void add_message_json (tl_buf *out, const tl_link *l, const tl_incoming *m,
                              const tl_station *s, tl_fate fate) {
  static const char *const fates[] = { "taken", "unrouted", "will", "off", "refused", "retained" };
  const char *line = tl_link_line(l)->name;
  tl_message_json_begin(out, line, m);
  tl_member_word(out, "fate", fates[fate]);
  if (s) tl_member_name(out, "station", tl_slice_str(line), tl_slice_str(s->name));
  tl_message_json_end(out, m->payload);
}

void tl_watch_add_message (tl_watch *w, const tl_link *l, const tl_incoming *m, const tl_station *s,
                           tl_fate fate) {
  tl_buf *out = &w->out;
  if (w->json) {
    add_message_json(out, l, m, s, fate);
    return;
  }
  add_time(out, m->wall, m->wall);
  tl_buf_str(out, "  ");
  add_plain(out, m->topic);
  pad(out, w, m->topic.len);
  tl_buf_fmt(out, "  QoS %u%s%s", m->qos, m->retain ? " retain" : "", m->dup ? " dup" : "");
  if (m->id != 0) tl_buf_fmt(out, " id %u", m->id);
  tl_buf_str(out, "  → ");
  add_where(out, l, s, fate);
  tl_buf_fmt(out, "  %zu byte%s: ", m->payload.len, m->payload.len == 1 ? "" : "s");
  add_bytes(out, m->payload);
  tl_buf_byte(out, '\n');
}
