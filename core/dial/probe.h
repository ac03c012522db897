/* core/dial/probe.h — does a line's connection work, and if not, at which stage does it
** fail?
** Each address is tried stage by stage, beside the running connection, with a Client ID of its
** own and a clean session. A probe may also stay connected and report what the broker sends. */
#ifndef TL_DIAL_PROBE_H
#define TL_DIAL_PROBE_H

#include "dial/dial.h"

typedef struct tl_probe tl_probe;

/* `report` gets lines of text for a person. `done` is called once at the end, and the probe is
** freed: `well`, or false with the last failure. Both are called from the loop.
** The probe ends when the line changes or is removed. TL_OK and *out, or TL_ENOMEM. */
int tl_probe_start (tl_probe **out, tl_dial *d, void (*report)(void *ctx, const char *text),
                    void (*done)(void *ctx, bool well, const char *why), void *ctx);

/* What a listening probe calls. */
typedef struct {
  /* A message; borrowed until the call returns. If it is longer than max_packet_size only its
  ** topic and flags are there, the payload is empty, and `size` is that of the packet in
  ** bytes. */
  void (*message)(void *ctx, const tl_message *m, size_t size);
  void (*listening)(void *ctx); /* SUBACK came: messages follow from here on */
} tl_probe_ears;

/* The same, and then stay connected and listen at QoS 0 until tl_probe_end(). If the
** connection ends before that, this is a failure.
** Filters that the broker refuses are reported; it is a failure only if the broker refuses all
** of them. Nothing is published. */
int tl_probe_listen (tl_probe **out, tl_dial *d, const tl_probe_ears *ears,
                     void (*report)(void *ctx, const char *text),
                     void (*done)(void *ctx, bool well, const char *why), void *ctx);
/* Disconnect from the broker in order; `done` is called later. */
void tl_probe_end (tl_probe *p);
/* End the probe at once; neither function is called any more. */
void tl_probe_stop (tl_probe *p);

#endif
