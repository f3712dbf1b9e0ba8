"""The embedded model: fetch its weights once, serve them with llama.cpp on loopback."""
