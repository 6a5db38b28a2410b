"""What is called at a Python prompt."""
