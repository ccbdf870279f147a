"""The parts of a Spark standalone cluster as instances of one Zoe execution.

Master, workers and driver find each other by the addresses that Zoe puts into their commands, and
trust each other by a secret that only this execution has (:mod:`zoe_spark.shared`).
"""
