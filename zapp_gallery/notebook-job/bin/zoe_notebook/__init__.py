"""A notebook as a job: it is checked, run by papermill, and kept with its results."""
