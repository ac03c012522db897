/* core/payload/bin_skip.c — the part of a binary document that no address leads to: checked,
** and nothing else. */
#include "payload/bin_scan.h"

typedef int visit;

#define IGNORED __attribute__((unused))
TL_HOT int on_key (visit *v IGNORED, const tl_json_value *key IGNORED) { return 0; }
TL_HOT void on_element (visit *v IGNORED) {}
TL_HOT int on_open (visit *v IGNORED, const uint8_t *from IGNORED, bool array IGNORED) { return 0; }
TL_HOT int on_close (visit *v IGNORED, const uint8_t *behind IGNORED, bool array IGNORED) {
  return 0;
}
TL_HOT int on_scalar (visit *v IGNORED, tl_json_value value IGNORED) { return 0; }

#include "payload/bin_grammar.h"

const uint8_t *tl_bin_skip (bin_scan *s, const uint8_t *p, unsigned depth, tl_doc_format format) {
  visit nothing = 0;
  if (format == TL_DOC_CBOR) return bin_grammar(s, &nothing, p, depth, TL_DOC_CBOR);
  return bin_grammar(s, &nothing, p, depth, TL_DOC_MSGPACK);
}
