/* core/command/service.h — a running process and whoever looks after it: systemd hears what it
** does, and a loop that stands still ends it. */
#ifndef TL_COMMAND_SERVICE_H
#define TL_COMMAND_SERVICE_H

#include "gateway/gateway.h"
#include "net/loop.h"
#include "config/config.h"

typedef struct tl_service tl_service;

/* Watches from here on that the config is loaded, by tl_service_loads(), then that the loop turns
** (limits: stall_time), and tells $NOTIFY_SOCKET, if there is one:
** RELOADING=1 and READY=1 around each reload, STATUS= when it changes, WATCHDOG=1 while the loop
** turns. TL_ENOMEM or a libuv code. */
int tl_service_new (tl_service **out, tl_loop *loop, tl_script *script, tl_gateway *gateway);
void tl_service_loads (tl_service *s);    /* loading the config goes on */
void tl_service_ready (tl_service *s);    /* the config runs */
void tl_service_stopping (tl_service *s); /* NULL is fine */
void tl_service_free (tl_service *s);     /* before the loop; NULL is fine */

#endif
