"""What is measured of them: one module for each family of work."""
