--- Dragino LHT52: temperature and humidity with an external probe, big-endian. Port 2 carries
--- values, 3 stored ones (datalog), which become samples with their own times, 4 the probe's id,
--- 5 the device's own data. Names are those of the maker's own decoder.
local kit = require "tagline.codec.kit"
local hex = require "tagline.codec.hex"
local info = require "tagline.codec.device.dragino.info"

local NO_PROBE = 0x7FFF

local SIZE = 11

-- SIZE bytes are there.
local function read_set(r)
  local temperature, humidity, probe, ext, stamp = (">i2I2i2I1I4"):unpack(r.bytes, r.at)
  r.at = r.at + SIZE
  local values = { TempC_SHT = temperature / 100, Hum_SHT = humidity / 10, TempC_DS = probe / 100,
    Ext = ext, Systimestamp = stamp }
  if probe == NO_PROBE then values.TempC_DS = { value = probe / 100, status = "invalid" } end
  return values
end

local function read_values(r)
  if r:exactly(SIZE) then return read_set(r) end
end

-- Sets as on port 2; a device without stored values answers by zeros.
local function read_stored(r)
  local samples = {}
  while r:more() do
    if not r:whole(SIZE, "a stored value") then return end
    local nothing = r.bytes:find("^\0\0\0\0\0\0\0\0\0\0\0", r.at)
    local values = read_set(r)
    if not nothing then samples[#samples + 1] = { time = values.Systimestamp, values = values } end
  end
  return samples[1] and samples or nil
end

local function read_id(r)
  if r:exactly(8) then return { DS18B20_ID = hex.encode(r.bytes) } end
end

local ports = { [2] = read_values, [3] = read_stored, [4] = read_id, [5] = info.read }

local function read(r, port)
  local by_port = ports[port or 2]
  if by_port then return by_port(r) end
  r:refuse(("expected port 2 to 5, got %d"):format(port))
end

return kit.device {
  name = "dragino_lht52",
  fields = {
    { name = "TempC_SHT", unit = "°C" },
    { name = "Hum_SHT", unit = "%" },
    { name = "TempC_DS", unit = "°C", description = "external probe; invalid when it is missing" },
    { name = "Ext", description = "kind of the external sensor" },
    { name = "Systimestamp", unit = "s", description = "the device's clock, since 1970" },
    { name = "DS18B20_ID", description = "of the probe, hexadecimal" },
    { name = "Sensor_Model" },
    { name = "Firmware_Version" },
    { name = "Freq_Band" },
    { name = "Sub_Band" },
    { name = "Bat_mV", unit = "mV" },
  },
  read = read,
  examples = {
    {
      description = "values without a probe", port = 2, input = "08CD02207FFF0161CD4EDD",
      output = {
        TempC_SHT = 22.53, Hum_SHT = 54.4, TempC_DS = { value = 327.67, status = "invalid" },
          Ext = 1,
        Systimestamp = 1640845021,
      },
    },
    {
      description = "values with a probe", port = 2, input = "FF9C0220FF380161CD4EDD",
      output = { TempC_SHT = -1, Hum_SHT = 54.4, TempC_DS = -2, Ext = 1,
        Systimestamp = 1640845021 },
    },
    {
      description = "stored values, and an empty place", port = 3,
      input = "08CD02207FFF0161CD4EDD0000000000000000000000FF9C0220FF380161CD4F19",
      output = {
        { time = 1640845021, values = {
          TempC_SHT = 22.53, Hum_SHT = 54.4, TempC_DS = { value = 327.67, status = "invalid" },
            Ext = 1, Systimestamp = 1640845021,
        } },
        { time = 1640845081, values = { TempC_SHT = -1, Hum_SHT = 54.4, TempC_DS = -2, Ext = 1,
          Systimestamp = 1640845081 } },
      },
    },
    { description = "the probe's id", port = 4, input = "2861640A0BC1D2E3",
      output = { DS18B20_ID = "2861640a0bc1d2e3" } },
    {
      description = "the device's own data", port = 5, input = "0B880100250001",
      output = { Sensor_Model = 11, Firmware_Version = "8801", Freq_Band = 0, Sub_Band = 37,
        Bat_mV = 1 },
    },
  },
}
