-- Uplinks that servers and their documents publish, in the forms of today, and what each says
-- (its payload in hexadecimal digits). Identifiers are changed where a sample has real ones. A
-- list of { network, what, text, expected, topic }.
local hex = require "tagline.codec.hex"

local samples = {}
local function add(network, what, text, expected, topic)
  samples[#samples + 1] = { network = network, what = what, text = text, expected = expected,
    topic = topic }
end

do
  add("aws_iot", "the developer guide", [[
    {"WirelessDeviceId":"5b58245e-146c-4c30-9703-0ca942e3ff35","PayloadData":"Cc48AAAAAAAAAAA=",
    "WirelessMetadata":{"LoRaWAN":{"ADR":false,"Bandwidth":125,"ClassB":false,"CodeRate":"4/5",
    "DataRate":"0","DevAddr":"00b96cd4","DevEui":"58a0cb000202c99","FOptLen":2,"FCnt":1,"Fport":136,
    "Frequency":"868100000","Gateways":[{"GatewayEui":"80029cfffe5cf1cc","Snr":-29,"Rssi":9.75}],
    "MIC":"7255cb07","MType":"UnconfirmedDataUp","Major":"LoRaWANR1","Modulation":"LORA",
    "PolarizationInversion":false,"SpreadingFactor":12,"Timestamp":"2021-05-03T03:24:29Z"}}}]], {
      payload = "09ce3c0000000000000000", port = 136, counter = 1, dev_eui = "58a0cb000202c99",
      device_id = "5b58245e-146c-4c30-9703-0ca942e3ff35", time = 1620012269, rssi = 9.75,
        snr = -29, gateway = "80029cfffe5cf1cc",
      gateways = 1, frequency = 868100000, bandwidth = 125000, spreading_factor = 12,
        data_rate = "SF12BW125", coding_rate = "4/5",
    })
  add("aws_iot", "a workshop, with the port of today", [[
    {"WirelessDeviceId":"57728ff8-5d1d-4130-9de2-f004d8722bc2",
    "PayloadData":"AQDiAikEACcFBgYDCAcNYg==","WirelessMetadata":{"LoRaWAN":{"DataRate":0,
    "DevEui":"a84041d55182720b","FPort":2,"Frequency":867900000,
    "Gateways":[{"GatewayEui":"dca632fffe45b3c0","Rssi":-76,"Snr":9.75}],
    "Timestamp":"2020-12-07T14:41:48Z"}}}]], {
      payload = "0100e202290400270506060308070d62", port = 2, dev_eui = "A84041D55182720B",
      device_id = "57728ff8-5d1d-4130-9de2-f004d8722bc2", time = 1607352108, rssi = -76,
        snr = 9.75, gateway = "dca632fffe45b3c0",
      gateways = 1, frequency = 867900000,
    })
  add("kerlink_wmc", "an installation", [[
    {"adr":true,"recvTime":1580394601150,"confirmed":true,"gwInfo":[{"rssis":null,"rssi":-40,
    "gwEui":"7276FF000B0324E2","rfRegion":"EU868","channel":5,"latitude":null,"snr":12.2}],
    "fCntDown":1,"delayed":false,"encrypted":false,"payload":"7b7769643a","codingRate":"4/5",
    "fPort":3,"gwCnt":1,"ulFrequency":868.1,"modulation":"LORA","id":"5e32e86922697b0001e828d5",
    "classB":false,"dataRate":"SF9BW125","encodingType":"HEXA",
    "endDevice":{"devEui":"0000000000006D31","devAddr":"020DEA52","cluster":{"id":359}},
    "fCntUp":0}]], {
      payload = "7b7769643a", port = 3, counter = 0, confirmed = true,
        dev_eui = "0000000000006D31", time = 1580394601.15, rssi = -40,
      snr = 12.2, gateway = "7276FF000B0324E2", gateways = 1, frequency = 868100000,
        data_rate = "SF9BW125", spreading_factor = 9,
      bandwidth = 125000, coding_rate = "4/5",
    })
  add("kerlink_wmc", "the other encoding", [[
    {"payload":"e3dpZDo=","encodingType":"BASE64","fPort":3,"fCntUp":7,
    "endDevice":{"devEui":"0000000000006D31"}}]],
    { payload = "7b7769643a", port = 3, counter = 7, dev_eui = "0000000000006D31" })
  add("chirpstack_v1", "with nodeName", [[
    {"applicationID":"1","applicationName":"parking","nodeName":"test_sensor_1",
    "devEUI":"0002020800000000","rxInfo":[{"mac":"aa55c07bbc9e0ab0","rssi":-65,"loRaSNR":10.2}],
    "txInfo":{"frequency":868300000,"dataRate":{"modulation":"LORA","bandwidth":125,
    "spreadFactor":7},"adr":true,"codeRate":"4/5"},"fCnt":92,"fPort":1,
    "data":"AQIDBAUGBwgJCg=="}]], {
      payload = "0102030405060708090a", port = 1, counter = 92, dev_eui = "0002020800000000",
        device_id = "test_sensor_1",
      application_id = "1", rssi = -65, snr = 10.2, gateway = "aa55c07bbc9e0ab0", gateways = 1,
        frequency = 868300000,
      spreading_factor = 7, bandwidth = 125000, data_rate = "SF7BW125", coding_rate = "4/5",
    })
  add("chirpstack_v2", "with deviceName and the gateway's time", [[
    {"applicationID":"2","applicationName":"Climate","deviceName":"Elevator",
    "devEUI":"68c63affffa547aa","rxInfo":[{"mac":"b827ebfffe688fd7",
    "time":"2018-05-25T07:25:55.266866Z","rssi":-41,"loRaSNR":7.2,"name":"RPi-GW","latitude":49.9,
    "longitude":36.2,"altitude":99}],"txInfo":{"frequency":868500000,
    "dataRate":{"modulation":"LORA","bandwidth":125,"spreadFactor":7},"adr":false,"codeRate":"4/5"},
    "fCnt":146,"fPort":1,"data":"W1Q9MjZd","object":{"msg":"[T=26]"}}]], {
      payload = hex.encode "[T=26]", port = 1, counter = 146, dev_eui = "68C63AFFFFA547AA",
        device_id = "Elevator",
      application_id = "2", time = 1527233155.266866, rssi = -41, snr = 7.2,
        gateway = "b827ebfffe688fd7", gateways = 1,
      frequency = 868500000, spreading_factor = 7, bandwidth = 125000, data_rate = "SF7BW125",
        coding_rate = "4/5",
    })
  add("milesight", "a gateway's own server", [[
    {"applicationID":"1","applicationName":"Office","deviceName":"vs321-test",
    "devEUI":"24e124443f171044","rxInfo":[{"mac":"24e124fffef1ad25",
    "time":"2025-11-05T09:39:47.635887Z","rssi":-64,"loRaSNR":13.5,"name":"Local Gateway",
    "latitude":-37.7,"longitude":175.3,"altitude":65}],"txInfo":{"frequency":923400000,
    "dataRate":{"modulation":"LORA","bandwidth":125,"spreadFactor":7},"adr":true,"codeRate":"4/5"},
    "fCnt":937,"fPort":85,"data":"AXVjA2ftAA==","time":"2025-11-05T09:39:47.635887Z"}]], {
      payload = "01756303" .. "67ed00", port = 85, counter = 937, dev_eui = "24E124443F171044",
        device_id = "vs321-test",
      application_id = "1", time = 1762335587.635887, rssi = -64, snr = 13.5,
        gateway = "24e124fffef1ad25", gateways = 1,
      frequency = 923400000, spreading_factor = 7, bandwidth = 125000, data_rate = "SF7BW125",
        coding_rate = "4/5",
    })
  add("rak", "hexadecimal digits", [[
    {"applicationID":"1","applicationName":"rak","data":"0a0b","data_encode":"hexstring",
    "deviceName":"node","devEUI":"ac1f09fffe000001","fCnt":5,"fPort":2,
    "rxInfo":[{"gatewayID":"ac1f09fffe000002","loRaSNR":9.8,"location":{"altitude":0},"rssi":-44}],
    "timestamp":1592375364,"txInfo":{"dr":5,"frequency":868100000}}]], {
      payload = "0a0b", port = 2, counter = 5, dev_eui = "AC1F09FFFE000001",
        device_id = "node",
        application_id = "1",
      time = 1592375364, rssi = -44, snr = 9.8, gateway = "ac1f09fffe000002", gateways = 1,
        frequency = 868100000,
    })
  add("rak", "base64",
    [[{"data":"Cgs=","data_encode":"base64","devEUI":"ac1f09fffe000001","fPort":2}]],
    { payload = "0a0b", port = 2, dev_eui = "AC1F09FFFE000001" })
  add("multitech", "a Conduit", [[
    {"chan":0,"cls":0,"codr":"4/5","data":"MlftAg4CBgAXARYBRT9wAyAAUw==","datr":"SF7BW125",
    "deveui":"00-80-00-00-00-00-01-02","freq":"868.1","lsnr":"9.5","mhdr":"4007000000805988",
    "modu":"LORA","opts":"","port":2,"rfch":0,"rssi":-70,"seqn":34905,"size":28,
    "timestamp":"2018-02-27T12:00:00.5Z","tmst":12}]], {
      payload = "3257ed020e02060017011601453f7003200053", port = 2, counter = 34905,
        dev_eui = "0080000000000102",
      device_id = "00-80-00-00-00-00-01-02", time = 1519732800.5, rssi = -70, snr = 9.5,
        frequency = 868100000,
      data_rate = "SF7BW125", spreading_factor = 7, bandwidth = 125000, coding_rate = "4/5",
    }, "lora/00-80-00-00-00-00-01-02/up")
  add("everynet", "the data API", [[
    {"type":"uplink","meta":{"network":"n","packet_hash":"h","application":"70b3d54b10000000",
    "device_addr":"4b1a0b2c","time":1504534234.125,"device":"1122334455667788","packet_id":"p",
    "gateway":"70b3d54b10030000"},"params":{"rx_time":1504534234.25,"port":1,"duplicate":false,
    "counter_up":19,"payload":"AQI=","encrypted_payload":"Rg1P","radio":{"delay":0.1,"datarate":0,
    "modulation":{"bandwidth":125000,"type":"LORA","spreading":12,"coderate":"4/5"},
    "hardware":{"status":1,"chain":0,"tmst":84,"snr":6.5,"rssi":-41,"channel":2},
    "time":1504534234.2,"freq":868.3,"size":22}}}]], {
      payload = "0102", port = 1, counter = 19, dev_eui = "1122334455667788",
        application_id = "70b3d54b10000000",
      time = 1504534234.25, rssi = -41, snr = 6.5, gateway = "70b3d54b10030000",
        frequency = 868300000, bandwidth = 125000,
      spreading_factor = 12, data_rate = "SF12BW125", coding_rate = "4/5",
    })
  add("helium", "the console", [[
    {"app_eui":"6081F9BB9F441111","dev_eui":"6081F9FC81BC54EA","devaddr":"5A030048","fcnt":37940,
    "hotspots":[{"channel":7,"frequency":868.5,"hold_time":0,"id":"11DgT","lat":45.8,"long":3.09,
    "name":"steep-iron-tadpole","reported_at":1692528091291,"rssi":-91,"snr":11.8,
    "spreading":"SF7BW125","status":"success"}],"id":"276e4d03","metadata":{"multi_buy":1},
    "name":"ping","payload":"AQI=","payload_size":2,"port":1,"reported_at":1692528091291,
    "type":"uplink"}]], {
      payload = "0102", port = 1, counter = 37940, dev_eui = "6081F9FC81BC54EA",
        device_id = "ping", time = 1692528091.291, rssi = -91,
      snr = 11.8, gateway = "steep-iron-tadpole", gateways = 1, frequency = 868500000,
        data_rate = "SF7BW125", spreading_factor = 7,
      bandwidth = 125000,
    })
  add("things_stack_v3", "today's coding rate and a gateway at 0 dB", [[
    {"end_device_ids":{"device_id":"dev1","application_ids":{"application_id":"app1"},
    "dev_eui":"0004A30B001C0530"},"received_at":"2023-02-12T15:15:02Z","uplink_message":{"f_port":1,
    "frm_payload":"AQ==","rx_metadata":[{"gateway_ids":{"gateway_id":"g"},"rssi":-35}],
    "settings":{"data_rate":{"lora":{"bandwidth":125000,"spreading_factor":7,"coding_rate":"4/6"}},
    "frequency":"868300000","time":"2023-02-12T15:15:01.5Z"}}}]], {
      payload = "01", port = 1, counter = 0, confirmed = false, dev_eui = "0004A30B001C0530",
        device_id = "dev1",
      application_id = "app1", time = 1676214902, rssi = -35, snr = 0, gateway = "g",
        gateways = 1, frequency = 868300000,
      bandwidth = 125000, spreading_factor = 7, data_rate = "SF7BW125", coding_rate = "4/6",
    })
  add("chirpstack_v4", "a gateway at 0 dB is at 0 dB", [[
    {"deviceInfo":{"devEui":"0101010101010101"},"data":"AQ==","fPort":1,"rxInfo":[{"gatewayId":"a",
    "rssi":-90,"snr":5.5},{"gatewayId":"b","rssi":-48}]}]], {
      payload = "01", port = 1, counter = 0, confirmed = false, dev_eui = "0101010101010101",
        rssi = -48, snr = 0, gateway = "b",
      gateways = 2,
    })
  add("loriot", "rx with the radio data at its top", [[
    {"cmd":"rx","seqno":1854,"EUI":"be7a000000001b81","ts":1487152202474,"fcnt":21,"port":1,
    "freq":868500000,"rssi":-25,"snr":10,"toa":61,"dr":"SF7 BW125 4/5","ack":false,"bat":255,
    "data":"0102"}]], {
      payload = "0102", port = 1, counter = 21, dev_eui = "BE7A000000001B81",
        time = 1487152202.474, rssi = -25, snr = 10,
      frequency = 868500000, data_rate = "SF7 BW125 4/5", spreading_factor = 7,
        bandwidth = 125000,
    })
  add("actility", "numbers that are numbers", [[
    {"DevEUI_uplink":{"Time":"2022-02-24T16:23:17.468+00:00","DevEUI":"70B3D57050011422","FPort":20,
    "FCntUp":3866,"ADRbit":1,"MType":4,"FCntDn":3900,"payload_hex":"901429c2042827",
    "mic_hex":"e7214986","Lrcid":"00000211","LrrRSSI":-114.0,"LrrSNR":4.5,"LrrESP":-115.2,
    "SpFact":9,"SubBand":"G0","Channel":"LC2","Lrrid":"69606FD0","Late":0,"DevLrrCnt":2,
    "CustomerID":"100002581","Frequency":867.1}}]], {
      payload = "901429c2042827", port = 20, counter = 3866, dev_eui = "70B3D57050011422",
        time = 1645719797.468, rssi = -114, snr = 4.5,
      gateway = "69606FD0", gateways = 2, spreading_factor = 9, frequency = 867100000,
    })
  add("live_objects", "today's metadata", [[
    {"metadata":{"connector":"lora","source":"urn:lo:nsid:lora:0123456789ABCDEF","encoding":"x",
    "group":{"path":"/","id":"root"},"network":{"lora":{"signalLevel":5,"rssi":-48,"gatewayCnt":1,
    "esp":-48.6,"sf":7,"messageType":"UNCONFIRMED_DATA_UP","port":2,"snr":7.2,"fcnt":11,
    "missingFcnt":0,"devEUI":"0123456789ABCDEF","frequency":867.5}}},
    "streamId":"urn:lo:nsid:lora:0123456789ABCDEF","created":"2023-10-23T12:32:45.1Z",
    "timestamp":"2023-10-23T12:32:44.546Z","model":"lora_v0","id":"1","value":{"payload":"6d01"},
    "tags":[]}]], {
      payload = "6d01", port = 2, counter = 11, dev_eui = "0123456789ABCDEF",
        device_id = "urn:lo:nsid:lora:0123456789ABCDEF",
      time = 1698064364.546, rssi = -48, snr = 7.2, gateways = 1, spreading_factor = 7,
        frequency = 867500000,
    })
end

return samples
