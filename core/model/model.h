/* core/model/model.h — lines, stations and tags with their values and statuses. Pure: times are
** arguments, news are callbacks.
**
** Two clocks: `now` is a monotonic clock in ms (for time_filter, no_data_timeout, simulation),
** `wall` is ms since 1970 UTC (for the times of values). A value is *reported* (hooks.value)
** when value, status or reason changed, or when only the time changed and the tag asks for
** that. */
#ifndef TL_MODEL_MODEL_H
#define TL_MODEL_MODEL_H

#include "model/settings.h"
#include "model/plan.h"

typedef struct tl_tag tl_tag;
typedef struct tl_station tl_station;
typedef struct tl_line tl_line;
typedef struct tl_model tl_model;

typedef enum {
  TL_ST_ON,
  TL_ST_OFF,
  TL_ST_WAIT,
  TL_ST_SIMUL,
  TL_ST_COM_ERR,
  TL_ST_HARD_ERR
} tl_station_status;
const char *tl_station_status_name (tl_station_status s); /* "StOn" … */

/* A value held by a station. Text is owned (text_cap bytes of heap) and copied in. */
struct tl_tag {
  tl_station *station;
  tl_value value;
  uint32_t text_cap;
  /* for the outlets' collector: the number of its series for this tag; 0: not known yet */
  uint32_t series;
  uint16_t index;  /* in station->plan->tags */
  uint8_t status;  /* tl_status */
  uint8_t reason;  /* tl_reason */
  int64_t time_ms; /* of the value, ms since 1970 UTC; 0 while unset */
};

static inline const tl_tagdef *tl_tag_def (const tl_tag *t);

typedef struct {
  uint64_t messages; /* routed to this station */
  uint64_t retained; /* ignored, since they are retained (ignore_retained) */
  uint64_t json_errors, time_errors, handler_errors, declined, wills;
  uint64_t refused;  /* template: messages of devices that got no station */
  uint64_t given_up; /* matches of the address or of RE= that took too many steps */
} tl_station_stats;

/* What a reload has left to do; gateway/exchange.c and gateway/retained.c write it. */
typedef struct {
  /* the station or some of its tags were made: the broker is asked for its retained messages
  ** again */
  bool fresh : 1;
  bool changing : 1; /* a reload is changing it, or had no memory to complete that */
  bool astray : 1;   /* the router does not have it, for the same reasons */
  /* the station was added while the line was connected: a retained will counts for it */
  bool will_asked : 1;
} tl_station_reload;

/* What was logged already, so that it is said once. */
typedef struct {
  bool json, time, no_time; /* until it parses, is read, is there again; model/receive.c */
  bool address;             /* that it was given up; gateway/station_log.c */
} tl_station_logged;

struct tl_station {
  tl_line *line;
  tl_plan *plan;         /* one reference */
  char *name, *address;  /* owned, in one block at `name` */
  char *will_topic;      /* owned, NULL: none */
  tl_slice will_payload; /* in the block of will_topic; len 0: any payload */
  void *user;            /* script's handlers; NULL: none. Owned by who set it */
  tl_station_settings settings;
  int64_t since;  /* `now` when the present status began */
  int64_t heard;  /* `now` of the last message; -1 none since the line came up */
  uint8_t status; /* tl_station_status */
  tl_station_reload reload;
  bool unfed;          /* the broker refused every topic filter that could bring its messages */
  bool off, simulated; /* what the operator wants */
  tl_station_logged logged;
  bool has_birth;
  uint8_t why;         /* tl_reason of the present StHardErr; else of the last */
  bool is_template;    /* an address with named groups: makes instances, never holds values */
  uint32_t birth_len;  /* of the birth's payload, which lies behind will_payload */
  tl_station *made_by; /* the template of an instance; NULL otherwise */
  uint32_t made;       /* template: how many instances there are */
  uint32_t text_bytes; /* memory of its tags' texts */
  tl_station_stats stats;
  tl_tag tags[]; /* plan->tag_count of them */
};

/* The payload on the will's topic that says the device is back; at == NULL: none. */
static inline tl_slice tl_station_birth (const tl_station *s) {
  if (!s->has_birth) return tl_slice_of(NULL, 0);
  return tl_slice_of(s->will_payload.at + s->will_payload.len + 1, s->birth_len);
}

static inline const tl_tagdef *tl_tag_def (const tl_tag *t) {
  return &t->station->plan->tags[t->index];
}

