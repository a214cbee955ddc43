"""How indexing/line_reader.safetensors was trained: 184 documents, 5,349 questions, and the commands (README.md)."""
