/* core/model/plan.c — compiles a station's definition. Must not know lines, stations or values
** received. */
#include "model/plan.h"

#include <stdlib.h>

#include "model/model_impl.h"

#define DEFAULT_MASK "yyyy-mm-dd hh:mi:ss.mss"

enum { MAX_TAGS = 32767 };

/* --- one block holds the plan, its arrays and texts --- */

static size_t text_size (const char *text) { return text ? strlen(text) + 1 : 0; }

static size_t default_size (const tl_tagdef *d) {
  return d->has_default && tl_type_is_text(d->type) ? d->default_value.text.len + 1 : 0;
}

static size_t spec_size (const tl_plan_spec *spec) {
  size_t size = spec->time_field.len + 1 + spec->time_mask.len + 1;
  for (size_t i = 0; i < spec->tag_count; i++) {
    const tl_tagdef *d = &spec->tags[i];
    size +=
        text_size(d->name) + text_size(d->address) + text_size(d->unit) + text_size(d->description);
    size += d->path.len + 1 + default_size(d);
    for (uint16_t k = 0; k < d->words.count; k++) size += d->words.words[k].text.len + 1;
  }
  return size;
}

/* with a NUL behind, which the slice does not count */
static tl_slice keep (uint8_t **at, tl_slice s) {
  uint8_t *copy = *at;
  if (s.len) memcpy(copy, s.at, s.len);
  copy[s.len] = 0;
  *at += s.len + 1;
  return tl_slice_of(copy, s.len);
}

static const char *keep_text (uint8_t **at, const char *text) {
  return text ? (const char *)keep(at, tl_slice_str(text)).at : NULL;
}

static tl_value keep_default (uint8_t **at, const tl_tagdef *d) {
  tl_value v = d->default_value;
  if (d->has_default && tl_type_is_text(d->type)) v.text = keep(at, v.text);
  return v;
}

static size_t word_count (const tl_plan_spec *spec) {
  size_t count = 0;
  for (size_t i = 0; i < spec->tag_count; i++) count += spec->tags[i].words.count;
  return count;
}

static uint64_t next_serial (void) {
  static uint64_t last; /* plans are made on the loop's thread only */
  return ++last;
}

static tl_plan *plan_alloc (const tl_plan_spec *spec, uint8_t **texts) {
  size_t n = spec->tag_count;
  size_t tags = n * (sizeof(tl_tagdef) + sizeof(tl_value)),
         indexes = 2 * (n + 1) * sizeof(uint16_t), words = word_count(spec) * sizeof(tl_word);
  tl_plan *p = calloc(1, sizeof *p + tags + words + indexes + spec_size(spec));
  if (!p) return NULL;
  p->serial = next_serial();
  p->tags = (tl_tagdef *)(p + 1);
  p->defaults = (tl_value *)(p->tags + n);
  p->order.tags = (uint16_t *)(void *)((uint8_t *)(p->defaults + n) + words);
  p->slot_tag = p->order.tags + n + 1;
  *texts = (uint8_t *)(p->slot_tag + n + 1);
  return p;
}

static void copy_words (tl_tagdef *d, tl_word **words, uint8_t **at) {
  const tl_word *from = d->words.words;
  d->worded = d->words.count > 0 || d->words.comma;
  d->words.words = d->words.count > 0 ? *words : NULL;
  for (uint16_t i = 0; i < d->words.count; i++)
    *(*words)++ = (tl_word){ from[i].state, keep(at, from[i].text) };
}

static void copy_tags (tl_plan *p, const tl_plan_spec *spec, uint8_t **at) {
  tl_word *words = (tl_word *)(void *)(p->defaults + spec->tag_count);
  for (size_t i = 0; i < spec->tag_count; i++) {
    tl_tagdef *d = &p->tags[i];
    *d = spec->tags[i];
    d->name = keep_text(at, d->name);
    d->address = keep_text(at, d->address);
    d->unit = keep_text(at, d->unit);
    d->description = keep_text(at, d->description);
    d->path = keep(at, d->path);
    copy_words(d, &words, at);
    d->filtered = tl_type_is_number(d->type) && (d->has_linear || d->has_range || d->deadband > 0);
    p->defaults[i] = keep_default(at, d);
    d->default_value = (tl_value){ 0 };
  }
}

/* --- compiling --- */

static int fail_tag (tl_err *err, const tl_err *inner, int code, size_t tag, tl_slice text) {
  return tl_fail(err, code, tag, "%s at byte %zu of '%.*s'", inner->text, inner->at, TL_ARG(text));
}