struct tl_line {
  tl_model *model;
  char *name;            /* owned */
  void *user;            /* the gateway's link */
  tl_station **stations; /* owned array, order of the source, instances behind */
  uint32_t station_count, station_cap;
  tl_map by_name;
  uint64_t values;       /* reported, of all its tags */
  uint64_t text_refused; /* texts of instances that were not kept because a limit was reached */
  bool connected, subscribed;
  bool ticking; /* inside tl_line_tick */
  /* the `now` at which tl_line_tick has something to do; INT64_MAX: nothing */
  int64_t due;
  int64_t simulate_at; /* when simulated values change next; INT64_MAX: never */
  /* Places in `stations`, for what is done in parts. status.c */
  uint32_t told, to_tell; /* those between hear later that the line came up, or is lost */
  uint32_t looked;        /* where tl_line_tick goes on */
  uint32_t simulated;     /* where the next part of the simulated stations begins */
  bool simulates;         /* one was found in this round, or has begun since */
  int64_t later;          /* what it has found to be due, as `due` */
  bool was_up;            /* the line was up already when it came up */
};

/* News. Any may be NULL. A callback must not free, remove or replan what it is told about; it
** may switch stations and put values. */
typedef struct {
  /* a new value, status or reason */
  void (*value)(void *ctx, tl_tag *tag);
  void (*status)(void *ctx, tl_station *s, tl_station_status before);
  /* once until it parses again */
  void (*json_error)(void *ctx, tl_station *s, const tl_json_error *e);
  /* A timestamp is missing (why TL_REASON_MISSING) or unreadable (TL_REASON_TIME); once until
  ** one is read again. */
  void (*time_error)(void *ctx, tl_station *s, tl_reason why, tl_slice text);
  /* The expression of a tag was given up, which counts as no match; once for all stations that
  ** share the plan. */
  void (*pattern_limit)(void *ctx, tl_tag *tag, tl_slice payload);
  /* a text of so many bytes is not kept: see tl_model.instance_text_max */
  void (*text_limit)(void *ctx, tl_tag *tag, size_t bytes);
  /* The same value came again, unreported; of tags with history.silence_ms only. */
  void (*again)(void *ctx, tl_tag *tag);
  /* Full Debug: each value set, reported or not */
  void (*trace)(void *ctx, tl_tag *tag);
  /* tl_line_tick() must be called at `at`, which is earlier than the time that it returned */
  void (*due)(void *ctx, tl_line *line, int64_t at);
} tl_model_hooks;

struct tl_model {
  tl_model_hooks hooks;
  void *ctx;
  tl_line **lines; /* order of the source */
  uint32_t line_count, line_cap;
  uint64_t line_changes; /* grows with each line that comes or goes */
  tl_map by_name;
  tl_plan_pool *plans;
  /* received values are set only in tags that have none yet: those that a reload added */
  bool only_unset;
  /* status.c: what may still be done by calls with this `now` */
  struct {
    int64_t now, left;
  } parts;
  bool starved;   /* a received value found no memory; whoever delivers messages clears it before */
  tl_buf scratch; /* for conversions */
  uint64_t text_bytes; /* memory of all tags' texts */
  /* Anybody who may publish can make instances, so the memory of their texts is limited: for one
  ** instance, and for all tags together (text_max). A text above the limit makes its tag invalid
  ** (range). 0: no limit. */
  uint64_t instance_text_max, text_max;
  /* for extraction, as many as the largest plan needs; NULL while in use */
  tl_json_value *slots;
  uint32_t slot_cap;
};

int tl_model_new (tl_model **out, const tl_model_hooks *hooks, void *ctx);
void tl_model_free (tl_model *m);
int tl_model_add_line (tl_model *m, tl_slice name, tl_line **out); /* TL_EEXIST, TL_ENOMEM */
/* frees it with its stations */
void tl_model_remove_line (tl_model *m, tl_line *line);
/* The same in two steps: nobody finds the line any more; its memory is given back. Stations may
** be removed one by one in between. */
void tl_model_take_line (tl_model *m, tl_line *line);
void tl_line_free (tl_line *line);
tl_line *tl_model_line (const tl_model *m, tl_slice name);            /* NULL: none */
tl_station *tl_model_station (const tl_model *m, tl_slice full_name); /* "line.station" */
tl_tag *tl_model_tag (const tl_model *m, tl_slice full_name);         /* "line.station.tag" */

typedef struct {
  tl_slice name, address, will_topic, will_payload; /* copied; will_topic empty: none */
  tl_slice birth_payload;                           /* copied; at == NULL: none */
  tl_plan *plan;                                    /* a reference is taken */
  bool is_template;
  tl_station_settings settings;
} tl_station_spec;

