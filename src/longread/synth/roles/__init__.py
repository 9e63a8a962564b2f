"""What a language model may do in synthesis: propose. Nothing it says is believed; all of it is checked."""
