"""Writes the Parquet files of this folder: one table in each compression, three days in New York over a change of clocks.

Made with pyarrow 25.0.1: python3 make.py
"""

import datetime as dt

import pyarrow as pa
import pyarrow.parquet as pq

days = [dt.date(2024, 3, 9) + dt.timedelta(days=k) for k in range(3)]
clocks = [dt.datetime.combine(day, dt.time(6)) for day in days]
# What those clocks show is 11, 10 and 10 o'clock in Greenwich.
moments = [dt.datetime(2024, 3, 9, 11), dt.datetime(2024, 3, 10, 10), dt.datetime(2024, 3, 11, 10)]
table = pa.table(
    {
        "day": pa.array(days, pa.date32()),
        "clock": pa.array(clocks, pa.timestamp("us")),
        "moment": pa.array(moments, pa.timestamp("ms", "UTC")),
        "y": pa.array([1.5, None, 3.0]),
        "text": pa.array(["abcabcabcabcabcabcabcabc" * 20] * 3),
    }
)
for compression in ["gzip", "brotli", "lz4", "zstd", "snappy"]:
    pq.write_table(table, f"{compression}.parquet", compression=compression, store_schema=False)
pq.write_table(table, "int96.parquet", use_deprecated_int96_timestamps=True, store_schema=False)
