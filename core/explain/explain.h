/* core/explain/explain.h — where a message goes, what every tag becomes of it, and why: for a
** person, so slow and in full. Nothing that lives changes: values are made on a copy of the
** station. A decoder is the user's own function and does run; writes that it asks for are
** refused meanwhile.
**
** What is found is one JSON document; the program prints it, Lua makes text of it. Members that
** do not apply are left out.
**
**   topic payload_bytes qos retain time
**   lines[]   line, status ("connected" …), code, awaiting { station, id, waiting } (a message
**             that waits for ACK_ID, and how many wait
**             behind it), filters[] { filter, takes }, and behind a filter that takes the
**             topic:
**             wills[] { station, takes, payload (its own, where the message has another) },
**             tried[] { station, address, by, matched, code, why },
**             tried_more, and of the one taken:
**             station, by, address, captures, template, payload_type, confirms, decode { code,
**             error, unknown[] }, json { code, line,
**             column, expected }, timestamp { from, field, mask, raw, code, value }, tags[]
**   tags[]    tag, name, type, address, unit, raw or raw_base64 (raw_bytes when cut), steps[],
**             code, value, status, reason, time; and where
**             the document does not have its JA= address, near { at (how far it leads), lacks
**             (the rest), type, has[] (names), count }
**
** Codes do not change. Of a line: delivered  no-filter  no-station  will  retained  off
** simulated  refused  declined  decoder  routed (no payload was given). Of a station tried:
** match  differs  no-match  limit. Of a tag: new (reported)  same (the value it had)  deadband
** default kept  discarded  output (filled by writes)  no-decode  not-returned  not-json (JA=
** where the payload is text), or the reason it is invalid: missing json type range time decoder.
** Of its steps: no-match (of RE=) not-utf8 limit (an expression was given up) convert linear
** range clamp discard deadband default keep. A convert step has lost (rounded, saturated) where
** the tag does not hold all digits. */
#ifndef TL_EXPLAIN_EXPLAIN_H
#define TL_EXPLAIN_EXPLAIN_H

#include "gateway/gateway.h"

typedef struct {
  tl_slice topic, payload;
  bool has_payload; /* false: the way to the station only */
  bool retain, dup;
  uint8_t qos;
  uint16_t id;
  int64_t wall; /* when it arrived */
  /* as if nothing had come before it: deadband, keep and "same" have nothing to look back on */
  bool fresh;
  tl_slice line; /* only this line; at == NULL: each */
} tl_explain_message;

/* Append the document. TL_EMALFORMED: no valid topic name, TL_ENOENT: no such line (err filled);
** TL_ENOMEM. */
int tl_explain (tl_gateway *g, const tl_explain_message *m, tl_buf *out, tl_err *err);

/* Why is this tag what it is? The recorded messages that go to its station are run in their order
** through a copy of it, as they came: tl_explain_history_begin picks them, tl_explain_history_next
** runs one, so that the caller may pause between two (each may run a slow decoder).
**   begin  tag, type, address, value, status, reason, time, station_status, station_address,
**          line_status, line_error, awaiting, recorded, complete (nothing came before those that
**          are run); others[] where none is for the station: topics of other messages, at most 3,
**          the likest first: topic, count, station, why
**   next   number, received, topic, payload_bytes, retain, will (the station's), what a tag has
**          above, and reported (a new value, status or reason)
** begin: TL_OK or TL_ENOMEM; *out is to be freed either way (NULL is harmless). next: 1, one
** object is appended, oldest first; 0, there is no more; TL_ESTATE: the config has changed;
** TL_ENOMEM. Errors fill err. */
typedef struct tl_explain_history tl_explain_history;
int tl_explain_history_begin (tl_explain_history **out, tl_gateway *g, const tl_tag *t,
                              tl_buf *head, tl_err *err);
int tl_explain_history_next (tl_explain_history *h, tl_buf *out, tl_err *err);
void tl_explain_history_free (tl_explain_history *h);

/* The station that has this message as its will; the first one if there are several. NULL: the
** message is no will. *only: no station gets it as an ordinary message. (A '#' station also gets
** the wills of other stations.) */
const tl_station *tl_explain_will (tl_link *l, const tl_incoming *m, bool *only);

/* The station that takes this topic now. Its name without the line is appended to *name.
** NULL with a name: the first message of this topic would make the station (named groups). NULL and
** no name: no station takes the topic. */
tl_station *tl_explain_where (tl_link *l, tl_slice topic, tl_buf *name);

#endif
