drop table if exists {db}.traces_mv
