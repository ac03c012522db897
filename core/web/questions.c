/* core/web/questions.c — what of the API Lua answers: parameters become a call of the REPL's own
** words. */
#include "web/code.h"
#include "web/web_impl.h"

static void ask_text (request *r, const char *code) {
  tl_buf text;
  tl_buf_init(&text);
  tl_buf_str(&text, code);
  tl_web_ask(r, &text, 500, false);
}

void tl_web_status (request *r) { ask_text(r, "status()"); }
void tl_web_lines (request *r) { ask_text(r, "lines"); }

void tl_web_messages (request *r) {
  tl_buf match, code;
  uint64_t limit = 100;
  tl_buf_init(&match);
  tl_buf_init(&code);
  int has = tl_web_parameter(r, "match", &match);
  if (has >= 0 && tl_web_count_parameter(r, "limit", 10000, &limit) >= 0) {
    tl_buf_str(&code, "messages(");
    if (has)
      tl_code_text(&code, &match);
    else
      tl_buf_str(&code, "nil");
    tl_buf_fmt(&code, ",%llu)", (unsigned long long)limit);
    tl_web_ask(r, &code, 400, false);
  }
  tl_buf_fini(&match);
  tl_buf_fini(&code);
}

static bool is_tag (request *r, const tl_buf *name) {
  if (tl_model_tag(tl_gateway_model(r->web->gateway), tl_slice_of(name->at, name->len - 1)))
    return true;
  tl_web_fail(r, 404, "there is no tag '%.200s'", (const char *)name->at);
  return false;
}

void tl_web_explain (request *r) {
  tl_buf tag, topic, payload, code;
  tl_buf_init(&tag);
  tl_buf_init(&topic);
  tl_buf_init(&payload);
  tl_buf_init(&code);
  int has_tag = tl_web_parameter(r, "tag", &tag);
  int has_topic = has_tag < 0 ? -1 : tl_web_parameter(r, "topic", &topic);
  int has_payload = has_topic < 0 ? -1 : tl_web_parameter(r, "payload", &payload);
  if (has_payload >= 0 && has_tag == has_topic) {
    tl_web_fail(r, 400, "expected ?tag=NAME, or ?topic=TOPIC&payload=PAYLOAD");
  } else if (has_payload >= 0 && has_tag && is_tag(r, &tag)) {
    tl_buf_str(&code, "explain(tags[");
    tl_code_text(&code, &tag);
    tl_buf_str(&code, "])");
    tl_web_ask(r, &code, 400, false);
  } else if (has_payload >= 0 && !has_tag) {
    tl_buf_str(&code, "explain(");
    tl_code_text(&code, &topic);
    if (has_payload) tl_buf_byte(&code, ',');
    if (has_payload) tl_code_text(&code, &payload);
    tl_buf_byte(&code, ')');
    tl_web_ask(r, &code, 400, false);
  }
  tl_buf_fini(&tag);
  tl_buf_fini(&topic);
  tl_buf_fini(&payload);
  tl_buf_fini(&code);
}

/* --- history --- */

typedef struct {
  const char *name;
  void (*add)(tl_buf *code, const tl_buf *text);
} option;

static const option options[] = {
  { "from", tl_code_time },  { "to", tl_code_time },  { "last", tl_code_span },
  { "every", tl_code_span }, { "as", tl_code_names },
};

/* Append the options that were given; negative: answered. */
static int add_options (request *r, tl_buf *code) {
  tl_buf text;
  uint64_t limit;
  int rc = 0;
  tl_buf_init(&text);
  for (size_t i = 0; rc >= 0 && i < sizeof options / sizeof options[0]; i++) {
    rc = tl_web_parameter(r, options[i].name, &text);
    if (rc <= 0) continue;
    tl_buf_fmt(code, "%s=", options[i].name);
    options[i].add(code, &text);
    tl_buf_byte(code, ',');
  }
  if (rc >= 0) rc = tl_web_count_parameter(r, "limit", 1000000, &limit);
  if (rc > 0) tl_buf_fmt(code, "limit=%llu,", (unsigned long long)limit);
  tl_buf_fini(&text);
  return rc;
}

/* Is CSV asked for? Negative: answered. */
static int wants_csv (request *r) {
  tl_buf format;
  tl_buf_init(&format);
  int rc = tl_web_parameter(r, "format", &format);
  if (rc > 0) {
    rc = strcmp((const char *)format.at, "csv") == 0;
    if (!rc && strcmp((const char *)format.at, "json") != 0) {
      tl_web_fail(r, 400, "format: expected json or csv, got '%.40s'", (const char *)format.at);
      rc = -1;
    }
  }
  tl_buf_fini(&format);
  return rc;
}

static bool has_history (const request *r) {
  const tl_outlet_hooks *o = r->web->outlets;
  return o && o->history(o->ctx);
}

void tl_web_history (request *r) {
  tl_buf tag, code;
  tl_buf_init(&tag);
  tl_buf_init(&code);
  int csv = wants_csv(r), rc = csv < 0 ? -1 : tl_web_parameter(r, "tag", &tag);
  if (rc == 0) tl_web_fail(r, 400, "expected ?tag=NAME");
  if (rc > 0 && !has_history(r)) {
    tl_web_fail(r, 404, "the config has no history { file = … }");
  } else if (rc > 0 && is_tag(r, &tag)) {
    if (csv) tl_buf_str(&code, "local text,why=");
    tl_buf_str(&code, "history(tags[");
    tl_code_text(&code, &tag);
    tl_buf_str(&code, "],{");
    if (add_options(r, &code) >= 0) {
      /* print gives bytes as they are, a result only those that a terminal shows */
      tl_buf_str(&code, csv ? "csv=true}) if not text then return nil,why end print(text)"
                            : "csv=false})");
      tl_web_ask(r, &code, 400, csv);
    }
  }
  tl_buf_fini(&tag);
  tl_buf_fini(&code);
}
