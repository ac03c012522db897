/* core/model/instance.c — the plan of one device out of its template's. Must not know stations
** or topics. */
#include <stdlib.h>

#include "model/fill.h"
#include "model/model_impl.h"

/* Walked twice: first with `to` NULL to measure, then to write. */
typedef struct {
  const tl_slice *names, *values;
  size_t n;
  uint8_t *to;
  size_t len;
} filling;

static tl_slice fill (filling *f, tl_slice text, tl_fill_how how) { /* NUL-terminated */
  uint8_t *to = f->to ? f->to + f->len : NULL;
  size_t len = tl_fill_into(to, text, f->names, f->values, f->n, how);
  if (to) to[len] = 0;
  f->len += len + 1;
  return tl_slice_of(to, len);
}

static const char *fill_text (filling *f, const char *text, tl_fill_how how) {
  return text ? (const char *)fill(f, tl_slice_str(text), how).at : NULL;
}

static void fill_spec (filling *f, const tl_plan *plan, tl_plan_spec *spec, tl_tagdef *tags) {
  for (size_t i = 0; i < plan->tag_count; i++) {
    tl_tagdef *d = &tags[i];
    *d = plan->tags[i];
    tl_fill_how how = d->kind == TL_ADDRESS_REGEX ? TL_FILL_REGEX : TL_FILL_PLAIN;
    d->address = fill_text(f, d->address, how);
    d->path = fill(f, d->path, how);
    d->unit = fill_text(f, d->unit, TL_FILL_PLAIN);
    d->description = fill_text(f, d->description, TL_FILL_PLAIN);
    d->default_value = plan->defaults[i];
    if (d->has_default && tl_type_is_text(d->type))
      d->default_value.text = fill(f, d->default_value.text, TL_FILL_PLAIN);
  }
  spec->time_field = fill(f, plan->time.field, TL_FILL_PLAIN);
  spec->time_mask = fill(f, plan->time.text, TL_FILL_PLAIN);
}

typedef enum { NOTHING, DEFAULTS, COMPILED } needed;

static bool in_text (const char *text, const tl_slice *names, size_t n) {
  return text && tl_fill_needed(tl_slice_str(text), names, n);
}

static needed what_is_needed (const tl_plan *p, const tl_slice *names, size_t n) {
  needed need = NOTHING;
  if (tl_fill_needed(p->time.field, names, n) || tl_fill_needed(p->time.text, names, n))
    return COMPILED;
  for (size_t i = 0; i < p->tag_count; i++) {
    const tl_tagdef *d = &p->tags[i];
    if (in_text(d->address, names, n) || in_text(d->unit, names, n) ||
        in_text(d->description, names, n) || tl_fill_needed(d->path, names, n))
      return COMPILED;
    if (d->has_default && tl_type_is_text(d->type) && tl_fill_needed(p->defaults[i].text, names, n))
      need = DEFAULTS;
  }
  return need;
}

int tl_plan_fill (tl_plan **out, tl_plan *plan, const tl_slice *names, const tl_slice *values,
                  size_t n, tl_err *err) {
  needed need = what_is_needed(plan, names, n);
  if (need == NOTHING) {
    *out = tl_plan_ref(plan);
    return TL_OK;
  }
  int rc = TL_ENOMEM;
  filling f = { names, values, n, NULL, 0 };
  tl_plan_spec spec = { .json = plan->json,
                        .format = plan->format,
                        .prepare = plan->prepare,
                        .prepare_count = plan->prepare_count,
                        .zone = plan->rule.zone,
                        .ignore_missing_time = plan->time.ignore_missing };
  tl_tagdef *tags = calloc(plan->tag_count ? plan->tag_count : 1, sizeof *tags);
  if (!tags) goto out;
  fill_spec(&f, plan, &spec, tags);
  f.to = malloc(f.len);
  f.len = 0;
  if (!f.to) goto out;
  fill_spec(&f, plan, &spec, tags);
  spec.tags = tags;
  spec.tag_count = plan->tag_count;
  rc = need == DEFAULTS ? tl_plan_derive(out, plan, tags) : tl_plan_new(out, &spec, err);
out:
  free(f.to);
  free(tags);
  if (rc == TL_ENOMEM) tl_fail(err, rc, 0, "no memory");
  return rc;
}
