/* core/model/plan.h — a station's definition, compiled once: how its messages become tag
** values. Immutable after creation and shared by all stations that are defined alike (10,000
** stations made in a loop have one plan). Pure. */
#ifndef TL_MODEL_PLAN_H
#define TL_MODEL_PLAN_H

#include "base/map.h"
#include "base/pattern.h"
#include "base/value.h"
#include "payload/convert.h"
#include "payload/document.h"
#include "payload/prepare.h"
#include "payload/timemask.h"
#include "payload/words.h"

typedef enum {
  TL_ADDRESS_NONE, /* filled by decode, by name */
  TL_ADDRESS_IN_TOPIC,
  TL_ADDRESS_IN_DATA,
  TL_ADDRESS_IN_ID,
  TL_ADDRESS_JSON,
  TL_ADDRESS_REGEX,
  TL_ADDRESS_ACK_ID,
  TL_ADDRESS_OUT_TOPIC,
  TL_ADDRESS_OUT_VALUE
} tl_address_kind;

typedef enum { TL_RANGE_INVALID, TL_RANGE_CLAMP, TL_RANGE_DISCARD } tl_out_of_range;
typedef enum { TL_MISSING_INVALIDATE, TL_MISSING_KEEP, TL_MISSING_DEFAULT } tl_on_missing;

/* What a history keeps of a tag (the config's `history`); all zero: every value. */
typedef struct {
  bool off;
  double deadband;    /* changes of no more than this are not stored; 0: none */
  int64_t silence_ms; /* a value that came again is stored after so long; 0: never */
  int64_t keep_ms;    /* 0: as the history has it */
} tl_history_options;

/* One tag of a plan. Texts are NUL-terminated and owned by the plan (addresses and names are
** checked free of NUL before). */
typedef struct {
  const char *name;
  const char *address;     /* as written, "" when there is none */
  const char *unit;        /* NULL when not given */
  const char *description; /* NULL when not given */
  tl_type type;
  tl_address_kind kind;
  tl_slice path; /* behind JA= or RE= */
  bool has_default, has_linear, has_range, new_value_on_time_change;
  /* in a spec; a plan's are read with tl_plan_default. Text may hold {name} placeholders */
  tl_value default_value;
  double linear_k, linear_q, range_min, range_max;
  double deadband; /* 0: none */
  tl_history_options history;
  tl_out_of_range out_of_range;
  tl_on_missing on_missing;
  tl_text_rule words; /* words for states, decimal commas */
  bool filtered;      /* set by the plan: a number with linear, range or deadband */
  bool worded;        /* set by the plan: `words` has something to say */
} tl_tagdef;

/* What a plan is made of. All borrowed: the plan copies what it keeps. The config has checked
** it; a path, pattern or mask that does not compile is still an error, not an assertion. */
typedef struct {
  bool json;           /* payload type: a document that addresses lead into, … */
  uint8_t format;      /* … a tl_doc_format */
  tl_slice time_field; /* address of the timestamp, empty: none */
  tl_slice time_mask;  /* "" means the default mask */
  const tl_zone *zone; /* outlives the plan */
  bool ignore_missing_time;
  const tl_tagdef *tags; /* in the order of the source */
  size_t tag_count;
  const uint8_t *prepare; /* tl_prepare_step, in their order; at most TL_PREPARE_MAX */
  size_t prepare_count;
} tl_plan_spec;

/* How messages say their time, and what is said of it. */
typedef struct {
  tl_slice field;
  bool has_field;
  bool ignore_missing;
  tl_timemask *mask;
  tl_slice text; /* the mask as it was given */
} tl_plan_time;

/* By tag index; NULL when no tag has RE=. */
typedef struct {
  tl_pattern **patterns;
  bool *gave_up; /* logged already */
} tl_plan_re;

/* Tags with a meaning of their own: index or -1. */
typedef struct {
  int16_t in_topic, in_data, in_id, ack_id, out_topic, out_value;
} tl_plan_special;

/* The tags that a message fills, in the order in which it does. */
typedef struct {
  uint16_t count;
  uint16_t *tags;
} tl_plan_order;

/* pool.c: what it has in common with others. */
typedef struct {
  /* owns what is compiled, where this plan differs from it in defaults only; NULL: owns it
  ** itself */
  struct tl_plan *base;
  struct tl_plan_pool *pool; /* NULL: in none */
  uint64_t key, base_key;    /* hashes of the definition, with and without defaults */
} tl_plan_shared;

typedef struct tl_plan {
  /* Not 0, and no other plan of the process ever has it. An address may be another plan's later. */
  uint64_t serial;
  uint32_t refs;
  bool json;
  bool needs_decode; /* there are tags without an address */
  uint8_t format;    /* tl_doc_format */
  uint8_t prepare_count;
  uint8_t prepare[TL_PREPARE_MAX]; /* tl_prepare_step */
  /* NULL when no JSON address is used; slots: json tags in order, then the time field */
  tl_json_set *set;
  uint16_t slots;     /* of set, without the time field */
  size_t slot_values; /* the room that extraction needs */
  uint16_t *slot_tag; /* slot → tag index */
  tl_plan_time time;
  tl_plan_re re;
  tl_time_rule rule;
  tl_tagdef *tags;    /* shared by plans that differ in defaults only */
  tl_value *defaults; /* by tag index; texts are owned by the plan */
  uint16_t tag_count;
  tl_plan_special special;
  tl_map by_name;      /* name → (void *)(index + 1) */
  tl_plan_order order; /* for the model room only */
  tl_plan_shared shared;
} tl_plan;

/* New plan with one reference. TL_ESYNTAX: err->at is the index of the tag (or tag_count for
** time field or mask), err->text says what and where in the address. TL_EEXIST: two tags of one
** name; TL_ETOOBIG: more than 32767 tags. */
int tl_plan_new (tl_plan **out, const tl_plan_spec *spec, tl_err *err);
tl_plan *tl_plan_ref (tl_plan *p);
void tl_plan_unref (tl_plan *p);

/* The plan of an instance: the texts of `plan` with {name} replaced (model/fill.h), values
** inside RE= taken literally. A new reference to `plan` itself when nothing in it holds a
** placeholder; when only defaults do, all that is compiled is shared. Names and values as for
** tl_text_fill. TL_ESYNTAX: a filled address does not compile, err as for tl_plan_new. */
int tl_plan_fill (tl_plan **out, tl_plan *plan, const tl_slice *names, const tl_slice *values,
                  size_t n, tl_err *err);

/* A pool that gives the same plan for equal specs; holds no reference of its own. Specs that
** differ in defaults only (10,000 stations with a topic of their own each) share what is
** compiled. */
typedef struct tl_plan_pool tl_plan_pool;
int tl_plan_pool_new (tl_plan_pool **out);
void tl_plan_pool_free (tl_plan_pool *pool); /* plans live on */
int tl_plan_pool_get (tl_plan_pool *pool, tl_plan **out, const tl_plan_spec *spec, tl_err *err);

/* Is it the same definition, apart from the default's value? */
bool tl_tagdef_same (const tl_tagdef *a, const tl_tagdef *b);

int tl_plan_find (const tl_plan *p, tl_slice name); /* tag index or -1 */

/* NULL: the tag has none */
static inline const tl_value *tl_plan_default (const tl_plan *p, uint16_t tag) {
  return p->tags[tag].has_default ? &p->defaults[tag] : NULL;
}

/* The kind of an address text: "JA=x" JSON, "IN_ID" …, "" NONE; false for an unknown word.
** *path: what follows the '='. */
bool tl_address_parse (tl_slice address, tl_address_kind *kind, tl_slice *path);

#endif
