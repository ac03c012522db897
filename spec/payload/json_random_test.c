/* spec/payload/json_random_test.c — random documents and addresses, read by the scanner and by
** a slow reader that shares nothing with it. Seeded: a failure prints its seed; JSON_SEED=n in
** the environment replays it alone, JSON_SEEDS=n runs n. */
#include "json_support.h"

/* --- the slow reader: recursive, byte by byte, builds a tree --- */

typedef struct node node;
struct node {
  tl_json_type type;
  size_t from, len;
  tl_buf key; /* of a member, unescaped */
  node *children, *next;
};

typedef struct {
  const uint8_t *at;
  size_t len, p;
} input;

static int look (const input *in) { return in->p < in->len ? in->at[in->p] : -1; }
static void blanks (input *in) {
  while (look(in) == ' ' || look(in) == '\t' || look(in) == '\r' || look(in) == '\n') in->p++;
}
static void put_code (tl_buf *out, unsigned c) {
  if (c < 0x80)
    tl_buf_byte(out, (uint8_t)c);
  else if (c < 0x800) {
    tl_buf_byte(out, (uint8_t)(0xc0 | c >> 6));
    tl_buf_byte(out, (uint8_t)(0x80 | (c & 63)));
  } else if (c < 0x10000) {
    tl_buf_byte(out, (uint8_t)(0xe0 | c >> 12));
    tl_buf_byte(out, (uint8_t)(0x80 | (c >> 6 & 63)));
    tl_buf_byte(out, (uint8_t)(0x80 | (c & 63)));
  } else {
    tl_buf_byte(out, (uint8_t)(0xf0 | c >> 18));
    tl_buf_byte(out, (uint8_t)(0x80 | (c >> 12 & 63)));
    tl_buf_byte(out, (uint8_t)(0x80 | (c >> 6 & 63)));
    tl_buf_byte(out, (uint8_t)(0x80 | (c & 63)));
  }
}
static bool read_hex (input *in, unsigned *unit) {
  char text[5] = "";
  for (int i = 0; i < 4; i++) {
    int c = look(in);
    if (c < 0 || !strchr("0123456789abcdefABCDEF", c) || c == 0) return false;
    text[i] = (char)c;
    in->p++;
  }
  *unit = (unsigned)strtoul(text, NULL, 16);
  return true;
}
static bool read_string (input *in, tl_buf *out) { /* at the opening quote */
  unsigned high = 0;                               /* a high surrogate that waits for its low one */
  for (in->p++;;) {
    int c = look(in);
    unsigned code = (unsigned)c;
    bool unit = false;
    if (c < 0x20) return false;
    if (c == '"') {
      if (high) put_code(out, 0xfffd);
      in->p++;
      return true;
    }
    in->p++;
    if (c == '\\') {
      static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
      c = look(in);
      in->p++;
      if (c == 'u') {
        if (!read_hex(in, &code)) return false;
        unit = true;
      } else {
        const char *found = c > 0 ? strchr(from, c) : NULL;
        if (!found) return false;
        code = (unsigned char)to[found - from];
      }
    } else if (c >= 0x80) {
      /* decode, then encode again: only the shortest form comes back the same */
      unsigned more = c >= 0xf0 ? 3 : c >= 0xe0 ? 2 : 1;
      size_t start = in->p - 1;
      code = (unsigned)c & (0x3fu >> more);
      for (; more > 0; more--) {
        if (look(in) < 0 || (look(in) & 0xc0) != 0x80) return false;
        code = code << 6 | ((unsigned)look(in) & 63);
        in->p++;
      }
      if (code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff)) return false;
      tl_buf again;
      tl_buf_init(&again);
      put_code(&again, code);
      bool same = again.len == in->p - start && memcmp(again.at, in->at + start, again.len) == 0;
      tl_buf_fini(&again);
      if (!same) return false;
    }
    if (high) {
      if (unit && code >= 0xdc00 && code <= 0xdfff) {
        put_code(out, 0x10000 + ((high - 0xd800) << 10) + (code - 0xdc00));
        high = 0;
        continue;
      }
      put_code(out, 0xfffd);
      high = 0;
    }
    if (unit && code >= 0xd800 && code <= 0xdbff)
      high = code;
    else
      put_code(out, unit && code >= 0xdc00 && code <= 0xdfff ? 0xfffd : code);
  }
}
static bool read_digits (input *in) {
  size_t from = in->p;
  while (look(in) >= '0' && look(in) <= '9') in->p++;
  return in->p > from;
}
static bool read_number (input *in) {
  if (look(in) == '-') in->p++;
  if (look(in) == '0')
    in->p++;
  else if (!read_digits(in))
    return false;
  if (look(in) == '.') {
    in->p++;
    if (!read_digits(in)) return false;
  }
  if (look(in) == 'e' || look(in) == 'E') {
    in->p++;
    if (look(in) == '+' || look(in) == '-') in->p++;
    if (!read_digits(in)) return false;
  }
  return true;
}
static bool read_word (input *in, const char *word) {
  size_t n = strlen(word);
  bool there = in->len - in->p >= n && memcmp(in->at + in->p, word, n) == 0;
  in->p += there ? n : 0;
  return there;
}

