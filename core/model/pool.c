/* core/model/pool.c — equal definitions share one plan. Must not know what a plan is for. */
#include <stdlib.h>

#include "model/model_impl.h"

/* The key is the 8-byte hash of the definition, which is stored in the plan. A plan that is found
** is compared in full. If two definitions have the same hash, the second is not put into the
** pool. */
struct tl_plan_pool {
  tl_map plans, bases;
};

/* --- hashing: FNV-1a over everything that makes a definition --- */

static void hash_bytes (uint64_t *h, const void *bytes, size_t n) {
  const uint8_t *at = bytes;
  for (size_t i = 0; i < n; i++) *h = (*h ^ at[i]) * 0x100000001b3u;
}

static void hash_number (uint64_t *h, uint64_t n) { hash_bytes(h, &n, sizeof n); }

static void hash_slice (uint64_t *h, tl_slice s) {
  hash_number(h, s.len);
  hash_bytes(h, s.at, s.len);
}

static void hash_text (uint64_t *h, const char *text) {
  if (text)
    hash_slice(h, tl_slice_str(text));
  else
    hash_number(h, UINT64_MAX);
}

static void hash_double (uint64_t *h, double d) { hash_bytes(h, &d, sizeof d); }

static void hash_default (uint64_t *h, const tl_tagdef *d) {
  if (!d->has_default) return;
  if (tl_type_is_text(d->type))
    hash_slice(h, d->default_value.text);
  else if (d->type == TL_DI || d->type == TL_DO)
    hash_number(h, d->default_value.boolean);
  else
    /* the same 8 bytes of the union hold a number */
    hash_number(h, (uint64_t)d->default_value.integer);
}

static void hash_words (uint64_t *h, const tl_text_rule *w) {
  if (w->count == 0 && !w->comma) return;
  hash_number(h, (uint64_t)w->count << 1 | w->comma);
  for (uint16_t i = 0; i < w->count; i++) {
    hash_number(h, w->words[i].state);
    hash_slice(h, w->words[i].text);
  }
}

static uint64_t hash_spec (const tl_plan_spec *spec) { /* without defaults */
  uint64_t h = 0xcbf29ce484222325u;
  hash_number(&h, spec->json | spec->ignore_missing_time << 1 | spec->format << 2);
  hash_number(&h, spec->prepare_count);
  hash_bytes(&h, spec->prepare, spec->prepare_count);
  hash_number(&h, (uint64_t)(uintptr_t)spec->zone);
  hash_slice(&h, spec->time_field);
  hash_slice(&h, spec->time_mask);
  for (size_t i = 0; i < spec->tag_count; i++) {
    const tl_tagdef *d = &spec->tags[i];
    hash_text(&h, d->name);
    hash_text(&h, d->address);
    hash_text(&h, d->unit);
    hash_text(&h, d->description);
    hash_slice(&h, d->path);
    hash_number(&h, (uint64_t)d->type << 16 | (uint64_t)d->kind << 8 |
                        (uint64_t)d->out_of_range << 4 | (uint64_t)d->on_missing);
    hash_number(&h, d->has_default | d->has_linear << 1 | d->has_range << 2 |
                        d->new_value_on_time_change << 3);
    const double numbers[] = { d->linear_k, d->linear_q, d->range_min, d->range_max, d->deadband };
    for (size_t k = 0; k < 5; k++) hash_double(&h, numbers[k]);
    hash_words(&h, &d->words);
    hash_number(&h, d->history.off);
    hash_double(&h, d->history.deadband);
    hash_number(&h, (uint64_t)d->history.silence_ms);
    hash_number(&h, (uint64_t)d->history.keep_ms);
  }
  return h;
}

static uint64_t hash_defaults (uint64_t h, const tl_plan_spec *spec) {
  for (size_t i = 0; i < spec->tag_count; i++) hash_default(&h, &spec->tags[i]);
  return h;
}

/* --- comparing --- */

static bool same_text (const char *a, const char *b) { return a && b ? strcmp(a, b) == 0 : a == b; }

static bool same_double (double a, double b) { return memcmp(&a, &b, sizeof a) == 0; }

static bool same_history (const tl_history_options *a, const tl_history_options *b) {
  return a->off == b->off && same_double(a->deadband, b->deadband) &&
         a->silence_ms == b->silence_ms && a->keep_ms == b->keep_ms;
}

