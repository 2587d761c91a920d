"""Soft actor-critic with demonstrations and human corrections."""
