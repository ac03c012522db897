/* core/base/topic.h — MQTT topic names and filters. Knows nothing of sessions. */
#ifndef TL_BASE_TOPIC_H
#define TL_BASE_TOPIC_H

#include "base/slice.h"

/* Topic names and filters, [MQTT-1.5.3-1], [MQTT-1.5.3-2], [MQTT-4.7.1-1..3],
** [MQTT-4.7.3-1..3]: 1..65535 bytes of UTF-8 without U+0000. A name has no wildcard. A filter
** may be "$share/group/filter". Failure fills *err (may be NULL): what was expected, at which
** byte. */
int tl_topic_check (tl_slice name, tl_err *err);
int tl_filter_check (tl_slice filter, tl_err *err);
/* Does the filter (without $share prefix, or with: it is skipped) take the topic? "$…" topics
** are not taken by a leading wildcard [MQTT-4.7.2-1]. Both must be valid. */
bool tl_filter_match (tl_slice filter, tl_slice topic);

#endif
