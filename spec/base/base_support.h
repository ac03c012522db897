/* spec/base/base_support.h — what the base specs share with all others, and buffers. */
#ifndef SPEC_BASE_SUPPORT_H
#define SPEC_BASE_SUPPORT_H

#include "base/buf.h"
#include "support/spec.h"

#endif
