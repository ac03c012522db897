--- Adeunis TEMP (ARF8180): temperatures of one or two probes, big-endian. Version 2 has the
--- frames 0x43 and 0x30 (both sensors) and 0x10 (periods); from version 3 on there are 0x57, 0x58
--- and 0x30, and 0x10 as version 4 has it, 0x36 (alert) and 0x37 (software); others tell settings
--- and are declined. A 0x30 tells its version by its length; a 0x10 does not: the module reads
--- version 4's, `adeunis_temp.v2` version 2's. Values that the device recorded before the present
--- one are samples with their own times in `adeunis_temp.every(seconds)`, and left out by the
--- module itself, which does not know how far apart they are (frame 0x10 tells it as
--- `recording_period`).
local kit = require "tagline.codec.kit"

local EPOCH_2013 = 1356998400 -- of the device's timestamps
local NO_PROBE = -32768

-- Bits of the status byte, below three bits of a counter.
local TWO_CHANNELS, PROBLEM, TIMESTAMP, LOW_BATTERY = 0x10, 8, 4, 2

local settings = {
  [0x11] = true, [0x12] = true, [0x1F] = true, [0x20] = true, [0x2F] = true, [0x31] = true,
    [0x33] = true,
}

local function read_periods(r, values)
  if #r.bytes ~= 11 then return nil end -- of another version
  values.keep_alive_period = r:read(">I2", "keep_alive_period") * 10
  values.sent_together = r:read(">I2", "sent_together")
  local samplings, sampling = r:read(">I2", "samplings"), r:read(">I2", "sampling_period") * 2
  values.sampling_period, values.recording_period = sampling, samplings * sampling
  values.redundant_samples = r:read(">I1", "redundant_samples")
  return values
end

-- Version 2: periods of ten minutes, in its test mode of twenty seconds.
local TEST_MODE = 2
local function read_periods_v2(r, values)
  if #r.bytes < 9 then return nil end
  local unit = r.bytes:byte(9) == TEST_MODE and 20 or 600
  values.keep_alive_period = r:read(">I1", "keep_alive_period") * unit
  values.sending_period = r:read(">I1", "sending_period") * unit
  if #r.bytes >= 11 then values.sampling_period = r.bytes:byte(11) * (unit == 20 and 10 or 60) end
  return values
end

local function read_alert(r, values)
  if not r:exactly(3) then return end
  values.alert_code = r:read(">I1", "alert_code")
  return values
end

local function read_software(r, values)
  if not r:exactly(8) then return end
  local function version(name)
    return ("%d.%d.%d"):format(r:read(">I1", name), r:read(">I1", name), r:read(">I1", name))
  end
  values.app_version, values.rtu_version = version "app_version", version "rtu_version"
  return values
end

local about = { [0x10] = read_periods, [0x36] = read_alert, [0x37] = read_software }

local function read_temperature(r, what)
  local raw = r:read(">i2", what)
  if raw == NO_PROBE then return { value = raw / 10, status = "invalid" } end
  return raw / 10
end

-- Version 2: an internal and an external sensor, each with an identifier whose low bits are 0
-- when it is missing.
local function read_v2(r, values)
  if not r:exactly(8) then return end
  for _, name in ipairs { "temperature_1", "temperature_2" } do
    local sensor = r:read(">I1", "the sensor of " .. name)
    local raw = r:read(">i2", name)
    local is_there = sensor & 15 ~= 0 and raw ~= NO_PROBE
    values[name] = is_there and raw / 10 or { value = raw / 10, status = "invalid" }
  end
  return values
end

-- The present temperatures into `values`, and a list of earlier ones.
local function read_periodic(r, values, channels, last)
  local earlier = {}
  local size = last - r.at + 1
  if size < 2 * channels or size % (2 * channels) ~= 0 then
    r:fail(("expected whole sets of %d temperature%s, got %d bytes"):format(channels,
      channels == 1 and "" or "s", size))
    return
  end
  for i = 0, size // (2 * channels) - 1 do
    local into = i == 0 and values or {}
    for channel = 1, channels do
      into["temperature_" .. channel] = read_temperature(r, "temperature_" .. channel)
    end
    if i > 0 then earlier[i] = into end
  end
  return earlier
end

local function read_alarm(r, values, channels)
  for channel = 1, channels do
    local alarm = r:read(">I1", "alarm_" .. channel)
    values["alarm_" .. channel] = alarm <= 2 and alarm or { value = alarm, status = "invalid" }
    values["temperature_" .. channel] = read_temperature(r, "temperature_" .. channel)
  end
end

-- The end of the temperatures, and the time behind them when there is one.
local function read_time(r, status)
  if status & TIMESTAMP == 0 then return #r.bytes end
  local at = #r.bytes - 3
  if at < 3 then
    r:fail(("expected 4 bytes of timestamp, got %d"):format(r:left()))
    return #r.bytes
  end
  return at - 1, EPOCH_2013 + string.unpack(">I4", r.bytes, at)
end

local V2_SIZE = 8

