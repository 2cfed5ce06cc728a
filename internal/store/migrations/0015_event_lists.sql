-- Lists walk an organization's events by number, the newest first. Every filter
-- of a list stands in the index, so that events that don't fit cost no look at
-- their rows.
CREATE INDEX event_listed ON event (organization, seq, type, state, publisher, subject, accepted_at);

-- Events in another state than accepted are few: a list of them starts here.
CREATE INDEX event_unusual ON event (organization, state, seq) WHERE state <> 0;
