"""Tables, figures and the summary page of an experiment, made by its analyses; and what the jobs need."""