bool tl_tagdef_same (const tl_tagdef *a, const tl_tagdef *b) {
  return a->type == b->type && a->kind == b->kind && a->out_of_range == b->out_of_range &&
         a->on_missing == b->on_missing && a->has_default == b->has_default &&
         a->has_linear == b->has_linear && a->has_range == b->has_range &&
         a->new_value_on_time_change == b->new_value_on_time_change &&
         same_double(a->linear_k, b->linear_k) && same_double(a->linear_q, b->linear_q) &&
         same_double(a->range_min, b->range_min) && same_double(a->range_max, b->range_max) &&
         same_double(a->deadband, b->deadband) && same_history(&a->history, &b->history) &&
         same_text(a->name, b->name) && same_text(a->address, b->address) &&
         same_text(a->unit, b->unit) && same_text(a->description, b->description) &&
         tl_slice_eq(a->path, b->path) && tl_text_rule_eq(&a->words, &b->words);
}

static bool same_spec (const tl_plan *p, const tl_plan_spec *spec, bool defaults) {
  const tl_zone *zone = spec->zone ? spec->zone : tl_zone_utc();
  if (p->format != spec->format || p->prepare_count != spec->prepare_count ||
      (spec->prepare_count && memcmp(p->prepare, spec->prepare, spec->prepare_count) != 0))
    return false;
  if (p->json != spec->json || p->time.ignore_missing != spec->ignore_missing_time ||
      p->rule.zone != zone || p->tag_count != spec->tag_count ||
      !tl_slice_eq(p->time.field, spec->time_field) || !tl_slice_eq(p->time.text, spec->time_mask))
    return false;
  for (size_t i = 0; i < spec->tag_count; i++) {
    const tl_tagdef *d = &spec->tags[i];
    if (!tl_tagdef_same(&p->tags[i], d)) return false;
    if (defaults && d->has_default && !tl_value_eq(d->type, &p->defaults[i], &d->default_value))
      return false;
  }
  return true;
}

/* --- the pool --- */

static tl_slice key_of (const uint64_t *key) { return tl_slice_of(key, sizeof *key); }

int tl_plan_pool_new (tl_plan_pool **out) {
  tl_plan_pool *pool = malloc(sizeof *pool);
  if (!pool) return TL_ENOMEM;
  tl_map_init(&pool->plans);
  tl_map_init(&pool->bases);
  *out = pool;
  return TL_OK;
}

static void leave (tl_map *plans) {
  tl_slice key;
  void *value;
  for (uint32_t i = 0; tl_map_next(plans, &i, &key, &value);)
    ((tl_plan *)value)->shared.pool = NULL;
  tl_map_fini(plans);
}

void tl_plan_pool_free (tl_plan_pool *pool) {
  if (!pool) return;
  leave(&pool->plans);
  leave(&pool->bases);
  free(pool);
}

void tl_plan_forget (tl_plan *p) {
  if (!p->shared.pool) return;
  if (tl_map_get(&p->shared.pool->plans, key_of(&p->shared.key)) == p)
    tl_map_del(&p->shared.pool->plans, key_of(&p->shared.key));
  if (tl_map_get(&p->shared.pool->bases, key_of(&p->shared.base_key)) == p)
    tl_map_del(&p->shared.pool->bases, key_of(&p->shared.base_key));
}

int tl_plan_pool_get (tl_plan_pool *pool, tl_plan **out, const tl_plan_spec *spec, tl_err *err) {
  uint64_t base_key = hash_spec(spec), key = hash_defaults(base_key, spec);
  tl_plan *p = tl_map_get(&pool->plans, key_of(&key));
  if (p && same_spec(p, spec, true)) {
    *out = tl_plan_ref(p);
    return TL_OK;
  }
  bool taken = p;
  tl_plan *base = tl_map_get(&pool->bases, key_of(&base_key));
  bool derived = base && same_spec(base, spec, false);
  int rc = derived ? tl_plan_derive(&p, base, spec->tags) : tl_plan_new(&p, spec, err);
  if (rc != TL_OK) return derived ? tl_fail(err, rc, 0, "no memory") : rc;
  p->shared.key = key;
  p->shared.base_key = base_key;
  /* A plan that is not in the pool is only not shared, so a map without memory is no failure. */
  if (!taken && tl_map_put(&pool->plans, key_of(&p->shared.key), p) == TL_OK) p->shared.pool = pool;
  if (!base && tl_map_put(&pool->bases, key_of(&p->shared.base_key), p) == TL_OK)
    p->shared.pool = pool;
  *out = p;
  return TL_OK;
}
