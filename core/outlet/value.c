/* core/outlet/value.c — a value as a line of JSON, and the file of those that a server refused. */
#include "outlet/value.h"

#include "base/json_write.h"
#include "base/visible.h"
#include "model/model.h"

void tl_outlet_json (const tl_outlet_value *v, tl_buf *out) {
  tl_stream_object(v->series->name, (tl_type)v->series->type, (tl_status)v->sample.status,
                   (tl_reason)v->sample.reason, v->sample.time_ms, &v->sample.value, out);
}

int tl_outlet_put_aside (const tl_spool *s, const char *outlet, const tl_outlet_value *v,
                         const char *why) {
  tl_buf line, clean;
  tl_buf_init(&line);
  tl_outlet_json(v, &line);
  if (line.len > 0) line.len--; /* its brace */
  tl_member_time(&line, "arrival", v->arrival_ms);
  tl_buf_init(&clean);
  tl_visible(&clean, tl_slice_str(why), false);
  tl_member_text(&line, "why", tl_buf_bytes(&clean));
  if (clean.failed) line.failed = true;
  tl_buf_fini(&clean);
  tl_buf_str(&line, "}\n");
  int rc = line.failed ? TL_ENOMEM : tl_spool_put_aside(s, outlet, tl_buf_bytes(&line));
  tl_buf_fini(&line);
  return rc;
}
