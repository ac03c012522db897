/* core/model/settings.c — see settings.h. Must not know what they do. */
#include "model/settings.h"

#include <string.h>

#define FIELD(member, kind, name, of_template) \
  { name, TL_SETTING_##kind, offsetof(tl_station_settings, member), of_template },

const tl_setting_field tl_setting_fields[] = {
  TL_STATION_SETTINGS(FIELD){ NULL, TL_SETTING_FLAG, 0, false },
};

static size_t size_of (tl_setting_kind kind) {
  switch (kind) {
    case TL_SETTING_MS: return sizeof(int64_t);
    case TL_SETTING_COUNT: return sizeof(uint32_t);
    case TL_SETTING_FLAG: break;
  }
  return sizeof(bool);
}

void tl_setting_set (tl_station_settings *s, const tl_setting_field *f, double value) {
  char *at = (char *)s + f->at;
  switch (f->kind) {
    case TL_SETTING_MS: *(int64_t *)at = (int64_t)value; break;
    case TL_SETTING_COUNT: *(uint32_t *)at = (uint32_t)value; break;
    case TL_SETTING_FLAG: *(bool *)at = value != 0; break;
  }
}

bool tl_setting_same (const tl_setting_field *f, const tl_station_settings *a,
                      const tl_station_settings *b) {
  return memcmp((const char *)a + f->at, (const char *)b + f->at, size_of(f->kind)) == 0;
}

tl_station_settings tl_settings_of_instance (const tl_station_settings *made_by) {
  tl_station_settings s = *made_by;
  for (const tl_setting_field *f = tl_setting_fields; f->name; f++)
    if (f->of_template) tl_setting_set(&s, f, 0);
  return s;
}
