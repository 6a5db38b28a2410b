"""F-I curves: firing rate against the amplitude of a current step."""
