"""How indexing/line_reader.safetensors was trained: 184 documents, 5,377 questions, and the commands (README.md)."""
