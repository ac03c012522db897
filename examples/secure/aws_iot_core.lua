-- AWS IoT Core: the device's certificate is its name; port 443 wants the protocol named as well
-- (ALPN). Amazon's root certificates are in the system's store. QoS 2 and a retained will are not
-- known there.
line "aws" {
  host          = env("TAGLINE_URL", "mqtts://example-ats.iot.eu-central-1.amazonaws.com:443"),
  tls_ca_file   = env("TAGLINE_CA", ""),
  tls_cert_file = env("AWS_CERT", "/etc/tagline/device.pem.crt"),
  tls_key_file  = env("AWS_KEY", "/etc/tagline/private.pem.key"),
  tls_alpn      = "x-amzn-mqtt-ca",
  client_id     = "gw1",
  keep_alive    = 60,
  topic_filter  = "plant/#",
  station "boiler" {
    address = "plant/boiler",
    payload_type = "JSON",
    tags = { temperature = Ai { "JA=temp", unit = "°C" } },
  },
}
