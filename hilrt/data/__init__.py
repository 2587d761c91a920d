"""What is kept on disk: the journal of every step, and the statistics of its episodes. No torch here."""
