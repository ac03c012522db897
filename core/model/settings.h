/* core/model/settings.h — the parameters of a station that are times (MS), counts (COUNT, uint32_t)
** and flags, as a config has them. A new one is a row here, and one in
** lua/tagline/config/shapes.lua. A number of another kind, such as a fraction, needs a kind of its
** own: here, in settings.c, and in setting() of config/draft.c. */
#ifndef TL_MODEL_SETTINGS_H
#define TL_MODEL_SETTINGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A row: the member, its kind, the config's name for it (shapes.lua has its range, its default and
** what it means), and whether a template keeps it to itself: then the stations that it makes have
** 0. A template is a station whose address has named groups. */
/* clang-format off */
#define TL_STATION_SETTINGS(row) \
  row(time_filter_ms, MS, "time_filter", false) \
  row(no_data_ms, MS, "no_data_timeout", false) \
  row(subscribe_address, FLAG, "subscribe_address", true) \
  row(ignore_retained, FLAG, "ignore_retained", false) \
  row(off, FLAG, "off", false) /* at the start; it counts more than simulate */ \
  row(simulate, FLAG, "simulate", false) \
  row(max_instances, COUNT, "max_instances", true)
/* clang-format on */

typedef enum { TL_SETTING_MS, TL_SETTING_COUNT, TL_SETTING_FLAG } tl_setting_kind;

#define TL_SETTING_TYPE_MS int64_t
#define TL_SETTING_TYPE_COUNT uint32_t
#define TL_SETTING_TYPE_FLAG bool

#define TL_SETTING_MEMBER(member, kind, name, of_template) TL_SETTING_TYPE_##kind member;
typedef struct {
  TL_STATION_SETTINGS(TL_SETTING_MEMBER)
} tl_station_settings;
#undef TL_SETTING_MEMBER

typedef struct {
  const char *name; /* of the config's parameter; NULL ends the table */
  tl_setting_kind kind;
  size_t at;        /* in tl_station_settings */
  bool of_template; /* the stations that a template makes have 0 */
} tl_setting_field;

extern const tl_setting_field tl_setting_fields[];

/* Sets the member; MS: to that many ms. */
void tl_setting_set (tl_station_settings *s, const tl_setting_field *f, double value);
bool tl_setting_same (const tl_setting_field *f, const tl_station_settings *a,
                      const tl_station_settings *b);
/* What a station that a template makes has of it. */
tl_station_settings tl_settings_of_instance (const tl_station_settings *made_by);

#endif
