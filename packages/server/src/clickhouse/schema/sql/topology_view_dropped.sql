-- Its rows are those of traffic_minutes, summed up by the store.
drop view if exists {db}.topology_minutes_mv
