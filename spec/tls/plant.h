/* spec/tls/plant.h — a plant's CA, and the certificates of its broker and of a gateway. */
#ifndef TL_SPEC_TLS_PLANT_H
#define TL_SPEC_TLS_PLANT_H

#include "pki.h"

static identity ca, broker, gateway;

/* `names`: the broker's alternative names. */
static inline void plant_make (const char *names) {
  identity_make(&ca, &(wanted){ .name = "Plant CA", .is_ca = true });
  identity_make(&broker, &(wanted){ .name = "broker", .alternative = names, .signer = &ca });
  identity_make(&gateway, &(wanted){ .name = "gw1", .signer = &ca });
}

static inline int plant_free (void **unused) {
  (void)unused;
  identity_free(&ca);
  identity_free(&broker);
  identity_free(&gateway);
  return 0;
}

#endif
