"""Encoders of pictures."""
