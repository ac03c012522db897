/* core/web/tags.h — all tags, a hundred at a time. */
#ifndef TL_WEB_TAGS_H
#define TL_WEB_TAGS_H

#include "model/walk.h"

enum { TL_TAGS_A_SLICE = 100, TL_TAGS_BLOCK = 8 * 1024 };

#endif
