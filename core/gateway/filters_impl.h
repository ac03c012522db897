/* core/gateway/filters_impl.h — private to gateway/: which topic filters a line wants, and what
** comes because of them. */
#ifndef TL_GATEWAY_FILTERS_IMPL_H
#define TL_GATEWAY_FILTERS_IMPL_H

#include "gateway/link_impl.h"

/* session.c */
/* Compute the filters that the line wants. Nothing changes until tl_link_use_filters(), which
** takes over *fresh and cannot fail. TL_ENOMEM. */
int tl_filters_make (tl_filters *fresh, const tl_line_params *p, const tl_line *line);
void tl_link_use_filters (tl_link *l, tl_filters *fresh);
void tl_filters_fini (tl_filters *f);
/* filter_index.c: would a broker send a message with this topic? Costs one look-up and a
** comparison with each filter that has wildcards. */
bool tl_filters_take (tl_filters *f, tl_slice topic);
void tl_filters_drop_index (tl_filters *f);
/* Called after stations or topic_filter of a running line have changed: compute its filters
** anew.
** Logs it when the broker does not know the new filters yet, because messages are then missing
** for no visible reason. `what` begins that sentence. TL_ENOMEM. */
int tl_link_refresh_filters (tl_link *l, const char *what);

/* retained.c */
/* A reload made new stations or tags: ask the broker for the retained messages of their topics
** again. */
void tl_link_fetch_retained (tl_link *l);
/* Was m sent because of that request, although s is not new? */
bool tl_retained_is_old (const tl_link *l, const tl_station *s, const tl_incoming *m);

/* fed.c: SUBACK came; note which stations can receive nothing now */
void tl_link_note_fed (tl_link *l, const tl_subscription *filters, const uint8_t *granted,
                       size_t n);

#endif
