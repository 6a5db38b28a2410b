"""What an experiment is: its data, and the two contracts that kinds of experiments are made of."""
