/* core/web/write.c — writing a tag by HTTP. */
#include "web/web_impl.h"

void tl_web_write_forget (request *r) { (void)r; }
