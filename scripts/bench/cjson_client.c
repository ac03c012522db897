/* scripts/bench/cjson_client.c — what one would write with libmosquitto and cJSON: three fields
** of each message into doubles. PORT, SIZE (an index into bench_sizes) and CA (with it: TLS)
** come from the environment. */
#include <cjson/cJSON.h>
#include <mosquitto.h>
#include <stdlib.h>

#include "payloads.h"

static const struct bench_size *size;
static double values[3];

static const cJSON *follow (const cJSON *at, const char *path) {
  char level[64];
  while (at != NULL && *path != '\0') {
    if (*path == '[') {
      at = cJSON_GetArrayItem(at, (int)strtol(path + 1, (char **)&path, 10) - 1);
      path++;
    } else {
      size_t n = strcspn(path, ".[");
      memcpy(level, path, n);
      level[n] = '\0';
      at = cJSON_GetObjectItemCaseSensitive(at, level);
      path += n;
    }
    if (*path == '.') path++;
  }
  return at;
}

static void on_message (struct mosquitto *m, void *ctx, const struct mosquitto_message *msg) {
  (void)m;
  (void)ctx;
  cJSON *doc = cJSON_ParseWithLength(msg->payload, (size_t)msg->payloadlen);
  for (int i = 0; i < 3 && doc != NULL; i++) {
    const cJSON *v = follow(doc, size->paths[i]);
    if (cJSON_IsNumber(v))
      values[i] = v->valuedouble;
    else if (cJSON_IsBool(v))
      values[i] = cJSON_IsTrue(v);
  }
  cJSON_Delete(doc);
}

int main (void) {
  const char *port = getenv("PORT"), *index = getenv("SIZE");
  mosquitto_lib_init();
  struct mosquitto *m = mosquitto_new("cjson", true, NULL);
  size = &bench_sizes[index != NULL ? atoi(index) : 0];
  mosquitto_message_callback_set(m, on_message);
  const char *ca = getenv("CA");
  if (ca != NULL && ca[0] != '\0' &&
      mosquitto_tls_set(m, ca, NULL, NULL, NULL, NULL) != MOSQ_ERR_SUCCESS)
    return 1;
  if (mosquitto_connect(m, "127.0.0.1", port != NULL ? atoi(port) : 1883, 60) != MOSQ_ERR_SUCCESS)
    return 1;
  mosquitto_subscribe(m, NULL, "#", 1);
  mosquitto_loop_forever(m, -1, 1);
  fprintf(stderr, "%g %g %g\n", values[0], values[1], values[2]);
  return 0;
}
