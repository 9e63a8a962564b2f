"""Chat models: messages in, a reply out."""
