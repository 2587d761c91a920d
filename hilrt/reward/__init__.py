"""What a trained reward classifier is, and how it judges frames."""
