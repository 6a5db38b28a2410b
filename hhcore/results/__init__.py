"""Tables, figures and the summary page of an experiment, made by the analyses it has; and what the jobs need."""
