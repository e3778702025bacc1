"""The starter kit: small real models and data sets that lie in the repository."""
