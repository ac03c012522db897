/* core/payload/json_grammar.h — the grammar of RFC 8259, once, for the three files that read
** whole documents. Must not know what they do with it.
**
** Included after the file has defined a type `visit` and these hooks, which become part of the
** loop:
**   int on_key (visit *v, tl_slice raw, bool escaped)           a member's key; the value
**   follows
**   void on_element (visit *v)                                  an array's element follows
**   const uint8_t *pass_elements (visit *v, const tl_json_scan *s, const uint8_t *p, unsigned
**   depth)                                                      or some are passed (tl_json_pass)
**   int on_open (visit *v, const uint8_t *from, bool array)     VISIT_ENTER, VISIT_SKIP or
**   VISIT_STOP
**   int on_close (visit *v, const uint8_t *behind, bool array)
**   int on_scalar (visit *v, tl_json_value value)
** where any int but VISIT_ENTER ends the reading, with NULL and no failure noted. No recursion:
** a level costs one byte. */
#ifndef TL_PAYLOAD_JSON_GRAMMAR_H
#define TL_PAYLOAD_JSON_GRAMMAR_H

#include "payload/json_scan.h"

enum { VISIT_ENTER, VISIT_SKIP, VISIT_STOP };

/* Read the value at p (not a blank), which lies `depth` levels deep. The byte behind it, or
** NULL. `closed`: see json_scan.h. */
TL_HOT const uint8_t *grammar (tl_json_scan *s, visit *v, const uint8_t *p, unsigned depth,
                               bool closed) {
  uint8_t arrays[TL_JSON_DEPTH]; /* for each level around the current one: is it an array? */
  const unsigned base = depth;
  bool array = false, plain;
  const uint8_t *from;
  uint8_t c = tl_json_peek(s, p, closed);
  tl_json_value value;
  tl_json_block block = tl_json_block_at(s, p);

value:
  from = p;
  switch (tl_json_class[c]) {
    case TL_C_QUOTE:
      if (!(p = tl_json_string(s, &block, p, &plain, closed))) return NULL;
      value =
          (tl_json_value){ TL_JSON_STRING, plain, false, 0, { from + 1, (size_t)(p - from) - 2 } };
      break;
    case TL_C_NUMBER:
      if (!(p = tl_json_number(s, p, &plain, closed))) return NULL;
      value = (tl_json_value){ TL_JSON_NUMBER, false, plain, 0, { from, (size_t)(p - from) } };
      break;
    case TL_C_LITERAL: {
      tl_json_type type;
      if (!(p = tl_json_literal(s, p, &type))) return NULL;
      value = (tl_json_value){ (uint8_t)type, false, false, 0, { from, (size_t)(p - from) } };
      break;
    }
    case TL_C_OBJECT:
    case TL_C_ARRAY:
      if (depth == TL_JSON_DEPTH) return tl_json_bad(s, p, "at most 512 levels");
      switch (on_open(v, p, c == '[')) {
        case VISIT_ENTER: break;
        case VISIT_SKIP:
          if (!(p = closed ? tl_json_skip_closed(s, p, depth) : tl_json_skip(s, p, depth)))
            return NULL;
          goto behind;
        default: return NULL;
      }
      arrays[depth++] = array;
      array = c == '[';
      p++;
      c = tl_json_token(s, &p, closed);
      if (c == (array ? ']' : '}')) goto close;
      if (array) {
        if (tl_json_class[c] == TL_C_NOTHING) return tl_json_bad(s, p, "a value or ']'");
        on_element(v);
        goto value;
      }
      if (c != '"') return tl_json_bad(s, p, "a key in quotes or '}'");
      goto key;
    case TL_C_BLANK: c = tl_json_token(s, &p, closed); goto value;
    default: return tl_json_bad(s, p, "a value");
  }
  if (on_scalar(v, value) != VISIT_ENTER) return NULL;
  if (depth == base) return p;

next: /* the byte that fits is looked for before blanks are */
  c = tl_json_peek(s, p, closed);
  if (c != ',') c = tl_json_token(s, &p, closed);
  if (c == ',') {
    p++;
    if (closed && array && (from = pass_elements(v, s, p, depth))) {
      p = from;
      goto next;
    }
    c = tl_json_peek(s, p, closed);
    if (array) {
      on_element(v);
      goto value;
    }
    if (c != '"' && tl_json_token(s, &p, closed) != '"')
      return tl_json_bad(s, p, "a key in quotes");
    goto key;
  }
  if (c != (array ? ']' : '}')) return tl_json_bad(s, p, array ? "',' or ']'" : "',' or '}'");

close:
  p++;
  if (on_close(v, p, array) != VISIT_ENTER) return NULL;
  array = arrays[--depth];
behind:
  if (depth == base) return p;
  if (p == s->end) return tl_json_bad(s, p, array ? "',' or ']'" : "',' or '}'");
  goto next;

key:
  from = p + 1;
  if (!(p = tl_json_string(s, &block, p, &plain, closed))) return NULL;
  if (on_key(v, tl_slice_of(from, (size_t)(p - from) - 1), plain) != VISIT_ENTER) return NULL;
  if (tl_json_peek(s, p, closed) != ':' && tl_json_token(s, &p, closed) != ':')
    return tl_json_bad(s, p, "':'");
  p++;
  c = tl_json_peek(s, p, closed);
  goto value;
}

/* A whole document: blanks, one value, blanks. The end, or NULL. */
TL_HOT const uint8_t *grammar_document (tl_json_scan *s, visit *v, bool closed) {
  const uint8_t *p = tl_json_blanks(s, s->doc);
  if (!(p = grammar(s, v, p, 0, closed))) return NULL;
  p = tl_json_blanks(s, p);
  return p == s->end ? p : tl_json_bad(s, p, "the end of the document");
}

#endif
