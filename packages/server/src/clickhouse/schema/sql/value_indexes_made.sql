-- For the parts that are there: in the background, a minute for 100M spans.
alter table {db}.spans materialize index attribute_values, materialize index attribute_letters
