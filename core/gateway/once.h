/* core/gateway/once.h — how an observer that keeps values on disk (the spool) and the session
** stores agree, so that a QoS 2 message is stored once, whenever the process is killed.
**
** Two files cannot be written in one step. So the values are written first, with marks of the
** messages that brought them.
** Then the session stores are written, with the messages' identifiers and the place up to
** which values were written.
** A process that is killed in between leaves marks at a place that a store does not know.
** The broker then sends the message again. It is handled as usual, but its values are not
** stored a second time. */
#ifndef TL_GATEWAY_ONCE_H
#define TL_GATEWAY_ONCE_H

#include "base/slice.h"

struct tl_gateway;

/* A received message: its line's name, its packet's identifier, and a hash of topic and
** payload. Borrowed. */
typedef struct {
  tl_slice line;
  uint16_t id;
  uint64_t sum;
} tl_message_mark;

/* Values are kept on disk, in a spool with the number `store` (not 0). The next value will have the
** number `next`. To be called at the beginning and after each time values were written. */
void tl_gateway_set_place (struct tl_gateway *g, uint64_t store, uint64_t next);

/* A mark of an earlier process was found, written with a value of this number. To be called
** before lines connect. Without memory the mark is left out, and the message's values are
** stored again. */
void tl_gateway_found_mark (struct tl_gateway *g, uint64_t number, const tl_message_mark *r);

/* Calls a function for each message whose values came and that no store knows yet. Their marks
** are written with the values, each time, until the store knows them. */
void tl_gateway_each_mark (const struct tl_gateway *g,
                           void (*one)(void *ctx, const tl_message_mark *r), void *ctx);

/* Asked inside value(): is this a value of a message that an earlier process stored? */
bool tl_gateway_is_stored (const struct tl_gateway *g);

#endif
