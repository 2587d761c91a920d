"""Trains reward classifiers on recorded episodes, and judges them on others."""
