/* core/outlet/value.c — a value as an object of JSON. See outlet.h. */
#include "model/model.h"
#include "outlet/outlet.h"

void tl_outlet_json (const tl_outlet_value *v, tl_buf *out) {
  tl_stream_object(v->series->name, (tl_type)v->series->type, (tl_status)v->sample.status,
                   (tl_reason)v->sample.reason, v->sample.time_ms, &v->sample.value, out);
}