static int compile_names (tl_plan *p, tl_err *err) {
  for (uint16_t i = 0; i < p->tag_count; i++) {
    tl_slice name = tl_slice_str(p->tags[i].name);
    if (tl_map_get(&p->by_name, name))
      return tl_fail(err, TL_EEXIST, i, "a second tag '%.*s'", TL_ARG(name));
    int rc = tl_map_put(&p->by_name, name, (void *)(uintptr_t)(i + 1u));
    if (rc != TL_OK) return tl_fail(err, rc, i, "no memory");
  }
  return TL_OK;
}

static void find_kinds (tl_plan *p) {
  int16_t *const found[] = {
    [TL_ADDRESS_IN_TOPIC] = &p->special.in_topic,
    [TL_ADDRESS_IN_DATA] = &p->special.in_data,
    [TL_ADDRESS_IN_ID] = &p->special.in_id,
    [TL_ADDRESS_ACK_ID] = &p->special.ack_id,
    [TL_ADDRESS_OUT_TOPIC] = &p->special.out_topic,
    [TL_ADDRESS_OUT_VALUE] = &p->special.out_value,
    [TL_ADDRESS_JSON] = NULL,
    [TL_ADDRESS_REGEX] = NULL,
    [TL_ADDRESS_NONE] = NULL,
  };
  for (size_t k = 0; k < sizeof found / sizeof found[0]; k++)
    if (found[k]) *found[k] = -1;
  for (uint16_t i = 0; i < p->tag_count; i++) {
    tl_address_kind kind = p->tags[i].kind;
    if (kind == TL_ADDRESS_NONE) p->needs_decode = true;
    if (found[kind] && *found[kind] < 0) *found[kind] = (int16_t)i;
  }
}

/* IN_TOPIC, IN_DATA, IN_ID, then the rest in the order of the source. */
static void find_order (tl_plan *p) {
  const int16_t first[] = { p->special.in_topic, p->special.in_data, p->special.in_id };
  for (size_t k = 0; k < 3; k++)
    if (first[k] >= 0) p->order.tags[p->order.count++] = (uint16_t)first[k];
  for (uint16_t i = 0; i < p->tag_count; i++) {
    tl_address_kind kind = p->tags[i].kind;
    if (kind == TL_ADDRESS_REGEX || (kind == TL_ADDRESS_JSON && p->json))
      p->order.tags[p->order.count++] = i;
  }
}

/* payload type text: JA= sets nothing, but must be one */
static int check_paths (const tl_plan *p, tl_err *err) {
  for (uint16_t i = 0; i < p->tag_count; i++) {
    tl_err inner = { 0 };
    if (p->tags[i].kind != TL_ADDRESS_JSON) continue;
    int rc = tl_json_path_check(p->tags[i].path, &inner);
    if (rc != TL_OK) return fail_tag(err, &inner, rc, i, p->tags[i].path);
  }
  return TL_OK;
}

static int compile_set (tl_plan *p, tl_err *err) {
  if (!p->json) return check_paths(p, err);
  tl_slice *paths = malloc((p->tag_count + 1u) * sizeof *paths);
  if (!paths) return tl_fail(err, TL_ENOMEM, 0, "no memory");
  for (uint16_t i = 0; i < p->tag_count; i++) {
    if (p->tags[i].kind != TL_ADDRESS_JSON) continue;
    p->slot_tag[p->slots] = i;
    paths[p->slots++] = p->tags[i].path;
  }
  size_t n = p->slots, which = 0;
  p->time.has_field = p->time.field.len > 0;
  if (p->time.has_field) paths[n++] = p->time.field;
  tl_err inner = { 0 };
  int rc = n ? tl_json_set_new(&p->set, paths, n, &which, &inner) : TL_OK;
  if (p->set) p->slot_values = tl_json_set_slots(p->set);
  if (rc == TL_ENOMEM)
    tl_fail(err, rc, 0, "no memory");
  else if (rc != TL_OK)
    fail_tag(err, &inner, rc, which < p->slots ? p->slot_tag[which] : p->tag_count, paths[which]);
  free(paths);
  return rc;
}

