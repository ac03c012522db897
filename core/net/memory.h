/* core/net/memory.h — the memory of libuv. libuv calls abort() where its table of descriptors
** cannot grow, also in uv_loop_init(). Here it gets a reserve first, and a process that has
** used that up says why it ends. */
#ifndef TL_NET_MEMORY_H
#define TL_NET_MEMORY_H

/* Before anything else of libuv; again is harmless. */
void tl_net_memory_begin (void);

#endif
