/* core/gateway/prepare.h — a station's `prepare`, for messages and for explain. */
#ifndef TL_GATEWAY_PREPARE_H
#define TL_GATEWAY_PREPARE_H

#include "model/model.h"

struct tl_gateway;

/* Where texts are made. */
typedef struct {
  tl_buf buf[2];
} tl_prepare_room;

typedef enum { TL_PREPARED_OK, TL_PREPARED_DECLINED, TL_PREPARED_FAILED } tl_prepared;

/* Run the steps of the station's plan. With TL_PREPARED_OK *out is what is read in place of the
** payload; it lies in the payload or in `room`. With `error`, for explain: nothing is written,
** said or counted, and why a function failed is appended to it. */
tl_prepared tl_prepare_run (struct tl_gateway *g, tl_station *s, tl_slice payload,
                            tl_prepare_room *room, tl_slice *out, tl_buf *error);

/* The gateway's room, so that a message needs no memory; to be given back. */
void tl_prepare_room_take (struct tl_gateway *g, tl_prepare_room *room);
void tl_prepare_room_give (struct tl_gateway *g, tl_prepare_room *room);

#endif
