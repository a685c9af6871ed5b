-- traffic_minutes has what it had.
drop table if exists {db}.topology_minutes