static void free_children (node *n) {
  for (node *c = n->children, *next; c; c = next) {
    next = c->next;
    free_children(c);
    tl_buf_fini(&c->key);
    free(c);
  }
  n->children = NULL;
}

static bool read_value (input *in, node *out, int depth) {
  blanks(in);
  out->from = in->p;
  int c = look(in);
  bool ok;
  if (c == '"') {
    tl_buf text;
    tl_buf_init(&text);
    out->type = TL_JSON_STRING;
    ok = read_string(in, &text);
    tl_buf_fini(&text);
  } else if (c == '{' || c == '[') {
    node **tail = &out->children;
    out->type = c == '{' ? TL_JSON_OBJECT : TL_JSON_ARRAY;
    if (depth == 512) return false;
    in->p++;
    blanks(in);
    ok = true;
    if (look(in) == (c == '{' ? '}' : ']')) {
      in->p++;
      out->len = in->p - out->from;
      return true;
    }
    for (;; in->p++) {
      node *child = calloc(1, sizeof *child);
      tl_buf_init(&child->key);
      *tail = child;
      tail = &child->next;
      if (c == '{') {
        blanks(in);
        if (look(in) != '"' || !read_string(in, &child->key)) return false;
        blanks(in);
        if (look(in) != ':') return false;
        in->p++;
      }
      if (!read_value(in, child, depth + 1)) return false;
      blanks(in);
      if (look(in) != ',') break;
    }
    if (look(in) != (c == '{' ? '}' : ']')) return false;
    in->p++;
  } else if (c == 't' || c == 'f' || c == 'n') {
    out->type = c == 't' ? TL_JSON_TRUE : c == 'f' ? TL_JSON_FALSE : TL_JSON_NULL;
    ok = read_word(in, c == 't' ? "true" : c == 'f' ? "false" : "null");
  } else {
    out->type = TL_JSON_NUMBER;
    ok = read_number(in);
  }
  out->len = in->p - out->from;
  return ok;
}

static bool read_document (tl_slice doc, node *out) {
  input in = { doc.at, doc.len, 0 };
  *out = (node){ 0 };
  if (!read_value(&in, out, 0)) return false;
  blanks(&in);
  return in.p == in.len;
}

/* --- random documents and addresses --- */

static const char *const names[] = {
  "a",   "b",   "c", "id",       "temperature", "temperature_2", "a key of more than sixteen bytes",
  "x.y", "[1]", "",  "\xc3\xa9", "A",           "q\"q"
};
enum { NAMES = sizeof names / sizeof *names };

static void random_blanks (tl_buf *b) {
  static const char *const forms[] = { "", "",  "",   "",       "",
                                       "", " ", "\n", "\r\n\t", "                    " };
  tl_buf_str(b, forms[json_pick(10)]);
}

