/* core/base/text.h — the text rules that rooms share, in one include. */
#ifndef TL_BASE_TEXT_H
#define TL_BASE_TEXT_H

#include "base/format.h"
#include "base/number.h"
#include "base/topic.h"
#include "base/utf8.h"
#include "base/visible.h"

#endif