/* A new station, StWait, or StOn where the line is subscribed already; outputs with a default
** hold it (valid, time `wall`), without being reported. A template holds nothing. TL_EEXIST,
** TL_ENOMEM. */
int tl_line_add_station (tl_line *line, const tl_station_spec *spec, int64_t now, int64_t wall,
                         tl_station **out);
/* Off or simulated, where its spec wanted that: after it was added, and when that changed. */
void tl_station_start (tl_station *s, int64_t now, int64_t wall);
void tl_line_remove_station (tl_line *line, tl_station *s);
tl_station *tl_line_station (const tl_line *line, tl_slice name);
/* Change a live station's will and settings, but not its name, address and plan. TL_ENOMEM. */
int tl_station_retune (tl_station *s, const tl_station_spec *spec);
/* Another address for a live station, which keeps its values; the router must be told.
** TL_ENOMEM: nothing changed. */
int tl_station_readdress (tl_station *s, tl_slice address);
/* Give a station another plan (reload). Tags that did not change (same name, type, address,
** linear and default) keep their values, others start anew, unreported. May move the station:
** *s is updated everywhere the model knows it; others (router) must be told. TL_ENOMEM: nothing
** changed. */
int tl_station_replan (tl_station **s, tl_plan *plan, int64_t now, int64_t wall);
tl_tag *tl_station_tag (tl_station *s, tl_slice name);
void tl_station_full_name (const tl_station *s, tl_buf *out); /* "line.station" */
void tl_tag_full_name (const tl_tag *t, tl_buf *out);         /* "line.station.tag" */

/* --- a message (model/receive.c) --- */

typedef struct {
  tl_slice topic, payload; /* borrowed */
  uint16_t id;
  uint8_t qos;
  bool retain, dup;
  /* its connection has ended: it has values, but does not tell that the device is there */
  bool late;
  int64_t now, wall; /* when it arrived */
} tl_incoming;

/* The station heard a message: leaves StHardErr/StComErr/StWait, counts. Then all addressed
** tags get their values: IN_TOPIC, IN_DATA, IN_ID, then the rest in the order of the source.
** Nothing happens to values of a station that is off or simulated (returns false).
**
** All values get the message's time: its time field, else `wall`. A payload that is not JSON
** invalidates the JA tags (json); its other tags go on. RE= is the first group, or the whole
** match where the pattern has no group; a group that took no part, a payload that is not UTF-8
** and a match that costs too much count as no match. A null where the time field should be is
** unreadable, not missing. */
bool tl_station_receive (tl_station *s, const tl_incoming *m);
/* The same in two steps, for stations with a decoder: begin() does what comes before the
** values, addressed() sets the addressed tags and tells the message's time. */
bool tl_station_begin (tl_station *s, const tl_incoming *m);
int64_t tl_station_addressed (tl_station *s, const tl_incoming *m);

/* A message between the two halves of tl_station_addressed: a decoder runs there, which may
** give it another time. Only model/receive.c looks inside. */
typedef struct {
  tl_station *station;
  tl_model *model;
  const tl_incoming *message;
  const tl_json_value *slots; /* NULL: the document is not JSON, or was not looked at */
  tl_json_value *taken;       /* the slots' memory; NULL: none was taken, or none was there */
  bool nested, done;          /* memory of its own; its tags are set */
  uint8_t no_slots;           /* tl_reason: why there are none */
  uint8_t encoding;
  int64_t time;
} tl_reading;

/* tl_station_addressed in two steps: what is read is kept in *r, which borrows the message and
** must be given to tl_station_set exactly once; returns the message's time. */
int64_t tl_station_read (tl_station *s, const tl_incoming *m, tl_reading *r);
/* The addressed tags get their values with this time. Does nothing the second time. */
void tl_station_set (tl_reading *r, int64_t time_ms);
/* A message that came before its line was lost has set tags of a station that is StHardErr:
** they become invalid again, each with the station's reason. */
void tl_station_stay_lost (tl_station *s, int64_t time_ms);
/* All tags but OUT_TOPIC, OUT_VALUE and ACK_ID become invalid: a message came that could not be
** read at all. */
void tl_station_invalidate (tl_station *s, tl_reason reason, int64_t time_ms);
/* What a message says of the station's life: nothing; that the device is gone; that it is back
** (its birth, which wins where any payload would be its will). */
typedef enum { TL_NO_WILL, TL_WILL_DEATH, TL_WILL_BIRTH } tl_will;
tl_will tl_station_will_of (const tl_station *s, const tl_incoming *m);
/* Is this message (whose topic is s->will_topic) its will? If so: StHardErr, tags invalid
** (station-will), returns true. The will of a station that is off or simulated changes nothing,
** and is nothing else either (true). */
bool tl_station_will (tl_station *s, const tl_incoming *m);
/* The decoder found out that the device is gone: the station enters StHardErr, and its tags become
** invalid (disconnected) with the time `time_ms`. A station that is off or simulated does not
** change. */
void tl_station_gone (tl_station *s, int64_t now, int64_t time_ms);
/* The same without a message that says so: the line is gone, and with it everything that the device
** had sent. */
void tl_station_lost (tl_station *s, int64_t now, int64_t time_ms);

