/* core/command/http.h — joins the HTTP server, where the program is built with one. */
#ifndef TL_COMMAND_HTTP_H
#define TL_COMMAND_HTTP_H

#include "config/config.h"

typedef struct tl_http tl_http;

/* Gives the script its server. TL_ENOMEM, said in the log. */
int tl_http_new (tl_http **out, tl_loop *loop, tl_gateway *g, tl_script *s,
                 const tl_outlet_hooks *outlets);
void tl_http_close (tl_http *h); /* before the script and the gateway; NULL is fine */

#endif
