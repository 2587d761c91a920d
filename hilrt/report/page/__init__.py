"""`hilrt report`: runs as one HTML file, for a browser and for paper."""
