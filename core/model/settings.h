/* core/model/settings.h — the parameters of a station that are numbers and flags, as a config has
** them. A new one is a member here, a row in settings.c, and one in
** lua/tagline/config/shapes.lua. */
#ifndef TL_MODEL_SETTINGS_H
#define TL_MODEL_SETTINGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct {
  int64_t time_filter_ms; /* time_filter: how long StErr is not told */
  int64_t no_data_ms;     /* no_data_timeout: silence that is a fault; 0: none is */
  uint32_t max_instances; /* of a template */
  bool subscribe_address;
  bool ignore_retained;
  bool off, simulate; /* how it starts; both: off */
} tl_station_settings;

typedef enum { TL_SETTING_MS, TL_SETTING_COUNT, TL_SETTING_FLAG } tl_setting_kind;

typedef struct {
  const char *name; /* of the config's parameter; NULL ends the table */
  tl_setting_kind kind;
  size_t at;        /* in tl_station_settings */
  double otherwise; /* where a config does not say: in seconds, a number, 0 or 1 */
  bool of_template; /* it means something for templates only, and their instances have 0 */
} tl_setting_field;

extern const tl_setting_field tl_setting_fields[];

/* Sets the member; MS: to that many ms. */
void tl_setting_set (tl_station_settings *s, const tl_setting_field *f, double value);
bool tl_setting_same (const tl_setting_field *f, const tl_station_settings *a,
                      const tl_station_settings *b);
/* What a station that a template makes has of it. */
tl_station_settings tl_settings_of_instance (const tl_station_settings *made_by);

#endif
