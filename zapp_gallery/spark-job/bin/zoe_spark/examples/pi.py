"""Estimates pi by throwing darts at a square. Argument: how many partitions (tasks), default 4."""

import random
import sys

from pyspark.sql import SparkSession

DARTS = 200_000  # per partition


def count_hits(partition: int) -> int:
    """Return how many darts of one partition land within the circle."""
    throw = random.Random(partition).random
    return sum(throw() ** 2 + throw() ** 2 <= 1 for _ in range(DARTS))


partitions = int(sys.argv[1]) if len(sys.argv) > 1 else 4
spark = SparkSession.builder.appName("pi").getOrCreate()
hits = spark.sparkContext.parallelize(range(partitions), partitions).map(count_hits).sum()
print(f"Pi is roughly {4 * hits / (DARTS * partitions):.5f}", flush=True)
spark.stop()
