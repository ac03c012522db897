/* core/payload/json_set.h — compiled addresses: a tree in one block of memory, read-only.
** Inside of this room only. Must not know documents.
**
** A node is a place in a document; its children lie side by side, keys first in the order of
** length and bytes, then elements by index. `order` lists the numbers of the addresses so that
** those of a node and of all below it are one range: order[from..own) lead to the node itself,
** order[own..to) below it. */
#ifndef TL_PAYLOAD_JSON_SET_H
#define TL_PAYLOAD_JSON_SET_H

#include "payload/json.h"

typedef struct {
  uint64_t head;    /* the first 8 bytes of the key, the rest 0 */
  uint64_t lengths; /* bit min(len, 63) is set when a child's key has this length */
  uint32_t len;     /* of the key; of an element: its index, from 1 */
  uint32_t key;     /* where the key's bytes lie in set->keys */
  uint32_t from, own, to;
  uint32_t children, keys, elements; /* the first child's number; how many of which kind */
  /* where the node's hash index lies in set->index, for many keys */
  uint32_t index;
  uint32_t mask; /* its size - 1; 0: there is none, look at each */
} tl_json_node;

struct tl_json_set {
  size_t bytes;
  const tl_json_node *nodes; /* nodes[0]: the document */
  const uint32_t *order;
  const uint32_t *index; /* numbers of nodes, 0 for an empty place */
  const uint8_t *keys;
};

enum { TL_JSON_LOOK_AT_EACH = 8 }; /* up to so many keys */

/* One level of an address. */
typedef struct {
  uint32_t at, len; /* the key's bytes, in a buffer of the caller's; */
  uint32_t index;   /* or an index from 1, when this is not 0 */
} tl_json_step;

enum { TL_JSON_PATH_MAX = 65535 };

/* Split an address into steps; `steps` and `keys` have room for path.len + 1 steps and path.len
** bytes behind *used, or both are NULL to check only. TL_OK, *n steps written; or TL_ESYNTAX. */
int tl_json_path_split (tl_slice path, tl_json_step *steps, size_t *n, uint8_t *keys,
                        uint32_t *used, tl_err *err);

/* The first 8 bytes of a key of which `room` bytes may be read. */
static inline uint64_t tl_json_head (const uint8_t *key, size_t len, size_t room) {
  uint64_t head = 0;
#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
  if (room >= 8) {
    memcpy(&head, key, 8);
    return len >= 8 ? head : head & ~(~(uint64_t)0 << len * 8);
  }
#endif
  memcpy(&head, key, len < 8 ? len : 8);
  (void)room;
  return head;
}

/* The last 8 bytes tell keys apart that begin alike. */
static inline uint32_t tl_json_key_hash (uint64_t head, const uint8_t *key, size_t len) {
  uint64_t tail = 0;
  if (len > 8) memcpy(&tail, key + len - 8, 8);
  uint64_t h = (head ^ (tail << 29 | tail >> 35) ^ len) * 0x9e3779b97f4a7c15u;
  return (uint32_t)((h ^ h >> 29) * 0xbf58476d1ce4e5b9u >> 32);
}

#endif
