--- What a line or a station says about times, and nothing reads: a mask without a time field, a
--- time field of payloads that have no fields. Pure.
local times = {}

local NO_FIELDS = 'is not used: payload_type is "Text only", which has no fields'
local NO_TIME = "is not used: no time_field_name is given, and no tag is a TiA or ToA"

local function names_field(params) return (params.time_field_name or "") ~= "" end

--- Does the station read a time: that of its messages, or of a tag?
local function reads_time(st)
  if names_field(st.params) and st.params.payload_type ~= "text" then return true end
  for _, one in ipairs(st.tags) do
    if one.type == "TiA" or one.type == "ToA" then return true end
  end
  return false
end

--- `own`: what the station says itself (nil: nothing). The field that is not used and why; nil:
--- there is none.
function times.of_station(st, own)
  if own and names_field(own) and st.params.payload_type == "text" then
    return "time_field_name", NO_FIELDS
  elseif own and own.time_mask and own.time_field_name == nil and not reads_time(st) then
    return "time_mask", NO_TIME
  end
end

--- The same of what a line says for all its stations. `given`: its fields as they stand there.
function times.of_line(one, given)
  local field, json = names_field(one.params), false
  local mask = given.time_mask ~= nil and given.time_field_name == nil
  if #one.stations == 0 or not (field or mask) then return end
  for _, st in ipairs(one.stations) do
    if reads_time(st) then return end
    json = json or st.params.payload_type ~= "text"
  end
  if field and not json then
    return "time_field_name", NO_FIELDS
  elseif mask then
    return "time_mask", NO_TIME
  end
end

return times
