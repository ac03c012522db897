/* core/base/value.c — the words of tag types, statuses and reasons, as users write and read
** them. Knows nothing else. */
#include "base/value.h"

#include <assert.h>

static const char *const type_names[TL_TYPE_COUNT] = {
  "Ai", "Ao", "Ci", "Co", "Di", "Do", "Qi", "TxtI", "TxtO", "TiA", "ToA", "TiR", "ToR",
};

static const char *const reason_names[TL_REASON_COUNT] = {
  "",        "missing", "json", "type", "range", "decoder", "station-will", "disconnected",
  "no-data", "off",     "time",
};

const char *const tl_qi_names[5] = { "Off", "On", "Trans", "Err", "Oscillate" };

const char *tl_type_name (tl_type type) {
  assert((unsigned)type < TL_TYPE_COUNT);
  return type_names[type];
}

bool tl_type_from_name (tl_slice name, tl_type *out) {
  for (int i = 0; i < TL_TYPE_COUNT; i++) {
    if (!tl_slice_eq(name, tl_slice_str(type_names[i]))) continue;
    *out = (tl_type)i;
    return true;
  }
  return false;
}

bool tl_type_is_output (tl_type type) {
  switch (type) {
    case TL_AO:
    case TL_CO:
    case TL_DO:
    case TL_TXTO:
    case TL_TOA:
    case TL_TOR: return true;
    default: return false;
  }
}

bool tl_value_eq (tl_type type, const tl_value *a, const tl_value *b) {
  assert((unsigned)type < TL_TYPE_COUNT);
  switch (type) {
    case TL_AI:
    case TL_AO:
    case TL_TIR:
    case TL_TOR: return a->number == b->number;
    case TL_CI:
    case TL_CO:
    case TL_QI:
    case TL_TIA:
    case TL_TOA: return a->integer == b->integer;
    case TL_DI:
    case TL_DO: return a->boolean == b->boolean;
    case TL_TXTI:
    case TL_TXTO: return tl_slice_eq(a->text, b->text);
    default: return false;
  }
}

const char *tl_status_name (tl_status status) {
  static const char *const names[] = { "unset", "valid", "invalid" };
  assert((unsigned)status < 3);
  return names[status];
}

const char *tl_reason_name (tl_reason reason) {
  assert((unsigned)reason < TL_REASON_COUNT);
  return reason_names[reason];
}

bool tl_reason_from_name (tl_slice name, tl_reason *out) {
  for (int i = 0; i < TL_REASON_COUNT; i++) {
    if (!tl_slice_eq(name, tl_slice_str(reason_names[i]))) continue;
    *out = (tl_reason)i;
    return true;
  }
  return false;
}
