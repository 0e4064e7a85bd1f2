"""What each command takes, one file a command; read without loading torch."""