static int compile_patterns (tl_plan *p, tl_err *err) {
  for (uint16_t i = 0; i < p->tag_count; i++) {
    if (p->tags[i].kind != TL_ADDRESS_REGEX) continue;
    if (!p->re.patterns) p->re.patterns = calloc(p->tag_count, sizeof *p->re.patterns);
    if (!p->re.gave_up) p->re.gave_up = calloc(p->tag_count, sizeof *p->re.gave_up);
    if (!p->re.patterns || !p->re.gave_up) return tl_fail(err, TL_ENOMEM, 0, "no memory");
    tl_err inner = { 0 };
    int rc = tl_pattern_new(&p->re.patterns[i], p->tags[i].path, TL_PATTERN_UTF, &inner);
    if (rc != TL_OK) return fail_tag(err, &inner, rc, i, p->tags[i].path);
  }
  return TL_OK;
}

static int compile_mask (tl_plan *p, tl_err *err) {
  tl_slice mask = p->time.text.len ? p->time.text : TL_LIT(DEFAULT_MASK);
  tl_err inner = { 0 };
  int rc = tl_timemask_new(&p->time.mask, mask, &inner);
  if (rc != TL_OK) return fail_tag(err, &inner, rc, p->tag_count, mask);
  p->rule.mask = p->time.mask;
  return TL_OK;
}

int tl_plan_new (tl_plan **out, const tl_plan_spec *spec, tl_err *err) {
  if (spec->prepare_count > TL_PREPARE_MAX)
    return tl_fail(err, TL_ETOOBIG, spec->tag_count, "at most %d steps of prepare, got %zu",
                   TL_PREPARE_MAX, spec->prepare_count);
  if (spec->tag_count > MAX_TAGS)
    return tl_fail(err, TL_ETOOBIG, MAX_TAGS, "at most %d tags, got %zu", MAX_TAGS,
                   spec->tag_count);
  uint8_t *texts = NULL;
  tl_plan *p = plan_alloc(spec, &texts);
  if (!p) return tl_fail(err, TL_ENOMEM, 0, "no memory");
  p->refs = 1;
  p->json = spec->json;
  p->format = spec->format;
  p->prepare_count = (uint8_t)spec->prepare_count;
  if (spec->prepare_count) memcpy(p->prepare, spec->prepare, spec->prepare_count);
  p->time.ignore_missing = spec->ignore_missing_time;
  p->tag_count = (uint16_t)spec->tag_count;
  p->rule.zone = spec->zone ? spec->zone : tl_zone_utc();
  tl_map_init(&p->by_name);
  copy_tags(p, spec, &texts);
  p->time.field = keep(&texts, spec->time_field);
  p->time.text = keep(&texts, spec->time_mask);
  find_kinds(p);
  find_order(p);
  int rc = compile_names(p, err);
  if (rc == TL_OK) rc = compile_set(p, err);
  if (rc == TL_OK) rc = compile_patterns(p, err);
  if (rc == TL_OK) rc = compile_mask(p, err);
  if (rc != TL_OK) {
    tl_plan_unref(p);
    return rc;
  }
  *out = p;
  return TL_OK;
}

int tl_plan_derive (tl_plan **out, tl_plan *plan, const tl_tagdef *tags) {
  size_t n = plan->tag_count, size = 0;
  for (size_t i = 0; i < n; i++) size += default_size(&tags[i]);
  tl_plan *p = malloc(sizeof *p + n * sizeof(tl_value) + size);
  if (!p) return TL_ENOMEM;
  *p = *plan;
  p->serial = next_serial();
  p->refs = 1;
  p->shared.pool = NULL;
  p->shared.base = tl_plan_ref(plan->shared.base ? plan->shared.base : plan);
  p->defaults = (tl_value *)(p + 1);
  uint8_t *texts = (uint8_t *)(p->defaults + n);
  for (size_t i = 0; i < n; i++) p->defaults[i] = keep_default(&texts, &tags[i]);
  *out = p;
  return TL_OK;
}

tl_plan *tl_plan_ref (tl_plan *p) {
  p->refs++;
  return p;
}

void tl_plan_unref (tl_plan *p) {
  if (!p || --p->refs > 0) return;
  tl_plan_forget(p);
  if (p->shared.base) {
    tl_plan_unref(p->shared.base);
    free(p);
    return;
  }
  if (p->re.patterns)
    for (uint16_t i = 0; i < p->tag_count; i++) tl_pattern_free(p->re.patterns[i]);
  free(p->re.patterns);
  free(p->re.gave_up);
  if (p->set) tl_json_set_free(p->set);
  if (p->time.mask) tl_timemask_free(p->time.mask);
  tl_map_fini(&p->by_name);
  free(p);
}

int tl_plan_find (const tl_plan *p, tl_slice name) {
  return (int)(uintptr_t)tl_map_get(&p->by_name, name) - 1;
}
