"""Data sets on their way to the Hub: what their card says, and the files that are sent."""
