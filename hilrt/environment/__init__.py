"""Gymnasium environments in place of an arm."""
