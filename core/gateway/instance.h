/* core/gateway/instance.h — one station per device: what a template whose address has named
** groups makes of one topic. */
#ifndef TL_GATEWAY_INSTANCE_H
#define TL_GATEWAY_INSTANCE_H

#include "gateway/gateway.h"

/* Did the topic that s was made for give the same captures? "{a}-{b}" may name two devices
** alike. No memory: true. */
bool tl_instance_is_of (const tl_station *s, const tl_route *route, const tl_captures *c);
/* What a template makes of one topic: the texts of a station, filled with what the address
** captured. init fails with TL_ENOMEM, or TL_ESYNTAX (err filled); fini is called either way. */
typedef struct {
  tl_buf will_topic, will_payload, birth_payload;
  /* all but the name and the plan's reference borrowed; spec.plan is one reference */
  tl_station_spec spec;
} tl_instance_spec;
int tl_instance_spec_init (tl_instance_spec *out, const tl_station *made_by, tl_slice name,
                           tl_slice topic, const tl_captures *c, tl_err *err);
void tl_instance_spec_fini (tl_instance_spec *x);

#endif
