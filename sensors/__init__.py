"""What devices say: the vocabulary of readings, topics and formats; imports nothing of ours."""
