"""What TWS does with the requests of its clients, by subject."""
