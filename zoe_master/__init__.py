"""The master: decides what runs, makes it run, and keeps its view in step with what really runs."""
