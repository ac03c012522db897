/* spec/codec/uplink_test.c — the C reader of a LoRaWAN network's message: what it reads, field by
** field, and that it gives nothing where a message is unusual (then the Lua modules read it). */
#include "codec/codec.h"
#define MORE_MODULES tl_open_codecs
#include "sandbox/sandbox_support.h"

/* A network whose messages have each field; more(t) changes its definition. u(text, wanted): the
** fields, payload, port, time, and whether it is a repetition. */
#define NETWORK                                                                                 \
  "local addresses, places = {}, {} "                                                           \
  "for i, n in ipairs { 'payload', 'port', 'counter', 'confirmed', 'eui', 'device', "           \
  "'application', 'time', 'time2', 'rssi', 'snr', 'best', 'count', 'freq', 'bw', 'sf', 'dr', "  \
  "'cr', 'enc', 'flag', 'again', 'g1', 'g1.r', 'g1.s', 'g1.i', 'g2', 'g2.r', 'g2.s', 'g2.i', "  \
  "'gs', 'g3' } do addresses[i] = n places[n] = i end "                                         \
  "local function def() local p = places return { addresses = addresses, payload = p.payload, " \
  "port = p.port, counter = p.counter, confirmed = p.confirmed, eui = p.eui, "                  \
  "device = p.device, application = p.application, time = { p.time, p.time2 }, rssi = p.rssi, " \
  "snr = p.snr, best_gateway = p.best, gateway_count = p.count, frequency = p.freq, "           \
  "bandwidth = p.bw, spreading_factor = p.sf, data_rate = p.dr, coding_rate = p.cr, "           \
  "encrypted = p.enc, encrypted_flag = p.flag, repeated = p.again, encoding = 'base64' } end "  \
  "local function gateways(t) local p = places t.list, t.long = p.gs, p.g3 t.gateways = { "     \
  "{ there = p.g1, gateway_rssi = p['g1.r'], gateway_snr = p['g1.s'], gateway = p['g1.i'] }, "  \
  "{ there = p.g2, gateway_rssi = p['g2.r'], gateway_snr = p['g2.s'], gateway = p['g2.i'] } } " \
  "t.rssi, t.snr, t.best_gateway, t.gateway_count = nil, nil, nil, nil end "                    \
  "local function u(text, wanted, more) local t = def() if more then more(t) end "              \
  "local pick, get, uplink = require 'tagline.uplink'.reader(t) pick(text) get_ = get "         \
  "return uplink(wanted) end "

