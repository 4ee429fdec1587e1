"""Reads a file of events as its users' tools do, and prints what they see, as one JSON object."""

import json
import sys

import duckdb
import pyarrow.parquet as parquet

path = sys.argv[1]


def query(sql):
    """The rows of a query over the file, which it calls `events`."""
    return duckdb.sql(sql.replace("events", f"read_parquet('{path}')")).fetchall()


metadata = parquet.ParquetFile(path).metadata
table = parquet.read_table(path)
times = table.column("recorded_at").cast("int64").to_pylist()
rows = table.drop_columns(["recorded_at"]).to_pylist()
for row, time in zip(rows, times):
    row["recorded_at"] = time
    row["id"] = row["id"].hex()
    if row["data_binary"] is not None:
        row["data_binary"] = row["data_binary"].hex()

print(
    json.dumps(
        {
            "rows": rows,
            "events": query("select count(*) from events")[0][0],
            "streams": query("select count(distinct stream) from events")[0][0],
            "types": dict(query("select event_type, count(*) from events group by 1")),
            "tagged": dict(query("select unnest(tags) as tag, count(*) from events group by 1")),
            "amounts": int(
                query(
                    "select sum(cast(json_extract_string(data, '$.amount') as bigint)) from events"
                    " where json_valid(data)"
                )[0][0]
            ),
            # What the statistics of whole groups let a tool pass over.
            "of_one_stream": query("select count(*) from events where stream = 'account-1'")[0][0],
            "of_the_last_version": query("select count(*) from events where version > 18446744073709551000")[0][0],
            "groups_by_stream": duckdb.sql(
                f"select stats_min_value, stats_max_value from parquet_metadata('{path}')"
                " where path_in_schema = 'stream' order by row_group_id"
            ).fetchall(),
            # pyarrow believes only statistics whose order the file says.
            "groups_believed": [
                metadata.row_group(group).column(column).statistics.has_min_max
                for group in range(metadata.num_row_groups)
                for column in range(4)
            ],
            "groups_by_position": duckdb.sql(
                f"select stats_min_value, stats_max_value from parquet_metadata('{path}')"
                " where path_in_schema = 'position' order by row_group_id"
            ).fetchall(),
        }
    )
)
