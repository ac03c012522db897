/* core/model/address.c — the words that a tag's address may begin with. Knows no plan and
** compiles nothing. */
#include "model/plan.h"

bool tl_address_parse (tl_slice address, tl_address_kind *kind, tl_slice *path) {
  static const struct {
    const char *word;
    tl_address_kind kind;
  } words[] = {
    { "", TL_ADDRESS_NONE },
    { "IN_TOPIC", TL_ADDRESS_IN_TOPIC },
    { "IN_DATA", TL_ADDRESS_IN_DATA },
    { "IN_ID", TL_ADDRESS_IN_ID },
    { "ACK_ID", TL_ADDRESS_ACK_ID },
    { "OUT_TOPIC", TL_ADDRESS_OUT_TOPIC },
    { "OUT_VALUE", TL_ADDRESS_OUT_VALUE },
  };
  if (address.len >= 3 &&
      (memcmp(address.at, "JA=", 3) == 0 || memcmp(address.at, "RE=", 3) == 0)) {
    *kind = address.at[0] == 'J' ? TL_ADDRESS_JSON : TL_ADDRESS_REGEX;
    *path = tl_slice_of(address.at + 3, address.len - 3);
    return true;
  }
  for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
    if (!tl_slice_eq(address, tl_slice_str(words[i].word))) continue;
    *kind = words[i].kind;
    *path = tl_slice_of(NULL, 0);
    return true;
  }
  return false;
}
