/* core/web/questions.c — what of the API Lua answers: parameters become a call of the REPL's own
** words. */
#include "web/code.h"
#include "web/web_impl.h"

static void ask_text (request *r, const char *code) {
  tl_buf text;
  tl_buf_init(&text);
  tl_buf_str(&text, code);
  tl_web_ask(r, &text, 500, TL_ASK_JSON);
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
    tl_web_ask(r, &code, 400, TL_ASK_JSON);
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
    tl_web_ask(r, &code, 400, TL_ASK_JSON);
  } else if (has_payload >= 0 && !has_tag) {
    tl_buf_str(&code, "explain(");
    tl_code_text(&code, &topic);
    if (has_payload) tl_buf_byte(&code, ',');
    if (has_payload) tl_code_text(&code, &payload);
    tl_buf_byte(&code, ')');
    tl_web_ask(r, &code, 400, TL_ASK_JSON);
  }
  tl_buf_fini(&tag);
  tl_buf_fini(&topic);
  tl_buf_fini(&payload);
  tl_buf_fini(&code);
}