/* --- values (model/tag.c) --- */

/* A received value in the tag's type: linear, range, deadband, then set and report. `text` is
** copied. Returns false on no memory, the tag as it was. A value discarded by `range` is as if
** it had not come; one within the deadband is the kept value again, at a new time. Linear that
** leaves the finite numbers is out of range whatever out_of_range says; integers saturate. */
bool tl_tag_receive (tl_tag *t, const tl_value *v, int64_t time_ms);
/* A value that must not pass the filters: defaults, writes, simulation. */
bool tl_tag_put (tl_tag *t, const tl_value *v, int64_t time_ms);
/* keeps nothing of the value (reported as null) */
void tl_tag_invalidate (tl_tag *t, tl_reason reason, int64_t time_ms);
/* by on_missing: invalidate, keep, default */
void tl_tag_missing (tl_tag *t, int64_t time_ms);
/* The value a device gets for what the user writes: linear inverted (integers rounded half away
** from zero). TL_ERANGE: outside `range` (a write is never clamped or discarded), or not a
** number the device's type can hold. */
int tl_tag_to_device (const tl_tag *t, const tl_value *v, tl_value *out, tl_err *err);

/* --- statuses (model/status.c): rules of the user's reference, section 4 --- */

/* Invalid in StHardErr and StOff are all tags but OUT_TOPIC, OUT_VALUE and ACK_ID, which hold
** what was written here, not what the device said. Simulated are all but OUT_TOPIC and ACK_ID.
** When a simulation ends, the station starts anew: an output holds its default, all else is
** invalid (no-data) until a message comes. A station switched on again is StOn, on a line not
** subscribed StWait, and keeps the reason `off` until then. Why StComErr became StHardErr:
** no-data on a subscribed line, else disconnected. */

/* SUBACK: StWait and a short StComErr become StOn. On a line that is up already: StWait only.
** When very many stations change, by this or by tl_line_down(), of this line or with the same `now`
** of others, the first ones do so now, the others in tl_line_tick(), which is due 1 ms later. */
void tl_line_up (tl_line *line, int64_t now, int64_t wall);
/* Can messages of the station come, by what the broker granted? While they cannot it is StComErr
** on a line that is up. */
void tl_station_set_fed (tl_station *s, bool fed, int64_t now, int64_t wall);
/* The connection is lost: StOn becomes StComErr. */
void tl_line_down (tl_line *line, int64_t now, int64_t wall);
/* Those that are left have changed when this returns: nobody will call tl_line_tick(), or messages
** of a new connection come. */
void tl_line_settle (tl_line *line, int64_t now, int64_t wall);
bool tl_line_is_settled (const tl_line *line); /* none is left */
void tl_station_switch (tl_station *s, bool off, bool simulated, int64_t now, int64_t wall);
/* Time passes: time_filter, no_data_timeout, simulated values. Returns the next `now` at which
** something is due (in 1 ms, when a part of very many stations is left); INT64_MAX: nothing. Cheap
** when called early; hooks.due tells when something
** falls due before the time that was returned. */
int64_t tl_line_tick (tl_line *line, int64_t now, int64_t wall);
/* No message of the line could be received until `now`, for reasons of this process.
** no_data_timeout counts from here. */
void tl_line_excuse (tl_line *line, int64_t now);
/* Is there a station that is neither off nor simulated? A line without stations is wanted too:
** it may publish. */
bool tl_line_wanted (const tl_line *line);

/* --- as text (model/stream.c) --- */

/* One line of the values stream with its line break:
** {"time":"…","tag":"plant.boiler.temperature","type":"Ai","value":21.5,"status":"valid"}.
** `reason` only when there is one; text that is not UTF-8 as "base64"; value null unless valid;
** time null while unset. */
void tl_tag_stream (const tl_tag *t, tl_buf *out);
/* The same object, without a line break, of a value that is no tag's any more (on its way to an
** outlet). `name`: "line.station.tag". */
void tl_stream_object (tl_slice name, tl_type type, tl_status status, tl_reason reason,
                       int64_t time_ms, const tl_value *v, tl_buf *out);
/* The value alone, as JSON. */
void tl_tag_value_json (const tl_tag *t, tl_buf *out);

#endif
