/* core/web/metrics_impl.h — the page of /metrics while it is made, family after family. */
#ifndef TL_WEB_METRICS_IMPL_H
#define TL_WEB_METRICS_IMPL_H

#include "web/facts.h"
#include "web/metrics_text.h"
#include "web/web_impl.h"

typedef struct {
  tl_metrics *m;
  const tl_web *web;
  const tl_line_facts *lines;
  uint32_t n; /* lines */
} tl_metrics_page;

enum { TL_METRICS_FAMILIES = 8 };

/* metrics_families.c: add the family of this number, below TL_METRICS_FAMILIES. */
void tl_metrics_add_family (const tl_metrics_page *p, unsigned number);

#endif
