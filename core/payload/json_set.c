/* core/payload/json_set.c — addresses become a tree: split, sort, lay out. Must not know
** documents. */
#include "payload/json_set.h"

#include <stdlib.h>

typedef struct {
  const tl_json_step *steps;
  const uint8_t *keys;
  size_t n;
  uint32_t number; /* of the address */
} path;

/* What is needed while a set is built; one block of memory. */
typedef struct {
  path *paths;
  tl_json_step *steps;
  uint8_t *keys;
  size_t n;
} draft;

static int compare_steps (const tl_json_step *a, const tl_json_step *b, const uint8_t *keys) {
  if (a->index != b->index)
    return a->index < b->index ? -1 : 1; /* keys, with index 0, come first */
  if (a->len != b->len) return a->len < b->len ? -1 : 1;
  return a->len ? memcmp(keys + a->at, keys + b->at, a->len) : 0;
}

static size_t common (const path *a, const path *b) { /* levels that two addresses share */
  size_t n = 0;
  while (n < a->n && n < b->n && compare_steps(&a->steps[n], &b->steps[n], a->keys) == 0) n++;
  return n;
}

static int compare_paths (const void *left, const void *right) {
  const path *a = left, *b = right;
  size_t n = common(a, b);
  if (n < a->n && n < b->n) return compare_steps(&a->steps[n], &b->steps[n], a->keys);
  if (a->n != b->n) return a->n < b->n ? -1 : 1;
  return a->number < b->number ? -1 : a->number > b->number;
}

static int draft_new (draft *d, const tl_slice *paths, size_t n, size_t *which, tl_err *err) {
  size_t length = 0;
  for (size_t i = 0; i < n; i++) {
    size_t levels;
    int rc = tl_json_path_split(paths[i], NULL, &levels, NULL, NULL, err);
    if (rc != TL_OK) {
      if (which) *which = i;
      return rc;
    }
    length += paths[i].len;
  }
  if (n >= UINT32_MAX || length >= UINT32_MAX)
    return tl_fail(err, TL_ETOOBIG, 0, "more addresses than fit into one set");
  /* a level takes at least one byte of its address */
  uint8_t *block = malloc(n * sizeof(path) + length * sizeof(tl_json_step) + length + 1);
  if (!block) return tl_fail(err, TL_ENOMEM, 0, "no memory");
  d->paths = (path *)(void *)block;
  d->steps = (tl_json_step *)(void *)(d->paths + n);
  d->keys = (uint8_t *)(d->steps + length);
  d->n = n;
  tl_json_step *steps = d->steps;
  uint32_t used = 0;
  for (size_t i = 0; i < n; i++) {
    path *p = &d->paths[i];
    *p = (path){ steps, d->keys, 0, (uint32_t)i };
    tl_json_path_split(paths[i], steps, &p->n, d->keys, &used, NULL);
    steps += p->n;
  }
  qsort(d->paths, n, sizeof(path), compare_paths);
  return TL_OK;
}

/* The size of a node's hash index: at most half full; 0 when looking at each key is as fast. */
static uint32_t index_size (size_t keys) {
  uint32_t size = 1;
  if (keys <= TL_JSON_LOOK_AT_EACH) return 0;
  while (size < keys * 2) size *= 2;
  return size;
}

/* Where the addresses [from, to) go on at level `depth`: the end of those that take the same
** step as the first. */
static size_t same_step (const draft *d, size_t from, size_t to, size_t depth) {
  const path *first = &d->paths[from];
  size_t at = from + 1;
  while (at < to && compare_steps(&first->steps[depth], &d->paths[at].steps[depth], d->keys) == 0)
    at++;
  return at;
}

/* How many nodes and bytes of keys the tree has: each address adds what it does not share with
** the one before. */
static void count (const draft *d, size_t *nodes, size_t *bytes) {
  *nodes = 1;
  *bytes = 0;
  for (size_t i = 0; i < d->n; i++) {
    const path *p = &d->paths[i];
    size_t shared = i ? common(&d->paths[i - 1], p) : 0;
    *nodes += p->n - shared;
    for (size_t k = shared; k < p->n; k++) *bytes += p->steps[k].len;
  }
}

typedef struct {
  const draft *draft;
  tl_json_node *nodes;
  uint32_t *depths; /* of the nodes */
  uint8_t *keys;
  uint32_t nodes_n, keys_n;
  size_t places;
} layout;

