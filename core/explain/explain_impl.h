/* core/explain/explain_impl.h — what the files of explain share. Not for others. */
#ifndef TL_EXPLAIN_EXPLAIN_IMPL_H
#define TL_EXPLAIN_EXPLAIN_IMPL_H

#include "base/json_write.h"
#include "explain/explain.h"
#include "route/router.h"

/* `key`, or key_base64 when it is not UTF-8; cut, with key_bytes, when it is long. */
void tl_explain_raw (tl_buf *out, const char *key, tl_slice bytes);

/* Append "near": how far a JSON address leads in a document that does not have its end
** (explain_near.c). */
void tl_explain_near (tl_buf *out, tl_doc_format format, tl_slice path, tl_slice doc);

/* How a payload is compressed ("gzip"); NULL: it is not, or it is not known (formats.c). */
const char *tl_explain_compression (tl_slice payload);
/* What a payload is that is no JSON ("XML"); NULL: unknown. */
const char *tl_explain_format (tl_slice payload);

/* --- where a message goes (explain.c) --- */

typedef struct {
  const tl_route *route;
  tl_station *live; /* NULL: nobody, or a device that was not heard of yet */
  tl_station *like; /* `live`, or the template */
  tl_buf name;      /* of the station, without the line; empty: nobody. Fini also after a failure */
  tl_captures groups;
  bool refused; /* max_instances, or the name is taken */
} tl_explain_place;
int tl_explain_find (tl_link *l, tl_slice topic, tl_explain_place *d); /* TL_OK, TL_ENOMEM */

void tl_explain_station (tl_buf *out, const char *key, const tl_link *l, tl_slice name);
void tl_explain_awaiting (const tl_link *l, tl_buf *out);
/* Bytes that both have at their beginning and at their end. */
size_t tl_explain_likeness (tl_slice a, tl_slice b);

/* --- the stations that are tried (explain_tried.c) --- */

enum {
  TL_NEAR_MAX = 3,  /* addresses that differ: the likest */
  TL_REGEX_MAX = 12 /* expressions that do not match */
};

typedef struct {
  tl_slice address;
  tl_station *station;
  tl_route_by by;
  bool matched;
  size_t likeness;
  char why[160];
} tl_tried;

typedef struct {
  tl_slice topic;
  tl_tried near[TL_NEAR_MAX], regex[TL_REGEX_MAX], taken;
  uint32_t near_count, regex_count, more;
  bool any;
} tl_trying;

extern const char *const tl_explain_by[]; /* names of tl_route_by */
/* For tl_router_explain(): ctx is a tl_trying with its topic set, else zeroed. */
void tl_explain_on_tried (void *ctx, tl_slice address, void *target, tl_route_by by, bool matched,
                          const char *why);
/* Append "tried": … */
void tl_explain_trying (const tl_link *l, const tl_trying *t, tl_buf *out);

/* --- a copy of a station (explain_copy.c) --- */

typedef struct {
  tl_model *model;
  tl_station *station;
  uint8_t *marks;   /* by tag: TL_COPY_… */
  tl_buf *returned; /* by tag: what decode gave for it, as text */
  tl_buf *samples;  /* by tag: each value that was set, as elements of a JSON list */
  uint32_t *count;  /* of these, maybe more than are in the list */
  tl_buf unknown;   /* names that no tag has, as elements of a JSON list */
  bool time_missing, time_bad, json_bad;
  tl_json_error json_error;
} tl_explain_copy;

enum { TL_COPY_SET = 1, TL_COPY_REPORTED = 2, TL_COPY_RETURNED = 4 };

/* A station of its own with the plan, texts and (unless fresh) values of `like`, whose name may
** differ (a device that was not heard of yet). TL_ENOMEM. Fini also after a failure. */
int tl_explain_copy_init (tl_explain_copy *c, const tl_station *like, tl_plan *plan, tl_slice name,
                          tl_slice address, bool fresh);
void tl_explain_copy_fini (tl_explain_copy *c);
/* Before the next message: nothing was set, and the values stay. */
void tl_explain_copy_next (tl_explain_copy *c);

/* --- tags (explain_tags.c, explain_tag.c) --- */

/* A message that is being explained. */
typedef struct {
  tl_gateway *g;
  tl_explain_copy *copy;
  const tl_incoming *m;
  tl_json_value *slots; /* NULL: no JSON */
  bool decodes, failed, declined;
  bool unread;     /* prepare left nothing to read */
  tl_value before; /* of the tag that is described */
  bool had_before;
  tl_value *befores;
  uint8_t *valid_before;
  tl_buf scratch;
} tl_telling;

/* Append what the tag with this index became, as members of an object. */
void tl_explain_tag (tl_telling *t, uint16_t index, tl_buf *out);

/* Run the message through the copy and append decode, json, time and tags. `live` may be NULL.
** *code: what the line's code becomes. */
int tl_explain_values (tl_gateway *g, tl_explain_copy *c, tl_station *live, const tl_incoming *m,
                       const tl_route *route, int only_tag, tl_buf *out, const char **code);

#endif
