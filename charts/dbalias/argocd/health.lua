-- How Argo CD judges DjangoProject, DatabaseAlias, DatabaseRoutingPolicy and DatabaseServer: by
-- their conditions.
-- Only what was said of the generation that stands counts: before that nobody has looked.
local generation, status = obj.metadata.generation, obj.status or {}
if status.observedGeneration ~= generation then
  return { status = "Progressing", message = "the operator has not looked at this version yet" }
end

local told = {}
for _, condition in ipairs(status.conditions or {}) do
  if condition.observedGeneration == generation then
    told[condition.type] = condition
  end
end
local ready, stalled, migrated = told.Ready, told.Stalled, told.Migrated

-- Only an edit or a request cures it.
if stalled and stalled.status == "True" then
  return { status = "Degraded", message = stalled.message }
end
if ready and ready.status == "True" then
  return { status = "Healthy", message = ready.message }
end

-- Nothing is wrong, and nothing goes on before a person says so.
local awaits_a_person = { AwaitingApproval = true, Pending = true, Suspended = true }
if ready and migrated and migrated.status == "False" and ready.reason == migrated.reason
  and awaits_a_person[ready.reason] then
  return { status = "Suspended", message = ready.message }
end
return { status = "Progressing", message = ready and ready.message or "no condition yet" }
