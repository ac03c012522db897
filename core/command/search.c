/* core/command/search.c — see search.h. */
#include "command/search.h"

#include "base/visible.h"

enum { CTRL_C = 3, CTRL_G = 7, BACKSPACE = 8, TAB = 9, NEWLINE = 10, RETURN = 13, CTRL_R = 18 };
enum { ESCAPE = 27, DELETE = 127 };

void tl_search_init (tl_search *s) {
  tl_buf_init(&s->typed);
  tl_buf_init(&s->found);
  s->skipped = 0;
}

void tl_search_fini (tl_search *s) {
  tl_buf_fini(&s->typed);
  tl_buf_fini(&s->found);
}

static bool holds (const char *line, tl_slice typed) {
  return typed.len > 0 && memmem(line, strlen(line), typed.at, typed.len);
}

/* The line behind `skipped` others that hold what was typed; lines alike count once. */
static bool find_match (tl_search *s, tl_search_lines *lines, void *ctx) {
  size_t left = s->skipped;
  tl_buf last;
  tl_buf_init(&last);
  bool found = false;
  const char *line;
  for (size_t at = 0; !found && (line = lines(ctx, at)); at++) {
    if (!holds(line, tl_buf_bytes(&s->typed))) continue;
    if (tl_slice_eq(tl_buf_bytes(&last), tl_slice_str(line))) continue;
    if (left-- == 0) {
      tl_buf_clear(&s->found);
      tl_buf_str(&s->found, line);
      found = !s->found.failed;
      break;
    }
    tl_buf_clear(&last);
    tl_buf_str(&last, line);
  }
  tl_buf_fini(&last);
  return found;
}

static void add_char (tl_buf *out, uint32_t c) {
  if (c < 0x80) {
    tl_buf_byte(out, (uint8_t)c);
  } else if (c < 0x800) {
    tl_buf_byte(out, (uint8_t)(0xC0 | c >> 6));
    tl_buf_byte(out, (uint8_t)(0x80 | (c & 0x3F)));
  } else if (c < 0x10000) {
    tl_buf_byte(out, (uint8_t)(0xE0 | c >> 12));
    tl_buf_byte(out, (uint8_t)(0x80 | (c >> 6 & 0x3F)));
    tl_buf_byte(out, (uint8_t)(0x80 | (c & 0x3F)));
  } else {
    tl_buf_byte(out, (uint8_t)(0xF0 | (c >> 18 & 7)));
    tl_buf_byte(out, (uint8_t)(0x80 | (c >> 12 & 0x3F)));
    tl_buf_byte(out, (uint8_t)(0x80 | (c >> 6 & 0x3F)));
    tl_buf_byte(out, (uint8_t)(0x80 | (c & 0x3F)));
  }
}

static void renew (tl_search *s, tl_search_lines *lines, void *ctx) {
  s->skipped = 0;
  if (!find_match(s, lines, ctx)) tl_buf_clear(&s->found);
}

tl_search_end tl_search_key (tl_search *s, uint32_t key, tl_search_lines *lines, void *ctx) {
  switch (key) {
    case RETURN:
    case NEWLINE: return s->found.len > 0 ? TL_SEARCH_RUN : TL_SEARCH_LEAVE;
    case CTRL_C:
    case CTRL_G: return TL_SEARCH_LEAVE;
    case TAB:
    case ESCAPE: return s->found.len > 0 ? TL_SEARCH_EDIT : TL_SEARCH_LEAVE;
    case CTRL_R:
      s->skipped++;
      if (!find_match(s, lines, ctx)) s->skipped--;
      return TL_SEARCH_ON;
    case BACKSPACE:
    case DELETE:
      while (s->typed.len > 0 && (s->typed.at[--s->typed.len] & 0xC0) == 0x80) continue;
      renew(s, lines, ctx);
      return TL_SEARCH_ON;
    default:
      if (key < 32) return s->found.len > 0 ? TL_SEARCH_EDIT : TL_SEARCH_LEAVE;
      add_char(&s->typed, key);
      renew(s, lines, ctx);
      return TL_SEARCH_ON;
  }
}

void tl_search_show (const tl_search *s, size_t columns, tl_buf *out) {
  static const char keys[] = "  (Enter: run it, Tab: edit it, Ctrl-R: older, Ctrl-G: leave)";
  size_t start = out->len;
  tl_buf_str(out, "earlier line with: ");
  tl_visible(out, tl_buf_bytes(&s->typed), false);
  if (s->found.len > 0) {
    tl_buf_str(out, "  >  ");
    tl_visible(out, tl_buf_bytes(&s->found), false);
  } else if (s->typed.len > 0) {
    tl_buf_str(out, "  (there is none)");
  }
  if (out->failed) return;
  if (out->len - start + sizeof keys - 1 <= columns) tl_buf_str(out, keys);
  if (out->len - start <= columns) return;
  size_t len = start + columns;
  while (len > start && (out->at[len] & 0xC0) == 0x80) len--;
  out->len = len;
}
