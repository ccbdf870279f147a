"""Counts words. Argument: a text file of the workspace; without one, a built-in text."""

import re
import sys
from pathlib import Path

from pyspark.sql import SparkSession

TEXT = """\
The queue is long and the queue is fair.
The scheduler looks at the queue and starts what fits.
What does not fit waits, and the queue says why it waits.
"""
SHOWN = 20

lines = (Path(sys.argv[1]).read_text(encoding="utf-8") if len(sys.argv) > 1 else TEXT).splitlines()
spark = SparkSession.builder.appName("wordcount").getOrCreate()
counts = (
    spark.sparkContext.parallelize(lines)
    .flatMap(lambda line: re.findall(r"\w+", line.lower()))
    .map(lambda word: (word, 1))
    .reduceByKey(lambda one, other: one + other)
    .collect()
)
print(f"{sum(count for _, count in counts)} words, {len(counts)} different. The most frequent:")
for word, count in sorted(counts, key=lambda pair: (-pair[1], pair[0]))[:SHOWN]:
    print(f"{count:8} {word}")
sys.stdout.flush()
spark.stop()
