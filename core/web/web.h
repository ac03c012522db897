/* core/web/web.h — the HTTP server: metrics, health, the API, events, the page. All of it runs on
** the loop, in pieces, and asks the rooms below; nothing here may hold a message up. */
#ifndef TL_WEB_WEB_H
#define TL_WEB_WEB_H

#include "config/config.h"
#include "gateway/gateway.h"
#include "repl/repl.h"

typedef struct tl_web tl_web;

/* `outlets` (may be NULL) tells how outlets are; it must outlive the server, as the others must.
** Nothing is opened before a config asks for it. TL_ENOMEM. */
int tl_web_new (tl_web **out, tl_loop *loop, tl_gateway *g, tl_script *s,
                const tl_outlet_hooks *outlets);
const tl_http_hooks *tl_web_hooks (tl_web *w);
/* Ends listening and every connection, before the script and the gateway go; what is left goes
** from the loop's close callbacks. NULL is fine. */
void tl_web_close (tl_web *w);

#endif
