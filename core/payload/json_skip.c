/* core/payload/json_skip.c — the part of a document that no address leads to: checked, and
** nothing else. */
#include "payload/json_scan.h"

typedef int visit;

#define IGNORED __attribute__((unused))
TL_HOT int on_key (visit *v IGNORED, tl_slice raw IGNORED, bool escaped IGNORED) { return 0; }
TL_HOT void on_element (visit *v IGNORED) {}
TL_HOT int on_open (visit *v IGNORED, const uint8_t *from IGNORED, bool array IGNORED) { return 0; }
TL_HOT int on_close (visit *v IGNORED, const uint8_t *behind IGNORED, bool array IGNORED) {
  return 0;
}
TL_HOT const uint8_t *pass_elements (visit *v IGNORED, const tl_json_scan *s IGNORED,
                                     const uint8_t *p IGNORED, unsigned depth IGNORED) {
  return NULL;
}
TL_HOT int on_scalar (visit *v IGNORED, tl_json_value value IGNORED) { return 0; }

#include "payload/json_grammar.h"

const uint8_t *tl_json_skip (tl_json_scan *s, const uint8_t *p, unsigned depth) {
  visit nothing = 0;
  return grammar(s, &nothing, p, depth, false);
}

const uint8_t *tl_json_skip_closed (tl_json_scan *s, const uint8_t *p, unsigned depth) {
  visit nothing = 0;
  return grammar(s, &nothing, p, depth, true);
}
