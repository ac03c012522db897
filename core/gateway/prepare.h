/* core/gateway/prepare.h — a station's `prepare`, for messages and for explain. */
#ifndef TL_GATEWAY_PREPARE_H
#define TL_GATEWAY_PREPARE_H

#include "model/model.h"

struct tl_gateway;

/* Two buffers for the texts that steps make. */
typedef struct {
  tl_buf buf[2];
} tl_prepare_room;

typedef enum { TL_PREPARED_OK, TL_PREPARED_DECLINED, TL_PREPARED_FAILED } tl_prepared;

/* Run the steps of the station's plan. TL_PREPARED_OK: *out is read in place of the payload;
** it is a part of the payload or lies in `room`.
** With `error` (explain) nothing is written, logged or counted, and the reason of a failed
** function is appended to *error. */
tl_prepared tl_prepare_run (struct tl_gateway *g, tl_station *s, tl_slice payload,
                            tl_prepare_room *room, tl_slice *out, tl_buf *error);

/* Borrow the gateway's buffers, so that most messages allocate nothing. To be given back with
** tl_prepare_room_give(). */
void tl_prepare_room_take (struct tl_gateway *g, tl_prepare_room *room);
void tl_prepare_room_give (struct tl_gateway *g, tl_prepare_room *room);

#endif
