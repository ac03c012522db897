/* core/gateway/instance.h — one station per device: what a template whose address has named
** groups makes of one topic. */
#ifndef TL_GATEWAY_INSTANCE_H
#define TL_GATEWAY_INSTANCE_H

#include "gateway/gateway.h"

/* Were the captures of the topic that s was made for the same as *c? With a name such as
** "{a}-{b}" two devices may get the same name. True also without memory. */
bool tl_instance_is_of (const tl_station *s, const tl_route *route, const tl_captures *c);
/* The definition that a template gives for one topic: texts of a station with the captures
** filled in.
** tl_instance_spec_init: TL_OK, TL_ENOMEM, or TL_ESYNTAX with *err filled;
** tl_instance_spec_fini is called in each case. */
typedef struct {
  tl_buf will_topic, will_payload, birth_payload;
  /* everything is borrowed except the name and one reference to spec.plan */
  tl_station_spec spec;
} tl_instance_spec;
int tl_instance_spec_init (tl_instance_spec *out, const tl_station *made_by, tl_slice name,
                           tl_slice topic, const tl_captures *c, tl_err *err);
void tl_instance_spec_fini (tl_instance_spec *x);

#endif
