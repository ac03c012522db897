/* core/spool/sum.h — the check sum of what a spool holds. Pure. */
#ifndef TL_SPOOL_SUM_H
#define TL_SPOOL_SUM_H

#include <stddef.h>
#include <stdint.h>

/* It finds bytes that a disk lost or changed: of 4,000,000,000 damages one is not seen. It does not
** find what somebody changed on purpose. The same on every machine. */
uint32_t tl_sum (const uint8_t *at, size_t len);

#endif