static void quote (tl_buf *b, const char *text) { /* sometimes with escapes that need not be */
  tl_buf_byte(b, '"');
  bool escapes = json_pick(5) == 0;
  for (; *text; text++)
    if ((escapes && json_pick(2) && (unsigned char)*text < 0x80) || *text == '"')
      tl_buf_fmt(b, json_pick(2) ? "\\u%04x" : "\\u%04X", (unsigned)*text);
    else
      tl_buf_byte(b, (uint8_t)*text);
  tl_buf_byte(b, '"');
}

static void random_string (tl_buf *b) {
  static const char *const parts[] = { "a",
                                       "text",
                                       "0123456789abcdef",
                                       "\\n",
                                       "\\\"",
                                       "\\\\",
                                       "\\u00e9",
                                       "\\ud83d\\ude00",
                                       "\\ud800",
                                       "\xc3\xa9",
                                       "\xe2\x82\xac",
                                       "\xf0\x9f\x98\x80",
                                       " ",
                                       "{",
                                       "]",
                                       ",",
                                       ":",
                                       "\\/",
                                       "\x7f",
                                       "\\\\\\\"" };
  tl_buf_byte(b, '"');
  for (unsigned n = json_pick(2) ? json_pick(4) : json_pick(20); n > 0; n--)
    tl_buf_str(b, parts[json_pick(20)]);
  tl_buf_byte(b, '"');
}

static void random_number (tl_buf *b) {
  static const char *const odd[] = { "0",        "-0",    "1e5",
                                     "-1.5E-10", "0.000", "123456789012345678901234567890",
                                     "-0.0e+00", "1e400" };
  if (json_pick(4) == 0)
    tl_buf_str(b, odd[json_pick(8)]);
  else
    tl_buf_fmt(b, json_pick(2) ? "%u" : "-%u.%u",
               json_pick(2) ? json_pick(100) : json_pick(2000000000), json_pick(1000));
}

static void random_value (tl_buf *b, int depth) {
  unsigned kind = json_pick(depth > 5 ? 4 : 8);
  random_blanks(b);
  if (kind == 0)
    tl_buf_str(b, ((const char *const[]){ "null", "true", "false" })[json_pick(3)]);
  else if (kind == 1)
    random_string(b);
  else if (kind <= 3)
    random_number(b);
  else {
    bool array = kind <= 5;
    unsigned n = json_pick(6);
    tl_buf_byte(b, array ? '[' : '{');
    random_blanks(b);
    for (unsigned i = 0; i < n; i++) {
      if (i) tl_buf_byte(b, ',');
      if (!array) {
        random_blanks(b);
        quote(b, names[json_pick(NAMES)]);
        random_blanks(b);
        tl_buf_byte(b, ':');
      }
      random_value(b, depth + 1);
    }
    tl_buf_byte(b, array ? ']' : '}');
  }
  random_blanks(b);
}

enum { LEVELS = 6, PATHS = 40 };
typedef struct {
  int name[LEVELS]; /* an index into names, or -index */
  int levels;
} address;

static void random_address (address *a, tl_buf *text) {
  a->levels = (int)json_pick(json_pick(3) ? 3 : LEVELS);
  for (int i = 0; i < a->levels; i++) {
    a->name[i] = json_pick(2) ? (int)json_pick(NAMES) : -1 - (int)json_pick(5);
    if (a->name[i] < 0)
      tl_buf_fmt(text, "[%d]", -a->name[i]);
    else {
      tl_buf_byte(text, '[');
      quote(text, names[a->name[i]]);
      tl_buf_byte(text, ']');
    }
  }
}

static const node *follow (const node *n, const address *a) {
  for (int i = 0; i < a->levels; i++) {
    const node *found = NULL;
    int index = 0;
    if (n->type != (a->name[i] < 0 ? TL_JSON_ARRAY : TL_JSON_OBJECT)) return NULL;
    for (const node *c = n->children; c; c = c->next)
      if (a->name[i] < 0 ? ++index == -a->name[i]
                         : tl_slice_eq(tl_buf_bytes(&c->key), tl_slice_str(names[a->name[i]])))
        found = c;
    if (!(n = found)) return NULL;
  }
  return n;
}

/* --- the comparison --- */

static bool has_any (tl_slice text, const char *bytes) {
  for (; *bytes; bytes++)
    if (memchr(text.at, *bytes, text.len)) return true;
  return false;
}