static void fields_of_a_message (void **unused) {
  (void)unused;
  static const char *const codes[] = {
    NETWORK "local t, bytes, port, time, again = u '{\"payload\":\"AQI=\",\"port\":7,"
            "\"counter\":12,\"confirmed\":true,\"device\":\"d\",\"application\":\"a\"}' "
            "assert(bytes == '\\1\\2' and port == 7 and t.port == 7 and t.counter == 12 and "
            "t.confirmed == true and t.device_id == 'd' and t.application_id == 'a' and not again "
            "and time == nil)",
    NETWORK "assert(u('{\"eui\":\"00-0a:FF0000000001\"}').dev_eui == '000AFF0000000001')",
    NETWORK "for _, e in ipairs { '00', 'g000000000000001', '000000000000000011', '00/0' } do "
            "assert(u('{\"eui\":\"' .. e .. '\"}').dev_eui == e) end",
    NETWORK "assert(u('{\"eui\":\"0\\\\u0030\"}').dev_eui == '00')",
    NETWORK "local _, _, _, t = u '{\"time\":\"1970-01-01T00:00:05Z\"}' assert(t == 5)",
    NETWORK
    "local _, _, _, t = u '{\"time\":\"\",\"time2\":\"1970-01-01T00:00:06Z\"}' assert(t == 6)",
    NETWORK "local _, _, _, t = u('{\"time\":5000}', nil, function(t) t.time_unit = 1000 end) "
            "assert(t == 5)",
    NETWORK "local t = u '{\"rssi\":-97,\"snr\":7.5,\"best\":\"gw\",\"count\":2}' "
            "assert(t.rssi == -97 and t.snr == 7.5 and t.gateway == 'gw' and t.gateways == 2)",
    NETWORK "assert(u('{\"freq\":868.1}').frequency == 868100000 and "
            "u('{\"freq\":868100000}').frequency == 868100000)",
    NETWORK "assert(u('{\"freq\":\"868100000\"}').frequency == 868100000)",
    NETWORK "local t = u '{\"bw\":125,\"sf\":7,\"cr\":\"4/5\"}' "
            "assert(t.bandwidth == 125000 and t.spreading_factor == 7 and t.coding_rate == '4/5')",
    NETWORK
    "local t = u '{\"dr\":\"SF12BW500\"}' "
    "assert(t.spreading_factor == 12 and t.bandwidth == 500000 and t.data_rate == 'SF12BW500')",
    NETWORK "local t = u '{\"dr\":\"SF7 BW125\"}' assert(t.spreading_factor == 7)",
    NETWORK "local t = u '{\"dr\":\"SF7BW125\",\"sf\":9,\"bw\":250}' "
            "assert(t.spreading_factor == 9 and t.bandwidth == 250000)",
    NETWORK
    "for _, dr in ipairs { 'FSK', 'XF7BW125', 'SFxBW125', 'SF7XW1255', 'SF7BWx25', "
    "'SF12BW50', 'SF7BW1x5', 'SF7    125' } do local t = u('{\"dr\":\"' .. dr .. '\"}') "
    "assert(t.data_rate == dr and t.spreading_factor == nil and t.bandwidth == nil, dr) end",
    NETWORK "local _, _, _, _, again = u '{\"again\":true}' assert(again == true)",
    NETWORK "local _, bytes = u '{}' assert(bytes == '')",
    NETWORK "local _, bytes = u('{\"payload\":\"0aFF\"}', nil, function(t) t.encoding = 'hex' end) "
            "assert(bytes == '\\10\\255')",
    NETWORK
    "local _, text = u('{\"payload\":\"\\\\u0061\"}', nil, function(t) t.encoding = 'own' end) "
    "assert(text == 'a')",
    NETWORK "local t = u('{\"port\":7,\"counter\":1}', { counter = true }) "
            "assert(t.counter == 1 and t.port == nil)",
    NETWORK "local wanted = {} for i = 1, 40 do wanted['x' .. i] = true end "
            "local t = u('{\"port\":7}', wanted) assert(next(t) == nil)",
    NETWORK "local t = u('{}', nil, function(t) t.zero_omitted = true end) "
            "assert(t.port == 0 and t.counter == 0 and t.confirmed == false)",
    NETWORK "assert(u('{\"confirmed\":false}').confirmed == false and u('{}').confirmed == nil)",
    NETWORK "u '{\"port\":null,\"count\":2}' assert(get_(2) == nil and get_(13) == 2)",
  };
  static const raising errors[] = {
    { NETWORK "u '{'", "the payload is not JSON" },
    { NETWORK "u '{}' get_(99)", "no such place" },
    { NETWORK "u '{}' get_(0)", "no such place" },
    { "local _, get = require 'tagline.uplink'.reader { addresses = { 'a' } } get(1)",
      "no such place" },
    { "require 'tagline.uplink'.reader { addresses = { 'a' }, port = 2 }", "no such place" },
    { "require 'tagline.uplink'.reader { addresses = { 'a' }, port = { 0 } }", "no such place" },
    { "require 'tagline.uplink'.reader { addresses = { 'a' }, "
      "port = { 1, 1, 1, 1, 1, 1, 1, 1, 1 } }",
      "too many paths of port" },
    { "require 'tagline.uplink'.reader { addresses = { 'a' }, gateways = { 5 } }",
      "table expected" },
    { "require 'tagline.uplink'.reader(5)", "table expected" },
  };
  all_hold(codes, COUNT(codes));
  all_raise(errors, COUNT(errors));
}

#define NO_MESSAGE "local _, _, uplink = require 'tagline.uplink'.reader { addresses = { 'a' } } "

