"""Trains encoders on the user's own recordings, where no weights trained on photographs are at hand. No labels."""