static void compare_values (tl_slice doc, const node *root, const address *addresses,
                            const tl_json_value *values, uint64_t seed) {
  for (int i = 0; i < PATHS; i++) {
    const node *n = follow(root, &addresses[i]);
    const tl_json_value *v = &values[i];
    size_t quotes = n && n->type == TL_JSON_STRING;
    if (!n ? v->type != TL_JSON_NONE
           : v->type != n->type || v->raw.at != doc.at + n->from + quotes ||
                 v->raw.len != n->len - 2 * quotes ||
                 (quotes && v->escaped != (memchr(v->raw.at, '\\', v->raw.len) != NULL)) ||
                 (n->type == TL_JSON_NUMBER && v->integral == has_any(v->raw, ".eE")))
      fail_msg("seed %llu: address %d differs", (unsigned long long)seed, i);
  }
}

static void spoil (tl_buf *b) { /* a few random bytes, moves or cuts */
  static const char bytes[] =
      "{}[]\",:\\0123456789.eE+-truefalsn \n\t\x01\x7f\x80\xbf\xc3\xe2\xed\xf0\xf4\xff/u";
  for (unsigned n = 1 + json_pick(3); n > 0 && b->len > 0; n--) {
    unsigned at = json_pick((unsigned)b->len), way = json_pick(4);
    if (way == 0)
      b->len = at;
    else if (way == 1) {
      memmove(b->at + at, b->at + at + 1, b->len - at - 1);
      b->len--;
    } else
      b->at[at] = (uint8_t)bytes[json_pick(sizeof bytes - 1)];
  }
}

static void compare (uint64_t seed) {
  address addresses[PATHS];
  tl_buf texts[PATHS], b;
  tl_slice paths[PATHS];
  tl_json_value values[PATHS];
  tl_json_set *set;
  json_state = seed * 0x9e3779b97f4a7c15u + 1;
  for (int i = 0; i < PATHS; i++) {
    tl_buf_init(&texts[i]);
    random_address(&addresses[i], &texts[i]);
    paths[i] = tl_buf_bytes(&texts[i]);
  }
  assert_int_equal(tl_json_set_new(&set, paths, PATHS, NULL, NULL), TL_OK);
  tl_buf_init(&b);
  random_value(&b, 0);
  for (int round = 0; round < 6; round++) {
    node root;
    tl_json_error walked, extracted;
    tl_slice doc = json_exact(tl_buf_bytes(&b)); /* ends where its memory ends */
    bool good = read_document(doc, &root);
    int walk = tl_json_walk(doc, &json_quiet, NULL, &walked);
    int rc = tl_json_extract(set, doc, values, &extracted);
    if ((rc == TL_OK) != good || rc != walk ||
        (!good && (walked.at != extracted.at || strcmp(walked.expected, extracted.expected) != 0)))
      fail_msg("seed %llu, round %d: %s here, %s there: %.*s", (unsigned long long)seed, round,
               good ? "JSON" : "not JSON", rc == TL_OK ? "JSON" : extracted.expected, TL_ARG(doc));
    if (round == 0 && !good)
      fail_msg("seed %llu: not a document: %.*s", (unsigned long long)seed, TL_ARG(doc));
    if (good) compare_values(doc, &root, addresses, values, seed);
    free_children(&root);
    free((void *)(uintptr_t)doc.at);
    spoil(&b);
  }
  tl_json_set_free(set);
  tl_buf_fini(&b);
  for (int i = 0; i < PATHS; i++) tl_buf_fini(&texts[i]);
}

static void agrees_with_a_slow_reader (void **unused) {
  (void)unused;
  const char *one = getenv("JSON_SEED"), *many = getenv("JSON_SEEDS");
  uint64_t n = many ? strtoull(many, NULL, 10) : 10000;
  if (one)
    compare(strtoull(one, NULL, 10));
  else
    for (uint64_t seed = 1; seed <= n; seed++) compare(seed);
}

int main (void) {
  const struct CMUnitTest tests[] = { cmocka_unit_test(agrees_with_a_slow_reader) };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