static void unusual_messages_give_nothing (void **unused) {
  (void)unused;
  static const char *const codes[] = {
    NO_MESSAGE "assert(uplink() == nil)", /* none was picked */
    NETWORK
    "for _, text in ipairs { '\"port\":256', '\"port\":-1', '\"port\":1.5', '\"port\":\"1\"', "
    "'\"port\":null', '\"port\":1e30', '\"counter\":4294967296', '\"confirmed\":1', "
    "'\"confirmed\":null', '\"eui\":5', '\"device\":5', '\"application\":null', '\"time\":5', "
    "'\"time\":null', '\"time\":\"x\"', '\"time\":\"1970-01-01T00:00:0\\\\u0035Z\"', "
    "'\"rssi\":\"-97\"', '\"rssi\":2000', '\"rssi\":-2000', '\"snr\":null', '\"best\":5', "
    "'\"count\":-1', '\"freq\":\"\"', '\"freq\":\"8x\"', '\"freq\":\"8681000008681000\"', "
    "'\"freq\":-1', '\"freq\":1e11', '\"freq\":true', '\"bw\":null', '\"sf\":13', '\"dr\":5', "
    "'\"dr\":\"SF7\\\\u0042W125\"', '\"cr\":5', '\"payload\":5', '\"payload\":\"A\"', "
    "'\"payload\":\"AQI\\\\u003d\"', '\"enc\":\"x\"', '\"flag\":true' } do "
    "assert(u('{' .. text .. '}') == nil, text) end",
    NETWORK "assert(u('{\"payload\":\"' .. ('A'):rep(1024) .. '\"}') == nil)",
    NETWORK "assert(u('{\"payload\":\"AQI=\",\"enc\":\"x\"}'))", /* readable all the same */
    NETWORK "assert(u('{}', nil, function(t) t.partial = true end) == nil)",
    NETWORK
    "for _, time in ipairs { '-1', '1e18', '\"5\"' } do "
    "assert(u('{\"time\":' .. time .. '}', nil, function(t) t.time_unit = 1 end) == nil) end",
    NETWORK
    "local function any(t) t.any = { 1, 2 } end assert(u('{\"counter\":1}', nil, any) == nil) "
    "assert(u('{\"port\":null,\"counter\":1}', nil, any) == nil and u('{\"port\":1}', nil, any))",
    NETWORK
    "for _, p in ipairs { 'abc', 'xy' } do "
    "assert(u('{\"payload\":\"' .. p .. '\"}', nil, function(t) t.encoding = 'hex' end) == nil) "
    "end",
    NETWORK "assert(u('{\"payload\":\"' .. ('0'):rep(1600) .. '\"}', nil, "
            "function(t) t.encoding = 'hex' end) == nil)",
  };
  all_hold(codes, COUNT(codes));
}

static void the_gateway_that_heard_best (void **unused) {
  (void)unused;
  static const char *const codes[] = {
    NETWORK "local t = u('{\"gs\":[1],\"g1\":{\"r\":-90,\"s\":5,\"i\":\"a\"},"
            "\"g2\":{\"r\":-80,\"s\":6,\"i\":\"b\"}}', nil, gateways) "
            "assert(t.rssi == -80 and t.snr == 6 and t.gateway == 'b' and t.gateways == 2)",
    NETWORK
    "local t = u('{\"gs\":[1],\"g1\":{\"r\":-80,\"i\":\"a\"},\"g2\":{\"r\":-80,\"i\":\"b\"}}', "
    "nil, gateways) assert(t.gateway == 'a' and t.snr == nil)",
    NETWORK "local t = u('{\"gs\":[1],\"g1\":{\"i\":\"a\"},\"g2\":{\"r\":-120,\"i\":\"b\"}}', nil, "
            "gateways) assert(t.gateway == 'b' and t.rssi == -120)",
    NETWORK "local t = u('{\"gs\":[1],\"g1\":{\"r\":-80}}', nil, "
            "function(t) gateways(t) t.snr_omitted = true end) assert(t.snr == 0)",
    NETWORK "local t = u('{\"gs\":[1],\"g1\":{\"i\":\"a\"}}', nil, "
            "function(t) gateways(t) t.snr_omitted = true end) assert(t.snr == nil)",
    NETWORK "assert(u('{}', nil, gateways).gateways == nil)",
    NETWORK "assert(u('{\"gs\":null}', nil, gateways).gateways == nil)",
    NETWORK "for _, text in ipairs { '\"gs\":[]', '\"gs\":[1],\"g3\":1,\"g1\":{\"r\":-80}', "
            "'\"gs\":[1],\"g1\":{\"r\":\"x\"}', '\"gs\":[1],\"g1\":{\"r\":-80,\"s\":\"x\"}', "
            "'\"gs\":[1],\"g1\":{\"r\":-80,\"i\":5}' } do "
            "assert(u('{' .. text .. '}', nil, gateways) == nil, text) end",
    NETWORK "local t = u('{}', nil, function(t) gateways(t) local one = t.gateways[1] "
            "for i = 1, 20 do t.gateways[i] = one end end) assert(t)", /* more than are looked at */
  };
  all_hold(codes, COUNT(codes));
}

#define SPEC(f) cmocka_unit_test_setup_teardown(f, begin_box, end_box)

int main (void) {
  const struct CMUnitTest tests[] = {
    SPEC(fields_of_a_message),
    SPEC(unusual_messages_give_nothing),
    SPEC(the_gateway_that_heard_best),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
