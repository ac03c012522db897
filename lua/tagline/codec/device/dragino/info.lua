--- What Dragino's sensors tell of themselves on port 5: model, firmware, frequency band, battery.
--- Private to the modules dragino_….
local info = {}

--- The frame that `r` (codec.kit) is at the beginning of; nothing when it is wrong, which `r`
--- keeps.
function info.read(r)
  if not r:exactly(7) then return end
  local values = { Sensor_Model = r:read(">I1", "Sensor_Model") }
  values.Firmware_Version = ("%04x"):format(r:read(">I2", "Firmware_Version"))
  values.Freq_Band, values.Sub_Band = r:read(">I1", "Freq_Band"), r:read(">I1", "Sub_Band")
  values.Bat_mV = r:read(">I2", "Bat_mV")
  return values
end

return info