/* Number the children of a node; its range of addresses and its depth are known. */
static void lay_children (layout *l, tl_json_node *node, uint32_t depth) {
  const draft *d = l->draft;
  size_t at = node->from;
  while (at < node->to && d->paths[at].n == depth) at++;
  node->own = (uint32_t)at;
  node->children = l->nodes_n;
  while (at < node->to) {
    const tl_json_step *step = &d->paths[at].steps[depth];
    size_t behind = same_step(d, at, node->to, depth);
    l->depths[l->nodes_n] = depth + 1;
    tl_json_node *child = &l->nodes[l->nodes_n++];
    *child = (tl_json_node){ .from = (uint32_t)at, .to = (uint32_t)behind };
    if (step->index) {
      child->len = step->index;
      node->elements++;
    } else {
      child->len = step->len;
      child->key = l->keys_n;
      memcpy(l->keys + l->keys_n, d->keys + step->at, step->len);
      child->head = tl_json_head(l->keys + l->keys_n, step->len, 0);
      l->keys_n += step->len;
      node->lengths |= (uint64_t)1 << (step->len < 63 ? step->len : 63);
      node->keys++;
    }
    at = behind;
  }
  node->index = (uint32_t)l->places;
  l->places += index_size(node->keys);
}

static void fill_index (const layout *l, tl_json_node *node, uint32_t *index) {
  uint32_t size = index_size(node->keys);
  if (!size) return;
  node->mask = size - 1;
  for (uint32_t i = node->children; i < node->children + node->keys; i++) {
    const tl_json_node *child = &l->nodes[i];
    uint32_t at = tl_json_key_hash(child->head, l->keys + child->key, child->len) & node->mask;
    while (index[node->index + at]) at = (at + 1) & node->mask;
    index[node->index + at] = i;
  }
}

/* The laid-out tree, in the one block that stays. NULL without memory. */
static tl_json_set *assemble (const layout *l) {
  const draft *d = l->draft;
  size_t nodes = l->nodes_n * sizeof(tl_json_node), words = d->n + l->places;
  size_t bytes = sizeof(tl_json_set) + nodes + words * sizeof(uint32_t) + l->keys_n;
  tl_json_set *set = malloc(bytes);
  if (!set) return NULL;
  uint8_t *block = (uint8_t *)(set + 1);
  uint32_t *order = (uint32_t *)(void *)(block + nodes), *index = order + d->n;
  uint8_t *keys = (uint8_t *)(index + l->places);
  for (size_t i = 0; i < d->n; i++) order[i] = d->paths[i].number;
  memset(index, 0, l->places * sizeof *index);
  for (uint32_t i = 0; i < l->nodes_n; i++) fill_index(l, &l->nodes[i], index);
  memcpy(block, l->nodes, nodes);
  memcpy(keys, l->keys, l->keys_n);
  *set = (tl_json_set){ bytes, (const tl_json_node *)(void *)block, order, index, keys };
  return set;
}

int tl_json_set_new (tl_json_set **out, const tl_slice *paths, size_t n, size_t *which,
                     tl_err *err) {
  draft d = { 0 };
  int rc = draft_new(&d, paths, n, which, err);
  if (rc != TL_OK) return rc;
  tl_json_set *set = NULL;
  size_t nodes, bytes;
  count(&d, &nodes, &bytes);
  layout l = { .draft = &d, .nodes_n = 1 };
  l.nodes = malloc(nodes * (sizeof *l.nodes + sizeof *l.depths) + bytes);
  if (l.nodes) {
    l.depths = (uint32_t *)(void *)(l.nodes + nodes);
    l.keys = (uint8_t *)(l.depths + nodes);
    l.nodes[0] = (tl_json_node){ .to = (uint32_t)n };
    l.depths[0] = 0;
    for (uint32_t i = 0; i < l.nodes_n; i++) lay_children(&l, &l.nodes[i], l.depths[i]);
    set = assemble(&l);
  }
  free(l.nodes);
  free(d.paths);
  if (!set) return tl_fail(err, TL_ENOMEM, 0, "no memory");
  *out = set;
  return TL_OK;
}

void tl_json_set_free (tl_json_set *set) { free(set); }

size_t tl_json_set_bytes (const tl_json_set *set) { return set->bytes; }
