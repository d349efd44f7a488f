"""What the end-to-end scenarios share: a Fairing to start, an origin to script, a client that sends raw bytes."""