local function read_frame(r, is_v2)
  local code = r:read(">I1", "the code of the frame")
  if settings[code] then return nil end
  if code ~= 0x43 and code ~= 0x57 and code ~= 0x58 and code ~= 0x30 and not about[code] then
    return r:fail(("expected a frame of the TEMP such as 0x57, got 0x%02X"):format(code), 1)
  end
  local status = r:read(">I1", "status")
  if r.err then return end
  local values = { counter = status >> 5, low_battery = status & LOW_BATTERY ~= 0 }
  if code == 0x43 or code == 0x30 and #r.bytes == V2_SIZE
    and (is_v2 or status & TIMESTAMP == 0) then
    return read_v2(r, values)
  end
  if code == 0x10 and is_v2 then return read_periods_v2(r, values) end
  if about[code] then return about[code](r, values) end

  values.configuration_problem = status & PROBLEM ~= 0
  local channels = status & TWO_CHANNELS ~= 0 and 2 or 1
  local last, time = read_time(r, status)
  if r.err then return end
  local bytes_each = code == 0x58 and 3 or 2
  if code ~= 0x57 and last - 2 ~= bytes_each * channels then
    return r:fail(("expected %d bytes of temperatures, got %d"):format(bytes_each * channels,
      last - 2), 3)
  end
  if code == 0x58 then
    read_alarm(r, values, channels)
    return values, time
  end
  local earlier = read_periodic(r, values, channels, last)
  return values, time, earlier
end

local fields = {
  { name = "temperature_1", unit = "°C",
    description = "version 2: the internal sensor; invalid without a probe" },
  { name = "temperature_2", unit = "°C",
    description = "version 2: the external sensor; invalid without a probe" },
  { name = "counter", description = "of frames, 0 to 7" },
  { name = "low_battery" },
  { name = "configuration_problem" },
  { name = "alarm_1", description = "0 none, 1 above the high threshold, 2 below the low one" },
  { name = "alarm_2", description = "as alarm_1" },
  { name = "keep_alive_period", unit = "s" },
  { name = "sending_period", unit = "s", description = "version 2" },
  { name = "sampling_period", unit = "s" },
  { name = "recording_period", unit = "s", description = "how far apart recorded values are" },
  { name = "sent_together", description = "how many recorded values a frame has" },
  { name = "redundant_samples" },
  { name = "alert_code", description = "0 normal, 1 up- and downlinks forbidden" },
  { name = "app_version" },
  { name = "rtu_version" },
}

local adeunis_temp = kit.device {
  name = "adeunis_temp",
  fields = fields,
  read = function(r)
    local values, time = read_frame(r)
    return values, time
  end,
  examples = {
    {
      description = "two channels, two sets, low battery, with a timestamp",
        input = "579601B3FF9C01F4FFFF14ABA3E9",
      output = { counter = 4, low_battery = true, configuration_problem = false,
        temperature_1 = 43.5, temperature_2 = -10 },
      time = 1703791337, -- 2023-12-28T19:22:17Z
    },
    {
      description = "one channel, one set without a probe", input = "57808000",
      output = {
        counter = 4, low_battery = false, configuration_problem = false,
        temperature_1 = { value = -3276.8, status = "invalid" },
      },
    },
    {
      description = "keep alive", input = "30F201B3FF9C",
      output = { counter = 7, low_battery = true, configuration_problem = false,
        temperature_1 = 43.5, temperature_2 = -10 },
    },
    {
      description = "alarm", input = "581001010802FF9C",
      output = {
        counter = 0, low_battery = false, configuration_problem = false, alarm_1 = 1,
          temperature_1 = 26.4, alarm_2 = 2,
        temperature_2 = -10,
      },
    },
    {
      description = "periods", input = "101021C000010001070800",
      output = {
        counter = 0, low_battery = false, keep_alive_period = 86400, sent_together = 1,
          sampling_period = 3600, recording_period = 3600,
        redundant_samples = 0,
      },
    },
    { description = "an alert", input = "362001", output = { counter = 1, low_battery = false,
      alert_code = 1 } },
    {
      description = "software", input = "3742040001020100",
      output = { counter = 2, low_battery = true, app_version = "4.0.1", rtu_version = "2.1.0" },
    },
    {
      description = "version 2", input = "43A2D1015E82FF06",
      output = { counter = 5, low_battery = true, temperature_1 = 35, temperature_2 = -25 },
    },
  },
}

--- The decoder of a device that records every so many seconds: what it recorded before becomes
--- samples, oldest first.
---@param seconds number
---@return tagline.Device
function adeunis_temp.every(seconds)
  if type(seconds) ~= "number" or not (seconds > 0 and seconds < math.huge) then
    error("adeunis_temp.every: expected seconds above 0, got " .. tostring(seconds), 2)
  end
  return kit.device {
    name = "adeunis_temp", fields = fields, examples = {},
    read = function(r)
      local values, time, earlier = read_frame(r)
      if r.err or values == nil or earlier == nil or #earlier == 0 then return values, time end
      local samples = {}
      for i = #earlier, 1, -1 do
        samples[#samples + 1] = { age = i * seconds, values = earlier[i] }
      end
      samples[#samples + 1] = { values = values }
      return samples, time
    end,
  }
end

--- The decoder of version 2, whose frame of periods cannot be told from version 4's.
adeunis_temp.v2 = kit.device {
  name = "adeunis_temp.v2", fields = fields,
  read = function(r)
    local values, time = read_frame(r, true)
    return values, time
  end,
  examples = {
    {
      description = "version 2", input = "43A2D1015E82FF06",
      output = { counter = 5, low_battery = true, temperature_1 = 35, temperature_2 = -25 },
    },
    {
      description = "periods", input = "1000900610000000010005",
      output = { counter = 0, low_battery = false, keep_alive_period = 86400,
        sending_period = 3600, sampling_period = 300 },
    },
    {
      description = "periods in test mode", input = "1000030210000000020005",
      output = { counter = 0, low_battery = false, keep_alive_period = 60, sending_period = 40,
        sampling_period = 50 },
    },
  },
}

return adeunis_temp
