-- Azure IoT Hub: the Client ID is the device, the user name names hub, device and version of the
-- interface, the password is a shared access signature (az iot hub generate-sas-token).
local hub, device = env("AZURE_HUB", "example.azure-devices.net"), env("AZURE_DEVICE", "gw1")
line "azure" {
  host         = env("TAGLINE_URL", "mqtts://" .. hub),
  tls_ca_file  = env("TAGLINE_CA", ""),
  client_id    = device,
  user_name    = hub .. "/" .. device .. "/?api-version=2021-04-12",
  password     = env("AZURE_SAS", "SharedAccessSignature"),
  topic_filter = "devices/" .. device .. "/messages/devicebound/#",
  publish_qos  = 1,
  station "commands" {
    address = "devices/.*",
    payload_type = "JSON",
    tags = { setpoint = Ai "JA=temp" },
  },
}
