/* core/gateway/once.h — what an observer that keeps values on disk and the session stores must
** tell each other, so that a QoS 2 message is stored once, whenever the process is killed.
**
** Two files cannot be written at once. First the values are written, with marks of the messages
** that brought them; then the session's store, with their identifiers and the place up to which
** values were written. A process that is killed in between leaves marks at a place that the store
** does not know: the message comes again, goes its way, and only its values are not stored a
** second time. */
#ifndef TL_GATEWAY_ONCE_H
#define TL_GATEWAY_ONCE_H

#include "base/slice.h"

struct tl_gateway;

/* A received message: its line's name and its packet's identifier, and what it says. Borrowed. */
typedef struct {
  tl_slice line;
  uint16_t id;
  uint64_t sum;
} tl_message_mark;

/* Values are kept on disk, in something that has this number (not 0); `next` is the number of the
** next value. To be called at the beginning and after each writing. */
void tl_gateway_set_place (struct tl_gateway *g, uint64_t store, uint64_t next);

/* The mark of a process before, written with a value that has this number. Before lines connect.
** Without memory it is left out: the message is then stored again. */
void tl_gateway_found_mark (struct tl_gateway *g, uint64_t number, const tl_message_mark *r);

/* Messages whose values came, and of which no store knows yet: they are written with the values, at
** every writing until their store knows them. */
void tl_gateway_each_mark (const struct tl_gateway *g,
                           void (*one)(void *ctx, const tl_message_mark *r), void *ctx);

/* Inside value(): it is of a message that a process before stored. */
bool tl_gateway_is_stored (const struct tl_gateway *g);

#endif
